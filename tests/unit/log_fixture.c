/* SPDX-License-Identifier: MIT */
/*
 * log_fixture.c - a log's owner for tests, and its reader.
 */
#include "tests/unit/log_fixture.h"

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"

const uint64_t log_folder_id[2] = {UINT64_C(0x1122334455667788), UINT64_C(0x99aabbccddeeff00)};

/* ---- commands ------------------------------------------------------------------------------ */

size_t
log_command_size(uint64_t number)
{
    return 8 + (size_t)(number * 7919 % 700);
}

void
log_command_fill(uint64_t number, size_t size, uint8_t *ret)
{
    CHEK_ASSERT(size >= 8);
    chek_store_u64(ret, number);
    uint64_t value = number * UINT64_C(0x9e3779b97f4a7c15) + 1;
    for (size_t i = 8; i + 8 <= size; i += 8) {
        value = value * UINT64_C(0xd1342543de82ef95) + 1;
        chek_store_u64(ret + i, value);
    }
    memset(ret + size / 8 * 8, (int)(number & 0x7f) + 1, size % 8);
}

/* ---- writing ------------------------------------------------------------------------------- */

static void
writer_on_durable(void *context, const struct chek_log_command *commands, uint32_t count)
{
    struct log_writer *writer = context;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = chek_load_u64(commands[i].bytes.bytes);
        CHEK_ASSERT(number == writer->number_first + writer->durable_count);
        writer->durable_count += 1;
        writer->durable_lsn = commands[i].lsn;
    }
}

static void
writer_on_durable_end(void *context, uint64_t lsn)
{
    const struct log_writer *writer = context;
    CHEK_ASSERT(writer->durable_lsn == lsn);
}

static void
writer_on_latch(void *context, int error)
{
    (void)context;
    CHEK_ASSERT(error != error); /* nothing fails on this disk */
}

void
log_writer_open(struct log_writer *writer, struct fake_disk *disk, uint64_t generation,
                uint32_t stream, uint64_t number_first, uint32_t file_block_count)
{
    *writer = (struct log_writer){.disk = disk, .number_first = number_first};
    const struct chek_log_config config = {
        .stream = stream,
        .generation = generation,
        .folder_id = {log_folder_id[0], log_folder_id[1]},
        .file_size = (uint64_t)file_block_count * CHEK_BLOCK_SIZE,
        .method = CHEK_SYNC_DATA_SYNC,
        .context = writer,
        .on_durable = writer_on_durable,
        .on_durable_end = writer_on_durable_end,
        .on_latch = writer_on_latch,
    };
    int error = chek_log_open(&disk->io, &config, &writer->log);
    CHEK_ASSERT(error == CHEK_OK);
}

bool
log_writer_send(struct log_writer *writer, size_t size)
{
    uint8_t *at = chek_log_append_begin(writer->log, size);
    if (at == NULL) {
        return false;
    }
    log_command_fill(writer->number_first + writer->sent_count, size, at);
    writer->sent_count += 1;
    (void)chek_log_append_end(writer->log, size);
    return true;
}

void
log_writer_settle(struct log_writer *writer)
{
    chek_log_turn(writer->log);
    while (writer->disk->pending_count != 0) {
        fake_disk_complete(writer->disk, 0, CHEK_OK);
        chek_log_turn(writer->log);
    }
    CHEK_ASSERT(chek_log_is_quiet(writer->log));
}

void
log_writer_harden(struct log_writer *writer)
{
    unsigned at;
    chek_log_turn(writer->log);
    while ((at = fake_disk_find(writer->disk, CHEK_OP_WRITE, 0)) != FAKE_PENDING_COUNT_MAX) {
        fake_disk_complete(writer->disk, at, CHEK_OK);
        chek_log_turn(writer->log);
    }
    CHEK_ASSERT(chek_log_is_idle(writer->log));
}

void
log_writer_abandon(struct log_writer *writer)
{
    for (unsigned i = 0; i < writer->disk->pending_count; i++) {
        writer->disk->pending[i]->in_flight = false;
    }
    writer->disk->pending_count = 0;
    chek_log_close(writer->log);
    writer->log = NULL;
}

/* ---- whole logs --------------------------------------------------------------------------- */

uint64_t
log_golden_write(struct fake_disk *disk, bool settle)
{
    static const unsigned groups[] = {1, 9, 3, 20, 2, 24, 7, 1, 18, 12, 1, 5};
    struct log_writer writer;
    log_writer_open(&writer, disk, 5, 1, 100, 8);
    for (size_t i = 0; i < CHEK_COUNT(groups); i++) {
        for (unsigned j = 0; j < groups[i]; j++) {
            CHEK_ASSERT(log_writer_send(&writer,
                                        log_command_size(writer.number_first + writer.sent_count)));
        }
        log_writer_harden(&writer);
        unsigned work = fake_disk_find(disk, CHEK_OP_WORK, 0);
        if (work != FAKE_PENDING_COUNT_MAX) {
            fake_disk_complete(disk, work, CHEK_OK);
            chek_log_turn(writer.log);
        }
    }
    if (settle) {
        log_writer_settle(&writer);
    }
    uint64_t count = writer.durable_count;
    log_writer_abandon(&writer);
    return count;
}

uint64_t
log_plain_write(struct fake_disk *disk, unsigned group_count, bool settle)
{
    struct log_writer writer;
    log_writer_open(&writer, disk, 5, 1, 0, 16);
    for (unsigned i = 0; i < group_count; i++) {
        for (unsigned j = 0; j < 8; j++) {
            CHEK_ASSERT(log_writer_send(&writer, 400));
        }
        log_writer_harden(&writer);
    }
    if (settle) {
        log_writer_settle(&writer);
    }
    uint64_t count = writer.durable_count;
    log_writer_abandon(&writer);
    return count;
}

/* ---- reading ------------------------------------------------------------------------------- */

static int
reader_on_command(void *context, struct chek_bytes_view command)
{
    struct log_reader *reader = context;
    uint8_t want[1024];

    reader->command_count += 1;
    if (reader->command_count == reader->fail_at) {
        return CHEK_E_BUSY;
    }
    CHEK_ASSERT(command.size >= 8 && command.size <= sizeof want);
    log_command_fill(reader->number_next++, command.size, want);
    CHEK_ASSERT(memcmp(command.bytes, want, command.size) == 0);
    return CHEK_OK;
}

static void
reader_on_cut(void *context, const struct chek_log_fault *cut)
{
    struct log_reader *reader = context;
    reader->cut_count += 1;
    reader->cut = *cut;
}

static void
reader_on_end(void *context, const struct chek_log_known *end)
{
    struct log_reader *reader = context;
    CHEK_ASSERT(reader->end_count < FIXTURE_END_COUNT_MAX);
    reader->ends[reader->end_count++] = *end;
}

int
log_reader_run_known(struct log_reader *reader, struct fake_disk *disk, uint64_t number_first,
                     const struct chek_log_known *known, size_t known_count, uint64_t generation)
{
    const uint64_t fail_at = reader->fail_at;
    *reader = (struct log_reader){.number_next = number_first, .fail_at = fail_at};
    reader->recovery = (struct chek_log_recovery){
        .context = reader,
        .on_command = reader_on_command,
        .on_cut = reader_on_cut,
        .on_end = reader_on_end,
        .known_generation = generation,
        .known = known,
        .known_count = known_count,
    };
    unsigned open_count = disk->open_count;
    reader->error = chek_log_recover(&disk->io, log_folder_id, &reader->recovery,
                                     &reader->generation_last, &reader->fault);
    CHEK_ASSERT(disk->open_count == open_count);
    return reader->error;
}

int
log_reader_run(struct log_reader *reader, struct fake_disk *disk, uint64_t number_first)
{
    return log_reader_run_known(reader, disk, number_first, NULL, 0, 0);
}

/* ---- files --------------------------------------------------------------------------------- */

struct fake_file *
log_file_at(struct fake_disk *disk, uint64_t generation, uint32_t stream, uint32_t number)
{
    const struct log_place place = {.generation = generation, .stream = stream, .file = number};
    char name[LOG_NAME_SIZE];
    persist__log_name(name, &place);
    struct fake_file *file = fake_disk_file(disk, name);
    CHEK_ASSERT(file != NULL);
    return file;
}

void
log_block_seal(uint8_t *block, const struct log_place *place, uint32_t index)
{
    const uint64_t seed = persist__log_file_seed(place) + (uint64_t)index * LOG_SECTOR_COUNT;
    for (uint32_t i = LOG_SECTOR_COUNT; i-- > 0;) {
        uint8_t *sum = block + 64 + (size_t)i * 8;
        chek_store_u64(sum, 0);
        chek_store_u64(sum, chek_checksum_seeded(block + (size_t)i * CHEK_SECTOR_SIZE,
                                                 CHEK_SECTOR_SIZE, seed + i));
    }
}
