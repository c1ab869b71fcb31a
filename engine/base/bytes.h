/* SPDX-License-Identifier: MIT */
/*
 * bytes.h - a borrowed run of bytes, and little-endian numbers in memory.
 *
 * Every format of the project is little-endian. The loads and stores are plain moves on the
 * machines we run on; they exist so that no structure is ever laid over bytes.
 */
#ifndef CHEK_BASE_BYTES_H
#define CHEK_BASE_BYTES_H

#include <string.h>

#include "engine/base/attribute.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "chek runs on little-endian machines");

/* Bytes that belong to somebody else. */
struct chek_bytes_view {
    const uint8_t *bytes; /* may be NULL when size is 0 */
    size_t size;
};

static inline struct chek_bytes_view
chek_bytes_view_of(const void *bytes, size_t size)
{
    return (struct chek_bytes_view){.bytes = bytes, .size = size};
}

/* The bytes of a C string without its NUL. */
static inline struct chek_bytes_view
chek_bytes_view_text(const char *text)
{
    return chek_bytes_view_of(text, strlen(text));
}

static inline bool
chek_bytes_view_equal(struct chek_bytes_view a, struct chek_bytes_view b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.bytes, b.bytes, a.size) == 0);
}

static inline uint16_t
chek_load_u16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint32_t
chek_load_u32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline uint64_t
chek_load_u64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

static inline void
chek_store_u16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void
chek_store_u32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}

static inline void
chek_store_u64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}

#endif
