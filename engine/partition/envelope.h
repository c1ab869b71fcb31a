/* SPDX-License-Identifier: MIT */
/*
 * envelope.h - what a command sees of the world, and how commands stand in the log.
 *
 * A command is an envelope of 64 bytes and a body; together they are the only input of apply. All
 * that could differ between two machines (time, randomness, who asked) is in the envelope.
 *
 *   offset size
 *        0    4  size of the command: envelope and body, without padding
 *        4    1  kind (enum chek_command_kind)
 *        5    1  verdict of the session on what it alone can judge; 0 = none
 *        6    2  partition
 *        8    2  apply_version that this command needs
 *       10    2  zero
 *       12    4  registration, or 0
 *       16    8  partition_seq, gap-free from 1
 *       24    8  time, microseconds UTC; never goes back within a partition
 *       32    8  entropy
 *       40    8  source: principal << 32 | the client's number for its stream
 *       48    8  source offset; 0 = not numbered
 *       56    8  zero
 *       64       body
 *
 *   Source  persist/FORMAT.md "Commands" (format)
 */
#ifndef CHEK_PARTITION_ENVELOPE_H
#define CHEK_PARTITION_ENVELOPE_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"

#define CHEK_ENVELOPE_SIZE 64
#define CHEK_APPLY_VERSION 1
#define CHEK_COMMAND_SIZE_MAX (CHEK_ENVELOPE_SIZE + CHEK_COMMAND_BODY_SIZE_MAX)

enum chek_command_kind {
    CHEK_COMMAND_GENESIS = 1,       /* record genesis: the partition's first command */
    CHEK_COMMAND_REGISTER = 2,      /* record command_register */
    CHEK_COMMAND_DOCUMENT = 3,      /* record document */
    CHEK_COMMAND_SUBJECT = 4,       /* record command_subject */
    CHEK_COMMAND_PRINCIPAL = 5,     /* record command_principal; directory only, as the next two */
    CHEK_COMMAND_REVOKE = 6,        /* record command_revoke */
    CHEK_COMMAND_CLAIM = 7,         /* record command_claim */
    CHEK_COMMAND_DEVICE = 8,        /* record command_device */
    CHEK_COMMAND_EXCHANGE = 9,      /* record command_exchange */
    CHEK_COMMAND_OPERATOR = 10,     /* record command_operator */
    CHEK_COMMAND_NOMENCLATURE = 11, /* record nomenclature */
    CHEK_COMMAND_RETAIN = 13,       /* record command_retain */
    CHEK_COMMAND_TRY = 14,          /* record nothing: a wrong password at a device */
    CHEK_COMMAND_ERASE = 17,        /* record erasure */
    CHEK_COMMAND_KIND_MAX = CHEK_COMMAND_ERASE,
};

/* What the token of an exchange was, by the state that the exchange names. */
enum chek_verdict {
    CHEK_VERDICT_NONE = 0,
    CHEK_VERDICT_CURRENT = 1,  /* the one given out last: the document is counted */
    CHEK_VERDICT_PREVIOUS = 2, /* of the exchange counted last: a repeat, and its body differs */
};

struct chek_envelope {
    uint8_t kind;
    uint8_t verdict;
    uint16_t partition;
    uint16_t apply_version;
    uint32_t registration;
    uint64_t partition_seq;
    uint64_t time_us;
    uint64_t entropy;
    uint64_t source;
    uint64_t source_offset;
};

struct chek_document;

/* A command in memory: the envelope read, the body as bytes. */
struct chek_command {
    struct chek_envelope envelope;
    struct chek_bytes_view body;
    const struct chek_document *document; /* the body, when it was decoded ahead; else NULL */
};

/* Write an envelope for a body of `body_size` bytes into CHEK_ENVELOPE_SIZE bytes. */
void chek_envelope_encode(const struct chek_envelope *envelope, size_t body_size,
                          uint8_t bytes[CHEK_ENVELOPE_SIZE]);

/*
 * Read a command.
 *
 *   Ownership  the body borrows `bytes`
 *   Errors     SHORT, TRAILING (size disagrees), RESERVED, RANGE (kind), APPLY_VERSION (newer than
 *              this binary replays); *ret is unchanged
 */
CHEK_MUST_USE int chek_command_decode(struct chek_bytes_view bytes, struct chek_command *ret);

#endif
