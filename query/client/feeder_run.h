/* SPDX-License-Identifier: MIT */
/*
 * feeder_run.h - a feeder's inside, shared by the files of this room.
 *
 * A frame is READY until it is sent, SENT until it is answered, AGAIN when the server had no room
 * for it or did not judge all of it, DONE when its results wait for those of the frames before it.
 */
#ifndef CHEK_CLIENT_FEEDER_RUN_H
#define CHEK_CLIENT_FEEDER_RUN_H

#include "query/client/client_run.h"
#include "query/client/feeder.h"

#define FEEDER_ADDRESS_SIZE_MAX 300
#define FEEDER_TOKEN_SIZE_MAX 128
#define FEEDER_PROGRAM_SIZE_MAX 64
#define FEEDER_DOCUMENT_COUNT_MAX CHEK_FRAME_RECEIPT_COUNT_MAX

/* Bytes of a feed beside its documents: mask, offset, count; and the size before each document. */
#define FEEDER_SIZE_OVERHEAD (1 + 8 + 2)
#define FEEDER_DOCUMENT_SIZE_OVERHEAD 3

enum client__frame_state { FRAME_FREE, FRAME_READY, FRAME_SENT, FRAME_AGAIN, FRAME_DONE };

struct client__frame {
    uint8_t *bytes; /* a whole frame */
    size_t capacity, size;
    struct chek_result *results;
    uint64_t offset; /* of the first document; 0 = not numbered */
    uint64_t frame_id;
    uint32_t count, judged_count;
    bool *judged;
    enum client__frame_state state;
};

struct chek_feeder {
    struct chek_feeder_options options;
    char address[FEEDER_ADDRESS_SIZE_MAX + 1];
    char program[FEEDER_PROGRAM_SIZE_MAX + 1];
    uint8_t token[FEEDER_TOKEN_SIZE_MAX];
    struct chek_client *client; /* NULL between connections */
    struct chek_failure failure;
    struct chek_feeder_counters counters;
    struct chek_arena arena; /* of one answer */
    struct client__frame *frames;
    uint32_t frame_count;     /* of the ring */
    uint64_t head, tail;      /* frames head .. tail - 1 are in use */
    uint64_t frame_id;        /* the last one given out */
    uint64_t sent_size;       /* bytes in flight */
    uint64_t delivered_count; /* documents whose result was told */
    uint64_t offset_next;     /* of the next document; 0 = not numbered */
    uint64_t progress_ms;     /* when something last got through */
    uint32_t backoff_ms;
    /* The frame that is being filled. */
    uint8_t *fill;
    size_t fill_capacity, fill_size;
    struct chek_bytes_view *documents;
    size_t *document_sizes;
    uint32_t document_count;
    int error; /* final */
};

/* Connect; the frames that are kept are untouched. */
CHEK_MUST_USE int client__feeder_connect(struct chek_feeder *feeder, struct chek_failure *failure);

#endif
