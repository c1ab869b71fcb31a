/* SPDX-License-Identifier: MIT */
/*
 * test_decimal.c - every form that is no number, every edge of 64 bits, and the way back.
 */
#include "engine/base/decimal.h"

#include "tests/unit/table.h"

#define UNTOUCHED INT64_C(0xdead)

static struct read_case {
    const char *name;
    const char *text;
    unsigned scale;
    int error;
    int64_t value;
} read_cases[] = {
    {"whole_number_at_scale_0", "12", 0, CHEK_OK, 12},
    {"whole_number_is_scaled", "12", 3, CHEK_OK, 12000},
    {"fraction_is_scaled", "12.5", 2, CHEK_OK, 1250},
    {"fraction_fills_the_scale", "0.308", 3, CHEK_OK, 308},
    {"negative_fraction", "-0.05", 2, CHEK_OK, -5},
    {"zeros_behind_the_scale_are_harmless", "2.000000", 3, CHEK_OK, 2000},
    {"zeros_behind_a_digit_are_harmless", "1.50000000000000000000000", 1, CHEK_OK, 15},
    {"zero_fraction_at_scale_0", "7.0", 0, CHEK_OK, 7},
    {"zeros_in_front_are_harmless", "000012.50", 2, CHEK_OK, 1250},
    {"many_zeros_in_front_do_not_overflow", "0000000000000000000000000000001", 0, CHEK_OK, 1},
    {"minus_zero_is_zero", "-0", 2, CHEK_OK, 0},
    {"minus_zero_with_fraction_is_zero", "-0.00", 2, CHEK_OK, 0},
    {"largest", "9223372036854775807", 0, CHEK_OK, INT64_MAX},
    {"smallest", "-9223372036854775808", 0, CHEK_OK, INT64_MIN},
    {"largest_with_fraction", "9.223372036854775807", 18, CHEK_OK, INT64_MAX},
    {"smallest_with_fraction", "-92233720368547758.08", 2, CHEK_OK, INT64_MIN},
    {"one_above_the_largest", "9223372036854775808", 0, CHEK_E_OVERFLOW, 0},
    {"one_below_the_smallest", "-9223372036854775809", 0, CHEK_E_OVERFLOW, 0},
    {"above_64_unsigned_bits", "18446744073709551616", 0, CHEK_E_OVERFLOW, 0},
    {"scaling_overflows_63_bits", "92233720368547758.08", 2, CHEK_E_OVERFLOW, 0},
    {"scaling_overflows_64_bits", "1000000000000000000", 18, CHEK_E_OVERFLOW, 0},
    {"fraction_overflows", "18446744073709551615.9", 1, CHEK_E_OVERFLOW, 0},
    {"two_hundred_digits_overflow",
     "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999"
     "99999999999999999999999999999999999999999999999999999999999999999999999999999999999999999999",
     0, CHEK_E_OVERFLOW, 0},
    {"one_decimal_too_many", "1.234", 2, CHEK_E_NUMBER, 0},
    {"decimal_at_scale_0", "1.5", 0, CHEK_E_NUMBER, 0},
    {"significant_decimal_behind_zeros", "1.0000001", 3, CHEK_E_NUMBER, 0},
    {"empty", "", 2, CHEK_E_NUMBER, 0},
    {"minus_alone", "-", 2, CHEK_E_NUMBER, 0},
    {"minus_twice", "--1", 2, CHEK_E_NUMBER, 0},
    {"minus_behind", "1-", 2, CHEK_E_NUMBER, 0},
    {"plus_in_front", "+1", 2, CHEK_E_NUMBER, 0},
    {"point_alone", ".", 2, CHEK_E_NUMBER, 0},
    {"point_in_front", ".5", 2, CHEK_E_NUMBER, 0},
    {"point_behind", "5.", 2, CHEK_E_NUMBER, 0},
    {"minus_and_point", "-.5", 2, CHEK_E_NUMBER, 0},
    {"two_points", "1.2.3", 6, CHEK_E_NUMBER, 0},
    {"comma", "1,5", 2, CHEK_E_NUMBER, 0},
    {"exponent", "1e3", 2, CHEK_E_NUMBER, 0},
    {"exponent_behind_fraction", "1.5e3", 2, CHEK_E_NUMBER, 0},
    {"space_in_front", " 1", 2, CHEK_E_NUMBER, 0},
    {"space_behind", "1 ", 2, CHEK_E_NUMBER, 0},
    {"space_between_thousands", "1 000", 2, CHEK_E_NUMBER, 0},
    {"hexadecimal", "0x10", 2, CHEK_E_NUMBER, 0},
    {"infinity", "inf", 2, CHEK_E_NUMBER, 0},
    {"nan", "nan", 2, CHEK_E_NUMBER, 0},
    {"arabic_digit", "\xd9\xa1", 2, CHEK_E_NUMBER, 0},
    {"byte_before_0", "1/", 2, CHEK_E_NUMBER, 0},
    {"byte_behind_9", "1:", 2, CHEK_E_NUMBER, 0},
    {"no_number_wins_over_overflow", "99999999999999999999x", 0, CHEK_E_NUMBER, 0},
};

static void
test_decimal_read(void **state)
{
    const struct read_case *c = *state;
    int64_t got = UNTOUCHED;
    assert_error(chek_decimal_read(chek_bytes_view_text(c->text), c->scale, &got), c->error);
    assert_true(got == (c->error == CHEK_OK ? c->value : UNTOUCHED));
}

static struct unsigned_case {
    const char *name;
    const char *text;
    int error;
    uint64_t value;
} unsigned_cases[] = {
    {"u64_zero", "0", CHEK_OK, 0},
    {"u64_with_zeros_in_front", "0000000012345678", CHEK_OK, 12345678},
    {"u64_largest", "18446744073709551615", CHEK_OK, UINT64_MAX},
    {"u64_one_above_the_largest", "18446744073709551616", CHEK_E_OVERFLOW, 0},
    {"u64_ten_times_too_large", "184467440737095516150", CHEK_E_OVERFLOW, 0},
    {"u64_empty", "", CHEK_E_NUMBER, 0},
    {"u64_minus", "-1", CHEK_E_NUMBER, 0},
    {"u64_plus", "+1", CHEK_E_NUMBER, 0},
    {"u64_fraction", "1.0", CHEK_E_NUMBER, 0},
    {"u64_letter", "12a", CHEK_E_NUMBER, 0},
};

static void
test_decimal_read_u64(void **state)
{
    const struct unsigned_case *c = *state;
    uint64_t got = UNTOUCHED;
    assert_error(chek_decimal_read_u64(chek_bytes_view_text(c->text), &got), c->error);
    assert_true(got == (c->error == CHEK_OK ? c->value : (uint64_t)UNTOUCHED));
}

static void
test_decimal_read_stops_at_the_size(void **state)
{
    (void)state;
    int64_t got = UNTOUCHED;
    assert_error(chek_decimal_read(chek_bytes_view_of("12.345", 4), 2, &got), CHEK_OK);
    assert_int_equal(got, 1230);
    assert_error(chek_decimal_read(chek_bytes_view_of(NULL, 0), 2, &got), CHEK_E_NUMBER);
}

static struct write_case {
    const char *name;
    int64_t value;
    unsigned scale;
    const char *text, *text_short;
} write_cases[] = {
    {"write_zero", 0, 0, "0", "0"},
    {"write_zero_with_decimals", 0, 2, "0.00", "0"},
    {"write_whole", 41905, 0, "41905", "41905"},
    {"write_whole_with_zeros_at_scale_0", 1200, 0, "1200", "1200"},
    {"write_money", 123456, 2, "1234.56", "1234.56"},
    {"write_less_than_one", 5, 3, "0.005", "0.005"},
    {"write_negative_less_than_one", -5, 3, "-0.005", "-0.005"},
    {"write_quantity_without_rest", 2000000, 6, "2.000000", "2"},
    {"write_quantity_with_rest", 308000, 6, "0.308000", "0.308"},
    {"write_ten", 1000, 2, "10.00", "10"},
    {"write_largest", INT64_MAX, 0, "9223372036854775807", "9223372036854775807"},
    {"write_smallest", INT64_MIN, 18, "-9.223372036854775808", "-9.223372036854775808"},
    {"write_smallest_fraction", -1, 18, "-0.000000000000000001", "-0.000000000000000001"},
};

static void
test_decimal_write(void **state)
{
    const struct write_case *c = *state;
    char text[CHEK_DECIMAL_TEXT_MAX + 1];
    memset(text, 'x', sizeof text);
    assert_int_equal(chek_decimal_write(c->value, c->scale, text), strlen(c->text));
    assert_string_equal(text, c->text);
    assert_int_equal(text[CHEK_DECIMAL_TEXT_MAX], 'x');
    assert_int_equal(chek_decimal_write_short(c->value, c->scale, text), strlen(c->text_short));
    assert_string_equal(text, c->text_short);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_decimal_read, read_cases);
    TABLE_ROWS(&table, test_decimal_read_u64, unsigned_cases);
    TABLE_TEST(&table, test_decimal_read_stops_at_the_size);
    TABLE_ROWS(&table, test_decimal_write, write_cases);
    return table_run(&table, "decimal");
}
