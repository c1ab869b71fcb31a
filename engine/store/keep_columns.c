/* SPDX-License-Identifier: MIT */
/*
 * keep_columns.c - what stays of a segment whose documents were removed.
 *
 * Rows stay where they are, so that counting them goes on; of a document only the columns stay that
 * say which one it was. Closes stay whole: they have the totals of shifts. They have no children, so
 * all other tables end here.
 */
#include "engine/store/keep_columns.h"

#include <errno.h>

#include "engine/base/workspace.h"
#include "engine/store/hour_table.h"
#include "engine/store/segment_write.h"

/* Flags of a document that was removed. */
#define FLAGS_KEPT \
    (STORE__FLAG_KIND | STORE__FLAG_LATE | STORE__FLAG_SHIFT_ASSIGNED | STORE__FLAG_OFFLINE)

struct keeping {
    const struct chek_segment *segment;
    struct store__segment_writer writer;
    struct store__buffer text; /* strings of a page that stay */
    uint8_t *plain;            /* of a compressed page */
    int64_t values[CHEK_CHUNK_RECEIPT_COUNT];
    bool is_close[CHEK_CHUNK_RECEIPT_COUNT]; /* of the page at work */
};

/* Whether a column says which document it is, and not what is in it. */
static bool
names_document(uint32_t column)
{
    switch (column) {
    case STORE__DOCUMENT_SHIFT:
    case STORE__DOCUMENT_COMPLETES:
    case STORE__DOCUMENT_WARNINGS:
    case STORE__DOCUMENT_BINDING:
    case STORE__DOCUMENT_FLAGS:
    case STORE__DOCUMENT_TIME:
    case STORE__DOCUMENT_NUMBER:
    case STORE__DOCUMENT_SIGN:
    case STORE__DOCUMENT_AUTONOMOUS:
        return true;
    default:
        return false;
    }
}

static uint32_t
page_row_count(const struct keeping *to, uint32_t page)
{
    uint32_t left = to->segment->row_count - page * to->segment->page_row_count;
    return left < to->segment->page_row_count ? left : to->segment->page_row_count;
}

static void
closes_find(struct keeping *to, uint32_t page)
{
    const struct store__page *flags = store__segment_page(to->segment, STORE__DOCUMENT_FLAGS, page);
    uint32_t count = page_row_count(to, page);
    memset(to->is_close, 0, sizeof to->is_close);
    if (flags != NULL) {
        store__page_decode(flags, 0, count, to->values);
    }
    for (uint32_t i = 0; flags != NULL && i < count; i++) {
        to->is_close[i] = (to->values[i] & STORE__FLAG_KIND) == CHEK_ROW_CLOSE;
    }
}

static void
integers_add(struct keeping *to, uint32_t column, uint32_t page, const struct store__page *from)
{
    uint32_t count = page_row_count(to, page);
    store__page_decode(from, 0, count, to->values);
    for (uint32_t i = 0; i < count; i++) {
        if (column == STORE__DOCUMENT_FLAGS && !to->is_close[i]) {
            to->values[i] &= FLAGS_KEPT;
        } else if (!names_document(column) && !to->is_close[i]) {
            to->values[i] = 0;
        }
    }
    store__segment_write_integers(&to->writer, store__columns[column].id, page, to->values, count);
}

static int
strings_add(struct keeping *to, uint32_t column, uint32_t page, const struct store__page *from)
{
    struct store__strings strings;
    struct chek_arena arena;
    uint32_t count = page_row_count(to, page);
    int error = store__strings_open(from, &strings);
    if (error != CHEK_OK) {
        return error;
    }
    store__page_decode(&strings.sizes, 0, count, to->values);
    chek_arena_init_over(&arena, to->plain, STORE__ZSTD_SIZE_MAX);
    to->text.size = 0;
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        struct chek_bytes_view text = {0};
        if (!to->is_close[i]) {
            to->values[i] = 0;
        } else if (to->values[i] != 0) {
            error = store__strings_read(&strings, i, &arena, &text);
        }
        if (error == CHEK_OK) {
            store__buffer_add(&to->text, text.bytes, text.size);
        }
    }
    if (error == CHEK_OK && to->text.failed) {
        error = -ENOMEM;
    }
    if (error == CHEK_OK) {
        store__segment_write_strings(&to->writer, store__columns[column].id, page, to->values,
                                     count, chek_bytes_view_of(to->text.bytes, to->text.size));
    }
    return error;
}

static int
columns_add(struct keeping *to)
{
    const struct chek_segment *segment = to->segment;
    int error = CHEK_OK;
    for (uint32_t column = store__table_begin[STORE__DOCUMENT];
         column < store__table_begin[STORE__DOCUMENT + 1] && error == CHEK_OK; column++) {
        const struct store__column_info *info = &store__columns[column];
        if (segment->columns[column] == 0) {
            continue;
        }
        store__segment_write_column(&to->writer, info->id, info->need, info->kind);
        to->writer.column_count += 1;
        for (uint32_t page = 0; page < segment->page_count && error == CHEK_OK; page++) {
            const struct store__page *from = store__segment_page(segment, column, page);
            closes_find(to, page);
            if (info->kind == STORE__BYTES) {
                error = strings_add(to, column, page, from);
            } else {
                integers_add(to, column, page, from);
            }
        }
    }
    return error;
}

static int
keeping_run(struct keeping *to, struct store__hours *hours, uint8_t **ret, size_t *ret_size)
{
    const struct chek_segment *segment = to->segment;
    /* Nobody else counts in what this store says was looked at. */
    struct chek_store_effort effort = {0};
    struct chek_store alone = {.effort = &effort};
    int error = store__hours_prove(&alone, segment);
    if (error == CHEK_OK) {
        error = store__hours_of_rows(&alone, segment, false, hours);
    }
    for (uint32_t i = 0; i < segment->run_count; i++) {
        struct store__run run = store__segment_run(segment, i);
        store__segment_write_run(&to->writer, run.registration, run.ordinal, run.row);
    }
    if (error == CHEK_OK) {
        error = columns_add(to);
    }
    if (error == CHEK_OK) {
        struct store__segment_shape shape = {
            .first_row = segment->first_row,
            .row_count = segment->row_count,
            .page_row_count = segment->page_row_count,
            .set_count = segment->set_count,
            .hour_count = hours->count,
            .is_kept = true,
        };
        store__hours_write(&to->writer, hours, shape.page_row_count);
        error = store__segment_assemble(&to->writer, &shape, segment->space, ret, ret_size);
    }
    return error;
}

int
store__segment_keep(const struct chek_segment *segment, uint8_t **ret, size_t *ret_size)
{
    struct store__hours hours = {0};
    struct keeping *to = chek_workspace_take(sizeof *to);
    if (to == NULL) {
        return -ENOMEM;
    }
    to->segment = segment;
    to->plain = chek_workspace_take(STORE__ZSTD_SIZE_MAX);
    int error = to->plain != NULL ? keeping_run(to, &hours, ret, ret_size) : -ENOMEM;
    store__hours_finish(&hours);
    store__segment_writer_finish(&to->writer);
    store__buffer_finish(&to->text);
    chek_workspace_give(to->plain, STORE__ZSTD_SIZE_MAX);
    chek_workspace_give(to, sizeof *to);
    return error;
}
