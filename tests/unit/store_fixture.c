/* SPDX-License-Identifier: MIT */
/* store_fixture.c - see the header. */
#include "tests/unit/store_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/store/pool.h"
#include "tests/prop/random_document.h"
#include "tests/prop/store_model.h"

#define T(text)                                   \
    {                                             \
        (const uint8_t *)(text), sizeof(text) - 1 \
    }

static const struct chek_tax taxes[] = {
    {.sum = 13793, .rate = 16000, .kind = CHEK_TAX_KIND_VAT, .present = 7},
    {.sum = 20, .turnover = 200, .rate = 10000, .kind = CHEK_TAX_KIND_OTHER, .on_top = true},
    {.kind = CHEK_TAX_KIND_NONE, .turnover = 555},
};

static const struct chek_bytes_view markings[] = {T("\x00\x1d\xff marking"),
                                                  {0},
                                                  T("010460043993125621JgXJ5.T")};

static const struct chek_line lines[] = {
    {.code = T("4870001"),
     .name = T("Молоко 2,5 %"),
     .gtin = 4870001000017,
     .markings = markings,
     .markings_count = 3,
     .section = T("1"),
     .quantity = 2000000,
     .unit = T("шт"),
     .price = 50000,
     .sum = 100000,
     .taxes = taxes,
     .taxes_count = 1,
     .settlement = 4,
     .subject = 1,
     .present = 0x1ffd},
    {.kind = CHEK_LINE_KIND_DISCOUNT, .sum = 1000, .taxes = taxes + 1, .taxes_count = 2},
    {.code = T("4870002"), .section = T("2"), .quantity = 308000, .price = 99999, .sum = 30800},
    {.storno = true, .code = T("4870003"), .name = T("Хлеб"), .section = T("3"), .sum = 7},
    {.kind = CHEK_LINE_KIND_MARKUP, .code = T("a code that no dictionary has room for"), .sum = 5},
};

static const struct chek_payment payments[] = {
    {.kind = CHEK_PAYMENT_KIND_CARD, .sum = 29800},
    {.kind = CHEK_PAYMENT_KIND_CASH, .sum = 150000, .present = 2},
};

static const struct chek_modifier discount = {.sum = 300,
                                              .taxes = taxes,
                                              .taxes_count = 2,
                                              .name = T("Card of the house"),
                                              .present = 7};
static const struct chek_modifier markup = {.sum = 1};
static const struct chek_parent parent = {.document = 3,
                                          .sign = UINT64_MAX,
                                          .time = 1767225600,
                                          .total = 5,
                                          .registration_number = T("620300012345"),
                                          .offline = true,
                                          .shift = 7,
                                          .present = 0x7f};
static const struct chek_register_key key = {.kind = CHEK_KEY_KIND_DEVICE,
                                             .value = T("SWK-32"),
                                             .present = 3};
static const struct chek_register profile = {.keys = &key,
                                             .keys_count = 1,
                                             .organisation = T("123456789021"),
                                             .zone_minutes = 300,
                                             .present = 0x83};

static const struct chek_receipt receipts[] = {
    {.operation = CHEK_OPERATION_SELL,
     .time = 1767260000,
     .shift = 7,
     .document = 41,
     .sign = UINT64_C(0x8877665544332211),
     .domain = 1,
     .operator= T("Кассир 1"),
     .client = T("+7 subject"),
     .total = 129800,
     .payments = payments,
     .payments_count = 2,
     .discount = &discount,
     .markup = &markup,
     .change = 50000,
     .form = CHEK_FORM_STRICT_FORM,
     .tax_system = 2,
     .number_in_shift = 12,
     .subject = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
     .lines = lines,
     .lines_count = CHEK_COUNT(lines),
     .fiscal_drive = T("9282440300669857"),
     .taken = 200000,
     .present = 0x01ffffff},
    {.operation = CHEK_OPERATION_BUY_RETURN,
     .time = 1767260060,
     .shift = 6,
     .document = 42,
     .autonomous = 42,
     .offline = true,
     .total = 5,
     .payments = payments,
     .payments_count = 1,
     .taxes = taxes,
     .taxes_count = 3,
     .parent = &parent,
     .operator= T("Кассир 2")},
    {.time = 1767260100,
     .total = CHEK_MONEY_MAX,
     .lines = lines + 2,
     .lines_count = 1,
     .client = T("+7 other"),
     .fiscal_drive = T("9282440300669857")},
};

static const struct chek_movement movement = {.time = 1767260200,
                                              .sum = 10000,
                                              .autonomous = 9,
                                              .operator= T("Кассир 3"),
                                              .shift = 7,
                                              .document = 44,
                                              .direction = CHEK_DIRECTION_WITHDRAWAL,
                                              .offline = true,
                                              .present = 0xff};
static const struct chek_close close_7 = {.time = 1767268799,
                                          .operator= T("Кассир 4"),
                                          .sign = 5,
                                          .shift = 7,
                                          .document = 45,
                                          .withdraw = true,
                                          .present = 0x3f};

#define RECEIPT_ROW(registration_, ordinal_, receipt_, ...)                            \
    {                                                                                  \
        .row = {.registration = (registration_),                                       \
                .ordinal = (ordinal_),                                                 \
                .shift = 7,                                                            \
                .kind = CHEK_ROW_RECEIPT,                                              \
                .received_us = UINT64_C(1767242000000000) + (ordinal_),                \
                __VA_ARGS__},                                                          \
        .document = {.receipt = &receipts[receipt_], .registration = (registration_)}, \
    }

void
store_fixture_normalise(struct chek_document *document, struct chek_arena *arena, size_t size_max)
{
    uint8_t *bytes = chek_arena_take(arena, size_max);
    assert_non_null(bytes);
    struct chek_writer out = chek_writer_over(bytes, size_max);
    chek_document_encode(&out, document);
    assert_false(out.full);
    assert_int_equal(chek_document_decode_whole(bytes, out.size, arena, document, NULL), CHEK_OK);
}

const struct store_fixture_row *
store_fixture_rows(void)
{
    static _Alignas(16) uint8_t memory[131072];
    static bool made;
    static struct store_fixture_row rows[STORE_FIXTURE_ROW_COUNT] = {
        RECEIPT_ROW(900, 0, 0, .binding = 3),
        RECEIPT_ROW(7, 10, 1, .late = true, .warnings = 5),
        RECEIPT_ROW(900, 1, 2, .completes = 1),
        {.row = {.registration = 7, .ordinal = 11, .shift = 7, .kind = CHEK_ROW_MOVEMENT},
         .document = {.movement = &movement, .profile = &profile, .present = 10}},
        {.row = {.registration = 7,
                 .ordinal = 12,
                 .shift = 7,
                 .kind = CHEK_ROW_CLOSE,
                 .cell = T("frozen totals of shift 7")},
         .document = {.close = &close_7, .registration = 8}},
        RECEIPT_ROW(900, 2, 1, .binding = 3),
        RECEIPT_ROW(900, 3, 0, .binding = 3),
        RECEIPT_ROW(900, 4, 0, .binding = 4),
        RECEIPT_ROW(7, 13, 2, .late = true),
        RECEIPT_ROW(70000, 0, 0, .warnings = 1),
        RECEIPT_ROW(900, 5, 1, .binding = 4),
    };
    struct chek_arena arena;
    chek_arena_init_over(&arena, memory, sizeof memory);
    for (uint32_t i = 0; i < STORE_FIXTURE_ROW_COUNT && !made; i++) {
        store_fixture_normalise(&rows[i].document, &arena, 4096);
    }
    made = true;
    return rows;
}

struct store__space *
store_fixture_space(void)
{
    static struct chek_store_pool *pool;
    if (pool == NULL) {
        assert_int_equal(chek_store_pool_create(&pool), CHEK_OK);
    }
    return &pool->space;
}

struct chek_store_config
store_fixture_config(void)
{
    return (struct chek_store_config){
        .dictionary_count_max = 3, .dictionary_size_max = 1000, .segment_row_count = 4};
}

void
store_fixture_append(struct chek_store *store, const struct store_fixture_row *row)
{
    assert_int_equal(chek_store_ensure(store, 1, 4096, row->row.cell.size), CHEK_OK);
    chek_store_append(store, &row->row, &row->document);
}

void
store_fixture_seal(struct chek_store *store)
{
    struct chek_seal *seal = chek_store_seal_begin(store);
    while (seal != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
        seal = chek_store_seal_begin(store);
    }
}

struct chek_store *
store_fixture_make(uint32_t count, bool sealed)
{
    struct chek_store_config config = store_fixture_config();
    struct chek_store *store;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < count; i++) {
        store_fixture_append(store, &store_fixture_rows()[i]);
    }
    if (sealed) {
        store_fixture_seal(store);
    }
    return store;
}

struct chek_bytes_view
store_fixture_image(const struct chek_store *store)
{
    size_t size = chek_store_image_size(store);
    uint8_t *bytes = test_malloc(size);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_store_image_write(store, &out);
    assert_false(out.full);
    assert_int_equal(out.size, size);
    return chek_bytes_view_of(bytes, size);
}

void
store_fixture_check(const struct chek_store *store, uint32_t count)
{
    static _Alignas(16) uint8_t memory[65536];
    for (uint32_t i = 0; i < count; i++) {
        const struct store_fixture_row *want = &store_fixture_rows()[i];
        struct chek_arena arena;
        struct chek_row row;
        struct chek_document document;
        chek_arena_init_over(&arena, memory, sizeof memory);
        assert_int_equal(chek_store_read(store, want->row.registration, want->row.ordinal, &arena,
                                         &row, &document),
                         CHEK_OK);
        const char *difference = random_document_difference(&want->document, &document);
        assert_string_equal(difference != NULL ? difference : "", "");
        assert_true(store_model_rows_equal(&want->row, &row));
    }
}
