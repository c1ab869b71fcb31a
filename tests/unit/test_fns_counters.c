/* SPDX-License-Identifier: MIT */
/*
 * test_fns_counters.c - counters of a close as JSON alone has them: names, roubles, what is refused.
 *
 * That counters mean the same as JSON and as elements is asked by test_ffd_counters, row by row.
 */
#include <sodium.h>
#include <stdio.h>

#include "ingest/ffd_tlv.h"
#include "tests/prop/records.h"
#include "tests/unit/ffd_fixture.h"
#include "tests/unit/table.h"

static struct ffd_told told;

#define HEAD                                                                                         \
    "\"fiscalDriveNumber\":\"9999078900000031\",\"userInn\":\"0000000027\",\"dateTime\":1748736000," \
    "\"fiscalDocumentNumber\":7,\"shiftNumber\":245"
#define CLOSE(members) "{\"closeShift\":{" HEAD "," members "}}"

/* Operations of figures: what is stated, and what is not is zeros. */
#define ZEROS(n) "{operation:" #n ",payments:[{},{kind:1},{kind:4},{kind:3},{kind:5}]}"
#define SELL(first) \
    "{operations:[" first "," ZEROS(1) "," ZEROS(2) "," ZEROS(3) "],counters_only:1}"
#define NOTHING "{payments:[{},{kind:1},{kind:4},{kind:3},{kind:5}]}"
#define ONE_OF_100 \
    SELL("{tickets:1,net:10000,payments:[{sum:10000},{kind:1},{kind:4},{kind:3},{kind:5}]}")

static struct counters_case {
    const char *name;
    const char *json;
    const char *want; /* figures; "": none; otherwise the refusal */
} cases[] = {
    {"kopecks",
     CLOSE("\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":1,\"totalSum\":10000,"
           "\"cashSum\":10000}}"),
     ONE_OF_100},
    {"another_name_of_the_count",
     CLOSE("\"shiftSumReports\":{\"sellOper\":{\"receiptBsoCount\":1,\"totalSum\":10000,"
           "\"cashSum\":10000},\"totalReceiptBsoCount\":1}"),
     ONE_OF_100},
    {"roubles_and_a_count_that_is_none",
     CLOSE("\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":1,\"totalSum\":100.00,"
           "\"cashSum\":100.00}}"),
     ONE_OF_100},
    {"counters_before_everything_else",
     "{\"document\":{\"closeShift\":{\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":1,"
     "\"totalSum\":10000,\"cashSum\":10000}}," HEAD "}}}",
     ONE_OF_100},
    {"a_close_by_its_code",
     "{\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":1,\"totalSum\":10000,\"cashSum\":10000"
     "}},\"code\":5," HEAD "}",
     ONE_OF_100},
    {"texts_of_digits",
     CLOSE("\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":\"1\",\"totalSum\":\"10000\","
           "\"cashSum\":\"10000\"}}"),
     ONE_OF_100},
    {"other_members_and_other_objects_are_passed_over",
     CLOSE(
         "\"shiftSumReports\":{\"note\":5,\"sellOper\":{\"x\":{\"totalSum\":4},\"receiptCount\":1,"
         "\"totalSum\":10000,\"cashSum\":10000},\"totalSum\":9,\"otherOper\":{\"totalSum\":3}},"
         "\"notTransmittedDocumentsSumReports\":{\"sellOper\":{\"totalSum\":8}}"),
     ONE_OF_100},
    {"an_empty_set_is_one_of_zeros", CLOSE("\"shiftSumReports\":{}"), SELL(NOTHING)},
    {"null_is_absent", CLOSE("\"shiftSumReports\":null,\"fiscalDriveSumReports\":null"), ""},
    {"a_counter_of_null_is_absent",
     CLOSE("\"shiftSumReports\":{\"sellOper\":{\"totalSum\":null,\"tax18Sum\":null},"
           "\"buyOper\":null}"),
     SELL(NOTHING)},
    {"a_list_is_none", CLOSE("\"shiftSumReports\":[{\"sellOper\":{\"totalSum\":5}}]"), ""},
    {"the_drive_alone",
     CLOSE("\"fiscalDriveSumReports\":{\"buyOper\":{\"totalSum\":77,\"cashSum\":5}}"),
     "{now:[{},{operation:1},{operation:2,sum:77},{operation:3}],counters_only:1}"},
    {"a_count_behind_an_operation_is_not_of_it",
     CLOSE("\"shiftSumReports\":{\"receiptCorrection\":{\"sellCorrection\":{\"receiptCount\":1},"
           "\"selfCorrectionCount\":2}}"),
     ""},
    {"below_zero", CLOSE("\"shiftSumReports\":{\"sellOper\":{\"totalSum\":-1}}"),
     "RANGE close.figures"},
    {"far_below_zero",
     CLOSE("\"shiftSumReports\":{\"sellOper\":{\"totalSum\":-99999999999999999999}}"),
     "OVERFLOW close.figures"},
    {"a_word", CLOSE("\"shiftSumReports\":{\"sellOper\":{\"totalSum\":\"ten\"}}"),
     "NUMBER close.figures"},
    {"a_flag", CLOSE("\"shiftSumReports\":{\"sellOper\":{\"cashSum\":true}}"),
     "NUMBER close.figures"},
    {"a_count_of_halves", CLOSE("\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":1.5}}"),
     "NUMBER close.figures"},
    {"a_count_above_all", CLOSE("\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":4294967296}}"),
     "RANGE close.figures"},
};

/* The figures of the one document that was read, as text. */
static void
figures_print(char *text, size_t size)
{
    static _Alignas(16) uint8_t memory[1 << 16];
    struct chek_arena arena;
    struct chek_document document;
    struct chek_report report;
    struct chek_fault fault;
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(told.document_count, 1);
    assert_error(
        chek_document_decode_whole(told.documents, told.documents_size, &arena, &document, &fault),
        CHEK_OK);
    struct chek_writer out = chek_writer_over(text, size);
    if (document.close->figures.size != 0) {
        assert_error(chek_report_decode_whole(document.close->figures.bytes,
                                              document.close->figures.size, &arena, &report,
                                              &fault),
                     CHEK_OK);
        records_print(&out, records_find("report"), &report);
    }
    chek_writer_u8(&out, 0);
    assert_false(out.full);
}

static void
test_counters(void **state)
{
    const struct counters_case *c = *state;
    char text[4096];
    ffd_read_json(c->json, &told);
    if (c->want[0] != '{' && c->want[0] != 0) {
        assert_int_equal(told.document_count, 0);
        assert_non_null(strstr(told.text, c->want));
        return;
    }
    figures_print(text, sizeof text);
    assert_string_equal(text, c->want);
}

/* ---- beside the bytes that were signed -------------------------------------------------------- */

/* A close of one sell of 100.00; its drive bought for 0.77. */
static void
signed_close(char *base64, size_t base64_size)
{
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t opened = chek_ffd_open(&out, CHEK_FFD_SHIFT_CLOSE);
    ffd_text(&out, 1041, "9999078900000031");
    ffd_text(&out, 1018, "0000000027");
    chek_ffd_put_u32(&out, 1040, 7);
    chek_ffd_put_u32(&out, 1012, 1748736000);
    chek_ffd_put_u32(&out, 1038, 245);
    size_t set = chek_ffd_open(&out, 1194);
    size_t operation = chek_ffd_open(&out, 1129);
    chek_ffd_put_u32(&out, 1135, 1);
    chek_ffd_put_vln(&out, 1201, 10000);
    chek_ffd_put_vln(&out, 1136, 10000);
    chek_ffd_close(&out, operation);
    chek_ffd_close(&out, set);
    set = chek_ffd_open(&out, 1157);
    operation = chek_ffd_open(&out, 1131);
    chek_ffd_put_vln(&out, 1201, 77);
    chek_ffd_close(&out, operation);
    chek_ffd_close(&out, set);
    ffd_end(&out, opened);
    sodium_bin2base64(base64, base64_size, bytes, out.size, sodium_base64_VARIANT_ORIGINAL);
}

#define BOTH                                                                                 \
    "{operations:[{tickets:1,net:10000,payments:[{sum:10000},{kind:1},{kind:4},{kind:3},"    \
    "{kind:5}]}," ZEROS(1) "," ZEROS(2) "," ZEROS(3) "],now:[{},{operation:1},{operation:2," \
                                                     "sum:77},{operation:3}],counters_only:1}"
#define SHIFT_OF(total)                                                         \
    "\"shiftSumReports\":{\"sellOper\":{\"receiptCount\":1,\"totalSum\":" total \
    ",\"cashSum\":10000}},"
#define DRIVE_OF(total) "\"fiscalDriveSumReports\":{\"buyOper\":{\"totalSum\":" total "}},"

static struct signed_case {
    const char *name, *members;
    const char *differs; /* "": in nothing */
    const char *want;    /* figures; NULL: not asked */
} signeds[] = {
    {"J14_none_and_those_of_the_bytes", "", "", BOTH},
    {"J13_both_sets", SHIFT_OF("10000") DRIVE_OF("77"), "", BOTH},
    {"J13_a_set_that_is_absent_is_no_difference", SHIFT_OF("10000"), "", ONE_OF_100},
    {"J13_the_drive_alone", DRIVE_OF("77"), "",
     "{now:[{},{operation:1},{operation:2,sum:77},{operation:3}],counters_only:1}"},
    {"J13_a_sum_of_the_shift_differs", SHIFT_OF("10001") DRIVE_OF("77"), "CONFLICT close.figures",
     NULL},
    {"J13_a_sum_of_the_drive_differs", SHIFT_OF("10000") DRIVE_OF("78"), "CONFLICT close.figures",
     NULL},
};

static void
test_signed(void **state)
{
    const struct signed_case *c = *state;
    static char json[FFD_FIXTURE_SIZE], base64[4096];
    char text[4096], want[128];
    signed_close(base64, sizeof base64);
    (void)snprintf(json, sizeof json, "{\"closeShift\":{" HEAD ",%s\"rawData\":\"%s\"}}",
                   c->members, base64);
    ffd_read_json(json, &told);
    (void)snprintf(want, sizeof want, "14 document 0\n%s%s%s",
                   c->differs[0] != 0 ? "14 differs " : "", c->differs,
                   c->differs[0] != 0 ? "\n" : "");
    assert_string_equal(told.text, want);
    if (c->want != NULL) {
        figures_print(text, sizeof text);
        assert_string_equal(text, c->want);
    }
}

/* ---- many ------------------------------------------------------------------------------------- */

/* Each document starts anew: what one counted is not in the next. */
static void
test_two_closes(void **state)
{
    (void)state;
    static char text[4096];
    (void)snprintf(text, sizeof text, "%s%s", cases[0].json, CLOSE("\"operator\":\"Петрова\""));
    ffd_read_json(text, &told);
    assert_int_equal(told.document_count, 2);
    size_t both = told.documents_size;
    ffd_read_json(CLOSE("\"operator\":\"Петрова\""), &told);
    size_t second = told.documents_size;
    ffd_read_json(cases[0].json, &told);
    assert_int_equal(both, second + told.documents_size);
}

/* More counters than there is room for are refused: some would be missing. */
static void
test_too_many(void **state)
{
    (void)state;
    static char text[8192];
    for (unsigned count = 250; count <= 255; count += 5) {
        size_t size = (size_t)snprintf(
            text, sizeof text, "{\"closeShift\":{" HEAD ",\"shiftSumReports\":{\"sellOper\":{");
        for (unsigned i = 0; i < count; i++) {
            size += (size_t)snprintf(text + size, sizeof text - size, "%s\"cashSum\":1",
                                     i == 0 ? "" : ",");
        }
        (void)snprintf(text + size, sizeof text - size, "}}}}");
        ffd_read_json(text, &told);
        assert_int_equal(told.document_count, count <= 254);
        if (count > 254) {
            assert_non_null(strstr(told.text, "LIMIT close.figures"));
        }
    }
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_counters, cases);
    TABLE_ROWS(&table, test_signed, signeds);
    TABLE_TEST(&table, test_two_closes);
    TABLE_TEST(&table, test_too_many);
    return table_run(&table, "fns_counters");
}
