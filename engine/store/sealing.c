/* SPDX-License-Identifier: MIT */
/*
 * sealing.c - the way of a full set to a worker and back as a segment.
 *
 * Sets are handed out in the order they were filled and adopted in that order, so the segments of
 * a store are always the same, whenever they were made.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/store/segment.h"
#include "engine/store/set.h"

struct chek_seal {
    struct chek_store *store;
    struct store__set *set;
    uint64_t first_row;
    struct chek_segment *segment; /* NULL until the worker was done, or when it had no memory */
};

/* Segment tables grow by as much as they hold. */
#define SEGMENT_COUNT_FIRST 16

static int
ensure_segment_slot(struct chek_store *store)
{
    if (store->segment_count < store->segment_count_max) {
        return CHEK_OK;
    }
    uint32_t old = store->segment_count_max;
    uint32_t count = old != 0 ? 2 * old : SEGMENT_COUNT_FIRST;
    struct chek_segment **grown = chek_memory_grow(store->segments, old * sizeof *store->segments,
                                                   count * sizeof *store->segments);
    if (grown == NULL) {
        return -ENOMEM;
    }
    store->segments = grown;
    store->segment_count_max = count;
    return CHEK_OK;
}

struct chek_seal *
chek_store_seal_begin(struct chek_store *store)
{
    struct store__set *set = store->oldest;
    if (set == store->newest || set->sealing) {
        return NULL;
    }
    CHEK_ASSERT(set->row_count == set->row_count_max);
    chek_memory_unsealed_begin();
    struct chek_seal *seal = chek_memory_allocate(sizeof *seal);
    if (seal != NULL && ensure_segment_slot(store) != CHEK_OK) {
        chek_memory_free(seal, sizeof *seal);
        seal = NULL;
    }
    chek_memory_unsealed_end();
    if (seal == NULL) {
        return NULL;
    }
    *seal = (struct chek_seal){.store = store, .set = set, .first_row = store->sealed_row_count};
    set->sealing = true;
    return seal;
}

void
chek_seal_run(void *context)
{
    struct chek_seal *seal = context;
    uint8_t *bytes;
    size_t size;
    CHEK_ASSERT(seal->segment == NULL);
    chek_memory_unsealed_begin();
    int error = store__segment_encode(seal->set, seal->first_row, &bytes, &size);
    if (error == CHEK_OK) {
        error = store__segment_open(bytes, size, &seal->segment);
        if (error != CHEK_OK) {
            CHEK_ASSERT(error == -ENOMEM); /* what was written reads back */
            chek_memory_free(bytes, size + STORE__PAGE_SLACK);
        }
    }
    chek_memory_unsealed_end();
}

/* Rows that were replaced while they were open, as bits of the segment. */
static void
replaced_move(const struct store__set *set, struct chek_segment *segment)
{
    for (uint32_t i = 0; i < set->row_count && set->replaced_count != 0; i++) {
        if (!store__bit(set->replaced, i)) {
            continue;
        }
        uint32_t row =
            store__segment_find(segment, set->heads[i].registration, set->heads[i].ordinal);
        CHEK_ASSERT(row != UINT32_MAX);
        segment->replaced[row / 64] |= UINT64_C(1) << (row % 64);
    }
    segment->replaced_count = set->replaced_count;
}

/* Behind the others: those before it have the tables that were ensured, which it may not have. */
static void
spare_add(struct chek_store *store, struct store__set *set)
{
    struct store__set **last = &store->spare;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = set;
    store->spare_count += 1;
}

void
chek_seal_adopt(struct chek_seal *seal)
{
    struct chek_store *store = seal->store;
    struct store__set *set = seal->set;
    struct chek_segment *segment = seal->segment;
    if (segment == NULL) {
        chek_seal_drop(seal);
        return;
    }
    CHEK_ASSERT(set == store->oldest && set != store->newest);
    CHEK_ASSERT(store->image == NULL);
    CHEK_ASSERT(store->segment_count < store->segment_count_max);
    replaced_move(set, segment);
    store->segments[store->segment_count] = segment;
    store->segment_count += 1;
    store->sealed_row_count += segment->row_count;
    store->segment_size += store__segment_memory_size(segment);

    store->oldest = set->next;
    store__set_clear(set, &store->pool);
    spare_add(store, set);
    chek_memory_free(seal, sizeof *seal);
}

void
chek_seal_drop(struct chek_seal *seal)
{
    if (seal == NULL) {
        return;
    }
    seal->set->sealing = false;
    store__segment_destroy(seal->segment);
    chek_memory_free(seal, sizeof *seal);
}

uint32_t
chek_segment_count(const struct chek_store *store)
{
    return store->segment_count;
}

struct chek_bytes_view
chek_segment_bytes(const struct chek_store *store, uint32_t index)
{
    CHEK_ASSERT(index < store->segment_count);
    return chek_bytes_view_of(store->segments[index]->bytes, store->segments[index]->size);
}
