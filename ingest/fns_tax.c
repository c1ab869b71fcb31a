/* SPDX-License-Identifier: MIT */
/*
 * fns_tax.c - the VAT of a Russian receipt: on its lines, or on the whole.
 *
 * A receipt says its VAT twice or once: by line (a code of the rate, often without the sum) and by
 * the whole (a field for each of the old rates, a list for the new ones). Where every line has its
 * sum the lines carry the taxes; else the whole does, with the receipt's own figures, for sums
 * rounded by line and by total differ and the document is right. Only a receipt that has codes and
 * no sums at all gets them computed.
 */
#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "ingest/fns_raw.h"

#define CODE_COUNT 13
#define YEAR_2019 INT64_C(1546300800) /* from then on the basic rate is 20 % */

/* By VAT code (tag 1199). The basic rate of codes 1 and 3 is that of the receipt's day. */
static const struct ingest__fns_rate rates[CODE_COUNT] = {
    [1] = {CHEK_TAX_KIND_VAT, 20000},
    [2] = {CHEK_TAX_KIND_VAT, 10000},
    [3] = {CHEK_TAX_KIND_VAT_EXTRACTED, 20000},
    [4] = {CHEK_TAX_KIND_VAT_EXTRACTED, 10000},
    [5] = {CHEK_TAX_KIND_VAT, 0},
    [6] = {CHEK_TAX_KIND_NONE, 0},
    [7] = {CHEK_TAX_KIND_VAT, 5000},
    [8] = {CHEK_TAX_KIND_VAT, 7000},
    [9] = {CHEK_TAX_KIND_VAT_EXTRACTED, 5000},
    [10] = {CHEK_TAX_KIND_VAT_EXTRACTED, 7000},
    [11] = {CHEK_TAX_KIND_VAT, 22000},
    [12] = {CHEK_TAX_KIND_VAT_EXTRACTED, 22000},
};

/* The code that a field of its own stands for, in the order of the fields. */
static const uint8_t field_codes[FNS_VAT_FIELD_COUNT] = {1, 2, 5, 6, 3, 4};

struct ingest__fns_rate
ingest__fns_rate_of(uint64_t code, int64_t time)
{
    struct ingest__fns_rate rate = rates[code];
    if ((code == 1 || code == 3) && time < YEAR_2019) {
        rate.rate = 18000;
    }
    return rate;
}

static int
code_read(const struct ingest__fns_value *value, uint16_t field, uint32_t index, uint64_t *ret,
          struct chek_fault *fault)
{
    uint64_t code = 0;
    int error = ingest__fns_number(value, CODE_COUNT - 1, &code);
    if (error == CHEK_OK && code == 0 && ingest__fns_is_given(value)) {
        error = CHEK_E_RANGE;
    }
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, field, index);
    }
    *ret = code;
    return CHEK_OK;
}

/* Taxes being gathered for a line or for the whole. */
struct taxes {
    struct chek_tax *list;
    uint32_t count;
};

/* Add a tax; the same rate twice is one row. */
static int
tax_add(struct taxes *taxes, struct ingest__fns_rate rate, int64_t sum, int64_t turnover,
        uint32_t index, struct chek_fault *fault)
{
    for (uint32_t i = 0; i < taxes->count; i++) {
        struct chek_tax *tax = &taxes->list[i];
        if (tax->kind == rate.kind && tax->rate == rate.rate) {
            int error = chek_money_add(&tax->sum, sum);
            error = error == CHEK_OK ? chek_money_add(&tax->turnover, turnover) : error;
            return error == CHEK_OK ? CHEK_OK
                                    : ingest__fns_fault(fault, error, CHEK_FIELD_TAX_SUM, index);
        }
    }
    if (taxes->count == CHEK_TAX_COUNT_MAX) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_TAXES, index);
    }
    taxes->list[taxes->count++] =
        (struct chek_tax){.kind = rate.kind, .rate = rate.rate, .sum = sum, .turnover = turnover};
    return CHEK_OK;
}

/* The fields of their own: VAT, or the turnover where there is no VAT. */
static int
fields_add(const struct ingest__fns_value *fields, bool roubles, int64_t time, struct taxes *taxes,
           uint32_t index, struct chek_fault *fault)
{
    for (uint32_t i = 0; i < FNS_VAT_FIELD_COUNT; i++) {
        int64_t value = 0;
        int error = ingest__fns_money(&fields[i], roubles, &value);
        if (error != CHEK_OK) {
            return ingest__fns_fault(fault, error, CHEK_FIELD_TAX_SUM, index);
        }
        if (value != 0) {
            struct ingest__fns_rate rate = ingest__fns_rate_of(field_codes[i], time);
            error = rate.rate != 0 ? tax_add(taxes, rate, value, 0, index, fault)
                                   : tax_add(taxes, rate, 0, value, index, fault);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

/* ---- by line ---------------------------------------------------------------------------------- */

/* What a line says of its VAT. */
struct line_vat {
    uint64_t code; /* 0: none */
    bool has_fields, has_sum;
};

static int
line_code_read(const struct ingest__fns_line *raw, uint32_t index, uint64_t *ret,
               struct chek_fault *fault)
{
    return code_read(&raw->fields[FNS_LINE_VAT_CODE], CHEK_FIELD_LINE_TAXES, index, ret, fault);
}

static int
line_vat_read(const struct ingest__fns_line *raw, uint32_t index, struct line_vat *ret,
              struct chek_fault *fault)
{
    struct line_vat vat = {.has_sum = ingest__fns_is_given(&raw->fields[FNS_LINE_VAT_SUM])};
    int error = line_code_read(raw, index, &vat.code, fault);
    for (uint32_t i = 0; i < FNS_VAT_FIELD_COUNT; i++) {
        vat.has_fields =
            vat.has_fields || ingest__fns_is_given(&raw->fields[FNS_LINE_VAT_BASIC + i]);
    }
    vat.has_sum = vat.has_sum || (vat.code != 0 && rates[vat.code].rate == 0);
    *ret = vat;
    return error;
}

/* Give a line its tax; `computes`: also when the source has no sum. */
static int
line_tax(const struct ingest__fns_raw *raw, uint32_t index, bool roubles, bool computes,
         struct chek_arena *arena, struct chek_receipt *receipt, struct chek_line *line,
         struct chek_fault *fault)
{
    const struct ingest__fns_line *source = raw->lines[index];
    struct taxes taxes = {.list = chek_arena_take(arena, CHEK_TAX_COUNT_MAX * sizeof *taxes.list)};
    struct line_vat vat;
    int64_t sum = 0;
    if (taxes.list == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_LINE_TAXES, index);
    }
    int error = line_vat_read(source, index, &vat, fault);
    if (error != CHEK_OK) {
        return error;
    }
    if (vat.code != 0) {
        struct ingest__fns_rate rate = ingest__fns_rate_of(vat.code, receipt->time);
        error = ingest__fns_money(&source->fields[FNS_LINE_VAT_SUM], roubles, &sum);
        if (error != CHEK_OK) {
            return ingest__fns_fault(fault, error, CHEK_FIELD_TAX_SUM, index);
        }
        if (!vat.has_sum && computes && chek_money_is_valid(line->sum)) {
            sum = chek_money_tax_included(line->sum, rate.rate);
        }
        error = tax_add(&taxes, rate, rate.rate != 0 ? sum : 0, 0, index, fault);
    } else {
        error = fields_add(&source->fields[FNS_LINE_VAT_BASIC], roubles, receipt->time, &taxes,
                           index, fault);
    }
    line->taxes = taxes.list;
    line->taxes_count = taxes.count;
    return error;
}

static int
lines_tax(const struct ingest__fns_raw *raw, bool roubles, bool computes, struct chek_arena *arena,
          struct chek_receipt *receipt, struct chek_line *lines, struct chek_fault *fault)
{
    int error = CHEK_OK;
    for (uint32_t i = 0; i < raw->line_count && error == CHEK_OK; i++) {
        error = line_tax(raw, i, roubles, computes, arena, receipt, &lines[i], fault);
    }
    return error;
}

/* ---- of the whole ----------------------------------------------------------------------------- */

/* The turnover of a rate as the codes of the lines give it; 0 when they do not. */
static int64_t
turnover_of_lines(const struct ingest__fns_raw *raw, const struct chek_receipt *receipt,
                  const struct chek_tax *tax)
{
    int64_t turnover = 0;
    for (uint32_t i = 0; i < raw->line_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        struct chek_fault fault;
        uint64_t code = 0;
        if (line_code_read(raw->lines[i], i, &code, &fault) != CHEK_OK || code == 0) {
            return 0;
        }
        struct ingest__fns_rate rate = ingest__fns_rate_of(code, receipt->time);
        if (rate.kind == tax->kind && rate.rate == tax->rate &&
            chek_money_add(&turnover, line->storno ? -line->sum : line->sum) != CHEK_OK) {
            return 0;
        }
    }
    return turnover;
}

/*
 * Without codes the turnover of a rate is what its VAT follows from. The rates together are the
 * total, so that what rounding leaves goes to the largest: with one unknown it is exact.
 */
static void
turnovers_derive(const struct chek_receipt *receipt, struct taxes *taxes)
{
    int64_t left = receipt->total;
    struct chek_tax *largest = NULL;
    for (uint32_t i = 0; i < taxes->count; i++) {
        struct chek_tax *tax = &taxes->list[i];
        bool derived = tax->turnover == 0 && tax->rate != 0;
        if (derived) {
            chek_i128 turnover =
                ((chek_i128)tax->sum * (100000 + (int64_t)tax->rate) + tax->rate / 2) / tax->rate;
            tax->turnover = turnover <= CHEK_MONEY_MAX ? (int64_t)turnover : receipt->total;
        }
        if (__builtin_sub_overflow(left, tax->turnover, &left)) {
            return;
        }
        if (derived && (largest == NULL || tax->turnover > largest->turnover)) {
            largest = tax;
        }
    }
    /* More than rounding is another thing: a part of the total that no rate is stated for. */
    int64_t rounding = 11 * ((int64_t)receipt->lines_count + 1);
    if (largest != NULL && left >= -rounding && left <= rounding && largest->turnover + left > 0) {
        largest->turnover += left;
    }
}

static int
amounts_add(const struct ingest__fns_raw *raw, bool roubles, int64_t time, struct taxes *taxes,
            struct chek_fault *fault)
{
    if (raw->amount_count > FNS_AMOUNT_COUNT_MAX) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_TAXES, 0);
    }
    for (uint32_t i = 0; i < raw->amount_count; i++) {
        uint64_t code = 0;
        int64_t sum = 0;
        int error = code_read(&raw->amounts[i].code, CHEK_FIELD_RECEIPT_TAXES, i, &code, fault);
        if (error == CHEK_OK && ingest__fns_money(&raw->amounts[i].sum, roubles, &sum) != CHEK_OK) {
            error = ingest__fns_fault(fault, CHEK_E_NUMBER, CHEK_FIELD_TAX_SUM, i);
        }
        if (error == CHEK_OK && code != 0) {
            struct ingest__fns_rate rate = ingest__fns_rate_of(code, time);
            error = rate.rate != 0 ? tax_add(taxes, rate, sum, 0, i, fault)
                                   : tax_add(taxes, rate, 0, sum, i, fault);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

/* Turnovers of rates that only the lines tell of: 0 % and no VAT are left out of the whole. */
static int
untaxed_add(const struct ingest__fns_raw *raw, const struct chek_receipt *receipt,
            struct taxes *taxes, struct chek_fault *fault)
{
    for (uint64_t code = 5; code <= 6; code++) {
        struct chek_tax tax = {.kind = rates[code].kind};
        bool known = false;
        for (uint32_t i = 0; i < taxes->count; i++) {
            known = known || (taxes->list[i].kind == tax.kind && taxes->list[i].rate == 0);
        }
        int64_t turnover = known ? 0 : turnover_of_lines(raw, receipt, &tax);
        int error = turnover > 0 ? tax_add(taxes, rates[code], 0, turnover, 0, fault) : CHEK_OK;
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static int
whole_tax(const struct ingest__fns_raw *raw, struct chek_receipt *receipt, struct taxes *taxes,
          struct chek_fault *fault)
{
    for (uint32_t i = 0; i < taxes->count; i++) {
        struct chek_tax *tax = &taxes->list[i];
        int64_t turnover = tax->turnover == 0 ? turnover_of_lines(raw, receipt, tax) : 0;
        tax->turnover = turnover > 0 ? turnover : tax->turnover;
    }
    int error = untaxed_add(raw, receipt, taxes, fault);
    turnovers_derive(receipt, taxes);
    receipt->taxes = taxes->list;
    receipt->taxes_count = taxes->count;
    return error;
}

int
ingest__fns_taxes(const struct ingest__fns_raw *raw, bool roubles, struct chek_arena *arena,
                  struct chek_receipt *receipt, struct chek_line *lines, struct chek_fault *fault)
{
    bool every_line = raw->line_count != 0;
    struct taxes whole = {.list = chek_arena_take(arena, CHEK_TAX_COUNT_MAX * sizeof *whole.list)};
    if (whole.list == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_TAXES, 0);
    }
    for (uint32_t i = 0; i < raw->line_count; i++) {
        struct line_vat vat;
        int error = line_vat_read(raw->lines[i], i, &vat, fault);
        if (error != CHEK_OK) {
            return error;
        }
        every_line = every_line && (vat.has_fields || (vat.code != 0 && vat.has_sum));
    }
    int error = fields_add(&raw->fields[FNS_VAT_BASIC], roubles, receipt->time, &whole, 0, fault);
    if (error == CHEK_OK) {
        error = amounts_add(raw, roubles, receipt->time, &whole, fault);
    }
    if (error != CHEK_OK) {
        return error;
    }
    if (every_line || whole.count == 0) {
        return lines_tax(raw, roubles, !every_line, arena, receipt, lines, fault);
    }
    return whole_tax(raw, receipt, &whole, fault);
}
