/* SPDX-License-Identifier: MIT */
/*
 * image.h - what a snapshot keeps of a store beside its segments (of this room only).
 *
 * An image is: a head, the segments it belongs to with their replaced rows, the dictionaries of
 * what is in them, the open rows, a sum over all of it (README.md "Image" has the byte tables).
 */
#ifndef CHEK_STORE_IMAGE_H
#define CHEK_STORE_IMAGE_H

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/store/set.h"

#define STORE__IMAGE_MAGIC UINT64_C(0x0a474d494b454843) /* "CHEKIMG\n" */
#define STORE__IMAGE_VERSION 3

#define STORE__IMAGE_ROW_SIZE 40 /* of an open row, beside its document and its cell */

/* Which piece of an image comes next. */
enum store__image_part {
    STORE__IMAGE_HEAD,
    STORE__IMAGE_SEGMENTS,
    STORE__IMAGE_DICTIONARIES,
    STORE__IMAGE_TEXTS, /* of a dictionary */
    STORE__IMAGE_SETS,
    STORE__IMAGE_ROWS,  /* of a set */
    STORE__IMAGE_BYTES, /* of a row */
    STORE__IMAGE_SUM,
};

/* A row that was replaced since the moment of the image. */
struct store__image_undo {
    const uint64_t *bits; /* of its segment or set */
    uint32_t row;
};

/* An image that is being written: what the store was at its moment, and how far it is. Segments,
 * published texts and the chain change by adopting only, which waits. */
struct store__image {
    const struct chek_store *store;
    uint64_t history_hash, row_count, line_count;
    uint32_t set_count;
    uint32_t newest_row_count; /* of the newest set of these */
    struct store__image_undo *undos;
    uint32_t undo_count, undo_count_max;
    /* The place. */
    enum store__image_part part;
    uint32_t index;   /* of a segment, a dictionary or a set */
    uint32_t at;      /* text of the dictionary, row of the set */
    uint32_t byte_at; /* of the row */
    const struct store__set *set;
    struct chek_checksum_stream sum; /* of all so far */
};

/* Begin an image of what the store is now, at its first byte. */
void store__image_start(struct store__image *image, const struct chek_store *store);

/* Write on for about as long as copying `work` bytes takes; true when the image is whole. */
bool store__image_run(struct store__image *image, size_t work, struct chek_writer *out);

/* A row is being replaced: the image that is being written is to be without it. */
void store__image_note(struct store__image *image, const uint64_t *bits, uint32_t row);

/* Have room to note the rows that the store has a credit for, and `row_count` more. -ENOMEM. */
CHEK_MUST_USE int store__image_ensure(struct store__image *image, uint32_t row_count);

#endif
