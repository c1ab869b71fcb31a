/* SPDX-License-Identifier: MIT */
/*
 * fuzz_segment.c - bytes that say they are a segment.
 *
 * They are tried as they are and with their sums made right. A segment that opens is put into a
 * store whose dictionaries have a few texts, scanned, and read row by row.
 */
#include "engine/store/segment.h"

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/store/keep.h"
#include "engine/store/marking_again.h"
#include "engine/store/sums.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/store_resum.h"

#define READ_COUNT_MAX 64

static _Alignas(16) uint8_t memory[1 << 20];

static struct chek_store *
store_make(void)
{
    struct chek_store_config config = {
        .dictionary_count_max = 100, .dictionary_size_max = 1000, .segment_row_count = 4};
    struct chek_store *store;
    int error = chek_store_create(&config, &store);
    CHEK_ASSERT(error == CHEK_OK);
    for (uint32_t i = 0; i < STORE__DICTIONARY_COUNT; i++) {
        static const char *const texts[] = {"a", "bb", "ccc"};
        error = store__pool_stock(&store->pool, 16);
        CHEK_ASSERT(error == CHEK_OK);
        for (uint32_t k = 0; k < CHEK_COUNT(texts); k++) {
            store__dictionary_intern(&store->dictionaries[i], &store->pool,
                                     chek_bytes_view_text(texts[k]));
        }
    }
    store__texts_publish(store);
    return store;
}

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    uint64_t *count = context;
    CHEK_ASSERT(row->row.kind <= CHEK_ROW_CLOSE);
    *count += 1;
    return true;
}

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    *(int64_t *)context += addend->tickets;
    return true;
}

/* All, and an hour and a half of one registration: tables, and rows beside them. */
static void
sum(const struct chek_store *store, const struct chek_segment *segment)
{
    struct chek_arena arena;
    struct store__run run = store__segment_run(segment, 0);
    struct chek_scan_filter filter = {0};
    int64_t tickets = 0;
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error = chek_store_sum(store, &filter, &arena, on_addend, &tickets);
    CHEK_ASSERT(error == CHEK_OK && tickets >= 0 && tickets <= segment->row_count);
    filter = (struct chek_scan_filter){.registrations = &run.registration,
                                       .registration_count = 1,
                                       .time_min = 1767259800,
                                       .time_max = 1767265199};
    error = chek_store_sum(store, &filter, &arena, on_addend, &tickets);
    CHEK_ASSERT(error == CHEK_OK || (error == CHEK_E_REMOVED && segment->is_kept));
}

static void
on_entry(void *context, const struct chek_marking_entry *entry)
{
    uint64_t *count = context;
    (void)entry;
    *count += 1;
}

/* Every entry of the marking table, and what is to be read of goods that were sold again. */
static void
markings(const struct chek_store *store, const struct chek_segment *segment)
{
    static struct chek_marking_again list[CHEK_MARKING_AGAIN_COUNT_MAX];
    struct chek_arena arena;
    uint64_t count = 0;
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error = chek_marking_entries(store, &arena, on_entry, &count);
    CHEK_ASSERT(error == CHEK_OK && count == segment->marking_count);
    for (uint64_t hash = 0; hash < CHEK_MARKING_HASH_END && error == CHEK_OK;) {
        uint32_t found = 0;
        chek_arena_init_over(&arena, memory, sizeof memory);
        error = chek_marking_again(store, &hash, 1000, &arena, list, &found);
        CHEK_ASSERT(error != CHEK_OK || found <= CHEK_MARKING_AGAIN_COUNT_MAX);
    }
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT || error == CHEK_E_LIMIT);
}

static void
use(struct chek_store *store, struct chek_segment *segment)
{
    struct chek_scan_filter filter = {0};
    struct chek_arena arena;
    uint64_t count = 0;
    store->segments = &segment;
    store->segment_count = 1;
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error = chek_store_scan(store, &filter, &arena, on_row, &count);
    CHEK_ASSERT(error == CHEK_OK && count == segment->row_count);
    sum(store, segment);
    markings(store, segment);
    for (uint32_t i = 0; i < segment->run_count && i < READ_COUNT_MAX; i++) {
        struct store__run run = store__segment_run(segment, i);
        struct chek_row row;
        struct chek_document document;
        chek_arena_init_over(&arena, memory, sizeof memory);
        uint32_t last = run.ordinal + (run.row_end - run.row - 1);
        error = chek_store_read(store, run.registration, last, &arena, &row, &document);
        CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_CORRUPT || error == CHEK_E_LIMIT ||
                    (error == CHEK_E_REMOVED && segment->is_kept));
        uint64_t sign;
        error = chek_store_read_head(store, run.registration, last, &row, &sign);
        CHEK_ASSERT(error == CHEK_OK);
    }
    store->segments = NULL;
    store->segment_count = 0;
}

static void
try_bytes(struct chek_store *store, const uint8_t *bytes, size_t size, bool resum)
{
    uint8_t *copy = chek_memory_allocate(size);
    CHEK_ASSERT(copy != NULL);
    if (size != 0) {
        memcpy(copy, bytes, size);
    }
    if (resum) {
        if (size >= STORE__SEGMENT_HEAD_SIZE) {
            chek_store_u64(copy + 40, size);
        }
        store_resum_segment(copy, size);
    }
    struct chek_segment *segment;
    int error =
        store__segment_load(&store->pool.shared->space, chek_bytes_view_of(copy, size), &segment);
    chek_memory_free(copy, size);
    if (error != CHEK_OK) {
        CHEK_ASSERT(error == CHEK_E_CORRUPT || error == CHEK_E_VERSION);
        return;
    }
    use(store, segment);
    store__segment_destroy(segment);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static struct chek_store *store;
    if (store == NULL) {
        store = store_make();
    }
    try_bytes(store, bytes, size, false);
    try_bytes(store, bytes, size, true);
    return 0;
}
