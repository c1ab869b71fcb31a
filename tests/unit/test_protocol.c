/* SPDX-License-Identifier: MIT */
/* test_protocol.c - what the generated codec promises beyond single types. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/wire/protocol.h"

#define LINE_COUNT 3

static _Alignas(16) uint8_t memory[65536];

static struct chek_receipt
receipt_of(const struct chek_line *lines, const struct chek_payment *payments)
{
    return (struct chek_receipt){
        .operation = CHEK_OPERATION_SELL_RETURN,
        .time = 1767225600,
        .document = 77,
        .sign = 0x1122334455667788,
        .offline = true,
        .client = chek_bytes_view_text("клиент-9"),
        .total = 123456,
        .payments = payments,
        .payments_count = 1,
        .lines = lines,
        .lines_count = LINE_COUNT,
    };
}

static void
test_receipt_decode_gives_back_what_was_encoded(void **state)
{
    (void)state;
    static const struct chek_payment payment = {.kind = CHEK_PAYMENT_KIND_CARD, .sum = 123456};
    static const struct chek_tax tax = {.kind = CHEK_TAX_KIND_VAT, .rate = 16000, .sum = 5676};
    struct chek_line lines[LINE_COUNT];
    for (uint32_t i = 0; i < LINE_COUNT; i++) {
        lines[i] = (struct chek_line){.sum = 41152, .price = i, .taxes = &tax, .taxes_count = 1};
    }
    struct chek_receipt receipt = receipt_of(lines, &payment);
    uint8_t bytes[512];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_arena arena;
    struct chek_receipt got;

    chek_receipt_encode(&out, &receipt);
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_false(out.full);
    assert_int_equal(chek_receipt_decode_whole(bytes, out.size, &arena, &got, NULL), CHEK_OK);

    assert_int_equal(got.operation, receipt.operation);
    assert_int_equal(got.time, receipt.time);
    assert_int_equal(got.document, 77);
    assert_int_equal(got.shift, 0);
    assert_true(got.sign == receipt.sign);
    assert_true(got.offline);
    assert_true(chek_bytes_view_equal(got.client, receipt.client));
    assert_int_equal(got.total, 123456);
    assert_int_equal(got.payments_count, 1);
    assert_int_equal(got.payments[0].sum, 123456);
    assert_int_equal(got.lines_count, LINE_COUNT);
    assert_int_equal(got.lines[2].price, 2);
    assert_int_equal(got.lines[0].taxes[0].rate, 16000);
    assert_null(got.parent);
    assert_int_equal(got.present & chek_field_bit(CHEK_FIELD_RECEIPT_CLIENT),
                     chek_field_bit(CHEK_FIELD_RECEIPT_CLIENT));
    assert_int_equal(got.present & chek_field_bit(CHEK_FIELD_RECEIPT_SHIFT), 0);
}

static void
test_field_name_is_record_and_field(void **state)
{
    (void)state;
    assert_string_equal(chek_field_name(CHEK_FIELD_LINE_PRICE), "line.price");
    assert_string_equal(chek_field_name(CHEK_RECORD_LINE * CHEK_FIELDS_A_RECORD), "line");
    assert_string_equal(chek_field_name(CHEK_RECORD_LINE * CHEK_FIELDS_A_RECORD + 63), "");
    assert_string_equal(chek_field_name(0), "");
    assert_string_equal(chek_field_name(65535), "");
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_receipt_decode_gives_back_what_was_encoded),
        cmocka_unit_test(test_field_name_is_record_and_field),
    };
    return cmocka_run_group_tests_name("protocol", tests, NULL, NULL);
}
