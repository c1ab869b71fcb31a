/* SPDX-License-Identifier: MIT */
/*
 * place_list.h - the newest rows behind a place, chosen one by one (of this room only).
 */
#ifndef CHEK_STORE_PLACE_LIST_H
#define CHEK_STORE_PLACE_LIST_H

#include "engine/store/row_place.h"
#include "engine/store/set.h"

struct store__place_list {
    struct chek_row_place *list;
    uint32_t count, count_max;
    struct chek_row_place before; /* received 0: from the newest on */
    uint32_t registration;        /* 0: any */
};

/* Whether a row would be taken into the list. */
bool store__place_is_wanted(const struct store__place_list *to, const struct chek_row_place *place);

/* Put a row that is wanted into the list, once; the oldest goes when it is full. */
void store__place_take(struct store__place_list *to, const struct chek_row_place *place);

/* The newest set that was not looked at: the one before `end`, NULL at first. NULL: there is none. */
const struct store__set *store__set_before(const struct chek_store *store,
                                           const struct store__set *end);

#endif
