/* SPDX-License-Identifier: MIT */
/*
 * prove.h - documents are removed, and the totals that were made of them. (rule F28)
 *
 * Before documents are removed, the totals of every shift that has one of them are made again from
 * rows. What a close froze stands in a row, so a worker compares it over a view; what an open shift
 * and late documents come to is in the heap, so the worker makes the figures, and the shard compares
 * them. Of a shift some of whose documents were removed before, the part that had them was compared
 * then and is passed over.
 */
#ifndef CHEK_FISCAL_PROVE_H
#define CHEK_FISCAL_PROVE_H

#include "engine/fiscal/fiscal.h"
#include "engine/store/keep.h"

/* Memory for a proof: the documents of a shift stay in it. Address space; touched as it is used. */
#define CHEK_PROVE_ARENA_SIZE ((size_t)256 * 1024 * 1024)

/* A registration whose rows up to an ordinal are to be removed. */
struct chek_prove_ask {
    struct chek_keep_run run;
    uint32_t row_count; /* of the registration, when the view was opened */
    uint32_t removed;   /* before, chek_fiscal_removed() */
};

/* Figures that were made from rows, and are to be compared with what the heap has. */
struct chek_prove_part {
    uint32_t registration, shift;
    uint32_t row_count; /* of the registration, when they were made */
    bool is_late;
    struct chek_bytes_view figures;
};

/* Lent for the call. Return an error to end the proof with it. */
typedef int (*chek_prove_fn)(void *context, const struct chek_prove_part *part);

/*
 * Prove the shifts of a registration's rows, on a worker. Says which shift it was that ended it.
 *
 *   Errors     CONFLICT: a closed shift is not what its documents come to; of `on_part`; LIMIT arena
 *              too small; -ENOMEM; CORRUPT, -errno, HALTED from sealed rows
 *   Threads    a worker, over a view
 *   Cost       reads every document of each of these shifts
 */
CHEK_MUST_USE int chek_fiscal_prove(const struct chek_store *store,
                                    const struct chek_prove_ask *ask, struct chek_arena *arena,
                                    chek_prove_fn on_part, void *context, uint32_t *ret_shift);

/*
 * Compare a part with the heap.
 *
 *   Errors     BUSY: the registration has more rows than when it was made; CONFLICT: they differ;
 *              LIMIT arena too small
 */
CHEK_MUST_USE int chek_fiscal_prove_part(const struct chek_fiscal *fiscal,
                                         const struct chek_prove_part *part,
                                         struct chek_arena *arena);

/* Documents of a registration below this ordinal were removed, but for closes. 0: none, or unknown. */
uint32_t chek_fiscal_removed(const struct chek_fiscal *fiscal, uint32_t registration);

/*
 * Remove the documents of a registration below an ordinal: from here on repeats of them are
 * duplicates, and nothing completes them. False, and nothing is done, when it is not known or has
 * no such rows.
 */
CHEK_MUST_USE bool chek_fiscal_remove(struct chek_fiscal *fiscal, uint32_t registration,
                                      uint32_t ordinal);

#endif
