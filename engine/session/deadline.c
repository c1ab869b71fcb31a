/* SPDX-License-Identifier: MIT */
/*
 * deadline.c - peers that are too slow.
 *
 * Each kind of deadline is the same length for every connection, so that a list to whose end one
 * adds is in the order of time, and looking at its front is all that a turn costs. While anything
 * has a deadline a timer ticks, so that an idle shard notices, at most an eighth of a handshake's or
 * a frame's time late, whichever is shorter.
 *
 * And those that came with a wrong token, who are to be slow: there is no way to tell who sits
 * behind a connection, so the wrong tokens of all count together, and a right one never waits.
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

    connection->send_deadline_ns =
        now_ns + (host->is_draining ? host->config.drain_ns_max : host->config.frame_ns_max);
    chek_list_add(&host->sends, &connection->send_link);
}

void
session__deadlines_drain(struct chek_session_host *host)
{
    uint64_t last_ns = chek_io_now_ns(host->io) + host->config.drain_ns_max;

    for (struct chek_list *at = host->sends.next; at != &host->sends; at = at->next) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(at, struct chek_connection, send_link);
        if (connection->send_deadline_ns > last_ns) {
            connection->send_deadline_ns = last_ns; /* the list stays in the order of time */
        }
    }
}

/* Wrong tokens are forgotten one by one. */
static void
failures_forget(struct chek_session_host *host, uint64_t now_ns)
{
    uint64_t step_count = (now_ns - host->failure_ns) / host->config.handshake_ns_max;
    if (step_count >= host->failure_level) {
        host->failure_level = 0;
        host->failure_ns = now_ns;
        return;
    }
    host->failure_level -= (uint32_t)step_count;
    host->failure_ns += step_count * host->config.handshake_ns_max;
}

bool
session__deadline_failure(struct chek_connection *connection)
{
    struct chek_session_host *host = connection->host;
    uint64_t now_ns = chek_io_now_ns(host->io);

    failures_forget(host, now_ns);
    uint32_t level = host->failure_level;
    if (level < SESSION_FAILURE_PASS_COUNT + SESSION_FAILURE_DOUBLING_COUNT) {
        host->failure_level += 1;
    }
    if (level < SESSION_FAILURE_PASS_COUNT) {
        return false;
    }
    uint32_t doubling_count = level - SESSION_FAILURE_PASS_COUNT;
    uint64_t wait_ns =
        host->config.handshake_ns_max >> (SESSION_FAILURE_DOUBLING_COUNT - doubling_count);
    connection->read_deadline_ns = now_ns + wait_ns;
    /* One that waits less than the last before it comes right behind that: the list stays in order,
     * and nobody waits for more than a handshake's time. */
    if (!chek_list_is_empty(&host->failures)) {
        const struct chek_connection *last =
            CHEK_CONTAINER_OF(host->failures.previous, struct chek_connection, read_link);
        if (last->read_deadline_ns > connection->read_deadline_ns) {
            connection->read_deadline_ns = last->read_deadline_ns;
        }
    }
    chek_list_remove(&connection->read_link);
    chek_list_add(&host->failures, &connection->read_link);
    return true;
}

static void
failures_expire(struct chek_session_host *host, uint64_t now_ns)
{
    while (!chek_list_is_empty(&host->failures)) {
        struct chek_connection *connection =
            CHEK_CONTAINER_OF(host->failures.next, struct chek_connection, read_link);
        if (connection->read_deadline_ns > now_ns) {
            return;
        }
        session__connection_refuse_now(connection);
    }
}

/* The first of those that wait has a timer: its waiting may be shorter than a tick. */
static void
failures_tick(struct chek_session_host *host)
{
    if (!chek_list_is_empty(&host->failures) && !host->failure_op.in_flight) {
        const struct chek_connection *first =
            CHEK_CONTAINER_OF(host->failures.next, struct chek_connection, read_link);
        chek_io_timer(host->io, &host->failure_op, first->read_deadline_ns);
    }
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
    failures_expire(host, now_ns);
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
    failures_tick(host);
    if (host->tick_op.in_flight ||
        (chek_list_is_empty(&host->handshakes) && chek_list_is_empty(&host->frames) &&
         chek_list_is_empty(&host->sends))) {
        return;
    }
    chek_io_timer(host->io, &host->tick_op, now_ns + host->tick_ns);
}
