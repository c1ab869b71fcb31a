/* SPDX-License-Identifier: MIT */
/* test_fiscal_reconcile.c - rule F24 of engine/fiscal/README.md. */
#include "engine/fiscal/reconcile.h"
#include "tests/fiscal/fixture.h"
#include "tests/unit/table.h"

#define DIFFERENCE_COUNT_MAX 8

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

/* ---- figure by figure ------------------------------------------------------------------------- */

/* Two reports of one shift; a case changes either of them. */
struct sides {
    struct chek_report_payment payments[2];
    struct chek_sums discounts, markups;
    struct chek_report_operation operation;
    struct chek_report_row section, cashier;
    struct chek_report_tax tax;
    struct chek_report_movement movement;
    struct chek_report_counter start, now;
    struct chek_report report;
};

static void
side_make(struct sides *side)
{
    *side = (struct sides){
        .payments = {{.kind = CHEK_PAYMENT_KIND_CASH, .count = 3, .sum = 300},
                     {.kind = CHEK_PAYMENT_KIND_CARD, .count = 1, .sum = 50}},
        .discounts = {.count = 2, .sum = 20},
        .markups = {.count = 1, .sum = 10},
        .section = {.key = chek_bytes_view_text("1"), .count = 4, .sum = 360},
        .cashier = {.key = chek_bytes_view_text("7 Aliya"), .count = 3, .sum = 350},
        .tax = {.kind = CHEK_TAX_KIND_VAT,
                .rate = 16000,
                .turnover = 116,
                .turnover_without_tax = 100,
                .sum = 16},
        .movement = {.direction = CHEK_DIRECTION_WITHDRAWAL, .count = 2, .offline = 1, .sum = 70},
        .start = {.sum = 1000},
        .now = {.sum = 1350},
    };
    side->operation = (struct chek_report_operation){.tickets = 3,
                                                     .positions = 4,
                                                     .gross = 360,
                                                     .net = 350,
                                                     .payments = side->payments,
                                                     .payments_count = 2,
                                                     .discounts = &side->discounts,
                                                     .markups = &side->markups,
                                                     .ticket_discount = 5,
                                                     .ticket_markup = 6,
                                                     .change = 7,
                                                     .offline = 1};
    side->report = (struct chek_report){.shift = 4,
                                        .operations = &side->operation,
                                        .operations_count = 1,
                                        .sections = &side->section,
                                        .sections_count = 1,
                                        .operators = &side->cashier,
                                        .operators_count = 1,
                                        .taxes = &side->tax,
                                        .taxes_count = 1,
                                        .movements = &side->movement,
                                        .movements_count = 1,
                                        .cash = 230,
                                        .revenue = 350,
                                        .start = &side->start,
                                        .start_count = 1,
                                        .now = &side->now,
                                        .now_count = 1};
}

struct found {
    struct chek_difference list[DIFFERENCE_COUNT_MAX];
    uint32_t count;
};

static void
on_difference(void *context, const struct chek_difference *difference)
{
    struct found *found = context;
    assert_true(found->count < DIFFERENCE_COUNT_MAX);
    found->list[found->count++] = *difference;
}

struct figure_case {
    const char *name;
    void (*change)(struct sides *stated, struct sides *counted);
    uint32_t field; /* 0: they are equal */
    int64_t stated, counted;
    uint32_t count; /* of differences; 0 = 1 when there is a field */
};

#define CASE(name, body)                                          \
    static void name(struct sides *stated, struct sides *counted) \
    {                                                             \
        (void)stated;                                             \
        (void)counted;                                            \
        body;                                                     \
    }

CASE(nothing, )
CASE(tickets, stated->operation.tickets = 9)
CASE(positions, stated->operation.positions = 9)
CASE(gross, stated->operation.gross = 361)
CASE(net, stated->operation.net = 351)
CASE(payment_count, stated->payments[1].count = 2)
CASE(payment_count_unsaid, stated->payments[1].count = 0)
CASE(payment_sum, stated->payments[0].sum = 299)
CASE(payment_missing, stated->operation.payments_count = 1)
CASE(discount_sum, stated->discounts.sum = 21)
CASE(discount_count, stated->discounts.count = 3)
CASE(markups_missing, stated->operation.markups = NULL)
CASE(ticket_discount, stated->operation.ticket_discount = 0)
CASE(ticket_markup, stated->operation.ticket_markup = 0)
CASE(change, stated->operation.change = 0)
CASE(offline, stated->operation.offline = 0)
CASE(gross_unsigned, counted->operation.gross = -360)
CASE(gross_signed, stated->operation.gross = -360)
CASE(section_sum, stated->section.sum = 1)
CASE(section_key, stated->section.key = chek_bytes_view_text("2"))
CASE(sections_unsaid, stated->report.sections_count = 0)
CASE(sections_full, stated->section.sum = 1; counted->section.other = true)
CASE(operators_unsaid, stated->report.operators_count = 0)
CASE(operator_count, stated->cashier.count = 1)
CASE(tax_sum, stated->tax.sum = 15)
CASE(tax_turnover, stated->tax.turnover = 115)
CASE(tax_without, stated->tax.turnover_without_tax = 99)
CASE(tax_without_unsaid, stated->tax.turnover_without_tax = 0)
CASE(tax_missing, stated->report.taxes_count = 0)
CASE(no_tax_missing, stated->report.taxes_count = 0; counted->tax.kind = CHEK_TAX_KIND_NONE)
CASE(movement_count, stated->movement.count = 1)
CASE(movement_offline, stated->movement.offline = 0)
CASE(movement_sum, stated->movement.sum = 71)
CASE(shift, stated->report.shift = 5)
CASE(shift_unsaid, stated->report.shift = 0)
CASE(cash, stated->report.cash = 231)
CASE(cash_below_zero, stated->report.cash = 0; counted->report.cash = -5)
CASE(cash_empty, stated->report.cash = 0)
CASE(revenue_sign, stated->report.revenue = -350)
CASE(start, stated->start.sum = 1001)
CASE(now, stated->now.sum = 1351)
CASE(counters_unsaid, stated->report.start_count = stated->report.now_count = 0)

/* What counters of a drive say of the same shift. (F24b) */
static void
counters_make(struct sides *side)
{
    side->operation = (struct chek_report_operation){
        .tickets = 3, .net = 350, .payments = side->payments, .payments_count = 2};
    side->payments[0].count = side->payments[1].count = 0;
    side->tax.turnover = side->tax.turnover_without_tax = 0;
    side->report = (struct chek_report){.counters_only = true,
                                        .operations = &side->operation,
                                        .operations_count = 1,
                                        .taxes = &side->tax,
                                        .taxes_count = 1,
                                        .now = &side->now,
                                        .now_count = 1};
}

#define COUNTED(name, body) CASE(name, counters_make(stated); body)

COUNTED(counters, )
COUNTED(counters_payments_uncounted, stated->payments[0].count = 99)
COUNTED(counters_tickets, stated->operation.tickets = 9)
COUNTED(counters_net, stated->operation.net = 351)
COUNTED(counters_net_signed, counted->operation.net = -350)
COUNTED(counters_payment, stated->payments[1].sum = 51)
COUNTED(counters_payment_missing, stated->operation.payments_count = 1)
COUNTED(counters_payment_unknown, counted->payments[1].kind = CHEK_PAYMENT_KIND_MOBILE)
COUNTED(counters_operation_missing, stated->operation.operation = CHEK_OPERATION_BUY)
COUNTED(counters_operations_unsaid, stated->report.operations_count = 0)
COUNTED(counters_tax, stated->tax.sum = 15)
COUNTED(counters_turnover, stated->tax.turnover = 1; stated->tax.turnover_without_tax = 1)
COUNTED(counters_tax_missing, stated->report.taxes_count = 0)
COUNTED(counters_tax_only_stated, stated->tax.rate = 7000)
COUNTED(counters_now, stated->now.sum = 1351)
COUNTED(counters_now_unsaid, stated->report.now_count = 0)

static struct figure_case figure_cases[] = {
    {"nothing", nothing, 0, 0, 0, 0},
    {"tickets", tickets, CHEK_FIELD_REPORT_OPERATION_TICKETS, 9, 3, 0},
    {"positions", positions, CHEK_FIELD_REPORT_OPERATION_POSITIONS, 9, 4, 0},
    {"gross", gross, CHEK_FIELD_REPORT_OPERATION_GROSS, 361, 360, 0},
    {"net", net, CHEK_FIELD_REPORT_OPERATION_NET, 351, 350, 0},
    {"payment count", payment_count, CHEK_FIELD_REPORT_PAYMENT_COUNT, 2, 1, 0},
    {"payment count is not stated", payment_count_unsaid, 0, 0, 0, 0},
    {"payment sum", payment_sum, CHEK_FIELD_REPORT_PAYMENT_SUM, 299, 300, 0},
    {"payment is missing", payment_missing, CHEK_FIELD_REPORT_PAYMENT_COUNT, 0, 1, 2},
    {"discount sum", discount_sum, CHEK_FIELD_REPORT_OPERATION_DISCOUNTS, 21, 20, 0},
    {"discount count", discount_count, CHEK_FIELD_REPORT_OPERATION_DISCOUNTS, 3, 2, 0},
    {"markups are missing", markups_missing, CHEK_FIELD_REPORT_OPERATION_MARKUPS, 0, 10, 2},
    {"ticket discount", ticket_discount, CHEK_FIELD_REPORT_OPERATION_TICKET_DISCOUNT, 0, 5, 0},
    {"ticket markup", ticket_markup, CHEK_FIELD_REPORT_OPERATION_TICKET_MARKUP, 0, 6, 0},
    {"change", change, CHEK_FIELD_REPORT_OPERATION_CHANGE, 0, 7, 0},
    {"offline", offline, CHEK_FIELD_REPORT_OPERATION_OFFLINE, 0, 1, 0},
    {"gross without sign", gross_unsigned, 0, 0, 0, 0},
    {"gross with a wrong sign", gross_signed, CHEK_FIELD_REPORT_OPERATION_GROSS, -360, 360, 0},
    {"section sum", section_sum, CHEK_FIELD_REPORT_ROW_SUM, 1, 360, 0},
    {"section key", section_key, CHEK_FIELD_REPORT_ROW_COUNT, 4, 0, 4},
    {"sections are not stated", sections_unsaid, 0, 0, 0, 0},
    {"sections were full", sections_full, 0, 0, 0, 0},
    {"operators are not stated", operators_unsaid, 0, 0, 0, 0},
    {"operator count", operator_count, CHEK_FIELD_REPORT_ROW_COUNT, 1, 3, 0},
    {"tax sum", tax_sum, CHEK_FIELD_REPORT_TAX_SUM, 15, 16, 0},
    {"tax turnover", tax_turnover, CHEK_FIELD_REPORT_TAX_TURNOVER, 115, 116, 0},
    {"turnover without tax", tax_without, CHEK_FIELD_REPORT_TAX_TURNOVER_WITHOUT_TAX, 99, 100, 0},
    {"turnover without tax is not stated", tax_without_unsaid, 0, 0, 0, 0},
    {"tax is missing", tax_missing, CHEK_FIELD_REPORT_TAX_TURNOVER, 0, 116, 2},
    {"what no tax is on is missing", no_tax_missing, 0, 0, 0, 0},
    {"movement count", movement_count, CHEK_FIELD_REPORT_MOVEMENT_COUNT, 1, 2, 0},
    {"movement offline", movement_offline, CHEK_FIELD_REPORT_MOVEMENT_OFFLINE, 0, 1, 0},
    {"movement sum", movement_sum, CHEK_FIELD_REPORT_MOVEMENT_SUM, 71, 70, 0},
    {"shift", shift, CHEK_FIELD_REPORT_SHIFT, 5, 4, 0},
    {"shift is not stated", shift_unsaid, 0, 0, 0, 0},
    {"cash", cash, CHEK_FIELD_REPORT_CASH, 231, 230, 0},
    {"a drawer below zero", cash_below_zero, 0, 0, 0, 0},
    {"an empty drawer", cash_empty, CHEK_FIELD_REPORT_CASH, 0, 230, 0},
    {"revenue's sign", revenue_sign, CHEK_FIELD_REPORT_REVENUE, -350, 350, 0},
    {"sums at the start", start, CHEK_FIELD_REPORT_START, 1001, 1000, 0},
    {"sums now", now, CHEK_FIELD_REPORT_NOW, 1351, 1350, 0},
    {"sums are not stated", counters_unsaid, 0, 0, 0, 0},
    {"counters", counters, 0, 0, 0, 0},
    {"counters: counts of payments", counters_payments_uncounted, 0, 0, 0, 0},
    {"counters: tickets", counters_tickets, CHEK_FIELD_REPORT_OPERATION_TICKETS, 9, 3, 0},
    {"counters: net", counters_net, CHEK_FIELD_REPORT_OPERATION_NET, 351, 350, 0},
    {"counters: net without sign", counters_net_signed, CHEK_FIELD_REPORT_OPERATION_NET, 350, -350,
     0},
    {"counters: payment", counters_payment, CHEK_FIELD_REPORT_PAYMENT_SUM, 51, 50, 0},
    {"counters: payment is missing", counters_payment_missing, CHEK_FIELD_REPORT_PAYMENT_SUM, 0, 50,
     0},
    {"counters: payment that counters have not", counters_payment_unknown,
     CHEK_FIELD_REPORT_PAYMENT_SUM, 50, 0, 2},
    {"counters: operation is missing", counters_operation_missing,
     CHEK_FIELD_REPORT_OPERATION_TICKETS, 0, 3, 8},
    {"counters: no operations", counters_operations_unsaid, 0, 0, 0, 0},
    {"counters: tax", counters_tax, CHEK_FIELD_REPORT_TAX_SUM, 15, 16, 0},
    {"counters: turnovers", counters_turnover, 0, 0, 0, 0},
    {"counters: no taxes", counters_tax_missing, 0, 0, 0, 0},
    {"counters: tax that the engine has not", counters_tax_only_stated, CHEK_FIELD_REPORT_TAX_SUM,
     16, 0, 0},
    {"counters: sums now", counters_now, CHEK_FIELD_REPORT_NOW, 1351, 1350, 0},
    {"counters: no sums now", counters_now_unsaid, 0, 0, 0, 0},
};

static void
test_figure(void **state)
{
    const struct figure_case *row = *state;
    static struct sides stated, counted;
    struct found found = {0};
    side_make(&stated);
    side_make(&counted);
    row->change(&stated, &counted);
    chek_report_reconcile(&stated.report, &counted.report, on_difference, &found);
    uint32_t want = row->field == 0 ? 0 : row->count != 0 ? row->count : 1;
    assert_int_equal(found.count, want);
    if (want != 0) {
        assert_int_equal(found.list[0].field, row->field);
        assert_true(found.list[0].stated == row->stated);
        assert_true(found.list[0].counted == row->counted);
    }
}

/* ---- a close ---------------------------------------------------------------------------------- */

/* The bytes of what a register would state after fixture_sell() of `total`. */
static struct chek_bytes_view
figures(int64_t total)
{
    struct chek_report_payment payment = {.count = 1, .sum = total};
    struct chek_report_operation operation = {.tickets = 1,
                                              .positions = 1,
                                              .gross = total,
                                              .net = total,
                                              .payments = &payment,
                                              .payments_count = 1};
    struct chek_report report = {
        .operations = &operation, .operations_count = 1, .cash = total, .revenue = total};
    static uint8_t bytes[1024];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_report_encode(&out, &report);
    assert_false(out.full);
    return chek_bytes_view_of(bytes, out.size);
}

static struct chek_result
close_with(uint32_t shift, struct chek_bytes_view what)
{
    struct chek_close close = {
        .time = FIXTURE_DAY + 80000, .document = 50 + shift, .shift = shift, .figures = what};
    return fixture_close(&fixture, &close);
}

static uint32_t
differs_code(void)
{
    for (uint32_t i = 0; i < fixture.event_count; i++) {
        if (fixture.events[i].kind == CHEK_EVENT_KIND_DIFFERS) {
            return (uint32_t)fixture.events[i].code;
        }
    }
    return 0;
}

static struct chek_reconciliation
reconcile(uint32_t shift, struct found *found)
{
    struct chek_reconciliation what;
    *found = (struct found){0};
    assert_error(chek_fiscal_reconcile(&fixture.fiscal, FIXTURE_REGISTRATION, shift, &fixture.arena,
                                       on_difference, found, &what),
                 CHEK_OK);
    return what;
}

static void
F24_equal_figures_are_no_difference(void **state)
{
    (void)state;
    struct found found;
    fixture_sell(&fixture, 1, 1, 500);
    assert_int_equal(close_with(1, figures(500)).status, CHEK_STATUS_STORED);
    assert_int_equal(differs_code(), 0);
    struct chek_reconciliation what = reconcile(1, &found);
    assert_true(what.stated);
    assert_int_equal(what.shift, 1);
    assert_int_equal(what.closed, FIXTURE_DAY + 80000);
    assert_int_equal(found.count, 0);
}

static void
F24a_a_close_that_differs_is_told_and_stored(void **state)
{
    (void)state;
    struct found found;
    fixture_sell(&fixture, 1, 1, 500);
    assert_int_equal(close_with(1, figures(499)).status, CHEK_STATUS_STORED);
    assert_int_equal(differs_code(), CHEK_FIELD_REPORT_OPERATION_GROSS);
    assert_true(reconcile(1, &found).stated);
    assert_int_equal(found.count, 5); /* gross, net, payment, cash, revenue */
    assert_int_equal(close_with(1, figures(500)).status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(fixture_report(&fixture, 1, UINT32_MAX).report->revenue, 500);
}

static void
F24_a_close_may_say_nothing(void **state)
{
    (void)state;
    struct found found;
    fixture_sell(&fixture, 1, 1, 500);
    (void)close_with(1, (struct chek_bytes_view){0});
    assert_int_equal(differs_code(), 0);
    assert_false(reconcile(1, &found).stated);
    assert_int_equal(found.count, 0);
}

static void
F24_bytes_that_are_no_report_are_a_difference(void **state)
{
    (void)state;
    struct found found;
    fixture_sell(&fixture, 1, 1, 500);
    assert_int_equal(close_with(1, chek_bytes_view_text("?")).status, CHEK_STATUS_STORED);
    assert_int_equal(differs_code(), CHEK_FIELD_CLOSE_FIGURES);
    assert_true(reconcile(1, &found).stated);
    assert_int_equal(found.count, 1);
    assert_int_equal(found.list[0].field, CHEK_FIELD_CLOSE_FIGURES);
}

/* The engine closes shift 1 when shift 2 begins; the register's close comes afterwards. */
static void
F24a_a_close_behind_the_engines_is_compared(void **state)
{
    (void)state;
    struct found found;
    fixture_sell(&fixture, 1, 1, 500);
    fixture_sell(&fixture, 2, 2, 300);
    assert_false(reconcile(1, &found).stated);
    assert_int_equal(close_with(1, figures(501)).status, CHEK_STATUS_STORED);
    assert_int_equal(differs_code(), CHEK_FIELD_REPORT_OPERATION_GROSS);
    assert_int_equal(fixture.events[fixture.event_count - 1].kind, CHEK_EVENT_KIND_DIFFERS);
    assert_int_equal(fixture.events[fixture.event_count - 1].time, FIXTURE_DAY + 80000);
    assert_int_equal(fixture.events[fixture.event_count - 1].shift, 1);
    assert_true(reconcile(1, &found).stated);
    assert_int_equal(found.count, 5);
    assert_int_equal(close_with(1, figures(501)).status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(fixture.event_count, 0);
}

static void
F24a_a_close_behind_the_engines_that_is_equal_is_not_told(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 500);
    fixture_sell(&fixture, 2, 2, 300);
    assert_int_equal(close_with(1, figures(500)).status, CHEK_STATUS_STORED);
    assert_int_equal(differs_code(), 0);
}

/* A shift that nobody has seen: what its register says is all there is. */
static void
F24a_a_close_of_an_unknown_shift_differs(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 5, 500);
    assert_int_equal(close_with(3, figures(100)).status, CHEK_STATUS_STORED);
    assert_int_equal(differs_code(), CHEK_FIELD_REPORT_OPERATION_TICKETS);
}

static void
F24_shifts_are_found_in_order(void **state)
{
    (void)state;
    struct found found;
    struct chek_reconciliation what;
    fixture_sell(&fixture, 1, 3, 500);
    (void)close_with(3, figures(500));
    fixture_sell(&fixture, 2, 7, 500);
    assert_int_equal(reconcile(0, &found).shift, 3);
    assert_error(chek_fiscal_reconcile(&fixture.fiscal, FIXTURE_REGISTRATION, 4, &fixture.arena,
                                       on_difference, &found, &what),
                 CHEK_E_NOT_FOUND);
    assert_error(
        chek_fiscal_reconcile(&fixture.fiscal, 99, 0, &fixture.arena, on_difference, &found, &what),
        CHEK_E_UNREGISTERED);
}

int
main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } tests[] = {
#define ROW(name) {#name, name}
        ROW(F24_equal_figures_are_no_difference),
        ROW(F24a_a_close_that_differs_is_told_and_stored),
        ROW(F24_a_close_may_say_nothing),
        ROW(F24_bytes_that_are_no_report_are_a_difference),
        ROW(F24a_a_close_behind_the_engines_is_compared),
        ROW(F24a_a_close_behind_the_engines_that_is_equal_is_not_told),
        ROW(F24a_a_close_of_an_unknown_shift_differs),
        ROW(F24_shifts_are_found_in_order),
#undef ROW
    };
    struct table table = {0};
    for (size_t i = 0; i < CHEK_COUNT(tests); i++) {
        table.tests[table.count++] = (struct CMUnitTest){.name = tests[i].name,
                                                         .test_func = tests[i].function,
                                                         .setup_func = setup,
                                                         .teardown_func = teardown};
    }
    TABLE_ROWS(&table, test_figure, figure_cases);
    return table_run(&table, "fiscal_reconcile");
}
