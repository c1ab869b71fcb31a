/* SPDX-License-Identifier: MIT */
/*
 * dictionary.c - texts in written-once pieces, and the indices that find them.
 *
 * A short text is its own key: padded with zeroes it fits a word, and as long as it has no zero
 * byte no two texts make the same one. A text that has is looked up like a long one.
 */
#include "engine/store/dictionary.h"

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"

#define ENTRIES_A_PIECE (STORE__PIECE_SIZE / 4)

/* So that a place fits 32 bits. */
#define COUNT_MAX_MAX (1u << 28)
#define SIZE_MAX_MAX (1u << 30)

/* Texts that cannot fill a piece leave at most one longest text, with its size, unused. */
#define PIECE_TEXT_SIZE_MIN \
    (STORE__PIECE_SIZE - STORE__DICTIONARY_TEXT_SIZE_MAX - STORE__TEXT_HEAD_SIZE)

int
store__dictionary_init(struct store__dictionary *dictionary, struct store__pool *pool,
                       uint32_t count_max, uint32_t size_max, uint64_t seed)
{
    *dictionary = (struct store__dictionary){
        .seed = seed,
        .count_max = count_max < COUNT_MAX_MAX ? count_max : COUNT_MAX_MAX,
        .size_max = size_max < SIZE_MAX_MAX ? size_max : SIZE_MAX_MAX,
        .text_at = STORE__PIECE_SIZE,
    };
    uint64_t bytes_max =
        dictionary->size_max + STORE__TEXT_HEAD_SIZE * (uint64_t)dictionary->count_max;
    int error = store__pieces_init(&dictionary->texts, bytes_max / PIECE_TEXT_SIZE_MIN + 1);
    if (error == CHEK_OK) {
        error =
            store__pieces_init(&dictionary->entries, dictionary->count_max / ENTRIES_A_PIECE + 1);
    }
    if (error == CHEK_OK) {
        error = store__index_init(&dictionary->shorts, pool, dictionary->count_max, seed);
    }
    if (error == CHEK_OK) {
        error = store__index_init(&dictionary->longs, pool, dictionary->count_max, seed);
    }
    if (error != CHEK_OK) {
        store__dictionary_finish(dictionary, pool);
    }
    return error;
}

void
store__dictionary_finish(struct store__dictionary *dictionary, struct store__pool *pool)
{
    store__pieces_give(&dictionary->texts, pool);
    store__pieces_give(&dictionary->entries, pool);
    store__index_finish(&dictionary->shorts, pool);
    store__index_finish(&dictionary->longs, pool);
    *dictionary = (struct store__dictionary){0};
}

/* ---- keys ---- */

/* Whether a text's word names it. */
static inline bool
word_is_text(uint64_t word, size_t size)
{
    uint64_t filled = size < 8 ? word | UINT64_MAX << 8 * size : word;
    uint64_t zero_bytes =
        (filled - UINT64_C(0x0101010101010101)) & ~filled & UINT64_C(0x8080808080808080);
    return zero_bytes == 0;
}

/* What a text is looked up by. */
struct text_key {
    uint64_t word;
    bool is_short;
};

static inline struct text_key
key_of(const struct store__dictionary *dictionary, struct chek_bytes_view text)
{
    if (CHEK_LIKELY(text.size <= 8)) {
        uint64_t word = store__text_word(text);
        if (CHEK_LIKELY(word_is_text(word, text.size))) {
            return (struct text_key){word, true};
        }
    }
    return (struct text_key){chek_checksum_seeded(text.bytes, text.size, dictionary->seed), false};
}

static inline bool
record_is(const uint8_t *record, struct chek_bytes_view text)
{
    const uint8_t *bytes = record + STORE__TEXT_HEAD_SIZE;
    return chek_load_u16(record + 4) == text.size && memcmp(bytes, text.bytes, text.size) == 0;
}

/* Returns the code of a text, 0 when it has none. */
static uint32_t
code_find(const struct store__dictionary *dictionary, struct text_key key,
          struct chek_bytes_view text)
{
    if (key.is_short) {
        struct store__match match = store__index_begin(&dictionary->shorts, key.word);
        return store__index_next(&dictionary->shorts, key.word, &match);
    }
    struct store__match match = store__index_begin(&dictionary->longs, key.word);
    uint32_t place;
    while ((place = store__index_next(&dictionary->longs, key.word, &match)) != 0) {
        const uint8_t *record = store__dictionary_record(dictionary, place - 1);
        if (CHEK_LIKELY(record_is(record, text))) {
            return chek_load_u32(record);
        }
    }
    return 0;
}

/* ---- adding ---- */

/* Write the text with its code behind the others; returns its place. */
static uint32_t
text_add(struct store__dictionary *dictionary, struct store__pool *pool,
         struct chek_bytes_view text)
{
    if (text.size + STORE__TEXT_HEAD_SIZE > STORE__PIECE_SIZE - dictionary->text_at) {
        store__pieces_add(&dictionary->texts, pool);
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
dictionary_add(struct store__dictionary *dictionary, struct store__pool *pool, struct text_key key,
               struct chek_bytes_view text)
{
    if (text.size > STORE__DICTIONARY_TEXT_SIZE_MAX || dictionary->count >= dictionary->count_max ||
        text.size > dictionary->size_max - dictionary->text_size) {
        return STORE__CODE_PLAIN;
    }
    if (pool->stock_count < STORE__TEXT_PIECE_COUNT) {
        return STORE__CODE_WANTING;
    }
    uint32_t at = dictionary->count % ENTRIES_A_PIECE;
    if (at == 0) {
        store__pieces_add(&dictionary->entries, pool);
    }
    uint8_t *entries = dictionary->entries.pieces[dictionary->entries.piece_count - 1];
    uint32_t place = text_add(dictionary, pool, text);
    chek_store_u32(entries + (size_t)at * 4, place);
    dictionary->count += 1;
    if (key.is_short) {
        store__index_add(&dictionary->shorts, pool, key.word, dictionary->count);
    } else {
        store__index_add(&dictionary->longs, pool, key.word, place + 1);
    }
    return dictionary->count;
}

uint64_t
store__dictionary_prefetch_bucket(const struct store__dictionary *dictionary,
                                  struct chek_bytes_view text)
{
    struct text_key key = key_of(dictionary, text);
    const struct store__index *index = key.is_short ? &dictionary->shorts : &dictionary->longs;
    chek_prefetch(store__index_begin(index, key.word).bucket);
    return key.is_short ? 0 : key.word;
}

void
store__dictionary_prefetch_text(const struct store__dictionary *dictionary, uint64_t hash)
{
    struct store__match match = store__index_begin(&dictionary->longs, hash);
    uint32_t place = store__index_next(&dictionary->longs, hash, &match);
    if (place != 0) {
        chek_prefetch(store__dictionary_record(dictionary, place - 1));
    }
}

uint32_t
store__dictionary_intern_slowly(struct store__dictionary *dictionary, struct store__pool *pool,
                                struct chek_bytes_view text)
{
    if (text.size == 0) {
        return 0;
    }
    struct text_key key = key_of(dictionary, text);
    uint32_t code = code_find(dictionary, key, text);
    if (code == 0) {
        code = dictionary_add(dictionary, pool, key, text);
    }
    if (key.is_short && code < STORE__CODE_WANTING) {
        dictionary->recent[store__recent_index(key.word)] =
            (struct store__recent){.word = key.word, .size = (uint32_t)text.size, .code = code};
    }
    return code;
}

bool
store__dictionary_is_valid(const struct store__dictionary *dictionary)
{
    for (uint32_t code = 1; code <= dictionary->count; code++) {
        struct chek_bytes_view text = store__dictionary_text(dictionary, code);
        if (code_find(dictionary, key_of(dictionary, text), text) != code) {
            return false;
        }
    }
    return store__index_entry_count(&dictionary->shorts) +
               store__index_entry_count(&dictionary->longs) ==
           dictionary->count;
}
