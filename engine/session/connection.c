/* SPDX-License-Identifier: MIT */
/*
 * connection.c - the life of a connection: it comes, says hello, and goes.
 *
 * A connection goes in two ways. Closed: what is in work is abandoned and the socket is given
 * back. Failed: the same, but a last frame says why, and until that frame is out what still
 * arrives is read and dropped; closing over bytes that nobody read would reset the connection and
 * take the frame with it.
 */
#include "engine/session/connection.h"

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct chek_connection *connection = CHEK_CONTAINER_OF(stream, struct chek_connection, stream);

    connection->host->counters.received_size += size;
    if (connection->state == SESSION_CLOSING && error == CHEK_OK) {
        return;
    }
    if (connection->state == SESSION_REFUSED) {
        /* His place is taken until the time is over: going early must not make guessing faster. */
        connection->is_gone = connection->is_gone || size == 0;
        return;
    }
    if (size == 0) {
        session__connection_close(connection);
        return;
    }
    if (connection->host->is_draining) {
        return; /* no frame of it will be handled any more */
    }
    chek_splitter_feed(&connection->splitter, bytes, size);
    session__frames_run(connection);
}

static void
on_closed(struct chek_stream *stream)
{
    session__connection_give(CHEK_CONTAINER_OF(stream, struct chek_connection, stream));
}

void
session__connection_start(struct chek_session_host *host, int socket)
{
    struct chek_connection *connection = session__connection_take(host);

    if (connection == NULL) {
        chek_io_refuse(host->io, socket);
        return;
    }
    connection->stream.on_receive = on_receive;
    connection->stream.on_sent = session__output_on_sent;
    connection->stream.on_closed = on_closed;
    struct chek_list *lists[] = {&connection->read_link, &connection->send_link,
                                 &connection->output_link, &connection->ready_link,
                                 &connection->waiting};
    for (size_t i = 0; i < CHEK_COUNT(lists); i++) {
        chek_list_init(lists[i]);
    }
    connection->source = 0;
    connection->principal = 0;
    connection->is_gone = false;
    connection->state = SESSION_WANTS_HELLO;
    connection->is_busy = connection->is_running = connection->is_stalled = false;
    connection->is_blocked = connection->is_touched = false;
    connection->park_count = connection->request_count = 0;
    connection->request_size = 0;
    connection->building = connection->roomed = NULL;
    connection->fill = 0;
    connection->fill_size = connection->send_size = connection->send_at = 0;
    chek_splitter_init(&connection->splitter, connection->carry, host->carry_size,
                       CHEK_HANDSHAKE_SIZE_MAX);
    host->unauthenticated_count += 1;
    session__deadline_handshake(connection);
    chek_stream_start(host->io, &connection->stream, socket);
}

void
session__connection_authenticated(struct chek_connection *connection, uint32_t principal,
                                  uint32_t source)
{
    struct chek_session_host *host = connection->host;

    CHEK_ASSERT(connection->state == SESSION_WANTS_HELLO);
    connection->state = SESSION_OPEN;
    connection->principal = principal;
    connection->source = (uint64_t)principal << 32 | source;
    host->unauthenticated_count -= 1;
    chek_list_remove(&connection->read_link);
    chek_splitter_use(&connection->splitter, connection->carry, host->carry_size,
                      CHEK_FRAME_BODY_SIZE_MAX);
}

/* It is no longer one that frames are taken from; nothing of it is in work any more. */
static void
connection_leave(struct chek_connection *connection, enum session__state state)
{
    if (connection->state == SESSION_WANTS_HELLO || connection->state == SESSION_REFUSED) {
        connection->host->unauthenticated_count -= 1;
    }
    connection->state = state;
    chek_list_remove(&connection->read_link);
    chek_list_remove(&connection->ready_link);
    while (connection->request_count > 0) {
        session__request_abandon(connection->requests[connection->request_count - 1]);
    }
    CHEK_ASSERT(connection->request_size == 0 && connection->park_count == 0);
    CHEK_ASSERT(chek_list_is_empty(&connection->waiting));
}

void
session__connection_close(struct chek_connection *connection)
{
    if (connection->state == SESSION_CLOSED) {
        return;
    }
    connection_leave(connection, SESSION_CLOSED);
    chek_list_remove(&connection->send_link);
    chek_list_remove(&connection->output_link);
    chek_stream_close(&connection->stream);
}

void
session__connection_fail(struct chek_connection *connection, uint64_t frame_id, uint16_t opcode,
                         int error, const struct chek_fault *fault)
{
    if (connection->state > SESSION_OPEN) {
        return;
    }
    session__output_refusal(connection, frame_id, opcode, error, fault, NULL);
    connection_leave(connection, SESSION_CLOSING);
    chek_stream_resume(&connection->stream);
}

void
session__connection_refuse(struct chek_connection *connection, uint64_t frame_id)
{
    CHEK_ASSERT(connection->state == SESSION_WANTS_HELLO);
    connection->host->counters.authentication_failure_count += 1;
    if (!session__deadline_failure(connection)) {
        session__connection_fail(connection, frame_id, CHEK_OPCODE_HELLO, CHEK_E_AUTHENTICATION,
                                 NULL);
        return;
    }
    connection->state = SESSION_REFUSED;
    connection->refused_id = frame_id;
}

void
session__connection_refuse_now(struct chek_connection *connection)
{
    CHEK_ASSERT(connection->state == SESSION_REFUSED);
    if (connection->is_gone) {
        session__connection_close(connection);
        return;
    }
    session__output_refusal(connection, connection->refused_id, CHEK_OPCODE_HELLO,
                            CHEK_E_AUTHENTICATION, NULL, NULL);
    connection_leave(connection, SESSION_CLOSING);
    chek_stream_resume(&connection->stream);
}

void
session__connection_drain(struct chek_connection *connection)
{
    if (connection->state == SESSION_REFUSED) {
        session__connection_refuse_now(connection);
    }
    if (connection->state > SESSION_OPEN) {
        return;
    }
    chek_list_remove(&connection->read_link);
    for (uint32_t i = connection->request_count; i > 0; i--) {
        struct chek_request *request = connection->requests[i - 1];
        if (session__rows[request->row].is_stream) {
            /* It can be asked again anywhere; one that follows would never end. */
            session__output_refusal(connection, request->frame_id,
                                    session__rows[request->row].opcode, CHEK_E_STOPPING, NULL,
                                    NULL);
            session__request_abandon(request);
        }
    }
    if (connection->request_count == 0) {
        session__connection_fail(connection, 0, 0, CHEK_E_STOPPING, NULL);
    } else {
        chek_stream_pause(&connection->stream);
    }
}
