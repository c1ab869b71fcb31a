/* SPDX-License-Identifier: MIT */
/* test_fiscal_identity.c - rules F16, F17, F19, F21 and F22 of engine/fiscal/README.md: which document
 * keys lead to. */
#include "tests/fiscal/fixture.h"
#include "tests/unit/table.h"
#include "tests/unit/whole_receipt.h"

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
    TABLE_ROWS(&table, test_sign, sign_cases);
    return table_run(&table, "fiscal_identity");
}
