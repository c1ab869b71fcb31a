/* SPDX-License-Identifier: MIT */
/*
 * random_document.h - documents of any allowed shape, and a comparison that names the difference.
 *
 * A document is right in form (limits, required fields, texts in UTF-8) and otherwise anything:
 * its sums need not add up. It was encoded and decoded, so `raw` and every `present` are what a
 * server would see.
 */
#ifndef CHEK_TESTS_RANDOM_DOCUMENT_H
#define CHEK_TESTS_RANDOM_DOCUMENT_H

#include "engine/base/prng.h"
#include "engine/wire/protocol.h"

struct random_document_options {
    uint32_t line_count_max; /* 0: CHEK_LINE_COUNT_MAX; few lines are likelier than many */
    uint32_t text_count;     /* different texts of a field; 0: any bytes, hardly ever the same */
    bool with_profile;       /* sometimes name the register instead of a registration */
    bool with_personal;      /* sometimes name people in clear, as before a server took that away */
    bool with_zero_fields;   /* sometimes mark an absent field as present: a sender may say zero */
    int64_t time_min, time_max; /* 0: any valid time */
};

/*
 * Make a document of any kind: 90 % receipts, the others movements and closes.
 *
 *   Ownership  *ret is in `arena`
 *   Errors     LIMIT when the arena is too small (16 MiB are enough for any)
 */
CHEK_MUST_USE int random_document_make(struct chek_prng *prng,
                                       const struct random_document_options *options,
                                       struct chek_arena *arena, struct chek_document *ret);

/* Return the name of the first field that differs, NULL when none does. `raw` is not looked at. */
const char *random_document_difference(const struct chek_document *a,
                                       const struct chek_document *b);

#endif
