/* SPDX-License-Identifier: MIT */
/*
 * utf8.c - well-formed byte sequences, by the table of RFC 3629 section 4.
 */
#include "engine/base/utf8.h"

#ifdef __AVX2__
#    include <immintrin.h>
#endif

#define ONES UINT64_C(0x0101010101010101)
#define TOPS UINT64_C(0x8080808080808080)

static inline bool
byte_is_tail(uint8_t byte)
{
    return (byte & 0xc0) == 0x80;
}

/* Eight bytes, all ASCII, none of them NUL. A borrow in the subtraction only follows a NUL. */
static inline bool
word_is_plain(uint64_t word)
{
    return ((word | (word - ONES)) & TOPS) == 0;
}

/* Bytes of the well-formed sequence at the start of `at`, 0 when there is none. */
static size_t
sequence_size(const uint8_t *at, size_t left)
{
    uint8_t lead = at[0];
    if (lead < 0x80) {
        return lead != 0 ? 1 : 0;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        return 0;
    }
    size_t size = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (left < size) {
        return 0;
    }
    /* The second byte's range is what keeps out long forms, surrogates and what is above 10ffff. */
    uint8_t second_min = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
    uint8_t second_max = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
    if (at[1] < second_min || at[1] > second_max) {
        return 0;
    }
    for (size_t i = 2; i < size; i++) {
        if (!byte_is_tail(at[i])) {
            return 0;
        }
    }
    return size;
}

#ifdef __AVX2__
/*
 * 32 bytes at a time: each byte is judged with the one before it by three tables of sixteen, by the
 * halves of the former and the upper half of the latter. What all three name is wrong with the
 * pair. Two tails in a row are wrong too, unless the byte two or three before promises so many.
 *
 *   Source  J. Keiser, D. Lemire, "Validating UTF-8 In Less Than One Instruction Per Byte" (2020)
 */
enum {
    SHORT_HERE = 1 << 0,      /* a lead, and no tail behind it */
    LONG_HERE = 1 << 1,       /* a tail behind ASCII */
    LONG_3 = 1 << 2,          /* e0 80..9f */
    TOO_LARGE = 1 << 3,       /* f4 90..bf, f5..ff with a tail */
    SURROGATE = 1 << 4,       /* ed a0..bf */
    LONG_2 = 1 << 5,          /* c0, c1 with a tail */
    LARGE_OR_LONG_4 = 1 << 6, /* f5..ff 80..8f, and f0 80..8f */
    TWO_TAILS = 1 << 7,
    ANY_LOW = SHORT_HERE | LONG_HERE | TWO_TAILS,
    LEAD_F = SHORT_HERE | TOO_LARGE | LARGE_OR_LONG_4,
    TAIL_ANY = LONG_HERE | LONG_2 | TWO_TAILS,
    ABOVE_F4 = ANY_LOW | TOO_LARGE | LARGE_OR_LONG_4,
};

#    define TABLE(...) _mm256_broadcastsi128_si256(_mm_setr_epi8(__VA_ARGS__))
#    define BITS(value) ((char)(unsigned char)(value))

__attribute__((always_inline)) static inline __m256i
pairs_judge(__m256i bytes, __m256i before_1)
{
    const __m256i nibble = _mm256_set1_epi8(0x0f);
    const __m256i first_high =
        TABLE(LONG_HERE, LONG_HERE, LONG_HERE, LONG_HERE, LONG_HERE, LONG_HERE, LONG_HERE,
              LONG_HERE, BITS(TWO_TAILS), BITS(TWO_TAILS), BITS(TWO_TAILS), BITS(TWO_TAILS),
              SHORT_HERE | LONG_2, SHORT_HERE, SHORT_HERE | LONG_3 | SURROGATE, BITS(LEAD_F));
    const __m256i first_low = TABLE(
        BITS(ANY_LOW | LONG_3 | LONG_2 | LARGE_OR_LONG_4), BITS(ANY_LOW | LONG_2), BITS(ANY_LOW),
        BITS(ANY_LOW), BITS(ANY_LOW | TOO_LARGE), BITS(ABOVE_F4), BITS(ABOVE_F4), BITS(ABOVE_F4),
        BITS(ABOVE_F4), BITS(ABOVE_F4), BITS(ABOVE_F4), BITS(ABOVE_F4), BITS(ABOVE_F4),
        BITS(ABOVE_F4 | SURROGATE), BITS(ABOVE_F4), BITS(ABOVE_F4));
    const __m256i second_high = TABLE(
        SHORT_HERE, SHORT_HERE, SHORT_HERE, SHORT_HERE, SHORT_HERE, SHORT_HERE, SHORT_HERE,
        SHORT_HERE, BITS(TAIL_ANY | LONG_3 | LARGE_OR_LONG_4), BITS(TAIL_ANY | LONG_3 | TOO_LARGE),
        BITS(TAIL_ANY | SURROGATE | TOO_LARGE), BITS(TAIL_ANY | SURROGATE | TOO_LARGE), SHORT_HERE,
        SHORT_HERE, SHORT_HERE, SHORT_HERE);
    __m256i by_high =
        _mm256_shuffle_epi8(first_high, _mm256_and_si256(_mm256_srli_epi16(before_1, 4), nibble));
    __m256i by_low = _mm256_shuffle_epi8(first_low, _mm256_and_si256(before_1, nibble));
    __m256i by_second =
        _mm256_shuffle_epi8(second_high, _mm256_and_si256(_mm256_srli_epi16(bytes, 4), nibble));
    return _mm256_and_si256(_mm256_and_si256(by_high, by_low), by_second);
}

/* Bits that are set where something is wrong; what comes before the bytes is `before_n`. */
__attribute__((always_inline)) static inline __m256i
block_judge(__m256i bytes, __m256i before_1, __m256i before_2, __m256i before_3)
{
    __m256i third = _mm256_subs_epu8(before_2, _mm256_set1_epi8((char)(0xe0 - 0x80)));
    __m256i fourth = _mm256_subs_epu8(before_3, _mm256_set1_epi8((char)(0xf0 - 0x80)));
    __m256i promised =
        _mm256_and_si256(_mm256_or_si256(third, fourth), _mm256_set1_epi8((char)0x80));
    return _mm256_xor_si256(pairs_judge(bytes, before_1), promised);
}

/* Judge the first bytes of a text: nothing comes before them. */
__attribute__((always_inline)) static inline __m256i
first_judge(__m256i bytes)
{
    __m256i low = _mm256_permute2x128_si256(bytes, bytes, 0x08); /* the low half, moved up */
    return block_judge(bytes, _mm256_alignr_epi8(bytes, low, 15),
                       _mm256_alignr_epi8(bytes, low, 14), _mm256_alignr_epi8(bytes, low, 13));
}

/* 8 to 32 bytes, and zeros behind them; nothing outside of the text is read. */
__attribute__((always_inline)) static inline __m256i
short_load(const uint8_t *at, size_t size)
{
    static const uint8_t moves[32] = {0,    1,    2,    3,    4,    5,    6,    7,
                                      8,    9,    10,   11,   12,   13,   14,   15,
                                      0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                                      0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80};
    if (size < 16) {
        uint64_t behind = chek_load_u64(at + size - 8);
        behind = size > 8 ? behind >> (8 * (16 - size)) : 0;
        return _mm256_set_epi64x(0, 0, (int64_t)behind, (int64_t)chek_load_u64(at));
    }
    __m128i low = _mm_loadu_si128((const void *)at);
    __m128i high = _mm_loadu_si128((const void *)(at + size - 16));
    high = _mm_shuffle_epi8(high, _mm_loadu_si128((const void *)(moves + (32 - size))));
    return _mm256_set_m128i(high, low);
}

/* Whether the text ends within a sequence. */
static inline bool
end_is_open(const uint8_t *end)
{
    return end[-1] >= 0xc0 || end[-2] >= 0xe0 || end[-3] >= 0xf0;
}

static inline uint32_t
zeros_of(__m256i bytes)
{
    return (uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, _mm256_setzero_si256()));
}

static bool
short_is_valid(const uint8_t *at, size_t size)
{
    __m256i bytes = short_load(at, size);
    uint32_t of_text = (uint32_t)((UINT64_C(1) << size) - 1);
    if ((zeros_of(bytes) & of_text) != 0) {
        return false;
    }
    if (_mm256_movemask_epi8(bytes) == 0) {
        return true;
    }
    __m256i wrong = first_judge(bytes);
    return _mm256_testz_si256(wrong, wrong) != 0 && !end_is_open(at + size);
}

/* 35 bytes and more: the last block overlaps the one before it. */
static bool
long_is_valid(const uint8_t *at, size_t size)
{
    __m256i bytes = _mm256_loadu_si256((const void *)at);
    __m256i wrong = first_judge(bytes);
    uint32_t zeros = zeros_of(bytes);
    for (size_t i = 32; i < size; i += 32) {
        const uint8_t *block = at + (i + 32 <= size ? i : size - 32);
        bytes = _mm256_loadu_si256((const void *)block);
        zeros |= zeros_of(bytes);
        wrong =
            _mm256_or_si256(wrong, block_judge(bytes, _mm256_loadu_si256((const void *)(block - 1)),
                                               _mm256_loadu_si256((const void *)(block - 2)),
                                               _mm256_loadu_si256((const void *)(block - 3))));
    }
    return zeros == 0 && _mm256_testz_si256(wrong, wrong) != 0 && !end_is_open(at + size);
}
#endif

bool
chek_utf8_is_valid(struct chek_bytes_view text)
{
    size_t at = 0;
#ifdef __AVX2__
    if (text.size >= 8 && text.size <= 32) {
        return short_is_valid(text.bytes, text.size);
    }
    if (text.size >= 35) {
        return long_is_valid(text.bytes, text.size);
    }
#endif
    while (at < text.size) {
        if (text.size - at >= 8 && word_is_plain(chek_load_u64(text.bytes + at))) {
            at += 8;
            continue;
        }
        size_t size = sequence_size(text.bytes + at, text.size - at);
        if (size == 0) {
            return false;
        }
        at += size;
    }
    return true;
}

size_t
chek_utf8_width(struct chek_bytes_view text)
{
    size_t width = 0;
    for (size_t i = 0; i < text.size; i++) {
        width += !byte_is_tail(text.bytes[i]);
    }
    return width;
}

struct chek_bytes_view
chek_utf8_clip(struct chek_bytes_view text, size_t size_max)
{
    if (text.size <= size_max) {
        return text;
    }
    size_t size = size_max;
    while (size > 0 && byte_is_tail(text.bytes[size])) {
        size -= 1;
    }
    return chek_bytes_view_of(text.bytes, size);
}
