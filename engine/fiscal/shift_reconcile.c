/* SPDX-License-Identifier: MIT */
/* shift_reconcile.c - the figures of a closed shift, the register's and the engine's. (F24) */
#include "engine/fiscal/reconcile.h"
#include "engine/fiscal/shift.h"

/* What the register's own close says: that of the shift's close row, or, when the engine had closed
 * it before, of the late one. Empty when there is none, or it says nothing. */
static int
figures_find(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
             const struct fiscal__entry *entry, const struct chek_close *close,
             struct chek_arena *arena, struct chek_bytes_view *ret)
{
    const struct fiscal__late *late = fiscal__late_read(fiscal->heap, registration, entry->key);
    if (!fiscal__close_is_ours(close) || late == NULL || late->close == 0) {
        *ret = close->figures;
        return CHEK_OK;
    }
    struct chek_row row;
    struct chek_document document;
    int error =
        chek_store_read(fiscal->store, registration->id, late->close - 1, arena, &row, &document);
    if (error == CHEK_OK) {
        *ret = document.close->figures;
    }
    return error;
}

static int
shift_reconcile(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
                const struct fiscal__entry *entry, struct chek_arena *arena,
                chek_difference_fn on_difference, void *context, struct chek_reconciliation *ret)
{
    struct chek_row row;
    struct chek_document document;
    struct chek_report frozen;
    struct chek_bytes_view figures;
    struct chek_fault fault;
    int error = chek_store_read(fiscal->store, registration->id, entry->a, arena, &row, &document);
    if (error == CHEK_OK) {
        error = figures_find(fiscal, registration, entry, document.close, arena, &figures);
    }
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_report_decode_whole(row.cell.bytes, row.cell.size, arena, &frozen, &fault);
    if (error != CHEK_OK) {
        return error == CHEK_E_LIMIT ? error : CHEK_E_CORRUPT;
    }
    if (figures.size != 0) {
        error = chek_figures_reconcile(figures, &frozen, arena, on_difference, context);
    }
    if (error == CHEK_OK) {
        *ret = (struct chek_reconciliation){.registration = registration->id,
                                            .shift = entry->key,
                                            .closed = frozen.closed,
                                            .stated = figures.size != 0};
    }
    return error;
}

int
chek_fiscal_reconcile(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t first,
                      struct chek_arena *arena, chek_difference_fn on_difference, void *context,
                      struct chek_reconciliation *ret)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    const struct fiscal__entry *entry = fiscal__index_ceiling(fiscal->heap, &record->shifts, first);
    return entry != NULL
               ? shift_reconcile(fiscal, record, entry, arena, on_difference, context, ret)
               : CHEK_E_NOT_FOUND;
}
