/* SPDX-License-Identifier: MIT */
/*
 * reconcile.h - what a register counted against what the engine counted. (rule F24)
 *
 *   Threads  any: no state
 */
#ifndef CHEK_FISCAL_RECONCILE_H
#define CHEK_FISCAL_RECONCILE_H

#include "engine/fiscal/fiscal.h"

/* `difference` is lent for the call; its key stands where the reports have it. */
typedef void (*chek_difference_fn)(void *context, const struct chek_difference *difference);

/*
 * Compare the figures of a shift, and call `on_difference` for each that differs: those of
 * operations first, in the order of the records' fields.
 *
 *   Cost  rows of each list of one against those of the other
 */
void chek_report_reconcile(const struct chek_report *stated, const struct chek_report *counted,
                           chek_difference_fn on_difference, void *context);

/*
 * The same with the bytes of `close.figures`. When they are no report, which is told as a difference
 * of that field, or the arena is too small for it, nothing else is compared.
 *
 *   Errors  LIMIT arena too small; the arena is as it was
 */
CHEK_MUST_USE int chek_figures_reconcile(struct chek_bytes_view figures,
                                         const struct chek_report *counted,
                                         struct chek_arena *arena, chek_difference_fn on_difference,
                                         void *context);

/*
 * Compare the first closed shift at or above `first` with what the register's own close says. What
 * came after the close is not in it, on either side. `differences` of *ret are left to the caller.
 *
 *   Errors  UNREGISTERED; NOT_FOUND no such shift; LIMIT; CORRUPT a sealed row; *ret is unchanged
 *   Cost    reads one or two rows
 */
CHEK_MUST_USE int chek_fiscal_reconcile(const struct chek_fiscal *fiscal, uint32_t registration,
                                        uint32_t first, struct chek_arena *arena,
                                        chek_difference_fn on_difference, void *context,
                                        struct chek_reconciliation *ret);

#endif
