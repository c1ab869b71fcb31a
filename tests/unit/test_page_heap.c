/* SPDX-License-Identifier: MIT */
/*
 * test_page_heap.c - classes, lists and limits of a heap, and that its misuse is caught.
 */
#include "engine/base/page_heap.h"

#include <errno.h>

#include "engine/base/memory.h"
#include "tests/unit/last_words.h"
#include "tests/unit/page_heap_fixture.h"
#include "tests/unit/table.h"

#define REFS (CHEK_PAGE_SIZE / 16)

/* A size, its class, and how many objects of it a page holds. */
static struct class_case {
    const char *name;
    uint32_t size, class_size, count;
} class_cases[] = {
    {"class_of_1", 1, 16, 1015},       {"class_of_16", 16, 16, 1015},
    {"class_of_17", 17, 32, 509},      {"class_of_48", 48, 48, 340},
    {"class_of_64", 64, 64, 255},      {"class_of_65", 65, 80, 204},
    {"class_of_96", 96, 96, 170},      {"class_of_112", 112, 112, 145},
    {"class_of_128", 128, 128, 127},   {"class_of_129", 129, 160, 102},
    {"class_of_161", 161, 192, 85},    {"class_of_224", 224, 224, 73},
    {"class_of_256", 256, 256, 63},    {"class_of_257", 257, 320, 51},
    {"class_of_384", 384, 384, 42},    {"class_of_448", 448, 448, 36},
    {"class_of_512", 512, 512, 31},    {"class_of_513", 513, 640, 25},
    {"class_of_768", 768, 768, 21},    {"class_of_896", 896, 896, 18},
    {"class_of_1024", 1024, 1024, 15}, {"class_of_1025", 1025, 1168, 14},
    {"class_of_1360", 1360, 1360, 12}, {"class_of_1632", 1632, 1632, 10},
    {"class_of_2032", 2032, 2032, 8},  {"class_of_2033", 2033, 2336, 7},
    {"class_of_2720", 2720, 2720, 6},  {"class_of_3264", 3264, 3264, 5},
    {"class_of_4080", 4080, 4080, 4},  {"class_of_4081", 4081, 5440, 3},
    {"class_of_8160", 8160, 8160, 2},
};

/* Fill a page and begin the next one; objects do not overlap and hold what is put there. */
static void
test_page_heap_class(void **state)
{
    const struct class_case *c = *state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref refs[1016];
    for (uint32_t i = 0; i <= c->count; i++) {
        refs[i] = chek_page_heap_allocate(&heap, c->size);
        assert_int_equal(refs[i] / REFS, i < c->count ? 1 : 2);
        assert_true(bytes_are_zero(chek_page_heap_read(&heap, refs[i]), c->class_size));
        memset(chek_page_heap_change(&heap, refs[i]), (int)(1 + i % 255), c->class_size);
    }
    assert_int_equal(refs[1] - refs[0], c->class_size / 16);
    assert_int_equal(refs[c->count - 1] % REFS * 16 + c->class_size, CHEK_PAGE_SIZE);
    assert_int_equal(chek_page_heap_used_size(&heap), (c->count + 1) * c->class_size);
    assert_true(chek_page_heap_is_valid(&heap));
    for (uint32_t i = 0; i <= c->count; i++) {
        const uint8_t *bytes = chek_page_heap_read(&heap, refs[i]);
        assert_int_equal(bytes[0], 1 + i % 255);
        assert_int_equal(bytes[c->class_size - 1], 1 + i % 255);
        chek_page_heap_free(&heap, refs[i], c->size);
        assert_true(bytes_are_zero(bytes, c->class_size));
    }
    assert_int_equal(chek_page_heap_used_size(&heap), 0);
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_empty_page_serves_another_class(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref ref = chek_page_heap_allocate(&heap, 64);
    chek_page_heap_free(&heap, ref, 64);
    ref = chek_page_heap_allocate(&heap, 1024);
    assert_int_equal(ref / REFS, 1);
    assert_int_equal(heap.page_count, 2);
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_allocate_takes_the_lowest_free(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref refs[100];
    for (size_t i = 0; i < CHEK_COUNT(refs); i++) {
        refs[i] = chek_page_heap_allocate(&heap, 64);
    }
    chek_page_heap_free(&heap, refs[80], 64);
    chek_page_heap_free(&heap, refs[3], 64);
    assert_int_equal(chek_page_heap_allocate(&heap, 64), refs[3]);
    assert_int_equal(chek_page_heap_allocate(&heap, 64), refs[80]);
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_root_is_zeroed_and_kept(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(CHEK_PAGE_ROOT_SIZE_MAX);
    assert_int_equal(chek_page_heap_root_size(&heap), CHEK_PAGE_ROOT_SIZE_MAX);
    assert_true(bytes_are_zero(chek_page_heap_root(&heap), CHEK_PAGE_ROOT_SIZE_MAX));
    memset(chek_page_heap_root_change(&heap), 0xff, CHEK_PAGE_ROOT_SIZE_MAX);
    assert_true(chek_page_heap_is_valid(&heap));
    assert_ptr_equal(chek_page_heap_root(&heap), heap.base + 256);
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_full_refuses_and_goes_on(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    assert_error(chek_page_heap_init(&heap, 3, 0), CHEK_OK);
    chek_page_ref refs[4];
    for (size_t i = 0; i < CHEK_COUNT(refs); i++) {
        refs[i] = chek_page_heap_allocate(&heap, 8160);
        assert_int_not_equal(refs[i], 0);
    }
    uint64_t hash = chek_page_heap_hash(&heap);
    assert_int_equal(chek_page_heap_allocate(&heap, 8160), 0);
    assert_int_equal(chek_page_heap_allocate(&heap, 16), 0);
    assert_error(chek_page_heap_ensure(&heap, 1), CHEK_E_FULL);
    assert_true(chek_page_heap_hash(&heap) == hash);

    chek_page_heap_free(&heap, refs[1], 8160);
    assert_int_equal(chek_page_heap_allocate(&heap, 8160), refs[1]);
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_finish(&heap);
}

/* After ensure(size), objects of that total are allocated although nothing can be committed. */
static struct ensure_case {
    const char *name;
    size_t size;
    uint32_t object_sizes[4]; /* taken in turn until `size` is used up */
} ensure_cases[] = {
    {"ensure_one_small", 16, {16}},
    {"ensure_many_small", 100000, {16}},
    {"ensure_worst_rounding", 100000, {17}},
    {"ensure_worst_large_rounding", 100000, {5441}},
    {"ensure_sparsest_page", 200000, {1024}},
    {"ensure_mixed", 150000, {16, 8160, 129, 2033}},
    {"ensure_one_large", 8160, {8160}},
    {"ensure_so_much_that_rounding_counts", 4000000, {17}},
    {"ensure_so_much_that_sparse_pages_count", 4000000, {1024}},
};

static void
test_page_heap_ensure(void **state)
{
    const struct ensure_case *c = *state;
    struct chek_page_heap heap;
    assert_error(chek_page_heap_init(&heap, 1024, 0), CHEK_OK);
    uint64_t hash = chek_page_heap_hash(&heap);
    assert_error(chek_page_heap_ensure(&heap, c->size), CHEK_OK);
    assert_true(chek_page_heap_hash(&heap) == hash);

    struct chek_memory_counters before = chek_memory_count();
    size_t left = c->size;
    for (size_t i = 0;; i = (i + 1) % 4) {
        uint32_t size = c->object_sizes[i];
        if (size == 0) {
            continue;
        }
        if (size > left) {
            break;
        }
        assert_int_not_equal(chek_page_heap_allocate(&heap, size), 0);
        left -= size;
    }
    assert_int_equal(chek_memory_count().committed_size, before.committed_size);
    chek_page_heap_finish(&heap);
}

/* One object of every class in a heap that has just enough pages for that. */
static void
test_page_heap_ensure_counts_a_page_for_every_class(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    size_t size = 0;
    for (size_t i = 0; i < CHEK_COUNT(class_cases); i++) {
        size += class_cases[i].size;
    }
    assert_error(chek_page_heap_ensure(&heap, size), CHEK_OK);
    struct chek_memory_counters before = chek_memory_count();
    for (size_t i = 0; i < CHEK_COUNT(class_cases); i++) {
        assert_int_not_equal(chek_page_heap_allocate(&heap, class_cases[i].size), 0);
    }
    assert_int_equal(chek_memory_count().committed_size, before.committed_size);
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_ensure_counts_free_pages(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    assert_error(chek_page_heap_init(&heap, 3, 0), CHEK_OK);
    chek_page_ref refs[4];
    for (size_t i = 0; i < CHEK_COUNT(refs); i++) {
        refs[i] = chek_page_heap_allocate(&heap, 8160);
    }
    assert_error(chek_page_heap_ensure(&heap, 16), CHEK_E_FULL);
    chek_page_heap_free(&heap, refs[2], 8160);
    chek_page_heap_free(&heap, refs[3], 8160);
    assert_error(chek_page_heap_ensure(&heap, 15), CHEK_OK);
    assert_error(chek_page_heap_ensure(&heap, SIZE_MAX), CHEK_E_FULL);
    chek_page_heap_finish(&heap);
}

/* Two pages, of which one was used and freed and one never was. */
static void
test_page_heap_ensure_adds_free_pages_to_new_ones(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    assert_error(chek_page_heap_init(&heap, 3, 0), CHEK_OK);
    chek_page_heap_free(&heap, chek_page_heap_allocate(&heap, 64), 64);
    assert_error(chek_page_heap_ensure(&heap, 31), CHEK_OK);
    assert_int_not_equal(chek_page_heap_allocate(&heap, 16), 0);
    assert_int_not_equal(chek_page_heap_allocate(&heap, 15), 0);
    assert_error(chek_page_heap_ensure(&heap, 32), CHEK_E_FULL);
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_holds_knows_every_reference(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref small = chek_page_heap_allocate(&heap, 64);
    chek_page_ref freed = chek_page_heap_allocate(&heap, 64);
    chek_page_heap_free(&heap, freed, 64);
    size_t count = 0;
    for (chek_page_ref ref = 0; ref < 3 * REFS; ref++) {
        count += chek_page_heap_holds(&heap, ref, 64);
    }
    assert_int_equal(count, 1);
    assert_true(chek_page_heap_holds(&heap, small, 64));
    assert_true(chek_page_heap_holds(&heap, small, 50)); /* the same class */
    assert_false(chek_page_heap_holds(&heap, small, 65));
    assert_false(chek_page_heap_holds(&heap, small, 48));
    assert_false(chek_page_heap_holds(&heap, freed, 64));
    assert_false(chek_page_heap_holds(&heap, UINT32_MAX, 64));
    chek_page_heap_finish(&heap);
}

/* ---- no memory ---- */

static void
test_page_heap_init_with_every_allocation_failing(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    struct chek_page_heap heap = {.page_count = 77};
    uint64_t n = 0;
    int error;
    do {
        n += 1;
        chek_memory_fail_at(n);
        error = chek_page_heap_init(&heap, PAGE_COUNT_MAX, 8);
        chek_memory_fail_at(0);
        if (error != CHEK_OK) {
            assert_error(error, -ENOMEM);
            assert_int_equal(heap.page_count, 77);
            assert_int_equal(chek_memory_count().reserved_size, before.reserved_size);
        }
    } while (error != CHEK_OK);
    assert_int_equal(n, 3); /* a reservation and a commit could fail */
    chek_page_heap_finish(&heap);
    assert_int_equal(chek_memory_count().committed_size, before.committed_size);
}

static void
test_page_heap_allocate_without_memory_changes_nothing(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    uint64_t hash = chek_page_heap_hash(&heap);
    chek_memory_fail_at(1);
    assert_int_equal(chek_page_heap_allocate(&heap, 64), 0);
    chek_memory_fail_at(1);
    assert_error(chek_page_heap_ensure(&heap, 64), -ENOMEM);
    assert_int_equal(heap.page_count, 1);
    assert_true(chek_page_heap_hash(&heap) == hash);
    assert_int_not_equal(chek_page_heap_allocate(&heap, 64), 0);
    chek_page_heap_finish(&heap);
}

/* ---- misuse ---- */

static void
misuse_free_twice(void *argument)
{
    struct chek_page_heap *heap = argument;
    chek_page_ref ref = chek_page_heap_allocate(heap, 64);
    chek_page_ref other = chek_page_heap_allocate(heap, 64);
    (void)other; /* keeps the page in its class */
    chek_page_heap_free(heap, ref, 64);
    chek_page_heap_free(heap, ref, 64);
}

static void
misuse_free_with_another_size(void *argument)
{
    struct chek_page_heap *heap = argument;
    chek_page_heap_free(heap, chek_page_heap_allocate(heap, 64), 128);
}

static void
misuse_free_the_middle(void *argument)
{
    struct chek_page_heap *heap = argument;
    chek_page_heap_free(heap, chek_page_heap_allocate(heap, 64) + 1, 64);
}

static void
misuse_free_nobody(void *argument)
{
    chek_page_heap_free(argument, 0, 64);
}

static void
misuse_allocate_nothing(void *argument)
{
    (void)!chek_page_heap_allocate(argument, 0);
}

static void
misuse_allocate_too_much(void *argument)
{
    (void)!chek_page_heap_allocate(argument, CHEK_PAGE_OBJECT_SIZE_MAX + 1);
}

#ifdef CHEK_SLOW_CHECKS
static void
misuse_write_after_free(void *argument)
{
    struct chek_page_heap *heap = argument;
    chek_page_ref ref = chek_page_heap_allocate(heap, 64);
    (void)!chek_page_heap_allocate(heap, 64); /* keeps the page in its class */
    uint8_t *bytes = chek_page_heap_change(heap, ref);
    chek_page_heap_free(heap, ref, 64);
    bytes[63] = 1;
    (void)!chek_page_heap_allocate(heap, 64);
}
#endif

static struct misuse_case {
    const char *name;
    void (*call)(void *argument);
    const char *words;
} misuse_cases[] = {
    {"misuse_free_twice", misuse_free_twice, "chek_page_heap_holds"},
    {"misuse_free_with_another_size", misuse_free_with_another_size, "chek_page_heap_holds"},
    {"misuse_free_the_middle", misuse_free_the_middle, "chek_page_heap_holds"},
    {"misuse_free_nobody", misuse_free_nobody, "chek_page_heap_holds"},
#ifdef CHEK_SLOW_CHECKS
    {"misuse_write_after_free", misuse_write_after_free, "base__bytes_are_zero"},
#endif
    {"misuse_allocate_nothing", misuse_allocate_nothing, "size > 0"},
    {"misuse_allocate_too_much", misuse_allocate_too_much, "CHEK_PAGE_OBJECT_SIZE_MAX"},
};

static void
test_page_heap_misuse_is_caught(void **state)
{
    const struct misuse_case *c = *state;
    struct chek_page_heap heap = heap_make(0);
    char text[LAST_WORDS_SIZE];
    assert_true(last_words_of(c->call, &heap, text));
    assert_non_null(strstr(text, c->words));
    chek_page_heap_finish(&heap);
}

/* What is told reaches in front of every page that is taken, once, and stays zero. */
static void
test_page_heap_ahead_is_in_front_of_what_is_used(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    struct chek_memory_ahead ahead;
    const uint8_t *end = NULL;
    uint32_t told_count = 0;
    assert_error(chek_page_heap_init(&heap, 1024, 0), CHEK_OK);
    while (chek_page_heap_allocate(&heap, CHEK_PAGE_OBJECT_SIZE_MAX) != 0) {
        if (chek_page_heap_ahead(&heap, &ahead)) {
            assert_true(end == NULL || ahead.at == end);
            end = (const uint8_t *)ahead.at + ahead.size;
            told_count += 1;
            assert_true(end <= heap.base + (size_t)1024 * CHEK_PAGE_SIZE);
            assert_true(bytes_are_zero(ahead.at, ahead.size));
            chek_memory_populate(ahead.at, ahead.size);
            assert_true(bytes_are_zero(ahead.at, ahead.size));
        }
        bool small = heap.page_count < 64;
        assert_true(small ? told_count == 0
                          : end >= heap.base + (size_t)heap.page_count * CHEK_PAGE_SIZE);
    }
    assert_int_equal(heap.page_count, 1024);
    assert_true(told_count >= 1024 / 128);
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_finish(&heap);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_page_heap_class, class_cases);
    TABLE_TEST(&table, test_page_heap_empty_page_serves_another_class);
    TABLE_TEST(&table, test_page_heap_allocate_takes_the_lowest_free);
    TABLE_TEST(&table, test_page_heap_root_is_zeroed_and_kept);
    TABLE_TEST(&table, test_page_heap_full_refuses_and_goes_on);
    TABLE_ROWS(&table, test_page_heap_ensure, ensure_cases);
    TABLE_TEST(&table, test_page_heap_ensure_counts_a_page_for_every_class);
    TABLE_TEST(&table, test_page_heap_ensure_counts_free_pages);
    TABLE_TEST(&table, test_page_heap_ensure_adds_free_pages_to_new_ones);
    TABLE_TEST(&table, test_page_heap_holds_knows_every_reference);
    TABLE_TEST(&table, test_page_heap_ahead_is_in_front_of_what_is_used);
    TABLE_TEST(&table, test_page_heap_init_with_every_allocation_failing);
    TABLE_TEST(&table, test_page_heap_allocate_without_memory_changes_nothing);
    TABLE_ROWS(&table, test_page_heap_misuse_is_caught, misuse_cases);
    return table_run(&table, "page_heap");
}
