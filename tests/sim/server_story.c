/* SPDX-License-Identifier: MIT */
/* server_story.c - documents made up. */
#include "tests/sim/server_story.h"

#include "engine/base/assertion.h"

#define DAY INT64_C(1767225600) /* 2026-01-01 */
#define FIRST_SHIFT 3
#define KEY_VARIETY 4

static struct maker
maker_of(struct story *story)
{
    return (struct maker){&story->prng, story->arena};
}

/* ---- the order of things ---------------------------------------------------------------------- */

static void
add(struct story_register *to, const struct chek_document *document, int32_t completes)
{
    struct story_document *added = &to->documents[to->count];
    int32_t entry = completes >= 0 ? (int32_t)to->documents[completes].entry : -1;
    *added = (struct story_document){.document = document, .completes = completes};
    int error = chek_naive_apply(&to->naive, document, entry, &added->expected);
    CHEK_ASSERT(error == CHEK_OK);
    added->entry = added->expected.ordinal;
    if (document->receipt != NULL && completes < 0) {
        added->mark = (uint32_t)document->receipt->sign;
    }
    to->count += 1;
}

/* Every receipt has a sign that no other bytes of a run have. */
static void
add_receipt(struct story *story, struct story_register *to)
{
    struct maker maker = maker_of(story);
    struct chek_receipt *receipt = maker_receipt(&maker, &to->next);
    story->mark += 1;
    receipt->sign = (uint64_t)STORY_MARK << 32 | story->mark;
    maker_number_receipt(&maker, &to->next, receipt);
    const struct chek_document *whole = maker_wrap(&maker, receipt);
    if (maker_chance(&maker, 18) && !story->is_plain &&
        to->fuller_count < CHEK_COUNT(to->fullers)) {
        to->fullers[to->fuller_count] = whole;
        to->poorer[to->fuller_count] = (int32_t)to->count;
        to->fuller_count += 1;
        add(to, maker_poorer(&maker, receipt), -1);
    } else {
        add(to, whole, -1);
    }
}

static void
add_fuller(struct story *story, struct story_register *to)
{
    struct maker maker = maker_of(story);
    uint32_t at = (uint32_t)maker_below(&maker, to->fuller_count);
    const struct chek_document *document = to->fullers[at];
    int32_t completes = to->poorer[at];
    to->fuller_count -= 1;
    to->fullers[at] = to->fullers[to->fuller_count];
    to->poorer[at] = to->poorer[to->fuller_count];
    add(to, document, completes);
}

static void
register_make(struct story *story, unsigned at, uint32_t document_count)
{
    struct story_register *to = &story->registers[at];
    struct maker maker = maker_of(story);
    struct chek_register_key *keys = maker_take(&maker, 2 * sizeof *keys);
    to->organisation = at % STORY_ORGANISATION_COUNT;
    keys[0] = (struct chek_register_key){.kind = CHEK_KEY_KIND_REGISTRATION_NUMBER,
                                         .value = maker_text(&maker, "0000", 1000 + at)};
    keys[1] = (struct chek_register_key){.kind = CHEK_KEY_KIND_DEVICE,
                                         .value = maker_text(&maker, "device-", at)};
    to->profile = (struct chek_register){
        .keys = keys,
        .keys_count = 2,
        .organisation = maker_text(&maker, "org-", to->organisation),
        .point = maker_text(&maker, "point-", at / 2),
        .zone_minutes = 300,
        .currency = 398,
        .country = 398,
    };
    to->next = (struct maker_register){.naive = &to->naive,
                                       .time = DAY + 8 * 3600,
                                       .first_shift = FIRST_SHIFT,
                                       .key_variety = KEY_VARIETY,
                                       .with_names = true};
    while (to->count < document_count) {
        uint64_t choice = maker_below(&maker, 100);
        to->next.time += 1 + (int64_t)maker_below(&maker, 400);
        if (to->count == 0 || choice < 70) {
            add_receipt(story, to);
        } else if (choice < 78) {
            add(to, maker_movement(&maker, &to->next), -1);
        } else if (choice < 86 || to->fuller_count == 0) {
            add(to, maker_close(&maker, &to->next), -1);
        } else {
            add_fuller(story, to);
        }
    }
}

void
story_make(struct story *story, struct chek_arena *arena, uint64_t seed, uint32_t document_count,
           bool is_plain)
{
    CHEK_ASSERT(document_count <= STORY_DOCUMENT_MAX);
    memset(story, 0, sizeof *story);
    chek_prng_init(&story->prng, seed);
    story->arena = arena;
    story->is_plain = is_plain;
    story->prefix_register = STORY_REGISTER_COUNT;
    for (unsigned i = 0; i < STORY_REGISTER_COUNT; i++) {
        uint32_t more_count = (uint32_t)chek_prng_below(&story->prng, document_count / 2);
        register_make(story, i, document_count / 2 + more_count);
        /* So that later ones need no memory. */
        (void)story_prefix(story, i, story->registers[i].count);
    }
}

void
story_free(struct story *story)
{
    for (unsigned i = 0; i < STORY_REGISTER_COUNT; i++) {
        chek_naive_finish(&story->registers[i].naive);
    }
    chek_naive_finish(&story->prefix);
}

const struct chek_naive *
story_prefix(struct story *story, unsigned at, uint32_t count)
{
    const struct story_register *from = &story->registers[at];
    struct chek_naive *naive = &story->prefix;

    CHEK_ASSERT(count <= from->count);
    if (story->prefix_register != at || story->prefix_count > count) {
        chek_naive_clear(naive);
        story->prefix_register = at;
        story->prefix_count = 0;
    }
    for (; story->prefix_count < count; story->prefix_count++) {
        const struct story_document *next = &from->documents[story->prefix_count];
        int32_t entry = next->completes >= 0 ? (int32_t)from->documents[next->completes].entry : -1;
        struct chek_naive_expected expected;
        int error = chek_naive_apply(naive, next->document, entry, &expected);
        CHEK_ASSERT(error == CHEK_OK);
    }
    return naive;
}

int32_t
story_document_of(const struct story_register *from, uint32_t entry)
{
    uint32_t low = 0;
    uint32_t high = from->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (from->documents[middle].entry < entry) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < from->count && from->documents[low].entry == entry ? (int32_t)low : -1;
}

/* ---- what must not be stored ------------------------------------------------------------------ */

const struct chek_document *
story_conflict(const struct story_document *document, struct chek_arena *arena)
{
    struct maker maker = {NULL, arena};
    uint16_t field;
    return maker_conflict(&maker, document->document, &field);
}

const struct chek_document *
story_misshapen(struct chek_arena *arena, uint64_t seed)
{
    struct maker maker = {NULL, arena};
    struct chek_receipt *receipt = maker_take(&maker, sizeof *receipt);
    struct chek_payment *payment = maker_take(&maker, sizeof *payment);
    receipt->time = DAY;
    receipt->sign = seed | 1;
    receipt->total = 1000;
    receipt->payments = payment;
    receipt->payments_count = 1;
    payment->sum = 999; /* not the total */
    return maker_wrap(&maker, receipt);
}
