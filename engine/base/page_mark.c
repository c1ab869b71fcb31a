/* SPDX-License-Identifier: MIT */
/*
 * page_mark.c - the state of a moment, readable while it changes.
 *
 * A page stays where it is and is copied aside before its first change after the mark, so pointers
 * into the heap stay good and a page that nobody changes costs nothing. What is aside is no state:
 * the bytes of the heap do not depend on whether there was a mark.
 */
#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/page_layout.h"
#include "engine/base/planted.h"

#define COMMIT_STEP 64 /* pages: 1 MiB */

/* What the reader may still read, and where it is. */
enum wanted {
    WANTED_IN_PLACE = 0,
    WANTED_COPY = 1,
    WANTED_NO_MORE = 2,
};

static uint8_t *
copy_of(const struct chek_page_heap *heap, uint32_t page)
{
    return heap->base + ((size_t)heap->page_count_max + page) * CHEK_PAGE_SIZE;
}

static uint8_t *
wanted_of(const struct chek_page_heap *heap)
{
    return copy_of(heap, heap->page_count_max);
}

/*
 * Make room for a copy of every page; it is not touched before it is used. Committed in pieces below
 * the size of a huge page, so that a single copy does not bring a whole one with it.
 */
static int
copies_commit(struct chek_page_heap *heap, uint32_t page_count)
{
    if (!heap->wanted_is_committed) {
        int error = chek_memory_commit(wanted_of(heap), heap->page_count_max);
        if (error != CHEK_OK) {
            return error;
        }
        heap->wanted_is_committed = true;
    }
    while (heap->copy_count_committed < page_count) {
        uint32_t added = heap->page_count_max - heap->copy_count_committed;
        added = added < COMMIT_STEP ? added : COMMIT_STEP;
        int error = chek_memory_commit(copy_of(heap, heap->copy_count_committed),
                                       (size_t)added * CHEK_PAGE_SIZE);
        if (error != CHEK_OK) {
            return error;
        }
        heap->copy_count_committed += added;
    }
    return CHEK_OK;
}

int
chek_page_heap_mark_prepare(struct chek_page_heap *heap, uint32_t page_count)
{
    int error = copies_commit(heap, page_count);
    if (error == CHEK_OK) {
        chek_memory_populate(copy_of(heap, 0), (size_t)page_count * CHEK_PAGE_SIZE);
    }
    return error;
}

int
chek_page_heap_mark(struct chek_page_heap *heap)
{
    CHEK_ASSERT(heap->marked_count == 0);
    int error = copies_commit(heap, heap->page_count);
    if (error != CHEK_OK) {
        return error;
    }
    heap->marked_count = heap->page_count;
    memset(wanted_of(heap), WANTED_IN_PLACE, heap->marked_count);
    /* Page 0 changes with every allocation; its writers need not ask. */
    chek_page_heap_keep(heap, 0);
    return CHEK_OK;
}

void
chek_page_heap_keep(struct chek_page_heap *heap, chek_page_ref ref)
{
    uint32_t page = ref / PAGE_REFS;
    uint8_t *wanted = wanted_of(heap);
    if (CHEK_PLANTED(PAGE_NOT_COPIED) && page != 0) {
        return;
    }
    if (page < heap->marked_count && wanted[page] == WANTED_IN_PLACE) {
        memcpy(copy_of(heap, page), page_head_of(heap, page), CHEK_PAGE_SIZE);
        wanted[page] = WANTED_COPY;
    }
}

const void *
chek_page_heap_marked(const struct chek_page_heap *heap, uint32_t page)
{
    CHEK_ASSERT(page < heap->marked_count);
    uint8_t wanted = wanted_of(heap)[page];
    CHEK_ASSERT(wanted != WANTED_NO_MORE);
    return wanted == WANTED_COPY ? (const void *)copy_of(heap, page) : page_head_of(heap, page);
}

void
chek_page_heap_marked_done(struct chek_page_heap *heap, uint32_t page)
{
    CHEK_ASSERT(page < heap->marked_count);
    wanted_of(heap)[page] = WANTED_NO_MORE;
}

void
chek_page_heap_unmark(struct chek_page_heap *heap)
{
    heap->marked_count = 0;
}

void
chek_page_heap_mark_discard(struct chek_page_heap *heap)
{
    if (heap->copy_count_committed != 0) {
        chek_memory_discard(copy_of(heap, 0), (size_t)heap->copy_count_committed * CHEK_PAGE_SIZE);
    }
}
