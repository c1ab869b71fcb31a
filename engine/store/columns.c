/* SPDX-License-Identifier: MIT */
/* columns.c - the tables made from the lists of columns.h. */
#include "engine/store/columns.h"

#define STORE__ROW(TABLE, NAME, id_, kind_, need_) \
    [STORE__##TABLE##_##NAME] = {                  \
        .id = (id_),                               \
        .table = STORE__##TABLE,                   \
        .kind = STORE__##kind_,                    \
        .need = STORE__##need_,                    \
    },

#define STORE__DOCUMENT_ROW(...) STORE__ROW(DOCUMENT, __VA_ARGS__)
#define STORE__LINE_ROW(...) STORE__ROW(LINE, __VA_ARGS__)
#define STORE__PAYMENT_ROW(...) STORE__ROW(PAYMENT, __VA_ARGS__)
#define STORE__TAX_ROW(...) STORE__ROW(TAX, __VA_ARGS__)
#define STORE__MODIFIER_ROW(...) STORE__ROW(MODIFIER, __VA_ARGS__)
#define STORE__PARENT_ROW(...) STORE__ROW(PARENT, __VA_ARGS__)
#define STORE__MARKING_ROW(...) STORE__ROW(MARKING, __VA_ARGS__)

const struct store__column_info store__columns[STORE__COLUMN_COUNT] = {
    STORE__DOCUMENT_COLUMNS(STORE__DOCUMENT_ROW) STORE__LINE_COLUMNS(STORE__LINE_ROW)
        STORE__PAYMENT_COLUMNS(STORE__PAYMENT_ROW) STORE__TAX_COLUMNS(STORE__TAX_ROW)
            STORE__MODIFIER_COLUMNS(STORE__MODIFIER_ROW) STORE__PARENT_COLUMNS(STORE__PARENT_ROW)
                STORE__MARKING_COLUMNS(STORE__MARKING_ROW)};

const uint16_t store__table_begin[STORE__TABLE_COUNT + 1] = {
    0,
    STORE__LINE_PRESENT,
    STORE__PAYMENT_PRESENT,
    STORE__TAX_PRESENT,
    STORE__MODIFIER_PRESENT,
    STORE__PARENT_PRESENT,
    STORE__MARKING_CONTENT,
    STORE__COLUMN_COUNT,
};

_Static_assert(STORE__LINE_PRESENT <= 64, "a bit for each column of a table");
