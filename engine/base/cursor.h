/* SPDX-License-Identifier: MIT */
/*
 * cursor.h - the one way to read bytes that we did not write.
 *
 * Network, files and our own disk all pass through here. A cursor fails once and stays failed:
 * every later read yields zero or NULL, so a decoder reads like its byte table and asks
 * `in.error` once at the end. `at` is the offset of the read that failed.
 */
#ifndef CHEK_BASE_CURSOR_H
#define CHEK_BASE_CURSOR_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CHEK_VARINT_SIZE_MAX 10

struct chek_cursor {
    const uint8_t *bytes;
    size_t size;
    size_t at;
    int error; /* CHEK_OK until the first failed read: SHORT or NUMBER */
};

static inline struct chek_cursor
chek_cursor_over(const void *bytes, size_t size)
{
    return (struct chek_cursor){.bytes = bytes, .size = size};
}

/* Bytes not yet read; 0 once failed. */
static inline size_t
chek_cursor_left(const struct chek_cursor *in)
{
    return in->error == CHEK_OK ? in->size - in->at : 0;
}

/* Mark the cursor failed unless it already is; the first error stays. */
static inline void
chek_cursor_fail(struct chek_cursor *in, int error)
{
    if (in->error == CHEK_OK) {
        in->error = error;
    }
}

/*
 * Take the next `size` bytes.
 *
 *   Ownership  borrows from the bytes under the cursor
 *   Errors     NULL and SHORT when fewer are left; nothing is read
 */
static inline const uint8_t *
chek_cursor_take(struct chek_cursor *in, size_t size)
{
    if (CHEK_UNLIKELY(size > chek_cursor_left(in))) {
        chek_cursor_fail(in, CHEK_E_SHORT);
        return NULL;
    }
    const uint8_t *bytes = in->bytes + in->at;
    in->at += size;
    return bytes;
}

static inline uint8_t
chek_cursor_u8(struct chek_cursor *in)
{
    const uint8_t *at = chek_cursor_take(in, 1);
    return at != NULL ? *at : 0;
}

static inline uint16_t
chek_cursor_u16(struct chek_cursor *in)
{
    const uint8_t *at = chek_cursor_take(in, 2);
    return at != NULL ? chek_load_u16(at) : 0;
}

static inline uint32_t
chek_cursor_u32(struct chek_cursor *in)
{
    const uint8_t *at = chek_cursor_take(in, 4);
    return at != NULL ? chek_load_u32(at) : 0;
}

static inline uint64_t
chek_cursor_u64(struct chek_cursor *in)
{
    const uint8_t *at = chek_cursor_take(in, 8);
    return at != NULL ? chek_load_u64(at) : 0;
}

/* Close the one-bit gaps that the continuation bits leave between groups of seven. The builtin of
 * _pext_u64(), because nearly every file includes this one and <immintrin.h> has 40,000 lines. */
static inline uint64_t
chek_varint_pack(uint64_t groups)
{
#ifdef __BMI2__
    return __builtin_ia32_pext_di(groups, 0x7f7f7f7f7f7f7f7f);
#else
    groups = (groups & 0x007f007f007f007f) | (groups & 0x7f007f007f007f00) >> 1;
    groups = (groups & 0x00003fff00003fff) | (groups & 0x3fff00003fff0000) >> 2;
    return (groups & 0x000000000fffffff) | (groups & 0x0fffffff00000000) >> 4;
#endif
}

/* The long way of chek_cursor_varint(): three bytes and more, and every failure. */
uint64_t chek_cursor_varint_long(struct chek_cursor *in);

/*
 * Read an unsigned LEB128 number.
 *
 *   Errors     SHORT when it does not end; NUMBER when it is longer than it needs to be (a zero
 *              last byte) or does not fit 64 bits: every number has exactly one form
 */
static inline uint64_t
chek_cursor_varint(struct chek_cursor *in)
{
    if (CHEK_LIKELY(in->error == CHEK_OK && in->at < in->size)) {
        const uint8_t *at = in->bytes + in->at;
        if (CHEK_LIKELY(at[0] < 0x80)) {
            in->at += 1;
            return at[0];
        }
        if (in->size - in->at > 1 && (uint8_t)(at[1] - 1) < 0x7f) {
            in->at += 2;
            return (at[0] & 0x7f) | (uint64_t)at[1] << 7;
        }
    }
    return chek_cursor_varint_long(in);
}

/* Read a zigzag-coded signed LEB128 number; errors as chek_cursor_varint(). */
static inline int64_t
chek_cursor_varint_signed(struct chek_cursor *in)
{
    uint64_t value = chek_cursor_varint(in);
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

/* Take `size` bytes as a view; an empty view once failed. */
static inline struct chek_bytes_view
chek_cursor_view(struct chek_cursor *in, size_t size)
{
    const uint8_t *at = chek_cursor_take(in, size);
    return chek_bytes_view_of(at, at != NULL ? size : 0);
}

#endif
