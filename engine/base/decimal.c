/* SPDX-License-Identifier: MIT */
/*
 * decimal.c - one pass to see the form, one to add up the digits.
 *
 * The form is checked first and whole, so that text which is no number is NUMBER even where its
 * digits alone would overflow.
 */
#include "engine/base/decimal.h"

#include "engine/base/assertion.h"

#define DIGIT_COUNT_MAX 20 /* of 64 bits */

/* The parts of decimal text: digits before the point and the significant ones behind it. */
struct decimal_form {
    struct chek_bytes_view whole;
    struct chek_bytes_view fraction;
    bool negative;
};

static inline bool
byte_is_digit(uint8_t byte)
{
    return byte >= '0' && byte <= '9';
}

static size_t
digit_count(const uint8_t *at, size_t left)
{
    size_t count = 0;
    while (count < left && byte_is_digit(at[count])) {
        count += 1;
    }
    return count;
}

/* Split text by its form: [-] digits [. digits]. */
static bool
decimal_form_read(struct chek_bytes_view text, struct decimal_form *ret)
{
    struct decimal_form form = {0};
    const uint8_t *at = text.bytes;
    size_t left = text.size;
    if (left > 0 && *at == '-') {
        form.negative = true;
        at += 1;
        left -= 1;
    }
    form.whole = chek_bytes_view_of(at, digit_count(at, left));
    if (form.whole.size == 0) {
        return false;
    }
    at += form.whole.size;
    left -= form.whole.size;
    if (left > 0) {
        form.fraction = chek_bytes_view_of(at + 1, digit_count(at + 1, left - 1));
        if (*at != '.' || form.fraction.size == 0 || form.fraction.size != left - 1) {
            return false;
        }
    }
    while (form.fraction.size > 0 && form.fraction.bytes[form.fraction.size - 1] == '0') {
        form.fraction.size -= 1;
    }
    *ret = form;
    return true;
}

static bool
digits_add(struct chek_bytes_view digits, uint64_t *value)
{
    for (size_t i = 0; i < digits.size; i++) {
        unsigned digit = digits.bytes[i] - (unsigned)'0';
        if (__builtin_mul_overflow(*value, 10, value) ||
            __builtin_add_overflow(*value, digit, value)) {
            return false;
        }
    }
    return true;
}

int
chek_decimal_read(struct chek_bytes_view text, unsigned scale, int64_t *ret)
{
    CHEK_ASSERT(scale <= CHEK_DECIMAL_SCALE_MAX);
    struct decimal_form form;
    if (!decimal_form_read(text, &form) || form.fraction.size > scale) {
        return CHEK_E_NUMBER;
    }
    uint64_t magnitude = 0;
    if (!digits_add(form.whole, &magnitude) || !digits_add(form.fraction, &magnitude)) {
        return CHEK_E_OVERFLOW;
    }
    for (size_t i = form.fraction.size; i < scale; i++) {
        if (__builtin_mul_overflow(magnitude, 10, &magnitude)) {
            return CHEK_E_OVERFLOW;
        }
    }
    if (magnitude > (uint64_t)INT64_MAX + form.negative) {
        return CHEK_E_OVERFLOW;
    }
    *ret = (int64_t)(form.negative ? -magnitude : magnitude);
    return CHEK_OK;
}

int
chek_decimal_read_u64(struct chek_bytes_view text, uint64_t *ret)
{
    if (text.size == 0 || digit_count(text.bytes, text.size) != text.size) {
        return CHEK_E_NUMBER;
    }
    uint64_t value = 0;
    if (!digits_add(text, &value)) {
        return CHEK_E_OVERFLOW;
    }
    *ret = value;
    return CHEK_OK;
}

size_t
chek_decimal_write_u64(uint64_t value, unsigned digits_min, char *text)
{
    CHEK_ASSERT(digits_min <= DIGIT_COUNT_MAX);
    uint8_t reversed[DIGIT_COUNT_MAX];
    size_t count = 0;
    while (value != 0 || count < digits_min || count == 0) {
        reversed[count++] = (uint8_t)('0' + value % 10);
        value /= 10;
    }
    for (size_t i = 0; i < count; i++) {
        text[i] = (char)reversed[count - 1 - i];
    }
    text[count] = '\0';
    return count;
}

size_t
chek_decimal_write(int64_t value, unsigned scale, char *text)
{
    CHEK_ASSERT(scale <= CHEK_DECIMAL_SCALE_MAX);
    char reversed[CHEK_DECIMAL_TEXT_MAX];
    size_t count = 0;
    uint64_t magnitude = value < 0 ? -(uint64_t)value : (uint64_t)value;
    for (unsigned digit = 0; magnitude != 0 || digit <= scale; digit++) {
        if (digit == scale && scale != 0) {
            reversed[count++] = '.';
        }
        reversed[count++] = (char)('0' + magnitude % 10);
        magnitude /= 10;
    }
    if (value < 0) {
        reversed[count++] = '-';
    }
    CHEK_ASSERT(count < CHEK_DECIMAL_TEXT_MAX);
    for (size_t i = 0; i < count; i++) {
        text[i] = reversed[count - 1 - i];
    }
    text[count] = '\0';
    return count;
}

size_t
chek_decimal_write_short(int64_t value, unsigned scale, char *text)
{
    size_t size = chek_decimal_write(value, scale, text);
    if (scale == 0) {
        return size;
    }
    while (text[size - 1] == '0') {
        size -= 1;
    }
    size -= text[size - 1] == '.';
    text[size] = '\0';
    return size;
}
