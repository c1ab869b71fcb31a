/* SPDX-License-Identifier: MIT */
/*
 * test_page_heap.c - classes, lists and limits; and that damaged pages are told from sound ones.
 */
#include "engine/base/page_heap.h"

#include <errno.h>

#include "engine/base/memory.h"
#include "tests/unit/last_words.h"
#include "tests/unit/table.h"

#define PAGE_COUNT_MAX 64
#define REFS (CHEK_PAGE_SIZE / 16)

/* Offsets of the format, written out here so that a change of the format is seen. */
enum {
    HEAP_VERSION = 2,
    HEAP_MAGIC = 4,
    HEAP_PAGE_COUNT = 8,
    HEAP_ROOT_SIZE = 12,
    HEAP_FREE_FIRST = 16,
    HEAP_FREE_COUNT = 20,
    HEAP_USED_SIZE = 24,
    HEAP_PARTIAL_16 = 32,
    HEAP_ROOT = 256,
    PAGE_OBJECT_COUNT = 2,
    PAGE_NEXT = 4,
    PAGE_PREVIOUS = 8,
    PAGE_ZERO = 12,
    PAGE_USED = 16,
};

static struct chek_page_heap
heap_make(uint32_t root_size)
{
    struct chek_page_heap heap;
    assert_error(chek_page_heap_init(&heap, PAGE_COUNT_MAX, root_size), CHEK_OK);
    return heap;
}

static bool
bytes_are_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

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
    assert_ptr_equal(chek_page_heap_root(&heap), heap.base + HEAP_ROOT);
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
test_page_heap_load_with_every_allocation_failing(void **state)
{
    (void)state;
    struct chek_page_heap source = heap_make(8);
    assert_int_not_equal(chek_page_heap_allocate(&source, 100), 0);
    struct chek_memory_counters before = chek_memory_count();
    struct chek_page_heap heap = {.page_count = 77};
    uint64_t n = 0;
    int error;
    do {
        n += 1;
        chek_memory_fail_at(n);
        error = chek_page_heap_load(&heap, PAGE_COUNT_MAX, chek_page_heap_pages(&source));
        chek_memory_fail_at(0);
        if (error != CHEK_OK) {
            assert_error(error, -ENOMEM);
            assert_int_equal(heap.page_count, 77);
            assert_int_equal(chek_memory_count().reserved_size, before.reserved_size);
        }
    } while (error != CHEK_OK);
    assert_int_equal(n, 3);
    assert_true(chek_page_heap_hash(&heap) == chek_page_heap_hash(&source));
    chek_page_heap_finish(&heap);
    chek_page_heap_finish(&source);
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

/* ---- the mark ---- */

/* Read all pages as at the mark; they must load as a heap of the hash that was. */
static void
marked_check(const struct chek_page_heap *heap, uint32_t page_count, uint64_t hash)
{
    static uint8_t pages[PAGE_COUNT_MAX * CHEK_PAGE_SIZE];
    assert_int_equal(heap->marked_count, page_count);
    for (uint32_t page = 0; page < page_count; page++) {
        memcpy(pages + page * CHEK_PAGE_SIZE, chek_page_heap_marked(heap, page), CHEK_PAGE_SIZE);
    }
    struct chek_page_heap loaded;
    struct chek_bytes_view view = chek_bytes_view_of(pages, page_count * (size_t)CHEK_PAGE_SIZE);
    assert_error(chek_page_heap_load(&loaded, PAGE_COUNT_MAX, view), CHEK_OK);
    assert_true(chek_page_heap_hash(&loaded) == hash);
    chek_page_heap_finish(&loaded);
}

static void
test_page_heap_mark_keeps_what_was(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(100);
    chek_page_ref small = chek_page_heap_allocate(&heap, 64);
    chek_page_ref large = chek_page_heap_allocate(&heap, 8000);
    uint64_t hash = chek_page_heap_hash(&heap);
    assert_error(chek_page_heap_mark(&heap), CHEK_OK);
    marked_check(&heap, 3, hash);

    memset(chek_page_heap_root_change(&heap), 1, 100);
    memset(chek_page_heap_change(&heap, small), 2, 64);
    marked_check(&heap, 3, hash);
    chek_page_heap_free(&heap, large, 8000);
    chek_page_heap_free(&heap, small, 64);
    for (size_t i = 0; i < 10; i++) { /* old pages and new ones */
        assert_int_not_equal(chek_page_heap_allocate(&heap, 5000), 0);
    }
    marked_check(&heap, 3, hash);
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_unmark(&heap);

    hash = chek_page_heap_hash(&heap); /* and again, over pages that had copies */
    uint32_t page_count = heap.page_count;
    assert_error(chek_page_heap_mark(&heap), CHEK_OK);
    assert_int_not_equal(chek_page_heap_allocate(&heap, 5000), 0);
    marked_check(&heap, page_count, hash);
    chek_page_heap_unmark(&heap);
    chek_page_heap_unmark(&heap); /* harmless */
    chek_page_heap_finish(&heap);
}

/* Only the first change of a page that is still wanted copies it. */
static void
test_page_heap_mark_copies_once_and_only_what_is_wanted(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref first = chek_page_heap_allocate(&heap, 64);
    chek_page_ref second = chek_page_heap_allocate(&heap, 128);
    uint8_t *first_bytes = chek_page_heap_change(&heap, first);
    assert_error(chek_page_heap_mark(&heap), CHEK_OK);
    assert_ptr_equal(chek_page_heap_marked(&heap, 1), heap.base + CHEK_PAGE_SIZE);

    *(uint8_t *)chek_page_heap_change(&heap, first) = 1;
    *(uint8_t *)chek_page_heap_change(&heap, first) = 2;
    const uint8_t *copy = chek_page_heap_marked(&heap, 1);
    assert_ptr_not_equal(copy, heap.base + CHEK_PAGE_SIZE);
    assert_int_equal(copy[first_bytes - (heap.base + CHEK_PAGE_SIZE)], 0);
    assert_ptr_equal(chek_page_heap_read(&heap, first), first_bytes); /* the state stays in place */

    chek_page_heap_marked_done(&heap, 2);
    *(uint8_t *)chek_page_heap_change(&heap, second) = 3; /* writes no copy */
    assert_true(bytes_are_zero(copy + CHEK_PAGE_SIZE, CHEK_PAGE_SIZE));
    assert_false(bytes_are_zero(copy, CHEK_PAGE_SIZE));
    chek_page_heap_unmark(&heap);
    assert_true(bytes_are_zero(copy, CHEK_PAGE_SIZE)); /* its memory was given back */
    chek_page_heap_finish(&heap);
}

static void
test_page_heap_mark_with_every_allocation_failing(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref ref = chek_page_heap_allocate(&heap, 64);
    uint64_t hash = chek_page_heap_hash(&heap);
    struct chek_memory_counters before = chek_memory_count();
    /* What a try has committed stays for the next: the first request, the second, the second. */
    static const uint64_t fails[] = {1, 2, 1};
    for (size_t i = 0; i < CHEK_COUNT(fails); i++) {
        chek_memory_fail_at(fails[i]);
        assert_error(chek_page_heap_mark(&heap), -ENOMEM);
        chek_memory_fail_at(0);
        assert_int_equal(heap.marked_count, 0);
    }
    assert_error(chek_page_heap_mark(&heap), CHEK_OK);
    assert_int_equal(heap.marked_count, 2);
    assert_int_equal(chek_memory_count().committed_size - before.committed_size,
                     PAGE_COUNT_MAX + PAGE_COUNT_MAX * CHEK_PAGE_SIZE);
    memset(chek_page_heap_change(&heap, ref), 1, 64);
    marked_check(&heap, 2, hash);
    chek_page_heap_finish(&heap);
}

static void
misuse_mark_twice(void *argument)
{
    (void)!chek_page_heap_mark(argument);
    (void)!chek_page_heap_mark(argument);
}

static void
misuse_marked_without_a_mark(void *argument)
{
    (void)chek_page_heap_marked(argument, 0);
}

static void
misuse_marked_after_done(void *argument)
{
    (void)!chek_page_heap_mark(argument);
    chek_page_heap_marked_done(argument, 0);
    (void)chek_page_heap_marked(argument, 0);
}

/* ---- damaged pages ---- */

/*
 * Four pages: 1 with 1,015 objects of 16 bytes (full), 2 and 3 with one each (3 is the first of
 * the list), 4 and 5 free (5 the first). The root has 100 bytes.
 */
static struct chek_page_heap
heap_to_damage(void)
{
    struct chek_page_heap heap = heap_make(100);
    chek_page_ref refs[3 * 1015];
    for (size_t i = 0; i < CHEK_COUNT(refs); i++) {
        refs[i] = chek_page_heap_allocate(&heap, 16);
        memset(chek_page_heap_change(&heap, refs[i]), 0xab, 16);
    }
    for (size_t i = 1016; i < CHEK_COUNT(refs); i++) {
        if (i != 2030) {
            chek_page_heap_free(&heap, refs[i], 16);
        }
    }
    chek_page_ref fourth = chek_page_heap_allocate(&heap, 64);
    chek_page_ref fifth = chek_page_heap_allocate(&heap, 512);
    chek_page_heap_free(&heap, fourth, 64);
    chek_page_heap_free(&heap, fifth, 512);
    assert_int_equal(heap.page_count, 6);
    assert_true(chek_page_heap_is_valid(&heap));
    return heap;
}

/* `size` bytes at `offset` of page `page` become `value`; then the pages are loaded. */
static struct damage_case {
    const char *name;
    uint32_t page, offset, size;
    uint64_t value;
    int error;
} damage_cases[] = {
    {"damage_none", 0, HEAP_ROOT, 1, 0xff, CHEK_OK},
    {"damage_object_content_is_the_owners", 1, 16000, 1, 0, CHEK_OK},
    {"damage_heap_kind", 0, 0, 2, 0, CHEK_E_CORRUPT},
    {"damage_heap_version", 0, HEAP_VERSION, 2, 2, CHEK_E_CORRUPT},
    {"damage_heap_magic", 0, HEAP_MAGIC, 1, 0, CHEK_E_CORRUPT},
    {"damage_page_count_smaller", 0, HEAP_PAGE_COUNT, 4, 5, CHEK_E_CORRUPT},
    {"damage_page_count_larger", 0, HEAP_PAGE_COUNT, 4, 7, CHEK_E_CORRUPT},
    {"damage_root_size_too_large", 0, HEAP_ROOT_SIZE, 4, 4097, CHEK_E_CORRUPT},
    {"damage_root_size_huge", 0, HEAP_ROOT_SIZE, 4, 0xffffffff, CHEK_E_CORRUPT},
    {"damage_free_first_is_none", 0, HEAP_FREE_FIRST, 4, 0, CHEK_E_CORRUPT},
    {"damage_free_first_is_used", 0, HEAP_FREE_FIRST, 4, 1, CHEK_E_CORRUPT},
    {"damage_free_first_is_outside", 0, HEAP_FREE_FIRST, 4, 6, CHEK_E_CORRUPT},
    {"damage_free_first_skips_one", 0, HEAP_FREE_FIRST, 4, 4, CHEK_E_CORRUPT},
    {"damage_free_count", 0, HEAP_FREE_COUNT, 4, 1, CHEK_E_CORRUPT},
    {"damage_used_size", 0, HEAP_USED_SIZE, 8, 16, CHEK_E_CORRUPT},
    {"damage_partial_first_is_none", 0, HEAP_PARTIAL_16, 4, 0, CHEK_E_CORRUPT},
    {"damage_partial_first_is_full", 0, HEAP_PARTIAL_16, 4, 1, CHEK_E_CORRUPT},
    {"damage_partial_first_skips_one", 0, HEAP_PARTIAL_16, 4, 2, CHEK_E_CORRUPT},
    {"damage_partial_first_is_outside", 0, HEAP_PARTIAL_16, 4, 0x7fffffff, CHEK_E_CORRUPT},
    {"damage_partial_of_another_class", 0, HEAP_PARTIAL_16 + 4, 4, 2, CHEK_E_CORRUPT},
    {"damage_heap_padding", 0, HEAP_ROOT - 1, 1, 1, CHEK_E_CORRUPT},
    {"damage_behind_the_root", 0, HEAP_ROOT + 100, 1, 1, CHEK_E_CORRUPT},
    {"damage_last_byte_of_the_heap_page", 0, CHEK_PAGE_SIZE - 1, 1, 1, CHEK_E_CORRUPT},
    {"damage_kind_unknown", 1, 0, 2, 31, CHEK_E_CORRUPT},
    {"damage_kind_heap_twice", 1, 0, 2, 0xffff, CHEK_E_CORRUPT},
    {"damage_kind_free_but_used", 1, 0, 2, 0, CHEK_E_CORRUPT},
    {"damage_kind_another_class", 2, 0, 2, 2, CHEK_E_CORRUPT},
    {"damage_object_count_smaller", 1, PAGE_OBJECT_COUNT, 2, 1014, CHEK_E_CORRUPT},
    {"damage_object_count_zero", 2, PAGE_OBJECT_COUNT, 2, 0, CHEK_E_CORRUPT},
    {"damage_bit_lost", 1, PAGE_USED, 1, 0xfe, CHEK_E_CORRUPT},
    {"damage_bit_gained", 2, PAGE_USED, 1, 0x03, CHEK_E_CORRUPT},
    {"damage_bit_behind_the_last_object", 2, PAGE_USED + 127, 1, 0x80, CHEK_E_CORRUPT},
    {"damage_bit_moved_behind_the_last", 2, PAGE_USED, 1, 0x00, CHEK_E_CORRUPT},
    {"damage_full_page_has_next", 1, PAGE_NEXT, 4, 2, CHEK_E_CORRUPT},
    {"damage_full_page_has_previous", 1, PAGE_PREVIOUS, 4, 2, CHEK_E_CORRUPT},
    {"damage_list_ends_early", 3, PAGE_NEXT, 4, 0, CHEK_E_CORRUPT},
    {"damage_list_cycle_of_one", 3, PAGE_NEXT, 4, 3, CHEK_E_CORRUPT},
    {"damage_list_cycle_of_two", 2, PAGE_NEXT, 4, 3, CHEK_E_CORRUPT},
    {"damage_list_leads_outside", 3, PAGE_NEXT, 4, 0xffffffff, CHEK_E_CORRUPT},
    {"damage_list_leads_to_a_free_page", 3, PAGE_NEXT, 4, 4, CHEK_E_CORRUPT},
    {"damage_list_previous_lost", 2, PAGE_PREVIOUS, 4, 0, CHEK_E_CORRUPT},
    {"damage_list_previous_outside", 2, PAGE_PREVIOUS, 4, 0xffffffff, CHEK_E_CORRUPT},
    {"damage_first_has_previous", 3, PAGE_PREVIOUS, 4, 2, CHEK_E_CORRUPT},
    {"damage_page_head_padding", 2, PAGE_ZERO, 1, 1, CHEK_E_CORRUPT},
    {"damage_free_object_not_zero", 2, CHEK_PAGE_SIZE - 1, 1, 1, CHEK_E_CORRUPT},
    {"damage_free_list_cycle_of_one", 5, PAGE_NEXT, 4, 5, CHEK_E_CORRUPT},
    {"damage_free_list_cycle_of_two", 4, PAGE_NEXT, 4, 5, CHEK_E_CORRUPT},
    {"damage_free_list_ends_early", 5, PAGE_NEXT, 4, 0, CHEK_E_CORRUPT},
    {"damage_free_list_leads_to_the_heap_page", 4, PAGE_NEXT, 4, 0xffffffff, CHEK_E_CORRUPT},
    {"damage_free_page_has_a_count", 4, PAGE_OBJECT_COUNT, 2, 1, CHEK_E_CORRUPT},
    {"damage_free_page_not_zero", 4, PAGE_PREVIOUS, 1, 1, CHEK_E_CORRUPT},
    {"damage_free_page_last_byte", 4, CHEK_PAGE_SIZE - 1, 1, 1, CHEK_E_CORRUPT},
};

static void
test_page_heap_load_damaged(void **state)
{
    const struct damage_case *c = *state;
    struct chek_page_heap source = heap_to_damage();
    memcpy(source.base + c->page * CHEK_PAGE_SIZE + c->offset, &c->value, c->size);

    struct chek_memory_counters before = chek_memory_count();
    struct chek_page_heap heap = {.page_count = 77};
    assert_error(chek_page_heap_load(&heap, PAGE_COUNT_MAX, chek_page_heap_pages(&source)),
                 c->error);
    assert_int_equal(chek_page_heap_is_valid(&source), c->error == CHEK_OK);
    if (c->error == CHEK_OK) {
        assert_true(chek_page_heap_hash(&heap) == chek_page_heap_hash(&source));
        chek_page_heap_finish(&heap);
    } else {
        assert_int_equal(heap.page_count, 77);
    }
    assert_int_equal(chek_memory_count().reserved_size, before.reserved_size);
    chek_page_heap_finish(&source);
}

/* A page of a class that is in its list and has no object: sums agree, but no call leaves that. */
static void
test_page_heap_load_refuses_an_empty_page_of_a_class(void **state)
{
    (void)state;
    struct chek_page_heap source = heap_make(0);
    assert_int_not_equal(chek_page_heap_allocate(&source, 512), 0);
    memset(source.base + CHEK_PAGE_SIZE + PAGE_USED, 0, 8);
    memset(source.base + CHEK_PAGE_SIZE + PAGE_OBJECT_COUNT, 0, 2);
    memset(source.base + HEAP_USED_SIZE, 0, 8);
    assert_false(chek_page_heap_is_valid(&source));
    struct chek_page_heap heap;
    assert_error(chek_page_heap_load(&heap, PAGE_COUNT_MAX, chek_page_heap_pages(&source)),
                 CHEK_E_CORRUPT);
    chek_page_heap_finish(&source);
}

static struct size_case {
    const char *name;
    size_t size;
    uint32_t page_count_max;
    int error;
} size_cases[] = {
    {"load_nothing", 0, 8, CHEK_E_CORRUPT},
    {"load_part_of_a_page", CHEK_PAGE_SIZE - 1, 8, CHEK_E_CORRUPT},
    {"load_a_byte_too_many", 6 * CHEK_PAGE_SIZE + 1, 8, CHEK_E_CORRUPT},
    {"load_a_page_too_few", 5 * CHEK_PAGE_SIZE, 8, CHEK_E_CORRUPT},
    {"load_more_than_fits", 6 * CHEK_PAGE_SIZE, 5, CHEK_E_FULL},
    {"load_what_just_fits", 6 * CHEK_PAGE_SIZE, 6, CHEK_OK},
};

static void
test_page_heap_load_size(void **state)
{
    const struct size_case *c = *state;
    struct chek_page_heap source = heap_to_damage();
    struct chek_page_heap heap;
    struct chek_bytes_view pages = chek_bytes_view_of(source.base, c->size);
    assert_error(chek_page_heap_load(&heap, c->page_count_max, pages), c->error);
    if (c->error == CHEK_OK) {
        chek_page_heap_finish(&heap);
    }
    chek_page_heap_finish(&source);
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
    {"misuse_mark_twice", misuse_mark_twice, "heap->marked_count == 0"},
    {"misuse_marked_without_a_mark", misuse_marked_without_a_mark, "page < heap->marked_count"},
    {"misuse_marked_after_done", misuse_marked_after_done, "wanted != WANTED_NO_MORE"},
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
    TABLE_TEST(&table, test_page_heap_init_with_every_allocation_failing);
    TABLE_TEST(&table, test_page_heap_load_with_every_allocation_failing);
    TABLE_TEST(&table, test_page_heap_allocate_without_memory_changes_nothing);
    TABLE_TEST(&table, test_page_heap_mark_keeps_what_was);
    TABLE_TEST(&table, test_page_heap_mark_copies_once_and_only_what_is_wanted);
    TABLE_TEST(&table, test_page_heap_mark_with_every_allocation_failing);
    TABLE_ROWS(&table, test_page_heap_load_damaged, damage_cases);
    TABLE_TEST(&table, test_page_heap_load_refuses_an_empty_page_of_a_class);
    TABLE_ROWS(&table, test_page_heap_load_size, size_cases);
    TABLE_ROWS(&table, test_page_heap_misuse_is_caught, misuse_cases);
    return table_run(&table, "page_heap");
}
