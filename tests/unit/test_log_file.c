/* SPDX-License-Identifier: MIT */
/*
 * test_log_file.c - the files of the running log, the marks it leaves, and the choice of method.
 */
#include "tests/unit/log_bench.h"

/* ---- files --------------------------------------------------------------------------------- */

static void
test_log_file_is_zeros_and_synced_with_its_name_before_use(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    const struct fake_file *file = fake_disk_file(bench.disk, FILE_1);
    assert_non_null(file);
    assert_int_equal(file->size, FILE_SIZE);
    assert_true(persist__log_is_zero(file->bytes, file->size));
    assert_true(file->sync_count >= 1);
    assert_true(bench.disk->folder_sync_count >= 2); /* the data folder and the log's */
    log_bench_close(&bench);
}

static void
test_log_waits_for_the_next_file(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    chek_log_turn(bench.log); /* asks the worker for the second file */
    while (log_bench_send(&bench, 3000)) {
        chek_log_turn(bench.log);
        log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
        chek_log_turn(bench.log);
    }
    assert_int_equal(bench.sent_count, 8);
    log_bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_true(log_bench_send(&bench, 3000));
    log_bench_settle(&bench);
    assert_int_equal(bench.durable_count, 9);
    assert_int_equal(chek_log_count(bench.log).file_count, 2);
    assert_false(persist__log_is_zero(fake_disk_file(bench.disk, FILE_2)->bytes, 512));
    log_bench_close(&bench);
}

/* Zeros are written as the current file is used: at first a MiB, all of them when two thirds are. */
static void
test_log_fills_the_next_file_as_the_current_one_is_used(void **state)
{
    (void)state;
    const uint64_t file_size = (uint64_t)4 << 20;
    struct log_bench bench;
    uint64_t used_size = 0;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, file_size);

    log_bench_settle(&bench);
    assert_int_equal(fake_disk_file(bench.disk, FILE_2)->size, (size_t)1 << 20);
    while (chek_log_count(bench.log).file_count == 1) {
        size_t filled_size = fake_disk_file(bench.disk, FILE_2)->size;
        assert_true(filled_size <= used_size + used_size / 2 + ((size_t)1 << 20));
        assert_true(filled_size == file_size || filled_size >= used_size);
        assert_true(log_bench_send(&bench, 100000));
        log_bench_settle(&bench);
        used_size = chek_log_count(bench.log).block_count * CHEK_BLOCK_SIZE;
    }
    assert_int_equal(fake_disk_file(bench.disk, FILE_2)->size, file_size);
    assert_true(fake_disk_file(bench.disk, FILE_2)->sync_count >= 1);
    log_bench_close(&bench);
}

/* A file that is twice as large as the one before is filled twice as fast. */
static void
test_log_files_double_from_the_first_one_on(void **state)
{
    (void)state;
    const uint64_t sizes[] = {CHEK_LOG_FILE_SIZE_MIN, 2 * CHEK_LOG_FILE_SIZE_MIN,
                              3 * CHEK_LOG_FILE_SIZE_MIN, 3 * CHEK_LOG_FILE_SIZE_MIN};
    struct log_bench bench = {.disk = fake_disk_create()};
    bench.config = log_bench_config(&bench, CHEK_SYNC_DATA_SYNC, sizes[3]);
    bench.config.file_size_first = sizes[0];
    assert_int_equal(chek_log_open(&bench.disk->io, &bench.config, &bench.log), CHEK_OK);

    while (chek_log_count(bench.log).file_count < CHEK_COUNT(sizes)) {
        assert_true(log_bench_send(&bench, 3900));
        log_bench_settle(&bench);
    }
    for (uint32_t i = 0; i < CHEK_COUNT(sizes); i++) {
        struct log_head head;
        char name[LOG_NAME_SIZE];
        const struct log_place place = {
            .folder_id = {11, 12}, .generation = 7, .stream = 3, .file = i + 1};
        persist__log_name(name, &place);
        const struct fake_file *file = fake_disk_file(bench.disk, name);
        assert_int_equal(file->size, sizes[i]);
        assert_int_equal(persist__log_head_decode(file->bytes, &place, 0, &head), CHEK_OK);
        assert_int_equal(head.file_block_count, sizes[i] / CHEK_BLOCK_SIZE);
    }
    log_bench_close(&bench);
}

/* What was not whole when the log was closed is not left over. */
static void
test_log_close_removes_a_file_that_is_being_filled(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, (uint64_t)4 << 20);

    chek_log_turn(bench.log);
    log_bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_non_null(fake_disk_file(bench.disk, FILE_2));
    chek_log_close(bench.log);
    assert_null(fake_disk_file(bench.disk, FILE_2));
    bench.log = NULL;
    log_bench_close(&bench);
}

static void
test_log_truncate_removes_whole_files_below(void **state)
{
    (void)state;
    struct log_bench bench;
    uint64_t lsn[32];
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    for (unsigned i = 0; i < 32; i++) {
        assert_true(log_bench_send(&bench, 3900));
        log_bench_settle(&bench);
        lsn[i] = chek_log_count(bench.log).durable_lsn;
    }
    assert_true(chek_log_count(bench.log).file_count > 3);
    assert_int_equal(chek_log_known_at(bench.log, 0).file_first, 1);
    struct chek_log_known known = chek_log_known_at(bench.log, lsn[12]);
    assert_true(known.file_first > 1);
    assert_true(known.lsn_first <= lsn[12]);
    assert_false(known.ended);
    assert_int_equal(known.generation, 7);
    assert_int_equal(known.stream, 3);

    chek_log_truncate(bench.log, lsn[12]);
    log_bench_settle(&bench);
    for (uint32_t number = 1; number <= chek_log_count(bench.log).file_count; number++) {
        char name[LOG_NAME_SIZE];
        const struct log_place place = {.generation = 7, .stream = 3, .file = number};
        persist__log_name(name, &place);
        assert_true((fake_disk_file(bench.disk, name) != NULL) == (number >= known.file_first));
    }
    /* Never the file that is in use. */
    uint64_t file_count = chek_log_count(bench.log).file_count;
    known = chek_log_known_at(bench.log, lsn[31]);
    assert_int_equal(known.file_first, file_count);
    log_bench_close(&bench);
}

static void
test_log_closes_files_that_are_full(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_WRITE_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    for (unsigned i = 0; i < 40; i++) {
        assert_true(log_bench_send(&bench, 20000));
        log_bench_settle(&bench);
    }
    assert_int_equal(bench.disk->open_count, 3); /* current, next, watermark */
    log_bench_close(&bench);
}

/* ---- marks --------------------------------------------------------------------------------- */

static void
test_log_idle_mark_is_written_once_when_all_is_quiet(void **state)
{
    (void)state;
    struct log_bench bench;
    struct log_head head;
    const struct log_place place = {.folder_id = {11, 12}, .generation = 7, .stream = 3, .file = 1};
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    log_bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).block_count, 0); /* nothing to mark yet */
    assert_true(log_bench_send(&bench, 100));
    log_bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).block_count, 2);
    log_bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).block_count, 2);

    const struct fake_file *file = fake_disk_file(bench.disk, FILE_1);
    assert_int_equal(persist__log_head_decode(file->bytes + CHEK_BLOCK_SIZE, &place, 1, &head),
                     CHEK_OK);
    assert_int_equal(head.flags, LOG_FLAGS_ALL);
    assert_int_equal(head.durable_lsn, 100 + CHEK_LOG_COMMAND_OVERHEAD);
    assert_int_equal(head.lsn, head.durable_lsn);
    assert_true(chek_log_is_quiet(bench.log));
    log_bench_close(&bench);
}

static void
test_log_idle_mark_waits_when_something_came_meanwhile(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    assert_true(log_bench_send(&bench, 100));
    chek_log_turn(bench.log);
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_TIMER), 1);
    assert_true(log_bench_send(&bench, 100));
    chek_log_turn(bench.log);
    log_bench_complete(&bench, CHEK_OP_TIMER, CHEK_OK);
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(chek_log_count(bench.log).block_count, 2); /* no mark between */
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_TIMER), 1);
    log_bench_close(&bench);
}

static uint64_t
watermark_read(struct log_bench *bench, uint32_t copy)
{
    const struct log_place place = {.folder_id = {11, 12}, .generation = 7, .stream = 3};
    const struct fake_file *file = fake_disk_file(bench->disk, WATERMARK);
    uint64_t lsn = 0;
    assert_int_equal(persist__log_watermark_decode(file->bytes + (size_t)copy * CHEK_BLOCK_SIZE,
                                                   &place, copy, &lsn),
                     CHEK_OK);
    return lsn;
}

static void
test_log_watermark_copies_are_written_in_turn(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_WRITE_SYNC, FILE_SIZE);

    assert_true(log_bench_send(&bench, 100));
    log_bench_settle(&bench);
    uint64_t first = chek_log_count(bench.log).durable_lsn;
    assert_true(log_bench_send(&bench, 100));
    log_bench_settle(&bench);
    uint64_t second = chek_log_count(bench.log).durable_lsn;
    assert_int_equal(watermark_read(&bench, 0), first);
    assert_int_equal(watermark_read(&bench, 1), second);
    log_bench_close(&bench);
}

static void
test_log_watermark_is_lazy_while_the_log_is_busy(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, 16 * FILE_SIZE);

    unsigned writes = 0;
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(log_bench_send(&bench, 100));
        chek_log_turn(bench.log);
        while (fake_disk_find(bench.disk, CHEK_OP_WRITE, 0) != FAKE_PENDING_COUNT_MAX) {
            log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
            writes += 1;
        }
        bench.disk->now_ns += 1000;
    }
    assert_int_equal(bench.durable_count, 999);
    assert_in_range(writes - 1000, 3, 4); /* one each 256 groups */
    log_bench_close(&bench);
}

/* ---- probe --------------------------------------------------------------------------------- */

static struct probe_case {
    const char *name;
    uint64_t data_sync_write_ns, write_ns, sync_ns;
    enum chek_sync_method want;
} probe_cases[] = {
    {"probe_takes_data_sync_when_it_is_faster", 11500, 10500, 6000, CHEK_SYNC_DATA_SYNC},
    {"probe_takes_write_sync_when_it_is_faster", 4016000, 11500, 1680000, CHEK_SYNC_WRITE_SYNC},
    {"probe_takes_data_sync_when_they_are_equal", 100, 60, 40, CHEK_SYNC_DATA_SYNC},
};

static void
test_log_probe(void **state)
{
    const struct probe_case *c = *state;
    struct log_bench bench = {.disk = fake_disk_create()};
    bench.disk->data_sync_write_ns = c->data_sync_write_ns;
    bench.disk->write_ns = c->write_ns;
    bench.disk->sync_ns = c->sync_ns;
    bench.config = log_bench_config(&bench, CHEK_SYNC_PROBE, FILE_SIZE);
    assert_int_equal(chek_log_open(&bench.disk->io, &bench.config, &bench.log), CHEK_OK);
    assert_int_equal(chek_log_count(bench.log).method, c->want);
    const struct fake_file *file = fake_disk_file(bench.disk, FILE_1);
    assert_true(persist__log_is_zero(file->bytes, file->size));
    log_bench_close(&bench);
}

int
main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_log_file_is_zeros_and_synced_with_its_name_before_use),
        cmocka_unit_test(test_log_waits_for_the_next_file),
        cmocka_unit_test(test_log_fills_the_next_file_as_the_current_one_is_used),
        cmocka_unit_test(test_log_files_double_from_the_first_one_on),
        cmocka_unit_test(test_log_close_removes_a_file_that_is_being_filled),
        cmocka_unit_test(test_log_truncate_removes_whole_files_below),
        cmocka_unit_test(test_log_closes_files_that_are_full),
        cmocka_unit_test(test_log_idle_mark_is_written_once_when_all_is_quiet),
        cmocka_unit_test(test_log_idle_mark_waits_when_something_came_meanwhile),
        cmocka_unit_test(test_log_watermark_copies_are_written_in_turn),
        cmocka_unit_test(test_log_watermark_is_lazy_while_the_log_is_busy),
    };
    struct CMUnitTest tests[CHEK_COUNT(plain) + CHEK_COUNT(probe_cases)];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(plain); i++) {
        tests[count++] = plain[i];
    }
    for (size_t i = 0; i < CHEK_COUNT(probe_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = probe_cases[i].name,
                                             .test_func = test_log_probe,
                                             .initial_state = &probe_cases[i]};
    }
    return cmocka_run_group_tests_name("log_file", tests, NULL, NULL);
}
