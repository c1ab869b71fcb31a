/* SPDX-License-Identifier: MIT */
/*
 * marking_search.h - the rows whose documents have a marking code, newest first.
 *
 * Sealed rows are found by the marking tables of their segments, open ones by looking at those that
 * have codes at all. A list is given piece by piece (row_place.h).
 */
#ifndef CHEK_STORE_MARKING_SEARCH_H
#define CHEK_STORE_MARKING_SEARCH_H

#include "engine/store/row_place.h"
#include "engine/store/store.h"

struct chek_marking_search {
    const struct chek_bytes_view *codes; /* a row that has any of them will do; none is empty */
    uint32_t code_count;
    uint32_t registration;        /* 0: any */
    struct chek_row_place before; /* received 0: from the newest on */
};

/*
 * Find the newest `count_max` rows behind search->before that are not replaced. Fewer: there are no
 * more.
 *
 *   Ownership  `arena` is as it was
 *   Errors     LIMIT: a document does not fit into the arena; COLD, CORRUPT, -errno, HALTED
 *   Cost       a comparison a segment without codes; a page of a marking table (some us, when it is in
 *              memory) a segment with any; 1 ns an open row; some us a row that is found
 */
CHEK_MUST_USE int chek_marking_search(const struct chek_store *store,
                                      const struct chek_marking_search *search,
                                      struct chek_arena *arena, uint32_t count_max,
                                      struct chek_row_place *ret, uint32_t *ret_count);

/* A code of a row: an entry of a marking table, or what will be one. */
struct chek_marking_entry {
    uint32_t registration, ordinal;
    uint32_t hash; /* chek_marking_hash() of a code of the row's document */
};

typedef void (*chek_marking_entry_fn)(void *context, const struct chek_marking_entry *entry);

/* The hash of a code. (format; README.md "Marking table") */
uint32_t chek_marking_hash(struct chek_bytes_view code);

/*
 * Give every code of every row, replaced ones among them, in no order: of sealed rows as the tables
 * say, of open ones as their documents do.
 *
 *   Ownership  `arena` is as it was
 *   Errors     LIMIT: a document does not fit into the arena; COLD, CORRUPT, -errno, HALTED
 */
CHEK_MUST_USE int chek_marking_entries(const struct chek_store *store, struct chek_arena *arena,
                                       chek_marking_entry_fn on_entry, void *context);

#endif
