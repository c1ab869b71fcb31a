/* SPDX-License-Identifier: MIT */
/*
 * gather.c - something asked of every shard at once.
 *
 * Each shard writes its own slot of the answer; the last one to come back ends it.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "tools/server/shard.h"

struct server__gather *
server__gather_take(struct server__shard *shard)
{
    if (chek_list_is_empty(&shard->gathers_free)) {
        return NULL;
    }
    struct server__gather *gather =
        CHEK_CONTAINER_OF(shard->gathers_free.next, struct server__gather, link);
    chek_list_remove(&gather->link);
    gather->request = NULL;
    gather->origin = (uint16_t)shard->index;
    gather->open_count = 0;
    memset(gather->values, 0, sizeof gather->values);
    return gather;
}

void
server__gather_give(struct server__shard *shard, struct server__gather *gather)
{
    chek_list_add(shard->gathers_free.next, &gather->link);
}

void
server__gather_begin(struct server__shard *shard, struct server__gather *gather)
{
    unsigned shard_count = server__shard_count(shard->server);
    gather->open_count = shard_count;
    for (unsigned i = 0; i < shard_count; i++) {
        gather->leaves[i] = (struct server__gather_leaf){.gather = gather};
        gather->leaves[i].message.payload = &gather->leaves[i];
        /* Also to itself: an answer never comes before the asking call has returned. */
        server__post(shard, i, SERVER_GATHER, &gather->leaves[i].message);
    }
}

void
server__gather_message(struct server__shard *shard, struct chek_message *message)
{
    struct server__gather *gather = ((struct server__gather_leaf *)message->payload)->gather;
    if (message->kind == SERVER_GATHER) {
        gather->run(shard, gather, shard->index);
        server__post(shard, gather->origin, SERVER_GATHERED, message);
        return;
    }
    CHEK_ASSERT(gather->open_count > 0);
    gather->open_count -= 1;
    if (gather->open_count == 0) {
        gather->on_done(shard, gather);
    }
}

/* ---- what was acknowledged to a source -------------------------------------------------------- */

static void
hello_run(struct server__shard *shard, struct server__gather *gather, unsigned index)
{
    uint64_t offset_max = 0;
    unsigned partition_count = chek_server_partition_count(shard->server);
    for (unsigned i = 1; i <= partition_count; i++) {
        if (shard->grounds[i] != NULL) {
            uint64_t offset =
                chek_partition_source_offset(shard->grounds[i]->partition, gather->question[0]);
            offset_max = offset > offset_max ? offset : offset_max;
        }
    }
    gather->values[index] = offset_max;
}

static void
hello_done(struct server__shard *shard, struct server__gather *gather)
{
    uint64_t offset_max = 0;
    for (unsigned i = 0; i < CHEK_SHARD_COUNT_MAX; i++) {
        offset_max = gather->values[i] > offset_max ? gather->values[i] : offset_max;
    }
    if (gather->request != NULL) {
        chek_request_welcome(gather->request, offset_max < gather->question[1]);
    }
    server__gather_give(shard, gather);
}

void
server__on_hello(void *context, struct chek_request *request, uint64_t acknowledged)
{
    struct server__shard *shard = context;
    struct server__gather *gather = NULL;
    if (acknowledged == 0) {
        chek_request_welcome(request, false);
        return;
    }
    gather = server__gather_take(shard);
    if (gather == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    gather->request = request;
    gather->run = hello_run;
    gather->on_done = hello_done;
    gather->question[0] = chek_request_source(request);
    gather->question[1] = acknowledged;
    memcpy(chek_request_state(request), &gather, sizeof gather);
    server__gather_begin(shard, gather);
}
