/* SPDX-License-Identifier: MIT */
/*
 * nomenclature_admin.c - what registers sell is loaded, and shown. (ingest/CPCR.md R90..R97)
 *
 * What is loaded is checked where it came in, then it is one command of the organisation's partition:
 * it is there as a whole, or not at all.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/partition/nomenclature.h"
#include "tools/server/kkm.h"

/* The organisation of a request as a job's. Errors: FIELD_MISSING, PERMISSION; no job was taken. */
static int
organisation_take(struct server__shard *shard, struct chek_request *request,
                  struct chek_bytes_view organisation, uint8_t kind, struct server__job **ret)
{
    uint16_t partition;
    int error = server__organisation_find(shard, request, organisation, &partition);
    if (error != CHEK_OK) {
        return error;
    }
    struct server__job *job = server__job_take(shard, kind);
    if (job == NULL) {
        return CHEK_E_BUSY;
    }
    CHEK_ASSERT(organisation.size <= sizeof job->organisation);
    memcpy(job->organisation, organisation.bytes, organisation.size);
    job->organisation_size = (uint8_t)organisation.size;
    job->partition = partition;
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
        fault = (struct chek_fault){.field = CHEK_FIELD_NOMENCLATURE_ORGANISATION};
        error = organisation_take(shard, request, what.organisation, SERVER_JOB_NOMENCLATURE, &job);
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, error != CHEK_E_BUSY ? &fault : NULL, NULL);
        return;
    }
    what.version = 0; /* it is counted where it is kept */
    struct chek_writer out = chek_writer_over(job->frame, CHEK_COMMAND_BODY_SIZE_MAX);
    chek_nomenclature_encode(&out, &what);
    CHEK_ASSERT(!out.full); /* it is not larger than what came */
    job->frame_size = out.size;
    server__job_ask(shard, request, job);
}

void
server__ask_nomenclature(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct server__job *job = NULL;
    struct chek_nomenclature what;
    struct chek_fault fault = {0};
    int error = chek_nomenclature_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                               &what, &fault);
    if (error == CHEK_OK) {
        fault = (struct chek_fault){.field = CHEK_FIELD_NOMENCLATURE_ORGANISATION};
        error =
            organisation_take(shard, request, what.organisation, SERVER_JOB_NOMENCLATURE_ASK, &job);
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, error != CHEK_E_BUSY ? &fault : NULL, NULL);
        return;
    }
    server__job_ask(shard, request, job);
}

/* ---- on the owner ----------------------------------------------------------------------------- */

int
server__nomenclature_told(struct server__shard *shard, struct server__job *job, bool is_whole)
{
    const struct chek_partition *partition = shard->grounds[job->partition]->partition;
    struct chek_bytes_view organisation =
        chek_bytes_view_of(job->organisation, job->organisation_size);
    struct chek_nomenclature answer = {.organisation = organisation};
    struct chek_nomenclature_state state;
    struct chek_fault fault;
    int error = chek_partition_nomenclature(partition, organisation, &state);
    if (error == CHEK_OK && is_whole) {
        chek_arena_reset(&shard->arena);
        uint8_t *bytes = chek_arena_take(&shard->arena, state.size);
        CHEK_ASSERT(bytes != NULL);
        chek_partition_nomenclature_read(partition, organisation, bytes);
        error = chek_nomenclature_decode_whole(bytes, state.size, &shard->arena, &answer, &fault);
    }
    if (error == CHEK_E_NOT_FOUND && !is_whole) {
        state = (struct chek_nomenclature_state){0}; /* it was removed */
    } else if (error != CHEK_OK) {
        return error;
    }
    answer.version = state.version;
    answer.created = state.created;
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    chek_nomenclature_encode(&out, &answer);
    CHEK_ASSERT(!out.full);
    job->answer_size = out.size;
    return CHEK_OK;
}
