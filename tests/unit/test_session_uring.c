/* SPDX-License-Identifier: MIT */
/*
 * test_session_uring.c - a session host over a real ring, and clients that block on a socket.
 *
 * What the fake network cannot say: whether what still arrives after a pause fits, whether the
 * wake-up wakes, whether a slow reader gets all of a long stream.
 */
#include <stdlib.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "tests/unit/session_fixture.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

#define FLOOD_COUNT 300
#define FLOOD_SIZE 65000
#define CHUNK_SIZE 60000
#define CHUNK_COUNT 400
#define SLOW_NS 200000

struct shop {
    struct uring_fixture uring;
    struct session_fixture *fixture; /* for its directory */
    struct chek_io *io;
    struct chek_session_host *host;
    uint16_t port;
    struct chek_op slow;
    struct chek_request *kept[64];
    unsigned kept_count;
};

/* ---- the server ------------------------------------------------------------------------------- */

static void
answer_mark(struct chek_request *request)
{
    struct chek_writer out = chek_request_answer_begin(request, 8);
    if (out.full) {
        chek_request_refuse(request, CHEK_E_FULL, NULL, NULL);
        return;
    }
    uint64_t mark;
    memcpy(&mark, chek_request_state(request), sizeof mark);
    chek_writer_u64(&out, mark);
    chek_request_answer_end(request, &out, true);
}

static void
on_slow(struct chek_op *op, int64_t result)
{
    struct shop *shop = CHEK_CONTAINER_OF(op, struct shop, slow);
    (void)result;
    while (shop->kept_count > 0) {
        shop->kept_count -= 1;
        answer_mark(shop->kept[shop->kept_count]);
    }
}

/* Feeds are answered after a while. */
static void
feed_handle(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct shop *shop = context;
    CHEK_ASSERT(body.size == FLOOD_SIZE && shop->kept_count < CHEK_COUNT(shop->kept));
    memcpy(chek_request_state(request), body.bytes, 8);
    shop->kept[shop->kept_count++] = request;
    if (!shop->slow.in_flight) {
        chek_io_timer(shop->io, &shop->slow, chek_io_now_ns(shop->io) + SLOW_NS);
    }
}

static void
feed_on_abandon(void *context, struct chek_request *request)
{
    struct shop *shop = context;
    for (unsigned i = 0; i < shop->kept_count; i++) {
        if (shop->kept[i] == request) {
            shop->kept_count -= 1;
            shop->kept[i] = shop->kept[shop->kept_count];
            return;
        }
    }
}

/* Chunks from the number in the state on, as long as there is room. */
static void
stream_send(void *context, struct chek_request *request)
{
    uint64_t *next = chek_request_state(request);
    (void)context;
    for (;;) {
        struct chek_writer out = chek_request_answer_begin(request, CHUNK_SIZE);
        if (out.full) {
            return;
        }
        for (size_t i = 0; i < CHUNK_SIZE / 8; i++) {
            chek_writer_u64(&out, *next);
        }
        *next += 1;
        bool last = *next == CHUNK_COUNT;
        chek_request_answer_end(request, &out, last);
        if (last) {
            return;
        }
    }
}

static void
stream_handle(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    (void)body;
    stream_send(context, request);
}

static void
nothing_on_abandon(void *context, struct chek_request *request)
{
    (void)context;
    (void)request;
}

static void
on_hello(void *context, struct chek_request *request, uint64_t acknowledged)
{
    (void)context;
    (void)acknowledged;
    chek_request_welcome(request, false);
}

static void
on_turn(void *context)
{
    struct shop *shop = context;
    chek_session_turn(shop->host, chek_io_now_ns(shop->io));
}

static struct shop *
shop_open(void)
{
    static const uint16_t numbers[CHEK_OPCODE_COUNT] = {
#define NUMBER(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) (number),
        CHEK_OPCODES(NUMBER)
#undef NUMBER
    };
    struct shop *shop = calloc(1, sizeof *shop);
    CHEK_ASSERT(shop != NULL);
    struct chek_handler_table table = {.context = shop, .on_hello = on_hello};
    for (size_t i = 0; i < CHEK_OPCODE_COUNT; i++) {
        if (numbers[i] == CHEK_OPCODE_FEED) {
            table.handlers[i] = (struct chek_handler){feed_handle, feed_on_abandon, NULL};
        } else if (numbers[i] == CHEK_OPCODE_ASK_SUMS) {
            table.handlers[i] =
                (struct chek_handler){stream_handle, nothing_on_abandon, stream_send};
        }
    }
    struct chek_session_config config = {
        .connection_count_max = 16,
        .unauthenticated_count_max = 16,
        .request_count_max = 4,
        .output_size = 4096,
        .credits = 256 * 1024,
        .handshake_ns_max = UINT64_C(5000000000),
        .frame_ns_max = UINT64_C(5000000000),
        .drain_ns_max = UINT64_C(5000000000),
        .server = FIXTURE_SERVER,
    };
    shop->fixture = fixture_create();
    shop->slow.on_done = on_slow;
    uring_fixture_open(&shop->uring, 1, NULL);
    shop->io = chek_uring_io(shop->uring.group, 0);
    int error = chek_session_host_create(shop->io, &config, &table, &shop->host);
    CHEK_ASSERT(error == CHEK_OK);
    chek_session_host_directory(shop->host, shop->fixture->directory);
    error = chek_session_listen(shop->host, "127.0.0.1:0", &shop->port);
    CHEK_ASSERT(error == CHEK_OK && shop->port != 0);
    struct chek_io_owner owner = {.context = shop, .on_turn = on_turn};
    chek_io_set_owner(shop->io, &owner);
    uring_fixture_start(&shop->uring);
    return shop;
}

static void
shop_close(struct shop *shop)
{
    uring_fixture_close(&shop->uring);
    chek_session_host_destroy(shop->host);
    fixture_destroy(shop->fixture);
    free(shop);
}

/* ---- clients ---------------------------------------------------------------------------------- */

/* Read one frame; its body into `body`. */
static struct chek_frame_head
read_frame(int socket, uint8_t *body, size_t body_size_max)
{
    uint8_t bytes[CHEK_FRAME_HEAD_SIZE];
    struct chek_frame_head head;
    assert_true(uring_fixture_read(socket, bytes, sizeof bytes));
    assert_error(chek_frame_head_decode(bytes, (uint32_t)body_size_max, &head), CHEK_OK);
    assert_true(uring_fixture_read(socket, body, head.body_size));
    return head;
}

static int
client_enter(const struct shop *shop)
{
    uint8_t bytes[512];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    int socket = uring_fixture_connect(shop->port);

    fixture_hello(&out, FIXTURE_ALL, 0);
    assert_true(uring_fixture_write(socket, bytes, out.size));
    struct chek_frame_head head = read_frame(socket, bytes, sizeof bytes);
    assert_int_equal(head.opcode, CHEK_OPCODE_HELLO);
    assert_int_equal(head.flags, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST);
    return socket;
}

/* All at once, with no regard to credits: it is read as far as it may, and nothing is lost. */
static void
test_flood_is_read_as_requests_end(void **state)
{
    (void)state;
    struct shop *shop = shop_open();
    int socket = client_enter(shop);
    size_t size = (size_t)FLOOD_COUNT * (CHEK_FRAME_HEAD_SIZE + FLOOD_SIZE);
    uint8_t *bytes = malloc(size);
    static uint8_t body[FLOOD_SIZE];
    bool seen[FLOOD_COUNT] = {false};

    assert_non_null(bytes);
    struct chek_writer out = chek_writer_over(bytes, size);
    for (uint64_t i = 0; i < FLOOD_COUNT; i++) {
        memcpy(body, &i, sizeof i);
        fixture_frame(&out, CHEK_OPCODE_FEED, 100 + i, body, sizeof body);
    }
    assert_true(uring_fixture_write(socket, bytes, size));
    for (unsigned i = 0; i < FLOOD_COUNT; i++) {
        uint64_t mark;
        struct chek_frame_head head = read_frame(socket, body, sizeof body);
        assert_int_equal(head.flags, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST);
        assert_int_equal(head.body_size, 8);
        memcpy(&mark, body, sizeof mark);
        assert_true(head.frame_id == 100 + mark && mark < FLOOD_COUNT && !seen[mark]);
        seen[mark] = true;
    }
    free(bytes);
    close(socket);
    shop_close(shop);
}

static void
test_long_stream_comes_whole_to_who_allows(void **state)
{
    (void)state;
    struct shop *shop = shop_open();
    int socket = client_enter(shop);
    static uint8_t body[CHUNK_SIZE];
    uint8_t bytes[128];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    uint64_t count = 0, allowed_count = 0, allow_id = 1000;

    fixture_frame(&out, CHEK_OPCODE_ASK_SUMS, 7, "", 1);
    assert_true(uring_fixture_write(socket, bytes, out.size));
    while (count < CHUNK_COUNT) {
        struct chek_frame_head head = read_frame(socket, body, sizeof body);
        if (head.opcode == CHEK_OPCODE_ALLOW) {
            allowed_count += 1;
            continue;
        }
        assert_true(head.frame_id == 7 && head.body_size == CHUNK_SIZE);
        uint64_t first;
        memcpy(&first, body, sizeof first);
        assert_true(first == count && memcmp(body, body + 8, CHUNK_SIZE - 8) == 0);
        count += 1;
        assert_int_equal((head.flags & CHEK_FRAME_LAST) != 0, count == CHUNK_COUNT);
        if (count % 8 == 0) {
            uint8_t record[16];
            struct chek_writer allow = chek_writer_over(record, sizeof record);
            chek_allow_encode(&allow, &(struct chek_allow){.frame = 7, .size = 8 * CHUNK_SIZE});
            out = chek_writer_over(bytes, sizeof bytes);
            fixture_frame(&out, CHEK_OPCODE_ALLOW, allow_id++, record, allow.size);
            assert_true(uring_fixture_write(socket, bytes, out.size));
        }
    }
    assert_true(allowed_count > 0);
    close(socket);
    shop_close(shop);
}

/* Clients that go in the middle of a frame, of an answer, of a stream. */
static void
test_clients_may_go_at_any_moment(void **state)
{
    (void)state;
    struct shop *shop = shop_open();
    static uint8_t body[FLOOD_SIZE];
    static uint8_t bytes[2 * (CHEK_FRAME_HEAD_SIZE + FLOOD_SIZE)];

    for (unsigned i = 0; i < 60; i++) {
        int socket = client_enter(shop);
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        if (i % 3 == 0) {
            fixture_frame(&out, CHEK_OPCODE_ASK_SUMS, 7, "", 1);
        }
        fixture_frame(&out, CHEK_OPCODE_FEED, 8, body, sizeof body);
        assert_true(uring_fixture_write(socket, bytes, out.size - i * 1000));
        if (i % 6 == 0) {
            (void)read_frame(socket, body, sizeof body);
        }
        close(socket);
    }
    /* More than the cap of connections came and went: their places are free again. */
    int socket = client_enter(shop);
    close(socket);
    uring_fixture_stop(&shop->uring);
    assert_int_equal(chek_session_count(shop->host).connection_count, 61);
    shop_close(shop);
}

int
main(void)
{
    struct table table = {0};
    int skip = uring_fixture_skip();
    if (skip != 0) {
        return skip;
    }
    TABLE_TEST(&table, test_flood_is_read_as_requests_end);
    TABLE_TEST(&table, test_long_stream_comes_whole_to_who_allows);
    TABLE_TEST(&table, test_clients_may_go_at_any_moment);
    return table_run(&table, "session_uring");
}
