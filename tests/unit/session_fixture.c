/* SPDX-License-Identifier: MIT */
/* session_fixture.c - see the header. It asserts by itself, so that a fuzz target can use it too. */
#include "tests/unit/session_fixture.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"

#define PAGE_COUNT_MAX 4096

/* ---- principals ------------------------------------------------------------------------------- */

static void
secret_of(uint32_t principal, uint8_t ret[CHEK_TOKEN_SECRET_SIZE])
{
    for (size_t i = 0; i < CHEK_TOKEN_SECRET_SIZE; i++) {
        ret[i] = (uint8_t)(principal * 37 + i);
    }
}

void
fixture_token(uint32_t principal, bool is_right, char ret[CHEK_TOKEN_TEXT_MAX])
{
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    secret_of(principal, secret);
    secret[31] ^= is_right ? 0 : 1;
    chek_token_write(principal, secret, ret);
}

static struct chek_directory *
directory_create(void)
{
    struct chek_directory *directory = NULL;
    CHEK_ASSERT(sodium_init() >= 0);
    int error = chek_directory_create(PAGE_COUNT_MAX, &directory);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_directory_ensure(directory, 4096);
    CHEK_ASSERT(error == CHEK_OK);
    chek_directory_genesis(directory, &(struct chek_genesis){.partitions = 64, .map_seed = 7});
    for (uint32_t i = 1; i <= FIXTURE_REVOKED; i++) {
        uint8_t secret[CHEK_TOKEN_SECRET_SIZE], hash[CHEK_TOKEN_HASH_SIZE];
        secret_of(i, secret);
        chek_token_hash(secret, hash);
        struct chek_principal principal = {.principal = i,
                                           .name = chek_bytes_view_text("somebody"),
                                           .rights = (i - 1) % 16,
                                           .trusted = i == FIXTURE_ALL};
        struct chek_command_principal command = {.principal = &principal,
                                                 .hash = chek_bytes_view_of(hash, sizeof hash)};
        error = chek_directory_ensure(directory, 1024);
        CHEK_ASSERT(error == CHEK_OK);
        chek_directory_principal(directory, &command);
    }
    error = chek_directory_revoke(directory, FIXTURE_REVOKED);
    CHEK_ASSERT(error == CHEK_OK);
    return directory;
}

/* ---- handlers --------------------------------------------------------------------------------- */

struct kept *
fixture_keep(struct session_fixture *fixture, struct chek_request *request,
             struct chek_bytes_view body)
{
    CHEK_ASSERT(fixture->kept_count < FIXTURE_KEPT_COUNT_MAX);
    struct kept *kept = &fixture->kept[fixture->kept_count++];
    *kept = (struct kept){
        .request = request, .body_size = body.size, .opcode = chek_request_opcode(request)};
    if (body.size >= sizeof kept->mark) {
        memcpy(&kept->mark, body.bytes, sizeof kept->mark);
    }
    memcpy(chek_request_state(request), &kept, sizeof kept);
    return kept;
}

struct kept *
fixture_last(struct session_fixture *fixture)
{
    CHEK_ASSERT(fixture->kept_count > 0);
    return &fixture->kept[fixture->kept_count - 1];
}

static struct kept *
kept_of(struct chek_request *request)
{
    struct kept *kept;
    memcpy(&kept, chek_request_state(request), sizeof kept);
    return kept;
}

static void
handle(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    static const uint8_t zero[CHEK_REQUEST_STATE_SIZE];
    struct session_fixture *fixture = context;
    CHEK_ASSERT(memcmp(chek_request_state(request), zero, sizeof zero) == 0);
    if (fixture->act != NULL) {
        fixture->act(fixture, request, body);
    } else {
        fixture_keep(fixture, request, body);
    }
}

static void
on_abandon(void *context, struct chek_request *request)
{
    struct session_fixture *fixture = context;
    struct kept *kept = kept_of(request);

    fixture->abandon_count += 1;
    if (request == fixture->hello) {
        fixture->hello = NULL;
    } else if (kept != NULL) {
        CHEK_ASSERT(kept->request == request);
        kept->request = NULL;
        kept->is_abandoned = true;
    }
}

static void
on_room(void *context, struct chek_request *request)
{
    struct session_fixture *fixture = context;
    struct kept *kept = kept_of(request);
    kept->room_count += 1;
    if (fixture->room != NULL) {
        fixture->room(fixture, kept);
    }
}

static void
on_hello(void *context, struct chek_request *request, uint64_t acknowledged)
{
    struct session_fixture *fixture = context;
    fixture->hello_count += 1;
    fixture->acknowledged = acknowledged;
    if (fixture->keeps_hello) {
        fixture->hello = request;
    } else {
        chek_request_welcome(request, false);
    }
}

/* ---- life ------------------------------------------------------------------------------------- */

struct session_fixture *
fixture_create(void)
{
    struct session_fixture *fixture = calloc(1, sizeof *fixture);
    CHEK_ASSERT(fixture != NULL);
    fixture->network = fake_network_create();
    fixture->directory = directory_create();
    fixture->config = (struct chek_session_config){
        .connection_count_max = 8,
        .unauthenticated_count_max = 4,
        .request_count_max = 8,
        .output_size = 4096,
        .credits = 1024 * 1024,
        .handshake_ns_max = 5000,
        .frame_ns_max = 30000,
        .drain_ns_max = 3000,
        .server = FIXTURE_SERVER,
    };
    return fixture;
}

void
fixture_start(struct session_fixture *fixture)
{
    static const uint16_t numbers[CHEK_OPCODE_COUNT] = {
#define NUMBER(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) (number),
        CHEK_OPCODES(NUMBER)
#undef NUMBER
    };
    struct chek_handler_table table = {.context = fixture, .on_hello = on_hello};
    uint16_t port = 0;

    for (size_t i = 0; i < CHEK_OPCODE_COUNT; i++) {
        if (numbers[i] == CHEK_OPCODE_HELLO) {
            table.handlers[i].on_abandon = on_abandon;
        } else if (numbers[i] > CHEK_OPCODE_ALLOW && numbers[i] != CHEK_OPCODE_SNAPSHOT) {
            table.handlers[i] = (struct chek_handler){handle, on_abandon, on_room};
        }
    }
    int error =
        chek_session_host_create(&fixture->network->io, &fixture->config, &table, &fixture->host);
    CHEK_ASSERT(error == CHEK_OK);
    chek_session_host_directory(fixture->host, fixture->directory);
    error = chek_session_listen(fixture->host, "localhost:0", &port);
    CHEK_ASSERT(error == CHEK_OK && port == 4242);
}

void
fixture_destroy(struct session_fixture *fixture)
{
    chek_session_host_destroy(fixture->host);
    chek_directory_destroy(fixture->directory);
    fake_network_destroy(fixture->network);
    free(fixture);
}

/* ---- what handlers do ------------------------------------------------------------------------- */

static void
body_fill(struct chek_writer *out, size_t size)
{
    uint8_t *bytes = chek_writer_reserve(out, size);
    CHEK_ASSERT(bytes != NULL || size == 0);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(size + i);
    }
}

bool
kept_stream(struct kept *kept, size_t body_size, bool last)
{
    CHEK_ASSERT(kept->request != NULL);
    struct chek_writer out = chek_request_answer_begin(kept->request, body_size);
    if (out.full) {
        return false;
    }
    body_fill(&out, body_size);
    struct chek_request *request = kept->request;
    if (last) {
        kept->request = NULL;
    }
    chek_request_answer_end(request, &out, last);
    return true;
}

void
kept_answer(struct kept *kept, size_t body_size)
{
    bool is_out = kept_stream(kept, body_size, true);
    CHEK_ASSERT(is_out);
}

void
kept_refuse(struct kept *kept, int error)
{
    struct chek_request *request = kept->request;
    kept->request = NULL;
    chek_request_refuse(request, error, NULL, NULL);
}

/* ---- passes ----------------------------------------------------------------------------------- */

void
fixture_pass(struct session_fixture *fixture)
{
    (void)fake_network_run(fixture->network);
    chek_session_turn(fixture->host, fixture->network->now_ns);
}

void
fixture_settle(struct session_fixture *fixture)
{
    bool goes_on = true;
    for (unsigned pass = 0; goes_on; pass++) {
        CHEK_ASSERT(pass < 100000); /* it must come to rest */
        goes_on = fake_network_run(fixture->network);
        for (int i = 0; i < fixture->network->peer_count; i++) {
            if (fake_network_is_sending(fixture->network, i)) {
                fake_network_sent(fixture->network, i, CHEK_OK);
                goes_on = true;
            }
        }
        chek_session_turn(fixture->host, fixture->network->now_ns);
        for (int i = 0; i < fixture->network->peer_count; i++) {
            goes_on = goes_on || fake_network_is_sending(fixture->network, i) ||
                      (fixture->network->peers[i].stream != NULL &&
                       fixture->network->peers[i].stream->closed);
        }
        goes_on = goes_on || fake_network_is_due(fixture->network);
    }
}

/* ---- frames ----------------------------------------------------------------------------------- */

size_t
fixture_frame(struct chek_writer *out, uint16_t opcode, uint64_t frame_id, const void *body,
              size_t body_size)
{
    size_t begin = chek_frame_begin(out);
    chek_writer_bytes(out, body, body_size);
    chek_frame_finish(out, begin, opcode, 0, frame_id);
    CHEK_ASSERT(!out->full);
    return out->size - begin;
}

size_t
fixture_hello(struct chek_writer *out, uint32_t principal, uint64_t acknowledged)
{
    uint8_t body[CHEK_HANDSHAKE_SIZE_MAX];
    char token[CHEK_TOKEN_TEXT_MAX];
    struct chek_writer record = chek_writer_over(body, sizeof body);

    fixture_token(principal, true, token);
    struct chek_hello hello = {
        .token = chek_bytes_view_text(token), .source = 5, .acknowledged = acknowledged};
    chek_hello_encode(&record, &hello);
    return fixture_frame(out, CHEK_OPCODE_HELLO, 1, body, record.size);
}

/* ---- clients ---------------------------------------------------------------------------------- */

struct client
client_connect(struct session_fixture *fixture)
{
    return (struct client){.fixture = fixture, .peer = fake_network_connect(fixture->network)};
}

struct client
client_open(struct session_fixture *fixture, uint32_t principal)
{
    struct client client = client_connect(fixture);
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct seen seen;

    fixture_hello(&out, principal, 0);
    client_give(&client, out.bytes, out.size);
    fixture_settle(fixture);
    bool is_answered = client_next(&client, &seen);
    CHEK_ASSERT(is_answered && seen.error == CHEK_OK && seen.head.opcode == CHEK_OPCODE_HELLO);
    return client;
}

void
client_give(struct client *client, const void *bytes, size_t size)
{
    (void)fake_network_give(client->fixture->network, client->peer, bytes, size);
}

void
client_send(struct client *client, uint16_t opcode, uint64_t frame_id, const void *body,
            size_t body_size)
{
    size_t size = CHEK_FRAME_HEAD_SIZE + body_size;
    uint8_t *bytes = malloc(size);
    CHEK_ASSERT(bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, size);
    fixture_frame(&out, opcode, frame_id, body, body_size);
    client_give(client, bytes, size);
    free(bytes);
}

void
client_ask(struct client *client, uint16_t opcode, uint64_t frame_id, size_t body_size)
{
    uint8_t *body = calloc(1, body_size + 1);
    CHEK_ASSERT(body != NULL);
    if (body_size >= sizeof frame_id) {
        memcpy(body, &frame_id, sizeof frame_id);
    }
    client_send(client, opcode, frame_id, body, body_size);
    free(body);
}

void
client_cancel(struct client *client, uint64_t frame_id, uint64_t target)
{
    uint8_t body[64];
    struct chek_writer out = chek_writer_over(body, sizeof body);
    chek_cancel_encode(&out, &(struct chek_cancel){.frame = target});
    client_send(client, CHEK_OPCODE_CANCEL, frame_id, body, out.size);
}

void
client_allow(struct client *client, uint64_t frame_id, uint64_t target, uint32_t size)
{
    uint8_t body[64];
    struct chek_writer out = chek_writer_over(body, sizeof body);
    chek_allow_encode(&out, &(struct chek_allow){.frame = target, .size = size});
    client_send(client, CHEK_OPCODE_ALLOW, frame_id, body, out.size);
}

bool
client_next(struct client *client, struct seen *ret)
{
    const struct fake_peer *peer = &client->fixture->network->peers[client->peer];
    size_t left = peer->got_size - client->read_size;

    if (left < CHEK_FRAME_HEAD_SIZE) {
        CHEK_ASSERT(left == 0 || fake_network_is_sending(client->fixture->network, client->peer));
        return false;
    }
    const uint8_t *bytes = peer->got + client->read_size;
    struct seen seen = {.error = CHEK_OK};
    int error = chek_frame_head_decode(bytes, CHEK_FRAME_ANSWER_SIZE_MAX, &seen.head);
    CHEK_ASSERT(error == CHEK_OK && (seen.head.flags & CHEK_FRAME_ANSWER) != 0);
    if (left < CHEK_FRAME_HEAD_SIZE + (size_t)seen.head.body_size) {
        return false;
    }
    CHEK_ASSERT(chek_frame_check(bytes, &seen.head));
    seen.body = chek_bytes_view_of(bytes + CHEK_FRAME_HEAD_SIZE, seen.head.body_size);
    if ((seen.head.flags & CHEK_FRAME_REFUSAL) != 0) {
        struct chek_refusal refusal;
        struct chek_fault fault;
        error = chek_refusal_decode_whole(seen.body.bytes, seen.body.size, NULL, &refusal, &fault);
        CHEK_ASSERT(error == CHEK_OK);
        seen.error = -(int)refusal.code;
        seen.field = refusal.field;
    }
    client->read_size += CHEK_FRAME_HEAD_SIZE + (size_t)seen.head.body_size;
    *ret = seen;
    return true;
}

bool
client_is_closed(const struct client *client)
{
    return client->fixture->network->peers[client->peer].is_closed;
}
