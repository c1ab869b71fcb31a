/* SPDX-License-Identifier: MIT */
/*
 * test_check_digits.c - taxpayers' and registers' numbers, right and with one digit changed.
 */
#include "ingest/check_digits.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/table.h"

static struct inn_case {
    const char *name, *inn;
    bool valid;
} inn_cases[] = {
    {"inn_of_an_organisation", "7825706086", true},
    {"inn_of_a_person", "262901602791", true},
    {"inn_of_ten_with_a_wrong_digit", "7825706087", false},
    {"inn_of_twelve_with_a_wrong_last_digit", "262901602792", false},
    {"inn_of_twelve_with_a_wrong_digit_before", "262901602781", false},
    {"inn_of_eleven", "78257060860", false},
    {"inn_with_a_letter", "78257O6086", false},
    {"inn_of_nothing", "", false},
};

static void
test_inn(void **state)
{
    const struct inn_case *c = *state;
    assert_int_equal(chek_inn_is_valid(chek_bytes_view_text(c->inn)), c->valid);
}

static struct number_case {
    const char *name, *number, *inn, *factory;
    bool valid;
} number_cases[] = {
    {"number_of_a_register", "0007795807005569", "7825706086", "00105726645591", true},
    {"number_with_a_short_factory_number", "0006518874008604", "262901602791", "0494011062", true},
    {"number_of_another_taxpayer", "0007795807005569", "7825706087", "00105726645591", false},
    {"number_of_another_register", "0007795807005569", "7825706086", "00105726645592", false},
    {"number_with_a_wrong_digit", "0007795808005569", "7825706086", "00105726645591", false},
    {"number_of_fifteen", "007795807005569", "7825706086", "00105726645591", false},
    {"number_with_a_factory_number_too_long", "0007795807005569", "7825706086",
     "000000000105726645591", false},
};

static void
test_number(void **state)
{
    const struct number_case *c = *state;
    assert_int_equal(chek_kkt_number_is_valid(chek_bytes_view_text(c->number),
                                              chek_bytes_view_text(c->inn),
                                              chek_bytes_view_text(c->factory)),
                     c->valid);
}

/* Numbers of real registers; the last column but one says whether they are right. */
static void
test_number_real(void **state)
{
    const char *vectors = getenv("CHEK_VECTORS");
    char path[512];
    char line[512];
    unsigned count = 0;
    (void)state;
    if (vectors == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/ru/ffd_tlv/kkt_reg_number.tsv", vectors);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        char number[32];
        char inn[32];
        char factory[32];
        char valid[8];
        if (line[0] != '#' &&
            sscanf(line, "%31s %31s %31s %*s %*s %7s", number, inn, factory, valid) == 4) {
            assert_int_equal(chek_kkt_number_is_valid(chek_bytes_view_text(number),
                                                      chek_bytes_view_text(inn),
                                                      chek_bytes_view_text(factory)),
                             strcmp(valid, "yes") == 0);
            count += 1;
        }
    }
    (void)fclose(file);
    assert_int_equal(count, 9);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_inn, inn_cases);
    TABLE_ROWS(&table, test_number, number_cases);
    TABLE_TEST(&table, test_number_real);
    return table_run(&table, "check_digits");
}
