/* SPDX-License-Identifier: MIT */
/*
 * field_text.h - fields of records (wire/shape.h) as text.
 */
#ifndef CHEK_TOOLS_CHEK_FIELD_TEXT_H
#define CHEK_TOOLS_CHEK_FIELD_TEXT_H

#include "engine/wire/shape.h"

#define CHEK__FIELD_TEXT_MAX 512

/* "line.price" is "price" inside a line. */
const char *chek__field_name(const struct chek_field_shape *field);

/* A number, flag or enum of a record. */
uint64_t chek__field_unsigned(const struct chek_field_shape *field, const void *record);
int64_t chek__field_signed(const struct chek_field_shape *field, const void *record);

/* Whether a field is absent: zero, empty, false. */
bool chek__field_is_empty(const struct chek_field_shape *field, const void *record);

/* Whether it is the alphabetic code of a currency that is shown. */
bool chek__field_is_currency(const struct chek_field_shape *field);

/* Bytes of a list of bytes, as text: what is none, as "hex:..". It may borrow `text`. */
struct chek_bytes_view chek__blob_text(struct chek_bytes_view blob,
                                       char text[CHEK__FIELD_TEXT_MAX + 8]);

/* A value of a field that is no record, no list and no bytes, as JSON has it without quotes; it may borrow
 * the record or `text`. */
struct chek_bytes_view chek__field_text(const struct chek_field_shape *field, const void *record,
                                        char text[CHEK__FIELD_TEXT_MAX + 8]);

#endif
