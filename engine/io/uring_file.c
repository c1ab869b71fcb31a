/* SPDX-License-Identifier: MIT */
/*
 * uring_file.c - writes, reads and syncs of files.
 *
 * The kernel may do less than it was asked for; an op completes only when all is done, so no
 * caller ever sees a part. A sync is never repeated: after a failed one the kernel marks the pages
 * clean, and a second one would report success over lost data.
 */
#include <errno.h>

#include "engine/io/uring_shard.h"

#define TRANSFER_SIZE_MAX ((size_t)1 << 30) /* one entry; the kernel takes at most 2^31 - 4096 */
#define DEVICE_BLOCK_SIZE 512

void
io__file_prepare(const struct chek_op *op, struct io_uring_sqe *entry)
{
    size_t rest = op->size - op->done_size;
    unsigned size = (unsigned)(rest < TRANSFER_SIZE_MAX ? rest : TRANSFER_SIZE_MAX);

    if (op->kind == CHEK_OP_SYNC) {
        io_uring_prep_fsync(entry, op->file, IORING_FSYNC_DATASYNC);
    } else if (op->kind == CHEK_OP_WRITE) {
        io_uring_prep_write(entry, op->file, op->bytes + op->done_size, size,
                            op->offset + op->done_size);
    } else {
        io_uring_prep_read(entry, op->file, op->bytes + op->done_size, size,
                           op->offset + op->done_size);
    }
}

/* A read that stops inside a block has met the end of the file; asking again there would be an
 * error with O_DIRECT. */
static bool
read_is_at_end(const struct chek_op *op, int result)
{
    return result == 0 || (op->offset + op->done_size) % DEVICE_BLOCK_SIZE != 0;
}

void
io__file_on_done(struct uring_shard *shard, struct chek_op *op, int result)
{
    if (op->kind == CHEK_OP_SYNC) {
        op->on_done(op, result);
        return;
    }
    if (result == -EINTR || result == -EAGAIN) {
        io__start(shard, op);
        return;
    }
    if (result < 0) {
        op->on_done(op, result);
        return;
    }
    op->done_size += (size_t)result;
    CHEK_ASSERT(op->done_size <= op->size);
    if (op->done_size == op->size) {
        op->on_done(op, op->kind == CHEK_OP_READ ? (int64_t)op->size : 0);
    } else if (op->kind == CHEK_OP_READ && read_is_at_end(op, result)) {
        op->on_done(op, (int64_t)op->done_size);
    } else if (op->kind == CHEK_OP_WRITE && result == 0) {
        op->on_done(op, -EIO); /* no progress and no reason: never ask for ever */
    } else {
        io__start(shard, op);
    }
}
