/* SPDX-License-Identifier: MIT */
/*
 * warned.h - what documents are marked with, and how often. (rules F25..F27)
 *
 * Inside the room only.
 */
#ifndef CHEK_FISCAL_WARNED_H
#define CHEK_FISCAL_WARNED_H

#include "engine/fiscal/identity.h"
#include "engine/fiscal/shift.h"

#define FISCAL__WARNING(NAME) (UINT32_C(1) << CHEK_WARNING_##NAME)

/* What a new document is marked with for where it comes, before it changes anything. */
uint32_t fiscal__warnings_before(const struct fiscal__step *step,
                                 const struct fiscal__key_set *keys,
                                 const struct fiscal__place *place);

/* What it is marked with for itself, and for the drawer as it leaves it. */
uint32_t fiscal__warnings_after(const struct fiscal__registration *registration,
                                const struct chek_document *document);

/* What a fuller copy is marked with, when it is counted and before its number is noted. */
uint32_t fiscal__warnings_of_copy(const struct fiscal__step *step,
                                  const struct chek_document *document,
                                  const struct fiscal__key_set *keys,
                                  const struct fiscal__place *place);

/* Count each of `warnings` once more, or once less: of a document that does not stand any more. */
void fiscal__warned_add(const struct fiscal__step *step, uint32_t warnings);
void fiscal__warned_take(const struct fiscal__step *step, uint32_t warnings);

#endif
