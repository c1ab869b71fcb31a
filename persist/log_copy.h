/* SPDX-License-Identifier: MIT */
/*
 * log_copy.h - the log of a stream as it was at a moment, read while the stream goes on.
 *
 * What is durable is written for ever, so a position that was durable is all that a copy needs: the
 * blocks before it are checked and handed out, nothing behind it is. The copy gets a watermark of its
 * own that says that it is durable up to there: when a part of the copy is missing later, a start on
 * it says so.
 *
 *   Threads  workers; synchronous. Nothing of it may be truncated meanwhile
 */
#ifndef CHEK_PERSIST_LOG_COPY_H
#define CHEK_PERSIST_LOG_COPY_H

#include "persist/log_format.h"

#define CHEK_LOG_PIECE_SIZE 131072

struct chek_log_copy {
    struct chek_io *io;
    struct log_place place; /* of the file being read; file 0 = the watermark comes first */
    uint32_t file_first;
    uint64_t lsn, lsn_end; /* reached, and where it ends */
    int handle;            /* -1 = no file is open */
    uint64_t offset, file_size;
};

/* Bytes of a file of the copy; what no piece says is zero up to `file_size`. */
struct chek_log_piece {
    char name[LOG_NAME_SIZE]; /* path inside the data folder */
    uint64_t offset, file_size;
    size_t size; /* may be 0 */
};

/* Begin: the stream as the manifest knows it, up to `lsn_end`, which was durable. */
void chek_log_copy_begin(struct chek_log_copy *copy, struct chek_io *io,
                         const uint64_t folder_id[2], const struct chek_log_known *known,
                         uint64_t lsn_end);

/*
 * Read the next piece. Returns 1 with *ret, or 0 when all was read.
 *
 *   Ownership  `bytes` has CHEK_LOG_PIECE_SIZE bytes at a block's border, filled up to ret->size
 *   Errors     CORRUPT: what was durable is not there or not what it was; -errno, HALTED
 */
CHEK_MUST_USE int chek_log_copy_next(struct chek_log_copy *copy, uint8_t *bytes,
                                     struct chek_log_piece *ret);

/* Close what is open; harmless when nothing is. */
void chek_log_copy_end(struct chek_log_copy *copy);

#endif
