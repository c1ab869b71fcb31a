/* SPDX-License-Identifier: MIT */
/*
 * merge.c - the way of segments to a worker and back as one.
 *
 * Single segments are merged in the order in which they were sealed, so those that wait for it are
 * always the last ones of the list. What the worker reads never changes: the segments are
 * immutable, and the bits of replaced rows, which do change, are carried over when the merged
 * segment is adopted.
 */
#include "engine/store/merge.h"

#include "engine/base/assertion.h"
#include "engine/base/planted.h"
#include "engine/base/workspace.h"
#include "engine/store/keep.h"
#include "engine/store/keep_columns.h"
#include "engine/store/merge_columns.h"
#include "engine/store/set.h"

/* Bytes of segments that are merged at once, of at least two: memory of the merge is as much. */
#define SIZE_MAX_AT_ONCE ((size_t)32 * 1024 * 1024)

struct chek_merge {
    struct chek_store *store;
    bool is_keep; /* of one source, which is remade without what its documents say */
    bool is_adopted;
    uint64_t view_number; /* of the last view that may show the sources of an adopted one */
    struct chek_segment *sources[CHEK_MERGE_COUNT];
    uint32_t source_count;
    struct chek_segment *segment; /* NULL until the worker was done, or when it could not be made */
    int error;
};

/* Segments that are merged into one, unless that would have too many rows. */
static uint32_t
merge_count_max(const struct chek_store *store)
{
    uint32_t count = store->config.segment_merge_count;
    uint32_t row_count = store->config.segment_row_count;
    count = count != 0 ? count : CHEK_MERGE_COUNT;
    return count <= STORE__SEGMENT_ROW_COUNT_MAX / row_count
               ? count
               : STORE__SEGMENT_ROW_COUNT_MAX / row_count;
}

/* How many of the oldest single segments are to be merged: a function of them alone. 0: wait. */
static uint32_t
merge_count(const struct chek_store *store)
{
    uint32_t single_count = store->segment_count - store->merged_count;
    uint32_t count_max = merge_count_max(store);
    size_t size = 0;
    for (uint32_t i = 0; i < single_count && i < count_max; i++) {
        size += store->segments[store->merged_count + i]->size;
        if (i > 0 && (i + 1 == count_max || size >= SIZE_MAX_AT_ONCE)) {
            return i + 1;
        }
    }
    return 0;
}

/* Begin with `count` segments, or keep one, from a place on. */
static struct chek_merge *
job_begin(struct chek_store *store, uint32_t first, uint32_t count, bool is_keep)
{
    struct chek_merge *merge = chek_workspace_take(sizeof *merge);
    if (merge == NULL) {
        return NULL;
    }
    merge->store = store;
    merge->is_keep = is_keep;
    merge->source_count = count;
    memcpy(merge->sources, store->segments + first, count * sizeof(struct chek_segment *));
    store->is_merging = true;
    return merge;
}

struct chek_merge *
chek_store_merge_begin(struct chek_store *store)
{
    uint32_t count = store->is_merging || store->is_unmergeable ? 0 : merge_count(store);
    return count != 0 ? job_begin(store, store->merged_count, count, false) : NULL;
}

struct chek_merge *
chek_store_keep_begin(struct chek_store *store, uint64_t row_count)
{
    uint32_t index = store->kept_count;
    if (store->is_merging || store->is_unkeepable || index == store->segment_count) {
        return NULL;
    }
    const struct chek_segment *segment = store->segments[index];
    return segment->first_row + segment->row_count <= row_count ? job_begin(store, index, 1, true)
                                                                : NULL;
}

/* Have all of the sources in memory until they were read. */
static int
sources_hold(const struct chek_merge *merge)
{
    for (uint32_t i = 0; i < merge->source_count; i++) {
        int error = store__segment_hold(merge->sources[i]);
        if (error != CHEK_OK) {
            for (; i > 0; i--) {
                store__segment_release(merge->sources[i - 1]);
            }
            return error;
        }
    }
    return CHEK_OK;
}

static int
merge_run(struct chek_merge *merge)
{
    struct store__space *space = merge->sources[0]->space;
    uint8_t *bytes;
    size_t size;
    int error = sources_hold(merge);
    if (error != CHEK_OK) {
        return error;
    }
    error = merge->is_keep
                ? store__segment_keep(merge->sources[0], &bytes, &size)
                : store__segments_merge(merge->sources, merge->source_count, &bytes, &size);
    if (error == CHEK_OK &&
        store__segment_open(space, bytes, size, false, &merge->segment) != CHEK_OK) {
        chek_extents_give(&space->extents, bytes, size);
    }
    for (uint32_t i = 0; i < merge->source_count; i++) {
        store__segment_release(merge->sources[i]);
    }
    return error;
}

void
chek_merge_run(void *context)
{
    struct chek_merge *merge = context;
    CHEK_ASSERT(merge->segment == NULL);
    merge->error = merge_run(merge);
}

static void
replaced_move(const struct chek_segment *from, struct chek_segment *to)
{
    uint32_t word_count = from->replaced_count != 0 ? (from->row_count + 63) / 64 : 0;
    for (uint32_t word = 0; word < word_count; word++) {
        for (uint64_t bits = from->replaced[word]; bits != 0; bits &= bits - 1) {
            uint32_t row = word * 64 + (uint32_t)__builtin_ctzll(bits);
            struct store__run run = store__segment_run(from, store__segment_run_of(from, row));
            uint32_t moved =
                store__segment_find(to, run.registration, run.ordinal + (row - run.row));
            CHEK_ASSERT(moved != UINT32_MAX);
            to->replaced[moved / 64] |= UINT64_C(1) << (moved % 64);
        }
    }
    to->replaced_count += from->replaced_count;
}

/* Put the kept segment where its source is: in front of all that are not kept. */
static void
keep_swap(struct chek_store *store, struct chek_segment *kept)
{
    store->segments[store->kept_count] = kept;
    if (store->kept_count == store->merged_count) { /* it is merged with none any more */
        store->merged_count += 1;
        store->merged_set_count += kept->set_count;
    }
    store->kept_count += 1;
}

/* Put the merged segment where its sources are. */
static void
swap(struct chek_store *store, struct chek_segment *merged, uint32_t source_count)
{
    struct chek_segment **at = store->segments + store->merged_count;
    /* The planted bug leaves the last of them in the list beside the merged one. */
    uint32_t gone_count = CHEK_PLANTED(SEGMENT_TWICE) ? source_count - 2 : source_count - 1;
    at[0] = merged;
    memmove(at + 1, at + 1 + gone_count,
            (store->segment_count - store->merged_count - 1 - gone_count) * sizeof *at);
    store->segment_count -= gone_count;
    store->merged_count += 1;
    store->merged_set_count += merged->set_count;
}

bool
chek_merge_adopt(struct chek_merge *merge)
{
    struct chek_store *store = merge->store;
    struct chek_segment *merged = merge->segment;
    uint64_t row_count = 0;
    if (merged == NULL) {
        return false;
    }
    CHEK_ASSERT(store->image == NULL); /* it may still need the bits of the sources */
    uint32_t first = merge->is_keep ? store->kept_count : store->merged_count;
    for (uint32_t i = 0; i < merge->source_count; i++) {
        CHEK_ASSERT(store->segments[first + i] == merge->sources[i]);
        row_count += merge->sources[i]->row_count;
        store->line_count -= merge->sources[i]->line_count;
        store->segment_size -= store__segment_memory_size(merge->sources[i]);
        store->hour_size -= merge->sources[i]->hour_size;
        replaced_move(merge->sources[i], merged);
    }
    CHEK_ASSERT(merged->row_count == row_count);
    CHEK_ASSERT(merged->first_row == merge->sources[0]->first_row);
    store->segment_size += store__segment_memory_size(merged);
    store->hour_size += merged->hour_size;
    store->line_count += merged->line_count;
    merged->chain = merge->sources[merge->source_count - 1]->chain;
    if (merge->is_keep) {
        keep_swap(store, merged);
    } else {
        swap(store, merged, merge->source_count);
        merge->source_count -= CHEK_PLANTED(SEGMENT_TWICE);
        store->merge_count += 1;
    }
    store->is_merging = false;
    merge->is_adopted = true;
    merge->view_number = store->view_number;
    merge->segment = NULL;
    return true;
}

bool
chek_merge_is_keep(const struct chek_merge *merge)
{
    return merge->is_keep;
}

bool
chek_merge_is_shown(const struct chek_merge *merge)
{
    return merge->is_adopted && store__views_show(merge->store, merge->view_number);
}

void
chek_merge_drop(void *context)
{
    struct chek_merge *merge = context;
    if (merge == NULL) {
        return;
    }
    for (uint32_t i = 0; merge->is_adopted && i < merge->source_count; i++) {
        store__segment_destroy(merge->sources[i]);
    }
    if (!merge->is_adopted) {
        merge->store->is_merging = false;
        bool *is_given_up =
            merge->is_keep ? &merge->store->is_unkeepable : &merge->store->is_unmergeable;
        *is_given_up |= merge->error == CHEK_E_CORRUPT || merge->error == CHEK_E_CONFLICT;
        store__segment_destroy(merge->segment);
    }
    chek_workspace_give(merge, sizeof *merge);
}

struct chek_segments
chek_store_segments(const struct chek_store *store)
{
    return (struct chek_segments){
        .kept_count = store->kept_count,
        .merged_count = store->merged_count,
        .single_first = store->merged_set_count,
        .single_count = store->segment_count - store->merged_count,
    };
}
