/* SPDX-License-Identifier: MIT */
/*
 * event_block.h - a block of an event file, shared by the files of the event log.
 *
 *   offset size
 *        0    4  "CHKE"
 *        4    2  version, 1
 *        6    2  partition
 *        8    8  number of the first event
 *       16    4  events
 *       20    4  size of the body
 *       24   16  identity of the data folder
 *       40    8  XXH3-64 of the body, seeded with the sum of the head
 *       48    8  XXH3-64 of bytes 0..39
 *       56       body: entries of u16 size and an encoded `event`; zeros up to a multiple of 8
 */
#ifndef CHEK_PERSIST_EVENT_BLOCK_H
#define CHEK_PERSIST_EVENT_BLOCK_H

#include "persist/event_log.h"

#define EVENT_HEAD_SIZE 56
#define EVENT_BODY_SIZE_MAX (CHEK_EVENT_BLOCK_SIZE_MAX - EVENT_HEAD_SIZE - 8)

struct persist__event_head {
    uint64_t seq;
    uint32_t count;
    uint32_t size; /* of the body */
    uint16_t partition;
    uint64_t sum, head_sum;
};

/* Where a block is. */
struct persist__event_place {
    uint64_t seq;
    uint64_t offset;
    uint32_t count;
    uint32_t size; /* of the body */
    int32_t file;  /* handle */
};

/* The blocks of one partition, in the order of their numbers. */
struct persist__event_stream {
    struct persist__event_place *places;
    size_t count, capacity;
};

struct chek_event_index {
    uint64_t folder_id[2];
    unsigned partition_count;
    struct persist__event_stream *streams; /* partition_count + 1 */
    int *files;                            /* handles of files of earlier runs */
    size_t file_count;
};

static inline size_t
persist__event_block_size(uint32_t body_size)
{
    return (EVENT_HEAD_SIZE + (size_t)body_size + 7) / 8 * 8;
}

void persist__event_head_write(const struct persist__event_head *head, const uint64_t folder_id[2],
                               const uint8_t *body, uint8_t bytes[EVENT_HEAD_SIZE]);

/* Errors: CORRUPT; VERSION; FOREIGN. *ret is unchanged. */
CHEK_MUST_USE int persist__event_head_read(struct chek_bytes_view bytes,
                                           const uint64_t folder_id[2], unsigned partition_count,
                                           struct persist__event_head *ret);

/* Whether a body is what its head says. */
bool persist__event_body_fits(const struct persist__event_head *head, struct chek_bytes_view body);

/* Add a block to a stream. Errors: -ENOMEM; GAP when it is not the next. */
CHEK_MUST_USE int persist__event_stream_add(struct persist__event_stream *stream,
                                            const struct persist__event_place *place);

/* The block that holds a number; NULL when none does. */
const struct persist__event_place *persist__event_stream_find(
    const struct persist__event_stream *stream, uint64_t seq);

#endif
