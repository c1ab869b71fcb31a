/* SPDX-License-Identifier: MIT */
/* test_session_request.c - requests in flight: caps, order, BUSY, and every way that they end. */
#include <stdlib.h>

#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

struct scene {
    struct session_fixture *fixture;
    struct client client;
};

static struct scene
scene_with(uint32_t request_count_max, uint32_t credits)
{
    struct scene scene = {.fixture = fixture_create()};
    if (request_count_max != 0) {
        scene.fixture->config.request_count_max = request_count_max;
    }
    if (credits != 0) {
        scene.fixture->config.credits = credits;
    }
    fixture_start(scene.fixture);
    scene.client = client_open(scene.fixture, FIXTURE_ALL);
    return scene;
}

static struct scene
scene_begin(void)
{
    return scene_with(0, 0);
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

/* ---- who and what ----------------------------------------------------------------------------- */

static void
test_request_says_who_asks_and_what(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 2, 16);
    struct chek_request *request = scene.fixture->kept[0].request;
    assert_int_equal(chek_request_principal(request), FIXTURE_ALL);
    assert_true(chek_request_source(request) == ((uint64_t)FIXTURE_ALL << 32 | 5));
    assert_int_equal(chek_request_opcode(request), CHEK_OPCODE_ASK_SUMS);
    assert_int_equal((uintptr_t)chek_request_state(request) % 16, 0);
    fixture_destroy(scene.fixture);
}

static void
answer_at_once(struct session_fixture *fixture, struct chek_request *request,
               struct chek_bytes_view body)
{
    struct kept *kept = fixture_keep(fixture, request, body);
    if (fixture->number++ % 2 == 0) {
        kept_answer(kept, body.size);
    } else {
        kept_refuse(kept, CHEK_E_NOT_FOUND);
    }
}

static void
test_handlers_may_answer_inside_their_call(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    scene.fixture->act = answer_at_once;
    for (uint64_t id = 10; id < 60; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, id, 16);
    }
    for (uint64_t id = 10; id < 60; id++) {
        expect(&scene.client, CHEK_OPCODE_ASK_REPORT, id, id % 2 == 0 ? CHEK_OK : CHEK_E_NOT_FOUND);
    }
    assert_false(is_paused(&scene));
    fixture_destroy(scene.fixture);
}

static void
test_refusal_carries_fault_and_text(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct chek_fault fault = {
        .code = CHEK_E_RANGE, .field = CHEK_FIELD_TARGET_KEY, .index = 3, .at = 40};
    char text[301];
    struct chek_refusal refusal;
    struct chek_fault in_refusal;
    struct seen seen;

    /* 300 bytes of two-byte letters: 127 of them fit into 255 bytes. */
    for (size_t i = 0; i < 300; i += 2) {
        memcpy(text + i, "\xd0\xaf", 3);
    }
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 2, 16);
    chek_request_refuse(scene.fixture->kept[0].request, CHEK_E_RANGE, &fault, text);
    fixture_settle(scene.fixture);
    assert_true(client_next(&scene.client, &seen));
    assert_error(
        chek_refusal_decode_whole(seen.body.bytes, seen.body.size, NULL, &refusal, &in_refusal),
        CHEK_OK);
    assert_int_equal(refusal.code, -CHEK_E_RANGE);
    assert_int_equal(refusal.field, CHEK_FIELD_TARGET_KEY);
    assert_int_equal(refusal.index, 3);
    assert_int_equal(refusal.at, 40);
    assert_int_equal(refusal.text.size, 254);
    fixture_destroy(scene.fixture);
}

/* ---- caps ------------------------------------------------------------------------------------- */

static void
test_requests_above_the_cap_wait_unread(void **state)
{
    (void)state;
    struct scene scene = scene_with(3, 0);
    for (uint64_t id = 2; id < 8; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, id, 16);
    }
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 3);
    assert_true(is_paused(&scene));
    for (unsigned i = 0; i < 6; i++) {
        kept_answer(&scene.fixture->kept[i], 3);
        expect(&scene.client, CHEK_OPCODE_ASK_REPORT, 2 + i, CHEK_OK);
        assert_int_equal(scene.fixture->kept_count, i + 4 < 6 ? i + 4 : 6);
        assert_int_equal(is_paused(&scene), i < 2);
    }
    for (unsigned i = 0; i < 6; i++) {
        assert_true(scene.fixture->kept[i].mark == 2 + i); /* in their order */
    }
    fixture_destroy(scene.fixture);
}

/* The room that an answer takes in the output is not what the next request waits for. */
static void
test_next_request_begins_although_a_send_is_slow(void **state)
{
    (void)state;
    struct scene scene = scene_with(1, 0);
    client_send(&scene.client, CHEK_OPCODE_PING, 2, "", 1);
    fixture_pass(scene.fixture);
    assert_true(fake_network_is_sending(scene.fixture->network, scene.client.peer));
    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 3, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 4, 16);
    kept_answer(&scene.fixture->kept[0], 3);
    fixture_pass(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 2);
    fixture_destroy(scene.fixture);
}

static void
test_control_frames_pass_a_full_house_if_they_are_next(void **state)
{
    (void)state;
    struct scene scene = scene_with(2, 0);
    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 3, 16);
    client_send(&scene.client, CHEK_OPCODE_PING, 4, "", 1);
    expect(&scene.client, CHEK_OPCODE_PING, 4, CHEK_OK);
    client_cancel(&scene.client, 5, 3);
    expect(&scene.client, CHEK_OPCODE_ASK_SUMS, 3, CHEK_E_CANCELLED);
    expect(&scene.client, CHEK_OPCODE_CANCEL, 5, CHEK_OK);
    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 6, 16);
    assert_int_equal(scene.fixture->kept_count, 3);
    fixture_destroy(scene.fixture);
}

static void
test_bytes_in_flight_above_the_credits_stop_reading(void **state)
{
    (void)state;
    struct scene scene = scene_with(0, 1000);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 960); /* 992 with its head */
    client_ask(&scene.client, CHEK_OPCODE_FEED, 3, 960); /* the one that goes beyond is read */
    client_ask(&scene.client, CHEK_OPCODE_FEED, 4, 16);
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 2);
    assert_true(is_paused(&scene));
    kept_answer(&scene.fixture->kept[1], 3);
    expect(&scene.client, CHEK_OPCODE_FEED, 3, CHEK_OK);
    assert_int_equal(scene.fixture->kept_count, 3);
    assert_false(is_paused(&scene));
    fixture_destroy(scene.fixture);
}

static void
test_a_frame_larger_than_all_credits_is_handled_alone(void **state)
{
    (void)state;
    struct scene scene = scene_with(0, 1000);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, CHEK_FRAME_BODY_SIZE_MAX);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 3, 16);
    assert_int_equal(scene.fixture->kept_count, 1);
    kept_answer(&scene.fixture->kept[0], 3);
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 2);
    fixture_destroy(scene.fixture);
}

static void
test_what_arrives_although_paused_is_kept_as_far_as_promised(void **state)
{
    (void)state;
    struct scene scene = scene_with(1, 100000);
    size_t room = CHEK_FRAME_BODY_SIZE_MAX + 100000 + 2 * 1024 * 1024;
    size_t frame_size = CHEK_FRAME_HEAD_SIZE + 65536;
    unsigned count = (unsigned)(room / frame_size);

    for (unsigned i = 0; i <= count; i++) {
        client_ask(&scene.client, CHEK_OPCODE_FEED, 2 + i, 65536);
    }
    assert_int_equal(scene.fixture->kept_count, 1);
    for (unsigned i = 0; i <= count; i++) {
        assert_int_equal(scene.fixture->kept_count, i + 1);
        assert_true(scene.fixture->kept[i].mark == 2 + i);
        kept_answer(&scene.fixture->kept[i], 3);
        expect(&scene.client, CHEK_OPCODE_FEED, 2 + i, CHEK_OK);
    }
    assert_false(client_is_closed(&scene.client));
    fixture_destroy(scene.fixture);
}

static void
test_more_than_that_ends_the_connection(void **state)
{
    (void)state;
    struct scene scene = scene_with(1, 1000);
    for (unsigned i = 0; i < 5; i++) {
        client_ask(&scene.client, CHEK_OPCODE_FEED, 2 + i, CHEK_FRAME_BODY_SIZE_MAX);
    }
    expect(&scene.client, 0, 0, CHEK_E_LIMIT);
    assert_true(client_is_closed(&scene.client));
    assert_true(scene.fixture->kept[0].is_abandoned);
    fixture_destroy(scene.fixture);
}

static void
use_arena(struct session_fixture *fixture, struct chek_request *request,
          struct chek_bytes_view body)
{
    void *taken = chek_arena_take(chek_request_arena(request), (size_t)20 * 1024 * 1024);
    assert_non_null(taken);
    (void)fixture_keep(fixture, request, body);
}

static void
test_arena_is_the_turns_and_frames_wait_for_a_new_one(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    scene.fixture->act = use_arena;
    for (uint64_t id = 2; id < 9; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, id, 16);
    }
    assert_int_equal(scene.fixture->kept_count, 2); /* 40 MiB are above the half */
    assert_true(is_paused(&scene));
    chek_session_turn(scene.fixture->host, scene.fixture->network->now_ns);
    assert_true(fake_network_is_due(scene.fixture->network)); /* the loop goes on by itself */
    (void)fake_network_run(scene.fixture->network);
    assert_int_equal(scene.fixture->kept_count, 4);
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 7);
    assert_false(is_paused(&scene));
    fixture_destroy(scene.fixture);
}

static void
park(struct session_fixture *fixture, struct chek_request *request, struct chek_bytes_view body)
{
    (void)fixture_keep(fixture, request, body);
    if (body.size == 8) {
        chek_request_park(request);
    }
}

static void
test_long_backlog_is_handled_in_portions(void **state)
{
    (void)state;
    struct scene scene = scene_with(64, 0);
    scene.fixture->act = park;
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 8);
    for (uint64_t id = 3; id < 19; id++) {
        client_ask(&scene.client, CHEK_OPCODE_FEED, id, 60000);
    }
    assert_int_equal(scene.fixture->kept_count, 1);
    chek_request_unpark(scene.fixture->kept[0].request);
    assert_int_equal(scene.fixture->kept_count, 1); /* never from inside */
    (void)fake_network_run(scene.fixture->network);
    assert_int_equal(scene.fixture->kept_count, 1 + 5); /* 256 KiB and the rest of a frame */
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 1 + 16);
    fixture_destroy(scene.fixture);
}

/* ---- parking ---------------------------------------------------------------------------------- */

static void
test_nothing_overtakes_a_parked_request(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    scene.fixture->act = park;
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 8);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 3, 16);
    client_send(&scene.client, CHEK_OPCODE_PING, 4, "", 1);
    client_cancel(&scene.client, 5, 2);
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 1);
    assert_true(is_paused(&scene));
    expect_nothing(&scene.client);
    chek_request_unpark(scene.fixture->kept[0].request);
    expect(&scene.client, CHEK_OPCODE_PING, 4, CHEK_OK);
    assert_int_equal(scene.fixture->kept_count, 2);
    expect(&scene.client, CHEK_OPCODE_FEED, 2, CHEK_E_CANCELLED);
    expect(&scene.client, CHEK_OPCODE_CANCEL, 5, CHEK_OK);
    fixture_destroy(scene.fixture);
}

static void
test_frames_in_one_piece_stop_at_the_parked_one(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    uint8_t bytes[1024];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    scene.fixture->act = park;
    fixture_frame(&out, CHEK_OPCODE_FEED, 2, "0123456789", 10);
    fixture_frame(&out, CHEK_OPCODE_FEED, 3, "01234567", 8);
    fixture_frame(&out, CHEK_OPCODE_FEED, 4, "01234567", 8);
    fixture_frame(&out, CHEK_OPCODE_FEED, 5, "0123456789", 10);
    client_give(&scene.client, bytes, out.size);
    assert_int_equal(scene.fixture->kept_count, 2);
    kept_answer(&scene.fixture->kept[1], 1); /* its end unparks; the next parks again */
    expect(&scene.client, CHEK_OPCODE_FEED, 3, CHEK_OK);
    assert_int_equal(scene.fixture->kept_count, 3);
    chek_request_unpark(scene.fixture->kept[2].request);
    fixture_settle(scene.fixture);
    assert_int_equal(scene.fixture->kept_count, 4);
    fixture_destroy(scene.fixture);
}

static void
park_and_unpark(struct session_fixture *fixture, struct chek_request *request,
                struct chek_bytes_view body)
{
    (void)fixture_keep(fixture, request, body);
    chek_request_park(request);
    chek_request_unpark(request);
}

static void
test_parked_and_unparked_in_one_call_is_nothing(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    scene.fixture->act = park_and_unpark;
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 8);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 3, 8);
    assert_int_equal(scene.fixture->kept_count, 2);
    assert_false(is_paused(&scene));
    fixture_destroy(scene.fixture);
}

/* ---- BUSY ------------------------------------------------------------------------------------- */

static void
busy(struct session_fixture *fixture, struct chek_request *request, struct chek_bytes_view body)
{
    if (fixture->number-- == 1) {
        chek_request_busy(request);
    } else {
        (void)fixture_keep(fixture, request, body);
    }
}

static struct sticky_case {
    const char *name;
    uint16_t first; /* the one that is BUSY */
    uint16_t later;
    int want;
} sticky_cases[] = {
    {"busy_feed_makes_a_later_feed_busy", CHEK_OPCODE_FEED, CHEK_OPCODE_FEED, CHEK_E_BUSY},
    {"busy_feed_makes_a_later_claim_busy", CHEK_OPCODE_FEED, CHEK_OPCODE_CLAIM, CHEK_E_BUSY},
    {"busy_claim_makes_a_later_feed_busy", CHEK_OPCODE_CLAIM, CHEK_OPCODE_FEED, CHEK_E_BUSY},
    {"busy_feed_leaves_asking_alone", CHEK_OPCODE_FEED, CHEK_OPCODE_ASK_REPORT, CHEK_OK},
    {"busy_feed_leaves_streams_alone", CHEK_OPCODE_FEED, CHEK_OPCODE_ASK_SUMS, CHEK_OK},
    {"busy_feed_leaves_administration_alone", CHEK_OPCODE_FEED, CHEK_OPCODE_TOKENS, CHEK_OK},
    {"busy_question_leaves_feeding_alone", CHEK_OPCODE_ASK_SUMS, CHEK_OPCODE_FEED, CHEK_OK},
    {"busy_question_leaves_asking_alone", CHEK_OPCODE_ASK_SUMS, CHEK_OPCODE_ASK_SUMS, CHEK_OK},
};

static void
test_sticky(void **state)
{
    const struct sticky_case *c = *state;
    struct scene scene = scene_begin();
    scene.fixture->act = busy;
    scene.fixture->number = 2;
    client_ask(&scene.client, c->first, 2, 16); /* accepted before */
    client_ask(&scene.client, c->first, 3, 16);
    expect(&scene.client, c->first, 3, CHEK_E_BUSY);
    client_ask(&scene.client, c->later, 4, 16);
    if (c->want != CHEK_OK) {
        expect(&scene.client, c->later, 4, c->want);
        assert_int_equal(scene.fixture->kept_count, 1);
    } else {
        assert_int_equal(scene.fixture->kept_count, 2);
    }
    assert_int_equal(chek_session_count(scene.fixture->host).busy_count,
                     1 + (c->want == CHEK_E_BUSY));
    /* What was accepted before is answered all the same. */
    kept_answer(&scene.fixture->kept[0], 1);
    expect(&scene.client, c->first, 2, CHEK_OK);
    client_send(&scene.client, CHEK_OPCODE_RESUME, 5, "", 1);
    expect(&scene.client, CHEK_OPCODE_RESUME, 5, CHEK_OK);
    client_ask(&scene.client, c->later, 6, 16);
    assert_true(fixture_last(scene.fixture)->mark == 6);
    fixture_destroy(scene.fixture);
}

static void
test_busy_is_the_connections_alone(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct client other = client_open(scene.fixture, FIXTURE_ALL);
    scene.fixture->act = busy;
    scene.fixture->number = 1;
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 16);
    expect(&scene.client, CHEK_OPCODE_FEED, 2, CHEK_E_BUSY);
    client_ask(&other, CHEK_OPCODE_FEED, 2, 16);
    assert_int_equal(scene.fixture->kept_count, 1);
    fixture_destroy(scene.fixture);
}

/* A frame that cannot be read does not resume. */
static void
test_resume_that_is_refused_does_not_resume(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    scene.fixture->act = busy;
    scene.fixture->number = 1;
    client_ask(&scene.client, CHEK_OPCODE_FEED, 2, 16);
    expect(&scene.client, CHEK_OPCODE_FEED, 2, CHEK_E_BUSY);
    client_send(&scene.client, CHEK_OPCODE_RESUME, 3, "", 0);
    expect(&scene.client, CHEK_OPCODE_RESUME, 3, CHEK_E_SHORT);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 4, 16);
    expect(&scene.client, CHEK_OPCODE_FEED, 4, CHEK_E_BUSY);
    fixture_destroy(scene.fixture);
}

/* ---- cancel ----------------------------------------------------------------------------------- */

static void
test_cancel_abandons_and_says_so_once(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 3, 16);
    client_cancel(&scene.client, 4, 2);
    assert_true(scene.fixture->kept[0].is_abandoned);
    assert_false(scene.fixture->kept[1].is_abandoned);
    expect(&scene.client, CHEK_OPCODE_ASK_SUMS, 2, CHEK_E_CANCELLED);
    expect(&scene.client, CHEK_OPCODE_CANCEL, 4, CHEK_OK);
    client_cancel(&scene.client, 5, 2); /* not there any more */
    client_cancel(&scene.client, 6, 77);
    expect(&scene.client, CHEK_OPCODE_CANCEL, 5, CHEK_OK);
    expect(&scene.client, CHEK_OPCODE_CANCEL, 6, CHEK_OK);
    expect_nothing(&scene.client);
    assert_int_equal(scene.fixture->abandon_count, 1);
    fixture_destroy(scene.fixture);
}

int
main(void)
{
    struct table table = {0};
    TABLE_TEST(&table, test_request_says_who_asks_and_what);
    TABLE_TEST(&table, test_handlers_may_answer_inside_their_call);
    TABLE_TEST(&table, test_refusal_carries_fault_and_text);
    TABLE_TEST(&table, test_requests_above_the_cap_wait_unread);
    TABLE_TEST(&table, test_next_request_begins_although_a_send_is_slow);
    TABLE_TEST(&table, test_control_frames_pass_a_full_house_if_they_are_next);
    TABLE_TEST(&table, test_bytes_in_flight_above_the_credits_stop_reading);
    TABLE_TEST(&table, test_a_frame_larger_than_all_credits_is_handled_alone);
    TABLE_TEST(&table, test_what_arrives_although_paused_is_kept_as_far_as_promised);
    TABLE_TEST(&table, test_more_than_that_ends_the_connection);
    TABLE_TEST(&table, test_arena_is_the_turns_and_frames_wait_for_a_new_one);
    TABLE_TEST(&table, test_long_backlog_is_handled_in_portions);
    TABLE_TEST(&table, test_nothing_overtakes_a_parked_request);
    TABLE_TEST(&table, test_frames_in_one_piece_stop_at_the_parked_one);
    TABLE_TEST(&table, test_parked_and_unparked_in_one_call_is_nothing);
    TABLE_ROWS(&table, test_sticky, sticky_cases);
    TABLE_TEST(&table, test_busy_is_the_connections_alone);
    TABLE_TEST(&table, test_resume_that_is_refused_does_not_resume);
    TABLE_TEST(&table, test_cancel_abandons_and_says_so_once);
    return table_run(&table, "session_request");
}
