/* SPDX-License-Identifier: MIT */
/*
 * store.c - a store's life: made, given room, looked into, freed.
 *
 * Room is kept as a credit of rows, bytes of documents and bytes of cells. While the credit lasts
 * chek_store_ensure() is three comparisons; when it does not, everything that so many rows could
 * need at the worst is put into the pool, which for the most part is address space that is never
 * touched.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/store/image.h"
#include "engine/store/merge.h"
#include "engine/store/segment.h"

/* Pieces that a worker gets to seal with, before it asked for more. */
#define STOCK_COUNT_FIRST 64

/* The least that is asked for at a time, so that small asks share the work. */
#define CREDIT_ROWS 64
#define CREDIT_DOCUMENT_SIZE 16384
#define CREDIT_CELL_SIZE 16384

static int
dictionaries_init(struct chek_store *store)
{
    store->dictionaries =
        chek_memory_allocate(STORE__DICTIONARY_COUNT * sizeof *store->dictionaries);
    if (store->dictionaries == NULL) {
        return -ENOMEM;
    }
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT; i++) {
        int error = store__dictionary_init(
            &store->dictionaries[i], &store->pool, store->config.dictionary_count_max,
            store->config.dictionary_size_max, store->config.index_seed + i);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static int
store_init(struct chek_store *store)
{
    int error = store__pool_init(&store->pool, store->config.pool);
    if (error != CHEK_OK) {
        return error;
    }
    store->effort = &store->pool.shared->effort;
    store->scratch = chek_memory_allocate(CHEK_COMMAND_BODY_SIZE_MAX);
    if (store->scratch == NULL) {
        return -ENOMEM;
    }
    error = dictionaries_init(store);
    if (error != CHEK_OK) {
        return error;
    }
    error = store__set_create(store->config.segment_row_count, &store->oldest);
    store->newest = store->oldest;
    if (error == CHEK_OK && store->config.segment_row_first != 0) {
        store->oldest->row_count_max = store->config.segment_row_first;
    }
    return error;
}

int
chek_store_create(const struct chek_store_config *config, struct chek_store **ret)
{
    CHEK_ASSERT(config->segment_row_count > 0);
    CHEK_ASSERT(config->segment_row_count <= STORE__SEGMENT_ROW_COUNT_MAX);
    CHEK_ASSERT(config->segment_row_first <= config->segment_row_count);
    CHEK_ASSERT(config->segment_merge_count <= CHEK_MERGE_COUNT);
    struct chek_store *store = chek_memory_allocate(sizeof *store);
    int error = -ENOMEM;
    if (store != NULL) {
        store->config = *config;
        store->stock_wanted = STOCK_COUNT_FIRST;
        error = store_init(store);
    }
    if (error != CHEK_OK) {
        chek_store_destroy(store);
        return error;
    }
    *ret = store;
    return CHEK_OK;
}

void
chek_store_destroy(struct chek_store *store)
{
    if (store == NULL) {
        return;
    }
    CHEK_ASSERT(store->seal.set == NULL);
    CHEK_ASSERT(store->views == NULL && store->retired == NULL);
    chek_store_image_end(store);
    for (struct store__set *set = store->oldest; set != NULL;) {
        struct store__set *next = set->next;
        store__set_clear(set, &store->pool);
        store__set_destroy(set);
        set = next;
    }
    for (struct store__set *set = store->spare; set != NULL;) {
        struct store__set *next = set->next;
        store__set_destroy(set);
        set = next;
    }
    CHEK_ASSERT(!store->is_merging);
    for (uint32_t i = 0; i < store->segment_count; i++) {
        store__segment_destroy(store->segments[i]);
    }
    chek_workspace_give(store->segments, store->segment_count_max * sizeof *store->segments);
    for (uint32_t i = 0; store->dictionaries != NULL && i < STORE__DICTIONARY_COUNT; i++) {
        store__dictionary_finish(&store->dictionaries[i], &store->pool);
    }
    chek_memory_free(store->dictionaries, STORE__DICTIONARY_COUNT * sizeof *store->dictionaries);
    store__pool_finish(&store->pool);
    chek_memory_free(store->scratch, CHEK_COMMAND_BODY_SIZE_MAX);
    chek_memory_free(store, sizeof *store);
}

/* ---- room ---- */

/* Blocks that rows may begin, at most. A set that is begun leaves the last block of each kind of
 * the one before it unfilled. */
static uint64_t
block_count_max(uint32_t kind, const struct store__credit *want, uint32_t set_count)
{
    size_t size = want->document_size + want->cell_size;
    size_t extra = want->rows * (STORE__PAYMENTS_SIZE + 16); /* and what aligns them */
    switch (kind) {
    case STORE__ROW_BLOCK:
        return (want->rows + STORE__BLOCK_ROW_COUNT - 1) / STORE__BLOCK_ROW_COUNT + 1 + set_count;
    case STORE__BYTES_BLOCK:
        /* What a block leaves unused is less than the row that begins the next one. */
        return (size + extra) /
                   (STORE__BYTES_BLOCK_SIZE - STORE__LINK_SIZE - STORE__SMALL_SIZE_MAX) +
               2 + set_count;
    default:
        return size / (STORE__SMALL_SIZE_MAX - STORE__PAYMENTS_SIZE - 8);
    }
}

/* Have as many empty sets as the rows can fill. */
static int
ensure_sets(struct chek_store *store, const struct store__credit *want)
{
    uint32_t left = store->newest->row_count_max - store->newest->row_count;
    uint32_t count =
        want->rows > left ? (want->rows - left - 1) / store->newest->row_capacity + 1 : 0;
    while (store->spare_count < count) {
        struct store__set *set;
        int error = store__set_create(store->config.segment_row_count, &set);
        if (error != CHEK_OK) {
            return error;
        }
        set->next = store->spare;
        store->spare = set;
        store->spare_count += 1;
    }
    return CHEK_OK;
}

static int
ensure_credit(struct chek_store *store, const struct store__credit *want)
{
    int error = ensure_sets(store, want);
    for (uint32_t kind = 0; kind < STORE__BLOCK_KIND_COUNT && error == CHEK_OK; kind++) {
        uint64_t count = block_count_max(kind, want, store->spare_count);
        error = store__pool_ensure_blocks(&store->pool, kind, (uint32_t)count);
    }
    return error;
}

int
chek_store_ensure(struct chek_store *store, uint32_t row_count, size_t document_size,
                  size_t cell_size)
{
    const struct store__credit *credit = &store->credit;
    if (CHEK_UNLIKELY(store->image != NULL) &&
        store__image_ensure(store->image, row_count + CREDIT_ROWS) != CHEK_OK) {
        return -ENOMEM;
    }
    if (CHEK_LIKELY(row_count <= credit->rows && document_size <= credit->document_size &&
                    cell_size <= credit->cell_size)) {
        return CHEK_OK;
    }
    struct store__credit want = {
        .rows = row_count > CREDIT_ROWS ? row_count : CREDIT_ROWS,
        .document_size =
            document_size > CREDIT_DOCUMENT_SIZE ? document_size : CREDIT_DOCUMENT_SIZE,
        .cell_size = cell_size > CREDIT_CELL_SIZE ? cell_size : CREDIT_CELL_SIZE,
    };
    int error = ensure_credit(store, &want);
    if (error == CHEK_OK) {
        store->credit = want;
    }
    return error;
}

struct store__set *
store__set_begin(struct chek_store *store)
{
    struct store__set *set = store->spare;
    CHEK_ASSERT(set != NULL);
    store->spare = set->next;
    store->spare_count -= 1;
    set->next = NULL;
    store->newest->next = set;
    store->newest = set;
    return set;
}

void
store__texts_publish(struct chek_store *store)
{
    uint64_t piece_count = 0;
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT; i++) {
        const struct store__dictionary *dictionary = &store->dictionaries[i];
        store->texts[i] =
            (struct store__texts){.count = dictionary->count, .size = dictionary->text_size};
        piece_count +=
            dictionary->texts.piece_count + dictionary->entries.piece_count +
            dictionary->shorts.buckets.piece_count + dictionary->shorts.overflow.piece_count +
            dictionary->longs.buckets.piece_count + dictionary->longs.overflow.piece_count;
    }
    store->dictionary_size = piece_count * STORE__PIECE_SIZE;
}

/* ---- small things ---- */

const struct chek_store_effort *
chek_store_pool_effort(const struct chek_store_pool *pool)
{
    return &pool->effort;
}

uint32_t
store__dictionary_of(enum store__column column)
{
    switch (column) {
    case STORE__DOCUMENT_PROFILE:
        return STORE__DICTIONARY_PROFILE;
    case STORE__DOCUMENT_OPERATOR:
        return STORE__DICTIONARY_OPERATOR;
    case STORE__DOCUMENT_CLIENT:
        return STORE__DICTIONARY_CLIENT;
    case STORE__DOCUMENT_FISCAL_DRIVE:
        return STORE__DICTIONARY_FISCAL_DRIVE;
    case STORE__LINE_CODE:
        return STORE__DICTIONARY_CODE;
    case STORE__LINE_NAME:
        return STORE__DICTIONARY_NAME;
    case STORE__LINE_SECTION:
        return STORE__DICTIONARY_SECTION;
    case STORE__LINE_UNIT:
        return STORE__DICTIONARY_UNIT;
    case STORE__MODIFIER_NAME:
        return STORE__DICTIONARY_MODIFIER_NAME;
    default:
        CHEK_ASSERT(column == STORE__PARENT_REGISTER);
        return STORE__DICTIONARY_PARENT_REGISTER;
    }
}

uint32_t
store__page_row_count(uint32_t segment_row_count)
{
    uint32_t count = 1;
    while (count < CHEK_CHUNK_RECEIPT_COUNT && count * 8 <= segment_row_count) {
        count *= 2;
    }
    return count;
}

const struct chek_chain *
chek_store_chain(const struct chek_store *store)
{
    return &store->chain;
}

uint64_t
chek_store_range_first(const struct chek_store *store, uint64_t range)
{
    const struct chek_store_config *config = &store->config;
    uint64_t first =
        config->segment_row_first != 0 ? config->segment_row_first : config->segment_row_count;
    return range == 0 ? 0 : first + (range - 1) * config->segment_row_count;
}

uint64_t
chek_store_history_hash(const struct chek_store *store)
{
    return store->history_hash;
}

struct chek_store_counters
chek_store_count(const struct chek_store *store)
{
    return (struct chek_store_counters){
        .row_count = store->row_count,
        .line_count = store->line_count,
        .segment_count = store->segment_count,
        .kept_count = store->kept_count,
        .merged_count = store->merged_count,
        .merge_count = store->merge_count,
        .open_row_count = (uint32_t)(store->row_count - store->sealed_row_count),
        .segment_size = store->segment_size,
        .hour_size = store->hour_size,
        .open_size = store__pool_block_bytes(&store->pool),
        .dictionary_size = store->dictionary_size,
    };
}
