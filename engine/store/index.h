/* SPDX-License-Identifier: MIT */
/*
 * index.h - from a word of 64 bits to a number: how a dictionary finds its texts (this room only).
 *
 * A word is the bytes of a short text itself, or the hash of a long one: so a short text is found
 * in one cache line, and nothing else is read. Several entries may have the same word.
 *
 * It is run-time only: linear hashing over buckets of a cache line, so that an insertion splits at
 * most one bucket and no step is long. Nobody walks it; its seed changes no answer.
 */
#ifndef CHEK_STORE_INDEX_H
#define CHEK_STORE_INDEX_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/store/pool.h"

#define STORE__BUCKET_SLOT_COUNT 5
#define STORE__INDEX_LEVEL_FIRST 3

struct store__bucket {
    uint64_t words[STORE__BUCKET_SLOT_COUNT];
    uint32_t values[STORE__BUCKET_SLOT_COUNT]; /* 0 = free; filled from the first on */
    uint32_t next;                             /* index + 1 of an overflow bucket; 0 = none */
};

#define STORE__BUCKETS_A_PIECE (STORE__PIECE_SIZE / sizeof(struct store__bucket))

struct store__index {
    struct store__pieces buckets;  /* the addressed ones */
    struct store__pieces overflow; /* and those behind a full one */
    uint64_t seed;                 /* nobody outside knows it, so words cannot be made to collide */
    uint32_t count, bucket_count;
    uint32_t level;          /* 1 << level buckets at the start of this round of splits */
    uint32_t overflow_count; /* handed out so far, free ones too */
    uint32_t overflow_free;  /* index + 1 of the first free one */
    uint32_t overflow_free_count;
};

/* Make an empty index. Errors: -ENOMEM; finish it all the same. */
CHEK_MUST_USE int store__index_init(struct store__index *index, struct store__pool *pool,
                                    uint32_t count_max, uint64_t seed);
void store__index_finish(struct store__index *index, struct store__pool *pool);

/* Add an entry; the pool holds enough pieces. `value` is not 0. */
void store__index_add(struct store__index *index, struct store__pool *pool, uint64_t word,
                      uint32_t value);

static inline struct store__bucket *
store__index_bucket(const struct store__pieces *array, uint32_t number)
{
    return (struct store__bucket *)(void *)array->pieces[number / STORE__BUCKETS_A_PIECE] +
           number % STORE__BUCKETS_A_PIECE;
}

static inline uint32_t
store__index_place(const struct store__index *index, uint64_t word)
{
    chek_u128 product = (chek_u128)(word ^ index->seed) * UINT64_C(0x9e3779b97f4a7c15);
    uint32_t hash = (uint32_t)((uint64_t)product ^ (uint64_t)(product >> 64));
    uint32_t place = hash & ((2u << index->level) - 1);
    return place < index->bucket_count ? place : hash & ((1u << index->level) - 1);
}

/* Where a look-up stands, so that it can go on. */
struct store__match {
    const struct store__bucket *bucket;
    uint32_t slot; /* the next one to be looked at */
};

static inline struct store__match
store__index_begin(const struct store__index *index, uint64_t word)
{
    return (struct store__match){
        .bucket = store__index_bucket(&index->buckets, store__index_place(index, word))};
}

/* Return the value of the next entry with this word, 0 when there is none. */
static inline uint32_t
store__index_next(const struct store__index *index, uint64_t word, struct store__match *match)
{
    for (;;) {
        const struct store__bucket *bucket = match->bucket;
        for (uint32_t i = match->slot; i < STORE__BUCKET_SLOT_COUNT; i++) {
            if (bucket->words[i] == word && bucket->values[i] != 0) {
                match->slot = i + 1;
                return bucket->values[i];
            }
        }
        if (bucket->next == 0) {
            match->slot = STORE__BUCKET_SLOT_COUNT;
            return 0;
        }
        match->bucket = store__index_bucket(&index->overflow, bucket->next - 1);
        match->slot = 0;
    }
}

/* Walk all buckets and count the entries; slow. */
uint32_t store__index_entry_count(const struct store__index *index);

#endif
