/* SPDX-License-Identifier: MIT */
/*
 * person_admin.c - somebody is erased, and how far that is complete.
 *
 * A value becomes a subject at the shard that its request came to; the job carries the subject. What
 * was erased is still in images and log files of before. These go with a snapshot, the log a file at a
 * time: so an erasure is complete when the file that its command is in is gone, because by then a
 * snapshot was stored and tidied up after that has the log before it.
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "tools/server/kkm.h"

/* ---- a request -------------------------------------------------------------------------------- */

/* Who is meant. Errors: FIELD_MISSING, RANGE. */
static int
subject_of(const struct chek_subject_key *key, const struct chek_person_query *what,
           uint8_t ret[CHEK_SUBJECT_SIZE], struct chek_fault *fault)
{
    static const uint8_t nobody[CHEK_SUBJECT_SIZE];
    bool is_subject = memcmp(what->subject, nobody, sizeof nobody) != 0;
    if (what->value.size != 0) {
        fault->field = CHEK_FIELD_PERSON_QUERY_VALUE;
        return is_subject ? CHEK_E_RANGE
                          : chek_subject_of(key, what->organisation, what->kind, what->value, ret);
    }
    fault->field = CHEK_FIELD_PERSON_QUERY_SUBJECT;
    memcpy(ret, what->subject, CHEK_SUBJECT_SIZE);
    return is_subject ? CHEK_OK : CHEK_E_FIELD_MISSING;
}

void
server__person_erase(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_person_query what;
    struct chek_fault fault = {0};
    struct chek_erasure command = {0};
    struct server__whose whose = {0};
    int error = chek_person_query_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                               &what, &fault);
    if (error == CHEK_OK) {
        fault.field = CHEK_FIELD_PERSON_QUERY_ORGANISATION;
        whose.organisation = what.organisation;
        error = server__whose_find(shard, request, &whose);
    }
    if (error == CHEK_OK) {
        error = subject_of(server__subject_key(shard->server), &what, command.subject, &fault);
    }
    struct server__job *job = error == CHEK_OK ? server__job_take(shard, SERVER_JOB_ERASE) : NULL;
    if (error != CHEK_OK || job == NULL) {
        chek_request_refuse(request, error != CHEK_OK ? error : CHEK_E_BUSY,
                            error != CHEK_OK ? &fault : NULL, NULL);
        return;
    }
    command.organisation = what.organisation;
    command.erased = what.erased;
    struct chek_writer out = chek_writer_over(job->frame, CHEK_CPCR_FRAME_SIZE_MAX);
    chek_erasure_encode(&out, &command);
    CHEK_ASSERT(!out.full);
    job->frame_size = out.size;
    job->partition = whose.partition;
    job->is_unbounded =
        chek_directory_is_unbounded(server__directory(shard), chek_request_principal(request));
    server__job_ask(shard, request, job);
}

/* ---- for questions ---------------------------------------------------------------------------- */

int
server__subject_of(void *context, struct chek_bytes_view organisation, uint8_t kind,
                   struct chek_bytes_view value, uint8_t ret[16])
{
    const struct server__shard *shard = context;
    return chek_subject_of(server__subject_key(shard->server), organisation, kind, value, ret);
}

static int
persons_open(const void *key, struct chek_bytes_view organisation, const uint8_t subject[16],
             struct chek_bytes_view secret, uint8_t *ret, size_t *ret_size, uint8_t *ret_kind)
{
    return chek_subject_open_of(key, organisation, subject, secret, ret, ret_size, ret_kind);
}

struct chek_visit_persons
server__persons(const struct chek_server *server)
{
    return (struct chek_visit_persons){server__subject_key(server), persons_open};
}

/* ---- on the owner ----------------------------------------------------------------------------- */

/*
 * Whether a subject is of the organisation that the asker sees: others stand beside it. What another key
 * encrypted only who sees all of them can be believed.
 */
int
server__erasure_check(struct server__shard *shard, const struct server__job *job)
{
    const struct chek_partition *partition = shard->grounds[job->partition]->partition;
    uint8_t value[CHEK_SUBJECT_VALUE_SIZE_MAX];
    struct chek_bytes_view secret;
    struct chek_erasure what, listed;
    struct chek_fault fault;
    size_t size;
    uint8_t kind;
    chek_arena_reset(&shard->arena);
    int error =
        chek_erasure_decode_whole(job->frame, job->frame_size, &shard->arena, &what, &fault);
    CHEK_ASSERT(error == CHEK_OK); /* the origin encoded it */
    if (chek_partition_subject(partition, what.subject, &secret) == CHEK_OK) {
        error = chek_subject_open_of(server__subject_key(shard->server), what.organisation,
                                     what.subject, secret, value, &size, &kind);
        sodium_memzero(value, sizeof value);
        return error != CHEK_E_CORRUPT ? error : job->is_unbounded ? CHEK_OK : CHEK_E_NOT_FOUND;
    }
    error = chek_partition_erasure(partition, what.subject, &listed);
    return error == CHEK_OK && !chek_bytes_view_equal(listed.organisation, what.organisation)
               ? CHEK_E_NOT_FOUND
               : CHEK_OK;
}

void
server__erasure_tell(struct server__shard *shard, struct server__job *job)
{
    struct chek_erasure what;
    struct chek_fault fault;
    chek_arena_reset(&shard->arena);
    int error =
        chek_erasure_decode_whole(job->frame, job->frame_size, &shard->arena, &what, &fault);
    CHEK_ASSERT(error == CHEK_OK); /* it was applied */
    what.erased = chek_partition_erased_us(shard->grounds[job->partition]->partition, what.subject);
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    chek_erasure_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    job->answer_size = out.size;
}

/* ---- what is not complete --------------------------------------------------------------------- */

void
server__erasure_note(struct server__shard *shard, uint64_t lsn, uint64_t time_us)
{
    struct server__erasing *erasing = &shard->erasing;
    struct server__erasing_run *last =
        erasing->count != 0 ? &erasing->runs[erasing->count - 1] : NULL;
    if (last == NULL ||
        (lsn - last->lsn > SERVER_ERASING_GAP && erasing->count < CHEK_COUNT(erasing->runs))) {
        last = &erasing->runs[erasing->count++];
        *last = (struct server__erasing_run){.first_us = time_us};
    }
    last->lsn = lsn;
    last->count += 1;
}

void
server__erasures_complete(struct server__shard *shard, uint64_t lsn)
{
    struct server__erasing *erasing = &shard->erasing;
    uint32_t gone = 0;
    while (gone < erasing->count && erasing->runs[gone].lsn <= lsn) {
        gone += 1;
    }
    erasing->count -= gone;
    memmove(erasing->runs, erasing->runs + gone, erasing->count * sizeof *erasing->runs);
    for (unsigned i = 1; i <= chek_server_partition_count(shard->server); i++) {
        if (shard->grounds[i] != NULL) {
            shard->grounds[i]->erased_before = (struct server__erased){0};
        }
    }
}

struct server__erased
server__erasures_open(const struct server__shard *shard)
{
    struct server__erased sum = {0};
    for (uint32_t i = 0; i < shard->erasing.count; i++) {
        sum.count += shard->erasing.runs[i].count;
        sum.first_us = sum.first_us != 0 ? sum.first_us : shard->erasing.runs[i].first_us;
    }
    for (unsigned i = 1; i <= chek_server_partition_count(shard->server); i++) {
        const struct server__ground *ground = shard->grounds[i];
        if (ground != NULL && ground->erased_before.count != 0) {
            uint64_t first_us = ground->erased_before.first_us;
            sum.count += ground->erased_before.count;
            sum.first_us = sum.first_us == 0 || first_us < sum.first_us ? first_us : sum.first_us;
        }
    }
    return sum;
}
