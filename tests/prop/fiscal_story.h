/* SPDX-License-Identifier: MIT */
/*
 * fiscal_story.h - a history of several registers under way, and the laws that it is held against.
 */
#ifndef CHEK_TESTS_FISCAL_STORY_H
#define CHEK_TESTS_FISCAL_STORY_H

#include "tests/fiscal/fixture.h"
#include "tests/fiscal/maker.h"
#include "tests/prop/prop.h"

#define REGISTER_COUNT 3
#define DOCUMENT_COUNT 260

/* What was sent and stays to be sent again, or fuller, or changed. */
struct sent {
    const struct chek_document *document;
    const struct chek_document *fuller; /* NULL: the document is whole */
    int32_t entry;                      /* in the naive list */
};

struct story_register {
    struct chek_naive naive;
    struct maker_register next;
    struct sent sent[2 * DOCUMENT_COUNT];
    uint32_t sent_count;
    uint32_t conflict_count;
};

/* What histories were about: a law that nothing touched would hold for nothing. */
struct coverage {
    uint64_t stored, duplicates, conflicts, completed, late, unknown, gaps, frozen_other,
        open_other, revisions, warned, noted, reports_filled, reports_repeated, reports_refused;
};

struct story {
    struct prop *prop;
    struct maker maker;
    struct coverage *covered;
    struct fixture fixture;
    struct chek_arena arena;
    struct story_register registers[REGISTER_COUNT];
};

/* Whatever the engine shows of the registers is what their documents come to. */
void fiscal_story_check(struct story *story);

#endif
