/* SPDX-License-Identifier: MIT */
/*
 * kkm_zx.c - totals as the protocol's X and Z, and back.
 */
#include "tools/kkm/kkm_build.h"

#define COINS 100

Kkm__Money *
kkm__money_make(struct chek_arena *arena, int64_t tiyn)
{
    CHEK_ASSERT(tiyn >= 0);
    Kkm__Money *money = KKM__NEW(arena, Kkm__Money, kkm__money);
    money->bills = (uint64_t)tiyn / COINS;
    money->coins = (uint32_t)(tiyn % COINS);
    return money;
}

Kkm__DateTime *
kkm__time_make(struct chek_arena *arena, int64_t time_s)
{
    struct chek_civil_parts parts = chek_civil_to_parts(time_s);
    Kkm__DateTime *made = KKM__NEW(arena, Kkm__DateTime, kkm__date_time);
    made->date = KKM__NEW(arena, Kkm__Date, kkm__date);
    made->date->year = (uint32_t)parts.year;
    made->date->month = parts.month;
    made->date->day = parts.day;
    made->time = KKM__NEW(arena, Kkm__Time, kkm__time);
    made->time->hour = parts.hour;
    made->time->minute = parts.minute;
    made->time->has_second = 1;
    made->time->second = parts.second;
    return made;
}

/* ---- making ----------------------------------------------------------------------------------- */

struct making {
    struct chek_arena *arena;
    bool has_zero_rows;
};

static size_t
tallies_make(const struct making *making, const struct chek_kkm_tally *tallies,
             Kkm__ZXReport__Operation ***ret)
{
    size_t count = 0;
    *ret = kkm__list(making->arena, CHEK_KKM_OPERATION_COUNT);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        if (!making->has_zero_rows && tallies[i].count == 0) {
            continue;
        }
        Kkm__ZXReport__Operation *row =
            KKM__NEW(making->arena, Kkm__ZXReport__Operation, kkm__zxreport__operation);
        row->operation = (Kkm__OperationTypeEnum)i;
        row->count = tallies[i].count;
        row->sum = kkm__money_make(making->arena, tallies[i].sum);
        (*ret)[count++] = row;
    }
    return count;
}

static size_t
sums_make(const struct making *making, const int64_t *sums, Kkm__ZXReport__NonNullableSum ***ret)
{
    size_t count = 0;
    *ret = kkm__list(making->arena, CHEK_KKM_OPERATION_COUNT);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        if (!making->has_zero_rows && sums[i] == 0) {
            continue;
        }
        Kkm__ZXReport__NonNullableSum *row =
            KKM__NEW(making->arena, Kkm__ZXReport__NonNullableSum, kkm__zxreport__non_nullable_sum);
        row->operation = (Kkm__OperationTypeEnum)i;
        row->sum = kkm__money_make(making->arena, sums[i]);
        (*ret)[count++] = row;
    }
    return count;
}

static void
sections_make(const struct making *making, const struct chek_kkm_totals *totals,
              Kkm__ZXReport *report)
{
    report->sections = kkm__list(making->arena, totals->section_count);
    for (uint32_t i = 0; i < totals->section_count; i++) {
        const struct chek_kkm_section_row *section = &totals->sections[i];
        Kkm__ZXReport__Section *row =
            KKM__NEW(making->arena, Kkm__ZXReport__Section, kkm__zxreport__section);
        size_t size = strlen(section->code);
        row->section_code.data = kkm__take(making->arena, size);
        memcpy(row->section_code.data, section->code, size);
        row->section_code.len = size;
        row->n_operations = tallies_make(making, section->operations, &row->operations);
        report->sections[report->n_sections++] = row;
    }
}

static void
taxes_make(const struct making *making, const struct chek_kkm_totals *totals, Kkm__ZXReport *report)
{
    struct chek_arena *arena = making->arena;
    report->taxes = kkm__list(arena, totals->tax_count);
    for (uint32_t i = 0; i < totals->tax_count; i++) {
        const struct chek_kkm_tax_row *tax = &totals->taxes[i];
        Kkm__ZXReport__Tax *row = KKM__NEW(arena, Kkm__ZXReport__Tax, kkm__zxreport__tax);
        row->tax_type = tax->type;
        row->percent = tax->percent;
        row->operations = kkm__list(arena, CHEK_KKM_OPERATION_COUNT);
        for (int k = 0; k < CHEK_KKM_OPERATION_COUNT; k++) {
            const struct chek_kkm_tax_sums *sums = &tax->operations[k];
            if (!making->has_zero_rows && sums->turnover == 0) {
                continue;
            }
            Kkm__ZXReport__TaxOperation *cell =
                KKM__NEW(arena, Kkm__ZXReport__TaxOperation, kkm__zxreport__tax_operation);
            cell->operation = (Kkm__OperationTypeEnum)k;
            cell->turnover = kkm__money_make(arena, sums->turnover);
            cell->sum = kkm__money_make(arena, sums->sum);
            cell->turnover_without_tax = kkm__money_make(arena, sums->turnover_without_tax);
            row->operations[row->n_operations++] = cell;
        }
        report->taxes[report->n_taxes++] = row;
    }
}

static Kkm__ZXReport__TicketOperation *
ticket_make(const struct making *making, const struct chek_kkm_ticket_row *tickets)
{
    struct chek_arena *arena = making->arena;
    Kkm__ZXReport__TicketOperation *row =
        KKM__NEW(arena, Kkm__ZXReport__TicketOperation, kkm__zxreport__ticket_operation);
    row->tickets_total_count = tickets->total_count;
    row->tickets_count = tickets->count;
    row->tickets_sum = kkm__money_make(arena, tickets->sum);
    row->has_offline_count = 1;
    row->offline_count = tickets->offline_count;
    row->discount_sum = kkm__money_make(arena, tickets->discount_sum);
    row->markup_sum = kkm__money_make(arena, tickets->markup_sum);
    row->change_sum = kkm__money_make(arena, tickets->change_sum);
    row->payments = kkm__list(arena, CHEK_KKM_PAYMENT_TYPE_COUNT);
    for (int i = 0; i < CHEK_KKM_PAYMENT_TYPE_COUNT; i++) {
        if (!making->has_zero_rows && tickets->payments[i].count == 0) {
            continue;
        }
        Kkm__ZXReport__Payment *payment =
            KKM__NEW(arena, Kkm__ZXReport__Payment, kkm__zxreport__payment);
        payment->payment = (Kkm__PaymentTypeEnum)i;
        payment->sum = kkm__money_make(arena, tickets->payments[i].sum);
        payment->has_count = 1;
        payment->count = tickets->payments[i].count;
        row->payments[row->n_payments++] = payment;
    }
    return row;
}

static void
tickets_make(const struct making *making, const struct chek_kkm_totals *totals,
             Kkm__ZXReport *report)
{
    struct chek_arena *arena = making->arena;
    report->ticket_operations = kkm__list(arena, CHEK_KKM_OPERATION_COUNT);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        if (making->has_zero_rows || totals->tickets[i].total_count != 0) {
            Kkm__ZXReport__TicketOperation *row = ticket_make(making, &totals->tickets[i]);
            row->operation = (Kkm__OperationTypeEnum)i;
            report->ticket_operations[report->n_ticket_operations++] = row;
        }
    }
    report->money_placements = kkm__list(arena, 2);
    for (int i = 0; i < 2; i++) {
        const struct chek_kkm_placement_row *placement = &totals->placements[i];
        if (!making->has_zero_rows && placement->total_count == 0) {
            continue;
        }
        Kkm__ZXReport__MoneyPlacement *row =
            KKM__NEW(arena, Kkm__ZXReport__MoneyPlacement, kkm__zxreport__money_placement);
        row->operation = (Kkm__MoneyPlacementEnum)i;
        row->operations_total_count = placement->total_count;
        row->operations_count = placement->count;
        row->operations_sum = kkm__money_make(arena, placement->sum);
        row->has_offline_count = 1;
        row->offline_count = placement->offline_count;
        report->money_placements[report->n_money_placements++] = row;
    }
}

Kkm__ZXReport *
kkm__zx_make(struct chek_arena *arena, const struct chek_kkm_totals *totals, int64_t now_s,
             bool has_zero_rows)
{
    struct making making = {.arena = arena, .has_zero_rows = has_zero_rows};
    Kkm__ZXReport *report = KKM__NEW(arena, Kkm__ZXReport, kkm__zxreport);
    int64_t revenue = totals->revenue;

    report->date_time = kkm__time_make(arena, now_s);
    report->shift_number = totals->shift_number;
    sections_make(&making, totals, report);
    report->n_operations = tallies_make(&making, totals->operations, &report->operations);
    report->n_discounts = tallies_make(&making, totals->discounts, &report->discounts);
    report->n_markups = tallies_make(&making, totals->markups, &report->markups);
    report->n_total_result = tallies_make(&making, totals->total_result, &report->total_result);
    taxes_make(&making, totals, report);
    report->n_start_shift_non_nullable_sums =
        sums_make(&making, totals->start_non_nullable, &report->start_shift_non_nullable_sums);
    tickets_make(&making, totals, report);
    report->cash_sum = kkm__money_make(arena, totals->cash_sum);
    report->revenue = KKM__NEW(arena, Kkm__ZXReport__Revenue, kkm__zxreport__revenue);
    report->revenue->sum = kkm__money_make(arena, revenue < 0 ? -revenue : revenue);
    report->revenue->is_negative = revenue < 0;
    report->n_non_nullable_sums =
        sums_make(&making, totals->non_nullable, &report->non_nullable_sums);
    if (totals->open_s != 0) {
        report->open_shift_time = kkm__time_make(arena, totals->open_s);
    }
    if (totals->close_s != 0) {
        report->close_shift_time = kkm__time_make(arena, totals->close_s);
    }
    return report;
}
