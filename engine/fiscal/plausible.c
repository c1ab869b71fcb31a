/* SPDX-License-Identifier: MIT */
/* plausible.c - lines that are not price times quantity, taxes that are not their rate. */
#include "engine/fiscal/plausible.h"

#include "engine/base/limits.h"
#include "engine/base/money.h"

#define RATE_ONE UINT64_C(100000) /* 100 % in thousandths of a percent */
#define QUANTITY_ONE 1000000

/* What is compared below fits 64 bits without a sign. */
_Static_assert((uint64_t)CHEK_MONEY_MAX <= UINT64_MAX / (RATE_ONE + CHEK_RATE_MAX), "products fit");

/* C18: most lines are exactly what they say, which one multiplication tells. */
static bool
line_differs(const struct chek_line *line)
{
    int64_t product;
    int64_t scaled;
    if (line->price == 0 || line->quantity == 0) {
        return false;
    }
    if (!__builtin_mul_overflow(line->price, line->quantity, &product) &&
        !__builtin_mul_overflow(line->sum, (int64_t)QUANTITY_ONE, &scaled) && product == scaled) {
        return false;
    }
    return chek_money_line_sum(line->price, line->quantity, &product) != CHEK_OK ||
           line->sum > product + 1 || line->sum < product - 1;
}

/*
 * C19: both sides of sum = base * rate / divisor, times the divisor, may be so many minor units
 * apart. `at_most`: less is right as well.
 */
static bool
tax_differs(const struct chek_tax *tax, int64_t amount, uint64_t tolerance, bool at_most)
{
    if (tax->kind != CHEK_TAX_KIND_VAT && tax->kind != CHEK_TAX_KIND_VAT_EXTRACTED) {
        return false;
    }
    uint64_t base = (uint64_t)(tax->turnover != 0 && !tax->on_top ? tax->turnover : amount);
    uint64_t divisor = tax->on_top ? RATE_ONE : RATE_ONE + tax->rate;
    uint64_t said = (uint64_t)tax->sum * divisor;
    uint64_t due = base * tax->rate;
    uint64_t apart = said > due ? said - due : at_most ? 0 : due - said;
    return apart > tolerance * divisor;
}

static bool
taxes_differ(const struct chek_tax *taxes, uint32_t count, int64_t amount, uint64_t tolerance,
             bool at_most)
{
    for (uint32_t i = 0; i < count; i++) {
        if (tax_differs(&taxes[i], amount, tolerance, at_most && taxes[i].turnover == 0)) {
            return true;
        }
    }
    return false;
}

uint32_t
fiscal__receipt_doubts(const struct chek_receipt *receipt)
{
    uint32_t doubts = 0;
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        if (line_differs(line)) {
            doubts |= UINT32_C(1) << CHEK_WARNING_LINE_DIFFERS;
        }
        if (taxes_differ(line->taxes, line->taxes_count, line->sum, 1, false)) {
            doubts |= UINT32_C(1) << CHEK_WARNING_TAX_DIFFERS;
        }
    }
    /* A tax of the ticket is rounded once or once a line, and may be of a part of it. */
    if (receipt->lines_count != 0 && taxes_differ(receipt->taxes, receipt->taxes_count,
                                                  receipt->total, receipt->lines_count, true)) {
        doubts |= UINT32_C(1) << CHEK_WARNING_TAX_DIFFERS;
    }
    return doubts;
}
