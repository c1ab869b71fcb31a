/* SPDX-License-Identifier: MIT */
/*
 * prop_fiscal.c - random histories of several registers: what the engine shows equals what a list
 * of documents comes to.
 *
 * Laws, after every few documents: X, every Z and every revision of it equal the naive evaluator;
 * statuses, ordinals, shifts and warnings are as foreseen; a repeat or a conflict changes nothing
 * but counters; numbers lead to the copy that stands; holes are the numbers never sent. At the end:
 * the same history gives the same bytes, also when the heap is dumped and loaded on the way.
 */
#include "tests/prop/fiscal_story.h"

#define CHECK_STEP 40
#define FIRST_SHIFT 4
#define STORY_ARENA_SIZE (64 * 1024 * 1024)

/* The heaps of all histories of seed 1, whatever compiled them. Another number is another format:
 * then the partition's apply_version changes too. */
#define STATE_OF_SEED_1 UINT64_C(0x0808950dd7e581c5)

static struct coverage covered;
static uint64_t covered_seals; /* only the real store has them */

static uint64_t
below(struct story *story, uint64_t bound)
{
    return maker_below(&story->maker, bound);
}

static bool
chance(struct story *story, uint64_t percent)
{
    return maker_chance(&story->maker, percent);
}

/* ---- sending ---------------------------------------------------------------------------------- */

static struct chek_result
send_document(struct story *story, uint32_t at, const struct chek_document *document)
{
    return fixture_apply(&story->fixture, at + 1, document);
}

/* Bytes of the state but for the counters of what changed nothing. */
static uint64_t
state_hash(struct story *story)
{
    struct chek_fiscal_root *root = chek_page_heap_root_change(&story->fixture.heap);
    struct chek_fiscal_root kept = *root;
    root->duplicate_count = 0;
    root->conflict_count = 0;
    uint64_t hash = chek_page_heap_hash(&story->fixture.heap);
    *root = kept;
    return hash;
}

/* The hash of a copy of the state in which one more conflict of a register was counted. */
static uint64_t
state_hash_counted(struct story *story, uint32_t at)
{
    struct fixture copy = story->fixture;
    copy.fiscal.heap = &copy.heap;
    PROP_CHECK(story->prop,
               chek_page_heap_load(&copy.heap, 65536, chek_page_heap_pages(&story->fixture.heap)) ==
                   CHEK_OK);
    PROP_CHECK(story->prop, chek_page_heap_ensure(&copy.heap, 4096) == CHEK_OK);
    chek_fiscal_warn(&copy.fiscal, at + 1, CHEK_WARNING_CONFLICT);
    struct chek_fiscal_root *root = chek_page_heap_root_change(&copy.heap);
    root->duplicate_count = 0;
    root->conflict_count = 0;
    uint64_t hash = chek_page_heap_hash(&copy.heap);
    chek_page_heap_finish(&copy.heap);
    return hash;
}

static void
check_expected(struct story *story, const struct chek_result *result, uint8_t status,
               const struct chek_naive_expected *expected)
{
    if (result->status != status || result->ordinal != expected->ordinal ||
        result->shift != expected->shift || result->warnings != expected->warnings) {
        fprintf(stderr,
                "register %u: status %u, not %u; ordinal %u, not %u; shift %u, not %u; warnings "
                "%x, not %x; field %s\n",
                result->registration, result->status, status, result->ordinal, expected->ordinal,
                result->shift, expected->shift, result->warnings, expected->warnings,
                chek_field_name((uint16_t)result->field));
    }
    covered.stored += 1;
    covered.completed += status == CHEK_STATUS_COMPLETED;
    covered.late += (result->warnings >> CHEK_WARNING_LATE) & 1;
    covered.unknown += (result->warnings >> CHEK_WARNING_SHIFT_UNKNOWN) & 1;
    covered.gaps += (result->warnings >> CHEK_WARNING_DOCUMENT_GAP) & 1;
    PROP_CHECK(story->prop, result->status == status);
    PROP_CHECK(story->prop, result->ordinal == expected->ordinal);
    PROP_CHECK(story->prop, result->shift == expected->shift);
    PROP_CHECK(story->prop, result->warnings == expected->warnings);
}

static void
remember(struct story_register *to, const struct chek_document *document,
         const struct chek_document *fuller)
{
    to->sent[to->sent_count++] = (struct sent){document, fuller, (int32_t)to->naive.count - 1};
}

static void
send_fresh(struct story *story, uint32_t at, const struct chek_document *document,
           const struct chek_document *fuller)
{
    struct story_register *to = &story->registers[at];
    struct chek_naive_expected expected;
    PROP_CHECK(story->prop, chek_naive_apply(&to->naive, document, -1, &expected) == CHEK_OK);
    struct chek_result result = send_document(story, at, document);
    check_expected(story, &result, CHEK_STATUS_STORED, &expected);
    remember(to, document, fuller);
}

static void
act_receipt(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    struct chek_receipt *receipt = maker_receipt(&story->maker, &to->next);
    maker_number_receipt(&story->maker, &to->next, receipt);
    const struct chek_document *whole = maker_wrap(&story->maker, receipt);
    if (chance(story, 20)) {
        send_fresh(story, at, maker_poorer(&story->maker, receipt), whole);
    } else {
        send_fresh(story, at, whole, NULL);
    }
}

static void
act_movement(struct story *story, uint32_t at)
{
    const struct maker *maker = &story->maker;
    const struct chek_document *document = maker_movement(maker, &story->registers[at].next);
    struct chek_document *fuller = NULL;
    if (chance(story, 20)) {
        struct chek_movement *named = maker_take(maker, sizeof *named);
        fuller = maker_take(maker, sizeof *fuller);
        *named = *document->movement;
        named->operator= maker_text(maker, "C", 1);
        named->offline = true;
        fuller->movement = named;
    }
    send_fresh(story, at, document, fuller);
}

static void
act_close(struct story *story, uint32_t at)
{
    send_fresh(story, at, maker_close(&story->maker, &story->registers[at].next), NULL);
}

static const struct sent *
choose_sent(struct story *story, const struct story_register *to)
{
    /* Mostly one of the last: that is how repeats come. */
    uint32_t back = chance(story, 60) && to->sent_count > 8 ? 8 : to->sent_count;
    return &to->sent[to->sent_count - 1 - below(story, back)];
}

static void
act_repeat(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    const struct sent *sent = choose_sent(story, to);
    const struct chek_naive_entry *standing =
        &to->naive.entries[chek_naive_standing(&to->naive, sent->entry)];
    uint64_t before = state_hash(story);
    uint64_t history = chek_store_history_hash(story->fixture.store);
    struct chek_result result = send_document(story, at, sent->document);
    covered.duplicates += 1;
    PROP_CHECK(story->prop, result.status == CHEK_STATUS_DUPLICATE);
    PROP_CHECK(story->prop, result.ordinal == standing->ordinal);
    PROP_CHECK(story->prop, result.shift == standing->shift);
    PROP_CHECK(story->prop, state_hash(story) == before);
    PROP_CHECK(story->prop, chek_store_history_hash(story->fixture.store) == history);
    PROP_CHECK(story->prop, story->fixture.event_count == 0);
}

static void
act_conflict(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    const struct sent *sent = choose_sent(story, to);
    uint16_t field;
    const struct chek_document *changed = maker_conflict(&story->maker, sent->document, &field);
    uint64_t before = state_hash_counted(story, at);
    struct chek_result result = send_document(story, at, changed);
    covered.conflicts += 1;
    to->conflict_count += 1;
    PROP_CHECK(story->prop, result.status == CHEK_STATUS_CONFLICT);
    PROP_CHECK(story->prop, result.field == field);
    PROP_CHECK(story->prop, state_hash(story) == before);
    PROP_CHECK(story->prop, story->fixture.event_count == 1);
    PROP_CHECK(story->prop, story->fixture.events[0].kind == CHEK_EVENT_KIND_CONFLICT);
}

static void
act_fuller(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    for (uint32_t i = to->sent_count; i-- > 0;) {
        struct sent *sent = &to->sent[i];
        if (sent->fuller == NULL || chance(story, 50)) {
            continue;
        }
        struct chek_naive_expected expected;
        PROP_CHECK(story->prop,
                   chek_naive_apply(&to->naive, sent->fuller, sent->entry, &expected) == CHEK_OK);
        struct chek_result result = send_document(story, at, sent->fuller);
        check_expected(story, &result, CHEK_STATUS_COMPLETED, &expected);
        remember(to, sent->fuller, NULL);
        sent->fuller = NULL;
        return;
    }
}

static bool
is_noted(const struct chek_naive *naive, uint32_t number)
{
    for (uint32_t i = 0; i < naive->noted_count; i++) {
        if (naive->noted[i] == number) {
            return true;
        }
    }
    return false;
}

static bool
is_document(const struct chek_naive *naive, uint32_t number)
{
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_document *document = naive->entries[i].document;
        if (document != NULL && chek_document_number(document) == number) {
            return true;
        }
    }
    return false;
}

/* A report: the next in order, a number that was left out, or any that was there before. */
static void
act_report(struct story *story, uint32_t at)
{
    static const uint8_t kinds[] = {1, 2, 6, 11, 21};
    struct story_register *to = &story->registers[at];
    uint64_t choice = below(story, 3);
    uint32_t number =
        choice == 0 ? ++to->next.number : 1 + (uint32_t)below(story, to->next.number + UINT64_C(1));
    bool fills = choice == 1 && to->next.skipped_count > 0;
    if (fills) {
        number = to->next.skipped[--to->next.skipped_count];
    }
    struct chek_drive_report report = {.kind = kinds[below(story, sizeof kinds)],
                                       .document = number};
    uint8_t want = is_document(&to->naive, number) ? CHEK_STATUS_CONFLICT
                   : is_noted(&to->naive, number)  ? CHEK_STATUS_DUPLICATE
                                                   : CHEK_STATUS_NOTED;
    uint64_t history = chek_store_history_hash(story->fixture.store);
    struct chek_result result =
        send_document(story, at, &(struct chek_document){.drive_report = &report});
    PROP_CHECK(story->prop, result.status == want);
    PROP_CHECK(story->prop, chek_store_history_hash(story->fixture.store) == history);
    PROP_CHECK(story->prop, story->fixture.event_count == (want == CHEK_STATUS_CONFLICT));
    if (want == CHEK_STATUS_NOTED) {
        PROP_CHECK(story->prop, chek_naive_note(&to->naive, number) == CHEK_OK);
    }
    to->conflict_count += want == CHEK_STATUS_CONFLICT;
    covered.noted += want == CHEK_STATUS_NOTED;
    covered.reports_filled += fills;
    covered.reports_repeated += want == CHEK_STATUS_DUPLICATE;
    covered.reports_refused += want == CHEK_STATUS_CONFLICT;
}

static void
act_move(struct story *story, uint32_t at)
{
    struct story_register *to = &story->registers[at];
    char point[16];
    snprintf(point, sizeof point, "point %u", to->naive.binding + 1U);
    fixture_register(&story->fixture, at + 1, point);
    to->naive.binding += 1;
}

/* ---- a story ---------------------------------------------------------------------------------- */

static void
reload(struct story *story)
{
    struct chek_page_heap loaded;
    PROP_CHECK(story->prop,
               chek_page_heap_load(&loaded, 65536, chek_page_heap_pages(&story->fixture.heap)) ==
                   CHEK_OK);
    chek_page_heap_finish(&story->fixture.heap);
    story->fixture.heap = loaded;
}

/* Rows become a segment now and then: nobody may notice. */
static void
seal(struct story *story)
{
    struct chek_seal *job = chek_store_seal_begin(story->fixture.store);
    if (job != NULL) {
        chek_seal_run(job);
        chek_seal_adopt(job);
        covered_seals += 1;
    }
}

static void
act(struct story *story)
{
    uint32_t at = (uint32_t)below(story, REGISTER_COUNT);
    struct story_register *to = &story->registers[at];
    uint64_t choice = below(story, 100);
    to->next.time += 1 + (int64_t)below(story, 400);
    if (to->sent_count == 0 || choice < 60) {
        act_receipt(story, at);
    } else if (choice < 68) {
        act_movement(story, at);
    } else if (choice < (to->next.is_wide ? 69 : 74)) {
        act_close(story, at);
    } else if (choice < 82) {
        act_repeat(story, at);
    } else if (choice < 86) {
        act_conflict(story, at);
    } else if (choice < 93) {
        act_fuller(story, at);
    } else if (choice < 97) {
        act_report(story, at);
    } else {
        act_move(story, at);
    }
}

/* What a history ends in. */
struct ending {
    uint64_t heap, rows;
};

/* Run the history of a seed. */
static struct ending
run(struct prop *prop, struct chek_prng prng, bool reloads, bool checks)
{
    static struct story story;
    memset(&story, 0, sizeof story);
    story.prop = prop;
    story.covered = &covered;
    story.maker = (struct maker){&prng, &story.arena};
    PROP_CHECK(prop, chek_arena_init(&story.arena, STORY_ARENA_SIZE) == CHEK_OK);
    fixture_begin(&story.fixture);
    for (uint32_t at = 0; at < REGISTER_COUNT; at++) {
        struct story_register *to = &story.registers[at];
        fixture_register(&story.fixture, at + 1, "point 0");
        to->next = (struct maker_register){.naive = &to->naive,
                                           .sign = 1000,
                                           .time = FIXTURE_DAY,
                                           .first_shift = FIRST_SHIFT,
                                           .is_wide = chance(&story, 30)};
        to->next.key_variety = to->next.is_wide ? 2000 : 6;
    }
    for (uint32_t i = 0; i < DOCUMENT_COUNT; i++) {
        act(&story);
        if (checks && i % CHECK_STEP == CHECK_STEP - 1) {
            fiscal_story_check(&story);
        }
        if (reloads && i % 50 == 0) {
            reload(&story);
        }
        if (checks && i % 16 == 0) {
            seal(&story);
        }
    }
    if (checks) {
        fiscal_story_check(&story);
    }
    for (uint32_t at = 0; at < REGISTER_COUNT; at++) {
        chek_naive_finish(&story.registers[at].naive);
    }
    struct ending ending = {chek_page_heap_hash(&story.fixture.heap),
                            chek_store_history_hash(story.fixture.store)};
    fixture_end(&story.fixture);
    chek_arena_finish(&story.arena);
    return ending;
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 30);
    struct chek_prng prng;
    uint64_t all = 0;
    while (prop_next(&prop, &prng)) {
        struct ending ending = run(&prop, prng, false, true);
        struct ending again = run(&prop, prng, true, false);
        PROP_CHECK(&prop, ending.heap == again.heap);
        PROP_CHECK(&prop, ending.rows == again.rows);
        all = all * 31 + ending.heap;
    }
    printf("%s: state %016" PRIx64 "; %" PRIu64 " stored, %" PRIu64 " late, %" PRIu64
           " completed, %" PRIu64 " reports with OTHER, %" PRIu64 " segments\n",
           prop.name, all, covered.stored, covered.late, covered.completed,
           covered.open_other + covered.frozen_other, covered_seals);
    if (argument_count == 1) {
        PROP_CHECK(&prop, all == STATE_OF_SEED_1);
        const uint64_t *counts = (const uint64_t *)&covered;
        for (size_t i = 0; i < sizeof covered / sizeof *counts; i++) {
            PROP_CHECK(&prop, counts[i] != 0);
        }
    }
    return 0;
}
