/* SPDX-License-Identifier: MIT */
/*
 * feeder.h - documents in bulk: frames filled, pipelined, repeated until each document is judged.
 *
 * A document counts as judged when the server said stored, duplicate, completed, conflict, or refused
 * for a reason that lies in it. Until then the feeder keeps its bytes: it waits out BUSY, and after
 * a broken connection it connects again and repeats what was not answered. The server knows the
 * documents it has, so nothing is doubled; results come in the order in which documents were added.
 *
 *   Source   engine/wire/PROTOCOL.md "Feeding", "Credits"
 *   Threads  a feeder belongs to one thread at a time
 */
#ifndef CHEK_CLIENT_FEEDER_H
#define CHEK_CLIENT_FEEDER_H

#include "query/client/client.h"

struct chek_feeder;

struct chek_feeder_options {
    struct chek_client_options connection;
    uint32_t frame_size;  /* bytes of documents at which a frame is sent; 0: 128 KiB */
    uint32_t frame_count; /* frames kept at most; 0: 32 */
    uint64_t offset;      /* the source's number of the first document; 0: not numbered */
    uint32_t backoff_ms;  /* first wait after BUSY or a broken connection, doubled each time up
                             to 100-fold; 0: 50 */
    uint32_t patience_ms; /* how long to go on when nothing gets through; 0: 60,000 */
    void *context;
    /* What became of document `index` (0 = the first added). Called from the feeder's functions. */
    void (*on_result)(void *context, uint64_t index, const struct chek_result *result);
};

struct chek_feeder_counters {
    uint64_t document_count; /* judged */
    uint64_t stored_count, duplicate_count, completed_count, conflict_count, refused_count;
    uint64_t noted_count;
    uint64_t frame_count; /* sent, repeats included */
    uint64_t busy_count;  /* times that the server had no room */
    uint64_t reconnect_count;
    uint64_t acknowledged; /* highest offset of a stored, completed or noted document; 0: none */
    bool alarm;            /* the server held less than was acknowledged */
};

/*
 * Connect and be ready for documents.
 *
 *   Ownership  copies what the options point to; close with chek_feeder_close()
 *   Errors     as chek_client_connect(); -ENOMEM; LIMIT a frame size above CHEK_FRAME_BODY_SIZE_MAX
 */
CHEK_MUST_USE int chek_feeder_open(const struct chek_feeder_options *options,
                                   struct chek_feeder **ret, struct chek_failure *failure);

/*
 * Add an encoded `document`. May send, receive, call on_result, and wait for room.
 *
 *   Ownership  copies the bytes
 *   Errors     LIMIT a document that no frame can hold: it is not added and the feeder goes on.
 *              Any other is final, chek_feeder_failure() tells more: the server refuses to be fed (AUTHENTICATION, PERMISSION, ..), or nothing
 *              got through for patience_ms. What has no result then is unknown
 */
CHEK_MUST_USE int chek_feeder_add(struct chek_feeder *feeder, struct chek_bytes_view document);

/* Send what is left and wait until every document added has its result. Errors as above. */
CHEK_MUST_USE int chek_feeder_flush(struct chek_feeder *feeder);

/* Close the connection; documents without a result stay without. Takes NULL. */
void chek_feeder_close(struct chek_feeder *feeder);

struct chek_feeder_counters chek_feeder_count(const struct chek_feeder *feeder);
const struct chek_failure *chek_feeder_failure(const struct chek_feeder *feeder);

#endif
