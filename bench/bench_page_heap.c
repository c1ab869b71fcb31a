/* SPDX-License-Identifier: MIT */
/*
 * bench_page_heap.c - what an object costs, by its size, and what hashing and loading a heap cost.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/page_heap.h"
#include "engine/base/prng.h"

#define PAGE_COUNT_MAX 65536
#define OBJECTS 1024

static const int64_t sizes[] = {16, 64, 256, 1024, 4080};
static const int64_t page_counts[] = {64, 1024, 8192};

static void
heap_make(struct chek_page_heap *heap)
{
    int error = chek_page_heap_init(heap, PAGE_COUNT_MAX, 0);
    CHEK_ASSERT(error == CHEK_OK);
}

/* Allocate 1,024 objects, then free them in another order. */
static void
run_allocate_free(struct chek_bench_state *state)
{
    uint32_t size = (uint32_t)chek_bench_argument(state);
    struct chek_page_heap heap;
    heap_make(&heap);
    chek_page_ref refs[OBJECTS];
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < OBJECTS; i++) {
            refs[i] = chek_page_heap_allocate(&heap, size);
        }
        for (uint32_t i = 0; i < OBJECTS; i++) {
            chek_page_heap_free(&heap, refs[i * 77 % OBJECTS], size);
        }
    }
    chek_bench_set_items(state, OBJECTS);
    chek_page_heap_finish(&heap);
}

/* A heap of objects of all sizes with every fourth freed. */
static void
heap_fill(struct chek_page_heap *heap, uint32_t page_count)
{
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    while (heap->page_count < page_count) {
        uint32_t size = 1 + (uint32_t)(chek_prng_below(&prng, 1024) >> chek_prng_below(&prng, 8));
        chek_page_ref ref = chek_page_heap_allocate(heap, size);
        memset(chek_page_heap_change(heap, ref), 0x5a, size);
        if (chek_prng_chance(&prng, 250000)) {
            chek_page_heap_free(heap, ref, size);
        }
    }
}

static void
run_hash(struct chek_bench_state *state)
{
    struct chek_page_heap heap;
    heap_make(&heap);
    heap_fill(&heap, (uint32_t)chek_bench_argument(state));
    while (chek_bench_next(state)) {
        chek_bench_keep(chek_page_heap_hash(&heap));
    }
    chek_bench_set_bytes(state, chek_page_heap_pages(&heap).size);
    chek_page_heap_finish(&heap);
}

static void
run_load(struct chek_bench_state *state)
{
    struct chek_page_heap heap;
    heap_make(&heap);
    heap_fill(&heap, (uint32_t)chek_bench_argument(state));
    while (chek_bench_next(state)) {
        struct chek_page_heap loaded;
        int error = chek_page_heap_load(&loaded, PAGE_COUNT_MAX, chek_page_heap_pages(&heap));
        CHEK_ASSERT(error == CHEK_OK);
        chek_page_heap_finish(&loaded);
    }
    chek_bench_set_bytes(state, chek_page_heap_pages(&heap).size);
    chek_page_heap_finish(&heap);
}

void
chek_bench_cases(void)
{
    chek_bench_add_each("allocate_free", run_allocate_free, sizes, CHEK_COUNT(sizes));
    chek_bench_add_each("hash", run_hash, page_counts, CHEK_COUNT(page_counts));
    chek_bench_add_each("load", run_load, page_counts, CHEK_COUNT(page_counts));
}
