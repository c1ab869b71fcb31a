/* SPDX-License-Identifier: MIT */
/*
 * kkm_admin.c - devices are added, changed and asked about.
 *
 * A device is added in two steps: its register is claimed in the directory, which says where it
 * lives, and then made there with its device. A crash between leaves a claimed register that the next
 * attempt finds.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/fiscal/check.h"
#include "tools/server/kkm.h"

#define DEVICE_TEXT_SIZE 12
#define COMMAND_SIZE_MAX 4096

/* What works for a request: kept in its state. */
struct asked {
    struct server__change *change;
    struct server__job *job;
};
_Static_assert(sizeof(struct asked) <= CHEK_REQUEST_STATE_SIZE, "a request's state");

void
server__job_on_abandon(void *context, struct chek_request *request)
{
    struct asked *asked = chek_request_state(request);
    (void)context;
    if (asked->job != NULL) {
        asked->job->request = NULL;
    }
}

void
server__kkm_add_on_abandon(void *context, struct chek_request *request)
{
    struct asked *asked = chek_request_state(request);
    if (asked->change != NULL) {
        asked->change->request = NULL;
    }
    server__job_on_abandon(context, request);
}

/* ---- answers ---------------------------------------------------------------------------------- */

/* What an error of a job is about. */
static const uint16_t fields[] = {
    [SERVER_JOB_ADD] = CHEK_FIELD_KKM_ADD_DEVICE,
    [SERVER_JOB_CHANGE] = CHEK_FIELD_KKM_CHANGE_DEVICE,
    [SERVER_JOB_ASK] = CHEK_FIELD_ASK_KKM_DEVICE,
    [SERVER_JOB_OPERATOR] = CHEK_FIELD_OPERATOR_SET_LOGIN,
    [SERVER_JOB_OPERATORS] = CHEK_FIELD_ASK_OPERATORS_ORGANISATION,
    [SERVER_JOB_NOMENCLATURE] = CHEK_FIELD_NOMENCLATURE_ORGANISATION,
    [SERVER_JOB_NOMENCLATURE_ASK] = CHEK_FIELD_NOMENCLATURE_ORGANISATION,
    [SERVER_JOB_NOMENCLATURES] = CHEK_FIELD_NOMENCLATURE_ORGANISATION,
    [SERVER_JOB_ERASE] = CHEK_FIELD_PERSON_QUERY_SUBJECT,
};

int
server__job_tell(struct server__shard *shard, struct server__job *job)
{
    struct chek_device device;
    if (job->kind == SERVER_JOB_OPERATOR) {
        return CHEK_OK;
    }
    if (job->kind == SERVER_JOB_ERASE) {
        server__erasure_tell(shard, job);
        return CHEK_OK;
    }
    if (job->kind == SERVER_JOB_NOMENCLATURE) {
        return server__nomenclature_told(shard, job, false);
    }
    int error = chek_partition_device(shard->grounds[job->partition]->partition, job->registration,
                                      &device);
    if (error == CHEK_OK) {
        job->token = chek_cpcr_token(server__subject_key(shard->server), &device.token);
    }
    return error;
}

void
server__job_answer(struct server__shard *shard, struct server__job *job)
{
    struct chek_request *request = job->request;
    (void)shard;
    if (request == NULL) {
        return;
    }
    if (job->error != CHEK_OK) {
        struct chek_fault fault = {.field = fields[job->kind]};
        chek_request_refuse(request, job->error, &fault, NULL);
        return;
    }
    size_t size = job->answer_size != 0 ? job->answer_size : CHEK_KKM_ADDED_SIZE_MAX;
    struct chek_writer out = chek_request_answer_begin(request, size);
    if (out.full) {
        /* A client that does not read its answers: it learns nothing, and asks again. */
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    if (job->answer_size != 0) {
        chek_writer_bytes(&out, job->answer, job->answer_size);
    } else if (job->kind == SERVER_JOB_OPERATOR) {
        chek_nothing_encode(&out, &(struct chek_nothing){0});
    } else {
        struct chek_kkm_added answer = {.registration = job->registration, .token = job->token};
        chek_kkm_added_encode(&out, &answer);
    }
    chek_request_answer_end(request, &out, true);
}

/* ---- add -------------------------------------------------------------------------------------- */

/* The register of a request with its device among its keys. */
struct adding {
    struct chek_kkm_add what;
    struct chek_register profile;
    struct chek_register_key keys[CHEK_REGISTER_KEY_COUNT_MAX];
    char device[DEVICE_TEXT_SIZE];
};

static int
adding_read(struct chek_bytes_view body, struct chek_arena *arena, struct adding *ret,
            struct chek_fault *fault)
{
    int error = chek_kkm_add_decode_whole(body.bytes, body.size, arena, &ret->what, fault);
    if (error != CHEK_OK) {
        return error;
    }
    ret->profile = *ret->what.profile;
    uint32_t count = ret->profile.keys_count;
    int size = snprintf(ret->device, sizeof ret->device, "%u", ret->what.device);
    struct chek_register_key device = {.kind = CHEK_KEY_KIND_DEVICE,
                                       .value = chek_bytes_view_of(ret->device, (size_t)size)};
    memcpy(ret->keys, ret->profile.keys, count * sizeof *ret->keys);
    for (uint32_t i = 0; i < count; i++) {
        if (ret->keys[i].kind != CHEK_KEY_KIND_DEVICE) {
            continue;
        }
        fault->field = CHEK_FIELD_KKM_ADD_DEVICE;
        if (!chek_bytes_view_equal(ret->keys[i].value, device.value)) {
            return CHEK_E_CONFLICT; /* the key is another device */
        }
        device.value.size = 0;
    }
    if (device.value.size != 0 && count == CHEK_REGISTER_KEY_COUNT_MAX) {
        fault->field = CHEK_FIELD_REGISTER_KEYS;
        return CHEK_E_LIMIT;
    }
    if (device.value.size != 0) {
        ret->keys[count++] = device;
    }
    ret->profile.keys = ret->keys;
    ret->profile.keys_count = count;
    return chek_register_check(&ret->profile, fault);
}

/* The register has its home: on to it, with the command that makes it known there. */
static void
add_submit(struct server__shard *shard, struct server__job *job, const struct chek_claimed *claimed)
{
    struct adding adding;
    struct chek_fault fault;
    chek_arena_reset(&shard->arena);
    int error = adding_read(chek_bytes_view_of(job->frame, job->frame_size), &shard->arena, &adding,
                            &fault);
    CHEK_ASSERT(error == CHEK_OK); /* it was read before */
    uint8_t *bytes = chek_arena_take(&shard->arena, COMMAND_SIZE_MAX);
    CHEK_ASSERT(bytes != NULL);
    struct chek_command_register command = {.registration = claimed->registration,
                                            .profile = &adding.profile};
    struct chek_writer out = chek_writer_over(bytes, COMMAND_SIZE_MAX);
    chek_command_register_encode(&out, &command);
    CHEK_ASSERT(!out.full);
    memcpy(job->frame, bytes, out.size);
    job->frame_size = out.size;
    job->registration = claimed->registration;
    job->partition = claimed->partition;
    server__job_submit(shard, job);
}

static void
on_claimed(struct server__shard *shard, struct server__change *change)
{
    struct server__job *job = change->asker;
    struct chek_claimed claimed = {.error = change->error};
    if (change->error == CHEK_OK) {
        claimed = change->claimed[0];
    }
    server__change_give(shard, change);
    if (job->request != NULL) {
        ((struct asked *)chek_request_state(job->request))->change = NULL;
    }
    if (claimed.error == CHEK_OK) {
        add_submit(shard, job, &claimed);
        return;
    }
    job->error = claimed.error;
    server__job_answer(shard, job);
    server__job_give(shard, job);
}

/* Whether the principal may make this register, and the directory can. */
static int
add_check(struct server__shard *shard, struct chek_request *request, const struct adding *adding,
          struct chek_fault *fault)
{
    const struct chek_directory *directory = server__directory(shard);
    *fault = (struct chek_fault){.field = CHEK_FIELD_KKM_ADD_PROFILE};
    if (!chek_directory_sees_register(directory, chek_request_principal(request),
                                      &adding->profile)) {
        return CHEK_E_PERMISSION;
    }
    return chek_directory_claim_check(directory, &adding->profile);
}

void
server__kkm_add(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_arena *arena = chek_request_arena(request);
    struct asked *asked = chek_request_state(request);
    struct adding adding;
    struct chek_fault fault = {0};
    int error = adding_read(body, arena, &adding, &fault);
    if (error == CHEK_OK) {
        error = add_check(shard, request, &adding, &fault);
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    struct server__job *job = server__job_take(shard, SERVER_JOB_ADD);
    struct server__change *change = job != NULL ? server__change_take(shard) : NULL;
    if (change == NULL) {
        if (job != NULL) {
            server__job_give(shard, job);
        }
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    job->request = request;
    job->change = CHEK_DEVICE_CHANGE_ADD;
    job->device = adding.what.device;
    job->token = adding.what.token;
    job->policy = adding.what.policy != 0 ? adding.what.policy - 1 : CHEK_CPCR_POLICY_DEFAULT;
    memcpy(job->frame, body.bytes, body.size);
    job->frame_size = body.size;
    struct chek_command_claim claim = {.registers = &adding.profile, .registers_count = 1};
    struct chek_writer out = chek_writer_over(change->body, CHEK_FRAME_BODY_SIZE_MAX);
    chek_command_claim_encode(&out, &claim);
    CHEK_ASSERT(!out.full);
    change->kind = CHEK_COMMAND_CLAIM;
    change->on_done = on_claimed;
    change->asker = job;
    change->body_size = out.size;
    change->request = request;
    *asked = (struct asked){change, job};
    server__change_ask(shard, change);
}

/* ---- change, ask ------------------------------------------------------------------------------ */

int
server__device_find(struct server__shard *shard, const struct chek_request *request,
                    uint32_t device, uint32_t *ret_registration, struct chek_home *ret_home)
{
    const struct chek_directory *directory = server__directory(shard);
    char text[DEVICE_TEXT_SIZE];
    int size = snprintf(text, sizeof text, "%u", device);
    uint32_t count =
        chek_directory_find(directory, chek_request_principal(request), CHEK_KEY_KIND_DEVICE,
                            chek_bytes_view_of(text, (size_t)size), ret_registration, 1);
    return count != 0 ? chek_directory_home(directory, *ret_registration, ret_home)
                      : CHEK_E_NOT_FOUND;
}

void
server__job_ask(struct server__shard *shard, struct chek_request *request, struct server__job *job)
{
    struct asked *asked = chek_request_state(request);
    job->request = request;
    *asked = (struct asked){.job = job};
    server__job_submit(shard, job);
}

/* Find the register of a device among what the asker sees, and send the job there. */
static void
device_submit(struct server__shard *shard, struct chek_request *request, uint8_t kind,
              uint32_t device, uint8_t change)
{
    struct chek_fault fault = {.field = fields[kind]};
    struct chek_home home;
    uint32_t registration;
    if (server__device_find(shard, request, device, &registration, &home) != CHEK_OK) {
        chek_request_refuse(request, CHEK_E_NOT_FOUND, &fault, NULL);
        return;
    }
    struct server__job *job = server__job_take(shard, kind);
    if (job == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    job->change = change;
    job->device = device;
    job->registration = registration;
    job->partition = home.partition;
    server__job_ask(shard, request, job);
}

void
server__kkm_change(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct chek_kkm_change what;
    struct chek_fault fault = {0};
    int error = chek_kkm_change_decode_whole(body.bytes, body.size, chek_request_arena(request),
                                             &what, &fault);
    if (error == CHEK_OK && what.change == CHEK_DEVICE_CHANGE_ADD) {
        fault = (struct chek_fault){.field = CHEK_FIELD_KKM_CHANGE_CHANGE};
        error = CHEK_E_RANGE;
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    device_submit(context, request, SERVER_JOB_CHANGE, what.device, what.change);
}

void
server__ask_kkm(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct chek_ask_kkm what;
    struct chek_fault fault = {0};
    int error = chek_ask_kkm_decode_whole(body.bytes, body.size, chek_request_arena(request), &what,
                                          &fault);
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    device_submit(context, request, SERVER_JOB_ASK, what.device, 0);
}
