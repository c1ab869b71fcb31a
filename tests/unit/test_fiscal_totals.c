/* SPDX-License-Identifier: MIT */
/* test_fiscal_totals.c - rules F1..F10 and F23 of engine/fiscal/README.md. */
#include <stdio.h>

#include "engine/base/money.h"
#include "tests/fiscal/fixture.h"
#include "tests/unit/table.h"

#define LINE_MAX 300

static struct fixture fixture;

static int
setup(void **state)
{
    (void)state;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    return 0;
}

static int
teardown(void **state)
{
    (void)state;
    fixture_end(&fixture);
    return 0;
}

/* A receipt that is written line by line. */
struct basket {
    struct chek_line lines[LINE_MAX];
    struct chek_tax taxes[LINE_MAX];
    struct chek_payment payments[3];
    struct chek_modifier modifier;
    struct chek_tax modifier_tax, ticket_tax;
    struct chek_receipt receipt;
};

static struct basket basket;
static uint32_t number;

static void
begin(uint8_t operation)
{
    basket = (struct basket){0};
    number += 1;
    basket.receipt = (struct chek_receipt){
        .operation = operation,
        .time = FIXTURE_DAY + number,
        .document = number,
        .lines = basket.lines,
        .payments = basket.payments,
    };
}

static struct chek_line *
line(uint8_t kind, bool storno, int64_t sum)
{
    struct chek_line *added = &basket.lines[basket.receipt.lines_count++];
    *added = (struct chek_line){.kind = kind, .storno = storno, .sum = sum};
    bool takes_off = (kind == CHEK_LINE_KIND_DISCOUNT) != storno;
    basket.receipt.total += takes_off ? -sum : sum;
    return added;
}

static struct chek_tax *
taxed(struct chek_line *to, uint32_t rate)
{
    struct chek_tax *tax = &basket.taxes[to - basket.lines];
    *tax = (struct chek_tax){
        .kind = CHEK_TAX_KIND_VAT, .rate = rate, .sum = chek_money_tax_included(to->sum, rate)};
    to->taxes = tax;
    to->taxes_count = 1;
    return tax;
}

static void
modifier(bool is_discount, int64_t sum, uint32_t rate)
{
    basket.modifier.sum = sum;
    if (rate != 0) {
        basket.modifier_tax = (struct chek_tax){
            .kind = CHEK_TAX_KIND_VAT, .rate = rate, .sum = chek_money_tax_included(sum, rate)};
        basket.modifier.taxes = &basket.modifier_tax;
        basket.modifier.taxes_count = 1;
    }
    basket.receipt.discount = is_discount ? &basket.modifier : NULL;
    basket.receipt.markup = is_discount ? NULL : &basket.modifier;
    basket.receipt.total += is_discount ? -sum : sum;
}

static void
pay(uint8_t kind, int64_t sum)
{
    basket.payments[basket.receipt.payments_count++] =
        (struct chek_payment){.kind = kind, .sum = sum};
}

static struct chek_result
send(void)
{
    if (basket.receipt.payments_count == 0) {
        pay(CHEK_PAYMENT_KIND_CASH, basket.receipt.total);
    }
    struct chek_result result = fixture_receipt(&fixture, &basket.receipt);
    return result;
}

static const struct chek_report *
x(void)
{
    return fixture_report(&fixture, 0, UINT32_MAX).report;
}

static struct chek_report_operation
sell(void)
{
    return fixture_operation(x(), CHEK_OPERATION_SELL);
}

/* ---- F1..F4: lines and modifiers -------------------------------------------------------------- */

static void
F1_positions_are_lines_and_tickets_are_receipts(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000);
    line(CHEK_LINE_KIND_COMMODITY, false, 500);
    line(CHEK_LINE_KIND_DISCOUNT, false, 100);
    send();
    assert_int_equal(sell().tickets, 1);
    assert_int_equal(sell().positions, 2);
    assert_int_equal(sell().gross, 1500);
    assert_int_equal(sell().net, 1400);
}

static void
F2_a_storno_takes_its_sum_off_and_no_count(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000)->section = chek_bytes_view_text("1");
    line(CHEK_LINE_KIND_COMMODITY, true, 500)->section = chek_bytes_view_text("1");
    line(CHEK_LINE_KIND_DISCOUNT, true, 50);
    line(CHEK_LINE_KIND_MARKUP, false, 70);
    line(CHEK_LINE_KIND_MARKUP, true, 20);
    send();
    assert_int_equal(sell().positions, 1);
    assert_int_equal(sell().gross, 500);
    assert_int_equal(sell().discounts->count, 0);
    assert_int_equal(sell().discounts->sum, -50);
    assert_int_equal(sell().markups->count, 1);
    assert_int_equal(sell().markups->sum, 50);
    assert_int_equal(x()->sections_count, 1);
    assert_int_equal(x()->sections[0].count, 1);
    assert_int_equal(x()->sections[0].sum, 500);
}

static void
F3_discounts_are_of_lines_and_of_the_ticket(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000);
    line(CHEK_LINE_KIND_DISCOUNT, false, 100);
    modifier(true, 300, 0);
    send();
    assert_int_equal(sell().discounts->count, 2);
    assert_int_equal(sell().discounts->sum, 400);
    assert_int_equal(sell().ticket_discount, 300);
    assert_int_equal(sell().ticket_markup, 0);
    assert_null(sell().markups);
}

static void
F3_markups_are_of_lines_and_of_the_ticket(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000);
    line(CHEK_LINE_KIND_MARKUP, false, 100);
    modifier(false, 30, 0);
    send();
    assert_int_equal(sell().markups->count, 2);
    assert_int_equal(sell().markups->sum, 130);
    assert_int_equal(sell().ticket_markup, 30);
    assert_null(sell().discounts);
}

static void
F4_payments_are_counted_by_kind_as_stated(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000);
    pay(CHEK_PAYMENT_KIND_CARD, 600);
    pay(CHEK_PAYMENT_KIND_CASH, 500);
    basket.receipt.change = 100;
    basket.receipt.offline = true;
    send();
    assert_int_equal(sell().payments_count, 2);
    assert_int_equal(sell().payments[0].kind, CHEK_PAYMENT_KIND_CASH);
    assert_int_equal(sell().payments[0].count, 1);
    assert_int_equal(sell().payments[0].sum, 500);
    assert_int_equal(sell().payments[1].sum, 600);
    assert_int_equal(sell().change, 100);
    assert_int_equal(sell().offline, 1);
}

/* ---- F5..F7: by operation --------------------------------------------------------------------- */

static struct operation_case {
    const char *name;
    uint8_t operation;
    int64_t cash, revenue;
} operations[] = {
    {"F6_sell_brings_money", CHEK_OPERATION_SELL, 1000, 1000},
    {"F6_sell_return_takes_money", CHEK_OPERATION_SELL_RETURN, -1000, -1000},
    {"F6_buy_takes_money", CHEK_OPERATION_BUY, -1000, -1000},
    {"F6_buy_return_brings_money", CHEK_OPERATION_BUY_RETURN, 1000, 1000},
};

static void
test_operation(void **state)
{
    const struct operation_case *c = *state;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    begin(c->operation);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000);
    struct chek_result result = send();
    bool is_negative = (result.warnings & UINT32_C(1) << CHEK_WARNING_CASH_NEGATIVE) != 0;
    assert_int_equal(is_negative, c->cash < 0);
    assert_int_equal(x()->cash, c->cash);
    assert_int_equal(x()->revenue, c->revenue);
    assert_int_equal(x()->now_count, 1);
    assert_int_equal(x()->now[0].operation, c->operation);
    assert_int_equal(x()->now[0].sum, 1000);
    assert_int_equal(x()->start_count, 0);
    fixture_end(&fixture);
}

static struct cash_case {
    const char *name;
    int64_t cash, card, change, want;
} cash_cases[] = {
    {"F6_cash_holds_the_change", 1500, 0, 500, 1000},
    {"F6_cash_is_net_of_change_already", 1000, 0, 500, 1000},
    {"F6_change_is_of_the_cash_part", 700, 400, 100, 600},
    {"F6_card_is_not_in_the_drawer", 0, 1000, 0, 0},
};

static void
test_cash(void **state)
{
    const struct cash_case *c = *state;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 1000);
    pay(CHEK_PAYMENT_KIND_CASH, c->cash);
    pay(CHEK_PAYMENT_KIND_CARD, c->card);
    basket.receipt.change = c->change;
    send();
    assert_int_equal(x()->cash, c->want);
    fixture_end(&fixture);
}

static void
F5_non_nullable_sums_outlive_the_shift(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 700);
    fixture_sell(&fixture, 2, 2, 300);
    assert_int_equal(x()->start[0].sum, 700);
    assert_int_equal(x()->now[0].sum, 1000);
    assert_int_equal(x()->cash_start, 700);
    assert_int_equal(x()->cash, 1000);
    assert_int_equal(x()->revenue, 300);
}

static void
F6_movements_move_the_drawer_and_nothing_else(void **state)
{
    (void)state;
    struct chek_movement in = {.time = FIXTURE_DAY, .document = 1, .sum = 900, .offline = true};
    struct chek_movement out = {
        .time = FIXTURE_DAY, .document = 2, .sum = 400, .direction = CHEK_DIRECTION_WITHDRAWAL};
    fixture_movement(&fixture, &in);
    fixture_movement(&fixture, &out);
    assert_int_equal(x()->cash, 500);
    assert_int_equal(x()->revenue, 0);
    assert_int_equal(x()->now_count, 0);
    assert_int_equal(x()->operations_count, 0);
    assert_int_equal(x()->movements_count, 2);
    assert_int_equal(x()->movements[0].sum, 900);
    assert_int_equal(x()->movements[0].offline, 1);
    assert_int_equal(x()->movements[1].sum, 400);
    assert_int_equal(x()->movements[1].offline, 0);
    assert_int_equal(x()->documents, 2);
}

/* ---- F8, F9: taxes ---------------------------------------------------------------------------- */

static void
check_tax(uint32_t at, uint32_t rate, int64_t turnover, int64_t sum)
{
    const struct chek_report_tax *tax = &x()->taxes[at];
    assert_int_equal(tax->rate, rate);
    assert_int_equal(tax->turnover, turnover);
    assert_int_equal(tax->sum, sum);
    assert_int_equal(tax->turnover_without_tax, turnover - sum);
}

static void
F8_taxes_have_the_sign_of_their_line(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 116000), 16000);
    taxed(line(CHEK_LINE_KIND_COMMODITY, true, 58000), 16000);
    taxed(line(CHEK_LINE_KIND_DISCOUNT, false, 11600), 16000);
    taxed(line(CHEK_LINE_KIND_DISCOUNT, true, 5800), 16000);
    taxed(line(CHEK_LINE_KIND_MARKUP, false, 2320), 16000);
    taxed(line(CHEK_LINE_KIND_MARKUP, true, 1160), 16000);
    send();
    assert_int_equal(x()->taxes_count, 1);
    check_tax(0, 16000, 116000 - 58000 - 11600 + 5800 + 2320 - 1160,
              16000 - 8000 - 1600 + 800 + 320 - 160);
}

static void
F8_modifiers_of_the_ticket_carry_taxes_too(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 116000), 16000);
    modifier(true, 11600, 16000);
    send();
    check_tax(0, 16000, 104400, 14400);
    begin(CHEK_OPERATION_SELL);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 116000), 16000);
    modifier(false, 11600, 16000);
    send();
    check_tax(0, 16000, 104400 + 127600, 14400 + 17600);
}

static void
F8_taxes_of_the_ticket_are_taken_as_they_are(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 116000);
    modifier(true, 16000, 12000); /* not read: the ticket has taxes */
    basket.ticket_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 777};
    basket.receipt.taxes = &basket.ticket_tax;
    basket.receipt.taxes_count = 1;
    send();
    assert_int_equal(x()->taxes_count, 1);
    check_tax(0, 16000, 100000, 777);
}

static void
F8_kinds_and_rates_have_rows_of_their_own(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 5000), 0);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 1000), 12000)->kind = CHEK_TAX_KIND_VAT_EXTRACTED;
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 2000), 12000);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 700), 0)->kind = CHEK_TAX_KIND_NONE;
    line(CHEK_LINE_KIND_COMMODITY, false, 300); /* no tax, no row */
    send();
    assert_int_equal(x()->taxes_count, 4);
    assert_int_equal(x()->taxes[0].kind, CHEK_TAX_KIND_NONE);
    check_tax(0, 0, 700, 0);
    check_tax(1, 0, 5000, 0);
    check_tax(2, 12000, 2000, 214);
    assert_int_equal(x()->taxes[3].kind, CHEK_TAX_KIND_VAT_EXTRACTED);
    check_tax(3, 12000, 1000, 107);
}

static void
F9_a_stated_turnover_is_taken(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    taxed(line(CHEK_LINE_KIND_COMMODITY, false, 116000), 16000)->turnover = 110000;
    send();
    check_tax(0, 16000, 110000, 16000);
}

static void
F9_a_tax_on_top_is_added_to_the_turnover(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    struct chek_tax *tax = taxed(line(CHEK_LINE_KIND_COMMODITY, false, 100000), 16000);
    tax->on_top = true;
    tax->sum = 16000;
    send();
    check_tax(0, 16000, 116000, 16000);
}

/* ---- F10: rows -------------------------------------------------------------------------------- */

static void
F10_rows_are_sorted_by_key_and_operation(void **state)
{
    (void)state;
    static const char *const keys[] = {"b", "a", "ab", "a longer key than what is inline"};
    for (uint32_t i = 0; i < CHEK_COUNT(keys); i++) {
        begin(i == 1 ? CHEK_OPERATION_BUY : CHEK_OPERATION_SELL);
        line(CHEK_LINE_KIND_COMMODITY, false, 100)->section = chek_bytes_view_text(keys[i]);
        send();
    }
    begin(CHEK_OPERATION_SELL);
    line(CHEK_LINE_KIND_COMMODITY, false, 100)->section = chek_bytes_view_text("a");
    send();
    const struct chek_report *report = x();
    static const char *const want[] = {"a", "a", "a longer key than what is inline", "ab", "b"};
    assert_int_equal(report->sections_count, CHEK_COUNT(want));
    for (uint32_t i = 0; i < CHEK_COUNT(want); i++) {
        assert_true(chek_bytes_view_equal(report->sections[i].key, chek_bytes_view_text(want[i])));
    }
    assert_int_equal(report->sections[0].operation, CHEK_OPERATION_SELL);
    assert_int_equal(report->sections[1].operation, CHEK_OPERATION_BUY);
}

static void
F10_operators_count_tickets(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        begin(CHEK_OPERATION_SELL);
        line(CHEK_LINE_KIND_COMMODITY, false, 100);
        line(CHEK_LINE_KIND_COMMODITY, false, 100);
        basket.receipt.operator= i<2 ? chek_bytes_view_text("Иванова Мария Петровна")
                                     : (struct chek_bytes_view){0};
        send();
    }
    assert_int_equal(x()->operators_count, 1);
    assert_int_equal(x()->operators[0].count, 2);
    assert_int_equal(x()->operators[0].sum, 400);
}

/* Sections 0..count-1, a line each of sum 10, and once more in the end. */
static void
sell_sections(uint32_t first, uint32_t count)
{
    static char keys[LINE_MAX][8];
    begin(CHEK_OPERATION_SELL);
    for (uint32_t i = 0; i < count; i++) {
        snprintf(keys[i], sizeof keys[i], "S%05u", first + i);
        line(CHEK_LINE_KIND_COMMODITY, false, 10)->section = chek_bytes_view_text(keys[i]);
    }
    send();
}

static void
F10_sections_beyond_the_cap_are_other(void **state)
{
    (void)state;
    sell_sections(0, CHEK_CELL_SECTION_COUNT_MAX + 2);
    sell_sections(0, 1);
    const struct chek_report *report = x();
    assert_int_equal(report->sections_count, CHEK_CELL_SECTION_COUNT_MAX + 1);
    const struct chek_report_row *other = &report->sections[CHEK_CELL_SECTION_COUNT_MAX];
    assert_true(other->other);
    assert_int_equal(other->key.size, 0);
    assert_int_equal(other->count, 2);
    assert_int_equal(other->sum, 20);
    assert_int_equal(report->sections[0].count, 2);
}

static void
F10_taxes_beyond_the_cap_are_other(void **state)
{
    (void)state;
    begin(CHEK_OPERATION_SELL);
    for (uint32_t i = 0; i < CHEK_CELL_TAX_COUNT_MAX + 3; i++) {
        taxed(line(CHEK_LINE_KIND_COMMODITY, false, 1000), (i + 1) * 100);
    }
    send();
    const struct chek_report *report = x();
    assert_int_equal(report->taxes_count, CHEK_CELL_TAX_COUNT_MAX + 1);
    const struct chek_report_tax *other = &report->taxes[CHEK_CELL_TAX_COUNT_MAX];
    assert_true(other->other);
    assert_int_equal(other->rate, 0);
    assert_int_equal(other->turnover, 3000);
    assert_int_equal(other->sum, chek_money_tax_included(1000, 6500) +
                                     chek_money_tax_included(1000, 6600) +
                                     chek_money_tax_included(1000, 6700));
}

static void
F10_merged_cells_keep_the_cap(void **state)
{
    (void)state;
    sell_sections(0, 200);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 2");
    sell_sections(100, 200);
    const struct chek_report *report = x();
    assert_int_equal(report->sections_count, CHEK_CELL_SECTION_COUNT_MAX + 1);
    /* The newer binding's 200 sections first, then 56 of the 100 that only the older has. */
    assert_true(chek_bytes_view_equal(report->sections[55].key, chek_bytes_view_text("S00055")));
    assert_true(chek_bytes_view_equal(report->sections[56].key, chek_bytes_view_text("S00100")));
    assert_int_equal(report->sections[56].count, 2);
    assert_int_equal(report->sections[CHEK_CELL_SECTION_COUNT_MAX].count, 44);
    assert_true(chek_bytes_view_equal(report->point, chek_bytes_view_text("shop 2")));
}

static void
F10_a_full_shift_can_be_frozen(void **state)
{
    (void)state;
    static char operators[LINE_MAX][72];
    sell_sections(0, LINE_MAX);
    for (uint32_t i = 0; i < LINE_MAX; i++) {
        begin((uint8_t)(i % CHEK_OPERATION_COUNT));
        snprintf(operators[i], sizeof operators[i], "%064u", i);
        basket.receipt.operator= chek_bytes_view_text(operators[i]);
        taxed(line(CHEK_LINE_KIND_COMMODITY, false, CHEK_MONEY_MAX / 4), i * 100);
        send();
    }
    struct chek_answer_report before = fixture_report(&fixture, 0, UINT32_MAX);
    struct chek_close close = {.time = FIXTURE_DAY, .document = number + 1};
    fixture_close(&fixture, &close);
    struct chek_answer_report after = fixture_report(&fixture, 1, UINT32_MAX);
    assert_int_equal(after.report->operators_count, before.report->operators_count);
    assert_int_equal(after.report->operators_count,
                     CHEK_CELL_OPERATOR_COUNT_MAX + CHEK_OPERATION_COUNT);
    assert_int_equal(after.report->sections_count, CHEK_CELL_SECTION_COUNT_MAX + 1);
    assert_int_equal(after.report->revenue, before.report->revenue);
    const struct chek_fiscal_root *root = chek_page_heap_root(&fixture.heap);
    assert_int_equal(root->open_frozen_size, 0);
}

/* ---- F23: no sum wraps ------------------------------------------------------------------------ */

static void
F23_a_document_past_the_bound_is_refused_and_leaves_no_trace(void **state)
{
    (void)state;
    struct chek_result result = {0};
    uint32_t count = 0;
    do {
        count += 1;
        result = fixture_sell(&fixture, count, 1, CHEK_MONEY_MAX);
    } while (result.status == CHEK_STATUS_STORED);
    assert_int_equal(result.status, CHEK_STATUS_REFUSED);
    assert_int_equal(result.code, -CHEK_E_OVERFLOW);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_ALARM);
    assert_true(count > 100000);

    /* Magnitude of one sale: total, payment and line. */
    assert_int_equal(count - 1, (INT64_MAX / 2) / (3 * CHEK_MONEY_MAX));
    assert_int_equal(sell().net, (int64_t)(count - 1) * CHEK_MONEY_MAX);
    assert_int_equal(sell().tickets, count - 1);
    const struct chek_fiscal_root *root = chek_page_heap_root(&fixture.heap);
    assert_int_equal(root->refused_count, 1);

    /* The next shift has room again, for all but the drawer. */
    assert_int_equal(fixture_sell(&fixture, count, 2, 1).status, CHEK_STATUS_STORED);
    assert_int_equal(x()->start[0].sum, (int64_t)(count - 1) * CHEK_MONEY_MAX);
}

/* A receipt of one amount at the bound that was entered and taken back as often as lines allow:
 * about a thousand times the bound. */
static struct chek_receipt
heavy(uint32_t document, uint32_t shift)
{
    static struct chek_line lines[CHEK_LINE_COUNT_MAX - 1];
    static struct chek_payment payment = {.kind = CHEK_PAYMENT_KIND_CARD, .sum = CHEK_MONEY_MAX};
    for (uint32_t i = 0; i < CHEK_COUNT(lines); i++) {
        lines[i] = (struct chek_line){.sum = CHEK_MONEY_MAX, .storno = i % 2 != 0};
    }
    return (struct chek_receipt){.time = FIXTURE_DAY,
                                 .document = document,
                                 .shift = shift,
                                 .total = CHEK_MONEY_MAX,
                                 .payments = &payment,
                                 .payments_count = 1,
                                 .lines = lines,
                                 .lines_count = CHEK_COUNT(lines)};
}

/* Send heavy receipts of a shift until one is refused; returns how many were stored. */
static uint32_t
fill(uint32_t first, uint32_t shift)
{
    struct chek_result result;
    uint32_t count = 0;
    do {
        struct chek_receipt receipt = heavy(first + count, shift);
        result = fixture_receipt(&fixture, &receipt);
        count += 1;
    } while (result.status == CHEK_STATUS_STORED);
    assert_int_equal(result.status, CHEK_STATUS_REFUSED);
    assert_int_equal(result.code, -CHEK_E_OVERFLOW);
    return count - 1;
}

static void
F23_open_and_late_parts_are_bounded_each(void **state)
{
    (void)state;
    uint32_t want = (uint32_t)((INT64_MAX / 2) / (1001 * CHEK_MONEY_MAX));
    assert_int_equal(fill(1, 1), want);
    fixture_sell(&fixture, 10000, 2, 1);
    assert_int_equal(fill(20000, 1), want);
    assert_int_equal(fixture_report(&fixture, 1, UINT32_MAX).report->revision, want);
}

static void
F23_a_fuller_copy_is_bounded_too(void **state)
{
    (void)state;
    struct chek_receipt poor = heavy(30000, 1);
    poor.lines_count = 0;
    fixture_receipt(&fixture, &poor);
    fill(1, 1);
    struct chek_receipt whole = heavy(30000, 1);
    struct chek_result result = fixture_receipt(&fixture, &whole);
    assert_int_equal(result.status, CHEK_STATUS_REFUSED);
    assert_int_equal(result.code, -CHEK_E_OVERFLOW);
    poor.operator= chek_bytes_view_text("Anna"); /* this one has room */
    assert_int_equal(fixture_receipt(&fixture, &poor).status, CHEK_STATUS_COMPLETED);
}

static void
F23_the_drawer_is_bounded(void **state)
{
    (void)state;
    /* Shift after shift, so that only the drawer grows. */
    struct chek_result result = {0};
    uint32_t count = 0;
    while (result.status == CHEK_STATUS_STORED) {
        struct chek_movement movement = {.time = FIXTURE_DAY,
                                         .document = count + 1,
                                         .shift = 1 + count / 100000,
                                         .sum = CHEK_MONEY_MAX};
        result = fixture_movement(&fixture, &movement);
        count += 1;
    }
    assert_int_equal(result.code, -CHEK_E_OVERFLOW);
    assert_int_equal(count - 1, (INT64_MAX / 2) / CHEK_MONEY_MAX);
    struct chek_close close = {.time = FIXTURE_DAY, .document = count, .withdraw = true};
    assert_int_equal(fixture_close(&fixture, &close).status, CHEK_STATUS_STORED);
}

int
main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } tests[] = {
#define ROW(name) {#name, name}
        ROW(F1_positions_are_lines_and_tickets_are_receipts),
        ROW(F2_a_storno_takes_its_sum_off_and_no_count),
        ROW(F3_discounts_are_of_lines_and_of_the_ticket),
        ROW(F3_markups_are_of_lines_and_of_the_ticket),
        ROW(F4_payments_are_counted_by_kind_as_stated),
        ROW(F5_non_nullable_sums_outlive_the_shift),
        ROW(F6_movements_move_the_drawer_and_nothing_else),
        ROW(F8_taxes_have_the_sign_of_their_line),
        ROW(F8_modifiers_of_the_ticket_carry_taxes_too),
        ROW(F8_taxes_of_the_ticket_are_taken_as_they_are),
        ROW(F8_kinds_and_rates_have_rows_of_their_own),
        ROW(F9_a_stated_turnover_is_taken),
        ROW(F9_a_tax_on_top_is_added_to_the_turnover),
        ROW(F10_rows_are_sorted_by_key_and_operation),
        ROW(F10_operators_count_tickets),
        ROW(F10_sections_beyond_the_cap_are_other),
        ROW(F10_taxes_beyond_the_cap_are_other),
        ROW(F10_merged_cells_keep_the_cap),
        ROW(F10_a_full_shift_can_be_frozen),
        ROW(F23_a_document_past_the_bound_is_refused_and_leaves_no_trace),
        ROW(F23_open_and_late_parts_are_bounded_each),
        ROW(F23_a_fuller_copy_is_bounded_too),
        ROW(F23_the_drawer_is_bounded),
#undef ROW
    };
    struct table table = {0};
    for (size_t i = 0; i < CHEK_COUNT(tests); i++) {
        table.tests[table.count++] = (struct CMUnitTest){.name = tests[i].name,
                                                         .test_func = tests[i].function,
                                                         .setup_func = setup,
                                                         .teardown_func = teardown};
    }
    TABLE_ROWS(&table, test_operation, operations);
    TABLE_ROWS(&table, test_cash, cash_cases);
    return table_run(&table, "fiscal_totals");
}
