/* SPDX-License-Identifier: MIT */
/*
 * test_error.c - every error has a number, a name and a text, and keeps clear of the kernel's.
 */
#include "engine/base/error.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>

#include "tests/unit/table.h"

#define ERROR_ROW(name, number, text) {#name, CHEK_E_##name, -(number), text},
static struct error_case {
    const char *name;
    int error, number;
    const char *text;
} error_cases[] = {CHEK_ERRORS(ERROR_ROW)};

static void
test_error_of_ours(void **state)
{
    const struct error_case *c = *state;
    assert_int_equal(c->error, c->number);
    assert_true(c->error <= -5001);
    assert_string_equal(chek_error_name(c->error), c->name);
    assert_string_equal(chek_error_text(c->error), c->text);
    assert_true(strlen(c->text) > 0);
    assert_false(isupper((unsigned char)c->text[0]));
    for (size_t i = 0; i < CHEK_COUNT(error_cases); i++) {
        if (c != &error_cases[i]) {
            assert_int_not_equal(c->error, error_cases[i].error);
            assert_string_not_equal(c->text, error_cases[i].text);
        }
    }
}

static struct other_case {
    const char *name;
    int error;
    const char *error_name, *text;
} other_cases[] = {
    {"success_has_a_name", CHEK_OK, "OK", "success"},
    {"eio_is_the_kernels", -EIO, "EIO", "Input/output error"},
    {"enomem_is_the_kernels", -ENOMEM, "ENOMEM", "Cannot allocate memory"},
    {"unused_errno_is_unknown", -4095, "UNKNOWN", "unknown error"},
    {"gap_between_the_spaces_is_unknown", -4096, "UNKNOWN", "unknown error"},
    {"number_before_ours_is_unknown", -5000, "UNKNOWN", "unknown error"},
    {"number_behind_ours_is_unknown", -5999, "UNKNOWN", "unknown error"},
    {"positive_is_unknown", 5001, "UNKNOWN", "unknown error"},
    {"int_min_is_unknown", INT_MIN, "UNKNOWN", "unknown error"},
};

static void
test_error_of_others(void **state)
{
    const struct other_case *c = *state;
    assert_string_equal(chek_error_name(c->error), c->error_name);
    assert_string_equal(chek_error_text(c->error), c->text);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_error_of_ours, error_cases);
    TABLE_ROWS(&table, test_error_of_others, other_cases);
    return table_run(&table, "error");
}
