/* SPDX-License-Identifier: MIT */
/* naive.c - totals by going through a list of documents. */
#include "tools/verify/naive/naive.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/verify/naive/naive_figures.h"

#define WARN(name) (UINT32_C(1) << CHEK_WARNING_##name)

/* ---- the list --------------------------------------------------------------------------------- */

static int64_t
time_of(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return document->receipt->time;
    }
    return document->movement != NULL ? document->movement->time : document->close->time;
}

static uint32_t
number_of(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return document->receipt->document;
    }
    return document->movement != NULL ? document->movement->document : document->close->document;
}

static uint32_t
stated_shift(const struct chek_document *document)
{
    if (document->receipt != NULL) {
        return document->receipt->shift;
    }
    return document->movement != NULL ? document->movement->shift : document->close->shift;
}

/* The drawer, and the non-nullable sum of an operation, after the first `count` entries. */
static int64_t
cash_after(const struct chek_naive *naive, uint32_t count)
{
    return count != 0 ? naive->entries[count - 1].cash : 0;
}

static chek_i128
sum_after(const struct chek_naive *naive, uint32_t count, uint8_t operation)
{
    return count != 0 ? naive->entries[count - 1].sums[operation] : 0;
}

int32_t
chek_naive_standing(const struct chek_naive *naive, int32_t entry)
{
    while (naive->entries[entry].copy >= 0) {
        entry = naive->entries[entry].copy;
    }
    return entry;
}

/* Where a shift is in the list of shifts, or would be. */
static uint32_t
shift_place(const struct chek_naive *naive, uint32_t number)
{
    uint32_t at = naive->shift_count;
    while (at > 0 && naive->shifts[at - 1].number >= number) {
        at -= 1;
    }
    return at;
}

static struct chek_naive_shift *
shift_find(const struct chek_naive *naive, uint32_t number)
{
    uint32_t at = shift_place(naive, number);
    bool found = at < naive->shift_count && naive->shifts[at].number == number;
    return found ? &naive->shifts[at] : NULL;
}

static int32_t
find_closing(const struct chek_naive *naive, uint32_t shift)
{
    const struct chek_naive_shift *found = shift_find(naive, shift);
    return found != NULL ? found->closing : -1;
}

int32_t
chek_naive_revision(const struct chek_naive *naive, uint32_t shift)
{
    const struct chek_naive_shift *found = shift_find(naive, shift);
    return found != NULL && found->closing >= 0 ? (int32_t)found->revision : -1;
}

/* ---- memory ----------------------------------------------------------------------------------- */

void
chek_naive_clear(struct chek_naive *naive)
{
    naive->count = 0;
    naive->shift_count = 0;
    naive->open = 0;
    naive->last = 0;
    naive->number_last = 0;
    naive->opened = 0;
    naive->time_last = 0;
    naive->binding = 0;
    naive->noted_count = 0;
}

void
chek_naive_finish(struct chek_naive *naive)
{
    chek_memory_free(naive->entries, naive->capacity * sizeof *naive->entries);
    chek_memory_free(naive->shifts, naive->shift_capacity * sizeof *naive->shifts);
    chek_memory_free(naive->noted, naive->noted_capacity * sizeof *naive->noted);
    *naive = (struct chek_naive){0};
}

int
chek_naive_note(struct chek_naive *naive, uint32_t number)
{
    if (naive->noted_count == naive->noted_capacity) {
        uint32_t capacity = 2 * naive->noted_capacity + 16;
        uint32_t *grown = chek_memory_grow(naive->noted, naive->noted_capacity * sizeof *grown,
                                           capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        naive->noted = grown;
        naive->noted_capacity = capacity;
    }
    naive->noted[naive->noted_count++] = number;
    return CHEK_OK;
}

/* Room for what one document may add: three entries and a shift. */
static int
ensure(struct chek_naive *naive)
{
    if (naive->capacity - naive->count < 3) {
        uint32_t capacity = 2 * naive->capacity + 256;
        void *grown = chek_memory_grow(naive->entries, naive->capacity * sizeof *naive->entries,
                                       capacity * sizeof *naive->entries);
        if (grown == NULL) {
            return -ENOMEM;
        }
        naive->entries = grown;
        naive->capacity = capacity;
    }
    if (naive->shift_count == naive->shift_capacity) {
        uint32_t capacity = 2 * naive->shift_capacity + 64;
        void *grown = chek_memory_grow(naive->shifts, naive->shift_capacity * sizeof *naive->shifts,
                                       capacity * sizeof *naive->shifts);
        if (grown == NULL) {
            return -ENOMEM;
        }
        naive->shifts = grown;
        naive->shift_capacity = capacity;
    }
    return CHEK_OK;
}

/* ---- a new entry ------------------------------------------------------------------------------ */

/* Put the last entry at the end of its shift. */
static void
shift_add(struct chek_naive *naive, struct chek_naive_entry *entry)
{
    int32_t index = (int32_t)entry->ordinal;
    struct chek_naive_shift *shift = shift_find(naive, entry->shift);
    if (shift == NULL) {
        uint32_t at = shift_place(naive, entry->shift);
        memmove(&naive->shifts[at + 1], &naive->shifts[at],
                (naive->shift_count - at) * sizeof *naive->shifts);
        naive->shift_count += 1;
        shift = &naive->shifts[at];
        *shift = (struct chek_naive_shift){
            .number = entry->shift, .first = index, .last = index, .closing = -1};
    } else {
        naive->entries[shift->last].next = index;
        shift->last = index;
    }
    if (entry->closes && shift->closing < 0) {
        shift->closing = index;
    }
    shift->revision += entry->late && !entry->closes;
}

static struct chek_naive_entry *
append(struct chek_naive *naive, struct chek_naive_entry entry)
{
    CHEK_ASSERT(naive->count < naive->capacity && naive->shift_count < naive->shift_capacity);
    entry.ordinal = naive->count;
    entry.copy = -1;
    entry.next = -1;
    entry.cash = cash_after(naive, naive->count) - entry.withdrawal;
    for (uint8_t op = 0; op < CHEK_OPERATION_COUNT; op++) {
        entry.sums[op] = sum_after(naive, naive->count, op);
    }
    if (entry.document != NULL) {
        entry.cash += naive__drawer(entry.document);
    }
    if (entry.completes >= 0) {
        entry.cash -= naive__drawer(naive->entries[entry.completes].document);
    } else if (entry.document != NULL && entry.document->receipt != NULL) {
        entry.sums[entry.document->receipt->operation] += entry.document->receipt->total;
    }
    struct chek_naive_entry *added = &naive->entries[naive->count++];
    *added = entry;
    shift_add(naive, added);
    return added;
}

static struct chek_naive_expected
complete(struct chek_naive *naive, const struct chek_document *document, int32_t completes)
{
    struct chek_naive_entry *old = &naive->entries[completes];
    CHEK_ASSERT(old->copy < 0);
    struct chek_naive_entry *added =
        append(naive, (struct chek_naive_entry){.document = document,
                                                .shift = old->shift,
                                                .binding = old->binding,
                                                .late = old->shift != naive->open,
                                                .completes = completes});
    old->copy = (int32_t)naive->count - 1;
    return (struct chek_naive_expected){
        .ordinal = added->ordinal, .shift = added->shift, .warnings = added->late ? WARN(LATE) : 0};
}

/* Which shift, and what has to be closed and opened for it. */
static struct chek_naive_entry
place(struct chek_naive *naive, const struct chek_document *document, uint32_t *warnings)
{
    uint32_t stated = stated_shift(document);
    struct chek_naive_entry entry = {
        .document = document, .binding = naive->binding, .completes = -1};
    entry.shift = stated;
    if (stated == 0) {
        entry.shift = naive->open != 0 ? naive->open : naive->last + 1;
    }
    if (entry.shift == naive->open) {
        *warnings |= time_of(document) > naive->opened + 86400 ? WARN(SHIFT_LONG) : 0;
        return entry;
    }
    if (entry.shift > naive->last) {
        if (naive->open != 0 || (naive->last != 0 && entry.shift != naive->last + 1)) {
            *warnings |= WARN(SHIFT_DIFFERS);
        }
        naive->opened = time_of(document);
        if (naive->open != 0) {
            append(naive, (struct chek_naive_entry){
                              .shift = naive->open, .closes = true, .completes = -1});
        }
        naive->open = entry.shift;
        naive->last = entry.shift;
        entry.opens = true;
        return entry;
    }
    entry.late = true;
    *warnings |= WARN(LATE);
    if (find_closing(naive, entry.shift) < 0) {
        *warnings |= WARN(SHIFT_UNKNOWN);
        if (document->close == NULL) {
            append(naive, (struct chek_naive_entry){.shift = entry.shift,
                                                    .warnings = WARN(LATE) | WARN(SHIFT_UNKNOWN),
                                                    .late = true,
                                                    .closes = true,
                                                    .completes = -1});
        } else {
            entry.closes = true;
        }
    }
    return entry;
}

static struct chek_naive_expected
apply_fresh(struct chek_naive *naive, const struct chek_document *document)
{
    uint32_t warnings = 0;
    struct chek_naive_entry entry = place(naive, document, &warnings);
    if (document->close != NULL && !entry.late) {
        int64_t cash = cash_after(naive, naive->count);
        entry.withdrawal = document->close->withdraw && cash > 0 ? cash : 0;
        entry.closes = true;
        naive->open = 0;
    }
    const struct chek_naive_entry *added = append(naive, entry);
    return (struct chek_naive_expected){added->ordinal, added->shift, warnings, false};
}

/* How many reports have a number above `low` and below `high`. */
static uint32_t
noted_between(const struct chek_naive *naive, uint32_t low, uint32_t high)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < naive->noted_count; i++) {
        count += naive->noted[i] > low && naive->noted[i] < high;
    }
    return count;
}

int
chek_naive_apply(struct chek_naive *naive, const struct chek_document *document, int32_t completes,
                 struct chek_naive_expected *ret)
{
    int error = ensure(naive);
    if (error != CHEK_OK) {
        return error;
    }
    uint32_t number = number_of(document);
    struct chek_naive_expected expected =
        completes >= 0 ? complete(naive, document, completes) : apply_fresh(naive, document);
    if (naive->number_last != 0 && number > naive->number_last && number - naive->number_last > 1) {
        bool all_noted =
            noted_between(naive, naive->number_last, number) == number - naive->number_last - 1;
        expected.warnings |= all_noted ? 0 : WARN(DOCUMENT_GAP);
        expected.may_gap = all_noted;
    }
    if (completes < 0 && naive->number_last != 0 && number > naive->number_last &&
        time_of(document) < naive->time_last) {
        expected.warnings |= WARN(TIME_BACK);
    }
    if (number > naive->number_last) {
        naive->number_last = number;
    }
    if (time_of(document) > naive->time_last) {
        naive->time_last = time_of(document);
    }
    if (document->close == NULL && cash_after(naive, naive->count) < 0) {
        expected.warnings |= WARN(CASH_NEGATIVE);
    }
    const struct chek_receipt *receipt = document->receipt;
    if (receipt != NULL && receipt->payments_count == 0 && receipt->total != 0) {
        expected.warnings |= WARN(PAYMENTS_ABSENT);
    }
    expected.warnings |= receipt != NULL ? chek_naive_doubts(receipt) : 0;
    if (document->close == NULL) {
        expected.warnings |= chek_naive_register_doubts(document->profile);
    }
    naive->entries[expected.ordinal].warnings = expected.warnings;
    *ret = expected;
    return CHEK_OK;
}

/* ---- reports ---------------------------------------------------------------------------------- */

/* The entries of a shift, one after another; -1 = no more. */
static int32_t
first_of(const struct chek_naive *naive, uint32_t shift)
{
    const struct chek_naive_shift *found = shift_find(naive, shift);
    return found != NULL ? found->first : -1;
}

static void
entry_add(const struct chek_naive *naive, struct naive_cells *cells,
          const struct chek_naive_entry *entry)
{
    if (entry->document == NULL) {
        return;
    }
    if (entry->document->close == NULL) {
        struct naive_cell *cell = naive__cell_of(cells, entry->binding);
        if (cell == NULL) {
            return;
        }
        if (entry->completes >= 0) {
            naive__document_add(cell, naive->entries[entry->completes].document, -1);
        }
        naive__document_add(cell, entry->document, 1);
    }
    if (entry->withdrawal != 0) {
        naive__add(cells->figures, 1, "movement.count/%u", CHEK_DIRECTION_WITHDRAWAL);
        naive__add(cells->figures, entry->withdrawal, "movement.sum/%u", CHEK_DIRECTION_WITHDRAWAL);
    }
}

/* What the opening of a shift carries over. */
static void
opening(const struct chek_naive *naive, uint32_t index, struct chek_naive_figures *ret)
{
    naive__add(ret, time_of(naive->entries[index].document), "opened");
    naive__add(ret, cash_after(naive, index), "cash_start");
    for (uint8_t op = 0; op < CHEK_OPERATION_COUNT; op++) {
        naive__add(ret, sum_after(naive, index, op), "start/%u", op);
    }
}

/* The part of shift `shift` that lies in the first `count` entries, which is not late. */
static int
body(const struct chek_naive *naive, uint32_t shift, uint32_t count, struct chek_naive_figures *ret)
{
    struct naive_cells cells = {.figures = ret};
    int64_t last = 0;
    naive__figures_clear(ret);
    for (int32_t i = first_of(naive, shift); i >= 0 && (uint32_t)i < count;
         i = naive->entries[i].next) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        if (entry->late) {
            continue;
        }
        entry_add(naive, &cells, entry);
        if (entry->document == NULL) {
            continue;
        }
        int64_t time = time_of(entry->document);
        last = time > last ? time : last;
        naive__add(ret, entry->completes < 0 ? 1 : 0, "documents");
        if (entry->opens) {
            opening(naive, (uint32_t)i, ret);
        }
    }
    naive__add(ret, last, "last");
    naive__add(ret, shift, "shift");
    naive__add(ret, cash_after(naive, count), "cash");
    for (uint8_t op = 0; op < CHEK_OPERATION_COUNT; op++) {
        naive__add(ret, sum_after(naive, count, op), "now/%u", op);
    }
    return naive__cells_finish(&cells);
}

int
chek_naive_open(const struct chek_naive *naive, struct chek_naive_figures *ret)
{
    return body(naive, naive->open, naive->count, ret);
}

int
chek_naive_frozen(const struct chek_naive *naive, uint32_t shift, struct chek_naive_figures *ret)
{
    int32_t closing = find_closing(naive, shift);
    CHEK_ASSERT(closing >= 0);
    const struct chek_naive_entry *entry = &naive->entries[closing];
    if (entry->late) { /* nobody knows what was before */
        naive__figures_clear(ret);
        const struct chek_document *first =
            entry->document != NULL ? entry->document : naive->entries[closing + 1].document;
        naive__add(ret, time_of(first), "closed");
        naive__add(ret, shift, "shift");
        return CHEK_OK;
    }
    int error = body(naive, shift, (uint32_t)closing + 1, ret);
    naive__add(ret, entry->document != NULL ? time_of(entry->document) : naive__value(ret, "last"),
               "closed");
    return error;
}

int
chek_naive_late(const struct chek_naive *naive, uint32_t shift, uint32_t revision,
                struct chek_naive_figures *ret)
{
    struct naive_cells cells = {.figures = ret};
    uint32_t count = 0;
    int64_t last = 0;
    naive__figures_clear(ret);
    for (int32_t i = first_of(naive, shift); i >= 0 && count < revision;
         i = naive->entries[i].next) {
        const struct chek_naive_entry *entry = &naive->entries[i];
        if (!entry->late || entry->closes) {
            continue;
        }
        count += 1;
        entry_add(naive, &cells, entry);
        last = time_of(entry->document) > last ? time_of(entry->document) : last;
        naive__add(ret, naive__drawer(entry->document), "cash");
        if (entry->completes >= 0) {
            naive__add(ret, -naive__drawer(naive->entries[entry->completes].document), "cash");
        } else if (entry->document->receipt != NULL) {
            naive__add(ret, entry->document->receipt->total, "now/%u",
                       entry->document->receipt->operation);
        }
    }
    naive__add(ret, last, "last");
    naive__add(ret, shift, "shift");
    naive__add(ret, revision, "revision");
    naive__add(ret, revision, "documents");
    return naive__cells_finish(&cells);
}
