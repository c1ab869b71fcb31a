/* SPDX-License-Identifier: MIT */
/*
 * sealer.h - what a worker needs to turn a set into a segment (of this room only).
 *
 * Rows are put in the order of (registration, ordinal); the documents of a page of them are decoded
 * one after the other and taken apart into an array a column, from which pages are encoded. The
 * memory grows to what the largest page needed, and is used again: it belongs to the pool.
 */
#ifndef CHEK_STORE_SEALER_H
#define CHEK_STORE_SEALER_H

#include "engine/store/hour_table.h"
#include "engine/store/marking_table.h"

/* One page of the segment, as it is being made. */
struct store__encoded {
    struct store__page page; /* `bytes` are set at the end */
    size_t at;               /* in `pages` */
};

struct store__sealer {
    struct store__sealer *next; /* free one */
    int error;                  /* the first one: -ENOMEM, -EAGAIN (the stock ended) */

    uint64_t *order; /* rows of the set as they will stand: registration, and below it the row */
    struct store__buffer orders[2];

    int64_t *values[STORE__COLUMN_COUNT]; /* of the page; zero where nothing was put */
    uint32_t value_capacity[STORE__COLUMN_COUNT];
    uint32_t counts[STORE__TABLE_COUNT];               /* rows of the page so far */
    uint64_t touched[STORE__TABLE_COUNT];              /* bit n: its column n has a value */
    struct store__buffer strings[STORE__COLUMN_COUNT]; /* of BYTES columns: those of the page */

    uint64_t present[STORE__TABLE_COUNT]; /* columns of the segment */
    struct store__buffer encoded;         /* struct store__encoded, by (page, column) */
    struct store__buffer pages;           /* bytes of pages, as they were made */
    struct store__segment_writer writer;
    struct store__hours hours;
    struct store__markings markings;
    const struct store__row *before; /* the row that was taken apart last, or NULL */
    uint32_t page_begin;             /* of the page: its first row in the segment */
    struct chek_arena arena;         /* a document */
};

/* Take a sealer from the pool, or make one. Errors: -ENOMEM. Threads: the shard. */
CHEK_MUST_USE int store__sealer_take(struct chek_store_pool *pool, struct store__sealer **ret);
void store__sealer_give(struct chek_store_pool *pool, struct store__sealer *sealer);
void store__sealers_finish(struct chek_store_pool *pool);

/* Have room for `size` bytes behind what there is; NULL and an error when there is no memory. */
uint8_t *store__sealer_reserve(struct store__sealer *sealer, struct store__buffer *buffer,
                               size_t size);

static inline void
store__sealer_fail(struct store__sealer *sealer, int error)
{
    if (sealer->error == CHEK_OK) {
        sealer->error = error;
    }
}

/* Put the rows of a set in order. */
void store__sealer_order(struct store__sealer *sealer, const struct store__set *set);

/*
 * Take rows from..from+count-1 of the order apart. Texts get their codes now. Hours and runs of
 * registrations are made on the way: pages are to come in their order.
 */
void store__sealer_page(struct store__sealer *sealer, struct chek_store *store,
                        const struct store__set *set, uint32_t from, uint32_t count);

/* Have room in the arrays of a page for rows that come next. Errors: the sealer's, -ENOMEM. */
void store__sealer_ensure(struct store__sealer *to, const struct store__row *const *rows,
                          uint32_t count);

/* Zero what was put into the columns of a page. */
void store__sealer_page_clear(struct store__sealer *sealer);

/* Whether a column is among those that have a bit. */
static inline bool
store__sealer_has(const uint64_t *tables, uint32_t column)
{
    uint32_t table = store__columns[column].table;
    return (tables[table] >> (column - store__table_begin[table]) & 1) != 0;
}

#endif
