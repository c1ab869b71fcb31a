/* SPDX-License-Identifier: MIT */
/*
 * prop_decimal.c - numbers survive text; any text gets the answer of a slow, wide reader.
 */
#include "engine/base/decimal.h"

#include "tests/prop/prop.h"

#define TEXT_SIZE_MAX 28

static void
check_round_trip(struct prop *prop, struct chek_prng *prng)
{
    int64_t value = (int64_t)chek_prng_next(prng) >> chek_prng_below(prng, 64);
    unsigned scale = (unsigned)chek_prng_below(prng, CHEK_DECIMAL_SCALE_MAX + 1);
    char text[CHEK_DECIMAL_TEXT_MAX];
    int64_t got = ~value;
    size_t size = chek_decimal_write(value, scale, text);
    PROP_CHECK(prop, size == strlen(text) && size < CHEK_DECIMAL_TEXT_MAX);
    PROP_CHECK(prop, chek_decimal_read(chek_bytes_view_of(text, size), scale, &got) == CHEK_OK);
    PROP_CHECK(prop, got == value);

    got = ~value;
    size_t size_short = chek_decimal_write_short(value, scale, text);
    PROP_CHECK(prop, size_short == strlen(text) && size_short <= size);
    PROP_CHECK(prop, chek_decimal_read(chek_bytes_view_of(text, size_short), scale, &got) == 0);
    PROP_CHECK(prop, got == value);
}

static void
check_unsigned(struct prop *prop, struct chek_prng *prng)
{
    uint64_t value = chek_prng_next(prng) >> chek_prng_below(prng, 64);
    unsigned digits_min = (unsigned)chek_prng_below(prng, 21);
    char text[CHEK_DECIMAL_TEXT_MAX], wanted[CHEK_DECIMAL_TEXT_MAX];
    value = chek_prng_chance(prng, 20000) ? 0 : value;
    int size = snprintf(wanted, sizeof wanted, "%0*" PRIu64, (int)digits_min, value);
    PROP_CHECK(prop, chek_decimal_write_u64(value, digits_min, text) == (size_t)size);
    PROP_CHECK(prop, strcmp(text, wanted) == 0);
}

/* Text of few characters, so that numbers, edges and near misses all come up. */
static size_t
text_fill(struct chek_prng *prng, char *text)
{
    static const char alphabet[] = "0000999123.5.-+e ,";
    size_t size = chek_prng_below(prng, TEXT_SIZE_MAX + 1);
    size_t characters = chek_prng_chance(prng, 500000) ? 12 : sizeof alphabet - 1;
    for (size_t i = 0; i < size; i++) {
        text[i] = alphabet[chek_prng_below(prng, characters)];
    }
    if (size > 0 && chek_prng_chance(prng, 300000)) {
        text[0] = '-';
    }
    return size;
}

/* At most 28 digits at 18 more decimals: 46 digits do not fit 128 bits, so the value is capped. */
static int
naive_read(const char *text, size_t size, unsigned scale, int64_t *ret)
{
    const chek_i128 cap = (chek_i128)1 << 100;
    chek_i128 value = 0;
    size_t at = 0;
    size_t whole_count = 0;
    size_t fraction_count = 0;
    size_t significant_count = 0;
    bool negative = size > 0 && text[0] == '-';
    at += negative;
    for (; at < size && text[at] >= '0' && text[at] <= '9'; at++, whole_count++) {
        value = value > cap ? cap : value * 10 + (text[at] - '0');
    }
    if (at < size && text[at] == '.') {
        at++;
        for (; at < size && text[at] >= '0' && text[at] <= '9'; at++) {
            fraction_count++;
            significant_count = text[at] != '0' ? fraction_count : significant_count;
            if (fraction_count <= scale) {
                value = value > cap ? cap : value * 10 + (text[at] - '0');
            }
        }
        whole_count = fraction_count == 0 ? 0 : whole_count;
    }
    if (at != size || whole_count == 0 || significant_count > scale) {
        return CHEK_E_NUMBER;
    }
    for (size_t i = fraction_count; i < scale; i++) {
        value = value > cap ? cap : value * 10;
    }
    value = negative ? -value : value;
    if (value > INT64_MAX || value < INT64_MIN) {
        return CHEK_E_OVERFLOW;
    }
    *ret = (int64_t)value;
    return CHEK_OK;
}

static void
check_against_naive(struct prop *prop, struct chek_prng *prng)
{
    char text[TEXT_SIZE_MAX];
    size_t size = text_fill(prng, text);
    unsigned scale = (unsigned)chek_prng_below(prng, CHEK_DECIMAL_SCALE_MAX + 1);
    int64_t want = 7;
    int64_t got = 7;
    int error = naive_read(text, size, scale, &want);
    PROP_CHECK(prop, chek_decimal_read(chek_bytes_view_of(text, size), scale, &got) == error);
    PROP_CHECK(prop, got == want);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 300000);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        check_round_trip(&prop, &prng);
        check_unsigned(&prop, &prng);
        check_against_naive(&prop, &prng);
    }
    return 0;
}
