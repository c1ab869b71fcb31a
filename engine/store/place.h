/* SPDX-License-Identifier: MIT */
/*
 * place.h - where a row of a store is (of this room only).
 */
#ifndef CHEK_STORE_PLACE_H
#define CHEK_STORE_PLACE_H

#include "engine/store/segment.h"
#include "engine/store/set.h"

struct store__place {
    struct store__set *set; /* or NULL */
    struct chek_segment *segment;
    uint32_t row; /* of the set, or the segment */
};

/*
 * Find a row; false when there is none.
 *
 *   Cost       open rows: the registration's newer rows are walked; sealed: a binary search a
 *              segment, newest first
 */
bool store__place_find(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                       struct store__place *ret);

#endif
