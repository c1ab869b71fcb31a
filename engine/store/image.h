/* SPDX-License-Identifier: MIT */
/*
 * image.h - what a snapshot keeps of a store beside its segments (of this room only).
 *
 * An image is: a head, the segments it belongs to with their replaced rows, the dictionaries, the
 * open sets column by column, a sum over all of it (README.md "Image" has the byte tables).
 */
#ifndef CHEK_STORE_IMAGE_H
#define CHEK_STORE_IMAGE_H

#include "engine/base/cursor.h"
#include "engine/store/set.h"

#define STORE__IMAGE_MAGIC UINT64_C(0x0a474d494b454843) /* "CHEKIMG\n" */
#define STORE__IMAGE_VERSION 2

/* Columns of a table are {id u16, width u8, need u8, values}; this id ends them. */
#define STORE__IMAGE_COLUMNS_END 0

/* The first column of a table is always there, so that no count of rows is without bytes. */
static inline bool
store__image_has_column(const struct store__set *set, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    bool present = column == store__table_begin[info->table];
    for (uint32_t i = 0; i < set->block_count[info->table] && !present; i++) {
        present = (chek_load_u64(set->blocks[info->table][i]) >> info->bit & 1) != 0;
    }
    return present;
}

/* A store that is being made from the bytes of an image. */
struct store__loading {
    struct chek_store *store;
    struct chek_cursor in;
};

static inline int
store__image_result(const struct chek_cursor *in)
{
    return in->error == CHEK_OK ? CHEK_OK : CHEK_E_CORRUPT;
}

/* Read bits of which `*ret_count` should be set; bits behind the last must not be. */
CHEK_MUST_USE int store__image_bits_load(struct store__loading *from, uint64_t *bits,
                                         uint32_t bit_count, uint32_t *ret_count);

/* Read an open set into an empty one. Only the last one may have room left. Errors: CORRUPT,
 * VERSION, -ENOMEM. */
CHEK_MUST_USE int store__image_set_load(struct store__loading *from, struct store__set *set,
                                        bool last);

#endif
