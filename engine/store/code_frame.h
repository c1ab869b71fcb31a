/* SPDX-License-Identifier: MIT */
/*
 * code_frame.h - base + scale * code, with codes of equally many bits (of this room only).
 *
 * Widths are 0 (no codes: all values are the base), 1, 2, 4 and whole bytes up to 64 bits. Codes
 * of less than a byte start at its low bits.
 */
#ifndef CHEK_STORE_CODE_FRAME_H
#define CHEK_STORE_CODE_FRAME_H

#include "engine/base/bytes.h"

struct store__frame {
    const uint8_t *bytes; /* and STORE__PAGE_SLACK more that may be read */
    uint64_t base, scale;
    uint32_t width; /* bits */
};

/*
 * Division by a number that leaves no rest: a shift and a multiplication by the inverse of what is
 * odd of it, modulo 2^64 (Warren, Hacker's Delight, "Exact Division by Constants").
 */
struct store__exact {
    uint64_t inverse;
    uint64_t quotient_max; /* of what is divided by the odd part without a rest */
    uint32_t shift;
};

static inline struct store__exact
store__exact_of(uint64_t divisor)
{
    uint32_t shift = (uint32_t)__builtin_ctzll(divisor);
    uint64_t odd = divisor >> shift;
    uint64_t inverse = odd * 3 ^ 2; /* five bits are right; each step doubles them */
    for (uint32_t bits = 5; bits < 64; bits *= 2) {
        inverse *= 2 - odd * inverse;
    }
    return (struct store__exact){inverse, UINT64_MAX / odd, shift};
}

static inline uint64_t
store__exact_divide(const struct store__exact *by, uint64_t value)
{
    return (value >> by->shift) * by->inverse;
}

static inline bool
store__exact_divides(const struct store__exact *by, uint64_t value)
{
    bool even = (value & ((UINT64_C(1) << by->shift) - 1)) == 0;
    return even && store__exact_divide(by, value) <= by->quotient_max;
}

static inline uint64_t
store__frame_size(uint64_t count, uint32_t width)
{
    return (count * width + 7) / 8;
}

static inline uint64_t
store__frame_code(const struct store__frame *frame, uint32_t index)
{
    if (frame->width >= 8) {
        uint64_t word = chek_load_u64(frame->bytes + (size_t)index * (frame->width / 8));
        return word & UINT64_MAX >> (64 - frame->width);
    }
    if (frame->width == 0) {
        return 0;
    }
    size_t bit = (size_t)index * frame->width;
    return (uint32_t)frame->bytes[bit / 8] >> (bit % 8) & ((1u << frame->width) - 1);
}

static inline uint64_t
store__frame_value(const struct store__frame *frame, uint32_t index)
{
    return frame->base + frame->scale * store__frame_code(frame, index);
}

/* Decode values from..from+count-1. */
void store__frame_decode(const struct store__frame *frame, uint32_t from, uint32_t count,
                         int64_t *ret);

/* Narrowest width for codes up to `code_max`. */
uint32_t store__frame_width(uint64_t code_max);

/* Write the codes of values that are base + scale * code; returns the bytes written. */
size_t store__frame_encode(const struct store__frame *frame, const int64_t *values, uint32_t count,
                           uint8_t *out);

#endif
