/* SPDX-License-Identifier: MIT */
/*
 * uring_work.c - the worker threads of a group.
 *
 * Shards hand work to one of two queues, each with its threads: calm work never stands in front of
 * work that somebody waits for. A finished op goes onto its shard's stack, which any worker may push
 * to and only the shard takes from, whole. While a work runs, op.file says whose it is.
 *
 * Calm work runs in the idle class where a thread may leave it again, and a watcher brings it out of
 * there when it does not get on: what it holds meanwhile, a lock of the allocator say, holds
 * up others. Our own mutex is never taken in that class.
 */
#include <errno.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "engine/io/uring_shard.h"

static void
work_finish(struct uring_shard *shard, struct chek_op *op)
{
    struct chek_op *top = atomic_load_explicit(&shard->work_done, memory_order_relaxed);

    do {
        op->next = top;
    } while (!atomic_compare_exchange_weak(&shard->work_done, &top, op));
    if (atomic_exchange(&shard->sleeping, false)) {
        io__wake(shard);
    }
}

/* ---- calm work -------------------------------------------------------------------------------- */

/* How long calm work may take in the idle class; a seal of an ordinary set takes a fifth of it. */
#define CALM_NS_MAX UINT64_C(200000000)

/* For so long after one was late, others do not try it: the processors are somebody else's. */
#define LATE_NS UINT64_C(1000000000)

/* Returns whether the work that begins goes into the idle class. */
static bool
calm_begin(struct uring_workers *workers, struct uring_worker *worker)
{
    uint64_t now_ns = io__clock_ns();
    if (!workers->may_idle || (workers->late_ns != 0 && now_ns - workers->late_ns < LATE_NS)) {
        return false;
    }
    worker->begun_ns = now_ns;
    workers->calm_count += 1;
    if (workers->calm_count == 1) {
        pthread_cond_signal(&workers->watched);
    }
    return true;
}

static void
calm_end(struct uring_workers *workers, struct uring_worker *worker)
{
    workers->calm_count -= 1;
    worker->begun_ns = 0;
}

/* Bring out of the idle class what has been at work for so long; who is out stays out. */
static void
calm_hurry(struct uring_workers *workers, uint64_t limit_ns)
{
    struct uring_crew *crew = &workers->crews[1];
    uint64_t now_ns = io__clock_ns();

    for (unsigned i = 0; i < crew->count && workers->calm_count != 0; i++) {
        const struct uring_worker *worker = &crew->workers[i];
        if (worker->begun_ns != 0 && now_ns - worker->begun_ns >= limit_ns) {
            io__schedule_calm(worker->id);
            workers->late_ns = now_ns;
        }
    }
}

static void *
watcher_main(void *argument)
{
    struct uring_workers *workers = argument;

    io__schedule_worker(false);
    pthread_mutex_lock(&workers->mutex);
    while (!workers->stopping) {
        if (workers->calm_count == 0) {
            pthread_cond_wait(&workers->watched, &workers->mutex);
            continue;
        }
        uint64_t look_ns = io__clock_ns() + CALM_NS_MAX / 2;
        struct timespec look = {.tv_sec = (time_t)(look_ns / 1000000000),
                                .tv_nsec = (long)(look_ns % 1000000000)};
        (void)pthread_cond_timedwait(&workers->watched, &workers->mutex, &look);
        calm_hurry(workers, CALM_NS_MAX);
    }
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

static void
idle_run(struct chek_op *op)
{
    io__schedule_idle();
    op->work(op->argument);
    io__schedule_calm(0);
}

static void
plain_run(struct chek_op *op)
{
    op->work(op->argument);
}

/* ---- threads ---------------------------------------------------------------------------------- */

static void *
worker_main(void *argument)
{
    struct uring_worker *worker = argument;
    struct uring_crew *crew = worker->crew;
    struct chek_uring_group *group = crew->group;
    struct uring_workers *workers = &group->workers;
    bool is_calm = crew == &workers->crews[1];

    io__schedule_worker(is_calm);
    pthread_mutex_lock(&workers->mutex);
    worker->id = gettid();
    for (;;) {
        while (crew->queue.first == NULL && !workers->stopping) {
            pthread_cond_wait(&crew->wanted, &workers->mutex);
        }
        if (workers->stopping) {
            break;
        }
        struct chek_op *op = io__queue_pop(&crew->queue);
        struct uring_shard *shard = &group->shards[op->file];
        workers->running_counts[op->file] += 1;
        bool in_idle = is_calm && calm_begin(workers, worker);
        pthread_mutex_unlock(&workers->mutex);

        (in_idle ? idle_run : plain_run)(op);
        work_finish(shard, op); /* the op is the shard's again: not a word about it from here on */

        pthread_mutex_lock(&workers->mutex);
        if (in_idle) {
            calm_end(workers, worker);
        }
        workers->running_counts[shard->io.shard] -= 1;
        pthread_cond_broadcast(&workers->finished);
    }
    pthread_mutex_unlock(&workers->mutex);
    return NULL;
}

static int
crew_create(struct chek_uring_group *group, struct uring_crew *crew)
{
    int error = 0;
    crew->group = group;
    while (crew->count < group->options.worker_count && error == 0) {
        struct uring_worker *worker = &crew->workers[crew->count];
        worker->crew = crew;
        error = pthread_create(&worker->thread, NULL, worker_main, worker);
        crew->count += error == 0;
    }
    return error;
}

int
io__work_create(struct chek_uring_group *group)
{
    struct uring_workers *workers = &group->workers;
    sigset_t all, before;
    int error = 0;

    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->finished, NULL);
    pthread_cond_init(&workers->watched, &monotonic);
    pthread_condattr_destroy(&monotonic);
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews); i++) {
        pthread_cond_init(&workers->crews[i].wanted, NULL);
    }
    workers->exists = true;

    /* Signals are for the threads of the program, not for ours. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    workers->may_idle = io__schedule_may_idle() &&
                        pthread_create(&workers->watcher, NULL, watcher_main, workers) == 0;
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews) && error == 0; i++) {
        error = crew_create(group, &workers->crews[i]);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return -error;
}

void
io__work_destroy(struct chek_uring_group *group)
{
    struct uring_workers *workers = &group->workers;

    if (!workers->exists) {
        return;
    }
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews); i++) {
        pthread_cond_broadcast(&workers->crews[i].wanted);
    }
    pthread_cond_signal(&workers->watched);
    pthread_mutex_unlock(&workers->mutex);
    if (workers->may_idle) {
        pthread_join(workers->watcher, NULL);
    }
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews); i++) {
        struct uring_crew *crew = &workers->crews[i];
        for (unsigned j = 0; j < crew->count; j++) {
            pthread_join(crew->workers[j].thread, NULL);
        }
        pthread_cond_destroy(&crew->wanted);
    }
    pthread_cond_destroy(&workers->watched);
    pthread_cond_destroy(&workers->finished);
    pthread_mutex_destroy(&workers->mutex);
    workers->exists = false;
}

void
io__work_add(struct uring_shard *shard, struct chek_op *op)
{
    struct uring_workers *workers = &shard->group->workers;
    struct uring_crew *crew = &workers->crews[op->is_calm ? 1 : 0];

    op->file = (int32_t)shard->io.shard;
    pthread_mutex_lock(&workers->mutex);
    io__queue_push(&crew->queue, op);
    pthread_cond_signal(&crew->wanted);
    pthread_mutex_unlock(&workers->mutex);
}

static struct chek_op *
list_reverse(struct chek_op *list)
{
    struct chek_op *reversed = NULL;

    while (list != NULL) {
        struct chek_op *op = list;
        list = op->next;
        op->next = reversed;
        reversed = op;
    }
    return reversed;
}

void
io__work_run_done(struct uring_shard *shard)
{
    if (atomic_load_explicit(&shard->work_done, memory_order_relaxed) == NULL) {
        return;
    }
    struct chek_op *list = list_reverse(atomic_exchange(&shard->work_done, NULL));

    while (list != NULL) {
        struct chek_op *op = list;
        list = op->next;
        op->next = NULL;
        op->in_flight = false;
        op->on_done(op, 0);
        chek_io_step(&shard->io.owner);
    }
}

/* Take the shard's ops out of a queue. */
static void
queue_drop(struct uring_queue *queue, const struct uring_shard *shard)
{
    struct uring_queue others = {0};
    struct chek_op *op;

    while ((op = io__queue_pop(queue)) != NULL) {
        if (op->file == (int32_t)shard->io.shard) {
            op->in_flight = false;
        } else {
            io__queue_push(&others, op);
        }
    }
    *queue = others;
}

/* Drop the shard's work that has not begun, wait for what has. */
void
io__work_drain(struct uring_shard *shard)
{
    struct uring_workers *workers = &shard->group->workers;

    pthread_mutex_lock(&workers->mutex);
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews); i++) {
        queue_drop(&workers->crews[i].queue, shard);
    }
    while (workers->running_counts[shard->io.shard] > 0) {
        calm_hurry(workers, 0);
        pthread_cond_wait(&workers->finished, &workers->mutex);
    }
    pthread_mutex_unlock(&workers->mutex);
    /* What was done and not handed out yet is over as well: nobody is told any more. */
    struct chek_op *op = atomic_exchange(&shard->work_done, NULL);
    while (op != NULL) {
        struct chek_op *next = op->next;
        op->next = NULL;
        op->in_flight = false;
        op = next;
    }
}
