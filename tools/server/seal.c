/* SPDX-License-Identifier: MIT */
/*
 * seal.c - what workers do for the stores of a shard while it goes on: full chunks become segments,
 * memory that will be used is populated.
 */
#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/server/shard.h"

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
    chek_seal_adopt(ground->seal);
    ground->seal = NULL;
    server__seals_begin(shard);
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
}

void
server__seal_check(struct server__shard *shard, struct server__ground *ground)
{
    if (ground->seal != NULL || shard->seal_count >= SEAL_COUNT_MAX) {
        return;
    }
    ground->seal = chek_store_seal_begin(chek_partition_store(ground->partition));
    if (ground->seal == NULL) {
        return;
    }
    shard->seal_count += 1;
    ground->seal_op.on_done = on_sealed;
    chek_io_work(shard->io, &ground->seal_op, chek_seal_run, ground->seal);
}

void
server__seals_finish(struct server__shard *shard)
{
    unsigned ground_count = chek_server_partition_count(shard->server) + 1u;
    for (unsigned i = 0; shard->grounds != NULL && i < ground_count; i++) {
        if (shard->grounds[i] != NULL && shard->grounds[i]->seal != NULL) {
            chek_seal_drop(shard->grounds[i]->seal);
            shard->grounds[i]->seal = NULL;
        }
    }
}

/* ---- memory ahead ----------------------------------------------------------------------------- */

static void
populate(void *argument)
{
    const struct chek_store_ahead *ahead = argument;
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
        !chek_store_pool_ahead(shard->pool, &shard->memory_ahead)) {
        return;
    }
    shard->memory_op.on_done = on_populated;
    chek_io_work(shard->io, &shard->memory_op, populate, &shard->memory_ahead);
}
