/* SPDX-License-Identifier: MIT */
/* Addresses, listeners that share one, stopping, and a process that has no descriptor left. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "tests/unit/echo_server.h"
#include "tests/unit/table.h"

static void
on_accept_never(struct chek_listener *listener, int socket)
{
    (void)listener;
    (void)socket;
    CHEK_ASSERT(!"nobody connects in this test");
}

/* ---- addresses --------------------------------------------------------------------------------- */

static struct address_case {
    const char *name; /* the address itself */
    int want;
} address_cases[] = {
    {"127.0.0.1:0", CHEK_OK},
    {"localhost:0", CHEK_OK},
    {"0.0.0.0:0", CHEK_OK},
    {"", CHEK_E_USAGE},
    {":", CHEK_E_USAGE},
    {"127.0.0.1", CHEK_E_USAGE},
    {"127.0.0.1:", CHEK_E_USAGE},
    {":80", CHEK_E_USAGE},
    {"127.0.0.1:65536", CHEK_E_USAGE},
    {"127.0.0.1:4294967297", CHEK_E_USAGE},
    {"127.0.0.1:-1", CHEK_E_USAGE},
    {"127.0.0.1: 80", CHEK_E_USAGE},
    {"127.0.0.1:80x", CHEK_E_USAGE},
    {"127.0.0.256:80", CHEK_E_USAGE},
    {"127.1:80", CHEK_E_USAGE},
    {"example.org:80", CHEK_E_USAGE},
    {"::1:80", CHEK_E_USAGE},
    {"[::1:80", CHEK_E_USAGE},
    {"[]:80", CHEK_E_USAGE},
    {"[127.0.0.1]:80", CHEK_E_USAGE},
    {"192.0.2.1:0", -EADDRNOTAVAIL}, /* RFC 5737: nobody has this address */
    {"an-address-that-is-longer-than-any-address-may-be-and-then-some.example:80", CHEK_E_USAGE},
};

static void
test_address(void **state)
{
    const struct address_case *c = *state;
    struct uring_fixture fixture;
    struct chek_listener listener = {.on_accept = on_accept_never};
    uring_fixture_open(&fixture, 1, NULL);
    unsigned file_count = uring_fixture_file_count();

    int error = chek_io_listen(chek_uring_io(fixture.group, 0), &listener, c->name);

    assert_string_equal(chek_error_name(error), chek_error_name(c->want));
    assert_int_equal(listener.port != 0, c->want == CHEK_OK);
    assert_int_equal(uring_fixture_file_count(), file_count + (c->want == CHEK_OK));
    uring_fixture_close(&fixture);
}

static void
test_address_of_ipv6(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    struct chek_listener listener = {.on_accept = on_accept_never};
    uring_fixture_open(&fixture, 1, NULL);
    int error = chek_io_listen(chek_uring_io(fixture.group, 0), &listener, "[::1]:0");
    /* Not every machine has IPv6, but the text is right. */
    assert_true(error == CHEK_OK || error == -EAFNOSUPPORT || error == -EADDRNOTAVAIL);
    assert_int_equal(listener.port != 0, error == CHEK_OK);
    uring_fixture_close(&fixture);
}

static void
test_address_in_use_is_refused(void **state)
{
    (void)state;
    struct uring_fixture first;
    struct uring_fixture second;
    struct chek_listener one = {.on_accept = on_accept_never};
    struct chek_listener two = {.on_accept = on_accept_never};
    char address[CHEK_ADDRESS_TEXT_MAX];
    uring_fixture_open(&first, 1, NULL);
    uring_fixture_open(&second, 1, NULL);
    assert_int_equal(chek_io_listen(chek_uring_io(first.group, 0), &one, "127.0.0.1:0"), CHEK_OK);
    snprintf(address, sizeof address, "127.0.0.1:%u", one.port);

    assert_int_equal(chek_io_listen(chek_uring_io(second.group, 0), &two, address), -EADDRINUSE);

    uring_fixture_close(&second);
    uring_fixture_close(&first);
}

/* ---- peers that vanish ------------------------------------------------------------------------- */

struct look {
    struct chek_listener listener;
    struct uring_fixture fixture;
    int keeps_alive, idle_s, interval_s, probe_count, user_timeout_ms;
};

static int
option_read(int socket, int level, int name)
{
    int value = -1;
    socklen_t size = sizeof value;
    CHEK_ASSERT(getsockopt(socket, level, name, &value, &size) == 0);
    return value;
}

static void
on_looked_at(struct chek_listener *listener, int socket)
{
    struct look *look = CHEK_CONTAINER_OF(listener, struct look, listener);
    CHEK_ASSERT(socket >= 0);
    look->keeps_alive = option_read(socket, SOL_SOCKET, SO_KEEPALIVE);
    look->idle_s = option_read(socket, IPPROTO_TCP, TCP_KEEPIDLE);
    look->interval_s = option_read(socket, IPPROTO_TCP, TCP_KEEPINTVL);
    look->probe_count = option_read(socket, IPPROTO_TCP, TCP_KEEPCNT);
    look->user_timeout_ms = option_read(socket, IPPROTO_TCP, TCP_USER_TIMEOUT);
    chek_io_refuse(chek_uring_io(look->fixture.group, 0), socket);
}

/* Nobody can vanish on loopback: what the system was asked to do about it is what can be seen. */
static void
test_accepted_socket_notices_a_peer_that_vanished(void **state)
{
    (void)state;
    struct look *look = calloc(1, sizeof *look);
    char byte;
    assert_non_null(look);
    uring_fixture_open(&look->fixture, 1, NULL);
    look->listener.on_accept = on_looked_at;
    assert_int_equal(
        chek_io_listen(chek_uring_io(look->fixture.group, 0), &look->listener, "127.0.0.1:0"),
        CHEK_OK);
    uring_fixture_start(&look->fixture);
    int socket = uring_fixture_connect(look->listener.port);
    assert_true(socket >= 0);
    assert_int_equal(uring_fixture_receive(socket, &byte, 1), 0); /* it was looked at and closed */
    close(socket);
    uring_fixture_stop(&look->fixture);
    assert_int_equal(look->keeps_alive, 1);
    assert_int_equal(look->idle_s + look->interval_s * look->probe_count,
                     CHEK_STREAM_SILENCE_S_MAX);
    assert_int_equal(look->user_timeout_ms, CHEK_STREAM_SILENCE_S_MAX * 1000);
    uring_fixture_close(&look->fixture);
    free(look);
}

/* ---- stopping ---------------------------------------------------------------------------------- */

/* Two shards on the test's threads; the port is stopped from timers on its own shards. */
struct door {
    struct uring_fixture fixture;
    struct wing {
        struct door *door;
        struct chek_io *io;
        struct chek_listener listener, second;
        struct chek_op timer;
        unsigned accepted_count;
    } wings[2];
    atomic_uint stopped_count, accepted_count;
    atomic_bool stop_now, open_again;
    atomic_uint new_port;
};

static void
on_guest(struct chek_listener *listener, int socket)
{
    struct wing *wing = CHEK_CONTAINER_OF(listener, struct wing, listener);

    CHEK_ASSERT(socket >= 0);
    CHEK_ASSERT(!atomic_load(&wing->door->stop_now) || atomic_load(&wing->door->stopped_count) < 2);
    atomic_fetch_add(&wing->door->accepted_count, 1);
    chek_io_refuse(wing->io, socket);
}

static void
on_second_guest(struct chek_listener *listener, int socket)
{
    struct wing *wing = CHEK_CONTAINER_OF(listener, struct wing, second);

    CHEK_ASSERT(socket >= 0);
    atomic_fetch_add(&wing->door->accepted_count, 1);
    chek_io_refuse(wing->io, socket);
}

static void
on_wing_timer(struct chek_op *op, int64_t result)
{
    struct wing *wing = CHEK_CONTAINER_OF(op, struct wing, timer);
    struct door *door = wing->door;

    (void)result;
    if (atomic_load(&door->stop_now) && wing->listener.file >= 0) {
        chek_io_listen_stop(wing->io, &wing->listener);
        atomic_fetch_add(&door->stopped_count, 1);
    }
    if (atomic_load(&door->open_again) && wing->second.port == 0 && chek_io_shard(wing->io) == 1) {
        char address[CHEK_ADDRESS_TEXT_MAX];
        snprintf(address, sizeof address, "127.0.0.1:%u", wing->listener.port);
        int error = chek_io_listen(wing->io, &wing->second, address);
        CHEK_ASSERT(error == CHEK_OK);
        atomic_store(&door->new_port, wing->second.port);
    }
    chek_io_timer(wing->io, op, chek_io_now_ns(wing->io) + 1000000);
}

/* True when the server took the connection and closed it. */
static bool
visit(uint16_t port)
{
    char byte;
    int socket = uring_fixture_connect(port);
    if (socket < 0) {
        assert_int_equal(socket, -ECONNREFUSED);
        return false;
    }
    ssize_t got = uring_fixture_receive(socket, &byte, 1);
    close(socket);
    return got == 0;
}

static void
test_stopped_address_refuses_and_can_be_opened_again(void **state)
{
    (void)state;
    struct door *door = calloc(1, sizeof *door);
    assert_non_null(door);
    uring_fixture_open(&door->fixture, 2, NULL);
    unsigned file_count = uring_fixture_file_count();
    for (unsigned i = 0; i < 2; i++) {
        struct wing *wing = &door->wings[i];
        wing->door = door;
        wing->io = chek_uring_io(door->fixture.group, i);
        wing->listener.on_accept = on_guest;
        wing->second.on_accept = on_second_guest;
        wing->timer.on_done = on_wing_timer;
        assert_int_equal(chek_io_listen(wing->io, &wing->listener, "127.0.0.1:0"), CHEK_OK);
        chek_io_timer(wing->io, &wing->timer, 0);
    }
    uint16_t port = door->wings[0].listener.port;
    assert_int_equal(door->wings[1].listener.port, port);
    uring_fixture_start(&door->fixture);

    for (unsigned i = 0; i < 10; i++) {
        assert_true(visit(port));
    }
    atomic_store(&door->stop_now, true);
    while (atomic_load(&door->stopped_count) < 2) {
        usleep(500);
    }
    unsigned accepted = atomic_load(&door->accepted_count);
    assert_int_equal(accepted, 10);
    assert_false(visit(port));
    while (uring_fixture_file_count() > file_count) { /* the socket is closed, too */
        usleep(1000);
    }
    assert_int_equal(uring_fixture_file_count(), file_count);

    atomic_store(&door->open_again, true);
    while (atomic_load(&door->new_port) == 0) {
        usleep(500);
    }
    assert_int_equal(atomic_load(&door->new_port), port);
    assert_true(visit(port));
    assert_int_equal(atomic_load(&door->accepted_count), accepted + 1);
    uring_fixture_close(&door->fixture);
    free(door);
}

static void
test_places_for_addresses_run_out(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    struct chek_listener listeners[17] = {0};
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    for (unsigned i = 0; i < 17; i++) {
        char address[CHEK_ADDRESS_TEXT_MAX];
        snprintf(address, sizeof address, "127.0.0.%u:0", i + 1);
        listeners[i].on_accept = on_accept_never;
        assert_int_equal(chek_io_listen(io, &listeners[i], address),
                         i < 16 ? CHEK_OK : CHEK_E_FULL);
    }
    uring_fixture_close(&fixture);
}

static void
test_sockets_open_at_the_end_are_closed(void **state)
{
    (void)state;
    struct echo_server *server = calloc(1, sizeof *server);
    assert_non_null(server);
    unsigned file_count = uring_fixture_file_count();
    int sockets[10];
    echo_server_open(server, 2, NULL);
    for (unsigned i = 0; i < CHEK_COUNT(sockets); i++) {
        char byte = 'x';
        sockets[i] = uring_fixture_connect(server->port);
        assert_true(uring_fixture_write(sockets[i], &byte, 1));
        assert_true(uring_fixture_read(sockets[i], &byte, 1));
    }
    echo_server_close(server);
    for (unsigned i = 0; i < CHEK_COUNT(sockets); i++) {
        char byte;
        assert_true(uring_fixture_receive(sockets[i], &byte, 1) <= 0);
        close(sockets[i]);
    }
    assert_int_equal(uring_fixture_file_count(), file_count);
    free(server);
}

/* ---- no descriptor left ------------------------------------------------------------------------ */

#define FLOOD_COUNT 40
#define PAUSE_NS UINT64_C(50000000) /* between two tries to accept */

static bool
echoes(int socket)
{
    char bytes[5];
    return uring_fixture_write(socket, "chek", 5) && uring_fixture_read(socket, bytes, 5) &&
           strcmp(bytes, "chek") == 0;
}

/* The client is a process of its own, since the server's descriptors are what is scarce. */
static int
flood_client(int port_pipe)
{
    uint16_t port;
    int flood[FLOOD_COUNT];

    if (read(port_pipe, &port, sizeof port) != sizeof port) {
        return 1;
    }
    int early = uring_fixture_connect(port);
    if (early < 0 || !echoes(early)) {
        return 2;
    }
    for (unsigned i = 0; i < FLOOD_COUNT; i++) {
        flood[i] = uring_fixture_connect(port); /* the kernel's queue takes them */
        if (flood[i] < 0) {
            return 3;
        }
    }
    usleep(200000);
    for (unsigned i = 0; i < 20; i++) {
        if (!echoes(early)) {
            return 4; /* the one that was there before must not notice */
        }
        usleep(5000);
    }
    for (unsigned i = 0; i < FLOOD_COUNT; i++) {
        close(flood[i]);
    }
    int late = uring_fixture_connect(port);
    if (late < 0 || !echoes(late)) {
        return 5;
    }
    return echoes(early) ? 0 : 6;
}

static void
test_accepting_pauses_without_descriptors_and_goes_on(void **state)
{
    (void)state;
    struct echo_server *server = calloc(1, sizeof *server);
    struct rlimit before;
    int ends[2];
    int status;
    assert_non_null(server);
    assert_int_equal(pipe(ends), 0);
    pid_t client = fork(); /* before there are rings */
    if (client == 0) {
        close(ends[1]); /* else it would wait for ever for a port when this test fails */
        _exit(flood_client(ends[0]));
    }
    /* An accept that waits keeps the limit of the time when it was armed. */
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    struct rlimit low = before;
    low.rlim_cur = uring_fixture_file_count() + FLOOD_COUNT / 2;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
    echo_server_open(server, 1, NULL);
    uint64_t begun_ns = chek_io_now_ns(chek_uring_io(server->fixture.group, 0));
    assert_int_equal(write(ends[1], &server->port, sizeof server->port), sizeof server->port);

    assert_int_equal(waitpid(client, &status, 0), client);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    while (echo_server_open_count(server) > 0) {
        usleep(1000);
    }
    uring_fixture_stop(&server->fixture);
    uint64_t passed_ns = chek_io_now_ns(chek_uring_io(server->fixture.group, 0)) - begun_ns;

    uint64_t pause_count = chek_uring_count(server->shards[0].io).accept_pause_count;
    assert_int_equal(atomic_load(&server->shards[0].accept_error), -EMFILE);
    assert_true(pause_count > 0);
    /* It rests between tries, however long they go on, and does nothing else meanwhile. */
    assert_true(pause_count <= passed_ns / PAUSE_NS + 2);
    assert_true(chek_uring_count(server->shards[0].io).completion_count < 2000 + 10 * pause_count);
    assert_int_equal(atomic_load(&server->shards[0].closed_count),
                     atomic_load(&server->shards[0].accepted_count));
    echo_server_close(server);
    close(ends[0]);
    close(ends[1]);
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
    TABLE_ROWS(&table, test_address, address_cases);
    TABLE_TEST(&table, test_address_of_ipv6);
    TABLE_TEST(&table, test_address_in_use_is_refused);
    TABLE_TEST(&table, test_accepted_socket_notices_a_peer_that_vanished);
    TABLE_TEST(&table, test_stopped_address_refuses_and_can_be_opened_again);
    TABLE_TEST(&table, test_places_for_addresses_run_out);
    TABLE_TEST(&table, test_sockets_open_at_the_end_are_closed);
    TABLE_TEST(&table, test_accepting_pauses_without_descriptors_and_goes_on);
    return table_run(&table, "uring_listen");
}
