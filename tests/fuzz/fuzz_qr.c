/* SPDX-License-Identifier: MIT */
/*
 * fuzz_qr.c - QR strings from any bytes.
 *
 * What is accepted must be one country's whole name of a receipt, within the ranges that a document
 * has, and must read the same when it is written again in the usual form, and when every byte of it
 * comes percent-encoded. What is refused must leave the result alone.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "query/qr.h"
#include "tests/fuzz/fuzz.h"

#define TEXT_SIZE_MAX 2048
#define WRITTEN_SIZE_MAX 256

static bool
is_digits(const char *text)
{
    return strspn(text, "0123456789") == strlen(text);
}

static void
qr_check(const struct chek_qr *qr)
{
    bool russian = qr->fiscal_drive[0] != 0;
    CHEK_ASSERT(russian == (qr->registration_number[0] == 0));
    CHEK_ASSERT(russian == (qr->document != 0));
    CHEK_ASSERT(qr->sign != 0);
    CHEK_ASSERT(is_digits(qr->fiscal_drive) && is_digits(qr->registration_number));
    CHEK_ASSERT(strlen(qr->fiscal_drive) < sizeof qr->fiscal_drive);
    CHEK_ASSERT(strlen(qr->registration_number) < sizeof qr->registration_number);
    CHEK_ASSERT(qr->time == 0 || chek_civil_is_valid(qr->time));
    CHEK_ASSERT(qr->has_seconds || qr->time % 60 == 0);
    CHEK_ASSERT(qr->total >= -1 && qr->operation <= 4);
}

static bool
qr_equal(const struct chek_qr *a, const struct chek_qr *b)
{
    return a->time == b->time && a->has_seconds == b->has_seconds && a->total == b->total &&
           a->sign == b->sign && a->document == b->document && a->operation == b->operation &&
           strcmp(a->fiscal_drive, b->fiscal_drive) == 0 &&
           strcmp(a->registration_number, b->registration_number) == 0;
}

/* Write what was read as it is usually printed; returns the size. */
static size_t
qr_write(const struct chek_qr *qr, char text[WRITTEN_SIZE_MAX])
{
    size_t size = 0;
    char total[CHEK_DECIMAL_TEXT_MAX];

    if (qr->document != 0) {
        size += (size_t)sprintf(text, "fn=%s&i=%u&fp=%llu", qr->fiscal_drive, qr->document,
                                (unsigned long long)qr->sign);
    } else {
        size += (size_t)sprintf(text, "http://consumer/?i=%llu&f=%s", (unsigned long long)qr->sign,
                                qr->registration_number);
    }
    if (qr->time != 0) {
        struct chek_civil_parts p = chek_civil_to_parts(qr->time);
        size += (size_t)sprintf(text + size, "&t=%04d%02u%02uT%02u%02u", p.year, p.month, p.day,
                                p.hour, p.minute);
        size += qr->has_seconds ? (size_t)sprintf(text + size, "%02u", p.second) : 0;
    }
    if (qr->total >= 0) {
        total[chek_decimal_write(qr->total, 2, total)] = 0;
        size += (size_t)sprintf(text + size, "&s=%s", total);
    }
    return size + (size_t)sprintf(text + size, "&n=%u", qr->operation);
}

static void
reads_the_same(struct chek_bytes_view text, const struct chek_qr *wanted)
{
    struct chek_qr again;
    int error = chek_qr_read(text, &again);
    CHEK_ASSERT(error == CHEK_OK && qr_equal(&again, wanted));
}

/* Every byte as %XX, which the reader undoes once. */
static void
encoded_check(struct chek_bytes_view text, const struct chek_qr *wanted)
{
    static const char digits[] = "0123456789abcDEF";
    char encoded[TEXT_SIZE_MAX];
    if (text.size * 3 > sizeof encoded) {
        return;
    }
    for (size_t i = 0; i < text.size; i++) {
        encoded[3 * i] = '%';
        encoded[3 * i + 1] = digits[text.bytes[i] >> 4];
        encoded[3 * i + 2] = digits[text.bytes[i] & 15];
    }
    reads_the_same(chek_bytes_view_of(encoded, text.size * 3), wanted);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_bytes_view text = chek_bytes_view_of(bytes, size);
    struct chek_qr qr;
    struct chek_qr untouched;
    char written[WRITTEN_SIZE_MAX];

    memset(&qr, 0xa5, sizeof qr);
    untouched = qr;
    int error = chek_qr_read(text, &qr);
    if (error != CHEK_OK) {
        CHEK_ASSERT(memcmp(&qr, &untouched, sizeof qr) == 0);
        CHEK_ASSERT((error == CHEK_E_LIMIT) == (size > TEXT_SIZE_MAX));
        return 0;
    }
    qr_check(&qr);
    struct chek_bytes_view usual = chek_bytes_view_of(written, qr_write(&qr, written));
    reads_the_same(usual, &qr);
    encoded_check(usual, &qr);
    return 0;
}
