/* SPDX-License-Identifier: MIT */
/*
 * test_ffd_counters.c - counters of drives as figures of a close: FFD.md C1 to C5 and rule F24b of
 * engine/fiscal/README.md, a row each.
 *
 * A case writes the close of a shift, and wants what the engine's report of a shift differs in, and
 * that the JSON of the close gives the same figures, byte by byte. (C6) The engine's report is always
 * the same: three sells of 60.00 and one return of 10.00.
 */
#include <stdio.h>

#include "engine/base/civil.h"
#include "engine/fiscal/reconcile.h"
#include "ingest/ffd_tlv.h"
#include "tests/prop/records.h"
#include "tests/unit/ffd_fixture.h"
#include "tests/unit/table.h"

#define NOW_SELL INT64_C(900000)
#define TIME_2018 INT64_C(1535760000)
#define TIME_2025 INT64_C(1748736000)
#define TIME_2026 INT64_C(1785774240)

static struct ffd_told told, said;

/* ---- what a register writes ------------------------------------------------------------------- */

/* An operation of the engine's report, as counters say it; a case changes it. */
struct operation {
    uint32_t tickets;
    uint64_t total, cash, card, prepaid, credit, provision;
    uint64_t vat, vat_10, vat_extracted, vat_10_extracted;
};

static const struct operation sell = {3, 18000, 10000, 4000, 1000, 2000, 1000, 0, 500, 200, 100};
static const struct operation sell_return = {.tickets = 1, .total = 1000, .cash = 1000};
static const struct operation nothing;

static void
operation_put(struct chek_writer *out, uint16_t tag, const struct operation *what)
{
    size_t opened = chek_ffd_open(out, tag);
    chek_ffd_put_u32(out, 1135, what->tickets);
    chek_ffd_put_vln(out, 1201, what->total);
    chek_ffd_put_vln(out, 1136, what->cash);
    chek_ffd_put_vln(out, 1138, what->card);
    chek_ffd_put_vln(out, 1218, what->prepaid);
    chek_ffd_put_vln(out, 1219, what->credit);
    chek_ffd_put_vln(out, 1220, what->provision);
    chek_ffd_put_vln(out, 1139, what->vat);
    chek_ffd_put_vln(out, 1140, what->vat_10);
    chek_ffd_put_vln(out, 1141, what->vat_extracted);
    chek_ffd_put_vln(out, 1142, what->vat_10_extracted);
    chek_ffd_put_vln(out, 1143, 77); /* turnovers are not compared */
    chek_ffd_put_vln(out, 1183, 78);
    chek_ffd_close(out, opened);
}

static void
drive_put(struct chek_writer *out, uint64_t total)
{
    size_t set = chek_ffd_open(out, 1157);
    size_t opened = chek_ffd_open(out, 1129);
    chek_ffd_put_u32(out, 1135, 99); /* counts of a drive's life are not compared */
    chek_ffd_put_vln(out, 1201, total);
    chek_ffd_put_vln(out, 1136, 5);
    chek_ffd_close(out, opened);
    opened = chek_ffd_open(out, 1130);
    chek_ffd_put_vln(out, 1201, 1000);
    chek_ffd_close(out, opened);
    chek_ffd_close(out, set);
}

static void
shift_put(struct chek_writer *out, const struct operation *first)
{
    size_t set = chek_ffd_open(out, 1194);
    chek_ffd_put_u32(out, 1134, 4);
    operation_put(out, 1129, first);
    operation_put(out, 1130, &sell_return);
    operation_put(out, 1131, &nothing);
    operation_put(out, 1132, &nothing);
    chek_ffd_close(out, set);
}

static void
equal(struct chek_writer *out)
{
    shift_put(out, &sell);
    drive_put(out, NOW_SELL);
}

static void
drive_first(struct chek_writer *out)
{
    drive_put(out, NOW_SELL);
    shift_put(out, &sell);
}

#define CHANGED(name, change)                 \
    static void name(struct chek_writer *out) \
    {                                         \
        struct operation what = sell;         \
        what.change;                          \
        shift_put(out, &what);                \
    }

CHANGED(tickets, tickets = 4)
CHANGED(total, total = 18001)
CHANGED(cash, cash = 9999)
CHANGED(card, card = 1)
CHANGED(prepaid, prepaid = 2)
CHANGED(credit, credit = 3)
CHANGED(provision, provision = 4)
CHANGED(vat, vat = 5)
CHANGED(vat_10, vat_10 = 6)
CHANGED(vat_extracted, vat_extracted = 7)
CHANGED(vat_10_extracted, vat_10_extracted = 8)
CHANGED(largest, total = UINT64_MAX)

static void
without_counters(struct chek_writer *out)
{
    chek_ffd_put_u32(out, 1118, 3);
}

static void
not_sent_only(struct chek_writer *out)
{
    size_t set = chek_ffd_open(out, 1158);
    operation_put(out, 1129, &sell);
    chek_ffd_close(out, set);
}

/* What was not sent stands beside the shift's: it must not be counted for it. */
static void
not_sent_behind(struct chek_writer *out)
{
    shift_put(out, &sell);
    not_sent_only(out);
}

static void
drive_alone(struct chek_writer *out)
{
    drive_put(out, NOW_SELL + 1);
}

/* An operation that is left away is one of zeros; a tax is not. */
static void
sell_alone(struct chek_writer *out)
{
    size_t set = chek_ffd_open(out, 1194);
    size_t opened = chek_ffd_open(out, 1129);
    chek_ffd_put_u32(out, 1135, 3);
    chek_ffd_put_vln(out, 1201, 18000);
    chek_ffd_put_vln(out, 1136, 10000);
    chek_ffd_put_vln(out, 1138, 4000);
    chek_ffd_put_vln(out, 1218, 1000);
    chek_ffd_put_vln(out, 1219, 2000);
    chek_ffd_put_vln(out, 1220, 1000);
    chek_ffd_close(out, opened);
    chek_ffd_close(out, set);
}

/* Two receipts and one correction for a sell, and the correction of a return. */
static void
corrections(struct chek_writer *out)
{
    struct operation what = {2, 13000, 5000, 4000, 1000, 2000, 1000, 0, 500, 200, 100};
    struct operation corrected = {.tickets = 1, .total = 5000, .cash = 5000};
    size_t set = chek_ffd_open(out, 1194);
    operation_put(out, 1129, &what);
    size_t opened = chek_ffd_open(out, 1133);
    chek_ffd_put_u32(out, 1144, 2);
    operation_put(out, 1145, &corrected);
    operation_put(out, 1232, &sell_return);
    chek_ffd_close(out, opened);
    chek_ffd_close(out, set);
}

/* Corrections that are counted by their reasons: two on their own, one by order. */
static void
reasons_put(struct chek_writer *out, uint32_t first, uint32_t last, uint64_t vat_of_its_own)
{
    struct operation what = {0, 13000, 5000, 4000, 1000, 2000, 1000, 5, 500, 200, 100};
    size_t set = chek_ffd_open(out, 1194);
    operation_put(out, 1129, &what);
    operation_put(out, 1130, &sell_return);
    size_t opened = chek_ffd_open(out, 1133);
    size_t operation = chek_ffd_open(out, 1145);
    if (first != 0) {
        chek_ffd_put_u32(out, 1135, first);
    }
    chek_ffd_put_u32(out, 1148, 2);
    chek_ffd_put_u32(out, 1149, 1);
    chek_ffd_put_vln(out, 1151, vat_of_its_own);
    chek_ffd_put_vln(out, 1201, 5000);
    chek_ffd_put_vln(out, 1136, 5000);
    if (last != 0) {
        chek_ffd_put_u32(out, 1135, last);
    }
    chek_ffd_close(out, operation);
    chek_ffd_close(out, opened);
    chek_ffd_close(out, set);
}

static void
by_reason(struct chek_writer *out)
{
    reasons_put(out, 0, 0, 0);
}

static void
by_reason_behind_tickets(struct chek_writer *out)
{
    reasons_put(out, 3, 0, 0);
}

static void
by_reason_before_tickets(struct chek_writer *out)
{
    reasons_put(out, 0, 3, 0);
}

static void
vat_of_corrections(struct chek_writer *out)
{
    reasons_put(out, 0, 0, 1);
}

static void
corrections_of_buying(struct chek_writer *out)
{
    size_t set = chek_ffd_open(out, 1194);
    operation_put(out, 1129, &sell);
    operation_put(out, 1130, &sell_return);
    size_t opened = chek_ffd_open(out, 1133);
    operation_put(out, 1146, &(struct operation){.tickets = 2});
    operation_put(out, 1233, &(struct operation){.tickets = 3});
    chek_ffd_close(out, opened);
    chek_ffd_close(out, set);
}

/* Those of old formats have one sum for all operations. */
static void
unnamed(struct chek_writer *out, uint64_t sum)
{
    size_t set = chek_ffd_open(out, 1194);
    operation_put(out, 1129, &sell);
    operation_put(out, 1130, &sell_return);
    size_t opened = chek_ffd_open(out, 1133);
    chek_ffd_put_u32(out, 1144, sum != 0);
    chek_ffd_put_vln(out, 1150, sum);
    chek_ffd_close(out, opened);
    chek_ffd_close(out, set);
}

static void
no_unnamed_corrections(struct chek_writer *out)
{
    unnamed(out, 0);
}

static void
unnamed_corrections(struct chek_writer *out)
{
    unnamed(out, 100);
}

static void
unnamed_corrections_and_the_drive(struct chek_writer *out)
{
    unnamed(out, 100);
    drive_put(out, NOW_SELL + 2);
}

/* ---- what the engine counted ------------------------------------------------------------------ */

struct found {
    char *text;
    size_t size, size_max;
};

static void
on_difference(void *context, const struct chek_difference *difference)
{
    struct found *found = context;
    int size = snprintf(found->text + found->size, found->size_max - found->size,
                        "%s %u/%u/%u %lld %lld\n", chek_field_name((uint16_t)difference->field),
                        difference->operation, difference->kind, difference->rate,
                        (long long)difference->stated, (long long)difference->counted);
    assert_true(size > 0 && found->size + (size_t)size < found->size_max);
    found->size += (size_t)size;
}

/* `basic` is the rate of the VAT that is extracted and not of 10 %. */
static void
differences_find(const struct chek_close *close, uint32_t basic, char *ret, size_t size)
{
    static _Alignas(16) uint8_t memory[1 << 16];
    struct chek_report_payment payments[] = {
        {.kind = CHEK_PAYMENT_KIND_CASH, .count = 2, .sum = 10000},
        {.kind = CHEK_PAYMENT_KIND_CARD, .count = 1, .sum = 4000},
        {.kind = CHEK_PAYMENT_KIND_PREPAID, .count = 1, .sum = 1000},
        {.kind = CHEK_PAYMENT_KIND_CREDIT, .count = 1, .sum = 2000},
        {.kind = CHEK_PAYMENT_KIND_PROVISION, .count = 1, .sum = 1000}};
    struct chek_report_payment back = {.kind = CHEK_PAYMENT_KIND_CASH, .count = 1, .sum = 1000};
    struct chek_report_operation operations[] = {{.operation = CHEK_OPERATION_SELL,
                                                  .tickets = 3,
                                                  .positions = 7,
                                                  .gross = 19000,
                                                  .net = 18000,
                                                  .change = 5,
                                                  .offline = 1,
                                                  .payments = payments,
                                                  .payments_count = CHEK_COUNT(payments)},
                                                 {.operation = CHEK_OPERATION_SELL_RETURN,
                                                  .tickets = 1,
                                                  .net = 1000,
                                                  .payments = &back,
                                                  .payments_count = 1}};
    struct chek_report_tax taxes[] = {
        {.kind = CHEK_TAX_KIND_VAT, .rate = 10000, .sum = 500},
        {.kind = CHEK_TAX_KIND_VAT_EXTRACTED, .rate = basic, .sum = 200},
        {.kind = CHEK_TAX_KIND_VAT_EXTRACTED, .rate = 10000, .sum = 100},
        {.kind = CHEK_TAX_KIND_VAT, .rate = 5000, .sum = 33}};
    struct chek_report_counter now[] = {{.operation = CHEK_OPERATION_SELL, .sum = NOW_SELL},
                                        {.operation = CHEK_OPERATION_SELL_RETURN, .sum = 1000}};
    struct chek_report counted = {.shift = 245,
                                  .operations = operations,
                                  .operations_count = CHEK_COUNT(operations),
                                  .taxes = taxes,
                                  .taxes_count = CHEK_COUNT(taxes),
                                  .cash = 9000,
                                  .revenue = 17000,
                                  .start = now,
                                  .start_count = CHEK_COUNT(now),
                                  .now = now,
                                  .now_count = CHEK_COUNT(now)};
    struct found found = {.text = ret, .size_max = size};
    struct chek_arena arena;
    chek_arena_init_over(&arena, memory, sizeof memory);
    ret[0] = 0;
    assert_error(chek_figures_reconcile(close->figures, &counted, &arena, on_difference, &found),
                 CHEK_OK);
}

/* ---- cases ------------------------------------------------------------------------------------ */

#define SELL_TAX(kind, rate) "report_tax.sum 0/" #kind "/" #rate " "

static struct counters_case {
    const char *name;
    void (*put)(struct chek_writer *out);
    const char *want; /* NULL: nothing is stated */
    int64_t time;     /* 0: of 2025 */
} cases[] = {
    {"C1_counters_that_are_equal", equal, "", 0},
    {"C1_the_drives_may_come_first", drive_first, "", 0},
    {"C1_a_close_without_counters", without_counters, NULL, 0},
    {"C2_tickets", tickets, "report_operation.tickets 0/0/0 4 3\n", 0},
    {"C2_total", total, "report_operation.net 0/0/0 18001 18000\n", 0},
    {"C2_cash", cash, "report_payment.sum 0/1/0 9999 10000\n", 0},
    {"C2_card", card, "report_payment.sum 0/2/0 1 4000\n", 0},
    {"C2_prepaid", prepaid, "report_payment.sum 0/5/0 2 1000\n", 0},
    {"C2_credit", credit, "report_payment.sum 0/4/0 3 2000\n", 0},
    {"C2_provision", provision, "report_payment.sum 0/6/0 4 1000\n", 0},
    {"C2_an_operation_that_is_not_stated", sell_alone,
     "report_operation.tickets 1/0/0 0 1\nreport_operation.net 1/0/0 0 1000\n"
     "report_payment.sum 1/1/0 0 1000\n",
     0},
    {"C2_corrections_are_added", corrections, "", 0},
    {"C2_corrections_of_buying", corrections_of_buying,
     "report_operation.tickets 2/0/0 2 0\nreport_operation.tickets 3/0/0 3 0\n", 0},
    {"C2_corrections_by_their_reasons", by_reason, SELL_TAX(2, 20000) "5 0\n", 0},
    {"C2_reasons_behind_tickets_are_not_counted_again", by_reason_behind_tickets,
     SELL_TAX(2, 20000) "5 0\n", 0},
    {"C2_reasons_before_tickets_are_not_counted_again", by_reason_before_tickets,
     SELL_TAX(2, 20000) "5 0\n", 0},
    {"C3_no_tax_beside_that_of_corrections", vat_of_corrections, "", 0},
    {"C2_corrections_without_an_operation", unnamed_corrections, NULL, 0},
    {"C2_none_without_an_operation", no_unnamed_corrections, "", 0},
    {"C2_the_drive_is_compared_all_the_same", unnamed_corrections_and_the_drive,
     "report.now 0/0/0 900002 900000\n", 0},
    {"C3_vat", vat, SELL_TAX(2, 20000) "5 0\n", 0},
    {"C3_vat_10", vat_10, SELL_TAX(2, 10000) "6 500\n", 0},
    {"C3_vat_extracted", vat_extracted, SELL_TAX(3, 20000) "7 200\n", 0},
    {"C3_vat_10_extracted", vat_10_extracted, SELL_TAX(3, 10000) "8 100\n", 0},
    {"C3_vat_of_2018", vat, SELL_TAX(2, 18000) "5 0\n", TIME_2018},
    {"C3_the_basic_rate_of_2026_is_not_compared", vat_extracted, "", TIME_2026},
    {"C3_ten_percent_of_2026", vat_10, SELL_TAX(2, 10000) "6 500\n", TIME_2026},
    {"C4_the_drive_alone", drive_alone, "report.now 0/0/0 900001 900000\n", 0},
    {"C5_what_was_not_sent_alone", not_sent_only, NULL, 0},
    {"C5_what_was_not_sent_beside", not_sent_behind, "", 0},
    {"C5_a_sum_above_all", largest, "report_operation.net 0/0/0 9223372036854775807 18000\n", 0},
};

static void
close_begin(struct chek_writer *out, size_t *ret_opened, int64_t time)
{
    *ret_opened = chek_ffd_open(out, CHEK_FFD_SHIFT_CLOSE);
    ffd_text(out, 1041, "9999078900000031");
    ffd_text(out, 1037, "0000000006000031");
    ffd_text(out, 1018, "0000000027");
    chek_ffd_put_u32(out, 1040, 7);
    chek_ffd_put_u32(out, 1012, (uint32_t)time);
    chek_ffd_put_u32(out, 1038, 245);
}

/* The JSON of a document gives what its elements gave. */
static void
json_is_the_same(const uint8_t *bytes, size_t size)
{
    static char text[FFD_FIXTURE_SIZE];
    ffd_json(bytes, size, text, sizeof text);
    ffd_read_json(text, &said);
    assert_string_equal(said.text, "14 document 0\n"); /* behind the wrapper's name */
    assert_int_equal(said.documents_size, told.documents_size);
    assert_memory_equal(said.documents, told.documents, told.documents_size);
}

static void
test_counters(void **state)
{
    const struct counters_case *c = *state;
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    static _Alignas(16) uint8_t memory[1 << 16];
    char text[1024];
    struct chek_arena arena;
    struct chek_document document;
    struct chek_fault fault;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    int64_t time = c->time != 0 ? c->time : TIME_2025;
    size_t opened;
    close_begin(&out, &opened, time);
    c->put(&out);
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_string_equal(told.text, "0 document 0\n");
    json_is_the_same(bytes, out.size);
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_error(
        chek_document_decode_whole(told.documents, told.documents_size, &arena, &document, &fault),
        CHEK_OK);
    assert_non_null(document.close);
    if (c->want == NULL) {
        assert_int_equal(document.close->figures.size, 0);
        return;
    }
    assert_true(document.close->figures.size != 0);
    differences_find(document.close, time < TIME_2025 ? 18000 : 20000, text, sizeof text);
    assert_string_equal(text, c->want);
}

/* ---- a vector --------------------------------------------------------------------------------- */

/* Read its bytes; what stands behind a # on its line is left out. */
static size_t
vector_read(const char *path, uint8_t *bytes, size_t capacity)
{
    char line[512];
    size_t size = 0;
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        line[strcspn(line, "#\n")] = '\0';
        size_t got = records_read_hex(line, bytes + size, capacity - size);
        assert_true(got != SIZE_MAX);
        size += got;
    }
    (void)fclose(file);
    return size;
}

static const char vector_figures[] =
    "{operations:["
    "{tickets:3,net:22700,payments:[{sum:15000},{kind:1,sum:7700},{kind:4},{kind:3},{kind:5}]},"
    "{operation:1,tickets:1,net:5500,payments:[{sum:5500},{kind:1},{kind:4},{kind:3},{kind:5}]},"
    "{operation:2,payments:[{},{kind:1},{kind:4},{kind:3},{kind:5}]},"
    "{operation:3,payments:[{},{kind:1},{kind:4},{kind:3},{kind:5}]}],"
    "taxes:[{kind:1,rate:20000,sum:2866},{kind:1,rate:10000,sum:500},{kind:2,rate:20000},"
    "{kind:2,rate:10000}],"
    "now:[{sum:1000000005000},{operation:1,sum:5500},{operation:2},{operation:3}],"
    "counters_only:1}";

/* The bytes of a document, and what its close states, word for word. */
static void
test_the_vector_of_a_close(void **state)
{
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    static _Alignas(16) uint8_t memory[1 << 16];
    struct chek_arena arena;
    struct chek_document document;
    struct chek_report report;
    struct chek_fault fault;
    char text[4096];
    (void)state;
    size_t size = vector_read("tests/vectors/ffd/close.hex", bytes, sizeof bytes);
    assert_error(ffd_read(bytes, size, 7, &told), CHEK_OK);
    assert_string_equal(told.text, "0 document 0\n");
    json_is_the_same(bytes, size);
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_error(
        chek_document_decode_whole(told.documents, told.documents_size, &arena, &document, &fault),
        CHEK_OK);
    assert_error(chek_report_decode_whole(document.close->figures.bytes,
                                          document.close->figures.size, &arena, &report, &fault),
                 CHEK_OK);
    struct chek_writer out = chek_writer_over(text, sizeof text);
    records_print(&out, records_find("report"), &report);
    chek_writer_u8(&out, 0);
    assert_false(out.full);
    assert_string_equal(text, vector_figures);
}

/* Elements that are no numbers are refused, as everywhere. */
static void
test_a_counter_of_nine_bytes_is_refused(void **state)
{
    static uint8_t bytes[FFD_FIXTURE_SIZE];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    size_t opened, set, operation;
    (void)state;
    close_begin(&out, &opened, TIME_2025);
    set = chek_ffd_open(&out, 1194);
    operation = chek_ffd_open(&out, 1129);
    chek_ffd_put_bytes(&out, 1201, chek_bytes_view_of("123456789", 9));
    chek_ffd_close(&out, operation);
    chek_ffd_close(&out, set);
    ffd_end(&out, opened);
    assert_error(ffd_read(bytes, out.size, out.size, &told), CHEK_OK);
    assert_int_equal(told.refusal_count, 1);
    assert_non_null(strstr(told.text, "LIMIT : tag 1201"));
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_counters, cases);
    TABLE_TEST(&table, test_the_vector_of_a_close);
    TABLE_TEST(&table, test_a_counter_of_nine_bytes_is_refused);
    return table_run(&table, "ffd_counters");
}
