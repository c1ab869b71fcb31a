/* SPDX-License-Identifier: MIT */
/*
 * writer.h - append bytes to a buffer of fixed capacity.
 *
 * The mirror of cursor.h: a writer that ran out of room stays full, later writes do nothing, and
 * the caller asks `out.full` once at the end.
 */
#ifndef CHEK_BASE_WRITER_H
#define CHEK_BASE_WRITER_H

#include "engine/base/bytes.h"

struct chek_writer {
    uint8_t *bytes;
    size_t capacity; /* bytes */
    size_t size;     /* written so far */
    bool full;       /* a write did not fit; `size` is what fitted before it */
    uint32_t keep;   /* all bits: encoders write fields that were there as zero, so that what was
                      * decoded becomes the same bytes; 0: they leave them away */
};

static inline struct chek_writer
chek_writer_over(void *bytes, size_t capacity)
{
    return (struct chek_writer){.bytes = bytes, .capacity = capacity};
}

/* Reserve `size` bytes and return their place; NULL and full when they do not fit. */
static inline uint8_t *
chek_writer_reserve(struct chek_writer *out, size_t size)
{
    if (CHEK_UNLIKELY(out->full || size > out->capacity - out->size)) {
        out->full = true;
        return NULL;
    }
    uint8_t *at = out->bytes + out->size;
    out->size += size;
    return at;
}

static inline void
chek_writer_bytes(struct chek_writer *out, const void *bytes, size_t size)
{
    uint8_t *at = chek_writer_reserve(out, size);
    if (at != NULL && size != 0) {
        memcpy(at, bytes, size);
    }
}

static inline void
chek_writer_view(struct chek_writer *out, struct chek_bytes_view view)
{
    chek_writer_bytes(out, view.bytes, view.size);
}

static inline void
chek_writer_u8(struct chek_writer *out, uint8_t value)
{
    uint8_t *at = chek_writer_reserve(out, 1);
    if (at != NULL) {
        *at = value;
    }
}

static inline void
chek_writer_u16(struct chek_writer *out, uint16_t value)
{
    chek_writer_bytes(out, &value, sizeof value);
}

static inline void
chek_writer_u32(struct chek_writer *out, uint32_t value)
{
    chek_writer_bytes(out, &value, sizeof value);
}

static inline void
chek_writer_u64(struct chek_writer *out, uint64_t value)
{
    chek_writer_bytes(out, &value, sizeof value);
}

/* Write an unsigned LEB128 number in its shortest form (1..10 bytes). */
static inline void
chek_writer_varint(struct chek_writer *out, uint64_t value)
{
    uint8_t text[10];
    size_t size = 0;
    while (value >= 0x80) {
        text[size++] = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    text[size++] = (uint8_t)value;
    chek_writer_bytes(out, text, size);
}

/* Write a signed number as zigzag LEB128. */
static inline void
chek_writer_varint_signed(struct chek_writer *out, int64_t value)
{
    chek_writer_varint(out, ((uint64_t)value << 1) ^ (uint64_t)(value >> 63));
}

#endif
