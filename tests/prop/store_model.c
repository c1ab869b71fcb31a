/* SPDX-License-Identifier: MIT */
/* store_model.c - see the header. */
#include "tests/prop/store_model.h"

uint32_t
store_model_find(const struct store_model *model, uint32_t registration, uint32_t ordinal)
{
    uint32_t i = 0;
    while (i < model->row_count &&
           (model->rows[i].registration != registration || model->rows[i].ordinal != ordinal)) {
        i += 1;
    }
    return i;
}

static int64_t
taxes_sum(const struct chek_tax *taxes, uint32_t count)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += taxes[i].sum;
    }
    return sum;
}

static void
lines_count(const struct chek_receipt *receipt, struct chek_scan_row *ret)
{
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        int64_t tax = taxes_sum(line->taxes, line->taxes_count);
        if (line->kind == CHEK_LINE_KIND_DISCOUNT) {
            tax = -tax;
        }
        if (line->storno) {
            tax = -tax;
        }
        ret->tax += tax;
        if (line->kind == CHEK_LINE_KIND_COMMODITY && line->storno) {
            ret->gross -= line->sum;
        } else if (line->kind == CHEK_LINE_KIND_COMMODITY) {
            ret->gross += line->sum;
            ret->position_count += 1;
        }
    }
}

static void
receipt_count(const struct chek_receipt *receipt, struct chek_scan_row *ret)
{
    int64_t paid = 0;
    ret->time = receipt->time;
    ret->operation = receipt->operation;
    ret->offline = receipt->offline;
    ret->total = receipt->total;
    ret->document = receipt->document;
    ret->sign = receipt->sign;
    ret->autonomous = receipt->autonomous;
    ret->tax = taxes_sum(receipt->taxes, receipt->taxes_count);
    if (receipt->discount != NULL) {
        ret->tax -= taxes_sum(receipt->discount->taxes, receipt->discount->taxes_count);
    }
    if (receipt->markup != NULL) {
        ret->tax += taxes_sum(receipt->markup->taxes, receipt->markup->taxes_count);
    }
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        ret->payments[receipt->payments[i].kind] += receipt->payments[i].sum;
        paid += receipt->payments[i].sum;
    }
    if (paid > receipt->total) {
        ret->payments[CHEK_PAYMENT_KIND_CASH] -= receipt->change;
    }
    lines_count(receipt, ret);
}

struct chek_scan_row
store_model_scan_row(const struct chek_row *row, const struct chek_document *document)
{
    struct chek_scan_row ret = {.row = *row};
    ret.row.cell = (struct chek_bytes_view){0};
    if (document->receipt != NULL) {
        receipt_count(document->receipt, &ret);
    } else if (document->movement != NULL) {
        ret.time = document->movement->time;
        ret.operation = document->movement->direction;
        ret.offline = document->movement->offline;
        ret.total = document->movement->sum;
        ret.document = document->movement->document;
        ret.autonomous = document->movement->autonomous;
    } else {
        ret.time = document->close->time;
        ret.document = document->close->document;
        ret.sign = document->close->sign;
    }
    return ret;
}

static bool
passes(const struct store_model *model, const struct chek_scan_filter *filter, uint32_t index)
{
    const struct chek_row *row = &model->rows[index];
    int64_t time = store_model_scan_row(row, &model->documents[index]).time;
    bool wanted = filter->registrations == NULL;
    for (uint32_t i = 0; !wanted && i < filter->registration_count; i++) {
        wanted = filter->registrations[i] == row->registration;
    }
    if (filter->registrations != NULL && filter->registration_count == 1) {
        wanted = wanted && row->ordinal >= filter->ordinal_min;
    }
    return wanted && time >= filter->time_min &&
           (filter->time_max == 0 || time <= filter->time_max) && row->shift >= filter->shift_min &&
           (filter->shift_max == 0 || row->shift <= filter->shift_max) &&
           (filter->warnings == 0 || (row->warnings & filter->warnings) != 0) &&
           (filter->with_replaced || !row->replaced);
}

static bool
is_before(const struct chek_row *a, const struct chek_row *b)
{
    return a->registration != b->registration ? a->registration < b->registration
                                              : a->ordinal < b->ordinal;
}

/* Sort the numbers of the rows of a segment, by insertion. */
static void
segment_sort(const struct store_model *model, uint32_t *rows, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        uint32_t row = rows[i];
        uint32_t at = i;
        for (; at > 0 && is_before(&model->rows[row], &model->rows[rows[at - 1]]); at--) {
            rows[at] = rows[at - 1];
        }
        rows[at] = row;
    }
}

uint32_t
store_model_scan(const struct store_model *model, const struct chek_scan_filter *filter,
                 const uint32_t *segment_rows, uint32_t segment_count, uint32_t *ret)
{
    static uint32_t order[STORE_MODEL_ROW_COUNT_MAX];
    uint32_t first = 0;
    for (uint32_t i = 0; i < model->row_count; i++) {
        order[i] = i;
    }
    for (uint32_t i = 0; i < segment_count; i++) {
        segment_sort(model, order + first, segment_rows[i]);
        first += segment_rows[i];
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < model->row_count; i++) {
        if (passes(model, filter, order[i])) {
            ret[count++] = order[i];
        }
    }
    return count;
}

bool
store_model_rows_equal(const struct chek_row *a, const struct chek_row *b)
{
    return a->registration == b->registration && a->ordinal == b->ordinal && a->shift == b->shift &&
           a->completes == b->completes && a->warnings == b->warnings && a->binding == b->binding &&
           a->kind == b->kind && a->late == b->late && a->replaced == b->replaced &&
           a->received_us == b->received_us && chek_bytes_view_equal(a->cell, b->cell);
}

bool
store_model_scan_rows_equal(const struct chek_scan_row *a, const struct chek_scan_row *b)
{
    return store_model_rows_equal(&a->row, &b->row) && a->time == b->time &&
           a->operation == b->operation && a->offline == b->offline &&
           a->position_count == b->position_count && a->gross == b->gross && a->total == b->total &&
           a->tax == b->tax && a->document == b->document && a->sign == b->sign &&
           a->autonomous == b->autonomous &&
           memcmp(a->payments, b->payments, sizeof a->payments) == 0;
}
