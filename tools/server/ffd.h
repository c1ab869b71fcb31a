/* SPDX-License-Identifier: MIT */
/*
 * ffd.h - connections of Russian registers.
 *
 * A document is fed as one from a file would be (ingest/feed.h), and is answered with document 7
 * when it is durable and applied. A connection has one document at work; what follows waits in its
 * buffer, so answers come in the order of the documents.
 *
 *   Rules    ingest/FFD.md S1..S9
 *   Threads  the owning shard
 */
#ifndef CHEK_SERVER_FFD_H
#define CHEK_SERVER_FFD_H

#include "tools/server/shard.h"

struct server__ffd;

/*
 * Serve registers on HOST:PORT.
 *
 *   Errors     as chek_io_listen(), -ENOMEM; nothing is left behind
 */
CHEK_MUST_USE int server__ffd_open(struct server__shard *shard, const char *address,
                                   uint16_t *ret_port, struct server__ffd **ret);
void server__ffd_stop(struct server__ffd *ffd);
bool server__ffd_is_idle(const struct server__ffd *ffd);
void server__ffd_free(struct server__ffd *ffd); /* takes NULL */
/* Go on with connections that waited for room, and close those that are too slow. */
void server__ffd_turn(struct server__ffd *ffd, uint64_t now_ns);

struct server__ffd_counters {
    uint64_t connection_count, connection_open_count, message_count, ping_count;
    uint64_t stored_count, duplicate_count, registration_count, passed_count;
    uint64_t refusal_count;    /* answered with a code that is not 0 */
    uint64_t encrypted_count;  /* of those: containers that only a key opens */
    uint64_t unanswered_count; /* what became of them is not known: the connection was closed */
    uint64_t wait_count;       /* documents that had to wait for room */
    uint64_t frame_error_count, timeout_count;
};
struct server__ffd_counters server__ffd_count(const struct server__ffd *ffd);

#endif
