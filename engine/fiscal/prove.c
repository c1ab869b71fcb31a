/* SPDX-License-Identifier: MIT */
/* prove.c - totals of shifts made again from the rows that are about to go. */
#include "engine/fiscal/prove.h"

#include "engine/fiscal/shift.h"
#include "engine/fiscal/shift_fold.h"
#include "engine/fiscal/tally.h"

#define FIGURES_SIZE_MAX 131072 /* of a report */

/* ---- removed documents ------------------------------------------------------------------------ */

uint32_t
chek_fiscal_removed(const struct chek_fiscal *fiscal, uint32_t registration)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    return record != NULL ? record->removed : 0;
}

bool
chek_fiscal_remove(struct chek_fiscal *fiscal, uint32_t registration, uint32_t ordinal)
{
    chek_page_ref ref = 0;
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, &ref);
    if (record == NULL || ordinal > record->ordinal_next || ordinal < record->removed) {
        return false;
    }
    struct fiscal__registration *changed = chek_page_heap_change(fiscal->heap, ref);
    changed->removed = ordinal;
    return true;
}

/* ---- figures ---------------------------------------------------------------------------------- */

/* What a report says that follows from the documents of its shift alone. */
static int
figures_encode(const struct chek_report *report, struct chek_arena *arena,
               struct chek_bytes_view *ret)
{
    struct chek_report figures = {
        .operations = report->operations,
        .operations_count = report->operations_count,
        .sections = report->sections,
        .sections_count = report->sections_count,
        .operators = report->operators,
        .operators_count = report->operators_count,
        .taxes = report->taxes,
        .taxes_count = report->taxes_count,
        .movements = report->movements,
        .movements_count = report->movements_count,
        .revenue = report->revenue,
    };
    uint8_t *bytes = chek_arena_take(arena, FIGURES_SIZE_MAX);
    if (bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    struct chek_writer out = chek_writer_over(bytes, FIGURES_SIZE_MAX);
    chek_report_encode(&out, &figures);
    *ret = chek_bytes_view_of(bytes, out.size);
    return out.full ? CHEK_E_LIMIT : CHEK_OK;
}

static int
tally_encode(struct fiscal__tally *tally, struct chek_arena *arena, struct chek_bytes_view *ret)
{
    struct chek_report report = {0};
    int error = fiscal__tally_report(tally, arena, &report);
    return error == CHEK_OK ? figures_encode(&report, arena, ret) : error;
}

/* ---- the rows of a shift ---------------------------------------------------------------------- */

struct found_row {
    uint32_t ordinal;
    bool late;
    bool is_close;
};

struct shift_rows {
    const struct chek_store *store;
    const struct chek_prove_ask *ask;
    uint32_t shift;
    struct found_row *rows;
    uint32_t count;
    bool is_partial[2]; /* documents were removed before: of the shift, and of what came late */
    uint32_t counts[2]; /* documents of each of these parts */
};

/* A fuller copy stands for itself less the copy before it: gone, and proved, is also a part whose copy's
 * poorer one is. After that none can have come. */
static bool
on_row(void *context, const struct chek_scan_row *row)
{
    struct shift_rows *to = context;
    bool is_close = row->row.kind == CHEK_ROW_CLOSE;
    uint32_t first = row->row.completes != 0 ? row->row.completes - 1 : row->row.ordinal;
    if (row->row.ordinal >= to->ask->row_count) {
        return false;
    }
    to->rows[to->count++] = (struct found_row){row->row.ordinal, row->row.late, is_close};
    to->counts[row->row.late] += !is_close;
    to->is_partial[row->row.late] |= !is_close && first < to->ask->removed;
    return true;
}

static int
rows_find(struct shift_rows *to, struct chek_arena *arena)
{
    struct chek_scan_filter filter = {
        .registrations = &to->ask->run.registration,
        .registration_count = 1,
        .shift_min = to->shift,
        .shift_max = to->shift,
        .with_replaced = true,
    };
    to->rows = chek_arena_take(arena, to->ask->row_count * sizeof *to->rows);
    if (to->rows == NULL) {
        return CHEK_E_LIMIT;
    }
    return chek_store_scan(to->store, &filter, arena, on_row, to);
}

/* What the close of the shift froze; `withdraws` when it emptied the drawer. */
struct frozen {
    struct chek_report report;
    bool is_there, withdraws;
};

static int
frozen_find(const struct shift_rows *from, struct chek_arena *arena, struct frozen *ret)
{
    int error = CHEK_OK;
    for (uint32_t i = 0; i < from->count && error == CHEK_OK && !ret->is_there; i++) {
        struct chek_row row;
        struct chek_document document;
        if (!from->rows[i].is_close) {
            continue;
        }
        error = chek_store_read(from->store, from->ask->run.registration, from->rows[i].ordinal,
                                arena, &row, &document);
        if (error == CHEK_OK && row.cell.size != 0) {
            ret->is_there = true;
            ret->withdraws = document.close->withdraw;
            error =
                chek_report_decode_whole(row.cell.bytes, row.cell.size, arena, &ret->report, NULL);
        }
    }
    return error;
}

static int
part_fold(const struct shift_rows *from, bool late, struct chek_arena *arena,
          struct fiscal__tally **ret)
{
    struct fiscal__fold fold = {.store = from->store, .registration = from->ask->run.registration};
    int error = CHEK_OK;
    for (uint32_t i = 0; i < from->count && error == CHEK_OK; i++) {
        if (from->rows[i].late == late && !from->rows[i].is_close) {
            error = fiscal__fold_add(&fold, from->rows[i].ordinal, arena);
        }
    }
    if (error == CHEK_OK) {
        error = fiscal__fold_end(&fold, arena);
    }
    *ret = fold.newest;
    return error;
}

/* What a close took out of the drawer follows from all shifts before it: it is taken as it is said,
 * when it is one withdrawal more than there are documents of. */
static void
withdrawal_add(struct fiscal__tally *tally, const struct frozen *frozen)
{
    struct fiscal__movement *own = &tally->movements[CHEK_DIRECTION_WITHDRAWAL];
    for (uint32_t i = 0; frozen->withdraws && i < frozen->report.movements_count; i++) {
        const struct chek_report_movement *said = &frozen->report.movements[i];
        if (said->direction == CHEK_DIRECTION_WITHDRAWAL && said->count == own->count + 1u &&
            said->sum > own->sum) {
            own->count += 1;
            own->sum = said->sum;
        }
    }
}

static int
frozen_compare(const struct shift_rows *from, const struct frozen *frozen, struct chek_arena *arena)
{
    struct fiscal__tally *tally;
    struct chek_bytes_view made;
    struct chek_bytes_view said;
    int error = part_fold(from, false, arena, &tally);
    if (error != CHEK_OK) {
        return error;
    }
    withdrawal_add(tally, frozen);
    error = tally_encode(tally, arena, &made);
    if (error == CHEK_OK) {
        error = figures_encode(&frozen->report, arena, &said);
    }
    return error == CHEK_OK && !chek_bytes_view_equal(made, said) ? CHEK_E_CONFLICT : error;
}

static int
part_give(const struct shift_rows *from, bool late, struct chek_arena *arena, chek_prove_fn on_part,
          void *context)
{
    struct fiscal__tally *tally;
    struct chek_prove_part part = {
        .registration = from->ask->run.registration,
        .shift = from->shift,
        .row_count = from->ask->row_count,
        .is_late = late,
    };
    int error = part_fold(from, late, arena, &tally);
    if (error == CHEK_OK) {
        error = tally_encode(tally, arena, &part.figures);
    }
    return error == CHEK_OK ? on_part(context, &part) : error;
}

static int
shift_prove(const struct shift_rows *from, struct chek_arena *arena, chek_prove_fn on_part,
            void *context)
{
    struct frozen frozen = {0};
    int error = frozen_find(from, arena, &frozen);
    if (error == CHEK_OK && !from->is_partial[false]) {
        error = frozen.is_there ? frozen_compare(from, &frozen, arena)
                                : part_give(from, false, arena, on_part, context);
    }
    if (error == CHEK_OK && !from->is_partial[true] && from->counts[true] != 0) {
        error = part_give(from, true, arena, on_part, context);
    }
    return error;
}

/* ---- a registration --------------------------------------------------------------------------- */

/* The shifts of the rows that are to be removed. */
struct shifts {
    const struct chek_prove_ask *ask;
    uint32_t *numbers;
    uint32_t count;
};

static bool
on_run_row(void *context, const struct chek_scan_row *row)
{
    struct shifts *shifts = context;
    if (row->row.ordinal >= shifts->ask->run.ordinal_end) {
        return false;
    }
    /* Nearly always it is the one found last. */
    for (uint32_t i = shifts->count; i > 0; i--) {
        if (shifts->numbers[i - 1] == row->row.shift) {
            return true;
        }
    }
    shifts->numbers[shifts->count++] = row->row.shift;
    return true;
}

static int
shifts_find(const struct chek_store *store, const struct chek_prove_ask *ask,
            struct chek_arena *arena, struct shifts *ret)
{
    struct chek_scan_filter filter = {
        .registrations = &ask->run.registration,
        .registration_count = 1,
        .ordinal_min = ask->run.ordinal,
        .with_replaced = true,
    };
    ret->ask = ask;
    ret->numbers =
        chek_arena_take(arena, (ask->run.ordinal_end - ask->run.ordinal) * sizeof *ret->numbers);
    if (ret->numbers == NULL) {
        return CHEK_E_LIMIT;
    }
    return chek_store_scan(store, &filter, arena, on_run_row, ret);
}

int
chek_fiscal_prove(const struct chek_store *store, const struct chek_prove_ask *ask,
                  struct chek_arena *arena, chek_prove_fn on_part, void *context,
                  uint32_t *ret_shift)
{
    struct shifts shifts = {0};
    int error = shifts_find(store, ask, arena, &shifts);
    for (uint32_t i = 0; i < shifts.count && error == CHEK_OK; i++) {
        struct shift_rows rows = {.store = store, .ask = ask, .shift = shifts.numbers[i]};
        size_t mark = chek_arena_mark(arena);
        *ret_shift = rows.shift;
        error = rows_find(&rows, arena);
        if (error == CHEK_OK) {
            error = shift_prove(&rows, arena, on_part, context);
        }
        chek_arena_rewind(arena, mark);
    }
    return error;
}

/* ---- at the shard ----------------------------------------------------------------------------- */

/* The cells that a part is kept in; false when there are none. */
static bool
cells_find(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
           const struct chek_prove_part *part, chek_page_ref *ret)
{
    const struct fiscal__shift *open = fiscal__shift_open_read(fiscal->heap, registration);
    const struct fiscal__late *late = fiscal__late_read(fiscal->heap, registration, part->shift);
    bool is_there = part->is_late ? late != NULL : open != NULL && open->number == part->shift;
    if (is_there) {
        *ret = part->is_late ? late->cells : open->cells;
    }
    return is_there;
}

int
chek_fiscal_prove_part(const struct chek_fiscal *fiscal, const struct chek_prove_part *part,
                       struct chek_arena *arena)
{
    const struct fiscal__registration *registration =
        fiscal__registration_find(fiscal, part->registration, NULL);
    struct fiscal__tally *tally;
    struct chek_bytes_view kept;
    chek_page_ref cells;
    if (registration == NULL) {
        return CHEK_E_CONFLICT;
    }
    if (registration->ordinal_next != part->row_count) {
        return CHEK_E_BUSY;
    }
    if (!cells_find(fiscal, registration, part, &cells)) {
        return CHEK_E_CONFLICT;
    }
    int error = fiscal__tally_cells(fiscal->heap, cells, arena, &tally);
    if (error == CHEK_OK) {
        error = tally_encode(tally, arena, &kept);
    }
    return error == CHEK_OK && !chek_bytes_view_equal(kept, part->figures) ? CHEK_E_CONFLICT
                                                                           : error;
}
