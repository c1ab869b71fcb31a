/* SPDX-License-Identifier: MIT */
/*
 * store_model.h - what a store should show, kept as a plain list of rows and documents.
 *
 * It shares no code with the store: sums are taken from documents as a scan's header words them,
 * filters are tried on every row, sealing is a sort of a copy.
 */
#ifndef CHEK_TESTS_STORE_MODEL_H
#define CHEK_TESTS_STORE_MODEL_H

#include "engine/store/store.h"

#define STORE_MODEL_ROW_COUNT_MAX 4096

struct store_model {
    struct chek_row rows[STORE_MODEL_ROW_COUNT_MAX];
    struct chek_document documents[STORE_MODEL_ROW_COUNT_MAX];
    uint32_t row_count;
};

/* Find a row; row_count when there is none. */
uint32_t store_model_find(const struct store_model *model, uint32_t registration, uint32_t ordinal);

/* What a scan shows of a document. */
struct chek_scan_row store_model_scan_row(const struct chek_row *row,
                                          const struct chek_document *document);

/*
 * List the rows that a scan shows, in its order, when there are `segment_count` segments of so many
 * rows.
 *
 *   Ownership  `ret` has room for STORE_MODEL_ROW_COUNT_MAX numbers of rows
 *   Returns    how many
 */
uint32_t store_model_scan(const struct store_model *model, const struct chek_scan_filter *filter,
                          const uint32_t *segment_rows, uint32_t segment_count, uint32_t *ret);

bool store_model_rows_equal(const struct chek_row *a, const struct chek_row *b);
bool store_model_scan_rows_equal(const struct chek_scan_row *a, const struct chek_scan_row *b);

#endif
