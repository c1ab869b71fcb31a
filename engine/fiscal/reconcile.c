/* SPDX-License-Identifier: MIT */
/*
 * reconcile.c - two reports of one shift, figure by figure. (F24)
 *
 * Lists are compared as sets of rows: a row that one side has and the other has not is one of zeros
 * there. Rows of the stated report are looked at first, then those that only the engine has.
 */
#include "engine/fiscal/reconcile.h"

#include "engine/base/limits.h"

/* A comparison under way; `at` says what the figures belong to. */
struct comparison {
    chek_difference_fn on_difference;
    void *context;
    struct chek_difference at;
};

static void
tell(struct comparison *comparison, uint32_t field, chek_i128 stated, chek_i128 counted)
{
    struct chek_difference difference = comparison->at;
    difference.field = field;
    difference.stated = stated;
    difference.counted = counted;
    comparison->on_difference(comparison->context, &difference);
}

static void
compare(struct comparison *comparison, uint32_t field, chek_i128 stated, chek_i128 counted)
{
    if (stated != counted) {
        tell(comparison, field, stated, counted);
    }
}

/* A sum: some registers' protocols have no sign, and show what is below zero without it. */
static void
compare_sum(struct comparison *comparison, uint32_t field, chek_i128 stated, chek_i128 counted)
{
    if (counted >= 0 || stated != -counted) {
        compare(comparison, field, stated, counted);
    }
}

/* A figure that old registers leave away. */
static void
compare_said(struct comparison *comparison, uint32_t field, chek_i128 stated, chek_i128 counted)
{
    if (stated != 0) {
        compare_sum(comparison, field, stated, counted);
    }
}

/* ---- operations ------------------------------------------------------------------------------- */

static struct chek_report_payment
payment_of(const struct chek_report_operation *from, uint8_t kind)
{
    for (uint32_t i = 0; i < from->payments_count; i++) {
        if (from->payments[i].kind == kind) {
            return from->payments[i];
        }
    }
    return (struct chek_report_payment){.kind = kind};
}

static void
payments_compare(struct comparison *comparison, const struct chek_report_operation *stated,
                 const struct chek_report_operation *counted)
{
    for (uint8_t kind = 0; kind < CHEK_PAYMENT_KIND_COUNT; kind++) {
        struct chek_report_payment left = payment_of(stated, kind);
        struct chek_report_payment right = payment_of(counted, kind);
        comparison->at.kind = kind + 1u;
        if (left.count != 0 || left.sum == 0) {
            compare(comparison, CHEK_FIELD_REPORT_PAYMENT_COUNT, left.count, right.count);
        }
        compare_sum(comparison, CHEK_FIELD_REPORT_PAYMENT_SUM, left.sum, right.sum);
    }
    comparison->at.kind = 0;
}

/* A count and a sum of one field: the count is told as kind 1. */
static void
sums_compare(struct comparison *comparison, uint32_t field, const struct chek_sums *stated,
             const struct chek_sums *counted)
{
    static const struct chek_sums nothing;
    stated = stated != NULL ? stated : &nothing;
    counted = counted != NULL ? counted : &nothing;
    compare_sum(comparison, field, stated->sum, counted->sum);
    comparison->at.kind = 1;
    compare(comparison, field, stated->count, counted->count);
    comparison->at.kind = 0;
}

static struct chek_report_operation
operation_of(const struct chek_report *from, uint8_t operation)
{
    for (uint32_t i = 0; i < from->operations_count; i++) {
        if (from->operations[i].operation == operation) {
            return from->operations[i];
        }
    }
    return (struct chek_report_operation){.operation = operation};
}

/* What counters say of an operation: no counts of payments. (F24b) */
static void
counted_compare(struct comparison *comparison, const struct chek_report_operation *stated,
                const struct chek_report_operation *counted)
{
    compare(comparison, CHEK_FIELD_REPORT_OPERATION_TICKETS, stated->tickets, counted->tickets);
    compare(comparison, CHEK_FIELD_REPORT_OPERATION_NET, stated->net, counted->net);
    for (uint8_t kind = 0; kind < CHEK_PAYMENT_KIND_COUNT; kind++) {
        comparison->at.kind = kind + 1u;
        compare(comparison, CHEK_FIELD_REPORT_PAYMENT_SUM, payment_of(stated, kind).sum,
                payment_of(counted, kind).sum);
    }
    comparison->at.kind = 0;
}

static void
operations_compare(struct comparison *comparison, const struct chek_report *stated,
                   const struct chek_report *counted)
{
    for (uint8_t operation = 0; operation < CHEK_OPERATION_COUNT; operation++) {
        struct chek_report_operation left = operation_of(stated, operation);
        struct chek_report_operation right = operation_of(counted, operation);
        comparison->at.operation = operation;
        if (stated->counters_only) {
            counted_compare(comparison, &left, &right);
            continue;
        }
        compare(comparison, CHEK_FIELD_REPORT_OPERATION_TICKETS, left.tickets, right.tickets);
        compare(comparison, CHEK_FIELD_REPORT_OPERATION_POSITIONS, left.positions, right.positions);
        compare_sum(comparison, CHEK_FIELD_REPORT_OPERATION_GROSS, left.gross, right.gross);
        compare_sum(comparison, CHEK_FIELD_REPORT_OPERATION_NET, left.net, right.net);
        payments_compare(comparison, &left, &right);
        sums_compare(comparison, CHEK_FIELD_REPORT_OPERATION_DISCOUNTS, left.discounts,
                     right.discounts);
        sums_compare(comparison, CHEK_FIELD_REPORT_OPERATION_MARKUPS, left.markups, right.markups);
        compare_sum(comparison, CHEK_FIELD_REPORT_OPERATION_TICKET_DISCOUNT, left.ticket_discount,
                    right.ticket_discount);
        compare_sum(comparison, CHEK_FIELD_REPORT_OPERATION_TICKET_MARKUP, left.ticket_markup,
                    right.ticket_markup);
        compare_sum(comparison, CHEK_FIELD_REPORT_OPERATION_CHANGE, left.change, right.change);
        compare(comparison, CHEK_FIELD_REPORT_OPERATION_OFFLINE, left.offline, right.offline);
    }
    comparison->at.operation = 0;
}

/* ---- sections, operators ---------------------------------------------------------------------- */

/* Rows of a section or an operator. */
struct row_list {
    const struct chek_report_row *rows;
    uint32_t count;
};

static const struct chek_report_row *
row_find(struct row_list list, const struct chek_report_row *like)
{
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.rows[i].operation == like->operation && list.rows[i].other == like->other &&
            chek_bytes_view_equal(list.rows[i].key, like->key)) {
            return &list.rows[i];
        }
    }
    return NULL;
}

static bool
has_other(struct row_list list)
{
    for (uint32_t i = 0; i < list.count; i++) {
        if (list.rows[i].other) {
            return true;
        }
    }
    return false;
}

static void
row_compare(struct comparison *comparison, const struct chek_report_row *stated,
            const struct chek_report_row *counted)
{
    static const struct chek_report_row nothing;
    const struct chek_report_row *any = stated != NULL ? stated : counted;
    comparison->at.operation = any->operation;
    comparison->at.key = any->key;
    stated = stated != NULL ? stated : &nothing;
    counted = counted != NULL ? counted : &nothing;
    compare(comparison, CHEK_FIELD_REPORT_ROW_COUNT, stated->count, counted->count);
    compare_sum(comparison, CHEK_FIELD_REPORT_ROW_SUM, stated->sum, counted->sum);
    comparison->at = (struct chek_difference){0};
}

/* Not when nothing is stated, nor when one side has run out of rows: then keys are in OTHER. */
static void
rows_compare(struct comparison *comparison, struct row_list stated, struct row_list counted)
{
    if (stated.count == 0 || has_other(stated) || has_other(counted)) {
        return;
    }
    for (uint32_t i = 0; i < stated.count; i++) {
        row_compare(comparison, &stated.rows[i], row_find(counted, &stated.rows[i]));
    }
    for (uint32_t i = 0; i < counted.count; i++) {
        if (row_find(stated, &counted.rows[i]) == NULL) {
            row_compare(comparison, NULL, &counted.rows[i]);
        }
    }
}

/* ---- taxes ------------------------------------------------------------------------------------ */

static const struct chek_report_tax *
tax_find(const struct chek_report *report, const struct chek_report_tax *like)
{
    for (uint32_t i = 0; i < report->taxes_count; i++) {
        const struct chek_report_tax *tax = &report->taxes[i];
        if (tax->kind == like->kind && tax->rate == like->rate &&
            tax->operation == like->operation && !tax->other) {
            return tax;
        }
    }
    return NULL;
}

static void
tax_compare(struct comparison *comparison, const struct chek_report_tax *stated,
            const struct chek_report_tax *counted)
{
    static const struct chek_report_tax nothing;
    const struct chek_report_tax *any = stated != NULL ? stated : counted;
    comparison->at.operation = any->operation;
    comparison->at.kind = any->kind + 1u;
    comparison->at.rate = any->rate;
    stated = stated != NULL ? stated : &nothing;
    counted = counted != NULL ? counted : &nothing;
    compare_sum(comparison, CHEK_FIELD_REPORT_TAX_TURNOVER, stated->turnover, counted->turnover);
    compare_said(comparison, CHEK_FIELD_REPORT_TAX_TURNOVER_WITHOUT_TAX,
                 stated->turnover_without_tax, counted->turnover_without_tax);
    compare_sum(comparison, CHEK_FIELD_REPORT_TAX_SUM, stated->sum, counted->sum);
    comparison->at = (struct chek_difference){0};
}

/* What no tax is on need not be stated. */
static void
taxes_compare(struct comparison *comparison, const struct chek_report *stated,
              const struct chek_report *counted)
{
    for (uint32_t i = 0; i < stated->taxes_count; i++) {
        if (!stated->taxes[i].other) {
            tax_compare(comparison, &stated->taxes[i], tax_find(counted, &stated->taxes[i]));
        }
    }
    for (uint32_t i = 0; i < counted->taxes_count; i++) {
        const struct chek_report_tax *tax = &counted->taxes[i];
        if (tax->kind != CHEK_TAX_KIND_NONE && !tax->other && tax_find(stated, tax) == NULL) {
            tax_compare(comparison, NULL, tax);
        }
    }
}

/* What counters say of taxes: sums of some rates. (F24b) */
static void
counted_taxes_compare(struct comparison *comparison, const struct chek_report *stated,
                      const struct chek_report *counted)
{
    for (uint32_t i = 0; i < stated->taxes_count; i++) {
        const struct chek_report_tax *tax = &stated->taxes[i];
        const struct chek_report_tax *found = tax_find(counted, tax);
        comparison->at.operation = tax->operation;
        comparison->at.kind = tax->kind + 1u;
        comparison->at.rate = tax->rate;
        compare(comparison, CHEK_FIELD_REPORT_TAX_SUM, tax->sum, found != NULL ? found->sum : 0);
        comparison->at = (struct chek_difference){0};
    }
}

/* ---- the rest --------------------------------------------------------------------------------- */

static struct chek_report_movement
movement_of(const struct chek_report *from, uint8_t direction)
{
    for (uint32_t i = 0; i < from->movements_count; i++) {
        if (from->movements[i].direction == direction) {
            return from->movements[i];
        }
    }
    return (struct chek_report_movement){.direction = direction};
}

static void
movements_compare(struct comparison *comparison, const struct chek_report *stated,
                  const struct chek_report *counted)
{
    for (uint8_t direction = 0; direction < CHEK_DIRECTION_COUNT; direction++) {
        struct chek_report_movement left = movement_of(stated, direction);
        struct chek_report_movement right = movement_of(counted, direction);
        comparison->at.kind = direction + 1u;
        compare(comparison, CHEK_FIELD_REPORT_MOVEMENT_COUNT, left.count, right.count);
        compare(comparison, CHEK_FIELD_REPORT_MOVEMENT_OFFLINE, left.offline, right.offline);
        compare(comparison, CHEK_FIELD_REPORT_MOVEMENT_SUM, left.sum, right.sum);
    }
    comparison->at.kind = 0;
}

static chek_i128
counter_of(const struct chek_report_counter *list, uint32_t count, uint8_t operation)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i].operation == operation) {
            return list[i].sum;
        }
    }
    return 0;
}

/* Sums that outlive shifts, of those reports that have them. */
static void
counters_compare(struct comparison *comparison, const struct chek_report *stated,
                 const struct chek_report *counted)
{
    for (uint8_t operation = 0; operation < CHEK_OPERATION_COUNT; operation++) {
        comparison->at.operation = operation;
        if (stated->start_count != 0) {
            compare(comparison, CHEK_FIELD_REPORT_START,
                    counter_of(stated->start, stated->start_count, operation),
                    counter_of(counted->start, counted->start_count, operation));
        }
        if (stated->now_count != 0) {
            compare(comparison, CHEK_FIELD_REPORT_NOW,
                    counter_of(stated->now, stated->now_count, operation),
                    counter_of(counted->now, counted->now_count, operation));
        }
    }
    comparison->at.operation = 0;
}

void
chek_report_reconcile(const struct chek_report *stated, const struct chek_report *counted,
                      chek_difference_fn on_difference, void *context)
{
    struct comparison comparison = {.on_difference = on_difference, .context = context};
    /* Counters of a drive's life alone say nothing of operations. */
    if (!stated->counters_only || stated->operations_count != 0) {
        operations_compare(&comparison, stated, counted);
    }
    if (stated->counters_only) {
        counted_taxes_compare(&comparison, stated, counted);
        counters_compare(&comparison, stated, counted);
        return;
    }
    rows_compare(&comparison, (struct row_list){stated->sections, stated->sections_count},
                 (struct row_list){counted->sections, counted->sections_count});
    rows_compare(&comparison, (struct row_list){stated->operators, stated->operators_count},
                 (struct row_list){counted->operators, counted->operators_count});
    taxes_compare(&comparison, stated, counted);
    movements_compare(&comparison, stated, counted);
    if (stated->shift != 0) {
        compare(&comparison, CHEK_FIELD_REPORT_SHIFT, stated->shift, counted->shift);
    }
    /* A drawer that owes money is shown as an empty one where there is no sign. */
    if (counted->cash >= 0 || stated->cash != 0) {
        compare(&comparison, CHEK_FIELD_REPORT_CASH, stated->cash, counted->cash);
    }
    compare(&comparison, CHEK_FIELD_REPORT_REVENUE, stated->revenue, counted->revenue);
    counters_compare(&comparison, stated, counted);
}

int
chek_figures_reconcile(struct chek_bytes_view figures, const struct chek_report *counted,
                       struct chek_arena *arena, chek_difference_fn on_difference, void *context)
{
    struct chek_report stated;
    struct chek_fault fault;
    int error = chek_report_decode_whole(figures.bytes, figures.size, arena, &stated, &fault);
    if (error == CHEK_E_LIMIT) {
        return error;
    }
    if (error != CHEK_OK) {
        struct comparison comparison = {.on_difference = on_difference, .context = context};
        tell(&comparison, CHEK_FIELD_CLOSE_FIGURES, 0, 0);
        return CHEK_OK;
    }
    chek_report_reconcile(&stated, counted, on_difference, context);
    return CHEK_OK;
}
