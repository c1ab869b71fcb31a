/* SPDX-License-Identifier: MIT */
/*
 * test_store_bytes.c - the bytes of a segment and of an image: what they are, and what is refused.
 *
 *   test_store_bytes [write]
 *
 * The golden files freeze both formats: `write` makes them anew after a change of version.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"
#include "tests/fuzz/store_resum.h"
#include "tests/unit/store_fixture.h"

#define SEGMENT_PATH "tests/vectors/store/segment.bin"
#define IMAGE_PATH "tests/vectors/store/image.bin"
#define IMAGE_OPEN_PATH "tests/fuzz/corpus/store_image/golden" /* without segments */
#define SEGMENT_CORPUS_PATH "tests/fuzz/corpus/segment/golden"
#define SIZE_MAX_HERE 65536

static bool writes;

/* ---- golden files ---- */

static size_t
file_read(const char *path, uint8_t *bytes)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, SIZE_MAX_HERE, file);
    fclose(file);
    return size;
}

static void
check_golden(const char *path, struct chek_bytes_view bytes)
{
    static uint8_t golden[SIZE_MAX_HERE];
    if (writes) {
        FILE *file = fopen(path, "wb");
        assert_non_null(file);
        assert_int_equal(fwrite(bytes.bytes, 1, bytes.size, file), bytes.size);
        fclose(file);
    }
    size_t size = file_read(path, golden);
    assert_int_equal(size, bytes.size);
    assert_memory_equal(golden, bytes.bytes, size);
}

static void
test_segment_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(5, true);
    check_golden(SEGMENT_PATH, chek_segment_bytes(store, 0));
    check_golden(SEGMENT_CORPUS_PATH, chek_segment_bytes(store, 0));
    chek_store_destroy(store);
}

/* One segment with a replaced row, a full set and one with three rows. */
static struct chek_store *
imaged_store(void)
{
    struct chek_store *store = store_fixture_make(5, true);
    assert_int_equal(chek_store_replace(store, 7, 10), CHEK_OK);
    for (uint32_t i = 5; i < STORE_FIXTURE_ROW_COUNT; i++) {
        store_fixture_append(store, &store_fixture_rows()[i]);
    }
    assert_int_equal(chek_store_replace(store, 900, 4), CHEK_OK);
    return store;
}

static void
test_image_bytes_are_those_of_the_format(void **state)
{
    (void)state;
    struct chek_store *store = imaged_store();
    struct chek_bytes_view image = store_fixture_image(store);
    check_golden(IMAGE_PATH, image);
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(store);

    store = store_fixture_make(STORE_FIXTURE_ROW_COUNT, false);
    image = store_fixture_image(store);
    check_golden(IMAGE_OPEN_PATH, image);
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(store);
}

/* ---- opening segments ---- */

static int
open_bytes(const uint8_t *bytes, size_t size, struct chek_segment **ret)
{
    return store__segment_load(store_fixture_space(), chek_bytes_view_of(bytes, size), ret);
}

static void
test_segment_finds_every_flipped_bit(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_segment *segment;
    size_t size = file_read(SEGMENT_PATH, bytes);
    assert_int_equal(open_bytes(bytes, size, &segment), CHEK_OK);
    store__segment_destroy(segment);
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8));
        int error = open_bytes(bytes, size, &segment);
        bool of_version = bit / 8 == 8 || bit / 8 == 9;
        assert_int_equal(error, of_version ? CHEK_E_VERSION : CHEK_E_CORRUPT);
        bytes[bit / 8] = (uint8_t)(bytes[bit / 8] ^ 1u << (bit % 8));
    }
}

static void
test_segment_finds_every_truncation(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_segment *segment;
    size_t size = file_read(SEGMENT_PATH, bytes);
    for (size_t cut = 0; cut < size; cut++) {
        assert_int_equal(open_bytes(bytes, cut, &segment), CHEK_E_CORRUPT);
        chek_store_u64(bytes + 40, cut); /* also when the head knows of it */
        store_resum_segment(bytes, cut);
        assert_int_equal(open_bytes(bytes, cut, &segment), CHEK_E_CORRUPT);
        size = file_read(SEGMENT_PATH, bytes);
    }
}

#define HEAD STORE__SEGMENT_HEAD_SIZE

/* Change of some bytes, with sums made right again. */
static struct patch_case {
    const char *name;
    size_t at;
    uint32_t size;
    uint64_t value;
    int want;
} patch_cases[] = {
    {"an_unchanged_segment_is_accepted", 12, 4, 4, CHEK_OK},
    {"a_marking_table_has_as_many_entries_as_its_head_says", 52, 4, 2, CHEK_E_CORRUPT},
    {"a_marking_table_is_there", 52, 4, 0, CHEK_E_CORRUPT},
    {"a_marking_table_has_no_more_entries_than_there_are", 52, 4, 4, CHEK_E_CORRUPT},
    {"a_marking_table_has_no_more_entries_than_rows_could", 52, 4, 4 * 16000 + 1, CHEK_E_CORRUPT},
    {"a_segment_is_kept_or_not", 52, 4, UINT32_MAX, CHEK_E_CORRUPT},
    {"a_segment_is_of_sets", 28, 4, 0, CHEK_E_CORRUPT},
    {"a_segment_has_no_more_sets_than_rows", 28, 4, 5, CHEK_E_CORRUPT},
    {"an_hour_table_has_as_many_cells_as_its_head_says", 48, 4, 2, CHEK_E_CORRUPT},
    {"an_hour_table_is_there", 48, 4, 0, CHEK_E_CORRUPT},
    {"an_hour_table_has_no_more_cells_than_rows", 48, 4, 5, CHEK_E_CORRUPT},
    {"a_segment_has_rows", 12, 4, 0, CHEK_E_CORRUPT},
    {"a_segment_has_no_more_rows_than_allowed", 12, 4, (1u << 18) + 1, CHEK_E_CORRUPT},
    {"a_segment_has_as_many_lines_as_its_head_says", 16, 4, 7, CHEK_E_CORRUPT},
    {"a_page_has_rows", 20, 4, 0, CHEK_E_CORRUPT},
    {"a_page_has_at_most_4096_rows", 20, 4, 4097, CHEK_E_CORRUPT},
    {"there_is_a_run", 24, 4, 0, CHEK_E_CORRUPT},
    {"there_are_no_more_runs_than_rows", 24, 4, 5, CHEK_E_CORRUPT},
    {"the_first_run_begins_with_the_first_row", HEAD + 8, 4, 1, CHEK_E_CORRUPT},
    {"ordinals_of_a_run_fit_32_bits", HEAD + 4, 4, UINT32_MAX, CHEK_E_CORRUPT},
    {"registrations_of_runs_rise", HEAD + 12, 4, 7, CHEK_E_CORRUPT},
    {"rows_of_runs_rise", HEAD + 12 + 8, 4, 0, CHEK_E_CORRUPT},
    {"a_run_begins_inside_the_segment", HEAD + 12 + 8, 4, 4, CHEK_E_CORRUPT},
    {"an_unknown_required_column_is_another_version", HEAD + 24, 2, 0, CHEK_E_CORRUPT},
    {"column_ids_rise", HEAD + 24, 2, 500, CHEK_E_VERSION},
    {"a_known_column_keeps_its_need", HEAD + 24 + 2, 1, STORE__OPTIONAL, CHEK_E_CORRUPT},
    {"a_known_column_keeps_its_kind", HEAD + 24 + 3, 1, STORE__BYTES, CHEK_E_CORRUPT},
    {"a_page_has_a_known_codec", HEAD + 24 + 4, 1, 9, CHEK_E_CORRUPT},
    {"a_page_has_reserved_zeroes", HEAD + 24 + 4 + 2, 2, 1, CHEK_E_CORRUPT},
    {"a_page_has_as_many_values_as_rows", HEAD + 24 + 4 + 4, 4, 2, CHEK_E_CORRUPT},
    {"a_page_ends_inside_the_segment", HEAD + 24 + 4 + 8, 8, UINT64_MAX - 3, CHEK_E_CORRUPT},
};

static void
test_segment_patch(void **state)
{
    static uint8_t bytes[SIZE_MAX_HERE];
    const struct patch_case *c = *state;
    struct chek_segment *segment = NULL;
    size_t size = file_read(SEGMENT_PATH, bytes);
    memcpy(bytes + c->at, &c->value, c->size);
    store_resum_segment(bytes, size);
    assert_int_equal(open_bytes(bytes, size, &segment), c->want);
    store__segment_destroy(segment);
}

/* The entry of a column in the directory of the golden segment. */
static uint8_t *
column_find(uint8_t *bytes, uint16_t id)
{
    uint32_t page_count = (chek_load_u32(bytes + 12) - 1) / chek_load_u32(bytes + 20) + 1;
    uint8_t *at = bytes + STORE__SEGMENT_HEAD_SIZE + chek_load_u32(bytes + 24) * STORE__RUN_SIZE;
    for (uint32_t i = 0; i < chek_load_u16(bytes + 10); i++) {
        if (chek_load_u16(at) == id) {
            return at;
        }
        at += STORE__COLUMN_HEAD_SIZE + page_count * STORE__PAGE_HEAD_SIZE;
    }
    fail();
    return NULL;
}

static void
test_segment_skips_an_unknown_optional_column(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_segment *segment;
    size_t size = file_read(SEGMENT_PATH, bytes);
    uint8_t *last = column_find(bytes, store__columns[STORE__MARKING_CONTENT].id);
    chek_store_u16(last, 9999);
    last[2] = STORE__REQUIRED;
    store_resum_segment(bytes, size);
    assert_int_equal(open_bytes(bytes, size, &segment), CHEK_E_VERSION);
    last[2] = STORE__OPTIONAL;
    store_resum_segment(bytes, size);
    assert_int_equal(open_bytes(bytes, size, &segment), CHEK_OK);
    assert_int_equal(segment->columns[STORE__MARKING_CONTENT], 0);
    assert_int_not_equal(segment->columns[STORE__PARENT_REGISTER], 0);
    store__segment_destroy(segment);
}

/* A count that does not match its children would be an offset into other rows. */
static void
test_segment_counts_its_children(void **state)
{
    (void)state;
    static const enum store__column counts[] = {
        STORE__DOCUMENT_PAYMENT_COUNT, STORE__DOCUMENT_TAX_COUNT, STORE__DOCUMENT_LINE_COUNT,
        STORE__DOCUMENT_FLAGS,         STORE__LINE_TAX_COUNT,     STORE__LINE_MARKING_COUNT,
        STORE__MODIFIER_TAX_COUNT};
    for (uint32_t i = 0; i < CHEK_COUNT(counts); i++) {
        static uint8_t bytes[SIZE_MAX_HERE];
        struct chek_segment *segment;
        size_t size = file_read(SEGMENT_PATH, bytes);
        uint8_t *column = column_find(bytes, store__columns[counts[i]].id);
        chek_store_u16(column, 9999);
        /* Without the column its counts are zero, and the children are too many. */
        column[2] = STORE__OPTIONAL;
        store_resum_segment(bytes, size);
        int error = open_bytes(bytes, size, &segment);
        assert_int_equal(error, CHEK_E_CORRUPT);
    }
}

/* ---- dictionaries ---- */

/* A short text is found by its bytes padded with zeroes: one that has zeroes is another text. */
static void
test_dictionary_tells_texts_with_zero_bytes_apart(void **state)
{
    (void)state;
    static const char zeroes[] = "ab\0\0\0\0\0\0\0";
    struct chek_store_config config = {
        .dictionary_count_max = 100, .dictionary_size_max = 1000, .segment_row_count = 32};
    struct chek_store *store;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    assert_int_equal(store__pool_stock(&store->pool, 64), CHEK_OK);
    struct store__dictionary *dictionary = &store->dictionaries[STORE__DICTIONARY_PROFILE];
    for (uint32_t i = 0; i < 18; i++) { /* each twice, of 1 to 9 bytes */
        uint32_t code = store__dictionary_intern(dictionary, &store->pool,
                                                 chek_bytes_view_of(zeroes, 1 + i % 9));
        assert_int_equal(code, 1 + i % 9);
        assert_int_equal(store__dictionary_text(dictionary, code).size, 1 + i % 9);
    }
    assert_true(store__dictionary_is_valid(dictionary));
    chek_store_destroy(store);
}

/* ---- loading images ---- */

static int
load(struct chek_bytes_view image, const struct chek_bytes_view *segments, uint32_t count,
     struct chek_store **ret)
{
    struct chek_store_config config = store_fixture_config();
    return chek_store_load(&config, image, segments, count, ret);
}

static void
test_image_loads_a_store_that_behaves_the_same(void **state)
{
    (void)state;
    struct chek_store *store = imaged_store();
    struct chek_bytes_view image = store_fixture_image(store);
    struct chek_bytes_view segment = chek_segment_bytes(store, 0);
    struct chek_store *loaded;
    assert_int_equal(load(image, &segment, 1, &loaded), CHEK_OK);
    assert_true(chek_store_history_hash(loaded) == chek_store_history_hash(store));
    assert_int_equal(chek_store_count(loaded).row_count, STORE_FIXTURE_ROW_COUNT);
    assert_int_equal(chek_store_count(loaded).line_count, chek_store_count(store).line_count);
    struct store_fixture_row more = store_fixture_rows()[0];
    more.row.ordinal = 6;
    for (uint32_t i = 0; i < 2; i++) { /* it goes on in the same way */
        struct chek_store *each = i == 0 ? store : loaded;
        store_fixture_append(each, &more);
        store_fixture_seal(each);
    }
    assert_true(chek_store_history_hash(loaded) == chek_store_history_hash(store));
    assert_int_equal(chek_segment_count(loaded), 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(
            chek_bytes_view_equal(chek_segment_bytes(loaded, i), chek_segment_bytes(store, i)));
    }
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(store);
    chek_store_destroy(loaded);
}

static void
test_image_finds_every_flipped_bit(void **state)
{
    (void)state;
    static uint8_t image[SIZE_MAX_HERE];
    static uint8_t segment_bytes[SIZE_MAX_HERE];
    struct chek_store *store;
    size_t size = file_read(IMAGE_PATH, image);
    struct chek_bytes_view segment =
        chek_bytes_view_of(segment_bytes, file_read(SEGMENT_PATH, segment_bytes));
    assert_int_equal(load(chek_bytes_view_of(image, size), &segment, 1, &store), CHEK_OK);
    chek_store_destroy(store);
    for (size_t bit = 0; bit < size * 8; bit++) {
        image[bit / 8] = (uint8_t)(image[bit / 8] ^ 1u << (bit % 8));
        assert_int_equal(load(chek_bytes_view_of(image, size), &segment, 1, &store),
                         CHEK_E_CORRUPT);
        image[bit / 8] = (uint8_t)(image[bit / 8] ^ 1u << (bit % 8));
    }
}

/* With the sums made right, a changed byte is refused or is another value: never a crash.
 * (The fuzz target tries more than every fifth.) */
static void
test_image_stands_every_changed_byte(void **state)
{
    (void)state;
    static uint8_t image[SIZE_MAX_HERE];
    static uint8_t segment_bytes[SIZE_MAX_HERE];
    struct chek_store *store;
    uint32_t refused_count = 0;
    size_t size = file_read(IMAGE_PATH, image);
    struct chek_bytes_view segment =
        chek_bytes_view_of(segment_bytes, file_read(SEGMENT_PATH, segment_bytes));
    for (size_t at = 0; at < size - 8; at += 5) {
        static const uint8_t changes[] = {0x01, 0x80, 0xff};
        uint8_t change = changes[at / 5 % CHEK_COUNT(changes)];
        image[at] ^= change;
        store_resum_image(image, size);
        int error = load(chek_bytes_view_of(image, size), &segment, 1, &store);
        image[at] ^= change;
        if (error != CHEK_OK) {
            assert_true(error == CHEK_E_CORRUPT || error == CHEK_E_VERSION);
            refused_count += 1;
            continue;
        }
        if (at % 3 == 0) {
            store_fixture_append(store, &(struct store_fixture_row){
                                            .row = {.registration = 1, .kind = CHEK_ROW_CLOSE},
                                            .document = store_fixture_rows()[4].document});
            store_fixture_seal(store);
        }
        chek_store_destroy(store);
    }
    assert_true(refused_count > size / 5 / 10);
}

/* Where the image has its chain: ranges, rows, head. The golden one has a range of four rows, and says
 * the same chain again at the end of its segment. */
#define CHAIN_AT 40
#define CHAIN_AGAIN_AT 100

static struct chain_case {
    const char *name;
    size_t at;
    uint64_t value;
    int want;
    bool both; /* places */
} chain_cases[] = {
    {"a_chain_covers_what_is_sealed", CHAIN_AT, 1, CHEK_OK, .both = false},
    {"a_chain_has_all_sealed_ranges", CHAIN_AT, 0, CHEK_E_CORRUPT, .both = false},
    {"a_chain_has_no_more_ranges", CHAIN_AT, 2, CHEK_E_CORRUPT, .both = false},
    {"a_chain_has_no_more_rows", CHAIN_AT + 8, 8, CHEK_E_CORRUPT, .both = false},
    {"a_chain_has_no_fewer_rows", CHAIN_AT + 8, 0, CHEK_E_CORRUPT, .both = false},
    {"ranges_are_as_long_as_the_folder_says", CHAIN_AT, UINT64_C(1) << 62, CHEK_E_CORRUPT,
     .both = false},
    {"a_chain_is_that_of_the_last_segment", CHAIN_AT + 16, 1, CHEK_E_CORRUPT, .both = false},
    {"another_head_is_for_the_check_to_find", CHAIN_AT + 16, 1, CHEK_OK, .both = true},
    {"a_chain_of_a_segment_has_its_sets", CHAIN_AGAIN_AT, 2, CHEK_E_CORRUPT, .both = false},
    {"a_chain_of_a_segment_has_its_rows", CHAIN_AGAIN_AT + 8, 5, CHEK_E_CORRUPT, .both = false},
    {"ranges_of_both_are_as_many_as_sets", CHAIN_AT, 2, CHEK_E_CORRUPT, .both = true},
};

static void
test_image_chain(void **state)
{
    const struct chain_case *c = *state;
    static uint8_t image[SIZE_MAX_HERE];
    static uint8_t segment_bytes[SIZE_MAX_HERE];
    struct chek_store *store = NULL;
    size_t size = file_read(IMAGE_PATH, image);
    struct chek_bytes_view segment =
        chek_bytes_view_of(segment_bytes, file_read(SEGMENT_PATH, segment_bytes));
    chek_store_u64(image + c->at, c->value);
    if (c->both) {
        chek_store_u64(image + c->at + (CHAIN_AGAIN_AT - CHAIN_AT), c->value);
    }
    store_resum_image(image, size);
    assert_int_equal(load(chek_bytes_view_of(image, size), &segment, 1, &store), c->want);
    chek_store_destroy(store);
}

static void
test_image_belongs_to_its_segments(void **state)
{
    (void)state;
    struct chek_store *store = store_fixture_make(STORE_FIXTURE_ROW_COUNT, true);
    struct chek_bytes_view image = store_fixture_image(store);
    struct chek_bytes_view segments[3] = {
        chek_segment_bytes(store, 0), chek_segment_bytes(store, 1), {0}};
    struct chek_store *loaded;
    assert_int_equal(load(image, segments, 1, &loaded), CHEK_E_CORRUPT);
    assert_int_equal(load(image, segments, 3, &loaded), CHEK_E_CORRUPT);
    assert_int_equal(load(image, segments, 2, &loaded), CHEK_OK);
    chek_store_destroy(loaded);
    struct chek_bytes_view swapped[2] = {segments[1], segments[0]};
    assert_int_equal(load(image, swapped, 2, &loaded), CHEK_E_CORRUPT);
    struct chek_bytes_view twice[2] = {segments[0], segments[0]};
    assert_int_equal(load(image, twice, 2, &loaded), CHEK_E_CORRUPT);
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(store);
}

static void
test_image_write_says_when_it_does_not_fit(void **state)
{
    (void)state;
    static uint8_t bytes[SIZE_MAX_HERE];
    struct chek_store *store = imaged_store();
    size_t size = chek_store_image_size(store);
    for (size_t capacity = 0; capacity < size; capacity += 7) {
        struct chek_writer out = chek_writer_over(bytes, capacity);
        chek_store_image_write(store, &out);
        assert_true(out.full);
    }
    chek_store_destroy(store);
}

static void
test_load_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct chek_store *store = imaged_store();
    struct chek_bytes_view image = store_fixture_image(store);
    struct chek_bytes_view segment = chek_segment_bytes(store, 0);
    uint64_t heap_size = chek_memory_count().heap_size;
    uint64_t taken_size = chek_workspace_count().size;
    struct chek_store *loaded = NULL;
    uint64_t n = 1;
    for (;; n++) {
        chek_memory_fail_at(n);
        int error = load(image, &segment, 1, &loaded);
        chek_memory_fail_at(0);
        if (error == CHEK_OK) {
            break;
        }
        assert_int_equal(error, -ENOMEM);
        assert_null(loaded);
        assert_int_equal(chek_memory_count().heap_size, heap_size);
        assert_int_equal(chek_workspace_count().size, taken_size);
    }
    assert_true(n > 50);
    chek_store_destroy(loaded);
    test_free((void *)(uintptr_t)image.bytes);
    chek_store_destroy(store);
}

int
main(int argument_count, char **arguments)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment_bytes_are_those_of_the_format),
        cmocka_unit_test(test_image_bytes_are_those_of_the_format),
        cmocka_unit_test(test_segment_finds_every_flipped_bit),
        cmocka_unit_test(test_segment_finds_every_truncation),
        cmocka_unit_test(test_segment_skips_an_unknown_optional_column),
        cmocka_unit_test(test_segment_counts_its_children),
        cmocka_unit_test(test_dictionary_tells_texts_with_zero_bytes_apart),
        cmocka_unit_test(test_image_loads_a_store_that_behaves_the_same),
        cmocka_unit_test(test_image_finds_every_flipped_bit),
        cmocka_unit_test(test_image_stands_every_changed_byte),
        cmocka_unit_test(test_image_belongs_to_its_segments),
        cmocka_unit_test(test_image_write_says_when_it_does_not_fit),
        cmocka_unit_test(test_load_survives_every_failed_allocation),
    };
    struct CMUnitTest patches[CHEK_COUNT(patch_cases)];

    writes = argument_count > 1 && strcmp(arguments[1], "write") == 0;
    for (size_t i = 0; i < CHEK_COUNT(patch_cases); i++) {
        patches[i] = (struct CMUnitTest){.name = patch_cases[i].name,
                                         .test_func = test_segment_patch,
                                         .initial_state = &patch_cases[i]};
    }
    struct CMUnitTest chains[CHEK_COUNT(chain_cases)];
    for (size_t i = 0; i < CHEK_COUNT(chain_cases); i++) {
        chains[i] = (struct CMUnitTest){.name = chain_cases[i].name,
                                        .test_func = test_image_chain,
                                        .initial_state = &chain_cases[i]};
    }
    int failed = cmocka_run_group_tests_name("store_bytes", tests, NULL, NULL);
    failed += cmocka_run_group_tests_name("image_chain", chains, NULL, NULL);
    return failed + cmocka_run_group_tests_name("segment_patch", patches, NULL, NULL);
}
