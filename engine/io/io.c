/* SPDX-License-Identifier: MIT */
/*
 * io.c - the forwarding half of the door: it checks that the caller kept the rules of io.h, fills
 * the operation, counts it, and hands it to the implementation. Everything that both
 * implementations would have to do alike is done here once.
 */
#include "engine/io/io.h"

#include "engine/base/assertion.h"

/* ---- operations ---------------------------------------------------------------------------- */

static void
op_submit(struct chek_io *io, struct chek_op *op, enum chek_op_kind kind)
{
    CHEK_ASSERT(op->on_done != NULL);
    CHEK_ASSERT(!op->in_flight);

    op->kind = (uint8_t)kind;
    op->done_size = 0;
    op->next = NULL;
    op->in_flight = true;
    io->op_count += 1;
    io->table->submit(io, op);
}

/* Name the bytes of a transfer; one member serves both directions, and a write only reads it. */
static void
op_set(struct chek_op *op, int file, const uint8_t *bytes, size_t size, uint64_t offset)
{
    CHEK_ASSERT(!op->in_flight);
    CHEK_ASSERT(file >= 0);
    CHEK_ASSERT(bytes != NULL || size == 0);
    CHEK_ASSERT(size <= INT64_MAX && offset <= (uint64_t)INT64_MAX - size);

    op->file = file;
    op->bytes = (uint8_t *)(uintptr_t)bytes;
    op->size = size;
    op->offset = offset;
}

void
chek_io_write(struct chek_io *io, struct chek_op *op, int file, const uint8_t *bytes, size_t size,
              uint64_t offset)
{
    op_set(op, file, bytes, size, offset);
    op_submit(io, op, CHEK_OP_WRITE);
}

void
chek_io_read(struct chek_io *io, struct chek_op *op, int file, uint8_t *bytes, size_t size,
             uint64_t offset)
{
    op_set(op, file, bytes, size, offset);
    op_submit(io, op, CHEK_OP_READ);
}

void
chek_io_sync(struct chek_io *io, struct chek_op *op, int file)
{
    op_set(op, file, NULL, 0, 0);
    op_submit(io, op, CHEK_OP_SYNC);
}

void
chek_io_timer(struct chek_io *io, struct chek_op *op, uint64_t deadline_ns)
{
    CHEK_ASSERT(!op->in_flight);
    op->deadline_ns = deadline_ns;
    op_submit(io, op, CHEK_OP_TIMER);
}

uint64_t
chek_io_now_ns(struct chek_io *io)
{
    return io->table->now_ns(io);
}

uint64_t
chek_io_wall_us(struct chek_io *io)
{
    return io->table->wall_us(io);
}

void
chek_io_random(struct chek_io *io, void *bytes, size_t size)
{
    io->table->random(io, bytes, size);
}

static void
work_submit(struct chek_io *io, struct chek_op *op, void (*work)(void *argument), void *argument,
            bool is_calm)
{
    CHEK_ASSERT(!op->in_flight);
    CHEK_ASSERT(work != NULL);
    op->work = work;
    op->argument = argument;
    op->is_calm = is_calm;
    op_submit(io, op, CHEK_OP_WORK);
}

void
chek_io_work(struct chek_io *io, struct chek_op *op, void (*work)(void *argument), void *argument)
{
    work_submit(io, op, work, argument, false);
}

void
chek_io_work_calm(struct chek_io *io, struct chek_op *op, void (*work)(void *argument),
                  void *argument)
{
    work_submit(io, op, work, argument, true);
}

int
chek_io_post(struct chek_io *io, unsigned shard, struct chek_message *message)
{
    CHEK_ASSERT(shard < io->shard_count);
    CHEK_ASSERT(message != NULL);

    message->from = (uint16_t)io->shard;
    int error = io->table->post(io, shard, message);
    io->post_count += error == CHEK_OK;
    return error;
}

void
chek_io_set_owner(struct chek_io *io, const struct chek_io_owner *owner)
{
    io->owner = *owner;
}

unsigned
chek_io_shard(const struct chek_io *io)
{
    return io->shard;
}

unsigned
chek_io_shard_count(const struct chek_io *io)
{
    return io->shard_count;
}

/* ---- network ------------------------------------------------------------------------------- */

int
chek_io_listen(struct chek_io *io, struct chek_listener *listener, const char *address)
{
    CHEK_ASSERT(listener->on_accept != NULL);
    listener->io = io;
    listener->file = -1;
    listener->port = 0;
    listener->op = (struct chek_op){0};
    return io->table->listen(io, listener, address);
}

void
chek_io_listen_stop(struct chek_io *io, struct chek_listener *listener)
{
    CHEK_ASSERT(listener->io == io);
    io->table->listen_stop(io, listener);
}

void
chek_io_refuse(struct chek_io *io, int socket)
{
    CHEK_ASSERT(socket >= 0);
    io->table->refuse(io, socket);
}

void
chek_stream_start(struct chek_io *io, struct chek_stream *stream, int socket)
{
    CHEK_ASSERT(socket >= 0);
    CHEK_ASSERT(stream->on_receive != NULL);
    CHEK_ASSERT(stream->on_sent != NULL);
    CHEK_ASSERT(stream->on_closed != NULL);

    stream->io = io;
    stream->file = socket;
    stream->receive = stream->send = stream->closing = (struct chek_op){.file = socket};
    stream->paused = stream->receiving = stream->closed = stream->ended = false;
    stream->private_index = 0;
    io->op_count += 1;
    io->table->stream_start(io, stream, socket);
}

void
chek_stream_pause(struct chek_stream *stream)
{
    if (stream->paused || stream->closed) {
        return;
    }
    stream->paused = true;
    stream->io->table->stream_pause(stream);
}

void
chek_stream_resume(struct chek_stream *stream)
{
    if (!stream->paused || stream->closed) {
        return;
    }
    stream->paused = false;
    stream->io->table->stream_resume(stream);
}

void
chek_stream_send(struct chek_stream *stream, const uint8_t *bytes, size_t size)
{
    CHEK_ASSERT(!stream->closed);
    CHEK_ASSERT(!stream->send.in_flight);
    CHEK_ASSERT(bytes != NULL);
    CHEK_ASSERT(size > 0);

    stream->send.bytes = (uint8_t *)(uintptr_t)bytes; /* only read */
    stream->send.size = size;
    stream->send.done_size = 0;
    stream->send.next = NULL;
    stream->send.in_flight = true;
    stream->io->op_count += 1;
    stream->io->table->stream_send(stream, bytes, size);
}

void
chek_stream_close(struct chek_stream *stream)
{
    CHEK_ASSERT(!stream->closed);
    stream->closed = true;
    stream->io->op_count += 1;
    stream->io->table->stream_close(stream);
}

/* ---- disk, synchronous ----------------------------------------------------------------------- */

int
chek_disk_open(struct chek_io *io, const char *path, unsigned flags)
{
    CHEK_ASSERT((flags & (CHEK_FILE_READ | CHEK_FILE_WRITE)) != 0);
    CHEK_ASSERT((flags & CHEK_FILE_CREATE) == 0 || (flags & CHEK_FILE_WRITE) != 0);
    return io->table->open(io, path, flags);
}

void
chek_disk_close(struct chek_io *io, int file)
{
    CHEK_ASSERT(file >= 0);
    io->table->close(io, file);
}

int64_t
chek_disk_size(struct chek_io *io, int file)
{
    return io->table->size(io, file);
}

int64_t
chek_disk_read(struct chek_io *io, int file, void *bytes, size_t size, uint64_t offset)
{
    CHEK_ASSERT(size <= INT64_MAX && offset <= (uint64_t)INT64_MAX - size);
    return io->table->read(io, file, bytes, size, offset);
}

int
chek_disk_write(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset)
{
    CHEK_ASSERT(size <= INT64_MAX && offset <= (uint64_t)INT64_MAX - size);
    return io->table->write(io, file, bytes, size, offset);
}

int
chek_disk_truncate(struct chek_io *io, int file, uint64_t size)
{
    CHEK_ASSERT(size <= INT64_MAX);
    return io->table->truncate(io, file, size);
}

int
chek_disk_sync(struct chek_io *io, int file)
{
    return io->table->sync(io, file);
}

int
chek_disk_make_folder(struct chek_io *io, const char *path)
{
    return io->table->make_folder(io, path);
}

int
chek_disk_rename(struct chek_io *io, const char *from, const char *to)
{
    return io->table->rename(io, from, to);
}

int
chek_disk_unlink(struct chek_io *io, const char *path)
{
    return io->table->unlink(io, path);
}

int
chek_disk_sync_folder(struct chek_io *io, const char *path)
{
    return io->table->sync_folder(io, path);
}

int
chek_disk_list(struct chek_io *io, const char *path,
               void (*on_name)(void *context, const char *name), void *context)
{
    CHEK_ASSERT(on_name != NULL);
    return io->table->list(io, path, on_name, context);
}

int
chek_disk_lock(struct chek_io *io)
{
    return io->table->lock(io);
}

int64_t
chek_disk_free(struct chek_io *io)
{
    return io->table->free_size(io);
}

int
chek_lanes_open(struct chek_io *io, unsigned count, struct chek_lanes **ret)
{
    CHEK_ASSERT(count > 0 && count <= CHEK_LANE_COUNT_MAX);
    return io->table->lanes_open(io, count, ret);
}

void
chek_lanes_put(struct chek_lanes *lanes, unsigned lane, void (*work)(void *argument),
               void *argument)
{
    CHEK_ASSERT(lane < lanes->count);
    lanes->table->lanes_put(lanes, lane, work, argument);
}

void
chek_lanes_close(struct chek_lanes *lanes)
{
    if (lanes != NULL) {
        lanes->table->lanes_close(lanes);
    }
}
