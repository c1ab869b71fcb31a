/* SPDX-License-Identifier: MIT */
/*
 * prop_markings.c - rows by marking code against a plain list, wherever the rows are.
 *
 * Receipts have codes out of a small pool, so that some have many receipts and some none; rows are
 * appended, replaced, sealed, merged and loaded in any order, between the pieces of a list too. A
 * list that was begun has what stood when its pieces were asked for, in the order newest first, and
 * nothing twice. Through a view nothing has changed since it was opened.
 */
#include <string.h>

#include "engine/base/memory.h"
#include "engine/store/marking_again.h"
#include "engine/store/merge.h"
#include "engine/store/view.h"
#include "tests/prop/prop.h"

#define ROW_COUNT_MAX 1200
#define STEP_COUNT 900
#define REGISTRATION_COUNT 5
#define CODE_COUNT 14
#define LINE_COUNT_MAX 3
#define CODES_A_LINE 2
#define TIME_MIN INT64_C(1767225600)
#define ARENA_SIZE ((size_t)8 * 1024 * 1024)

struct model_row {
    uint64_t received_us;
    uint32_t registration, ordinal;
    uint32_t codes; /* bits */
    uint8_t operation;
    uint32_t code_count;
    uint8_t code_entries[CODE_COUNT]; /* how often it has each */
    bool replaced;
};

/* A list whose pieces are being asked for. */
struct listing {
    struct chek_marking_search search;
    struct chek_bytes_view codes[2];
    uint32_t wanted; /* bits */
    bool is_begun;
};

struct round {
    struct prop *prop;
    struct chek_prng *prng;
    struct chek_store *store;
    struct chek_store_config config;
    struct chek_arena scratch;
    struct model_row rows[ROW_COUNT_MAX];
    uint32_t row_count;
    uint32_t ordinals[REGISTRATION_COUNT];
    uint64_t now_us;
    struct listing listing;
    struct chek_view *view;
    struct model_row shown[ROW_COUNT_MAX]; /* when the view was opened */
    uint32_t shown_count;
    bool is_open;
    uint32_t piece_count, found_count, view_count, again_count;
};

static char codes[CODE_COUNT][40];

static struct chek_bytes_view
code_of(uint32_t index)
{
    return chek_bytes_view_text(codes[index]);
}

static uint32_t
below(struct round *round, uint64_t bound)
{
    return (uint32_t)chek_prng_below(round->prng, bound);
}

/* ---- history ---------------------------------------------------------------------------------- */

/* Draw the codes of a line; low ones are met more often, the last never. */
static uint32_t
codes_draw(struct round *round, struct chek_bytes_view *ret, struct model_row *row)
{
    uint32_t count = below(round, 3) == 0 ? 1 + below(round, CODES_A_LINE) : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code = below(round, 1 + below(round, CODE_COUNT - 1));
        ret[i] = code_of(code);
        row->codes |= UINT32_C(1) << code;
        row->code_entries[code] += 1;
    }
    row->code_count += count;
    return count;
}

static void
append(struct round *round)
{
    struct chek_bytes_view markings[LINE_COUNT_MAX][CODES_A_LINE];
    struct chek_line lines[LINE_COUNT_MAX];
    struct chek_receipt receipt = {.time = TIME_MIN, .total = 100, .lines = lines};
    struct chek_document document = {0};
    if (round->row_count == ROW_COUNT_MAX) {
        return;
    }
    uint32_t index = below(round, REGISTRATION_COUNT);
    round->now_us += 1 + below(round, 1000);
    struct model_row *model = &round->rows[round->row_count++];
    *model = (struct model_row){.received_us = round->now_us,
                                .registration = 3 + 70000 * index,
                                .ordinal = round->ordinals[index]++,
                                .operation = (uint8_t)(below(round, 3) == 0
                                                           ? below(round, CHEK_OPERATION_COUNT)
                                                           : CHEK_OPERATION_SELL)};
    receipt.operation = model->operation;
    memset(lines, 0, sizeof lines);
    receipt.lines_count = below(round, LINE_COUNT_MAX + 1);
    for (uint32_t i = 0; i < receipt.lines_count; i++) {
        lines[i].sum = 100;
        lines[i].markings = markings[i];
        lines[i].markings_count = codes_draw(round, markings[i], model);
    }
    document.registration = model->registration;
    document.receipt = &receipt;
    struct chek_row row = {.registration = model->registration,
                           .ordinal = model->ordinal,
                           .kind = CHEK_ROW_RECEIPT,
                           .received_us = model->received_us};
    PROP_CHECK(round->prop, chek_store_ensure(round->store, 1, 1u << 16, 1024) == CHEK_OK);
    chek_store_append(round->store, &row, &document);
}

static void
replace(struct round *round)
{
    if (round->row_count != 0) {
        struct model_row *row = &round->rows[below(round, round->row_count)];
        PROP_CHECK(round->prop,
                   chek_store_replace(round->store, row->registration, row->ordinal) == CHEK_OK);
        row->replaced = true;
    }
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

static void
merge(struct round *round)
{
    struct chek_merge *job = chek_store_merge_begin(round->store);
    if (job != NULL) {
        chek_merge_run(job);
        replace(round);
        PROP_CHECK(round->prop, chek_merge_adopt(job));
        if (chek_merge_is_shown(job)) {
            chek_view_close(round->view);
            round->is_open = false;
        }
        chek_merge_drop(job);
    }
}

/* Make the store anew from its image and its segments. */
static void
reload(struct round *round)
{
    size_t size = chek_store_image_size(round->store);
    uint32_t count = chek_segment_count(round->store);
    chek_arena_reset(&round->scratch);
    uint8_t *bytes = chek_arena_take(&round->scratch, size);
    struct chek_bytes_view *segments =
        chek_arena_take(&round->scratch, (count + 1) * sizeof *segments);
    PROP_CHECK(round->prop, bytes != NULL && segments != NULL);
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_store_image_write(round->store, &out);
    for (uint32_t i = 0; i < count; i++) {
        segments[i] = chek_segment_bytes(round->store, i);
    }
    struct chek_store *loaded;
    PROP_CHECK(round->prop, chek_store_load(&round->config, chek_bytes_view_of(bytes, out.size),
                                            segments, count, &loaded) == CHEK_OK);
    chek_view_close(round->view);
    round->is_open = false;
    chek_store_destroy(round->store);
    round->store = loaded;
}

/* ---- lists ------------------------------------------------------------------------------------ */

static void
listing_begin(struct round *round)
{
    struct listing *listing = &round->listing;
    uint32_t first = below(round, CODE_COUNT);
    uint32_t second = below(round, CODE_COUNT);
    *listing = (struct listing){.is_begun = true, .wanted = UINT32_C(1) << first};
    listing->codes[0] = code_of(first);
    listing->search.code_count = 1;
    if (below(round, 3) == 0) {
        listing->codes[1] = code_of(second);
        listing->search.code_count = 2;
        listing->wanted |= UINT32_C(1) << second;
    }
    if (below(round, 3) == 0) {
        listing->search.registration = 3 + 70000 * below(round, REGISTRATION_COUNT);
    }
    listing->search.codes = listing->codes;
}

/* The rows of a list, of which `rows` are all in the order they came: the newest first. */
static uint32_t
expect(const struct listing *listing, const struct model_row *rows, uint32_t count,
       uint32_t count_max, uint32_t *ret)
{
    uint32_t found = 0;
    for (uint32_t i = count; i > 0 && found < count_max; i--) {
        const struct model_row *row = &rows[i - 1];
        uint32_t registration = listing->search.registration;
        uint64_t before = listing->search.before.received_us;
        if (!row->replaced && (row->codes & listing->wanted) != 0 &&
            (registration == 0 || row->registration == registration) &&
            (before == 0 || row->received_us < before)) {
            ret[found++] = i - 1;
        }
    }
    return found;
}

/* Ask for a piece and compare it; returns how many there were. */
static uint32_t
piece(struct round *round, const struct chek_store *store, const struct model_row *rows,
      uint32_t row_count, uint32_t count_max)
{
    struct chek_row_place list[ROW_COUNT_MAX];
    uint32_t want[ROW_COUNT_MAX];
    uint32_t count = 0;
    struct listing *listing = &round->listing;
    chek_arena_reset(&round->scratch);
    uint32_t want_count = expect(listing, rows, row_count, count_max, want);
    PROP_CHECK(round->prop, chek_marking_search(store, &listing->search, &round->scratch, count_max,
                                                list, &count) == CHEK_OK);
    PROP_CHECK(round->prop, round->scratch.used == 0);
    PROP_CHECK(round->prop, count == want_count);
    for (uint32_t i = 0; i < count; i++) {
        const struct model_row *row = &rows[want[i]];
        PROP_CHECK(round->prop, list[i].received_us == row->received_us &&
                                    list[i].registration == row->registration &&
                                    list[i].ordinal == row->ordinal);
    }
    round->piece_count += 1;
    round->found_count += count;
    if (count != 0) {
        listing->search.before = list[count - 1];
    }
    return count;
}

static void
list(struct round *round)
{
    static const uint32_t sizes[] = {1, 2, 7, ROW_COUNT_MAX};
    uint32_t count_max = sizes[below(round, 4)];
    if (!round->listing.is_begun) {
        listing_begin(round);
    }
    uint32_t count = piece(round, round->store, round->rows, round->row_count, count_max);
    round->listing.is_begun = count == count_max;
}

/* A view shows what there was, whatever came since. */
static void
view_step(struct round *round)
{
    struct listing kept = round->listing;
    if (!round->is_open) {
        PROP_CHECK(round->prop, chek_view_open(round->view, round->store) == CHEK_OK);
        memcpy(round->shown, round->rows, round->row_count * sizeof *round->rows);
        round->shown_count = round->row_count;
        round->is_open = true;
        return;
    }
    listing_begin(round);
    (void)piece(round, chek_view_store(round->view), round->shown, round->shown_count,
                1 + below(round, 20));
    PROP_CHECK(round->prop, chek_view_is_whole(round->view));
    round->view_count += 1;
    round->listing = kept;
    if (below(round, 3) == 0) {
        chek_view_close(round->view);
        round->is_open = false;
    }
}

/* ---- entries ---------------------------------------------------------------------------------- */

struct tally {
    uint64_t sum, count;
};

static uint64_t
weigh(uint32_t registration, uint32_t ordinal)
{
    return ((uint64_t)registration << 32 | ordinal) * UINT64_C(0x9e3779b97f4a7c15);
}

static void
on_entry(void *context, const struct chek_marking_entry *entry)
{
    struct tally *tally = context;
    tally->count += 1;
    tally->sum += weigh(entry->registration, entry->ordinal);
}

/* There is an entry a code of every row. */
static void
entries_check(struct round *round)
{
    struct tally got = {0};
    struct tally want = {0};
    chek_arena_reset(&round->scratch);
    PROP_CHECK(round->prop,
               chek_marking_entries(round->store, &round->scratch, on_entry, &got) == CHEK_OK);
    for (uint32_t i = 0; i < round->row_count; i++) {
        const struct model_row *row = &round->rows[i];
        want.count += row->code_count;
        want.sum += row->code_count * weigh(row->registration, row->ordinal);
    }
    PROP_CHECK(round->prop, got.count == want.count && got.sum == want.sum);
}

/* ---- sold again ------------------------------------------------------------------------------- */

/* Every sale of a code that was sold before, of the plain list; as a sum. */
static void
again_expect(struct round *round, struct tally *ret)
{
    for (uint32_t code = 0; code < CODE_COUNT; code++) {
        const struct model_row *sold = NULL;
        uint32_t bearer_count = 0;
        struct tally of_code = {0};
        for (uint32_t i = 0; i < round->row_count; i++) {
            const struct model_row *row = &round->rows[i];
            if ((row->codes >> code & 1) == 0) {
                continue;
            }
            bearer_count += row->code_entries[code];
            if (row->replaced) {
                continue;
            }
            if (row->operation == CHEK_OPERATION_SELL && sold != NULL) {
                of_code.count += 1;
                of_code.sum += (code + 1) * (weigh(row->registration, row->ordinal) +
                                             3 * weigh(sold->registration, sold->ordinal));
            }
            sold = row->operation == CHEK_OPERATION_SELL          ? row
                   : row->operation == CHEK_OPERATION_SELL_RETURN ? NULL
                                                                  : sold;
        }
        if (bearer_count <= CHEK_MARKING_SALE_COUNT_MAX) { /* of more it is no good's code */
            ret->count += of_code.count;
            ret->sum += of_code.sum;
        }
    }
}

static void
again_check(struct round *round)
{
    static struct chek_marking_again list[CHEK_MARKING_AGAIN_COUNT_MAX];
    struct tally got = {0};
    struct tally want = {0};
    static const uint32_t sizes[] = {CHEK_MARKING_SALE_COUNT_MAX + 1, 200, 100000};
    uint32_t entry_count_max = sizes[below(round, 3)];
    uint64_t hash = 0;
    while (hash < CHEK_MARKING_HASH_END) {
        uint64_t before = hash;
        uint32_t count = 0;
        chek_arena_reset(&round->scratch);
        PROP_CHECK(round->prop, chek_marking_again(round->store, &hash, entry_count_max,
                                                   &round->scratch, list, &count) == CHEK_OK);
        PROP_CHECK(round->prop, hash > before && count <= CHEK_MARKING_AGAIN_COUNT_MAX);
        for (uint32_t i = 0; i < count; i++) {
            uint32_t code = 0;
            while (!chek_bytes_view_equal(list[i].code, code_of(code))) {
                code += 1;
                PROP_CHECK(round->prop, code < CODE_COUNT);
            }
            got.count += 1;
            got.sum +=
                (code + 1) * (weigh(list[i].sale.registration, list[i].sale.ordinal) +
                              3 * weigh(list[i].before.registration, list[i].before.ordinal));
        }
    }
    again_expect(round, &want);
    PROP_CHECK(round->prop, got.count == want.count && got.sum == want.sum);
    round->again_count += (uint32_t)got.count;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static void
step(struct round *round)
{
    uint32_t choice = below(round, 100);
    if (choice < 55) {
        append(round);
    } else if (choice < 60) {
        replace(round);
    } else if (choice < 72) {
        seal(round);
    } else if (choice < 76) {
        merge(round);
    } else if (choice < 77) {
        reload(round);
    } else if (choice < 85) {
        view_step(round);
    } else if (choice < 87) {
        entries_check(round);
    } else if (choice < 89) {
        again_check(round);
    } else {
        list(round);
    }
}

static void
round_run(struct round *round)
{
    static const uint32_t segment_sizes[] = {1, 5, 32, 100};
    round->config = (struct chek_store_config){
        .dictionary_count_max = 100,
        .dictionary_size_max = 1u << 16,
        .segment_row_count = segment_sizes[below(round, 4)],
        .segment_merge_count = 2 + below(round, 4),
        .index_seed = chek_prng_next(round->prng),
    };
    PROP_CHECK(round->prop, chek_store_create(&round->config, &round->store) == CHEK_OK);
    PROP_CHECK(round->prop, chek_view_create(ROW_COUNT_MAX, &round->view) == CHEK_OK);
    for (uint32_t i = 0; i < STEP_COUNT; i++) {
        step(round);
    }
    entries_check(round);
    chek_view_close(round->view);
    chek_view_destroy(round->view);
    chek_store_destroy(round->store);
}

int
main(int argument_count, char **arguments)
{
    static struct round round;
    struct prop prop = prop_begin(argument_count, arguments, 40);
    struct chek_prng prng;
    struct chek_arena scratch;
    uint32_t found_count = 0;
    uint32_t view_count = 0;
    uint32_t again_count = 0;
    for (uint32_t i = 0; i < CODE_COUNT; i++) {
        snprintf(codes[i], sizeof codes[i], "01046004399312%02u21serial%u", i, i * 7919);
    }
    PROP_CHECK(&prop, chek_arena_init(&scratch, ARENA_SIZE) == CHEK_OK);
    while (prop_next(&prop, &prng)) {
        memset(&round, 0, sizeof round);
        round.prop = &prop;
        round.prng = &prng;
        round.scratch = scratch;
        round_run(&round);
        found_count += round.found_count;
        view_count += round.view_count;
        again_count += round.again_count;
    }
    printf("%u found, %u through views, %u sold again\n", found_count, view_count, again_count);
    /* Else there was nothing to see. */
    PROP_CHECK(&prop, argument_count > 1 ||
                          (found_count > 10000 && view_count > 500 && again_count > 10000));
    chek_arena_finish(&scratch);
    return 0;
}
