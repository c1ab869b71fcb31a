/* SPDX-License-Identifier: MIT */
/*
 * plain_store.c - the store's contract as an array of encoded documents.
 *
 * Tests of fiscal run over it as well as over the real one: a fault of one of them then shows as a
 * difference, and fiscal's tests stay small.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "engine/store/keep.h"

#define ROW_COUNT_MAX 1000000
#define BYTES_MAX (UINT64_C(1) << 32)

struct plain_row {
    struct chek_row row;
    size_t at, size;           /* of the document */
    size_t cell_at, cell_size; /* of the frozen totals */
};

struct chek_store {
    struct plain_row *rows;
    uint8_t *bytes;
    size_t size, committed;
    size_t row_count, row_committed;
};

int
chek_store_create(const struct chek_store_config *config, struct chek_store **ret)
{
    (void)config;
    struct chek_store *store = chek_memory_allocate(sizeof *store);
    if (store == NULL) {
        return -ENOMEM;
    }
    store->rows = chek_memory_reserve(ROW_COUNT_MAX * sizeof store->rows[0]);
    store->bytes = chek_memory_reserve(BYTES_MAX);
    *ret = store;
    return CHEK_OK;
}

void
chek_store_destroy(struct chek_store *store)
{
    if (store != NULL) {
        chek_memory_release(store->rows, ROW_COUNT_MAX * sizeof store->rows[0]);
        chek_memory_release(store->bytes, BYTES_MAX);
        chek_memory_free(store, sizeof *store);
    }
}

int
chek_store_ensure(struct chek_store *store, uint32_t row_count, size_t document_size,
                  size_t cell_size)
{
    (void)store;
    (void)row_count;
    (void)document_size;
    (void)cell_size;
    return CHEK_OK;
}

static uint8_t *
take(struct chek_store *store, size_t size)
{
    const size_t step = 1 << 20;
    while (store->size + size > store->committed) {
        CHEK_ASSERT(chek_memory_commit(store->bytes + store->committed, step) == CHEK_OK);
        store->committed += step;
    }
    store->size += size;
    return store->bytes + store->size - size;
}

void
chek_store_append(struct chek_store *store, const struct chek_row *row,
                  const struct chek_document *document)
{
    static uint8_t bytes[1 << 20];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_document_encode(&out, document);
    CHEK_ASSERT(!out.full);
    const size_t step = 1 << 12;
    if (store->row_count == store->row_committed) {
        CHEK_ASSERT(chek_memory_commit(store->rows + store->row_count,
                                       step * sizeof store->rows[0]) == CHEK_OK);
        store->row_committed += step;
    }
    struct plain_row *added = &store->rows[store->row_count++];
    *added = (struct plain_row){.row = *row, .size = out.size, .cell_size = row->cell.size};
    added->at = (size_t)(take(store, out.size) - store->bytes);
    memcpy(store->bytes + added->at, bytes, out.size);
    added->cell_at = (size_t)(take(store, row->cell.size) - store->bytes);
    if (row->cell.size != 0) {
        memcpy(store->bytes + added->cell_at, row->cell.bytes, row->cell.size);
    }
}

static struct plain_row *
find(const struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    for (size_t i = store->row_count; i-- > 0;) {
        struct plain_row *row = &store->rows[i];
        if (row->row.registration == registration && row->row.ordinal == ordinal) {
            return row;
        }
    }
    return NULL;
}

int
chek_store_read(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                struct chek_arena *arena, struct chek_row *ret_row,
                struct chek_document *ret_document)
{
    const struct plain_row *row = find(store, registration, ordinal);
    struct chek_fault fault;
    if (row == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    int error =
        chek_document_decode_whole(store->bytes + row->at, row->size, arena, ret_document, &fault);
    if (error == CHEK_OK) {
        *ret_row = row->row;
        ret_row->cell = chek_bytes_view_of(store->bytes + row->cell_at, row->cell_size);
    }
    return error;
}

/* Documents of an array stay whole, also when they were removed. */
int
chek_store_read_head(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                     struct chek_row *ret_row, uint64_t *ret_sign)
{
    static _Alignas(16) uint8_t bytes[1 << 20];
    struct chek_arena arena;
    struct chek_row row;
    struct chek_document document;
    chek_arena_init_over(&arena, bytes, sizeof bytes);
    int error = chek_store_read(store, registration, ordinal, &arena, &row, &document);
    if (error == CHEK_OK) {
        row.received_us = 0;
        row.cell = (struct chek_bytes_view){0};
        *ret_row = row;
        *ret_sign = document.receipt != NULL ? document.receipt->sign
                    : document.close != NULL ? document.close->sign
                                             : 0;
    }
    return error;
}

int
chek_store_replace(struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    struct plain_row *row = find(store, registration, ordinal);
    if (row == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    row->row.replaced = true;
    return CHEK_OK;
}

static int64_t
document_time(const struct chek_document *document)
{
    return document->receipt != NULL    ? document->receipt->time
           : document->movement != NULL ? document->movement->time
                                        : document->close->time;
}

/* Only what fiscal asks by: one registration and a range of time. */
static bool
is_wanted(const struct chek_scan_filter *filter, const struct chek_row *row, int64_t time)
{
    CHEK_ASSERT(filter->registration_count == 1 && filter->time_max != 0);
    return row->registration == filter->registrations[0] && time >= filter->time_min &&
           time <= filter->time_max && (filter->with_replaced || !row->replaced);
}

int
chek_store_scan(const struct chek_store *store, const struct chek_scan_filter *filter,
                struct chek_arena *arena, chek_scan_fn on_row, void *context)
{
    for (size_t i = 0; i < store->row_count; i++) {
        const struct plain_row *row = &store->rows[i];
        size_t mark = chek_arena_mark(arena);
        struct chek_document document;
        struct chek_fault fault;
        if (row->row.registration != filter->registrations[0]) {
            continue;
        }
        int error =
            chek_document_decode_whole(store->bytes + row->at, row->size, arena, &document, &fault);
        if (error != CHEK_OK) {
            return error;
        }
        struct chek_scan_row shown = {.row = row->row, .time = document_time(&document)};
        if (document.receipt != NULL) {
            shown.document = document.receipt->document;
            shown.sign = document.receipt->sign;
            shown.autonomous = document.receipt->autonomous;
        } else if (document.movement != NULL) {
            shown.document = document.movement->document;
            shown.autonomous = document.movement->autonomous;
        } else {
            shown.document = document.close->document;
            shown.sign = document.close->sign;
        }
        chek_arena_rewind(arena, mark);
        if (is_wanted(filter, &row->row, shown.time) && !on_row(context, &shown)) {
            return CHEK_OK;
        }
    }
    return CHEK_OK;
}

/* Nothing is ever sealed here. */
struct chek_seal *
chek_store_seal_begin(struct chek_store *store)
{
    (void)store;
    return NULL;
}

void
chek_seal_run(void *seal)
{
    CHEK_ASSERT(seal == NULL);
}

void
chek_seal_adopt(struct chek_seal *seal)
{
    CHEK_ASSERT(seal == NULL);
}

/* Rows with their replaced marks, one after another. */
uint64_t
chek_store_history_hash(const struct chek_store *store)
{
    uint64_t hash = store->row_count;
    for (size_t i = 0; i < store->row_count; i++) {
        const struct plain_row *row = &store->rows[i];
        uint64_t head[] = {hash,
                           row->row.registration,
                           row->row.ordinal,
                           row->row.shift,
                           row->row.completes,
                           row->row.warnings,
                           row->row.binding,
                           row->row.replaced};
        hash = chek_checksum(head, sizeof head);
        hash = chek_checksum_seeded(store->bytes + row->at, row->size, hash);
        hash = chek_checksum_seeded(store->bytes + row->cell_at, row->cell_size, hash);
    }
    return hash;
}
