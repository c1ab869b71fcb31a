/* SPDX-License-Identifier: MIT */
/*
 * merge.h - sealed segments become fewer and larger, behind the shard's back.
 *
 * Sixteen segments that were sealed one after the other are merged into one, in which the rows of
 * a registration stand together again. Merged segments come before single ones, and which are
 * merged follows from what was sealed and from nothing else, so that the segments of a store are
 * the same wherever and whenever that was done. A merge keeps every row, its ordinal and whether it
 * was replaced.
 *
 *   Threads  the owning shard, but for chek_merge_run()
 */
#ifndef CHEK_STORE_MERGE_H
#define CHEK_STORE_MERGE_H

#include "engine/store/store.h"

#define CHEK_MERGE_COUNT 16 /* segments that are merged; fewer when they are large */

struct chek_merge;

/*
 * Begin to merge the oldest single segments; NULL: there are not enough, a merge of the store is
 * under way, or there is no memory.
 *
 *   Ownership  the job is the caller's until chek_merge_drop(). The bytes of segments that it
 *              replaces are gone with it: nobody may hold a view of them by then
 */
struct chek_merge *chek_store_merge_begin(struct chek_store *store);

/* Make the merged segment. Threads: any one; the shard reads, appends, seals and replaces meanwhile. */
void chek_merge_run(void *merge);

/*
 * Swap the merged segment in; false when there is none: then nothing changes. For lack of memory,
 * or when a file could not be read, it may be begun again; a source that is damaged is never merged,
 * nor is what comes behind it.
 *
 *   Cost  moves the places of the segments behind, and looks at rows that were replaced
 */
bool chek_merge_adopt(struct chek_merge *merge);

/* Whether a view is open that shows the segments that an adopted merge replaced: it is closed before
 * they are freed. */
bool chek_merge_is_shown(const struct chek_merge *merge);

/*
 * Free the job, with the segments that were replaced when it was adopted; no view shows them.
 *
 *   Threads  any, after it was adopted
 */
void chek_merge_drop(void *merge);

/*
 * Which segments a store has: kept ones (keep.h) and merged ones, then single ones. Kept ones and
 * merged ones are numbered by their place, and single ones by what was sealed before them; so
 * numbers stay what they are when others are merged or kept, and name files.
 */
struct chek_segments {
    uint32_t kept_count;   /* of `merged_count` */
    uint32_t merged_count; /* also what was kept without having been merged */
    uint32_t single_first; /* number of the first single one */
    uint32_t single_count;
};

struct chek_segments chek_store_segments(const struct chek_store *store);

/* Numbers of merged and of kept segments begin here, so that they are not those of single ones. */
#define CHEK_SEGMENT_MERGED_BASE UINT64_C(100000000000)
#define CHEK_SEGMENT_KEPT_BASE UINT64_C(200000000000)

static inline uint32_t
chek_segments_count(const struct chek_segments *segments)
{
    return segments->merged_count + segments->single_count;
}

/* The number of the segment at a place. */
static inline uint64_t
chek_segments_number(const struct chek_segments *segments, uint32_t index)
{
    return index < segments->kept_count ? CHEK_SEGMENT_KEPT_BASE + index
           : index < segments->merged_count
               ? CHEK_SEGMENT_MERGED_BASE + index
               : segments->single_first + (uint64_t)(index - segments->merged_count);
}

/* Whether a segment of this number is among them. */
static inline bool
chek_segments_has(const struct chek_segments *segments, uint64_t number)
{
    if (number >= CHEK_SEGMENT_KEPT_BASE) {
        return number - CHEK_SEGMENT_KEPT_BASE < segments->kept_count;
    }
    if (number >= CHEK_SEGMENT_MERGED_BASE) {
        uint64_t index = number - CHEK_SEGMENT_MERGED_BASE;
        return index >= segments->kept_count && index < segments->merged_count;
    }
    return number >= segments->single_first &&
           number - segments->single_first < segments->single_count;
}

/* Add the next number of a list that is in order; false when it does not follow. */
static inline bool
chek_segments_add(struct chek_segments *segments, uint64_t number)
{
    if (number >= CHEK_SEGMENT_KEPT_BASE) {
        bool follows = segments->merged_count == segments->kept_count &&
                       segments->single_count == 0 &&
                       number - CHEK_SEGMENT_KEPT_BASE == segments->kept_count;
        segments->kept_count += 1;
        segments->merged_count += 1;
        return follows;
    }
    if (number >= CHEK_SEGMENT_MERGED_BASE) {
        segments->merged_count += 1;
        return segments->single_count == 0 &&
               number - CHEK_SEGMENT_MERGED_BASE == segments->merged_count - 1;
    }
    if (segments->single_count == 0 && number <= UINT32_MAX) {
        segments->single_first = (uint32_t)number;
    }
    segments->single_count += 1;
    return number == segments->single_first + (uint64_t)(segments->single_count - 1);
}

#endif
