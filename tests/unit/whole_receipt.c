/* SPDX-License-Identifier: MIT */
#include "tests/unit/whole_receipt.h"

#include "tests/fiscal/fixture.h"

void
whole_make(struct whole *w)
{
    *w = (struct whole){0};
    w->line_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 138};
    w->ticket_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 138};
    w->marking = chek_bytes_view_text("0104600439931256215Qbag!");
    w->lines[0] = (struct chek_line){.sum = 1000,
                                     .name = chek_bytes_view_text("bread"),
                                     .taxes = &w->line_tax,
                                     .taxes_count = 1};
    w->lines[1] = (struct chek_line){.sum = 500, .section = chek_bytes_view_text("2")};
    w->payments[0] = (struct chek_payment){.kind = CHEK_PAYMENT_KIND_CASH, .sum = 1200};
    w->payments[1] = (struct chek_payment){.kind = CHEK_PAYMENT_KIND_CARD, .sum = 500};
    w->discount = (struct chek_modifier){.sum = 100};
    w->parent = (struct chek_parent){.document = 5};
    w->receipt = (struct chek_receipt){
        .time = FIXTURE_DAY + 61,
        .document = 1,
        .sign = 0x1234,
        .operator= chek_bytes_view_text("Anna"),
        .total = 1400,
        .change = 300,
        .payments = w->payments,
        .payments_count = 2,
        .lines = w->lines,
        .lines_count = 2,
        .discount = &w->discount,
    };
}
