/* SPDX-License-Identifier: MIT */
/* Which processors the threads of a group run on. */
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/io/uring.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

/* What the threads saw; each shard writes its own. */
static struct hall {
    struct uring_fixture fixture;
    cpu_set_t shards[CHEK_SHARD_COUNT_MAX], works[CHEK_SHARD_COUNT_MAX], lane;
    struct chek_op ops[CHEK_SHARD_COUNT_MAX];
    atomic_uint rest_count;
} hall;

static void
processors_note(void *argument)
{
    CHEK_ASSERT(sched_getaffinity(0, sizeof(cpu_set_t), argument) == 0);
}

static void
on_worked(struct chek_op *op, int64_t result)
{
    CHEK_ASSERT(result == 0 && !op->in_flight);
    if (atomic_fetch_sub(&hall.rest_count, 1) == 1) {
        chek_uring_stop(hall.fixture.group);
    }
}

static void
on_turn(void *context)
{
    struct chek_io *io = context;
    unsigned shard = chek_io_shard(io);
    struct chek_op *op = &hall.ops[shard];

    if (op->on_done != NULL) {
        return; /* not the first turn */
    }
    processors_note(&hall.shards[shard]);
    if (shard == 0) {
        struct chek_lanes *lanes;
        CHEK_ASSERT(chek_lanes_open(io, 1, &lanes) == CHEK_OK);
        chek_lanes_put(lanes, 0, processors_note, &hall.lane);
        chek_lanes_close(lanes);
    }
    op->on_done = on_worked;
    (shard % 2 == 0 ? chek_io_work : chek_io_work_calm)(io, op, processors_note,
                                                        &hall.works[shard]);
}

static void
hall_run(unsigned shard_count)
{
    memset(&hall, 0, sizeof hall);
    uring_fixture_open(&hall.fixture, shard_count, NULL);
    atomic_store(&hall.rest_count, shard_count);
    for (unsigned i = 0; i < shard_count; i++) {
        struct chek_io *io = chek_uring_io(hall.fixture.group, i);
        chek_io_set_owner(io, &(struct chek_io_owner){.context = io, .on_turn = on_turn});
    }
    uring_fixture_start(&hall.fixture);
    uring_fixture_join(&hall.fixture);
    uring_fixture_close(&hall.fixture);
}

static void
test_as_many_shards_as_processors_have_one_each(void **state)
{
    cpu_set_t allowed, all;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    if (CPU_COUNT(&allowed) > CHEK_SHARD_COUNT_MAX) {
        skip();
    }
    unsigned count = (unsigned)CPU_COUNT(&allowed);

    hall_run(count);

    CPU_ZERO(&all);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(CPU_COUNT(&hall.shards[i]), 1);
        CPU_OR(&all, &all, &hall.shards[i]);
        assert_true(CPU_EQUAL(&hall.works[i], &allowed));
    }
    assert_true(CPU_EQUAL(&all, &allowed));
    assert_true(CPU_EQUAL(&hall.lane, &allowed));
}

static void
test_more_shards_than_processors_run_anywhere(void **state)
{
    cpu_set_t allowed;
    (void)state;
    assert_int_equal(sched_getaffinity(0, sizeof allowed, &allowed), 0);
    if (CPU_COUNT(&allowed) >= CHEK_SHARD_COUNT_MAX) {
        skip();
    }
    unsigned count = (unsigned)CPU_COUNT(&allowed) + 1;

    hall_run(count);

    for (unsigned i = 0; i < count; i++) {
        assert_true(CPU_EQUAL(&hall.shards[i], &allowed));
    }
}

int
main(void)
{
    static struct table table;
    int skip_code = uring_fixture_skip();

    if (skip_code != 0) {
        return skip_code;
    }
    TABLE_TEST(&table, test_as_many_shards_as_processors_have_one_each);
    TABLE_TEST(&table, test_more_shards_than_processors_run_anywhere);
    return table_run(&table, "uring_schedule");
}
