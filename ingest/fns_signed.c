/* SPDX-License-Identifier: MIT */
/*
 * fns_signed.c - compares a receipt's JSON with the bytes that it came from.
 *
 * What is absent on either side is no difference: dialects leave out as they please. Texts are not
 * compared, as JSON has them from other places too (an address, the name of a seller).
 */
#include "ingest/fns_signed.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "engine/fiscal/reconcile.h"
#include "ingest/ffd_container.h"

#define HOUR_S 3600
#define ZONE_S_MAX (12 * HOUR_S) /* Kamchatka, the easternmost of Russia's zones */

/* ---- the bytes -------------------------------------------------------------------------------- */

static int
bytes_read(struct chek_bytes_view base64, struct chek_arena *arena, struct chek_bytes_view *ret)
{
    size_t size = 0;
    size_t size_max = base64.size / 4 * 3 + 3;
    uint8_t *bytes = chek_arena_take(arena, size_max);
    if (bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    /* Padding at the end may be missing or not; ends of lines may stand inside. */
    while (base64.size > 0 && base64.bytes[base64.size - 1] == '=') {
        base64.size -= 1;
    }
    if (sodium_base642bin(bytes, size_max, (const char *)base64.bytes, base64.size, "\r\n ", &size,
                          NULL, sodium_base64_VARIANT_ORIGINAL_NO_PADDING) != 0) {
        return CHEK_E_TEXT;
    }
    *ret = chek_bytes_view_of(bytes, size);
    return CHEK_OK;
}

/* ---- the comparison --------------------------------------------------------------------------- */

static bool
number_differs(uint64_t a, uint64_t b)
{
    return a != 0 && b != 0 && a != b;
}

static bool
payments_differ(const struct chek_receipt *json, const struct chek_receipt *bytes)
{
    int64_t sums[CHEK_PAYMENT_KIND_COUNT] = {0};
    if (json->payments_count == 0 || bytes->payments_count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < json->payments_count; i++) {
        sums[json->payments[i].kind] += json->payments[i].sum;
    }
    for (uint32_t i = 0; i < bytes->payments_count; i++) {
        sums[bytes->payments[i].kind] -= bytes->payments[i].sum;
    }
    bool differ = false;
    for (size_t i = 0; i < CHEK_PAYMENT_KIND_COUNT; i++) {
        differ = differ || sums[i] != 0;
    }
    return differ;
}

/* The VAT of a whole receipt, wherever it stands. */
static int64_t
vat_of(const struct chek_receipt *receipt)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < receipt->taxes_count; i++) {
        sum += receipt->taxes[i].sum;
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        for (uint32_t j = 0; j < line->taxes_count; j++) {
            sum += line->storno ? -line->taxes[j].sum : line->taxes[j].sum;
        }
    }
    return sum;
}

/* The first line that differs; `lines_count` when none does. */
static uint32_t
line_differs(const struct chek_receipt *json, const struct chek_receipt *bytes)
{
    uint32_t i = 0;
    while (i < json->lines_count && json->lines[i].sum == bytes->lines[i].sum &&
           json->lines[i].storno == bytes->lines[i].storno) {
        i += 1;
    }
    return i;
}

/* The field in which two receipts differ, 0 for none; its index in *index. */
static uint16_t
receipt_differs(const struct chek_receipt *json, const struct chek_receipt *bytes, uint16_t *index)
{
    if (!chek_bytes_view_equal(json->fiscal_drive, bytes->fiscal_drive)) {
        return CHEK_FIELD_RECEIPT_FISCAL_DRIVE;
    }
    const struct {
        uint16_t field;
        bool differs;
    } rows[] = {
        {CHEK_FIELD_RECEIPT_DOCUMENT, number_differs(json->document, bytes->document)},
        {CHEK_FIELD_RECEIPT_SIGN, number_differs(json->sign, bytes->sign)},
        {CHEK_FIELD_RECEIPT_FORM, json->form != bytes->form},
        {CHEK_FIELD_RECEIPT_OPERATION, json->operation != bytes->operation},
        {CHEK_FIELD_RECEIPT_TOTAL, json->total != bytes->total},
        {CHEK_FIELD_RECEIPT_SHIFT, number_differs(json->shift, bytes->shift)},
        {CHEK_FIELD_RECEIPT_TIME, json->time / 60 != bytes->time / 60},
        {CHEK_FIELD_RECEIPT_PAYMENTS, payments_differ(json, bytes)},
        {CHEK_FIELD_RECEIPT_TAXES, number_differs((uint64_t)vat_of(json), (uint64_t)vat_of(bytes))},
        {CHEK_FIELD_RECEIPT_LINES, json->lines_count != bytes->lines_count},
    };
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        if (rows[i].differs) {
            return rows[i].field;
        }
    }
    uint32_t line = line_differs(json, bytes);
    *index = (uint16_t)(line < json->lines_count ? line : 0);
    return line < json->lines_count ? CHEK_FIELD_LINE_SUM : 0;
}

static uint16_t
close_differs(const struct chek_close *json, const struct chek_close *bytes)
{
    return number_differs(json->document, bytes->document) ? CHEK_FIELD_CLOSE_DOCUMENT
           : number_differs(json->sign, bytes->sign)       ? CHEK_FIELD_CLOSE_SIGN
           : number_differs(json->shift, bytes->shift)     ? CHEK_FIELD_CLOSE_SHIFT
                                                           : 0;
}

static void
on_difference(void *context, const struct chek_difference *difference)
{
    (void)difference;
    *(bool *)context = true;
}

/* Whether counters differ, of those sets that both sides have. */
static int
figures_differ(const struct chek_close *json, const struct chek_close *bytes,
               struct chek_arena *arena, bool *ret)
{
    struct chek_report left = {0};
    struct chek_report right = {0};
    struct chek_fault fault;
    int error =
        chek_report_decode_whole(json->figures.bytes, json->figures.size, arena, &left, &fault);
    if (error == CHEK_OK) {
        error = chek_report_decode_whole(bytes->figures.bytes, bytes->figures.size, arena, &right,
                                         &fault);
    }
    if (error != CHEK_OK) {
        return error; /* they are our own bytes: the arena is exhausted */
    }
    if (left.operations_count == 0 || right.operations_count == 0) {
        left.operations_count = right.operations_count = 0;
        left.taxes_count = right.taxes_count = 0;
    }
    if (left.now_count == 0 || right.now_count == 0) {
        left.now_count = right.now_count = 0;
    }
    *ret = false;
    chek_report_reconcile(&left, &right, on_difference, ret);
    return CHEK_OK;
}

/* A close whose members say no counters gets those of the bytes. */
static int
figures_mend(struct chek_document *document, const struct chek_close *bytes,
             struct chek_arena *arena)
{
    struct chek_close *close = chek_arena_take(arena, sizeof *close);
    uint8_t *figures = chek_arena_take(arena, bytes->figures.size);
    if (close == NULL || figures == NULL) {
        return CHEK_E_LIMIT;
    }
    memcpy(figures, bytes->figures.bytes, bytes->figures.size);
    *close = *document->close;
    close->figures = chek_bytes_view_of(figures, bytes->figures.size);
    document->close = close;
    return CHEK_OK;
}

/* Compare closes; *ret_field is where they differ. */
static int
closes_compare(struct chek_document *document, const struct chek_close *bytes,
               struct chek_arena *arena, uint16_t *ret_field)
{
    bool differ = false;
    int error = CHEK_OK;
    *ret_field = close_differs(document->close, bytes);
    if (*ret_field != 0 || bytes->figures.size == 0) {
        return CHEK_OK;
    }
    if (document->close->figures.size == 0) {
        return figures_mend(document, bytes, arena);
    }
    error = figures_differ(document->close, bytes, arena, &differ);
    *ret_field = differ ? CHEK_FIELD_CLOSE_FIGURES : 0;
    return error;
}

/* Give a receipt the bytes' time when it is whole hours off. */
static int
time_mend(struct chek_document *document, const struct chek_receipt *bytes,
          struct chek_arena *arena)
{
    int64_t off_s = bytes->time - document->receipt->time;
    bool same = !number_differs(document->receipt->sign, bytes->sign) &&
                document->receipt->document == bytes->document;
    if (!same || off_s == 0 || off_s % HOUR_S != 0 || off_s > ZONE_S_MAX || off_s < -ZONE_S_MAX) {
        return CHEK_OK;
    }
    struct chek_receipt *receipt = chek_arena_take(arena, sizeof *receipt);
    if (receipt == NULL) {
        return CHEK_E_LIMIT;
    }
    *receipt = *document->receipt;
    receipt->time = bytes->time;
    document->receipt = receipt;
    return CHEK_OK;
}

static int
documents_compare(struct chek_document *document, const struct chek_ffd_made *made,
                  struct chek_arena *arena, struct chek_fault *fault)
{
    const struct chek_document *bytes = &made->document;
    uint16_t field = 0;
    uint16_t index = 0;
    if (!made->kept || (document->receipt == NULL) != (bytes->receipt == NULL)) {
        field = CHEK_FIELD_DOCUMENT_RECEIPT;
    } else if (document->receipt != NULL) {
        int error = time_mend(document, bytes->receipt, arena);
        if (error != CHEK_OK) {
            return error;
        }
        field = receipt_differs(document->receipt, bytes->receipt, &index);
    } else {
        int error = closes_compare(document, bytes->close, arena, &field);
        if (error != CHEK_OK) {
            return error;
        }
    }
    if (field != 0) {
        *fault = (struct chek_fault){.code = CHEK_E_CONFLICT, .field = field, .index = index};
    }
    return CHEK_OK;
}

int
ingest__fns_signed_compare(struct chek_ffd_maker **maker, struct chek_bytes_view base64,
                           struct chek_arena *arena, struct chek_document *document,
                           struct ingest__fns_signed *ret)
{
    struct chek_bytes_view bytes;
    struct chek_ffd_found found;
    struct chek_ffd_made made;
    struct ingest__fns_signed what = {0};
    int error = *maker == NULL ? chek_ffd_maker_create(maker) : CHEK_OK;
    if (error != CHEK_OK) {
        return error;
    }
    error = bytes_read(base64, arena, &bytes);
    if (error == CHEK_OK) {
        error = chek_ffd_find(bytes, &found);
    }
    if (error == CHEK_OK) {
        error = chek_ffd_make(*maker, &found, &made, &what.fault, what.why);
    }
    if (error == CHEK_OK) {
        error = documents_compare(document, &made, arena, &what.fault);
    }
    if (error != CHEK_OK && what.fault.code == CHEK_OK) {
        what.fault.code = error;
    }
    if (what.fault.code == CHEK_E_CONFLICT) {
        (void)snprintf(what.why, sizeof what.why, "its rawData says something else");
    } else if (what.fault.code != CHEK_OK) {
        (void)snprintf(what.why, sizeof what.why, "its rawData: %s",
                       chek_error_text(what.fault.code));
    }
    *ret = what;
    return CHEK_OK;
}
