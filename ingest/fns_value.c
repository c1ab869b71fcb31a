/* SPDX-License-Identifier: MIT */
/*
 * fns_value.c - puts each value of a receipt's JSON where its name says.
 */
#include <string.h>

#include "engine/base/decimal.h"
#include "ingest/fns_raw.h"

#define TEXT_SIZE_MAX 2048    /* kept of one value */
#define BASE64_SIZE_MAX 90000 /* of a document of 64 KiB; a longer one is none */

/* A name and its size, which tells most of them apart; without a text there is none. */
struct name {
    const char *text;
    size_t size;
};

#define NAMES(name, a, b, c) {{a, sizeof(a) - 1}, {b, sizeof(b) - 1}, {c, sizeof(c) - 1}},
static const struct name field_names[FNS_FIELD_COUNT][3] = {FNS_FIELDS(NAMES)};
static const struct name line_names[FNS_LINE_FIELD_COUNT][3] = {FNS_LINE_FIELDS(NAMES)};
#undef NAMES

/* The receipt that is gathered, and the member whose value comes. */
struct gathering {
    struct ingest__fns_raw *raw;
    struct chek_arena *arena;
    const char *name;
};

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* A copy without the spaces that pad fixed-width tags. */
static struct ingest__fns_value
value_keep(struct gathering *to, struct chek_bytes_view text, enum ingest__fns_type type)
{
    while (text.size > 0 && is_blank(text.bytes[text.size - 1])) {
        text.size -= 1;
    }
    while (text.size > 0 && is_blank(text.bytes[0])) {
        text.bytes += 1;
        text.size -= 1;
    }
    text = chek_utf8_clip(text, TEXT_SIZE_MAX);
    uint8_t *copy = chek_arena_take(to->arena, text.size + 1);
    if (copy == NULL) {
        to->raw->exhausted = true;
        return (struct ingest__fns_value){0};
    }
    if (text.size != 0) {
        memcpy(copy, text.bytes, text.size);
    }
    return (struct ingest__fns_value){.text = chek_bytes_view_of(copy, text.size), .type = type};
}

/* The place of the pending name among the fields; `count` when it is none of them. */
static size_t
field_find(const struct gathering *to, const struct name (*names)[3], size_t count)
{
    size_t size = strlen(to->name);
    for (size_t i = 0; i < count; i++) {
        for (size_t j = 0; j < 3 && names[i][j].text != NULL; j++) {
            const struct name *name = &names[i][j];
            if (name->size == size && memcmp(name->text, to->name, size) == 0) {
                return i;
            }
        }
    }
    return count;
}

/* The first of several names for one field stays, unless it was empty. */
static void
field_put(struct gathering *to, struct ingest__fns_value *field, struct chek_bytes_view text,
          enum ingest__fns_type type)
{
    if (field->type == FNS_ABSENT || field->text.size == 0) {
        *field = value_keep(to, text, type);
    }
}

static struct ingest__fns_line *
line_now(struct gathering *to)
{
    uint32_t count = to->raw->line_count;
    return count > 0 && count <= CHEK_LINE_COUNT_MAX ? to->raw->lines[count - 1] : NULL;
}

static void
marking_put(struct gathering *to, struct chek_bytes_view text)
{
    struct ingest__fns_line *line = line_now(to);
    if (line != NULL && text.size != 0 && line->marking_count < FNS_MARKING_COUNT_MAX) {
        line->markings[line->marking_count++] = value_keep(to, text, FNS_STRING).text;
    }
}

/* A member of an object inside a line. */
static void
code_put(struct gathering *to, enum ingest__fns_level kind, struct chek_bytes_view text,
         enum ingest__fns_type type)
{
    struct ingest__fns_line *line = line_now(to);
    if (strcmp(to->name, "rawProductCode") == 0 && kind == LEVEL_MARKING) {
        marking_put(to, text);
    } else if (strcmp(to->name, "gtin") == 0 && line != NULL) {
        field_put(to, &line->fields[FNS_LINE_GTIN], text, type);
    }
}

static void
line_put(struct gathering *to, struct chek_bytes_view text, enum ingest__fns_type type)
{
    struct ingest__fns_line *line = line_now(to);
    size_t at = field_find(to, line_names, FNS_LINE_FIELD_COUNT);
    if (at < FNS_LINE_FIELD_COUNT && line != NULL) {
        field_put(to, &line->fields[at], text, type);
    } else if (strcmp(to->name, "rawProductCode") == 0) {
        marking_put(to, text);
    }
}

static void
amount_put(struct gathering *to, struct chek_bytes_view text, enum ingest__fns_type type)
{
    uint32_t count = to->raw->amount_count;
    if (count == 0 || count > FNS_AMOUNT_COUNT_MAX) {
        return;
    }
    struct ingest__fns_amount *amount = &to->raw->amounts[count - 1];
    if (strcmp(to->name, "nds") == 0) {
        amount->code = value_keep(to, text, type);
    } else if (strcmp(to->name, "ndsSum") == 0) {
        amount->sum = value_keep(to, text, type);
    }
}

/* The bytes that a receipt came from, unless they are more than a document can be. */
static void
bytes_put(struct gathering *to, struct chek_bytes_view text, enum ingest__fns_type type)
{
    if (type != FNS_STRING || text.size == 0 || text.size > BASE64_SIZE_MAX) {
        return;
    }
    uint8_t *copy = chek_arena_take(to->arena, text.size);
    if (copy == NULL) {
        to->raw->exhausted = true;
        return;
    }
    memcpy(copy, text.bytes, text.size);
    to->raw->signed_bytes = chek_bytes_view_of(copy, text.size);
}

void
ingest__fns_value_put(struct ingest__fns_raw *raw, struct chek_arena *arena,
                      enum ingest__fns_level level, const char *name, struct chek_bytes_view text,
                      enum ingest__fns_type type)
{
    struct gathering to = {.raw = raw, .arena = arena, .name = name};
    size_t at;
    switch (level) {
    case LEVEL_RECEIPT:
        at = field_find(&to, field_names, FNS_FIELD_COUNT);
        if (at < FNS_FIELD_COUNT) {
            field_put(&to, &raw->fields[at], text, type);
        } else if (strcmp(name, "rawData") == 0 || strcmp(name, "raw_data") == 0) {
            bytes_put(&to, text, type);
        }
        return;
    case LEVEL_BUYER:
        at = field_find(&to, field_names, FNS_FIELD_COUNT);
        if (at == FNS_BUYER_NAME || at == FNS_BUYER_INN) {
            field_put(&to, &raw->fields[at], text, type);
        }
        return;
    case LEVEL_ITEM:
        line_put(&to, text, type);
        return;
    case LEVEL_AMOUNT:
        amount_put(&to, text, type);
        return;
    case LEVEL_MARKING:
    case LEVEL_BARCODE:
        code_put(&to, level, text, type);
        return;
    default:
        return;
    }
}

/* ---- read as numbers -------------------------------------------------------------------------- */

int
ingest__fns_number(const struct ingest__fns_value *value, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;
    int error = ingest__fns_is_given(value) ? chek_decimal_read_u64(value->text, &number) : CHEK_OK;
    if (ingest__fns_is_flag(value)) {
        error = CHEK_E_NUMBER;
    }
    if (error != CHEK_OK) {
        return error;
    }
    if (number > max) {
        return CHEK_E_RANGE;
    }
    *ret = number;
    return CHEK_OK;
}

int
ingest__fns_money(const struct ingest__fns_value *value, bool roubles, int64_t *ret)
{
    int64_t amount = 0;
    int error = ingest__fns_is_given(value)
                    ? chek_decimal_read(value->text, roubles ? 2 : 0, &amount)
                    : CHEK_OK;
    if (ingest__fns_is_flag(value)) {
        error = CHEK_E_NUMBER;
    }
    if (error == CHEK_OK) {
        *ret = amount;
    }
    return error;
}
