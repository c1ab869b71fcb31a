/* SPDX-License-Identifier: MIT */
/*
 * host.h - questions in work, shared by the files of this room.
 *
 * A kind of question is a row of `struct query__kind`: how it begins at the origin (decode, find the
 * partitions, set the state), and what a step does at the owner. The host does everything else:
 * the pool, sending visits partition by partition, sending chunks, abandoning.
 */
#ifndef CHEK_QUERY_HOST_H
#define CHEK_QUERY_HOST_H

#include "query/query.h"

struct query__kind {
    uint8_t opcode;
    /* Judge the question and choose where it goes: visit->partition (the first), and
     * visit->partition_last. CHEK_OK, or an error with visit->fault and visit->text. */
    int (*begin)(struct chek_query_host *host, struct chek_visit *visit);
    /* One step at the owner, and on a worker of it; `work` is NULL when it never asks for one. */
    enum chek_visit_next (*run)(struct chek_visit *visit, const struct chek_visit_ground *ground);
    enum chek_visit_next (*work)(struct chek_visit *visit, const struct chek_visit_view *view);
    bool is_long; /* every step is a worker's */
};

struct chek_query_host {
    struct chek_query_config config;
    struct chek_query_port port;
    struct chek_list free;
    struct chek_visit *visits;
    uint8_t *memory; /* questions and chunks: reserved, touched as used */
    size_t memory_size;
    uint32_t free_count;
    struct chek_waits report_waits;
};

/* The rows; one for every opcode of the room. */
extern const struct query__kind query__report, query__shifts, query__receipts, query__receipt,
    query__sums, query__registers, query__gaps, query__reconcile, query__warnings, query__marked,
    query__sold_again, query__erasures, query__person, query__person_receipts;

const struct chek_directory *query__directory(struct chek_query_host *host);

/*
 * Resolve a target among what the principal sees.
 *
 *   Errors     NOT_FOUND (also when it exists and is not seen), AMBIGUOUS with the candidates in
 *              visit->text; *ret is unchanged
 */
CHEK_MUST_USE int query__resolve(struct chek_query_host *host, struct chek_visit *visit,
                                 const struct chek_target *target, uint16_t field, uint32_t *ret);

/*
 * Resolve the one register that a question is about, and send the visit to its partition.
 *
 *   Errors     as query__resolve(); UNREGISTERED
 */
CHEK_MUST_USE int query__visit_register(struct chek_query_host *host, struct chek_visit *visit,
                                        const struct chek_target *target, uint16_t field,
                                        uint32_t *ret);

/*
 * Send the visit to the partition of an organisation, all of which the asker sees.
 *
 *   Errors     PERMISSION
 */
CHEK_MUST_USE int query__visit_organisation(struct chek_query_host *host, struct chek_visit *visit,
                                            struct chek_bytes_view organisation, uint16_t field);

/*
 * The subject that a question means, by itself or by a value; the value is wiped from the question.
 *
 *   Errors     FIELD_MISSING, RANGE; *ret is unchanged
 */
CHEK_MUST_USE int query__subject(struct chek_query_host *host, struct chek_visit *visit,
                                 const struct chek_person_query *question,
                                 struct chek_bytes_view organisation, uint8_t ret[16]);

/* Whether a document names a subject, as its buyer or among its persons. */
bool query__names(const struct chek_document *document, const uint8_t subject[16]);

/* Whether the asker sees a document of the visit's partition: it is of his scope and was not removed. */
bool query__sees_document(const struct chek_visit *visit, const struct chek_visit_ground *ground,
                          uint32_t registration, uint32_t ordinal);

/* Whether a register that is known is of an organisation and at a point; empty texts: of any. */
bool query__register_fits(const struct chek_visit_ground *ground, uint32_t registration,
                          struct chek_bytes_view organisation, struct chek_bytes_view point);

/* What a register that is known is called first, copied into the arena of the step: the directory's
 * pages may change before a worker comes. A step takes so few that it fits (asserted). */
struct chek_bytes_view query__key_copy(const struct chek_visit_ground *ground,
                                       uint32_t registration);

/* A stored document as an answer shows it; its own time. */
void query__stored_fill(struct chek_stored *stored, const struct chek_row *row,
                        const struct chek_document *document);
int64_t query__document_time(const struct chek_document *document);

/* Encode into the chunk of a visit; asserts that it fits: steps are bounded so that it does. */
struct chek_writer query__chunk_begin(struct chek_visit *visit);
void query__chunk_end(struct chek_visit *visit, const struct chek_writer *out);

#endif
