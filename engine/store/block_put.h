/* SPDX-License-Identifier: MIT */
/*
 * block_put.h - one function a column: table_put_field(block, index, value) (of append.c alone).
 *
 * A value of zero is not written: a column starts as zeroes, which are written when its first
 * other value comes.
 */
#ifndef CHEK_STORE_BLOCK_PUT_H
#define CHEK_STORE_BLOCK_PUT_H

#include "engine/store/set.h"

#define STORE__PUT(TABLE, table, NAME, field, type)                                              \
    static inline void table##_put_##field(struct store__##table##_block *block, uint32_t index, \
                                           type value)                                           \
    {                                                                                            \
        enum { BIT = STORE__##TABLE##_##NAME - STORE__##TABLE##_FIRST };                         \
        if (value == 0) {                                                                        \
            return;                                                                              \
        }                                                                                        \
        if (CHEK_UNLIKELY((block->touched >> BIT & 1) == 0)) {                                   \
            store__column_touch(block, &store__columns[STORE__##TABLE##_##NAME]);                \
        }                                                                                        \
        block->field[index & (STORE__BLOCK_ROW_COUNT - 1)] = value;                              \
    }

enum {
    STORE__DOCUMENT_FIRST = STORE__DOCUMENT_SHIFT,
    STORE__LINE_FIRST = STORE__LINE_PRESENT,
    STORE__PAYMENT_FIRST = STORE__PAYMENT_PRESENT,
    STORE__TAX_FIRST = STORE__TAX_PRESENT,
    STORE__MODIFIER_FIRST = STORE__MODIFIER_PRESENT,
    STORE__PARENT_FIRST = STORE__PARENT_PRESENT,
    STORE__MARKING_FIRST = STORE__MARKING_CONTENT,
};

#define STORE__X(NAME, field, id, type, kind, need) \
    STORE__PUT(DOCUMENT, document, NAME, field, type)
STORE__DOCUMENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PUT(LINE, line, NAME, field, type)
STORE__LINE_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PUT(PAYMENT, payment, NAME, field, type)
STORE__PAYMENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PUT(TAX, tax, NAME, field, type)
STORE__TAX_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) \
    STORE__PUT(MODIFIER, modifier, NAME, field, type)
STORE__MODIFIER_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PUT(PARENT, parent, NAME, field, type)
STORE__PARENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PUT(MARKING, marking, NAME, field, type)
STORE__MARKING_COLUMNS(STORE__X)
#undef STORE__X

#endif
