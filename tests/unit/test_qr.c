/* SPDX-License-Identifier: MIT */
/*
 * test_qr.c - QR strings as they are printed, as they are mangled, and what is none.
 */
#include "query/qr.h"

#include <stdio.h>
#include <stdlib.h>

#include "engine/base/civil.h"
#include "tests/unit/table.h"

#define RUSSIA "t=20240917T1801&s=815.30&fn=9999078900004312&i=1234&fp=3674755087&n=1"
#define KAZAKHSTAN "http://consumer.oofd.kz/?i=1002&f=010101234567&s=116.00&t=20260105T100200"
#define MINUTE INT64_C(1726596060) /* 2024-09-17T18:01:00 */
#define SECOND INT64_C(1767607320) /* 2026-01-05T10:02:00 */

#define RUSSIA_QR                                                         \
    {                                                                     \
        MINUTE, false, 81530, 3674755087, 1234, 1, "9999078900004312", "" \
    }
#define KAZAKHSTAN_QR                                       \
    {                                                       \
        SECOND, true, 11600, 1002, 0, 0, "", "010101234567" \
    }

static struct read_case {
    const char *name;
    const char *text;
    int error;
    struct chek_qr qr;
} read_cases[] = {
    {"russia", RUSSIA, CHEK_OK, RUSSIA_QR},
    {"kazakhstan", KAZAKHSTAN, CHEK_OK, KAZAKHSTAN_QR},
    {"another_order", "n=1&fp=3674755087&i=1234&fn=9999078900004312&s=815.30&t=20240917T1801",
     CHEK_OK, RUSSIA_QR},
    {"percent_encoded",
     "t%3D20240917T1801%26s%3D815.30%26fn%3D9999078900004312%26i%3d1234%26fp%3D3674755087%26n%3D1",
     CHEK_OK, RUSSIA_QR},
    {"inside_of_a_url",
     "https://example.invalid/check?qr=t%3D20240917T1801%26s%3D815.30%26fn%3D9999078900004312%26"
     "i%3D1234%26fp%3D3674755087%26n%3D1",
     CHEK_OK, RUSSIA_QR},
    {"path_of_a_url", "https://example.invalid/" RUSSIA, CHEK_OK, RUSSIA_QR},
    {"zeros_before_the_sign",
     "t=20240917T1801&s=815.30&fn=9999078900004312&i=0001234&fp=003674755087&n=1", CHEK_OK,
     RUSSIA_QR},
    {"sum_without_kopecks", "fn=1&i=2&fp=3&s=1000", CHEK_OK, {0, false, 100000, 3, 2, 0, "1", ""}},
    {"spaces_and_ends_of_lines",
     "t=20240917 T1801 &s=815.30\n&fn=9999078900004312&i=1234&"
     "fp=3674755087&n=1\r\n",
     CHEK_OK, RUSSIA_QR},
    {"one_decimal_and_no_t", "t=202409171801&s=815.3&fn=9999078900004312&i=1234&fp=3674755087&n=1",
     CHEK_OK, RUSSIA_QR},
    {"small_t", "t=20240917t1801&s=815.30&fn=9999078900004312&i=1234&fp=3674755087&n=1", CHEK_OK,
     RUSSIA_QR},
    {"names_of_others", "a=b&&=&x&" RUSSIA "&utm=qr", CHEK_OK, RUSSIA_QR},
    {"keys_alone", "fn=1&i=2&fp=3", CHEK_OK, {0, false, -1, 3, 2, 0, "1", ""}},
    {"keys_alone_in_kazakhstan", "i=2&f=3", CHEK_OK, {0, false, -1, 2, 0, 0, "", "3"}},
    {"both_countries_are_russia_by_the_drive",
     "fn=1&f=2&i=3&fp=4",
     CHEK_OK,
     {0, false, -1, 4, 3, 0, "1", ""}},
    {"drive_is_empty_in_kazakhstan",
     "fn=1&f=2&i=99999999999",
     CHEK_OK,
     {0, false, -1, 99999999999, 0, 0, "", "2"}},
    {"total_of_nothing", "i=2&f=3&s=0", CHEK_OK, {0, false, 0, 2, 0, 0, "", "3"}},
    {"negative_total_is_not_one_not_given", "i=2&f=3&s=-0.01", CHEK_E_NUMBER, {0}},
    {"negative_total", "i=2&f=3&s=-5", CHEK_E_NUMBER, {0}},
    {"three_decimals", "i=2&f=3&s=1.005", CHEK_E_NUMBER, {0}},
    {"sign_above_64_bits", "f=3&i=18446744073709551616", CHEK_E_OVERFLOW, {0}},
    {"epoch_is_not_a_time_not_given", "i=2&f=3&t=19700101T0000", CHEK_E_DATE, {0}},
    {"time_before_there_are_documents", "i=2&f=3&t=19991231T2359", CHEK_E_DATE, {0}},
    {"february_30", "i=2&f=3&t=20240230T1000", CHEK_E_DATE, {0}},
    {"time_without_minutes", "i=2&f=3&t=20240917T18", CHEK_E_DATE, {0}},
    {"time_too_long", "i=2&f=3&t=20240917T1801000", CHEK_E_DATE, {0}},
    {"operation_5", "fn=1&i=2&fp=3&n=5", CHEK_E_NUMBER, {0}},
    {"letters_in_the_drive", "fn=1a&i=2&fp=3", CHEK_E_NUMBER, {0}},
    {"drive_of_21_digits", "fn=123456789012345678901&i=2&fp=3", CHEK_E_NUMBER, {0}},
    {"no_document", "fn=1&fp=3", CHEK_E_FIELD_MISSING, {0}},
    {"no_fiscal_sign", "fn=1&i=2", CHEK_E_FIELD_MISSING, {0}},
    {"no_register", "i=2&fp=3", CHEK_E_FIELD_MISSING, {0}},
    {"no_sign_in_kazakhstan", "f=3", CHEK_E_FIELD_MISSING, {0}},
    {"nothing", "", CHEK_E_FIELD_MISSING, {0}},
    {"everything_before_the_last_question_mark", "http://x/?i=2&f=3&?", CHEK_E_FIELD_MISSING, {0}},
};

static void
test_qr_read(void **state)
{
    const struct read_case *c = *state;
    const struct chek_qr untouched = {.time = -7, .total = -7, .fiscal_drive = "untouched"};
    struct chek_qr qr = untouched;

    assert_error(chek_qr_read(chek_bytes_view_text(c->text), &qr), c->error);
    const struct chek_qr *want = c->error == CHEK_OK ? &c->qr : &untouched;
    assert_int_equal(qr.time, want->time);
    assert_int_equal(qr.has_seconds, want->has_seconds);
    assert_int_equal(qr.total, want->total);
    assert_int_equal(qr.sign, want->sign);
    assert_int_equal(qr.document, want->document);
    assert_int_equal(qr.operation, want->operation);
    assert_string_equal(qr.fiscal_drive, want->fiscal_drive);
    assert_string_equal(qr.registration_number, want->registration_number);
}

static void
test_qr_read_above_the_limit(void **state)
{
    static uint8_t text[2049];
    struct chek_qr qr;
    (void)state;
    memset(text, '&', sizeof text);
    assert_error(chek_qr_read(chek_bytes_view_of(text, sizeof text), &qr), CHEK_E_LIMIT);
    memcpy(text, "i=2&f=3", 7);
    assert_error(chek_qr_read(chek_bytes_view_of(text, sizeof text - 1), &qr), CHEK_OK);
}

/* Strings as they were published; each names its receipt, whatever form it has. */
static void
test_qr_read_real_strings(void **state)
{
    const char *vectors = getenv("CHEK_VECTORS");
    char path[512];
    char line[1024];
    unsigned count = 0;
    (void)state;
    if (vectors == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/ru/qr_real_strings.txt", vectors);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        struct chek_qr qr;
        size_t size = strcspn(line, "\t\n");
        if (line[0] == '#' || size == 0) {
            continue;
        }
        assert_error(chek_qr_read(chek_bytes_view_of(line, size), &qr), CHEK_OK);
        assert_int_equal(strlen(qr.fiscal_drive), 16);
        assert_true(qr.document != 0 && qr.sign != 0 && qr.time != 0 && qr.total > 0);
        assert_int_equal(qr.operation, 1);
        count += 1;
    }
    (void)fclose(file);
    assert_int_equal(count, 10);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_qr_read, read_cases);
    TABLE_TEST(&table, test_qr_read_above_the_limit);
    TABLE_TEST(&table, test_qr_read_real_strings);
    return table_run(&table, "qr");
}
