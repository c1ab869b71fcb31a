/* SPDX-License-Identifier: MIT */
/* whole_receipt.h - a receipt that carries a bit of everything, for tests that change one thing of it. */
#ifndef CHEK_TESTS_WHOLE_RECEIPT_H
#define CHEK_TESTS_WHOLE_RECEIPT_H

#include "engine/wire/protocol.h"

struct whole {
    struct chek_line lines[2];
    struct chek_tax line_tax, ticket_tax;
    struct chek_payment payments[2];
    struct chek_modifier discount;
    struct chek_parent parent;
    struct chek_bytes_view marking;
    struct chek_receipt receipt;
};

void whole_make(struct whole *w);

#endif
