/* SPDX-License-Identifier: MIT */
/* warned.c - marks of documents, and counts of them by registration. */
#include "engine/fiscal/warned.h"

#include "engine/base/civil.h"
#include "engine/fiscal/check.h"

/* ---- marks ------------------------------------------------------------------------------------ */

/* F14, F14a: numbers of reports are there, though they are no documents. */
static uint32_t
number_warnings(const struct fiscal__step *step, const struct fiscal__key_set *keys)
{
    const struct fiscal__registration *registration = step->registration;
    bool is_behind = registration->number_last != 0 && keys->number > registration->number_last &&
                     keys->number - registration->number_last > 1;
    return is_behind && !fiscal__numbers_are_noted(step->heap, registration, keys->number)
               ? FISCAL__WARNING(DOCUMENT_GAP)
               : 0;
}

static uint32_t
late_warnings(const struct fiscal__place *place)
{
    if (place->route != FISCAL__LATE) {
        return 0;
    }
    return FISCAL__WARNING(LATE) | (place->is_known ? 0 : FISCAL__WARNING(SHIFT_UNKNOWN));
}

/* F25: the shift that is due is the open one, or the next one behind a closed one. */
static uint32_t
shift_warnings(const struct fiscal__step *step, const struct fiscal__key_set *keys,
               const struct fiscal__place *place)
{
    const struct fiscal__shift *open = fiscal__shift_open_read(step->heap, step->registration);
    uint32_t last = step->registration->shift_last;
    if (place->route == FISCAL__NEXT) {
        bool is_due = open == NULL && (last == 0 || place->shift - last == 1);
        return is_due ? 0 : FISCAL__WARNING(SHIFT_DIFFERS);
    }
    bool is_long = place->route == FISCAL__CURRENT && keys->time - open->opened > CHEK_CIVIL_DAY_S;
    return is_long ? FISCAL__WARNING(SHIFT_LONG) : 0;
}

uint32_t
fiscal__warnings_before(const struct fiscal__step *step, const struct fiscal__key_set *keys,
                        const struct fiscal__place *place)
{
    const struct fiscal__registration *registration = step->registration;
    bool is_back = registration->number_last != 0 && keys->number > registration->number_last &&
                   keys->time < registration->time_last;
    return late_warnings(place) | number_warnings(step, keys) | shift_warnings(step, keys, place) |
           (is_back ? FISCAL__WARNING(TIME_BACK) : 0);
}

uint32_t
fiscal__warnings_after(const struct fiscal__registration *registration,
                       const struct chek_document *document)
{
    bool is_owing = registration->cash < 0 && document->close == NULL;
    return chek_document_warnings(document) | (is_owing ? FISCAL__WARNING(CASH_NEGATIVE) : 0);
}

uint32_t
fiscal__warnings_of_copy(const struct fiscal__step *step, const struct chek_document *document,
                         const struct fiscal__key_set *keys, const struct fiscal__place *place)
{
    return late_warnings(place) | number_warnings(step, keys) |
           fiscal__warnings_after(step->registration, document) | step->circumstance->warnings;
}

/* ---- counts ----------------------------------------------------------------------------------- */

static struct fiscal__warned *
warned_obtain(struct chek_page_heap *heap, struct fiscal__registration *registration)
{
    if (registration->warned == 0) {
        registration->warned = fiscal__allocate(heap, sizeof(struct fiscal__warned));
    }
    return chek_page_heap_change(heap, registration->warned);
}

void
fiscal__warned_add(const struct fiscal__step *step, uint32_t warnings)
{
    if (warnings == 0) {
        return;
    }
    struct fiscal__warned *warned = warned_obtain(step->heap, step->registration);
    for (; warnings != 0; warnings &= warnings - 1) {
        uint32_t *count = &warned->counts[__builtin_ctz(warnings)];
        *count += *count != UINT32_MAX;
    }
}

void
fiscal__warned_take(const struct fiscal__step *step, uint32_t warnings)
{
    if (warnings == 0) {
        return;
    }
    struct fiscal__warned *warned = warned_obtain(step->heap, step->registration);
    for (; warnings != 0; warnings &= warnings - 1) {
        uint32_t *count = &warned->counts[__builtin_ctz(warnings)];
        *count -= *count != 0;
    }
}

void
chek_fiscal_warn(struct chek_fiscal *fiscal, uint32_t registration, enum chek_warning warning)
{
    chek_page_ref ref = 0;
    if (fiscal__registration_find(fiscal, registration, &ref) != NULL) {
        struct fiscal__step step = {.heap = fiscal->heap,
                                    .registration = chek_page_heap_change(fiscal->heap, ref)};
        fiscal__warned_add(&step, UINT32_C(1) << warning);
    }
}

int
chek_fiscal_warned(const struct chek_fiscal *fiscal, uint32_t registration,
                   uint32_t ret[CHEK_WARNING_COUNT])
{
    static const struct fiscal__warned nothing;
    const struct fiscal__registration *record =
        fiscal__registration_find(fiscal, registration, NULL);
    if (record == NULL) {
        return CHEK_E_UNREGISTERED;
    }
    const struct fiscal__warned *warned =
        record->warned != 0 ? chek_page_heap_read(fiscal->heap, record->warned) : &nothing;
    memcpy(ret, warned->counts, CHEK_WARNING_COUNT * sizeof *ret);
    return CHEK_OK;
}
