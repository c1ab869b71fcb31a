/* SPDX-License-Identifier: MIT */
/* pool.c - free lists over one region of address space. */
#include "engine/store/pool.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#define REGION_SIZE ((size_t)16 << 30)
#define PAGE_ALIGN 4096

/* Below the size from which memory.h asks for huge pages: small partitions stay small. */
#define COMMIT_STEP ((size_t)1 << 20)

#define SLAB_PIECE_COUNT 16

/* Free blocks of a kind that keep their memory. */
#define WARM_BLOCK_COUNT_MAX 32

int
store__pool_init(struct store__pool *pool)
{
    *pool = (struct store__pool){0};
    pool->base = chek_memory_reserve(REGION_SIZE);
    return pool->base != NULL ? CHEK_OK : -ENOMEM;
}

void
store__pool_finish(struct store__pool *pool)
{
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        CHEK_ASSERT(pool->free_block_count[kind] == pool->block_count[kind]);
    }
    chek_memory_release(pool->base, REGION_SIZE);
    *pool = (struct store__pool){0};
}

void *
store__pool_take_bytes(struct store__pool *pool, size_t size)
{
    size = (size + PAGE_ALIGN - 1) & ~(size_t)(PAGE_ALIGN - 1);
    if (size > REGION_SIZE - pool->used) {
        return NULL;
    }
    while (pool->used + size > pool->committed) {
        if (chek_memory_commit(pool->base + pool->committed, COMMIT_STEP) != CHEK_OK) {
            return NULL;
        }
        pool->committed += COMMIT_STEP;
    }
    void *bytes = pool->base + pool->used;
    pool->used += size;
    return bytes;
}

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
        void *block = store__pool_take_bytes(pool, block_size(kind));
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
        uint8_t *slab = store__pool_take_bytes(pool, SLAB_PIECE_COUNT * STORE__PIECE_SIZE);
        if (slab == NULL) {
            return -ENOMEM;
        }
        for (uint32_t i = SLAB_PIECE_COUNT; i > 0; i--) {
            push(&pool->free_pieces, slab + (size_t)(i - 1) * STORE__PIECE_SIZE);
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
    if (pool->free_block_count[kind] >= WARM_BLOCK_COUNT_MAX) {
        chek_memory_discard(block, block_size(kind) & ~(size_t)(PAGE_ALIGN - 1));
    }
    push(&pool->free_blocks[kind], block);
    pool->free_block_count[kind] += 1;
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
