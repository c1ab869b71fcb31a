/* SPDX-License-Identifier: MIT */
/*
 * prop_fiscal.c - random histories of several registers: what the engine shows equals what a list
 * of documents comes to.
 *
 * Laws, after every few documents: X, every Z and every revision of it equal the naive evaluator;
 * statuses, ordinals, shifts and warnings are as foreseen; a repeat or a conflict changes nothing
 * but counters; numbers lead to the copy that stands; holes are the numbers never sent. At the end:
 * the same history gives the same bytes, also when the heap is dumped and loaded on the way.
 */
#include "engine/base/arena.h"
#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "tests/fiscal/fixture.h"
#include "tests/prop/prop.h"
#include "tools/verify/naive/naive.h"

#define REGISTER_COUNT 3
#define DOCUMENT_COUNT 260
#define CHECK_STEP 40
#define FIRST_SHIFT 4
#define STORY_ARENA_SIZE (64 * 1024 * 1024)
#define SKIPPED_MAX 64

/* The heaps of all histories of seed 1, whatever compiled them. Another number is another format:
 * then the partition's apply_version changes too. */
#define STATE_OF_SEED_1 UINT64_C(0xbee90c5b8a682d77)

/* What was sent and stays to be sent again, or fuller, or changed. */
struct sent {
    const struct chek_document *document;
    const struct chek_document *fuller; /* NULL: the document is whole */
    int32_t entry;                      /* in the naive list */
};

struct story_register {
    struct chek_naive naive;
    struct sent sent[2 * DOCUMENT_COUNT];
    uint32_t sent_count;
    uint32_t number;
    uint32_t skipped[SKIPPED_MAX]; /* numbers that will come late */
    uint32_t skipped_count;
    uint64_t sign;
    int64_t time;
    uint32_t key_variety; /* sections, operators and rates to choose from */
    bool is_wide;         /* so many keys and lines that the caps of a cell are reached */
};

/* What histories were about: a law that nothing touched would hold for nothing. */
struct coverage {
    uint64_t stored, duplicates, conflicts, completed, late, unknown, gaps, frozen_other,
        open_other, revisions;
};

static struct coverage covered;
static uint64_t covered_seals; /* only the real store has them */

struct story {
    struct prop *prop;
    struct chek_prng *prng;
    struct fixture fixture;
    struct chek_arena arena;
    struct story_register registers[REGISTER_COUNT];
    bool reloads; /* dump and load the heap now and then */
};

static uint64_t
below(struct story *story, uint64_t bound)
{
    return chek_prng_below(story->prng, bound);
}

static bool
chance(struct story *story, uint64_t percent)
{
    return below(story, 100) < percent;
}

static void *
take(struct story *story, size_t size)
{
    void *bytes = chek_arena_take(&story->arena, size);
    PROP_CHECK(story->prop, bytes != NULL);
    memset(bytes, 0, size);
    return bytes;
}

static struct chek_bytes_view
text(struct story *story, const char *prefix, uint64_t number)
{
    char *bytes = take(story, 80);
    int size = snprintf(bytes, 80, "%s%" PRIu64, prefix, number);
    return chek_bytes_view_of(bytes, (size_t)size);
}

/* ---- receipts --------------------------------------------------------------------------------- */

static const struct chek_tax *
make_tax(struct story *story, const struct story_register *to, int64_t amount)
{
    static const uint32_t rates[] = {0, 5000, 12000, 16000};
    struct chek_tax *tax = take(story, sizeof *tax);
    tax->kind = chance(story, 15) ? CHEK_TAX_KIND_NONE : CHEK_TAX_KIND_VAT;
    if (tax->kind == CHEK_TAX_KIND_VAT) {
        tax->rate = to->key_variety > 50 ? (uint32_t)below(story, 40) * 500
                                         : rates[below(story, CHEK_COUNT(rates))];
        tax->sum = chek_money_tax_included(amount, tax->rate);
        tax->on_top = chance(story, 10);
        tax->turnover = chance(story, 20) ? amount + 1 : 0;
    }
    return tax;
}

/* A line, and what it adds to the total. */
static int64_t
make_line(struct story *story, struct story_register *to, struct chek_line *line, bool with_taxes,
          int64_t sum_so_far)
{
    line->sum = 100 + (int64_t)below(story, 50000);
    line->section = chance(story, 80) ? text(story, "S", below(story, to->key_variety))
                                      : (struct chek_bytes_view){0};
    if (chance(story, 5)) {
        line->section = text(story, "a long name of a section S", below(story, 3));
    }
    int64_t effect = line->sum;
    if (sum_so_far > 60000 && chance(story, 40)) {
        line->kind = chance(story, 50) ? CHEK_LINE_KIND_DISCOUNT : CHEK_LINE_KIND_COMMODITY;
        line->storno = line->kind == CHEK_LINE_KIND_COMMODITY;
        effect = -line->sum;
    } else if (chance(story, 15)) {
        line->kind = chance(story, 70) ? CHEK_LINE_KIND_MARKUP : CHEK_LINE_KIND_DISCOUNT;
        line->storno = line->kind == CHEK_LINE_KIND_DISCOUNT;
    }
    if (with_taxes && chance(story, 85)) {
        line->taxes = make_tax(story, to, line->sum);
        line->taxes_count = 1;
    }
    return effect;
}

static void
make_payments(struct story *story, struct chek_receipt *receipt)
{
    struct chek_payment *payments = take(story, 2 * sizeof *payments);
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
        payments[0].sum += chance(story, 70) ? receipt->change : 0; /* or net of it already */
    }
}

static void
make_modifier(struct story *story, struct story_register *to, struct chek_receipt *receipt,
              bool with_taxes)
{
    struct chek_modifier *modifier = take(story, sizeof *modifier);
    bool is_discount = chance(story, 70);
    modifier->sum = 1 + (int64_t)below(story, is_discount ? (uint64_t)receipt->total / 2 : 3000);
    if (with_taxes && chance(story, 60)) {
        modifier->taxes = make_tax(story, to, modifier->sum);
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

static struct chek_receipt *
make_receipt(struct story *story, struct story_register *to)
{
    struct chek_receipt *receipt = take(story, sizeof *receipt);
    uint32_t count = 1 + (uint32_t)below(story, chance(story, to->is_wide ? 60 : 5) ? 40 : 5);
    struct chek_line *lines = take(story, count * sizeof *lines);
    bool ticket_taxes = chance(story, 15);
    receipt->operation =
        chance(story, 70) ? CHEK_OPERATION_SELL : (uint8_t)below(story, CHEK_OPERATION_COUNT);
    receipt->time = to->time;
    receipt->lines = lines;
    receipt->lines_count = count;
    for (uint32_t i = 0; i < count; i++) {
        receipt->total += make_line(story, to, &lines[i], !ticket_taxes, receipt->total);
    }
    if (chance(story, 15)) {
        make_modifier(story, to, receipt, !ticket_taxes);
    }
    if (ticket_taxes) {
        receipt->taxes = make_tax(story, to, receipt->total);
        receipt->taxes_count = 1;
    }
    if (chance(story, 92)) {
        make_payments(story, receipt);
    }
    if (chance(story, 60)) {
        /* A draw a statement: C does not order the arguments of a call. */
        const char *prefix = chance(story, 10) ? "a cashier with a long name, number " : "C";
        receipt->operator= text(story, prefix, below(story, to->key_variety));
    }
    receipt->offline = chance(story, 10);
    to->sign += 1;
    receipt->sign = chance(story, 60) ? to->sign : 0;
    return receipt;
}

static struct chek_document *
wrap_receipt(struct story *story, const struct chek_receipt *receipt)
{
    struct chek_document *document = take(story, sizeof *document);
    document->receipt = receipt;
    return document;
}

/* A poorer copy of a receipt: some of what it carries is not there. */
static const struct chek_document *
make_poorer(struct story *story, const struct chek_receipt *receipt)
{
    struct chek_receipt *poorer = take(story, sizeof *poorer);
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
        poorer->time -= poorer->time % 60;
    }
    if (chance(story, 30)) {
        poorer->shift = 0;
    }
    if (poorer->sign != 0 && chance(story, 40)) {
        poorer->document = 0;
    }
    return wrap_receipt(story, poorer);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static struct chek_result
send_document(struct story *story, uint32_t at, const struct chek_document *document)
{
    return fixture_apply(&story->fixture, at + 1, document);
}

/* Bytes of the state but for the counters of what changed nothing. */
static uint64_t
state_hash(struct story *story)
{
    struct chek_fiscal_root *root = chek_page_heap_root_change(&story->fixture.heap);
    struct chek_fiscal_root kept = *root;
    root->duplicate_count = 0;
    root->conflict_count = 0;
    uint64_t hash = chek_page_heap_hash(&story->fixture.heap);
    *root = kept;
    return hash;
}

static void
check_expected(struct story *story, const struct chek_result *result, uint8_t status,
               const struct chek_naive_expected *expected)
{
    if (result->status != status || result->ordinal != expected->ordinal ||
        result->shift != expected->shift || result->warnings != expected->warnings) {
        fprintf(stderr,
                "register %u: status %u, not %u; ordinal %u, not %u; shift %u, not %u; warnings "
                "%x, not %x; field %s\n",
                result->registration, result->status, status, result->ordinal, expected->ordinal,
                result->shift, expected->shift, result->warnings, expected->warnings,
                chek_field_name((uint16_t)result->field));
    }
    covered.stored += 1;
    covered.completed += status == CHEK_STATUS_COMPLETED;
    covered.late += (result->warnings >> CHEK_WARNING_LATE) & 1;
    covered.unknown += (result->warnings >> CHEK_WARNING_SHIFT_UNKNOWN) & 1;
    covered.gaps += (result->warnings >> CHEK_WARNING_DOCUMENT_GAP) & 1;
    PROP_CHECK(story->prop, result->status == status);
    PROP_CHECK(story->prop, result->ordinal == expected->ordinal);
    PROP_CHECK(story->prop, result->shift == expected->shift);
    PROP_CHECK(story->prop, result->warnings == expected->warnings);
}

static void
remember(struct story_register *to, const struct chek_document *document,
         const struct chek_document *fuller)
{
    to->sent[to->sent_count++] = (struct sent){document, fuller, (int32_t)to->naive.count - 1};
}

static void
send_fresh(struct story *story, uint32_t at, const struct chek_document *document,
           const struct chek_document *fuller)
{
    struct story_register *to = &story->registers[at];
    struct chek_naive_expected expected;
    PROP_CHECK(story->prop, chek_naive_apply(&to->naive, document, -1, &expected) == CHEK_OK);
    struct chek_result result = send_document(story, at, document);
    check_expected(story, &result, CHEK_STATUS_STORED, &expected);
    remember(to, document, fuller);
}

/* A regular number: the next, after a hole, or one that was left out. 0: none. */
static uint32_t
choose_number(struct story *story, struct story_register *to)
{
    if (to->skipped_count != 0 && chance(story, 25)) {
        uint32_t at = (uint32_t)below(story, to->skipped_count);
        uint32_t number = to->skipped[at];
        to->skipped[at] = to->skipped[--to->skipped_count];
        return number;
    }
    to->number += 1;
    while (to->skipped_count < SKIPPED_MAX && chance(story, 7)) {
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
        return chance(story, 80) ? FIRST_SHIFT : 0;
    }
    if (chance(story, 12)) {
        return 1 + (uint32_t)below(story, last);
    }
    if (chance(story, to->is_wide ? 1 : 3)) {
        return last + 1 + (uint32_t)below(story, 2);
    }
    return chance(story, 50) ? to->naive.open : 0;
}

static void
act_receipt(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    struct chek_receipt *receipt = make_receipt(story, to);
    receipt->shift = choose_shift(story, to);
    receipt->document = choose_number(story, to);
    if (chance(story, 6)) { /* no number at all */
        to->skipped[to->skipped_count] = receipt->document;
        to->skipped_count += to->skipped_count < SKIPPED_MAX - 1;
        receipt->document = 0;
        receipt->autonomous = receipt->sign == 0 ? to->sign : 0;
    }
    const struct chek_document *whole = wrap_receipt(story, receipt);
    if (chance(story, 20)) {
        send_fresh(story, at, make_poorer(story, receipt), whole);
    } else {
        send_fresh(story, at, whole, NULL);
    }
}

static void
act_movement(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    struct chek_movement *movement = take(story, sizeof *movement);
    struct chek_document *document = take(story, sizeof *document);
    movement->direction = (uint8_t)below(story, CHEK_DIRECTION_COUNT);
    movement->time = to->time;
    movement->sum = 1 + (int64_t)below(story, 100000);
    movement->offline = chance(story, 20);
    movement->shift = choose_shift(story, to);
    movement->document = choose_number(story, to);
    document->movement = movement;
    if (chance(story, 20)) {
        struct chek_movement *named = take(story, sizeof *named);
        struct chek_document *fuller = take(story, sizeof *fuller);
        *named = *movement;
        named->operator= text(story, "C", 1);
        named->offline = true;
        fuller->movement = named;
        send_fresh(story, at, document, fuller);
    } else {
        send_fresh(story, at, document, NULL);
    }
}

/* A close: of the open shift mostly; else of a shift that nobody of the register has closed. */
static void
act_close(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    struct chek_close *close = take(story, sizeof *close);
    struct chek_document *document = take(story, sizeof *document);
    close->time = to->time;
    close->withdraw = chance(story, 50);
    close->document = choose_number(story, to);
    close->shift = chance(story, 60) ? to->naive.open : 0;
    if (chance(story, 15) && to->naive.last > 1) {
        uint32_t shift = 1 + (uint32_t)below(story, to->naive.last);
        bool is_taken = false;
        for (uint32_t i = 0; i < to->naive.count; i++) {
            const struct chek_naive_entry *entry = &to->naive.entries[i];
            is_taken = is_taken || (entry->document != NULL && entry->document->close != NULL &&
                                    entry->shift == shift);
        }
        close->shift = is_taken ? close->shift : shift;
    }
    document->close = close;
    send_fresh(story, at, document, NULL);
}

static const struct sent *
choose_sent(struct story *story, const struct story_register *to)
{
    /* Mostly one of the last: that is how repeats come. */
    uint32_t back = chance(story, 60) && to->sent_count > 8 ? 8 : to->sent_count;
    return &to->sent[to->sent_count - 1 - below(story, back)];
}

static void
act_repeat(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    const struct sent *sent = choose_sent(story, to);
    const struct chek_naive_entry *standing =
        &to->naive.entries[chek_naive_standing(&to->naive, sent->entry)];
    uint64_t before = state_hash(story);
    uint64_t history = chek_store_history_hash(story->fixture.store);
    struct chek_result result = send_document(story, at, sent->document);
    covered.duplicates += 1;
    PROP_CHECK(story->prop, result.status == CHEK_STATUS_DUPLICATE);
    PROP_CHECK(story->prop, result.ordinal == standing->ordinal);
    PROP_CHECK(story->prop, result.shift == standing->shift);
    PROP_CHECK(story->prop, state_hash(story) == before);
    PROP_CHECK(story->prop, chek_store_history_hash(story->fixture.store) == history);
    PROP_CHECK(story->prop, story->fixture.event_count == 0);
}

static void
act_conflict(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    const struct sent *sent = choose_sent(story, to);
    struct chek_document changed = *sent->document;
    struct chek_receipt receipt;
    struct chek_movement movement;
    struct chek_close close;
    uint16_t field;
    if (changed.receipt != NULL) {
        receipt = *changed.receipt;
        receipt.operation = (uint8_t)((receipt.operation + 1) % CHEK_OPERATION_COUNT);
        changed.receipt = &receipt;
        field = CHEK_FIELD_RECEIPT_OPERATION;
    } else if (changed.movement != NULL) {
        movement = *changed.movement;
        movement.sum += 1;
        changed.movement = &movement;
        field = CHEK_FIELD_MOVEMENT_SUM;
    } else {
        close = *changed.close;
        close.time += 3600;
        changed.close = &close;
        field = CHEK_FIELD_CLOSE_TIME;
    }
    uint64_t before = state_hash(story);
    struct chek_result result = send_document(story, at, &changed);
    covered.conflicts += 1;
    PROP_CHECK(story->prop, result.status == CHEK_STATUS_CONFLICT);
    PROP_CHECK(story->prop, result.field == field);
    PROP_CHECK(story->prop, state_hash(story) == before);
    PROP_CHECK(story->prop, story->fixture.event_count == 1);
    PROP_CHECK(story->prop, story->fixture.events[0].kind == CHEK_EVENT_KIND_CONFLICT);
}

static void
act_fuller(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    for (uint32_t i = to->sent_count; i-- > 0;) {
        struct sent *sent = &to->sent[i];
        if (sent->fuller == NULL || chance(story, 50)) {
            continue;
        }
        struct chek_naive_expected expected;
        PROP_CHECK(story->prop,
                   chek_naive_apply(&to->naive, sent->fuller, sent->entry, &expected) == CHEK_OK);
        struct chek_result result = send_document(story, at, sent->fuller);
        check_expected(story, &result, CHEK_STATUS_COMPLETED, &expected);
        remember(to, sent->fuller, NULL);
        sent->fuller = NULL;
        return;
    }
}

static void
act_move(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    char point[16];
    snprintf(point, sizeof point, "point %u", to->naive.binding + 1U);
    fixture_register(&story->fixture, at + 1, point);
    to->naive.binding += 1;
}

/* ---- laws ------------------------------------------------------------------------------------- */

static void
check_figures(struct story *story, const struct chek_naive_figures *want,
              const struct chek_report *report)
{
    static struct chek_naive_figures got;
    chek_naive_read_report(report, &got);
    const char *name = chek_naive_differs(want, &got);
    if (name != NULL) {
        fprintf(stderr, "register %u, shift %u, revision %u: %s is %" PRId64 ", not %" PRId64 "\n",
                report->registration, report->shift, report->revision, name,
                chek_naive_value(&got, name), chek_naive_value(want, name));
    }
    PROP_CHECK(story->prop, name == NULL);
}

static bool
has_other(const struct chek_report *report)
{
    uint32_t last = report->sections_count;
    return last != 0 && report->sections[last - 1].other;
}

static void
check_report(struct story *story, uint32_t at, uint32_t shift, uint32_t revision)
{
    static struct chek_naive_figures want;
    const struct chek_naive *naive = &story->registers[at].naive;
    struct chek_answer_report answer;
    chek_arena_reset(&story->fixture.arena);
    int error = chek_fiscal_report(&story->fixture.fiscal, at + 1, shift, revision, false,
                                   &story->fixture.arena, &answer);
    PROP_CHECK(story->prop, error == CHEK_OK);
    if (shift == naive->open) {
        PROP_CHECK(story->prop, chek_naive_open(naive, &want) == CHEK_OK);
        check_figures(story, &want, answer.report);
        covered.open_other += has_other(answer.report);
        return;
    }
    struct chek_report frozen = *answer.report;
    PROP_CHECK(story->prop, frozen.revision == revision);
    frozen.revision = 0;
    PROP_CHECK(story->prop, chek_naive_frozen(naive, shift, &want) == CHEK_OK);
    check_figures(story, &want, &frozen);
    covered.frozen_other += has_other(&frozen);
    covered.revisions += revision != 0;
    PROP_CHECK(story->prop, (answer.late != NULL) == (revision != 0));
    if (answer.late != NULL) {
        PROP_CHECK(story->prop, chek_naive_late(naive, shift, revision, &want) == CHEK_OK);
        check_figures(story, &want, answer.late);
    }
}

static void
check_numbers(struct story *story, uint32_t at)
{
    const struct chek_naive *naive = &story->registers[at].naive;
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        uint32_t standing = naive->entries[chek_naive_standing(naive, (int32_t)i)].ordinal;
        uint32_t ordinal;
        PROP_CHECK(story->prop, chek_fiscal_newest_copy(&story->fixture.fiscal, at + 1,
                                                        entry->ordinal, &ordinal) == CHEK_OK);
        PROP_CHECK(story->prop, ordinal == standing);
        const struct chek_receipt *receipt =
            entry->document != NULL ? entry->document->receipt : NULL;
        if (receipt != NULL && receipt->document != 0) {
            PROP_CHECK(story->prop,
                       chek_fiscal_find_document(&story->fixture.fiscal, at + 1, receipt->document,
                                                 &ordinal) == CHEK_OK);
            PROP_CHECK(story->prop, ordinal == standing);
        }
    }
}

struct holes {
    struct story *story;
    const struct chek_naive *naive;
    uint32_t count;
    uint32_t end;
};

static void
on_gap(void *context, uint32_t first, uint32_t count)
{
    struct holes *holes = context;
    PROP_CHECK(holes->story->prop, count != 0 && first > holes->end);
    holes->count += count;
    holes->end = first + count;
}

static void
check_gaps(struct story *story, uint32_t at)
{
    const struct chek_naive *naive = &story->registers[at].naive;
    static bool seen[1 << 20];
    memset(seen, 0, sizeof seen);
    uint32_t first = UINT32_MAX;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_document *document = naive->entries[i].document;
        if (document == NULL) {
            continue;
        }
        uint32_t number = document->receipt != NULL    ? document->receipt->document
                          : document->movement != NULL ? document->movement->document
                                                       : document->close->document;
        seen[number] = true;
        first = number != 0 && number < first ? number : first;
    }
    for (uint32_t i = first; i < naive->number_last; i++) {
        missing += !seen[i];
    }
    struct holes holes = {story, naive, 0, 0};
    PROP_CHECK(story->prop,
               chek_fiscal_gaps(&story->fixture.fiscal, at + 1, on_gap, &holes) == CHEK_OK);
    PROP_CHECK(story->prop, holes.count == missing);
}

struct shift_list {
    struct story *story;
    uint32_t at;
    uint32_t last, count;
};

static bool
on_shift(void *context, const struct chek_shift *shift)
{
    struct shift_list *list = context;
    const struct chek_naive *naive = &list->story->registers[list->at].naive;
    PROP_CHECK(list->story->prop, shift->shift > list->last);
    PROP_CHECK(list->story->prop,
               (int32_t)shift->revision ==
                   (shift->shift == naive->open ? 0 : chek_naive_revision(naive, shift->shift)));
    list->last = shift->shift;
    list->count += 1;
    return true;
}

static void
check_laws(struct story *story)
{
    for (uint32_t at = 0; at < REGISTER_COUNT; at++) {
        const struct chek_naive *naive = &story->registers[at].naive;
        uint32_t count = 0;
        if (naive->open != 0) {
            check_report(story, at, naive->open, UINT32_MAX);
            count += 1;
        }
        for (uint32_t shift = 1; shift <= naive->last; shift++) {
            int32_t revision = chek_naive_revision(naive, shift);
            for (int32_t r = revision; r >= 0 && r >= revision - 4; r--) {
                check_report(story, at, shift, (uint32_t)r);
            }
            count += revision >= 0;
        }
        struct shift_list list = {story, at, 0, 0};
        chek_arena_reset(&story->fixture.arena);
        PROP_CHECK(story->prop,
                   chek_fiscal_shifts(&story->fixture.fiscal, at + 1, 0, 0, &story->fixture.arena,
                                      on_shift, &list) == CHEK_OK);
        PROP_CHECK(story->prop, list.count == count);
        check_numbers(story, at);
        check_gaps(story, at);
    }
    PROP_CHECK(story->prop, chek_page_heap_is_valid(&story->fixture.heap));
}

/* ---- a story ---------------------------------------------------------------------------------- */

static void
reload(struct story *story)
{
    struct chek_page_heap loaded;
    PROP_CHECK(story->prop,
               chek_page_heap_load(&loaded, 65536, chek_page_heap_pages(&story->fixture.heap)) ==
                   CHEK_OK);
    chek_page_heap_finish(&story->fixture.heap);
    story->fixture.heap = loaded;
}

/* Rows become a segment now and then: nobody may notice. */
static void
seal(struct story *story)
{
    struct chek_seal *job = chek_store_seal_begin(story->fixture.store);
    if (job != NULL) {
        chek_seal_run(job);
        chek_seal_adopt(job);
        covered_seals += 1;
    }
}

static void
act(struct story *story)
{
    uint32_t at = (uint32_t)below(story, REGISTER_COUNT);
    struct story_register *to = &story->registers[at];
    uint64_t choice = below(story, 100);
    to->time += 1 + (int64_t)below(story, 400);
    if (to->sent_count == 0 || choice < 60) {
        act_receipt(story, at);
    } else if (choice < 68) {
        act_movement(story, at);
    } else if (choice < (to->is_wide ? 69 : 74)) {
        act_close(story, at);
    } else if (choice < 82) {
        act_repeat(story, at);
    } else if (choice < 86) {
        act_conflict(story, at);
    } else if (choice < 97) {
        act_fuller(story, at);
    } else {
        act_move(story, at);
    }
}

/* What a history ends in. */
struct ending {
    uint64_t heap, rows;
};

/* Run the history of a seed. */
static struct ending
run(struct prop *prop, struct chek_prng prng, bool reloads, bool checks)
{
    static struct story story;
    memset(&story, 0, sizeof story);
    story.prop = prop;
    story.prng = &prng;
    story.reloads = reloads;
    PROP_CHECK(prop, chek_arena_init(&story.arena, STORY_ARENA_SIZE) == CHEK_OK);
    fixture_begin(&story.fixture);
    for (uint32_t at = 0; at < REGISTER_COUNT; at++) {
        struct story_register *to = &story.registers[at];
        fixture_register(&story.fixture, at + 1, "point 0");
        to->time = FIXTURE_DAY;
        to->sign = 1000;
        to->is_wide = chance(&story, 30);
        to->key_variety = to->is_wide ? 2000 : 6;
    }
    for (uint32_t i = 0; i < DOCUMENT_COUNT; i++) {
        act(&story);
        if (checks && i % CHECK_STEP == CHECK_STEP - 1) {
            check_laws(&story);
        }
        if (reloads && i % 50 == 0) {
            reload(&story);
        }
        if (checks && i % 16 == 0) {
            seal(&story);
        }
    }
    if (checks) {
        check_laws(&story);
    }
    for (uint32_t at = 0; at < REGISTER_COUNT; at++) {
        chek_naive_finish(&story.registers[at].naive);
    }
    struct ending ending = {chek_page_heap_hash(&story.fixture.heap),
                            chek_store_history_hash(story.fixture.store)};
    fixture_end(&story.fixture);
    chek_arena_finish(&story.arena);
    return ending;
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 30);
    struct chek_prng prng;
    uint64_t all = 0;
    while (prop_next(&prop, &prng)) {
        struct ending ending = run(&prop, prng, false, true);
        struct ending again = run(&prop, prng, true, false);
        PROP_CHECK(&prop, ending.heap == again.heap);
        PROP_CHECK(&prop, ending.rows == again.rows);
        all = all * 31 + ending.heap;
    }
    printf("%s: state %016" PRIx64 "; %" PRIu64 " stored, %" PRIu64 " late, %" PRIu64
           " completed, %" PRIu64 " reports with OTHER, %" PRIu64 " segments\n",
           prop.name, all, covered.stored, covered.late, covered.completed,
           covered.open_other + covered.frozen_other, covered_seals);
    if (argument_count == 1) {
        PROP_CHECK(&prop, all == STATE_OF_SEED_1);
        const uint64_t *counts = (const uint64_t *)&covered;
        for (size_t i = 0; i < sizeof covered / sizeof *counts; i++) {
            PROP_CHECK(&prop, counts[i] != 0);
        }
    }
    return 0;
}
