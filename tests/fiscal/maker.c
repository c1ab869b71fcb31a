/* SPDX-License-Identifier: MIT */
/* maker.c - see the header. A draw a statement: C does not order the arguments of a call. */
#include "tests/fiscal/maker.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/money.h"

uint64_t
maker_below(const struct maker *maker, uint64_t bound)
{
    return chek_prng_below(maker->prng, bound);
}

bool
maker_chance(const struct maker *maker, uint64_t percent)
{
    return maker_below(maker, 100) < percent;
}

void *
maker_take(const struct maker *maker, size_t size)
{
    void *bytes = chek_arena_take(maker->arena, size);
    CHEK_ASSERT(bytes != NULL);
    memset(bytes, 0, size);
    return bytes;
}

struct chek_bytes_view
maker_text(const struct maker *maker, const char *prefix, uint64_t number)
{
    char *bytes = maker_take(maker, 80);
    int size = snprintf(bytes, 80, "%s%" PRIu64, prefix, number);
    CHEK_ASSERT(size > 0 && size < 80);
    return chek_bytes_view_of((const uint8_t *)bytes, (size_t)size);
}

/* ---- receipts --------------------------------------------------------------------------------- */

static const struct chek_tax *
make_tax(const struct maker *maker, const struct maker_register *to, int64_t amount)
{
    static const uint32_t rates[] = {0, 5000, 12000, 16000};
    struct chek_tax *tax = maker_take(maker, sizeof *tax);
    tax->kind = maker_chance(maker, 15) ? CHEK_TAX_KIND_NONE : CHEK_TAX_KIND_VAT;
    if (tax->kind == CHEK_TAX_KIND_VAT) {
        tax->rate = to->key_variety > 50 ? (uint32_t)maker_below(maker, 40) * 500
                                         : rates[maker_below(maker, CHEK_COUNT(rates))];
        tax->sum = chek_money_tax_included(amount, tax->rate);
        tax->on_top = maker_chance(maker, 10);
        tax->turnover = maker_chance(maker, 20) ? amount + 1 : 0;
    }
    return tax;
}

/* A line, and what it adds to the total. */
static int64_t
make_line(const struct maker *maker, struct maker_register *to, struct chek_line *line,
          bool with_taxes, int64_t sum_so_far)
{
    line->sum = 100 + (int64_t)maker_below(maker, 50000);
    line->section = maker_chance(maker, 80)
                        ? maker_text(maker, "S", maker_below(maker, to->key_variety))
                        : (struct chek_bytes_view){0};
    if (maker_chance(maker, 5)) {
        line->section = maker_text(maker, "a long name of a section S", maker_below(maker, 3));
    }
    if (to->with_names) {
        line->quantity = 1000000;
        line->name = maker_text(maker, "goods ", maker_below(maker, 30));
    }
    int64_t effect = line->sum;
    if (sum_so_far > 60000 && maker_chance(maker, 40)) {
        line->kind = maker_chance(maker, 50) ? CHEK_LINE_KIND_DISCOUNT : CHEK_LINE_KIND_COMMODITY;
        line->storno = line->kind == CHEK_LINE_KIND_COMMODITY;
        effect = -line->sum;
    } else if (maker_chance(maker, 15)) {
        line->kind = maker_chance(maker, 70) ? CHEK_LINE_KIND_MARKUP : CHEK_LINE_KIND_DISCOUNT;
        line->storno = line->kind == CHEK_LINE_KIND_DISCOUNT;
    }
    if (with_taxes && maker_chance(maker, 85)) {
        line->taxes = make_tax(maker, to, line->sum);
        line->taxes_count = 1;
    }
    return effect;
}

static void
make_payments(const struct maker *maker, struct chek_receipt *receipt)
{
    struct chek_payment *payments = maker_take(maker, 2 * sizeof *payments);
    receipt->payments = payments;
    receipt->payments_count = 1;
    payments[0].kind = (uint8_t)maker_below(maker, CHEK_PAYMENT_KIND_COUNT);
    payments[0].sum = receipt->total;
    if (maker_chance(maker, 40) && receipt->total > 10) {
        payments[0].kind = CHEK_PAYMENT_KIND_CASH;
        payments[1].kind = CHEK_PAYMENT_KIND_CARD;
        payments[1].sum = (int64_t)maker_below(maker, (uint64_t)receipt->total);
        payments[0].sum -= payments[1].sum;
        receipt->payments_count = 2;
    }
    if (payments[0].kind == CHEK_PAYMENT_KIND_CASH && payments[0].sum > 0 &&
        maker_chance(maker, 40)) {
        receipt->change = 1 + (int64_t)maker_below(maker, 5000);
        payments[0].sum += maker_chance(maker, 70) ? receipt->change : 0; /* or net of it already */
    }
}

static void
make_modifier(const struct maker *maker, struct maker_register *to, struct chek_receipt *receipt,
              bool with_taxes)
{
    struct chek_modifier *modifier = maker_take(maker, sizeof *modifier);
    bool is_discount = maker_chance(maker, 70);
    modifier->sum =
        1 + (int64_t)maker_below(maker, is_discount ? (uint64_t)receipt->total / 2 : 3000);
    if (with_taxes && maker_chance(maker, 60)) {
        modifier->taxes = make_tax(maker, to, modifier->sum);
        modifier->taxes_count = 1;
    }
    if (is_discount) {
        receipt->discount = modifier;
        receipt->total -= modifier->sum;
    } else {
        receipt->markup = modifier;
        receipt->total += modifier->sum;
    }
}

/* One of nine, of whom some are said to have a TIN, and some a name too. */
static void
make_buyer(const struct maker *maker, struct chek_receipt *receipt, uint64_t who)
{
    struct chek_person *persons = maker_take(maker, 2 * sizeof *persons);
    receipt->buyer = maker_text(maker, "+7701000000", who);
    persons[0] = (struct chek_person){.kind = CHEK_PERSON_KIND_TIN,
                                      .value = maker_text(maker, "85010130012", who)};
    persons[1] = (struct chek_person){.kind = CHEK_PERSON_KIND_NAME,
                                      .value = maker_text(maker, "Buyer ", who)};
    receipt->persons = persons;
    receipt->persons_count = (uint32_t)(who / 3);
}

struct chek_receipt *
maker_receipt(const struct maker *maker, struct maker_register *to)
{
    struct chek_receipt *receipt = maker_take(maker, sizeof *receipt);
    uint32_t count =
        1 + (uint32_t)maker_below(maker, maker_chance(maker, to->is_wide ? 60 : 5) ? 40 : 5);
    struct chek_line *lines = maker_take(maker, count * sizeof *lines);
    bool ticket_taxes = maker_chance(maker, 15);
    receipt->operation = maker_chance(maker, 70)
                             ? CHEK_OPERATION_SELL
                             : (uint8_t)maker_below(maker, CHEK_OPERATION_COUNT);
    receipt->time = to->time;
    receipt->lines = lines;
    receipt->lines_count = count;
    for (uint32_t i = 0; i < count; i++) {
        receipt->total += make_line(maker, to, &lines[i], !ticket_taxes, receipt->total);
    }
    if (maker_chance(maker, 15)) {
        make_modifier(maker, to, receipt, !ticket_taxes);
    }
    if (ticket_taxes) {
        receipt->taxes = make_tax(maker, to, receipt->total);
        receipt->taxes_count = 1;
    }
    if (maker_chance(maker, 92)) {
        make_payments(maker, receipt);
    }
    if (maker_chance(maker, 60)) {
        const char *prefix = maker_chance(maker, 10) ? "a cashier with a long name, number " : "C";
        receipt->operator= maker_text(maker, prefix, maker_below(maker, to->key_variety));
    }
    if (to->with_names && maker_chance(maker, 15)) {
        make_buyer(maker, receipt, maker_below(maker, 9));
    }
    receipt->offline = maker_chance(maker, 10);
    to->sign += 1;
    receipt->sign = maker_chance(maker, 60) ? to->sign : 0;
    return receipt;
}

struct chek_document *
maker_wrap(const struct maker *maker, const struct chek_receipt *receipt)
{
    struct chek_document *document = maker_take(maker, sizeof *document);
    document->receipt = receipt;
    return document;
}

const struct chek_document *
maker_poorer(const struct maker *maker, const struct chek_receipt *receipt)
{
    struct chek_receipt *poorer = maker_take(maker, sizeof *poorer);
    *poorer = *receipt;
    poorer->lines = NULL;
    poorer->lines_count = 0;
    if (maker_chance(maker, 50)) {
        poorer->payments = NULL;
        poorer->payments_count = 0;
        poorer->change = 0;
    }
    if (maker_chance(maker, 50)) {
        poorer->operator=(struct chek_bytes_view){0};
    }
    if (maker_chance(maker, 30)) {
        poorer->time -= poorer->time % 60;
    }
    if (maker_chance(maker, 30)) {
        poorer->shift = 0;
    }
    if (poorer->sign != 0 && maker_chance(maker, 40)) {
        poorer->document = 0;
    }
    return maker_wrap(maker, poorer);
}

/* ---- the order of things ---------------------------------------------------------------------- */

/* A regular number: the next, after a hole, or one that was left out. */
static uint32_t
choose_number(const struct maker *maker, struct maker_register *to)
{
    if (to->skipped_count != 0 && maker_chance(maker, 25)) {
        uint32_t at = (uint32_t)maker_below(maker, to->skipped_count);
        uint32_t number = to->skipped[at];
        to->skipped[at] = to->skipped[--to->skipped_count];
        return number;
    }
    to->number += 1;
    while (to->skipped_count < MAKER_SKIPPED_MAX && maker_chance(maker, 7)) {
        to->skipped[to->skipped_count++] = to->number++;
    }
    return to->number;
}

/* The open shift by number or by silence, the next one, or one that is over. */
static uint32_t
choose_shift(const struct maker *maker, const struct maker_register *to)
{
    uint32_t last = to->naive->last;
    if (last == 0) {
        return maker_chance(maker, 80) ? to->first_shift : 0;
    }
    if (maker_chance(maker, 12)) {
        return 1 + (uint32_t)maker_below(maker, last);
    }
    if (maker_chance(maker, to->is_wide ? 1 : 3)) {
        return last + 1 + (uint32_t)maker_below(maker, 2);
    }
    return maker_chance(maker, 50) ? to->naive->open : 0;
}

void
maker_number_receipt(const struct maker *maker, struct maker_register *to,
                     struct chek_receipt *receipt)
{
    receipt->shift = choose_shift(maker, to);
    receipt->document = choose_number(maker, to);
    if (maker_chance(maker, 6)) { /* no number at all */
        to->skipped[to->skipped_count] = receipt->document;
        to->skipped_count += to->skipped_count < MAKER_SKIPPED_MAX - 1;
        receipt->document = 0;
        receipt->autonomous = receipt->sign == 0 ? to->sign : 0;
    }
}

/* ---- movements and closes --------------------------------------------------------------------- */

const struct chek_document *
maker_movement(const struct maker *maker, struct maker_register *to)
{
    struct chek_movement *movement = maker_take(maker, sizeof *movement);
    struct chek_document *document = maker_take(maker, sizeof *document);
    movement->direction = (uint8_t)maker_below(maker, CHEK_DIRECTION_COUNT);
    movement->time = to->time;
    movement->sum = 1 + (int64_t)maker_below(maker, 100000);
    movement->offline = maker_chance(maker, 20);
    movement->shift = choose_shift(maker, to);
    movement->document = choose_number(maker, to);
    document->movement = movement;
    return document;
}

static bool
is_closed(const struct chek_naive *naive, uint32_t shift)
{
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        if (entry->document != NULL && entry->document->close != NULL && entry->shift == shift) {
            return true;
        }
    }
    return false;
}

const struct chek_document *
maker_close(const struct maker *maker, struct maker_register *to)
{
    struct chek_close *close = maker_take(maker, sizeof *close);
    struct chek_document *document = maker_take(maker, sizeof *document);
    close->time = to->time;
    close->withdraw = maker_chance(maker, 50);
    close->document = choose_number(maker, to);
    close->shift = maker_chance(maker, 60) ? to->naive->open : 0;
    if (maker_chance(maker, 15) && to->naive->last > 1) {
        uint32_t shift = 1 + (uint32_t)maker_below(maker, to->naive->last);
        close->shift = is_closed(to->naive, shift) ? close->shift : shift;
    }
    document->close = close;
    return document;
}

const struct chek_document *
maker_conflict(const struct maker *maker, const struct chek_document *document, uint16_t *ret_field)
{
    struct chek_document *changed = maker_take(maker, sizeof *changed);
    *changed = *document;
    if (changed->receipt != NULL) {
        struct chek_receipt *receipt = maker_take(maker, sizeof *receipt);
        *receipt = *changed->receipt;
        receipt->operation = (uint8_t)((receipt->operation + 1) % CHEK_OPERATION_COUNT);
        changed->receipt = receipt;
        *ret_field = CHEK_FIELD_RECEIPT_OPERATION;
    } else if (changed->movement != NULL) {
        struct chek_movement *movement = maker_take(maker, sizeof *movement);
        *movement = *changed->movement;
        movement->sum += 1;
        changed->movement = movement;
        *ret_field = CHEK_FIELD_MOVEMENT_SUM;
    } else {
        struct chek_close *close = maker_take(maker, sizeof *close);
        *close = *changed->close;
        close->time += 3600;
        changed->close = close;
        *ret_field = CHEK_FIELD_CLOSE_TIME;
    }
    return changed;
}
