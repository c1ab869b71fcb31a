/* SPDX-License-Identifier: MIT */
/* test_ordered_index.c - the ordered map of fiscal against a sorted array. */
#include <stdlib.h>

#include "engine/fiscal/ordered_index.h"
#include "tests/unit/table.h"

#define COUNT 6000

static struct index_case {
    const char *name;
    uint32_t start, step;
    bool is_scattered;
} cases[] = {
    {"ascending_keys", 1, 3, false},
    {"descending_keys", 3 * COUNT, UINT32_C(0) - 3, false},
    {"scattered_keys", 0, 0, true},
    {"keys_up_to_the_last", UINT32_MAX - (COUNT - 1), 1, false},
};

static uint32_t
next_key(const struct index_case *c, uint32_t i)
{
    /* An odd factor permutes 32-bit numbers: as good as random and never twice. */
    return c->is_scattered ? i * UINT32_C(2654435761) : c->start + i * c->step;
}

static int
compare_keys(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a;
    uint32_t right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* Every question about `key`, asked of a sorted array. */
static void
check_key(const struct chek_page_heap *heap, const struct fiscal__index *index,
          const uint32_t *sorted, uint32_t count, uint32_t key)
{
    uint32_t rank = 0;
    uint32_t high = count;
    while (rank < high) {
        uint32_t middle = (rank + high) / 2;
        if (sorted[middle] <= key) {
            rank = middle + 1;
        } else {
            high = middle;
        }
    }
    const struct fiscal__entry *floor = fiscal__index_floor(heap, index, key);
    const struct fiscal__entry *ceiling = fiscal__index_ceiling(heap, index, key);
    const struct fiscal__entry *found = fiscal__index_find(heap, index, key);
    bool is_there = rank != 0 && sorted[rank - 1] == key;

    assert_int_equal(floor != NULL, rank != 0);
    if (floor != NULL) {
        assert_int_equal(floor->key, sorted[rank - 1]);
        assert_int_equal(floor->a, sorted[rank - 1] ^ 1);
    }
    assert_int_equal(found != NULL, is_there);
    uint32_t above = is_there ? rank - 1 : rank;
    assert_int_equal(ceiling != NULL, above < count);
    if (ceiling != NULL) {
        assert_int_equal(ceiling->key, sorted[above]);
    }
}

static void
test_index(void **state)
{
    const struct index_case *c = *state;
    static uint32_t sorted[COUNT];
    struct chek_page_heap heap;
    struct fiscal__index index = {0};

    assert_int_equal(chek_page_heap_init(&heap, 4096, 16), CHEK_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        uint32_t key = next_key(c, i);
        sorted[i] = key;
        fiscal__index_insert(&heap, &index, (struct fiscal__entry){key, key ^ 1, i});
        assert_int_equal(fiscal__index_find(&heap, &index, key)->b, i);
        if (i < 100) {
            fiscal__index_change(&heap, &index, key)->b += 1;
            assert_int_equal(fiscal__index_find(&heap, &index, key)->b, i + 1);
        }
    }
    qsort(sorted, COUNT, sizeof sorted[0], compare_keys);
    for (uint32_t i = 0; i < COUNT; i++) {
        check_key(&heap, &index, sorted, COUNT, sorted[i]);
        check_key(&heap, &index, sorted, COUNT, sorted[i] - 1);
        check_key(&heap, &index, sorted, COUNT, sorted[i] + 1);
    }
    assert_true(chek_page_heap_is_valid(&heap));
    chek_page_heap_finish(&heap);
}

static void
test_keys_in_order_fill_their_leaves(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    struct fiscal__index index = {0};

    assert_int_equal(chek_page_heap_init(&heap, 4096, 16), CHEK_OK);
    for (uint32_t i = 0; i < COUNT; i++) {
        fiscal__index_insert(&heap, &index, (struct fiscal__entry){i, i, 0});
    }
    assert_true(chek_page_heap_used_size(&heap) < (uint64_t)COUNT * 12 * 110 / 100);
    chek_page_heap_finish(&heap);
}

static void
test_five_entries_take_64_bytes(void **state)
{
    (void)state;
    struct chek_page_heap heap;
    struct fiscal__index index = {0};

    assert_int_equal(chek_page_heap_init(&heap, 16, 16), CHEK_OK);
    for (uint32_t i = 0; i < 5; i++) {
        fiscal__index_insert(&heap, &index, (struct fiscal__entry){i, i, 0});
    }
    assert_int_equal(chek_page_heap_used_size(&heap), 64);
    chek_page_heap_finish(&heap);
}

static void
test_an_empty_index_finds_nothing(void **state)
{
    (void)state;
    struct chek_page_heap heap = {0};
    struct fiscal__index index = {0};

    assert_null(fiscal__index_floor(&heap, &index, 5));
    assert_null(fiscal__index_ceiling(&heap, &index, 5));
    assert_null(fiscal__index_find(&heap, &index, 5));
}

int
main(void)
{
    struct table table = {0};
    TABLE_ROWS(&table, test_index, cases);
    TABLE_TEST(&table, test_keys_in_order_fill_their_leaves);
    TABLE_TEST(&table, test_five_entries_take_64_bytes);
    TABLE_TEST(&table, test_an_empty_index_finds_nothing);
    return table_run(&table, "ordered_index");
}
