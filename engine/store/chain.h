/* SPDX-License-Identifier: MIT */
/*
 * chain.h - a hash that stands for every row of a store up to a point, in the order they came.
 *
 * The rows of a range (those that are sealed together) go, in a form that knows no column and no
 * codec, with the link before into the next link. So a head that was noted elsewhere tells whether
 * any row before it was changed, inserted, moved or taken away, also when all sums were made right
 * again; where rows live, sealing, merging and encoding again do not touch it.
 *
 * It is BLAKE2b without a key: whoever can write the folder can make another chain, but none with a
 * head that was noted before. Rows of a range that is not sealed yet are not covered.
 *
 *   Source   persist/FORMAT.md "Chain"
 *   Threads  one at a time; sodium_init() makes it fast
 */
#ifndef CHEK_STORE_CHAIN_H
#define CHEK_STORE_CHAIN_H

#include "engine/store/store.h"

/* A link that is being made. It is not copied, and needs no end. */
struct chek_chain_link {
    uint8_t state[384 + 63]; /* of BLAKE2b, and room to align it */
    struct chek_chain next;
    uint32_t left; /* rows that have not come */
};

/* Begin the next link of a chain, over the next `row_count` rows of `partition`. */
void chek_chain_link_begin(struct chek_chain_link *link, const struct chek_chain *chain,
                           uint16_t partition, uint32_t row_count);

/*
 * Add the next row of the range: all of it but `replaced`, which the row that took its place says
 * by `completes`. `document` is encoded.
 *
 *   Ownership  borrows everything for the call
 *   Cost       about 1 ns a byte
 */
void chek_chain_link_add(struct chek_chain_link *link, const struct chek_row *row,
                         struct chek_bytes_view document);

/* Return the chain with the link, of which all rows were added. */
struct chek_chain chek_chain_link_end(struct chek_chain_link *link);

#endif
