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

static void
shelf_finish(struct store__shelf *shelf)
{
    chek_memory_free(shelf->free, shelf->count_max * sizeof *shelf->free);
}

void
store__pool_finish(struct store__pool *pool)
{
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        CHEK_ASSERT(pool->blocks[kind].free_count == pool->blocks[kind].count);
        shelf_finish(&pool->blocks[kind]);
    }
    shelf_finish(&pool->pieces);
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

/* ---- shelves ---- */

static size_t
block_size(uint32_t kind)
{
    return kind == STORE__TEXT_BLOCK ? STORE__TEXT_BLOCK_SIZE : store__block_size[kind];
}

static int
shelf_grow(struct store__shelf *shelf, uint32_t count)
{
    if (count <= shelf->count_max) {
        return CHEK_OK;
    }
    uint32_t more = count > 2 * shelf->count_max ? count : 2 * shelf->count_max;
    uint32_t *grown = chek_memory_grow(shelf->free, shelf->count_max * sizeof *grown,
                                       more * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    shelf->free = grown;
    shelf->count_max = more;
    return CHEK_OK;
}

/* Have `count` free ones of `size` bytes, which are cut from new memory `run` at a time. */
static int
shelf_ensure(struct store__pool *pool, struct store__shelf *shelf, size_t size, uint32_t run,
             uint32_t count)
{
    size = (size + PAGE_ALIGN - 1) & ~(size_t)(PAGE_ALIGN - 1);
    while (shelf->free_count < count) {
        if (shelf_grow(shelf, shelf->count + run) != CHEK_OK) {
            return -ENOMEM;
        }
        uint8_t *bytes = store__pool_take_bytes(pool, run * size);
        if (bytes == NULL) {
            return -ENOMEM;
        }
        for (uint32_t i = run; i > 0; i--) {
            size_t place = (size_t)(bytes - pool->base) + (i - 1) * size;
            shelf->free[shelf->free_count] = (uint32_t)(place / PAGE_ALIGN);
            shelf->free_count += 1;
        }
        shelf->count += run;
    }
    return CHEK_OK;
}

static void *
shelf_take(struct store__pool *pool, struct store__shelf *shelf)
{
    CHEK_ASSERT(shelf->free_count > 0);
    shelf->free_count -= 1;
    return pool->base + (size_t)shelf->free[shelf->free_count] * PAGE_ALIGN;
}

int
store__pool_ensure_blocks(struct store__pool *pool, uint32_t kind, uint32_t count)
{
    return shelf_ensure(pool, &pool->blocks[kind], block_size(kind), 1, count);
}

int
store__pool_ensure_pieces(struct store__pool *pool, uint32_t count)
{
    return shelf_ensure(pool, &pool->pieces, STORE__PIECE_SIZE, SLAB_PIECE_COUNT, count);
}

void *
store__pool_take_block(struct store__pool *pool, uint32_t kind)
{
    return shelf_take(pool, &pool->blocks[kind]);
}

void *
store__pool_take_piece(struct store__pool *pool)
{
    return shelf_take(pool, &pool->pieces);
}

void
store__pool_give_block(struct store__pool *pool, uint32_t kind, void *block)
{
    struct store__shelf *shelf = &pool->blocks[kind];
    if (shelf->free_count >= WARM_BLOCK_COUNT_MAX) {
        chek_memory_discard(block, block_size(kind) & ~(size_t)(PAGE_ALIGN - 1));
    }
    CHEK_ASSERT(shelf->free_count < shelf->count);
    shelf->free[shelf->free_count] = (uint32_t)((size_t)((uint8_t *)block - pool->base) / PAGE_ALIGN);
    shelf->free_count += 1;
}

uint64_t
store__pool_block_bytes(const struct store__pool *pool)
{
    uint64_t size = 0;
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        size += (uint64_t)pool->blocks[kind].count * block_size(kind);
    }
    return size;
}

uint64_t
store__pool_piece_bytes(const struct store__pool *pool)
{
    return (uint64_t)pool->pieces.count * STORE__PIECE_SIZE;
}
