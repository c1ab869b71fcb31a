/* SPDX-License-Identifier: MIT */
/*
 * sameness.h - two documents under one key: the same again, a fuller copy, or a conflict.
 *
 * Inside the room only. Rules F17..F19. The rule has a version (FISCAL__CORE_VERSION, part of the
 * partition's apply_version): a repeat must be judged the same way for ever.
 */
#ifndef CHEK_FISCAL_SAMENESS_H
#define CHEK_FISCAL_SAMENESS_H

#include "engine/fiscal/effect.h"

#define FISCAL__CORE_VERSION 1

struct fiscal__sameness {
    bool same;      /* the fiscal core is equal */
    bool fuller;    /* `fresh` carries all that `stored` does, and more */
    uint16_t field; /* what differs when they are not the same */
};

/* Compare a document that came with the one that stands under its key. Kinds may differ. */
struct fiscal__sameness fiscal__compare(const struct chek_document *fresh,
                                        const struct chek_document *stored);

/* Whether two civil times can be of one document: sources that print minutes have no seconds. */
bool fiscal__time_matches(int64_t a, int64_t b);

#endif
