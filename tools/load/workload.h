/* SPDX-License-Identifier: MIT */
/*
 * workload.h - the reference workload: a stream of documents, equal for equal options.
 *
 * Measurements of this engine, and of others beside it, are of this stream, so it is described
 * draw by draw in tools/load/WORKLOAD.md and held by a vector that a second implementation in
 * Python makes too. A document comes out encoded, by an encoder that knows the shape of a
 * reference receipt; a test holds it equal to the generated codec.
 *
 *   Threads  one at a time
 */
#ifndef CHEK_LOAD_WORKLOAD_H
#define CHEK_LOAD_WORKLOAD_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/wire/protocol.h"

#define CHEK_WORKLOAD_LINE_COUNT_MAX 5
#define CHEK_WORKLOAD_DOCUMENT_SIZE_MAX 1024 /* room that making a document wants */
#define CHEK_WORKLOAD_REGISTER_COUNT_MAX (4 * 1024 * 1024)

enum chek_workload_profile {
    CHEK_WORKLOAD_A, /* for comparisons with other systems */
    CHEK_WORKLOAD_B, /* closer to life: skew, names, late, repeated and conflicting receipts */
};

struct chek_workload_options {
    enum chek_workload_profile profile;
    uint64_t seed;
    uint64_t receipt_count;  /* different ones: repeats, conflicts and closes come on top */
    uint32_t register_count; /* 0: the profile's */
    uint32_t day_count;      /* that the receipts are spread over; 0: the profile's */
};

/* What the server must answer, if it holds nothing of the stream at the start. */
enum chek_workload_fate { CHEK_WORKLOAD_NEW, CHEK_WORKLOAD_REPEAT, CHEK_WORKLOAD_CONFLICT };

/* What the document says that was made last. Of a close, the amounts are zero. */
struct chek_workload_document {
    int64_t total; /* the lines' sums together, too: there are no discounts */
    int64_t tax;
    uint64_t sign;
    uint32_t register_index; /* 0 .. register_count - 1 */
    uint32_t time;           /* civil */
    uint32_t shift;
    uint32_t document;
    uint32_t size; /* bytes */
    uint8_t operation;
    uint8_t payment; /* enum chek_payment_kind; the only one, of the total */
    uint8_t line_count;
    uint8_t fate;
    bool is_close;
    bool is_offline;
    bool is_late; /* sent after its time */
};

struct chek_workload_counters {
    uint64_t document_count, receipt_count, line_count, close_count;
    uint64_t repeat_count, conflict_count, late_count;
    chek_i128 total; /* of the receipts that are new */
    uint64_t size;   /* bytes of documents */
};

struct chek_workload;

/*
 *   Ownership  destroy with chek_workload_destroy()
 *   Errors     USAGE more registers than REGISTER_COUNT_MAX, or no receipts; -ENOMEM
 */
CHEK_MUST_USE int chek_workload_create(const struct chek_workload_options *options,
                                       struct chek_workload **ret);
void chek_workload_destroy(struct chek_workload *workload); /* takes NULL */

uint32_t chek_workload_register_count(const struct chek_workload *workload);

/* Texts of a register's claim. */
struct chek_workload_register_text {
    char organisation[16], point[16], number[48];
    struct chek_register_key key;
};

/* What to claim for a register. Ownership: *ret borrows *text. */
void chek_workload_register(const struct chek_workload *workload, uint32_t register_index,
                            struct chek_workload_register_text *text, struct chek_register *ret);

/* The registration that a register has on the server; register_index + 1 until it is told. */
void chek_workload_register_home(struct chek_workload *workload, uint32_t register_index,
                                 uint32_t registration);

/*
 * Make the next document at `to`, which has room for CHEK_WORKLOAD_DOCUMENT_SIZE_MAX bytes. False
 * at the end of the stream.
 *
 *   Cost  about 150 ns; no allocation, but for profile B's receipts that are late
 */
CHEK_MUST_USE bool chek_workload_next(struct chek_workload *workload, uint8_t *to,
                                      struct chek_workload_document *ret);

/* Of the documents made so far. */
const struct chek_workload_counters *chek_workload_count(const struct chek_workload *workload);

/*
 * XXH3-64 of all documents made so far, in order, as they are when registrations are
 * register_index + 1: the same whatever ids the server gave out.
 */
uint64_t chek_workload_hash(const struct chek_workload *workload);

#endif
