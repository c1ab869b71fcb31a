/* SPDX-License-Identifier: MIT */
/*
 * test_fiscal_scenarios.c - documents and wanted totals of other people's systems.
 *
 * The scenarios are read from ${CHEK_VECTORS}/kz/scenarios and are not part of the project; without
 * them the test says so and is skipped. Steps are documents; an expectation is a path like
 * "ticket_operations.SELL.tickets_sum". What a scenario expects and this test cannot look up
 * makes it fail, so that nothing is passed over in silence.
 */
#include <stdio.h>
#include <stdlib.h>

#include <yajl/yajl_tree.h>

#include "engine/base/money.h"
#include "tests/fiscal/fixture.h"
#include "tests/unit/table.h"

#define SKIPPED 77
#define ITEM_MAX 16

static struct fixture fixture;

/* ---- JSON ------------------------------------------------------------------------------------- */

static yajl_val
read_scenario(const char *name)
{
    char path[512];
    static char text[65536];
    char message[256];
    snprintf(path, sizeof path, "%s/kz/scenarios/%s.json", getenv("CHEK_VECTORS"), name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(text, 1, sizeof text - 1, file);
    fclose(file);
    text[size] = '\0';
    yajl_val root = yajl_tree_parse(text, message, sizeof message);
    if (root == NULL) {
        fail_msg("%s: %s", path, message);
    }
    return root;
}

static yajl_val
member(yajl_val object, const char *name)
{
    const char *path[] = {name, NULL};
    return yajl_tree_get(object, path, yajl_t_any);
}

static int64_t
integer(yajl_val value)
{
    assert_true(YAJL_IS_INTEGER(value));
    return YAJL_GET_INTEGER(value);
}

static int64_t
member_or_zero(yajl_val object, const char *name)
{
    yajl_val value = member(object, name);
    return value != NULL ? integer(value) : 0;
}

/* ---- documents -------------------------------------------------------------------------------- */

static uint32_t number;

/* A ticket of a scenario; its taxes follow from `rate`, by line, as the scenarios' source does. */
struct ticket {
    struct chek_line lines[ITEM_MAX];
    struct chek_tax taxes[ITEM_MAX];
    struct chek_tax discount_tax;
    struct chek_payment payment;
    struct chek_modifier discount;
    struct chek_receipt receipt;
};

static void
ticket_begin(struct ticket *ticket, uint8_t operation, int64_t total)
{
    number += 1;
    *ticket = (struct ticket){0};
    ticket->payment.sum = total;
    ticket->receipt = (struct chek_receipt){
        .operation = operation,
        .time = FIXTURE_DAY + number,
        .document = number,
        .total = total,
        .payments = &ticket->payment,
        .payments_count = 1,
        .lines = ticket->lines,
    };
}

static void
ticket_line(struct ticket *ticket, const char *type, int64_t sum, int64_t rate)
{
    uint32_t at = ticket->receipt.lines_count++;
    bool storno = strncmp(type, "STORNO_", 7) == 0;
    const char *kind = storno ? type + 7 : type;
    struct chek_line *line = &ticket->lines[at];
    *line =
        (struct chek_line){.sum = sum, .storno = storno, .section = chek_bytes_view_text("one")};
    line->kind = strncmp(kind, "DISCOUNT", 8) == 0 ? CHEK_LINE_KIND_DISCOUNT
                 : strncmp(kind, "MARKUP", 6) == 0 ? CHEK_LINE_KIND_MARKUP
                                                   : CHEK_LINE_KIND_COMMODITY;
    if (rate >= 0) {
        ticket->taxes[at] = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT,
                                              .rate = (uint32_t)rate,
                                              .sum = chek_money_tax_included(sum, (uint32_t)rate)};
        line->taxes = &ticket->taxes[at];
        line->taxes_count = 1;
    }
}

static void
ticket_discount(struct ticket *ticket, int64_t sum, int64_t rate)
{
    ticket->discount = (struct chek_modifier){.sum = sum};
    if (rate >= 0) {
        ticket->discount_tax =
            (struct chek_tax){.kind = CHEK_TAX_KIND_VAT,
                              .rate = (uint32_t)rate,
                              .sum = chek_money_tax_included(sum, (uint32_t)rate)};
        ticket->discount.taxes = &ticket->discount_tax;
        ticket->discount.taxes_count = 1;
    }
    ticket->receipt.discount = &ticket->discount;
}

static uint8_t
operation_of(const char *name)
{
    static const char *const names[] = {"SELL", "SELL_RETURN", "BUY", "BUY_RETURN"};
    for (uint8_t i = 0; i < CHEK_COUNT(names); i++) {
        if (strcmp(names[i], name) == 0) {
            return i;
        }
    }
    fail_msg("operation %s", name);
    return 0;
}

static void
send_ticket(yajl_val step, const char *operation, int64_t rate)
{
    struct ticket ticket;
    yajl_val items = member(step, "items");
    ticket_begin(&ticket, operation_of(operation), integer(member(step, "total")));
    for (size_t i = 0; i < items->u.array.len; i++) {
        yajl_val item = items->u.array.values[i];
        yajl_val type = member(item, "type");
        ticket_line(&ticket, type != NULL ? YAJL_GET_STRING(type) : "COMMODITY",
                    integer(member(item, "sum")), rate);
    }
    if (member(step, "amounts.discount") != NULL) {
        ticket_discount(&ticket, integer(member(step, "amounts.discount")), rate);
    }
    yajl_val payments = member(step, "payments");
    assert_int_equal(integer(member(payments, "CASH")), ticket.receipt.total);
    assert_int_equal(fixture_receipt(&fixture, &ticket.receipt).status, CHEK_STATUS_STORED);
}

static void
send_step(yajl_val step, int64_t rate)
{
    const char *op = YAJL_GET_STRING(member(step, "op"));
    if (strncmp(op, "OPERATION_", 10) == 0) {
        send_ticket(step, op + 10, rate);
    } else if (strcmp(op, "X") != 0) {
        bool is_deposit = strcmp(op, "DEPOSIT") == 0;
        assert_true(is_deposit || strcmp(op, "WITHDRAWAL") == 0);
        number += 1;
        struct chek_movement movement = {
            .direction = is_deposit ? CHEK_DIRECTION_DEPOSIT : CHEK_DIRECTION_WITHDRAWAL,
            .time = FIXTURE_DAY + number,
            .document = number,
            .sum = integer(member(step, "sum")),
        };
        assert_int_equal(fixture_movement(&fixture, &movement).status, CHEK_STATUS_STORED);
    }
}

/* ---- expectations ----------------------------------------------------------------------------- */

static int64_t
sums_value(const struct chek_sums *sums, const char *what)
{
    if (sums == NULL) {
        return 0;
    }
    return strcmp(what, "count") == 0 ? (int64_t)sums->count : sums->sum;
}

/* A figure of an operation by the scenario's names. */
static int64_t
operation_value(const struct chek_report *report, const char *group, uint8_t operation,
                const char *what)
{
    struct chek_report_operation figures = fixture_operation(report, operation);
    bool counts = strcmp(what, "count") == 0;
    if (strcmp(group, "ticket_operations") == 0) {
        if (strcmp(what, "tickets_count") == 0) {
            return (int64_t)figures.tickets;
        }
        if (strcmp(what, "discount_sum") == 0) {
            return figures.ticket_discount;
        }
        assert_string_equal(what, "tickets_sum");
        return figures.net;
    }
    if (strcmp(group, "operations") == 0) {
        return counts ? (int64_t)figures.positions : figures.gross;
    }
    if (strcmp(group, "discounts") == 0) {
        return sums_value(figures.discounts, what);
    }
    if (strcmp(group, "total_result") == 0) {
        return counts ? (int64_t)figures.positions
                      : figures.gross - sums_value(figures.discounts, "sum") +
                            sums_value(figures.markups, "sum");
    }
    assert_string_equal(group, "sections[one]");
    return counts ? (int64_t)report->sections[0].count : report->sections[0].sum;
}

static int64_t
movement_value(const struct chek_report *report, uint8_t direction)
{
    for (uint32_t i = 0; i < report->movements_count; i++) {
        if (report->movements[i].direction == direction) {
            return report->movements[i].sum;
        }
    }
    return 0;
}

static int64_t
counter_value(const struct chek_report *report, uint8_t operation)
{
    for (uint32_t i = 0; i < report->now_count; i++) {
        if (report->now[i].operation == operation) {
            return (int64_t)report->now[i].sum;
        }
    }
    return 0;
}

/* "group.OPERATION.what", or a name that stands alone. */
static int64_t
value_of(const struct chek_report *report, const char *name)
{
    char text[128];
    snprintf(text, sizeof text, "%s", name);
    char *group = strtok(text, ".");
    char *middle = strtok(NULL, ".");
    char *what = strtok(NULL, ".");
    if (strcmp(group, "cash_sum") == 0) {
        return report->cash;
    }
    if (strcmp(group, "revenue") == 0) {
        return middle == NULL ? report->revenue : report->revenue < 0;
    }
    if (strcmp(group, "non_nullable") == 0) {
        return counter_value(report, operation_of(middle));
    }
    if (strcmp(group, "money_placements") == 0) {
        return movement_value(report, strcmp(middle, "DEPOSIT") == 0 ? CHEK_DIRECTION_DEPOSIT
                                                                     : CHEK_DIRECTION_WITHDRAWAL);
    }
    assert_non_null(what);
    return operation_value(report, group, operation_of(middle), what);
}

static int64_t
wanted(yajl_val value)
{
    return YAJL_IS_INTEGER(value) ? YAJL_GET_INTEGER(value) : YAJL_IS_TRUE(value);
}

/* Check a group of expectations; returns how many there were. */
static uint32_t
check_group(const struct chek_report *report, yajl_val group, const char *const *elsewhere)
{
    uint32_t count = 0;
    for (size_t i = 0; group != NULL && i < group->u.object.len; i++) {
        const char *name = group->u.object.keys[i];
        yajl_val value = group->u.object.values[i];
        bool is_elsewhere = false;
        for (uint32_t j = 0; elsewhere[j] != NULL; j++) {
            is_elsewhere = is_elsewhere || strcmp(elsewhere[j], name) == 0;
        }
        if (is_elsewhere) {
            continue;
        }
        count += 1;
        if (!YAJL_IS_OBJECT(value)) {
            print_message("  %s\n", name);
            assert_int_equal(value_of(report, name), wanted(value));
            continue;
        }
        for (size_t k = 0; k < value->u.object.len; k++) {
            char path[128];
            snprintf(path, sizeof path, "%s.%s", name, value->u.object.keys[k]);
            print_message("  %s\n", path);
            assert_int_equal(value_of(report, path), wanted(value->u.object.values[k]));
        }
    }
    return count;
}

/* ---- scenarios of steps ----------------------------------------------------------------------- */

static struct scenario_case {
    const char *name;
    int64_t rate; /* of every line; -1: no tax */
    uint32_t expectation_count;
    const char *elsewhere[4]; /* expectations that a test of its own looks at */
} scenarios[] = {
    {"01_xreport_parity_cash", -1, 9, {NULL}},
    {"02_item_and_ticket_discounts",
     16000,
     13,
     {"tax(16%) of first ticket", "taxable turnover after first ticket", NULL}},
    {"03_item_markup", -1, 0, {"wire item order", "commodity.sum", "markup.sum", NULL}},
    {"04_storno_with_discount_tax",
     16000,
     3,
     {"ticket tax 16%", "storno_commodity.sum", "storno_discount.sum", NULL}},
};

static void
test_scenario(void **state)
{
    const struct scenario_case *c = *state;
    yajl_val root = read_scenario(c->name);
    yajl_val steps = member(root, "steps");
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    number = 0;
    for (size_t i = 0; i < steps->u.array.len; i++) {
        send_step(steps->u.array.values[i], c->rate);
    }
    const struct chek_report *report = fixture_report(&fixture, 0, UINT32_MAX).report;
    uint32_t count = check_group(report, member(root, "expect_from_source"), c->elsewhere);
    count += check_group(report, member(root, "expect_derived_by_rule"), c->elsewhere);
    assert_int_equal(count, c->expectation_count);
    fixture_end(&fixture);
    yajl_tree_free(root);
}

/* The taxes after the first step alone. */
static struct chek_report_tax
tax_after_first_step(const char *name)
{
    yajl_val root = read_scenario(name);
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    number = 0;
    send_step(member(root, "steps")->u.array.values[0], 16000);
    const struct chek_report *report = fixture_report(&fixture, 0, UINT32_MAX).report;
    assert_int_equal(report->taxes_count, 1);
    struct chek_report_tax tax = report->taxes[0];
    fixture_end(&fixture);
    yajl_tree_free(root);
    return tax;
}

static void
test_02_tax_of_the_first_ticket(void **state)
{
    (void)state;
    yajl_val root = read_scenario("02_item_and_ticket_discounts");
    yajl_val expected = member(root, "expect_from_source");
    struct chek_report_tax tax = tax_after_first_step("02_item_and_ticket_discounts");
    assert_int_equal(tax.sum, integer(member(expected, "tax(16%) of first ticket")));
    assert_int_equal(tax.turnover,
                     integer(member(expected, "taxable turnover after first ticket")));
    yajl_tree_free(root);
}

static void
test_03_markup(void **state)
{
    (void)state;
    yajl_val root = read_scenario("03_item_markup");
    yajl_val expected = member(root, "expect_from_source");
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    send_step(member(root, "steps")->u.array.values[0], -1);
    struct chek_report_operation sell =
        fixture_operation(fixture_report(&fixture, 0, UINT32_MAX).report, CHEK_OPERATION_SELL);
    assert_int_equal(sell.gross, integer(member(expected, "commodity.sum")));
    assert_int_equal(sell.markups->sum, integer(member(expected, "markup.sum")));
    fixture_end(&fixture);
    yajl_tree_free(root);
}

static void
test_04_tax_with_stornos(void **state)
{
    (void)state;
    yajl_val root = read_scenario("04_storno_with_discount_tax");
    yajl_val expected = member(root, "expect_from_source");
    struct chek_report_tax tax = tax_after_first_step("04_storno_with_discount_tax");
    assert_int_equal(tax.sum, integer(member(expected, "ticket tax 16%")));
    assert_int_equal(tax.turnover, 55000);
    yajl_tree_free(root);
}

/* ---- VAT cases -------------------------------------------------------------------------------- */

/* The rate that an item's name tells: "COMMODITY VAT16", "... no VAT ...", bare = 16 %. */
static int64_t
item_rate(const char *type)
{
    if (strstr(type, "no VAT") != NULL) {
        return -1;
    }
    return strstr(type, "VAT0") != NULL ? 0 : 16000;
}

static void
test_05_vat_case(yajl_val c)
{
    yajl_val items = member(c, "items");
    struct ticket ticket;
    ticket_begin(&ticket, CHEK_OPERATION_SELL, integer(member(c, "total")));
    int64_t sum = 0;
    for (size_t i = 0; i < items->u.array.len; i++) {
        yajl_val item = items->u.array.values[i];
        const char *type = YAJL_GET_STRING(item->u.array.values[0]);
        int64_t amount = integer(item->u.array.values[1]);
        ticket_line(&ticket, type, amount, item_rate(type));
        sum += strncmp(type, "STORNO", 6) == 0 ? -amount : amount;
    }
    if (member(c, "ticket_discount_percent") != NULL) {
        ticket_discount(&ticket, sum - ticket.receipt.total, 16000);
    }
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    assert_int_equal(fixture_receipt(&fixture, &ticket.receipt).status, CHEK_STATUS_STORED);
    const struct chek_report *report = fixture_report(&fixture, 0, UINT32_MAX).report;
    assert_int_equal(report->taxes_count, 1);
    if (member(c, "tax16") != NULL) {
        assert_int_equal(report->taxes[0].sum, member_or_zero(c, "tax16"));
    }
    if (member(c, "turnover") != NULL) {
        assert_int_equal(report->taxes[0].turnover, member_or_zero(c, "turnover"));
    }
    yajl_val x = member(c, "X.taxes[16000].SELL");
    if (x != NULL) {
        assert_int_equal(report->taxes[0].turnover, integer(member(x, "turnover")));
        assert_int_equal(report->taxes[0].sum, integer(member(x, "sum")));
        assert_int_equal(report->taxes[0].turnover_without_tax,
                         integer(member(x, "turnover_without_tax")));
    }
    if (member(c, "X.taxes[0].SELL.turnover") != NULL) {
        assert_int_equal(report->taxes[0].rate, 0);
        assert_int_equal(report->taxes[0].turnover, member_or_zero(c, "X.taxes[0].SELL.turnover"));
    }
    fixture_end(&fixture);
}

static void
test_05_refund_case(yajl_val c)
{
    yajl_val split = member(c, "refund_split");
    struct ticket ticket;
    ticket_begin(&ticket, CHEK_OPERATION_SELL_RETURN, integer(member(c, "refund_total")));
    ticket_line(&ticket, "COMMODITY", integer(member(split, "VAT16 base")), 16000);
    ticket_line(&ticket, "COMMODITY", integer(member(split, "noVAT")), -1);
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    fixture_receipt(&fixture, &ticket.receipt);
    const struct chek_report *report = fixture_report(&fixture, 0, UINT32_MAX).report;
    assert_int_equal(report->taxes[0].operation, CHEK_OPERATION_SELL_RETURN);
    assert_int_equal(report->taxes[0].sum, integer(member(c, "refund_tax16")));
    fixture_end(&fixture);
}

static void
test_05_weighed_case(yajl_val c)
{
    yajl_val weighed = member(c, "weighed");
    int64_t sum;
    int64_t quantity = integer(member(weighed, "quantity_thousandths")) * 1000;
    assert_error(chek_money_line_sum(integer(member(weighed, "price")), quantity, &sum), CHEK_OK);
    assert_int_equal(sum, integer(member(c, "line_sum")));
}

static void
test_05_vat_scenarios(void **state)
{
    (void)state;
    yajl_val root = read_scenario("05_vat_scenarios");
    yajl_val cases = member(root, "cases");
    assert_int_equal(cases->u.array.len, 7);
    for (size_t i = 0; i < cases->u.array.len; i++) {
        yajl_val c = cases->u.array.values[i];
        if (member(c, "weighed") != NULL) {
            test_05_weighed_case(c);
        } else if (member(c, "refund_total") != NULL) {
            test_05_refund_case(c);
        } else {
            test_05_vat_case(c);
        }
    }
    yajl_tree_free(root);
}

int
main(void)
{
    if (getenv("CHEK_VECTORS") == NULL) {
        printf("skipped: CHEK_VECTORS does not name the folder of vectors\n");
        return SKIPPED;
    }
    struct table table = {0};
    TABLE_ROWS(&table, test_scenario, scenarios);
    TABLE_TEST(&table, test_02_tax_of_the_first_ticket);
    TABLE_TEST(&table, test_03_markup);
    TABLE_TEST(&table, test_04_tax_with_stornos);
    TABLE_TEST(&table, test_05_vat_scenarios);
    return table_run(&table, "fiscal_scenarios");
}
