/* SPDX-License-Identifier: MIT */
/*
 * test_codec.c - what each type of the protocol accepts and refuses, on bytes written by hand.
 *
 * A row names a record, its bytes, and either its text or its fault. Most rows are given twice:
 * alone, and with bytes behind the record, since numbers are read another way near the end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/civil.h"
#include "engine/wire/protocol.h"
#include "tests/prop/records.h"

#define TEXT_SIZE_MAX 4096
#define BYTES_SIZE_MAX 256

#define OK CHEK_OK
#define FIELD(name) CHEK_FIELD_##name
#define RECORD(name) (CHEK_RECORD_##name * CHEK_FIELDS_A_RECORD)

static _Alignas(16) uint8_t memory[1 << 20];

static struct codec_case {
    const char *name;
    const char *record;
    const char *bytes; /* hexadecimal */
    int want;
    const char *text; /* of the record, when it is good */
    unsigned field, index;
    size_t at;
} cases[] = {
    /* the mask */
    {"mask_missing_is_short", "payment", "", CHEK_E_SHORT, NULL, RECORD(PAYMENT), 0, 0},
    {"mask_of_two_bytes_cut_is_short", "line", "00", CHEK_E_SHORT, NULL, RECORD(LINE), 0, 0},
    {"mask_of_four_bytes_cut_is_short", "receipt", "000000", CHEK_E_SHORT, NULL, RECORD(RECEIPT), 0,
     0},
    {"required_field_absent_is_missing", "payment", "0100", CHEK_E_FIELD_MISSING, NULL,
     FIELD(PAYMENT_SUM), 0, 0},
    {"lowest_missing_field_is_named", "receipt", "00000000", CHEK_E_FIELD_MISSING, NULL,
     FIELD(RECEIPT_TIME), 0, 0},
    {"bit_without_a_field_is_unknown", "payment", "0601", CHEK_E_FIELD_UNKNOWN, NULL,
     RECORD(PAYMENT) + 3, 0, 0},
    {"unknown_wins_over_missing", "payment", "84", CHEK_E_FIELD_UNKNOWN, NULL, RECORD(PAYMENT) + 3,
     0, 0},
    {"highest_bit_is_unknown_too", "receipt", "02040080", CHEK_E_FIELD_UNKNOWN, NULL,
     RECORD(RECEIPT) + 32, 0, 0},
    {"record_without_fields_is_its_mask", "nothing", "00", OK, "{}", 0, 0, 0},
    {"record_without_fields_knows_no_bit", "nothing", "01", CHEK_E_FIELD_UNKNOWN, NULL,
     RECORD(NOTHING) + 1, 0, 0},
    {"byte_behind_the_record_is_trailing", "payment", "020100", CHEK_E_TRAILING, NULL,
     RECORD(PAYMENT), 0, 2},

    /* flag, enum */
    {"flag_takes_no_bytes", "tax", "10", OK, "{on_top:1}", 0, 0, 0},
    {"enum_highest_is_accepted", "payment", "030701", OK, "{kind:7,sum:1}", 0, 0, 0},
    {"enum_above_is_out_of_range", "payment", "030801", CHEK_E_RANGE, NULL, FIELD(PAYMENT_KIND), 0,
     1},
    {"enum_missing_is_short", "payment", "03", CHEK_E_SHORT, NULL, FIELD(PAYMENT_KIND), 0, 1},

    /* fixed numbers */
    {"u8_is_read", "line", "0014 01 fe", OK, NULL, 0, 0, 0},
    {"u8_missing_is_short", "line", "0014 01", CHEK_E_SHORT, NULL, FIELD(LINE_SETTLEMENT), 0, 3},
    {"u16_is_little_endian", "seen", "01 0201", OK, "{partition:258}", 0, 0, 0},
    {"u16_cut_is_short", "seen", "01 02", CHEK_E_SHORT, NULL, FIELD(SEEN_PARTITION), 0, 1},
    {"u32_is_little_endian", "command_revoke", "01 04030201", OK, "{principal:16909060}", 0, 0, 0},
    {"u32_cut_is_short", "command_revoke", "01 040302", CHEK_E_SHORT, NULL,
     FIELD(COMMAND_REVOKE_PRINCIPAL), 0, 1},
    {"u64_is_little_endian", "cancel", "01 0807060504030201", OK, "{frame:72623859790382856}", 0, 0,
     0},
    {"u64_cut_is_short", "cancel", "01 08070605040302", CHEK_E_SHORT, NULL, FIELD(CANCEL_FRAME), 0,
     1},
    {"wide_minus_one_is_all_ones", "report_counter", "02 ffffffffffffffff ffffffffffffffff", OK,
     "{sum:-1}", 0, 0, 0},
    {"wide_is_little_endian", "report_counter", "02 0000000000000000 0100000000000000", OK,
     "{sum:18446744073709551616}", 0, 0, 0},
    {"wide_lowest_is_read", "report_counter", "02 0000000000000000 0000000000000080", OK,
     "{sum:-170141183460469231731687303715884105728}", 0, 0, 0},
    {"wide_cut_is_short", "report_counter", "02 ffffffffffffffff ffffffffffffff", CHEK_E_SHORT,
     NULL, FIELD(REPORT_COUNTER_SUM), 0, 1},
    {"utc_is_read", "stored", "0400 4042050000000000", OK, "{received:344640}", 0, 0, 0},
    {"utc_cut_is_short", "stored", "0400 40420500000000", CHEK_E_SHORT, NULL,
     FIELD(STORED_RECEIVED), 0, 2},
    {"id128_is_read", "command_subject", "03 000102030405060708090a0b0c0d0e0f 00", OK,
     "{subject:x000102030405060708090a0b0c0d0e0f}", 0, 0, 0},
    {"id128_cut_is_short", "command_subject", "03 000102030405060708090a0b0c0d0e", CHEK_E_SHORT,
     NULL, FIELD(COMMAND_SUBJECT_SUBJECT), 0, 1},

    /* civil */
    {"civil_first_second_is_valid", "parent", "0400 80436d38", OK, "{time:946684800}", 0, 0, 0},
    {"civil_last_second_is_valid", "parent", "0400 ff5686f4", OK, "{time:4102444799}", 0, 0, 0},
    {"civil_before_2000_is_no_date", "parent", "0400 7f436d38", CHEK_E_DATE, NULL,
     FIELD(PARENT_TIME), 0, 2},
    {"civil_after_2099_is_no_date", "parent", "0400 005786f4", CHEK_E_DATE, NULL,
     FIELD(PARENT_TIME), 0, 2},
    {"civil_zero_is_no_date", "parent", "0400 00000000", CHEK_E_DATE, NULL, FIELD(PARENT_TIME), 0,
     2},
    {"civil_cut_is_short", "parent", "0400 80436d", CHEK_E_SHORT, NULL, FIELD(PARENT_TIME), 0, 2},

    /* number */
    {"number_of_one_byte_is_read", "target", "01 7f", OK, "{registration:127}", 0, 0, 0},
    {"number_of_two_bytes_is_read", "target", "01 8001", OK, "{registration:128}", 0, 0, 0},
    {"number_of_five_bytes_at_its_maximum", "target", "01 ffffffff0f", OK,
     "{registration:4294967295}", 0, 0, 0},
    {"number_above_its_maximum_is_out_of_range", "target", "01 8080808010", CHEK_E_RANGE, NULL,
     FIELD(TARGET_REGISTRATION), 0, 1},
    {"number_of_8_bytes_is_read", "sums", "01 ffffffffffffff7f", OK, "{count:72057594037927935}", 0,
     0, 0},
    {"number_of_9_bytes_is_read", "sums", "01 ffffffffffffffff7f", OK,
     "{count:9223372036854775807}", 0, 0, 0},
    {"number_of_10_bytes_at_64_bits", "sums", "01 ffffffffffffffffff01", OK,
     "{count:18446744073709551615}", 0, 0, 0},
    {"number_of_65_bits_is_no_number", "sums", "01 ffffffffffffffffff02", CHEK_E_NUMBER, NULL,
     FIELD(SUMS_COUNT), 0, 1},
    {"number_of_11_bytes_is_no_number", "sums", "01 8080808080808080808001", CHEK_E_NUMBER, NULL,
     FIELD(SUMS_COUNT), 0, 1},
    {"number_zero_in_two_bytes_is_no_number", "sums", "01 8000", CHEK_E_NUMBER, NULL,
     FIELD(SUMS_COUNT), 0, 1},
    {"number_in_a_longer_form_is_no_number", "sums", "01 ffff00", CHEK_E_NUMBER, NULL,
     FIELD(SUMS_COUNT), 0, 1},
    {"number_in_a_longer_form_of_9_bytes", "sums", "01 ffffffffffffffff00", CHEK_E_NUMBER, NULL,
     FIELD(SUMS_COUNT), 0, 1},
    {"number_missing_is_short", "sums", "01", CHEK_E_SHORT, NULL, FIELD(SUMS_COUNT), 0, 1},
    {"number_that_does_not_end_is_short", "sums", "01 ff", CHEK_E_SHORT, NULL, FIELD(SUMS_COUNT), 0,
     1},
    {"number_of_9_bytes_that_does_not_end", "sums", "01 ffffffffffffffffff", CHEK_E_SHORT, NULL,
     FIELD(SUMS_COUNT), 0, 1},

    /* signed */
    {"signed_1_is_minus_one", "sums", "02 01", OK, "{sum:-1}", 0, 0, 0},
    {"signed_2_is_one", "sums", "02 02", OK, "{sum:1}", 0, 0, 0},
    {"signed_lowest_is_read", "sums", "02 ffffffffffffffffff01", OK, "{sum:-9223372036854775808}",
     0, 0, 0},
    {"signed_highest_is_read", "sums", "02 feffffffffffffffff01", OK, "{sum:9223372036854775807}",
     0, 0, 0},
    {"signed_in_a_longer_form_is_no_number", "sums", "02 8200", CHEK_E_NUMBER, NULL,
     FIELD(SUMS_SUM), 0, 1},
    {"signed_missing_is_short", "sums", "02", CHEK_E_SHORT, NULL, FIELD(SUMS_SUM), 0, 1},

    /* money, quantity, rate */
    {"money_10_to_13_is_accepted", "payment", "02 80c0caf384a302", OK, "{sum:10000000000000}", 0, 0,
     0},
    {"money_above_is_out_of_range", "payment", "02 81c0caf384a302", CHEK_E_RANGE, NULL,
     FIELD(PAYMENT_SUM), 0, 1},
    {"quantity_10_to_12_is_accepted", "line", "8004 80a094a58d1d 07", OK,
     "{quantity:1000000000000,sum:7}", 0, 0, 0},
    {"quantity_above_is_out_of_range", "line", "8004 81a094a58d1d 07", CHEK_E_RANGE, NULL,
     FIELD(LINE_QUANTITY), 0, 2},
    {"rate_1000_percent_is_accepted", "tax", "02 c0843d", OK, "{rate:1000000}", 0, 0, 0},
    {"rate_above_is_out_of_range", "tax", "02 c1843d", CHEK_E_RANGE, NULL, FIELD(TAX_RATE), 0, 1},

    /* text and bytes */
    {"text_is_read", "target", "02 03 616263", OK, "{key:x616263}", 0, 0, 0},
    {"text_of_8_bytes_is_read", "target", "02 08 6162636465666768", OK, "{key:x6162636465666768}",
     0, 0, 0},
    {"text_of_two_byte_letters_is_read", "target", "02 04 d18fd18f", OK, "{key:xd18fd18f}", 0, 0,
     0},
    {"text_may_be_empty_though_present", "target", "02 00", OK, "{}", 0, 0, 0},
    {"text_with_nul_is_no_text", "target", "02 03 610062", CHEK_E_TEXT, NULL, FIELD(TARGET_KEY), 0,
     1},
    {"text_ending_in_nul_is_no_text", "target", "02 08 6162636465666700", CHEK_E_TEXT, NULL,
     FIELD(TARGET_KEY), 0, 1},
    {"text_with_a_lone_tail_byte_is_no_text", "target", "02 01 80", CHEK_E_TEXT, NULL,
     FIELD(TARGET_KEY), 0, 1},
    {"text_with_half_a_letter_is_no_text", "target", "02 02 61d1", CHEK_E_TEXT, NULL,
     FIELD(TARGET_KEY), 0, 1},
    {"text_with_a_surrogate_is_no_text", "target", "02 03 eda080", CHEK_E_TEXT, NULL,
     FIELD(TARGET_KEY), 0, 1},
    {"text_wrong_behind_8_bytes_is_no_text", "target", "02 0a 6162636465666768ff69", CHEK_E_TEXT,
     NULL, FIELD(TARGET_KEY), 0, 1},
    {"text_of_65_bytes_is_above_its_limit", "target", "02 41", CHEK_E_LIMIT, NULL,
     FIELD(TARGET_KEY), 0, 1},
    {"text_limit_wins_over_short", "target", "02 ffff7f 61", CHEK_E_LIMIT, NULL, FIELD(TARGET_KEY),
     0, 1},
    {"text_cut_is_short", "target", "02 04 616263", CHEK_E_SHORT, NULL, FIELD(TARGET_KEY), 0, 1},
    {"text_without_a_size_is_short", "target", "02", CHEK_E_SHORT, NULL, FIELD(TARGET_KEY), 0, 1},
    {"text_size_in_a_longer_form_is_no_number", "target", "02 8300 616263", CHEK_E_NUMBER, NULL,
     FIELD(TARGET_KEY), 0, 1},
    {"bytes_may_be_any", "command_subject", "03 00000000000000000000000000000000 03 00ff80", OK,
     "{secret:x00ff80}", 0, 0, 0},
    {"bytes_above_their_limit", "command_subject", "03 00000000000000000000000000000000 c102",
     CHEK_E_LIMIT, NULL, FIELD(COMMAND_SUBJECT_SECRET), 0, 17},

    /* records, lists, blobs */
    {"inner_record_is_read", "ask_report", "01 01 05", OK, "{target:{registration:5}}", 0, 0, 0},
    {"inner_record_may_be_empty", "ask_report", "01 00", OK, "{target:{}}", 0, 0, 0},
    {"inner_record_names_its_own_field", "ask_report", "01 02 41", CHEK_E_LIMIT, NULL,
     FIELD(TARGET_KEY), 0, 2},
    {"inner_record_missing_is_short", "ask_report", "01", CHEK_E_SHORT, NULL, RECORD(TARGET), 0, 1},
    {"list_is_read", "modifier", "03 05 02 0207 0209", OK, "{sum:5,taxes:[{rate:7},{rate:9}]}", 0,
     0, 0},
    {"list_may_be_empty_though_present", "modifier", "03 05 00", OK, "{sum:5}", 0, 0, 0},
    {"list_of_17_is_above_its_limit", "modifier", "03 05 11", CHEK_E_LIMIT, NULL,
     FIELD(MODIFIER_TAXES), 0, 2},
    {"list_of_17_with_all_its_records_is_above_its_limit", "modifier",
     "03 05 11 00000000000000000000000000000000 00", CHEK_E_LIMIT, NULL, FIELD(MODIFIER_TAXES), 0,
     2},
    {"list_of_16_is_read", "modifier", "03 05 10 00000000000000000000000000000000", OK,
     "{sum:5,taxes:[{},{},{},{},{},{},{},{},{},{},{},{},{},{},{},{}]}", 0, 0, 0},
    {"list_longer_than_the_bytes_is_short", "modifier", "03 05 02 00", CHEK_E_SHORT, NULL,
     FIELD(MODIFIER_TAXES), 0, 2},
    {"list_count_in_a_longer_form_is_no_number", "modifier", "03 05 8100 00", CHEK_E_NUMBER, NULL,
     FIELD(MODIFIER_TAXES), 0, 2},
    {"list_without_a_count_is_short", "modifier", "03 05", CHEK_E_SHORT, NULL,
     FIELD(MODIFIER_TAXES), 0, 2},
    {"list_element_is_named_by_its_place", "modifier", "03 05 03 0207 0209 02c1843d", CHEK_E_RANGE,
     NULL, FIELD(TAX_RATE), 2, 8},
    {"blobs_are_read", "scope", "02 02 0161 026263", OK, "{points:[x61,x6263]}", 0, 0, 0},
    {"blob_may_be_empty", "scope", "02 01 00", OK, "{points:[x]}", 0, 0, 0},
    {"blobs_longer_than_the_bytes_are_short", "scope", "02 03 0161", CHEK_E_SHORT, NULL,
     FIELD(SCOPE_POINTS), 0, 1},
    {"blob_above_its_limit_is_named_by_its_place", "scope", "02 02 0161 41", CHEK_E_LIMIT, NULL,
     FIELD(SCOPE_POINTS), 1, 4},
    {"blob_cut_is_named_by_its_place", "scope", "02 02 0161 0262", CHEK_E_SHORT, NULL,
     FIELD(SCOPE_POINTS), 1, 4},
    {"blobs_above_their_count", "scope", "02 8102", CHEK_E_LIMIT, NULL, FIELD(SCOPE_POINTS), 0, 1},
    /* receipt {time, total, lines: [{sum}, {sum, taxes: [{rate}, {rate above}]}]} */
    {"list_in_a_list_gives_the_inner_index", "receipt",
     "02044000 b9556900 00 02 0004 01 000c 01 02 0201 02c1843d", CHEK_E_DATE, NULL,
     FIELD(RECEIPT_TIME), 0, 4},
    {"list_in_a_list_names_the_inner_place", "receipt",
     "02044000 80b95569 00 02 000401 000c0102 0201 02c1843d", CHEK_E_RANGE, NULL, FIELD(TAX_RATE),
     1, 20},
    {"field_in_a_list_names_the_outer_place", "receipt", "02044000 80b95569 00 02 000401 0008 00",
     CHEK_E_FIELD_MISSING, NULL, FIELD(LINE_SUM), 1, 13},
    {"markings_in_a_line_name_the_marking", "receipt",
     "02044000 80b95569 00 01 2004 02 0161 05 6162", CHEK_E_SHORT, NULL, FIELD(LINE_MARKINGS), 1,
     15},
};

static void
expect_fault(const struct codec_case *c, int error, const struct chek_fault *fault)
{
    assert_string_equal(chek_error_name(error), chek_error_name(c->want));
    assert_int_equal(fault->code, c->want);
    assert_string_equal(chek_field_name(fault->field), chek_field_name((uint16_t)c->field));
    assert_int_equal(fault->field, c->field);
    assert_int_equal(fault->index, c->index);
    assert_int_equal(fault->at, c->at);
}

static void
test_codec_decode(void **state)
{
    const struct codec_case *c = *state;
    const struct chek_record_shape *shape = records_find(c->record);
    uint8_t bytes[BYTES_SIZE_MAX];
    _Alignas(16) uint8_t record[2048];
    struct chek_fault fault = {0};
    struct chek_arena arena;

    assert_non_null(shape);
    assert_true(shape->struct_size < sizeof record);
    size_t size = records_read_hex(c->bytes, bytes, sizeof bytes);
    assert_true(size != SIZE_MAX);
    memset(record, 0x5a, sizeof record);
    chek_arena_init_over(&arena, memory, sizeof memory);

    int error = shape->decode(bytes, size, &arena, record, &fault);
    if (c->want != OK) {
        expect_fault(c, error, &fault);
        for (size_t i = 0; i < shape->struct_size; i++) {
            assert_int_equal(record[i], 0x5a); /* untouched on failure */
        }
        assert_int_equal(arena.used, 0);
        return;
    }
    assert_string_equal(chek_error_name(error), "OK");
    assert_int_equal(fault.code, CHEK_OK);
    if (c->text != NULL) {
        char text[TEXT_SIZE_MAX];
        struct chek_writer out = chek_writer_over(text, sizeof text);
        records_print(&out, shape, record);
        chek_writer_u8(&out, 0);
        assert_string_equal(text, c->text);
    }
}

/* Near the end of the bytes numbers are read another way than before it; both say the same. */
static void
test_codec_decode_does_not_depend_on_what_is_behind(void **state)
{
    (void)state;
    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        const struct codec_case *c = &cases[i];
        const struct chek_record_shape *shape = records_find(c->record);
        uint8_t bytes[BYTES_SIZE_MAX];
        _Alignas(16) uint8_t record[2048];
        struct chek_fault fault;
        struct chek_arena arena;
        size_t size = records_read_hex(c->bytes, bytes, sizeof bytes - 16);

        if (c->want == CHEK_E_SHORT || c->want == CHEK_E_TRAILING) {
            continue; /* these are about the end */
        }
        memset(bytes + size, 0, 16);
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = shape->decode(bytes, size + 16, &arena, record, &fault);
        if (c->want == OK) {
            assert_int_equal(error, CHEK_E_TRAILING);
            assert_int_equal(fault.at, size);
        } else {
            expect_fault(c, error, &fault);
        }
    }
}

/* ---- what rows cannot say ---- */

static void
test_codec_decode_moves_the_cursor_behind_the_record(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xff, 0x02, 0x05, 0x03, 0x01, 0x06};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    struct chek_payment payment;

    (void)chek_cursor_u8(&in);
    assert_int_equal(chek_payment_decode(&in, NULL, &payment, NULL), CHEK_OK);
    assert_int_equal(payment.sum, 5);
    assert_int_equal(in.at, 3);
    assert_int_equal(chek_payment_decode(&in, NULL, &payment, NULL), CHEK_OK);
    assert_int_equal(payment.kind, CHEK_PAYMENT_KIND_CARD);
    assert_int_equal(payment.sum, 6);
    assert_int_equal(chek_cursor_left(&in), 0);
}

static void
test_codec_decode_fails_the_cursor_where_the_record_fails(void **state)
{
    (void)state;
    const uint8_t bytes[] = {0xff, 0x03, 0x09, 0x05};
    struct chek_cursor in = chek_cursor_over(bytes, sizeof bytes);
    struct chek_payment payment = {.sum = 77};
    struct chek_fault fault;

    (void)chek_cursor_u8(&in);
    assert_int_equal(chek_payment_decode(&in, NULL, &payment, &fault), CHEK_E_RANGE);
    assert_int_equal(in.error, CHEK_E_RANGE);
    assert_int_equal(in.at, 2);
    assert_int_equal(fault.at, 2);
    assert_int_equal(payment.sum, 77);

    /* A failed cursor stays failed, with its first error. */
    memset(&fault, 0, sizeof fault);
    assert_int_equal(chek_payment_decode(&in, NULL, &payment, &fault), CHEK_E_RANGE);
    assert_int_equal(fault.code, CHEK_E_RANGE);
    assert_int_equal(fault.at, 2);
}

static void
test_codec_decode_without_bytes_is_short(void **state)
{
    (void)state;
    struct chek_payment payment;
    struct chek_fault fault;
    assert_int_equal(chek_payment_decode_whole(NULL, 0, NULL, &payment, &fault), CHEK_E_SHORT);
    assert_int_equal(fault.field, RECORD(PAYMENT));
}

/* An exhausted arena is LIMIT at the list or record that did not fit, and takes nothing. */
static void
test_codec_decode_with_a_small_arena_is_limit(void **state)
{
    (void)state;
    uint8_t bytes[64];
    size_t size = records_read_hex("03 05 02 0207 0209", bytes, sizeof bytes);
    size_t needed = 2 * sizeof(struct chek_tax);
    for (size_t capacity = 0; capacity <= needed; capacity++) {
        struct chek_arena arena;
        struct chek_modifier modifier;
        struct chek_fault fault;
        chek_arena_init_over(&arena, memory, capacity);
        int error = chek_modifier_decode_whole(bytes, size, &arena, &modifier, &fault);
        assert_int_equal(error, capacity < needed ? CHEK_E_LIMIT : CHEK_OK);
        if (error != CHEK_OK) {
            assert_int_equal(fault.field, CHEK_FIELD_MODIFIER_TAXES);
            assert_int_equal(fault.at, 2);
            assert_int_equal(arena.used, 0);
        }
    }
}

/* A text of its limit is read, one byte more is LIMIT, also when all its bytes are there. */
static void
test_codec_text_and_blobs_have_their_limits(void **state)
{
    (void)state;
    const struct chek_target target = {.key = {.bytes = memory, .size = 64}};
    const struct chek_bytes_view blobs[] = {{.bytes = memory, .size = 1},
                                            {.bytes = memory, .size = 32}};
    const struct chek_scope scope = {.organisations = blobs, .organisations_count = 2};
    uint8_t bytes[128];
    struct chek_arena arena;
    struct chek_fault fault;
    struct chek_target target_got;
    struct chek_scope scope_got;

    memset(memory, 'a', 128);
    chek_arena_init_over(&arena, memory + 128, sizeof memory - 128);
    for (size_t more = 0; more < 2; more++) {
        int want = more == 0 ? CHEK_OK : CHEK_E_LIMIT;
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        chek_target_encode(&out, &target);
        chek_writer_u8(&out, 'a');
        bytes[1] = (uint8_t)(bytes[1] + more); /* the size of the text */
        assert_int_equal(
            chek_target_decode_whole(bytes, out.size - 1 + more, NULL, &target_got, &fault), want);

        out = chek_writer_over(bytes, sizeof bytes);
        chek_scope_encode(&out, &scope);
        chek_writer_u8(&out, 'a');
        bytes[4] = (uint8_t)(bytes[4] + more); /* the size of the second blob */
        assert_int_equal(
            chek_scope_decode_whole(bytes, out.size - 1 + more, &arena, &scope_got, &fault), want);
    }
    assert_int_equal(fault.index, 1);
}

/* The largest count that the bytes could carry is refused before the arena is asked for it. */
static void
test_codec_decode_compares_a_count_with_the_bytes_first(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct chek_arena arena;
    struct chek_shifts shifts;
    struct chek_fault fault;
    size_t size = records_read_hex("01 8020 00", bytes, sizeof bytes); /* 4096 shifts */
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_shifts_decode_whole(bytes, size, &arena, &shifts, &fault), CHEK_E_SHORT);
    assert_int_equal(fault.field, CHEK_FIELD_SHIFTS_SHIFTS);
    assert_int_equal(arena.used_max, 0);
}

static void
test_codec_raw_is_the_encoded_record(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct chek_document document;
    struct chek_cursor in;
    size_t size = records_read_hex("0109 01ac02", bytes, sizeof bytes); /* two documents */
    in = chek_cursor_over(bytes, size);
    assert_int_equal(chek_document_decode(&in, NULL, &document, NULL), CHEK_OK);
    assert_ptr_equal(document.raw.bytes, bytes);
    assert_int_equal(document.raw.size, 2);
    assert_int_equal(chek_document_decode(&in, NULL, &document, NULL), CHEK_OK);
    assert_int_equal(document.registration, 300);
    assert_ptr_equal(document.raw.bytes, bytes + 2);
    assert_int_equal(document.raw.size, 3);
}

static void
test_codec_encode_leaves_out_what_is_zero(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_target_encode(&out, &(struct chek_target){0});
    assert_int_equal(out.size, 1);
    assert_int_equal(bytes[0], 0);

    /* A required field is written though it is zero. */
    out = chek_writer_over(bytes, sizeof bytes);
    chek_payment_encode(&out, &(struct chek_payment){0});
    assert_int_equal(out.size, 2);
    assert_int_equal(bytes[0], 2);
    assert_int_equal(bytes[1], 0);
}

/* One byte of an id that is not zero is enough for it to be written. */
static void
test_codec_encode_writes_an_id_that_is_not_zero(void **state)
{
    (void)state;
    uint8_t bytes[64];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_receipt receipt = {.time = CHEK_CIVIL_MIN};
    chek_receipt_encode(&out, &receipt);
    size_t size = out.size;
    for (size_t i = 0; i < sizeof receipt.subject; i++) {
        memset(receipt.subject, 0, sizeof receipt.subject);
        receipt.subject[i] = 1;
        out = chek_writer_over(bytes, sizeof bytes);
        chek_receipt_encode(&out, &receipt);
        assert_int_equal(out.size, size + 16);
    }
}

static void
test_codec_encode_ends_full_when_the_writer_is_small(void **state)
{
    (void)state;
    const struct chek_register_key key = {.kind = 1, .value = chek_bytes_view_text("0123456789")};
    uint8_t bytes[64];
    for (size_t capacity = 0; capacity <= 13; capacity++) {
        struct chek_writer out = chek_writer_over(bytes, capacity);
        chek_register_key_encode(&out, &key);
        assert_int_equal(out.full, capacity < 13);
    }
}

int
main(void)
{
    const struct CMUnitTest others[] = {
        cmocka_unit_test(test_codec_decode_does_not_depend_on_what_is_behind),
        cmocka_unit_test(test_codec_decode_moves_the_cursor_behind_the_record),
        cmocka_unit_test(test_codec_decode_fails_the_cursor_where_the_record_fails),
        cmocka_unit_test(test_codec_decode_without_bytes_is_short),
        cmocka_unit_test(test_codec_decode_with_a_small_arena_is_limit),
        cmocka_unit_test(test_codec_text_and_blobs_have_their_limits),
        cmocka_unit_test(test_codec_decode_compares_a_count_with_the_bytes_first),
        cmocka_unit_test(test_codec_raw_is_the_encoded_record),
        cmocka_unit_test(test_codec_encode_leaves_out_what_is_zero),
        cmocka_unit_test(test_codec_encode_writes_an_id_that_is_not_zero),
        cmocka_unit_test(test_codec_encode_ends_full_when_the_writer_is_small),
    };
    struct CMUnitTest tests[CHEK_COUNT(cases) + CHEK_COUNT(others)];

    for (size_t i = 0; i < CHEK_COUNT(cases); i++) {
        tests[i] = (struct CMUnitTest){
            .name = cases[i].name, .test_func = test_codec_decode, .initial_state = &cases[i]};
    }
    memcpy(tests + CHEK_COUNT(cases), others, sizeof others);
    return cmocka_run_group_tests_name("codec", tests, NULL, NULL);
}
