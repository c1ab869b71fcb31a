/* SPDX-License-Identifier: MIT */
/*
 * feed.h - native frames of documents: decoded, checked, sent to the shards that own them, and
 * answered with one result for every document.
 *
 * A feed host belongs to a shard. A frame is judged document by document; what is out of shape or
 * of a register that is not the sender's to feed gets its refusal here and goes no further. Either
 * all the rest is accepted or the whole frame is BUSY.
 *
 *   Source   engine/wire/PROTOCOL.md "Feeding"
 *   Threads  the owning shard
 */
#ifndef CHEK_INGEST_FEED_H
#define CHEK_INGEST_FEED_H

#include "engine/session/session.h"
#include "ingest/part.h"
#include "ingest/subject.h"

struct chek_feed_host;
struct chek_feed_frame;

/* What feeding needs of the wiring. */
struct chek_feed_port {
    void *context;
    const struct chek_directory *(*directory)(void *context);
    unsigned (*shard_of)(void *context, uint16_t partition);
    /* Whether a part of so many bytes may go to that shard now. */
    bool (*has_credit)(void *context, unsigned shard, size_t size);
    /* Hand a part over; it comes back through chek_feed_part_done(). */
    void (*submit)(void *context, struct chek_part *part);
    /* Claim registers (an encoded command_claim); chek_feed_claimed() follows. False: busy. */
    bool (*claim)(void *context, struct chek_feed_frame *frame, struct chek_bytes_view claim);
    const struct chek_subject_key *key;
};

/*
 * Something to be fed that is nobody's session: an adapter's listener has it. It is as trusted as the
 * server itself: it sees every register, and what nobody knows is claimed.
 */
struct chek_feed_inside {
    /*
     * Told once, maybe inside of the call that begins it; otherwise nothing is fed from here, since
     * whoever tells is in the middle of taking documents. BUSY: nothing happened, begin again later;
     * another error: what became of it is not known; CHEK_OK: *result says it, durably.
     */
    void (*on_done)(struct chek_feed_inside *inside, int error, const struct chek_result *result);
};

struct chek_feed_config {
    struct chek_io *io;
    uint32_t frame_count; /* in work at once */
    uint32_t part_count;
};

struct chek_feed_counters {
    uint64_t frame_count, document_count, stored_count, duplicate_count, conflict_count,
        refused_count, completed_count, noted_count, busy_count, claim_count;
};

CHEK_MUST_USE int chek_feed_host_create(const struct chek_feed_config *config,
                                        const struct chek_feed_port *port,
                                        struct chek_feed_host **ret);
void chek_feed_host_destroy(struct chek_feed_host *host); /* takes NULL */

/* Handlers of the opcodes feed and claim; context is the host. */
void chek_feed_handle(void *host, struct chek_request *request, struct chek_bytes_view body);
void chek_feed_claim_handle(void *host, struct chek_request *request, struct chek_bytes_view body);
void chek_feed_on_abandon(void *host, struct chek_request *request);
void chek_feed_on_room(void *host, struct chek_request *request);

/* Feed a document, or tell of a register as the opcode claim does. Both borrow for the call. */
void chek_feed_document(struct chek_feed_host *host, struct chek_feed_inside *inside,
                        const struct chek_document *document);
void chek_feed_register(struct chek_feed_host *host, struct chek_feed_inside *inside,
                        const struct chek_register *what);

/* A part is back with its results. */
void chek_feed_part_done(struct chek_feed_host *host, struct chek_part *part);

/* A claim was made durable and every shard knows it (CHEK_OK), or it failed. `claimed` has one
 * entry a register, in order. */
void chek_feed_claimed(struct chek_feed_host *host, struct chek_feed_frame *frame, int error,
                       const struct chek_claimed *claimed, uint32_t claimed_count);

/* Whether any frame is in work. */
bool chek_feed_is_idle(const struct chek_feed_host *host);
struct chek_feed_counters chek_feed_count(const struct chek_feed_host *host);

#endif
