/* SPDX-License-Identifier: MIT */
/*
 * fuzz_page_heap.c - damaged pages are refused or harmless.
 *
 * Pages are large and mostly content, so the input is not pages but damage: byte 0 picks a history
 * that makes sound pages with a map in them, and the size of objects to give back in the end; byte
 * 1 is how many of the pages are given; each four bytes {page, offset u16, value} behind change one.
 * What is accepted must then serve allocations, removals and, when the map is accepted too,
 * look-ups and insertions without an assertion.
 */
#include "engine/base/page_map.h"

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/prng.h"
#include "tests/fuzz/fuzz.h"

#define PAGE_COUNT_MAX 64
#define HISTORY_COUNT 8
#define KEY_COUNT 300
#define DAMAGE_COUNT_MAX 64

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

/* The pages of a history are made once; what damages them is undone. */
static struct chek_page_heap *
heap_of(uint8_t history)
{
    static struct chek_page_heap heaps[HISTORY_COUNT];
    if (heaps[history].base == NULL) {
        heap_make(&heaps[history], history);
    }
    return &heaps[history];
}

struct undo {
    uint8_t *at;
    uint8_t value;
};

static size_t
heap_damage(struct chek_page_heap *heap, struct chek_cursor *in, struct undo *undo)
{
    size_t count = 0;
    while (chek_cursor_left(in) >= 4 && count < DAMAGE_COUNT_MAX) {
        uint32_t page = chek_cursor_u8(in) % heap->page_count;
        uint32_t offset = chek_cursor_u16(in) % CHEK_PAGE_SIZE;
        uint8_t *at = heap->base + page * CHEK_PAGE_SIZE + offset;
        undo[count++] = (struct undo){at, *at};
        *at = chek_cursor_u8(in);
    }
    return count;
}

static void
heap_repair(const struct undo *undo, size_t count)
{
    while (count > 0) {
        count -= 1;
        *undo[count].at = undo[count].value;
    }
}

/* Take objects of every class and give one back; then give back all there are of one size. */
static void
heap_use(struct chek_page_heap *heap, uint32_t size_given)
{
    for (uint32_t size = 16; size <= CHEK_PAGE_OBJECT_SIZE_MAX; size += size / 4 / 16 * 16 + 16) {
        chek_page_ref first = chek_page_heap_allocate(heap, size);
        chek_page_ref second = chek_page_heap_allocate(heap, size);
        CHEK_ASSERT(first != 0 && second != 0);
        chek_page_heap_free(heap, first, size);
    }
    for (chek_page_ref ref = 0; ref < heap->page_count * (CHEK_PAGE_SIZE / 16); ref++) {
        if (chek_page_heap_holds(heap, ref, size_given)) {
            chek_page_heap_free(heap, ref, size_given);
        }
    }
    CHEK_ASSERT(chek_page_heap_is_valid(heap));
}

static void
map_use(struct chek_page_heap *heap)
{
    if (chek_page_heap_root_size(heap) != sizeof(struct chek_page_map)) {
        return;
    }
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
    uint8_t first = chek_cursor_u8(&in);
    uint8_t history = first % HISTORY_COUNT;
    uint8_t page_count = chek_cursor_u8(&in);
    struct chek_page_heap *heap = heap_of(history);
    struct chek_page_heap loaded;
    struct undo undo[DAMAGE_COUNT_MAX];
    size_t undo_count = heap_damage(heap, &in, undo);

    struct chek_bytes_view pages = chek_page_heap_pages(heap);
    if (page_count != 0 && page_count < heap->page_count) {
        pages.size = page_count * (size_t)CHEK_PAGE_SIZE;
    }
    int error = chek_page_heap_load(&loaded, 2 * PAGE_COUNT_MAX, pages);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT);
    if (error == CHEK_OK) {
        CHEK_ASSERT(chek_page_heap_hash(&loaded) == chek_page_heap_hash(heap));
        map_use(&loaded);
        heap_use(&loaded, 1u << (4 + first / HISTORY_COUNT % 9));
        chek_page_heap_finish(&loaded);
    }
    heap_repair(undo, undo_count);
    return 0;
}
