/* SPDX-License-Identifier: MIT */
/*
 * test_page_load.c - damaged pages are told from sound ones, whatever field the damage hit.
 */
#include <errno.h>

#include "engine/base/memory.h"
#include "tests/unit/page_heap_fixture.h"

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

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_page_heap_load_with_every_allocation_failing);
    TABLE_ROWS(&table, test_page_heap_load_damaged, damage_cases);
    TABLE_TEST(&table, test_page_heap_load_refuses_an_empty_page_of_a_class);
    TABLE_ROWS(&table, test_page_heap_load_size, size_cases);
    return table_run(&table, "page_load");
}
