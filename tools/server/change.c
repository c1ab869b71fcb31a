/* SPDX-License-Identifier: MIT */
/*
 * change.c - changes of the directory: asked anywhere, logged by shard 0, told to every copy.
 *
 * Shard 0 works on one change at a time: append, durable and applied, told to every other shard,
 * answered to the one that asked. So a change that was confirmed is known wherever the next frame
 * may arrive, and a principal's number can be written into the command before it is logged.
 */
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/planted.h"
#include "tools/server/shard.h"

struct server__change *
server__change_take(struct server__shard *shard)
{
    if (chek_list_is_empty(&shard->changes_free)) {
        return NULL;
    }
    struct server__change *change =
        CHEK_CONTAINER_OF(shard->changes_free.next, struct server__change, link);
    chek_list_remove(&change->link);
    change->message = (struct chek_message){.payload = change};
    change->on_done = NULL;
    change->asker = NULL;
    change->request = NULL;
    change->origin = (uint16_t)shard->index;
    change->error = CHEK_OK;
    change->principal = change->told_count = change->claimed_count = 0;
    change->body_size = 0;
    return change;
}

void
server__change_give(struct server__shard *shard, struct server__change *change)
{
    memset(change->secret, 0, sizeof change->secret);
    chek_list_add(shard->changes_free.next, &change->link);
}

void
server__change_ask(struct server__shard *shard, struct server__change *change)
{
    if (shard->index != 0) {
        server__post(shard, 0, SERVER_DIRECTORY_ASK, &change->message);
        return;
    }
    chek_list_add(&shard->changes_wait, &change->link);
    server__change_run(shard);
}

/* ---- shard 0 ---------------------------------------------------------------------------------- */

/*
 * The number of a principal, and whether its name is free, are known only now that it is its turn.
 * The name is looked at before logging: a log in which a name is twice is applied as it is.
 *
 *   Errors     EXISTS
 */
static int
principal_number(struct server__shard *shard, struct server__change *change)
{
    struct chek_command_principal what;
    struct chek_principal principal;
    struct chek_fault fault;
    uint32_t taken;

    chek_arena_reset(&shard->arena);
    int error = chek_command_principal_decode_whole(change->body, change->body_size, &shard->arena,
                                                    &what, &fault);
    CHEK_ASSERT(error == CHEK_OK); /* the origin encoded it */
    principal = *what.principal;
    if (chek_directory_find_principal(server__directory(shard), principal.name, &taken) != 0) {
        return CHEK_E_EXISTS;
    }
    principal.principal = chek_directory_principal_next(server__directory(shard));
    what.principal = &principal;
    uint8_t *bytes = chek_arena_take(&shard->arena, change->body_size + 16);
    CHEK_ASSERT(bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, change->body_size + 16);
    chek_command_principal_encode(&out, &what);
    CHEK_ASSERT(!out.full);
    memcpy(change->body, bytes, out.size);
    change->body_size = out.size;
    return CHEK_OK;
}

static void
change_end(struct server__shard *shard, struct server__change *change)
{
    shard->change_now = NULL;
    if (change->origin == 0) {
        change->on_done(shard, change);
    } else {
        server__post(shard, change->origin, SERVER_DIRECTORY_DONE, &change->message);
    }
}

void
server__change_run(struct server__shard *shard)
{
    shard->wall_us = chek_io_wall_us(shard->io);
    while (!shard->change_now || !shard->change_appended) {
        if (shard->change_now == NULL) {
            if (chek_list_is_empty(&shard->changes_wait)) {
                return;
            }
            shard->change_now =
                CHEK_CONTAINER_OF(shard->changes_wait.next, struct server__change, link);
            chek_list_remove(&shard->change_now->link);
            shard->change_appended = false;
            if (shard->change_now->kind == CHEK_COMMAND_PRINCIPAL) {
                shard->change_now->error = principal_number(shard, shard->change_now);
                if (shard->change_now->error != CHEK_OK) {
                    change_end(shard, shard->change_now);
                    continue;
                }
            }
        }
        struct server__change *change = shard->change_now;
        struct chek_envelope envelope = {.kind = change->kind};
        struct server__ticket ticket = {.owner = change, .kind = TICKET_CHANGE};
        int error;
        if (!server__append(shard, shard->grounds[0], &envelope,
                            chek_bytes_view_of(change->body, change->body_size), &ticket, &error)) {
            return;
        }
        shard->change_appended = error == CHEK_OK;
        if (error != CHEK_OK) {
            change->error = error;
            change_end(shard, change);
        }
    }
}

void
server__change_applied(struct server__shard *shard, struct server__change *change,
                       const struct chek_outcome *outcome)
{
    CHEK_ASSERT(change == shard->change_now);
    change->error = outcome->error;
    change->principal = outcome->principal;
    change->claimed_count = outcome->claimed_count;
    if (outcome->claimed_count != 0) {
        memcpy(change->claimed, outcome->claimed, outcome->claimed_count * sizeof *change->claimed);
    }
    if (change->kind == CHEK_COMMAND_REVOKE && change->error == CHEK_OK) {
        chek_session_revoke(shard->sessions, change->principal);
    }
    unsigned shard_count = server__shard_count(shard->server);
    change->told_count = 1;
    for (unsigned i = 1; i < shard_count; i++) {
        if (CHEK_PLANTED(DIRECTORY_NOT_TOLD) && i == shard_count - 1) {
            change->told_count += 1;
            break;
        }
        change->tells[i] = (struct server__tell){.change = change};
        change->tells[i].message.payload = &change->tells[i];
        server__post(shard, i, SERVER_DIRECTORY_TELL, &change->tells[i].message);
    }
    if (change->told_count == shard_count) {
        change_end(shard, change);
        server__change_run(shard);
    }
}

/* ---- the other shards ------------------------------------------------------------------------- */

/* Apply to this shard's copy what partition 0 applied. */
static void
copy_apply(struct server__shard *shard, const struct server__change *change)
{
    struct chek_command command = {
        .envelope = {.kind = change->kind},
        .body = chek_bytes_view_of(change->body, change->body_size),
    };
    struct chek_outcome outcome = {0};

    chek_arena_reset(&shard->arena);
    chek_arena_reset(&shard->decode);
    int error = chek_directory_ensure(shard->copy, change->body_size);
    /* A copy that cannot follow would let a revoked principal in: better to stop. */
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_directory_apply(shard->copy, &command, &shard->decode, &shard->arena, &outcome);
    CHEK_ASSERT(error == CHEK_OK);
    if (change->kind == CHEK_COMMAND_REVOKE && outcome.error == CHEK_OK) {
        chek_session_revoke(shard->sessions, outcome.principal);
    }
}

void
server__change_message(struct server__shard *shard, struct chek_message *message)
{
    struct server__change *change;
    switch (message->kind) {
    case SERVER_DIRECTORY_ASK:
        change = message->payload;
        chek_list_add(&shard->changes_wait, &change->link);
        server__change_run(shard);
        return;
    case SERVER_DIRECTORY_TELL:
        copy_apply(shard, ((struct server__tell *)message->payload)->change);
        server__post(shard, 0, SERVER_DIRECTORY_TOLD, message);
        return;
    case SERVER_DIRECTORY_TOLD:
        change = ((struct server__tell *)message->payload)->change;
        change->told_count += 1;
        if (change->told_count == server__shard_count(shard->server)) {
            change_end(shard, change);
            server__change_run(shard);
        }
        return;
    default:
        change = message->payload;
        change->on_done(shard, change);
    }
}

/* ---- claims, for the feed --------------------------------------------------------------------- */

static void
on_claimed(struct server__shard *shard, struct server__change *change)
{
    chek_feed_claimed(shard->feeds, change->asker, change->error, change->claimed,
                      change->claimed_count);
    server__change_give(shard, change);
}

bool
server__claim(void *context, struct chek_feed_frame *frame, struct chek_bytes_view claim)
{
    struct server__shard *shard = context;
    struct server__change *change = server__change_take(shard);
    if (change == NULL) {
        return false;
    }
    CHEK_ASSERT(claim.size <= CHEK_FRAME_BODY_SIZE_MAX);
    change->kind = CHEK_COMMAND_CLAIM;
    change->on_done = on_claimed;
    change->asker = frame;
    memcpy(change->body, claim.bytes, claim.size);
    change->body_size = claim.size;
    server__change_ask(shard, change);
    return true;
}
