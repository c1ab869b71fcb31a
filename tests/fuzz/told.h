/* SPDX-License-Identifier: MIT */
/* told.h - what a reader of documents told, as one number: the same bytes are to tell the same. */
#ifndef CHEK_FUZZ_TOLD_H
#define CHEK_FUZZ_TOLD_H

#include "engine/wire/protocol.h"

/* All zero at the start. */
struct told {
    uint64_t hash;
    uint64_t count;
};

void told_note(struct told *told, const void *bytes, size_t size);

/* A sink's on_document, of a `struct told`: the document passes the encoder, and is the same again
 * when it is decoded. */
int told_document(void *told, uint64_t offset, const struct chek_document *document,
                  uint32_t warnings);

/* A sink's on_refusal. That there is nothing to read is told at any place, so the place is not. */
int told_refusal(void *told, uint64_t offset, const struct chek_fault *fault, const char *text);

#endif
