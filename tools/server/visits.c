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
    visit->error = CHEK_OK;
    visit->done = false;
    visit->chunk_size = 0;
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
    (void)result;
    server__step_is(shard, STEP_VISIT);
    bool is_whole = chek_view_is_whole(place->view);
    chek_view_close(place->view);
    server__view_closed(shard->grounds[visit->partition]);
    if (!is_whole) {
        spoilt(place);
    }
    if (place->next == CHEK_VISIT_HOME) {
        go_home(shard, visit);
    } else {
        again(shard, visit);
    }
}

/* Have a worker go on over a view of the moment. False: there is no memory for one. */
static bool
work_begin(struct server__place *place)
{
    struct server__shard *shard = place->shard;
    struct chek_visit *visit = place->visit;
    struct chek_partition *partition = shard->grounds[visit->partition]->partition;
    if (chek_view_open(place->view, chek_partition_store(partition)) != CHEK_OK) {
        return false;
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

static enum chek_visit_next
visit_run(struct server__shard *shard, struct chek_visit *visit)
{
    struct server__place *place = visit->place;
    struct chek_visit_ground ground = {
        .partition = shard->grounds[visit->partition]->partition,
        .directory = server__directory(shard),
        .arena = place != NULL ? &place->arena : &shard->arena,
    };
    if (place == NULL) {
        chek_arena_reset(&shard->arena);
    }
    return visit->run(visit, &ground);
}

void
server__visit(struct server__shard *shard, struct chek_visit *visit)
{
    enum chek_visit_next next = CHEK_VISIT_WORKER;
    if (visit->place != NULL || !visit->is_long) {
        next = visit_run(shard, visit);
    }
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
