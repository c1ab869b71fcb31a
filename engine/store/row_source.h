/* SPDX-License-Identifier: MIT */
/*
 * row_source.h - the values of one sealed document (of this room only).
 *
 * A row of a segment is a value in each column's page; its children are found by counting those of
 * the rows before it.
 */
#ifndef CHEK_STORE_ROW_SOURCE_H
#define CHEK_STORE_ROW_SOURCE_H

#include "engine/store/segment.h"
#include "engine/store/set.h"

/* Strings that stand in a segment: those of the PLAIN columns, markings, cells, figures, persons. */
#define STORE__STRINGS_COUNT (STORE__DICTIONARY_COUNT + 4)

struct store__source {
    const struct chek_store *store;
    const struct chek_segment *segment;
    uint32_t page;
    uint32_t row;                       /* in the page */
    uint32_t first[STORE__TABLE_COUNT]; /* the row's children; in the page */
    struct chek_arena *arena;           /* texts are copied to */
    int error;                          /* the first one; values are zero after it */
    bool opened[STORE__STRINGS_COUNT];
    struct store__strings strings[STORE__STRINGS_COUNT];
};

/* Set up for a row; `arena` is what texts are copied to. */
void store__source_init(struct store__source *source, const struct chek_store *store,
                        const struct chek_segment *segment, uint32_t row, struct chek_arena *arena);

/* Note an error unless there is one. */
static inline void
store__source_fail(struct store__source *source, int error)
{
    if (source->error == CHEK_OK) {
        source->error = error;
    }
}

/* A value that is stored less its prediction (predict.h). */
static inline uint64_t
store__source_predicted(const struct store__source *source, enum store__column column,
                        uint32_t index, uint64_t prediction)
{
    const struct store__page *page = store__segment_page(source->segment, column, source->page);
    return page != NULL ? (uint64_t)store__page_value(page, index) + prediction : 0;
}

static inline uint64_t
store__source_value(const struct store__source *source, enum store__column column, uint32_t index)
{
    return store__source_predicted(source, column, index, 0);
}

/* What says which document a row is, but for `replaced`: it stays when the document is removed. */
void store__source_head(const struct store__source *source, struct chek_row *row);

/* The text of a CODE column. Ownership: the dictionary's, or in the arena. */
struct chek_bytes_view store__source_text(struct store__source *source, enum store__column column,
                                          uint32_t index);

/* The string of a BYTES column. Ownership: in the arena. */
struct chek_bytes_view store__source_bytes(struct store__source *source, enum store__column column,
                                           uint32_t index);

/* Take zeroed memory for `count` things from the arena; NULL and LIMIT when it is used up. */
void *store__source_take(struct store__source *source, size_t size, uint32_t count);

#endif
