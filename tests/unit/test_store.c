/* SPDX-License-Identifier: MIT */
/* test_store.c - rows in and out of a store, its limits, its memory. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "tests/prop/random_document.h"
#include "tests/prop/store_model.h"
#include "tests/unit/store_fixture.h"

static _Alignas(16) uint8_t memory[8 * 1024 * 1024];
static struct chek_arena arena;

static const struct store_fixture_row *
row_at(uint32_t index)
{
    return &store_fixture_rows()[index];
}

static int
read_row(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
         struct chek_row *row, struct chek_document *document)
{
    chek_arena_init_over(&arena, memory, sizeof memory);
    return chek_store_read(store, registration, ordinal, &arena, row, document);
}

static void
test_store_read_gives_back_every_field(void **state)
{
    (void)state;
    for (uint32_t count = 1; count <= STORE_FIXTURE_ROW_COUNT; count++) {
        struct chek_store *store = store_fixture_make(count, false);
        store_fixture_check(store, count);
        store_fixture_seal(store);
        store_fixture_check(store, count);
        chek_store_destroy(store);
    }
}

static void
test_store_read_misses_what_is_not_there(void **state)
{
    bool sealed = *(bool *)*state;
    struct chek_store *store = store_fixture_make(STORE_FIXTURE_ROW_COUNT, sealed);
    struct chek_row row = {.shift = 77};
    struct chek_document document = {.present = 78};
    static const uint32_t ids[][2] = {{900, 6}, {900, UINT32_MAX}, {7, 9},         {7, 14}, {8, 0},
                                      {0, 0},   {70000, 1},        {UINT32_MAX, 0}};
    for (uint32_t i = 0; i < CHEK_COUNT(ids); i++) {
        assert_int_equal(read_row(store, ids[i][0], ids[i][1], &row, &document), CHEK_E_NOT_FOUND);
        assert_int_equal(chek_store_replace(store, ids[i][0], ids[i][1]), CHEK_E_NOT_FOUND);
    }
    assert_int_equal(row.shift, 77);
    assert_int_equal(document.present, 78);
    chek_store_destroy(store);
}

static void
test_store_read_needs_its_arena(void **state)
{
    bool sealed = *(bool *)*state;
    struct chek_store *store = store_fixture_make(STORE_FIXTURE_ROW_COUNT, sealed);
    size_t limits = 0;
    for (size_t capacity = 0;; capacity += 16) {
        struct chek_row row = {.shift = 77};
        struct chek_document document = {.present = 78};
        chek_arena_init_over(&arena, memory, capacity);
        int error = chek_store_read(store, 900, 0, &arena, &row, &document);
        if (error == CHEK_OK) {
            break;
        }
        assert_int_equal(error, CHEK_E_LIMIT);
        assert_int_equal(arena.used, 0);
        assert_int_equal(row.shift, 77);
        assert_int_equal(document.present, 78);
        limits += 1;
    }
    assert_true(limits > 20);
    chek_store_destroy(store);
}

/* ---- the largest document ---- */

static uint8_t text[CHEK_TEXT_SIZE_MAX];

static const struct chek_document *
largest_document(void)
{
    static struct chek_bytes_view markings[16];
    static struct chek_tax taxes[CHEK_TAX_COUNT_MAX];
    static struct chek_line lines[CHEK_LINE_COUNT_MAX];
    static struct chek_payment payments[CHEK_PAYMENT_COUNT_MAX];
    static struct chek_receipt receipt;
    static struct chek_document document;
    memset(text, 'x', sizeof text);
    for (uint32_t i = 0; i < 16; i++) {
        markings[i] = chek_bytes_view_of(text, 1 + i);
        taxes[i] = (struct chek_tax){.kind = i % 4, .rate = i * 1000, .sum = i, .turnover = i};
        payments[i] = (struct chek_payment){.kind = i % 8, .sum = CHEK_MONEY_MAX};
    }
    for (uint32_t i = 0; i < CHEK_LINE_COUNT_MAX; i++) {
        lines[i] = (struct chek_line){.code = chek_bytes_view_of(text, 9),
                                      .name = chek_bytes_view_of(text, 30 - i % 10),
                                      .markings = markings,
                                      .markings_count = 1 + i % 16,
                                      .quantity = i,
                                      .price = CHEK_MONEY_MAX,
                                      .sum = CHEK_MONEY_MAX - i,
                                      .taxes = taxes,
                                      .taxes_count = i % (CHEK_TAX_COUNT_MAX + 1)};
    }
    receipt = (struct chek_receipt){.time = 1767225600,
                                    .total = CHEK_MONEY_MAX,
                                    .payments = payments,
                                    .payments_count = CHEK_PAYMENT_COUNT_MAX,
                                    .lines = lines,
                                    .lines_count = CHEK_LINE_COUNT_MAX};
    static _Alignas(16) uint8_t structures[2 << 20];
    struct chek_arena arena_here;
    document = (struct chek_document){.receipt = &receipt};
    chek_arena_init_over(&arena_here, structures, sizeof structures);
    store_fixture_normalise(&document, &arena_here, CHEK_COMMAND_BODY_SIZE_MAX);
    return &document;
}

static void
test_store_keeps_the_largest_document(void **state)
{
    (void)state;
    struct chek_store_config config = {
        .dictionary_count_max = 1000, .dictionary_size_max = 1u << 20, .segment_row_count = 2};
    struct chek_store *store;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < 5; i++) {
        struct chek_row row = {.registration = 5, .ordinal = i};
        assert_int_equal(chek_store_ensure(store, 1, CHEK_COMMAND_BODY_SIZE_MAX, 0), CHEK_OK);
        chek_store_append(store, &row, largest_document());
    }
    for (uint32_t sealed = 0; sealed < 2; sealed++) {
        for (uint32_t i = 0; i < 5; i++) {
            struct chek_row row;
            struct chek_document document;
            assert_int_equal(read_row(store, 5, i, &row, &document), CHEK_OK);
            assert_null(random_document_difference(largest_document(), &document));
        }
        store_fixture_seal(store);
    }
    assert_int_equal(chek_store_count(store).segment_count, 2);
    assert_int_equal(chek_store_count(store).line_count, 5 * CHEK_LINE_COUNT_MAX);
    chek_store_destroy(store);
}

/* ---- dictionaries ---- */

static struct dictionary_case {
    const char *name;
    uint32_t count_max, size_max;
    uint32_t text_size; /* of each of 20 operators */
} dictionary_cases[] = {
    {"a_dictionary_without_room_keeps_texts_plain", 0, 1000, 10},
    {"a_dictionary_without_bytes_keeps_texts_plain", 100, 0, 10},
    {"a_dictionary_of_one_text", 1, 1000, 10},
    {"a_dictionary_full_of_bytes", 100, 35, 10},
    {"a_dictionary_exactly_full_of_bytes", 100, 40, 10},
    {"a_dictionary_with_room_for_all", 100, 1000, 10},
    {"texts_of_one_byte", 5, 1000, 1},
    {"texts_of_17_bytes", 100, 10000, 17},
    {"texts_of_64_bytes", 100, 10000, 64},
};

static void
test_store_dictionary(void **state)
{
    const struct dictionary_case *c = *state;
    struct chek_store_config config = {.dictionary_count_max = c->count_max,
                                       .dictionary_size_max = c->size_max,
                                       .segment_row_count = 16};
    struct chek_store *store;
    uint8_t names[20][64];
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < 60; i++) { /* every name comes three times */
        struct chek_close close = {.time = 1767225600};
        struct chek_document document = {.close = &close};
        struct chek_row row = {.registration = 5, .ordinal = i, .kind = CHEK_ROW_CLOSE};
        memset(names[i % 20], 'n', sizeof names[0]);
        names[i % 20][c->text_size - 1] = (uint8_t)('A' + i % 20);
        close.operator= chek_bytes_view_of(names[i % 20], c->text_size);
        assert_int_equal(chek_store_ensure(store, 1, 256, 0), CHEK_OK);
        chek_store_append(store, &row, &document);
        if (i % 7 == 0) {
            store_fixture_seal(store);
        }
    }
    for (uint32_t i = 0; i < 60; i++) {
        struct chek_row row;
        struct chek_document document;
        assert_int_equal(read_row(store, 5, i, &row, &document), CHEK_OK);
        assert_true(chek_bytes_view_equal(document.close->operator,
                                          chek_bytes_view_of(names[i % 20], c->text_size)));
    }
    chek_store_destroy(store);
}

/* What a register counted itself is as long as a frozen report may be, and binary. */
static void
test_store_figures_of_closes(void **state)
{
    (void)state;
    static const size_t sizes[] = {0, 1, 300, 65535, 65536, 0, 17};
    static uint8_t bytes[65536 + 16];
    struct chek_store_config config = {.segment_row_count = 16};
    struct chek_store *store;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7 + i / 256);
    }
    for (uint32_t is_sealed = 0; is_sealed < 2; is_sealed++) {
        for (uint32_t i = 0; i < config.segment_row_count; i++) {
            struct chek_close close = {
                .time = 1767225600,
                .figures = chek_bytes_view_of(bytes + i, sizes[i % CHEK_COUNT(sizes)])};
            struct chek_document document = {.close = &close};
            struct chek_row row = {.registration = 5, .ordinal = i, .kind = CHEK_ROW_CLOSE};
            struct chek_row got;
            if (!is_sealed) {
                assert_int_equal(chek_store_ensure(store, 1, 66000, 0), CHEK_OK);
                chek_store_append(store, &row, &document);
            }
            assert_int_equal(read_row(store, 5, i, &got, &document), CHEK_OK);
            assert_true(chek_bytes_view_equal(document.close->figures, close.figures));
        }
        store_fixture_seal(store);
    }
    chek_store_destroy(store);
}

/* ---- memory ---- */

/* Of all documents of their size, those of the smallest lines and taxes take the most rows. */
static void
test_store_ensured_bytes_hold_the_smallest_lines(void **state)
{
    (void)state;
    static const struct chek_tax taxes[CHEK_TAX_COUNT_MAX];
    static struct chek_line lines[CHEK_LINE_COUNT_MAX];
    static uint8_t bytes[65536];
    for (uint32_t with_taxes = 0; with_taxes < 2; with_taxes++) {
        struct chek_receipt receipt = {.time = 1767225600, .lines = lines};
        struct chek_document document = {.receipt = &receipt};
        struct chek_store_config config = {.segment_row_count = 64};
        struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
        struct chek_store *store;
        receipt.lines_count = CHEK_LINE_COUNT_MAX;
        for (uint32_t i = 0; i < CHEK_LINE_COUNT_MAX; i++) {
            lines[i].taxes = taxes;
            lines[i].taxes_count = with_taxes ? CHEK_TAX_COUNT_MAX : 0;
        }
        chek_document_encode(&out, &document);
        assert_false(out.full);
        document.raw = chek_bytes_view_of(out.bytes, out.size);
        assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
        assert_int_equal(chek_store_ensure(store, 40, 40 * out.size, 0), CHEK_OK);
        for (uint32_t i = 0; i < 40; i++) {
            struct chek_row row = {.registration = 5, .ordinal = i};
            chek_store_append(store, &row, &document);
        }
        assert_int_equal(chek_store_count(store).line_count, 40 * CHEK_LINE_COUNT_MAX);
        chek_store_destroy(store);
    }
}

static void
test_store_append_does_not_allocate(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(0, false);
    assert_int_equal(chek_store_ensure(store, STORE_FIXTURE_ROW_COUNT, 65536, 65536), CHEK_OK);
    struct chek_memory_counters before = chek_memory_count();
    uint64_t take_count = chek_workspace_count().take_count;
    for (uint32_t i = 0; i < STORE_FIXTURE_ROW_COUNT; i++) {
        chek_store_prefetch(store, row_at(i)->row.registration);
        chek_store_append(store, &row_at(i)->row, &row_at(i)->document);
    }
    assert_int_equal(chek_memory_count().allocation_count, before.allocation_count);
    assert_int_equal(chek_workspace_count().take_count, take_count);
    store_fixture_check(store, STORE_FIXTURE_ROW_COUNT);
    chek_store_destroy(store);
}

/* Everything that a store asks the heap for, failing once at every request. */
static int
life_with_failure(uint64_t n)
{
    struct chek_store_config config = store_fixture_config();
    struct chek_store *store;
    chek_memory_fail_at(n);
    int error = chek_store_create(&config, &store);
    for (uint32_t i = 0; error == CHEK_OK && i < 5; i++) {
        error = chek_store_ensure(store, 100, 1u << 19, 1u << 19);
        if (error == CHEK_OK) {
            chek_store_append(store, &row_at(i)->row, &row_at(i)->document);
            continue;
        }
        store_fixture_check(store, i);
        chek_store_destroy(store);
    }
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_seal *seal = chek_store_seal_begin(store);
    if (seal != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
    }
    error = chek_store_count(store).segment_count == 1 ? CHEK_OK : -ENOMEM;
    store_fixture_check(store, 5); /* adopted or not */
    chek_memory_fail_at(0);
    chek_store_destroy(store);
    return error;
}

static void
test_store_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    uint64_t taken_size = chek_workspace_count().size;
    uint64_t n = 1;
    while (life_with_failure(n) != CHEK_OK) {
        n += 1;
    }
    assert_true(n > 100);
    assert_int_equal(chek_memory_count().heap_size, before.heap_size);
    assert_int_equal(chek_workspace_count().size, taken_size);
}

static void
test_store_gives_back_the_blocks_of_sealed_sets(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(8, true);
    uint64_t size = chek_store_count(store).open_size;
    for (uint32_t turn = 0; turn < 50; turn++) {
        for (uint32_t i = 0; i < 4; i++) {
            struct store_fixture_row row = *row_at(0);
            row.row.registration = 1000 + turn;
            row.row.ordinal = i;
            store_fixture_append(store, &row);
        }
        store_fixture_seal(store);
    }
    assert_int_equal(chek_store_count(store).segment_count, 51);
    assert_true(chek_store_count(store).open_size <= 2 * size);
    chek_store_destroy(store);
}

/* What was ensured holds although a set that was sealed meanwhile is used again. */
static void
test_store_ensured_room_survives_a_sealed_set(void **state)
{
    (void)state;
    static uint8_t cell[65536];
    struct chek_store_config config = {.segment_row_count = 32};
    struct chek_close close = {.time = 1767225600};
    struct chek_document document = {.close = &close};
    struct chek_row row = {.registration = 5, .kind = CHEK_ROW_CLOSE};
    struct chek_store *store;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (; row.ordinal < 33; row.ordinal++) {
        assert_int_equal(chek_store_ensure(store, 1, 100, 0), CHEK_OK);
        chek_store_append(store, &row, &document);
    }
    assert_int_equal(chek_store_ensure(store, 300, 300 * 16, 300 * sizeof cell), CHEK_OK);
    store_fixture_seal(store);
    row.cell = chek_bytes_view_of(cell, sizeof cell);
    for (; row.ordinal < 333; row.ordinal++) {
        chek_store_append(store, &row, &document);
    }
    assert_int_equal(chek_store_count(store).row_count, 333);
    chek_store_destroy(store);
}

/* ---- sealing and replacing ---- */

static void
test_seal_takes_only_full_sets_and_one_at_a_time(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(4, false);
    assert_null(chek_store_seal_begin(store)); /* rows may still be added, as far as it knows */
    assert_false(chek_store_seal_is_due(store));
    store_fixture_append(store, row_at(4));
    assert_true(chek_store_seal_is_due(store));
    struct chek_seal *seal = chek_store_seal_begin(store);
    assert_non_null(seal);
    assert_null(chek_store_seal_begin(store));
    assert_false(chek_store_seal_is_due(store)); /* the only one is being sealed */
    chek_seal_drop(seal);
    seal = chek_store_seal_begin(store);
    assert_non_null(seal);
    chek_seal_run(seal);
    chek_seal_adopt(seal);
    assert_int_equal(chek_store_count(store).segment_count, 1);
    assert_int_equal(chek_store_count(store).open_row_count, 1);
    assert_null(chek_store_seal_begin(store));
    chek_store_destroy(store);
}

static void
test_store_replace_is_kept_through_sealing(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(5, false);
    struct chek_row row;
    struct chek_document document;
    assert_int_equal(chek_store_replace(store, 900, 0), CHEK_OK);
    struct chek_seal *seal = chek_store_seal_begin(store);
    chek_seal_run(seal);
    assert_int_equal(chek_store_replace(store, 7, 10), CHEK_OK); /* while it is being sealed */
    chek_seal_adopt(seal);
    assert_int_equal(chek_store_replace(store, 7, 11), CHEK_OK);
    assert_int_equal(chek_store_replace(store, 7, 12), CHEK_OK);
    for (uint32_t i = 0; i < 5; i++) {
        const struct chek_row *want = &row_at(i)->row;
        assert_int_equal(read_row(store, want->registration, want->ordinal, &row, &document),
                         CHEK_OK);
        assert_int_equal(row.replaced, i != 2);
    }
    chek_store_destroy(store);
}

/* ---- scans ---- */

struct seen {
    uint32_t count;
    struct chek_scan_row rows[STORE_FIXTURE_ROW_COUNT];
};

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct seen *seen = context;
    seen->rows[seen->count++] = *row;
    return true;
}

static void
test_store_scan_shows_the_sums_of_a_receipt(void **state)
{
    bool sealed = *(bool *)*state;
    struct chek_store *store = store_fixture_make(5, sealed);
    uint32_t registration = 900;
    struct chek_scan_filter filter = {.registrations = &registration, .registration_count = 1};
    struct seen seen = {0};
    chek_arena_init_over(&arena, memory, CHEK_SCAN_ARENA_SIZE);
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_row, &seen), CHEK_OK);
    assert_int_equal(seen.count, 2);
    const struct chek_scan_row *row = &seen.rows[0];
    assert_int_equal(row->gross, 100000 + 30800 - 7);
    assert_int_equal(row->position_count, 2);
    assert_int_equal(row->total, 129800);
    assert_int_equal(row->payments[CHEK_PAYMENT_KIND_CARD], 29800);
    assert_int_equal(row->payments[CHEK_PAYMENT_KIND_CASH], 150000 - 50000);
    /* Of the lines 13793 less 20 of the discount line, and 13793 + 20 of the ticket's discount. */
    assert_int_equal(row->tax, 13793 - 20 - (13793 + 20));
    assert_int_equal(row->document, 41);
    assert_int_equal(row->row.binding, 3);
    assert_null(row->row.cell.bytes);
    chek_store_destroy(store);
}

static void
test_store_scan_needs_its_arena_for_sealed_rows(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(5, true);
    struct chek_scan_filter filter = {0};
    struct seen seen = {0};
    chek_arena_init_over(&arena, memory, 1000);
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_row, &seen), CHEK_E_LIMIT);
    assert_int_equal(seen.count, 0);
    chek_arena_init_over(&arena, memory, CHEK_SCAN_ARENA_SIZE);
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_row, &seen), CHEK_OK);
    assert_int_equal(seen.count, 5);
    chek_store_destroy(store);
}

/* ---- history ---- */

static void
test_history_hash_depends_on_every_part_of_a_row(void **state)
{
    (void)state;
    static const struct chek_bytes_view cell = {(const uint8_t *)"x", 1};
    struct chek_store *store = store_fixture_make(1, false);
    uint64_t hashes[12];
    uint32_t count = 0;
    hashes[count++] = chek_store_history_hash(store);
    chek_store_destroy(store);
    for (uint32_t part = 0; part < 10; part++) {
        struct store_fixture_row row = *row_at(0);
        row.row.registration += part == 0;
        row.row.ordinal += part == 1;
        row.row.shift += part == 2;
        row.row.completes += part == 3;
        row.row.warnings += part == 4;
        row.row.binding = (uint16_t)(row.row.binding + (part == 5));
        row.row.late = part == 6;
        row.row.received_us += part == 7;
        row.row.cell = part == 8 ? cell : row.row.cell;
        row.document.registration += part == 9;
        row.document.raw = (struct chek_bytes_view){0}; /* it was changed */
        store = store_fixture_make(0, false);
        store_fixture_append(store, &row);
        hashes[count++] = chek_store_history_hash(store);
        chek_store_destroy(store);
    }
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t k = 0; k < i; k++) {
            assert_true(hashes[i] != hashes[k]);
        }
    }
}

int
main(void)
{
    static bool open = false;
    static bool sealed = true;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_read_gives_back_every_field),
        {"misses_what_is_not_there_open", test_store_read_misses_what_is_not_there, NULL, NULL,
         &open},
        {"misses_what_is_not_there_sealed", test_store_read_misses_what_is_not_there, NULL, NULL,
         &sealed},
        {"read_needs_its_arena_open", test_store_read_needs_its_arena, NULL, NULL, &open},
        {"read_needs_its_arena_sealed", test_store_read_needs_its_arena, NULL, NULL, &sealed},
        cmocka_unit_test(test_store_keeps_the_largest_document),
        cmocka_unit_test(test_store_figures_of_closes),
        cmocka_unit_test(test_store_ensured_bytes_hold_the_smallest_lines),
        cmocka_unit_test(test_store_append_does_not_allocate),
        cmocka_unit_test(test_store_survives_every_failed_allocation),
        cmocka_unit_test(test_store_gives_back_the_blocks_of_sealed_sets),
        cmocka_unit_test(test_store_ensured_room_survives_a_sealed_set),
        cmocka_unit_test(test_seal_takes_only_full_sets_and_one_at_a_time),
        cmocka_unit_test(test_store_replace_is_kept_through_sealing),
        {"scan_shows_the_sums_of_an_open_receipt", test_store_scan_shows_the_sums_of_a_receipt,
         NULL, NULL, &open},
        {"scan_shows_the_sums_of_a_sealed_receipt", test_store_scan_shows_the_sums_of_a_receipt,
         NULL, NULL, &sealed},
        cmocka_unit_test(test_store_scan_needs_its_arena_for_sealed_rows),
        cmocka_unit_test(test_history_hash_depends_on_every_part_of_a_row),
    };
    struct CMUnitTest dictionaries[CHEK_COUNT(dictionary_cases)];

    for (size_t i = 0; i < CHEK_COUNT(dictionary_cases); i++) {
        dictionaries[i] = (struct CMUnitTest){.name = dictionary_cases[i].name,
                                              .test_func = test_store_dictionary,
                                              .initial_state = &dictionary_cases[i]};
    }
    int failed = cmocka_run_group_tests_name("store", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("store_dictionary", dictionaries, NULL, NULL);
}
