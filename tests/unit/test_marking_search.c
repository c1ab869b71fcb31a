/* SPDX-License-Identifier: MIT */
/*
 * test_marking_search.c - rows by marking code: what a hash may hide, and what a table may say.
 *
 * prop_markings.c has the random histories, test_store_bytes.c every flipped bit.
 */
#include <stdio.h>
#include <stdlib.h>

#include "engine/store/marking_again.h"
#include "engine/store/marking_table.h"
#include "engine/store/merge.h"
#include "tests/fuzz/store_resum.h"
#include "tests/unit/store_fixture.h"
#include "tests/unit/table.h"

#define REGISTRATION 7
#define SEGMENT_ROW_COUNT 8
#define SIZE_MAX_HERE 65536

static _Alignas(16) uint8_t arena_bytes[1 << 20];

static struct chek_store *
store_make(void)
{
    struct chek_store_config config = {.segment_row_count = SEGMENT_ROW_COUNT,
                                       .segment_merge_count = 2,
                                       .dictionary_count_max = 16,
                                       .dictionary_size_max = 1024,
                                       .index_seed = 1};
    struct chek_store *store;
    assert_error(chek_store_create(&config, &store), CHEK_OK);
    return store;
}

/* Append a receipt with as many codes; rows come a second apart. */
static void
append(struct chek_store *store, uint32_t ordinal, const struct chek_bytes_view *codes,
       uint32_t count)
{
    struct chek_line line = {.sum = 100, .markings = codes, .markings_count = count};
    struct chek_receipt receipt = {
        .time = INT64_C(1767225600), .total = 100, .lines = &line, .lines_count = 1};
    struct chek_document document = {.registration = REGISTRATION, .receipt = &receipt};
    struct chek_row row = {.registration = REGISTRATION,
                           .ordinal = ordinal,
                           .kind = CHEK_ROW_RECEIPT,
                           .received_us = UINT64_C(1000000) * (ordinal + 1)};
    assert_error(chek_store_ensure(store, 1, 4096, 1024), CHEK_OK);
    chek_store_append(store, &row, &document);
}

static void
seal_all(struct chek_store *store)
{
    struct chek_seal *seal;
    while ((seal = chek_store_seal_begin(store)) != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
    }
}

static uint32_t
search(const struct chek_store *store, struct chek_bytes_view code, uint32_t count_max,
       struct chek_row_place *ret)
{
    struct chek_marking_search what = {.codes = &code, .code_count = 1};
    struct chek_arena arena;
    uint32_t count = 99;
    chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
    assert_error(chek_marking_search(store, &what, &arena, count_max, ret, &count), CHEK_OK);
    assert_int_equal(arena.used, 0);
    return count;
}

/* ---- hashes ----------------------------------------------------------------------------------- */

/* They are in files: whoever changes the function changes the format. The numbers are from another
 * implementation (tests/e2e/plain_xxh3.py). */
static void
test_hash_is_that_of_the_format(void **state)
{
    (void)state;
    assert_int_equal(chek_marking_hash(chek_bytes_view_text("010460043993125621JgXJ5.T")),
                     UINT32_C(0x57adee0f));
    assert_int_equal(chek_marking_hash(chek_bytes_view_text("")), UINT32_C(0x6e2e4388));
}

#define TRIED_COUNT 300000

struct tried {
    uint32_t hash, number;
};

static int
tried_compare(const void *a, const void *b)
{
    const struct tried *left = a;
    const struct tried *right = b;
    return (left->hash > right->hash) - (left->hash < right->hash);
}

static struct chek_bytes_view
code_number(uint32_t number, char text[16])
{
    (void)snprintf(text, 16, "code %u", number);
    return chek_bytes_view_text(text);
}

/* Two codes of one hash. */
static void
collision_find(char first[16], char second[16])
{
    struct tried *tried = test_malloc(TRIED_COUNT * sizeof *tried);
    for (uint32_t i = 0; i < TRIED_COUNT; i++) {
        tried[i] = (struct tried){chek_marking_hash(code_number(i, first)), i};
    }
    qsort(tried, TRIED_COUNT, sizeof *tried, tried_compare);
    uint32_t at = 1;
    while (at < TRIED_COUNT && tried[at].hash != tried[at - 1].hash) {
        at += 1;
    }
    assert_true(at < TRIED_COUNT);
    (void)code_number(tried[at - 1].number, first);
    (void)code_number(tried[at].number, second);
    test_free(tried);
}

static void
test_codes_of_one_hash_are_told_apart(void **state)
{
    char texts[2][16];
    struct chek_row_place list[8];
    (void)state;
    collision_find(texts[0], texts[1]);
    struct chek_bytes_view codes[] = {chek_bytes_view_text(texts[0]),
                                      chek_bytes_view_text(texts[1])};
    assert_false(chek_bytes_view_equal(codes[0], codes[1]));
    assert_int_equal(chek_marking_hash(codes[0]), chek_marking_hash(codes[1]));
    struct chek_store *store = store_make();
    for (uint32_t i = 0; i < 2 * SEGMENT_ROW_COUNT; i++) {
        append(store, i, &codes[i % 2], i < 6);
    }
    for (uint32_t sealed = 0; sealed < 2; sealed++) {
        for (uint32_t i = 0; i < 2; i++) {
            assert_int_equal(search(store, codes[i], 8, list), 3);
            assert_int_equal(list[0].ordinal, 4 + i);
            assert_int_equal(list[1].ordinal, 2 + i);
            assert_int_equal(list[2].ordinal, i);
            assert_int_equal(search(store, codes[i], 1, list), 1);
            assert_int_equal(list[0].ordinal, 4 + i);
        }
        seal_all(store);
        assert_true(chek_segment_count(store) > 0);
    }
    chek_store_destroy(store);
}

/* ---- rows ------------------------------------------------------------------------------------- */

static void
test_row_with_a_code_twice_is_found_once(void **state)
{
    struct chek_bytes_view codes[] = {chek_bytes_view_text("A"), chek_bytes_view_text("A")};
    struct chek_row_place list[8];
    (void)state;
    struct chek_store *store = store_make();
    for (uint32_t i = 0; i < 2 * SEGMENT_ROW_COUNT; i++) {
        append(store, i, codes, i == 3 ? 2 : 0);
    }
    for (uint32_t sealed = 0; sealed < 2; sealed++) {
        assert_int_equal(search(store, codes[0], 8, list), 1);
        assert_int_equal(list[0].ordinal, 3);
        seal_all(store);
    }
    chek_store_destroy(store);
}

/* A part of a code, or one that a name has, is not it. */
static void
test_parts_of_texts_are_no_codes(void **state)
{
    struct chek_bytes_view code = chek_bytes_view_text("ABCD");
    struct chek_row_place list[8];
    (void)state;
    struct chek_store *store = store_make();
    for (uint32_t i = 0; i < 2 * SEGMENT_ROW_COUNT; i++) {
        append(store, i, &code, 1);
    }
    for (uint32_t sealed = 0; sealed < 2; sealed++) {
        assert_int_equal(search(store, chek_bytes_view_text("ABC"), 8, list), 0);
        assert_int_equal(search(store, chek_bytes_view_text("BCD"), 8, list), 0);
        assert_int_equal(search(store, chek_bytes_view_text("ABCDE"), 8, list), 0);
        assert_int_equal(search(store, code, 8, list), 8);
        assert_int_equal(list[7].ordinal, 2 * SEGMENT_ROW_COUNT - 8);
        seal_all(store);
    }
    chek_store_destroy(store);
}

/* Segments of which no document has a code have no table, and so the bytes that they had. */
static void
test_no_codes_cost_nothing(void **state)
{
    (void)state;
    struct chek_store *store = store_make();
    for (uint32_t i = 0; i < 3 * SEGMENT_ROW_COUNT; i++) {
        append(store, i, NULL, 0);
    }
    seal_all(store);
    struct chek_merge *merge = chek_store_merge_begin(store);
    assert_non_null(merge);
    for (uint32_t merged = 0; merged < 2; merged++) {
        struct chek_bytes_view bytes = chek_segment_bytes(store, 0);
        assert_int_equal(chek_load_u32(bytes.bytes + 52), 0);
        chek_merge_run(merge);
        assert_true(merged == 1 || chek_merge_adopt(merge));
    }
    chek_merge_drop(merge);
    chek_store_destroy(store);
}

/* ---- sold again ------------------------------------------------------------------------------- */

static uint32_t
again(const struct chek_store *store, uint64_t *hash_next, uint32_t entry_count_max,
      struct chek_marking_again *ret)
{
    struct chek_arena arena;
    uint32_t count = 999;
    chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
    assert_error(chek_marking_again(store, hash_next, entry_count_max, &arena, ret, &count),
                 CHEK_OK);
    return count;
}

/* A range ends before the hash that the next one begins with. */
static void
test_ranges_of_hashes_meet(void **state)
{
    static struct chek_marking_again list[CHEK_MARKING_AGAIN_COUNT_MAX];
    const uint32_t entry_count_max = CHEK_MARKING_SALE_COUNT_MAX + 2;
    const uint64_t width = CHEK_MARKING_HASH_END / 3; /* of as many entries as there are */
    char text[16];
    (void)state;
    struct chek_store *store = store_make();
    uint32_t number = 0;
    while (chek_marking_hash(code_number(number, text)) < width) {
        number += 1;
    }
    uint64_t hash = chek_marking_hash(code_number(number, text));
    for (uint32_t i = 0; i < entry_count_max; i++) {
        struct chek_bytes_view code = code_number(i < 2 ? number : 1000 + i, text);
        append(store, i, &code, 1);
    }
    for (uint32_t sealed = 0; sealed < 2; sealed++) {
        uint64_t next = hash - width;
        assert_int_equal(again(store, &next, entry_count_max, list), 0);
        assert_int_equal(next, hash);
        assert_int_equal(again(store, &next, entry_count_max, list), 1);
        assert_int_equal(list[0].sale.ordinal, 1);
        assert_int_equal(list[0].before.ordinal, 0);
        seal_all(store);
    }
    chek_store_destroy(store);
}

static void
test_a_code_of_too_many_receipts_is_no_goods(void **state)
{
    static struct chek_marking_again list[CHEK_MARKING_AGAIN_COUNT_MAX];
    const struct chek_bytes_view code = chek_bytes_view_text("0");
    (void)state;
    struct chek_store *store = store_make();
    for (uint32_t i = 0; i < CHEK_MARKING_SALE_COUNT_MAX; i++) {
        append(store, i, &code, 1);
    }
    for (uint32_t more = 0; more < 2; more++) {
        uint64_t next = 0;
        assert_int_equal(again(store, &next, 1000, list),
                         more == 0 ? CHEK_MARKING_SALE_COUNT_MAX - 1 : 0);
        assert_true(next == CHEK_MARKING_HASH_END);
        append(store, CHEK_MARKING_SALE_COUNT_MAX + more, &code, 1);
    }
    chek_store_destroy(store);
}

/* A line that a storno takes back was not sold. */
static void
test_what_a_storno_takes_back_was_not_sold(void **state)
{
    static struct chek_marking_again list[CHEK_MARKING_AGAIN_COUNT_MAX];
    const struct chek_bytes_view code = chek_bytes_view_text("A");
    struct chek_line lines[2] = {
        {.sum = 100, .markings = &code, .markings_count = 1},
        {.sum = 100, .storno = true, .markings = &code, .markings_count = 1}};
    struct chek_receipt receipt = {
        .time = INT64_C(1767225600), .total = 0, .lines = lines, .lines_count = 2};
    struct chek_document document = {.registration = REGISTRATION, .receipt = &receipt};
    struct chek_row row = {.registration = REGISTRATION,
                           .ordinal = 1,
                           .kind = CHEK_ROW_RECEIPT,
                           .received_us = 2000000};
    uint64_t next = 0;
    (void)state;
    struct chek_store *store = store_make();
    append(store, 0, &code, 1);
    assert_error(chek_store_ensure(store, 1, 4096, 1024), CHEK_OK);
    chek_store_append(store, &row, &document);
    append(store, 2, &code, 1);
    assert_int_equal(again(store, &next, 1000, list), 1);
    assert_int_equal(list[0].sale.ordinal, 2);
    assert_int_equal(list[0].before.ordinal, 0);
    chek_store_destroy(store);
}

/* ---- tables ----------------------------------------------------------------------------------- */

/* A page of the golden segment has one entry, and all of its markings are of one row. */
static struct table_case {
    const char *name;
    enum store__marking_column column;
    uint32_t page;
    int64_t value; /* instead of the only one */
    int want;
} table_cases[] = {
    {"row_may_be_another", STORE__MARKING_TABLE_ROW, 0, 3, CHEK_OK},
    {"row_is_not_negative", STORE__MARKING_TABLE_ROW, 0, -1, CHEK_E_CORRUPT},
    {"row_is_one_of_the_segment", STORE__MARKING_TABLE_ROW, 1, 4, CHEK_E_CORRUPT},
    {"first_hash_may_be_lower", STORE__MARKING_TABLE_HASH, 0, 0, CHEK_OK},
    {"hash_is_not_negative", STORE__MARKING_TABLE_HASH, 0, -1, CHEK_E_CORRUPT},
    {"hash_fits_32_bits", STORE__MARKING_TABLE_HASH, 2, INT64_C(1) << 32, CHEK_E_CORRUPT},
    {"hashes_do_not_fall", STORE__MARKING_TABLE_HASH, 1, UINT32_MAX, CHEK_E_CORRUPT},
    {"hashes_do_not_fall_behind", STORE__MARKING_TABLE_HASH, 2, 0, CHEK_E_CORRUPT},
};

/* Where the head of a page of the table is. */
static size_t
head_find(const uint8_t *bytes, enum store__marking_column column, uint32_t page)
{
    uint32_t page_row_count = chek_load_u32(bytes + 20);
    uint32_t page_count = (chek_load_u32(bytes + 12) - 1) / page_row_count + 1;
    uint32_t hour_page_count = (chek_load_u32(bytes + 48) - 1) / page_row_count + 1;
    uint32_t marking_page_count = (chek_load_u32(bytes + 52) - 1) / page_row_count + 1;
    size_t at = STORE__SEGMENT_HEAD_SIZE + chek_load_u32(bytes + 24) * STORE__RUN_SIZE;
    at += chek_load_u16(bytes + 10) *
          (STORE__COLUMN_HEAD_SIZE + page_count * (size_t)STORE__PAGE_HEAD_SIZE);
    at += STORE__HOUR_COLUMN_COUNT *
          (STORE__COLUMN_HEAD_SIZE + hour_page_count * (size_t)STORE__PAGE_HEAD_SIZE);
    at += column * (STORE__COLUMN_HEAD_SIZE + marking_page_count * (size_t)STORE__PAGE_HEAD_SIZE);
    assert_int_equal(chek_load_u16(bytes + at), store__marking_column_ids[column]);
    return at + STORE__COLUMN_HEAD_SIZE + page * (size_t)STORE__PAGE_HEAD_SIZE;
}

static int
open_changed(uint8_t *bytes, size_t size)
{
    struct chek_segment *segment = NULL;
    store_resum_segment(bytes, size);
    int error =
        store__segment_load(store_fixture_space(), chek_bytes_view_of(bytes, size), &segment);
    store__segment_destroy(segment);
    return error;
}

static void
test_table(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    const struct table_case *c = *state;
    struct chek_store *store = store_fixture_make(5, true);
    struct chek_bytes_view sealed = chek_segment_bytes(store, 0);
    assert_int_equal(chek_load_u32(sealed.bytes + 52), 3);
    memcpy(bytes, sealed.bytes, sealed.size);
    size_t head = head_find(bytes, c->column, c->page);
    chek_store_u64(bytes + head + 16, (uint64_t)c->value);
    chek_store_u64(bytes + head + 24, (uint64_t)c->value);
    assert_error(open_changed(bytes, sealed.size), c->want);
    chek_store_destroy(store);
}

/* The bytes of a segment that has a page of four entries, of rows 0 to 3; it is the last group. */
static size_t
four_entries_make(uint8_t *bytes)
{
    char texts[4][16];
    struct chek_store_config config = {.segment_row_count = 5000,
                                       .dictionary_count_max = 16,
                                       .dictionary_size_max = 1024,
                                       .index_seed = 1};
    struct chek_store *store;
    assert_error(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < 5001; i++) {
        struct chek_bytes_view code = code_number(i % 4, texts[i % 4]);
        append(store, i, &code, i < 4);
    }
    seal_all(store);
    struct chek_bytes_view sealed = chek_segment_bytes(store, 0);
    assert_true(sealed.size <= SIZE_MAX_HERE);
    memcpy(bytes, sealed.bytes, sealed.size);
    assert_int_equal(chek_load_u32(bytes + 52), 4);
    chek_store_destroy(store);
    return sealed.size;
}

/* Where that page of hashes begins. */
static size_t
hashes_find(const uint8_t *bytes, size_t size)
{
    uint64_t hashes = chek_load_u64(bytes + head_find(bytes, STORE__MARKING_TABLE_HASH, 0) + 8);
    uint64_t rows = chek_load_u64(bytes + head_find(bytes, STORE__MARKING_TABLE_ROW, 0) + 8);
    assert_true(hashes != 0 && rows != 0);
    return size - STORE__PAGE_SLACK - (size_t)rows - (size_t)hashes;
}

/* A search leaves out pages by their heads: one that said too little would hide its entries. */
static void
test_head_of_a_page_says_where_it_ends(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    (void)state;
    size_t size = four_entries_make(bytes);
    assert_error(open_changed(bytes, size), CHEK_OK);
    size_t head = head_find(bytes, STORE__MARKING_TABLE_HASH, 0);
    uint64_t max = chek_load_u64(bytes + head + 24);
    chek_store_u64(bytes + head + 24, max - 1);
    assert_error(open_changed(bytes, size), CHEK_E_CORRUPT);
    chek_store_u64(bytes + head + 24, max);
    assert_error(open_changed(bytes, size), CHEK_OK);
}

/* Whole in itself, and without the table: receipts would not be found. */
static void
test_table_that_was_left_away_is_missed(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    (void)state;
    size_t size = four_entries_make(bytes);
    size_t heads = head_find(bytes, STORE__MARKING_TABLE_HASH, 0) - STORE__COLUMN_HEAD_SIZE;
    size_t heads_size =
        STORE__MARKING_TABLE_COLUMN_COUNT * (STORE__COLUMN_HEAD_SIZE + STORE__PAGE_HEAD_SIZE);
    size = hashes_find(bytes, size) - heads_size;
    memmove(bytes + heads, bytes + heads + heads_size, size - heads);
    chek_store_u32(bytes + 52, 0);
    chek_store_u64(bytes + 40, size);
    assert_error(open_changed(bytes, size), CHEK_E_CORRUPT);
}

static void
test_entries_of_a_page_do_not_fall(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    (void)state;
    size_t size = four_entries_make(bytes);
    size_t head = head_find(bytes, STORE__MARKING_TABLE_HASH, 0);
    size_t codes = hashes_find(bytes, size) + 8; /* behind the scale */
    assert_int_equal(bytes[head], STORE__FRAME);
    assert_int_equal(bytes[head + 1], 32);
    uint32_t second = chek_load_u32(bytes + codes + 4);
    chek_store_u32(bytes + codes + 4, chek_load_u32(bytes + codes + 8));
    chek_store_u32(bytes + codes + 8, second);
    assert_error(open_changed(bytes, size), CHEK_E_CORRUPT);
}

static void
test_group_finds_every_flipped_bit(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    (void)state;
    size_t size = four_entries_make(bytes);
    for (size_t bit = 8 * hashes_find(bytes, size); bit < 8 * size; bit++) {
        struct chek_segment *segment = NULL;
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8));
        assert_error(
            store__segment_load(store_fixture_space(), chek_bytes_view_of(bytes, size), &segment),
            CHEK_E_CORRUPT);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8));
    }
}

int
main(void)
{
    static struct table table;
    TABLE_TEST(&table, test_hash_is_that_of_the_format);
    TABLE_TEST(&table, test_codes_of_one_hash_are_told_apart);
    TABLE_TEST(&table, test_row_with_a_code_twice_is_found_once);
    TABLE_TEST(&table, test_parts_of_texts_are_no_codes);
    TABLE_TEST(&table, test_no_codes_cost_nothing);
    TABLE_TEST(&table, test_ranges_of_hashes_meet);
    TABLE_TEST(&table, test_a_code_of_too_many_receipts_is_no_goods);
    TABLE_TEST(&table, test_what_a_storno_takes_back_was_not_sold);
    TABLE_ROWS(&table, test_table, table_cases);
    TABLE_TEST(&table, test_head_of_a_page_says_where_it_ends);
    TABLE_TEST(&table, test_table_that_was_left_away_is_missed);
    TABLE_TEST(&table, test_entries_of_a_page_do_not_fall);
    TABLE_TEST(&table, test_group_finds_every_flipped_bit);
    return table_run(&table, "marking_search");
}
