/* SPDX-License-Identifier: MIT */
/* naive_number.c - numbers of the Russian state worked out as their rules are written. */
#include <stdio.h>
#include <string.h>

#include "tools/verify/naive/naive.h"

#define RUSSIA 643

/* The weighted sum of the digits before the last of `count`, modulo 11, then 10, is that digit. */
static bool
digit_fits(const char *digits, const char *weights, int count)
{
    int sum = 0;
    for (int i = 0; i < count - 1; i++) {
        int weight = weights[i] == 'a' ? 10 : weights[i] - '0';
        sum += weight * (digits[i] - '0');
    }
    return sum % 11 % 10 == digits[count - 1] - '0';
}

static bool
is_inn(const char *digits)
{
    size_t size = strlen(digits);
    if (strspn(digits, "0123456789") != size) {
        return false;
    }
    return size == 10 ? digit_fits(digits, "24a359468", 10)
           : size == 12
               ? digit_fits(digits, "724a359468", 11) && digit_fits(digits, "3724a359468", 12)
               : false;
}

/* The remainder of a text, bit by bit, by x^16 + x^12 + x^5 + 1, beginning with ones. */
static unsigned
remainder_of(const char *text)
{
    unsigned remainder = 0xffff;
    for (size_t i = 0; i < 8 * strlen(text); i++) {
        unsigned bit = (unsigned char)text[i / 8] >> (7 - i % 8) & 1;
        unsigned carry = remainder >> 15 ^ bit;
        remainder = (remainder << 1 & 0xffff) ^ (carry != 0 ? 0x1021 : 0);
    }
    return remainder;
}

/* A text that is no longer than `size`, with zeros before it. */
static void
pad(char *to, struct chek_bytes_view text, size_t size)
{
    memset(to, '0', size - text.size);
    memcpy(to + size - text.size, text.bytes, text.size);
}

static const struct chek_register_key *
key_find(const struct chek_register *what, enum chek_key_kind kind)
{
    for (uint32_t i = 0; i < what->keys_count; i++) {
        if (what->keys[i].kind == kind) {
            return &what->keys[i];
        }
    }
    return NULL;
}

/* The number as it has to be: its first ten digits and the remainder of all three. */
static bool
number_fits(struct chek_bytes_view number, struct chek_bytes_view inn,
            struct chek_bytes_view factory)
{
    char text[64] = "";
    char want[64];
    if (number.size != 16 || inn.size > 12 || factory.size > 20) {
        return false;
    }
    memcpy(text, number.bytes, 10);
    pad(text + 10, inn, 12);
    pad(text + 22, factory, 20);
    (void)snprintf(want, sizeof want, "%.10s%06u", text, remainder_of(text));
    return strspn(want, "0123456789") == 16 && memcmp(want, number.bytes, 16) == 0;
}

uint32_t
chek_naive_register_doubts(const struct chek_register *what)
{
    char inn[64] = "";
    uint32_t doubts = 0;
    if (what == NULL || what->country != RUSSIA) {
        return 0;
    }
    memcpy(inn, what->organisation.bytes,
           what->organisation.size < sizeof inn ? what->organisation.size : sizeof inn - 1);
    if (!is_inn(inn)) {
        doubts |= UINT32_C(1) << CHEK_WARNING_TIN_WRONG;
    }
    const struct chek_register_key *number = key_find(what, CHEK_KEY_KIND_REGISTRATION_NUMBER);
    const struct chek_register_key *factory = key_find(what, CHEK_KEY_KIND_FACTORY_NUMBER);
    if (number != NULL && factory != NULL &&
        !number_fits(number->value, what->organisation, factory->value)) {
        doubts |= UINT32_C(1) << CHEK_WARNING_REGISTER_NUMBER_WRONG;
    }
    return doubts;
}
