/* SPDX-License-Identifier: MIT */
/* code_frame.c - loops over codes, one a width so that the compiler makes vectors of them. */
#include "engine/store/code_frame.h"

static void
decode_bytes_1(const uint8_t *bytes, uint64_t base, uint32_t count, int64_t *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (int64_t)(base + bytes[i]);
    }
}

static void
decode_bytes_2(const uint8_t *bytes, uint64_t base, uint32_t count, int64_t *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (int64_t)(base + chek_load_u16(bytes + (size_t)i * 2));
    }
}

static void
decode_bytes_4(const uint8_t *bytes, uint64_t base, uint32_t count, int64_t *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (int64_t)(base + chek_load_u32(bytes + (size_t)i * 4));
    }
}

static void
decode_bytes(const uint8_t *bytes, uint64_t base, uint32_t size, uint32_t count, int64_t *ret)
{
    uint64_t mask = UINT64_MAX >> (64 - 8 * size);
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (int64_t)(base + (chek_load_u64(bytes + (size_t)i * size) & mask));
    }
}

/* Codes of 1, 2 or 4 bits, a word of them at a time: the shifts of a word become vectors. */
static void
decode_bits(const struct store__frame *frame, uint64_t base, uint32_t from, uint32_t count,
            int64_t *ret)
{
    uint64_t mask = (UINT64_C(1) << frame->width) - 1;
    uint32_t codes_a_word = 64 / frame->width;
    while (count != 0) {
        uint32_t skipped = from % codes_a_word;
        uint32_t part = codes_a_word - skipped < count ? codes_a_word - skipped : count;
        uint64_t word = chek_load_u64(frame->bytes + (size_t)(from / codes_a_word) * 8);
        word >>= skipped * frame->width;
        for (uint32_t i = 0; i < part; i++) {
            ret[i] = (int64_t)(base + (word >> (i * frame->width) & mask));
        }
        from += part;
        count -= part;
        ret += part;
    }
}

static void
decode_codes(const struct store__frame *frame, uint32_t from, uint32_t count, int64_t *ret)
{
    const uint8_t *at = frame->bytes + (size_t)from * (frame->width / 8);
    uint64_t base = frame->scale == 1 ? frame->base : 0;
    switch (frame->width) {
    case 8:
        decode_bytes_1(at, base, count, ret);
        return;
    case 16:
        decode_bytes_2(at, base, count, ret);
        return;
    case 32:
        decode_bytes_4(at, base, count, ret);
        return;
    case 24:
    case 40:
    case 48:
    case 56:
    case 64:
        decode_bytes(at, base, frame->width / 8, count, ret);
        return;
    case 0:
        for (uint32_t i = 0; i < count; i++) {
            ret[i] = (int64_t)base;
        }
        return;
    default:
        decode_bits(frame, base, from, count, ret);
        return;
    }
}

void
store__frame_decode(const struct store__frame *frame, uint32_t from, uint32_t count, int64_t *ret)
{
    decode_codes(frame, from, count, ret);
    if (frame->scale == 1) {
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (int64_t)(frame->base + frame->scale * (uint64_t)ret[i]);
    }
}

uint32_t
store__frame_width(uint64_t code_max)
{
    if (code_max == 0) {
        return 0;
    }
    uint32_t bits = 64 - (uint32_t)__builtin_clzll(code_max);
    if (bits <= 2) {
        return bits;
    }
    return bits <= 4 ? 4 : (bits + 7) / 8 * 8;
}

static void
encode_bits(const struct store__frame *frame, const int64_t *values, uint32_t count, uint8_t *out)
{
    struct store__exact by = store__exact_of(frame->scale);
    memset(out, 0, (size_t)store__frame_size(count, frame->width));
    for (uint32_t i = 0; i < count; i++) {
        uint64_t code = store__exact_divide(&by, (uint64_t)values[i] - frame->base);
        size_t bit = (size_t)i * frame->width;
        out[bit / 8] = (uint8_t)(out[bit / 8] | code << (bit % 8));
    }
}

/* Each store writes eight bytes and the next one overwrites what is too much. */
static void
encode_bytes(const struct store__frame *frame, const int64_t *values, uint32_t count, uint8_t *out)
{
    uint32_t size = frame->width / 8;
    if (frame->scale == 1) {
        for (uint32_t i = 0; i < count; i++, out += size) {
            chek_store_u64(out, (uint64_t)values[i] - frame->base);
        }
        return;
    }
    struct store__exact by = store__exact_of(frame->scale);
    for (uint32_t i = 0; i < count; i++, out += size) {
        chek_store_u64(out, store__exact_divide(&by, (uint64_t)values[i] - frame->base));
    }
}

size_t
store__frame_encode(const struct store__frame *frame, const int64_t *values, uint32_t count,
                    uint8_t *out)
{
    if (frame->width >= 8) {
        encode_bytes(frame, values, count, out);
    } else if (frame->width != 0) {
        encode_bits(frame, values, count, out);
    }
    return (size_t)store__frame_size(count, frame->width);
}
