/* SPDX-License-Identifier: MIT */
/*
 * shift_report.c - X, Z, their revisions, and the list of shifts.
 *
 * The newest revision is the frozen report and the sums of the late cells. An older one folds the
 * late documents that had come by then, read back from the store, in the way of the cells: by
 * binding, with the same caps.
 */
#include "engine/fiscal/shift_report.h"

#include "engine/fiscal/identity.h"
#include "engine/fiscal/registration.h"
#include "engine/fiscal/shift.h"
#include "engine/fiscal/shift_fold.h"
#include "engine/fiscal/tally.h"

/* ---- the open shift --------------------------------------------------------------------------- */

/* Non-nullable sums as a list; sums of nothing are left out. */
static const struct chek_report_counter *
counters_report(const chek_i128 sums[CHEK_OPERATION_COUNT], struct chek_arena *arena,
                uint32_t *count)
{
    struct chek_report_counter *list = chek_arena_take(arena, CHEK_OPERATION_COUNT * sizeof *list);
    for (uint8_t i = 0; i < CHEK_OPERATION_COUNT && list != NULL; i++) {
        if (sums[i] != 0) {
            list[(*count)++] = (struct chek_report_counter){.operation = i, .sum = sums[i]};
        }
    }
    return list;
}

int
fiscal__open_report(const struct chek_fiscal *fiscal,
                    const struct fiscal__registration *registration, struct chek_arena *arena,
                    struct chek_report *ret)
{
    const struct fiscal__shift *shift = fiscal__shift_open_read(fiscal->heap, registration);
    CHEK_ASSERT(shift != NULL);
    struct fiscal__tally *tally;
    int error = fiscal__tally_cells(fiscal->heap, shift->cells, arena, &tally);
    if (error != CHEK_OK) {
        return error;
    }
    uint16_t binding = shift->cells != 0 ? tally->binding : fiscal__binding_now(registration);
    struct chek_report report = {
        .registration = registration->id,
        .shift = shift->number,
        .currency = registration->currency,
        .opened = shift->opened,
        .last = shift->last,
        .documents = shift->documents,
        .cash = registration->cash,
        .cash_start = shift->cash_start,
        .point = fiscal__binding_point(fiscal->heap, registration, binding),
    };
    report.start = counters_report(shift->start, arena, &report.start_count);
    report.now = counters_report(registration->sums, arena, &report.now_count);
    if (report.start == NULL || report.now == NULL) {
        return CHEK_E_LIMIT;
    }
    error = fiscal__tally_report(tally, arena, &report);
    if (error == CHEK_OK) {
        *ret = report;
    }
    return error;
}

/* ---- late documents --------------------------------------------------------------------------- */

/* Sum up the late documents before revision `revision`. */
static int
late_fold(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
          const struct fiscal__late *late, uint32_t revision, struct chek_arena *arena,
          struct fiscal__fold *ret)
{
    uint32_t *ordinals = chek_arena_take(arena, revision * sizeof *ordinals);
    if (ordinals == NULL) {
        return CHEK_E_LIMIT;
    }
    struct fiscal__fold fold = {.store = fiscal->store, .registration = registration->id};
    fiscal__late_ordinals(fiscal->heap, late, revision, ordinals);
    for (uint32_t i = 0; i < revision; i++) {
        int error = fiscal__fold_add(&fold, ordinals[i], arena);
        if (error != CHEK_OK) {
            return error;
        }
    }
    int error = fiscal__fold_end(&fold, arena);
    if (error == CHEK_OK) {
        *ret = fold;
    }
    return error;
}

static int
late_sums(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
          const struct fiscal__late *late, uint32_t revision, struct chek_arena *arena,
          struct fiscal__fold *ret)
{
    if (revision < late->revision) {
        return late_fold(fiscal, registration, late, revision, arena, ret);
    }
    *ret = (struct fiscal__fold){.cash = late->cash, .last = late->last};
    return fiscal__tally_cells(fiscal->heap, late->cells, arena, &ret->newest);
}

/* The part of a Z that came after the close: everything in it is a difference. */
static int
late_report(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
            uint32_t shift, uint32_t revision, struct chek_arena *arena, struct chek_report *ret)
{
    const struct fiscal__late *late = fiscal__late_read(fiscal->heap, registration, shift);
    struct fiscal__fold fold;
    int error = late_sums(fiscal, registration, late, revision, arena, &fold);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_report report = {
        .registration = registration->id,
        .shift = shift,
        .currency = registration->currency,
        .revision = revision,
        .documents = revision,
        .cash = fold.cash,
        .last = fold.last,
        .point = fiscal__binding_point(fiscal->heap, registration, fold.newest->binding),
    };
    chek_i128 sums[CHEK_OPERATION_COUNT];
    for (unsigned i = 0; i < CHEK_OPERATION_COUNT; i++) {
        sums[i] = fold.newest->operations[i].net;
    }
    report.now = counters_report(sums, arena, &report.now_count);
    if (report.now == NULL) {
        return CHEK_E_LIMIT;
    }
    error = fiscal__tally_report(fold.newest, arena, &report);
    if (error == CHEK_OK) {
        *ret = report;
    }
    return error;
}

/* ---- a closed shift --------------------------------------------------------------------------- */

/* The frozen report of a closed shift, as its close row carries it. */
static int
frozen_read(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t ordinal,
            struct chek_arena *arena, struct chek_report *ret)
{
    struct chek_row row;
    struct chek_document document;
    int error = chek_store_read(fiscal->store, registration, ordinal, arena, &row, &document);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_fault fault;
    error = chek_report_decode_whole(row.cell.bytes, row.cell.size, arena, ret, &fault);
    return error == CHEK_OK || error == CHEK_E_LIMIT ? error : CHEK_E_CORRUPT;
}

static int
closed_report(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
              const struct fiscal__entry *entry, uint32_t revision, struct chek_arena *arena,
              struct chek_answer_report *ret)
{
    const struct fiscal__late *late = fiscal__late_read(fiscal->heap, registration, entry->key);
    uint32_t newest = late != NULL ? late->revision : 0;
    revision = revision == UINT32_MAX ? newest : revision;
    if (revision > newest) {
        return CHEK_E_NOT_FOUND;
    }
    struct chek_report *reports = chek_arena_take(arena, 2 * sizeof *reports);
    if (reports == NULL) {
        return CHEK_E_LIMIT;
    }
    int error = frozen_read(fiscal, registration->id, entry->a, arena, &reports[0]);
    if (error == CHEK_OK && revision != 0) {
        error = late_report(fiscal, registration, entry->key, revision, arena, &reports[1]);
    }
    if (error != CHEK_OK) {
        return error;
    }
    reports[0].revision = revision;
    *ret = (struct chek_answer_report){
        .report = &reports[0],
        .late = revision != 0 ? &reports[1] : NULL,
    };
    return CHEK_OK;
}

static int
current_report(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
               struct chek_arena *arena, struct chek_answer_report *ret)
{
    struct chek_report *report = chek_arena_take(arena, sizeof *report);
    if (report == NULL) {
        return CHEK_E_LIMIT;
    }
    int error = fiscal__open_report(fiscal, registration, arena, report);
    if (error == CHEK_OK) {
        *ret = (struct chek_answer_report){.report = report};
    }
    return error;
}

int
chek_fiscal_report(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t shift,
                   uint32_t revision, bool closed_wanted, struct chek_arena *arena,
                   struct chek_answer_report *ret)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    const struct fiscal__shift *open = fiscal__shift_open_read(fiscal->heap, record);
    if (open != NULL && (shift == 0 || shift == open->number)) {
        if (closed_wanted) {
            return CHEK_E_SHIFT_OPEN;
        }
        return revision == 0 || revision == UINT32_MAX ? current_report(fiscal, record, arena, ret)
                                                       : CHEK_E_NOT_FOUND;
    }
    if (shift == 0 && closed_wanted) {
        shift = record->shift_last;
    }
    const struct fiscal__entry *entry = fiscal__index_find(fiscal->heap, &record->shifts, shift);
    return entry != NULL ? closed_report(fiscal, record, entry, revision, arena, ret)
                         : CHEK_E_NOT_FOUND;
}

int
chek_fiscal_close_find(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t shift,
                       uint32_t *ret_ordinal)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    const struct fiscal__entry *entry = fiscal__index_find(fiscal->heap, &record->shifts, shift);
    if (entry == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    *ret_ordinal = entry->a;
    return CHEK_OK;
}

/* ---- the list of shifts ----------------------------------------------------------------------- */

static uint64_t
report_tickets(const struct chek_report *report)
{
    uint64_t tickets = 0;
    for (uint32_t i = 0; i < report->operations_count; i++) {
        tickets += report->operations[i].tickets;
    }
    return tickets;
}

/* What a list shows of a shift: the frozen part and what came late together. */
static struct chek_shift
shift_of(const struct chek_answer_report *answer)
{
    const struct chek_report *report = answer->report;
    struct chek_shift shift = {
        .registration = report->registration,
        .shift = report->shift,
        .opened = report->opened,
        .closed = report->closed,
        .revision = report->revision,
        .tickets = report_tickets(report),
        .revenue = report->revenue,
        .point = report->point,
        .last = report->last,
    };
    if (answer->late != NULL) {
        shift.tickets += report_tickets(answer->late);
        shift.revenue += answer->late->revenue;
        shift.last = answer->late->last > shift.last ? answer->late->last : shift.last;
    }
    return shift;
}

/* Show one shift; *more turns false when the caller has enough. */
static int
shift_show(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t number,
           struct chek_arena *arena, chek_shift_fn on_shift, void *context, bool *more)
{
    size_t mark = chek_arena_mark(arena);
    struct chek_answer_report answer;
    int error = chek_fiscal_report(fiscal, registration, number, UINT32_MAX, false, arena, &answer);
    if (error == CHEK_OK) {
        struct chek_shift shift = shift_of(&answer);
        *more = on_shift(context, &shift);
    }
    chek_arena_rewind(arena, mark);
    return error;
}

int
chek_fiscal_shifts(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t first,
                   uint32_t last, struct chek_arena *arena, chek_shift_fn on_shift, void *context)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    last = last != 0 ? last : UINT32_MAX;
    bool more = true;
    int error = CHEK_OK;
    const struct fiscal__entry *entry = fiscal__index_ceiling(fiscal->heap, &record->shifts, first);
    while (entry != NULL && entry->key <= last && more && error == CHEK_OK) {
        error = shift_show(fiscal, registration, entry->key, arena, on_shift, context, &more);
        entry = entry->key < UINT32_MAX
                    ? fiscal__index_ceiling(fiscal->heap, &record->shifts, entry->key + 1)
                    : NULL;
    }
    const struct fiscal__shift *open = fiscal__shift_open_read(fiscal->heap, record);
    if (open != NULL && open->number >= first && open->number <= last && more && error == CHEK_OK) {
        error = shift_show(fiscal, registration, open->number, arena, on_shift, context, &more);
    }
    return error;
}

int
chek_fiscal_now(const struct chek_fiscal *fiscal, uint32_t registration,
                struct chek_fiscal_now *ret)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    const struct fiscal__shift *open = fiscal__shift_open_read(fiscal->heap, record);
    const struct fiscal__entry *closed =
        fiscal__index_floor(fiscal->heap, &record->shifts, UINT32_MAX);
    *ret = (struct chek_fiscal_now){
        .cash = record->cash,
        .shift_open = open != NULL ? open->number : 0,
        .shift_last = record->shift_last,
        .shift_closed = closed != NULL ? closed->key : 0,
        .zone_minutes = record->zone_minutes,
    };
    return CHEK_OK;
}

/* ---- documents by number ---------------------------------------------------------------------- */

int
chek_fiscal_find_document(const struct chek_fiscal *fiscal, uint32_t registration,
                          uint32_t document, uint32_t *ret_ordinal)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    uint32_t ordinal;
    if (document == 0 || !fiscal__number_find(fiscal->heap, record, document, &ordinal)) {
        return CHEK_E_NOT_FOUND;
    }
    *ret_ordinal = fiscal__newest_copy(fiscal->heap, record, ordinal);
    return CHEK_OK;
}

int
chek_fiscal_newest_copy(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t ordinal,
                        uint32_t *ret_ordinal)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    if (ordinal >= record->ordinal_next) {
        return CHEK_E_NOT_FOUND;
    }
    *ret_ordinal = fiscal__newest_copy(fiscal->heap, record, ordinal);
    return CHEK_OK;
}

/* A run of numbers that are there; `end` may be 2^32. */
struct number_run {
    uint64_t first, end;
};

/* Take a run when it reaches beyond `number` and begins before what was found so far. */
static void
run_consider(uint64_t number, uint64_t first, uint64_t count, struct number_run *found)
{
    if (first + count > number && (found->end == 0 || first < found->first)) {
        *found = (struct number_run){first, first + count};
    }
}

/* The first run of documents or of reports that reaches beyond `number`. Numbers may be in both. */
static bool
run_next(const struct chek_page_heap *heap, const struct fiscal__registration *record,
         uint64_t number, struct number_run *ret)
{
    const struct fiscal__index *indices[] = {&record->runs, &record->noted};
    struct number_run found = {0, 0};
    if (number > UINT32_MAX) {
        return false;
    }
    for (size_t i = 0; i < CHEK_COUNT(indices); i++) {
        const struct fiscal__entry *run = fiscal__index_floor(heap, indices[i], (uint32_t)number);
        if (run == NULL || number - run->key >= run->b) {
            run = fiscal__index_ceiling(heap, indices[i], (uint32_t)number);
        }
        if (run != NULL) {
            run_consider(number, run->key, run->b, &found);
        }
    }
    if (record->run_count != 0) {
        run_consider(number, (uint64_t)record->number_last + 1 - record->run_count,
                     record->run_count, &found);
    }
    *ret = found;
    return found.end != 0;
}

int
chek_fiscal_gaps(const struct chek_fiscal *fiscal, uint32_t registration, uint32_t *from,
                 uint32_t *looks, void (*on_gap)(void *context, uint32_t first, uint32_t count),
                 void *context)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    uint64_t next = *from; /* the number expected after the runs so far */
    struct number_run run;
    CHEK_ASSERT(*looks != 0); /* else *from could be 0 without an end */
    for (; run_next(fiscal->heap, record, next, &run); *looks -= 1) {
        if (*looks == 0) {
            *from = (uint32_t)next;
            return CHEK_OK;
        }
        if (next != 0 && run.first > next) {
            on_gap(context, (uint32_t)next, (uint32_t)(run.first - next));
        }
        next = run.end;
    }
    *from = 0;
    return CHEK_OK;
}

int
chek_fiscal_noted(const struct chek_fiscal *fiscal, uint32_t registration,
                  void (*on_run)(void *context, uint32_t first, uint32_t count), void *context)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    const struct fiscal__entry *run = fiscal__index_ceiling(fiscal->heap, &record->noted, 0);
    while (run != NULL) {
        on_run(context, run->key, run->b);
        run = fiscal__index_ceiling(fiscal->heap, &record->noted, run->key + run->b);
    }
    return CHEK_OK;
}
