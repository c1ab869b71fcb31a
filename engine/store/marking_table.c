/* SPDX-License-Identifier: MIT */
/*
 * marking_table.c - tables of marking codes are made and checked.
 *
 * Entries are whole numbers in their order, hash first, so that a table does not depend on how it was
 * sorted, nor on whether it was made of rows or of other tables.
 */
#include "engine/store/marking_table.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/workspace.h"
#include "engine/store/merge_order.h"

#define HASH_SEED UINT64_C(0x474e494b52414d00) /* "\0MARKING" */
#define COUNT_FIRST 256

#define STORE__X(NAME, id) [STORE__MARKING_TABLE_##NAME] = (id),
const uint16_t store__marking_column_ids[STORE__MARKING_TABLE_COLUMN_COUNT] = {
    STORE__MARKING_TABLE_COLUMNS(STORE__X)};
#undef STORE__X

uint32_t
store__marking_hash(struct chek_bytes_view code)
{
    return (uint32_t)chek_checksum_seeded(code.bytes, code.size, HASH_SEED);
}

/* ---- making ---- */

void
store__markings_finish(struct store__markings *markings)
{
    chek_workspace_give(markings->entries, markings->capacity * sizeof *markings->entries);
    chek_workspace_give(markings->sorting, markings->capacity * sizeof *markings->sorting);
}

/* What entries are sorted with is as large as they are. */
static int
markings_grow(struct store__markings *markings, uint32_t capacity)
{
    if (capacity <= markings->capacity) {
        return CHEK_OK;
    }
    uint64_t *sorting = chek_workspace_take(capacity * sizeof *sorting);
    uint64_t *entries = sorting != NULL ? chek_workspace_grow(markings->entries,
                                                              markings->capacity * sizeof *entries,
                                                              capacity * sizeof *entries)
                                        : NULL;
    if (entries == NULL) {
        chek_workspace_give(sorting, capacity * sizeof *sorting);
        return -ENOMEM;
    }
    chek_workspace_give(markings->sorting, markings->capacity * sizeof *sorting);
    markings->entries = entries;
    markings->sorting = sorting;
    markings->capacity = capacity;
    return CHEK_OK;
}

int
store__markings_add(struct store__markings *markings, struct chek_bytes_view code, uint32_t row)
{
    if (markings->count == markings->capacity) {
        int error = markings_grow(markings, 2 * markings->capacity + COUNT_FIRST);
        if (error != CHEK_OK) {
            return error;
        }
    }
    markings->entries[markings->count++] = (uint64_t)store__marking_hash(code) << 32 | row;
    return CHEK_OK;
}

/* Sort by one byte, keeping the order of equal ones. */
static void
sort_by_byte(const uint64_t *from, uint64_t *to, uint32_t count, uint32_t shift)
{
    uint32_t ends[256] = {0};
    for (uint32_t i = 0; i < count; i++) {
        ends[from[i] >> shift & 0xff] += 1;
    }
    uint32_t sum = 0;
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t of_byte = ends[i];
        ends[i] = sum;
        sum += of_byte;
    }
    for (uint32_t i = 0; i < count; i++) {
        to[ends[from[i] >> shift & 0xff]++] = from[i];
    }
}

void
store__markings_sort(struct store__markings *markings)
{
    uint64_t differing = 0;
    for (uint32_t i = 1; i < markings->count; i++) {
        differing |= markings->entries[i] ^ markings->entries[0];
    }
    for (uint32_t shift = 0; shift < 64; shift += 8) {
        if ((differing >> shift & 0xff) != 0) { /* else all have the same byte */
            uint64_t *sorted = markings->sorting;
            sort_by_byte(markings->entries, sorted, markings->count, shift);
            markings->sorting = markings->entries;
            markings->entries = sorted;
        }
    }
}

/* ---- of tables ---- */

/* Add the entries of a source, with the rows that its rows will be. */
static void
source_add(const struct store__merge_source *source, struct store__markings *to)
{
    const struct chek_segment *segment = source->segment;
    for (uint32_t at = 0; at < segment->marking_count;) {
        uint64_t entries[STORE__MARKING_BATCH_COUNT];
        uint32_t page = at / segment->page_row_count;
        uint32_t from = at % segment->page_row_count;
        uint32_t left = segment->marking_count - at;
        uint32_t of_page = segment->page_row_count - from;
        uint32_t count = left < of_page ? left : of_page;
        count = count < CHEK_COUNT(entries) ? count : CHEK_COUNT(entries);
        store__markings_read(segment, page, from, count, entries);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = (uint32_t)entries[i];
            uint32_t index = store__segment_run_of(segment, row);
            uint32_t in_run = row - store__segment_run(segment, index).row;
            to->entries[to->count++] =
                (entries[i] >> 32) << 32 | (source->to[STORE__DOCUMENT][index] + in_run);
        }
        at += count;
    }
}

int
store__markings_of_segments(const struct store__merge_order *order, struct store__markings *ret)
{
    uint64_t count = 0;
    *ret = (struct store__markings){0};
    for (uint32_t i = 0; i < order->source_count; i++) {
        count += order->sources[i].segment->marking_count;
    }
    if (count == 0) {
        return CHEK_OK;
    }
    CHEK_ASSERT(count <= UINT32_MAX); /* of rows that a segment may have */
    int error = markings_grow(ret, (uint32_t)count);
    for (uint32_t i = 0; i < order->source_count && error == CHEK_OK; i++) {
        source_add(&order->sources[i], ret);
    }
    store__markings_sort(ret);
    return error;
}

/* ---- columns ---- */

void
store__markings_write(struct store__segment_writer *writer, const struct store__markings *markings,
                      uint32_t page_row_count)
{
    int64_t values[CHEK_CHUNK_RECEIPT_COUNT];
    for (uint32_t column = 0; markings->count != 0 && column < STORE__MARKING_TABLE_COLUMN_COUNT;
         column++) {
        uint16_t id = store__marking_column_ids[column];
        store__segment_write_column(writer, id, STORE__REQUIRED, STORE__INTEGER);
        for (uint32_t at = 0; at < markings->count; at += page_row_count) {
            uint32_t left = markings->count - at;
            uint32_t count = left < page_row_count ? left : page_row_count;
            for (uint32_t i = 0; i < count; i++) {
                uint64_t entry = markings->entries[at + i];
                values[i] = column == STORE__MARKING_TABLE_HASH ? (int64_t)(entry >> 32)
                                                                : (int64_t)(uint32_t)entry;
            }
            store__segment_write_integers(writer, id, at / page_row_count, values, count);
        }
    }
}

/* ---- reading ---- */

void
store__markings_read(const struct chek_segment *segment, uint32_t page, uint32_t from,
                     uint32_t count, uint64_t *ret)
{
    int64_t hashes[STORE__MARKING_BATCH_COUNT];
    int64_t rows[STORE__MARKING_BATCH_COUNT];
    CHEK_ASSERT(count <= STORE__MARKING_BATCH_COUNT);
    store__page_decode(store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page), from,
                       count, hashes);
    store__page_decode(store__segment_marking_page(segment, STORE__MARKING_TABLE_ROW, page), from,
                       count, rows);
    for (uint32_t i = 0; i < count; i++) {
        ret[i] = (uint64_t)hashes[i] << 32 | (uint32_t)rows[i];
    }
}

/* Whether values are what entries can be, and rise behind *before. */
static bool
batch_is_valid(const struct chek_segment *segment, const int64_t *hashes, const int64_t *rows,
               uint32_t count, uint64_t *before)
{
    for (uint32_t i = 0; i < count; i++) {
        if (hashes[i] < 0 || hashes[i] > UINT32_MAX || rows[i] < 0 ||
            rows[i] >= segment->row_count) {
            return false;
        }
        uint64_t entry = (uint64_t)hashes[i] << 32 | (uint32_t)rows[i];
        if (entry < *before) {
            return false;
        }
        *before = entry;
    }
    return true;
}

int
store__markings_check(const struct chek_segment *segment, uint32_t page)
{
    const struct store__page *hash =
        store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page);
    const struct store__page *row =
        store__segment_marking_page(segment, STORE__MARKING_TABLE_ROW, page);
    uint32_t left = segment->marking_count - page * segment->page_row_count;
    uint32_t count = left < segment->page_row_count ? left : segment->page_row_count;
    uint64_t before = 0;
    if (hash->value_count != count || row->value_count != count ||
        store__page_check(hash) != CHEK_OK || store__page_check(row) != CHEK_OK) {
        return CHEK_E_CORRUPT;
    }
    for (uint32_t from = 0; from < count; from += STORE__MARKING_BATCH_COUNT) {
        int64_t hashes[STORE__MARKING_BATCH_COUNT];
        int64_t rows[STORE__MARKING_BATCH_COUNT];
        uint32_t batch =
            count - from < STORE__MARKING_BATCH_COUNT ? count - from : STORE__MARKING_BATCH_COUNT;
        store__page_decode(hash, from, batch, hashes);
        store__page_decode(row, from, batch, rows);
        if (!batch_is_valid(segment, hashes, rows, batch, &before)) {
            return CHEK_E_CORRUPT;
        }
    }
    /* A search goes by the heads of pages: they must not hide an entry. */
    bool told =
        store__page_value(hash, 0) == hash->min && store__page_value(hash, count - 1) == hash->max;
    bool rises =
        page == 0 ||
        store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page - 1)->max <= hash->min;
    return told && rises ? CHEK_OK : CHEK_E_CORRUPT;
}
