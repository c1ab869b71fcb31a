/* SPDX-License-Identifier: MIT */
/*
 * fns_line.c - the lines of a Russian receipt.
 */
#include "engine/base/decimal.h"
#include "ingest/fns_raw.h"

#define UNIT_SIZE_MAX 16
#define GTIN_MAX UINT64_C(99999999999999)

/*
 * Decimal text with more digits than the scale holds, rounded half up. For what is not fiscal:
 * price and quantity of a line, whose sum stands by itself.
 */
static int
decimal_round(struct chek_bytes_view text, unsigned scale, int64_t *ret)
{
    size_t point = 0;
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
        error = decimal_round(fields[FNS_LINE_PRICE].text, roubles ? 2 : 0, &line->price);
    }
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_LINE_PRICE, index);
    }
    if (ingest__fns_is_given(&fields[FNS_LINE_QUANTITY])) {
        error = decimal_round(fields[FNS_LINE_QUANTITY].text, 6, &line->quantity);
    }
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_LINE_QUANTITY, index);
    }
    return CHEK_OK;
}

static int
line_make(const struct ingest__fns_line *raw, bool roubles, uint32_t index, struct chek_line *line,
          struct chek_fault *fault)
{
    uint64_t settlement = 0;
    uint64_t subject = 0;
    uint64_t gtin = 0;
    *line = (struct chek_line){
        .storno = raw->storno,
        .name = ingest__fns_text(&raw->fields[FNS_LINE_NAME], CHEK_TEXT_SIZE_MAX),
        .unit = unit_of(raw),
        .markings = raw->markings,
        .markings_count = raw->marking_count,
    };
    for (uint32_t i = 0; i < raw->marking_count; i++) {
        if (raw->markings[i].size > CHEK_MARKING_SIZE_MAX) {
            return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_LINE_MARKINGS, index);
        }
    }
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
        int error = line_make(raw->lines[i], roubles, i, &lines[i], fault);
        if (error != CHEK_OK) {
            return error;
        }
    }
    receipt->lines = lines;
    receipt->lines_count = raw->line_count;
    *ret = lines;
    return CHEK_OK;
}
