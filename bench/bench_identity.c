/* SPDX-License-Identifier: MIT */
/*
 * bench_identity.c - what it costs to know whether a document's number was seen, and to which
 * document it leads.
 *
 * A registration has as many runs of numbers as the argument says: 1 when everything came in order.
 * `found` asks for a number that was seen, `next` for the one in order, `add` notes the next one. The
 * wall of a tree that fits no cache is a line a level that is waited for: `wall_line`.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "engine/base/prng.h"
#include "engine/fiscal/identity.h"

#define PAGE_COUNT_MAX 65536
#define RUN_SIZE 8 /* numbers of a run; between two there is a hole of one */
#define ASK_COUNT 256
#define LINE_COUNT (1u << 20) /* 64 MiB of lines */

struct bench {
    struct chek_page_heap heap;
    struct fiscal__registration registration;
    uint32_t numbers[ASK_COUNT]; /* that were seen */
    uint32_t next, ordinal;
};

static void
bench_begin(struct bench *bench, uint32_t run_count)
{
    struct chek_prng prng;
    *bench = (struct bench){.next = 1};
    int error = chek_page_heap_init(&bench->heap, PAGE_COUNT_MAX, 64);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_page_heap_ensure(&bench->heap, (size_t)512 * run_count + 65536);
    CHEK_ASSERT(error == CHEK_OK);
    for (uint32_t i = 0; i < run_count; i++, bench->next++) {
        for (uint32_t j = 0; j < RUN_SIZE; j++) {
            fiscal__number_add(&bench->heap, &bench->registration, bench->next++, bench->ordinal++);
        }
    }
    chek_prng_init(&prng, 1);
    for (uint32_t i = 0; i < ASK_COUNT; i++) {
        uint32_t run = (uint32_t)chek_prng_below(&prng, run_count);
        bench->numbers[i] = 1 + run * (RUN_SIZE + 1) + (uint32_t)chek_prng_below(&prng, RUN_SIZE);
    }
}

static void
run_found(struct chek_bench_state *state)
{
    struct bench bench;
    bench_begin(&bench, (uint32_t)chek_bench_argument(state));
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < ASK_COUNT; i++) {
            uint32_t ordinal = 0;
            bool found =
                fiscal__number_find(&bench.heap, &bench.registration, bench.numbers[i], &ordinal);
            CHEK_ASSERT(found);
            chek_bench_keep(ordinal);
        }
    }
    chek_bench_set_items(state, ASK_COUNT);
    chek_page_heap_finish(&bench.heap);
}

static void
run_next(struct chek_bench_state *state)
{
    struct bench bench;
    bench_begin(&bench, (uint32_t)chek_bench_argument(state));
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < ASK_COUNT; i++) {
            uint32_t ordinal = 0;
            bool found =
                fiscal__number_find(&bench.heap, &bench.registration, bench.next + i % 2, &ordinal);
            CHEK_ASSERT(!found);
            chek_bench_keep(ordinal);
        }
    }
    chek_bench_set_items(state, ASK_COUNT);
    chek_page_heap_finish(&bench.heap);
}

/* In order: the run in the registration's record grows. */
static void
run_add(struct chek_bench_state *state)
{
    struct bench bench;
    bench_begin(&bench, (uint32_t)chek_bench_argument(state));
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < ASK_COUNT; i++) {
            fiscal__number_add(&bench.heap, &bench.registration, bench.next++, bench.ordinal++);
        }
    }
    chek_bench_set_items(state, ASK_COUNT);
    chek_page_heap_finish(&bench.heap);
}

/* A line of memory that leads to the next, so that nothing can be asked for ahead. */
static void
run_wall(struct chek_bench_state *state)
{
    static struct line {
        _Alignas(CHEK_CACHE_LINE_SIZE) uint32_t next;
    } lines[LINE_COUNT];
    uint32_t at = 0;
    for (uint32_t i = 0; i < LINE_COUNT; i++) {
        lines[i].next = (i * UINT32_C(1664525) + UINT32_C(1013904223)) % LINE_COUNT;
    }
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < ASK_COUNT; i++) {
            at = lines[at].next;
        }
        chek_bench_keep(at);
    }
    chek_bench_set_items(state, ASK_COUNT);
}

void
chek_bench_cases(void)
{
    static const int64_t counts[] = {1, 42, 1000, 100000};
    chek_bench_add_each("number_found", run_found, counts, CHEK_COUNT(counts));
    chek_bench_add_each("number_next", run_next, counts, CHEK_COUNT(counts));
    chek_bench_add_each("number_add", run_add, counts, CHEK_COUNT(counts));
    chek_bench_add("wall_line", run_wall);
}
