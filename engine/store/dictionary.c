/* SPDX-License-Identifier: MIT */
/*
 * dictionary.c - texts in written-once pieces, and the index that finds them.
 *
 * A slot keeps 32 bits of the text's hash: the low ones address the bucket, so a split reads no
 * text, and the rest of them save nearly every comparison of texts that differ.
 */
#include "engine/store/dictionary.h"

#include <errno.h>
#ifdef __AVX2__
#    include <immintrin.h>
#endif

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"

#define BUCKETS_A_PIECE (STORE__PIECE_SIZE / sizeof(struct store__bucket))
#define ENTRIES_A_PIECE (STORE__PIECE_SIZE / 4)
#define LEVEL_FIRST 3

/* A bucket is split when there are more than 9 texts for 2 buckets: 4.5 of 7 slots are used. */
#define LOAD_TEXTS 9
#define LOAD_BUCKETS 2

/* So that a place fits 32 bits. */
#define COUNT_MAX_MAX (1u << 28)
#define SIZE_MAX_MAX (1u << 30)

_Static_assert(sizeof(struct store__bucket) == CHEK_CACHE_LINE_SIZE, "a bucket is a line");

static int
pieces_init(struct store__pieces *array, uint64_t piece_count_max)
{
    array->pieces = chek_memory_allocate((size_t)piece_count_max * sizeof *array->pieces);
    if (array->pieces == NULL) {
        return -ENOMEM;
    }
    array->piece_count_max = (uint32_t)piece_count_max;
    return CHEK_OK;
}

static void
pieces_finish(struct store__pieces *array)
{
    chek_memory_free(array->pieces, array->piece_count_max * sizeof *array->pieces);
}

static uint8_t *
pieces_add(struct store__pieces *array, struct store__pool *pool)
{
    CHEK_ASSERT(array->piece_count < array->piece_count_max);
    uint8_t *piece = store__pool_take_piece(pool);
    array->pieces[array->piece_count] = piece;
    array->piece_count += 1;
    return piece;
}

static inline struct store__bucket *
bucket_at(const struct store__pieces *array, uint32_t index)
{
    return (struct store__bucket *)(void *)array->pieces[index / BUCKETS_A_PIECE] +
           index % BUCKETS_A_PIECE;
}

/* Make bucket `index`, the next one of the array, an empty one. */
static void
bucket_add(struct store__pieces *array, struct store__pool *pool, uint32_t index)
{
    if (index / BUCKETS_A_PIECE == array->piece_count) {
        pieces_add(array, pool);
    }
    *bucket_at(array, index) = (struct store__bucket){0};
}

/* Texts that cannot fill a piece leave at most one longest text, with its size, unused. */
#define PIECE_TEXT_SIZE_MIN \
    (STORE__PIECE_SIZE - STORE__DICTIONARY_TEXT_SIZE_MAX - STORE__TEXT_HEAD_SIZE)

static int
dictionary_allocate(struct store__dictionary *dictionary)
{
    uint64_t count_max = dictionary->count_max;
    uint64_t bytes_max = dictionary->size_max + STORE__TEXT_HEAD_SIZE * count_max;
    int error = pieces_init(&dictionary->texts, bytes_max / PIECE_TEXT_SIZE_MIN + 1);
    if (error == CHEK_OK) {
        error = pieces_init(&dictionary->entries, count_max / ENTRIES_A_PIECE + 1);
    }
    if (error == CHEK_OK) {
        uint64_t buckets = count_max * LOAD_BUCKETS / LOAD_TEXTS + (1u << LEVEL_FIRST) + 1;
        error = pieces_init(&dictionary->buckets, buckets / BUCKETS_A_PIECE + 1);
    }
    if (error == CHEK_OK) {
        uint64_t buckets = count_max / STORE__BUCKET_SLOT_COUNT + 1;
        error = pieces_init(&dictionary->overflow, buckets / BUCKETS_A_PIECE + 1);
    }
    return error;
}

int
store__dictionary_init(struct store__dictionary *dictionary, struct store__pool *pool,
                       uint32_t count_max, uint32_t size_max, uint64_t seed)
{
    *dictionary = (struct store__dictionary){
        .seed = seed,
        .count_max = count_max < COUNT_MAX_MAX ? count_max : COUNT_MAX_MAX,
        .size_max = size_max < SIZE_MAX_MAX ? size_max : SIZE_MAX_MAX,
        .level = LEVEL_FIRST,
        .text_at = STORE__PIECE_SIZE,
    };
    int error = dictionary_allocate(dictionary);
    if (error == CHEK_OK) {
        error = store__pool_ensure_pieces(pool, 1);
    }
    if (error != CHEK_OK) {
        store__dictionary_finish(dictionary);
        return error;
    }
    for (uint32_t i = 0; i < 1u << LEVEL_FIRST; i++) {
        bucket_add(&dictionary->buckets, pool, i);
    }
    dictionary->bucket_count = 1u << LEVEL_FIRST;
    return CHEK_OK;
}

void
store__dictionary_finish(struct store__dictionary *dictionary)
{
    pieces_finish(&dictionary->texts);
    pieces_finish(&dictionary->entries);
    pieces_finish(&dictionary->buckets);
    pieces_finish(&dictionary->overflow);
    *dictionary = (struct store__dictionary){0};
}

uint32_t
store__dictionary_pieces_needed(const struct store__dictionary *dictionary, uint32_t count)
{
    uint64_t total = (uint64_t)dictionary->count + count;
    uint64_t buckets = total * LOAD_BUCKETS / LOAD_TEXTS + 1;
    uint64_t buckets_more =
        buckets > dictionary->bucket_count ? buckets - dictionary->bucket_count : 0;
    /* Overflow buckets are full but for the last of a chain, whose first bucket is full too. */
    uint64_t overflow = total / STORE__BUCKET_SLOT_COUNT;
    uint64_t used = dictionary->overflow_count - dictionary->overflow_free_count;
    uint64_t overflow_more = overflow > used ? overflow - used : 0;
    overflow_more = overflow_more < count ? overflow_more : count;
    return (uint32_t)(count / ENTRIES_A_PIECE + 1 + buckets_more / BUCKETS_A_PIECE + 1 +
                      overflow_more / BUCKETS_A_PIECE + 1);
}

uint32_t
store__dictionary_text_pieces_needed(uint32_t count, size_t size)
{
    size_t bytes = size + STORE__TEXT_HEAD_SIZE * (size_t)count;
    return (uint32_t)(bytes / PIECE_TEXT_SIZE_MIN) + STORE__DICTIONARY_COUNT;
}

static inline uint32_t
bucket_index(const struct store__dictionary *dictionary, uint32_t tag)
{
    uint32_t index = tag & ((2u << dictionary->level) - 1);
    return index < dictionary->bucket_count ? index : index & ((1u << dictionary->level) - 1);
}

static inline bool
record_is(const uint8_t *record, struct chek_bytes_view text)
{
    const uint8_t *bytes = record + STORE__TEXT_HEAD_SIZE;
    if (chek_load_u16(record + 4) != text.size) {
        return false;
    }
    if (text.size >= 8 && text.size <= 16) {
        size_t last = text.size - 8;
        return chek_load_u64(bytes) == chek_load_u64(text.bytes) &&
               chek_load_u64(bytes + last) == chek_load_u64(text.bytes + last);
    }
    return memcmp(bytes, text.bytes, text.size) == 0;
}

/* A bit for each slot with this tag. The lane behind the tags is the count, and is masked away. */
static inline uint32_t
bucket_match(const struct store__bucket *bucket, uint32_t tag)
{
    uint32_t used = (1u << bucket->count) - 1;
#ifdef __AVX2__
    __m256i tags = _mm256_load_si256((const __m256i *)(const void *)bucket->tags);
    __m256i equal = _mm256_cmpeq_epi32(tags, _mm256_set1_epi32((int32_t)tag));
    return (uint32_t)_mm256_movemask_ps(_mm256_castsi256_ps(equal)) & used;
#else
    uint32_t match = 0;
    for (uint32_t i = 0; i < STORE__BUCKET_SLOT_COUNT; i++) {
        match |= (uint32_t)(bucket->tags[i] == tag) << i;
    }
    return match & used;
#endif
}

static uint32_t
index_find(const struct store__dictionary *dictionary, uint32_t tag, struct chek_bytes_view text)
{
    const struct store__bucket *bucket =
        bucket_at(&dictionary->buckets, bucket_index(dictionary, tag));
    for (;;) {
        for (uint32_t match = bucket_match(bucket, tag); match != 0; match &= match - 1) {
            uint32_t place = bucket->places[__builtin_ctz(match)];
            const uint8_t *record = store__dictionary_record(dictionary, place);
            if (CHEK_LIKELY(record_is(record, text))) {
                return chek_load_u32(record);
            }
        }
        if (bucket->next == 0) {
            return 0;
        }
        bucket = bucket_at(&dictionary->overflow, bucket->next - 1);
    }
}

/* Take an overflow bucket; returns its index + 1. */
static uint32_t
overflow_take(struct store__dictionary *dictionary, struct store__pool *pool)
{
    uint32_t number = dictionary->overflow_free;
    if (number != 0) {
        struct store__bucket *bucket = bucket_at(&dictionary->overflow, number - 1);
        dictionary->overflow_free = bucket->next;
        dictionary->overflow_free_count -= 1;
        *bucket = (struct store__bucket){0};
        return number;
    }
    bucket_add(&dictionary->overflow, pool, dictionary->overflow_count);
    dictionary->overflow_count += 1;
    return dictionary->overflow_count;
}

static void
overflow_give(struct store__dictionary *dictionary, uint32_t number)
{
    bucket_at(&dictionary->overflow, number - 1)->next = dictionary->overflow_free;
    dictionary->overflow_free = number;
    dictionary->overflow_free_count += 1;
}

/* A full bucket gets an overflow bucket put behind it; what is behind an unfull one is full. */
static void
index_add(struct store__dictionary *dictionary, struct store__pool *pool, uint32_t tag,
          uint32_t place)
{
    struct store__bucket *bucket = bucket_at(&dictionary->buckets, bucket_index(dictionary, tag));
    while (bucket->count == STORE__BUCKET_SLOT_COUNT) {
        if (bucket->next == 0) {
            bucket->next = overflow_take(dictionary, pool);
        }
        bucket = bucket_at(&dictionary->overflow, bucket->next - 1);
    }
    bucket->tags[bucket->count] = tag;
    bucket->places[bucket->count] = place;
    bucket->count += 1;
}

/* Add a bucket and share the texts of its elder half between the two. */
static void
index_split(struct store__dictionary *dictionary, struct store__pool *pool)
{
    uint32_t elder = dictionary->bucket_count - (1u << dictionary->level);
    struct store__bucket old = *bucket_at(&dictionary->buckets, elder);
    *bucket_at(&dictionary->buckets, elder) = (struct store__bucket){0};
    bucket_add(&dictionary->buckets, pool, dictionary->bucket_count);
    dictionary->bucket_count += 1;

    for (;;) {
        for (uint32_t i = 0; i < old.count; i++) {
            index_add(dictionary, pool, old.tags[i], old.places[i]);
        }
        uint32_t next = old.next;
        if (next == 0) {
            break;
        }
        old = *bucket_at(&dictionary->overflow, next - 1);
        overflow_give(dictionary, next);
    }
    if (dictionary->bucket_count == 2u << dictionary->level) {
        dictionary->level += 1;
    }
}

/* Write the text with its code behind the others; returns its place. */
static uint32_t
text_add(struct store__dictionary *dictionary, struct store__pool *pool,
         struct chek_bytes_view text)
{
    if (text.size + STORE__TEXT_HEAD_SIZE > STORE__PIECE_SIZE - dictionary->text_at) {
        pieces_add(&dictionary->texts, pool);
        dictionary->text_at = 0;
    }
    uint32_t piece = dictionary->texts.piece_count - 1;
    uint8_t *at = dictionary->texts.pieces[piece] + dictionary->text_at;
    uint32_t place = piece * STORE__PIECE_SIZE + dictionary->text_at;
    chek_store_u32(at, dictionary->count + 1);
    chek_store_u16(at + 4, (uint16_t)text.size);
    memcpy(at + STORE__TEXT_HEAD_SIZE, text.bytes, text.size);
    dictionary->text_at += (uint32_t)text.size + STORE__TEXT_HEAD_SIZE;
    dictionary->text_size += text.size;
    return place;
}

static uint32_t
dictionary_add(struct store__dictionary *dictionary, struct store__pool *pool, uint32_t tag,
               struct chek_bytes_view text)
{
    if (text.size > STORE__DICTIONARY_TEXT_SIZE_MAX || dictionary->count >= dictionary->count_max ||
        text.size > dictionary->size_max - dictionary->text_size) {
        return STORE__CODE_PLAIN;
    }
    uint32_t at = dictionary->count % ENTRIES_A_PIECE;
    if (at == 0) {
        pieces_add(&dictionary->entries, pool);
    }
    uint8_t *entries = dictionary->entries.pieces[dictionary->entries.piece_count - 1];
    uint32_t place = text_add(dictionary, pool, text);
    chek_store_u32(entries + (size_t)at * 4, place);
    dictionary->count += 1;
    index_add(dictionary, pool, tag, place);
    if ((uint64_t)dictionary->count * LOAD_BUCKETS >
        (uint64_t)dictionary->bucket_count * LOAD_TEXTS) {
        index_split(dictionary, pool);
    }
    return dictionary->count;
}

/*
 * Spread the text over 32 bits. Codes and section names are short, and this is most of what a
 * look-up of one costs: two words, which overlap, folded by one wide product. A seed that nobody
 * outside knows keeps texts from being made to collide.
 */
static inline uint32_t
tag_of(const struct store__dictionary *dictionary, struct chek_bytes_view text)
{
    uint64_t head = 0;
    uint64_t tail = 0;
    if (CHEK_UNLIKELY(text.size > 16)) {
        return (uint32_t)(chek_checksum_seeded(text.bytes, text.size, dictionary->seed) >> 32);
    }
    if (text.size >= 8) {
        head = chek_load_u64(text.bytes);
        tail = chek_load_u64(text.bytes + text.size - 8);
    } else if (text.size >= 4) {
        head = chek_load_u32(text.bytes);
        tail = chek_load_u32(text.bytes + text.size - 4);
    } else {
        head = text.bytes[0];
        tail = (uint64_t)text.bytes[text.size / 2] << 8 | text.bytes[text.size - 1];
    }
    head ^= dictionary->seed ^ UINT64_C(0x9e3779b97f4a7c15);
    tail ^= dictionary->seed * UINT64_C(0xd6e8feb86659fd93) ^ text.size << 56;
    chek_u128 product = (chek_u128)head * (tail ^ UINT64_C(0xa0761d6478bd642f));
    uint64_t folded = (uint64_t)product ^ (uint64_t)(product >> 64);
    return (uint32_t)((folded * UINT64_C(0xe7037ed1a0b428db)) >> 32);
}

uint32_t
store__dictionary_prefetch_bucket(const struct store__dictionary *dictionary,
                                  struct chek_bytes_view text)
{
    uint32_t tag = tag_of(dictionary, text);
    __builtin_prefetch(bucket_at(&dictionary->buckets, bucket_index(dictionary, tag)));
    return tag;
}

void
store__dictionary_prefetch_text(const struct store__dictionary *dictionary, uint32_t tag)
{
    const struct store__bucket *bucket =
        bucket_at(&dictionary->buckets, bucket_index(dictionary, tag));
    uint32_t match = bucket_match(bucket, tag);
    if (match != 0) {
        uint32_t place = bucket->places[__builtin_ctz(match)];
        __builtin_prefetch(store__dictionary_record(dictionary, place));
    }
}

uint32_t
store__dictionary_intern_slowly(struct store__dictionary *dictionary, struct store__pool *pool,
                                struct chek_bytes_view text)
{
    if (text.size == 0) {
        return 0;
    }
    uint32_t tag = tag_of(dictionary, text);
    uint32_t code = index_find(dictionary, tag, text);
    if (code == 0) {
        code = dictionary_add(dictionary, pool, tag, text);
    }
    if (text.size <= 8 && code != STORE__CODE_PLAIN) {
        uint64_t word = store__text_word(text);
        dictionary->recent[store__recent_index(word)] =
            (struct store__recent){.word = word, .size = (uint32_t)text.size, .code = code};
    }
    return code;
}

bool
store__dictionary_is_valid(const struct store__dictionary *dictionary)
{
    uint64_t slot_count = 0;
    for (uint32_t i = 0; i < dictionary->bucket_count; i++) {
        const struct store__bucket *bucket = bucket_at(&dictionary->buckets, i);
        slot_count += bucket->count;
        while (bucket->next != 0) {
            bucket = bucket_at(&dictionary->overflow, bucket->next - 1);
            slot_count += bucket->count;
        }
    }
    for (uint32_t code = 1; code <= dictionary->count; code++) {
        struct chek_bytes_view text = store__dictionary_text(dictionary, code);
        if (index_find(dictionary, tag_of(dictionary, text), text) != code) {
            return false;
        }
    }
    return slot_count == dictionary->count;
}
