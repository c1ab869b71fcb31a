/* SPDX-License-Identifier: MIT */
/*
 * prop_civil.c - the calendar against a walk day by day, against the C library, and against itself
 * through text.
 */
#include "engine/base/civil.h"

#include <time.h>

#include "tests/prop/prop.h"

static unsigned
naive_days_of_month(int year, unsigned month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && is_leap ? 29 : days[month - 1];
}

/* Every day of 1970..2099 in order, and that the day behind each month's last is refused. */
static void
check_every_day(struct prop *prop)
{
    int64_t civil_s = 0;
    for (int year = 1970; year <= 2099; year++) {
        for (unsigned month = 1; month <= 12; month++) {
            unsigned day_count = naive_days_of_month(year, month);
            for (unsigned day = 1; day <= day_count; day++, civil_s += CHEK_CIVIL_DAY_S) {
                struct chek_civil_parts parts = {year, (uint8_t)month, (uint8_t)day, 0, 0, 0};
                int64_t got = -1;
                PROP_CHECK(prop, chek_civil_from_parts(&parts, &got) == CHEK_OK);
                PROP_CHECK(prop, got == civil_s);
                parts = chek_civil_to_parts(civil_s + CHEK_CIVIL_DAY_S - 1);
                PROP_CHECK(prop, parts.year == year && parts.month == month && parts.day == day);
                PROP_CHECK(prop, parts.hour == 23 && parts.minute == 59 && parts.second == 59);
            }
            struct chek_civil_parts none = {year, (uint8_t)month, (uint8_t)(day_count + 1), 0, 0,
                                            0};
            int64_t untouched = -1;
            PROP_CHECK(prop, chek_civil_from_parts(&none, &untouched) == CHEK_E_DATE);
            PROP_CHECK(prop, untouched == -1);
        }
    }
    PROP_CHECK(prop, civil_s == CHEK_CIVIL_MAX + 1);
}

static void
check_against_library(struct prop *prop, int64_t civil_s)
{
    struct tm want;
    time_t seconds = (time_t)civil_s;
    PROP_CHECK(prop, gmtime_r(&seconds, &want) != NULL);
    struct chek_civil_parts got = chek_civil_to_parts(civil_s);
    PROP_CHECK(prop, got.year == want.tm_year + 1900 && got.month == want.tm_mon + 1);
    PROP_CHECK(prop, got.day == want.tm_mday && got.hour == want.tm_hour);
    PROP_CHECK(prop, got.minute == want.tm_min && got.second == want.tm_sec);

    char library_text[32];
    char text[CHEK_CIVIL_TEXT_MAX];
    strftime(library_text, sizeof library_text, "%Y-%m-%dT%H:%M:%S", &want);
    PROP_CHECK(prop, chek_civil_write(civil_s, text) == 19);
    PROP_CHECK(prop, strcmp(text, library_text) == 0);
    PROP_CHECK(prop, chek_civil_write_utc((uint64_t)civil_s * 1000000 + 999999, text) == 20);
    PROP_CHECK(prop, strncmp(text, library_text, 19) == 0);
}

static void
check_text(struct prop *prop, int64_t civil_s)
{
    char text[CHEK_CIVIL_TEXT_MAX];
    size_t size = chek_civil_write(civil_s, text);
    int64_t got = -1;
    PROP_CHECK(prop, chek_civil_read(chek_bytes_view_of(text, size), &got) == CHEK_OK);
    PROP_CHECK(prop, got == civil_s);
    PROP_CHECK(prop, chek_civil_read(chek_bytes_view_of(text, 16), &got) == CHEK_OK);
    PROP_CHECK(prop, got == civil_s - civil_s % 60);
    size = chek_civil_write_date(civil_s, text);
    PROP_CHECK(prop, chek_civil_read(chek_bytes_view_of(text, size), &got) == CHEK_OK);
    PROP_CHECK(prop, got == (int64_t)chek_civil_day(civil_s) * CHEK_CIVIL_DAY_S);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 100000);
    check_every_day(&prop);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        check_against_library(&prop, (int64_t)chek_prng_below(&prng, 253402300800));
        check_text(&prop, (int64_t)chek_prng_below(&prng, (uint64_t)CHEK_CIVIL_MAX + 1));
    }
    return 0;
}
