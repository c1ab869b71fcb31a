/* SPDX-License-Identifier: MIT */
/*
 * segment_check.c - whether a group can be read, whatever its bytes say.
 *
 * Sums first, then every count that reading uses as an offset is added up from the values
 * themselves: what passes here cannot lead a reader out of the group.
 */
#include "engine/base/checksum.h"
#include "engine/store/hour_table.h"
#include "engine/store/marking_table.h"
#include "engine/store/segment.h"

/* ---- sums ---- */

uint64_t
store__page_sum(const uint8_t *bytes, size_t size, uint16_t column_id, uint32_t page)
{
    return chek_checksum_seeded(bytes, size, (uint64_t)column_id << 32 | page);
}

/* The id of a column of rows. */
static uint16_t
column_id(const struct chek_segment *segment, uint32_t index)
{
    size_t column_size =
        STORE__COLUMN_HEAD_SIZE + (size_t)segment->page_count * STORE__PAGE_HEAD_SIZE;
    return chek_load_u16(segment->directory + index * column_size);
}

/* Whether the next bytes are those of a page. */
static bool
page_is_whole(const uint8_t **bytes, const struct store__page *page, uint16_t id, uint32_t index)
{
    const uint8_t *at = *bytes;
    *bytes += page->size;
    return store__page_sum(at, page->size, id, index) == page->sum;
}

bool
store__segment_is_whole(const struct chek_segment *segment, uint32_t index, const uint8_t *bytes)
{
    bool whole = true;
    if (index == store__segment_hour_group(segment)) {
        for (uint32_t i = 0; i < STORE__HOUR_COLUMN_COUNT * segment->hour_page_count; i++) {
            uint32_t column = i / segment->hour_page_count;
            whole = whole &&
                    page_is_whole(&bytes, &segment->hour_pages[i], store__hour_column_ids[column],
                                  i % segment->hour_page_count);
        }
    } else if (index > store__segment_hour_group(segment)) {
        uint32_t page = index - store__segment_marking_group(segment, 0);
        for (uint32_t i = 0; i < STORE__MARKING_TABLE_COLUMN_COUNT; i++) {
            whole = whole && page_is_whole(&bytes, store__segment_marking_page(segment, i, page),
                                           store__marking_column_ids[i], page);
        }
    } else {
        for (uint32_t i = 0; i < segment->column_count; i++) {
            const struct store__page *page =
                &segment->pages[(size_t)i * segment->page_count + index];
            whole = whole && page_is_whole(&bytes, page, column_id(segment, i), index);
        }
    }
    return whole && chek_load_u64(bytes) == 0; /* STORE__PAGE_SLACK */
}

static bool
group_is_whole(const struct chek_segment *segment, uint32_t index)
{
    return store__segment_is_whole(segment, index, segment->bytes + segment->groups[index].offset);
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
page_check(const struct chek_segment *segment, uint32_t index)
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

int
store__segment_group_check(const struct chek_segment *segment, uint32_t index)
{
    int64_t ticket_count;
    if (!group_is_whole(segment, index)) {
        return CHEK_E_CORRUPT;
    }
    if (index > store__segment_hour_group(segment)) {
        return store__markings_check(segment, index - store__segment_marking_group(segment, 0));
    }
    return index == store__segment_hour_group(segment) ? store__hours_check(segment, &ticket_count)
                                                       : page_check(segment, index);
}

/* Markings of all rows, in a segment all of whose groups are there. */
static int64_t
markings_count(const struct chek_segment *segment)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < segment->page_count; i++) {
        count += counts_sum(store__segment_page(segment, STORE__LINE_MARKING_COUNT, i),
                            STORE__MARKING_COUNT_MAX);
    }
    return count;
}

/* Check all groups, and what only all of them tell. */
int
store__segment_check(const struct chek_segment *segment)
{
    int64_t ticket_count = 0;
    int error = CHEK_OK;
    for (uint32_t i = 0; i < segment->page_count && error == CHEK_OK; i++) {
        error = store__segment_group_check(segment, i);
    }
    if (error == CHEK_OK && segment->hour_count != 0) {
        error = group_is_whole(segment, store__segment_hour_group(segment))
                    ? store__hours_check(segment, &ticket_count)
                    : CHEK_E_CORRUPT;
    }
    for (uint32_t i = 0; i < segment->marking_page_count && error == CHEK_OK; i++) {
        error = store__segment_group_check(segment, store__segment_marking_group(segment, i));
    }
    if (error != CHEK_OK) {
        return error;
    }
    /* The hour table of a kept segment is without the rows that were replaced. */
    int64_t receipt_count = store__hours_receipts(segment);
    bool is_right =
        segment->is_kept ? ticket_count <= receipt_count : ticket_count == receipt_count;
    return is_right && segment->marking_count == markings_count(segment) ? CHEK_OK : CHEK_E_CORRUPT;
}
