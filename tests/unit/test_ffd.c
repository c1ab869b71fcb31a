/* SPDX-License-Identifier: MIT */
/*
 * test_ffd.c - Russian fiscal documents in every form: each becomes what its JSON becomes.
 *
 * A receipt is written twice here, as elements and as JSON; both must become the same bytes
 * (FFD.md R1). Real receipts are read from CHEK_VECTORS.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "ingest/ffd_tlv.h"
#include "ingest/fns_json.h"
#include "tests/unit/ffd_fixture.h"
#include "tests/unit/table.h"

static struct ffd_told told, other;

/* ---- as JSON ---------------------------------------------------------------------------------- */

static int
on_json_refusal(void *context, uint64_t offset, const struct chek_fault *fault, const char *why)
{
    (void)context;
    fail_msg("at %u: %s %s (%s)", (unsigned)offset, chek_error_name(fault->code),
             chek_field_name(fault->field), why);
    return CHEK_OK;
}

static void
json_read(const char *text, size_t size, struct ffd_told *ret)
{
    const struct chek_fns_json_sink sink = {ret, ffd_on_document, on_json_refusal, NULL};
    struct chek_fns_json *reader;
    memset(ret, 0, sizeof *ret);
    assert_error(chek_fns_json_create(&sink, &reader), CHEK_OK);
    assert_error(chek_fns_json_read(reader, text, size), CHEK_OK);
    assert_error(chek_fns_json_end(reader), CHEK_OK);
    chek_fns_json_destroy(reader);
}

/* ---- documents -------------------------------------------------------------------------------- */

#define JSON_HEAD                                                                      \
    "\"fiscalDriveNumber\":\"9999078900000031\",\"kktRegId\":\"0000000006000031\","    \
    "\"userInn\":\"0000000027\",\"fiscalDocumentNumber\":7,\"fiscalSign\":3576535964," \
    "\"shiftNumber\":245,\"dateTime\":\"2026-08-03T16:44:00\","

static void
line_put(struct chek_writer *out, uint16_t tag, const char *name, uint64_t sum)
{
    ffd_text(out, 1030, name);
    chek_ffd_put_vln(out, 1079, sum);
    chek_ffd_put_fvln(out, 1023, 1, 0);
    chek_ffd_put_vln(out, tag, sum);
}

/* FFD 1.0: VAT inside of lines, a line taken back. */
static void
old_put(struct chek_writer *out)
{
    chek_ffd_put_u8(out, 1054, 2);
    chek_ffd_put_vln(out, 1020, 500);
    chek_ffd_put_vln(out, 1081, 500);
    size_t line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Соль", 500);
    chek_ffd_put_vln(out, 1102, 83);
    chek_ffd_close(out, line);
    line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Мыло", 300);
    chek_ffd_put_vln(out, 1105, 300);
    chek_ffd_close(out, line);
    line = chek_ffd_open(out, 1071);
    line_put(out, 1043, "Мыло", 300);
    chek_ffd_put_vln(out, 1105, 300);
    chek_ffd_close(out, line);
    ffd_text(out, 1021, "Петрова Ё.");
}

/* FFD 1.2: marked goods, 22 % by the list of rates, three ways to pay, unknown tags. */
static void
new_put(struct chek_writer *out)
{
    chek_ffd_put_u8(out, 1209, 4);
    chek_ffd_put_u8(out, 1054, 1);
    chek_ffd_put_u8(out, 1055, 2);
    chek_ffd_put_vln(out, 1020, 17700);
    chek_ffd_put_vln(out, 1215, 7000);
    chek_ffd_put_vln(out, 1216, 700);
    chek_ffd_put_vln(out, 1217, 10000);
    size_t list = chek_ffd_open(out, 1115);
    size_t amount = chek_ffd_open(out, 1119);
    chek_ffd_put_u8(out, 1199, 11);
    chek_ffd_put_vln(out, 1120, 2200);
    chek_ffd_close(out, amount);
    chek_ffd_close(out, list);
    chek_ffd_put_bytes(out, 6666, chek_bytes_view_of("unknown", 7));
    size_t line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Вода", 12200);
    chek_ffd_put_u8(out, 2108, 0);
    chek_ffd_put_u8(out, 1199, 11);
    chek_ffd_put_u8(out, 1212, 33);
    chek_ffd_put_u8(out, 1214, 4);
    chek_ffd_put_u8(out, 2102, 0);
    chek_ffd_put_u8(out, 2106, 15);
    size_t code = chek_ffd_open(out, 1163);
    ffd_text(out, 1305, "0104600000000015215OoyE8qxeIOn>");
    chek_ffd_close(out, code);
    chek_ffd_put_vln(out, 1020, 99); /* of another place: passed over */
    chek_ffd_close(out, line);
    line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Сырок", 5500);
    chek_ffd_put_u8(out, 1199, 2);
    code = chek_ffd_open(out, 1163);
    ffd_text(out, 1302, "4600000000039");
    chek_ffd_close(out, code);
    chek_ffd_close(out, line);
    chek_ffd_put_vln(out, 1103, 500);
    ffd_text(out, 1187, "Магазин");
}

/* FFD 1.05: old product codes, calculated rates. */
static void
middle_put(struct chek_writer *out)
{
    static const uint8_t code[] = {0x44, 0x4d, 0x04, 0x2f, 0x1f, 0x96, 0x81, 0x78, 0x4a, 0x67,
                                   0x58, 0x4a, 0x2e, 0x54, 0x31, 0x31, 0x32, 0x30, 0x30, 0x30};
    static const uint8_t ean[] = {0x45, 0x0d, 0x04, 0x30, 0x77, 0x19, 0x57, 0x61};
    chek_ffd_put_u8(out, 1054, 4);
    chek_ffd_put_vln(out, 1020, 3200);
    chek_ffd_put_vln(out, 1031, 3200);
    size_t line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Аванс", 1200);
    chek_ffd_put_u8(out, 1199, 3);
    chek_ffd_put_bytes(out, 1162, chek_bytes_view_of(code, sizeof code));
    ffd_text(out, 1197, "шт.");
    chek_ffd_close(out, line);
    line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Прочее", 2000);
    chek_ffd_put_u8(out, 1199, 6);
    chek_ffd_put_bytes(out, 1162, chek_bytes_view_of(ean, sizeof ean));
    chek_ffd_close(out, line);
    chek_ffd_put_vln(out, 1106, 200);
    chek_ffd_put_vln(out, 1105, 2000);
}

/* Tag 1162 of a tobacco pack: the same good as its code in JSON. */
static void
tobacco_put(struct chek_writer *out)
{
    static const uint8_t code[] = {0x44, 0x4d, 0x04, 0x2f, 0x1f, 0x96, 0x81, 0x78, 0x4a, 0x67, 0x58,
                                   0x4a, 0x2e, 0x54, 0x31, 0x41, 0x43, 0x79, 0x4a, 0x20, 0x20};
    chek_ffd_put_u8(out, 1054, 1);
    chek_ffd_put_vln(out, 1020, 1200);
    chek_ffd_put_vln(out, 1031, 1200);
    size_t line = chek_ffd_open(out, 1059);
    line_put(out, 1043, "Табак", 1200);
    chek_ffd_put_bytes(out, 1162, chek_bytes_view_of(code, sizeof code));
    chek_ffd_close(out, line);
}

/* Quantities of every kind: rounded, with zeros at the end, whole, of the most decimals. */
static void
quantities_put(struct chek_writer *out)
{
    static const struct {
        uint64_t value;
        uint8_t decimals;
    } rows[] = {{12345675, 7}, {12345674, 7}, {1500000, 6}, {30, 1}, {5, 0}, {999999500000, 12}};
    chek_ffd_put_u8(out, 1054, 1);
    chek_ffd_put_vln(out, 1020, 600);
    chek_ffd_put_vln(out, 1031, 600);
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        size_t line = chek_ffd_open(out, 1059);
        ffd_text(out, 1030, "Сыр");
        chek_ffd_put_fvln(out, 1023, rows[i].value, rows[i].decimals);
        chek_ffd_put_vln(out, 1043, 100);
        chek_ffd_close(out, line);
    }
}

#define JSON_QUANTITY(quantity) "{\"name\":\"Сыр\",\"quantity\":" quantity ",\"sum\":100}"

/* A correction has a basis and no lines. */
static void
correction_put(struct chek_writer *out)
{
    chek_ffd_put_u8(out, 1054, 1);
    chek_ffd_put_u8(out, 1173, 1);
    size_t basis = chek_ffd_open(out, 1174);
    ffd_text(out, 1177, "Акт");
    chek_ffd_put_u32(out, 1178, 1600064220);
    ffd_text(out, 1179, "12-а");
    chek_ffd_close(out, basis);
    chek_ffd_put_vln(out, 1020, 12000);
    chek_ffd_put_vln(out, 1031, 12000);
    chek_ffd_put_vln(out, 1102, 2000);
}

static void
counters_put(struct chek_writer *out, uint16_t tag)
{
    size_t counters = chek_ffd_open(out, tag);
    chek_ffd_put_u32(out, 1134, 3);
    for (uint16_t operation = 1129; operation <= 1132; operation++) {
        size_t opened = chek_ffd_open(out, operation);
        chek_ffd_put_u32(out, 1135, 1);
        chek_ffd_put_vln(out, 1201, 10000);
        chek_ffd_put_vln(out, 1136, 10000);
        chek_ffd_put_vln(out, 1183, 0);
        chek_ffd_close(out, opened);
    }
    size_t corrections = chek_ffd_open(out, 1133);
    chek_ffd_put_u32(out, 1144, 0);
    chek_ffd_close(out, corrections);
    chek_ffd_close(out, counters);
}

static void
close_put(struct chek_writer *out)
{
    chek_ffd_put_u32(out, 1118, 3);
    chek_ffd_put_u32(out, 1111, 5);
    chek_ffd_put_u32(out, 1097, 0);
    chek_ffd_put_u32(out, 1098, 0); /* no document waits: no time */
    chek_ffd_put_bytes(out, 1213, chek_bytes_view_of("\x10\x01", 2));
    ffd_text(out, 1021, "Петрова");
}

#define JSON_CORRECTION \
    JSON_HEAD "\"operationType\":1,\"totalSum\":12000,\"cashTotalSum\":12000,\"nds18\":2000}}"

static struct same_case {
    const char *name;
    uint16_t code;
    void (*put)(struct chek_writer *out);
    const char *json;
} sames[] = {
    {"receipt_of_1_0", 3, old_put,
     "{\"receipt\":{" JSON_HEAD "\"operationType\":2,\"totalSum\":500,\"ecashTotalSum\":500,"
     "\"items\":[{\"name\":\"Соль\",\"price\":500,\"quantity\":1,\"sum\":500,\"nds18\":83},"
     "{\"name\":\"Мыло\",\"price\":300,\"quantity\":1,\"sum\":300,\"ndsNo\":300}],"
     "\"stornoItems\":[{\"name\":\"Мыло\",\"price\":300,\"quantity\":1,\"sum\":300,"
     "\"ndsNo\":300}],\"operator\":\"Петрова Ё.\"}}"},
    {"receipt_of_1_05", 3, middle_put,
     "{\"receipt\":{" JSON_HEAD "\"operationType\":4,\"totalSum\":3200,\"cashTotalSum\":3200,"
     "\"items\":[{\"name\":\"Аванс\",\"price\":1200,\"quantity\":1,\"sum\":1200,\"nds\":3,"
     "\"unit\":\"шт.\",\"gtin\":4600439931256,\"productCodeNew\":{\"gs1m\":{\"rawProductCode\":"
     "\"010460043993125621JgXJ.T112000\"}}},{\"name\":\"Прочее\",\"price\":2000,\"quantity\":1,"
     "\"sum\":2000,\"nds\":6,\"gtin\":4606203090785}],\"nds18118\":200,\"ndsNo\":2000}}"},
    {"code_of_a_tobacco_pack", 3, tobacco_put,
     "{\"receipt\":{" JSON_HEAD "\"operationType\":1,\"totalSum\":1200,\"cashTotalSum\":1200,"
     "\"items\":[{\"name\":\"Табак\",\"price\":1200,\"quantity\":1,\"sum\":1200,\"gtin\":4600439931256,"
     "\"productCodeNew\":{\"f6\":{\"rawProductCode\":\"04600439931256JgXJ.T1ACyJ\"}}}]}}"},
    {"receipt_of_1_2", 3, new_put,
     "{\"receipt\":{" JSON_HEAD "\"operationType\":1,\"totalSum\":17700,\"prepaidSum\":7000,"
     "\"creditSum\":700,\"provisionSum\":10000,\"appliedTaxationType\":2,\"retailPlace\":"
     "\"Магазин\",\"amountsReceiptNds\":{\"amountsNds\":[{\"nds\":11,\"ndsSum\":2200}]},"
     "\"nds10\":500,\"items\":[{\"name\":\"Вода\",\"price\":12200,\"quantity\":1,\"sum\":12200,"
     "\"nds\":11,\"productType\":33,\"paymentType\":4,\"itemsQuantityMeasure\":0,"
     "\"productCodeNew\":{\"gs1m\":{\"gtin\":\"04600000000015\",\"rawProductCode\":"
     "\"0104600000000015215OoyE8qxeIOn>\"}}},{\"name\":\"Сырок\",\"price\":5500,"
     "\"quantity\":1,\"sum\":5500,\"nds\":2,\"gtin\":4600000000039}]}}"},
    {"quantities", 3, quantities_put,
     "{\"receipt\":{" JSON_HEAD "\"operationType\":1,\"totalSum\":600,\"cashTotalSum\":600,"
     "\"items\":[" JSON_QUANTITY("1.2345675") "," JSON_QUANTITY("1.2345674") "," JSON_QUANTITY(
         "1.5") "," JSON_QUANTITY("3") "," JSON_QUANTITY("\"5.0\"") "," JSON_QUANTITY("1") "]}}"},
    {"strict_form", 4, correction_put, "{\"bso\":{" JSON_CORRECTION},
    {"correction", 31, correction_put, "{\"receiptCorrection\":{" JSON_CORRECTION},
    {"correction_of_a_strict_form", 41, correction_put, "{\"bsoCorrection\":{" JSON_CORRECTION},
    {"close_of_a_shift", 5, close_put, "{\"closeShift\":{" JSON_HEAD "\"operator\":\"Петрова\"}}"},
};

static void
test_ffd_same_as_json(void **state)
{
    const struct same_case *c = *state;
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t opened = ffd_begin(&out, c->code, 7);
    c->put(&out);
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, c->code == CHEK_FFD_SHIFT_CLOSE ? "0 document 0\n" : FFD_TOLD);
    json_read(c->json, strlen(c->json), &other);
    assert_int_equal(other.document_count, 1);
    assert_int_equal(told.documents_size, other.documents_size);
    assert_memory_equal(told.documents, other.documents, other.documents_size);
}

/* Kinds that the engine keeps at most the number of (R10) are read to their end all the same. */
static struct passed_case {
    const char *name;
    uint16_t code;
    uint16_t counters; /* 0: none */
    const char *want;
} passeds[] = {
    {"registration", 1, 0, "0 report 1 number 7\n"},
    {"reregistration", 11, 0, "0 report 11 number 7\n"},
    {"open_of_a_shift", 2, 0, "0 report 2 number 7\n"},
    {"state_of_settlements", 21, 1158, "0 report 21 number 7\n"},
    {"close_of_the_drive", 6, 1157, "0 report 6 number 7\n"},
    {"confirmation", 7, 0, "0 passed operatorAck\n"},
    {"marking_notice", 82, 0, "0 passed markingNotice\n"},
};

/* The JSON of a report says the same. */
static void
report_as_json(const uint8_t *bytes, size_t size)
{
    static char text[FFD_FIXTURE_SIZE];
    ffd_json(bytes, size, text, sizeof text);
    ffd_read_json(text, &other);
    assert_int_equal(other.document_count, 1);
    assert_int_equal(told.documents_size, other.documents_size);
    assert_memory_equal(told.documents, other.documents, other.documents_size);
}

static void
test_ffd_passed(void **state)
{
    const struct passed_case *c = *state;
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t opened = ffd_begin(&out, c->code, 7);
    if (c->counters != 0) {
        counters_put(&out, c->counters);
    }
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, c->want);
    if (told.document_count != 0) {
        report_as_json(bytes, out.size);
    }
    bytes[2] -= 1; /* the last value of the document is cut */
    assert_error(ffd_read(bytes, out.size - 1, out.size, &told), CHEK_OK);
    assert_int_equal(told.refusal_count, 1);
}

/* ---- refusals of documents -------------------------------------------------------------------- */

static struct refused_case {
    const char *name;
    uint16_t tag;
    size_t size;
    uint8_t bytes[12];
    const char *want;
} refuseds[] = {
    {"mask_of_two_bytes",
     1055,
     2,
     {1, 1},
     "0 LIMIT : tag 1055 at byte 98: a count or a size is above its limit\n"},
    {"sum_above_63_bits",
     1031,
     8,
     {0, 0, 0, 0, 0, 0, 0, 0x80},
     "0 RANGE : tag 1031 at byte 98: a value is outside its range\n"},
    {"nul_in_a_text",
     1021,
     3,
     {'a', 0, 'b'},
     "0 TEXT : tag 1021 at byte 98: the text is not valid UTF-8 or has a NUL in it\n"},
    {"time_before_2000",
     1012,
     4,
     {1, 0, 0, 0},
     "0 DATE : tag 1012 at byte 98: the date or time does not exist\n"},
    {"sign_of_five", 1077, 5, {1}, "0 RANGE : tag 1077 at byte 98: a value is outside its range\n"},
    {"no_operation",
     1054,
     1,
     {0},
     "0 FIELD_MISSING receipt.operation: a required field is missing\n"},
    {"total_without_payments_that_make_it",
     1031,
     1,
     {5},
     "0 FIELD_MISSING receipt.operation: a required field is missing\n"},
};

static void
test_ffd_refused(void **state)
{
    const struct refused_case *c = *state;
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t opened = ffd_begin(&out, 3, 7);
    chek_ffd_put_bytes(&out, c->tag, chek_bytes_view_of(c->bytes, c->size));
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, c->want);
}

/* Something was sold, and rounding would leave nothing of it. */
static void
test_ffd_quantity_is_not_lost(void **state)
{
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    (void)state;
    size_t opened = ffd_begin(&out, 3, 7);
    chek_ffd_put_u8(&out, 1054, 1);
    chek_ffd_put_vln(&out, 1020, 100);
    size_t line = chek_ffd_open(&out, 1059);
    chek_ffd_put_fvln(&out, 1023, 4, 7);
    chek_ffd_put_vln(&out, 1043, 100);
    chek_ffd_close(&out, line);
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, "0 RANGE line.quantity: a value is outside its range\n");
}

/* Also of a registration, which has no lines and may have a thousand and more all the same. */
static void
test_ffd_lines_are_limited(void **state)
{
    static const uint16_t codes[] = {3, 1, 11};
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(codes); i++) {
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        size_t opened = ffd_begin(&out, codes[i], 7);
        for (unsigned j = 0; j < 1300; j++) {
            chek_ffd_put_bytes(&out, 1059, chek_bytes_view_of(NULL, 0));
        }
        ffd_end(&out, opened);
        assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
        assert_string_equal(told.text,
                            "0 LIMIT receipt.lines: a count or a size is above its limit\n");
    }
}

static void
test_ffd_document_is_limited(void **state)
{
    static uint8_t bytes[FFD_FIXTURE_SIZE], zeros[512];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    (void)state;
    size_t opened = ffd_begin(&out, 7, 7);
    chek_ffd_put_bytes(&out, 9000, chek_bytes_view_of(zeros, sizeof zeros));
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, "0 LIMIT : a count or a size is above its limit\n");
}

static void
test_ffd_create_without_memory(void **state)
{
    const struct chek_ffd_sink sink = {0};
    struct chek_ffd_reader *reader;
    (void)state;
    for (unsigned i = 1; i <= 4; i++) {
        uint64_t before = chek_memory_count().heap_size;
        chek_memory_fail_at(i);
        assert_int_equal(chek_ffd_reader_create(&sink, &reader), -12);
        chek_memory_fail_at(0);
        assert_int_equal(chek_memory_count().heap_size, before);
    }
}

/* ---- real documents --------------------------------------------------------------------------- */

static size_t
vector_read(const char *file, char *ret, size_t size_max)
{
    char path[512];
    (void)snprintf(path, sizeof path, "%s/ru/%s", getenv("CHEK_VECTORS"), file);
    FILE *in = fopen(path, "re");
    assert_non_null(in);
    size_t size = fread(ret, 1, size_max - 1, in);
    (void)fclose(in);
    ret[size] = 0;
    return size;
}

static size_t
hex_vector_read(const char *file, uint8_t *ret)
{
    static char hex[65536];
    size_t size = 0;
    unsigned byte;
    (void)vector_read(file, hex, sizeof hex);
    while (sscanf(hex + 2 * size, "%2x", &byte) == 1) {
        ret[size++] = (uint8_t)byte;
    }
    assert_in_range(size, 100, 32768);
    return size;
}

/* The JSON beside a real document is poorer; what it has is the same. */
static void
told_compare(void)
{
    static _Alignas(16) uint8_t memory[2][1 << 18];
    const struct ffd_told *sides[2] = {&told, &other};
    const struct chek_receipt *receipts[2];
    struct chek_document documents[2];
    for (unsigned i = 0; i < 2; i++) {
        struct chek_arena arena;
        struct chek_fault fault;
        chek_arena_init_over(&arena, memory[i], sizeof memory[i]);
        assert_error(chek_document_decode_whole(sides[i]->documents, sides[i]->documents_size,
                                                &arena, &documents[i], &fault),
                     CHEK_OK);
        receipts[i] = documents[i].receipt;
        assert_non_null(receipts[i]);
    }
    const struct chek_receipt *a = receipts[0];
    const struct chek_receipt *b = receipts[1];
    assert_true(chek_bytes_view_equal(a->fiscal_drive, b->fiscal_drive));
    assert_true(chek_bytes_view_equal(documents[0].profile->organisation,
                                      documents[1].profile->organisation));
    assert_int_equal(a->document, b->document);
    assert_int_equal(a->sign, b->sign);
    assert_int_equal(a->shift, b->shift);
    assert_int_equal(a->number_in_shift, b->number_in_shift);
    assert_int_equal(a->operation, b->operation);
    assert_int_equal(a->total, b->total);
    assert_int_equal(a->time, b->time);
    assert_int_equal(a->payments_count, b->payments_count);
    assert_int_equal(a->lines_count, b->lines_count);
    for (uint32_t i = 0; i < a->lines_count; i++) {
        assert_true(chek_bytes_view_equal(a->lines[i].name, b->lines[i].name));
        assert_int_equal(a->lines[i].sum, b->lines[i].sum);
        assert_int_equal(a->lines[i].price, b->lines[i].price);
        assert_int_equal(a->lines[i].quantity, b->lines[i].quantity);
    }
}

static struct real_case {
    const char *name, *file;
} reals[] = {
    {"real_container_of_2017", "rawdata/r1_assorti_2017"},
    {"real_document_of_1_05", "rawdata/r2_2018_ffd105"},
    {"real_container_of_1_0", "rawdata/r3_2018_ffd10_container"},
    {"real_bare_container", "rawdata/r4_agrotorg_2018"},
    {"real_document_of_2020", "rawdata/r5_perekrestok_2020"},
};

static void
test_ffd_real(void **state)
{
    const struct real_case *c = *state;
    static uint8_t bytes[65536];
    static char json[65536];
    char file[128];
    if (getenv("CHEK_VECTORS") == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    (void)snprintf(file, sizeof file, "%s.rawdata.hex", c->file);
    size_t size = hex_vector_read(file, bytes);
    assert_error(ffd_read(bytes, size, 100, &told), CHEK_OK);
    assert_string_equal(told.text, "0 document 0\n");
    (void)snprintf(file, sizeof file, "%s.tlv.hex", c->file);
    size = hex_vector_read(file, bytes);
    assert_error(ffd_read(bytes, size, size, &other), CHEK_OK);
    assert_int_equal(told.documents_size, other.documents_size);
    assert_memory_equal(told.documents, other.documents, other.documents_size);
    (void)snprintf(file, sizeof file, "%s.json", c->file);
    size = vector_read(file, json, sizeof json);
    json_read(json, size, &other);
    assert_int_equal(other.document_count, 1);
    told_compare();
}

static void
test_ffd_real_registrations(void **state)
{
    static uint8_t bytes[65536];
    (void)state;
    if (getenv("CHEK_VECTORS") == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    size_t size =
        hex_vector_read("ffd_tlv/yandex_A_container_registration_report_ffd10.hex", bytes);
    assert_error(ffd_read(bytes, size, 7, &told), CHEK_OK);
    assert_string_equal(told.text, "0 report 1 number 1\n");
    size = hex_vector_read("ffd_tlv/yandex_B_session_message_reregistration_ffd105.hex", bytes);
    assert_error(ffd_read(bytes, size, 7, &told), CHEK_OK);
    assert_string_equal(told.text, "0 report 11 number 1\n");
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_ffd_same_as_json, sames);
    TABLE_ROWS(&table, test_ffd_passed, passeds);
    TABLE_ROWS(&table, test_ffd_refused, refuseds);
    TABLE_TEST(&table, test_ffd_quantity_is_not_lost);
    TABLE_TEST(&table, test_ffd_lines_are_limited);
    TABLE_TEST(&table, test_ffd_document_is_limited);
    TABLE_TEST(&table, test_ffd_create_without_memory);
    TABLE_ROWS(&table, test_ffd_real, reals);
    TABLE_TEST(&table, test_ffd_real_registrations);
    return table_run(&table, "ffd");
}
