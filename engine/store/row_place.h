/* SPDX-License-Identifier: MIT */
/*
 * row_place.h - where a row stands in lists that go newest first.
 *
 * It is the row's own (when it came, and which it is), so it stays right when rows are sealed and
 * segments merged: a list that is given piece by piece goes on behind one.
 */
#ifndef CHEK_STORE_ROW_PLACE_H
#define CHEK_STORE_ROW_PLACE_H

#include <stdint.h>

struct chek_row_place {
    uint64_t received_us;
    uint32_t registration, ordinal;
};

#endif
