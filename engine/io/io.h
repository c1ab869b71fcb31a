/* SPDX-License-Identifier: MIT */
/*
 * io.h - the one door to the outside: files, sockets, work, time, randomness, other shards.
 *
 * A shard has one `struct chek_io` and one thread. It submits operations and gets completions as
 * calls of the operation's `on_done`, always from chek_io_run() on its own thread and never from
 * inside the submitting call. There are two implementations behind the same table: io_uring
 * (engine/io/uring.h) and the simulator (tests/sim/world.h); product code cannot tell which.
 *
 * Two styles stand side by side. Operations (chek_io_*) are asynchronous and for a running shard.
 * Disk calls (chek_disk_*) are synchronous, for start, recovery and workers; a shard thread that
 * serves clients does not use them.
 *
 * Results are 0, a size, or an error of engine/base/error.h; the kernel's -errno untouched.
 * -CHEK_E_HALTED's owner is the simulator: after a simulated crash everything fails with it.
 */
#ifndef CHEK_IO_IO_H
#define CHEK_IO_IO_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

struct chek_io;
struct chek_op;

/* `result` as the operation says. The operation may be submitted again from inside. */
typedef void (*chek_op_done_fn)(struct chek_op *op, int64_t result);

/*
 * One operation in flight, embedded in its owner. While `in_flight`, neither it nor the bytes it
 * names may move or be freed. The members below `in_flight` belong to the io room.
 */
struct chek_op {
    chek_op_done_fn on_done;
    bool in_flight;
    uint8_t kind;
    bool is_calm; /* work: nobody waits for it */
    int32_t file;
    uint64_t offset;
    uint8_t *bytes;
    size_t size;
    size_t done_size;
    uint64_t deadline_ns;
    void (*work)(void *argument);
    void *argument;
    struct chek_op *next;
};

/* ---- files ------------------------------------------------------------------------------- */

/* Flags of chek_disk_open(). */
enum chek_file_flag {
    CHEK_FILE_READ = 1 << 0,
    CHEK_FILE_WRITE = 1 << 1,
    CHEK_FILE_CREATE = 1 << 2,    /* create, mode 0600; fails with -EEXIST when it is there */
    CHEK_FILE_DIRECT = 1 << 3,    /* O_DIRECT: address, size and offset are multiples of 4096 */
    CHEK_FILE_DATA_SYNC = 1 << 4, /* O_DSYNC: a completed write is durable */
};

/*
 * Write all of `bytes` at `offset`; a short write is continued before completion.
 *
 *   Ownership  borrows op and bytes until on_done
 *   Result     0, or the error; after an error any part may have been written
 */
void chek_io_write(struct chek_io *io, struct chek_op *op, int file, const uint8_t *bytes,
                   size_t size, uint64_t offset);

/* Read `size` bytes at `offset`. Result: bytes read (fewer only at the end of the file). */
void chek_io_read(struct chek_io *io, struct chek_op *op, int file, uint8_t *bytes, size_t size,
                  uint64_t offset);

/*
 * Make the data of completed writes durable (fdatasync).
 *
 *   Result     0, or the error. An error is final: the data may be gone, a retry would lie.
 */
void chek_io_sync(struct chek_io *io, struct chek_op *op, int file);

/* ---- time, work, messages ------------------------------------------------------------------ */

/* Complete with 0 when the monotonic clock reaches `deadline_ns`. */
void chek_io_timer(struct chek_io *io, struct chek_op *op, uint64_t deadline_ns);

/* Monotonic nanoseconds; wall clock in microseconds since 1970 UTC, which may step. */
uint64_t chek_io_now_ns(struct chek_io *io);
uint64_t chek_io_wall_us(struct chek_io *io);

/* Fill with unpredictable bytes. */
void chek_io_random(struct chek_io *io, void *bytes, size_t size);

/*
 * Run `work(argument)` on a worker thread, then complete with 0 on this shard.
 *
 *   Threads    `work` may use disk calls and memory it was given; nothing of the shard's
 */
void chek_io_work(struct chek_io *io, struct chek_op *op, void (*work)(void *argument),
                  void *argument);

/*
 * The same for work that nobody waits for: shards, and what is given to chek_io_work(), come first. It
 * gets on by a tenth of a processor where all are busy, after 0.3 s of next to nothing where the
 * system lets it into the idle class: who falls behind with calm work goes on with chek_io_work().
 */
void chek_io_work_calm(struct chek_io *io, struct chek_op *op, void (*work)(void *argument),
                       void *argument);

/* Header of a message between shards, embedded in the sender's structure. */
struct chek_message {
    uint16_t kind;
    uint16_t from; /* shard; set by post */
    uint32_t size; /* free for the owner */
    void *payload; /* free for the owner */
};

/*
 * Hand a message to another shard (or to oneself).
 *
 *   Ownership  the message belongs to the receiver from here on; who frees it is the
 *              protocol of its kind (usually it comes back as its own answer)
 *   Order      first in, first out between two shards; nothing is promised across pairs
 *   Errors     FULL when the peer's ring is full; the message stays with the caller
 */
CHEK_MUST_USE int chek_io_post(struct chek_io *io, unsigned shard, struct chek_message *message);

/* What a shard wants to be called with. */
struct chek_io_owner {
    void *context;
    void (*on_message)(void *context, struct chek_message *message);
    /* After every batch of completions, before waiting: form log groups, send replies. */
    void (*on_turn)(void *context);
    /* For measuring; NULL = not wanted. The shard has waited and goes on; and it is back in the io
     * room from a callback (a completion, a message, a turn), of which each is a step. */
    void (*on_wake)(void *context);
    void (*on_step)(void *context);
};

/* For implementations: call these. */
static inline void
chek_io_wake(const struct chek_io_owner *owner)
{
    if (owner->on_wake != NULL) {
        owner->on_wake(owner->context);
    }
}

static inline void
chek_io_step(const struct chek_io_owner *owner)
{
    if (owner->on_step != NULL) {
        owner->on_step(owner->context);
    }
}

void chek_io_set_owner(struct chek_io *io, const struct chek_io_owner *owner);

unsigned chek_io_shard(const struct chek_io *io);
unsigned chek_io_shard_count(const struct chek_io *io);

/* ---- network ------------------------------------------------------------------------------- */

#define CHEK_ADDRESS_TEXT_MAX 64

struct chek_listener {
    /* A connection came (`socket` >= 0; give it to chek_stream_start() or chek_io_refuse()) or
     * accepting failed for now (negative; accepting goes on by itself). */
    void (*on_accept)(struct chek_listener *listener, int socket);
    struct chek_op op; /* the io room's */
    struct chek_io *io;
    int file;
    uint16_t port; /* the one bound, also when 0 was asked for */
};

/*
 * Listen on "HOST:PORT" (numeric, or localhost). Several shards may listen on the same address.
 *
 *   Errors     USAGE for an address that cannot be read, -EADDRINUSE and the like; nothing is open
 *   Threads    at start, on any thread
 */
CHEK_MUST_USE int chek_io_listen(struct chek_io *io, struct chek_listener *listener,
                                 const char *address);

/* Stop accepting; completes at once, on_accept is not called any more. */
void chek_io_listen_stop(struct chek_io *io, struct chek_listener *listener);

/* Close a socket that was accepted and is not wanted. */
void chek_io_refuse(struct chek_io *io, int socket);

/*
 * A peer that has vanished is noticed after so long: its connection breaks with -ETIMEDOUT, whether
 * something was on its way to it or nothing was. One that is there and says nothing stays.
 */
#define CHEK_STREAM_SILENCE_S_MAX 120

/*
 * One connection. Bytes arrive in the io room's own buffers and are lent for the length of the
 * call; sending is from the owner's buffer, one send in flight.
 */
struct chek_stream {
    /* `size` > 0 bytes arrived; they are gone after the call. size 0: the peer sent its last.
     * `error` != 0: the connection broke. After either of these nothing more arrives. */
    void (*on_receive)(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error);
    /* The whole buffer was taken by the system (0), or the connection broke. */
    void (*on_sent)(struct chek_stream *stream, int error);
    /* After chek_stream_close(): nothing refers to the stream any more. */
    void (*on_closed)(struct chek_stream *stream);

    /* The io room's. */
    struct chek_io *io;
    int file;
    struct chek_op receive, send, closing;
    bool paused, receiving, closed, ended;
    uint32_t private_index;
};

/* Begin receiving on an accepted socket. The three callbacks are set by the owner before. */
void chek_stream_start(struct chek_io *io, struct chek_stream *stream, int socket);

/* Stop and go on reading from the socket; bytes already on their way may still arrive once. */
void chek_stream_pause(struct chek_stream *stream);
void chek_stream_resume(struct chek_stream *stream);

/* Send `size` bytes. One at a time (asserted). Borrows bytes until on_sent. */
void chek_stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size);

/* Close; on_closed follows when the last completion is in, on_receive and on_sent do not. */
void chek_stream_close(struct chek_stream *stream);

/* ---- disk, synchronous --------------------------------------------------------------------- */

/*
 * Calls for start, recovery and workers. Paths are relative to the data folder that the io was
 * made for and contain no "..".
 *
 *   Errors     -errno; HALTED from the simulator
 *   Threads    any thread (each call stands alone)
 */
CHEK_MUST_USE int chek_disk_open(struct chek_io *io, const char *path, unsigned flags); /* >= 0 */
void chek_disk_close(struct chek_io *io, int file);
CHEK_MUST_USE int64_t chek_disk_size(struct chek_io *io, int file);
/* Bytes read; fewer than `size` only at the end of the file. */
CHEK_MUST_USE int64_t chek_disk_read(struct chek_io *io, int file, void *bytes, size_t size,
                                     uint64_t offset);
/* All or an error. */
CHEK_MUST_USE int chek_disk_write(struct chek_io *io, int file, const void *bytes, size_t size,
                                  uint64_t offset);
CHEK_MUST_USE int chek_disk_truncate(struct chek_io *io, int file, uint64_t size);
CHEK_MUST_USE int chek_disk_sync(struct chek_io *io, int file);                /* data and size */
CHEK_MUST_USE int chek_disk_make_folder(struct chek_io *io, const char *path); /* 0 if there */
CHEK_MUST_USE int chek_disk_rename(struct chek_io *io, const char *from, const char *to);
CHEK_MUST_USE int chek_disk_unlink(struct chek_io *io, const char *path);
/* Make names in a folder durable ("" = the data folder). */
CHEK_MUST_USE int chek_disk_sync_folder(struct chek_io *io, const char *path);
/* Call `on_name` for each entry, in the order of names. */
CHEK_MUST_USE int chek_disk_list(struct chek_io *io, const char *path,
                                 void (*on_name)(void *context, const char *name), void *context);
/* Hold the folder exclusively while this process lives; LOCKED when another does. */
CHEK_MUST_USE int chek_disk_lock(struct chek_io *io);
/* Bytes free for us in the data folder. */
CHEK_MUST_USE int64_t chek_disk_free(struct chek_io *io);

/* ---- lanes: work side by side, at a start -------------------------------------------------- */

/* Works that a lane may have besides the one that runs; a ring of what they use has two more. */
#define CHEK_LANE_AHEAD 2
#define CHEK_LANE_COUNT_MAX 64

struct chek_lanes;

/*
 * Make `count` lanes: each runs what it is given one after another, the lanes beside each other.
 * For start and recovery, when no shard runs; the simulator runs each work at once.
 *
 *   Errors     -ENOMEM, -EAGAIN (no threads); nothing is made
 *   Threads    all calls from one thread; a work may use disk calls and what it was given
 */
CHEK_MUST_USE int chek_lanes_open(struct chek_io *io, unsigned count, struct chek_lanes **ret);

/*
 * Give a lane work. Waits while CHEK_LANE_AHEAD wait behind the one that runs, so what was given
 * CHEK_LANE_AHEAD + 2 times before this is done, and its effects are seen.
 */
void chek_lanes_put(struct chek_lanes *lanes, unsigned lane, void (*work)(void *argument),
                    void *argument);

/* Wait until all is done, and its effects are seen; end the lanes. Takes NULL. */
void chek_lanes_close(struct chek_lanes *lanes);

/* ---- the table behind it ------------------------------------------------------------------- */

/* One implementation. Members mirror the calls above, which only forward. */
struct chek_io_table {
    void (*submit)(struct chek_io *io, struct chek_op *op);
    uint64_t (*now_ns)(struct chek_io *io);
    uint64_t (*wall_us)(struct chek_io *io);
    void (*random)(struct chek_io *io, void *bytes, size_t size);
    int (*post)(struct chek_io *io, unsigned shard, struct chek_message *message);
    int (*listen)(struct chek_io *io, struct chek_listener *listener, const char *address);
    void (*listen_stop)(struct chek_io *io, struct chek_listener *listener);
    void (*refuse)(struct chek_io *io, int socket);
    void (*stream_start)(struct chek_io *io, struct chek_stream *stream, int socket);
    void (*stream_pause)(struct chek_stream *stream);
    void (*stream_resume)(struct chek_stream *stream);
    void (*stream_send)(struct chek_stream *stream, const uint8_t *bytes, size_t size);
    void (*stream_close)(struct chek_stream *stream);
    int (*open)(struct chek_io *io, const char *path, unsigned flags);
    void (*close)(struct chek_io *io, int file);
    int64_t (*size)(struct chek_io *io, int file);
    int64_t (*read)(struct chek_io *io, int file, void *bytes, size_t size, uint64_t offset);
    int (*write)(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset);
    int (*truncate)(struct chek_io *io, int file, uint64_t size);
    int (*sync)(struct chek_io *io, int file);
    int (*make_folder)(struct chek_io *io, const char *path);
    int (*rename)(struct chek_io *io, const char *from, const char *to);
    int (*unlink)(struct chek_io *io, const char *path);
    int (*sync_folder)(struct chek_io *io, const char *path);
    int (*list)(struct chek_io *io, const char *path,
                void (*on_name)(void *context, const char *name), void *context);
    int (*lock)(struct chek_io *io);
    int64_t (*free_size)(struct chek_io *io);
    int (*lanes_open)(struct chek_io *io, unsigned count, struct chek_lanes **ret);
    void (*lanes_put)(struct chek_lanes *lanes, unsigned lane, void (*work)(void *argument),
                      void *argument);
    void (*lanes_close)(struct chek_lanes *lanes);
};

/* The head of an implementation's lanes. */
struct chek_lanes {
    const struct chek_io_table *table;
    unsigned count;
};

/* Kinds of operations, for implementations. */
enum chek_op_kind {
    CHEK_OP_WRITE = 1,
    CHEK_OP_READ,
    CHEK_OP_SYNC,
    CHEK_OP_TIMER,
    CHEK_OP_WORK,
};

/* The head of every implementation's own structure. */
struct chek_io {
    const struct chek_io_table *table;
    struct chek_io_owner owner;
    unsigned shard, shard_count;
    /* Counted by the forwarding calls: what a receipt costs in system terms. */
    uint64_t op_count, post_count;
};

#endif
