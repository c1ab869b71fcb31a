/* SPDX-License-Identifier: MIT */
/*
 * visit.h - one bounded step of a question, at the shard that owns the partition.
 *
 * The shard that has the connection keeps the question; the shard that owns a partition holds the
 * answer. A visit carries the question to one partition, is run there for one step that fills at
 * most one chunk of answer, and comes back with where it stopped. The origin sends the chunk when
 * the connection has room and, if there is more, posts the visit again. So a question never holds
 * a shard for longer than a step, and a client that reads slowly holds nothing but its own visit.
 *
 *   Threads  one shard at a time; handing over goes through the io room
 */
#ifndef CHEK_QUERY_VISIT_H
#define CHEK_QUERY_VISIT_H

#include "engine/base/arena.h"
#include "engine/base/list.h"
#include "engine/io/io.h"
#include "engine/partition/partition.h"

#define CHEK_VISIT_CHUNK_SIZE (256 * 1024) /* bytes of one chunk of answer */
#define CHEK_VISIT_QUESTION_SIZE (272 * 1024)
#define CHEK_VISIT_STATE_SIZE 512

/* What a step may look at: one partition of the owning shard, and the shard's directory copy. */
struct chek_visit_ground {
    struct chek_partition *partition;
    const struct chek_directory *directory;
    struct chek_arena *arena; /* for the step; reset after it */
};

struct chek_visit {
    struct chek_message message;  /* payload points back at the visit */
    struct chek_list link;        /* free */
    struct chek_request *request; /* the origin's; NULL when it was abandoned */
    /* Run one step: read the question, go on from `state`, fill `chunk`, set `done` or not. */
    void (*run)(struct chek_visit *visit, const struct chek_visit_ground *ground);
    uint16_t origin, owner, partition;
    uint16_t partition_last; /* the question goes on up to this one */
    uint8_t opcode;
    bool under_way; /* posted and not back */
    bool done;      /* this partition has nothing more */
    bool ready;     /* a chunk waits for room */
    uint32_t principal;
    int error; /* instead of a chunk */
    struct chek_fault fault;
    char text[256]; /* of the refusal; "" = the error's own */
    const void *kind;
    uint8_t *question; /* the request's body, CHEK_VISIT_QUESTION_SIZE */
    size_t question_size;
    uint8_t *chunk; /* an encoded record of the answer, CHEK_VISIT_CHUNK_SIZE */
    size_t chunk_size;
    uint64_t state[CHEK_VISIT_STATE_SIZE / 8]; /* the step's own: where it stopped */
};

#endif
