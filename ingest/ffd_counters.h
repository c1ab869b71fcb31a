/* SPDX-License-Identifier: MIT */
/*
 * ffd_counters.h - the counters of a drive in the close of a shift, as figures of the register.
 *
 * They come as elements of a document or as values of its JSON, and are gathered in one way.
 *
 *   Rules    ingest/FFD.md C1 to C5
 *   Threads  any; a gathering belongs to its caller
 */
#ifndef CHEK_INGEST_FFD_COUNTERS_H
#define CHEK_INGEST_FFD_COUNTERS_H

#include "engine/wire/protocol.h"
#include "ingest/ffd_tlv.h"

#define CHEK_FFD_COUNTED_PAYMENTS 5
#define CHEK_FFD_COUNTED_TAXES 4

/* What is counted by a close: its shift, and the life of its drive. */
enum chek_ffd_counter_sets { CHEK_FFD_OF_SHIFT, CHEK_FFD_OF_DRIVE, CHEK_FFD_COUNTER_SETS };

/* What was said of one operation, corrections of it included. A sum that leaves 63 bits stays at
 * their end, where no sum of the engine's is: it differs. */
struct chek_ffd_counted {
    uint64_t tickets, total;
    uint64_t payments[CHEK_FFD_COUNTED_PAYMENTS];
    uint64_t taxes[CHEK_FFD_COUNTED_TAXES];
    uint32_t said; /* bits of the taxes that were said at all */
    bool untaxed;  /* its corrections have taxes of their own tags: none is compared (C3) */
};

/* One set of counters. */
struct chek_ffd_counter_set {
    struct chek_ffd_counted operations[CHEK_OPERATION_COUNT];
    bool stated;
    bool unnamed; /* it has corrections that name no operation: it cannot be compared (C2) */
};

/* Counters being gathered; all zero at first. */
struct chek_ffd_counters {
    struct chek_ffd_counter_set sets[CHEK_FFD_COUNTER_SETS];
    uint32_t in;        /* the set that is gathered, + 1; 0: none */
    uint32_t at;        /* the operation, + 1; 0: none */
    bool has_tickets;   /* of this element of an operation: it said its count of tickets, */
    uint64_t by_reason; /* and this came of the counts of corrections by their reason */
};

/*
 * Begin a set (1194, 1157), and inside of it an operation (1129..1132, 1145, 1146, 1232, 1233). Any
 * other tag begins what is not gathered.
 */
void chek_ffd_counters_set(struct chek_ffd_counters *counters, uint16_t tag);
void chek_ffd_counters_operation(struct chek_ffd_counters *counters, uint16_t tag);

/* Add a counter of the operation that was begun, or of the corrections (1133) of the set. */
void chek_ffd_counters_add(struct chek_ffd_counters *counters, uint16_t tag, uint64_t value);

/* Take an element of the walk, in order. Errors: as chek_ffd_vln_read(). */
CHEK_MUST_USE int chek_ffd_counters_take(struct chek_ffd_counters *counters,
                                         const struct chek_ffd_element *element);

/*
 * Encode what was gathered as `close.figures`; empty when nothing was that can be compared.
 * `time` is the close's: the basic rate of VAT is that of its day.
 *
 *   Ownership  in `arena`
 *   Errors     LIMIT; *ret is unchanged
 */
CHEK_MUST_USE int chek_ffd_counters_figures(const struct chek_ffd_counters *counters, int64_t time,
                                            struct chek_arena *arena, struct chek_bytes_view *ret);

#endif
