/* SPDX-License-Identifier: MIT */
/*
 * shift_fold.h - documents of a shift added up again, from their rows and in the way of its cells.
 *
 * Inside the room only: by binding, with the same caps, so that a fold of all documents of a cell
 * comes to what the cell holds.
 */
#ifndef CHEK_FISCAL_SHIFT_FOLD_H
#define CHEK_FISCAL_SHIFT_FOLD_H

#include "engine/fiscal/tally.h"

struct fiscal__fold {
    const struct chek_store *store;
    uint32_t registration;
    struct fiscal__tally *newest; /* by binding, newest first; after the end it is all of them */
    int64_t cash;
    int64_t last;
};

/*
 * Add a document in the order of arrival; a fuller copy also takes away what it completes. A close
 * adds nothing.
 *
 *   Ownership  the document stays in `arena`: tallies borrow its keys
 *   Errors     as chek_store_read(); LIMIT when the arena is too small. The fold is void then
 */
CHEK_MUST_USE int fiscal__fold_add(struct fiscal__fold *fold, uint32_t ordinal,
                                   struct chek_arena *arena);

/* Make one tally of all bindings. Errors: LIMIT. */
CHEK_MUST_USE int fiscal__fold_end(struct fiscal__fold *fold, struct chek_arena *arena);

#endif
