/* SPDX-License-Identifier: MIT */
/*
 * uring_schedule.c - who comes first where processors are few.
 *
 * Both calls are advice to the scheduler, sched_setattr(2): a kernel that does not know a slice
 * for ordinary threads, before 6.12, goes by its own, and nothing else changes.
 */
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "engine/io/uring_shard.h"

/* A shard has little to do at a time, and somebody waits for it: it asks for the shortest slice
 * there is, which lets it interrupt whoever has a longer one. */
#define SHARD_SLICE_NS UINT64_C(100000)

/* Sealing and writing snapshots take turns with the shards: what is left to them is still enough
 * to keep up. */
#define WORKER_SLICE_NS UINT64_C(3000000)
#define WORKER_NICE 3

/* struct sched_attr of sched_setattr(2), which libc has no name for, in its first form. */
struct schedule {
    uint32_t size, policy;
    uint64_t flags;
    int32_t nice;
    uint32_t priority;
    uint64_t runtime, deadline, period;
};

_Static_assert(sizeof(struct schedule) == 48, "the first form");

static void
schedule(uint32_t policy, int32_t nice, uint64_t slice_ns)
{
    struct schedule attributes = {
        .size = sizeof attributes, .policy = policy, .nice = nice, .runtime = slice_ns};
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
}

void
io__schedule_shard(void)
{
    schedule(SCHED_OTHER, 0, SHARD_SLICE_NS);
}

void
io__schedule_worker(void)
{
    schedule(SCHED_BATCH, WORKER_NICE, WORKER_SLICE_NS);
}
