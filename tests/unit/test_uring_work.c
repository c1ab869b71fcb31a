/* SPDX-License-Identifier: MIT */
/* Work on the group's threads: done once, elsewhere, completed at home, and over at the end. */
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

#define JOB_COUNT 2000
#define SHARD_COUNT 2

struct job {
    struct chek_op op;
    struct office *office;
    unsigned shard;
    uint64_t input, output; /* plain members: the room must order them between the threads */
    unsigned done_count;
};

struct office {
    struct uring_fixture fixture;
    atomic_uint rest_count;
    atomic_bool worked_on_a_shard;
    struct job jobs[JOB_COUNT];
};

/* On a shard's thread its number + 1; 0 on all others. */
static _Thread_local unsigned shard_here;

static void
on_office_turn(void *context)
{
    shard_here = chek_io_shard(context) + 1;
}

static void
job_work(void *argument)
{
    struct job *job = argument;

    if (shard_here != 0) {
        atomic_store(&job->office->worked_on_a_shard, true);
    }
    job->output = job->input * 3 + 1;
}

static void
on_job(struct chek_op *op, int64_t result)
{
    struct job *job = CHEK_CONTAINER_OF(op, struct job, op);
    struct office *office = job->office;

    CHEK_ASSERT(result == 0);
    CHEK_ASSERT(job->output == job->input * 3 + 1);
    CHEK_ASSERT(shard_here == job->shard + 1);
    job->done_count += 1;
    if (job->done_count == 1) { /* once more, from inside */
        job->input = job->output;
        chek_io_work(chek_uring_io(office->fixture.group, job->shard), op, job_work, job);
        return;
    }
    if (atomic_fetch_sub(&office->rest_count, 1) == 1) {
        chek_uring_stop(office->fixture.group);
    }
}

static struct worker_case {
    const char *name;
    unsigned worker_count;
} worker_cases[] = {
    {"one_worker_completes_all_at_home", 1},
    {"three_workers_complete_all_at_home", 3},
};

static void
test_work_is_done_on_workers_and_completes_at_home(void **state)
{
    const struct worker_case *c = *state;
    const struct chek_uring_options options = {.worker_count = c->worker_count};
    struct office *office = calloc(1, sizeof *office);
    assert_non_null(office);
    uring_fixture_open(&office->fixture, SHARD_COUNT, &options);
    atomic_store(&office->rest_count, JOB_COUNT);
    for (unsigned i = 0; i < JOB_COUNT; i++) {
        struct job *job = &office->jobs[i];
        job->op.on_done = on_job;
        job->office = office;
        job->shard = i % SHARD_COUNT;
        job->input = i;
    }
    for (unsigned i = 0; i < JOB_COUNT; i++) {
        /* Before the shards run, as at the start of a program. */
        (i % 2 == 0 ? chek_io_work : chek_io_work_calm)(
            chek_uring_io(office->fixture.group, office->jobs[i].shard), &office->jobs[i].op,
            job_work, &office->jobs[i]);
    }
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        struct chek_io *io = chek_uring_io(office->fixture.group, i);
        chek_io_set_owner(io, &(struct chek_io_owner){.context = io, .on_turn = on_office_turn});
    }
    uring_fixture_start(&office->fixture);
    uring_fixture_join(&office->fixture);

    assert_int_equal(atomic_load(&office->rest_count), 0);
    assert_false(atomic_load(&office->worked_on_a_shard));
    for (unsigned i = 0; i < JOB_COUNT; i++) {
        assert_int_equal(office->jobs[i].done_count, 2);
        assert_int_equal(office->jobs[i].output, ((uint64_t)i * 3 + 1) * 3 + 1);
    }
    uring_fixture_close(&office->fixture);
    free(office);
}

/* ---- the end ----------------------------------------------------------------------------------- */

static atomic_uint slow_begun, slow_ended;
static atomic_bool slow_may_end;

static void
slow_work(void *argument)
{
    (void)argument;
    atomic_fetch_add(&slow_begun, 1);
    while (!atomic_load(&slow_may_end)) {
        usleep(1000);
    }
    usleep(50000); /* so that an end that does not wait is seen */
    atomic_fetch_add(&slow_ended, 1);
}

static void
on_slow(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result;
    CHEK_ASSERT(!"no work completes in this test");
}

static void
test_end_waits_for_begun_work_and_drops_the_rest(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    struct chek_op ops[100] = {0};
    uring_fixture_open(&fixture, 1, &(struct chek_uring_options){.worker_count = 2});
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    atomic_store(&slow_begun, 0);
    atomic_store(&slow_ended, 0);
    atomic_store(&slow_may_end, false);
    for (unsigned i = 0; i < CHEK_COUNT(ops); i++) {
        ops[i].on_done = on_slow;
        (i % 2 == 0 ? chek_io_work : chek_io_work_calm)(io, &ops[i], slow_work, NULL);
    }
    while (atomic_load(&slow_begun) < 2) {
        usleep(100);
    }
    chek_uring_stop(fixture.group);
    atomic_store(&slow_may_end, true);

    assert_int_equal(chek_uring_run(io), CHEK_OK);

    unsigned begun = atomic_load(&slow_begun);
    assert_int_equal(atomic_load(&slow_ended), begun); /* the ops may be freed from here on */
    assert_true(begun >= 2 && begun < CHEK_COUNT(ops));
    uring_fixture_close(&fixture);
    assert_int_equal(atomic_load(&slow_begun), begun);
}

/* Calm works wait for one in a hurry, which has to overtake them all. */
static void
calm_work(void *argument)
{
    (void)argument;
    while (!atomic_load(&slow_may_end)) {
        usleep(100);
    }
    atomic_fetch_add(&slow_ended, 1);
}

static void
hurried_work(void *argument)
{
    CHEK_ASSERT(atomic_load(&slow_ended) == 0);
    (void)argument;
}

static void
on_hurried(struct chek_op *op, int64_t result)
{
    (void)op;
    CHEK_ASSERT(result == 0);
    atomic_store(&slow_may_end, true);
}

static void
on_calm(struct chek_op *op, int64_t result)
{
    struct uring_fixture *fixture = op->argument;
    CHEK_ASSERT(result == 0);
    if (atomic_load(&slow_ended) == 10) {
        chek_uring_stop(fixture->group);
    }
}

static void
test_calm_work_never_stands_before_work(void **state)
{
    struct uring_fixture fixture;
    struct chek_op calm[10] = {0}, hurried = {.on_done = on_hurried};
    (void)state;
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    atomic_store(&slow_ended, 0);
    atomic_store(&slow_may_end, false);
    for (unsigned i = 0; i < CHEK_COUNT(calm); i++) {
        calm[i].on_done = on_calm;
        chek_io_work_calm(io, &calm[i], calm_work, &fixture);
    }
    chek_io_work(io, &hurried, hurried_work, NULL);

    assert_int_equal(chek_uring_run(io), CHEK_OK);

    assert_int_equal(atomic_load(&slow_ended), 10);
    uring_fixture_close(&fixture);
}

static void
test_group_that_never_ran_is_destroyed_with_its_work(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    struct chek_op ops[10] = {0};
    uring_fixture_open(&fixture, 1, NULL);
    atomic_store(&slow_begun, 0);
    atomic_store(&slow_ended, 0);
    atomic_store(&slow_may_end, true);
    for (unsigned i = 0; i < CHEK_COUNT(ops); i++) {
        ops[i].on_done = on_slow;
        chek_io_work(chek_uring_io(fixture.group, 0), &ops[i], slow_work, NULL);
    }
    uring_fixture_close(&fixture);
    assert_int_equal(atomic_load(&slow_ended), atomic_load(&slow_begun));
}

/* ---- lanes ---- */

#define LANE_COUNT 3
#define LANE_WORK_COUNT 3000
#define LANE_RING_COUNT (CHEK_LANE_AHEAD + 2)

/* Plain members: the room must order them between the threads, and works of a lane. */
struct lane_note {
    uint64_t *sum;
    uint64_t input;
    bool done;
};

static void
lane_work(void *argument)
{
    struct lane_note *note = argument;
    *note->sum = *note->sum * 31 + note->input;
    note->done = true;
}

static void
test_lanes_keep_the_order_and_rings_are_free_again(void **state)
{
    struct lane_note notes[LANE_COUNT][LANE_RING_COUNT];
    uint64_t sums[LANE_COUNT] = {0};
    uint64_t expected[LANE_COUNT] = {0};
    struct uring_fixture fixture;
    struct chek_lanes *lanes;
    (void)state;
    uring_fixture_open(&fixture, 1, NULL);
    assert_error(chek_lanes_open(chek_uring_io(fixture.group, 0), LANE_COUNT, &lanes), CHEK_OK);
    for (unsigned i = 0; i < LANE_WORK_COUNT; i++) {
        for (unsigned lane = 0; lane < LANE_COUNT; lane++) {
            struct lane_note *note = &notes[lane][i % LANE_RING_COUNT];
            assert_true(i < LANE_RING_COUNT || note->done);
            *note = (struct lane_note){.sum = &sums[lane], .input = i + lane};
            expected[lane] = expected[lane] * 31 + i + lane;
            chek_lanes_put(lanes, lane, lane_work, note);
        }
    }
    chek_lanes_close(lanes);
    assert_memory_equal(sums, expected, sizeof sums);
    uring_fixture_close(&fixture);
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    TABLE_ROWS(&table, test_work_is_done_on_workers_and_completes_at_home, worker_cases);
    TABLE_TEST(&table, test_end_waits_for_begun_work_and_drops_the_rest);
    TABLE_TEST(&table, test_calm_work_never_stands_before_work);
    TABLE_TEST(&table, test_group_that_never_ran_is_destroyed_with_its_work);
    TABLE_TEST(&table, test_lanes_keep_the_order_and_rings_are_free_again);
    return table_run(&table, "uring_work");
}
