/* SPDX-License-Identifier: MIT */
/*
 * test_check_digits.c - taxpayers' and registers' numbers, right and with one digit changed.
 */
#include "engine/fiscal/check_digits.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/prng.h"
#include "tests/unit/table.h"
#include "tools/verify/naive/naive.h"

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

/* ---- of registers (C21) ----------------------------------------------------------------------- */

#define TIN (UINT32_C(1) << CHEK_WARNING_TIN_WRONG)
#define NUMBER (UINT32_C(1) << CHEK_WARNING_REGISTER_NUMBER_WRONG)

static struct register_case {
    const char *name, *inn, *number, *factory;
    uint16_t country;
    uint32_t want;
} register_cases[] = {
    {"register_that_is_right", "7825706086", "0007795807005569", "00105726645591", 643, 0},
    {"register_of_another_country", "7825706087", "0007795807005560", "1", 398, 0},
    {"register_of_no_country", "7825706087", "0007795807005560", "1", 0, 0},
    {"register_with_a_wrong_inn", "7825706087", "0007795807005569", "00105726645591", 643,
     TIN | NUMBER},
    {"register_with_a_wrong_inn_alone", "7825706087", NULL, "00105726645591", 643, TIN},
    {"register_with_a_wrong_number", "7825706086", "0007795807005560", "00105726645591", 643,
     NUMBER},
    {"register_that_says_no_factory_number", "7825706086", "0007795807005560", NULL, 643, 0},
    {"register_with_a_short_number", "7825706086", "7795807005569", "00105726645591", 643, NUMBER},
};

static uint32_t
doubts_of(const char *inn, const char *number, const char *factory, uint16_t country)
{
    struct chek_register_key keys[2];
    struct chek_register what = {
        .keys = keys, .organisation = chek_bytes_view_text(inn), .country = country};
    if (number != NULL) {
        keys[what.keys_count++] = (struct chek_register_key){
            .kind = CHEK_KEY_KIND_REGISTRATION_NUMBER, .value = chek_bytes_view_text(number)};
    }
    if (factory != NULL) {
        keys[what.keys_count++] = (struct chek_register_key){
            .kind = CHEK_KEY_KIND_FACTORY_NUMBER, .value = chek_bytes_view_text(factory)};
    }
    uint32_t doubts = chek_register_doubts(&what);
    assert_int_equal(chek_naive_register_doubts(&what), doubts);
    return doubts;
}

static void
test_register(void **state)
{
    const struct register_case *c = *state;
    assert_int_equal(doubts_of(c->inn, c->number, c->factory, c->country), c->want);
}

/* Random numbers: as often as digits and sums come to be right by chance, both readings agree. */
static void
test_register_random(void **state)
{
    struct chek_prng prng;
    unsigned right_inn = 0;
    (void)state;
    chek_prng_init(&prng, 36);
    for (unsigned i = 0; i < 100000; i++) {
        char inn[16] = "";
        char factory[24] = "";
        char number[20];
        int inn_size = (int)chek_prng_below(&prng, 14);
        int factory_size = 1 + (int)chek_prng_below(&prng, 22);
        for (int j = 0; j < inn_size; j++) {
            inn[j] = (char)('0' + chek_prng_below(&prng, chek_prng_below(&prng, 50) ? 10 : 11));
        }
        for (int j = 0; j < factory_size; j++) {
            factory[j] = (char)('0' + chek_prng_below(&prng, 10));
        }
        (void)snprintf(number, sizeof number, "%010u%06u", (unsigned)chek_prng_next(&prng) >> 1,
                       (unsigned)chek_prng_below(&prng, 65536));
        right_inn += (doubts_of(inn, number, factory, 643) & TIN) == 0;
    }
    assert_in_range(right_inn, 500, 1500); /* 10 digits: a tenth; 12: a hundredth */
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_inn, inn_cases);
    TABLE_ROWS(&table, test_number, number_cases);
    TABLE_TEST(&table, test_number_real);
    TABLE_ROWS(&table, test_register, register_cases);
    TABLE_TEST(&table, test_register_random);
    return table_run(&table, "check_digits");
}
