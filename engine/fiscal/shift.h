/* SPDX-License-Identifier: MIT */
/*
 * shift.h - the life of shifts: opened by a document, closed by one, late documents after. (F11..)
 *
 * Inside the room only. A step is the application of one document; everything it changes goes
 * through it.
 */
#ifndef CHEK_FISCAL_SHIFT_H
#define CHEK_FISCAL_SHIFT_H

#include "engine/fiscal/effect.h"

/* The document being applied, and where. */
struct fiscal__step {
    struct chek_fiscal *fiscal;
    struct chek_page_heap *heap;
    struct fiscal__registration *registration;
    const struct chek_circumstance *circumstance;
    const struct chek_event_sink *events;
};

/* Which shift a document goes to. (F11, F12) */
enum fiscal__route { FISCAL__CURRENT, FISCAL__NEXT, FISCAL__LATE };

struct fiscal__place {
    enum fiscal__route route;
    uint32_t shift;
    bool is_known; /* LATE: the shift was closed here; else nobody has seen it */
};

/*
 * Find the shift of a document that states `shift` (0 = none).
 *
 *   Errors     FULL when there is no number after the last; *ret is unchanged
 */
CHEK_MUST_USE int fiscal__shift_route(const struct chek_page_heap *heap,
                                      const struct fiscal__registration *registration,
                                      uint32_t shift, struct fiscal__place *ret);

const struct fiscal__shift *fiscal__shift_open_read(
    const struct chek_page_heap *heap, const struct fiscal__registration *registration);

/* What came late for a closed shift; NULL when nothing did. */
const struct fiscal__late *fiscal__late_read(const struct chek_page_heap *heap,
                                             const struct fiscal__registration *registration,
                                             uint32_t shift);

/* Begin a shift; the last one is closed. */
void fiscal__shift_open(struct fiscal__step *step, uint32_t number, int64_t time);

/*
 * Close the open shift: freeze its totals, append the row and free the cells. `close` is the
 * register's document, NULL when the engine closes it (F12). Returns the ordinal of the row.
 */
uint32_t fiscal__shift_close(struct fiscal__step *step, const struct chek_close *close,
                             uint32_t warnings);

/* Make an empty closed shift of a number that nobody has seen and later ones followed. (F15) */
uint32_t fiscal__shift_close_unknown(struct fiscal__step *step, uint32_t number, int64_t time,
                                     const struct chek_close *close, uint32_t warnings);

/*
 * Compare what the register's own close says with the report of the shift, which the engine had
 * closed before, and tell a difference. (F24)
 */
void fiscal__late_close_compare(struct fiscal__step *step, uint32_t shift,
                                const struct chek_close *close, uint32_t ordinal);

/* The late object of a closed shift, to be changed; made when there is none. */
struct fiscal__late *fiscal__late_change(struct fiscal__step *step, uint32_t shift);

/* Add an ordinal to what came late: one more revision. */
void fiscal__late_note(struct chek_page_heap *heap, struct fiscal__late *late, uint32_t ordinal,
                       int64_t time);

/* The ordinals of the first `count` late documents, in the order of arrival. */
void fiscal__late_ordinals(const struct chek_page_heap *heap, const struct fiscal__late *late,
                           uint32_t count, uint32_t *ordinals);

/* Append a row under the next ordinal; fills in what the step knows. Returns the ordinal. */
uint32_t fiscal__row_append(struct fiscal__step *step, struct chek_row *row,
                            const struct chek_document *document);

/* Tell an event; registration and time of receiving are filled in. */
void fiscal__event_tell(const struct fiscal__step *step, struct chek_event *event);

/* Whether a close row was made by the engine: a register's own names a number, shift or sign. */
static inline bool
fiscal__close_is_ours(const struct chek_close *close)
{
    return close->document == 0 && close->shift == 0 && close->sign == 0;
}

/* Binding in force now. */
static inline uint16_t
fiscal__binding_now(const struct fiscal__registration *registration)
{
    return (uint16_t)(registration->binding_count - 1);
}

#endif
