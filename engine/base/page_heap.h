/* SPDX-License-Identifier: MIT */
/*
 * page_heap.h - the mutable state of a partition: 16 KiB pages, indices instead of pointers.
 *
 * A heap is a run of pages whose bytes are the state: dump the pages and you have a snapshot, hash
 * them and you have the state's hash, load them and the state is back. So a page holds no pointer,
 * objects are zero when allocated and zeroed when freed, padding is written as zero, and the
 * order of allocation depends on nothing but the order of calls. (format)
 *
 * An object is named by a reference: its byte offset in the heap divided by 16. Reference 0 is
 * nobody. Objects are of size classes, 16 bytes to CHEK_PAGE_OBJECT_SIZE_MAX; a page holds objects
 * of one class. The first page holds the heap's own head and a root object of the owner.
 *
 * Reading is a plain pointer. Before a change the owner calls chek_page_heap_change(), which is
 * the place where a page is copied while a snapshot is being written: a pointer from it must not be
 * kept over chek_page_heap_mark().
 *
 *   Threads  one thread owns a heap
 */
#ifndef CHEK_BASE_PAGE_HEAP_H
#define CHEK_BASE_PAGE_HEAP_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"

#define CHEK_PAGE_OBJECT_SIZE_MAX 8160 /* two objects a page after its head */
#define CHEK_PAGE_ROOT_SIZE_MAX 4096

typedef uint32_t chek_page_ref; /* 0 = none */

struct chek_page_heap {
    uint8_t *base;       /* address space for page_count_max pages */
    uint32_t page_count; /* pages in use; pages 0..page_count-1 are the state */
    uint32_t page_count_max;
    uint32_t page_count_committed;
    uint32_t page_count_populated; /* by who asked chek_page_heap_ahead() */
    uint32_t marked_count;         /* pages that were there at the mark; 0 = no mark */
    uint32_t copy_count_committed;
    bool wanted_is_committed;
};

/*
 * Make an empty heap with a zeroed root object of `root_size` bytes.
 *
 *   Errors     -ENOMEM; *heap is unchanged
 *   Cost       reserves twice page_count_max * 16 KiB of address space, commits one page
 */
CHEK_MUST_USE int chek_page_heap_init(struct chek_page_heap *heap, uint32_t page_count_max,
                                      uint32_t root_size);
void chek_page_heap_finish(struct chek_page_heap *heap);

/*
 * Make a heap from the bytes of another's pages (`size` a multiple of CHEK_PAGE_SIZE).
 *
 *   Errors     CORRUPT when head, classes or free lists are not sound; -ENOMEM; FULL above
 *              page_count_max; *heap is unchanged
 */
CHEK_MUST_USE int chek_page_heap_load(struct chek_page_heap *heap, uint32_t page_count_max,
                                      struct chek_bytes_view pages);

/* All pages, for a snapshot or a hash. Valid until the next change. */
struct chek_bytes_view chek_page_heap_pages(const struct chek_page_heap *heap);

/* XXH3 over all pages in order. */
uint64_t chek_page_heap_hash(const struct chek_page_heap *heap);

/*
 * Make sure that objects of at most `size` bytes in total (any classes, each object counted with at
 * least 16 bytes) can be allocated without failing or committing: apply reserves its worst case
 * before a command is logged. The promise is generous in pages, up to one for every class.
 *
 *   Errors     FULL (the reservation of address space is used up), -ENOMEM; nothing changes
 */
CHEK_MUST_USE int chek_page_heap_ensure(struct chek_page_heap *heap, size_t size);

/*
 * Tell which pages the heap will use next and are to be populated (chek_memory_populate()); false
 * when enough are there, or the heap is so small that it touches its own. They count as done from
 * here on.
 */
bool chek_page_heap_ahead(struct chek_page_heap *heap, struct chek_memory_ahead *ret);

/*
 * Allocate a zeroed object of `size` bytes (1..CHEK_PAGE_OBJECT_SIZE_MAX).
 *
 *   Errors     0 when the heap is full; nothing changes
 *   Cost       O(1); may commit a page (a system call) unless chek_page_heap_ensure() did
 */
CHEK_MUST_USE chek_page_ref chek_page_heap_allocate(struct chek_page_heap *heap, uint32_t size);

/* Free an object; its bytes become zero. `size` as at its allocation. */
void chek_page_heap_free(struct chek_page_heap *heap, chek_page_ref ref, uint32_t size);

static inline const void *
chek_page_heap_read(const struct chek_page_heap *heap, chek_page_ref ref)
{
    return heap->base + (size_t)ref * 16;
}

/* For chek_page_heap_change(): copy the page of `ref` aside if the mark's reader may want it. */
void chek_page_heap_keep(struct chek_page_heap *heap, chek_page_ref ref);

/* The object, to be changed now. Every change of heap bytes goes through here. */
static inline void *
chek_page_heap_change(struct chek_page_heap *heap, chek_page_ref ref)
{
    if (CHEK_UNLIKELY(heap->marked_count != 0)) {
        chek_page_heap_keep(heap, ref);
    }
    return heap->base + (size_t)ref * 16;
}

static inline void
chek_page_heap_prefetch(const struct chek_page_heap *heap, chek_page_ref ref)
{
    chek_prefetch(heap->base + (size_t)ref * 16);
}

/*
 * The owner's root object, to be read, and to be changed. After a load its size is what the pages
 * say: the owner compares before it looks at the root.
 */
uint32_t chek_page_heap_root_size(const struct chek_page_heap *heap);
const void *chek_page_heap_root(const struct chek_page_heap *heap);
void *chek_page_heap_root_change(struct chek_page_heap *heap);

/*
 * Have memory for the copies of `page_count` pages, so that a mark of as many has nothing to wait
 * for, and neither has the first change of a page after it.
 *
 *   Errors     -ENOMEM; there may be less than asked for
 *   Cost       a system call a MiB, and clears the memory: not for a thread that serves
 *   Threads    any one, while there is no mark and nobody makes one; the owner goes on meanwhile
 */
CHEK_MUST_USE int chek_page_heap_mark_prepare(struct chek_page_heap *heap, uint32_t page_count);

/*
 * Mark the state: pages 0..marked_count-1 as they are now stay readable while the heap goes on, so
 * that a snapshot is written piece by piece. There is one mark at a time.
 *
 *   Errors     -ENOMEM; there is no mark
 *   Cost       clears a byte a page, and commits what was not prepared; from here on the first
 *              change of a page copies it
 */
CHEK_MUST_USE int chek_page_heap_mark(struct chek_page_heap *heap);

/*
 * A page (CHEK_PAGE_SIZE bytes) as it was at the mark.
 *
 *   Ownership  valid until the next change of the heap: read it now
 */
const void *chek_page_heap_marked(const struct chek_page_heap *heap, uint32_t page);

/* The reader has what it wants of this page: it is not copied any more, nor read again. */
void chek_page_heap_marked_done(struct chek_page_heap *heap, uint32_t page);

/* Lift the mark; harmless without one. The copies keep their memory. */
void chek_page_heap_unmark(struct chek_page_heap *heap);

/* Give the memory of the copies back. Threads: as chek_page_heap_mark_prepare(). */
void chek_page_heap_mark_discard(struct chek_page_heap *heap);

/* Bytes of the objects in use, each counted as its class; without the root. For status. */
uint64_t chek_page_heap_used_size(const struct chek_page_heap *heap);

/* Whether `ref`, which may be any number, names an object in use of the class of `size`. O(1). */
bool chek_page_heap_holds(const struct chek_page_heap *heap, chek_page_ref ref, uint32_t size);

/* Whether head, page classes and free lists agree; walks everything. */
bool chek_page_heap_is_valid(const struct chek_page_heap *heap);

#endif
