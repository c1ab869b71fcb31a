/* SPDX-License-Identifier: MIT */
/*
 * metrics.h - GET /metrics in the text form that Prometheus reads.
 *
 * Served by shard 0 from the same rows as the opcode ask_status: one line a row, a label for the
 * shard. It speaks just enough HTTP/1.1 to be scraped: one request a connection, read up to its
 * empty line, answered, closed.
 *
 *   Source  RFC 9112; the Prometheus text exposition format 0.0.4
 */
#ifndef CHEK_SERVER_METRICS_H
#define CHEK_SERVER_METRICS_H

#include "tools/server/shard.h"

struct server__metrics;

/* Listen on shard 0. Errors as chek_io_listen(); *ret is unchanged. */
CHEK_MUST_USE int server__metrics_open(struct server__shard *zero, const char *address,
                                       uint16_t *ret_port, struct server__metrics **ret);
void server__metrics_stop(struct server__metrics *metrics);
/* After the loops ended; takes NULL. */
void server__metrics_free(struct server__metrics *metrics);

#endif
