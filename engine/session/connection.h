/* SPDX-License-Identifier: MIT */
/*
 * connection.h - a connection, its requests and its host, shared by the files of this room.
 *
 * Handlers are called from three places only: bytes that arrived (frame_in.c), the wake-up, which
 * goes on with connections that stood still, and the end of a connection. Never from
 * chek_session_turn(), which comes after the shard has formed its log group: what a handler wants
 * done would wait there until something else wakes the shard. So whatever makes a connection able
 * to go on puts it into the list `ready` and starts the wake-up, a timer that is due at once.
 */
#ifndef CHEK_SESSION_CONNECTION_H
#define CHEK_SESSION_CONNECTION_H

#include "engine/base/assertion.h"
#include "engine/session/session.h"

#define SESSION_LISTENER_COUNT_MAX 4

/* The turn's arena, and how much of it may be taken before further frames wait for the next turn:
 * the rest is for the frame that is being handled. */
#define SESSION_ARENA_SIZE ((size_t)64 * 1024 * 1024)
#define SESSION_ARENA_USED_MAX ((size_t)32 * 1024 * 1024)

/* Bytes of frames that one connection handles before the others come on. */
#define SESSION_RUN_SIZE_MAX (256 * 1024)

/* What may still arrive after a pause: the receives that the io room has begun, each of one
 * buffer. Beside it a connection keeps room for a whole frame and for all its credits. */
#define SESSION_LATE_SIZE (2 * 1024 * 1024)

/* Bytes of one send: as often a peer that reads slowly shows that it reads. */
#define SESSION_SEND_SIZE_MAX ((size_t)256 * 1024)

/* A connection that used more of a buffer than this gives its memory back at its end. */
#define SESSION_TOUCHED_SIZE_MAX ((size_t)64 * 1024)

/* Wrong tokens of a host that are refused at once. Each later one waits, the first for a 64th of a
 * handshake's time, the others twice as long each, until they wait for the whole of it. One is
 * forgotten in every handshake's time. */
#define SESSION_FAILURE_PASS_COUNT 3
#define SESSION_FAILURE_DOUBLING_COUNT 6

/* Head, mask, code, field, index and offset as numbers, text with its size. */
#define SESSION_TEXT_SIZE_MAX 255
#define SESSION_REFUSAL_SIZE_MAX \
    (CHEK_FRAME_HEAD_SIZE + 1 + 3 + 3 + 3 + 5 + 2 + SESSION_TEXT_SIZE_MAX)

/* The session's own answers (nothing, welcome) are no larger. */
_Static_assert(SESSION_REFUSAL_SIZE_MAX >= CHEK_FRAME_HEAD_SIZE + 2 + 4 + 4 + 65 + 5 + 2,
               "a welcome takes the place of a refusal");

enum session__state {
    SESSION_WANTS_HELLO,
    SESSION_OPEN,    /* authenticated; parked by its hello until that is answered */
    SESSION_REFUSED, /* its token was wrong; it hears of that later, what arrives is dropped */
    SESSION_CLOSING, /* the last frame is on its way out; what arrives is dropped */
    SESSION_CLOSED,  /* the io room lets go of it */
};

struct chek_request {
    struct chek_connection *connection; /* NULL when free */
    struct chek_request *next_free;
    struct chek_list wait_link; /* in connection->waiting: for room, in the order of asking */
    uint64_t frame_id;
    int64_t unallowed_size; /* of a stream: sent, less allowed; negative: allowed ahead */
    uint32_t frame_size;
    uint32_t index; /* in the connection's arrays */
    uint8_t row;    /* of the table of opcodes */
    bool is_parked;
    bool waits_for_allow;
    _Alignas(16) uint8_t state[CHEK_REQUEST_STATE_SIZE];
};

struct chek_connection {
    struct chek_stream stream;
    struct chek_session_host *host;
    struct chek_splitter splitter;
    struct chek_list open_link;   /* host->open, or host->free */
    struct chek_list read_link;   /* host->handshakes, ->frames or ->failures, by the deadline */
    struct chek_list send_link;   /* host->sends, by send_deadline_ns */
    struct chek_list output_link; /* host->outputs: look at it at the end of the turn */
    struct chek_list ready_link;  /* host->ready: go on with it */
    struct chek_list waiting;     /* requests that wait for room */
    uint64_t read_deadline_ns, send_deadline_ns;
    uint64_t source;
    uint64_t refused_id; /* of the hello, while SESSION_REFUSED */
    uint32_t principal;
    enum session__state state;
    bool is_gone;          /* the peer went while it was SESSION_REFUSED */
    bool is_busy;          /* sticky, until resume */
    bool is_running;       /* its frames are being handled further up the stack */
    bool is_stalled;       /* it has frames, or may get some, and must not handle them now */
    bool is_blocked;       /* the frame in front waits for a request to end */
    bool is_touched;       /* a large part of its buffers was used */
    size_t committed_size; /* of its buffers; stays when it ends */
    uint32_t park_count;
    uint32_t request_count;
    uint64_t request_size; /* bytes of the frames of requests in flight */
    uint64_t *frame_ids;   /* of requests in flight, dense */
    struct chek_request **requests;
    struct chek_request *building; /* its frame is being formed behind fill_size */
    struct chek_request *roomed;   /* its on_room is being called and it has formed nothing yet */
    uint8_t *carry;
    uint8_t *halves[2];
    uint32_t fill; /* the half that is being filled */
    size_t fill_size;
    size_t send_size, send_at; /* of the other half; 0: nothing is being sent */
};

struct session__listener {
    struct chek_listener listener;
    struct chek_session_host *host;
};

struct chek_session_host {
    struct chek_io *io;
    struct chek_session_config config;
    struct chek_handler_table table;
    const struct chek_directory *directory;
    struct chek_arena arena; /* of the turn */
    struct chek_session_counters counters;
    char server[65];
    bool is_draining;
    uint32_t unauthenticated_count; /* those that wait for their refusal too */
    struct chek_list open, free, handshakes, frames, failures, sends, outputs, ready;
    struct chek_op wake_op, tick_op, failure_op;
    uint64_t tick_ns;
    uint32_t failure_level; /* wrong tokens that are not forgotten; and since when it is so */
    uint64_t failure_ns;
    struct session__listener listeners[SESSION_LISTENER_COUNT_MAX];
    uint32_t listener_count;
    /* Pools: reserved, touched as used. */
    struct chek_connection *connections;
    uint32_t connection_used_count; /* behind these none was ever used */
    struct chek_request *requests;
    struct chek_request *request_free;
    size_t request_used_count;
    uint8_t *buffers;
    size_t connections_size, requests_size, buffers_size, arena_size;
    size_t arrays_size, carry_size, half_size, stride;
};

/* One row of the table of opcodes. */
struct session__row {
    uint16_t opcode;
    uint8_t right; /* enum chek_opcode_right */
    bool is_stream;
    uint32_t body_size_max;
};

/* The rows, in the order of CHEK_OPCODES, and the one of a number: CHEK_OPCODE_COUNT if none. */
extern const struct session__row session__rows[CHEK_OPCODE_COUNT];
uint32_t session__row_of(uint16_t opcode);

/* Rights (bits of enum chek_right) that an opcode's right stands for. */
uint32_t session__rights_of(uint8_t right);

/* ---- host.c ----------------------------------------------------------------------------------- */

/* Go on with a connection soon, from the wake-up. */
void session__ready(struct chek_connection *connection);

/* NULL when there is none, or no memory for its buffers. */
struct chek_connection *session__connection_take(struct chek_session_host *host);
void session__connection_give(struct chek_connection *connection);

/* ---- connection.c ----------------------------------------------------------------------------- */

void session__connection_start(struct chek_session_host *host, int socket);

/* Abandon what is in work and close. */
void session__connection_close(struct chek_connection *connection);

/* The same, but first one last frame says why; connection closes when it is out. */
void session__connection_fail(struct chek_connection *connection, uint64_t frame_id,
                              uint16_t opcode, int error, const struct chek_fault *fault);

/* hello was wrong: fail as above, at once or after a while. */
void session__connection_refuse(struct chek_connection *connection, uint64_t frame_id);
/* The while is over. */
void session__connection_refuse_now(struct chek_connection *connection);

/* hello was right: the principal is known and frames may be large. */
void session__connection_authenticated(struct chek_connection *connection, uint32_t principal,
                                       uint32_t source);

/* Nothing more will come of a connection that drains: when it has nothing in work, say so. */
void session__connection_drain(struct chek_connection *connection);

/* ---- frame_in.c ------------------------------------------------------------------------------- */

/* Handle the frames that are there, as long as the connection may; then pause or go on reading. */
void session__frames_run(struct chek_connection *connection);

/* ---- request.c -------------------------------------------------------------------------------- */

struct chek_request *session__request_begin(struct chek_connection *connection, uint32_t row,
                                            uint64_t frame_id, size_t frame_size);
struct chek_request *session__request_find(const struct chek_connection *connection,
                                           uint64_t frame_id);
/* Forget a request whose last frame is formed, or that never gets one. */
void session__request_end(struct chek_request *request);
/* Tell the handler that a request is over, then forget it. */
void session__request_abandon(struct chek_request *request);
/* More of a stream may be sent. */
void session__request_allow(struct chek_request *request, uint32_t size);
/* There may be room: ask the requests that wait for it. */
void session__requests_room(struct chek_connection *connection);

/* ---- output.c --------------------------------------------------------------------------------- */

/* Whether `size` bytes fit behind what is in the half, with a refusal kept for every request in
 * flight, `more_count` requests more, and the connection itself. */
bool session__output_has_room(const struct chek_connection *connection, size_t size,
                              uint32_t more_count);

/* A whole frame that always fits: a refusal, or one of the session's own answers. */
void session__output_refusal(struct chek_connection *connection, uint64_t frame_id, uint16_t opcode,
                             int error, const struct chek_fault *fault, const char *text);
void session__output_nothing(struct chek_connection *connection, uint64_t frame_id,
                             uint16_t opcode);

/* A writer for the body of a frame that is to be formed next; then its end. */
struct chek_writer session__output_begin(struct chek_connection *connection, size_t size_max);
void session__output_end(struct chek_connection *connection, size_t body_size, uint16_t opcode,
                         uint8_t flags, uint64_t frame_id);

/* Look at the connection at the end of the turn. */
void session__output_touch(struct chek_connection *connection);

/* Send the filled half if nothing is being sent; the end of a turn. */
void session__output_turn(struct chek_connection *connection, uint64_t now_ns);
/* The io room's callback. */
void session__output_on_sent(struct chek_stream *stream, int error);

/* ---- deadline.c ------------------------------------------------------------------------------- */

void session__deadline_handshake(struct chek_connection *connection);
void session__deadline_frame(struct chek_connection *connection);
void session__deadline_send(struct chek_connection *connection, uint64_t now_ns);
/* Count a wrong token, and let it wait; false: it need not. */
bool session__deadline_failure(struct chek_connection *connection);
/* The host drains: sends that are under way get the shorter time, from now on. */
void session__deadlines_drain(struct chek_session_host *host);
/* Close what is past its deadline; see to it that the loop wakes for what is not. */
void session__deadlines_expire(struct chek_session_host *host, uint64_t now_ns);
void session__deadlines_tick(struct chek_session_host *host, uint64_t now_ns);

#endif
