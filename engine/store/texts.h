/* SPDX-License-Identifier: MIT */
/*
 * texts.h - the texts of a document, looked up together (of this room only).
 *
 * A look-up is two loads that depend on each other, often from memory. A document's texts are all
 * hashed and their buckets asked for before the first is looked up, so that they are waited for
 * together; chek_store_prefetch() a few documents before saves the waiting too.
 */
#ifndef CHEK_STORE_TEXTS_H
#define CHEK_STORE_TEXTS_H

#include "engine/store/set.h"

/* Texts of a receipt: operator, client, drive, parent's register, names of two modifiers; and
 * code, name, section and unit of each line. Empty ones are not counted. */
#define STORE__TEXT_COUNT_MAX (6 + 4 * CHEK_LINE_COUNT_MAX)

struct store__text {
    struct chek_bytes_view text;
    uint32_t tag;
    uint32_t code; /* when it was looked up */
    uint32_t dictionary;
};

/* List the texts of a document that are not empty, at most `count_max`, in the order in which
 * append.c asks for them; returns how many. */
uint32_t store__texts_list(const struct chek_document *document, uint32_t count_max,
                           struct store__text *ret);

/* Look all of them up, giving new ones their codes. */
void store__texts_intern(struct chek_store *store, struct store__text *texts, uint32_t count);

#endif
