/* SPDX-License-Identifier: MIT */
/*
 * test_cursor.c - no read leaves the bytes, every number has one form, a failure stays.
 */
#include "engine/base/cursor.h"

#include <stdlib.h>

#include "tests/unit/table.h"

/* A number alone at the end of the input, and the same number with other bytes behind it. */
static struct varint_case {
    const char *name;
    uint8_t bytes[12];
    size_t size;
    int error;
    uint64_t value;
    size_t at;
} varint_cases[] = {
    {"zero_is_one_byte", {0x00}, 1, CHEK_OK, 0, 1},
    {"127_is_one_byte", {0x7f}, 1, CHEK_OK, 127, 1},
    {"128_is_two_bytes", {0x80, 0x01}, 2, CHEK_OK, 128, 2},
    {"16383_is_two_bytes", {0xff, 0x7f}, 2, CHEK_OK, 16383, 2},
    {"16384_is_three_bytes", {0x80, 0x80, 0x01}, 3, CHEK_OK, 16384, 3},
    {"2097151_is_three_bytes", {0xff, 0xff, 0x7f}, 3, CHEK_OK, 2097151, 3},
    {"four_bytes", {0xff, 0xff, 0xff, 0x7f}, 4, CHEK_OK, 268435455, 4},
    {"five_bytes", {0x80, 0x80, 0x80, 0x80, 0x01}, 5, CHEK_OK, 268435456, 5},
    {"six_bytes", {0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 6, CHEK_OK, (UINT64_C(1) << 42) - 1, 6},
    {"seven_bytes",
     {0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
     7,
     CHEK_OK,
     (UINT64_C(1) << 42) + 1,
     7},
    {"eight_bytes",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f},
     8,
     CHEK_OK,
     (UINT64_C(1) << 56) - 1,
     8},
    {"nine_bytes",
     {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
     9,
     CHEK_OK,
     UINT64_C(1) << 56,
     9},
    {"ten_bytes_hold_the_largest",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
     10,
     CHEK_OK,
     UINT64_MAX,
     10},
    {"ten_bytes_hold_the_top_bit",
     {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
     10,
     CHEK_OK,
     UINT64_C(1) << 63,
     10},
    {"tenth_byte_2_is_too_wide",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02},
     10,
     CHEK_E_NUMBER,
     0,
     0},
    {"tenth_byte_that_goes_on_is_too_wide",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x81},
     10,
     CHEK_E_NUMBER,
     0,
     0},
    {"tenth_byte_zero_is_too_long",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00},
     10,
     CHEK_E_NUMBER,
     0,
     0},
    {"zero_in_two_bytes_is_too_long", {0x80, 0x00}, 2, CHEK_E_NUMBER, 0, 0},
    {"127_in_two_bytes_is_too_long", {0xff, 0x00}, 2, CHEK_E_NUMBER, 0, 0},
    {"300_in_three_bytes_is_too_long", {0xac, 0x82, 0x00}, 3, CHEK_E_NUMBER, 0, 0},
    {"eight_bytes_ending_in_zero_are_too_long",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x00},
     8,
     CHEK_E_NUMBER,
     0,
     0},
    {"nothing_is_short", {0}, 0, CHEK_E_SHORT, 0, 0},
    {"one_byte_that_goes_on_is_short", {0x80}, 1, CHEK_E_SHORT, 0, 0},
    {"seven_bytes_that_go_on_are_short",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     7,
     CHEK_E_SHORT,
     0,
     0},
    {"eight_bytes_that_go_on_are_short",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     8,
     CHEK_E_SHORT,
     0,
     0},
    {"nine_bytes_that_go_on_are_short",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
     9,
     CHEK_E_SHORT,
     0,
     0},
};

/* The bytes in an allocation of their own: a read past the end is the sanitizer's to see. */
static void
varint_check(const struct varint_case *c, const uint8_t *tail, size_t tail_size)
{
    size_t size = c->size + tail_size;
    uint8_t *bytes = malloc(size != 0 ? size : 1);
    assert_non_null(bytes);
    memcpy(bytes, c->bytes, c->size);
    memcpy(bytes + c->size, tail, tail_size);

    struct chek_cursor in = chek_cursor_over(bytes, c->size + tail_size);
    uint64_t got = chek_cursor_varint(&in);
    assert_error(in.error, c->error);
    assert_true(got == c->value);
    assert_int_equal(in.at, c->at);
    free(bytes);
}

static void
test_cursor_varint(void **state)
{
    static const uint8_t low[12] = {0};
    static const uint8_t high[12] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff,
                                     0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    const struct varint_case *c = *state;
    varint_check(c, low, 0);
    if (c->error == CHEK_E_SHORT) {
        return; /* with bytes behind it, it would be another number */
    }
    for (size_t tail_size = 1; tail_size <= sizeof low; tail_size++) {
        varint_check(c, low, tail_size);
        varint_check(c, high, tail_size);
    }
}

static struct signed_case {
    const char *name;
    uint8_t bytes[10];
    size_t size;
    int64_t value;
} signed_cases[] = {
    {"zigzag_0_is_0", {0x00}, 1, 0},
    {"zigzag_1_is_minus_1", {0x01}, 1, -1},
    {"zigzag_2_is_1", {0x02}, 1, 1},
    {"zigzag_127_is_minus_64", {0x7f}, 1, -64},
    {"zigzag_128_is_64", {0x80, 0x01}, 2, 64},
    {"zigzag_largest", {0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01}, 10, INT64_MAX},
    {"zigzag_smallest",
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
     10,
     INT64_MIN},
};

static void
test_cursor_varint_signed(void **state)
{
    const struct signed_case *c = *state;
    struct chek_cursor in = chek_cursor_over(c->bytes, c->size);
    assert_true(chek_cursor_varint_signed(&in) == c->value);
    assert_error(in.error, CHEK_OK);
    assert_int_equal(chek_cursor_left(&in), 0);
}

/* `size` bytes of 11 22 33 ..., from which `skip` are taken before one number is read. */
static struct fixed_case {
    const char *name;
    size_t width, size, skip;
    int error;
    uint64_t value;
} fixed_cases[] = {
    {"u8_is_read", 1, 1, 0, CHEK_OK, 0x11},
    {"u8_behind_the_end_is_short", 1, 1, 1, CHEK_E_SHORT, 0},
    {"u16_is_little_endian", 2, 2, 0, CHEK_OK, 0x2211},
    {"u16_last_byte_missing_is_short", 2, 3, 2, CHEK_E_SHORT, 0},
    {"u32_is_little_endian", 4, 5, 1, CHEK_OK, 0x55443322},
    {"u32_last_byte_missing_is_short", 4, 4, 1, CHEK_E_SHORT, 0},
    {"u64_is_little_endian", 8, 8, 0, CHEK_OK, UINT64_C(0x8877665544332211)},
    {"u64_last_byte_missing_is_short", 8, 7, 0, CHEK_E_SHORT, 0},
};

static uint64_t
fixed_read(struct chek_cursor *in, size_t width)
{
    switch (width) {
    case 1:
        return chek_cursor_u8(in);
    case 2:
        return chek_cursor_u16(in);
    case 4:
        return chek_cursor_u32(in);
    default:
        return chek_cursor_u64(in);
    }
}

static void
test_cursor_fixed(void **state)
{
    static const uint8_t bytes[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
    const struct fixed_case *c = *state;
    struct chek_cursor in = chek_cursor_over(bytes, c->size);
    assert_ptr_equal(chek_cursor_take(&in, c->skip), bytes);
    assert_true(fixed_read(&in, c->width) == c->value);
    assert_error(in.error, c->error);
    assert_int_equal(in.at, c->error == CHEK_OK ? c->skip + c->width : c->skip);
}

static void
test_cursor_take_all_leaves_nothing(void **state)
{
    (void)state;
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    assert_ptr_equal(chek_cursor_take(&in, 4), bytes);
    assert_int_equal(chek_cursor_left(&in), 0);
    assert_error(in.error, CHEK_OK);
}

static void
test_cursor_take_one_more_is_short(void **state)
{
    (void)state;
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    assert_null(chek_cursor_take(&in, 5));
    assert_error(in.error, CHEK_E_SHORT);
    assert_int_equal(in.at, 0);
}

static void
test_cursor_take_a_huge_size_does_not_wrap(void **state)
{
    (void)state;
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    assert_non_null(chek_cursor_take(&in, 1));
    assert_null(chek_cursor_take(&in, SIZE_MAX));
    assert_error(in.error, CHEK_E_SHORT);
    assert_int_equal(in.at, 1);
}

static void
test_cursor_failed_stays_failed(void **state)
{
    (void)state;
    static const uint8_t bytes[16] = {0x80, 0x00, 3, 4, 5, 6, 7, 8};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    assert_int_equal(chek_cursor_varint(&in), 0);
    assert_error(in.error, CHEK_E_NUMBER);

    assert_int_equal(chek_cursor_left(&in), 0);
    assert_int_equal(chek_cursor_u8(&in), 0);
    assert_int_equal(chek_cursor_u16(&in), 0);
    assert_int_equal(chek_cursor_u32(&in), 0);
    assert_int_equal(chek_cursor_u64(&in), 0);
    assert_int_equal(chek_cursor_varint(&in), 0);
    assert_int_equal(chek_cursor_varint_signed(&in), 0);
    assert_null(chek_cursor_take(&in, 1));
    assert_error(in.error, CHEK_E_NUMBER); /* the first error, where it happened */
    assert_int_equal(in.at, 0);
}

static void
test_cursor_fail_keeps_the_first_error(void **state)
{
    (void)state;
    struct chek_cursor in = chek_cursor_over("", 0);
    chek_cursor_fail(&in, CHEK_E_LIMIT);
    chek_cursor_fail(&in, CHEK_E_RANGE);
    assert_error(in.error, CHEK_E_LIMIT);
}

static void
test_cursor_view_borrows(void **state)
{
    (void)state;
    static const uint8_t bytes[4] = {1, 2, 3, 4};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    struct chek_bytes_view view = chek_cursor_view(&in, 3);
    assert_ptr_equal(view.bytes, bytes);
    assert_int_equal(view.size, 3);
    view = chek_cursor_view(&in, 2);
    assert_null(view.bytes);
    assert_int_equal(view.size, 0);
    assert_error(in.error, CHEK_E_SHORT);
}

static void
test_cursor_over_nothing_is_short(void **state)
{
    (void)state;
    struct chek_cursor in = chek_cursor_over(NULL, 0);
    assert_int_equal(chek_cursor_varint(&in), 0);
    assert_error(in.error, CHEK_E_SHORT);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_cursor_varint, varint_cases);
    TABLE_ROWS(&table, test_cursor_varint_signed, signed_cases);
    TABLE_ROWS(&table, test_cursor_fixed, fixed_cases);
    TABLE_TEST(&table, test_cursor_take_all_leaves_nothing);
    TABLE_TEST(&table, test_cursor_take_one_more_is_short);
    TABLE_TEST(&table, test_cursor_take_a_huge_size_does_not_wrap);
    TABLE_TEST(&table, test_cursor_failed_stays_failed);
    TABLE_TEST(&table, test_cursor_fail_keeps_the_first_error);
    TABLE_TEST(&table, test_cursor_view_borrows);
    TABLE_TEST(&table, test_cursor_over_nothing_is_short);
    return table_run(&table, "cursor");
}
