/* SPDX-License-Identifier: MIT */
/*
 * decimal.h - decimal text to scaled integers and back, exactly or not at all.
 *
 * No number of a receipt passes through a double. "12.5" with 2 decimals is 1250; more significant
 * decimals than the scale holds, an exponent, a plus, a sign without digits, a point without digits
 * on both sides are refused.
 * Zeros after the last significant decimal are harmless and accepted ("2.000000").
 */
#ifndef CHEK_BASE_DECIMAL_H
#define CHEK_BASE_DECIMAL_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CHEK_DECIMAL_SCALE_MAX 18
#define CHEK_DECIMAL_TEXT_MAX 22 /* sign, 19 digits, point, NUL */

/*
 * Read decimal text as an integer of 10^-scale.
 *
 *   Errors     NUMBER   not a plain decimal number, or more digits than the scale holds
 *              OVERFLOW the value does not fit 64 bits
 *              *ret is unchanged on either
 */
CHEK_MUST_USE int chek_decimal_read(struct chek_bytes_view text, unsigned scale, int64_t *ret);

/* Read digits only as an unsigned number (document numbers, signs). Errors as above. */
CHEK_MUST_USE int chek_decimal_read_u64(struct chek_bytes_view text, uint64_t *ret);

/*
 * Write value * 10^-scale as decimal text with exactly `scale` decimals (none and no point for 0).
 *
 *   Ownership  `text` has room for CHEK_DECIMAL_TEXT_MAX bytes; NUL-terminated
 *   Returns    the size without the NUL
 */
size_t chek_decimal_write(int64_t value, unsigned scale, char *text);

/* The same without zeros at the end of the fraction: 0.308, 2, 41.905. */
size_t chek_decimal_write_short(int64_t value, unsigned scale, char *text);

/* Write an unsigned number with at least so many digits, 20 at most; ownership and size as above. */
size_t chek_decimal_write_u64(uint64_t value, unsigned digits_min, char *text);

#endif
