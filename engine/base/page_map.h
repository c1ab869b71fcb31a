/* SPDX-License-Identifier: MIT */
/*
 * page_map.h - a hash map from u64 to u32 inside a page heap.
 *
 * Linear hashing over buckets of 256 bytes: an insertion splits at most one bucket, so no step is
 * long (but that many entries under one key are walked one after another), and the bytes depend only on the calls made. Keys are spread by a fixed mix and a seed
 * that the owner keeps in its state (a partition gets it from its first command). Several values
 * may stand under one key: then chek_page_map_next() walks them in the order of insertion.
 * Nobody iterates over the whole map. It does not shrink: buckets that empty stay.
 */
#ifndef CHEK_BASE_PAGE_MAP_H
#define CHEK_BASE_PAGE_MAP_H

#include "engine/base/page_heap.h"

/* Lives in the owner's root or another heap object; all zero = an empty map. (format) */
struct chek_page_map {
    uint64_t seed; /* set once, before the first insertion */
    uint64_t count;
    chek_page_ref table; /* of references to tables of bucket references */
    uint32_t bucket_count;
    uint32_t level; /* buckets at the start of this round of splits = 1 << level */
    uint32_t split; /* the next bucket to split */
};

/* A place in a walk over the values of one key. Any change of the map ends the walk. */
struct chek_page_map_walk {
    uint64_t key;
    chek_page_ref bucket;
    uint32_t slot;
};

/* Bytes that an insertion may allocate at most, for chek_page_heap_ensure(). */
#define CHEK_PAGE_MAP_INSERT_SIZE_MAX 32768

/* Start loading the lines that a look-up of `key` will touch first. */
void chek_page_map_prefetch(const struct chek_page_heap *heap, const struct chek_page_map *map,
                            uint64_t key);

/* Find the first value of `key`; false when there is none. `walk` may be NULL. */
bool chek_page_map_find(const struct chek_page_heap *heap, const struct chek_page_map *map,
                        uint64_t key, uint32_t *ret, struct chek_page_map_walk *walk);

/* Find the next value of the same key; false at the end. */
bool chek_page_map_next(const struct chek_page_heap *heap, struct chek_page_map_walk *walk,
                        uint32_t *ret);

/*
 * Add a value under a key; equal keys are kept side by side.
 *
 *   Errors     FULL when the heap is; the map is unchanged
 *   Cost       O(1) amortised and at most one split; the map is inside the heap, so `map` must
 *              come from a change call and stays valid
 */
CHEK_MUST_USE int chek_page_map_insert(struct chek_page_heap *heap, struct chek_page_map *map,
                                       uint64_t key, uint32_t value);

/* Remove the first entry with this key and value; false when there is none. */
bool chek_page_map_remove(struct chek_page_heap *heap, struct chek_page_map *map, uint64_t key,
                          uint32_t value);

/*
 * Whether the map is whole: tables, buckets, counts, every key where a look-up expects it. `map`
 * may be any bytes of a valid heap; walks everything.
 */
bool chek_page_map_is_valid(const struct chek_page_heap *heap, const struct chek_page_map *map);

/* Call for every value of a valid map until a call says false; whether all said true. */
bool chek_page_map_each(const struct chek_page_heap *heap, const struct chek_page_map *map,
                        bool (*visit)(void *context, uint32_t value), void *context);

#endif
