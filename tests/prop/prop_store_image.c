/* SPDX-License-Identifier: MIT */
/*
 * prop_store_image.c - an image that is written in steps is the image of its moment.
 *
 * Beside a random history of rows, replaced rows and sealing, images are begun at random moments
 * and written in steps of random sizes. Each must be the bytes that were written at once when it
 * was begun, and must load.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/store/store.h"
#include "tests/prop/prop.h"
#include "tests/prop/random_document.h"

#define REGISTRATION_COUNT 6
#define STEP_COUNT 700
#define ARENA_SIZE (16u << 20)
#define CELL_SIZE_MAX 65536
#define ROOM_SIZE (1u << 20) /* of documents and cells, ensured for a row */

struct round {
    struct prop *prop;
    struct chek_prng *prng;
    struct chek_store_config config;
    struct chek_store *store;
    struct random_document_options options;
    struct chek_arena scratch;
    struct chek_seal *seal; /* run, and waiting for the image */
    uint32_t ordinals[REGISTRATION_COUNT];
    uint32_t segment_count; /* at the moment of the image */
    uint32_t replaced_count, checked_count;
    uint8_t *want;
    size_t want_size;
    uint8_t *got;
    size_t got_capacity;
    struct chek_writer out;
};

static uint32_t
below(struct round *round, uint64_t bound)
{
    return (uint32_t)chek_prng_below(round->prng, bound);
}

static void
append(struct round *round)
{
    struct chek_document document;
    static uint8_t cell[CELL_SIZE_MAX];
    chek_arena_reset(&round->scratch);
    int error = random_document_make(round->prng, &round->options, &round->scratch, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    if (document.raw.size > CHEK_COMMAND_BODY_SIZE_MAX) {
        return; /* no command brings it */
    }
    uint32_t index = below(round, REGISTRATION_COUNT);
    struct chek_row row = {
        .registration = 1 + index * 1000,
        .ordinal = round->ordinals[index]++,
        .shift = below(round, 3),
        .kind = document.receipt != NULL    ? CHEK_ROW_RECEIPT
                : document.movement != NULL ? CHEK_ROW_MOVEMENT
                                            : CHEK_ROW_CLOSE,
        .late = below(round, 10) == 0,
        .received_us = UINT64_C(1767225600000000),
    };
    if (row.kind == CHEK_ROW_CLOSE) {
        memset(cell, (int)below(round, 256), sizeof cell);
        bool large = below(round, 20) == 0; /* a row in several pieces */
        row.cell = chek_bytes_view_of(cell, large ? sizeof cell : below(round, 3000));
    }
    PROP_CHECK(round->prop, chek_store_ensure(round->store, 1, ROOM_SIZE, ROOM_SIZE) == CHEK_OK);
    chek_store_append(round->store, &row, &document);
}

/* Some row, or the same row again. */
static void
replace(struct round *round)
{
    uint32_t index = below(round, REGISTRATION_COUNT);
    if (round->ordinals[index] == 0) {
        return;
    }
    PROP_CHECK(round->prop, chek_store_ensure(round->store, 1, ROOM_SIZE, ROOM_SIZE) == CHEK_OK);
    int error =
        chek_store_replace(round->store, 1 + index * 1000, below(round, round->ordinals[index]));
    PROP_CHECK(round->prop, error == CHEK_OK);
    round->replaced_count += chek_store_image_is_open(round->store);
}

static void
seal(struct round *round)
{
    if (round->seal == NULL) {
        round->seal = chek_store_seal_begin(round->store);
        if (round->seal != NULL) {
            chek_seal_run(round->seal);
        }
    }
    if (round->seal != NULL && !chek_store_image_is_open(round->store)) {
        chek_seal_adopt(round->seal);
        round->seal = NULL;
    }
}

/* ---- images ---- */

static void
image_begin(struct round *round)
{
    round->segment_count = chek_segment_count(round->store);
    round->want_size = chek_store_image_size(round->store);
    round->got_capacity = round->want_size + 2 * CHEK_STORE_PIECE_SIZE_MAX;
    round->want = chek_memory_allocate(round->want_size);
    round->got = chek_memory_allocate(round->got_capacity);
    PROP_CHECK(round->prop, round->want != NULL && round->got != NULL);
    struct chek_writer want = chek_writer_over(round->want, round->want_size);
    chek_store_image_write(round->store, &want);
    PROP_CHECK(round->prop, !want.full && want.size == round->want_size);
    round->out = chek_writer_over(round->got, round->got_capacity);
    PROP_CHECK(round->prop, chek_store_image_begin(round->store) == CHEK_OK);
}

static void
image_end(struct round *round)
{
    chek_store_image_end(round->store);
    chek_memory_free(round->want, round->want_size);
    chek_memory_free(round->got, round->got_capacity);
}

/* What was written is of no use when it does not load. */
static void
image_load(struct round *round)
{
    struct chek_bytes_view segments[STEP_COUNT];
    struct chek_store *loaded;
    for (uint32_t i = 0; i < round->segment_count; i++) {
        segments[i] = chek_segment_bytes(round->store, i);
    }
    int error = chek_store_load(&round->config, chek_bytes_view_of(round->got, round->out.size),
                                segments, round->segment_count, &loaded);
    PROP_CHECK(round->prop, error == CHEK_OK);
    chek_store_destroy(loaded);
}

static void
image_step(struct round *round)
{
    if (!chek_store_image_is_open(round->store)) {
        image_begin(round);
        return;
    }
    size_t before = round->out.size;
    size_t work = 1 + below(round, below(round, 3) == 0 ? 20000 : 300);
    bool is_whole = chek_store_image_step(round->store, work, &round->out);
    PROP_CHECK(round->prop, round->out.size - before <= work + CHEK_STORE_PIECE_SIZE_MAX);
    if (is_whole) {
        PROP_CHECK(round->prop, round->out.size == round->want_size);
        PROP_CHECK(round->prop, memcmp(round->got, round->want, round->want_size) == 0);
        image_load(round);
        round->checked_count += 1;
        image_end(round);
    }
}

static void
round_run(struct round *round)
{
    static const uint32_t segment_sizes[] = {1, 3, 16, 64, 200, 1024};
    round->config = (struct chek_store_config){
        .dictionary_count_max = below(round, 2) == 0 ? 7 : 1000000,
        .dictionary_size_max = 1u << 20,
        .segment_row_count = segment_sizes[below(round, CHEK_COUNT(segment_sizes))],
        .index_seed = chek_prng_next(round->prng),
    };
    round->options = (struct random_document_options){
        .line_count_max = below(round, 4) == 0 ? 0 : 30,
        .text_count = below(round, 3) == 0 ? 0 : 1 + below(round, 100),
        .with_profile = true,
        .with_zero_fields = true,
        .time_min = 1767225600,
        .time_max = 1767225600 + 86400,
    };
    PROP_CHECK(round->prop, chek_store_create(&round->config, &round->store) == CHEK_OK);
    uint32_t image_chance = 10 + below(round, 60);
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        uint32_t choice = below(round, 100);
        if (choice < image_chance) {
            image_step(round);
        } else if (choice < 80) {
            append(round);
        } else if (choice < 90) {
            replace(round);
        } else {
            seal(round);
        }
    }
    while (chek_store_image_is_open(round->store) && below(round, 10) != 0) {
        image_step(round); /* else it is given up with the store, which frees what it has */
    }
    chek_seal_drop(round->seal);
    if (chek_store_image_is_open(round->store)) {
        image_end(round);
    }
    chek_store_destroy(round->store);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 40);
    struct chek_prng prng;
    struct chek_arena scratch;
    uint32_t checked_count = 0;
    uint32_t replaced_count = 0;
    PROP_CHECK(&prop, chek_arena_init(&scratch, ARENA_SIZE) == CHEK_OK);
    while (prop_next(&prop, &prng)) {
        struct round round = {.prop = &prop, .prng = &prng, .scratch = scratch};
        round_run(&round);
        checked_count += round.checked_count;
        replaced_count += round.replaced_count;
        scratch = round.scratch;
    }
    chek_arena_finish(&scratch);
    printf("%u images, %u rows replaced beside them\n", checked_count, replaced_count);
    return 0;
}
