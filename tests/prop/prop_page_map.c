/* SPDX-License-Identifier: MIT */
/*
 * prop_page_map.c - the map against a plain array, over random histories with equal keys.
 *
 * Two maps share a heap, so that their objects interleave; a round has few keys or many; now and
 * then the heap is dumped and loaded.
 */
#include "engine/base/page_map.h"

#include "tests/prop/prop.h"

#define ENTRY_COUNT_MAX 3000
#define STEP_COUNT 6000
#define MAP_COUNT 2

struct entry {
    uint64_t key;
    uint32_t value;
};

/* Entries in the order of insertion: what a map with equal keys side by side must show. */
struct model {
    struct entry entries[ENTRY_COUNT_MAX];
    size_t count;
};

struct state {
    struct chek_page_map maps[MAP_COUNT];
};

static struct model models[MAP_COUNT];
static struct chek_page_heap heap;

static struct chek_page_map *
map_of(size_t index)
{
    struct state *state = chek_page_heap_root_change(&heap);
    return &state->maps[index];
}

/* The index of the next entry of `key` from `from` on; the count when there is none. */
static size_t
model_find(const struct model *model, uint64_t key, size_t from)
{
    while (from < model->count && model->entries[from].key != key) {
        from += 1;
    }
    return from;
}

static bool
model_remove(struct model *model, uint64_t key, uint32_t value)
{
    size_t at = model_find(model, key, 0);
    while (at < model->count && model->entries[at].value != value) {
        at = model_find(model, key, at + 1);
    }
    if (at == model->count) {
        return false;
    }
    model->count -= 1;
    memmove(&model->entries[at], &model->entries[at + 1],
            (model->count - at) * sizeof model->entries[0]);
    return true;
}

static void
key_check(struct prop *prop, size_t index, uint64_t key)
{
    const struct model *model = &models[index];
    struct chek_page_map_walk walk;
    uint32_t value;
    chek_page_map_prefetch(&heap, map_of(index), key);
    bool more = chek_page_map_find(&heap, map_of(index), key, &value, &walk);
    for (size_t at = model_find(model, key, 0); at < model->count;
         at = model_find(model, key, at + 1)) {
        PROP_CHECK(prop, more && value == model->entries[at].value);
        more = chek_page_map_next(&heap, &walk, &value);
    }
    PROP_CHECK(prop, !more);
}

static void
step(struct prop *prop, struct chek_prng *prng, uint64_t key_count, uint32_t grow_chance)
{
    size_t index = chek_prng_below(prng, MAP_COUNT);
    struct model *model = &models[index];
    uint64_t key = chek_prng_below(prng, key_count);
    if (chek_prng_chance(prng, 10000)) {
        key = chek_prng_next(prng);
    }
    uint32_t value = (uint32_t)chek_prng_below(prng, 20);
    if (chek_prng_chance(prng, grow_chance) && model->count < ENTRY_COUNT_MAX) {
        model->entries[model->count++] = (struct entry){key, value};
        PROP_CHECK(prop, chek_page_map_insert(&heap, map_of(index), key, value) == CHEK_OK);
    } else {
        bool removed = model_remove(model, key, value);
        PROP_CHECK(prop, chek_page_map_remove(&heap, map_of(index), key, value) == removed);
    }
    PROP_CHECK(prop, map_of(index)->count == model->count);
    key_check(prop, index, key);
    key_check(prop, index, chek_prng_below(prng, key_count));
}

static void
heap_dump_and_load(struct prop *prop)
{
    struct chek_page_heap loaded;
    PROP_CHECK(prop, chek_page_heap_load(&loaded, 4096, chek_page_heap_pages(&heap)) == CHEK_OK);
    chek_page_heap_finish(&heap);
    heap = loaded;
}

static void
state_check(struct prop *prop)
{
    PROP_CHECK(prop, chek_page_heap_is_valid(&heap));
    for (size_t i = 0; i < MAP_COUNT; i++) {
        PROP_CHECK(prop, chek_page_map_is_valid(&heap, map_of(i)));
        for (size_t at = 0; at < models[i].count; at += 7) {
            key_check(prop, i, models[i].entries[at].key);
        }
    }
}

static void
history_begin(struct prop *prop, struct chek_prng *prng)
{
    PROP_CHECK(prop, chek_page_heap_init(&heap, 4096, sizeof(struct state)) == CHEK_OK);
    for (size_t i = 0; i < MAP_COUNT; i++) {
        models[i].count = 0;
        map_of(i)->seed = chek_prng_next(prng);
    }
}

int
main(int argument_count, char **arguments)
{
    static const uint64_t key_counts[] = {1, 3, 50, 1000, 100000};
    struct prop prop = prop_begin(argument_count, arguments, 25);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        history_begin(&prop, &prng);
        uint64_t key_count = key_counts[chek_prng_below(&prng, CHEK_COUNT(key_counts))];
        uint32_t grow_chance = 0;
        for (uint32_t i = 0; i < STEP_COUNT; i++) {
            if (i % 1000 == 0) {
                state_check(&prop);
                heap_dump_and_load(&prop);
                grow_chance = 200000 + (uint32_t)chek_prng_below(&prng, 800000);
            }
            step(&prop, &prng, key_count, grow_chance);
        }
        state_check(&prop);
        chek_page_heap_finish(&heap);
    }
    return 0;
}
