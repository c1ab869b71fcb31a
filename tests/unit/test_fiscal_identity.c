/* SPDX-License-Identifier: MIT */
/* test_fiscal_identity.c - rules F16..F19, F21 and F22 of engine/fiscal/README.md. */
#include "tests/fiscal/fixture.h"
#include "tests/unit/table.h"

#define WARNING(name) (UINT32_C(1) << CHEK_WARNING_##name)

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

/* A receipt that carries a bit of everything; rows change one thing of it. */
struct whole {
    struct chek_line lines[2];
    struct chek_tax line_tax, ticket_tax;
    struct chek_payment payments[2];
    struct chek_modifier discount;
    struct chek_parent parent;
    struct chek_bytes_view marking;
    struct chek_receipt receipt;
};

static void
whole_make(struct whole *w)
{
    *w = (struct whole){0};
    w->line_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 138};
    w->ticket_tax = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 138};
    w->marking = chek_bytes_view_text("0104600439931256215Qbag!");
    w->lines[0] = (struct chek_line){.sum = 1000,
                                     .name = chek_bytes_view_text("bread"),
                                     .taxes = &w->line_tax,
                                     .taxes_count = 1};
    w->lines[1] = (struct chek_line){.sum = 500, .section = chek_bytes_view_text("2")};
    w->payments[0] = (struct chek_payment){.kind = CHEK_PAYMENT_KIND_CASH, .sum = 1200};
    w->payments[1] = (struct chek_payment){.kind = CHEK_PAYMENT_KIND_CARD, .sum = 500};
    w->discount = (struct chek_modifier){.sum = 100};
    w->parent = (struct chek_parent){.document = 5};
    w->receipt = (struct chek_receipt){
        .time = FIXTURE_DAY + 61,
        .document = 1,
        .sign = 0x1234,
        .operator= chek_bytes_view_text("Anna"),
        .total = 1400,
        .change = 300,
        .payments = w->payments,
        .payments_count = 2,
        .lines = w->lines,
        .lines_count = 2,
        .discount = &w->discount,
    };
}

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

static uint32_t
find(uint32_t document)
{
    uint32_t ordinal = UINT32_MAX;
    int error =
        chek_fiscal_find_document(&fixture.fiscal, FIXTURE_REGISTRATION, document, &ordinal);
    assert_true(error == CHEK_OK || (error == CHEK_E_NOT_FOUND && ordinal == UINT32_MAX));
    return ordinal;
}

static void
F17_a_number_of_another_kind_of_document_is_a_conflict(void **state)
{
    (void)state;
    struct chek_movement movement = {.time = FIXTURE_DAY, .document = 1, .sum = 5};
    fixture_movement(&fixture, &movement);
    struct chek_result result = fixture_sell(&fixture, 1, 1, 5);
    assert_int_equal(result.status, CHEK_STATUS_CONFLICT);
    assert_int_equal(result.field, CHEK_FIELD_RECEIPT_DOCUMENT);
    assert_int_equal(fixture.event_count, 1);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_CONFLICT);
    assert_int_equal(fixture.events[0].code, CHEK_FIELD_RECEIPT_DOCUMENT);
    assert_int_equal(fixture.events[0].ordinal, 0);
}

static void
F17_movements_have_a_core(void **state)
{
    (void)state;
    struct chek_movement movement = {.time = FIXTURE_DAY + 5, .document = 1, .sum = 5};
    fixture_movement(&fixture, &movement);
    assert_int_equal(fixture_movement(&fixture, &movement).status, CHEK_STATUS_DUPLICATE);
    movement.sum = 6;
    assert_int_equal(fixture_movement(&fixture, &movement).field, CHEK_FIELD_MOVEMENT_SUM);
    movement.sum = 5;
    movement.direction = CHEK_DIRECTION_WITHDRAWAL;
    assert_int_equal(fixture_movement(&fixture, &movement).field, CHEK_FIELD_MOVEMENT_DIRECTION);
    movement.direction = CHEK_DIRECTION_DEPOSIT;
    movement.operator= chek_bytes_view_text("Anna");
    assert_int_equal(fixture_movement(&fixture, &movement).status, CHEK_STATUS_COMPLETED);
    assert_int_equal(fixture_report(&fixture, 0, UINT32_MAX).report->movements[0].count, 1);
}

/* ---- F16: signs ------------------------------------------------------------------------------- */

static struct sign_case {
    const char *name;
    /* of the second copy, the first has sign 7, no number and the time 10:01:30 */
    uint32_t document;
    uint64_t sign, autonomous;
    int64_t second;
    uint8_t status;
} sign_cases[] = {
    {"F16_same_sign_same_second", 0, 7, 0, 30, CHEK_STATUS_DUPLICATE},
    {"F16_same_sign_without_seconds", 0, 7, 0, 0, CHEK_STATUS_DUPLICATE},
    {"F16_same_sign_another_second", 0, 7, 0, 31, CHEK_STATUS_CONFLICT},
    {"F16_same_sign_another_minute", 0, 7, 0, 60, CHEK_STATUS_STORED},
    {"F16_another_sign", 0, 8, 0, 30, CHEK_STATUS_STORED},
    {"F16_another_kind_of_sign", 0, 0, 7, 30, CHEK_STATUS_STORED},
    {"F16_same_sign_and_a_number_completes", 5, 7, 0, 30, CHEK_STATUS_COMPLETED},
    {"F16_a_number_and_another_sign", 5, 8, 0, 30, CHEK_STATUS_STORED},
};

static void
test_sign(void **state)
{
    const struct sign_case *c = *state;
    fixture_begin(&fixture);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 1");
    struct chek_receipt receipt = {
        .time = FIXTURE_DAY + 36090, .sign = 7, .total = 100, .lines_count = 0};
    assert_int_equal(fixture_receipt(&fixture, &receipt).status, CHEK_STATUS_STORED);
    receipt.document = c->document;
    receipt.sign = c->sign;
    receipt.autonomous = c->autonomous;
    receipt.time = FIXTURE_DAY + 36060 + c->second;
    struct chek_result result = fixture_receipt(&fixture, &receipt);
    assert_int_equal(result.status, c->status);
    if (c->status == CHEK_STATUS_COMPLETED) {
        assert_int_equal(find(c->document), 1);
    }
    fixture_end(&fixture);
}

static void
F16_a_copy_without_a_number_finds_the_one_that_has_it(void **state)
{
    (void)state;
    struct whole w;
    whole_make(&w);
    fixture_receipt(&fixture, &w.receipt);
    struct chek_receipt scanned = {.time = w.receipt.time, .sign = 0x1234, .total = 1400};
    struct chek_result result = fixture_receipt(&fixture, &scanned);
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 0);
    scanned.total = 1401;
    assert_int_equal(fixture_receipt(&fixture, &scanned).status, CHEK_STATUS_CONFLICT);
}

static void
F16_equal_signs_of_two_numbers_are_two_documents(void **state)
{
    (void)state;
    struct whole w;
    whole_make(&w);
    fixture_receipt(&fixture, &w.receipt);
    /* From here on a look by sign is worth while: something without a number is there. */
    struct chek_receipt scanned = {.time = w.receipt.time + 600, .sign = 9, .total = 5};
    fixture_receipt(&fixture, &scanned);
    w.receipt.document = 2;
    assert_int_equal(fixture_receipt(&fixture, &w.receipt).status, CHEK_STATUS_STORED);
}

static void
F16_an_autonomous_sign_is_of_its_kind_of_document(void **state)
{
    (void)state;
    struct chek_receipt receipt = {.time = FIXTURE_DAY, .autonomous = 7, .total = 100};
    struct chek_movement movement = {.time = FIXTURE_DAY, .autonomous = 7, .sum = 100};
    assert_int_equal(fixture_receipt(&fixture, &receipt).status, CHEK_STATUS_STORED);
    assert_int_equal(fixture_movement(&fixture, &movement).status, CHEK_STATUS_STORED);
    assert_int_equal(fixture_receipt(&fixture, &receipt).status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(fixture_movement(&fixture, &movement).status, CHEK_STATUS_DUPLICATE);
}

static void
F16_a_close_is_known_by_its_sign(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    struct chek_close close = {.time = FIXTURE_DAY + 80000, .sign = 99};
    assert_int_equal(fixture_close(&fixture, &close).status, CHEK_STATUS_STORED);
    struct chek_result result = fixture_close(&fixture, &close);
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.shift, 1);
}

/* ---- F19: fuller copies ----------------------------------------------------------------------- */

static void
F19_a_look_up_follows_to_the_copy_that_stands(void **state)
{
    (void)state;
    struct whole w;
    whole_make(&w);
    struct chek_receipt poor = w.receipt;
    poor.lines_count = 0;
    poor.payments_count = 0;
    poor.change = 0;
    fixture_receipt(&fixture, &poor);
    struct chek_receipt middle = w.receipt;
    middle.lines_count = 0;
    assert_int_equal(fixture_receipt(&fixture, &middle).ordinal, 1);
    struct chek_result result = fixture_receipt(&fixture, &w.receipt);
    assert_int_equal(result.status, CHEK_STATUS_COMPLETED);
    assert_int_equal(result.ordinal, 2);
    assert_int_equal(fixture.event_count, 1);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_COMPLETED);
    assert_int_equal(fixture.events[0].revision, 0);
    assert_int_equal(find(1), 2);
    uint32_t ordinal;
    assert_error(chek_fiscal_newest_copy(&fixture.fiscal, FIXTURE_REGISTRATION, 0, &ordinal),
                 CHEK_OK);
    assert_int_equal(ordinal, 2);
    assert_error(chek_fiscal_newest_copy(&fixture.fiscal, FIXTURE_REGISTRATION, 3, &ordinal),
                 CHEK_E_NOT_FOUND);

    struct chek_row row;
    struct chek_document document;
    assert_error(
        chek_store_read(fixture.store, FIXTURE_REGISTRATION, 1, &fixture.arena, &row, &document),
        CHEK_OK);
    assert_true(row.replaced);
    assert_int_equal(row.completes, 1);
    assert_int_equal(fixture_receipt(&fixture, &poor).ordinal, 2);
}

static void
F19_a_fuller_copy_of_a_closed_shift_is_a_revision(void **state)
{
    (void)state;
    struct whole w;
    whole_make(&w);
    struct chek_receipt poor = w.receipt;
    poor.payments_count = 0;
    poor.change = 0;
    poor.lines_count = 0;
    fixture_receipt(&fixture, &poor);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 2");
    fixture_sell(&fixture, 2, 2, 5);
    struct chek_result result = fixture_receipt(&fixture, &w.receipt);
    assert_int_equal(result.status, CHEK_STATUS_COMPLETED);
    assert_int_equal(result.shift, 1);
    assert_int_equal(result.warnings, WARNING(LATE));
    assert_int_equal(fixture.events[0].revision, 1);

    struct chek_answer_report answer = fixture_report(&fixture, 1, UINT32_MAX);
    struct chek_report_operation before = fixture_operation(answer.report, CHEK_OPERATION_SELL);
    struct chek_report_operation after = fixture_operation(answer.late, CHEK_OPERATION_SELL);
    assert_int_equal(before.tickets, 1);
    assert_int_equal(before.positions, 0);
    assert_int_equal(after.tickets, 0);
    assert_int_equal(after.net, 0);
    assert_int_equal(after.positions, 2);
    assert_int_equal(after.gross, 1500);
    assert_int_equal(after.payments[0].sum, 1200);
    assert_int_equal(answer.late->cash, 900);
    assert_int_equal(answer.late->now_count, 0);
    assert_int_equal(answer.late->operators_count, 0); /* the same ticket of the same operator */
    assert_true(chek_bytes_view_equal(answer.late->point, chek_bytes_view_text("shop 1")));
    assert_int_equal(fixture_report(&fixture, 2, UINT32_MAX).report->cash, 905);
}

/* ---- F21, F22: registrations ------------------------------------------------------------------ */

static void
F22_what_is_told_again_updates_names_and_adds_keys(void **state)
{
    (void)state;
    struct chek_register_key keys[] = {
        {.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER, .value = chek_bytes_view_text("600000000007")},
        {.kind = CHEK_KEY_KIND_DEVICE, .value = chek_bytes_view_text("42")},
    };
    struct chek_register what = {
        .keys = keys,
        .keys_count = 2,
        .organisation = chek_bytes_view_text("another"),
        .organisation_name = chek_bytes_view_text("TOO Nan"),
        .point_name = chek_bytes_view_text("Corner shop"),
        .address = chek_bytes_view_text("Abay 1"),
        .currency = 643,
        .zone_minutes = -300,
    };
    chek_fiscal_register(&fixture.fiscal, FIXTURE_REGISTRATION, &what, &fixture.circumstance,
                         &fixture.sink);
    struct chek_registered got;
    assert_error(
        chek_fiscal_registration(&fixture.fiscal, FIXTURE_REGISTRATION, &fixture.arena, &got),
        CHEK_OK);
    const struct chek_register *profile = got.profile;
    assert_int_equal(profile->keys_count, 2);
    assert_int_equal(profile->keys[1].kind, CHEK_KEY_KIND_DEVICE);
    assert_true(chek_bytes_view_equal(profile->organisation, chek_bytes_view_text("123456789012")));
    assert_int_equal(profile->currency, 398);
    assert_true(chek_bytes_view_equal(profile->organisation_name, what.organisation_name));
    assert_true(chek_bytes_view_equal(profile->point, chek_bytes_view_text("shop 1")));
    assert_true(chek_bytes_view_equal(profile->point_name, what.point_name));
    assert_true(chek_bytes_view_equal(profile->address, what.address));
    assert_int_equal(profile->zone_minutes, -300);
    assert_error(chek_fiscal_registration(&fixture.fiscal, 99, &fixture.arena, &got),
                 CHEK_E_UNREGISTERED);
}

static void
F22_a_key_leads_to_the_newest_registration(void **state)
{
    (void)state;
    struct chek_register_key key = {.kind = CHEK_KEY_KIND_DEVICE,
                                    .value = chek_bytes_view_text("42")};
    struct chek_register what = {
        .keys = &key, .keys_count = 1, .organisation = chek_bytes_view_text("1")};
    uint32_t found = 0;
    assert_error(chek_fiscal_find_key(&fixture.fiscal, key.kind, key.value, &found),
                 CHEK_E_NOT_FOUND);
    for (uint32_t id = 20; id < 23; id++) {
        chek_fiscal_register(&fixture.fiscal, id, &what, &fixture.circumstance, &fixture.sink);
    }
    assert_error(chek_fiscal_find_key(&fixture.fiscal, key.kind, key.value, &found), CHEK_OK);
    assert_int_equal(found, 22);
    assert_error(chek_fiscal_find_key(&fixture.fiscal, CHEK_KEY_KIND_NAME, key.value, &found),
                 CHEK_E_NOT_FOUND);
}

static void
F22_registrations_are_walked_in_their_order(void **state)
{
    (void)state;
    fixture_register(&fixture, 3, "a");
    assert_int_equal(fixture.event_count, 1);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_REGISTERED);
    fixture_register(&fixture, 5, "a");
    fixture_register(&fixture, 3, "b");
    assert_int_equal(fixture.event_count, 0);
    uint32_t id = 0;
    assert_true(chek_fiscal_registration_next(&fixture.fiscal, &id, true));
    assert_int_equal(id, FIXTURE_REGISTRATION);
    assert_true(chek_fiscal_registration_next(&fixture.fiscal, &id, false));
    assert_int_equal(id, 3);
    assert_true(chek_fiscal_registration_next(&fixture.fiscal, &id, false));
    assert_int_equal(id, 5);
    assert_false(chek_fiscal_registration_next(&fixture.fiscal, &id, false));
    assert_true(chek_fiscal_is_registered(&fixture.fiscal, 3));
    assert_false(chek_fiscal_is_registered(&fixture.fiscal, 4));
}

int
main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } tests[] = {
#define ROW(name) {#name, name}
        ROW(F16_a_copy_without_a_number_finds_the_one_that_has_it),
        ROW(F16_equal_signs_of_two_numbers_are_two_documents),
        ROW(F16_an_autonomous_sign_is_of_its_kind_of_document),
        ROW(F16_a_close_is_known_by_its_sign),
        ROW(F17_a_number_of_another_kind_of_document_is_a_conflict),
        ROW(F17_movements_have_a_core),
        ROW(F19_a_look_up_follows_to_the_copy_that_stands),
        ROW(F19_a_fuller_copy_of_a_closed_shift_is_a_revision),
        ROW(F22_what_is_told_again_updates_names_and_adds_keys),
        ROW(F22_a_key_leads_to_the_newest_registration),
        ROW(F22_registrations_are_walked_in_their_order),
#undef ROW
    };
    struct table table = {0};
    for (size_t i = 0; i < CHEK_COUNT(tests); i++) {
        table.tests[table.count++] = (struct CMUnitTest){.name = tests[i].name,
                                                         .test_func = tests[i].function,
                                                         .setup_func = setup,
                                                         .teardown_func = teardown};
    }
    TABLE_ROWS(&table, test_same, same_cases);
    TABLE_ROWS(&table, test_fuller, fuller_cases);
    TABLE_ROWS(&table, test_persons, person_cases);
    TABLE_ROWS(&table, test_hours_apart, drive_cases);
    TABLE_ROWS(&table, test_sign, sign_cases);
    return table_run(&table, "fiscal_identity");
}
