/* SPDX-License-Identifier: MIT */
/*
 * marking_again.c - ranges of hashes are gathered, sorted, and judged hash by hash.
 *
 * Hashes are spread evenly, so a range of the right width has about as many entries as fit; where it
 * has more after all, it is halved.
 */
#include "engine/store/marking_again.h"

#include "engine/base/assertion.h"
#include "engine/store/marking_table.h"
#include "engine/store/segment.h"
#include "engine/store/set.h"

/* Whose an entry is. */
struct owner {
    uint32_t registration, ordinal;
};

struct gathering {
    const struct chek_store *store;
    struct chek_arena *arena;
    uint64_t from, to;               /* hashes */
    struct store__markings markings; /* hash << 32 | number of the owner */
    struct owner *owners;
    uint32_t entry_count_max;
    bool is_full; /* there are more */
};

/* ---- gathering -------------------------------------------------------------------------------- */

static void
entry_add(struct gathering *to, uint32_t hash, struct owner owner)
{
    if (hash < to->from || hash >= to->to) {
        return;
    }
    if (to->markings.count == to->entry_count_max) {
        to->is_full = true;
        return;
    }
    to->owners[to->markings.count] = owner;
    to->markings.entries[to->markings.count] = (uint64_t)hash << 32 | to->markings.count;
    to->markings.count += 1;
}

static void
page_gather(struct gathering *to, const struct chek_segment *segment, uint32_t page)
{
    uint32_t count =
        store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page)->value_count;
    for (uint32_t from = 0; from < count && !to->is_full; from += STORE__MARKING_BATCH_COUNT) {
        uint64_t entries[STORE__MARKING_BATCH_COUNT];
        uint32_t batch =
            count - from < STORE__MARKING_BATCH_COUNT ? count - from : STORE__MARKING_BATCH_COUNT;
        store__markings_read(segment, page, from, batch, entries);
        for (uint32_t i = 0; i < batch; i++) {
            uint32_t row = (uint32_t)entries[i];
            struct store__run run =
                store__segment_run(segment, store__segment_run_of(segment, row));
            entry_add(to, (uint32_t)(entries[i] >> 32),
                      (struct owner){run.registration, run.ordinal + (row - run.row)});
        }
    }
    to->store->effort->rows += count;
}

static int
segment_gather(struct gathering *to, const struct chek_segment *segment)
{
    for (uint32_t page = 0; page < segment->marking_page_count && !to->is_full; page++) {
        const struct store__page *zone =
            store__segment_marking_page(segment, STORE__MARKING_TABLE_HASH, page);
        if ((uint64_t)zone->max < to->from || (uint64_t)zone->min >= to->to) {
            continue;
        }
        uint32_t group = store__segment_marking_group(segment, page);
        int error = store__segment_use(segment, group, to->store->cold);
        if (error != CHEK_OK) {
            return error;
        }
        page_gather(to, segment, page);
        store__segment_done(segment, group, to->store->cold);
    }
    return CHEK_OK;
}

static int
row_gather(struct gathering *to, const struct store__row *row)
{
    struct chek_document document;
    size_t mark = chek_arena_mark(to->arena);
    int error =
        chek_document_decode_whole(row->bytes, row->document_size, to->arena, &document, NULL);
    for (uint32_t i = 0; error == CHEK_OK && i < document.receipt->lines_count; i++) {
        const struct chek_line *line = &document.receipt->lines[i];
        for (uint32_t k = 0; k < line->markings_count; k++) {
            entry_add(to, store__marking_hash(line->markings[k]),
                      (struct owner){row->registration, row->ordinal});
        }
    }
    chek_arena_rewind(to->arena, mark);
    return error;
}

static int
range_gather(struct gathering *to)
{
    const struct chek_store *store = to->store;
    int error = CHEK_OK;
    to->markings.count = 0;
    to->is_full = false;
    for (uint32_t i = 0; i < store->segment_count && error == CHEK_OK && !to->is_full; i++) {
        error = segment_gather(to, store->segments[i]);
    }
    for (const struct store__set *set = store->oldest; set != NULL && !to->is_full;
         set = set->next) {
        for (uint32_t i = 0; i < set->row_count && error == CHEK_OK; i++) {
            const struct store__row *row = store__set_row(set, i);
            error = row->marking_count != 0 ? row_gather(to, row) : CHEK_OK;
        }
    }
    return error;
}

/* The width of a range that has about half of what fits. */
static uint64_t
width_find(const struct chek_store *store, uint32_t entry_count_max)
{
    uint64_t count = 0;
    for (uint32_t i = 0; i < store->segment_count; i++) {
        count += store->segments[i]->marking_count;
    }
    for (const struct store__set *set = store->oldest; set != NULL; set = set->next) {
        for (uint32_t i = 0; i < set->row_count; i++) {
            count += store__set_row(set, i)->marking_count;
        }
    }
    return CHEK_MARKING_HASH_END / (count / (entry_count_max / 2) + 1);
}

/* ---- judging ---------------------------------------------------------------------------------- */

/* A receipt with a code. */
struct dealing {
    struct chek_bytes_view code;
    struct chek_row_place place;
    uint8_t operation;
};

static bool
comes_before(const struct dealing *a, const struct dealing *b)
{
    int order = a->code.size != b->code.size ? (a->code.size < b->code.size ? -1 : 1)
                                             : memcmp(a->code.bytes, b->code.bytes, a->code.size);
    if (order != 0) {
        return order < 0;
    }
    return a->place.received_us != b->place.received_us
               ? a->place.received_us < b->place.received_us
           : a->place.registration != b->place.registration
               ? a->place.registration < b->place.registration
               : a->place.ordinal < b->place.ordinal;
}

/* Put a dealing in its place among those of its hash, once. */
static void
dealing_add(struct dealing *list, uint32_t *count, const struct dealing *what)
{
    uint32_t at = *count;
    while (at > 0 && comes_before(what, &list[at - 1])) {
        at -= 1;
    }
    if (at > 0 && !comes_before(&list[at - 1], what)) {
        return; /* a receipt that has the code twice */
    }
    memmove(&list[at + 1], &list[at], (*count - at) * sizeof *list);
    list[at] = *what;
    *count += 1;
}

/* Whether a line of the same receipt takes a code back. */
static bool
is_taken_back(const struct chek_receipt *receipt, struct chek_bytes_view code)
{
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        for (uint32_t k = 0; line->storno && k < line->markings_count; k++) {
            if (chek_bytes_view_equal(line->markings[k], code)) {
                return true;
            }
        }
    }
    return false;
}

/* Dealings of one hash, in order. */
struct dealings {
    struct dealing list[CHEK_MARKING_SALE_COUNT_MAX];
    uint32_t count, count_max; /* as many as there are entries */
    uint8_t *copies;           /* of codes: CHEK_MARKING_SIZE_MAX each */
};

/* Add what a document has of a hash: as many dealings as it has entries, unless the table is not that
 * of the documents. */
static void
document_add(uint32_t hash, const struct chek_row *row, const struct chek_receipt *receipt,
             struct dealings *to)
{
    for (uint32_t i = 0; receipt != NULL && i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        for (uint32_t k = 0; k < line->markings_count && to->count < to->count_max; k++) {
            struct chek_bytes_view code = line->markings[k];
            if (store__marking_hash(code) != hash || code.size > CHEK_MARKING_SIZE_MAX ||
                is_taken_back(receipt, code)) {
                continue;
            }
            uint8_t *copy = to->copies + to->count * (size_t)CHEK_MARKING_SIZE_MAX;
            if (code.size != 0) {
                memcpy(copy, code.bytes, code.size);
            }
            struct dealing what = {.code = chek_bytes_view_of(copy, code.size),
                                   .place = {row->received_us, row->registration, row->ordinal},
                                   .operation = receipt->operation};
            dealing_add(to->list, &to->count, &what);
        }
    }
}

/* Sales of goods that were sold, in a list in order. */
static void
dealings_judge(const struct dealing *list, uint32_t count, struct chek_marking_again *ret,
               uint32_t *ret_count)
{
    const struct dealing *sold = NULL;
    for (uint32_t i = 0; i < count; i++) {
        const struct dealing *at = &list[i];
        if (sold != NULL && !chek_bytes_view_equal(sold->code, at->code)) {
            sold = NULL;
        }
        if (at->operation == CHEK_OPERATION_SELL_RETURN) {
            sold = NULL;
        } else if (at->operation == CHEK_OPERATION_SELL) {
            if (sold != NULL) {
                ret[(*ret_count)++] = (struct chek_marking_again){at->code, at->place, sold->place};
            }
            sold = at;
        }
    }
}

static bool
is_same(const struct owner *a, const struct owner *b)
{
    return a->registration == b->registration && a->ordinal == b->ordinal;
}

/* Judge the entries of one hash, which are several. Those of a row stand together: they were gathered
 * one behind the other. */
static int
hash_judge(struct gathering *from, const uint64_t *entries, uint32_t entry_count,
           struct chek_marking_again *ret, uint32_t *ret_count)
{
    struct dealings dealings = {.count_max = entry_count};
    if (entry_count > CHEK_MARKING_SALE_COUNT_MAX) {
        return CHEK_OK;
    }
    dealings.copies = chek_arena_take(from->arena, entry_count * (size_t)CHEK_MARKING_SIZE_MAX);
    if (dealings.copies == NULL) {
        return CHEK_E_LIMIT;
    }
    for (uint32_t i = 0; i < entry_count; i++) {
        const struct owner *owner = &from->owners[(uint32_t)entries[i]];
        struct chek_row row;
        struct chek_document document;
        if (i > 0 && is_same(owner, &from->owners[(uint32_t)entries[i - 1]])) {
            continue; /* it has two codes of this hash, or one twice */
        }
        size_t mark = chek_arena_mark(from->arena);
        int error = chek_store_read(from->store, owner->registration, owner->ordinal, from->arena,
                                    &row, &document);
        if (error == CHEK_OK && !row.replaced) {
            document_add((uint32_t)(entries[i] >> 32), &row, document.receipt, &dealings);
        }
        chek_arena_rewind(from->arena, mark);
        if (error != CHEK_OK) {
            return error;
        }
    }
    dealings_judge(dealings.list, dealings.count, ret, ret_count);
    return CHEK_OK;
}

/* Judge what was gathered until the answer may have no room for the next one; *hash_next is then the
 * hash to go on with. */
static int
range_judge(struct gathering *from, struct chek_marking_again *ret, uint32_t *ret_count,
            uint64_t *hash_next)
{
    const uint64_t *entries = from->markings.entries;
    for (uint32_t at = 0; at < from->markings.count;) {
        uint32_t count = 1;
        while (at + count < from->markings.count &&
               entries[at + count] >> 32 == entries[at] >> 32) {
            count += 1;
        }
        if (*ret_count + CHEK_MARKING_SALE_COUNT_MAX > CHEK_MARKING_AGAIN_COUNT_MAX) {
            *hash_next = entries[at] >> 32;
            return CHEK_OK;
        }
        int error = count > 1 ? hash_judge(from, &entries[at], count, ret, ret_count) : CHEK_OK;
        if (error == CHEK_E_LIMIT && *ret_count != 0) {
            *hash_next = entries[at] >> 32; /* documents are of any size */
            return CHEK_OK;
        }
        if (error != CHEK_OK) {
            return error;
        }
        at += count;
    }
    *hash_next = from->to;
    return CHEK_OK;
}

int
chek_marking_again(const struct chek_store *store, uint64_t *hash_next, uint32_t entry_count_max,
                   struct chek_arena *arena,
                   struct chek_marking_again ret[CHEK_MARKING_AGAIN_COUNT_MAX], uint32_t *ret_count)
{
    size_t size = entry_count_max * sizeof(uint64_t);
    struct gathering from = {.store = store,
                             .arena = arena,
                             .from = *hash_next,
                             .entry_count_max = entry_count_max,
                             .markings = {.entries = chek_arena_take(arena, size),
                                          .sorting = chek_arena_take(arena, size)},
                             .owners =
                                 chek_arena_take(arena, entry_count_max * sizeof(struct owner))};
    uint64_t width = width_find(store, entry_count_max);
    uint32_t count = 0;
    uint64_t next = *hash_next;
    if (from.markings.entries == NULL || from.markings.sorting == NULL || from.owners == NULL) {
        return CHEK_E_LIMIT;
    }
    CHEK_ASSERT(*hash_next < CHEK_MARKING_HASH_END);
    CHEK_ASSERT(entry_count_max > CHEK_MARKING_SALE_COUNT_MAX);
    for (;;) {
        uint64_t left = CHEK_MARKING_HASH_END - from.from;
        from.to = from.from + (width < left ? width : left);
        int error = range_gather(&from);
        if (error != CHEK_OK) {
            return error;
        }
        if (!from.is_full || from.to - from.from == 1) {
            break;
        }
        width = (from.to - from.from) / 2;
    }
    if (from.is_full) { /* a hash of so many receipts is passed over */
        *hash_next = from.to;
        *ret_count = 0;
        return CHEK_OK;
    }
    store__markings_sort(&from.markings);
    int error = range_judge(&from, ret, &count, &next);
    if (error == CHEK_OK) {
        *hash_next = next;
        *ret_count = count;
    }
    return error;
}
