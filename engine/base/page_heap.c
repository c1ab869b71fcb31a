/* SPDX-License-Identifier: MIT */
/*
 * page_heap.c - objects in pages of their class. The bytes are described in page_layout.h.
 *
 * A class keeps a list of its pages with room and takes from the first; a page that fills leaves
 * the list, one that empties becomes a free page for any class. Everything is a function of the
 * calls made: no address, no capacity and no clock finds its way into a page.
 */
#include "engine/base/page_heap.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "engine/base/page_layout.h"

/* Address space is committed in small steps up to a huge page, then in whole huge pages. */
#define COMMIT_STEP_SMALL 16
#define COMMIT_STEP_LARGE 128
#define AHEAD_PAGE_COUNT 64 /* that are populated before they are used */

/* Objects fill at least this much of a page, in every class. */
#define PAGE_FILL_SIZE_MIN 15360

#define CLASS_FIRST(size, count) (CHEK_PAGE_SIZE - (size) * (count))
#define CLASS(size, count)                                             \
    {                                                                  \
        (size), (count), ((count) + 63) / 64, CLASS_FIRST(size, count) \
    }

/* Four classes a doubling; the large ones are what divides a page evenly. (format) */
const struct page_class base__page_classes[PAGE_CLASS_COUNT] = {
    CLASS(16, 1015), CLASS(32, 509),  CLASS(48, 340),  CLASS(64, 255),  CLASS(80, 204),
    CLASS(96, 170),  CLASS(112, 145), CLASS(128, 127), CLASS(160, 102), CLASS(192, 85),
    CLASS(224, 73),  CLASS(256, 63),  CLASS(320, 51),  CLASS(384, 42),  CLASS(448, 36),
    CLASS(512, 31),  CLASS(640, 25),  CLASS(768, 21),  CLASS(896, 18),  CLASS(1024, 15),
    CLASS(1168, 14), CLASS(1360, 12), CLASS(1632, 10), CLASS(2032, 8),  CLASS(2336, 7),
    CLASS(2720, 6),  CLASS(3264, 5),  CLASS(4080, 4),  CLASS(5440, 3),  CLASS(8160, 2),
};

/* The smallest class that holds `size` bytes. */
static unsigned
class_of(uint32_t size)
{
    CHEK_ASSERT(size > 0);
    CHEK_ASSERT(size <= CHEK_PAGE_OBJECT_SIZE_MAX);
    if (size <= 128) {
        return (size - 1) / 16;
    }
    if (size <= 1024) {
        unsigned top_bit = 31 - (unsigned)__builtin_clz(size - 1);
        return 8 + (top_bit - 7) * 4 + (((size - 1) >> (top_bit - 2)) & 3);
    }
    unsigned class = 20;
    while (base__page_classes[class].object_size < size) {
        class += 1;
    }
    return class;
}

/*
 * Every change that this file makes to a page takes its page from here, or is to page 0, which a
 * mark copies at once.
 */
static inline struct page_head *
page_change(struct chek_page_heap *heap, uint32_t page)
{
    CHEK_ASSERT(page > 0 && page < heap->page_count);
    return chek_page_heap_change(heap, page * PAGE_REFS);
}

/* Make pages up to `page_count` usable, and some more while a call is being made anyway. */
static int
pages_commit(struct chek_page_heap *heap, uint32_t page_count)
{
    if (page_count <= heap->page_count_committed) {
        return CHEK_OK;
    }
    uint32_t step = page_count < COMMIT_STEP_LARGE ? COMMIT_STEP_SMALL : COMMIT_STEP_LARGE;
    uint32_t target = (page_count + step - 1) / step * step;
    if (target > heap->page_count_max) {
        target = heap->page_count_max;
    }
    uint8_t *at = heap->base + (size_t)heap->page_count_committed * CHEK_PAGE_SIZE;
    size_t size = (size_t)(target - heap->page_count_committed) * CHEK_PAGE_SIZE;
    int error = chek_memory_commit(at, size);
    if (error != CHEK_OK) {
        return error;
    }
    chek_memory_advise_huge(at, size);
    heap->page_count_committed = target;
    return CHEK_OK;
}

static int
heap_reserve(struct chek_page_heap *heap, uint32_t page_count_max)
{
    CHEK_ASSERT(page_count_max > 0);
    CHEK_ASSERT(page_count_max <= PAGE_COUNT_MAX);
    *heap = (struct chek_page_heap){
        .base = chek_memory_reserve(page_heap_reserved_size(page_count_max)),
        .page_count_max = page_count_max,
    };
    return heap->base != NULL ? CHEK_OK : -ENOMEM;
}

int
chek_page_heap_init(struct chek_page_heap *heap, uint32_t page_count_max, uint32_t root_size)
{
    CHEK_ASSERT(root_size <= CHEK_PAGE_ROOT_SIZE_MAX);
    struct chek_page_heap made;
    int error = heap_reserve(&made, page_count_max);
    if (error != CHEK_OK) {
        return error;
    }
    error = chek_memory_commit(made.base, CHEK_PAGE_SIZE);
    if (error != CHEK_OK) {
        chek_page_heap_finish(&made);
        return error;
    }
    made.page_count_committed = 1;
    made.page_count = 1;
    *page_heap_head_of(&made) = (struct page_heap_head){
        .kind = PAGE_KIND_HEAP,
        .version = PAGE_HEAP_VERSION,
        .magic = PAGE_HEAP_MAGIC,
        .page_count = 1,
        .root_size = root_size,
    };
    *heap = made;
    return CHEK_OK;
}

void
chek_page_heap_finish(struct chek_page_heap *heap)
{
    chek_memory_release(heap->base, page_heap_reserved_size(heap->page_count_max));
    *heap = (struct chek_page_heap){0};
}

int
chek_page_heap_load(struct chek_page_heap *heap, uint32_t page_count_max,
                    struct chek_bytes_view pages)
{
    if (pages.size == 0 || pages.size % CHEK_PAGE_SIZE != 0) {
        return CHEK_E_CORRUPT;
    }
    if (pages.size / CHEK_PAGE_SIZE > page_count_max) {
        return CHEK_E_FULL;
    }
    struct chek_page_heap made;
    int error = heap_reserve(&made, page_count_max);
    if (error != CHEK_OK) {
        return error;
    }
    /* Copied first, checked where it will live. */
    uint32_t page_count = (uint32_t)(pages.size / CHEK_PAGE_SIZE);
    error = pages_commit(&made, page_count);
    if (error == CHEK_OK) {
        memcpy(made.base, pages.bytes, pages.size);
        made.page_count = page_count;
        error = base__pages_are_sound(&made) ? CHEK_OK : CHEK_E_CORRUPT;
    }
    if (error != CHEK_OK) {
        chek_page_heap_finish(&made);
        return error;
    }
    *heap = made;
    return CHEK_OK;
}

struct chek_bytes_view
chek_page_heap_pages(const struct chek_page_heap *heap)
{
    return chek_bytes_view_of(heap->base, (size_t)heap->page_count * CHEK_PAGE_SIZE);
}

uint64_t
chek_page_heap_hash(const struct chek_page_heap *heap)
{
    struct chek_bytes_view pages = chek_page_heap_pages(heap);
    return chek_checksum(pages.bytes, pages.size);
}

uint64_t
chek_page_heap_used_size(const struct chek_page_heap *heap)
{
    return page_heap_head_of(heap)->used_size;
}

int
chek_page_heap_ensure(struct chek_page_heap *heap, size_t size)
{
    /* A class is less than twice its objects, and each class may have to begin a page. */
    size_t page_count = size / 16 < PAGE_CLASS_COUNT ? size / 16 + 1 : PAGE_CLASS_COUNT;
    page_count += size / (PAGE_FILL_SIZE_MIN / 2);

    size_t free_count = page_heap_head_of(heap)->free_page_count;
    if (page_count <= free_count) {
        return CHEK_OK;
    }
    if (page_count - free_count > heap->page_count_max - heap->page_count) {
        return CHEK_E_FULL;
    }
    return pages_commit(heap, (uint32_t)(heap->page_count + page_count - free_count));
}

bool
chek_page_heap_ahead(struct chek_page_heap *heap, struct chek_memory_ahead *ret)
{
    uint32_t from = heap->page_count_populated;
    if (heap->page_count < AHEAD_PAGE_COUNT || from >= heap->page_count + AHEAD_PAGE_COUNT) {
        return false;
    }
    from = from > heap->page_count ? from : heap->page_count;
    uint32_t end = (from / COMMIT_STEP_LARGE + 1) * COMMIT_STEP_LARGE;
    if (end > heap->page_count_max || pages_commit(heap, end) != CHEK_OK) {
        return false;
    }
    heap->page_count_populated = end;
    *ret = (struct chek_memory_ahead){.at = heap->base + (size_t)from * CHEK_PAGE_SIZE,
                                      .size = (size_t)(end - from) * CHEK_PAGE_SIZE};
    return true;
}

static void
partial_add(struct chek_page_heap *heap, unsigned class, uint32_t page)
{
    struct page_heap_head *head = page_heap_head_of(heap);
    struct page_head *added = page_change(heap, page);
    added->previous = 0;
    added->next = head->partial_first[class];
    if (added->next != 0) {
        page_change(heap, added->next)->previous = page;
    }
    head->partial_first[class] = page;
}

static void
partial_remove(struct chek_page_heap *heap, unsigned class, uint32_t page)
{
    struct page_head *removed = page_change(heap, page);
    if (removed->previous != 0) {
        page_change(heap, removed->previous)->next = removed->next;
    } else {
        CHEK_ASSERT(page_heap_head_of(heap)->partial_first[class] == page);
        page_heap_head_of(heap)->partial_first[class] = removed->next;
    }
    if (removed->next != 0) {
        page_change(heap, removed->next)->previous = removed->previous;
    }
    removed->next = 0;
    removed->previous = 0;
}

/* A page without a kind: a free one, else the one behind the last. 0 when there is none. */
static uint32_t
page_take(struct chek_page_heap *heap)
{
    struct page_heap_head *head = page_heap_head_of(heap);
    uint32_t page = head->free_page_first;
    if (page != 0) {
        struct page_head *taken = page_change(heap, page);
        CHEK_ASSERT(taken->kind == PAGE_KIND_FREE);
        head->free_page_first = taken->next;
        head->free_page_count -= 1;
        taken->next = 0;
        return page;
    }
    page = heap->page_count;
    if (page == heap->page_count_max || pages_commit(heap, page + 1) != CHEK_OK) {
        return 0;
    }
    heap->page_count += 1;
    head->page_count = heap->page_count;
    return page;
}

/* Give back a page whose objects are all free, and so zero. */
static void
page_give(struct chek_page_heap *heap, uint32_t page)
{
    struct page_heap_head *head = page_heap_head_of(heap);
    struct page_head *given = page_change(heap, page);
    CHEK_ASSERT(given->object_count == 0);
    given->kind = PAGE_KIND_FREE;
    given->next = head->free_page_first;
    head->free_page_first = page;
    head->free_page_count += 1;
}

static unsigned
object_index_take(struct page_head *page, const struct page_class *class)
{
    unsigned word = 0;
    while (page->used[word] == UINT64_MAX) {
        word += 1;
    }
    unsigned bit = (unsigned)__builtin_ctzll(~page->used[word]);
    unsigned index = word * 64 + bit;
    CHEK_ASSERT(index < class->object_count);
    page->used[word] |= UINT64_C(1) << bit;
    page->object_count += 1;
    return index;
}

chek_page_ref
chek_page_heap_allocate(struct chek_page_heap *heap, uint32_t size)
{
    unsigned class_index = class_of(size);
    const struct page_class *class = &base__page_classes[class_index];
    struct page_heap_head *head = page_heap_head_of(heap);

    uint32_t number = head->partial_first[class_index];
    if (number == 0) {
        number = page_take(heap);
        if (number == 0) {
            return 0;
        }
        page_change(heap, number)->kind = (uint16_t)(1 + class_index);
        partial_add(heap, class_index, number);
    }

    struct page_head *page = page_change(heap, number);
    unsigned index = object_index_take(page, class);
    if (page->object_count == class->object_count) {
        partial_remove(heap, class_index, number);
    }
    head->used_size += class->object_size;

    uint32_t offset = class->first + index * class->object_size;
    chek_page_ref ref = number * PAGE_REFS + offset / 16;
    /* Not zero: somebody wrote to it after it was freed. */
    CHEK_ASSERT_SLOW(base__bytes_are_zero(chek_page_heap_read(heap, ref), class->object_size));
    CHEK_ASSERT_SLOW(base__object_page_is_sound(page));
    return ref;
}

/* The index of the object at `ref` within its page; false when no object of the class begins there. */
static bool
object_index_find(chek_page_ref ref, const struct page_class *class, unsigned *ret)
{
    uint32_t offset = ref % PAGE_REFS * 16;
    if (offset < class->first || (offset - class->first) % class->object_size != 0) {
        return false;
    }
    *ret = (offset - class->first) / class->object_size;
    return true;
}

void
chek_page_heap_free(struct chek_page_heap *heap, chek_page_ref ref, uint32_t size)
{
    CHEK_ASSERT(chek_page_heap_holds(heap, ref, size));
    unsigned class_index = class_of(size);
    const struct page_class *class = &base__page_classes[class_index];
    uint32_t number = ref / PAGE_REFS;
    struct page_head *page = page_change(heap, number);
    unsigned index;
    bool found = object_index_find(ref, class, &index);
    CHEK_ASSERT(found);

    memset(chek_page_heap_change(heap, ref), 0, class->object_size);
    if (page->object_count == class->object_count) {
        partial_add(heap, class_index, number);
    }
    page->used[index / 64] &= ~(UINT64_C(1) << (index % 64));
    page->object_count -= 1;
    page_heap_head_of(heap)->used_size -= class->object_size;
    if (page->object_count == 0) {
        partial_remove(heap, class_index, number);
        page_give(heap, number);
        return;
    }
    CHEK_ASSERT_SLOW(base__object_page_is_sound(page));
}

bool
chek_page_heap_holds(const struct chek_page_heap *heap, chek_page_ref ref, uint32_t size)
{
    unsigned class_index = class_of(size);
    uint32_t number = ref / PAGE_REFS;
    if (number == 0 || number >= heap->page_count) {
        return false;
    }
    const struct page_head *page = page_head_of(heap, number);
    unsigned index;
    if (page->kind != 1 + class_index ||
        !object_index_find(ref, &base__page_classes[class_index], &index)) {
        return false;
    }
    return (page->used[index / 64] >> (index % 64) & 1) != 0;
}

uint32_t
chek_page_heap_root_size(const struct chek_page_heap *heap)
{
    return page_heap_head_of(heap)->root_size;
}

const void *
chek_page_heap_root(const struct chek_page_heap *heap)
{
    return heap->base + PAGE_ROOT_OFFSET;
}

void *
chek_page_heap_root_change(struct chek_page_heap *heap)
{
    return chek_page_heap_change(heap, PAGE_ROOT_OFFSET / 16);
}

bool
chek_page_heap_is_valid(const struct chek_page_heap *heap)
{
    return heap->page_count <= heap->page_count_committed &&
           heap->page_count_committed <= heap->page_count_max && base__pages_are_sound(heap);
}
