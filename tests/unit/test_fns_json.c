/* SPDX-License-Identifier: MIT */
/*
 * test_fns_json.c - receipts of every dialect, from tests/samples and written here.
 *
 * A document is compared as a line of text, so that a row reads as what is expected of its file.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/civil.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "ingest/fns_json.h"
#include "tests/unit/table.h"

#define TEXT_SIZE 16384
#define FILE_SIZE_MAX 65536

/* ---- documents as text ------------------------------------------------------------------------ */

struct text {
    char bytes[TEXT_SIZE];
    size_t size;
    unsigned document_count, refusal_count;
};

static void CHEK_PRINTF(2, 3) put(struct text *text, const char *format, ...)
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
put_view(struct text *text, const char *before, struct chek_bytes_view view)
{
    if (view.size != 0) {
        put(text, "%s%.*s", before, (int)view.size, (const char *)view.bytes);
    }
}

static void
put_taxes(struct text *text, const struct chek_tax *taxes, uint32_t count)
{
    static const char *const kinds[] = {"no", "vat", "ex", "other"};
    for (uint32_t i = 0; i < count; i++) {
        put(text, " %s%u:%" PRId64, kinds[taxes[i].kind], taxes[i].rate / 1000, taxes[i].sum);
        if (taxes[i].turnover != 0) {
            put(text, "/%" PRId64, taxes[i].turnover);
        }
    }
}

static void
put_line(struct text *text, const struct chek_line *line)
{
    put(text, "\n  %s", line->storno ? "storno " : "");
    put_view(text, "", line->name);
    put(text, " %" PRId64 "*%" PRId64 "=%" PRId64, line->quantity, line->price, line->sum);
    put_view(text, " ", line->unit);
    if (line->settlement != 0 || line->subject != 0) {
        put(text, " %u/%u", line->settlement, line->subject);
    }
    if (line->gtin != 0) {
        put(text, " gtin %" PRIu64, line->gtin);
    }
    for (uint32_t i = 0; i < line->markings_count; i++) {
        put_view(text, " mark ", line->markings[i]);
    }
    put_taxes(text, line->taxes, line->taxes_count);
}

static void
put_receipt(struct text *text, const struct chek_receipt *receipt)
{
    static const char *const operations[] = {"sell", "sell_return", "buy", "buy_return"};
    static const char *const forms[] = {"", " bso", " correction", " bso correction"};
    static const char *const kinds[] = {"cash",    "card",      "mobile", "credit",
                                        "prepaid", "provision", "tare",   "other"};
    char time[CHEK_CIVIL_TEXT_MAX];
    (void)chek_civil_write(receipt->time, time);
    put(text, "\n%s%s %s shift %u/%u fd %u fp %" PRIu64 " total %" PRId64,
        operations[receipt->operation], forms[receipt->form], time, receipt->shift,
        receipt->number_in_shift, receipt->document, receipt->sign, receipt->total);
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        put(text, " %s %" PRId64, kinds[receipt->payments[i].kind], receipt->payments[i].sum);
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
    struct text *text = context;
    const struct chek_register *what = document->profile;
    (void)offset;
    (void)warnings;
    text->document_count += 1;
    put(text, "%s", text->size != 0 ? "\n" : "");
    for (uint32_t i = 0; i < what->keys_count; i++) {
        put_view(text, i != 0 ? " " : "", what->keys[i].value);
    }
    put_view(text, " inn ", what->organisation);
    put_view(text, " at ", what->point);
    assert_int_equal(what->currency, 643);
    if (document->drive_report != NULL) {
        put(text, "\nreport %u fd %u", document->drive_report->kind,
            document->drive_report->document);
    } else if (document->receipt != NULL) {
        assert_true(chek_bytes_view_equal(document->receipt->fiscal_drive, what->keys[0].value));
        put_receipt(text, document->receipt);
    } else {
        char time[CHEK_CIVIL_TEXT_MAX];
        (void)chek_civil_write(document->close->time, time);
        put(text, "\nclose %s shift %u fd %u fp %" PRIu64, time, document->close->shift,
            document->close->document, document->close->sign);
        put_view(text, " by ", document->close->operator);
    }
    return CHEK_OK;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    struct text *text = context;
    text->refusal_count += 1;
    assert_true(why != NULL && why[0] != 0);
    put(text, "%sat %" PRIu64 ": %s %s[%u]", text->size != 0 ? "\n" : "", offset,
        chek_error_name(fault->code), chek_field_name(fault->field), fault->index);
    return CHEK_OK;
}

/* Read bytes in pieces of a size; the error it ended with. */
static int
read_pieces(const char *bytes, size_t size, size_t piece, struct text *text)
{
    const struct chek_fns_json_sink sink = {text, on_document, on_refusal, NULL};
    struct chek_fns_json *reader;
    *text = (struct text){0};
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

static size_t
file_read(const char *path, char *bytes, size_t size_max)
{
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(bytes, 1, size_max, file);
    assert_int_equal(ferror(file), 0);
    (void)fclose(file);
    return size;
}

/* ---- samples ---------------------------------------------------------------------------------- */

static struct sample_case {
    const char *name, *file, *want;
} samples[] = {
    {"export", "tests/samples/export.json",
     "9999078900000001 0000000001000001 inn 0000000027 at 000001, г. Образцовый, ул"
     ". Первая, 1\n"
     "sell 2021-06-15T10:29:00 shift 4/45 fd 541 fp 2318389901 total 23190 cash 200"
     "00 card 3190 by ИВАНОВА А. А.\n"
     "  Хлеб ржаной 2000000*10000=20000 4/1 vat10:1818\n"
     "  Пакет \"майка\" 1000000*3190=3190 шт 4/1 vat20:532\n"
     "9999078900000001 0000000001000001 inn 0000000027 at 000001, г. Образцовый, ул"
     ". Первая, 1\n"
     "sell_return 2021-06-15T18:00:30 shift 4/46 fd 542 fp 17 total 10000 cash 1000"
     "0 by ИВАНОВА А. А.\n"
     "  Хлеб ржаной 1000000*10000=10000 4/1 vat10:909"},
    {"v1_api", "tests/samples/v1_api.json",
     "9999078900000002 0000000002000002 inn 0000000035 at г. Образцовый, ул. Вторая"
     ", дом № 2\n"
     "sell 2018-05-18T22:05:00 shift 12/3 fd 77 fp 408618100 total 41667 card 41667"
     " vat18:3000/19667 vat10:2000/22000 by КАССИР\n"
     "  Крупа 1000000*19667=19667\n"
     "  Рыба 500000*44000=22000"},
    {"checking_service", "tests/samples/checking_service.json",
     "9999078900000003 0000000003000003 00100000000003 inn 0000000027 at 680000, кр"
     "ай Образцовый, г.о. ~f2b39a8e43515953\n"
     "sell 2024-09-17T18:01:00 shift 205/217 fd 30526 fp 1168453700 total 29700 cas"
     "h 9700 card 20000 vat10:2249/24738 no0:0/5000 by КАССИР\n"
     "  *Тыква                       1кг 2474000*9999=24738 кг 4/1\n"
     "  Услуга 1000000*5000=5000 шт 4/4"},
    {"cabinet", "tests/samples/cabinet.json",
     "9999078900000004 0000000004000004 inn 0000000043 at г. Образцовый\n"
     "sell 2026-01-29T17:46:00 shift 45/5032 fd 167117 fp 1738302100 total 67927 ca"
     "rd 67927 ex10:593/6527 ex22:11072/61400 by Кассир to buyer@example.invalid\n"
     "   65270000*100=6527 3/10\n"
     "   614000000*100=61400 3/10"},
    {"cabinet_whole", "tests/samples/cabinet_whole.json",
     "9999078900000004 0000000004000004 inn 0000000043\n"
     "sell 2026-01-29T17:50:00 shift 45/0 fd 167118 fp 1738302101 total 10000 cash "
     "10000\n"
     "  Книга 1000000*10000=10000 no0:0"},
    {"vending", "tests/samples/vending.json",
     "9999078900000005 0000000005000005 inn 0000000051 at Образцовый, д.1\n"
     "sell 2023-02-04T21:27:05 shift 158/704 fd 153832 fp 2693375500 total 3000 car"
     "d 3000 to +70000000000\n"
     "  Сухарики 1000000*3000=3000 4/0 no0:0"},
    {"marked", "tests/samples/marked.json",
     "9999078900000006 0000000006000006 0100000000000006 inn 0000000027 at г. Образ"
     "цовый\n"
     "sell 2026-08-03T16:44:00 shift 245/73 fd 4711 fp 3576585500 total 18800 card "
     "18800 vat10:600/6600 vat22:2200/12200\n"
     "  Вода 1л 1000000*12200=12200 шт 4/33 gtin 4600000000015 mark 010460000000001"
     "5215OoyE8qxeIOn>\n"
     "  Творог 1000000*5500=5500 шт 4/33 gtin 4600000000022 mark 010460000000002221"
     "5UA:lm\n"
     "  Сырок 1000000*1100=1100 gtin 4600000000039"},
    {"operator", "tests/samples/operator.json",
     "9999078900000007 0000000007000007 inn 0000000060 at Киоск\n"
     "sell 2020-09-14T06:17:00 shift 2/1 fd 10 fp 44837143 total 700 prepaid 500 cr"
     "edit 150 provision 50\n"
     "  Набор 1000000*1000=1000 vat20:167\n"
     "  storno Набор 1000000*300=300 vat20:50\n"
     "9999078900000007 0000000007000007 inn 0000000060 at Киоск\n"
     "buy bso 2020-09-14T06:30:00 shift 2/0 fd 11 fp 44837144 total 900 cash 900\n"
     "  Сдача стекла 1000000*900=900 no0:0/900\n"
     "9999078900000007 0000000007000007 inn 0000000060\n"
     "sell correction 2020-09-14T06:40:00 shift 2/0 fd 12 fp 44837145 total 1200 ca"
     "rd 1200 vat20:200/1200\n"
     "9999078900000007 0000000007000007 inn 0000000060\n"
     "close 2020-09-14T08:00:00 shift 2 fd 13 fp 44837146 by СТАРШИЙ"},
    {"marking_system", "tests/samples/marking_system.json",
     "9999078900000008 0000000008000008 inn 0000000078\n"
     "sell 2023-12-03T23:19:00 shift 9/0 fd 10027 fp 3516337400 total 15000 cash 15"
     "000 vat20:2500/15000\n"
     "  Табак 1000000*15000=15000 gtin 4600000000046 mark 00000046198488XabcdefgMRC"
     "1"},
    {"refused", "tests/samples/refused.json",
     "at 1: TOTAL_MISMATCH receipt.total[0]\n"
     "at 294: NUMBER receipt.total[0]\n"
     "9999078900000009 0000000009000009 inn 0000000086\n"
     "sell 2024-01-01T10:00:00 shift 1/0 fd 3 fp 5 total 100 cash 100\n"
     "  a 1000000*100=100"},
};

static void
test_fns_json_sample(void **state)
{
    const struct sample_case *c = *state;
    static struct text text;
    char bytes[FILE_SIZE_MAX];
    size_t size = file_read(c->file, bytes, sizeof bytes);
    assert_error(read_pieces(bytes, size, size, &text), CHEK_OK);
    assert_string_equal(text.bytes, c->want);
}

/* Whatever the pieces, the documents are the same. */
static void
test_fns_json_pieces(void **state)
{
    const struct sample_case *c = *state;
    static struct text text;
    char bytes[FILE_SIZE_MAX];
    size_t size = file_read(c->file, bytes, sizeof bytes);
    for (size_t piece = 1; piece < 40; piece += piece < 5 ? 1 : 7) {
        assert_error(read_pieces(bytes, size, piece, &text), CHEK_OK);
        assert_string_equal(text.bytes, c->want);
    }
}

/* ---- one receipt, one thing different --------------------------------------------------------- */

/* The receipt that the changes are made to; it is read as RECEIPT LINE. */
static const struct member {
    const char *key, *value; /* NULL: left out */
} members[] = {
    {"fiscalDriveNumber", "\"99\""},
    {"userInn", "\"27\""},
    {"fiscalDocumentNumber", "1"},
    {"fiscalSign", "2"},
    {"dateTime", "\"2024-01-01T10:00:00\""},
    {"operationType", "1"},
    {"totalSum", "100"},
    {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100}]"},
};

#define RECEIPT "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100"
#define LINE "\n  a 1000000*100=100"

static struct variant_case {
    const char *name;
    struct member changes[5];
    const char *want;
} variants[] = {
    {"bare_receipt", {{NULL, NULL}}, RECEIPT LINE},
    {"kopecks_with_a_zero_decimal", {{"totalSum", "100.0"}}, RECEIPT LINE},
    {"roubles_by_a_fraction",
     {{"totalSum", "1.50"},
      {"items", "[{\"name\":\"a\",\"price\":1.5,\"quantity\":1,\"sum\":1.50}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 150\n  a 100000"
     "0*150=150"},
    {"roubles_because_all_have_two_decimals",
     {{"totalSum", "1.00"},
      {"items", "[{\"name\":\"a\",\"price\":1,\"quantity\":1,\"sum\":1.00}]"}},
     RECEIPT LINE},
    {"kopecks_although_the_sign_is_a_text", {{"fiscalSign", "\"2\""}}, RECEIPT LINE},
    {"roubles_because_sign_and_version_are_texts",
     {{"fiscalSign", "\"2\""},
      {"fiscalDocumentFormatVer", "\"4\""},
      {"totalSum", "1"},
      {"items", "[{\"name\":\"a\",\"price\":1,\"quantity\":1,\"sum\":1}]"}},
     RECEIPT LINE},
    {"price_decides_nothing_and_is_rounded",
     {{"items", "[{\"name\":\"a\",\"price\":33.335,\"quantity\":3,\"sum\":100}]"}},
     RECEIPT "\n  a 3000000*33=100"},
    {"quantity_is_rounded_to_a_millionth",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.33333349,\"sum\":100}]"}},
     RECEIPT "\n  a 333333*100=100"},
    {"quantity_is_rounded_up_over_a_one",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.9999999,\"sum\":100}]"}},
     RECEIPT LINE},
    {"quantity_that_would_be_nothing",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.0000004,\"sum\":100}]"}},
     "at 0: RANGE line.quantity[0]"},
    {"quantity_of_nothing",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.0000000,\"sum\":100}]"}},
     RECEIPT "\n  a 0*100=100"},
    {"sum_as_a_flag", {{"totalSum", "true"}}, "at 0: NUMBER receipt.total[0]"},
    {"quantity_as_a_flag",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":true,\"sum\":100}]"}},
     "at 0: NUMBER line.quantity[0]"},
    {"operator_with_a_nul", {{"operator", "\"a\\u0000b\""}}, "at 0: TEXT receipt.operator[0]"},
    {"sum_with_an_exponent", {{"totalSum", "1e2"}}, "at 0: NUMBER receipt.total[0]"},
    {"sum_of_kopecks_with_half_a_kopeck",
     {{"totalSum", "100.005"}},
     "at 0: NUMBER receipt.total[0]"},
    {"sum_as_a_text", {{"totalSum", "\" 100 \""}}, RECEIPT LINE},
    {"negative_sum", {{"totalSum", "-100"}, {"items", "[]"}}, "at 0: RANGE receipt.total[0]"},
    {"drive_that_went_through_a_double",
     {{"fiscalDriveNumber", "9.96144030096540e+15"}},
     "at 0: NUMBER receipt.fiscal_drive[0]"},
    {"drive_above_2_to_the_53",
     {{"fiscalDriveNumber", "9961440300965403"}},
     "9961440300965403 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 1"
     "00" LINE},
    {"drive_missing", {{"fiscalDriveNumber", NULL}}, "at 0: FIELD_MISSING receipt.fiscal_drive[0]"},
    {"drive_null", {{"fiscalDriveNumber", "null"}}, "at 0: FIELD_MISSING receipt.fiscal_drive[0]"},
    {"document_missing",
     {{"fiscalDocumentNumber", NULL}},
     "at 0: FIELD_MISSING receipt.document[0]"},
    {"document_of_33_bits",
     {{"fiscalDocumentNumber", "4294967296"}},
     "at 0: RANGE receipt.document[0]"},
    {"sign_of_64_bits",
     {{"fiscalSign", "18446744073709551615"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 18446744073709551615 to"
     "tal 100" LINE},
    {"operation_missing", {{"operationType", NULL}}, "at 0: FIELD_MISSING receipt.operation[0]"},
    {"operation_5", {{"operationType", "5"}}, "at 0: RANGE receipt.operation[0]"},
    {"operation_4_is_the_return_of_a_purchase",
     {{"operationType", "4"}},
     "99 inn 27\nbuy_return 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" LINE},
    {"inn_missing", {{"userInn", NULL}}, "at 0: FIELD_MISSING register.organisation[0]"},
    {"time_missing", {{"dateTime", NULL}}, "at 0: FIELD_MISSING receipt.time[0]"},
    {"time_with_a_zone", {{"dateTime", "\"2024-01-01T10:00:00Z\""}}, "at 0: DATE receipt.time[0]"},
    {"time_of_february_30",
     {{"dateTime", "\"2024-02-30T10:00:00\""}},
     "at 0: DATE receipt.time[0]"},
    {"time_in_minutes",
     {{"dateTime", "\"2024-01-01T10:07\""}},
     "99 inn 27\nsell 2024-01-01T10:07:00 shift 0/0 fd 1 fp 2 total 100" LINE},
    {"total_missing", {{"totalSum", NULL}}, "at 0: FIELD_MISSING receipt.total[0]"},
    {"line_sum_missing",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1}]"}},
     "at 0: FIELD_MISSING line.sum[0]"},
    {"line_without_a_name",
     {{"items", "[{\"name\":null,\"price\":100,\"quantity\":1,\"sum\":100}]"}},
     RECEIPT "\n   1000000*100=100"},
    {"no_lines", {{"items", "[]"}}, RECEIPT},
    {"total_rounded_down",
     {{"totalSum", "99"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 99" LINE},
    {"total_above_the_lines", {{"totalSum", "101"}}, "at 0: TOTAL_MISMATCH receipt.total[0]"},
    {"payments_differ_from_the_total",
     {{"cashTotalSum", "50"},
      {"ecashTotalSum", "49"},
      {"prepaidSum", "0"},
      {"creditSum", "0"},
      {"provisionSum", "0"}},
     "at 0: TOTAL_MISMATCH receipt.payments[0]"},
    {"payments_of_which_some_were_dropped",
     {{"cashTotalSum", "50"}, {"ecashTotalSum", "null"}},
     RECEIPT LINE},
    {"payments_above_the_total",
     {{"cashTotalSum", "101"}},
     "at 0: TOTAL_MISMATCH receipt.payments[0]"},
    {"payments_of_which_those_of_0_are_left_out",
     {{"cashTotalSum", "100"}},
     RECEIPT " cash 100" LINE},
    {"line_as_an_object",
     {{"items", "{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100}"}},
     RECEIPT LINE},
    {"storno_as_an_object",
     {{"totalSum", "60"},
      {"stornoItems", "{\"name\":\"b\",\"price\":40,\"quantity\":1,\"sum\":40}"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 60" LINE
     "\n  storno b 1000000*40=40"},
    {"properties_as_an_object",
     {{"properties", "{\"propertyName\":\"totalSum\",\"totalSum\":7}"}},
     RECEIPT LINE},
    {"properties_as_an_array",
     {{"properties", "[{\"key\":\"a\",\"value\":\"b\",\"totalSum\":7}]"}},
     RECEIPT LINE},
    {"opening_of_a_shift", {{"code", "2"}}, "99 inn 27\nreport 2 fd 1"},
    {"registration", {{"code", "1"}}, "99 inn 27\nreport 1 fd 1"},
    {"report_without_a_number_is_passed_over", {{"code", "2"}, {"fiscalDocumentNumber", NULL}}, ""},
    {"report_of_nobody_is_passed_over", {{"code", "21"}, {"userInn", NULL}}, ""},
    {"confirmation_is_passed_over", {{"code", "7"}}, ""},
    {"close_of_a_shift_by_its_code",
     {{"code", "5"}, {"shiftNumber", "3"}, {"operationType", NULL}, {"totalSum", NULL}},
     "99 inn 27\nclose 2024-01-01T10:00:00 shift 3 fd 1 fp 2"},
    {"sign_of_the_message_above_63_bits",
     {{"messageFiscalSign", "9297295000000000000"}},
     RECEIPT LINE},
    {"zeros_before_numbers_come_back",
     {{"userInn", "123456789"}, {"kktRegId", "1165769001352"}},
     "99 0001165769001352 inn 0123456789\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" LINE},
    {"zero_before_the_inn_of_a_person_comes_back",
     {{"userInn", "12345678901"}},
     "99 inn 012345678901\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" LINE},
    {"texts_get_no_zeros",
     {{"kktRegId", "\"1165769001352   \""}},
     "99 1165769001352 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" LINE},
    {"time_under_its_old_name",
     {{"dateTime", NULL}, {"ticketDate", "\"2024-01-01T10:00:00\""}},
     RECEIPT LINE},
    {"time_in_seconds_of_the_wall_clock", {{"dateTime", "1704103200"}}, RECEIPT LINE},
    {"time_in_milliseconds_of_the_wall_clock",
     {{"dateTime", NULL}, {"fiscalDate", "1704103200000"}},
     RECEIPT LINE},
    {"time_in_seconds_of_utc_beside_a_local_one",
     {{"dateTime", "1704092400"}, {"localDateTime", "\"2024-01-01T10:00\""}},
     RECEIPT LINE},
    {"code_of_tag_1162",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCode\":"
                "\"444d042f1f9681784a67584a352e54313132303030\"}]"}},
     RECEIPT LINE " gtin 4600439931256 mark 010460043993125621JgXJ5.T112000"},
    {"code_of_tag_1162_that_is_a_barcode",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nomenclatureCode\":"
                "\"450d043077195761\"}]"}},
     RECEIPT LINE " gtin 4606203090785"},
    {"code_of_a_shop_is_no_marking",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCode\":"
                "\"12345\"}]"}},
     RECEIPT LINE},
    {"code_loses_its_check_part",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"rawProductCode\":"
                "\"0104600000000015215UA:lm\\u001d93Gk30\"}]"}},
     RECEIPT LINE " gtin 4600000000015 mark 0104600000000015215UA:lm"},
    {"code_of_marked_goods_among_those_of_others",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCodeNew\":"
                "[{\"gs1\":{\"rawProductCode\":\"0104600000000015215UA:lm\"}}]}]"}},
     RECEIPT LINE " gtin 4600000000015 mark 0104600000000015215UA:lm"},
    {"code_that_is_not_known_stays",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCodeNew\":"
                "{\"undefined\":{\"rawProductCode\":\"hello\"}}}]"}},
     RECEIPT LINE " mark hello"},
    {"vat_code_0",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":0}]"}},
     "at 0: RANGE line.taxes[0]"},
    {"vat_code_13",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":13}]"}},
     "at 0: RANGE line.taxes[0]"},
    {"vat_code_1_before_2019",
     {{"dateTime", "\"2018-12-31T23:59:59\""},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":1,\"ndsSum\""
                ":15}]"}},
     "99 inn 27\nsell 2018-12-31T23:59:59 shift 0/0 fd 1 fp 2 total 100" LINE " vat18:15"},
    {"vat_code_1_in_2019",
     {{"dateTime", "\"2019-01-01T00:00:00\""},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":1,\"ndsSum\""
                ":17}]"}},
     "99 inn 27\nsell 2019-01-01T00:00:00 shift 0/0 fd 1 fp 2 total 100" LINE " vat20:17"},
    {"vat_codes_of_the_old_rates",
     {{"totalSum", "600"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":1,\"ndsSum\""
                ":17},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":2,\"ndsS"
                "um\":9},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":3,\""
                "ndsSum\":17},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":"
                "4,\"ndsSum\":9},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds"
                "\":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":6}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 600" LINE " vat20:17" LINE
     " vat10:9" LINE " ex20:17" LINE " ex10:9" LINE " vat0:0" LINE " no0:0"},
    {"vat_codes_of_2026",
     {{"totalSum", "200"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":11,\"ndsSum"
                "\":18},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":12,\"nd"
                "sSum\":18}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 200" LINE " vat22:18" LINE
     " ex22:18"},
    {"vat_codes_of_2025",
     {{"totalSum", "400"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":7,\"ndsSum\""
                ":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":8,\"ndsS"
                "um\":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":9,\""
                "ndsSum\":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":"
                "10,\"ndsSum\":5}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 400" LINE " vat5:5" LINE
     " vat7:5" LINE " ex5:5" LINE " ex7:5"},
    {"vat_code_without_any_sum_is_computed",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":12}]"}},
     RECEIPT LINE " ex22:18"},
    {"vat_of_the_whole_with_a_code_missing", {{"nds10", "9"}}, RECEIPT " vat10:9/100" LINE},
    {"vat_of_0_percent_of_the_whole", {{"nds0", "100"}}, RECEIPT " vat0:0/100" LINE},
    {"vat_amounts_as_an_object",
     {{"amountsReceiptNds", "{\"amountsNds\":{\"nds\":11,\"ndsSum\":18}}"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":11}]"}},
     RECEIPT " vat22:18/100" LINE},
    {"vat_of_a_part_of_the_total",
     {{"totalSum", "10000"}, {"nds10", "9"}, {"items", "[]"}},
     RECEIPT "00 vat10:9/99"},
    {"text_with_a_nul",
     {{"items", "[{\"name\":\"a\\u0000b\",\"price\":100,\"quantity\":1,\"sum\":100}]"}},
     "at 0: TEXT line.name[0]"},
    {"text_longer_than_its_field",
     {{"items", "[{\"name\":\"жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж"
                "жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж\",\"price\""
                ":100,\"quantity\":1,\"sum\":100}]"}},
     RECEIPT "\n  жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж"
             "жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж 1000000*100=100"},
    {"unit_by_its_code",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"itemsQuantityMeas"
                "ure\":41}]"}},
     RECEIPT LINE " л"},
    {"unit_code_that_is_unknown",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"itemsQuantityMeas"
                "ure\":255}]"}},
     RECEIPT LINE},
    {"gtin_that_is_none",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"gtin\":\"abc\"}]"}},
     RECEIPT LINE},
    {"inn_padded_to_twelve",
     {{"userInn", "\"007825706086\""}},
     "99 inn 7825706086\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" LINE},
    {"settlement_above_255",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"paymentType\":256"
                "}]"}},
     "at 0: RANGE line.settlement[0]"},
};

static const struct member *
change_find(const struct variant_case *c, const char *key)
{
    for (size_t i = 0; i < CHEK_COUNT(c->changes) && c->changes[i].key != NULL; i++) {
        if (strcmp(c->changes[i].key, key) == 0) {
            return &c->changes[i];
        }
    }
    return NULL;
}

static bool
is_member(const char *key)
{
    for (size_t i = 0; i < CHEK_COUNT(members); i++) {
        if (strcmp(members[i].key, key) == 0) {
            return true;
        }
    }
    return false;
}

/* Both ways of reading: whole and byte by byte. */
static void
check(const char *json, int error, const char *want)
{
    static struct text text;
    size_t size = strlen(json);
    assert_error(read_pieces(json, size, size + 1, &text), error);
    assert_string_equal(text.bytes, want);
    assert_error(read_pieces(json, size, 1, &text), error);
    assert_string_equal(text.bytes, want);
}

static void
test_fns_json_variant(void **state)
{
    const struct variant_case *c = *state;
    static struct text json;
    json.size = 0;
    put(&json, "{\"x\":null");
    for (size_t i = 0; i < CHEK_COUNT(members); i++) {
        const struct member *change = change_find(c, members[i].key);
        const char *value = change != NULL ? change->value : members[i].value;
        if (value != NULL) {
            put(&json, ",\"%s\":%s", members[i].key, value);
        }
    }
    for (size_t i = 0; i < CHEK_COUNT(c->changes) && c->changes[i].key != NULL; i++) {
        if (!is_member(c->changes[i].key)) {
            put(&json, ",\"%s\":%s", c->changes[i].key, c->changes[i].value);
        }
    }
    put(&json, "}");
    check(json.bytes, CHEK_OK, c->want);
}

/* ---- how receipts lie in the JSON ------------------------------------------------------------- */

#define BASE                                                                         \
    "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\"" \
    "fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"tot"  \
    "alSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":1"  \
    "00}]}"

static struct raw_case {
    const char *name, *json;
    int error;
    const char *want;
} raws[] = {
    {"first_of_two_equal_names",
     "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\""
     "fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"tot"
     "alSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":1"
     "00}],\"totalSum\":5}",
     CHEK_OK, RECEIPT LINE},
    {"receipt_inside_of_unknown_objects",
     "{\"ticket\":{\"other\":1,\"document\":{\"x\":[1,{\"totalSum\":3}],\"receipt\""
     ":" BASE "}},\"after\":{\"totalSum\":7}}",
     CHEK_OK, RECEIPT LINE},
    {"member_of_a_receipt_called_document",
     "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\""
     "fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"tot"
     "alSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":1"
     "00}],\"document\":{\"totalSum\":5,\"fiscalDriveNumber\":\"1\"}}",
     CHEK_OK, RECEIPT LINE},
    {"objects_that_are_no_receipts", "[{},{\"a\":1},[],{\"receipt\":{}}]", CHEK_OK, ""},
    {"values_one_behind_another",
     BASE "\n{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":2"
          ",\"fiscalSign\":2,\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\""
          "totalSum\":100,\"items\":[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\""
          ":100}]}\n",
     CHEK_OK,
     RECEIPT LINE "\n99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 2 fp 2 total 100" LINE},
    {"byte_order_mark",
     "\xef\xbb\xbf"
     "" BASE,
     CHEK_OK, RECEIPT LINE},
    {"nothing", "", CHEK_E_MAGIC, "at 0: MAGIC [0]"},
    {"only_a_number", "12", CHEK_OK, ""},
    {"not_json", "hello", CHEK_E_MAGIC, "at 1: MAGIC [0]"},
    {"cut_in_the_middle", BASE ",{\"a\":", CHEK_E_MAGIC, RECEIPT LINE "\nat 206: MAGIC [0]"},
    {"cut_after_a_receipt_in_an_array", "[" BASE, CHEK_E_MAGIC, RECEIPT LINE "\nat 206: MAGIC [0]"},
    {"two_values_without_end", "{\"receipt\":" BASE, CHEK_E_MAGIC,
     RECEIPT LINE "\nat 216: MAGIC [0]"},
    {"nested_too_deep", "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
     CHEK_E_MAGIC, "at 65: LIMIT [0]"},
    {"nested_just_so_deep",
     "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[{\"fiscalDriveN"
     "umber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,\"fiscalSign\":2"
     ",\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"totalSum\":100,\""
     "items\":[]}]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]",
     CHEK_OK, RECEIPT},
};

static void
test_fns_json_raw(void **state)
{
    const struct raw_case *c = *state;
    check(c->json, c->error, c->want);
}

/* ---- limits ----------------------------------------------------------------------------------- */

/* A receipt of `count` lines of 1 each. */
static char *
receipt_of_lines(unsigned count)
{
    char *json = malloc(400 + count * (size_t)80);
    assert_non_null(json);
    int size = sprintf(
        json,
        "{\"fiscalDriveNumber\":\"99\",\"userInn\":\"27\",\"fiscalDocumentNumber\":1,"
        "\"dateTime\":\"2024-01-01T10:00:00\",\"operationType\":1,\"totalSum\":%u,\"items\":[",
        count);
    for (unsigned i = 0; i < count; i++) {
        size += sprintf(json + size, "%s{\"name\":\"line\",\"price\":1,\"quantity\":1,\"sum\":1}",
                        i != 0 ? "," : "");
    }
    (void)sprintf(json + size, "]}");
    return json;
}

static int
on_counted(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    uint32_t *count = context;
    (void)offset;
    (void)warnings;
    *count += document->receipt->lines_count;
    return CHEK_OK;
}

static int
on_refused(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    uint32_t *count = context;
    (void)offset;
    (void)why;
    assert_error(fault->code, CHEK_E_LIMIT);
    assert_string_equal(chek_field_name(fault->field), "receipt.lines");
    *count += 1000000;
    return CHEK_OK;
}

static void
test_fns_json_line_count_limit(void **state)
{
    (void)state;
    for (unsigned lines = 999; lines <= 1002; lines++) {
        uint32_t count = 0;
        const struct chek_fns_json_sink sink = {&count, on_counted, on_refused, NULL};
        struct chek_fns_json *reader;
        char *json = receipt_of_lines(lines);
        assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
        assert_error(chek_fns_json_read(reader, json, strlen(json)), CHEK_OK);
        assert_error(chek_fns_json_end(reader), CHEK_OK);
        chek_fns_json_destroy(reader);
        free(json);
        assert_int_equal(count, lines <= CHEK_LINE_COUNT_MAX ? lines : 1000000);
    }
}

static int
on_stop(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    unsigned *count = context;
    (void)offset;
    (void)document;
    (void)warnings;
    *count += 1;
    return CHEK_E_STOPPING;
}

static void
test_fns_json_stops_when_the_sink_says_so(void **state)
{
    const char *json = "[" BASE "," BASE "]";
    unsigned count = 0;
    const struct chek_fns_json_sink sink = {&count, on_stop, on_refusal, NULL};
    struct chek_fns_json *reader;
    (void)state;
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, json, strlen(json)), CHEK_E_STOPPING);
    assert_error(chek_fns_json_read(reader, json, strlen(json)), CHEK_E_STOPPING);
    assert_error(chek_fns_json_end(reader), CHEK_E_STOPPING);
    assert_int_equal(count, 1);
    chek_fns_json_destroy(reader);
}

static void
test_fns_json_create_without_memory(void **state)
{
    const struct chek_fns_json_sink sink = {NULL, on_document, on_refusal, NULL};
    struct chek_fns_json *reader = NULL;
    uint64_t heap_size = chek_memory_count().heap_size;
    (void)state;
    for (uint64_t n = 1; n <= 2; n++) {
        chek_memory_fail_at(n);
        assert_error(chek_fns_json_create(&sink, &reader), -ENOMEM);
        chek_memory_fail_at(0);
        assert_null(reader);
    }
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    chek_fns_json_destroy(reader);
    assert_int_equal(chek_memory_count().heap_size, heap_size);
}

/* ---- real receipts ---------------------------------------------------------------------------- */

static struct real_case {
    const char *name, *file;
    unsigned document_count;
} reals[] = {
    {"real_checking_service", "checktool_agrotorg_2024_proverkacheka.json", 1},
    {"real_rate_of_22_percent", "manual_agrotorg_2026_nds22.json", 1},
    {"real_v1_api", "manual_magnit_2020_v1api.json", 1},
    {"real_vending", "manual_tatvend_2023_epoch_utc.json", 1},
    {"real_cabinet", "manual_vkusvill_2026_roubles_advance.json", 1},
    {"real_of_2017_in_utc", "../rawdata/r1_assorti_2017.json", 1},
    {"real_of_2018", "../rawdata/r2_2018_ffd105.json", 1},
    {"real_of_2018_with_taxes_by_line", "../rawdata/r3_2018_ffd10_container.json", 1},
    {"real_of_2018_bare", "../rawdata/r4_agrotorg_2018.json", 1},
    {"real_of_2020", "../rawdata/r5_perekrestok_2020.json", 1},
    {"real_export_of_26", "xmb1pb_extract_26_receipts_ffd105_2021.json", 26},
};

static void
test_fns_json_real(void **state)
{
    const struct real_case *c = *state;
    const char *vectors = getenv("CHEK_VECTORS");
    if (vectors == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    static char bytes[1 << 20];
    char path[512];
    (void)snprintf(path, sizeof path, "%s/ru/json/%s", vectors, c->file);
    uint32_t lines = 0;
    const struct chek_fns_json_sink sink = {&lines, on_counted, on_refused, NULL};
    struct chek_fns_json *reader;
    size_t size = file_read(path, bytes, sizeof bytes);
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, bytes, size), CHEK_OK);
    assert_error(chek_fns_json_end(reader), CHEK_OK);
    assert_int_equal(chek_fns_json_count(reader), c->document_count);
    assert_in_range(lines, c->document_count, 999999);
    chek_fns_json_destroy(reader);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_fns_json_sample, samples);
    TABLE_ROWS(&table, test_fns_json_pieces, samples);
    TABLE_ROWS(&table, test_fns_json_variant, variants);
    TABLE_ROWS(&table, test_fns_json_raw, raws);
    TABLE_ROWS(&table, test_fns_json_real, reals);
    TABLE_TEST(&table, test_fns_json_line_count_limit);
    TABLE_TEST(&table, test_fns_json_stops_when_the_sink_says_so);
    TABLE_TEST(&table, test_fns_json_create_without_memory);
    return table_run(&table, "fns_json");
}
