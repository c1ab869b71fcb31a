/* SPDX-License-Identifier: MIT */
/*
 * table.h - cmocka, and tables whose every row is a test of its own name.
 *
 * A row is a struct whose first member is `const char *name`; the test function gets it as
 * *state. A failure then says which row it is.
 */
#ifndef CHEK_TESTS_TABLE_H
#define CHEK_TESTS_TABLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/attribute.h"
#include "engine/base/error.h"

#define TABLE_TEST_COUNT_MAX 512

struct table {
    struct CMUnitTest tests[TABLE_TEST_COUNT_MAX];
    size_t count;
};

static inline void
table_add(struct table *table, const char *name, CMUnitTestFunction function, void *row)
{
    if (table->count == TABLE_TEST_COUNT_MAX) {
        fail_msg("the table is full");
    }
    table->tests[table->count++] =
        (struct CMUnitTest){.name = name, .test_func = function, .initial_state = row};
}

static inline void
table_add_rows(struct table *table, CMUnitTestFunction function, void *rows, size_t row_size,
               size_t row_count)
{
    for (size_t i = 0; i < row_count; i++) {
        char *row = (char *)rows + i * row_size;
        const char *name;
        memcpy(&name, row, sizeof name);
        table_add(table, name, function, row);
    }
}

/* Every row of an array; a single function without rows. */
#define TABLE_ROWS(table, function, rows) \
    table_add_rows(table, function, rows, sizeof(rows)[0], CHEK_COUNT(rows))
#define TABLE_TEST(table, function) table_add(table, #function, function, NULL)

/* Run what was added; the result is main()'s. */
static inline int
table_run(const struct table *table, const char *group)
{
    return _cmocka_run_group_tests(group, table->tests, table->count, NULL, NULL);
}

/* Errors compare by name, so that a failure is readable. */
#define assert_error(got, want) assert_string_equal(chek_error_name(got), chek_error_name(want))

#endif
