/* SPDX-License-Identifier: MIT */
/*
 * fake_network.h - connections and timers behind engine/io/io.h, driven by hand.
 *
 * The test says which bytes arrive in one piece, when a send is through, what the clock shows. Bytes
 * are lent in memory of exactly their size that is freed after the call.
 */
#ifndef CHEK_TESTS_FAKE_NETWORK_H
#define CHEK_TESTS_FAKE_NETWORK_H

#include "engine/io/io.h"

#define FAKE_PEER_COUNT_MAX 32
#define FAKE_TIMER_COUNT_MAX 8

/* The other end of a connection. */
struct fake_peer {
    struct chek_stream *stream; /* NULL before the start and after on_closed */
    bool is_refused;
    bool is_closed; /* by the server */
    uint8_t *got;   /* bytes of completed sends */
    size_t got_size, got_capacity;
    unsigned send_count; /* sends begun */
};

struct fake_network {
    struct chek_io io;
    uint64_t now_ns;
    struct chek_listener *listener; /* NULL when nobody listens */
    struct fake_peer peers[FAKE_PEER_COUNT_MAX];
    int peer_count;
    struct chek_op *timers[FAKE_TIMER_COUNT_MAX];
    unsigned timer_count;
    int listen_error; /* of the next listen */
};

struct fake_network *fake_network_create(void);
void fake_network_destroy(struct fake_network *network);

/* A peer connects; returns its number. Needs a listener. */
int fake_network_connect(struct fake_network *network);

/* Bytes of the peer arrive; `size` > 0. False when the connection is closed. */
bool fake_network_give(struct fake_network *network, int peer, const void *bytes, size_t size);

/* The peer sent its last (0), or the connection broke. */
void fake_network_end(struct fake_network *network, int peer, int error);

bool fake_network_is_paused(const struct fake_network *network, int peer);
bool fake_network_is_sending(const struct fake_network *network, int peer);

/* The send in flight is through, or failed. */
void fake_network_sent(struct fake_network *network, int peer, int error);

/* Complete the timers that are due, and the closes. True when there was any. */
bool fake_network_run(struct fake_network *network);

/* Forget all peers, so that their numbers are used again. No stream may be left (asserted). */
void fake_network_forget(struct fake_network *network);

/* A timer is due already: a loop would not sleep. */
bool fake_network_is_due(const struct fake_network *network);

#endif
