/* SPDX-License-Identifier: MIT */
/*
 * cold_flow.c - who needs sealed rows that are not in memory waits for them, and nobody else.
 *
 * A visit that met such rows is put back to where it began and run again when a worker has read
 * them; so is the judgement of a document that may repeat one. What one of these has read stays
 * until it is through: rows leave memory only while nobody waits. So there may be more than the
 * budget says, for as long as those who wait have begun; then nobody else begins until it is less.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "persist/snapshot.h"
#include "tools/server/shard.h"

#define LEAVE_LOOK_COUNT 4                /* partitions that are looked at in a turn */
#define LEAVE_PAUSE_NS UINT64_C(20000000) /* after looking in vain */

int
server__cold_init(struct server__shard *shard)
{
    chek_list_init(&shard->fetches_free);
    chek_list_init(&shard->visits_wait);
    shard->fetches = chek_memory_allocate(SERVER_FETCH_COUNT * sizeof *shard->fetches);
    shard->parked = chek_memory_allocate(SERVER_PARKED_COUNT * sizeof *shard->parked);
    if (shard->fetches == NULL || shard->parked == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < SERVER_FETCH_COUNT; i++) {
        chek_list_add(&shard->fetches_free, &shard->fetches[i].link);
    }
    for (uint32_t i = 0; i < SERVER_PARKED_COUNT; i++) {
        shard->parked[i].next = shard->parked_free;
        shard->parked_free = &shard->parked[i];
    }
    return CHEK_OK;
}

void
server__cold_finish(struct server__shard *shard)
{
    chek_memory_free(shard->fetches, SERVER_FETCH_COUNT * sizeof *shard->fetches);
    chek_memory_free(shard->parked, SERVER_PARKED_COUNT * sizeof *shard->parked);
}

/* ---- the budget ------------------------------------------------------------------------------- */

/* Bytes that are in memory beyond the budget. */
static uint64_t
excess(const struct server__shard *shard)
{
    struct chek_residency residency = chek_store_pool_residency(shard->pool);
    return residency.budget != 0 && residency.resident_size > residency.budget
               ? residency.resident_size - residency.budget
               : 0;
}

bool
server__cold_is_there(const struct server__shard *shard)
{
    return chek_store_pool_residency(shard->pool).cold_size != 0;
}

bool
server__cold_hold(struct server__shard *shard, bool must)
{
    if (must || (chek_store_pool_residency(shard->pool).budget != 0 && excess(shard) == 0)) {
        shard->cold_holds += 1;
        return true;
    }
    return false;
}

void
server__cold_release(struct server__shard *shard)
{
    CHEK_ASSERT(shard->cold_holds > 0);
    shard->cold_holds -= 1;
}

/* One may always begin, so that something goes on. */
static bool
may_begin(const struct server__shard *shard)
{
    return shard->cold_holds == 0 || excess(shard) == 0;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void visit_fetched(struct server__shard *shard, struct server__fetch *fetch);

static void
on_fetched(struct chek_op *op, int64_t result)
{
    struct server__fetch *fetch = CHEK_CONTAINER_OF(op, struct server__fetch, op);
    struct server__ground *ground = fetch->ground;
    (void)result;
    server__segments_release(ground);
    if (fetch->visit != NULL) {
        visit_fetched(ground->shard, fetch);
    } else {
        server__parked_fetched(ground);
    }
}

static void
fetch_begin(struct server__fetch *fetch)
{
    struct server__shard *shard = fetch->ground->shard;
    server__segments_hold(fetch->ground);
    fetch->op.on_done = on_fetched;
    chek_io_work(shard->io, &fetch->op, chek_cold_fetch, &fetch->cold);
}

/* ---- visits ----------------------------------------------------------------------------------- */

/* Run a visit; false: it met rows that are not there, and is as it was before. */
static bool
visit_try(struct server__shard *shard, struct chek_visit *visit, struct chek_cold *cold)
{
    struct chek_partition *partition = shard->grounds[visit->partition]->partition;
    struct chek_store *store = chek_partition_store(partition);
    struct chek_visit_ground ground = {
        .partition = partition,
        .directory = server__directory(shard),
        .arena = &shard->arena,
    };
    uint64_t state[CHEK_COUNT(visit->state)];
    memcpy(state, visit->state, sizeof state);
    chek_arena_reset(&shard->arena);
    cold->count = 0;
    if (store != NULL) {
        chek_store_ask_begin(store, cold);
    }
    visit->run(visit, &ground);
    if (store != NULL) {
        chek_store_ask_end(store);
    }
    if (cold->count == 0) {
        return true;
    }
    memcpy(visit->state, state, sizeof state);
    visit->done = false;
    visit->error = CHEK_OK;
    visit->fault = (struct chek_fault){0};
    visit->text[0] = 0;
    visit->chunk_size = 0;
    return false;
}

static void
visit_go(struct server__shard *shard, struct chek_visit *visit)
{
    server__post(shard, visit->origin, SERVER_VISITED, &visit->message);
}

/* Rows that cannot be read: this question has no answer, others have. */
static void
visit_fail(struct server__shard *shard, struct chek_visit *visit, const struct chek_cold *cold)
{
    char name[CHEK_IMMUTABLE_NAME_MAX];
    struct chek_immutable file = {.number = cold->file.number,
                                  .partition = cold->file.partition,
                                  .kind = CHEK_IMMUTABLE_SEGMENT};
    chek_immutable_name(&file, name);
    visit->error = cold->error;
    visit->done = true;
    (void)snprintf(visit->text, sizeof visit->text, "%s at offset %" PRIu64 ": %s", name,
                   cold->offset, chek_error_text(cold->error));
    visit_go(shard, visit);
}

static void
visit_fetched(struct server__shard *shard, struct server__fetch *fetch)
{
    struct chek_visit *visit = fetch->visit;
    if (fetch->cold.error != CHEK_OK) {
        visit_fail(shard, visit, &fetch->cold);
    } else if (visit_try(shard, visit, &fetch->cold)) {
        visit_go(shard, visit);
    } else {
        fetch_begin(fetch);
        return;
    }
    fetch->visit = NULL;
    chek_list_add(&shard->fetches_free, &fetch->link);
    server__cold_release(shard);
}

void
server__visit_run(struct server__shard *shard, struct chek_visit *visit)
{
    if (visit_try(shard, visit, &shard->cold)) {
        visit_go(shard, visit);
        return;
    }
    if (chek_list_is_empty(&shard->fetches_free) || !may_begin(shard)) {
        chek_list_add(&shard->visits_wait, &visit->link);
        return;
    }
    struct server__fetch *fetch =
        CHEK_CONTAINER_OF(shard->fetches_free.next, struct server__fetch, link);
    chek_list_remove(&fetch->link);
    fetch->visit = visit;
    fetch->ground = shard->grounds[visit->partition];
    fetch->cold = shard->cold;
    shard->counters.visit_cold_count += 1;
    server__cold_hold(shard, true);
    fetch_begin(fetch);
}

/* ---- items ------------------------------------------------------------------------------------ */

static void
ground_fetch(struct server__ground *ground)
{
    ground->fetch.ground = ground;
    if (!ground->fetch_holds) {
        ground->fetch_holds = server__cold_hold(ground->shard, true);
    }
    fetch_begin(&ground->fetch);
}

void
server__cold_fetch(struct server__ground *ground)
{
    struct server__shard *shard = ground->shard;
    CHEK_ASSERT(!ground->fetch.op.in_flight);
    ground->fetch.cold = shard->cold;
    if (ground->fetch_holds || may_begin(shard)) {
        ground_fetch(ground);
    } else {
        ground->fetch_waits = true;
        shard->fetch_wait_count += 1;
    }
}

/* ---- turns ------------------------------------------------------------------------------------ */

static void
waiting_begin(struct server__shard *shard)
{
    for (unsigned i = 1;
         shard->fetch_wait_count > 0 && i <= chek_server_partition_count(shard->server); i++) {
        struct server__ground *ground = shard->grounds[i];
        if (ground != NULL && ground->fetch_waits && may_begin(shard)) {
            ground->fetch_waits = false;
            shard->fetch_wait_count -= 1;
            /* What was wished for may be there by now, or merged away: it is judged anew. */
            ground->fetch.cold.error = CHEK_OK;
            server__parked_fetched(ground);
        }
    }
    while (!chek_list_is_empty(&shard->visits_wait) && !chek_list_is_empty(&shard->fetches_free) &&
           may_begin(shard)) {
        struct chek_visit *visit =
            CHEK_CONTAINER_OF(shard->visits_wait.next, struct chek_visit, link);
        chek_list_remove(&visit->link);
        server__visit_run(shard, visit);
    }
}

/* There was nothing to let go: the turn that follows looks again. */
static void
on_pause(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result;
}

static void
on_left(struct chek_op *op, int64_t result)
{
    struct server__shard *shard = CHEK_CONTAINER_OF(op, struct server__shard, leave_op);
    (void)result;
    server__segments_release(shard->grounds[shard->leave_ground]);
}

/* Let rows go that were not asked for lately. */
static void
leave_begin(struct server__shard *shard, uint64_t size)
{
    unsigned partition_count = chek_server_partition_count(shard->server);
    for (unsigned i = 0; i < partition_count && i < LEAVE_LOOK_COUNT; i++) {
        shard->leave_next = shard->leave_next % partition_count + 1;
        struct server__ground *ground = shard->grounds[shard->leave_next];
        if (ground != NULL &&
            chek_cold_choose(chek_partition_store(ground->partition), size, &shard->leaving)) {
            shard->leave_ground = shard->leave_next;
            server__segments_hold(ground);
            shard->leave_op.on_done = on_left;
            chek_io_work(shard->io, &shard->leave_op, chek_cold_leave, &shard->leaving);
            return;
        }
    }
    shard->leave_op.on_done = on_pause;
    chek_io_timer(shard->io, &shard->leave_op, chek_io_now_ns(shard->io) + LEAVE_PAUSE_NS);
}

void
server__cold_turn(struct server__shard *shard)
{
    waiting_begin(shard);
    if (shard->cold_holds != 0 || shard->leave_op.in_flight || shard->stopping) {
        return;
    }
    uint64_t size = excess(shard);
    if (size != 0) {
        leave_begin(shard, size);
    }
}

bool
server__cold_is_idle(const struct server__shard *shard)
{
    return !shard->leave_op.in_flight && !shard->scrub_runs && shard->parked_count == 0 &&
           chek_list_is_empty(&shard->visits_wait);
}
