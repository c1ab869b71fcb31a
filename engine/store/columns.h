/* SPDX-License-Identifier: MIT */
/*
 * columns.h - every column of a document, once (of this room only).
 *
 * Seven tables: documents are rows; lines, payments, taxes, modifiers, parents and markings are
 * their children, stored one behind the other in the order of their documents and found by
 * counting. The lists below make the open blocks, the appending, the pages of a segment, the
 * image and the reading agree about what there is. (format: an id and its meaning never change)
 *
 * A column that a reader does not know is an error when REQUIRED and skipped when OPTIONAL:
 * optional columns are derived from the others and only make scans cheap. A column that is absent
 * is zero in every row.
 */
#ifndef CHEK_STORE_COLUMNS_H
#define CHEK_STORE_COLUMNS_H

#include "engine/base/limits.h"

/*
 * X(NAME, field, id, type while open, kind, need)
 *
 *   INTEGER  the number itself
 *   CODE     of a dictionary; 0 is the empty text, STORE__CODE_PLAIN says: look in the column
 *            that follows, which is its PLAIN one
 *   BYTES    a text in the open set's text blocks; in a segment the bytes themselves
 */

/* `flags` are enum store__flag. `document_shift` is 0 when it is the assigned one. */
#define STORE__DOCUMENT_COLUMNS(X)                                                      \
    X(SHIFT, shift, 1, uint32_t, INTEGER, REQUIRED)                                     \
    X(COMPLETES, completes, 2, uint32_t, INTEGER, REQUIRED)                             \
    X(WARNINGS, warnings, 3, uint32_t, INTEGER, REQUIRED)                               \
    X(BINDING, binding, 4, uint16_t, INTEGER, REQUIRED)                                 \
    X(FLAGS, flags, 5, uint16_t, INTEGER, REQUIRED)                                     \
    X(RECEIVED, received, 6, uint64_t, INTEGER, REQUIRED)                               \
    X(DOCUMENT_PRESENT, document_present, 7, uint32_t, INTEGER, REQUIRED)               \
    X(PRESENT, present, 8, uint32_t, INTEGER, REQUIRED)                                 \
    X(REGISTRATION_DIFFERENCE, registration_difference, 9, uint32_t, INTEGER, REQUIRED) \
    X(PROFILE, profile, 10, uint32_t, CODE, REQUIRED)                                   \
    X(PROFILE_PLAIN, profile_plain, 11, uint64_t, BYTES, REQUIRED)                      \
    X(OPERATION, operation, 12, uint8_t, INTEGER, REQUIRED)                             \
    X(TIME, time, 13, uint32_t, INTEGER, REQUIRED)                                      \
    X(DOCUMENT_SHIFT, document_shift, 14, uint32_t, INTEGER, REQUIRED)                  \
    X(NUMBER, number, 15, uint32_t, INTEGER, REQUIRED)                                  \
    X(SIGN, sign, 16, uint64_t, INTEGER, REQUIRED)                                      \
    X(AUTONOMOUS, autonomous, 17, uint64_t, INTEGER, REQUIRED)                          \
    X(DOMAIN, domain, 18, uint8_t, INTEGER, REQUIRED)                                   \
    X(OPERATOR, operator_code, 19, uint32_t, CODE, REQUIRED)                            \
    X(OPERATOR_PLAIN, operator_plain, 20, uint64_t, BYTES, REQUIRED)                    \
    X(CLIENT, client, 21, uint32_t, CODE, REQUIRED)                                     \
    X(CLIENT_PLAIN, client_plain, 22, uint64_t, BYTES, REQUIRED)                        \
    X(TOTAL, total, 23, uint64_t, INTEGER, REQUIRED)                                    \
    X(PAYMENT_COUNT, payment_count, 24, uint8_t, INTEGER, REQUIRED)                     \
    X(TAX_COUNT, tax_count, 25, uint8_t, INTEGER, REQUIRED)                             \
    X(CHANGE, change, 26, uint64_t, INTEGER, REQUIRED)                                  \
    X(FORM, form, 27, uint8_t, INTEGER, REQUIRED)                                       \
    X(TAX_SYSTEM, tax_system, 28, uint8_t, INTEGER, REQUIRED)                           \
    X(NUMBER_IN_SHIFT, number_in_shift, 29, uint32_t, INTEGER, REQUIRED)                \
    X(SUBJECT_LOW, subject_low, 30, uint64_t, INTEGER, REQUIRED)                        \
    X(SUBJECT_HIGH, subject_high, 31, uint64_t, INTEGER, REQUIRED)                      \
    X(LINE_COUNT, line_count, 32, uint16_t, INTEGER, REQUIRED)                          \
    X(FISCAL_DRIVE, fiscal_drive, 33, uint32_t, CODE, REQUIRED)                         \
    X(FISCAL_DRIVE_PLAIN, fiscal_drive_plain, 34, uint64_t, BYTES, REQUIRED)            \
    X(TAKEN, taken, 35, uint64_t, INTEGER, REQUIRED)                                    \
    X(GROSS, gross, 36, uint64_t, INTEGER, OPTIONAL)                                    \
    X(POSITIONS, positions, 37, uint16_t, INTEGER, OPTIONAL)                            \
    X(TAX_SUM, tax_sum, 38, uint64_t, INTEGER, OPTIONAL)                                \
    X(CELL, cell, 39, uint64_t, BYTES, REQUIRED)

#define STORE__LINE_COLUMNS(X)                                      \
    X(PRESENT, present, 64, uint16_t, INTEGER, REQUIRED)            \
    X(KIND, kind, 65, uint8_t, INTEGER, REQUIRED)                   \
    X(STORNO, storno, 66, uint8_t, INTEGER, REQUIRED)               \
    X(CODE, code, 67, uint32_t, CODE, REQUIRED)                     \
    X(CODE_PLAIN, code_plain, 68, uint64_t, BYTES, REQUIRED)        \
    X(NAME, name, 69, uint32_t, CODE, REQUIRED)                     \
    X(NAME_PLAIN, name_plain, 70, uint64_t, BYTES, REQUIRED)        \
    X(GTIN, gtin, 71, uint64_t, INTEGER, REQUIRED)                  \
    X(MARKING_COUNT, marking_count, 72, uint8_t, INTEGER, REQUIRED) \
    X(SECTION, section, 73, uint32_t, CODE, REQUIRED)               \
    X(SECTION_PLAIN, section_plain, 74, uint64_t, BYTES, REQUIRED)  \
    X(QUANTITY, quantity, 75, uint64_t, INTEGER, REQUIRED)          \
    X(UNIT, unit, 76, uint32_t, CODE, REQUIRED)                     \
    X(UNIT_PLAIN, unit_plain, 77, uint64_t, BYTES, REQUIRED)        \
    X(PRICE, price, 78, uint64_t, INTEGER, REQUIRED)                \
    X(SUM, sum, 79, uint64_t, INTEGER, REQUIRED)                    \
    X(TAX_COUNT, tax_count, 80, uint8_t, INTEGER, REQUIRED)         \
    X(SETTLEMENT, settlement, 81, uint8_t, INTEGER, REQUIRED)       \
    X(SUBJECT, subject, 82, uint8_t, INTEGER, REQUIRED)

#define STORE__PAYMENT_COLUMNS(X)                       \
    X(PRESENT, present, 96, uint8_t, INTEGER, REQUIRED) \
    X(KIND, kind, 97, uint8_t, INTEGER, REQUIRED)       \
    X(SUM, sum, 98, uint64_t, INTEGER, REQUIRED)

/* Of one document: those of the ticket, of its discount, of its markup, then of its lines. */
#define STORE__TAX_COLUMNS(X)                            \
    X(PRESENT, present, 112, uint8_t, INTEGER, REQUIRED) \
    X(KIND, kind, 113, uint8_t, INTEGER, REQUIRED)       \
    X(ON_TOP, on_top, 114, uint8_t, INTEGER, REQUIRED)   \
    X(RATE, rate, 115, uint32_t, INTEGER, REQUIRED)      \
    X(SUM, sum, 116, uint64_t, INTEGER, REQUIRED)        \
    X(TURNOVER, turnover, 117, uint64_t, INTEGER, REQUIRED)

/* The discount of a ticket, then its markup. */
#define STORE__MODIFIER_COLUMNS(X)                            \
    X(PRESENT, present, 128, uint8_t, INTEGER, REQUIRED)      \
    X(SUM, sum, 129, uint64_t, INTEGER, REQUIRED)             \
    X(NAME, name, 130, uint32_t, CODE, REQUIRED)              \
    X(NAME_PLAIN, name_plain, 131, uint64_t, BYTES, REQUIRED) \
    X(TAX_COUNT, tax_count, 132, uint8_t, INTEGER, REQUIRED)

#define STORE__PARENT_COLUMNS(X)                                      \
    X(PRESENT, present, 144, uint16_t, INTEGER, REQUIRED)             \
    X(NUMBER, number, 145, uint32_t, INTEGER, REQUIRED)               \
    X(SIGN, sign, 146, uint64_t, INTEGER, REQUIRED)                   \
    X(TIME, time, 147, uint32_t, INTEGER, REQUIRED)                   \
    X(TOTAL, total, 148, uint64_t, INTEGER, REQUIRED)                 \
    X(REGISTER, register_code, 149, uint32_t, CODE, REQUIRED)         \
    X(REGISTER_PLAIN, register_plain, 150, uint64_t, BYTES, REQUIRED) \
    X(OFFLINE, offline, 151, uint8_t, INTEGER, REQUIRED)              \
    X(SHIFT, shift, 152, uint32_t, INTEGER, REQUIRED)

#define STORE__MARKING_COLUMNS(X) X(CONTENT, content, 160, uint64_t, BYTES, REQUIRED)

/* X(TABLE, table, columns) in the order of enum store__table. */
#define STORE__TABLES(X)                           \
    X(DOCUMENT, document, STORE__DOCUMENT_COLUMNS) \
    X(LINE, line, STORE__LINE_COLUMNS)             \
    X(PAYMENT, payment, STORE__PAYMENT_COLUMNS)    \
    X(TAX, tax, STORE__TAX_COLUMNS)                \
    X(MODIFIER, modifier, STORE__MODIFIER_COLUMNS) \
    X(PARENT, parent, STORE__PARENT_COLUMNS)       \
    X(MARKING, marking, STORE__MARKING_COLUMNS)

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
#define STORE__X(NAME, field, id, type, kind, need) STORE__DOCUMENT_##NAME,
    STORE__DOCUMENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__LINE_##NAME,
        STORE__LINE_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PAYMENT_##NAME,
            STORE__PAYMENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__TAX_##NAME,
                STORE__TAX_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__MODIFIER_##NAME,
                    STORE__MODIFIER_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__PARENT_##NAME,
                        STORE__PARENT_COLUMNS(STORE__X)
#undef STORE__X
#define STORE__X(NAME, field, id, type, kind, need) STORE__MARKING_##NAME,
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
};

/*
 * Rows of a block of an open table. A document is written into some thirty columns, and a shard
 * appends to many partitions in turn: a small block has all of a row's columns in a few pages of
 * memory, so that the places where all partitions append fit the TLB together.
 */
#define STORE__BLOCK_SHIFT 7
#define STORE__BLOCK_ROW_COUNT (1u << STORE__BLOCK_SHIFT)

_Static_assert(CHEK_CHUNK_RECEIPT_COUNT % STORE__BLOCK_ROW_COUNT == 0, "blocks make a chunk");

/*
 * The open blocks: one array a column. An array holds anything until its bit in `touched` is set:
 * then it was zeroed whole, and rows with the default value were not written.
 */
#define STORE__X(NAME, field, id, type, kind, need) type field[STORE__BLOCK_ROW_COUNT];
#define STORE__BLOCK(TABLE, table, columns)                 \
    struct store__##table##_block {                         \
        uint64_t touched; /* bit n: the table's column n */ \
        uint64_t unused[7];                                 \
        columns(STORE__X)                                   \
    };
STORE__TABLES(STORE__BLOCK)
#undef STORE__BLOCK
#undef STORE__X

/* What a column is, for code that treats all alike. */
struct store__column_info {
    uint16_t id;
    uint8_t table;   /* enum store__table */
    uint8_t kind;    /* enum store__kind */
    uint8_t need;    /* enum store__need */
    uint8_t width;   /* bytes of a value while open */
    uint8_t bit;     /* in `touched` */
    uint32_t offset; /* of its array in the block */
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
extern const uint32_t store__block_size[STORE__TABLE_COUNT];

#endif
