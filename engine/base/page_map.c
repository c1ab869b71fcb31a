/* SPDX-License-Identifier: MIT */
/*
 * page_map.c - linear hashing in heap objects. (format)
 *
 * A bucket is 256 bytes and holds 20 entries: keys side by side, so that one look-up compares them
 * in a few wide steps, then values. Entries stand in the order of insertion and without holes, also
 * across the overflow buckets chained to a full one: all but the last of a chain are full. That
 * keeps equal keys in order through removals and splits for nothing.
 *
 * The bucket of a key is the low bits of its hash: with 2^level + split buckets, the first `split`
 * of a round are already divided by one bit more. Each time the average passes LOAD entries the
 * bucket `split` is divided, whatever bucket the entry went to.
 *
 * References to buckets stand in a table that doubles up to 1,024 of them; after that there are
 * tables of 1,024, under a table of tables that doubles up to 2,040. A map that has used those up
 * divides no more and goes on with longer chains.
 *
 *   Source  Litwin, "Linear Hashing: A New Tool for File and Table Addressing" (VLDB 1980)
 */
#include "engine/base/page_map.h"

#include "engine/base/assertion.h"
#include "engine/base/page_map_layout.h"

/* Two rounds of the finalizer of MurmurHash3, with the seed before each. (format) */
uint64_t
base__page_map_hash(uint64_t seed, uint64_t key)
{
    uint64_t hash = key ^ seed;
    hash = (hash ^ (hash >> 33)) * 0xff51afd7ed558ccd;
    hash = (hash ^ (hash >> 33)) + seed;
    hash = (hash ^ (hash >> 29)) * 0xc4ceb9fe1a85ec53;
    return hash ^ (hash >> 33);
}

/* Bytes of the table that holds `count` references, as it was grown up to there. */
uint32_t
base__page_map_table_size(uint32_t count)
{
    uint32_t capacity = MAP_TABLE_COUNT_MIN;
    while (capacity < count) {
        capacity *= 2;
    }
    capacity = capacity > MAP_TOP_COUNT_MAX ? MAP_TOP_COUNT_MAX : capacity;
    return capacity * (uint32_t)sizeof(chek_page_ref);
}

static inline const struct map_bucket *
bucket_read(const struct chek_page_heap *heap, chek_page_ref ref)
{
    return chek_page_heap_read(heap, ref);
}

static inline struct map_bucket *
bucket_change(struct chek_page_heap *heap, chek_page_ref ref)
{
    return chek_page_heap_change(heap, ref);
}

/* Bits of the entries with this key. */
static inline uint32_t
bucket_match(const struct map_bucket *bucket, uint64_t key)
{
    uint32_t match = 0;
    for (unsigned i = 0; i < MAP_BUCKET_COUNT; i++) {
        match |= (uint32_t)(bucket->keys[i] == key) << i;
    }
    return match & ((UINT32_C(1) << bucket->count) - 1);
}

void
chek_page_map_prefetch(const struct chek_page_heap *heap, const struct chek_page_map *map,
                       uint64_t key)
{
    if (map->bucket_count == 0) {
        return;
    }
    uint32_t index = page_map_bucket_index(map, base__page_map_hash(map->seed, key));
    const char *bucket = chek_page_heap_read(heap, page_map_bucket_at(heap, map, index));
    for (size_t i = 0; i < sizeof(struct map_bucket); i += CHEK_CACHE_LINE_SIZE) {
        chek_prefetch(bucket + i);
    }
}

/* Find `key` from slot `slot` of a bucket on, along the chain. */
static bool
chain_find(const struct chek_page_heap *heap, struct chek_page_map_walk *walk, uint32_t *ret)
{
    while (walk->bucket != 0) {
        const struct map_bucket *bucket = bucket_read(heap, walk->bucket);
        uint32_t match = bucket_match(bucket, walk->key) & (UINT32_MAX << walk->slot);
        if (match != 0) {
            walk->slot = (uint32_t)__builtin_ctz(match);
            *ret = bucket->values[walk->slot];
            return true;
        }
        walk->bucket = bucket->overflow;
        walk->slot = 0;
    }
    return false;
}

bool
chek_page_map_find(const struct chek_page_heap *heap, const struct chek_page_map *map, uint64_t key,
                   uint32_t *ret, struct chek_page_map_walk *walk)
{
    struct chek_page_map_walk start = {.key = key};
    if (map->bucket_count != 0) {
        uint32_t index = page_map_bucket_index(map, base__page_map_hash(map->seed, key));
        start.bucket = page_map_bucket_at(heap, map, index);
    }
    bool found = chain_find(heap, &start, ret);
    if (walk != NULL) {
        *walk = start;
    }
    return found;
}

bool
chek_page_map_next(const struct chek_page_heap *heap, struct chek_page_map_walk *walk,
                   uint32_t *ret)
{
    walk->slot += 1;
    return chain_find(heap, walk, ret);
}

/*
 * Make room behind the `count` references of a table that doubles. A full table is copied into one
 * of twice its size, so *table may change.
 */
static bool
table_make_room(struct chek_page_heap *heap, chek_page_ref *table, uint32_t count)
{
    uint32_t size_old = count != 0 ? base__page_map_table_size(count) : 0;
    uint32_t size_new = base__page_map_table_size(count + 1);
    if (size_old == size_new) {
        return true;
    }
    chek_page_ref grown = chek_page_heap_allocate(heap, size_new);
    if (grown == 0) {
        return false;
    }
    if (size_old != 0) {
        memcpy(chek_page_heap_change(heap, grown), chek_page_heap_read(heap, *table), size_old);
        chek_page_heap_free(heap, *table, size_old);
    }
    *table = grown;
    return true;
}

/* Begin a table of buckets behind the `count` there are, under the table of tables. */
static bool
table_begin(struct chek_page_heap *heap, struct chek_page_map *map, uint32_t count)
{
    chek_page_ref table = chek_page_heap_allocate(heap, base__page_map_table_size(MAP_TABLE_COUNT));
    if (table == 0) {
        return false;
    }
    /* The first table has been alone until now and goes under the new top. */
    chek_page_ref top = count == 1 ? 0 : map->table;
    if (!table_make_room(heap, &top, count == 1 ? 0 : count)) {
        chek_page_heap_free(heap, table, base__page_map_table_size(MAP_TABLE_COUNT));
        return false;
    }
    chek_page_ref *refs = chek_page_heap_change(heap, top);
    if (count == 1) {
        refs[0] = map->table;
    }
    refs[count] = table;
    map->table = top;
    return true;
}

/* Append a bucket reference behind the last; false when there is no memory, nothing changed. */
static bool
bucket_add(struct chek_page_heap *heap, struct chek_page_map *map, chek_page_ref bucket)
{
    uint32_t index = map->bucket_count;
    chek_page_ref table;
    if (index < MAP_TABLE_COUNT) {
        if (!table_make_room(heap, &map->table, index)) {
            return false;
        }
        table = map->table;
    } else {
        uint32_t table_index = index / MAP_TABLE_COUNT;
        if (index % MAP_TABLE_COUNT == 0 && !table_begin(heap, map, table_index)) {
            return false;
        }
        const chek_page_ref *top = chek_page_heap_read(heap, map->table);
        table = top[table_index];
    }
    chek_page_ref *refs = chek_page_heap_change(heap, table);
    refs[index % MAP_TABLE_COUNT] = bucket;
    map->bucket_count += 1;
    return true;
}

/* Allocate a bucket and make it the last one of the map; 0 when there is no memory. */
static chek_page_ref
bucket_create(struct chek_page_heap *heap, struct chek_page_map *map)
{
    chek_page_ref bucket = chek_page_heap_allocate(heap, sizeof(struct map_bucket));
    if (bucket != 0 && !bucket_add(heap, map, bucket)) {
        chek_page_heap_free(heap, bucket, sizeof(struct map_bucket));
        return 0;
    }
    return bucket;
}

static inline void
bucket_append(struct map_bucket *bucket, uint64_t key, uint32_t value)
{
    CHEK_ASSERT(bucket->count < MAP_BUCKET_COUNT);
    bucket->keys[bucket->count] = key;
    bucket->values[bucket->count] = value;
    bucket->count += 1;
}

/* The end of a chain that is being written, and the empty buckets that chains are made of. */
struct chain_end {
    chek_page_ref bucket;
};

static chek_page_ref
pool_take(struct chek_page_heap *heap, chek_page_ref *pool)
{
    chek_page_ref taken = *pool;
    CHEK_ASSERT(taken != 0);
    struct map_bucket *bucket = bucket_change(heap, taken);
    *pool = bucket->overflow;
    bucket->overflow = 0;
    return taken;
}

static void
pool_give(struct chek_page_heap *heap, chek_page_ref *pool, chek_page_ref given)
{
    struct map_bucket *bucket = bucket_change(heap, given);
    *bucket = (struct map_bucket){.overflow = *pool};
    *pool = given;
}

static void
chain_append(struct chek_page_heap *heap, struct chain_end *end, chek_page_ref *pool, uint64_t key,
             uint32_t value)
{
    if (bucket_read(heap, end->bucket)->count == MAP_BUCKET_COUNT) {
        chek_page_ref next = pool_take(heap, pool);
        bucket_change(heap, end->bucket)->overflow = next;
        end->bucket = next;
    }
    bucket_append(bucket_change(heap, end->bucket), key, value);
}

/*
 * Deal the entries of the chain at `stay` out between it and the empty bucket `move`, by one more
 * bit of their hash. Each bucket read becomes a spare one for either side; k buckets read fill at
 * most k + 1, so together with `move` the spares suffice and nothing is allocated on the way.
 */
static void
chain_divide(struct chek_page_heap *heap, const struct chek_page_map *map, chek_page_ref stay,
             chek_page_ref move)
{
    uint64_t bit = UINT64_C(1) << map->level;
    struct chain_end ends[2] = {{stay}, {move}};
    chek_page_ref pool = 0;
    chek_page_ref from = stay;
    while (from != 0) {
        struct map_bucket copy = *bucket_read(heap, from);
        if (from == stay) {
            *bucket_change(heap, stay) = (struct map_bucket){0};
        } else {
            pool_give(heap, &pool, from);
        }
        for (uint32_t i = 0; i < copy.count; i++) {
            bool moves = (base__page_map_hash(map->seed, copy.keys[i]) & bit) != 0;
            chain_append(heap, &ends[moves], &pool, copy.keys[i], copy.values[i]);
        }
        from = copy.overflow;
    }
    while (pool != 0) {
        chek_page_heap_free(heap, pool_take(heap, &pool), sizeof(struct map_bucket));
    }
}

/*
 * Divide the next bucket of the round. It may be put off when there is no memory or no reference
 * left: the chains are longer then and the next insertion tries again.
 */
static void
map_split(struct chek_page_heap *heap, struct chek_page_map *map)
{
    if (map->bucket_count == MAP_BUCKETS_MAX) {
        return;
    }
    chek_page_ref move = bucket_create(heap, map);
    if (move == 0) {
        return;
    }
    chain_divide(heap, map, page_map_bucket_at(heap, map, map->split), move);
    map->split += 1;
    if (map->split == UINT32_C(1) << map->level) {
        map->level += 1;
        map->split = 0;
    }
    CHEK_ASSERT(map->bucket_count == (UINT32_C(1) << map->level) + map->split);
}

/* The last bucket of a chain, with room for an entry; 0 when there is no memory. */
static chek_page_ref
chain_make_room(struct chek_page_heap *heap, chek_page_ref ref)
{
    while (bucket_read(heap, ref)->overflow != 0) {
        ref = bucket_read(heap, ref)->overflow;
    }
    if (bucket_read(heap, ref)->count < MAP_BUCKET_COUNT) {
        return ref;
    }
    chek_page_ref added = chek_page_heap_allocate(heap, sizeof(struct map_bucket));
    if (added != 0) {
        bucket_change(heap, ref)->overflow = added;
    }
    return added;
}

int
chek_page_map_insert(struct chek_page_heap *heap, struct chek_page_map *map, uint64_t key,
                     uint32_t value)
{
    if (map->bucket_count == 0 && bucket_create(heap, map) == 0) {
        return CHEK_E_FULL;
    }
    uint32_t index = page_map_bucket_index(map, base__page_map_hash(map->seed, key));
    chek_page_ref ref = chain_make_room(heap, page_map_bucket_at(heap, map, index));
    if (ref == 0) {
        return CHEK_E_FULL;
    }
    bucket_append(bucket_change(heap, ref), key, value);
    map->count += 1;
    if (map->count > (uint64_t)map->bucket_count * MAP_LOAD) {
        map_split(heap, map);
    }
    CHEK_ASSERT_SLOW(base__page_map_key_is_sound(heap, map, key));
    return CHEK_OK;
}

/* Close the gap at `slot` with what stands behind it, along the chain; returns the last bucket. */
static chek_page_ref
chain_close_gap(struct chek_page_heap *heap, chek_page_ref ref, uint32_t slot)
{
    for (;;) {
        struct map_bucket *bucket = bucket_change(heap, ref);
        CHEK_ASSERT(slot < bucket->count);
        uint32_t behind = bucket->count - slot - 1;
        memmove(bucket->keys + slot, bucket->keys + slot + 1, behind * sizeof bucket->keys[0]);
        memmove(bucket->values + slot, bucket->values + slot + 1,
                behind * sizeof bucket->values[0]);
        bucket->count -= 1;
        bucket->keys[bucket->count] = 0;
        bucket->values[bucket->count] = 0;
        if (bucket->overflow == 0) {
            return ref;
        }
        const struct map_bucket *next = bucket_read(heap, bucket->overflow);
        bucket_append(bucket, next->keys[0], next->values[0]);
        ref = bucket->overflow;
        slot = 0;
    }
}

/* Free the last bucket of the chain from `first` on when it is empty and not the only one. */
static void
chain_trim(struct chek_page_heap *heap, chek_page_ref first, chek_page_ref last)
{
    if (first == last || bucket_read(heap, last)->count != 0) {
        return;
    }
    chek_page_ref before = first;
    while (bucket_read(heap, before)->overflow != last) {
        before = bucket_read(heap, before)->overflow;
    }
    bucket_change(heap, before)->overflow = 0;
    chek_page_heap_free(heap, last, sizeof(struct map_bucket));
}

bool
chek_page_map_remove(struct chek_page_heap *heap, struct chek_page_map *map, uint64_t key,
                     uint32_t value)
{
    struct chek_page_map_walk walk;
    uint32_t found;
    bool more = chek_page_map_find(heap, map, key, &found, &walk);
    while (more && found != value) {
        more = chek_page_map_next(heap, &walk, &found);
    }
    if (more) {
        uint32_t index = page_map_bucket_index(map, base__page_map_hash(map->seed, key));
        chek_page_ref last = chain_close_gap(heap, walk.bucket, walk.slot);
        chain_trim(heap, page_map_bucket_at(heap, map, index), last);
        map->count -= 1;
        CHEK_ASSERT_SLOW(base__page_map_key_is_sound(heap, map, key));
    }
    return more;
}
