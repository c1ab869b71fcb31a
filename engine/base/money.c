/* SPDX-License-Identifier: MIT */
/*
 * money.c - rounding, and the currencies we have a name for.
 *
 *   Source  ISO 4217:2015, list one (numeric codes and minor units)
 */
#include "engine/base/money.h"

#include <string.h>

#include "engine/base/assertion.h"

#define QUANTITY_ONE 1000000
#define RATE_WHOLE 100000 /* 100 % */

struct currency_row {
    uint16_t numeric;
    uint8_t decimals;
    char name[4];
};

/* By numeric code. */
static const struct currency_row currencies[] = {
    {8, 2, "ALL"},   {12, 2, "DZD"},  {36, 2, "AUD"},  {48, 3, "BHD"},  {50, 2, "BDT"},
    {51, 2, "AMD"},  {124, 2, "CAD"}, {156, 2, "CNY"}, {203, 2, "CZK"}, {208, 2, "DKK"},
    {344, 2, "HKD"}, {348, 2, "HUF"}, {352, 0, "ISK"}, {356, 2, "INR"}, {360, 2, "IDR"},
    {364, 2, "IRR"}, {368, 3, "IQD"}, {376, 2, "ILS"}, {392, 0, "JPY"}, {398, 2, "KZT"},
    {400, 3, "JOD"}, {410, 0, "KRW"}, {414, 3, "KWD"}, {417, 2, "KGS"}, {458, 2, "MYR"},
    {496, 2, "MNT"}, {498, 2, "MDL"}, {512, 3, "OMR"}, {554, 2, "NZD"}, {578, 2, "NOK"},
    {586, 2, "PKR"}, {608, 2, "PHP"}, {634, 2, "QAR"}, {643, 2, "RUB"}, {682, 2, "SAR"},
    {702, 2, "SGD"}, {704, 0, "VND"}, {710, 2, "ZAR"}, {752, 2, "SEK"}, {756, 2, "CHF"},
    {764, 2, "THB"}, {784, 2, "AED"}, {788, 3, "TND"}, {818, 2, "EGP"}, {826, 2, "GBP"},
    {840, 2, "USD"}, {860, 2, "UZS"}, {933, 2, "BYN"}, {934, 2, "TMT"}, {941, 2, "RSD"},
    {944, 2, "AZN"}, {946, 2, "RON"}, {949, 2, "TRY"}, {971, 2, "AFN"}, {972, 2, "TJS"},
    {975, 2, "BGN"}, {977, 2, "BAM"}, {978, 2, "EUR"}, {980, 2, "UAH"}, {981, 2, "GEL"},
    {985, 2, "PLN"}, {986, 2, "BRL"},
};

int
chek_money_line_sum(int64_t price, int64_t quantity_micro, int64_t *ret)
{
    /* Two 63-bit factors cannot leave 127 bits. */
    chek_i128 product = (chek_i128)price * quantity_micro + QUANTITY_ONE / 2;
    if (product < 0 || product / QUANTITY_ONE > CHEK_MONEY_MAX) {
        return CHEK_E_OVERFLOW;
    }
    *ret = (int64_t)(product / QUANTITY_ONE);
    return CHEK_OK;
}

int64_t
chek_money_tax_included(int64_t amount, uint32_t rate_milli_percent)
{
    _Static_assert(CHEK_MONEY_MAX <= UINT64_MAX / CHEK_RATE_MAX, "the product fits 64 bits");
    CHEK_ASSERT(chek_money_is_valid(amount));
    CHEK_ASSERT(rate_milli_percent <= CHEK_RATE_MAX);

    uint64_t product = (uint64_t)amount * rate_milli_percent;
    uint64_t divisor = RATE_WHOLE + (uint64_t)rate_milli_percent;
    uint64_t rest = product % divisor;
    return (int64_t)(product / divisor + (rest * 2 >= divisor));
}

static const struct currency_row *
currency_row_of(uint16_t currency)
{
    size_t low = 0;
    size_t high = CHEK_COUNT(currencies);
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (currencies[middle].numeric == currency) {
            return &currencies[middle];
        }
        if (currencies[middle].numeric < currency) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return NULL;
}

unsigned
chek_currency_decimals(uint16_t currency)
{
    const struct currency_row *row = currency_row_of(currency);
    return row != NULL ? row->decimals : 2;
}

const char *
chek_currency_name(uint16_t currency)
{
    const struct currency_row *row = currency_row_of(currency);
    return row != NULL ? row->name : "";
}

uint16_t
chek_currency_find(const char *name)
{
    for (size_t i = 0; i < CHEK_COUNT(currencies); i++) {
        if (strcmp(currencies[i].name, name) == 0) {
            return currencies[i].numeric;
        }
    }
    return 0;
}
