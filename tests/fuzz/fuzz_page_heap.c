/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_heap.c - damaged pages are refused or harmless.
 *
 * Pages are large and mostly content, so the input is not pages but damage: byte 0 picks a history
 * that makes sound pages with a map in them, byte 1 how many of the pages are given, and each four
 * bytes {page, offset u16, value} behind change one. What is accepted must then serve allocations,
 * removals and, when the map is accepted too, look-ups and insertions without an assertion.
 */
#include "engine/base/page_map.h"

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/prng.h"
#include "tests/fuzz/fuzz.h"

#define PAGE_COUNT_MAX 64
#define HISTORY_COUNT 8
#define KEY_COUNT 300

/* Sound pages: a map with some entries, objects of all sizes, some freed again. */
static void
heap_make(struct chek_page_heap *heap, uint8_t history)
{
    struct chek_prng prng;
    chek_prng_init(&prng, history);
    int error = chek_page_heap_init(heap, PAGE_COUNT_MAX, sizeof(struct chek_page_map));
    CHEK_ASSERT(error == CHEK_OK);
    struct chek_page_map *map = chek_page_heap_root_change(heap);
    map->seed = history;
    for (uint64_t i = 0; i < 40u * history; i++) {
        error = chek_page_map_insert(heap, map, chek_prng_below(&prng, KEY_COUNT), (uint32_t)i);
        CHEK_ASSERT(error == CHEK_OK);
    }
    for (uint32_t i = 0; i < 4u * history; i++) {
        uint32_t size = 1 + (uint32_t)(chek_prng_below(&prng, CHEK_PAGE_OBJECT_SIZE_MAX) >>
                                       chek_prng_below(&prng, 10));
        chek_page_ref ref = chek_page_heap_allocate(heap, size);
        CHEK_ASSERT(ref != 0);
        if (chek_prng_chance(&prng, 300000)) {
            chek_page_heap_free(heap, ref, size);
        }
    }
}

static void
heap_damage(struct chek_page_heap *heap, struct chek_cursor *in)
{
    while (chek_cursor_left(in) >= 4) {
        uint32_t page = chek_cursor_u8(in) % heap->page_count;
        uint32_t offset = chek_cursor_u16(in) % CHEK_PAGE_SIZE;
        heap->base[page * CHEK_PAGE_SIZE + offset] = chek_cursor_u8(in);
    }
}

/* Take and give back objects of every class, and give back all that is there. */
static void
heap_use(struct chek_page_heap *heap)
{
    for (uint32_t size = 16; size <= CHEK_PAGE_OBJECT_SIZE_MAX; size += size / 4 / 16 * 16 + 16) {
        chek_page_ref first = chek_page_heap_allocate(heap, size);
        chek_page_ref second = chek_page_heap_allocate(heap, size);
        CHEK_ASSERT(first != 0 && second != 0);
        chek_page_heap_free(heap, first, size);
        for (chek_page_ref ref = 0; ref < heap->page_count * (CHEK_PAGE_SIZE / 16); ref++) {
            if (chek_page_heap_holds(heap, ref, size)) {
                chek_page_heap_free(heap, ref, size);
            }
        }
    }
    CHEK_ASSERT(chek_page_heap_is_valid(heap));
}

static void
map_use(struct chek_page_heap *heap)
{
    struct chek_page_map *map = chek_page_heap_root_change(heap);
    if (!chek_page_map_is_valid(heap, map)) {
        return;
    }
    for (uint64_t key = 0; key < KEY_COUNT; key++) {
        uint32_t value;
        if (chek_page_map_find(heap, map, key, &value, NULL) && key % 3 == 0) {
            bool removed = chek_page_map_remove(heap, map, key, value);
            CHEK_ASSERT(removed);
        }
        int error = chek_page_map_insert(heap, map, key, 1);
        CHEK_ASSERT(error == CHEK_OK);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_cursor in = chek_cursor_over(bytes, size);
    uint8_t history = chek_cursor_u8(&in) % HISTORY_COUNT;
    uint8_t page_count = chek_cursor_u8(&in);
    struct chek_page_heap heap;
    struct chek_page_heap loaded;
    heap_make(&heap, history);
    heap_damage(&heap, &in);

    struct chek_bytes_view pages = chek_page_heap_pages(&heap);
    if (page_count != 0 && page_count < heap.page_count) {
        pages.size = page_count * (size_t)CHEK_PAGE_SIZE;
    }
    int error = chek_page_heap_load(&loaded, 2 * PAGE_COUNT_MAX, pages);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT);
    if (error == CHEK_OK) {
        CHEK_ASSERT(chek_page_heap_hash(&loaded) == chek_page_heap_hash(&heap));
        map_use(&loaded);
        heap_use(&loaded);
        chek_page_heap_finish(&loaded);
    }
    chek_page_heap_finish(&heap);
    return 0;
}
