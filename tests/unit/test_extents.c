/* SPDX-License-Identifier: MIT */
/* test_extents.c - memory of any size, taken and given back in any order. */
#include "engine/base/extents.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/base/prng.h"

#define THING_COUNT 64

struct thing {
    uint8_t *bytes;
    size_t size;
    uint8_t mark;
};

static bool
is_filled(const uint8_t *bytes, size_t size, uint8_t with)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != with) {
            return false;
        }
    }
    return true;
}

static void
test_extents_are_zero_and_do_not_overlap(void **state)
{
    static struct thing things[THING_COUNT];
    struct chek_extents extents = {0};
    struct chek_prng prng;
    uint64_t used_size = 0;
    (void)state;
    chek_prng_init(&prng, 1);
    assert_int_equal(chek_extents_init(&extents), CHEK_OK);
    for (uint32_t i = 0; i < 4000; i++) {
        struct thing *thing = &things[chek_prng_below(&prng, THING_COUNT)];
        if (thing->bytes != NULL) {
            assert_true(is_filled(thing->bytes, thing->size, thing->mark));
            chek_extents_give(&extents, thing->bytes, thing->size);
            used_size -= (thing->size + 4095) / 4096 * 4096;
            thing->bytes = NULL;
        } else {
            thing->size = 1 + (size_t)chek_prng_below(&prng, 60000);
            thing->mark = (uint8_t)(1 + i % 255);
            thing->bytes = chek_extents_take(&extents, thing->size);
            assert_non_null(thing->bytes);
            assert_int_equal((uintptr_t)thing->bytes % CHEK_EXTENT_PAGE_SIZE, 0);
            assert_true(is_filled(thing->bytes, thing->size, 0));
            memset(thing->bytes, thing->mark, thing->size);
            used_size += (thing->size + 4095) / 4096 * 4096;
        }
        assert_int_equal(extents.used_size, used_size);
    }
    for (uint32_t i = 0; i < THING_COUNT; i++) {
        chek_extents_give(&extents, things[i].bytes, things[i].size);
    }
    assert_int_equal(extents.used_size, 0);
    assert_int_equal(extents.gap_count, 1); /* all of it is one gap again */
    assert_int_equal(extents.gaps[0].count * CHEK_EXTENT_PAGE_SIZE, CHEK_EXTENT_AREA_SIZE);
    chek_extents_finish(&extents);
}

static void
test_extents_go_on_in_another_area(void **state)
{
    struct chek_extents extents = {0};
    size_t size = CHEK_EXTENT_AREA_SIZE / 2 + CHEK_EXTENT_PAGE_SIZE;
    (void)state;
    assert_int_equal(chek_extents_init(&extents), CHEK_OK);
    assert_null(chek_extents_take(&extents, CHEK_EXTENT_AREA_SIZE + 1));
    assert_null(chek_extents_take(&extents, 0));
    uint8_t *first = chek_extents_take(&extents, size);
    uint8_t *second = chek_extents_take(&extents, size);
    assert_non_null(first);
    assert_non_null(second);
    assert_int_equal(extents.area_count, 2);
    chek_extents_give(&extents, first, size);
    chek_extents_give(&extents, second, size);
    assert_int_equal(extents.gap_count, 2); /* areas are not joined, wherever they are */
    chek_extents_finish(&extents);
}

static void
test_extents_leave_everything_as_it_was_without_memory(void **state)
{
    struct chek_extents extents = {0};
    struct chek_memory_counters before = chek_memory_count();
    (void)state;
    chek_memory_fail_at(1);
    assert_int_equal(chek_extents_init(&extents), -12);
    chek_extents_finish(&extents);
    assert_int_equal(chek_extents_init(&extents), CHEK_OK);
    static const uint64_t fails[] = {1, 2, 2}; /* the table; an area; its pages */
    for (size_t i = 0; i < CHEK_COUNT(fails); i++) {
        chek_memory_fail_at(fails[i]);
        assert_null(chek_extents_take(&extents, 5000));
        chek_memory_fail_at(0);
        assert_int_equal(extents.used_size, 0);
    }
    uint8_t *bytes = chek_extents_take(&extents, 5000);
    assert_non_null(bytes);
    chek_extents_give(&extents, bytes, 5000);
    chek_extents_give(&extents, NULL, 5000);
    chek_extents_finish(&extents);
    assert_int_equal(chek_memory_count().reserved_size, before.reserved_size);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extents_are_zero_and_do_not_overlap),
        cmocka_unit_test(test_extents_go_on_in_another_area),
        cmocka_unit_test(test_extents_leave_everything_as_it_was_without_memory),
    };
    return cmocka_run_group_tests_name("extents", tests, NULL, NULL);
}
