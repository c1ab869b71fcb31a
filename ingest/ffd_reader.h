/* SPDX-License-Identifier: MIT */
/*
 * ffd_reader.h - Russian fiscal documents in files: one behind the other, in any of the forms that
 * they are kept in.
 *
 * Bytes may come in pieces of any size; the same documents follow.
 *
 *   Source   ingest/FFD.md T1..T10
 *   Threads  a reader belongs to one thread at a time
 */
#ifndef CHEK_INGEST_FFD_READER_H
#define CHEK_INGEST_FFD_READER_H

#include "engine/wire/protocol.h"

struct chek_ffd_reader;

/* What a reader finds, in the order of the bytes. `offset` is where its message, container or
 * document begins. Anything but CHEK_OK stops reading and is what the feeding call returns. */
struct chek_ffd_sink {
    void *context;
    /* A document with its register, checked; of a report of the drive its number. It borrows the reader's memory until the call ends. */
    int (*on_document)(void *context, uint64_t offset, const struct chek_document *document,
                       uint32_t warnings);
    /* Bytes that are no document, and why. */
    int (*on_refusal)(void *context, uint64_t offset, const struct chek_fault *fault,
                      const char *text);
    /* A document that is right, of a kind that the engine keeps nothing of; its name in JSON. */
    int (*on_passed)(void *context, uint64_t offset, const char *name);
};

/*
 * Make a reader.
 *
 *   Ownership  copies the sink; destroy with chek_ffd_reader_destroy()
 *   Errors     -ENOMEM
 */
CHEK_MUST_USE int chek_ffd_reader_create(const struct chek_ffd_sink *sink,
                                         struct chek_ffd_reader **ret);
void chek_ffd_reader_destroy(struct chek_ffd_reader *reader); /* takes NULL */

/*
 * Read the next bytes, or their end.
 *
 *   Errors     MAGIC when it is not known where the next document begins: refused at the place;
 *              nothing more is read. What the sink returned
 */
CHEK_MUST_USE int chek_ffd_reader_read(struct chek_ffd_reader *reader, const void *bytes,
                                       size_t size);
CHEK_MUST_USE int chek_ffd_reader_end(struct chek_ffd_reader *reader);

#endif
