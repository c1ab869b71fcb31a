/* SPDX-License-Identifier: MIT */
/*
 * page_map_layout.h - the heap objects of a page map. (format)
 *
 * Inside the room only. The head is struct chek_page_map; page_map.c says how the parts work.
 */
#ifndef CHEK_BASE_PAGE_MAP_LAYOUT_H
#define CHEK_BASE_PAGE_MAP_LAYOUT_H

#include "engine/base/page_map.h"

#define MAP_BUCKET_COUNT 20    /* entries of a bucket */
#define MAP_TABLE_COUNT 1024   /* references of a table */
#define MAP_TABLE_COUNT_MIN 4  /* ... of the smallest one */
#define MAP_TOP_COUNT_MAX 2040 /* references of the table of tables */
#define MAP_BUCKETS_MAX (MAP_TABLE_COUNT * MAP_TOP_COUNT_MAX)
#define MAP_LOAD 14 /* entries a bucket on average before one more is divided */

/* What lies behind `count` is zero. */
struct map_bucket {
    uint32_t count;
    chek_page_ref overflow; /* the next bucket of the chain; this one is full then */
    uint64_t zero;
    uint64_t keys[MAP_BUCKET_COUNT];
    uint32_t values[MAP_BUCKET_COUNT];
};

_Static_assert(sizeof(struct map_bucket) == 256, "format");
_Static_assert(sizeof(struct chek_page_map) == 32, "format");
_Static_assert(MAP_TOP_COUNT_MAX * sizeof(chek_page_ref) <= CHEK_PAGE_OBJECT_SIZE_MAX,
               "one object");
_Static_assert(2 * sizeof(struct map_bucket) + MAP_TABLE_COUNT * sizeof(chek_page_ref) +
                       MAP_TOP_COUNT_MAX * sizeof(chek_page_ref) <=
                   CHEK_PAGE_MAP_INSERT_SIZE_MAX,
               "what an insertion allocates at most");

/* Whether the chain where a key belongs is sound; for slow assertions, the map is not empty. */
bool base__page_map_key_is_sound(const struct chek_page_heap *heap, const struct chek_page_map *map,
                                 uint64_t key);

/*
 * Whether the chain of buckets from `first` on is that of bucket `index`; takes its entries off
 * *left and fails when there are more.
 */
bool base__page_map_chain_is_sound(const struct chek_page_heap *heap,
                                   const struct chek_page_map *map, chek_page_ref first,
                                   uint32_t index, uint64_t *left);

uint64_t base__page_map_hash(uint64_t seed, uint64_t key);

uint32_t base__page_map_table_size(uint32_t count);

/* The bucket of a hash: one more bit for those already divided in this round. */
static inline uint32_t
page_map_bucket_index(const struct chek_page_map *map, uint64_t hash)
{
    uint64_t round_count = UINT64_C(1) << map->level;
    uint64_t index = hash & (round_count - 1);
    if (index < map->split) {
        index = hash & (2 * round_count - 1);
    }
    return (uint32_t)index;
}

/* The first bucket of the chain with this index. */
static inline chek_page_ref
page_map_bucket_at(const struct chek_page_heap *heap, const struct chek_page_map *map,
                   uint32_t index)
{
    const chek_page_ref *refs = chek_page_heap_read(heap, map->table);
    if (map->bucket_count > MAP_TABLE_COUNT) {
        refs = chek_page_heap_read(heap, refs[index / MAP_TABLE_COUNT]);
    }
    return refs[index % MAP_TABLE_COUNT];
}

#endif
