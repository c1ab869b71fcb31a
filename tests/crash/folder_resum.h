/* SPDX-License-Identifier: MIT */
/*
 * folder_resum.h - files of a data folder that say something else, under sums that are right.
 */
#ifndef CHEK_TESTS_FOLDER_RESUM_H
#define CHEK_TESTS_FOLDER_RESUM_H

#include "engine/store/hour_table.h"
#include "tests/unit/fake_disk.h"

#define FOLDER_FILE_HEAD 64  /* of an immutable file */
#define FOLDER_IMAGE_TAIL 48 /* of a partition's image */

/* In the store's image; then, of the first segment, its sum, the chain at its end, replaced rows. */
#define FOLDER_STORE_SEGMENTS_AT 88
#define FOLDER_SEGMENT_SUM_AT (FOLDER_STORE_SEGMENTS_AT + 4)
#define FOLDER_SEGMENT_CHAIN_AT (FOLDER_SEGMENT_SUM_AT + 8)
#define FOLDER_CHAIN_SIZE 48 /* ranges, rows, head */
#define FOLDER_SEGMENT_REPLACED_AT (FOLDER_SEGMENT_CHAIN_AT + FOLDER_CHAIN_SIZE)

/* Make the sums of an immutable file right again. */
void folder_resum_file(struct fake_file *file);

size_t folder_heap_size(const struct fake_file *image);

/* The store's image, behind the pages of the heap. */
uint8_t *folder_store_image(struct fake_file *image);

/* Make the sums of a partition's image right again, from the innermost to the outermost. */
void folder_resum_image(struct fake_file *image);

/*
 * Make one sum of all cells of the hour table's first page one more, with right sums in the segment
 * and its file. False, and nothing is done, when the page's form has no value that all share.
 */
bool folder_hours_change(struct fake_file *segment, enum store__hour_column column);

#endif
