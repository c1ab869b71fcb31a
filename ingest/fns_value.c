/* SPDX-License-Identifier: MIT */
/*
 * fns_value.c - keeps each value of a receipt where its name says, and reads it as a number.
 */
#include <string.h>

#include "engine/base/decimal.h"
#include "ingest/fns_raw.h"

#define TEXT_SIZE_MAX 2048    /* kept of one value */
#define WHOLE_SIZE_MAX 18     /* digits that fit 63 bits, whatever they are */
#define BASE64_SIZE_MAX 90000 /* of a document of 64 KiB; a longer one is none */

void
ingest__fns_begin(struct ingest__fns_raw *raw)
{
    memset(raw, 0, offsetof(struct ingest__fns_raw, lines));
}

void
ingest__fns_line_begin(struct ingest__fns_raw *raw, struct chek_arena *arena, bool storno)
{
    if (raw->line_count++ >= CHEK_LINE_COUNT_MAX) {
        return; /* counted, so that the receipt is refused */
    }
    struct ingest__fns_line *line = chek_arena_take(arena, sizeof *line);
    if (line == NULL) {
        raw->exhausted = true;
        raw->line_count -= 1;
        return;
    }
    memset(line, 0, offsetof(struct ingest__fns_line, markings));
    line->storno = storno;
    raw->lines[raw->line_count - 1] = line;
}

struct ingest__fns_value *
ingest__fns_amount_target(struct ingest__fns_raw *raw, struct ingest__fns_slot slot)
{
    uint32_t count = raw->amount_count;
    if (count == 0 || count > FNS_AMOUNT_COUNT_MAX) {
        return NULL;
    }
    struct ingest__fns_amount *amount = &raw->amounts[count - 1];
    return slot.kind == SLOT_AMOUNT_CODE  ? &amount->code
           : slot.kind == SLOT_AMOUNT_SUM ? &amount->sum
                                          : NULL;
}

void
ingest__fns_marking_add(struct ingest__fns_raw *raw, struct chek_bytes_view code)
{
    struct ingest__fns_line *line = ingest__fns_line_now(raw);
    if (line != NULL && line->marking_count < FNS_MARKING_COUNT_MAX) {
        line->markings[line->marking_count++] = code;
    }
}

/* ---- values of JSON --------------------------------------------------------------------------- */

static bool
is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct ingest__fns_value
ingest__fns_value_keep(struct ingest__fns_raw *raw, struct chek_arena *arena,
                       struct chek_bytes_view text, enum ingest__fns_type type)
{
    while (text.size > 0 && is_blank(text.bytes[text.size - 1])) {
        text.size -= 1;
    }
    while (text.size > 0 && is_blank(text.bytes[0])) {
        text.bytes += 1;
        text.size -= 1;
    }
    text = chek_utf8_clip(text, TEXT_SIZE_MAX);
    /* A parser checked it, but less strictly, and a NUL can be written as an escape. */
    raw->unsound = raw->unsound || (type == FNS_STRING && !chek_utf8_is_valid(text));
    uint8_t *copy = chek_arena_take(arena, text.size + 1);
    if (copy == NULL) {
        raw->exhausted = true;
        return (struct ingest__fns_value){0};
    }
    if (text.size != 0) {
        memcpy(copy, text.bytes, text.size);
    }
    return (struct ingest__fns_value){.text = chek_bytes_view_of(copy, text.size), .type = type};
}

/* Fields that are numbers whoever writes them; a number may be a text in the others. */
static bool
is_numeric(struct ingest__fns_slot slot)
{
    if (slot.kind == SLOT_LINE) {
        return slot.index >= FNS_LINE_PRICE && slot.index <= FNS_LINE_SUBJECT;
    }
    return slot.kind == SLOT_FIELD && slot.index >= FNS_TOTAL;
}

/* A whole number of JSON as the number that it is, if it is one: most of a receipt's values are. */
static bool
whole_read(struct chek_bytes_view text, struct ingest__fns_value *ret)
{
    int64_t number = 0;
    if (text.size == 0 || text.size > WHOLE_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        unsigned digit = text.bytes[i] - (unsigned)'0';
        if (digit > 9) {
            return false;
        }
        number = number * 10 + digit;
    }
    *ret = (struct ingest__fns_value){.type = FNS_DECIMAL, .number = number};
    return true;
}

/* The bytes that a receipt came from, unless they are more than a document can be. */
static void
bytes_put(struct ingest__fns_raw *raw, struct chek_arena *arena, struct chek_bytes_view text,
          enum ingest__fns_type type)
{
    if (type != FNS_STRING || text.size == 0 || text.size > BASE64_SIZE_MAX) {
        return;
    }
    uint8_t *copy = chek_arena_take(arena, text.size);
    if (copy == NULL) {
        raw->exhausted = true;
        return;
    }
    memcpy(copy, text.bytes, text.size);
    raw->signed_bytes = chek_bytes_view_of(copy, text.size);
}

void
ingest__fns_value_put(struct ingest__fns_raw *raw, struct chek_arena *arena,
                      struct ingest__fns_slot slot, struct chek_bytes_view text,
                      enum ingest__fns_type type)
{
    struct ingest__fns_value *value;
    switch (slot.kind) {
    case SLOT_NONE:
        return;
    case SLOT_MARKING:
        if (text.size != 0) {
            ingest__fns_marking_add(raw, ingest__fns_value_keep(raw, arena, text, FNS_STRING).text);
        }
        return;
    case SLOT_BYTES:
        bytes_put(raw, arena, text, type);
        return;
    default:
        value = ingest__fns_target(raw, slot);
        if (value == NULL || (type == FNS_NUMBER && is_numeric(slot) && whole_read(text, value))) {
            return;
        }
        *value = ingest__fns_value_keep(raw, arena, text, type);
    }
}

/* ---- read as numbers -------------------------------------------------------------------------- */

int
ingest__fns_decimal(const struct ingest__fns_value *value, unsigned scale, int64_t *ret)
{
    int64_t number = value->number;
    if (value->decimals > scale) {
        return CHEK_E_NUMBER;
    }
    for (unsigned i = value->decimals; i < scale; i++) {
        if (__builtin_mul_overflow(number, 10, &number)) {
            return CHEK_E_OVERFLOW;
        }
    }
    *ret = number;
    return CHEK_OK;
}

int
ingest__fns_number(const struct ingest__fns_value *value, uint64_t max, uint64_t *ret)
{
    uint64_t number = 0;
    int64_t whole = 0;
    int error = CHEK_OK;
    if (value->type == FNS_DECIMAL) {
        error = ingest__fns_decimal(value, 0, &whole);
        number = (uint64_t)whole;
    } else if (ingest__fns_is_given(value)) {
        error = ingest__fns_is_flag(value) ? CHEK_E_NUMBER
                                           : chek_decimal_read_u64(value->text, &number);
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
    unsigned scale = roubles ? 2 : 0;
    if (value->type == FNS_DECIMAL) {
        return ingest__fns_decimal(value, scale, ret);
    }
    if (!ingest__fns_is_given(value)) {
        *ret = 0;
        return CHEK_OK;
    }
    return ingest__fns_is_flag(value) ? CHEK_E_NUMBER : chek_decimal_read(value->text, scale, ret);
}
