/* SPDX-License-Identifier: MIT */
/* test_fns_fields.c - what each field of a receipt's JSON means: one receipt, one thing different. */
#include "tests/unit/fns_fixture.h"
#include "tests/unit/table.h"

/* ---- one receipt, one thing different --------------------------------------------------------- */

/* The receipt that the changes are made to; it is read as FNS_RECEIPT FNS_LINE. */
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

static struct variant_case {
    const char *name;
    struct member changes[5];
    const char *want;
} variants[] = {
    {"bare_receipt", {{NULL, NULL}}, FNS_RECEIPT FNS_LINE},
    {"kopecks_with_a_zero_decimal", {{"totalSum", "100.0"}}, FNS_RECEIPT FNS_LINE},
    {"roubles_by_a_fraction",
     {{"totalSum", "1.50"},
      {"items", "[{\"name\":\"a\",\"price\":1.5,\"quantity\":1,\"sum\":1.50}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 150\n  a 100000"
     "0*150=150"},
    {"roubles_because_all_have_two_decimals",
     {{"totalSum", "1.00"},
      {"items", "[{\"name\":\"a\",\"price\":1,\"quantity\":1,\"sum\":1.00}]"}},
     FNS_RECEIPT FNS_LINE},
    {"kopecks_although_the_sign_is_a_text", {{"fiscalSign", "\"2\""}}, FNS_RECEIPT FNS_LINE},
    {"roubles_because_sign_and_version_are_texts",
     {{"fiscalSign", "\"2\""},
      {"fiscalDocumentFormatVer", "\"4\""},
      {"totalSum", "1"},
      {"items", "[{\"name\":\"a\",\"price\":1,\"quantity\":1,\"sum\":1}]"}},
     FNS_RECEIPT FNS_LINE},
    {"price_decides_nothing_and_is_rounded",
     {{"items", "[{\"name\":\"a\",\"price\":33.335,\"quantity\":3,\"sum\":100}]"}},
     FNS_RECEIPT "\n  a 3000000*33=100"},
    {"quantity_is_rounded_to_a_millionth",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.33333349,\"sum\":100}]"}},
     FNS_RECEIPT "\n  a 333333*100=100"},
    {"quantity_is_rounded_up_over_a_one",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.9999999,\"sum\":100}]"}},
     FNS_RECEIPT FNS_LINE},
    {"quantity_that_would_be_nothing",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.0000004,\"sum\":100}]"}},
     "at 0: RANGE line.quantity[0]"},
    {"quantity_of_nothing",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":0.0000000,\"sum\":100}]"}},
     FNS_RECEIPT "\n  a 0*100=100"},
    {"sum_as_a_flag", {{"totalSum", "true"}}, "at 0: NUMBER receipt.total[0]"},
    {"quantity_as_a_flag",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":true,\"sum\":100}]"}},
     "at 0: NUMBER line.quantity[0]"},
    {"operator_with_a_nul", {{"operator", "\"a\\u0000b\""}}, "at 0: TEXT receipt.operator[0]"},
    {"sum_with_an_exponent", {{"totalSum", "1e2"}}, "at 0: NUMBER receipt.total[0]"},
    {"sum_of_kopecks_with_half_a_kopeck",
     {{"totalSum", "100.005"}},
     "at 0: NUMBER receipt.total[0]"},
    {"sum_as_a_text", {{"totalSum", "\" 100 \""}}, FNS_RECEIPT FNS_LINE},
    {"negative_sum", {{"totalSum", "-100"}, {"items", "[]"}}, "at 0: RANGE receipt.total[0]"},
    {"drive_that_went_through_a_double",
     {{"fiscalDriveNumber", "9.96144030096540e+15"}},
     "at 0: NUMBER receipt.fiscal_drive[0]"},
    {"drive_above_2_to_the_53",
     {{"fiscalDriveNumber", "9961440300965403"}},
     "9961440300965403 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 1"
     "00" FNS_LINE},
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
     "tal 100" FNS_LINE},
    {"operation_missing", {{"operationType", NULL}}, "at 0: FIELD_MISSING receipt.operation[0]"},
    {"operation_5", {{"operationType", "5"}}, "at 0: RANGE receipt.operation[0]"},
    {"operation_4_is_the_return_of_a_purchase",
     {{"operationType", "4"}},
     "99 inn 27\nbuy_return 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE},
    {"inn_missing", {{"userInn", NULL}}, "at 0: FIELD_MISSING register.organisation[0]"},
    {"time_missing", {{"dateTime", NULL}}, "at 0: FIELD_MISSING receipt.time[0]"},
    {"time_with_a_zone", {{"dateTime", "\"2024-01-01T10:00:00Z\""}}, "at 0: DATE receipt.time[0]"},
    {"time_of_february_30",
     {{"dateTime", "\"2024-02-30T10:00:00\""}},
     "at 0: DATE receipt.time[0]"},
    {"time_in_minutes",
     {{"dateTime", "\"2024-01-01T10:07\""}},
     "99 inn 27\nsell 2024-01-01T10:07:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE},
    {"total_missing", {{"totalSum", NULL}}, "at 0: FIELD_MISSING receipt.total[0]"},
    {"line_sum_missing",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1}]"}},
     "at 0: FIELD_MISSING line.sum[0]"},
    {"line_without_a_name",
     {{"items", "[{\"name\":null,\"price\":100,\"quantity\":1,\"sum\":100}]"}},
     FNS_RECEIPT "\n   1000000*100=100"},
    {"no_lines", {{"items", "[]"}}, FNS_RECEIPT},
    {"total_rounded_down",
     {{"totalSum", "99"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 99" FNS_LINE},
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
     FNS_RECEIPT FNS_LINE},
    {"payments_above_the_total",
     {{"cashTotalSum", "101"}},
     "at 0: TOTAL_MISMATCH receipt.payments[0]"},
    {"payments_of_which_those_of_0_are_left_out",
     {{"cashTotalSum", "100"}},
     FNS_RECEIPT " cash 100" FNS_LINE},
    {"line_as_an_object",
     {{"items", "{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100}"}},
     FNS_RECEIPT FNS_LINE},
    {"storno_as_an_object",
     {{"totalSum", "60"},
      {"stornoItems", "{\"name\":\"b\",\"price\":40,\"quantity\":1,\"sum\":40}"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 60" FNS_LINE
     "\n  storno b 1000000*40=40"},
    {"properties_as_an_object",
     {{"properties", "{\"propertyName\":\"totalSum\",\"totalSum\":7}"}},
     FNS_RECEIPT FNS_LINE},
    {"properties_as_an_array",
     {{"properties", "[{\"key\":\"a\",\"value\":\"b\",\"totalSum\":7}]"}},
     FNS_RECEIPT FNS_LINE},
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
     FNS_RECEIPT FNS_LINE},
    {"zeros_before_numbers_come_back",
     {{"userInn", "123456789"}, {"kktRegId", "1165769001352"}},
     "99 0001165769001352 inn 0123456789\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE},
    {"zero_before_the_inn_of_a_person_comes_back",
     {{"userInn", "12345678901"}},
     "99 inn 012345678901\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE},
    {"texts_get_no_zeros",
     {{"kktRegId", "\"1165769001352   \""}},
     "99 1165769001352 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE},
    {"time_under_its_old_name",
     {{"dateTime", NULL}, {"ticketDate", "\"2024-01-01T10:00:00\""}},
     FNS_RECEIPT FNS_LINE},
    {"time_in_seconds_of_the_wall_clock", {{"dateTime", "1704103200"}}, FNS_RECEIPT FNS_LINE},
    {"time_in_milliseconds_of_the_wall_clock",
     {{"dateTime", NULL}, {"fiscalDate", "1704103200000"}},
     FNS_RECEIPT FNS_LINE},
    {"time_in_seconds_of_utc_beside_a_local_one",
     {{"dateTime", "1704092400"}, {"localDateTime", "\"2024-01-01T10:00\""}},
     FNS_RECEIPT FNS_LINE},
    {"code_of_tag_1162",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCode\":"
                "\"444d042f1f9681784a67584a352e54313132303030\"}]"}},
     FNS_RECEIPT FNS_LINE " gtin 4600439931256 mark 010460043993125621JgXJ5.T112000"},
    {"code_of_tag_1162_that_is_a_barcode",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nomenclatureCode\":"
                "\"450d043077195761\"}]"}},
     FNS_RECEIPT FNS_LINE " gtin 4606203090785"},
    {"code_of_a_shop_is_no_marking",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCode\":"
                "\"12345\"}]"}},
     FNS_RECEIPT FNS_LINE},
    {"code_loses_its_check_part",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"rawProductCode\":"
                "\"0104600000000015215UA:lm\\u001d93Gk30\"}]"}},
     FNS_RECEIPT FNS_LINE " gtin 4600000000015 mark 0104600000000015215UA:lm"},
    {"code_of_marked_goods_among_those_of_others",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCodeNew\":"
                "[{\"gs1\":{\"rawProductCode\":\"0104600000000015215UA:lm\"}}]}]"}},
     FNS_RECEIPT FNS_LINE " gtin 4600000000015 mark 0104600000000015215UA:lm"},
    {"code_that_is_not_known_stays",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"productCodeNew\":"
                "{\"undefined\":{\"rawProductCode\":\"hello\"}}}]"}},
     FNS_RECEIPT FNS_LINE " mark hello"},
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
     "99 inn 27\nsell 2018-12-31T23:59:59 shift 0/0 fd 1 fp 2 total 100" FNS_LINE " vat18:15"},
    {"vat_code_1_in_2019",
     {{"dateTime", "\"2019-01-01T00:00:00\""},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":1,\"ndsSum\""
                ":17}]"}},
     "99 inn 27\nsell 2019-01-01T00:00:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE " vat20:17"},
    {"vat_codes_of_the_old_rates",
     {{"totalSum", "600"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":1,\"ndsSum\""
                ":17},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":2,\"ndsS"
                "um\":9},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":3,\""
                "ndsSum\":17},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":"
                "4,\"ndsSum\":9},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds"
                "\":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":6}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 600" FNS_LINE
     " vat20:17" FNS_LINE " vat10:9" FNS_LINE " ex20:17" FNS_LINE " ex10:9" FNS_LINE
     " vat0:0" FNS_LINE " no0:0"},
    {"vat_codes_of_2026",
     {{"totalSum", "200"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":11,\"ndsSum"
                "\":18},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":12,\"nd"
                "sSum\":18}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 200" FNS_LINE
     " vat22:18" FNS_LINE " ex22:18"},
    {"vat_codes_of_2025",
     {{"totalSum", "400"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":7,\"ndsSum\""
                ":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":8,\"ndsS"
                "um\":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":9,\""
                "ndsSum\":5},{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":"
                "10,\"ndsSum\":5}]"}},
     "99 inn 27\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 400" FNS_LINE " vat5:5" FNS_LINE
     " vat7:5" FNS_LINE " ex5:5" FNS_LINE " ex7:5"},
    {"vat_code_without_any_sum_is_computed",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":12}]"}},
     FNS_RECEIPT FNS_LINE " ex22:18"},
    {"vat_of_the_whole_with_a_code_missing", {{"nds10", "9"}}, FNS_RECEIPT " vat10:9/100" FNS_LINE},
    {"vat_of_0_percent_of_the_whole", {{"nds0", "100"}}, FNS_RECEIPT " vat0:0/100" FNS_LINE},
    {"vat_amounts_as_an_object",
     {{"amountsReceiptNds", "{\"amountsNds\":{\"nds\":11,\"ndsSum\":18}}"},
      {"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"nds\":11}]"}},
     FNS_RECEIPT " vat22:18/100" FNS_LINE},
    {"vat_of_a_part_of_the_total",
     {{"totalSum", "10000"}, {"nds10", "9"}, {"items", "[]"}},
     FNS_RECEIPT "00 vat10:9/99"},
    {"text_with_a_nul",
     {{"items", "[{\"name\":\"a\\u0000b\",\"price\":100,\"quantity\":1,\"sum\":100}]"}},
     "at 0: TEXT line.name[0]"},
    {"text_longer_than_its_field",
     {{"items", "[{\"name\":\"жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж"
                "жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж\",\"price\""
                ":100,\"quantity\":1,\"sum\":100}]"}},
     FNS_RECEIPT "\n  жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж"
                 "жжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжжж 1000000*100=100"},
    {"unit_by_its_code",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"itemsQuantityMeas"
                "ure\":41}]"}},
     FNS_RECEIPT FNS_LINE " л"},
    {"unit_code_that_is_unknown",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"itemsQuantityMeas"
                "ure\":255}]"}},
     FNS_RECEIPT FNS_LINE},
    {"gtin_that_is_none",
     {{"items", "[{\"name\":\"a\",\"price\":100,\"quantity\":1,\"sum\":100,\"gtin\":\"abc\"}]"}},
     FNS_RECEIPT FNS_LINE},
    {"inn_padded_to_twelve",
     {{"userInn", "\"007825706086\""}},
     "99 inn 7825706086\nsell 2024-01-01T10:00:00 shift 0/0 fd 1 fp 2 total 100" FNS_LINE},
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

static void
test_fns_json_variant(void **state)
{
    const struct variant_case *c = *state;
    static struct fns_text json;
    json.size = 0;
    fns_put(&json, "{\"x\":null");
    for (size_t i = 0; i < CHEK_COUNT(members); i++) {
        const struct member *change = change_find(c, members[i].key);
        const char *value = change != NULL ? change->value : members[i].value;
        if (value != NULL) {
            fns_put(&json, ",\"%s\":%s", members[i].key, value);
        }
    }
    for (size_t i = 0; i < CHEK_COUNT(c->changes) && c->changes[i].key != NULL; i++) {
        if (!is_member(c->changes[i].key)) {
            fns_put(&json, ",\"%s\":%s", c->changes[i].key, c->changes[i].value);
        }
    }
    fns_put(&json, "}");
    fns_check(json.bytes, CHEK_OK, c->want);
}

int
main(void)
{
    static struct table table;
    TABLE_ROWS(&table, test_fns_json_variant, variants);
    return table_run(&table, "fns_fields");
}
