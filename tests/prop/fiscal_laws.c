/* SPDX-License-Identifier: MIT */
/* fiscal_laws.c - reports, revisions, numbers, holes and shifts against the naive evaluator. */
#include "tests/prop/fiscal_story.h"

static void
check_figures(struct story *story, const struct chek_naive_figures *want,
              const struct chek_report *report)
{
    static struct chek_naive_figures got;
    chek_naive_read_report(report, &got);
    const char *name = chek_naive_differs(want, &got);
    if (name != NULL) {
        fprintf(stderr, "register %u, shift %u, revision %u: %s is %" PRId64 ", not %" PRId64 "\n",
                report->registration, report->shift, report->revision, name,
                chek_naive_value(&got, name), chek_naive_value(want, name));
    }
    PROP_CHECK(story->prop, name == NULL);
}

static bool
has_other(const struct chek_report *report)
{
    uint32_t last = report->sections_count;
    return last != 0 && report->sections[last - 1].other;
}

static void
check_report(struct story *story, uint32_t at, uint32_t shift, uint32_t revision)
{
    static struct chek_naive_figures want;
    const struct chek_naive *naive = &story->registers[at].naive;
    struct chek_answer_report answer;
    chek_arena_reset(&story->fixture.arena);
    int error = chek_fiscal_report(&story->fixture.fiscal, at + 1, shift, revision, false,
                                   &story->fixture.arena, &answer);
    PROP_CHECK(story->prop, error == CHEK_OK);
    if (shift == naive->open) {
        PROP_CHECK(story->prop, chek_naive_open(naive, &want) == CHEK_OK);
        check_figures(story, &want, answer.report);
        story->covered->open_other += has_other(answer.report);
        return;
    }
    struct chek_report frozen = *answer.report;
    PROP_CHECK(story->prop, frozen.revision == revision);
    frozen.revision = 0;
    PROP_CHECK(story->prop, chek_naive_frozen(naive, shift, &want) == CHEK_OK);
    check_figures(story, &want, &frozen);
    story->covered->frozen_other += has_other(&frozen);
    story->covered->revisions += revision != 0;
    PROP_CHECK(story->prop, (answer.late != NULL) == (revision != 0));
    if (answer.late != NULL) {
        PROP_CHECK(story->prop, chek_naive_late(naive, shift, revision, &want) == CHEK_OK);
        check_figures(story, &want, answer.late);
    }
}

static void
check_numbers(struct story *story, uint32_t at)
{
    const struct chek_naive *naive = &story->registers[at].naive;
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        uint32_t standing = naive->entries[chek_naive_standing(naive, (int32_t)i)].ordinal;
        uint32_t ordinal;
        PROP_CHECK(story->prop, chek_fiscal_newest_copy(&story->fixture.fiscal, at + 1,
                                                        entry->ordinal, &ordinal) == CHEK_OK);
        PROP_CHECK(story->prop, ordinal == standing);
        const struct chek_receipt *receipt =
            entry->document != NULL ? entry->document->receipt : NULL;
        if (receipt != NULL && receipt->document != 0) {
            PROP_CHECK(story->prop,
                       chek_fiscal_find_document(&story->fixture.fiscal, at + 1, receipt->document,
                                                 &ordinal) == CHEK_OK);
            PROP_CHECK(story->prop, ordinal == standing);
        }
    }
}

struct holes {
    struct story *story;
    const struct chek_naive *naive;
    uint32_t count;
    uint32_t end;
};

static void
on_gap(void *context, uint32_t first, uint32_t count)
{
    struct holes *holes = context;
    PROP_CHECK(holes->story->prop, count != 0 && first > holes->end);
    holes->count += count;
    holes->end = first + count;
}

static void
check_gaps(struct story *story, uint32_t at)
{
    const struct chek_naive *naive = &story->registers[at].naive;
    static bool seen[1 << 20];
    memset(seen, 0, sizeof seen);
    uint32_t first = UINT32_MAX;
    uint32_t last = 0;
    uint32_t missing = 0;
    for (uint32_t i = 0; i < naive->count; i++) {
        const struct chek_document *document = naive->entries[i].document;
        if (document == NULL) {
            continue;
        }
        uint32_t number = document->receipt != NULL    ? document->receipt->document
                          : document->movement != NULL ? document->movement->document
                                                       : document->close->document;
        seen[number] = true;
        first = number != 0 && number < first ? number : first;
        last = number > last ? number : last;
    }
    for (uint32_t i = 0; i < naive->noted_count; i++) {
        uint32_t number = naive->noted[i];
        seen[number] = true;
        first = number < first ? number : first;
        last = number > last ? number : last;
    }
    for (uint32_t i = first; i < last; i++) {
        missing += !seen[i];
    }
    struct holes holes = {story, naive, 0, 0};
    uint32_t from = 0;
    do {
        uint32_t looks = 3;
        PROP_CHECK(story->prop, chek_fiscal_gaps(&story->fixture.fiscal, at + 1, &from, &looks,
                                                 on_gap, &holes) == CHEK_OK);
    } while (from != 0);
    PROP_CHECK(story->prop, holes.count == missing);
}

/* How many documents that stand are marked with what. */
static void
check_warned(struct story *story, uint32_t at)
{
    const struct chek_naive *naive = &story->registers[at].naive;
    uint32_t got[CHEK_WARNING_COUNT];
    PROP_CHECK(story->prop, chek_fiscal_warned(&story->fixture.fiscal, at + 1, got) == CHEK_OK);
    for (uint32_t warning = 0; warning < CHEK_WARNING_COUNT; warning++) {
        uint32_t want = warning == CHEK_WARNING_CONFLICT ? story->registers[at].conflict_count : 0;
        for (uint32_t i = 0; i < naive->count; i++) {
            want += naive->entries[i].copy < 0 && (naive->entries[i].warnings >> warning & 1) != 0;
        }
        PROP_CHECK(story->prop, got[warning] == want);
        story->covered->warned += want != 0;
    }
}

struct shift_list {
    struct story *story;
    uint32_t at;
    uint32_t last, count;
};

static bool
on_shift(void *context, const struct chek_shift *shift)
{
    struct shift_list *list = context;
    const struct chek_naive *naive = &list->story->registers[list->at].naive;
    PROP_CHECK(list->story->prop, shift->shift > list->last);
    PROP_CHECK(list->story->prop,
               (int32_t)shift->revision ==
                   (shift->shift == naive->open ? 0 : chek_naive_revision(naive, shift->shift)));
    list->last = shift->shift;
    list->count += 1;
    return true;
}

void
fiscal_story_check(struct story *story)
{
    for (uint32_t at = 0; at < REGISTER_COUNT; at++) {
        const struct chek_naive *naive = &story->registers[at].naive;
        uint32_t count = 0;
        if (naive->open != 0) {
            check_report(story, at, naive->open, UINT32_MAX);
            count += 1;
        }
        for (uint32_t shift = 1; shift <= naive->last; shift++) {
            int32_t revision = chek_naive_revision(naive, shift);
            for (int32_t r = revision; r >= 0 && r >= revision - 4; r--) {
                check_report(story, at, shift, (uint32_t)r);
            }
            count += revision >= 0;
        }
        struct shift_list list = {story, at, 0, 0};
        chek_arena_reset(&story->fixture.arena);
        PROP_CHECK(story->prop,
                   chek_fiscal_shifts(&story->fixture.fiscal, at + 1, 0, 0, &story->fixture.arena,
                                      on_shift, &list) == CHEK_OK);
        PROP_CHECK(story->prop, list.count == count);
        check_numbers(story, at);
        check_gaps(story, at);
        check_warned(story, at);
    }
    PROP_CHECK(story->prop, chek_page_heap_is_valid(&story->fixture.heap));
}
