/* SPDX-License-Identifier: MIT */
/*
 * test_money.c - rounding as the receipts print it, sums that refuse to wrap, currencies.
 */
#include "engine/base/money.h"

#include "tests/unit/table.h"

#define UNTOUCHED INT64_C(-7)

static struct tax_case {
    const char *name;
    int64_t amount;
    uint32_t rate;
    int64_t tax;
} tax_cases[] = {
    {"tax_16_of_1000_00", 100000, 16000, 13793},
    {"tax_16_of_900_00", 90000, 16000, 12414},
    {"tax_16_of_300_00", 30000, 16000, 4138},
    {"tax_12_of_1904_00", 190400, 12000, 20400},
    {"tax_0_is_nothing", 100000, 0, 0},
    {"tax_of_nothing", 0, 16000, 0},
    {"tax_20_of_0_01", 1, 20000, 0},
    {"tax_20_of_0_03_is_half_a_unit_up", 3, 20000, 1},
    {"tax_100_of_0_01_is_half_a_unit_up", 1, 100000, 1},
    {"tax_10_of_110_00", 11000, 10000, 1000},
    {"tax_of_the_largest", CHEK_MONEY_MAX, CHEK_RATE_MAX, INT64_C(9090909090909)},
};

static void
test_money_tax_included(void **state)
{
    const struct tax_case *c = *state;
    assert_true(chek_money_tax_included(c->amount, c->rate) == c->tax);
}

static struct line_case {
    const char *name;
    int64_t price, quantity;
    int error;
    int64_t sum;
} line_cases[] = {
    {"line_one_piece", 100000, 1000000, CHEK_OK, 100000},
    {"line_half_goes_up", 33333, 1500000, CHEK_OK, 50000},
    {"line_below_half_goes_down", 1, 499999, CHEK_OK, 0},
    {"line_at_half_goes_up", 1, 500000, CHEK_OK, 1},
    {"line_weight", 59900, 308000, CHEK_OK, 18449},
    {"line_of_nothing", 0, 1000000, CHEK_OK, 0},
    {"line_at_the_limit", CHEK_MONEY_MAX, 1000000, CHEK_OK, CHEK_MONEY_MAX},
    {"line_rounds_down_to_the_limit", CHEK_MONEY_MAX * 10 + 4, 100000, CHEK_OK, CHEK_MONEY_MAX},
    {"line_rounds_up_over_the_limit", CHEK_MONEY_MAX * 10 + 5, 100000, CHEK_E_OVERFLOW, 0},
    {"line_one_above_the_limit", CHEK_MONEY_MAX + 1, 1000000, CHEK_E_OVERFLOW, 0},
    {"line_of_two_limits", CHEK_MONEY_MAX, CHEK_QUANTITY_MAX, CHEK_E_OVERFLOW, 0},
    {"line_of_any_large_numbers", INT64_MAX, INT64_MAX, CHEK_E_OVERFLOW, 0},
    {"line_of_any_small_numbers", INT64_MIN, INT64_MIN, CHEK_E_OVERFLOW, 0},
    {"line_negative", -100, 1000000, CHEK_E_OVERFLOW, 0},
    {"line_negative_large", INT64_MIN, INT64_MAX, CHEK_E_OVERFLOW, 0},
};

static void
test_money_line_sum(void **state)
{
    const struct line_case *c = *state;
    int64_t got = UNTOUCHED;
    assert_error(chek_money_line_sum(c->price, c->quantity, &got), c->error);
    assert_true(got == (c->error == CHEK_OK ? c->sum : UNTOUCHED));
}

static struct add_case {
    const char *name;
    int64_t sum, addend;
    int error;
    int64_t want;
} add_cases[] = {
    {"add_two", 1, 2, CHEK_OK, 3},
    {"add_up_to_the_largest", INT64_MAX - 1, 1, CHEK_OK, INT64_MAX},
    {"add_above_the_largest", INT64_MAX, 1, CHEK_E_OVERFLOW, INT64_MAX},
    {"add_down_to_the_smallest", INT64_MIN + 1, -1, CHEK_OK, INT64_MIN},
    {"add_below_the_smallest", INT64_MIN, -1, CHEK_E_OVERFLOW, INT64_MIN},
};

static void
test_money_add(void **state)
{
    const struct add_case *c = *state;
    int64_t sum = c->sum;
    assert_error(chek_money_add(&sum, c->addend), c->error);
    assert_true(sum == c->want);
}

static void
test_money_is_valid_has_two_edges(void **state)
{
    (void)state;
    assert_true(chek_money_is_valid(0));
    assert_false(chek_money_is_valid(-1));
    assert_true(chek_money_is_valid(CHEK_MONEY_MAX));
    assert_false(chek_money_is_valid(CHEK_MONEY_MAX + 1));
}

static struct currency_case {
    const char *name;
    const char *code;
    uint16_t currency;
    unsigned decimals;
} currency_cases[] = {
    {"tenge", "KZT", 398, 2},   {"rouble", "RUB", 643, 2},   {"dollar", "USD", 840, 2},
    {"euro", "EUR", 978, 2},    {"yen", "JPY", 392, 0},      {"dinar", "KWD", 414, 3},
    {"first_row", "ALL", 8, 2}, {"last_row", "BRL", 986, 2},
};

static void
test_currency(void **state)
{
    const struct currency_case *c = *state;
    assert_string_equal(chek_currency_name(c->currency), c->code);
    assert_int_equal(chek_currency_find(c->code), c->currency);
    assert_int_equal(chek_currency_decimals(c->currency), c->decimals);
}

static void
test_currency_not_listed_has_no_name(void **state)
{
    (void)state;
    assert_string_equal(chek_currency_name(0), "");
    assert_string_equal(chek_currency_name(UINT16_MAX), "");
    assert_int_equal(chek_currency_decimals(9), 2);
    assert_int_equal(chek_currency_find("kzt"), 0);
    assert_int_equal(chek_currency_find(""), 0);
}

/* A row out of order would be lost to the binary search. */
static void
test_currency_every_code_finds_itself(void **state)
{
    (void)state;
    unsigned count = 0;
    for (unsigned code = 1; code <= UINT16_MAX; code++) {
        const char *name = chek_currency_name((uint16_t)code);
        if (name[0] != '\0') {
            assert_int_equal(strlen(name), 3);
            assert_int_equal(chek_currency_find(name), code);
            count += 1;
        }
    }
    assert_int_equal(count, 62);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_money_tax_included, tax_cases);
    TABLE_ROWS(&table, test_money_line_sum, line_cases);
    TABLE_ROWS(&table, test_money_add, add_cases);
    TABLE_TEST(&table, test_money_is_valid_has_two_edges);
    TABLE_ROWS(&table, test_currency, currency_cases);
    TABLE_TEST(&table, test_currency_not_listed_has_no_name);
    TABLE_TEST(&table, test_currency_every_code_finds_itself);
    return table_run(&table, "money");
}
