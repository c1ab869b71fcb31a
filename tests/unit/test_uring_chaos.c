/* SPDX-License-Identifier: MIT */
/*
 * Connections whose owner pauses, resumes, sends and closes at random, whose peers send, read,
 * half-close, reset or do nothing, while signals rain on the shards. Whatever happens: on_closed
 * comes exactly once, nothing comes after a close, and no descriptor stays open.
 *
 * The seed is printed and may be given as the argument.
 */
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/base/prng.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

#define SHARD_COUNT 2
#define PEER_COUNT 3
#define VISIT_COUNT 150 /* connections of each peer, one after the other */
#define PAYLOAD_SIZE ((size_t)1 << 20)

static uint64_t seed = 1;
static uint8_t payload[PAYLOAD_SIZE];

struct desk;

struct guest {
    struct chek_stream stream;
    struct desk *desk;
    struct chek_op timer;
    bool closing, ended, closed;
};

/* A shard's side. */
struct desk {
    struct chek_io *io;
    struct chek_listener listener;
    struct chek_prng random;
    atomic_uint accepted_count, closed_count, freed_count;
};

struct hall {
    struct uring_fixture fixture;
    struct desk desks[SHARD_COUNT];
    uint16_t port;
    atomic_bool raining;
};

static void
guest_free_if_done(struct guest *guest)
{
    struct desk *desk = guest->desk;
    if (guest->closed && !guest->timer.in_flight) {
        memset(guest, 0xdd, sizeof *guest);
        free(guest);
        atomic_fetch_add(&desk->freed_count, 1);
    }
}

static void
guest_close(struct guest *guest)
{
    guest->closing = true;
    chek_stream_close(&guest->stream);
}

/* Do something at random that is allowed now. */
static void
guest_act(struct guest *guest)
{
    struct chek_prng *random = &guest->desk->random;

    if (guest->closing) {
        return;
    }
    switch (chek_prng_below(random, 12)) {
    case 0:
        guest_close(guest);
        break;
    case 1:
    case 2:
        chek_stream_pause(&guest->stream);
        break;
    case 3:
    case 4:
    case 5:
        chek_stream_resume(&guest->stream);
        break;
    case 6:
        chek_stream_pause(&guest->stream);
        chek_stream_resume(&guest->stream);
        break;
    case 7:
    case 8:
        if (!guest->stream.send.in_flight) {
            chek_stream_send(&guest->stream, payload, 1 + chek_prng_below(random, PAYLOAD_SIZE));
        }
        break;
    default:
        break;
    }
}

static void
on_guest_timer(struct chek_op *op, int64_t result)
{
    struct guest *guest = CHEK_CONTAINER_OF(op, struct guest, timer);

    (void)result;
    guest_act(guest);
    if (!guest->closed) {
        uint64_t wait_ns = chek_prng_below(&guest->desk->random, 3000000);
        chek_io_timer(guest->desk->io, op, chek_io_now_ns(guest->desk->io) + wait_ns);
    }
    guest_free_if_done(guest);
}

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct guest *guest = CHEK_CONTAINER_OF(stream, struct guest, stream);

    (void)bytes;
    CHEK_ASSERT(!guest->closing);
    CHEK_ASSERT(!guest->ended);
    CHEK_ASSERT(size == 0 || error == 0);
    guest->ended = size == 0;
    guest_act(guest);
    guest_act(guest);
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct guest *guest = CHEK_CONTAINER_OF(stream, struct guest, stream);

    (void)error;
    CHEK_ASSERT(!guest->closing);
    CHEK_ASSERT(!stream->send.in_flight);
    guest_act(guest);
}

static void
on_closed(struct chek_stream *stream)
{
    struct guest *guest = CHEK_CONTAINER_OF(stream, struct guest, stream);

    CHEK_ASSERT(guest->closing);
    CHEK_ASSERT(!guest->closed);
    guest->closed = true;
    atomic_fetch_add(&guest->desk->closed_count, 1);
    guest_free_if_done(guest);
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct desk *desk = CHEK_CONTAINER_OF(listener, struct desk, listener);
    struct guest *guest = calloc(1, sizeof *guest);

    CHEK_ASSERT(guest != NULL);
    CHEK_ASSERT(socket >= 0);
    guest->desk = desk;
    guest->stream.on_receive = on_receive;
    guest->stream.on_sent = on_sent;
    guest->stream.on_closed = on_closed;
    guest->timer.on_done = on_guest_timer;
    atomic_fetch_add(&desk->accepted_count, 1);
    chek_stream_start(desk->io, &guest->stream, socket);
    chek_io_timer(desk->io, &guest->timer, 0);
}

/* ---- peers ------------------------------------------------------------------------------------- */

struct peer {
    struct hall *hall;
    pthread_t thread;
    struct chek_prng random;
};

/* Never blocks for long: the shard may have paused, or closed. */
static void
peer_visit(struct peer *peer, int socket)
{
    uint8_t bytes[20000];
    unsigned step_count = 1 + (unsigned)chek_prng_below(&peer->random, 20);

    for (unsigned i = 0; i < step_count; i++) {
        size_t size = 1 + chek_prng_below(&peer->random, sizeof bytes);
        switch (chek_prng_below(&peer->random, 8)) {
        case 0:
            shutdown(socket, SHUT_WR);
            break;
        case 1:
            usleep((unsigned)chek_prng_below(&peer->random, 2000));
            break;
        case 2:
        case 3:
            (void)!recv(socket, bytes, size, MSG_DONTWAIT);
            break;
        default:
            (void)!send(socket, payload, size, MSG_DONTWAIT | MSG_NOSIGNAL);
            break;
        }
    }
}

static void *
peer_main(void *argument)
{
    struct peer *peer = argument;

    for (unsigned i = 0; i < VISIT_COUNT; i++) {
        struct linger linger = {.l_onoff = 1, .l_linger = 0};
        int socket = uring_fixture_connect(peer->hall->port);
        CHEK_ASSERT(socket >= 0);
        peer_visit(peer, socket);
        if (chek_prng_below(&peer->random, 2) == 0) {
            setsockopt(socket, SOL_SOCKET, SO_LINGER, &linger, sizeof linger);
        }
        close(socket);
    }
    return NULL;
}

/* ---- signals ----------------------------------------------------------------------------------- */

static atomic_uint drop_count;

static void
on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&drop_count, 1);
}

static void *
rain_main(void *argument)
{
    struct hall *hall = argument;

    while (atomic_load(&hall->raining)) {
        for (unsigned i = 0; i < SHARD_COUNT; i++) {
            pthread_kill(hall->fixture.threads[i], SIGUSR1);
        }
        usleep(200);
    }
    return NULL;
}

/* ---- the test ---------------------------------------------------------------------------------- */

static struct chaos_case {
    const char *name;
    struct chek_uring_options options;
} cases[] = {
    {"chaos_on_usual_rings", {0}},
    {"chaos_with_few_buffers", {.receive_buffer_count = 4, .receive_buffer_size = 2048}},
    {"chaos_with_little_of_everything",
     {.submission_count = 2,
      .completion_count = 2,
      .receive_buffer_count = 2,
      .receive_buffer_size = 1024}},
};

static void
hall_open(struct hall *hall, const struct chek_uring_options *options)
{
    uring_fixture_open(&hall->fixture, SHARD_COUNT, options);
    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        struct desk *desk = &hall->desks[i];
        desk->io = chek_uring_io(hall->fixture.group, i);
        desk->listener.on_accept = on_accept;
        chek_prng_init(&desk->random, seed * 100 + i);
        assert_int_equal(chek_io_listen(desk->io, &desk->listener, "127.0.0.1:0"), CHEK_OK);
        hall->port = desk->listener.port;
    }
    uring_fixture_start(&hall->fixture);
}

static bool
hall_is_empty(struct hall *hall)
{
    unsigned accepted = 0;
    unsigned closed = 0;
    unsigned freed = 0;

    for (unsigned i = 0; i < SHARD_COUNT; i++) {
        accepted += atomic_load(&hall->desks[i].accepted_count);
        closed += atomic_load(&hall->desks[i].closed_count);
        freed += atomic_load(&hall->desks[i].freed_count);
    }
    return accepted == PEER_COUNT * VISIT_COUNT && closed == accepted && freed == accepted;
}

static void
test_chaos(void **state)
{
    const struct chaos_case *c = *state;
    struct hall *hall = calloc(1, sizeof *hall);
    struct peer peers[PEER_COUNT];
    pthread_t rain;
    assert_non_null(hall);
    unsigned file_count = uring_fixture_file_count();
    signal(SIGUSR1, on_signal);
    hall_open(hall, &c->options);
    atomic_store(&hall->raining, true);
    assert_int_equal(pthread_create(&rain, NULL, rain_main, hall), 0);
    for (unsigned i = 0; i < PEER_COUNT; i++) {
        peers[i].hall = hall;
        chek_prng_init(&peers[i].random, seed * 1000 + i);
        assert_int_equal(pthread_create(&peers[i].thread, NULL, peer_main, &peers[i]), 0);
    }
    for (unsigned i = 0; i < PEER_COUNT; i++) {
        pthread_join(peers[i].thread, NULL);
    }
    /* Each guest closes at one of its next whims, and its last timer frees it. */
    while (!hall_is_empty(hall)) {
        usleep(1000);
    }
    atomic_store(&hall->raining, false);
    pthread_join(rain, NULL);
    uring_fixture_close(&hall->fixture);

    assert_true(atomic_load(&drop_count) > 100);
    assert_int_equal(uring_fixture_file_count(), file_count);
    free(hall);
}

int
main(int argument_count, char **arguments)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    if (argument_count > 1) {
        seed = strtoull(arguments[1], NULL, 10);
    }
    printf("seed %llu\n", (unsigned long long)seed);
    TABLE_ROWS(&table, test_chaos, cases);
    return table_run(&table, "uring_chaos");
}
