/* SPDX-License-Identifier: MIT */
/*
 * query.h - questions and their answers: reports, shifts, receipts, sums, registers, gaps,
 * differences, warnings.
 *
 * A query host belongs to a shard. It decodes a question, intersects it with the scope of who asks
 * before anything else (what a principal does not see is NOT_FOUND, counts and sums included),
 * finds the partitions that hold the answer and sends visits (query/visit.h) to them one after
 * another. An organisation is in one partition, so no sum has to be put together from several.
 *
 *   Source   engine/wire/PROTOCOL.md "Asking"
 *   Threads  the owning shard, but for the run of a visit, which is the owner's
 */
#ifndef CHEK_QUERY_QUERY_H
#define CHEK_QUERY_QUERY_H

#include "engine/base/waits.h"
#include "engine/session/session.h"
#include "query/visit.h"

struct chek_query_host;

struct chek_query_port {
    void *context;
    const struct chek_directory *(*directory)(void *context);
    unsigned (*shard_of)(void *context, uint16_t partition);
    /* Carry a visit to the shard that owns its partition and call visit->run there; it comes back
     * through chek_query_visited(). Also when it is the own shard. */
    void (*visit)(void *context, struct chek_visit *visit);
    /* The subject of a value. Errors: RANGE it is none. */
    int (*subject_of)(void *context, struct chek_bytes_view organisation, uint8_t kind,
                      struct chek_bytes_view value, uint8_t ret[16]);
};

struct chek_query_config {
    struct chek_io *io;
    unsigned shard;
    uint32_t visit_count; /* questions in work at once; more are BUSY */
};

CHEK_MUST_USE int chek_query_host_create(const struct chek_query_config *config,
                                         const struct chek_query_port *port,
                                         struct chek_query_host **ret);
void chek_query_host_destroy(struct chek_query_host *host); /* takes NULL */

/* Handler of the questions that this room answers; context is the host. */
void chek_query_handle(void *host, struct chek_request *request, struct chek_bytes_view body);
void chek_query_on_abandon(void *host, struct chek_request *request);
void chek_query_on_room(void *host, struct chek_request *request);

/* A visit is back from its owner. */
void chek_query_visited(struct chek_query_host *host, struct chek_visit *visit);

/* How long answered ask_report took, from the whole request to the answer handed to its session.
 * Ownership: the host's. */
const struct chek_waits *chek_query_report_waits(const struct chek_query_host *host);

bool chek_query_is_idle(const struct chek_query_host *host);

#endif
