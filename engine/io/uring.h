/* SPDX-License-Identifier: MIT */
/*
 * uring.h - the door to the outside over io_uring: a group of shards above one data folder.
 *
 * Each shard is a `struct chek_io` with a ring of its own, run by one thread. Shards share nothing
 * but message rings (one writer, one reader each), the workers, and the listening sockets: a
 * socket accepts on one shard and deals its connections out in turn to all that listen on the
 * same address. There is no second way when io_uring is missing; chek_uring_probe() says why.
 *
 *   Source  io_uring(7), io_uring_setup(2), io_uring_enter(2)
 */
#ifndef CHEK_IO_URING_H
#define CHEK_IO_URING_H

#include "engine/io/io.h"

struct chek_uring_group;

/* Room for the text of chek_uring_probe(). */
#define CHEK_URING_TEXT_SIZE 512

/* What a group is made of; a member that is 0 means the default beside it. */
struct chek_uring_options {
    unsigned submission_count;     /* 1024: entries of a submission ring, rounded up to 2^n */
    unsigned completion_count;     /* 8192: entries of a completion ring */
    unsigned receive_buffer_count; /* 256 a shard, rounded up to 2^n, at most 32768 */
    unsigned receive_buffer_size;  /* 32768 bytes */
    unsigned worker_count; /* 1: threads of the group for chek_io_work(), as many for calm work */
};

/*
 * Ask the kernel whether everything that a shard needs is there.
 *
 *   Errors   IO_URING; `text` (may be NULL) then says what is missing and what to do about it
 *   Threads  any thread, before anything else; leaves nothing behind
 */
CHEK_MUST_USE int chek_uring_probe(char *text, size_t text_size);

/*
 * Make `shard_count` shards over the existing folder `folder`. `options` may be NULL.
 *
 *   Ownership  the caller destroys; `folder` and `options` are copied
 *   Errors     USAGE for a count of 0 or above CHEK_SHARD_COUNT_MAX; IO_URING; -ENOMEM; -errno of
 *              opening the folder; nothing is left behind
 *   Threads    before the start
 */
CHEK_MUST_USE int chek_uring_group_create(const char *folder, unsigned shard_count,
                                          const struct chek_uring_options *options,
                                          struct chek_uring_group **ret);

/*
 * Free a group; takes NULL. What is still in flight never completes: work that has begun is
 * waited for, work that has not begun is dropped, sockets that are still open are closed.
 *
 *   Threads  after every chek_uring_run() has returned
 */
void chek_uring_group_destroy(struct chek_uring_group *group);

/* The door of one shard. Ownership: the group's. Threads: that of the shard, or before it runs. */
struct chek_io *chek_uring_io(struct chek_uring_group *group, unsigned shard);

/*
 * Run a shard on the calling thread until the group is stopped. Once for each shard.
 *
 * A turn of the loop submits, waits when there is nothing to do, hands out completions, messages,
 * finished work and due timers, and calls owner.on_turn. After a stop it cancels what is in
 * flight and waits for the kernel to let go of it, so that the owner may free its memory; nothing
 * of that completes.
 *
 *   Errors   -errno of a ring that does not work; the group should then be stopped
 *   Threads  the calling thread is the shard's from here on
 */
CHEK_MUST_USE int chek_uring_run(struct chek_io *io);

/* Make every chek_uring_run() of the group return soon. Threads: any, and signal handlers. */
void chek_uring_stop(struct chek_uring_group *group);

/* What a shard's ring has done so far. */
struct chek_uring_counters {
    uint64_t turn_count;         /* passes of the loop */
    uint64_t enter_count;        /* system calls into the ring */
    uint64_t sleep_count;        /* of those, the ones that could wait */
    uint64_t submission_count;   /* entries handed to the kernel */
    uint64_t completion_count;   /* entries taken from it */
    uint64_t wake_count;         /* peers woken */
    uint64_t starved_count;      /* receives that found no buffer */
    uint64_t accept_pause_count; /* times accepting stopped for want of descriptors or memory */
};

/* Threads: the shard's own, or after its run. */
struct chek_uring_counters chek_uring_count(const struct chek_io *io);

#endif
