/* SPDX-License-Identifier: MIT */
/*
 * prop_page_heap.c - random histories: contents stay, pages are valid, and the bytes are a function
 * of the calls alone.
 *
 * The same calls are made to three heaps: one from the start; one that is dumped and loaded again
 * now and then; one with another capacity, that is asked to ensure memory at other moments and is
 * marked for a reader. Their bytes are equal all the time, and the reader sees those of its moment.
 */
#include "engine/base/page_heap.h"

#include "engine/base/memory.h"
#include "tests/prop/prop.h"

#define OBJECT_COUNT_MAX 2000
#define STEP_COUNT 3000
#define HEAP_COUNT 3
#define ROOT_SIZE 100

struct object {
    chek_page_ref ref;
    uint32_t size;
    uint8_t fill;
};

/* A reader of the third heap's mark: what was there, and which pages it has not read yet. */
struct reader {
    uint8_t *pages;
    uint32_t *left;
    uint32_t page_count, left_count;
};

struct history {
    struct reader reader;
    struct chek_page_heap heaps[HEAP_COUNT];
    struct object objects[OBJECT_COUNT_MAX];
    size_t object_count;
    uint32_t size_max; /* a round stays with small objects, or not */
};

static struct history history;

static void
object_add(struct prop *prop, struct chek_prng *prng)
{
    struct object object = {
        .size = 1 + (uint32_t)chek_prng_below(prng, history.size_max),
        .fill = (uint8_t)chek_prng_next(prng),
    };
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        chek_page_ref ref = chek_page_heap_allocate(&history.heaps[i], object.size);
        PROP_CHECK(prop, ref != 0);
        PROP_CHECK(prop, i == 0 || ref == object.ref);
        object.ref = ref;
        uint8_t *bytes = chek_page_heap_change(&history.heaps[i], ref);
        for (uint32_t at = 0; at < object.size; at++) {
            PROP_CHECK(prop, bytes[at] == 0);
        }
        memset(bytes, object.fill, object.size);
    }
    history.objects[history.object_count++] = object;
}

static void
object_check(struct prop *prop, const struct object *object)
{
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        PROP_CHECK(prop, chek_page_heap_holds(&history.heaps[i], object->ref, object->size));
        const uint8_t *bytes = chek_page_heap_read(&history.heaps[i], object->ref);
        for (uint32_t at = 0; at < object->size; at++) {
            PROP_CHECK(prop, bytes[at] == object->fill);
        }
    }
}

static void
object_remove(struct prop *prop, struct chek_prng *prng)
{
    size_t index = chek_prng_below(prng, history.object_count);
    struct object *object = &history.objects[index];
    object_check(prop, object);
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        chek_page_heap_free(&history.heaps[i], object->ref, object->size);
        PROP_CHECK(prop, !chek_page_heap_holds(&history.heaps[i], object->ref, object->size));
    }
    *object = history.objects[--history.object_count];
}

static void
heap_dump_and_load(struct prop *prop)
{
    struct chek_page_heap loaded;
    int error = chek_page_heap_load(&loaded, 5000, chek_page_heap_pages(&history.heaps[1]));
    PROP_CHECK(prop, error == CHEK_OK);
    chek_page_heap_finish(&history.heaps[1]);
    history.heaps[1] = loaded;
}

/* Write to an object without any call but the one that announces it. */
static void
object_rewrite(struct prop *prop, struct chek_prng *prng)
{
    struct object *object = &history.objects[chek_prng_below(prng, history.object_count)];
    object_check(prop, object);
    object->fill = (uint8_t)chek_prng_next(prng);
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        memset(chek_page_heap_change(&history.heaps[i], object->ref), object->fill, object->size);
    }
}

static void
reader_begin(struct prop *prop, struct chek_prng *prng)
{
    struct reader *reader = &history.reader;
    struct chek_page_heap *heap = &history.heaps[2];
    struct chek_bytes_view pages = chek_page_heap_pages(heap);
    reader->page_count = heap->page_count;
    reader->left_count = heap->page_count;
    reader->pages = chek_memory_allocate(pages.size);
    reader->left = chek_memory_allocate(heap->page_count * sizeof reader->left[0]);
    PROP_CHECK(prop, reader->pages != NULL && reader->left != NULL);
    memcpy(reader->pages, pages.bytes, pages.size);
    for (uint32_t i = 0; i < heap->page_count; i++) {
        reader->left[i] = i;
    }
    if (chek_prng_chance(prng, 500000)) {
        PROP_CHECK(prop, chek_page_heap_mark_prepare(heap, heap->page_count) == CHEK_OK);
    }
    PROP_CHECK(prop, chek_page_heap_mark(heap) == CHEK_OK);
}

static void
reader_end(void)
{
    struct reader *reader = &history.reader;
    chek_page_heap_unmark(&history.heaps[2]);
    chek_page_heap_mark_discard(&history.heaps[2]);
    chek_memory_free(reader->pages, (size_t)reader->page_count * CHEK_PAGE_SIZE);
    chek_memory_free(reader->left, reader->page_count * sizeof reader->left[0]);
    *reader = (struct reader){0};
}

/* Read a page that was not read yet; begin and end now and then. */
static void
reader_step(struct prop *prop, struct chek_prng *prng)
{
    struct reader *reader = &history.reader;
    if (reader->left_count == 0) {
        if (reader->pages != NULL) {
            reader_end();
        } else if (chek_prng_chance(prng, 50000)) {
            reader_begin(prop, prng);
        }
        return;
    }
    uint32_t *chosen = &reader->left[chek_prng_below(prng, reader->left_count)];
    const void *page = chek_page_heap_marked(&history.heaps[2], *chosen);
    const uint8_t *want = reader->pages + (size_t)*chosen * CHEK_PAGE_SIZE;
    PROP_CHECK(prop, memcmp(page, want, CHEK_PAGE_SIZE) == 0);
    if (chek_prng_chance(prng, 500000)) {
        chek_page_heap_marked_done(&history.heaps[2], *chosen);
        *chosen = reader->left[--reader->left_count];
    }
}

static void
step(struct prop *prop, struct chek_prng *prng, uint32_t grow_chance)
{
    bool adds = chek_prng_chance(prng, grow_chance);
    if (adds && history.object_count < OBJECT_COUNT_MAX) {
        object_add(prop, prng);
    } else if (!adds && history.object_count > 0) {
        object_remove(prop, prng);
    }
    if (history.object_count > 0) {
        object_rewrite(prop, prng);
    }
    reader_step(prop, prng);
    if (chek_prng_chance(prng, 5000)) {
        heap_dump_and_load(prop);
    }
    if (chek_prng_chance(prng, 20000)) {
        size_t size = chek_prng_below(prng, 100000);
        PROP_CHECK(prop, chek_page_heap_ensure(&history.heaps[2], size) == CHEK_OK);
    }
}

static void
heaps_check(struct prop *prop)
{
    uint64_t hash = chek_page_heap_hash(&history.heaps[0]);
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        PROP_CHECK(prop, chek_page_heap_is_valid(&history.heaps[i]));
        PROP_CHECK(prop, chek_page_heap_hash(&history.heaps[i]) == hash);
    }
}

static void
history_begin(struct prop *prop, struct chek_prng *prng)
{
    static const uint32_t page_count_max[HEAP_COUNT] = {4096, 4096, 2500};
    static const uint32_t size_max[] = {16, 64, 300, 2048, CHEK_PAGE_OBJECT_SIZE_MAX};
    history.object_count = 0;
    history.size_max = size_max[chek_prng_below(prng, CHEK_COUNT(size_max))];
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        struct chek_page_heap *heap = &history.heaps[i];
        PROP_CHECK(prop, chek_page_heap_init(heap, page_count_max[i], ROOT_SIZE) == CHEK_OK);
        memset(chek_page_heap_root_change(heap), 0x5a, ROOT_SIZE);
    }
}

/* Free what is left: no object may be lost, and no page stay in a class. */
static void
history_end(struct prop *prop, struct chek_prng *prng)
{
    while (history.object_count > 0) {
        object_remove(prop, prng);
    }
    heaps_check(prop);
    reader_end();
    for (size_t i = 0; i < HEAP_COUNT; i++) {
        PROP_CHECK(prop, chek_page_heap_used_size(&history.heaps[i]) == 0);
        chek_page_heap_finish(&history.heaps[i]);
    }
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 40);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        history_begin(&prop, &prng);
        uint32_t grow_chance = 700000;
        for (uint32_t i = 0; i < STEP_COUNT; i++) {
            if (i % 500 == 0) {
                heaps_check(&prop);
                grow_chance = 300000 + (uint32_t)chek_prng_below(&prng, 600000);
            }
            step(&prop, &prng, grow_chance);
        }
        history_end(&prop, &prng);
    }
    return 0;
}
