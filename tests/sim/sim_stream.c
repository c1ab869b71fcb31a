/* SPDX-License-Identifier: MIT */
/*
 * sim_stream.c - the server's end of a connection: accept, receive, send, close.
 *
 * Bytes are lent in memory of exactly their size that is freed after the call, so that a product
 * which reads behind them, or later, is seen by the address sanitizer.
 */
#include <errno.h>

#include "tests/sim/sim_net.h"

static struct chek_world_client *
connection_of(struct chek_io *io, int socket)
{
    struct chek_world *world = sim__shard_of(io)->machine->world;
    CHEK_ASSERT((size_t)socket < world->connection_count);
    struct chek_world_client *connection = world->connections[socket];
    CHEK_ASSERT(connection != NULL);
    CHEK_ASSERT(connection->shard == sim__shard_of(io));
    return connection;
}

/* Give the socket up: its number means nothing any more. */
static void
let_go(struct chek_world_client *connection)
{
    connection->server = SIM_SERVER_GONE;
    connection->stream = NULL;
}

/* ---- accept -------------------------------------------------------------------------------- */

void
sim__server_on_accept(struct chek_world_client *connection)
{
    struct chek_listener *listener = connection->listener;
    const struct chek_world_options *options = &connection->world->options;
    if (!sim__listener_is_open(connection->machine, listener)) {
        let_go(connection);
        sim__net_break(connection);
        return;
    }
    if (sim__chance(&connection->prng, options->net_accept_error_rate)) {
        sim__net_plan(connection, SIM_ACCEPT);
        listener->on_accept(listener, -EMFILE);
        return;
    }
    connection->server = SIM_SERVER_ACCEPTED;
    listener->on_accept(listener, (int)connection->id);
}

void
sim__refuse(struct chek_io *io, int socket)
{
    if (sim__shard_of(io)->halted) {
        return;
    }
    struct chek_world_client *connection = connection_of(io, socket);
    CHEK_ASSERT(connection->server == SIM_SERVER_ACCEPTED);
    let_go(connection);
    connection->down.ended = true;
    sim__turn_step(sim__shard_of(io), 0);
    if (connection->up.size != 0) {
        sim__net_break(connection);
    }
    sim__client_wake(connection);
}

void
sim__stream_start(struct chek_io *io, struct chek_stream *stream, int socket)
{
    struct sim_shard *shard = sim__shard_of(io);
    if (shard->halted) {
        return;
    }
    struct chek_world_client *connection = connection_of(io, socket);
    CHEK_ASSERT(connection->server == SIM_SERVER_ACCEPTED);
    connection->server = SIM_SERVER_OPEN;
    connection->stream = stream;
    stream->receiving = true;
    sim__turn_step(shard, 0);
    sim__server_wake(connection);
}

/* ---- receive ------------------------------------------------------------------------------- */

static bool
may_receive(const struct chek_world_client *connection)
{
    return connection->server == SIM_SERVER_OPEN && !connection->stream->ended &&
           (!connection->stream->paused || connection->late_receive);
}

void
sim__server_wake(struct chek_world_client *connection)
{
    if (connection->server != SIM_SERVER_OPEN) {
        return;
    }
    bool has_news = connection->up.size != 0 || connection->up.ended || connection->broken;
    if (has_news && may_receive(connection) && !connection->receive_planned) {
        connection->receive_planned = true;
        sim__net_plan(connection, SIM_RECEIVE);
    }
    bool is_sending = connection->stream->send.in_flight;
    if (connection->broken && is_sending && !connection->sent_planned) {
        connection->sent_planned = true;
        sim__net_plan(connection, SIM_SENT);
    }
}

static void
receive_piece(struct chek_world_client *connection)
{
    struct chek_stream *stream = connection->stream;
    size_t size = sim__net_draw_piece(connection, &connection->up);
    uint8_t *bytes = sim__allocate(size);
    sim__pipe_take(&connection->up, bytes, size);
    sim__turn_step(connection->shard, size);
    sim__trace(connection->world, SIM_RECEIVE, size, chek_checksum(bytes, size));
    stream->on_receive(stream, bytes, size, CHEK_OK);
    sim__free(bytes);
}

void
sim__server_on_receive(struct chek_world_client *connection)
{
    connection->receive_planned = false;
    if (!may_receive(connection)) {
        return;
    }
    struct chek_stream *stream = connection->stream;
    connection->late_receive = false;
    if (sim__chance(&connection->prng, connection->world->options.net_reset_rate)) {
        sim__net_break(connection);
    }
    if (connection->up.size != 0) {
        receive_piece(connection);
    } else if (connection->broken) {
        stream->ended = true;
        stream->on_receive(stream, NULL, 0, -ECONNRESET);
    } else if (connection->up.ended) {
        stream->ended = true;
        stream->on_receive(stream, NULL, 0, CHEK_OK);
    }
    sim__server_wake(connection);
}

void
sim__stream_pause(struct chek_stream *stream)
{
    if (sim__shard_of(stream->io)->halted) {
        return;
    }
    struct chek_world_client *connection = connection_of(stream->io, stream->file);
    connection->late_receive = connection->up.size != 0 && sim__chance(&connection->prng, 500000);
    sim__turn_step(connection->shard, 0);
}

void
sim__stream_resume(struct chek_stream *stream)
{
    if (sim__shard_of(stream->io)->halted) {
        return;
    }
    struct chek_world_client *connection = connection_of(stream->io, stream->file);
    connection->late_receive = false;
    sim__turn_step(connection->shard, 0);
    sim__server_wake(connection);
}

/* ---- send ---------------------------------------------------------------------------------- */

/* Into a connection that the client has closed, sending is answered by a reset. */
void
sim__server_push(struct chek_world_client *connection)
{
    if (connection->server != SIM_SERVER_OPEN || !connection->stream->send.in_flight) {
        return;
    }
    struct chek_op *send = &connection->stream->send;
    if (connection->released) {
        sim__net_break(connection);
    }
    if (!connection->broken) {
        uint64_t limit = connection->world->options.net_buffer_size;
        uint64_t room = limit > connection->down.size ? limit - connection->down.size : 0;
        size_t left = send->size - send->done_size;
        size_t count = left < room ? left : (size_t)room;
        sim__pipe_put(&connection->down, send->bytes + send->done_size, count);
        send->done_size += count;
        sim__client_wake(connection);
    }
    if ((send->done_size == send->size || connection->broken) && !connection->sent_planned) {
        connection->sent_planned = true;
        sim__net_plan(connection, SIM_SENT);
    }
}

void
sim__stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size)
{
    if (sim__shard_of(stream->io)->halted) {
        stream->send.in_flight = false;
        return;
    }
    struct chek_world_client *connection = connection_of(stream->io, stream->file);
    CHEK_ASSERT(connection->server == SIM_SERVER_OPEN);
    connection->send_sum = chek_checksum(bytes, size);
    sim__turn_step(connection->shard, size);
    sim__trace(connection->world, CHEK_WORLD_SEND, connection->id, connection->send_sum);
    sim__observe(connection->world,
                 &(struct chek_world_event){.kind = CHEK_WORLD_SEND,
                                            .machine = connection->machine->index,
                                            .bytes = bytes,
                                            .size = size,
                                            .client = connection});
    sim__server_push(connection);
}

void
sim__server_on_sent(struct chek_world_client *connection)
{
    connection->sent_planned = false;
    if (connection->server != SIM_SERVER_OPEN) {
        return;
    }
    struct chek_stream *stream = connection->stream;
    struct chek_op *send = &stream->send;
    CHEK_ASSERT(send->in_flight);
    CHEK_ASSERT(connection->send_sum == chek_checksum(send->bytes, send->size)); /* changed */
    send->in_flight = false;
    stream->on_sent(stream, send->done_size == send->size ? CHEK_OK : -ECONNRESET);
}

/* ---- close --------------------------------------------------------------------------------- */

/* Closing over bytes that were not read is a reset, as in TCP; else the end follows the bytes. */
void
sim__stream_close(struct chek_stream *stream)
{
    if (sim__shard_of(stream->io)->halted) {
        return;
    }
    struct chek_world_client *connection = connection_of(stream->io, stream->file);
    CHEK_ASSERT(connection->server == SIM_SERVER_OPEN);
    connection->server = SIM_SERVER_CLOSING;
    connection->down.ended = true;
    stream->receiving = false;
    sim__turn_step(connection->shard, 0);
    sim__net_plan(connection, SIM_CLOSED);
    if (connection->up.size != 0) {
        sim__net_break(connection);
    }
    sim__client_wake(connection);
}

void
sim__server_on_closed(struct chek_world_client *connection)
{
    struct chek_stream *stream = connection->stream;
    stream->send.in_flight = false;
    let_go(connection);
    stream->on_closed(stream);
}
