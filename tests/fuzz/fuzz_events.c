/* SPDX-License-Identifier: MIT */
/*
 * fuzz_events.c - a start and an offline check believe the same of any event files, and read the same.
 *
 * The input is a list of edits of an event folder. Most damage would end at a sum, so there are edits
 * that append blocks with right sums and chosen heads, and one that lets the real writer go on.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "persist/event_block.h"
#include "persist/event_scan.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/fake_disk.h"

#define PARTITIONS 3
#define FILE_SIZE_MAX 16384
#define RUN_COUNT_MAX 2
#define EDIT_COUNT_MAX 256
#define EVENTS_AT_ONCE 40

enum edit { EDIT_RUN, EDIT_BLOCK, EDIT_RAW, EDIT_SIZE, EDIT_COUNT };

static const uint64_t folder_id[2] = {11, 12};

struct run {
    struct fake_disk *disk;
    unsigned generation;
    uint64_t lasts[PARTITIONS + 1]; /* that the check has seen */
    uint64_t sums[PARTITIONS + 1];  /* of the bodies */
    uint32_t blocks[PARTITIONS + 1];
};

static uint64_t
sum_add(uint64_t sum, struct chek_bytes_view body, uint64_t seq)
{
    return chek_checksum_seeded(body.bytes, body.size, sum ^ seq);
}

/* ---- edits ------------------------------------------------------------------------------------ */

static struct fake_file *
file_of(struct run *run, uint8_t which, const uint8_t *bytes, size_t size)
{
    char name[32];
    (void)snprintf(name, sizeof name, CHEK_EVENT_FOLDER "/%c", 'a' + which % 3);
    struct fake_file *file = fake_disk_file(run->disk, name);
    if (file == NULL || bytes != NULL) {
        file = fake_disk_put(run->disk, name, bytes, size);
    }
    return file;
}

/* A block with right sums behind what there is. */
static void
edit_block(struct run *run, struct chek_cursor *in)
{
    static uint8_t bytes[FILE_SIZE_MAX];
    uint8_t which = chek_cursor_u8(in);
    struct persist__event_head head = {
        .partition = chek_cursor_u8(in) % (PARTITIONS + 2), /* one is above */
        .seq = chek_cursor_u8(in),
        .count = chek_cursor_u8(in),
    };
    uint64_t id[2] = {folder_id[0], folder_id[1] + ((which & 0x80) != 0)};
    struct chek_bytes_view body = chek_cursor_view(in, chek_cursor_u8(in));
    struct fake_file *file = file_of(run, which, NULL, 0);
    size_t size = file->size;
    if (in->error != CHEK_OK ||
        size + persist__event_block_size((uint32_t)body.size) > FILE_SIZE_MAX) {
        return;
    }
    head.size = (uint32_t)body.size;
    memset(bytes, 0, sizeof bytes);
    if (size != 0) {
        memcpy(bytes, file->bytes, size);
    }
    persist__event_head_write(&head, id, body.bytes, bytes + size);
    if (body.size != 0) {
        memcpy(bytes + size + EVENT_HEAD_SIZE, body.bytes, body.size);
    }
    (void)file_of(run, which, bytes, size + persist__event_block_size((uint32_t)body.size));
}

static struct fake_file *
file_any(struct run *run, uint8_t which)
{
    struct fake_file *files[FAKE_FILE_COUNT_MAX];
    size_t count = 0;
    for (size_t i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        if (run->disk->files[i].exists && run->disk->files[i].size != 0) {
            files[count++] = &run->disk->files[i];
        }
    }
    return count != 0 ? files[which % count] : NULL;
}

static void
edit_raw(struct run *run, struct chek_cursor *in)
{
    struct fake_file *file = file_any(run, chek_cursor_u8(in));
    uint16_t offset = chek_cursor_u16(in);
    uint8_t value = chek_cursor_u8(in);
    if (file != NULL) {
        file->bytes[offset % file->size] ^= value;
    }
}

static void
edit_size(struct run *run, struct chek_cursor *in)
{
    struct fake_file *file = file_any(run, chek_cursor_u8(in));
    uint16_t size = chek_cursor_u16(in);
    if (file != NULL && size < file->size) {
        file->size = size;
    }
}

/* ---- the real writer and reader --------------------------------------------------------------- */

static void
on_error(void *context, int error)
{
    (void)context;
    (void)error;
    CHEK_ASSERT(false); /* no disk call fails here */
}

static int
open(struct run *run, struct chek_event_index **ret_index, struct chek_event_log **ret_log)
{
    struct chek_event_log_config config = {
        .generation = run->generation + 1,
        .folder_id = {folder_id[0], folder_id[1]},
        .partition_count = PARTITIONS,
        .on_error = on_error,
    };
    int error = chek_event_index_load(&run->disk->io, folder_id, PARTITIONS, ret_index);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_VERSION);
    if (error != CHEK_OK) {
        CHEK_ASSERT(run->disk->open_count == 0);
        return error;
    }
    run->generation += 1;
    error = chek_event_log_open(&run->disk->io, *ret_index, &config, ret_log);
    CHEK_ASSERT(error == CHEK_OK);
    return CHEK_OK;
}

static void
close(struct run *run, struct chek_event_index *index, struct chek_event_log *log)
{
    chek_event_log_close(log);
    chek_event_index_free(index, &run->disk->io);
    CHEK_ASSERT(run->disk->open_count == 0);
}

/* A run of a server: it goes on behind what it believes. */
static void
edit_run(struct run *run, struct chek_cursor *in)
{
    struct chek_event_index *index;
    struct chek_event_log *log;
    uint8_t counts = chek_cursor_u8(in);
    if (run->generation >= RUN_COUNT_MAX || open(run, &index, &log) != CHEK_OK) {
        return;
    }
    for (uint16_t partition = 0; partition <= PARTITIONS; partition++) {
        uint64_t last = chek_event_index_last(index, partition);
        uint64_t count = (counts >> 2 * partition & 3) * (uint64_t)EVENTS_AT_ONCE / 3;
        for (uint64_t seq = last + 1; seq <= last + count; seq++) {
            struct chek_event event = {.registration = partition, .ordinal = (uint32_t)seq};
            chek_event_log_add(log, partition, seq, &event);
        }
    }
    int error = chek_event_log_flush_now(log);
    CHEK_ASSERT(error == CHEK_OK);
    close(run, index, log);
}

struct reader {
    struct chek_event_read read;
    uint64_t next, sum;
    uint32_t blocks;
    bool is_end;
};

static void
on_read(struct chek_event_read *read, int error, struct chek_bytes_view body, uint64_t seq,
        uint32_t count)
{
    struct reader *reader = CHEK_CONTAINER_OF(read, struct reader, read);
    CHEK_ASSERT(error == CHEK_OK); /* the index has looked at every body of so small a file */
    reader->is_end = count == 0;
    if (count != 0) {
        CHEK_ASSERT(seq == reader->next);
        reader->sum = sum_add(reader->sum, body, seq);
        reader->next = seq + count;
        reader->blocks += 1;
    }
}

/* Every stream from the beginning: the blocks that the check has seen, and no other. */
static void
streams_read(struct run *run, struct chek_event_log *log)
{
    for (uint16_t partition = 0; partition <= PARTITIONS; partition++) {
        static struct reader reader;
        reader = (struct reader){.read.on_read = on_read, .next = 1};
        while (!reader.is_end) {
            chek_event_log_read(log, partition, reader.next, &reader.read);
            while (run->disk->pending_count != 0) {
                fake_disk_complete(run->disk, 0, CHEK_OK);
            }
        }
        CHEK_ASSERT(reader.next == run->lasts[partition] + 1);
        CHEK_ASSERT(reader.blocks == run->blocks[partition]);
        CHEK_ASSERT(reader.sum == run->sums[partition]);
    }
}

/* ---- the check -------------------------------------------------------------------------------- */

static int
on_block(void *context, const struct chek_event_block *block)
{
    struct run *run = context;
    CHEK_ASSERT(block->partition <= PARTITIONS && block->count != 0);
    CHEK_ASSERT(block->seq == run->lasts[block->partition] + 1);
    run->lasts[block->partition] = block->seq + block->count - 1;
    run->sums[block->partition] = sum_add(run->sums[block->partition], block->body, block->seq);
    run->blocks[block->partition] += 1;
    return CHEK_OK;
}

static void
on_fault(void *context, const char *file, uint64_t offset, int error)
{
    struct run *run = context;
    const struct fake_file *found = fake_disk_file(run->disk, file);
    CHEK_ASSERT(error == CHEK_E_CORRUPT || error == CHEK_E_GAP || error == CHEK_E_FOREIGN ||
                error == CHEK_E_RESERVED);
    CHEK_ASSERT(found != NULL && offset < found->size);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static void (*const edits[EDIT_COUNT])(struct run * run, struct chek_cursor * in) = {
        [EDIT_RUN] = edit_run,
        [EDIT_BLOCK] = edit_block,
        [EDIT_RAW] = edit_raw,
        [EDIT_SIZE] = edit_size,
    };
    struct run run = {.disk = fake_disk_create()};
    struct chek_event_visitor visitor = {&run, on_block, on_fault};
    struct chek_event_index *index;
    struct chek_event_log *log;
    struct chek_cursor in = chek_cursor_over(bytes, size);
    for (unsigned i = 0; i < EDIT_COUNT_MAX && chek_cursor_left(&in) != 0; i++) {
        edits[chek_cursor_u8(&in) % EDIT_COUNT](&run, &in);
    }
    int error = chek_event_scan(&run.disk->io, folder_id, PARTITIONS, &visitor);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_VERSION);
    int opened = open(&run, &index, &log);
    CHEK_ASSERT(opened == error);
    if (opened == CHEK_OK) {
        streams_read(&run, log);
        close(&run, index, log);
    }
    fake_disk_destroy(run.disk);
    return 0;
}
