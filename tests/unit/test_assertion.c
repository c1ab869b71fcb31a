/* SPDX-License-Identifier: MIT */
/*
 * test_assertion.c - a failed assertion says where and aborts; one that holds costs nothing.
 */
#include "engine/base/assertion.h"

#include "tests/unit/last_words.h"
#include "tests/unit/table.h"

static void
assert_in_child(void *argument)
{
    int shift_count = *(int *)argument;
    CHEK_ASSERT(shift_count == 1);
}

static void
fail_with_long_text(void *argument)
{
    (void)argument;
    char condition[2048];
    memset(condition, 'x', sizeof condition - 1);
    condition[sizeof condition - 1] = '\0';
    chek_assertion_failed(condition, "far.c", 7);
}

static void
test_assertion_that_holds_goes_on(void **state)
{
    (void)state;
    char text[LAST_WORDS_SIZE];
    int shift_count = 1;
    assert_false(last_words_of(assert_in_child, &shift_count, text));
    assert_string_equal(text, "");
}

static void
test_assertion_that_fails_names_place_and_condition(void **state)
{
    (void)state;
    char text[LAST_WORDS_SIZE];
    int shift_count = 2;
    assert_true(last_words_of(assert_in_child, &shift_count, text));
    assert_non_null(strstr(text, "test_assertion.c:"));
    assert_non_null(strstr(text, ": assertion failed: shift_count == 1\n"));
}

static void
test_assertion_with_a_long_condition_is_cut(void **state)
{
    (void)state;
    char text[LAST_WORDS_SIZE];
    assert_true(last_words_of(fail_with_long_text, NULL, text));
    assert_ptr_equal(strstr(text, "far.c:7: assertion failed: xxx"), text);
    assert_int_equal(strlen(text), 512);
    assert_int_equal(text[511], '\n');
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_assertion_that_holds_goes_on);
    TABLE_TEST(&table, test_assertion_that_fails_names_place_and_condition);
    TABLE_TEST(&table, test_assertion_with_a_long_condition_is_cut);
    return table_run(&table, "assertion");
}
