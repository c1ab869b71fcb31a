/* SPDX-License-Identifier: MIT */
/*
 * segment.h - sealed rows: one run of bytes, and what is needed to read them (of this room only).
 *
 * The bytes are those of the file (README.md "Segment"): a head, the run directory, the column
 * directory, a sum over these, then the pages. Opening proves all that reading relies on, page
 * sums included; reading then cannot leave the bytes, whatever they say.
 */
#ifndef CHEK_STORE_SEGMENT_H
#define CHEK_STORE_SEGMENT_H

#include "engine/base/writer.h"
#include "engine/store/page.h"
#include "engine/store/set.h"

#define STORE__SEGMENT_MAGIC UINT64_C(0x0a4745534b454843) /* "CHEKSEG\n" */
#define STORE__SEGMENT_VERSION 1
#define STORE__SEGMENT_HEAD_SIZE 48
#define STORE__RUN_SIZE 12
#define STORE__COLUMN_HEAD_SIZE 4
#define STORE__PAGE_HEAD_SIZE 40

/* Rows of a registration, whose ordinals follow each other. */
struct store__run {
    uint32_t registration;
    uint32_t ordinal; /* of its first row */
    uint32_t row;     /* its first row */
    uint32_t row_end;
};

struct chek_segment {
    uint8_t *bytes; /* `size`, and STORE__PAGE_SLACK zeroes */
    size_t size;
    uint64_t sum;       /* of head and directories, so of everything */
    uint64_t first_row; /* rows of the store that were sealed before */
    uint32_t row_count;
    uint32_t line_count;
    uint32_t page_row_count;
    uint32_t page_count;
    uint32_t run_count;
    const uint8_t *runs;
    struct store__page *pages; /* those of a present column one behind the other */
    uint32_t page_total;
    uint16_t columns[STORE__COLUMN_COUNT]; /* number of the column in `pages` + 1; 0 = absent */
    uint64_t *replaced;                    /* a bit a row; mutable state, not of the bytes */
    uint32_t replaced_count;
};

/*
 * Open bytes as a segment.
 *
 *   Ownership  takes `bytes` (`size` + STORE__PAGE_SLACK from chek_memory_allocate()) on success
 *   Errors     CORRUPT, VERSION, -ENOMEM; the bytes stay the caller's
 */
CHEK_MUST_USE int store__segment_open(uint8_t *bytes, size_t size, struct chek_segment **ret);
void store__segment_destroy(struct chek_segment *segment); /* takes NULL */

uint64_t store__segment_memory_size(const struct chek_segment *segment);

/* The sum of a page's bytes, which says too whose page it is. */
uint64_t store__page_sum(const uint8_t *bytes, size_t size, uint16_t column_id, uint32_t page);

static inline struct store__run
store__segment_run(const struct chek_segment *segment, uint32_t index)
{
    const uint8_t *at = segment->runs + (size_t)index * STORE__RUN_SIZE;
    bool last = index + 1 == segment->run_count;
    return (struct store__run){
        .registration = chek_load_u32(at),
        .ordinal = chek_load_u32(at + 4),
        .row = chek_load_u32(at + 8),
        .row_end = last ? segment->row_count : chek_load_u32(at + STORE__RUN_SIZE + 8),
    };
}

/* The first run of a registration that is not less than this one; the count when there is none. */
uint32_t store__segment_run_find(const struct chek_segment *segment, uint32_t registration);

/* The run that holds a row. */
uint32_t store__segment_run_of(const struct chek_segment *segment, uint32_t row);

/* Find a row: its index, or UINT32_MAX. */
uint32_t store__segment_find(const struct chek_segment *segment, uint32_t registration,
                             uint32_t ordinal);

/* A page of a column; NULL when the column is absent, which means zeroes. */
static inline const struct store__page *
store__segment_page(const struct chek_segment *segment, enum store__column column, uint32_t page)
{
    uint32_t number = segment->columns[column];
    return number != 0 ? &segment->pages[(size_t)(number - 1) * segment->page_count + page] : NULL;
}

/*
 * Encode a full set as the bytes of a segment.
 *
 *   Ownership  *ret, with STORE__PAGE_SLACK bytes behind, is from chek_memory_allocate()
 *   Errors     -ENOMEM; -EAGAIN: the store's stock of pieces ended. Texts that got codes keep them
 *   Threads    any one; the set does not change meanwhile, and nobody else uses the store's
 *              dictionaries, but to read what was published
 */
CHEK_MUST_USE int store__segment_encode(struct store__sealer *sealer, struct chek_store *store,
                                        const struct store__set *set, uint64_t first_row,
                                        uint8_t **ret, size_t *ret_size);

#endif
