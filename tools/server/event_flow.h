/* SPDX-License-Identifier: MIT */
/*
 * event_flow.h - watches: questions for events on their way round the shards.
 */
#ifndef CHEK_SERVER_EVENT_FLOW_H
#define CHEK_SERVER_EVENT_FLOW_H

#include "tools/server/shard.h"

CHEK_MUST_USE int server__watches_init(struct server__shard *shard);
void server__watches_finish(struct server__shard *shard);

/* Let those that follow come to their end. */
void server__watches_stop(struct server__shard *shard);

/* SERVER_WATCH at a shard, SERVER_WATCHED back home. */
void server__watch_message(struct server__shard *shard, struct chek_message *message);

/* Whether the events of all commands under way, and of one more, can be kept. */
bool server__events_have_room(const struct server__shard *shard);

#endif
