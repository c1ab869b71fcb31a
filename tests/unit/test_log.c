/* SPDX-License-Identifier: MIT */
/*
 * test_log.c - the running log: what becomes durable when, in which order, and what an error means.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <errno.h>

#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/base/prng.h"
#include "persist/log.h"
#include "persist/log_format.h"
#include "tests/unit/fake_disk.h"

#define FILE_1 "log/0000000000000007-0003-00000001.log"
#define FILE_2 "log/0000000000000007-0003-00000002.log"
#define WATERMARK "log/0000000000000007-0003.mark"
#define FILE_SIZE (1024 * 1024)
#define BIG_SIZE (200 * 1024) /* two do not fit a group */

/* One log on one disk, and what it told its owner. */
struct bench {
    struct fake_disk *disk;
    struct chek_log *log;
    struct chek_log_config config;
    uint64_t sent_count; /* commands carry their number, from 0 */
    uint64_t durable_count;
    uint64_t durable_lsn;
    unsigned end_count, latch_count;
    int latch_error;
    struct chek_log *append_inside; /* append a command from on_durable once */
};

static void
on_durable(void *context, struct chek_bytes_view command, uint64_t lsn)
{
    struct bench *bench = context;
    assert_true(command.size >= 8);
    assert_int_equal(chek_load_u64(command.bytes), bench->durable_count);
    assert_true(lsn > bench->durable_lsn);
    bench->durable_count += 1;
    bench->durable_lsn = lsn;
    if (bench->append_inside != NULL) {
        uint8_t *at = chek_log_append_begin(bench->append_inside, 8);
        assert_non_null(at);
        chek_store_u64(at, bench->sent_count++);
        (void)chek_log_append_end(bench->append_inside, 8);
        bench->append_inside = NULL;
    }
}

static void
on_durable_end(void *context, uint64_t lsn)
{
    struct bench *bench = context;
    assert_int_equal(lsn, bench->durable_lsn);
    bench->end_count += 1;
}

static void
on_latch(void *context, int error)
{
    struct bench *bench = context;
    bench->latch_count += 1;
    bench->latch_error = error;
}

static void
bench_open(struct bench *bench, enum chek_sync_method method, uint64_t file_size)
{
    *bench = (struct bench){.disk = fake_disk_create()};
    bench->config = (struct chek_log_config){
        .stream = 3,
        .generation = 7,
        .folder_id = {11, 12},
        .file_size = file_size,
        .method = method,
        .context = bench,
        .on_durable = on_durable,
        .on_durable_end = on_durable_end,
        .on_latch = on_latch,
    };
    assert_int_equal(chek_log_open(&bench->disk->io, &bench->config, &bench->log), CHEK_OK);
}

static void
bench_close(struct bench *bench)
{
    while (bench->disk->pending_count != 0) {
        fake_disk_complete(bench->disk, 0, CHEK_OK);
    }
    chek_log_close(bench->log);
    assert_int_equal(bench->disk->open_count, 0);
    fake_disk_destroy(bench->disk);
}

/* Append one numbered command of `size` bytes; false when there is no room. */
static bool
bench_send(struct bench *bench, size_t size)
{
    uint8_t *at = chek_log_append_begin(bench->log, size);
    if (at == NULL) {
        return false;
    }
    memset(at, 0x5a, size);
    chek_store_u64(at, bench->sent_count++);
    (void)chek_log_append_end(bench->log, size);
    return true;
}

/* Complete the first pending operation of a kind. */
static void
bench_complete(struct bench *bench, enum chek_op_kind kind, int error)
{
    fake_disk_complete(bench->disk, fake_disk_find(bench->disk, kind, 0), error);
}

static unsigned
bench_pending(const struct bench *bench, enum chek_op_kind kind)
{
    unsigned count = 0;
    while (fake_disk_find(bench->disk, kind, count) != FAKE_PENDING_COUNT_MAX) {
        count += 1;
    }
    return count;
}

/* Turn and complete everything until nothing happens any more. */
static void
bench_settle(struct bench *bench)
{
    for (unsigned i = 0; i < 1000; i++) {
        chek_log_turn(bench->log);
        if (bench->disk->pending_count == 0) {
            return;
        }
        fake_disk_complete(bench->disk, 0, CHEK_OK);
    }
    fail_msg("the log does not settle");
}

/* ---- durability ---------------------------------------------------------------------------- */

static void
test_log_data_sync_hands_over_after_the_write(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    assert_true(bench_send(&bench, 330));
    assert_true(bench_send(&bench, 17));
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 0);
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    assert_int_equal(bench.durable_count, 0); /* only in a turn */
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 2);
    assert_int_equal(bench.end_count, 1);
    assert_int_equal(bench.durable_lsn, 330 + 17 + 2 * CHEK_LOG_COMMAND_OVERHEAD);
    assert_true(chek_log_is_idle(bench.log));
    assert_int_equal(chek_log_count(bench.log).sync_count, 0);
    bench_close(&bench);
}

static void
test_log_write_sync_hands_over_after_the_sync(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_WRITE_SYNC, FILE_SIZE);

    assert_true(bench_send(&bench, 330));
    chek_log_turn(bench.log);
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 0);
    bench_complete(&bench, CHEK_OP_SYNC, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 1);
    bench_close(&bench);
}

static void
test_log_sync_covers_only_writes_completed_before_it(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_WRITE_SYNC, FILE_SIZE);

    for (unsigned i = 0; i < 3; i++) {
        assert_true(bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK); /* its sync is submitted */
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK); /* too late for that sync */
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    assert_int_equal(bench_pending(&bench, CHEK_OP_SYNC), 1);
    bench_complete(&bench, CHEK_OP_SYNC, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 1);
    assert_int_equal(bench_pending(&bench, CHEK_OP_SYNC), 1); /* one for both of the others */
    bench_complete(&bench, CHEK_OP_SYNC, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 3);
    assert_int_equal(chek_log_count(bench.log).sync_count, 2);
    bench_close(&bench);
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
        struct bench bench;
        bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);
        bool done[4] = {false};
        struct chek_op *ops[4];
        for (unsigned i = 0; i < 4; i++) {
            assert_true(bench_send(&bench, 100));
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
        bench_close(&bench);
    }
}

static void
test_log_appends_from_inside_on_durable(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    bench.append_inside = bench.log;
    assert_true(bench_send(&bench, 100));
    bench_settle(&bench);
    assert_int_equal(bench.durable_count, 2);
    bench_close(&bench);
}

/* ---- groups -------------------------------------------------------------------------------- */

static void
test_log_turn_submits_at_most_four_groups_and_gathers_the_rest(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    for (unsigned i = 0; i < 100; i++) {
        assert_true(bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    assert_int_equal(bench_pending(&bench, CHEK_OP_WRITE), CHEK_LOG_GROUP_COUNT);
    bench_settle(&bench);
    assert_int_equal(bench.durable_count, 100);
    assert_int_equal(chek_log_count(bench.log).group_count, CHEK_LOG_GROUP_COUNT + 1 + 1);
    bench_close(&bench);
}

static void
test_log_append_begin_is_null_when_every_group_is_full(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, 16 * FILE_SIZE);

    while (bench_send(&bench, BIG_SIZE)) {
    }
    assert_int_equal(bench.sent_count, CHEK_LOG_GROUP_COUNT + 1);
    assert_int_equal(bench_pending(&bench, CHEK_OP_WRITE), CHEK_LOG_GROUP_COUNT); /* at once */
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_true(bench_send(&bench, BIG_SIZE));
    assert_false(bench_send(&bench, BIG_SIZE));
    bench_settle(&bench);
    assert_int_equal(bench.durable_count, CHEK_LOG_GROUP_COUNT + 2);
    bench_close(&bench);
}

static void
test_log_append_end_keeps_less_or_nothing(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    assert_non_null(chek_log_append_begin(bench.log, 5000));
    assert_int_equal(chek_log_append_end(bench.log, 0), 0);
    chek_log_turn(bench.log);
    assert_int_equal(bench_pending(&bench, CHEK_OP_WRITE), 0);

    uint8_t *at = chek_log_append_begin(bench.log, 5000);
    chek_store_u64(at, 0);
    assert_int_equal(chek_log_append_end(bench.log, 9), 9 + CHEK_LOG_COMMAND_OVERHEAD);
    bench_settle(&bench);
    assert_int_equal(bench.durable_count, 1);
    bench_close(&bench);
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
        struct bench bench;
        uint64_t blocks = 8 + chek_prng_below(&prng, 200);
        bench_open(&bench, CHEK_SYNC_DATA_SYNC, blocks * CHEK_BLOCK_SIZE);
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
                    assert_true(bench_send(&bench, sizes[j]));
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
        bench_settle(&bench);
        assert_int_equal(bench.durable_count, bench.sent_count);
        bench_close(&bench);
    }
    assert_true(promised > 1000 && refused > 1000);
}

static void
test_log_runs_without_allocating(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_WRITE_SYNC, 100 * CHEK_BLOCK_SIZE);
    uint64_t before = chek_memory_count().allocation_count;

    for (unsigned i = 0; i < 500; i++) {
        (void)bench_send(&bench, 1000);
        if (i % 50 == 0) {
            bench_settle(&bench);
        }
    }
    bench_settle(&bench);
    assert_true(chek_log_count(bench.log).file_count > 1);
    assert_int_equal(chek_memory_count().allocation_count, before);
    bench_close(&bench);
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
    struct bench bench;
    bench_open(&bench, c->method, FILE_SIZE);

    for (unsigned i = 0; i < 3; i++) {
        assert_true(bench_send(&bench, 100));
        chek_log_turn(bench.log);
    }
    if (c->kind == CHEK_OP_SYNC) {
        bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    }
    bench_complete(&bench, c->kind, -EIO);
    assert_int_equal(bench.latch_count, 1);
    assert_int_equal(bench.latch_error, -EIO);
    assert_true(chek_log_is_latched(bench.log));
    assert_null(chek_log_append_begin(bench.log, 8));
    assert_int_equal(chek_log_room(bench.log), 0);

    /* What completes well later changes nothing, and no sync is asked for again. */
    while (bench.disk->pending_count != 0) {
        fake_disk_complete(bench.disk, 0, bench.disk->pending_count % 2 ? -EIO : CHEK_OK);
        chek_log_turn(bench.log);
        assert_int_equal(bench_pending(&bench, CHEK_OP_SYNC), 0);
    }
    assert_int_equal(bench.durable_count, 0);
    assert_int_equal(bench.end_count, 0);
    assert_int_equal(bench.latch_count, 1);
    assert_true(chek_log_is_quiet(bench.log));
    bench_close(&bench);
}

static void
test_log_watermark_write_error_latches(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    bench.disk->now_ns += UINT64_C(1000000000);
    assert_true(bench_send(&bench, 100));
    chek_log_turn(bench.log);
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench.durable_count, 1);
    bench_complete(&bench, CHEK_OP_WRITE, -EIO); /* the only write left is the watermark's */
    assert_int_equal(bench.latch_count, 1);
    bench_close(&bench);
}

static void
test_log_without_space_for_a_file_is_busy_and_goes_on_later(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    bench.disk->free_size = 5000;
    chek_log_turn(bench.log);
    bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_int_equal(chek_log_count(bench.log).prepare_error, -ENOSPC);
    assert_null(fake_disk_file(bench.disk, FILE_2)); /* its space was given back */
    while (bench_send(&bench, 3000)) {
        chek_log_turn(bench.log);
        while (fake_disk_find(bench.disk, CHEK_OP_WRITE, 0) != FAKE_PENDING_COUNT_MAX) {
            bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
            chek_log_turn(bench.log);
        }
    }
    /* What was taken is durable all the same, and the log is not latched. */
    assert_int_equal(bench.sent_count, 8);
    assert_int_equal(bench.durable_count, 8);
    assert_int_equal(bench.latch_count, 0);

    bench.disk->free_size = SIZE_MAX / 2;
    bench.disk->now_ns += UINT64_C(1000000000);
    bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).prepare_error, 0);
    assert_true(bench_send(&bench, 3000));
    bench_settle(&bench);
    assert_int_equal(bench.durable_count, 9);
    bench_close(&bench);
}

static void
test_log_latches_when_a_file_cannot_be_prepared_for_another_reason(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    chek_log_turn(bench.log);
    bench.disk->fail_call_at = 2; /* its first write of zeros */
    bench.disk->fail_call_error = -EIO;
    bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_int_equal(bench.latch_error, -EIO);
    bench_close(&bench);
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
            struct bench bench = {.disk = fake_disk_create()};
            bench.config = (struct chek_log_config){
                .generation = 1,
                .file_size = 2 * FILE_SIZE,
                .method = method,
                .on_durable = on_durable,
                .on_durable_end = on_durable_end,
                .on_latch = on_latch,
            };
            bench.disk->fail_call_at = n;
            bench.disk->fail_call_error = -EIO;
            int error = chek_log_open(&bench.disk->io, &bench.config, &bench.log);
            opened = bench.disk->fail_call_at != 0;
            assert_int_equal(error, opened ? CHEK_OK : -EIO);
            assert_true(opened == (bench.log != NULL));
            bench_close(&bench);
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
        struct bench bench = {.disk = fake_disk_create()};
        bench.config = (struct chek_log_config){
            .generation = 1,
            .file_size = FILE_SIZE,
            .on_durable = on_durable,
            .on_durable_end = on_durable_end,
            .on_latch = on_latch,
        };
        chek_memory_fail_at(n);
        assert_int_equal(chek_log_open(&bench.disk->io, &bench.config, &bench.log), -ENOMEM);
        chek_memory_fail_at(0);
        assert_null(bench.log);
        bench_close(&bench);
    }
}

/* ---- files --------------------------------------------------------------------------------- */

static void
test_log_file_is_zeros_and_synced_with_its_name_before_use(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    const struct fake_file *file = fake_disk_file(bench.disk, FILE_1);
    assert_non_null(file);
    assert_int_equal(file->size, FILE_SIZE);
    assert_true(persist__log_is_zero(file->bytes, file->size));
    assert_true(file->sync_count >= 1);
    assert_true(bench.disk->folder_sync_count >= 2); /* the data folder and the log's */
    bench_close(&bench);
}

static void
test_log_waits_for_the_next_file(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    chek_log_turn(bench.log); /* asks the worker for the second file */
    while (bench_send(&bench, 3000)) {
        chek_log_turn(bench.log);
        bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
        chek_log_turn(bench.log);
    }
    assert_int_equal(bench.sent_count, 8);
    bench_complete(&bench, CHEK_OP_WORK, CHEK_OK);
    assert_true(bench_send(&bench, 3000));
    bench_settle(&bench);
    assert_int_equal(bench.durable_count, 9);
    assert_int_equal(chek_log_count(bench.log).file_count, 2);
    assert_false(persist__log_is_zero(fake_disk_file(bench.disk, FILE_2)->bytes, 512));
    bench_close(&bench);
}

static void
test_log_truncate_removes_whole_files_below(void **state)
{
    (void)state;
    struct bench bench;
    uint64_t lsn[32];
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    for (unsigned i = 0; i < 32; i++) {
        assert_true(bench_send(&bench, 3900));
        bench_settle(&bench);
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
    bench_settle(&bench);
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
    bench_close(&bench);
}

static void
test_log_closes_files_that_are_full(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_WRITE_SYNC, CHEK_LOG_FILE_SIZE_MIN);

    for (unsigned i = 0; i < 40; i++) {
        assert_true(bench_send(&bench, 20000));
        bench_settle(&bench);
    }
    assert_int_equal(bench.disk->open_count, 3); /* current, next, watermark */
    bench_close(&bench);
}

/* ---- marks --------------------------------------------------------------------------------- */

static void
test_log_idle_mark_is_written_once_when_all_is_quiet(void **state)
{
    (void)state;
    struct bench bench;
    struct log_head head;
    const struct log_place place = {.folder_id = {11, 12}, .generation = 7, .stream = 3, .file = 1};
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).block_count, 0); /* nothing to mark yet */
    assert_true(bench_send(&bench, 100));
    bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).block_count, 2);
    bench_settle(&bench);
    assert_int_equal(chek_log_count(bench.log).block_count, 2);

    const struct fake_file *file = fake_disk_file(bench.disk, FILE_1);
    assert_int_equal(persist__log_head_decode(file->bytes + CHEK_BLOCK_SIZE, &place, 1, &head),
                     CHEK_OK);
    assert_int_equal(head.flags, LOG_FLAGS_ALL);
    assert_int_equal(head.durable_lsn, 100 + CHEK_LOG_COMMAND_OVERHEAD);
    assert_int_equal(head.lsn, head.durable_lsn);
    assert_true(chek_log_is_quiet(bench.log));
    bench_close(&bench);
}

static void
test_log_idle_mark_waits_when_something_came_meanwhile(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, FILE_SIZE);

    assert_true(bench_send(&bench, 100));
    chek_log_turn(bench.log);
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(bench_pending(&bench, CHEK_OP_TIMER), 1);
    assert_true(bench_send(&bench, 100));
    chek_log_turn(bench.log);
    bench_complete(&bench, CHEK_OP_TIMER, CHEK_OK);
    bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
    chek_log_turn(bench.log);
    assert_int_equal(chek_log_count(bench.log).block_count, 2); /* no mark between */
    assert_int_equal(bench_pending(&bench, CHEK_OP_TIMER), 1);
    bench_close(&bench);
}

static uint64_t
watermark_read(struct bench *bench, uint32_t copy)
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
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_WRITE_SYNC, FILE_SIZE);

    assert_true(bench_send(&bench, 100));
    bench_settle(&bench);
    uint64_t first = chek_log_count(bench.log).durable_lsn;
    assert_true(bench_send(&bench, 100));
    bench_settle(&bench);
    uint64_t second = chek_log_count(bench.log).durable_lsn;
    assert_int_equal(watermark_read(&bench, 0), first);
    assert_int_equal(watermark_read(&bench, 1), second);
    bench_close(&bench);
}

static void
test_log_watermark_is_lazy_while_the_log_is_busy(void **state)
{
    (void)state;
    struct bench bench;
    bench_open(&bench, CHEK_SYNC_DATA_SYNC, 16 * FILE_SIZE);

    unsigned writes = 0;
    for (unsigned i = 0; i < 1000; i++) {
        assert_true(bench_send(&bench, 100));
        chek_log_turn(bench.log);
        while (fake_disk_find(bench.disk, CHEK_OP_WRITE, 0) != FAKE_PENDING_COUNT_MAX) {
            bench_complete(&bench, CHEK_OP_WRITE, CHEK_OK);
            writes += 1;
        }
        bench.disk->now_ns += 1000;
    }
    assert_int_equal(bench.durable_count, 999);
    assert_in_range(writes - 1000, 3, 4); /* one each 256 groups */
    bench_close(&bench);
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
    struct bench bench = {.disk = fake_disk_create()};
    bench.disk->data_sync_write_ns = c->data_sync_write_ns;
    bench.disk->write_ns = c->write_ns;
    bench.disk->sync_ns = c->sync_ns;
    bench.config = (struct chek_log_config){
        .generation = 1,
        .file_size = FILE_SIZE,
        .method = CHEK_SYNC_PROBE,
        .on_durable = on_durable,
        .on_durable_end = on_durable_end,
        .on_latch = on_latch,
    };
    assert_int_equal(chek_log_open(&bench.disk->io, &bench.config, &bench.log), CHEK_OK);
    assert_int_equal(chek_log_count(bench.log).method, c->want);
    const struct fake_file *file =
        fake_disk_file(bench.disk, "log/0000000000000001-0000-00000001.log");
    assert_true(persist__log_is_zero(file->bytes, file->size));
    bench_close(&bench);
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
        cmocka_unit_test(test_log_watermark_write_error_latches),
        cmocka_unit_test(test_log_without_space_for_a_file_is_busy_and_goes_on_later),
        cmocka_unit_test(test_log_latches_when_a_file_cannot_be_prepared_for_another_reason),
        cmocka_unit_test(test_log_open_fails_cleanly_at_every_call),
        cmocka_unit_test(test_log_open_fails_cleanly_without_memory),
        cmocka_unit_test(test_log_file_is_zeros_and_synced_with_its_name_before_use),
        cmocka_unit_test(test_log_waits_for_the_next_file),
        cmocka_unit_test(test_log_truncate_removes_whole_files_below),
        cmocka_unit_test(test_log_closes_files_that_are_full),
        cmocka_unit_test(test_log_idle_mark_is_written_once_when_all_is_quiet),
        cmocka_unit_test(test_log_idle_mark_waits_when_something_came_meanwhile),
        cmocka_unit_test(test_log_watermark_copies_are_written_in_turn),
        cmocka_unit_test(test_log_watermark_is_lazy_while_the_log_is_busy),
    };
    struct CMUnitTest tests[CHEK_COUNT(plain) + CHEK_COUNT(latch_cases) + CHEK_COUNT(probe_cases)];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(plain); i++) {
        tests[count++] = plain[i];
    }
    for (size_t i = 0; i < CHEK_COUNT(latch_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = latch_cases[i].name,
                                             .test_func = test_log_latch,
                                             .initial_state = &latch_cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(probe_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = probe_cases[i].name,
                                             .test_func = test_log_probe,
                                             .initial_state = &probe_cases[i]};
    }
    return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
