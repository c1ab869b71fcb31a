/* SPDX-License-Identifier: MIT */
/*
 * sim_client.c - the client's end of a connection, driven by the test.
 */
#include <errno.h>

#include "tests/sim/sim_net.h"

/* ---- connect ------------------------------------------------------------------------------- */

struct chek_world_client *
chek_world_client_connect(struct chek_world *world, unsigned machine, const char *address,
                          const struct chek_world_client_owner *owner)
{
    CHEK_ASSERT(machine < world->machine_count);
    CHEK_ASSERT(strlen(address) < CHEK_ADDRESS_TEXT_MAX);
    struct chek_world_client *client = sim__allocate(sizeof(*client));
    client->world = world;
    client->machine = world->machines[machine];
    client->id = world->connection_count;
    memcpy(client->address, address, strlen(address) + 1);
    if (owner != NULL) {
        client->owner = *owner;
    }
    sim__prng_start(world, &client->prng, SIM_STREAM_CONNECTION, client->id);
    world->connections =
        sim__array_room(world->connections, world->connection_count, &world->connection_capacity,
                        sizeof(struct chek_world_client *));
    world->connections[world->connection_count++] = client;
    sim__net_plan(client, SIM_CONNECT);
    return client;
}

void
sim__client_on_connect(struct chek_world_client *client)
{
    struct sim_listener *listener =
        client->machine->up ? sim__listener_choose(client->machine, client->address) : NULL;
    if (listener == NULL) {
        client->server = SIM_SERVER_GONE;
        client->client_error = -ECONNREFUSED;
        client->client_done = true;
    } else {
        client->server = SIM_SERVER_QUEUED;
        client->shard = listener->shard;
        client->listener = listener->listener;
        sim__net_plan(client, SIM_ACCEPT);
    }
    sim__net_plan(client, SIM_CLIENT_CONNECTED);
}

void
sim__client_on_connected(struct chek_world_client *client)
{
    client->connected = true;
    if (!client->released && client->owner.on_connected != NULL) {
        client->owner.on_connected(client->owner.context, client->client_error);
    }
    sim__client_wake(client);
}

/* ---- receive ------------------------------------------------------------------------------- */

static bool
may_receive(const struct chek_world_client *client)
{
    bool has_room = client->owner.on_receive != NULL ||
                    client->inbox.size < client->world->options.net_buffer_size;
    return client->connected && !client->client_done && !client->released && !client->paused &&
           has_room;
}

void
sim__client_wake(struct chek_world_client *client)
{
    bool has_news = client->down.size != 0 || client->down.ended || client->broken;
    if (has_news && may_receive(client) && !client->client_planned) {
        client->client_planned = true;
        sim__net_plan(client, SIM_CLIENT_RECEIVE);
    }
}

static void
tell(struct chek_world_client *client, const uint8_t *bytes, size_t size, int error)
{
    uint64_t sum = size != 0 ? chek_checksum(bytes, size) : (uint64_t)error;
    sim__trace(client->world, CHEK_WORLD_RECEIVE, client->id, sum);
    sim__observe(client->world, &(struct chek_world_event){.kind = CHEK_WORLD_RECEIVE,
                                                           .machine = client->machine->index,
                                                           .bytes = bytes,
                                                           .size = size,
                                                           .result = error,
                                                           .client = client});
    if (client->owner.on_receive != NULL) {
        client->owner.on_receive(client->owner.context, bytes, size, error);
    } else {
        sim__pipe_put(&client->inbox, bytes, size);
    }
}

static void
receive_piece(struct chek_world_client *client)
{
    size_t size = sim__net_draw_piece(client, &client->down);
    uint8_t *bytes = sim__allocate(size);
    sim__pipe_take(&client->down, bytes, size);
    tell(client, bytes, size, CHEK_OK);
    sim__free(bytes);
}

void
sim__client_on_receive(struct chek_world_client *client)
{
    client->client_planned = false;
    if (!may_receive(client)) {
        return;
    }
    if (sim__chance(&client->prng, client->world->options.net_reset_rate)) {
        sim__net_break(client);
    }
    if (client->down.size != 0) {
        receive_piece(client);
        sim__server_push(client);
    } else if (client->broken) {
        client->client_done = true;
        client->client_error = -ECONNRESET;
        tell(client, NULL, 0, -ECONNRESET);
    } else if (client->down.ended) {
        client->client_done = true;
        client->client_error = CHEK_E_CLOSED;
        tell(client, NULL, 0, CHEK_OK);
    }
    sim__client_wake(client);
}

size_t
chek_world_client_receive(struct chek_world_client *client, void *bytes, size_t size)
{
    size_t count = client->inbox.size < size ? client->inbox.size : size;
    sim__pipe_take(&client->inbox, bytes, count);
    sim__client_wake(client);
    return count;
}

int
chek_world_client_error(const struct chek_world_client *client)
{
    return client->client_error;
}

void
chek_world_client_pause(struct chek_world_client *client)
{
    client->paused = true;
}

void
chek_world_client_resume(struct chek_world_client *client)
{
    client->paused = false;
    sim__client_wake(client);
}

/* ---- send and close ------------------------------------------------------------------------ */

void
chek_world_client_send(struct chek_world_client *client, const void *bytes, size_t size)
{
    CHEK_ASSERT(!client->up.ended);
    if (client->broken || client->client_error == -ECONNREFUSED) {
        return;
    }
    sim__pipe_put(&client->up, bytes, size);
    if (client->server == SIM_SERVER_CLOSING || client->server == SIM_SERVER_GONE) {
        sim__net_break(client); /* nobody is there to read */
        return;
    }
    sim__server_wake(client);
}

size_t
chek_world_client_unsent(const struct chek_world_client *client)
{
    return client->up.size;
}

void
chek_world_client_shutdown(struct chek_world_client *client)
{
    client->up.ended = true;
    sim__server_wake(client);
}

/* The structure stays until the last event that names it; a world event sees to that. */
static void
release(struct chek_world_client *client)
{
    CHEK_ASSERT(!client->released);
    client->released = true;
    sim__net_plan(client, SIM_CLIENT_RECEIVE);
}

void
chek_world_client_close(struct chek_world_client *client)
{
    client->up.ended = true;
    if (client->down.size != 0) {
        sim__net_break(client); /* closed over bytes that were not read */
    }
    sim__server_wake(client);
    release(client);
    sim__server_push(client);
}

void
chek_world_client_reset(struct chek_world_client *client)
{
    sim__net_break(client);
    release(client);
}
