/* SPDX-License-Identifier: MIT */
/*
 * marking_search.c - marking codes are looked for in open rows and in the tables of segments.
 *
 * Rows of a set all came before those of the next one, and so it is with segments; inside of either
 * the newest are chosen. A hash may be that of another code: what would be chosen is read and
 * compared first.
 */
#include "engine/store/marking_search.h"

#include "engine/base/assertion.h"
#include "engine/store/marking_table.h"
#include "engine/store/place_list.h"
#include "engine/store/segment.h"
#include "engine/store/set.h"

struct searching {
    const struct chek_store *store;
    const struct chek_marking_search *search;
    struct chek_arena *arena;
    struct store__place_list places;
};

uint32_t
chek_marking_hash(struct chek_bytes_view code)
{
    return store__marking_hash(code);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static bool
has_code(const struct chek_marking_search *search, const struct chek_document *document)
{
    const struct chek_receipt *receipt = document->receipt;
    for (uint32_t i = 0; receipt != NULL && i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        for (uint32_t k = 0; k < line->markings_count; k++) {
            for (uint32_t code = 0; code < search->code_count; code++) {
                if (chek_bytes_view_equal(line->markings[k], search->codes[code])) {
                    return true;
                }
            }
        }
    }
    return false;
}

/* Read a row and take it, if it has the code. */
static int
compare_and_take(struct searching *to, const struct chek_row_place *place)
{
    struct chek_row row;
    struct chek_document document;
    size_t mark = chek_arena_mark(to->arena);
    int error =
        chek_store_read(to->store, place->registration, place->ordinal, to->arena, &row, &document);
    if (error == CHEK_OK && has_code(to->search, &document)) {
        store__place_take(&to->places, place);
    }
    chek_arena_rewind(to->arena, mark);
    return error;
}

/* ---- open rows -------------------------------------------------------------------------------- */

/* A document's bytes have its codes as they are. */
static bool
may_have_code(const struct chek_marking_search *search, const struct store__row *row)
{
    for (uint32_t i = 0; i < search->code_count; i++) {
        if (memmem(row->bytes, row->document_size, search->codes[i].bytes, search->codes[i].size) !=
            NULL) {
            return true;
        }
    }
    return false;
}

static int
set_run(struct searching *to, const struct store__set *set)
{
    int error = CHEK_OK;
    for (uint32_t i = 0; i < set->row_count && error == CHEK_OK; i++) {
        const struct store__row *row = store__set_row(set, i);
        if (row->marking_count == 0 || !may_have_code(to->search, row)) {
            continue;
        }
        struct chek_row_place place = {.received_us = row->received,
                                       .registration = row->registration,
                                       .ordinal = row->ordinal};
        if (store__place_is_wanted(&to->places, &place) &&
            !store__is_replaced(to->store, set->replaced, i)) {
            error = compare_and_take(to, &place);
        }
    }
    to->store->effort->rows += set->row_count;
    return error;
}

/* ---- sealed rows ------------------------------------------------------------------------------ */

/* A row of a segment that a table has under the hash that is looked for. */
static int
row_take(struct searching *to, const struct chek_segment *segment, uint32_t index)
{
    uint32_t group = index / segment->page_row_count;
    struct store__run run = store__segment_run(segment, store__segment_run_of(segment, index));
    struct chek_row_place place = {.registration = run.registration,
                                   .ordinal = run.ordinal + (index - run.row)};
    if ((to->search->registration != 0 && run.registration != to->search->registration) ||
        store__is_replaced(to->store, segment->replaced, index)) {
        return CHEK_OK;
    }
    const struct store__page *received =
        store__segment_page(segment, STORE__DOCUMENT_RECEIVED, group);
    int error = store__segment_use(segment, group, to->store->cold);
    if (error != CHEK_OK) {
        return error;
    }
    if (received != NULL) {
        place.received_us = (uint64_t)store__page_value(received, index % segment->page_row_count);
    }
    store__segment_done(segment, group, to->store->cold);
    return store__place_is_wanted(&to->places, &place) ? compare_and_take(to, &place) : CHEK_OK;
}

/* The first entry of a page whose hash is not less. */
static uint32_t
entry_find(const struct store__page *hashes, uint32_t hash)
{
    uint32_t low = 0;
    uint32_t high = hashes->value_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store__page_value(hashes, middle) < hash) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Take the rows of a page's entries of a hash, whose group is there. */
static int
page_run(struct searching *to, const struct chek_segment *segment, uint32_t page, uint32_t hash)
{
    const struct store__page *hashes =
        store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page);
    const struct store__page *rows =
        store__segment_marking_page(segment, STORE__MARKING_TABLE_ROW, page);
    uint32_t at = entry_find(hashes, hash);
    int error = CHEK_OK;
    while (error == CHEK_OK && at < hashes->value_count && store__page_value(hashes, at) == hash) {
        error = row_take(to, segment, (uint32_t)store__page_value(rows, at));
        to->store->effort->rows += 1;
        at += 1;
    }
    return error;
}

static int
hash_run(struct searching *to, const struct chek_segment *segment, uint32_t hash)
{
    int error = CHEK_OK;
    for (uint32_t page = 0; page < segment->marking_page_count && error == CHEK_OK; page++) {
        const struct store__page *zone =
            store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page);
        if (hash < zone->min || hash > zone->max) {
            continue;
        }
        uint32_t group = store__segment_marking_group(segment, page);
        error = store__segment_use(segment, group, to->store->cold);
        if (error == CHEK_OK) {
            error = page_run(to, segment, page, hash);
            store__segment_done(segment, group, to->store->cold);
        }
    }
    return error;
}

static int
segment_run(struct searching *to, const struct chek_segment *segment)
{
    int error = CHEK_OK;
    for (uint32_t i = 0; i < to->search->code_count && error == CHEK_OK; i++) {
        error = hash_run(to, segment, store__marking_hash(to->search->codes[i]));
    }
    return error;
}

/* ---- the whole -------------------------------------------------------------------------------- */

int
chek_marking_search(const struct chek_store *store, const struct chek_marking_search *search,
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
    while (set != NULL && to.places.count < count_max && error == CHEK_OK) {
        error = set_run(&to, set);
        set = store__set_before(store, set);
    }
    for (uint32_t i = store->segment_count;
         i > 0 && to.places.count < count_max && error == CHEK_OK; i--) {
        error = segment_run(&to, store->segments[i - 1]);
    }
    if (error == CHEK_OK) {
        *ret_count = to.places.count;
    }
    return error;
}

/* ---- checks ----------------------------------------------------------------------------------- */

static void
page_tell(const struct chek_segment *segment, uint32_t page, chek_marking_entry_fn on_entry,
          void *context)
{
    uint32_t count =
        store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page)->value_count;
    for (uint32_t from = 0; from < count; from += STORE__MARKING_BATCH_COUNT) {
        uint64_t entries[STORE__MARKING_BATCH_COUNT];
        uint32_t batch =
            count - from < STORE__MARKING_BATCH_COUNT ? count - from : STORE__MARKING_BATCH_COUNT;
        store__markings_read(segment, page, from, batch, entries);
        for (uint32_t i = 0; i < batch; i++) {
            uint32_t row = (uint32_t)entries[i];
            struct store__run run =
                store__segment_run(segment, store__segment_run_of(segment, row));
            struct chek_marking_entry entry = {.registration = run.registration,
                                               .ordinal = run.ordinal + (row - run.row),
                                               .hash = (uint32_t)(entries[i] >> 32)};
            on_entry(context, &entry);
        }
    }
}

/* The codes of an open row's document. */
static int
row_tell(const struct store__row *row, struct chek_arena *arena, chek_marking_entry_fn on_entry,
         void *context)
{
    struct chek_document document;
    size_t mark = chek_arena_mark(arena);
    int error = chek_document_decode_whole(row->bytes, row->document_size, arena, &document, NULL);
    for (uint32_t i = 0; error == CHEK_OK && i < document.receipt->lines_count; i++) {
        const struct chek_line *line = &document.receipt->lines[i];
        for (uint32_t k = 0; k < line->markings_count; k++) {
            struct chek_marking_entry entry = {.registration = row->registration,
                                               .ordinal = row->ordinal,
                                               .hash = store__marking_hash(line->markings[k])};
            on_entry(context, &entry);
        }
    }
    chek_arena_rewind(arena, mark);
    return error;
}

static int
open_tell(const struct chek_store *store, struct chek_arena *arena, chek_marking_entry_fn on_entry,
          void *context)
{
    int error = CHEK_OK;
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        for (uint32_t i = 0; i < set->row_count && error == CHEK_OK; i++) {
            const struct store__row *row = store__set_row(set, i);
            if (row->marking_count != 0) {
                error = row_tell(row, arena, on_entry, context);
            }
        }
    }
    return error;
}

int
chek_marking_entries(const struct chek_store *store, struct chek_arena *arena,
                     chek_marking_entry_fn on_entry, void *context)
{
    for (uint32_t i = 0; i < store->segment_count; i++) {
        const struct chek_segment *segment = store->segments[i];
        for (uint32_t page = 0; page < segment->marking_page_count; page++) {
            uint32_t group = store__segment_marking_group(segment, page);
            int error = store__segment_use(segment, group, store->cold);
            if (error != CHEK_OK) {
                return error;
            }
            page_tell(segment, page, on_entry, context);
            store__segment_done(segment, group, store->cold);
        }
    }
    return open_tell(store, arena, on_entry, context);
}
