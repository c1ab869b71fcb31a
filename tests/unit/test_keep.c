/* SPDX-License-Identifier: MIT */
/*
 * test_keep.c - a segment is remade without what its documents say: what stays, what is refused.
 *
 *   test_keep [write]
 *
 * The fixture's rows make two segments of four; one of them has a movement and the other a close.
 * `write` makes the golden file anew.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/civil.h"
#include "engine/base/memory.h"
#include "engine/store/keep.h"
#include "engine/store/segment.h"
#include "engine/store/sums.h"
#include "tests/fuzz/store_resum.h"
#include "tests/unit/store_fixture.h"

#define KEPT_PATH "tests/vectors/store/segment_kept.bin"
#define SIZE_MAX_HERE 65536

static bool writes;
static _Alignas(16) uint8_t memory[2 * CHEK_SCAN_ARENA_SIZE];

static struct chek_store *
store_make(uint32_t merge_count)
{
    struct chek_store_config config = store_fixture_config();
    struct chek_store *store;
    config.segment_merge_count = merge_count;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < STORE_FIXTURE_ROW_COUNT; i++) {
        store_fixture_append(store, &store_fixture_rows()[i]);
    }
    store_fixture_seal(store);
    return store;
}

/* Run a merge or a keep to its end; whether it was adopted. */
static bool
job_run(struct chek_merge *job)
{
    if (job == NULL) {
        return false;
    }
    chek_merge_run(job);
    bool adopted = chek_merge_adopt(job);
    chek_merge_drop(job);
    return adopted;
}

static int
row_read(const struct chek_store *store, uint32_t registration, uint32_t ordinal,
         struct chek_row *ret_row, struct chek_document *ret_document)
{
    struct chek_arena arena;
    chek_arena_init_over(&arena, memory, sizeof memory);
    return chek_store_read(store, registration, ordinal, &arena, ret_row, ret_document);
}

/* Weighs sums, so that what is in another hour or of another sign shows. */
static bool
on_addend(void *context, const struct chek_addend *addend)
{
    uint64_t *sum = context;
    uint64_t weight = (uint64_t)(addend->time / CHEK_CIVIL_HOUR_S) * 1000003 +
                      addend->registration * 10007 + addend->shift * 101 + addend->binding * 11 +
                      addend->operation + 1u;
    uint64_t value = 0;
#define ADD(name) value = value * 31 + (uint64_t)addend->name;
    CHEK_ADDEND_VALUES(ADD)
#undef ADD
    *sum += weight * value; /* linear in each value */
    return true;
}

static uint64_t
sum_of(const struct chek_store *store)
{
    struct chek_scan_filter filter = {0};
    struct chek_arena arena;
    uint64_t sum = 0;
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_store_sum(store, &filter, &arena, on_addend, &sum), CHEK_OK);
    return sum;
}

/* ---- what stays ------------------------------------------------------------------------------- */

/* Of the first `count` rows, all of kept segments: closes as they came, of others the head. */
static void
check_kept(const struct chek_store *store, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct store_fixture_row *want = &store_fixture_rows()[i];
        struct chek_row row;
        struct chek_document document;
        uint64_t sign;
        int error = row_read(store, want->row.registration, want->row.ordinal, &row, &document);
        assert_int_equal(error, want->row.kind == CHEK_ROW_CLOSE ? CHEK_OK : CHEK_E_REMOVED);
        if (error == CHEK_OK) {
            assert_true(chek_bytes_view_equal(row.cell, want->row.cell));
            assert_true(
                chek_bytes_view_equal(document.close->operator, want->document.close->operator));
        }
        assert_int_equal(
            chek_store_read_head(store, want->row.registration, want->row.ordinal, &row, &sign),
            CHEK_OK);
        assert_int_equal(row.kind, want->row.kind);
        assert_int_equal(row.shift, want->row.shift);
        assert_int_equal(row.warnings, want->row.warnings);
        assert_int_equal(row.completes, want->row.completes);
        assert_int_equal(row.binding, want->row.binding);
        assert_int_equal(row.late, want->row.late);
        if (want->row.kind == CHEK_ROW_RECEIPT) {
            assert_true(sign == want->document.receipt->sign);
        }
    }
}

static void
test_kept_segment_has_heads_closes_and_sums(void **state)
{
    (void)state;
    struct chek_store *store = store_make(0);
    assert_int_equal(chek_store_replace(store, 900, 0), CHEK_OK);
    uint64_t sum = sum_of(store);
    struct chek_chain chain = *chek_store_chain(store);
    struct chek_store_counters before = chek_store_count(store);
    assert_int_equal(chek_store_hours_prove(store, 0), CHEK_OK);
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    check_kept(store, 4);
    assert_true(sum_of(store) == sum);
    assert_true(job_run(chek_store_keep_begin(store, 8)));
    check_kept(store, 8);
    assert_true(sum_of(store) == sum);
    struct chek_store_counters after = chek_store_count(store);
    assert_int_equal(after.kept_count, 2);
    assert_int_equal(after.row_count, before.row_count);
    assert_true(after.segment_size < before.segment_size);
    assert_memory_equal(chek_store_chain(store), &chain, sizeof chain);
    struct chek_chain kept = chek_store_kept_chain(store);
    assert_memory_equal(&kept, &chain, sizeof chain);
    chek_store_destroy(store);
}

static bool
on_replaced(void *context, const struct chek_scan_row *row)
{
    *(uint32_t *)context += row->row.replaced;
    return true;
}

static void
test_kept_segment_keeps_what_is_replaced_out_of_scans(void **state)
{
    (void)state;
    struct chek_store *store = store_make(0);
    struct chek_scan_filter filter = {.with_replaced = true};
    struct chek_arena arena;
    uint32_t count = 0;
    assert_int_equal(chek_store_replace(store, 900, 0), CHEK_OK);
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_replaced, &count), CHEK_OK);
    assert_int_equal(count, 1);
    filter.with_replaced = false;
    count = 0;
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_replaced, &count), CHEK_OK);
    assert_int_equal(count, 0);
    chek_store_destroy(store);
}

/* The hours are there as a whole; what a part of one came to is gone. */
static void
test_part_of_an_hour_is_removed(void **state)
{
    (void)state;
    struct chek_store *store = store_make(0);
    int64_t time = store_fixture_rows()[0].document.receipt->time;
    int64_t hour = time - time % CHEK_CIVIL_HOUR_S;
    struct chek_scan_filter filter = {.time_min = hour, .time_max = hour + CHEK_CIVIL_HOUR_S - 1};
    struct chek_arena arena;
    uint64_t sum = 0;
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_store_sum(store, &filter, &arena, on_addend, &sum), CHEK_OK);
    filter.time_max -= 1;
    assert_int_equal(chek_store_sum(store, &filter, &arena, on_addend, &sum), CHEK_E_REMOVED);
    chek_store_destroy(store);
}

/* ---- which, and when -------------------------------------------------------------------------- */

static void
test_keeping_goes_by_rows_and_in_order(void **state)
{
    (void)state;
    struct chek_store *store = store_make(2);
    struct chek_keep_next next;
    assert_true(chek_store_keep_next(store, &next));
    assert_int_equal(next.index, 0);
    assert_int_equal(next.row_end, 4);
    assert_true(next.received_last == store_fixture_rows()[0].row.received_us + 10);
    assert_int_equal(next.run_count, 2);
    assert_int_equal(chek_store_keep_run(store, 0, 1).ordinal_end, 2);
    assert_null(chek_store_keep_begin(store, 3)); /* a row of it stays */
    struct chek_merge *merge = chek_store_merge_begin(store);
    assert_null(chek_store_keep_begin(store, 8)); /* one job at a time */
    chek_merge_drop(merge);
    merge = chek_store_keep_begin(store, 4);
    assert_non_null(merge);
    assert_true(chek_merge_is_keep(merge));
    assert_null(chek_store_merge_begin(store));
    assert_true(job_run(merge));
    assert_null(chek_store_merge_begin(store)); /* a kept one is merged with none */
    assert_true(chek_store_keep_next(store, &next));
    assert_int_equal(next.index, 1);
    assert_true(job_run(chek_store_keep_begin(store, 8)));
    assert_false(chek_store_keep_next(store, &next));
    chek_store_destroy(store);
}

static void
test_numbers_of_kept_segments_are_their_own(void **state)
{
    (void)state;
    struct chek_store *store = store_make(0);
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    struct chek_segments segments = chek_store_segments(store);
    assert_int_equal(chek_segments_count(&segments), 2);
    assert_true(chek_segments_number(&segments, 0) == CHEK_SEGMENT_KEPT_BASE);
    assert_int_equal(chek_segments_number(&segments, 1), 1);
    assert_true(chek_segments_has(&segments, CHEK_SEGMENT_KEPT_BASE));
    assert_false(chek_segments_has(&segments, CHEK_SEGMENT_KEPT_BASE + 1));
    assert_false(chek_segments_has(&segments, CHEK_SEGMENT_MERGED_BASE));
    assert_false(chek_segments_has(&segments, 0));
    struct chek_segments read = {0};
    assert_true(chek_segments_add(&read, CHEK_SEGMENT_KEPT_BASE));
    assert_true(chek_segments_add(&read, CHEK_SEGMENT_MERGED_BASE + 1));
    assert_false(chek_segments_add(&read, CHEK_SEGMENT_KEPT_BASE + 1));
    chek_store_destroy(store);
}

/* ---- bytes ------------------------------------------------------------------------------------ */

static int
load(struct chek_bytes_view image, const struct chek_bytes_view *segments, struct chek_store **ret)
{
    struct chek_store_config config = store_fixture_config();
    return chek_store_load(&config, image, segments, 2, ret);
}

static void
test_image_with_a_kept_segment_is_loaded(void **state)
{
    (void)state;
    struct chek_store *store = store_make(0);
    struct chek_store *loaded;
    uint64_t sum = sum_of(store);
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    struct chek_bytes_view image = store_fixture_image(store);
    struct chek_bytes_view segments[] = {chek_segment_bytes(store, 0),
                                         chek_segment_bytes(store, 1)};
    assert_int_equal(load(image, segments, &loaded), CHEK_OK);
    check_kept(loaded, 4);
    assert_true(sum_of(loaded) == sum);
    assert_int_equal(chek_store_count(loaded).kept_count, 1);
    struct chek_chain want = chek_store_kept_chain(store);
    struct chek_chain got = chek_store_kept_chain(loaded);
    assert_memory_equal(&got, &want, sizeof got);
    chek_store_destroy(loaded);

    /* The segment that it replaced does not stand for it any more, nor it for that. */
    struct chek_store *before = store_make(0);
    segments[0] = chek_segment_bytes(before, 0);
    assert_int_equal(load(image, segments, &loaded), CHEK_E_CORRUPT);
    test_free((void *)(uintptr_t)image.bytes);
    image = store_fixture_image(before);
    segments[0] = chek_segment_bytes(store, 0);
    assert_int_equal(load(image, segments, &loaded), CHEK_E_CORRUPT);
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(before);
    chek_store_destroy(store);
}

static void
test_kept_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    static uint8_t golden[SIZE_MAX_HERE];
    struct chek_store *store = store_make(0);
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    struct chek_bytes_view bytes = chek_segment_bytes(store, 0);
    if (writes) {
        FILE *out = fopen(KEPT_PATH, "wb");
        assert_non_null(out);
        assert_int_equal(fwrite(bytes.bytes, 1, bytes.size, out), bytes.size);
        fclose(out);
    }
    FILE *in = fopen(KEPT_PATH, "rb");
    assert_non_null(in);
    size_t size = fread(golden, 1, sizeof golden, in);
    fclose(in);
    assert_int_equal(size, bytes.size);
    assert_memory_equal(golden, bytes.bytes, size);
    chek_store_destroy(store);
}

static void
test_kept_segment_finds_every_flipped_bit(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_store *store = store_make(0);
    struct chek_segment *segment;
    assert_true(job_run(chek_store_keep_begin(store, 4)));
    struct chek_bytes_view kept = chek_segment_bytes(store, 0);
    memcpy(bytes, kept.bytes, kept.size);
    for (size_t bit = 0; bit < 8 * kept.size; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
        assert_true(store__segment_load(store_fixture_space(), chek_bytes_view_of(bytes, kept.size),
                                        &segment) != CHEK_OK);
        bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    }
    chek_store_destroy(store);
}

#define IMAGE_SUM_AT 92 /* of the first segment, in an image */

/* Add one to the taxes of every hour, under right sums. */
static void
tax_change(uint8_t *bytes, size_t size)
{
    static const uint8_t column[] = {205, 0, STORE__REQUIRED, STORE__INTEGER};
    size_t at = 0;
    while (at + sizeof column <= size && memcmp(bytes + at, column, sizeof column) != 0) {
        at += 1;
    }
    assert_true(at + sizeof column + STORE__PAGE_HEAD_SIZE <= size);
    uint8_t *head = bytes + at + sizeof column;
    chek_store_u64(head + 16, chek_load_u64(head + 16) + 1);
    chek_store_u64(head + 24, chek_load_u64(head + 24) + 1);
    store_resum_segment(bytes, size);
}

/* Sums of hours that are not those of the rows: nothing is kept, and nothing is lost. */
static void
test_wrong_hours_keep_the_segment(void **state)
{
    (void)state;
    struct chek_store *store = store_make(0);
    struct chek_store *loaded;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_bytes_view image = store_fixture_image(store);
    struct chek_bytes_view segments[] = {chek_segment_bytes(store, 0),
                                         chek_segment_bytes(store, 1)};
    memcpy(bytes, segments[0].bytes, segments[0].size);
    tax_change(bytes, segments[0].size);
    segments[0].bytes = bytes;
    uint8_t *changed = (uint8_t *)(uintptr_t)image.bytes;
    chek_store_u64(changed + IMAGE_SUM_AT, store_resum_segment_sum(bytes, segments[0].size));
    store_resum_image(changed, image.size);
    assert_int_equal(load(image, segments, &loaded), CHEK_OK);
    assert_int_equal(chek_store_hours_prove(loaded, 0), CHEK_E_CONFLICT);
    assert_false(job_run(chek_store_keep_begin(loaded, 4)));
    assert_null(chek_store_keep_begin(loaded, 4)); /* not before the next start */
    store_fixture_check(loaded, 4);
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(loaded);
    chek_store_destroy(store);
}

int
main(int argc, char **argv)
{
    writes = argc > 1 && strcmp(argv[1], "write") == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kept_segment_has_heads_closes_and_sums),
        cmocka_unit_test(test_kept_segment_keeps_what_is_replaced_out_of_scans),
        cmocka_unit_test(test_part_of_an_hour_is_removed),
        cmocka_unit_test(test_keeping_goes_by_rows_and_in_order),
        cmocka_unit_test(test_numbers_of_kept_segments_are_their_own),
        cmocka_unit_test(test_image_with_a_kept_segment_is_loaded),
        cmocka_unit_test(test_kept_bytes_are_those_of_the_format),
        cmocka_unit_test(test_kept_segment_finds_every_flipped_bit),
        cmocka_unit_test(test_wrong_hours_keep_the_segment),
    };
    return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
