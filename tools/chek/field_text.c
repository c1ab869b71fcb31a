/* SPDX-License-Identifier: MIT */
#include "tools/chek/field_text.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "engine/base/utf8.h"
#include "tools/chek/run.h"
#include "tools/chek/text_table.h"

#define ID_SIZE 16

const char *
chek__field_name(const struct chek_field_shape *field)
{
    const char *dot = strrchr(field->name, '.');
    return dot != NULL ? dot + 1 : field->name;
}

uint64_t
chek__field_unsigned(const struct chek_field_shape *field, const void *record)
{
    uint64_t value = 0;
    memcpy(&value, (const uint8_t *)record + field->offset, field->size); /* little-endian */
    return value;
}

int64_t
chek__field_signed(const struct chek_field_shape *field, const void *record)
{
    uint64_t value = chek__field_unsigned(field, record);
    unsigned shift = 64 - field->size * 8u;
    return shift == 0 ? (int64_t)value : (int64_t)(value << shift) >> shift;
}

static bool
is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

bool
chek__field_is_empty(const struct chek_field_shape *field, const void *record)
{
    const uint8_t *at = (const uint8_t *)record + field->offset;
    struct chek_bytes_view view;
    const void *inner;
    uint32_t count;
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_TEXT:
    case CHEK_SHAPE_BYTES:
        memcpy(&view, at, sizeof view);
        return view.size == 0;
    case CHEK_SHAPE_LIST:
    case CHEK_SHAPE_BLOBS:
        memcpy(&count, (const uint8_t *)record + field->count_offset, sizeof count);
        return count == 0;
    case CHEK_SHAPE_RECORD:
        memcpy(&inner, at, sizeof inner);
        return inner == NULL;
    case CHEK_SHAPE_WIDE:
    case CHEK_SHAPE_ID128:
        return is_zero(at, ID_SIZE);
    default:
        return is_zero(at, field->size);
    }
}

bool
chek__field_is_currency(const struct chek_field_shape *field)
{
    return field->type == CHEK_SHAPE_U16 && strcmp(chek__field_name(field), "currency") == 0;
}

/* Bytes as hexadecimal digits behind what is there. */
static struct chek_bytes_view
hex_text(struct chek_bytes_view bytes, size_t at, char text[CHEK__FIELD_TEXT_MAX + 8])
{
    for (size_t i = 0; i < bytes.size && at + 2 <= CHEK__FIELD_TEXT_MAX + 7; i++, at += 2) {
        (void)snprintf(text + at, 3, "%02x", bytes.bytes[i]);
    }
    return chek_bytes_view_of(text, at);
}

struct chek_bytes_view
chek__blob_text(struct chek_bytes_view blob, char text[CHEK__FIELD_TEXT_MAX + 8])
{
    bool is_text = blob.size != 0 && chek_utf8_is_valid(blob) &&
                   (blob.size < 4 || memcmp(blob.bytes, "hex:", 4) != 0);
    if (is_text) {
        return blob;
    }
    memcpy(text, "hex:", 4);
    return hex_text(blob, 4, text);
}

static struct chek_bytes_view
named(const char *name)
{
    return chek_bytes_view_text(name);
}

struct chek_bytes_view
chek__field_text(const struct chek_field_shape *field, const void *record,
                 char text[CHEK__FIELD_TEXT_MAX + 8])
{
    uint64_t value;
    struct chek_bytes_view view;
    const uint8_t *at = (const uint8_t *)record + field->offset;
    if (chek__field_is_currency(field)) {
        return named(chek_currency_name((uint16_t)chek__field_unsigned(field, record)));
    }
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_FLAG:
        return named(*at != 0 ? "true" : "false");
    case CHEK_SHAPE_SIGNED:
    case CHEK_SHAPE_MONEY:
    case CHEK_SHAPE_QUANTITY:
        return chek_bytes_view_of(
            text, chek__i128_text((chek_i128)chek__field_signed(field, record), 0, text));
    case CHEK_SHAPE_CIVIL:
        return chek_bytes_view_of(text, chek_civil_write(chek__field_signed(field, record), text));
    case CHEK_SHAPE_TEXT:
        memcpy(&view, at, sizeof view);
        return view;
    case CHEK_SHAPE_ID128:
        return hex_text(chek_bytes_view_of(at, ID_SIZE), 0, text);
    case CHEK_SHAPE_ENUM:
        value = chek__field_unsigned(field, record);
        return named(value <= field->max ? field->value_names[value] : "?");
    default:
        return chek_bytes_view_of(
            text, chek__i128_text((chek_i128)chek__field_unsigned(field, record), 0, text));
    }
}
