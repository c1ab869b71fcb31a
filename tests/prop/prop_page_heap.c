/* SPDX-License-Identifier: MIT */
/*
 * prop_page_heap.c - random histories: contents stay, pages are valid, and the bytes are a function
 * of the calls alone.
 *
 * The same calls are made to three heaps: one from the start; one that is dumped and loaded again
 * now and then; one with another capacity, that is asked to ensure memory at other moments. Their
 * bytes are equal all the time.
 */
#include "engine/base/page_heap.h"

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

struct history {
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

static void
step(struct prop *prop, struct chek_prng *prng, uint32_t grow_chance)
{
    bool adds = chek_prng_chance(prng, grow_chance);
    if (adds && history.object_count < OBJECT_COUNT_MAX) {
        object_add(prop, prng);
    } else if (!adds && history.object_count > 0) {
        object_remove(prop, prng);
    }
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
