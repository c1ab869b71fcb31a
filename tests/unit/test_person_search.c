/* SPDX-License-Identifier: MIT */
/*
 * test_person_search.c - rows by subject, over open rows, segments and merged ones, against a model.
 */
#include "engine/store/person_search.h"

#include "engine/base/prng.h"
#include "engine/store/merge.h"
#include "tests/unit/table.h"

#define ROW_COUNT 600
#define REGISTRATION_COUNT 3
#define PERSON_COUNT 6 /* and nobody */
#define DAY INT64_C(86400)
#define TIME_BEGIN INT64_C(1767225600)

static _Alignas(16) uint8_t arena_bytes[1 << 20];

struct model_row {
    struct chek_row_place place;
    int64_t time;
    uint32_t buyer, others[2]; /* persons, 0: nobody */
    bool replaced;
};

static struct model {
    struct model_row rows[ROW_COUNT];
    uint32_t count;
    uint32_t ordinals[REGISTRATION_COUNT + 1];
    struct chek_prng prng;
    struct chek_store *store;
} model;

static uint32_t
below(uint32_t bound)
{
    return (uint32_t)chek_prng_below(&model.prng, bound);
}

/* Subjects with the same half, the first or the second, are told apart. */
static void
subject_write(uint32_t person, uint8_t ret[16])
{
    memset(ret, 0, 16);
    if (person != 0) {
        memset(ret, 0xa0 + (int)(person / 2), 8);
        memset(ret + 8, 0xb0 + (int)(person % 2), 8);
    }
}

static void
append(void)
{
    struct model_row *row = &model.rows[model.count];
    uint32_t registration = 1 + below(REGISTRATION_COUNT);
    uint32_t ordinal = model.ordinals[registration]++;
    struct chek_line line = {.sum = 100};
    struct chek_person persons[2] = {{.kind = 1}, {.kind = 2}};
    *row = (struct model_row){
        .place = {.received_us = 1000 + model.count / 2, /* two at a time */
                  .registration = registration,
                  .ordinal = ordinal},
        .time = TIME_BEGIN + DAY * below(30),
        .buyer = below(4) == 0 ? 1 + below(PERSON_COUNT) : 0,
    };
    uint32_t other_count = below(8) == 0 ? 2 : 0;
    for (uint32_t i = 0; i < other_count; i++) {
        row->others[i] = 1 + below(PERSON_COUNT);
        subject_write(row->others[i], persons[i].subject);
    }
    struct chek_receipt receipt = {.time = row->time,
                                   .total = 100,
                                   .lines = &line,
                                   .lines_count = 1,
                                   .persons = other_count != 0 ? persons : NULL,
                                   .persons_count = other_count};
    subject_write(row->buyer, receipt.subject);
    struct chek_document document = {.registration = registration, .receipt = &receipt};
    struct chek_row stored = {.registration = registration,
                              .ordinal = ordinal,
                              .kind = CHEK_ROW_RECEIPT,
                              .received_us = row->place.received_us};
    if (below(10) == 0 && ordinal > 0) {
        uint32_t old = below(ordinal);
        for (uint32_t i = 0; i < model.count; i++) {
            struct model_row *other = &model.rows[i];
            if (other->place.registration == registration && other->place.ordinal == old &&
                !other->replaced) {
                other->replaced = true;
                stored.completes = old + 1;
                assert_error(chek_store_replace(model.store, registration, old), CHEK_OK);
            }
        }
    }
    assert_error(chek_store_ensure(model.store, 1, 4096, 1024), CHEK_OK);
    chek_store_append(model.store, &stored, &document);
    model.count += 1;
}

static void
seal_and_merge(void)
{
    struct chek_seal *seal;
    struct chek_merge *merge;
    while ((seal = chek_store_seal_begin(model.store)) != NULL) {
        chek_seal_run(seal);
        chek_seal_adopt(seal);
    }
    while (below(2) == 0 && (merge = chek_store_merge_begin(model.store)) != NULL) {
        chek_merge_run(merge);
        bool is_adopted = chek_merge_adopt(merge);
        assert_true(is_adopted);
        chek_merge_drop(merge);
    }
}

static bool
is_newer(const struct chek_row_place *a, const struct chek_row_place *b)
{
    if (a->received_us != b->received_us) {
        return a->received_us > b->received_us;
    }
    return a->registration != b->registration ? a->registration > b->registration
                                              : a->ordinal > b->ordinal;
}

/* The newest row of the model that fits and is behind `before`; NULL: there is none. */
static const struct model_row *
model_next(const struct chek_person_search *search, uint32_t person,
           const struct chek_row_place *before)
{
    const struct model_row *found = NULL;
    for (uint32_t i = 0; i < model.count; i++) {
        const struct model_row *row = &model.rows[i];
        bool fits =
            !row->replaced &&
            (row->buyer == person || row->others[0] == person || row->others[1] == person) &&
            (search->registration == 0 || row->place.registration == search->registration) &&
            (search->time_max == 0 ||
             (row->time >= search->time_min && row->time <= search->time_max)) &&
            (before->received_us == 0 || is_newer(before, &row->place));
        if (fits && (found == NULL || is_newer(&row->place, &found->place))) {
            found = row;
        }
    }
    return found;
}

/* Read a whole list, pieces of a few rows, and compare. Returns how many there were. */
static uint32_t
list_check(uint32_t person)
{
    struct chek_row_place list[8];
    struct chek_person_search search = {0};
    struct chek_arena arena;
    uint32_t total = 0;
    uint32_t count;
    uint32_t count_max = 1 + below(CHEK_COUNT(list));
    subject_write(person, search.subject);
    search.registration = below(REGISTRATION_COUNT + 1);
    if (below(2) == 0) {
        search.time_min = TIME_BEGIN + DAY * below(20);
        search.time_max = search.time_min + DAY * below(10);
    }
    chek_arena_init_over(&arena, arena_bytes, sizeof arena_bytes);
    do {
        struct chek_row_place before = search.before;
        count = 99;
        assert_error(chek_person_search(model.store, &search, &arena, count_max, list, &count),
                     CHEK_OK);
        assert_int_equal(arena.used, 0);
        for (uint32_t i = 0; i < count; i++) {
            const struct model_row *want = model_next(&search, person, &before);
            assert_non_null(want);
            assert_memory_equal(&list[i], &want->place, sizeof *list);
            before = want->place;
        }
        if (count < count_max) {
            assert_null(model_next(&search, person, &before));
        }
        search.before = before;
        total += count;
    } while (count == count_max);
    return total;
}

static void
test_lists_are_those_of_the_model(void **state)
{
    uint32_t total = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct chek_store_config config = {.segment_row_count = 64,
                                           .segment_merge_count = 3,
                                           .dictionary_count_max = 16,
                                           .dictionary_size_max = 1024,
                                           .index_seed = seed};
        memset(&model, 0, sizeof model);
        chek_prng_init(&model.prng, seed);
        assert_error(chek_store_create(&config, &model.store), CHEK_OK);
        while (model.count < ROW_COUNT) {
            append();
            if (below(40) == 0) {
                seal_and_merge();
                for (uint32_t person = 1; person <= PERSON_COUNT; person++) {
                    total += list_check(person);
                }
            }
        }
        assert_true(chek_segment_count(model.store) > 0);
        chek_store_destroy(model.store);
    }
    assert_true(total > 10000);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_lists_are_those_of_the_model);
    return table_run(&table, "person_search");
}
