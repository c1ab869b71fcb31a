/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_admin.c - what registers sell is loaded, and shown. (ingest/CPCR.md R90..R99)
 *
 * What is loaded is checked where it came in, then it is one command of the organisation's partition:
 * it is there as a whole, or not at all.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/nomenclature.h"
#include "tools/server/kkm.h"

/* Whose list a request is about, as a job's. Errors: as server__whose_find(), BUSY; no job was taken. */
static int
whose_take(struct server__shard *shard, struct chek_request *request,
           struct chek_nomenclature *what, uint8_t kind, struct chek_fault *fault,
           struct server__job **ret)
{
    struct server__whose whose = {
        .organisation = what->organisation, .point = what->point, .device = what->device};
    int error = server__whose_find(shard, request, &whose);
    if (error != CHEK_OK) {
        fault->field = what->device != 0 ? CHEK_FIELD_NOMENCLATURE_DEVICE
                                         : CHEK_FIELD_NOMENCLATURE_ORGANISATION;
        return error;
    }
    struct server__job *job = server__job_take(shard, kind);
    if (job == NULL) {
        return CHEK_E_BUSY;
    }
    server__whose_set(&whose, job);
    job->registration = 0; /* no register waits for it */
    what->organisation = whose.organisation;
    *ret = job;
    return CHEK_OK;
}

void
server__nomenclature_load(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct server__job *job = NULL;
    struct chek_arena *arena = chek_request_arena(request);
    struct chek_nomenclature what;
    struct chek_fault fault = {0};
    int error = chek_nomenclature_decode_whole(body.bytes, body.size, arena, &what, &fault);
    if (error == CHEK_OK) {
        error = chek_cpcr_nomenclature_check(&what, arena, &fault);
    }
    if (error == CHEK_OK) {
        fault = (struct chek_fault){0};
        error = whose_take(shard, request, &what, SERVER_JOB_NOMENCLATURE, &fault, &job);
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, error != CHEK_E_BUSY ? &fault : NULL, NULL);
        return;
    }
    what.version = 0; /* it is counted where it is kept */
    what.count = 0;
    struct chek_writer out = chek_writer_over(job->frame, CHEK_CPCR_FRAME_SIZE_MAX);
    chek_nomenclature_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    if (out.size > CHEK_COMMAND_BODY_SIZE_MAX) { /* with the organisation that a register has */
        fault.field = CHEK_FIELD_NOMENCLATURE_ELEMENTS;
        server__job_give(shard, job);
        chek_request_refuse(request, CHEK_E_LIMIT, &fault, NULL);
        return;
    }
    job->frame_size = out.size;
    server__job_ask(shard, request, job);
}

static void
ask(struct server__shard *shard, struct chek_request *request, struct chek_bytes_view body,
    uint8_t kind)
{
    struct server__job *job = NULL;
    struct chek_nomenclature what;
    struct chek_fault fault = {0};
    int error = chek_nomenclature_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                               &what, &fault);
    if (error == CHEK_OK && kind == SERVER_JOB_NOMENCLATURES &&
        (what.device != 0 || what.point.size != 0)) { /* all are those of an organisation */
        fault.field =
            what.device != 0 ? CHEK_FIELD_NOMENCLATURE_DEVICE : CHEK_FIELD_NOMENCLATURE_POINT;
        error = CHEK_E_RANGE;
    }
    if (error == CHEK_OK) {
        error = whose_take(shard, request, &what, kind, &fault, &job);
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, error != CHEK_E_BUSY ? &fault : NULL, NULL);
        return;
    }
    server__job_ask(shard, request, job);
}

void
server__ask_nomenclature(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    ask(context, request, body, SERVER_JOB_NOMENCLATURE_ASK);
}

void
server__ask_nomenclatures(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    ask(context, request, body, SERVER_JOB_NOMENCLATURES);
}

/* ---- on the owner ----------------------------------------------------------------------------- */

static struct chek_nomenclature_whose
whose_of(const struct server__job *job)
{
    return (struct chek_nomenclature_whose){
        .organisation = chek_bytes_view_of(job->organisation, job->organisation_size),
        .point = chek_bytes_view_of(job->point, job->point_size),
        .device = job->device};
}

int
server__nomenclature_told(struct server__shard *shard, struct server__job *job, bool is_whole)
{
    const struct chek_partition *partition = shard->grounds[job->partition]->partition;
    struct chek_nomenclature_whose whose = whose_of(job);
    struct chek_nomenclature answer = {0};
    struct chek_nomenclature_state state;
    struct chek_fault fault;
    int error = chek_partition_nomenclature(partition, &whose, &state);
    if (error == CHEK_OK && is_whole) {
        chek_arena_reset(&shard->arena);
        uint8_t *bytes = chek_arena_take(&shard->arena, state.size);
        CHEK_ASSERT(bytes != NULL);
        chek_partition_nomenclature_read(partition, &state, bytes);
        error = chek_nomenclature_decode_whole(bytes, state.size, &shard->arena, &answer, &fault);
    }
    if (error == CHEK_E_NOT_FOUND && !is_whole) {
        state = (struct chek_nomenclature_state){0}; /* it was removed */
    } else if (error != CHEK_OK) {
        return error;
    }
    answer.organisation = whose.organisation;
    answer.point = whose.point;
    answer.device = whose.device;
    answer.version = state.version;
    answer.created = state.created;
    answer.count = state.count;
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    chek_nomenclature_encode(&out, &answer);
    CHEK_ASSERT(!out.full);
    job->answer_size = out.size;
    return CHEK_OK;
}

void
server__nomenclatures_list(struct server__shard *shard, struct server__job *job)
{
    const struct chek_partition *partition = shard->grounds[job->partition]->partition;
    const size_t count_max = CHEK_NOMENCLATURE_COUNT_MAX + 1;
    chek_arena_reset(&shard->arena);
    struct chek_nomenclature_known *known =
        chek_arena_take(&shard->arena, count_max * sizeof *known);
    struct chek_nomenclature *list = chek_arena_take(&shard->arena, count_max * sizeof *list);
    CHEK_ASSERT(known != NULL && list != NULL);
    uint32_t count = chek_partition_nomenclatures(partition, whose_of(job).organisation, known);
    for (uint32_t i = 0; i < count; i++) {
        list[i] = (struct chek_nomenclature){.point = known[i].whose.point,
                                             .device = known[i].whose.device,
                                             .version = known[i].state.version,
                                             .created = known[i].state.created,
                                             .count = known[i].state.count};
    }
    struct chek_nomenclatures answer = {.lists = list, .lists_count = count};
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    chek_nomenclatures_encode(&out, &answer);
    CHEK_ASSERT(!out.full);
    job->answer_size = out.size;
}
