/* SPDX-License-Identifier: MIT */
/*
 * person_search.h - the rows whose documents name a subject, newest first.
 *
 * There is no index of subjects: columns are looked at. Of a group in which nobody is named there is
 * nothing to look at, and of the buyers of others a head says between which they are. A list is given piece
 * by piece, as that of a marking code (row_place.h).
 */
#ifndef CHEK_STORE_PERSON_SEARCH_H
#define CHEK_STORE_PERSON_SEARCH_H

#include "engine/store/row_place.h"
#include "engine/store/store.h"

struct chek_person_search {
    uint8_t subject[16];
    uint32_t registration;        /* 0: any */
    int64_t time_min, time_max;   /* civil, inclusive; max 0: any time */
    struct chek_row_place before; /* received 0: from the newest on */
};

/*
 * Find the newest `count_max` rows behind search->before that are not replaced. Fewer: there are no
 * more.
 *
 *   Ownership  `arena` is as it was
 *   Errors     LIMIT: strings of a page do not fit into the arena; COLD, CORRUPT, -errno, HALTED
 *   Cost       8 bytes a sealed row of groups with buyers, whatever is found; 60 ns an open row; the
 *              names of a whole group where it has any beside buyers
 */
CHEK_MUST_USE int chek_person_search(const struct chek_store *store,
                                     const struct chek_person_search *search,
                                     struct chek_arena *arena, uint32_t count_max,
                                     struct chek_row_place *ret, uint32_t *ret_count);

#endif
