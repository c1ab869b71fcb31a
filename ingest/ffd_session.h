/* SPDX-License-Identifier: MIT */
/*
 * ffd_session.h - what a Russian register sends over a connection, and what it is answered.
 *
 * A register sends messages, one behind the other; each holds a container with a document, or
 * nothing (a ping). The answer to a document is a message with document 7, which says whether it
 * was taken. The same document has the same answer whenever it comes.
 *
 *   Source   ingest/FFD.md S1..S9
 *   Threads  any thread
 */
#ifndef CHEK_INGEST_FFD_SESSION_H
#define CHEK_INGEST_FFD_SESSION_H

#include "engine/wire/protocol.h"
#include "ingest/ffd_container.h"

#define CHEK_FFD_MESSAGE_SIZE_MAX (CHEK_FFD_MESSAGE_HEAD_SIZE + CHEK_FFD_CONTAINER_SIZE_MAX)
#define CHEK_FFD_ANSWER_SIZE_MAX 256
#define CHEK_FFD_OPERATOR_SIZE_MAX 12 /* an INN */

/* Tag 1022 of the answer. */
enum chek_ffd_verdict {
    CHEK_FFD_ACCEPTED = 0,
    CHEK_FFD_NOT_RECOGNISED = 11, /* there is no document to be found in it */
    CHEK_FFD_NOT_VALID = 14,      /* what it says is not so, or contradicts what was said before */
    CHEK_FFD_NO_VERDICT = 255,    /* nothing is known: it is not answered */
};

enum chek_ffd_asked {
    CHEK_FFD_PING,
    CHEK_FFD_DOCUMENT, /* `found` is a document, not looked into yet */
    CHEK_FFD_REFUSED,  /* `verdict` is known already, `error` and `why` say what is wrong */
};

/* One message of a register. */
struct chek_ffd_asked_message {
    struct chek_ffd_message head;
    struct chek_ffd_found found; /* borrows the bytes */
    size_t size;     /* of the whole message, also beside SHORT when the head is there */
    uint32_t number; /* 1040 of the document, or the container's; 0: not known */
    uint32_t time;   /* 1012 as it is written; 0: not known */
    int error;
    const char *why;
    uint8_t kind; /* enum chek_ffd_asked */
    uint8_t verdict;
    bool wants_answer;
};

/*
 * Read the message that bytes begin with.
 *
 *   Errors     SHORT  more bytes are needed
 *              MAGIC, VERSION, LIMIT, RESERVED, CHECKSUM of the message: where the next one begins
 *              is not known
 */
CHEK_MUST_USE int chek_ffd_asked_read(struct chek_bytes_view bytes,
                                      struct chek_ffd_asked_message *ret);

/* What to answer to a document that was fed: `error` of the feeding, and its result. */
enum chek_ffd_verdict chek_ffd_verdict_of(int error, const struct chek_result *result);

/* What an answer is made of: the question is over when it is written. */
struct chek_ffd_reply {
    struct chek_ffd_message head; /* of the question */
    uint32_t number, time;
};

struct chek_ffd_reply chek_ffd_reply_to(const struct chek_ffd_asked_message *asked);

/* Write the answer to a document, at most CHEK_FFD_ANSWER_SIZE_MAX bytes. `operator_inn` is the
 * operator's INN, or empty. */
void chek_ffd_reply_write(const struct chek_ffd_reply *reply, enum chek_ffd_verdict verdict,
                          struct chek_bytes_view operator_inn, struct chek_writer *out);
/* The answer to a ping. */
void chek_ffd_ping_write(const struct chek_ffd_reply *reply, struct chek_writer *out);

#endif
