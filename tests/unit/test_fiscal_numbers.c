/* SPDX-License-Identifier: MIT */
/* test_fiscal_numbers.c - rules F14 and F14a of engine/fiscal/README.md: numbers and holes. */
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

/* ---- F14: documents --------------------------------------------------------------------------- */

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
F14_numbers_lead_to_ordinals(void **state)
{
    (void)state;
    static const uint32_t order[] = {5, 6, 7, 3, 4, 10, 8, 1, 11};
    for (uint32_t i = 0; i < CHEK_COUNT(order); i++) {
        struct chek_result result = fixture_sell(&fixture, order[i], 1, 100);
        assert_int_equal(result.status, CHEK_STATUS_STORED);
        assert_int_equal(result.ordinal, i);
        assert_int_equal(result.warnings, order[i] == 10 ? WARNING(DOCUMENT_GAP) : 0);
    }
    for (uint32_t i = 0; i < CHEK_COUNT(order); i++) {
        assert_int_equal(find(order[i]), i);
        assert_int_equal(fixture_sell(&fixture, order[i], 1, 100).status, CHEK_STATUS_DUPLICATE);
        assert_int_equal(fixture_sell(&fixture, order[i], 1, 101).status, CHEK_STATUS_CONFLICT);
    }
    assert_int_equal(find(2), UINT32_MAX);
    assert_int_equal(find(9), UINT32_MAX);
    assert_int_equal(find(12), UINT32_MAX);
    assert_int_equal(find(0), UINT32_MAX);
}

static void
F14_a_row_of_the_engine_breaks_no_number(void **state)
{
    (void)state;
    fixture_sell(&fixture, 1, 1, 100);
    fixture_sell(&fixture, 2, 2, 100); /* a close of the engine's in between */
    fixture_sell(&fixture, 3, 2, 100);
    assert_int_equal(find(1), 0);
    assert_int_equal(find(2), 2);
    assert_int_equal(find(3), 3);
}

struct gap_list {
    uint32_t count;
    uint32_t gaps[8][2];
};

static void
on_gap(void *context, uint32_t first, uint32_t count)
{
    struct gap_list *list = context;
    list->gaps[list->count][0] = first;
    list->gaps[list->count][1] = count;
    list->count += 1;
}

static void
gaps_list(uint32_t run_count_max, struct gap_list *ret)
{
    uint32_t from = 0;
    *ret = (struct gap_list){0};
    do {
        uint32_t looks = run_count_max;
        assert_error(
            chek_fiscal_gaps(&fixture.fiscal, FIXTURE_REGISTRATION, &from, &looks, on_gap, ret),
            CHEK_OK);
    } while (from != 0);
}

static void
F14_holes_are_what_was_never_sent(void **state)
{
    (void)state;
    static const uint32_t order[] = {5, 6, 20, 8, 9, 21, 11};
    struct gap_list list;
    gaps_list(1, &list);
    assert_int_equal(list.count, 0);
    for (uint32_t i = 0; i < CHEK_COUNT(order); i++) {
        fixture_sell(&fixture, order[i], 1, 100);
    }
    static const uint32_t want[][2] = {{7, 1}, {10, 1}, {12, 8}};
    for (uint32_t run_count_max = 1; run_count_max < 8; run_count_max++) {
        gaps_list(run_count_max, &list);
        assert_int_equal(list.count, CHEK_COUNT(want));
        assert_memory_equal(list.gaps, want, sizeof want);
    }
    uint32_t from = 0;
    uint32_t looks = 1;
    assert_error(chek_fiscal_gaps(&fixture.fiscal, 99, &from, &looks, on_gap, &list),
                 CHEK_E_UNREGISTERED);
}

/* A hole may be filled while somebody is half way through. */
static void
F14_a_hole_that_is_filled_between_steps_is_none(void **state)
{
    (void)state;
    static const uint32_t order[] = {1, 5, 9, 12};
    struct gap_list list = {0};
    uint32_t from = 0;
    uint32_t looks = 2;
    for (uint32_t i = 0; i < CHEK_COUNT(order); i++) {
        fixture_sell(&fixture, order[i], 1, 100);
    }
    assert_error(
        chek_fiscal_gaps(&fixture.fiscal, FIXTURE_REGISTRATION, &from, &looks, on_gap, &list),
        CHEK_OK);
    assert_int_equal(list.count, 1);
    assert_int_equal(from, 6);
    assert_int_equal(looks, 0);
    fixture_sell(&fixture, 6, 1, 100);
    fixture_sell(&fixture, 7, 1, 100);
    fixture_sell(&fixture, 10, 1, 100);
    looks = 9;
    assert_error(
        chek_fiscal_gaps(&fixture.fiscal, FIXTURE_REGISTRATION, &from, &looks, on_gap, &list),
        CHEK_OK);
    static const uint32_t want[][2] = {{2, 3}, {8, 1}, {11, 1}};
    assert_int_equal(from, 0);
    assert_int_equal(list.count, CHEK_COUNT(want));
    assert_memory_equal(list.gaps, want, sizeof want);
}

/* ---- F14a: reports ---------------------------------------------------------------------------- */

static uint8_t
report(uint32_t number)
{
    struct chek_drive_report what = {.kind = 2, .document = number};
    struct chek_result result = fixture_apply(&fixture, FIXTURE_REGISTRATION,
                                              &(struct chek_document){.drive_report = &what});
    assert_int_equal(result.warnings, 0);
    return (uint8_t)result.status;
}

/* A sale whose time says nothing of its number. */
static struct chek_result
sell(uint32_t number)
{
    struct chek_payment payment = {.sum = 100};
    struct chek_receipt receipt = {.time = FIXTURE_DAY,
                                   .document = number,
                                   .total = 100,
                                   .payments = &payment,
                                   .payments_count = 1};
    return fixture_receipt(&fixture, &receipt);
}

/* What comes in which order: a number is a document's, `R` and it is a report's. */
#define R UINT32_C(0x80000000)
#define STEPS_MAX 8
#define HOLES_MAX 4

static struct order_case {
    const char *name;
    uint32_t steps[STEPS_MAX];
    uint32_t holes[HOLES_MAX][2]; /* first, count */
    uint32_t gap;                 /* the document that is marked with a gap; 0: none */
} orders[] = {
    {"F14a_a_drive_from_its_registration_on", {R | 1, R | 2, 3, 4, 5, R | 6, 7}, {{0}}, 0},
    {"F14a_without_its_openings", {3, 4, 7}, {{5, 2}}, 7},
    {"F14a_a_hole_beside_an_opening", {3, 4, R | 6, 7}, {{5, 1}}, 7},
    {"F14a_an_opening_that_comes_late_fills_its_hole", {3, 4, 6, R | 5}, {{0}}, 6},
    {"F14a_the_first_number_is_a_registrations", {R | 1, 4}, {{2, 2}}, 0},
    {"F14a_the_last_number_is_an_openings", {3, 4, R | 7}, {{5, 2}}, 0},
    {"F14a_a_document_that_comes_behind_a_later_opening", {3, R | 6, 5}, {{4, 1}}, 5},
    {"F14a_reports_in_any_order", {1, R | 4, R | 2, R | 3, 5}, {{0}}, 0},
    {"F14a_reports_alone", {R | 5, R | 2}, {{3, 2}}, 0},
    {"F14a_a_report_inside_of_a_run_is_no_hole", {1, 3, 4, R | 2}, {{0}}, 3},
    {"F14a_a_document_under_the_number_of_a_report", {R | 1, R | 2, 2, 3}, {{0}}, 0},
    {"F14a_a_document_inside_of_a_run_of_reports", {R | 1, R | 2, R | 3, 2, 5}, {{4, 1}}, 5},
    {"F14a_the_highest_numbers", {R | 0x7ffffffe, 0x7fffffff}, {{0}}, 0},
};

static void
test_order(void **state)
{
    const struct order_case *c = *state;
    setup(NULL);
    for (uint32_t i = 0; i < STEPS_MAX && c->steps[i] != 0; i++) {
        uint32_t number = c->steps[i] & ~R;
        if ((c->steps[i] & R) != 0) {
            assert_int_equal(report(number), CHEK_STATUS_NOTED);
            assert_int_equal(report(number), CHEK_STATUS_DUPLICATE);
            continue;
        }
        struct chek_result result = sell(number);
        assert_int_equal(result.status, CHEK_STATUS_STORED);
        assert_int_equal(result.warnings & WARNING(DOCUMENT_GAP),
                         number == c->gap ? WARNING(DOCUMENT_GAP) : 0);
        assert_int_equal(report(number), CHEK_STATUS_CONFLICT);
        assert_int_not_equal(find(number), UINT32_MAX);
    }
    for (uint32_t looks = 1; looks < 8; looks++) {
        struct gap_list list;
        gaps_list(looks, &list);
        uint32_t count = 0;
        for (; count < HOLES_MAX && c->holes[count][0] != 0; count++) {
            assert_int_equal(list.gaps[count][0], c->holes[count][0]);
            assert_int_equal(list.gaps[count][1], c->holes[count][1]);
        }
        assert_int_equal(list.count, count);
    }
    assert_true(chek_fiscal_is_valid(&fixture.fiscal));
    teardown(NULL);
}

/* Numbers go to 2^32 - 2; a run that ends there has an end. */
static void
F14a_the_end_of_all_numbers(void **state)
{
    (void)state;
    struct gap_list list;
    assert_int_equal(report(UINT32_MAX - 1), CHEK_STATUS_NOTED);
    assert_int_equal(report(UINT32_MAX - 2), CHEK_STATUS_NOTED);
    assert_int_equal(sell(UINT32_MAX).warnings, 0);
    gaps_list(1, &list);
    assert_int_equal(list.count, 0);
    assert_true(chek_fiscal_is_valid(&fixture.fiscal));
}

/* A report moves nothing, is no row and tells nothing. */
static void
F14a_a_report_is_no_document(void **state)
{
    (void)state;
    fixture_sell(&fixture, 3, 1, 100);
    assert_int_equal(report(4), CHEK_STATUS_NOTED);
    assert_int_equal(fixture.event_count, 0);
    assert_int_equal(chek_fiscal_row_count(&fixture.fiscal, FIXTURE_REGISTRATION), 1);
    assert_int_equal(chek_fiscal_number_last(&fixture.fiscal, FIXTURE_REGISTRATION), 3);
    assert_int_equal(find(4), UINT32_MAX);
    assert_int_equal(fixture_report(&fixture, 1, UINT32_MAX).report->documents, 1);
    assert_int_equal(report(3), CHEK_STATUS_CONFLICT);
    assert_int_equal(fixture.event_count, 1);
    assert_int_equal(fixture.events[0].kind, CHEK_EVENT_KIND_CONFLICT);
    assert_int_equal(fixture.events[0].code, CHEK_FIELD_DRIVE_REPORT_DOCUMENT);
    assert_int_equal(fixture.events[0].document, 3);
}

/* A repeat is known before the log; who would change something or be refused is not one. */
static void
F14a_repeats_are_known_beforehand(void **state)
{
    (void)state;
    struct chek_drive_report what = {.kind = 21, .document = 5};
    struct chek_document document = {.drive_report = &what};
    struct chek_result result = {.ordinal = 77};
    assert_false(chek_fiscal_is_repeat(&fixture.fiscal, FIXTURE_REGISTRATION, &document, &result));
    assert_int_equal(result.ordinal, 77);
    assert_int_equal(report(5), CHEK_STATUS_NOTED);
    assert_true(chek_fiscal_is_repeat(&fixture.fiscal, FIXTURE_REGISTRATION, &document, &result));
    assert_int_equal(result.status, CHEK_STATUS_DUPLICATE);
    fixture_sell(&fixture, 5, 1, 100);
    assert_false(chek_fiscal_is_repeat(&fixture.fiscal, FIXTURE_REGISTRATION, &document, &result));
    assert_false(chek_fiscal_is_repeat(&fixture.fiscal, 99, &document, &result));
}

struct run_list {
    uint32_t count;
    uint32_t runs[4][2];
};

static void
on_run(void *context, uint32_t first, uint32_t count)
{
    struct run_list *list = context;
    assert_true(list->count < CHEK_COUNT(list->runs));
    list->runs[list->count][0] = first;
    list->runs[list->count][1] = count;
    list->count += 1;
}

static void
F14a_noted_numbers_are_listed(void **state)
{
    (void)state;
    struct run_list list = {0};
    static const uint32_t want[][2] = {{1, 3}, {9, 1}};
    report(1);
    report(9);
    report(2);
    report(3);
    fixture_sell(&fixture, 4, 1, 100);
    assert_error(chek_fiscal_noted(&fixture.fiscal, FIXTURE_REGISTRATION, on_run, &list), CHEK_OK);
    assert_int_equal(list.count, CHEK_COUNT(want));
    assert_memory_equal(list.runs, want, sizeof want);
    assert_error(chek_fiscal_noted(&fixture.fiscal, 99, on_run, &list), CHEK_E_UNREGISTERED);
}

int
main(void)
{
    static const struct {
        const char *name;
        CMUnitTestFunction function;
    } tests[] = {
#define ROW(name) {#name, name}
        ROW(F14_numbers_lead_to_ordinals),
        ROW(F14_a_row_of_the_engine_breaks_no_number),
        ROW(F14_holes_are_what_was_never_sent),
        ROW(F14_a_hole_that_is_filled_between_steps_is_none),
        ROW(F14a_the_end_of_all_numbers),
        ROW(F14a_a_report_is_no_document),
        ROW(F14a_repeats_are_known_beforehand),
        ROW(F14a_noted_numbers_are_listed),
#undef ROW
    };
    struct table table = {0};
    for (size_t i = 0; i < CHEK_COUNT(tests); i++) {
        table.tests[table.count++] = (struct CMUnitTest){.name = tests[i].name,
                                                         .test_func = tests[i].function,
                                                         .setup_func = setup,
                                                         .teardown_func = teardown};
    }
    TABLE_ROWS(&table, test_order, orders);
    return table_run(&table, "fiscal_numbers");
}
