/* SPDX-License-Identifier: MIT */
/* set.c - blocks of one set of open rows, and the chains of registrations. */
#include "engine/store/set.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"

static size_t
replaced_size(uint32_t row_count_max)
{
    return ((size_t)row_count_max + 63) / 64 * sizeof(uint64_t);
}

static uint32_t
row_block_count_max(uint32_t row_count_max)
{
    return row_count_max / STORE__BLOCK_ROW_COUNT + 1;
}

/* Bytes of a set with its tables. */
static size_t
set_size(uint32_t row_count_max)
{
    return sizeof(struct store__set) + replaced_size(row_count_max) +
           row_block_count_max(row_count_max) * sizeof(struct store__row *) +
           STORE__CHAIN_COUNT * sizeof(uint32_t);
}

int
store__set_create(uint32_t row_count_max, struct store__set **ret)
{
    uint8_t *bytes = chek_workspace_take(set_size(row_count_max));
    if (bytes == NULL) {
        return -ENOMEM;
    }
    struct store__set *set = (void *)bytes;
    set->row_count_max = row_count_max;
    set->row_capacity = row_count_max;
    set->bytes_at = STORE__BYTES_BLOCK_SIZE;
    bytes += sizeof *set;
    set->replaced = (uint64_t *)(void *)bytes;
    bytes += replaced_size(row_count_max);
    set->row_blocks = (void *)bytes;
    bytes += row_block_count_max(row_count_max) * sizeof(struct store__row *);
    set->newest = (uint32_t *)(void *)bytes;
    *ret = set;
    return CHEK_OK;
}

/* Blocks of bytes hang together by their first bytes. */
static void
blocks_give(struct store__set *set, struct store__pool *pool, uint32_t kind)
{
    uint8_t *block = set->newest_blocks[kind];
    while (block != NULL) {
        uint8_t *before;
        memcpy(&before, block, sizeof before);
        store__pool_give_block(pool, kind, block);
        block = before;
    }
    set->newest_blocks[kind] = NULL;
}

void
store__set_clear(struct store__set *set, struct store__pool *pool)
{
    for (uint32_t i = 0; i < set->row_block_count; i++) {
        store__pool_give_block(pool, STORE__ROW_BLOCK, set->row_blocks[i]);
    }
    set->row_block_count = 0;
    blocks_give(set, pool, STORE__BYTES_BLOCK);
    blocks_give(set, pool, STORE__LARGE_BLOCK);
    memset(set->newest, 0, STORE__CHAIN_COUNT * sizeof *set->newest);
    memset(set->replaced, 0, replaced_size(set->row_capacity));
    set->next = NULL;
    set->row_count = 0;
    set->row_count_max = set->row_capacity;
    set->replaced_count = 0;
    set->bytes_at = STORE__BYTES_BLOCK_SIZE;
    set->line_count = 0;
    set->document_size = 0;
    set->cell_size = 0;
}

void
store__set_destroy(struct store__set *set)
{
    CHEK_ASSERT(set->row_block_count == 0);
    chek_workspace_give(set, set_size(set->row_capacity));
}

static uint8_t *
block_append(struct store__set *set, struct store__pool *pool, uint32_t kind)
{
    uint8_t *block = store__pool_take_block(pool, kind);
    memcpy(block, &set->newest_blocks[kind], STORE__LINK_SIZE);
    set->newest_blocks[kind] = block;
    return block;
}

struct store__row *
store__set_row_add(struct store__set *set, struct store__pool *pool)
{
    if (CHEK_UNLIKELY(set->row_count >> STORE__BLOCK_SHIFT == set->row_block_count)) {
        CHEK_ASSERT(set->row_block_count < row_block_count_max(set->row_capacity));
        set->row_blocks[set->row_block_count] = store__pool_take_block(pool, STORE__ROW_BLOCK);
        set->row_block_count += 1;
    }
    return store__set_row(set, set->row_count);
}

uint8_t *
store__set_bytes_add(struct store__set *set, struct store__pool *pool, size_t size)
{
    if (CHEK_UNLIKELY(size > STORE__SMALL_SIZE_MAX)) {
        CHEK_ASSERT(size <= STORE__LARGE_SIZE_MAX);
        return block_append(set, pool, STORE__LARGE_BLOCK) + STORE__LINK_SIZE;
    }
    if (CHEK_UNLIKELY(size > STORE__BYTES_BLOCK_SIZE - set->bytes_at)) {
        block_append(set, pool, STORE__BYTES_BLOCK);
        set->bytes_at = STORE__LINK_SIZE;
    }
    uint8_t *at = set->newest_blocks[STORE__BYTES_BLOCK] + set->bytes_at;
    set->bytes_at += (uint32_t)(size + 7) & ~7u;
    return at;
}

/* ---- chains ---- */

#define AHEAD_SIZE (4 * CHEK_CACHE_LINE_SIZE) /* most documents are less */

static inline uint32_t *
chain_of(const struct store__set *set, uint32_t registration)
{
    uint64_t spread = registration * UINT64_C(0x9e3779b97f4a7c15);
    return &set->newest[(spread >> 32) % STORE__CHAIN_COUNT];
}

/* Rows of one wave are of different stores, mostly, so each writes where its store ends now. */
void
chek_store_prefetch(const struct chek_store *store, uint32_t registration)
{
    const struct store__set *set = store->newest;
    chek_prefetch_write(chain_of(set, registration));
    if (set->row_count >> STORE__BLOCK_SHIFT < set->row_block_count) {
        const struct store__row *row = store__set_row(set, set->row_count);
        chek_prefetch_write(row);
        chek_prefetch_write((const uint8_t *)row + CHEK_CACHE_LINE_SIZE);
    }
    const uint8_t *block = set->newest_blocks[STORE__BYTES_BLOCK];
    if (block != NULL) {
        for (uint32_t i = 0; i < AHEAD_SIZE; i += CHEK_CACHE_LINE_SIZE) {
            chek_prefetch_write(block + set->bytes_at + i);
        }
    }
}

/* The first row of a registration in a chain from `number` on. */
static uint32_t
chain_next(const struct store__set *set, uint32_t number, uint32_t registration)
{
    while (number != 0) {
        const struct store__row *row = store__set_row(set, number - 1);
        if (row->registration == registration) {
            break;
        }
        number = row->previous;
    }
    return number;
}

uint32_t
store__set_newest(const struct store__set *set, uint32_t registration)
{
    return chain_next(set, *chain_of(set, registration), registration);
}

uint32_t
store__set_previous(const struct store__set *set, uint32_t row)
{
    const struct store__row *at = store__set_row(set, row);
    return chain_next(set, at->previous, at->registration);
}

uint32_t
store__set_find(const struct store__set *set, uint32_t registration, uint32_t ordinal)
{
    uint32_t number = *chain_of(set, registration);
    while (number != 0) {
        const struct store__row *row = store__set_row(set, number - 1);
        if (row->registration == registration && row->ordinal <= ordinal) {
            return row->ordinal == ordinal ? number - 1 : UINT32_MAX;
        }
        number = row->previous;
    }
    return UINT32_MAX;
}

/* A run of one registration has consecutive ordinals: a row is found by subtraction. Sealing
 * asserts it of every row, without the loads that it would cost here. */
static bool
ordinal_follows(const struct store__set *set, const struct store__row *row)
{
    uint32_t newest = store__set_newest(set, row->registration);
    return newest == 0 || store__set_row(set, newest - 1)->ordinal + 1 == row->ordinal;
}

void
store__set_link(struct store__set *set, struct store__row *row, const struct chek_row *told,
                uint32_t line_count, size_t document_size)
{
    uint32_t *newest = chain_of(set, told->registration);
    CHEK_ASSERT_SLOW(ordinal_follows(set, row));
    row->previous = *newest;
    set->row_count += 1;
    set->line_count += line_count;
    set->document_size += document_size;
    set->cell_size += told->cell.size;
    *newest = set->row_count;
}
