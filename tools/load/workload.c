/* SPDX-License-Identifier: MIT */
/*
 * workload.c - the stream itself: draws, numbers, shifts and their closes.
 */
#include "tools/load/workload.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/memory.h"
#include "tools/load/workload_run.h"

#define REGISTER_COUNT_A 2000
#define REGISTER_COUNT_B 100000
#define DAY_COUNT_A 30
#define DAY_COUNT_B 5
#define DOCUMENT_MAX ((UINT32_C(1) << 28) - 2) /* the encoder writes numbers of up to 28 bits */

/* The stream's state is in registers while a receipt is drawn. */
void
load__draw(const struct chek_workload *workload, struct chek_prng *draws, struct load__draft *ret)
{
    struct chek_prng state = *draws;
    struct chek_prng *prng = &state;
    bool skewed = workload->options.profile == CHEK_WORKLOAD_B;

    ret->register_index = (uint32_t)chek_prng_below(prng, workload->register_count);
    chek_prefetch(&workload->registers[ret->register_index]);
    uint64_t operation = chek_prng_below(prng, 100);
    ret->operation = (uint8_t)((operation >= 96) + (operation >= 98) + (operation >= 99));
    ret->is_offline = chek_prng_below(prng, 100) < 3;
    ret->line_count = (uint8_t)(1 + chek_prng_below(prng, CHEK_WORKLOAD_LINE_COUNT_MAX));
    for (uint32_t i = 0; i < ret->line_count; i++) {
        ret->product[i] = skewed ? load__zipf_draw(&workload->zipf, prng)
                                 : (uint32_t)chek_prng_below(prng, WORKLOAD_PRODUCT_COUNT);
        chek_prefetch(workload->products + ret->product[i] * workload->slot_size);
        ret->pieces[i] = (uint8_t)(1 + chek_prng_below(prng, 4));
        ret->price[i] = (uint32_t)(1000 + 100 * chek_prng_below(prng, 5000));
    }
    uint64_t payment = chek_prng_below(prng, 10);
    ret->payment = (uint8_t)((payment >= 4) + (payment >= 8)); /* cash, card, mobile */
    ret->has_client = chek_prng_below(prng, 10) < 3;
    ret->client = ret->has_client ? (uint32_t)chek_prng_below(prng, WORKLOAD_CLIENT_COUNT) : 0;
    ret->sign = chek_prng_next(prng);
    *draws = state;
}

/* Count and hash what was just made, as it is under the id register_index + 1. */
static void
note(struct chek_workload *workload, const uint8_t *bytes,
     const struct chek_workload_document *document)
{
    struct chek_workload_counters *counters = &workload->counters;
    uint32_t registration = workload->registers[document->register_index].registration;

    counters->document_count += 1;
    counters->size += document->size;
    counters->close_count += document->is_close;
    counters->repeat_count += document->fate == CHEK_WORKLOAD_REPEAT;
    counters->conflict_count += document->fate == CHEK_WORKLOAD_CONFLICT;
    if (document->fate == CHEK_WORKLOAD_NEW && !document->is_close) {
        counters->receipt_count += 1;
        counters->line_count += document->line_count;
        counters->late_count += document->is_late;
        counters->total += document->total;
    }
    if (registration == document->register_index + 1) {
        chek_checksum_stream_add(&workload->hash, bytes, document->size);
        return;
    }
    uint8_t head[8];
    struct chek_writer out = chek_writer_over(head, sizeof head);
    chek_writer_u8(&out, bytes[0]);
    chek_writer_varint(&out, document->register_index + 1);
    chek_checksum_stream_add(&workload->hash, head, out.size);
    size_t skip = 1 + load__number_size(registration);
    chek_checksum_stream_add(&workload->hash, bytes + skip, document->size - skip);
}

/* Close the open shift of the next register that has one, at the end of the day. */
static bool
close_next(struct chek_workload *workload, uint8_t *to, struct chek_workload_document *ret)
{
    while (workload->closing_at < workload->register_count) {
        uint32_t index = workload->closing_at++;
        struct load__register *one = &workload->registers[index];
        if (one->is_open) {
            one->is_open = false;
            one->document += 1;
            *ret = (struct chek_workload_document){
                .register_index = index,
                .time = WORKLOAD_FIRST_TIME + (workload->day + 1) * CHEK_CIVIL_DAY_S - 1,
                .shift = one->shift,
                .document = one->document,
                .is_close = true,
            };
            load__close_encode(workload, to, ret);
            return true;
        }
    }
    return false;
}

static void
receipt_make(const struct chek_workload *workload, const struct load__draft *draft,
             const struct load__capsule *capsule, uint8_t *to, struct chek_workload_document *ret)
{
    *ret = (struct chek_workload_document){
        .register_index = draft->register_index,
        .time = capsule->time,
        .shift = capsule->shift,
        .document = capsule->document,
        .sign = draft->sign,
        .operation = draft->operation,
        .payment = draft->payment,
        .line_count = draft->line_count,
        .fate = capsule->fate,
        .is_offline = draft->is_offline || capsule->is_late,
        .is_late = capsule->is_late,
    };
    load__receipt_encode(workload, draft, to, ret);
}

/* Make a receipt once more, or a late one at last. */
static void
capsule_make(struct chek_workload *workload, const struct load__capsule *capsule, uint8_t *to,
             struct chek_workload_document *ret)
{
    struct load__draft draft;
    struct chek_prng prng = capsule->draws;
    load__draw(workload, &prng, &draft);
    if (capsule->fate == CHEK_WORKLOAD_CONFLICT) {
        draft.price[0] += 100;
    }
    receipt_make(workload, &draft, capsule, to, ret);
    if (capsule->fate == CHEK_WORKLOAD_NEW) {
        load__sent(workload, capsule);
    }
}

/* Draw the next new receipt and number it. False: it is late and was put aside. */
static bool
receipt_next(struct chek_workload *workload, uint32_t time, uint8_t *to,
             struct chek_workload_document *ret)
{
    struct load__capsule capsule = {.draws = workload->draws, .time = time};
    struct load__draft draft;
    load__draw(workload, &workload->draws, &draft);

    struct load__register *one = &workload->registers[draft.register_index];
    CHEK_ASSERT(one->document < DOCUMENT_MAX);
    one->shift += !one->is_open;
    one->is_open = true;
    one->document += 1;
    capsule.shift = one->shift;
    capsule.document = one->document;
    workload->receipt_next += 1;
    if (workload->options.profile == CHEK_WORKLOAD_B) {
        if (!load__fate_decide(workload, &capsule)) {
            return false;
        }
        load__sent(workload, &capsule);
    }
    receipt_make(workload, &draft, &capsule, to, ret);
    return true;
}

static uint32_t
time_of(const struct chek_workload *workload, uint64_t index)
{
    if (workload->options.profile == CHEK_WORKLOAD_B) {
        return load__curve_time(workload, index);
    }
    uint64_t span = (uint64_t)workload->day_count * CHEK_CIVIL_DAY_S;
    return WORKLOAD_FIRST_TIME +
           (uint32_t)((chek_u128)index * span / workload->options.receipt_count);
}

/* Begin the day of the next new receipt, or end the stream, when every shift of the day is closed. */
static void
day_next(struct chek_workload *workload, bool at_end, uint32_t time)
{
    workload->is_closing = false;
    if (at_end) {
        workload->ended = true;
    } else {
        workload->day = (time - WORKLOAD_FIRST_TIME) / CHEK_CIVIL_DAY_S;
    }
}

/* One step of the stream; false at its end. *made: whether the step made a document. */
static bool
step(struct chek_workload *workload, uint8_t *to, struct chek_workload_document *ret, bool *made)
{
    bool at_end = workload->receipt_next == workload->options.receipt_count;
    uint32_t day_end = WORKLOAD_FIRST_TIME + (workload->day + 1) * CHEK_CIVIL_DAY_S;
    uint32_t time = at_end ? day_end : time_of(workload, workload->receipt_next);
    struct load__capsule capsule;

    *made = true;
    if (workload->is_closing) {
        *made = close_next(workload, to, ret);
        if (!*made) {
            day_next(workload, at_end, time);
        }
        return true;
    }
    if (workload->has_far) {
        workload->has_far = false;
        capsule_make(workload, &workload->far, to, ret);
        return true;
    }
    bool day_over = time >= day_end && !workload->ended;
    uint32_t now = workload->ended ? WORKLOAD_NEVER : day_over ? day_end - 1 : time;
    if (load__due(workload, now, &capsule)) {
        capsule_make(workload, &capsule, to, ret);
        return true;
    }
    if (workload->ended) {
        return false;
    }
    if (day_over) {
        workload->is_closing = true;
        workload->closing_at = 0;
        *made = false;
        return true;
    }
    *made = receipt_next(workload, time, to, ret);
    return true;
}

bool
chek_workload_next(struct chek_workload *workload, uint8_t *to, struct chek_workload_document *ret)
{
    bool made;
    do {
        if (!step(workload, to, ret, &made)) {
            return false;
        }
    } while (!made);
    note(workload, to, ret);
    return true;
}

/* ---- making one ------------------------------------------------------------------------------- */

static int
parts_make(struct chek_workload *workload)
{
    workload->registers =
        chek_memory_allocate(workload->register_count * sizeof *workload->registers);
    workload->products = chek_memory_allocate(WORKLOAD_PRODUCT_COUNT * workload->slot_size);
    if (workload->registers == NULL || workload->products == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < workload->register_count; i++) {
        workload->registers[i].registration = i + 1;
    }
    if (workload->options.profile == CHEK_WORKLOAD_B) {
        int error = load__life_init(workload);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return load__texts_make(workload);
}

int
chek_workload_create(const struct chek_workload_options *options, struct chek_workload **ret)
{
    bool is_a = options->profile == CHEK_WORKLOAD_A;
    uint32_t register_count = options->register_count;
    if (register_count == 0) {
        register_count = is_a ? REGISTER_COUNT_A : REGISTER_COUNT_B;
    }
    if (register_count > CHEK_WORKLOAD_REGISTER_COUNT_MAX || options->receipt_count == 0) {
        return CHEK_E_USAGE;
    }
    struct chek_workload *workload = chek_memory_allocate(sizeof *workload);
    if (workload == NULL) {
        return -ENOMEM;
    }
    workload->options = *options;
    workload->register_count = register_count;
    workload->slot_size = is_a ? WORKLOAD_SLOT_SIZE_A : WORKLOAD_SLOT_SIZE_B;
    workload->day_count = options->day_count != 0 ? options->day_count
                          : is_a                  ? DAY_COUNT_A
                                                  : DAY_COUNT_B;
    chek_prng_init(&workload->draws, options->seed);
    chek_checksum_stream_init(&workload->hash);
    int error = parts_make(workload);
    if (error != CHEK_OK) {
        chek_workload_destroy(workload);
        return error;
    }
    *ret = workload;
    return CHEK_OK;
}

void
chek_workload_destroy(struct chek_workload *workload)
{
    if (workload == NULL) {
        return;
    }
    load__life_finish(workload);
    chek_memory_free(workload->registers, workload->register_count * sizeof *workload->registers);
    chek_memory_free(workload->products, WORKLOAD_PRODUCT_COUNT * workload->slot_size);
    chek_memory_free(workload, sizeof *workload);
}

uint32_t
chek_workload_register_count(const struct chek_workload *workload)
{
    return workload->register_count;
}

void
chek_workload_register_home(struct chek_workload *workload, uint32_t register_index,
                            uint32_t registration)
{
    CHEK_ASSERT(register_index < workload->register_count);
    CHEK_ASSERT(registration > 0 && registration <= DOCUMENT_MAX);
    workload->registers[register_index].registration = registration;
}

const struct chek_workload_counters *
chek_workload_count(const struct chek_workload *workload)
{
    return &workload->counters;
}

uint64_t
chek_workload_hash(const struct chek_workload *workload)
{
    return chek_checksum_stream_sum(&workload->hash);
}
