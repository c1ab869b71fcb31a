/* SPDX-License-Identifier: MIT */
/*
 * ffd_tlv.c - the walk over elements, numbers, and the writer.
 */
#include "ingest/ffd_tlv.h"

#define DECIMALS_MAX 18

void
chek_ffd_walk_begin(struct chek_ffd_walk *walk, struct chek_bytes_view elements)
{
    walk->in = chek_cursor_over(elements.bytes, elements.size);
    walk->place = CHEK_FFD_IN_DOCUMENT;
    walk->parent = NULL;
    walk->depth = 0;
    walk->error = CHEK_OK;
    walk->tag = 0;
    walk->at = 0;
}

bool
chek_ffd_walk_leave(struct chek_ffd_walk *walk)
{
    while (walk->in.at == walk->in.size) {
        if (walk->depth == 0) {
            return false;
        }
        walk->depth -= 1;
        walk->in.size = walk->outer[walk->depth].end;
        walk->parent = walk->outer[walk->depth].parent;
    }
    walk->place = walk->parent != NULL ? walk->parent->inside : (uint32_t)CHEK_FFD_IN_DOCUMENT;
    return true;
}

bool
chek_ffd_walk_open(struct chek_ffd_walk *walk, const struct chek_ffd_element *element)
{
    if (walk->depth + 1 == CHEK_FFD_DEPTH_MAX) {
        return chek_ffd_walk_stop(walk, CHEK_E_LIMIT, element->at, element->tag);
    }
    walk->outer[walk->depth].end = walk->in.size;
    walk->outer[walk->depth].parent = walk->parent;
    walk->depth += 1;
    walk->in.size = walk->in.at + element->value.size;
    walk->parent = element->known;
    walk->place = element->known->inside;
    return true;
}

bool
chek_ffd_walk_stop(struct chek_ffd_walk *walk, int error, size_t at, uint16_t tag)
{
    walk->error = error;
    walk->at = at;
    walk->tag = tag;
    /* Nothing is left to be given, and nothing to be left for. */
    walk->in.at = walk->in.size;
    walk->depth = 0;
    return false;
}

/* ---- numbers ---------------------------------------------------------------------------------- */

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
        value.size <= UINT16_MAX ? chek_writer_reserve(out, CHEK_FFD_HEAD_SIZE + value.size) : NULL;
    if (at == NULL) {
        out->full = true;
        return;
    }
    chek_store_u16(at, tag);
    chek_store_u16(at + 2, (uint16_t)value.size);
    if (value.size != 0) {
        memcpy(at + CHEK_FFD_HEAD_SIZE, value.bytes, value.size);
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
    size_t size = out->size - opened - CHEK_FFD_HEAD_SIZE;
    if (size > UINT16_MAX) {
        out->full = true;
        return;
    }
    chek_store_u16(out->bytes + opened + 2, (uint16_t)size);
}
