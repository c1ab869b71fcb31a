/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_totals.h"

#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/money.h"

/* The totals that are being made, and the first error. */
struct adding {
    struct chek_kkm_totals next;
    uint8_t operation;
    int error;
};

static void
add_sum(struct adding *adding, int64_t *sum, int64_t addend)
{
    int error = chek_money_add(sum, addend);
    if (adding->error == CHEK_OK) {
        adding->error = error;
    }
}

static void
add_count(struct adding *adding, uint32_t *count)
{
    if (*count == UINT32_MAX) {
        adding->error = CHEK_E_OVERFLOW;
        return;
    }
    *count += 1;
}

struct chek_kkm_section_row *
chek_kkm_totals_section(struct chek_kkm_totals *totals, struct chek_bytes_view code)
{
    for (uint32_t i = 0; i < totals->section_count; i++) {
        struct chek_bytes_view there = chek_bytes_view_text(totals->sections[i].code);
        if (chek_bytes_view_equal(there, code)) {
            return &totals->sections[i];
        }
    }
    if (totals->section_count == CHEK_KKM_SECTION_COUNT_MAX ||
        code.size >= CHEK_KKM_SECTION_CODE_SIZE) {
        return NULL;
    }
    struct chek_kkm_section_row *row = &totals->sections[totals->section_count++];
    *row = (struct chek_kkm_section_row){0};
    if (code.size != 0) {
        memcpy(row->code, code.bytes, code.size);
    }
    return row;
}

struct chek_kkm_tax_row *
chek_kkm_totals_tax(struct chek_kkm_totals *totals, uint32_t type, uint32_t percent)
{
    for (uint32_t i = 0; i < totals->tax_count; i++) {
        if (totals->taxes[i].type == type && totals->taxes[i].percent == percent) {
            return &totals->taxes[i];
        }
    }
    if (totals->tax_count == CHEK_KKM_TAX_COUNT_MAX) {
        return NULL;
    }
    struct chek_kkm_tax_row *row = &totals->taxes[totals->tax_count++];
    *row = (struct chek_kkm_tax_row){.type = type, .percent = percent};
    return row;
}

/* A taxed amount, with its tax inside; negative when it is taken back. */
static void
add_tax(struct adding *adding, uint32_t percent, int64_t turnover, int64_t tax)
{
    if (percent == CHEK_KKM_NO_TAX) {
        return;
    }
    struct chek_kkm_tax_row *row = chek_kkm_totals_tax(&adding->next, CHEK_KKM_VAT, percent);
    if (row == NULL) {
        adding->error = CHEK_E_LIMIT;
        return;
    }
    struct chek_kkm_tax_sums *sums = &row->operations[adding->operation];
    add_sum(adding, &sums->turnover, turnover);
    add_sum(adding, &sums->sum, tax);
    add_sum(adding, &sums->turnover_without_tax, turnover - tax);
}

/* A position counts, its storno takes the sum back without uncounting it. */
static void
add_position(struct adding *adding, const struct chek_kkm_item *item)
{
    struct chek_kkm_totals *next = &adding->next;
    bool is_storno = item->type == CHEK_KKM_STORNO_COMMODITY;
    int64_t sum = is_storno ? -item->sum : item->sum;
    char code[CHEK_KKM_SECTION_CODE_SIZE];

    (void)snprintf(code, sizeof code, "%u", item->section);
    struct chek_kkm_section_row *section =
        chek_kkm_totals_section(next, chek_bytes_view_text(code));
    if (section == NULL) {
        adding->error = CHEK_E_LIMIT;
        return;
    }
    struct chek_kkm_tally *tallies[] = {&next->operations[adding->operation],
                                        &section->operations[adding->operation],
                                        &next->total_result[adding->operation]};
    for (size_t i = 0; i < CHEK_COUNT(tallies); i++) {
        add_sum(adding, &tallies[i]->sum, sum);
        if (!is_storno) {
            add_count(adding, &tallies[i]->count);
        }
    }
}

/* A discount or a markup: of a position or of the ticket, or the storno of one. */
static void
add_modifier(struct adding *adding, bool is_discount, bool is_storno, int64_t sum)
{
    struct chek_kkm_totals *next = &adding->next;
    struct chek_kkm_tally *tally =
        is_discount ? &next->discounts[adding->operation] : &next->markups[adding->operation];
    add_sum(adding, &tally->sum, is_storno ? -sum : sum);
    if (!is_storno) {
        add_count(adding, &tally->count);
    }
    add_sum(adding, &next->total_result[adding->operation].sum,
            is_discount == is_storno ? sum : -sum);
}

static void
add_item(struct adding *adding, const struct chek_kkm_item *item)
{
    switch (item->type) {
    case CHEK_KKM_COMMODITY:
    case CHEK_KKM_STORNO_COMMODITY:
        add_position(adding, item);
        break;
    case CHEK_KKM_MARKUP:
    case CHEK_KKM_STORNO_MARKUP:
        add_modifier(adding, false, item->type == CHEK_KKM_STORNO_MARKUP, item->sum);
        break;
    default:
        add_modifier(adding, true, item->type == CHEK_KKM_STORNO_DISCOUNT, item->sum);
        break;
    }
}

/* Whether what an item is worth is added to the goods; otherwise it is taken off. */
static bool
adds_goods(uint8_t type)
{
    return type == CHEK_KKM_COMMODITY || type == CHEK_KKM_MARKUP ||
           type == CHEK_KKM_STORNO_DISCOUNT;
}

/* A tax on the ticket is taken as it is and those of items are not read. */
static void
add_taxes(struct adding *adding, const struct chek_kkm_ticket *ticket)
{
    if (ticket->percent != CHEK_KKM_NO_TAX) {
        add_tax(adding, ticket->percent, ticket->total, ticket->tax);
        return;
    }
    for (uint32_t i = 0; i < ticket->item_count; i++) {
        const struct chek_kkm_item *item = &ticket->items[i];
        int sign = adds_goods(item->type) ? 1 : -1;
        add_tax(adding, item->percent, sign * item->sum, sign * item->tax);
    }
    if (ticket->discount.sum != 0) {
        add_tax(adding, ticket->discount.percent, -ticket->discount.sum, -ticket->discount.tax);
    }
    if (ticket->markup.sum != 0) {
        add_tax(adding, ticket->markup.percent, ticket->markup.sum, ticket->markup.tax);
    }
}

static void
add_payments(struct adding *adding, const struct chek_kkm_ticket *ticket, int direction)
{
    struct chek_kkm_ticket_row *row = &adding->next.tickets[ticket->operation];
    for (uint32_t i = 0; i < ticket->payment_count; i++) {
        const struct chek_kkm_payment *payment = &ticket->payments[i];
        add_sum(adding, &row->payments[payment->type].sum, payment->sum);
        add_count(adding, &row->payments[payment->type].count);
        if (payment->type == CHEK_KKM_CASH) {
            add_sum(adding, &adding->next.cash_sum, direction * payment->sum);
        }
    }
}

static void
add_ticket(struct adding *adding, const struct chek_kkm_document *document)
{
    const struct chek_kkm_ticket *ticket = &document->ticket;
    struct chek_kkm_totals *next = &adding->next;
    struct chek_kkm_ticket_row *row = &next->tickets[ticket->operation];
    bool is_income = ticket->operation == CHEK_KKM_SELL || ticket->operation == CHEK_KKM_BUY_RETURN;
    int direction = is_income ? 1 : -1;

    adding->operation = ticket->operation;
    for (uint32_t i = 0; i < ticket->item_count; i++) {
        add_item(adding, &ticket->items[i]);
    }
    if (ticket->discount.sum != 0) {
        add_modifier(adding, true, false, ticket->discount.sum);
    }
    if (ticket->markup.sum != 0) {
        add_modifier(adding, false, false, ticket->markup.sum);
    }
    add_taxes(adding, ticket);
    add_count(adding, &row->count);
    add_count(adding, &row->total_count);
    if (document->is_offline) {
        add_count(adding, &row->offline_count);
    }
    add_sum(adding, &row->sum, ticket->total);
    add_sum(adding, &row->discount_sum, ticket->discount.sum);
    add_sum(adding, &row->markup_sum, ticket->markup.sum);
    add_sum(adding, &row->change_sum, ticket->change);
    add_payments(adding, ticket, direction);
    add_sum(adding, &next->non_nullable[ticket->operation], ticket->total);
    add_sum(adding, &next->revenue, direction * ticket->total);
}

static void
add_placement(struct adding *adding, bool is_withdrawal, int64_t sum, bool is_offline)
{
    struct chek_kkm_placement_row *row = &adding->next.placements[is_withdrawal ? 1 : 0];
    add_count(adding, &row->count);
    add_count(adding, &row->total_count);
    if (is_offline) {
        add_count(adding, &row->offline_count);
    }
    add_sum(adding, &row->sum, sum);
    add_sum(adding, &adding->next.cash_sum, is_withdrawal ? -sum : sum);
}

int
chek_kkm_totals_add(struct chek_kkm_totals *totals, const struct chek_kkm_document *document)
{
    struct adding adding = {.next = *totals};

    /* There is no document that opens a shift: the first one does. */
    if (adding.next.open_s == 0 && document->kind != CHEK_KKM_CLOSE) {
        adding.next.open_s = document->time_s;
    }
    switch (document->kind) {
    case CHEK_KKM_TICKET:
        add_ticket(&adding, document);
        break;
    case CHEK_KKM_PLACEMENT:
        add_placement(&adding, document->placement.is_withdrawal, document->placement.sum,
                      document->is_offline);
        break;
    default:
        if (document->withdraws && adding.next.cash_sum != 0) {
            add_placement(&adding, true, adding.next.cash_sum, document->is_offline);
        }
        adding.next.close_s = document->time_s;
        break;
    }
    if (adding.error == CHEK_OK) {
        *totals = adding.next;
    }
    return adding.error;
}

void
chek_kkm_totals_carry(struct chek_kkm_totals *totals)
{
    struct chek_kkm_totals next = {.shift_number = totals->shift_number + 1,
                                   .cash_sum = totals->cash_sum};

    CHEK_ASSERT(totals->close_s != 0);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        next.start_non_nullable[i] = totals->non_nullable[i];
        next.non_nullable[i] = totals->non_nullable[i];
        next.tickets[i].total_count = totals->tickets[i].total_count;
    }
    for (int i = 0; i < 2; i++) {
        next.placements[i].total_count = totals->placements[i].total_count;
    }
    *totals = next;
}
