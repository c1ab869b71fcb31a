/* SPDX-License-Identifier: MIT */
/*
 * fuzz_log.c - recovery over any bytes: it ends with a known error or a state that it finds again.
 *
 * The input is a list of edits of a small log folder. Most inputs would end at the first sum, so
 * there are edits that make blocks with right sums and chosen heads, payloads and lost sectors.
 */
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/log_fixture.h"

#define FILE_BLOCK_COUNT 8
#define FILE_SIZE ((size_t)FILE_BLOCK_COUNT * CHEK_BLOCK_SIZE)
#define END_COUNT_MAX 64

enum edit {
    EDIT_RAW,
    EDIT_BLOCK,
    EDIT_COMMANDS,
    EDIT_WATERMARK,
    EDIT_SIZE,
    EDIT_KNOWN,
    EDIT_COUNT
};

struct run {
    struct fake_disk *disk;
    struct chek_log_known known[END_COUNT_MAX];
    size_t known_count;
    uint64_t known_generation;
    struct chek_log_known ends[END_COUNT_MAX];
    size_t end_count;
    uint64_t command_count, command_sum;
    unsigned cut_count;
};

/* ---- edits --------------------------------------------------------------------------------- */

/* One of two generations, two streams, three files or the watermark. */
static struct log_place
place_of(uint8_t which)
{
    return (struct log_place){
        .folder_id = {log_folder_id[0], log_folder_id[1] ^ (uint64_t)((which & 0x80) != 0)},
        .generation = 1 + (which & 1),
        .stream = which >> 1 & 1,
        .file = which >> 2 & 3,
    };
}

static struct fake_file *
file_of(struct run *run, const struct log_place *place)
{
    char name[LOG_NAME_SIZE];
    persist__log_name(name, place);
    struct fake_file *file = fake_disk_file(run->disk, name);
    if (file == NULL) {
        uint8_t *zeros = calloc(1, FILE_SIZE);
        CHEK_ASSERT(zeros != NULL);
        file = fake_disk_put(run->disk, name, zeros,
                             place->file != 0 ? FILE_SIZE : 2 * CHEK_BLOCK_SIZE);
        free(zeros);
    }
    return file;
}

static void
edit_raw(struct run *run, struct chek_cursor *in)
{
    const struct log_place place = place_of(chek_cursor_u8(in));
    uint16_t offset = chek_cursor_u16(in);
    struct chek_bytes_view bytes = chek_cursor_view(in, chek_cursor_u8(in));
    struct fake_file *file = file_of(run, &place);
    for (size_t i = 0; i < bytes.size && offset + i < file->size; i++) {
        file->bytes[offset + i] ^= bytes.bytes[i];
    }
}

/* Payload as it comes, or commands with right heads of the sizes that come. */
static size_t
payload_fill(struct chek_cursor *in, bool commands, uint64_t lsn, uint8_t *ret)
{
    struct chek_bytes_view bytes = chek_cursor_view(in, chek_cursor_u8(in));
    size_t size = 0;
    if (!commands) {
        if (bytes.size != 0) {
            memcpy(ret, bytes.bytes, bytes.size);
        }
        return bytes.size;
    }
    for (size_t i = 0; i < bytes.size; i++) {
        size_t command = 1 + (size_t)bytes.bytes[i] * 4;
        if (size + CHEK_LOG_COMMAND_OVERHEAD + command > LOG_PAYLOAD_SIZE) {
            break;
        }
        memset(ret + size + CHEK_LOG_COMMAND_OVERHEAD, bytes.bytes[i] + 1, command);
        persist__log_command_encode(ret + size, command, lsn + size);
        size += CHEK_LOG_COMMAND_OVERHEAD + command;
    }
    return size;
}

/* A block with right sums whose fields are the input's; then some of its sectors are lost. */
static void
edit_block(struct run *run, struct chek_cursor *in, bool commands)
{
    uint8_t payload[LOG_PAYLOAD_SIZE] = {0};
    struct log_place place = place_of(chek_cursor_u8(in));
    uint32_t index = chek_cursor_u8(in) % FILE_BLOCK_COUNT;
    uint8_t flags = chek_cursor_u8(in);
    uint64_t lsn = chek_cursor_u16(in);
    uint64_t durable_lsn = chek_cursor_u16(in);
    uint8_t lost = chek_cursor_u8(in);
    place.file += place.file == 0;
    size_t size = payload_fill(in, commands, lsn, payload);
    struct fake_file *file = file_of(run, &place);
    if (file->size != FILE_SIZE) {
        return;
    }
    uint8_t *block = file->bytes + (size_t)index * CHEK_BLOCK_SIZE;
    const struct log_head head = {
        .payload_size = (uint16_t)size,
        .lsn = lsn,
        .block = index,
        .file_block_count = FILE_BLOCK_COUNT,
    };
    persist__log_block_encode(block, &place, persist__log_file_seed(&place), &head, payload);
    chek_store_u16(block + 6, flags); /* what the encoder would not do */
    chek_store_u64(block + 40, durable_lsn);
    log_block_seal(block, &place, index);
    for (unsigned i = 0; i < LOG_SECTOR_COUNT; i++) {
        if ((lost >> i & 1) != 0) {
            memset(block + (size_t)i * CHEK_SECTOR_SIZE, 0, CHEK_SECTOR_SIZE);
        }
    }
}

static void
edit_watermark(struct run *run, struct chek_cursor *in)
{
    struct log_place place = place_of(chek_cursor_u8(in));
    uint32_t copy = chek_cursor_u8(in) % LOG_WATERMARK_COPY_COUNT;
    uint64_t lsn = chek_cursor_u16(in);
    place.file = 0;
    struct fake_file *file = file_of(run, &place);
    if (file->size == 2 * CHEK_BLOCK_SIZE) {
        persist__log_watermark_encode(file->bytes + (size_t)copy * CHEK_BLOCK_SIZE, &place, copy,
                                      lsn);
    }
}

static void
edit_size(struct run *run, struct chek_cursor *in)
{
    const struct log_place place = place_of(chek_cursor_u8(in));
    size_t size = chek_cursor_u16(in);
    struct fake_file *file = file_of(run, &place);
    file->size = size < file->size ? size : file->size;
}

static void
edit_known(struct run *run, struct chek_cursor *in)
{
    const struct log_place place = place_of(chek_cursor_u8(in));
    struct chek_log_known known = {.generation = place.generation, .stream = place.stream};
    known.file_first = 1u + chek_cursor_u8(in) % 3u;
    known.lsn_first = chek_cursor_u16(in);
    uint16_t size = chek_cursor_u16(in);
    known.ended = size != 0;
    known.lsn_end = known.ended ? known.lsn_first + size - 1 : 0;
    if (run->known_count < END_COUNT_MAX) {
        run->known[run->known_count++] = known;
        run->known_generation = 2;
    }
}

static void
edit_one(struct run *run, struct chek_cursor *in)
{
    switch (chek_cursor_u8(in) % EDIT_COUNT) {
    case EDIT_RAW:
        edit_raw(run, in);
        return;
    case EDIT_BLOCK:
        edit_block(run, in, false);
        return;
    case EDIT_COMMANDS:
        edit_block(run, in, true);
        return;
    case EDIT_WATERMARK:
        edit_watermark(run, in);
        return;
    case EDIT_SIZE:
        edit_size(run, in);
        return;
    default:
        edit_known(run, in);
    }
}

/* ---- recovery ------------------------------------------------------------------------------ */

static int
on_command(void *context, struct chek_bytes_view command)
{
    struct run *run = context;
    CHEK_ASSERT(command.size > 0 && command.size <= CHEK_LOG_COMMAND_SIZE_MAX);
    run->command_count += 1;
    for (size_t i = 0; i < command.size; i++) {
        run->command_sum = run->command_sum * 31 + command.bytes[i];
    }
    return CHEK_OK;
}

static void
on_cut(void *context, const struct chek_log_fault *cut)
{
    struct run *run = context;
    CHEK_ASSERT(memchr(cut->file, '\0', sizeof cut->file) != NULL);
    run->cut_count += 1;
}

static void
on_end(void *context, const struct chek_log_known *end)
{
    struct run *run = context;
    CHEK_ASSERT(end->ended && end->lsn_end >= end->lsn_first);
    if (run->end_count < END_COUNT_MAX) {
        run->ends[run->end_count++] = *end;
    }
}

static int
recover(struct run *run)
{
    uint64_t generation = 0;
    struct chek_log_fault fault = {0};
    const struct chek_log_recovery recovery = {
        .context = run,
        .on_command = on_command,
        .on_cut = on_cut,
        .on_end = on_end,
        .known_generation = run->known_generation,
        .known = run->known,
        .known_count = run->known_count,
    };
    int error = chek_log_recover(&run->disk->io, log_folder_id, &recovery, &generation, &fault);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT || error == CHEK_E_FOREIGN ||
                error == CHEK_E_VERSION);
    CHEK_ASSERT(error == CHEK_OK || fault.file[0] != '\0');
    CHEK_ASSERT(run->disk->open_count == 0);
    return error;
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct run run = {.disk = fake_disk_create()};
    struct chek_cursor in = chek_cursor_over(bytes, size);
    while (chek_cursor_left(&in) != 0) {
        edit_one(&run, &in);
    }
    if (recover(&run) == CHEK_OK) {
        /* What was recorded is what the next start finds: no more, no less, and nothing to cut. */
        struct run again = {.disk = run.disk, .known_generation = 2};
        memcpy(again.known, run.ends, sizeof run.ends);
        again.known_count = run.end_count;
        int error = recover(&again);
        CHEK_ASSERT(error == CHEK_OK);
        CHEK_ASSERT(again.command_count == run.command_count);
        CHEK_ASSERT(again.command_sum == run.command_sum);
        CHEK_ASSERT(again.cut_count == 0);
        CHEK_ASSERT(memcmp(again.ends, run.ends, sizeof run.ends) == 0);
    }
    fake_disk_destroy(run.disk);
    return 0;
}
