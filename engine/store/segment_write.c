/* SPDX-License-Identifier: MIT */
/*
 * segment_write.c - pages and their directory grow side by side, as the directory's size is known
 * only at the end and stands in front.
 */
#include "engine/store/segment_write.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/workspace.h"

/* ---- buffers ---- */

#define BUFFER_SIZE_MIN 65536

uint8_t *
store__buffer_reserve(struct store__buffer *buffer, size_t size)
{
    if (buffer->failed) {
        return NULL;
    }
    if (size > buffer->capacity - buffer->size || buffer->bytes == NULL) {
        size_t capacity =
            2 * buffer->capacity > buffer->size + size ? 2 * buffer->capacity : buffer->size + size;
        capacity = capacity > BUFFER_SIZE_MIN ? capacity : BUFFER_SIZE_MIN;
        uint8_t *grown = chek_workspace_grow(buffer->bytes, buffer->capacity, capacity);
        if (grown == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

void
store__buffer_add(struct store__buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *at = size != 0 ? store__buffer_reserve(buffer, size) : NULL;
    if (at != NULL) {
        memcpy(at, bytes, size);
        buffer->size += size;
    }
}

void
store__buffer_finish(struct store__buffer *buffer)
{
    chek_workspace_give(buffer->bytes, buffer->capacity);
}

void
store__segment_writer_finish(struct store__segment_writer *writer)
{
    store__buffer_finish(&writer->pages);
    store__buffer_finish(&writer->directory);
    store__buffer_finish(&writer->runs);
}

void
store__segment_writer_reset(struct store__segment_writer *writer)
{
    struct store__buffer *buffers[] = {&writer->pages, &writer->directory, &writer->runs};
    for (uint32_t i = 0; i < CHEK_COUNT(buffers); i++) {
        buffers[i]->size = 0;
        buffers[i]->failed = false;
    }
    writer->column_count = 0;
    writer->run_count = 0;
}

/* ---- columns and pages ---- */

void
store__segment_write_run(struct store__segment_writer *writer, uint32_t registration,
                         uint32_t ordinal, uint32_t row)
{
    uint32_t run[3] = {registration, ordinal, row};
    _Static_assert(sizeof run == STORE__RUN_SIZE, "three numbers");
    store__buffer_add(&writer->runs, run, sizeof run);
    writer->run_count += 1;
}

void
store__segment_write_column(struct store__segment_writer *writer, uint16_t id, uint8_t need,
                            uint8_t kind)
{
    uint8_t head[STORE__COLUMN_HEAD_SIZE] = {(uint8_t)id, (uint8_t)(id >> 8), need, kind};
    store__buffer_add(&writer->directory, head, sizeof head);
}

/* A page whose bytes, if any, are those behind the last ones. */
static void
page_add(struct store__segment_writer *writer, uint16_t id, uint32_t index,
         const struct store__page *page)
{
    uint8_t bytes[STORE__PAGE_HEAD_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_writer_u8(&out, page->codec);
    chek_writer_u8(&out, page->width);
    chek_writer_u16(&out, 0);
    chek_writer_u32(&out, page->value_count);
    chek_writer_u64(&out, page->size);
    chek_writer_u64(&out, (uint64_t)page->min);
    chek_writer_u64(&out, (uint64_t)page->max);
    chek_writer_u64(&out, store__page_sum(page->bytes, page->size, id, index));
    CHEK_ASSERT(!out.full && out.size == sizeof bytes);
    store__buffer_add(&writer->directory, bytes, sizeof bytes);
    writer->pages.size += page->size;
}

void
store__segment_write_page(struct store__segment_writer *writer, uint16_t id, uint32_t index,
                          const struct store__page *page)
{
    if (page->size != 0) {
        uint8_t *at = store__buffer_reserve(&writer->pages, page->size);
        if (at == NULL) {
            return;
        }
        memcpy(at, page->bytes, page->size);
    }
    page_add(writer, id, index, page);
}

void
store__segment_write_constant(struct store__segment_writer *writer, uint16_t id, uint32_t index,
                              int64_t value, uint32_t count)
{
    struct store__page page = {
        .codec = STORE__CONSTANT, .value_count = count, .min = value, .max = value};
    page_add(writer, id, index, &page);
}

void
store__segment_write_integers(struct store__segment_writer *writer, uint16_t id, uint32_t index,
                              const int64_t *values, uint32_t count)
{
    struct store__page page;
    if (count == 0) {
        store__segment_write_constant(writer, id, index, 0, 0);
        return;
    }
    uint8_t *out = store__buffer_reserve(&writer->pages, store__page_size_max(count));
    if (out != NULL) {
        store__page_encode(values, count, out, &page);
        page_add(writer, id, index, &page);
    }
}

void
store__segment_write_strings(struct store__segment_writer *writer, uint16_t id, uint32_t index,
                             const int64_t *sizes, uint32_t count, struct chek_bytes_view bytes)
{
    struct store__page page;
    if (count == 0) {
        store__segment_write_constant(writer, id, index, 0, 0);
        return;
    }
    uint8_t *out =
        store__buffer_reserve(&writer->pages, store__strings_size_max(count, bytes.size));
    if (out != NULL) {
        store__strings_encode(sizes, count, bytes, out, &page);
        page_add(writer, id, index, &page);
    }
}

/* ---- the whole ---- */

/* The segment is as large as the writer's room. */
static void
head_add(const struct store__segment_writer *writer, const struct store__segment_shape *shape,
         struct chek_writer *out)
{
    chek_writer_u64(out, STORE__SEGMENT_MAGIC);
    chek_writer_u16(out, STORE__SEGMENT_VERSION);
    chek_writer_u16(out, (uint16_t)writer->column_count);
    chek_writer_u32(out, shape->row_count);
    chek_writer_u32(out, shape->line_count);
    chek_writer_u32(out, shape->page_row_count);
    chek_writer_u32(out, writer->run_count);
    chek_writer_u32(out, shape->set_count);
    chek_writer_u64(out, shape->first_row);
    chek_writer_u64(out, out->capacity);
    chek_writer_u32(out, shape->hour_count);
    chek_writer_u32(out, shape->is_kept ? STORE__SEGMENT_KEPT : shape->marking_count);
    CHEK_ASSERT(!out->full && out->size == STORE__SEGMENT_HEAD_SIZE);
}

/* Where the pages of a column are: in the directory, and their bytes in the writer. */
struct column_at {
    size_t heads, bytes;
};

/* A column of rows whose next page is at hand. */
static size_t
page_size_at(const struct store__segment_writer *writer, size_t head)
{
    return (size_t)chek_load_u64(writer->directory.bytes + head + 8);
}

/* Find where columns of so many pages begin that stand at `at`; what follows is in *at then. */
static void
columns_find(const struct store__segment_writer *writer, uint32_t column_count, uint32_t page_count,
             struct column_at *at, struct column_at *ret)
{
    for (uint32_t i = 0; i < column_count; i++) {
        at->heads += STORE__COLUMN_HEAD_SIZE;
        ret[i] = *at;
        for (uint32_t page = 0; page < page_count; page++) {
            at->bytes += page_size_at(writer, at->heads);
            at->heads += STORE__PAGE_HEAD_SIZE;
        }
    }
}

/* Columns were written one behind the other; a group has the pages of all of them. */
static void
groups_add(const struct store__segment_writer *writer, uint32_t column_count, uint32_t page_count,
           struct column_at *at, struct chek_writer *out)
{
    struct column_at columns[STORE__COLUMN_COUNT];
    columns_find(writer, column_count, page_count, at, columns);
    for (uint32_t page = 0; page < page_count; page++) {
        for (uint32_t i = 0; i < column_count; i++) {
            size_t size = page_size_at(writer, columns[i].heads);
            chek_writer_bytes(out, writer->pages.bytes + columns[i].bytes, size);
            columns[i].bytes += size;
            columns[i].heads += STORE__PAGE_HEAD_SIZE;
        }
        chek_writer_u64(out, 0);
    }
}

/* The hour table is one group, so its columns stay one behind the other. */
static void
hours_add(const struct store__segment_writer *writer, uint32_t page_count, struct column_at *at,
          struct chek_writer *out)
{
    struct column_at columns[STORE__HOUR_COLUMN_COUNT];
    size_t begin = at->bytes;
    columns_find(writer, STORE__HOUR_COLUMN_COUNT, page_count, at, columns);
    chek_writer_bytes(out, writer->pages.bytes + begin, at->bytes - begin);
    chek_writer_u64(out, 0);
}

static uint32_t
table_page_count(uint32_t count, uint32_t page_row_count)
{
    return (uint32_t)(((uint64_t)count + page_row_count - 1) / page_row_count);
}

_Static_assert(STORE__PAGE_SLACK == sizeof(uint64_t), "what ends a group");

int
store__segment_assemble(struct store__segment_writer *writer,
                        const struct store__segment_shape *shape, struct store__space *space,
                        uint8_t **ret, size_t *ret_size)
{
    uint32_t page_count = (shape->row_count - 1) / shape->page_row_count + 1;
    uint32_t hour_page_count = table_page_count(shape->hour_count, shape->page_row_count);
    uint32_t marking_page_count = table_page_count(shape->marking_count, shape->page_row_count);
    size_t group_count =
        (size_t)page_count + (shape->hour_count != 0 ? 1u : 0u) + marking_page_count;
    struct column_at at = {0};
    size_t sum_at = STORE__SEGMENT_HEAD_SIZE + writer->runs.size + writer->directory.size;
    size_t size = sum_at + 8 + writer->pages.size + group_count * STORE__PAGE_SLACK;
    CHEK_ASSERT(writer->column_count <= STORE__COLUMN_COUNT);
    if (writer->runs.failed || writer->directory.failed || writer->pages.failed) {
        return -ENOMEM;
    }
    uint8_t *bytes = chek_extents_take(&space->extents, size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    struct chek_writer out = chek_writer_over(bytes, size);
    head_add(writer, shape, &out);
    chek_writer_bytes(&out, writer->runs.bytes, writer->runs.size);
    chek_writer_bytes(&out, writer->directory.bytes, writer->directory.size);
    chek_writer_u64(&out, chek_checksum_seeded(bytes, sum_at, STORE__SEGMENT_MAGIC));
    groups_add(writer, writer->column_count, page_count, &at, &out);
    if (hour_page_count != 0) {
        hours_add(writer, hour_page_count, &at, &out);
    }
    if (marking_page_count != 0) {
        groups_add(writer, STORE__MARKING_TABLE_COLUMN_COUNT, marking_page_count, &at, &out);
    }
    CHEK_ASSERT(at.bytes == writer->pages.size && at.heads == writer->directory.size);
    CHEK_ASSERT(!out.full && out.size == size);
    *ret = bytes;
    *ret_size = size;
    return CHEK_OK;
}
