/* SPDX-License-Identifier: MIT */
/*
 * fns_signed.h - the bytes that were signed, beside the JSON that was made of them (of this room
 * only).
 *
 * Some dialects carry a receipt twice: as members and, in `rawData`, as the elements that the drive
 * signed. The members are what is stored; where the bytes say something else, it is told.
 *
 *   Source   ingest/FFD_JSON.md J11, J12
 */
#ifndef CHEK_INGEST_FNS_SIGNED_H
#define CHEK_INGEST_FNS_SIGNED_H

#include "engine/base/arena.h"
#include "ingest/ffd_document.h"

/* What came of a comparison. */
struct ingest__fns_signed {
    struct chek_fault fault; /* code CHEK_OK: they agree; CONFLICT: `field` differs; others: the
                              * bytes are no document, and why */
    char why[CHEK_FFD_WHY_SIZE];
};

/*
 * Compare a document with the bytes it was made of, in base64. A receipt whose time is whole hours
 * off gets the time of the bytes, which is the wall clock's; a close without counters those of the
 * bytes.
 *
 *   Ownership  makes *maker when it is NULL; what it changes in *document is of the arena
 *   Errors     -ENOMEM; *document is unchanged
 */
CHEK_MUST_USE int ingest__fns_signed_compare(struct chek_ffd_maker **maker,
                                             struct chek_bytes_view base64,
                                             struct chek_arena *arena,
                                             struct chek_document *document,
                                             struct ingest__fns_signed *ret);

#endif
