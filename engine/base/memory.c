/* SPDX-License-Identifier: MIT */
/*
 * memory.c - a thin, counting layer over the allocator and the address space.
 *
 * Whatever malloc is linked serves the heap. Reservations are kept in a sorted table, so that a
 * commit outside one is caught as the bug it is, and a release knows how much was committed.
 */
#include "engine/base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/base/assertion.h"

#define PAGE_SIZE ((size_t)4096)
#define HUGE_PAGE_SIZE ((size_t)2 * 1024 * 1024)
#define RESERVATION_COUNT_MAX 16384

struct reservation {
    uint8_t *base;
    size_t size;
    size_t committed_size;
};

static struct {
    pthread_mutex_t mutex;
    size_t count;
    struct reservation rows[RESERVATION_COUNT_MAX]; /* by base; untouched rows cost no memory */
} reservations = {.mutex = PTHREAD_MUTEX_INITIALIZER};

static struct {
    _Atomic uint64_t allocation_count;
    _Atomic uint64_t free_count;
    _Atomic uint64_t late_count;
    _Atomic uint64_t heap_size;
    _Atomic uint64_t reserved_size;
    _Atomic uint64_t committed_size;
} counters;

static _Atomic bool sealed;
static _Thread_local uint32_t unsealed_depth;
static _Thread_local uint64_t fail_countdown;

static inline void
counter_add(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_add_explicit(counter, value, memory_order_relaxed);
}

static inline void
counter_subtract(_Atomic uint64_t *counter, uint64_t value)
{
    atomic_fetch_sub_explicit(counter, value, memory_order_relaxed);
}

static inline bool
allocation_is_allowed(void)
{
    return unsealed_depth > 0 || !atomic_load_explicit(&sealed, memory_order_relaxed);
}

/* While sealed somebody forgot a window, or should have reserved before. */
static inline void
allocation_check(void)
{
    if (CHEK_UNLIKELY(!allocation_is_allowed())) {
        CHEK_ASSERT_SLOW(allocation_is_allowed());
        counter_add(&counters.late_count, 1);
    }
}

bool
chek_memory_is_refused(void)
{
    if (CHEK_LIKELY(fail_countdown == 0)) {
        return false;
    }
    fail_countdown -= 1;
    return fail_countdown == 0;
}

void *
chek_memory_allocate(size_t size)
{
    allocation_check();
    if (chek_memory_is_refused()) {
        return NULL;
    }
    void *pointer = calloc(1, size != 0 ? size : 1);
    if (pointer == NULL) {
        return NULL;
    }
    counter_add(&counters.allocation_count, 1);
    counter_add(&counters.heap_size, size);
    return pointer;
}

void
chek_memory_free(void *pointer, size_t size)
{
    if (pointer == NULL) {
        return;
    }
    counter_add(&counters.free_count, 1);
    counter_subtract(&counters.heap_size, size);
    free(pointer);
}

void *
chek_memory_grow(void *pointer, size_t size_old, size_t size_new)
{
    allocation_check();
    CHEK_ASSERT(size_new >= size_old);
    CHEK_ASSERT(pointer != NULL || size_old == 0);
    if (chek_memory_is_refused()) {
        return NULL;
    }
    uint8_t *grown = realloc(pointer, size_new != 0 ? size_new : 1);
    if (grown == NULL) {
        return NULL;
    }
    memset(grown + size_old, 0, size_new - size_old);
    /* An allocation and, when there was one before, its end: the two counters stay in balance. */
    counter_add(&counters.allocation_count, 1);
    counter_add(&counters.free_count, pointer != NULL);
    counter_add(&counters.heap_size, size_new - size_old);
    return grown;
}

/* Index of the first reservation that ends behind `at`; the count when there is none. */
static size_t
reservation_search(const uint8_t *at)
{
    size_t low = 0;
    size_t high = reservations.count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct reservation *row = &reservations.rows[middle];
        if (row->base + row->size <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The reservation that holds the range; a range in none is a bug of the caller. */
static struct reservation *
reservation_of(const uint8_t *at, size_t size)
{
    size_t index = reservation_search(at);
    CHEK_ASSERT(index < reservations.count);
    struct reservation *row = &reservations.rows[index];
    CHEK_ASSERT(at >= row->base);
    CHEK_ASSERT(size <= row->size - (size_t)(at - row->base));
    return row;
}

static bool
reservation_add(uint8_t *base, size_t size)
{
    if (reservations.count == RESERVATION_COUNT_MAX) {
        return false;
    }
    size_t index = reservation_search(base);
    struct reservation *row = &reservations.rows[index];
    memmove(row + 1, row, (reservations.count - index) * sizeof *row);
    *row = (struct reservation){.base = base, .size = size};
    reservations.count += 1;
    return true;
}

/* Take the reservation out of the table; returns how much of it was committed. */
static size_t
reservation_remove(const uint8_t *base, size_t size)
{
    struct reservation *row = reservation_of(base, size);
    CHEK_ASSERT(row->base == base && row->size == size);
    size_t committed_size = row->committed_size;
    size_t behind = reservations.count - (size_t)(row - reservations.rows) - 1;
    memmove(row, row + 1, behind * sizeof *row);
    reservations.count -= 1;
    return committed_size;
}

/* Map address space; a big region starts on a huge page so that its commits can use them. */
static uint8_t *
address_space_map(size_t size)
{
    size_t slack = size >= HUGE_PAGE_SIZE ? HUGE_PAGE_SIZE : 0;
    if (size > SIZE_MAX - slack) {
        return NULL;
    }
    uint8_t *mapped =
        mmap(NULL, size + slack, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapped == MAP_FAILED) {
        return NULL;
    }
    if (slack == 0) {
        return mapped;
    }
    size_t before = -(uintptr_t)mapped % HUGE_PAGE_SIZE;
    uint8_t *base = mapped + before;
    size_t page_end = (size + PAGE_SIZE - 1) & ~(PAGE_SIZE - 1);
    if (before != 0) {
        munmap(mapped, before);
    }
    munmap(base + page_end, slack - before);
    return base;
}

void *
chek_memory_reserve(size_t size)
{
    allocation_check();
    CHEK_ASSERT(size > 0);
    if (chek_memory_is_refused()) {
        return NULL;
    }
    uint8_t *base = address_space_map(size);
    if (base == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&reservations.mutex);
    bool added = reservation_add(base, size);
    pthread_mutex_unlock(&reservations.mutex);
    if (!added) {
        munmap(base, size);
        return NULL;
    }
    counter_add(&counters.reserved_size, size);
    return base;
}

int
chek_memory_commit(void *at, size_t size)
{
    if (chek_memory_is_refused()) {
        return -ENOMEM;
    }
    pthread_mutex_lock(&reservations.mutex);
    struct reservation *row = reservation_of(at, size);
    int failed = mprotect(at, size, PROT_READ | PROT_WRITE);
    if (failed == 0) {
        row->committed_size += size;
        CHEK_ASSERT(row->committed_size <= row->size);
    }
    pthread_mutex_unlock(&reservations.mutex);
    if (failed != 0) {
        return -ENOMEM;
    }
    counter_add(&counters.committed_size, size);
    return 0;
}

void
chek_memory_advise_huge(void *at, size_t size)
{
    if (size >= HUGE_PAGE_SIZE) {
        madvise(at, size, MADV_HUGEPAGE); /* without it everything works, with more TLB misses */
    }
}

/*
 * By touching it: MADV_POPULATE_WRITE would hold the lock of the whole address space for as long as
 * a host takes to find the pages, and every thread that maps or commits something waited for it.
 * Adding nothing, atomically, keeps what somebody writes there meanwhile.
 */
void
chek_memory_populate(void *at, size_t size)
{
    for (uint8_t *page = at; page < (uint8_t *)at + size; page += PAGE_SIZE) {
        (void)__atomic_fetch_add(page, 0, __ATOMIC_RELAXED);
    }
}

void
chek_memory_discard(void *at, size_t size)
{
    pthread_mutex_lock(&reservations.mutex);
    reservation_of(at, size);
    pthread_mutex_unlock(&reservations.mutex);
    int failed = madvise(at, size, MADV_DONTNEED);
    CHEK_ASSERT(failed == 0);
}

void
chek_memory_release(void *base, size_t size)
{
    if (base == NULL) {
        return;
    }
    pthread_mutex_lock(&reservations.mutex);
    size_t committed_size = reservation_remove(base, size);
    pthread_mutex_unlock(&reservations.mutex);
    int failed = munmap(base, size);
    CHEK_ASSERT(failed == 0);
    counter_subtract(&counters.reserved_size, size);
    counter_subtract(&counters.committed_size, committed_size);
}

void
chek_memory_seal(void)
{
    atomic_store_explicit(&sealed, true, memory_order_relaxed);
}

void
chek_memory_unseal(void)
{
    atomic_store_explicit(&sealed, false, memory_order_relaxed);
}

void
chek_memory_unsealed_begin(void)
{
    unsealed_depth += 1;
}

void
chek_memory_unsealed_end(void)
{
    CHEK_ASSERT(unsealed_depth > 0);
    unsealed_depth -= 1;
}

void
chek_memory_fail_at(uint64_t n)
{
    fail_countdown = n;
}

struct chek_memory_counters
chek_memory_count(void)
{
    return (struct chek_memory_counters){
        .allocation_count = atomic_load_explicit(&counters.allocation_count, memory_order_relaxed),
        .free_count = atomic_load_explicit(&counters.free_count, memory_order_relaxed),
        .late_count = atomic_load_explicit(&counters.late_count, memory_order_relaxed),
        .heap_size = atomic_load_explicit(&counters.heap_size, memory_order_relaxed),
        .reserved_size = atomic_load_explicit(&counters.reserved_size, memory_order_relaxed),
        .committed_size = atomic_load_explicit(&counters.committed_size, memory_order_relaxed),
    };
}
