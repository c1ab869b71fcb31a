/* SPDX-License-Identifier: MIT */
/* naive_doubt.c - sums of lines and taxes worked out with as many digits as it takes. */
#include "tools/verify/naive/naive.h"

/* Tax * 100000 must be the amount * rate, give or take `tolerance` minor units of tax. */
static bool
is_off(const struct chek_tax *tax, chek_i128 amount, chek_i128 tolerance, bool less_is_right)
{
    chek_i128 rate = tax->rate;
    chek_i128 whole = tax->on_top ? 100000 : 100000 + rate;
    chek_i128 more = tax->sum * whole - amount * rate;
    if (tax->kind == CHEK_TAX_KIND_NONE || tax->kind == CHEK_TAX_KIND_OTHER) {
        return false;
    }
    return more > tolerance * whole || (-more > tolerance * whole && !less_is_right);
}

static bool
taxes_are_off(const struct chek_tax *taxes, uint32_t count, int64_t amount, uint32_t tolerance,
              bool of_ticket)
{
    bool off = false;
    for (uint32_t i = 0; i < count; i++) {
        bool said = taxes[i].turnover != 0;
        int64_t base = said && !taxes[i].on_top ? taxes[i].turnover : amount;
        off = off || is_off(&taxes[i], base, tolerance, of_ticket && !said);
    }
    return off;
}

uint32_t
chek_naive_doubts(const struct chek_receipt *receipt)
{
    bool lines = false;
    bool taxes = false;
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        /* Half a unit rounds up. */
        chek_i128 due = ((chek_i128)line->price * line->quantity + 500000) / 1000000;
        chek_i128 apart = due > line->sum ? due - line->sum : line->sum - due;
        lines = lines || (line->price != 0 && line->quantity != 0 && apart > 1);
        taxes = taxes || taxes_are_off(line->taxes, line->taxes_count, line->sum, 1, false);
    }
    if (receipt->lines_count != 0) {
        taxes = taxes || taxes_are_off(receipt->taxes, receipt->taxes_count, receipt->total,
                                       receipt->lines_count, true);
    }
    return (lines ? UINT32_C(1) << CHEK_WARNING_LINE_DIFFERS : 0) |
           (taxes ? UINT32_C(1) << CHEK_WARNING_TAX_DIFFERS : 0);
}
