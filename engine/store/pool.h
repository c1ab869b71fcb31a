/* SPDX-License-Identifier: MIT */
/*
 * pool.h - memory that was asked for before it is needed (of this room only).
 *
 * Appending may not fail, so it never allocates: it takes blocks that chek_store_ensure() had
 * promised to it. Blocks hold open rows and come back when their set was sealed; pieces hold
 * dictionaries and come back with their store. Both are cut from reservations of address space, in
 * the order in which they are first needed: what was promised for the worst case and is never
 * written costs no memory, what is written lies together, and nothing is zeroed that will be
 * overwritten.
 *
 * Dictionaries grow while a set is sealed, on a worker: it takes pieces from its store's stock,
 * which the shard filled before, so that nothing of the pool itself is touched by two threads.
 *
 * The stores of a shard share one pool, so that huge pages are filled by all of them.
 */
#ifndef CHEK_STORE_POOL_H
#define CHEK_STORE_POOL_H

#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/store/group.h"
#include "engine/store/store.h"

enum store__block_kind {
    STORE__ROW_BLOCK,   /* STORE__BLOCK_ROW_COUNT rows */
    STORE__BYTES_BLOCK, /* documents and cells, one behind the other */
    STORE__LARGE_BLOCK, /* a document and cell that are too large for one of those */
    STORE__BLOCK_KIND_COUNT,
};

#define STORE__BYTES_BLOCK_SIZE 65536
#define STORE__PIECE_SIZE 16384

/* A reservation of address space that is used from its beginning on. */
struct store__region {
    uint8_t *base;
    size_t used, committed, populated;
};

/* What is free of one kind; the last one given is the first one taken. */
struct store__shelf {
    uint32_t *free; /* places in the region, in cache lines; room for all that there may be */
    uint32_t free_count;
    uint32_t count, count_max; /* that have a place, and how many may get one */
    uint32_t promised;         /* to all stores: free ones, then new ones */
};

struct chek_store_pool {
    struct store__region block_region, piece_region;
    struct store__shelf blocks[STORE__BLOCK_KIND_COUNT];
    struct store__shelf pieces;
    struct store__sealer *sealers; /* that no sealing uses (sealer.h) */
    struct store__space space;     /* of segments; the only part that workers use */
};

/* A store's part of a pool: what it may still take, and what it has. */
struct store__pool {
    struct chek_store_pool *shared;
    bool owned; /* made by the store, and gone with it */
    uint32_t blocks_promised[STORE__BLOCK_KIND_COUNT];
    uint32_t blocks_taken[STORE__BLOCK_KIND_COUNT];
    uint8_t **stock; /* pieces to be taken */
    uint32_t stock_count, stock_count_max;
};

/* An array in pieces of the pool; the table of pieces is as long as it can ever be. */
struct store__pieces {
    uint8_t **pieces;
    uint32_t piece_count;
    uint32_t piece_count_max;
};

/* Errors: -ENOMEM; nothing is held. */
CHEK_MUST_USE int store__pieces_init(struct store__pieces *array, uint64_t piece_count_max);

/* Give the pieces back. */
void store__pieces_give(struct store__pieces *array, struct store__pool *pool);

/* Take the next piece from the stock, which has one. Threads: the one that may use the stock. */
uint8_t *store__pieces_add(struct store__pieces *array, struct store__pool *pool);

/* Take part in a pool; NULL makes one. Errors: -ENOMEM. */
CHEK_MUST_USE int store__pool_init(struct store__pool *pool, struct chek_store_pool *shared);
void store__pool_finish(struct store__pool *pool); /* everything was given back */

/* Have at least `count` blocks of a kind promised. Errors: -ENOMEM; as it was. */
CHEK_MUST_USE int store__pool_ensure_blocks(struct store__pool *pool, uint32_t kind,
                                            uint32_t count);

/* Take what was promised; its bytes are anything. */
void *store__pool_take_block(struct store__pool *pool, uint32_t kind);

/* Give a block back: its memory stays with the pool, for the next set of any store. */
void store__pool_give_block(struct store__pool *pool, uint32_t kind, void *block);

/* Have at least `count` pieces in the stock, or give back what is more than that. Errors: -ENOMEM. */
CHEK_MUST_USE int store__pool_stock(struct store__pool *pool, uint32_t count);
void store__pool_unstock(struct store__pool *pool, uint32_t count);

/* Bytes of blocks that the store has. */
uint64_t store__pool_block_bytes(const struct store__pool *pool);

#endif
