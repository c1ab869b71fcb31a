/* SPDX-License-Identifier: MIT */
/*
 * image_mark.c - the image of a moment, while the store goes on.
 *
 * Appending does not know of it. Replacing notes the row, in memory that was made sure of before:
 * every row that is replaced is replaced by one that is appended, so the credit of rows bounds the
 * notes to come. Adopting a segment would take the rows away that are still to be written, so it
 * waits.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"
#include "engine/store/image.h"

int
store__image_ensure(struct store__image *image, uint32_t row_count)
{
    uint64_t needed = (uint64_t)image->undo_count + image->store->credit.rows + row_count;
    uint64_t count = 2 * (uint64_t)image->undo_count_max;
    if (needed <= image->undo_count_max) {
        return CHEK_OK;
    }
    count = count > needed ? count : needed;
    if (count > UINT32_MAX) {
        return -ENOMEM;
    }
    void *grown = chek_workspace_grow(image->undos, image->undo_count_max * sizeof *image->undos,
                                      (size_t)count * sizeof *image->undos);
    if (grown == NULL) {
        return -ENOMEM;
    }
    image->undos = grown;
    image->undo_count_max = (uint32_t)count;
    return CHEK_OK;
}

void
store__image_note(struct store__image *image, const uint64_t *bits, uint32_t row)
{
    CHEK_ASSERT(image->undo_count < image->undo_count_max);
    image->undos[image->undo_count] = (struct store__image_undo){.bits = bits, .row = row};
    image->undo_count += 1;
}

int
chek_store_image_begin(struct chek_store *store)
{
    CHEK_ASSERT(store->image == NULL);
    struct store__image *image = chek_workspace_take(sizeof *image);
    if (image == NULL) {
        return -ENOMEM;
    }
    store__image_start(image, store);
    store->image = image;
    int error = store__image_ensure(image, 1);
    if (error != CHEK_OK) {
        chek_store_image_end(store);
    }
    return error;
}

bool
chek_store_image_is_open(const struct chek_store *store)
{
    return store->image != NULL;
}

bool
chek_store_image_step(struct chek_store *store, size_t work, struct chek_writer *out)
{
    CHEK_ASSERT(store->image != NULL);
    size_t size = out->size;
    bool is_whole = store__image_run(store->image, work, out);
    CHEK_ASSERT(!out->full);
    store->effort->bytes += out->size - size;
    return is_whole;
}

void
chek_store_image_end(struct chek_store *store)
{
    struct store__image *image = store->image;
    if (image != NULL) {
        chek_workspace_give(image->undos, image->undo_count_max * sizeof *image->undos);
        chek_workspace_give(image, sizeof *image);
        store->image = NULL;
    }
}
