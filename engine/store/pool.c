/* SPDX-License-Identifier: MIT */
/* pool.c - free lists over the heap. */
#include "engine/store/pool.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#define SLAB_PIECE_COUNT 16

struct slab {
    struct slab *next;
    uint8_t bytes[SLAB_PIECE_COUNT * STORE__PIECE_SIZE + CHEK_CACHE_LINE_SIZE];
};

static size_t
block_size(uint32_t kind)
{
    return kind == STORE__TEXT_BLOCK ? STORE__TEXT_BLOCK_SIZE : store__block_size[kind];
}

/* The first word of what is free names the next free one. */
static void
push(void **list, void *block)
{
    memcpy(block, list, sizeof *list);
    *list = block;
}

static void *
pop(void **list)
{
    void *block = *list;
    CHEK_ASSERT(block != NULL);
    memcpy(list, block, sizeof *list);
    return block;
}

int
store__pool_ensure_blocks(struct store__pool *pool, uint32_t kind, uint32_t count)
{
    while (pool->free_block_count[kind] < count) {
        void *block = chek_memory_allocate(block_size(kind));
        if (block == NULL) {
            return -ENOMEM;
        }
        push(&pool->free_blocks[kind], block);
        pool->free_block_count[kind] += 1;
        pool->block_count[kind] += 1;
    }
    return CHEK_OK;
}

int
store__pool_ensure_pieces(struct store__pool *pool, uint32_t count)
{
    while (pool->free_piece_count < count) {
        struct slab *slab = chek_memory_allocate(sizeof *slab);
        if (slab == NULL) {
            return -ENOMEM;
        }
        slab->next = pool->slabs;
        pool->slabs = slab;
        uint8_t *at = slab->bytes + (-(uintptr_t)slab->bytes % CHEK_CACHE_LINE_SIZE);
        for (uint32_t i = 0; i < SLAB_PIECE_COUNT; i++) {
            push(&pool->free_pieces, at + (size_t)i * STORE__PIECE_SIZE);
        }
        pool->free_piece_count += SLAB_PIECE_COUNT;
        pool->piece_count += SLAB_PIECE_COUNT;
    }
    return CHEK_OK;
}

void *
store__pool_take_block(struct store__pool *pool, uint32_t kind)
{
    void *block = pop(&pool->free_blocks[kind]);
    pool->free_block_count[kind] -= 1;
    return block;
}

void *
store__pool_take_piece(struct store__pool *pool)
{
    void *piece = pop(&pool->free_pieces);
    pool->free_piece_count -= 1;
    return piece;
}

void
store__pool_give_block(struct store__pool *pool, uint32_t kind, void *block)
{
    push(&pool->free_blocks[kind], block);
    pool->free_block_count[kind] += 1;
}

void
store__pool_trim(struct store__pool *pool, uint32_t kind, uint32_t count)
{
    while (pool->free_block_count[kind] > count) {
        chek_memory_free(store__pool_take_block(pool, kind), block_size(kind));
        pool->block_count[kind] -= 1;
    }
}

uint64_t
store__pool_block_bytes(const struct store__pool *pool)
{
    uint64_t size = 0;
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        size += (uint64_t)pool->block_count[kind] * block_size(kind);
    }
    return size;
}

uint64_t
store__pool_piece_bytes(const struct store__pool *pool)
{
    return (uint64_t)pool->piece_count * STORE__PIECE_SIZE;
}

void
store__pool_finish(struct store__pool *pool)
{
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        store__pool_trim(pool, kind, 0);
        CHEK_ASSERT(pool->block_count[kind] == 0);
    }
    struct slab *slab = pool->slabs;
    while (slab != NULL) {
        struct slab *next = slab->next;
        chek_memory_free(slab, sizeof *slab);
        slab = next;
    }
    *pool = (struct store__pool){0};
}
