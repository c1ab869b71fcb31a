/* SPDX-License-Identifier: MIT */
/* set.c - blocks, the map of registrations and plain texts of one set of open rows. */
#include "engine/store/set.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

static uint32_t
map_slot_count(uint32_t row_count_max)
{
    uint32_t count = 16;
    while (count < 2 * row_count_max) {
        count *= 2;
    }
    return count;
}

static size_t
replaced_size(uint32_t row_count_max)
{
    return ((size_t)row_count_max + 63) / 64 * sizeof(uint64_t);
}

int
store__set_create(uint32_t row_count_max, struct store__pool *pool, struct store__set **ret)
{
    uint32_t slot_count = map_slot_count(row_count_max);
    size_t heads_size = row_count_max * sizeof(struct store__head);
    size_t map_size = slot_count * sizeof(struct store__map_slot);
    struct store__set *set = chek_memory_allocate(sizeof *set);
    if (set == NULL) {
        return -ENOMEM;
    }
    uint8_t *bytes =
        store__pool_take_bytes(pool, heads_size + map_size + replaced_size(row_count_max));
    if (bytes == NULL) {
        chek_memory_free(set, sizeof *set);
        return -ENOMEM;
    }
    set->row_count_max = row_count_max;
    set->map_mask = slot_count - 1;
    set->text_at = STORE__TEXT_BLOCK_SIZE;
    set->map = (struct store__map_slot *)(void *)bytes;
    set->replaced = (uint64_t *)(void *)(bytes + map_size);
    set->heads = (struct store__head *)(void *)(bytes + map_size + replaced_size(row_count_max));
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
    memset(set->map, 0, ((size_t)set->map_mask + 1) * sizeof *set->map);
    memset(set->replaced, 0, replaced_size(set->row_count_max));
    memset(set->child_count, 0, sizeof set->child_count);
    set->next = NULL;
    set->row_count = 0;
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

static inline uint32_t
map_first_slot(const struct store__set *set, uint32_t registration)
{
    uint64_t spread = registration * UINT64_C(0x9e3779b97f4a7c15);
    return (uint32_t)(spread >> 32) & set->map_mask;
}

void
store__set_prefetch(const struct store__set *set, uint32_t registration)
{
    __builtin_prefetch(&set->map[map_first_slot(set, registration)]);
}

static uint32_t
map_slot(const struct store__set *set, uint32_t registration)
{
    uint32_t slot = map_first_slot(set, registration);
    while (set->map[slot].row != 0 && set->map[slot].registration != registration) {
        slot = (slot + 1) & set->map_mask;
    }
    return slot;
}

uint32_t
store__set_newest(const struct store__set *set, uint32_t registration)
{
    return set->map[map_slot(set, registration)].row;
}

uint32_t
store__set_find(const struct store__set *set, uint32_t registration, uint32_t ordinal)
{
    uint32_t number = store__set_newest(set, registration);
    while (number != 0 && set->heads[number - 1].ordinal > ordinal) {
        number = set->heads[number - 1].previous;
    }
    return number != 0 && set->heads[number - 1].ordinal == ordinal ? number - 1 : UINT32_MAX;
}

void
store__set_map_add(struct store__set *set, uint32_t row)
{
    struct store__head *head = &set->heads[row];
    struct store__map_slot *slot = &set->map[map_slot(set, head->registration)];
    head->previous = slot->row;
    /* A run of one registration has consecutive ordinals: a row is found by subtraction. Sealing
     * asserts it of every row, without the load that it would cost here. */
    CHEK_ASSERT_SLOW(head->previous == 0 ||
                     set->heads[head->previous - 1].ordinal + 1 == head->ordinal);
    *slot = (struct store__map_slot){.registration = head->registration, .row = row + 1};
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
