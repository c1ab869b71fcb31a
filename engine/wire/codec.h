/* SPDX-License-Identifier: MIT */
/*
 * codec.h - the steps that the generated codec is made of (of this room only).
 *
 * A decoder walks with a plain pointer that lives in a register; a step answers how many bytes it
 * took, or a NULL pointer, and everything about a failure is worked out afterwards in codec.c,
 * from the place where it happened. So the way through a good record has no bookkeeping at all.
 * The rules are those of cursor.h: never past the end, one form for each number.
 */
#ifndef CHEK_WIRE_CODEC_H
#define CHEK_WIRE_CODEC_H

#include "engine/base/arena.h"
#include "engine/base/cursor.h"
#include "engine/base/limits.h"
#include "engine/base/utf8.h"
#include "engine/base/writer.h"
#include "engine/wire/fault.h"

/* One decode call. */
struct wire__decoding {
    const uint8_t *bytes; /* where `fault.at` counts from */
    const uint8_t *begin; /* the record */
    const uint8_t *end;
    struct chek_arena *arena;
    size_t arena_mark; /* what a failure goes back to */
    struct chek_fault fault;
    bool indexed; /* fault.index is set: outer lists leave it alone */
};

/* Note a failure at `at`; NULL, so that a decoder can return it. */
const uint8_t *wire__fail(struct wire__decoding *decoding, const uint8_t *at, int code,
                          uint16_t field);

/* The number at `at` failed: it ends too late (SHORT), has a long form (NUMBER), or is above its
 * maximum (`code_above`). */
const uint8_t *wire__fail_number(struct wire__decoding *decoding, const uint8_t *at, int code_above,
                                 uint16_t field);

/* The text or bytes at `at` failed: their size (as a number, LIMIT above `size_max`), their end
 * (SHORT), or their content (TEXT). */
const uint8_t *wire__fail_view(struct wire__decoding *decoding, const uint8_t *at, size_t size_max,
                               uint16_t field);

/* The list at `at` failed: its count (LIMIT above `count_max`), or `element_size_min` times the
 * count is more than what is left (SHORT), or the arena is exhausted (LIMIT). */
const uint8_t *wire__fail_list(struct wire__decoding *decoding, const uint8_t *at,
                               uint64_t count_max, size_t element_size_min, uint16_t field);

/* The mask has a bit that is not in `known` (FIELD_UNKNOWN), or lacks one of `required`
 * (FIELD_MISSING); the lowest of them is named. `field_0` is the record's. */
const uint8_t *wire__fail_mask(struct wire__decoding *decoding, const uint8_t *at, uint32_t present,
                               uint32_t known, uint32_t required, uint16_t field_0);

/* An element of a list failed; name its place unless an inner list did. NULL. */
const uint8_t *wire__fail_in_list(struct wire__decoding *decoding, uint32_t index);

/* Start at the bytes that are left under `in`; `arena` may be NULL for a flat record. */
struct wire__decoding wire__decoding_begin(const struct chek_cursor *in, struct chek_arena *arena);

/*
 * End a decode call: move the cursor to `at`, or, when that is NULL, fail the cursor where the
 * record failed, give the arena back what was taken and tell `fault` (which may be NULL).
 * Returns the error.
 */
CHEK_MUST_USE int wire__decoding_end(struct wire__decoding *decoding, struct chek_cursor *in,
                                     const uint8_t *at, struct chek_fault *fault);

/* Say in `fault` that the cursor had failed before; returns its error. */
CHEK_MUST_USE int wire__failed_before(const struct chek_cursor *in, struct chek_fault *fault);

/* Take room for `count` elements; NULL when the arena is exhausted. */
static inline void *
wire__take(struct wire__decoding *decoding, size_t element_size, uint64_t count)
{
    return chek_arena_take(decoding->arena, element_size * (size_t)count);
}

static inline size_t
wire__left(const struct wire__decoding *decoding, const uint8_t *at)
{
    return (size_t)(decoding->end - at);
}

/*
 * Zero a record of constant size.
 *
 * For 64 to 400 bytes compilers choose `rep stos`, whose start costs more than all the stores.
 * The empty asm keeps them from seeing a memset in the loop.
 */
__attribute__((always_inline)) static inline void
wire__clear(void *record, size_t size)
{
    typedef uint64_t chunk __attribute__((vector_size(32), aligned(1), may_alias));
    uint8_t *at = record;
    for (; size >= sizeof(chunk); size -= sizeof(chunk)) {
        *(chunk *)(void *)at = (chunk){0};
        at += sizeof(chunk);
        __asm__("" : "+r"(at));
    }
    memset(at, 0, size);
}

/* A number that was read, and how many bytes it has; 0 bytes when it is not a number. */
struct wire__number {
    uint64_t value;
    size_t size;
};

struct wire__number wire__number_by_byte(const uint8_t *at, const uint8_t *end);

/*
 * Read a LEB128 number.
 *
 * Up to eight bytes come out of one load without a branch on the size, as in cursor.c. The answer
 * is a pair of registers: an address would send the value through memory.
 */
__attribute__((always_inline)) static inline struct wire__number
wire__number(const uint8_t *at, const uint8_t *end)
{
    if (CHEK_UNLIKELY(end - at < 8)) {
        return wire__number_by_byte(at, end);
    }
    uint64_t word = chek_load_u64(at);
    uint64_t ends = ~word & 0x8080808080808080;
    if (CHEK_UNLIKELY(ends == 0)) {
        return wire__number_by_byte(at, end);
    }
    unsigned end_bit = (unsigned)__builtin_ctzll(ends);
    uint64_t groups = word & (ends ^ (ends - 1)) & 0x7f7f7f7f7f7f7f7f;
    if (CHEK_UNLIKELY(end_bit > 7 && groups >> (end_bit - 7) == 0)) {
        return (struct wire__number){0};
    }
    return (struct wire__number){.value = chek_varint_pack(groups), .size = (end_bit + 1) / 8};
}

/* Read a size or a count: nearly always one byte, so the branch is predicted. */
__attribute__((always_inline)) static inline struct wire__number
wire__small_number(const uint8_t *at, const uint8_t *end)
{
    if (CHEK_LIKELY(at < end && *at < 0x80)) {
        return (struct wire__number){.value = *at, .size = 1};
    }
    return wire__number(at, end);
}

/*
 * Take a size and so many bytes; NULL when the size or the end is wrong, else what is behind.
 *
 *   Ownership  *ret borrows the input
 */
__attribute__((always_inline)) static inline const uint8_t *
wire__view(const uint8_t *at, const uint8_t *end, size_t size_max, struct chek_bytes_view *ret)
{
    struct wire__number size = wire__small_number(at, end);
    if (CHEK_UNLIKELY(size.size == 0 || size.value > size_max ||
                      size.value > (size_t)(end - at) - size.size)) {
        return NULL;
    }
    *ret = chek_bytes_view_of(at + size.size, (size_t)size.value);
    return at + size.size + size.value;
}

/* As wire__view(), and the bytes are text. Codes and names are short and ASCII: one word tells. */
__attribute__((always_inline)) static inline const uint8_t *
wire__text(const uint8_t *at, const uint8_t *end, size_t size_max, struct chek_bytes_view *ret)
{
    at = wire__view(at, end, size_max, ret);
    if (CHEK_UNLIKELY(at == NULL)) {
        return NULL;
    }
    if (ret->size <= 8 && end - ret->bytes >= 8) {
        /* Bytes behind the text count as a harmless 0x01. */
        uint64_t ones = 0x0101010101010101;
        uint64_t beyond = ret->size == 8 ? 0 : UINT64_MAX << (8 * ret->size);
        uint64_t word = (chek_load_u64(ret->bytes) & ~beyond) | (ones & beyond);
        if (CHEK_LIKELY(((word | (word - ones)) & (ones << 7)) == 0)) {
            return at;
        }
    }
    return CHEK_LIKELY(chek_utf8_is_valid(*ret)) ? at : NULL;
}

static inline int64_t
wire__unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

static inline void
wire__write_view(struct chek_writer *out, struct chek_bytes_view view)
{
    chek_writer_varint(out, view.size);
    chek_writer_view(out, view);
}

static inline void
wire__write_wide(struct chek_writer *out, chek_i128 value)
{
    chek_writer_u64(out, (uint64_t)(chek_u128)value);
    chek_writer_u64(out, (uint64_t)((chek_u128)value >> 64));
}

static inline chek_i128
wire__load_wide(const uint8_t *at)
{
    return (chek_i128)((chek_u128)chek_load_u64(at + 8) << 64 | chek_load_u64(at));
}

bool wire__is_zero_id(const uint8_t id[16]);

#endif
