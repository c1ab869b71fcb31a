/* SPDX-License-Identifier: MIT */
/*
 * life.c - a shard begins to serve, stops in order, or stops at once because its log failed.
 */
#include "engine/base/assertion.h"
#include "tools/server/shard.h"

/* ---- begin ------------------------------------------------------------------------------------ */

void
server__shard_start(struct server__shard *shard)
{
    const struct chek_server_config *config = server__config(shard->server);
    uint16_t port = 0;

    shard->started = true;
    chek_session_host_directory(shard->sessions, server__directory(shard));
    shard->start_error = chek_session_listen(shard->sessions, config->listen, &port);
    shard->port = port;
    shard->life = (struct chek_message){.payload = shard};
    server__post(shard, 0, SERVER_STARTED, &shard->life);
}

/* Shard 0 hears of every shard, itself too. */
static void
on_started(struct server__shard *zero, const struct server__shard *shard)
{
    const struct chek_server_config *config = server__config(zero->server);
    if (shard->start_error != CHEK_OK) {
        server__end(zero, shard->start_error);
        return;
    }
    zero->started_count += 1;
    if (zero->started_count == server__shard_count(zero->server)) {
        config->on_ready(config->context, zero->port);
    }
}

/* ---- an orderly end --------------------------------------------------------------------------- */

static void
on_stop(struct server__shard *shard)
{
    if (!shard->stopping) {
        shard->stopping = true;
        chek_session_drain(shard->sessions);
    }
}

/* Everything that came in was answered, and everything that was logged is applied. */
static bool
is_quiet(const struct server__shard *shard)
{
    return chek_session_is_drained(shard->sessions) && chek_feed_is_idle(shard->feeds) &&
           chek_query_is_idle(shard->queries) && chek_list_is_empty(&shard->intake) &&
           shard->ticket_count == 0 && chek_log_is_idle(shard->log) && shard->change_now == NULL;
}

void
server__life_turn(struct server__shard *shard)
{
    if (shard->stopping && !shard->quiet && is_quiet(shard)) {
        shard->quiet = true;
        server__post(shard, 0, SERVER_QUIET, &shard->life);
    }
    server__snapshot_turn(shard);
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
server__end(struct server__shard *shard, int error)
{
    const struct chek_server_config *config = server__config(shard->server);
    if (!server__end_once(shard->server)) {
        return;
    }
    config->on_stopped(config->context, error);
}

/* ---- the log failed --------------------------------------------------------------------------- */

void
server__on_latch(void *context, int error)
{
    struct server__shard *shard = context;
    /* From here on nobody is told anything: what was sent and not acknowledged is unknown. */
    server__latch(shard->server);
    server__end(shard, error);
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
