/* SPDX-License-Identifier: MIT */
/*
 * seal_encode.c - a full set of open rows becomes the bytes of a segment.
 *
 * Pages are made one after the other, each with all of its columns (sealer.h); a segment has them
 * column by column, so they are put together at the end (segment_write.h), with the hour table
 * behind them. All of it runs on a worker.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/store/sealer.h"

struct encoding {
    struct store__sealer *sealer;
    struct chek_store *store;
    const struct store__set *set;
    uint32_t page_row_count, page_count;
};

/* ---- pages ---- */

static struct store__encoded *
encoded_of(const struct encoding *to, uint32_t column, uint32_t page)
{
    struct store__encoded *encoded = (void *)to->sealer->encoded.bytes;
    return &encoded[page * STORE__COLUMN_COUNT + column];
}

static void
column_encode(struct encoding *to, uint32_t column, uint32_t page)
{
    struct store__sealer *sealer = to->sealer;
    const struct store__column_info *info = &store__columns[column];
    uint32_t count = sealer->counts[info->table];
    struct store__encoded *encoded = encoded_of(to, column, page);
    *encoded = (struct store__encoded){.page = {.codec = STORE__CONSTANT, .value_count = count},
                                       .at = sealer->pages.size};
    if (count == 0 || !store__sealer_has(sealer->touched, column)) {
        return; /* zeroes, if the column is in the segment at all */
    }
    const int64_t *values = sealer->values[column];
    struct chek_bytes_view text = {sealer->strings[column].bytes, sealer->strings[column].size};
    bool of_bytes = info->kind == STORE__BYTES;
    uint8_t *out = store__sealer_reserve(sealer, &sealer->pages,
                                         of_bytes ? store__strings_size_max(count, text.size)
                                                  : store__page_size_max(count));
    if (out == NULL) {
        return;
    }
    if (of_bytes) {
        store__strings_encode(values, count, text, out, &encoded->page);
    } else {
        store__page_encode(values, count, out, &encoded->page);
    }
    sealer->pages.size += encoded->page.size;
}

/* A page of strings without any is no page of integers. */
static void
strings_complete(struct encoding *to, uint32_t column)
{
    struct store__sealer *sealer = to->sealer;
    for (uint32_t page = 0; page < to->page_count; page++) {
        struct store__encoded *encoded = encoded_of(to, column, page);
        uint32_t count = encoded->page.value_count;
        if (count == 0 || encoded->page.codec != STORE__CONSTANT) {
            continue;
        }
        uint8_t *out =
            store__sealer_reserve(sealer, &sealer->pages, store__strings_size_max(count, 0));
        if (out == NULL) {
            return;
        }
        /* All sizes are those that were not put. */
        store__strings_encode(sealer->values[column], count, (struct chek_bytes_view){0}, out,
                              &encoded->page);
        encoded->at = sealer->pages.size;
        sealer->pages.size += encoded->page.size;
    }
}

static void
pages_encode(struct encoding *to)
{
    struct store__sealer *sealer = to->sealer;
    size_t size = (size_t)to->page_count * STORE__COLUMN_COUNT * sizeof(struct store__encoded);
    sealer->pages.size = 0;
    memset(sealer->present, 0, sizeof sealer->present);
    if (store__sealer_reserve(sealer, &sealer->encoded, size) == NULL) {
        return;
    }
    for (uint32_t page = 0; page < to->page_count && sealer->error == CHEK_OK; page++) {
        uint32_t from = page * to->page_row_count;
        uint32_t left = to->set->row_count - from;
        store__sealer_page(sealer, to->store, to->set, from,
                           left < to->page_row_count ? left : to->page_row_count);
        for (uint32_t i = 0; i < STORE__COLUMN_COUNT && sealer->error == CHEK_OK; i++) {
            column_encode(to, i, page);
        }
        for (uint32_t table = 0; table < STORE__TABLE_COUNT; table++) {
            sealer->present[table] |= sealer->touched[table];
        }
        store__sealer_page_clear(sealer);
    }
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT && sealer->error == CHEK_OK; i++) {
        if (store__sealer_has(sealer->present, i)) {
            if (store__columns[i].kind == STORE__BYTES) {
                strings_complete(to, i);
            }
        }
    }
}

/* ---- the whole ---- */

/* Pages were made one after the other; here they come column by column. */
static void
columns_write(const struct encoding *to)
{
    struct store__segment_writer *writer = &to->sealer->writer;
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        const struct store__column_info *info = &store__columns[i];
        if (!store__sealer_has(to->sealer->present, i)) {
            continue;
        }
        store__segment_write_column(writer, info->id, info->need, info->kind);
        writer->column_count += 1;
        for (uint32_t page = 0; page < to->page_count; page++) {
            struct store__encoded *encoded = encoded_of(to, i, page);
            encoded->page.bytes = to->sealer->pages.bytes + encoded->at;
            store__segment_write_page(writer, info->id, page, &encoded->page);
        }
    }
}

static int
segment_write(const struct encoding *to, uint64_t first_row, uint8_t **ret, size_t *ret_size)
{
    struct store__segment_writer *writer = &to->sealer->writer;
    int error = store__hours_end(&to->sealer->hours);
    if (error != CHEK_OK) {
        return error;
    }
    columns_write(to);
    store__hours_write(writer, &to->sealer->hours, to->page_row_count);
    store__markings_sort(&to->sealer->markings);
    store__markings_write(writer, &to->sealer->markings, to->page_row_count);
    struct store__segment_shape shape = {
        .first_row = first_row,
        .row_count = to->set->row_count,
        .line_count = to->set->line_count,
        .page_row_count = to->page_row_count,
        .set_count = 1,
        .hour_count = to->sealer->hours.count,
        .marking_count = to->sealer->markings.count,
    };
    return store__segment_assemble(writer, &shape, &to->store->pool.shared->space, ret, ret_size);
}

int
store__segment_encode(struct store__sealer *sealer, struct chek_store *store,
                      const struct store__set *set, uint64_t first_row, uint8_t **ret,
                      size_t *ret_size)
{
    struct encoding to = {.sealer = sealer,
                          .store = store,
                          .set = set,
                          .page_row_count = store__page_row_count(set->row_count)};
    to.page_count = (set->row_count - 1) / to.page_row_count + 1;
    sealer->error = CHEK_OK;
    sealer->markings.count = 0;
    sealer->before = NULL;
    store__segment_writer_reset(&sealer->writer);
    store__sealer_order(sealer, set);
    int error = store__hours_begin(&sealer->hours, set->row_count);
    if (error != CHEK_OK) {
        store__sealer_fail(sealer, error);
    }
    if (sealer->error == CHEK_OK) {
        pages_encode(&to);
    }
    return sealer->error == CHEK_OK ? segment_write(&to, first_row, ret, ret_size) : sealer->error;
}
