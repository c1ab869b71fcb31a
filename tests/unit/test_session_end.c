/* SPDX-License-Identifier: MIT */
/* test_session_end.c - every way that a connection ends: the peer, a revoke, a drain. */
#include <stdlib.h>

#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

struct scene {
    struct session_fixture *fixture;
    struct client client;
};

static struct scene
scene_begin(void)
{
    struct scene scene = {.fixture = fixture_create()};
    fixture_start(scene.fixture);
    scene.client = client_open(scene.fixture, FIXTURE_ALL);
    return scene;
}

static void
expect(struct client *client, uint16_t opcode, uint64_t frame_id, int error)
{
    struct seen seen;
    fixture_settle(client->fixture);
    assert_true(client_next(client, &seen));
    assert_error(seen.error, error);
    assert_int_equal(seen.head.opcode, opcode);
    assert_true(seen.head.frame_id == frame_id);
}

static void
expect_nothing(struct client *client)
{
    struct seen seen;
    fixture_settle(client->fixture);
    assert_false(client_next(client, &seen));
}

static bool
is_paused(const struct scene *scene)
{
    return fake_network_is_paused(scene->fixture->network, scene->client.peer);
}

/* ---- the end ---------------------------------------------------------------------------------- */

static struct end_case {
    const char *name;
    int error; /* 1: a send breaks instead */
} end_cases[] = {
    {"peer_that_sends_its_last_ends_all", 0},
    {"connection_that_breaks_ends_all", -104},
    {"send_that_breaks_ends_all", 1},
};

static void
test_end(void **state)
{
    const struct end_case *c = *state;
    struct scene scene = scene_begin();
    struct fake_network *network = scene.fixture->network;
    struct client other = client_open(scene.fixture, FIXTURE_ALL);

    client_ask(&other, CHEK_OPCODE_ASK_SUMS, 2, 16);
    for (uint64_t id = 2; id < 7; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, id, 16);
    }
    chek_request_park(scene.fixture->kept[3].request);
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 7, 16);
    (void)kept_stream(&scene.fixture->kept[2], 100, false);
    if (c->error == 1) {
        fixture_pass(scene.fixture);
        fake_network_sent(network, scene.client.peer, -32);
    } else {
        fake_network_end(network, scene.client.peer, c->error);
    }
    assert_int_equal(scene.fixture->abandon_count, 5);
    for (unsigned i = 1; i < 6; i++) {
        assert_true(scene.fixture->kept[i].is_abandoned);
    }
    assert_true(client_is_closed(&scene.client));
    fixture_settle(scene.fixture);
    kept_answer(&scene.fixture->kept[0], 3);
    expect(&other, CHEK_OPCODE_ASK_SUMS, 2, CHEK_OK);
    assert_int_equal(chek_session_count(scene.fixture->host).connection_open_count, 1);
    fixture_destroy(scene.fixture);
}

/* A connection is closed while its own handler runs. */
static void
revoke_asker(struct session_fixture *fixture, struct chek_request *request,
             struct chek_bytes_view body)
{
    (void)fixture_keep(fixture, request, body);
    chek_session_revoke(fixture->host, chek_request_principal(request));
}

static void
test_handler_may_revoke_who_asks(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    scene.fixture->act = revoke_asker;
    fixture_frame(&out, CHEK_OPCODE_TOKEN_REVOKE, 2, "01234567", 8);
    fixture_frame(&out, CHEK_OPCODE_PING, 3, "", 1);
    client_give(&scene.client, bytes, out.size);
    assert_true(scene.fixture->kept[0].is_abandoned);
    expect(&scene.client, 0, 0, CHEK_E_REVOKED);
    expect_nothing(&scene.client);
    assert_true(client_is_closed(&scene.client));
    fixture_destroy(scene.fixture);
}

static void
test_revoke_ends_the_connections_of_one_principal(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct client again = client_open(scene.fixture, FIXTURE_ALL);
    struct client other = client_open(scene.fixture, 4);
    struct client stranger = client_connect(scene.fixture);

    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 2, 16);
    client_ask(&other, CHEK_OPCODE_ASK_SUMS, 2, 16);
    chek_request_park(scene.fixture->kept[0].request);
    client_send(&scene.client, CHEK_OPCODE_PING, 3, "", 1);
    assert_true(is_paused(&scene));
    chek_session_revoke(scene.fixture->host, FIXTURE_ALL);
    assert_true(scene.fixture->kept[0].is_abandoned);
    assert_false(scene.fixture->kept[1].is_abandoned);
    assert_false(is_paused(&scene));                 /* what still comes is read, and dropped */
    client_send(&again, CHEK_OPCODE_PING, 3, "", 1); /* is not heard any more */
    expect(&scene.client, 0, 0, CHEK_E_REVOKED);
    expect(&again, 0, 0, CHEK_E_REVOKED);
    expect_nothing(&again);
    assert_true(client_is_closed(&scene.client) && client_is_closed(&again));
    assert_false(client_is_closed(&other) || client_is_closed(&stranger));
    fixture_destroy(scene.fixture);
}

static void
test_revoked_peer_that_reads_nothing_is_closed_in_time(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    client_send(&scene.client, CHEK_OPCODE_PING, 2, "", 1);
    fixture_pass(scene.fixture); /* a send is in flight and stays so */
    chek_session_revoke(scene.fixture->host, FIXTURE_ALL);
    fixture_pass(scene.fixture);
    assert_false(client_is_closed(&scene.client));
    scene.fixture->network->now_ns += scene.fixture->config.frame_ns_max;
    fixture_pass(scene.fixture);
    assert_true(client_is_closed(&scene.client));
    fixture_destroy(scene.fixture);
}

/* ---- drain ------------------------------------------------------------------------------------ */

static void
test_drain_answers_what_is_in_work_then_closes(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct client idle = client_open(scene.fixture, FIXTURE_ALL);
    struct client stranger = client_connect(scene.fixture);

    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_EVENTS, 3, 16);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 4, 16);
    chek_session_drain(scene.fixture->host);
    assert_null(scene.fixture->network->listener);
    assert_false(chek_session_is_drained(scene.fixture->host));
    client_ask(&scene.client, CHEK_OPCODE_FEED, 5, 16); /* too late */
    client_ask(&scene.client, CHEK_OPCODE_FEED, 6, 16);
    expect(&idle, 0, 0, CHEK_E_STOPPING);
    expect(&stranger, 0, 0, CHEK_E_STOPPING);
    assert_true(client_is_closed(&idle) && client_is_closed(&stranger));
    expect(&scene.client, CHEK_OPCODE_ASK_EVENTS, 3, CHEK_E_STOPPING);
    expect_nothing(&scene.client);
    assert_int_equal(scene.fixture->kept_count, 3);
    assert_true(scene.fixture->kept[1].is_abandoned);
    kept_answer(&scene.fixture->kept[2], 3);
    expect(&scene.client, CHEK_OPCODE_FEED, 4, CHEK_OK);
    assert_false(client_is_closed(&scene.client));
    kept_answer(&scene.fixture->kept[0], 3);
    expect(&scene.client, CHEK_OPCODE_FEED, 2, CHEK_OK);
    expect(&scene.client, 0, 0, CHEK_E_STOPPING);
    assert_true(client_is_closed(&scene.client));
    assert_true(chek_session_is_drained(scene.fixture->host));
    fixture_destroy(scene.fixture);
}

/* Whether the sending began before or after: it has the drain's time, not a frame's. */
static void
test_drain_does_not_wait_for_who_does_not_read(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct client other = client_open(scene.fixture, FIXTURE_ALL);
    uint64_t limit_ns = scene.fixture->config.drain_ns_max;

    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 3, 16);
    client_ask(&other, CHEK_OPCODE_FEED, 2, 16);
    kept_answer(&scene.fixture->kept[0], 16);
    fixture_pass(scene.fixture);
    assert_true(fake_network_is_sending(scene.fixture->network, scene.client.peer));
    chek_session_drain(scene.fixture->host);
    scene.fixture->network->now_ns += limit_ns - 1;
    fixture_pass(scene.fixture);
    assert_false(client_is_closed(&scene.client));
    kept_answer(&scene.fixture->kept[2], 16); /* of `other`: it was slow to be made */
    fixture_pass(scene.fixture);
    scene.fixture->network->now_ns += limit_ns / 2;
    assert_true(fake_network_is_due(scene.fixture->network));
    fixture_pass(scene.fixture);
    assert_true(client_is_closed(&scene.client));
    assert_true(scene.fixture->kept[1].is_abandoned);
    assert_false(client_is_closed(&other));
    assert_false(chek_session_is_drained(scene.fixture->host));
    scene.fixture->network->now_ns += limit_ns;
    fixture_pass(scene.fixture);
    assert_true(client_is_closed(&other));
    fixture_pass(scene.fixture);
    assert_true(chek_session_is_drained(scene.fixture->host));
    fixture_destroy(scene.fixture);
}

static void
test_drain_of_nobody_is_done_at_once(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    fixture_start(fixture);
    assert_false(chek_session_is_drained(fixture->host));
    chek_session_drain(fixture->host);
    chek_session_drain(fixture->host);
    assert_true(chek_session_is_drained(fixture->host));
    fixture_destroy(fixture);
}

static void
test_drain_goes_on_while_a_hello_is_being_answered(void **state)
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
    chek_session_drain(fixture->host);
    fixture_settle(fixture);
    chek_request_welcome(fixture->hello, false);
    expect(&client, CHEK_OPCODE_HELLO, 1, CHEK_OK);
    expect(&client, 0, 0, CHEK_E_STOPPING);
    assert_true(chek_session_is_drained(fixture->host));
    fixture_destroy(fixture);
}

int
main(void)
{
    struct table table = {0};
    TABLE_ROWS(&table, test_end, end_cases);
    TABLE_TEST(&table, test_handler_may_revoke_who_asks);
    TABLE_TEST(&table, test_revoke_ends_the_connections_of_one_principal);
    TABLE_TEST(&table, test_revoked_peer_that_reads_nothing_is_closed_in_time);
    TABLE_TEST(&table, test_drain_answers_what_is_in_work_then_closes);
    TABLE_TEST(&table, test_drain_does_not_wait_for_who_does_not_read);
    TABLE_TEST(&table, test_drain_of_nobody_is_done_at_once);
    TABLE_TEST(&table, test_drain_goes_on_while_a_hello_is_being_answered);
    return table_run(&table, "session_end");
}
