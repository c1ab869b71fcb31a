/* SPDX-License-Identifier: MIT */
/*
 * pool.c - free lists over two regions of address space.
 *
 * A region is committed as far as what was promised could reach, and used as far as something was
 * taken. A place is given out when it is taken, not when it is promised, so the worst case that
 * never comes leaves no holes.
 */
#include "engine/store/pool.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/store/sealer.h"
#include "engine/store/set.h"

#define REGION_SIZE ((size_t)64 << 30) /* places in cache lines fit 32 bits */

#define HUGE_PAGE_SIZE ((size_t)2 << 20)
#define AHEAD_SIZE (2 * HUGE_PAGE_SIZE) /* that is populated before it is used */
#define COMMIT_STEP_MAX ((size_t)256 << 20)

/* ---- regions ---------------------------------------------------------------------------------- */

static int
region_init(struct store__region *region)
{
    *region = (struct store__region){.base = chek_memory_reserve(REGION_SIZE)};
    return region->base != NULL ? CHEK_OK : -ENOMEM;
}

/*
 * Have `size` bytes behind what is used. Steps are as large as half of what there is: committing
 * costs a lock of the address space, not memory, and a shard should not do it often.
 */
static int
region_ensure(struct store__region *region, size_t size)
{
    if (size > REGION_SIZE - region->used) {
        return -ENOMEM;
    }
    if (region->committed - region->used >= size) {
        return CHEK_OK;
    }
    size_t end = region->used + size;
    size_t step = region->committed / 2 < COMMIT_STEP_MAX ? region->committed / 2 : COMMIT_STEP_MAX;
    end = end > region->committed + step ? end : region->committed + step;
    end = (end + HUGE_PAGE_SIZE - 1) & ~(HUGE_PAGE_SIZE - 1);
    end = end < REGION_SIZE ? end : REGION_SIZE;
    if (chek_memory_commit(region->base + region->committed, end - region->committed) != CHEK_OK) {
        return -ENOMEM;
    }
    chek_memory_advise_huge(region->base + region->committed, end - region->committed);
    region->committed = end;
    return CHEK_OK;
}

/* Have some memory behind what is used there before it is touched; a small store touches its own. */
static bool
region_ahead(struct store__region *region, struct chek_memory_ahead *ret)
{
    size_t wanted = region->used + AHEAD_SIZE;
    if (region->used < HUGE_PAGE_SIZE / 2 || region->populated >= wanted ||
        region_ensure(region, AHEAD_SIZE + HUGE_PAGE_SIZE) != CHEK_OK) {
        return false;
    }
    size_t from =
        region->populated > region->used ? region->populated : region->used & ~(HUGE_PAGE_SIZE - 1);
    region->populated = from + HUGE_PAGE_SIZE;
    *ret = (struct chek_memory_ahead){region->base + from, HUGE_PAGE_SIZE};
    return true;
}

static void *
region_take(struct store__region *region, size_t size)
{
    CHEK_ASSERT(size <= region->committed - region->used);
    void *bytes = region->base + region->used;
    region->used += size;
    return bytes;
}

/* ---- sizes ------------------------------------------------------------------------------------ */

static size_t
block_size(uint32_t kind)
{
    static const size_t sizes[STORE__BLOCK_KIND_COUNT] = {
        STORE__BLOCK_ROW_COUNT * sizeof(struct store__row), STORE__BYTES_BLOCK_SIZE,
        STORE__LARGE_BLOCK_SIZE};
    return sizes[kind];
}

_Static_assert(STORE__LARGE_BLOCK_SIZE % CHEK_CACHE_LINE_SIZE == 0, "places are in cache lines");

/* Bytes behind what is used that promises can reach. */
static size_t
blocks_promised_size(const struct chek_store_pool *pool)
{
    size_t size = 0;
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        const struct store__shelf *shelf = &pool->blocks[kind];
        if (shelf->promised > shelf->free_count) {
            size += (shelf->promised - shelf->free_count) * block_size(kind);
        }
    }
    return size;
}

/* ---- shelves ---------------------------------------------------------------------------------- */

static void
shelf_finish(struct store__shelf *shelf)
{
    chek_workspace_give(shelf->free, shelf->count_max * sizeof *shelf->free);
}

/* Have room in the table for all places there will be when `count` more are taken. */
static int
shelf_ensure(struct store__shelf *shelf, uint32_t count)
{
    uint32_t total = shelf->count + (count > shelf->free_count ? count - shelf->free_count : 0);
    if (total <= shelf->count_max) {
        return CHEK_OK;
    }
    uint32_t more = total > 2 * shelf->count_max ? total : 2 * shelf->count_max;
    uint32_t *grown =
        chek_workspace_grow(shelf->free, shelf->count_max * sizeof *grown, more * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    shelf->free = grown;
    shelf->count_max = more;
    return CHEK_OK;
}

static void *
shelf_take(struct store__shelf *shelf, struct store__region *region, size_t size)
{
    if (shelf->free_count == 0) {
        CHEK_ASSERT(shelf->count < shelf->count_max);
        shelf->count += 1;
        return region_take(region, size);
    }
    shelf->free_count -= 1;
    return region->base + (size_t)shelf->free[shelf->free_count] * CHEK_CACHE_LINE_SIZE;
}

static void
shelf_give(struct store__shelf *shelf, const struct store__region *region, const void *bytes)
{
    size_t place = (size_t)((const uint8_t *)bytes - region->base);
    CHEK_ASSERT(shelf->free_count < shelf->count);
    shelf->free[shelf->free_count] = (uint32_t)(place / CHEK_CACHE_LINE_SIZE);
    shelf->free_count += 1;
}

/* ---- the shared pool -------------------------------------------------------------------------- */

int
chek_store_pool_create(struct chek_store_pool **ret)
{
    struct chek_store_pool *pool = chek_memory_allocate(sizeof *pool);
    int error = pool != NULL ? region_init(&pool->block_region) : -ENOMEM;
    if (error == CHEK_OK) {
        error = region_init(&pool->piece_region);
    }
    if (error == CHEK_OK) {
        error = store__space_init(&pool->space);
    }
    if (error != CHEK_OK) {
        chek_store_pool_destroy(pool);
        return error;
    }
    *ret = pool;
    return CHEK_OK;
}

void
chek_store_pool_destroy(struct chek_store_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        CHEK_ASSERT(pool->blocks[kind].free_count == pool->blocks[kind].count);
        shelf_finish(&pool->blocks[kind]);
    }
    CHEK_ASSERT(pool->pieces.free_count == pool->pieces.count);
    shelf_finish(&pool->pieces);
    store__sealers_finish(pool);
    store__space_finish(&pool->space);
    chek_memory_release(pool->block_region.base, REGION_SIZE);
    chek_memory_release(pool->piece_region.base, REGION_SIZE);
    chek_memory_free(pool, sizeof *pool);
}

bool
chek_store_pool_ahead(struct chek_store_pool *pool, struct chek_memory_ahead *ret)
{
    return region_ahead(&pool->block_region, ret) || region_ahead(&pool->piece_region, ret);
}

/* ---- a store's part --------------------------------------------------------------------------- */

int
store__pool_init(struct store__pool *pool, struct chek_store_pool *shared)
{
    *pool = (struct store__pool){.shared = shared};
    if (shared != NULL) {
        return CHEK_OK;
    }
    pool->owned = true;
    return chek_store_pool_create(&pool->shared);
}

void
store__pool_finish(struct store__pool *pool)
{
    if (pool->shared == NULL) {
        return;
    }
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        CHEK_ASSERT(pool->blocks_taken[kind] == 0);
        pool->shared->blocks[kind].promised -= pool->blocks_promised[kind];
    }
    store__pool_unstock(pool, 0);
    chek_workspace_give(pool->stock, pool->stock_count_max * sizeof *pool->stock);
    if (pool->owned) {
        chek_store_pool_destroy(pool->shared);
    }
    *pool = (struct store__pool){0};
}

int
store__pool_ensure_blocks(struct store__pool *pool, uint32_t kind, uint32_t count)
{
    struct chek_store_pool *shared = pool->shared;
    struct store__shelf *shelf = &shared->blocks[kind];
    if (count <= pool->blocks_promised[kind]) {
        return CHEK_OK;
    }
    uint32_t more = count - pool->blocks_promised[kind];
    if (shelf_ensure(shelf, shelf->promised + more) != CHEK_OK) {
        return -ENOMEM;
    }
    shelf->promised += more;
    if (region_ensure(&shared->block_region, blocks_promised_size(shared)) != CHEK_OK) {
        shelf->promised -= more;
        return -ENOMEM;
    }
    pool->blocks_promised[kind] = count;
    return CHEK_OK;
}

static int
stock_grow(struct store__pool *pool, uint32_t count)
{
    if (count <= pool->stock_count_max) {
        return CHEK_OK;
    }
    uint8_t **grown = chek_workspace_grow(pool->stock, pool->stock_count_max * sizeof *grown,
                                          count * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    pool->stock = grown;
    pool->stock_count_max = count;
    return CHEK_OK;
}

int
store__pool_stock(struct store__pool *pool, uint32_t count)
{
    struct chek_store_pool *shared = pool->shared;
    if (count <= pool->stock_count) {
        return CHEK_OK;
    }
    uint32_t more = count - pool->stock_count;
    if (stock_grow(pool, count) != CHEK_OK || shelf_ensure(&shared->pieces, more) != CHEK_OK ||
        region_ensure(&shared->piece_region, (size_t)more * STORE__PIECE_SIZE) != CHEK_OK) {
        return -ENOMEM;
    }
    for (; pool->stock_count < count; pool->stock_count++) {
        pool->stock[pool->stock_count] =
            shelf_take(&shared->pieces, &shared->piece_region, STORE__PIECE_SIZE);
    }
    return CHEK_OK;
}

void
store__pool_unstock(struct store__pool *pool, uint32_t count)
{
    while (pool->stock_count > count) {
        pool->stock_count -= 1;
        shelf_give(&pool->shared->pieces, &pool->shared->piece_region,
                   pool->stock[pool->stock_count]);
    }
}

void *
store__pool_take_block(struct store__pool *pool, uint32_t kind)
{
    CHEK_ASSERT(pool->blocks_promised[kind] > 0);
    pool->blocks_promised[kind] -= 1;
    pool->blocks_taken[kind] += 1;
    pool->shared->blocks[kind].promised -= 1;
    return shelf_take(&pool->shared->blocks[kind], &pool->shared->block_region, block_size(kind));
}

void
store__pool_give_block(struct store__pool *pool, uint32_t kind, void *block)
{
    CHEK_ASSERT(pool->blocks_taken[kind] > 0);
    pool->blocks_taken[kind] -= 1;
    shelf_give(&pool->shared->blocks[kind], &pool->shared->block_region, block);
}

uint64_t
store__pool_block_bytes(const struct store__pool *pool)
{
    uint64_t size = 0;
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT; kind++) {
        size += (uint64_t)pool->blocks_taken[kind] * block_size(kind);
    }
    return size;
}

/* ---- arrays of pieces ------------------------------------------------------------------------- */

int
store__pieces_init(struct store__pieces *array, uint64_t piece_count_max)
{
    array->pieces = chek_memory_allocate((size_t)piece_count_max * sizeof *array->pieces);
    if (array->pieces == NULL) {
        return -ENOMEM;
    }
    array->piece_count_max = (uint32_t)piece_count_max;
    return CHEK_OK;
}

void
store__pieces_give(struct store__pieces *array, struct store__pool *pool)
{
    for (uint32_t i = 0; i < array->piece_count; i++) {
        shelf_give(&pool->shared->pieces, &pool->shared->piece_region, array->pieces[i]);
    }
    chek_memory_free(array->pieces, array->piece_count_max * sizeof *array->pieces);
    *array = (struct store__pieces){0};
}

uint8_t *
store__pieces_add(struct store__pieces *array, struct store__pool *pool)
{
    CHEK_ASSERT(array->piece_count < array->piece_count_max);
    CHEK_ASSERT(pool->stock_count > 0);
    pool->stock_count -= 1;
    uint8_t *piece = pool->stock[pool->stock_count];
    array->pieces[array->piece_count] = piece;
    array->piece_count += 1;
    return piece;
}
