/* SPDX-License-Identifier: MIT */
/*
 * export_csv.c - an export as CSV (RFC 4180): rows become records of a document.
 *
 * The bytes of a row's cells are gathered behind one another; a row that is complete says which
 * record it opens. A spreadsheet that writes the rows again with other ends of lines is understood.
 */
#include <string.h>

#include "ingest/export_document.h"

enum state {
    CELL_BEGIN,
    CELL_PLAIN,
    CELL_QUOTED,
    CELL_QUOTE, /* behind a quote inside of quotes: its end, or one of two */
};

/* ---- rows ------------------------------------------------------------------------------------- */

static struct chek_bytes_view
cell(const struct ingest__export_csv *csv, uint32_t index)
{
    return chek_bytes_view_of(csv->row + csv->cells[index].begin, csv->cells[index].size);
}

/* The first row: names of columns, kept. */
static int
titles_keep(struct ingest__export_csv *csv)
{
    if (!chek_bytes_view_equal(cell(csv, 0), chek_bytes_view_text("chek"))) {
        return CHEK_E_MAGIC;
    }
    memcpy(csv->titles, csv->row, csv->row_size);
    for (uint32_t i = 0; i < csv->cell_count; i++) {
        csv->columns[i] = chek_bytes_view_of(csv->titles + csv->cells[i].begin, csv->cells[i].size);
    }
    csv->column_count = csv->cell_count;
    return CHEK_OK;
}

static void
cells_set(struct ingest__export_csv *csv)
{
    for (uint32_t i = 1; i < csv->cell_count; i++) {
        if (cell(csv, i).size != 0) {
            ingest__export_set(csv->what, csv->columns[i], cell(csv, i));
        }
    }
}

/* An element of a list of bytes: its one cell is the element. */
static void
value_add(struct ingest__export_csv *csv, struct chek_bytes_view name)
{
    for (uint32_t i = 1; i < csv->cell_count; i++) {
        if (cell(csv, i).size != 0) {
            ingest__export_set(csv->what, name, cell(csv, i));
        }
    }
}

/* "receipt.lines": one more element of that field, of the receipt that is open. */
static int
row_take(struct ingest__export_csv *csv)
{
    struct chek_bytes_view path = cell(csv, 0);
    const uint8_t *dot = path.size != 0 ? memchr(path.bytes, '.', path.size) : NULL;
    if (csv->column_count == 0) {
        return titles_keep(csv);
    }
    if (csv->cell_count > csv->column_count) {
        return CHEK_E_MAGIC;
    }
    if (dot == NULL) {
        bool is_document = chek_bytes_view_equal(path, chek_bytes_view_text("document"));
        int error = is_document ? ingest__export_end(csv->what) : CHEK_E_MAGIC;
        if (error == CHEK_OK) {
            ingest__export_begin(csv->what, csv->row_at);
            cells_set(csv);
        }
        return error;
    }
    if (!csv->what->open) {
        return CHEK_E_MAGIC;
    }
    struct chek_bytes_view shape = chek_bytes_view_of(path.bytes, (size_t)(dot - path.bytes));
    struct chek_bytes_view name = chek_bytes_view_of(dot + 1, path.size - shape.size - 1);
    ingest__export_return(csv->what, shape);
    if (chek_bytes_view_equal(path, chek_bytes_view_text("line.markings"))) {
        value_add(csv, name);
    } else {
        ingest__export_open(csv->what, name);
        cells_set(csv);
    }
    return CHEK_OK;
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static int
byte_add(struct ingest__export_csv *csv, uint8_t byte)
{
    if (csv->row_size == EXPORT_ROW_SIZE_MAX ||
        csv->cells[csv->cell_count].size == EXPORT_CELL_SIZE_MAX) {
        return CHEK_E_MAGIC;
    }
    csv->row[csv->row_size++] = byte;
    csv->cells[csv->cell_count].size += 1;
    return CHEK_OK;
}

static int
cell_end(struct ingest__export_csv *csv)
{
    if (csv->cell_count + 1 == EXPORT_COLUMN_COUNT_MAX) {
        return CHEK_E_MAGIC;
    }
    csv->cell_count += 1;
    csv->cells[csv->cell_count].begin = csv->row_size;
    csv->cells[csv->cell_count].size = 0;
    csv->state = CELL_BEGIN;
    return CHEK_OK;
}

static int
row_end(struct ingest__export_csv *csv)
{
    bool is_empty = csv->cell_count == 0 && csv->row_size == 0 && csv->state == CELL_BEGIN;
    int error = is_empty ? CHEK_OK : cell_end(csv);
    if (error == CHEK_OK && !is_empty) {
        error = row_take(csv);
    }
    csv->cell_count = 0;
    csv->row_size = 0;
    csv->cells[0].begin = csv->cells[0].size = 0;
    csv->state = CELL_BEGIN;
    return error;
}

/* A byte outside of quotes. */
static int
plain_take(struct ingest__export_csv *csv, uint8_t byte)
{
    switch (byte) {
    case ',':
        return cell_end(csv);
    case '\n':
        return row_end(csv);
    case '\r':
        return CHEK_OK; /* before the end of a line */
    case '"':
        if (csv->state != CELL_BEGIN) {
            return CHEK_E_MAGIC;
        }
        csv->state = CELL_QUOTED;
        return CHEK_OK;
    default:
        if (csv->state == CELL_QUOTE) {
            return CHEK_E_MAGIC;
        }
        csv->state = CELL_PLAIN;
        return byte_add(csv, byte);
    }
}

static int
byte_take(struct ingest__export_csv *csv, uint8_t byte)
{
    if (csv->state == CELL_QUOTED && byte == '"') {
        csv->state = CELL_QUOTE;
        return CHEK_OK;
    }
    if (csv->state == CELL_QUOTE && byte == '"') {
        csv->state = CELL_QUOTED;
        return byte_add(csv, byte);
    }
    return csv->state == CELL_QUOTED ? byte_add(csv, byte) : plain_take(csv, byte);
}

int
ingest__export_csv_read(struct ingest__export_csv *csv, const uint8_t *bytes, size_t size)
{
    int error = CHEK_OK;
    for (size_t i = 0; i < size && error == CHEK_OK; i++) {
        if (csv->cell_count == 0 && csv->row_size == 0 && csv->state == CELL_BEGIN) {
            csv->row_at = csv->offset;
        }
        error = byte_take(csv, bytes[i]);
        csv->offset += 1;
    }
    return error;
}

int
ingest__export_csv_end(struct ingest__export_csv *csv)
{
    int error = csv->state == CELL_QUOTED ? CHEK_E_MAGIC : row_end(csv);
    return error == CHEK_OK ? ingest__export_end(csv->what) : error;
}
