/* SPDX-License-Identifier: MIT */
/*
 * bench_fiscal.c - what a receipt costs fiscal alone, and what a report does.
 *
 * Rows go nowhere: the store of this program forgets them, so that identity and totals are measured
 * and columns are not (bench_store does those). Receipts are those of profile A of the reference
 * workload: 1 to 5 lines, eight sections, 16 % on every line, one payment.
 *
 *   apply/N           receipts of N registers in random order: 1 = everything cached
 *   apply_prefetch/N  the same, with chek_fiscal_prefetch() before each batch
 *   repeat            not measured: a repeat reads its first copy, which is the store's cost
 *   report            X of a shift with eight sections
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/money.h"
#include "engine/base/prng.h"
#include "engine/fiscal/fiscal.h"
#include "engine/store/keep.h"

#define PAGE_COUNT_MAX (1 << 18)
#define VARIANT_COUNT 64 /* receipts made before; few, for one that was just decoded is cached */
#define BATCH_COUNT 64
#define SHIFT_DOCUMENT_COUNT 100
#define DAY INT64_C(1767225600)

/* ---- a store that forgets --------------------------------------------------------------------- */

int
chek_store_ensure(struct chek_store *store, uint32_t row_count, size_t document_size,
                  size_t cell_size)
{
    (void)store;
    (void)row_count;
    (void)document_size;
    (void)cell_size;
    return CHEK_OK;
}

void
chek_store_append(struct chek_store *store, const struct chek_row *row,
                  const struct chek_document *document)
{
    (void)store;
    (void)document;
    chek_bench_keep(row->ordinal);
}

int
chek_store_read(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                struct chek_arena *arena, struct chek_row *ret_row,
                struct chek_document *ret_document)
{
    (void)store;
    (void)registration;
    (void)ordinal;
    (void)arena;
    (void)ret_row;
    (void)ret_document;
    return CHEK_E_NOT_FOUND;
}

int
chek_store_read_head(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                     struct chek_row *ret_row, uint64_t *ret_sign)
{
    (void)store;
    (void)registration;
    (void)ordinal;
    (void)ret_row;
    (void)ret_sign;
    return CHEK_E_NOT_FOUND;
}

int
chek_store_replace(struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    (void)store;
    (void)registration;
    (void)ordinal;
    return CHEK_E_NOT_FOUND;
}

int
chek_store_scan(const struct chek_store *store, const struct chek_scan_filter *filter,
                struct chek_arena *arena, chek_scan_fn on_row, void *context)
{
    (void)store;
    (void)filter;
    (void)arena;
    (void)on_row;
    (void)context;
    return CHEK_OK;
}

/* ---- receipts --------------------------------------------------------------------------------- */

struct variant {
    struct chek_receipt receipt;
    struct chek_line lines[5];
    struct chek_tax taxes[5];
    struct chek_payment payment;
};

static struct variant variants[VARIANT_COUNT];

static void
variant_make(struct variant *variant, struct chek_prng *prng)
{
    static const char sections[8][2] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    struct chek_receipt *receipt = &variant->receipt;
    uint64_t choice = chek_prng_below(prng, 100);
    *receipt = (struct chek_receipt){
        .operation = choice < 96   ? CHEK_OPERATION_SELL
                     : choice < 98 ? CHEK_OPERATION_SELL_RETURN
                     : choice < 99 ? CHEK_OPERATION_BUY
                                   : CHEK_OPERATION_BUY_RETURN,
        .sign = chek_prng_next(prng),
        .lines = variant->lines,
        .lines_count = 1 + (uint32_t)chek_prng_below(prng, 5),
        .payments = &variant->payment,
        .payments_count = 1,
    };
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        int64_t sum = 100 * (10 + (int64_t)chek_prng_below(prng, 20000));
        variant->taxes[i] = (struct chek_tax){
            .kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = chek_money_tax_included(sum, 16000)};
        variant->lines[i] = (struct chek_line){
            .sum = sum,
            .section = chek_bytes_view_text(sections[chek_prng_below(prng, 8)]),
            .taxes = &variant->taxes[i],
            .taxes_count = 1,
        };
        receipt->total += sum;
    }
    variant->payment =
        (struct chek_payment){.kind = (uint8_t)chek_prng_below(prng, 3), .sum = receipt->total};
}

/* ---- fiscal ----------------------------------------------------------------------------------- */

struct bench {
    struct chek_page_heap heap;
    struct chek_arena scratch;
    struct chek_fiscal fiscal;
    struct chek_prng prng;
    uint32_t *numbers; /* by registration: documents sent */
    uint32_t register_count;
    struct chek_fiscal_target picked[BATCH_COUNT];
};

static uint32_t numbers[1 << 17];

static void
on_event(void *context, const struct chek_event *event)
{
    (void)context;
    chek_bench_keep(event->ordinal);
}

static const struct chek_event_sink sink = {NULL, on_event};
static const struct chek_circumstance circumstance = {.received_us = 1};

static void
ensure(struct bench *bench, uint32_t document_count)
{
    int error = chek_fiscal_ensure(&bench->fiscal, document_count, (size_t)256 * document_count);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
bench_begin(struct bench *bench, uint32_t register_count)
{
    *bench = (struct bench){.register_count = register_count, .numbers = numbers};
    memset(numbers, 0, sizeof numbers);
    CHEK_ASSERT(register_count <= CHEK_COUNT(numbers));
    int error = chek_page_heap_init(&bench->heap, PAGE_COUNT_MAX, sizeof(struct chek_fiscal_root));
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_arena_init(&bench->scratch, CHEK_FISCAL_SCRATCH_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    bench->fiscal = (struct chek_fiscal){.heap = &bench->heap, .scratch = &bench->scratch};
    chek_prng_init(&bench->prng, 1);
    for (uint32_t i = 0; i < VARIANT_COUNT; i++) {
        variant_make(&variants[i], &bench->prng);
    }
    for (uint32_t i = 0; i < register_count; i++) {
        struct chek_register_key key = {.value = chek_bytes_view_of(&i, sizeof i)};
        struct chek_register what = {.keys = &key,
                                     .keys_count = 1,
                                     .organisation = chek_bytes_view_text("123456789012"),
                                     .point = chek_bytes_view_text("1")};
        ensure(bench, 1);
        chek_fiscal_register(&bench->fiscal, i + 1, &what, &circumstance, &sink);
    }
}

static void
bench_end(struct bench *bench)
{
    chek_page_heap_finish(&bench->heap);
    chek_arena_finish(&bench->scratch);
}

/* The next receipt of a register; a shift is a hundred of them. */
static void
apply_next(struct bench *bench, uint32_t registration)
{
    uint32_t number = ++bench->numbers[registration - 1];
    struct variant *variant = &variants[chek_prng_below(&bench->prng, VARIANT_COUNT)];
    variant->receipt.document = number;
    variant->receipt.shift = 1 + number / SHIFT_DOCUMENT_COUNT;
    variant->receipt.time = DAY + number;
    struct chek_document document = {.receipt = &variant->receipt};
    struct chek_result result;
    bool applied =
        chek_fiscal_apply(&bench->fiscal, registration, &document, &circumstance, &sink, &result);
    CHEK_ASSERT(applied);
    CHEK_ASSERT(result.status == CHEK_STATUS_STORED);
}

static void
run_batches(struct chek_bench_state *state, bool prefetches)
{
    struct bench bench;
    bench_begin(&bench, (uint32_t)chek_bench_argument(state));
    while (chek_bench_next(state)) {
        ensure(&bench, BATCH_COUNT);
        for (uint32_t i = 0; i < BATCH_COUNT; i++) {
            bench.picked[i] = (struct chek_fiscal_target){
                .fiscal = &bench.fiscal,
                .registration = 1 + (uint32_t)chek_prng_below(&bench.prng, bench.register_count),
            };
        }
        if (prefetches) {
            chek_fiscal_prefetch(bench.picked, BATCH_COUNT);
        }
        for (uint32_t i = 0; i < BATCH_COUNT; i++) {
            apply_next(&bench, bench.picked[i].registration);
        }
    }
    chek_bench_set_items(state, BATCH_COUNT);
    chek_bench_set_counter(state, "heap_bytes_a_register",
                           (double)chek_page_heap_used_size(&bench.heap) / bench.register_count);
    bench_end(&bench);
}

static void
run_apply(struct chek_bench_state *state)
{
    run_batches(state, false);
}

static void
run_apply_prefetch(struct chek_bench_state *state)
{
    run_batches(state, true);
}

static void
run_report(struct chek_bench_state *state)
{
    struct bench bench;
    struct chek_arena arena;
    bench_begin(&bench, 1);
    int error = chek_arena_init(&arena, 1 << 20);
    CHEK_ASSERT(error == CHEK_OK);
    ensure(&bench, SHIFT_DOCUMENT_COUNT);
    for (uint32_t i = 0; i + 1 < SHIFT_DOCUMENT_COUNT; i++) {
        apply_next(&bench, 1);
    }
    while (chek_bench_next(state)) {
        struct chek_answer_report answer;
        chek_arena_reset(&arena);
        error = chek_fiscal_report(&bench.fiscal, 1, 0, UINT32_MAX, false, &arena, &answer);
        CHEK_ASSERT(error == CHEK_OK);
        chek_bench_keep((uint64_t)answer.report->cash);
    }
    chek_arena_finish(&arena);
    bench_end(&bench);
}

void
chek_bench_cases(void)
{
    static const int64_t counts[] = {1, 100, 2000, 20000, 100000};
    chek_bench_add_each("fiscal_apply", run_apply, counts, CHEK_COUNT(counts));
    chek_bench_add_each("fiscal_apply_prefetch", run_apply_prefetch, counts, CHEK_COUNT(counts));
    chek_bench_add("fiscal_report", run_report);
}
