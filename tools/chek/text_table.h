/* SPDX-License-Identifier: MIT */
/*
 * text_table.h - rows for people, aligned by the columns a terminal uses; or the same rows as CSV.
 *
 * Rows are gathered in blocks, so that a list of any length is shown while it comes.
 */
#ifndef CHEK_TOOLS_CHEK_TEXT_TABLE_H
#define CHEK_TOOLS_CHEK_TEXT_TABLE_H

#include "tools/chek/run.h"

#define TABLE_COLUMN_COUNT_MAX 20
#define TABLE_BLOCK_COUNT 512
#define TABLE_MEMORY_SIZE (1024 * 1024)
#define TABLE_MONEY_TEXT_MAX 48

struct chek__table {
    const char *const *titles; /* "<" in front: left; else right */
    uint32_t column_count;
    bool csv;
    bool head_shown;
    uint32_t column, row_count; /* of the block */
    size_t widths[TABLE_COLUMN_COUNT_MAX];
    struct chek_bytes_view cells[TABLE_BLOCK_COUNT][TABLE_COLUMN_COUNT_MAX];
    struct chek_arena arena;
};

/* Errors: -ENOMEM. */
CHEK_MUST_USE int chek__table_open(struct chek__table *table, const char *const *titles,
                                   uint32_t column_count, bool csv);

/* Add the next cell of the row; a row is done with its last cell. */
void chek__cell(struct chek__table *table, struct chek_bytes_view text);
void chek__cell_text(struct chek__table *table, const char *text);
void chek__cell_number(struct chek__table *table, uint64_t value);
void chek__cell_time(struct chek__table *table, int64_t civil_s); /* 0: empty */
void chek__cell_money(struct chek__table *table, chek_i128 value, uint16_t currency);

/* A field of RFC 4180: in quotes when it has a comma, a quote or an end of line. */
void chek__csv_put(struct chek_bytes_view cell);

/* Show the last block. */
void chek__table_close(struct chek__table *table);

/* Text of an amount with the decimals of its currency; the size. */
size_t chek__money_text(chek_i128 value, uint16_t currency, char text[TABLE_MONEY_TEXT_MAX]);
size_t chek__i128_text(chek_i128 value, unsigned scale, char text[TABLE_MONEY_TEXT_MAX]);

/* "2026-01-31 10:00:00", or "-". */
size_t chek__time_text(int64_t civil_s, char text[24]);

#endif
