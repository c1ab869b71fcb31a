/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_compare.c - each figure of X and Z that differs is found and named.
 */
#include "tools/kkm/kkm_compare.h"

#include <stdio.h>

#include "tests/unit/table.h"

#define FIGURE(type, member, text)                                         \
    {                                                                      \
        text, offsetof(struct chek_kkm_totals, member), sizeof(type), text \
    }

static struct figure_case {
    const char *name;
    size_t at, size;
    const char *want;
} figure_cases[] = {
    FIGURE(uint32_t, shift_number, "shift_number"),
    FIGURE(uint32_t, sections[0].operations[2].count, "sections[1].SELL.count"),
    FIGURE(int64_t, sections[0].operations[3].sum, "sections[1].SELL_RETURN.sum"),
    FIGURE(uint32_t, operations[0].count, "operations.BUY.count"),
    FIGURE(int64_t, operations[1].sum, "operations.BUY_RETURN.sum"),
    FIGURE(uint32_t, discounts[2].count, "discounts.SELL.count"),
    FIGURE(int64_t, discounts[2].sum, "discounts.SELL.sum"),
    FIGURE(uint32_t, markups[2].count, "markups.SELL.count"),
    FIGURE(int64_t, markups[2].sum, "markups.SELL.sum"),
    FIGURE(uint32_t, total_result[2].count, "total_result.SELL.count"),
    FIGURE(int64_t, total_result[2].sum, "total_result.SELL.sum"),
    FIGURE(int64_t, taxes[0].operations[2].turnover, "taxes[100/16000].SELL.turnover"),
    FIGURE(int64_t, taxes[0].operations[2].sum, "taxes[100/16000].SELL.sum"),
    FIGURE(int64_t, taxes[0].operations[2].turnover_without_tax,
           "taxes[100/16000].SELL.turnover_without_tax"),
    FIGURE(int64_t, start_non_nullable[2], "start_shift_non_nullable_sums[SELL]"),
    FIGURE(int64_t, non_nullable[0], "non_nullable_sums[BUY]"),
    FIGURE(uint32_t, tickets[2].total_count, "ticket_operations[SELL].tickets_total_count"),
    FIGURE(uint32_t, tickets[2].count, "ticket_operations[SELL].tickets_count"),
    FIGURE(int64_t, tickets[2].sum, "ticket_operations[SELL].tickets_sum"),
    FIGURE(uint32_t, tickets[2].offline_count, "ticket_operations[SELL].offline_count"),
    FIGURE(int64_t, tickets[2].discount_sum, "ticket_operations[SELL].discount_sum"),
    FIGURE(int64_t, tickets[2].markup_sum, "ticket_operations[SELL].markup_sum"),
    FIGURE(int64_t, tickets[2].change_sum, "ticket_operations[SELL].change_sum"),
    FIGURE(uint32_t, tickets[2].payments[0].count, "ticket_operations[SELL].CASH.count"),
    FIGURE(int64_t, tickets[2].payments[4].sum, "ticket_operations[SELL].MOBILE.sum"),
    FIGURE(uint32_t, placements[0].total_count, "money_placements[DEPOSIT].operations_total_count"),
    FIGURE(uint32_t, placements[1].count, "money_placements[WITHDRAWAL].operations_count"),
    FIGURE(int64_t, placements[1].sum, "money_placements[WITHDRAWAL].operations_sum"),
    FIGURE(uint32_t, placements[0].offline_count, "money_placements[DEPOSIT].offline_count"),
    FIGURE(int64_t, cash_sum, "cash_sum"),
    FIGURE(int64_t, revenue, "revenue"),
    FIGURE(int64_t, open_s, "open_shift_time"),
    FIGURE(int64_t, close_s, "close_shift_time"),
};

/* Two sections and a tax, so that there are rows to find. */
static struct chek_kkm_totals
some_totals(void)
{
    struct chek_kkm_totals totals = {.shift_number = 3, .cash_sum = 27000, .revenue = -5};
    struct chek_kkm_section_row *section =
        chek_kkm_totals_section(&totals, chek_bytes_view_text("1"));
    assert_non_null(section);
    section->operations[CHEK_KKM_SELL] = (struct chek_kkm_tally){.count = 2, .sum = 10000};
    section = chek_kkm_totals_section(&totals, chek_bytes_view_text("2"));
    assert_non_null(section);
    section->operations[CHEK_KKM_SELL] = (struct chek_kkm_tally){.count = 1, .sum = 20000};
    struct chek_kkm_tax_row *tax = chek_kkm_totals_tax(&totals, CHEK_KKM_VAT, 16000);
    assert_non_null(tax);
    tax->operations[CHEK_KKM_SELL] = (struct chek_kkm_tax_sums){
        .turnover = 116000, .sum = 16000, .turnover_without_tax = 100000};
    return totals;
}

static void
test_compare_finds_a_figure(void **state)
{
    const struct figure_case *c = *state;
    struct chek_kkm_totals mine = some_totals();
    struct chek_kkm_totals theirs = mine;
    char first[CHEK_KKM_DIFFERENCE_SIZE] = "";
    char want[CHEK_KKM_DIFFERENCE_SIZE];

    ((uint8_t *)&theirs)[c->at] ^= 1;
    assert_int_equal(chek_kkm_compare(&mine, &theirs, first), 1);
    (void)snprintf(want, sizeof want, "%s: the register has ", c->want);
    first[strlen(want)] = 0;
    assert_string_equal(first, want);
    assert_int_equal(chek_kkm_compare(&mine, &mine, first), 0);
}

static void
test_compare_takes_rows_that_are_not_there_for_zero(void **state)
{
    (void)state;
    struct chek_kkm_totals mine = some_totals();
    struct chek_kkm_totals theirs = mine;
    char first[CHEK_KKM_DIFFERENCE_SIZE] = "";

    assert_non_null(chek_kkm_totals_tax(&theirs, CHEK_KKM_VAT, 0));
    assert_non_null(chek_kkm_totals_section(&mine, chek_bytes_view_text("9")));
    assert_int_equal(chek_kkm_compare(&mine, &theirs, first), 0);
    theirs.taxes[theirs.tax_count - 1].operations[0].turnover = 5;
    mine.sections[mine.section_count - 1].operations[0].sum = 5;
    assert_int_equal(chek_kkm_compare(&mine, &theirs, first), 2);
    assert_int_equal(chek_kkm_compare(&theirs, &mine, first), 2);
}

static void
test_compare_does_not_mind_the_order_of_rows(void **state)
{
    (void)state;
    struct chek_kkm_totals mine = some_totals();
    struct chek_kkm_totals theirs = mine;
    char first[CHEK_KKM_DIFFERENCE_SIZE] = "";
    theirs.sections[0] = mine.sections[1];
    theirs.sections[1] = mine.sections[0];
    assert_int_equal(chek_kkm_compare(&mine, &theirs, first), 0);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_compare_finds_a_figure, figure_cases);
    TABLE_TEST(&table, test_compare_takes_rows_that_are_not_there_for_zero);
    TABLE_TEST(&table, test_compare_does_not_mind_the_order_of_rows);
    return table_run(&table, "kkm_compare");
}
