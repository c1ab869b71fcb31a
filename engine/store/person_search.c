/* SPDX-License-Identifier: MIT */
#include "engine/store/person_search.h"

#include "engine/base/assertion.h"
#include "engine/store/place_list.h"
#include "engine/store/segment.h"
#include "engine/store/set.h"

#define SUBJECT_SIZE 16
#define WINDOW_ROW_COUNT 256

struct searching {
    const struct chek_store *store;
    const struct chek_person_search *search;
    struct chek_arena *arena;
    struct store__place_list places;
};

static bool
time_fits(const struct chek_person_search *search, int64_t time)
{
    return search->time_max == 0 || (time >= search->time_min && time <= search->time_max);
}

/* ---- open rows -------------------------------------------------------------------------------- */

/*
 * A document's bytes have its subjects as they are. They are random, so nothing else of a document is
 * like one but on purpose: who could make it would have to know the subject, and sees his own receipt.
 */
static void
set_run(struct searching *to, const struct store__set *set)
{
    for (uint32_t i = 0; i < set->row_count; i++) {
        const struct store__row *row = store__set_row(set, i);
        struct chek_row_place place = {.received_us = row->received,
                                       .registration = row->registration,
                                       .ordinal = row->ordinal};
        if (time_fits(to->search, row->time) && store__place_is_wanted(&to->places, &place) &&
            memmem(row->bytes, row->document_size, to->search->subject, SUBJECT_SIZE) != NULL &&
            !store__is_replaced(to->store, set->replaced, i)) {
            store__place_take(&to->places, &place);
        }
    }
    to->store->effort->rows += set->row_count;
}

/* ---- sealed rows ------------------------------------------------------------------------------ */

static int64_t
value_of(const struct chek_segment *segment, enum store__column column, uint32_t group, uint32_t at)
{
    const struct store__page *page = store__segment_page(segment, column, group);
    return page != NULL ? store__page_value(page, at) : 0;
}

/* A row that names the subject. */
static void
row_take(struct searching *to, const struct chek_segment *segment, uint32_t group, uint32_t at)
{
    uint32_t index = group * segment->page_row_count + at;
    struct store__run run = store__segment_run(segment, store__segment_run_of(segment, index));
    struct chek_row_place place = {
        .received_us = (uint64_t)value_of(segment, STORE__DOCUMENT_RECEIVED, group, at),
        .registration = run.registration,
        .ordinal = run.ordinal + (index - run.row)};
    if (time_fits(to->search, value_of(segment, STORE__DOCUMENT_TIME, group, at)) &&
        store__place_is_wanted(&to->places, &place) &&
        !store__is_replaced(to->store, segment->replaced, index)) {
        store__place_take(&to->places, &place);
    }
}

/* Whether a page of buyers can have the subject. */
static bool
has_buyer(const struct searching *from, const struct store__page *low)
{
    int64_t wanted = (int64_t)chek_load_u64(from->search->subject);
    return low != NULL && wanted >= low->min && wanted <= low->max;
}

/* Rows of a group that have the subject as their buyer. */
static void
buyers_run(struct searching *to, const struct chek_segment *segment, uint32_t group)
{
    const struct store__page *low =
        store__segment_page(segment, STORE__DOCUMENT_SUBJECT_LOW, group);
    int64_t wanted[2] = {(int64_t)chek_load_u64(to->search->subject),
                         (int64_t)chek_load_u64(to->search->subject + SUBJECT_SIZE / 2)};
    int64_t values[WINDOW_ROW_COUNT];
    for (uint32_t from = 0; from < low->value_count; from += WINDOW_ROW_COUNT) {
        uint32_t left = low->value_count - from;
        uint32_t count = left < WINDOW_ROW_COUNT ? left : WINDOW_ROW_COUNT;
        store__page_decode(low, from, count, values);
        for (uint32_t i = 0; i < count; i++) {
            if (values[i] == wanted[0] &&
                value_of(segment, STORE__DOCUMENT_SUBJECT_HIGH, group, from + i) == wanted[1]) {
                row_take(to, segment, group, from + i);
            }
        }
        to->store->effort->rows += count;
    }
}

/* Rows of a group that have the subject among the others that they name. */
static int
persons_run(struct searching *to, const struct chek_segment *segment, uint32_t group)
{
    const struct store__page *page = store__segment_page(segment, STORE__DOCUMENT_PERSONS, group);
    struct store__strings strings;
    size_t mark = chek_arena_mark(to->arena);
    int error = store__strings_open(page, &strings);
    for (uint32_t i = 0; error == CHEK_OK && i < page->value_count; i++) {
        struct chek_bytes_view bytes = {0};
        error = store__strings_read(&strings, i, to->arena, &bytes);
        if (error == CHEK_OK && bytes.size >= SUBJECT_SIZE &&
            memmem(bytes.bytes, bytes.size, to->search->subject, SUBJECT_SIZE) != NULL) {
            row_take(to, segment, group, i);
        }
    }
    chek_arena_rewind(to->arena, mark);
    to->store->effort->rows += page->value_count;
    return error;
}

/* Whether a group has rows behind the place where the list goes on, and of the time that is asked for. */
static bool
group_fits(const struct searching *from, const struct chek_segment *segment, uint32_t group)
{
    const struct chek_person_search *search = from->search;
    const struct store__page *received =
        store__segment_page(segment, STORE__DOCUMENT_RECEIVED, group);
    const struct store__page *time = store__segment_page(segment, STORE__DOCUMENT_TIME, group);
    int64_t earliest = received != NULL ? received->min : 0;
    int64_t min = time != NULL ? time->min : 0;
    int64_t max = time != NULL ? time->max : 0;
    return (search->before.received_us == 0 || (uint64_t)earliest <= search->before.received_us) &&
           (search->time_max == 0 || (max >= search->time_min && min <= search->time_max));
}

static int
group_run(struct searching *to, const struct chek_segment *segment, uint32_t group)
{
    const struct store__page *low =
        store__segment_page(segment, STORE__DOCUMENT_SUBJECT_LOW, group);
    const struct store__page *persons =
        store__segment_page(segment, STORE__DOCUMENT_PERSONS, group);
    bool has_persons = persons != NULL && persons->max >= SUBJECT_SIZE;
    if ((!has_buyer(to, low) && !has_persons) || !group_fits(to, segment, group)) {
        return CHEK_OK;
    }
    int error = store__segment_use(segment, group, to->store->cold);
    if (error != CHEK_OK) {
        return error;
    }
    if (has_buyer(to, low)) {
        buyers_run(to, segment, group);
    }
    error = has_persons ? persons_run(to, segment, group) : CHEK_OK;
    store__segment_done(segment, group, to->store->cold);
    return error;
}

/* ---- the whole -------------------------------------------------------------------------------- */

/* Rows of a set all came before those of the next one, and so it is with segments. */
int
chek_person_search(const struct chek_store *store, const struct chek_person_search *search,
                   struct chek_arena *arena, uint32_t count_max, struct chek_row_place *ret,
                   uint32_t *ret_count)
{
    struct searching to = {.store = store,
                           .search = search,
                           .arena = arena,
                           .places = {.list = ret,
                                      .count_max = count_max,
                                      .before = search->before,
                                      .registration = search->registration}};
    int error = CHEK_OK;
    CHEK_ASSERT(count_max > 0);
    const struct store__set *set = store__set_before(store, NULL);
    while (set != NULL && to.places.count < count_max) {
        set_run(&to, set);
        set = store__set_before(store, set);
    }
    for (uint32_t i = store->segment_count; i > 0 && to.places.count < count_max; i--) {
        const struct chek_segment *segment = store->segments[i - 1];
        for (uint32_t group = 0; group < segment->page_count && error == CHEK_OK; group++) {
            error = group_run(&to, segment, group);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    *ret_count = to.places.count;
    return CHEK_OK;
}
