/* SPDX-License-Identifier: MIT */
/* naive_cell.c - what one document adds, and rows with caps. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "tools/verify/naive/naive_figures.h"

/* ---- rows with caps ----------------------------------------------------------------------------
 *
 * A row is known by its key and operation. Of each kind so many are kept; what comes later is
 * "other". Figures of rows are named after the row that they went to.
 */

static const uint32_t row_max[NAIVE_SET_COUNT] = {
    CHEK_CELL_SECTION_COUNT_MAX, CHEK_CELL_OPERATOR_COUNT_MAX, CHEK_CELL_TAX_COUNT_MAX};

static void
row_add(struct naive_cell *cell, int set, const char *key, uint8_t operation, bool other,
        int64_t count, int64_t sum, int64_t turnover)
{
    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < cell->row_counts[set]; i++) {
            struct naive_row *row = &cell->rows[set][i];
            if (row->operation == operation && row->other == other &&
                (other || strcmp(row->key, key) == 0)) {
                row->count += count;
                row->sum += sum;
                row->turnover += turnover;
                return;
            }
        }
        if (other || cell->key_counts[set] < row_max[set]) {
            break;
        }
        other = true;
    }
    CHEK_ASSERT(cell->row_counts[set] < NAIVE_ROW_MAX);
    struct naive_row *row = &cell->rows[set][cell->row_counts[set]++];
    *row = (struct naive_row){
        .operation = operation, .other = other, .count = count, .sum = sum, .turnover = turnover};
    (void)snprintf(row->key, sizeof row->key, "%s", other ? "*" : key);
    cell->key_counts[set] += other ? 0 : 1;
}

static int
compare_rows(const void *a, const void *b)
{
    const struct naive_row *left = a;
    const struct naive_row *right = b;
    int order = strcmp(left->key, right->key);
    return order != 0 ? order : left->operation - right->operation;
}

static void
cell_merge(struct naive_cell *to, struct naive_cell *from)
{
    for (int set = 0; set < NAIVE_SET_COUNT; set++) {
        qsort(from->rows[set], from->row_counts[set], sizeof from->rows[set][0], compare_rows);
        for (uint32_t i = 0; i < from->row_counts[set]; i++) {
            const struct naive_row *row = &from->rows[set][i];
            row_add(to, set, row->key, row->operation, row->other, row->count, row->sum,
                    row->turnover);
        }
    }
}

static void
cell_name_rows(const struct naive_cell *cell, struct chek_naive_figures *figures)
{
    static const char *const names[NAIVE_SET_COUNT] = {"section", "operator", "tax"};
    for (int set = 0; set < NAIVE_SET_COUNT; set++) {
        for (uint32_t i = 0; i < cell->row_counts[set]; i++) {
            const struct naive_row *row = &cell->rows[set][i];
            naive__add(figures, row->count, "%s.count/%s/%u", names[set], row->key, row->operation);
            naive__add(figures, row->sum, "%s.sum/%s/%u", names[set], row->key, row->operation);
            naive__add(figures, row->turnover, "%s.turnover/%s/%u", names[set], row->key,
                       row->operation);
        }
    }
}

/* ---- cells of a report ------------------------------------------------------------------------ */

struct naive_cell *
naive__cell_of(struct naive_cells *cells, uint16_t binding)
{
    for (uint32_t i = 0; i < cells->count; i++) {
        if (cells->cells[i]->binding == binding) {
            return cells->cells[i];
        }
    }
    struct naive_cell *cell = chek_memory_allocate(sizeof *cell);
    struct naive_cell **grown =
        chek_memory_grow(cells->cells, cells->count * sizeof(struct naive_cell *),
                         (cells->count + 1) * sizeof(struct naive_cell *));
    if (grown != NULL) {
        cells->cells = grown;
    }
    if (cell == NULL || grown == NULL) {
        chek_memory_free(cell, sizeof *cell);
        cells->error = -ENOMEM;
        return NULL;
    }
    cell->binding = binding;
    cell->figures = cells->figures;
    cells->cells[cells->count++] = cell;
    return cell;
}

static int
compare_cells(const void *a, const void *b)
{
    const struct naive_cell *const *left = a;
    const struct naive_cell *const *right = b;
    return (*right)->binding - (*left)->binding;
}

int
naive__cells_finish(struct naive_cells *cells)
{
    if (cells->count != 0) {
        qsort(cells->cells, cells->count, sizeof(struct naive_cell *), compare_cells);
    }
    for (uint32_t i = 1; i < cells->count; i++) {
        cell_merge(cells->cells[0], cells->cells[i]);
    }
    if (cells->count != 0) {
        cell_name_rows(cells->cells[0], cells->figures);
    }
    for (uint32_t i = 0; i < cells->count; i++) {
        chek_memory_free(cells->cells[i], sizeof *cells->cells[i]);
    }
    chek_memory_free(cells->cells, cells->count * sizeof(struct naive_cell *));
    return cells->error;
}

/* ---- one document ----------------------------------------------------------------------------- */

void
naive__text(char *to, size_t capacity, struct chek_bytes_view view)
{
    (void)snprintf(to, capacity, "%.*s", (int)view.size,
                   view.size != 0 ? (const char *)view.bytes : "");
}

static void
tax_add(struct naive_cell *cell, const struct chek_tax *tax, uint8_t operation, int64_t amount,
        int sign)
{
    char key[NAIVE_KEY_MAX];
    int64_t turnover = amount;
    if (tax->on_top) {
        turnover += tax->sum;
    }
    if (tax->turnover != 0) {
        turnover = tax->turnover;
    }
    (void)snprintf(key, sizeof key, "%u.%07u", tax->kind, tax->rate);
    row_add(cell, NAIVE_TAX, key, operation, false, 0, sign * tax->sum, sign * turnover);
}

static void
taxes_add(struct naive_cell *cell, const struct chek_receipt *receipt, int sign)
{
    uint8_t op = receipt->operation;
    for (uint32_t i = 0; i < receipt->taxes_count; i++) {
        tax_add(cell, &receipt->taxes[i], op, receipt->total, sign);
    }
    if (receipt->taxes_count != 0) {
        return;
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        int line_sign = sign;
        if (line->kind == CHEK_LINE_KIND_DISCOUNT) {
            line_sign = -line_sign;
        }
        if (line->storno) {
            line_sign = -line_sign;
        }
        for (uint32_t t = 0; t < line->taxes_count; t++) {
            tax_add(cell, &line->taxes[t], op, line->sum, line_sign);
        }
    }
    for (uint32_t i = 0; receipt->discount != NULL && i < receipt->discount->taxes_count; i++) {
        tax_add(cell, &receipt->discount->taxes[i], op, receipt->discount->sum, -sign);
    }
    for (uint32_t i = 0; receipt->markup != NULL && i < receipt->markup->taxes_count; i++) {
        tax_add(cell, &receipt->markup->taxes[i], op, receipt->markup->sum, sign);
    }
}

static int64_t
money_in(uint8_t operation)
{
    static const int64_t directions[] = {
        [CHEK_OPERATION_SELL] = 1,
        [CHEK_OPERATION_SELL_RETURN] = -1,
        [CHEK_OPERATION_BUY] = -1,
        [CHEK_OPERATION_BUY_RETURN] = 1,
    };
    return directions[operation];
}

/* What a document moves in the drawer. */
int64_t
naive__drawer(const struct chek_document *document)
{
    if (document->movement != NULL) {
        return document->movement->direction == CHEK_DIRECTION_WITHDRAWAL ? -document->movement->sum
                                                                          : document->movement->sum;
    }
    if (document->receipt == NULL) {
        return 0;
    }
    const struct chek_receipt *receipt = document->receipt;
    int64_t all = 0;
    int64_t cash = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        all += receipt->payments[i].sum;
        if (receipt->payments[i].kind == CHEK_PAYMENT_KIND_CASH) {
            cash += receipt->payments[i].sum;
        }
    }
    if (all != receipt->total && all == receipt->total + receipt->change) {
        cash -= receipt->change;
    }
    return money_in(receipt->operation) * cash;
}

static void
line_add(struct naive_cell *cell, const struct chek_line *line, uint8_t op, int sign)
{
    static const char *const names[] = {"position", "discount", "markup"};
    int64_t sum = sign * (line->storno ? -line->sum : line->sum);
    int64_t count = line->storno ? 0 : sign;
    naive__add(cell->figures, count, "%s.count/%u", names[line->kind], op);
    naive__add(cell->figures, sum, "%s.sum/%u", names[line->kind], op);
    if (line->kind == CHEK_LINE_KIND_COMMODITY && line->section.size != 0) {
        char key[NAIVE_KEY_MAX];
        naive__text(key, sizeof key, line->section);
        row_add(cell, NAIVE_SECTION, key, op, false, count, sum, 0);
    }
}

static void
receipt_add(struct naive_cell *cell, const struct chek_receipt *receipt, int sign)
{
    struct chek_naive_figures *figures = cell->figures;
    uint8_t op = receipt->operation;
    naive__add(figures, sign, "tickets/%u", op);
    naive__add(figures, sign * receipt->total, "net/%u", op);
    naive__add(figures, sign * receipt->change, "change/%u", op);
    naive__add(figures, receipt->offline ? sign : 0, "offline/%u", op);
    naive__add(figures, money_in(op) * sign * receipt->total, "revenue");
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        naive__add(figures, sign, "payment.count/%u/%u", op, receipt->payments[i].kind);
        naive__add(figures, sign * receipt->payments[i].sum, "payment.sum/%u/%u", op,
                   receipt->payments[i].kind);
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        line_add(cell, &receipt->lines[i], op, sign);
    }
    if (receipt->discount != NULL) {
        naive__add(figures, sign, "discount.count/%u", op);
        naive__add(figures, sign * receipt->discount->sum, "discount.sum/%u", op);
        naive__add(figures, sign * receipt->discount->sum, "ticket_discount/%u", op);
    }
    if (receipt->markup != NULL) {
        naive__add(figures, sign, "markup.count/%u", op);
        naive__add(figures, sign * receipt->markup->sum, "markup.sum/%u", op);
        naive__add(figures, sign * receipt->markup->sum, "ticket_markup/%u", op);
    }
    if (receipt->operator.size != 0) {
        char key[NAIVE_KEY_MAX];
        naive__text(key, sizeof key, receipt->operator);
        row_add(cell, NAIVE_OPERATOR, key, op, false, sign, sign * receipt->total, 0);
    }
    taxes_add(cell, receipt, sign);
}

void
naive__document_add(struct naive_cell *cell, const struct chek_document *document, int sign)
{
    if (document->receipt != NULL) {
        receipt_add(cell, document->receipt, sign);
    }
    if (document->movement != NULL) {
        uint8_t direction = document->movement->direction;
        naive__add(cell->figures, sign, "movement.count/%u", direction);
        naive__add(cell->figures, document->movement->offline ? sign : 0, "movement.offline/%u",
                   direction);
        naive__add(cell->figures, sign * document->movement->sum, "movement.sum/%u", direction);
    }
}
