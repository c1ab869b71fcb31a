/* SPDX-License-Identifier: MIT */
/*
 * sim_net.c - pipes, delays, resets, and the life of a connection.
 */
#include "tests/sim/sim_net.h"

/* ---- pipes --------------------------------------------------------------------------------- */

void
sim__pipe_put(struct sim_pipe *pipe, const uint8_t *bytes, size_t size)
{
    if (pipe->start + pipe->size + size > pipe->capacity) {
        if (pipe->size != 0) {
            memmove(pipe->bytes, pipe->bytes + pipe->start, pipe->size);
        }
        pipe->start = 0;
    }
    if (pipe->size + size > pipe->capacity) {
        pipe->capacity = (pipe->size + size) * 2;
        pipe->bytes = sim__grow(pipe->bytes, pipe->capacity);
    }
    if (size != 0) {
        memcpy(pipe->bytes + pipe->start + pipe->size, bytes, size);
    }
    pipe->size += size;
}

void
sim__pipe_take(struct sim_pipe *pipe, uint8_t *bytes, size_t size)
{
    CHEK_ASSERT(size <= pipe->size);
    if (size != 0) {
        memcpy(bytes, pipe->bytes + pipe->start, size);
    }
    pipe->start += size;
    pipe->size -= size;
}

void
sim__pipe_keep(struct sim_pipe *pipe, size_t size)
{
    CHEK_ASSERT(size <= pipe->size);
    pipe->size = size;
}

/* ---- the wire ------------------------------------------------------------------------------ */

void
sim__net_plan(struct chek_world_client *connection, enum sim_event_kind kind)
{
    struct chek_world *world = connection->world;
    const struct chek_world_options *options = &world->options;
    bool is_servers = kind < SIM_CONNECT;
    uint64_t delay_ns =
        sim__between(&connection->prng, options->net_delay_ns_min, options->net_delay_ns_max);
    connection->event_count += 1;
    sim__event_add(world, delay_ns, kind, is_servers ? connection->shard : NULL, connection);
}

size_t
sim__net_draw_piece(struct chek_world_client *connection, const struct sim_pipe *pipe)
{
    const struct chek_world_options *options = &connection->world->options;
    uint64_t limit = options->net_segment_size_max;
    size_t most = pipe->size < limit ? pipe->size : (size_t)limit;
    if (sim__chance(&connection->prng, options->net_whole_rate) || most <= 1) {
        return most;
    }
    return (size_t)sim__between(&connection->prng, 1, most);
}

static void
lose_tail(struct chek_world_client *connection, struct sim_pipe *pipe)
{
    sim__pipe_keep(pipe, (size_t)chek_prng_below(&connection->prng, pipe->size + 1));
}

void
sim__net_break(struct chek_world_client *connection)
{
    if (connection->broken) {
        return;
    }
    connection->broken = true;
    lose_tail(connection, &connection->up);
    lose_tail(connection, &connection->down);
    sim__server_wake(connection);
    sim__client_wake(connection);
}

/* ---- life ---------------------------------------------------------------------------------- */

static void
connection_free(struct chek_world_client *connection)
{
    connection->world->connections[connection->id] = NULL;
    sim__free(connection->up.bytes);
    sim__free(connection->down.bytes);
    sim__free(connection->inbox.bytes);
    sim__free(connection);
}

static void
unname(struct chek_world_client *connection)
{
    CHEK_ASSERT(connection->event_count > 0);
    connection->event_count -= 1;
    if (connection->event_count == 0 && connection->released &&
        connection->server == SIM_SERVER_GONE) {
        connection_free(connection);
    }
}

void
sim__net_dispatch(struct chek_world *world, const struct sim_event *event)
{
    struct chek_world_client *connection = event->subject;
    sim__trace(world, (uint64_t)event->kind, connection->id, connection->up.size);
    switch (event->kind) {
    case SIM_ACCEPT:
        sim__server_on_accept(connection);
        break;
    case SIM_RECEIVE:
        sim__server_on_receive(connection);
        break;
    case SIM_SENT:
        sim__server_on_sent(connection);
        break;
    case SIM_CLOSED:
        sim__server_on_closed(connection);
        break;
    case SIM_CONNECT:
        sim__client_on_connect(connection);
        break;
    case SIM_CLIENT_CONNECTED:
        sim__client_on_connected(connection);
        break;
    case SIM_CLIENT_RECEIVE:
        sim__client_on_receive(connection);
        break;
    default:
        CHEK_ASSERT(!"an event of the network");
    }
    unname(connection);
}

void
sim__net_forget(const struct sim_event *event)
{
    struct chek_world_client *connection = event->subject;
    CHEK_ASSERT(connection->event_count > 0);
    connection->event_count -= 1;
}

/* The server's end dies without a word; the client learns it as a reset. */
static void
lose_server(struct chek_world_client *connection)
{
    struct chek_stream *stream = connection->stream;
    if (stream != NULL) {
        stream->send.in_flight = false;
        stream->receiving = false;
    }
    connection->stream = NULL;
    connection->shard = NULL;
    connection->server = SIM_SERVER_GONE;
    sim__net_break(connection);
    if (connection->event_count == 0 && connection->released) {
        connection_free(connection);
    }
}

void
sim__net_crash(struct sim_machine *machine)
{
    struct chek_world *world = machine->world;
    for (size_t i = 0; i < world->connection_count; i++) {
        struct chek_world_client *connection = world->connections[i];
        if (connection != NULL && connection->machine == machine &&
            connection->server != SIM_SERVER_NONE && connection->server != SIM_SERVER_GONE) {
            lose_server(connection);
        }
    }
}

void
sim__net_destroy(struct chek_world *world)
{
    for (size_t i = 0; i < world->connection_count; i++) {
        if (world->connections[i] != NULL) {
            connection_free(world->connections[i]);
        }
    }
    sim__free(world->connections);
}

size_t
chek_world_connection_count(const struct chek_world *world, unsigned machine)
{
    size_t count = 0;
    for (size_t i = 0; i < world->connection_count; i++) {
        const struct chek_world_client *connection = world->connections[i];
        count += connection != NULL && connection->machine->index == machine &&
                 connection->server >= SIM_SERVER_ACCEPTED &&
                 connection->server <= SIM_SERVER_CLOSING;
    }
    return count;
}
