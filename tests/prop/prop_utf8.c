/* SPDX-License-Identifier: MIT */
/*
 * prop_utf8.c - bytes are text exactly when decoding and encoding them again gives them back.
 */
#include "engine/base/utf8.h"

#include "tests/prop/prop.h"

#define TEXT_SIZE_MAX 200

static size_t
encode(uint32_t code, uint8_t *at)
{
    if (code < 0x80) {
        at[0] = (uint8_t)code;
        return 1;
    }
    size_t size = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
    for (size_t i = size - 1; i > 0; i--) {
        at[i] = (uint8_t)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    at[0] = (uint8_t)(0xf0 << (4 - size) | code);
    return size;
}

/* Decode whatever the lead byte promises, then ask whether the shortest form looks the same. */
static bool
naive_is_valid(const uint8_t *bytes, size_t size, size_t *ret_count)
{
    size_t count = 0;
    for (size_t at = 0; at < size; count++) {
        uint8_t lead = bytes[at];
        size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
        if (length > size - at) {
            return false;
        }
        uint32_t code = length == 1 ? lead : lead & (0x7fu >> length);
        for (size_t i = 1; i < length; i++) {
            code = code << 6 | (bytes[at + i] & 0x3f);
        }
        uint8_t again[4];
        bool is_scalar = code != 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);
        if (!is_scalar || encode(code, again) != length || memcmp(again, bytes + at, length) != 0) {
            return false;
        }
        at += length;
    }
    *ret_count = count;
    return true;
}

/* Mostly text; then perhaps one byte of it becomes another. */
static size_t
text_fill(struct chek_prng *prng, uint8_t *bytes)
{
    static const uint32_t code_max[] = {0x7f, 0x7f, 0x7ff, 0xffff, 0x10ffff};
    size_t size = 0;
    size_t size_max = chek_prng_below(prng, TEXT_SIZE_MAX - 3);
    while (size < size_max) {
        uint32_t max = code_max[chek_prng_below(prng, CHEK_COUNT(code_max))];
        uint32_t code = 1 + (uint32_t)chek_prng_below(prng, max);
        if (code < 0xd800 || code > 0xdfff || chek_prng_chance(prng, 10000)) {
            size += encode(code, bytes + size);
        }
    }
    if (size > 0 && chek_prng_chance(prng, 500000)) {
        bytes[chek_prng_below(prng, size)] = (uint8_t)chek_prng_next(prng);
    }
    if (size > 0 && chek_prng_chance(prng, 300000)) { /* some of the bytes at which rules begin */
        static const uint8_t borders[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                          0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
                                          0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5};
        size_t at = chek_prng_below(prng, size);
        for (size_t i = at; i < size && i < at + 4; i++) {
            bytes[i] = borders[chek_prng_below(prng, CHEK_COUNT(borders))];
        }
    }
    return size;
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 300000);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        uint8_t bytes[TEXT_SIZE_MAX];
        struct chek_bytes_view text = chek_bytes_view_of(bytes, text_fill(&prng, bytes));
        size_t count = 0;
        bool valid = naive_is_valid(text.bytes, text.size, &count);
        PROP_CHECK(&prop, chek_utf8_is_valid(text) == valid);
        if (valid) {
            PROP_CHECK(&prop, chek_utf8_width(text) == count);
            size_t size_max = chek_prng_below(&prng, TEXT_SIZE_MAX);
            struct chek_bytes_view cut = chek_utf8_clip(text, size_max);
            PROP_CHECK(&prop, cut.size <= size_max && chek_utf8_is_valid(cut));
            PROP_CHECK(&prop, cut.size == text.size || cut.size + 4 > size_max);
        }
    }
    return 0;
}
