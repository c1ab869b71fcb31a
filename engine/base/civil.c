/* SPDX-License-Identifier: MIT */
/*
 * civil.c - calendar arithmetic without tables or loops.
 *
 * Years are counted from March, so that the leap day ends the year; an era is 400 years, after
 * which the Gregorian calendar repeats. The method is Howard Hinnant's, "chrono-Compatible
 * Low-Level Date Algorithms" (2021), restricted to dates that are not negative.
 */
#include "engine/base/civil.h"

#define DAYS_OF_ERA 146097
#define DAYS_0000_03_01_TO_1970 719468
#define CIVIL_TEXT_YEAR_MAX INT64_C(253402300799) /* 9999-12-31T23:59:59 */

/* Days since 1970-01-01 of a date that exists; year >= 1. */
static int64_t
days_from_date(uint32_t year, uint32_t month, uint32_t day)
{
    uint32_t shifted_year = month <= 2 ? year - 1 : year;
    uint32_t shifted_month = month > 2 ? month - 3 : month + 9; /* 0 = March */
    uint32_t era = shifted_year / 400;
    uint32_t year_of_era = shifted_year % 400;
    uint32_t day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    uint32_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return (int64_t)era * DAYS_OF_ERA + day_of_era - DAYS_0000_03_01_TO_1970;
}

static uint32_t
days_of_month(uint32_t year, uint32_t month)
{
    bool is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (month == 2) {
        return is_leap ? 29 : 28;
    }
    return 30 + ((month + (month >> 3)) & 1);
}

static bool
parts_are_valid(const struct chek_civil_parts *parts)
{
    if (parts->year < 1970 || parts->year > 2099 || parts->month < 1 || parts->month > 12) {
        return false;
    }
    if (parts->day < 1 || parts->day > days_of_month((uint32_t)parts->year, parts->month)) {
        return false;
    }
    return parts->hour < 24 && parts->minute < 60 && parts->second < 60;
}

int
chek_civil_from_parts(const struct chek_civil_parts *parts, int64_t *ret)
{
    if (!parts_are_valid(parts)) {
        return CHEK_E_DATE;
    }
    int64_t days = days_from_date((uint32_t)parts->year, parts->month, parts->day);
    int second_of_day = parts->hour * CHEK_CIVIL_HOUR_S + parts->minute * 60 + parts->second;
    *ret = days * CHEK_CIVIL_DAY_S + second_of_day;
    return CHEK_OK;
}

struct chek_civil_parts
chek_civil_to_parts(int64_t civil_s)
{
    civil_s = civil_s < 0 ? 0 : civil_s > CIVIL_TEXT_YEAR_MAX ? CIVIL_TEXT_YEAR_MAX : civil_s;

    uint32_t days = (uint32_t)(civil_s / CHEK_CIVIL_DAY_S) + DAYS_0000_03_01_TO_1970;
    uint32_t second_of_day = (uint32_t)(civil_s % CHEK_CIVIL_DAY_S);
    uint32_t era = days / DAYS_OF_ERA;
    uint32_t day_of_era = days % DAYS_OF_ERA;
    uint32_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    uint32_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    uint32_t shifted_month = (5 * day_of_year + 2) / 153;
    uint32_t month = shifted_month < 10 ? shifted_month + 3 : shifted_month - 9;

    return (struct chek_civil_parts){
        .year = (int32_t)(era * 400 + year_of_era + (month <= 2)),
        .month = (uint8_t)month,
        .day = (uint8_t)(day_of_year - (153 * shifted_month + 2) / 5 + 1),
        .hour = (uint8_t)(second_of_day / CHEK_CIVIL_HOUR_S),
        .minute = (uint8_t)(second_of_day / 60 % 60),
        .second = (uint8_t)(second_of_day % 60),
    };
}

/* `count` digits as a number; false when one is not a digit. */
static bool
digits_read(const uint8_t *at, size_t count, uint32_t *ret)
{
    uint32_t value = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9') {
            return false;
        }
        value = value * 10 + (at[i] - '0');
    }
    *ret = value;
    return true;
}

static bool
date_read(const uint8_t *at, struct chek_civil_parts *parts)
{
    uint32_t year, month, day;
    if (!digits_read(at, 4, &year) || at[4] != '-' || !digits_read(at + 5, 2, &month) ||
        at[7] != '-' || !digits_read(at + 8, 2, &day)) {
        return false;
    }
    parts->year = (int32_t)year;
    parts->month = (uint8_t)month;
    parts->day = (uint8_t)day;
    return true;
}

/* "THH:MM", and ":SS" behind it when the text goes on. */
static bool
time_read(const uint8_t *at, bool has_seconds, struct chek_civil_parts *parts)
{
    uint32_t hour, minute;
    uint32_t second = 0;
    if ((at[0] != 'T' && at[0] != ' ') || !digits_read(at + 1, 2, &hour) || at[3] != ':' ||
        !digits_read(at + 4, 2, &minute)) {
        return false;
    }
    if (has_seconds && (at[6] != ':' || !digits_read(at + 7, 2, &second))) {
        return false;
    }
    parts->hour = (uint8_t)hour;
    parts->minute = (uint8_t)minute;
    parts->second = (uint8_t)second;
    return true;
}

int
chek_civil_read(struct chek_bytes_view text, int64_t *ret)
{
    enum { DATE_SIZE = 10, MINUTE_SIZE = 16, SECOND_SIZE = 19 };
    struct chek_civil_parts parts = {0};
    if (text.size != DATE_SIZE && text.size != MINUTE_SIZE && text.size != SECOND_SIZE) {
        return CHEK_E_DATE;
    }
    if (!date_read(text.bytes, &parts)) {
        return CHEK_E_DATE;
    }
    if (text.size > DATE_SIZE &&
        !time_read(text.bytes + DATE_SIZE, text.size == SECOND_SIZE, &parts)) {
        return CHEK_E_DATE;
    }
    return chek_civil_from_parts(&parts, ret);
}

static char *
two_digits_write(char *at, uint32_t value)
{
    at[0] = (char)('0' + value / 10);
    at[1] = (char)('0' + value % 10);
    return at + 2;
}

static char *
date_write(char *at, const struct chek_civil_parts *parts)
{
    at = two_digits_write(at, (uint32_t)parts->year / 100);
    at = two_digits_write(at, (uint32_t)parts->year % 100);
    *at++ = '-';
    at = two_digits_write(at, parts->month);
    *at++ = '-';
    return two_digits_write(at, parts->day);
}

size_t
chek_civil_write(int64_t civil_s, char text[CHEK_CIVIL_TEXT_MAX])
{
    struct chek_civil_parts parts = chek_civil_to_parts(civil_s);
    char *at = date_write(text, &parts);
    *at++ = 'T';
    at = two_digits_write(at, parts.hour);
    *at++ = ':';
    at = two_digits_write(at, parts.minute);
    *at++ = ':';
    at = two_digits_write(at, parts.second);
    *at = '\0';
    return (size_t)(at - text);
}

size_t
chek_civil_write_date(int64_t civil_s, char text[CHEK_CIVIL_TEXT_MAX])
{
    struct chek_civil_parts parts = chek_civil_to_parts(civil_s);
    char *at = date_write(text, &parts);
    *at = '\0';
    return (size_t)(at - text);
}

size_t
chek_civil_write_utc(uint64_t utc_us, char text[CHEK_CIVIL_TEXT_MAX])
{
    size_t size = chek_civil_write((int64_t)(utc_us / 1000000), text);
    text[size++] = 'Z';
    text[size] = '\0';
    return size;
}

int
chek_civil_read_utc(struct chek_bytes_view text, uint64_t *ret)
{
    enum { SIZE = 20 };
    int64_t civil_s;
    if (text.size != SIZE || text.bytes[SIZE - 1] != 'Z') {
        return CHEK_E_DATE;
    }
    int error = chek_civil_read(chek_bytes_view_of(text.bytes, SIZE - 1), &civil_s);
    if (error == CHEK_OK) {
        *ret = (uint64_t)civil_s * 1000000;
    }
    return error;
}
