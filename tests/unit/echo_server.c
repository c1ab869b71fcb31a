/* SPDX-License-Identifier: MIT */
#include "tests/unit/echo_server.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"

/* Two halves of one buffer: what is being sent, and what came meanwhile. */
struct echo {
    struct chek_stream stream;
    struct chek_list element;
    struct echo_shard *shard;
    bool peer_ended, closing;
    size_t sending_size, waiting_size;
    uint8_t *sending, *waiting;
};

/* A receive may come once more after a pause: room for all the buffers that can be on their way. */
#define HALF_SIZE (ECHO_PENDING_SIZE_MAX + (size_t)16 * 1024 * 1024)

static void
echo_close(struct echo *echo)
{
    if (!echo->closing) {
        echo->closing = true;
        chek_stream_close(&echo->stream);
    }
}

static void
echo_go_on(struct echo *echo)
{
    if (echo->sending_size != 0) {
        return;
    }
    if (echo->waiting_size == 0) {
        if (echo->peer_ended) {
            echo_close(echo);
        }
        return;
    }
    uint8_t *sending = echo->waiting;
    echo->waiting = echo->sending;
    echo->sending = sending;
    echo->sending_size = echo->waiting_size;
    echo->waiting_size = 0;
    chek_stream_send(&echo->stream, echo->sending, echo->sending_size);
}

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct echo *echo = CHEK_CONTAINER_OF(stream, struct echo, stream);

    CHEK_ASSERT(!echo->closing);
    CHEK_ASSERT(!echo->peer_ended);
    atomic_fetch_add(&echo->shard->receive_count, 1);
    if (error != 0) {
        atomic_fetch_add(&echo->shard->failed_count, 1);
        echo_close(echo);
        return;
    }
    if (size == 0) {
        echo->peer_ended = true;
        echo_go_on(echo);
        return;
    }
    CHEK_ASSERT(size <= HALF_SIZE - echo->waiting_size);
    memcpy(echo->waiting + echo->waiting_size, bytes, size);
    echo->waiting_size += size;
    if (echo->waiting_size > ECHO_PENDING_SIZE_MAX) {
        atomic_fetch_add(&echo->shard->pause_count, 1);
        chek_stream_pause(stream);
    }
    echo_go_on(echo);
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct echo *echo = CHEK_CONTAINER_OF(stream, struct echo, stream);

    CHEK_ASSERT(!echo->closing);
    echo->sending_size = 0;
    if (error != 0) {
        atomic_fetch_add(&echo->shard->failed_count, 1);
        echo_close(echo);
        return;
    }
    echo_go_on(echo);
    if (!echo->closing) {
        chek_stream_resume(stream);
    }
}

static void
echo_free(struct echo *echo)
{
    chek_list_remove(&echo->element);
    free(echo->sending);
    free(echo->waiting);
    memset(echo, 0xdd, sizeof *echo); /* whoever looks at it now will not like it */
    free(echo);
}

static void
on_closed(struct chek_stream *stream)
{
    struct echo *echo = CHEK_CONTAINER_OF(stream, struct echo, stream);

    CHEK_ASSERT(echo->closing);
    atomic_fetch_add(&echo->shard->closed_count, 1);
    atomic_fetch_sub(&echo->shard->open_count, 1);
    echo_free(echo);
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct echo_shard *shard = CHEK_CONTAINER_OF(listener, struct echo_shard, listener);

    if (socket < 0) {
        atomic_store(&shard->accept_error, socket);
        return;
    }
    struct echo *echo = calloc(1, sizeof *echo);
    CHEK_ASSERT(echo != NULL);
    echo->shard = shard;
    chek_list_add(&shard->echoes, &echo->element);
    echo->sending = malloc(HALF_SIZE);
    echo->waiting = malloc(HALF_SIZE);
    CHEK_ASSERT(echo->sending != NULL && echo->waiting != NULL);
    echo->stream.on_receive = on_receive;
    echo->stream.on_sent = on_sent;
    echo->stream.on_closed = on_closed;
    atomic_fetch_add(&shard->accepted_count, 1);
    atomic_fetch_add(&shard->open_count, 1);
    chek_stream_start(shard->io, &echo->stream, socket);
}

void
echo_server_open(struct echo_server *server, unsigned shard_count,
                 const struct chek_uring_options *options)
{
    memset(server, 0, sizeof *server);
    uring_fixture_open(&server->fixture, shard_count, options);
    for (unsigned i = 0; i < shard_count; i++) {
        struct echo_shard *shard = &server->shards[i];
        shard->server = server;
        shard->io = chek_uring_io(server->fixture.group, i);
        shard->listener.on_accept = on_accept;
        chek_list_init(&shard->echoes);
        int error = chek_io_listen(shard->io, &shard->listener, "127.0.0.1:0");
        CHEK_ASSERT(error == CHEK_OK);
        CHEK_ASSERT(i == 0 || shard->listener.port == server->port);
        server->port = shard->listener.port;
    }
    uring_fixture_start(&server->fixture);
}

void
echo_server_close(struct echo_server *server)
{
    uring_fixture_stop(&server->fixture);
    for (unsigned i = 0; i < server->fixture.shard_count; i++) {
        struct chek_list *echoes = &server->shards[i].echoes;
        while (!chek_list_is_empty(echoes)) {
            echo_free(CHEK_CONTAINER_OF(echoes->next, struct echo, element));
        }
    }
    uring_fixture_close(&server->fixture);
}

unsigned
echo_server_open_count(struct echo_server *server)
{
    unsigned count = 0;

    for (unsigned i = 0; i < server->fixture.shard_count; i++) {
        count += atomic_load(&server->shards[i].open_count);
    }
    return count;
}
