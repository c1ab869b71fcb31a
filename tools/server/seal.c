/* SPDX-License-Identifier: MIT */
/*
 * seal.c - what workers do for the stores of a shard while it goes on: full chunks become segments,
 * segments become larger ones, memory that will be used is populated.
 */
#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "engine/store/keep.h"
#include "tools/server/retain.h"

/* A worker at a time takes documents apart, and the next set waits for it: more would only take
 * memory. */
#define SEAL_COUNT_MAX 2

void
server__seals_begin(struct server__shard *shard)
{
    unsigned partition_count = chek_server_partition_count(shard->server);
    for (unsigned i = 0; i < partition_count && shard->seal_count < SEAL_COUNT_MAX; i++) {
        shard->seal_next = shard->seal_next % partition_count + 1;
        if (shard->grounds[shard->seal_next] != NULL) {
            server__seal_check(shard, shard->grounds[shard->seal_next]);
        }
    }
}

void
server__seal_adopt(struct server__ground *ground)
{
    struct server__shard *shard = ground->shard;
    if (!ground->seal_waits) {
        return;
    }
    ground->seal_waits = false;
    server__step_is(shard, STEP_SEAL);
    chek_seal_adopt(ground->seal);
    ground->seal = NULL;
    server__seals_begin(shard);
    server__merge_check(shard);
}

/* What waits for an image counts no more: the worker is free for other partitions. */
static void
on_sealed(struct chek_op *op, int64_t result)
{
    struct server__ground *ground = CHEK_CONTAINER_OF(op, struct server__ground, seal_op);
    struct server__shard *shard = ground->shard;
    (void)result;
    ground->seal_waits = true;
    shard->seal_count -= 1;
    if (!chek_store_image_is_open(chek_partition_store(ground->partition))) {
        server__seal_adopt(ground);
    } else {
        server__seals_begin(shard);
    }
    shard->seals_behind = shard->seals_behind && shard->seal_count > 0;
}

void
server__seal_check(struct server__shard *shard, struct server__ground *ground)
{
    if (ground->seal != NULL || shard->seal_count >= SEAL_COUNT_MAX) {
        if (!shard->seals_behind) {
            shard->seals_behind = chek_store_seal_is_due(chek_partition_store(ground->partition));
        }
        return;
    }
    ground->seal = chek_store_seal_begin(chek_partition_store(ground->partition));
    if (ground->seal == NULL) {
        return;
    }
    shard->seal_count += 1;
    ground->seal_op.on_done = on_sealed;
    if (shard->seals_behind) {
        chek_io_work(shard->io, &ground->seal_op, chek_seal_run, ground->seal);
    } else {
        chek_io_work_calm(shard->io, &ground->seal_op, chek_seal_run, ground->seal);
    }
}

void
server__seals_finish(struct server__shard *shard)
{
    unsigned ground_count = chek_server_partition_count(shard->server) + 1u;
    for (unsigned i = 0; shard->grounds != NULL && i < ground_count; i++) {
        if (shard->grounds[i] != NULL) {
            chek_seal_drop(shard->grounds[i]->seal);
            shard->grounds[i]->seal = NULL;
            chek_merge_drop(shard->grounds[i]->merge);
            shard->grounds[i]->merge = NULL;
        }
    }
}

/* ---- merges ----------------------------------------------------------------------------------- */

static void
on_freed(struct chek_op *op, int64_t result)
{
    struct server__ground *ground = CHEK_CONTAINER_OF(op, struct server__ground, merge_op);
    (void)result;
    ground->shard->is_merging = false;
    server__merge_check(ground->shard);
}

/* The planted bug does not wait until a manifest names what took its place. */
static void
file_remove(const struct server__ground *ground)
{
    struct chek_immutable file = {.number = ground->keep_number,
                                  .partition = chek_partition_number(ground->partition),
                                  .kind = CHEK_IMMUTABLE_SEGMENT};
    char path[CHEK_IMMUTABLE_NAME_MAX];
    chek_immutable_name(&file, path);
    int error = chek_disk_unlink(ground->shard->io, path);
    (void)error; /* it may be in no file yet */
}

/* On a worker: giving megabytes back to the system takes too long for a shard. */
static void
sources_free(void *argument)
{
    struct server__ground *ground = argument;
    if (CHEK_PLANTED(REMOVED_BEFORE_NAMED) && chek_merge_is_keep(ground->merge)) {
        file_remove(ground);
    }
    chek_merge_drop(ground->merge);
    ground->merge = NULL;
}

static void
free_begin(struct server__ground *ground)
{
    ground->merge_is_shown = false;
    ground->merge_op.on_done = on_freed;
    chek_io_work_calm(ground->shard->io, &ground->merge_op, sources_free, ground);
}

static void
merge_adopt(struct server__ground *ground)
{
    CHEK_ASSERT(ground->segments_held == 0); /* what is replaced will be freed */
    ground->merge_waits = false;
    server__step_is(ground->shard, STEP_MERGE);
    if (chek_merge_adopt(ground->merge)) {
        ground->shard->merge_count += !chek_merge_is_keep(ground->merge);
        ground->merge_is_shown = chek_merge_is_shown(ground->merge);
        if (!ground->merge_is_shown) {
            free_begin(ground);
        }
    } else { /* there was no memory: the next segment that is sealed has it tried again */
        bool is_keep = chek_merge_is_keep(ground->merge);
        struct chek_keep_next next;
        chek_merge_drop(ground->merge);
        ground->merge = NULL;
        ground->shard->is_merging = false;
        if (is_keep && !chek_store_keep_next(chek_partition_store(ground->partition), &next)) {
            server__retain_failed(ground, CHEK_E_CORRUPT);
        }
    }
}

void
server__view_closed(struct server__ground *ground)
{
    if (ground->merge_is_shown && !chek_merge_is_shown(ground->merge)) {
        free_begin(ground);
    }
}

static void
on_merged(struct chek_op *op, int64_t result)
{
    struct server__ground *ground = CHEK_CONTAINER_OF(op, struct server__ground, merge_op);
    (void)result;
    if (ground->segments_held > 0 && !CHEK_PLANTED(SEGMENTS_NOT_HELD)) {
        ground->merge_waits = true;
    } else {
        merge_adopt(ground);
    }
}

/* A merge, or what removed documents leave behind. */
/* Merging is calm work; that documents which were removed are gone is not put off. */
static void
job_begin(struct server__ground *ground)
{
    struct chek_io *io = ground->shard->io;
    struct chek_store *store = chek_partition_store(ground->partition);
    struct chek_segments segments = chek_store_segments(store);
    ground->merge_op.on_done = on_merged;
    ground->merge = chek_store_merge_begin(store);
    if (ground->merge != NULL) {
        chek_io_work_calm(io, &ground->merge_op, chek_merge_run, ground->merge);
        return;
    }
    ground->merge =
        chek_store_keep_begin(store, chek_partition_retention(ground->partition).row_count);
    ground->keep_number =
        ground->merge != NULL ? chek_segments_number(&segments, segments.kept_count) : 0;
    if (ground->merge != NULL) {
        chek_io_work(io, &ground->merge_op, chek_merge_run, ground->merge);
    }
}

void
server__merge_check(struct server__shard *shard)
{
    for (unsigned i = 1; i <= chek_server_partition_count(shard->server); i++) {
        struct server__ground *ground = shard->grounds[i];
        if (shard->is_merging || shard->stopping) {
            return;
        }
        if (ground == NULL) {
            continue;
        }
        job_begin(ground);
        shard->is_merging = ground->merge != NULL;
    }
}

void
server__segments_hold(struct server__ground *ground)
{
    ground->segments_held += 1;
}

void
server__segments_release(struct server__ground *ground)
{
    CHEK_ASSERT(ground->segments_held > 0);
    ground->segments_held -= 1;
    if (ground->segments_held == 0 && ground->merge_waits) {
        merge_adopt(ground);
    }
}

/* ---- memory ahead ----------------------------------------------------------------------------- */

/* The heap of one partition a turn: there are many turns before one needs a page more. */
static bool
heap_ahead(struct server__shard *shard)
{
    shard->memory_next = shard->memory_next % chek_server_partition_count(shard->server) + 1;
    struct server__ground *ground = shard->grounds[shard->memory_next];
    struct chek_partition_heaps heaps;
    if (ground == NULL) {
        return false;
    }
    chek_partition_heaps(ground->partition, &heaps);
    return chek_page_heap_ahead(heaps.heaps[0], &shard->memory_ahead);
}

static void
populate(void *argument)
{
    const struct chek_memory_ahead *ahead = argument;
    chek_memory_populate(ahead->at, ahead->size);
}

static void
on_populated(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* the turn that follows asks for more */
}

void
server__memory_turn(struct server__shard *shard)
{
    if (shard->memory_op.in_flight || shard->stopping ||
        (!chek_store_pool_ahead(shard->pool, &shard->memory_ahead) && !heap_ahead(shard))) {
        return;
    }
    shard->memory_op.on_done = on_populated;
    chek_io_work(shard->io, &shard->memory_op, populate, &shard->memory_ahead);
}
