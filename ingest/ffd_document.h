/* SPDX-License-Identifier: MIT */
/*
 * ffd_document.h - from a Russian fiscal document's elements to a document of the engine.
 *
 * The elements are put where the JSON of the same document would have put its values, so that a
 * receipt is the same one whichever way it comes (FFD.md R1).
 *
 *   Source   ingest/FFD.md R1..R12
 *   Threads  a maker belongs to one thread at a time
 */
#ifndef CHEK_INGEST_FFD_DOCUMENT_H
#define CHEK_INGEST_FFD_DOCUMENT_H

#include "engine/wire/protocol.h"
#include "ingest/ffd_container.h"

#define CHEK_FFD_WHY_SIZE 128

struct chek_ffd_maker;

struct chek_ffd_made {
    struct chek_document document; /* borrows the maker's memory until the next is made */
    uint32_t warnings;             /* bits of enum chek_warning */
    bool kept;                     /* false: a kind that the engine keeps no document of */
    bool noted;                    /* of those: document.drive_report is given, its number (R10) */
    bool registers;                /* ... and document.profile is the register as its registration
                                    * says it */
    const char *name;              /* of the kind, as JSON says it */
};

/* Errors: -ENOMEM. */
CHEK_MUST_USE int chek_ffd_maker_create(struct chek_ffd_maker **ret);
void chek_ffd_maker_destroy(struct chek_ffd_maker *maker); /* takes NULL */

/*
 * Make and check a document.
 *
 *   Errors     of the walk, of values and of chek_document_check(), in *fault and in words in
 *              `why`; RANGE also when the container names another drive or another number
 */
CHEK_MUST_USE int chek_ffd_make(struct chek_ffd_maker *maker, const struct chek_ffd_found *found,
                                struct chek_ffd_made *ret, struct chek_fault *fault,
                                char why[CHEK_FFD_WHY_SIZE]);

#endif
