/* SPDX-License-Identifier: MIT */
/* test_directory_image.c - pages of a directory: loaded, damaged, and enough of them. */
#include "tests/unit/directory_fixture.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "tests/unit/table.h"

/* ---- images ----------------------------------------------------------------------------------- */

static void
test_load_is_the_same_directory(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open_scene();
    struct chek_bytes_view points[] = {directory_text("north")};
    struct chek_scope scope = {.points = points, .points_count = 1};
    struct chek_directory *loaded = NULL;
    uint64_t folder[2], want_folder[2];
    char token[CHEK_TOKEN_TEXT_MAX];
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint32_t found = 0;

    (void)directory_principal_add(directory, 1, false, &scope);
    (void)directory_principal_add(directory, 7, true, NULL);
    assert_error(
        chek_directory_load(DIRECTORY_PAGE_COUNT_MAX, chek_directory_pages(directory), &loaded),
        CHEK_OK);
    assert_true(chek_directory_hash(loaded) == chek_directory_hash(directory));
    assert_int_equal(chek_directory_partition_count(loaded), DIRECTORY_PARTITION_COUNT);
    chek_directory_folder_id(loaded, folder);
    chek_directory_folder_id(directory, want_folder);
    assert_memory_equal(folder, want_folder, sizeof folder);
    directory_secret(2, secret);
    chek_token_write(2, secret, token);
    assert_error(chek_directory_authenticate(loaded, directory_text(token), &found), CHEK_OK);
    assert_true(chek_directory_sees(loaded, 1, 3) && !chek_directory_sees(loaded, 1, 2));
    /* They go on alike. */
    struct register_row row = {.organisation = "1", .keys = {"1:f1", "2:new"}, .address = "there"};
    struct chek_claimed here = directory_claim(directory, &row);
    struct chek_claimed there = directory_claim(loaded, &row);
    assert_int_equal(here.registration, there.registration);
    assert_int_equal(directory_principal_add(directory, 1, false, NULL), 3);
    assert_int_equal(directory_principal_add(loaded, 1, false, NULL), 3);
    assert_true(chek_directory_hash(loaded) == chek_directory_hash(directory));
    chek_directory_destroy(loaded);
    chek_directory_destroy(directory);
}

/* What loads answers every question without harm. */
static void
ask_everything(const struct chek_directory *directory)
{
    static uint8_t memory[65536];
    struct chek_arena arena;
    struct chek_registered registered;
    struct chek_principal principal;
    struct chek_home home;
    uint32_t found[4];

    for (uint32_t i = 0; i <= chek_directory_registration_count(directory); i++) {
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = chek_directory_registered(directory, i, &arena, &registered);
        assert_int_equal(error == CHEK_OK, i != 0);
        assert_int_equal(chek_directory_home(directory, i, &home) == CHEK_OK, i != 0);
        /* Others use it as an index. */
        assert_true(i == 0 || (home.registration == i && home.partition > 0 &&
                               home.partition <= chek_directory_partition_count(directory)));
        for (uint32_t who = 0; who <= chek_directory_principal_count(directory); who++) {
            (void)chek_directory_sees(directory, who, i);
        }
    }
    for (uint32_t who = 0; who <= chek_directory_principal_count(directory); who++) {
        chek_arena_init_over(&arena, memory, sizeof memory);
        int error = chek_directory_principal_read(directory, who, &arena, &principal);
        assert_int_equal(error == CHEK_OK, who != 0);
        assert_true(who == 0 || (principal.name.size <= 64 && principal.rights < 16));
        (void)chek_directory_find(directory, who, -1, directory_text("a"), found, 4);
    }
}

/* Load the pages with one byte changed: CORRUPT, or harmless. Returns whether they loaded. */
static bool
load_damaged(uint8_t *pages, size_t size, size_t at, uint8_t flip)
{
    struct chek_directory *loaded = NULL;

    pages[at] ^= flip;
    int error =
        chek_directory_load(DIRECTORY_PAGE_COUNT_MAX, chek_bytes_view_of(pages, size), &loaded);
    pages[at] ^= flip;
    if (error != CHEK_OK) {
        assert_true(error == CHEK_E_CORRUPT || error == CHEK_E_FULL);
        assert_null(loaded);
        return false;
    }
    ask_everything(loaded);
    chek_directory_destroy(loaded);
    return true;
}

static void
test_damaged_pages_are_refused_or_harmless(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open_scene();
    struct chek_bytes_view points[] = {directory_text("north")};
    struct chek_scope scope = {.points = points, .points_count = 1};
    (void)directory_principal_add(directory, 1, false, &scope);
    struct chek_bytes_view pages = chek_directory_pages(directory);
    uint8_t *damaged = malloc(pages.size);
    unsigned count = 0, loaded_count = 0;

    assert_non_null(damaged);
    memcpy(damaged, pages.bytes, pages.size);
    for (size_t at = 0; at < pages.size; at++) {
        if (at >= 512 && pages.bytes[at] == 0 && at % 97 != 0) {
            continue; /* zeros behind zeros: a sample will do */
        }
        loaded_count += load_damaged(damaged, pages.size, at, (uint8_t)(1 << at % 8));
        loaded_count += load_damaged(damaged, pages.size, at, 0xff);
        count += 2;
    }
    /* Names and hashes may change and nobody can tell; structure may not. */
    assert_true(loaded_count > 60 && loaded_count < count / 2);
    free(damaged);
    chek_directory_destroy(directory);
}

static void
test_pages_of_another_owner_are_refused(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    struct chek_directory *loaded = NULL;

    assert_error(chek_page_heap_init(&heap, 16, 8), CHEK_OK);
    assert_error(
        chek_directory_load(DIRECTORY_PAGE_COUNT_MAX, chek_page_heap_pages(&heap), &loaded),
        CHEK_E_CORRUPT);
    assert_null(loaded);
    chek_page_heap_finish(&heap);
}

/* ---- memory ----------------------------------------------------------------------------------- */

static void
test_create_and_load_without_memory_leave_nothing_behind(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open_scene();
    struct chek_directory *made = NULL;
    for (unsigned loads = 0; loads < 2; loads++) {
        struct chek_memory_counters before = chek_memory_count();
        int error = -1;
        for (uint64_t fail_at = 1; error != CHEK_OK; fail_at++) {
            assert_true(fail_at < 100);
            chek_memory_fail_at(fail_at);
            error = loads != 0 ? chek_directory_load(DIRECTORY_PAGE_COUNT_MAX,
                                                     chek_directory_pages(directory), &made)
                               : chek_directory_create(DIRECTORY_PAGE_COUNT_MAX, &made);
            chek_memory_fail_at(0);
            struct chek_memory_counters after = chek_memory_count();
            assert_true(error == CHEK_OK || (made == NULL && after.heap_size == before.heap_size &&
                                             after.reserved_size == before.reserved_size));
        }
        chek_directory_destroy(made);
        made = NULL;
    }
    chek_directory_destroy(NULL);
    chek_directory_destroy(directory);
}

/* A register whose record just fits into the class of 1,168 bytes. */
struct large {
    char key[8], more[8], keys[5][64], text[256], address[256], point[65];
    struct register_row row;
};

static void
large_make(struct large *large, unsigned number)
{
    memset(large, 0, sizeof *large);
    snprintf(large->key, sizeof large->key, "0:%u", number);
    snprintf(large->more, sizeof large->more, "1:%u", number);
    memset(large->text, 'n', 255);
    memset(large->address, 'a', 255);
    memset(large->point, 'p', 64);
    large->row = (struct register_row){.organisation = "1",
                                       .keys = {large->key},
                                       .organisation_name = large->text,
                                       .point_name = large->text,
                                       .address = large->address,
                                       .point = large->point,
                                       .model = large->point};
    for (unsigned i = 0; i < 5; i++) {
        snprintf(large->keys[i], sizeof large->keys[i], "4:%u of %050u", i, number);
        large->row.keys[1 + i] = large->keys[i];
    }
    uint8_t bytes[2048];
    struct register_built built;
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_register_encode(&out, register_build(&large->row, &built));
    assert_true(out.size > 1168 && out.size < 1168 + 250);
    large->address[255 - (out.size - 1168)] = '\0';
}

enum { LARGE_COUNT = 8000 };

/* A directory of large registers in a heap of so many pages, after which `size` bytes of claims
 * were promised; NULL when it is too small for that. */
static struct chek_directory *
large_begin(uint32_t page_count_max, size_t size)
{
    struct chek_directory *directory = NULL;
    assert_error(chek_directory_create(page_count_max, &directory), CHEK_OK);
    chek_directory_genesis(directory, &(struct chek_genesis){.partitions = 1});
    for (unsigned i = 0; i < LARGE_COUNT; i++) {
        struct large large;
        struct register_built built;
        struct chek_claimed claimed;
        large_make(&large, i);
        if (chek_directory_ensure(directory, 1400) != CHEK_OK) {
            chek_directory_destroy(directory);
            return NULL;
        }
        chek_directory_claim(directory, register_build(&large.row, &built), &claimed);
    }
    if (chek_directory_ensure(directory, size) != CHEK_OK) {
        chek_directory_destroy(directory);
        return NULL;
    }
    return directory;
}

/* The worst for what is ensured: every second register grows by one short key into a larger class, and
 * the pages that they leave stay in use. In the smallest heap in which that is promised it must be possible. */
static void
test_ensure_is_enough_for_records_that_grow(void **state)
{
    (void)state;
    struct chek_directory *directory = NULL;
    uint32_t too_small = 100, enough = 8000; /* pages */

    while (enough - too_small > 1) {
        uint32_t middle = (too_small + enough) / 2;
        directory = large_begin(middle, (size_t)LARGE_COUNT / 2 * 15);
        if (directory != NULL) {
            enough = middle;
            chek_directory_destroy(directory);
        } else {
            too_small = middle;
        }
    }
    directory = large_begin(enough, (size_t)LARGE_COUNT / 2 * 15);
    assert_non_null(directory);
    for (unsigned i = 0; i < LARGE_COUNT; i += 2) {
        struct large large;
        struct register_built built;
        struct chek_claimed claimed;
        large_make(&large, i);
        struct register_row row = {.organisation = "1", .keys = {large.key, large.more}};
        chek_directory_claim(directory, register_build(&row, &built), &claimed);
        assert_int_equal(claimed.registration, i + 1);
    }
    chek_directory_destroy(directory);
}

static void
test_claims_again_and_again_take_no_more_room(void **state)
{
    (void)state;
    struct chek_directory *directory = directory_open();
    char address[256] = {0};
    size_t size = 0;

    for (unsigned i = 0; i < 2000; i++) {
        memset(address, 'a', 255);
        address[1 + i % 255] = '\0';
        (void)directory_claim(
            directory,
            &(struct register_row){.organisation = "1", .keys = {"0:a"}, .address = address});
        if (i == 300) {
            size = chek_directory_pages(directory).size;
        }
    }
    assert_int_equal(chek_directory_pages(directory).size, size);
    chek_directory_destroy(directory);
}

int
main(void)
{
    struct table table = {0};
    if (sodium_init() < 0) {
        return 1;
    }
    TABLE_TEST(&table, test_load_is_the_same_directory);
    TABLE_TEST(&table, test_damaged_pages_are_refused_or_harmless);
    TABLE_TEST(&table, test_pages_of_another_owner_are_refused);
    TABLE_TEST(&table, test_create_and_load_without_memory_leave_nothing_behind);
    TABLE_TEST(&table, test_claims_again_and_again_take_no_more_room);
    TABLE_TEST(&table, test_ensure_is_enough_for_records_that_grow);
    return table_run(&table, "directory_image");
}
