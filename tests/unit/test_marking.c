/* SPDX-License-Identifier: MIT */
/*
 * test_marking.c - codes of marked goods in every form; made up, but for the published ones.
 */
#include "ingest/marking.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/table.h"

#define KIND(name) CHEK_MARKING_KIND_##name
#define NOTE(name) CHEK_MARKING_NOTE_##name
#define CHECK44 "0123456789012345678901234567890123456789abc="
#define GOOD "0104600000000015215OoyE8qxeIOn>"
#define GTIN UINT64_C(4600000000015)

static struct code_case {
    const char *name, *code;
    enum chek_marking_kind kind;
    uint32_t notes;
    uint64_t gtin;
    const char *text;
} code_cases[] = {
    {"as_a_receipt_keeps_it", GOOD, KIND(GS1), 0, GTIN, GOOD},
    {"serial_of_dairy", "0104600000000015215UA:lm", KIND(GS1), 0, GTIN, "0104600000000015215UA:lm"},
    {"serial_that_looks_like_an_ai", "01046000000000152123HbpUjj", KIND(GS1), 0, GTIN,
     "01046000000000152123HbpUjj"},
    {"serial_with_21_and_91", "0104600000000015219121932191210", KIND(GS1), 0, GTIN,
     "0104600000000015219121932191210"},
    {"short_check_part",
     "0104600000000015215UA:lm\x1d"
     "93Gk30",
     KIND(GS1), NOTE(CHECK), GTIN, "0104600000000015215UA:lm"},
    {"long_check_part",
     GOOD "\x1d"
          "91EE06\x1d"
          "92" CHECK44,
     KIND(GS1), NOTE(CHECK), GTIN, GOOD},
    {"scanned_with_its_symbology", "]d2" GOOD, KIND(GS1), 0, GTIN, GOOD},
    {"scanned_with_fnc1", "\x1d" GOOD, KIND(GS1), 0, GTIN, GOOD},
    {"short_check_part_whose_separator_is_lost", "0104600000000015215UA:lm93Gk30", KIND(GS1),
     NOTE(CHECK) | NOTE(SEPARATOR), GTIN, "0104600000000015215UA:lm"},
    {"long_check_part_whose_separators_are_lost", GOOD "91EE0692" CHECK44, KIND(GS1),
     NOTE(CHECK) | NOTE(SEPARATOR), GTIN, GOOD},
    {"serial_that_could_end_in_a_check_part", "0104600000000015215OoyE8q93eIOn", KIND(GS1), 0, GTIN,
     "0104600000000015215OoyE8q93eIOn"},
    {"in_brackets", "(01)04600000000015(21)5OoyE8qxeIOn>(91)EE05(92)" CHECK44, KIND(GS1),
     NOTE(CHECK), GTIN, GOOD},
    {"in_brackets_with_brackets_inside", "(01)04600000000015(21)5(91)(oyE8(>x(93)Gk30", KIND(GS1),
     NOTE(CHECK), GTIN, "0104600000000015215(91)(oyE8(>x"},
    {"in_brackets_without_check_part", "(01)04600000000015(21)5UA:lm", KIND(GS1), 0, GTIN,
     "0104600000000015215UA:lm"},
    {"gtin_with_a_wrong_digit", "0104600000000016215UA:lm", KIND(GS1), NOTE(GTIN),
     UINT64_C(4600000000016), "0104600000000016215UA:lm"},
    {"serial_of_an_unknown_size", "0104600000000015215UA:lmX12", KIND(GS1), NOTE(SERIAL), GTIN,
     "0104600000000015215UA:lmX12"},
    {"serial_with_a_sign_of_none", "0104600000000015215UA#lm", KIND(GS1), NOTE(ALPHABET), GTIN,
     "0104600000000015215UA#lm"},
    {"serial_too_long", "01046000000000152112345678901234567890X", KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "01046000000000152112345678901234567890X"},
    {"serial_missing", "010460000000001521", KIND(UNKNOWN), NOTE(UNKNOWN), 0, "010460000000001521"},
    {"separator_instead_of_a_serial",
     "010460000000001521\x1d"
     "93Gk30",
     KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "010460000000001521\x1d"
     "93Gk30"},
    {"other_ai_before_the_serial", "010460000000001510AB215UA:lm", KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "010460000000001510AB215UA:lm"},
    {"letter_in_the_gtin", "010460000000O015215UA:lm", KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "010460000000O015215UA:lm"},
    {"tobacco", "04600000000015Uon<TYfACyA", KIND(TOBACCO), 0, GTIN, "04600000000015Uon<TYfACyA"},
    {"tobacco_with_check", "04600000000015Uon<TYfACyAJPHJ", KIND(TOBACCO), NOTE(CHECK), GTIN,
     "04600000000015Uon<TYfACyA"},
    {"fur", "RU-401301-AAA0277031", KIND(FUR), 0, 0, "RU-401301-AAA0277031"},
    {"fur_with_a_letter_in_its_number", "RU-401301-AAA02770X1", KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "RU-401301-AAA02770X1"},
    {"ean13", "4600000000015", KIND(BARCODE), 0, GTIN, "4600000000015"},
    {"ean13_with_a_wrong_digit", "4600000000016", KIND(BARCODE), NOTE(GTIN),
     UINT64_C(4600000000016), "4600000000016"},
    {"gtin_alone_behind_its_ai", "0104600000000015", KIND(BARCODE), 0, GTIN, "04600000000015"},
    {"ean8", "46000019", KIND(BARCODE), 0, UINT64_C(46000019), "46000019"},
    {"alcohol_of_68", "12345678901234567890123456789012345678901234567890123456789012345678",
     KIND(ALCOHOL), 0, 0, ""}, /* longer than a canonical text */
    {"nothing", "", KIND(UNKNOWN), NOTE(UNKNOWN), 0, ""},
    {"anything", "hello", KIND(UNKNOWN), NOTE(UNKNOWN), 0, "hello"},
};

static void
assert_marking(const struct chek_marking *got, const struct code_case *want)
{
    assert_int_equal(got->kind, want->kind);
    assert_int_equal(got->notes, want->notes);
    assert_int_equal(got->gtin, want->gtin);
    assert_string_equal(got->text, want->text);
    assert_int_equal(got->text_size, strlen(want->text));
}

static void
test_marking_read(void **state)
{
    const struct code_case *c = *state;
    struct chek_marking marking;
    chek_marking_read(chek_bytes_view_text(c->code), &marking);
    assert_marking(&marking, c);
}

/* What was understood is understood again, and is the same. */
static void
test_marking_read_canonical(void **state)
{
    const struct code_case *c = *state;
    struct chek_marking marking;
    chek_marking_read(chek_bytes_view_text(c->text), &marking);
    assert_string_equal(marking.text, c->text);
    if (c->text[0] != 0) {
        assert_int_equal(marking.kind, c->kind);
        assert_int_equal(marking.notes, c->notes & ~(uint32_t)(NOTE(CHECK) | NOTE(SEPARATOR)));
    }
}

static struct code_case tag_cases[] = {
    {"tag_gs1", "444d042f1f9681784a67584a352e54313132303030", KIND(GS1), 0, UINT64_C(4600439931256),
     "010460043993125621JgXJ5.T112000"},
    {"tag_with_spaces", "44 4D 04 2F 1F 96 81 78 4A 67 58 4A 35 2E 54 31 31 32 30 30 30", KIND(GS1),
     0, UINT64_C(4600439931256), "010460043993125621JgXJ5.T112000"},
    {"tag_tobacco", "444d0430771961135148632d732a6a414234552020", KIND(TOBACCO), 0,
     UINT64_C(4606203093267), "04606203093267QHc-s*jAB4U"},
    {"tag_ean13", "450d043077195761", KIND(BARCODE), 0, UINT64_C(4606203090785), "4606203090785"},
    {"tag_itf14", "490e043077195761", KIND(BARCODE), 0, UINT64_C(4606203090785), "04606203090785"},
    {"tag_fur", "524652552d3430313330312d41414130323737303331", KIND(FUR), 0, 0,
     "RU-401301-AAA0277031"},
    {"tag_alcohol", "c51e333632323230303030353838", KIND(ALCOHOL), 0, 0, "362220000588"},
    {"tag_of_no_type", "00003132", KIND(UNKNOWN), NOTE(UNKNOWN), 0, "12"},
    {"tag_gs1_without_a_serial", "444d042f1f968178", KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "\x04\x2f\x1f\x96\x81\x78"},
    {"tag_cut_in_the_gtin", "444d042f1f96", KIND(UNKNOWN), NOTE(UNKNOWN), 0, "\x04\x2f\x1f\x96"},
    {"tag_gtin_above_14_digits", "450dffffffffffff", KIND(UNKNOWN), NOTE(UNKNOWN), 0,
     "\xff\xff\xff\xff\xff\xff"},
    {"tag_of_one_byte", "44", KIND(UNKNOWN), NOTE(UNKNOWN), 0, "D"},
};

static void
test_marking_read_hex(void **state)
{
    const struct code_case *c = *state;
    struct chek_marking marking;
    assert_error(chek_marking_read_hex(chek_bytes_view_text(c->code), &marking), CHEK_OK);
    assert_marking(&marking, c);
}

static struct hex_case {
    const char *name, *digits;
    int error;
} hex_cases[] = {
    {"hex_of_nothing", "", CHEK_E_NUMBER},
    {"hex_of_half_a_byte", "444", CHEK_E_NUMBER},
    {"hex_with_a_letter", "44xx", CHEK_E_NUMBER},
    {"hex_with_a_space_inside_of_a_byte", "4 4", CHEK_E_NUMBER},
    {"hex_of_33_bytes", "444d444d444d444d444d444d444d444d444d444d444d444d444d444d444d444d44",
     CHEK_E_LIMIT},
};

static void
test_marking_hex_refused(void **state)
{
    const struct hex_case *c = *state;
    struct chek_marking marking = {.gtin = 7};
    assert_error(chek_marking_read_hex(chek_bytes_view_text(c->digits), &marking), c->error);
    assert_int_equal(marking.gtin, 7);
}

static void
test_gtin(void **state)
{
    (void)state;
    assert_true(chek_gtin_is_valid(GTIN));
    assert_false(chek_gtin_is_valid(0));
    assert_false(chek_gtin_is_valid(UINT64_C(100000000000009)));
    for (uint64_t digit = 0; digit < 10; digit++) { /* one of ten last digits is right */
        assert_int_equal(chek_gtin_is_valid(GTIN / 10 * 10 + digit), digit == GTIN % 10);
    }
}

/* ---- published codes -------------------------------------------------------------------------- */

/* The next line that is none of comment; separators as they are written there become bytes. */
static bool
line_next(FILE *file, char line[1024])
{
    while (fgets(line, 1024, file) != NULL) {
        char *at;
        if (line[0] == '#') {
            continue;
        }
        while ((at = strstr(line, "\\x1d")) != NULL) {
            *at = 0x1d;
            memmove(at + 1, at + 4, strlen(at + 4) + 1);
        }
        return true;
    }
    return false;
}

static FILE *
vector_open(const char *name)
{
    const char *vectors = getenv("CHEK_VECTORS");
    char path[512];
    if (vectors == NULL) {
        print_message("CHEK_VECTORS names no folder\n");
        skip();
    }
    (void)snprintf(path, sizeof path, "%s/ru/marking/%s", vectors, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    return file;
}

static void
test_marking_real_codes(void **state)
{
    char line[1024];
    unsigned count = 0;
    (void)state;
    FILE *file = vector_open("marking_codes.tsv");
    while (line_next(file, line)) {
        struct chek_marking marking;
        char want[128];
        size_t code_size = strcspn(line, "\t");
        const char *gtin = line + code_size + 1;
        const char *serial = gtin + strcspn(gtin, "\t") + 1;
        chek_marking_read(chek_bytes_view_of(line, code_size), &marking);
        bool gs1 = marking.kind == CHEK_MARKING_KIND_GS1;
        assert_true(gs1 || marking.kind == CHEK_MARKING_KIND_TOBACCO);
        (void)snprintf(want, sizeof want, gs1 ? "01%.14s21%.*s" : "%.14s%.*s", gtin,
                       (int)strcspn(serial, "\t"), serial);
        assert_memory_equal(marking.text, want, strlen(want));
        assert_int_equal(marking.text_size, strlen(want) + (gs1 ? 0 : 4));
        assert_int_equal(marking.notes & ~(uint32_t)NOTE(CHECK), 0);
        count += 1;
    }
    (void)fclose(file);
    assert_int_equal(count, 18);
}

static void
test_marking_real_tags(void **state)
{
    char line[1024];
    unsigned count = 0;
    (void)state;
    FILE *file = vector_open("tag1162_hex.tsv");
    while (line_next(file, line)) {
        struct chek_marking marking;
        assert_error(chek_marking_read_hex(chek_bytes_view_of(line, strcspn(line, "\t")), &marking),
                     CHEK_OK);
        assert_int_not_equal(marking.kind, CHEK_MARKING_KIND_UNKNOWN);
        count += 1;
    }
    (void)fclose(file);
    assert_int_equal(count, 5);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_marking_read, code_cases);
    TABLE_ROWS(&table, test_marking_read_canonical, code_cases);
    TABLE_ROWS(&table, test_marking_read_hex, tag_cases);
    TABLE_ROWS(&table, test_marking_hex_refused, hex_cases);
    TABLE_TEST(&table, test_gtin);
    TABLE_TEST(&table, test_marking_real_codes);
    TABLE_TEST(&table, test_marking_real_tags);
    return table_run(&table, "marking");
}
