/* SPDX-License-Identifier: MIT */
/*
 * cpcr_auth.c - AUTH: a register asks whether somebody may work at it. (R30..R37)
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "ingest/cpcr/cpcr_exchange.h"

#define ROLE_COUNT 3

static struct chek_bytes_view
view_of(const ProtobufCBinaryData *data)
{
    return chek_bytes_view_of(data->data, data->len);
}

/* Who has this login and this password at the register. */
static struct chek_cpcr_auth
operator_check(const struct chek_cpcr_ground *ground, const Ingest__AuthRequest *asked)
{
    static const uint8_t nobody[CHEK_OPERATOR_HASH_SIZE];
    uint8_t hash[CHEK_OPERATOR_HASH_SIZE];
    struct chek_operator found = {.hash = nobody};
    struct chek_registered known;
    struct chek_cpcr_auth ret = {.is_ok = false};
    int error = chek_fiscal_registration(chek_partition_fiscal(ground->partition),
                                         ground->registration, ground->arena, &known);
    if (error != CHEK_OK) {
        return ret;
    }
    struct chek_bytes_view organisation = known.profile->organisation;
    error = chek_partition_operator(ground->partition, organisation, ground->registration,
                                    view_of(&asked->login), &found);
    /* An operator that there is not costs what a wrong password costs: so far nobody is told which. */
    chek_cpcr_password(ground->key, organisation, found.registration, view_of(&asked->login),
                       view_of(&asked->password), hash);
    bool is_right = sodium_memcmp(hash, found.hash, sizeof hash) == 0;
    sodium_memzero(hash, sizeof hash);
    if (error != CHEK_OK || !is_right) {
        return ret;
    }
    CHEK_ASSERT(found.name.size <= sizeof ret.name);
    ret = (struct chek_cpcr_auth){.is_ok = true,
                                  .roles = found.roles,
                                  .code = found.code,
                                  .name_size = (uint8_t)found.name.size};
    memcpy(ret.name, found.name.bytes, found.name.size);
    return ret;
}

/* Now, but no earlier than what was logged last: a clock that is put back makes nobody wait. */
static uint64_t
now_us(const struct chek_cpcr_ground *ground)
{
    uint64_t applied_us = chek_partition_time_us(ground->partition);
    uint64_t wall_us = chek_io_wall_us(ground->io);
    return wall_us > applied_us ? wall_us : applied_us;
}

bool
ingest__cpcr_auth_take(const struct chek_cpcr_ground *ground, const struct chek_device *device,
                       const Ingest__AuthRequest *asked, struct chek_cpcr_exchange *ret)
{
    /* Nothing is looked at, nor logged: who goes on trying costs what a ping costs. */
    if (!chek_device_may_try(device, now_us(ground))) {
        ret->auth = (struct chek_cpcr_auth){.is_limited = true};
        return true;
    }
    ret->auth = operator_check(ground, asked);
    if (ret->auth.is_ok) {
        return true;
    }
    uint8_t *bytes = chek_arena_take(ground->arena, CHEK_NOTHING_SIZE_MAX);
    struct chek_writer out = chek_writer_over(bytes, bytes != NULL ? CHEK_NOTHING_SIZE_MAX : 0);
    chek_nothing_encode(&out, &(struct chek_nothing){0});
    ret->kind = CHEK_COMMAND_TRY;
    ret->body = chek_bytes_view_of(bytes, out.size);
    return !out.full;
}

Ingest__AuthResponse *
ingest__cpcr_auth_answer(const struct chek_cpcr_auth *auth, struct chek_arena *arena)
{
    struct answer {
        Ingest__AuthResponse response;
        Ingest__UserRole roles[ROLE_COUNT];
    } *made = chek_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return NULL;
    }
    ingest__auth_response__init(&made->response);
    made->response.has_result = 1;
    made->response.result = INGEST__AUTH_RESULT__AUTH_INVALID_LOGIN_PASSWORD;
    if (!auth->is_ok) {
        return &made->response;
    }
    made->response.result = INGEST__AUTH_RESULT__AUTH_OK;
    made->response.has_operator_code = 1;
    made->response.operator_code = auth->code;
    made->response.has_operator_name = auth->name_size != 0;
    made->response.operator_name =
        (ProtobufCBinaryData){auth->name_size, (uint8_t *)(uintptr_t)auth->name};
    made->response.roles = made->roles;
    for (uint32_t i = 0; i < ROLE_COUNT; i++) {
        if ((auth->roles & 1u << i) != 0) {
            made->roles[made->response.n_roles++] =
                (Ingest__UserRole)(INGEST__USER_ROLE__ROLE_PAYMASTER + (int)i);
        }
    }
    return &made->response;
}
