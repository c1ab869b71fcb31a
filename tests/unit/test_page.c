/* SPDX-License-Identifier: MIT */
/*
 * test_page.c - every form of a page of integers, at the borders between them.
 *
 * A row makes values by a rule and says which form they should take; then they are read back
 * whole, in parts, one by one and summed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/prng.h"
#include "engine/store/page.h"

#define COUNT_MAX 5000

enum rule {
    CONSTANT,  /* a */
    STEPS,     /* a + b * (i mod c): c different values */
    SCATTERED, /* a + b * random below c */
    SOME,      /* every c-th value is a + random below b, the others zero */
    STRETCHES, /* a + (i / c) * b, changed by a mix: c equal values one after the other */
    EXTREMES,  /* the ends of the range in turn */
};

static struct page_case {
    const char *name;
    uint32_t count;
    enum rule rule;
    int64_t a, b, c;
    enum store__codec want;
    uint8_t want_width;
} cases[] = {
    {"one_value_is_constant", 1, CONSTANT, -7, 0, 0, STORE__CONSTANT, 0},
    {"equal_values_are_constant", 4096, CONSTANT, INT64_MIN, 0, 0, STORE__CONSTANT, 0},
    {"two_values_take_a_bit", 4096, SCATTERED, 5, 1, 2, STORE__FRAME, 1},
    {"four_values_take_two_bits", 4096, SCATTERED, -2, 1, 4, STORE__FRAME, 2},
    {"five_values_take_four_bits", 4096, SCATTERED, 1, 1, 5, STORE__FRAME, 4},
    {"sixteen_values_take_four_bits", 4096, SCATTERED, 0, 1, 16, STORE__FRAME, 4},
    {"seventeen_values_take_a_byte", 4096, SCATTERED, 0, 1, 17, STORE__FRAME, 8},
    {"a_range_of_256_takes_a_byte", 4096, SCATTERED, 1000, 1, 256, STORE__FRAME, 8},
    {"a_range_of_257_takes_two_bytes", 4096, STEPS, 1000, 1, 257, STORE__FRAME, 16},
    {"a_range_of_65537_takes_three", 4096, SCATTERED, 0, 1, 65537 * 2, STORE__FRAME, 24},
    {"four_bytes", 4096, SCATTERED, -5, 1, INT64_C(1) << 32, STORE__FRAME, 32},
    {"five_bytes", 4096, SCATTERED, -5, 1, INT64_C(1) << 40, STORE__FRAME, 40},
    {"six_bytes", 4096, SCATTERED, -5, 1, INT64_C(1) << 48, STORE__FRAME, 48},
    {"seven_bytes", 4096, SCATTERED, -5, 1, INT64_C(1) << 56, STORE__FRAME, 56},
    {"eight_bytes", 4096, SCATTERED, -5, 1, INT64_C(1) << 62, STORE__FRAME, 64},
    {"whole_pieces_share_a_factor", 4096, SCATTERED, 1000000, 1000000, 4, STORE__FRAME, 2},
    {"prices_in_hundreds_share_a_factor", 4096, SCATTERED, 1000, 100, 50000, STORE__FRAME, 16},
    {"ends_of_the_range", 4096, EXTREMES, 0, 0, 0, STORE__FRAME, 1},
    {"few_wide_values_are_coded", 4096, STEPS, 17, INT64_C(1000003) * 1000003, 3, STORE__FRAME, 2},
    {"few_uneven_values_are_coded", 4096, STRETCHES, 1, INT64_C(1) << 40, 1, STORE__DICTIONARY_PAGE,
     8},
    {"rare_values_are_sparse", 4096, SOME, 1, INT64_C(1) << 32, 40, STORE__SPARSE, 32},
    {"rare_equal_values_are_sparse", 4096, SOME, 7, 1, 3, STORE__FRAME, 1},
    {"sparse_at_a_word_of_bits", 64, SOME, INT64_C(1) << 50, INT64_C(1) << 40, 9, STORE__SPARSE,
     40},
    {"sparse_beyond_a_word_of_bits", 65, SOME, INT64_C(1) << 50, INT64_C(1) << 40, 9, STORE__SPARSE,
     40},
    {"sparse_below_a_word_of_bits", 63, SOME, INT64_C(1) << 50, INT64_C(1) << 40, 9, STORE__SPARSE,
     40},
    {"stretches_are_runs", 4096, STRETCHES, 5, 1, 900, STORE__RUNS, 8},
    {"long_pages_have_wide_ends", 5000, STRETCHES, 5, 1, 900, STORE__RUNS, 8},
};

static uint8_t out[COUNT_MAX * 8 + 64];
static int64_t values[COUNT_MAX];

static int64_t
mixed(uint64_t number)
{
    return (int64_t)((number + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 12);
}

static void
values_make(const struct page_case *c)
{
    struct chek_prng prng;
    chek_prng_init(&prng, 7);
    for (uint32_t i = 0; i < c->count; i++) {
        int64_t random = (int64_t)chek_prng_next(&prng);
        switch (c->rule) {
        case CONSTANT:
            values[i] = c->a;
            break;
        case STEPS:
            values[i] = c->a + c->b * (i % c->c);
            break;
        case SCATTERED:
            values[i] = c->a + c->b * (int64_t)((uint64_t)random % (uint64_t)c->c);
            break;
        case SOME:
            values[i] = i % c->c == 0 ? c->a + (int64_t)((uint64_t)random % (uint64_t)c->b) : 0;
            break;
        case STRETCHES:
            values[i] = c->a + (c->c > 1 ? mixed(i / (uint64_t)c->c) % 200 : mixed(i % 90));
            break;
        default:
            values[i] = i % 2 == 0 ? INT64_MIN : INT64_MAX;
            break;
        }
    }
}

static void
check_parts(const struct store__page *page, uint32_t count)
{
    static int64_t got[COUNT_MAX];
    static const uint32_t begins[] = {0, 1, 7, 62, 63, 64, 65, 127, 1000, 4095};
    for (uint32_t b = 0; b < CHEK_COUNT(begins); b++) {
        for (uint32_t length = 0; begins[b] + length <= count; length = 2 * length + 1) {
            memset(got, 0x55, (length + 1) * sizeof *got);
            store__page_decode(page, begins[b], length, got);
            assert_memory_equal(got, values + begins[b], length * sizeof *got);
            assert_int_equal(got[length], 0x5555555555555555);
        }
    }
}

static void
test_page(void **state)
{
    static int64_t got[COUNT_MAX];
    const struct page_case *c = *state;
    struct store__page page;
    values_make(c);

    memset(out, 0xaa, sizeof out);
    store__page_encode(values, c->count, out, &page);
    memset(out + page.size, 0xaa, sizeof out - page.size); /* what is behind does not matter */

    assert_int_equal(page.codec, c->want);
    assert_int_equal(page.width, c->want_width);
    assert_true(page.size <= store__page_size_max(c->count));
    assert_int_equal(store__page_check(&page), CHEK_OK);
    store__page_decode(&page, 0, c->count, got);
    assert_memory_equal(got, values, c->count * sizeof *got);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        assert_true(store__page_value(&page, i) == values[i]);
        assert_true(values[i] >= page.min && values[i] <= page.max);
        assert_true(i % 97 != 0 || store__page_sum_before(&page, i) == sum);
        sum += (uint64_t)values[i];
    }
    check_parts(&page, c->count);
}

/* A page whose size, count or width is another one is refused or stays inside its bytes. */
static void
test_page_check_refuses_other_sizes(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        struct store__page page;
        values_make(&cases[i]);
        store__page_encode(values, cases[i].count, out, &page);
        struct store__page other = page;
        other.size += 1;
        assert_int_equal(store__page_check(&other), CHEK_E_CORRUPT);
        other = page;
        other.width = 3;
        assert_int_equal(store__page_check(&other), CHEK_E_CORRUPT);
        other = page;
        other.codec = STORE__BYTES_PAGE;
        assert_int_equal(store__page_check(&other), CHEK_E_CORRUPT);
        if (page.size != 0) {
            other = page;
            other.size -= 1;
            assert_int_equal(store__page_check(&other), CHEK_E_CORRUPT);
            other = page;
            other.value_count += 4096;
            assert_int_equal(store__page_check(&other), CHEK_E_CORRUPT);
        }
    }
}

static void
test_page_check_refuses_a_code_without_a_value(void **state)
{
    (void)state;
    struct store__page page;
    for (uint32_t i = 0; i < 100; i++) {
        values[i] = mixed(i % 5);
    }
    store__page_encode(values, 100, out, &page);
    assert_int_equal(page.codec, STORE__DICTIONARY_PAGE);
    assert_int_equal(page.width, 4);
    out[page.size - 1] = (uint8_t)(out[page.size - 1] | 0x0f);
    assert_int_equal(store__page_check(&page), CHEK_E_CORRUPT);
}

static void
test_page_check_refuses_runs_that_do_not_rise(void **state)
{
    (void)state;
    struct store__page page;
    for (uint32_t i = 0; i < 4096; i++) {
        values[i] = mixed(i / 1000);
    }
    store__page_encode(values, 4096, out, &page);
    assert_int_equal(page.codec, STORE__RUNS);
    uint16_t first = chek_load_u16(out + 4);
    chek_store_u16(out + 6, first);
    assert_int_equal(store__page_check(&page), CHEK_E_CORRUPT);
}

static void
test_page_check_refuses_bits_behind_the_last_value(void **state)
{
    (void)state;
    struct store__page page;
    memset(values, 0, sizeof values);
    values[3] = mixed(3);
    values[40] = mixed(4);
    store__page_encode(values, 60, out, &page);
    assert_int_equal(page.codec, STORE__SPARSE);
    out[7] = 0x80;
    assert_int_equal(store__page_check(&page), CHEK_E_CORRUPT);
}

/* ---- strings ---- */

static struct strings_case {
    const char *name;
    uint32_t count;
    uint32_t size; /* of each string */
    bool repeats;  /* bytes that compress */
    enum store__codec want;
} strings_cases[] = {
    {"strings_of_noise_are_plain", 100, 50, false, STORE__BYTES_PAGE},
    {"strings_that_repeat_are_compressed", 100, 50, true, STORE__BYTES_ZSTD},
    {"empty_strings_have_no_bytes", 100, 0, true, STORE__BYTES_PAGE},
    {"too_many_bytes_are_not_compressed", 300, 255, true, STORE__BYTES_PAGE},
    {"one_longest_string", 1, STORE__STRING_SIZE_MAX, true, STORE__BYTES_ZSTD},
};

static void
test_strings(void **state)
{
    static uint8_t bytes[300 * 255];
    static uint8_t encoded[400000];
    static _Alignas(16) uint8_t memory[STORE__STRING_SIZE_MAX + 64];
    const struct strings_case *c = *state;
    struct chek_prng prng;
    struct store__page page;
    struct store__strings strings;
    struct chek_arena arena;
    chek_prng_init(&prng, 3);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(c->repeats ? i % 11 : chek_prng_below(&prng, 256));
    }
    for (uint32_t i = 0; i < c->count; i++) {
        values[i] = c->size;
    }
    size_t size = (size_t)c->count * c->size;
    assert_true(store__strings_size_max(c->count, size) <= sizeof encoded);
    store__strings_encode(values, c->count, chek_bytes_view_of(bytes, size), encoded, &page);

    assert_int_equal(page.codec, c->want);
    assert_int_equal(store__strings_open(&page, &strings), CHEK_OK);
    chek_arena_init_over(&arena, memory, sizeof memory);
    for (uint32_t i = 0; i < c->count; i++) {
        struct chek_bytes_view got;
        assert_int_equal(store__strings_read(&strings, i, &arena, &got), CHEK_OK);
        assert_true(
            chek_bytes_view_equal(got, chek_bytes_view_of(bytes + (size_t)i * c->size, c->size)));
    }
    if (c->want == STORE__BYTES_ZSTD) {
        struct chek_bytes_view got = {.size = 12345};
        assert_int_equal(store__strings_open(&page, &strings), CHEK_OK);
        chek_arena_init_over(&arena, memory, size - 1);
        assert_int_equal(store__strings_read(&strings, 0, &arena, &got), CHEK_E_LIMIT);
        assert_int_equal(got.size, 12345);
        encoded[page.size - 3] ^= 0x40; /* inside what zstd wrote */
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = store__strings_read(&strings, 0, &arena, &got);
        assert_true(error == CHEK_OK || error == CHEK_E_CORRUPT);
    }
    page.size -= 1;
    assert_true(size == 0 || c->want == STORE__BYTES_ZSTD ||
                store__strings_open(&page, &strings) == CHEK_E_CORRUPT);
}

int
main(void)
{
    struct CMUnitTest tests[CHEK_COUNT(cases) + CHEK_COUNT(strings_cases) + 4];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        tests[count++] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = test_page, .initial_state = &cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(strings_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = strings_cases[i].name,
                                             .test_func = test_strings,
                                             .initial_state = &strings_cases[i]};
    }
    tests[count++] = (struct CMUnitTest)cmocka_unit_test(test_page_check_refuses_other_sizes);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(test_page_check_refuses_a_code_without_a_value);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(test_page_check_refuses_runs_that_do_not_rise);
    tests[count++] =
        (struct CMUnitTest)cmocka_unit_test(test_page_check_refuses_bits_behind_the_last_value);
    return cmocka_run_group_tests_name("page", tests, NULL, NULL);
}
