/* SPDX-License-Identifier: MIT */
/*
 * columns.h - every column of a document, once (of this room only).
 *
 * Seven tables: documents are rows; lines, payments, taxes, modifiers, parents and markings are
 * their children, stored one behind the other in the order of their documents and found by
 * counting. The lists below make the sealing, the pages of a segment and the reading agree about
 * what there is. (format: an id and its meaning never change)
 *
 * A column that a reader does not know is an error when REQUIRED and skipped when OPTIONAL:
 * optional columns are derived from the others and only make scans cheap. A column that is absent
 * is zero in every row.
 */
#ifndef CHEK_STORE_COLUMNS_H
#define CHEK_STORE_COLUMNS_H

#include "engine/base/limits.h"

/*
 * X(NAME, id, kind, need)
 *
 *   INTEGER  the number itself
 *   CODE     of a dictionary; 0 is the empty text, STORE__CODE_PLAIN says: look in the column
 *            that follows, which is its PLAIN one
 *   BYTES    the bytes themselves
 */

/* `flags` are enum store__flag. `document_shift` is 0 when it is the assigned one. */
#define STORE__DOCUMENT_COLUMNS(X)                   \
    X(SHIFT, 1, INTEGER, REQUIRED)                   \
    X(COMPLETES, 2, INTEGER, REQUIRED)               \
    X(WARNINGS, 3, INTEGER, REQUIRED)                \
    X(BINDING, 4, INTEGER, REQUIRED)                 \
    X(FLAGS, 5, INTEGER, REQUIRED)                   \
    X(RECEIVED, 6, INTEGER, REQUIRED)                \
    X(DOCUMENT_PRESENT, 7, INTEGER, REQUIRED)        \
    X(PRESENT, 8, INTEGER, REQUIRED)                 \
    X(REGISTRATION_DIFFERENCE, 9, INTEGER, REQUIRED) \
    X(PROFILE, 10, CODE, REQUIRED)                   \
    X(PROFILE_PLAIN, 11, BYTES, REQUIRED)            \
    X(OPERATION, 12, INTEGER, REQUIRED)              \
    X(TIME, 13, INTEGER, REQUIRED)                   \
    X(DOCUMENT_SHIFT, 14, INTEGER, REQUIRED)         \
    X(NUMBER, 15, INTEGER, REQUIRED)                 \
    X(SIGN, 16, INTEGER, REQUIRED)                   \
    X(AUTONOMOUS, 17, INTEGER, REQUIRED)             \
    X(DOMAIN, 18, INTEGER, REQUIRED)                 \
    X(OPERATOR, 19, CODE, REQUIRED)                  \
    X(OPERATOR_PLAIN, 20, BYTES, REQUIRED)           \
    X(CLIENT, 21, CODE, REQUIRED)                    \
    X(CLIENT_PLAIN, 22, BYTES, REQUIRED)             \
    X(TOTAL, 23, INTEGER, REQUIRED)                  \
    X(PAYMENT_COUNT, 24, INTEGER, REQUIRED)          \
    X(TAX_COUNT, 25, INTEGER, REQUIRED)              \
    X(CHANGE, 26, INTEGER, REQUIRED)                 \
    X(FORM, 27, INTEGER, REQUIRED)                   \
    X(TAX_SYSTEM, 28, INTEGER, REQUIRED)             \
    X(NUMBER_IN_SHIFT, 29, INTEGER, REQUIRED)        \
    X(SUBJECT_LOW, 30, INTEGER, REQUIRED)            \
    X(SUBJECT_HIGH, 31, INTEGER, REQUIRED)           \
    X(LINE_COUNT, 32, INTEGER, REQUIRED)             \
    X(FISCAL_DRIVE, 33, CODE, REQUIRED)              \
    X(FISCAL_DRIVE_PLAIN, 34, BYTES, REQUIRED)       \
    X(TAKEN, 35, INTEGER, REQUIRED)                  \
    X(GROSS, 36, INTEGER, OPTIONAL)                  \
    X(POSITIONS, 37, INTEGER, OPTIONAL)              \
    X(TAX_SUM, 38, INTEGER, OPTIONAL)                \
    X(CELL, 39, BYTES, REQUIRED)                     \
    X(FIGURES, 40, BYTES, REQUIRED)                  \
    X(PERSONS, 44, BYTES, REQUIRED)

#define STORE__LINE_COLUMNS(X)              \
    X(PRESENT, 64, INTEGER, REQUIRED)       \
    X(KIND, 65, INTEGER, REQUIRED)          \
    X(STORNO, 66, INTEGER, REQUIRED)        \
    X(CODE, 67, CODE, REQUIRED)             \
    X(CODE_PLAIN, 68, BYTES, REQUIRED)      \
    X(NAME, 69, CODE, REQUIRED)             \
    X(NAME_PLAIN, 70, BYTES, REQUIRED)      \
    X(GTIN, 71, INTEGER, REQUIRED)          \
    X(MARKING_COUNT, 72, INTEGER, REQUIRED) \
    X(SECTION, 73, CODE, REQUIRED)          \
    X(SECTION_PLAIN, 74, BYTES, REQUIRED)   \
    X(QUANTITY, 75, INTEGER, REQUIRED)      \
    X(UNIT, 76, CODE, REQUIRED)             \
    X(UNIT_PLAIN, 77, BYTES, REQUIRED)      \
    X(PRICE, 78, INTEGER, REQUIRED)         \
    X(SUM, 79, INTEGER, REQUIRED)           \
    X(TAX_COUNT, 80, INTEGER, REQUIRED)     \
    X(SETTLEMENT, 81, INTEGER, REQUIRED)    \
    X(SUBJECT, 82, INTEGER, REQUIRED)

#define STORE__PAYMENT_COLUMNS(X)     \
    X(PRESENT, 96, INTEGER, REQUIRED) \
    X(KIND, 97, INTEGER, REQUIRED)    \
    X(SUM, 98, INTEGER, REQUIRED)

/* Of one document: those of the ticket, of its discount, of its markup, then of its lines. */
#define STORE__TAX_COLUMNS(X)          \
    X(PRESENT, 112, INTEGER, REQUIRED) \
    X(KIND, 113, INTEGER, REQUIRED)    \
    X(ON_TOP, 114, INTEGER, REQUIRED)  \
    X(RATE, 115, INTEGER, REQUIRED)    \
    X(SUM, 116, INTEGER, REQUIRED)     \
    X(TURNOVER, 117, INTEGER, REQUIRED)

/* The discount of a ticket, then its markup. */
#define STORE__MODIFIER_COLUMNS(X)      \
    X(PRESENT, 128, INTEGER, REQUIRED)  \
    X(SUM, 129, INTEGER, REQUIRED)      \
    X(NAME, 130, CODE, REQUIRED)        \
    X(NAME_PLAIN, 131, BYTES, REQUIRED) \
    X(TAX_COUNT, 132, INTEGER, REQUIRED)

#define STORE__PARENT_COLUMNS(X)            \
    X(PRESENT, 144, INTEGER, REQUIRED)      \
    X(NUMBER, 145, INTEGER, REQUIRED)       \
    X(SIGN, 146, INTEGER, REQUIRED)         \
    X(TIME, 147, INTEGER, REQUIRED)         \
    X(TOTAL, 148, INTEGER, REQUIRED)        \
    X(REGISTER, 149, CODE, REQUIRED)        \
    X(REGISTER_PLAIN, 150, BYTES, REQUIRED) \
    X(OFFLINE, 151, INTEGER, REQUIRED)      \
    X(SHIFT, 152, INTEGER, REQUIRED)

#define STORE__MARKING_COLUMNS(X) X(CONTENT, 160, BYTES, REQUIRED)

enum store__table {
    STORE__DOCUMENT,
    STORE__LINE,
    STORE__PAYMENT,
    STORE__TAX,
    STORE__MODIFIER,
    STORE__PARENT,
    STORE__MARKING,
    STORE__TABLE_COUNT,
};

enum store__column {
#define STORE__X(NAME, id, kind, need) STORE__DOCUMENT_##NAME,
    STORE__DOCUMENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, id, kind, need) STORE__LINE_##NAME,
        STORE__LINE_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, id, kind, need) STORE__PAYMENT_##NAME,
            STORE__PAYMENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, id, kind, need) STORE__TAX_##NAME,
                STORE__TAX_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, id, kind, need) STORE__MODIFIER_##NAME,
                    STORE__MODIFIER_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, id, kind, need) STORE__PARENT_##NAME,
                        STORE__PARENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, id, kind, need) STORE__MARKING_##NAME,
                            STORE__MARKING_COLUMNS(STORE__X)
#undef STORE__X
                                STORE__COLUMN_COUNT,
};

enum store__kind { STORE__INTEGER, STORE__CODE, STORE__BYTES };
enum store__need { STORE__OPTIONAL, STORE__REQUIRED };

/* Bits of the column `flags`. */
enum store__flag {
    STORE__FLAG_KIND = 3, /* enum chek_row_kind */
    STORE__FLAG_LATE = 1 << 2,
    STORE__FLAG_SHIFT_ASSIGNED = 1 << 3, /* the document names the shift that was assigned */
    STORE__FLAG_OFFLINE = 1 << 4,
    STORE__FLAG_WITHDRAW = 1 << 5,
    STORE__FLAG_DISCOUNT = 1 << 6,
    STORE__FLAG_MARKUP = 1 << 7,
    STORE__FLAG_PARENT = 1 << 8,
    STORE__FLAGS_STORED = (1 << 9) - 1,
    STORE__FLAG_PAYMENTS = 1 << 15, /* of an open row: the sums of its payments stand behind it */
};

/* What a column is, for code that treats all alike. */
struct store__column_info {
    uint16_t id;
    uint8_t table; /* enum store__table */
    uint8_t kind;  /* enum store__kind */
    uint8_t need;  /* enum store__need */
};

extern const struct store__column_info store__columns[STORE__COLUMN_COUNT];

/*
 * Whether a column holds what its values differ from a prediction (predict.h). Such a column is
 * there whenever its table has rows: its zeroes are not zero.
 */
static inline bool
store__is_predicted(enum store__column column)
{
    return column == STORE__DOCUMENT_NUMBER || column == STORE__DOCUMENT_GROSS ||
           column == STORE__DOCUMENT_POSITIONS || column == STORE__LINE_SUM ||
           column == STORE__PAYMENT_SUM || column == STORE__TAX_SUM;
}

/* First column of each table, and the end. */
extern const uint16_t store__table_begin[STORE__TABLE_COUNT + 1];

#endif
