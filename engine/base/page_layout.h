/* SPDX-License-Identifier: MIT */
/*
 * page_layout.h - how the pages of a page heap are laid out. (format)
 *
 * Inside the room only. All numbers are little-endian, page references are page numbers, and every
 * byte not named here is zero.
 *
 * Page 0, the heap's own:
 *
 *   offset  size  field
 *   0       2     kind, 0xffff
 *   2       2     version, 1
 *   4       4     magic, "chkh"
 *   8       4     page_count, pages of the heap
 *   12      4     root_size, bytes of the owner's root object
 *   16      4     free_page_first, head of the list of free pages; 0 = none
 *   20      4     free_page_count
 *   24      8     used_size, bytes of all objects in use, each counted as its class
 *   32      4x30  partial_first, by class: head of the list of its pages with room; 0 = none
 *   256           the root object
 *
 * A free page (kind 0) is zero but for `next` at offset 4, the next free page.
 *
 * A page of objects:
 *
 *   0       2     kind, 1 + class
 *   2       2     object_count, objects in use, never 0
 *   4       4     next page of the class with room; 0 = the last, or this page is full
 *   8       4     previous such page; 0 = the first, or this page is full
 *   12      4     zero
 *   16      8xN   one bit an object, 1 = in use, the lowest bit of the first word is object 0
 *   end           the objects, packed against the end of the page
 *
 * Which objects are free is a bitmap and not a list through them, so that a free object is wholly
 * zero, the lowest free one is always the next, and there is no chain in a loaded page to mistrust.
 * Packing against the end aligns classes that are powers of two to their size.
 */
#ifndef CHEK_BASE_PAGE_LAYOUT_H
#define CHEK_BASE_PAGE_LAYOUT_H

#include "engine/base/page_heap.h"

#define PAGE_CLASS_COUNT 30
#define PAGE_KIND_FREE 0
#define PAGE_KIND_HEAP 0xffff
#define PAGE_HEAP_VERSION 1
#define PAGE_HEAP_MAGIC 0x686b6863 /* "chkh" */
#define PAGE_ROOT_OFFSET 256
#define PAGE_REFS (CHEK_PAGE_SIZE / 16)    /* references a page spans */
#define PAGE_COUNT_MAX (UINT32_C(1) << 22) /* what 32-bit references reach */
#define PAGE_BITMAP_WORD_MAX 16

struct page_heap_head {
    uint16_t kind;
    uint16_t version;
    uint32_t magic;
    uint32_t page_count;
    uint32_t root_size;
    uint32_t free_page_first;
    uint32_t free_page_count;
    uint64_t used_size;
    uint32_t partial_first[PAGE_CLASS_COUNT];
};

struct page_head {
    uint16_t kind;
    uint16_t object_count;
    uint32_t next;
    uint32_t previous;
    uint32_t zero;
    uint64_t used[]; /* words of the bitmap, as many as the class needs */
};

_Static_assert(offsetof(struct page_heap_head, partial_first) == 32, "format");
_Static_assert(sizeof(struct page_heap_head) <= PAGE_ROOT_OFFSET, "format");
_Static_assert(PAGE_ROOT_OFFSET + CHEK_PAGE_ROOT_SIZE_MAX <= CHEK_PAGE_SIZE, "the root fits");
_Static_assert(offsetof(struct page_head, used) == 16, "format");

/* What follows from an object size alone. */
struct page_class {
    uint16_t object_size;
    uint16_t object_count; /* objects a page holds */
    uint16_t word_count;   /* words of the bitmap */
    uint16_t first;        /* offset of object 0 */
};

extern const struct page_class base__page_classes[PAGE_CLASS_COUNT];

static inline struct page_heap_head *
page_heap_head_of(const struct chek_page_heap *heap)
{
    return (struct page_heap_head *)(void *)heap->base;
}

static inline struct page_head *
page_head_of(const struct chek_page_heap *heap, uint32_t page)
{
    return (struct page_head *)(void *)(heap->base + (size_t)page * CHEK_PAGE_SIZE);
}

/*
 * Not in the format, and not in the state: behind the pages the reservation holds a copy of each
 * page for the mark, and a byte a page that says what the mark's reader still wants.
 */
static inline size_t
page_heap_reserved_size(uint32_t page_count_max)
{
    return (size_t)page_count_max * (2 * CHEK_PAGE_SIZE + 1);
}

/* Whether a page of a class agrees with itself: count, bitmap, place in a list. Not its objects. */
bool base__object_page_is_sound(const struct page_head *page);

bool base__bytes_are_zero(const uint8_t *bytes, size_t size);

/* Whether the pages hold together; asks nothing of their content, reads nothing outside them. */
bool base__pages_are_sound(const struct chek_page_heap *heap);

#endif
