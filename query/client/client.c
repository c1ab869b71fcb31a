/* SPDX-License-Identifier: MIT */
/*
 * client.c - a client's life: connect, shake hands, close; and whole requests.
 */
#include "query/client/client.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "query/client/client_run.h"

#define RECEIVE_SIZE_FIRST ((size_t)64 * 1024)

/* ---- life ------------------------------------------------------------------------------------- */

void
client__forget(uint8_t *bytes, size_t size)
{
    memset(bytes, 0, size);
    __asm__ volatile("" : : "r"(bytes) : "memory"); /* the bytes are looked at: not left out */
}

static void
welcome_note(struct chek_client *client, const struct chek_welcome *welcome)
{
    client->welcome = (struct chek_client_welcome){
        .principal = welcome->principal,
        .credits = welcome->credits,
        .rights = (uint32_t)welcome->rights,
        .partitions = welcome->partitions,
        .revision = (uint16_t)welcome->revision,
        .alarm = welcome->alarm,
    };
    (void)snprintf(client->welcome.server, sizeof client->welcome.server, "%.*s",
                   (int)welcome->server.size, (const char *)welcome->server.bytes);
}

static int
on_welcome(void *context, struct chek_bytes_view body)
{
    struct chek_client *client = context;
    struct chek_welcome welcome;
    struct chek_fault fault;
    int error = chek_welcome_decode_whole(body.bytes, body.size, NULL, &welcome, &fault);
    if (error == CHEK_OK) {
        welcome_note(client, &welcome);
    }
    return error;
}

static int
handshake(struct chek_client *client, const struct chek_client_options *options)
{
    uint8_t body[CHEK_HANDSHAKE_SIZE_MAX];
    struct chek_hello hello = {
        .token = options->token,
        .source = options->source,
        .acknowledged = options->acknowledged,
        .revision = CHEK_PROTOCOL_REVISION,
    };
    struct chek_writer out = chek_writer_over(body, sizeof body);

    if (options->program != NULL) {
        hello.client = chek_bytes_view_text(options->program);
    }
    chek_hello_encode(&out, &hello);
    if (out.full) {
        return client__fail(&client->failure, CHEK_E_LIMIT, "the token or the name is too long");
    }
    int error = chek_client_request(client, CHEK_OPCODE_HELLO,
                                    chek_bytes_view_of(out.bytes, out.size), on_welcome, client);
    client__forget(body, sizeof body);
    client__forget(client->out, CHEK_FRAME_HEAD_SIZE + sizeof body);
    return error;
}

static struct chek_client *
client_make(uint32_t timeout_ms)
{
    struct chek_client *client = chek_memory_allocate(sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    client->socket = -1;
    client->timeout_ms = timeout_ms != 0 ? timeout_ms : CHEK_CLIENT_TIMEOUT_MS_DEFAULT;
    client->frame_id = CLIENT_FRAME_ID_FIRST - 1;
    client->in_capacity = RECEIVE_SIZE_FIRST;
    client->in = chek_memory_allocate(client->in_capacity);
    client->out = chek_memory_allocate(CLIENT_FRAME_SIZE_MAX);
    if (client->in == NULL || client->out == NULL) {
        chek_client_close(client);
        return NULL;
    }
    return client;
}

int
chek_client_connect(const struct chek_client_options *options, struct chek_client **ret,
                    struct chek_failure *failure)
{
    struct chek_client *client = client_make(options->timeout_ms);
    if (client == NULL) {
        return client__fail(failure, -ENOMEM, NULL);
    }
    int error = client__socket_open(options->address, client->timeout_ms, &client->socket,
                                    &client->failure);
    if (error == CHEK_OK) {
        error = handshake(client, options);
    }
    if (error != CHEK_OK) {
        if (failure != NULL) {
            *failure = client->failure;
        }
        chek_client_close(client);
        return error;
    }
    *ret = client;
    return CHEK_OK;
}

void
chek_client_close(struct chek_client *client)
{
    if (client == NULL) {
        return;
    }
    if (client->socket >= 0) {
        (void)close(client->socket);
    }
    chek_memory_free(client->in, client->in_capacity);
    chek_memory_free(client->out, CLIENT_FRAME_SIZE_MAX);
    chek_memory_free(client, sizeof *client);
}

const struct chek_client_welcome *
chek_client_welcome(const struct chek_client *client)
{
    return &client->welcome;
}

const struct chek_failure *
chek_client_failure(const struct chek_client *client)
{
    return &client->failure;
}

void
chek_client_timeout(struct chek_client *client, uint32_t timeout_ms)
{
    client->timeout_ms = timeout_ms;
}

int
chek_client_socket(const struct chek_client *client)
{
    return client->socket;
}

/* ---- whole requests --------------------------------------------------------------------------- */

static bool
is_stream(uint16_t opcode)
{
#define ROW(number, NAME, name, right, scope, size_max, request, answer, stream) \
    case number:                                                                 \
        return stream;
    switch (opcode) {
        CHEK_OPCODES(ROW)
    default:
        return false;
    }
#undef ROW
}

/* The next frame of request `frame_id`; frames that answer an allow or a cancel are passed over. */
static int
answer_next(struct chek_client *client, uint64_t frame_id, struct chek_client_answer *ret)
{
    for (;;) {
        int taken = chek_client_receive(client, client->timeout_ms, ret);
        if (taken < 0) {
            return taken;
        }
        if (taken == 0) {
            return client__fail(&client->failure, CHEK_E_TIMEOUT, NULL);
        }
        if (ret->frame_id == frame_id || (ret->frame_id == 0 && ret->opcode == 0)) {
            return CHEK_OK;
        }
    }
}

/* Let the server send as much again as was taken. */
static int
allow(struct chek_client *client, uint64_t frame_id, size_t frame_size)
{
    uint8_t bytes[32];
    uint64_t id;
    struct chek_allow more = {.frame = frame_id, .size = (uint32_t)frame_size};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_allow_encode(&out, &more);
    return client__send(client, CHEK_OPCODE_ALLOW, chek_bytes_view_of(bytes, out.size), &id);
}

/* End a request that the caller has had enough of, and wait for its end. */
static int
cancel(struct chek_client *client, uint64_t frame_id)
{
    uint8_t bytes[16];
    uint64_t id;
    struct chek_client_answer answer = {0};
    struct chek_cancel what = {.frame = frame_id};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_cancel_encode(&out, &what);
    int error = client__send(client, CHEK_OPCODE_CANCEL, chek_bytes_view_of(bytes, out.size), &id);
    while (error == CHEK_OK && !answer.last) {
        error = answer_next(client, frame_id, &answer);
    }
    return error;
}

/* The connection broke while a request was sent: what the server said before counts more. */
static int
last_words(struct chek_client *client, int error)
{
    struct chek_client_answer answer;
    while (chek_client_receive(client, 0, &answer) == 1) {
        if (answer.refused) {
            return client->failure.code;
        }
    }
    return error;
}

/* Send once and take the whole answer. */
static int
request_once(struct chek_client *client, uint16_t opcode, struct chek_bytes_view body,
             chek_client_on_body on_body, void *context, bool *ret_began)
{
    struct chek_client_answer answer = {0};
    uint64_t frame_id;
    int error = chek_client_send(client, opcode, body, &frame_id);

    if (error != CHEK_OK) {
        return client->error != CHEK_OK ? last_words(client, error) : error;
    }
    while (error == CHEK_OK && !answer.last) {
        error = answer_next(client, frame_id, &answer);
        if (error == CHEK_OK && answer.refused) {
            return client->failure.code;
        }
        if (error != CHEK_OK) {
            return error;
        }
        *ret_began = true;
        size_t frame_size = CHEK_FRAME_HEAD_SIZE + answer.body.size;
        int verdict = on_body != NULL ? on_body(context, answer.body) : CHEK_OK;
        if (verdict != CHEK_OK) {
            error = answer.last ? CHEK_OK : cancel(client, frame_id);
            (void)client__fail(&client->failure, verdict, NULL);
            return error == CHEK_OK ? verdict : error;
        }
        if (!answer.last && is_stream(opcode)) {
            error = allow(client, frame_id, frame_size);
        }
    }
    return error;
}

int
chek_client_request(struct chek_client *client, uint16_t opcode, struct chek_bytes_view body,
                    chek_client_on_body on_body, void *context)
{
    uint64_t begin_ms = client__now_ms();
    uint32_t backoff_ms = CLIENT_BACKOFF_MS_MIN;

    if (client->in_flight_count != 0) {
        return client__fail(&client->failure, CHEK_E_USAGE, "another request is in flight");
    }
    for (;;) {
        bool began = false; /* then a repeat would tell things twice */
        int error = request_once(client, opcode, body, on_body, context, &began);
        bool waited_out = client->timeout_ms != CHEK_CLIENT_TIMEOUT_FOREVER &&
                          client__now_ms() - begin_ms + backoff_ms > client->timeout_ms;
        if (error != CHEK_E_BUSY || began || opcode == CHEK_OPCODE_HELLO || waited_out) {
            return error;
        }
        uint64_t id;
        client__sleep_ms(backoff_ms);
        backoff_ms =
            backoff_ms * 2 < CLIENT_BACKOFF_MS_MAX ? backoff_ms * 2 : CLIENT_BACKOFF_MS_MAX;
        error = client__send(client, CHEK_OPCODE_RESUME, chek_bytes_view_of("", 1), &id);
        if (error != CHEK_OK) {
            return error;
        }
    }
}
