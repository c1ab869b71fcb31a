/* SPDX-License-Identifier: MIT */
/*
 * output.c - the two halves of a connection's output: one is being sent, the other filled.
 *
 * Invariant: behind what is in the filled half there is room for a refusal of every request in
 * flight and for one more, the connection's own. An answer may not use that room and a frame is
 * not taken without it; so a refusal always fits, however slowly the peer reads.
 */
#include "engine/session/connection.h"

bool
session__output_has_room(const struct chek_connection *connection, size_t size, uint32_t more_count)
{
    size_t kept = ((size_t)connection->request_count + more_count + 1) * SESSION_REFUSAL_SIZE_MAX;
    return connection->fill_size + size + kept <= connection->host->half_size;
}

void
session__output_touch(struct chek_connection *connection)
{
    if (chek_list_is_empty(&connection->output_link)) {
        chek_list_add(&connection->host->outputs, &connection->output_link);
    }
}

/* ---- forming frames --------------------------------------------------------------------------- */

struct chek_writer
session__output_begin(struct chek_connection *connection, size_t size_max)
{
    size_t at = connection->fill_size + CHEK_FRAME_HEAD_SIZE;

    CHEK_ASSERT(at + size_max <= connection->host->half_size);
    return chek_writer_over(connection->halves[connection->fill] + at, size_max);
}

void
session__output_end(struct chek_connection *connection, size_t body_size, uint16_t opcode,
                    uint8_t flags, uint64_t frame_id)
{
    struct chek_writer out = {
        .bytes = connection->halves[connection->fill],
        .capacity = connection->host->half_size,
        .size = connection->fill_size + CHEK_FRAME_HEAD_SIZE + body_size,
    };
    CHEK_ASSERT(out.size <= out.capacity);
    chek_frame_finish(&out, connection->fill_size, opcode, flags, frame_id);
    connection->fill_size = out.size;
    session__output_touch(connection);
}

void
session__output_nothing(struct chek_connection *connection, uint64_t frame_id, uint16_t opcode)
{
    struct chek_nothing nothing = {0};
    struct chek_writer out = session__output_begin(connection, 16);

    chek_nothing_encode(&out, &nothing);
    CHEK_ASSERT(!out.full);
    session__output_end(connection, out.size, opcode, CHEK_FRAME_ANSWER | CHEK_FRAME_LAST,
                        frame_id);
}

/* The beginning of a text that fits into a refusal, cut between characters. */
static struct chek_bytes_view
text_cut(const char *text)
{
    struct chek_bytes_view view = chek_bytes_view_text(text);
    if (view.size > SESSION_TEXT_SIZE_MAX) {
        view.size = SESSION_TEXT_SIZE_MAX;
        while (view.size > 0 && (view.bytes[view.size] & 0xc0) == 0x80) {
            view.size -= 1;
        }
    }
    return view;
}

void
session__output_refusal(struct chek_connection *connection, uint64_t frame_id, uint16_t opcode,
                        int error, const struct chek_fault *fault, const char *text)
{
    struct chek_session_counters *counters = &connection->host->counters;
    struct chek_refusal refusal = {
        .code = (uint32_t)-error,
        .text = text_cut(text != NULL ? text : chek_error_text(error)),
    };
    if (fault != NULL && fault->field != 0) {
        refusal.field = fault->field;
        refusal.index = fault->index;
        refusal.at = fault->at <= UINT32_MAX ? (uint32_t)fault->at : 0;
    }
    counters->refusal_count += 1;
    counters->busy_count += error == CHEK_E_BUSY;
    struct chek_writer out =
        session__output_begin(connection, SESSION_REFUSAL_SIZE_MAX - CHEK_FRAME_HEAD_SIZE);
    chek_refusal_encode(&out, &refusal);
    CHEK_ASSERT(!out.full);
    session__output_end(connection, out.size, opcode,
                        CHEK_FRAME_ANSWER | CHEK_FRAME_LAST | CHEK_FRAME_REFUSAL, frame_id);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static size_t
piece_size(const struct chek_connection *connection)
{
    size_t left = connection->send_size - connection->send_at;
    return left < SESSION_SEND_SIZE_MAX ? left : SESSION_SEND_SIZE_MAX;
}

static void
piece_send(struct chek_connection *connection, uint64_t now_ns)
{
    const uint8_t *half = connection->halves[1 - connection->fill];

    connection->host->counters.send_count += 1;
    session__deadline_send(connection, now_ns);
    chek_stream_send(&connection->stream, half + connection->send_at, piece_size(connection));
}

void
session__output_turn(struct chek_connection *connection, uint64_t now_ns)
{
    if (connection->send_size != 0) {
        return;
    }
    if (connection->fill_size == 0) {
        if (connection->state == SESSION_CLOSING) {
            session__connection_close(connection);
        }
        return;
    }
    if (connection->fill_size > SESSION_TOUCHED_SIZE_MAX) {
        connection->is_touched = true;
    }
    connection->send_size = connection->fill_size;
    connection->send_at = 0;
    connection->fill = 1 - connection->fill;
    connection->fill_size = 0;
    connection->building = NULL;
    piece_send(connection, now_ns);
    if (connection->is_stalled || !chek_list_is_empty(&connection->waiting)) {
        session__ready(connection);
    }
}

void
session__output_on_sent(struct chek_stream *stream, int error)
{
    struct chek_connection *connection = CHEK_CONTAINER_OF(stream, struct chek_connection, stream);
    struct chek_session_host *host = connection->host;

    if (error != CHEK_OK) {
        session__connection_close(connection);
        return;
    }
    chek_list_remove(&connection->send_link);
    host->counters.sent_size += piece_size(connection);
    connection->send_at += piece_size(connection);
    if (connection->send_at < connection->send_size) {
        piece_send(connection, chek_io_now_ns(host->io));
        return;
    }
    connection->send_size = 0;
    if (connection->fill_size != 0 || connection->state == SESSION_CLOSING) {
        session__output_touch(connection);
    }
}
