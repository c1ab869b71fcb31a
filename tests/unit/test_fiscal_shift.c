/* SPDX-License-Identifier: MIT */
/* test_fiscal_shift.c - rules F11..F13, F15 and F20 of engine/fiscal/README.md. */
#include <stdio.h>

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

static struct chek_result
close_shift(uint32_t document, uint32_t shift, bool withdraw)
{
    struct chek_close close = {
        .time = FIXTURE_DAY + 80000, .document = document, .shift = shift, .withdraw = withdraw};
    return fixture_close(&fixture, &close);
}

static int
report_error(uint32_t shift, uint32_t revision, bool closed_wanted)
{
    struct chek_answer_report answer;
    return chek_fiscal_report(&fixture.fiscal, FIXTURE_REGISTRATION, shift, revision, closed_wanted,
                              &fixture.arena, &answer);
}

static const struct chek_report *
frozen(uint32_t shift)
{
    return fixture_report(&fixture, shift, UINT32_MAX).report;
}

static const struct chek_report *
late(uint32_t shift, uint32_t revision)
{
    return fixture_report(&fixture, shift, revision).late;
}

/* ---- F11: opening ----------------------------------------------------------------------------- */

static void
F11_a_shift_opens_with_its_first_document(void **state)
{
    (void)state;
    struct chek_result result = fixture_sell(&fixture, 1, 5, 100);
    assert_int_equal(result.shift, 5);
    assert_int_equal(result.warnings, 0);
    assert_int_equal(fixture.event_count, 2);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_SHIFT_OPENED);
    assert_int_equal(fixture.events[0].shift, 5);
    assert_int_equal(fixture.events[1].kind, CHEK_EVENT_KIND_RECEIPT);
    assert_int_equal(fixture.events[1].ordinal, 0);
    assert_int_equal(fixture.events[1].total, 100);
    assert_int_equal(frozen(5)->opened, FIXTURE_DAY + 60);
    assert_int_equal(frozen(5)->closed, 0);
}

static void
F11_a_document_without_a_shift_belongs_to_the_open_one(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 5, 100);
    assert_int_equal(fixture_sell(&fixture, 2, 0, 100).shift, 5);
    assert_int_equal(fixture.event_count, 1);
}

static void
F11_a_document_without_a_shift_opens_the_next(void **state)
{
    (void)state;
    assert_int_equal(fixture_sell(&fixture, 1, 0, 100).shift, 1);
    close_shift(2, 0, false);
    assert_int_equal(fixture_sell(&fixture, 3, 0, 100).shift, 2);
}

static void
F11_no_shift_is_after_the_last_number(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, UINT32_MAX, 100);
    close_shift(2, 0, false);
    struct chek_result result = fixture_sell(&fixture, 3, 0, 100);
    assert_int_equal(result.status, CHEK_STATUS_REFUSED);
    assert_int_equal(result.code, -CHEK_E_FULL);
}

/* ---- F12: the engine closes ------------------------------------------------------------------- */

static void
F12_a_document_of_the_next_shift_closes_the_open_one(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    struct chek_result result = fixture_sell(&fixture, 2, 3, 200);
    assert_int_equal(result.ordinal, 2); /* the engine's row took 1 */
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_SHIFT_CLOSED);
    assert_int_equal(fixture.events[0].shift, 1);
    assert_int_equal(fixture.events[0].ordinal, 1);
    assert_int_equal(fixture.events[1].kind, CHEK_EVENT_KIND_SHIFT_OPENED);
    assert_int_equal(fixture.events[2].kind, CHEK_EVENT_KIND_RECEIPT);
    assert_int_equal(frozen(1)->closed, FIXTURE_DAY + 60);
    assert_int_equal(frozen(1)->documents, 1);
    assert_error(report_error(2, UINT32_MAX, false), CHEK_E_NOT_FOUND);
}

static void
F12_the_close_row_holds_the_frozen_report(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    struct chek_answer_report before = fixture_report(&fixture, 0, UINT32_MAX);
    struct chek_report want = *before.report;
    fixture_sell(&fixture, 2, 2, 200);

    struct chek_row row;
    struct chek_document document;
    struct chek_report got;
    assert_error(
        chek_store_read(fixture.store, FIXTURE_REGISTRATION, 1, &fixture.arena, &row, &document),
        CHEK_OK);
    assert_int_equal(row.kind, CHEK_ROW_CLOSE);
    assert_int_equal(row.shift, 1);
    assert_false(row.late);
    assert_int_equal(document.close->shift, 0);
    assert_int_equal(document.close->document, 0);
    assert_error(
        chek_report_decode_whole(row.cell.bytes, row.cell.size, &fixture.arena, &got, NULL),
        CHEK_OK);
    want.closed = got.closed;
    struct chek_bytes_view got_bytes =
        fixture_bytes(&fixture, &(struct chek_answer_report){.report = &got});
    struct chek_bytes_view want_bytes =
        fixture_bytes(&fixture, &(struct chek_answer_report){.report = &want});
    assert_true(chek_bytes_view_equal(got_bytes, want_bytes));
}

/* ---- F13: closes ------------------------------------------------------------------------------ */

static void
F13_a_close_freezes_and_counts_itself(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    struct chek_result result = close_shift(2, 1, false);
    assert_int_equal(result.status, CHEK_STATUS_STORED);
    assert_int_equal(result.ordinal, 1);
    assert_int_equal(fixture.event_count, 1);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_SHIFT_CLOSED);
    assert_int_equal(fixture.events[0].document, 2);
    assert_int_equal(frozen(1)->documents, 2);
    assert_int_equal(frozen(1)->closed, FIXTURE_DAY + 80000);
    assert_int_equal(frozen(1)->last, FIXTURE_DAY + 80000);
    assert_int_equal(frozen(1)->cash, 100);
    assert_error(report_error(0, UINT32_MAX, false), CHEK_E_NOT_FOUND);
}

static void
F13_withdraw_empties_the_drawer_first(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(2, 1, true);
    assert_int_equal(frozen(1)->cash, 0);
    assert_int_equal(frozen(1)->movements_count, 1);
    assert_int_equal(frozen(1)->movements[0].direction, CHEK_DIRECTION_WITHDRAWAL);
    assert_int_equal(frozen(1)->movements[0].count, 1);
    assert_int_equal(frozen(1)->movements[0].sum, 100);
    fixture_sell(&fixture, 3, 2, 7);
    assert_int_equal(frozen(2)->cash, 7);
    assert_int_equal(frozen(2)->cash_start, 0);
}

static void
F13_withdraw_of_an_empty_drawer_books_nothing(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    struct chek_movement out = {
        .time = FIXTURE_DAY + 1, .document = 2, .sum = 100, .direction = CHEK_DIRECTION_WITHDRAWAL};
    fixture_movement(&fixture, &out);
    close_shift(3, 1, true);
    assert_int_equal(frozen(1)->movements[0].count, 1);
    assert_int_equal(frozen(1)->movements[0].sum, 100);
}

static void
F13_withdraw_of_a_negative_drawer_books_nothing(void **state)
{
    (void)state;
    struct chek_movement out = {
        .time = FIXTURE_DAY + 1, .document = 1, .sum = 100, .direction = CHEK_DIRECTION_WITHDRAWAL};
    struct chek_result result = fixture_movement(&fixture, &out);
    assert_int_equal(result.warnings, WARNING(CASH_NEGATIVE));
    close_shift(2, 1, true);
    assert_int_equal(frozen(1)->cash, -100);
    assert_int_equal(frozen(1)->movements[0].count, 1);
}

static void
F13_a_close_without_an_open_shift_makes_an_empty_one(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(2, 1, false);
    struct chek_result result = close_shift(3, 2, false);
    assert_int_equal(result.shift, 2);
    assert_int_equal(fixture.event_count, 2);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_SHIFT_OPENED);
    assert_int_equal(fixture.events[1].kind, CHEK_EVENT_KIND_SHIFT_CLOSED);
    assert_int_equal(frozen(2)->operations_count, 0);
    assert_int_equal(frozen(2)->documents, 1);
    assert_int_equal(frozen(2)->cash, 100);
    assert_int_equal(frozen(2)->start[0].sum, 100);
    assert_int_equal(close_shift(4, 0, false).shift, 3);
}

static void
F13_a_close_of_a_later_shift_closes_both(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(2, 4, false);
    assert_int_equal(frozen(1)->closed, FIXTURE_DAY + 60);
    assert_int_equal(frozen(4)->closed, FIXTURE_DAY + 80000);
}

static void
F13_the_same_close_again_is_a_duplicate(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(2, 1, true);
    struct chek_result result = close_shift(2, 1, true);
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(result.ordinal, 1);
    assert_int_equal(result.shift, 1);
}

static void
F13_the_same_close_by_shift_alone_is_a_duplicate(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(0, 1, true);
    assert_int_equal(close_shift(0, 1, true).status, CHEK_STATUS_DUPLICATE);
}

static void
F13_another_close_of_a_closed_shift_is_a_conflict(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(2, 1, true);
    struct chek_result result = close_shift(3, 1, true);
    assert_int_equal(result.status, CHEK_STATUS_CONFLICT);
    assert_int_equal(result.field, CHEK_FIELD_CLOSE_DOCUMENT);
    assert_int_equal(result.ordinal, 1);
    assert_int_equal(close_shift(2, 1, false).field, CHEK_FIELD_CLOSE_WITHDRAW);
}

/* ---- F15: late -------------------------------------------------------------------------------- */

static void
late_story(void)
{
    fixture_sell(&fixture, 1, 1, 100);
    close_shift(4, 1, false);
    fixture_sell(&fixture, 5, 2, 1000);
}

static void
F15_a_late_document_is_a_revision(void **state)
{
    (void)state;
    late_story();
    struct chek_result result = fixture_sell(&fixture, 2, 1, 20);
    assert_int_equal(result.status, CHEK_STATUS_STORED);
    assert_int_equal(result.shift, 1);
    assert_int_equal(result.warnings, WARNING(LATE));
    assert_int_equal(fixture.event_count, 2);
    assert_int_equal(fixture.events[1].kind, CHEK_EVENT_KIND_LATE);
    assert_int_equal(fixture.events[1].revision, 1);
    assert_int_equal(frozen(1)->revision, 1);
    assert_int_equal(fixture_operation(frozen(1), CHEK_OPERATION_SELL).net, 100);
    assert_int_equal(fixture_operation(late(1, 1), CHEK_OPERATION_SELL).net, 20);
    assert_int_equal(late(1, 1)->revenue, 20);
    assert_int_equal(late(1, 1)->cash, 20);
    assert_int_equal(late(1, 1)->now[0].sum, 20);
    assert_int_equal(late(1, 1)->documents, 1);
    assert_int_equal(late(1, 1)->last, FIXTURE_DAY + 120);
}

static void
F15_drawer_and_non_nullable_sums_move_on_arrival(void **state)
{
    (void)state;
    late_story();
    fixture_sell(&fixture, 2, 1, 20);
    assert_int_equal(frozen(1)->cash, 100);
    assert_int_equal(frozen(1)->now[0].sum, 100);
    assert_int_equal(frozen(2)->cash, 1120);
    assert_int_equal(frozen(2)->now[0].sum, 1120);
    assert_int_equal(frozen(2)->revenue, 1000);
    assert_int_equal(frozen(2)->cash_start, 100);
}

static void
F15a_every_revision_is_readable(void **state)
{
    (void)state;
    late_story();
    for (uint32_t i = 0; i < 40; i++) { /* three chunks of ordinals */
        fixture_sell(&fixture, 6 + i, 1, 1 + i);
    }
    assert_int_equal(frozen(1)->revision, 40);
    assert_null(late(1, 0));
    int64_t sum = 0;
    for (uint32_t i = 0; i < 40; i++) {
        sum += 1 + i;
        const struct chek_report *report = late(1, i + 1);
        assert_int_equal(report->revision, i + 1);
        assert_int_equal(report->revenue, sum);
        assert_int_equal(report->cash, sum);
        assert_int_equal(fixture_operation(report, CHEK_OPERATION_SELL).tickets, i + 1);
    }
    assert_error(report_error(1, 41, false), CHEK_E_NOT_FOUND);
}

static void
F15_a_shift_nobody_saw_gets_an_empty_close(void **state)
{
    (void)state;
    fixture_sell(&fixture, 10, 5, 100);
    struct chek_result result = fixture_sell(&fixture, 1, 3, 20);
    assert_int_equal(result.warnings, WARNING(LATE) | WARNING(SHIFT_UNKNOWN));
    assert_int_equal(result.ordinal, 2);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_SHIFT_CLOSED);
    assert_int_equal(frozen(3)->operations_count, 0);
    assert_int_equal(frozen(3)->cash, 0);
    assert_int_equal(frozen(3)->now_count, 0);
    assert_int_equal(frozen(3)->closed, FIXTURE_DAY + 60);
    assert_int_equal(late(3, 1)->revenue, 20);
    assert_int_equal(fixture_sell(&fixture, 2, 3, 20).warnings, WARNING(LATE));
}

static void
F15_a_close_of_a_shift_nobody_saw_is_its_close(void **state)
{
    (void)state;
    fixture_sell(&fixture, 10, 5, 100);
    struct chek_result result = close_shift(1, 3, true);
    assert_int_equal(result.warnings, WARNING(LATE) | WARNING(SHIFT_UNKNOWN));
    assert_int_equal(frozen(3)->closed, FIXTURE_DAY + 80000);
    assert_int_equal(frozen(3)->revision, 0);
    assert_int_equal(frozen(5)->cash, 100);
    assert_int_equal(close_shift(1, 3, true).status, CHEK_STATUS_DUPLICATE);
}

static void
F15_the_registers_own_close_after_the_engines_is_late(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    fixture_sell(&fixture, 3, 2, 1000);
    struct chek_result result = close_shift(2, 1, true);
    assert_int_equal(result.status, CHEK_STATUS_STORED);
    assert_int_equal(result.warnings, WARNING(LATE));
    assert_int_equal(frozen(1)->revision, 1);
    assert_int_equal(late(1, 1)->cash, 0); /* books nothing */
    assert_int_equal(late(1, 1)->movements_count, 0);
    assert_int_equal(frozen(2)->cash, 1100);
    assert_int_equal(close_shift(2, 1, true).status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(close_shift(0, 1, true).status, CHEK_STATUS_DUPLICATE);
    assert_int_equal(close_shift(9, 1, true).status, CHEK_STATUS_CONFLICT);
}

/* ---- F20: bindings ---------------------------------------------------------------------------- */

static void
F20_a_report_merges_the_points_of_a_shift(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    fixture_register(&fixture, FIXTURE_REGISTRATION, "shop 2");
    assert_true(chek_bytes_view_equal(frozen(1)->point, chek_bytes_view_text("shop 1")));
    fixture_sell(&fixture, 2, 1, 20);
    assert_int_equal(frozen(1)->revenue, 120);
    assert_true(chek_bytes_view_equal(frozen(1)->point, chek_bytes_view_text("shop 2")));
    close_shift(3, 1, false);
    assert_true(chek_bytes_view_equal(frozen(1)->point, chek_bytes_view_text("shop 2")));
    assert_true(chek_bytes_view_equal(chek_fiscal_point(&fixture.fiscal, FIXTURE_REGISTRATION, 0),
                                      chek_bytes_view_text("shop 1")));
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void
report_says_what_is_not_there(void **state)
{
    (void)state;
    struct chek_answer_report answer;
    assert_error(
        chek_fiscal_report(&fixture.fiscal, 99, 0, UINT32_MAX, false, &fixture.arena, &answer),
        CHEK_E_UNREGISTERED);
    assert_error(report_error(0, UINT32_MAX, false), CHEK_E_NOT_FOUND);
    assert_error(report_error(0, UINT32_MAX, true), CHEK_E_NOT_FOUND);
    fixture_sell(&fixture, 1, 1, 100);
    assert_error(report_error(0, 0, false), CHEK_OK);
    assert_error(report_error(1, 1, false), CHEK_E_NOT_FOUND);
    assert_error(report_error(0, UINT32_MAX, true), CHEK_E_SHIFT_OPEN);
    assert_error(report_error(1, UINT32_MAX, true), CHEK_E_SHIFT_OPEN);
    close_shift(2, 1, false);
    assert_error(report_error(0, UINT32_MAX, true), CHEK_OK); /* the last one */
}

static void
report_needs_room_in_the_arena(void **state)
{
    (void)state;
    late_story();
    fixture_sell(&fixture, 2, 1, 20);
    fixture_sell(&fixture, 3, 1, 20);
    bool ok = false;
    for (size_t size = 0; !ok; size += 512) {
        static uint8_t bytes[1 << 20];
        struct chek_arena arena;
        struct chek_answer_report answer = {.present = 77};
        chek_arena_init_over(&arena, bytes, size);
        for (uint32_t shift = 1; shift <= 2; shift++) {
            chek_arena_reset(&arena);
            int error = chek_fiscal_report(&fixture.fiscal, FIXTURE_REGISTRATION, shift,
                                           shift == 1 ? 1 : UINT32_MAX, false, &arena, &answer);
            assert_true(error == CHEK_OK || error == CHEK_E_LIMIT);
            assert_true(error == CHEK_OK || answer.present == 77 || shift == 2);
            ok = error == CHEK_OK;
        }
    }
}

struct shift_list {
    uint32_t count;
    uint32_t stop_at;
    struct chek_shift shifts[8];
};

static bool
on_shift(void *context, const struct chek_shift *shift)
{
    struct shift_list *list = context;
    list->shifts[list->count++] = *shift;
    return list->count != list->stop_at;
}

static struct shift_list
list_shifts(uint32_t first, uint32_t last, uint32_t stop_at)
{
    struct shift_list list = {.stop_at = stop_at};
    assert_error(chek_fiscal_shifts(&fixture.fiscal, FIXTURE_REGISTRATION, first, last,
                                    &fixture.arena, on_shift, &list),
                 CHEK_OK);
    return list;
}

static void
shifts_are_listed_in_order_the_open_one_last(void **state)
{
    (void)state;
    late_story();
    fixture_sell(&fixture, 2, 1, 20);
    fixture_sell(&fixture, 9, 4, 5);
    struct shift_list list = list_shifts(0, 0, 0);
    assert_int_equal(list.count, 3);
    assert_int_equal(list.shifts[0].shift, 1);
    assert_int_equal(list.shifts[0].tickets, 2); /* with what came late */
    assert_int_equal(list.shifts[0].revenue, 120);
    assert_int_equal(list.shifts[0].revision, 1);
    assert_int_equal(list.shifts[0].opened, FIXTURE_DAY + 60);
    assert_int_equal(list.shifts[0].closed, FIXTURE_DAY + 80000);
    assert_int_equal(list.shifts[1].shift, 2);
    assert_int_equal(list.shifts[2].shift, 4);
    assert_int_equal(list.shifts[2].closed, 0);
    assert_int_equal(list_shifts(2, 3, 0).count, 1);
    assert_int_equal(list_shifts(3, 0, 0).count, 1);
    assert_int_equal(list_shifts(0, 0, 2).count, 2);
}

/* A document that asks much of the heap: everything in it is new. */
static void
apply_all_new(uint32_t registration)
{
    static struct chek_tax taxes[CHEK_TAX_COUNT_MAX];
    struct chek_line line = {.sum = 5, .section = chek_bytes_view_text("a long name of a section")};
    for (uint32_t i = 0; i < CHEK_COUNT(taxes); i++) {
        taxes[i] = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT, .rate = i * 1000};
    }
    struct chek_receipt receipt = {.time = FIXTURE_DAY,
                                   .document = 1,
                                   .operator= chek_bytes_view_text("an operator of a long name"),
                                   .total = 5,
                                   .taxes = taxes,
                                   .taxes_count = CHEK_COUNT(taxes),
                                   .lines = &line,
                                   .lines_count = 1};
    struct chek_document document = {.registration = registration, .receipt = &receipt};
    struct chek_result result;
    assert_true(chek_fiscal_apply(&fixture.fiscal, registration, &document, &fixture.circumstance,
                                  &fixture.sink, &result));
    assert_int_equal(result.status, CHEK_STATUS_STORED);
}

static void
ensure_covers_what_apply_takes_from_the_heap(void **state)
{
    (void)state;
    enum { COUNT = 3000 };
    assert_error(chek_fiscal_ensure(&fixture.fiscal, 2 * COUNT, 64 * COUNT), CHEK_OK);
    uint32_t committed = fixture.heap.page_count_committed;
    for (uint32_t i = 0; i < COUNT; i++) {
        struct chek_register_key key = {.value = chek_bytes_view_of(&i, sizeof i)};
        struct chek_register what = {.keys = &key,
                                     .keys_count = 1,
                                     .organisation = chek_bytes_view_text("123456789012"),
                                     .point = chek_bytes_view_text("shop")};
        chek_fiscal_register(&fixture.fiscal, 100 + i, &what, &fixture.circumstance, &fixture.sink);
        apply_all_new(100 + i);
    }
    assert_int_equal(fixture.heap.page_count_committed, committed);
}

int
main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } tests[] = {
#define ROW(name) {#name, name}
        ROW(F11_a_shift_opens_with_its_first_document),
        ROW(F11_a_document_without_a_shift_belongs_to_the_open_one),
        ROW(F11_a_document_without_a_shift_opens_the_next),
        ROW(F11_no_shift_is_after_the_last_number),
        ROW(F12_a_document_of_the_next_shift_closes_the_open_one),
        ROW(F12_the_close_row_holds_the_frozen_report),
        ROW(F13_a_close_freezes_and_counts_itself),
        ROW(F13_withdraw_empties_the_drawer_first),
        ROW(F13_withdraw_of_an_empty_drawer_books_nothing),
        ROW(F13_withdraw_of_a_negative_drawer_books_nothing),
        ROW(F13_a_close_without_an_open_shift_makes_an_empty_one),
        ROW(F13_a_close_of_a_later_shift_closes_both),
        ROW(F13_the_same_close_again_is_a_duplicate),
        ROW(F13_the_same_close_by_shift_alone_is_a_duplicate),
        ROW(F13_another_close_of_a_closed_shift_is_a_conflict),
        ROW(F15_a_late_document_is_a_revision),
        ROW(F15_drawer_and_non_nullable_sums_move_on_arrival),
        ROW(F15a_every_revision_is_readable),
        ROW(F15_a_shift_nobody_saw_gets_an_empty_close),
        ROW(F15_a_close_of_a_shift_nobody_saw_is_its_close),
        ROW(F15_the_registers_own_close_after_the_engines_is_late),
        ROW(F20_a_report_merges_the_points_of_a_shift),
        ROW(report_says_what_is_not_there),
        ROW(report_needs_room_in_the_arena),
        ROW(shifts_are_listed_in_order_the_open_one_last),
        ROW(ensure_covers_what_apply_takes_from_the_heap),
#undef ROW
    };
    struct table table = {0};
    for (size_t i = 0; i < CHEK_COUNT(tests); i++) {
        table.tests[table.count++] = (struct CMUnitTest){.name = tests[i].name,
                                                         .test_func = tests[i].function,
                                                         .setup_func = setup,
                                                         .teardown_func = teardown};
    }
    return table_run(&table, "fiscal_shift");
}
