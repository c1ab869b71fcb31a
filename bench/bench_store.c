/* SPDX-License-Identifier: MIT */
/*
 * bench_store.c - what a receipt costs the store: appended, sealed, chained, merged, scanned, summed,
 * read; and what a view of it costs.
 *
 * Receipts are those of the reference workload's profile A: 1 to 5 lines, one payment, a tax a
 * line, 50,000 products, a client on 30 %, from 2,000 registers of one partition.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "bench/harness.h"
#include "engine/base/money.h"
#include "engine/base/prng.h"
#include "engine/store/chain.h"
#include "engine/store/merge.h"
#include "engine/store/store.h"
#include "engine/store/sums.h"
#include "engine/store/view.h"

#define REGISTER_COUNT 2000
#define PRODUCT_COUNT 50000
#define CLIENT_COUNT 500000
#define BATCH_COUNT 256
#define LINE_COUNT_MAX 5
#define SCAN_SEGMENT_COUNT 16
#define MILLISECONDS_A_RECEIPT 518 /* 5,000,000 in 30 days */

struct receipt_slot {
    struct chek_document document;
    struct chek_receipt receipt;
    struct chek_payment payment;
    struct chek_line lines[LINE_COUNT_MAX];
    struct chek_tax taxes[LINE_COUNT_MAX];
    char texts[LINE_COUNT_MAX + 1][12];
    uint8_t raw[512];
    struct chek_row row;
};

struct workload {
    struct chek_prng prng;
    uint64_t count;
    uint32_t ordinals[REGISTER_COUNT];
    struct receipt_slot slots[BATCH_COUNT];
};

static struct workload workload;
static const struct chek_bytes_view sections[8] = {
    {(const uint8_t *)"0", 1}, {(const uint8_t *)"1", 1}, {(const uint8_t *)"2", 1},
    {(const uint8_t *)"3", 1}, {(const uint8_t *)"4", 1}, {(const uint8_t *)"5", 1},
    {(const uint8_t *)"6", 1}, {(const uint8_t *)"7", 1}};

static uint64_t
below(uint64_t bound)
{
    return chek_prng_below(&workload.prng, bound);
}

static struct chek_bytes_view
text_of(char *text, const char *letter, uint64_t number)
{
    int size = snprintf(text, 12, "%s%06u", letter, (unsigned)number);
    return chek_bytes_view_of(text, (size_t)size);
}

static int64_t
line_make(struct receipt_slot *slot, uint32_t i)
{
    uint64_t product = below(PRODUCT_COUNT);
    struct chek_line *line = &slot->lines[i];
    int64_t pieces = 1 + (int64_t)below(4);
    *line = (struct chek_line){
        .code = text_of(slot->texts[i], "p", product),
        .section = sections[product % 8],
        .quantity = pieces * 1000000,
        .price = 1000 + 100 * (int64_t)below(5000),
        .taxes = &slot->taxes[i],
        .taxes_count = 1,
        .present = 1 << 2 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10 | 1 << 11,
    };
    line->sum = pieces * line->price;
    slot->taxes[i] = (struct chek_tax){.kind = CHEK_TAX_KIND_VAT,
                                       .rate = 16000,
                                       .sum = chek_money_tax_included(line->sum, 16000),
                                       .present = 7};
    return line->sum;
}

static void
receipt_make(struct receipt_slot *slot)
{
    uint32_t register_index = (uint32_t)below(REGISTER_COUNT);
    uint64_t operation = below(100);
    uint32_t ordinal = workload.ordinals[register_index]++;
    int64_t time_ms = (int64_t)workload.count * MILLISECONDS_A_RECEIPT;
    bool offline = below(100) < 3;
    slot->receipt = (struct chek_receipt){
        .operation = (uint8_t)(operation < 96   ? 0
                               : operation < 98 ? 1
                                                : operation - 96),
        .time = 1767225600 + time_ms / 1000,
        .shift = (uint32_t)(1 + time_ms / 86400000),
        .document = ordinal + 1,
        .sign = chek_prng_next(&workload.prng),
        .autonomous = offline ? ordinal + 1 : 0,
        .offline = offline,
        .payments = &slot->payment,
        .payments_count = 1,
        .lines = slot->lines,
        .lines_count = 1 + (uint32_t)below(LINE_COUNT_MAX),
        .present = 0x00400c1f,
    };
    for (uint32_t i = 0; i < slot->receipt.lines_count; i++) {
        slot->receipt.total += line_make(slot, i);
    }
    if (below(100) < 30) {
        slot->receipt.client = text_of(slot->texts[LINE_COUNT_MAX], "c", below(CLIENT_COUNT));
    }
    uint64_t kind = below(100);
    slot->payment = (struct chek_payment){.kind = (uint8_t)(kind < 40   ? 0
                                                            : kind < 80 ? 1
                                                                        : 2),
                                          .sum = slot->receipt.total};
    slot->row = (struct chek_row){.registration = 1 + register_index,
                                  .ordinal = ordinal,
                                  .shift = slot->receipt.shift,
                                  .binding = 0,
                                  .kind = CHEK_ROW_RECEIPT,
                                  .received_us = UINT64_C(1767225600000000) +
                                                 (uint64_t)time_ms * 1000 + below(1000000)};
    slot->document =
        (struct chek_document){.registration = 1 + register_index, .receipt = &slot->receipt};
    struct chek_writer out = chek_writer_over(slot->raw, sizeof slot->raw);
    chek_document_encode(&out, &slot->document);
    slot->document.raw = chek_bytes_view_of(slot->raw, out.size);
    workload.count += 1;
}

static void
batch_make(void)
{
    for (uint32_t i = 0; i < BATCH_COUNT; i++) {
        receipt_make(&workload.slots[i]);
    }
}

static void
batch_append(struct chek_store *store)
{
    for (uint32_t i = 0; i < BATCH_COUNT; i++) {
        const struct receipt_slot *slot = &workload.slots[i];
        int error = chek_store_ensure(store, 1, slot->document.raw.size, 0);
        if (error != CHEK_OK) {
            abort();
        }
        chek_store_append(store, &slot->row, &slot->document);
    }
}

static void
seal_one(struct chek_store *store)
{
    struct chek_seal *seal = chek_store_seal_begin(store);
    if (seal != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
    }
}

static struct chek_store *
store_make(void)
{
    struct chek_store_config config = {.dictionary_count_max = CHEK_DICTIONARY_COUNT_MAX,
                                       .dictionary_size_max = CHEK_DICTIONARY_SIZE_MAX,
                                       .segment_row_count = CHEK_SEGMENT_RECEIPT_COUNT,
                                       .index_seed = 1};
    struct chek_store *store;
    if (chek_store_create(&config, &store) != CHEK_OK) {
        abort();
    }
    memset(&workload, 0, sizeof workload);
    chek_prng_init(&workload.prng, 1);
    return store;
}

/* A store with that many segments, and a full set that is not sealed. */
static struct chek_store *
store_fill(uint32_t segment_count)
{
    struct chek_store *store = store_make();
    uint64_t row_count = (uint64_t)(segment_count + 1) * CHEK_SEGMENT_RECEIPT_COUNT;
    while (workload.count <= row_count) {
        batch_make();
        batch_append(store);
        if (workload.count <= (uint64_t)segment_count * CHEK_SEGMENT_RECEIPT_COUNT + BATCH_COUNT) {
            seal_one(store);
        }
    }
    return store;
}

static void
run_append(struct chek_bench_state *state)
{
    struct chek_store *store = store_fill(4);
    while (chek_bench_next(state)) {
        chek_bench_pause(state);
        batch_make();
        seal_one(store);
        chek_bench_resume(state);
        batch_append(store);
    }
    chek_bench_set_items(state, BATCH_COUNT);
    chek_store_destroy(store);
}

static void
run_seal(struct chek_bench_state *state)
{
    struct chek_store *store = store_fill(4);
    while (chek_bench_next(state)) {
        struct chek_seal *seal = chek_store_seal_begin(store);
        chek_seal_run(seal);
        chek_seal_drop(seal);
    }
    struct chek_store_counters counters = chek_store_count(store);
    double sealed = (double)counters.segment_count * CHEK_SEGMENT_RECEIPT_COUNT;
    chek_bench_set_items(state, CHEK_SEGMENT_RECEIPT_COUNT);
    chek_bench_set_counter(state, "bytes_a_receipt", (double)counters.segment_size / sealed);
    chek_store_destroy(store);
}

/* The part of appending that goes into the chain. */
static void
run_chain(struct chek_bench_state *state)
{
    struct chek_chain chain = {0};
    struct chek_store *store = store_make();
    size_t size = 0;
    batch_make();
    while (chek_bench_next(state)) {
        struct chek_chain_link link;
        chek_chain_link_begin(&link, &chain, 1, BATCH_COUNT);
        for (uint32_t i = 0; i < BATCH_COUNT; i++) {
            const struct receipt_slot *slot = &workload.slots[i];
            chek_chain_link_add(&link, &slot->row, slot->document.raw);
        }
        chain = chek_chain_link_end(&link);
    }
    for (uint32_t i = 0; i < BATCH_COUNT; i++) {
        size += workload.slots[i].document.raw.size;
    }
    chek_bench_set_items(state, BATCH_COUNT);
    chek_bench_set_bytes(state, size);
    chek_store_destroy(store);
}

/* The wall of a chain: BLAKE2b over bytes that lie together. */
static void
run_wall_blake2b(struct chek_bench_state *state)
{
    static uint8_t bytes[65536];
    uint8_t hash[CHEK_CHAIN_SIZE];
    while (chek_bench_next(state)) {
        if (crypto_generichash(hash, sizeof hash, bytes, sizeof bytes, NULL, 0) != 0) {
            abort();
        }
        bytes[0] = hash[0];
    }
    chek_bench_set_bytes(state, sizeof bytes);
}

static void
run_merge(struct chek_bench_state *state)
{
    struct chek_store *store = store_fill(CHEK_MERGE_COUNT);
    while (chek_bench_next(state)) {
        struct chek_merge *merge = chek_store_merge_begin(store);
        chek_merge_run(merge);
        chek_merge_drop(merge);
    }
    struct chek_merge *merge = chek_store_merge_begin(store);
    double rows = (double)CHEK_MERGE_COUNT * CHEK_SEGMENT_RECEIPT_COUNT;
    struct chek_store_counters before = chek_store_count(store);
    chek_merge_run(merge);
    if (!chek_merge_adopt(merge)) {
        abort();
    }
    chek_merge_drop(merge);
    struct chek_store_counters after = chek_store_count(store);
    chek_bench_set_items(state, (uint64_t)rows);
    chek_bench_set_counter(state, "bytes_a_receipt", (double)after.segment_size / rows);
    chek_bench_set_counter(state, "hour_bytes_before", (double)before.hour_size / rows);
    chek_bench_set_counter(state, "hour_bytes_after", (double)after.hour_size / rows);
    chek_store_destroy(store);
}

struct totals {
    uint64_t rows;
    int64_t sum;
};

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct totals *totals = context;
    totals->rows += 1;
    totals->sum += row->total + row->tax + row->payments[CHEK_PAYMENT_KIND_CASH];
    return true;
}

static void
scan(struct chek_bench_state *state, const struct chek_scan_filter *filter)
{
    static _Alignas(16) uint8_t bytes[CHEK_SCAN_ARENA_SIZE];
    struct chek_store *store = store_fill(SCAN_SEGMENT_COUNT);
    struct totals totals = {0};
    uint64_t turns = 0;
    while (chek_bench_next(state)) {
        struct chek_arena arena;
        chek_arena_init_over(&arena, bytes, sizeof bytes);
        if (chek_store_scan(store, filter, &arena, on_row, &totals) != CHEK_OK) {
            abort();
        }
        turns += 1;
    }
    chek_bench_keep((uint64_t)totals.sum);
    chek_bench_set_items(state, totals.rows / (turns != 0 ? turns : 1));
    chek_store_destroy(store);
}

static void
run_scan(struct chek_bench_state *state)
{
    struct chek_scan_filter filter = {0};
    scan(state, &filter);
}

static void
run_scan_one_register(struct chek_bench_state *state)
{
    uint32_t registration = 1000;
    struct chek_scan_filter filter = {.registrations = &registration, .registration_count = 1};
    scan(state, &filter);
}

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct totals *totals = context;
    totals->rows += (uint64_t)addend->tickets;
    totals->sum += addend->net + addend->tax + addend->cash;
    return true;
}

static struct chek_view *
view_make(void)
{
    struct chek_view *view;
    if (chek_view_create(CHEK_VIEW_LATE_COUNT, &view) != CHEK_OK) {
        abort();
    }
    return view;
}

static void
view_open(struct chek_view *view, struct chek_store *store)
{
    if (chek_view_open(view, store) != CHEK_OK) {
        abort();
    }
}

/* As scan(), by hour tables; the open rows, one set, are looked at one by one. */
static void
sum(struct chek_bench_state *state, const struct chek_scan_filter *filter, bool by_view)
{
    static _Alignas(16) uint8_t bytes[CHEK_SCAN_ARENA_SIZE];
    struct chek_store *now = store_fill(SCAN_SEGMENT_COUNT);
    struct chek_view *view = view_make();
    struct totals totals = {0};
    view_open(view, now);
    const struct chek_store *store = by_view ? chek_view_store(view) : now;
    uint64_t turns = 0;
    while (chek_bench_next(state)) {
        struct chek_arena arena;
        chek_arena_init_over(&arena, bytes, sizeof bytes);
        if (chek_store_sum(store, filter, &arena, on_addend, &totals) != CHEK_OK) {
            abort();
        }
        turns += 1;
    }
    chek_bench_keep((uint64_t)totals.sum);
    chek_bench_set_items(state, totals.rows / (turns != 0 ? turns : 1));
    chek_view_close(view);
    chek_view_destroy(view);
    chek_store_destroy(now);
}

static void
run_sum(struct chek_bench_state *state)
{
    struct chek_scan_filter filter = {0};
    sum(state, &filter, false);
}

static void
run_sum_view(struct chek_bench_state *state)
{
    struct chek_scan_filter filter = {0};
    sum(state, &filter, true);
}

/* Opened and closed: what the shard does of a question that a worker answers. */
static void
run_view(struct chek_bench_state *state)
{
    struct chek_store *store = store_fill(SCAN_SEGMENT_COUNT);
    struct chek_view *view = view_make();
    while (chek_bench_next(state)) {
        view_open(view, store);
        chek_bench_keep((uint64_t)(uintptr_t)chek_view_store(view));
        chek_view_close(view);
    }
    chek_bench_set_items(state, 1);
    chek_view_destroy(view);
    chek_store_destroy(store);
}

static void
run_sum_one_register(struct chek_bench_state *state)
{
    uint32_t registration = 1000;
    struct chek_scan_filter filter = {.registrations = &registration, .registration_count = 1};
    sum(state, &filter, false);
}

static void
run_read(struct chek_bench_state *state)
{
    static _Alignas(16) uint8_t bytes[65536];
    struct chek_store *store = store_fill(SCAN_SEGMENT_COUNT);
    while (chek_bench_next(state)) {
        uint32_t index = (uint32_t)below(REGISTER_COUNT);
        uint32_t ordinal = (uint32_t)below(workload.ordinals[index]);
        struct chek_arena arena;
        struct chek_row row;
        struct chek_document document;
        chek_arena_init_over(&arena, bytes, sizeof bytes);
        if (chek_store_read(store, index + 1, ordinal, &arena, &row, &document) != CHEK_OK) {
            abort();
        }
        chek_bench_keep((uint64_t)document.receipt->total);
    }
    chek_bench_set_items(state, 1);
    chek_store_destroy(store);
}

void
chek_bench_cases(void)
{
    if (sodium_init() < 0) { /* chooses the fastest BLAKE2b */
        abort();
    }
    chek_bench_add("append", run_append);
    chek_bench_add("seal", run_seal);
    chek_bench_add("chain", run_chain);
    chek_bench_add("wall_blake2b", run_wall_blake2b);
    chek_bench_add("merge", run_merge);
    chek_bench_add("scan", run_scan);
    chek_bench_add("scan_one_register", run_scan_one_register);
    chek_bench_add("sum", run_sum);
    chek_bench_add("sum_one_register", run_sum_one_register);
    chek_bench_add("sum_view", run_sum_view);
    chek_bench_add("view", run_view);
    chek_bench_add("read", run_read);
}
