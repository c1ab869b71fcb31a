/* SPDX-License-Identifier: MIT */
/*
 * feed_frame.h - a frame in work, shared by the files of feeding.
 */
#ifndef CHEK_INGEST_FEED_FRAME_H
#define CHEK_INGEST_FEED_FRAME_H

#include "ingest/feed.h"

/* A register's record is at most 1.5 KiB: so many fit into one command. */
#define FEED_CLAIM_COUNT_MAX 128
#define FEED_CLAIM_ROUND_MAX (CHEK_FRAME_RECEIPT_COUNT_MAX / FEED_CLAIM_COUNT_MAX + 1)

/* Where a document goes; partition 0 = nowhere, its result is there already. */
struct ingest__home {
    struct chek_bytes_view body;
    uint32_t registration;
    uint32_t warnings;
    uint32_t number; /* of the document; 0 = none */
    uint16_t partition;
    bool personal; /* somebody is on it in clear */
};

struct chek_feed_frame {
    struct chek_list link;           /* free */
    struct chek_request *request;    /* NULL when its connection went away, and beside `inside` */
    struct chek_feed_inside *inside; /* who fed it, when no session did */
    uint64_t source;
    uint64_t offset;
    uint32_t principal;
    uint32_t document_count;
    uint32_t part_count;
    uint32_t open_count; /* parts that are not back */
    uint32_t claim_count;
    uint32_t claim_round;                 /* claims made for this frame so far */
    bool unbounded;                       /* the principal's scope has no bounds */
    bool claimed;                         /* what could be claimed was */
    bool for_claim;                       /* a frame of the opcode claim */
    bool answer_waits;                    /* for room in the connection */
    const struct chek_bytes_view *bodies; /* the turn's arena */
    struct ingest__home *homes;           /* CHEK_FRAME_RECEIPT_COUNT_MAX each */
    struct chek_result *results;
    struct chek_register *claims;
    struct chek_claimed *claimed_list;
    struct chek_registered *registered_list; /* of the answer of the opcode claim */
    uint8_t *body_buffer, *claim_buffer;     /* CHEK_FRAME_BODY_SIZE_MAX each */
    size_t body_size;
    struct chek_part *parts[CHEK_SHARD_COUNT_MAX];
};

struct chek_feed_host {
    struct chek_feed_port port;
    struct chek_io *io;
    struct chek_part_pool parts;
    struct chek_list free;
    struct chek_feed_frame *frames;
    uint8_t *memory; /* of the frames' arrays and buffers: reserved, touched as used */
    size_t memory_size;
    uint32_t frame_count, free_count;
    struct chek_feed_counters counters;
    struct chek_arena arena; /* of what comes from inside, as a request has one */
};

extern const uint8_t ingest__no_subject[16];

CHEK_MUST_USE int ingest__frames_init(struct chek_feed_host *host);
void ingest__frames_finish(struct chek_feed_host *host);
struct chek_feed_frame *ingest__frame_take(struct chek_feed_host *host,
                                           struct chek_request *request);
void ingest__frame_give(struct chek_feed_host *host, struct chek_feed_frame *frame);
/* A frame of something from inside; NULL: all are in work. */
struct chek_feed_frame *ingest__frame_take_inside(struct chek_feed_host *host,
                                                  struct chek_feed_inside *inside);
/* Where a frame is decoded: what is there is over with the turn, or with the next from inside. */
struct chek_arena *ingest__frame_arena(struct chek_feed_host *host, struct chek_feed_frame *frame);

/* End a frame without any results. Nobody may be left to hear of it. */
void ingest__frame_refuse(struct chek_feed_host *host, struct chek_feed_frame *frame, int error,
                          const struct chek_fault *fault);
/* End a frame from inside. */
void ingest__frame_tell(struct chek_feed_host *host, struct chek_feed_frame *frame, int error);

/* End a frame as BUSY: it is sent again. Of a claim, what the directory decided stands. */
void ingest__frame_busy(struct chek_feed_host *host, struct chek_feed_frame *frame);

/* The part of the frame for a shard, begun when it is needed first. NULL: the pool is empty. */
struct chek_part *ingest__part_for(struct chek_feed_host *host, struct chek_feed_frame *frame,
                                   unsigned shard);
void ingest__parts_give_back(struct chek_feed_host *host, struct chek_feed_frame *frame);

/* Judge the documents of a frame, then claim, or cut parts and hand them over. */
void ingest__frame_run(struct chek_feed_host *host, struct chek_feed_frame *frame,
                       struct chek_bytes_view body);
/* Have the claim in `claim_buffer` made, `body_size` bytes. */
void ingest__frame_claim(struct chek_feed_host *host, struct chek_feed_frame *frame);

/* Take who buys out of a document: the body is written anew into the part, with the subjects. */
bool ingest__take_personal(struct chek_feed_host *host, struct chek_part *part,
                           struct chek_part_item *item, struct chek_arena *arena);

/* Every result is there: answer, now or when there is room. */
void ingest__answer(struct chek_feed_host *host, struct chek_feed_frame *frame);
void ingest__answer_claim(struct chek_feed_host *host, struct chek_feed_frame *frame, int error,
                          const struct chek_claimed *claimed, uint32_t claimed_count);

#endif
