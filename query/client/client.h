/* SPDX-License-Identifier: MIT */
/*
 * client.h - libchek: a connection to a chek server over a plain blocking socket.
 *
 * A client owns one connection. Send frames and receive answers by hand (several requests may be in
 * flight), or let chek_client_request() do one request from its first byte to its last answer.
 * Bodies are records of protocol.h, made with chek_NAME_encode() and read with chek_NAME_decode_whole().
 * A feeder (feeder.h) sends documents in bulk and sees to it that each is judged exactly once.
 *
 * Outside the project all of it is one header, <chek.h>, and pkg-config knows it as `chek`.
 *
 *   Source   engine/wire/PROTOCOL.md
 *   Threads  a client belongs to one thread at a time; there is no global state
 */
#ifndef CHEK_CLIENT_CLIENT_H
#define CHEK_CLIENT_CLIENT_H

#include "engine/wire/frame.h"
#include "engine/wire/protocol.h"

#define CHEK_CLIENT_PORT_DEFAULT "7420"
#define CHEK_CLIENT_TIMEOUT_MS_DEFAULT 30000
#define CHEK_CLIENT_TIMEOUT_FOREVER UINT32_MAX

struct chek_client;

/* Why something failed, for programs (`code`, `field`, `index`, `at`) and for people (`text`). */
struct chek_failure {
    int code;       /* CHEK_E_* or -errno */
    uint16_t field; /* CHEK_FIELD_*; 0: no field is to blame */
    uint16_t index; /* place in the list that the value is in */
    uint32_t at;    /* offset of the value in the request's body, when `field` is given */
    char text[256]; /* never empty after a failure */
};

struct chek_client_options {
    const char *address;          /* "HOST", "HOST:PORT", "[IPV6]:PORT" */
    struct chek_bytes_view token; /* as token_add gave it out */
    const char *program;          /* name and version, for the server's status; may be NULL */
    uint32_t source;              /* number of this stream of documents; 0 if there is only one */
    uint64_t acknowledged;        /* highest offset that was acknowledged to the source */
    uint32_t timeout_ms;          /* longest silence while something is awaited; 0: the default */
};

/* What the server said of itself in the handshake. */
struct chek_client_welcome {
    uint32_t principal;
    uint32_t credits; /* bytes of frames that may be in flight */
    uint32_t rights;  /* bits of enum chek_right */
    uint16_t partitions;
    uint16_t revision; /* of the protocol, the server's */
    bool alarm;        /* the server holds less than was acknowledged: tell a human */
    char server[65];
};

/* A frame that came. */
struct chek_client_answer {
    uint64_t frame_id;
    struct chek_bytes_view body; /* a record, unless refused */
    uint16_t opcode;
    bool last;    /* nothing more comes for this request */
    bool refused; /* `chek_client_failure()` tells why */
};

/*
 * Connect and shake hands.
 *
 *   Ownership  copies what the options point to; close with chek_client_close()
 *   Errors     USAGE an address that is none; NOT_FOUND no such host; -errno of connect();
 *              TIMEOUT, CLOSED, and what the server refuses with: AUTHENTICATION, HANDSHAKE,
 *              REVOKED, STOPPING, BUSY. *ret is unchanged; *failure (may be NULL) tells more
 */
CHEK_MUST_USE int chek_client_connect(const struct chek_client_options *options,
                                      struct chek_client **ret, struct chek_failure *failure);

/* Close the connection and forget the client; takes NULL. */
void chek_client_close(struct chek_client *client);

const struct chek_client_welcome *chek_client_welcome(const struct chek_client *client);

/* Why the last call on this client failed. Valid until the next call that fails. */
const struct chek_failure *chek_client_failure(const struct chek_client *client);

/* Change the longest silence; CHEK_CLIENT_TIMEOUT_FOREVER waits for ever. */
void chek_client_timeout(struct chek_client *client, uint32_t timeout_ms);

/* ---- frames by hand --------------------------------------------------------------------------- */

/*
 * Send one request; `*ret_frame_id` is what its answers will carry.
 *
 *   Errors     LIMIT the body is larger than a frame; TIMEOUT, CLOSED, -errno: the connection is of
 *              no more use
 *   Cost       copies the body once; blocks until the system has taken it, receiving meanwhile
 */
CHEK_MUST_USE int chek_client_send(struct chek_client *client, uint16_t opcode,
                                   struct chek_bytes_view body, uint64_t *ret_frame_id);

/*
 * Send bytes that are whole frames already (frame.h), whose ids the caller has chosen with bit 63
 * clear; ids of chek_client_send() have it set.
 *
 *   Errors     TIMEOUT, CLOSED, -errno
 */
CHEK_MUST_USE int chek_client_send_frames(struct chek_client *client,
                                          struct chek_bytes_view frames);

/*
 * Receive the next frame. Returns 1 and the frame, or 0 when none came within `timeout_ms` (0: do
 * not wait; CHEK_CLIENT_TIMEOUT_FOREVER).
 *
 *   Ownership  ret->body is valid until the next call on this client
 *   Errors     CLOSED, -errno, or the error of a frame that is not valid: the connection is of no
 *              more use. A refusal is no error of the call
 */
CHEK_MUST_USE int chek_client_receive(struct chek_client *client, uint32_t timeout_ms,
                                      struct chek_client_answer *ret);

/* The socket, for poll(). It is the client's. */
int chek_client_socket(const struct chek_client *client);

/* ---- whole requests --------------------------------------------------------------------------- */

/* One frame of an answer. Anything but CHEK_OK ends the request and is what it returns. */
typedef int (*chek_client_on_body)(void *context, struct chek_bytes_view body);

/*
 * Send a request and hand over all frames of its answer, in order. Nothing else may be in flight.
 *
 * BUSY is waited out with `resume` within the client's timeout; a stream is allowed as fast as it is taken.
 *
 *   Errors     what the server refuses with; what `on_body` returned (the request is cancelled, the
 *              connection goes on); USAGE something else is in flight; otherwise as
 *              chek_client_receive()
 */
CHEK_MUST_USE int chek_client_request(struct chek_client *client, uint16_t opcode,
                                      struct chek_bytes_view body, chek_client_on_body on_body,
                                      void *context);

#endif
