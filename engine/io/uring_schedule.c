/* SPDX-License-Identifier: MIT */
/*
 * uring_schedule.c - who comes first where processors are few.
 *
 * All of it is advice to the scheduler, sched_setattr(2) and sched_setaffinity(2): a kernel that
 * does not know a slice for ordinary threads, before 6.12, goes by its own, and nothing else
 * changes.
 */
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

/* A tenth of what a shard has. Not the idle class: among busy threads who is in it gets next to
 * nothing, and may not leave it again without privileges (sched(7), RLIMIT_NICE). */
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

static void
schedule(uint32_t policy, int32_t nice, uint64_t slice_ns)
{
    struct schedule attributes = {
        .size = sizeof attributes, .policy = policy, .nice = nice, .runtime = slice_ns};
    (void)syscall(SYS_sched_setattr, 0, &attributes, 0);
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
