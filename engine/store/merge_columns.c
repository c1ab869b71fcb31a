/* SPDX-License-Identifier: MIT */
/*
 * merge_columns.c - columns of segments become columns of one, without a look at a document.
 *
 * Values are stored less their prediction, which depends on the document alone, and texts as codes
 * of the partition: so a value is copied as it is. Most columns of most segments hold one value,
 * and those are not even decoded.
 */
#include "engine/store/merge_columns.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"
#include "engine/store/hour_table.h"
#include "engine/store/marking_table.h"
#include "engine/store/merge_order.h"

struct merging {
    struct store__merge_order order;
    struct store__segment_writer writer;
    struct store__buffer text; /* strings of all sources */
    struct store__buffer page; /* those of a page, as they will stand */
    int64_t *places;           /* in `text`, of each string as it will stand */
    uint8_t *plain;            /* of a compressed page */
};

/* ---- integers ---- */

static void
integers_add(struct merging *to, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    struct store__merge_order *order = &to->order;
    int64_t value = 0;
    bool constant = store__merge_constant(order->sources, order->source_count, column, &value);
    if (!constant) {
        store__merge_gather(order, column);
    }
    for (uint32_t page = 0; page < order->page_count; page++) {
        uint32_t count = store__merge_page_count(order, info->table, page);
        if (constant) {
            store__segment_write_constant(&to->writer, info->id, page, count != 0 ? value : 0,
                                          count);
        } else {
            const int64_t *values = order->values + order->page_begin[info->table][page];
            store__segment_write_integers(&to->writer, info->id, page, values, count);
        }
    }
}

/* ---- strings ---- */

/* Put the strings of a page behind those in `text`, and their sizes into `sizes`. */
static int
strings_decode(struct merging *to, const struct store__page *page, int64_t *sizes)
{
    struct store__strings strings;
    struct chek_bytes_view first = {0};
    struct chek_arena arena;
    int error = store__strings_open(page, &strings);
    if (error != CHEK_OK) {
        return error;
    }
    store__page_decode(&strings.sizes, 0, page->value_count, sizes);
    chek_arena_init_over(&arena, to->plain, STORE__ZSTD_SIZE_MAX);
    for (uint32_t i = 0; i < page->value_count && strings.plain == NULL && error == CHEK_OK; i++) {
        error = store__strings_read(&strings, i, &arena, &first); /* the first one opens them all */
    }
    if (error == CHEK_OK) {
        store__buffer_add(&to->text, strings.plain, (size_t)strings.size);
        error = to->text.failed ? -ENOMEM : CHEK_OK;
    }
    return error;
}

/* Find the sizes and places of all strings of a column of a source, in the source's order. */
static int
source_strings(struct merging *to, const struct store__merge_source *source,
               enum store__column column)
{
    const struct chek_segment *segment = source->segment;
    uint32_t table = store__columns[column].table;
    int64_t *sizes = to->order.scratch;
    if (segment->columns[column] == 0) {
        memset(sizes, 0, source->begin[table][segment->run_count] * sizeof *sizes);
        return CHEK_OK;
    }
    for (uint32_t i = 0; i < segment->page_count; i++) {
        const struct store__page *page = store__segment_page(segment, column, i);
        int error = page->value_count != 0 ? strings_decode(to, page, sizes) : CHEK_OK;
        if (error != CHEK_OK) {
            return error;
        }
        sizes += page->value_count;
    }
    return CHEK_OK;
}

/* Put the strings of a page into the order in which they will stand. */
static struct chek_bytes_view
page_strings(struct merging *to, uint32_t from, uint32_t count)
{
    to->page.size = 0;
    for (uint32_t i = from; i < from + count; i++) {
        if (to->order.values[i] != 0) { /* else there may be no text at all */
            store__buffer_add(&to->page, to->text.bytes + to->places[i],
                              (size_t)to->order.values[i]);
        }
    }
    return chek_bytes_view_of(to->page.bytes, to->page.size);
}

static int
strings_gather(struct merging *to, enum store__column column)
{
    uint32_t table = store__columns[column].table;
    int64_t at = 0;
    to->text.size = 0;
    for (uint32_t i = 0; i < to->order.source_count; i++) {
        const struct store__merge_source *source = &to->order.sources[i];
        int64_t *values = to->order.scratch;
        int error = source_strings(to, source, column);
        if (error != CHEK_OK) {
            return error;
        }
        store__merge_place(source, table, values, to->order.values);
        for (uint32_t k = 0; k < source->begin[table][source->segment->run_count]; k++) {
            int64_t size = values[k];
            values[k] = at;
            at += size;
        }
        store__merge_place(source, table, values, to->places);
    }
    return CHEK_OK;
}

static int
strings_add(struct merging *to, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    if (to->places == NULL) {
        to->places = chek_workspace_take(to->order.value_count_max * sizeof(int64_t));
        to->plain = chek_workspace_take(STORE__ZSTD_SIZE_MAX);
        if (to->places == NULL || to->plain == NULL) {
            return -ENOMEM;
        }
    }
    int error = strings_gather(to, column);
    for (uint32_t page = 0; page < to->order.page_count && error == CHEK_OK; page++) {
        uint32_t from = to->order.page_begin[info->table][page];
        uint32_t count = store__merge_page_count(&to->order, info->table, page);
        struct chek_bytes_view bytes = page_strings(to, from, count);
        error = to->page.failed ? -ENOMEM : CHEK_OK;
        if (error == CHEK_OK) {
            store__segment_write_strings(&to->writer, info->id, page, to->order.values + from,
                                         count, bytes);
        }
    }
    return error;
}

/* ---- the whole ---- */

static bool
has_column(const struct store__merge_order *order, enum store__column column)
{
    for (uint32_t i = 0; i < order->source_count; i++) {
        if (order->sources[i].segment->columns[column] != 0) {
            return true;
        }
    }
    return false;
}

static int
columns_add(struct merging *to)
{
    int error = CHEK_OK;
    for (uint32_t column = 0; column < STORE__COLUMN_COUNT && error == CHEK_OK; column++) {
        const struct store__column_info *info = &store__columns[column];
        if (!has_column(&to->order, column)) {
            continue;
        }
        store__segment_write_column(&to->writer, info->id, info->need, info->kind);
        to->writer.column_count += 1;
        if (info->kind == STORE__BYTES) {
            error = strings_add(to, column);
        } else {
            integers_add(to, column);
        }
    }
    return error;
}

static int
merging_run(struct merging *to, struct chek_segment *const *segments, uint32_t count, uint8_t **ret,
            size_t *ret_size)
{
    struct store__hours hours;
    struct store__markings markings;
    int error = store__hours_of_segments(segments, count, &hours);
    int markings_error = store__markings_of_segments(&to->order, &markings);
    error = error == CHEK_OK ? markings_error : error;
    if (error == CHEK_OK) {
        error = columns_add(to);
    }
    if (error == CHEK_OK) {
        struct store__segment_shape shape = {
            .first_row = segments[0]->first_row,
            .row_count = to->order.row_count[STORE__DOCUMENT],
            .line_count = to->order.row_count[STORE__LINE],
            .page_row_count = to->order.page_row_count,
            .hour_count = hours.count,
            .marking_count = markings.count,
        };
        for (uint32_t i = 0; i < count; i++) {
            shape.set_count += segments[i]->set_count;
        }
        store__hours_write(&to->writer, &hours, shape.page_row_count);
        store__markings_write(&to->writer, &markings, shape.page_row_count);
        error = store__segment_assemble(&to->writer, &shape, segments[0]->space, ret, ret_size);
    }
    store__hours_finish(&hours);
    store__markings_finish(&markings);
    return error;
}

int
store__segments_merge(struct chek_segment *const *segments, uint32_t count, uint8_t **ret,
                      size_t *ret_size)
{
    struct merging to = {0};
    int error = store__merge_order_init(&to.order, segments, count, &to.writer);
    size_t size = 0;
    for (uint32_t i = 0; i < count; i++) {
        size += segments[i]->size; /* what pages come to, nearly: they grow once, if at all */
    }
    if (error == CHEK_OK && store__buffer_reserve(&to.writer.pages, size) == NULL) {
        error = -ENOMEM;
    }
    if (error == CHEK_OK) {
        error = merging_run(&to, segments, count, ret, ret_size);
    }
    chek_workspace_give(to.places, to.order.value_count_max * sizeof(int64_t));
    chek_workspace_give(to.plain, STORE__ZSTD_SIZE_MAX);
    store__merge_order_finish(&to.order);
    store__segment_writer_finish(&to.writer);
    store__buffer_finish(&to.text);
    store__buffer_finish(&to.page);
    return error;
}
