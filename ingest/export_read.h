/* SPDX-License-Identifier: MIT */
/*
 * export_read.h - documents out of what `chek export` wrote, as JSON lines or as CSV.
 *
 * A line of JSON is a document with its register, every field under its name in protocol.def. CSV
 * has a row a record: its first cell says which field of which record it is ("receipt.lines"), the
 * others are the record's own values under the names of the first row. Both say all that a document
 * says, so that what is read again is the same document.
 *
 *   Source   ingest/FFD_JSON.md "Export"
 *   Threads  a reader belongs to one thread at a time
 */
#ifndef CHEK_INGEST_EXPORT_READ_H
#define CHEK_INGEST_EXPORT_READ_H

#include "ingest/fns_json.h"

struct chek_export_read;

enum chek_export_format {
    CHEK_EXPORT_NONE, /* something else */
    CHEK_EXPORT_JSONL,
    CHEK_EXPORT_CSV,
};

/* What a file's first bytes say. */
enum chek_export_format chek_export_detect(const void *bytes, size_t size);

/*
 * Make a reader; documents and refusals go to the sink in the order of the bytes.
 *
 *   Ownership  copies the sink; destroy with chek_export_read_destroy()
 *   Errors     -ENOMEM
 */
CHEK_MUST_USE int chek_export_read_create(const struct chek_fns_json_sink *sink,
                                          enum chek_export_format format,
                                          struct chek_export_read **ret);
void chek_export_read_destroy(struct chek_export_read *reader); /* takes NULL */

/*
 * Read the next bytes, in pieces of any size, or their end.
 *
 *   Errors     MAGIC when they are no JSON or no CSV: refused at the place; nothing more is read.
 *              What the sink returned
 */
CHEK_MUST_USE int chek_export_read(struct chek_export_read *reader, const void *bytes, size_t size);
CHEK_MUST_USE int chek_export_read_end(struct chek_export_read *reader);

#endif
