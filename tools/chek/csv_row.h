/* SPDX-License-Identifier: MIT */
/*
 * csv_row.h - the cells of a line of CSV (RFC 4180).
 *
 * A value in quotes may have commas and doubled quotes; it ends on its line.
 */
#ifndef CHEK_TOOLS_CHEK_CSV_ROW_H
#define CHEK_TOOLS_CHEK_CSV_ROW_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

/*
 * Cut a line, without its end, into cells.
 *
 *   Ownership  the cells are in `line`, whose quotes are taken out in place
 *   Errors     LIMIT more than `count_max` cells; TEXT quotes that are none. `line` is spoilt
 */
CHEK_MUST_USE int chek__csv_cut(char *line, size_t size, struct chek_bytes_view *ret,
                                uint32_t count_max, uint32_t *ret_count);

#endif
