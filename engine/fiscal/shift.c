/* SPDX-License-Identifier: MIT */
/* shift.c - opening, closing, and what comes late. */
#include "engine/fiscal/shift.h"

#include "engine/fiscal/reconcile.h"
#include "engine/fiscal/registration.h"
#include "engine/fiscal/shift_cell.h"
#include "engine/fiscal/shift_report.h"
#include "engine/fiscal/warned.h"

#define CELL_SIZE_MAX 65536 /* what a close row may carry */

/* A frozen report fits its row: rows with keys, masks and numbers at their longest. */
#define NUMBER_SIZE 10
#define SECTION_ROW_SIZE (1 + 33 + 1 + 2 * NUMBER_SIZE)
#define OPERATOR_ROW_SIZE (1 + 65 + 1 + 2 * NUMBER_SIZE)
#define TAX_ROW_SIZE (2 + 1 + 3 + 1 + 3 * NUMBER_SIZE)
#define OPERATION_SIZE (4 + 1 + 11 * NUMBER_SIZE + CHEK_PAYMENT_KIND_COUNT * 22 + 2 * 22)
_Static_assert((CHEK_CELL_SECTION_COUNT_MAX + CHEK_OPERATION_COUNT) * SECTION_ROW_SIZE +
                       (CHEK_CELL_OPERATOR_COUNT_MAX + CHEK_OPERATION_COUNT) * OPERATOR_ROW_SIZE +
                       (CHEK_CELL_TAX_COUNT_MAX + CHEK_OPERATION_COUNT) * TAX_ROW_SIZE +
                       CHEK_OPERATION_COUNT * OPERATION_SIZE + 512 <=
                   CELL_SIZE_MAX,
               "a frozen shift fits its row");

/* ---- rows and events -------------------------------------------------------------------------- */

void
fiscal__event_tell(const struct fiscal__step *step, struct chek_event *event)
{
    event->registration = step->registration->id;
    event->received = step->circumstance->received_us;
    step->events->on_event(step->events->context, event);
}

uint32_t
fiscal__row_append(struct fiscal__step *step, struct chek_row *row,
                   const struct chek_document *document)
{
    row->registration = step->registration->id;
    row->ordinal = step->registration->ordinal_next;
    row->received_us = step->circumstance->received_us;
    chek_store_append(step->fiscal->store, row, document);
    fiscal__warned_add(step, row->warnings);
    step->registration->ordinal_next += 1;
    fiscal__root_change(step->fiscal)->document_count += 1;
    return row->ordinal;
}

/* ---- which shift ------------------------------------------------------------------------------ */

const struct fiscal__shift *
fiscal__shift_open_read(const struct chek_page_heap *heap,
                        const struct fiscal__registration *registration)
{
    return registration->shift != 0 ? chek_page_heap_read(heap, registration->shift) : NULL;
}

int
fiscal__shift_route(const struct chek_page_heap *heap,
                    const struct fiscal__registration *registration, uint32_t shift,
                    struct fiscal__place *ret)
{
    const struct fiscal__shift *open = fiscal__shift_open_read(heap, registration);
    if (open != NULL && (shift == 0 || shift == open->number)) {
        *ret = (struct fiscal__place){FISCAL__CURRENT, open->number, true};
        return CHEK_OK;
    }
    if (shift == 0) {
        if (registration->shift_last == UINT32_MAX) {
            return CHEK_E_FULL;
        }
        *ret = (struct fiscal__place){FISCAL__NEXT, registration->shift_last + 1, true};
        return CHEK_OK;
    }
    if (shift > registration->shift_last) {
        *ret = (struct fiscal__place){FISCAL__NEXT, shift, true};
        return CHEK_OK;
    }
    bool is_known = fiscal__index_find(heap, &registration->shifts, shift) != NULL;
    *ret = (struct fiscal__place){FISCAL__LATE, shift, is_known};
    return CHEK_OK;
}

void
fiscal__shift_open(struct fiscal__step *step, uint32_t number, int64_t time)
{
    struct fiscal__registration *registration = step->registration;
    CHEK_ASSERT(registration->shift == 0);
    CHEK_ASSERT(number > registration->shift_last);

    registration->shift = fiscal__allocate(step->heap, sizeof(struct fiscal__shift));
    registration->shift_last = number;
    struct fiscal__shift *shift = chek_page_heap_change(step->heap, registration->shift);
    shift->number = number;
    shift->opened = time;
    shift->last = time;
    shift->cash_start = registration->cash;
    memcpy(shift->start, registration->sums, sizeof shift->start);
    fiscal__event_tell(
        step,
        &(struct chek_event){.kind = CHEK_EVENT_KIND_SHIFT_OPENED, .shift = number, .time = time});
}

/* ---- closing ---------------------------------------------------------------------------------- */

/* The whole drawer goes out before the figures are frozen, when there is something in it. (F13) */
static void
drawer_withdraw(struct fiscal__step *step, struct fiscal__shift *shift)
{
    struct fiscal__registration *registration = step->registration;
    if (registration->cash <= 0) {
        return;
    }
    chek_page_ref cell =
        fiscal__cell_obtain(step->heap, &shift->cells, fiscal__binding_now(registration));
    fiscal__cell_withdraw(step->heap, cell, registration->cash);
    shift->magnitude += (uint64_t)registration->cash;
    registration->cash = 0;
}

/* Append the row of a close with its frozen report and enter it as the shift's. */
static uint32_t
close_append(struct fiscal__step *step, const struct chek_report *report,
             const struct chek_close *close, uint32_t warnings)
{
    uint8_t *bytes = chek_arena_take(step->fiscal->scratch, CELL_SIZE_MAX);
    CHEK_ASSERT(bytes != NULL);
    struct chek_writer out = chek_writer_over(bytes, CELL_SIZE_MAX);
    chek_report_encode(&out, report);
    CHEK_ASSERT(!out.full);

    struct chek_row row = {
        .shift = report->shift,
        .warnings = warnings,
        .binding = fiscal__binding_now(step->registration),
        .kind = CHEK_ROW_CLOSE,
        .late = (warnings & UINT32_C(1) << CHEK_WARNING_LATE) != 0,
        .cell = chek_bytes_view_of(out.bytes, out.size),
    };
    uint32_t ordinal = fiscal__row_append(step, &row, &(struct chek_document){.close = close});
    fiscal__index_insert(step->heap, &step->registration->shifts,
                         (struct fiscal__entry){report->shift, ordinal, 0});
    fiscal__event_tell(step, &(struct chek_event){.kind = CHEK_EVENT_KIND_SHIFT_CLOSED,
                                                  .ordinal = ordinal,
                                                  .shift = report->shift,
                                                  .time = report->closed,
                                                  .document = close->document,
                                                  .sign = close->sign});
    return ordinal;
}

static void
on_difference(void *context, const struct chek_difference *difference)
{
    uint32_t *first = context;
    *first = *first != 0 ? *first : difference->field;
}

/* Tell when the register counted something else than the frozen report. (F24) */
static void
figures_compare(struct fiscal__step *step, const struct chek_report *report,
                const struct chek_close *close, uint32_t ordinal)
{
    uint32_t first = 0;
    if (close->figures.size == 0) {
        return;
    }
    int error = chek_figures_reconcile(close->figures, report, step->fiscal->scratch, on_difference,
                                       &first);
    CHEK_ASSERT(error == CHEK_OK); /* the scratch has room for it and for the report */
    if (first != 0) {
        fiscal__event_tell(step, &(struct chek_event){.kind = CHEK_EVENT_KIND_DIFFERS,
                                                      .ordinal = ordinal,
                                                      .shift = report->shift,
                                                      .time = close->time,
                                                      .document = close->document,
                                                      .sign = close->sign,
                                                      .code = first});
    }
}

void
fiscal__late_close_compare(struct fiscal__step *step, uint32_t shift,
                           const struct chek_close *close, uint32_t ordinal)
{
    struct chek_arena *scratch = step->fiscal->scratch;
    struct chek_row row;
    struct chek_document document;
    struct chek_report report;
    struct chek_fault fault;
    const struct fiscal__entry *entry =
        fiscal__index_find(step->heap, &step->registration->shifts, shift);
    if (close->figures.size == 0) {
        return;
    }
    int error = chek_store_read(step->fiscal->store, step->registration->id, entry->a, scratch,
                                &row, &document);
    CHEK_ASSERT(error == CHEK_OK); /* it was read to know that the close is new */
    error = chek_report_decode_whole(row.cell.bytes, row.cell.size, scratch, &report, &fault);
    if (error == CHEK_OK) {
        figures_compare(step, &report, close, ordinal);
    }
}

uint32_t
fiscal__shift_close(struct fiscal__step *step, const struct chek_close *close, uint32_t warnings)
{
    struct fiscal__registration *registration = step->registration;
    struct fiscal__shift *shift = chek_page_heap_change(step->heap, registration->shift);
    struct chek_close ours = {.time = shift->last};
    if (close != NULL) {
        shift->documents += 1;
        shift->last = close->time > shift->last ? close->time : shift->last;
        if (close->withdraw) {
            drawer_withdraw(step, shift);
        }
    } else {
        close = &ours;
    }

    struct chek_report report;
    int error = fiscal__open_report(step->fiscal, registration, step->fiscal->scratch, &report);
    CHEK_ASSERT(error == CHEK_OK);
    report.closed = close->time;
    uint32_t ordinal = close_append(step, &report, close, warnings);
    figures_compare(step, &report, close, ordinal);

    struct chek_fiscal_root *root = fiscal__root_change(step->fiscal);
    size_t frozen_size = fiscal__cells_free(step->heap, shift->cells);
    CHEK_ASSERT(root->open_frozen_size >= frozen_size);
    root->open_frozen_size -= frozen_size;
    chek_page_heap_free(step->heap, registration->shift, sizeof(struct fiscal__shift));
    registration->shift = 0;
    return ordinal;
}

uint32_t
fiscal__shift_close_unknown(struct fiscal__step *step, uint32_t number, int64_t time,
                            const struct chek_close *close, uint32_t warnings)
{
    struct chek_close ours = {.time = time};
    struct chek_report report = {
        .registration = step->registration->id,
        .shift = number,
        .currency = step->registration->currency,
        .closed = time,
        .point = fiscal__binding_point(step->heap, step->registration,
                                       fiscal__binding_now(step->registration)),
    };
    uint32_t ordinal = close_append(step, &report, close != NULL ? close : &ours, warnings);
    figures_compare(step, &report, close != NULL ? close : &ours, ordinal);
    return ordinal;
}

/* ---- late ------------------------------------------------------------------------------------- */

const struct fiscal__late *
fiscal__late_read(const struct chek_page_heap *heap,
                  const struct fiscal__registration *registration, uint32_t shift)
{
    const struct fiscal__entry *entry = fiscal__index_find(heap, &registration->shifts, shift);
    return entry != NULL && entry->b != 0 ? chek_page_heap_read(heap, entry->b) : NULL;
}

struct fiscal__late *
fiscal__late_change(struct fiscal__step *step, uint32_t shift)
{
    struct fiscal__index *shifts = &step->registration->shifts;
    const struct fiscal__entry *entry = fiscal__index_find(step->heap, shifts, shift);
    CHEK_ASSERT(entry != NULL);
    chek_page_ref ref = entry->b;
    if (ref == 0) {
        ref = fiscal__allocate(step->heap, sizeof(struct fiscal__late));
        fiscal__index_change(step->heap, shifts, shift)->b = ref;
    }
    return chek_page_heap_change(step->heap, ref);
}

void
fiscal__late_note(struct chek_page_heap *heap, struct fiscal__late *late, uint32_t ordinal,
                  int64_t time)
{
    struct fiscal__late_chunk *chunk =
        late->ordinals != 0 ? chek_page_heap_change(heap, late->ordinals) : NULL;
    if (chunk == NULL || chunk->count == FISCAL__LATE_CHUNK_COUNT) {
        chek_page_ref ref = fiscal__allocate(heap, sizeof(struct fiscal__late_chunk));
        chunk = chek_page_heap_change(heap, ref);
        chunk->previous = late->ordinals;
        late->ordinals = ref;
    }
    chunk->ordinals[chunk->count++] = ordinal;
    late->revision += 1;
    late->last = time > late->last ? time : late->last;
}

void
fiscal__late_ordinals(const struct chek_page_heap *heap, const struct fiscal__late *late,
                      uint32_t count, uint32_t *ordinals)
{
    CHEK_ASSERT(count <= late->revision);
    uint32_t end = late->revision;
    for (chek_page_ref ref = late->ordinals; ref != 0;) {
        const struct fiscal__late_chunk *chunk = chek_page_heap_read(heap, ref);
        uint32_t first = end - chunk->count;
        for (uint32_t i = 0; i < chunk->count && first + i < count; i++) {
            ordinals[first + i] = chunk->ordinals[i];
        }
        end = first;
        ref = chunk->previous;
    }
    CHEK_ASSERT(end == 0);
}
