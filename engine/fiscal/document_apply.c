/* SPDX-License-Identifier: MIT */
/*
 * document_apply.c - one document: known already, or counted, numbered and appended.
 *
 * The order matters: what can refuse or answer comes first and changes nothing but counters; from
 * the moment that something changes, nothing can fail.
 */
#include "engine/fiscal/check.h"
#include "engine/fiscal/identity.h"
#include "engine/fiscal/sameness.h"
#include "engine/fiscal/shift.h"
#include "engine/fiscal/shift_cell.h"
#include "engine/fiscal/warned.h"
#include "engine/store/keep.h"

#define ORDINAL_MAX (UINT32_MAX - 4) /* a document appends at most two rows */

/* ---- answers ---------------------------------------------------------------------------------- */

static struct chek_event
event_of(const struct chek_document *document, const struct fiscal__key_set *keys)
{
    return (struct chek_event){
        .time = keys->time,
        .operation = document->receipt != NULL ? document->receipt->operation : 0,
        .total = document->receipt != NULL    ? document->receipt->total
                 : document->movement != NULL ? document->movement->sum
                                              : 0,
        .document = keys->number,
        .sign = keys->sign,
    };
}

/* Refuse a document that cannot be counted; it leaves no trace but a number and an alarm. */
static void
refuse(struct fiscal__step *step, const struct chek_document *document,
       const struct fiscal__key_set *keys, int code, struct chek_result *ret)
{
    struct chek_event event = event_of(document, keys);
    event.kind = CHEK_EVENT_KIND_ALARM;
    event.code = (uint32_t)-code;
    fiscal__event_tell(step, &event);
    fiscal__root_change(step->fiscal)->refused_count += 1;
    fiscal__warned_add(step, FISCAL__WARNING(REFUSED));
    ret->status = CHEK_STATUS_REFUSED;
    ret->code = (uint32_t)-code;
}

static void
answer_conflict(struct fiscal__step *step, const struct chek_document *document,
                const struct fiscal__key_set *keys, const struct chek_row *stored, uint16_t field,
                struct chek_result *ret)
{
    struct chek_event event = event_of(document, keys);
    event.kind = CHEK_EVENT_KIND_CONFLICT;
    event.ordinal = stored->ordinal;
    event.shift = stored->shift;
    event.code = field;
    fiscal__event_tell(step, &event);
    fiscal__root_change(step->fiscal)->conflict_count += 1;
    fiscal__warned_add(step, FISCAL__WARNING(CONFLICT));
    ret->status = CHEK_STATUS_CONFLICT;
    ret->code = (uint32_t)-CHEK_E_CONFLICT;
    ret->field = field;
    ret->ordinal = stored->ordinal;
    ret->shift = stored->shift;
}

/* ---- limits ----------------------------------------------------------------------------------- */

/* F23: whether the amounts still fit where they would be added. */
static bool
amounts_fit(const struct fiscal__registration *registration, uint64_t magnitude, uint64_t addend,
            int64_t cash)
{
    int64_t drawer;
    if (__builtin_add_overflow(registration->cash, cash, &drawer)) {
        return false;
    }
    return drawer <= FISCAL__MAGNITUDE_MAX && drawer >= -FISCAL__MAGNITUDE_MAX &&
           magnitude <= FISCAL__MAGNITUDE_MAX && addend <= FISCAL__MAGNITUDE_MAX - magnitude;
}

static uint64_t
place_magnitude(const struct fiscal__step *step, const struct fiscal__place *place)
{
    if (place->route == FISCAL__CURRENT) {
        return fiscal__shift_open_read(step->heap, step->registration)->magnitude;
    }
    if (place->route == FISCAL__NEXT) {
        return 0;
    }
    const struct fiscal__late *late =
        fiscal__late_read(step->heap, step->registration, place->shift);
    return late != NULL ? late->magnitude : 0;
}

/* ---- a new document --------------------------------------------------------------------------- */

/* Move what outlives a shift: the drawer and the non-nullable sums. (F5, F6) */
static void
carry(struct fiscal__registration *registration, const struct chek_document *document,
      const struct fiscal__effect *effect)
{
    registration->cash += effect->cash;
    if (document->receipt != NULL) {
        registration->sums[document->receipt->operation] += effect->total;
    }
}

/* A new document, what it does and where. */
struct arrival {
    const struct chek_document *document;
    const struct fiscal__key_set *keys;
    struct fiscal__effect effect;
    struct fiscal__place place;
    uint32_t warnings;
};

static void
count_current(struct fiscal__step *step, const struct arrival *arrival)
{
    struct fiscal__shift *shift = chek_page_heap_change(step->heap, step->registration->shift);
    chek_page_ref cell =
        fiscal__cell_obtain(step->heap, &shift->cells, fiscal__binding_now(step->registration));
    fiscal__root_change(step->fiscal)->open_frozen_size +=
        fiscal__cell_add(step->heap, cell, arrival->document, 1);
    shift->magnitude += arrival->effect.magnitude;
    shift->documents += 1;
    shift->last = arrival->keys->time > shift->last ? arrival->keys->time : shift->last;
}

static void
count_late(struct fiscal__step *step, const struct arrival *arrival)
{
    struct fiscal__late *late = fiscal__late_change(step, arrival->place.shift);
    uint32_t ordinal = step->registration->ordinal_next;
    if (arrival->document->close != NULL) {
        late->close = ordinal + 1;
    } else {
        chek_page_ref cell =
            fiscal__cell_obtain(step->heap, &late->cells, fiscal__binding_now(step->registration));
        fiscal__cell_add(step->heap, cell, arrival->document, 1);
    }
    late->magnitude += arrival->effect.magnitude;
    late->cash += arrival->effect.cash;
    fiscal__late_note(step->heap, late, ordinal, arrival->keys->time);
    fiscal__root_change(step->fiscal)->late_count += 1;
}

/* Open the shift of a document, and close the one before it when that was not done. (F12) */
static void
shift_begin(struct fiscal__step *step, const struct arrival *arrival)
{
    if (step->registration->shift != 0) {
        fiscal__shift_close(step, NULL, 0);
    }
    fiscal__shift_open(step, arrival->place.shift, arrival->keys->time);
}

/* Count a document where it belongs, and append it. Returns its ordinal. */
static uint32_t
store_counted(struct fiscal__step *step, struct arrival *arrival)
{
    const struct fiscal__place *place = &arrival->place;
    const uint32_t unknown = FISCAL__WARNING(LATE) | FISCAL__WARNING(SHIFT_UNKNOWN);
    if (place->route == FISCAL__NEXT) {
        shift_begin(step, arrival);
    } else if (place->route == FISCAL__LATE && !place->is_known) {
        fiscal__shift_close_unknown(step, place->shift, arrival->keys->time, NULL, unknown);
    }
    carry(step->registration, arrival->document, &arrival->effect);
    if (place->route == FISCAL__LATE) {
        count_late(step, arrival);
    } else {
        count_current(step, arrival);
    }
    arrival->warnings |= fiscal__warnings_after(step->registration, arrival->document);
    struct chek_row row = {
        .shift = place->shift,
        .warnings = arrival->warnings,
        .binding = fiscal__binding_now(step->registration),
        .kind = arrival->keys->row_kind,
        .late = place->route == FISCAL__LATE,
    };
    return fiscal__row_append(step, &row, arrival->document);
}

/* Close the shift that a close names; a late one is only noted. Returns its ordinal. */
static uint32_t
store_close(struct fiscal__step *step, struct arrival *arrival)
{
    const struct fiscal__place *place = &arrival->place;
    const struct chek_close *close = arrival->document->close;
    if (place->route == FISCAL__LATE && place->is_known) {
        return store_counted(step, arrival);
    }
    if (place->route == FISCAL__LATE) {
        return fiscal__shift_close_unknown(step, place->shift, close->time, close,
                                           arrival->warnings);
    }
    if (place->route == FISCAL__NEXT) {
        shift_begin(step, arrival);
    }
    return fiscal__shift_close(step, close, arrival->warnings);
}

static void
tell_stored(struct fiscal__step *step, const struct arrival *arrival, uint32_t ordinal)
{
    const struct chek_document *document = arrival->document;
    struct chek_event event = event_of(document, arrival->keys);
    event.ordinal = ordinal;
    event.shift = arrival->place.shift;
    if (document->close == NULL) {
        event.kind = document->receipt != NULL ? CHEK_EVENT_KIND_RECEIPT : CHEK_EVENT_KIND_MOVEMENT;
        fiscal__event_tell(step, &event);
    }
    if (arrival->place.route == FISCAL__LATE) {
        const struct fiscal__late *late =
            fiscal__late_read(step->heap, step->registration, arrival->place.shift);
        if (late != NULL) {
            event.kind = CHEK_EVENT_KIND_LATE;
            event.revision = late->revision;
            fiscal__event_tell(step, &event);
        }
        if (document->close != NULL && arrival->place.is_known) {
            fiscal__late_close_compare(step, arrival->place.shift, document->close, ordinal);
        }
    }
}

/* What may keep a document from being counted; nothing has changed. */
static int
arrival_check(const struct fiscal__step *step, struct arrival *arrival)
{
    int error =
        fiscal__shift_route(step->heap, step->registration, arrival->keys->shift, &arrival->place);
    if (error != CHEK_OK) {
        return error;
    }
    if (!amounts_fit(step->registration, place_magnitude(step, &arrival->place),
                     arrival->effect.magnitude, arrival->effect.cash)) {
        return CHEK_E_OVERFLOW;
    }
    arrival->warnings = fiscal__warnings_before(step, arrival->keys, &arrival->place) |
                        step->circumstance->warnings;
    return step->registration->ordinal_next > ORDINAL_MAX ? CHEK_E_FULL : CHEK_OK;
}

static void
apply_fresh(struct fiscal__step *step, const struct chek_document *document,
            const struct fiscal__key_set *keys, struct chek_result *ret)
{
    struct arrival arrival = {
        .document = document, .keys = keys, .effect = fiscal__document_effect(document)};
    int error = arrival_check(step, &arrival);
    if (error != CHEK_OK) {
        refuse(step, document, keys, error, ret);
        return;
    }
    uint32_t ordinal =
        document->close != NULL ? store_close(step, &arrival) : store_counted(step, &arrival);
    if (keys->number != 0) {
        fiscal__number_add(step->heap, step->registration, keys->number, ordinal);
    }
    fiscal__identity_note(step->registration, keys);
    tell_stored(step, &arrival, ordinal);
    ret->status = CHEK_STATUS_STORED;
    ret->ordinal = ordinal;
    ret->shift = arrival.place.shift;
    ret->warnings = arrival.warnings;
}

/* ---- a fuller copy ---------------------------------------------------------------------------- */

/* What stands under a document's keys. */
struct stored {
    struct chek_row row;
    struct chek_document document; /* unless it was removed */
    uint64_t sign;                 /* then */
    bool is_removed;
};

/* Put new minus old into the cell of the old copy's binding. (F19) */
static void
exchange(struct fiscal__step *step, const struct chek_document *document,
         const struct stored *stored, const struct fiscal__effect *fresh,
         const struct fiscal__effect *old)
{
    struct fiscal__registration *registration = step->registration;
    const struct fiscal__shift *open = fiscal__shift_open_read(step->heap, registration);
    bool is_open = open != NULL && open->number == stored->row.shift;
    chek_page_ref *cells;
    if (is_open) {
        struct fiscal__shift *shift = chek_page_heap_change(step->heap, registration->shift);
        int64_t time = fiscal__keys_of(document).time;
        shift->magnitude += fresh->magnitude + old->magnitude;
        shift->last = time > shift->last ? time : shift->last;
        cells = &shift->cells;
    } else {
        struct fiscal__late *late = fiscal__late_change(step, stored->row.shift);
        late->magnitude += fresh->magnitude + old->magnitude;
        late->cash += fresh->cash - old->cash;
        fiscal__late_note(step->heap, late, registration->ordinal_next,
                          fiscal__keys_of(document).time);
        fiscal__root_change(step->fiscal)->late_count += 1;
        cells = &late->cells;
    }
    chek_page_ref cell = fiscal__cell_obtain(step->heap, cells, stored->row.binding);
    size_t added = fiscal__cell_add(step->heap, cell, &stored->document, -1);
    added += fiscal__cell_add(step->heap, cell, document, 1);
    fiscal__root_change(step->fiscal)->open_frozen_size += is_open ? added : 0;
    registration->cash += fresh->cash - old->cash;
}

static struct fiscal__place
place_of_stored(const struct fiscal__step *step, const struct chek_row *row)
{
    const struct fiscal__shift *open = fiscal__shift_open_read(step->heap, step->registration);
    bool is_open = open != NULL && open->number == row->shift;
    return (struct fiscal__place){is_open ? FISCAL__CURRENT : FISCAL__LATE, row->shift, true};
}

static void
tell_completed(struct fiscal__step *step, const struct chek_document *document,
               const struct fiscal__key_set *keys, const struct fiscal__place *place,
               uint32_t ordinal)
{
    struct chek_event event = event_of(document, keys);
    event.kind = CHEK_EVENT_KIND_COMPLETED;
    event.ordinal = ordinal;
    event.shift = place->shift;
    if (place->route == FISCAL__LATE) {
        event.revision = fiscal__late_read(step->heap, step->registration, place->shift)->revision;
    }
    fiscal__event_tell(step, &event);
}

static void
apply_fuller(struct fiscal__step *step, const struct chek_document *document,
             const struct fiscal__key_set *keys, const struct stored *stored,
             struct chek_result *ret)
{
    struct fiscal__registration *registration = step->registration;
    struct fiscal__effect fresh = fiscal__document_effect(document);
    struct fiscal__effect old = fiscal__document_effect(&stored->document);
    struct fiscal__place place = place_of_stored(step, &stored->row);
    bool fits = amounts_fit(registration, place_magnitude(step, &place),
                            fresh.magnitude + old.magnitude, fresh.cash - old.cash);
    if (!fits || registration->ordinal_next > ORDINAL_MAX) {
        refuse(step, document, keys, fits ? CHEK_E_FULL : CHEK_E_OVERFLOW, ret);
        return;
    }
    exchange(step, document, stored, &fresh, &old);
    struct chek_row row = {
        .shift = stored->row.shift,
        .completes = stored->row.ordinal + 1,
        .warnings = fiscal__warnings_of_copy(step, document, keys, &place),
        .binding = stored->row.binding,
        .kind = stored->row.kind,
        .late = place.route == FISCAL__LATE,
    };
    uint32_t ordinal = fiscal__row_append(step, &row, document);
    int error = chek_store_replace(step->fiscal->store, registration->id, stored->row.ordinal);
    CHEK_ASSERT(error == CHEK_OK);
    fiscal__warned_take(step, stored->row.warnings);
    fiscal__index_insert(step->heap, &registration->completions,
                         (struct fiscal__entry){stored->row.ordinal, ordinal, 0});
    if (keys->number != 0 && fiscal__keys_of(&stored->document).number == 0) {
        fiscal__number_add(step->heap, registration, keys->number, ordinal);
    }
    fiscal__identity_note(registration, keys);
    fiscal__root_change(step->fiscal)->completed_count += 1;
    tell_completed(step, document, keys, &place, ordinal);
    ret->status = CHEK_STATUS_COMPLETED;
    ret->ordinal = ordinal;
    ret->shift = row.shift;
    ret->warnings = row.warnings;
}

/* ---- reports of a drive ----------------------------------------------------------------------- */

/* F14a: nothing is kept of a report but its number. */
static void
apply_report(struct fiscal__step *step, const struct chek_drive_report *report,
             struct chek_result *ret)
{
    uint32_t ordinal;
    if (fiscal__number_find(step->heap, step->registration, report->document, &ordinal)) {
        struct chek_row stored = {.ordinal =
                                      fiscal__newest_copy(step->heap, step->registration, ordinal)};
        struct chek_document document = {0};
        struct fiscal__key_set keys = {.number = report->document};
        answer_conflict(step, &document, &keys, &stored, CHEK_FIELD_DRIVE_REPORT_DOCUMENT, ret);
    } else if (fiscal__number_is_noted(step->heap, step->registration, report->document)) {
        fiscal__root_change(step->fiscal)->duplicate_count += 1;
        ret->status = CHEK_STATUS_DUPLICATE;
    } else {
        fiscal__number_note(step->heap, step->registration, report->document);
        ret->status = CHEK_STATUS_NOTED;
    }
}

/* Whether a report adds nothing. */
static bool
report_is_repeat(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
                 const struct chek_drive_report *report)
{
    uint32_t ordinal;
    return fiscal__number_is_noted(fiscal->heap, registration, report->document) &&
           !fiscal__number_find(fiscal->heap, registration, report->document, &ordinal);
}

/* ---- which of them ---------------------------------------------------------------------------- */

/* Of a document that was removed its row says which one it was, whether or not its bytes are still
 * there. Closes stay. (F28) */
static int
stored_read(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
            uint32_t ordinal, struct stored *ret)
{
    ret->is_removed = false;
    if (ordinal < registration->removed) {
        int error =
            chek_store_read_head(fiscal->store, registration->id, ordinal, &ret->row, &ret->sign);
        if (error != CHEK_OK || ret->row.kind != CHEK_ROW_CLOSE) {
            ret->is_removed = true;
            return error;
        }
    }
    return chek_store_read(fiscal->store, registration->id, ordinal, fiscal->scratch, &ret->row,
                           &ret->document);
}

/*
 * The row that answers for a close of a closed shift: the register's own. A shift that the engine
 * closed has room for one. (F15)
 */
static int
close_find(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
           const struct fiscal__key_set *keys, struct stored *ret)
{
    if (keys->row_kind != CHEK_ROW_CLOSE) {
        return CHEK_E_NOT_FOUND;
    }
    const struct fiscal__entry *entry =
        fiscal__index_find(fiscal->heap, &registration->shifts, keys->shift);
    if (entry == NULL) {
        return CHEK_E_NOT_FOUND;
    }
    int error = stored_read(fiscal, registration, entry->a, ret);
    if (error != CHEK_OK || !fiscal__close_is_ours(ret->document.close)) {
        return error;
    }
    const struct fiscal__late *late = fiscal__late_read(fiscal->heap, registration, keys->shift);
    if (late == NULL || late->close == 0) {
        return CHEK_E_NOT_FOUND;
    }
    return stored_read(fiscal, registration, late->close - 1, ret);
}

static int
stored_find(const struct chek_fiscal *fiscal, const struct fiscal__registration *registration,
            const struct fiscal__key_set *keys, struct stored *ret)
{
    uint32_t ordinal;
    int error = fiscal__identity_find(fiscal, registration, keys, &ordinal);
    if (error == CHEK_OK) {
        return stored_read(fiscal, registration, ordinal, ret);
    }
    return error == CHEK_E_NOT_FOUND ? close_find(fiscal, registration, keys, ret) : error;
}

/* Of a document that was removed only kind and sign are there to be compared, and no copy is fuller
 * than it was. (F28) */
static struct fiscal__sameness
sameness_of(const struct chek_document *document, const struct fiscal__key_set *keys,
            const struct stored *stored)
{
    static const uint16_t numbers[] = {CHEK_FIELD_RECEIPT_DOCUMENT, CHEK_FIELD_MOVEMENT_DOCUMENT,
                                       CHEK_FIELD_CLOSE_DOCUMENT};
    struct fiscal__sameness sameness = {0};
    if (!stored->is_removed) {
        return fiscal__compare(document, &stored->document);
    }
    if (stored->row.kind != keys->row_kind) {
        sameness.field = numbers[keys->row_kind];
    } else if (stored->sign != 0 && keys->sign != 0 && stored->sign != keys->sign) {
        sameness.field = CHEK_FIELD_RECEIPT_SIGN;
    }
    sameness.same = sameness.field == 0;
    return sameness;
}

/* What a sender gets to hear of a copy that stands. (F17) */
static void
result_of_copy(const struct chek_row *stored, struct chek_result *ret)
{
    ret->status = CHEK_STATUS_DUPLICATE;
    ret->ordinal = stored->ordinal;
    ret->shift = stored->shift;
    ret->warnings = stored->warnings;
}

bool
chek_fiscal_is_repeat(const struct chek_fiscal *fiscal, uint32_t registration,
                      const struct chek_document *document, struct chek_result *ret)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    struct stored stored;
    chek_arena_reset(fiscal->scratch);
    if (record == NULL) {
        return false;
    }
    if (document->drive_report != NULL) {
        if (!report_is_repeat(fiscal, record, document->drive_report)) {
            return false;
        }
        *ret = (struct chek_result){.status = CHEK_STATUS_DUPLICATE, .registration = registration};
        return true;
    }
    struct fiscal__key_set keys = fiscal__keys_of(document);
    if (stored_find(fiscal, record, &keys, &stored) != CHEK_OK) {
        return false;
    }
    struct fiscal__sameness sameness = sameness_of(document, &keys, &stored);
    if (!sameness.same || sameness.fuller) {
        return false;
    }
    *ret = (struct chek_result){.registration = registration};
    result_of_copy(&stored.row, ret);
    return true;
}

uint32_t
chek_fiscal_number_last(const struct chek_fiscal *fiscal, uint32_t registration)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    return record != NULL ? record->number_last : 0;
}

bool
chek_fiscal_has_numberless(const struct chek_fiscal *fiscal, uint32_t registration)
{
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    return record != NULL && record->numberless_time_last != 0;
}

static void
apply_known(struct fiscal__step *step, const struct chek_document *document,
            const struct fiscal__key_set *keys, const struct stored *stored,
            struct chek_result *ret)
{
    struct fiscal__sameness sameness = sameness_of(document, keys, stored);
    if (!sameness.same) {
        answer_conflict(step, document, keys, &stored->row, sameness.field, ret);
    } else if (sameness.fuller) {
        apply_fuller(step, document, keys, stored, ret);
    } else {
        fiscal__root_change(step->fiscal)->duplicate_count += 1;
        result_of_copy(&stored->row, ret);
    }
}

bool
chek_fiscal_apply(struct chek_fiscal *fiscal, uint32_t registration,
                  const struct chek_document *document,
                  const struct chek_circumstance *circumstance,
                  const struct chek_event_sink *events, struct chek_result *ret)
{
    chek_arena_reset(fiscal->scratch);
    chek_page_ref ref = 0;
    if (fiscal__registration_find(fiscal, registration, &ref) == NULL) {
        return false;
    }
    struct fiscal__step step = {
        .fiscal = fiscal,
        .heap = fiscal->heap,
        .registration = chek_page_heap_change(fiscal->heap, ref),
        .circumstance = circumstance,
        .events = events,
    };
    *ret = (struct chek_result){.registration = registration};
    if (document->drive_report != NULL) {
        apply_report(&step, document->drive_report, ret);
        return true;
    }
    struct fiscal__key_set keys = fiscal__keys_of(document);
    struct stored stored;
    int error = stored_find(fiscal, step.registration, &keys, &stored);
    if (error == CHEK_E_NOT_FOUND) {
        apply_fresh(&step, document, &keys, ret);
    } else if (error == CHEK_OK) {
        apply_known(&step, document, &keys, &stored, ret);
    } else {
        ret->status = CHEK_STATUS_REFUSED; /* a sealed page is damaged: nothing is known */
        ret->code = (uint32_t)-error;
    }
    return true;
}
