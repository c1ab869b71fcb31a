/* SPDX-License-Identifier: MIT */
/*
 * peer_run.h - devices of some kind that speak to a server in a hostile world.
 *
 * A run is one seed. The machine loses power or is killed at any moment, also while it starts, and
 * comes back with another number of shards; lines break at any byte. What the devices say and want
 * to hear is their kind's (struct peer_kind); the machine, the phases of a run and its end are here,
 * the lines in peer_line.c, who speaks the native protocol in peer_client.c.
 *
 * A line may be so bad that nothing passes, for ever: then nothing is answered, and nobody is to
 * blame. So when everybody has waited for two minutes, all lines are mended: no fault, no cut, no
 * crash any more in this run. When that does not help either, the server does not answer.
 */
#ifndef CHEK_SIM_PEER_RUN_H
#define CHEK_SIM_PEER_RUN_H

#include "engine/base/prng.h"
#include "engine/wire/frame.h"
#include "engine/wire/protocol.h"
#include "tests/sim/world.h"
#include "tools/server/server.h"

#define PEER_ADDRESS "127.0.0.1:4000"        /* the native protocol */
#define PEER_DEVICE_ADDRESS "127.0.0.1:4001" /* the devices' own */
#define PEER_SHARD_COUNT_MAX 4
#define PEER_CARRY_SIZE 65536
#define PEER_SEED_COUNT 60 /* of a whole test */

struct peer_run;

/* ---- what is counted -------------------------------------------------------------------------- */

#define PEER_COUNT_MAX 16
enum {
    PEER_CRASHES,
    PEER_STARTS,
    PEER_CUTS,
    PEER_MENDS,
    PEER_OWN
}; /* behind these the kind's own */

struct peer_counter {
    const char *name;
    unsigned least; /* fewer of them in a whole test mean that it was blind */
};

struct peer_result {
    char violation[512]; /* "": none */
    unsigned counts[PEER_COUNT_MAX];
};

/* ---- lines ------------------------------------------------------------------------------------ */

/* A connection that breaks and is made again. Its owner sets the first three members, once. */
struct peer_line {
    struct peer_run *run;
    const char *address;
    /*
     * Bytes have come, all that are there are in `carry`: returns how many are done with; 0: more
     * have to come. Called again until it is 0.
     */
    size_t (*take)(struct peer_line *line);
    struct chek_world_client *client;
    bool lost; /* it broke, or its owner is through with it */
    uint8_t carry[PEER_CARRY_SIZE];
    size_t carry_size;
};

/* Connect anew; what is sent before that is connected is sent then. */
void peer_line_connect(struct peer_line *line);

/* Into a line that is lost, or not there, bytes vanish. */
void peer_line_send(struct peer_line *line, const uint8_t *bytes, size_t size);

/* Let go what is lost, and now and then what is not. Whether there is a connection. */
bool peer_line_step(struct peer_line *line);

/* Break it. */
void peer_line_drop(struct peer_line *line);

/* ---- the native protocol ---------------------------------------------------------------------- */

/* The administrator, on a line. The owner sets the address, run and on_frame, once. */
struct peer_client {
    struct peer_line line;
    void (*on_frame)(struct peer_client *client, const struct chek_frame *frame);
    bool is_in;        /* hello was answered */
    uint64_t frame_id; /* of the frame sent last; hello has 1 */
};

void peer_client_begin(struct peer_client *client, struct peer_run *run,
                       void (*on_frame)(struct peer_client *client,
                                        const struct chek_frame *frame));

/* Connect and say hello; its answer does not come to on_frame. */
void peer_client_connect(struct peer_client *client);

/* End the frame that chek_frame_begin() began at `begin`, and send all of `out`. */
void peer_client_send(struct peer_client *client, uint16_t opcode, struct chek_writer *out,
                      size_t begin);

/* The code of a refusal; 0 for another answer. */
int peer_refusal(const struct chek_frame *frame);

/* Whether one that was refused so only has to ask again. */
bool peer_is_temporary(int code);

/* ---- a run ------------------------------------------------------------------------------------ */

struct peer_kind {
    struct peer_counter counters[PEER_COUNT_MAX - PEER_OWN];
    /* Make the devices, and set what of run->config is theirs. */
    void (*begin)(struct peer_run *run);
    void (*step)(struct peer_run *run);
    bool (*is_done)(struct peer_run *run);
    /* Behind a power cut, without faults: everything once more. peer_settle() goes on. */
    void (*end)(struct peer_run *run);
    void (*drop)(struct peer_run *run);
};

/* A kind's run begins with this. */
struct peer_run {
    const struct peer_kind *kind;
    struct peer_result result;
    struct chek_world *world;
    unsigned machine;
    struct chek_prng prng;
    struct chek_server_config config;
    struct chek_server *server;
    struct chek_io *ios[PEER_SHARD_COUNT_MAX];
    unsigned shard_count, crashes_left;
    unsigned still_count; /* steps in a row in which there was nothing to do */
    bool was_ready, is_ready, has_stopped;
    bool is_ending; /* the end of the run: kinds stop doing what they only do amid faults */
    bool is_calm;   /* lines are mended */
    uint64_t moved_ns;
    char token[80];
};

enum peer_lines {
    PEER_LINES_DRAWN,
    PEER_LINES_BAD /* a byte a piece, slow, and cut: no answer passes until they are mended */
};

/* Run a seed. `run` is zero but for its kind. */
void peer_drive(struct peer_run *run, uint64_t seed, enum peer_lines lines);

/* Say what must not be; the first one counts. */
__attribute__((format(printf, 2, 3))) void peer_violate(struct peer_run *run, const char *format,
                                                        ...);
bool peer_is_good(const struct peer_run *run);

uint64_t peer_below(struct peer_run *run, uint64_t bound);

/* Something was answered. */
void peer_moved(struct peer_run *run);

/* Step once; and until all devices are done, or something is wrong. */
void peer_step(struct peer_run *run);
void peer_settle(struct peer_run *run);

#endif
