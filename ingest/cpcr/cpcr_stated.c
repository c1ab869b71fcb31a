/* SPDX-License-Identifier: MIT */
/*
 * cpcr_stated.c - the Z that a register made itself, as a report. (R53)
 *
 * Nothing in it is refused: the figures are kept to be compared. What the engine's report has no
 * place for (lifetime counts, `total_result`, a checksum) is left away, and so is a list that could
 * not be compared: of too many rows, or with longer keys than the engine keeps.
 */
#include "engine/base/limits.h"
#include "ingest/cpcr/cpcr_document.h"

#define MINOR 100
#define TAX_TYPE_VAT 100
#define SECTION_SIZE_MAX 64 /* of report_row.key */
#define ROW_COUNT_MAX 2048  /* of report.sections */
#define TAX_COUNT_MAX 512
#define FIGURES_SIZE_MAX 65536 /* of close.figures */

static int64_t
amount_of(const Ingest__Money *money)
{
    if (money == NULL) {
        return 0;
    }
    /* What fits no sum of the engine is a difference, whatever it is. */
    if (money->bills >= INT64_MAX / MINOR - UINT32_MAX) {
        return INT64_MAX;
    }
    return (int64_t)money->bills * MINOR + money->coins;
}

/* ---- operations ------------------------------------------------------------------------------- */

/* Room for what is known of each operation; all of them are made, those without anything too. */
struct operations {
    struct chek_report_operation list[CHEK_OPERATION_COUNT];
    struct chek_sums discounts[CHEK_OPERATION_COUNT], markups[CHEK_OPERATION_COUNT];
    struct chek_report_payment payments[CHEK_OPERATION_COUNT][CHEK_PAYMENT_KIND_COUNT];
};

static void
sums_add(Ingest__ReportOperation *const *rows, size_t count, struct chek_sums *to)
{
    for (size_t i = 0; i < count; i++) {
        struct chek_sums *sums = &to[ingest__cpcr_operation(rows[i]->operation)];
        sums->count = rows[i]->count;
        sums->sum = amount_of(rows[i]->sum);
    }
}

static void
ticket_operation_add(const Ingest__TicketOperation *from, struct operations *to)
{
    uint8_t operation = ingest__cpcr_operation(from->operation);
    struct chek_report_operation *made = &to->list[operation];
    made->tickets = from->tickets_count;
    made->net = amount_of(from->tickets_sum);
    made->ticket_discount = amount_of(from->discount_sum);
    made->ticket_markup = amount_of(from->markup_sum);
    made->change = amount_of(from->change_sum);
    made->offline = from->offline_count;
    for (size_t i = 0; i < from->n_payments; i++) {
        uint8_t kind = ingest__cpcr_payment(from->payments[i]->payment);
        to->payments[operation][kind].count = from->payments[i]->count;
        to->payments[operation][kind].sum = amount_of(from->payments[i]->sum);
    }
}

static bool
operations_make(const Ingest__ZxReport *from, struct chek_arena *arena, struct chek_report *ret)
{
    struct chek_sums positions[CHEK_OPERATION_COUNT] = {0};
    struct operations *to = chek_arena_take(arena, sizeof *to);
    if (to == NULL) {
        return false;
    }
    *to = (struct operations){0};
    sums_add(from->operations, from->n_operations, positions);
    sums_add(from->discounts, from->n_discounts, to->discounts);
    sums_add(from->markups, from->n_markups, to->markups);
    for (size_t i = 0; i < from->n_ticket_operations; i++) {
        ticket_operation_add(from->ticket_operations[i], to);
    }
    for (uint8_t i = 0; i < CHEK_OPERATION_COUNT; i++) {
        to->list[i].operation = i;
        to->list[i].positions = positions[i].count;
        to->list[i].gross = positions[i].sum;
        to->list[i].discounts = &to->discounts[i];
        to->list[i].markups = &to->markups[i];
        to->list[i].payments = to->payments[i];
        to->list[i].payments_count = CHEK_PAYMENT_KIND_COUNT;
        for (uint8_t kind = 0; kind < CHEK_PAYMENT_KIND_COUNT; kind++) {
            to->payments[i][kind].kind = kind;
        }
    }
    ret->operations = to->list;
    ret->operations_count = CHEK_OPERATION_COUNT;
    return true;
}

/* ---- sections, taxes -------------------------------------------------------------------------- */

static size_t
section_rows(const Ingest__ZxReport *from)
{
    size_t count = 0;
    for (size_t i = 0; i < from->n_sections; i++) {
        if (from->sections[i]->section_code.len > SECTION_SIZE_MAX) {
            return 0;
        }
        count += from->sections[i]->n_operations;
    }
    return count <= ROW_COUNT_MAX ? count : 0;
}

static bool
sections_make(const Ingest__ZxReport *from, struct chek_arena *arena, struct chek_report *ret)
{
    size_t count = section_rows(from);
    struct chek_report_row *rows = chek_arena_take(arena, (count + 1) * sizeof *rows);
    if (rows == NULL) {
        return false;
    }
    ret->sections = rows;
    for (size_t i = 0; count != 0 && i < from->n_sections; i++) {
        const Ingest__ReportSection *section = from->sections[i];
        for (size_t j = 0; j < section->n_operations; j++) {
            const Ingest__ReportOperation *operation = section->operations[j];
            rows[ret->sections_count++] =
                (struct chek_report_row){.key = ingest__cpcr_view(section->section_code),
                                         .operation = ingest__cpcr_operation(operation->operation),
                                         .count = operation->count,
                                         .sum = amount_of(operation->sum)};
        }
    }
    return true;
}

static bool
taxes_make(const Ingest__ZxReport *from, struct chek_arena *arena, struct chek_report *ret)
{
    size_t count = 0;
    for (size_t i = 0; i < from->n_taxes; i++) {
        count += from->taxes[i]->n_operations;
    }
    count = count <= TAX_COUNT_MAX ? count : TAX_COUNT_MAX;
    struct chek_report_tax *taxes = chek_arena_take(arena, (count + 1) * sizeof *taxes);
    if (taxes == NULL) {
        return false;
    }
    ret->taxes = taxes;
    for (size_t i = 0; i < from->n_taxes; i++) {
        const Ingest__ReportTax *tax = from->taxes[i];
        for (size_t j = 0; j < tax->n_operations && ret->taxes_count < count; j++) {
            const Ingest__ReportTaxOperation *operation = tax->operations[j];
            taxes[ret->taxes_count++] = (struct chek_report_tax){
                .kind = tax->tax_type == TAX_TYPE_VAT ? CHEK_TAX_KIND_VAT : CHEK_TAX_KIND_OTHER,
                .rate = tax->percent <= CHEK_RATE_MAX ? tax->percent : CHEK_RATE_MAX,
                .operation = ingest__cpcr_operation(operation->operation),
                .turnover = amount_of(operation->turnover),
                .turnover_without_tax = amount_of(operation->turnover_without_tax),
                .sum = amount_of(operation->sum)};
        }
    }
    return true;
}

/* ---- the rest --------------------------------------------------------------------------------- */

static bool
movements_make(const Ingest__ZxReport *from, struct chek_arena *arena, struct chek_report *ret)
{
    struct chek_report_movement *list = chek_arena_take(arena, CHEK_DIRECTION_COUNT * sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (uint8_t i = 0; i < CHEK_DIRECTION_COUNT; i++) {
        list[i] = (struct chek_report_movement){.direction = i};
    }
    for (size_t i = 0; i < from->n_money_placements; i++) {
        const Ingest__MoneyPlacement *placement = from->money_placements[i];
        bool is_deposit =
            placement->operation == INGEST__MONEY_PLACEMENT_TYPE__MONEY_PLACEMENT_DEPOSIT;
        struct chek_report_movement *made =
            &list[is_deposit ? CHEK_DIRECTION_DEPOSIT : CHEK_DIRECTION_WITHDRAWAL];
        made->count = placement->operations_count;
        made->offline = placement->offline_count;
        made->sum = amount_of(placement->operations_sum);
    }
    ret->movements = list;
    ret->movements_count = CHEK_DIRECTION_COUNT;
    return true;
}

static bool
counters_make(Ingest__NonNullableSum *const *from, size_t count, struct chek_arena *arena,
              const struct chek_report_counter **ret, uint32_t *ret_count)
{
    struct chek_report_counter *list = chek_arena_take(arena, CHEK_OPERATION_COUNT * sizeof *list);
    if (list == NULL) {
        return false;
    }
    for (uint8_t i = 0; i < CHEK_OPERATION_COUNT; i++) {
        list[i] = (struct chek_report_counter){.operation = i};
    }
    for (size_t i = 0; i < count; i++) {
        list[ingest__cpcr_operation(from[i]->operation)].sum = amount_of(from[i]->sum);
    }
    *ret = list;
    *ret_count = count != 0 ? CHEK_OPERATION_COUNT : 0; /* none: the register does not say */
    return true;
}

static int64_t
revenue_of(const Ingest__Revenue *revenue)
{
    int64_t sum = revenue != NULL ? amount_of(revenue->sum) : 0;
    return revenue != NULL && revenue->is_negative ? -sum : sum;
}

/* Encode; without sections when it has too many of them, and not at all when that does not help. */
static bool
encode(struct chek_report *report, struct chek_arena *arena, struct chek_bytes_view *ret)
{
    uint8_t *bytes = chek_arena_take(arena, FIGURES_SIZE_MAX);
    if (bytes == NULL) {
        return false;
    }
    struct chek_writer out = chek_writer_over(bytes, FIGURES_SIZE_MAX);
    chek_report_encode(&out, report);
    if (out.full) {
        report->sections_count = 0;
        out = chek_writer_over(bytes, FIGURES_SIZE_MAX);
        chek_report_encode(&out, report);
    }
    *ret = chek_bytes_view_of(bytes, out.full ? 0 : out.size);
    return true;
}

bool
ingest__cpcr_stated(const Ingest__ZxReport *from, struct chek_arena *arena,
                    struct chek_bytes_view *ret)
{
    struct chek_report report = {
        .shift = from->shift_number,
        .cash = amount_of(from->cash_sum),
        .revenue = revenue_of(from->revenue),
    };
    return operations_make(from, arena, &report) && sections_make(from, arena, &report) &&
           taxes_make(from, arena, &report) && movements_make(from, arena, &report) &&
           counters_make(from->start_shift_non_nullable_sums, from->n_start_shift_non_nullable_sums,
                         arena, &report.start, &report.start_count) &&
           counters_make(from->non_nullable_sums, from->n_non_nullable_sums, arena, &report.now,
                         &report.now_count) &&
           encode(&report, arena, ret);
}
