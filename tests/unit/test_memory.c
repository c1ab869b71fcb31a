/* SPDX-License-Identifier: MIT */
/*
 * test_memory.c - counters balance, zero means zero, a sealed heap and a wrong range are caught.
 */
#include "engine/base/memory.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/unit/last_words.h"
#include "tests/unit/table.h"

#define KIB 1024u
#define MIB (1024u * 1024u)

static bool
bytes_are(const uint8_t *bytes, size_t size, uint8_t value)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != value) {
            return false;
        }
    }
    return true;
}

static struct allocate_case {
    const char *name;
    size_t size;
} allocate_cases[] = {
    {"allocate_nothing", 0},
    {"allocate_a_byte", 1},
    {"allocate_a_page", 4 * KIB},
    {"allocate_a_megabyte", MIB},
};

static void
test_memory_allocate_is_zero_and_counted(void **state)
{
    const struct allocate_case *c = *state;
    struct chek_memory_counters before = chek_memory_count();
    uint8_t *bytes = chek_memory_allocate(c->size);
    assert_non_null(bytes);
    assert_true(bytes_are(bytes, c->size, 0));
    struct chek_memory_counters with = chek_memory_count();
    assert_int_equal(with.allocation_count, before.allocation_count + 1);
    assert_int_equal(with.heap_size, before.heap_size + c->size);

    chek_memory_free(bytes, c->size);
    struct chek_memory_counters after = chek_memory_count();
    assert_int_equal(after.free_count, before.free_count + 1);
    assert_int_equal(after.heap_size, before.heap_size);
}

static void
test_memory_free_takes_null(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    chek_memory_free(NULL, 0);
    assert_int_equal(chek_memory_count().free_count, before.free_count);
}

static void
test_memory_grow_keeps_content_and_zeroes_the_rest(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    uint8_t *bytes = chek_memory_grow(NULL, 0, 100);
    assert_non_null(bytes);
    assert_true(bytes_are(bytes, 100, 0));
    memset(bytes, 0xab, 100);
    bytes = chek_memory_grow(bytes, 100, 100000);
    assert_non_null(bytes);
    assert_true(bytes_are(bytes, 100, 0xab));
    assert_true(bytes_are(bytes + 100, 99900, 0));
    assert_int_equal(chek_memory_count().heap_size, before.heap_size + 100000);
    chek_memory_free(bytes, 100000);

    struct chek_memory_counters after = chek_memory_count();
    assert_int_equal(after.heap_size, before.heap_size);
    assert_int_equal(after.allocation_count - before.allocation_count,
                     after.free_count - before.free_count);
}

static void
test_memory_grow_that_fails_leaves_the_old_block(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    uint8_t *bytes = chek_memory_allocate(16);
    assert_non_null(bytes);
    bytes[15] = 7;
    chek_memory_fail_at(1);
    assert_null(chek_memory_grow(bytes, 16, 1000));
    assert_int_equal(bytes[15], 7);
    chek_memory_free(bytes, 16);
    assert_int_equal(chek_memory_count().heap_size, before.heap_size);
}

static void
test_memory_fail_at_fails_the_nth_only(void **state)
{
    (void)state;
    for (uint64_t n = 1; n <= 4; n++) {
        chek_memory_fail_at(n);
        for (uint64_t i = 1; i <= 4; i++) {
            void *pointer = chek_memory_allocate(1);
            assert_int_equal(pointer == NULL, i == n);
            chek_memory_free(pointer, 1);
        }
    }
    chek_memory_fail_at(1);
    chek_memory_fail_at(0);
    void *pointer = chek_memory_allocate(1);
    assert_non_null(pointer);
    chek_memory_free(pointer, 1);
}

static void
test_memory_too_large_is_refused(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    assert_null(chek_memory_reserve(SIZE_MAX));
    assert_null(chek_memory_reserve(SIZE_MAX / 2));
    assert_int_equal(chek_memory_count().reserved_size, before.reserved_size);
}

static struct reserve_case {
    const char *name;
    size_t size, commit_size;
} reserve_cases[] = {
    {"reserve_a_page", 4 * KIB, 4 * KIB},
    {"reserve_less_than_a_huge_page", 2 * MIB - 4 * KIB, 64 * KIB},
    {"reserve_a_huge_page", 2 * MIB, 2 * MIB},
    {"reserve_an_odd_size", 3 * MIB + 1, 2 * MIB},
    {"reserve_much_and_commit_little", (size_t)64 * KIB *MIB, 16 * KIB},
};

static void
test_memory_reserve(void **state)
{
    const struct reserve_case *c = *state;
    struct chek_memory_counters before = chek_memory_count();
    uint8_t *base = chek_memory_reserve(c->size);
    assert_non_null(base);
    if (c->size >= 2 * MIB) {
        assert_int_equal((uintptr_t)base % (2 * MIB), 0);
    }
    assert_error(chek_memory_commit(base, c->commit_size), CHEK_OK);
    struct chek_memory_counters with = chek_memory_count();
    assert_int_equal(with.reserved_size, before.reserved_size + c->size);
    assert_int_equal(with.committed_size, before.committed_size + c->commit_size);

    assert_true(bytes_are(base, c->commit_size, 0));
    memset(base, 0xab, c->commit_size);
    chek_memory_discard(base, c->commit_size);
    assert_true(bytes_are(base, c->commit_size, 0));
    base[0] = 1;

    chek_memory_release(base, c->size);
    struct chek_memory_counters after = chek_memory_count();
    assert_int_equal(after.reserved_size, before.reserved_size);
    assert_int_equal(after.committed_size, before.committed_size);
}

static void
test_memory_reservations_end_in_any_order(void **state)
{
    (void)state;
    enum { COUNT = 200 };
    struct chek_memory_counters before = chek_memory_count();
    uint8_t *bases[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        bases[i] = chek_memory_reserve(64 * KIB);
        assert_non_null(bases[i]);
        assert_error(chek_memory_commit(bases[i] + 4 * KIB, 4 * KIB), CHEK_OK);
    }
    for (size_t i = 0; i < COUNT; i++) { /* 77 and 200 have no common divisor */
        size_t index = i * 77 % COUNT;
        bases[index][4 * KIB] = 1;
        chek_memory_release(bases[index], 64 * KIB);
    }
    struct chek_memory_counters after = chek_memory_count();
    assert_int_equal(after.reserved_size, before.reserved_size);
    assert_int_equal(after.committed_size, before.committed_size);
}

static void
test_memory_reserve_and_commit_can_be_made_to_fail(void **state)
{
    (void)state;
    chek_memory_fail_at(1);
    assert_null(chek_memory_reserve(64 * KIB));
    uint8_t *base = chek_memory_reserve(64 * KIB);
    assert_non_null(base);
    struct chek_memory_counters before = chek_memory_count();
    chek_memory_fail_at(1);
    assert_error(chek_memory_commit(base, 4 * KIB), -ENOMEM);
    assert_int_equal(chek_memory_count().committed_size, before.committed_size);
    assert_error(chek_memory_commit(base, 4 * KIB), CHEK_OK);
    chek_memory_release(base, 64 * KIB);
    chek_memory_release(NULL, 0);
}

/* ---- misuse: each in a child of its own ---- */

#ifdef CHEK_SLOW_CHECKS
static void
misuse_allocate_sealed(void *argument)
{
    (void)argument;
    chek_memory_seal();
    chek_memory_unsealed_begin();
    chek_memory_unsealed_end();
    void *pointer = chek_memory_allocate(1);
    chek_memory_free(pointer, 1);
}

static void
misuse_grow_sealed(void *argument)
{
    (void)argument;
    chek_memory_seal();
    void *pointer = chek_memory_grow(NULL, 0, 1);
    chek_memory_free(pointer, 1);
}

static void
misuse_reserve_sealed(void *argument)
{
    (void)argument;
    chek_memory_seal();
    chek_memory_release(chek_memory_reserve(4 * KIB), 4 * KIB);
}

#else
static void
allocate_late(void *argument)
{
    (void)argument;
    chek_memory_seal();
    void *pointer = chek_memory_grow(chek_memory_allocate(1), 1, 2);
    chek_memory_free(pointer, 2);
    chek_memory_release(chek_memory_reserve(4 * KIB), 4 * KIB);
    if (pointer == NULL || chek_memory_count().late_count != 3) {
        abort();
    }
}

/* Where an assertion would end a server that serves, it is told instead. */
static void
test_memory_late_is_served_and_counted(void **state)
{
    (void)state;
    char text[LAST_WORDS_SIZE];
    assert_false(last_words_of(allocate_late, NULL, text));
    assert_string_equal(text, "");
}
#endif

static void
misuse_end_without_begin(void *argument)
{
    (void)argument;
    chek_memory_unsealed_end();
}

static void
misuse_shrink(void *argument)
{
    (void)argument;
    void *pointer = chek_memory_grow(NULL, 0, 2);
    pointer = chek_memory_grow(pointer, 2, 1);
    chek_memory_free(pointer, 1);
}

static void
misuse_commit_outside(void *argument)
{
    (void)argument;
    uint8_t *base = chek_memory_reserve(64 * KIB);
    (void)!chek_memory_commit(base + 60 * KIB, 8 * KIB);
}

static void
misuse_commit_before(void *argument)
{
    (void)argument;
    uint8_t *base = chek_memory_reserve(64 * KIB);
    (void)!chek_memory_commit(base - 4 * KIB, 4 * KIB);
}

static void
misuse_release_in_part(void *argument)
{
    (void)argument;
    uint8_t *base = chek_memory_reserve(64 * KIB);
    chek_memory_release(base, 32 * KIB);
}

static struct misuse_case {
    const char *name;
    void (*call)(void *argument);
    const char *words;
} misuse_cases[] = {
#ifdef CHEK_SLOW_CHECKS
    {"misuse_allocate_sealed", misuse_allocate_sealed, "allocation_is_allowed()"},
    {"misuse_grow_sealed", misuse_grow_sealed, "allocation_is_allowed()"},
    {"misuse_reserve_sealed", misuse_reserve_sealed, "allocation_is_allowed()"},
#endif
    {"misuse_end_without_begin", misuse_end_without_begin, "unsealed_depth > 0"},
    {"misuse_shrink", misuse_shrink, "size_new >= size_old"},
    {"misuse_commit_outside", misuse_commit_outside, "size <= row->size"},
    {"misuse_commit_before", misuse_commit_before, ""},
    {"misuse_release_in_part", misuse_release_in_part, "row->size == size"},
};

static void
test_memory_misuse_is_caught(void **state)
{
    const struct misuse_case *c = *state;
    char text[LAST_WORDS_SIZE];
    assert_true(last_words_of(c->call, NULL, text));
    assert_non_null(strstr(text, "memory.c:"));
    assert_non_null(strstr(text, c->words));
}

static void
use_sealed_heap_rightly(void *argument)
{
    uint8_t *base = argument;
    chek_memory_seal();
    chek_memory_unsealed_begin();
    chek_memory_unsealed_begin(); /* windows nest */
    chek_memory_unsealed_end();
    void *pointer = chek_memory_allocate(1);
    chek_memory_unsealed_end();
    chek_memory_free(pointer, 1);
    if (chek_memory_commit(base, 4 * KIB) != 0 || chek_memory_count().late_count != 0) {
        abort();
    }
    chek_memory_unseal();
    pointer = chek_memory_allocate(1);
    chek_memory_free(pointer, 1);
}

static void
test_memory_sealed_allows_windows_and_commits(void **state)
{
    (void)state;
    char text[LAST_WORDS_SIZE];
    void *base = chek_memory_reserve(64 * KIB);
    assert_non_null(base);
    assert_false(last_words_of(use_sealed_heap_rightly, base, text));
    assert_string_equal(text, "");
    chek_memory_release(base, 64 * KIB);
}

/* ---- threads ---- */

/* Returns its argument when nothing failed. */
static void *
thread_allocates(void *argument)
{
    size_t fail_count = 0;
    for (size_t i = 1; i <= 2000; i++) {
        void *pointer = chek_memory_allocate(i);
        fail_count += pointer == NULL;
        chek_memory_free(pointer, i);
        uint8_t *base = chek_memory_reserve(16 * KIB);
        if (base == NULL || chek_memory_commit(base, 4 * KIB) != 0) {
            return NULL;
        }
        base[0] = 1;
        chek_memory_release(base, 16 * KIB);
    }
    return fail_count == 0 ? argument : NULL;
}

static void
test_memory_threads_share_counters_but_no_test_hook(void **state)
{
    (void)state;
    enum { THREAD_COUNT = 4 };
    struct chek_memory_counters before = chek_memory_count();
    pthread_t threads[THREAD_COUNT];
    chek_memory_fail_at(1); /* this thread's */
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, thread_allocates, threads), 0);
    }
    for (size_t i = 0; i < THREAD_COUNT; i++) {
        void *succeeded = NULL;
        pthread_join(threads[i], &succeeded);
        assert_ptr_equal(succeeded, threads);
    }
    assert_null(chek_memory_allocate(1));
    struct chek_memory_counters after = chek_memory_count();
    assert_int_equal(after.allocation_count, before.allocation_count + THREAD_COUNT * 2000);
    assert_int_equal(after.heap_size, before.heap_size);
    assert_int_equal(after.reserved_size, before.reserved_size);
    assert_int_equal(after.committed_size, before.committed_size);
}

/* Populating keeps what is there. */
static void
test_memory_populate_keeps_content(void **state)
{
    (void)state;
    const size_t size = (size_t)3 << 20;
    uint8_t *bytes = chek_memory_reserve(size);
    assert_non_null(bytes);
    assert_int_equal(chek_memory_commit(bytes, size), CHEK_OK);
    bytes[4096] = 7;
    bytes[4097] = 9;
    bytes[size - 1] = 11;
    chek_memory_populate(bytes, size);
    assert_int_equal(bytes[4096], 7);
    assert_int_equal(bytes[4097], 9);
    assert_int_equal(bytes[size - 1], 11);
    assert_int_equal(bytes[0], 0);
    chek_memory_release(bytes, size);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_ROWS(&table, test_memory_allocate_is_zero_and_counted, allocate_cases);
    TABLE_TEST(&table, test_memory_free_takes_null);
    TABLE_TEST(&table, test_memory_grow_keeps_content_and_zeroes_the_rest);
    TABLE_TEST(&table, test_memory_grow_that_fails_leaves_the_old_block);
    TABLE_TEST(&table, test_memory_fail_at_fails_the_nth_only);
    TABLE_TEST(&table, test_memory_too_large_is_refused);
    TABLE_ROWS(&table, test_memory_reserve, reserve_cases);
    TABLE_TEST(&table, test_memory_reservations_end_in_any_order);
    TABLE_TEST(&table, test_memory_reserve_and_commit_can_be_made_to_fail);
    TABLE_TEST(&table, test_memory_populate_keeps_content);
    TABLE_ROWS(&table, test_memory_misuse_is_caught, misuse_cases);
    TABLE_TEST(&table, test_memory_sealed_allows_windows_and_commits);
#ifndef CHEK_SLOW_CHECKS
    TABLE_TEST(&table, test_memory_late_is_served_and_counted);
#endif
    TABLE_TEST(&table, test_memory_threads_share_counters_but_no_test_hook);
    return table_run(&table, "memory");
}
