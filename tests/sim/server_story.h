/* SPDX-License-Identifier: MIT */
/*
 * server_story.h - what the registers of a run will say, in which order, and what comes of it.
 *
 * A register has a list of documents: receipts, movements, closes, late ones, poor copies and the
 * fuller ones that complete them. A sender keeps their order, so whatever happens, what a server
 * holds of a register is the first so many of them: a prefix. Ordinals, shifts, warnings and every
 * figure of every report follow from its length (tools/verify/naive/naive.h), and an oracle only has to
 * remember how short and how long a prefix can be.
 */
#ifndef CHEK_SIM_SERVER_STORY_H
#define CHEK_SIM_SERVER_STORY_H

#include "tests/fiscal/maker.h"

#define STORY_REGISTER_COUNT 6
#define STORY_ORGANISATION_COUNT 3
#define STORY_DOCUMENT_MAX 192 /* of a register */
#define STORY_MARK 0xc3a95e71u /* upper half of the sign of every receipt */

struct story_document {
    const struct chek_document *document; /* without registration and profile */
    int32_t completes;                    /* index of the poorer copy, -1 = none */
    uint32_t entry;                       /* in the naive list */
    struct chek_naive_expected expected;  /* when it is stored for the first time */
    uint32_t mark;                        /* lower half of its sign; 0: its bytes bear none */
};

struct story_register {
    struct chek_register profile;
    unsigned organisation;
    struct story_document documents[STORY_DOCUMENT_MAX];
    uint32_t count;
    struct chek_naive naive; /* all of them applied */
    struct maker_register next;
    const struct chek_document *fullers[8]; /* copies that may come */
    int32_t poorer[8];                      /* of which document */
    uint32_t fuller_count;
};

struct story {
    struct chek_prng prng;
    struct chek_arena *arena;
    bool is_plain; /* without poor copies and fuller ones */
    struct story_register registers[STORY_REGISTER_COUNT];
    uint32_t mark;
    struct chek_naive prefix; /* of prefix_register, prefix_count documents applied */
    unsigned prefix_register;
    uint32_t prefix_count;
};

/* Make up a run of so many documents a register, everything in `arena`; a plain one has no poor
 * copies, so that what is stored does not depend on what was removed before. */
void story_make(struct story *story, struct chek_arena *arena, uint64_t seed,
                uint32_t document_count, bool is_plain);

void story_free(struct story *story);

/* The first `count` documents of a register, applied; good until the next call. */
const struct chek_naive *story_prefix(struct story *story, unsigned at, uint32_t count);

/* The index of the document that stands at an entry of the naive list; -1: the engine's close. */
int32_t story_document_of(const struct story_register *from, uint32_t entry);

/* Another document under the keys of one: a conflict. In `arena`. */
const struct chek_document *story_conflict(const struct story_document *document,
                                           struct chek_arena *arena);

/* A document that is out of shape whichever register it names. In `arena`. */
const struct chek_document *story_misshapen(struct chek_arena *arena, uint64_t seed);

#endif
