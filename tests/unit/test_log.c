/* SPDX-License-Identifier: MIT */
/*
 * test_log.c - the running log: what becomes durable when, in which order, and what an error means.
 */
#include "tests/unit/log_bench.h"

#include <errno.h>

#include "engine/base/memory.h"
#include "engine/base/prng.h"

/* ---- durability ---------------------------------------------------------------------------- */

static void
test_log_data_sync_hands_over_after_the_write(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    assert_true(log_bench_send(&bench, 330));
    assert_true(log_bench_send(&bench, 17));
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 0);
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    assert_int_equal(bench.durable_count, 0); /* only in a turn */
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 2);
    assert_int_equal(bench.end_count, 1);
    assert_int_equal(bench.durable_lsn, 330 + 17 + 2 * CHEK_LOG_COMMAND_OVERHEAD);
    assert_true(chek_log_is_idle(bench.log));
    assert_int_equal(chek_log_count(bench.log).sync_count, 0);
    log_bench_close(&bench);
}

static void
test_log_write_sync_hands_over_after_the_sync(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_WRITE_SYNC, FILE_SIZE);

    assert_true(log_bench_send(&bench, 330));
    chek_log_turn(bench.log);
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 0);
    log_bench_complete(&bench, CHEK_OP_SYNC, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 1);
    log_bench_close(&bench);
}

static void
test_log_sync_covers_only_writes_completed_before_it(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_WRITE_SYNC, FILE_SIZE);

    for (unsigned i = 0; i < 3; i++) {
        assert_true(log_bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK); /* its sync is submitted */
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK); /* too late for that sync */
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_SYNC), 1);
    log_bench_complete(&bench, CHEK_OP_SYNC, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 1);
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_SYNC), 1); /* one for both of the others */
    log_bench_complete(&bench, CHEK_OP_SYNC, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 3);
    assert_int_equal(chek_log_count(bench.log).sync_count, 2);
    log_bench_close(&bench);
}

/* All orders in which four writes can complete; commands come in log order every time. */
static void
test_log_hands_over_a_contiguous_prefix_in_any_order_of_completion(void **state)
{
    (void)state;
    for (unsigned order = 0; order < 256; order++) {
        unsigned slots[4] = {order & 3, order >> 2 & 3, order >> 4 & 3, order >> 6};
        if (slots[0] > 3 || slots[1] > 2 || slots[2] > 1 || slots[3] > 0) {
            continue; /* the n-th choice is among 4 - n writes */
        }
        struct log_bench bench;
        log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);
        bool done[4] = {false};
        struct chek_op *ops[4];
        for (unsigned i = 0; i < 4; i++) {
            assert_true(log_bench_send(&bench, 100));
            chek_log_turn(bench.log);
            ops[i] = bench.disk->pending[fake_disk_find(bench.disk, CHEK_OP_WRITE, i)];
        }
        for (unsigned i = 0; i < 4; i++) {
            unsigned at = fake_disk_find(bench.disk, CHEK_OP_WRITE, slots[i]);
            for (unsigned j = 0; j < 4; j++) {
                done[j] |= ops[j] == bench.disk->pending[at];
            }
            fake_disk_complete(bench.disk, at, CHEK_OK);
            chek_log_turn(bench.log);
            unsigned prefix = 0;
            while (prefix < 4 && done[prefix]) {
                prefix += 1;
            }
            assert_int_equal(bench.durable_count, prefix);
        }
        log_bench_close(&bench);
    }
}

static void
test_log_appends_from_inside_on_durable(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    bench.append_inside = bench.log;
    assert_true(log_bench_send(&bench, 100));
    log_bench_settle(&bench);
    assert_int_equal(bench.durable_count, 2);
    log_bench_close(&bench);
}

/* ---- groups -------------------------------------------------------------------------------- */

static void
test_log_turn_submits_at_most_four_groups_and_gathers_the_rest(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    for (unsigned i = 0; i < 100; i++) {
        assert_true(log_bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_WRITE), CHEK_LOG_GROUP_COUNT);
    log_bench_settle(&bench);
    assert_int_equal(bench.durable_count, 100);
    assert_int_equal(chek_log_count(bench.log).group_count, CHEK_LOG_GROUP_COUNT + 1 + 1);
    log_bench_close(&bench);
}

static void
test_log_append_begin_is_null_when_every_group_is_full(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, 16 * FILE_SIZE);

    while (log_bench_send(&bench, BIG_SIZE)) {
    }
    assert_int_equal(bench.sent_count, CHEK_LOG_GROUP_COUNT + 1);
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_WRITE), CHEK_LOG_GROUP_COUNT); /* at once */
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_true(log_bench_send(&bench, BIG_SIZE));
    assert_false(log_bench_send(&bench, BIG_SIZE));
    log_bench_settle(&bench);
    assert_int_equal(bench.durable_count, CHEK_LOG_GROUP_COUNT + 2);
    log_bench_close(&bench);
}

static void
test_log_append_end_keeps_less_or_nothing(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    assert_non_null(chek_log_append_begin(bench.log, 5000));
    assert_int_equal(chek_log_append_end(bench.log, 0), 0);
    chek_log_turn(bench.log);
    assert_int_equal(log_bench_pending(&bench, CHEK_OP_WRITE), 0);

    uint8_t *at = chek_log_append_begin(bench.log, 5000);
    chek_store_u64(at, 0);
    assert_int_equal(chek_log_append_end(bench.log, 9), 9 + CHEK_LOG_COMMAND_OVERHEAD);
    log_bench_settle(&bench);
    assert_int_equal(bench.durable_count, 1);
    log_bench_close(&bench);
}

/* What has_room promises is kept, whatever the sizes and wherever the files end. */
static void
test_log_has_room_is_a_promise(void **state)
{
    (void)state;
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    unsigned promised = 0, refused = 0;

    for (unsigned round = 0; round < 300; round++) {
        struct log_bench bench;
        uint64_t blocks = 8 + chek_prng_below(&prng, 200);
        log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, blocks * CHEK_BLOCK_SIZE);
        for (unsigned i = 0; i < 60; i++) {
            size_t size_max = 8 + chek_prng_below(&prng, 20000), sizes[64], total = 0;
            unsigned count = 1 + (unsigned)chek_prng_below(&prng, 64);
            for (unsigned j = 0; j < count; j++) {
                sizes[j] = 8 + chek_prng_below(&prng, size_max - 7);
                total += sizes[j] + CHEK_LOG_COMMAND_OVERHEAD;
            }
            if (chek_log_has_room(bench.log, total, size_max)) {
                promised += 1;
                for (unsigned j = 0; j < count; j++) {
                    assert_true(log_bench_send(&bench, sizes[j]));
                }
            } else {
                refused += 1;
            }
            if (chek_prng_below(&prng, 2) == 0) {
                chek_log_turn(bench.log);
            }
            if (bench.disk->pending_count != 0 && chek_prng_below(&prng, 2) == 0) {
                uint64_t at = chek_prng_below(&prng, bench.disk->pending_count);
                fake_disk_complete(bench.disk, (unsigned)at, CHEK_OK);
            }
        }
        log_bench_settle(&bench);
        assert_int_equal(bench.durable_count, bench.sent_count);
        log_bench_close(&bench);
    }
    assert_true(promised > 1000 && refused > 1000);
}

static void
test_log_runs_without_allocating(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_WRITE_SYNC, 100 * CHEK_BLOCK_SIZE);
    uint64_t before = chek_memory_count().allocation_count;

    for (unsigned i = 0; i < 500; i++) {
        (void)log_bench_send(&bench, 1000);
        if (i % 50 == 0) {
            log_bench_settle(&bench);
        }
    }
    log_bench_settle(&bench);
    assert_true(chek_log_count(bench.log).file_count > 1);
    assert_int_equal(chek_memory_count().allocation_count, before);
    log_bench_close(&bench);
}

/* ---- errors -------------------------------------------------------------------------------- */

/* `fail` of the operations named by `kind` ends with -EIO. */
static struct latch_case {
    const char *name;
    enum chek_sync_method method;
    enum chek_op_kind kind;
} latch_cases[] = {
    {"latch_after_a_data_sync_write_error", CHEK_SYNC_DATA_SYNC, CHEK_OP_WRITE},
    {"latch_after_a_write_error", CHEK_SYNC_WRITE_SYNC, CHEK_OP_WRITE},
    {"latch_after_a_sync_error", CHEK_SYNC_WRITE_SYNC, CHEK_OP_SYNC},
};

static void
test_log_latch(void **state)
{
    const struct latch_case *c = *state;
    struct log_bench bench;
    log_bench_open(&bench, c->method, FILE_SIZE);

    for (unsigned i = 0; i < 3; i++) {
        assert_true(log_bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    if (c->kind == CHEK_OP_SYNC) {
        log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    }
    log_bench_complete(&bench, c->kind, -EIO);
    assert_int_equal(bench.latch_count, 1);
    assert_int_equal(bench.latch_error, -EIO);
    assert_true(chek_log_is_latched(bench.log));
    assert_null(chek_log_append_begin(bench.log, 8));
    assert_int_equal(chek_log_room(bench.log), 0);

    /* What completes well later changes nothing, and no sync is asked for again. */
    while (bench.disk->pending_count != 0) {
        fake_disk_complete(bench.disk, 0, bench.disk->pending_count % 2 ? -EIO : CHEK_OK);
        chek_log_turn(bench.log);
        assert_int_equal(log_bench_pending(&bench, CHEK_OP_SYNC), 0);
    }
    assert_int_equal(bench.durable_count, 0);
    assert_int_equal(bench.end_count, 0);
    assert_int_equal(bench.latch_count, 1);
    assert_true(chek_log_is_quiet(bench.log));
    log_bench_close(&bench);
}

/* Durable, but not told yet when the error comes: nobody hears of it in this run. */
static void
test_log_hands_over_nothing_after_an_error(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    for (unsigned i = 0; i < 2; i++) {
        assert_true(log_bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    log_bench_complete(&bench, CHEK_OP_WRITE, -EIO);
    chek_log_turn(bench.log);
    assert_int_equal(bench.latch_count, 1);
    assert_int_equal(bench.durable_count, 0);
    log_bench_close(&bench);
}

static void
test_log_watermark_write_error_latches(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    bench.disk->now_ns += UINT64_C(1000000000);
    assert_true(log_bench_send(&bench, 100));
    chek_log_turn(bench.log);
    log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 1);
    log_bench_complete(&bench, CHEK_OP_WRITE, -EIO); /* the only write left is the watermark's */
    assert_int_equal(bench.latch_count, 1);
    log_bench_close(&bench);
}

static void
test_log_without_space_for_a_file_is_busy_and_goes_on_later(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    bench.disk->free_size = 5000;
    chek_log_turn(bench.log);
    log_bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_int_equal(chek_log_count(bench.log).prepare_error, -ENOSPC);
    assert_null(fake_disk_file(bench.disk, FILE_2)); /* its space was given back */
    while (log_bench_send(&bench, 3000)) {
        chek_log_turn(bench.log);
        while (fake_disk_find(bench.disk, CHEK_OP_WRITE, 0) != FAKE_PENDING_COUNT_MAX) {
            log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
            chek_log_turn(bench.log);
        }
    }
    /* What was taken is durable all the same, and the log is not latched. */
    assert_int_equal(bench.sent_count, 8);
    assert_int_equal(bench.durable_count, 8);
    assert_int_equal(bench.latch_count, 0);

    bench.disk->free_size = SIZE_MAX / 2;
    bench.disk->now_ns += UINT64_C(1000000000);
    log_bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).prepare_error, 0);
    assert_true(log_bench_send(&bench, 3000));
    log_bench_settle(&bench);
    assert_int_equal(bench.durable_count, 9);
    log_bench_close(&bench);
}

static void
test_log_latches_when_a_file_cannot_be_prepared_for_another_reason(void **state)
{
    (void)state;
    struct log_bench bench;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    chek_log_turn(bench.log);
    bench.disk->fail_call_at = 2; /* its first write of zeros */
    bench.disk->fail_call_error = -EIO;
    log_bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_int_equal(bench.latch_error, -EIO);
    log_bench_close(&bench);
}

/* Each disk call of the opening fails once: an error, nothing open, nothing leaked. */
static void
test_log_open_fails_cleanly_at_every_call(void **state)
{
    (void)state;
    for (unsigned method = CHEK_SYNC_PROBE; method <= CHEK_SYNC_WRITE_SYNC; method++) {
        uint64_t heap_size = chek_memory_count().heap_size;
        bool opened = false;
        for (unsigned n = 1; !opened; n++) {
            struct log_bench bench = {.disk = fake_disk_create()};
            bench.config = log_bench_config(&bench, method, 2 * FILE_SIZE);
            bench.disk->fail_call_at = n;
            bench.disk->fail_call_error = -EIO;
            int error = chek_log_open(&bench.disk->io, &bench.config, &bench.log);
            opened = bench.disk->fail_call_at != 0;
            assert_int_equal(error, opened ? CHEK_OK : -EIO);
            assert_true(opened == (bench.log != NULL));
            log_bench_close(&bench);
            assert_int_equal(chek_memory_count().heap_size, heap_size);
            assert_true(n < 1000);
        }
    }
}

static void
test_log_open_fails_cleanly_without_memory(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        struct log_bench bench = {.disk = fake_disk_create()};
        bench.config = log_bench_config(&bench, CHEK_SYNC_PROBE, FILE_SIZE);
        chek_memory_fail_at(n);
        assert_int_equal(chek_log_open(&bench.disk->io, &bench.config, &bench.log), -ENOMEM);
        chek_memory_fail_at(0);
        assert_null(bench.log);
        log_bench_close(&bench);
    }
}

/* How long groups took is told to within a quarter, upwards. */
static void
test_log_tells_how_long_groups_took(void **state)
{
    static const uint64_t waits_us[] = {0, 1, 3, 7, 100, 700, 950, 5000, 70000, 3000000};
    (void)state;
    struct log_bench bench;
    struct chek_log_counters counters;
    log_bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);
    counters = chek_log_count(bench.log);
    assert_int_equal(chek_waits_ns(&counters.groups, 990), 0);
    for (unsigned i = 0; i < CHEK_COUNT(waits_us); i++) {
        assert_true(log_bench_send(&bench, 100));
        chek_log_turn(bench.log);
        bench.disk->now_ns += waits_us[i] * 1000;
        log_bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
        chek_log_turn(bench.log);
        counters = chek_log_count(bench.log);
        for (unsigned j = 0; j <= i; j++) { /* the slowest but i - j */
            uint64_t wait_ns = chek_waits_ns(&counters.groups, (j + 1) * 1000 / (i + 1));
            assert_true(wait_ns >= waits_us[j] * 1000);
            assert_true(wait_ns <= waits_us[j] * 1250 + 1000);
        }
    }
    log_bench_close(&bench);
}

int
main(void)
{
    static const struct CMUnitTest plain[] = {
        cmocka_unit_test(test_log_data_sync_hands_over_after_the_write),
        cmocka_unit_test(test_log_write_sync_hands_over_after_the_sync),
        cmocka_unit_test(test_log_sync_covers_only_writes_completed_before_it),
        cmocka_unit_test(test_log_hands_over_a_contiguous_prefix_in_any_order_of_completion),
        cmocka_unit_test(test_log_appends_from_inside_on_durable),
        cmocka_unit_test(test_log_turn_submits_at_most_four_groups_and_gathers_the_rest),
        cmocka_unit_test(test_log_append_begin_is_null_when_every_group_is_full),
        cmocka_unit_test(test_log_append_end_keeps_less_or_nothing),
        cmocka_unit_test(test_log_has_room_is_a_promise),
        cmocka_unit_test(test_log_runs_without_allocating),
        cmocka_unit_test(test_log_hands_over_nothing_after_an_error),
        cmocka_unit_test(test_log_watermark_write_error_latches),
        cmocka_unit_test(test_log_without_space_for_a_file_is_busy_and_goes_on_later),
        cmocka_unit_test(test_log_latches_when_a_file_cannot_be_prepared_for_another_reason),
        cmocka_unit_test(test_log_open_fails_cleanly_at_every_call),
        cmocka_unit_test(test_log_open_fails_cleanly_without_memory),
        cmocka_unit_test(test_log_tells_how_long_groups_took),
    };
    struct CMUnitTest tests[CHEK_COUNT(plain) + CHEK_COUNT(latch_cases)];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(plain); i++) {
        tests[count++] = plain[i];
    }
    for (size_t i = 0; i < CHEK_COUNT(latch_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = latch_cases[i].name,
                                             .test_func = test_log_latch,
                                             .initial_state = &latch_cases[i]};
    }
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
