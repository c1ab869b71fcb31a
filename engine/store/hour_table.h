/* SPDX-License-Identifier: MIT */
/*
 * hour_table.h - the sums of a segment's receipts by hour (of this room only).
 *
 * Cells stand in the order of (registration, hour, shift, binding, operation), in pages of as many
 * cells as the segment's other pages have rows. Two cells may have the same key: where one sum
 * would leave 64 bits the next cell goes on. (format; README.md "Hour table")
 */
#ifndef CHEK_STORE_HOUR_TABLE_H
#define CHEK_STORE_HOUR_TABLE_H

#include "engine/store/segment_write.h"
#include "engine/store/sums.h"

/* Cells that are decoded at once. */
#define STORE__HOUR_BATCH_COUNT 256

/* What was paid by mobile is what is left of the total; so no cell that is paid in full stores it.
 * (format) It wraps. */
static inline uint64_t
store__hours_predict_mobile(int64_t net, int64_t cash, int64_t card, int64_t other)
{
    return (uint64_t)net - (uint64_t)cash - (uint64_t)card - (uint64_t)other;
}

/* Cells in memory, in order but for those of the newest registration. Zeroed it is an empty one. */
struct store__hours {
    struct chek_addend *cells;
    uint32_t count, capacity;
    uint32_t group;              /* first cell of the newest registration */
    struct chek_addend *sorting; /* what cells are sorted with */
    uint32_t sorting_capacity;
};

void store__hours_finish(struct store__hours *hours);

/*
 * Sum the receipts among rows that are given registration by registration, as the order of a segment
 * has them: begin, the rows, end. The memory of cells is used again.
 *
 *   Errors     -ENOMEM
 */
CHEK_MUST_USE int store__hours_begin(struct store__hours *hours, uint32_t row_count);
CHEK_MUST_USE int store__hours_row(struct store__hours *hours, const struct store__row *row);
CHEK_MUST_USE int store__hours_end(struct store__hours *hours);

/* Sum the tables of segments that follow each other. Errors: as above. */
CHEK_MUST_USE int store__hours_of_segments(struct chek_segment *const *segments, uint32_t count,
                                           struct store__hours *ret);

/*
 * Sum the receipts of a segment's rows; of replaced ones, too, when they are wanted.
 *
 *   Errors     -ENOMEM; as store__segment_use()
 */
CHEK_MUST_USE int store__hours_of_rows(const struct chek_store *store,
                                       const struct chek_segment *segment, bool with_replaced,
                                       struct store__hours *ret);

/* Compare the table of a segment with its rows, replaced ones too. Errors: CONFLICT: they
 * differ; as above. */
CHEK_MUST_USE int store__hours_prove(const struct chek_store *store,
                                     const struct chek_segment *segment);

/* Write all columns of the table; they come behind those of the rows. */
void store__hours_write(struct store__segment_writer *writer, const struct store__hours *hours,
                        uint32_t page_row_count);

/*
 * Check that the table of a segment, whose group is there, can be read, and that its cells are in
 * order; *ret_tickets is what they come to.
 *
 *   Errors     CORRUPT
 */
CHEK_MUST_USE int store__hours_check(const struct chek_segment *segment, int64_t *ret_tickets);

/* Rows of receipts, in a segment all of whose groups are there: as many as the table has tickets. */
int64_t store__hours_receipts(const struct chek_segment *segment);

/* Decode at most STORE__HOUR_BATCH_COUNT cells from..from+count-1 of a page of a checked table. */
void store__hours_read(const struct chek_segment *segment, uint32_t page, uint32_t from,
                       uint32_t count, struct chek_addend *ret);

/* Which cells of a table are wanted; bounds are inclusive. */
struct store__hours_wish {
    const struct chek_scan_filter *filter; /* registrations and shifts of it */
    int64_t hour_first, hour_last;
    uint64_t *cell_count; /* looked at; counted on */
};

/*
 * Give the cells that are wanted; *stopped when `on_addend` did not want more.
 *
 *   Errors     LIMIT; as store__segment_use()
 */
CHEK_MUST_USE int store__hours_sum(const struct chek_segment *segment,
                                   const struct store__hours_wish *wish, struct chek_cold *cold,
                                   struct chek_arena *arena, chek_addend_fn on_addend,
                                   void *context, bool *stopped);

#endif
