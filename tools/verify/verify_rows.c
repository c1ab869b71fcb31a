/* SPDX-License-Identifier: MIT */
/*
 * verify_rows.c - the rows of one registration, read one by one into the evaluator's list.
 *
 * A row that the engine made itself (a close of a shift that nobody closed) is not fed to the
 * evaluator: it has to come to it by itself, under the same ordinal.
 */
#include <errno.h>
#include <stdlib.h>

#include "engine/base/memory.h"
#include "engine/fiscal/check.h"
#include "engine/fiscal/prove.h"
#include "tools/verify/verify_run.h"

#define ARENA_SIZE ((size_t)8 * 1024 * 1024) /* documents of a registration, in steps of this */
#define DOCUMENT_SIZE_MAX CHEK_COMMAND_BODY_SIZE_MAX

/* ---- memory ----------------------------------------------------------------------------------- */

int
verify__rows_create(struct verify__rows **ret)
{
    struct verify__rows *rows = chek_memory_allocate(sizeof *rows);
    if (rows == NULL) {
        return -ENOMEM;
    }
    *ret = rows;
    return CHEK_OK;
}

void
verify__rows_destroy(struct verify__rows *rows)
{
    if (rows == NULL) {
        return;
    }
    chek_naive_finish(&rows->naive);
    for (uint32_t i = 0; i < rows->arena_count; i++) {
        chek_arena_finish(&rows->arenas[i]);
    }
    chek_memory_free(rows->arenas, rows->arena_count * sizeof *rows->arenas);
    chek_memory_free(rows->numbers, rows->number_capacity * sizeof *rows->numbers);
    chek_memory_free(rows, sizeof *rows);
}

static void
rows_clear(struct verify__rows *rows)
{
    chek_naive_clear(&rows->naive);
    for (uint32_t i = 0; i < rows->arena_count; i++) {
        chek_arena_reset(&rows->arenas[i]);
    }
    rows->arena_at = 0;
    rows->number_count = 0;
    rows->row_count = 0;
    rows->late_count = 0;
    rows->completed_count = 0;
    memset(rows->warned, 0, sizeof rows->warned);
    rows->event_sum = verify__event_sum(&(struct chek_event){.kind = CHEK_EVENT_KIND_REGISTERED});
    rows->sound = true;
    rows->is_partial = false;
}

static int
arena_add(struct verify__rows *rows)
{
    struct chek_arena *grown = chek_memory_grow(rows->arenas, rows->arena_count * sizeof *grown,
                                                (rows->arena_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return -ENOMEM;
    }
    rows->arenas = grown;
    int error = chek_arena_init(&rows->arenas[rows->arena_count], ARENA_SIZE);
    rows->arena_count += error == CHEK_OK;
    return error;
}

static int
number_add(struct verify__rows *rows, uint32_t number)
{
    if (number == 0) {
        return CHEK_OK;
    }
    if (rows->number_count == rows->number_capacity) {
        uint32_t capacity = 2 * rows->number_capacity + 256;
        uint32_t *grown = chek_memory_grow(rows->numbers, rows->number_capacity * sizeof *grown,
                                           capacity * sizeof *grown);
        if (grown == NULL) {
            return -ENOMEM;
        }
        rows->numbers = grown;
        rows->number_capacity = capacity;
    }
    rows->numbers[rows->number_count++] = number;
    return CHEK_OK;
}

/* Decode a copy of `bytes`, all of it in one arena. LIMIT: it does not fit this one. */
static int
document_decode(struct chek_arena *arena, const uint8_t *bytes, size_t size,
                struct chek_document **ret)
{
    struct chek_fault fault;
    struct chek_document *document = chek_arena_take(arena, sizeof *document);
    uint8_t *copy = chek_arena_take(arena, size);
    if (document == NULL || copy == NULL) {
        return CHEK_E_LIMIT;
    }
    memcpy(copy, bytes, size);
    int error = chek_document_decode_whole(copy, size, arena, document, &fault);
    if (error == CHEK_OK) {
        *ret = document;
    }
    return error;
}

/* Keep a document as long as the list: what a read gives borrows whole pages. */
static int
document_keep(struct verify__run *run, const struct chek_document *document,
              const struct chek_document **ret)
{
    struct verify__rows *rows = run->rows;
    struct chek_document *kept = NULL;
    struct chek_writer out = chek_writer_over(run->bytes, DOCUMENT_SIZE_MAX);
    chek_document_encode(&out, document);
    if (out.full) {
        return CHEK_E_RANGE;
    }
    int error = CHEK_E_LIMIT;
    if (rows->arena_at < rows->arena_count) {
        error = document_decode(&rows->arenas[rows->arena_at], run->bytes, out.size, &kept);
    }
    if (error == CHEK_E_LIMIT) {
        if (rows->arena_count != 0 && rows->arena_at < rows->arena_count) {
            rows->arena_at += 1;
        }
        error = rows->arena_at < rows->arena_count ? CHEK_OK : arena_add(rows);
        if (error == CHEK_OK) {
            error = document_decode(&rows->arenas[rows->arena_at], run->bytes, out.size, &kept);
        }
    }
    *ret = kept;
    return error;
}

/* ---- one row ---------------------------------------------------------------------------------- */

struct row_place {
    struct verify__run *run;
    uint16_t partition;
    uint32_t registration;
    struct chek_row row;
    const struct chek_document *document;
};

__attribute__((format(printf, 2, 3))) static void
row_find(const struct row_place *place, const char *format, ...)
{
    char text[CHEK_VERIFY_TEXT_SIZE];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    verify__find(place->run, place->run->partitions[place->partition].image, VERIFY_NO_OFFSET,
                 place->partition, place->registration, "row %u: %s", place->row.ordinal, text);
}

static bool
is_of_engine(const struct chek_document *document)
{
    const struct chek_close *close = document->close;
    return close != NULL && close->document == 0 && close->shift == 0 && close->sign == 0;
}

static uint32_t
number_of(const struct chek_document *document)
{
    return document->receipt != NULL    ? document->receipt->document
           : document->movement != NULL ? document->movement->document
                                        : document->close->document;
}

static uint8_t
kind_of(const struct chek_document *document)
{
    return document->receipt != NULL    ? CHEK_ROW_RECEIPT
           : document->movement != NULL ? CHEK_ROW_MOVEMENT
                                        : CHEK_ROW_CLOSE;
}

/* What may be asked of a row alone. False: the evaluator cannot be given it. */
static bool
row_is_sound(const struct row_place *place, uint32_t *ret_warnings)
{
    const struct chek_document *document = place->document;
    struct chek_fault fault = {0};
    *ret_warnings = 0;
    if ((document->receipt != NULL) + (document->movement != NULL) + (document->close != NULL) !=
            1 ||
        place->row.kind != kind_of(document)) {
        row_find(place, "it is not one document of its kind");
        return false;
    }
    if (document->receipt != NULL && chek_receipt_is_personal(document->receipt)) {
        row_find(place, "a personal value stands in clear");
    }
    if (is_of_engine(document)) {
        return true;
    }
    if (document->registration != 0 && document->registration != place->registration) {
        row_find(place, "the document names registration %u", document->registration);
    }
    /* Its register is the one that the row belongs to, however the document named it. */
    struct chek_document named = *document;
    named.registration = place->registration;
    named.profile = NULL;
    int error = chek_document_check(&named, ret_warnings, &fault);
    if (error != CHEK_OK) {
        row_find(place, "the document is not in shape: %s (%s)", chek_error_text(error),
                 chek_field_name(fault.field));
        return false;
    }
    return true;
}

/* Which entry a row completes; -2 when that cannot be. */
static int32_t
completed_entry(const struct row_place *place)
{
    const struct chek_naive *naive = &place->run->rows->naive;
    uint32_t completes = place->row.completes;
    if (completes == 0) {
        return -1;
    }
    const struct chek_document *old =
        completes - 1 < naive->count ? naive->entries[completes - 1].document : NULL;
    if (old == NULL || naive->entries[completes - 1].copy >= 0 || place->document->close != NULL ||
        kind_of(old) != kind_of(place->document)) {
        row_find(place, "it completes row %u, which has no place for it", completes - 1);
        return -2;
    }
    return (int32_t)completes - 1;
}

/* Compare what the engine noted on a row with what the evaluator comes to. */
static void
row_compare(const struct row_place *place, const struct chek_naive_expected *expected,
            uint32_t shape_warnings)
{
    const struct chek_naive_entry *entry = &place->run->rows->naive.entries[expected->ordinal];
    uint32_t warnings = expected->warnings | shape_warnings;
    if (place->row.ordinal != expected->ordinal) {
        row_find(place, "its ordinal should be %u", expected->ordinal);
        place->run->rows->sound = false;
    }
    if (place->row.shift != expected->shift) {
        row_find(place, "shift %u, recomputed %u", place->row.shift, expected->shift);
    }
    /* What depends on clocks, or on what was left away, whoever took the document in has found. */
    const uint32_t found = UINT32_C(1) << CHEK_WARNING_OFFLINE_LONG |
                           UINT32_C(1) << CHEK_WARNING_CLOCK_DIFFERS |
                           UINT32_C(1) << CHEK_WARNING_NUMBER_AGAIN;
    /* A report leaves no row, and may have come before this one or after it. */
    const uint32_t gap = expected->may_gap ? UINT32_C(1) << CHEK_WARNING_DOCUMENT_GAP : 0;
    if ((place->row.warnings & ~found & ~gap) != warnings) {
        row_find(place, "warnings %#x, recomputed %#x", place->row.warnings, warnings);
    }
    if (place->row.late != entry->late) {
        row_find(place, place->row.late ? "late, and its shift was open" : "not late, and it was");
    }
    if (place->row.binding != entry->binding) {
        row_find(place, "binding %u, recomputed %u", place->row.binding, entry->binding);
    }
}

/* ---- events ----------------------------------------------------------------------------------- */

static void
event_expect(const struct row_place *place, uint8_t kind, const struct chek_event *base)
{
    struct chek_event event = *base;
    event.kind = kind;
    place->run->rows->event_sum += verify__event_sum(&event);
}

/* The events that a row of a document, or of a close, must have led to. */
static void
events_expect(const struct row_place *place, const struct chek_naive_entry *entry)
{
    const struct chek_document *document = place->document;
    const struct chek_receipt *receipt = document->receipt;
    const struct chek_movement *movement = document->movement;
    const struct chek_close *close = document->close;
    uint32_t late_revision =
        entry->late ? (uint32_t)chek_naive_revision(&place->run->rows->naive, entry->shift) : 0;
    struct chek_event event = {
        .ordinal = place->row.ordinal,
        .shift = place->row.shift,
        .time = receipt != NULL    ? receipt->time
                : movement != NULL ? movement->time
                                   : close->time,
        .operation = receipt != NULL ? receipt->operation : 0,
        .total = receipt != NULL    ? receipt->total
                 : movement != NULL ? movement->sum
                                    : 0,
        .document = number_of(document),
        .sign = receipt != NULL ? receipt->sign
                : close != NULL ? close->sign
                                : 0,
        .received = place->row.received_us,
    };
    if (entry->opens) {
        struct chek_event opened = {
            .shift = event.shift, .time = event.time, .received = event.received};
        event_expect(place, CHEK_EVENT_KIND_SHIFT_OPENED, &opened);
    }
    if (entry->completes >= 0) {
        event.revision = late_revision;
        event_expect(place, CHEK_EVENT_KIND_COMPLETED, &event);
        return;
    }
    if (entry->closes) {
        event_expect(place, CHEK_EVENT_KIND_SHIFT_CLOSED, &event);
        return;
    }
    if (close == NULL) {
        event_expect(place, receipt != NULL ? CHEK_EVENT_KIND_RECEIPT : CHEK_EVENT_KIND_MOVEMENT,
                     &event);
    }
    if (entry->late) {
        event.revision = late_revision;
        event_expect(place, CHEK_EVENT_KIND_LATE, &event);
    }
}

/* ---- the rows --------------------------------------------------------------------------------- */

/* The engine's own closes wait until the document that led to them has been evaluated. */
struct waiting {
    struct row_place place;
    struct chek_close close;
    struct chek_document document;
    bool any;
};

/* The evaluator must have made this close itself. */
static void
waiting_compare(const struct waiting *waiting)
{
    const struct row_place *place = &waiting->place;
    struct verify__rows *rows = place->run->rows;
    const struct chek_naive_entry *entry =
        place->row.ordinal < rows->naive.count ? &rows->naive.entries[place->row.ordinal] : NULL;
    if (entry == NULL || entry->document != NULL || !entry->closes ||
        entry->shift != place->row.shift || entry->late != place->row.late) {
        row_find(place, "the engine closed shift %u here, and there was no reason to",
                 place->row.shift);
        rows->sound = false;
        return;
    }
    events_expect(place, entry);
}

static int
row_evaluate(struct row_place *place, struct waiting *waiting)
{
    struct verify__run *run = place->run;
    struct verify__rows *rows = run->rows;
    const struct chek_document *kept;
    struct chek_naive_expected expected;
    uint32_t shape_warnings;
    if (!row_is_sound(place, &shape_warnings)) {
        rows->sound = false;
        return CHEK_OK;
    }
    if (is_of_engine(place->document)) {
        *waiting = (struct waiting){*place, *place->document->close, *place->document, true};
        waiting->document.close = &waiting->close;
        waiting->place.document = &waiting->document;
        return CHEK_OK;
    }
    int32_t completes = completed_entry(place);
    if (completes < -1) {
        rows->sound = false;
        return CHEK_OK;
    }
    if (completes < 0 && place->row.binding < rows->naive.binding) {
        row_find(place, "binding %u after %u", place->row.binding, rows->naive.binding);
    }
    int error = document_keep(run, place->document, &kept);
    if (error == CHEK_OK) {
        rows->naive.binding = completes < 0 ? place->row.binding : rows->naive.binding;
        error = chek_naive_apply(&rows->naive, kept, completes, &expected);
    }
    if (error != CHEK_OK) {
        return error;
    }
    place->document = kept;
    row_compare(place, &expected, shape_warnings);
    if (waiting->any) {
        waiting_compare(waiting);
        waiting->any = false;
    }
    const struct chek_naive_entry *entry = &rows->naive.entries[expected.ordinal];
    events_expect(place, entry);
    rows->late_count += entry->late && !entry->closes;
    rows->completed_count += completes >= 0;
    return number_add(rows, completes < 0 ? number_of(kept) : 0);
}

/* Documents are gone, so nothing can be evaluated from the first one on: row by row it is. */
static int
partial_read(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    const struct chek_fiscal *fiscal = chek_partition_fiscal(run->partitions[partition].partition);
    uint32_t count = chek_fiscal_row_count(fiscal, registration);
    int error = CHEK_OK;
    for (uint32_t ordinal = 0; ordinal < count && error == CHEK_OK; ordinal++) {
        error = verify__kept_row(run, partition, registration, ordinal);
        run->rows->row_count += 1;
    }
    return error;
}

struct notes {
    struct chek_naive *naive;
    int error;
};

static void
on_noted(void *context, uint32_t first, uint32_t count)
{
    struct notes *notes = context;
    for (uint32_t i = 0; i < count && notes->error == CHEK_OK; i++) {
        notes->error = chek_naive_note(notes->naive, first + i);
    }
}

/* What numbers the registration's reports have only the state says. */
static int
notes_read(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    struct notes notes = {&run->rows->naive, CHEK_OK};
    int error = chek_fiscal_noted(chek_partition_fiscal(run->partitions[partition].partition),
                                  registration, on_noted, &notes);
    return error == CHEK_E_UNREGISTERED ? CHEK_OK : notes.error; /* then there are none */
}

int
verify__rows_read(struct verify__run *run, uint16_t partition, uint32_t registration)
{
    struct chek_store *store = chek_partition_store(run->partitions[partition].partition);
    struct verify__rows *rows = run->rows;
    struct waiting waiting = {.any = false};
    uint64_t received_us = 0;
    rows_clear(rows);
    rows->is_partial =
        chek_fiscal_removed(chek_partition_fiscal(run->partitions[partition].partition),
                            registration) != 0;
    if (rows->is_partial) {
        return partial_read(run, partition, registration);
    }
    int noting = notes_read(run, partition, registration);
    if (noting != CHEK_OK) {
        return noting;
    }
    for (uint32_t ordinal = 0;; ordinal++) {
        struct chek_document document;
        struct row_place place = {.run = run,
                                  .partition = partition,
                                  .registration = registration,
                                  .row = {.ordinal = ordinal},
                                  .document = &document};
        chek_arena_reset(&run->scratch);
        int error =
            chek_store_read(store, registration, ordinal, &run->scratch, &place.row, &document);
        if (error == CHEK_E_NOT_FOUND) {
            break;
        }
        rows->row_count += 1;
        if (error != CHEK_OK) {
            row_find(&place, "it cannot be read: %s", chek_error_text(error));
            rows->sound = false;
            run->has_all_places = false;
            continue;
        }
        error = verify__chain_row(run, &place.row);
        if (error != CHEK_OK) {
            return error;
        }
        if (place.row.registration != registration || place.row.ordinal != ordinal) {
            row_find(&place, "it says that it is row %u of registration %u", place.row.ordinal,
                     place.row.registration);
        }
        if (place.row.received_us < received_us) {
            row_find(&place, "received before the row before it");
        }
        received_us = place.row.received_us;
        for (uint32_t i = 0; i < CHEK_WARNING_COUNT && !place.row.replaced; i++) {
            rows->warned[i] += place.row.warnings >> i & 1;
        }
        error = rows->sound ? row_evaluate(&place, &waiting) : CHEK_OK;
        if (error != CHEK_OK) {
            return error;
        }
    }
    if (waiting.any && rows->sound) {
        row_find(&waiting.place, "a close of the engine's own, and nothing behind it");
        rows->sound = false;
    }
    return CHEK_OK;
}
