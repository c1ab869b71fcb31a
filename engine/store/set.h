/* SPDX-License-Identifier: MIT */
/*
 * set.h - open rows, and the store that holds them (of this room only).
 *
 * A set is the rows that will be sealed together, in the order they came: blocks of columns for
 * documents and for each kind of child, blocks of plain texts, a head a row that finds its
 * children, and a small table by which the rows of a registration are found from the newest on. What a set holds never moves, so a worker can encode a full one while rows are appended
 * to the next.
 */
#ifndef CHEK_STORE_SET_H
#define CHEK_STORE_SET_H

#include "engine/store/columns.h"
#include "engine/store/dictionary.h"
#include "engine/store/pool.h"
#include "engine/store/store.h"

/* Longest of the strings that a row may hold: the frozen totals of a shift. */
#define STORE__TEXT_SIZE_MAX 65536

#define STORE__MARKING_COUNT_MAX 16             /* of a line; protocol.def */
#define STORE__SEGMENT_ROW_COUNT_MAX (1u << 18) /* so that rows of any table fit 32 bits */

_Static_assert(CHEK_REGISTER_SIZE_MAX <= STORE__TEXT_SIZE_MAX, "a profile is a text");
_Static_assert(STORE__DICTIONARY_TEXT_SIZE_MAX <= STORE__TEXT_SIZE_MAX, "so is a code's text");

/* Where a row's children begin and which row of its registration came before. Not stored. */
struct store__head {
    uint32_t registration;
    uint32_t ordinal;
    uint32_t previous;                  /* row + 1 in this set, in the same chain; 0 = none */
    uint32_t first[STORE__TABLE_COUNT]; /* by table; of itself for documents */
};

/* Rows of all registrations hang in so many chains: most sets have rows of fewer. */
#define STORE__CHAIN_COUNT 1024

struct store__set {
    struct store__set *next; /* newer one, or the next spare one */
    uint32_t row_count;
    uint32_t row_count_max;                   /* when it is full */
    uint32_t row_capacity;                    /* that it has tables for */
    uint32_t child_count[STORE__TABLE_COUNT]; /* [STORE__DOCUMENT] is row_count */
    void **blocks[STORE__BLOCK_KIND_COUNT];
    uint32_t block_count[STORE__BLOCK_KIND_COUNT];
    uint32_t block_count_max[STORE__BLOCK_KIND_COUNT];
    uint32_t text_at; /* used of the last text block */
    uint64_t text_size;
    struct store__head *heads;
    uint32_t *newest;   /* STORE__CHAIN_COUNT: the newest row + 1 of a chain; 0 = none */
    uint64_t *replaced; /* a bit a row */
    uint32_t replaced_count;
    bool sealing;
};

/* What may still be appended before chek_store_ensure() has to look again. */
struct store__credit {
    uint32_t rows;
    size_t document_size, cell_size;
};

/* The texts that chek_store_prefetch() saw: their buckets are on the way. */
#define STORE__AHEAD_COUNT_MAX 256

struct store__ahead {
    uint32_t count;
    uint64_t hashes[STORE__AHEAD_COUNT_MAX];
    uint8_t dictionaries[STORE__AHEAD_COUNT_MAX];
};

struct store__image;

struct chek_store {
    struct chek_store_config config;
    struct store__pool pool;
    struct store__dictionary dictionaries[STORE__DICTIONARY_COUNT];
    struct store__set *oldest, *newest; /* open sets; the newest takes rows */
    struct store__set *spare;
    uint32_t spare_count;
    struct store__credit credit;
    struct chek_segment **segments;
    uint32_t segment_count, segment_count_max;
    uint64_t history_hash;
    uint64_t row_count, line_count;
    uint64_t sealed_row_count;
    uint64_t segment_size; /* bytes in memory for all segments */
    struct store__ahead ahead;
    struct store__image *image; /* being written while the store goes on, or NULL */
    uint8_t *scratch;           /* a document encoded, when it comes without its bytes */
};

/* ---- sets ---- */

/* Make an empty set. Errors: -ENOMEM. */
CHEK_MUST_USE int store__set_create(uint32_t row_count_max, struct store__set **ret);

/* Give the blocks back to the pool and forget all rows. */
void store__set_clear(struct store__set *set, struct store__pool *pool);
void store__set_destroy(struct store__set *set); /* a cleared one */

/* Make room in the table of blocks of a kind. Errors: -ENOMEM. */
CHEK_MUST_USE int store__set_ensure_blocks(struct store__set *set, uint32_t kind, uint32_t count);

/* Take the block that follows the last one of a table. */
void *store__set_block_next(struct store__set *set, struct store__pool *pool, uint32_t table,
                            uint32_t index);

/* Return the block that row `index` of a table is in, which is the last one or the next. */
static inline void *
store__set_block_add(struct store__set *set, struct store__pool *pool, uint32_t table,
                     uint32_t index)
{
    uint32_t number = index >> STORE__BLOCK_SHIFT;
    if (CHEK_LIKELY(number < set->block_count[table])) {
        return set->blocks[table][number];
    }
    return store__set_block_next(set, pool, table, index);
}

/* Find an open row of a set: its index, or UINT32_MAX. */
uint32_t store__set_find(const struct store__set *set, uint32_t registration, uint32_t ordinal);

/* The newest row of a registration + 1; 0 when the set has none. */
uint32_t store__set_newest(const struct store__set *set, uint32_t registration);

/* The row of the same registration before `row`, + 1; 0 when the set has none. */
uint32_t store__set_previous(const struct store__set *set, uint32_t row);

/* Start loading what finding or adding a row of a registration touches first. */
void store__set_prefetch(const struct store__set *set, uint32_t registration);

/* Put a row that was just added, whose head is written, into its chain. */
void store__set_link(struct store__set *set, uint32_t row);

/* A plain text's place is {block, at, size} in 24, 20 and 20 bits; 0 is the empty text. */
#define STORE__PLACE_BITS 20
#define STORE__PLACE_MASK ((UINT64_C(1) << STORE__PLACE_BITS) - 1)

_Static_assert(STORE__TEXT_BLOCK_SIZE <= STORE__PLACE_MASK, "a place's parts");
_Static_assert(STORE__TEXT_SIZE_MAX <= STORE__TEXT_BLOCK_SIZE, "a text fits a block");

/* Store a plain text that is not empty; returns its place. */
uint64_t store__set_text_add(struct store__set *set, struct store__pool *pool,
                             struct chek_bytes_view text);

static inline struct chek_bytes_view
store__set_text(const struct store__set *set, uint64_t place)
{
    size_t size = place & STORE__PLACE_MASK;
    if (size == 0) {
        return (struct chek_bytes_view){0};
    }
    const uint8_t *block = set->blocks[STORE__TEXT_BLOCK][place >> 2 * STORE__PLACE_BITS];
    return chek_bytes_view_of(block + (place >> STORE__PLACE_BITS & STORE__PLACE_MASK), size);
}

/* Zero a column of a block before its first value. */
void store__column_touch(void *block, const struct store__column_info *info);

/* Return the value of any INTEGER or CODE column, or the place of a BYTES one. */
static inline uint64_t
store__set_value(const struct store__set *set, enum store__column column, uint32_t index)
{
    const struct store__column_info *info = &store__columns[column];
    const uint8_t *block = set->blocks[info->table][index >> STORE__BLOCK_SHIFT];
    if ((chek_load_u64(block) >> info->bit & 1) == 0) {
        return 0;
    }
    const uint8_t *at =
        block + info->offset + (size_t)(index & (STORE__BLOCK_ROW_COUNT - 1)) * info->width;
    switch (info->width) {
    case 1:
        return *at;
    case 2:
        return chek_load_u16(at);
    case 4:
        return chek_load_u32(at);
    default:
        return chek_load_u64(at);
    }
}

static inline bool
store__bit(const uint64_t *bits, uint32_t index)
{
    return (bits[index / 64] >> (index % 64) & 1) != 0;
}

/* ---- the store ---- */

/* The dictionary of a CODE column. */
uint32_t store__dictionary_of(enum store__column column);

/* Rows of a page of a segment with so many rows. */
uint32_t store__page_row_count(uint32_t segment_row_count);

/* Put an empty set behind the others; there is a spare one. */
struct store__set *store__set_begin(struct chek_store *store);

#endif
