/* SPDX-License-Identifier: MIT */
/*
 * prop_money.c - a rounded result is the nearest one, and a half goes up.
 */
#include "engine/base/money.h"

#include "tests/prop/prop.h"

/* Whether `rounded` is `numerator / denominator` rounded half up: r - 1/2 <= n/d < r + 1/2. */
static bool
is_nearest(chek_i128 numerator, chek_i128 denominator, int64_t rounded)
{
    chek_i128 twice = 2 * (chek_i128)rounded;
    return (twice - 1) * denominator <= 2 * numerator && 2 * numerator < (twice + 1) * denominator;
}

/* Small, large and round numbers alike. */
static int64_t
amount_of(struct chek_prng *prng, int64_t max)
{
    uint64_t value = chek_prng_below(prng, (uint64_t)max + 1) >> chek_prng_below(prng, 44);
    return (int64_t)(chek_prng_chance(prng, 300000) ? value / 1000 * 1000 : value);
}

static void
check_tax(struct prop *prop, struct chek_prng *prng)
{
    int64_t amount = amount_of(prng, CHEK_MONEY_MAX);
    uint32_t rate = (uint32_t)amount_of(prng, CHEK_RATE_MAX);
    int64_t tax = chek_money_tax_included(amount, rate);
    PROP_CHECK(prop, is_nearest((chek_i128)amount * rate, 100000 + (chek_i128)rate, tax));
    PROP_CHECK(prop, tax >= 0 && tax <= amount);
}

static void
check_line_sum(struct prop *prop, struct chek_prng *prng)
{
    int64_t price = amount_of(prng, CHEK_MONEY_MAX);
    int64_t quantity = amount_of(prng, CHEK_QUANTITY_MAX);
    int64_t sum = -7;
    int error = chek_money_line_sum(price, quantity, &sum);
    if (error == CHEK_OK) {
        PROP_CHECK(prop, chek_money_is_valid(sum));
        PROP_CHECK(prop, is_nearest((chek_i128)price * quantity, 1000000, sum));
    } else {
        PROP_CHECK(prop, error == CHEK_E_OVERFLOW && sum == -7);
        PROP_CHECK(prop, ((chek_i128)price * quantity + 500000) / 1000000 > CHEK_MONEY_MAX);
    }
}

static void
check_any_numbers(struct prop *prop, struct chek_prng *prng)
{
    int64_t price = (int64_t)chek_prng_next(prng) >> chek_prng_below(prng, 64);
    int64_t quantity = (int64_t)chek_prng_next(prng) >> chek_prng_below(prng, 64);
    int64_t sum = -7;
    int error = chek_money_line_sum(price, quantity, &sum);
    PROP_CHECK(prop, (error == CHEK_OK) == chek_money_is_valid(sum));

    int64_t added = price;
    chek_i128 want = (chek_i128)price + quantity;
    bool fits = want >= INT64_MIN && want <= INT64_MAX;
    PROP_CHECK(prop, (chek_money_add(&added, quantity) == CHEK_OK) == fits);
    PROP_CHECK(prop, added == (fits ? (int64_t)want : price));
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 500000);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        check_tax(&prop, &prng);
        check_line_sum(&prop, &prng);
        check_any_numbers(&prop, &prng);
    }
    return 0;
}
