/* SPDX-License-Identifier: MIT */
/*
 * civil.h - the wall clock as printed on a receipt.
 *
 * A civil time is seconds since 1970-01-01T00:00:00 of the wall clock of the place of payment, in
 * the proleptic Gregorian calendar, without zone or leap seconds: day and hour are divisions.
 * Valid document times are 2000-01-01T00:00:00 .. 2099-12-31T23:59:59.
 */
#ifndef CHEK_BASE_CIVIL_H
#define CHEK_BASE_CIVIL_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CHEK_CIVIL_DAY_S 86400
#define CHEK_CIVIL_HOUR_S 3600
#define CHEK_CIVIL_MIN INT64_C(946684800)  /* 2000-01-01T00:00:00 */
#define CHEK_CIVIL_MAX INT64_C(4102444799) /* 2099-12-31T23:59:59 */
#define CHEK_CIVIL_TEXT_MAX 24             /* with the NUL */

struct chek_civil_parts {
    int32_t year;
    uint8_t month; /* 1..12 */
    uint8_t day;   /* 1..31 */
    uint8_t hour, minute, second;
};

static inline bool
chek_civil_is_valid(int64_t civil_s)
{
    return civil_s >= CHEK_CIVIL_MIN && civil_s <= CHEK_CIVIL_MAX;
}

/* Days since 1970-01-01 of a civil time that is not negative. */
static inline uint32_t
chek_civil_day(int64_t civil_s)
{
    return (uint32_t)(civil_s / CHEK_CIVIL_DAY_S);
}

/* Hours since 1970-01-01T00 of a civil time that is not negative. */
static inline uint32_t
chek_civil_hour(int64_t civil_s)
{
    return (uint32_t)(civil_s / CHEK_CIVIL_HOUR_S);
}

/*
 * Seconds of a calendar time.
 *
 *   Errors     DATE when there is no such day, hour, minute or second, or the year is not
 *              1970..2099; *ret is unchanged
 */
CHEK_MUST_USE int chek_civil_from_parts(const struct chek_civil_parts *parts, int64_t *ret);

/* Calendar time of seconds; before 1970 and after 9999 the nearest end stands for them. */
struct chek_civil_parts chek_civil_to_parts(int64_t civil_s);

/*
 * Read "YYYY-MM-DD", "YYYY-MM-DDTHH:MM" or "YYYY-MM-DDTHH:MM:SS" (a space may stand for the T);
 * a date alone is its midnight. A zone or a fraction is not civil and is refused.
 *
 *   Errors     DATE; *ret is unchanged
 */
CHEK_MUST_USE int chek_civil_read(struct chek_bytes_view text, int64_t *ret);

/* Write "YYYY-MM-DDTHH:MM:SS" (NUL-terminated); returns the size without the NUL. Range as
 * chek_civil_to_parts(). */
size_t chek_civil_write(int64_t civil_s, char text[CHEK_CIVIL_TEXT_MAX]);

/* Write the date alone. */
size_t chek_civil_write_date(int64_t civil_s, char text[CHEK_CIVIL_TEXT_MAX]);

/* Read what chek_civil_write_utc() writes, as microseconds since 1970. Errors: DATE; *ret is unchanged. */
CHEK_MUST_USE int chek_civil_read_utc(struct chek_bytes_view text, uint64_t *ret);

/* Write a UTC time in microseconds since 1970 as "YYYY-MM-DDTHH:MM:SSZ". */
size_t chek_civil_write_utc(uint64_t utc_us, char text[CHEK_CIVIL_TEXT_MAX]);

#endif
