/* SPDX-License-Identifier: MIT */
/*
 * pool.h - memory that was asked for before it is needed (of this room only).
 *
 * Appending may not fail, so it never allocates: it takes blocks and pieces that
 * chek_store_ensure() put here. Blocks hold the columns of open rows and come back when a set was
 * sealed; pieces hold dictionaries and never come back. All of it is one reservation of address
 * space that is committed in steps: what was ensured for the worst case and is never written costs
 * no memory, because what is free is named in tables beside it, and nothing is zeroed that will be
 * overwritten.
 */
#ifndef CHEK_STORE_POOL_H
#define CHEK_STORE_POOL_H

#include "engine/base/error.h"
#include "engine/store/columns.h"

#define STORE__TEXT_BLOCK STORE__TABLE_COUNT /* one more kind of block: plain texts */
#define STORE__BLOCK_KIND_COUNT (STORE__TABLE_COUNT + 1)
#define STORE__TEXT_BLOCK_SIZE 262144
#define STORE__PIECE_SIZE 16384

/* What is free of one kind; the last one given is the first one taken. */
struct store__shelf {
    uint32_t *free; /* places in the reservation, in pages; room for all that there are */
    uint32_t free_count;
    uint32_t count, count_max; /* free ones and those in use */
};

struct store__pool {
    uint8_t *base; /* the reservation */
    size_t used, committed;
    struct store__shelf blocks[STORE__BLOCK_KIND_COUNT];
    struct store__shelf pieces;
};

/* Errors: -ENOMEM. */
CHEK_MUST_USE int store__pool_init(struct store__pool *pool);
void store__pool_finish(struct store__pool *pool); /* all blocks were given back */

/* Take `size` bytes for as long as the pool lives, aligned to a page; zero. NULL: no memory. */
void *store__pool_take_bytes(struct store__pool *pool, size_t size);

/* Have at least `count` free blocks of a kind. Errors: -ENOMEM; some may have been added. */
CHEK_MUST_USE int store__pool_ensure_blocks(struct store__pool *pool, uint32_t kind,
                                            uint32_t count);
CHEK_MUST_USE int store__pool_ensure_pieces(struct store__pool *pool, uint32_t count);

/* Take what was ensured; its bytes are anything. */
void *store__pool_take_block(struct store__pool *pool, uint32_t kind);
void *store__pool_take_piece(struct store__pool *pool);

/* Give a block back. When there are many free ones its memory goes to the system. */
void store__pool_give_block(struct store__pool *pool, uint32_t kind, void *block);

/* Bytes of blocks and of pieces, touched or not. */
uint64_t store__pool_block_bytes(const struct store__pool *pool);
uint64_t store__pool_piece_bytes(const struct store__pool *pool);

#endif
