/* SPDX-License-Identifier: MIT */
/*
 * test_writer.c - what fits is written, what does not leaves the buffer alone.
 */
#include "engine/base/writer.h"

#include "tests/unit/table.h"

static struct varint_case {
    const char *name;
    uint64_t value;
    uint8_t bytes[10];
    size_t size;
} varint_cases[] = {
    {"varint_0", 0, {0x00}, 1},
    {"varint_127", 127, {0x7f}, 1},
    {"varint_128", 128, {0x80, 0x01}, 2},
    {"varint_300", 300, {0xac, 0x02}, 2},
    {"varint_16384", 16384, {0x80, 0x80, 0x01}, 3},
    {"varint_top_bit",
     UINT64_C(1) << 63,
     {0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01},
     10},
    {"varint_largest",
     UINT64_MAX,
     {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01},
     10},
};

/* Into exactly enough room, and into one byte less. */
static void
test_writer_varint(void **state)
{
    const struct varint_case *c = *state;
    uint8_t bytes[12];
    memset(bytes, 0xee, sizeof bytes);
    struct chek_writer out = chek_writer_over(bytes, c->size);
    chek_writer_varint(&out, c->value);
    assert_false(out.full);
    assert_int_equal(out.size, c->size);
    assert_memory_equal(bytes, c->bytes, c->size);
    assert_int_equal(bytes[c->size], 0xee);

    memset(bytes, 0xee, sizeof bytes);
    out = chek_writer_over(bytes, c->size - 1);
    chek_writer_varint(&out, c->value);
    assert_true(out.full);
    assert_int_equal(out.size, 0);
    assert_int_equal(bytes[0], 0xee);
}

static struct signed_case {
    const char *name;
    int64_t value;
    uint8_t first;
    size_t size;
} signed_cases[] = {
    {"zigzag_0", 0, 0x00, 1},
    {"zigzag_minus_1", -1, 0x01, 1},
    {"zigzag_1", 1, 0x02, 1},
    {"zigzag_minus_64", -64, 0x7f, 1},
    {"zigzag_64", 64, 0x80, 2},
    {"zigzag_smallest", INT64_MIN, 0xff, 10},
    {"zigzag_largest", INT64_MAX, 0xfe, 10},
};

static void
test_writer_varint_signed(void **state)
{
    const struct signed_case *c = *state;
    uint8_t bytes[10];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_varint_signed(&out, c->value);
    assert_int_equal(out.size, c->size);
    assert_int_equal(bytes[0], c->first);
}

static void
test_writer_numbers_are_little_endian(void **state)
{
    (void)state;
    static const uint8_t want[] = {0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f,
                                   0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x08};
    uint8_t bytes[sizeof want];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_u8(&out, 0x01);
    chek_writer_u16(&out, 0x0203);
    chek_writer_u32(&out, 0x04050607);
    chek_writer_u64(&out, UINT64_C(0x08090a0b0c0d0e0f));
    assert_false(out.full);
    assert_int_equal(out.size, sizeof want);
    assert_memory_equal(bytes, want, sizeof want);
}

static void
test_writer_full_stays_full(void **state)
{
    (void)state;
    uint8_t bytes[4] = {0};
    struct chek_writer out = chek_writer_over(bytes, 3);
    chek_writer_u16(&out, 0x0101);
    chek_writer_u16(&out, 0x0202);
    assert_true(out.full);
    chek_writer_u8(&out, 3); /* would fit, but what is before it is missing */
    assert_int_equal(out.size, 2);
    assert_int_equal(bytes[2], 0);
    assert_null(chek_writer_reserve(&out, 0));
}

static void
test_writer_reserve_a_huge_size_does_not_wrap(void **state)
{
    (void)state;
    uint8_t bytes[4];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_u8(&out, 1);
    assert_null(chek_writer_reserve(&out, SIZE_MAX));
    assert_true(out.full);
}

static void
test_writer_view_copies(void **state)
{
    (void)state;
    uint8_t bytes[8];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_view(&out, chek_bytes_view_text("shift"));
    chek_writer_view(&out, chek_bytes_view_of(NULL, 0));
    assert_int_equal(out.size, 5);
    assert_memory_equal(bytes, "shift", 5);
    assert_false(out.full);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_writer_varint, varint_cases);
    TABLE_ROWS(&table, test_writer_varint_signed, signed_cases);
    TABLE_TEST(&table, test_writer_numbers_are_little_endian);
    TABLE_TEST(&table, test_writer_full_stays_full);
    TABLE_TEST(&table, test_writer_reserve_a_huge_size_does_not_wrap);
    TABLE_TEST(&table, test_writer_view_copies);
    return table_run(&table, "writer");
}
