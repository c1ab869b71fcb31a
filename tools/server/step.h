/* SPDX-License-Identifier: MIT */
/*
 * step.h - how long a shard is away from its io room, and with what.
 *
 * A step is one callback of the io room: a completion, a message, a turn. Others wait as long as it
 * lasts, so none should last 100 us. A step has parts; who begins something that may be long names
 * it, and each part keeps the longest time that it took. What a step makes stores read is counted
 * too, because that is the same on every machine.
 */
#ifndef CHEK_SERVER_STEP_H
#define CHEK_SERVER_STEP_H

#include "engine/io/io.h"
#include "engine/store/store.h"
#include "tools/server/server.h"

/* NAME, name in `chek status`, which is longest_NAME_step_us. */
#define SERVER_STEPS(X)                                                                \
    X(OTHER, other)         /* receiving, sending, accepting, timers */                \
    X(FEED, feed)           /* decoding what came in, and sharing it out */            \
    X(INTAKE, intake)       /* documents of a part: repeats, room, into the log */     \
    X(LOG, log)             /* groups of the log, and handing over what is durable */  \
    X(APPLY, apply)         /* what is durable */                                      \
    X(ANSWER, answer)       /* a part is back at its origin */                         \
    X(QUESTION, question)   /* at its origin */                                        \
    X(VISIT, visit)         /* a question at the owner of its partition */             \
    X(REGISTER, register)   /* a request of a Kazakh cash register */                  \
    X(DIRECTORY, directory) /* changes of the directory */                             \
    X(SESSION, session)     /* what was to be sent, deadlines, events */               \
    X(SNAPSHOT, snapshot)   /* a piece of an image, and whatever else a snapshot is */ \
    X(SEAL, seal)           /* a segment is adopted */                                 \
    X(MERGE, merge)         /* a merged segment is */                                  \
    X(MESSAGE, message)     /* of any other kind */

enum server__step {
#define SERVER_STEP_ENUM(NAME, name) STEP_##NAME,
    SERVER_STEPS(SERVER_STEP_ENUM)
#undef SERVER_STEP_ENUM
        STEP_COUNT,
};

#define SERVER_STEP_NS_MAX 100000 /* a longer one is counted */

struct server__steps {
    uint64_t begin_ns;      /* of the step */
    uint64_t part_begin_ns; /* of its part */
    enum server__step part;
    uint64_t longest_ns; /* of whole steps */
    uint64_t longest_part_ns[STEP_COUNT];
    uint64_t long_count;                       /* above SERVER_STEP_NS_MAX */
    struct chek_store_effort before;           /* the part */
    struct chek_store_effort most[STEP_COUNT]; /* of any such part, each number by itself */
};

/* The io room calls these. */
void server__steps_wake(void *shard);
void server__steps_end(void *shard);

struct server__shard;

/* Say what the part of the step under way is. Cost: none; the last one to say so is right. */
void server__step_is(struct server__shard *shard, enum server__step part);

/* End the part under way and begin another one. Cost: a look at the clock. */
void server__step_next(struct server__shard *shard, enum server__step part);

/* The most that such a part of a step of any shard had stores read. Threads: while no shard runs, or
 * in a test. */
struct chek_store_effort server__step_most(const struct chek_server *server,
                                           enum server__step part);

#endif
