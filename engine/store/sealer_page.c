/* SPDX-License-Identifier: MIT */
/*
 * sealer_page.c - documents of a page taken apart into columns, as read.c puts them together.
 *
 * A value of zero is not put: arrays are zero, and a column that nothing was put into is not in
 * the segment. Columns that nearly every row has are written without a look at the value. A column that holds what its values differ from a prediction (predict.h) is always
 * there, for with a prediction no value says that there is nothing.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/store/predict.h"
#include "engine/store/sealer.h"

/* A row that is being taken apart. */
struct taking {
    struct store__sealer *to;
    struct chek_store *store;
    const struct store__row *row;
    uint32_t at; /* in the page */
};

enum {
    TABLE_BEGIN_DOCUMENT = STORE__DOCUMENT_SHIFT,
    TABLE_BEGIN_LINE = STORE__LINE_PRESENT,
    TABLE_BEGIN_PAYMENT = STORE__PAYMENT_PRESENT,
    TABLE_BEGIN_TAX = STORE__TAX_PRESENT,
    TABLE_BEGIN_MODIFIER = STORE__MODIFIER_PRESENT,
    TABLE_BEGIN_PARENT = STORE__PARENT_PRESENT,
    TABLE_BEGIN_MARKING = STORE__MARKING_CONTENT,
};

__attribute__((always_inline)) static inline void
put(struct store__sealer *to, uint32_t table, uint32_t column, uint32_t bit, uint32_t index,
    uint64_t value)
{
    if (value != 0) {
        to->values[column][index] = (int64_t)value;
        to->touched[table] |= UINT64_C(1) << bit;
    }
}

#define PUT(from, TABLE, NAME, index, value)                                      \
    put((from)->to, STORE__##TABLE, STORE__##TABLE##_##NAME,                      \
        (uint32_t)STORE__##TABLE##_##NAME - (uint32_t)TABLE_BEGIN_##TABLE, index, \
        (uint64_t)(value))

/* For columns of columns_written alone: every row writes them. */
#define WRITE(from, TABLE, NAME, index, value) \
    (from)->to->values[STORE__##TABLE##_##NAME][index] = (int64_t)(value)

/* ---- texts ---- */

static void
put_string(struct taking *from, uint32_t column, uint32_t index, struct chek_bytes_view text)
{
    struct store__sealer *to = from->to;
    uint32_t table = store__columns[column].table;
    uint8_t *at = store__sealer_reserve(to, &to->strings[column], text.size);
    if (text.size == 0 || at == NULL) {
        return;
    }
    memcpy(at, text.bytes, text.size);
    to->strings[column].size += text.size;
    put(to, table, column, column - store__table_begin[table], index, text.size);
}

/* Put the code of a text, or, when it has none, the text into the column that follows. */
static inline void
put_text(struct taking *from, enum store__dictionary_kind kind, uint32_t column, uint32_t index,
         struct chek_bytes_view text)
{
    if (text.size == 0) {
        return;
    }
    struct store__sealer *to = from->to;
    uint32_t table = store__columns[column].table;
    uint32_t code =
        store__dictionary_intern(&from->store->dictionaries[kind], &from->store->pool, text);
    if (CHEK_UNLIKELY(code >= STORE__CODE_WANTING)) {
        if (code == STORE__CODE_WANTING) {
            store__sealer_fail(to, -EAGAIN);
            return;
        }
        put_string(from, column + 1, index, text);
    }
    put(to, table, column, column - store__table_begin[table], index, code);
}

#define PUT_TEXT(from, TABLE, NAME, DICTIONARY, index, text) \
    put_text(from, STORE__DICTIONARY_##DICTIONARY, STORE__##TABLE##_##NAME, index, text)

/* ---- children ---- */

static void
put_taxes(struct taking *from, const struct chek_tax *taxes, uint32_t count, int64_t owner_sum)
{
    uint32_t at = from->to->counts[STORE__TAX];
    for (uint32_t i = 0; i < count; i++, at++) {
        const struct chek_tax *tax = &taxes[i];
        uint64_t prediction = store__predict_tax(tax->rate, tax->on_top, (uint64_t)tax->turnover,
                                                 (uint64_t)owner_sum);
        WRITE(from, TAX, PRESENT, at, tax->present);
        WRITE(from, TAX, KIND, at, tax->kind);
        PUT(from, TAX, ON_TOP, at, tax->on_top);
        WRITE(from, TAX, RATE, at, tax->rate);
        WRITE(from, TAX, SUM, at, (uint64_t)tax->sum - prediction);
        PUT(from, TAX, TURNOVER, at, tax->turnover);
    }
    from->to->counts[STORE__TAX] = at;
}

static void
put_line_rest(struct taking *from, const struct chek_line *line, uint32_t at)
{
    PUT(from, LINE, KIND, at, line->kind);
    PUT(from, LINE, STORNO, at, line->storno);
    PUT(from, LINE, GTIN, at, line->gtin);
    PUT(from, LINE, MARKING_COUNT, at, line->markings_count);
    PUT(from, LINE, SETTLEMENT, at, line->settlement);
    PUT(from, LINE, SUBJECT, at, line->subject);
    for (uint32_t i = 0; i < line->markings_count; i++) {
        int error = store__markings_add(&from->to->markings, line->markings[i],
                                        from->to->page_begin + from->at);
        if (error != CHEK_OK) {
            store__sealer_fail(from->to, error);
        }
        put_string(from, STORE__MARKING_CONTENT, from->to->counts[STORE__MARKING],
                   line->markings[i]);
        from->to->counts[STORE__MARKING] += 1;
    }
}

static void
put_line(struct taking *from, const struct chek_line *line)
{
    uint32_t at = from->to->counts[STORE__LINE];
    WRITE(from, LINE, PRESENT, at, line->present);
    WRITE(from, LINE, QUANTITY, at, line->quantity);
    WRITE(from, LINE, PRICE, at, line->price);
    WRITE(from, LINE, SUM, at,
          (uint64_t)line->sum -
              store__predict_line_sum((uint64_t)line->price, (uint64_t)line->quantity));
    WRITE(from, LINE, TAX_COUNT, at, line->taxes_count);
    if ((line->kind | line->storno | line->settlement | line->subject | line->gtin |
         line->markings_count) != 0) { /* one test for what most lines have not */
        put_line_rest(from, line, at);
    }
    PUT_TEXT(from, LINE, CODE, CODE, at, line->code);
    PUT_TEXT(from, LINE, NAME, NAME, at, line->name);
    PUT_TEXT(from, LINE, SECTION, SECTION, at, line->section);
    PUT_TEXT(from, LINE, UNIT, UNIT, at, line->unit);
    from->to->counts[STORE__LINE] = at + 1;
    put_taxes(from, line->taxes, line->taxes_count, line->sum);
}

/* The first payment is the total, a second one what is left of it. */
static void
put_payments(struct taking *from, const struct chek_receipt *receipt)
{
    uint32_t at = from->to->counts[STORE__PAYMENT];
    uint64_t rest = (uint64_t)receipt->total;
    for (uint32_t i = 0; i < receipt->payments_count; i++, at++) {
        const struct chek_payment *payment = &receipt->payments[i];
        WRITE(from, PAYMENT, PRESENT, at, payment->present);
        WRITE(from, PAYMENT, KIND, at, payment->kind);
        WRITE(from, PAYMENT, SUM, at, (uint64_t)payment->sum - rest);
        rest -= (uint64_t)payment->sum;
    }
    from->to->counts[STORE__PAYMENT] = at;
}

static void
put_modifier(struct taking *from, const struct chek_modifier *modifier)
{
    if (modifier == NULL) {
        return;
    }
    uint32_t at = from->to->counts[STORE__MODIFIER];
    PUT(from, MODIFIER, PRESENT, at, modifier->present);
    PUT(from, MODIFIER, SUM, at, modifier->sum);
    PUT_TEXT(from, MODIFIER, NAME, MODIFIER_NAME, at, modifier->name);
    PUT(from, MODIFIER, TAX_COUNT, at, modifier->taxes_count);
    from->to->counts[STORE__MODIFIER] = at + 1;
    put_taxes(from, modifier->taxes, modifier->taxes_count, modifier->sum);
}

static void
put_parent(struct taking *from, const struct chek_parent *parent)
{
    if (parent == NULL) {
        return;
    }
    uint32_t at = from->to->counts[STORE__PARENT];
    PUT(from, PARENT, PRESENT, at, parent->present);
    PUT(from, PARENT, NUMBER, at, parent->document);
    PUT(from, PARENT, SIGN, at, parent->sign);
    PUT(from, PARENT, TIME, at, parent->time);
    PUT(from, PARENT, TOTAL, at, parent->total);
    PUT_TEXT(from, PARENT, REGISTER, PARENT_REGISTER, at, parent->registration_number);
    PUT(from, PARENT, OFFLINE, at, parent->offline);
    PUT(from, PARENT, SHIFT, at, parent->shift);
    from->to->counts[STORE__PARENT] = at + 1;
}

/* ---- documents ---- */

/* Returns the shift that stands in the document when it is not the assigned one. */
static uint32_t
shift_of(const struct store__row *row, uint32_t shift)
{
    return shift == row->shift ? 0 : shift;
}

static void
put_row(struct taking *from)
{
    const struct store__row *row = from->row;
    uint32_t at = from->at;
    WRITE(from, DOCUMENT, SHIFT, at, row->shift);
    PUT(from, DOCUMENT, COMPLETES, at, row->completes);
    PUT(from, DOCUMENT, WARNINGS, at, row->warnings);
    PUT(from, DOCUMENT, BINDING, at, row->binding);
    WRITE(from, DOCUMENT, FLAGS, at, row->flags & STORE__FLAGS_STORED);
    WRITE(from, DOCUMENT, RECEIVED, at, row->received);
    PUT(from, DOCUMENT, OPERATION, at, row->operation);
    WRITE(from, DOCUMENT, TIME, at, row->time);
    WRITE(from, DOCUMENT, NUMBER, at, (uint64_t)row->number - row->ordinal);
    WRITE(from, DOCUMENT, SIGN, at, row->sign);
    PUT(from, DOCUMENT, AUTONOMOUS, at, row->autonomous);
    WRITE(from, DOCUMENT, TOTAL, at, row->total);
    WRITE(from, DOCUMENT, GROSS, at, (uint64_t)row->gross - (uint64_t)row->total);
    WRITE(from, DOCUMENT, POSITIONS, at, (uint64_t)row->position_count - row->line_count);
    WRITE(from, DOCUMENT, TAX_SUM, at, row->tax);
    if (row->cell_size != 0) {
        put_string(from, STORE__DOCUMENT_CELL, at, store__row_cell(row));
    }
}

static void
put_profile(struct taking *from, const struct chek_register *profile)
{
    if (profile == NULL) {
        return;
    }
    uint8_t bytes[CHEK_REGISTER_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    out.keep = UINT32_MAX;
    chek_register_encode(&out, profile);
    CHEK_ASSERT(!out.full);
    PUT_TEXT(from, DOCUMENT, PROFILE, PROFILE, from->at, chek_bytes_view_of(bytes, out.size));
}

/* Few documents have them: one column of their records, one behind the other. */
static void
put_persons(struct taking *from, const struct chek_receipt *receipt)
{
    uint8_t bytes[CHEK_PERSON_COUNT_MAX * CHEK_PERSON_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    out.keep = UINT32_MAX;
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        chek_person_encode(&out, &receipt->persons[i]);
    }
    CHEK_ASSERT(!out.full);
    put_string(from, STORE__DOCUMENT_PERSONS, from->at, chek_bytes_view_of(bytes, out.size));
}

static void
put_receipt(struct taking *from, const struct chek_receipt *receipt)
{
    uint32_t at = from->at;
    PUT(from, DOCUMENT, PRESENT, at, receipt->present);
    PUT(from, DOCUMENT, DOCUMENT_SHIFT, at, shift_of(from->row, receipt->shift));
    PUT_TEXT(from, DOCUMENT, OPERATOR, OPERATOR, at, receipt->operator);
    PUT(from, DOCUMENT, DOMAIN, at, receipt->domain);
    PUT(from, DOCUMENT, PAYMENT_COUNT, at, receipt->payments_count);
    PUT(from, DOCUMENT, TAX_COUNT, at, receipt->taxes_count);
    PUT(from, DOCUMENT, CHANGE, at, receipt->change);
    PUT(from, DOCUMENT, FORM, at, receipt->form);
    PUT(from, DOCUMENT, TAX_SYSTEM, at, receipt->tax_system);
    PUT(from, DOCUMENT, NUMBER_IN_SHIFT, at, receipt->number_in_shift);
    PUT(from, DOCUMENT, SUBJECT_LOW, at, chek_load_u64(receipt->subject));
    PUT(from, DOCUMENT, SUBJECT_HIGH, at, chek_load_u64(receipt->subject + 8));
    PUT(from, DOCUMENT, LINE_COUNT, at, receipt->lines_count);
    PUT(from, DOCUMENT, TAKEN, at, receipt->taken);
    PUT_TEXT(from, DOCUMENT, CLIENT, CLIENT, at, receipt->client);
    PUT_TEXT(from, DOCUMENT, FISCAL_DRIVE, FISCAL_DRIVE, at, receipt->fiscal_drive);
    if (receipt->persons_count != 0) {
        put_persons(from, receipt);
    }
    put_payments(from, receipt);
    put_parent(from, receipt->parent);
    put_taxes(from, receipt->taxes, receipt->taxes_count, receipt->total);
    put_modifier(from, receipt->discount);
    put_modifier(from, receipt->markup);
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        put_line(from, &receipt->lines[i]);
    }
}

static void
put_document(struct taking *from, const struct chek_document *document)
{
    uint32_t at = from->at;
    PUT(from, DOCUMENT, DOCUMENT_PRESENT, at, document->present);
    PUT(from, DOCUMENT, REGISTRATION_DIFFERENCE, at,
        document->registration ^ from->row->registration);
    put_profile(from, document->profile);
    if (document->receipt != NULL) {
        put_receipt(from, document->receipt);
    } else if (document->movement != NULL) {
        PUT(from, DOCUMENT, PRESENT, at, document->movement->present);
        PUT(from, DOCUMENT, DOCUMENT_SHIFT, at, shift_of(from->row, document->movement->shift));
        PUT_TEXT(from, DOCUMENT, OPERATOR, OPERATOR, at, document->movement->operator);
    } else {
        PUT(from, DOCUMENT, PRESENT, at, document->close->present);
        PUT(from, DOCUMENT, DOCUMENT_SHIFT, at, shift_of(from->row, document->close->shift));
        PUT_TEXT(from, DOCUMENT, OPERATOR, OPERATOR, at, document->close->operator);
        put_string(from, STORE__DOCUMENT_FIGURES, at, document->close->figures);
    }
}

/* ---- the page ---- */

/* Those that every row of a table writes; all that hold a difference are among them. */
static const enum store__column columns_written[] = {
    STORE__DOCUMENT_SHIFT,   STORE__DOCUMENT_FLAGS,  STORE__DOCUMENT_RECEIVED,
    STORE__DOCUMENT_TIME,    STORE__DOCUMENT_NUMBER, STORE__DOCUMENT_SIGN,
    STORE__DOCUMENT_TOTAL,   STORE__DOCUMENT_GROSS,  STORE__DOCUMENT_POSITIONS,
    STORE__DOCUMENT_TAX_SUM, STORE__PAYMENT_PRESENT, STORE__PAYMENT_KIND,
    STORE__PAYMENT_SUM,      STORE__LINE_PRESENT,    STORE__LINE_QUANTITY,
    STORE__LINE_PRICE,       STORE__LINE_SUM,        STORE__LINE_TAX_COUNT,
    STORE__TAX_PRESENT,      STORE__TAX_KIND,        STORE__TAX_RATE,
    STORE__TAX_SUM,
};

static void
written_touch(struct store__sealer *to)
{
    for (uint32_t i = 0; i < CHEK_COUNT(columns_written); i++) {
        uint32_t table = store__columns[columns_written[i]].table;
        if (to->counts[table] != 0) {
            to->touched[table] |= UINT64_C(1) << (columns_written[i] - store__table_begin[table]);
        }
    }
}

/* ---- looking ahead ---- */

/*
 * Documents are taken apart in groups: all are decoded, then the buckets of all their texts are asked for,
 * then the texts that these lead to. What looking a text up waits for has come by then. Rows stand
 * where they came, in lines that nothing has touched since: those of the group after the next are
 * asked for, and the documents of the next one, to which its rows lead.
 */
#define GROUP_COUNT_MAX 8
#define ASKED_COUNT_MAX 256

/* Dictionaries of fewer texts are expected to be in a cache near by. */
#define LARGE_COUNT 512

struct group {
    const struct store__row *rows[GROUP_COUNT_MAX];
    struct chek_document documents[GROUP_COUNT_MAX];
    uint32_t count;
    uint32_t asked_count;
    uint64_t hashes[ASKED_COUNT_MAX];
    const struct store__dictionary *dictionaries[ASKED_COUNT_MAX];
};

static inline void
ask(struct group *group, const struct store__dictionary *dictionary, struct chek_bytes_view text)
{
    if (text.size == 0 || dictionary->count < LARGE_COUNT ||
        group->asked_count == ASKED_COUNT_MAX) {
        return;
    }
    uint64_t hash = store__dictionary_prefetch_bucket(dictionary, text);
    group->dictionaries[group->asked_count] = dictionary;
    group->hashes[group->asked_count] = hash;
    group->asked_count += hash != 0;
}

static void
ask_receipt(struct group *group, const struct chek_store *store, const struct chek_receipt *receipt)
{
    const struct store__dictionary *dictionaries = store->dictionaries;
    ask(group, &dictionaries[STORE__DICTIONARY_OPERATOR], receipt->operator);
    ask(group, &dictionaries[STORE__DICTIONARY_CLIENT], receipt->client);
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        ask(group, &dictionaries[STORE__DICTIONARY_CODE], receipt->lines[i].code);
        ask(group, &dictionaries[STORE__DICTIONARY_NAME], receipt->lines[i].name);
    }
}

static void
group_ask(struct group *group, const struct chek_store *store)
{
    group->asked_count = 0;
    for (uint32_t i = 0; i < group->count; i++) {
        if (group->documents[i].receipt != NULL) {
            ask_receipt(group, store, group->documents[i].receipt);
        }
    }
    for (uint32_t i = 0; i < group->asked_count; i++) {
        store__dictionary_prefetch_text(group->dictionaries[i], group->hashes[i]);
    }
}

/* The row at a place of the order. */
static inline const struct store__row *
row_at(const struct store__sealer *to, const struct store__set *set, uint32_t place)
{
    return store__set_row(set, (uint32_t)to->order[place]);
}

/* Ask for rows first..end-1 of the order, as far as the set has them. */
static void
rows_prefetch(const struct store__sealer *to, const struct store__set *set, uint32_t first,
              uint32_t end)
{
    for (uint32_t i = first; i < end && i < set->row_count; i++) {
        const char *row = (const void *)row_at(to, set, i);
        chek_prefetch(row);
        chek_prefetch(row + CHEK_CACHE_LINE_SIZE);
    }
}

static void
documents_prefetch(const struct store__sealer *to, const struct store__set *set, uint32_t first,
                   uint32_t end)
{
    for (uint32_t i = first; i < end && i < set->row_count; i++) {
        const uint8_t *bytes = row_at(to, set, i)->bytes;
        chek_prefetch(bytes);
        chek_prefetch(bytes + CHEK_CACHE_LINE_SIZE);
        chek_prefetch(bytes + 2 * CHEK_CACHE_LINE_SIZE);
    }
}

/* Decode documents as long as the arena has room for them; one it always has. */
static void
group_decode(struct group *group, struct store__sealer *to, const struct store__set *set,
             uint32_t from, uint32_t count)
{
    rows_prefetch(to, set, from + 2 * GROUP_COUNT_MAX, from + 3 * GROUP_COUNT_MAX);
    documents_prefetch(to, set, from + GROUP_COUNT_MAX, from + 2 * GROUP_COUNT_MAX);
    chek_arena_reset(&to->arena);
    group->count = 0;
    while (group->count < count && group->count < GROUP_COUNT_MAX) {
        const struct store__row *row = row_at(to, set, from + group->count);
        int error = chek_document_decode_whole(row->bytes, row->document_size, &to->arena,
                                               &group->documents[group->count], NULL);
        if (error != CHEK_OK) {
            CHEK_ASSERT(error == CHEK_E_LIMIT && group->count != 0);
            break;
        }
        group->rows[group->count] = row;
        group->count += 1;
    }
}

/* What the segment has beside its columns. */
static void
row_note(struct store__sealer *to, const struct store__row *row, uint32_t place)
{
    const struct store__row *before = to->before;
    if (before != NULL && row->registration == before->registration) {
        CHEK_ASSERT(row->ordinal == before->ordinal + 1);
    } else {
        store__segment_write_run(&to->writer, row->registration, row->ordinal, place);
    }
    to->before = row;
    int error = store__hours_row(&to->hours, row);
    if (CHEK_UNLIKELY(error != CHEK_OK)) {
        store__sealer_fail(to, error);
    }
}

void
store__sealer_page(struct store__sealer *to, struct chek_store *store, const struct store__set *set,
                   uint32_t from, uint32_t count)
{
    struct group group;
    to->page_begin = from;
    for (uint32_t at = 0; at < count && to->error == CHEK_OK; at += group.count) {
        group_decode(&group, to, set, from + at, count - at);
        group_ask(&group, store);
        store__sealer_ensure(to, group.rows, group.count);
        for (uint32_t i = 0; i < group.count && to->error == CHEK_OK; i++) {
            struct taking row = {.to = to, .store = store, .row = group.rows[i], .at = at + i};
            put_row(&row);
            put_document(&row, &group.documents[i]);
            row_note(to, group.rows[i], from + at + i);
            to->counts[STORE__DOCUMENT] = at + i + 1;
        }
    }
    written_touch(to);
}
