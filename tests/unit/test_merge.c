/* SPDX-License-Identifier: MIT */
/*
 * test_merge.c - segments become one, and the shard goes on: what is kept, numbered, freed, refused.
 *
 *   test_merge [write]
 *
 * The fixture's rows make two segments of four, which are merged. prop_store.c and prop_sums.c have
 * the random histories; `write` makes the golden file anew.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/store/merge.h"
#include "engine/store/segment.h"
#include "engine/store/sums.h"
#include "tests/fuzz/store_resum.h"
#include "tests/unit/store_fixture.h"

#define MERGED_PATH "tests/vectors/store/segment_merged.bin"
#define SIZE_MAX_HERE 65536

static bool writes;

/* ---- stores ---- */

/* A store with two segments to be merged, and three open rows. */
static struct chek_store *
store_make(void)
{
    struct chek_store_config config = store_fixture_config();
    struct chek_store *store;
    config.segment_merge_count = 2;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < STORE_FIXTURE_ROW_COUNT; i++) {
        store_fixture_append(store, &store_fixture_rows()[i]);
    }
    store_fixture_seal(store);
    return store;
}

static bool
merge_one(struct chek_store *store)
{
    struct chek_merge *merge = chek_store_merge_begin(store);
    bool adopted = false;
    if (merge != NULL) {
        chek_merge_run(merge);
        adopted = chek_merge_adopt(merge);
        chek_merge_drop(merge);
    }
    return adopted;
}

static int
load(const struct chek_store *store, const struct chek_bytes_view *segments, uint32_t count,
     struct chek_store **ret)
{
    struct chek_store_config config = store_fixture_config();
    struct chek_bytes_view image = store_fixture_image(store);
    int error = chek_store_load(&config, image, segments, count, ret);
    test_free((void *)(uintptr_t)image.bytes);
    return error;
}

/* ---- what is kept ---- */

static void
test_merge_keeps_every_row(void **state)
{
    (void)state;
    struct chek_store *store = store_make();
    struct chek_store *loaded;
    assert_true(merge_one(store));
    assert_int_equal(chek_segment_count(store), 1);
    store_fixture_check(store, STORE_FIXTURE_ROW_COUNT);
    struct chek_bytes_view segment = chek_segment_bytes(store, 0);
    assert_int_equal(load(store, &segment, 1, &loaded), CHEK_OK);
    store_fixture_check(loaded, STORE_FIXTURE_ROW_COUNT);
    assert_int_equal(chek_store_count(loaded).merged_count, 1);
    chek_store_destroy(loaded);
    chek_store_destroy(store);
}

static bool
on_replaced(void *context, const struct chek_scan_row *row)
{
    uint64_t *bits = context;
    bool known = row->row.registration == 7 || row->row.registration == 900;
    assert_true(known || !row->row.replaced);
    if (row->row.replaced) {
        *bits |= UINT64_C(1) << (row->row.ordinal + (row->row.registration == 7 ? 0 : 32));
    }
    return true;
}

/* Before the merge, while it is made, after it: the bits are the rows', wherever they are. */
static void
test_merge_keeps_what_is_replaced(void **state)
{
    (void)state;
    static _Alignas(16) uint8_t bytes[CHEK_SCAN_ARENA_SIZE];
    struct chek_store *store = store_make();
    struct chek_scan_filter filter = {.with_replaced = true};
    struct chek_arena arena;
    uint64_t bits = 0;
    assert_int_equal(chek_store_replace(store, 7, 10), CHEK_OK);
    struct chek_merge *merge = chek_store_merge_begin(store);
    assert_int_equal(chek_store_replace(store, 900, 1), CHEK_OK);
    chek_merge_run(merge);
    assert_int_equal(chek_store_replace(store, 900, 3), CHEK_OK);
    assert_true(chek_merge_adopt(merge));
    assert_int_equal(chek_store_replace(store, 900, 2), CHEK_OK);
    chek_merge_drop(merge);
    chek_arena_init_over(&arena, bytes, sizeof bytes);
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_replaced, &bits), CHEK_OK);
    assert_true(bits == (UINT64_C(1) << 10 | UINT64_C(0xe) << 32));
    chek_store_destroy(store);
}

static void
test_merged_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    static uint8_t golden[SIZE_MAX_HERE];
    struct chek_store *store = store_make();
    assert_true(merge_one(store));
    struct chek_bytes_view bytes = chek_segment_bytes(store, 0);
    if (writes) {
        FILE *out = fopen(MERGED_PATH, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes.bytes, 1, bytes.size, out), bytes.size);
        fclose(out);
    }
    FILE *in = fopen(MERGED_PATH, "rb");
    assert_non_null(in);
    size_t size = fread(golden, 1, sizeof golden, in);
    fclose(in);
    assert_int_equal(size, bytes.size);
    assert_memory_equal(golden, bytes.bytes, size);
    chek_store_destroy(store);
}

/* ---- which, and when ---- */

static void
test_merges_are_begun_one_by_one(void **state)
{
    (void)state;
    struct chek_store *store = store_make();
    struct chek_merge *merge = chek_store_merge_begin(store);
    assert_non_null(merge);
    assert_null(chek_store_merge_begin(store)); /* it is under way */
    chek_merge_drop(merge);
    merge = chek_store_merge_begin(store); /* it was given up */
    assert_non_null(merge);
    assert_false(chek_merge_adopt(merge)); /* it was not run */
    assert_int_equal(chek_segment_count(store), 2);
    chek_merge_run(merge);
    assert_true(chek_merge_adopt(merge));
    assert_null(chek_store_merge_begin(store)); /* there is nothing to merge */
    chek_merge_drop(merge);
    chek_merge_drop(NULL);
    assert_int_equal(chek_store_count(store).merge_count, 1);
    chek_store_destroy(store);
}

static void
test_merge_waits_for_sixteen_unless_told_otherwise(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(8, true);
    for (uint32_t turn = 0; turn < 15; turn++) {
        assert_null(chek_store_merge_begin(store));
        for (uint32_t i = 0; i < 4; i++) {
            struct store_fixture_row row = store_fixture_rows()[0];
            row.row.registration = 1000 + turn;
            row.row.ordinal = i;
            store_fixture_append(store, &row);
        }
        store_fixture_seal(store);
    }
    assert_int_equal(chek_segment_count(store), 16);
    uint64_t size = chek_store_count(store).segment_size;
    assert_true(merge_one(store));
    struct chek_store_counters counters = chek_store_count(store);
    assert_int_equal(counters.segment_count, 1);
    assert_true(counters.segment_size < size);
    assert_int_equal(counters.row_count, 68);
    store_fixture_check(store, 8);
    chek_store_destroy(store);
}

/* A number is given once, and names a file as long as there is one. */
static void
test_numbers_outlive_merges(void **state)
{
    (void)state;
    struct chek_store *store = store_make();
    struct chek_segments before = chek_store_segments(store);
    assert_int_equal(chek_segments_count(&before), 2);
    assert_int_equal(chek_segments_number(&before, 1), 1);
    assert_true(merge_one(store));
    struct store_fixture_row row = store_fixture_rows()[10];
    for (row.row.ordinal = 6; row.row.ordinal < 8; row.row.ordinal++) { /* one more than full */
        store_fixture_append(store, &row);
    }
    store_fixture_seal(store);
    struct chek_segments after = chek_store_segments(store);
    assert_int_equal(chek_segments_count(&after), 2);
    assert_true(chek_segments_number(&after, 0) == CHEK_SEGMENT_MERGED_BASE);
    assert_int_equal(chek_segments_number(&after, 1), 2);
    assert_false(chek_segments_has(&after, 0) || chek_segments_has(&after, 1));
    assert_true(chek_segments_has(&after, 2) && !chek_segments_has(&after, 3));
    assert_true(chek_segments_has(&after, CHEK_SEGMENT_MERGED_BASE));
    assert_false(chek_segments_has(&after, CHEK_SEGMENT_MERGED_BASE + 1));
    assert_false(chek_segments_has(&before, CHEK_SEGMENT_MERGED_BASE));
    chek_store_destroy(store);
}

static struct list_case {
    const char *name;
    uint64_t numbers[3];
    uint32_t count;
    bool want;
} list_cases[] = {
    {"no_segments_follow_each_other", {0}, 0, true},
    {"merged_ones_come_first",
     {CHEK_SEGMENT_MERGED_BASE, CHEK_SEGMENT_MERGED_BASE + 1, 7},
     3,
     true},
    {"single_ones_follow_from_any", {5, 6, 7}, 3, true},
    {"merged_ones_begin_with_the_first", {CHEK_SEGMENT_MERGED_BASE + 1}, 1, false},
    {"a_merged_one_is_not_left_out",
     {CHEK_SEGMENT_MERGED_BASE, CHEK_SEGMENT_MERGED_BASE + 2},
     2,
     false},
    {"a_single_one_is_not_left_out", {5, 7}, 2, false},
    {"no_segment_is_named_twice", {5, 5}, 2, false},
    {"no_merged_one_comes_behind_a_single_one", {5, CHEK_SEGMENT_MERGED_BASE}, 2, false},
    {"a_number_beyond_any_is_none", {UINT64_C(1) << 33}, 1, false},
};

static void
test_list_of_numbers(void **state)
{
    const struct list_case *c = *state;
    struct chek_segments segments = {0};
    bool all = true;
    for (uint32_t i = 0; i < c->count; i++) {
        all &= chek_segments_add(&segments, c->numbers[i]);
    }
    assert_int_equal(all, c->want);
    for (uint32_t i = 0; i < c->count && c->want; i++) {
        assert_true(chek_segments_number(&segments, i) == c->numbers[i]);
    }
}

/* ---- what an image refuses ---- */

static void
test_image_wants_merged_segments_first_and_once(void **state)
{
    (void)state;
    static uint8_t sources[2][SIZE_MAX_HERE];
    struct chek_store *store = store_make();
    struct chek_store *loaded;
    struct chek_bytes_view views[3];
    for (uint32_t i = 0; i < 2; i++) {
        struct chek_bytes_view segment = chek_segment_bytes(store, i);
        memcpy(sources[i], segment.bytes, segment.size);
        views[i] = chek_bytes_view_of(sources[i], segment.size);
    }
    assert_true(merge_one(store));
    struct chek_bytes_view merged = chek_segment_bytes(store, 0);
    assert_int_equal(load(store, views, 2, &loaded), CHEK_E_CORRUPT); /* the image knows better */
    struct chek_bytes_view twice[2] = {merged, views[1]};
    assert_int_equal(load(store, twice, 2, &loaded), CHEK_E_CORRUPT);
    assert_int_equal(load(store, &merged, 1, &loaded), CHEK_OK);
    chek_store_destroy(loaded);
    chek_store_destroy(store);
}

/* ---- memory ---- */

/* Merge with the n-th allocation failing; true when none did any more. */
static bool
merge_with_failure(struct chek_store *store, uint64_t n)
{
    chek_memory_fail_at(n);
    struct chek_merge *merge = chek_store_merge_begin(store);
    if (merge == NULL) {
        chek_memory_fail_at(0);
        return false;
    }
    chek_merge_run(merge);
    chek_memory_fail_at(0);
    bool adopted = chek_merge_adopt(merge);
    chek_merge_drop(merge);
    store_fixture_check(store, STORE_FIXTURE_ROW_COUNT);
    return adopted;
}

static void
test_merge_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct chek_store *store = store_make();
    uint64_t heap_size = chek_memory_count().heap_size;
    uint64_t taken_size = chek_workspace_count().size;
    uint64_t n = 1;
    while (!merge_with_failure(store, n)) {
        assert_int_equal(chek_memory_count().heap_size, heap_size);
        assert_int_equal(chek_workspace_count().size, taken_size);
        n += 1;
    }
    assert_true(n > 30);
    assert_int_equal(chek_segment_count(store), 1);
    chek_store_destroy(store);
}

/* ---- bytes ---- */

static int
open_bytes(const uint8_t *bytes, size_t size, struct chek_segment **ret)
{
    return store__segment_load(store_fixture_space(), chek_bytes_view_of(bytes, size), ret);
}

/* All receipts of a sealed segment are of one hour and shift 7, and a page has one cell. */
static struct hour_case {
    const char *name;
    enum store__hour_column column;
    uint32_t page;
    int64_t value; /* instead of the only one */
    int want;
} hour_cases[] = {
    {"unchanged_table_is_accepted", STORE__HOUR_SHIFT, 0, 7, CHEK_OK},
    {"table_has_as_many_tickets_as_rows", STORE__HOUR_TICKETS, 0, 2, CHEK_E_CORRUPT},
    {"cell_has_tickets", STORE__HOUR_TICKETS, 1, 0, CHEK_E_CORRUPT},
    {"hour_is_not_negative", STORE__HOUR_HOUR, 0, -1, CHEK_E_CORRUPT},
    {"hour_is_one_that_documents_have", STORE__HOUR_HOUR, 0, UINT32_MAX / 3600 + 1, CHEK_E_CORRUPT},
    {"shift_fits_32_bits", STORE__HOUR_SHIFT, 0, INT64_C(1) << 32, CHEK_E_CORRUPT},
    {"binding_fits_16_bits", STORE__HOUR_BINDING, 0, 65536, CHEK_E_CORRUPT},
    {"operation_fits_8_bits", STORE__HOUR_OPERATION, 0, 256, CHEK_E_CORRUPT},
    {"registration_fits_32_bits", STORE__HOUR_REGISTRATION, 0, -1, CHEK_E_CORRUPT},
    {"registrations_do_not_fall", STORE__HOUR_REGISTRATION, 0, 901, CHEK_E_CORRUPT},
    {"shifts_of_an_hour_do_not_fall", STORE__HOUR_SHIFT, 1, 8, CHEK_E_CORRUPT},
    {"sum_may_be_any", STORE__HOUR_NET, 0, INT64_MIN, CHEK_OK},
};

static void
test_hour_table(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    const struct hour_case *c = *state;
    struct chek_store *store = store_make();
    struct chek_bytes_view sealed = chek_segment_bytes(store, 0);
    memcpy(bytes, sealed.bytes, sealed.size);
    uint32_t page_count = chek_load_u32(bytes + 12);
    uint32_t hour_count = chek_load_u32(bytes + 48);
    assert_int_equal(chek_load_u32(bytes + 20), 1);
    size_t at = STORE__SEGMENT_HEAD_SIZE + chek_load_u32(bytes + 24) * STORE__RUN_SIZE;
    at += chek_load_u16(bytes + 10) *
          (STORE__COLUMN_HEAD_SIZE + page_count * (size_t)STORE__PAGE_HEAD_SIZE);
    at += c->column * (STORE__COLUMN_HEAD_SIZE + hour_count * (size_t)STORE__PAGE_HEAD_SIZE);
    assert_int_equal(chek_load_u16(bytes + at), store__hour_column_ids[c->column]);
    at += STORE__COLUMN_HEAD_SIZE + c->page * (size_t)STORE__PAGE_HEAD_SIZE;
    chek_store_u64(bytes + at + 16, (uint64_t)c->value);
    chek_store_u64(bytes + at + 24, (uint64_t)c->value);
    store_resum_segment(bytes, sealed.size);
    struct chek_segment *segment = NULL;
    assert_int_equal(open_bytes(bytes, sealed.size, &segment), c->want);
    store__segment_destroy(segment);
    chek_store_destroy(store);
}

static void
test_merged_segment_finds_every_flipped_bit(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_store *store = store_make();
    assert_true(merge_one(store));
    struct chek_bytes_view merged = chek_segment_bytes(store, 0);
    memcpy(bytes, merged.bytes, merged.size);
    for (size_t bit = 0; bit < merged.size * 8; bit++) {
        struct chek_segment *segment;
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8));
        assert_int_not_equal(open_bytes(bytes, merged.size, &segment), CHEK_OK);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8));
    }
    chek_store_destroy(store);
}

/* ---- sums that do not fit ---- */

struct gross {
    chek_i128 sum;
    uint32_t count;
};

static bool
on_gross(void *context, const struct chek_addend *addend)
{
    struct gross *gross = context;
    gross->sum += addend->gross;
    gross->count += 1;
    return true;
}

/* A thousand receipts of an hour, each of as many lines of the highest amount: 10^19. */
static void
test_a_sum_that_does_not_fit_goes_on_in_the_next_cell(void **state)
{
    (void)state;
    enum { COUNT = 1000 };
    static struct chek_line lines[CHEK_LINE_COUNT_MAX];
    static uint8_t bytes[65536];
    static _Alignas(16) uint8_t memory[CHEK_SCAN_ARENA_SIZE];
    struct chek_store_config config = {.segment_row_count = COUNT};
    struct chek_receipt receipt = {
        .time = 1767225600, .total = 1, .lines = lines, .lines_count = CHEK_LINE_COUNT_MAX};
    struct chek_document document = {.receipt = &receipt};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    struct chek_scan_filter filter = {0};
    struct gross gross = {0};
    struct chek_store *store;
    struct chek_arena arena;
    for (uint32_t i = 0; i < CHEK_LINE_COUNT_MAX; i++) {
        lines[i].sum = CHEK_MONEY_MAX;
    }
    chek_document_encode(&out, &document);
    assert_false(out.full);
    document.raw = chek_bytes_view_of(out.bytes, out.size);
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i <= COUNT; i++) {
        struct chek_row row = {.registration = 5, .ordinal = i};
        assert_int_equal(chek_store_ensure(store, 1, out.size, 0), CHEK_OK);
        chek_store_append(store, &row, &document);
    }
    store_fixture_seal(store);
    assert_int_equal(chek_store_count(store).segment_count, 1);
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_store_sum(store, &filter, &arena, on_gross, &gross), CHEK_OK);
    assert_int_equal(gross.count, 3); /* two cells, and the open row */
    chek_i128 want = (chek_i128)CHEK_MONEY_MAX * CHEK_LINE_COUNT_MAX * (COUNT + 1);
    assert_true(gross.sum == want);
    chek_store_destroy(store);
}

int
main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_keeps_every_row),
        cmocka_unit_test(test_merge_keeps_what_is_replaced),
        cmocka_unit_test(test_merged_bytes_are_those_of_the_format),
        cmocka_unit_test(test_merges_are_begun_one_by_one),
        cmocka_unit_test(test_merge_waits_for_sixteen_unless_told_otherwise),
        cmocka_unit_test(test_numbers_outlive_merges),
        cmocka_unit_test(test_image_wants_merged_segments_first_and_once),
        cmocka_unit_test(test_merge_survives_every_failed_allocation),
        cmocka_unit_test(test_merged_segment_finds_every_flipped_bit),
        cmocka_unit_test(test_a_sum_that_does_not_fit_goes_on_in_the_next_cell),
    };
    struct CMUnitTest rows[CHEK_COUNT(list_cases) + CHEK_COUNT(hour_cases)];
    size_t count = 0;

    writes = argument_count > 1 && strcmp(arguments[1], "write") == 0;
    for (size_t i = 0; i < CHEK_COUNT(list_cases); i++) {
        rows[count++] = (struct CMUnitTest){.name = list_cases[i].name,
                                            .test_func = test_list_of_numbers,
                                            .initial_state = &list_cases[i]};
    }
    for (size_t i = 0; i < CHEK_COUNT(hour_cases); i++) {
        rows[count++] = (struct CMUnitTest){.name = hour_cases[i].name,
                                            .test_func = test_hour_table,
                                            .initial_state = &hour_cases[i]};
    }
    int failed = cmocka_run_group_tests_name("merge", tests, NULL, NULL);
    return failed + cmocka_run_group_tests_name("merge_rows", rows, NULL, NULL);
}
