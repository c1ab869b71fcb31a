/* SPDX-License-Identifier: MIT */
/*
 * sim_queue.c - the events to come, a binary heap ordered by (virtual time, sequence).
 *
 * The sequence breaks ties, so two events never compare equal and the order is one.
 */
#include "tests/sim/sim.h"

static bool
is_before(const struct sim_event *a, const struct sim_event *b)
{
    return a->time_ns != b->time_ns ? a->time_ns < b->time_ns : a->sequence < b->sequence;
}

static void
swap(struct sim_event *a, struct sim_event *b)
{
    struct sim_event kept = *a;
    *a = *b;
    *b = kept;
}

static void
sift_up(struct sim_queue *queue, size_t at)
{
    while (at > 0 && is_before(&queue->events[at], &queue->events[(at - 1) / 2])) {
        swap(&queue->events[at], &queue->events[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
}

static void
sift_down(struct sim_queue *queue, size_t at)
{
    for (;;) {
        size_t least = at;
        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < queue->count; child++) {
            if (is_before(&queue->events[child], &queue->events[least])) {
                least = child;
            }
        }
        if (least == at) {
            return;
        }
        swap(&queue->events[at], &queue->events[least]);
        at = least;
    }
}

void
sim__event_add(struct chek_world *world, uint64_t delay_ns, enum sim_event_kind kind,
               struct sim_shard *shard, void *subject)
{
    struct sim_queue *queue = &world->queue;
    queue->events =
        sim__array_room(queue->events, queue->count, &queue->capacity, sizeof(*queue->events));
    struct sim_event *event = &queue->events[queue->count];
    uint64_t time_ns;
    if (__builtin_add_overflow(world->now_ns, delay_ns, &time_ns)) {
        time_ns = UINT64_MAX;
    }
    *event = (struct sim_event){.time_ns = time_ns,
                                .sequence = world->sequence++,
                                .kind = kind,
                                .shard = shard,
                                .subject = subject};
    sift_up(queue, queue->count++);
}

const struct sim_event *
sim__event_peek(const struct chek_world *world)
{
    return world->queue.count != 0 ? &world->queue.events[0] : NULL;
}

struct sim_event
sim__event_take(struct chek_world *world)
{
    struct sim_queue *queue = &world->queue;
    CHEK_ASSERT(queue->count != 0);
    struct sim_event event = queue->events[0];
    queue->events[0] = queue->events[--queue->count];
    sift_down(queue, 0);
    return event;
}

void
sim__event_drop(struct chek_world *world,
                void (*on_drop)(struct chek_world *world, const struct sim_event *event))
{
    struct sim_queue *queue = &world->queue;
    size_t kept = 0;
    for (size_t i = 0; i < queue->count; i++) {
        struct sim_event event = queue->events[i];
        if (event.shard != NULL && event.shard->halted) {
            on_drop(world, &event);
        } else {
            queue->events[kept++] = event;
        }
    }
    queue->count = kept;
    for (size_t i = kept / 2; i-- > 0;) {
        sift_down(queue, i);
    }
}
