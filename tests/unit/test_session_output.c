/* SPDX-License-Identifier: MIT */
/* test_session_output.c - answers: two halves, room for refusals, windows, peers that do not read. */
#include <stdlib.h>

#include "engine/base/memory.h"
#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

#define CHUNK_SIZE 65536
#define FRAME_SIZE (CHEK_FRAME_HEAD_SIZE + CHUNK_SIZE)

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
sent(struct scene *scene)
{
    fake_network_sent(scene->fixture->network, scene->client.peer, CHEK_OK);
}

static bool
is_sending(const struct scene *scene)
{
    return fake_network_is_sending(scene->fixture->network, scene->client.peer);
}

static void
expect(struct client *client, uint16_t opcode, uint64_t frame_id, int error)
{
    struct seen seen;
    assert_true(client_next(client, &seen));
    assert_error(seen.error, error);
    assert_int_equal(seen.head.opcode, opcode);
    assert_true(seen.head.frame_id == frame_id);
}

/* A stream that only room stops. */
static void
ask_freely(struct scene *scene, uint64_t frame_id)
{
    client_ask(&scene->client, CHEK_OPCODE_ASK_RECEIPTS, frame_id, 16);
    client_allow(&scene->client, frame_id + 1000, frame_id, 100 * 1024 * 1024);
    fixture_settle(scene->fixture);
    expect(&scene->client, CHEK_OPCODE_ALLOW, frame_id + 1000, CHEK_OK);
}

/* Chunks of a stream until there is no room; how many. */
static unsigned
stream_until_full(struct kept *kept)
{
    unsigned count = 0;
    while (kept_stream(kept, CHUNK_SIZE, false)) {
        count += 1;
        assert_true(count < 1000);
    }
    return count;
}

/* ---- sending ---------------------------------------------------------------------------------- */

static void
test_answers_of_a_turn_are_one_send(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    unsigned before = scene.fixture->network->peers[scene.client.peer].send_count;

    for (uint64_t id = 2; id < 6; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, id, 16);
        kept_answer(fixture_last(scene.fixture), 100);
    }
    assert_false(is_sending(&scene)); /* only the end of the turn sends */
    fixture_pass(scene.fixture);
    assert_true(is_sending(&scene));
    for (uint64_t id = 6; id < 9; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, id, 16);
        kept_answer(fixture_last(scene.fixture), 100);
        fixture_pass(scene.fixture); /* the other half fills while this one is being sent */
    }
    assert_int_equal(scene.fixture->network->peers[scene.client.peer].send_count, before + 1);
    sent(&scene);
    for (uint64_t id = 2; id < 6; id++) {
        expect(&scene.client, CHEK_OPCODE_ASK_REPORT, id, CHEK_OK);
    }
    fixture_pass(scene.fixture);
    sent(&scene);
    for (uint64_t id = 6; id < 9; id++) {
        expect(&scene.client, CHEK_OPCODE_ASK_REPORT, id, CHEK_OK);
    }
    assert_int_equal(scene.fixture->network->peers[scene.client.peer].send_count, before + 2);
    fixture_pass(scene.fixture);
    assert_false(is_sending(&scene));
    struct chek_session_counters counters = chek_session_count(scene.fixture->host);
    assert_int_equal(counters.sent_size, scene.fixture->network->peers[scene.client.peer].got_size);
    fixture_destroy(scene.fixture);
}

static void
test_large_half_is_sent_in_pieces_that_show_progress(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    uint64_t limit_ns = scene.fixture->config.frame_ns_max;
    unsigned piece_count = 0;

    client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPT, 2, 16);
    kept_answer(&scene.fixture->kept[0], CHEK_FRAME_ANSWER_SIZE_MAX);
    fixture_pass(scene.fixture);
    while (is_sending(&scene)) {
        scene.fixture->network->now_ns += limit_ns - 1;
        fixture_pass(scene.fixture);
        assert_false(client_is_closed(&scene.client));
        sent(&scene);
        piece_count += 1;
    }
    assert_int_equal(piece_count, 5); /* 1 MiB + 4 KiB and a head, 256 KiB each */
    expect(&scene.client, CHEK_OPCODE_ASK_RECEIPT, 2, CHEK_OK);
    fixture_destroy(scene.fixture);
}

static void
test_peer_that_does_not_read_is_closed(void **state)
{
    (void)state;
    struct scene scene = scene_begin();

    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 3, 16);
    kept_answer(&scene.fixture->kept[0], 16);
    fixture_pass(scene.fixture);
    scene.fixture->network->now_ns += scene.fixture->config.frame_ns_max - 1;
    fixture_pass(scene.fixture);
    assert_false(client_is_closed(&scene.client));
    scene.fixture->network->now_ns += 1 + scene.fixture->config.handshake_ns_max;
    assert_true(fake_network_is_due(scene.fixture->network));
    fixture_pass(scene.fixture);
    assert_true(client_is_closed(&scene.client));
    assert_true(scene.fixture->kept[1].is_abandoned);
    assert_int_equal(chek_session_count(scene.fixture->host).timeout_count, 1);
    fixture_destroy(scene.fixture);
}

static void
test_frame_begun_and_not_ended_does_not_exist(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct seen seen;

    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, 3, 16);
    struct chek_writer out = chek_request_answer_begin(scene.fixture->kept[0].request, 100);
    assert_false(out.full);
    chek_writer_u64(&out, 1);
    kept_answer(&scene.fixture->kept[1], 5);
    kept_refuse(&scene.fixture->kept[0], CHEK_E_NOT_FOUND);
    fixture_settle(scene.fixture);
    assert_true(client_next(&scene.client, &seen));
    assert_true(seen.head.frame_id == 3 && seen.body.size == 5);
    expect(&scene.client, CHEK_OPCODE_ASK_REPORT, 2, CHEK_E_NOT_FOUND);
    fixture_destroy(scene.fixture);
}

/* ---- room ------------------------------------------------------------------------------------- */

static void
test_full_output_calls_on_room_when_a_half_is_free(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct kept *kept = scene.fixture->kept;

    ask_freely(&scene, 2);
    client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPT, 3, 16);
    assert_int_equal(stream_until_full(&kept[0]), 16); /* a half holds one largest answer */
    struct chek_writer out = chek_request_answer_begin(kept[1].request, CHEK_FRAME_ANSWER_SIZE_MAX);
    assert_true(out.full);
    assert_int_equal(kept[0].room_count + kept[1].room_count, 0);
    chek_session_turn(scene.fixture->host, scene.fixture->network->now_ns);
    assert_true(is_sending(&scene));
    assert_int_equal(kept[0].room_count + kept[1].room_count, 0); /* no handler from the turn */
    assert_true(fake_network_is_due(scene.fixture->network));
    (void)fake_network_run(scene.fixture->network);
    assert_int_equal(kept[0].room_count, 1);
    assert_int_equal(kept[1].room_count, 1);
    kept_answer(&kept[1], CHEK_FRAME_ANSWER_SIZE_MAX); /* fills the other half */
    assert_false(kept_stream(&kept[0], CHUNK_SIZE, false));
    fixture_pass(scene.fixture);
    assert_int_equal(kept[0].room_count, 1); /* both halves are taken */
    while (is_sending(&scene)) {
        sent(&scene);
    }
    fixture_pass(scene.fixture);
    fixture_pass(scene.fixture);
    assert_int_equal(kept[0].room_count, 2);
    fixture_destroy(scene.fixture);
}

/* Each sends as much as there is room for. */
static void
room_stream(struct session_fixture *fixture, struct kept *kept)
{
    (void)fixture;
    while (kept_stream(kept, CHUNK_SIZE, false)) {
    }
}

static void
test_streams_take_turns(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    uint64_t order[6];

    scene.fixture->room = room_stream;
    for (uint64_t id = 0; id < 3; id++) {
        ask_freely(&scene, 10 + id);
    }
    for (unsigned i = 0; i < 3; i++) {
        (void)stream_until_full(&scene.fixture->kept[i]);
    }
    struct seen seen;
    for (unsigned half = 0; half < 6; half++) {
        uint64_t only = 0;
        fixture_pass(scene.fixture);
        while (is_sending(&scene)) {
            sent(&scene);
        }
        while (client_next(&scene.client, &seen)) {
            assert_true(only == 0 || only == seen.head.frame_id);
            only = seen.head.frame_id;
        }
        order[half] = only;
    }
    /* What filled the first half stands first in the queue, too. */
    assert_int_equal(order[0], 10);
    for (unsigned half = 1; half < 6; half++) {
        assert_int_equal(order[half], 10 + (half - 1) % 3);
    }
    fixture_destroy(scene.fixture);
}

/* The stream takes what it gets; the second wants a whole half, the third nothing. */
static void
room_stream_or_much(struct session_fixture *fixture, struct kept *kept)
{
    if (kept->opcode == CHEK_OPCODE_ASK_RECEIPTS) {
        room_stream(fixture, kept);
    } else if (kept->opcode == CHEK_OPCODE_ASK_RECEIPT) {
        fixture->number = kept_stream(kept, CHEK_FRAME_ANSWER_SIZE_MAX, true);
    }
}

static void
test_who_waits_for_much_is_not_starved_by_who_needs_little(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct kept *kept = scene.fixture->kept;
    unsigned half_count = 0;

    ask_freely(&scene, 2);
    client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPT, 3, 16);
    (void)stream_until_full(&kept[0]);
    /* The large one asks behind the stream, whose turn is first. */
    assert_false(kept_stream(&kept[1], CHEK_FRAME_ANSWER_SIZE_MAX, true));
    client_ask(&scene.client, CHEK_OPCODE_FEED, 4, 16);
    assert_false(kept_stream(&kept[2], CHUNK_SIZE, true)); /* waits behind it */
    scene.fixture->room = room_stream_or_much;
    while (scene.fixture->number == 0) {
        assert_true(half_count < 3);
        fixture_pass(scene.fixture);
        while (is_sending(&scene)) {
            sent(&scene);
            half_count += !is_sending(&scene);
        }
        assert_int_equal(kept[2].room_count, scene.fixture->number);
    }
    fixture_destroy(scene.fixture);
}

static void
test_small_answers_pass_a_waiting_stream(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    ask_freely(&scene, 2);
    client_ask(&scene.client, CHEK_OPCODE_FEED, 3, 16);
    (void)stream_until_full(&scene.fixture->kept[0]);
    kept_answer(&scene.fixture->kept[1], 100);
    fixture_destroy(scene.fixture);
}

/* However full: with both halves taken, every request in flight is refused, and what comes then
 * waits unread until there is room. */
static void
test_refusals_always_fit(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct kept *kept = scene.fixture->kept;

    for (uint64_t id = 2; id < 10; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPTS, id, 16);
    }
    (void)stream_until_full(&kept[0]);
    fixture_pass(scene.fixture);
    (void)stream_until_full(&kept[1]);
    for (size_t size = CHUNK_SIZE; size > 0; size /= 2) {
        (void)kept_stream(&kept[2], size, false); /* to the brim */
    }
    uint64_t refused_count = 0;
    for (uint64_t id = 100; id < 1000; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_REPORT, id, 2000); /* LIMIT */
        refused_count = chek_session_count(scene.fixture->host).refusal_count;
    }
    assert_true(refused_count < 10);
    assert_true(fake_network_is_paused(scene.fixture->network, scene.client.peer));
    unsigned room_count = kept[0].room_count;
    for (unsigned i = 0; i < 8; i++) {
        chek_request_refuse(kept[i].request, CHEK_E_NOT_FOUND, NULL,
                            "a text of 255 bytes ........................................"
                            "............................................................"
                            "............................................................"
                            "............................................................"
                            "...............");
        kept[i].request = NULL;
    }
    fixture_settle(scene.fixture);
    assert_int_equal(chek_session_count(scene.fixture->host).refusal_count, 900 + 8);
    assert_int_equal(kept[0].room_count, room_count); /* it waited, and is over */
    assert_false(fake_network_is_paused(scene.fixture->network, scene.client.peer));
    assert_false(client_is_closed(&scene.client));
    fixture_destroy(scene.fixture);
}

/* Refusals of frames may fill what is left, but not what the connection itself needs at the end. */
static void
test_last_refusal_fits_behind_refused_frames(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    client_send(&scene.client, CHEK_OPCODE_PING, 2, "", 1);
    fixture_pass(scene.fixture); /* in flight, and stays so */
    for (uint64_t id = 100; !fake_network_is_paused(scene.fixture->network, scene.client.peer);
         id++) {
        client_send(&scene.client, 999, id, "", 0);
    }
    chek_session_revoke(scene.fixture->host, FIXTURE_ALL);
    fixture_settle(scene.fixture);
    struct seen seen = {.error = CHEK_OK};
    while (client_next(&scene.client, &seen)) {
    }
    assert_error(seen.error, CHEK_E_REVOKED);
    assert_true(client_is_closed(&scene.client));
    fixture_destroy(scene.fixture);
}

static void
test_output_may_be_larger_than_the_largest_answer(void **state)
{
    (void)state;
    struct scene scene = {.fixture = fixture_create()};
    scene.fixture->config.output_size = 4 * 1024 * 1024;
    fixture_start(scene.fixture);
    scene.client = client_open(scene.fixture, FIXTURE_ALL);
    ask_freely(&scene, 2);
    assert_true(stream_until_full(&scene.fixture->kept[0]) >= 4 * 1024 * 1024 / FRAME_SIZE);
    fixture_destroy(scene.fixture);
}

static void
room_answer(struct session_fixture *fixture, struct kept *kept)
{
    fixture->number += 1;
    if (kept->request != NULL && kept_stream(kept, 100000, true)) {
        return;
    }
}

static void
test_answers_that_waited_end_inside_on_room(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    scene.fixture->room = room_answer;
    ask_freely(&scene, 2);
    (void)stream_until_full(&scene.fixture->kept[0]);
    for (uint64_t id = 3; id < 9; id++) {
        client_ask(&scene.client, CHEK_OPCODE_FEED, id, 16);
        (void)kept_stream(fixture_last(scene.fixture), 100000, true);
    }
    fixture_settle(scene.fixture);
    for (unsigned i = 0; i < 7; i++) {
        assert_null(scene.fixture->kept[i].request);
        assert_false(scene.fixture->kept[i].is_abandoned);
    }
    fixture_destroy(scene.fixture);
}

/* ---- windows ---------------------------------------------------------------------------------- */

static void
test_stream_stops_at_its_window_and_goes_on_when_allowed(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct kept *kept = scene.fixture->kept;
    unsigned count = 0;

    client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPTS, 2, 16);
    client_ask(&scene.client, CHEK_OPCODE_ASK_SUMS, 3, 16);
    while (kept_stream(&kept[0], CHUNK_SIZE, false)) {
        fixture_settle(scene.fixture); /* the peer reads: room is not what stops it */
        count += 1;
    }
    /* As long as less than a window is out. */
    assert_int_equal(count, (CHEK_STREAM_WINDOW_SIZE - 1) / FRAME_SIZE + 1);
    fixture_settle(scene.fixture);
    assert_int_equal(kept[0].room_count, 0);
    assert_true(kept_stream(&kept[1], CHUNK_SIZE, false)); /* each has its own */
    client_allow(&scene.client, 4, 2, FRAME_SIZE);
    assert_int_equal(kept[0].room_count, 0);
    fixture_settle(scene.fixture);
    assert_int_equal(kept[0].room_count, 1);
    assert_true(kept_stream(&kept[0], CHUNK_SIZE, false));
    assert_false(kept_stream(&kept[0], CHUNK_SIZE, false));
    client_allow(&scene.client, 5, 77, FRAME_SIZE); /* nobody */
    fixture_settle(scene.fixture);
    assert_int_equal(kept[0].room_count, 1);
    fixture_destroy(scene.fixture);
}

static void
test_allowing_ahead_adds_up(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    unsigned count = 0;

    client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPTS, 2, 16);
    for (uint64_t id = 3; id < 6; id++) {
        client_allow(&scene.client, id, 2, UINT32_MAX);
    }
    while (count < 3 * (CHEK_STREAM_WINDOW_SIZE / CHUNK_SIZE)) {
        assert_true(kept_stream(&scene.fixture->kept[0], CHUNK_SIZE, false));
        fixture_settle(scene.fixture);
        count += 1;
    }
    fixture_destroy(scene.fixture);
}

static void
test_window_is_for_streams_only(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPT, 2, 16);
    kept_answer(&scene.fixture->kept[0], CHEK_FRAME_ANSWER_SIZE_MAX);
    fixture_settle(scene.fixture);
    expect(&scene.client, CHEK_OPCODE_ASK_RECEIPT, 2, CHEK_OK);
    fixture_destroy(scene.fixture);
}

static void
test_stream_that_waits_for_allow_may_be_cancelled_and_refused(void **state)
{
    (void)state;
    struct scene scene = scene_begin();
    struct kept *kept = scene.fixture->kept;

    for (uint64_t id = 2; id < 4; id++) {
        client_ask(&scene.client, CHEK_OPCODE_ASK_RECEIPTS, id, 16);
        while (kept_stream(fixture_last(scene.fixture), CHUNK_SIZE, false)) {
            fixture_settle(scene.fixture);
        }
    }
    client_cancel(&scene.client, 4, 2);
    assert_true(kept[0].is_abandoned);
    kept_refuse(&kept[1], CHEK_E_CORRUPT);
    fixture_settle(scene.fixture);
    struct seen seen;
    unsigned refused_count = 0;
    while (client_next(&scene.client, &seen)) {
        refused_count += seen.error != CHEK_OK;
    }
    assert_int_equal(refused_count, 2);
    client_allow(&scene.client, 5, 2, 1000);
    client_allow(&scene.client, 6, 3, 1000);
    fixture_settle(scene.fixture);
    assert_int_equal(kept[0].room_count + kept[1].room_count, 0);
    fixture_destroy(scene.fixture);
}

/* ---- memory ----------------------------------------------------------------------------------- */

static void
never_called(void *context, struct chek_request *request, uint64_t acknowledged)
{
    (void)context;
    (void)request;
    fail_msg("a hello with the offset %lu", (unsigned long)acknowledged);
}

static void
test_create_without_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    struct chek_handler_table table = {0};
    struct chek_session_host *host = NULL;
    uint64_t fail_at = 0;
    int error;

    fixture_start(fixture);
    table.on_hello = never_called;
    struct chek_memory_counters before = chek_memory_count();
    do {
        fail_at += 1;
        chek_memory_fail_at(fail_at);
        error = chek_session_host_create(&fixture->network->io, &fixture->config, &table, &host);
        chek_memory_fail_at(0);
        struct chek_memory_counters after = chek_memory_count();
        assert_true(error == CHEK_OK || (host == NULL && after.heap_size == before.heap_size &&
                                         after.reserved_size == before.reserved_size));
    } while (error != CHEK_OK);
    assert_true(fail_at > 5);
    chek_session_host_destroy(host);
    fixture_destroy(fixture);
}

static void
test_connection_without_memory_is_refused_and_the_next_is_not(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();

    fixture_start(fixture);
    chek_memory_fail_at(3);
    struct client client = client_connect(fixture);
    chek_memory_fail_at(0);
    assert_true(fixture->network->peers[client.peer].is_refused);
    for (uint32_t i = 0; i < fixture->config.connection_count_max; i++) {
        (void)client_open(fixture, FIXTURE_ALL);
    }
    fixture_destroy(fixture);
}

static void
test_nothing_is_allocated_for_a_connection(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    fixture_start(fixture);
    uint64_t count = chek_memory_count().allocation_count;
    for (unsigned i = 0; i < 20; i++) {
        struct client client = client_open(fixture, FIXTURE_ALL);
        client_ask(&client, CHEK_OPCODE_FEED, 2, 500000);
        kept_answer(fixture_last(fixture), 500000);
        fixture_settle(fixture);
        fake_network_end(fixture->network, client.peer, 0);
        fixture_settle(fixture);
    }
    assert_int_equal(chek_memory_count().allocation_count, count);
    assert_int_equal(chek_session_count(fixture->host).connection_open_count, 0);
    fixture_destroy(fixture);
}

int
main(void)
{
    struct table table = {0};
    TABLE_TEST(&table, test_answers_of_a_turn_are_one_send);
    TABLE_TEST(&table, test_large_half_is_sent_in_pieces_that_show_progress);
    TABLE_TEST(&table, test_peer_that_does_not_read_is_closed);
    TABLE_TEST(&table, test_frame_begun_and_not_ended_does_not_exist);
    TABLE_TEST(&table, test_full_output_calls_on_room_when_a_half_is_free);
    TABLE_TEST(&table, test_streams_take_turns);
    TABLE_TEST(&table, test_who_waits_for_much_is_not_starved_by_who_needs_little);
    TABLE_TEST(&table, test_small_answers_pass_a_waiting_stream);
    TABLE_TEST(&table, test_refusals_always_fit);
    TABLE_TEST(&table, test_last_refusal_fits_behind_refused_frames);
    TABLE_TEST(&table, test_output_may_be_larger_than_the_largest_answer);
    TABLE_TEST(&table, test_answers_that_waited_end_inside_on_room);
    TABLE_TEST(&table, test_stream_stops_at_its_window_and_goes_on_when_allowed);
    TABLE_TEST(&table, test_allowing_ahead_adds_up);
    TABLE_TEST(&table, test_window_is_for_streams_only);
    TABLE_TEST(&table, test_stream_that_waits_for_allow_may_be_cancelled_and_refused);
    TABLE_TEST(&table, test_create_without_memory_leaves_nothing_behind);
    TABLE_TEST(&table, test_connection_without_memory_is_refused_and_the_next_is_not);
    TABLE_TEST(&table, test_nothing_is_allocated_for_a_connection);
    return table_run(&table, "session_output");
}
