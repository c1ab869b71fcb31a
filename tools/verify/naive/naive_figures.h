/* SPDX-License-Identifier: MIT */
/*
 * naive_figures.h - adding to named figures, and the cells that rows with caps are kept in.
 */
#ifndef CHEK_NAIVE_NAIVE_FIGURES_H
#define CHEK_NAIVE_NAIVE_FIGURES_H

#include "tools/verify/naive/naive.h"

#define NAIVE_ROW_MAX 300
#define NAIVE_KEY_MAX 80

void naive__figures_clear(struct chek_naive_figures *figures);

__attribute__((format(printf, 3, 4))) void naive__add(struct chek_naive_figures *figures,
                                                      chek_i128 value, const char *format, ...);

chek_i128 naive__value(const struct chek_naive_figures *figures, const char *name);

/* ---- cells ------------------------------------------------------------------------------------ */

enum naive_set { NAIVE_SECTION, NAIVE_OPERATOR, NAIVE_TAX, NAIVE_SET_COUNT };

struct naive_row {
    char key[NAIVE_KEY_MAX];
    uint8_t operation;
    bool other;
    int64_t count, sum, turnover;
};

struct naive_cell {
    uint16_t binding;
    struct naive_row rows[NAIVE_SET_COUNT][NAIVE_ROW_MAX];
    uint32_t row_counts[NAIVE_SET_COUNT]; /* OTHER rows too */
    uint32_t key_counts[NAIVE_SET_COUNT];
    struct chek_naive_figures *figures; /* all but the rows */
};

/* The cells of a report while it is added up, by binding. */
struct naive_cells {
    struct naive_cell **cells;
    uint32_t count;
    struct chek_naive_figures *figures;
    int error;
};

/* The cell of a binding; NULL (and cells->error) when there is no memory. */
struct naive_cell *naive__cell_of(struct naive_cells *cells, uint16_t binding);

/* Merge the cells, name their rows among the figures, free them. Returns what went wrong. */
CHEK_MUST_USE int naive__cells_finish(struct naive_cells *cells);

/* Add a document, or take one away (sign -1). */
void naive__document_add(struct naive_cell *cell, const struct chek_document *document, int sign);

/* What a document moves in the drawer. */
int64_t naive__drawer(const struct chek_document *document);

/* A text as a C string, cut when it is too long. */
void naive__text(char *to, size_t capacity, struct chek_bytes_view view);

#endif
