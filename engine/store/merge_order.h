/* SPDX-License-Identifier: MIT */
/*
 * merge_order.h - where the rows of segments go when they are merged (of this room only).
 *
 * Runs of a registration are put behind each other. For every run of every segment, and every
 * table, it is known where its rows begin in the segment and where they will; a column is then
 * copied run by run, whatever it holds.
 */
#ifndef CHEK_STORE_MERGE_ORDER_H
#define CHEK_STORE_MERGE_ORDER_H

#include "engine/store/merge.h"
#include "engine/store/segment.h"
#include "engine/store/segment_write.h"

struct store__merge_source {
    const struct chek_segment *segment;
    uint32_t *begin[STORE__TABLE_COUNT]; /* a table's first row of each run, and the end */
    uint32_t *to[STORE__TABLE_COUNT];    /* where the rows of each run go */
};

struct store__merge_order {
    struct store__merge_source *sources;
    uint32_t source_count;
    uint32_t row_count[STORE__TABLE_COUNT]; /* of all together */
    uint32_t page_row_count, page_count;    /* of the merged segment */
    uint32_t *page_begin[STORE__TABLE_COUNT];
    int64_t *values;  /* a column, as it will stand */
    int64_t *scratch; /* a column of one source */
    uint32_t value_count_max, scratch_count_max;
};

/*
 * Find the order, and write the runs.
 *
 *   Errors     -ENOMEM; CORRUPT: the segments do not follow each other. Finish it all the same
 */
CHEK_MUST_USE int store__merge_order_init(struct store__merge_order *order,
                                          struct chek_segment *const *segments, uint32_t count,
                                          struct store__segment_writer *writer);
void store__merge_order_finish(struct store__merge_order *order);

/* Whether all values of a column are one, in all sources that have rows of its table. */
bool store__merge_constant(const struct store__merge_source *sources, uint32_t count,
                           enum store__column column, int64_t *ret);

/* Decode a column of one source into `ret`; zeroes when it has none. */
void store__merge_decode(const struct store__merge_source *source, enum store__column column,
                         int64_t *ret);

/* Copy the values of a table of one source, run by run, to where they go. */
void store__merge_place(const struct store__merge_source *source, uint32_t table,
                        const int64_t *values, int64_t *ret);

/* Gather an integer column of all sources into `order->values`. */
void store__merge_gather(struct store__merge_order *order, enum store__column column);

static inline uint32_t
store__merge_page_count(const struct store__merge_order *order, uint32_t table, uint32_t page)
{
    return order->page_begin[table][page + 1] - order->page_begin[table][page];
}

#endif
