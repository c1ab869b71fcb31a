/* SPDX-License-Identifier: MIT */
/*
 * test_world.c - virtual time, turns, messages, work, randomness, crashes of the simulator.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/sim/world.h"

#define SHARD_COUNT 3
#define MESSAGE_COUNT 40

static struct chek_world *world;

static void
begin(const struct chek_world_options *options)
{
    world = chek_world_create(options);
    (void)chek_world_machine_add(world, SHARD_COUNT);
}

static void
begin_calm(uint64_t seed)
{
    struct chek_world_options options = chek_world_options_calm(seed);
    begin(&options);
}

static void
settle(void)
{
    for (uint64_t i = 0; i < 100000 && chek_world_step(world); i++) {
    }
}

static void
end(void)
{
    chek_world_destroy(world);
}

/* ---- time ---------------------------------------------------------------------------------- */

struct timer {
    struct chek_op op;
    struct chek_io *io;
    unsigned fired_count;
};

static void
on_timer(struct chek_op *op, int64_t result)
{
    struct timer *timer = CHEK_CONTAINER_OF(op, struct timer, op);
    assert_int_equal(result, 0);
    assert_true(chek_io_now_ns(timer->io) >= op->deadline_ns);
    timer->fired_count += 1;
}

static void
test_world_timer_is_never_early(void **state)
{
    struct timer timers[5];
    struct chek_io *io;
    (void)state;
    begin_calm(1);
    io = chek_world_io(world, 0, 0);
    for (size_t i = 0; i < CHEK_COUNT(timers); i++) {
        timers[i] = (struct timer){.op.on_done = on_timer, .io = io};
        chek_io_timer(io, &timers[i].op, chek_io_now_ns(io) + i * 1000000);
    }
    assert_int_equal(chek_world_pending_count(world, 0), CHEK_COUNT(timers));
    settle();
    assert_int_equal(chek_world_pending_count(world, 0), 0);
    for (size_t i = 0; i < CHEK_COUNT(timers); i++) {
        assert_int_equal(timers[i].fired_count, 1);
    }
    timers[0].fired_count = 0;
    chek_io_timer(io, &timers[0].op, 0); /* long ago */
    settle();
    assert_int_equal(timers[0].fired_count, 1);
    end();
}

static struct wall_case {
    const char *name;
    enum chek_world_wall shape;
    bool goes_back;
} wall_cases[] = {
    {"wall_straight_never_goes_back", CHEK_WALL_STRAIGHT, false},
    {"wall_step_goes_back", CHEK_WALL_STEP, true},
    {"wall_drift_is_set_right", CHEK_WALL_DRIFT, true},
    {"wall_periodic_goes_back", CHEK_WALL_PERIODIC, true},
};

static void
test_world_wall(void **state)
{
    const struct wall_case *c = *state;
    struct chek_world_options options = chek_world_options_calm(1);
    bool went_back = false;
    options.wall_shape = c->shape;
    options.wall_swing_us = UINT64_C(3600000000);
    begin(&options);
    struct chek_io *io = chek_world_io(world, 0, 0);
    uint64_t wall_us = chek_io_wall_us(io), now_ns = chek_io_now_ns(io);
    for (int i = 0; i < 8000; i++) {
        chek_world_advance(world, UINT64_C(1000000000));
        went_back = went_back || chek_io_wall_us(io) < wall_us;
        wall_us = chek_io_wall_us(io);
        assert_true(chek_io_now_ns(io) == now_ns + UINT64_C(1000000000));
        now_ns = chek_io_now_ns(io);
        uint64_t straight_us = options.wall_start_us + chek_world_now_ns(world) / 1000;
        uint64_t apart_us = wall_us > straight_us ? wall_us - straight_us : straight_us - wall_us;
        assert_true(apart_us <= options.wall_swing_us);
    }
    assert_int_equal(went_back, c->goes_back);
    end();
}

static void
test_world_clock_and_randomness_are_new_after_a_restart(void **state)
{
    uint64_t before, after;
    (void)state;
    begin_calm(1);
    struct chek_io *old = chek_world_io(world, 0, 0);
    uint64_t offset_ns = chek_io_now_ns(old) - chek_world_now_ns(world);
    chek_io_random(old, &before, sizeof(before));
    chek_world_crash(world, 0, CHEK_CRASH_KILL);
    chek_world_restart(world, 0, 1);
    struct chek_io *io = chek_world_io(world, 0, 0);
    assert_int_equal(chek_io_shard_count(io), 1);
    chek_io_random(io, &after, sizeof(after));
    assert_true(before != after);
    assert_true(chek_io_now_ns(io) - chek_world_now_ns(world) != offset_ns);
    assert_int_equal(chek_disk_lock(old), CHEK_E_HALTED); /* the old door stays shut */
    assert_int_equal(chek_disk_lock(io), 0);
    end();
}

/* ---- messages ------------------------------------------------------------------------------ */

static struct {
    unsigned count;
    struct {
        unsigned from, number;
    } rows[2 * MESSAGE_COUNT];
} inbox;

static void
on_message(void *context, struct chek_message *message)
{
    (void)context;
    assert_true(inbox.count < CHEK_COUNT(inbox.rows));
    inbox.rows[inbox.count].from = message->from;
    inbox.rows[inbox.count++].number = message->size;
}

static void
test_world_messages_are_in_order_within_a_pair(void **state)
{
    static struct chek_message messages[2][MESSAGE_COUNT];
    unsigned reordered = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        unsigned next[2] = {0, 0}, switches = 0;
        begin_calm(seed);
        inbox.count = 0;
        chek_io_set_owner(chek_world_io(world, 0, 2),
                          &(struct chek_io_owner){.on_message = on_message});
        for (unsigned i = 0; i < MESSAGE_COUNT; i++) {
            for (unsigned from = 0; from < 2; from++) {
                messages[from][i].size = i;
                assert_int_equal(chek_io_post(chek_world_io(world, 0, from), 2, &messages[from][i]),
                                 0);
            }
        }
        settle();
        assert_int_equal(inbox.count, 2 * MESSAGE_COUNT);
        for (unsigned i = 0; i < inbox.count; i++) {
            assert_int_equal(inbox.rows[i].number, next[inbox.rows[i].from]++);
            switches += i > 0 && inbox.rows[i].from == inbox.rows[i - 1].from;
        }
        reordered += switches != 0;
        end();
    }
    assert_true(reordered > 10); /* pairs overtake each other */
}

static void
test_world_full_ring_gives_the_message_back(void **state)
{
    struct chek_world_options options = chek_world_options_calm(1);
    struct chek_message messages[3] = {0};
    (void)state;
    options.message_count_max = 2;
    begin(&options);
    inbox.count = 0;
    chek_io_set_owner(chek_world_io(world, 0, 1),
                      &(struct chek_io_owner){.on_message = on_message});
    struct chek_io *io = chek_world_io(world, 0, 0);
    assert_int_equal(chek_io_post(io, 1, &messages[0]), 0);
    assert_int_equal(chek_io_post(io, 1, &messages[1]), 0);
    assert_int_equal(chek_io_post(io, 1, &messages[2]), CHEK_E_FULL);
    settle();
    assert_int_equal(inbox.count, 2);
    assert_int_equal(chek_io_post(io, 1, &messages[2]), 0);
    chek_world_options(world)->message_loss_rate = 1000000;
    assert_int_equal(chek_io_post(io, 1, &messages[0]), 0);
    settle();
    assert_int_equal(inbox.count, 3); /* the last one was lost, as asked for */
    end();
}

/* ---- work ---------------------------------------------------------------------------------- */

struct work {
    struct chek_op op;
    struct chek_io *io;
    unsigned run_count, done_count;
    int disk_result;
};

static void
run_work(void *argument)
{
    struct work *work = argument;
    work->run_count += 1;
    assert_int_equal(work->done_count, 0);
    work->disk_result = chek_disk_make_folder(work->io, "w");
}

static void
on_worked(struct chek_op *op, int64_t result)
{
    struct work *work = CHEK_CONTAINER_OF(op, struct work, op);
    assert_int_equal(result, 0);
    work->done_count += 1;
}

static void
test_world_work_runs_then_completes(void **state)
{
    (void)state;
    begin_calm(1);
    struct work work = {.op.on_done = on_worked, .io = chek_world_io(world, 0, 0)};
    chek_io_work(work.io, &work.op, run_work, &work);
    assert_int_equal(work.run_count, 0);
    settle();
    assert_int_equal(work.run_count, 1);
    assert_int_equal(work.done_count, 1);
    assert_int_equal(work.disk_result, 0);
    assert_int_equal(chek_world_turn_disk_calls(work.io), 0); /* a worker's call is no shard's */
    end();
}

/* n = 1: before the work runs; n = 2: at the disk call in it; n = 3: before it completes. */
static void
test_world_crash_stops_work_at_every_point(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 3; n++) {
        begin_calm(n);
        settle(); /* the first turns */
        struct work work = {.op.on_done = on_worked, .io = chek_world_io(world, 0, 0)};
        chek_world_crash_after(world, 0, n, CHEK_CRASH_POWER);
        chek_io_work(work.io, &work.op, run_work, &work);
        settle();
        assert_false(chek_world_is_up(world, 0));
        assert_int_equal(work.run_count, n >= 2);
        assert_int_equal(work.disk_result, n == 2 ? CHEK_E_HALTED : 0);
        assert_int_equal(work.done_count, 0);
        assert_false(work.op.in_flight);
        chek_io_work(work.io, &work.op, run_work, &work); /* nothing comes of it any more */
        assert_false(work.op.in_flight);
        end();
    }
}

/* ---- turns --------------------------------------------------------------------------------- */

struct turner {
    struct chek_io *io;
    struct timer timer;
    unsigned turn_count;
    bool lists;
};

static void
on_name(void *context, const char *name)
{
    (void)context;
    (void)name;
}

static void
on_turn(void *context)
{
    struct turner *turner = context;
    turner->turn_count += 1;
    if (turner->lists) {
        assert_int_equal(chek_disk_list(turner->io, "", on_name, NULL), 0);
    }
}

static void
test_world_turn_follows_each_batch(void **state)
{
    struct turner turner = {0};
    (void)state;
    begin_calm(1);
    turner.io = chek_world_io(world, 0, 0);
    chek_io_set_owner(turner.io, &(struct chek_io_owner){.context = &turner, .on_turn = on_turn});
    settle();
    assert_int_equal(turner.turn_count, 1); /* the loop begins with one */
    turner.timer = (struct timer){.op.on_done = on_timer, .io = turner.io};
    chek_io_timer(turner.io, &turner.timer.op, chek_io_now_ns(turner.io) + 5000000);
    settle();
    assert_int_equal(turner.turn_count, 2);
    assert_int_equal(chek_world_turn_steps(turner.io), 2); /* the timer and the turn */
    assert_int_equal(chek_world_turn_disk_calls(turner.io), 0);
    turner.lists = true;
    chek_io_timer(turner.io, &turner.timer.op, chek_io_now_ns(turner.io));
    settle();
    assert_int_equal(chek_world_turn_steps(turner.io), 3);
    assert_int_equal(chek_world_turn_steps_max(turner.io), 3);
    assert_int_equal(chek_world_turn_disk_calls(turner.io), 1);
    end();
}

/* A batch is what is due together, not whatever comes next. */
static void
test_world_turn_does_not_wait_for_a_later_event(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct turner turner = {0};
        struct timer timers[2];
        begin_calm(seed);
        settle(); /* the first turns */
        turner.io = chek_world_io(world, 0, 0);
        chek_io_set_owner(turner.io,
                          &(struct chek_io_owner){.context = &turner, .on_turn = on_turn});
        for (size_t i = 0; i < 2; i++) {
            timers[i] = (struct timer){.op.on_done = on_timer, .io = turner.io};
            chek_io_timer(turner.io, &timers[i].op,
                          chek_io_now_ns(turner.io) + i * UINT64_C(1000000000));
        }
        settle();
        assert_int_equal(turner.turn_count, 2);
        end();
    }
}

static void
on_timer_crash(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result;
    chek_world_crash(world, 0, CHEK_CRASH_POWER);
}

static void
test_world_crash_in_a_completion_ends_the_turn(void **state)
{
    struct turner turner = {0};
    struct timer timer = {.op.on_done = on_timer_crash};
    (void)state;
    begin_calm(1);
    settle(); /* the first turns */
    turner.io = chek_world_io(world, 0, 0);
    chek_io_set_owner(turner.io, &(struct chek_io_owner){.context = &turner, .on_turn = on_turn});
    chek_io_timer(turner.io, &timer.op, 0);
    settle();
    assert_false(chek_world_is_up(world, 0));
    assert_int_equal(turner.turn_count, 0);
    end();
}

/* ---- seeds --------------------------------------------------------------------------------- */

/* What is left of some unsynced writes after a power cut. */
static uint64_t
disk_fate(uint64_t seed, unsigned client_count)
{
    uint8_t bytes[4096];
    begin_calm(seed);
    struct chek_io *io = chek_world_io(world, 0, 0);
    for (unsigned i = 0; i < client_count; i++) {
        (void)chek_world_client_connect(world, 0, "127.0.0.1:7420", NULL);
    }
    settle();
    int file = chek_disk_open(io, "a", CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    assert_int_equal(chek_disk_sync_folder(io, ""), 0);
    for (uint64_t i = 0; i < 8; i++) {
        memset(bytes, (int)i + 1, sizeof(bytes));
        assert_int_equal(chek_disk_write(io, file, bytes, sizeof(bytes), i * 2048), 0);
    }
    chek_world_crash(world, 0, CHEK_CRASH_POWER);
    uint64_t hash = chek_world_disk_hash(world, 0);
    end();
    return hash;
}

static void
test_world_seed_decides_and_clients_do_not_reshuffle_the_disk(void **state)
{
    unsigned different = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        assert_true(disk_fate(seed, 0) == disk_fate(seed, 0));
        assert_true(disk_fate(seed, 0) == disk_fate(seed, 5));
        different += disk_fate(seed, 0) != disk_fate(seed + 1, 0);
    }
    assert_true(different > 10);
}

static void
test_world_drawn_options_differ_and_repeat(void **state)
{
    unsigned with_sync_errors = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 400; seed++) {
        struct chek_world_options options = chek_world_options_drawn(seed);
        struct chek_world_options again = chek_world_options_drawn(seed);
        assert_memory_equal(&options, &again, sizeof(options));
        assert_int_equal(options.message_loss_rate, 0);
        with_sync_errors += options.disk_sync_error_rate != 0;
    }
    assert_true(with_sync_errors > 60 && with_sync_errors < 140);
}

static void
test_world_idles_when_nothing_is_pending(void **state)
{
    (void)state;
    begin_calm(1);
    settle();
    assert_false(chek_world_step(world));
    uint64_t step_count = chek_world_step_count(world);
    assert_false(chek_world_run(world, 10, NULL, NULL));
    assert_int_equal(chek_world_step_count(world), step_count);
    chek_world_options(world)->step_count_max = step_count;
    chek_world_crash(world, 0, CHEK_CRASH_KILL);
    chek_world_restart(world, 0, 1);
    assert_false(chek_world_step(world)); /* the limit */
    end();
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_world_timer_is_never_early),
        cmocka_unit_test(test_world_clock_and_randomness_are_new_after_a_restart),
        cmocka_unit_test(test_world_messages_are_in_order_within_a_pair),
        cmocka_unit_test(test_world_full_ring_gives_the_message_back),
        cmocka_unit_test(test_world_work_runs_then_completes),
        cmocka_unit_test(test_world_crash_stops_work_at_every_point),
        cmocka_unit_test(test_world_turn_follows_each_batch),
        cmocka_unit_test(test_world_turn_does_not_wait_for_a_later_event),
        cmocka_unit_test(test_world_crash_in_a_completion_ends_the_turn),
        cmocka_unit_test(test_world_seed_decides_and_clients_do_not_reshuffle_the_disk),
        cmocka_unit_test(test_world_drawn_options_differ_and_repeat),
        cmocka_unit_test(test_world_idles_when_nothing_is_pending),
    };
    struct CMUnitTest rows[CHEK_COUNT(wall_cases)];
    for (size_t i = 0; i < CHEK_COUNT(wall_cases); i++) {
        rows[i] = (struct CMUnitTest){.name = wall_cases[i].name,
                                      .test_func = test_world_wall,
                                      .initial_state = &wall_cases[i]};
    }
    int failed = cmocka_run_group_tests_name("world", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("world_wall", rows, NULL, NULL);
}
