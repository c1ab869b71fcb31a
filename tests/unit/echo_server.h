/* SPDX-License-Identifier: MIT */
/*
 * echo_server.h - a server over engine/io that sends back what it gets, for tests and figures.
 *
 * It holds at most ECHO_PENDING_SIZE_MAX bytes for a connection and pauses receiving above that.
 * When the peer has sent its last byte it answers the rest and closes.
 */
#ifndef CHEK_TESTS_ECHO_SERVER_H
#define CHEK_TESTS_ECHO_SERVER_H

#include <stdatomic.h>

#include "engine/base/list.h"
#include "tests/unit/uring_fixture.h"

#define ECHO_PENDING_SIZE_MAX ((size_t)128 * 1024)

struct echo_server;

/* One shard's half: touched on its thread only, except the counters. */
struct echo_shard {
    struct echo_server *server;
    struct chek_io *io;
    struct chek_listener listener;
    struct chek_list echoes; /* the open connections */
    atomic_uint accepted_count, closed_count, open_count, failed_count, pause_count;
    atomic_uint receive_count;
    atomic_int accept_error; /* the last */
};

struct echo_server {
    struct uring_fixture fixture;
    uint16_t port;
    struct echo_shard shards[CHEK_SHARD_COUNT_MAX];
};

/* Listen on 127.0.0.1 at a free port with every shard, and run them. */
void echo_server_open(struct echo_server *server, unsigned shard_count,
                      const struct chek_uring_options *options);
void echo_server_close(struct echo_server *server);

unsigned echo_server_open_count(struct echo_server *server);

#endif
