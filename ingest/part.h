/* SPDX-License-Identifier: MIT */
/*
 * part.h - the documents of one frame that go to one shard, and what became of them.
 *
 * A frame names registers of any partition, so it is cut into parts, one a shard that owns some of
 * them. The origin fills a part and hands it over; the owner logs and applies its items, writes a
 * result beside each and hands it back. A part carries its bytes with it: nothing of it refers to
 * the connection that it came from.
 *
 *   Threads  one shard at a time; handing over goes through the io room
 */
#ifndef CHEK_INGEST_PART_H
#define CHEK_INGEST_PART_H

#include "engine/base/limits.h"
#include "engine/base/list.h"
#include "engine/io/io.h"
#include "engine/partition/envelope.h"
#include "engine/wire/protocol.h"
#include "ingest/subject.h"

/* One command that is wanted. */
struct chek_part_item {
    const uint8_t *body; /* of the command; see chek_part.owns_bytes */
    uint32_t body_size;
    uint32_t registration;
    uint16_t partition;
    uint8_t kind;                        /* CHEK_COMMAND_DOCUMENT or CHEK_COMMAND_REGISTER */
    uint8_t subject_count;               /* personal values that travel along */
    uint16_t index;                      /* of the document in its frame */
    uint32_t number;                     /* the document's regular number; 0 = none */
    uint32_t warnings;                   /* of the check of its shape */
    uint64_t source_offset;              /* 0 = not numbered */
    const struct chek_subject *subjects; /* in the part's buffer, as the bodies of theirs are */
};

struct chek_part {
    struct chek_message message; /* payload points back at the part */
    struct chek_list link;       /* the owner's queue */
    void *frame;                 /* the origin's */
    uint64_t source;             /* principal << 32 | the client's stream */
    uint32_t item_count;
    uint32_t taken_count;   /* items that the owner has logged or answered */
    uint32_t done_count;    /* items that have their result */
    uint32_t credit_size;   /* bytes of budget that it holds */
    uint16_t origin, owner; /* shards */
    bool owns_bytes; /* bodies are in `buffer`; else they are borrowed for the length of one call */
    uint8_t *buffer; /* CHEK_PART_BUFFER_SIZE bytes */
    size_t buffer_size;
    struct chek_part_item *items; /* CHEK_FRAME_RECEIPT_COUNT_MAX */
    struct chek_result *results;
};

/* Twice a frame: a document whose personal value is taken out is written anew beside it. */
#define CHEK_PART_BUFFER_SIZE (2 * CHEK_FRAME_BODY_SIZE_MAX + 65536)

struct chek_part_pool {
    struct chek_list free;
    struct chek_part *parts;
    uint32_t part_count;
    uint32_t free_count;
    uint8_t *memory; /* reserved address space, touched as it is used */
    size_t memory_size;
};

/*
 * Make a pool of parts.
 *
 *   Errors     -ENOMEM; *pool is unchanged
 */
CHEK_MUST_USE int chek_part_pool_init(struct chek_part_pool *pool, uint32_t part_count);
void chek_part_pool_finish(struct chek_part_pool *pool);

/* Take an empty part; NULL when all are under way. */
struct chek_part *chek_part_take(struct chek_part_pool *pool);
void chek_part_give(struct chek_part_pool *pool, struct chek_part *part);

/*
 * Copy bodies that are borrowed into the part's own buffer, from item `first` on: the owner could
 * not finish in the call.
 */
void chek_part_own(struct chek_part *part, uint32_t first);

/* Copy bytes into the part's buffer; NULL when they do not fit. */
const uint8_t *chek_part_copy(struct chek_part *part, const void *bytes, size_t size);

#endif
