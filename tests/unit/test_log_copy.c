/* SPDX-License-Identifier: MIT */
/*
 * test_log_copy.c - a copy of a log ends where it was asked to, is replayed whole, and knows when
 * something of it is missing.
 */
#include "persist/log_copy.h"

#include <errno.h>

#include "tests/unit/log_fixture.h"
#include "tests/unit/table.h"

#define GROUP_COUNT 24
#define FILE_BLOCK_COUNT 8
#define NUMBER_FIRST 100
#define GENERATION 5

static const struct chek_log_known known = {.generation = GENERATION, .stream = 1, .file_first = 1};

/* A log, and where it was durable after each of its groups. */
struct history {
    struct fake_disk *disk;
    uint64_t lsns[GROUP_COUNT + 1];
    uint64_t counts[GROUP_COUNT + 1];
};

static void
history_make(struct history *history)
{
    struct log_writer writer;
    *history = (struct history){.disk = fake_disk_create()};
    log_writer_open(&writer, history->disk, GENERATION, 1, NUMBER_FIRST, FILE_BLOCK_COUNT);
    for (unsigned i = 1; i <= GROUP_COUNT; i++) {
        for (unsigned j = 0; j < 1 + i % 3 * 6; j++) { /* groups of one to three blocks */
            assert_true(log_writer_send(&writer, 700 + 10 * i));
        }
        if (i % 5 == 0) {
            log_writer_settle(&writer); /* with idle marks in between */
        } else {
            log_writer_harden(&writer);
        }
        history->lsns[i] = writer.durable_lsn;
        history->counts[i] = writer.durable_count;
        log_writer_settle(&writer);
    }
    log_writer_abandon(&writer);
}

/* Copy up to `lsn` into an empty disk. Returns what the copier said last. */
static int
copy_make(struct history *history, uint64_t lsn, struct fake_disk *to)
{
    static _Alignas(CHEK_BLOCK_SIZE) uint8_t bytes[CHEK_LOG_PIECE_SIZE];
    static uint8_t file[FILE_BLOCK_COUNT * CHEK_BLOCK_SIZE];
    struct chek_log_copy copy;
    struct chek_log_piece piece;
    int got;
    chek_log_copy_begin(&copy, &history->disk->io, log_folder_id, &known, lsn);
    while ((got = chek_log_copy_next(&copy, bytes, &piece)) == 1) {
        assert_true(piece.file_size <= sizeof file);
        assert_int_equal(piece.offset, 0); /* a file of this size is one piece */
        memset(file, 0, sizeof file);
        memcpy(file, bytes, piece.size);
        (void)fake_disk_put(to, piece.name, file, (size_t)piece.file_size);
    }
    chek_log_copy_end(&copy);
    return got;
}

static void
test_log_copy_is_replayed_up_to_its_end(void **state)
{
    (void)state;
    struct history history;
    history_make(&history);
    for (unsigned i = 0; i <= GROUP_COUNT; i++) {
        struct fake_disk *to = fake_disk_create();
        struct log_reader reader;
        assert_int_equal(copy_make(&history, history.lsns[i], to), 0);
        assert_int_equal(log_reader_run_known(&reader, to, NUMBER_FIRST, &known, 1, GENERATION),
                         CHEK_OK);
        assert_int_equal(reader.command_count, history.counts[i]);
        assert_int_equal(reader.cut_count, 0);
        assert_int_equal(reader.end_count, 1);
        assert_int_equal(reader.ends[0].lsn_end, history.lsns[i]);
        fake_disk_destroy(to);
    }
    assert_int_equal(history.disk->open_count, 0);
    fake_disk_destroy(history.disk);
}

/* Without its last block a copy is damaged, not shorter: its watermark says so. */
static void
test_log_copy_without_its_end_is_corrupt(void **state)
{
    (void)state;
    struct history history;
    history_make(&history);
    for (unsigned i = 1; i <= GROUP_COUNT; i++) {
        struct fake_disk *to = fake_disk_create();
        struct log_reader reader;
        assert_int_equal(copy_make(&history, history.lsns[i], to), 0);
        uint32_t number = 1;
        char name[LOG_NAME_SIZE];
        struct log_place place = {.generation = GENERATION, .stream = 1, .file = 1};
        do {
            place.file = ++number;
            persist__log_name(name, &place);
        } while (fake_disk_file(to, name) != NULL);
        struct fake_file *last = log_file_at(to, GENERATION, 1, number - 1);
        size_t block = last->size;
        while (block != 0 &&
               persist__log_is_zero(last->bytes + block - CHEK_BLOCK_SIZE, CHEK_BLOCK_SIZE)) {
            block -= CHEK_BLOCK_SIZE;
        }
        assert_true(block != 0);
        memset(last->bytes + block - CHEK_BLOCK_SIZE, 0, CHEK_BLOCK_SIZE);
        assert_int_equal(log_reader_run_known(&reader, to, NUMBER_FIRST, &known, 1, GENERATION),
                         CHEK_E_CORRUPT);
        fake_disk_destroy(to);
    }
    fake_disk_destroy(history.disk);
}

/* What is copied is checked; what lies behind is nobody's business yet. */
static void
test_log_copy_finds_damage_before_its_end_only(void **state)
{
    (void)state;
    struct history history;
    struct fake_disk *to = fake_disk_create();
    history_make(&history);
    struct fake_file *file = log_file_at(history.disk, GENERATION, 1, 1);
    for (size_t sector = 0; sector < LOG_SECTOR_COUNT; sector++) {
        file->bytes[sector * CHEK_SECTOR_SIZE + 77] ^= 1;
        assert_int_equal(copy_make(&history, history.lsns[3], to), CHEK_E_CORRUPT);
        file->bytes[sector * CHEK_SECTOR_SIZE + 77] ^= 1;
    }
    assert_int_equal(copy_make(&history, history.lsns[GROUP_COUNT] + 1, to), CHEK_E_CORRUPT);
    file = log_file_at(history.disk, GENERATION, 1, 3);
    file->bytes[77] ^= 1;
    assert_int_equal(copy_make(&history, history.lsns[3], to), 0);
    assert_int_equal(copy_make(&history, history.lsns[GROUP_COUNT], to), CHEK_E_CORRUPT);
    assert_int_equal(history.disk->open_count, 0);
    fake_disk_destroy(to);
    fake_disk_destroy(history.disk);
}

static void
test_log_copy_with_every_disk_call_failing(void **state)
{
    (void)state;
    struct history history;
    history_make(&history);
    unsigned n = 0;
    int got;
    do {
        struct fake_disk *to = fake_disk_create();
        history.disk->fail_call_at = ++n;
        history.disk->fail_call_error = -EIO;
        got = copy_make(&history, history.lsns[GROUP_COUNT], to);
        assert_true(got == 0 || got == -EIO);
        assert_int_equal(history.disk->open_count, 0);
        fake_disk_destroy(to);
    } while (got != 0);
    assert_true(n > 6);
    fake_disk_destroy(history.disk);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_log_copy_is_replayed_up_to_its_end);
    TABLE_TEST(&table, test_log_copy_without_its_end_is_corrupt);
    TABLE_TEST(&table, test_log_copy_finds_damage_before_its_end_only);
    TABLE_TEST(&table, test_log_copy_with_every_disk_call_failing);
    return table_run(&table, "log_copy");
}
