/* SPDX-License-Identifier: MIT */
/*
 * extents.h - memory of any size that is given back in any order, without the heap.
 *
 * Things that live long and are made by workers (sealed segments), and what calm work needs
 * meanwhile (workspace.h), are cut from reservations of address space in whole pages of 4 KiB. What
 * is given back goes to the system at once and is taken again for the next one that fits; so no
 * heap is fragmented, and nothing is zeroed twice. Under the address sanitizer what is not taken is
 * poisoned, up to the last byte of a thing.
 *
 *   Threads  any; a lock is held for as long as a search takes, and a system call
 */
#ifndef CHEK_BASE_EXTENTS_H
#define CHEK_BASE_EXTENTS_H

#include <pthread.h>

#include "engine/base/error.h"

#define CHEK_EXTENT_PAGE_SIZE 4096
#define CHEK_EXTENT_AREA_COUNT_MAX 64
#define CHEK_EXTENT_AREA_SIZE ((size_t)64 << 30) /* of address space; one thing is smaller */

/* Pages that are free, in places of pages over all areas; never across the end of an area. */
struct chek_extent_gap {
    uint64_t first, count;
};

/* Zeroed by whoever makes it, then chek_extents_init(). */
struct chek_extents {
    pthread_mutex_t mutex;
    uint8_t *areas[CHEK_EXTENT_AREA_COUNT_MAX];
    size_t committed[CHEK_EXTENT_AREA_COUNT_MAX]; /* bytes, from the beginning of the area */
    uint32_t area_count;
    struct chek_extent_gap *gaps; /* by place; a reservation that is committed as it is used */
    size_t gap_count, gap_capacity;
    uint64_t used_size; /* bytes that are taken, in whole pages */
};

/* Errors: -ENOMEM; nothing is held. */
CHEK_MUST_USE int chek_extents_init(struct chek_extents *extents);

/* Everything was given back, or is forgotten. Takes one that was not made. */
void chek_extents_finish(struct chek_extents *extents);

/*
 * Take `size` zeroed bytes that begin on a page.
 *
 *   Ownership  the caller gives them back with chek_extents_give(bytes, size)
 *   Errors     NULL: no memory, or too much for an area
 *   Cost       a search through the gaps; a system call for every 2 MiB that is new
 */
CHEK_MUST_USE uint8_t *chek_extents_take(struct chek_extents *extents, size_t size);

/*
 * Have `size_new` bytes, not fewer than before, with what was there; new bytes are zero.
 *
 *   Ownership  the result replaces `bytes`
 *   Errors     NULL: as above; `bytes` stays
 *   Cost       nothing while the last page has room; else as taking, and a copy
 */
CHEK_MUST_USE uint8_t *chek_extents_grow(struct chek_extents *extents, uint8_t *bytes,
                                         size_t size_old, size_t size_new);

/* Give back what was taken; takes NULL. Cost: a system call, which frees the pages. */
void chek_extents_give(struct chek_extents *extents, uint8_t *bytes, size_t size);

#endif
