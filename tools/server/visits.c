/* SPDX-License-Identifier: MIT */
/*
 * visits.c - visits at the owner of their partition: short ones, and those that workers go on with.
 *
 * A visit that looks at many rows takes one of few places, in which it is prepared, in steps of the
 * shard, and then run by a worker over a view that was opened at that moment. While it waits for a
 * place it is a link in a list. Every step of the shard is a message of its own, so that others come
 * in between.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/server/shard.h"

#define ARENA_SIZE (32 * 1024 * 1024) /* of address space; touched as it is used */
#define SPOILT_COUNT_MAX 3            /* then the asker may try at a quieter time */

int
server__visits_init(struct server__shard *shard)
{
    uint32_t late_count = server__config(shard->server)->view_late_count;
    chek_list_init(&shard->visits_wait);
    shard->place_memory = chek_memory_reserve(SERVER_PLACE_COUNT * ARENA_SIZE);
    if (shard->place_memory == NULL) {
        return -ENOMEM;
    }
    int error = chek_memory_commit(shard->place_memory, SERVER_PLACE_COUNT * ARENA_SIZE);
    for (uint32_t i = 0; i < SERVER_PLACE_COUNT && error == CHEK_OK; i++) {
        struct server__place *place = &shard->places[i];
        place->shard = shard;
        error = chek_view_create(late_count != 0 ? late_count : CHEK_VIEW_LATE_COUNT, &place->view);
        chek_arena_init_over(&place->arena, shard->place_memory + i * (size_t)ARENA_SIZE,
                             ARENA_SIZE);
    }
    return error;
}

void
server__visits_finish(struct server__shard *shard)
{
    for (uint32_t i = 0; i < SERVER_PLACE_COUNT; i++) {
        struct server__place *place = &shard->places[i];
        CHEK_ASSERT(!place->op.in_flight);
        if (place->view != NULL) {
            chek_view_close(place->view);
            chek_view_destroy(place->view);
        }
    }
    if (shard->place_memory != NULL) {
        chek_memory_release(shard->place_memory, SERVER_PLACE_COUNT * ARENA_SIZE);
    }
}

/* Come again in a step of its own: the visit is nobody else's, so its message is free. */
static void
again(struct server__shard *shard, struct chek_visit *visit)
{
    server__post(shard, shard->index, SERVER_VISIT, &visit->message);
}

/* Give free places to those that wait. */
static void
places_give(struct server__shard *shard)
{
    for (uint32_t i = 0; i < SERVER_PLACE_COUNT; i++) {
        struct server__place *place = &shard->places[i];
        if (place->visit != NULL || chek_list_is_empty(&shard->visits_wait)) {
            continue;
        }
        struct chek_visit *visit =
            CHEK_CONTAINER_OF(shard->visits_wait.next, struct chek_visit, link);
        chek_list_remove(&visit->link);
        place->visit = visit;
        place->spoilt_count = 0;
        visit->place = place;
        visit->prepared = NULL;
        chek_arena_reset(&place->arena);
        again(shard, visit);
    }
}

static void
go_home(struct server__shard *shard, struct chek_visit *visit)
{
    struct server__place *place = visit->place;
    visit->place = visit->prepared = NULL;
    server__post(shard, visit->origin, SERVER_VISITED, &visit->message);
    if (place != NULL) {
        place->visit = NULL;
        places_give(shard);
    }
}

/* What a step said is void. */
static void
answer_drop(struct chek_visit *visit)
{
    visit->done = false;
    visit->error = CHEK_OK;
    visit->fault = (struct chek_fault){0};
    visit->text[0] = 0;
    visit->chunk_size = 0;
}

/* ---- workers ---------------------------------------------------------------------------------- */

static void
visit_work(void *argument)
{
    struct server__place *place = argument;
    place->next = place->visit->work(place->visit, &place->shown);
}

/* What was read of a view that did not stay whole is of no use: all is as before, and read again. */
static void
spoilt(struct server__place *place)
{
    struct chek_visit *visit = place->visit;
    memcpy(visit->state, place->state, sizeof visit->state);
    chek_arena_rewind(&place->arena, place->arena_mark);
    answer_drop(visit);
    place->spoilt_count += 1;
    place->next = CHEK_VISIT_AGAIN;
    if (place->spoilt_count == SPOILT_COUNT_MAX) {
        visit->error = CHEK_E_BUSY;
        place->next = CHEK_VISIT_HOME;
    }
}

static void
on_worked(struct chek_op *op, int64_t result)
{
    struct server__place *place = CHEK_CONTAINER_OF(op, struct server__place, op);
    struct server__shard *shard = place->shard;
    struct chek_visit *visit = place->visit;
    struct server__ground *ground = shard->grounds[visit->partition];
    (void)result;
    server__step_is(shard, STEP_VISIT);
    bool is_whole = chek_view_is_whole(place->view);
    if (chek_view_cold(place->view)->error != CHEK_OK) {
        server__visit_rotten(visit, chek_view_cold(place->view));
    }
    chek_view_close(place->view);
    server__view_closed(ground);
    if (place->holds_segments) {
        place->holds_segments = false;
        server__segments_release(ground);
    }
    if (!is_whole) {
        spoilt(place);
    }
    server__visit_next(shard, visit, place->next);
}

/* Have a worker go on over a view of the moment. False: there is no memory for one. */
static bool
work_begin(struct server__place *place)
{
    struct server__shard *shard = place->shard;
    struct chek_visit *visit = place->visit;
    struct server__ground *ground = shard->grounds[visit->partition];
    struct chek_partition *partition = ground->partition;
    if (chek_view_open(place->view, chek_partition_store(partition)) != CHEK_OK) {
        return false;
    }
    /* What left memory is read from the files of the segments that the view shows. */
    place->holds_segments = chek_store_pool_residency(shard->pool).budget != 0;
    if (place->holds_segments) {
        server__segments_hold(ground);
    }
    place->shown = (struct chek_visit_view){
        .store = chek_view_store(place->view),
        .partition_seq = chek_partition_seq(partition),
        .arena = &place->arena,
    };
    memcpy(place->state, visit->state, sizeof place->state);
    place->arena_mark = chek_arena_mark(&place->arena);
    place->op.on_done = on_worked;
    chek_io_work(shard->io, &place->op, visit_work, place);
    return true;
}

/* ---- steps of the shard ----------------------------------------------------------------------- */

bool
server__visit_try(struct server__shard *shard, struct chek_visit *visit, struct chek_cold *cold,
                  enum chek_visit_next *ret)
{
    struct server__place *place = visit->place;
    struct chek_partition *partition = shard->grounds[visit->partition]->partition;
    struct chek_store *store = chek_partition_store(partition); /* the directory has none */
    struct chek_visit_persons persons = server__persons(shard->server);
    struct chek_visit_ground ground = {
        .partition = partition,
        .persons = &persons,
        .directory = server__directory(shard),
        .arena = place != NULL ? &place->arena : &shard->arena,
    };
    uint64_t state[CHEK_COUNT(visit->state)];
    memcpy(state, visit->state, sizeof state);
    void *prepared = visit->prepared;
    if (place == NULL) {
        chek_arena_reset(&shard->arena);
    }
    size_t mark = chek_arena_mark(ground.arena);
    cold->count = 0;
    if (store != NULL) {
        chek_store_ask_begin(store, cold);
    }
    uint64_t begin_ns = chek_io_now_ns(shard->io);
    *ret = visit->run(visit, &ground);
    if (visit->opcode == CHEK_OPCODE_ASK_REPORT) {
        chek_waits_add(&shard->counters.report_runs, chek_io_now_ns(shard->io) - begin_ns);
    }
    if (store != NULL) {
        chek_store_ask_end(store);
    }
    if (cold->count == 0) {
        return true;
    }
    CHEK_ASSERT(visit->prepared == prepared); /* who prepares reads no rows */
    memcpy(visit->state, state, sizeof state);
    chek_arena_rewind(ground.arena, mark);
    answer_drop(visit);
    return false;
}

void
server__visit_next(struct server__shard *shard, struct chek_visit *visit, enum chek_visit_next next)
{
    if (next == CHEK_VISIT_HOME) {
        go_home(shard, visit);
    } else if (next == CHEK_VISIT_AGAIN) {
        again(shard, visit);
    } else if (visit->place == NULL) {
        chek_list_add(&shard->visits_wait, &visit->link);
        places_give(shard);
    } else if (!work_begin(visit->place)) {
        visit->error = CHEK_E_BUSY;
        go_home(shard, visit);
    }
}

void
server__visit(struct server__shard *shard, struct chek_visit *visit)
{
    enum chek_visit_next next = CHEK_VISIT_WORKER;
    bool is_run = visit->place != NULL || !visit->is_long;
    if (is_run && !server__visit_try(shard, visit, &shard->cold, &next)) {
        server__visit_fetch(shard, visit);
        return;
    }
    server__visit_next(shard, visit, next);
}
