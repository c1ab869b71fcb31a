/* SPDX-License-Identifier: MIT */
/*
 * request.c - requests in flight, and what handlers do with them.
 *
 * A connection's requests stand in two dense arrays beside each other, frame ids and requests, so
 * that finding one is a scan of a few cache lines.
 */
#include <string.h>

#include "engine/session/connection.h"

/* ---- begin and end ---------------------------------------------------------------------------- */

struct chek_request *
session__request_begin(struct chek_connection *connection, uint32_t row, uint64_t frame_id,
                       size_t frame_size)
{
    struct chek_session_host *host = connection->host;
    struct chek_request *request = host->request_free;

    if (request != NULL) {
        host->request_free = request->next_free;
    } else {
        /* There are as many as all connections may have. */
        CHEK_ASSERT(host->request_used_count <
                    (size_t)host->config.connection_count_max * host->config.request_count_max);
        request = &host->requests[host->request_used_count++];
    }
    CHEK_ASSERT(connection->request_count < host->config.request_count_max);
    CHEK_ASSERT(request->connection == NULL);
    request->connection = connection;
    chek_list_init(&request->wait_link);
    request->frame_id = frame_id;
    request->unallowed_size = 0;
    request->frame_size = (uint32_t)frame_size;
    request->index = connection->request_count;
    request->row = (uint8_t)row;
    request->is_parked = request->waits_for_allow = false;
    memset(request->state, 0, sizeof request->state);
    connection->frame_ids[connection->request_count] = frame_id;
    connection->requests[connection->request_count] = request;
    connection->request_count += 1;
    connection->request_size += frame_size;
    return request;
}

struct chek_request *
session__request_find(const struct chek_connection *connection, uint64_t frame_id)
{
    for (uint32_t i = 0; i < connection->request_count; i++) {
        if (connection->frame_ids[i] == frame_id) {
            return connection->requests[i];
        }
    }
    return NULL;
}

/* Its connection has one request less. */
static void
request_remove(struct chek_connection *connection, const struct chek_request *request)
{
    uint32_t last = connection->request_count - 1;

    CHEK_ASSERT(connection->requests[request->index] == request);
    connection->frame_ids[request->index] = connection->frame_ids[last];
    connection->requests[request->index] = connection->requests[last];
    connection->requests[request->index]->index = request->index;
    connection->request_count = last;
    connection->request_size -= request->frame_size;
    connection->park_count -= request->is_parked;
    if (connection->building == request) {
        connection->building = NULL;
    }
    if (connection->roomed == request) {
        connection->roomed = NULL;
    }
}

void
session__request_end(struct chek_request *request)
{
    struct chek_connection *connection = request->connection;
    struct chek_session_host *host = connection->host;

    chek_list_remove(&request->wait_link);
    request_remove(connection, request);
    request->connection = NULL;
    request->next_free = host->request_free;
    host->request_free = request;
    if (connection->state != SESSION_OPEN) {
        return;
    }
    if (host->is_draining && connection->request_count == 0) {
        session__connection_fail(connection, 0, 0, CHEK_E_STOPPING, NULL);
    } else if (connection->is_stalled && !connection->is_running) {
        session__ready(connection);
    }
}

void
session__request_abandon(struct chek_request *request)
{
    const struct chek_handler_table *table = &request->connection->host->table;

    if (table->handlers[request->row].on_abandon != NULL) {
        table->handlers[request->row].on_abandon(table->context, request);
    }
    session__request_end(request);
}

/* ---- who and what ----------------------------------------------------------------------------- */

uint32_t
chek_request_principal(const struct chek_request *request)
{
    return request->connection->principal;
}

uint64_t
chek_request_source(const struct chek_request *request)
{
    return request->connection->source;
}

uint8_t
chek_request_opcode(const struct chek_request *request)
{
    return (uint8_t)session__rows[request->row].opcode;
}

void *
chek_request_state(struct chek_request *request)
{
    return request->state;
}

struct chek_arena *
chek_request_arena(struct chek_request *request)
{
    return &request->connection->host->arena;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static bool
is_stream(const struct chek_request *request)
{
    return session__rows[request->row].is_stream;
}

/* Who may send anything may send a whole frame: a frame cannot be cut. An answer that is no stream
 * has only one. */
static bool
window_is_open(const struct chek_request *request)
{
    return request->unallowed_size < CHEK_STREAM_WINDOW_SIZE;
}

/* Queue up for room; who was first in the queue and formed nothing is first again. */
static void
room_wait(struct chek_connection *connection, struct chek_request *request)
{
    const struct chek_handler_table *table = &connection->host->table;

    if (table->handlers[request->row].on_room == NULL || !chek_list_is_empty(&request->wait_link)) {
        return;
    }
    struct chek_list *at =
        connection->roomed == request ? connection->waiting.next : &connection->waiting;
    chek_list_add(at, &request->wait_link);
}

struct chek_writer
chek_request_answer_begin(struct chek_request *request, size_t size_max)
{
    struct chek_connection *connection = request->connection;
    size_t frame_size = CHEK_FRAME_HEAD_SIZE + size_max;

    CHEK_ASSERT(connection->state == SESSION_OPEN);
    CHEK_ASSERT(size_max <= CHEK_FRAME_ANSWER_SIZE_MAX);
    if (!window_is_open(request)) {
        chek_list_remove(&request->wait_link);
        request->waits_for_allow = true;
        return (struct chek_writer){.full = true};
    }
    if (!session__output_has_room(connection, frame_size, 0)) {
        room_wait(connection, request);
        return (struct chek_writer){.full = true};
    }
    chek_list_remove(&request->wait_link);
    connection->building = request;
    return session__output_begin(connection, size_max);
}

void
chek_request_answer_end(struct chek_request *request, const struct chek_writer *body, bool last)
{
    struct chek_connection *connection = request->connection;

    CHEK_ASSERT(connection->building == request);
    CHEK_ASSERT(!body->full && body->size <= body->capacity);
    CHEK_ASSERT(last || is_stream(request));
    connection->building = NULL;
    session__output_end(connection, body->size, session__rows[request->row].opcode,
                        last ? CHEK_FRAME_ANSWER | CHEK_FRAME_LAST : CHEK_FRAME_ANSWER,
                        request->frame_id);
    if (connection->roomed == request) {
        connection->roomed = NULL;
    }
    if (last) {
        session__request_end(request);
    } else {
        request->unallowed_size += (int64_t)(CHEK_FRAME_HEAD_SIZE + body->size);
    }
}

/* Bits of enum chek_right that a principal has. */
static uint32_t
rights_of(const struct chek_directory *directory, uint32_t principal)
{
    uint32_t rights = 0;
    for (uint32_t i = 0; i < CHEK_RIGHT_COUNT; i++) {
        if (chek_directory_may(directory, principal, 1u << i)) {
            rights |= 1u << i;
        }
    }
    return rights;
}

void
chek_request_welcome(struct chek_request *request, bool alarm)
{
    struct chek_connection *connection = request->connection;
    struct chek_session_host *host = connection->host;
    struct chek_welcome welcome = {
        .principal = connection->principal,
        .credits = host->config.credits,
        .server = chek_bytes_view_text(host->server),
        .alarm = alarm,
        .rights = rights_of(host->directory, connection->principal),
        .partitions = chek_directory_partition_count(host->directory),
    };

    CHEK_ASSERT(session__rows[request->row].opcode == CHEK_OPCODE_HELLO);
    host->counters.alarm_count += alarm;
    /* No larger than the refusal that is kept room for. */
    struct chek_writer out =
        session__output_begin(connection, SESSION_REFUSAL_SIZE_MAX - CHEK_FRAME_HEAD_SIZE);
    chek_welcome_encode(&out, &welcome);
    CHEK_ASSERT(!out.full);
    session__output_end(connection, out.size, CHEK_OPCODE_HELLO,
                        CHEK_FRAME_ANSWER | CHEK_FRAME_LAST, request->frame_id);
    session__request_end(request);
}

void
chek_request_refuse(struct chek_request *request, int error, const struct chek_fault *fault,
                    const char *text)
{
    struct chek_connection *connection = request->connection;
    uint64_t frame_id = request->frame_id;
    uint16_t opcode = session__rows[request->row].opcode;

    if (opcode == CHEK_OPCODE_HELLO) {
        session__request_end(request);
        session__connection_fail(connection, frame_id, opcode, error, fault);
        return;
    }
    session__output_refusal(connection, frame_id, opcode, error, fault, text);
    session__request_end(request);
}

void
chek_request_busy(struct chek_request *request)
{
    if (session__rows[request->row].right == CHEK_OPCODE_RIGHT_INGEST) {
        request->connection->is_busy = true;
    }
    chek_request_refuse(request, CHEK_E_BUSY, NULL, NULL);
}

/* ---- waiting ---------------------------------------------------------------------------------- */

void
chek_request_park(struct chek_request *request)
{
    CHEK_ASSERT(!request->is_parked);
    request->is_parked = true;
    request->connection->park_count += 1;
}

void
chek_request_unpark(struct chek_request *request)
{
    struct chek_connection *connection = request->connection;

    CHEK_ASSERT(request->is_parked);
    request->is_parked = false;
    connection->park_count -= 1;
    if (connection->is_stalled && !connection->is_running) {
        session__ready(connection);
    }
}

void
session__request_allow(struct chek_request *request, uint32_t size)
{
    struct chek_connection *connection = request->connection;

    if (request->unallowed_size > INT64_MIN / 2) {
        request->unallowed_size -= size;
    }
    if (request->waits_for_allow) {
        request->waits_for_allow = false;
        room_wait(connection, request);
        session__ready(connection);
    }
}

void
session__requests_room(struct chek_connection *connection)
{
    const struct chek_handler_table *table = &connection->host->table;
    uint32_t count = 0;

    for (struct chek_list *at = connection->waiting.next; at != &connection->waiting;
         at = at->next) {
        count += 1;
    }
    while (count-- > 0 && connection->state == SESSION_OPEN &&
           !chek_list_is_empty(&connection->waiting)) {
        struct chek_request *request =
            CHEK_CONTAINER_OF(connection->waiting.next, struct chek_request, wait_link);
        CHEK_ASSERT(request->connection == connection);
        chek_list_remove(&request->wait_link);
        connection->roomed = request;
        table->handlers[request->row].on_room(table->context, request);
        if (connection->roomed == request && !chek_list_is_empty(&request->wait_link)) {
            break; /* no room for the first in the queue: the others wait behind it */
        }
    }
    connection->roomed = NULL;
}
