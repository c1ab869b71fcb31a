/* SPDX-License-Identifier: MIT */
/*
 * shift_cell.h - totals of a (registration, shift, binding) in the heap, kept by each document.
 *
 * Inside the room only. A cell is a head, one object for each operation that occurred and one for
 * each row. An ordinary receipt writes the head's line of operations, the sums of its operation,
 * one tax row and one or two section rows.
 */
#ifndef CHEK_FISCAL_SHIFT_CELL_H
#define CHEK_FISCAL_SHIFT_CELL_H

#include "engine/fiscal/effect.h"

/* Bytes that one document may allocate at most in a cell: head, two operations, operator rows with
 * long keys and tax rows of two copies; and what each line adds to that. */
#define FISCAL__CELL_SIZE_MAX        \
    (128 + 2 * 192 + 2 * (64 + 80) + \
     (CHEK_CELL_TAX_COUNT_MAX + 2 * CHEK_OPERATION_COUNT) * sizeof(struct fiscal__row))
#define FISCAL__CELL_LINE_SIZE_MAX (64 + 48)

/* Find the cell of a binding in the chain at *first, or make it; the chain stays sorted. */
chek_page_ref fiscal__cell_obtain(struct chek_page_heap *heap, chek_page_ref *first,
                                  uint16_t binding);

/* Bytes that a row is counted with in a frozen report, beside its key. */
#define FISCAL__FROZEN_ROW_SIZE 40

/* Add a receipt or a movement, or take it away; a close changes nothing. Returns what the frozen
 * rows grow by at most. */
size_t fiscal__cell_add(struct chek_page_heap *heap, chek_page_ref cell,
                        const struct chek_document *document, int sign);

/* Book a withdrawal that no movement document stands for. (F13) */
void fiscal__cell_withdraw(struct chek_page_heap *heap, chek_page_ref cell, int64_t sum);

/* Free a chain of cells with everything in them. Returns what their frozen rows counted. */
size_t fiscal__cells_free(struct chek_page_heap *heap, chek_page_ref first);

/* The rows of one kind: the heads of their chains, and how many there are. */
const chek_page_ref *fiscal__cell_buckets(const struct fiscal__cell *cell, enum fiscal__row_set set,
                                          uint32_t *ret_count);

struct chek_bytes_view fiscal__row_key(const struct chek_page_heap *heap,
                                       const struct fiscal__row *row);

/* F10: rows of a kind in one cell or report; later keys go to the OTHER row of their operation. */
uint32_t fiscal__row_count_max(enum fiscal__row_set set);

#endif
