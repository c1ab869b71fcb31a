/* SPDX-License-Identifier: MIT */
/*
 * keep_columns.h - the bytes of a kept segment (of this room only; keep.h says what it is).
 */
#ifndef CHEK_STORE_KEEP_COLUMNS_H
#define CHEK_STORE_KEEP_COLUMNS_H

#include "engine/store/segment.h"

/*
 * Encode a segment again without what its documents say, and with the hours of the rows that were
 * not replaced. Its groups are held, and no row of it will be replaced any more.
 *
 *   Ownership  *ret is taken from the segment's space
 *   Errors     -ENOMEM; CONFLICT: its hour table is not that of its rows; CORRUPT: compressed texts
 *              are damaged
 *   Threads    any one
 */
CHEK_MUST_USE int store__segment_keep(const struct chek_segment *segment, uint8_t **ret,
                                      size_t *ret_size);

#endif
