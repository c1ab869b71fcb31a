/* SPDX-License-Identifier: MIT */
/*
 * uring_ring.c - ops into submission entries, completions back to ops.
 *
 * All ops pass through the backlog and become entries just before the system call, so a callback
 * may start any number of them whatever the size of the ring. Completions are copied out in small
 * batches before any callback runs: a callback that enters the ring cannot disturb the walk.
 */
#include <errno.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/io/uring_shard.h"

#define REAP_COUNT_MAX 128 /* completions of one turn: the owner's on_turn must come soon */
#define DRAIN_WAIT_NS UINT64_C(10000000)

struct completion {
    uint64_t data;
    int32_t result;
    uint32_t flags;
};

/* ---- life ------------------------------------------------------------------------------------ */

int
io__ring_create(struct uring_shard *shard)
{
    const struct chek_uring_options *options = &shard->group->options;
    struct io_uring_params params = {
        .flags = URING_SETUP_FLAGS | IORING_SETUP_R_DISABLED,
        .cq_entries = options->completion_count,
    };

    shard->wake_file = eventfd(0, EFD_CLOEXEC);
    if (shard->wake_file < 0) {
        return -errno;
    }
    /* Disabled until the shard's thread enables it and so becomes its one issuer. */
    int error = io_uring_queue_init_params(options->submission_count, &shard->ring, &params);
    if (error < 0) {
        return error == -ENOSYS || error == -EPERM || error == -EINVAL ? CHEK_E_IO_URING : error;
    }
    shard->ring_exists = true;
    return CHEK_OK;
}

void
io__ring_destroy(struct uring_shard *shard)
{
    if (shard->ring_exists) {
        io_uring_queue_exit(&shard->ring);
        shard->ring_exists = false;
    }
    if (shard->wake_file >= 0) {
        close(shard->wake_file);
        shard->wake_file = -1;
    }
}

static void
wake_arm(struct uring_shard *shard)
{
    struct chek_op *op = &shard->wake_op;

    op->kind = URING_WAKE;
    op->file = shard->wake_file;
    op->bytes = (uint8_t *)&shard->wake_value;
    op->size = sizeof shard->wake_value;
    op->done_size = 0;
    op->offset = 0;
    io__start(shard, op);
}

int
io__ring_start(struct uring_shard *shard)
{
    unsigned workers[2] = {URING_KERNEL_WORKER_COUNT, URING_KERNEL_WORKER_COUNT};

    int error = io_uring_enable_rings(&shard->ring);
    if (error < 0) {
        return error;
    }
    /* Saves a look-up of the descriptor at each call; works without. */
    (void)io_uring_register_ring_fd(&shard->ring);
    error = io_uring_register_iowq_max_workers(&shard->ring, workers);
    if (error < 0) {
        return error;
    }
    wake_arm(shard);
    return CHEK_OK;
}

/* ---- in ---------------------------------------------------------------------------------------- */

void
io__start(struct uring_shard *shard, struct chek_op *op)
{
    op->in_flight = true;
    shard->kernel_count += 1;
    io__queue_push(&shard->backlog, op);
}

static void
entry_prepare(struct chek_op *op, struct io_uring_sqe *entry)
{
    switch (op->kind) {
    case CHEK_OP_WRITE:
    case CHEK_OP_READ:
    case CHEK_OP_SYNC:
    case URING_WAKE:
        io__file_prepare(op, entry);
        break;
    case URING_RECEIVE:
    case URING_SEND:
    case URING_CANCEL_RECEIVE:
    case URING_CANCEL_SOCKET:
        io__stream_prepare(op, entry);
        break;
    case URING_ACCEPT:
        io_uring_prep_multishot_accept(entry, op->file, NULL, NULL, SOCK_CLOEXEC);
        break;
    case URING_CANCEL_ALL:
        io_uring_prep_cancel64(entry, 0, (int)(IORING_ASYNC_CANCEL_ANY | IORING_ASYNC_CANCEL_ALL));
        break;
    default:
        CHEK_ASSERT(!"an op of this kind is not for the ring");
    }
    io_uring_sqe_set_data64(entry, (uint64_t)(uintptr_t)op);
}

/* Errors that pass when completions are taken out, memory comes back, or the signal is over. */
static bool
error_passes(int error)
{
    return error == -EINTR || error == -EBUSY || error == -EAGAIN;
}

static int
submit(struct uring_shard *shard)
{
    int count = io_uring_submit(&shard->ring);

    shard->counters.enter_count += 1;
    if (count >= 0) {
        shard->counters.submission_count += (unsigned)count;
    }
    return count;
}

/* Turn the backlog into entries; a full ring is flushed. What does not fit now stays. */
static int
backlog_flush(struct uring_shard *shard)
{
    while (shard->backlog.first != NULL) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&shard->ring);
        if (entry == NULL) {
            int count = submit(shard);
            if (count <= 0) {
                return count == 0 || error_passes(count) ? CHEK_OK : count;
            }
            continue;
        }
        entry_prepare(io__queue_pop(&shard->backlog), entry);
    }
    return CHEK_OK;
}

struct io_uring_sqe *
io__ring_entry(struct uring_shard *shard)
{
    struct io_uring_sqe *entry = io_uring_get_sqe(&shard->ring);

    if (entry == NULL && submit(shard) > 0) {
        entry = io_uring_get_sqe(&shard->ring);
    }
    return entry;
}

int
io__ring_enter(struct uring_shard *shard, uint64_t wait_ns)
{
    struct io_uring *ring = &shard->ring;
    int error = backlog_flush(shard);

    if (error != CHEK_OK) {
        return error;
    }
    unsigned before = io_uring_sq_ready(ring);
    if (wait_ns == 0 || shard->backlog.first != NULL || io_uring_cq_ready(ring) != 0) {
        error = io_uring_submit_and_get_events(ring);
    } else {
        struct __kernel_timespec wait = {.tv_sec = (long long)(wait_ns / 1000000000),
                                         .tv_nsec = (long long)(wait_ns % 1000000000)};
        struct io_uring_cqe *first;
        error = io_uring_submit_and_wait_timeout(ring, &first, 1, &wait, NULL);
        shard->counters.sleep_count += 1;
    }
    shard->counters.enter_count += 1;
    shard->counters.submission_count += before - io_uring_sq_ready(ring);

    if (error == -EAGAIN && io_uring_cq_ready(ring) == 0) {
        /* The kernel has no memory for a request and we have nothing to give back. */
        nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    }
    return error >= 0 || error == -ETIME || error_passes(error) ? CHEK_OK : error;
}

/* ---- out --------------------------------------------------------------------------------------- */

/* At the end of a run nothing is handed out; only what would leak is taken. */
static void
dispatch_drained(struct chek_op *op, int result)
{
    if (op->kind == URING_ACCEPT && result >= 0) {
        close(result);
    }
}

static void
dispatch_op(struct uring_shard *shard, struct chek_op *op, int result, uint32_t flags)
{
    bool more = (flags & IORING_CQE_F_MORE) != 0;

    CHEK_ASSERT(op->in_flight);
    if (!more) {
        op->in_flight = false;
        shard->kernel_count -= 1;
    }
    if (shard->draining) {
        dispatch_drained(op, result);
        return;
    }
    switch (op->kind) {
    case CHEK_OP_WRITE:
    case CHEK_OP_READ:
    case CHEK_OP_SYNC:
        io__file_on_done(shard, op, result);
        break;
    case URING_RECEIVE:
    case URING_SEND:
    case URING_CANCEL_RECEIVE:
    case URING_CANCEL_SOCKET:
        io__stream_on_done(shard, op, result, flags);
        break;
    case URING_ACCEPT:
        io__accept_on_done(shard, op, result, more);
        break;
    case URING_WAKE:
        wake_arm(shard);
        break;
    default:
        CHEK_ASSERT(!"a completion of an op that is not for the ring");
    }
}

static void
dispatch(struct uring_shard *shard, const struct completion *completion)
{
    uint64_t data = completion->data;

    shard->counters.completion_count += 1;
    if ((data & 1) == 0) {
        dispatch_op(shard, (struct chek_op *)(uintptr_t)data, completion->result,
                    completion->flags);
        return;
    }
    if ((data & 0xff) == URING_DATA_WAKE_SENT && completion->result < 0) {
        /* The short way did not work (a ring that does not run yet, no memory): the long one. */
        io__wake(&shard->group->shards[data >> 8]);
    }
}

static unsigned
completions_take(struct io_uring *ring, struct completion *into, unsigned count_max)
{
    struct io_uring_cqe *cqe;
    unsigned head;
    unsigned count = 0;

    io_uring_for_each_cqe(ring, head, cqe)
    {
        if (count == count_max) {
            break;
        }
        into[count] = (struct completion){cqe->user_data, cqe->res, cqe->flags};
        count += 1;
    }
    io_uring_cq_advance(ring, count);
    return count;
}

void
io__ring_reap(struct uring_shard *shard)
{
    struct completion batch[REAP_COUNT_MAX];
    unsigned count = completions_take(&shard->ring, batch, REAP_COUNT_MAX);

    for (unsigned i = 0; i < count; i++) {
        dispatch(shard, &batch[i]);
        chek_io_step(&shard->io.owner);
    }
}

/* ---- the end ----------------------------------------------------------------------------------- */

void
io__ring_drain(struct uring_shard *shard)
{
    struct chek_op *op;

    shard->draining = true;
    while ((op = io__queue_pop(&shard->backlog)) != NULL) {
        op->in_flight = false;
        shard->kernel_count -= 1;
    }
    /* What was about to be armed when it was cancelled is cancelled by the next round. */
    for (unsigned round = 0; shard->kernel_count > 0; round++) {
        if (round % 2 == 0 && !shard->cancel_op.in_flight) {
            shard->cancel_op.kind = URING_CANCEL_ALL;
            io__start(shard, &shard->cancel_op);
        }
        if (io__ring_enter(shard, DRAIN_WAIT_NS) != CHEK_OK) {
            return; /* a broken ring owes us nothing any more */
        }
        io__ring_reap(shard);
    }
    (void)io_uring_unregister_ring_fd(&shard->ring);
}
