/* SPDX-License-Identifier: MIT */
/*
 * ffd_marking.h - the product codes of a line: tags 1162 and 1163 (of this room only).
 */
#ifndef CHEK_INGEST_FFD_MARKING_H
#define CHEK_INGEST_FFD_MARKING_H

#include "ingest/ffd_tlv.h"

struct ingest__ffd_marking {
    struct chek_bytes_view code; /* as JSON has it; empty: it only names a product */
    struct chek_bytes_view gtin; /* digits; empty: it names none */
};

/*
 * Read tag 1162, or an element of 1163.
 *
 *   Ownership  *ret is the arena's
 *   Errors     SHORT: 1162 ends inside its prefix or number; of chek_ffd_text_read()
 */
CHEK_MUST_USE int ingest__ffd_marking_read(const struct chek_ffd_element *element,
                                           struct chek_arena *arena,
                                           struct ingest__ffd_marking *ret);

#endif
