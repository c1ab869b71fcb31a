/* SPDX-License-Identifier: MIT */
/*
 * segment.c - opening a segment and finding rows in it.
 *
 * Bytes of a segment come from a disk, so nothing is believed: sums first, then every count that
 * reading uses as an offset is added up from the values themselves.
 */
#include "engine/store/segment.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/store/hour_table.h"

struct head {
    uint16_t column_count;
    uint32_t row_count, line_count, page_row_count, page_count, run_count, set_count;
    uint32_t hour_count, hour_page_count;
    uint64_t first_row;
    size_t directories_end; /* where the sum stands */
};

uint64_t
store__page_sum(const uint8_t *bytes, size_t size, uint16_t column_id, uint32_t page)
{
    return chek_checksum_seeded(bytes, size, (uint64_t)column_id << 32 | page);
}

/* ---- opening ---- */

/* All columns of the hour table are there, unless it has no cells. */
static size_t
hours_directory_size(const struct head *head)
{
    size_t column_size =
        STORE__COLUMN_HEAD_SIZE + (size_t)head->hour_page_count * STORE__PAGE_HEAD_SIZE;
    return head->hour_count != 0 ? STORE__HOUR_COLUMN_COUNT * column_size : 0;
}

static int
head_read(const uint8_t *bytes, size_t size, struct head *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes, size);
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
    uint64_t size_said = chek_cursor_u64(&in);
    head.hour_count = chek_cursor_u32(&in);
    uint32_t reserved = chek_cursor_u32(&in);
    if (in.error != CHEK_OK || size_said != size || reserved != 0 || head.row_count == 0 ||
        head.row_count > STORE__SEGMENT_ROW_COUNT_MAX || head.page_row_count == 0 ||
        head.page_row_count > CHEK_CHUNK_RECEIPT_COUNT || head.run_count == 0 ||
        head.run_count > head.row_count || head.set_count == 0 || head.set_count > head.row_count ||
        head.hour_count > head.row_count) {
        return CHEK_E_CORRUPT;
    }
    head.page_count = (head.row_count - 1) / head.page_row_count + 1;
    head.hour_page_count = (head.hour_count + head.page_row_count - 1) / head.page_row_count;
    uint64_t column_size =
        STORE__COLUMN_HEAD_SIZE + (uint64_t)head.page_count * STORE__PAGE_HEAD_SIZE;
    head.directories_end = STORE__SEGMENT_HEAD_SIZE + (size_t)head.run_count * STORE__RUN_SIZE +
                           head.column_count * column_size + hours_directory_size(&head);
    if (head.directories_end > size || size - head.directories_end < 8 ||
        chek_load_u64(bytes + head.directories_end) !=
            chek_checksum_seeded(bytes, head.directories_end, STORE__SEGMENT_MAGIC)) {
        return CHEK_E_CORRUPT;
    }
    *ret = head;
    return CHEK_OK;
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

/* Read a page's head; its bytes are the next of `pages`. */
static int
page_read(struct chek_cursor *in, struct chek_cursor *pages, uint16_t column_id, uint32_t index,
          struct store__page *ret)
{
    ret->codec = chek_cursor_u8(in);
    ret->width = chek_cursor_u8(in);
    uint16_t reserved = chek_cursor_u16(in);
    ret->value_count = chek_cursor_u32(in);
    ret->size = chek_cursor_u64(in);
    ret->min = (int64_t)chek_cursor_u64(in);
    ret->max = (int64_t)chek_cursor_u64(in);
    ret->sum = chek_cursor_u64(in);
    ret->bytes = chek_cursor_take(pages, ret->size);
    if (in->error != CHEK_OK || pages->error != CHEK_OK || reserved != 0 ||
        store__page_sum(ret->bytes, ret->size, column_id, index) != ret->sum) {
        return CHEK_E_CORRUPT;
    }
    return CHEK_OK;
}

static int
columns_read(struct chek_segment *segment, struct chek_cursor *in, struct chek_cursor *pages,
             uint32_t column_count)
{
    uint32_t known_count = 0;
    uint32_t id_before = 0;
    for (uint32_t i = 0; i < column_count; i++) {
        uint16_t id = chek_cursor_u16(in);
        uint8_t need = chek_cursor_u8(in);
        uint8_t kind = chek_cursor_u8(in);
        uint32_t column;
        int error = id > id_before ? column_find(id, kind, need, &column) : CHEK_E_CORRUPT;
        for (uint32_t page = 0; page < segment->page_count && error == CHEK_OK; page++) {
            struct store__page *at = &segment->pages[known_count * segment->page_count + page];
            error = page_read(in, pages, id, page, at);
        }
        if (error != CHEK_OK) {
            return error;
        }
        if (column != STORE__COLUMN_COUNT) {
            known_count += 1;
            segment->columns[column] = (uint16_t)known_count;
        }
        id_before = id;
    }
    return CHEK_OK;
}

static int
hours_read(struct chek_segment *segment, struct store__page *at, struct chek_cursor *in,
           struct chek_cursor *pages)
{
    uint32_t column_count = segment->hour_count != 0 ? STORE__HOUR_COLUMN_COUNT : 0;
    for (uint32_t i = 0; i < column_count; i++) {
        uint16_t id = chek_cursor_u16(in);
        uint8_t need = chek_cursor_u8(in);
        uint8_t kind = chek_cursor_u8(in);
        if (id != store__hour_column_ids[i] || need != STORE__REQUIRED || kind != STORE__INTEGER) {
            return CHEK_E_CORRUPT;
        }
        for (uint32_t page = 0; page < segment->hour_page_count; page++, at++) {
            int error = page_read(in, pages, id, page, at);
            if (error != CHEK_OK) {
                return error;
            }
            segment->hour_size += at->size + STORE__PAGE_HEAD_SIZE;
        }
    }
    return chek_cursor_left(pages) == 0 ? CHEK_OK : CHEK_E_CORRUPT;
}

/* ---- what the values say ---- */

/* Add up a column of a page whose values are 0..max; -1 when one is not. */
static int64_t
counts_sum(const struct store__page *page, int64_t max)
{
    int64_t values[256];
    int64_t sum = 0;
    for (uint32_t at = 0; page != NULL && at < page->value_count;) {
        uint32_t count = page->value_count - at < 256 ? page->value_count - at : 256;
        store__page_decode(page, at, count, values);
        for (uint32_t i = 0; i < count; i++) {
            if (values[i] < 0 || values[i] > max) {
                return -1;
            }
            sum += values[i];
        }
        at += count;
    }
    return sum;
}

/* Count modifiers and parents; false when a row is of no kind. */
static bool
flags_count(const struct store__page *page, int64_t *counts)
{
    int64_t values[256];
    for (uint32_t at = 0; page != NULL && at < page->value_count;) {
        uint32_t count = page->value_count - at < 256 ? page->value_count - at : 256;
        store__page_decode(page, at, count, values);
        for (uint32_t i = 0; i < count; i++) {
            if (values[i] < 0 || values[i] > UINT16_MAX ||
                (values[i] & STORE__FLAG_KIND) > CHEK_ROW_CLOSE) {
                return false;
            }
            counts[STORE__MODIFIER] += (values[i] & STORE__FLAG_DISCOUNT) != 0;
            counts[STORE__MODIFIER] += (values[i] & STORE__FLAG_MARKUP) != 0;
            counts[STORE__PARENT] += (values[i] & STORE__FLAG_PARENT) != 0;
        }
        at += count;
    }
    return true;
}

/* Every page of a table holds as many values as the table has rows there, and can be read. One
 * without values is CONSTANT, of strings too. */
static int
pages_check(const struct chek_segment *segment, uint32_t table, uint32_t index, int64_t count)
{
    for (uint32_t i = store__table_begin[table]; i < store__table_begin[table + 1]; i++) {
        const struct store__page *page = store__segment_page(segment, i, index);
        struct store__strings strings;
        if (page == NULL && store__is_predicted(i) && count != 0) {
            return CHEK_E_CORRUPT;
        }
        if (page == NULL) {
            continue;
        }
        int error = page->value_count == count ? CHEK_OK : CHEK_E_CORRUPT;
        if (error == CHEK_OK) {
            bool of_strings = store__columns[i].kind == STORE__BYTES && count != 0;
            error = of_strings ? store__strings_open(page, &strings) : store__page_check(page);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

/* A table is checked when all that count its rows were: the order is that of their dependence. */
static int
page_check(const struct chek_segment *segment, uint32_t index, uint64_t *line_count)
{
    uint32_t rows_before = index * segment->page_row_count;
    uint32_t rows_left = segment->row_count - rows_before;
    int64_t counts[STORE__TABLE_COUNT] = {0};
    counts[STORE__DOCUMENT] =
        rows_left < segment->page_row_count ? rows_left : segment->page_row_count;
    int error = pages_check(segment, STORE__DOCUMENT, index, counts[STORE__DOCUMENT]);
    if (error != CHEK_OK) {
        return error;
    }
#define PAGE(column) store__segment_page(segment, STORE__##column, index)
    if (!flags_count(PAGE(DOCUMENT_FLAGS), counts)) {
        return CHEK_E_CORRUPT;
    }
    counts[STORE__LINE] = counts_sum(PAGE(DOCUMENT_LINE_COUNT), CHEK_LINE_COUNT_MAX);
    counts[STORE__PAYMENT] = counts_sum(PAGE(DOCUMENT_PAYMENT_COUNT), CHEK_PAYMENT_COUNT_MAX);
    static const uint8_t tables[] = {STORE__LINE, STORE__PAYMENT, STORE__MODIFIER, STORE__PARENT};
    for (uint32_t i = 0; i < CHEK_COUNT(tables); i++) {
        error = counts[tables[i]] >= 0 ? pages_check(segment, tables[i], index, counts[tables[i]])
                                       : CHEK_E_CORRUPT;
        if (error != CHEK_OK) {
            return error;
        }
    }
    int64_t of_tickets = counts_sum(PAGE(DOCUMENT_TAX_COUNT), CHEK_TAX_COUNT_MAX);
    int64_t of_modifiers = counts_sum(PAGE(MODIFIER_TAX_COUNT), CHEK_TAX_COUNT_MAX);
    int64_t of_lines = counts_sum(PAGE(LINE_TAX_COUNT), CHEK_TAX_COUNT_MAX);
    counts[STORE__MARKING] = counts_sum(PAGE(LINE_MARKING_COUNT), STORE__MARKING_COUNT_MAX);
    if (of_tickets < 0 || of_modifiers < 0 || of_lines < 0 || counts[STORE__MARKING] < 0) {
        return CHEK_E_CORRUPT;
    }
    counts[STORE__TAX] = of_tickets + of_modifiers + of_lines;
    *line_count += (uint64_t)counts[STORE__LINE];
    error = pages_check(segment, STORE__TAX, index, counts[STORE__TAX]);
    if (error == CHEK_OK) {
        error = pages_check(segment, STORE__MARKING, index, counts[STORE__MARKING]);
    }
    if (error == CHEK_OK && counts_sum(PAGE(PAYMENT_KIND), CHEK_PAYMENT_KIND_COUNT - 1) < 0) {
        error = CHEK_E_CORRUPT;
    }
#undef PAGE
    return error;
}

static int
segment_read(struct chek_segment *segment, const struct head *head)
{
    const uint8_t *bytes = segment->bytes;
    size_t runs_size = (size_t)head->run_count * STORE__RUN_SIZE;
    struct chek_cursor in = chek_cursor_over(bytes, head->directories_end);
    struct chek_cursor pages = chek_cursor_over(bytes, segment->size);
    chek_cursor_take(&in, STORE__SEGMENT_HEAD_SIZE);
    chek_cursor_take(&pages, head->directories_end + 8);
    segment->runs = chek_cursor_take(&in, runs_size);
    if (in.error != CHEK_OK || pages.error != CHEK_OK || !runs_are_valid(segment)) {
        return CHEK_E_CORRUPT;
    }
    int error = columns_read(segment, &in, &pages, head->column_count);
    if (error == CHEK_OK) {
        struct store__page *hour_pages =
            segment->pages + (size_t)(head->column_count + 1u) * head->page_count;
        segment->hour_pages = hour_pages;
        error = hours_read(segment, hour_pages, &in, &pages);
    }
    uint64_t line_count = 0;
    for (uint32_t i = 0; i < segment->page_count && error == CHEK_OK; i++) {
        error = page_check(segment, i, &line_count);
    }
    if (error == CHEK_OK && line_count != segment->line_count) {
        error = CHEK_E_CORRUPT;
    }
    return error == CHEK_OK ? store__hours_check(segment) : error;
}

static size_t
replaced_size(const struct chek_segment *segment)
{
    return ((size_t)segment->row_count + 63) / 64 * sizeof(uint64_t);
}

static size_t
pages_size(const struct chek_segment *segment)
{
    return (size_t)segment->page_total * sizeof *segment->pages;
}

int
store__segment_open(uint8_t *bytes, size_t size, struct chek_segment **ret)
{
    struct head head;
    int error = head_read(bytes, size, &head);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_segment *segment = chek_memory_allocate(sizeof *segment);
    if (segment == NULL) {
        return -ENOMEM;
    }
    *segment = (struct chek_segment){
        .size = size,
        .sum = chek_load_u64(bytes + head.directories_end),
        .first_row = head.first_row,
        .row_count = head.row_count,
        .line_count = head.line_count,
        .page_row_count = head.page_row_count,
        .page_count = head.page_count,
        .run_count = head.run_count,
        .set_count = head.set_count,
        .hour_count = head.hour_count,
        .hour_page_count = head.hour_page_count,
        /* One more column: where pages of a column that nobody knows are read to. */
        .page_total = (head.column_count + 1u) * head.page_count +
                      STORE__HOUR_COLUMN_COUNT * head.hour_page_count,
    };
    segment->pages = chek_memory_allocate(pages_size(segment));
    segment->replaced = chek_memory_allocate(replaced_size(segment));
    error = -ENOMEM;
    if (segment->pages != NULL && segment->replaced != NULL) {
        segment->bytes = bytes;
        error = segment_read(segment, &head);
    }
    if (error != CHEK_OK) {
        segment->bytes = NULL; /* stays the caller's */
        store__segment_destroy(segment);
        return error;
    }
    *ret = segment;
    return CHEK_OK;
}

void
store__segment_destroy(struct chek_segment *segment)
{
    if (segment == NULL) {
        return;
    }
    chek_memory_free(segment->bytes, segment->size + STORE__PAGE_SLACK);
    chek_memory_free(segment->pages, pages_size(segment));
    chek_memory_free(segment->replaced, replaced_size(segment));
    chek_memory_free(segment, sizeof *segment);
}

uint64_t
store__segment_memory_size(const struct chek_segment *segment)
{
    return sizeof *segment + segment->size + STORE__PAGE_SLACK + pages_size(segment) +
           replaced_size(segment);
}

/* ---- finding ---- */

uint32_t
store__segment_run_find(const struct chek_segment *segment, uint32_t registration)
{
    uint32_t low = 0;
    uint32_t high = segment->run_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (chek_load_u32(segment->runs + (size_t)middle * STORE__RUN_SIZE) < registration) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t
store__segment_run_of(const struct chek_segment *segment, uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = segment->run_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store__segment_run(segment, middle).row_end <= row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t
store__segment_find(const struct chek_segment *segment, uint32_t registration, uint32_t ordinal)
{
    uint32_t index = store__segment_run_find(segment, registration);
    if (index == segment->run_count) {
        return UINT32_MAX;
    }
    struct store__run run = store__segment_run(segment, index);
    bool found = run.registration == registration && ordinal >= run.ordinal &&
                 ordinal - run.ordinal < run.row_end - run.row;
    return found ? run.row + (ordinal - run.ordinal) : UINT32_MAX;
}
