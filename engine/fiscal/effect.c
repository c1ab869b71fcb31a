/* SPDX-License-Identifier: MIT */
/*
 * effect.c - the arithmetic of a receipt.
 *
 * No addition here is checked: the amounts of a document are bounded by check.c, and a shift whose
 * amounts, all taken as positive, could leave 64 bits refuses the document before (F23).
 */
#include "engine/fiscal/effect.h"

int64_t
fiscal__direction(uint8_t operation)
{
    return operation == CHEK_OPERATION_SELL || operation == CHEK_OPERATION_BUY_RETURN ? 1 : -1;
}

int64_t
fiscal__receipt_cash(const struct chek_receipt *receipt)
{
    int64_t sum = 0;
    int64_t cash = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        const struct chek_payment *payment = &receipt->payments[i];
        sum += payment->sum;
        cash += payment->kind == CHEK_PAYMENT_KIND_CASH ? payment->sum : 0;
    }
    bool holds_change = sum == receipt->total + receipt->change;
    return holds_change ? cash - receipt->change : cash;
}

int64_t
fiscal__tax_turnover(const struct chek_tax *tax, int64_t amount)
{
    if (tax->turnover != 0) {
        return tax->turnover;
    }
    return tax->on_top ? amount + tax->sum : amount;
}

static uint64_t
taxes_magnitude(const struct chek_tax *taxes, uint32_t count, int64_t amount)
{
    uint64_t magnitude = 0;
    for (uint32_t i = 0; i < count; i++) {
        magnitude += (uint64_t)(fiscal__tax_turnover(&taxes[i], amount) + taxes[i].sum);
    }
    return magnitude;
}

static uint64_t
modifier_magnitude(const struct chek_modifier *modifier)
{
    if (modifier == NULL) {
        return 0;
    }
    return (uint64_t)modifier->sum +
           taxes_magnitude(modifier->taxes, modifier->taxes_count, modifier->sum);
}

struct fiscal__effect
fiscal__receipt_effect(const struct chek_receipt *receipt)
{
    uint64_t magnitude = (uint64_t)(receipt->total + receipt->change);
    magnitude += taxes_magnitude(receipt->taxes, receipt->taxes_count, receipt->total);
    magnitude += modifier_magnitude(receipt->discount) + modifier_magnitude(receipt->markup);
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        magnitude += (uint64_t)receipt->payments[i].sum;
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        magnitude += (uint64_t)line->sum;
        magnitude += taxes_magnitude(line->taxes, line->taxes_count, line->sum);
    }
    return (struct fiscal__effect){
        .cash = fiscal__direction(receipt->operation) * fiscal__receipt_cash(receipt),
        .total = receipt->total,
        .magnitude = magnitude,
    };
}

struct fiscal__effect
fiscal__movement_effect(const struct chek_movement *movement)
{
    bool is_deposit = movement->direction == CHEK_DIRECTION_DEPOSIT;
    return (struct fiscal__effect){
        .cash = is_deposit ? movement->sum : -movement->sum,
        .magnitude = (uint64_t)movement->sum,
    };
}

struct fiscal__effect
fiscal__document_effect(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return fiscal__receipt_effect(document->receipt);
    }
    if (document->movement != NULL) {
        return fiscal__movement_effect(document->movement);
    }
    return (struct fiscal__effect){0};
}

/* ---- the sums of an operation ----------------------------------------------------------------- */

/* A storno takes its sum off, but is no position and no discount of its own. (F2, F4) */
static void
lines_add(struct fiscal__operation *to, const struct chek_receipt *receipt, int sign)
{
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        int64_t sum = line->storno ? -sign * line->sum : sign * line->sum;
        uint64_t count = line->storno ? 0 : (uint64_t)(int64_t)sign;
        if (line->kind == CHEK_LINE_KIND_COMMODITY) {
            to->gross += sum;
            to->positions += count;
        } else if (line->kind == CHEK_LINE_KIND_DISCOUNT) {
            to->discount_sum += sum;
            to->discount_count += count;
        } else {
            to->markup_sum += sum;
            to->markup_count += count;
        }
    }
}

static void
modifiers_add(struct fiscal__operation *to, const struct chek_receipt *receipt, int sign)
{
    if (receipt->discount != NULL) {
        to->discount_sum += sign * receipt->discount->sum;
        to->discount_count += (uint64_t)(int64_t)sign;
        to->ticket_discount += sign * receipt->discount->sum;
    }
    if (receipt->markup != NULL) {
        to->markup_sum += sign * receipt->markup->sum;
        to->markup_count += (uint64_t)(int64_t)sign;
        to->ticket_markup += sign * receipt->markup->sum;
    }
}

void
fiscal__operation_add(struct fiscal__operation *to, const struct chek_receipt *receipt, int sign)
{
    to->tickets += (uint32_t)sign;
    to->offline += receipt->offline ? (uint32_t)sign : 0;
    to->net += sign * receipt->total;
    to->change += sign * receipt->change;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        const struct chek_payment *payment = &receipt->payments[i];
        to->payment_sums[payment->kind] += sign * payment->sum;
        to->payment_counts[payment->kind] += (uint32_t)sign;
    }
    lines_add(to, receipt, sign);
    modifiers_add(to, receipt, sign);
}

void
fiscal__operation_merge(struct fiscal__operation *to, const struct fiscal__operation *from)
{
    to->tickets += from->tickets;
    to->offline += from->offline;
    to->positions += from->positions;
    to->gross += from->gross;
    to->net += from->net;
    to->discount_sum += from->discount_sum;
    to->markup_sum += from->markup_sum;
    to->discount_count += from->discount_count;
    to->markup_count += from->markup_count;
    to->ticket_discount += from->ticket_discount;
    to->ticket_markup += from->ticket_markup;
    to->change += from->change;
    for (unsigned i = 0; i < CHEK_PAYMENT_KIND_COUNT; i++) {
        to->payment_sums[i] += from->payment_sums[i];
        to->payment_counts[i] += from->payment_counts[i];
    }
}

bool
fiscal__operation_is_zero(const struct fiscal__operation *operation)
{
    static const struct fiscal__operation zero;
    return memcmp(operation, &zero, sizeof zero) == 0;
}

void
fiscal__movement_add(struct fiscal__movement *to, const struct chek_movement *movement, int sign)
{
    to->count += (uint32_t)sign;
    to->offline += movement->offline ? (uint32_t)sign : 0;
    to->sum += sign * movement->sum;
}

/* ---- rows ------------------------------------------------------------------------------------- */

/* Taxes on their way to rows: most receipts have one rate on all lines, and then one row. */
struct tax_giving {
    const struct fiscal__row_sink *sink;
    uint8_t operation;
    uint8_t kind;
    uint32_t rate;
    bool is_begun;
    struct fiscal__addend addend;
};

static void
tax_give(const struct tax_giving *giving)
{
    uint8_t key[FISCAL__TAX_KEY_SIZE];
    if (giving->is_begun) {
        giving->sink->on_row(giving->sink->context, FISCAL__TAXES, giving->operation,
                             fiscal__tax_key(giving->kind, giving->rate, key), &giving->addend);
    }
}

static void
taxes_give(struct tax_giving *giving, const struct chek_tax *taxes, uint32_t count, int64_t amount,
           int sign)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct chek_tax *tax = &taxes[i];
        if (!giving->is_begun || tax->kind != giving->kind || tax->rate != giving->rate) {
            tax_give(giving);
            giving->is_begun = true;
            giving->kind = tax->kind;
            giving->rate = tax->rate;
            giving->addend = (struct fiscal__addend){0};
        }
        giving->addend.sum += sign * tax->sum;
        giving->addend.turnover += sign * fiscal__tax_turnover(tax, amount);
    }
}

/* Taxes of the ticket are as they are; else those of lines and modifiers, each with the sign that
 * its amount has in the total. (F8) */
static void
receipt_taxes_give(const struct chek_receipt *receipt, int sign,
                   const struct fiscal__row_sink *sink)
{
    struct tax_giving giving = {.sink = sink, .operation = receipt->operation};
    if (receipt->taxes_count != 0) {
        taxes_give(&giving, receipt->taxes, receipt->taxes_count, receipt->total, sign);
        tax_give(&giving);
        return;
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        bool takes_off = (line->kind == CHEK_LINE_KIND_DISCOUNT) != line->storno;
        taxes_give(&giving, line->taxes, line->taxes_count, line->sum, takes_off ? -sign : sign);
    }
    if (receipt->discount != NULL) {
        taxes_give(&giving, receipt->discount->taxes, receipt->discount->taxes_count,
                   receipt->discount->sum, -sign);
    }
    if (receipt->markup != NULL) {
        taxes_give(&giving, receipt->markup->taxes, receipt->markup->taxes_count,
                   receipt->markup->sum, sign);
    }
    tax_give(&giving);
}

static void
sections_give(const struct chek_receipt *receipt, int sign, const struct fiscal__row_sink *sink)
{
    struct fiscal__addend addend = {0};
    struct chek_bytes_view section = {0};
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        if (line->kind != CHEK_LINE_KIND_COMMODITY || line->section.size == 0) {
            continue;
        }
        if (section.size != line->section.size || !chek_bytes_view_equal(section, line->section)) {
            if (section.size != 0) {
                sink->on_row(sink->context, FISCAL__SECTIONS, receipt->operation, section, &addend);
            }
            section = line->section;
            addend = (struct fiscal__addend){0};
        }
        addend.count += line->storno ? 0 : sign;
        addend.sum += line->storno ? -sign * line->sum : sign * line->sum;
    }
    if (section.size != 0) {
        sink->on_row(sink->context, FISCAL__SECTIONS, receipt->operation, section, &addend);
    }
}

void
fiscal__receipt_rows(const struct chek_receipt *receipt, int sign,
                     const struct fiscal__row_sink *sink)
{
    if (receipt->operator.size != 0) {
        struct fiscal__addend addend = {.count = sign, .sum = sign * receipt->total};
        sink->on_row(sink->context, FISCAL__OPERATORS, receipt->operation,
                     receipt->operator, & addend);
    }
    sections_give(receipt, sign, sink);
    receipt_taxes_give(receipt, sign, sink);
}
