/* SPDX-License-Identifier: MIT */
/*
 * test_bytes.c - views compare by content, and numbers lie in memory lowest byte first.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engine/base/bytes.h"

static void
test_bytes_view_equal_compares_content(void **state)
{
    (void)state;
    char first[] = "receipt";
    char second[] = "receipt";

    assert_true(chek_bytes_view_equal(chek_bytes_view_text(first), chek_bytes_view_text(second)));
    second[6] = 'T';
    assert_false(chek_bytes_view_equal(chek_bytes_view_text(first), chek_bytes_view_text(second)));
}

static void
test_bytes_view_equal_tells_a_prefix_from_the_whole(void **state)
{
    (void)state;
    assert_false(
        chek_bytes_view_equal(chek_bytes_view_text("receipt"), chek_bytes_view_of("receipt", 6)));
}

static void
test_bytes_view_equal_takes_null_when_empty(void **state)
{
    (void)state;
    assert_true(chek_bytes_view_equal(chek_bytes_view_of(NULL, 0), chek_bytes_view_text("")));
}

static void
test_bytes_load_reads_little_endian(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {0xff, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x88};

    assert_int_equal(chek_load_u16(bytes + 1), 0x0201);
    assert_int_equal(chek_load_u32(bytes + 1), 0x04030201);
    assert_true(chek_load_u64(bytes + 1) == UINT64_C(0x8807060504030201));
}

static void
test_bytes_store_writes_its_own_bytes_only(void **state)
{
    (void)state;
    static const uint8_t want[] = {0xee, 0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01, 0xee};
    uint8_t bytes[sizeof want];

    memset(bytes, 0xee, sizeof bytes);
    chek_store_u64(bytes + 1, UINT64_C(0x0102030405060708));
    assert_memory_equal(bytes, want, sizeof want);

    chek_store_u32(bytes + 1, UINT32_C(0x05060708));
    chek_store_u16(bytes + 1, UINT16_C(0x0708));
    assert_memory_equal(bytes, want, sizeof want);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bytes_view_equal_compares_content),
        cmocka_unit_test(test_bytes_view_equal_tells_a_prefix_from_the_whole),
        cmocka_unit_test(test_bytes_view_equal_takes_null_when_empty),
        cmocka_unit_test(test_bytes_load_reads_little_endian),
        cmocka_unit_test(test_bytes_store_writes_its_own_bytes_only),
    };
    return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
