/* SPDX-License-Identifier: MIT */
/*
 * naive.h - the rules of engine/fiscal/README.md a second time, as plainly as they can be said.
 *
 * Every accepted document is kept in a list. A report is made by going through the list and adding
 * named figures up ("gross/0", "tax.sum/1/16000/0"); whatever the engine shows is turned into the
 * same named figures and compared. Nothing here is shared with the engine but the records of the
 * protocol. What a document is (new, a repeat, fuller) the caller knows, because it made it so.
 */
#ifndef CHEK_TESTS_FISCAL_NAIVE_H
#define CHEK_TESTS_FISCAL_NAIVE_H

#include "engine/wire/protocol.h"

#define NAIVE_FIGURE_MAX 8192
#define NAIVE_NAME_MAX 112
#define NAIVE_ENTRY_MAX 8192

struct naive_figures {
    struct {
        char name[NAIVE_NAME_MAX];
        chek_i128 value;
    } slots[NAIVE_FIGURE_MAX];
    uint32_t count;
};

struct naive_entry {
    const struct chek_document *document; /* NULL: a shift that nobody closed in time */
    uint32_t ordinal;
    uint32_t shift;
    uint16_t binding;
    bool late;
    bool closes;        /* its shift: the entry's frozen figures count what came before */
    bool opens;         /* its shift */
    int32_t completes;  /* index of the entry that it takes the place of, -1 = none */
    int32_t copy;       /* index of the entry that took its place, -1 = none */
    int64_t withdrawal; /* of the drawer, booked by a close */
};

/* One registration. */
struct naive {
    struct naive_entry entries[NAIVE_ENTRY_MAX];
    uint32_t count;
    uint32_t open; /* number of the open shift */
    uint32_t last; /* highest shift opened */
    uint32_t number_last;
    uint32_t ordinal;
    uint16_t binding;
};

struct naive_expected {
    uint32_t ordinal, shift, warnings;
};

/* Apply a new document; `completes` >= 0: a fuller copy of that entry. */
struct naive_expected naive_apply(struct naive *naive, const struct chek_document *document,
                                  int32_t completes);

/* The entry that stands for an entry: the last of its fuller copies. */
int32_t naive_standing(const struct naive *naive, int32_t entry);

/* Late documents of a shift so far; -1 when the shift was never closed. */
int32_t naive_revision(const struct naive *naive, uint32_t shift);

/* Figures of the open shift, of a closed one as frozen, and of what came late until a revision. */
void naive_open(const struct naive *naive, struct naive_figures *ret);
void naive_frozen(const struct naive *naive, uint32_t shift, struct naive_figures *ret);
void naive_late(const struct naive *naive, uint32_t shift, uint32_t revision,
                struct naive_figures *ret);

/* The figures that a report shows. */
void naive_read_report(const struct chek_report *report, struct naive_figures *ret);

/* Return the name of a figure that differs, NULL when none does. A figure of 0 may be missing. */
const char *naive_differs(const struct naive_figures *a, const struct naive_figures *b);

/* A figure by name, cut to 64 bits; for messages. */
int64_t naive_value(const struct naive_figures *figures, const char *name);

#endif
