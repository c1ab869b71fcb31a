/* SPDX-License-Identifier: MIT */
/*
 * append.c - a document becomes values of columns.
 *
 * Values that are zero are not written: a column starts as zeroes, and one that no document of a
 * block uses is never touched. Texts become codes. Three sums a scan will want of every row are
 * taken while the lines pass by.
 */
#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/store/block_put.h"
#include "engine/store/set.h"

/* ---- texts ---- */

/* A row that is being appended. */
struct appending {
    struct chek_store *store;
    struct store__set *set;
    struct store__document_block *block;
    uint32_t row;
};

struct text_place {
    uint32_t code;
    uint64_t plain;
};

static inline struct text_place
text_place(struct appending *to, uint32_t code, struct chek_bytes_view text)
{
    struct text_place place = {.code = code};
    if (CHEK_UNLIKELY(code == STORE__CODE_PLAIN)) {
        place.plain = store__set_text_add(to->set, &to->store->pool, text);
    }
    return place;
}

static inline struct text_place
text_add(struct appending *to, enum store__dictionary_kind kind, struct chek_bytes_view text)
{
    if (text.size == 0) {
        return (struct text_place){0};
    }
    uint32_t code =
        store__dictionary_intern(&to->store->dictionaries[kind], &to->store->pool, text);
    return text_place(to, code, text);
}

static uint32_t
civil_of(int64_t time)
{
    CHEK_ASSERT(time >= 0 && time <= UINT32_MAX);
    return (uint32_t)time;
}

/* ---- children ---- */

static void *
child_block(struct appending *to, enum store__table table, uint32_t index)
{
    return store__set_block_add(to->set, &to->store->pool, table, index);
}

/* Returns the sum of the taxes. */
static int64_t
append_taxes(struct appending *to, const struct chek_tax *taxes, uint32_t count)
{
    int64_t sum = 0;
    uint32_t index = to->set->child_count[STORE__TAX];
    CHEK_ASSERT(count <= CHEK_TAX_COUNT_MAX);
    for (uint32_t i = 0; i < count; i++, index++) {
        const struct chek_tax *tax = &taxes[i];
        struct store__tax_block *block = child_block(to, STORE__TAX, index);
        tax_put_present(block, index, (uint8_t)tax->present);
        tax_put_kind(block, index, tax->kind);
        tax_put_on_top(block, index, tax->on_top);
        tax_put_rate(block, index, tax->rate);
        tax_put_sum(block, index, (uint64_t)tax->sum);
        tax_put_turnover(block, index, (uint64_t)tax->turnover);
        sum += tax->sum;
    }
    to->set->child_count[STORE__TAX] = index;
    return sum;
}

static void
append_markings(struct appending *to, const struct chek_line *line)
{
    CHEK_ASSERT(line->markings_count <= STORE__MARKING_COUNT_MAX);
    for (uint32_t i = 0; i < line->markings_count; i++) {
        uint32_t index = to->set->child_count[STORE__MARKING];
        struct store__marking_block *block = child_block(to, STORE__MARKING, index);
        if (line->markings[i].size != 0) {
            marking_put_content(block, index,
                                store__set_text_add(to->set, &to->store->pool, line->markings[i]));
        }
        to->set->child_count[STORE__MARKING] = index + 1;
    }
}

static void
append_line_texts(struct appending *to, struct store__line_block *block, uint32_t index,
                  const struct chek_line *line)
{
    struct text_place code = text_add(to, STORE__DICTIONARY_CODE, line->code);
    line_put_code(block, index, code.code);
    line_put_code_plain(block, index, code.plain);
    struct text_place name = text_add(to, STORE__DICTIONARY_NAME, line->name);
    line_put_name(block, index, name.code);
    line_put_name_plain(block, index, name.plain);
    struct text_place section = text_add(to, STORE__DICTIONARY_SECTION, line->section);
    line_put_section(block, index, section.code);
    line_put_section_plain(block, index, section.plain);
    struct text_place unit = text_add(to, STORE__DICTIONARY_UNIT, line->unit);
    line_put_unit(block, index, unit.code);
    line_put_unit_plain(block, index, unit.plain);
}

/* Returns the sum of the line's taxes. */
static int64_t
append_line(struct appending *to, const struct chek_line *line)
{
    uint32_t index = to->set->child_count[STORE__LINE];
    struct store__line_block *block = child_block(to, STORE__LINE, index);
    line_put_present(block, index, (uint16_t)line->present);
    line_put_quantity(block, index, (uint64_t)line->quantity);
    line_put_price(block, index, (uint64_t)line->price);
    line_put_sum(block, index, (uint64_t)line->sum);
    line_put_tax_count(block, index, (uint8_t)line->taxes_count);
    if ((line->kind | line->storno | line->settlement | line->subject | line->gtin |
         line->markings_count) != 0) { /* one test for what most lines have not */
        line_put_kind(block, index, line->kind);
        line_put_storno(block, index, line->storno);
        line_put_gtin(block, index, line->gtin);
        line_put_marking_count(block, index, (uint8_t)line->markings_count);
        line_put_settlement(block, index, line->settlement);
        line_put_subject(block, index, line->subject);
    }
    append_line_texts(to, block, index, line);
    to->set->child_count[STORE__LINE] = index + 1;
    append_markings(to, line);
    return append_taxes(to, line->taxes, line->taxes_count);
}

/* What scans show of the lines. */
struct line_sums {
    int64_t gross;
    int64_t tax;
    uint32_t positions;
};

static struct line_sums
append_lines(struct appending *to, const struct chek_receipt *receipt)
{
    struct line_sums sums = {0};
    CHEK_ASSERT(receipt->lines_count <= CHEK_LINE_COUNT_MAX);
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        int64_t tax = append_line(to, line);
        /* A discount takes away, and a storno takes back what its line did. */
        bool negative = (line->kind == CHEK_LINE_KIND_DISCOUNT) != line->storno;
        sums.tax += negative ? -tax : tax;
        if (line->kind == CHEK_LINE_KIND_COMMODITY) {
            sums.gross += line->storno ? -line->sum : line->sum;
            sums.positions += !line->storno;
        }
    }
    return sums;
}

static void
append_payments(struct appending *to, const struct chek_receipt *receipt)
{
    uint32_t index = to->set->child_count[STORE__PAYMENT];
    CHEK_ASSERT(receipt->payments_count <= CHEK_PAYMENT_COUNT_MAX);
    for (uint32_t i = 0; i < receipt->payments_count; i++, index++) {
        const struct chek_payment *payment = &receipt->payments[i];
        struct store__payment_block *block = child_block(to, STORE__PAYMENT, index);
        payment_put_present(block, index, (uint8_t)payment->present);
        payment_put_kind(block, index, payment->kind);
        payment_put_sum(block, index, (uint64_t)payment->sum);
    }
    to->set->child_count[STORE__PAYMENT] = index;
}

/* Returns the sum of the modifier's taxes. */
static int64_t
append_modifier(struct appending *to, const struct chek_modifier *modifier)
{
    if (modifier == NULL) {
        return 0;
    }
    uint32_t index = to->set->child_count[STORE__MODIFIER];
    struct store__modifier_block *block = child_block(to, STORE__MODIFIER, index);
    struct text_place name = text_add(to, STORE__DICTIONARY_MODIFIER_NAME, modifier->name);
    modifier_put_present(block, index, (uint8_t)modifier->present);
    modifier_put_sum(block, index, (uint64_t)modifier->sum);
    modifier_put_name(block, index, name.code);
    modifier_put_name_plain(block, index, name.plain);
    modifier_put_tax_count(block, index, (uint8_t)modifier->taxes_count);
    to->set->child_count[STORE__MODIFIER] = index + 1;
    return append_taxes(to, modifier->taxes, modifier->taxes_count);
}

static void
append_parent(struct appending *to, const struct chek_parent *parent)
{
    if (parent == NULL) {
        return;
    }
    uint32_t index = to->set->child_count[STORE__PARENT];
    struct store__parent_block *block = child_block(to, STORE__PARENT, index);
    struct text_place place =
        text_add(to, STORE__DICTIONARY_PARENT_REGISTER, parent->registration_number);
    parent_put_present(block, index, (uint16_t)parent->present);
    parent_put_number(block, index, parent->document);
    parent_put_sign(block, index, parent->sign);
    parent_put_time(block, index, civil_of(parent->time));
    parent_put_total(block, index, (uint64_t)parent->total);
    parent_put_register_code(block, index, place.code);
    parent_put_register_plain(block, index, place.plain);
    parent_put_offline(block, index, parent->offline);
    parent_put_shift(block, index, parent->shift);
    to->set->child_count[STORE__PARENT] = index + 1;
}

/* ---- documents ---- */

/* What the three kinds of documents share. */
struct common {
    int64_t time;
    struct chek_bytes_view operator;
    uint64_t sign, autonomous;
    int64_t total;
    uint32_t present, shift, number;
    uint16_t flags;
    uint8_t operation;
};

static void
append_common(struct appending *to, const struct chek_row *row,
              const struct chek_document *document, const struct common *common)
{
    struct store__document_block *block = to->block;
    uint32_t at = to->row;
    bool assigned = common->shift == row->shift;
    struct text_place cashier = text_add(to, STORE__DICTIONARY_OPERATOR, common->operator);

    document_put_shift(block, at, row->shift);
    document_put_completes(block, at, row->completes);
    document_put_warnings(block, at, row->warnings);
    document_put_binding(block, at, row->binding);
    document_put_flags(block, at,
                       (uint16_t)(common->flags | row->kind | (row->late ? STORE__FLAG_LATE : 0) |
                                  (assigned ? STORE__FLAG_SHIFT_ASSIGNED : 0)));
    document_put_received(block, at, row->received_us);
    document_put_document_present(block, at, document->present);
    document_put_present(block, at, common->present);
    document_put_registration_difference(block, at, document->registration ^ row->registration);
    document_put_operation(block, at, common->operation);
    document_put_time(block, at, civil_of(common->time));
    document_put_document_shift(block, at, assigned ? 0 : common->shift);
    document_put_number(block, at, common->number);
    document_put_sign(block, at, common->sign);
    document_put_autonomous(block, at, common->autonomous);
    document_put_operator_code(block, at, cashier.code);
    document_put_operator_plain(block, at, cashier.plain);
    document_put_total(block, at, (uint64_t)common->total);
    if (row->cell.size != 0) {
        document_put_cell(block, at, store__set_text_add(to->set, &to->store->pool, row->cell));
    }
}

static void
append_profile(struct appending *to, const struct chek_register *profile)
{
    if (profile == NULL) {
        return;
    }
    uint8_t bytes[CHEK_REGISTER_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_register_encode(&out, profile);
    CHEK_ASSERT(!out.full);
    struct chek_bytes_view text = chek_bytes_view_of(bytes, out.size);
    struct text_place place = text_add(to, STORE__DICTIONARY_PROFILE, text);
    document_put_profile(to->block, to->row, place.code);
    document_put_profile_plain(to->block, to->row, place.plain);
}

static void
append_receipt_values(struct appending *to, const struct chek_receipt *receipt)
{
    struct store__document_block *block = to->block;
    uint32_t at = to->row;
    document_put_domain(block, at, receipt->domain);
    document_put_payment_count(block, at, (uint8_t)receipt->payments_count);
    document_put_tax_count(block, at, (uint8_t)receipt->taxes_count);
    document_put_change(block, at, (uint64_t)receipt->change);
    document_put_form(block, at, receipt->form);
    document_put_tax_system(block, at, receipt->tax_system);
    document_put_number_in_shift(block, at, receipt->number_in_shift);
    document_put_subject_low(block, at, chek_load_u64(receipt->subject));
    document_put_subject_high(block, at, chek_load_u64(receipt->subject + 8));
    document_put_line_count(block, at, (uint16_t)receipt->lines_count);
    document_put_taken(block, at, (uint64_t)receipt->taken);

    struct text_place client = text_add(to, STORE__DICTIONARY_CLIENT, receipt->client);
    document_put_client(block, at, client.code);
    document_put_client_plain(block, at, client.plain);
    struct text_place drive = text_add(to, STORE__DICTIONARY_FISCAL_DRIVE, receipt->fiscal_drive);
    document_put_fiscal_drive(block, at, drive.code);
    document_put_fiscal_drive_plain(block, at, drive.plain);
}

static void
append_receipt(struct appending *to, const struct chek_row *row,
               const struct chek_document *document)
{
    const struct chek_receipt *receipt = document->receipt;
    CHEK_ASSERT(receipt->buyer.size == 0); /* a personal value never enters columns */
    struct common common = {
        .time = receipt->time,
        .operator= receipt->operator,
        .sign = receipt->sign,
        .autonomous = receipt->autonomous,
        .total = receipt->total,
        .present = receipt->present,
        .shift = receipt->shift,
        .number = receipt->document,
        .flags = (uint16_t)((receipt->offline ? STORE__FLAG_OFFLINE : 0) |
                            (receipt->discount != NULL ? STORE__FLAG_DISCOUNT : 0) |
                            (receipt->markup != NULL ? STORE__FLAG_MARKUP : 0) |
                            (receipt->parent != NULL ? STORE__FLAG_PARENT : 0)),
        .operation = receipt->operation,
    };
    append_common(to, row, document, &common);
    append_receipt_values(to, receipt);
    append_payments(to, receipt);
    append_parent(to, receipt->parent);
    int64_t tax = append_taxes(to, receipt->taxes, receipt->taxes_count);
    tax -= append_modifier(to, receipt->discount);
    tax += append_modifier(to, receipt->markup);
    struct line_sums sums = append_lines(to, receipt);
    document_put_gross(to->block, to->row, (uint64_t)sums.gross);
    document_put_positions(to->block, to->row, (uint16_t)sums.positions);
    document_put_tax_sum(to->block, to->row, (uint64_t)(sums.tax + tax));
}

static void
append_movement(struct appending *to, const struct chek_row *row,
                const struct chek_document *document)
{
    const struct chek_movement *movement = document->movement;
    struct common common = {
        .time = movement->time,
        .operator= movement->operator,
        .autonomous = movement->autonomous,
        .total = movement->sum,
        .present = movement->present,
        .shift = movement->shift,
        .number = movement->document,
        .flags = movement->offline ? STORE__FLAG_OFFLINE : 0,
        .operation = movement->direction,
    };
    append_common(to, row, document, &common);
}

static void
append_close(struct appending *to, const struct chek_row *row, const struct chek_document *document)
{
    const struct chek_close *close = document->close;
    struct common common = {
        .time = close->time,
        .operator= close->operator,
        .sign = close->sign,
        .present = close->present,
        .shift = close->shift,
        .number = close->document,
        .flags = close->withdraw ? STORE__FLAG_WITHDRAW : 0,
    };
    append_common(to, row, document, &common);
}

/* ---- history ---- */

/* The row in a fixed form, and the sums of its bytes, folded into the hash so far. */
static uint64_t
history_next(uint64_t history, const struct chek_row *row, struct chek_bytes_view bytes)
{
    uint8_t head[56];
    struct chek_writer out = chek_writer_over(head, sizeof head);
    chek_writer_u32(&out, row->registration);
    chek_writer_u32(&out, row->ordinal);
    chek_writer_u32(&out, row->shift);
    chek_writer_u32(&out, row->completes);
    chek_writer_u32(&out, row->warnings);
    chek_writer_u16(&out, row->binding);
    chek_writer_u8(&out, row->kind);
    chek_writer_u8(&out, row->late);
    chek_writer_u64(&out, row->received_us);
    chek_writer_u64(&out, chek_checksum(row->cell.bytes, row->cell.size));
    chek_writer_u64(&out, chek_checksum(bytes.bytes, bytes.size));
    return chek_checksum_seeded(head, out.size, history);
}

static struct chek_bytes_view
document_bytes(struct chek_store *store, const struct chek_document *document)
{
    if (document->raw.size != 0) {
        return document->raw;
    }
    struct chek_writer out = chek_writer_over(store->scratch, CHEK_DOCUMENT_SIZE_MAX);
    chek_document_encode(&out, document);
    CHEK_ASSERT(!out.full);
    return chek_bytes_view_of(store->scratch, out.size);
}

/* ---- append ---- */

static struct appending
appending_begin(struct chek_store *store, const struct chek_row *row)
{
    struct store__set *set = store->newest;
    if (set->row_count == set->row_count_max) {
        set = store__set_begin(store);
    }
    uint32_t index = set->row_count;
    struct store__head *head = &set->heads[index];
    head->registration = row->registration;
    head->ordinal = row->ordinal;
    memcpy(head->first, set->child_count, sizeof head->first);
    store__set_link(set, index);
    return (struct appending){
        .store = store,
        .set = set,
        .block = store__set_block_add(set, &store->pool, STORE__DOCUMENT, index),
        .row = index,
    };
}

/* Count the row, and take what it used from what was ensured. */
static void
appending_end(const struct appending *to, const struct chek_document *document,
              size_t document_size, size_t cell_size)
{
    struct chek_store *store = to->store;
    uint32_t lines = document->receipt != NULL ? document->receipt->lines_count : 0;
    to->set->row_count += 1;
    to->set->child_count[STORE__DOCUMENT] = to->set->row_count;
    store->row_count += 1;
    store->line_count += lines;
    CHEK_ASSERT(store->credit.rows >= 1);
    CHEK_ASSERT(store->credit.document_size >= document_size);
    CHEK_ASSERT(store->credit.cell_size >= cell_size);
    store->credit.rows -= 1;
    store->credit.document_size -= document_size;
    store->credit.cell_size -= cell_size;
}

void
chek_store_append(struct chek_store *store, const struct chek_row *row,
                  const struct chek_document *document)
{
    struct chek_bytes_view bytes = document_bytes(store, document);
    store->history_hash = history_next(store->history_hash, row, bytes);
    store__link_add(store, row, bytes);
    struct appending to = appending_begin(store, row);
    append_profile(&to, document->profile);
    switch (row->kind) {
    case CHEK_ROW_RECEIPT:
        append_receipt(&to, row, document);
        break;
    case CHEK_ROW_MOVEMENT:
        append_movement(&to, row, document);
        break;
    default:
        CHEK_ASSERT(row->kind == CHEK_ROW_CLOSE);
        append_close(&to, row, document);
        break;
    }
    appending_end(&to, document, bytes.size, row->cell.size);
}
