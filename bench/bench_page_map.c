/* SPDX-License-Identifier: MIT */
/*
 * bench_page_map.c - look-ups and insertions at sizes inside and outside the caches.
 *
 * Keys are visited in an order that has nothing to do with where they lie. find_after_find makes
 * each look-up wait for the one before, which is what a single look-up costs; find_prefetched asks
 * 16 keys ahead, as a group of commands does.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/page_map.h"
#include "engine/base/prng.h"

#define PAGE_COUNT_MAX 65536
#define LOOKUPS 1024 /* look-ups a turn */
#define AHEAD 16
#define SEED 7

static const int64_t key_counts[] = {10000, 100000, 1000000, 10000000};

/* The key of a number: a bijection, so that keys need no memory of their own. */
static uint64_t
key_of(uint64_t number)
{
    return (number + 1) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct chek_page_map *
map_make(struct chek_page_heap *heap, uint64_t key_count)
{
    int error = chek_page_heap_init(heap, PAGE_COUNT_MAX, sizeof(struct chek_page_map));
    CHEK_ASSERT(error == CHEK_OK);
    struct chek_page_map *map = chek_page_heap_root_change(heap);
    map->seed = SEED;
    for (uint64_t i = 0; i < key_count; i++) {
        error = chek_page_map_insert(heap, map, key_of(i), (uint32_t)i);
        CHEK_ASSERT(error == CHEK_OK);
    }
    return map;
}

static void
numbers_draw(struct chek_prng *prng, uint64_t key_count, uint64_t keys[LOOKUPS + AHEAD])
{
    for (size_t i = 0; i < LOOKUPS + AHEAD; i++) {
        keys[i] = key_of(chek_prng_below(prng, key_count));
    }
}

/* `miss` is added to a key so that nobody has it; `chained` waits for the answer before. */
static void
find_run(struct chek_bench_state *state, uint64_t miss, uint64_t chained, bool prefetched)
{
    uint64_t key_count = (uint64_t)chek_bench_argument(state);
    struct chek_page_heap heap;
    struct chek_page_map *map = map_make(&heap, key_count);
    struct chek_prng prng;
    chek_prng_init(&prng, SEED);
    uint64_t keys[LOOKUPS + AHEAD];
    uint64_t sum = 0;
    while (chek_bench_next(state)) {
        chek_bench_pause(state);
        numbers_draw(&prng, key_count, keys);
        chek_bench_resume(state);
        uint32_t value = 0;
        for (size_t i = 0; i < LOOKUPS; i++) {
            if (prefetched) {
                chek_page_map_prefetch(&heap, map, keys[i + AHEAD]);
            }
            uint64_t key = keys[i] + miss + (value & chained);
            sum += chek_page_map_find(&heap, map, key, &value, NULL);
        }
        chek_bench_keep(sum);
    }
    chek_bench_set_items(state, LOOKUPS);
    chek_page_heap_finish(&heap);
}

static void
run_find(struct chek_bench_state *state)
{
    find_run(state, 0, 0, false);
}

static void
run_find_miss(struct chek_bench_state *state)
{
    find_run(state, 1, 0, false);
}

/* Values are below 2^31, so the top bit adds nothing but has to be waited for. */
static void
run_find_after_find(struct chek_bench_state *state)
{
    find_run(state, 0, UINT64_C(1) << 31, false);
}

static void
run_find_prefetched(struct chek_bench_state *state)
{
    find_run(state, 0, 0, true);
}

static void
run_fill(struct chek_bench_state *state)
{
    uint64_t key_count = (uint64_t)chek_bench_argument(state);
    while (chek_bench_next(state)) {
        struct chek_page_heap heap;
        chek_bench_keep(map_make(&heap, key_count)->count);
        chek_page_heap_finish(&heap);
    }
    chek_bench_set_items(state, key_count);
}

/* Take a key out and put it back: nothing grows. */
static void
run_remove_insert(struct chek_bench_state *state)
{
    uint64_t key_count = (uint64_t)chek_bench_argument(state);
    struct chek_page_heap heap;
    struct chek_page_map *map = map_make(&heap, key_count);
    struct chek_prng prng;
    chek_prng_init(&prng, SEED);
    while (chek_bench_next(state)) {
        for (size_t i = 0; i < LOOKUPS; i++) {
            uint64_t number = chek_prng_below(&prng, key_count);
            bool removed = chek_page_map_remove(&heap, map, key_of(number), (uint32_t)number);
            int error = chek_page_map_insert(&heap, map, key_of(number), (uint32_t)number);
            CHEK_ASSERT(removed && error == CHEK_OK);
        }
    }
    chek_bench_set_items(state, LOOKUPS);
    chek_page_heap_finish(&heap);
}

void
chek_bench_cases(void)
{
    uint32_t count = CHEK_COUNT(key_counts);
    chek_bench_add_each("find", run_find, key_counts, count);
    chek_bench_add_each("find_miss", run_find_miss, key_counts, count);
    chek_bench_add_each("find_after_find", run_find_after_find, key_counts, count);
    chek_bench_add_each("find_prefetched", run_find_prefetched, key_counts, count);
    chek_bench_add_each("fill", run_fill, key_counts, count);
    chek_bench_add_each("remove_insert", run_remove_insert, key_counts, count);
}
