/* SPDX-License-Identifier: MIT */
/* fake_network.c - every completion is a call of the test. */
#include "tests/unit/fake_network.h"

#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"

static struct fake_network *
network_of(struct chek_io *io)
{
    return CHEK_CONTAINER_OF(io, struct fake_network, io);
}

static struct fake_peer *
peer_of(const struct chek_stream *stream)
{
    return &network_of(stream->io)->peers[stream->file];
}

/* ---- the table -------------------------------------------------------------------------------- */

static void
submit(struct chek_io *io, struct chek_op *op)
{
    struct fake_network *network = network_of(io);
    CHEK_ASSERT(op->kind == CHEK_OP_TIMER);
    CHEK_ASSERT(network->timer_count < FAKE_TIMER_COUNT_MAX);
    network->timers[network->timer_count++] = op;
}

static uint64_t
now_ns(struct chek_io *io)
{
    return network_of(io)->now_ns;
}

static int
listen_on(struct chek_io *io, struct chek_listener *listener, const char *address)
{
    struct fake_network *network = network_of(io);
    (void)address;
    if (network->listen_error != CHEK_OK) {
        return network->listen_error;
    }
    network->listener = listener;
    listener->port = 4242;
    return CHEK_OK;
}

static void
listen_stop(struct chek_io *io, struct chek_listener *listener)
{
    CHEK_ASSERT(network_of(io)->listener == listener);
    network_of(io)->listener = NULL;
}

static void
refuse(struct chek_io *io, int socket)
{
    network_of(io)->peers[socket].is_refused = true;
}

static void
stream_start(struct chek_io *io, struct chek_stream *stream, int socket)
{
    network_of(io)->peers[socket].stream = stream;
}

static void
stream_pause(struct chek_stream *stream)
{
    CHEK_ASSERT(peer_of(stream)->stream == stream);
}

static void
stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    peer_of(stream)->send_count += 1;
}

static void
stream_close(struct chek_stream *stream)
{
    peer_of(stream)->is_closed = true;
}

static const struct chek_io_table table = {
    .submit = submit,
    .now_ns = now_ns,
    .listen = listen_on,
    .listen_stop = listen_stop,
    .refuse = refuse,
    .stream_start = stream_start,
    .stream_pause = stream_pause,
    .stream_resume = stream_pause,
    .stream_send = stream_send,
    .stream_close = stream_close,
};

struct fake_network *
fake_network_create(void)
{
    struct fake_network *network = calloc(1, sizeof *network);
    CHEK_ASSERT(network != NULL);
    network->io.table = &table;
    network->io.shard_count = 1;
    network->now_ns = 1000;
    return network;
}

void
fake_network_destroy(struct fake_network *network)
{
    for (int i = 0; i < network->peer_count; i++) {
        free(network->peers[i].got);
    }
    free(network);
}

/* ---- the peer's side -------------------------------------------------------------------------- */

int
fake_network_connect(struct fake_network *network)
{
    CHEK_ASSERT(network->listener != NULL && network->peer_count < FAKE_PEER_COUNT_MAX);
    int peer = network->peer_count++;
    network->listener->on_accept(network->listener, peer);
    return peer;
}

bool
fake_network_give(struct fake_network *network, int peer, const void *bytes, size_t size)
{
    struct chek_stream *stream = network->peers[peer].stream;
    if (stream == NULL || stream->closed || stream->ended) {
        return false;
    }
    uint8_t *lent = malloc(size);
    CHEK_ASSERT(lent != NULL && size > 0);
    memcpy(lent, bytes, size);
    stream->on_receive(stream, lent, size, CHEK_OK);
    free(lent);
    return true;
}

void
fake_network_end(struct fake_network *network, int peer, int error)
{
    struct chek_stream *stream = network->peers[peer].stream;
    if (stream != NULL && !stream->closed && !stream->ended) {
        stream->ended = true;
        stream->on_receive(stream, NULL, 0, error);
    }
}

bool
fake_network_is_paused(const struct fake_network *network, int peer)
{
    const struct chek_stream *stream = network->peers[peer].stream;
    return stream != NULL && stream->paused;
}

bool
fake_network_is_sending(const struct fake_network *network, int peer)
{
    const struct chek_stream *stream = network->peers[peer].stream;
    return stream != NULL && !stream->closed && stream->send.in_flight;
}

static void
got_add(struct fake_peer *peer, const uint8_t *bytes, size_t size)
{
    if (size > peer->got_capacity - peer->got_size) {
        peer->got_capacity = 2 * (peer->got_size + size);
        peer->got = realloc(peer->got, peer->got_capacity);
        CHEK_ASSERT(peer->got != NULL);
    }
    memcpy(peer->got + peer->got_size, bytes, size);
    peer->got_size += size;
}

void
fake_network_sent(struct fake_network *network, int peer, int error)
{
    struct chek_stream *stream = network->peers[peer].stream;
    CHEK_ASSERT(fake_network_is_sending(network, peer));
    if (error == CHEK_OK) {
        got_add(&network->peers[peer], stream->send.bytes, stream->send.size);
    }
    stream->send.in_flight = false;
    stream->on_sent(stream, error);
}

void
fake_network_forget(struct fake_network *network)
{
    for (int i = 0; i < network->peer_count; i++) {
        CHEK_ASSERT(network->peers[i].stream == NULL);
        free(network->peers[i].got);
        network->peers[i] = (struct fake_peer){0};
    }
    network->peer_count = 0;
}

/* ---- the loop's side -------------------------------------------------------------------------- */

bool
fake_network_is_due(const struct fake_network *network)
{
    for (unsigned i = 0; i < network->timer_count; i++) {
        if (network->timers[i]->deadline_ns <= network->now_ns) {
            return true;
        }
    }
    return false;
}

static bool
timers_run(struct fake_network *network)
{
    struct chek_op *due[FAKE_TIMER_COUNT_MAX];
    unsigned due_count = 0, kept_count = 0;

    for (unsigned i = 0; i < network->timer_count; i++) {
        struct chek_op *op = network->timers[i];
        if (op->deadline_ns <= network->now_ns) {
            due[due_count++] = op;
        } else {
            network->timers[kept_count++] = op;
        }
    }
    network->timer_count = kept_count;
    for (unsigned i = 0; i < due_count; i++) {
        due[i]->in_flight = false;
        due[i]->on_done(due[i], CHEK_OK);
    }
    return due_count != 0;
}

bool
fake_network_run(struct fake_network *network)
{
    bool ran = timers_run(network);
    for (int i = 0; i < network->peer_count; i++) {
        struct chek_stream *stream = network->peers[i].stream;
        if (stream != NULL && stream->closed) {
            network->peers[i].stream = NULL;
            stream->send.in_flight = false;
            stream->on_closed(stream);
            ran = true;
        }
    }
    return ran;
}
