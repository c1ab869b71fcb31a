/* SPDX-License-Identifier: MIT */
/*
 * uring_work.c - the worker threads of a group.
 *
 * Shards hand work to one of two queues, each with its threads: calm work never stands in front of
 * work that somebody waits for. A finished op goes onto its shard's stack, which any worker may push
 * to and only the shard takes from, whole. While a work runs, op.file says whose it is.
 */
#include <errno.h>
#include <signal.h>

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

static void *
worker_main(void *argument)
{
    struct uring_crew *crew = argument;
    struct chek_uring_group *group = crew->group;
    struct uring_workers *workers = &group->workers;

    io__schedule_worker(crew == &workers->crews[1]);
    pthread_mutex_lock(&workers->mutex);
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
        pthread_mutex_unlock(&workers->mutex);

        op->work(op->argument);
        work_finish(shard, op); /* the op is the shard's again: not a word about it from here on */

        pthread_mutex_lock(&workers->mutex);
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
        error = pthread_create(&crew->threads[crew->count], NULL, worker_main, crew);
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

    pthread_mutex_init(&workers->mutex, NULL);
    pthread_cond_init(&workers->finished, NULL);
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews); i++) {
        pthread_cond_init(&workers->crews[i].wanted, NULL);
    }
    workers->exists = true;

    /* Signals are for the threads of the program, not for ours. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
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
    pthread_mutex_unlock(&workers->mutex);
    for (unsigned i = 0; i < CHEK_COUNT(workers->crews); i++) {
        struct uring_crew *crew = &workers->crews[i];
        for (unsigned j = 0; j < crew->count; j++) {
            pthread_join(crew->threads[j], NULL);
        }
        pthread_cond_destroy(&crew->wanted);
    }
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
