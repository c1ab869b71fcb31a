/* SPDX-License-Identifier: MIT */
/*
 * uring_timer.c - timers as a pairing heap inside the ops themselves.
 *
 * No kernel op and no memory for a timer: the loop's wait ends at the earliest deadline. Adding is
 * O(1), taking the earliest O(log n) amortised. Equal deadlines complete in the order of adding.
 *
 *   Source  Fredman, Sedgewick, Sleator, Tarjan, "The pairing heap", Algorithmica 1 (1986)
 */
#include "engine/io/uring_shard.h"

/* In a waiting timer `argument` is its first child, `next` its next sibling, `offset` its number. */
static struct chek_op *
child_of(const struct chek_op *op)
{
    return op->argument;
}

static bool
timer_is_before(const struct chek_op *a, const struct chek_op *b)
{
    if (a->deadline_ns != b->deadline_ns) {
        return a->deadline_ns < b->deadline_ns;
    }
    return a->offset < b->offset;
}

static struct chek_op *
heap_meld(struct chek_op *a, struct chek_op *b)
{
    if (a == NULL) {
        return b;
    }
    if (b == NULL) {
        return a;
    }
    struct chek_op *first = timer_is_before(a, b) ? a : b;
    struct chek_op *second = first == a ? b : a;
    second->next = child_of(first);
    first->argument = second;
    return first;
}

/* Meld a list of siblings: in pairs from the left, then the pairs from the right. */
static struct chek_op *
heap_meld_list(struct chek_op *list)
{
    struct chek_op *pairs = NULL;
    struct chek_op *heap = NULL;

    while (list != NULL) {
        struct chek_op *a = list;
        struct chek_op *b = a->next;
        list = b != NULL ? b->next : NULL;
        a->next = NULL;
        if (b != NULL) {
            b->next = NULL;
        }
        struct chek_op *pair = heap_meld(a, b);
        pair->next = pairs;
        pairs = pair;
    }
    while (pairs != NULL) {
        struct chek_op *pair = pairs;
        pairs = pair->next;
        pair->next = NULL;
        heap = heap_meld(heap, pair);
    }
    return heap;
}

void
io__timer_add(struct uring_shard *shard, struct chek_op *op)
{
    op->argument = NULL;
    op->next = NULL;
    op->in_flight = true;
    op->offset = shard->timer_sequence;
    shard->timer_sequence += 1;
    shard->timers = heap_meld(shard->timers, op);
}

uint64_t
io__timer_wait_ns(const struct uring_shard *shard)
{
    if (shard->timers == NULL) {
        return UINT64_MAX;
    }
    uint64_t now_ns = io__clock_ns();
    uint64_t deadline_ns = shard->timers->deadline_ns;
    return deadline_ns > now_ns ? deadline_ns - now_ns : 0;
}

void
io__timer_run(struct uring_shard *shard)
{
    if (shard->timers == NULL) {
        return;
    }
    uint64_t now_ns = io__clock_ns();
    uint64_t sequence_end =
        shard->timer_sequence; /* those added by the callbacks have their turn */

    while (shard->timers != NULL && shard->timers->deadline_ns <= now_ns &&
           shard->timers->offset < sequence_end) {
        struct chek_op *op = shard->timers;
        shard->timers = heap_meld_list(child_of(op));
        op->argument = NULL;
        op->in_flight = false;
        if (op->kind == URING_ACCEPT_AGAIN) {
            io__accept_again(shard, op);
        } else {
            op->on_done(op, 0);
        }
        chek_io_step(&shard->io.owner);
    }
}

void
io__timer_drain(struct uring_shard *shard)
{
    while (shard->timers != NULL) {
        struct chek_op *op = shard->timers;
        shard->timers = heap_meld_list(child_of(op));
        op->argument = NULL;
        op->in_flight = false;
    }
}
