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
#include "engine/base/waits.h"
#include "engine/io/io.h"

#define CHEK_LOG_FOLDER "log"                /* inside the data folder */
#define CHEK_LOG_GROUP_COUNT 4               /* in flight at most */
#define CHEK_LOG_GROUP_SIZE_MAX (256 * 1024) /* bytes of commands in a group */
#define CHEK_LOG_COMMAND_OVERHEAD 8          /* bytes of a group beside those of each command */
#define CHEK_LOG_COMMAND_SIZE_MAX (CHEK_LOG_GROUP_SIZE_MAX - CHEK_LOG_COMMAND_OVERHEAD)
#define CHEK_LOG_FILE_SIZE_DEFAULT (256 * 1024 * 1024)
#define CHEK_LOG_FILE_SIZE_MIN (8 * 4096) /* smaller files make smaller groups */
#define CHEK_LOG_FILE_COUNT_MAX 4096      /* files of a run that are not truncated, then BUSY */

struct chek_log;

/* A command that became durable; `lsn` is the position behind it. */
struct chek_log_command {
    struct chek_bytes_view bytes;
    uint64_t lsn;
};

#define CHEK_LOG_BATCH_COUNT 32 /* commands handed over at once, at most */

/* How bytes are made durable; chosen by a probe at the start, shown by `chek status`. */
enum chek_sync_method {
    CHEK_SYNC_PROBE,      /* measure both, take the faster */
    CHEK_SYNC_DATA_SYNC,  /* O_DSYNC writes */
    CHEK_SYNC_WRITE_SYNC, /* write, then fdatasync */
};

struct chek_log_config {
    uint32_t stream;       /* shard number, below 65536 */
    uint64_t generation;   /* of this run; every start has a new one, from 1 */
    uint64_t folder_id[2]; /* identity of the data folder */
    uint64_t file_size;    /* whole 4 KiB blocks; the next file is zero-filled ahead on a worker */
    /* Of the first file, which is filled by chek_log_open(); those behind it double up to
     * `file_size`. 0 = file_size. A group is never larger than it. */
    uint64_t file_size_first;
    enum chek_sync_method method;
    void *context;
    /* Commands are durable; called from chek_log_turn() with 1..CHEK_LOG_BATCH_COUNT of them in log
     * order, all lent for the call. Appending from inside is allowed. */
    void (*on_durable)(void *context, const struct chek_log_command *commands, uint32_t count);
    /* Called once after the last on_durable of a turn. */
    void (*on_durable_end)(void *context, uint64_t lsn);
    /* The log failed; nothing becomes durable any more. Called once. */
    void (*on_latch)(void *context, int error);
};

struct chek_log_counters {
    uint64_t command_count, command_size;
    uint64_t group_count, block_count, file_count;
    uint64_t sync_count;
    struct chek_waits groups; /* from being submitted to being durable */
    uint64_t durable_lsn, appended_lsn;
    enum chek_sync_method method;
    int prepare_error; /* why there is no next file (-ENOSPC); 0 when there is or will be one */
};

/*
 * What the manifest keeps of one stream of one generation: enough to know at the next start which
 * files must be there, and where a log that was replayed once had its end.
 */
struct chek_log_known {
    uint64_t generation;
    uint32_t stream;
    uint32_t file_first; /* files before it were let go; the first one of all is 1 */
    uint64_t lsn_first;  /* position of the first byte of that file */
    bool ended; /* a later start replayed exactly up to lsn_end, or a snapshot has it all */
    uint64_t lsn_end;
    bool torn; /* something was written behind lsn_end, and cut */
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

/*
 * End the append; `size` <= what was reserved is kept, 0 takes the append back. Returns the lsn
 * behind the command.
 */
uint64_t chek_log_append_end(struct chek_log *log, size_t size);

/* Bytes that chek_log_append_begin() can still give before something becomes durable. */
size_t chek_log_room(const struct chek_log *log);

/* Whether chek_log_append_begin() gives `size` bytes now. Cost: a few comparisons, mostly. */
bool chek_log_fits(const struct chek_log *log, size_t size);

/*
 * Whether commands that take `total_size` bytes together (CHEK_LOG_COMMAND_OVERHEAD counted for
 * each), none above `size_max` itself, are certain to be taken now, in whatever order.
 */
bool chek_log_has_room(const struct chek_log *log, size_t total_size, size_t size_max);

/* Owner's turn: submit the filled group if the device is free, the idle mark if all is quiet. */
void chek_log_turn(struct chek_log *log);

/* Whether everything appended is durable. */
bool chek_log_is_idle(const struct chek_log *log);
bool chek_log_is_latched(const struct chek_log *log);

/*
 * What must stand in the manifest before files below `lsn` go: chek_log_truncate(log, lsn_first).
 * Not with `lsn` itself, unless nothing was appended since: a file may end there meanwhile.
 */
struct chek_log_known chek_log_known_at(const struct chek_log *log, uint64_t lsn);

/*
 * Forget files whose commands are all below `lsn` (a verified snapshot holds them). The files are
 * removed by a worker later; one that stays because that failed is passed over at recovery.
 */
void chek_log_truncate(struct chek_log *log, uint64_t lsn);

/*
 * Whether the log can be closed without losing anything: idle, marked as such, no operation in
 * flight; or latched and no operation in flight. A quiet log becomes so by itself, turn by turn.
 */
bool chek_log_is_quiet(const struct chek_log *log);

/* Close and free; takes NULL. No operation may be in flight (a halted machine has none). */
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
    /*
     * A stream was replayed up to its end, torn or not. What is recorded of it makes the next
     * start replay exactly this much: no less (CORRUPT) and no more. May be NULL.
     */
    void (*on_end)(void *context, const struct chek_log_known *end);
    /*
     * The manifest's knowledge: the last generation and all streams that are still needed. A file
     * of a stream that is not listed was let go and is passed over; a later generation than the
     * last one is CORRUPT, because then this is not the last manifest. With generation 0 there
     * is no manifest, and every file there is counts; nothing was let go.
     */
    uint64_t known_generation;
    const struct chek_log_known *known;
    size_t known_count;
};

/*
 * Replay all log files of the folder: generations in order, those of a generation's streams
 * in turns (a partition is in one stream a generation). Every file is synced before it is
 * read, past the page cache: what is replayed is what the device holds.
 *
 *   Errors     CORRUPT with *fault filled: bytes that were acknowledged are damaged, the start
 *              must stop; FOREIGN and VERSION, *fault too; whatever on_command returned; -errno;
 *              HALTED
 *   Cost       synchronous; reads every file once
 */
CHEK_MUST_USE int chek_log_recover(struct chek_io *io, const uint64_t folder_id[2],
                                   const struct chek_log_recovery *recovery,
                                   uint64_t *ret_generation_last, struct chek_log_fault *fault);

/*
 * Remove all log files that the stored manifest does not list: of runs that a snapshot holds, of
 * starts that came to nothing. Cut short, it goes on at the next call.
 *
 *   Ownership  borrows `known`, what the newest stored manifest lists
 *   Errors     -errno, HALTED; some are gone
 *   Threads    any (a worker)
 */
CHEK_MUST_USE int chek_log_remove_unlisted(struct chek_io *io, const struct chek_log_known *known,
                                           size_t known_count);

#endif
