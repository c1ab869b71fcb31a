/* SPDX-License-Identifier: MIT */
/*
 * ffd_container.h - what Russian fiscal documents travel and are kept in.
 *
 * A register sends a message: a head of 30 bytes and a container. A container is a head of 32 bytes
 * and a document; stored ones have lost the first four bytes of it, or hold placeholders there. A
 * document stands alone as well. Behind it there may be the sign of the message, eight bytes.
 *
 *   Source   ingest/FFD.md T1..T10
 *   Threads  any thread
 */
#ifndef CHEK_INGEST_FFD_CONTAINER_H
#define CHEK_INGEST_FFD_CONTAINER_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/writer.h"

#define CHEK_FFD_MESSAGE_HEAD_SIZE 30
#define CHEK_FFD_CONTAINER_HEAD_SIZE 32
#define CHEK_FFD_CONTAINER_SIZE_MAX 32768
#define CHEK_FFD_DRIVE_SIZE 16

/* CRC-16/CCITT-FALSE over two runs of bytes, one behind the other. */
uint16_t chek_ffd_crc(const void *bytes, size_t size, const void *more, size_t more_size);

/* ---- messages --------------------------------------------------------------------------------- */

struct chek_ffd_message {
    uint16_t version; /* of the session protocol, as it is written */
    uint16_t format;  /* 0x0105: FFD 1.05, as it is written */
    uint16_t body_size;
    uint16_t flags;
    uint16_t crc;
    char drive[CHEK_FFD_DRIVE_SIZE + 1]; /* the FN's number without its padding */
};

#define CHEK_FFD_FLAG_CONTAINER 0x0004
#define CHEK_FFD_FLAG_ANSWER 0x0010 /* an answer is wanted */
#define CHEK_FFD_FLAG_ANSWER_MODE 0x0030
#define CHEK_FFD_FLAG_CRC_MODE 0x0003

/*
 * Read a message's head.
 *
 *   Errors     SHORT, MAGIC, VERSION of the session protocol, LIMIT of the body,
 *              RESERVED: a bit or a mode that nobody has
 */
CHEK_MUST_USE int chek_ffd_message_read(struct chek_bytes_view bytes, struct chek_ffd_message *ret);

/* Write a message's head, with the sum that its flags speak of over it and `body`. Its version,
 * format, drive and flags are used. */
void chek_ffd_message_write(struct chek_writer *out, const struct chek_ffd_message *message,
                            struct chek_bytes_view body);

/* Check the sum that the flags speak of. `bytes` is the whole message, read before. Errors:
 * CHECKSUM. */
CHEK_MUST_USE int chek_ffd_message_check(const struct chek_ffd_message *message,
                                         struct chek_bytes_view bytes);

/* ---- containers ------------------------------------------------------------------------------- */

/* Write a container's head in front of a document, and its sums. */
void chek_ffd_container_write(struct chek_writer *out, const char *drive, uint32_t number,
                              struct chek_bytes_view document);

/* ---- documents -------------------------------------------------------------------------------- */

struct chek_ffd_found {
    struct chek_bytes_view elements; /* of the document, without its head */
    size_t size;                     /* of everything, as far as it is known: where the next begins;
                                      * 0: unknown, also beside an error */
    size_t elements_at;              /* offset of the elements */
    uint64_t message_sign;           /* 0: none */
    uint64_t drive;                  /* the container's, 0: there is none */
    uint32_t number;                 /* the container's, its lowest 24 bits; also beside VERSION */
    uint16_t code;                   /* of the document */
    bool contained;                  /* drive and number are given */
    bool encrypted;                  /* beside VERSION: only a key opens it */
    const char *why;                 /* beside an error: more than its text says; or NULL */
};

/* Whether bytes begin like any of the forms; so many bytes are enough to tell. */
#define CHEK_FFD_BEGIN_SIZE 8
bool chek_ffd_is_begin(struct chek_bytes_view bytes);

/*
 * Find the document that bytes begin with, whatever it stands in.
 *
 *   Ownership  borrows the bytes
 *   Errors     SHORT     more bytes are needed
 *              MAGIC     no form begins so
 *              CHECKSUM  of the message or of the container
 *              RANGE     sizes contradict each other
 *              VERSION   the container is encrypted
 *              others    of chek_ffd_message_read()
 */
CHEK_MUST_USE int chek_ffd_find(struct chek_bytes_view bytes, struct chek_ffd_found *ret);

#endif
