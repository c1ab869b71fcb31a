/* SPDX-License-Identifier: MIT */
/*
 * naive.h - the rules of engine/fiscal/README.md a second time, as plainly as they can be said.
 *
 * Every accepted document of a registration is kept in a list. A report is made by going through
 * the documents of its shift and adding named figures up ("gross/0", "tax.sum/1.0016000/0");
 * whatever the engine shows is turned into the same named figures and compared. Nothing here is
 * shared with the engine but the records of the protocol: this room may use `base` and `wire`
 * alone. What a document is (new, a repeat, fuller) the caller knows.
 *
 *   Threads  one at a time
 */
#ifndef CHEK_NAIVE_NAIVE_H
#define CHEK_NAIVE_NAIVE_H

#include "engine/base/error.h"
#include "engine/wire/protocol.h"

#define CHEK_NAIVE_FIGURE_MAX 8192
#define CHEK_NAIVE_NAME_MAX 112

/* Named sums; all zero at first. A megabyte. */
struct chek_naive_figures {
    struct {
        char name[CHEK_NAIVE_NAME_MAX];
        chek_i128 value;
    } slots[CHEK_NAIVE_FIGURE_MAX];
    uint32_t used[CHEK_NAIVE_FIGURE_MAX]; /* slots in use */
    uint32_t count;
    bool overflow; /* there were more: such figures differ from any others */
};

struct chek_naive_entry {
    const struct chek_document *document; /* NULL: a shift that nobody closed in time */
    uint32_t ordinal;                     /* also the index in the list */
    uint32_t shift;
    uint32_t warnings; /* of the rules of fiscal alone */
    uint16_t binding;
    bool late;
    bool closes;        /* its shift: the entry's frozen figures count what came before */
    bool opens;         /* its shift */
    int32_t completes;  /* index of the entry that it takes the place of, -1 = none */
    int32_t copy;       /* index of the entry that took its place, -1 = none */
    int32_t next;       /* index of the next entry of its shift, -1 = none */
    int64_t withdrawal; /* of the drawer, booked by a close */
    int64_t cash;       /* in the drawer behind it */
    chek_i128 sums[CHEK_OPERATION_COUNT]; /* non-nullable, behind it */
};

/* The entries of one shift. */
struct chek_naive_shift {
    uint32_t number;
    int32_t first, last; /* entries */
    int32_t closing;     /* the entry that closes it, -1 = none */
    uint32_t revision;   /* late documents */
};

/* One registration; all zero is an empty one. */
struct chek_naive {
    struct chek_naive_entry *entries;
    uint32_t count, capacity;
    struct chek_naive_shift *shifts; /* by number */
    uint32_t shift_count, shift_capacity;
    uint32_t open; /* number of the open shift */
    uint32_t last; /* highest shift opened */
    uint32_t number_last;
    uint32_t *noted; /* numbers of reports, each once */
    uint32_t noted_count, noted_capacity;
    int64_t opened;    /* time of the open shift's first document */
    int64_t time_last; /* latest of a document */
    uint16_t binding;  /* of the next document */
};

struct chek_naive_expected {
    uint32_t ordinal, shift, warnings;
    bool may_gap; /* whether it is marked for a gap depends on when reports came */
};

/* Forget everything, and give the memory back. */
void chek_naive_finish(struct chek_naive *naive);

/* Forget everything, and keep the memory for the next registration. */
void chek_naive_clear(struct chek_naive *naive);

/*
 * Apply a new document that passed the check of its shape; `completes` >= 0: a fuller copy of that
 * entry, which is of the same kind, is not a close and has no other copy yet.
 *
 *   Ownership  borrows the document as long as the list lives
 *   Errors     -ENOMEM; the list is not to be used any more
 */
CHEK_MUST_USE int chek_naive_apply(struct chek_naive *naive, const struct chek_document *document,
                                   int32_t completes, struct chek_naive_expected *ret);

/* Note the number of a report, once. Errors: -ENOMEM; nothing is changed. */
CHEK_MUST_USE int chek_naive_note(struct chek_naive *naive, uint32_t number);

/* The entry that stands for an entry: the last of its fuller copies. */
int32_t chek_naive_standing(const struct chek_naive *naive, int32_t entry);

/* Late documents of a shift so far; -1 when the shift was never closed. */
int32_t chek_naive_revision(const struct chek_naive *naive, uint32_t shift);

/*
 * Figures of the open shift, of a closed one as frozen, and of what came late until a revision.
 *
 *   Errors     -ENOMEM; *ret holds some of the figures
 */
CHEK_MUST_USE int chek_naive_open(const struct chek_naive *naive, struct chek_naive_figures *ret);
CHEK_MUST_USE int chek_naive_frozen(const struct chek_naive *naive, uint32_t shift,
                                    struct chek_naive_figures *ret);
CHEK_MUST_USE int chek_naive_late(const struct chek_naive *naive, uint32_t shift, uint32_t revision,
                                  struct chek_naive_figures *ret);

/* What a receipt is marked with for its lines and taxes alone (rules C18 and C19). */
uint32_t chek_naive_doubts(const struct chek_receipt *receipt);

/* What a document is marked with for what it says of its register (rule C21). */
uint32_t chek_naive_register_doubts(const struct chek_register *what);

/* The figures that a report shows, whatever it shows. */
void chek_naive_read_report(const struct chek_report *report, struct chek_naive_figures *ret);

/* Return the name of a figure that differs, NULL when none does. A figure of 0 may be missing. */
const char *chek_naive_differs(const struct chek_naive_figures *a,
                               const struct chek_naive_figures *b);

/* A figure by name, cut to 64 bits; for messages. */
int64_t chek_naive_value(const struct chek_naive_figures *figures, const char *name);

#endif
