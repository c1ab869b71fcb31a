/* SPDX-License-Identifier: MIT */
/*
 * plausible.h - sums that a document may have and that are worth a look. (rules C18, C19)
 *
 * Inside the room only.
 *
 *   Threads  any: no state
 */
#ifndef CHEK_FISCAL_PLAUSIBLE_H
#define CHEK_FISCAL_PLAUSIBLE_H

#include "engine/wire/protocol.h"

/* The warnings line_differs and tax_differs of a receipt that passed. Cost: some ns a line. */
uint32_t fiscal__receipt_doubts(const struct chek_receipt *receipt);

#endif
