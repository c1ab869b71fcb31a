/* SPDX-License-Identifier: MIT */
/* test_fiscal_sameness.c - rules F17 to F19 of engine/fiscal/README.md: which copy is the same, which
 * one is fuller. */
#include "tests/fiscal/fixture.h"
#include "tests/unit/table.h"
#include "tests/unit/whole_receipt.h"

static struct fixture fixture;

/* ---- F17, F18: what is the same --------------------------------------------------------------- */

static void
nothing(struct whole *w)
{
    (void)w;
}

static void
other_operation(struct whole *w)
{
    w->receipt.operation = CHEK_OPERATION_BUY;
}

static void
other_total(struct whole *w)
{
    w->receipt.total += 1;
    w->lines[1].sum += 1;
    w->payments[1].sum += 1;
}

static void
other_second(struct whole *w)
{
    w->receipt.time += 1;
}

static void
no_seconds(struct whole *w)
{
    w->receipt.time -= 1;
}

static void
other_minute(struct whole *w)
{
    w->receipt.time = FIXTURE_DAY + 120;
}

static void
other_sign(struct whole *w)
{
    w->receipt.sign += 1;
}

static void
no_sign(struct whole *w)
{
    w->receipt.sign = 0;
}

static void
other_payments(struct whole *w)
{
    w->payments[0].sum -= 1;
    w->payments[1].sum += 1;
}

static void
payments_net_of_change(struct whole *w)
{
    w->payments[0].sum -= w->receipt.change;
    w->receipt.change = 0;
}

static void
no_payments(struct whole *w)
{
    w->receipt.payments_count = 0;
    w->receipt.change = 0;
}

static void
other_tax(struct whole *w)
{
    w->line_tax.sum += 1;
}

static void
other_rate(struct whole *w)
{
    w->line_tax.rate = 12000;
}

static void
tax_of_the_ticket(struct whole *w)
{
    w->lines[0].taxes_count = 0;
    w->receipt.taxes = &w->ticket_tax;
    w->receipt.taxes_count = 1;
}

static void
tax_of_the_ticket_rounded_apart(struct whole *w)
{
    tax_of_the_ticket(w);
    w->ticket_tax.sum += 2;
}

static void
tax_of_the_ticket_too_far(struct whole *w)
{
    tax_of_the_ticket(w);
    w->ticket_tax.sum += 3;
}

static void
no_lines(struct whole *w)
{
    w->receipt.lines_count = 0;
}

static void
other_operator(struct whole *w)
{
    w->receipt.operator= chek_bytes_view_text("Olga");
}

static void
other_name(struct whole *w)
{
    w->lines[0].name = chek_bytes_view_text("roll");
}

static void
other_shift(struct whole *w)
{
    w->receipt.shift = 9;
}

static void
fuller_name(struct whole *w)
{
    w->lines[1].name = chek_bytes_view_text("milk");
}

static void
fuller_client(struct whole *w)
{
    w->receipt.client = chek_bytes_view_text("client 1");
}

static void
fuller_but_other_operator(struct whole *w)
{
    fuller_client(w);
    other_operator(w);
}

static void
fuller_parent(struct whole *w)
{
    w->receipt.parent = &w->parent;
}

static void
fuller_marking(struct whole *w)
{
    w->lines[0].markings = &w->marking;
    w->lines[0].markings_count = 1;
}

static void
fuller_subject(struct whole *w)
{
    w->receipt.subject[3] = 1;
}

static const struct chek_person persons[] = {
    {.kind = CHEK_PERSON_KIND_TIN, .subject = {7}},
    {.kind = CHEK_PERSON_KIND_NAME, .subject = {7}},
    {.kind = CHEK_PERSON_KIND_NAME, .subject = {8}},
    {.kind = CHEK_PERSON_KIND_TIN, .subject = {7}},
};

static void
fuller_persons(struct whole *w)
{
    w->receipt.persons = persons;
    w->receipt.persons_count = 2;
}

static void
persons_and_other_operator(struct whole *w)
{
    fuller_persons(w);
    other_operator(w);
}

static void
fuller_but_no_sign(struct whole *w)
{
    fuller_client(w);
    no_sign(w);
}

static void
fuller_without_seconds(struct whole *w)
{
    fuller_client(w);
    no_seconds(w);
}

/* Receipts of a fiscal drive, whose times may be hours apart: noon, and so many minutes later. */
static void
drive_at(struct whole *w, int64_t minutes)
{
    w->receipt.fiscal_drive = chek_bytes_view_text("9999078900000001");
    w->receipt.time = FIXTURE_DAY + 12 * 3600 + minutes * 60;
}

static void
hours_later(struct whole *w)
{
    drive_at(w, 12 * 60);
}

static void
hours_before(struct whole *w)
{
    drive_at(w, -3 * 60);
}

static void
hours_too_many(struct whole *w)
{
    drive_at(w, 13 * 60);
}

static void
half_an_hour_later(struct whole *w)
{
    drive_at(w, 30);
}

static void
hours_later_without_a_sign(struct whole *w)
{
    drive_at(w, 180);
    w->receipt.sign = 0;
}

static void
hours_later_on_another_drive(struct whole *w)
{
    drive_at(w, 180);
    w->receipt.fiscal_drive = chek_bytes_view_text("");
}

static void
hours_later_and_fuller(struct whole *w)
{
    drive_at(w, 180);
    fuller_client(w);
}

static void
hours_before_and_fuller(struct whole *w)
{
    drive_at(w, -180);
    fuller_client(w);
}

static struct drive_case {
    const char *name;
    void (*change)(struct whole *w); /* of the second copy */
    uint8_t status;
    int64_t minutes; /* of the copy that stands */
} drive_cases[] = {
    {"F18_the_time_in_utc", hours_before, CHEK_STATUS_DUPLICATE, 0},
    {"F18_the_time_in_kamchatka", hours_later, CHEK_STATUS_DUPLICATE, 0},
    {"F18_the_time_further_than_any_zone", hours_too_many, CHEK_STATUS_CONFLICT, 0},
    {"F18_the_time_off_by_a_part_of_an_hour", half_an_hour_later, CHEK_STATUS_CONFLICT, 0},
    {"F18_the_time_in_utc_needs_the_sign", hours_later_without_a_sign, CHEK_STATUS_CONFLICT, 0},
    {"F18_the_time_in_utc_needs_the_drive", hours_later_on_another_drive, CHEK_STATUS_CONFLICT, 0},
    {"F19_the_later_time_is_the_wall_clock", hours_later_and_fuller, CHEK_STATUS_COMPLETED, 180},
    {"F19_the_time_in_utc_is_not_fuller", hours_before_and_fuller, CHEK_STATUS_DUPLICATE, 0},
};

static void
test_hours_apart(void **state)
{
    const struct drive_case *c = *state;
    struct whole first;
    struct whole second;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    whole_make(&first);
    whole_make(&second);
    drive_at(&first, 0);
    c->change(&second);
    assert_int_equal(fixture_receipt(&fixture, &first.receipt).status, CHEK_STATUS_STORED);
    struct chek_result result = fixture_receipt(&fixture, &second.receipt);
    assert_int_equal(result.status, c->status);
    assert_int_equal(result.field, c->status == CHEK_STATUS_CONFLICT ? CHEK_FIELD_RECEIPT_TIME : 0);
    assert_int_equal(fixture_report(&fixture, 1, UINT32_MAX).report->last,
                     FIXTURE_DAY + (12 * 60 + c->minutes) * 60);
    fixture_end(&fixture);
}

static struct same_case {
    const char *name;
    void (*change)(struct whole *w); /* of the second copy */
    uint8_t status;
    uint16_t field;
} same_cases[] = {
    {"F17_the_same_again", nothing, CHEK_STATUS_DUPLICATE, 0},
    {"F18_operation", other_operation, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_OPERATION},
    {"F18_total", other_total, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_TOTAL},
    {"F18_second", other_second, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_TIME},
    {"F18_a_time_without_seconds_is_the_same", no_seconds, CHEK_STATUS_DUPLICATE, 0},
    {"F18_minute", other_minute, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_TIME},
    {"F18_sign", other_sign, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_SIGN},
    {"F18_a_sign_that_one_lacks_is_the_same", no_sign, CHEK_STATUS_DUPLICATE, 0},
    {"F18_payments", other_payments, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_PAYMENTS},
    {"F18_cash_is_compared_net_of_change", payments_net_of_change, CHEK_STATUS_DUPLICATE, 0},
    {"F18_payments_that_one_lacks", no_payments, CHEK_STATUS_DUPLICATE, 0},
    {"F18_tax", other_tax, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_TAXES},
    {"F18_rate", other_rate, CHEK_STATUS_CONFLICT, CHEK_FIELD_RECEIPT_TAXES},
    {"F18_tax_of_the_ticket_is_the_same", tax_of_the_ticket, CHEK_STATUS_DUPLICATE, 0},
    {"F18_tax_of_the_ticket_rounded_apart", tax_of_the_ticket_rounded_apart, CHEK_STATUS_DUPLICATE,
     0},
    {"F18_tax_of_the_ticket_too_far", tax_of_the_ticket_too_far, CHEK_STATUS_CONFLICT,
     CHEK_FIELD_RECEIPT_TAXES},
    {"F18_lines_that_one_lacks", no_lines, CHEK_STATUS_DUPLICATE, 0},
    {"F18_an_operator_is_not_of_the_core", other_operator, CHEK_STATUS_DUPLICATE, 0},
    {"F18_a_name_is_not_of_the_core", other_name, CHEK_STATUS_DUPLICATE, 0},
    {"F18_a_stated_shift_is_not_of_the_core", other_shift, CHEK_STATUS_DUPLICATE, 0},
    {"F19_a_name_more", fuller_name, CHEK_STATUS_COMPLETED, 0},
    {"F19_a_client_more", fuller_client, CHEK_STATUS_COMPLETED, 0},
    {"F19_a_parent_more", fuller_parent, CHEK_STATUS_COMPLETED, 0},
    {"F19_a_marking_more", fuller_marking, CHEK_STATUS_COMPLETED, 0},
    {"F19_a_subject_more", fuller_subject, CHEK_STATUS_COMPLETED, 0},
    {"F19_persons_more", fuller_persons, CHEK_STATUS_COMPLETED, 0},
    {"F19_persons_more_and_another_operator", persons_and_other_operator, CHEK_STATUS_DUPLICATE, 0},
    {"F19_more_but_something_else_differs", fuller_but_other_operator, CHEK_STATUS_DUPLICATE, 0},
    {"F19_more_but_something_lacks", fuller_but_no_sign, CHEK_STATUS_DUPLICATE, 0},
    {"F19_more_but_the_seconds_lack", fuller_without_seconds, CHEK_STATUS_DUPLICATE, 0},
};

static void
test_same(void **state)
{
    const struct same_case *c = *state;
    struct whole first;
    struct whole second;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    whole_make(&first);
    whole_make(&second);
    c->change(&second);
    assert_int_equal(fixture_receipt(&fixture, &first.receipt).status, CHEK_STATUS_STORED);
    struct chek_result result = fixture_receipt(&fixture, &second.receipt);
    assert_int_equal(result.status, c->status);
    assert_string_equal(chek_field_name((uint16_t)result.field), chek_field_name(c->field));
    assert_int_equal(result.shift, 1);
    assert_int_equal(result.ordinal, c->status == CHEK_STATUS_COMPLETED ? 1 : 0);
    assert_int_equal(result.code, c->status == CHEK_STATUS_CONFLICT ? -CHEK_E_CONFLICT : 0);
    /* Whatever it was, it was sold once. */
    assert_int_equal(
        fixture_operation(fixture_report(&fixture, 1, UINT32_MAX).report, CHEK_OPERATION_SELL)
            .tickets,
        1);
    fixture_end(&fixture);
}

/* What a copy says of who buys, when the stored one names a TIN and a name. */
static struct person_case {
    const char *name;
    uint32_t from, count; /* of `persons` */
    uint8_t status;
} person_cases[] = {
    {"F19_persons_in_another_order_are_the_same", 2, 2, CHEK_STATUS_DUPLICATE},
    {"F19_persons_that_lack_are_not_more", 0, 1, CHEK_STATUS_DUPLICATE},
    {"F19_one_person_more_and_one_less", 0, 2, CHEK_STATUS_DUPLICATE},
    {"F19_a_person_more", 0, 3, CHEK_STATUS_COMPLETED},
};

static void
test_persons(void **state)
{
    const struct person_case *c = *state;
    struct whole first;
    struct whole second;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    whole_make(&first);
    whole_make(&second);
    first.receipt.persons = persons + (c->count == 3 ? 0 : 2);
    first.receipt.persons_count = 2;
    second.receipt.persons = persons + c->from;
    second.receipt.persons_count = c->count;
    assert_int_equal(fixture_receipt(&fixture, &first.receipt).status, CHEK_STATUS_STORED);
    assert_int_equal(fixture_receipt(&fixture, &second.receipt).status, c->status);
    fixture_end(&fixture);
}

/* Every change of a row, the other way round: the first copy is the changed one. */
static struct same_case fuller_cases[] = {
    {"F19_lines_are_more", no_lines, CHEK_STATUS_COMPLETED, 0},
    {"F19_payments_are_more", no_payments, CHEK_STATUS_COMPLETED, 0},
    {"F19_a_sign_is_more", no_sign, CHEK_STATUS_COMPLETED, 0},
    {"F19_seconds_are_not_more", no_seconds, CHEK_STATUS_DUPLICATE, 0},
    {"F19_a_shift_is_not_more", nothing, CHEK_STATUS_DUPLICATE, 0},
};

static void
test_fuller(void **state)
{
    const struct same_case *c = *state;
    struct whole first;
    struct whole second;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    whole_make(&first);
    whole_make(&second);
    c->change(&first);
    second.receipt.shift = 1;
    fixture_receipt(&fixture, &first.receipt);
    assert_int_equal(fixture_receipt(&fixture, &second.receipt).status, c->status);

    /* Now it is as if the whole one had come alone. */
    const struct chek_report *report = fixture_report(&fixture, 1, UINT32_MAX).report;
    struct chek_report_operation sell = fixture_operation(report, CHEK_OPERATION_SELL);
    assert_int_equal(sell.tickets, 1);
    assert_int_equal(sell.positions, 2);
    assert_int_equal(sell.gross, 1500);
    assert_int_equal(sell.net, 1400);
    assert_int_equal(sell.payments_count, 2);
    assert_int_equal(report->cash, 900);
    assert_int_equal(report->documents, 1);
    assert_int_equal(report->taxes_count, 1);
    assert_int_equal(report->taxes[0].turnover, 1000);
    assert_int_equal(report->now[0].sum, 1400);
    fixture_end(&fixture);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_same, same_cases);
    TABLE_ROWS(&table, test_fuller, fuller_cases);
    TABLE_ROWS(&table, test_persons, person_cases);
    TABLE_ROWS(&table, test_hours_apart, drive_cases);
    return table_run(&table, "fiscal_sameness");
}
