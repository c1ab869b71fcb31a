/* SPDX-License-Identifier: MIT */
/*
 * prop_store.c - the store against a plain list, over random histories.
 *
 * Documents of any shape are appended; in between, sets are sealed and segments merged, or that is
 * given up, rows are replaced, the store is exchanged for one loaded from its image, and it is read and scanned
 * with random filters. A second store gets the same rows and never seals nor loads: their history
 * hashes stay equal, and so do in the end the segments of both. The chains of both are that of the
 * documents as they came.
 */
#include "engine/store/chain.h"
#include "engine/store/merge.h"
#include "engine/store/sign_search.h"
#include "tests/prop/prop.h"
#include "tests/prop/random_document.h"
#include "tests/prop/store_model.h"

#define STEP_COUNT 1000
#define REGISTRATION_COUNT 12
#define ARENA_SIZE ((size_t)256 * 1024 * 1024)

static struct store_model model;
static struct chek_arena documents; /* of the model */
static struct chek_arena scratch;

struct round {
    struct prop *prop;
    struct chek_prng *prng;
    struct chek_store *store;
    struct chek_store *plain; /* never seals */
    struct random_document_options options;
    struct chek_store_config config;
    uint32_t ordinals[REGISTRATION_COUNT];
    struct chek_sign_search search; /* goes on in between */
    bool is_searching;
    uint32_t search_calls_left; /* each looks at something new */
    uint32_t search_want;       /* number of the row; UINT32_MAX: none */
};

static uint32_t
below(struct round *round, uint64_t bound)
{
    return (uint32_t)chek_prng_below(round->prng, bound);
}

/* Registrations far apart, so that every byte of them is sorted by. */
static uint32_t
registration_of(uint32_t index)
{
    return 1 + index * 30000001;
}

static uint32_t
index_of(uint32_t registration)
{
    return (registration - 1) / 30000001;
}

/* Frozen totals of a shift: bytes of any size up to 64 KiB, sometimes ones that compress. */
static struct chek_bytes_view
cell_make(struct round *round)
{
    size_t size = below(round, 20) == 0 ? 65536 : below(round, 600);
    uint64_t mask = below(round, 2) == 0 ? UINT64_MAX : 0x0f;
    uint8_t *bytes = chek_arena_take(&documents, size);
    PROP_CHECK(round->prop, bytes != NULL);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(chek_prng_next(round->prng) & mask);
    }
    return chek_bytes_view_of(bytes, size);
}

/* Several receipts of a few signs, so that a search has to choose. */
static void
sign_share(struct round *round, struct chek_document *document)
{
    if (document->receipt == NULL || document->receipt->sign == 0 || below(round, 3) != 0) {
        return;
    }
    struct chek_receipt receipt = *document->receipt;
    uint8_t *bytes = chek_arena_take(&documents, document->raw.size + 16);
    PROP_CHECK(round->prop, bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, document->raw.size + 16);
    receipt.sign = 1 + below(round, 5);
    document->receipt = &receipt;
    chek_document_encode(&out, document);
    int error = chek_document_decode_whole(bytes, out.size, &documents, document, NULL);
    PROP_CHECK(round->prop, !out.full && error == CHEK_OK);
}

static void
append(struct round *round)
{
    struct chek_document document;
    int error = random_document_make(round->prng, &round->options, &documents, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    sign_share(round, &document);
    uint32_t index = below(round, REGISTRATION_COUNT);
    struct chek_row row = {
        .registration = registration_of(index),
        .ordinal = round->ordinals[index],
        .shift = below(round, 6),
        .completes = below(round, 20) == 0 ? 1 + below(round, 1000) : 0,
        .warnings = below(round, 10) == 0 ? below(round, 32) : 0,
        .binding = (uint16_t)(below(round, 10) == 0 ? below(round, 65536) : 0),
        .kind = document.receipt != NULL    ? CHEK_ROW_RECEIPT
                : document.movement != NULL ? CHEK_ROW_MOVEMENT
                                            : CHEK_ROW_CLOSE,
        .late = below(round, 10) == 0,
        .received_us = UINT64_C(1767225600000000) + model.row_count * UINT64_C(1000),
    };
    if (row.kind == CHEK_ROW_CLOSE) {
        row.cell = cell_make(round);
    }
    PROP_CHECK(round->prop, chek_store_ensure(round->store, 1, 1u << 20, 1u << 20) == CHEK_OK);
    PROP_CHECK(round->prop, chek_store_ensure(round->plain, 1, 1u << 20, 1u << 20) == CHEK_OK);
    chek_store_append(round->store, &row, &document);
    chek_store_append(round->plain, &row, &document);
    model.rows[model.row_count] = row;
    model.documents[model.row_count] = document;
    model.row_count += 1;
    round->ordinals[index] += 1;
}

static void
check_row(struct round *round, const struct chek_store *store, uint32_t index)
{
    uint64_t covered_count = chek_store_chain(store)->row_count;
    const struct chek_row *want = &model.rows[index];
    struct chek_row row;
    struct chek_document document;
    chek_arena_reset(&scratch);
    int error =
        chek_store_read(store, want->registration, want->ordinal, &scratch, &row, &document);
    PROP_CHECK(round->prop, error == CHEK_OK);
    const char *difference = random_document_difference(&model.documents[index], &document);
    if (difference != NULL) {
        fprintf(stderr, "row %u differs in %s\n", index, difference);
    }
    PROP_CHECK(round->prop, difference == NULL);
    PROP_CHECK(round->prop, document.raw.size == 0);
    PROP_CHECK(round->prop, store_model_rows_equal(want, &row));
    PROP_CHECK(round->prop, chek_store_is_covered(store, want->registration, want->ordinal) ==
                                (index < covered_count));
}

static void
check_missing(struct round *round)
{
    struct chek_row row;
    struct chek_document document;
    uint32_t index = below(round, REGISTRATION_COUNT);
    chek_arena_reset(&scratch);
    PROP_CHECK(round->prop,
               chek_store_read(round->store, registration_of(index), round->ordinals[index],
                               &scratch, &row, &document) == CHEK_E_NOT_FOUND);
    PROP_CHECK(round->prop, chek_store_read(round->store, registration_of(index) + 1, 0, &scratch,
                                            &row, &document) == CHEK_E_NOT_FOUND);
}

static void
replace(struct round *round)
{
    if (model.row_count == 0) {
        return;
    }
    uint32_t index = below(round, model.row_count);
    struct chek_row *row = &model.rows[index];
    int error = chek_store_replace(round->store, row->registration, row->ordinal);
    PROP_CHECK(round->prop, error == CHEK_OK);
    error = chek_store_replace(round->plain, row->registration, row->ordinal);
    PROP_CHECK(round->prop, error == CHEK_OK);
    row->replaced = true;
    PROP_CHECK(round->prop,
               chek_store_replace(round->store, registration_of(index_of(row->registration)),
                                  UINT32_MAX) == CHEK_E_NOT_FOUND);
}

/* ---- scans ---- */

struct listing {
    struct round *round;
    const uint32_t *want;
    uint32_t want_count, at, stop_at;
};

static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct listing *listing = context;
    PROP_CHECK(listing->round->prop, listing->at < listing->want_count);
    uint32_t index = listing->want[listing->at];
    struct chek_scan_row want = store_model_scan_row(&model.rows[index], &model.documents[index]);
    PROP_CHECK(listing->round->prop, store_model_scan_rows_equal(&want, row));
    listing->at += 1;
    return listing->at != listing->stop_at;
}

static void
scan(struct round *round)
{
    static uint32_t want[STORE_MODEL_ROW_COUNT_MAX];
    static _Alignas(16) uint8_t bytes[CHEK_SCAN_ARENA_SIZE];
    uint32_t registrations[REGISTRATION_COUNT];
    struct chek_scan_filter filter = {.with_replaced = below(round, 2) == 0};
    for (uint32_t i = 0; i < REGISTRATION_COUNT && below(round, 2) == 0; i++) {
        uint32_t last = filter.registration_count;
        registrations[last] = registration_of(i + below(round, 2));
        if (last == 0 || registrations[last] > registrations[last - 1]) {
            filter.registration_count += 1;
        }
        filter.registrations = registrations;
    }
    if (below(round, 2) == 0) {
        filter.time_min = round->options.time_min + below(round, 86400);
        filter.time_max = filter.time_min + below(round, 86400);
    }
    if (below(round, 2) == 0) {
        filter.shift_min = below(round, 5);
        filter.shift_max = filter.shift_min + below(round, 3);
    }
    filter.warnings = below(round, 3) == 0 ? below(round, 32) : 0;
    filter.ordinal_min = below(round, 3) == 0 ? below(round, 200) : 0;

    struct listing listing = {.round = round, .want = want, .stop_at = UINT32_MAX};
    static uint32_t segment_rows[STORE_MODEL_ROW_COUNT_MAX];
    uint32_t segment_count = chek_segment_count(round->store);
    for (uint32_t i = 0; i < segment_count; i++) {
        segment_rows[i] = chek_load_u32(chek_segment_bytes(round->store, i).bytes + 12);
    }
    listing.want_count = store_model_scan(&model, &filter, segment_rows, segment_count, want);
    if (below(round, 4) == 0 && listing.want_count > 0) {
        listing.stop_at = 1 + below(round, listing.want_count);
    }
    struct chek_arena arena;
    chek_arena_init_over(&arena, bytes, sizeof bytes);
    int error = chek_store_scan(round->store, &filter, &arena, on_row, &listing);
    PROP_CHECK(round->prop, error == CHEK_OK);
    uint32_t shown = listing.stop_at != UINT32_MAX ? listing.stop_at : listing.want_count;
    PROP_CHECK(round->prop, listing.at == shown);
    PROP_CHECK(round->prop, arena.used == 0);
}

/* ---- searches for a sign ---- */

/* The newest of the rows that there are now. */
static uint32_t
search_model(const struct chek_sign_search *search)
{
    for (uint32_t i = model.row_count; i > 0; i--) {
        struct chek_scan_row row =
            store_model_scan_row(&model.rows[i - 1], &model.documents[i - 1]);
        bool fits = (search->sign != 0 && row.sign == search->sign) ||
                    (search->autonomous != 0 && row.autonomous == search->autonomous);
        if (row.row.registration == search->registration && fits &&
            (search->time_max == 0 ||
             (row.time >= search->time_min && row.time <= search->time_max))) {
            return i - 1;
        }
    }
    return UINT32_MAX;
}

/* Look for a sign of some row, now and then within times that may leave it out. */
static void
search_begin(struct round *round)
{
    uint32_t index = below(round, model.row_count);
    struct chek_scan_row row = store_model_scan_row(&model.rows[index], &model.documents[index]);
    round->search = (struct chek_sign_search){.registration = row.row.registration};
    round->search.sign = below(round, 2) == 0 ? row.sign : 0;
    round->search.autonomous = below(round, 2) == 0 ? row.autonomous : row.sign;
    if (below(round, 3) == 0) {
        round->search.time_min = row.time - below(round, 3600);
        round->search.time_max = round->search.time_min + below(round, 7200);
    }
    round->is_searching = true;
    /* A segment that was looked at may come again, merged; that happens less than twice each. */
    round->search_calls_left = model.row_count + 3 * chek_segment_count(round->store) + 2;
    round->search_want = search_model(&round->search);
}

static void
search(struct round *round)
{
    if (!round->is_searching) {
        search_begin(round);
    }
    uint32_t row_count = below(round, 4) == 0 ? 100000 : 1 + below(round, 200);
    PROP_CHECK(round->prop, round->search_calls_left-- > 0);
    if (!chek_sign_search_run(&round->search, round->store, row_count)) {
        return;
    }
    uint32_t want = round->search_want;
    round->is_searching = false;
    PROP_CHECK(round->prop, round->search.found == (want != UINT32_MAX));
    PROP_CHECK(round->prop,
               want == UINT32_MAX || round->search.ordinal == model.rows[want].ordinal);
}

static void
seal(struct round *round)
{
    struct chek_seal *job = chek_store_seal_begin(round->store);
    if (job == NULL) {
        return;
    }
    PROP_CHECK(round->prop, chek_store_seal_begin(round->store) == NULL);
    if (below(round, 4) == 0) {
        chek_seal_drop(job);
        return;
    }
    chek_seal_run(job);
    for (uint32_t i = below(round, 4); i > 0; i--) { /* the store goes on meanwhile */
        append(round);
        replace(round);
    }
    if (below(round, 8) == 0) {
        chek_seal_drop(job);
    } else {
        chek_seal_adopt(job);
    }
}

static void
merge(struct round *round)
{
    struct chek_merge *job = chek_store_merge_begin(round->store);
    if (job == NULL) {
        return;
    }
    PROP_CHECK(round->prop, chek_store_merge_begin(round->store) == NULL);
    if (below(round, 4) == 0) {
        chek_merge_drop(job);
        return;
    }
    chek_merge_run(job);
    for (uint32_t i = below(round, 4); i > 0; i--) { /* the store goes on meanwhile */
        append(round);
        replace(round);
        seal(round);
        scan(round);
    }
    bool adopts = below(round, 8) != 0;
    PROP_CHECK(round->prop, !adopts || chek_merge_adopt(job));
    scan(round);
    chek_merge_drop(job);
}

/* Make the store anew from its image and its segments. */
static void
reload(struct round *round)
{
    size_t size = chek_store_image_size(round->store);
    uint32_t count = chek_segment_count(round->store);
    chek_arena_reset(&scratch);
    uint8_t *bytes = chek_arena_take(&scratch, size);
    struct chek_bytes_view *segments = chek_arena_take(&scratch, (count + 1) * sizeof *segments);
    PROP_CHECK(round->prop, bytes != NULL && segments != NULL);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_store_image_write(round->store, &out);
    PROP_CHECK(round->prop, !out.full && out.size == size);
    for (uint32_t i = 0; i < count; i++) {
        segments[i] = chek_segment_bytes(round->store, i);
    }
    struct chek_store *loaded;
    int error =
        chek_store_load(&round->config, chek_bytes_view_of(bytes, size), segments, count, &loaded);
    PROP_CHECK(round->prop, error == CHEK_OK);
    chek_store_destroy(round->store);
    round->store = loaded;

    /* What was loaded writes the same image. */
    uint8_t *again = chek_arena_take(&scratch, size);
    PROP_CHECK(round->prop, chek_store_image_size(loaded) == size);
    out = chek_writer_over(again, size);
    chek_store_image_write(loaded, &out);
    PROP_CHECK(round->prop, memcmp(bytes, again, size) == 0);
}

/* Seal and merge what can be. */
static void
jobs_finish(struct round *round, struct chek_store *store)
{
    struct chek_seal *sealing;
    struct chek_merge *merging;
    while ((sealing = chek_store_seal_begin(store)) != NULL) {
        chek_seal_run(sealing);
        chek_seal_adopt(sealing);
    }
    while ((merging = chek_store_merge_begin(store)) != NULL) {
        chek_merge_run(merging);
        PROP_CHECK(round->prop, chek_merge_adopt(merging));
        chek_merge_drop(merging);
    }
}

/* The chain over the rows of so many ranges, from the plain list. */
static struct chek_chain
model_chain(struct round *round, uint64_t range_count)
{
    static uint8_t bytes[CHEK_DOCUMENT_SIZE_MAX];
    struct chek_chain chain = {0};
    for (uint64_t range = 0; range < range_count; range++) {
        struct chek_chain_link link;
        uint64_t first = chek_store_range_first(round->store, range);
        uint64_t end = chek_store_range_first(round->store, range + 1);
        chek_chain_link_begin(&link, &chain, round->config.partition, (uint32_t)(end - first));
        for (uint64_t i = first; i < end; i++) {
            struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
            out.keep = UINT32_MAX;
            chek_document_encode(&out, &model.documents[i]);
            PROP_CHECK(round->prop, !out.full);
            PROP_CHECK(round->prop, chek_bytes_view_equal(chek_bytes_view_of(bytes, out.size),
                                                          model.documents[i].raw));
            chek_chain_link_add(&link, &model.rows[i], chek_bytes_view_of(bytes, out.size));
        }
        chain = chek_chain_link_end(&link);
    }
    return chain;
}

static void
check_chain(struct round *round, const struct chek_store *store)
{
    const struct chek_chain *got = chek_store_chain(store);
    struct chek_chain want = model_chain(round, got->range_count);
    struct chek_store_counters counters = chek_store_count(store);
    PROP_CHECK(round->prop, got->row_count == counters.row_count - counters.open_row_count);
    PROP_CHECK(round->prop, got->row_count == want.row_count);
    PROP_CHECK(round->prop, memcmp(got->head, want.head, sizeof want.head) == 0);
}

/* Whenever segments were sealed and merged, they come out the same. */
static void
check_segments(struct round *round)
{
    jobs_finish(round, round->store);
    jobs_finish(round, round->plain);
    uint32_t count = chek_segment_count(round->store);
    PROP_CHECK(round->prop, chek_segment_count(round->plain) == count);
    for (uint32_t i = 0; i < count; i++) {
        PROP_CHECK(round->prop, chek_bytes_view_equal(chek_segment_bytes(round->store, i),
                                                      chek_segment_bytes(round->plain, i)));
    }
}

static void
step(struct round *round)
{
    uint32_t choice = below(round, 100);
    if (choice < 80) {
        append(round);
    } else if (choice < 84) {
        replace(round);
    } else if (choice < 90) {
        seal(round);
        merge(round);
    } else if (choice < 92) {
        scan(round);
    } else if (choice < 96 && model.row_count > 0) {
        search(round);
    } else if (choice < 97) {
        check_missing(round);
    } else if (choice < 98) {
        reload(round);
    } else if (model.row_count > 0) {
        check_row(round, round->store, below(round, model.row_count));
    }
    uint64_t hash = chek_store_history_hash(round->store);
    PROP_CHECK(round->prop, hash == chek_store_history_hash(round->plain));
}

static void
round_run(struct round *round)
{
    static const uint32_t segment_sizes[] = {1, 2, 3, 8, 16, 50, 64, 300, 1024};
    static const uint32_t caps[] = {0, 1, 7, 1000000};
    struct chek_store_config config = {
        .dictionary_count_max = caps[below(round, CHEK_COUNT(caps))],
        .dictionary_size_max = below(round, 2) == 0 ? 200 : 64u << 20,
        .segment_row_count = segment_sizes[below(round, CHEK_COUNT(segment_sizes))],
        .partition = (uint16_t)below(round, 1025),
        .segment_merge_count = below(round, 2) == 0 ? 0 : 2 + below(round, 4),
        .index_seed = chek_prng_next(round->prng),
    };
    round->options = (struct random_document_options){
        .line_count_max = below(round, 10) == 0 ? 0 : 60,
        .text_count = below(round, 3) == 0 ? 0 : 1 + below(round, 100),
        .with_profile = true,
        .with_zero_fields = true,
        .time_min = 1767225600,
        .time_max = 1767225600 + 86400,
    };
    round->config = config;
    model.row_count = 0;
    chek_arena_reset(&documents);
    PROP_CHECK(round->prop, chek_store_create(&config, &round->store) == CHEK_OK);
    PROP_CHECK(round->prop, chek_store_create(&config, &round->plain) == CHEK_OK);
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        step(round);
    }
    for (uint32_t i = 0; i < model.row_count; i++) {
        check_row(round, round->store, i);
        check_row(round, round->plain, i);
    }
    for (uint32_t i = 0; i < 20; i++) {
        scan(round);
    }
    for (uint32_t i = 0; i < 200; i++) {
        search(round);
    }
    check_chain(round, round->store);
    check_chain(round, round->plain);
    check_segments(round);
    check_chain(round, round->store);
    check_chain(round, round->plain);
    struct chek_store_counters counters = chek_store_count(round->store);
    PROP_CHECK(round->prop, counters.row_count == model.row_count);
    struct chek_segments segments = chek_store_segments(round->store);
    uint32_t sealed = (segments.single_first + segments.single_count) * config.segment_row_count;
    PROP_CHECK(round->prop, counters.open_row_count == model.row_count - sealed);
    PROP_CHECK(round->prop, chek_segments_count(&segments) == counters.segment_count);
    chek_store_destroy(round->store);
    chek_store_destroy(round->plain);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 6);
    struct chek_prng prng;
    PROP_CHECK(&prop, chek_arena_init(&documents, ARENA_SIZE) == CHEK_OK);
    PROP_CHECK(&prop, chek_arena_init(&scratch, ARENA_SIZE / 8) == CHEK_OK);
    while (prop_next(&prop, &prng)) {
        struct round round = {.prop = &prop, .prng = &prng};
        round_run(&round);
    }
    chek_arena_finish(&documents);
    chek_arena_finish(&scratch);
    return 0;
}
