/* SPDX-License-Identifier: MIT */
/*
 * test_kkm_totals.c - a register's own X and Z: a test for each rule of the protocol's reports.
 */
#include "tests/unit/table.h"
#include "tools/kkm/kkm_compare.h"

#define SELL CHEK_KKM_SELL
#define NO_TAX CHEK_KKM_NO_TAX
#define NOON 1767096000 /* 2025-12-30T12:00:00 */

/* ---- documents, said shortly ------------------------------------------------------------------ */

static struct chek_kkm_document
ticket(enum chek_kkm_operation operation, int64_t total)
{
    struct chek_kkm_document document = {
        .kind = CHEK_KKM_TICKET, .shift_number = 1, .time_s = NOON};
    document.ticket.operation = (uint8_t)operation;
    document.ticket.total = total;
    document.ticket.percent = NO_TAX;
    return document;
}

static void
item(struct chek_kkm_document *document, enum chek_kkm_item_type type, int64_t sum)
{
    struct chek_kkm_ticket *to = &document->ticket;
    to->items[to->item_count++] =
        (struct chek_kkm_item){.type = (uint8_t)type, .section = 1, .sum = sum, .percent = NO_TAX};
}

static void
taxed(struct chek_kkm_document *document, enum chek_kkm_item_type type, int64_t sum,
      uint32_t percent, int64_t tax)
{
    item(document, type, sum);
    struct chek_kkm_item *last = &document->ticket.items[document->ticket.item_count - 1];
    last->percent = percent;
    last->tax = tax;
}

static void
pay(struct chek_kkm_document *document, enum chek_kkm_payment_type type, int64_t sum)
{
    struct chek_kkm_ticket *to = &document->ticket;
    to->payments[to->payment_count++] =
        (struct chek_kkm_payment){.type = (uint8_t)type, .sum = sum};
}

static struct chek_kkm_document
placement(bool is_withdrawal, int64_t sum)
{
    struct chek_kkm_document document = {
        .kind = CHEK_KKM_PLACEMENT, .shift_number = 1, .time_s = NOON};
    document.placement = (struct chek_kkm_placement){.is_withdrawal = is_withdrawal, .sum = sum};
    return document;
}

static struct chek_kkm_document
closing(bool withdraws)
{
    return (struct chek_kkm_document){
        .kind = CHEK_KKM_CLOSE, .shift_number = 1, .time_s = NOON + 60, .withdraws = withdraws};
}

static void
count(struct chek_kkm_totals *totals, const struct chek_kkm_document *document)
{
    assert_error(chek_kkm_totals_add(totals, document), CHEK_OK);
}

static void
sell_for_cash(struct chek_kkm_totals *totals, enum chek_kkm_operation operation, int64_t total)
{
    struct chek_kkm_document document = ticket(operation, total);
    item(&document, CHEK_KKM_COMMODITY, total);
    pay(&document, CHEK_KKM_CASH, total);
    count(totals, &document);
}

static void
assert_tally(const struct chek_kkm_tally *tally, uint32_t want_count, int64_t want_sum)
{
    assert_int_equal(tally->count, want_count);
    assert_int_equal(tally->sum, want_sum);
}

/* Three positions, one of them taken back, with modifiers of all kinds: worth 27,000. */
static struct chek_kkm_document
rich_ticket(void)
{
    struct chek_kkm_document document = ticket(SELL, 27000);
    item(&document, CHEK_KKM_COMMODITY, 10000);
    item(&document, CHEK_KKM_COMMODITY, 20000);
    document.ticket.items[1].section = 2;
    item(&document, CHEK_KKM_DISCOUNT, 3000);
    item(&document, CHEK_KKM_STORNO_DISCOUNT, 1000);
    item(&document, CHEK_KKM_MARKUP, 500);
    item(&document, CHEK_KKM_STORNO_MARKUP, 200);
    item(&document, CHEK_KKM_COMMODITY, 5000);
    item(&document, CHEK_KKM_STORNO_COMMODITY, 5000);
    document.ticket.discount.sum = 1300;
    document.ticket.discount.percent = NO_TAX;
    return document;
}

/* ---- positions and modifiers ------------------------------------------------------------------ */

static void
test_positions_are_counted_not_tickets_and_before_modifiers(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    count(&totals, &document);
    assert_tally(&totals.operations[SELL], 3, 30000); /* a storno takes the sum back only */
    assert_tally(&totals.operations[CHEK_KKM_BUY], 0, 0);
}

static void
test_sections_are_operations_by_section_code(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    count(&totals, &document);
    assert_int_equal(totals.section_count, 2);
    assert_string_equal(totals.sections[0].code, "1");
    assert_tally(&totals.sections[0].operations[SELL], 2, 10000);
    assert_string_equal(totals.sections[1].code, "2");
    assert_tally(&totals.sections[1].operations[SELL], 1, 20000);
}

static void
test_discounts_are_those_of_items_and_of_the_ticket(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    count(&totals, &document);
    assert_tally(&totals.discounts[SELL], 2, 3000 - 1000 + 1300);
    assert_tally(&totals.markups[SELL], 1, 500 - 200);
    assert_int_equal(totals.tickets[SELL].discount_sum, 1300); /* the ticket's alone */
    assert_int_equal(totals.tickets[SELL].markup_sum, 0);
}

static void
test_markups_are_those_of_items_and_of_the_ticket(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = ticket(SELL, 10700);
    item(&document, CHEK_KKM_COMMODITY, 10000);
    item(&document, CHEK_KKM_MARKUP, 500);
    document.ticket.markup = (struct chek_kkm_modifier){.sum = 200, .percent = NO_TAX};
    count(&totals, &document);
    assert_tally(&totals.markups[SELL], 2, 700);
    assert_int_equal(totals.tickets[SELL].markup_sum, 200);
    assert_int_equal(totals.tickets[SELL].discount_sum, 0);
    assert_tally(&totals.total_result[SELL], 1, 10700);
}

static void
test_total_result_is_goods_after_all_modifiers(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    count(&totals, &document);
    assert_tally(&totals.total_result[SELL], 3, 27000);
}

/* ---- tickets, payments, cash ------------------------------------------------------------------ */

static void
test_tickets_are_counted_with_their_totals(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    count(&totals, &document);
    count(&totals, &document);
    assert_int_equal(totals.tickets[SELL].count, 2);
    assert_int_equal(totals.tickets[SELL].total_count, 2);
    assert_int_equal(totals.tickets[SELL].sum, 54000);
    assert_int_equal(totals.tickets[SELL].offline_count, 0);
}

static void
test_an_autonomous_sign_counts_as_offline(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    document.is_offline = true;
    count(&totals, &document);
    assert_int_equal(totals.tickets[SELL].offline_count, 1);
}

static void
test_payments_are_by_type_and_change_is_aside(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = rich_ticket();
    pay(&document, CHEK_KKM_CASH, 7000);
    pay(&document, CHEK_KKM_CARD, 15000);
    pay(&document, CHEK_KKM_MOBILE, 5000);
    document.ticket.taken = 30000;
    document.ticket.change = 3000;
    count(&totals, &document);
    assert_tally(&totals.tickets[SELL].payments[CHEK_KKM_CASH], 1, 7000);
    assert_tally(&totals.tickets[SELL].payments[CHEK_KKM_CARD], 1, 15000);
    assert_tally(&totals.tickets[SELL].payments[CHEK_KKM_MOBILE], 1, 5000);
    assert_tally(&totals.tickets[SELL].payments[CHEK_KKM_CREDIT], 0, 0);
    assert_int_equal(totals.tickets[SELL].change_sum, 3000);
    assert_int_equal(totals.cash_sum, 7000); /* what is paid in cash has no change in it */
}

static struct direction_case {
    const char *name;
    enum chek_kkm_operation operation;
    int64_t want;
} direction_cases[] = {
    {"a_sell_brings", CHEK_KKM_SELL, 1000},
    {"a_return_of_a_sell_takes", CHEK_KKM_SELL_RETURN, -1000},
    {"a_buy_takes", CHEK_KKM_BUY, -1000},
    {"a_return_of_a_buy_brings", CHEK_KKM_BUY_RETURN, 1000},
};

static void
test_direction(void **state)
{
    const struct direction_case *c = *state;
    struct chek_kkm_totals totals = {.cash_sum = 5000};
    sell_for_cash(&totals, c->operation, 1000);
    assert_int_equal(totals.cash_sum, 5000 + c->want);
    assert_int_equal(totals.revenue, c->want);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) { /* never down, and each by itself */
        assert_int_equal(totals.non_nullable[i], i == (int)c->operation ? 1000 : 0);
    }
}

static void
test_placements_move_cash_and_nothing_else(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document in = placement(false, 123456);
    struct chek_kkm_document out = placement(true, 70010);
    out.is_offline = true;
    count(&totals, &in);
    sell_for_cash(&totals, CHEK_KKM_SELL, 150050);
    sell_for_cash(&totals, CHEK_KKM_SELL_RETURN, 50025);
    count(&totals, &out);
    assert_int_equal(totals.cash_sum, 153471);
    assert_int_equal(totals.revenue, 100025);
    assert_int_equal(totals.placements[0].sum, 123456);
    assert_int_equal(totals.placements[0].count, 1);
    assert_int_equal(totals.placements[0].total_count, 1);
    assert_int_equal(totals.placements[0].offline_count, 0);
    assert_int_equal(totals.placements[1].sum, 70010);
    assert_int_equal(totals.placements[1].offline_count, 1);
    assert_int_equal(totals.non_nullable[SELL], 150050);
    assert_int_equal(totals.non_nullable[CHEK_KKM_SELL_RETURN], 50025);
}

/* ---- taxes ------------------------------------------------------------------------------------ */

static void
assert_tax(struct chek_kkm_totals *totals, uint32_t percent, int64_t turnover, int64_t sum)
{
    uint32_t row_count = totals->tax_count;
    const struct chek_kkm_tax_row *row = chek_kkm_totals_tax(totals, CHEK_KKM_VAT, percent);
    assert_int_equal(totals->tax_count, row_count);
    assert_int_equal(row->operations[SELL].turnover, turnover);
    assert_int_equal(row->operations[SELL].sum, sum);
    assert_int_equal(row->operations[SELL].turnover_without_tax, turnover - sum);
}

static void
test_stornos_and_modifiers_move_taxes(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = ticket(SELL, 0);
    taxed(&document, CHEK_KKM_COMMODITY, 100000, 16000, 13793);
    taxed(&document, CHEK_KKM_STORNO_COMMODITY, 50000, 16000, 6897);
    taxed(&document, CHEK_KKM_DISCOUNT, 10000, 16000, 1379);
    taxed(&document, CHEK_KKM_STORNO_DISCOUNT, 5000, 16000, 690);
    taxed(&document, CHEK_KKM_MARKUP, 2000, 16000, 276);
    taxed(&document, CHEK_KKM_STORNO_MARKUP, 1000, 16000, 138);
    document.ticket.discount = (struct chek_kkm_modifier){.sum = 700, .percent = 16000, .tax = 97};
    document.ticket.markup = (struct chek_kkm_modifier){.sum = 300, .percent = 16000, .tax = 41};
    count(&totals, &document);
    assert_tax(&totals, 16000, 100000 - 50000 - 10000 + 5000 + 2000 - 1000 - 700 + 300,
               13793 - 6897 - 1379 + 690 + 276 - 138 - 97 + 41);
}

static void
test_a_tax_on_the_ticket_is_taken_as_it_is(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = ticket(SELL, 112000);
    taxed(&document, CHEK_KKM_COMMODITY, 112000, 16000, 99999); /* not read */
    document.ticket.percent = 12000;
    document.ticket.tax = 12000;
    count(&totals, &document);
    assert_int_equal(totals.tax_count, 1);
    assert_tax(&totals, 12000, 112000, 12000);
}

static void
test_no_vat_has_no_row_and_0_percent_has(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = ticket(SELL, 3000);
    item(&document, CHEK_KKM_COMMODITY, 1000);
    count(&totals, &document);
    assert_int_equal(totals.tax_count, 0);
    taxed(&document, CHEK_KKM_COMMODITY, 2000, 0, 0);
    count(&totals, &document);
    assert_int_equal(totals.tax_count, 1);
    assert_tax(&totals, 0, 2000, 0);
}

static void
test_rates_are_rows_of_their_own_and_turnover_includes_the_tax(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    struct chek_kkm_document document = ticket(SELL, 228000);
    taxed(&document, CHEK_KKM_COMMODITY, 116000, 16000, 16000);
    taxed(&document, CHEK_KKM_COMMODITY, 112000, 12000, 12000);
    count(&totals, &document);
    assert_tax(&totals, 16000, 116000, 16000);
    assert_tax(&totals, 12000, 112000, 12000);
}

/* ---- shifts ----------------------------------------------------------------------------------- */

static void
test_the_first_document_opens_a_shift(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {.shift_number = 1};
    struct chek_kkm_document first = placement(false, 1);
    first.time_s = NOON - 100;
    count(&totals, &first);
    sell_for_cash(&totals, SELL, 5);
    assert_int_equal(totals.open_s, NOON - 100);
    assert_int_equal(totals.close_s, 0);
}

static void
test_an_empty_shift_was_not_opened(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {.shift_number = 1};
    struct chek_kkm_document close = closing(true);
    count(&totals, &close);
    assert_int_equal(totals.open_s, 0);
    assert_int_equal(totals.close_s, NOON + 60);
    assert_int_equal(totals.placements[1].count, 0); /* nothing to withdraw */
}

static void
test_a_close_withdraws_the_whole_drawer_into_its_shift(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {.shift_number = 1};
    struct chek_kkm_document close = closing(true);
    sell_for_cash(&totals, SELL, 4321);
    count(&totals, &close);
    assert_int_equal(totals.placements[1].count, 1);
    assert_int_equal(totals.placements[1].sum, 4321);
    assert_int_equal(totals.cash_sum, 0);
    assert_int_equal(totals.revenue, 4321);
}

static void
test_a_close_without_withdrawal_leaves_the_drawer(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {.shift_number = 1};
    struct chek_kkm_document close = closing(false);
    sell_for_cash(&totals, SELL, 4321);
    count(&totals, &close);
    assert_int_equal(totals.placements[1].count, 0);
    assert_int_equal(totals.cash_sum, 4321);
}

static void
test_what_lives_on_is_carried_and_the_rest_is_zero(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {.shift_number = 7};
    struct chek_kkm_document in = placement(false, 1000);
    struct chek_kkm_document close = closing(false);
    struct chek_kkm_document rich = rich_ticket();
    count(&totals, &in);
    count(&totals, &rich);
    sell_for_cash(&totals, SELL, 500);
    count(&totals, &close);
    chek_kkm_totals_carry(&totals);

    struct chek_kkm_totals want = {.shift_number = 8, .cash_sum = 1500};
    want.non_nullable[SELL] = want.start_non_nullable[SELL] = 27500;
    want.tickets[SELL].total_count = 2;
    want.placements[0].total_count = 1;
    char first[CHEK_KKM_DIFFERENCE_SIZE] = "";
    assert_int_equal(chek_kkm_compare(&totals, &want, first), 0);
    assert_string_equal(first, "");
    assert_int_equal(totals.section_count, 0);
    assert_int_equal(totals.tax_count, 0);
}

/* ---- limits ----------------------------------------------------------------------------------- */

static void
assert_refused(struct chek_kkm_totals *totals, const struct chek_kkm_document *document, int error)
{
    struct chek_kkm_totals before;
    memcpy(&before, totals, sizeof before);
    assert_error(chek_kkm_totals_add(totals, document), error);
    assert_memory_equal(totals, &before, sizeof before);
}

static void
test_sums_that_do_not_fit_change_nothing(void **state)
{
    (void)state;
    struct chek_kkm_document document = ticket(SELL, 10);
    item(&document, CHEK_KKM_COMMODITY, 10);
    pay(&document, CHEK_KKM_CASH, 10);
    struct chek_kkm_totals totals = {.cash_sum = INT64_MAX - 9};
    assert_refused(&totals, &document, CHEK_E_OVERFLOW);
    totals = (struct chek_kkm_totals){0};
    totals.tickets[SELL].total_count = UINT32_MAX;
    assert_refused(&totals, &document, CHEK_E_OVERFLOW);
}

static void
test_more_rows_than_there_is_room_for_change_nothing(void **state)
{
    (void)state;
    struct chek_kkm_totals totals = {0};
    for (uint32_t i = 0; i < CHEK_KKM_TAX_COUNT_MAX; i++) {
        assert_non_null(chek_kkm_totals_tax(&totals, CHEK_KKM_VAT, i));
    }
    struct chek_kkm_document document = ticket(SELL, 10);
    taxed(&document, CHEK_KKM_COMMODITY, 10, 16000, 1);
    assert_refused(&totals, &document, CHEK_E_LIMIT);

    totals = (struct chek_kkm_totals){0};
    for (int i = 0; i < CHEK_KKM_SECTION_COUNT_MAX; i++) {
        char code = (char)('a' + i);
        assert_non_null(chek_kkm_totals_section(&totals, chek_bytes_view_of(&code, 1)));
    }
    assert_refused(&totals, &document, CHEK_E_LIMIT);
    assert_null(chek_kkm_totals_section(&totals, chek_bytes_view_text("longer than fits")));
}

int
main(void)
{
    struct table table = {.count = 0};

    TABLE_TEST(&table, test_positions_are_counted_not_tickets_and_before_modifiers);
    TABLE_TEST(&table, test_sections_are_operations_by_section_code);
    TABLE_TEST(&table, test_discounts_are_those_of_items_and_of_the_ticket);
    TABLE_TEST(&table, test_markups_are_those_of_items_and_of_the_ticket);
    TABLE_TEST(&table, test_total_result_is_goods_after_all_modifiers);
    TABLE_TEST(&table, test_tickets_are_counted_with_their_totals);
    TABLE_TEST(&table, test_an_autonomous_sign_counts_as_offline);
    TABLE_TEST(&table, test_payments_are_by_type_and_change_is_aside);
    TABLE_ROWS(&table, test_direction, direction_cases);
    TABLE_TEST(&table, test_placements_move_cash_and_nothing_else);
    TABLE_TEST(&table, test_stornos_and_modifiers_move_taxes);
    TABLE_TEST(&table, test_a_tax_on_the_ticket_is_taken_as_it_is);
    TABLE_TEST(&table, test_no_vat_has_no_row_and_0_percent_has);
    TABLE_TEST(&table, test_rates_are_rows_of_their_own_and_turnover_includes_the_tax);
    TABLE_TEST(&table, test_the_first_document_opens_a_shift);
    TABLE_TEST(&table, test_an_empty_shift_was_not_opened);
    TABLE_TEST(&table, test_a_close_withdraws_the_whole_drawer_into_its_shift);
    TABLE_TEST(&table, test_a_close_without_withdrawal_leaves_the_drawer);
    TABLE_TEST(&table, test_what_lives_on_is_carried_and_the_rest_is_zero);
    TABLE_TEST(&table, test_sums_that_do_not_fit_change_nothing);
    TABLE_TEST(&table, test_more_rows_than_there_is_room_for_change_nothing);
    return table_run(&table, "kkm_totals");
}
