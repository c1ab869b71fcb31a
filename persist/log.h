/* SPDX-License-Identifier: MIT */
/*
 * log.h - one shard's log: bytes are durable before anybody is told.
 *
 * Commands are appended to the group that is being filled; when the device is free (at most
 * CHEK_LOG_GROUP_COUNT groups in flight, no timer) the group is laid out in 4 KiB blocks, written
 * and synced. The log calls back with commands of a contiguous durable prefix, in order, however
 * the completions came. What an error of write or sync means is decided here once: the log
 * latches, and so does the process; nothing is acknowledged after it, no sync is repeated.
 *
 * The log knows commands as runs of bytes. Formats: persist/FORMAT.md "Log".
 *
 *   Threads  the owning shard
 */
#ifndef CHEK_PERSIST_LOG_H
#define CHEK_PERSIST_LOG_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/io/io.h"

#define CHEK_LOG_GROUP_COUNT 4               /* in flight at most */
#define CHEK_LOG_GROUP_SIZE_MAX (256 * 1024) /* bytes of commands in a group */
#define CHEK_LOG_FILE_SIZE_DEFAULT (256 * 1024 * 1024)

struct chek_log;

/* How bytes are made durable; chosen by a probe at the start, shown by `chek status`. */
enum chek_sync_method {
    CHEK_SYNC_PROBE,      /* measure both, take the faster */
    CHEK_SYNC_DATA_SYNC,  /* O_DSYNC writes */
    CHEK_SYNC_WRITE_SYNC, /* write, then fdatasync */
};

struct chek_log_config {
    uint32_t stream;       /* shard number */
    uint64_t generation;   /* of this run; every start has a new one */
    uint64_t folder_id[2]; /* identity of the data folder */
    uint64_t file_size;    /* bytes; the next file is zero-filled ahead on a worker */
    enum chek_sync_method method;
    void *context;
    /* A command is durable; called in log order. `lsn` is the position behind it. */
    void (*on_durable)(void *context, struct chek_bytes_view command, uint64_t lsn);
    /* Called once after the last on_durable of a turn. */
    void (*on_durable_end)(void *context, uint64_t lsn);
    /* The log failed; nothing becomes durable any more. Called once. */
    void (*on_latch)(void *context, int error);
};

struct chek_log_counters {
    uint64_t command_count, command_size;
    uint64_t group_count, block_count, file_count;
    uint64_t sync_count;
    uint64_t group_ns_max, group_ns_sum; /* submit to durable */
    uint64_t durable_lsn, appended_lsn;
    enum chek_sync_method method;
};

/*
 * Open the stream for this run in new files; nothing of an earlier run is written to again.
 *
 *   Errors     -errno, HALTED, -ENOMEM; nothing is open
 *   Cost       synchronous: probes, zero-fills the first file, syncs the folder
 */
CHEK_MUST_USE int chek_log_open(struct chek_io *io, const struct chek_log_config *config,
                                struct chek_log **ret);

/*
 * Reserve `size` bytes in the group being filled.
 *
 *   Ownership  the place is the caller's until chek_log_append_end(), called in the same turn
 *   Errors     NULL when every group is full or in flight (answer BUSY) or the log is latched
 *   Cost       no system call, no allocation
 */
uint8_t *chek_log_append_begin(struct chek_log *log, size_t size);

/* End the append; `size` <= what was reserved is kept. Returns the lsn behind the command. */
uint64_t chek_log_append_end(struct chek_log *log, size_t size);

/* Bytes that chek_log_append_begin() can still give before something becomes durable. */
size_t chek_log_room(const struct chek_log *log);

/* Owner's turn: submit the filled group if the device is free, the idle mark if all is quiet. */
void chek_log_turn(struct chek_log *log);

/* Whether everything appended is durable. */
bool chek_log_is_idle(const struct chek_log *log);
bool chek_log_is_latched(const struct chek_log *log);

/* Forget files whose commands are all below `lsn` (a verified snapshot holds them). */
void chek_log_truncate(struct chek_log *log, uint64_t lsn);

/* Close an idle (or latched) log. */
void chek_log_close(struct chek_log *log);

struct chek_log_counters chek_log_count(const struct chek_log *log);

/* ---- recovery ------------------------------------------------------------------------------- */

struct chek_log_fault {
    char file[64];
    uint64_t offset;   /* of the sector */
    uint64_t lsn_from; /* first command bytes that are lost */
    uint64_t lsn_to;   /* proved durable up to here; 0 when not known */
};

struct chek_log_recovery {
    void *context;
    /* Whether a snapshot holds the command already is the callee's to know (partition_seq).
     * An error stops the recovery and is returned. */
    int (*on_command)(void *context, struct chek_bytes_view command);
    /* A torn tail was cut; to be recorded in the manifest before anything is acknowledged. */
    void (*on_cut)(void *context, const struct chek_log_fault *cut);
};

/*
 * Replay all log files of the folder: generations in order, the streams of one generation one
 * after another (a partition is in one stream a generation).
 *
 *   Errors     CORRUPT with *fault filled: bytes that were acknowledged are damaged, the start
 *              must stop; FOREIGN; VERSION; whatever on_command returned; -errno; HALTED
 *   Cost       synchronous; reads every file once
 */
CHEK_MUST_USE int chek_log_recover(struct chek_io *io, const uint64_t folder_id[2],
                                   const struct chek_log_recovery *recovery,
                                   uint64_t *ret_generation_last, struct chek_log_fault *fault);

#endif
