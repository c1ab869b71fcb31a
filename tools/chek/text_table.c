/* SPDX-License-Identifier: MIT */
#include "tools/chek/text_table.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "engine/base/utf8.h"

#define CELL_SIZE_MAX 256 /* bytes shown of one cell */
#define ROW_SIZE_MAX (TABLE_COLUMN_COUNT_MAX * (CELL_SIZE_MAX + 16))

/* ---- texts ------------------------------------------------------------------------------------ */

size_t
chek__i128_text(chek_i128 value, unsigned scale, char text[TABLE_MONEY_TEXT_MAX])
{
    char digits[44];
    size_t at = sizeof digits;
    unsigned count = 0;
    chek_u128 left = value < 0 ? -(chek_u128)value : (chek_u128)value;

    do {
        if (scale != 0 && count == scale) {
            digits[--at] = '.';
        }
        digits[--at] = (char)('0' + (unsigned)(left % 10));
        left /= 10;
        count += 1;
    } while (left != 0 || count <= scale);
    if (value < 0) {
        digits[--at] = '-';
    }
    memcpy(text, digits + at, sizeof digits - at);
    text[sizeof digits - at] = 0;
    return sizeof digits - at;
}

size_t
chek__money_text(chek_i128 value, uint16_t currency, char text[TABLE_MONEY_TEXT_MAX])
{
    return chek__i128_text(value, chek_currency_decimals(currency), text);
}

size_t
chek__time_text(int64_t civil_s, char text[24])
{
    if (civil_s == 0) {
        memcpy(text, "-", 2);
        return 1;
    }
    size_t size = chek_civil_write(civil_s, text);
    text[10] = ' ';
    return size;
}

/* ---- tables ----------------------------------------------------------------------------------- */

int
chek__table_open(struct chek__table *table, const char *const *titles, uint32_t column_count,
                 bool csv)
{
    *table = (struct chek__table){.titles = titles, .column_count = column_count, .csv = csv};
    for (uint32_t i = 0; i < column_count; i++) {
        const char *title = titles[i] + (titles[i][0] == '<');
        table->widths[i] = chek_utf8_width(chek_bytes_view_text(title));
    }
    return chek_arena_init(&table->arena, TABLE_MEMORY_SIZE);
}

void
chek__csv_put(struct chek_bytes_view cell)
{
    bool plain = true;
    for (size_t i = 0; i < cell.size; i++) {
        plain = plain && cell.bytes[i] != ',' && cell.bytes[i] != '"' && cell.bytes[i] >= ' ';
    }
    if (plain) {
        (void)fwrite(cell.bytes, 1, cell.size, stdout);
        return;
    }
    (void)fputc('"', stdout);
    for (size_t i = 0; i < cell.size; i++) {
        if (cell.bytes[i] == '"') {
            (void)fputc('"', stdout);
        }
        (void)fputc(cell.bytes[i], stdout);
    }
    (void)fputc('"', stdout);
}

static void
padded_put(struct chek_bytes_view cell, size_t width, bool left, bool last)
{
    size_t have = chek_utf8_width(cell);
    int padding = have < width ? (int)(width - have) : 0;
    if (!left) {
        (void)printf("%*s", padding, "");
    }
    (void)fwrite(cell.bytes, 1, cell.size, stdout);
    if (left && !last) {
        (void)printf("%*s", padding, "");
    }
    if (!last) {
        (void)fputs("  ", stdout);
    }
}

static void
cell_put(const struct chek__table *table, uint32_t column, struct chek_bytes_view cell)
{
    bool last = column + 1 == table->column_count;
    if (table->csv) {
        chek__csv_put(cell);
        (void)fputs(last ? "\r\n" : ",", stdout);
        return;
    }
    padded_put(cell, table->widths[column], table->titles[column][0] == '<', last);
    if (last) {
        (void)fputc('\n', stdout);
    }
}

static void
block_show(struct chek__table *table)
{
    for (uint32_t i = 0; i < table->column_count && !table->head_shown; i++) {
        const char *title = table->titles[i] + (table->titles[i][0] == '<');
        cell_put(table, i, chek_bytes_view_text(title));
    }
    table->head_shown = true;
    for (uint32_t row = 0; row < table->row_count; row++) {
        for (uint32_t i = 0; i < table->column_count; i++) {
            cell_put(table, i, table->cells[row][i]);
        }
    }
    table->row_count = 0;
    chek_arena_reset(&table->arena);
}

/* What a terminal would take for a command, or break a line at, becomes a space. */
static struct chek_bytes_view
cell_clean(struct chek__table *table, struct chek_bytes_view text)
{
    text = chek_utf8_clip(text, CELL_SIZE_MAX);
    uint8_t *copy = chek_arena_take(&table->arena, text.size + 1);
    if (copy == NULL) {
        return chek_bytes_view_text("?");
    }
    for (size_t i = 0; i < text.size; i++) {
        copy[i] = text.bytes[i] < ' ' || text.bytes[i] == 0x7f ? ' ' : text.bytes[i];
    }
    return chek_bytes_view_of(copy, text.size);
}

void
chek__cell(struct chek__table *table, struct chek_bytes_view text)
{
    bool fits = table->arena.capacity - table->arena.used > ROW_SIZE_MAX;
    if (table->column == 0 && (table->row_count == TABLE_BLOCK_COUNT || !fits)) {
        block_show(table);
    }
    struct chek_bytes_view cell = cell_clean(table, text);
    size_t width = chek_utf8_width(cell);
    if (width > table->widths[table->column]) {
        table->widths[table->column] = width;
    }
    table->cells[table->row_count][table->column++] = cell;
    if (table->column == table->column_count) {
        table->column = 0;
        table->row_count += 1;
    }
}

void
chek__cell_text(struct chek__table *table, const char *text)
{
    chek__cell(table, chek_bytes_view_text(text));
}

void
chek__cell_number(struct chek__table *table, uint64_t value)
{
    char text[TABLE_MONEY_TEXT_MAX];
    chek__cell(table, chek_bytes_view_of(text, chek__i128_text((chek_i128)value, 0, text)));
}

void
chek__cell_time(struct chek__table *table, int64_t civil_s)
{
    char text[24];
    size_t size = chek__time_text(civil_s, text);
    chek__cell(table, chek_bytes_view_of(text, civil_s != 0 ? size : 0));
}

void
chek__cell_money(struct chek__table *table, chek_i128 value, uint16_t currency)
{
    char text[TABLE_MONEY_TEXT_MAX];
    chek__cell(table, chek_bytes_view_of(text, chek__money_text(value, currency, text)));
}

void
chek__table_close(struct chek__table *table)
{
    block_show(table);
    chek_arena_finish(&table->arena);
}
