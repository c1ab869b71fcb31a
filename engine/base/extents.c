/* SPDX-License-Identifier: MIT */
/*
 * extents.c - first fit over gaps that are kept in the order of their places.
 *
 * There are few gaps: segments are made in rising order, and what is freed is mostly the sixteen
 * neighbours of a merge. So a gap is found by walking, and its neighbours are next to it.
 */
#include "engine/base/extents.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"

#ifdef __SANITIZE_ADDRESS__
#    define IS_POISONED 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define IS_POISONED 1
#    endif
#endif
#ifdef IS_POISONED
#    include <sanitizer/asan_interface.h>
#    define POISON(bytes, size) ASAN_POISON_MEMORY_REGION(bytes, size)
#    define UNPOISON(bytes, size) ASAN_UNPOISON_MEMORY_REGION(bytes, size)
#else
#    define POISON(bytes, size) ((void)(bytes), (void)(size))
#    define UNPOISON(bytes, size) ((void)(bytes), (void)(size))
#endif

#define AREA_PAGE_COUNT (CHEK_EXTENT_AREA_SIZE / CHEK_EXTENT_PAGE_SIZE)
#define COMMIT_STEP ((size_t)2 << 20)
#define GAP_COUNT_MAX ((size_t)1 << 18)
#define GAP_STEP ((size_t)65536 / sizeof(struct chek_extent_gap)) /* committed at once */

static uint64_t
page_count_of(size_t size)
{
    return ((uint64_t)size + CHEK_EXTENT_PAGE_SIZE - 1) / CHEK_EXTENT_PAGE_SIZE;
}

static uint8_t *
address_of(const struct chek_extents *extents, uint64_t place)
{
    return extents->areas[place / AREA_PAGE_COUNT] +
           (size_t)(place % AREA_PAGE_COUNT) * CHEK_EXTENT_PAGE_SIZE;
}

int
chek_extents_init(struct chek_extents *extents)
{
    pthread_mutex_init(&extents->mutex, NULL);
    extents->gaps = chek_memory_reserve(GAP_COUNT_MAX * sizeof *extents->gaps);
    if (extents->gaps == NULL) {
        pthread_mutex_destroy(&extents->mutex);
        return -ENOMEM;
    }
    return CHEK_OK;
}

void
chek_extents_finish(struct chek_extents *extents)
{
    if (extents->gaps == NULL) {
        return;
    }
    for (uint32_t i = 0; i < extents->area_count; i++) {
        UNPOISON(extents->areas[i], extents->committed[i]); /* whoever is mapped there next */
        chek_memory_release(extents->areas[i], CHEK_EXTENT_AREA_SIZE);
    }
    chek_memory_release(extents->gaps, GAP_COUNT_MAX * sizeof *extents->gaps);
    pthread_mutex_destroy(&extents->mutex);
    *extents = (struct chek_extents){0};
}

/* ---- gaps ------------------------------------------------------------------------------------- */

/* Have room for one more gap in the table. */
static bool
gap_ensure(struct chek_extents *extents)
{
    if (extents->gap_count < extents->gap_capacity) {
        return true;
    }
    struct chek_extent_gap *end = extents->gaps + extents->gap_capacity;
    if (extents->gap_capacity + GAP_STEP > GAP_COUNT_MAX ||
        chek_memory_commit(end, GAP_STEP * sizeof *end) != CHEK_OK) {
        return false;
    }
    extents->gap_capacity += GAP_STEP;
    return true;
}

/* The first gap that begins behind `place`; the count when there is none. */
static size_t
gap_behind(const struct chek_extents *extents, uint64_t place)
{
    size_t low = 0;
    size_t high = extents->gap_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (extents->gaps[middle].first <= place) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
gap_remove(struct chek_extents *extents, size_t index)
{
    memmove(extents->gaps + index, extents->gaps + index + 1,
            (extents->gap_count - index - 1) * sizeof *extents->gaps);
    extents->gap_count -= 1;
}

static bool
gaps_touch(const struct chek_extent_gap *gap, const struct chek_extent_gap *next)
{
    return gap->first + gap->count == next->first && next->first % AREA_PAGE_COUNT != 0;
}

/* Pages become free. What no table has room for is not used again: it holds no memory. */
static void
gap_add(struct chek_extents *extents, struct chek_extent_gap gap)
{
    size_t index = gap_behind(extents, gap.first);
    struct chek_extent_gap *at = extents->gaps + index;
    bool joins_next = index < extents->gap_count && gaps_touch(&gap, at);
    bool joins_before = index > 0 && gaps_touch(at - 1, &gap);
    if (joins_before) {
        at[-1].count += gap.count + (joins_next ? at->count : 0);
        if (joins_next) {
            gap_remove(extents, index);
        }
    } else if (joins_next) {
        at->first = gap.first;
        at->count += gap.count;
    } else if (gap_ensure(extents)) {
        memmove(at + 1, at, (extents->gap_count - index) * sizeof *at);
        *at = gap;
        extents->gap_count += 1;
    }
}

static bool
area_add(struct chek_extents *extents)
{
    uint32_t index = extents->area_count;
    if (index == CHEK_EXTENT_AREA_COUNT_MAX || !gap_ensure(extents)) {
        return false;
    }
    chek_memory_unsealed_begin(); /* address space, for every 64 GiB that are in use at once */
    extents->areas[index] = chek_memory_reserve(CHEK_EXTENT_AREA_SIZE);
    chek_memory_unsealed_end();
    if (extents->areas[index] == NULL) {
        return false;
    }
    extents->area_count += 1;
    gap_add(extents, (struct chek_extent_gap){index * AREA_PAGE_COUNT, AREA_PAGE_COUNT});
    return true;
}

/* ---- taking and giving ------------------------------------------------------------------------ */

/* Make an area usable as far as a place reaches. */
static bool
place_commit(struct chek_extents *extents, uint64_t place, uint64_t count)
{
    uint64_t area = place / AREA_PAGE_COUNT;
    size_t end = (size_t)(place % AREA_PAGE_COUNT + count) * CHEK_EXTENT_PAGE_SIZE;
    size_t *committed = &extents->committed[area];
    if (end <= *committed) {
        return true;
    }
    size_t size = (end - *committed + COMMIT_STEP - 1) / COMMIT_STEP * COMMIT_STEP;
    if (chek_memory_commit(extents->areas[area] + *committed, size) != CHEK_OK) {
        return false;
    }
    POISON(extents->areas[area] + *committed, size);
    *committed += size;
    return true;
}

static size_t
gap_find(const struct chek_extents *extents, uint64_t count)
{
    size_t index = 0;
    while (index < extents->gap_count && extents->gaps[index].count < count) {
        index += 1;
    }
    return index;
}

static uint8_t *
pages_take(struct chek_extents *extents, uint64_t count)
{
    size_t index = gap_find(extents, count);
    if (index == extents->gap_count) {
        if (!area_add(extents)) {
            return NULL;
        }
        index = gap_find(extents, count);
    }
    uint64_t place = extents->gaps[index].first;
    if (!place_commit(extents, place, count)) {
        return NULL;
    }
    extents->gaps[index].first += count;
    extents->gaps[index].count -= count;
    if (extents->gaps[index].count == 0) {
        gap_remove(extents, index);
    }
    extents->used_size += count * CHEK_EXTENT_PAGE_SIZE;
    return address_of(extents, place);
}

uint8_t *
chek_extents_take(struct chek_extents *extents, size_t size)
{
    if (size == 0 || size > CHEK_EXTENT_AREA_SIZE) {
        return NULL;
    }
    pthread_mutex_lock(&extents->mutex);
    uint8_t *bytes = pages_take(extents, page_count_of(size));
    pthread_mutex_unlock(&extents->mutex);
    if (bytes != NULL) {
        UNPOISON(bytes, size);
    }
    return bytes;
}

uint8_t *
chek_extents_grow(struct chek_extents *extents, uint8_t *bytes, size_t size_old, size_t size_new)
{
    CHEK_ASSERT(size_new >= size_old);
    if (page_count_of(size_new) == page_count_of(size_old)) {
        UNPOISON(bytes, size_new); /* nobody wrote behind the old end */
        return bytes;
    }
    uint8_t *grown = chek_extents_take(extents, size_new);
    if (grown != NULL) {
        memcpy(grown, bytes, size_old);
        chek_extents_give(extents, bytes, size_old);
    }
    return grown;
}

static uint64_t
place_of(const struct chek_extents *extents, const uint8_t *bytes)
{
    uint32_t area = 0;
    while (area < extents->area_count && (bytes < extents->areas[area] ||
                                          bytes >= extents->areas[area] + CHEK_EXTENT_AREA_SIZE)) {
        area += 1;
    }
    CHEK_ASSERT(area < extents->area_count);
    size_t offset = (size_t)(bytes - extents->areas[area]);
    CHEK_ASSERT(offset % CHEK_EXTENT_PAGE_SIZE == 0);
    return area * AREA_PAGE_COUNT + offset / CHEK_EXTENT_PAGE_SIZE;
}

void
chek_extents_give(struct chek_extents *extents, uint8_t *bytes, size_t size)
{
    if (bytes == NULL) {
        return;
    }
    uint64_t count = page_count_of(size);
    chek_memory_discard(bytes, (size_t)count * CHEK_EXTENT_PAGE_SIZE);
    POISON(bytes, (size_t)count * CHEK_EXTENT_PAGE_SIZE);
    pthread_mutex_lock(&extents->mutex);
    CHEK_ASSERT(extents->used_size >= count * CHEK_EXTENT_PAGE_SIZE);
    extents->used_size -= count * CHEK_EXTENT_PAGE_SIZE;
    gap_add(extents, (struct chek_extent_gap){place_of(extents, bytes), count});
    pthread_mutex_unlock(&extents->mutex);
}
