/* SPDX-License-Identifier: MIT */
/*
 * test_store_threads.c - a worker seals while its shard appends, reads, scans and writes an image.
 *
 * What it shows is what the thread sanitizer does not find: the worker adds texts to dictionaries
 * whose published part the shard reads.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "engine/base/writer.h"
#include "engine/store/store.h"

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

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_shard_goes_on_while_a_worker_seals),
    };
    return cmocka_run_group_tests_name("store_threads", tests, NULL, NULL);
}
