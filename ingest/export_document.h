/* SPDX-License-Identifier: MIT */
/*
 * export_document.h - a document of an export while it is read (of this room only).
 *
 * The first thing that is wrong with a document is its refusal; the rest of it is passed over.
 */
#ifndef CHEK_INGEST_EXPORT_DOCUMENT_H
#define CHEK_INGEST_EXPORT_DOCUMENT_H

#include "ingest/export_read.h"
#include "ingest/record_build.h"

struct ingest__export_document {
    struct chek_fns_json_sink sink;
    struct chek_arena arena;
    struct chek_record_build build;
    struct chek_document *document;
    struct chek_fault fault; /* code CHEK_OK: nothing is wrong yet */
    uint64_t offset;         /* where it begins */
    bool open;
};

/* Begin; the one before it has ended. */
void ingest__export_begin(struct ingest__export_document *what, uint64_t offset);

/* Open, close, set: as the build does. `ret`urn goes back to the record that a row belongs to. */
void ingest__export_open(struct ingest__export_document *what, struct chek_bytes_view name);
void ingest__export_close(struct ingest__export_document *what);
void ingest__export_set(struct ingest__export_document *what, struct chek_bytes_view name,
                        struct chek_bytes_view text);
void ingest__export_return(struct ingest__export_document *what, struct chek_bytes_view shape_name);

/* Check and tell it, if one is open. Errors: what the sink returned. */
CHEK_MUST_USE int ingest__export_end(struct ingest__export_document *what);

/* ---- CSV -------------------------------------------------------------------------------------- */

#define EXPORT_COLUMN_COUNT_MAX 96
#define EXPORT_CELL_SIZE_MAX 2048
#define EXPORT_ROW_SIZE_MAX (64 * 1024)

/* Where a reader of CSV stands. */
struct ingest__export_csv {
    struct ingest__export_document *what;
    struct chek_bytes_view columns[EXPORT_COLUMN_COUNT_MAX]; /* of the first row */
    uint32_t column_count;                                   /* 0: the first row is not read yet */
    struct {
        uint32_t begin, size;
    } cells[EXPORT_COLUMN_COUNT_MAX];
    uint32_t cell_count;     /* of the row, the one that is being read not counted */
    uint32_t row_size;       /* bytes of its cells so far */
    uint64_t offset, row_at; /* of the next byte; of the row's first */
    uint8_t state;
    uint8_t row[EXPORT_ROW_SIZE_MAX];
    uint8_t titles[EXPORT_ROW_SIZE_MAX];
};

/* Errors: MAGIC it is no CSV of ours; what the sink returned. */
CHEK_MUST_USE int ingest__export_csv_read(struct ingest__export_csv *csv, const uint8_t *bytes,
                                          size_t size);
CHEK_MUST_USE int ingest__export_csv_end(struct ingest__export_csv *csv);

#endif
