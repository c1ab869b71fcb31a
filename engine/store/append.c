/* SPDX-License-Identifier: MIT */
/*
 * append.c - a document becomes an open row: its bytes, and what scans want of it.
 */
#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/writer.h"
#include "engine/store/set.h"

static uint32_t
civil_of(int64_t time)
{
    CHEK_ASSERT(time >= 0 && time <= UINT32_MAX);
    return (uint32_t)time;
}

/* ---- what scans want of a receipt ---- */

static int64_t
taxes_sum(const struct chek_tax *taxes, uint32_t count)
{
    int64_t sum = 0;
    CHEK_ASSERT(count <= CHEK_TAX_COUNT_MAX);
    for (uint32_t i = 0; i < count; i++) {
        sum += taxes[i].sum;
    }
    return sum;
}

/* What the parts of a receipt come to. */
struct sums {
    int64_t gross, tax;
    uint32_t position_count, tax_count, marking_count;
};

static inline void
modifier_add(struct sums *sums, const struct chek_modifier *modifier, int sign)
{
    if (modifier != NULL) {
        sums->tax_count += modifier->taxes_count;
        sums->tax += sign * taxes_sum(modifier->taxes, modifier->taxes_count);
    }
}

/* A discount takes away, and a storno takes back what its line did. */
static inline void
line_add(struct sums *sums, const struct chek_line *line)
{
    CHEK_ASSERT(line->markings_count <= STORE__MARKING_COUNT_MAX);
    sums->tax_count += line->taxes_count;
    sums->marking_count += line->markings_count;
    int64_t tax = taxes_sum(line->taxes, line->taxes_count);
    bool negative = (line->kind == CHEK_LINE_KIND_DISCOUNT) != line->storno;
    sums->tax += negative ? -tax : tax;
    if (line->kind == CHEK_LINE_KIND_COMMODITY) {
        sums->gross += line->storno ? -line->sum : line->sum;
        sums->position_count += !line->storno;
    }
}

/* The row is written and not read: a load of what was just stored in parts, or in a line that is
 * still on its way, would wait for all stores before it. */
static void
sums_add(struct store__row *to, const struct chek_receipt *receipt)
{
    struct sums sums = {.tax = taxes_sum(receipt->taxes, receipt->taxes_count),
                        .tax_count = receipt->taxes_count};
    modifier_add(&sums, receipt->discount, -1);
    modifier_add(&sums, receipt->markup, 1);
    CHEK_ASSERT(receipt->lines_count <= CHEK_LINE_COUNT_MAX);
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        line_add(&sums, &receipt->lines[i]);
    }
    to->gross = sums.gross;
    to->tax = sums.tax;
    to->line_count = (uint16_t)receipt->lines_count;
    to->position_count = (uint16_t)sums.position_count;
    to->tax_count = (uint16_t)sums.tax_count;
    to->marking_count = (uint16_t)sums.marking_count;
}

/* Cash is what stays in the drawer: what was handed back is not part of it. */
static void
payments_sum(const struct chek_receipt *receipt, int64_t *sums)
{
    int64_t paid = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        sums[receipt->payments[i].kind] += receipt->payments[i].sum;
        paid += receipt->payments[i].sum;
    }
    if (paid > receipt->total) {
        sums[CHEK_PAYMENT_KIND_CASH] -= receipt->change;
    }
}

/*
 * The only payment stands in the row, unless change of another kind than cash makes two sums of it.
 * Returns the flag that says that sums stand behind the row.
 */
static uint32_t
payments_add(struct store__row *to, const struct chek_receipt *receipt)
{
    CHEK_ASSERT(receipt->payments_count <= CHEK_PAYMENT_COUNT_MAX);
    to->payment_count = (uint8_t)receipt->payments_count;
    if (receipt->payments_count != 1) {
        return receipt->payments_count > 1 ? STORE__FLAG_PAYMENTS : 0;
    }
    const struct chek_payment *payment = &receipt->payments[0];
    bool over = payment->sum > receipt->total && receipt->change != 0;
    if (over && payment->kind != CHEK_PAYMENT_KIND_CASH) {
        return STORE__FLAG_PAYMENTS;
    }
    to->payment_kind = payment->kind;
    to->paid = payment->sum - (over ? receipt->change : 0);
    return 0;
}

bool
chek_receipt_is_personal(const struct chek_receipt *receipt)
{
    bool is_personal = receipt->buyer.size != 0;
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        is_personal = is_personal || receipt->persons[i].value.size != 0;
    }
    return is_personal;
}

/* These return the flags of a row. */

static uint32_t
receipt_add(struct store__row *to, const struct chek_receipt *receipt, uint32_t shift)
{
    CHEK_ASSERT(!chek_receipt_is_personal(receipt)); /* such a value never enters the store */
    to->time = civil_of(receipt->time);
    to->number = receipt->document;
    to->sign = receipt->sign;
    to->autonomous = receipt->autonomous;
    to->total = receipt->total;
    to->operation = receipt->operation;
    sums_add(to, receipt);
    return payments_add(to, receipt) | (receipt->offline ? STORE__FLAG_OFFLINE : 0) |
           (receipt->discount != NULL ? STORE__FLAG_DISCOUNT : 0) |
           (receipt->markup != NULL ? STORE__FLAG_MARKUP : 0) |
           (receipt->parent != NULL ? STORE__FLAG_PARENT : 0) |
           (receipt->shift == shift ? STORE__FLAG_SHIFT_ASSIGNED : 0);
}

static uint32_t
movement_add(struct store__row *to, const struct chek_movement *movement, uint32_t shift)
{
    to->time = civil_of(movement->time);
    to->number = movement->document;
    to->autonomous = movement->autonomous;
    to->total = movement->sum;
    to->operation = movement->direction;
    return (movement->offline ? STORE__FLAG_OFFLINE : 0) |
           (movement->shift == shift ? STORE__FLAG_SHIFT_ASSIGNED : 0);
}

static uint32_t
close_add(struct store__row *to, const struct chek_close *close, uint32_t shift)
{
    to->time = civil_of(close->time);
    to->number = close->document;
    to->sign = close->sign;
    return (close->withdraw ? STORE__FLAG_WITHDRAW : 0) |
           (close->shift == shift ? STORE__FLAG_SHIFT_ASSIGNED : 0);
}

static uint32_t
document_add(struct store__row *to, const struct chek_row *row,
             const struct chek_document *document)
{
    switch (row->kind) {
    case CHEK_ROW_RECEIPT:
        return receipt_add(to, document->receipt, row->shift);
    case CHEK_ROW_MOVEMENT:
        return movement_add(to, document->movement, row->shift);
    default:
        CHEK_ASSERT(row->kind == CHEK_ROW_CLOSE);
        return close_add(to, document->close, row->shift);
    }
}

/* ---- the row ---- */

/* Copy the bytes of a row; returns where they are. */
static const uint8_t *
bytes_add(struct chek_store *store, const struct chek_row *row,
          const struct chek_document *document, struct chek_bytes_view bytes, bool several)
{
    size_t size = bytes.size + row->cell.size;
    size_t payments_at = store__payments_at(bytes.size, row->cell.size);
    uint8_t *at = store__set_bytes_add(store->newest, &store->pool,
                                       several ? payments_at + STORE__PAYMENTS_SIZE : size);
    memcpy(at, bytes.bytes, bytes.size);
    if (row->cell.size != 0) {
        memcpy(at + bytes.size, row->cell.bytes, row->cell.size);
    }
    if (several) {
        int64_t sums[CHEK_PAYMENT_KIND_COUNT] = {0};
        payments_sum(document->receipt, sums);
        memcpy(at + payments_at, sums, sizeof sums);
    }
    return at;
}

/* Take what a row used from what was ensured. */
static void
credit_use(struct store__credit *credit, size_t document_size, size_t cell_size)
{
    CHEK_ASSERT(credit->rows >= 1);
    CHEK_ASSERT(credit->document_size >= document_size);
    CHEK_ASSERT(credit->cell_size >= cell_size);
    credit->rows -= 1;
    credit->document_size -= document_size;
    credit->cell_size -= cell_size;
}

void
store__row_append(struct chek_store *store, const struct chek_row *row,
                  const struct chek_document *document, struct chek_bytes_view bytes)
{
    CHEK_ASSERT(bytes.size <= CHEK_COMMAND_BODY_SIZE_MAX);
    CHEK_ASSERT(row->cell.size <= STORE__TEXT_SIZE_MAX);
    credit_use(&store->credit, bytes.size, row->cell.size);
    struct store__set *set = store->newest;
    if (set->row_count == set->row_count_max) {
        set = store__set_begin(store);
    }
    struct store__row *to = store__set_row_add(set, &store->pool);
    memset(to, 0, sizeof *to);
    to->registration = row->registration;
    to->ordinal = row->ordinal;
    to->shift = row->shift;
    to->document_size = (uint32_t)bytes.size;
    to->cell_size = (uint32_t)row->cell.size;
    to->completes = row->completes;
    to->warnings = row->warnings;
    to->received = row->received_us;
    to->binding = row->binding;
    uint32_t flags = document_add(to, row, document);
    to->flags = (uint16_t)(flags | row->kind | (row->late ? STORE__FLAG_LATE : 0));
    to->bytes = bytes_add(store, row, document, bytes, (flags & STORE__FLAG_PAYMENTS) != 0);
    uint32_t line_count = document->receipt != NULL ? document->receipt->lines_count : 0;
    store__set_link(set, to, row, line_count, bytes.size);
    store->row_count += 1;
    store->line_count += line_count;
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
    struct chek_writer out = chek_writer_over(store->scratch, CHEK_COMMAND_BODY_SIZE_MAX);
    chek_document_encode(&out, document);
    CHEK_ASSERT(!out.full);
    return chek_bytes_view_of(store->scratch, out.size);
}

void
chek_store_append(struct chek_store *store, const struct chek_row *row,
                  const struct chek_document *document)
{
    struct chek_bytes_view bytes = document_bytes(store, document);
    store->history_hash = history_next(store->history_hash, row, bytes);
    store__row_append(store, row, document, bytes);
}
