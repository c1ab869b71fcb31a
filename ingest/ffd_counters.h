/* SPDX-License-Identifier: MIT */
/*
 * ffd_counters.h - the counters of a drive in the close of a shift, as figures of the register.
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

/* What was said of one operation, corrections of it included. A sum that leaves 63 bits stays at
 * their end, where no sum of the engine's is: it differs. */
struct chek_ffd_counted {
    uint64_t tickets, total;
    uint64_t payments[CHEK_FFD_COUNTED_PAYMENTS];
    uint64_t taxes[CHEK_FFD_COUNTED_TAXES];
    uint32_t said; /* bits of the taxes that were said at all */
};

/* One set of counters. */
struct chek_ffd_counter_set {
    struct chek_ffd_counted operations[CHEK_OPERATION_COUNT];
    bool stated;
    bool unnamed; /* it has corrections that name no operation: it cannot be compared (C2) */
};

/* Counters being gathered from a walk of a document; all zero at first. */
struct chek_ffd_counters {
    struct chek_ffd_counter_set shift, drive;
    struct chek_ffd_counter_set *in; /* what the walk is in; NULL: in neither */
    struct chek_ffd_counted *at;     /* the operation; NULL: none */
};

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
