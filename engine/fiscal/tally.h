/* SPDX-License-Identifier: MIT */
/*
 * tally.h - the totals of a shift in an arena: merged from cells, or folded from documents.
 *
 * Inside the room only. A report, a frozen shift and an older revision are all made from a tally,
 * so they have one form: rows sorted by key, rows of nothing left out, the caps of F10.
 */
#ifndef CHEK_FISCAL_TALLY_H
#define CHEK_FISCAL_TALLY_H

#include "engine/base/arena.h"
#include "engine/fiscal/effect.h"

struct fiscal__tally_row {
    struct chek_bytes_view text; /* a key that is longer than what is inline, borrowed */
    struct fiscal__row sums;     /* with the key when it is short */
};

struct fiscal__tally_rows {
    struct fiscal__tally_row *rows; /* room for fiscal__row_count_max() */
    uint32_t count;
    bool has_other[CHEK_OPERATION_COUNT];
    struct fiscal__row others[CHEK_OPERATION_COUNT];
};

struct fiscal__tally {
    struct fiscal__operation operations[CHEK_OPERATION_COUNT];
    struct fiscal__movement movements[CHEK_DIRECTION_COUNT];
    struct fiscal__tally_rows sets[FISCAL__ROW_SET_COUNT];
    struct fiscal__tally *older; /* of the next older binding, while folding */
    uint16_t binding;            /* the newest that was merged */
};

/* Make an empty tally; NULL when the arena is too small. */
struct fiscal__tally *fiscal__tally_make(struct chek_arena *arena);

/* Add a receipt or a movement, or take it away. Long keys are borrowed from the document. */
void fiscal__tally_add(struct fiscal__tally *tally, const struct chek_document *document, int sign);

/*
 * Sum up a chain of cells, newest binding first. Long keys are borrowed from the heap.
 *
 *   Errors     LIMIT when the arena is too small; *ret is unchanged
 */
CHEK_MUST_USE int fiscal__tally_cells(const struct chek_page_heap *heap, chek_page_ref first,
                                      struct chek_arena *arena, struct fiscal__tally **ret);

/* Sort the rows of a tally and merge it into another. */
void fiscal__tally_merge(struct fiscal__tally *to, struct fiscal__tally *from);

/*
 * Write the sums of a tally into a report: operations, rows, movements and revenue.
 *
 *   Ownership  lists are in `arena`, keys in the tally or where it borrowed them
 *   Errors     LIMIT when the arena is too small; *report is unchanged
 */
CHEK_MUST_USE int fiscal__tally_report(struct fiscal__tally *tally, struct chek_arena *arena,
                                       struct chek_report *report);

#endif
