/* SPDX-License-Identifier: MIT */
/*
 * segment.c - opening a segment and finding rows in it.
 *
 * Bytes of a segment come from a disk, so nothing is believed: the sum of the directories first,
 * then that all they say fits into the bytes there are. Groups are segment_check.c's.
 */
#include "engine/store/segment.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/store/hour_table.h"

/* Of a document. */
#define MARKING_COUNT_MAX (CHEK_LINE_COUNT_MAX * STORE__MARKING_COUNT_MAX)

_Static_assert((uint64_t)STORE__SEGMENT_ROW_COUNT_MAX *MARKING_COUNT_MAX <= UINT32_MAX,
               "entries of a marking table");

struct head {
    uint16_t column_count;
    uint32_t row_count, line_count, page_row_count, page_count, run_count, set_count;
    uint32_t hour_count, hour_page_count;
    uint32_t marking_count, marking_page_count;
    uint64_t first_row;
    uint64_t size;
    uint64_t directories_end; /* where the sum stands */
    bool is_kept;
};

/* ---- opening ---- */

/* All columns of a table behind the rows are there, unless it has no pages. */
static size_t
table_directory_size(uint32_t column_count, uint32_t page_count)
{
    size_t column_size = STORE__COLUMN_HEAD_SIZE + (size_t)page_count * STORE__PAGE_HEAD_SIZE;
    return page_count != 0 ? column_count * column_size : 0;
}

static uint32_t
table_page_count(uint32_t count, uint32_t page_row_count)
{
    return (uint32_t)(((uint64_t)count + page_row_count - 1) / page_row_count);
}

/* Read the counts of a head. */
static int
head_read(struct chek_bytes_view bytes, struct head *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    struct head head;
    uint64_t magic = chek_cursor_u64(&in);
    uint16_t version = chek_cursor_u16(&in);
    if (in.error != CHEK_OK || magic != STORE__SEGMENT_MAGIC) {
        return CHEK_E_CORRUPT;
    }
    if (version != STORE__SEGMENT_VERSION) {
        return CHEK_E_VERSION;
    }
    head.column_count = chek_cursor_u16(&in);
    head.row_count = chek_cursor_u32(&in);
    head.line_count = chek_cursor_u32(&in);
    head.page_row_count = chek_cursor_u32(&in);
    head.run_count = chek_cursor_u32(&in);
    head.set_count = chek_cursor_u32(&in);
    head.first_row = chek_cursor_u64(&in);
    head.size = chek_cursor_u64(&in);
    head.hour_count = chek_cursor_u32(&in);
    head.marking_count = chek_cursor_u32(&in);
    head.is_kept = head.marking_count == STORE__SEGMENT_KEPT;
    if (head.is_kept) {
        head.marking_count = 0;
    }
    if (in.error != CHEK_OK || head.column_count == 0 || head.row_count == 0 ||
        head.row_count > STORE__SEGMENT_ROW_COUNT_MAX || head.page_row_count == 0 ||
        head.page_row_count > CHEK_CHUNK_RECEIPT_COUNT || head.run_count == 0 ||
        head.run_count > head.row_count || head.set_count == 0 || head.set_count > head.row_count ||
        head.hour_count > head.row_count || (head.marking_count != 0 && head.hour_count == 0) ||
        head.marking_count > (uint64_t)head.row_count * MARKING_COUNT_MAX) {
        return CHEK_E_CORRUPT;
    }
    head.page_count = (head.row_count - 1) / head.page_row_count + 1;
    head.hour_page_count = table_page_count(head.hour_count, head.page_row_count);
    head.marking_page_count = table_page_count(head.marking_count, head.page_row_count);
    uint64_t column_size =
        STORE__COLUMN_HEAD_SIZE + (uint64_t)head.page_count * STORE__PAGE_HEAD_SIZE;
    head.directories_end =
        STORE__SEGMENT_HEAD_SIZE + (size_t)head.run_count * STORE__RUN_SIZE +
        head.column_count * column_size +
        table_directory_size(STORE__HOUR_COLUMN_COUNT, head.hour_page_count) +
        table_directory_size(STORE__MARKING_TABLE_COLUMN_COUNT, head.marking_page_count);
    if (head.directories_end > head.size || head.size - head.directories_end < 8) {
        return CHEK_E_CORRUPT;
    }
    *ret = head;
    return CHEK_OK;
}

int
chek_segment_front(struct chek_bytes_view bytes, uint64_t *ret_front_size, uint64_t *ret_size)
{
    struct head head;
    int error = head_read(bytes, &head);
    if (error == CHEK_OK) {
        *ret_front_size = head.directories_end + 8;
        *ret_size = head.size;
    }
    return error;
}

/* Read the head of a segment whose front is there, and check the front's sum. */
static int
front_read(const uint8_t *bytes, size_t size, struct head *ret)
{
    int error = head_read(chek_bytes_view_of(bytes, size), ret);
    if (error != CHEK_OK) {
        return error;
    }
    return ret->size == size && chek_load_u64(bytes + ret->directories_end) ==
                                    chek_checksum_seeded(bytes, (size_t)ret->directories_end,
                                                         STORE__SEGMENT_MAGIC)
               ? CHEK_OK
               : CHEK_E_CORRUPT;
}

static bool
runs_are_valid(const struct chek_segment *segment)
{
    struct store__run before = {0};
    for (uint32_t i = 0; i < segment->run_count; i++) {
        struct store__run run = store__segment_run(segment, i);
        bool follows = i == 0 ? run.row == 0
                              : run.row == before.row_end && run.registration > before.registration;
        if (!follows || run.row_end <= run.row || run.row_end > segment->row_count ||
            run.ordinal > UINT32_MAX - (run.row_end - run.row - 1)) {
            return false;
        }
        before = run;
    }
    return true;
}

static int
column_find(uint16_t id, uint8_t kind, uint8_t need, uint32_t *ret)
{
    for (uint32_t i = 0; i < STORE__COLUMN_COUNT; i++) {
        if (store__columns[i].id == id) {
            bool equal = store__columns[i].kind == kind && store__columns[i].need == need;
            *ret = i;
            return equal ? CHEK_OK : CHEK_E_CORRUPT;
        }
    }
    *ret = STORE__COLUMN_COUNT;
    return need == STORE__OPTIONAL ? CHEK_OK : CHEK_E_VERSION;
}

/* Read a page's head; where its bytes are is known when all heads were read. */
static int
page_read(struct chek_cursor *in, struct store__page *ret)
{
    ret->codec = chek_cursor_u8(in);
    ret->width = chek_cursor_u8(in);
    uint16_t reserved = chek_cursor_u16(in);
    ret->value_count = chek_cursor_u32(in);
    ret->size = chek_cursor_u64(in);
    ret->min = (int64_t)chek_cursor_u64(in);
    ret->max = (int64_t)chek_cursor_u64(in);
    ret->sum = chek_cursor_u64(in);
    return in->error == CHEK_OK && reserved == 0 ? CHEK_OK : CHEK_E_CORRUPT;
}

static int
columns_read(struct chek_segment *segment, struct chek_cursor *in)
{
    uint32_t id_before = 0;
    for (uint32_t i = 0; i < segment->column_count; i++) {
        uint16_t id = chek_cursor_u16(in);
        uint8_t need = chek_cursor_u8(in);
        uint8_t kind = chek_cursor_u8(in);
        uint32_t column;
        int error = id > id_before ? column_find(id, kind, need, &column) : CHEK_E_CORRUPT;
        for (uint32_t page = 0; page < segment->page_count && error == CHEK_OK; page++) {
            error = page_read(in, &segment->pages[(size_t)i * segment->page_count + page]);
        }
        if (error != CHEK_OK) {
            return error;
        }
        if (column != STORE__COLUMN_COUNT) {
            segment->columns[column] = (uint16_t)(i + 1);
        }
        id_before = id;
    }
    return CHEK_OK;
}

/* Read the heads of a table behind the rows; without pages it has no columns either. */
static int
table_read(const uint16_t *ids, uint32_t column_count, uint32_t page_count, struct store__page *at,
           struct chek_cursor *in)
{
    for (uint32_t i = 0; i < column_count && page_count != 0; i++) {
        uint16_t id = chek_cursor_u16(in);
        uint8_t need = chek_cursor_u8(in);
        uint8_t kind = chek_cursor_u8(in);
        if (id != ids[i] || need != STORE__REQUIRED || kind != STORE__INTEGER) {
            return CHEK_E_CORRUPT;
        }
        for (uint32_t page = 0; page < page_count; page++, at++) {
            int error = page_read(in, at);
            if (error != CHEK_OK) {
                return error;
            }
        }
    }
    return CHEK_OK;
}

static int
tables_read(struct chek_segment *segment, struct store__page *hour_pages, struct chek_cursor *in)
{
    uint32_t hour_count = STORE__HOUR_COLUMN_COUNT * segment->hour_page_count;
    int error = table_read(store__hour_column_ids, STORE__HOUR_COLUMN_COUNT,
                           segment->hour_page_count, hour_pages, in);
    for (uint32_t i = 0; error == CHEK_OK && i < hour_count; i++) {
        segment->hour_size += hour_pages[i].size + STORE__PAGE_HEAD_SIZE;
    }
    if (error == CHEK_OK) {
        error = table_read(store__marking_column_ids, STORE__MARKING_TABLE_COLUMN_COUNT,
                           segment->marking_page_count, hour_pages + hour_count, in);
    }
    return error;
}

/* ---- groups ---- */

/* The next bytes are a page's. */
static void
page_place(struct chek_cursor *bytes, struct store__page *page)
{
    page->bytes = chek_cursor_take(bytes, page->size);
}

static void
group_end(const struct chek_segment *segment, struct chek_cursor *bytes, size_t from,
          struct store__group *group)
{
    chek_cursor_take(bytes, STORE__PAGE_SLACK);
    group->offset = from;
    group->size = segment->size - chek_cursor_left(bytes) - from;
}

/* Find where the bytes of every page are. */
static int
groups_place(struct chek_segment *segment, struct store__page *hour_pages, size_t front_size)
{
    uint32_t hour_count = STORE__HOUR_COLUMN_COUNT * segment->hour_page_count;
    struct chek_cursor bytes = chek_cursor_over(segment->bytes, segment->size);
    chek_cursor_take(&bytes, front_size);
    for (uint32_t i = 0; i < segment->page_count; i++) {
        size_t from = segment->size - chek_cursor_left(&bytes);
        for (uint32_t column = 0; column < segment->column_count; column++) {
            page_place(&bytes, &segment->pages[(size_t)column * segment->page_count + i]);
        }
        group_end(segment, &bytes, from, &segment->groups[i]);
    }
    if (segment->hour_count != 0) {
        size_t from = segment->size - chek_cursor_left(&bytes);
        for (uint32_t i = 0; i < hour_count; i++) {
            page_place(&bytes, &hour_pages[i]);
        }
        group_end(segment, &bytes, from, &segment->groups[store__segment_hour_group(segment)]);
    }
    for (uint32_t i = 0; i < segment->marking_page_count; i++) {
        size_t from = segment->size - chek_cursor_left(&bytes);
        for (uint32_t column = 0; column < STORE__MARKING_TABLE_COLUMN_COUNT; column++) {
            page_place(&bytes, &hour_pages[hour_count + column * segment->marking_page_count + i]);
        }
        group_end(segment, &bytes, from,
                  &segment->groups[store__segment_marking_group(segment, i)]);
    }
    return bytes.error == CHEK_OK && chek_cursor_left(&bytes) == 0 ? CHEK_OK : CHEK_E_CORRUPT;
}

/* ---- opening ---- */

/* Lines of all pages, as their heads say; groups are checked to have so many. */
static uint64_t
lines_count(const struct chek_segment *segment)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < segment->page_count; i++) {
        const struct store__page *page = store__segment_page(segment, STORE__LINE_SUM, i);
        count += page != NULL ? page->value_count : 0;
    }
    return count;
}

static int
segment_read(struct chek_segment *segment, const struct head *head, bool is_cold)
{
    size_t front_size = (size_t)head->directories_end + 8;
    struct chek_cursor in = chek_cursor_over(segment->bytes, (size_t)head->directories_end);
    struct store__page *hour_pages =
        segment->pages + (size_t)segment->column_count * segment->page_count;
    chek_cursor_take(&in, STORE__SEGMENT_HEAD_SIZE);
    segment->runs = chek_cursor_take(&in, (size_t)head->run_count * STORE__RUN_SIZE);
    segment->directory = segment->bytes + (head->directories_end - chek_cursor_left(&in));
    segment->hour_pages = hour_pages;
    segment->marking_pages = hour_pages + STORE__HOUR_COLUMN_COUNT * segment->hour_page_count;
    if (in.error != CHEK_OK || !runs_are_valid(segment)) {
        return CHEK_E_CORRUPT;
    }
    int error = columns_read(segment, &in);
    if (error == CHEK_OK) {
        error = tables_read(segment, hour_pages, &in);
    }
    if (error == CHEK_OK) {
        error = groups_place(segment, hour_pages, front_size);
    }
    if (error == CHEK_OK && lines_count(segment) != segment->line_count) {
        error = CHEK_E_CORRUPT;
    }
    return error == CHEK_OK && !is_cold ? store__segment_check(segment) : error;
}

/* ---- memory ---- */

static size_t
replaced_size(const struct chek_segment *segment)
{
    return ((size_t)segment->row_count + 63) / 64 * sizeof(uint64_t);
}

/* The segment, and behind it what follows from its head: pages, groups, bits. */
static int
spine_make(struct store__space *space, const struct head *head, struct chek_segment **ret)
{
    struct chek_segment segment = {
        .space = space,
        .size = (size_t)head->size,
        .first_row = head->first_row,
        .row_count = head->row_count,
        .line_count = head->line_count,
        .page_row_count = head->page_row_count,
        .page_count = head->page_count,
        .column_count = head->column_count,
        .run_count = head->run_count,
        .set_count = head->set_count,
        .is_kept = head->is_kept,
        .hour_count = head->hour_count,
        .hour_page_count = head->hour_page_count,
        .marking_count = head->marking_count,
        .marking_page_count = head->marking_page_count,
        .group_count =
            head->page_count + (head->hour_count != 0 ? 1u : 0u) + head->marking_page_count,
    };
    size_t pages_size = ((size_t)head->column_count * head->page_count +
                         STORE__HOUR_COLUMN_COUNT * (size_t)head->hour_page_count +
                         STORE__MARKING_TABLE_COLUMN_COUNT * (size_t)head->marking_page_count) *
                        sizeof(struct store__page);
    size_t groups_size = segment.group_count * sizeof(struct store__group);
    segment.spine_size = sizeof segment + pages_size + groups_size + replaced_size(&segment);
    uint8_t *at = chek_extents_take(&space->extents, segment.spine_size);
    if (at == NULL) {
        return -ENOMEM;
    }
    segment.pages = (void *)(at + sizeof segment);
    segment.groups = (void *)(at + sizeof segment + pages_size);
    segment.replaced = (void *)(at + sizeof segment + pages_size + groups_size);
    *ret = (void *)at;
    **ret = segment;
    return CHEK_OK;
}

_Static_assert(sizeof(struct chek_segment) % 8 == 0 && sizeof(struct store__page) % 8 == 0 &&
                   sizeof(struct store__group) % 8 == 0,
               "what stands one behind the other is aligned");

int
store__segment_open(struct store__space *space, uint8_t *bytes, size_t size, bool is_cold,
                    struct chek_segment **ret)
{
    struct head head;
    struct chek_segment *segment;
    int error = front_read(bytes, size, &head);
    if (error == CHEK_OK) {
        error = spine_make(space, &head, &segment);
    }
    if (error != CHEK_OK) {
        return error;
    }
    segment->bytes = bytes;
    segment->sum = chek_load_u64(bytes + head.directories_end);
    error = segment_read(segment, &head, is_cold);
    if (error != CHEK_OK) {
        chek_extents_give(&space->extents, (void *)segment, segment->spine_size);
        return error;
    }
    for (uint32_t i = 0; i < segment->group_count; i++) {
        atomic_store_explicit(&segment->groups[i].state,
                              is_cold ? STORE__GROUP_COLD : STORE__GROUP_READY,
                              memory_order_relaxed);
    }
    store__groups_begin(segment);
    *ret = segment;
    return CHEK_OK;
}

int
store__segment_load(struct store__space *space, struct chek_bytes_view bytes,
                    struct chek_segment **ret)
{
    uint64_t front_size;
    uint64_t size;
    int error = chek_segment_front(bytes, &front_size, &size);
    if (error != CHEK_OK) {
        return error;
    }
    bool is_cold = space->reader.read != NULL && bytes.size == front_size && size > front_size;
    if (!is_cold && bytes.size != size) {
        return CHEK_E_CORRUPT;
    }
    uint8_t *copy = chek_extents_take(&space->extents, (size_t)size);
    if (copy == NULL) {
        return -ENOMEM;
    }
    memcpy(copy, bytes.bytes, bytes.size);
    error = store__segment_open(space, copy, (size_t)size, is_cold, ret);
    if (error != CHEK_OK) {
        chek_extents_give(&space->extents, copy, (size_t)size);
    }
    return error;
}

void
store__segment_destroy(struct chek_segment *segment)
{
    if (segment == NULL) {
        return;
    }
    struct store__space *space = segment->space;
    store__groups_end(segment);
    chek_extents_give(&space->extents, segment->bytes, segment->size);
    chek_extents_give(&space->extents, (void *)segment, segment->spine_size);
}

int
store__segment_hold(const struct chek_segment *segment)
{
    for (uint32_t i = 0; i < segment->group_count; i++) {
        int error = store__group_hold(segment, i, NULL);
        if (error != CHEK_OK) {
            for (; i > 0; i--) {
                store__group_release(segment, i - 1);
            }
            return error;
        }
    }
    return CHEK_OK;
}

void
store__segment_release(const struct chek_segment *segment)
{
    for (uint32_t i = 0; i < segment->group_count; i++) {
        store__group_release(segment, i);
    }
}

uint64_t
store__segment_memory_size(const struct chek_segment *segment)
{
    return segment->size + segment->spine_size;
}
