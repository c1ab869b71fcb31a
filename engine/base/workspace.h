/* SPDX-License-Identifier: MIT */
/*
 * workspace.h - memory for calm work and for lists that grow, which is no heap.
 *
 * Sealing, merging, snapshots and the lists that grow with what is stored need memory of sizes that
 * nobody knows at the start. They take it from address space that is reserved once and committed in
 * steps (extents.h), in whole pages, and what is given back goes to the system at once. So the heap
 * is what a start made of it, whatever is fed afterwards, and nothing fragments it.
 *
 * It is for things of a segment, a partition or a snapshot. A receipt takes nothing from here: each
 * request is a lock, and a page at the least.
 *
 *   Threads  any
 */
#ifndef CHEK_BASE_WORKSPACE_H
#define CHEK_BASE_WORKSPACE_H

#include "engine/base/attribute.h"

struct chek_workspace_counters {
    uint64_t take_count; /* served since the start; growing counts as one */
    uint64_t size;       /* bytes taken and not given back, as they were asked for */
};

/*
 * Take `size` zeroed bytes that begin on a page; none is one.
 *
 *   Ownership  the caller gives them back with chek_workspace_give(bytes, size)
 *   Errors     NULL: no memory (or a test asked for that: chek_memory_fail_at())
 *   Cost       a search through the gaps; a system call for every 2 MiB that is new
 */
CHEK_MUST_USE void *chek_workspace_take(size_t size);

/*
 * Have `size_new` bytes, not fewer than before, with what was there; new bytes are zero.
 *
 *   Ownership  the result replaces `bytes`, which may be NULL when `size_old` is 0
 *   Errors     NULL: no memory; `bytes` stays valid
 *   Cost       nothing while the last page has room; else as taking, and a copy
 */
CHEK_MUST_USE void *chek_workspace_grow(void *bytes, size_t size_old, size_t size_new);

/* Give back what was taken, with its size; takes NULL. Cost: a system call, which frees the pages. */
void chek_workspace_give(void *bytes, size_t size);

struct chek_workspace_counters chek_workspace_count(void);

/*
 * Release the address space; the next one who takes reserves it anew. For tests, and the end.
 *
 *   Threads  nobody uses the workspace meanwhile, and everything was given back
 */
void chek_workspace_finish(void);

#endif
