/* SPDX-License-Identifier: MIT */
/*
 * page_map_check.c - whether a map in a heap is whole.
 *
 * For tests, for slow assertions and for a heap that was loaded. Every reference is asked of the
 * heap before it is followed, and a chain ends at the latest with the entries that the map counts.
 */
#include "engine/base/page_map_layout.h"

#include "engine/base/page_heap.h"

static bool
bucket_rest_is_zero(const struct map_bucket *bucket)
{
    uint64_t rest = bucket->zero;
    for (uint32_t i = bucket->count; i < MAP_BUCKET_COUNT; i++) {
        rest |= bucket->keys[i] | bucket->values[i];
    }
    return rest == 0;
}

static bool
bucket_is_sound(const struct chek_page_map *map, const struct map_bucket *bucket, uint32_t index)
{
    if (bucket->count > MAP_BUCKET_COUNT || !bucket_rest_is_zero(bucket)) {
        return false;
    }
    if (bucket->overflow != 0 && bucket->count < MAP_BUCKET_COUNT) {
        return false;
    }
    for (uint32_t i = 0; i < bucket->count; i++) {
        uint64_t hash = base__page_map_hash(map->seed, bucket->keys[i]);
        if (page_map_bucket_index(map, hash) != index) {
            return false;
        }
    }
    return true;
}

/* Only the first bucket of a chain may be empty. */
bool
base__page_map_chain_is_sound(const struct chek_page_heap *heap, const struct chek_page_map *map,
                              chek_page_ref first, uint32_t index, uint64_t *left)
{
    for (chek_page_ref ref = first; ref != 0;) {
        if (!chek_page_heap_holds(heap, ref, sizeof(struct map_bucket))) {
            return false;
        }
        const struct map_bucket *bucket = chek_page_heap_read(heap, ref);
        if (!bucket_is_sound(map, bucket, index) || bucket->count > *left) {
            return false;
        }
        if (ref != first && bucket->count == 0) {
            return false;
        }
        *left -= bucket->count;
        ref = bucket->overflow;
    }
    return true;
}

bool
base__page_map_key_is_sound(const struct chek_page_heap *heap, const struct chek_page_map *map,
                            uint64_t key)
{
    uint32_t index = page_map_bucket_index(map, base__page_map_hash(map->seed, key));
    uint64_t left = map->count;
    return base__page_map_chain_is_sound(heap, map, page_map_bucket_at(heap, map, index), index,
                                         &left);
}

/* The chains whose references are in one table. */
static bool
table_is_sound(const struct chek_page_heap *heap, const struct chek_page_map *map,
               chek_page_ref table, uint32_t index_first, uint64_t *left)
{
    uint32_t count = map->bucket_count - index_first;
    count = count > MAP_TABLE_COUNT ? MAP_TABLE_COUNT : count;
    uint32_t size_count = map->bucket_count > MAP_TABLE_COUNT ? MAP_TABLE_COUNT : count;
    if (!chek_page_heap_holds(heap, table, base__page_map_table_size(size_count))) {
        return false;
    }
    const chek_page_ref *refs = chek_page_heap_read(heap, table);
    for (uint32_t i = 0; i < count; i++) {
        if (refs[i] == 0 ||
            !base__page_map_chain_is_sound(heap, map, refs[i], index_first + i, left)) {
            return false;
        }
    }
    return true;
}

static bool
head_is_sound(const struct chek_page_map *map)
{
    if (map->bucket_count == 0) {
        return map->count == 0 && map->table == 0 && map->level == 0 && map->split == 0;
    }
    if (map->bucket_count > MAP_BUCKETS_MAX || map->level > 31) {
        return false;
    }
    uint64_t round_count = UINT64_C(1) << map->level;
    return map->split < round_count && map->bucket_count == round_count + map->split;
}

bool
chek_page_map_is_valid(const struct chek_page_heap *heap, const struct chek_page_map *map)
{
    if (!head_is_sound(map)) {
        return false;
    }
    if (map->bucket_count == 0) {
        return true;
    }
    uint64_t left = map->count;
    if (map->bucket_count <= MAP_TABLE_COUNT) {
        return table_is_sound(heap, map, map->table, 0, &left) && left == 0;
    }
    uint32_t table_count = (map->bucket_count + MAP_TABLE_COUNT - 1) / MAP_TABLE_COUNT;
    if (!chek_page_heap_holds(heap, map->table, base__page_map_table_size(table_count))) {
        return false;
    }
    const chek_page_ref *tables = chek_page_heap_read(heap, map->table);
    for (uint32_t i = 0; i < table_count; i++) {
        if (!table_is_sound(heap, map, tables[i], i * MAP_TABLE_COUNT, &left)) {
            return false;
        }
    }
    return left == 0;
}

bool
chek_page_map_each(const struct chek_page_heap *heap, const struct chek_page_map *map,
                   bool (*visit)(void *context, uint32_t value), void *context)
{
    for (uint32_t index = 0; index < map->bucket_count; index++) {
        for (chek_page_ref ref = page_map_bucket_at(heap, map, index); ref != 0;) {
            const struct map_bucket *bucket = chek_page_heap_read(heap, ref);
            for (uint32_t i = 0; i < bucket->count; i++) {
                if (!visit(context, bucket->values[i])) {
                    return false;
                }
            }
            ref = bucket->overflow;
        }
    }
    return true;
}
