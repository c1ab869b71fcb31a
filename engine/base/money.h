/* SPDX-License-Identifier: MIT */
/*
 * money.h - amounts, quantities and rates as integers, every sum checked.
 *
 * Units: money in minor units of its currency (tiyn, kopeck), quantity in 10^-6 of a unit, rate in
 * thousandths of a percent (16 % = 16000). An amount of a document is at most CHEK_MONEY_MAX;
 * sums that live longer than a shift are kept in 128 bits.
 */
#ifndef CHEK_BASE_MONEY_H
#define CHEK_BASE_MONEY_H

#include "engine/base/error.h"
#include "engine/base/limits.h"

/* *sum += addend; OVERFLOW leaves *sum as it was. */
CHEK_MUST_USE static inline int
chek_money_add(int64_t *sum, int64_t addend)
{
    int64_t next;
    if (CHEK_UNLIKELY(__builtin_add_overflow(*sum, addend, &next))) {
        return CHEK_E_OVERFLOW;
    }
    *sum = next;
    return CHEK_OK;
}

/* Whether a document may carry this amount: 0..CHEK_MONEY_MAX. */
static inline bool
chek_money_is_valid(int64_t amount)
{
    return amount >= 0 && amount <= CHEK_MONEY_MAX;
}

/*
 * price * quantity, rounded half up to the minor unit. Any numbers may be given.
 *
 *   Errors     OVERFLOW when the product leaves 0..CHEK_MONEY_MAX; *ret is unchanged
 */
CHEK_MUST_USE int chek_money_line_sum(int64_t price, int64_t quantity_micro, int64_t *ret);

/*
 * The tax inside a tax-inclusive amount: amount * rate / (100 % + rate), rounded half up.
 * `amount` is 0..CHEK_MONEY_MAX, `rate_milli_percent` 0..CHEK_RATE_MAX (asserted).
 */
int64_t chek_money_tax_included(int64_t amount, uint32_t rate_milli_percent);

/* Decimals of an ISO 4217 numeric currency code; 2 for a code not listed. */
unsigned chek_currency_decimals(uint16_t currency);

/* Alphabetic code ("KZT") of a numeric currency; "" when not listed. Static storage. */
const char *chek_currency_name(uint16_t currency);

/* Numeric code of an alphabetic one; 0 when not listed. */
uint16_t chek_currency_find(const char *name);

#endif
