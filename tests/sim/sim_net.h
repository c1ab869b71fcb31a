/* SPDX-License-Identifier: MIT */
/*
 * sim_net.h - a connection: two pipes of bytes, the client's end and the server's end.
 *
 * The server's end is a chek_stream of a shard, the client's a chek_world_client; both are this
 * one structure. It is freed when both ends are done with it and no event names it.
 */
#ifndef CHEK_SIM_SIM_NET_H
#define CHEK_SIM_SIM_NET_H

#include "tests/sim/sim.h"

/* Bytes that the system holds between two ends. */
struct sim_pipe {
    uint8_t *bytes;
    size_t start, size, capacity;
    bool ended; /* after the bytes: the end */
};

enum sim_server_state {
    SIM_SERVER_NONE,     /* the client is connecting */
    SIM_SERVER_QUEUED,   /* on_accept will be called */
    SIM_SERVER_ACCEPTED, /* the owner has the socket */
    SIM_SERVER_OPEN,     /* there is a stream */
    SIM_SERVER_CLOSING,  /* on_closed will be called */
    SIM_SERVER_GONE
};

struct chek_world_client {
    struct chek_world *world;
    struct sim_machine *machine;
    size_t id;
    struct chek_prng prng;
    char address[CHEK_ADDRESS_TEXT_MAX];
    unsigned event_count; /* events that name this connection, and the one in dispatch */
    struct sim_pipe up;   /* to the server */
    struct sim_pipe down; /* to the client */
    bool broken;          /* by a reset: after the bytes left in a pipe comes the error */

    enum sim_server_state server;
    struct sim_shard *shard;
    struct chek_listener *listener;
    struct chek_stream *stream;
    bool receive_planned, sent_planned;
    bool late_receive; /* one more piece may arrive although the stream is paused */
    uint64_t send_sum; /* of the bytes in flight */

    struct chek_world_client_owner owner;
    struct sim_pipe inbox;
    int client_error;
    bool client_planned, connected, client_done, paused, released;
};

void sim__pipe_put(struct sim_pipe *pipe, const uint8_t *bytes, size_t size);
void sim__pipe_take(struct sim_pipe *pipe, uint8_t *bytes, size_t size);
/* Keep only the first `size` bytes. */
void sim__pipe_keep(struct sim_pipe *pipe, size_t size);

/* Plan an event of the connection after a delay of the network. */
void sim__net_plan(struct chek_world_client *connection, enum sim_event_kind kind);
/* How many of the bytes in a pipe arrive as the next piece. */
size_t sim__net_draw_piece(struct chek_world_client *connection, const struct sim_pipe *pipe);
/* A reset: random prefixes of what is under way still arrive, then the error at both ends. */
void sim__net_break(struct chek_world_client *connection);

/* Plan what each end should be told next, if anything. */
void sim__server_wake(struct chek_world_client *connection);
void sim__client_wake(struct chek_world_client *client);
/* The system takes what it has room for of the bytes being sent. */
void sim__server_push(struct chek_world_client *connection);

/* The events. */
void sim__server_on_accept(struct chek_world_client *connection);
void sim__server_on_receive(struct chek_world_client *connection);
void sim__server_on_sent(struct chek_world_client *connection);
void sim__server_on_closed(struct chek_world_client *connection);
void sim__client_on_connect(struct chek_world_client *client);
void sim__client_on_connected(struct chek_world_client *client);
void sim__client_on_receive(struct chek_world_client *client);

#endif
