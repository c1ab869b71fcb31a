/* SPDX-License-Identifier: MIT */
#include "ingest/record_build.h"

#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "engine/base/money.h"
#include "engine/base/utf8.h"

#define ID_SIZE 16

static const struct chek_record_shape *
shape_find(uint16_t number)
{
    for (size_t i = 0; i < chek_record_shape_count; i++) {
        if (chek_record_shapes[i]->number == number) {
            return chek_record_shapes[i];
        }
    }
    return NULL;
}

/* "line.price" is "price" inside a line. */
static const struct chek_field_shape *
field_find(const struct chek_record_shape *shape, struct chek_bytes_view name)
{
    for (size_t i = 0; i < shape->field_count; i++) {
        const char *dot = strrchr(shape->fields[i].name, '.');
        const char *own = dot != NULL ? dot + 1 : shape->fields[i].name;
        if (chek_bytes_view_equal(chek_bytes_view_text(own), name)) {
            return &shape->fields[i];
        }
    }
    return NULL;
}

static uint8_t *
record_make(struct chek_arena *arena, const struct chek_record_shape *shape)
{
    uint8_t *record = chek_arena_take(arena, shape->struct_size);
    if (record != NULL) {
        memset(record, 0, shape->struct_size);
    }
    return record;
}

int
chek_record_build_begin(struct chek_record_build *build, struct chek_arena *arena, uint16_t number,
                        void *ret)
{
    *build = (struct chek_record_build){.arena = arena};
    build->levels[0].shape = shape_find(number);
    build->levels[0].record = record_make(arena, build->levels[0].shape);
    if (build->levels[0].record == NULL) {
        return CHEK_E_LIMIT;
    }
    build->depth = 1;
    memcpy(ret, &build->levels[0].record, sizeof build->levels[0].record);
    return CHEK_OK;
}

/*
 * Room for one more element of a list. An array that is full is copied into one of twice the size:
 * its elements are closed by then, so nothing points into it.
 */
static int
element_make(struct chek_arena *arena, const struct chek_field_shape *field, uint8_t *record,
             size_t element_size, uint8_t **ret)
{
    uint8_t *elements;
    uint32_t count;
    memcpy(&elements, record + field->offset, sizeof elements);
    memcpy(&count, record + field->count_offset, sizeof count);
    if (count >= field->max) {
        return CHEK_E_LIMIT;
    }
    if ((count & (count - 1)) == 0 || count == 0) {
        size_t capacity = count == 0 ? 1 : (size_t)count * 2;
        uint8_t *larger = chek_arena_take(arena, capacity * element_size);
        if (larger == NULL) {
            return CHEK_E_LIMIT;
        }
        if (count != 0) {
            memcpy(larger, elements, count * element_size);
        }
        elements = larger;
        memcpy(record + field->offset, &elements, sizeof elements);
    }
    *ret = elements + count * element_size;
    memset(*ret, 0, element_size);
    count += 1;
    memcpy(record + field->count_offset, &count, sizeof count);
    return CHEK_OK;
}

static int
inner_make(struct chek_arena *arena, const struct chek_field_shape *field, uint8_t *record,
           uint8_t **ret)
{
    uint8_t *inner;
    memcpy(&inner, record + field->offset, sizeof inner);
    if (inner != NULL) {
        return CHEK_E_EXISTS;
    }
    inner = record_make(arena, field->record);
    if (inner == NULL) {
        return CHEK_E_LIMIT;
    }
    memcpy(record + field->offset, &inner, sizeof inner);
    *ret = inner;
    return CHEK_OK;
}

int
chek_record_build_open(struct chek_record_build *build, struct chek_bytes_view name,
                       uint16_t *ret_field)
{
    const struct chek_record_shape *shape = build->levels[build->depth - 1].shape;
    uint8_t *record = build->levels[build->depth - 1].record;
    const struct chek_field_shape *field = field_find(shape, name);
    uint8_t *inner = NULL;
    bool is_list = field != NULL && field->type == CHEK_SHAPE_LIST;

    *ret_field = field != NULL ? field->number : 0;
    if (field == NULL || (!is_list && field->type != CHEK_SHAPE_RECORD)) {
        return CHEK_E_FIELD_UNKNOWN;
    }
    if (build->depth == CHEK_RECORD_BUILD_DEPTH_MAX) {
        return CHEK_E_LIMIT;
    }
    int error = is_list
                    ? element_make(build->arena, field, record, field->record->struct_size, &inner)
                    : inner_make(build->arena, field, record, &inner);
    if (error != CHEK_OK) {
        return error;
    }
    build->levels[build->depth].shape = field->record;
    build->levels[build->depth].record = inner;
    build->depth += 1;
    return CHEK_OK;
}

void
chek_record_build_close(struct chek_record_build *build)
{
    build->depth -= build->depth > 1;
}

int
chek_record_build_return(struct chek_record_build *build, struct chek_bytes_view shape_name)
{
    for (uint32_t depth = build->depth; depth > 0; depth--) {
        const char *name = build->levels[depth - 1].shape->name;
        if (chek_bytes_view_equal(chek_bytes_view_text(name), shape_name)) {
            build->depth = depth;
            return CHEK_OK;
        }
    }
    return CHEK_E_FIELD_UNKNOWN;
}

/* ---- values ----------------------------------------------------------------------------------- */

static int
hex_read(struct chek_bytes_view digits, uint8_t *ret)
{
    if (digits.size % 2 != 0) {
        return CHEK_E_NUMBER;
    }
    for (size_t i = 0; i < digits.size; i++) {
        uint8_t byte = digits.bytes[i];
        uint8_t letter = byte | 0x20;
        bool is_digit = byte >= '0' && byte <= '9';
        if (!is_digit && (letter < 'a' || letter > 'f')) {
            return CHEK_E_NUMBER;
        }
        uint8_t value = (uint8_t)(is_digit ? byte - '0' : letter - 'a' + 10);
        ret[i / 2] = (uint8_t)(i % 2 == 0 ? value << 4 : ret[i / 2] | value);
    }
    return CHEK_OK;
}

static int
bytes_copy(struct chek_arena *arena, struct chek_bytes_view text, struct chek_bytes_view *ret)
{
    uint8_t *copy = chek_arena_take(arena, text.size + 1);
    if (copy == NULL) {
        return CHEK_E_LIMIT;
    }
    if (text.size != 0) {
        memcpy(copy, text.bytes, text.size);
    }
    *ret = chek_bytes_view_of(copy, text.size);
    return CHEK_OK;
}

static int
text_set(struct chek_arena *arena, const struct chek_field_shape *field,
         struct chek_bytes_view text, uint8_t *at)
{
    struct chek_bytes_view copy;
    if (text.size > field->max) {
        return CHEK_E_LIMIT;
    }
    if (!chek_utf8_is_valid(text)) {
        return CHEK_E_TEXT;
    }
    int error = bytes_copy(arena, text, &copy);
    if (error == CHEK_OK) {
        memcpy(at, &copy, sizeof copy);
    }
    return error;
}

/* Hexadecimal digits, as exports have them. */
static int
bytes_set(struct chek_arena *arena, const struct chek_field_shape *field,
          struct chek_bytes_view text, uint8_t *at)
{
    struct chek_bytes_view view;
    if (text.size / 2 > field->max) {
        return CHEK_E_LIMIT;
    }
    uint8_t *bytes = chek_arena_take(arena, text.size / 2 + 1);
    if (bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    int error = hex_read(text, bytes);
    if (error == CHEK_OK) {
        view = chek_bytes_view_of(bytes, text.size / 2);
        memcpy(at, &view, sizeof view);
    }
    return error;
}

static int
blob_add(struct chek_arena *arena, const struct chek_field_shape *field,
         struct chek_bytes_view text, uint8_t *record)
{
    struct chek_bytes_view copy;
    uint8_t *at;
    bool is_hex = text.size >= 4 && memcmp(text.bytes, "hex:", 4) == 0;
    int error = bytes_copy(arena, text, &copy);
    if (error == CHEK_OK && is_hex) {
        uint8_t *bytes = chek_arena_take(arena, text.size);
        error = bytes == NULL ? CHEK_E_LIMIT
                              : hex_read(chek_bytes_view_of(text.bytes + 4, text.size - 4), bytes);
        copy = chek_bytes_view_of(bytes, (text.size - 4) / 2);
    }
    if (error == CHEK_OK && copy.size > field->element_size_max) {
        error = CHEK_E_LIMIT;
    }
    if (error == CHEK_OK) {
        error = element_make(arena, field, record, sizeof copy, &at);
    }
    if (error == CHEK_OK) {
        memcpy(at, &copy, sizeof copy);
    }
    return error;
}

static int
unsigned_set(const struct chek_field_shape *field, struct chek_bytes_view text, uint8_t *at)
{
    uint64_t value;
    bool has_max = field->type == CHEK_SHAPE_NUMBER || field->type == CHEK_SHAPE_RATE;
    int error = chek_decimal_read_u64(text, &value);
    if (error != CHEK_OK) {
        return error;
    }
    if ((field->size < 8 && value >> field->size * 8u != 0) || (has_max && value > field->max)) {
        return CHEK_E_RANGE;
    }
    memcpy(at, &value, field->size);
    return CHEK_OK;
}

static int
signed_set(const struct chek_field_shape *field, struct chek_bytes_view text, uint8_t *at)
{
    int64_t value;
    int error = field->type == CHEK_SHAPE_CIVIL ? chek_civil_read(text, &value)
                                                : chek_decimal_read(text, 0, &value);
    if (error != CHEK_OK) {
        return error;
    }
    unsigned spare = 64 - field->size * 8u;
    if ((int64_t)((uint64_t)value << spare) >> spare != value) {
        return CHEK_E_RANGE;
    }
    memcpy(at, &value, field->size);
    return CHEK_OK;
}

static int
enum_set(const struct chek_field_shape *field, struct chek_bytes_view text, uint8_t *at)
{
    for (uint64_t i = 0; i <= field->max; i++) {
        if (chek_bytes_view_equal(chek_bytes_view_text(field->value_names[i]), text)) {
            memcpy(at, &i, field->size);
            return CHEK_OK;
        }
    }
    return CHEK_E_RANGE;
}

static int
flag_set(struct chek_bytes_view text, uint8_t *at)
{
    bool is_true = chek_bytes_view_equal(text, chek_bytes_view_text("true"));
    if (!is_true && !chek_bytes_view_equal(text, chek_bytes_view_text("false"))) {
        return CHEK_E_RANGE;
    }
    *at = is_true;
    return CHEK_OK;
}

/* By its alphabetic code, as chek shows it. */
static int
currency_set(struct chek_bytes_view text, uint8_t *at)
{
    char name[4] = "";
    uint16_t currency = 0;
    if (text.size < sizeof name) {
        memcpy(name, text.bytes, text.size);
        currency = chek_currency_find(name);
    }
    memcpy(at, &currency, sizeof currency);
    return currency != 0 ? CHEK_OK : CHEK_E_CURRENCY;
}

static int
id_set(struct chek_bytes_view text, uint8_t *at)
{
    uint8_t id[ID_SIZE];
    int error = text.size == 2 * sizeof id ? hex_read(text, id) : CHEK_E_NUMBER;
    if (error == CHEK_OK) {
        memcpy(at, id, sizeof id);
    }
    return error;
}

static int
utc_set(struct chek_bytes_view text, uint8_t *at)
{
    uint64_t utc_us;
    int error = chek_civil_read_utc(text, &utc_us);
    if (error == CHEK_OK) {
        memcpy(at, &utc_us, sizeof utc_us);
    }
    return error;
}

static bool
is_currency(const struct chek_field_shape *field, struct chek_bytes_view name)
{
    return field->type == CHEK_SHAPE_U16 &&
           chek_bytes_view_equal(name, chek_bytes_view_text("currency"));
}

/* NOLINTNEXTLINE(readability-function-size): one row per type */
int
chek_record_build_set(struct chek_record_build *build, struct chek_bytes_view name,
                      struct chek_bytes_view text, uint16_t *ret_field)
{
    uint8_t *record = build->levels[build->depth - 1].record;
    const struct chek_field_shape *field = field_find(build->levels[build->depth - 1].shape, name);
    *ret_field = field != NULL ? field->number : 0;
    if (field == NULL) {
        return CHEK_E_FIELD_UNKNOWN;
    }
    uint8_t *at = record + field->offset;
    if (is_currency(field, name)) {
        return currency_set(text, at);
    }
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_FLAG:
        return flag_set(text, at);
    case CHEK_SHAPE_U8:
    case CHEK_SHAPE_U16:
    case CHEK_SHAPE_U32:
    case CHEK_SHAPE_U64:
    case CHEK_SHAPE_NUMBER:
    case CHEK_SHAPE_RATE:
        return unsigned_set(field, text, at);
    case CHEK_SHAPE_SIGNED:
    case CHEK_SHAPE_MONEY:
    case CHEK_SHAPE_QUANTITY:
    case CHEK_SHAPE_CIVIL:
        return signed_set(field, text, at);
    case CHEK_SHAPE_TEXT:
        return text_set(build->arena, field, text, at);
    case CHEK_SHAPE_ID128:
        return id_set(text, at);
    case CHEK_SHAPE_ENUM:
        return enum_set(field, text, at);
    case CHEK_SHAPE_BYTES:
        return bytes_set(build->arena, field, text, at);
    case CHEK_SHAPE_BLOBS:
        return blob_add(build->arena, field, text, record);
    case CHEK_SHAPE_UTC:
        return utc_set(text, at);
    case CHEK_SHAPE_WIDE:
    case CHEK_SHAPE_RECORD:
    case CHEK_SHAPE_LIST:
        return CHEK_E_FIELD_UNKNOWN; /* no document has them as values */
    }
    return CHEK_E_FIELD_UNKNOWN;
}
