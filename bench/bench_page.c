/* SPDX-License-Identifier: MIT */
/*
 * bench_page.c - what decoding a page of a column costs, codec by codec.
 *
 * A page of 4,096 values a turn, as scans decode it; items are values, bytes those that come out. The
 * wall is a copy of as many bytes.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "engine/base/prng.h"
#include "engine/store/page.h"

#define VALUE_COUNT CHEK_CHUNK_RECEIPT_COUNT
#define BATCH_COUNT 256 /* values that a scan decodes at once */

static int64_t values[VALUE_COUNT], decoded[VALUE_COUNT];
static uint8_t bytes[16 * VALUE_COUNT + 4096];

/* Values that the encoder answers with the codec whose number is the argument. */
static void
values_make(int64_t codec, unsigned width)
{
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    for (uint32_t i = 0; i < VALUE_COUNT; i++) {
        uint64_t drawn = chek_prng_next(&prng);
        switch (codec) {
        case STORE__CONSTANT:
            values[i] = 7;
            break;
        case STORE__DICTIONARY_PAGE:
            values[i] = (int64_t)((drawn % 11 + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 8);
            break;
        case STORE__SPARSE:
            values[i] = drawn % 64 == 0 ? (int64_t)(drawn >> 20) : 0;
            break;
        case STORE__RUNS:
            values[i] = (int64_t)((i / 400 + 1) * UINT64_C(0x9e3779b97f4a7c15) >> 8);
            break;
        default:
            values[i] = (int64_t)(drawn >> (64 - width));
            break;
        }
    }
}

static void
run_codec(struct chek_bench_state *state, int64_t codec, unsigned width)
{
    struct store__page page;
    values_make(codec, width);
    CHEK_ASSERT(store__page_size_max(VALUE_COUNT) + STORE__PAGE_SLACK <= sizeof bytes);
    store__page_encode(values, VALUE_COUNT, bytes, &page);
    if (page.codec != codec || store__page_check(&page) != CHEK_OK) {
        chek_bench_fail(state, "the encoder has chosen another codec");
        return;
    }
    while (chek_bench_next(state)) {
        for (uint32_t at = 0; at < VALUE_COUNT; at += BATCH_COUNT) {
            store__page_decode(&page, at, BATCH_COUNT, decoded + at);
        }
        chek_bench_keep((uint64_t)decoded[0]);
    }
    CHEK_ASSERT(memcmp(values, decoded, sizeof values) == 0);
    chek_bench_set_items(state, VALUE_COUNT);
    chek_bench_set_bytes(state, sizeof values);
}

static void
run_frame(struct chek_bench_state *state)
{
    run_codec(state, STORE__FRAME, (unsigned)chek_bench_argument(state));
}

static void
run_constant(struct chek_bench_state *state)
{
    run_codec(state, STORE__CONSTANT, 0);
}

static void
run_dictionary(struct chek_bench_state *state)
{
    run_codec(state, STORE__DICTIONARY_PAGE, 0);
}

static void
run_sparse(struct chek_bench_state *state)
{
    run_codec(state, STORE__SPARSE, 0);
}

static void
run_runs(struct chek_bench_state *state)
{
    run_codec(state, STORE__RUNS, 0);
}

static void
run_wall(struct chek_bench_state *state)
{
    while (chek_bench_next(state)) {
        memcpy(decoded, values, sizeof values);
        chek_bench_keep((uint64_t)decoded[0]);
    }
    chek_bench_set_items(state, VALUE_COUNT);
    chek_bench_set_bytes(state, sizeof values);
}

void
chek_bench_cases(void)
{
    static const int64_t widths[] = {1, 4, 8, 16, 24, 32, 64};
    chek_bench_add("page_decode_constant", run_constant);
    chek_bench_add_each("page_decode_frame", run_frame, widths, CHEK_COUNT(widths));
    chek_bench_add("page_decode_dictionary", run_dictionary);
    chek_bench_add("page_decode_sparse", run_sparse);
    chek_bench_add("page_decode_runs", run_runs);
    chek_bench_add("wall_copy", run_wall);
}
