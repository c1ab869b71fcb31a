/* SPDX-License-Identifier: MIT */
/* set.c - blocks, the map of registrations and plain texts of one set of open rows. */
#include "engine/store/set.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

static size_t
replaced_size(uint32_t row_count_max)
{
    return ((size_t)row_count_max + 63) / 64 * sizeof(uint64_t);
}

/* Bytes of the tables of a set: address space of their own, touched as rows come. */
static size_t
tables_size(uint32_t row_count_max)
{
    return replaced_size(row_count_max) + row_count_max * sizeof(struct store__head) +
           STORE__CHAIN_COUNT * sizeof(uint32_t);
}

static uint8_t *
tables_reserve(size_t size)
{
    uint8_t *bytes = chek_memory_reserve(size);
    if (bytes != NULL && chek_memory_commit(bytes, size) != CHEK_OK) {
        chek_memory_release(bytes, size);
        return NULL;
    }
    return bytes;
}

int
store__set_create(uint32_t row_count_max, struct store__set **ret)
{
    struct store__set *set = chek_memory_allocate(sizeof *set);
    uint8_t *bytes = tables_reserve(tables_size(row_count_max));
    if (set == NULL || bytes == NULL) {
        chek_memory_free(set, sizeof *set);
        chek_memory_release(bytes, tables_size(row_count_max));
        return -ENOMEM;
    }
    set->row_count_max = row_count_max;
    set->row_capacity = row_count_max;
    set->text_at = STORE__TEXT_BLOCK_SIZE;
    set->replaced = (uint64_t *)(void *)bytes;
    bytes += replaced_size(row_count_max);
    set->heads = (struct store__head *)(void *)bytes;
    bytes += row_count_max * sizeof(struct store__head);
    set->newest = (uint32_t *)(void *)bytes;
    *ret = set;
    return CHEK_OK;
}

void
store__set_clear(struct store__set *set, struct store__pool *pool)
{
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        for (uint32_t i = 0; i < set->block_count[kind]; i++) {
            store__pool_give_block(pool, kind, set->blocks[kind][i]);
        }
        set->block_count[kind] = 0;
    }
    memset(set->newest, 0, STORE__CHAIN_COUNT * sizeof *set->newest);
    memset(set->replaced, 0, replaced_size(set->row_capacity));
    memset(set->child_count, 0, sizeof set->child_count);
    set->next = NULL;
    set->row_count = 0;
    set->row_count_max = set->row_capacity;
    set->replaced_count = 0;
    set->text_at = STORE__TEXT_BLOCK_SIZE;
    set->text_size = 0;
    set->sealing = false;
}

void
store__set_destroy(struct store__set *set)
{
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        CHEK_ASSERT(set->block_count[kind] == 0);
        chek_memory_free(set->blocks[kind], set->block_count_max[kind] * sizeof(void *));
    }
    chek_memory_release(set->replaced, tables_size(set->row_capacity));
    chek_memory_free(set, sizeof *set);
}

int
store__set_ensure_blocks(struct store__set *set, uint32_t kind, uint32_t count)
{
    uint32_t old = set->block_count_max[kind];
    if (count <= old) {
        return CHEK_OK;
    }
    uint32_t more = count > 2 * old ? count : 2 * old;
    void *grown = chek_memory_grow(set->blocks[kind], old * sizeof(void *), more * sizeof(void *));
    if (grown == NULL) {
        return -ENOMEM;
    }
    set->blocks[kind] = grown;
    set->block_count_max[kind] = more;
    return CHEK_OK;
}

static void *
block_append(struct store__set *set, struct store__pool *pool, uint32_t kind)
{
    CHEK_ASSERT(set->block_count[kind] < set->block_count_max[kind]);
    void *block = store__pool_take_block(pool, kind);
    set->blocks[kind][set->block_count[kind]] = block;
    set->block_count[kind] += 1;
    return block;
}

void *
store__set_block_next(struct store__set *set, struct store__pool *pool, uint32_t table,
                      uint32_t index)
{
    CHEK_ASSERT(index >> STORE__BLOCK_SHIFT == set->block_count[table]);
    void *block = block_append(set, pool, table);
    memset(block, 0, sizeof(uint64_t)); /* nothing touched yet */
    return block;
}

void
store__column_touch(void *block, const struct store__column_info *info)
{
    uint64_t touched = chek_load_u64(block);
    memset((uint8_t *)block + info->offset, 0, (size_t)info->width * STORE__BLOCK_ROW_COUNT);
    chek_store_u64(block, touched | UINT64_C(1) << info->bit);
}

static inline uint32_t *
chain_of(const struct store__set *set, uint32_t registration)
{
    uint64_t spread = registration * UINT64_C(0x9e3779b97f4a7c15);
    return &set->newest[(spread >> 32) % STORE__CHAIN_COUNT];
}

void
store__set_prefetch(const struct store__set *set, uint32_t registration)
{
    chek_prefetch(chain_of(set, registration));
}

/* The first row of a registration in a chain from `number` on. */
static uint32_t
chain_next(const struct store__set *set, uint32_t number, uint32_t registration)
{
    while (number != 0 && set->heads[number - 1].registration != registration) {
        number = set->heads[number - 1].previous;
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
    const struct store__head *head = &set->heads[row];
    return chain_next(set, head->previous, head->registration);
}

uint32_t
store__set_find(const struct store__set *set, uint32_t registration, uint32_t ordinal)
{
    uint32_t number = *chain_of(set, registration);
    while (number != 0) {
        const struct store__head *head = &set->heads[number - 1];
        if (head->registration == registration && head->ordinal <= ordinal) {
            return head->ordinal == ordinal ? number - 1 : UINT32_MAX;
        }
        number = head->previous;
    }
    return UINT32_MAX;
}

/* A run of one registration has consecutive ordinals: a row is found by subtraction. Sealing
 * asserts it of every row, without the loads that it would cost here. */
static bool
ordinal_follows(const struct store__set *set, const struct store__head *head)
{
    uint32_t newest = store__set_newest(set, head->registration);
    return newest == 0 || set->heads[newest - 1].ordinal + 1 == head->ordinal;
}

void
store__set_link(struct store__set *set, uint32_t row)
{
    struct store__head *head = &set->heads[row];
    uint32_t *newest = chain_of(set, head->registration);
    CHEK_ASSERT_SLOW(ordinal_follows(set, head));
    head->previous = *newest;
    *newest = row + 1;
}

uint64_t
store__set_text_add(struct store__set *set, struct store__pool *pool, struct chek_bytes_view text)
{
    CHEK_ASSERT(text.size <= STORE__TEXT_SIZE_MAX);
    if (text.size > STORE__TEXT_BLOCK_SIZE - set->text_at) {
        block_append(set, pool, STORE__TEXT_BLOCK);
        set->text_at = 0;
    }
    uint32_t number = set->block_count[STORE__TEXT_BLOCK] - 1;
    uint64_t place = (uint64_t)number << 2 * STORE__PLACE_BITS |
                     (uint64_t)set->text_at << STORE__PLACE_BITS | text.size;
    uint8_t *block = set->blocks[STORE__TEXT_BLOCK][number];
    memcpy(block + set->text_at, text.bytes, text.size);
    set->text_at += (uint32_t)text.size;
    set->text_size += text.size;
    return place;
}
