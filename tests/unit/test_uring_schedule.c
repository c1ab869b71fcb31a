/* SPDX-License-Identifier: MIT */
/* Which processors the threads of a group run on, and in which class. */
#include <pthread.h>
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

/* ---- calm work -------------------------------------------------------------------------------- */

#define LOOK_US 1000
#define LOOK_COUNT_MAX 10000
#define REMEMBERED_US 1100000

/* Works one after the other; each looks at its class: the second until that changes, the third
 * goes on until nobody remembers that the second was late. */
static struct rest {
    struct uring_fixture fixture;
    struct chek_op op;
    unsigned count;
    int first[4], last[4];
} rest;

static int
class_here(void)
{
    int policy = sched_getscheduler(0);
    return policy & ~SCHED_RESET_ON_FORK;
}

static void
class_look(void *argument)
{
    unsigned at = *(unsigned *)argument;
    rest.first[at] = class_here();
    rest.last[at] = rest.first[at];
    for (unsigned i = 0; at == 1 && i < LOOK_COUNT_MAX && rest.last[at] == SCHED_IDLE; i++) {
        usleep(LOOK_US);
        rest.last[at] = class_here();
    }
    if (at == 2) {
        usleep(REMEMBERED_US);
    }
}

static void
on_looked(struct chek_op *op, int64_t result)
{
    CHEK_ASSERT(result == 0);
    rest.count += 1;
    if (rest.count == CHEK_COUNT(rest.first)) {
        chek_uring_stop(rest.fixture.group);
    } else {
        chek_io_work_calm(chek_uring_io(rest.fixture.group, 0), op, class_look, &rest.count);
    }
}

/* Whether a thread that went into the idle class may leave it: a matter of privileges. */
static void *
idle_leave(void *argument)
{
    static const struct sched_param none = {0};
    *(bool *)argument = sched_setscheduler(0, SCHED_IDLE, &none) == 0 &&
                        sched_setscheduler(0, SCHED_BATCH, &none) == 0;
    return NULL;
}

static void
test_calm_work_is_idle_until_it_is_late(void **state)
{
    const struct chek_uring_options options = {.worker_count = 1};
    bool may_idle = false;
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, idle_leave, &may_idle), 0);
    pthread_join(thread, NULL);
    memset(&rest, 0, sizeof rest);
    uring_fixture_open(&rest.fixture, 1, &options);
    rest.op.on_done = on_looked;
    chek_io_work_calm(chek_uring_io(rest.fixture.group, 0), &rest.op, class_look, &rest.count);
    uring_fixture_start(&rest.fixture);
    uring_fixture_join(&rest.fixture);
    uring_fixture_close(&rest.fixture);

    for (unsigned i = 0; i < CHEK_COUNT(rest.first); i++) {
        assert_int_equal(rest.first[i], may_idle && i != 2 ? SCHED_IDLE : SCHED_BATCH);
    }
    assert_int_equal(rest.last[1], SCHED_BATCH); /* it was brought out of it */
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
    TABLE_TEST(&table, test_calm_work_is_idle_until_it_is_late);
    TABLE_TEST(&table, test_more_shards_than_processors_run_anywhere);
    return table_run(&table, "uring_schedule");
}
