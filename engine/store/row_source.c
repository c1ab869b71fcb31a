/* SPDX-License-Identifier: MIT */
/* row_source.c - texts of a row, and where its children begin. */
#include "engine/store/row_source.h"

#include "engine/base/assertion.h"

/* Sum of a count column over the rows of the page before `index`. */
static uint32_t
count_before(const struct store__source *source, enum store__column column, uint32_t index)
{
    const struct store__page *page = store__segment_page(source->segment, column, source->page);
    return page != NULL ? (uint32_t)store__page_sum_before(page, index) : 0;
}

/* Whether a table has rows in the page that are not zero throughout. */
static bool
has_rows(const struct store__source *source, uint32_t table)
{
    for (uint32_t i = store__table_begin[table]; i < store__table_begin[table + 1]; i++) {
        const struct store__page *page = store__segment_page(source->segment, i, source->page);
        if (page != NULL && page->value_count != 0) {
            return true;
        }
    }
    return false;
}

static void
count_flags_before(struct store__source *source)
{
    const struct store__page *page =
        store__segment_page(source->segment, STORE__DOCUMENT_FLAGS, source->page);
    /* Most pages have neither. */
    if (page == NULL || (!has_rows(source, STORE__MODIFIER) && !has_rows(source, STORE__PARENT))) {
        return;
    }
    int64_t flags[256];
    for (uint32_t at = 0; at < source->row;) {
        uint32_t count = source->row - at < 256 ? source->row - at : 256;
        store__page_decode(page, at, count, flags);
        for (uint32_t i = 0; i < count; i++) {
            source->first[STORE__MODIFIER] += (flags[i] & STORE__FLAG_DISCOUNT) != 0;
            source->first[STORE__MODIFIER] += (flags[i] & STORE__FLAG_MARKUP) != 0;
            source->first[STORE__PARENT] += (flags[i] & STORE__FLAG_PARENT) != 0;
        }
        at += count;
    }
}

void
store__source_init(struct store__source *source, const struct chek_store *store,
                   const struct chek_segment *segment, uint32_t row, struct chek_arena *arena)
{
    memset(source, 0, offsetof(struct store__source, strings));
    source->store = store;
    source->segment = segment;
    source->page = row / segment->page_row_count;
    source->row = row % segment->page_row_count;
    source->arena = arena;

    uint32_t *first = source->first;
    count_flags_before(source);
    first[STORE__LINE] = count_before(source, STORE__DOCUMENT_LINE_COUNT, source->row);
    first[STORE__PAYMENT] = count_before(source, STORE__DOCUMENT_PAYMENT_COUNT, source->row);
    first[STORE__TAX] = count_before(source, STORE__DOCUMENT_TAX_COUNT, source->row) +
                        count_before(source, STORE__MODIFIER_TAX_COUNT, first[STORE__MODIFIER]) +
                        count_before(source, STORE__LINE_TAX_COUNT, first[STORE__LINE]);
    first[STORE__MARKING] = count_before(source, STORE__LINE_MARKING_COUNT, first[STORE__LINE]);
}

void
store__source_head(const struct store__source *source, struct chek_row *row)
{
    uint32_t at = source->row;
    uint64_t flags = store__source_value(source, STORE__DOCUMENT_FLAGS, at);
    row->shift = (uint32_t)store__source_value(source, STORE__DOCUMENT_SHIFT, at);
    row->completes = (uint32_t)store__source_value(source, STORE__DOCUMENT_COMPLETES, at);
    row->warnings = (uint32_t)store__source_value(source, STORE__DOCUMENT_WARNINGS, at);
    row->binding = (uint16_t)store__source_value(source, STORE__DOCUMENT_BINDING, at);
    row->kind = (uint8_t)(flags & STORE__FLAG_KIND);
    row->late = (flags & STORE__FLAG_LATE) != 0;
}

static struct chek_bytes_view
copy(struct store__source *source, struct chek_bytes_view text)
{
    if (text.size == 0) {
        return (struct chek_bytes_view){0};
    }
    uint8_t *bytes = chek_arena_take(source->arena, text.size);
    if (bytes == NULL) {
        store__source_fail(source, CHEK_E_LIMIT);
        return (struct chek_bytes_view){0};
    }
    memcpy(bytes, text.bytes, text.size);
    return chek_bytes_view_of(bytes, text.size);
}

/* Which of the source's strings a BYTES column is. */
static uint32_t
strings_of(enum store__column column)
{
    switch (column) {
    case STORE__MARKING_CONTENT:
        return STORE__DICTIONARY_COUNT;
    case STORE__DOCUMENT_CELL:
        return STORE__DICTIONARY_COUNT + 1;
    case STORE__DOCUMENT_FIGURES:
        return STORE__DICTIONARY_COUNT + 2;
    case STORE__DOCUMENT_PERSONS:
        return STORE__DICTIONARY_COUNT + 3;
    default:
        return store__dictionary_of(column - 1);
    }
}

struct chek_bytes_view
store__source_bytes(struct store__source *source, enum store__column column, uint32_t index)
{
    struct chek_bytes_view text = {0};
    const struct store__page *page = store__segment_page(source->segment, column, source->page);
    uint32_t at = strings_of(column);
    if (page == NULL) {
        return text;
    }
    int error = CHEK_OK;
    if (!source->opened[at]) {
        error = store__strings_open(page, &source->strings[at]);
        source->opened[at] = error == CHEK_OK;
    }
    if (error == CHEK_OK) {
        error = store__strings_read(&source->strings[at], index, source->arena, &text);
    }
    if (error != CHEK_OK) {
        store__source_fail(source, error);
        return (struct chek_bytes_view){0};
    }
    return copy(source, text);
}

struct chek_bytes_view
store__source_text(struct store__source *source, enum store__column column, uint32_t index)
{
    uint64_t code = store__source_value(source, column, index);
    if (code == STORE__CODE_PLAIN) {
        return store__source_bytes(source, column + 1, index);
    }
    uint32_t kind = store__dictionary_of(column);
    if (code > source->store->texts[kind].count) {
        store__source_fail(source, CHEK_E_CORRUPT);
        return (struct chek_bytes_view){0};
    }
    return store__dictionary_text(&source->store->dictionaries[kind], (uint32_t)code);
}

void *
store__source_take(struct store__source *source, size_t size, uint32_t count)
{
    void *memory = chek_arena_take(source->arena, size * count);
    if (memory == NULL) {
        store__source_fail(source, CHEK_E_LIMIT);
        return NULL;
    }
    memset(memory, 0, size * count);
    return memory;
}
