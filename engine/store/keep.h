/* SPDX-License-Identifier: MIT */
/*
 * keep.h - segments whose documents are removed, and what is kept of them.
 *
 * A kept segment has the rows of the one that it replaces, under the same ordinals, with what says
 * which document each was; the closes of shifts as they were; and sums by hour of the rows that were
 * not replaced. Who reads a removed document is told REMOVED. Segments are kept in the order of their
 * rows, and a kept one stays as it is for ever.
 *
 * Who decides what is removed has to have it proved before: here are the parts for that.
 *
 *   Threads  the owning shard; functions that read a store read a view of it on any thread
 */
#ifndef CHEK_STORE_KEEP_H
#define CHEK_STORE_KEEP_H

#include "engine/store/merge.h"

/* The segment that is to be kept next. */
struct chek_keep_next {
    uint32_t index;
    uint32_t run_count;     /* of registrations */
    uint64_t row_end;       /* rows of the store up to its end */
    uint64_t received_last; /* when its newest row was received, UTC */
};

/* Find it; false: every segment is kept, or the last attempt met damage. */
bool chek_store_keep_next(const struct chek_store *store, struct chek_keep_next *ret);

/* Rows of one registration in a segment. */
struct chek_keep_run {
    uint32_t registration;
    uint32_t ordinal, ordinal_end;
};

struct chek_keep_run chek_store_keep_run(const struct chek_store *store, uint32_t index,
                                         uint32_t run);

/*
 * Whether the sums by hour of a segment are those of its rows.
 *
 *   Errors     CONFLICT: they are not; -ENOMEM; CORRUPT, COLD, -errno, HALTED from a group that is
 *              not in memory
 *   Cost       scans the segment; allocates
 */
CHEK_MUST_USE int chek_store_hours_prove(const struct chek_store *store, uint32_t index);

/*
 * Begin to keep the oldest segment that is not kept yet, when all its rows are among the first
 * `row_count` of the store: none of them is replaced any more from here on. NULL: they are not, a
 * merge is under way, there is no memory, or the last attempt met damage. What follows is as for a
 * merge (merge.h).
 *
 *   Ownership  as of chek_store_merge_begin()
 */
struct chek_merge *chek_store_keep_begin(struct chek_store *store, uint64_t row_count);

/* Whether the job was begun by it. */
bool chek_merge_is_keep(const struct chek_merge *merge);

/* The chain of the store up to the end of what is kept; zero when nothing is. */
struct chek_chain chek_store_kept_chain(const struct chek_store *store);

/* The same up to the end of any segment; zero when there is none of this index. */
struct chek_chain chek_store_segment_chain(const struct chek_store *store, uint32_t index);

/* Whether a row is in a kept segment; false also when there is no such row. Cost: finds the row. */
bool chek_store_is_kept(const struct chek_store *store, uint32_t registration, uint32_t ordinal);

/*
 * Read what identifies a row, removed or not: registration, ordinal, shift, completes, warnings,
 * binding, kind, late, replaced; the rest of *ret_row is zero. And the document's sign.
 *
 *   Errors     NOT_FOUND; CORRUPT, COLD, -errno, HALTED from a sealed page; outputs are unchanged
 *   Cost       as chek_store_read(), but for the document
 */
CHEK_MUST_USE int chek_store_read_head(const struct chek_store *store, uint32_t registration,
                                       uint32_t ordinal, struct chek_row *ret_row,
                                       uint64_t *ret_sign);

#endif
