/* SPDX-License-Identifier: MIT */
/*
 * sign_search.c - rows of a registration from the newest down, two columns of them.
 *
 * Open rows come first: they are linked from newer to older within a set, and a set that is newer
 * has the higher ordinals. When they are through, everything older is in the segments there are
 * then; those that are sealed later hold rows that were seen open. Where the search stands among
 * them is a number of rows, as places change when segments are merged.
 */
#include "engine/store/sign_search.h"
#include "engine/base/assertion.h"
#include "engine/store/segment.h"

#define WINDOW_ROW_COUNT 256 /* of a page, decoded at once */

static bool
signs_fit(const struct chek_sign_search *search, uint64_t sign, uint64_t autonomous)
{
    return (search->sign != 0 && sign == search->sign) ||
           (search->autonomous != 0 && autonomous == search->autonomous);
}

static bool
time_fits(const struct chek_sign_search *search, int64_t time)
{
    return search->time_max == 0 || (time >= search->time_min && time <= search->time_max);
}

static void
found(struct chek_sign_search *search, uint32_t ordinal)
{
    search->found = true;
    search->ordinal = ordinal;
}

/* ---- open rows -------------------------------------------------------------------------------- */

/* Whether a row of a set is the one to look at next. A set that was sealed meanwhile is another. */
static bool
row_is_next(const struct chek_sign_search *search, const struct store__set *set, uint32_t index)
{
    if (index >= set->row_count) {
        return false;
    }
    const struct store__row *row = store__set_row(set, index);
    return row->registration == search->registration &&
           row->ordinal + UINT64_C(1) == search->ordinal_end;
}

/* The newest row below `ordinal_end` of a set, + 1; 0 when there is none. */
static uint32_t
row_below(const struct chek_sign_search *search, const struct store__set *set)
{
    if (search->open_row != 0 && row_is_next(search, set, search->open_row - 1)) {
        return search->open_row;
    }
    uint32_t row = store__set_newest(set, search->registration);
    while (row != 0 && store__set_row(set, row - 1)->ordinal >= search->ordinal_end) {
        row = store__set_previous(set, row - 1);
    }
    return row;
}

/* The set with the newest row below `ordinal_end`: the last that has any. NULL: none has. */
static const struct store__set *
set_find(const struct chek_sign_search *search, const struct chek_store *store, uint32_t *ret_row)
{
    const struct store__set *last = NULL;
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        uint32_t row = row_below(search, set);
        if (row != 0) {
            last = set;
            *ret_row = row;
        }
    }
    return last;
}

/* Look at rows of one set until they, or the rows of this step, are used up. */
static void
set_run(struct chek_sign_search *search, const struct store__set *set, uint32_t row,
        int64_t *row_count)
{
    for (; row != 0 && *row_count > 0 && !search->found; *row_count -= 1) {
        const struct store__row *at = store__set_row(set, row - 1);
        if (signs_fit(search, at->sign, at->autonomous) && time_fits(search, at->time)) {
            found(search, at->ordinal);
        }
        search->ordinal_end = at->ordinal;
        row = store__set_previous(set, row - 1);
    }
    search->open_row = row;
}

static void
open_run(struct chek_sign_search *search, const struct chek_store *store, int64_t *row_count)
{
    while (*row_count > 0 && !search->found) {
        uint32_t row = 0;
        const struct store__set *set = set_find(search, store, &row);
        if (set == NULL) {
            search->is_sealed = true;
            search->row_end = store->sealed_row_count;
            return;
        }
        set_run(search, set, row, row_count);
    }
}

/* ---- sealed rows ------------------------------------------------------------------------------ */

static void
column_decode(const struct chek_segment *segment, enum store__column column, uint32_t page,
              uint32_t from, uint32_t count, int64_t *ret)
{
    const struct store__page *in = store__segment_page(segment, column, page);
    if (in != NULL) {
        store__page_decode(in, from, count, ret);
    } else {
        memset(ret, 0, count * sizeof *ret);
    }
}

/* Rows from..from+count-1 of one page, which is there; the newest that fits, in the segment;
 * UINT32_MAX: none. */
static uint32_t
window_look(const struct chek_sign_search *search, const struct chek_segment *segment,
            uint32_t from, uint32_t count)
{
    int64_t signs[WINDOW_ROW_COUNT], autonomous[WINDOW_ROW_COUNT];
    uint32_t page = from / segment->page_row_count;
    uint32_t first = from % segment->page_row_count;
    column_decode(segment, STORE__DOCUMENT_SIGN, page, first, count, signs);
    column_decode(segment, STORE__DOCUMENT_AUTONOMOUS, page, first, count, autonomous);
    for (uint32_t i = count; i > 0; i--) {
        int64_t time;
        if (signs_fit(search, (uint64_t)signs[i - 1], (uint64_t)autonomous[i - 1])) {
            column_decode(segment, STORE__DOCUMENT_TIME, page, first + i - 1, 1, &time);
            if (time_fits(search, time)) {
                return from + i - 1;
            }
        }
    }
    return UINT32_MAX;
}

/* The same for a page that may be cold: then nothing is found, and the search notes why. */
static uint32_t
window_find(struct chek_sign_search *search, const struct chek_store *store,
            const struct chek_segment *segment, uint32_t from, uint32_t count)
{
    uint32_t group = from / segment->page_row_count;
    search->error = store__segment_use(segment, group, store->cold);
    if (search->error != CHEK_OK) {
        return UINT32_MAX;
    }
    uint32_t row = window_look(search, segment, from, count);
    store__segment_done(segment, group, store->cold);
    return row;
}

/* Whether a page has rows of the time that is asked for, as far as its zone map tells. */
static bool
page_fits(const struct chek_sign_search *search, const struct chek_segment *segment, uint32_t page)
{
    const struct store__page *zone = store__segment_page(segment, STORE__DOCUMENT_TIME, page);
    int64_t min = zone != NULL ? zone->min : 0;
    int64_t max = zone != NULL ? zone->max : 0;
    return search->time_max == 0 || (max >= search->time_min && min <= search->time_max);
}

/* Look at the rows of a run below `ordinal_end`, a window at a time from its end. */
static void
run_run(struct chek_sign_search *search, const struct chek_store *store,
        const struct chek_segment *segment, const struct store__run *run, int64_t *row_count)
{
    while (search->ordinal_end > run->ordinal && *row_count > 0 && !search->found) {
        uint32_t to = run->row_end;
        if (search->ordinal_end - run->ordinal < to - run->row) {
            to = run->row + (uint32_t)(search->ordinal_end - run->ordinal);
        }
        uint32_t page = (to - 1) / segment->page_row_count;
        uint32_t page_begin = page * segment->page_row_count;
        uint32_t from = run->row > page_begin ? run->row : page_begin;
        if (page_fits(search, segment, page)) {
            from = to - from > WINDOW_ROW_COUNT ? to - WINDOW_ROW_COUNT : from;
            uint32_t row = window_find(search, store, segment, from, to - from);
            if (search->error != CHEK_OK) {
                return; /* what was looked at is known: it goes on here */
            }
            if (row != UINT32_MAX) {
                found(search, run->ordinal + (row - run->row));
            }
            *row_count -= to - from;
        } else {
            *row_count -= 1;
        }
        search->ordinal_end = run->ordinal + (from - run->row);
    }
}

/* The last segment that has rows below `row_end`. */
static const struct chek_segment *
segment_find(const struct chek_sign_search *search, const struct chek_store *store)
{
    uint32_t low = 0;
    uint32_t high = store->segment_count;
    while (low + 1 < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store->segments[middle]->first_row < search->row_end) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return store->segments[low];
}

/* A segment that was looked at may be merged with older ones, and is then looked at again; what it
 * has of the registration was seen, as `ordinal_end` says. */
static void
sealed_run(struct chek_sign_search *search, const struct chek_store *store, int64_t *row_count)
{
    while (search->row_end > 0 && *row_count > 0 && !search->found) {
        const struct chek_segment *segment = segment_find(search, store);
        uint32_t index = store__segment_run_find(segment, search->registration);
        struct store__run run = {0};
        if (index < segment->run_count) {
            run = store__segment_run(segment, index);
        }
        if (run.registration == search->registration && run.ordinal < search->ordinal_end) {
            run_run(search, store, segment, &run, row_count);
            if (search->ordinal_end > run.ordinal) {
                return; /* found, or the step is over */
            }
        }
        search->row_end = segment->first_row;
        *row_count -= CHEK_SIGN_SEARCH_SEGMENT_COST;
    }
}

bool
chek_sign_search_run(struct chek_sign_search *search, const struct chek_store *store,
                     uint32_t row_count)
{
    int64_t left = row_count;
    CHEK_ASSERT(row_count > 0);
    CHEK_ASSERT(search->registration != 0);
    search->error = CHEK_OK;
    if (!search->is_begun) {
        search->is_begun = true;
        search->ordinal_end = UINT64_C(1) << 32;
    }
    if (!search->is_sealed) {
        open_run(search, store, &left);
    }
    if (search->is_sealed) {
        CHEK_ASSERT(search->row_end <= store->sealed_row_count);
        sealed_run(search, store, &left);
    }
    return search->found || search->error != CHEK_OK || (search->is_sealed && search->row_end == 0);
}
