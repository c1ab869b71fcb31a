/* SPDX-License-Identifier: MIT */
/* server_story.c - documents made up. */
#include "tests/sim/server_story.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

#include "engine/base/assertion.h"
#include "engine/base/money.h"

#define DAY INT64_C(1767225600) /* 2026-01-01 */
#define FIRST_SHIFT 3

static uint64_t
below(struct story *story, uint64_t bound)
{
    return chek_prng_below(&story->prng, bound);
}

static bool
chance(struct story *story, uint64_t percent)
{
    return below(story, 100) < percent;
}

static void *
take(struct chek_arena *arena, size_t size)
{
    void *bytes = chek_arena_take(arena, size);
    CHEK_ASSERT(bytes != NULL);
    memset(bytes, 0, size);
    return bytes;
}

__attribute__((format(printf, 2, 3))) static struct chek_bytes_view
text(struct chek_arena *arena, const char *format, ...)
{
    char *bytes = take(arena, 64);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(bytes, 64, format, arguments);
    va_end(arguments);
    CHEK_ASSERT(size > 0 && size < 64);
    return chek_bytes_view_of(bytes, (size_t)size);
}

/* ---- receipts --------------------------------------------------------------------------------- */

static const struct chek_tax *
make_tax(struct story *story, int64_t amount)
{
    static const uint32_t rates[] = {0, 5000, 12000, 16000};
    struct chek_tax *tax = take(story->arena, sizeof *tax);
    tax->kind = chance(story, 15) ? CHEK_TAX_KIND_NONE : CHEK_TAX_KIND_VAT;
    if (tax->kind == CHEK_TAX_KIND_VAT) {
        tax->rate = rates[below(story, CHEK_COUNT(rates))];
        tax->sum = chek_money_tax_included(amount, tax->rate);
    }
    return tax;
}

/* A line, and what it adds to the total. */
static int64_t
make_line(struct story *story, struct chek_line *line, bool with_taxes, int64_t sum_so_far)
{
    int64_t effect;
    line->sum = 100 + (int64_t)below(story, 50000);
    line->quantity = 1000000;
    line->section = text(story->arena, "S%" PRIu64, below(story, 4));
    line->name = text(story->arena, "goods %" PRIu64, below(story, 30));
    effect = line->sum;
    if (sum_so_far > 60000 && chance(story, 40)) {
        line->kind = chance(story, 50) ? CHEK_LINE_KIND_DISCOUNT : CHEK_LINE_KIND_COMMODITY;
        line->storno = line->kind == CHEK_LINE_KIND_COMMODITY;
        effect = -line->sum;
    } else if (chance(story, 10)) {
        line->kind = CHEK_LINE_KIND_MARKUP;
    }
    if (with_taxes && chance(story, 80)) {
        line->taxes = make_tax(story, line->sum);
        line->taxes_count = 1;
    }
    return effect;
}

static void
make_payments(struct story *story, struct chek_receipt *receipt)
{
    struct chek_payment *payments = take(story->arena, 2 * sizeof *payments);
    receipt->payments = payments;
    receipt->payments_count = 1;
    payments[0].kind = (uint8_t)below(story, CHEK_PAYMENT_KIND_COUNT);
    payments[0].sum = receipt->total;
    if (chance(story, 40) && receipt->total > 10) {
        payments[0].kind = CHEK_PAYMENT_KIND_CASH;
        payments[1].kind = CHEK_PAYMENT_KIND_CARD;
        payments[1].sum = (int64_t)below(story, (uint64_t)receipt->total);
        payments[0].sum -= payments[1].sum;
        receipt->payments_count = 2;
    }
    if (payments[0].kind == CHEK_PAYMENT_KIND_CASH && payments[0].sum > 0 && chance(story, 40)) {
        receipt->change = 1 + (int64_t)below(story, 5000);
        payments[0].sum += receipt->change;
    }
}

static struct chek_receipt *
make_receipt(struct story *story, const struct story_register *to)
{
    struct chek_receipt *receipt = take(story->arena, sizeof *receipt);
    uint32_t count = 1 + (uint32_t)below(story, chance(story, 3) ? 60 : 4);
    struct chek_line *lines = take(story->arena, count * sizeof *lines);
    bool ticket_taxes = chance(story, 15);
    receipt->operation =
        chance(story, 75) ? CHEK_OPERATION_SELL : (uint8_t)below(story, CHEK_OPERATION_COUNT);
    receipt->time = to->time;
    receipt->lines = lines;
    receipt->lines_count = count;
    for (uint32_t i = 0; i < count; i++) {
        receipt->total += make_line(story, &lines[i], !ticket_taxes, receipt->total);
    }
    if (ticket_taxes) {
        receipt->taxes = make_tax(story, receipt->total);
        receipt->taxes_count = 1;
    }
    if (chance(story, 92)) {
        make_payments(story, receipt);
    }
    if (chance(story, 60)) {
        receipt->operator= text(story->arena, "C%" PRIu64, below(story, 3));
    }
    if (chance(story, 15)) {
        receipt->buyer = text(story->arena, "+7701000%04" PRIu64, below(story, 9));
    }
    receipt->offline = chance(story, 10);
    story->mark += 1;
    receipt->sign = (uint64_t)STORY_MARK << 32 | story->mark;
    return receipt;
}

static struct chek_document *
wrap_receipt(struct chek_arena *arena, const struct chek_receipt *receipt)
{
    struct chek_document *document = take(arena, sizeof *document);
    document->receipt = receipt;
    return document;
}

/* A poorer copy of a receipt: some of what it carries is not there. */
static const struct chek_document *
make_poorer(struct story *story, const struct chek_receipt *receipt)
{
    struct chek_receipt *poorer = take(story->arena, sizeof *poorer);
    *poorer = *receipt;
    poorer->lines = NULL;
    poorer->lines_count = 0;
    if (chance(story, 50)) {
        poorer->payments = NULL;
        poorer->payments_count = 0;
        poorer->change = 0;
    }
    if (chance(story, 50)) {
        poorer->operator=(struct chek_bytes_view){0};
    }
    if (chance(story, 30)) {
        poorer->shift = 0;
    }
    if (chance(story, 30)) {
        poorer->document = 0; /* known by its sign only */
    }
    return wrap_receipt(story->arena, poorer);
}

/* ---- the order of things ---------------------------------------------------------------------- */

static void
add(struct story *story, struct story_register *to, const struct chek_document *document,
    int32_t completes)
{
    struct story_document *added = &to->documents[to->count];
    int32_t entry = completes >= 0 ? (int32_t)to->documents[completes].entry : -1;
    (void)story;
    *added = (struct story_document){.document = document, .completes = completes};
    int error = chek_naive_apply(&to->naive, document, entry, &added->expected);
    CHEK_ASSERT(error == CHEK_OK);
    added->entry = added->expected.ordinal;
    if (document->receipt != NULL && completes < 0) {
        added->mark = (uint32_t)document->receipt->sign;
    }
    to->count += 1;
}

/* A regular number: the next, after a hole, or one that was left out. */
static uint32_t
choose_number(struct story *story, struct story_register *to)
{
    if (to->skipped_count != 0 && chance(story, 25)) {
        return to->skipped[--to->skipped_count];
    }
    to->number += 1;
    while (to->skipped_count < CHEK_COUNT(to->skipped) && chance(story, 6)) {
        to->skipped[to->skipped_count++] = to->number++;
    }
    return to->number;
}

/* The open shift by number or by silence, the next one, or one that is over. */
static uint32_t
choose_shift(struct story *story, const struct story_register *to)
{
    uint32_t last = to->naive.last;
    if (last == 0) {
        return FIRST_SHIFT;
    }
    if (chance(story, 10)) {
        return 1 + (uint32_t)below(story, last);
    }
    if (chance(story, 3)) {
        return last + 1;
    }
    return chance(story, 50) ? to->naive.open : 0;
}

static void
add_receipt(struct story *story, struct story_register *to)
{
    struct chek_receipt *receipt = make_receipt(story, to);
    receipt->shift = choose_shift(story, to);
    receipt->document = choose_number(story, to);
    if (chance(story, 18) && to->fuller_count < CHEK_COUNT(to->fullers)) {
        to->fullers[to->fuller_count] = wrap_receipt(story->arena, receipt);
        to->poorer[to->fuller_count] = (int32_t)to->count;
        to->fuller_count += 1;
        add(story, to, make_poorer(story, receipt), -1);
    } else {
        add(story, to, wrap_receipt(story->arena, receipt), -1);
    }
}

static void
add_movement(struct story *story, struct story_register *to)
{
    struct chek_movement *movement = take(story->arena, sizeof *movement);
    struct chek_document *document = take(story->arena, sizeof *document);
    movement->direction = (uint8_t)below(story, CHEK_DIRECTION_COUNT);
    movement->time = to->time;
    movement->sum = 1 + (int64_t)below(story, 100000);
    movement->shift = choose_shift(story, to);
    movement->document = choose_number(story, to);
    document->movement = movement;
    add(story, to, document, -1);
}

static void
add_close(struct story *story, struct story_register *to)
{
    struct chek_close *close = take(story->arena, sizeof *close);
    struct chek_document *document = take(story->arena, sizeof *document);
    close->time = to->time;
    close->withdraw = chance(story, 50);
    close->document = choose_number(story, to);
    close->shift = chance(story, 60) ? to->naive.open : 0;
    document->close = close;
    add(story, to, document, -1);
}

static void
add_fuller(struct story *story, struct story_register *to)
{
    uint32_t at = (uint32_t)below(story, to->fuller_count);
    const struct chek_document *document = to->fullers[at];
    int32_t completes = to->poorer[at];
    to->fuller_count -= 1;
    to->fullers[at] = to->fullers[to->fuller_count];
    to->poorer[at] = to->poorer[to->fuller_count];
    add(story, to, document, completes);
}

static void
register_make(struct story *story, unsigned at, uint32_t document_count)
{
    struct story_register *to = &story->registers[at];
    struct chek_register_key *keys = take(story->arena, 2 * sizeof *keys);
    to->organisation = at % STORY_ORGANISATION_COUNT;
    keys[0] = (struct chek_register_key){.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
                                         .value = text(story->arena, "0000%u", 1000 + at)};
    keys[1] = (struct chek_register_key){.kind = CHEK_KEY_KIND_DEVICE,
                                         .value = text(story->arena, "device-%u", at)};
    to->profile = (struct chek_register){
        .keys = keys,
        .keys_count = 2,
        .organisation = text(story->arena, "org-%u", to->organisation),
        .point = text(story->arena, "point-%u", at / 2),
        .zone_minutes = 300,
        .currency = 398,
        .country = 398,
    };
    to->time = DAY + 8 * 3600;
    while (to->count < document_count) {
        uint64_t choice = below(story, 100);
        to->time += 1 + (int64_t)below(story, 400);
        if (to->count == 0 || choice < 70) {
            add_receipt(story, to);
        } else if (choice < 78) {
            add_movement(story, to);
        } else if (choice < 86 || to->fuller_count == 0) {
            add_close(story, to);
        } else {
            add_fuller(story, to);
        }
    }
}

void
story_make(struct story *story, struct chek_arena *arena, uint64_t seed, uint32_t document_count)
{
    CHEK_ASSERT(document_count <= STORY_DOCUMENT_MAX);
    memset(story, 0, sizeof *story);
    chek_prng_init(&story->prng, seed);
    story->arena = arena;
    story->prefix_register = STORY_REGISTER_COUNT;
    for (unsigned i = 0; i < STORY_REGISTER_COUNT; i++) {
        register_make(story, i, document_count / 2 + (uint32_t)below(story, document_count / 2));
        /* So that later ones need no memory. */
        (void)story_prefix(story, i, story->registers[i].count);
    }
}

void
story_free(struct story *story)
{
    for (unsigned i = 0; i < STORY_REGISTER_COUNT; i++) {
        chek_naive_finish(&story->registers[i].naive);
    }
    chek_naive_finish(&story->prefix);
}

const struct chek_naive *
story_prefix(struct story *story, unsigned at, uint32_t count)
{
    const struct story_register *from = &story->registers[at];
    struct chek_naive *naive = &story->prefix;

    CHEK_ASSERT(count <= from->count);
    if (story->prefix_register != at || story->prefix_count > count) {
        chek_naive_clear(naive);
        story->prefix_register = at;
        story->prefix_count = 0;
    }
    for (; story->prefix_count < count; story->prefix_count++) {
        const struct story_document *next = &from->documents[story->prefix_count];
        int32_t entry = next->completes >= 0 ? (int32_t)from->documents[next->completes].entry : -1;
        struct chek_naive_expected expected;
        int error = chek_naive_apply(naive, next->document, entry, &expected);
        CHEK_ASSERT(error == CHEK_OK);
    }
    return naive;
}

int32_t
story_document_of(const struct story_register *from, uint32_t entry)
{
    uint32_t low = 0;
    uint32_t high = from->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (from->documents[middle].entry < entry) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < from->count && from->documents[low].entry == entry ? (int32_t)low : -1;
}

/* ---- what must not be stored ------------------------------------------------------------------ */

const struct chek_document *
story_conflict(const struct story_document *document, struct chek_arena *arena)
{
    struct chek_document *changed = take(arena, sizeof *changed);
    *changed = *document->document;
    if (changed->receipt != NULL) {
        struct chek_receipt *receipt = take(arena, sizeof *receipt);
        *receipt = *changed->receipt;
        receipt->operation = (uint8_t)((receipt->operation + 1) % CHEK_OPERATION_COUNT);
        changed->receipt = receipt;
    } else if (changed->movement != NULL) {
        struct chek_movement *movement = take(arena, sizeof *movement);
        *movement = *changed->movement;
        movement->sum += 1;
        changed->movement = movement;
    } else {
        struct chek_close *close = take(arena, sizeof *close);
        *close = *changed->close;
        close->time += 3600;
        changed->close = close;
    }
    return changed;
}

const struct chek_document *
story_misshapen(struct chek_arena *arena, uint64_t seed)
{
    struct chek_receipt *receipt = take(arena, sizeof *receipt);
    struct chek_payment *payment = take(arena, sizeof *payment);
    receipt->time = DAY;
    receipt->sign = seed | 1;
    receipt->total = 1000;
    receipt->payments = payment;
    receipt->payments_count = 1;
    payment->sum = 999; /* not the total */
    return wrap_receipt(arena, receipt);
}
