/* SPDX-License-Identifier: MIT */
/*
 * shift_report.h - the figures of a shift as a report.
 *
 * Inside the room only; the public side is in fiscal.h.
 */
#ifndef CHEK_FISCAL_SHIFT_REPORT_H
#define CHEK_FISCAL_SHIFT_REPORT_H

#include "engine/fiscal/fiscal_state.h"

/*
 * Make the report of the open shift, which there is, as it stands now (X).
 *
 *   Ownership  everything is in `arena` or borrowed from the heap
 *   Errors     LIMIT when the arena is too small; *ret is unchanged
 */
CHEK_MUST_USE int fiscal__open_report(const struct chek_fiscal *fiscal,
                                      const struct fiscal__registration *registration,
                                      struct chek_arena *arena, struct chek_report *ret);

#endif
