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
 * What touches a few objects is run on the owner's thread. What looks at many rows is run by a
 * worker over a view of the store (engine/store/view.h): the owner gives such a visit one of few
 * places, in the order in which they came; its `run` prepares there what the worker needs of the
 * partition and the directory, in steps as short as any, and then `work` has all the time it wants.
 *
 *   Threads  one shard at a time, or a worker; handing over goes through the io room
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

/* What opens values of persons, which are encrypted; any thread. */
struct chek_visit_persons {
    const void *key;
    /* The value of a subject of an organisation, 255 bytes at most. Errors: CORRUPT it is encrypted
     * with another key; NOT_FOUND the subject is another organisation's. */
    int (*open)(const void *key, struct chek_bytes_view organisation, const uint8_t subject[16],
                struct chek_bytes_view secret, uint8_t *ret, size_t *ret_size, uint8_t *ret_kind);
};

/* What a step on the owner's thread may look at: a partition, and the shard's directory copy. */
struct chek_visit_ground {
    struct chek_partition *partition;
    const struct chek_directory *directory;
    const struct chek_visit_persons *persons;
    struct chek_arena *arena; /* reset after the step, or when the visit leaves its place */
};

/* What a worker may look at. */
struct chek_visit_view {
    const struct chek_store *store; /* as it was when the partition was at `partition_seq` */
    uint64_t partition_seq;
    struct chek_arena *arena; /* of the place: with what was prepared */
};

/* What becomes of a visit that was run. */
enum chek_visit_next {
    CHEK_VISIT_HOME,   /* back to the origin */
    CHEK_VISIT_AGAIN,  /* run it again, in a step of its own */
    CHEK_VISIT_WORKER, /* a worker goes on, over a view; without a place it is run again there */
};

struct chek_visit {
    struct chek_message message;  /* payload points back at the visit */
    struct chek_list link;        /* free */
    struct chek_request *request; /* the origin's; NULL when it was abandoned */
    /* Run one step: read the question, go on from `state`, fill `chunk`, set `done` or not. On the
     * owner's thread, and on a worker: there it goes HOME or AGAIN. */
    enum chek_visit_next (*run)(struct chek_visit *visit, const struct chek_visit_ground *ground);
    enum chek_visit_next (*work)(struct chek_visit *visit, const struct chek_visit_view *view);
    uint16_t origin, owner, partition;
    uint16_t partition_last; /* the question goes on up to this one */
    uint8_t opcode;
    bool under_way; /* posted and not back */
    bool done;      /* this partition has nothing more */
    bool ready;     /* a chunk waits for room */
    bool is_long;   /* it wants a place before it is run */
    uint32_t principal;
    uint64_t begin_ns; /* when the request was whole */
    int error;         /* instead of a chunk */
    struct chek_fault fault;
    char text[256]; /* of the refusal; "" = the error's own */
    const void *kind;
    void *place;       /* the owner's */
    void *prepared;    /* the step's own, in the arena of its place; NULL when it has come there */
    uint8_t *question; /* the request's body, CHEK_VISIT_QUESTION_SIZE */
    size_t question_size;
    uint8_t *chunk; /* an encoded record of the answer, CHEK_VISIT_CHUNK_SIZE */
    size_t chunk_size;
    uint64_t state[CHEK_VISIT_STATE_SIZE / 8]; /* the step's own: where it stopped */
    uint64_t carried; /* the kind's own, and kept from one partition to the next; zero at first */
};

#endif
