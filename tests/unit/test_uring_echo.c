/* SPDX-License-Identifier: MIT */
/*
 * Sixty-four connections send bytes in pieces of any size and want each of them back, over rings
 * and buffers that are far too few as well as over the usual ones.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/base/prng.h"
#include "tests/unit/echo_server.h"
#include "tests/unit/table.h"

#define CONNECTION_COUNT 64
#define PIECE_SIZE_MAX 70000

struct connection {
    int socket;
    size_t sent_size, received_size, total_size;
    bool ended;
};

struct client {
    struct chek_prng random;
    struct connection connections[CONNECTION_COUNT];
    uint8_t piece[PIECE_SIZE_MAX];
};

/* What all connections send, each from a place of its own: a shift, swap or repetition shows. */
#define TOTAL_SIZE_MAX 200000
#define CONNECTION_STEP 4099
static uint8_t text[TOTAL_SIZE_MAX + CONNECTION_COUNT * CONNECTION_STEP];

static const uint8_t *
text_of(unsigned connection, size_t place)
{
    return text + (size_t)connection * CONNECTION_STEP + place;
}

/* Mostly small pieces, some of one byte, a few large. */
static size_t
piece_size(struct client *client)
{
    switch (chek_prng_below(&client->random, 8)) {
    case 0:
        return 1;
    case 1:
        return 1 + chek_prng_below(&client->random, PIECE_SIZE_MAX);
    default:
        return 1 + chek_prng_below(&client->random, 2000);
    }
}

static void
connection_send(struct client *client, unsigned index)
{
    struct connection *connection = &client->connections[index];
    size_t size = piece_size(client);

    if (size > connection->total_size - connection->sent_size) {
        size = connection->total_size - connection->sent_size;
    }
    ssize_t sent = send(connection->socket, text_of(index, connection->sent_size), size,
                        MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) {
        assert_true(errno == EAGAIN || errno == EINTR);
        return;
    }
    connection->sent_size += (size_t)sent;
    if (connection->sent_size == connection->total_size) {
        shutdown(connection->socket, SHUT_WR);
    }
}

static void
connection_receive(struct client *client, unsigned index)
{
    struct connection *connection = &client->connections[index];
    ssize_t size = recv(connection->socket, client->piece, piece_size(client), MSG_DONTWAIT);

    if (size < 0) {
        assert_true(errno == EAGAIN || errno == EINTR);
        return;
    }
    if (size == 0) {
        assert_int_equal(connection->received_size, connection->total_size);
        connection->ended = true;
        return;
    }
    assert_memory_equal(client->piece, text_of(index, connection->received_size), (size_t)size);
    connection->received_size += (size_t)size;
}

/* One pass over the connections that can do something; returns how many go on. */
static unsigned
client_turn(struct client *client)
{
    struct pollfd polls[CONNECTION_COUNT];
    unsigned indices[CONNECTION_COUNT];
    unsigned count = 0;

    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        const struct connection *connection = &client->connections[i];
        if (!connection->ended) {
            bool sends = connection->sent_size < connection->total_size;
            polls[count] =
                (struct pollfd){connection->socket, (short)(POLLIN | (sends ? POLLOUT : 0)), 0};
            indices[count] = i;
            count += 1;
        }
    }
    if (count == 0) {
        return 0;
    }
    int ready = poll(polls, count, 10000);
    if (ready < 0 && errno == EINTR) {
        return count;
    }
    assert_true(ready > 0); /* else the server stands still */
    for (unsigned i = 0; i < count; i++) {
        if ((polls[i].revents & POLLOUT) != 0) {
            connection_send(client, indices[i]);
        }
        if ((polls[i].revents & (POLLIN | POLLHUP | POLLERR)) != 0) {
            connection_receive(client, indices[i]);
        }
    }
    return count;
}

static struct echo_case {
    const char *name;
    unsigned shard_count;
    size_t total_size; /* a connection */
    struct chek_uring_options options;
    bool starves;
} cases[] = {
    {"echo_on_one_shard", 1, 200000, {0}, false},
    {"echo_on_two_shards", 2, 200000, {0}, false},
    {"echo_on_three_shards", 3, 100000, {0}, false},
    {"echo_with_two_buffers",
     2,
     60000,
     {.receive_buffer_count = 2, .receive_buffer_size = 4096},
     true},
    {"echo_with_one_small_buffer",
     1,
     30000,
     {.receive_buffer_count = 1, .receive_buffer_size = 512},
     true},
    {"echo_on_rings_of_two_entries",
     2,
     100000,
     {.submission_count = 2, .completion_count = 2},
     false},
    {"echo_with_two_of_everything",
     2,
     30000,
     {.submission_count = 2,
      .completion_count = 2,
      .receive_buffer_count = 2,
      .receive_buffer_size = 1024},
     true},
};

static uint64_t
processor_time_us(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void
connections_open(struct client *client, const struct echo_case *c, uint16_t port)
{
    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        struct connection *connection = &client->connections[i];
        connection->total_size = c->total_size;
        connection->socket = uring_fixture_connect(port);
        assert_true(connection->socket >= 0);
    }
}

/* With open connections that say nothing the shards sleep, however few their buffers are. What is
 * measured is the processor's time, which a busy machine does not make longer. */
static void
check_idle_server_sleeps(struct echo_server *server)
{
    bool slept = false;

    while (echo_server_open_count(server) < CONNECTION_COUNT) {
        usleep(1000);
    }
    for (unsigned round = 0; round < 100 && !slept; round++) {
        uint64_t before_us = processor_time_us();
        usleep(50000);
        slept = processor_time_us() - before_us < 10000;
    }
    assert_true(slept);
}

static void
test_echo(void **state)
{
    const struct echo_case *c = *state;
    struct echo_server *server = calloc(1, sizeof *server);
    struct client *client = calloc(1, sizeof *client);
    assert_non_null(server);
    assert_non_null(client);
    unsigned file_count = uring_fixture_file_count();
    chek_prng_init(&client->random, 20230917);
    for (size_t i = 0; i < sizeof text; i++) {
        text[i] = (uint8_t)chek_prng_next(&client->random);
    }
    echo_server_open(server, c->shard_count, &c->options);
    connections_open(client, c, server->port);
    check_idle_server_sleeps(server);

    while (client_turn(client) > 0) {
    }

    for (unsigned i = 0; i < CONNECTION_COUNT; i++) {
        assert_int_equal(client->connections[i].received_size, c->total_size);
        close(client->connections[i].socket);
    }
    while (echo_server_open_count(server) > 0) {
        usleep(1000);
    }
    uring_fixture_stop(&server->fixture);
    uint64_t starved_count = 0;
    uint64_t receive_count = 0;
    for (unsigned i = 0; i < c->shard_count; i++) {
        struct echo_shard *shard = &server->shards[i];
        unsigned accepted = atomic_load(&shard->accepted_count);
        /* Dealt out in turn: nobody has more than one above the others. */
        assert_in_range(accepted, CONNECTION_COUNT / c->shard_count,
                        (CONNECTION_COUNT + c->shard_count - 1) / c->shard_count);
        assert_int_equal(atomic_load(&shard->closed_count), accepted);
        assert_int_equal(atomic_load(&shard->failed_count), 0);
        receive_count += atomic_load(&shard->receive_count);
        starved_count += chek_uring_count(shard->io).starved_count;
    }
    if (c->starves) {
        assert_true(starved_count > 0);
        /* Each try that found nothing is paid for by bytes that another one got: no busy loop. */
        assert_true(starved_count <= receive_count + CONNECTION_COUNT);
    }
    echo_server_close(server);
    assert_int_equal(uring_fixture_file_count(), file_count);
    free(client);
    free(server);
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    TABLE_ROWS(&table, test_echo, cases);
    return table_run(&table, "uring_echo");
}
