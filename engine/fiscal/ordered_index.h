/* SPDX-License-Identifier: MIT */
/*
 * ordered_index.h - an ordered map from u32 to two u32 inside a page heap. (format)
 *
 * Inside the room only. A tree of nodes of 512 bytes: leaves of 42 entries, inner nodes of 63
 * children; the only leaf of a small one is 64, 128 or 256 bytes. Keys that come in order fill
 * their leaves, since the last leaf is not divided but followed by a new one. Entries are never
 * removed. Most registrations have fewer than six entries and no inner node.
 */
#ifndef CHEK_FISCAL_ORDERED_INDEX_H
#define CHEK_FISCAL_ORDERED_INDEX_H

#include "engine/base/page_heap.h"

/* Lives in its owner's object; all zero = empty. (format) */
struct fiscal__index {
    chek_page_ref root;
    uint16_t height; /* inner nodes above a leaf */
    uint16_t zero;
};

struct fiscal__entry {
    uint32_t key;
    uint32_t a, b;
};

/* Bytes that an insertion allocates at most: a node a level and a new root. Seven levels of nodes
 * that are half full hold more than 2^32 entries. */
#define FISCAL__INDEX_INSERT_SIZE_MAX (8 * 512)

/* The entry with the greatest key at or below `key`; NULL when there is none. */
const struct fiscal__entry *fiscal__index_floor(const struct chek_page_heap *heap,
                                                const struct fiscal__index *index, uint32_t key);

/* The entry with the smallest key at or above `key`; NULL when there is none. */
const struct fiscal__entry *fiscal__index_ceiling(const struct chek_page_heap *heap,
                                                  const struct fiscal__index *index, uint32_t key);

/* The entry with this very key; NULL when there is none. */
const struct fiscal__entry *fiscal__index_find(const struct chek_page_heap *heap,
                                               const struct fiscal__index *index, uint32_t key);

/* The entry with this very key, which is there, to be changed; its key stays. */
struct fiscal__entry *fiscal__index_change(struct chek_page_heap *heap,
                                           const struct fiscal__index *index, uint32_t key);

/* Add an entry whose key is not there. Room was ensured. */
void fiscal__index_insert(struct chek_page_heap *heap, struct fiscal__index *index,
                          struct fiscal__entry entry);

/*
 * Whether the index is whole: nodes that the heap holds, keys that rise. Every node takes one off
 * *left, and there are no more nodes than that. `visit` is asked of every entry; NULL = of none.
 */
bool fiscal__index_is_whole(const struct chek_page_heap *heap, const struct fiscal__index *index,
                            uint64_t *left,
                            bool (*visit)(void *context, const struct fiscal__entry *entry),
                            void *context);

#endif
