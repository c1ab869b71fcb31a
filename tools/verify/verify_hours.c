/* SPDX-License-Identifier: MIT */
/*
 * verify_hours.c - what hour tables and open rows come to is what the documents come to.
 *
 * Sums are compared as one number each: a sum over everything of value times a weight that follows
 * from hour, shift, binding and operation. It is linear, so it does not matter how values were
 * added up before; and a value in a wrong hour, or of a wrong sign, changes it.
 */
#include "engine/base/civil.h"
#include "engine/base/prng.h"
#include "engine/store/sums.h"
#include "tools/verify/verify_run.h"

struct hours {
#define FIELD(name) uint64_t name;
    CHEK_ADDEND_VALUES(FIELD)
#undef FIELD
};

static uint64_t
weight_of(const struct chek_addend *addend)
{
    struct chek_prng prng;
    uint64_t hour = (uint64_t)(addend->time / CHEK_CIVIL_HOUR_S);
    chek_prng_init(&prng, hour << 32 | addend->shift);
    uint64_t weight = chek_prng_next(&prng);
    chek_prng_init(&prng, weight ^ ((uint64_t)addend->binding << 8 | addend->operation));
    return chek_prng_next(&prng) | 1;
}

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct hours *hours = context;
    uint64_t weight = weight_of(addend);
#define ADD(name) hours->name += weight * (uint64_t)addend->name;
    CHEK_ADDEND_VALUES(ADD)
#undef ADD
    return true;
}

/* ---- from documents --------------------------------------------------------------------------- */

static int64_t
taxes_sum(const struct chek_tax *taxes, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += taxes[i].sum;
    }
    return sum;
}

static void
lines_add(const struct chek_receipt *receipt, struct chek_addend *to)
{
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        bool is_commodity = line->kind == CHEK_LINE_KIND_COMMODITY;
        bool takes_off = (line->kind == CHEK_LINE_KIND_DISCOUNT) != line->storno;
        int64_t tax = taxes_sum(line->taxes, line->taxes_count);
        to->positions += is_commodity && !line->storno;
        to->gross += is_commodity ? (line->storno ? -line->sum : line->sum) : 0;
        to->tax += takes_off ? -tax : tax;
    }
}

static void
payments_add(const struct chek_receipt *receipt, struct chek_addend *to)
{
    int64_t paid = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        const struct chek_payment *payment = &receipt->payments[i];
        int64_t *into = payment->kind == CHEK_PAYMENT_KIND_CASH     ? &to->cash
                        : payment->kind == CHEK_PAYMENT_KIND_CARD   ? &to->card
                        : payment->kind == CHEK_PAYMENT_KIND_MOBILE ? &to->mobile
                                                                    : &to->other;
        *into += payment->sum;
        paid += payment->sum;
    }
    to->cash -= paid > receipt->total ? receipt->change : 0;
}

static void
receipt_add(const struct chek_naive_entry *entry, struct hours *to)
{
    const struct chek_receipt *receipt = entry->document->receipt;
    struct chek_addend addend = {
        .time = receipt->time,
        .shift = entry->shift,
        .binding = entry->binding,
        .operation = receipt->operation,
        .tickets = 1,
        .net = receipt->total,
        .tax = taxes_sum(receipt->taxes, receipt->taxes_count),
    };
    if (receipt->discount != NULL) {
        addend.tax -= taxes_sum(receipt->discount->taxes, receipt->discount->taxes_count);
    }
    if (receipt->markup != NULL) {
        addend.tax += taxes_sum(receipt->markup->taxes, receipt->markup->taxes_count);
    }
    lines_add(receipt, &addend);
    payments_add(receipt, &addend);
    (void)on_addend(to, &addend);
}

int
verify__hours_check(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    const struct chek_naive *naive = &run->rows->naive;
    const struct verify__partition *from = &run->partitions[partition];
    struct chek_scan_filter filter = {.registrations = &registration, .registration_count = 1};
    struct hours want = {0};
    struct hours got = {0};
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        if (entry->document != NULL && entry->document->receipt != NULL && entry->copy < 0) {
            receipt_add(entry, &want);
        }
    }
    chek_arena_reset(&run->scratch);
    int error = chek_store_sum(chek_partition_store(from->partition), &filter, &run->scratch,
                               on_addend, &got);
    if (error != CHEK_OK) {
        verify__find(run, from->image, VERIFY_NO_OFFSET, partition, registration,
                     "its hours cannot be summed: %s", chek_error_text(error));
        return CHEK_OK;
    }
#define COMPARE(name)                                                                    \
    if (want.name != got.name) {                                                         \
        verify__find(run, from->image, VERIFY_NO_OFFSET, partition, registration,        \
                     "the hours of its segments do not have the " #name " of its rows"); \
    }
    CHEK_ADDEND_VALUES(COMPARE)
#undef COMPARE
    return CHEK_OK;
}
