/* SPDX-License-Identifier: MIT */
/*
 * seal_encode.c - a full set of open rows becomes the bytes of a segment.
 *
 * Columns come sorted, page by page, from gathering.h; here they are encoded, and put behind a
 * head and directories. Everything may run on a worker.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/memory.h"
#include "engine/store/gathering.h"
#include "engine/store/segment.h"

/* Bytes that grow; once an allocation failed, nothing more is added. */
struct buffer {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
    bool failed;
};

struct encoding {
    struct store__gathering gathering;
    const struct store__set *set;
    struct buffer pages, directory, text;
    uint32_t column_count;
};

/* ---- buffers ---- */

static uint8_t *
buffer_reserve(struct buffer *buffer, size_t size)
{
    if (buffer->failed) {
        return NULL;
    }
    if (size > buffer->capacity - buffer->size) {
        size_t capacity =
            2 * buffer->capacity > buffer->size + size ? 2 * buffer->capacity : buffer->size + size;
        uint8_t *grown = chek_memory_grow(buffer->bytes, buffer->capacity, capacity);
        if (grown == NULL) {
            buffer->failed = true;
            return NULL;
        }
        buffer->bytes = grown;
        buffer->capacity = capacity;
    }
    return buffer->bytes + buffer->size;
}

static void
buffer_add(struct buffer *buffer, const void *bytes, size_t size)
{
    uint8_t *at = size != 0 ? buffer_reserve(buffer, size) : NULL;
    if (at != NULL) {
        memcpy(at, bytes, size);
        buffer->size += size;
    }
}

static void
buffer_finish(struct buffer *buffer)
{
    chek_memory_free(buffer->bytes, buffer->capacity);
}

/* ---- pages ---- */

static void
page_head_add(struct encoding *to, uint16_t id, uint32_t index, const struct store__page *page)
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
    buffer_add(&to->directory, bytes, sizeof bytes);
}

/* Replace places by sizes and put the strings behind each other. */
static void
strings_gather(struct encoding *to, uint32_t count)
{
    to->text.size = 0;
    for (uint32_t i = 0; i < count; i++) {
        struct chek_bytes_view text = store__set_text(to->set, (uint64_t)to->gathering.values[i]);
        to->gathering.values[i] = (int64_t)text.size;
        buffer_add(&to->text, text.bytes, text.size);
    }
}

static void
page_add(struct encoding *to, enum store__column column, uint32_t index)
{
    const struct store__column_info *info = &store__columns[column];
    uint32_t count = store__gathering_count(&to->gathering, info->table, index);
    struct store__page page = {.codec = STORE__CONSTANT};
    uint8_t *out = NULL;
    store__gathering_take(&to->gathering, column, index);
    if (info->kind == STORE__BYTES) {
        strings_gather(to, count);
        if (to->text.failed) {
            return;
        }
    }
    if (count != 0 && info->kind == STORE__BYTES) {
        out = buffer_reserve(&to->pages, store__strings_size_max(count, to->text.size));
        if (out != NULL) {
            store__strings_encode(to->gathering.values, count,
                                  chek_bytes_view_of(to->text.bytes, to->text.size), out, &page);
        }
    } else if (count != 0) {
        out = buffer_reserve(&to->pages, store__page_size_max(count));
        if (out != NULL) {
            store__page_encode(to->gathering.values, count, out, &page);
        }
    }
    if (out != NULL || count == 0) {
        page_head_add(to, info->id, index, &page);
        to->pages.size += page.size;
    }
}

static void
column_add(struct encoding *to, enum store__column column)
{
    const struct store__column_info *info = &store__columns[column];
    if (!store__gathering_has_column(&to->gathering, column)) {
        return;
    }
    uint8_t head[STORE__COLUMN_HEAD_SIZE] = {(uint8_t)info->id, (uint8_t)(info->id >> 8),
                                             info->need, info->kind};
    buffer_add(&to->directory, head, sizeof head);
    for (uint32_t page = 0; page < to->gathering.page_count; page++) {
        page_add(to, column, page);
    }
    to->column_count += 1;
}

/* ---- the whole ---- */

static void
runs_add(const struct encoding *to, struct buffer *out, uint32_t *run_count)
{
    const struct store__head *before = NULL;
    for (uint32_t i = 0; i < to->set->row_count; i++) {
        const struct store__head *head = &to->set->heads[to->gathering.rows[STORE__DOCUMENT][i]];
        if (before != NULL && head->registration == before->registration) {
            CHEK_ASSERT(head->ordinal == before->ordinal + 1);
        } else {
            uint32_t run[3] = {head->registration, head->ordinal, i};
            _Static_assert(sizeof run == STORE__RUN_SIZE, "three numbers");
            buffer_add(out, run, sizeof run);
            *run_count += 1;
        }
        before = head;
    }
}

/* The segment is as large as the writer's room. */
static void
head_add(const struct encoding *to, uint64_t first_row, uint32_t run_count, struct chek_writer *out)
{
    chek_writer_u64(out, STORE__SEGMENT_MAGIC);
    chek_writer_u16(out, STORE__SEGMENT_VERSION);
    chek_writer_u16(out, (uint16_t)to->column_count);
    chek_writer_u32(out, to->set->row_count);
    chek_writer_u32(out, to->set->child_count[STORE__LINE]);
    chek_writer_u32(out, to->gathering.page_row_count);
    chek_writer_u32(out, run_count);
    chek_writer_u32(out, 0);
    chek_writer_u64(out, first_row);
    chek_writer_u64(out, out->capacity);
    CHEK_ASSERT(!out->full && out->size == STORE__SEGMENT_HEAD_SIZE);
}

/* Put head, runs, directory, their sum and the pages into bytes of exactly that size. */
static int
segment_assemble(struct encoding *to, uint64_t first_row, uint8_t **ret, size_t *ret_size)
{
    struct buffer runs = {0};
    uint32_t run_count = 0;
    runs_add(to, &runs, &run_count);
    size_t sum_at = STORE__SEGMENT_HEAD_SIZE + runs.size + to->directory.size;
    size_t size = sum_at + 8 + to->pages.size;
    uint8_t *bytes = NULL;
    if (!runs.failed && !to->directory.failed && !to->pages.failed && !to->text.failed) {
        bytes = chek_memory_allocate(size + STORE__PAGE_SLACK);
    }
    if (bytes != NULL) {
        struct chek_writer out = chek_writer_over(bytes, size);
        head_add(to, first_row, run_count, &out);
        chek_writer_bytes(&out, runs.bytes, runs.size);
        chek_writer_bytes(&out, to->directory.bytes, to->directory.size);
        chek_writer_u64(&out, chek_checksum_seeded(bytes, sum_at, STORE__SEGMENT_MAGIC));
        chek_writer_bytes(&out, to->pages.bytes, to->pages.size);
        CHEK_ASSERT(!out.full && out.size == size);
        *ret = bytes;
        *ret_size = size;
    }
    buffer_finish(&runs);
    return bytes != NULL ? CHEK_OK : -ENOMEM;
}

int
store__segment_encode(const struct store__set *set, uint64_t first_row, uint8_t **ret,
                      size_t *ret_size)
{
    struct encoding to = {.set = set};
    int error = store__gathering_init(&to.gathering, set);
    if (error == CHEK_OK) {
        for (uint32_t column = 0; column < STORE__COLUMN_COUNT; column++) {
            column_add(&to, column);
        }
        error = segment_assemble(&to, first_row, ret, ret_size);
    }
    store__gathering_finish(&to.gathering);
    buffer_finish(&to.pages);
    buffer_finish(&to.directory);
    buffer_finish(&to.text);
    return error;
}
