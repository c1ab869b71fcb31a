/* SPDX-License-Identifier: MIT */
/* index.c - linear hashing: buckets are split one at a time, in their order. */
#include "engine/store/index.h"

#include "engine/base/assertion.h"
#include "engine/base/limits.h"

/* A bucket is split when there are more than 7 entries for 2 buckets: 3.5 of 5 slots are used. */
#define LOAD_ENTRIES 7
#define LOAD_BUCKETS 2

_Static_assert(sizeof(struct store__bucket) == CHEK_CACHE_LINE_SIZE, "a bucket is a line");

/* Make bucket `number`, the next one of the array, an empty one. */
static void
bucket_add(struct store__pieces *array, struct store__pool *pool, uint32_t number)
{
    if (number / STORE__BUCKETS_A_PIECE == array->piece_count) {
        store__pieces_add(array, pool);
    }
    *store__index_bucket(array, number) = (struct store__bucket){0};
}

int
store__index_init(struct store__index *index, struct store__pool *pool, uint32_t count_max,
                  uint64_t seed)
{
    *index = (struct store__index){.seed = seed, .level = STORE__INDEX_LEVEL_FIRST};
    uint64_t buckets =
        (uint64_t)count_max * LOAD_BUCKETS / LOAD_ENTRIES + (1u << STORE__INDEX_LEVEL_FIRST) + 1;
    uint64_t overflow = (uint64_t)count_max / STORE__BUCKET_SLOT_COUNT + 1;
    int error = store__pieces_init(&index->buckets, buckets / STORE__BUCKETS_A_PIECE + 1);
    if (error == CHEK_OK) {
        error = store__pieces_init(&index->overflow, overflow / STORE__BUCKETS_A_PIECE + 1);
    }
    if (error == CHEK_OK) {
        error = store__pool_stock(pool, 1);
    }
    if (error != CHEK_OK) {
        return error;
    }
    for (uint32_t i = 0; i < 1u << STORE__INDEX_LEVEL_FIRST; i++) {
        bucket_add(&index->buckets, pool, i);
    }
    index->bucket_count = 1u << STORE__INDEX_LEVEL_FIRST;
    return CHEK_OK;
}

void
store__index_finish(struct store__index *index, struct store__pool *pool)
{
    store__pieces_give(&index->buckets, pool);
    store__pieces_give(&index->overflow, pool);
}

/* Take an overflow bucket; returns its index + 1. */
static uint32_t
overflow_take(struct store__index *index, struct store__pool *pool)
{
    uint32_t number = index->overflow_free;
    if (number != 0) {
        struct store__bucket *bucket = store__index_bucket(&index->overflow, number - 1);
        index->overflow_free = bucket->next;
        index->overflow_free_count -= 1;
        *bucket = (struct store__bucket){0};
        return number;
    }
    bucket_add(&index->overflow, pool, index->overflow_count);
    index->overflow_count += 1;
    return index->overflow_count;
}

static void
overflow_give(struct store__index *index, uint32_t number)
{
    store__index_bucket(&index->overflow, number - 1)->next = index->overflow_free;
    index->overflow_free = number;
    index->overflow_free_count += 1;
}

/* A full bucket gets an overflow bucket put behind it; what is behind an unfull one is full. */
static void
entry_put(struct store__index *index, struct store__pool *pool, uint64_t word, uint32_t value)
{
    struct store__bucket *bucket =
        store__index_bucket(&index->buckets, store__index_place(index, word));
    while (bucket->values[STORE__BUCKET_SLOT_COUNT - 1] != 0) {
        if (bucket->next == 0) {
            bucket->next = overflow_take(index, pool);
        }
        bucket = store__index_bucket(&index->overflow, bucket->next - 1);
    }
    uint32_t slot = 0;
    while (bucket->values[slot] != 0) {
        slot += 1;
    }
    bucket->words[slot] = word;
    bucket->values[slot] = value;
}

/* Add a bucket and share the entries of its elder half between the two. */
static void
index_split(struct store__index *index, struct store__pool *pool)
{
    uint32_t elder = index->bucket_count - (1u << index->level);
    struct store__bucket old = *store__index_bucket(&index->buckets, elder);
    *store__index_bucket(&index->buckets, elder) = (struct store__bucket){0};
    bucket_add(&index->buckets, pool, index->bucket_count);
    index->bucket_count += 1;

    for (;;) {
        for (uint32_t i = 0; i < STORE__BUCKET_SLOT_COUNT && old.values[i] != 0; i++) {
            entry_put(index, pool, old.words[i], old.values[i]);
        }
        uint32_t next = old.next;
        if (next == 0) {
            break;
        }
        old = *store__index_bucket(&index->overflow, next - 1);
        overflow_give(index, next);
    }
    if (index->bucket_count == 2u << index->level) {
        index->level += 1;
    }
}

void
store__index_add(struct store__index *index, struct store__pool *pool, uint64_t word,
                 uint32_t value)
{
    CHEK_ASSERT(value != 0);
    entry_put(index, pool, word, value);
    index->count += 1;
    if ((uint64_t)index->count * LOAD_BUCKETS > (uint64_t)index->bucket_count * LOAD_ENTRIES) {
        index_split(index, pool);
    }
}

uint32_t
store__index_entry_count(const struct store__index *index)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < index->bucket_count; i++) {
        const struct store__bucket *bucket = store__index_bucket(&index->buckets, i);
        for (;;) {
            for (uint32_t slot = 0; slot < STORE__BUCKET_SLOT_COUNT; slot++) {
                count += bucket->values[slot] != 0;
            }
            if (bucket->next == 0) {
                break;
            }
            bucket = store__index_bucket(&index->overflow, bucket->next - 1);
        }
    }
    return count;
}
