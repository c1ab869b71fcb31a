/* SPDX-License-Identifier: MIT */
/*
 * admin.c - tokens, status, and a snapshot on demand.
 */
#include <sodium.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "tools/server/shard.h"

/* ---- requests that wait for a change or a gather ----------------------------------------------- */

/* A handler's state is a pointer to what works for it. */
static void *
state_read(struct chek_request *request)
{
    void *pointer;
    memcpy(&pointer, chek_request_state(request), sizeof pointer);
    return pointer;
}

static void
state_write(struct chek_request *request, void *pointer)
{
    memcpy(chek_request_state(request), &pointer, sizeof pointer);
}

void
server__change_on_abandon(void *context, struct chek_request *request)
{
    struct server__change *change = state_read(request);
    (void)context;
    if (change != NULL) {
        change->request = NULL;
    }
}

void
server__gather_on_abandon(void *context, struct chek_request *request)
{
    struct server__gather *gather = state_read(request);
    (void)context;
    if (gather != NULL) {
        gather->request = NULL;
    }
}

static void
answer_nothing(struct chek_request *request)
{
    struct chek_nothing nothing = {0};
    struct chek_writer out = chek_request_answer_begin(request, 8);
    if (out.full) {
        /* A client that does not read its answers: it learns nothing, and asks again. */
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    chek_nothing_encode(&out, &nothing);
    chek_request_answer_end(request, &out, true);
}

/* ---- token_add -------------------------------------------------------------------------------- */

static void
token_added(struct server__shard *shard, struct server__change *change)
{
    struct chek_request *request = change->request;
    char text[CHEK_TOKEN_TEXT_MAX];

    if (request != NULL && change->error != CHEK_OK) {
        struct chek_fault fault = {.field = CHEK_FIELD_TOKEN_ADD_NAME};
        bool is_taken = change->error == CHEK_E_EXISTS;
        chek_request_refuse(request, change->error, is_taken ? &fault : NULL,
                            is_taken ? "a principal that is not revoked has this name" : NULL);
    } else if (request != NULL) {
        chek_token_write(change->principal, change->secret, text);
        struct chek_token_added answer = {.principal = change->principal,
                                          .token = chek_bytes_view_text(text)};
        struct chek_writer out = chek_request_answer_begin(request, 256);
        if (out.full) {
            chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        } else {
            chek_token_added_encode(&out, &answer);
            chek_request_answer_end(request, &out, true);
        }
        sodium_memzero(text, sizeof text);
    }
    server__change_give(shard, change);
}

/* A new secret, its hash in the command, the secret beside it until the answer is out. */
static void
token_make(struct server__shard *shard, struct server__change *change,
           const struct chek_token_add *what)
{
    uint8_t hash[CHEK_TOKEN_HASH_SIZE];
    struct chek_principal principal = {.principal = 1, /* the real one when it is its turn */
                                       .name = what->name,
                                       .rights = what->rights,
                                       .scope = what->scope,
                                       .trusted = what->trusted};
    struct chek_command_principal command = {.principal = &principal,
                                             .hash = chek_bytes_view_of(hash, sizeof hash)};
    struct chek_writer out = chek_writer_over(change->body, CHEK_FRAME_BODY_SIZE_MAX);

    chek_io_random(shard->io, change->secret, sizeof change->secret);
    chek_token_hash(change->secret, hash);
    chek_command_principal_encode(&out, &command);
    CHEK_ASSERT(!out.full);
    change->body_size = out.size;
}

/* Whether a scope can be kept. */
static bool
scope_fits(const struct chek_scope *scope, struct chek_arena *arena)
{
    if (scope == NULL) {
        return true;
    }
    uint8_t *bytes = chek_arena_take(arena, CHEK_DIRECTORY_SCOPE_SIZE_MAX);
    if (bytes == NULL) {
        return false;
    }
    struct chek_writer out = chek_writer_over(bytes, CHEK_DIRECTORY_SCOPE_SIZE_MAX);
    chek_scope_encode(&out, scope);
    return !out.full;
}

void
server__token_add(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_arena *arena = chek_request_arena(request);
    struct chek_token_add what;
    struct chek_fault fault = {0};

    int error = chek_token_add_decode_whole(body.bytes, body.size, arena, &what, &fault);
    if (error == CHEK_OK && !scope_fits(what.scope, arena)) {
        fault = (struct chek_fault){.field = CHEK_FIELD_TOKEN_ADD_SCOPE};
        error = CHEK_E_LIMIT;
    }
    if (error == CHEK_OK && what.name.size == 0) {
        fault = (struct chek_fault){.field = CHEK_FIELD_TOKEN_ADD_NAME};
        error = CHEK_E_FIELD_MISSING;
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    struct server__change *change = server__change_take(shard);
    if (change == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    change->kind = CHEK_COMMAND_PRINCIPAL;
    change->on_done = token_added;
    change->request = request;
    state_write(request, change);
    token_make(shard, change, &what);
    server__change_ask(shard, change);
}

/* ---- token_revoke ----------------------------------------------------------------------------- */

static void
token_revoked(struct server__shard *shard, struct server__change *change)
{
    if (change->request != NULL && change->error != CHEK_OK) {
        chek_request_refuse(change->request, change->error, NULL, NULL);
    } else if (change->request != NULL) {
        answer_nothing(change->request);
    }
    server__change_give(shard, change);
}

/*
 * The principal that is meant: by number, or by a name that only one living one has.
 *
 *   Errors     NOT_FOUND, AMBIGUOUS
 */
static int
principal_find(struct server__shard *shard, const struct chek_token_revoke *what, uint32_t *ret)
{
    if (what->principal != 0) {
        *ret = what->principal;
        return CHEK_OK;
    }
    uint32_t count = chek_directory_find_principal(server__directory(shard), what->name, ret);
    return count == 1 ? CHEK_OK : count == 0 ? CHEK_E_NOT_FOUND : CHEK_E_AMBIGUOUS;
}

void
server__token_revoke(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct chek_arena *arena = chek_request_arena(request);
    struct chek_command_revoke command = {0};
    struct chek_token_revoke what;
    struct chek_fault fault = {0};

    int error = chek_token_revoke_decode_whole(body.bytes, body.size, arena, &what, &fault);
    if (error == CHEK_OK) {
        fault = (struct chek_fault){.field = CHEK_FIELD_TOKEN_REVOKE_NAME};
        error = principal_find(shard, &what, &command.principal);
    }
    if (error != CHEK_OK) {
        chek_request_refuse(request, error, &fault, NULL);
        return;
    }
    struct server__change *change = server__change_take(shard);
    if (change == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    struct chek_writer out = chek_writer_over(change->body, CHEK_FRAME_BODY_SIZE_MAX);
    chek_command_revoke_encode(&out, &command);
    change->body_size = out.size;
    change->kind = CHEK_COMMAND_REVOKE;
    change->on_done = token_revoked;
    change->request = request;
    state_write(request, change);
    server__change_ask(shard, change);
}

/* ---- tokens: a list --------------------------------------------------------------------------- */

#define TOKENS_A_FRAME 32
#define TOKEN_SIZE_MAX (CHEK_DIRECTORY_SCOPE_SIZE_MAX + 128)

/* Send principals from the one in the request's state on, as long as there is room. */
static void
tokens_send(struct server__shard *shard, struct chek_request *request)
{
    const struct chek_directory *directory = server__directory(shard);
    uint32_t count = chek_directory_principal_count(directory);
    uint32_t next;

    memcpy(&next, chek_request_state(request), sizeof next);
    for (;;) {
        struct chek_arena *arena = chek_request_arena(request);
        size_t mark = chek_arena_mark(arena);
        struct chek_principal list[TOKENS_A_FRAME];
        uint32_t listed = 0;
        struct chek_writer out =
            chek_request_answer_begin(request, TOKENS_A_FRAME * (size_t)TOKEN_SIZE_MAX);
        if (out.full) {
            memcpy(chek_request_state(request), &next, sizeof next);
            return;
        }
        while (listed < TOKENS_A_FRAME && next + listed < count) {
            int error =
                chek_directory_principal_read(directory, next + listed + 1, arena, &list[listed]);
            CHEK_ASSERT(error == CHEK_OK);
            listed += 1;
        }
        struct chek_principals answer = {.principals = list, .principals_count = listed};
        chek_principals_encode(&out, &answer);
        chek_arena_rewind(arena, mark);
        next += listed;
        bool last = next == count;
        chek_request_answer_end(request, &out, last);
        if (last) {
            return;
        }
    }
}

void
server__tokens(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    (void)body;
    tokens_send(context, request);
}

void
server__tokens_on_room(void *context, struct chek_request *request)
{
    tokens_send(context, request);
}

/* ---- snapshot --------------------------------------------------------------------------------- */

static void
snapshot_done(struct server__shard *shard, struct server__gather *gather)
{
    int error = (int)(int64_t)gather->values[0];
    if (gather->request != NULL && error == CHEK_OK) {
        answer_nothing(gather->request);
    } else if (gather->request != NULL) {
        chek_request_refuse(gather->request, error, NULL, NULL);
    }
    server__gather_give(shard, gather);
}

void
server__snapshot_ask(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    struct server__gather *gather = server__gather_take(shard);
    (void)body;
    if (gather == NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
        return;
    }
    gather->request = request;
    gather->on_done = snapshot_done;
    gather->leaves[0] = (struct server__gather_leaf){.gather = gather};
    gather->leaves[0].message.payload = &gather->leaves[0];
    state_write(request, gather);
    server__post(shard, 0, SERVER_SNAPSHOT_ASK, &gather->leaves[0].message);
}
