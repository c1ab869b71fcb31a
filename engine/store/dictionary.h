/* SPDX-License-Identifier: MIT */
/*
 * dictionary.h - texts as codes that never change (of this room only).
 *
 * Code 0 is the empty text, code n the n-th text that was new. A text is written once and never
 * moves, so a view of it stays good as long as the store. A text that is too long, or comes when
 * count or size are used up, has no code: STORE__CODE_PLAIN, and its column's PLAIN column holds
 * it. Because a dictionary only grows, a text that did not fit once never fits later.
 *
 * Texts of up to 8 bytes, which most codes, sections and clients are, are found by their bytes,
 * longer ones by a hash and a comparison.
 */
#ifndef CHEK_STORE_DICTIONARY_H
#define CHEK_STORE_DICTIONARY_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/store/index.h"

#define STORE__CODE_PLAIN UINT32_MAX
#define STORE__CODE_WANTING (UINT32_MAX - 1) /* there was no memory in the stock to add it */
#define STORE__DICTIONARY_TEXT_SIZE_MAX 2048 /* longer ones are plain */

enum store__dictionary_kind {
    STORE__DICTIONARY_PROFILE, /* a register as a document names it, encoded */
    STORE__DICTIONARY_OPERATOR,
    STORE__DICTIONARY_CLIENT,
    STORE__DICTIONARY_FISCAL_DRIVE,
    STORE__DICTIONARY_CODE,
    STORE__DICTIONARY_NAME,
    STORE__DICTIONARY_SECTION,
    STORE__DICTIONARY_UNIT,
    STORE__DICTIONARY_MODIFIER_NAME,
    STORE__DICTIONARY_PARENT_REGISTER,
    STORE__DICTIONARY_COUNT,
};

/* Sections, units and the like are short, few, and on every line: the last ones are remembered. */
#define STORE__RECENT_BITS 4

struct store__recent {
    uint64_t word; /* the bytes of the text */
    uint32_t size; /* 1..8; 0 = nothing yet */
    uint32_t code;
};

struct store__dictionary {
    struct store__recent recent[1 << STORE__RECENT_BITS];
    struct store__pieces texts;   /* {code u32, size u16, bytes}, none across two pieces */
    struct store__pieces entries; /* u32: place of each code's text */
    struct store__index shorts;   /* the bytes of a text -> its code */
    struct store__index longs;    /* the hash of a text -> its place + 1 */
    uint64_t seed;
    uint64_t text_size; /* bytes of texts */
    uint32_t text_at;   /* used of the last piece of texts */
    uint32_t count;
    uint32_t count_max, size_max;
};

/* Make an empty dictionary. Errors: -ENOMEM; nothing is held. */
CHEK_MUST_USE int store__dictionary_init(struct store__dictionary *dictionary,
                                         struct store__pool *pool, uint32_t count_max,
                                         uint32_t size_max, uint64_t seed);
void store__dictionary_finish(struct store__dictionary *dictionary, struct store__pool *pool);

/* Pieces that one more text may need: of texts, of entries, of buckets and of those behind. */
#define STORE__TEXT_PIECE_COUNT 8

/* Return the code of a text that is not in `recent`, and remember it there if it is short. */
uint32_t store__dictionary_intern_slowly(struct store__dictionary *dictionary,
                                         struct store__pool *pool, struct chek_bytes_view text);

/* The bytes of a text of 1..8 bytes as a number. */
static inline uint64_t
store__text_word(struct chek_bytes_view text)
{
    const uint8_t *at = text.bytes;
    if (text.size >= 4) {
        return chek_load_u32(at) | (uint64_t)chek_load_u32(at + text.size - 4)
                                       << 8 * (text.size - 4);
    }
    return at[0] | (uint64_t)at[text.size / 2] << 8 * (text.size / 2) |
           (uint64_t)at[text.size - 1] << 8 * (text.size - 1);
}

static inline uint32_t
store__recent_index(uint64_t word)
{
    return (uint32_t)((word * UINT64_C(0x9e3779b97f4a7c15)) >> (64 - STORE__RECENT_BITS));
}

/*
 * Return the code of a text, which it gets now if it has none; STORE__CODE_WANTING when it has none
 * and fewer than STORE__TEXT_PIECE_COUNT pieces are in the stock.
 *
 *   Cost       a short text that came a moment ago: a few instructions; another short one: a cache
 *              line; else two lines that depend on each other, the bucket's and the text's
 */
static inline uint32_t
store__dictionary_intern(struct store__dictionary *dictionary, struct store__pool *pool,
                         struct chek_bytes_view text)
{
    if (text.size - 1 < 8) {
        uint64_t word = store__text_word(text);
        const struct store__recent *recent = &dictionary->recent[store__recent_index(word)];
        if (recent->word == word && recent->size == text.size) {
            return recent->code;
        }
    }
    return store__dictionary_intern_slowly(dictionary, pool, text);
}

/*
 * Start loading the bucket of a text. Returns what store__dictionary_prefetch_text() needs to start
 * loading the text itself when the bucket has come, 0 when the bucket is all.
 */
uint64_t store__dictionary_prefetch_bucket(const struct store__dictionary *dictionary,
                                           struct chek_bytes_view text);
void store__dictionary_prefetch_text(const struct store__dictionary *dictionary, uint64_t hash);

/* The record of a text: {code u32, size u16, bytes}. */
#define STORE__TEXT_HEAD_SIZE 6

static inline const uint8_t *
store__dictionary_record(const struct store__dictionary *dictionary, uint32_t place)
{
    return dictionary->texts.pieces[place / STORE__PIECE_SIZE] + place % STORE__PIECE_SIZE;
}

/* Return the text of a code, 0..count. Ownership: the dictionary's, which keeps it. */
static inline struct chek_bytes_view
store__dictionary_text(const struct store__dictionary *dictionary, uint32_t code)
{
    if (code == 0) {
        return (struct chek_bytes_view){0};
    }
    const uint8_t *piece = dictionary->entries.pieces[(code - 1) / (STORE__PIECE_SIZE / 4)];
    uint32_t place = chek_load_u32(piece + (size_t)((code - 1) % (STORE__PIECE_SIZE / 4)) * 4);
    const uint8_t *at = store__dictionary_record(dictionary, place);
    return chek_bytes_view_of(at + STORE__TEXT_HEAD_SIZE, chek_load_u16(at + 4));
}

/* Walk the whole index and say whether every code is found there once; slow. */
bool store__dictionary_is_valid(const struct store__dictionary *dictionary);

#endif
