/* SPDX-License-Identifier: MIT */
/*
 * session.h - connections: who speaks, may he, what does he want, and the answer's way back.
 *
 * A session host belongs to a shard. It accepts streams, splits frames, checks the head, the
 * checksum and the handshake, looks the opcode up in the one table made from protocol.def (right,
 * size limit, handler) and calls the handler with a request. Handlers live in ingest and query; the
 * wiring hands their table over. An answer may come in the same call, in a later turn, in many
 * frames; a request ends with its last frame, with cancel, or with the connection.
 *
 * Nothing a client sends makes a session allocate: connections, requests and buffers are taken from
 * pools of fixed size made at the start, in address space that is touched as it is used.
 *
 * The rules of a connection:
 *
 * - Its first frame is a right `hello`, or its last. A hello that is refused, by whomever, and
 *   what is not a valid frame end the connection, with one refusal that says why.
 * - What is wrong with one frame is a refusal of that frame: unknown opcode, missing right, body
 *   above the opcode's limit, frame id of a request in flight (EXISTS).
 * - BUSY is sticky: after chek_request_busy() for an opcode whose right is `ingest`, every later
 *   frame of such an opcode is BUSY until a `resume` came. Asking goes on, and an asker's BUSY
 *   sticks to nothing.
 * - While request_count_max requests are in flight, or their frames have more than `credits`
 *   bytes, or the output has no room for one more refusal, no further request begins: reading is
 *   paused. `cancel` and `allow` pass if they are next.
 * - While a request is parked nothing passes.
 * - What arrives although reading is paused is kept: room is there for a whole frame, all credits
 *   and 2 MiB (64 buffers of the io room, twice what the kernel hands over in one go). A peer that
 *   manages to send more has ignored its credits, and is refused with LIMIT.
 * - A stream may send a frame as long as less than CHEK_STREAM_WINDOW_SIZE of what it has sent is
 *   not allowed yet.
 * - The peer's end of its stream ends the connection.
 *
 *   Threads  the owning shard
 */
#ifndef CHEK_SESSION_SESSION_H
#define CHEK_SESSION_SESSION_H

#include "engine/base/arena.h"
#include "engine/base/list.h"
#include "engine/directory/directory.h"
#include "engine/io/io.h"
#include "engine/wire/frame.h"
#include "engine/wire/protocol.h"

struct chek_session_host;
struct chek_connection;
struct chek_request;

/* One row of the table: how requests of an opcode are handled. */
struct chek_handler {
    /*
     * Handle one request. `body` is the frame's body, borrowed for the call. The handler decodes
     * it, answers now, or keeps the request and answers later.
     */
    void (*handle)(void *context, struct chek_request *request, struct chek_bytes_view body);
    /* The request is over before its answer was: cancelled, or the connection is gone. The handler
     * must not touch it after this call. NULL for handlers that answer in the same call. */
    void (*on_abandon)(void *context, struct chek_request *request);
    /* There is room again for a streamed answer. NULL for answers of one frame. */
    void (*on_room)(void *context, struct chek_request *request);
};

/* One handler a row of CHEK_OPCODES, in its order; hello, ping, resume, cancel and allow are the
 * session's own and NULL here. */
struct chek_handler_table {
    void *context;
    struct chek_handler handlers[CHEK_OPCODE_COUNT];
    /*
     * A principal came in and says what was acknowledged to it. The wiring finds out whether the
     * partitions hold that much and calls chek_request_welcome(), now or later; no other frame of
     * the connection is handled before.
     */
    void (*on_hello)(void *context, struct chek_request *request, uint64_t acknowledged);
};

struct chek_session_config {
    uint32_t connection_count_max;
    uint32_t unauthenticated_count_max;
    uint32_t request_count_max; /* in flight on a connection */
    uint32_t output_size; /* bytes of answers waiting on a connection, each of two halves; at least
                             one frame of the largest answer is taken */
    uint32_t credits;     /* bytes of request frames in flight on a connection */
    uint64_t handshake_ns_max; /* from accept to a right hello; for a wrong one to be refused */
    uint64_t frame_ns_max; /* from a frame's first byte to its last; for the peer to take 256 KiB */
    uint64_t drain_ns_max; /* the latter while the host drains: who does not read delays its end */
    const char *server;    /* name and version for welcome, at most 64 bytes; copied */
};

struct chek_session_counters {
    uint64_t connection_count, connection_open_count, request_count, refusal_count, busy_count;
    uint64_t authentication_failure_count, alarm_count, frame_error_count, timeout_count;
    uint64_t received_size, sent_size, send_count;
};

/*
 * Make a host. Nothing of `config` and `table` is kept but copies.
 *
 *   Errors  -ENOMEM; nothing is left behind
 */
CHEK_MUST_USE int chek_session_host_create(struct chek_io *io,
                                           const struct chek_session_config *config,
                                           const struct chek_handler_table *table,
                                           struct chek_session_host **ret);
/* Takes NULL. No handler is called any more, also when connections are left: the io room must not
 * be run again. */
void chek_session_host_destroy(struct chek_session_host *host);

/* The shard's copy of the directory; may change between turns (after a reload). */
void chek_session_host_directory(struct chek_session_host *host,
                                 const struct chek_directory *directory);

/*
 * Listen. The directory must have been given. Errors as chek_io_listen().
 */
CHEK_MUST_USE int chek_session_listen(struct chek_session_host *host, const char *address,
                                      uint16_t *ret_port);

/* End of a turn: send what was answered, one send a connection; check deadlines; reset the arena.
 * No handler is called, but on_abandon of a connection that was too slow. */
void chek_session_turn(struct chek_session_host *host, uint64_t now_ns);

/* A principal was revoked: what its connections have in work is abandoned in this call and nothing
 * more is taken from them; a refusal REVOKED goes out, then they are closed. */
void chek_session_revoke(struct chek_session_host *host, uint32_t principal);

/* Stop accepting and reading; frames in work are still answered, but streams end with STOPPING (one
 * that follows would never end). A connection is closed after a last refusal STOPPING of opcode 0,
 * or when its peer does not take what it is sent within `drain_ns_max`.
 * True when nothing is left. */
void chek_session_drain(struct chek_session_host *host);
bool chek_session_is_drained(const struct chek_session_host *host);

/* ---- requests, for handlers ------------------------------------------------------------------- */

/* Who asks, what, and a place for the handler's own state (64 bytes, zero at the start). */
uint32_t chek_request_principal(const struct chek_request *request);
uint64_t chek_request_source(const struct chek_request *request); /* principal << 32 | source */
uint8_t chek_request_opcode(const struct chek_request *request);
void *chek_request_state(struct chek_request *request);
#define CHEK_REQUEST_STATE_SIZE 64

/* Bytes of a streamed answer that may be sent without having been allowed. */
#define CHEK_STREAM_WINDOW_SIZE (1024 * 1024)

/* Arena of the current turn, reset after it: for decoding and for building answers. */
struct chek_arena *chek_request_arena(struct chek_request *request);

/*
 * Begin a frame of the answer with room for `size_max` body bytes; write the body with the
 * returned writer, then chek_request_answer_end(). `last` ends the request: the pointer is gone.
 *
 * A frame that was begun and not ended does not exist. Between begin and end no other call for
 * the same connection.
 *
 *   Ownership  the bytes under the writer are the session's; the writer is good for this call
 *   Errors     an out->full writer when the connection's output has no room now, or the stream's
 *              window is used up. A handler with on_room is queued and called when that changes,
 *              never from inside another call; others keep the answer or refuse
 */
struct chek_writer chek_request_answer_begin(struct chek_request *request, size_t size_max);
void chek_request_answer_end(struct chek_request *request, const struct chek_writer *body,
                             bool last);

/* Answer a hello and end the request. `alarm`: less is stored than was acknowledged; counted. */
void chek_request_welcome(struct chek_request *request, bool alarm);

/* Answer with a refusal and end the request; it always fits. `fault` may be NULL; `text` NULL = the
 * error's own, else UTF-8, cut at 255 bytes. */
void chek_request_refuse(struct chek_request *request, int error, const struct chek_fault *fault,
                         const char *text);

/* Answer BUSY; if the opcode's right is `ingest`, frames of such opcodes are BUSY until RESUME. */
void chek_request_busy(struct chek_request *request);

/*
 * Park the connection: no further frame of it is handled until the request has been unparked, so
 * that what follows cannot overtake it. The end of the request unparks too. What waited is handled
 * in the next pass of the shard's loop, never inside these calls.
 */
void chek_request_park(struct chek_request *request);
void chek_request_unpark(struct chek_request *request);

struct chek_session_counters chek_session_count(const struct chek_session_host *host);

#endif
