/* SPDX-License-Identifier: MIT */
/*
 * merge_columns.h - the bytes of a merged segment (of this room only).
 */
#ifndef CHEK_STORE_MERGE_COLUMNS_H
#define CHEK_STORE_MERGE_COLUMNS_H

#include "engine/store/segment.h"

/*
 * Encode segments that follow each other as one.
 *
 *   Ownership  *ret is taken from the space of the segments
 *   Errors     -ENOMEM; CORRUPT: they do not follow each other, or compressed texts are damaged
 *   Threads    any one; `replaced` of the segments is not looked at
 */
CHEK_MUST_USE int store__segments_merge(struct chek_segment *const *segments, uint32_t count,
                                        uint8_t **ret, size_t *ret_size);

#endif
