/* SPDX-License-Identifier: MIT */
/*
 * sign_search.h - the newest row of a registration that carries a sign.
 *
 * A sign has no index: rows are looked at, newest first, until one has it. A register may have
 * years of them, so a search goes on in steps, between which rows are appended and sealed. What it
 * has seen it remembers as an ordinal, which stays right whatever happens to the rows.
 */
#ifndef CHEK_STORE_SIGN_SEARCH_H
#define CHEK_STORE_SIGN_SEARCH_H

#include "engine/store/store.h"

/* What is looked for, set by the caller; then where the search stands, zero at its beginning. */
struct chek_sign_search {
    uint32_t registration;
    uint64_t sign, autonomous;  /* a row that has either will do; 0 = not looked for */
    int64_t time_min, time_max; /* civil, inclusive; max 0 = any time */
    bool is_begun, is_sealed;   /* only segments are left */
    uint32_t open_row;    /* + 1, of the next row in its open set, should that still be there */
    uint64_t row_end;     /* rows of the store from here on were looked at, sealed ones */
    uint64_t ordinal_end; /* rows from here on were looked at */
    bool found;
    uint32_t ordinal; /* of the row that was found */
    int error;        /* of this step: COLD, CORRUPT, -errno, HALTED; it may be gone on from */
};

/*
 * Go on for about `row_count` rows. True: it is over, and `found` says how it ended. A row that is
 * replaced by a fuller copy is found too: the copy carries the sign as well, but may have come
 * after the search had passed its place.
 *
 *   Cost       a few ns a row; looking whether a segment has rows of the registration counts as
 *              CHEK_SIGN_SEARCH_SEGMENT_COST rows; no allocation
 */
#define CHEK_SIGN_SEARCH_SEGMENT_COST 64
bool chek_sign_search_run(struct chek_sign_search *search, const struct chek_store *store,
                          uint32_t row_count);

#endif
