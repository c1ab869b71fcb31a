/* SPDX-License-Identifier: MIT */
/*
 * life.c - a shard begins to serve, stops in order, or stops at once because its log failed.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "tools/server/event_flow.h"
#include "tools/server/ffd.h"
#include "tools/server/kkm.h"
#include "tools/server/metrics.h"
#include "tools/server/retain.h"
#include "tools/server/shard.h"

#define POLL_NS UINT64_C(100000000)

/* ---- begin ------------------------------------------------------------------------------------ */

static void poll_again(struct server__shard *shard);

static void
on_poll(struct chek_op *op, int64_t result)
{
    struct server__shard *shard = CHEK_CONTAINER_OF(op, struct server__shard, poll_op);
    const struct chek_server_config *config = server__config(shard->server);
    (void)result;
    if (config->stop_asked(config->context)) {
        chek_server_stop(shard->server, shard->io);
    } else {
        poll_again(shard);
    }
}

/* Somebody outside (a signal) can only leave a note; it is read ten times a second. */
static void
poll_again(struct server__shard *shard)
{
    shard->poll_op.on_done = on_poll;
    chek_io_timer(shard->io, &shard->poll_op, chek_io_now_ns(shard->io) + POLL_NS);
}

void
server__shard_start(struct server__shard *shard)
{
    const struct chek_server_config *config = server__config(shard->server);
    uint16_t port = 0;

    shard->started = true;
    server__merge_check(shard);
    chek_session_host_directory(shard->sessions, server__directory(shard));
    shard->start_error = chek_session_listen(shard->sessions, config->listen, &port);
    shard->port = port;
    if (config->cpcr != NULL && shard->start_error == CHEK_OK) {
        shard->start_error =
            server__cpcr_open(shard, config->cpcr, &shard->cpcr_port, &shard->cpcr);
    }
    if (config->ffd != NULL && shard->start_error == CHEK_OK) {
        shard->start_error = server__ffd_open(shard, config->ffd, &shard->ffd_port, &shard->ffd);
    }
    if (shard->index == 0 && config->metrics != NULL && shard->start_error == CHEK_OK) {
        shard->start_error =
            server__metrics_open(shard, config->metrics, &shard->metrics_port, &shard->metrics);
    }
    if (shard->index == 0 && config->stop_asked != NULL) {
        poll_again(shard);
    }
    shard->life = (struct chek_message){.payload = shard};
    server__seals_begin(shard);
    server__post(shard, 0, SERVER_STARTED, &shard->life);
}

/* HOST of HOST:PORT with the port that was bound. */
static void
address_write(const char *asked, uint16_t port, char ret[CHEK_ADDRESS_TEXT_MAX])
{
    const char *colon = strrchr(asked, ':');
    (void)snprintf(ret, CHEK_ADDRESS_TEXT_MAX, "%.*s:%u", colon != NULL ? (int)(colon - asked) : 0,
                   asked, port);
}

/* Shard 0 hears of every shard, itself too. */
static void
on_started(struct server__shard *zero, const struct server__shard *shard)
{
    const struct chek_server_config *config = server__config(zero->server);
    if (shard->start_error != CHEK_OK) {
        server__end(zero->server, shard->start_error);
        return;
    }
    zero->started_count += 1;
    if (zero->started_count == server__shard_count(zero->server)) {
        struct chek_server_ports ports = {0};
        address_write(config->listen, zero->port, ports.listen);
        if (config->cpcr != NULL) {
            address_write(config->cpcr, zero->cpcr_port, ports.cpcr);
        }
        if (config->ffd != NULL) {
            address_write(config->ffd, zero->ffd_port, ports.ffd);
        }
        if (config->metrics != NULL) {
            address_write(config->metrics, zero->metrics_port, ports.metrics);
        }
        config->on_ready(config->context, &ports);
    }
}

/* ---- an orderly end --------------------------------------------------------------------------- */

static void
on_stop(struct server__shard *shard)
{
    if (!shard->stopping) {
        shard->stopping = true;
        chek_session_drain(shard->sessions);
        server__watches_stop(shard);
        if (shard->cpcr != NULL) {
            server__cpcr_stop(shard->cpcr);
        }
        if (shard->ffd != NULL) {
            server__ffd_stop(shard->ffd);
        }
        if (shard->metrics != NULL) {
            server__metrics_stop(shard->metrics);
        }
    }
}

/* Everything that came in was answered, and everything that was logged is applied. */
static bool
is_quiet(const struct server__shard *shard)
{
    return chek_session_is_drained(shard->sessions) && chek_feed_is_idle(shard->feeds) &&
           chek_query_is_idle(shard->queries) && chek_list_is_empty(&shard->intake) &&
           shard->job_open_count == 0 &&
           (shard->cpcr == NULL || server__cpcr_is_idle(shard->cpcr)) &&
           (shard->ffd == NULL || server__ffd_is_idle(shard->ffd)) && shard->ticket_count == 0 &&
           chek_log_is_idle(shard->log) && shard->change_now == NULL &&
           !shard->memory_op.in_flight && server__cold_is_idle(shard) &&
           server__retain_is_idle(shard);
}

void
server__life_turn(struct server__shard *shard)
{
    if (shard->stopping && !shard->quiet && is_quiet(shard)) {
        shard->quiet = true;
        server__post(shard, 0, SERVER_QUIET, &shard->life);
    }
    server__walk_turn(shard);
}

static void
on_quiet(struct server__shard *zero)
{
    zero->quiet_count += 1;
    if (zero->quiet_count == server__shard_count(zero->server)) {
        server__snapshot_begin(zero);
    }
}

void
server__end(struct chek_server *server, int error)
{
    const struct chek_server_config *config = server__config(server);
    if (!server__end_once(server)) {
        return;
    }
    config->on_stopped(config->context, error);
}

/* ---- the log failed --------------------------------------------------------------------------- */

void
server__on_latch(void *context, int error)
{
    struct chek_server *server = context;
    /* From here on nobody is told anything: what was sent and not acknowledged is unknown. */
    server__latch(server);
    server__end(server, error);
}

/* ---- messages --------------------------------------------------------------------------------- */

void
server__life_message(struct server__shard *shard, struct chek_message *message)
{
    switch (message->kind) {
    case SERVER_STARTED:
        on_started(shard, message->payload);
        return;
    case SERVER_STOP:
        on_stop(shard);
        return;
    case SERVER_QUIET:
        on_quiet(shard);
        return;
    default:
        server__snapshot_message(shard, message);
    }
}
