/* SPDX-License-Identifier: MIT */
/* Timers and clocks: due in order, never early, none lost, and no entry of the ring for them. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "engine/base/assertion.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

#define TIMER_COUNT 3000

struct alarm {
    struct chek_op op;
    struct clock *clock;
    uint64_t deadline_ns;
    unsigned number, done_count;
};

/* What fired, in order. */
struct clock {
    struct uring_fixture fixture;
    struct chek_io *io;
    struct alarm alarms[TIMER_COUNT];
    struct alarm *fired[TIMER_COUNT];
    unsigned fired_count, wanted_count, early_count;
};

static void
on_alarm(struct chek_op *op, int64_t result)
{
    struct alarm *alarm = CHEK_CONTAINER_OF(op, struct alarm, op);
    struct clock *clock = alarm->clock;

    CHEK_ASSERT(result == 0);
    CHEK_ASSERT(!op->in_flight);
    alarm->done_count += 1;
    clock->early_count += chek_io_now_ns(clock->io) < alarm->deadline_ns;
    clock->fired[clock->fired_count] = alarm;
    clock->fired_count += 1;
    if (clock->fired_count == clock->wanted_count) {
        chek_uring_stop(clock->fixture.group);
    }
}

static struct clock *
clock_open(void)
{
    struct clock *clock = calloc(1, sizeof *clock);

    assert_non_null(clock);
    uring_fixture_open(&clock->fixture, 1, NULL);
    clock->io = chek_uring_io(clock->fixture.group, 0);
    return clock;
}

static void
clock_close(struct clock *clock)
{
    uring_fixture_close(&clock->fixture);
    free(clock);
}

static void
clock_set(struct clock *clock, uint64_t deadline_ns)
{
    struct alarm *alarm = &clock->alarms[clock->wanted_count];

    alarm->op.on_done = on_alarm;
    alarm->clock = clock;
    alarm->number = clock->wanted_count;
    alarm->deadline_ns = deadline_ns;
    clock->wanted_count += 1;
    chek_io_timer(clock->io, &alarm->op, deadline_ns);
}

static void
test_timers_fire_once_in_the_order_of_deadlines_then_of_setting(void **state)
{
    (void)state;
    struct clock *clock = clock_open();
    uint64_t now_ns = chek_io_now_ns(clock->io);
    for (unsigned i = 0; i < TIMER_COUNT; i++) {
        uint16_t random;
        chek_io_random(clock->io, &random, sizeof random);
        /* 64 different deadlines around now, so many are equal and many are past. */
        clock_set(clock, now_ns - 10000000 + (uint64_t)(random % 64) * 1000000);
    }

    assert_int_equal(chek_uring_run(clock->io), CHEK_OK);

    assert_int_equal(clock->fired_count, TIMER_COUNT);
    assert_int_equal(clock->early_count, 0);
    for (unsigned i = 1; i < TIMER_COUNT; i++) {
        const struct alarm *before = clock->fired[i - 1];
        const struct alarm *after = clock->fired[i];
        assert_true(before->deadline_ns <= after->deadline_ns);
        if (before->deadline_ns == after->deadline_ns) {
            assert_true(before->number < after->number);
        }
        assert_int_equal(after->done_count, 1);
    }
    /* The wake-up and what takes it back at the end. */
    assert_true(chek_uring_count(clock->io).submission_count <= 4);
    clock_close(clock);
}

/* A callback that sets a timer that is due already: a chain, not an endless turn. */
static void
on_chain(struct chek_op *op, int64_t result)
{
    struct alarm *alarm = CHEK_CONTAINER_OF(op, struct alarm, op);
    struct clock *clock = alarm->clock;

    (void)result;
    clock->fired_count += 1;
    if (clock->fired_count == 100) {
        chek_uring_stop(clock->fixture.group);
    } else {
        chek_io_timer(clock->io, op, 0);
    }
}

static void
test_timer_set_by_a_timer_has_the_next_turn(void **state)
{
    (void)state;
    struct clock *clock = clock_open();
    clock->alarms[0].op.on_done = on_chain;
    clock->alarms[0].clock = clock;
    chek_io_timer(clock->io, &clock->alarms[0].op, 0);

    assert_int_equal(chek_uring_run(clock->io), CHEK_OK);

    assert_int_equal(clock->fired_count, 100);
    assert_true(chek_uring_count(clock->io).turn_count >= 100);
    clock_close(clock);
}

static void
test_shard_sleeps_until_the_timer(void **state)
{
    (void)state;
    struct clock *clock = clock_open();
    uint64_t start_ns = chek_io_now_ns(clock->io);
    clock_set(clock, start_ns + 80000000);

    assert_int_equal(chek_uring_run(clock->io), CHEK_OK);

    uint64_t passed_ns = chek_io_now_ns(clock->io) - start_ns;
    assert_true(passed_ns >= 80000000);
    assert_true(chek_uring_count(clock->io).turn_count < 10);
    clock_close(clock);
}

static void
test_timers_that_are_not_due_are_over_when_the_shard_stops(void **state)
{
    (void)state;
    struct clock *clock = clock_open();
    uint64_t now_ns = chek_io_now_ns(clock->io);
    for (unsigned i = 0; i < 10; i++) {
        clock_set(clock, now_ns + (i == 5 ? 0 : UINT64_C(100000000000)));
    }
    clock->wanted_count = 1;

    assert_int_equal(chek_uring_run(clock->io), CHEK_OK);

    assert_int_equal(clock->fired_count, 1);
    for (unsigned i = 0; i < 10; i++) {
        assert_false(clock->alarms[i].op.in_flight);
        assert_int_equal(clock->alarms[i].done_count, i == 5);
    }
    clock_close(clock);
}

static void
test_clocks_are_the_systems(void **state)
{
    (void)state;
    struct clock *clock = clock_open();
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    int64_t wall_us = (int64_t)time.tv_sec * 1000000 + time.tv_nsec / 1000;
    int64_t difference_us = (int64_t)chek_io_wall_us(clock->io) - wall_us;
    assert_true(difference_us >= 0 && difference_us < 5000000);

    clock_gettime(CLOCK_MONOTONIC, &time);
    int64_t now_ns = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    int64_t difference_ns = (int64_t)chek_io_now_ns(clock->io) - now_ns;
    assert_true(difference_ns >= 0 && difference_ns < 5000000000);
    clock_close(clock);
}

static void
test_random_fills_every_byte(void **state)
{
    (void)state;
    struct clock *clock = clock_open();
    uint8_t seen[600] = {0};
    for (unsigned round = 0; round < 10; round++) {
        uint8_t bytes[600] = {0};
        chek_io_random(clock->io, bytes, sizeof bytes);
        for (unsigned i = 0; i < sizeof bytes; i++) {
            seen[i] |= bytes[i];
        }
    }
    for (unsigned i = 0; i < sizeof seen; i++) {
        assert_int_not_equal(seen[i], 0); /* by chance once in 10^21 runs */
    }
    clock_close(clock);
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    TABLE_TEST(&table, test_timers_fire_once_in_the_order_of_deadlines_then_of_setting);
    TABLE_TEST(&table, test_timer_set_by_a_timer_has_the_next_turn);
    TABLE_TEST(&table, test_shard_sleeps_until_the_timer);
    TABLE_TEST(&table, test_timers_that_are_not_due_are_over_when_the_shard_stops);
    TABLE_TEST(&table, test_clocks_are_the_systems);
    TABLE_TEST(&table, test_random_fills_every_byte);
    return table_run(&table, "uring_timer");
}
