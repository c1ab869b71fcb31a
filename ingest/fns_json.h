/* SPDX-License-Identifier: MIT */
/*
 * fns_json.h - Russian receipts as JSON, in every dialect that is met, turned into documents.
 *
 * The tax service's application exports an array of {ticket.document.receipt}, its first API gave
 * document.receipt, checking services wrap the receipt in data.json, the service's cabinet writes
 * roubles with decimals and nulls, vending machines write epoch seconds beside a local time; bare
 * receipts and lines of JSON come too. None of them says which it is, so the content decides: the
 * innermost object on a path of wrappers is a receipt, and money is in roubles when the receipt
 * is written as the cabinet writes (README.md "Russian JSON").
 *
 * Bytes may come in pieces of any size; the same documents follow. No number passes through a double.
 *
 *   Source   ingest/README.md "Russian JSON"; tags and names: FNS order ED-7-20/662@
 *   Threads  a reader belongs to one thread at a time
 */
#ifndef CHEK_INGEST_FNS_JSON_H
#define CHEK_INGEST_FNS_JSON_H

#include "engine/wire/protocol.h"

struct chek_fns_json;

/* What a reader finds, in the order of the bytes. `offset` is where the receipt's object begins. */
struct chek_fns_json_sink {
    void *context;
    /* A document with its register, checked (fiscal/check.h); of a report of the drive its number
     * (document->drive_report), unless it does not say whose it is. It borrows the reader's memory until
     * the call returns. Anything but CHEK_OK stops reading and is what the feeding call returns. */
    int (*on_document)(void *context, uint64_t offset, const struct chek_document *document,
                       uint32_t warnings);
    /* A receipt that is none, and why; or bytes that are no JSON, which ends the reading. */
    int (*on_refusal)(void *context, uint64_t offset, const struct chek_fault *fault,
                      const char *text);
    /* The document that was told last differs from the bytes in its `rawData`: CONFLICT and the
     * field, or why they are no document. May be NULL. */
    int (*on_difference)(void *context, uint64_t offset, const struct chek_fault *fault,
                         const char *text);
};

/*
 * Make a reader.
 *
 *   Ownership  copies the sink; destroy with chek_fns_json_destroy()
 *   Errors     -ENOMEM
 */
CHEK_MUST_USE int chek_fns_json_create(const struct chek_fns_json_sink *sink,
                                       struct chek_fns_json **ret);
void chek_fns_json_destroy(struct chek_fns_json *reader); /* takes NULL */

/*
 * Read the next bytes, or their end.
 *
 *   Errors     MAGIC when they are no JSON: refused at the place; nothing more is read.
 *              What the sink returned
 */
CHEK_MUST_USE int chek_fns_json_read(struct chek_fns_json *reader, const void *bytes, size_t size);
CHEK_MUST_USE int chek_fns_json_end(struct chek_fns_json *reader);

/* Documents found, refused ones included. */
uint64_t chek_fns_json_count(const struct chek_fns_json *reader);

#endif
