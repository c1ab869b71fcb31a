/* SPDX-License-Identifier: MIT */
/*
 * test_world_net.c - streams of the simulator behave as io.h says, byte by byte.
 *
 * The server is an echo of what it is told to do: it keeps what it received and what it was told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/sim/world.h"

#define ADDRESS "127.0.0.1:7420"
#define SHARD_COUNT 2
#define BYTE_COUNT 5000

/* One connection at the server, and everything that was said about it. */
struct peer {
    struct chek_stream stream;
    bool accepted;
    uint8_t in[2 * BYTE_COUNT];
    size_t in_size;
    unsigned end_count, error_count, sent_count, closed_count, call_count;
    int sent_error;
};

struct server {
    struct chek_listener listener;
    struct chek_io *io;
    unsigned accept_count, error_count;
    bool refuses;
};

static struct chek_world *world;
static struct server servers[SHARD_COUNT];
static struct peer peer; /* the latest connection */

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct peer *at = CHEK_CONTAINER_OF(stream, struct peer, stream);
    at->call_count += 1;
    if (error != 0) {
        at->error_count += 1;
    } else if (size == 0) {
        at->end_count += 1;
    } else {
        assert_true(at->end_count + at->error_count == 0);
        assert_true(at->in_size + size <= sizeof(at->in));
        memcpy(at->in + at->in_size, bytes, size);
        at->in_size += size;
    }
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct peer *at = CHEK_CONTAINER_OF(stream, struct peer, stream);
    at->call_count += 1;
    at->sent_count += 1;
    at->sent_error = error;
}

static void
on_closed(struct chek_stream *stream)
{
    CHEK_CONTAINER_OF(stream, struct peer, stream)->closed_count += 1;
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct server *server = CHEK_CONTAINER_OF(listener, struct server, listener);
    if (socket < 0) {
        server->error_count += 1;
        return;
    }
    server->accept_count += 1;
    if (server->refuses) {
        chek_io_refuse(server->io, socket);
        return;
    }
    peer = (struct peer){.accepted = true};
    peer.stream.on_receive = on_receive;
    peer.stream.on_sent = on_sent;
    peer.stream.on_closed = on_closed;
    chek_stream_start(server->io, &peer.stream, socket);
}

static void
begin(const struct chek_world_options *options)
{
    world = chek_world_create(options);
    (void)chek_world_machine_add(world, SHARD_COUNT);
    peer = (struct peer){0};
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        servers[i] =
            (struct server){.listener.on_accept = on_accept, .io = chek_world_io(world, 0, i)};
        assert_int_equal(chek_io_listen(servers[i].io, &servers[i].listener, ADDRESS), 0);
    }
}

static void
begin_calm(void)
{
    struct chek_world_options options = chek_world_options_calm(1);
    begin(&options);
}

static void
settle(void)
{
    for (uint64_t i = 0; i < 100000 && chek_world_step(world); i++) {
    }
}

static void
end(void)
{
    chek_world_destroy(world);
}

static struct chek_world_client *
connect_client(void)
{
    return chek_world_client_connect(world, 0, ADDRESS, NULL);
}

static void
fill(uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
}

/* ---- bytes --------------------------------------------------------------------------------- */

static struct segment_case {
    const char *name;
    uint64_t segment_size_max, whole_rate, buffer_size;
} segment_cases[] = {
    {"bytes_arrive_in_order_one_by_one", 1, 0, 65536},
    {"bytes_arrive_in_order_in_pieces", 700, 0, 65536},
    {"bytes_arrive_in_order_at_once", 65536, 1000000, 65536},
    {"bytes_arrive_in_order_through_a_tiny_buffer", 65536, 500000, 16},
};

static void
test_net_bytes_arrive_in_order(void **state)
{
    const struct segment_case *c = *state;
    struct chek_world_options options = chek_world_options_calm(3);
    static uint8_t bytes[BYTE_COUNT], got[BYTE_COUNT];
    size_t got_size = 0;

    options.net_segment_size_max = c->segment_size_max;
    options.net_whole_rate = c->whole_rate;
    options.net_buffer_size = c->buffer_size;
    begin(&options);
    fill(bytes, sizeof(bytes));
    struct chek_world_client *client = connect_client();
    chek_world_client_send(client, bytes, 1000);
    chek_world_client_send(client, bytes + 1000, BYTE_COUNT - 1000);
    settle();
    assert_int_equal(peer.in_size, BYTE_COUNT);
    assert_memory_equal(peer.in, bytes, BYTE_COUNT);
    assert_int_equal(chek_world_client_unsent(client), 0);
    if (c->segment_size_max == 1) {
        assert_int_equal(peer.call_count, BYTE_COUNT);
    }
    chek_stream_send(&peer.stream, bytes, BYTE_COUNT);
    for (int i = 0; i < BYTE_COUNT && got_size < BYTE_COUNT; i++) {
        settle();
        got_size += chek_world_client_receive(client, got + got_size, BYTE_COUNT - got_size);
    }
    assert_int_equal(got_size, BYTE_COUNT);
    assert_memory_equal(got, bytes, BYTE_COUNT);
    assert_int_equal(peer.sent_count, 1);
    assert_int_equal(peer.sent_error, 0);
    end();
}

static void
test_net_send_waits_for_a_client_that_does_not_read(void **state)
{
    struct chek_world_options options = chek_world_options_calm(1);
    static uint8_t bytes[BYTE_COUNT];
    (void)state;
    options.net_buffer_size = 100;
    begin(&options);
    struct chek_world_client *client = connect_client();
    settle();
    chek_world_client_pause(client);
    chek_stream_send(&peer.stream, bytes, BYTE_COUNT);
    settle();
    assert_int_equal(peer.sent_count, 0);
    assert_true(peer.stream.send.in_flight);
    chek_world_client_resume(client);
    for (int i = 0; i < BYTE_COUNT; i++) {
        uint8_t got[64];
        settle();
        (void)chek_world_client_receive(client, got, sizeof(got));
    }
    assert_int_equal(peer.sent_count, 1);
    end();
}

static void
test_net_pause_holds_bytes_back(void **state)
{
    (void)state;
    begin_calm();
    struct chek_world_client *client = connect_client();
    settle();
    chek_stream_pause(&peer.stream);
    chek_world_client_send(client, "abc", 3);
    settle();
    assert_int_equal(peer.in_size, 0);
    chek_world_client_shutdown(client);
    settle();
    assert_int_equal(peer.end_count, 0);
    chek_stream_resume(&peer.stream);
    settle();
    assert_int_equal(peer.in_size, 3);
    assert_int_equal(peer.end_count, 1);
    end();
}

/* What is on its way at a pause may arrive once more, and then nothing does. */
static void
test_net_pause_may_let_one_piece_through(void **state)
{
    unsigned through = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        struct chek_world_options options = chek_world_options_calm(seed);
        options.net_segment_size_max = 1;
        begin(&options);
        struct chek_world_client *client = connect_client();
        settle();
        chek_world_client_send(client, "abcdef", 6);
        chek_stream_pause(&peer.stream);
        settle();
        assert_true(peer.in_size <= 1);
        through += peer.in_size == 1;
        chek_stream_resume(&peer.stream);
        settle();
        assert_memory_equal(peer.in, "abcdef", 6);
        end();
    }
    assert_true(through > 10 && through < 40);
}

/* ---- ends ---------------------------------------------------------------------------------- */

static void
test_net_half_close_lets_the_server_answer_and_close(void **state)
{
    uint8_t got[8];
    (void)state;
    begin_calm();
    struct chek_world_client *client = connect_client();
    chek_world_client_send(client, "ab", 2);
    chek_world_client_shutdown(client);
    settle();
    assert_int_equal(peer.in_size, 2);
    assert_int_equal(peer.end_count, 1);
    chek_stream_send(&peer.stream, (const uint8_t *)"xyz", 3);
    chek_stream_close(&peer.stream); /* what the system took still arrives */
    settle();
    assert_int_equal(peer.closed_count, 1);
    assert_int_equal(chek_world_client_receive(client, got, sizeof(got)), 3);
    assert_int_equal(chek_world_client_error(client), CHEK_E_CLOSED);
    end();
}

static void
test_net_reset_is_told_once(void **state)
{
    (void)state;
    begin_calm();
    struct chek_world_client *client = connect_client();
    settle();
    chek_world_client_reset(client);
    settle();
    assert_int_equal(peer.error_count, 1);
    assert_int_equal(peer.end_count, 0);
    chek_stream_send(&peer.stream, (const uint8_t *)"x", 1);
    settle();
    assert_int_equal(peer.sent_error, -ECONNRESET);
    assert_int_equal(peer.error_count, 1);
    chek_stream_close(&peer.stream);
    settle();
    assert_int_equal(peer.closed_count, 1);
    assert_int_equal(chek_world_connection_count(world, 0), 0);
    end();
}

/* A reset cuts the bytes under way anywhere: every length is seen. */
static void
test_net_reset_cuts_at_every_byte(void **state)
{
    bool seen[5] = {false};
    (void)state;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        struct chek_world_options options = chek_world_options_calm(seed);
        begin(&options);
        struct chek_world_client *client = connect_client();
        settle();
        chek_world_client_send(client, "abcd", 4);
        chek_world_client_reset(client);
        settle();
        assert_true(peer.in_size <= 4);
        assert_memory_equal(peer.in, "abcd", peer.in_size);
        assert_int_equal(peer.error_count, 1);
        seen[peer.in_size] = true;
        end();
    }
    for (size_t i = 0; i <= 4; i++) {
        assert_true(seen[i]);
    }
}

static void
test_net_nothing_is_called_after_close_but_closed(void **state)
{
    static uint8_t bytes[BYTE_COUNT];
    (void)state;
    begin_calm();
    struct chek_world_client *client = connect_client();
    settle();
    chek_world_client_pause(client);
    chek_world_client_send(client, bytes, sizeof(bytes));
    chek_stream_send(&peer.stream, bytes, sizeof(bytes));
    unsigned calls = peer.call_count;
    chek_stream_close(&peer.stream);
    assert_int_equal(peer.closed_count, 0);
    settle();
    assert_int_equal(peer.call_count, calls);
    assert_int_equal(peer.closed_count, 1);
    end();
}

/* ---- connect and crash --------------------------------------------------------------------- */

static void
test_net_nobody_listens_is_refused(void **state)
{
    (void)state;
    begin_calm();
    struct chek_world_client *client = chek_world_client_connect(world, 0, "127.0.0.1:1", NULL);
    settle();
    assert_int_equal(chek_world_client_error(client), -ECONNREFUSED);
    chek_world_client_close(client);
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        chek_io_listen_stop(servers[i].io, &servers[i].listener);
    }
    client = connect_client();
    settle();
    assert_int_equal(chek_world_client_error(client), -ECONNREFUSED);
    assert_false(peer.accepted);
    end();
}

static void
test_net_connections_go_round_the_shards(void **state)
{
    (void)state;
    begin_calm();
    for (int i = 0; i < 10; i++) {
        (void)connect_client();
    }
    settle();
    assert_int_equal(servers[0].accept_count, 5);
    assert_int_equal(servers[1].accept_count, 5);
    assert_int_equal(chek_world_connection_count(world, 0), 10);
    end();
}

static void
test_net_refused_socket_is_closed(void **state)
{
    (void)state;
    begin_calm();
    servers[0].refuses = servers[1].refuses = true;
    struct chek_world_client *client = connect_client();
    settle();
    assert_int_equal(chek_world_client_error(client), CHEK_E_CLOSED);
    assert_int_equal(chek_world_connection_count(world, 0), 0);
    end();
}

static void
test_net_accept_goes_on_after_an_error(void **state)
{
    struct chek_world_options options = chek_world_options_calm(1);
    (void)state;
    options.net_accept_error_rate = 700000;
    begin(&options);
    for (int i = 0; i < 10; i++) {
        (void)connect_client();
    }
    settle();
    assert_int_equal(servers[0].accept_count + servers[1].accept_count, 10);
    assert_true(servers[0].error_count + servers[1].error_count > 0);
    end();
}

static void
test_net_crash_resets_clients_and_frees_the_address(void **state)
{
    (void)state;
    begin_calm();
    struct chek_world_client *client = connect_client();
    settle();
    chek_stream_send(&peer.stream, (const uint8_t *)"x", 1);
    chek_world_crash(world, 0, CHEK_CRASH_POWER);
    assert_false(peer.stream.send.in_flight);
    unsigned calls = peer.call_count;
    settle();
    assert_int_equal(chek_world_client_error(client), -ECONNRESET);
    assert_int_equal(peer.call_count, calls);
    chek_stream_close(&peer.stream); /* the product may try; nothing comes of it */
    settle();
    assert_int_equal(peer.closed_count, 0);
    client = connect_client();
    settle();
    assert_int_equal(chek_world_client_error(client), -ECONNREFUSED);
    end();
}

static struct address_case {
    const char *name, *address;
    int want;
} address_cases[] = {
    {"address_localhost_is_read", "localhost:99", 0},
    {"address_everywhere_is_read", "0.0.0.0:7421", 0},
    {"address_v6_is_read", "[::1]:7421", 0},
    {"address_any_port_is_read", "127.0.0.1:0", 0},
    {"address_taken_is_eaddrinuse", ADDRESS, -EADDRINUSE},
    {"address_without_port_is_usage", "127.0.0.1", CHEK_E_USAGE},
    {"address_with_a_name_is_usage", "example.org:80", CHEK_E_USAGE},
    {"address_with_a_large_port_is_usage", "127.0.0.1:65536", CHEK_E_USAGE},
    {"address_with_a_tail_is_usage", "127.0.0.1:80x", CHEK_E_USAGE},
};

static void
test_net_address(void **state)
{
    const struct address_case *c = *state;
    struct chek_listener listener = {.on_accept = on_accept};
    begin_calm();
    assert_int_equal(chek_io_listen(servers[0].io, &listener, c->address), c->want);
    assert_true((c->want == 0) == (listener.port != 0));
    end();
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_net_send_waits_for_a_client_that_does_not_read),
        cmocka_unit_test(test_net_pause_holds_bytes_back),
        cmocka_unit_test(test_net_pause_may_let_one_piece_through),
        cmocka_unit_test(test_net_half_close_lets_the_server_answer_and_close),
        cmocka_unit_test(test_net_reset_is_told_once),
        cmocka_unit_test(test_net_reset_cuts_at_every_byte),
        cmocka_unit_test(test_net_nothing_is_called_after_close_but_closed),
        cmocka_unit_test(test_net_nobody_listens_is_refused),
        cmocka_unit_test(test_net_connections_go_round_the_shards),
        cmocka_unit_test(test_net_refused_socket_is_closed),
        cmocka_unit_test(test_net_accept_goes_on_after_an_error),
        cmocka_unit_test(test_net_crash_resets_clients_and_frees_the_address),
    };
    struct CMUnitTest rows[CHEK_COUNT(segment_cases) + CHEK_COUNT(address_cases)];
    size_t count = 0;
    for (size_t i = 0; i < CHEK_COUNT(segment_cases); i++) {
        rows[count++] = (struct CMUnitTest){.name = segment_cases[i].name,
                                            .test_func = test_net_bytes_arrive_in_order,
                                            .initial_state = &segment_cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(address_cases); i++) {
        rows[count++] = (struct CMUnitTest){.name = address_cases[i].name,
                                            .test_func = test_net_address,
                                            .initial_state = &address_cases[i]};
    }
    int failed = cmocka_run_group_tests_name("world_net", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("world_net_rows", rows, NULL, NULL);
}
