/* SPDX-License-Identifier: MIT */
/*
 * sums.h - what many receipts come to together, without looking at each of them.
 *
 * A segment has an hour table: the sums of its receipts by (registration, hour, shift, binding,
 * operation), made when it is sealed and merged when it is. Who wants sums is given addends: cells
 * of these tables where they can answer, single rows otherwise. Rows that were replaced are in
 * their segment's table and are taken off it by addends of their own, which are negative: a table
 * is a function of rows alone, and which of them are replaced changes all the time.
 *
 *   Threads  the owning shard
 */
#ifndef CHEK_STORE_SUMS_H
#define CHEK_STORE_SUMS_H

#include "engine/store/store.h"

/* The values of a cell that are added up; each a signed 64-bit number. */
#define CHEK_ADDEND_VALUES(X) \
    X(tickets)                \
    X(positions)              \
    X(gross)                  \
    X(net)                    \
    X(cash)                   \
    X(card)                   \
    X(mobile)                 \
    X(other)                  \
    X(tax)

/* Receipts of one registration, operation, shift and binding within an hour. */
struct chek_addend {
    int64_t time; /* civil: the beginning of an hour, or the time of a row */
    uint32_t registration;
    uint32_t shift;
    uint16_t binding;
    uint8_t operation;
#define CHEK_ADDEND_FIELD(name) int64_t name;
    CHEK_ADDEND_VALUES(CHEK_ADDEND_FIELD)
#undef CHEK_ADDEND_FIELD
};

/* A receipt's row as sums. */
struct chek_addend chek_addend_of_row(const struct chek_scan_row *row);

/* Return false to stop. */
typedef bool (*chek_addend_fn)(void *context, const struct chek_addend *addend);

/*
 * Call `on_addend` with addends that come to the sums of the receipts that the filter lets through,
 * in no order that a caller could rely on. Hours that are in the filter's time as a whole come from
 * hour tables; rows are looked at where they are open or replaced, and in the hours at the ends of
 * a time that does not begin or end with one. A filter with `ordinal_min` looks at every row.
 *
 *   Errors     as chek_store_scan(); addends may have been given before
 *   Cost       about 20 ns an addend, a page of a table that has any is searched for them
 */
CHEK_MUST_USE int chek_store_sum(const struct chek_store *store,
                                 const struct chek_scan_filter *filter, struct chek_arena *arena,
                                 chek_addend_fn on_addend, void *context);

#endif
