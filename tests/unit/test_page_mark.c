/* SPDX-License-Identifier: MIT */
/*
 * test_page_mark.c - what was at the mark stays readable, and costs no more than it must.
 */
#include <errno.h>

#include "engine/base/memory.h"
#include "tests/unit/last_words.h"
#include "tests/unit/page_heap_fixture.h"

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
    assert_false(bytes_are_zero(copy, CHEK_PAGE_SIZE));
    chek_page_heap_mark_discard(&heap);
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

/* A mark of what was prepared asks for nothing, so it cannot fail. */
static void
test_page_heap_mark_that_was_prepared_asks_for_nothing(void **state)
{
    (void)state;
    struct chek_page_heap heap = heap_make(0);
    chek_page_ref ref = chek_page_heap_allocate(&heap, 64);
    uint64_t hash = chek_page_heap_hash(&heap);
    chek_page_heap_mark_discard(&heap); /* harmless when nothing was prepared */
    chek_memory_fail_at(1);
    assert_error(chek_page_heap_mark_prepare(&heap, 2), -ENOMEM);
    chek_memory_fail_at(0);
    assert_error(chek_page_heap_mark_prepare(&heap, 2), CHEK_OK);
    chek_memory_fail_at(1);
    assert_error(chek_page_heap_mark(&heap), CHEK_OK);
    memset(chek_page_heap_change(&heap, ref), 1, 64);
    chek_memory_fail_at(0);
    marked_check(&heap, 2, hash);
    chek_page_heap_unmark(&heap);
    chek_page_heap_mark_discard(&heap);
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

static struct misuse_case {
    const char *name;
    void (*call)(void *argument);
    const char *words;
} misuse_cases[] = {
    {"misuse_mark_twice", misuse_mark_twice, "heap->marked_count == 0"},
    {"misuse_marked_without_a_mark", misuse_marked_without_a_mark, "page < heap->marked_count"},
    {"misuse_marked_after_done", misuse_marked_after_done, "wanted != WANTED_NO_MORE"},
};

static void
test_page_heap_mark_misuse_is_caught(void **state)
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
    TABLE_TEST(&table, test_page_heap_mark_keeps_what_was);
    TABLE_TEST(&table, test_page_heap_mark_copies_once_and_only_what_is_wanted);
    TABLE_TEST(&table, test_page_heap_mark_with_every_allocation_failing);
    TABLE_TEST(&table, test_page_heap_mark_that_was_prepared_asks_for_nothing);
    TABLE_ROWS(&table, test_page_heap_mark_misuse_is_caught, misuse_cases);
    return table_run(&table, "page_mark");
}
