/* SPDX-License-Identifier: MIT */
/*
 * seal_encode.c - a full set of open rows becomes the bytes of a segment.
 *
 * Columns come sorted, page by page, from gathering.h, and go encoded into segment_write.h; the
 * hour table comes behind them. Everything may run on a worker.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/store/gathering.h"
#include "engine/store/hour_table.h"
#include "engine/store/segment_write.h"

struct encoding {
    struct store__gathering gathering;
    const struct store__set *set;
    struct store__segment_writer writer;
    struct store__buffer text;
};

/* ---- pages ---- */

/* Replace places by sizes and put the strings behind each other. */
static void
strings_gather(struct encoding *to, uint32_t count)
{
    to->text.size = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_bytes_view text = store__set_text(to->set, (uint64_t)to->gathering.values[i]);
        to->gathering.values[i] = (int64_t)text.size;
        store__buffer_add(&to->text, text.bytes, text.size);
    }
}

static void
page_add(struct encoding *to, enum store__column column, uint32_t index)
{
    const struct store__column_info *info = &store__columns[column];
    uint32_t count = store__gathering_count(&to->gathering, info->table, index);
    store__gathering_take(&to->gathering, column, index);
    if (info->kind == STORE__BYTES) {
        strings_gather(to, count);
        store__segment_write_strings(&to->writer, info->id, index, to->gathering.values, count,
                                     chek_bytes_view_of(to->text.bytes, to->text.size));
    } else {
        store__segment_write_integers(&to->writer, info->id, index, to->gathering.values, count);
    }
}

static void
column_add(struct encoding *to, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    bool needed = store__is_predicted(column) && to->set->child_count[info->table] != 0;
    if (!needed && !store__gathering_has_column(&to->gathering, column)) {
        return;
    }
    store__segment_write_column(&to->writer, info->id, info->need, info->kind);
    for (uint32_t page = 0; page < to->gathering.page_count && !to->text.failed; page++) {
        page_add(to, column, page);
    }
    to->writer.column_count += 1;
}

/* ---- the whole ---- */

static void
runs_add(struct encoding *to)
{
    const struct store__head *before = NULL;
    for (uint32_t i = 0; i < to->set->row_count; i++) {
        const struct store__head *head = &to->set->heads[to->gathering.rows[STORE__DOCUMENT][i]];
        if (before != NULL && head->registration == before->registration) {
            CHEK_ASSERT(head->ordinal == before->ordinal + 1);
        } else {
            store__segment_write_run(&to->writer, head->registration, head->ordinal, i);
        }
        before = head;
    }
}

static int
encoding_run(struct encoding *to, uint64_t first_row, uint8_t **ret, size_t *ret_size)
{
    struct store__hours hours;
    int error = store__hours_of_set(&to->gathering, &hours);
    if (error == CHEK_OK) {
        runs_add(to);
        for (uint32_t column = 0; column < STORE__COLUMN_COUNT; column++) {
            column_add(to, column);
        }
        store__hours_write(&to->writer, &hours, to->gathering.page_row_count);
        struct store__segment_shape shape = {
            .first_row = first_row,
            .row_count = to->set->row_count,
            .line_count = to->set->child_count[STORE__LINE],
            .page_row_count = to->gathering.page_row_count,
            .set_count = 1,
            .hour_count = hours.count,
        };
        error =
            to->text.failed ? -ENOMEM : store__segment_assemble(&to->writer, &shape, ret, ret_size);
    }
    store__hours_finish(&hours);
    return error;
}

int
store__segment_encode(const struct store__set *set, uint64_t first_row, uint8_t **ret,
                      size_t *ret_size)
{
    struct encoding to = {.set = set};
    int error = store__gathering_init(&to.gathering, set);
    if (error == CHEK_OK) {
        error = encoding_run(&to, first_row, ret, ret_size);
    }
    store__gathering_finish(&to.gathering);
    store__segment_writer_finish(&to.writer);
    store__buffer_finish(&to.text);
    return error;
}
