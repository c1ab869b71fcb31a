/* SPDX-License-Identifier: MIT */
/*
 * test_page_map.c - equal keys keep their order through splits, removals and full heaps.
 */
#include "engine/base/page_map.h"

#include "engine/base/memory.h"
#include "tests/unit/table.h"

struct fixture {
    struct chek_page_heap heap;
    struct chek_page_map *map;
};

static void
fixture_make(struct fixture *fixture, uint32_t page_count_max)
{
    assert_error(chek_page_heap_init(&fixture->heap, page_count_max, sizeof(struct chek_page_map)),
                 CHEK_OK);
    fixture->map = chek_page_heap_root_change(&fixture->heap);
    fixture->map->seed = 42;
}

static void
insert(struct fixture *f, uint64_t key, uint32_t value)
{
    assert_error(chek_page_map_insert(&f->heap, f->map, key, value), CHEK_OK);
}

/* The values of a key are first, first + step, ... , `count` of them. */
static void
values_check(struct fixture *f, uint64_t key, uint32_t first, uint32_t step, uint32_t count)
{
    struct chek_page_map_walk walk;
    uint32_t value = 0;
    bool more = chek_page_map_find(&f->heap, f->map, key, &value, &walk);
    for (uint32_t i = 0; i < count; i++) {
        assert_true(more);
        assert_int_equal(value, first + i * step);
        more = chek_page_map_next(&f->heap, &walk, &value);
    }
    assert_false(more);
    assert_false(chek_page_map_next(&f->heap, &walk, &value)); /* and it stays so */
}

static void
test_page_map_empty_finds_nothing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 16);
    values_check(&f, 0, 0, 0, 0);
    uint32_t value = 77;
    assert_false(chek_page_map_find(&f.heap, f.map, 1, &value, NULL));
    assert_int_equal(value, 77);
    assert_false(chek_page_map_remove(&f.heap, f.map, 1, 1));
    chek_page_map_prefetch(&f.heap, f.map, 1);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    assert_int_equal(chek_page_heap_used_size(&f.heap), 0);
    chek_page_heap_finish(&f.heap);
}

/* Zero is what free slots hold; it must not be found there, and must be found when it is put. */
static void
test_page_map_zero_is_a_key_like_any(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 16);
    insert(&f, 1, 10);
    values_check(&f, 0, 0, 0, 0);
    insert(&f, 0, 0);
    values_check(&f, 0, 0, 0, 1);
    assert_true(chek_page_map_remove(&f.heap, f.map, 0, 0));
    values_check(&f, 0, 0, 0, 0);
    insert(&f, UINT64_MAX, UINT32_MAX);
    values_check(&f, UINT64_MAX, UINT32_MAX, 0, 1);
    chek_page_heap_finish(&f.heap);
}

static struct count_case {
    const char *name;
    uint32_t key_count, value_count; /* values of each key */
} count_cases[] = {
    {"one_bucket", 14, 1},
    {"first_split", 15, 1},
    {"one_key_in_one_bucket", 1, 20},
    {"one_key_with_an_overflow_bucket", 1, 21},
    {"one_key_with_a_long_chain", 1, 1000},
    {"two_keys_with_long_chains", 2, 500},
    {"many_keys_with_two_values", 5000, 2},
    {"table_is_full", 14 * 1024, 1},
    {"second_table_begins", 14 * 1024 + 1, 1},
    {"top_of_tables_grows", 14 * 1024 * 5, 1},
};

static void
test_page_map_finds_all_in_order(void **state)
{
    const struct count_case *c = *state;
    struct fixture f;
    fixture_make(&f, 4096);
    for (uint32_t i = 0; i < c->value_count; i++) {
        for (uint32_t key = 0; key < c->key_count; key++) {
            insert(&f, key, key + i * 7);
        }
    }
    assert_int_equal(f.map->count, (uint64_t)c->key_count * c->value_count);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    assert_true(chek_page_heap_is_valid(&f.heap));
    for (uint32_t key = 0; key < c->key_count; key++) {
        chek_page_map_prefetch(&f.heap, f.map, key);
        values_check(&f, key, key, 7, c->value_count);
    }
    values_check(&f, c->key_count, 0, 0, 0);
    chek_page_heap_finish(&f.heap);
}

/* Remove every second value, from the front, then the rest; the order of what is left stays. */
static void
test_page_map_removes_all_in_order(void **state)
{
    const struct count_case *c = *state;
    struct fixture f;
    fixture_make(&f, 4096);
    for (uint32_t i = 0; i < c->value_count; i++) {
        for (uint32_t key = 0; key < c->key_count; key++) {
            insert(&f, key, i);
        }
    }
    for (uint32_t key = 0; key < c->key_count; key++) {
        for (uint32_t i = 0; i < c->value_count; i += 2) {
            assert_true(chek_page_map_remove(&f.heap, f.map, key, i));
            assert_false(chek_page_map_remove(&f.heap, f.map, key, i));
        }
    }
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    for (uint32_t key = 0; key < c->key_count; key++) {
        values_check(&f, key, 1, 2, c->value_count / 2);
        for (uint32_t i = 1; i < c->value_count; i += 2) {
            assert_true(chek_page_map_remove(&f.heap, f.map, key, i));
        }
        values_check(&f, key, 0, 0, 0);
    }
    assert_int_equal(f.map->count, 0);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    assert_true(chek_page_heap_is_valid(&f.heap));
    chek_page_heap_finish(&f.heap);
}

static void
test_page_map_remove_takes_the_first_of_equal_values(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 16);
    insert(&f, 5, 1);
    insert(&f, 5, 2);
    insert(&f, 5, 1);
    assert_true(chek_page_map_remove(&f.heap, f.map, 5, 1));
    values_check(&f, 5, 2, UINT32_MAX, 2); /* 2, then 1 */
    assert_int_equal(f.map->count, 2);
    chek_page_heap_finish(&f.heap);
}

static void
test_page_map_seed_changes_the_places(void **state)
{
    (void)state;
    struct fixture first, second;
    fixture_make(&first, 64);
    fixture_make(&second, 64);
    second.map->seed = 43;
    for (uint32_t i = 0; i < 100; i++) {
        insert(&first, i, i);
        insert(&second, i, i);
    }
    second.map->seed = 42; /* with the wrong seed the keys are looked for elsewhere */
    assert_false(chek_page_map_is_valid(&second.heap, second.map));
    chek_page_heap_finish(&first.heap);
    chek_page_heap_finish(&second.heap);
}

/* A full heap refuses; what is in stays findable and can be taken out again. */
static void
test_page_map_full_heap_refuses_and_keeps_all(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 8);
    uint32_t count = 0;
    while (chek_page_map_insert(&f.heap, f.map, count, count) == CHEK_OK) {
        count += 1;
    }
    assert_in_range(count, 3000, 8 * 64 * 20);
    uint64_t hash = chek_page_heap_hash(&f.heap);
    assert_error(chek_page_map_insert(&f.heap, f.map, count, count), CHEK_E_FULL);
    assert_true(chek_page_heap_hash(&f.heap) == hash);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    for (uint32_t i = 0; i < count; i++) {
        values_check(&f, i, i, 0, 1);
    }
    for (uint32_t i = 0; i < count; i++) {
        assert_true(chek_page_map_remove(&f.heap, f.map, i, i));
    }
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    insert(&f, count, 1);
    values_check(&f, count, 1, 0, 1);
    chek_page_heap_finish(&f.heap);
}

/* Every commit on the way to 3,000 keys fails once; nothing is lost and the bytes stay sound. */
static void
test_page_map_insert_with_every_allocation_failing(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 256);
    uint32_t refused_count = 0;
    for (uint32_t i = 0; i < 3000; i++) {
        chek_memory_fail_at(1);
        int error = chek_page_map_insert(&f.heap, f.map, i, i);
        chek_memory_fail_at(0);
        if (error != CHEK_OK) {
            assert_error(error, CHEK_E_FULL);
            assert_int_equal(f.map->count, i);
            refused_count += 1;
            insert(&f, i, i);
        }
    }
    assert_true(refused_count > 0);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    assert_true(chek_page_heap_is_valid(&f.heap));
    for (uint32_t i = 0; i < 3000; i++) {
        values_check(&f, i, i, 0, 1);
    }
    chek_page_heap_finish(&f.heap);
}

/* What an insertion may allocate is what the header says, at the worst moments. */
static void
test_page_map_insert_stays_below_its_bound(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 4096);
    for (uint32_t i = 0; i < 14 * 1024 * 3; i++) {
        uint64_t before = chek_page_heap_used_size(&f.heap);
        insert(&f, i, i);
        uint64_t after = chek_page_heap_used_size(&f.heap);
        assert_true(after <= before + CHEK_PAGE_MAP_INSERT_SIZE_MAX);
    }
    chek_page_heap_finish(&f.heap);
}

/* ---- damage: what is_valid() must see ---- */

/* 100 keys; then 32 bits of the map's head are changed. */
static struct damage_case {
    const char *name;
    size_t offset;
    uint32_t value;
} damage_cases[] = {
    {"damage_seed", offsetof(struct chek_page_map, seed), 43},
    {"damage_count", offsetof(struct chek_page_map, count), 99},
    {"damage_count_more", offsetof(struct chek_page_map, count), 101},
    {"damage_table_none", offsetof(struct chek_page_map, table), 0},
    {"damage_table_outside", offsetof(struct chek_page_map, table), UINT32_MAX},
    {"damage_bucket_count_none", offsetof(struct chek_page_map, bucket_count), 0},
    {"damage_bucket_count_less", offsetof(struct chek_page_map, bucket_count), 7},
    {"damage_bucket_count_huge", offsetof(struct chek_page_map, bucket_count), UINT32_MAX},
    {"damage_level", offsetof(struct chek_page_map, level), 1},
    {"damage_level_huge", offsetof(struct chek_page_map, level), 64},
    {"damage_split", offsetof(struct chek_page_map, split), 1},
    {"damage_split_huge", offsetof(struct chek_page_map, split), UINT32_MAX},
};

static void
test_page_map_damage_is_seen(void **state)
{
    const struct damage_case *c = *state;
    struct fixture f;
    fixture_make(&f, 64);
    for (uint32_t i = 0; i < 100; i++) {
        insert(&f, i, i);
    }
    assert_int_equal(f.map->bucket_count, 8);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    memcpy((char *)f.map + c->offset, &c->value, sizeof c->value);
    assert_false(chek_page_map_is_valid(&f.heap, f.map));
    chek_page_heap_finish(&f.heap);
}

/* Where a bucket of 256 bytes has its head, and the key or value of an entry. */
static bool
byte_is_told(size_t offset, uint32_t entry_count)
{
    enum { KEYS = 16, VALUES = 16 + 20 * 8 };
    if (offset < KEYS) {
        return true;
    }
    size_t entry = offset < VALUES ? (offset - KEYS) / 8 : (offset - VALUES) / 4;
    return entry >= entry_count;
}

/* A bit flipped in the head of any bucket, or in a place that has no entry, is seen. */
static void
test_page_map_damage_of_any_bucket_is_seen(void **state)
{
    (void)state;
    struct fixture f;
    fixture_make(&f, 64);
    for (uint32_t i = 0; i < 60; i++) {
        insert(&f, i % 2, i); /* two chains with overflow buckets */
    }
    size_t bucket_count = 0;
    for (chek_page_ref ref = 0; ref < f.heap.page_count * (CHEK_PAGE_SIZE / 16); ref++) {
        if (!chek_page_heap_holds(&f.heap, ref, 256)) {
            continue;
        }
        bucket_count += 1;
        uint8_t *bucket = chek_page_heap_change(&f.heap, ref);
        uint32_t entry_count = chek_load_u32(bucket);
        for (size_t i = 0; i < 256; i++) {
            if (byte_is_told(i, entry_count)) {
                bucket[i] ^= 1;
                assert_false(chek_page_map_is_valid(&f.heap, f.map));
                bucket[i] ^= 1;
            }
        }
    }
    assert_in_range(bucket_count, 6, 12);
    assert_true(chek_page_map_is_valid(&f.heap, f.map));
    chek_page_heap_finish(&f.heap);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_page_map_empty_finds_nothing);
    TABLE_TEST(&table, test_page_map_zero_is_a_key_like_any);
    TABLE_ROWS(&table, test_page_map_finds_all_in_order, count_cases);
    TABLE_ROWS(&table, test_page_map_removes_all_in_order, count_cases);
    TABLE_TEST(&table, test_page_map_remove_takes_the_first_of_equal_values);
    TABLE_TEST(&table, test_page_map_seed_changes_the_places);
    TABLE_TEST(&table, test_page_map_full_heap_refuses_and_keeps_all);
    TABLE_TEST(&table, test_page_map_insert_with_every_allocation_failing);
    TABLE_TEST(&table, test_page_map_insert_stays_below_its_bound);
    TABLE_ROWS(&table, test_page_map_damage_is_seen, damage_cases);
    TABLE_TEST(&table, test_page_map_damage_of_any_bucket_is_seen);
    return table_run(&table, "page_map");
}
