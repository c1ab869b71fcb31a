/* SPDX-License-Identifier: MIT */
/* columns.c - the tables made from the lists of columns.h. */
#include "engine/store/columns.h"

#define STORE__ROW(TABLE, block, NAME, field_, id_, type, kind_, need_) \
    [STORE__##TABLE##_##NAME] = {                                       \
        .id = (id_),                                                    \
        .table = STORE__##TABLE,                                        \
        .kind = STORE__##kind_,                                         \
        .need = STORE__##need_,                                         \
        .width = sizeof(type),                                          \
        .bit = STORE__##TABLE##_##NAME - STORE__##TABLE##_BEGIN,        \
        .offset = offsetof(struct block, field_),                       \
    },

enum {
    STORE__DOCUMENT_BEGIN = 0,
    STORE__LINE_BEGIN = STORE__LINE_PRESENT,
    STORE__PAYMENT_BEGIN = STORE__PAYMENT_PRESENT,
    STORE__TAX_BEGIN = STORE__TAX_PRESENT,
    STORE__MODIFIER_BEGIN = STORE__MODIFIER_PRESENT,
    STORE__PARENT_BEGIN = STORE__PARENT_PRESENT,
    STORE__MARKING_BEGIN = STORE__MARKING_CONTENT,
};

#define STORE__DOCUMENT_ROW(...) STORE__ROW(DOCUMENT, store__document_block, __VA_ARGS__)
#define STORE__LINE_ROW(...) STORE__ROW(LINE, store__line_block, __VA_ARGS__)
#define STORE__PAYMENT_ROW(...) STORE__ROW(PAYMENT, store__payment_block, __VA_ARGS__)
#define STORE__TAX_ROW(...) STORE__ROW(TAX, store__tax_block, __VA_ARGS__)
#define STORE__MODIFIER_ROW(...) STORE__ROW(MODIFIER, store__modifier_block, __VA_ARGS__)
#define STORE__PARENT_ROW(...) STORE__ROW(PARENT, store__parent_block, __VA_ARGS__)
#define STORE__MARKING_ROW(...) STORE__ROW(MARKING, store__marking_block, __VA_ARGS__)

const struct store__column_info store__columns[STORE__COLUMN_COUNT] = {
    STORE__DOCUMENT_COLUMNS(STORE__DOCUMENT_ROW) STORE__LINE_COLUMNS(STORE__LINE_ROW)
        STORE__PAYMENT_COLUMNS(STORE__PAYMENT_ROW) STORE__TAX_COLUMNS(STORE__TAX_ROW)
            STORE__MODIFIER_COLUMNS(STORE__MODIFIER_ROW) STORE__PARENT_COLUMNS(STORE__PARENT_ROW)
                STORE__MARKING_COLUMNS(STORE__MARKING_ROW)};

const uint16_t store__table_begin[STORE__TABLE_COUNT + 1] = {
    STORE__DOCUMENT_BEGIN, STORE__LINE_BEGIN,   STORE__PAYMENT_BEGIN, STORE__TAX_BEGIN,
    STORE__MODIFIER_BEGIN, STORE__PARENT_BEGIN, STORE__MARKING_BEGIN, STORE__COLUMN_COUNT,
};

#define STORE__SIZE(TABLE, table, columns) [STORE__##TABLE] = sizeof(struct store__##table##_block),
const uint32_t store__block_size[STORE__TABLE_COUNT] = {STORE__TABLES(STORE__SIZE)};

_Static_assert(STORE__LINE_BEGIN - STORE__DOCUMENT_BEGIN <= 64, "a bit each in `touched`");
