/* SPDX-License-Identifier: MIT */
/*
 * ffd_tlv.c - the walk over elements, numbers, and the writer.
 */
#include "ingest/ffd_tlv.h"

#define HEAD_SIZE 4
#define DECIMALS_MAX 18

void
chek_ffd_walk_begin(struct chek_ffd_walk *walk, struct chek_bytes_view elements)
{
    *walk = (struct chek_ffd_walk){.in = chek_cursor_over(elements.bytes, elements.size)};
    walk->ends[0] = elements.size;
}

static bool
walk_end(struct chek_ffd_walk *walk, int error, size_t at, uint16_t tag)
{
    walk->error = error;
    walk->at = at;
    walk->tag = tag;
    chek_cursor_fail(&walk->in, error);
    return false;
}

/* Whether so many bytes can be a value of the tag. */
static int
size_check(const struct chek_ffd_tag *known, size_t size)
{
    if (size > known->size_max) {
        return CHEK_E_LIMIT;
    }
    switch (known->type) {
    case CHEK_FFD_BYTE:
        return size == 1 ? CHEK_OK : CHEK_E_RANGE;
    case CHEK_FFD_U32:
    case CHEK_FFD_TIME:
        return size == 4 ? CHEK_OK : CHEK_E_RANGE;
    case CHEK_FFD_UINT:
    case CHEK_FFD_FVLN:
        return size != 0 ? CHEK_OK : CHEK_E_RANGE;
    default:
        return CHEK_OK;
    }
}

/* What is known of a tag at this place. */
static const struct chek_ffd_tag *
known_at(uint16_t tag, const struct chek_ffd_tag *parent)
{
    const struct chek_ffd_tag *known = chek_ffd_tag_find(tag);
    uint32_t place = parent != NULL ? parent->inside : CHEK_FFD_IN_DOCUMENT;
    return known != NULL && (known->places & place) != 0 ? known : NULL;
}

bool
chek_ffd_walk_next(struct chek_ffd_walk *walk, struct chek_ffd_element *ret)
{
    struct chek_cursor *in = &walk->in;
    if (walk->error != CHEK_OK) {
        return false;
    }
    while (in->at == walk->ends[walk->depth]) {
        if (walk->depth == 0) {
            return false;
        }
        walk->depth -= 1;
    }
    size_t at = in->at;
    size_t left = walk->ends[walk->depth] - at;
    if (left < HEAD_SIZE) {
        return walk_end(walk, CHEK_E_SHORT, at, 0);
    }
    uint16_t tag = chek_cursor_u16(in);
    uint16_t size = chek_cursor_u16(in);
    if (size > left - HEAD_SIZE) {
        return walk_end(walk, CHEK_E_SHORT, at, tag);
    }
    const struct chek_ffd_tag *parent = walk->parents[walk->depth];
    struct chek_ffd_element element = {.known = known_at(tag, parent),
                                       .parent = parent,
                                       .value = chek_bytes_view_of(in->bytes + in->at, size),
                                       .at = at,
                                       .tag = tag,
                                       .depth = walk->depth};
    int error = element.known != NULL ? size_check(element.known, size) : CHEK_OK;
    if (error != CHEK_OK) {
        return walk_end(walk, error, at, tag);
    }
    if (element.known == NULL || element.known->type != CHEK_FFD_NESTED) {
        (void)chek_cursor_take(in, size);
    } else if (walk->depth + 1 == CHEK_FFD_DEPTH_MAX) {
        return walk_end(walk, CHEK_E_LIMIT, at, tag);
    } else {
        walk->depth += 1;
        walk->parents[walk->depth] = element.known;
        walk->ends[walk->depth] = in->at + size;
    }
    *ret = element;
    return true;
}

/* ---- numbers ---------------------------------------------------------------------------------- */

int
chek_ffd_vln_read(struct chek_bytes_view value, uint64_t *ret)
{
    uint64_t number = 0;
    if (value.size > sizeof number) {
        return CHEK_E_LIMIT;
    }
    for (size_t i = 0; i < value.size; i++) {
        number |= (uint64_t)value.bytes[i] << (8 * i);
    }
    *ret = number;
    return CHEK_OK;
}

int
chek_ffd_fvln_read(struct chek_bytes_view value, uint64_t *ret, unsigned *ret_decimals)
{
    uint64_t number;
    if (value.size == 0) {
        return CHEK_E_SHORT;
    }
    if (value.bytes[0] > DECIMALS_MAX) {
        return CHEK_E_RANGE;
    }
    int error = chek_ffd_vln_read(chek_bytes_view_of(value.bytes + 1, value.size - 1), &number);
    if (error == CHEK_OK) {
        *ret = number;
        *ret_decimals = value.bytes[0];
    }
    return error;
}

/* ---- writing ---------------------------------------------------------------------------------- */

void
chek_ffd_put_bytes(struct chek_writer *out, uint16_t tag, struct chek_bytes_view value)
{
    uint8_t *at =
        value.size <= UINT16_MAX ? chek_writer_reserve(out, HEAD_SIZE + value.size) : NULL;
    if (at == NULL) {
        out->full = true;
        return;
    }
    chek_store_u16(at, tag);
    chek_store_u16(at + 2, (uint16_t)value.size);
    if (value.size != 0) {
        memcpy(at + HEAD_SIZE, value.bytes, value.size);
    }
}

void
chek_ffd_put_u8(struct chek_writer *out, uint16_t tag, uint8_t value)
{
    chek_ffd_put_bytes(out, tag, chek_bytes_view_of(&value, sizeof value));
}

void
chek_ffd_put_u32(struct chek_writer *out, uint16_t tag, uint32_t value)
{
    uint8_t bytes[4];
    chek_store_u32(bytes, value);
    chek_ffd_put_bytes(out, tag, chek_bytes_view_of(bytes, sizeof bytes));
}

/* Bytes of a number in its shortest form, at least one. */
static size_t
vln_size(uint64_t value)
{
    size_t size = 1;
    while (size < sizeof value && value >> (8 * size) != 0) {
        size += 1;
    }
    return size;
}

void
chek_ffd_put_vln(struct chek_writer *out, uint16_t tag, uint64_t value)
{
    uint8_t bytes[8];
    chek_store_u64(bytes, value);
    chek_ffd_put_bytes(out, tag, chek_bytes_view_of(bytes, vln_size(value)));
}

void
chek_ffd_put_fvln(struct chek_writer *out, uint16_t tag, uint64_t value, uint8_t decimals)
{
    uint8_t bytes[9] = {decimals};
    chek_store_u64(bytes + 1, value);
    chek_ffd_put_bytes(out, tag, chek_bytes_view_of(bytes, 1 + vln_size(value)));
}

size_t
chek_ffd_open(struct chek_writer *out, uint16_t tag)
{
    size_t opened = out->size;
    chek_ffd_put_bytes(out, tag, chek_bytes_view_of(NULL, 0));
    return opened;
}

void
chek_ffd_close(struct chek_writer *out, size_t opened)
{
    if (out->full) {
        return;
    }
    size_t size = out->size - opened - HEAD_SIZE;
    if (size > UINT16_MAX) {
        out->full = true;
        return;
    }
    chek_store_u16(out->bytes + opened + 2, (uint16_t)size);
}
