/* SPDX-License-Identifier: MIT */
/*
 * uring_stream.c - connections: a multishot receive into provided buffers, one send at a time.
 *
 * What the kernel and our own queues still hold of a stream is counted in `private_index`; the
 * descriptor is closed and on_closed called when a closed stream's count reaches zero. So no
 * completion can meet a stream that is gone, and no descriptor number can be reused under one.
 *
 * The receive op is `in_flight` while the kernel or the queue of starved streams has it, and
 * `receiving` says that it is the kernel. stream_settle() is the one place that decides what
 * happens next, after whatever happened.
 *
 *   Source  io_uring_prep_recv_multishot(3), io_uring_register_buf_ring(3)
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/io/uring_shard.h"

#define BUFFER_GROUP 0
#define SEND_SIZE_MAX ((size_t)1 << 30)

/* ---- buffers ----------------------------------------------------------------------------------- */

static void
buffer_give(struct uring_buffers *buffers, unsigned index)
{
    io_uring_buf_ring_add(buffers->ring, buffers->bytes + (size_t)index * buffers->size,
                          buffers->size, (unsigned short)index,
                          io_uring_buf_ring_mask(buffers->count), 0);
    io_uring_buf_ring_advance(buffers->ring, 1);
}

int
io__buffers_create(struct uring_shard *shard)
{
    struct uring_buffers *buffers = &shard->buffers;

    buffers->count = shard->group->options.receive_buffer_count;
    buffers->size = shard->group->options.receive_buffer_size;
    buffers->ring_size = buffers->count * sizeof(struct io_uring_buf);
    buffers->bytes_size = (size_t)buffers->count * buffers->size;
    buffers->ring = io__memory_map(buffers->ring_size);
    if (buffers->ring == NULL) {
        return -ENOMEM;
    }
    buffers->bytes = io__memory_map(buffers->bytes_size);
    if (buffers->bytes == NULL) {
        return -ENOMEM;
    }
    struct io_uring_buf_reg registration = {
        .ring_addr = (uint64_t)(uintptr_t)buffers->ring,
        .ring_entries = buffers->count,
        .bgid = BUFFER_GROUP,
    };
    int error = io_uring_register_buf_ring(&shard->ring, &registration, 0);
    if (error != 0) {
        return error == -EINVAL ? CHEK_E_IO_URING : error;
    }
    io_uring_buf_ring_init(buffers->ring);
    for (unsigned i = 0; i < buffers->count; i++) {
        buffer_give(buffers, i);
    }
    return CHEK_OK;
}

void
io__buffers_destroy(struct uring_shard *shard)
{
    struct uring_buffers *buffers = &shard->buffers;

    if (buffers->bytes != NULL) {
        chek_memory_release(buffers->bytes, buffers->bytes_size);
    }
    if (buffers->ring != NULL) {
        chek_memory_release(buffers->ring, buffers->ring_size);
    }
    *buffers = (struct uring_buffers){0};
}

/* ---- the list of open streams ------------------------------------------------------------------ */

/* receive.argument is the next stream, send.argument the previous one. */
static void
stream_list(struct uring_shard *shard, struct chek_stream *stream)
{
    stream->receive.argument = shard->streams;
    stream->send.argument = NULL;
    if (shard->streams != NULL) {
        shard->streams->send.argument = stream;
    }
    shard->streams = stream;
}

static void
stream_unlist(struct uring_shard *shard, struct chek_stream *stream)
{
    struct chek_stream *next = stream->receive.argument;
    struct chek_stream *previous = stream->send.argument;

    if (previous != NULL) {
        previous->receive.argument = next;
    } else {
        shard->streams = next;
    }
    if (next != NULL) {
        next->send.argument = previous;
    }
}

void
io__stream_close_all(struct uring_shard *shard)
{
    while (shard->streams != NULL) {
        struct chek_stream *stream = shard->streams;
        stream_unlist(shard, stream);
        close(stream->file);
        stream->file = -1;
    }
}

/* ---- what happens next ------------------------------------------------------------------------- */

static void
stream_ask(struct chek_stream *stream, struct chek_op *op, enum uring_kind kind)
{
    op->kind = (uint8_t)kind;
    stream->private_index += 1;
    io__start(io__shard(stream->io), op);
}

/* Look at the stream again after the turn. */
static void
stream_ask_later(struct chek_stream *stream, struct chek_op *op, struct uring_queue *queue)
{
    op->in_flight = true;
    stream->private_index += 1;
    io__queue_push(queue, op);
}

static void
stream_finish(struct chek_stream *stream)
{
    stream_unlist(io__shard(stream->io), stream);
    close(stream->file);
    stream->file = -1;
    stream->on_closed(stream); /* the owner may free or start it again: not a word from here on */
}

static void
stream_settle(struct chek_stream *stream)
{
    if (stream->closed) {
        if (stream->private_index == 0) {
            stream_finish(stream);
        } else if (!stream->closing.in_flight && stream->closing.kind != URING_CANCEL_SOCKET) {
            stream_ask(stream, &stream->closing, URING_CANCEL_SOCKET);
        }
        return;
    }
    if (stream->paused) {
        if (stream->receiving && !stream->closing.in_flight) {
            stream_ask(stream, &stream->closing, URING_CANCEL_RECEIVE);
        }
    } else if (!stream->receive.in_flight && !stream->ended) {
        stream->receiving = true;
        stream_ask(stream, &stream->receive, URING_RECEIVE);
    }
}

static void
stream_look_again(struct chek_op *op)
{
    struct chek_stream *stream = op->kind == URING_RECEIVE
                                     ? CHEK_CONTAINER_OF(op, struct chek_stream, receive)
                                     : CHEK_CONTAINER_OF(op, struct chek_stream, closing);
    op->in_flight = false;
    stream->private_index -= 1;
    stream_settle(stream);
}

/* ---- the calls --------------------------------------------------------------------------------- */

void
io__stream_start(struct chek_io *io, struct chek_stream *stream, int socket)
{
    (void)socket;
    stream_list(io__shard(io), stream);
    stream_settle(stream);
}

void
io__stream_pause(struct chek_stream *stream)
{
    stream_settle(stream);
}

void
io__stream_resume(struct chek_stream *stream)
{
    stream_settle(stream);
}

void
io__stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    (void)size;
    stream_ask(stream, &stream->send, URING_SEND);
}

void
io__stream_close(struct chek_stream *stream)
{
    if (stream->private_index == 0) {
        /* The peer has sent its last and has been answered: there is nothing to take back, and a
         * cancel would look through all that the ring waits for. */
        stream->closing.kind = URING_CANCEL_SOCKET;
        stream_ask_later(stream, &stream->closing, &io__shard(stream->io)->ended);
        return;
    }
    /* Ends a receive or a send that a cancel would miss because it is just being started. */
    shutdown(stream->file, SHUT_RDWR);
    if (!stream->closing.in_flight) {
        stream_ask(stream, &stream->closing, URING_CANCEL_SOCKET);
    }
}

/* ---- entries ----------------------------------------------------------------------------------- */

void
io__stream_prepare(struct chek_op *op, struct io_uring_sqe *entry)
{
    size_t rest = op->size - op->done_size;

    switch (op->kind) {
    case URING_RECEIVE:
        io_uring_prep_recv_multishot(entry, op->file, NULL, 0, 0);
        io_uring_sqe_set_flags(entry, IOSQE_BUFFER_SELECT);
        entry->buf_group = BUFFER_GROUP;
        break;
    case URING_SEND:
        io_uring_prep_send(entry, op->file, op->bytes + op->done_size,
                           rest < SEND_SIZE_MAX ? rest : SEND_SIZE_MAX, MSG_WAITALL | MSG_NOSIGNAL);
        break;
    case URING_CANCEL_RECEIVE: {
        struct chek_stream *stream = CHEK_CONTAINER_OF(op, struct chek_stream, closing);
        io_uring_prep_cancel64(entry, (uint64_t)(uintptr_t)&stream->receive, 0);
        break;
    }
    default:
        io_uring_prep_cancel_fd(entry, op->file, IORING_ASYNC_CANCEL_ALL);
        break;
    }
}

/* ---- completions ------------------------------------------------------------------------------- */

static void
receive_end(struct chek_stream *stream, int error)
{
    if (!stream->closed && !stream->ended) {
        stream->ended = true;
        stream->on_receive(stream, NULL, 0, error);
    }
}

static void
receive_on_done(struct uring_shard *shard, struct chek_stream *stream, int result, uint32_t flags)
{
    if ((flags & IORING_CQE_F_MORE) == 0) {
        stream->receiving = false;
        stream->private_index -= 1;
    }
    if ((flags & IORING_CQE_F_BUFFER) != 0) {
        struct uring_buffers *buffers = &shard->buffers;
        unsigned index = flags >> IORING_CQE_BUFFER_SHIFT;
        CHEK_ASSERT(index < buffers->count);
        if (result > 0 && !stream->closed && !stream->ended) {
            stream->on_receive(stream, buffers->bytes + (size_t)index * buffers->size,
                               (size_t)result, 0);
        }
        buffer_give(buffers, index);
    }
    switch (result) {
    case 0:
        receive_end(stream, 0);
        break;
    case -ENOBUFS:
        /* Asking at once would fail at once: all buffers are on their way to us. */
        shard->counters.starved_count += 1;
        stream_ask_later(stream, &stream->receive, &shard->starved);
        break;
    case -ECANCELED: /* a pause, perhaps over by now */
    case -EINTR:
    case -EAGAIN:
        break;
    default:
        if (result < 0) {
            receive_end(stream, result);
        }
        break;
    }
    stream_settle(stream);
}

static void
send_on_done(struct chek_stream *stream, int result)
{
    struct chek_op *op = &stream->send;

    stream->private_index -= 1;
    if (stream->closed) {
        stream_settle(stream);
        return;
    }
    if (result > 0) {
        op->done_size += (size_t)result;
        CHEK_ASSERT(op->done_size <= op->size);
    }
    bool again = result > 0 ? op->done_size < op->size : result == -EINTR || result == -EAGAIN;
    if (again) {
        stream_ask(stream, op, URING_SEND);
        return;
    }
    stream->on_sent(stream, result > 0 ? CHEK_OK : result < 0 ? result : -EPIPE);
    stream_settle(stream);
}

static void
cancel_on_done(struct chek_stream *stream, int result)
{
    stream->private_index -= 1;
    if (result < 0 && stream->paused && stream->receiving && !stream->closed) {
        /* The receive was neither waiting nor done: it was just being started. */
        stream_ask_later(stream, &stream->closing, &io__shard(stream->io)->starved);
    }
    stream_settle(stream);
}

void
io__stream_on_done(struct uring_shard *shard, struct chek_op *op, int result, uint32_t flags)
{
    switch (op->kind) {
    case URING_RECEIVE:
        receive_on_done(shard, CHEK_CONTAINER_OF(op, struct chek_stream, receive), result, flags);
        break;
    case URING_SEND:
        send_on_done(CHEK_CONTAINER_OF(op, struct chek_stream, send), result);
        break;
    default:
        cancel_on_done(CHEK_CONTAINER_OF(op, struct chek_stream, closing), result);
        break;
    }
}

bool
io__stream_run_waiting(struct uring_shard *shard)
{
    struct chek_op *op;
    while ((op = io__queue_pop(&shard->ended)) != NULL) {
        stream_look_again(op);
    }
    if (shard->starved.count == 0) {
        return false;
    }
    if (io_uring_cq_ready(&shard->ring) != 0 || io_uring_cq_has_overflow(&shard->ring)) {
        return true; /* completions hold buffers still */
    }
    /* All buffers are the kernel's again. More receives than buffers would only starve again. */
    for (unsigned i = 0; i < shard->buffers.count && shard->starved.count > 0; i++) {
        stream_look_again(io__queue_pop(&shard->starved));
    }
    return shard->starved.count > 0;
}
