/* SPDX-License-Identifier: MIT */
/*
 * test_world_disk.c - the virtual disk keeps the bytes that were synced, and no others for certain.
 *
 * What may happen is shown by counting outcomes over many seeds: each outcome that the model
 * promises must occur, and none that it excludes.
 */
#include "tests/sim/one_machine.h"

#define SEED_COUNT 300

/* ---- content ------------------------------------------------------------------------------- */

static void
test_disk_synced_bytes_survive(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        uint8_t bytes[4096];
        begin_calm(seed);
        (void)make_file("a", 1, 4096);
        assert_true(chek_world_is_durable(world, 0, "a", 0, 4096));
        crash(CHEK_CRASH_POWER);
        assert_int_equal(peek("a", bytes, 4096), 4096);
        assert_true(all_are(bytes, 4096, 1));
        end();
    }
}

/* Over 4 KiB of ones that are durable, twos that are not: lost, kept, torn at sectors. */
static void
test_disk_unsynced_write_is_lost_kept_or_torn(void **state)
{
    unsigned lost = 0, kept = 0, torn = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        uint8_t bytes[4096];
        begin_calm(seed);
        int file = make_file("a", 1, 4096);
        write_all(file, 2, 4096, 0);
        assert_false(chek_world_is_durable(world, 0, "a", 0, 4096));
        crash(CHEK_CRASH_POWER);
        assert_int_equal(peek("a", bytes, 4096), 4096);
        for (size_t at = 0; at < 4096; at += CHEK_SECTOR_SIZE) {
            assert_true(all_are(bytes + at, CHEK_SECTOR_SIZE, bytes[at])); /* never half a sector */
            assert_true(bytes[at] == 1 || bytes[at] == 2);
        }
        lost += all_are(bytes, 4096, 1);
        kept += all_are(bytes, 4096, 2);
        torn += !all_are(bytes, 4096, bytes[0]);
        end();
    }
    assert_true(lost > 20 && kept > 20 && torn > 20);
}

/* Two writes to one sector: the second is never there with a hole where the first was. */
static void
test_disk_sector_is_never_a_mixture(void **state)
{
    unsigned both = 0, first = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        uint8_t bytes[512];
        begin_calm(seed);
        int file = make_file("a", 1, 512);
        write_all(file, 2, 100, 0);
        write_all(file, 3, 100, 100);
        crash(CHEK_CRASH_POWER);
        assert_int_equal(peek("a", bytes, 512), 512);
        assert_false(bytes[0] == 1 && bytes[100] == 3);
        both += bytes[0] == 2 && bytes[100] == 3;
        first += bytes[0] == 2 && bytes[100] == 1;
        end();
    }
    assert_true(both > 20 && first > 20);
}

static void
test_disk_unsynced_growth_may_be_zeros(void **state)
{
    unsigned grown = 0, zeros = 0, old = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        uint8_t bytes[8192];
        begin_calm(seed);
        int file = make_file("a", 1, 4096);
        write_all(file, 2, 4096, 4096);
        crash(CHEK_CRASH_POWER);
        int64_t size = peek("a", bytes, sizeof(bytes));
        assert_true(size == 4096 || size == 8192);
        assert_true(all_are(bytes, 4096, 1));
        old += size == 4096;
        zeros += size == 8192 && all_are(bytes + 4096, 4096, 0);
        grown += size == 8192 && all_are(bytes + 4096, 4096, 2);
        end();
    }
    assert_true(old > 20 && zeros > 5 && grown > 20);
}

static void
test_disk_truncate_waits_for_sync(void **state)
{
    unsigned cut = 0, whole = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        begin_calm(seed);
        int file = make_file("a", 1, 4096);
        assert_int_equal(chek_disk_truncate(io, file, 1000), 0);
        assert_int_equal(chek_disk_size(io, file), 1000);
        crash(CHEK_CRASH_POWER);
        uint8_t bytes[4096];
        int64_t size = peek("a", bytes, sizeof(bytes));
        cut += size == 1000;
        whole += size == 4096;
        end();
    }
    assert_true(cut > 20 && whole > 20 && cut + whole == SEED_COUNT);
}

static void
test_disk_data_sync_file_is_durable_at_once(void **state)
{
    (void)state;
    begin_calm(1);
    (void)make_file("a", 1, 512);
    int file = chek_disk_open(io, "a", READ_WRITE | CHEK_FILE_DATA_SYNC);
    write_all(file, 2, 512, 0);
    assert_true(chek_world_is_durable(world, 0, "a", 0, 512));
    end();
}

static void
test_disk_kill_keeps_the_cache(void **state)
{
    uint8_t byte;
    (void)state;
    begin_calm(1);
    int file = make_file("a", 1, 512);
    write_all(file, 2, 512, 0);
    crash(CHEK_CRASH_KILL);
    assert_int_equal(peek("a", &byte, 1), 1);
    assert_int_equal(byte, 2);
    assert_false(chek_world_is_durable(world, 0, "a", 0, 512));
    end();
}

/* ---- operations ---------------------------------------------------------------------------- */

struct counted_op {
    struct chek_op op;
    unsigned done_count;
    int64_t result;
};

static void
on_done(struct chek_op *op, int64_t result)
{
    struct counted_op *counted = CHEK_CONTAINER_OF(op, struct counted_op, op);
    assert_false(op->in_flight);
    counted->done_count += 1;
    counted->result = result;
}

static bool
is_done(void *context)
{
    return ((struct counted_op *)context)->done_count != 0;
}

/* The sync completes after the write, but it began before: it promises nothing about it. */
static void
test_disk_sync_covers_only_completed_writes(void **state)
{
    unsigned overtaken = 0;
    static uint8_t bytes[512] = {7};
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct counted_op write = {.op.on_done = on_done}, sync = {.op.on_done = on_done};
        begin_calm(seed);
        int file = make_file("a", 1, 512);
        chek_io_write(io, &write.op, file, bytes, 512, 0);
        chek_io_sync(io, &sync.op, file);
        assert_true(chek_world_run(world, 1000, is_done, &sync));
        overtaken += write.done_count;
        assert_true(chek_world_run(world, 1000, is_done, &write));
        assert_int_equal(write.result, 0);
        assert_int_equal(sync.result, 0);
        assert_false(chek_world_is_durable(world, 0, "a", 0, 512));
        sync.done_count = 0;
        chek_io_sync(io, &sync.op, file);
        assert_true(chek_world_run(world, 1000, is_done, &sync));
        assert_true(chek_world_is_durable(world, 0, "a", 0, 512));
        end();
    }
    assert_true(overtaken > 10); /* the write came first, and still is not covered */
}

static void
test_disk_read_completes_with_what_is_there(void **state)
{
    uint8_t bytes[1024];
    struct counted_op read = {.op.on_done = on_done};
    (void)state;
    begin_calm(1);
    int file = make_file("a", 9, 700);
    chek_io_read(io, &read.op, file, bytes, sizeof(bytes), 200);
    assert_false(all_are(bytes, 500, 9)); /* not before it completes */
    assert_true(chek_world_run(world, 1000, is_done, &read));
    assert_int_equal(read.result, 500);
    assert_true(all_are(bytes, 500, 9));
    end();
}

static void
test_disk_write_in_flight_at_a_crash_may_be_there(void **state)
{
    unsigned there = 0, not_there = 0;
    static uint8_t bytes[512];
    (void)state;
    memset(bytes, 2, sizeof(bytes));
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct counted_op write = {.op.on_done = on_done};
        uint8_t byte;
        begin_calm(seed);
        int file = make_file("a", 1, 512);
        chek_io_write(io, &write.op, file, bytes, 512, 0);
        crash(CHEK_CRASH_POWER);
        assert_false(write.op.in_flight);
        while (chek_world_step(world)) {
        }
        assert_int_equal(write.done_count, 0);
        assert_int_equal(peek("a", &byte, 1), 1);
        there += byte == 2;
        not_there += byte == 1;
        end();
    }
    assert_true(there > 10 && not_there > 10);
}

static void
test_disk_freeze_delays_completions(void **state)
{
    struct counted_op sync = {.op.on_done = on_done};
    (void)state;
    begin_calm(1);
    int file = make_file("a", 1, 512);
    chek_world_disk_freeze(world, 0, UINT64_C(7000000000));
    chek_io_sync(io, &sync.op, file);
    assert_true(chek_world_run(world, 1000, is_done, &sync));
    assert_true(chek_world_now_ns(world) >= UINT64_C(7000000000));
    end();
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_disk_synced_bytes_survive),
        cmocka_unit_test(test_disk_unsynced_write_is_lost_kept_or_torn),
        cmocka_unit_test(test_disk_sector_is_never_a_mixture),
        cmocka_unit_test(test_disk_unsynced_growth_may_be_zeros),
        cmocka_unit_test(test_disk_truncate_waits_for_sync),
        cmocka_unit_test(test_disk_data_sync_file_is_durable_at_once),
        cmocka_unit_test(test_disk_kill_keeps_the_cache),
        cmocka_unit_test(test_disk_sync_covers_only_completed_writes),
        cmocka_unit_test(test_disk_read_completes_with_what_is_there),
        cmocka_unit_test(test_disk_write_in_flight_at_a_crash_may_be_there),
        cmocka_unit_test(test_disk_freeze_delays_completions),
    };
    return cmocka_run_group_tests_name("world_disk", tests, NULL, NULL);
}
