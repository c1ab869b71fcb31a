/* SPDX-License-Identifier: MIT */
#include "tools/server/shard.h"

void
server__on_event(void *context, uint16_t partition, uint64_t event_seq,
                 const struct chek_event *event)
{
    (void)context;
    (void)partition;
    (void)event_seq;
    (void)event;
}

void
server__events_turn(struct server__shard *shard)
{
    (void)shard;
}

void
server__ask_events(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    (void)context;
    (void)body;
    chek_request_refuse(request, CHEK_E_OPCODE, NULL, NULL);
}

void
server__events_on_abandon(void *context, struct chek_request *request)
{
    (void)context;
    (void)request;
}

void
server__events_on_room(void *context, struct chek_request *request)
{
    (void)context;
    (void)request;
}
