/* SPDX-License-Identifier: MIT */
/*
 * sim.h - what the files of the simulator share. Tests include world.h, never this.
 *
 * A machine's life from switch-on to crash has its own shards; after the crash they stay allocated
 * and halted, so that a product that still holds their doors meets HALTED and not freed memory.
 */
#ifndef CHEK_SIM_SIM_H
#define CHEK_SIM_SIM_H

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/prng.h"
#include "tests/sim/world.h"

#define SIM_OBSERVER_COUNT_MAX 4

/* ---- memory -------------------------------------------------------------------------------- */

/*
 * A server that serves a moment touches little of its arenas: clean pages have to come from the
 * kernel one by one. Otherwise the C library keeps what was freed and clears all of it at every
 * start, more than half of the time of a run.
 */
void sim__memory_prepare(void);

/*
 * The simulator's memory is not the product's: it is neither sealed, nor counted, nor made to
 * fail with engine/base/memory.h. Zeroed; no memory is an abort.
 */
void *sim__allocate(size_t size);
void *sim__grow(void *pointer, size_t size);
char *sim__copy_text(const char *text);
void sim__free(void *pointer);

/* Make room for one more element of `size` bytes in a growing array. */
void *sim__array_room(void *array, size_t count, size_t *capacity, size_t size);

/* ---- events -------------------------------------------------------------------------------- */

enum sim_event_kind {
    SIM_WAKE = 1, /* a shard's first turn */
    SIM_OP,       /* subject: op; it completes */
    SIM_WORK,     /* subject: op; its work runs, on no shard */
    SIM_MESSAGE,  /* subject: message */
    SIM_ACCEPT,   /* subject of these: connection */
    SIM_RECEIVE,
    SIM_SENT,
    SIM_CLOSED,
    SIM_CONNECT, /* of the world, not of a shard, from here on */
    SIM_CLIENT_CONNECTED,
    SIM_CLIENT_RECEIVE,
    SIM_EVENT_KIND_COUNT
};

struct sim_event {
    uint64_t time_ns, sequence;
    enum sim_event_kind kind;
    struct sim_shard *shard; /* NULL: nobody's turn */
    void *subject;
};

/* A binary heap by (time, sequence). */
struct sim_queue {
    struct sim_event *events;
    size_t count, capacity;
};

struct sim_shard {
    struct chek_io io;
    struct sim_machine *machine;
    struct sim_shard *next; /* of all shards the machine ever had */
    bool halted;
    struct chek_prng prng; /* what chek_io_random() gives */
    uint64_t turn_steps, turn_steps_last, turn_steps_max;
    uint64_t turn_disk_calls;
    uint64_t *message_time_ns; /* by receiver: when the last one arrives */
    uint64_t *message_count;   /* by receiver: in the ring */
};

struct sim_listener {
    struct chek_listener *listener;
    struct sim_shard *shard;
    char host[CHEK_ADDRESS_TEXT_MAX];
    uint16_t port;
};

struct sim_disk;

struct sim_machine {
    struct chek_world *world;
    unsigned index;
    bool up;
    struct sim_shard **shards;
    unsigned shard_count;
    struct sim_shard *all;
    uint64_t life; /* how often it was switched on */
    uint64_t clock_offset_ns;
    uint64_t crash_countdown;
    enum chek_world_crash crash_kind;
    uint64_t crash_point_count;
    struct chek_prng crash_prng, time_prng, message_prng, work_prng;
    struct sim_disk *disk;
    struct sim_listener *listeners;
    size_t listener_count, listener_capacity;
    uint64_t accept_count;
    uint16_t port_next;
};

struct sim_observer {
    void (*on_event)(void *context, const struct chek_world_event *event);
    void *context;
};

struct chek_world {
    struct chek_world_options options;
    uint64_t now_ns, sequence, step_count, trace;
    struct sim_queue queue;
    struct sim_machine **machines;
    size_t machine_count, machine_capacity;
    struct chek_world_client **connections; /* by id; NULL when freed */
    size_t connection_count, connection_capacity;
    struct sim_observer observers[SIM_OBSERVER_COUNT_MAX];
    size_t observer_count;
    struct chek_prng turn_prng;
    struct sim_shard *turn; /* whose turn it is */
};

void sim__event_add(struct chek_world *world, uint64_t delay_ns, enum sim_event_kind kind,
                    struct sim_shard *shard, void *subject);
const struct sim_event *sim__event_peek(const struct chek_world *world);
struct sim_event sim__event_take(struct chek_world *world);
/* Take all events of halted shards out of the queue; `on_drop` gets each, in queue order. */
void sim__event_drop(struct chek_world *world,
                     void (*on_drop)(struct chek_world *world, const struct sim_event *event));

/* ---- randomness, trace, time --------------------------------------------------------------- */

/* The components that have random streams of their own. */
enum sim_stream {
    SIM_STREAM_TURN = 1,
    SIM_STREAM_CRASH,
    SIM_STREAM_DISK,
    SIM_STREAM_TIME,
    SIM_STREAM_WALL,
    SIM_STREAM_MESSAGE,
    SIM_STREAM_WORK,
    SIM_STREAM_RANDOM,
    SIM_STREAM_CONNECTION,
    SIM_STREAM_ROT,
    SIM_STREAM_OPTIONS
};

uint64_t sim__mix(uint64_t a, uint64_t b);
void sim__prng_start(const struct chek_world *world, struct chek_prng *prng, enum sim_stream stream,
                     uint64_t index);
/* Uniform in min..max. */
uint64_t sim__between(struct chek_prng *prng, uint64_t min, uint64_t max);
bool sim__chance(struct chek_prng *prng, uint64_t per_million);

/* Fold numbers into the running hash. */
void sim__trace(struct chek_world *world, uint64_t what, uint64_t a, uint64_t b);
void sim__observe(struct chek_world *world, const struct chek_world_event *event);

uint64_t sim__now_ns(struct chek_io *io);
uint64_t sim__wall_us(struct chek_io *io);
void sim__random(struct chek_io *io, void *bytes, size_t size);

static inline struct sim_shard *
sim__shard_of(struct chek_io *io)
{
    return CHEK_CONTAINER_OF(io, struct sim_shard, io);
}

/* Count a step of the shard's turn, and the bytes that pass. */
static inline void
sim__turn_step(struct sim_shard *shard, size_t size)
{
    shard->turn_steps += 1 + size / 4096;
}

/* ---- machines ------------------------------------------------------------------------------ */

extern const struct chek_io_table sim__table;

/* Count a crash point; true when the machine is to stop here. */
bool sim__crash_point(struct sim_machine *machine);
void sim__halt(struct sim_machine *machine, enum chek_world_crash kind);

/* ---- operations, messages, work ------------------------------------------------------------ */

void sim__submit(struct chek_io *io, struct chek_op *op);
void sim__op_complete(struct sim_shard *shard, struct chek_op *op);
int sim__post(struct chek_io *io, unsigned to, struct chek_message *message);
void sim__message_deliver(struct sim_shard *shard, struct chek_message *message);
void sim__work_run(struct sim_shard *shard, struct chek_op *op);
int sim__lanes_open(struct chek_io *io, unsigned count, struct chek_lanes **ret);
void sim__lanes_put(struct chek_lanes *lanes, unsigned lane, void (*work)(void *argument),
                    void *argument);
void sim__lanes_close(struct chek_lanes *lanes);

/* ---- disk ---------------------------------------------------------------------------------- */

struct sim_disk *sim__disk_create(struct sim_machine *machine);
void sim__disk_destroy(struct sim_disk *disk);
void sim__disk_crash(struct sim_disk *disk, enum chek_world_crash kind);
/* A write that was in flight at the crash: any part of it may be there. */
void sim__disk_crash_write(struct sim_disk *disk, const struct chek_op *op,
                           enum chek_world_crash kind);
void sim__disk_submit(struct sim_shard *shard, struct chek_op *op);
int64_t sim__disk_complete(struct sim_shard *shard, struct chek_op *op);

int sim__open(struct chek_io *io, const char *path, unsigned flags);
void sim__close(struct chek_io *io, int file);
int64_t sim__size(struct chek_io *io, int file);
int64_t sim__read(struct chek_io *io, int file, void *bytes, size_t size, uint64_t offset);
int sim__write(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset);
int sim__truncate(struct chek_io *io, int file, uint64_t size);
int sim__sync(struct chek_io *io, int file);
int sim__make_folder(struct chek_io *io, const char *path);
int sim__rename(struct chek_io *io, const char *from, const char *to);
int sim__unlink(struct chek_io *io, const char *path);
int sim__sync_folder(struct chek_io *io, const char *path);
int sim__list(struct chek_io *io, const char *path,
              void (*on_name)(void *context, const char *name), void *context);
int sim__lock(struct chek_io *io);
int64_t sim__free_size(struct chek_io *io);

/* ---- network ------------------------------------------------------------------------------- */

int sim__listen(struct chek_io *io, struct chek_listener *listener, const char *text);
void sim__listen_stop(struct chek_io *io, struct chek_listener *listener);
/* The listener for the next connection to an address of a machine, or NULL. */
struct sim_listener *sim__listener_choose(struct sim_machine *machine, const char *text);
bool sim__listener_is_open(const struct sim_machine *machine, const struct chek_listener *listener);

void sim__refuse(struct chek_io *io, int socket);
void sim__stream_start(struct chek_io *io, struct chek_stream *stream, int socket);
void sim__stream_pause(struct chek_stream *stream);
void sim__stream_resume(struct chek_stream *stream);
void sim__stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size);
void sim__stream_close(struct chek_stream *stream);

/* An event of a connection came; it may be freed in here. */
void sim__net_dispatch(struct chek_world *world, const struct sim_event *event);
/* An event of a connection was dropped with its machine. */
void sim__net_forget(const struct sim_event *event);
/* The machine's side of all its connections is gone. */
void sim__net_crash(struct sim_machine *machine);
void sim__net_destroy(struct chek_world *world);

#endif
