/* SPDX-License-Identifier: MIT */
/* test_check.c - the shape rules of engine/fiscal/README.md, C1.., a row a case. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "engine/fiscal/check.h"

#define WARNING(name) (UINT32_C(1) << CHEK_WARNING_##name)
#define WARNINGS_UNTOUCHED UINT32_C(0xdead0000)

/* A document that every rule accepts; a row spoils one thing of it. */
struct sample {
    struct chek_document document;
    struct chek_receipt receipt;
    struct chek_movement movement;
    struct chek_close close;
    struct chek_drive_report report;
    struct chek_line lines[3];
    struct chek_payment payments[2];
    struct chek_tax line_tax, ticket_tax, modifier_tax;
    struct chek_modifier discount, markup;
    struct chek_register profile;
    struct chek_register_key keys[2];
    struct chek_person persons[CHEK_PERSON_COUNT_MAX + 1];
};

static void
sample_make(struct sample *s)
{
    *s = (struct sample){0};
    s->line_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 276};
    s->ticket_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 248};
    s->modifier_tax = s->line_tax;
    s->lines[0] = (struct chek_line){
        .price = 1000, .quantity = 2000000, .sum = 2000, .taxes = &s->line_tax, .taxes_count = 1};
    s->lines[1] = (struct chek_line){.kind = CHEK_LINE_KIND_DISCOUNT, .sum = 300};
    s->lines[2] = (struct chek_line){.kind = CHEK_LINE_KIND_MARKUP, .sum = 100};
    s->payments[0] = (struct chek_payment){.kind = CHEK_PAYMENT_KIND_CASH, .sum = 1000};
    s->payments[1] = (struct chek_payment){.kind = CHEK_PAYMENT_KIND_CARD, .sum = 800};
    s->discount = (struct chek_modifier){.sum = 50};
    s->markup = (struct chek_modifier){.sum = 50};
    s->receipt = (struct chek_receipt){
        .time = 1767225600,
        .document = 1,
        .total = 1800,
        .payments = s->payments,
        .payments_count = 2,
        .lines = s->lines,
        .lines_count = 3,
    };
    s->movement = (struct chek_movement){.time = 1767225600, .document = 1, .sum = 1};
    s->close = (struct chek_close){.time = 1767225600, .document = 1};
    s->keys[0] = (struct chek_register_key){.value = chek_bytes_view_text("600")};
    s->keys[1] = (struct chek_register_key){.kind = CHEK_KEY_KIND_FACTORY_NUMBER,
                                            .value = chek_bytes_view_text("600")};
    s->profile = (struct chek_register){
        .keys = s->keys, .keys_count = 2, .organisation = chek_bytes_view_text("123456789012")};
    s->report = (struct chek_drive_report){.kind = 2, .document = 6};
    s->document = (struct chek_document){.registration = 7, .receipt = &s->receipt};
}

/* ---- what a row does to the sample ------------------------------------------------------------ */

static void
nothing(struct sample *s)
{
    (void)s;
}

static void
no_kind(struct sample *s)
{
    s->document.receipt = NULL;
}

static void
receipt_and_movement(struct sample *s)
{
    s->document.movement = &s->movement;
}

static void
receipt_and_close(struct sample *s)
{
    s->document.close = &s->close;
}

static void
no_register(struct sample *s)
{
    s->document.registration = 0;
}

static void
register_twice(struct sample *s)
{
    s->document.profile = &s->profile;
}

static void
register_instead(struct sample *s)
{
    s->document.registration = 0;
    s->document.profile = &s->profile;
}

static void
register_bad(struct sample *s)
{
    register_instead(s);
    s->profile.keys_count = 0;
}

static void
time_too_early(struct sample *s)
{
    s->receipt.time = CHEK_CIVIL_MIN - 1;
}

static void
time_too_late(struct sample *s)
{
    s->receipt.time = CHEK_CIVIL_MAX + 1;
}

static void
no_identity(struct sample *s)
{
    s->receipt.document = 0;
}

static void
person_in_clear(struct sample *s)
{
    s->persons[0] = (struct chek_person){.kind = CHEK_PERSON_KIND_TIN,
                                         .value = chek_bytes_view_text("850101300123")};
    s->persons[1] =
        (struct chek_person){.kind = CHEK_PERSON_KIND_NAME, .value = chek_bytes_view_text("Aliya")};
    s->receipt.persons = s->persons;
    s->receipt.persons_count = 2;
}

static void
person_as_subject(struct sample *s)
{
    person_in_clear(s);
    s->persons[1] = (struct chek_person){.subject = {[15] = 1}};
}

static void
person_nobody(struct sample *s)
{
    person_in_clear(s);
    s->persons[1].value.size = 0;
}

static void
person_of_no_kind(struct sample *s)
{
    person_in_clear(s);
    s->persons[1].kind = CHEK_PERSON_KIND_COUNT;
}

static void
person_too_long(struct sample *s)
{
    static const uint8_t text[CHEK_TEXT_SIZE_MAX + 1] = {'A'};
    person_in_clear(s);
    s->persons[1].value = chek_bytes_view_of(text, sizeof text);
}

static void
too_many_persons(struct sample *s)
{
    person_in_clear(s);
    s->receipt.persons_count = CHEK_PERSON_COUNT_MAX + 1;
}

static void
sign_alone(struct sample *s)
{
    s->receipt.document = 0;
    s->receipt.sign = 5;
}

static void
autonomous_alone(struct sample *s)
{
    s->receipt.document = 0;
    s->receipt.autonomous = 5;
}

/* C17: the same mistakes on a receipt that its register signed itself. */
static void change_above_cash(struct sample *s);
static void change_without_cash(struct sample *s);
static void both_modifiers(struct sample *s);
static void taxes_mixed(struct sample *s);
static void total_is_rounded_too_far(struct sample *s);
static void total_above_lines(struct sample *s);
static void payments_less(struct sample *s);
static void payment_kind_twice(struct sample *s);
static void payment_negative(struct sample *s);
static void total_zero_of_nothing(struct sample *s);

#define ON_PAPER(name)                            \
    static void name##_on_paper(struct sample *s) \
    {                                             \
        name(s);                                  \
        s->receipt.autonomous = 5;                \
    }

ON_PAPER(change_above_cash)
ON_PAPER(change_without_cash)
ON_PAPER(both_modifiers)
ON_PAPER(taxes_mixed)
ON_PAPER(total_is_rounded_too_far)
ON_PAPER(total_above_lines)
ON_PAPER(payments_less)
ON_PAPER(payment_kind_twice)
ON_PAPER(payment_negative)
ON_PAPER(total_zero_of_nothing)

static void
payments_less_offline(struct sample *s)
{
    payments_less(s);
    s->receipt.offline = true;
}

static void
operation_unknown(struct sample *s)
{
    s->receipt.operation = CHEK_OPERATION_COUNT;
}

static void
form_unknown(struct sample *s)
{
    s->receipt.form = CHEK_FORM_COUNT;
}

static void
total_negative(struct sample *s)
{
    s->receipt.total = -1;
}

static void
total_above_bound(struct sample *s)
{
    s->receipt.total = CHEK_MONEY_MAX + 1;
}

static void
total_zero_of_lines(struct sample *s)
{
    s->lines[1].sum = 2100;
    s->receipt.total = 0;
    s->receipt.payments_count = 0;
}

static void
total_zero_of_nothing(struct sample *s)
{
    s->receipt.total = 0;
    s->receipt.lines_count = 0;
    s->receipt.payments_count = 0;
}

static void
summary_without_lines(struct sample *s)
{
    s->receipt.lines_count = 0;
}

static void
payments_less(struct sample *s)
{
    s->payments[1].sum -= 1;
}

static void
payments_with_change(struct sample *s)
{
    s->payments[0].sum = 1500;
    s->receipt.change = 500;
}

static void
payments_less_change(struct sample *s)
{
    s->receipt.change = 5000; /* the register took it off itself */
}

static void
payments_more_than_change(struct sample *s)
{
    s->payments[0].sum = 1501;
    s->receipt.change = 500;
}

static void
payments_none(struct sample *s)
{
    s->receipt.payments_count = 0;
}

static void
payment_kind_twice(struct sample *s)
{
    s->payments[1].kind = CHEK_PAYMENT_KIND_CASH;
}

static void
payment_kind_unknown(struct sample *s)
{
    s->payments[1].kind = CHEK_PAYMENT_KIND_COUNT;
}

static void
payment_negative(struct sample *s)
{
    s->payments[0].sum = -1;
}

static void
change_above_cash(struct sample *s)
{
    s->payments[0].sum = 300;
    s->payments[1].sum = 2000;
    s->receipt.change = 500;
}

static void
change_without_cash(struct sample *s)
{
    s->payments[0].kind = CHEK_PAYMENT_KIND_MOBILE;
    s->receipt.change = 1;
}

static void
both_modifiers(struct sample *s)
{
    s->receipt.discount = &s->discount;
    s->receipt.markup = &s->markup;
}

static void
ticket_discount(struct sample *s)
{
    s->receipt.discount = &s->discount;
    s->discount.taxes = &s->modifier_tax;
    s->discount.taxes_count = 1;
    s->receipt.total -= 50;
    s->payments[0].sum -= 50;
}

static void
ticket_markup(struct sample *s)
{
    s->receipt.markup = &s->markup;
    s->receipt.total += 50;
    s->payments[0].sum += 50;
}

static void
modifier_negative(struct sample *s)
{
    s->receipt.discount = &s->discount;
    s->discount.sum = -50;
}

static void
taxes_mixed(struct sample *s)
{
    s->receipt.taxes = &s->ticket_tax;
    s->receipt.taxes_count = 1;
}

static void
taxes_of_ticket(struct sample *s)
{
    taxes_mixed(s);
    s->lines[0].taxes_count = 0;
}

static void
tax_kind_unknown(struct sample *s)
{
    s->line_tax.kind = CHEK_TAX_KIND_COUNT;
}

static void
tax_rate_above_bound(struct sample *s)
{
    s->line_tax.rate = CHEK_RATE_MAX + 1;
}

static void
tax_none_with_sum(struct sample *s)
{
    s->line_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_NONE, .sum = 1};
}

static void
tax_none_with_rate(struct sample *s)
{
    s->line_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_NONE, .rate = 1};
}

static void
tax_turnover_negative(struct sample *s)
{
    s->line_tax.turnover = -1;
}

static void
taxes_too_many(struct sample *s)
{
    s->lines[0].taxes_count = CHEK_TAX_COUNT_MAX + 1;
}

static void
total_is_rounded_down(struct sample *s)
{
    s->lines[2].sum += 99;
}

static void
total_is_rounded_too_far(struct sample *s)
{
    s->lines[2].sum += 100;
}

static void
total_above_lines(struct sample *s)
{
    s->lines[0].sum -= 1;
}

static void
storno_takes_back(struct sample *s)
{
    s->lines[2] = (struct chek_line){.kind = CHEK_LINE_KIND_DISCOUNT, .storno = true, .sum = 100};
}

static void
line_kind_unknown(struct sample *s)
{
    s->lines[1].kind = CHEK_LINE_KIND_COUNT;
}

static void
line_sum_negative(struct sample *s)
{
    s->lines[1].sum = -1;
}

static void
line_sum_is_not_the_product(struct sample *s)
{
    s->lines[0].price = 500;
}

static void
line_product_overflows(struct sample *s)
{
    s->lines[0].price = CHEK_MONEY_MAX;
    s->lines[0].quantity = CHEK_QUANTITY_MAX;
}

static void
line_quantity_negative(struct sample *s)
{
    s->lines[0].quantity = -1;
}

static void
line_price_negative(struct sample *s)
{
    s->lines[0].price = -1;
}

static void
section_too_long(struct sample *s)
{
    s->lines[0].section = chek_bytes_view_text("012345678901234567890123456789012");
}

static void
operator_too_long(struct sample *s)
{
    s->receipt.operator=
        chek_bytes_view_text("01234567890123456789012345678901234567890123456789012345678901234");
}

static void
movement_is(struct sample *s)
{
    s->document.receipt = NULL;
    s->document.movement = &s->movement;
}

static void
movement_of_nothing(struct sample *s)
{
    movement_is(s);
    s->movement.sum = 0;
}

static void
movement_of_nothing_offline(struct sample *s)
{
    movement_of_nothing(s);
    s->movement.offline = true;
}

static void
movement_direction_unknown(struct sample *s)
{
    movement_is(s);
    s->movement.direction = CHEK_DIRECTION_COUNT;
}

static void
movement_without_identity(struct sample *s)
{
    movement_is(s);
    s->movement.document = 0;
}

static void
movement_time_missing(struct sample *s)
{
    movement_is(s);
    s->movement.time = 0;
}

static void
report_is(struct sample *s)
{
    s->document.receipt = NULL;
    s->document.drive_report = &s->report;
}

static void
report_and_receipt(struct sample *s)
{
    s->document.drive_report = &s->report;
}

static void
report_of_a_registration(struct sample *s)
{
    report_is(s);
    s->report.kind = 11;
}

static void
report_of_a_receipt(struct sample *s)
{
    report_is(s);
    s->report.kind = 3;
}

static void
report_of_no_kind(struct sample *s)
{
    report_is(s);
    s->report.kind = 0;
}

static void
report_without_a_number(struct sample *s)
{
    report_is(s);
    s->report.document = 0;
}

static void
report_of_the_last_number(struct sample *s)
{
    report_is(s);
    s->report.document = UINT32_MAX;
}

static void
report_before_the_last_number(struct sample *s)
{
    report_is(s);
    s->report.document = UINT32_MAX - 1;
}

static void
close_is(struct sample *s)
{
    s->document.receipt = NULL;
    s->document.close = &s->close;
}

static void
close_by_shift(struct sample *s)
{
    close_is(s);
    s->close.document = 0;
    s->close.shift = 3;
}

static void
close_without_identity(struct sample *s)
{
    close_is(s);
    s->close.document = 0;
}

static void
close_time_missing(struct sample *s)
{
    close_is(s);
    s->close.time = 0;
}

/* A line's sum is said to be another one, and a discount makes up for it. */
static void
line_apart(struct sample *s, int64_t by)
{
    s->lines[0].sum += by;
    s->lines[1].sum += by;
}

static void
line_one_apart(struct sample *s)
{
    line_apart(s, 1);
}

static void
line_two_apart(struct sample *s)
{
    line_apart(s, 2);
}

static void
line_without_price(struct sample *s)
{
    s->lines[0].price = 0;
}

static void
line_tax_rounded_down(struct sample *s)
{
    s->line_tax.sum = 275;
}

static void
line_tax_too_high(struct sample *s)
{
    s->line_tax.sum = 277;
}

static void
line_tax_too_low(struct sample *s)
{
    s->line_tax.sum = 274;
}

static void
line_tax_on_top(struct sample *s)
{
    s->line_tax.on_top = true;
    s->line_tax.sum = 320;
}

static void
line_tax_of_a_part(struct sample *s)
{
    s->line_tax.turnover = 1000;
    s->line_tax.sum = 138;
}

static void
tax_of_another_kind(struct sample *s)
{
    s->line_tax.kind = CHEK_TAX_KIND_OTHER;
    s->line_tax.sum = 1;
}

static void
ticket_tax_is(struct sample *s, int64_t turnover, int64_t sum)
{
    taxes_of_ticket(s);
    s->ticket_tax.turnover = turnover;
    s->ticket_tax.sum = sum;
}

static void
ticket_tax_of_some_lines(struct sample *s)
{
    ticket_tax_is(s, 0, 100);
}

static void
ticket_tax_rounded_by_line(struct sample *s)
{
    ticket_tax_is(s, 0, 251);
}

static void
ticket_tax_too_high(struct sample *s)
{
    ticket_tax_is(s, 0, 252);
}

static void
ticket_tax_below_its_turnover(struct sample *s)
{
    ticket_tax_is(s, 1000, 134);
}

static struct check_case {
    const char *name;
    void (*spoil)(struct sample *s);
    int want;
    uint16_t field;
    uint16_t index;
    uint32_t warnings;
} cases[] = {
    {"good_receipt_passes", nothing, CHEK_OK, 0, 0, 0},
    {"C1_document_of_no_kind", no_kind, CHEK_E_FIELD_MISSING, CHEK_FIELD_DOCUMENT_RECEIPT, 0, 0},
    {"C1_receipt_and_movement", receipt_and_movement, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_MOVEMENT, 0,
     0},
    {"C1_receipt_and_close", receipt_and_close, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_CLOSE, 0, 0},
    {"C2_nobody_is_named", no_register, CHEK_E_FIELD_MISSING, CHEK_FIELD_DOCUMENT_REGISTRATION, 0,
     0},
    {"C1_report_and_receipt", report_and_receipt, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_DRIVE_REPORT, 0,
     0},
    {"C22_report", report_is, CHEK_OK, 0, 0, 0},
    {"C22_report_of_a_registration", report_of_a_registration, CHEK_OK, 0, 0, 0},
    {"C22_report_of_a_receipt", report_of_a_receipt, CHEK_E_RANGE, CHEK_FIELD_DRIVE_REPORT_KIND, 0,
     0},
    {"C22_report_of_no_kind", report_of_no_kind, CHEK_E_RANGE, CHEK_FIELD_DRIVE_REPORT_KIND, 0, 0},
    {"C22_report_without_a_number", report_without_a_number, CHEK_E_RANGE,
     CHEK_FIELD_DRIVE_REPORT_DOCUMENT, 0, 0},
    {"C22_report_of_the_last_number", report_of_the_last_number, CHEK_E_RANGE,
     CHEK_FIELD_DRIVE_REPORT_DOCUMENT, 0, 0},
    {"C22_report_before_the_last_number", report_before_the_last_number, CHEK_OK, 0, 0, 0},
    {"C2_id_and_register", register_twice, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_PROFILE, 0, 0},
    {"C2_register_instead_of_id", register_instead, CHEK_OK, 0, 0, 0},
    {"C2_register_is_checked_too", register_bad, CHEK_E_FIELD_MISSING, CHEK_FIELD_REGISTER_KEYS, 0,
     0},
    {"C3_time_before_2000", time_too_early, CHEK_E_DATE, CHEK_FIELD_RECEIPT_TIME, 0, 0},
    {"C3_time_after_2099", time_too_late, CHEK_E_DATE, CHEK_FIELD_RECEIPT_TIME, 0, 0},
    {"C4_operation_unknown", operation_unknown, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_OPERATION, 0, 0},
    {"C4_form_unknown", form_unknown, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_FORM, 0, 0},
    {"C4_total_negative", total_negative, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_TOTAL, 0, 0},
    {"C4_total_above_bound", total_above_bound, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_TOTAL, 0, 0},
    {"C4_section_too_long", section_too_long, CHEK_E_LIMIT, CHEK_FIELD_LINE_SECTION, 0, 0},
    {"C4_operator_too_long", operator_too_long, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_OPERATOR, 0, 0},
    {"C5_total_zero_with_lines", total_zero_of_lines, CHEK_OK, 0, 0, 0},
    {"C5_total_zero_of_nothing", total_zero_of_nothing, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_TOTAL, 0,
     0},
    {"C6_payments_less_than_total", payments_less, CHEK_E_TOTAL_MISMATCH,
     CHEK_FIELD_RECEIPT_PAYMENTS, 0, 0},
    {"C6_payments_with_change", payments_with_change, CHEK_OK, 0, 0, 0},
    {"C6_payments_net_of_change", payments_less_change, CHEK_OK, 0, 0, 0},
    {"C6_payments_one_above_change", payments_more_than_change, CHEK_E_TOTAL_MISMATCH,
     CHEK_FIELD_RECEIPT_PAYMENTS, 0, 0},
    {"C6_payments_absent_warns", payments_none, CHEK_OK, 0, 0, WARNING(PAYMENTS_ABSENT)},
    {"C6_payment_kind_twice", payment_kind_twice, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_KIND, 1, 0},
    {"C6_payment_kind_unknown", payment_kind_unknown, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_KIND, 1, 0},
    {"C6_payment_negative", payment_negative, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_SUM, 0, 0},
    {"C7_change_above_cash", change_above_cash, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_CHANGE, 0, 0},
    {"C7_change_without_cash", change_without_cash, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_CHANGE, 0, 0},
    {"C8_discount_and_markup", both_modifiers, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_MARKUP, 0, 0},
    {"C8_ticket_discount", ticket_discount, CHEK_OK, 0, 0, 0},
    {"C8_ticket_markup", ticket_markup, CHEK_OK, 0, 0, 0},
    {"C8_modifier_negative", modifier_negative, CHEK_E_RANGE, CHEK_FIELD_MODIFIER_SUM, 0, 0},
    {"C9_taxes_mixed", taxes_mixed, CHEK_E_TAXES_MIXED, CHEK_FIELD_LINE_TAXES, 0, 0},
    {"C9_taxes_of_ticket", taxes_of_ticket, CHEK_OK, 0, 0, 0},
    {"C10_total_rounded_down_warns", total_is_rounded_down, CHEK_OK, 0, 0, WARNING(TOTAL_DIFFERS)},
    {"C10_total_rounded_too_far", total_is_rounded_too_far, CHEK_E_TOTAL_MISMATCH,
     CHEK_FIELD_RECEIPT_TOTAL, 0, 0},
    {"C10_total_above_lines", total_above_lines, CHEK_E_TOTAL_MISMATCH, CHEK_FIELD_RECEIPT_TOTAL, 0,
     0},
    {"C10_storno_takes_back", storno_takes_back, CHEK_OK, 0, 0, 0},
    {"C10_no_lines_nothing_to_compare", summary_without_lines, CHEK_OK, 0, 0, 0},
    {"C11_tax_kind_unknown", tax_kind_unknown, CHEK_E_RANGE, CHEK_FIELD_TAX_KIND, 0, 0},
    {"C11_tax_rate_above_bound", tax_rate_above_bound, CHEK_E_RANGE, CHEK_FIELD_TAX_RATE, 0, 0},
    {"C11_tax_none_with_sum", tax_none_with_sum, CHEK_E_RANGE, CHEK_FIELD_TAX_SUM, 0, 0},
    {"C11_tax_none_with_rate", tax_none_with_rate, CHEK_E_RANGE, CHEK_FIELD_TAX_RATE, 0, 0},
    {"C11_tax_turnover_negative", tax_turnover_negative, CHEK_E_RANGE, CHEK_FIELD_TAX_TURNOVER, 0,
     0},
    {"C11_taxes_too_many", taxes_too_many, CHEK_E_LIMIT, CHEK_FIELD_LINE_TAXES, 0, 0},
    {"C12_line_kind_unknown", line_kind_unknown, CHEK_E_RANGE, CHEK_FIELD_LINE_KIND, 1, 0},
    {"C12_line_sum_negative", line_sum_negative, CHEK_E_RANGE, CHEK_FIELD_LINE_SUM, 1, 0},
    {"C12_line_sum_stands_against_price", line_sum_is_not_the_product, CHEK_OK, 0, 0,
     WARNING(LINE_DIFFERS)},
    {"C12_line_product_overflows", line_product_overflows, CHEK_E_OVERFLOW,
     CHEK_FIELD_LINE_QUANTITY, 0, 0},
    {"C12_line_quantity_negative", line_quantity_negative, CHEK_E_RANGE, CHEK_FIELD_LINE_QUANTITY,
     0, 0},
    {"C12_line_price_negative", line_price_negative, CHEK_E_RANGE, CHEK_FIELD_LINE_PRICE, 0, 0},
    {"C13_movement_passes", movement_is, CHEK_OK, 0, 0, 0},
    {"C13_movement_of_nothing", movement_of_nothing, CHEK_E_RANGE, CHEK_FIELD_MOVEMENT_SUM, 0, 0},
    {"C13_movement_direction", movement_direction_unknown, CHEK_E_RANGE,
     CHEK_FIELD_MOVEMENT_DIRECTION, 0, 0},
    {"C13_movement_without_identity", movement_without_identity, CHEK_E_FIELD_MISSING,
     CHEK_FIELD_MOVEMENT_DOCUMENT, 0, 0},
    {"C13_movement_time_missing", movement_time_missing, CHEK_E_DATE, CHEK_FIELD_MOVEMENT_TIME, 0,
     0},
    {"C14_close_passes", close_is, CHEK_OK, 0, 0, 0},
    {"C14_close_by_shift", close_by_shift, CHEK_OK, 0, 0, 0},
    {"C14_close_without_identity", close_without_identity, CHEK_E_FIELD_MISSING,
     CHEK_FIELD_CLOSE_DOCUMENT, 0, 0},
    {"C14_close_time_missing", close_time_missing, CHEK_E_DATE, CHEK_FIELD_CLOSE_TIME, 0, 0},
    {"C16_no_identity", no_identity, CHEK_E_FIELD_MISSING, CHEK_FIELD_RECEIPT_DOCUMENT, 0, 0},
    {"C16_sign_alone", sign_alone, CHEK_OK, 0, 0, 0},
    {"C17_change_above_cash", change_above_cash_on_paper, CHEK_OK, 0, 0, 0},
    {"C17_change_without_cash", change_without_cash_on_paper, CHEK_OK, 0, 0, 0},
    {"C17_discount_and_markup", both_modifiers_on_paper, CHEK_OK, 0, 0, 0},
    {"C17_taxes_mixed", taxes_mixed_on_paper, CHEK_OK, 0, 0, 0},
    {"C17_total_rounded_too_far", total_is_rounded_too_far_on_paper, CHEK_OK, 0, 0,
     WARNING(TOTAL_DIFFERS)},
    {"C17_total_above_lines", total_above_lines_on_paper, CHEK_OK, 0, 0, WARNING(TOTAL_DIFFERS)},
    {"C17_payments_less_than_total", payments_less_on_paper, CHEK_OK, 0, 0, WARNING(TOTAL_DIFFERS)},
    {"C17_total_zero_of_nothing", total_zero_of_nothing_on_paper, CHEK_OK, 0, 0, 0},
    {"C17_payments_less_offline", payments_less_offline, CHEK_OK, 0, 0, WARNING(TOTAL_DIFFERS)},
    {"C17_movement_of_nothing", movement_of_nothing_offline, CHEK_OK, 0, 0, 0},
    {"C17_payment_kind_twice", payment_kind_twice_on_paper, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_KIND,
     1, 0},
    {"C17_payment_negative", payment_negative_on_paper, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_SUM, 0, 0},
    {"C20_a_person_in_clear", person_in_clear, CHEK_OK, 0, 0, 0},
    {"C20_a_person_as_a_subject", person_as_subject, CHEK_OK, 0, 0, 0},
    {"C20_nobody", person_nobody, CHEK_E_FIELD_MISSING, CHEK_FIELD_PERSON_VALUE, 1, 0},
    {"C20_of_no_kind", person_of_no_kind, CHEK_E_RANGE, CHEK_FIELD_PERSON_KIND, 1, 0},
    {"C20_a_value_too_long", person_too_long, CHEK_E_LIMIT, CHEK_FIELD_PERSON_VALUE, 1, 0},
    {"C20_too_many_persons", too_many_persons, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_PERSONS, 0, 0},
    {"C18_line_one_apart", line_one_apart, CHEK_OK, 0, 0, 0},
    {"C18_line_two_apart_warns", line_two_apart, CHEK_OK, 0, 0, WARNING(LINE_DIFFERS)},
    {"C18_line_without_price", line_without_price, CHEK_OK, 0, 0, 0},
    {"C19_line_tax_rounded_down", line_tax_rounded_down, CHEK_OK, 0, 0, 0},
    {"C19_line_tax_too_high_warns", line_tax_too_high, CHEK_OK, 0, 0, WARNING(TAX_DIFFERS)},
    {"C19_line_tax_too_low_warns", line_tax_too_low, CHEK_OK, 0, 0, WARNING(TAX_DIFFERS)},
    {"C19_line_tax_on_top", line_tax_on_top, CHEK_OK, 0, 0, 0},
    {"C19_line_tax_of_a_part", line_tax_of_a_part, CHEK_OK, 0, 0, 0},
    {"C19_tax_of_another_kind", tax_of_another_kind, CHEK_OK, 0, 0, 0},
    {"C19_ticket_tax_of_some_lines", ticket_tax_of_some_lines, CHEK_OK, 0, 0, 0},
    {"C19_ticket_tax_rounded_by_line", ticket_tax_rounded_by_line, CHEK_OK, 0, 0, 0},
    {"C19_ticket_tax_too_high_warns", ticket_tax_too_high, CHEK_OK, 0, 0, WARNING(TAX_DIFFERS)},
    {"C19_ticket_tax_below_its_turnover_warns", ticket_tax_below_its_turnover, CHEK_OK, 0, 0,
     WARNING(TAX_DIFFERS)},
    {"C16_autonomous_alone", autonomous_alone, CHEK_OK, 0, 0, 0},
};

static void
test_document_check(void **state)
{
    const struct check_case *c = *state;
    struct sample s;
    struct chek_fault fault = {0};
    uint32_t warnings = WARNINGS_UNTOUCHED;

    sample_make(&s);
    c->spoil(&s);
    int got = chek_document_check(&s.document, &warnings, &fault);

    assert_string_equal(chek_error_name(got), chek_error_name(c->want));
    assert_string_equal(chek_field_name(fault.field), chek_field_name(c->field));
    assert_int_equal(fault.field, c->field);
    assert_int_equal(fault.index, c->index);
    assert_int_equal(fault.code, c->want);
    assert_int_equal(warnings, c->want == CHEK_OK ? c->warnings : WARNINGS_UNTOUCHED);
}

/* ---- registers -------------------------------------------------------------------------------- */

static void
key_twice(struct sample *s)
{
    s->keys[1].kind = s->keys[0].kind;
}

static void
key_empty(struct sample *s)
{
    s->keys[1].value.size = 0;
}

static void
key_kind_unknown(struct sample *s)
{
    s->keys[1].kind = CHEK_KEY_KIND_COUNT;
}

static void
keys_none(struct sample *s)
{
    s->profile.keys_count = 0;
}

static void
organisation_missing(struct sample *s)
{
    s->profile.organisation.size = 0;
}

static void
currency_unknown(struct sample *s)
{
    s->profile.currency = 1;
}

static void
zone_too_far(struct sample *s)
{
    s->profile.zone_minutes = 841;
}

static struct check_case register_cases[] = {
    {"good_register_passes", nothing, CHEK_OK, 0, 0, 0},
    {"C15_keys_none", keys_none, CHEK_E_FIELD_MISSING, CHEK_FIELD_REGISTER_KEYS, 0, 0},
    {"C15_key_twice", key_twice, CHEK_E_EXISTS, CHEK_FIELD_REGISTER_KEY_VALUE, 1, 0},
    {"C15_key_empty", key_empty, CHEK_E_FIELD_MISSING, CHEK_FIELD_REGISTER_KEY_VALUE, 1, 0},
    {"C15_key_kind_unknown", key_kind_unknown, CHEK_E_RANGE, CHEK_FIELD_REGISTER_KEY_KIND, 1, 0},
    {"C15_organisation_missing", organisation_missing, CHEK_E_FIELD_MISSING,
     CHEK_FIELD_REGISTER_ORGANISATION, 0, 0},
    {"C15_currency_unknown", currency_unknown, CHEK_E_CURRENCY, CHEK_FIELD_REGISTER_CURRENCY, 0, 0},
    {"C15_zone_too_far", zone_too_far, CHEK_E_RANGE, CHEK_FIELD_REGISTER_ZONE_MINUTES, 0, 0},
};

static void
test_register_check(void **state)
{
    const struct check_case *c = *state;
    struct sample s;
    struct chek_fault fault = {0};

    sample_make(&s);
    c->spoil(&s);
    int got = chek_register_check(&s.profile, &fault);

    assert_string_equal(chek_error_name(got), chek_error_name(c->want));
    assert_int_equal(fault.field, c->field);
    assert_int_equal(fault.index, c->index);
}

int
main(void)
{
    struct CMUnitTest tests[CHEK_COUNT(cases) + CHEK_COUNT(register_cases)];
    size_t count = 0;

    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        tests[count++] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = test_document_check, .initial_state = &cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(register_cases); i++) {
        tests[count++] = (struct CMUnitTest){.name = register_cases[i].name,
                                             .test_func = test_register_check,
                                             .initial_state = &register_cases[i]};
    }
    return cmocka_run_group_tests_name("check", tests, NULL, NULL);
}
