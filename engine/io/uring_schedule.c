/* SPDX-License-Identifier: MIT */
/*
 * uring_schedule.c - who comes first where processors are few.
 *
 * All of it is advice to the scheduler, sched_setattr(2) and sched_setaffinity(2): a kernel that
 * does not know a slice for ordinary threads, before 6.12, goes by its own, and nothing else
 * changes.
 */
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/io/uring_shard.h"

/* A shard has little to do at a time, and somebody waits for it: it asks for the shortest slice
 * there is, which lets it interrupt whoever has a longer one. */
#define SHARD_SLICE_NS UINT64_C(100000)

/* What workers do takes turns with the shards, which leave half to them where all is busy: what they
 * make room for would only wait otherwise. */
#define WORKER_SLICE_NS UINT64_C(3000000)

/*
 * A tenth of what a shard has. A thread that is woken waits behind such a one for up to a tick, 4 ms,
 * so calm work is in the idle class as long as it gets on there: who is in it gives way at once. Among
 * busy threads it gets next to nothing, though, and leaving the class again is a matter of
 * privileges (sched(7), RLIMIT_NICE: 10).
 */
#define CALM_NICE 10

/* struct sched_attr of sched_setattr(2), which libc has no name for, in its first form. */
struct schedule {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

_Static_assert(sizeof(struct schedule) == 48, "the first form");

static bool
schedule_thread(pid_t thread, uint32_t policy, int32_t nice, uint64_t slice_ns)
{
    struct schedule attributes = {
        .size = sizeof attributes, .policy = policy, .nice = nice, .runtime = slice_ns};
    return syscall(SYS_sched_setattr, thread, &attributes, 0) == 0;
}

static void
schedule(uint32_t policy, int32_t nice, uint64_t slice_ns)
{
    (void)schedule_thread(0, policy, nice, slice_ns);
}

/*
 * A processor a shard, when there are as many of both: two shards that wait for one processor,
 * while a worker has the other, are not moved away from each other for milliseconds.
 */
static void
processor_bind(const struct uring_shard *shard)
{
    const cpu_set_t *processors = &shard->group->processors;
    size_t processor = 0;
    cpu_set_t own;

    if ((unsigned)CPU_COUNT(processors) != shard->group->shard_count) {
        return;
    }
    for (unsigned before = shard->io.shard;; processor++) {
        if (CPU_ISSET(processor, processors) && before-- == 0) {
            break;
        }
    }
    CPU_ZERO(&own);
    CPU_SET(processor, &own);
    (void)sched_setaffinity(0, sizeof own, &own);
}

void
io__schedule_shard(const struct uring_shard *shard)
{
    schedule(SCHED_OTHER, 0, SHARD_SLICE_NS);
    processor_bind(shard);
}

/* A thread that a shard starts begins with all that the shard has. */
void
io__schedule_lane(const struct uring_shard *shard)
{
    schedule(SCHED_OTHER, 0, 0);
    if (CPU_COUNT(&shard->group->processors) > 0) {
        (void)sched_setaffinity(0, sizeof shard->group->processors, &shard->group->processors);
    }
}

void
io__schedule_worker(bool is_calm)
{
    schedule(SCHED_BATCH, is_calm ? CALM_NICE : 0, WORKER_SLICE_NS);
}

void
io__schedule_idle(void)
{
    schedule(SCHED_IDLE, CALM_NICE, 0);
}

void
io__schedule_calm(pid_t thread)
{
    (void)schedule_thread(thread, SCHED_BATCH, CALM_NICE, WORKER_SLICE_NS);
}

/* On a thread of its own, which may not come back. */
static void *
idle_try(void *argument)
{
    bool *may_idle = argument;
    *may_idle = schedule_thread(0, SCHED_IDLE, CALM_NICE, 0) &&
                schedule_thread(0, SCHED_BATCH, CALM_NICE, WORKER_SLICE_NS);
    return NULL;
}

bool
io__schedule_may_idle(void)
{
    bool may_idle = false;
    pthread_t thread;
    if (pthread_create(&thread, NULL, idle_try, &may_idle) == 0) {
        pthread_join(thread, NULL);
    }
    return may_idle;
}
