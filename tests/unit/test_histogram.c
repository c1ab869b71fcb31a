/* SPDX-License-Identifier: MIT */
/*
 * test_histogram.c - percentiles are those of the sorted values, to within a thousandth.
 */
#include "tools/load/histogram.h"

#include <stdlib.h>

#include "engine/base/prng.h"
#include "tests/unit/table.h"

#define VALUE_COUNT 20000

static struct spread_case {
    const char *name;
    unsigned shift; /* of a random word: how wide the values are spread */
} spread_cases[] = {
    {"below_2048", 53},
    {"microseconds", 44},
    {"seconds", 34},
    {"an_hour", 22},
};

static int
compare(const void *a, const void *b)
{
    const uint64_t *x = a;
    const uint64_t *y = b;
    return (*x > *y) - (*x < *y);
}

static void
test_histogram_at_is_the_percentile_of_the_values(void **state)
{
    const struct spread_case *c = *state;
    static const uint32_t parts[] = {1, 1000, 50000, 90000, 99000, 99900, 99999, 100000};
    static uint64_t values[VALUE_COUNT];
    static struct chek_histogram histogram;
    struct chek_prng prng;

    histogram = (struct chek_histogram){0};
    chek_prng_init(&prng, c->shift);
    for (size_t i = 0; i < VALUE_COUNT; i++) {
        values[i] = chek_prng_next(&prng) >> c->shift;
        chek_histogram_add(&histogram, values[i]);
    }
    qsort(values, VALUE_COUNT, sizeof *values, compare);
    for (size_t i = 0; i < CHEK_COUNT(parts); i++) {
        uint64_t rank = ((uint64_t)VALUE_COUNT * parts[i] + 99999) / 100000;
        uint64_t want = values[rank - 1];
        uint64_t told = chek_histogram_at(&histogram, parts[i]);
        assert_in_range(told, want, want + want / 1000);
    }
    assert_true(histogram.max == values[VALUE_COUNT - 1]);
    assert_true(chek_histogram_at(&histogram, 100000) == histogram.max);
}

static void
test_histogram_without_values_is_zero(void **state)
{
    (void)state;
    static const struct chek_histogram histogram;
    assert_true(chek_histogram_at(&histogram, 50000) == 0);
}

/* What is longer than the histogram goes counts as its end; the maximum is told as it was. */
static void
test_histogram_keeps_what_is_too_long(void **state)
{
    (void)state;
    static struct chek_histogram histogram;
    histogram = (struct chek_histogram){0};
    chek_histogram_add(&histogram, UINT64_MAX);
    chek_histogram_add(&histogram, 5);
    assert_true(chek_histogram_at(&histogram, 50000) == 5);
    assert_true(chek_histogram_at(&histogram, 100000) ==
                (UINT64_C(1) << CHEK_HISTOGRAM_VALUE_BITS) - 1);
    assert_true(histogram.max == UINT64_MAX);
}

int
main(void)
{
    struct table table = {.count = 0};

    TABLE_ROWS(&table, test_histogram_at_is_the_percentile_of_the_values, spread_cases);
    TABLE_TEST(&table, test_histogram_without_values_is_zero);
    TABLE_TEST(&table, test_histogram_keeps_what_is_too_long);
    return table_run(&table, "histogram");
}
