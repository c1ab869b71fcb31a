/* SPDX-License-Identifier: MIT */
/*
 * deadline.c - peers that are too slow.
 *
 * Each kind of deadline is the same length for every connection, so that a list to whose end one
 * adds is in the order of time, and looking at its front is all that a turn costs. While anything
 * has a deadline a timer ticks, so that an idle shard notices, at most an eighth of the shortest
 * deadline late.
 */
#include "engine/session/connection.h"

void
session__deadline_handshake(struct chek_connection *connection)
{
    struct chek_session_host *host = connection->host;

    connection->read_deadline_ns = chek_io_now_ns(host->io) + host->config.handshake_ns_max;
    chek_list_add(&host->handshakes, &connection->read_link);
}

void
session__deadline_frame(struct chek_connection *connection)
{
    struct chek_session_host *host = connection->host;

    if (!chek_list_is_empty(&connection->read_link)) {
        return; /* it is the same frame still */
    }
    connection->read_deadline_ns = chek_io_now_ns(host->io) + host->config.frame_ns_max;
    chek_list_add(&host->frames, &connection->read_link);
}

void
session__deadline_send(struct chek_connection *connection, uint64_t now_ns)
{
    struct chek_session_host *host = connection->host;

    connection->send_deadline_ns = now_ns + host->config.frame_ns_max;
    chek_list_add(&host->sends, &connection->send_link);
}

static void
reads_expire(struct chek_list *list, uint64_t now_ns)
{
    while (!chek_list_is_empty(list)) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(list->next, struct chek_connection, read_link);
        if (connection->read_deadline_ns > now_ns) {
            return;
        }
        connection->host->counters.timeout_count += 1;
        session__connection_fail(connection, 0, 0, CHEK_E_TIMEOUT, NULL);
    }
}

void
session__deadlines_expire(struct chek_session_host *host, uint64_t now_ns)
{
    reads_expire(&host->handshakes, now_ns);
    reads_expire(&host->frames, now_ns);
    while (!chek_list_is_empty(&host->sends)) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(host->sends.next, struct chek_connection, send_link);
        if (connection->send_deadline_ns > now_ns) {
            return;
        }
        host->counters.timeout_count += 1;
        session__connection_close(connection);
    }
}

void
session__deadlines_tick(struct chek_session_host *host, uint64_t now_ns)
{
    if (host->tick_op.in_flight ||
        (chek_list_is_empty(&host->handshakes) && chek_list_is_empty(&host->frames) &&
         chek_list_is_empty(&host->sends))) {
        return;
    }
    chek_io_timer(host->io, &host->tick_op, now_ns + host->tick_ns);
}
