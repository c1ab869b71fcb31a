/* SPDX-License-Identifier: MIT */
/*
 * view.h - a store as it was at one moment, for workers to read while its shard goes on.
 *
 * A view is a store that stands still: whatever reads a store (chek_store_read(), chek_store_scan(),
 * chek_store_sum(), chek_sign_search_run()) reads it through chek_view_store() and finds the rows
 * and the replaced rows of the moment at which it was opened. Nothing waits for a view. Rows are
 * appended behind its watermark; sets that are sealed and segments that are merged meanwhile leave
 * the store at once and keep their memory until the last view that shows them is closed. Rows that
 * are replaced meanwhile are noted in the view, in a table of fixed size: a view that would need a
 * larger one is not whole any more, and what was read through it is of no use.
 *
 * A view is meant to be open for one run of a worker. It is made once and opened many times.
 *
 *   Threads  the owning shard; what chek_view_store() returns, any one
 */
#ifndef CHEK_STORE_VIEW_H
#define CHEK_STORE_VIEW_H

#include "engine/store/store.h"

struct chek_view;

/* Rows of a partition that may be replaced while a view of it is open, usually. */
#define CHEK_VIEW_LATE_COUNT 8192

/*
 * Make a view, closed, that is whole for up to `late_count_max` rows replaced.
 *
 *   Errors     -ENOMEM
 */
CHEK_MUST_USE int chek_view_create(uint32_t late_count_max, struct chek_view **ret);
void chek_view_destroy(struct chek_view *view); /* a closed one; takes NULL */

/*
 * Open a view of what the store is now. A store may have several.
 *
 *   Ownership  the store outlives it, and is not destroyed while it is open (asserted)
 *   Errors     -ENOMEM; the view stays closed
 *   Cost       a pointer a segment, 128 bytes an open set, 4 KiB; allocates when a store has more
 *              segments or sets than any that the view was opened of before
 */
CHEK_MUST_USE int chek_view_open(struct chek_view *view, struct chek_store *store);

/* What an open view shows. Ownership: the view's, until it is closed. */
const struct chek_store *chek_view_store(const struct chek_view *view);

/* Where reading through an open view met rows that cannot be read: error, file and offset; the error
 * is CHEK_OK when it met none. Threads: the one that reads, or after it. */
struct chek_cold;
const struct chek_cold *chek_view_cold(const struct chek_view *view);

/* Whether all that was read through an open view until now is what was at its opening. */
bool chek_view_is_whole(const struct chek_view *view);

/*
 * Close a view; no worker reads through it any more. Harmless when it is closed.
 *
 *   Cost       gives back the sets that only it held: as adopting their segments would have
 */
void chek_view_close(struct chek_view *view);

#endif
