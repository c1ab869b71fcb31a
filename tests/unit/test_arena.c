/* SPDX-License-Identifier: MIT */
/*
 * test_arena.c - a bump, its end, and the ways back.
 */
#include "engine/base/arena.h"

#include <errno.h>

#include "engine/base/memory.h"
#include "tests/unit/table.h"

/* Take `first`, then `second` bytes from 64. */
static struct take_case {
    const char *name;
    size_t first, second;
    bool fits;
    size_t used;
} take_cases[] = {
    {"take_all", 0, 64, true, 64},
    {"take_one_more_than_all", 0, 65, false, 0},
    {"take_is_aligned", 1, 16, true, 32},
    {"take_the_last_aligned_bytes", 33, 16, true, 64},
    {"take_misses_by_the_alignment", 49, 1, false, 49},
    {"take_nothing_at_the_end", 64, 0, true, 64},
    {"take_so_much_that_it_would_wrap", 16, SIZE_MAX, false, 16},
    {"take_so_much_that_alignment_would_wrap", 1, SIZE_MAX - 8, false, 1},
};

static void
test_arena_take(void **state)
{
    const struct take_case *c = *state;
    _Alignas(16) uint8_t bytes[64];
    struct chek_arena arena;
    chek_arena_init_over(&arena, bytes, sizeof bytes);
    assert_ptr_equal(chek_arena_take(&arena, c->first), bytes);
    uint8_t *second = chek_arena_take(&arena, c->second);
    assert_int_equal(second != NULL, c->fits);
    assert_int_equal((uintptr_t)second % 16, 0);
    assert_int_equal(arena.used, c->used);
    if (c->fits) {
        assert_ptr_equal(second, bytes + c->used - c->second);
    }
    chek_arena_finish(&arena);
}

static void
test_arena_rewind_goes_back_and_keeps_the_mark_of_high_water(void **state)
{
    (void)state;
    struct chek_arena arena;
    assert_error(chek_arena_init(&arena, 256), CHEK_OK);
    void *first = chek_arena_take(&arena, 32);
    size_t mark = chek_arena_mark(&arena);
    void *second = chek_arena_take(&arena, 100);
    chek_arena_rewind(&arena, mark);
    assert_ptr_equal(chek_arena_take(&arena, 10), second);
    assert_int_equal(arena.used_max, 132);
    chek_arena_reset(&arena);
    assert_ptr_equal(chek_arena_take(&arena, 1), first);
    assert_int_equal(arena.used_max, 132);
    chek_arena_finish(&arena);
}

static void
test_arena_init_without_memory_changes_nothing(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    struct chek_arena arena = {.capacity = 77};
    chek_memory_fail_at(1);
    assert_error(chek_arena_init(&arena, 256), -ENOMEM);
    assert_int_equal(arena.capacity, 77);
    assert_int_equal(chek_memory_count().heap_size, before.heap_size);
}

static void
test_arena_finish_gives_back_what_it_owns(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    struct chek_arena arena;
    assert_error(chek_arena_init(&arena, 1000), CHEK_OK);
    assert_int_equal(chek_memory_count().heap_size, before.heap_size + 1000);
    chek_arena_finish(&arena);
    assert_int_equal(chek_memory_count().heap_size, before.heap_size);
    assert_null(chek_arena_take(&arena, 1));
    chek_arena_finish(&arena); /* harmless */
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_arena_take, take_cases);
    TABLE_TEST(&table, test_arena_rewind_goes_back_and_keeps_the_mark_of_high_water);
    TABLE_TEST(&table, test_arena_init_without_memory_changes_nothing);
    TABLE_TEST(&table, test_arena_finish_gives_back_what_it_owns);
    return table_run(&table, "arena");
}
