/* SPDX-License-Identifier: MIT */
/*
 * prop_sums.c - sums from hour tables against sums of a scan, over random histories.
 *
 * Receipts of all operations and payments, with stornos and modifiers, late ones and ones of any
 * hour, movements and closes are appended; rows are replaced while they are open, while they are
 * sealed and merged, and after.
 * Whatever a filter leaves over, tables and rows beside them come to what a scan comes to. In the
 * end a merged segment is, but for what it was made of, what sealing all its rows at once makes.
 */
#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "engine/store/merge.h"
#include "engine/store/set.h"
#include "engine/store/sums.h"
#include "tests/fuzz/store_resum.h"
#include "tests/prop/prop.h"
#include "tests/prop/random_document.h"

#define STEP_COUNT 1500
#define REGISTRATION_COUNT 6
#define HOUR_COUNT 49
#define OPERATION_COUNT 4
#define TIME_MIN INT64_C(1767225600) /* a whole hour */
#define ROW_COUNT_MAX 2048
#define ARENA_SIZE ((size_t)64 * 1024 * 1024)

static struct chek_arena documents;

struct round {
    struct prop *prop;
    struct chek_prng *prng;
    struct chek_store *store;
    struct chek_store *whole; /* seals as many rows at once as the other one merges */
    struct chek_store_config config;
    struct random_document_options options;
    struct chek_row rows[ROW_COUNT_MAX];
    uint32_t row_count;
    uint32_t ordinals[REGISTRATION_COUNT];
    uint32_t merge_count;
    bool with_late;
};

static uint32_t
below(struct round *round, uint64_t bound)
{
    return (uint32_t)chek_prng_below(round->prng, bound);
}

static uint32_t
registration_of(uint32_t index)
{
    return 5 + index * 30000001;
}

/* ---- history ---- */

/* Most documents come in the order of time, as they do. */
static int64_t
time_draw(struct round *round)
{
    int64_t range = (HOUR_COUNT - 1) * CHEK_CIVIL_HOUR_S;
    int64_t now = range * round->row_count / ROW_COUNT_MAX;
    bool is_late = round->with_late && below(round, 6) == 0;
    return TIME_MIN + (is_late ? (int64_t)below(round, (uint64_t)range) : now);
}

static void
receipt_change(struct round *round, struct chek_document *document)
{
    struct chek_receipt *receipt = chek_arena_take(&documents, sizeof *receipt);
    PROP_CHECK(round->prop, receipt != NULL);
    *receipt = *document->receipt;
    receipt->time = time_draw(round);
    document->receipt = receipt;
}

static void
append(struct round *round)
{
    struct chek_document document;
    if (round->row_count == ROW_COUNT_MAX) {
        return;
    }
    size_t mark = chek_arena_mark(&documents);
    int error = random_document_make(round->prng, &round->options, &documents, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    document.raw = (struct chek_bytes_view){0};
    if (document.receipt != NULL) {
        receipt_change(round, &document);
    }
    uint32_t index = below(round, REGISTRATION_COUNT);
    struct chek_row row = {
        .registration = registration_of(index),
        .ordinal = round->ordinals[index],
        .shift = round->row_count / 500 + below(round, 2),
        .binding = (uint16_t)(below(round, 8) == 0),
        .kind = document.receipt != NULL    ? CHEK_ROW_RECEIPT
                : document.movement != NULL ? CHEK_ROW_MOVEMENT
                                            : CHEK_ROW_CLOSE,
        .cell = document.close != NULL && below(round, 2) == 0
                    ? chek_bytes_view_text("frozen, frozen, frozen, frozen, frozen totals")
                    : (struct chek_bytes_view){0},
    };
    struct chek_store *stores[] = {round->store, round->whole};
    for (uint32_t i = 0; i < CHEK_COUNT(stores); i++) {
        PROP_CHECK(round->prop, chek_store_ensure(stores[i], 1, 1u << 20, 1u << 20) == CHEK_OK);
        chek_store_append(stores[i], &row, &document);
    }
    round->rows[round->row_count++] = row;
    round->ordinals[index] += 1;
    chek_arena_rewind(&documents, mark);
}

static void
replace(struct round *round)
{
    if (round->row_count != 0) {
        const struct chek_row *row = &round->rows[below(round, round->row_count)];
        int error = chek_store_replace(round->store, row->registration, row->ordinal);
        PROP_CHECK(round->prop, error == CHEK_OK);
    }
}

static void
seal(struct round *round)
{
    struct chek_seal *job = chek_store_seal_begin(round->store);
    if (job != NULL) {
        chek_seal_run(job);
        replace(round);
        append(round);
        chek_seal_adopt(job);
    }
}

static void
merge(struct round *round)
{
    struct chek_merge *job = chek_store_merge_begin(round->store);
    if (job != NULL) {
        chek_merge_run(job);
        replace(round);
        seal(round);
        PROP_CHECK(round->prop, chek_merge_adopt(job));
        chek_merge_drop(job);
        round->merge_count += 1;
    }
}

static void
reload(struct round *round)
{
    size_t size = chek_store_image_size(round->store);
    uint32_t count = chek_segment_count(round->store);
    size_t mark = chek_arena_mark(&documents);
    uint8_t *bytes = chek_arena_take(&documents, size);
    struct chek_bytes_view *segments = chek_arena_take(&documents, (count + 1) * sizeof *segments);
    struct chek_segments before = chek_store_segments(round->store);
    struct chek_store *loaded;
    PROP_CHECK(round->prop, bytes != NULL && segments != NULL);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_store_image_write(round->store, &out);
    for (uint32_t i = 0; i < count; i++) {
        segments[i] = chek_segment_bytes(round->store, i);
    }
    int error =
        chek_store_load(&round->config, chek_bytes_view_of(bytes, size), segments, count, &loaded);
    PROP_CHECK(round->prop, error == CHEK_OK);
    chek_store_destroy(round->store);
    round->store = loaded;
    struct chek_segments after = chek_store_segments(loaded);
    PROP_CHECK(round->prop, memcmp(&before, &after, sizeof after) == 0);
    chek_arena_rewind(&documents, mark);
}

/* ---- sums ---- */

struct cell {
#define FIELD(name) chek_i128 name;
    CHEK_ADDEND_VALUES(FIELD)
#undef FIELD
};

struct cells {
    struct prop *prop;
    struct cell by[REGISTRATION_COUNT][HOUR_COUNT][OPERATION_COUNT];
    uint32_t addend_count;
};

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct cells *cells = context;
    uint32_t index = (addend->registration - 5) / 30000001;
    int64_t hour = (addend->time - TIME_MIN) / CHEK_CIVIL_HOUR_S;
    PROP_CHECK(cells->prop,
               index < REGISTRATION_COUNT && registration_of(index) == addend->registration);
    PROP_CHECK(cells->prop, hour >= 0 && hour < HOUR_COUNT);
    PROP_CHECK(cells->prop, addend->operation < OPERATION_COUNT);
    struct cell *cell = &cells->by[index][hour][addend->operation];
#define ADD(name) cell->name += addend->name;
    CHEK_ADDEND_VALUES(ADD)
#undef ADD
    cells->addend_count += 1;
    return true;
}

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    if (row->row.kind != CHEK_ROW_RECEIPT) {
        return true;
    }
    struct chek_addend addend = chek_addend_of_row(row);
    return on_addend(context, &addend);
}

static void
filter_draw(struct round *round, uint32_t *registrations, struct chek_scan_filter *ret)
{
    struct chek_scan_filter filter = {.with_replaced = below(round, 4) == 0};
    for (uint32_t i = 0; i < REGISTRATION_COUNT && below(round, 3) != 0; i++) {
        if (below(round, 2) == 0) {
            registrations[filter.registration_count++] =
                registration_of(i) + (below(round, 9) == 0);
        }
        filter.registrations = registrations;
    }
    if (below(round, 2) == 0) {
        int64_t unit = below(round, 2) == 0 ? CHEK_CIVIL_HOUR_S : 1;
        int64_t from = below(round, HOUR_COUNT * CHEK_CIVIL_HOUR_S) / unit * unit;
        int64_t size = (1 + below(round, 8 * CHEK_CIVIL_HOUR_S) / unit) * unit;
        filter.time_min = below(round, 5) == 0 ? 0 : TIME_MIN + from;
        filter.time_max = below(round, 5) == 0 ? 0 : TIME_MIN + from + size - 1;
    }
    if (below(round, 3) == 0) {
        filter.shift_min = below(round, 3);
        filter.shift_max = filter.shift_min + below(round, 3);
    }
    filter.ordinal_min = below(round, 6) == 0 ? below(round, 100) : 0;
    *ret = filter;
}

static void
check(struct round *round)
{
    static struct cells want, got;
    static _Alignas(16) uint8_t bytes[CHEK_SCAN_ARENA_SIZE];
    uint32_t registrations[REGISTRATION_COUNT];
    struct chek_scan_filter filter;
    struct chek_arena arena;
    filter_draw(round, registrations, &filter);
    memset(&want, 0, sizeof want);
    memset(&got, 0, sizeof got);
    want.prop = got.prop = round->prop;
    chek_arena_init_over(&arena, bytes, sizeof bytes);
    int error = chek_store_scan(round->store, &filter, &arena, on_row, &want);
    PROP_CHECK(round->prop, error == CHEK_OK);
    error = chek_store_sum(round->store, &filter, &arena, on_addend, &got);
    PROP_CHECK(round->prop, error == CHEK_OK);
    PROP_CHECK(round->prop, arena.used == 0);
    PROP_CHECK(round->prop, memcmp(want.by, got.by, sizeof want.by) == 0);
}

/* ---- merged bytes ---- */

static void
jobs_finish(struct round *round, struct chek_store *store)
{
    for (struct chek_seal *job = chek_store_seal_begin(store); job != NULL;
         job = chek_store_seal_begin(store)) {
        chek_seal_run(job);
        chek_seal_adopt(job);
    }
    while (store == round->store &&
           chek_store_segments(store).single_count >= round->config.segment_merge_count) {
        merge(round);
    }
}

/* Codes are given in the order in which rows are sealed: give the other store the same ones. */
static void
codes_copy(struct round *round)
{
    for (uint32_t kind = 0; kind < STORE__DICTIONARY_COUNT; kind++) {
        const struct store__dictionary *from = &round->store->dictionaries[kind];
        for (uint32_t code = 1; code <= from->count; code++) {
            struct store__pool *pool = &round->whole->pool;
            PROP_CHECK(round->prop, store__pool_stock(pool, STORE__TEXT_PIECE_COUNT) == CHEK_OK);
            uint32_t got = store__dictionary_intern(&round->whole->dictionaries[kind], pool,
                                                    store__dictionary_text(from, code));
            PROP_CHECK(round->prop, got == code);
        }
    }
}

static void
merged_compare(struct round *round)
{
    jobs_finish(round, round->store);
    codes_copy(round);
    jobs_finish(round, round->whole);
    uint32_t count = chek_store_segments(round->store).merged_count;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_bytes_view merged = chek_segment_bytes(round->store, i);
        struct chek_bytes_view sealed = chek_segment_bytes(round->whole, i);
        size_t mark = chek_arena_mark(&documents);
        uint8_t *copy = chek_arena_take(&documents, sealed.size);
        PROP_CHECK(round->prop, copy != NULL && merged.size == sealed.size);
        memcpy(copy, sealed.bytes, sealed.size);
        chek_store_u32(copy + 28, round->config.segment_merge_count);
        store_resum_segment(copy, sealed.size);
        PROP_CHECK(round->prop, memcmp(copy, merged.bytes, merged.size) == 0);
        chek_arena_rewind(&documents, mark);
    }
}

/* ---- rounds ---- */

static void
step(struct round *round)
{
    uint32_t choice = below(round, 100);
    if (choice < 80) {
        append(round);
    } else if (choice < 84) {
        replace(round);
    } else if (choice < 92) {
        seal(round);
    } else if (choice < 95) {
        merge(round);
    } else if (choice < 96) {
        reload(round);
    } else {
        check(round);
    }
}

static void
round_run(struct round *round)
{
    static const uint32_t segment_sizes[] = {1, 3, 8, 40, 100, 333};
    static const uint32_t text_counts[] = {0, 5, 100};
    round->config = (struct chek_store_config){
        .dictionary_count_max = below(round, 2) == 0 ? 7 : 1000000,
        .dictionary_size_max = 64u << 20,
        .segment_row_count = segment_sizes[below(round, CHEK_COUNT(segment_sizes))],
        .segment_merge_count = 2 + below(round, CHEK_MERGE_COUNT - 1),
    };
    round->with_late = below(round, 2) == 0;
    round->options = (struct random_document_options){
        .line_count_max = 6,
        .text_count = text_counts[below(round, CHEK_COUNT(text_counts))],
        .with_profile = true,
        .with_zero_fields = true,
        .time_min = TIME_MIN,
        .time_max = TIME_MIN + 86400,
    };
    struct chek_store_config whole = round->config;
    whole.segment_row_count *= whole.segment_merge_count;
    chek_arena_reset(&documents);
    PROP_CHECK(round->prop, chek_store_create(&round->config, &round->store) == CHEK_OK);
    PROP_CHECK(round->prop, chek_store_create(&whole, &round->whole) == CHEK_OK);
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        step(round);
    }
    merged_compare(round);
    for (uint32_t i = 0; i < 50; i++) {
        check(round);
    }
    printf("%u rows, %u merges\n", round->row_count, round->merge_count);
    chek_store_destroy(round->store);
    chek_store_destroy(round->whole);
}

int
main(int argument_count, char **arguments)
{
    static struct round round;
    struct prop prop = prop_begin(argument_count, arguments, 24);
    struct chek_prng prng;
    PROP_CHECK(&prop, chek_arena_init(&documents, ARENA_SIZE) == CHEK_OK);
    while (prop_next(&prop, &prng)) {
        memset(&round, 0, sizeof round);
        round.prop = &prop;
        round.prng = &prng;
        round_run(&round);
    }
    chek_arena_finish(&documents);
    return 0;
}
