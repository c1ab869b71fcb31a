/* SPDX-License-Identifier: MIT */
/*
 * utf8.c - well-formed byte sequences, by the table of RFC 3629 section 4.
 */
#include "engine/base/utf8.h"

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

bool
chek_utf8_is_valid(struct chek_bytes_view text)
{
    size_t at = 0;
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
