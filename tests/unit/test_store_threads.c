/* SPDX-License-Identifier: MIT */
/*
 * test_store_threads.c - workers seal, merge and read through views while their shard goes on.
 *
 * What it shows is what the thread sanitizer does not find: a worker adds texts to dictionaries
 * whose published part the shard reads; workers read rows, bits of replaced rows and segments that
 * the shard adds, sets and exchanges meanwhile.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/writer.h"
#include "engine/store/merge.h"
#include "engine/store/sign_search.h"
#include "engine/store/sums.h"
#include "engine/store/view.h"

#define ROW_COUNT 4000
#define SEGMENT_ROW_COUNT 500

static _Alignas(16) uint8_t memory[1 << 20];
static uint8_t image_bytes[1 << 20];

/* A close of a cashier that nobody had before, so that dictionaries grow. */
static void
append(struct chek_store *store, uint32_t ordinal)
{
    char name[32];
    int size = snprintf(name, sizeof name, "cashier number %u", (unsigned)ordinal);
    struct chek_close close = {.time = 1767225600,
                               .operator= chek_bytes_view_of(name, (size_t)size)};
    struct chek_document document = {.close = &close};
    struct chek_row row = {.registration = 5, .ordinal = ordinal, .kind = CHEK_ROW_CLOSE};
    assert_int_equal(chek_store_ensure(store, 1, 256, 0), CHEK_OK);
    chek_store_append(store, &row, &document);
}

static void
read_check(const struct chek_store *store, uint32_t ordinal)
{
    struct chek_arena arena;
    struct chek_row row;
    struct chek_document document;
    char name[32];
    int size = snprintf(name, sizeof name, "cashier number %u", (unsigned)ordinal);
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_store_read(store, 5, ordinal, &arena, &row, &document), CHEK_OK);
    assert_int_equal(document.close->operator.size, size);
    assert_memory_equal(document.close->operator.bytes, name, (size_t)size);
}

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    uint32_t *count = context;
    assert_int_equal(row->row.registration, 5);
    *count += 1;
    return true;
}

static void *
worker(void *argument)
{
    chek_seal_run(argument);
    return NULL;
}

/* What a shard does of all this in a turn. */
static void
shard_turn(struct chek_store *store, uint32_t *count)
{
    struct chek_scan_filter filter = {0};
    struct chek_arena arena;
    uint32_t seen = 0;
    for (uint32_t i = 0; i < 40; i++) {
        append(store, (*count)++);
    }
    for (uint32_t i = 0; i < *count; i += 97) {
        read_check(store, i);
    }
    chek_arena_init_over(&arena, memory, sizeof memory);
    assert_int_equal(chek_store_scan(store, &filter, &arena, on_row, &seen), CHEK_OK);
    assert_int_equal(seen, *count);
    assert_true(chek_store_count(store).row_count == *count);
    struct chek_writer out = chek_writer_over(image_bytes, sizeof image_bytes);
    chek_store_image_write(store, &out);
    assert_false(out.full);
}

static void
test_a_shard_goes_on_while_a_worker_seals(void **state)
{
    (void)state;
    struct chek_store_config config = {.dictionary_count_max = 100000,
                                       .dictionary_size_max = 1 << 24,
                                       .segment_row_count = SEGMENT_ROW_COUNT};
    struct chek_store *store;
    uint32_t count = 0;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    while (count < ROW_COUNT) {
        pthread_t thread;
        struct chek_seal *seal = chek_store_seal_begin(store);
        if (seal != NULL) {
            assert_int_equal(pthread_create(&thread, NULL, worker, seal), 0);
        }
        shard_turn(store, &count);
        if (seal != NULL) {
            assert_int_equal(pthread_join(thread, NULL), 0);
            chek_seal_adopt(seal);
        }
    }
    assert_true(chek_store_count(store).segment_count >= ROW_COUNT / SEGMENT_ROW_COUNT - 1);
    chek_store_destroy(store);
}

/* ---- views ------------------------------------------------------------------------------------ */

#define RECEIPT_COUNT 3000
#define VIEW_SEGMENT_ROW_COUNT 100
#define VIEW_COUNT 3
#define TOTAL 700

/* A view on a worker. */
struct looker {
    pthread_t thread;
    struct chek_view *view;
    uint32_t row_count, replaced_count; /* to be found */
    uint32_t seen, seen_replaced;
    int64_t sum;
    bool is_running;
    _Alignas(16) uint8_t memory[1 << 18];
};

static void
receipt_append(struct chek_store *store, uint32_t ordinal)
{
    struct chek_receipt receipt = {
        .time = 1767225600 + ordinal, .total = TOTAL, .sign = ordinal + UINT64_C(1)};
    struct chek_document document = {.receipt = &receipt};
    struct chek_row row = {.registration = 5, .ordinal = ordinal, .kind = CHEK_ROW_RECEIPT};
    assert_int_equal(chek_store_ensure(store, 1, 256, 0), CHEK_OK);
    chek_store_append(store, &row, &document);
}

static bool
on_looked(void *context, const struct chek_scan_row *row)
{
    struct looker *looker = context;
    looker->seen += 1;
    looker->seen_replaced += row->row.replaced;
    return true;
}

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct looker *looker = context;
    looker->sum += addend->net;
    return true;
}

/* Assertions of the test's framework are for its own thread: this one counts. */
static void *
look(void *argument)
{
    struct looker *looker = argument;
    const struct chek_store *store = chek_view_store(looker->view);
    struct chek_scan_filter filter = {.with_replaced = true};
    struct chek_sign_search search = {.registration = 5, .sign = looker->row_count};
    struct chek_arena arena;
    struct chek_row row;
    struct chek_document document;
    chek_arena_init_over(&arena, looker->memory, sizeof looker->memory);
    int error = chek_store_scan(store, &filter, &arena, on_looked, looker);
    filter.with_replaced = false;
    error = error == CHEK_OK ? chek_store_sum(store, &filter, &arena, on_addend, looker) : error;
    for (uint32_t i = 0; error == CHEK_OK && i < looker->row_count; i += 37) {
        chek_arena_init_over(&arena, looker->memory, sizeof looker->memory);
        error = chek_store_read(store, 5, i, &arena, &row, &document);
    }
    bool is_over = chek_sign_search_run(&search, store, 1 << 20);
    bool is_found = is_over && search.found && search.ordinal == looker->row_count - 1;
    looker->seen += error != CHEK_OK || !is_found; /* not what is wanted */
    return NULL;
}

static void
look_end(struct looker *looker)
{
    if (!looker->is_running) {
        return;
    }
    assert_int_equal(pthread_join(looker->thread, NULL), 0);
    assert_true(chek_view_is_whole(looker->view));
    assert_int_equal(looker->seen, looker->row_count);
    assert_int_equal(looker->seen_replaced, looker->replaced_count);
    assert_int_equal(looker->sum, (int64_t)TOTAL * (looker->row_count - looker->replaced_count));
    chek_view_close(looker->view);
    looker->is_running = false;
}

static void
look_begin(struct looker *looker, struct chek_store *store, uint32_t row_count,
           uint32_t replaced_count)
{
    assert_int_equal(chek_view_open(looker->view, store), CHEK_OK);
    looker->row_count = row_count;
    looker->replaced_count = replaced_count;
    looker->seen = looker->seen_replaced = 0;
    looker->sum = 0;
    looker->is_running = true;
    assert_int_equal(pthread_create(&looker->thread, NULL, look, looker), 0);
}

static void *
merge_run(void *argument)
{
    chek_merge_run(argument);
    return NULL;
}

/* Append a set's worth of rows, and replace every seventh row that there is, once. */
static void
rows_add(struct chek_store *store, uint32_t *row_count, uint32_t *replaced_count)
{
    for (uint32_t i = 0; i < VIEW_SEGMENT_ROW_COUNT / 2; i++) {
        receipt_append(store, (*row_count)++);
        if (*row_count % 7 == 0) {
            uint32_t row = *row_count % 2 == 0 ? *row_count / 2 : *row_count - 1;
            struct chek_arena arena;
            struct chek_row told;
            struct chek_document document;
            chek_arena_init_over(&arena, memory, sizeof memory);
            assert_int_equal(chek_store_read(store, 5, row, &arena, &told, &document), CHEK_OK);
            *replaced_count += !told.replaced;
            assert_int_equal(chek_store_replace(store, 5, row), CHEK_OK);
        }
    }
}

static void
test_workers_look_while_a_shard_goes_on(void **state)
{
    static struct looker lookers[VIEW_COUNT];
    struct chek_store_config config = {.dictionary_count_max = 100000,
                                       .dictionary_size_max = 1 << 24,
                                       .segment_row_count = VIEW_SEGMENT_ROW_COUNT,
                                       .segment_merge_count = 4};
    struct chek_store *store;
    uint32_t row_count = 0;
    uint32_t replaced_count = 0;
    uint32_t merge_count = 0;
    (void)state;
    assert_int_equal(chek_store_create(&config, &store), CHEK_OK);
    for (uint32_t i = 0; i < VIEW_COUNT; i++) {
        assert_int_equal(chek_view_create(1000, &lookers[i].view), CHEK_OK);
    }
    for (uint32_t turn = 0; row_count < RECEIPT_COUNT; turn++) {
        pthread_t sealing, merging;
        struct chek_seal *seal = chek_store_seal_begin(store);
        struct chek_merge *merge = chek_store_merge_begin(store);
        if (seal != NULL) {
            assert_int_equal(pthread_create(&sealing, NULL, worker, seal), 0);
        }
        if (merge != NULL) {
            assert_int_equal(pthread_create(&merging, NULL, merge_run, merge), 0);
        }
        rows_add(store, &row_count, &replaced_count);
        look_end(&lookers[turn % VIEW_COUNT]);
        look_begin(&lookers[turn % VIEW_COUNT], store, row_count, replaced_count);
        rows_add(store, &row_count, &replaced_count);
        if (seal != NULL) {
            assert_int_equal(pthread_join(sealing, NULL), 0);
            chek_seal_adopt(seal);
        }
        if (merge != NULL) {
            assert_int_equal(pthread_join(merging, NULL), 0);
            assert_true(chek_merge_adopt(merge));
            for (uint32_t i = 0; chek_merge_is_shown(merge) && i < VIEW_COUNT; i++) {
                look_end(&lookers[i]);
            }
            chek_merge_drop(merge);
            merge_count += 1;
        }
    }
    for (uint32_t i = 0; i < VIEW_COUNT; i++) {
        look_end(&lookers[i]);
        chek_view_destroy(lookers[i].view);
    }
    assert_true(merge_count > 3);
    chek_store_destroy(store);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shard_goes_on_while_a_worker_seals),
        cmocka_unit_test(test_workers_look_while_a_shard_goes_on),
    };
    return cmocka_run_group_tests_name("store_threads", tests, NULL, NULL);
}
