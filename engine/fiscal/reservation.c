/* SPDX-License-Identifier: MIT */
/*
 * reservation.c - the most that documents can take, so that applying one cannot fail.
 *
 * Every bound is of the worst document in the worst state: its shift, cells, rows and index nodes
 * are all new. Address space is cheap and what is not used stays for the next.
 */
#include "engine/fiscal/registration.h"
#include "engine/fiscal/shift_cell.h"

/* What a document may allocate in the heap: a shift, a late object with a chunk, counts of warnings,
 * cells of two copies, and entries in two indices; a registration is less. */
#define DOCUMENT_SIZE_MAX \
    (128 + 48 + 64 + 128 + 2 * FISCAL__CELL_SIZE_MAX + 2 * FISCAL__INDEX_INSERT_SIZE_MAX)
_Static_assert(FISCAL__REGISTER_SIZE_MAX <= DOCUMENT_SIZE_MAX, "a register is less");

/* What one document can make the frozen totals of its shift longer by, lines apart. */
#define DOCUMENT_FROZEN_SIZE_MAX                                \
    (2048 +                                                     \
     (CHEK_CELL_TAX_COUNT_MAX + 2 * CHEK_OPERATION_COUNT + 2) * \
         (FISCAL__FROZEN_ROW_SIZE + FISCAL__TAX_KEY_SIZE) +     \
     2 * 64)

/* The smallest line: a mask of two bytes and a sum. */
#define LINE_SIZE_MIN 3

/* A close of the engine's own, encoded: a time and an operator, and no register. */
#define OWN_CLOSE_SIZE_MAX 128

int
chek_fiscal_ensure(struct chek_fiscal *fiscal, uint32_t document_count, size_t size)
{
    size_t line_count = size / LINE_SIZE_MIN;
    size_t heap_size = (size_t)document_count * DOCUMENT_SIZE_MAX +
                       line_count * FISCAL__CELL_LINE_SIZE_MAX + 2 * size +
                       2 * (size_t)CHEK_PAGE_MAP_INSERT_SIZE_MAX;
    int error = chek_page_heap_ensure(fiscal->heap, heap_size);
    if (error != CHEK_OK) {
        return error;
    }
    /* Any document may close a shift: a row of the engine's own, with all that is open frozen. */
    size_t frozen_size = fiscal__root(fiscal)->open_frozen_size +
                         (size_t)document_count * DOCUMENT_FROZEN_SIZE_MAX +
                         line_count * FISCAL__FROZEN_ROW_SIZE;
    return chek_store_ensure(fiscal->store, 2 * document_count,
                             size + (size_t)document_count * OWN_CLOSE_SIZE_MAX, frozen_size);
}
