/* SPDX-License-Identifier: MIT */
/*
 * test_sign_search.c - the newest row with a sign, in steps, wherever rows are by then.
 *
 * Two registers have every sign of 1..SIGN_COUNT many times over, in turn; the first receipt of
 * each has one of its own. prop_store.c has the random histories.
 */
#include "engine/store/merge.h"
#include "engine/store/sign_search.h"
#include "tests/unit/table.h"

#define ROW_COUNT 10000 /* of a register */
#define SEGMENT_ROW_COUNT 6000
#define SIGN_COUNT 100
#define FIRST_SIGN 1000000
#define TIME_MIN INT64_C(1767225600)
#define STEP_ROW_COUNT 1000

static const uint32_t registrations[2] = {5, 9};

static uint64_t
sign_of(uint32_t ordinal)
{
    return ordinal == 0 ? FIRST_SIGN : 1 + ordinal % SIGN_COUNT;
}

static void
append(struct chek_store *store, uint32_t registration, uint32_t ordinal)
{
    /* Every third is known by an autonomous sign instead. */
    struct chek_receipt receipt = {.time = TIME_MIN + 60 * (int64_t)ordinal,
                                   .total = 100,
                                   .sign = ordinal % 3 == 1 ? 0 : sign_of(ordinal),
                                   .autonomous = ordinal % 3 == 1 ? sign_of(ordinal) : 0};
    struct chek_document document = {.registration = registration, .receipt = &receipt};
    struct chek_row row = {
        .registration = registration, .ordinal = ordinal, .kind = CHEK_ROW_RECEIPT};
    assert_error(chek_store_ensure(store, 1, 0, 1024), CHEK_OK);
    chek_store_append(store, &row, &document);
}

static struct chek_store *
store_make(uint32_t row_count)
{
    struct chek_store_config config = {.segment_row_count = SEGMENT_ROW_COUNT,
                                       .segment_merge_count = 2,
                                       .dictionary_count_max = 16,
                                       .dictionary_size_max = 1024,
                                       .index_seed = 1};
    struct chek_store *store;
    assert_error(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < row_count; i++) {
        append(store, registrations[1], i);
        if (i % 7 != 0) { /* so that the other's rows begin in the middle of a page */
            append(store, registrations[0], i - i / 7 - 1);
        }
    }
    return store;
}

/* Seal one full set; false when there is none. */
static bool
seal_one(struct chek_store *store)
{
    struct chek_seal *seal = chek_store_seal_begin(store);
    if (seal != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
    }
    return seal != NULL;
}

static struct search_case {
    const char *name;
    struct chek_sign_search search; /* of the second register */
    uint32_t want;                  /* ordinal; UINT32_MAX: there is none */
    uint32_t call_count_max;        /* 0: what looking at everything takes */
} cases[] = {
    {"newest_of_many_is_found_at_once", {.sign = 1 + 9998 % SIGN_COUNT}, 9998, 1},
    {"sign_of_its_own_is_found_at_the_very_beginning", {.sign = FIRST_SIGN}, 0, 0},
    {"unknown_sign_is_not_found", {.sign = FIRST_SIGN + 1}, UINT32_MAX, 0},
    {"sign_is_no_autonomous_sign", {.sign = 1 + 9997 % SIGN_COUNT}, 9897, 1},
    {"autonomous_sign_is_found", {.autonomous = 1 + 9997 % SIGN_COUNT}, 9997, 1},
    {"either_will_do",
     {.sign = 1 + 9997 % SIGN_COUNT, .autonomous = 1 + 9997 % SIGN_COUNT},
     9997,
     1},
    {"times_leave_out_what_is_newer",
     {.sign = 1 + 9998 % SIGN_COUNT,
      .time_min = TIME_MIN,
      .time_max = TIME_MIN + INT64_C(60) * 5000},
     4998,
     0},
    {"times_leave_out_all",
     {.sign = FIRST_SIGN, .time_min = TIME_MIN + 60, .time_max = TIME_MIN + 6000},
     UINT32_MAX,
     0},
};

/* Merge two of the segments; false when there are not as many. */
static bool
merge_one(struct chek_store *store)
{
    struct chek_merge *merge = chek_store_merge_begin(store);
    if (merge != NULL) {
        chek_merge_run(merge);
        assert_true(chek_merge_adopt(merge));
        chek_merge_drop(merge);
    }
    return merge != NULL;
}

/* Run to the end; `seal_at`: before this call a set is sealed, segments that can be are merged, and
 * new rows come. */
static void
expect(struct chek_store *store, const struct search_case *c, uint32_t seal_at)
{
    uint32_t all_count = ROW_COUNT / STEP_ROW_COUNT + 4;
    uint32_t call_count_max = c->call_count_max != 0 ? c->call_count_max : all_count;
    struct chek_sign_search search = c->search;
    uint32_t call_count = 1;
    uint32_t newer = ROW_COUNT;

    search.registration = registrations[1];
    while (!chek_sign_search_run(&search, store, STEP_ROW_COUNT)) {
        call_count += 1;
        assert_true(call_count <= call_count_max);
        if (call_count == seal_at) {
            append(store, registrations[1], newer++);
            (void)seal_one(store);
            (void)merge_one(store);
        }
    }
    assert_int_equal(search.found, c->want != UINT32_MAX);
    if (c->want != UINT32_MAX) {
        assert_int_equal(search.ordinal, c->want);
    } else if (c->search.time_max == 0) {
        assert_true(call_count >= ROW_COUNT / STEP_ROW_COUNT); /* no step does it all */
    }
}

static void
test_open(void **state)
{
    struct chek_store *store = store_make(ROW_COUNT);
    expect(store, *state, 0);
    chek_store_destroy(store);
}

static void
test_sealed(void **state)
{
    struct chek_store *store = store_make(ROW_COUNT);
    while (seal_one(store)) {
    }
    assert_true(chek_segment_count(store) == 3);
    expect(store, *state, 0);
    chek_store_destroy(store);
}

/* The rows that come next are sealed between two steps, at any of them. */
static void
test_sealed_meanwhile(void **state)
{
    for (uint32_t seal_at = 2; seal_at < ROW_COUNT / STEP_ROW_COUNT + 2; seal_at++) {
        struct chek_store *store = store_make(ROW_COUNT);
        expect(store, *state, seal_at);
        chek_store_destroy(store);
    }
}

/* Segments that were looked at, or were not yet, or both, are merged between two steps. */
static void
test_merged_meanwhile(void **state)
{
    for (uint32_t merge_at = 2; merge_at < ROW_COUNT / STEP_ROW_COUNT + 2; merge_at++) {
        struct chek_store *store = store_make(ROW_COUNT);
        while (seal_one(store)) {
        }
        expect(store, *state, merge_at);
        chek_store_destroy(store);
    }
}

/* A fuller copy may have come after the search had passed its place: the old row must do. */
static void
test_replaced_row_is_found(void **state)
{
    (void)state;
    struct chek_store *store = store_make(10);
    struct chek_sign_search search = {.registration = registrations[1], .sign = FIRST_SIGN};
    assert_error(chek_store_replace(store, registrations[1], 0), CHEK_OK);
    assert_true(chek_sign_search_run(&search, store, 100));
    assert_true(search.found);
    assert_int_equal(search.ordinal, 0);
    chek_store_destroy(store);
}

static void
test_step_of_one_row_comes_to_an_end(void **state)
{
    (void)state;
    struct chek_store *store = store_make(SEGMENT_ROW_COUNT);
    struct chek_sign_search search = {.registration = registrations[1], .sign = FIRST_SIGN};
    assert_true(seal_one(store)); /* half of it */
    uint32_t call_count = 1;
    while (!chek_sign_search_run(&search, store, 1)) {
        call_count += 1;
        assert_true(call_count <= SEGMENT_ROW_COUNT + 2);
    }
    assert_true(search.found);
    assert_int_equal(search.ordinal, 0);
    assert_true(call_count > SEGMENT_ROW_COUNT / 4);
    chek_store_destroy(store);
}

int
main(void)
{
    struct table table = {0};
    TABLE_ROWS(&table, test_open, cases);
    TABLE_ROWS(&table, test_sealed, cases);
    TABLE_ROWS(&table, test_sealed_meanwhile, cases);
    TABLE_ROWS(&table, test_merged_meanwhile, cases);
    TABLE_TEST(&table, test_replaced_row_is_found);
    TABLE_TEST(&table, test_step_of_one_row_comes_to_an_end);
    return table_run(&table, "sign_search");
}
