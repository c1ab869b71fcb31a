/* SPDX-License-Identifier: MIT */
/*
 * world.h - the simulator: the second implementation of engine/io/io.h.
 *
 * A world holds machines (one data folder on a virtual disk and some shards, each a struct
 * chek_io), clients that the test drives, and one queue of events ordered by virtual time and
 * sequence. chek_world_step() dispatches the earliest event on its shard and then the shard's
 * on_turn. One thread, no system call: everything follows from options.seed and the calls made,
 * and chek_world_trace() is a running hash of all of it. Every component draws from a stream of
 * its own, so that one more client does not reshuffle the disk.
 *
 * What is modelled, what is not and how to reproduce a seed: tests/sim/README.md.
 *
 *   Threads  one thread per world
 */
#ifndef CHEK_SIM_WORLD_H
#define CHEK_SIM_WORLD_H

#include <stdio.h>

#include "engine/io/io.h"

struct chek_world;
struct chek_world_client;

/* ---- options ------------------------------------------------------------------------------- */

/*
 * NAME, calm value, meaning. Names with _rate are chances per million. "Calm" has delays and
 * orders that vary, but no fault: no error, no reset, no full ring.
 */
#define CHEK_WORLD_OPTIONS(X)                                                           \
    X(seed, 1, "everything follows from it")                                            \
    X(step_count_max, 50000000, "chek_world_step() returns false after so many")        \
    X(batch_count_max, 4, "completions of a shard before its on_turn, at most")         \
    X(wall_start_us, 1767225600000000, "wall clock at virtual time 0 (2026-01-01)")     \
    X(wall_shape, 0, "enum chek_world_wall")                                            \
    X(wall_swing_us, 0, "how far the wall clock leaves the straight line")              \
    X(disk_write_ns_min, 10000, "latency of a write")                                   \
    X(disk_write_ns_max, 200000, "")                                                    \
    X(disk_read_ns_min, 5000, "latency of a read")                                      \
    X(disk_read_ns_max, 150000, "")                                                     \
    X(disk_sync_ns_min, 50000, "latency of a sync")                                     \
    X(disk_sync_ns_max, 2000000, "")                                                    \
    X(disk_call_ns_max, 3000, "what a synchronous disk call costs")                     \
    X(disk_spike_rate, 0, "an operation takes a hundred times as long")                 \
    X(disk_hang_rate, 0, "an operation hangs")                                          \
    X(disk_hang_ns_max, 10000000000, "for up to so long")                               \
    X(disk_write_error_rate, 0, "a write ends with -EIO, a part of it done")            \
    X(disk_sync_error_rate, 0, "a sync ends with -EIO, once; the data is marked clean") \
    X(disk_read_error_rate, 0, "a read ends with -EIO")                                 \
    X(disk_space_error_rate, 0, "a write that makes a file longer ends with -ENOSPC")   \
    X(disk_capacity, 1099511627776, "bytes of a machine's data folder")                 \
    X(file_count_max, 1048576, "open files of a machine, then -EMFILE")                 \
    X(net_delay_ns_min, 20000, "delay of a segment")                                    \
    X(net_delay_ns_max, 500000, "")                                                     \
    X(net_segment_size_max, 65536, "bytes arrive in pieces of 1 to so many")            \
    X(net_whole_rate, 500000, "a piece is as long as it can be")                        \
    X(net_buffer_size, 65536, "what the system takes from a sender who is ahead")       \
    X(net_reset_rate, 0, "a connection breaks when a piece arrives")                    \
    X(net_accept_error_rate, 0, "an accept fails with -EMFILE, then goes on")           \
    X(message_delay_ns_min, 500, "between shards")                                      \
    X(message_delay_ns_max, 50000, "")                                                  \
    X(message_count_max, 1024, "room in the ring of a pair of shards")                  \
    X(message_full_rate, 0, "a post finds the ring full although it is not")            \
    X(message_loss_rate, 0, "a message vanishes; the real rings never do this")         \
    X(work_delay_ns_min, 1000, "until a worker begins, and again until it is done")     \
    X(work_delay_ns_max, 5000000, "")

struct chek_world_options {
#define CHEK_WORLD_OPTION_MEMBER(name, calm, text) uint64_t name;
    CHEK_WORLD_OPTIONS(CHEK_WORLD_OPTION_MEMBER)
#undef CHEK_WORLD_OPTION_MEMBER
};

/* How the wall clock leaves the straight line; it never touches the monotonic clock. */
enum chek_world_wall {
    CHEK_WALL_STRAIGHT,
    CHEK_WALL_STEP,     /* jumps to and fro every few seconds */
    CHEK_WALL_DRIFT,    /* runs away up to the swing in an hour, then is set right at once */
    CHEK_WALL_PERIODIC, /* swings to and fro smoothly */
    CHEK_WALL_COUNT
};

/* The calm set. */
struct chek_world_options chek_world_options_calm(uint64_t seed);

/*
 * A set drawn from the seed: each kind of fault is on in some seeds and off in others, sizes are
 * from tiny to large. Messages are never lost. Sync, write and read errors are on in a quarter.
 */
struct chek_world_options chek_world_options_drawn(uint64_t seed);

/* Print the whole set, one line an option, so that a run can be told from the log alone. */
void chek_world_options_print(const struct chek_world_options *options, FILE *out);

/* ---- the world ----------------------------------------------------------------------------- */

/* Make a world at virtual time 0. Never fails: no memory is an abort. */
struct chek_world *chek_world_create(const struct chek_world_options *options);

/*
 * Free everything, clients too; takes NULL. Ownership: what products still hold is theirs to
 * free, before or after.
 */
void chek_world_destroy(struct chek_world *world);

/* Change options while running (a heal phase, a fault from now on). Not the seed. */
struct chek_world_options *chek_world_options(struct chek_world *world);

/* Every fault off from now on; delays stay. For "when faults stop, all clients finish". */
void chek_world_heal(struct chek_world *world);

/*
 * Dispatch the earliest event and what belongs to its batch, then the shard's on_turn.
 * False when nothing is pending or the step limit is reached.
 */
bool chek_world_step(struct chek_world *world);

/* Step until `done(context)` or nothing is pending; true when done. `done` may be NULL. */
bool chek_world_run(struct chek_world *world, uint64_t step_count_max, bool (*done)(void *context),
                    void *context);

/* Virtual nanoseconds since the world began; steps so far; the running hash of all events. */
uint64_t chek_world_now_ns(const struct chek_world *world);
uint64_t chek_world_step_count(const struct chek_world *world);
uint64_t chek_world_trace(const struct chek_world *world);

/* Let virtual time pass without an event (a suspended machine, a jump of the monotonic clock). */
void chek_world_advance(struct chek_world *world, uint64_t wait_ns);

/* ---- machines ------------------------------------------------------------------------------ */

/* Add a machine with an empty data folder, switched on; returns its index. */
unsigned chek_world_machine_add(struct chek_world *world, unsigned shard_count);

/*
 * The door of a shard of a machine that is up.
 *
 *   Ownership  valid until chek_world_destroy(); after a crash every call on it fails with HALTED
 *              (operations and streams never complete, and are not in flight any more)
 */
struct chek_io *chek_world_io(struct chek_world *world, unsigned machine, unsigned shard);

bool chek_world_is_up(const struct chek_world *world, unsigned machine);

enum chek_world_crash {
    CHEK_CRASH_POWER, /* what is not durable is kept, lost or torn by the disk model */
    CHEK_CRASH_KILL,  /* the process dies; the system's page cache lives on */
};

/*
 * Stop a machine now. Pending events and messages are gone, peers see resets after a while, the
 * lock of the data folder is free. The test then destroys its server and calls restart.
 */
void chek_world_crash(struct chek_world *world, unsigned machine, enum chek_world_crash kind);

/*
 * Crash at the n-th event or synchronous disk call of the machine from now on (1 = the next, 0 =
 * never). At a disk call the crash comes before or after its effect, as the seed says. Stays in
 * force across a restart, so that recovery can be cut.
 */
void chek_world_crash_after(struct chek_world *world, unsigned machine, uint64_t n,
                            enum chek_world_crash kind);

/* Events and disk calls of the machine so far: what crash_after counts. */
uint64_t chek_world_crash_point_count(const struct chek_world *world, unsigned machine);

/* Switch a stopped machine on again: same disk, new doors, a new monotonic clock. */
void chek_world_restart(struct chek_world *world, unsigned machine, unsigned shard_count);

/*
 * What turns cost, in steps: one for each callback, each call of the door, and each 4 KiB of
 * bytes that pass. The last turn of a shard, and the longest since the machine started.
 */
uint64_t chek_world_turn_steps(const struct chek_io *io);
uint64_t chek_world_turn_steps_max(const struct chek_io *io);

/* Synchronous disk calls made inside turns of the shard: 0 for a shard that serves clients. */
uint64_t chek_world_turn_disk_calls(const struct chek_io *io);

/*
 * What a machine holds: connections accepted and not closed, open files, operations in flight
 * (timers too). When clients are gone these return to where they were.
 */
size_t chek_world_connection_count(const struct chek_world *world, unsigned machine);
size_t chek_world_file_count(const struct chek_world *world, unsigned machine);
size_t chek_world_pending_count(const struct chek_world *world, unsigned machine);

/* ---- the disk, from outside ---------------------------------------------------------------- */

/* Flip one random bit in a range of a file, in the cache and on the medium. -ENOENT, RANGE. */
CHEK_MUST_USE int chek_world_rot(struct chek_world *world, unsigned machine, const char *path,
                                 uint64_t offset, uint64_t size);

/* A latent bad sector: reads that touch the range give -EIO until it is written again. -ENOENT. */
CHEK_MUST_USE int chek_world_unreadable(struct chek_world *world, unsigned machine,
                                        const char *path, uint64_t offset, uint64_t size);

/* Read what a file shows now; bytes read or -ENOENT. Costs no virtual time, is no crash point. */
CHEK_MUST_USE int64_t chek_world_peek(struct chek_world *world, unsigned machine, const char *path,
                                      void *bytes, size_t size, uint64_t offset);

/*
 * Put bytes into a file, made when it is not there, durable at once: foreign, stale and misplaced
 * content.
 */
void chek_world_poke(struct chek_world *world, unsigned machine, const char *path,
                     const void *bytes, size_t size, uint64_t offset);

/* Cut a file off, or remove it, durable at once. -ENOENT. */
CHEK_MUST_USE int chek_world_cut(struct chek_world *world, unsigned machine, const char *path,
                                 uint64_t size);
CHEK_MUST_USE int chek_world_remove(struct chek_world *world, unsigned machine, const char *path);

/*
 * Whether a range of a file would be there, under this name and as it reads now, after any power
 * cut: for the rule "an acknowledgement comes after the sync of its bytes".
 */
bool chek_world_is_durable(const struct chek_world *world, unsigned machine, const char *path,
                           uint64_t offset, uint64_t size);

/* A hash of all names and contents as they read now: recovery twice must give the same. */
uint64_t chek_world_disk_hash(const struct chek_world *world, unsigned machine);

/* Replace the disk of a stopped machine by a copy of another's: backups, rolled-back files. */
void chek_world_disk_copy(struct chek_world *world, unsigned from, unsigned to);

/* Nothing asynchronous completes on this disk until so long from now. */
void chek_world_disk_freeze(struct chek_world *world, unsigned machine, uint64_t wait_ns);

/*
 * The next sync of this folder ("" is the data folder) fails as by chance; NULL takes it back.
 * Stays in force across a restart. Ownership: borrows `path`.
 */
void chek_world_fail_folder_sync(struct chek_world *world, unsigned machine, const char *path);

/* Another process takes the lock of the data folder, or lets it go. */
void chek_world_lock_elsewhere(struct chek_world *world, unsigned machine, bool held);

/* ---- clients ------------------------------------------------------------------------------- */

/*
 * What a client is told. Bytes are lent for the call. Every member may be NULL; without
 * on_receive bytes wait for chek_world_client_receive().
 */
struct chek_world_client_owner {
    void *context;
    /* Connected (0), or -ECONNREFUSED. */
    void (*on_connected)(void *context, int error);
    /* As a stream's: size 0 is the end of the server's bytes, an error is the end of everything. */
    void (*on_receive)(void *context, const uint8_t *bytes, size_t size, int error);
};

/*
 * Begin to connect to "HOST:PORT" of a machine. Sending may begin at once.
 *
 *   Ownership  the client belongs to the world; the caller ends with close or reset, after which
 *              the pointer is not used any more and nothing is called any more
 */
struct chek_world_client *chek_world_client_connect(struct chek_world *world, unsigned machine,
                                                    const char *address,
                                                    const struct chek_world_client_owner *owner);

/* Send a copy of bytes; never blocks. Into a broken connection they vanish. */
void chek_world_client_send(struct chek_world_client *client, const void *bytes, size_t size);

/* Take up to `size` bytes that arrived (owners without on_receive). */
size_t chek_world_client_receive(struct chek_world_client *client, void *bytes, size_t size);

/* 0 while connecting or connected, CLOSED after the server's end, or the error it broke with. */
int chek_world_client_error(const struct chek_world_client *client);

/* Bytes sent that the server has not been given yet. */
size_t chek_world_client_unsent(const struct chek_world_client *client);

/* Stop and go on reading: a peer that never reads fills the server's buffers. */
void chek_world_client_pause(struct chek_world_client *client);
void chek_world_client_resume(struct chek_world_client *client);

/* End sending; the server gets its last bytes, then size 0. Receiving goes on. */
void chek_world_client_shutdown(struct chek_world_client *client);

/* Close after the bytes sent so far, or break the connection at a random byte of them. */
void chek_world_client_close(struct chek_world_client *client);
void chek_world_client_reset(struct chek_world_client *client);

/* ---- watching ------------------------------------------------------------------------------ */

enum chek_world_event_kind {
    CHEK_WORLD_WRITE = 1, /* a write completed: path, bytes, offset, result */
    CHEK_WORLD_SYNC,      /* a sync completed: path, result */
    CHEK_WORLD_NAME,      /* a name was made, changed or removed: path (the new one), result */
    CHEK_WORLD_SYNC_FOLDER,
    CHEK_WORLD_SEND,    /* a stream was given bytes to send; `client` gets them */
    CHEK_WORLD_RECEIVE, /* a client was given bytes */
    CHEK_WORLD_CRASH,
    CHEK_WORLD_RESTART,
};

struct chek_world_event {
    enum chek_world_event_kind kind;
    unsigned machine;
    const char *path;
    const uint8_t *bytes;
    size_t size;
    uint64_t offset;
    int64_t result;
    const struct chek_world_client *client;
};

/* Call `on_event` at every such event, from now on, with everything borrowed for the call. */
void chek_world_observe(struct chek_world *world,
                        void (*on_event)(void *context, const struct chek_world_event *event),
                        void *context);

#endif
