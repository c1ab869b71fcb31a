/* SPDX-License-Identifier: MIT */
/*
 * identity.h - which ordinal a key leads to. (rules F14..F16)
 *
 * Inside the room only. Regular numbers are runs {first number, first ordinal, count} of documents
 * that came in order; the last run is in the registration's record, so the next number in order is
 * known to be new without a look at anything else.
 */
#ifndef CHEK_FISCAL_IDENTITY_H
#define CHEK_FISCAL_IDENTITY_H

#include "engine/fiscal/fiscal_state.h"

/* The keys of a document, whatever its kind. */
struct fiscal__key_set {
    int64_t time;
    uint64_t sign;
    uint64_t autonomous;
    uint32_t number;
    uint32_t shift; /* as stated */
    uint8_t row_kind;
};

struct fiscal__key_set fiscal__keys_of(const struct chek_document *document);

/* The first copy's ordinal of a regular number; false when it was never seen. */
bool fiscal__number_find(const struct chek_page_heap *heap,
                         const struct fiscal__registration *registration, uint32_t number,
                         uint32_t *ret_ordinal);

/* Note that `number`, never seen before, has this ordinal, the newest of the registration. */
void fiscal__number_add(struct chek_page_heap *heap, struct fiscal__registration *registration,
                        uint32_t number, uint32_t ordinal);

/* Numbers of a drive's reports, which leave no rows. (F14a) */
bool fiscal__number_is_noted(const struct chek_page_heap *heap,
                             const struct fiscal__registration *registration, uint32_t number);
/* Note a number that was not. */
void fiscal__number_note(struct chek_page_heap *heap, struct fiscal__registration *registration,
                         uint32_t number);
/* Whether every number behind the last document's and below `number` is noted. */
bool fiscal__numbers_are_noted(const struct chek_page_heap *heap,
                               const struct fiscal__registration *registration, uint32_t number);

/* The ordinal of the copy that stands: `ordinal`, or the last of those that completed it. */
uint32_t fiscal__newest_copy(const struct chek_page_heap *heap,
                             const struct fiscal__registration *registration, uint32_t ordinal);

/*
 * Find the copy that stands for a document's keys.
 *
 *   Errors     NOT_FOUND when there is none; CORRUPT from a sealed page
 *   Cost       nothing for the next number in order; runs by binary search; a document without a
 *              number is looked for in the rows of its minute when others came that late
 */
CHEK_MUST_USE int fiscal__identity_find(const struct chek_fiscal *fiscal,
                                        const struct fiscal__registration *registration,
                                        const struct fiscal__key_set *keys, uint32_t *ret_ordinal);

/* Remember the times that decide whether a later look by sign is needed. */
void fiscal__identity_note(struct fiscal__registration *registration,
                           const struct fiscal__key_set *keys);

#endif
