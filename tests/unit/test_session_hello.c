/* SPDX-License-Identifier: MIT */
/* test_session_hello.c - who may come in, and what happens before he is. */
#include <stdlib.h>

#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

static struct chek_session_counters
counted(const struct session_fixture *fixture)
{
    return chek_session_count(fixture->host);
}

static void
expect_refusal(struct client *client, uint16_t opcode, uint64_t frame_id, int error)
{
    struct seen seen;
    assert_true(client_next(client, &seen));
    assert_error(seen.error, error);
    assert_int_equal(seen.head.opcode, opcode);
    assert_true(seen.head.frame_id == frame_id);
}

/* The refusal was the last frame, and the connection is gone. */
static void
expect_end(struct client *client)
{
    struct seen seen;
    assert_false(client_next(client, &seen));
    assert_true(client_is_closed(client));
    assert_null(client->fixture->network->peers[client->peer].stream);
}

/* ---- welcome ---------------------------------------------------------------------------------- */

static void
test_hello_is_welcomed_with_what_the_principal_may(void **state)
{
    (void)state;
    for (uint32_t principal = 1; principal <= FIXTURE_ALL; principal++) {
        struct session_fixture *fixture = fixture_create();
        uint8_t bytes[256];
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        struct chek_welcome welcome;
        struct chek_fault fault;
        struct seen seen;

        fixture_start(fixture);
        struct client client = client_connect(fixture);
        fixture_hello(&out, principal, 99);
        client_give(&client, out.bytes, out.size);
        fixture_settle(fixture);
        assert_true(client_next(&client, &seen));
        assert_int_equal(seen.head.opcode, CHEK_OPCODE_HELLO);
        assert_int_equal(seen.head.flags, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST);
        assert_true(seen.head.frame_id == 1);
        assert_error(
            chek_welcome_decode_whole(seen.body.bytes, seen.body.size, NULL, &welcome, &fault),
            CHEK_OK);
        assert_int_equal(welcome.principal, principal);
        assert_int_equal(welcome.rights, principal - 1);
        assert_int_equal(welcome.credits, fixture->config.credits);
        assert_int_equal(welcome.partitions, 64);
        assert_false(welcome.alarm);
        assert_true(chek_bytes_view_equal(welcome.server, chek_bytes_view_text(FIXTURE_SERVER)));
        assert_true(fixture->acknowledged == 99);
        assert_false(client_is_closed(&client));
        fixture_destroy(fixture);
    }
}

static void
test_alarm_is_told_and_counted(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_welcome welcome;
    struct chek_fault fault;
    struct seen seen;

    fixture->keeps_hello = true;
    fixture_start(fixture);
    struct client client = client_connect(fixture);
    fixture_hello(&out, FIXTURE_ALL, 99);
    client_give(&client, out.bytes, out.size);
    fixture_settle(fixture);
    assert_true(chek_request_principal(fixture->hello) == FIXTURE_ALL);
    assert_true(chek_request_source(fixture->hello) == ((uint64_t)FIXTURE_ALL << 32 | 5));
    assert_int_equal(chek_request_opcode(fixture->hello), CHEK_OPCODE_HELLO);
    assert_false(client_next(&client, &seen));
    chek_request_welcome(fixture->hello, true);
    fixture_settle(fixture);
    assert_true(client_next(&client, &seen));
    assert_error(chek_welcome_decode_whole(seen.body.bytes, seen.body.size, NULL, &welcome, &fault),
                 CHEK_OK);
    assert_true(welcome.alarm);
    assert_int_equal(counted(fixture).alarm_count, 1);
    fixture_destroy(fixture);
}

static void
test_frames_behind_hello_wait_for_the_welcome(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[2048];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    uint8_t body[600] = {0}; /* larger than any frame before the handshake */
    struct seen seen;

    fixture->keeps_hello = true;
    fixture_start(fixture);
    struct client client = client_connect(fixture);
    fixture_hello(&out, FIXTURE_ALL, 1);
    fixture_frame(&out, CHEK_OPCODE_ASK_REPORT, 2, body, sizeof body);
    client_give(&client, out.bytes, out.size);
    client_send(&client, CHEK_OPCODE_PING, 3, "", 1);
    fixture_settle(fixture);
    assert_int_equal(fixture->kept_count, 0);
    assert_true(fake_network_is_paused(fixture->network, client.peer));
    chek_request_welcome(fixture->hello, false);
    fixture_settle(fixture);
    assert_int_equal(fixture->kept_count, 1);
    assert_int_equal(fixture->kept[0].body_size, sizeof body);
    assert_true(client_next(&client, &seen));
    assert_true(client_next(&client, &seen));
    assert_true(seen.head.frame_id == 3);
    assert_false(fake_network_is_paused(fixture->network, client.peer));
    fixture_destroy(fixture);
}

static void
test_hello_is_abandoned_when_its_connection_goes(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    fixture->keeps_hello = true;
    fixture_start(fixture);
    struct client client = client_connect(fixture);
    fixture_hello(&out, FIXTURE_ALL, 1);
    client_give(&client, out.bytes, out.size);
    assert_non_null(fixture->hello);
    fake_network_end(fixture->network, client.peer, 0);
    assert_int_equal(fixture->abandon_count, 1);
    assert_null(fixture->hello);
    fixture_settle(fixture);
    assert_int_equal(counted(fixture).connection_open_count, 0);
    fixture_destroy(fixture);
}

static void
test_hello_refused_by_the_wiring_ends_the_connection(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    fixture->keeps_hello = true;
    fixture_start(fixture);
    struct client client = client_connect(fixture);
    fixture_hello(&out, FIXTURE_ALL, 1);
    client_give(&client, out.bytes, out.size);
    chek_request_refuse(fixture->hello, CHEK_E_BUSY, NULL, NULL);
    assert_int_equal(fixture->abandon_count, 0);
    fixture_settle(fixture);
    expect_refusal(&client, CHEK_OPCODE_HELLO, 1, CHEK_E_BUSY);
    expect_end(&client);
    fixture_destroy(fixture);
}

/* ---- who does not come in --------------------------------------------------------------------- */

static struct token_case {
    const char *name;
    const char *text; /* instead of a principal's */
    uint32_t principal;
    bool is_right;
} token_cases[] = {
    {"token_with_a_wrong_secret_is_refused", NULL, FIXTURE_ALL, false},
    {"token_of_nobody_is_refused", NULL, 77, true},
    {"token_of_principal_zero_is_refused", NULL, 0, true},
    {"token_that_was_revoked_is_refused", NULL, FIXTURE_REVOKED, true},
    {"token_that_is_empty_is_refused", "", 0, true},
    {"token_without_secret_is_refused", "8.", 0, true},
    {"token_of_any_text_is_refused", "open sesame", 0, true},
};

static void
test_token(void **state)
{
    const struct token_case *c = *state;
    struct session_fixture *fixture = fixture_create();
    uint8_t body[256];
    char token[CHEK_TOKEN_TEXT_MAX];
    struct chek_writer out = chek_writer_over(body, sizeof body);
    struct chek_hello hello = {.token = chek_bytes_view_text(c->text != NULL ? c->text : token)};

    fixture_token(c->principal, c->is_right, token);
    if (c->text == NULL) {
        hello.token = chek_bytes_view_text(token);
    }
    chek_hello_encode(&out, &hello);
    fixture_start(fixture);
    struct client client = client_connect(fixture);
    client_send(&client, CHEK_OPCODE_HELLO, 9, body, out.size);
    client_send(&client, CHEK_OPCODE_PING, 10, "", 1); /* drops on the floor */
    fixture_settle(fixture);
    expect_refusal(&client, CHEK_OPCODE_HELLO, 9, CHEK_E_AUTHENTICATION);
    expect_end(&client);
    assert_int_equal(counted(fixture).authentication_failure_count, 1);
    assert_int_equal(fixture->hello_count, 0);
    assert_int_equal(counted(fixture).connection_open_count, 0);
    fixture_destroy(fixture);
}

static void
test_only_hello_works_before_hello(void **state)
{
    (void)state;
    for (uint16_t opcode = 0; opcode <= CHEK_OPCODE_NUMBER_MAX + 1; opcode++) {
        struct session_fixture *fixture = fixture_create();
        if (opcode == CHEK_OPCODE_HELLO) {
            fixture_destroy(fixture);
            continue;
        }
        fixture_start(fixture);
        struct client client = client_connect(fixture);
        client_ask(&client, opcode, 3, 16);
        fixture_settle(fixture);
        expect_refusal(&client, opcode, 3, CHEK_E_HANDSHAKE);
        expect_end(&client);
        assert_int_equal(fixture->kept_count, 0);
        fixture_destroy(fixture);
    }
}

static void
test_hello_that_cannot_be_read_names_the_field(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    struct seen seen;

    fixture_start(fixture);
    struct client client = client_connect(fixture);
    client_send(&client, CHEK_OPCODE_HELLO, 3, "\0", 2); /* a mask without the token */
    fixture_settle(fixture);
    assert_true(client_next(&client, &seen));
    assert_error(seen.error, CHEK_E_FIELD_MISSING);
    assert_int_equal(seen.field, CHEK_FIELD_HELLO_TOKEN);
    expect_end(&client);
    fixture_destroy(fixture);
}

static void
test_frame_before_hello_is_at_most_512_bytes(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();

    fixture_start(fixture);
    struct client client = client_connect(fixture);
    client_ask(&client, CHEK_OPCODE_HELLO, 3, CHEK_HANDSHAKE_SIZE_MAX + 1);
    fixture_settle(fixture);
    expect_refusal(&client, 0, 3, CHEK_E_LIMIT);
    expect_end(&client);
    assert_int_equal(counted(fixture).frame_error_count, 1);
    fixture_destroy(fixture);
}

static void
test_second_hello_ends_the_connection(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    fixture_start(fixture);
    struct client client = client_open(fixture, FIXTURE_ALL);
    fixture_hello(&out, FIXTURE_ALL, 0);
    client_give(&client, out.bytes, out.size);
    fixture_settle(fixture);
    expect_refusal(&client, CHEK_OPCODE_HELLO, 1, CHEK_E_HANDSHAKE);
    expect_end(&client);
    fixture_destroy(fixture);
}

/* ---- caps and time ---------------------------------------------------------------------------- */

static void
test_handshake_has_a_deadline_that_bytes_do_not_move(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    fixture_start(fixture);
    struct client client = client_connect(fixture);
    fixture_hello(&out, FIXTURE_ALL, 0);
    for (size_t i = 0; i < 4; i++) {
        client_give(&client, bytes + i, 1);
        fixture->network->now_ns += fixture->config.handshake_ns_max / 4 - 1;
        fixture_settle(fixture);
        assert_false(client_is_closed(&client));
    }
    fixture->network->now_ns += 4 + fixture->config.handshake_ns_max / 8;
    assert_true(fake_network_is_due(fixture->network)); /* an idle shard wakes by itself */
    fixture_settle(fixture);
    expect_refusal(&client, 0, 0, CHEK_E_TIMEOUT);
    expect_end(&client);
    assert_int_equal(counted(fixture).timeout_count, 1);
    fixture_destroy(fixture);
}

static void
test_welcomed_connection_may_be_idle_for_ever(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();

    fixture_start(fixture);
    struct client client = client_open(fixture, FIXTURE_ALL);
    fixture->network->now_ns += 1000 * fixture->config.frame_ns_max;
    fixture_settle(fixture);
    assert_false(client_is_closed(&client));
    assert_int_equal(fixture->network->timer_count, 0); /* nothing ticks for it */
    fixture_destroy(fixture);
}

static void
test_strangers_are_capped_and_a_welcome_makes_room(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();

    fixture_start(fixture);
    struct client strangers[4];
    for (size_t i = 0; i < 4; i++) {
        strangers[i] = client_connect(fixture);
        assert_false(fixture->network->peers[strangers[i].peer].is_refused);
    }
    struct client refused = client_connect(fixture);
    assert_true(fixture->network->peers[refused.peer].is_refused);

    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    fixture_hello(&out, FIXTURE_ALL, 0);
    client_give(&strangers[0], out.bytes, out.size);
    struct client fifth = client_connect(fixture);
    assert_false(fixture->network->peers[fifth.peer].is_refused);
    fake_network_end(fixture->network, strangers[1].peer, 0); /* so does going away */
    fixture_settle(fixture);
    struct client sixth = client_connect(fixture);
    assert_false(fixture->network->peers[sixth.peer].is_refused);
    fixture_destroy(fixture);
}

static void
test_connections_are_capped_and_their_places_used_again(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    struct client clients[8];

    fixture_start(fixture);
    for (size_t i = 0; i < 8; i++) {
        clients[i] = client_open(fixture, FIXTURE_ALL);
    }
    struct client refused = client_connect(fixture);
    assert_true(fixture->network->peers[refused.peer].is_refused);
    fake_network_end(fixture->network, clients[3].peer, -104);
    fixture_settle(fixture);
    (void)client_open(fixture, FIXTURE_ALL);
    assert_int_equal(counted(fixture).connection_open_count, 8);
    assert_int_equal(counted(fixture).connection_count, 9);
    fixture_destroy(fixture);
}

static void
test_accept_errors_are_nothing_to_a_session(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();

    fixture_start(fixture);
    fixture->network->listener->on_accept(fixture->network->listener, -24);
    assert_int_equal(counted(fixture).connection_count, 0);
    fixture_destroy(fixture);
}

static void
test_listen_tells_the_error_of_the_io_room(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint16_t port = 7;

    fixture_start(fixture);
    fixture->network->listen_error = -98;
    assert_int_equal(chek_session_listen(fixture->host, "localhost:1", &port), -98);
    assert_int_equal(port, 7);
    fixture_destroy(fixture);
}

/* ---- tokens that were wrong again and again --------------------------------------------------- */

#define PASS_COUNT 3 /* wrong tokens that are refused at once */
#define STEP_COUNT 7 /* then the waiting doubles until it is the time of a handshake */

static void
hello_give(struct client *client, bool is_right)
{
    uint8_t body[256];
    char token[CHEK_TOKEN_TEXT_MAX];
    struct chek_writer out = chek_writer_over(body, sizeof body);

    fixture_token(FIXTURE_ALL, is_right, token);
    chek_hello_encode(&out, &(struct chek_hello){.token = chek_bytes_view_text(token)});
    client_send(client, CHEK_OPCODE_HELLO, 9, body, out.size);
}

static void
time_pass(struct session_fixture *fixture, uint64_t wait_ns)
{
    fixture->network->now_ns += wait_ns;
    fixture_settle(fixture);
}

/* A stranger with a wrong token: how long it takes until he hears of it. */
static uint64_t
failure(struct session_fixture *fixture)
{
    struct client client = client_connect(fixture);
    uint64_t begun_ns = fixture->network->now_ns;
    struct seen seen;

    hello_give(&client, false);
    fixture_settle(fixture);
    while (!client_next(&client, &seen)) {
        assert_true(fixture->network->timer_count > 0); /* an idle shard wakes by itself */
        time_pass(fixture, 1);
        assert_true(fixture->network->now_ns <= begun_ns + fixture->config.handshake_ns_max);
    }
    assert_error(seen.error, CHEK_E_AUTHENTICATION);
    assert_int_equal(seen.head.opcode, CHEK_OPCODE_HELLO);
    assert_true(seen.head.frame_id == 9);
    expect_end(&client);
    return fixture->network->now_ns - begun_ns;
}

static struct session_fixture *
failures_begin(unsigned count)
{
    struct session_fixture *fixture = fixture_create();
    fixture->config.handshake_ns_max = 6400;
    fixture_start(fixture);
    for (unsigned i = 0; i < count; i++) {
        (void)failure(fixture);
    }
    return fixture;
}

static void
test_wrong_tokens_wait_twice_as_long_each_time(void **state)
{
    (void)state;
    struct session_fixture *fixture = failures_begin(0);
    uint64_t want_ns = fixture->config.handshake_ns_max / 64;

    for (unsigned i = 0; i < PASS_COUNT; i++) {
        assert_true(failure(fixture) == 0);
    }
    for (unsigned i = 0; i < STEP_COUNT - 2; i++, want_ns *= 2) {
        assert_true(failure(fixture) == want_ns);
    }
    assert_int_equal(counted(fixture).authentication_failure_count, PASS_COUNT + STEP_COUNT - 2);
    fixture_destroy(fixture);
}

static void
test_wrong_token_waits_no_longer_than_a_handshake_may_take(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    struct client clients[2 * STEP_COUNT];

    fixture->config.unauthenticated_count_max = CHEK_COUNT(clients);
    fixture->config.connection_count_max = CHEK_COUNT(clients);
    fixture_start(fixture);
    for (size_t i = 0; i < CHEK_COUNT(clients); i++) { /* all at the same time */
        clients[i] = client_connect(fixture);
        hello_give(&clients[i], false);
    }
    time_pass(fixture, fixture->config.handshake_ns_max - 1);
    assert_false(client_is_closed(&clients[CHEK_COUNT(clients) - 1]));
    time_pass(fixture, 1);
    for (size_t i = 0; i < CHEK_COUNT(clients); i++) {
        expect_refusal(&clients[i], CHEK_OPCODE_HELLO, 9, CHEK_E_AUTHENTICATION);
        expect_end(&clients[i]);
    }
    assert_int_equal(counted(fixture).timeout_count, 0);
    fixture_destroy(fixture);
}

static void
test_right_token_is_welcomed_at_once_whatever_came_before(void **state)
{
    (void)state;
    struct session_fixture *fixture = failures_begin(PASS_COUNT + STEP_COUNT);
    (void)client_open(fixture, FIXTURE_ALL);
    fixture_destroy(fixture);
}

static void
test_wrong_tokens_are_forgotten(void **state)
{
    (void)state;
    struct session_fixture *fixture = failures_begin(PASS_COUNT + 2);
    uint64_t first_ns = fixture->config.handshake_ns_max / 64;

    assert_true(failure(fixture) == 4 * first_ns);
    time_pass(fixture, 2 * fixture->config.handshake_ns_max); /* two of six */
    assert_true(failure(fixture) == 2 * first_ns);
    time_pass(fixture, 100 * fixture->config.handshake_ns_max);
    assert_true(failure(fixture) == 0);
    fixture_destroy(fixture);
}

/* Else the one who guesses need not wait: no answer at once is an answer. */
static void
test_stranger_with_a_wrong_token_keeps_his_place_though_he_goes(void **state)
{
    (void)state;
    for (int error = 0; error >= -104; error -= 104) {
        struct session_fixture *fixture = failures_begin(PASS_COUNT);
        struct client strangers[4];
        for (size_t i = 0; i < 4; i++) {
            strangers[i] = client_connect(fixture);
            hello_give(&strangers[i], false);
            fake_network_end(fixture->network, strangers[i].peer, error);
        }
        fixture_settle(fixture);
        struct client refused = client_connect(fixture);
        assert_true(fixture->network->peers[refused.peer].is_refused);
        time_pass(fixture, fixture->config.handshake_ns_max);
        for (size_t i = 0; i < 4; i++) {
            assert_true(client_is_closed(&strangers[i]));
        }
        (void)client_open(fixture, FIXTURE_ALL);
        assert_int_equal(counted(fixture).connection_open_count, 1);
        fixture_destroy(fixture);
    }
}

static void
test_what_a_refused_stranger_still_sends_is_dropped(void **state)
{
    (void)state;
    struct session_fixture *fixture = failures_begin(PASS_COUNT);
    struct client client = client_connect(fixture);

    hello_give(&client, false);
    hello_give(&client, true);
    client_ask(&client, CHEK_OPCODE_ASK_SUMS, 2, 100000);
    time_pass(fixture, fixture->config.handshake_ns_max);
    expect_refusal(&client, CHEK_OPCODE_HELLO, 9, CHEK_E_AUTHENTICATION);
    expect_end(&client);
    assert_int_equal(fixture->hello_count, 0);
    fixture_destroy(fixture);
}

static void
test_drain_does_not_wait_for_wrong_tokens(void **state)
{
    (void)state;
    struct session_fixture *fixture = failures_begin(PASS_COUNT);
    struct client clients[2];
    for (size_t i = 0; i < 2; i++) {
        clients[i] = client_connect(fixture);
        hello_give(&clients[i], false);
    }
    fake_network_end(fixture->network, clients[1].peer, 0);
    fixture_settle(fixture);
    chek_session_drain(fixture->host);
    fixture_settle(fixture);
    assert_true(chek_session_is_drained(fixture->host));
    expect_refusal(&clients[0], CHEK_OPCODE_HELLO, 9, CHEK_E_AUTHENTICATION);
    expect_end(&clients[0]);
    fixture_destroy(fixture);
}

int
main(void)
{
    struct table table = {0};
    TABLE_TEST(&table, test_hello_is_welcomed_with_what_the_principal_may);
    TABLE_TEST(&table, test_alarm_is_told_and_counted);
    TABLE_TEST(&table, test_frames_behind_hello_wait_for_the_welcome);
    TABLE_TEST(&table, test_hello_is_abandoned_when_its_connection_goes);
    TABLE_TEST(&table, test_hello_refused_by_the_wiring_ends_the_connection);
    TABLE_ROWS(&table, test_token, token_cases);
    TABLE_TEST(&table, test_only_hello_works_before_hello);
    TABLE_TEST(&table, test_hello_that_cannot_be_read_names_the_field);
    TABLE_TEST(&table, test_frame_before_hello_is_at_most_512_bytes);
    TABLE_TEST(&table, test_second_hello_ends_the_connection);
    TABLE_TEST(&table, test_handshake_has_a_deadline_that_bytes_do_not_move);
    TABLE_TEST(&table, test_welcomed_connection_may_be_idle_for_ever);
    TABLE_TEST(&table, test_strangers_are_capped_and_a_welcome_makes_room);
    TABLE_TEST(&table, test_connections_are_capped_and_their_places_used_again);
    TABLE_TEST(&table, test_accept_errors_are_nothing_to_a_session);
    TABLE_TEST(&table, test_listen_tells_the_error_of_the_io_room);
    TABLE_TEST(&table, test_wrong_tokens_wait_twice_as_long_each_time);
    TABLE_TEST(&table, test_wrong_token_waits_no_longer_than_a_handshake_may_take);
    TABLE_TEST(&table, test_right_token_is_welcomed_at_once_whatever_came_before);
    TABLE_TEST(&table, test_wrong_tokens_are_forgotten);
    TABLE_TEST(&table, test_stranger_with_a_wrong_token_keeps_his_place_though_he_goes);
    TABLE_TEST(&table, test_what_a_refused_stranger_still_sends_is_dropped);
    TABLE_TEST(&table, test_drain_does_not_wait_for_wrong_tokens);
    return table_run(&table, "session_hello");
}
