/* SPDX-License-Identifier: MIT */
/*
 * kkm_zx_read.c - an X or Z of the server as totals.
 */
#include "engine/base/utf8.h"
#include "tools/kkm/kkm_build.h"

#define COINS 100
#define BILLS_MAX ((uint64_t)INT64_MAX / COINS - 1)

/* The first error; every part is read, absent ones as zero. */
struct reading {
    int error;
};

static void
fail(struct reading *reading, int error)
{
    if (reading->error == CHEK_OK) {
        reading->error = error;
    }
}

static int64_t
money(struct reading *reading, const Kkm__Money *value)
{
    if (value == NULL) {
        return 0;
    }
    if (value->bills > BILLS_MAX || value->coins >= COINS) {
        fail(reading, CHEK_E_RANGE);
        return 0;
    }
    return (int64_t)(value->bills * COINS + value->coins);
}

static int64_t
civil(struct reading *reading, const Kkm__DateTime *value)
{
    int64_t time_s = 0;
    if (value == NULL) {
        return 0;
    }
    if (value->date->year > 2099 || value->date->month > 12 || value->date->day > 31 ||
        value->time->hour > 23 || value->time->minute > 59 || value->time->second > 59) {
        fail(reading, CHEK_E_DATE);
        return 0;
    }
    struct chek_civil_parts parts = {
        .year = (int32_t)value->date->year,
        .month = (uint8_t)value->date->month,
        .day = (uint8_t)value->date->day,
        .hour = (uint8_t)value->time->hour,
        .minute = (uint8_t)value->time->minute,
        .second = (uint8_t)value->time->second,
    };
    int error = chek_civil_from_parts(&parts, &time_s);
    if (error != CHEK_OK) {
        fail(reading, error);
    }
    return time_s;
}

/* The place of a row that must be below `end` and must not have come before; else NULL's place. */
static bool
takes(struct reading *reading, uint32_t at, uint32_t end, uint32_t *seen)
{
    if (at >= end) {
        fail(reading, CHEK_E_RANGE);
        return false;
    }
    if ((*seen >> at & 1) != 0) {
        fail(reading, CHEK_E_EXISTS);
        return false;
    }
    *seen |= UINT32_C(1) << at;
    return true;
}

static void
tallies_read(struct reading *reading, size_t count, Kkm__ZXReport__Operation *const *rows,
             struct chek_kkm_tally *ret)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (takes(reading, rows[i]->operation, CHEK_KKM_OPERATION_COUNT, &seen)) {
            ret[rows[i]->operation] = (struct chek_kkm_tally){.count = rows[i]->count,
                                                              .sum = money(reading, rows[i]->sum)};
        }
    }
}

static void
sums_read(struct reading *reading, size_t count, Kkm__ZXReport__NonNullableSum *const *rows,
          int64_t *ret)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        if (takes(reading, rows[i]->operation, CHEK_KKM_OPERATION_COUNT, &seen)) {
            ret[rows[i]->operation] = money(reading, rows[i]->sum);
        }
    }
}

static void
sections_read(struct reading *reading, const Kkm__ZXReport *report, struct chek_kkm_totals *ret)
{
    for (size_t i = 0; i < report->n_sections; i++) {
        const Kkm__ZXReport__Section *from = report->sections[i];
        struct chek_bytes_view code =
            chek_bytes_view_of(from->section_code.data, from->section_code.len);
        uint32_t count = ret->section_count;
        if (!chek_utf8_is_valid(code)) { /* a NUL would end it early */
            fail(reading, CHEK_E_TEXT);
            return;
        }
        struct chek_kkm_section_row *row = chek_kkm_totals_section(ret, code);
        if (row == NULL || count == ret->section_count) {
            fail(reading, row == NULL ? CHEK_E_LIMIT : CHEK_E_EXISTS);
            return;
        }
        tallies_read(reading, from->n_operations, from->operations, row->operations);
    }
}

static void
taxes_read(struct reading *reading, const Kkm__ZXReport *report, struct chek_kkm_totals *ret)
{
    for (size_t i = 0; i < report->n_taxes; i++) {
        const Kkm__ZXReport__Tax *from = report->taxes[i];
        uint32_t count = ret->tax_count;
        struct chek_kkm_tax_row *row = chek_kkm_totals_tax(ret, from->tax_type, from->percent);
        uint32_t seen = 0;
        if (row == NULL || count == ret->tax_count) {
            fail(reading, row == NULL ? CHEK_E_LIMIT : CHEK_E_EXISTS);
            return;
        }
        for (size_t k = 0; k < from->n_operations; k++) {
            const Kkm__ZXReport__TaxOperation *cell = from->operations[k];
            if (takes(reading, cell->operation, CHEK_KKM_OPERATION_COUNT, &seen)) {
                row->operations[cell->operation] = (struct chek_kkm_tax_sums){
                    .turnover = money(reading, cell->turnover),
                    .sum = money(reading, cell->sum),
                    .turnover_without_tax = money(reading, cell->turnover_without_tax),
                };
            }
        }
    }
}

static void
payments_read(struct reading *reading, const Kkm__ZXReport__TicketOperation *from,
              struct chek_kkm_ticket_row *ret)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < from->n_payments; i++) {
        const Kkm__ZXReport__Payment *payment = from->payments[i];
        if (takes(reading, payment->payment, CHEK_KKM_PAYMENT_TYPE_COUNT, &seen)) {
            ret->payments[payment->payment] = (struct chek_kkm_tally){
                .count = payment->count, .sum = money(reading, payment->sum)};
        }
    }
}

static void
tickets_read(struct reading *reading, const Kkm__ZXReport *report, struct chek_kkm_totals *ret)
{
    uint32_t seen = 0;
    for (size_t i = 0; i < report->n_ticket_operations; i++) {
        const Kkm__ZXReport__TicketOperation *from = report->ticket_operations[i];
        if (!takes(reading, from->operation, CHEK_KKM_OPERATION_COUNT, &seen)) {
            return;
        }
        struct chek_kkm_ticket_row *row = &ret->tickets[from->operation];
        row->total_count = from->tickets_total_count;
        row->count = from->tickets_count;
        row->sum = money(reading, from->tickets_sum);
        row->offline_count = from->offline_count;
        row->discount_sum = money(reading, from->discount_sum);
        row->markup_sum = money(reading, from->markup_sum);
        row->change_sum = money(reading, from->change_sum);
        payments_read(reading, from, row);
    }
    seen = 0;
    for (size_t i = 0; i < report->n_money_placements; i++) {
        const Kkm__ZXReport__MoneyPlacement *from = report->money_placements[i];
        if (takes(reading, from->operation, 2, &seen)) {
            ret->placements[from->operation] = (struct chek_kkm_placement_row){
                .total_count = from->operations_total_count,
                .count = from->operations_count,
                .offline_count = from->offline_count,
                .sum = money(reading, from->operations_sum),
            };
        }
    }
}

/* Annulled tickets are there no more; figures in them are none of ours. */
static void
annulled_read(struct reading *reading, const Kkm__ZXReport__AnnulledTickets *annulled)
{
    if (annulled != NULL &&
        (annulled->annulled_tickets_count != 0 || annulled->annulled_tickets_total_count != 0)) {
        fail(reading, CHEK_E_RANGE);
    }
}

int
kkm__zx_read(const Kkm__ZXReport *report, struct chek_kkm_totals *ret)
{
    struct reading reading = {0};

    *ret = (struct chek_kkm_totals){.shift_number = report->shift_number};
    sections_read(&reading, report, ret);
    tallies_read(&reading, report->n_operations, report->operations, ret->operations);
    tallies_read(&reading, report->n_discounts, report->discounts, ret->discounts);
    tallies_read(&reading, report->n_markups, report->markups, ret->markups);
    tallies_read(&reading, report->n_total_result, report->total_result, ret->total_result);
    taxes_read(&reading, report, ret);
    sums_read(&reading, report->n_start_shift_non_nullable_sums,
              report->start_shift_non_nullable_sums, ret->start_non_nullable);
    tickets_read(&reading, report, ret);
    sums_read(&reading, report->n_non_nullable_sums, report->non_nullable_sums, ret->non_nullable);
    annulled_read(&reading, report->annulled_tickets);
    ret->cash_sum = money(&reading, report->cash_sum);
    int64_t revenue = money(&reading, report->revenue->sum);
    ret->revenue = report->revenue->is_negative ? -revenue : revenue;
    ret->open_s = civil(&reading, report->open_shift_time);
    ret->close_s = civil(&reading, report->close_shift_time);
    (void)civil(&reading, report->date_time);
    return reading.error;
}
