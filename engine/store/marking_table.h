/* SPDX-License-Identifier: MIT */
/*
 * marking_table.h - which rows of a segment have which marking codes (of this room only).
 *
 * An entry is the hash of a code and the row whose document has it, in the order of (hash, row), in
 * pages of as many entries as the segment's other pages have rows; each page is a group of its own.
 * The heads of pages, which always are in memory, say which one a hash can be in: so looking for a
 * code reads one page a segment at most, and nothing where no document has a code. (format; README.md
 * "Marking table")
 */
#ifndef CHEK_STORE_MARKING_TABLE_H
#define CHEK_STORE_MARKING_TABLE_H

#include "engine/store/segment_write.h"

/* Entries in memory: hash << 32 | row. Zeroed it is an empty table. */
struct store__markings {
    uint64_t *entries, *sorting;
    uint32_t count, capacity;
};

void store__markings_finish(struct store__markings *markings);

/* The hash of a code. (format) */
uint32_t store__marking_hash(struct chek_bytes_view code);

/* Add a code of a row. Errors: -ENOMEM. */
CHEK_MUST_USE int store__markings_add(struct store__markings *markings, struct chek_bytes_view code,
                                      uint32_t row);

/* Put all entries in order. Cost: 8 passes at most over entries of 8 bytes. */
void store__markings_sort(struct store__markings *markings);

/*
 * Gather the tables of segments that are merged, in order.
 *
 *   Errors     -ENOMEM
 */
struct store__merge_order;
CHEK_MUST_USE int store__markings_of_segments(const struct store__merge_order *order,
                                              struct store__markings *ret);

/* Write all columns of the table; they come behind those of the hour table. */
void store__markings_write(struct store__segment_writer *writer,
                           const struct store__markings *markings, uint32_t page_row_count);

/*
 * Check that a page of the table of a segment, whose group is there, can be read, that its entries
 * are in order and of rows that there are, and that its head says where they begin and end.
 *
 *   Errors     CORRUPT
 */
CHEK_MUST_USE int store__markings_check(const struct chek_segment *segment, uint32_t page);

/* Decode entries from..from+count-1 of a page of a checked table. */
#define STORE__MARKING_BATCH_COUNT 256
void store__markings_read(const struct chek_segment *segment, uint32_t page, uint32_t from,
                          uint32_t count, uint64_t *ret);

#endif
