/* SPDX-License-Identifier: MIT */
#include "tests/unit/fns_fixture.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/civil.h"
#include "ingest/fns_json.h"
#include "tests/unit/table.h"

/* ---- documents as text ------------------------------------------------------------------------ */

void
fns_put(struct fns_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int size =
        vsnprintf(text->bytes + text->size, sizeof text->bytes - text->size, format, arguments);
    va_end(arguments);
    assert_true(size >= 0 && text->size + (size_t)size < sizeof text->bytes);
    text->size += (size_t)size;
}

static void
put_view(struct fns_text *text, const char *before, struct chek_bytes_view view)
{
    if (view.size != 0) {
        fns_put(text, "%s%.*s", before, (int)view.size, (const char *)view.bytes);
    }
}

static void
put_taxes(struct fns_text *text, const struct chek_tax *taxes, uint32_t count)
{
    static const char *const kinds[] = {"no", "vat", "ex", "other"};
    for (uint32_t i = 0; i < count; i++) {
        fns_put(text, " %s%u:%" PRId64, kinds[taxes[i].kind], taxes[i].rate / 1000, taxes[i].sum);
        if (taxes[i].turnover != 0) {
            fns_put(text, "/%" PRId64, taxes[i].turnover);
        }
    }
}

static void
put_line(struct fns_text *text, const struct chek_line *line)
{
    fns_put(text, "\n  %s", line->storno ? "storno " : "");
    put_view(text, "", line->name);
    fns_put(text, " %" PRId64 "*%" PRId64 "=%" PRId64, line->quantity, line->price, line->sum);
    put_view(text, " ", line->unit);
    if (line->settlement != 0 || line->subject != 0) {
        fns_put(text, " %u/%u", line->settlement, line->subject);
    }
    if (line->gtin != 0) {
        fns_put(text, " gtin %" PRIu64, line->gtin);
    }
    for (uint32_t i = 0; i < line->markings_count; i++) {
        put_view(text, " mark ", line->markings[i]);
    }
    put_taxes(text, line->taxes, line->taxes_count);
}

static void
put_receipt(struct fns_text *text, const struct chek_receipt *receipt)
{
    static const char *const operations[] = {"sell", "sell_return", "buy", "buy_return"};
    static const char *const forms[] = {"", " bso", " correction", " bso correction"};
    static const char *const kinds[] = {"cash",    "card",      "mobile", "credit",
                                        "prepaid", "provision", "tare",   "other"};
    char time[CHEK_CIVIL_TEXT_MAX];
    (void)chek_civil_write(receipt->time, time);
    fns_put(text, "\n%s%s %s shift %u/%u fd %u fp %" PRIu64 " total %" PRId64,
            operations[receipt->operation], forms[receipt->form], time, receipt->shift,
            receipt->number_in_shift, receipt->document, receipt->sign, receipt->total);
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        fns_put(text, " %s %" PRId64, kinds[receipt->payments[i].kind], receipt->payments[i].sum);
    }
    put_taxes(text, receipt->taxes, receipt->taxes_count);
    put_view(text, " by ", receipt->operator);
    put_view(text, " to ", receipt->buyer);
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        put_line(text, &receipt->lines[i]);
    }
}

static int
on_document(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    struct fns_text *text = context;
    const struct chek_register *what = document->profile;
    (void)offset;
    (void)warnings;
    text->document_count += 1;
    fns_put(text, "%s", text->size != 0 ? "\n" : "");
    for (uint32_t i = 0; i < what->keys_count; i++) {
        put_view(text, i != 0 ? " " : "", what->keys[i].value);
    }
    put_view(text, " inn ", what->organisation);
    put_view(text, " at ", what->point);
    assert_int_equal(what->currency, 643);
    if (document->drive_report != NULL) {
        fns_put(text, "\nreport %u fd %u", document->drive_report->kind,
                document->drive_report->document);
    } else if (document->receipt != NULL) {
        assert_true(chek_bytes_view_equal(document->receipt->fiscal_drive, what->keys[0].value));
        put_receipt(text, document->receipt);
    } else {
        char time[CHEK_CIVIL_TEXT_MAX];
        (void)chek_civil_write(document->close->time, time);
        fns_put(text, "\nclose %s shift %u fd %u fp %" PRIu64, time, document->close->shift,
                document->close->document, document->close->sign);
        put_view(text, " by ", document->close->operator);
    }
    return CHEK_OK;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    struct fns_text *text = context;
    text->refusal_count += 1;
    assert_true(why != NULL && why[0] != 0);
    fns_put(text, "%sat %" PRIu64 ": %s %s[%u]", text->size != 0 ? "\n" : "", offset,
            chek_error_name(fault->code), chek_field_name(fault->field), fault->index);
    return CHEK_OK;
}

int
fns_read(const char *bytes, size_t size, size_t piece, struct fns_text *text)
{
    const struct chek_fns_json_sink sink = {text, on_document, on_refusal, NULL};
    struct chek_fns_json *reader;
    *text = (struct fns_text){0};
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    int error = CHEK_OK;
    for (size_t at = 0; at < size && error == CHEK_OK; at += piece) {
        error = chek_fns_json_read(reader, bytes + at, size - at < piece ? size - at : piece);
    }
    error = error == CHEK_OK ? chek_fns_json_end(reader) : error;
    assert_int_equal(chek_fns_json_count(reader) >= text->document_count, 1);
    chek_fns_json_destroy(reader);
    return error;
}

void
fns_check(const char *json, int error, const char *want)
{
    static struct fns_text text;
    size_t size = strlen(json);
    assert_error(fns_read(json, size, size + 1, &text), error);
    assert_string_equal(text.bytes, want);
    assert_error(fns_read(json, size, 1, &text), error);
    assert_string_equal(text.bytes, want);
}
