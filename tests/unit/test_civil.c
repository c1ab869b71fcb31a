/* SPDX-License-Identifier: MIT */
/*
 * test_civil.c - days that exist and days that do not.
 */
#include "engine/base/civil.h"

#include "tests/unit/table.h"

#define UNTOUCHED INT64_C(-7)

static struct read_case {
    const char *name;
    const char *text;
    int error;
    int64_t civil_s;
} read_cases[] = {
    {"epoch", "1970-01-01", CHEK_OK, 0},
    {"date_is_its_midnight", "2024-03-01", CHEK_OK, 1709251200},
    {"minutes", "2024-03-01T00:01", CHEK_OK, 1709251260},
    {"seconds", "2024-03-01T23:59:59", CHEK_OK, 1709337599},
    {"space_for_the_t", "2024-03-01 10:00:00", CHEK_OK, 1709287200},
    {"first_valid_second", "2000-01-01T00:00:00", CHEK_OK, CHEK_CIVIL_MIN},
    {"last_valid_second", "2099-12-31T23:59:59", CHEK_OK, CHEK_CIVIL_MAX},
    {"leap_day_every_4", "2024-02-29", CHEK_OK, 1709164800},
    {"leap_day_every_400", "2000-02-29", CHEK_OK, 951782400},
    {"no_leap_day", "2023-02-29", CHEK_E_DATE, 0},
    {"february_30", "2024-02-30", CHEK_E_DATE, 0},
    {"april_31", "2024-04-31", CHEK_E_DATE, 0},
    {"december_31", "2024-12-31", CHEK_OK, 1735603200},
    {"december_32", "2024-12-32", CHEK_E_DATE, 0},
    {"day_0", "2024-01-00", CHEK_E_DATE, 0},
    {"month_0", "2024-00-01", CHEK_E_DATE, 0},
    {"month_13", "2024-13-01", CHEK_E_DATE, 0},
    {"year_1969", "1969-12-31", CHEK_E_DATE, 0},
    {"year_2100", "2100-01-01", CHEK_E_DATE, 0},
    {"hour_24", "2024-01-01T24:00", CHEK_E_DATE, 0},
    {"minute_60", "2024-01-01T00:60", CHEK_E_DATE, 0},
    {"second_60", "2024-01-01T00:00:60", CHEK_E_DATE, 0},
    {"zone_is_not_civil", "2024-01-01T00:00:00Z", CHEK_E_DATE, 0},
    {"offset_is_not_civil", "2024-01-01T00:00:00+05:00", CHEK_E_DATE, 0},
    {"fraction_is_not_civil", "2024-01-01T00:00:00.5", CHEK_E_DATE, 0},
    {"empty", "", CHEK_E_DATE, 0},
    {"one_byte_missing", "2024-01-0", CHEK_E_DATE, 0},
    {"one_byte_behind_the_date", "2024-01-01T", CHEK_E_DATE, 0},
    {"hour_alone", "2024-01-01T10", CHEK_E_DATE, 0},
    {"slash_for_the_hyphen", "2024/01/01", CHEK_E_DATE, 0},
    {"second_hyphen_missing", "2024-01.01", CHEK_E_DATE, 0},
    {"small_t", "2024-01-01t10:00", CHEK_E_DATE, 0},
    {"colon_missing", "2024-01-01T10.00", CHEK_E_DATE, 0},
    {"second_colon_missing", "2024-01-01T10:00.00", CHEK_E_DATE, 0},
    {"sign_for_a_digit", "2024-01-01T+1:00", CHEK_E_DATE, 0},
    {"space_for_a_digit", "2024- 1-01", CHEK_E_DATE, 0},
    {"letter_in_the_seconds", "2024-01-01T00:00:0x", CHEK_E_DATE, 0},
    {"day_first", "01.02.2024", CHEK_E_DATE, 0},
};

static void
test_civil_read(void **state)
{
    const struct read_case *c = *state;
    int64_t got = UNTOUCHED;
    assert_error(chek_civil_read(chek_bytes_view_text(c->text), &got), c->error);
    assert_true(got == (c->error == CHEK_OK ? c->civil_s : UNTOUCHED));
}

static struct parts_case {
    const char *name;
    struct chek_civil_parts parts;
    int error;
} parts_cases[] = {
    {"parts_first", {1970, 1, 1, 0, 0, 0}, CHEK_OK},
    {"parts_last", {2099, 12, 31, 23, 59, 59}, CHEK_OK},
    {"parts_month_255", {2024, 255, 1, 0, 0, 0}, CHEK_E_DATE},
    {"parts_day_255", {2024, 1, 255, 0, 0, 0}, CHEK_E_DATE},
    {"parts_hour_255", {2024, 1, 1, 255, 0, 0}, CHEK_E_DATE},
    {"parts_year_negative", {-2024, 1, 1, 0, 0, 0}, CHEK_E_DATE},
    {"parts_year_largest", {INT32_MAX, 1, 1, 0, 0, 0}, CHEK_E_DATE},
};

static void
test_civil_from_parts(void **state)
{
    const struct parts_case *c = *state;
    int64_t got = UNTOUCHED;
    assert_error(chek_civil_from_parts(&c->parts, &got), c->error);
    if (c->error != CHEK_OK) {
        assert_true(got == UNTOUCHED);
        return;
    }
    struct chek_civil_parts back = chek_civil_to_parts(got);
    assert_int_equal(back.year, c->parts.year);
    assert_int_equal(back.month, c->parts.month);
    assert_int_equal(back.day, c->parts.day);
    assert_int_equal(back.hour, c->parts.hour);
    assert_int_equal(back.minute, c->parts.minute);
    assert_int_equal(back.second, c->parts.second);
}

static struct write_case {
    const char *name;
    int64_t civil_s;
    const char *text;
} write_cases[] = {
    {"write_epoch", 0, "1970-01-01T00:00:00"},
    {"write_leap_second_of_2016_is_none", 1483228799, "2016-12-31T23:59:59"},
    {"write_last_valid", CHEK_CIVIL_MAX, "2099-12-31T23:59:59"},
    {"write_2100_has_no_leap_day", 4107542400, "2100-03-01T00:00:00"},
    {"write_negative_is_the_first", -1, "1970-01-01T00:00:00"},
    {"write_smallest_is_the_first", INT64_MIN, "1970-01-01T00:00:00"},
    {"write_last_of_four_digits", INT64_C(253402300799), "9999-12-31T23:59:59"},
    {"write_largest_is_the_last", INT64_MAX, "9999-12-31T23:59:59"},
};

static void
test_civil_write(void **state)
{
    const struct write_case *c = *state;
    char text[CHEK_CIVIL_TEXT_MAX];
    assert_int_equal(chek_civil_write(c->civil_s, text), 19);
    assert_string_equal(text, c->text);
    assert_int_equal(chek_civil_write_date(c->civil_s, text), 10);
    assert_int_equal(strlen(text), 10);
    assert_memory_equal(text, c->text, 10);
}

static void
test_civil_write_utc_drops_the_fraction(void **state)
{
    (void)state;
    char text[CHEK_CIVIL_TEXT_MAX];
    assert_int_equal(chek_civil_write_utc(UINT64_C(1709251200999999), text), 20);
    assert_string_equal(text, "2024-03-01T00:00:00Z");
    assert_int_equal(chek_civil_write_utc(UINT64_MAX, text), 20);
    assert_string_equal(text, "9999-12-31T23:59:59Z");
}

static void
test_civil_read_utc(void **state)
{
    static const char *const wrong[] = {"2024-03-01T00:00:00", "2024-03-01T00:00:0Z",
                                        "2024-02-30T00:00:00Z", "2024-03-01T00:00:00z", ""};
    uint64_t utc_us = 7;
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(wrong); i++) {
        assert_error(chek_civil_read_utc(chek_bytes_view_text(wrong[i]), &utc_us), CHEK_E_DATE);
        assert_int_equal(utc_us, 7);
    }
    assert_error(chek_civil_read_utc(chek_bytes_view_text("2024-03-01T00:00:00Z"), &utc_us),
                 CHEK_OK);
    assert_int_equal(utc_us, UINT64_C(1709251200000000));
}

static void
test_civil_day_and_hour_are_divisions(void **state)
{
    (void)state;
    assert_int_equal(chek_civil_day(86399), 0);
    assert_int_equal(chek_civil_day(86400), 1);
    assert_int_equal(chek_civil_hour(3599), 0);
    assert_int_equal(chek_civil_hour(CHEK_CIVIL_MAX),
                     24 * (chek_civil_day(CHEK_CIVIL_MAX) + 1) - 1);
}

static void
test_civil_is_valid_has_two_edges(void **state)
{
    (void)state;
    assert_true(chek_civil_is_valid(CHEK_CIVIL_MIN));
    assert_false(chek_civil_is_valid(CHEK_CIVIL_MIN - 1));
    assert_true(chek_civil_is_valid(CHEK_CIVIL_MAX));
    assert_false(chek_civil_is_valid(CHEK_CIVIL_MAX + 1));
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_civil_read, read_cases);
    TABLE_ROWS(&table, test_civil_from_parts, parts_cases);
    TABLE_ROWS(&table, test_civil_write, write_cases);
    TABLE_TEST(&table, test_civil_write_utc_drops_the_fraction);
    TABLE_TEST(&table, test_civil_read_utc);
    TABLE_TEST(&table, test_civil_day_and_hour_are_divisions);
    TABLE_TEST(&table, test_civil_is_valid_has_two_edges);
    return table_run(&table, "civil");
}
