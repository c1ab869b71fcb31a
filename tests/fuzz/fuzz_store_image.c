/* SPDX-License-Identifier: MIT */
/*
 * fuzz_store_image.c - bytes that say they are a store's image, without segments.
 *
 * They are tried as they are and with their sum made right. A store that loads is scanned, read,
 * sealed and scanned again: what was accepted must be usable like what was appended.
 */
#include "engine/base/assertion.h"
#include "engine/store/store.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/store_resum.h"

#include <stdlib.h>

static _Alignas(16) uint8_t memory[1 << 20];

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    const struct chek_store *store = context;
    static _Alignas(16) uint8_t inner[1 << 20];
    struct chek_arena arena;
    struct chek_row read_row;
    struct chek_document document;
    CHEK_ASSERT(row->row.kind <= CHEK_ROW_CLOSE);
    chek_arena_init_over(&arena, inner, sizeof inner);
    int error = chek_store_read(store, row->row.registration, row->row.ordinal, &arena, &read_row,
                                &document);
    CHEK_ASSERT(error == CHEK_OK || error == CHEK_E_LIMIT || error == CHEK_E_CORRUPT);
    return true;
}

static void
scan(struct chek_store *store)
{
    struct chek_scan_filter filter = {.with_replaced = true};
    struct chek_arena arena;
    chek_arena_init_over(&arena, memory, sizeof memory);
    int error = chek_store_scan(store, &filter, &arena, on_row, store);
    CHEK_ASSERT(error == CHEK_OK);
}

static void
try_bytes(const uint8_t *bytes, size_t size)
{
    struct chek_store_config config = {
        .dictionary_count_max = 100, .dictionary_size_max = 1000, .segment_row_count = 4};
    struct chek_store *store;
    int error = chek_store_load(&config, chek_bytes_view_of(bytes, size), NULL, 0, &store);
    if (error != CHEK_OK) {
        CHEK_ASSERT(error == CHEK_E_CORRUPT || error == CHEK_E_VERSION);
        return;
    }
    scan(store);
    struct chek_seal *seal = chek_store_seal_begin(store);
    while (seal != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
        seal = chek_store_seal_begin(store);
    }
    scan(store);
    chek_store_destroy(store);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    try_bytes(bytes, size);
    uint8_t *copy = malloc(size + 1);
    CHEK_ASSERT(copy != NULL);
    if (size != 0) {
        memcpy(copy, bytes, size);
    }
    store_resum_image(copy, size);
    try_bytes(copy, size);
    free(copy);
    return 0;
}
