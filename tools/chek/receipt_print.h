/* SPDX-License-Identifier: MIT */
/*
 * receipt_print.h - a stored document on a strip of paper's width.
 */
#ifndef CHEK_TOOLS_CHEK_RECEIPT_PRINT_H
#define CHEK_TOOLS_CHEK_RECEIPT_PRINT_H

#include "tools/chek/run.h"

/* Who people of a receipt are, in the order in which it names them. */
#define CHEK__KNOWN_COUNT_MAX (1 + CHEK_PERSON_COUNT_MAX)
struct chek__known {
    struct chek_known_person persons[CHEK__KNOWN_COUNT_MAX];
    uint32_t count;
};

/* `whose` may be NULL: then amounts have the decimals of the default currency; so may `known`: then
 * subjects are shown. */
void chek__stored_print(const struct chek_registered *whose, const struct chek_stored *stored,
                        const struct chek__known *known);

/* Say on stderr that a list begins later than it was asked to, when its answer says so. */
void chek__removed_note(const struct chek_stored_list *answer);

#endif
