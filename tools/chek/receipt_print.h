/* SPDX-License-Identifier: MIT */
/*
 * receipt_print.h - a stored document on a strip of paper's width.
 */
#ifndef CHEK_TOOLS_CHEK_RECEIPT_PRINT_H
#define CHEK_TOOLS_CHEK_RECEIPT_PRINT_H

#include "tools/chek/run.h"

/* `whose` may be NULL: then amounts have the decimals of the default currency. */
void chek__stored_print(const struct chek_registered *whose, const struct chek_stored *stored);

/* Say on stderr that a list begins later than it was asked to, when its answer says so. */
void chek__removed_note(const struct chek_stored_list *answer);

#endif
