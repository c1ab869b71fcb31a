/* SPDX-License-Identifier: MIT */
/*
 * sameness.c - the fiscal core, and whether one copy covers another.
 *
 * The core is compared by meaning: payments net of change, taxes summed by kind and rate wherever
 * they stand. Coverage is compared field by field.
 */
#include "engine/fiscal/sameness.h"

#define MINUTE_S 60
#define HOUR_MINUTES 60
#define ZONE_MINUTES_MAX (12 * HOUR_MINUTES) /* Kamchatka, the easternmost of Russia's zones */
#define TAX_SUM_COUNT_MAX 64                 /* beyond them taxes are summed together */

/* What a copy is beside another: each field can only make it worse, or add something. */
struct coverage {
    bool covers; /* nothing that the stored copy carries is missing or different */
    bool adds;   /* something that it lacks */
};

bool
fiscal__time_matches(int64_t a, int64_t b)
{
    if (a == b) {
        return true;
    }
    return a / MINUTE_S == b / MINUTE_S && (a % MINUTE_S == 0 || b % MINUTE_S == 0);
}

/* ---- core: payments --------------------------------------------------------------------------- */

/* Sums by kind, cash net of the change that it holds. */
static void
payments_sum(const struct chek_receipt *receipt, int64_t sums[CHEK_PAYMENT_KIND_COUNT])
{
    memset(sums, 0, CHEK_PAYMENT_KIND_COUNT * sizeof sums[0]);
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        sums[receipt->payments[i].kind] += receipt->payments[i].sum;
    }
    sums[CHEK_PAYMENT_KIND_CASH] = fiscal__receipt_cash(receipt);
}

static bool
payments_match(const struct chek_receipt *a, const struct chek_receipt *b)
{
    if (a->payments_count == 0 || b->payments_count == 0) {
        return true;
    }
    int64_t sums_a[CHEK_PAYMENT_KIND_COUNT];
    int64_t sums_b[CHEK_PAYMENT_KIND_COUNT];
    payments_sum(a, sums_a);
    payments_sum(b, sums_b);
    return memcmp(sums_a, sums_b, sizeof sums_a) == 0;
}

/* ---- core: taxes ------------------------------------------------------------------------------ */

struct tax_sums {
    uint32_t count;
    struct {
        uint64_t key;
        int64_t sums[2]; /* of either copy */
    } rows[TAX_SUM_COUNT_MAX + 1];
};

/* A copy's place in the sums. */
struct tax_side {
    struct tax_sums *sums;
    unsigned side;
};

static void
sums_on_row(void *context, enum fiscal__row_set set, uint8_t operation, struct chek_bytes_view key,
            const struct fiscal__addend *addend)
{
    (void)operation;
    if (set != FISCAL__TAXES) {
        return;
    }
    const struct tax_side *to = context;
    uint64_t number = 0;
    for (size_t i = 0; i < key.size; i++) {
        number = number << 8 | key.bytes[i];
    }
    uint32_t at = 0;
    while (at < to->sums->count && to->sums->rows[at].key != number) {
        at += 1;
    }
    if (at == to->sums->count && at < TAX_SUM_COUNT_MAX) {
        to->sums->rows[at].key = number;
        to->sums->count += 1;
    }
    to->sums->rows[at].sums[to->side] += addend->sum;
}

/* Whether a copy says what the taxes are: those of a modifier alone are not all of them. */
static bool
receipt_has_taxes(const struct chek_receipt *receipt)
{
    bool has = receipt->taxes_count != 0;
    for (uint32_t i = 0; i < receipt->lines_count && !has; i++) {
        has = receipt->lines[i].taxes_count != 0;
    }
    return has;
}

/* Taxes of the ticket and of its lines are rounded apart: by at most a half a line. */
static int64_t
taxes_tolerance(const struct chek_receipt *a, const struct chek_receipt *b)
{
    bool of_one_kind = (a->taxes_count != 0) == (b->taxes_count != 0);
    if (of_one_kind) {
        return 0;
    }
    return a->lines_count > b->lines_count ? a->lines_count : b->lines_count;
}

static bool
taxes_match(const struct chek_receipt *a, const struct chek_receipt *b)
{
    if (!receipt_has_taxes(a) || !receipt_has_taxes(b)) {
        return true;
    }
    struct tax_sums sums;
    memset(&sums, 0, sizeof sums);
    struct tax_side sides[2] = {{&sums, 0}, {&sums, 1}};
    fiscal__receipt_rows(a, 1, &(struct fiscal__row_sink){&sides[0], sums_on_row});
    fiscal__receipt_rows(b, 1, &(struct fiscal__row_sink){&sides[1], sums_on_row});

    int64_t tolerance = taxes_tolerance(a, b);
    for (uint32_t i = 0; i <= sums.count; i++) {
        int64_t difference = sums.rows[i].sums[0] - sums.rows[i].sums[1];
        if (difference > tolerance || difference < -tolerance) {
            return false;
        }
    }
    return true;
}

/* ---- core ------------------------------------------------------------------------------------- */

/* Whether drive, number and sign all say that two copies are of one receipt. */
static bool
names_are_equal(const struct chek_receipt *a, const struct chek_receipt *b)
{
    return a->fiscal_drive.size != 0 && chek_bytes_view_equal(a->fiscal_drive, b->fiscal_drive) &&
           a->document != 0 && a->document == b->document && a->sign != 0 && a->sign == b->sign;
}

/*
 * Some sources write the time of a Russian receipt in UTC and do not say so: it is off by whole
 * hours. Only the names of a receipt that are the drive's own can tell that it is the same. (F18)
 */
static bool
time_is_shifted(const struct chek_receipt *a, const struct chek_receipt *b)
{
    int64_t minutes = a->time / MINUTE_S - b->time / MINUTE_S;
    int64_t seconds[2] = {a->time % MINUTE_S, b->time % MINUTE_S};
    return minutes % HOUR_MINUTES == 0 && minutes <= ZONE_MINUTES_MAX &&
           minutes >= -ZONE_MINUTES_MAX &&
           (seconds[0] == seconds[1] || seconds[0] == 0 || seconds[1] == 0) &&
           names_are_equal(a, b);
}

static bool
number_matches(uint64_t a, uint64_t b)
{
    return a == 0 || b == 0 || a == b;
}

static bool
text_matches(struct chek_bytes_view a, struct chek_bytes_view b)
{
    return a.size == 0 || b.size == 0 || chek_bytes_view_equal(a, b);
}

/* The first field of the core that differs; 0 when none does. (F18) */
static uint16_t
receipt_core_differs(const struct chek_receipt *a, const struct chek_receipt *b)
{
    if (a->operation != b->operation) {
        return CHEK_FIELD_RECEIPT_OPERATION;
    }
    if (a->total != b->total) {
        return CHEK_FIELD_RECEIPT_TOTAL;
    }
    if (!fiscal__time_matches(a->time, b->time) && !time_is_shifted(a, b)) {
        return CHEK_FIELD_RECEIPT_TIME;
    }
    if (!number_matches(a->sign, b->sign)) {
        return CHEK_FIELD_RECEIPT_SIGN;
    }
    if (!text_matches(a->fiscal_drive, b->fiscal_drive)) {
        return CHEK_FIELD_RECEIPT_FISCAL_DRIVE;
    }
    if (!number_matches(a->document, b->document)) {
        return CHEK_FIELD_RECEIPT_DOCUMENT;
    }
    if (!payments_match(a, b)) {
        return CHEK_FIELD_RECEIPT_PAYMENTS;
    }
    return taxes_match(a, b) ? 0 : CHEK_FIELD_RECEIPT_TAXES;
}

static uint16_t
movement_core_differs(const struct chek_movement *a, const struct chek_movement *b)
{
    if (a->direction != b->direction) {
        return CHEK_FIELD_MOVEMENT_DIRECTION;
    }
    if (a->sum != b->sum) {
        return CHEK_FIELD_MOVEMENT_SUM;
    }
    if (!fiscal__time_matches(a->time, b->time)) {
        return CHEK_FIELD_MOVEMENT_TIME;
    }
    return number_matches(a->document, b->document) ? 0 : CHEK_FIELD_MOVEMENT_DOCUMENT;
}

static uint16_t
close_core_differs(const struct chek_close *a, const struct chek_close *b)
{
    if (!number_matches(a->shift, b->shift)) {
        return CHEK_FIELD_CLOSE_SHIFT;
    }
    if (!fiscal__time_matches(a->time, b->time)) {
        return CHEK_FIELD_CLOSE_TIME;
    }
    if (!number_matches(a->document, b->document)) {
        return CHEK_FIELD_CLOSE_DOCUMENT;
    }
    if (a->withdraw != b->withdraw) {
        return CHEK_FIELD_CLOSE_WITHDRAW;
    }
    return number_matches(a->sign, b->sign) ? 0 : CHEK_FIELD_CLOSE_SIGN;
}

/* ---- coverage --------------------------------------------------------------------------------- */

static void
cover_number(struct coverage *coverage, uint64_t fresh, uint64_t stored)
{
    coverage->covers = coverage->covers && (stored == 0 || fresh == stored);
    coverage->adds = coverage->adds || (stored == 0 && fresh != 0);
}

static void
cover_money(struct coverage *coverage, int64_t fresh, int64_t stored)
{
    cover_number(coverage, (uint64_t)fresh, (uint64_t)stored);
}

static void
cover_text(struct coverage *coverage, struct chek_bytes_view fresh, struct chek_bytes_view stored)
{
    coverage->covers =
        coverage->covers && (stored.size == 0 || chek_bytes_view_equal(fresh, stored));
    coverage->adds = coverage->adds || (stored.size == 0 && fresh.size != 0);
}

/* A fact that says the same in both, or is only in the fresh one. */
static void
cover_presence(struct coverage *coverage, bool fresh, bool stored)
{
    coverage->covers = coverage->covers && (fresh || !stored);
    coverage->adds = coverage->adds || (fresh && !stored);
}

static void
cover_exact(struct coverage *coverage, bool equal)
{
    coverage->covers = coverage->covers && equal;
}

static void
cover_taxes(struct coverage *coverage, const struct chek_tax *fresh, uint32_t fresh_count,
            const struct chek_tax *stored, uint32_t stored_count)
{
    if (stored_count == 0) {
        return; /* that there are taxes at all counts once a receipt */
    }
    cover_exact(coverage, fresh_count == stored_count);
    for (uint32_t i = 0; i < stored_count && coverage->covers; i++) {
        cover_exact(coverage, fresh[i].kind == stored[i].kind && fresh[i].rate == stored[i].rate &&
                                  fresh[i].sum == stored[i].sum &&
                                  fresh[i].on_top == stored[i].on_top);
        cover_money(coverage, fresh[i].turnover, stored[i].turnover);
    }
}

static void
cover_modifier(struct coverage *coverage, const struct chek_modifier *fresh,
               const struct chek_modifier *stored)
{
    cover_presence(coverage, fresh != NULL, stored != NULL);
    if (fresh == NULL || stored == NULL) {
        return;
    }
    cover_exact(coverage, fresh->sum == stored->sum);
    cover_text(coverage, fresh->name, stored->name);
    cover_taxes(coverage, fresh->taxes, fresh->taxes_count, stored->taxes, stored->taxes_count);
}

static void
cover_parent(struct coverage *coverage, const struct chek_parent *fresh,
             const struct chek_parent *stored)
{
    cover_presence(coverage, fresh != NULL, stored != NULL);
    if (fresh == NULL || stored == NULL) {
        return;
    }
    cover_number(coverage, fresh->document, stored->document);
    cover_number(coverage, fresh->sign, stored->sign);
    cover_money(coverage, fresh->time, stored->time);
    cover_money(coverage, fresh->total, stored->total);
    cover_text(coverage, fresh->registration_number, stored->registration_number);
    cover_number(coverage, fresh->offline, stored->offline);
    cover_number(coverage, fresh->shift, stored->shift);
}

static void
cover_markings(struct coverage *coverage, const struct chek_line *fresh,
               const struct chek_line *stored)
{
    cover_presence(coverage, fresh->markings_count != 0, stored->markings_count != 0);
    if (stored->markings_count != 0) {
        cover_exact(coverage, fresh->markings_count == stored->markings_count);
    }
    for (uint32_t i = 0; i < stored->markings_count && coverage->covers; i++) {
        cover_exact(coverage, chek_bytes_view_equal(fresh->markings[i], stored->markings[i]));
    }
}

static void
cover_line(struct coverage *coverage, const struct chek_line *fresh, const struct chek_line *stored)
{
    cover_exact(coverage, fresh->kind == stored->kind && fresh->storno == stored->storno &&
                              fresh->sum == stored->sum);
    cover_text(coverage, fresh->code, stored->code);
    cover_text(coverage, fresh->name, stored->name);
    cover_number(coverage, fresh->gtin, stored->gtin);
    cover_markings(coverage, fresh, stored);
    cover_text(coverage, fresh->section, stored->section);
    cover_money(coverage, fresh->quantity, stored->quantity);
    cover_text(coverage, fresh->unit, stored->unit);
    cover_money(coverage, fresh->price, stored->price);
    cover_taxes(coverage, fresh->taxes, fresh->taxes_count, stored->taxes, stored->taxes_count);
    cover_number(coverage, fresh->settlement, stored->settlement);
    cover_number(coverage, fresh->subject, stored->subject);
}

static void
cover_lines(struct coverage *coverage, const struct chek_receipt *fresh,
            const struct chek_receipt *stored)
{
    cover_presence(coverage, fresh->lines_count != 0, stored->lines_count != 0);
    if (stored->lines_count != 0) {
        cover_exact(coverage, fresh->lines_count == stored->lines_count);
    }
    for (uint32_t i = 0; i < stored->lines_count && coverage->covers; i++) {
        cover_line(coverage, &fresh->lines[i], &stored->lines[i]);
    }
}

/* Kinds and sums as stated: a copy with other change is no fuller copy. */
static void
cover_payments(struct coverage *coverage, const struct chek_receipt *fresh,
               const struct chek_receipt *stored)
{
    cover_presence(coverage, fresh->payments_count != 0, stored->payments_count != 0);
    if (stored->payments_count != 0) {
        cover_exact(coverage, fresh->payments_count == stored->payments_count);
    }
    for (uint32_t i = 0; i < stored->payments_count && coverage->covers; i++) {
        bool found = false;
        for (uint32_t j = 0; j < fresh->payments_count; j++) {
            found = found || (fresh->payments[j].kind == stored->payments[i].kind &&
                              fresh->payments[j].sum == stored->payments[i].sum);
        }
        cover_exact(coverage, found);
    }
}

static bool
is_known_subject(const uint8_t subject[16])
{
    static const uint8_t nobody[16];
    return memcmp(subject, nobody, sizeof nobody) != 0;
}

static void
cover_subject(struct coverage *coverage, const struct chek_receipt *fresh,
              const struct chek_receipt *stored)
{
    bool known = is_known_subject(stored->subject);
    cover_presence(coverage, is_known_subject(fresh->subject), known);
    if (known) {
        cover_exact(coverage, memcmp(fresh->subject, stored->subject, 16) == 0);
    }
    cover_text(coverage, fresh->buyer, stored->buyer);
}

static bool
has_person(const struct chek_receipt *receipt, const struct chek_person *wanted)
{
    bool found = false;
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        const struct chek_person *person = &receipt->persons[i];
        found = found || (person->kind == wanted->kind &&
                          memcmp(person->subject, wanted->subject, sizeof wanted->subject) == 0);
    }
    return found;
}

/* In any order; who is named beside those of the stored copy is something more. */
static void
cover_persons(struct coverage *coverage, const struct chek_receipt *fresh,
              const struct chek_receipt *stored)
{
    for (uint32_t i = 0; i < stored->persons_count; i++) {
        cover_exact(coverage, has_person(fresh, &stored->persons[i]));
    }
    for (uint32_t i = 0; i < fresh->persons_count; i++) {
        cover_presence(coverage, true, has_person(stored, &fresh->persons[i]));
    }
}

/*
 * A stated time or shift must stay, but neither is something more. Of times that are hours apart
 * the later is the wall clock's, as Russia lies east of UTC: it must not get lost. (F19)
 */
static void
cover_place(struct coverage *coverage, int64_t fresh_time, int64_t stored_time,
            uint32_t fresh_shift, uint32_t stored_shift)
{
    bool seconds_stay =
        stored_time % MINUTE_S == 0 || fresh_time % MINUTE_S == stored_time % MINUTE_S;
    cover_exact(coverage, fresh_time >= stored_time && seconds_stay);
    cover_exact(coverage, fresh_shift == stored_shift || stored_shift == 0);
}

static struct coverage
receipt_coverage(const struct chek_receipt *fresh, const struct chek_receipt *stored)
{
    struct coverage coverage = {.covers = true};
    cover_place(&coverage, fresh->time, stored->time, fresh->shift, stored->shift);
    cover_number(&coverage, fresh->document, stored->document);
    cover_number(&coverage, fresh->sign, stored->sign);
    cover_number(&coverage, fresh->autonomous, stored->autonomous);
    cover_number(&coverage, fresh->offline, stored->offline);
    cover_number(&coverage, fresh->domain, stored->domain);
    cover_number(&coverage, fresh->form, stored->form);
    cover_number(&coverage, fresh->tax_system, stored->tax_system);
    cover_number(&coverage, fresh->number_in_shift, stored->number_in_shift);
    cover_text(&coverage, fresh->operator, stored->operator);
    cover_text(&coverage, fresh->client, stored->client);
    cover_text(&coverage, fresh->fiscal_drive, stored->fiscal_drive);
    cover_money(&coverage, fresh->change, stored->change);
    cover_money(&coverage, fresh->taken, stored->taken);
    cover_modifier(&coverage, fresh->discount, stored->discount);
    cover_modifier(&coverage, fresh->markup, stored->markup);
    cover_parent(&coverage, fresh->parent, stored->parent);
    cover_subject(&coverage, fresh, stored);
    cover_persons(&coverage, fresh, stored);
    cover_payments(&coverage, fresh, stored);
    cover_lines(&coverage, fresh, stored);
    cover_presence(&coverage, receipt_has_taxes(fresh), receipt_has_taxes(stored));
    if (fresh->taxes_count != 0) {
        cover_taxes(&coverage, fresh->taxes, fresh->taxes_count, stored->taxes,
                    stored->taxes_count);
    }
    return coverage;
}

static struct coverage
movement_coverage(const struct chek_movement *fresh, const struct chek_movement *stored)
{
    struct coverage coverage = {.covers = true};
    cover_place(&coverage, fresh->time, stored->time, fresh->shift, stored->shift);
    cover_number(&coverage, fresh->document, stored->document);
    cover_number(&coverage, fresh->autonomous, stored->autonomous);
    cover_number(&coverage, fresh->offline, stored->offline);
    cover_text(&coverage, fresh->operator, stored->operator);
    return coverage;
}

struct fiscal__sameness
fiscal__compare(const struct chek_document *fresh, const struct chek_document *stored)
{
    struct fiscal__sameness sameness = {0};
    struct coverage coverage = {0};
    if (fresh->receipt != NULL && stored->receipt != NULL) {
        sameness.field = receipt_core_differs(fresh->receipt, stored->receipt);
        coverage = receipt_coverage(fresh->receipt, stored->receipt);
    } else if (fresh->movement != NULL && stored->movement != NULL) {
        sameness.field = movement_core_differs(fresh->movement, stored->movement);
        coverage = movement_coverage(fresh->movement, stored->movement);
    } else if (fresh->close != NULL && stored->close != NULL) {
        sameness.field = close_core_differs(fresh->close, stored->close);
    } else if (fresh->receipt != NULL) {
        sameness.field = CHEK_FIELD_RECEIPT_DOCUMENT; /* a number of another kind of document */
    } else {
        sameness.field =
            fresh->movement != NULL ? CHEK_FIELD_MOVEMENT_DOCUMENT : CHEK_FIELD_CLOSE_DOCUMENT;
    }
    sameness.same = sameness.field == 0;
    sameness.fuller = sameness.same && coverage.covers && coverage.adds;
    return sameness;
}
