/* SPDX-License-Identifier: MIT */
/*
 * ffd_tlv.h - the elements of Russian fiscal documents: read from bytes that nobody vouches for,
 * and written.
 *
 * An element is a tag (u16), a size (u16) and that many bytes; some hold elements. A walk gives
 * every element of a document, those inside of others right behind them, each checked against the
 * bounds of its parent and against the table of tags; it takes no memory.
 *
 *   Source   ingest/FFD.md F1..F12
 *   Threads  any thread
 */
#ifndef CHEK_INGEST_FFD_TLV_H
#define CHEK_INGEST_FFD_TLV_H

#include "engine/base/arena.h"
#include "engine/base/cursor.h"
#include "engine/base/writer.h"
#include "ingest/ffd_tag.h"

#define CHEK_FFD_DEPTH_MAX 8 /* documents are four deep */
#define CHEK_FFD_HEAD_SIZE 4 /* of an element */

struct chek_ffd_element {
    const struct chek_ffd_tag *known;  /* NULL: the tag is unknown, or stands where it may not */
    const struct chek_ffd_tag *parent; /* NULL: the document */
    struct chek_bytes_view value;
    size_t at; /* of its first byte in the walked bytes */
    uint16_t tag;
    uint16_t depth; /* 0: of the document itself */
};

struct chek_ffd_walk {
    struct chek_cursor in;             /* its end is that of what is open last */
    uint32_t place;                    /* that the elements which come are in */
    const struct chek_ffd_tag *parent; /* of what is open last; NULL: the document */
    uint16_t depth;
    int error;    /* why the walk ended; CHEK_OK: it came to the end */
    uint16_t tag; /* of the element that ended it, 0: its head is cut */
    size_t at;
    struct {
        const struct chek_ffd_tag *parent;
        size_t end;
    } outer[CHEK_FFD_DEPTH_MAX]; /* what those that are open stand in */
};

/* Begin a walk of a document's elements (without the document's own head). Borrows the bytes. */
void chek_ffd_walk_begin(struct chek_ffd_walk *walk, struct chek_bytes_view elements);

/* The long ways of chek_ffd_walk_next(): leave what has ended (false: that is the document); open
 * what an element holds (false: too deep); end the walk with an error (false). */
bool chek_ffd_walk_leave(struct chek_ffd_walk *walk);
bool chek_ffd_walk_open(struct chek_ffd_walk *walk, const struct chek_ffd_element *element);
bool chek_ffd_walk_stop(struct chek_ffd_walk *walk, int error, size_t at, uint16_t tag);

/*
 * Give the next element.
 *
 *   Returns    false at the end and at the first error:
 *              SHORT  it ends behind its parent
 *              LIMIT  its value is longer than the tag's may be, or it is nested too deep
 *              RANGE  its size is none of its type's
 */
static inline bool
chek_ffd_walk_next(struct chek_ffd_walk *walk, struct chek_ffd_element *ret)
{
    struct chek_cursor *in = &walk->in;
    if (in->at == in->size && !chek_ffd_walk_leave(walk)) {
        return false;
    }
    size_t at = in->at;
    const uint8_t *head = chek_cursor_take(in, CHEK_FFD_HEAD_SIZE);
    if (CHEK_UNLIKELY(head == NULL)) {
        return chek_ffd_walk_stop(walk, CHEK_E_SHORT, at, 0);
    }
    struct chek_ffd_element element = {
        .parent = walk->parent, .at = at, .tag = chek_load_u16(head), .depth = walk->depth};
    size_t size = chek_load_u16(head + 2);
    element.known = chek_ffd_tag_at(element.tag, walk->place);
    if (CHEK_UNLIKELY(size > chek_cursor_left(in))) {
        return chek_ffd_walk_stop(walk, CHEK_E_SHORT, at, element.tag);
    }
    element.value = chek_bytes_view_of(head + CHEK_FFD_HEAD_SIZE, size);
    if (element.known != NULL) {
        if (CHEK_UNLIKELY(size > element.known->size_max || size < element.known->size_min)) {
            return chek_ffd_walk_stop(walk,
                                      size > element.known->size_max ? CHEK_E_LIMIT : CHEK_E_RANGE,
                                      at, element.tag);
        }
        if (element.known->type == CHEK_FFD_NESTED) {
            *ret = element;
            return chek_ffd_walk_open(walk, ret);
        }
    }
    (void)chek_cursor_take(in, size);
    *ret = element;
    return true;
}

/* ---- values ----------------------------------------------------------------------------------- */

/* A number of 0..8 bytes, the lowest first; zeros behind it are its padding. Errors: LIMIT. */
CHEK_MUST_USE static inline int
chek_ffd_vln_read(struct chek_bytes_view value, uint64_t *ret)
{
    uint64_t number = 0;
    if (CHEK_UNLIKELY(value.size > sizeof number)) {
        return CHEK_E_LIMIT;
    }
    if (value.size >= 4) {
        /* Two halves that may overlap. */
        uint64_t high = chek_load_u32(value.bytes + value.size - 4);
        number = chek_load_u32(value.bytes) | high << (8 * (value.size - 4));
    } else {
        for (size_t i = 0; i < value.size; i++) {
            number |= (uint64_t)value.bytes[i] << (8 * i);
        }
    }
    *ret = number;
    return CHEK_OK;
}

/* A count of decimals and a VLN. Errors: SHORT when it is empty; LIMIT; RANGE: more than 18
 * decimals. */
CHEK_MUST_USE int chek_ffd_fvln_read(struct chek_bytes_view value, uint64_t *ret,
                                     unsigned *ret_decimals);

/*
 * CP866 to UTF-8, without the spaces and NULs that pad it at its ends.
 *
 *   Ownership  *ret is the arena's
 *   Errors     LIMIT: the arena is exhausted; TEXT: a NUL is inside
 */
CHEK_MUST_USE int chek_ffd_text_read(struct chek_bytes_view value, struct chek_arena *arena,
                                     struct chek_bytes_view *ret);

/* ---- writing ---------------------------------------------------------------------------------- */

/* Elements behind what is written; out->full tells at the end when they did not fit. */
void chek_ffd_put_bytes(struct chek_writer *out, uint16_t tag, struct chek_bytes_view value);
void chek_ffd_put_u8(struct chek_writer *out, uint16_t tag, uint8_t value);
void chek_ffd_put_u32(struct chek_writer *out, uint16_t tag, uint32_t value);
/* In its shortest form, a zero as one byte. */
void chek_ffd_put_vln(struct chek_writer *out, uint16_t tag, uint64_t value);
void chek_ffd_put_fvln(struct chek_writer *out, uint16_t tag, uint64_t value, uint8_t decimals);

/* UTF-8 as CP866, filled with spaces up to `width`. Errors: TEXT: it has no such letter, or is no
 * UTF-8; nothing is written. */
CHEK_MUST_USE int chek_ffd_put_text(struct chek_writer *out, uint16_t tag,
                                    struct chek_bytes_view text, size_t width);

/* Open an element that holds others; close it with what opening gave. A document is one. Closing
 * one of more than 65,535 bytes makes the writer full. */
CHEK_MUST_USE size_t chek_ffd_open(struct chek_writer *out, uint16_t tag);
void chek_ffd_close(struct chek_writer *out, size_t opened);

#endif
