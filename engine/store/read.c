/* SPDX-License-Identifier: MIT */
/*
 * read.c - values of columns become a document again, field by field as sealer_page.c took it apart;
 * an open row has its document whole.
 */
#include "engine/base/assertion.h"
#include "engine/store/place.h"
#include "engine/store/predict.h"
#include "engine/store/row_source.h"

/* Where the children that were not read yet begin. */
struct reading {
    struct store__source source;
    uint32_t tax, modifier, marking;
};

#define VALUE(column, index) store__source_value(&from->source, STORE__##column, index)

static const struct chek_tax *
read_taxes(struct reading *from, uint32_t count, uint64_t owner_sum)
{
    struct chek_tax *taxes =
        count != 0 ? store__source_take(&from->source, sizeof *taxes, count) : NULL;
    if (taxes == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = from->tax++;
        struct chek_tax *tax = &taxes[i];
        tax->present = (uint32_t)VALUE(TAX_PRESENT, at);
        tax->kind = (uint8_t)VALUE(TAX_KIND, at);
        tax->on_top = VALUE(TAX_ON_TOP, at) != 0;
        tax->rate = (uint32_t)VALUE(TAX_RATE, at);
        tax->turnover = (int64_t)VALUE(TAX_TURNOVER, at);
        uint64_t prediction =
            store__predict_tax(tax->rate, tax->on_top, (uint64_t)tax->turnover, owner_sum);
        tax->sum = (int64_t)store__source_predicted(&from->source, STORE__TAX_SUM, at, prediction);
    }
    return taxes;
}

static const struct chek_modifier *
read_modifier(struct reading *from)
{
    struct chek_modifier *modifier = store__source_take(&from->source, sizeof *modifier, 1);
    if (modifier == NULL) {
        return NULL;
    }
    uint32_t at = from->modifier++;
    modifier->present = (uint32_t)VALUE(MODIFIER_PRESENT, at);
    modifier->sum = (int64_t)VALUE(MODIFIER_SUM, at);
    modifier->name = store__source_text(&from->source, STORE__MODIFIER_NAME, at);
    modifier->taxes_count = (uint32_t)VALUE(MODIFIER_TAX_COUNT, at);
    modifier->taxes = read_taxes(from, modifier->taxes_count, (uint64_t)modifier->sum);
    return modifier;
}

static const struct chek_parent *
read_parent(struct reading *from)
{
    struct chek_parent *parent = store__source_take(&from->source, sizeof *parent, 1);
    if (parent == NULL) {
        return NULL;
    }
    uint32_t at = from->source.first[STORE__PARENT];
    parent->present = (uint32_t)VALUE(PARENT_PRESENT, at);
    parent->document = (uint32_t)VALUE(PARENT_NUMBER, at);
    parent->sign = VALUE(PARENT_SIGN, at);
    parent->time = (int64_t)VALUE(PARENT_TIME, at);
    parent->total = (int64_t)VALUE(PARENT_TOTAL, at);
    parent->registration_number = store__source_text(&from->source, STORE__PARENT_REGISTER, at);
    parent->offline = VALUE(PARENT_OFFLINE, at) != 0;
    parent->shift = (uint32_t)VALUE(PARENT_SHIFT, at);
    return parent;
}

static const struct chek_payment *
read_payments(struct reading *from, uint32_t count, int64_t total)
{
    struct chek_payment *payments =
        count != 0 ? store__source_take(&from->source, sizeof *payments, count) : NULL;
    uint64_t rest = (uint64_t)total;
    if (payments == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = from->source.first[STORE__PAYMENT] + i;
        payments[i].present = (uint32_t)VALUE(PAYMENT_PRESENT, at);
        payments[i].kind = (uint8_t)VALUE(PAYMENT_KIND, at);
        uint64_t sum = store__source_predicted(&from->source, STORE__PAYMENT_SUM, at, rest);
        payments[i].sum = (int64_t)sum;
        rest -= sum;
    }
    return payments;
}

static const struct chek_bytes_view *
read_markings(struct reading *from, uint32_t count)
{
    struct chek_bytes_view *markings =
        count != 0 ? store__source_take(&from->source, sizeof *markings, count) : NULL;
    for (uint32_t i = 0; markings != NULL && i < count; i++) {
        markings[i] = store__source_bytes(&from->source, STORE__MARKING_CONTENT, from->marking++);
    }
    return markings;
}

static void
read_line(struct reading *from, uint32_t at, struct chek_line *line)
{
    line->present = (uint32_t)VALUE(LINE_PRESENT, at);
    line->kind = (uint8_t)VALUE(LINE_KIND, at);
    line->storno = VALUE(LINE_STORNO, at) != 0;
    line->code = store__source_text(&from->source, STORE__LINE_CODE, at);
    line->name = store__source_text(&from->source, STORE__LINE_NAME, at);
    line->section = store__source_text(&from->source, STORE__LINE_SECTION, at);
    line->unit = store__source_text(&from->source, STORE__LINE_UNIT, at);
    line->gtin = VALUE(LINE_GTIN, at);
    line->quantity = (int64_t)VALUE(LINE_QUANTITY, at);
    line->price = (int64_t)VALUE(LINE_PRICE, at);
    line->settlement = (uint8_t)VALUE(LINE_SETTLEMENT, at);
    line->subject = (uint8_t)VALUE(LINE_SUBJECT, at);
    uint64_t prediction = store__predict_line_sum((uint64_t)line->price, (uint64_t)line->quantity);
    line->sum = (int64_t)store__source_predicted(&from->source, STORE__LINE_SUM, at, prediction);
    line->markings_count = (uint32_t)VALUE(LINE_MARKING_COUNT, at);
    line->markings = read_markings(from, line->markings_count);
    line->taxes_count = (uint32_t)VALUE(LINE_TAX_COUNT, at);
    line->taxes = read_taxes(from, line->taxes_count, (uint64_t)line->sum);
}

static const struct chek_line *
read_lines(struct reading *from, uint32_t count)
{
    struct chek_line *lines =
        count != 0 ? store__source_take(&from->source, sizeof *lines, count) : NULL;
    for (uint32_t i = 0; lines != NULL && i < count && from->source.error == CHEK_OK; i++) {
        read_line(from, from->source.first[STORE__LINE] + i, &lines[i]);
    }
    return lines;
}

static void
read_row(struct reading *from, struct chek_row *row)
{
    uint32_t at = from->source.row;
    store__source_head(&from->source, row);
    row->received_us = VALUE(DOCUMENT_RECEIVED, at);
    row->cell = store__source_bytes(&from->source, STORE__DOCUMENT_CELL, at);
}

static uint32_t
read_shift(const struct reading *from, const struct chek_row *row)
{
    uint32_t at = from->source.row;
    bool assigned = (VALUE(DOCUMENT_FLAGS, at) & STORE__FLAG_SHIFT_ASSIGNED) != 0;
    return assigned ? row->shift : (uint32_t)VALUE(DOCUMENT_DOCUMENT_SHIFT, at);
}

static uint32_t
read_number(const struct reading *from, const struct chek_row *row)
{
    return (uint32_t)store__source_predicted(&from->source, STORE__DOCUMENT_NUMBER,
                                             from->source.row, row->ordinal);
}

/* How many there are is not stored: they are read to their end. */
static const struct chek_person *
read_persons(struct reading *from, uint32_t *ret_count)
{
    struct chek_bytes_view bytes =
        store__source_bytes(&from->source, STORE__DOCUMENT_PERSONS, from->source.row);
    if (bytes.size == 0) {
        return NULL;
    }
    struct chek_person *persons =
        store__source_take(&from->source, sizeof *persons, CHEK_PERSON_COUNT_MAX);
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    uint32_t count = 0;
    while (persons != NULL && chek_cursor_left(&in) != 0) {
        if (count == CHEK_PERSON_COUNT_MAX ||
            chek_person_decode(&in, NULL, &persons[count], NULL) != CHEK_OK ||
            persons[count].value.size != 0) {
            store__source_fail(&from->source, CHEK_E_CORRUPT);
            return NULL;
        }
        count += 1;
    }
    *ret_count = persons != NULL ? count : 0;
    return persons;
}

static void
read_receipt_values(struct reading *from, const struct chek_row *row, struct chek_receipt *receipt)
{
    uint32_t at = from->source.row;
    receipt->present = (uint32_t)VALUE(DOCUMENT_PRESENT, at);
    receipt->operation = (uint8_t)VALUE(DOCUMENT_OPERATION, at);
    receipt->time = (int64_t)VALUE(DOCUMENT_TIME, at);
    receipt->shift = read_shift(from, row);
    receipt->document = read_number(from, row);
    receipt->sign = VALUE(DOCUMENT_SIGN, at);
    receipt->autonomous = VALUE(DOCUMENT_AUTONOMOUS, at);
    receipt->offline = (VALUE(DOCUMENT_FLAGS, at) & STORE__FLAG_OFFLINE) != 0;
    receipt->domain = (uint8_t)VALUE(DOCUMENT_DOMAIN, at);
    receipt->operator= store__source_text(&from->source, STORE__DOCUMENT_OPERATOR, at);
    receipt->client = store__source_text(&from->source, STORE__DOCUMENT_CLIENT, at);
    receipt->total = (int64_t)VALUE(DOCUMENT_TOTAL, at);
    receipt->change = (int64_t)VALUE(DOCUMENT_CHANGE, at);
    receipt->form = (uint8_t)VALUE(DOCUMENT_FORM, at);
    receipt->tax_system = (uint8_t)VALUE(DOCUMENT_TAX_SYSTEM, at);
    receipt->number_in_shift = (uint32_t)VALUE(DOCUMENT_NUMBER_IN_SHIFT, at);
    chek_store_u64(receipt->subject, VALUE(DOCUMENT_SUBJECT_LOW, at));
    chek_store_u64(receipt->subject + 8, VALUE(DOCUMENT_SUBJECT_HIGH, at));
    receipt->fiscal_drive = store__source_text(&from->source, STORE__DOCUMENT_FISCAL_DRIVE, at);
    receipt->taken = (int64_t)VALUE(DOCUMENT_TAKEN, at);
    receipt->persons = read_persons(from, &receipt->persons_count);
}

/* Children are read in the order in which they were appended. */
static const struct chek_receipt *
read_receipt(struct reading *from, const struct chek_row *row)
{
    struct chek_receipt *receipt = store__source_take(&from->source, sizeof *receipt, 1);
    if (receipt == NULL) {
        return NULL;
    }
    uint32_t at = from->source.row;
    uint64_t flags = VALUE(DOCUMENT_FLAGS, at);
    read_receipt_values(from, row, receipt);
    receipt->payments_count = (uint32_t)VALUE(DOCUMENT_PAYMENT_COUNT, at);
    receipt->payments = read_payments(from, receipt->payments_count, receipt->total);
    receipt->parent = (flags & STORE__FLAG_PARENT) != 0 ? read_parent(from) : NULL;
    receipt->taxes_count = (uint32_t)VALUE(DOCUMENT_TAX_COUNT, at);
    receipt->taxes = read_taxes(from, receipt->taxes_count, (uint64_t)receipt->total);
    receipt->discount = (flags & STORE__FLAG_DISCOUNT) != 0 ? read_modifier(from) : NULL;
    receipt->markup = (flags & STORE__FLAG_MARKUP) != 0 ? read_modifier(from) : NULL;
    receipt->lines_count = (uint32_t)VALUE(DOCUMENT_LINE_COUNT, at);
    receipt->lines = read_lines(from, receipt->lines_count);
    return receipt;
}

static const struct chek_movement *
read_movement(struct reading *from, const struct chek_row *row)
{
    struct chek_movement *movement = store__source_take(&from->source, sizeof *movement, 1);
    if (movement == NULL) {
        return NULL;
    }
    uint32_t at = from->source.row;
    movement->present = (uint32_t)VALUE(DOCUMENT_PRESENT, at);
    movement->direction = (uint8_t)VALUE(DOCUMENT_OPERATION, at);
    movement->time = (int64_t)VALUE(DOCUMENT_TIME, at);
    movement->shift = read_shift(from, row);
    movement->document = read_number(from, row);
    movement->sum = (int64_t)VALUE(DOCUMENT_TOTAL, at);
    movement->offline = (VALUE(DOCUMENT_FLAGS, at) & STORE__FLAG_OFFLINE) != 0;
    movement->autonomous = VALUE(DOCUMENT_AUTONOMOUS, at);
    movement->operator= store__source_text(&from->source, STORE__DOCUMENT_OPERATOR, at);
    return movement;
}

static const struct chek_close *
read_close(struct reading *from, const struct chek_row *row)
{
    struct chek_close *close = store__source_take(&from->source, sizeof *close, 1);
    if (close == NULL) {
        return NULL;
    }
    uint32_t at = from->source.row;
    close->present = (uint32_t)VALUE(DOCUMENT_PRESENT, at);
    close->time = (int64_t)VALUE(DOCUMENT_TIME, at);
    close->shift = read_shift(from, row);
    close->document = read_number(from, row);
    close->withdraw = (VALUE(DOCUMENT_FLAGS, at) & STORE__FLAG_WITHDRAW) != 0;
    close->operator= store__source_text(&from->source, STORE__DOCUMENT_OPERATOR, at);
    close->sign = VALUE(DOCUMENT_SIGN, at);
    close->figures = store__source_bytes(&from->source, STORE__DOCUMENT_FIGURES, at);
    return close;
}

static const struct chek_register *
read_profile(struct reading *from)
{
    struct chek_bytes_view bytes =
        store__source_text(&from->source, STORE__DOCUMENT_PROFILE, from->source.row);
    if (bytes.size == 0) {
        return NULL;
    }
    struct chek_register *profile = store__source_take(&from->source, sizeof *profile, 1);
    if (profile == NULL) {
        return NULL;
    }
    int error =
        chek_register_decode_whole(bytes.bytes, bytes.size, from->source.arena, profile, NULL);
    if (error != CHEK_OK) {
        store__source_fail(&from->source, error == CHEK_E_LIMIT ? error : CHEK_E_CORRUPT);
    }
    return profile;
}

/* Read what the source is set up for; `row` has registration, ordinal and `replaced`. */
static int
read_document(struct reading *from, struct chek_row *row, struct chek_document *ret)
{
    uint32_t at = from->source.row;
    from->tax = from->source.first[STORE__TAX];
    from->modifier = from->source.first[STORE__MODIFIER];
    from->marking = from->source.first[STORE__MARKING];
    read_row(from, row);
    if (from->source.segment->is_kept && row->kind != CHEK_ROW_CLOSE) {
        return from->source.error != CHEK_OK ? from->source.error : CHEK_E_REMOVED;
    }
    struct chek_document document = {
        .present = (uint32_t)VALUE(DOCUMENT_DOCUMENT_PRESENT, at),
        .registration = (uint32_t)VALUE(DOCUMENT_REGISTRATION_DIFFERENCE, at) ^ row->registration,
        .profile = read_profile(from),
    };
    switch (row->kind) {
    case CHEK_ROW_RECEIPT:
        document.receipt = read_receipt(from, row);
        break;
    case CHEK_ROW_MOVEMENT:
        document.movement = read_movement(from, row);
        break;
    default:
        document.close = read_close(from, row);
        break;
    }
    *ret = document;
    return from->source.error;
}

/* ---- open and sealed ---- */

/* The document lies in the set's memory, which goes when the set was sealed: it is copied. */
static int
open_read(const struct chek_store *store, const struct store__place *place,
          struct chek_arena *arena, struct chek_row *ret_row, struct chek_document *ret)
{
    const struct store__row *row = store__set_row(place->set, place->row);
    size_t size = (size_t)row->document_size + row->cell_size;
    uint8_t *bytes = chek_arena_take(arena, size);
    struct chek_row told =
        store__row_told(row, store__is_replaced(store, place->set->replaced, place->row));
    if (bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    memcpy(bytes, row->bytes, size);
    int error = chek_document_decode_whole(bytes, row->document_size, arena, ret, NULL);
    if (error != CHEK_OK) {
        CHEK_ASSERT(error == CHEK_E_LIMIT); /* it was right when it was appended */
        return error;
    }
    ret->raw = (struct chek_bytes_view){0};
    if (told.cell.size != 0) {
        told.cell.bytes = bytes + row->document_size;
    }
    *ret_row = told;
    return CHEK_OK;
}

static int
sealed_read(const struct chek_store *store, const struct store__place *place,
            struct chek_arena *arena, struct chek_row *ret_row, struct chek_document *ret)
{
    struct reading from;
    uint32_t group = place->row / place->segment->page_row_count;
    int error = store__segment_use(place->segment, group, store->cold);
    if (error != CHEK_OK) {
        return error;
    }
    store__source_init(&from.source, store, place->segment, place->row, arena);
    ret_row->replaced = store__is_replaced(store, place->segment->replaced, place->row);
    error = read_document(&from, ret_row, ret);
    store__segment_done(place->segment, group, store->cold);
    return error;
}

int
chek_store_read(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
                struct chek_arena *arena, struct chek_row *ret_row,
                struct chek_document *ret_document)
{
    struct store__place place;
    if (!store__place_find(store, registration, ordinal, &place)) {
        return CHEK_E_NOT_FOUND;
    }
    struct chek_row row = {.registration = registration, .ordinal = ordinal};
    struct chek_document document;
    size_t mark = chek_arena_mark(arena);
    store->effort->documents += 1;
    int error = place.set != NULL ? open_read(store, &place, arena, &row, &document)
                                  : sealed_read(store, &place, arena, &row, &document);
    if (error != CHEK_OK) {
        chek_arena_rewind(arena, mark);
        return error;
    }
    *ret_row = row;
    *ret_document = document;
    return CHEK_OK;
}
