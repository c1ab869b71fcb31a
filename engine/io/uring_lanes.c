/* SPDX-License-Identifier: MIT */
/*
 * uring_lanes.c - a thread a lane, for as long as a start takes.
 *
 * They are ordinary threads, on any processor: nobody is served yet, so nobody has to be let
 * through.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/io/uring_shard.h"

struct lane_work {
    void (*work)(void *argument);
    void *argument;
};

struct lane {
    struct lanes *lanes;
    pthread_t thread;
    struct lane_work waiting[CHEK_LANE_AHEAD];
    unsigned first, count;
};

struct lanes {
    struct chek_lanes base;
    struct uring_shard *shard; /* that opened them */
    pthread_mutex_t mutex;
    pthread_cond_t given, taken;
    bool ending;
    struct lane lanes[CHEK_LANE_COUNT_MAX];
};

static void *
lane_main(void *argument)
{
    struct lane *lane = argument;
    struct lanes *lanes = lane->lanes;

    io__schedule_lane(lanes->shard);
    pthread_mutex_lock(&lanes->mutex);
    for (;;) {
        while (lane->count == 0 && !lanes->ending) {
            pthread_cond_wait(&lanes->given, &lanes->mutex);
        }
        if (lane->count == 0) {
            break;
        }
        struct lane_work work = lane->waiting[lane->first];
        lane->first = (lane->first + 1) % CHEK_LANE_AHEAD;
        lane->count -= 1;
        pthread_cond_broadcast(&lanes->taken);
        pthread_mutex_unlock(&lanes->mutex);
        work.work(work.argument);
        pthread_mutex_lock(&lanes->mutex);
    }
    pthread_mutex_unlock(&lanes->mutex);
    return NULL;
}

void
io__lanes_put(struct chek_lanes *base, unsigned lane, void (*work)(void *argument), void *argument)
{
    struct lanes *lanes = CHEK_CONTAINER_OF(base, struct lanes, base);
    struct lane *to = &lanes->lanes[lane];

    pthread_mutex_lock(&lanes->mutex);
    while (to->count == CHEK_LANE_AHEAD) {
        pthread_cond_wait(&lanes->taken, &lanes->mutex);
    }
    to->waiting[(to->first + to->count) % CHEK_LANE_AHEAD] =
        (struct lane_work){.work = work, .argument = argument};
    to->count += 1;
    pthread_cond_broadcast(&lanes->given);
    pthread_mutex_unlock(&lanes->mutex);
}

void
io__lanes_close(struct chek_lanes *base)
{
    struct lanes *lanes = CHEK_CONTAINER_OF(base, struct lanes, base);

    pthread_mutex_lock(&lanes->mutex);
    lanes->ending = true;
    pthread_cond_broadcast(&lanes->given);
    pthread_mutex_unlock(&lanes->mutex);
    for (unsigned i = 0; i < lanes->base.count; i++) {
        pthread_join(lanes->lanes[i].thread, NULL);
    }
    pthread_cond_destroy(&lanes->given);
    pthread_cond_destroy(&lanes->taken);
    pthread_mutex_destroy(&lanes->mutex);
    chek_memory_free(lanes, sizeof *lanes);
}

int
io__lanes_open(struct chek_io *io, unsigned count, struct chek_lanes **ret)
{
    struct lanes *lanes = chek_memory_allocate(sizeof *lanes);
    sigset_t all, before;
    int error = 0;

    if (lanes == NULL) {
        return -ENOMEM;
    }
    lanes->base.table = io->table;
    lanes->shard = io__shard(io);
    pthread_mutex_init(&lanes->mutex, NULL);
    pthread_cond_init(&lanes->given, NULL);
    pthread_cond_init(&lanes->taken, NULL);
    /* Signals are for the threads of the program, not for ours. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (lanes->base.count < count && error == 0) {
        struct lane *lane = &lanes->lanes[lanes->base.count];
        lane->lanes = lanes;
        error = pthread_create(&lane->thread, NULL, lane_main, lane);
        lanes->base.count += error == 0;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (error != 0) {
        io__lanes_close(&lanes->base);
        return -error;
    }
    *ret = &lanes->base;
    return CHEK_OK;
}
