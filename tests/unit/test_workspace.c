/* SPDX-License-Identifier: MIT */
/* test_workspace.c - what is taken is zero, apart, given back to the system, and no heap. */
#include "engine/base/workspace.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/prng.h"
#include "tests/unit/last_words.h"
#include "tests/unit/table.h"

#ifdef __SANITIZE_ADDRESS__
#    define HAS_ASAN 1
#elif defined(__has_feature)
#    if __has_feature(address_sanitizer)
#        define HAS_ASAN 1
#    endif
#endif
#ifdef HAS_ASAN
#    include <sanitizer/asan_interface.h>
#endif

#define PAGE_SIZE 4096

static bool
is_filled(const uint8_t *bytes, size_t from, size_t to, uint8_t with)
{
    for (size_t i = from; i < to; i++) {
        if (bytes[i] != with) {
            return false;
        }
    }
    return true;
}

static struct take_case {
    const char *name;
    size_t size;
} take_cases[] = {
    {"take_nothing", 0},
    {"take_a_byte", 1},
    {"take_a_page", PAGE_SIZE},
    {"take_a_page_and_a_byte", PAGE_SIZE + 1},
    {"take_more_than_is_committed_at_once", 5u << 20},
};

static void
test_workspace_is_zero_counted_and_no_heap(void **state)
{
    const struct take_case *c = *state;
    struct chek_workspace_counters before = chek_workspace_count();
    struct chek_memory_counters heap = chek_memory_count();
    for (unsigned turn = 0; turn < 3; turn++) { /* also where it was written before */
        uint8_t *bytes = chek_workspace_take(c->size);
        assert_non_null(bytes);
        assert_int_equal((uintptr_t)bytes % PAGE_SIZE, 0);
        assert_true(is_filled(bytes, 0, c->size, 0));
        memset(bytes, 0xa5, c->size);
        assert_int_equal(chek_workspace_count().size, before.size + c->size);
        assert_int_equal(chek_workspace_count().take_count, before.take_count + turn + 1);
        chek_workspace_give(bytes, c->size);
        assert_int_equal(chek_workspace_count().size, before.size);
    }
    chek_workspace_give(NULL, c->size);
    assert_int_equal(chek_workspace_count().size, before.size);
    assert_int_equal(chek_memory_count().allocation_count, heap.allocation_count);
    assert_int_equal(chek_memory_count().heap_size, heap.heap_size);
}

static struct grow_case {
    const char *name;
    size_t from, to;
    bool stays; /* where it is: the last page has room */
} grow_cases[] = {
    {"grow_from_nothing", 0, 100, false},
    {"grow_inside_a_page", 100, PAGE_SIZE, true},
    {"grow_by_nothing", PAGE_SIZE, PAGE_SIZE, true},
    {"grow_into_the_next_page", PAGE_SIZE, PAGE_SIZE + 1, false},
    {"grow_to_twice", 3 * PAGE_SIZE + 5, 6 * PAGE_SIZE + 10, false},
};

static void
test_workspace_grow_keeps_content_and_zeroes_the_rest(void **state)
{
    const struct grow_case *c = *state;
    uint64_t size = chek_workspace_count().size;
    uint8_t *bytes = c->from != 0 ? chek_workspace_take(c->from) : NULL;
    if (bytes != NULL) {
        memset(bytes, 0x3c, c->from);
    }
    chek_memory_fail_at(1);
    assert_null(chek_workspace_grow(bytes, c->from, c->to));
    assert_int_equal(chek_workspace_count().size, size + c->from);
    uint8_t *grown = chek_workspace_grow(bytes, c->from, c->to);
    assert_non_null(grown);
    assert_true(!c->stays || grown == bytes);
    assert_true(is_filled(grown, 0, c->from, 0x3c));
    assert_true(is_filled(grown, c->from, c->to, 0));
    assert_int_equal(chek_workspace_count().size, size + c->to);
    memset(grown, 0xff, c->to);
    chek_workspace_give(grown, c->to);
    assert_int_equal(chek_workspace_count().size, size);
}

/* Every request of a first use: the take itself, the table, the area, its pages. */
static void
test_workspace_without_memory_leaves_everything_as_it_was(void **state)
{
    (void)state;
    struct chek_memory_counters before = chek_memory_count();
    for (uint64_t n = 1;; n++) {
        uint64_t size = chek_workspace_count().size;
        chek_memory_fail_at(n);
        uint8_t *bytes = chek_workspace_take(100);
        chek_memory_fail_at(0);
        assert_int_equal(chek_workspace_count().size, size + (bytes != NULL ? 100 : 0));
        chek_workspace_give(bytes, 100);
        chek_workspace_finish();
        assert_int_equal(chek_memory_count().reserved_size, before.reserved_size);
        assert_int_equal(chek_memory_count().committed_size, before.committed_size);
        if (bytes != NULL) {
            assert_int_equal(n, 6); /* five can fail: the table is reserved and committed */
            break;
        }
    }
}

/* Address space comes when it is first needed, and nothing of that is an allocation. */
static void
take_while_sealed(void *argument)
{
    (void)argument;
    uint64_t count = chek_memory_count().allocation_count;
    chek_workspace_finish();
    chek_memory_seal();
    uint8_t *bytes = chek_workspace_take(1);
    bytes = chek_workspace_grow(bytes, 1, 3u << 20);
    bytes[0] = 1;
    chek_workspace_give(bytes, 3u << 20);
    if (chek_memory_count().allocation_count != count || chek_memory_count().late_count != 0) {
        abort();
    }
}

static void
test_workspace_goes_on_while_the_heap_is_sealed(void **state)
{
    (void)state;
    char text[LAST_WORDS_SIZE];
    assert_false(last_words_of(take_while_sealed, NULL, text));
    assert_string_equal(text, "");
}

static void
finish_while_taken(void *argument)
{
    (void)argument;
    (void)!chek_workspace_take(1);
    chek_workspace_finish();
}

static void
grow_to_less(void *argument)
{
    (void)argument;
    uint8_t *bytes = chek_workspace_take(2);
    (void)!chek_workspace_grow(bytes, 2, 1);
}

static struct misuse_case {
    const char *name;
    void (*call)(void *argument);
    const char *words;
} misuse_cases[] = {
    {"finish_while_something_is_taken", finish_while_taken, "used_size == 0"},
    {"grow_to_less", grow_to_less, "size_new >= size_old"},
};

static void
test_workspace_misuse_is_caught(void **state)
{
    const struct misuse_case *c = *state;
    char text[LAST_WORDS_SIZE];
    assert_true(last_words_of(c->call, NULL, text));
    assert_non_null(strstr(text, c->words));
}

#define THREAD_COUNT 4

/* Returns its argument when what it wrote was its own all the time. */
static void *
thread_works(void *argument)
{
    enum { THING_COUNT = 8 };
    struct {
        uint8_t *bytes;
        size_t size;
    } things[THING_COUNT] = {{NULL, 0}};
    uint8_t mark = *(uint8_t *)argument;
    struct chek_prng prng;
    chek_prng_init(&prng, mark);
    bool right = true;
    for (unsigned i = 0; i < 3000 && right; i++) {
        unsigned at = (unsigned)chek_prng_below(&prng, THING_COUNT);
        size_t size = things[at].size + (size_t)chek_prng_below(&prng, 20000);
        right = is_filled(things[at].bytes, 0, things[at].size, mark);
        if (chek_prng_below(&prng, 3) == 0) {
            chek_workspace_give(things[at].bytes, things[at].size);
            things[at].bytes = NULL;
            things[at].size = 0;
            continue;
        }
        uint8_t *grown = chek_workspace_grow(things[at].bytes, things[at].size, size);
        right = right && grown != NULL && is_filled(grown, things[at].size, size, 0);
        if (grown != NULL) {
            memset(grown, mark, size);
            things[at].bytes = grown;
            things[at].size = size;
        }
    }
    for (unsigned i = 0; i < THING_COUNT; i++) {
        chek_workspace_give(things[i].bytes, things[i].size);
    }
    return right ? argument : NULL;
}

static void
test_workspace_is_of_all_threads(void **state)
{
    (void)state;
    uint64_t size = chek_workspace_count().size;
    pthread_t threads[THREAD_COUNT];
    uint8_t marks[THREAD_COUNT];
    chek_workspace_finish(); /* they make it at once */
    for (unsigned i = 0; i < THREAD_COUNT; i++) {
        marks[i] = (uint8_t)(i + 1);
        assert_int_equal(pthread_create(&threads[i], NULL, thread_works, &marks[i]), 0);
    }
    for (unsigned i = 0; i < THREAD_COUNT; i++) {
        void *succeeded = NULL;
        pthread_join(threads[i], &succeeded);
        assert_ptr_equal(succeeded, &marks[i]);
    }
    assert_int_equal(chek_workspace_count().size, size);
}

#ifdef HAS_ASAN
static void
test_workspace_is_poisoned_where_nobody_took_it(void **state)
{
    (void)state;
    uint8_t *bytes = chek_workspace_take(100);
    assert_false(__asan_address_is_poisoned(bytes + 99));
    assert_true(__asan_address_is_poisoned(bytes + 104)); /* it knows eight bytes at a time */
    bytes = chek_workspace_grow(bytes, 100, 200);
    assert_false(__asan_address_is_poisoned(bytes + 199));
    assert_true(__asan_address_is_poisoned(bytes + 200));
    chek_workspace_give(bytes, 200);
    assert_true(__asan_address_is_poisoned(bytes));
}
#endif

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_workspace_without_memory_leaves_everything_as_it_was);
    TABLE_ROWS(&table, test_workspace_is_zero_counted_and_no_heap, take_cases);
    TABLE_ROWS(&table, test_workspace_grow_keeps_content_and_zeroes_the_rest, grow_cases);
    TABLE_TEST(&table, test_workspace_goes_on_while_the_heap_is_sealed);
    TABLE_ROWS(&table, test_workspace_misuse_is_caught, misuse_cases);
    TABLE_TEST(&table, test_workspace_is_of_all_threads);
#ifdef HAS_ASAN
    TABLE_TEST(&table, test_workspace_is_poisoned_where_nobody_took_it);
#endif
    return table_run(&table, "workspace");
}
