/* SPDX-License-Identifier: MIT */
/*
 * segment.h - sealed rows: one run of bytes, and what is needed to read them (of this room only).
 *
 * The bytes are those of the file (README.md "Segment"): a head, the run directory, the column
 * directory, a sum over these, then the pages in groups. Opening proves the directories, and each
 * group is checked when it comes into memory, page sums included: whoever reads a group has it held
 * or asked for (group.h), and then cannot leave the bytes, whatever they say.
 */
#ifndef CHEK_STORE_SEGMENT_H
#define CHEK_STORE_SEGMENT_H

#include "engine/base/writer.h"
#include "engine/store/group.h"
#include "engine/store/page.h"
#include "engine/store/set.h"

#define STORE__SEGMENT_MAGIC UINT64_C(0x0a4745534b454843) /* "CHEKSEG\n" */
#define STORE__SEGMENT_VERSION 3
#define STORE__SEGMENT_HEAD_SIZE CHEK_SEGMENT_HEAD_SIZE
#define STORE__SEGMENT_KEPT UINT32_MAX /* entries of the marking table, of one without documents */
#define STORE__RUN_SIZE 12
#define STORE__COLUMN_HEAD_SIZE 4
#define STORE__PAGE_HEAD_SIZE 40

/* Columns of the hour table, in the order in which they stand (hour_table.h). (format) */
#define STORE__HOUR_COLUMNS(X) \
    X(REGISTRATION, 192)       \
    X(HOUR, 193)               \
    X(SHIFT, 194)              \
    X(BINDING, 195)            \
    X(OPERATION, 196)          \
    X(TICKETS, 197)            \
    X(POSITIONS, 198)          \
    X(GROSS, 199)              \
    X(NET, 200)                \
    X(CASH, 201)               \
    X(CARD, 202)               \
    X(MOBILE, 203)             \
    X(OTHER, 204)              \
    X(TAX, 205)

enum store__hour_column {
#define STORE__X(NAME, id) STORE__HOUR_##NAME,
    STORE__HOUR_COLUMNS(STORE__X)
#undef STORE__X
        STORE__HOUR_COLUMN_COUNT,
};

extern const uint16_t store__hour_column_ids[STORE__HOUR_COLUMN_COUNT];

/* Columns of the marking table, in the order in which they stand (marking_table.h). (format) */
#define STORE__MARKING_TABLE_COLUMNS(X) \
    X(HASH, 224)                        \
    X(ROW, 225)

enum store__marking_column {
#define STORE__X(NAME, id) STORE__MARKING_TABLE_##NAME,
    STORE__MARKING_TABLE_COLUMNS(STORE__X)
#undef STORE__X
        STORE__MARKING_TABLE_COLUMN_COUNT,
};

extern const uint16_t store__marking_column_ids[STORE__MARKING_TABLE_COLUMN_COUNT];

/* Rows of a registration, whose ordinals follow each other. */
struct store__run {
    uint32_t registration;
    uint32_t ordinal; /* of its first row */
    uint32_t row;     /* its first row */
    uint32_t row_end;
};

struct chek_segment {
    struct store__space *space; /* where its memory is from: bytes, and this with what is behind */
    size_t spine_size;
    uint8_t *bytes; /* `size`; those of cold groups are zero */
    size_t size;
    struct store__group *groups; /* of rows, page by page; the hour table's, if any; of markings */
    uint32_t group_count;
    struct chek_segment_file file; /* once `is_stored` */
    bool is_stored;
    uint64_t sum;            /* of head and directories, so of everything */
    uint64_t first_row;      /* rows of the store that were sealed before */
    uint32_t set_count;      /* sets that were sealed into it: more than one when it was merged */
    bool is_kept;            /* without what its documents say (keep.h) */
    struct chek_chain chain; /* of the store up to its end; not of the bytes */
    uint32_t row_count;
    uint32_t line_count;
    uint32_t page_row_count;
    uint32_t page_count;
    uint32_t run_count;
    const uint8_t *runs;
    struct store__page *pages; /* those of a column one behind the other, known or not */
    uint32_t column_count;     /* of them */
    const uint8_t *directory;  /* of columns, in `bytes` */
    uint16_t columns[STORE__COLUMN_COUNT]; /* number of the column in `pages` + 1; 0 = absent */
    uint32_t hour_count;                   /* cells of the hour table */
    uint32_t hour_page_count;
    uint64_t hour_size;                   /* bytes of the pages of the hour table */
    const struct store__page *hour_pages; /* a column behind the other, as in `pages` */
    uint32_t marking_count;               /* entries of the marking table */
    uint32_t marking_page_count;
    const struct store__page *marking_pages; /* a column behind the other, too */
    uint64_t *replaced;                      /* a bit a row; mutable state, not of the bytes */
    uint32_t replaced_count;
};

/*
 * Open bytes as a segment: whole ones, all of whose groups are checked, or the front of one whose
 * groups are cold.
 *
 *   Ownership  takes `bytes`, taken from the space, `size` of them, on success; of a cold one the
 *              front is written
 *   Errors     CORRUPT, VERSION, -ENOMEM; the bytes stay the caller's
 */
CHEK_MUST_USE int store__segment_open(struct store__space *space, uint8_t *bytes, size_t size,
                                      bool is_cold, struct chek_segment **ret);
void store__segment_destroy(struct chek_segment *segment); /* takes NULL */

/*
 * The same for bytes that are elsewhere: they are copied. When they are no more than the front, the
 * segment is cold; that takes a space with a reader.
 *
 *   Errors     as above
 */
CHEK_MUST_USE int store__segment_load(struct store__space *space, struct chek_bytes_view bytes,
                                      struct chek_segment **ret);

/* Check a group whose bytes were read: sums, and all that reading relies on. Errors: CORRUPT. */
CHEK_MUST_USE int store__segment_group_check(const struct chek_segment *segment, uint32_t index);

/* The same for all groups, and what only all of them tell. Errors: CORRUPT. */
CHEK_MUST_USE int store__segment_check(const struct chek_segment *segment);

/* Whether bytes are those that were written as a group. */
bool store__segment_is_whole(const struct chek_segment *segment, uint32_t index,
                             const uint8_t *bytes);

/* The group of a row's pages is its page's number; behind them is that of the hour table, then one
 * for each page of the marking table: what has markings has receipts, so it has an hour table. */
static inline uint32_t
store__segment_hour_group(const struct chek_segment *segment)
{
    return segment->page_count;
}

static inline uint32_t
store__segment_marking_group(const struct chek_segment *segment, uint32_t page)
{
    return segment->page_count + 1 + page;
}

/*
 * Have a group to read: in memory when `cold` is NULL or waits, held until _done(); otherwise what
 * is not there is wished for.
 *
 *   Errors     COLD: it was wished for, there is nothing to read and no _done(); CORRUPT, -errno,
 *              HALTED
 */
CHEK_MUST_USE static inline int
store__segment_use(const struct chek_segment *segment, uint32_t group, struct chek_cold *cold)
{
    struct store__group *at = &segment->groups[group];
    if (store__cold_waits(cold)) {
        return store__group_hold(segment, group, cold);
    }
    if (CHEK_UNLIKELY(atomic_load_explicit(&at->state, memory_order_acquire) !=
                      STORE__GROUP_READY)) {
        return store__group_want(segment, group, cold);
    }
    if (!atomic_load_explicit(&at->is_used, memory_order_relaxed)) {
        atomic_store_explicit(&at->is_used, true, memory_order_relaxed);
    }
    return CHEK_OK;
}

static inline void
store__segment_done(const struct chek_segment *segment, uint32_t group,
                    const struct chek_cold *cold)
{
    if (store__cold_waits(cold)) {
        store__group_release(segment, group);
    }
}

/* The same for all groups of a segment, held. Errors: as above, none is held then. */
CHEK_MUST_USE int store__segment_hold(const struct chek_segment *segment);
void store__segment_release(const struct chek_segment *segment);

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

/* A page of a column; NULL when the column is absent, which means zeroes. Its values are there
 * while its group is; its head always is. */
static inline const struct store__page *
store__segment_page(const struct chek_segment *segment, enum store__column column, uint32_t page)
{
    uint32_t number = segment->columns[column];
    return number != 0 ? &segment->pages[(size_t)(number - 1) * segment->page_count + page] : NULL;
}

/* A page of a column of the hour table. */
static inline const struct store__page *
store__segment_hour_page(const struct chek_segment *segment, enum store__hour_column column,
                         uint32_t page)
{
    return &segment->hour_pages[column * segment->hour_page_count + page];
}

/* A page of a column of the marking table. */
static inline const struct store__page *
store__segment_marking_page(const struct chek_segment *segment, enum store__marking_column column,
                            uint32_t page)
{
    return &segment->marking_pages[column * segment->marking_page_count + page];
}

/*
 * Encode a full set as the bytes of a segment.
 *
 *   Ownership  *ret is taken from the store's space
 *   Errors     -ENOMEM; -EAGAIN: the store's stock of pieces ended. Texts that got codes keep them
 *   Threads    any one; the set does not change meanwhile, and nobody else uses the store's
 *              dictionaries, but to read what was published
 */
CHEK_MUST_USE int store__segment_encode(struct store__sealer *sealer, struct chek_store *store,
                                        const struct store__set *set, uint64_t first_row,
                                        uint8_t **ret, size_t *ret_size);

#endif
