/* SPDX-License-Identifier: MIT */
/*
 * retain.h - a shard removes documents that are older than they have to be kept.
 *
 * One segment of one partition at a time: a worker proves its totals over a view, in rounds of some
 * registrations; the shard compares what is in the heap, a part a step; then it is logged that the
 * documents are removed, and when that is durable the segment is remade without them (seal.c). What
 * cannot be proved stays, with all that came after it in its partition, and is told.
 *
 *   Threads  the shard, but for what a worker runs
 */
#ifndef CHEK_SERVER_RETAIN_H
#define CHEK_SERVER_RETAIN_H

#include "tools/server/shard.h"

/* Make it when documents are removed at all. Errors: -ENOMEM. */
CHEK_MUST_USE int server__retain_init(struct server__shard *shard);
void server__retain_finish(struct server__shard *shard); /* no worker runs any more */

/* Go on, if it is time. */
void server__retain_turn(struct server__shard *shard);

/* Nothing of it is under way: the shard may end. */
bool server__retain_is_idle(const struct server__shard *shard);

/* A segment could not be remade. */
void server__retain_failed(struct server__ground *ground, int error);

struct server__retained {
    uint64_t proved_count;  /* segments whose totals were proved, since the start */
    uint64_t stopped_count; /* partitions of which nothing is removed until the next start */
};

struct server__retained server__retain_count(const struct server__shard *shard);

#endif
