/* SPDX-License-Identifier: MIT */
/* test_session_frame.c - what a session says to a frame before any handler sees it. */
#include <stdlib.h>

#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"

struct fixture_and_client {
    struct session_fixture *fixture;
    struct client client;
};

static struct fixture_and_client
opened(uint32_t principal)
{
    struct fixture_and_client both = {.fixture = fixture_create()};
    fixture_start(both.fixture);
    both.client = client_open(both.fixture, principal);
    return both;
}

static struct seen
next(struct client *client)
{
    struct seen seen;
    fixture_settle(client->fixture);
    assert_true(client_next(client, &seen));
    return seen;
}

static void
expect(struct client *client, uint16_t opcode, uint64_t frame_id, int error)
{
    struct seen seen = next(client);
    assert_error(seen.error, error);
    assert_int_equal(seen.head.opcode, opcode);
    assert_true(seen.head.frame_id == frame_id);
    assert_int_equal(seen.head.flags, error == CHEK_OK ? 3 : 7);
}

static void
expect_alive(struct client *client)
{
    client_send(client, CHEK_OPCODE_PING, 1000, "", 1);
    expect(client, CHEK_OPCODE_PING, 1000, CHEK_OK);
    assert_false(client_is_closed(client));
}

/* ---- framing that is lost --------------------------------------------------------------------- */

static struct framing_case {
    const char *name;
    size_t at; /* this byte of the frame is changed */
    uint8_t flip;
    int want;
    uint64_t want_frame;
} framing_cases[] = {
    {"wrong_magic_ends_the_connection", 0, 0x01, CHEK_E_MAGIC, 0},
    {"other_version_ends_the_connection", 2, 0x02, CHEK_E_VERSION, 0},
    {"reserved_flag_ends_the_connection", 3, 0x80, CHEK_E_RESERVED, 7},
    {"flags_that_do_not_go_together_end_the_connection", 3, 0x06, CHEK_E_RANGE, 7},
    {"reserved_byte_ends_the_connection", 6, 0x01, CHEK_E_RESERVED, 7},
    {"body_above_a_frames_end_the_connection", 10, 0x20, CHEK_E_LIMIT, 7},
    {"changed_opcode_ends_the_connection", 4, 0x01, CHEK_E_CHECKSUM, 7},
    {"changed_checksum_ends_the_connection", 24, 0x01, CHEK_E_CHECKSUM, 7},
    {"changed_body_ends_the_connection", 33, 0x01, CHEK_E_CHECKSUM, 7},
};

/* Behind a good frame, in one piece, and cut at every byte. */
static void
test_framing(void **state)
{
    const struct framing_case *c = *state;
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t good_size = fixture_frame(&out, CHEK_OPCODE_PING, 6, "", 1);

    fixture_frame(&out, CHEK_OPCODE_ASK_REPORT, 7, "body", 4);
    bytes[good_size + c->at] ^= c->flip;
    for (size_t cut = 1; cut <= out.size; cut++) {
        struct fixture_and_client both = opened(FIXTURE_ALL);
        client_give(&both.client, bytes, cut);
        if (cut < out.size) {
            client_give(&both.client, bytes + cut, out.size - cut);
        }
        expect(&both.client, CHEK_OPCODE_PING, 6, CHEK_OK);
        expect(&both.client, 0, c->want_frame, c->want);
        assert_true(client_is_closed(&both.client));
        assert_int_equal(both.fixture->kept_count, 0);
        assert_int_equal(chek_session_count(both.fixture->host).frame_error_count, 1);
        assert_int_equal(chek_session_count(both.fixture->host).connection_open_count, 0);
        fixture_destroy(both.fixture);
    }
}

/* ---- frames that are refused ------------------------------------------------------------------ */

static struct refusal_case {
    const char *name;
    size_t body_size;
    int want;
    uint16_t opcode;
} refusal_cases[] = {
    {"opcode_zero_is_not_known", 0, CHEK_E_OPCODE, 0},
    {"opcode_in_a_gap_is_not_known", 4, CHEK_E_OPCODE, 6},
    {"opcode_behind_the_last_is_not_known", 4, CHEK_E_OPCODE, CHEK_OPCODE_NUMBER_MAX + 1},
    {"opcode_65535_is_not_known", 4, CHEK_E_OPCODE, 65535},
    {"opcode_without_handler_is_not_known", 1, CHEK_E_OPCODE, CHEK_OPCODE_SNAPSHOT},
    {"body_above_its_opcodes_limit_is_refused", 1025, CHEK_E_LIMIT, CHEK_OPCODE_ASK_REPORT},
    {"large_body_above_its_opcodes_limit_is_refused", CHEK_FRAME_BODY_SIZE_MAX, CHEK_E_LIMIT,
     CHEK_OPCODE_ASK_REPORT},
    {"ping_with_more_than_nothing_is_refused", 2, CHEK_E_TRAILING, CHEK_OPCODE_PING},
    {"resume_without_a_mask_is_refused", 0, CHEK_E_SHORT, CHEK_OPCODE_RESUME},
    {"cancel_of_nothing_is_refused", 1, CHEK_E_FIELD_MISSING, CHEK_OPCODE_CANCEL},
    {"allow_of_nothing_is_refused", 1, CHEK_E_FIELD_MISSING, CHEK_OPCODE_ALLOW},
};

static void
test_refusal(void **state)
{
    const struct refusal_case *c = *state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    static const uint8_t zeros[CHEK_FRAME_BODY_SIZE_MAX];

    client_send(&both.client, c->opcode, 7, zeros, c->body_size);
    expect(&both.client, c->opcode, 7, c->want);
    assert_int_equal(both.fixture->kept_count, 0);
    assert_int_equal(chek_session_count(both.fixture->host).refusal_count, 1);
    expect_alive(&both.client);
    fixture_destroy(both.fixture);
}

static void
test_largest_body_of_an_opcode_is_handled(void **state)
{
    (void)state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    client_ask(&both.client, CHEK_OPCODE_ASK_REPORT, 7, 1024);
    client_ask(&both.client, CHEK_OPCODE_FEED, 8, CHEK_FRAME_BODY_SIZE_MAX);
    assert_int_equal(both.fixture->kept_count, 2);
    assert_int_equal(both.fixture->kept[1].body_size, CHEK_FRAME_BODY_SIZE_MAX);
    fixture_destroy(both.fixture);
}

static void
test_answer_from_a_client_is_refused(void **state)
{
    (void)state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    uint8_t bytes[64];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t begin = chek_frame_begin(&out);
    chek_writer_u8(&out, 0);
    chek_frame_finish(&out, begin, CHEK_OPCODE_PING, CHEK_FRAME_ANSWER, 7);
    client_give(&both.client, bytes, out.size);
    expect(&both.client, CHEK_OPCODE_PING, 7, CHEK_E_RANGE);
    expect_alive(&both.client);
    fixture_destroy(both.fixture);
}

static void
test_frame_id_in_flight_exists_and_is_free_again_after(void **state)
{
    (void)state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    client_ask(&both.client, CHEK_OPCODE_ASK_REPORT, 7, 16);
    client_ask(&both.client, CHEK_OPCODE_ASK_REPORT, 8, 16);
    client_ask(&both.client, CHEK_OPCODE_ASK_SUMS, 7, 16);
    expect(&both.client, CHEK_OPCODE_ASK_SUMS, 7, CHEK_E_EXISTS);
    kept_answer(&both.fixture->kept[0], 3);
    expect(&both.client, CHEK_OPCODE_ASK_REPORT, 7, CHEK_OK);
    client_ask(&both.client, CHEK_OPCODE_ASK_SUMS, 7, 16);
    client_ask(&both.client, CHEK_OPCODE_ASK_SUMS, 8, 16);
    expect(&both.client, CHEK_OPCODE_ASK_SUMS, 8, CHEK_E_EXISTS);
    assert_int_equal(both.fixture->kept_count, 3);
    fixture_destroy(both.fixture);
}

/* ---- rights ----------------------------------------------------------------------------------- */

struct opcode_row {
    const char *name;
    uint16_t opcode;
    uint8_t right;
};

#define OPCODE_ROW(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) \
    {"rights_of_" #name, (number), CHEK_OPCODE_RIGHT_##RIGHT},
static struct opcode_row opcode_rows[] = {CHEK_OPCODES(OPCODE_ROW)};
#undef OPCODE_ROW

/* Written out, so that the table of the product is not compared with itself. */
static bool
may(uint8_t right, uint32_t rights)
{
    switch (right) {
    case CHEK_OPCODE_RIGHT_ANY:
        return true;
    case CHEK_OPCODE_RIGHT_READ:
        return (rights & 1) != 0;
    case CHEK_OPCODE_RIGHT_INGEST:
        return (rights & 2) != 0;
    case CHEK_OPCODE_RIGHT_ADMIN:
        return (rights & 4) != 0;
    case CHEK_OPCODE_RIGHT_PERSONS:
        return (rights & 8) != 0;
    default:
        return false;
    }
}

static void
test_rights(void **state)
{
    const struct opcode_row *row = *state;
    for (uint32_t rights = 0; rights < 16 && row->right != CHEK_OPCODE_RIGHT_NONE; rights++) {
        struct fixture_and_client both = opened(rights + 1);
        struct seen seen;
        client_ask(&both.client, row->opcode, 7, 16);
        fixture_settle(both.fixture);
        bool is_answered = client_next(&both.client, &seen);
        bool is_refused = is_answered && seen.error == CHEK_E_PERMISSION;
        assert_int_equal(is_refused, !may(row->right, rights));
        assert_int_equal(both.fixture->kept_count, !is_refused && row->opcode > CHEK_OPCODE_ALLOW &&
                                                       row->opcode != CHEK_OPCODE_SNAPSHOT);
        expect_alive(&both.client);
        fixture_destroy(both.fixture);
    }
}

static void
test_rights_are_asked_for_at_every_frame(void **state)
{
    (void)state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    client_ask(&both.client, CHEK_OPCODE_ASK_REPORT, 7, 16);
    assert_int_equal(both.fixture->kept_count, 1);
    /* The directory knows; nobody has told the session yet. */
    assert_int_equal(chek_directory_revoke(both.fixture->directory, FIXTURE_ALL), CHEK_OK);
    client_ask(&both.client, CHEK_OPCODE_ASK_REPORT, 8, 16);
    expect(&both.client, CHEK_OPCODE_ASK_REPORT, 8, CHEK_E_PERMISSION);
    client_send(&both.client, CHEK_OPCODE_PING, 9, "", 1);
    expect(&both.client, CHEK_OPCODE_PING, 9, CHEK_E_PERMISSION);
    fixture_destroy(both.fixture);
}

/* ---- segmentation ----------------------------------------------------------------------------- */

/* hello, ping, a request of 300 bytes, a refused one, ping. */
static size_t
stream_write(uint8_t *bytes, size_t capacity)
{
    struct chek_writer out = chek_writer_over(bytes, capacity);
    uint8_t body[300];

    memset(body, 3, sizeof body);
    fixture_hello(&out, FIXTURE_ALL, 0);
    fixture_frame(&out, CHEK_OPCODE_PING, 2, "", 1);
    fixture_frame(&out, CHEK_OPCODE_FEED, 3, body, sizeof body);
    fixture_frame(&out, 999, 4, "", 0);
    fixture_frame(&out, CHEK_OPCODE_PING, 5, "", 1);
    return out.size;
}

static void
expect_stream(struct session_fixture *fixture, struct client *client)
{
    expect(client, CHEK_OPCODE_HELLO, 1, CHEK_OK);
    expect(client, CHEK_OPCODE_PING, 2, CHEK_OK);
    expect(client, 999, 4, CHEK_E_OPCODE);
    expect(client, CHEK_OPCODE_PING, 5, CHEK_OK);
    assert_int_equal(fixture->kept_count, 1);
    assert_int_equal(fixture->kept[0].body_size, 300);
    assert_true(fixture->kept[0].mark == UINT64_C(0x0303030303030303));
}

static void
test_frames_are_the_same_however_they_are_cut(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    size_t size = stream_write(bytes, sizeof bytes);

    for (size_t cut = 1; cut < size; cut++) {
        struct session_fixture *fixture = fixture_create();
        fixture_start(fixture);
        struct client client = client_connect(fixture);
        client_give(&client, bytes, cut);
        if (cut % 2 == 0) {
            fixture_settle(fixture);
        }
        client_give(&client, bytes + cut, size - cut);
        expect_stream(fixture, &client);
        fixture_destroy(fixture);
    }
}

static void
test_frames_may_come_byte_by_byte(void **state)
{
    (void)state;
    uint8_t bytes[1024];
    size_t size = stream_write(bytes, sizeof bytes);
    struct session_fixture *fixture = fixture_create();

    fixture_start(fixture);
    struct client client = client_connect(fixture);
    for (size_t i = 0; i < size; i++) {
        client_give(&client, bytes + i, 1);
        fixture_settle(fixture);
    }
    expect_stream(fixture, &client);
    assert_int_equal(chek_session_count(fixture->host).received_size, size);
    fixture_destroy(fixture);
}

/* ---- time ------------------------------------------------------------------------------------- */

static void
test_frame_must_be_whole_in_time_from_its_first_byte(void **state)
{
    (void)state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    struct fake_network *network = both.fixture->network;
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    uint64_t limit_ns = both.fixture->config.frame_ns_max;

    size_t size = fixture_frame(&out, CHEK_OPCODE_PING, 2, "", 1);
    client_give(&both.client, bytes, 20);
    network->now_ns += limit_ns - 1;
    fixture_settle(both.fixture);
    /* Just in time, with the first bytes of the next, which has a time of its own. */
    fixture_frame(&out, CHEK_OPCODE_PING, 3, "", 1);
    client_give(&both.client, bytes + 20, size - 20 + 5);
    expect(&both.client, CHEK_OPCODE_PING, 2, CHEK_OK);
    network->now_ns += limit_ns - 1;
    fixture_settle(both.fixture);
    assert_false(client_is_closed(&both.client));
    client_give(&both.client, bytes + size + 5, 3); /* progress is not enough */
    network->now_ns += 1 + limit_ns / 4;
    assert_true(fake_network_is_due(network));
    expect(&both.client, 0, 0, CHEK_E_TIMEOUT);
    assert_true(client_is_closed(&both.client));
    assert_int_equal(chek_session_count(both.fixture->host).timeout_count, 1);
    fixture_destroy(both.fixture);
}

static void
test_frame_that_waits_for_us_has_no_deadline(void **state)
{
    (void)state;
    struct fixture_and_client both = opened(FIXTURE_ALL);
    struct fake_network *network = both.fixture->network;
    uint64_t limit_ns = both.fixture->config.frame_ns_max;
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    client_ask(&both.client, CHEK_OPCODE_FEED, 2, 16);
    chek_request_park(both.fixture->kept[0].request);
    fixture_frame(&out, CHEK_OPCODE_PING, 3, "", 1);
    client_give(&both.client, bytes, 20); /* half a frame, and no more is read */
    assert_true(fake_network_is_paused(network, both.client.peer));
    network->now_ns += 2 * limit_ns;
    fixture_settle(both.fixture);
    assert_false(client_is_closed(&both.client));
    kept_answer(&both.fixture->kept[0], 1);
    expect(&both.client, CHEK_OPCODE_FEED, 2, CHEK_OK);
    assert_false(fake_network_is_paused(network, both.client.peer));
    network->now_ns += limit_ns - 1; /* counted from when we read on */
    fixture_settle(both.fixture);
    assert_false(client_is_closed(&both.client));
    client_give(&both.client, bytes + 20, out.size - 20);
    expect(&both.client, CHEK_OPCODE_PING, 3, CHEK_OK);
    fixture_destroy(both.fixture);
}

/* The frame that waits for a request to end came in two pieces. */
static void
test_frame_that_waits_for_a_request_has_no_deadline(void **state)
{
    (void)state;
    struct session_fixture *fixture = fixture_create();
    uint8_t bytes[256];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    fixture->config.request_count_max = 1;
    fixture_start(fixture);
    struct client client = client_open(fixture, FIXTURE_ALL);
    client_ask(&client, CHEK_OPCODE_FEED, 2, 16);
    fixture_frame(&out, CHEK_OPCODE_FEED, 3, "01234567", 8);
    client_give(&client, bytes, 20);
    client_give(&client, bytes + 20, out.size - 20);
    fixture->network->now_ns += 2 * fixture->config.frame_ns_max;
    fixture_settle(fixture);
    assert_false(client_is_closed(&client));
    assert_int_equal(fixture->kept_count, 1);
    fixture_destroy(fixture);
}

int
main(void)
{
    struct table table = {0};
    TABLE_ROWS(&table, test_framing, framing_cases);
    TABLE_ROWS(&table, test_refusal, refusal_cases);
    TABLE_TEST(&table, test_largest_body_of_an_opcode_is_handled);
    TABLE_TEST(&table, test_answer_from_a_client_is_refused);
    TABLE_TEST(&table, test_frame_id_in_flight_exists_and_is_free_again_after);
    TABLE_ROWS(&table, test_rights, opcode_rows);
    TABLE_TEST(&table, test_rights_are_asked_for_at_every_frame);
    TABLE_TEST(&table, test_frames_are_the_same_however_they_are_cut);
    TABLE_TEST(&table, test_frames_may_come_byte_by_byte);
    TABLE_TEST(&table, test_frame_must_be_whole_in_time_from_its_first_byte);
    TABLE_TEST(&table, test_frame_that_waits_for_us_has_no_deadline);
    TABLE_TEST(&table, test_frame_that_waits_for_a_request_has_no_deadline);
    return table_run(&table, "session_frame");
}
