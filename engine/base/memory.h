/* SPDX-License-Identifier: MIT */
/*
 * memory.h - the only file that calls the allocator.
 *
 * The heap counts what it gives out, can be told to fail at the n-th request (for tests), and can
 * be sealed: after chek_memory_seal() an allocation on a thread that has not opened a
 * chek_memory_unsealed_begin() window is a bug. It asserts where slow checks are compiled
 * (assertion.h) and is counted elsewhere: a server that serves does not end for memory it got. Big
 * regions that grow are address space reserved once and committed in steps; they never move. What
 * calm work needs is taken from such a region as well (workspace.h).
 */
#ifndef CHEK_BASE_MEMORY_H
#define CHEK_BASE_MEMORY_H

#include "engine/base/attribute.h"

struct chek_memory_counters {
    uint64_t allocation_count; /* served since the start; growing a block counts as one of each */
    uint64_t free_count;
    uint64_t late_count;    /* of them, and of reservations: while sealed, outside a window */
    uint64_t heap_size;     /* bytes given out and not freed */
    uint64_t reserved_size; /* bytes of address space reserved */
    uint64_t committed_size;
};

/*
 * Allocate `size` zeroed bytes.
 *
 *   Ownership  the caller frees with chek_memory_free(pointer, size)
 *   Errors     NULL when there is no memory (or a test asked for that)
 *   Threads    any thread
 */
CHEK_MUST_USE void *chek_memory_allocate(size_t size);

/* Free what chek_memory_allocate() gave; takes NULL. `size` is the size it was asked for with. */
void chek_memory_free(void *pointer, size_t size);

/*
 * Grow an allocation, keeping its content; new bytes are zero.
 *
 *   Errors     NULL when there is no memory; `pointer` stays valid
 */
CHEK_MUST_USE void *chek_memory_grow(void *pointer, size_t size_old, size_t size_new);

/*
 * Reserve address space for `size` bytes, none of it usable yet.
 *
 *   Ownership  the caller releases with chek_memory_release(base, size)
 *   Errors     NULL when the system refuses
 */
CHEK_MUST_USE void *chek_memory_reserve(size_t size);

/*
 * Make `size` bytes at `at`, inside a reservation, readable, writable and zero; each range once.
 *
 *   Errors     -ENOMEM; nothing changes
 */
CHEK_MUST_USE int chek_memory_commit(void *at, size_t size);

/*
 * Ask for huge pages under a committed range that will be used densely, from its beginning on: a
 * page that is touched anywhere is then there as a whole. Advice only, and none for less than one.
 */
void chek_memory_advise_huge(void *at, size_t size);

/* Memory that will be used soon: to be populated by a worker, ahead of who uses it. */
struct chek_memory_ahead {
    void *at;
    size_t size;
};

/*
 * Have the pages of a committed range in memory, so that nobody waits for them when they are first
 * touched: what is written there meanwhile stays. Advice only.
 *
 *   Cost     clears the pages: from 0.1 ms a MiB to many times that where a host has to find them
 *   Threads  any
 */
void chek_memory_populate(void *at, size_t size);

/*
 * Give the pages of a committed range back; they stay addressable, read as zero and count as
 * committed.
 */
void chek_memory_discard(void *at, size_t size);

void chek_memory_release(void *base, size_t size);

/*
 * From here on an allocation or a reservation outside an unsealed window is a bug, and asserts or is
 * counted as late; committing what was reserved before stays allowed.
 *
 *   Threads    any
 */
void chek_memory_seal(void);
void chek_memory_unseal(void); /* tests, shutdown */

/*
 * Open and close a window on this thread in which allocation is allowed although sealed: for what a
 * person asks for now and then. Who opens one says why beside it.
 */
void chek_memory_unsealed_begin(void);
void chek_memory_unsealed_end(void);

/*
 * Test hook: the n-th request from now on this thread fails (1 = the next), the others do not;
 * 0 switches off. Allocations, reservations, commits and what is taken from the workspace are
 * requests.
 */
void chek_memory_fail_at(uint64_t n);

/* For who serves memory that was reserved: count a request; whether a test asked that it fails. */
CHEK_MUST_USE bool chek_memory_is_refused(void);

struct chek_memory_counters chek_memory_count(void);

#endif
