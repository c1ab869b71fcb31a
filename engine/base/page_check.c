/* SPDX-License-Identifier: MIT */
/*
 * page_check.c - whether pages are the pages of a heap.
 *
 * The bytes may come from a damaged file. Nothing read from them is used before it is checked, and
 * the work is bounded by the size: every page is looked at once by itself and once by its list.
 * What passes can be allocated from and freed to without ever meeting an assertion; what the
 * objects mean is their owner's to check.
 */
#include "engine/base/page_layout.h"

/* What the pages say of themselves, to be compared with what page 0 says of them. */
struct page_tally {
    uint32_t free_page_count;
    uint32_t partial_page_count[PAGE_CLASS_COUNT];
    uint64_t used_size;
};

bool
base__bytes_are_zero(const uint8_t *bytes, size_t size)
{
    return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

static bool
heap_page_is_sound(const struct chek_page_heap *heap)
{
    const struct page_heap_head *head = page_heap_head_of(heap);
    if (head->kind != PAGE_KIND_HEAP || head->magic != PAGE_HEAP_MAGIC ||
        head->version != PAGE_HEAP_VERSION) {
        return false;
    }
    if (head->page_count != heap->page_count || head->root_size > CHEK_PAGE_ROOT_SIZE_MAX) {
        return false;
    }
    size_t root_end = PAGE_ROOT_OFFSET + head->root_size;
    return base__bytes_are_zero(heap->base + sizeof *head, PAGE_ROOT_OFFSET - sizeof *head) &&
           base__bytes_are_zero(heap->base + root_end, CHEK_PAGE_SIZE - root_end);
}

static bool
free_page_is_sound(const struct page_head *page)
{
    const uint8_t *bytes = (const uint8_t *)page;
    size_t rest = offsetof(struct page_head, previous);
    return page->object_count == 0 && base__bytes_are_zero(bytes + rest, CHEK_PAGE_SIZE - rest);
}

/* The bitmap: as many bits as objects are counted, none behind the last object. */
static bool
bitmap_is_sound(const struct page_head *page, const struct page_class *class)
{
    unsigned count = 0;
    for (unsigned i = 0; i < class->word_count; i++) {
        count += (unsigned)__builtin_popcountll(page->used[i]);
    }
    unsigned tail = class->object_count % 64;
    if (tail != 0 && page->used[class->word_count - 1] >> tail != 0) {
        return false;
    }
    return count == page->object_count && count > 0;
}

static bool
free_objects_are_zero(const struct page_head *page, const struct page_class *class)
{
    const uint8_t *object = (const uint8_t *)page + class->first;
    for (unsigned i = 0; i < class->object_count; i++, object += class->object_size) {
        bool in_use = (page->used[i / 64] >> (i % 64) & 1) != 0;
        if (!in_use && !base__bytes_are_zero(object, class->object_size)) {
            return false;
        }
    }
    return true;
}

bool
base__object_page_is_sound(const struct page_head *page)
{
    if (page->kind == PAGE_KIND_FREE || page->kind > PAGE_CLASS_COUNT || page->zero != 0) {
        return false;
    }
    const struct page_class *class = &base__page_classes[page->kind - 1];
    size_t head_end = offsetof(struct page_head, used) + class->word_count * sizeof page->used[0];
    if (!bitmap_is_sound(page, class) ||
        !base__bytes_are_zero((const uint8_t *)page + head_end, class->first - head_end)) {
        return false;
    }
    bool is_full = page->object_count == class->object_count;
    return !is_full || (page->next == 0 && page->previous == 0);
}

static bool
page_tally_add(struct page_tally *tally, const struct page_head *page)
{
    if (page->kind == PAGE_KIND_FREE) {
        tally->free_page_count += 1;
        return free_page_is_sound(page);
    }
    if (!base__object_page_is_sound(page)) {
        return false;
    }
    unsigned class_index = page->kind - 1u;
    const struct page_class *class = &base__page_classes[class_index];
    if (!free_objects_are_zero(page, class)) {
        return false;
    }
    tally->partial_page_count[class_index] += page->object_count < class->object_count;
    tally->used_size += (uint64_t)page->object_count * class->object_size;
    return true;
}

/* The list has exactly `count` pages, all free; with an end it cannot have met a page twice. */
static bool
free_list_is_sound(const struct chek_page_heap *heap, uint32_t count)
{
    uint32_t number = page_heap_head_of(heap)->free_page_first;
    for (uint32_t i = 0; i < count; i++) {
        if (number == 0 || number >= heap->page_count ||
            page_head_of(heap, number)->kind != PAGE_KIND_FREE) {
            return false;
        }
        number = page_head_of(heap, number)->next;
    }
    return number == 0;
}

static bool
partial_list_is_sound(const struct chek_page_heap *heap, unsigned class_index, uint32_t count)
{
    const struct page_class *class = &base__page_classes[class_index];
    uint32_t previous = 0;
    uint32_t number = page_heap_head_of(heap)->partial_first[class_index];
    for (uint32_t i = 0; i < count; i++) {
        if (number == 0 || number >= heap->page_count) {
            return false;
        }
        const struct page_head *page = page_head_of(heap, number);
        if (page->kind != 1 + class_index || page->previous != previous ||
            page->object_count == class->object_count) {
            return false;
        }
        previous = number;
        number = page->next;
    }
    return number == 0;
}

bool
base__pages_are_sound(const struct chek_page_heap *heap)
{
    if (heap->page_count == 0 || !heap_page_is_sound(heap)) {
        return false;
    }
    struct page_tally tally = {0};
    for (uint32_t i = 1; i < heap->page_count; i++) {
        if (!page_tally_add(&tally, page_head_of(heap, i))) {
            return false;
        }
    }
    const struct page_heap_head *head = page_heap_head_of(heap);
    if (tally.free_page_count != head->free_page_count || tally.used_size != head->used_size ||
        !free_list_is_sound(heap, tally.free_page_count)) {
        return false;
    }
    for (unsigned i = 0; i < PAGE_CLASS_COUNT; i++) {
        if (!partial_list_is_sound(heap, i, tally.partial_page_count[i])) {
            return false;
        }
    }
    return true;
}
