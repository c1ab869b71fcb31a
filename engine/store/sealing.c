/* SPDX-License-Identifier: MIT */
/*
 * sealing.c - the way of a full set to a worker and back as a segment.
 *
 * Sets are handed out in the order they were filled and adopted in that order, so the segments of
 * a store are always the same, whenever they were made.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"
#include "engine/store/sealer.h"
#include "engine/store/segment.h"

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
    struct chek_segment **grown = chek_workspace_grow(
        store->segments, old * sizeof *store->segments, count * sizeof *store->segments);
    if (grown == NULL) {
        return -ENOMEM;
    }
    store->segments = grown;
    store->segment_count_max = count;
    return CHEK_OK;
}

/* Have what a worker needs for the next set: memory to work in, pieces for new texts. */
static int
seal_prepare(struct chek_store *store, struct store__sealer **ret)
{
    int error = ensure_segment_slot(store);
    if (error == CHEK_OK) {
        error = store__pool_stock(&store->pool, store->stock_wanted);
    }
    return error == CHEK_OK ? store__sealer_take(store->pool.shared, ret) : error;
}

bool
chek_store_seal_is_due(const struct chek_store *store)
{
    const struct store__set *next = store->seal.set != NULL ? store->seal.set->next : store->oldest;
    return next != store->newest;
}

struct chek_seal *
chek_store_seal_begin(struct chek_store *store)
{
    struct store__set *set = store->oldest;
    struct store__sealer *sealer;
    if (set == store->newest || store->seal.set != NULL) {
        return NULL;
    }
    CHEK_ASSERT(set->row_count == set->row_count_max);
    int error = seal_prepare(store, &sealer);
    if (error != CHEK_OK) {
        return NULL;
    }
    store->seal = (struct chek_seal){
        .store = store, .set = set, .sealer = sealer, .first_row = store->sealed_row_count};
    return &store->seal;
}

/* The rows of the set in the order they came, as they came: no column is in the chain. */
static struct chek_chain
chain_next(const struct chek_seal *seal)
{
    const struct chek_store *store = seal->store;
    const struct store__set *set = seal->set;
    struct chek_chain_link link;
    chek_chain_link_begin(&link, &store->chain, store->config.partition, set->row_count);
    for (uint32_t i = 0; i < set->row_count; i++) {
        const struct store__row *row = store__set_row(set, i);
        struct chek_row told = store__row_told(row, false);
        chek_chain_link_add(&link, &told, store__row_document(row));
    }
    return chek_chain_link_end(&link);
}

void
chek_seal_run(void *context)
{
    struct chek_seal *seal = context;
    uint8_t *bytes;
    size_t size;
    CHEK_ASSERT(seal->segment == NULL);
    int error =
        store__segment_encode(seal->sealer, seal->store, seal->set, seal->first_row, &bytes, &size);
    seal->stock_ended = error == -EAGAIN;
    if (error == CHEK_OK) {
        struct store__space *space = &seal->store->pool.shared->space;
        error = store__segment_open(space, bytes, size, false, &seal->segment);
        if (error != CHEK_OK) {
            CHEK_ASSERT(error == -ENOMEM); /* what was written reads back */
            chek_extents_give(&space->extents, bytes, size);
        }
    }
    if (error == CHEK_OK) {
        seal->chain = chain_next(seal);
    }
}

/* Rows that were replaced while they were open, as bits of the segment. */
static void
replaced_move(const struct store__set *set, struct chek_segment *segment)
{
    for (uint32_t i = 0; i < set->row_count && set->replaced_count != 0; i++) {
        if (!store__bit(set->replaced, i)) {
            continue;
        }
        const struct store__row *open = store__set_row(set, i);
        uint32_t row = store__segment_find(segment, open->registration, open->ordinal);
        CHEK_ASSERT(row != UINT32_MAX);
        segment->replaced[row / 64] |= UINT64_C(1) << (row % 64);
    }
    segment->replaced_count = set->replaced_count;
}

/* Give back what the worker had. */
static void
seal_end(struct chek_seal *seal)
{
    struct chek_store *store = seal->store;
    store__pool_unstock(&store->pool, 0);
    store__sealer_give(store->pool.shared, seal->sealer);
    *seal = (struct chek_seal){0};
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
    segment->chain = seal->chain;
    store->segments[store->segment_count] = segment;
    store->segment_count += 1;
    store->sealed_row_count += segment->row_count;
    store->segment_size += store__segment_memory_size(segment);
    store->chain = seal->chain;
    store__texts_publish(store);
    store->hour_size += segment->hour_size;

    store->oldest = set->next;
    store__set_retire(store, set);
    seal_end(seal);
}

void
chek_seal_drop(struct chek_seal *seal)
{
    if (seal == NULL) {
        return;
    }
    if (seal->stock_ended) {
        seal->store->stock_wanted *= 2;
    }
    store__segment_destroy(seal->segment);
    seal_end(seal);
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
