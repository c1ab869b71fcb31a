/* SPDX-License-Identifier: MIT */
/*
 * fiscal.h - registrations, shifts, identity and totals of one partition.
 *
 * One document goes in, and in the same step everything that depends on it is right: whether it is
 * new, a repeat, a conflict or a fuller copy; which shift it belongs to; what X and Z show. Totals
 * are kept in shift cells, one accumulator a (registration, shift, binding); a closed shift's cell
 * is frozen as bytes in the row of its close, a document that comes later for it goes to a late
 * cell, and the Z shows both. All state is in the partition's page heap; rows are in its store.
 *
 * Nothing here fails for lack of memory: room was ensured (chek_fiscal_ensure()), and shapes were
 * checked before logging (engine/fiscal/check.h).
 *
 *   Threads  the owning shard
 *   Rules    engine/fiscal/README.md, numbered F1...; code and tests cite the numbers
 */
#ifndef CHEK_FISCAL_FISCAL_H
#define CHEK_FISCAL_FISCAL_H

#include "engine/base/arena.h"
#include "engine/base/page_heap.h"
#include "engine/base/page_map.h"
#include "engine/store/store.h"
#include "engine/wire/protocol.h"

/* Fiscal state's part of the partition's root object; all zero at the start. (format) */
struct chek_fiscal_root {
    struct chek_page_map registrations; /* registration id -> reference of its record */
    struct chek_page_map keys;          /* hash of (kind, value) -> reference of a registration */
    uint64_t registration_count;
    uint64_t document_count; /* rows ever applied */
    uint64_t duplicate_count, conflict_count, late_count, completed_count, refused_count;
    uint64_t open_frozen_size; /* bytes that the rows of open shifts come to when frozen, at most */
    chek_page_ref registration_first, registration_last; /* chain in the order of registering */
};

/* The three things fiscal works on; all belong to the partition. */
struct chek_fiscal {
    struct chek_page_heap *heap;
    struct chek_store *store;
    size_t root_offset;         /* of struct chek_fiscal_root in the heap's root object */
    struct chek_arena *scratch; /* reset by fiscal at the start of each call */
};

/* The scratch arena holds at least this: a stored document as structures, or a shift's figures. */
#define CHEK_FISCAL_SCRATCH_SIZE (8 * 1024 * 1024)

/* What the envelope says about a command. */
struct chek_circumstance {
    uint64_t received_us; /* envelope time */
    uint64_t entropy;
    uint32_t warnings; /* bits of enum chek_warning that whoever took the document in found */
};

/* Where events go: called in order, while applying. */
struct chek_event_sink {
    void *context;
    void (*on_event)(void *context, const struct chek_event *event);
};

/*
 * Make sure that `document_count` documents or registrations, `size` bytes of them encoded, can be
 * applied without any allocation failing.
 *
 *   Errors     FULL, -ENOMEM; nothing changes
 */
CHEK_MUST_USE int chek_fiscal_ensure(struct chek_fiscal *fiscal, uint32_t document_count,
                                     size_t size);

/*
 * Make or update a registration. Known id: new keys and names are added, another trade point
 * begins a new binding from here on; currency and organisation never change. Keys are at most
 * CHEK_REGISTER_KEY_COUNT_MAX in all (asserted): who asks has claimed them in the directory.
 */
void chek_fiscal_register(struct chek_fiscal *fiscal, uint32_t registration,
                          const struct chek_register *what,
                          const struct chek_circumstance *circumstance,
                          const struct chek_event_sink *events);

/*
 * Whether loaded objects are whole: every reference names an object of its kind, every list ends,
 * every key is in the map. What numbers come to is not asked. Cost: walks everything.
 */
bool chek_fiscal_is_valid(const struct chek_fiscal *fiscal);

/* Forget which numbers are there. Only a planted bug does this. */
void chek_fiscal_forget(struct chek_fiscal *fiscal);

bool chek_fiscal_is_registered(const struct chek_fiscal *fiscal, uint32_t registration);

/*
 * Apply one checked document of a registered register. False, and nothing is done, when it is not.
 *
 *   Returns    *ret: status, ordinal, shift, warnings; of a report NOTED, and no ordinal; for a repeat those of the first copy;
 *              (of the copy that stands, when fuller ones came); for a conflict the field that
 *              differs; REFUSED with OVERFLOW when a sum of the shift or the drawer could leave 64
 *              bits, with FULL when ordinals or shift numbers are used up, with CORRUPT when the
 *              row to compare with is damaged: then nothing has changed but a counter
 *   Cost       one registration record, one shift cell, one row; a suspected repeat also reads
 *              the first copy's row
 */
CHEK_MUST_USE bool chek_fiscal_apply(struct chek_fiscal *fiscal, uint32_t registration,
                                     const struct chek_document *document,
                                     const struct chek_circumstance *circumstance,
                                     const struct chek_event_sink *events, struct chek_result *ret);

/*
 * Whether a document repeats one that was applied, and adds nothing to it: then *ret is what
 * applying it would answer, and nothing has to be logged. Changes nothing; false may also mean
 * that a page is damaged. (F17)
 *
 *   Cost  reads the first copy's row
 */
bool chek_fiscal_is_repeat(const struct chek_fiscal *fiscal, uint32_t registration,
                           const struct chek_document *document, struct chek_result *ret);

/* The highest regular number of a registration's documents so far; 0 when it has none. */
uint32_t chek_fiscal_number_last(const struct chek_fiscal *fiscal, uint32_t registration);

/* Whether a registration has documents without a regular number: then others are looked for by
 * their signs, among the rows of a minute. */
bool chek_fiscal_has_numberless(const struct chek_fiscal *fiscal, uint32_t registration);

/* Rows of a registration, from ordinal 0 on; 0 also when it is not known. */
uint32_t chek_fiscal_row_count(const struct chek_fiscal *fiscal, uint32_t registration);

/* A registration that a document is about to be applied to. */
struct chek_fiscal_target {
    const struct chek_fiscal *fiscal;
    uint32_t registration; /* known or not */
};

/*
 * Start loading what applying a document to each of these touches, all the way down: record, shift,
 * cell and its rows. Decides nothing.
 *
 *   Cost  about 60 ns each, and then a third of what a cold receipt costs otherwise
 */
void chek_fiscal_prefetch(const struct chek_fiscal_target *targets, uint32_t count);

/* ---- reading ---------------------------------------------------------------------------------- */

/*
 * Compute X (shift 0 or the open shift) or Z (a closed shift), as of `revision` late documents
 * (UINT32_MAX = the newest). Shift 0 with closed_wanted is the last one, which must be closed.
 * `late` is what came after the close: differences, its `cash` and `now` too.
 *
 *   Ownership  everything in *ret is in `arena`
 *   Errors     UNREGISTERED; NOT_FOUND no such shift or revision; SHIFT_OPEN when closed_wanted
 *              and it is not; LIMIT arena too small; CORRUPT a sealed row; *ret is unchanged
 */
CHEK_MUST_USE int chek_fiscal_report(const struct chek_fiscal *fiscal, uint32_t registration,
                                     uint32_t shift, uint32_t revision, bool closed_wanted,
                                     struct chek_arena *arena, struct chek_answer_report *ret);

/*
 * Find the row that closed a shift.
 *
 *   Errors     UNREGISTERED; NOT_FOUND no such shift, or it is open; *ret_ordinal is unchanged
 */
CHEK_MUST_USE int chek_fiscal_close_find(const struct chek_fiscal *fiscal, uint32_t registration,
                                         uint32_t shift, uint32_t *ret_ordinal);

/* `shift` and its texts are lent for the call. Return false to stop. */
typedef bool (*chek_shift_fn)(void *context, const struct chek_shift *shift);

/*
 * Read how many documents of a registration that stand are marked with each warning, and how often
 * what marks none (conflict, retry_differs, refused) happened; a count stays at the largest number.
 *
 *   Errors     UNREGISTERED; *ret is unchanged
 */
CHEK_MUST_USE int chek_fiscal_warned(const struct chek_fiscal *fiscal, uint32_t registration,
                                     uint32_t ret[CHEK_WARNING_COUNT]);

/* Count what marks no document. Room was ensured; an unknown registration is passed over. */
void chek_fiscal_warn(struct chek_fiscal *fiscal, uint32_t registration, enum chek_warning warning);

/* Call `on_shift` for shifts first..last (0 = no bound) in ascending order, the open one last. */
CHEK_MUST_USE int chek_fiscal_shifts(const struct chek_fiscal *fiscal, uint32_t registration,
                                     uint32_t first, uint32_t last, struct chek_arena *arena,
                                     chek_shift_fn on_shift, void *context);

/*
 * Find a document's ordinal by its regular number: that of the copy that stands.
 *
 *   Errors     UNREGISTERED, NOT_FOUND; *ret is unchanged
 */
CHEK_MUST_USE int chek_fiscal_find_document(const struct chek_fiscal *fiscal, uint32_t registration,
                                            uint32_t document, uint32_t *ret_ordinal);

/*
 * Find the copy that stands for an ordinal: itself, or the last of the fuller copies that took its
 * place. An ordinal that a sender once got stays a name for the document.
 *
 *   Errors     UNREGISTERED; NOT_FOUND when no row has this ordinal; *ret is unchanged
 */
CHEK_MUST_USE int chek_fiscal_newest_copy(const struct chek_fiscal *fiscal, uint32_t registration,
                                          uint32_t ordinal, uint32_t *ret_ordinal);

/*
 * Find a registration by a key. Of several (a register that went to another organisation) the
 * newest.
 *
 *   Errors     NOT_FOUND; *ret is unchanged
 */
CHEK_MUST_USE int chek_fiscal_find_key(const struct chek_fiscal *fiscal, uint8_t kind,
                                       struct chek_bytes_view value, uint32_t *ret_registration);

/* Where a registration stands between two documents. */
struct chek_fiscal_now {
    int64_t cash;          /* in the drawer */
    uint32_t shift_open;   /* 0 = none */
    uint32_t shift_last;   /* the highest number that was opened; 0 = none */
    uint32_t shift_closed; /* the highest number that was closed; 0 = none */
    int32_t zone_minutes;  /* of the registration; 0 = not said */
};

/* Errors: UNREGISTERED; *ret is unchanged. Cost: two objects and an index. */
CHEK_MUST_USE int chek_fiscal_now(const struct chek_fiscal *fiscal, uint32_t registration,
                                  struct chek_fiscal_now *ret);

/*
 * Find numbers that are missing between the first and the last regular number, those of reports
 * (F14a) counted too, in ascending order:
 * `on_gap` is called for each hole. Looks at *looks runs of numbers at most (1..; so there are no
 * more holes than that and one), and takes those off that it looked at. *from is 0 at the beginning,
 * then where to go on, and 0 again when that was all. Numbers that come between two calls are seen
 * when they are not below *from.
 *
 *   Errors  UNREGISTERED; nothing is changed
 *   Cost    four looks into indices a run
 */
CHEK_MUST_USE int chek_fiscal_gaps(const struct chek_fiscal *fiscal, uint32_t registration,
                                   uint32_t *from, uint32_t *looks,
                                   void (*on_gap)(void *context, uint32_t first, uint32_t count),
                                   void *context);

/*
 * Call `on_run` for each run of numbers that reports of a drive have, in ascending order. (F14a)
 *
 *   Errors  UNREGISTERED
 */
CHEK_MUST_USE int chek_fiscal_noted(const struct chek_fiscal *fiscal, uint32_t registration,
                                    void (*on_run)(void *context, uint32_t first, uint32_t count),
                                    void *context);

/*
 * Read what is known of a registration. `points` of earlier bindings by binding index.
 *
 *   Errors     UNREGISTERED; LIMIT; *ret is unchanged
 */
CHEK_MUST_USE int chek_fiscal_registration(const struct chek_fiscal *fiscal, uint32_t registration,
                                           struct chek_arena *arena, struct chek_registered *ret);

/* The trade point's code of a binding; an empty view when there is none. Borrows the heap. */
struct chek_bytes_view chek_fiscal_point(const struct chek_fiscal *fiscal, uint32_t registration,
                                         uint16_t binding);

/* Walk the registrations in the order in which they came. */
bool chek_fiscal_registration_next(const struct chek_fiscal *fiscal, uint32_t *registration,
                                   bool first);

#endif
