/* SPDX-License-Identifier: MIT */
/*
 * cursor.c - numbers of three bytes and more.
 *
 * Up to eight bytes are gathered from one 64-bit load without a branch on the length, which varies
 * from field to field and would mispredict; longer numbers and the end of the input take a loop.
 */
#include "engine/base/cursor.h"

static uint64_t
varint_by_byte(struct chek_cursor *in, size_t left)
{
    size_t size_max = left < CHEK_VARINT_SIZE_MAX ? left : CHEK_VARINT_SIZE_MAX;
    const uint8_t *bytes = in->bytes + in->at;
    uint64_t value = 0;
    for (size_t i = 0; i < size_max; i++) {
        value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
        if (bytes[i] < 0x80) {
            bool is_long = i > 0 && bytes[i] == 0;
            bool is_wide = i == CHEK_VARINT_SIZE_MAX - 1 && bytes[i] > 1;
            if (is_long || is_wide) {
                chek_cursor_fail(in, CHEK_E_NUMBER);
                return 0;
            }
            in->at += i + 1;
            return value;
        }
    }
    chek_cursor_fail(in, size_max == CHEK_VARINT_SIZE_MAX ? CHEK_E_NUMBER : CHEK_E_SHORT);
    return 0;
}

uint64_t
chek_cursor_varint_long(struct chek_cursor *in)
{
    size_t left = chek_cursor_left(in);
    if (CHEK_UNLIKELY(left < sizeof(uint64_t))) {
        if (left == 0) {
            chek_cursor_fail(in, CHEK_E_SHORT);
            return 0;
        }
        return varint_by_byte(in, left);
    }

    uint64_t word = chek_load_u64(in->bytes + in->at);
    uint64_t ends = ~word & 0x8080808080808080;
    if (CHEK_UNLIKELY(ends == 0)) {
        return varint_by_byte(in, left);
    }

    /* The lowest clear top bit ends the number; everything above it belongs to what follows. */
    unsigned end_bit = (unsigned)__builtin_ctzll(ends);
    uint64_t groups = word & (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f;
    if (CHEK_UNLIKELY(end_bit > 7 && groups >> (end_bit - 7) == 0)) {
        chek_cursor_fail(in, CHEK_E_NUMBER);
        return 0;
    }
    in->at += (end_bit + 1) / 8;
    return chek_varint_pack(groups);
}
