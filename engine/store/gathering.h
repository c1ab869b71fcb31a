/* SPDX-License-Identifier: MIT */
/*
 * gathering.h - the columns of a set in the order of a segment, page by page (of this room only).
 *
 * Rows are put in the order of (registration, ordinal) by sorting their numbers, and the children
 * follow their documents. A column of a page is then gathered into numbers, less what they are
 * predicted to be (predict.h).
 */
#ifndef CHEK_STORE_GATHERING_H
#define CHEK_STORE_GATHERING_H

#include "engine/store/set.h"

struct store__gathering {
    const struct store__set *set;
    uint32_t page_row_count;
    uint32_t page_count;
    uint32_t *rows[STORE__TABLE_COUNT];  /* rows of the set as they will stand */
    uint32_t *begin[STORE__TABLE_COUNT]; /* a table's first row of each page, and the end */
    const uint8_t **arrays;              /* a column's array in each block */
    uint32_t array_count_max;
    uint32_t value_count_max; /* rows of a table in a page, at most */
    int64_t *values;          /* what was gathered */
    int64_t *others, *owners; /* what predictions need */
};

/* Sort a set. Errors: -ENOMEM; finish it all the same. */
CHEK_MUST_USE int store__gathering_init(struct store__gathering *gathering,
                                        const struct store__set *set);
void store__gathering_finish(struct store__gathering *gathering);

/* Rows of a table in a page. */
static inline uint32_t
store__gathering_count(const struct store__gathering *gathering, uint32_t table, uint32_t page)
{
    return gathering->begin[table][page + 1] - gathering->begin[table][page];
}

/* Whether any row has a value that is not zero. */
bool store__gathering_has_column(const struct store__gathering *gathering,
                                 enum store__column column);

/* Gather a column of a page into `values`: numbers less their prediction, codes, or places. */
void store__gathering_take(struct store__gathering *gathering, enum store__column column,
                           uint32_t page);

#endif
