/* SPDX-License-Identifier: MIT */
#include "tools/chek/json.h"

#include <stdio.h>
#include <string.h>
#include <yajl/yajl_gen.h>

#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "engine/wire/shape.h"
#include "tools/chek/field_text.h"
#include "tools/chek/text_table.h"

/* ---- the generator ---------------------------------------------------------------------------- */

static void
print(void *context, const char *text, size_t size)
{
    (void)fwrite(text, 1, size, context);
}

static yajl_gen
generator_make(FILE *out)
{
    yajl_gen generator = yajl_gen_alloc(NULL);
    (void)yajl_gen_config(generator, yajl_gen_print_callback, print, out);
    return generator;
}

static yajl_gen
generator(struct chek__run *run)
{
    if (run->generator == NULL) {
        run->generator = generator_make(stdout);
    }
    return run->generator;
}

static void
string(yajl_gen json, struct chek_bytes_view text)
{
    (void)yajl_gen_string(json, text.size != 0 ? text.bytes : (const uint8_t *)"", text.size);
}

static void
name_put(yajl_gen json, const char *name)
{
    if (name != NULL) {
        string(json, chek_bytes_view_text(name));
    }
}

void
chek__json_open(struct chek__run *run)
{
    (void)yajl_gen_map_open(generator(run));
}

void
chek__json_close(struct chek__run *run)
{
    (void)yajl_gen_map_close(generator(run));
}

void
chek__json_end(struct chek__run *run)
{
    yajl_gen_free(run->generator);
    run->generator = NULL;
    (void)fputc('\n', stdout);
}

void
chek__json_text(struct chek__run *run, const char *name, struct chek_bytes_view text)
{
    name_put(generator(run), name);
    string(generator(run), text);
}

void
chek__json_list_open(struct chek__run *run, const char *name)
{
    name_put(generator(run), name);
    (void)yajl_gen_array_open(generator(run));
}

void
chek__json_list_close(struct chek__run *run)
{
    (void)yajl_gen_array_close(generator(run));
}

void
chek__json_number(struct chek__run *run, const char *name, int64_t value)
{
    name_put(generator(run), name);
    (void)yajl_gen_integer(generator(run), value);
}

void
chek__json_flag(struct chek__run *run, const char *name, bool value)
{
    name_put(generator(run), name);
    (void)yajl_gen_bool(generator(run), value);
}

void
chek__json_null(struct chek__run *run, const char *name)
{
    name_put(generator(run), name);
    (void)yajl_gen_null(generator(run));
}

void
chek__json_currency(struct chek__run *run, uint16_t currency)
{
    const char *code = chek_currency_name(currency != 0 ? currency : RUN_CURRENCY_DEFAULT);
    chek__json_text(run, "currency", chek_bytes_view_text(code));
}

/* ---- records by their shapes ------------------------------------------------------------------ */

static void record_put(struct chek__run *run, const struct chek_record_shape *shape,
                       const void *record);

static void
number_put(yajl_gen json, chek_i128 value)
{
    char text[TABLE_MONEY_TEXT_MAX];
    size_t size = chek__i128_text(value, 0, text);
    (void)yajl_gen_number(json, text, size);
}

static void
civil_put(yajl_gen json, int64_t civil_s)
{
    char text[CHEK_CIVIL_TEXT_MAX];
    if (civil_s == 0) {
        (void)yajl_gen_null(json);
        return;
    }
    string(json, chek_bytes_view_of(text, chek_civil_write(civil_s, text)));
}

static void
utc_put(yajl_gen json, uint64_t utc_us)
{
    char text[CHEK_CIVIL_TEXT_MAX];
    if (utc_us == 0) {
        (void)yajl_gen_null(json);
        return;
    }
    string(json, chek_bytes_view_of(text, chek_civil_write_utc(utc_us, text)));
}

/* Bytes as hexadecimal digits; null when all are zero. */
static void
hex_put(yajl_gen json, const uint8_t *bytes, size_t size)
{
    char text[2 * 320 + 1];
    bool any = false;
    for (size_t i = 0; i < size && 2 * i + 2 < sizeof text; i++) {
        (void)snprintf(text + 2 * i, 3, "%02x", bytes[i]);
        any = any || bytes[i] != 0;
    }
    if (any) {
        string(json, chek_bytes_view_of(text, 2 * size));
    } else {
        (void)yajl_gen_null(json);
    }
}

static void
list_put(struct chek__run *run, const struct chek_field_shape *field, const uint8_t *record)
{
    const uint8_t *elements;
    uint32_t count;
    memcpy(&elements, record + field->offset, sizeof elements);
    memcpy(&count, record + field->count_offset, sizeof count);
    (void)yajl_gen_array_open(generator(run));
    for (uint32_t i = 0; i < count; i++) {
        if (field->type == CHEK_SHAPE_BLOBS) {
            struct chek_bytes_view blob;
            memcpy(&blob, elements + i * sizeof blob, sizeof blob);
            string(generator(run), blob);
        } else {
            record_put(run, field->record, elements + i * field->record->struct_size);
        }
    }
    (void)yajl_gen_array_close(generator(run));
}

static void
inner_put(struct chek__run *run, const struct chek_field_shape *field, const uint8_t *record)
{
    const void *inner;
    memcpy(&inner, record + field->offset, sizeof inner);
    if (inner == NULL) {
        (void)yajl_gen_null(generator(run));
    } else {
        record_put(run, field->record, inner);
    }
}

static void
view_put(yajl_gen json, const struct chek_field_shape *field, const uint8_t *at)
{
    struct chek_bytes_view view;
    memcpy(&view, at, sizeof view);
    if (field->type == CHEK_SHAPE_TEXT) {
        string(json, view);
    } else {
        hex_put(json, view.bytes, view.size);
    }
}

static void
wide_put(yajl_gen json, const uint8_t *at)
{
    chek_i128 value;
    memcpy(&value, at, sizeof value);
    number_put(json, value);
}

static void
enum_put(yajl_gen json, const struct chek_field_shape *field, uint64_t value)
{
    const char *name = value <= field->max ? field->value_names[value] : "?";
    string(json, chek_bytes_view_text(name));
}

/* NOLINTNEXTLINE(readability-function-size): one row per type */
static void
value_put(struct chek__run *run, const struct chek_field_shape *field, const uint8_t *record)
{
    yajl_gen json = generator(run);
    const uint8_t *at = record + field->offset;
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_FLAG:
        (void)yajl_gen_bool(json, *at != 0);
        return;
    case CHEK_SHAPE_U8:
    case CHEK_SHAPE_U16:
    case CHEK_SHAPE_U32:
    case CHEK_SHAPE_U64:
    case CHEK_SHAPE_NUMBER:
    case CHEK_SHAPE_RATE:
        number_put(json, (chek_i128)chek__field_unsigned(field, record));
        return;
    case CHEK_SHAPE_SIGNED:
    case CHEK_SHAPE_MONEY:
    case CHEK_SHAPE_QUANTITY:
        number_put(json, chek__field_signed(field, record));
        return;
    case CHEK_SHAPE_WIDE:
        wide_put(json, at);
        return;
    case CHEK_SHAPE_CIVIL:
        civil_put(json, chek__field_signed(field, record));
        return;
    case CHEK_SHAPE_UTC:
        utc_put(json, chek__field_unsigned(field, record));
        return;
    case CHEK_SHAPE_TEXT:
    case CHEK_SHAPE_BYTES:
        view_put(json, field, at);
        return;
    case CHEK_SHAPE_ID128:
        hex_put(json, at, 16);
        return;
    case CHEK_SHAPE_ENUM:
        enum_put(json, field, chek__field_unsigned(field, record));
        return;
    case CHEK_SHAPE_RECORD:
        inner_put(run, field, record);
        return;
    case CHEK_SHAPE_LIST:
    case CHEK_SHAPE_BLOBS:
        list_put(run, field, record);
        return;
    }
}

static void
fields_put(struct chek__run *run, const struct chek_record_shape *shape, const void *record)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct chek_field_shape *field = &shape->fields[i];
        const char *name = chek__field_name(field);
        if (chek__field_is_currency(field)) {
            chek__json_currency(run, (uint16_t)chek__field_unsigned(field, record));
            continue;
        }
        name_put(generator(run), name);
        value_put(run, field, record);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): records are nested as deep as protocol.def says */
static void
record_put(struct chek__run *run, const struct chek_record_shape *shape, const void *record)
{
    (void)yajl_gen_map_open(generator(run));
    fields_put(run, shape, record);
    (void)yajl_gen_map_close(generator(run));
}

static const struct chek_record_shape *
shape_of(uint16_t number)
{
    for (size_t i = 0; i < chek_record_shape_count; i++) {
        if (chek_record_shapes[i]->number == number) {
            return chek_record_shapes[i];
        }
    }
    return NULL;
}

/* ---- what is given ---------------------------------------------------------------------------- */

static void given_put(struct chek__run *run, const struct chek_record_shape *shape,
                      const void *record);

/* A list, its elements as what they give. */
static void
given_list_put(struct chek__run *run, const struct chek_field_shape *field, const uint8_t *record)
{
    const uint8_t *elements;
    uint32_t count;
    char text[CHEK__FIELD_TEXT_MAX + 8];
    memcpy(&elements, record + field->offset, sizeof elements);
    memcpy(&count, record + field->count_offset, sizeof count);
    (void)yajl_gen_array_open(generator(run));
    for (uint32_t i = 0; i < count; i++) {
        struct chek_bytes_view blob;
        if (field->type == CHEK_SHAPE_LIST) {
            given_put(run, field->record, elements + i * field->record->struct_size);
            continue;
        }
        memcpy(&blob, elements + i * sizeof blob, sizeof blob);
        string(generator(run), chek__blob_text(blob, text));
    }
    (void)yajl_gen_array_close(generator(run));
}

/* NOLINTNEXTLINE(misc-no-recursion): records are nested as deep as protocol.def says */
static void
given_put(struct chek__run *run, const struct chek_record_shape *shape, const void *record)
{
    (void)yajl_gen_map_open(generator(run));
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct chek_field_shape *field = &shape->fields[i];
        const void *inner;
        if (chek__field_is_empty(field, record)) {
            continue;
        }
        name_put(generator(run), chek__field_name(field));
        if (field->type == CHEK_SHAPE_LIST || field->type == CHEK_SHAPE_BLOBS) {
            given_list_put(run, field, record);
        } else if (field->type == CHEK_SHAPE_RECORD) {
            memcpy(&inner, (const uint8_t *)record + field->offset, sizeof inner);
            given_put(run, field->record, inner);
        } else if (chek__field_is_currency(field)) {
            string(generator(run), chek_bytes_view_text(chek_currency_name(
                                       (uint16_t)chek__field_unsigned(field, record))));
        } else {
            value_put(run, field, record);
        }
    }
    (void)yajl_gen_map_close(generator(run));
}

void
chek__json_given(struct chek__run *run, const char *name, uint16_t number, const void *record)
{
    if (record != NULL) {
        name_put(generator(run), name);
        given_put(run, shape_of(number), record);
    }
}

void
chek__json_fields(struct chek__run *run, uint16_t number, const void *record)
{
    fields_put(run, shape_of(number), record);
}

void
chek__json_record(struct chek__run *run, const char *name, uint16_t number, const void *record)
{
    name_put(generator(run), name);
    if (record == NULL) {
        (void)yajl_gen_null(generator(run));
    } else {
        record_put(run, shape_of(number), record);
    }
}

/* ---- errors ----------------------------------------------------------------------------------- */

static void
error_text(yajl_gen json, const char *name, const char *text)
{
    name_put(json, name);
    if (text == NULL || text[0] == 0) {
        (void)yajl_gen_null(json);
    } else {
        string(json, chek_bytes_view_text(text));
    }
}

void
chek__json_error(struct chek__run *run, const char *code, const char *field, const char *text,
                 const char *hint)
{
    yajl_gen json = generator_make(stderr);
    (void)run;
    (void)yajl_gen_map_open(json);
    error_text(json, "code", code);
    error_text(json, "field", field);
    error_text(json, "text", text);
    error_text(json, "hint", hint);
    (void)yajl_gen_map_close(json);
    (void)fputc('\n', stderr);
    yajl_gen_free(json);
}
