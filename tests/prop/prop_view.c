/* SPDX-License-Identifier: MIT */
/*
 * prop_view.c - what is read through a view is what was there when it was opened.
 *
 * Beside a random history of rows, replaced rows, sealing and merging, views are opened at random
 * moments, several at a time, and closed in any order. All that a store can be asked is asked when a view
 * is opened, of the store itself, and again through the view in between and before it is closed:
 * scans of any filter, sums, searches, every document. A view that was told of more replaced rows
 * than it has room for says so, and no other does.
 */
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/store/merge.h"
#include "engine/store/sign_search.h"
#include "engine/store/sums.h"
#include "engine/store/view.h"
#include "tests/prop/prop.h"
#include "tests/prop/random_document.h"

#define REGISTRATION_COUNT 5
#define STEP_COUNT 900
#define VIEW_COUNT 4
#define MERGE_COUNT 16
#define ARENA_SIZE (16u << 20)
#define ROOM_SIZE (1u << 20) /* of documents and cells, ensured for a row */
#define TIME_MIN INT64_C(1767225600)
#define TIME_RANGE_S 200000

/* A view, and what it has to show. */
struct shown {
    struct chek_view *view;
    uint32_t late_count_max;
    uint32_t late_count; /* replaced since */
    uint32_t row_count;
    uint64_t question; /* seed of what was asked */
    uint64_t answer;   /* 0: the view is closed */
};

struct round {
    struct prop *prop;
    struct chek_prng *prng;
    struct chek_store *store;
    struct random_document_options options;
    struct chek_arena scratch;
    struct shown shown[VIEW_COUNT];
    struct chek_merge *merges[MERGE_COUNT]; /* adopted, and shown by a view */
    uint32_t merge_count;
    uint32_t ordinals[REGISTRATION_COUNT];
    uint32_t row_count;
    uint32_t checked_count, spoilt_count, shown_merge_count;
};

static uint32_t
below(struct round *round, uint64_t bound)
{
    return (uint32_t)chek_prng_below(round->prng, bound);
}

static uint32_t
registration_of(uint32_t index)
{
    return 7 + index * 30000001;
}

/* ---- history ---------------------------------------------------------------------------------- */

static void
append(struct round *round)
{
    struct chek_document document;
    chek_arena_reset(&round->scratch);
    int error = random_document_make(round->prng, &round->options, &round->scratch, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    if (document.raw.size > CHEK_COMMAND_BODY_SIZE_MAX) {
        return; /* no command brings it */
    }
    uint32_t index = below(round, REGISTRATION_COUNT);
    struct chek_row row = {
        .registration = registration_of(index),
        .ordinal = round->ordinals[index]++,
        .shift = 1 + round->row_count / 100,
        .kind = document.receipt != NULL    ? CHEK_ROW_RECEIPT
                : document.movement != NULL ? CHEK_ROW_MOVEMENT
                                            : CHEK_ROW_CLOSE,
        .cell = document.close != NULL ? chek_bytes_view_text("frozen totals")
                                       : (struct chek_bytes_view){0},
    };
    PROP_CHECK(round->prop, chek_store_ensure(round->store, 1, ROOM_SIZE, ROOM_SIZE) == CHEK_OK);
    chek_store_append(round->store, &row, &document);
    round->row_count += 1;
}

static void
replace(struct round *round)
{
    uint32_t index = below(round, REGISTRATION_COUNT);
    struct chek_row row;
    struct chek_document document;
    if (round->ordinals[index] == 0) {
        return;
    }
    uint32_t ordinal = below(round, round->ordinals[index]);
    chek_arena_reset(&round->scratch);
    int error = chek_store_read(round->store, registration_of(index), ordinal, &round->scratch,
                                &row, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    for (uint32_t i = 0; i < VIEW_COUNT; i++) {
        round->shown[i].late_count += !row.replaced;
    }
    error = chek_store_replace(round->store, registration_of(index), ordinal);
    PROP_CHECK(round->prop, error == CHEK_OK);
}

static void
seal(struct round *round)
{
    struct chek_seal *job = chek_store_seal_begin(round->store);
    if (job != NULL) {
        chek_seal_run(job);
        append(round);
        replace(round);
        chek_seal_adopt(job);
    }
}

/* Free what was merged and nobody is shown any more. */
static void
merges_drop(struct round *round)
{
    uint32_t left = 0;
    for (uint32_t i = 0; i < round->merge_count; i++) {
        if (chek_merge_is_shown(round->merges[i])) {
            round->merges[left++] = round->merges[i];
        } else {
            chek_merge_drop(round->merges[i]);
        }
    }
    round->merge_count = left;
}

static void
merge(struct round *round)
{
    struct chek_merge *job =
        round->merge_count < MERGE_COUNT ? chek_store_merge_begin(round->store) : NULL;
    if (job != NULL) {
        chek_merge_run(job);
        append(round);
        replace(round);
        PROP_CHECK(round->prop, !chek_merge_is_shown(job));
        PROP_CHECK(round->prop, chek_merge_adopt(job));
        round->shown_merge_count += chek_merge_is_shown(job);
        round->merges[round->merge_count++] = job;
        merges_drop(round);
    }
}

/* ---- all that can be asked -------------------------------------------------------------------- */

struct answer {
    uint64_t hash;
    uint32_t row_count;
    uint32_t pick; /* number of the row that is searched for */
    uint32_t registration;
    uint64_t sign;
};

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct answer *answer = context;
    uint64_t values[] = {row->row.registration,
                         row->row.ordinal,
                         row->row.shift,
                         row->row.replaced,
                         row->row.kind,
                         (uint64_t)row->time,
                         (uint64_t)row->gross,
                         (uint64_t)row->total,
                         (uint64_t)row->tax,
                         (uint64_t)row->payments[CHEK_PAYMENT_KIND_CASH],
                         row->sign};
    answer->hash = chek_checksum_seeded(values, sizeof values, answer->hash);
    if (answer->row_count == answer->pick) {
        answer->registration = row->row.registration;
        answer->sign = row->sign;
    }
    answer->row_count += 1;
    return true;
}

static bool
on_addend(void *context, const struct chek_addend *addend)
{
    struct answer *answer = context;
    uint64_t values[] = {(uint64_t)addend->time, addend->registration,      addend->shift,
                         addend->operation,      (uint64_t)addend->tickets, (uint64_t)addend->net,
                         (uint64_t)addend->cash, (uint64_t)addend->tax};
    answer->hash = chek_checksum_seeded(values, sizeof values, answer->hash);
    return true;
}

static struct chek_scan_filter
filter_draw(struct chek_prng *prng, uint32_t *registrations)
{
    struct chek_scan_filter filter = {.with_replaced = chek_prng_below(prng, 2) == 0};
    for (uint32_t i = 0; i < REGISTRATION_COUNT && chek_prng_below(prng, 3) != 0; i++) {
        registrations[filter.registration_count++] = registration_of(i);
        filter.registrations = registrations;
    }
    if (chek_prng_below(prng, 2) == 0) {
        filter.time_min = TIME_MIN + (int64_t)chek_prng_below(prng, TIME_RANGE_S);
        filter.time_max = filter.time_min + (int64_t)chek_prng_below(prng, TIME_RANGE_S);
    }
    if (chek_prng_below(prng, 3) == 0) {
        filter.shift_min = (uint32_t)chek_prng_below(prng, 5);
        filter.shift_max = filter.shift_min + 1 + (uint32_t)chek_prng_below(prng, 3);
    }
    return filter;
}

/* Every document that there is, and that there is no other. */
static void
documents_ask(struct round *round, const struct chek_store *store, struct answer *answer)
{
    static uint8_t bytes[CHEK_DOCUMENT_SIZE_MAX];
    struct chek_row row;
    struct chek_document document;
    for (uint32_t i = 0; i < REGISTRATION_COUNT; i++) {
        uint32_t ordinal = 0;
        chek_arena_reset(&round->scratch);
        while (chek_store_read(store, registration_of(i), ordinal, &round->scratch, &row,
                               &document) == CHEK_OK) {
            struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
            chek_document_encode(&out, &document);
            PROP_CHECK(round->prop, !out.full);
            chek_writer_u8(&out, row.replaced);
            answer->hash = chek_checksum_seeded(bytes, out.size, answer->hash);
            ordinal += 1;
            chek_arena_reset(&round->scratch);
        }
        answer->hash = chek_checksum_seeded(&ordinal, sizeof ordinal, answer->hash);
    }
}

static void
search_ask(struct round *round, const struct chek_store *store, struct answer *answer)
{
    struct chek_sign_search search = {
        .registration = answer->registration, .sign = answer->sign, .autonomous = answer->sign + 1};
    uint32_t call_count = 0;
    while (!chek_sign_search_run(&search, store, 50)) {
        PROP_CHECK(round->prop, ++call_count < 10000);
    }
    uint64_t found = search.found ? search.ordinal + UINT64_C(1) : 0;
    answer->hash = chek_checksum_seeded(&found, sizeof found, answer->hash);
}

/* A hash of the answers to whatever questions the seed makes; never 0. */
static uint64_t
ask(struct round *round, const struct chek_store *store, uint64_t seed)
{
    struct answer answer = {.hash = seed};
    struct chek_prng prng;
    struct chek_scan_filter all = {.with_replaced = true};
    chek_prng_init(&prng, seed);
    chek_arena_reset(&round->scratch);
    answer.pick = (uint32_t)chek_prng_below(&prng, chek_store_count(store).row_count + 1);
    int error = chek_store_scan(store, &all, &round->scratch, on_row, &answer);
    PROP_CHECK(round->prop, error == CHEK_OK);
    PROP_CHECK(round->prop, answer.row_count == chek_store_count(store).row_count);
    for (uint32_t i = 0; i < 3; i++) {
        uint32_t registrations[REGISTRATION_COUNT];
        struct chek_scan_filter filter = filter_draw(&prng, registrations);
        error = chek_store_scan(store, &filter, &round->scratch, on_row, &answer);
        PROP_CHECK(round->prop, error == CHEK_OK);
        filter = filter_draw(&prng, registrations);
        error = chek_store_sum(store, &filter, &round->scratch, on_addend, &answer);
        PROP_CHECK(round->prop, error == CHEK_OK);
    }
    if (answer.registration != 0) {
        search_ask(round, store, &answer);
    }
    documents_ask(round, store, &answer);
    return answer.hash | 1;
}

/* ---- views ------------------------------------------------------------------------------------ */

static void
view_open(struct round *round, struct shown *shown)
{
    shown->question = chek_prng_next(round->prng);
    shown->answer = ask(round, round->store, shown->question);
    shown->late_count = 0;
    shown->row_count = round->row_count;
    PROP_CHECK(round->prop, chek_view_open(shown->view, round->store) == CHEK_OK);
}

static void
view_check(struct round *round, const struct shown *shown)
{
    const struct chek_store *store = chek_view_store(shown->view);
    bool is_whole = shown->late_count <= shown->late_count_max;
    PROP_CHECK(round->prop, chek_view_is_whole(shown->view) == is_whole);
    PROP_CHECK(round->prop, chek_store_count(store).row_count == shown->row_count);
    if (is_whole) {
        PROP_CHECK(round->prop, ask(round, store, shown->question) == shown->answer);
        round->checked_count += shown->row_count != round->row_count;
    } else {
        round->spoilt_count += 1;
    }
}

static void
view_step(struct round *round)
{
    struct shown *shown = &round->shown[below(round, VIEW_COUNT)];
    if (shown->answer == 0) {
        view_open(round, shown);
        return;
    }
    view_check(round, shown);
    if (below(round, 2) == 0) {
        chek_view_close(shown->view);
        shown->answer = 0;
        merges_drop(round);
    }
}

/* ---- rounds ----------------------------------------------------------------------------------- */

static void
step(struct round *round)
{
    uint32_t choice = below(round, 100);
    if (choice < 78) {
        append(round);
    } else if (choice < 86) {
        replace(round);
    } else if (choice < 92) {
        seal(round);
        merge(round);
    } else {
        view_step(round);
    }
}

static void
round_end(struct round *round)
{
    for (uint32_t i = 0; i < VIEW_COUNT; i++) {
        if (round->shown[i].answer != 0) {
            view_check(round, &round->shown[i]);
        }
        chek_view_close(round->shown[i].view);
        chek_view_close(round->shown[i].view); /* harmless */
        chek_view_destroy(round->shown[i].view);
    }
    merges_drop(round);
    PROP_CHECK(round->prop, round->merge_count == 0);
    chek_store_destroy(round->store);
}

static void
round_run(struct round *round)
{
    static const uint32_t segment_sizes[] = {1, 3, 8, 40, 64, 200};
    static const uint32_t late_counts[] = {0, 1, 5, 20, 1000};
    struct chek_store_config config = {
        .dictionary_count_max = below(round, 2) == 0 ? 5 : 1000000,
        .dictionary_size_max = 1u << 20,
        .segment_row_count = segment_sizes[below(round, CHEK_COUNT(segment_sizes))],
        .segment_merge_count = 2 + below(round, 4),
        .index_seed = chek_prng_next(round->prng),
    };
    round->options = (struct random_document_options){
        .line_count_max = 6,
        .text_count = 1 + below(round, 50),
        .time_min = TIME_MIN,
        .time_max = TIME_MIN + TIME_RANGE_S,
    };
    PROP_CHECK(round->prop, chek_store_create(&config, &round->store) == CHEK_OK);
    for (uint32_t i = 0; i < VIEW_COUNT; i++) {
        struct shown *shown = &round->shown[i];
        shown->late_count_max = late_counts[below(round, CHEK_COUNT(late_counts))];
        PROP_CHECK(round->prop, chek_view_create(shown->late_count_max, &shown->view) == CHEK_OK);
    }
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        step(round);
    }
    round_end(round);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 10);
    struct chek_prng prng;
    struct chek_arena scratch;
    uint32_t checked_count = 0;
    uint32_t spoilt_count = 0;
    uint32_t shown_merge_count = 0;
    bool is_whole_run = argument_count == 1;
    PROP_CHECK(&prop, chek_arena_init(&scratch, ARENA_SIZE) == CHEK_OK);
    while (prop_next(&prop, &prng)) {
        struct round round = {.prop = &prop, .prng = &prng, .scratch = scratch};
        round_run(&round);
        checked_count += round.checked_count;
        spoilt_count += round.spoilt_count;
        shown_merge_count += round.shown_merge_count;
    }
    /* Else there was nothing to see. */
    PROP_CHECK(&prop, !is_whole_run || checked_count > 100);
    PROP_CHECK(&prop, !is_whole_run || spoilt_count > 10);
    PROP_CHECK(&prop, !is_whole_run || shown_merge_count > 10);
    chek_arena_finish(&scratch);
    return 0;
}
