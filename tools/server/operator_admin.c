/* SPDX-License-Identifier: MIT */
/*
 * operator_admin.c - operators of registers are set, removed and listed. (ingest/CPCR.md R30..R36)
 *
 * All registers of an organisation live in one partition, and so do its operators. A password goes
 * no further than the shard that its request came to: the job carries its hash.
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "tools/server/kkm.h"

int
server__whose_find(struct server__shard *shard, struct chek_request *request,
                   struct server__whose *ret)
{
    const struct chek_directory *directory = server__directory(shard);
    struct chek_register any = {.organisation = ret->organisation, .point = ret->point};
    struct chek_registered known;
    struct chek_home home;
    if (ret->device == 0 && ret->organisation.size == 0) {
        return CHEK_E_FIELD_MISSING;
    }
    if (ret->device == 0) {
        ret->partition = chek_directory_partition_of(directory, ret->organisation);
        return chek_directory_sees_register(directory, chek_request_principal(request), &any)
                   ? CHEK_OK
                   : CHEK_E_PERMISSION;
    }
    if (ret->organisation.size != 0 || ret->point.size != 0) {
        return CHEK_E_RANGE;
    }
    int error = server__device_find(shard, request, ret->device, &ret->registration, &home);
    if (error == CHEK_OK) {
        error = chek_directory_registered(directory, ret->registration, chek_request_arena(request),
                                          &known);
    }
    if (error == CHEK_OK) {
        ret->organisation = known.profile->organisation;
        ret->partition = home.partition;
    }
    return error;
}

void
server__whose_set(const struct server__whose *whose, struct server__job *job)
{
    CHEK_ASSERT(whose->organisation.size <= sizeof job->organisation);
    CHEK_ASSERT(whose->point.size <= sizeof job->point);
    memcpy(job->organisation, whose->organisation.bytes, whose->organisation.size);
    job->organisation_size = (uint8_t)whose->organisation.size;
    if (whose->point.size != 0) {
        memcpy(job->point, whose->point.bytes, whose->point.size);
    }
    job->point_size = (uint8_t)whose->point.size;
    job->device = whose->device;
    job->registration = whose->registration;
    job->partition = whose->partition;
}

/* ---- set, remove ------------------------------------------------------------------------------ */

static int
set_check(const struct chek_operator_set *what, struct chek_fault *fault)
{
    if (what->login.size == 0) {
        fault->field = CHEK_FIELD_OPERATOR_SET_LOGIN;
        return CHEK_E_FIELD_MISSING;
    }
    if (!what->remove && what->password.size == 0) {
        fault->field = CHEK_FIELD_OPERATOR_SET_PASSWORD;
        return CHEK_E_FIELD_MISSING;
    }
    return CHEK_OK;
}

static void
set_write(struct server__shard *shard, const struct chek_operator_set *what,
          const struct server__whose *whose, struct server__job *job)
{
    uint8_t hash[CHEK_OPERATOR_HASH_SIZE];
    struct chek_command_operator command = {.organisation = whose->organisation,
                                            .registration = whose->registration,
                                            .login = what->login};
    if (!what->remove) {
        chek_cpcr_password(server__subject_key(shard->server), whose->organisation,
                           whose->registration, what->login, what->password, hash);
        command.hash = chek_bytes_view_of(hash, sizeof hash);
        command.code = what->code;
        command.name = what->name;
        command.roles = what->roles;
    }
    struct chek_writer out = chek_writer_over(job->frame, CHEK_CPCR_FRAME_SIZE_MAX);
    chek_command_operator_encode(&out, &command);
    CHEK_ASSERT(!out.full);
    job->frame_size = out.size;
    server__whose_set(whose, job);
}

void
server__operator_set(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_operator_set what = {0};
    struct chek_fault fault = {0};
    int error = chek_operator_set_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                               &what, &fault);
    if (error == CHEK_OK) {
        error = set_check(&what, &fault);
    }
    struct server__whose whose = {.organisation = what.organisation, .device = what.device};
    if (error == CHEK_OK) {
        error = server__whose_find(shard, request, &whose);
        fault.field = what.device != 0 ? CHEK_FIELD_OPERATOR_SET_DEVICE
                                       : CHEK_FIELD_OPERATOR_SET_ORGANISATION;
    }
    struct server__job *job =
        error == CHEK_OK ? server__job_take(shard, SERVER_JOB_OPERATOR) : NULL;
    if (error != CHEK_OK || job == NULL) {
        chek_request_refuse(request, error != CHEK_OK ? error : CHEK_E_BUSY,
                            error != CHEK_OK ? &fault : NULL, NULL);
        return;
    }
    set_write(shard, &what, &whose, job);
    server__job_ask(shard, request, job);
}

/* ---- list ------------------------------------------------------------------------------------- */

void
server__ask_operators(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_ask_operators what = {0};
    struct chek_fault fault = {0};
    int error = chek_ask_operators_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                                &what, &fault);
    struct server__whose whose = {.organisation = what.organisation, .device = what.device};
    if (error == CHEK_OK) {
        error = server__whose_find(shard, request, &whose);
        fault.field = what.device != 0 ? CHEK_FIELD_ASK_OPERATORS_DEVICE
                                       : CHEK_FIELD_ASK_OPERATORS_ORGANISATION;
    }
    struct server__job *job =
        error == CHEK_OK ? server__job_take(shard, SERVER_JOB_OPERATORS) : NULL;
    if (error != CHEK_OK || job == NULL) {
        chek_request_refuse(request, error != CHEK_OK ? error : CHEK_E_BUSY,
                            error != CHEK_OK ? &fault : NULL, NULL);
        return;
    }
    server__whose_set(&whose, job);
    server__job_ask(shard, request, job);
}

void
server__operators_list(struct server__shard *shard, struct server__job *job)
{
    const struct chek_partition *partition = shard->grounds[job->partition]->partition;
    chek_arena_reset(&shard->arena);
    struct chek_operator *known =
        chek_arena_take(&shard->arena, CHEK_OPERATOR_COUNT_MAX * sizeof *known);
    struct chek_kkm_operator *list =
        chek_arena_take(&shard->arena, CHEK_OPERATOR_COUNT_MAX * sizeof *list);
    CHEK_ASSERT(known != NULL && list != NULL);
    uint32_t count = chek_partition_operators(
        partition, chek_bytes_view_of(job->organisation, job->organisation_size), job->registration,
        known);
    for (uint32_t i = 0; i < count; i++) {
        struct chek_device device = {0};
        if (known[i].registration != 0) {
            int error = chek_partition_device(partition, known[i].registration, &device);
            CHEK_ASSERT(error == CHEK_OK); /* it was named by its device; devices do not go */
        }
        list[i] = (struct chek_kkm_operator){.device = device.token.device,
                                             .login = known[i].login,
                                             .code = known[i].code,
                                             .name = known[i].name,
                                             .roles = known[i].roles};
    }
    struct chek_kkm_operators answer = {.operators = list, .operators_count = count};
    struct chek_writer out = chek_writer_over(job->answer, CHEK_CPCR_ANSWER_SIZE_MAX);
    chek_kkm_operators_encode(&out, &answer);
    CHEK_ASSERT(!out.full);
    job->answer_size = out.size;
}
