/* SPDX-License-Identifier: MIT */
/*
 * uring_shard.h - what the files of the io_uring implementation share; private to the room.
 *
 * The one idea: everything that the kernel is asked for is a chek_op with a kind. An op waits in
 * the shard's backlog until there is a submission entry for it, is then the kernel's until its
 * last completion, and the completion's user_data is the op's address. An op's owner lives until
 * then: streams are closed only when the count of entries that the kernel owes them is zero,
 * acceptors and the wake-up op belong to the group.
 */
#ifndef CHEK_IO_URING_SHARD_H
#define CHEK_IO_URING_SHARD_H

#include <liburing.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "engine/io/uring.h"

#define URING_SETUP_FLAGS                                                                  \
    (IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | \
     IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL)

/* Threads of the kernel that a shard may keep busy with what cannot be done without blocking. */
#define URING_KERNEL_WORKER_COUNT 4

#define URING_ACCEPTOR_COUNT_MAX 16
#define URING_MESSAGE_COUNT 4096 /* slots of a ring between two shards */

/* Kinds beyond those of io.h. */
enum uring_kind {
    URING_RECEIVE = 32,
    URING_SEND,
    URING_CANCEL_RECEIVE, /* a pause: take the multishot receive back */
    URING_CANCEL_SOCKET,  /* a close: take everything back */
    URING_ACCEPT,
    URING_ACCEPT_AGAIN, /* timer: go on accepting */
    URING_WAKE,         /* read of the shard's eventfd */
    URING_CANCEL_ALL,   /* at the end of a run */
};

/* user_data that is not an op's address. */
#define URING_DATA_NONE UINT64_C(1)      /* another shard's wake-up */
#define URING_DATA_WAKE_SENT UINT64_C(3) /* | shard << 8: our own wake-up of a peer, if it failed */

/* First in, first out, through chek_op.next. */
struct uring_queue {
    struct chek_op *first, *last;
    size_t count;
};

/* Messages from one shard to another: one writer, one reader. */
struct uring_pipe {
    _Alignas(CHEK_CACHE_LINE_SIZE) atomic_uint tail; /* writer's line */
    uint32_t head_seen;
    _Alignas(CHEK_CACHE_LINE_SIZE) atomic_uint head; /* reader's line */
    _Alignas(CHEK_CACHE_LINE_SIZE) uint64_t slots[URING_MESSAGE_COUNT];
};

/* A listening socket. Accepting belongs to one shard, the rest to whoever holds the mutex. */
struct uring_acceptor {
    struct chek_op op;    /* URING_ACCEPT */
    struct chek_op again; /* URING_ACCEPT_AGAIN */
    struct uring_shard *shard;
    char address[CHEK_ADDRESS_TEXT_MAX];
    int file; /* -1: the place is free */
    uint16_t port;
    atomic_uint generation; /* of the place: a connection on its way to a stopped one is dropped */
    unsigned next_shard;
    atomic_uint listener_count;
    struct chek_listener *_Atomic listeners[CHEK_SHARD_COUNT_MAX]; /* [i] is shard i's to change */
};

/* The provided buffers of a shard. */
struct uring_buffers {
    struct io_uring_buf_ring *ring;
    uint8_t *bytes;
    size_t ring_size, bytes_size; /* of the two reservations */
    unsigned count, size;
};

/* NOLINTNEXTLINE(clang-analyzer-optin.performance.Padding): two lines for two kinds of writers */
struct uring_shard {
    struct chek_io io;
    struct chek_uring_group *group;
    struct io_uring ring;
    bool ring_exists;
    struct uring_queue backlog; /* ops that wait for a submission entry */
    struct uring_queue starved; /* receive ops to be looked at again after the turn */
    struct uring_queue ended;   /* closing ops of streams that the kernel has nothing of */
    struct uring_buffers buffers;
    struct chek_stream *streams; /* all that are not closed, through receive.argument */
    struct chek_op *timers;      /* root of a pairing heap */
    uint64_t timer_sequence;
    size_t kernel_count; /* ops whose last completion is to come */
    uint64_t dirty_bits; /* peers that were posted to in this turn */
    bool draining;
    int wake_file; /* eventfd */
    uint64_t wake_value;
    struct chek_op wake_op;
    struct chek_op cancel_op;
    struct chek_uring_counters counters;

    /* Written by other threads. */
    _Alignas(CHEK_CACHE_LINE_SIZE) atomic_bool sleeping;
    struct chek_op *_Atomic work_done; /* a stack, newest first */
};

/* Threads that take from one queue. */
struct uring_worker {
    struct uring_crew *crew;
    pthread_t thread;
    pid_t id;
    uint64_t begun_ns; /* the calm work that it is at; 0 = none */
};

struct uring_crew {
    struct chek_uring_group *group;
    pthread_cond_t wanted;
    struct uring_queue queue;
    unsigned count;
    struct uring_worker workers[CHEK_SHARD_COUNT_MAX];
};

struct uring_workers {
    pthread_mutex_t mutex;
    pthread_cond_t finished;
    bool exists, stopping;
    unsigned running_counts[CHEK_SHARD_COUNT_MAX];
    struct uring_crew crews[2]; /* [1] for calm work */

    bool may_idle; /* calm work runs in the idle class, and `watcher` is there */
    pthread_t watcher;
    pthread_cond_t watched; /* calm work has begun, or all stops */
    unsigned calm_count;    /* calm works that run */
    uint64_t late_ns;       /* when one last was brought out of the class; 0 = never */
};

struct chek_uring_group {
    struct chek_uring_options options;
    int folder;
    unsigned shard_count;
    atomic_bool stopping;
    cpu_set_t processors; /* that we may use; none: unknown */
    struct uring_shard *shards;
    struct uring_pipe *pipes; /* [from * shard_count + to] */
    struct uring_workers workers;
    pthread_mutex_t acceptor_mutex;
    struct uring_acceptor acceptors[URING_ACCEPTOR_COUNT_MAX];
};

static inline struct uring_shard *
io__shard(struct chek_io *io)
{
    return CHEK_CONTAINER_OF(io, struct uring_shard, io);
}

static inline void
io__queue_push(struct uring_queue *queue, struct chek_op *op)
{
    op->next = NULL;
    if (queue->last == NULL) {
        queue->first = op;
    } else {
        queue->last->next = op;
    }
    queue->last = op;
    queue->count += 1;
}

/* NULL when empty. */
static inline struct chek_op *
io__queue_pop(struct uring_queue *queue)
{
    struct chek_op *op = queue->first;
    if (op == NULL) {
        return NULL;
    }
    queue->first = op->next;
    if (queue->first == NULL) {
        queue->last = NULL;
    }
    queue->count -= 1;
    op->next = NULL;
    return op;
}

/* uring.c */
uint64_t io__clock_ns(void);
/* Zeroed memory on a page of its own; chek_memory_release() it. NULL when there is none. */
CHEK_MUST_USE void *io__memory_map(size_t size);

/* uring_ring.c: entries in and out. */
CHEK_MUST_USE int io__ring_create(struct uring_shard *shard);
void io__ring_destroy(struct uring_shard *shard);
CHEK_MUST_USE int io__ring_start(struct uring_shard *shard);
void io__ring_drain(struct uring_shard *shard);
/* Ask the kernel for `op`; it stays in flight until its last completion. */
void io__start(struct uring_shard *shard, struct chek_op *op);
/* Submit all that waits; then wait at most `wait_ns` for a completion, 0 = not at all. */
CHEK_MUST_USE int io__ring_enter(struct uring_shard *shard, uint64_t wait_ns);
void io__ring_reap(struct uring_shard *shard);
/* An entry for something that is not an op; NULL when the ring is full even after a flush. */
struct io_uring_sqe *io__ring_entry(struct uring_shard *shard);

/* uring_file.c */
void io__file_prepare(const struct chek_op *op, struct io_uring_sqe *entry);
void io__file_on_done(struct uring_shard *shard, struct chek_op *op, int result);

/* uring_timer.c */
void io__timer_add(struct uring_shard *shard, struct chek_op *op);
void io__timer_run(struct uring_shard *shard);
/* Forget all timers at the end; they are not in flight any more. */
void io__timer_drain(struct uring_shard *shard);
/* Nanoseconds to the next timer, UINT64_MAX when there is none. */
uint64_t io__timer_wait_ns(const struct uring_shard *shard);

/* uring_work.c */
CHEK_MUST_USE int io__work_create(struct chek_uring_group *group);
void io__work_destroy(struct chek_uring_group *group);
void io__work_add(struct uring_shard *shard, struct chek_op *op);
void io__work_run_done(struct uring_shard *shard);
void io__work_drain(struct uring_shard *shard);

/* uring_message.c */
CHEK_MUST_USE int io__message_create(struct chek_uring_group *group);
void io__message_destroy(struct chek_uring_group *group);
CHEK_MUST_USE int io__message_post(struct chek_io *io, unsigned to, struct chek_message *message);
/* Hand an accepted socket to a peer; FULL when its pipe is. */
CHEK_MUST_USE int io__message_post_socket(struct uring_shard *shard, unsigned to, int socket,
                                          unsigned acceptor, uint32_t generation);
void io__message_run(struct uring_shard *shard);
/* Wake the peers that were posted to and sleep. */
void io__message_wake_peers(struct uring_shard *shard);
bool io__message_is_waiting(struct uring_shard *shard);
/* Wake a shard from any thread. */
void io__wake(struct uring_shard *shard);

/* Say how the calling thread is to be scheduled. */
void io__schedule_shard(const struct uring_shard *shard);
void io__schedule_lane(const struct uring_shard *shard);
void io__schedule_worker(bool is_calm);

/* Calm work: into the idle class, and out of it again (any thread of the process; 0 = this one). */
void io__schedule_idle(void);
void io__schedule_calm(pid_t thread);

/* Whether a thread that went into the idle class may leave it. Cost: a thread made and ended. */
bool io__schedule_may_idle(void);

/* uring_accept.c */
void io__accept_create(struct chek_uring_group *group);
void io__accept_destroy(struct chek_uring_group *group);
CHEK_MUST_USE int io__listen(struct chek_io *io, struct chek_listener *listener,
                             const char *address);
void io__listen_stop(struct chek_io *io, struct chek_listener *listener);
void io__refuse(struct chek_io *io, int socket);
void io__accept_on_done(struct uring_shard *shard, struct chek_op *op, int result, bool more);
void io__accept_again(struct uring_shard *shard, struct chek_op *op);
/* A peer's acceptor has dealt us `socket`. */
void io__accept_receive(struct uring_shard *shard, int socket, unsigned place, uint32_t generation);

/* uring_address.c: "HOST:PORT" to a bound and listening socket. */
CHEK_MUST_USE int io__address_listen(const char *address, int *ret_file, uint16_t *ret_port);

/* uring_stream.c */
CHEK_MUST_USE int io__buffers_create(struct uring_shard *shard);
void io__buffers_destroy(struct uring_shard *shard);
void io__stream_prepare(struct chek_op *op, struct io_uring_sqe *entry);
void io__stream_on_done(struct uring_shard *shard, struct chek_op *op, int result, uint32_t flags);
/* Finish streams that the kernel has nothing of; look again at those that found no buffer. True when
 * some of these still wait. */
bool io__stream_run_waiting(struct uring_shard *shard);
void io__stream_close_all(struct uring_shard *shard);
void io__stream_start(struct chek_io *io, struct chek_stream *stream, int socket);
void io__stream_pause(struct chek_stream *stream);
void io__stream_resume(struct chek_stream *stream);
void io__stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size);
void io__stream_close(struct chek_stream *stream);

/* uring_disk.c */
CHEK_MUST_USE int io__disk_open(struct chek_io *io, const char *path, unsigned flags);
void io__disk_close(struct chek_io *io, int file);
CHEK_MUST_USE int64_t io__disk_size(struct chek_io *io, int file);
CHEK_MUST_USE int64_t io__disk_read(struct chek_io *io, int file, void *bytes, size_t size,
                                    uint64_t offset);
CHEK_MUST_USE int io__disk_write(struct chek_io *io, int file, const void *bytes, size_t size,
                                 uint64_t offset);
CHEK_MUST_USE int io__disk_truncate(struct chek_io *io, int file, uint64_t size);
CHEK_MUST_USE int io__disk_sync(struct chek_io *io, int file);
CHEK_MUST_USE int io__disk_make_folder(struct chek_io *io, const char *path);
CHEK_MUST_USE int io__disk_rename(struct chek_io *io, const char *from, const char *to);
CHEK_MUST_USE int io__disk_unlink(struct chek_io *io, const char *path);
CHEK_MUST_USE int io__disk_sync_folder(struct chek_io *io, const char *path);
CHEK_MUST_USE int io__disk_list(struct chek_io *io, const char *path,
                                void (*on_name)(void *context, const char *name), void *context);
CHEK_MUST_USE int io__disk_lock(struct chek_io *io);
CHEK_MUST_USE int64_t io__disk_free(struct chek_io *io);

/* uring_lanes.c */
CHEK_MUST_USE int io__lanes_open(struct chek_io *io, unsigned count, struct chek_lanes **ret);
void io__lanes_put(struct chek_lanes *base, unsigned lane, void (*work)(void *argument),
                   void *argument);
void io__lanes_close(struct chek_lanes *base);

#endif
