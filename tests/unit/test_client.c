/* SPDX-License-Identifier: MIT */
/*
 * test_client.c - what client.h promises, against a server that does as the test says.
 */
#include <errno.h>

#include "engine/base/memory.h"
#include "query/client/client.h"
#include "tests/unit/fake_server.h"
#include "tests/unit/table.h"

#define CHUNK_SIZE 60000
#define PATIENCE_MS 60000 /* nothing that is expected takes so long */
#define LONG_COUNT 40     /* frames of the long answer: many times what may be sent unasked */

/* What a fake server was asked and how it behaves. */
struct script {
    atomic_uint busy_left; /* requests to refuse with BUSY first */
    atomic_bool is_busy;
    atomic_uint resume_count, cancel_count;
    atomic_int allowance, allowance_min; /* of the stream that is being sent */
    unsigned sent_count;                 /* frames of it */
    uint64_t stream_id;                  /* 0 = none */
};

static void
answer(struct fake_server *server, const struct chek_frame *frame, uint8_t flags, const void *bytes,
       size_t size)
{
    fake_server_answer(server, frame->head.frame_id, frame->head.opcode, flags,
                       chek_bytes_view_of(bytes, size));
}

static void
stream_go_on(struct script *script, struct fake_server *server)
{
    static const uint8_t chunk[CHUNK_SIZE];
    while (script->stream_id != 0 && atomic_load(&script->allowance) > 0) {
        bool last = ++script->sent_count == LONG_COUNT;
        fake_server_answer(server, script->stream_id, CHEK_OPCODE_ASK_SHIFTS,
                           CHEK_FRAME_ANSWER | (last ? CHEK_FRAME_LAST : 0),
                           chek_bytes_view_of(chunk, sizeof chunk));
        int left = atomic_fetch_sub(&script->allowance, CHUNK_SIZE + CHEK_FRAME_HEAD_SIZE) -
                   (CHUNK_SIZE + CHEK_FRAME_HEAD_SIZE);
        if (left < atomic_load(&script->allowance_min)) {
            atomic_store(&script->allowance_min, left);
        }
        script->stream_id = last ? 0 : script->stream_id;
    }
}

static void
allow_take(struct script *script, struct fake_server *server, const struct chek_frame *frame)
{
    struct chek_allow allow;
    struct chek_fault fault;
    int error = chek_allow_decode_whole(frame->body.bytes, frame->body.size, NULL, &allow, &fault);
    if (error == CHEK_OK && allow.frame == script->stream_id) {
        atomic_fetch_add(&script->allowance, (int)allow.size);
        stream_go_on(script, server);
    }
    answer(server, frame, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, "", 1);
}

static bool
busy_take(struct script *script, struct fake_server *server, const struct chek_frame *frame)
{
    if (frame->head.opcode == CHEK_OPCODE_RESUME) {
        atomic_store(&script->is_busy, false);
        atomic_fetch_add(&script->resume_count, 1);
        answer(server, frame, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, "", 1);
        return true;
    }
    if (atomic_load(&script->busy_left) > 0) {
        atomic_fetch_sub(&script->busy_left, 1);
        atomic_store(&script->is_busy, true);
    }
    if (atomic_load(&script->is_busy)) {
        fake_server_refuse(server, frame->head.frame_id, frame->head.opcode, CHEK_E_BUSY);
        return true;
    }
    return false;
}

static bool
on_frame(void *context, struct fake_server *server, const struct chek_frame *frame)
{
    struct script *script = context;
    uint8_t bad[CHEK_FRAME_HEAD_SIZE] = {0x43, 0x4b, 1, 3};

    if (frame == NULL || busy_take(script, server, frame)) {
        return true;
    }
    switch (frame->head.opcode) {
    case CHEK_OPCODE_PING: /* in two pieces, so that a head alone is met */
        answer(server, frame, CHEK_FRAME_ANSWER, frame->body.bytes, frame->body.size);
        answer(server, frame, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, "", 1);
        return true;
    case CHEK_OPCODE_ASK_SHIFTS:
        script->stream_id = frame->head.frame_id;
        script->sent_count = 0;
        atomic_store(&script->allowance, CHEK_STREAM_ALLOWANCE_SIZE);
        stream_go_on(script, server);
        return true;
    case CHEK_OPCODE_ALLOW:
        allow_take(script, server, frame);
        return true;
    case CHEK_OPCODE_CANCEL:
        atomic_fetch_add(&script->cancel_count, 1);
        fake_server_refuse(server, script->stream_id, CHEK_OPCODE_ASK_SHIFTS, CHEK_E_CANCELLED);
        script->stream_id = 0;
        answer(server, frame, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, "", 1);
        return true;
    case CHEK_OPCODE_ASK_REPORT:
        fake_server_refuse(server, frame->head.frame_id, frame->head.opcode, CHEK_E_NOT_FOUND);
        return true;
    case CHEK_OPCODE_SNAPSHOT: /* goes away without an answer */
        return false;
    case CHEK_OPCODE_TOKENS: /* a head whose checksum is wrong */
        fake_server_send(server, bad, sizeof bad);
        return true;
    default: /* no answer at all */
        return true;
    }
}

struct fixture {
    struct script script;
    struct fake_server server;
    struct chek_client *client;
};

static void
fixture_open(struct fixture *fixture)
{
    *fixture = (struct fixture){0};
    fake_server_open(&fixture->server, on_frame, &fixture->script);
    struct chek_client_options options = {.address = fixture->server.address,
                                          .token = chek_bytes_view_text(FAKE_SERVER_TOKEN),
                                          .program = "test/1",
                                          .timeout_ms = PATIENCE_MS};
    assert_error(chek_client_connect(&options, &fixture->client, NULL), CHEK_OK);
}

static void
fixture_close(struct fixture *fixture)
{
    chek_client_close(fixture->client);
    fake_server_close(&fixture->server);
}

/* What a request brought. */
struct brought {
    unsigned count, stop_at;
    size_t size;
};

static int
on_body(void *context, struct chek_bytes_view body)
{
    struct brought *brought = context;
    brought->count += 1;
    brought->size += body.size;
    return brought->count == brought->stop_at ? CHEK_E_FULL : CHEK_OK;
}

static int
request(struct fixture *fixture, uint16_t opcode, struct brought *brought)
{
    return chek_client_request(fixture->client, opcode, chek_bytes_view_of("", 1), on_body,
                               brought);
}

/* ---- connecting ------------------------------------------------------------------------------- */

static void
test_client_connect_knows_the_welcome(void **state)
{
    struct fixture fixture;
    (void)state;
    fixture_open(&fixture);
    const struct chek_client_welcome *welcome = chek_client_welcome(fixture.client);
    assert_int_equal(welcome->principal, 7);
    assert_int_equal(welcome->credits, 4 << 20);
    assert_int_equal(welcome->partitions, 64);
    assert_string_equal(welcome->server, "fake/1");
    assert_false(welcome->alarm);
    fixture_close(&fixture);
}

static void
test_client_connect_tells_a_loss(void **state)
{
    struct fake_server server = {.held = 40};
    struct chek_client *client;
    (void)state;
    fake_server_open(&server, on_frame, NULL);
    struct chek_client_options options = {.address = server.address,
                                          .token = chek_bytes_view_text(FAKE_SERVER_TOKEN),
                                          .source = 1,
                                          .acknowledged = 41};
    assert_error(chek_client_connect(&options, &client, NULL), CHEK_OK);
    assert_true(chek_client_welcome(client)->alarm);
    chek_client_close(client);
    fake_server_close(&server);
}

static void
test_client_connect_refused_token(void **state)
{
    struct fake_server server = {0};
    struct chek_client *client = NULL;
    struct chek_failure failure = {0};
    (void)state;
    fake_server_open(&server, on_frame, NULL);
    struct chek_client_options options = {.address = server.address,
                                          .token = chek_bytes_view_text("1.bad")};
    assert_error(chek_client_connect(&options, &client, &failure), CHEK_E_AUTHENTICATION);
    assert_error(failure.code, CHEK_E_AUTHENTICATION);
    assert_string_equal(failure.text, "because of the test");
    assert_null(client);
    fake_server_close(&server);
}

static struct address_case {
    const char *name, *address;
    int want;
} addresses[] = {
    {"empty_address_is_usage", "", CHEK_E_USAGE},
    {"no_host_is_usage", ":7420", CHEK_E_USAGE},
    {"no_port_behind_the_colon_is_usage", "127.0.0.1:", CHEK_E_USAGE},
    {"a_port_of_letters_is_usage", "127.0.0.1:http", CHEK_E_USAGE},
    {"an_open_bracket_is_usage", "[::1", CHEK_E_USAGE},
    {"something_behind_the_bracket_is_usage", "[::1]7420", CHEK_E_USAGE},
    {"nobody_listens", "127.0.0.1:1", -ECONNREFUSED},
    {"nobody_listens_on_ipv6", "[::1]:1", -ECONNREFUSED},
    {"a_host_without_an_address",
     "a-label-of-more-than-sixty-three-letters-is-no-name-of-any-host-in-the-world:1",
     CHEK_E_NOT_FOUND},
};

static void
test_client_address(void **state)
{
    const struct address_case *c = *state;
    struct chek_client *client = NULL;
    struct chek_failure failure = {0};
    struct chek_client_options options = {.address = c->address};
    int error = chek_client_connect(&options, &client, &failure);
    if (c->want == -ECONNREFUSED && error == -EADDRNOTAVAIL) {
        skip(); /* no IPv6 here */
    }
    assert_error(error, c->want);
    assert_error(failure.code, c->want);
    assert_true(failure.text[0] != 0);
    assert_null(client);
}

/* Every allocation of a connect fails once; nothing leaks. */
static void
test_client_connect_without_memory(void **state)
{
    struct fake_server server = {0};
    struct chek_client *client = NULL;
    uint64_t heap_size = chek_memory_count().heap_size;
    int error = -ENOMEM;
    unsigned failed = 0;
    (void)state;
    fake_server_open(&server, on_frame, NULL);
    struct chek_client_options options = {.address = server.address,
                                          .token = chek_bytes_view_text(FAKE_SERVER_TOKEN)};
    for (uint64_t n = 1; error == -ENOMEM; n++) {
        chek_memory_fail_at(n);
        error = chek_client_connect(&options, &client, NULL);
        chek_memory_fail_at(0);
        failed += error != CHEK_OK;
    }
    assert_error(error, CHEK_OK);
    assert_int_equal(failed, 3);
    chek_client_close(client);
    assert_int_equal(chek_memory_count().heap_size, heap_size);
    fake_server_close(&server);
}

/* ---- requests --------------------------------------------------------------------------------- */

static void
test_client_request_takes_every_frame(void **state)
{
    struct fixture fixture;
    struct brought brought = {0};
    (void)state;
    fixture_open(&fixture);
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_OK);
    assert_int_equal(brought.count, 2);
    fixture_close(&fixture);
}

static void
test_client_request_allows_what_it_took(void **state)
{
    struct fixture fixture;
    struct brought brought = {0};
    (void)state;
    fixture_open(&fixture);
    assert_error(request(&fixture, CHEK_OPCODE_ASK_SHIFTS, &brought), CHEK_OK);
    assert_int_equal(brought.count, LONG_COUNT);
    assert_int_equal(brought.size, (size_t)LONG_COUNT * CHUNK_SIZE);
    /* It was never allowed more than it had sent and the client had taken. */
    assert_true(atomic_load(&fixture.script.allowance) <= CHEK_STREAM_ALLOWANCE_SIZE);
    assert_true(atomic_load(&fixture.script.allowance_min) > -(CHUNK_SIZE + 100));
    fixture_close(&fixture);
}

static void
test_client_request_cancels_when_told_to_stop(void **state)
{
    struct fixture fixture;
    struct brought brought = {.stop_at = 3};
    (void)state;
    fixture_open(&fixture);
    assert_error(request(&fixture, CHEK_OPCODE_ASK_SHIFTS, &brought), CHEK_E_FULL);
    assert_int_equal(brought.count, 3);
    assert_int_equal(atomic_load(&fixture.script.cancel_count), 1);
    /* The connection goes on. */
    brought = (struct brought){0};
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_OK);
    assert_int_equal(brought.count, 2);
    fixture_close(&fixture);
}

static void
test_client_request_tells_the_refusal(void **state)
{
    struct fixture fixture;
    struct brought brought = {0};
    (void)state;
    fixture_open(&fixture);
    assert_error(request(&fixture, CHEK_OPCODE_ASK_REPORT, &brought), CHEK_E_NOT_FOUND);
    const struct chek_failure *failure = chek_client_failure(fixture.client);
    assert_error(failure->code, CHEK_E_NOT_FOUND);
    assert_int_equal(failure->field, CHEK_FIELD_LINE_SUM);
    assert_int_equal(failure->index, 3);
    assert_string_equal(failure->text, "because of the test");
    assert_int_equal(brought.count, 0);
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_OK);
    fixture_close(&fixture);
}

static void
test_client_request_waits_out_busy(void **state)
{
    struct fixture fixture;
    struct brought brought = {0};
    (void)state;
    fixture_open(&fixture);
    atomic_store(&fixture.script.busy_left, 2);
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_OK);
    assert_int_equal(brought.count, 2);
    assert_int_equal(atomic_load(&fixture.script.resume_count), 2);
    fixture_close(&fixture);
}

static void
test_client_request_gives_up_on_busy(void **state)
{
    struct fixture fixture;
    struct brought brought = {0};
    (void)state;
    fixture_open(&fixture);
    chek_client_timeout(fixture.client, 200);
    atomic_store(&fixture.script.busy_left, 1000);
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_E_BUSY);
    fixture_close(&fixture);
}

static struct end_case {
    const char *name;
    uint16_t opcode;
    int want;
} ends[] = {
    {"server_goes_away", CHEK_OPCODE_SNAPSHOT, CHEK_E_CLOSED},
    {"server_sends_a_wrong_checksum", CHEK_OPCODE_TOKENS, CHEK_E_CHECKSUM},
    {"server_says_nothing", CHEK_OPCODE_ASK_STATUS, CHEK_E_TIMEOUT},
};

static void
test_client_request_ends(void **state)
{
    const struct end_case *c = *state;
    struct fixture fixture;
    struct brought brought = {0};
    fixture_open(&fixture);
    if (c->want == CHEK_E_TIMEOUT) {
        chek_client_timeout(fixture.client, 100);
    }
    assert_error(request(&fixture, c->opcode, &brought), c->want);
    assert_error(chek_client_failure(fixture.client)->code, c->want);
    fixture_close(&fixture);
}

static void
test_client_request_wants_to_be_alone(void **state)
{
    struct fixture fixture;
    struct brought brought = {0};
    struct chek_client_answer taken;
    uint64_t first, second;
    (void)state;
    fixture_open(&fixture);
    assert_error(
        chek_client_send(fixture.client, CHEK_OPCODE_PING, chek_bytes_view_of("", 1), &first),
        CHEK_OK);
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_E_USAGE);
    assert_error(
        chek_client_send(fixture.client, CHEK_OPCODE_PING, chek_bytes_view_of("", 1), &second),
        CHEK_OK);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(chek_client_receive(fixture.client, PATIENCE_MS, &taken), 1);
        assert_true(taken.frame_id == (i < 2 ? first : second));
        assert_int_equal(taken.last, i % 2);
    }
    assert_int_equal(chek_client_receive(fixture.client, 0, &taken), 0);
    assert_error(request(&fixture, CHEK_OPCODE_PING, &brought), CHEK_OK);
    fixture_close(&fixture);
}

static void
test_client_send_too_much(void **state)
{
    static const uint8_t body[CHEK_FRAME_BODY_SIZE_MAX + 1];
    struct fixture fixture;
    uint64_t frame_id;
    (void)state;
    fixture_open(&fixture);
    assert_error(chek_client_send(fixture.client, CHEK_OPCODE_PING,
                                  chek_bytes_view_of(body, sizeof body), &frame_id),
                 CHEK_E_LIMIT);
    assert_error(chek_client_send(fixture.client, CHEK_OPCODE_PING,
                                  chek_bytes_view_of(body, sizeof body - 1), &frame_id),
                 CHEK_OK);
    fixture_close(&fixture);
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_client_connect_knows_the_welcome);
    TABLE_TEST(&table, test_client_connect_tells_a_loss);
    TABLE_TEST(&table, test_client_connect_refused_token);
    TABLE_TEST(&table, test_client_connect_without_memory);
    TABLE_ROWS(&table, test_client_address, addresses);
    TABLE_TEST(&table, test_client_request_takes_every_frame);
    TABLE_TEST(&table, test_client_request_allows_what_it_took);
    TABLE_TEST(&table, test_client_request_cancels_when_told_to_stop);
    TABLE_TEST(&table, test_client_request_tells_the_refusal);
    TABLE_TEST(&table, test_client_request_waits_out_busy);
    TABLE_TEST(&table, test_client_request_gives_up_on_busy);
    TABLE_ROWS(&table, test_client_request_ends, ends);
    TABLE_TEST(&table, test_client_request_wants_to_be_alone);
    TABLE_TEST(&table, test_client_send_too_much);
    return table_run(&table, "client");
}
