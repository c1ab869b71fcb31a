/* SPDX-License-Identifier: MIT */
/* records.c - see records.h. */
#include "tests/prop/records.h"

#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"

#define LIST_COUNT_USUAL 4
#define BYTES_SIZE_MAX 16384   /* a document of a feed may be larger, a random one is not */
#define LIST_BUDGET_SIZE 65536 /* a list may have its maximum of elements if they are this small */

const struct chek_record_shape *
records_find(const char *name)
{
    for (size_t i = 0; i < chek_record_shape_count; i++) {
        if (strcmp(chek_record_shapes[i]->name, name) == 0) {
            return chek_record_shapes[i];
        }
    }
    return NULL;
}

/* ---- members by offset ---- */

static const void *
member(const struct chek_field_shape *field, const void *record)
{
    return (const uint8_t *)record + field->offset;
}

static uint32_t
count_of(const struct chek_field_shape *field, const void *record)
{
    uint32_t count;
    memcpy(&count, (const uint8_t *)record + field->count_offset, sizeof count);
    return count;
}

static const void *
pointer_of(const struct chek_field_shape *field, const void *record)
{
    const void *pointer;
    memcpy(&pointer, member(field, record), sizeof pointer);
    return pointer;
}

static struct chek_bytes_view
view_of(const struct chek_field_shape *field, const void *record)
{
    struct chek_bytes_view view;
    memcpy(&view, member(field, record), sizeof view);
    return view;
}

/* A number of up to 8 bytes, sign-extended where the member is signed. */
static uint64_t
number_of(const struct chek_field_shape *field, const void *record)
{
    uint64_t value = 0;
    CHEK_ASSERT(field->size <= sizeof value);
    memcpy(&value, member(field, record), field->size);
    return value;
}

/* ---- random records ---- */

static uint64_t
random_up_to(struct chek_prng *prng, uint64_t max)
{
    uint64_t bits = chek_prng_next(prng) >> chek_prng_below(prng, 64);
    switch (chek_prng_below(prng, 8)) {
    case 0:
        return 0;
    case 1:
        return max;
    case 2:
        return max < UINT64_MAX ? chek_prng_below(prng, max + 1) : bits;
    default:
        return bits <= max ? bits : max - chek_prng_below(prng, max < 3 ? 1 : 3);
    }
}

static struct chek_bytes_view
random_bytes(struct chek_prng *prng, struct chek_arena *arena, size_t size_max)
{
    size_max = size_max > BYTES_SIZE_MAX ? BYTES_SIZE_MAX : size_max;
    size_t size = chek_prng_chance(prng, 30000) ? size_max : chek_prng_below(prng, 20);
    size = size > size_max ? size_max : size;
    uint8_t *bytes = chek_arena_take(arena, size);
    CHEK_ASSERT(bytes != NULL);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)chek_prng_next(prng);
    }
    return chek_bytes_view_of(bytes, size);
}

/* Code points of 1 to 4 bytes, at the edges of their ranges too. */
static struct chek_bytes_view
random_text(struct chek_prng *prng, struct chek_arena *arena, size_t size_max)
{
    static const char *const points[] = {
        "\x01",         "~", "\xc2\x80",     "\xd1\x8f", "\xe0\xa0\x80",
        "\xed\x9f\xbf", "€", "\xef\xbf\xbf", "𐀀",        "\xf4\x8f\xbf\xbf"};
    struct chek_bytes_view view = random_bytes(prng, arena, size_max);
    uint8_t *text = chek_arena_take(arena, view.size);
    CHEK_ASSERT(text != NULL);
    bool plain = chek_prng_chance(prng, 500000);
    size_t at = 0;
    while (at < view.size) {
        const char *point = points[chek_prng_below(prng, CHEK_COUNT(points))];
        if (plain || strlen(point) > view.size - at) {
            text[at] = (uint8_t)(0x20 + view.bytes[at] % 0x5f);
            at += 1;
        } else {
            memcpy(text + at, point, strlen(point));
            at += strlen(point);
        }
    }
    return chek_bytes_view_of(text, view.size);
}

static uint64_t
random_number(const struct chek_field_shape *field, struct chek_prng *prng)
{
    uint64_t value = random_up_to(prng, field->max);
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_SIGNED:
        value = random_up_to(prng, UINT64_MAX);
        return chek_prng_chance(prng, 500000) ? ~value : value;
    case CHEK_SHAPE_CIVIL:
        return CHEK_CIVIL_MIN + value % (CHEK_CIVIL_MAX - CHEK_CIVIL_MIN + 1);
    default:
        return value;
    }
}

static void random_fill(void *record, const struct chek_record_shape *shape, struct chek_prng *prng,
                        struct chek_arena *arena);

static void
random_elements(void *record, const struct chek_field_shape *field, struct chek_prng *prng,
                struct chek_arena *arena)
{
    bool is_list = field->type == CHEK_SHAPE_LIST;
    size_t size = is_list ? field->record->struct_size : sizeof(struct chek_bytes_view);
    uint32_t count = (uint32_t)chek_prng_below(prng, LIST_COUNT_USUAL);
    if (chek_prng_chance(prng, 20000) && field->max * size < LIST_BUDGET_SIZE) {
        count = (uint32_t)field->max;
    }
    count = count > field->max ? (uint32_t)field->max : count;
    uint8_t *elements = count != 0 ? chek_arena_take(arena, count * size) : NULL;
    CHEK_ASSERT(count == 0 || elements != NULL);
    for (uint32_t i = 0; i < count; i++) {
        if (is_list) {
            random_fill(elements + i * size, field->record, prng, arena);
        } else {
            struct chek_bytes_view view = random_bytes(prng, arena, field->element_size_max);
            memcpy(elements + i * size, &view, sizeof view);
        }
    }
    memcpy((uint8_t *)record + field->offset, &elements, sizeof elements);
    memcpy((uint8_t *)record + field->count_offset, &count, sizeof count);
}

static void
random_field(void *record, const struct chek_field_shape *field, struct chek_prng *prng,
             struct chek_arena *arena)
{
    uint8_t *at = (uint8_t *)record + field->offset;
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_TEXT:
    case CHEK_SHAPE_BYTES: {
        struct chek_bytes_view view = field->type == CHEK_SHAPE_TEXT
                                          ? random_text(prng, arena, field->max)
                                          : random_bytes(prng, arena, field->max);
        memcpy(at, &view, sizeof view);
        return;
    }
    case CHEK_SHAPE_LIST:
    case CHEK_SHAPE_BLOBS:
        random_elements(record, field, prng, arena);
        return;
    case CHEK_SHAPE_RECORD: {
        void *inner = records_random(field->record, prng, arena);
        memcpy(at, &inner, sizeof inner);
        return;
    }
    case CHEK_SHAPE_WIDE:
    case CHEK_SHAPE_ID128:
        for (size_t i = 0; i < 16; i++) {
            at[i] = (uint8_t)(chek_prng_next(prng) >> chek_prng_below(prng, 64));
        }
        return;
    case CHEK_SHAPE_FLAG:
        *at = 1;
        return;
    default: {
        uint64_t value = random_number(field, prng);
        memcpy(at, &value, field->size);
        return;
    }
    }
}

static void
random_fill(void *record, const struct chek_record_shape *shape, struct chek_prng *prng,
            struct chek_arena *arena)
{
    memset(record, 0, shape->struct_size);
    uint32_t dense = (uint32_t)chek_prng_below(prng, 1000001);
    for (size_t i = 0; i < shape->field_count; i++) {
        if (shape->fields[i].required || chek_prng_chance(prng, dense)) {
            random_field(record, &shape->fields[i], prng, arena);
        }
    }
}

void *
records_random(const struct chek_record_shape *shape, struct chek_prng *prng,
               struct chek_arena *arena)
{
    void *record = chek_arena_take(arena, shape->struct_size);
    CHEK_ASSERT(record != NULL);
    random_fill(record, shape, prng, arena);
    return record;
}

/* ---- text ---- */

static void
print_text(struct chek_writer *out, const char *text)
{
    chek_writer_bytes(out, text, strlen(text));
}

void
records_print_hex(struct chek_writer *out, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < size; i++) {
        chek_writer_u8(out, (uint8_t)digits[bytes[i] >> 4]);
        chek_writer_u8(out, (uint8_t)digits[bytes[i] & 15]);
    }
}

static void
print_view(struct chek_writer *out, struct chek_bytes_view view)
{
    print_text(out, "x");
    records_print_hex(out, view.bytes, view.size);
}

static void
print_wide(struct chek_writer *out, chek_i128 value)
{
    char digits[48];
    size_t at = sizeof digits;
    chek_u128 rest = value < 0 ? -(chek_u128)value : (chek_u128)value;
    do {
        digits[--at] = (char)('0' + (int)(rest % 10));
        rest /= 10;
    } while (rest != 0);
    if (value < 0) {
        digits[--at] = '-';
    }
    chek_writer_bytes(out, digits + at, sizeof digits - at);
}

static void
print_elements(struct chek_writer *out, const struct chek_field_shape *field, const void *record)
{
    const uint8_t *elements = pointer_of(field, record);
    bool is_list = field->type == CHEK_SHAPE_LIST;
    print_text(out, "[");
    for (uint32_t i = 0; i < count_of(field, record); i++) {
        print_text(out, i != 0 ? "," : "");
        if (is_list) {
            records_print(out, field->record, elements + i * field->record->struct_size);
        } else {
            struct chek_bytes_view view;
            memcpy(&view, elements + i * sizeof view, sizeof view);
            print_view(out, view);
        }
    }
    print_text(out, "]");
}

static bool
is_absent(const struct chek_field_shape *field, const void *record)
{
    static const uint8_t zeros[16];
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_TEXT:
    case CHEK_SHAPE_BYTES:
        return view_of(field, record).size == 0;
    case CHEK_SHAPE_LIST:
    case CHEK_SHAPE_BLOBS:
        return count_of(field, record) == 0;
    case CHEK_SHAPE_RECORD:
        return pointer_of(field, record) == NULL;
    default:
        return memcmp(member(field, record), zeros, field->size) == 0;
    }
}

static void
print_value(struct chek_writer *out, const struct chek_field_shape *field, const void *record)
{
    char digits[24];
    switch ((enum chek_shape_type)field->type) {
    case CHEK_SHAPE_TEXT:
    case CHEK_SHAPE_BYTES:
        print_view(out, view_of(field, record));
        return;
    case CHEK_SHAPE_ID128:
        print_view(out, chek_bytes_view_of(member(field, record), 16));
        return;
    case CHEK_SHAPE_WIDE: {
        chek_i128 value;
        memcpy(&value, member(field, record), sizeof value);
        print_wide(out, value);
        return;
    }
    case CHEK_SHAPE_RECORD:
        records_print(out, field->record, pointer_of(field, record));
        return;
    case CHEK_SHAPE_LIST:
    case CHEK_SHAPE_BLOBS:
        print_elements(out, field, record);
        return;
    case CHEK_SHAPE_SIGNED:
        snprintf(digits, sizeof digits, "%lld", (long long)number_of(field, record));
        break;
    default:
        snprintf(digits, sizeof digits, "%llu", (unsigned long long)number_of(field, record));
        break;
    }
    print_text(out, digits);
}

void
records_print(struct chek_writer *out, const struct chek_record_shape *shape, const void *record)
{
    bool first = true;
    print_text(out, "{");
    for (size_t i = 0; i < shape->field_count; i++) {
        const struct chek_field_shape *field = &shape->fields[i];
        if (!is_absent(field, record)) {
            print_text(out, first ? "" : ",");
            print_text(out, field->name);
            print_text(out, ":");
            print_value(out, field, record);
            first = false;
        }
    }
    print_text(out, "}");
}

size_t
records_read_hex(const char *text, uint8_t *bytes, size_t capacity)
{
    size_t count = 0;
    for (; *text != '\0'; text++) {
        static const char digits[] = "0123456789abcdef";
        const char *digit = strchr(digits, *text);
        if (*text == ' ' || *text == '\n') {
            continue;
        }
        if (digit == NULL || count / 2 == capacity) {
            return SIZE_MAX;
        }
        unsigned value = (unsigned)(digit - digits);
        unsigned high = count % 2 == 0 ? 0 : bytes[count / 2];
        bytes[count / 2] = (uint8_t)(count % 2 == 0 ? value << 4 : high | value);
        count += 1;
    }
    return count % 2 == 0 ? count / 2 : SIZE_MAX;
}
