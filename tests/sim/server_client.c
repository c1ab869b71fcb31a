/* SPDX-License-Identifier: MIT */
/*
 * server_client.c - a client's connection: handshake, requests, answers, and the ends of it.
 *
 * What a client is for (feeding, asking, administrating) is its act function and the files of
 * that name; here is what all of them share.
 */

#include <inttypes.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "tests/sim/server_run.h"

#define CARRY_SIZE (CHEK_FRAME_ANSWER_SIZE_MAX + 4096)
#define BODY_SIZE ((size_t)CHEK_FRAME_HEAD_SIZE + CHEK_FRAME_BODY_SIZE_MAX)

/* ---- requests --------------------------------------------------------------------------------- */

struct run_request *
run_request_take(struct run_client *client, uint16_t opcode)
{
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        struct run_request *request = &client->requests[i];
        if (request->id == 0) {
            memset(request, 0, sizeof *request);
            request->opcode = opcode;
            return request;
        }
    }
    return NULL;
}

uint32_t
run_request_count(const struct run_client *client)
{
    uint32_t count = 0;
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        count += client->requests[i].id != 0;
    }
    return count;
}

struct run_request *
run_request_find(struct run_client *client, uint64_t id)
{
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        if (id != 0 && client->requests[i].id == id) {
            return &client->requests[i];
        }
    }
    return NULL;
}

static uint8_t body_bytes[BODY_SIZE];

struct chek_writer
run_body_begin(struct run *run)
{
    (void)run;
    struct chek_writer out = chek_writer_over(body_bytes, sizeof body_bytes);
    size_t begin = chek_frame_begin(&out);
    CHEK_ASSERT(begin == 0);
    return out;
}

static void
frame_send(struct run_client *client, const struct chek_writer *body, uint16_t opcode, uint64_t id)
{
    struct chek_writer out = *body;
    CHEK_ASSERT(!out.full && client->link != NULL);
    chek_frame_finish(&out, 0, opcode, 0, id);
    chek_world_client_send(client->link, out.bytes, out.size);
}

void
run_request_send(struct run_client *client, struct run_request *request,
                 const struct chek_writer *body)
{
    request->id = ++client->id_next;
    request->sent_ns = chek_world_now_ns(client->run->world);
    request->is_busy = false;
    frame_send(client, body, request->opcode, request->id);
}

/* What steers a request: its own answer says nothing. */
static void
steer(struct run_client *client, uint16_t opcode, uint64_t frame, uint32_t size)
{
    struct chek_writer out = run_body_begin(client->run);
    struct chek_allow allow = {.frame = frame, .size = size};
    struct chek_cancel cancel = {.frame = frame};
    if (opcode == CHEK_OPCODE_ALLOW) {
        chek_allow_encode(&out, &allow);
    } else {
        chek_cancel_encode(&out, &cancel);
    }
    frame_send(client, &out, opcode, ++client->id_next);
}

/* ---- answers ---------------------------------------------------------------------------------- */

static struct run_principal *
principal_of(struct run_client *client)
{
    return &client->run->journal.principals[client->principal];
}

/* Nothing that was sent after a revocation was confirmed may be answered but by a refusal. */
static void
check_revoked(struct run_client *client, uint64_t sent_ns)
{
    const struct run_principal *principal = principal_of(client);
    if (principal->revoked_ns != 0 && sent_ns > principal->revoked_ns) {
        run_violate(client->run, "%s was revoked and is served", principal->name);
    }
}

static void
on_welcome(struct run_client *client, const struct chek_frame *frame)
{
    struct run *run = client->run;
    struct chek_welcome welcome;
    struct chek_fault fault;
    int error = chek_welcome_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                          &welcome, &fault);
    const struct run_principal *principal = principal_of(client);
    if (error != CHEK_OK || welcome.principal != principal->number ||
        welcome.rights != principal->rights) {
        run_violate(run, "a welcome is wrong: %s, principal %u, rights %u", chek_error_name(error),
                    welcome.principal, welcome.rights);
    }
    if (welcome.alarm) {
        run_violate(run, "the server holds less than offset %" PRIu64 " of client %u",
                    client->acknowledged, client->index);
    }
    check_revoked(client, client->hello_ns);
    client->is_welcome = true;
    if (client->act == run_feed_act) {
        run_feed_connected(client);
    }
}

/* The connection's own refusal: its last words. */
static void
on_last_words(struct run_client *client, int error)
{
    bool wanted = error == CHEK_E_STOPPING || error == CHEK_E_TIMEOUT ||
                  (error == CHEK_E_REVOKED && principal_of(client)->revoke_asked);
    if (!wanted) {
        run_violate(client->run, "a connection of %s ends with %s", principal_of(client)->name,
                    chek_error_name(error));
    }
    client->lost = true;
}

static void
on_hello_refused(struct run_client *client, int error)
{
    struct run_principal *principal = principal_of(client);
    client->lost = true;
    if (error == CHEK_E_BUSY || error == CHEK_E_STOPPING) {
        return;
    }
    if (error != CHEK_E_AUTHENTICATION || !principal->revoke_asked) {
        run_violate(client->run, "a hello of %s is refused with %s", principal->name,
                    chek_error_name(error));
    }
    client->principal = 0;
    client->acknowledged = 0;
}

static void
request_refused(struct run_client *client, struct run_request *request, int error)
{
    if (error == CHEK_E_PERMISSION) {
        /* Nobody asks for what he may not; and who is revoked has no connection any more. */
        run_violate(client->run, "opcode %u is not permitted to %s", request->opcode,
                    principal_of(client)->name);
    }
    if (error == CHEK_E_STOPPING || error == CHEK_E_LATCHED) {
        client->lost = true; /* whatever it was, it is not known what came of it */
        return;
    }
    if (request->opcode == CHEK_OPCODE_FEED || request->opcode == CHEK_OPCODE_CLAIM) {
        run_feed_refused(client, request, error);
    } else if (request->opcode < CHEK_OPCODE_TOKEN_ADD) {
        run_ask_refused(client, request, error);
    } else {
        run_admin_refused(client, request, error);
    }
}

static void
on_refusal(struct run_client *client, const struct chek_frame *frame)
{
    struct chek_refusal refusal;
    struct chek_fault fault;
    int error = chek_refusal_decode_whole(frame->body.bytes, frame->body.size, &client->run->arena,
                                          &refusal, &fault);
    if (error != CHEK_OK) {
        run_violate(client->run, "a refusal cannot be read");
        return;
    }
    struct run_request *request = run_request_find(client, frame->head.frame_id);
    if (frame->head.opcode == 0) {
        on_last_words(client, -(int)refusal.code);
    } else if (frame->head.opcode == CHEK_OPCODE_HELLO) {
        on_hello_refused(client, -(int)refusal.code);
    } else if (request != NULL) {
        request_refused(client, request, -(int)refusal.code);
    } else {
        run_violate(client->run, "opcode %u is refused with %u, and was not asked",
                    frame->head.opcode, refusal.code);
    }
}

static void
on_fed(struct run_client *client, struct run_request *request, const struct chek_frame *frame)
{
    struct chek_fed fed;
    struct chek_fault fault;
    int error = chek_fed_decode_whole(frame->body.bytes, frame->body.size, &client->run->arena,
                                      &fed, &fault);
    if (error != CHEK_OK) {
        run_violate(client->run, "an answer cannot be read: %s", chek_error_name(error));
        return;
    }
    run_learn_results(client, request, &fed);
    request->id = 0;
}

static void
on_answer(struct run_client *client, const struct chek_frame *frame)
{
    bool last = (frame->head.flags & CHEK_FRAME_LAST) != 0;
    uint16_t opcode = frame->head.opcode;
    struct run_request *request = run_request_find(client, frame->head.frame_id);
    if (opcode == CHEK_OPCODE_HELLO) {
        on_welcome(client, frame);
        return;
    }
    if (opcode == CHEK_OPCODE_RESUME || opcode == CHEK_OPCODE_ALLOW ||
        opcode == CHEK_OPCODE_CANCEL) {
        return;
    }
    if (request == NULL || request->opcode != opcode) {
        run_violate(client->run, "an answer of opcode %u was not asked for", opcode);
        return;
    }
    check_revoked(client, request->sent_ns);
    if (opcode == CHEK_OPCODE_FEED) {
        on_fed(client, request, frame);
    } else if (opcode < CHEK_OPCODE_TOKEN_ADD) {
        if (!last && run_chance(client->run, 30)) {
            steer(client, CHEK_OPCODE_ALLOW, request->id,
                  CHEK_FRAME_HEAD_SIZE + frame->head.body_size);
        }
        uint64_t id = request->id;
        run_ask_answer(client, request, frame, last);
        if (request->id == id && last) {
            request->id = 0;
        } else if (!last && request->question.follow && run_chance(client->run, 25)) {
            steer(client, CHEK_OPCODE_CANCEL, id, 0);
            request->question.follow = false;
        }
    } else {
        uint64_t id = request->id;
        run_admin_answer(client, request, frame);
        if (last) {
            request->id = 0;
        } else {
            steer(client, CHEK_OPCODE_ALLOW, id, CHEK_FRAME_HEAD_SIZE + frame->head.body_size);
        }
    }
}

static void
on_receive(void *context, const uint8_t *bytes, size_t size, int error)
{
    struct run_client *client = context;
    struct chek_frame frame;
    int got;

    if (size == 0 || error != CHEK_OK) {
        client->lost = true;
        return;
    }
    chek_splitter_feed(&client->splitter, bytes, size);
    while ((got = chek_splitter_next(&client->splitter, &frame)) == 1) {
        chek_arena_reset(&client->run->arena);
        if ((frame.head.flags & CHEK_FRAME_REFUSAL) != 0) {
            on_refusal(client, &frame);
        } else {
            on_answer(client, &frame);
        }
    }
    if (got != 0) {
        run_violate(client->run, "the server sent what is no frame: %s", chek_error_name(got));
    }
}

static void
on_connected(void *context, int error)
{
    struct run_client *client = context;
    client->lost = client->lost || error != CHEK_OK;
}

/* ---- the connection --------------------------------------------------------------------------- */

void
run_client_drop(struct run_client *client)
{
    if (client->link != NULL && run_chance(client->run, 50)) {
        chek_world_client_reset(client->link);
    } else if (client->link != NULL) {
        chek_world_client_close(client->link);
    }
    client->link = NULL;
    client->is_welcome = client->lost = false;
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        client->requests[i].id = 0;
        client->requests[i].is_busy = false;
    }
    client->is_busy = false;
    client->task_sent = false;
}

/* Who was revoked tries to come in now and then, wherever and after whatever. */
static void
trespass(struct run_client *client)
{
    struct run *run = client->run;
    unsigned at = (unsigned)run_below(run, RUN_PRINCIPAL_COUNT);
    if (client->act == run_ask_act && client->principal == 0 &&
        run->journal.principals[at].revoked_ns != 0) {
        client->principal = at;
        client->cursor[0] = 0;
    }
}

static void
client_connect(struct run_client *client)
{
    struct run *run = client->run;
    struct chek_world_client_owner owner = {
        .context = client, .on_connected = on_connected, .on_receive = on_receive};
    struct run_principal *principal = principal_of(client);
    struct chek_hello hello = {
        .token = chek_bytes_view_text(client->principal == 0 ? run->admin_token : principal->token),
        .source = client->index + 1,
        .acknowledged = client->acknowledged,
        .client = chek_bytes_view_text("sim"),
    };
    if (client->carry == NULL) {
        client->carry = malloc(CARRY_SIZE);
        CHEK_ASSERT(client->carry != NULL);
    }
    chek_splitter_init(&client->splitter, client->carry, CARRY_SIZE, CHEK_FRAME_ANSWER_SIZE_MAX);
    client->link = chek_world_client_connect(run->world, run->machine, run->address, &owner);
    client->hello_ns = chek_world_now_ns(run->world);
    run->result.connection_count += 1;
    struct chek_writer out = run_body_begin(run);
    chek_hello_encode(&out, &hello);
    frame_send(client, &out, CHEK_OPCODE_HELLO, ++client->id_next);
}

uint64_t
run_patience_ns(const struct run *run)
{
    return RUN_PATIENCE_NS + RUN_PATIENCE_WORKS * chek_world_options(run->world)->work_delay_ns_max;
}

/* Whatever happens, in the end there is an answer, or the connection is gone. */
static void
check_patience(struct run_client *client)
{
    uint64_t now_ns = chek_world_now_ns(client->run->world);
    if (client->link != NULL && !client->is_welcome &&
        now_ns - client->hello_ns > RUN_PATIENCE_NS) {
        run_violate(client->run, "a hello of %s is not answered", principal_of(client)->name);
    }
    for (unsigned i = 0; i < RUN_REQUEST_COUNT; i++) {
        const struct run_request *request = &client->requests[i];
        if (request->id != 0 && !request->is_busy && !request->question.follow &&
            now_ns - request->sent_ns > run_patience_ns(client->run)) {
            run_violate(client->run, "opcode %u is not answered", request->opcode);
        }
    }
}

void
run_client_step(struct run_client *client)
{
    struct run *run = client->run;
    bool is_odd = !run->options.calm && !run->is_ending && !run->is_verifying;
    check_patience(client);
    if (client->lost) {
        run_client_drop(client);
    }
    if (client->link == NULL) {
        if (run->is_ready && run_chance(run, 5)) {
            trespass(client);
            client_connect(client);
        }
        return;
    }
    if (is_odd && chek_prng_chance(&run->prng, 400)) {
        run_client_drop(client);
        return;
    }
    if (client->is_welcome && !run->is_settling) {
        client->act(client);
    }
}
