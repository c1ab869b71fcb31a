/* SPDX-License-Identifier: MIT */
/*
 * fns_line.c - the lines of a Russian receipt.
 */
#include <string.h>

#include "engine/base/decimal.h"
#include "ingest/fns_raw.h"
#include "ingest/marking.h"

#define UNIT_SIZE_MAX 16
#define GTIN_MAX UINT64_C(99999999999999)

static int
number_round(const struct ingest__fns_value *from, unsigned scale, int64_t *ret)
{
    int64_t value = from->number;
    int64_t digit = 0; /* the last that was cut off */
    if (from->decimals <= scale) {
        return ingest__fns_decimal(from, scale, ret);
    }
    for (unsigned i = scale; i < from->decimals; i++) {
        digit = value % 10;
        value /= 10;
    }
    *ret = value + (digit >= 5);
    return CHEK_OK;
}

/*
 * A decimal with more digits than the scale holds, rounded half up. For what is not fiscal: price
 * and quantity of a line, whose sum stands by itself.
 */
static int
decimal_round(const struct ingest__fns_value *from, unsigned scale, int64_t *ret)
{
    struct chek_bytes_view text = from->text;
    size_t point = 0;
    if (from->type == FNS_DECIMAL) {
        return number_round(from, scale, ret);
    }
    if (ingest__fns_is_flag(from)) {
        return CHEK_E_NUMBER;
    }
    while (point < text.size && text.bytes[point] != '.') {
        point += 1;
    }
    size_t kept = point + 1 + scale;
    if (text.size <= kept) {
        return chek_decimal_read(text, scale, ret);
    }
    for (size_t i = kept; i < text.size; i++) {
        if (text.bytes[i] < '0' || text.bytes[i] > '9') {
            return CHEK_E_NUMBER;
        }
    }
    int64_t value;
    bool up = text.bytes[kept] >= '5';
    text.size = scale == 0 ? point : kept;
    int error = chek_decimal_read(text, scale, &value);
    if (error == CHEK_OK && __builtin_add_overflow(value, up, &value)) {
        error = CHEK_E_OVERFLOW;
    }
    if (error == CHEK_OK) {
        *ret = value;
    }
    return error;
}

/* Whether a decimal says more than zero: it has another digit. */
static bool
is_above_zero(const struct ingest__fns_value *value)
{
    struct chek_bytes_view text = value->text;
    if (value->type == FNS_DECIMAL) {
        return value->number != 0;
    }
    for (size_t i = 0; i < text.size; i++) {
        if (text.bytes[i] >= '1' && text.bytes[i] <= '9') {
            return true;
        }
    }
    return false;
}

/* Names of the measures of tag 2108. */
static const struct measure {
    uint8_t code;
    const char *name;
} measures[] = {
    {0, "шт"},  {10, "г"},     {11, "кг"},    {12, "т"},     {20, "см"},    {21, "дм"},
    {22, "м"},  {30, "см²"},   {31, "дм²"},   {32, "м²"},    {40, "мл"},    {41, "л"},
    {42, "м³"}, {50, "кВт·ч"}, {51, "Гкал"},  {70, "сут"},   {71, "ч"},     {72, "мин"},
    {73, "с"},  {80, "Кбайт"}, {81, "Мбайт"}, {82, "Гбайт"}, {83, "Тбайт"},
};

static struct chek_bytes_view
unit_of(const struct ingest__fns_line *raw)
{
    uint64_t code = 0;
    const struct ingest__fns_value *measure = &raw->fields[FNS_LINE_MEASURE];
    if (ingest__fns_is_given(&raw->fields[FNS_LINE_UNIT])) {
        return ingest__fns_text(&raw->fields[FNS_LINE_UNIT], UNIT_SIZE_MAX);
    }
    if (ingest__fns_is_given(measure) && ingest__fns_number(measure, UINT8_MAX, &code) == CHEK_OK) {
        for (size_t i = 0; i < CHEK_COUNT(measures); i++) {
            if (measures[i].code == code) {
                return chek_bytes_view_text(measures[i].name);
            }
        }
    }
    return chek_bytes_view_of("", 0);
}

static int
line_amounts(const struct ingest__fns_line *raw, bool roubles, uint32_t index,
             struct chek_line *line, struct chek_fault *fault)
{
    const struct ingest__fns_value *fields = raw->fields;
    int error = CHEK_OK;
    if (!ingest__fns_is_given(&fields[FNS_LINE_SUM])) {
        return ingest__fns_fault(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_LINE_SUM, index);
    }
    error = ingest__fns_money(&fields[FNS_LINE_SUM], roubles, &line->sum);
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_LINE_SUM, index);
    }
    if (ingest__fns_is_given(&fields[FNS_LINE_PRICE])) {
        error = decimal_round(&fields[FNS_LINE_PRICE], roubles ? 2 : 0, &line->price);
    }
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_LINE_PRICE, index);
    }
    if (ingest__fns_is_given(&fields[FNS_LINE_QUANTITY])) {
        error = decimal_round(&fields[FNS_LINE_QUANTITY], 6, &line->quantity);
        if (error == CHEK_OK && line->quantity == 0 && is_above_zero(&fields[FNS_LINE_QUANTITY])) {
            error = CHEK_E_RANGE; /* something was sold, and nothing of it would be left */
        }
    }
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_LINE_QUANTITY, index);
    }
    return CHEK_OK;
}

/* A code's canonical text, so that a good has one name in every dialect; what has no structure that
 * we know, or is too long, stays as it is. */
static int
marking_add(struct chek_line *line, struct chek_bytes_view *markings,
            const struct chek_marking *marking, struct chek_bytes_view code,
            struct chek_arena *arena)
{
    line->gtin = line->gtin == 0 ? marking->gtin : line->gtin;
    if (marking->kind == CHEK_MARKING_KIND_BARCODE ||
        line->markings_count == FNS_MARKING_COUNT_MAX) {
        return CHEK_OK;
    }
    if (marking->kind != CHEK_MARKING_KIND_UNKNOWN && marking->text_size != 0) {
        char *text = chek_arena_take(arena, marking->text_size);
        if (text == NULL) {
            return CHEK_E_LIMIT;
        }
        memcpy(text, marking->text, marking->text_size);
        code = chek_bytes_view_of(text, marking->text_size);
    }
    markings[line->markings_count++] = code;
    return code.size <= CHEK_MARKING_SIZE_MAX ? CHEK_OK : CHEK_E_LIMIT;
}

/* The codes of a line: of FFD 1.2 as they were printed; else tag 1162, which may be hexadecimal. */
static int
markings_make(const struct ingest__fns_line *raw, struct chek_arena *arena, struct chek_line *line)
{
    const struct ingest__fns_value *tag = &raw->fields[FNS_LINE_CODE_1162];
    struct chek_bytes_view *markings =
        chek_arena_take(arena, (FNS_MARKING_COUNT_MAX + 1) * sizeof *markings);
    struct chek_marking marking;
    int error = markings != NULL ? CHEK_OK : CHEK_E_LIMIT;
    for (uint32_t i = 0; i < raw->marking_count && error == CHEK_OK; i++) {
        chek_marking_read(raw->markings[i], &marking);
        error = marking_add(line, markings, &marking, raw->markings[i], arena);
    }
    if (error == CHEK_OK && line->markings_count == 0 && ingest__fns_is_given(tag)) {
        if (chek_marking_read_hex(tag->text, &marking) != CHEK_OK ||
            marking.kind == CHEK_MARKING_KIND_UNKNOWN) {
            chek_marking_read(tag->text, &marking);
        }
        if (marking.kind != CHEK_MARKING_KIND_UNKNOWN) {
            error = marking_add(line, markings, &marking, tag->text, arena);
        }
    }
    line->markings = markings;
    return error;
}

static int
line_make(const struct ingest__fns_line *raw, bool roubles, uint32_t index,
          struct chek_arena *arena, struct chek_line *line, struct chek_fault *fault)
{
    uint64_t settlement = 0;
    uint64_t subject = 0;
    uint64_t gtin = 0;
    *line = (struct chek_line){
        .storno = raw->storno,
        .name = ingest__fns_text(&raw->fields[FNS_LINE_NAME], CHEK_TEXT_SIZE_MAX),
        .unit = unit_of(raw),
    };
    if (ingest__fns_number(&raw->fields[FNS_LINE_SETTLEMENT], UINT8_MAX, &settlement) != CHEK_OK) {
        return ingest__fns_fault(fault, CHEK_E_RANGE, CHEK_FIELD_LINE_SETTLEMENT, index);
    }
    if (ingest__fns_number(&raw->fields[FNS_LINE_SUBJECT], UINT8_MAX, &subject) != CHEK_OK) {
        return ingest__fns_fault(fault, CHEK_E_RANGE, CHEK_FIELD_LINE_SUBJECT, index);
    }
    /* A GTIN that is none is a product's trouble, not the receipt's. */
    if (ingest__fns_number(&raw->fields[FNS_LINE_GTIN], GTIN_MAX, &gtin) == CHEK_OK) {
        line->gtin = gtin;
    }
    if (markings_make(raw, arena, line) != CHEK_OK) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_LINE_MARKINGS, index);
    }
    line->settlement = (uint8_t)settlement;
    line->subject = (uint8_t)subject;
    return line_amounts(raw, roubles, index, line, fault);
}

int
ingest__fns_lines(const struct ingest__fns_raw *raw, bool roubles, struct chek_arena *arena,
                  struct chek_receipt *receipt, struct chek_line **ret, struct chek_fault *fault)
{
    struct chek_line *lines = chek_arena_take(arena, (raw->line_count + 1) * sizeof *lines);
    if (lines == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_LINES, 0);
    }
    for (uint32_t i = 0; i < raw->line_count; i++) {
        int error = line_make(raw->lines[i], roubles, i, arena, &lines[i], fault);
        if (error != CHEK_OK) {
            return error;
        }
    }
    receipt->lines = lines;
    receipt->lines_count = raw->line_count;
    *ret = lines;
    return CHEK_OK;
}
