/* SPDX-License-Identifier: MIT */
/*
 * test_fns_signed.c - receipts in JSON that carry the bytes they were made of.
 *
 * The bytes are those of ffd_receipt(), in every form; the JSON round them is changed member by
 * member. Real receipts are read from CHEK_VECTORS.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/civil.h"
#include "ingest/fns_json.h"
#include "tests/unit/ffd_fixture.h"
#include "tests/unit/table.h"

struct said {
    char text[1024]; /* differences and refusals, a line each */
    size_t size;
    unsigned document_count;
    int64_t time;
};

static int
on_document(void *context, uint64_t offset, const struct chek_document *document, uint32_t warnings)
{
    struct said *said = context;
    (void)offset;
    (void)warnings;
    said->document_count += 1;
    said->time = document->receipt != NULL ? document->receipt->time : document->close->time;
    return CHEK_OK;
}

static int
told(struct said *said, const char *what, const struct chek_fault *fault, const char *text)
{
    assert_true(text[0] != 0);
    said->size += (size_t)snprintf(said->text + said->size, sizeof said->text - said->size,
                                   "%s %s %s[%u]\n", what, chek_error_name(fault->code),
                                   chek_field_name(fault->field), fault->index);
    assert_true(said->size < sizeof said->text);
    return CHEK_OK;
}

static int
on_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    (void)offset;
    return told(context, "refused", fault, text);
}

static int
on_difference(void *context, uint64_t offset, const struct chek_fault *fault, const char *text)
{
    const struct said *said = context;
    assert_int_equal(offset, 0);
    assert_int_equal(said->document_count, 1); /* its document came before */
    return told(context, "differs", fault, text);
}

static void
json_read(const char *text, size_t size, struct said *said)
{
    const struct chek_fns_json_sink sink = {said, on_document, on_refusal, on_difference};
    struct chek_fns_json *reader;
    *said = (struct said){0};
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, text, size), CHEK_OK);
    assert_error(chek_fns_json_end(reader), CHEK_OK);
    chek_fns_json_destroy(reader);
}

/* The receipt's JSON, with a text of it replaced, round bytes in base64. */
static size_t
json_make(const char *from, const char *to, const char *name, const uint8_t *bytes, size_t size,
          char *ret)
{
    static const char receipt[] =
        "{\"fiscalDriveNumber\":\"9999078900000031\",\"kktRegId\":\"0000000006000031\","
        "\"userInn\":\"0000000027\",\"fiscalDocumentNumber\":7,\"fiscalSign\":3576535964,"
        "\"shiftNumber\":245,\"dateTime\":\"2026-08-03T16:44:00\",\"requestNumber\":73,"
        "\"operationType\":1,\"totalSum\":10000,\"cashTotalSum\":10000,\"nds10\":909,"
        "\"items\":[{\"name\":\"Хлеб\",\"price\":5000,\"quantity\":2,\"sum\":10000,\"nds\":2}]";
    char base64[2 * FFD_FIXTURE_SIZE];
    const char *at = from != NULL ? strstr(receipt, from) : receipt;
    assert_non_null(at);
    size_t before = (size_t)(at - receipt);
    sodium_bin2base64(base64, sizeof base64, bytes, size, sodium_base64_VARIANT_ORIGINAL);
    return (size_t)sprintf(ret, "%.*s%s%s,\"%s\":\"%s\"}", (int)before, receipt,
                           from != NULL ? to : "", at + (from != NULL ? strlen(from) : 0), name,
                           base64);
}

static int64_t
time_of(const char *text)
{
    int64_t time;
    assert_error(chek_civil_read(chek_bytes_view_text(text), &time), CHEK_OK);
    return time;
}

/* ---- bytes that agree, and that do not -------------------------------------------------------- */

static struct change_case {
    const char *name, *from, *to, *want;
    const char *time; /* NULL: the receipt's own */
} changes[] = {
    {"as_they_are", NULL, NULL, "", NULL},
    {"time_in_utc", "T16:44", "T13:44", "", NULL},
    {"time_without_seconds", "T16:44:00", "T16:44", "", NULL},
    {"time_of_a_day_later", "03T16", "04T16", "differs CONFLICT receipt.time[0]\n",
     "2026-08-04T16:44:00"},
    {"time_of_a_minute_later", "16:44", "16:45", "differs CONFLICT receipt.time[0]\n",
     "2026-08-03T16:45:00"},
    {"utc_of_another_sign_stays", "3576535964,\"shiftNumber\":245,\"dateTime\":\"2026-08-03T16",
     "3576535965,\"shiftNumber\":245,\"dateTime\":\"2026-08-03T13",
     "differs CONFLICT receipt.sign[0]\n", "2026-08-03T13:44:00"},
    {"drive", "0000031", "0000032", "differs CONFLICT receipt.fiscal_drive[0]\n", NULL},
    {"document", "Number\":7", "Number\":8", "differs CONFLICT receipt.document[0]\n", NULL},
    {"sign", "3576535964", "3576535965", "differs CONFLICT receipt.sign[0]\n", NULL},
    {"operation", "Type\":1", "Type\":2", "differs CONFLICT receipt.operation[0]\n", NULL},
    {"shift", "245", "246", "differs CONFLICT receipt.shift[0]\n", NULL},
    {"total", "\"totalSum\":10000,\"cashTotalSum\":10000",
     "\"totalSum\":9999,\"cashTotalSum\":9999", "differs CONFLICT receipt.total[0]\n", NULL},
    {"payments", "cashTotalSum", "ecashTotalSum", "differs CONFLICT receipt.payments[0]\n", NULL},
    {"payments_that_are_absent", "\"cashTotalSum\":10000,", "", "", NULL},
    {"taxes", "909", "910", "differs CONFLICT receipt.taxes[0]\n", NULL},
    {"lines", "}]", "},{\"name\":\"a\",\"price\":0,\"quantity\":1,\"sum\":0}]",
     "differs CONFLICT receipt.lines[0]\n", NULL},
    {"lines_sum", "\"sum\":10000", "\"sum\":10009", "differs CONFLICT line.sum[0]\n", NULL},
};

static void
test_fns_signed_change(void **state)
{
    const struct change_case *c = *state;
    static uint8_t document[FFD_FIXTURE_SIZE], bytes[FFD_FIXTURE_SIZE];
    static char json[4 * FFD_FIXTURE_SIZE];
    size_t document_size = ffd_receipt(document, 7);
    for (enum ffd_form form = 0; form < FFD_FORM_COUNT; form++) {
        struct said said;
        size_t size = ffd_wrap(form, document, document_size, 7, bytes);
        size = json_make(c->from, c->to, form % 2 == 0 ? "rawData" : "raw_data", bytes, size, json);
        json_read(json, size, &said);
        assert_string_equal(said.text, c->want);
        assert_int_equal(said.document_count, 1);
        assert_int_equal(said.time, time_of(c->time != NULL ? c->time : "2026-08-03T16:44:00"));
    }
}

/* ---- bytes that are none ---------------------------------------------------------------------- */

static struct broken_case {
    const char *name, *base64, *want;
} brokens[] = {
    {"no_base64", "A?==", "differs TEXT [0]\n"},
    {"cut", "AwBS", "differs SHORT [0]\n"},
    {"of_no_form", "/////////////w==", "differs MAGIC [0]\n"},
    {"empty", "", ""},
};

static void
test_fns_signed_broken(void **state)
{
    const struct broken_case *c = *state;
    static char json[4 * FFD_FIXTURE_SIZE];
    struct said said;
    size_t size =
        json_make("\"nds10\"", "\"ndsNo\":0,\"nds10\"", "x", (const uint8_t *)"", 0, json);
    size += (size_t)sprintf(json + size - 1, ",\"rawData\":\"%s\"}", c->base64) - 1;
    json_read(json, size, &said);
    assert_string_equal(said.text, c->want);
    assert_int_equal(said.document_count, 1);
}

/* A byte of the bytes is changed, whichever it is: it is told, or it is none that is compared. */
static void
test_fns_signed_total_of_the_bytes_is_seen(void **state)
{
    static uint8_t document[FFD_FIXTURE_SIZE];
    static char json[4 * FFD_FIXTURE_SIZE];
    static const uint8_t total[] = {0xfc, 0x03, 2, 0, 0x10, 0x27};
    struct said said;
    (void)state;
    size_t size = ffd_receipt(document, 7);
    uint8_t *at = memmem(document, size, total, sizeof total);
    assert_non_null(at);
    at[4] = 0x0f; /* below its line by a kopeck, as paid */
    size = json_make(NULL, NULL, "rawData", document, size, json);
    json_read(json, size, &said);
    assert_int_equal(said.document_count, 1);
    assert_memory_equal(said.text, "differs", 7);
}

/* Whoever asks for no differences gets the documents all the same. */
static void
test_fns_signed_without_a_listener(void **state)
{
    static char json[4 * FFD_FIXTURE_SIZE];
    struct said said = {0};
    const struct chek_fns_json_sink sink = {&said, on_document, on_refusal, NULL};
    struct chek_fns_json *reader;
    (void)state;
    size_t size = json_make(NULL, NULL, "rawData", (const uint8_t *)"ab", 2, json);
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, json, size), CHEK_OK);
    assert_error(chek_fns_json_end(reader), CHEK_OK);
    chek_fns_json_destroy(reader);
    assert_int_equal(said.document_count, 1);
    assert_string_equal(said.text, "");
}

/* ---- real receipts ---------------------------------------------------------------------------- */

static struct real_case {
    const char *name, *file;
} reals[] = {
    {"real_of_2017_in_utc", "r1_assorti_2017.json"},
    {"real_of_2018", "r2_2018_ffd105.json"},
    {"real_of_2018_with_taxes_by_line", "r3_2018_ffd10_container.json"},
    {"real_of_2018_bare", "r4_agrotorg_2018.json"},
    {"real_of_2020", "r5_perekrestok_2020.json"},
};

static void
test_fns_signed_real(void **state)
{
    const struct real_case *c = *state;
    const char *vectors = getenv("CHEK_VECTORS");
    if (vectors == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    static char bytes[1 << 18];
    char path[512];
    struct said said;
    (void)snprintf(path, sizeof path, "%s/ru/rawdata/%s", vectors, c->file);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    (void)fclose(file);
    assert_non_null(memmem(bytes, size, "rawData", strlen("rawData")));
    json_read(bytes, size, &said);
    assert_string_equal(said.text, "");
    assert_int_equal(said.document_count, 1);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_fns_signed_change, changes);
    TABLE_ROWS(&table, test_fns_signed_broken, brokens);
    TABLE_ROWS(&table, test_fns_signed_real, reals);
    TABLE_TEST(&table, test_fns_signed_total_of_the_bytes_is_seen);
    TABLE_TEST(&table, test_fns_signed_without_a_listener);
    return table_run(&table, "fns_signed");
}
