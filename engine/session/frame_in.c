/* SPDX-License-Identifier: MIT */
/*
 * frame_in.c - what a frame wants, whether it may, and who does it.
 *
 * One table, made from protocol.def, says for every opcode which right it needs and how large its
 * body may be; an opcode that is not in it does not exist. A frame is taken from the splitter only
 * when everything that its worst answer needs is there: a request, and room for a refusal.
 */
#include <string.h>

#include "engine/session/connection.h"

/* ---- the table of opcodes --------------------------------------------------------------------- */

#define ROW_ENUM(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) ROW_##NAME,
enum session_row_index { CHEK_OPCODES(ROW_ENUM) };
#undef ROW_ENUM

#define ROW(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) \
    {(number), CHEK_OPCODE_RIGHT_##RIGHT, (stream), (size)},
const struct session__row session__rows[CHEK_OPCODE_COUNT] = {CHEK_OPCODES(ROW)};
#undef ROW

/* Row + 1 of an opcode's number. */
#define ROW_OF(number, NAME, name, RIGHT, SCOPE, size, request, answer, stream) \
    [number] = ROW_##NAME + 1,
static const uint8_t row_of[CHEK_OPCODE_NUMBER_MAX + 1] = {CHEK_OPCODES(ROW_OF)};
#undef ROW_OF

uint32_t
session__row_of(uint16_t opcode)
{
    if (opcode > CHEK_OPCODE_NUMBER_MAX || row_of[opcode] == 0) {
        return CHEK_OPCODE_COUNT;
    }
    return row_of[opcode] - 1u;
}

uint32_t
session__rights_of(uint8_t right)
{
    switch (right) {
    case CHEK_OPCODE_RIGHT_READ:
        return 1u << CHEK_RIGHT_READ;
    case CHEK_OPCODE_RIGHT_INGEST:
        return 1u << CHEK_RIGHT_INGEST;
    case CHEK_OPCODE_RIGHT_ADMIN:
        return 1u << CHEK_RIGHT_ADMIN;
    case CHEK_OPCODE_RIGHT_PERSONS:
        return 1u << CHEK_RIGHT_PERSONS;
    default:
        return 0;
    }
}

/* ---- the session's own frames ----------------------------------------------------------------- */

static void
frame_refuse(struct chek_connection *connection, const struct chek_frame *frame, int error,
             const struct chek_fault *fault)
{
    session__output_refusal(connection, frame->head.frame_id, frame->head.opcode, error, fault,
                            NULL);
}

static void
frame_done(struct chek_connection *connection, const struct chek_frame *frame)
{
    session__output_nothing(connection, frame->head.frame_id, frame->head.opcode);
}

/* ping, resume: the body says nothing. */
static bool
nothing_is_said(struct chek_connection *connection, const struct chek_frame *frame)
{
    struct chek_nothing nothing;
    struct chek_fault fault;
    int error =
        chek_nothing_decode_whole(frame->body.bytes, frame->body.size, NULL, &nothing, &fault);
    if (error != CHEK_OK) {
        frame_refuse(connection, frame, error, &fault);
    }
    return error == CHEK_OK;
}

static void
cancel_handle(struct chek_connection *connection, const struct chek_frame *frame)
{
    struct chek_cancel cancel;
    struct chek_fault fault;
    int error =
        chek_cancel_decode_whole(frame->body.bytes, frame->body.size, NULL, &cancel, &fault);
    if (error != CHEK_OK) {
        frame_refuse(connection, frame, error, &fault);
        return;
    }
    struct chek_request *request = session__request_find(connection, cancel.frame);
    if (request != NULL) {
        session__output_refusal(connection, request->frame_id, session__rows[request->row].opcode,
                                CHEK_E_CANCELLED, NULL, NULL);
        session__request_abandon(request);
    }
    if (connection->state == SESSION_OPEN) {
        frame_done(connection, frame);
    }
}

static void
allow_handle(struct chek_connection *connection, const struct chek_frame *frame)
{
    struct chek_allow allow;
    struct chek_fault fault;
    int error = chek_allow_decode_whole(frame->body.bytes, frame->body.size, NULL, &allow, &fault);
    if (error != CHEK_OK) {
        frame_refuse(connection, frame, error, &fault);
        return;
    }
    struct chek_request *request = session__request_find(connection, allow.frame);
    if (request != NULL) {
        session__request_allow(request, allow.size);
    }
    frame_done(connection, frame);
}

/* ---- hello ------------------------------------------------------------------------------------ */

/* A hello has a secret in it. If it was put together in our buffer, nothing of it stays there. */
static void
hello_forget(struct chek_connection *connection, const struct chek_frame *frame)
{
    const uint8_t *end = connection->carry + connection->host->carry_size;
    if (frame->body.bytes >= connection->carry && frame->body.bytes < end) {
        explicit_bzero(connection->carry + (frame->body.bytes - connection->carry),
                       frame->body.size);
    }
}

static void
hello_handle(struct chek_connection *connection, const struct chek_frame *frame)
{
    struct chek_session_host *host = connection->host;
    const struct chek_frame_head *head = &frame->head;
    struct chek_hello hello;
    struct chek_fault fault;
    uint32_t principal;

    if (head->opcode != CHEK_OPCODE_HELLO || head->flags != 0) {
        session__connection_fail(connection, head->frame_id, head->opcode, CHEK_E_HANDSHAKE, NULL);
        return;
    }
    int error = chek_hello_decode_whole(frame->body.bytes, frame->body.size, NULL, &hello, &fault);
    if (error != CHEK_OK) {
        session__connection_fail(connection, head->frame_id, head->opcode, error, &fault);
        return;
    }
    error = chek_directory_authenticate(host->directory, hello.token, &principal);
    hello_forget(connection, frame);
    if (error != CHEK_OK) {
        session__connection_refuse(connection, head->frame_id);
        return;
    }
    uint64_t acknowledged = hello.acknowledged;
    session__connection_authenticated(connection, principal, hello.source);
    struct chek_request *request =
        session__request_begin(connection, ROW_HELLO, head->frame_id, CHEK_FRAME_HEAD_SIZE);
    chek_request_park(request);
    host->table.on_hello(host->table.context, request, acknowledged);
}

/* ---- frames ----------------------------------------------------------------------------------- */

/* What speaks against a frame before anybody looks into it. */
static int
frame_judge(const struct chek_connection *connection, const struct chek_frame *frame, uint32_t row)
{
    if (frame->head.flags != 0) {
        return CHEK_E_RANGE; /* an answer, from a client */
    }
    if (row == CHEK_OPCODE_COUNT) {
        return CHEK_E_OPCODE;
    }
    uint8_t right = session__rows[row].right;
    if (right == CHEK_OPCODE_RIGHT_NONE) {
        return CHEK_E_HANDSHAKE;
    }
    if (!chek_directory_may(connection->host->directory, connection->principal,
                            session__rights_of(right))) {
        return CHEK_E_PERMISSION;
    }
    if (frame->body.size > session__rows[row].body_size_max) {
        return CHEK_E_LIMIT;
    }
    if (session__request_find(connection, frame->head.frame_id) != NULL) {
        return CHEK_E_EXISTS;
    }
    if (connection->is_busy && right == CHEK_OPCODE_RIGHT_INGEST) {
        return CHEK_E_BUSY;
    }
    return CHEK_OK;
}

static void
frame_dispatch(struct chek_connection *connection, const struct chek_frame *frame, uint32_t row)
{
    struct chek_session_host *host = connection->host;

    if (host->table.handlers[row].handle == NULL) {
        frame_refuse(connection, frame, CHEK_E_OPCODE, NULL);
        return;
    }
    struct chek_request *request = session__request_begin(connection, row, frame->head.frame_id,
                                                          CHEK_FRAME_HEAD_SIZE + frame->body.size);
    host->table.handlers[row].handle(host->table.context, request, frame->body);
}

static void
frame_handle(struct chek_connection *connection, const struct chek_frame *frame)
{
    uint32_t row = session__row_of(frame->head.opcode);

    int error = frame_judge(connection, frame, row);
    if (error == CHEK_E_HANDSHAKE) {
        session__connection_fail(connection, frame->head.frame_id, frame->head.opcode, error, NULL);
        return;
    }
    if (error != CHEK_OK) {
        frame_refuse(connection, frame, error, NULL);
        return;
    }
    switch (row) {
    case ROW_PING:
    case ROW_RESUME:
        if (nothing_is_said(connection, frame)) {
            connection->is_busy = connection->is_busy && row != ROW_RESUME;
            frame_done(connection, frame);
        }
        break;
    case ROW_CANCEL:
        cancel_handle(connection, frame);
        break;
    case ROW_ALLOW:
        allow_handle(connection, frame);
        break;
    default:
        frame_dispatch(connection, frame, row);
        break;
    }
}

/* ---- the loop --------------------------------------------------------------------------------- */

static bool
may_begin_request(const struct chek_connection *connection)
{
    const struct chek_session_config *config = &connection->host->config;
    return connection->request_count < config->request_count_max &&
           connection->request_size <= config->credits;
}

/* What steers requests passes although no further request may begin. */
static bool
is_own(uint16_t opcode)
{
    return opcode == CHEK_OPCODE_PING || opcode == CHEK_OPCODE_RESUME ||
           opcode == CHEK_OPCODE_CANCEL || opcode == CHEK_OPCODE_ALLOW;
}

static bool
may_take_frame(const struct chek_connection *connection)
{
    const struct chek_session_host *host = connection->host;
    return connection->state <= SESSION_OPEN && connection->park_count == 0 && !host->is_draining &&
           (!connection->is_blocked || may_begin_request(connection)) &&
           session__output_has_room(connection, 0, 1) && host->arena.used <= SESSION_ARENA_USED_MAX;
}

/*
 * Handle frames. Returns 0 when more bytes are needed, 1 when frames may be left, or the error of
 * the splitter.
 */
static int
frames_handle(struct chek_connection *connection)
{
    struct chek_frame frame;
    size_t done_size = 0;

    while (may_take_frame(connection)) {
        if (done_size > SESSION_RUN_SIZE_MAX) {
            session__ready(connection);
            return 1;
        }
        int got = chek_splitter_next(&connection->splitter, &frame);
        if (got != 1) {
            return got;
        }
        connection->is_blocked = !may_begin_request(connection) && !is_own(frame.head.opcode);
        if (connection->is_blocked) {
            chek_splitter_unread(&connection->splitter);
            return 1;
        }
        done_size += CHEK_FRAME_HEAD_SIZE + frame.body.size;
        connection->host->counters.request_count += 1;
        if (connection->state == SESSION_OPEN) {
            chek_list_remove(&connection->read_link);
            frame_handle(connection, &frame);
        } else {
            hello_handle(connection, &frame);
        }
    }
    if (connection->host->arena.used > SESSION_ARENA_USED_MAX) {
        session__ready(connection);
    }
    return 1;
}

/* Keep what was not handled, and read on or not. */
static void
frames_leave(struct chek_connection *connection, bool is_stalled)
{
    if (chek_splitter_keep(&connection->splitter) != CHEK_OK) {
        connection->host->counters.frame_error_count += 1;
        session__connection_fail(connection, 0, 0, CHEK_E_LIMIT, NULL);
        return;
    }
    if (chek_splitter_waiting(&connection->splitter) > SESSION_TOUCHED_SIZE_MAX) {
        connection->is_touched = true;
    }
    connection->is_stalled = is_stalled;
    if (is_stalled) {
        if (connection->state == SESSION_OPEN) {
            chek_list_remove(&connection->read_link); /* the peer waits for us */
        }
        chek_stream_pause(&connection->stream);
        return;
    }
    if (connection->state == SESSION_OPEN && chek_splitter_waiting(&connection->splitter) != 0) {
        session__deadline_frame(connection);
    }
    chek_stream_resume(&connection->stream);
}

void
session__frames_run(struct chek_connection *connection)
{
    if (connection->state > SESSION_OPEN || connection->host->is_draining) {
        return;
    }
    CHEK_ASSERT(!connection->is_running);
    connection->is_running = true;
    int left = frames_handle(connection);
    connection->is_running = false;
    if (connection->state > SESSION_OPEN || connection->host->is_draining) {
        return;
    }
    if (left < 0) {
        connection->host->counters.frame_error_count += 1;
        session__connection_fail(connection, chek_splitter_failed_frame(&connection->splitter), 0,
                                 left, NULL);
        return;
    }
    frames_leave(connection, left == 1);
}
