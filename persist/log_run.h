/* SPDX-License-Identifier: MIT */
/*
 * log_run.h - the running log: groups in flight, files in use, the worker's job.
 *
 * Groups stand in a ring: `in_flight_count` of them from `group_first` on are written or being
 * written, in log order, and the one behind them is being filled. Room for a group is checked when
 * a command is appended, so a group that has a command always has a place in a file.
 */
#ifndef CHEK_PERSIST_LOG_RUN_H
#define CHEK_PERSIST_LOG_RUN_H

#include "persist/log_format.h"

#define LOG_RING_COUNT (CHEK_LOG_GROUP_COUNT + 1)
/* The current file, the next one, one for each group in flight, and as many being closed. */
#define LOG_FILE_SLOT_COUNT (2 * CHEK_LOG_GROUP_COUNT + 2)

#define LOG_IDLE_NS UINT64_C(20000000)           /* quiet for so long, then the idle mark */
#define LOG_WATERMARK_NS UINT64_C(100000000)     /* between two watermarks at least, */
#define LOG_WATERMARK_GROUP_COUNT 256            /* or so many groups */
#define LOG_PREPARE_RETRY_NS UINT64_C(250000000) /* after there was no space for a file */

enum log_group_state {
    LOG_GROUP_FREE, /* also: being filled */
    LOG_GROUP_WRITING,
    LOG_GROUP_WRITTEN, /* waits for a sync */
    LOG_GROUP_SYNCING, /* the sync in flight covers it */
    LOG_GROUP_DURABLE,
};

struct log_group {
    struct chek_op op;
    struct chek_log *log;
    enum log_group_state state;
    struct log_file *file;
    uint8_t *payload; /* commands with their heads, contiguous, until they were handed over */
    uint8_t *image;   /* blocks */
    size_t payload_size;
    uint64_t lsn; /* of the first byte of payload */
    uint64_t submit_ns;
    bool delivered; /* planted bugs only: handed over out of turn */
};

enum log_file_state {
    LOG_FILE_FREE,
    LOG_FILE_NEXT, /* filled with zeros, its name is durable */
    LOG_FILE_CURRENT,
    LOG_FILE_DRAINING, /* full; groups are in flight */
    LOG_FILE_CLOSING,  /* the worker has it */
};

struct log_file {
    struct chek_op sync_op;
    struct chek_log *log;
    enum log_file_state state;
    int file;
    uint32_t number;
    uint64_t seed;
    uint32_t block_used, block_count;
    unsigned group_count; /* in flight */
};

/* What the worker does for a log, one job at a time; it touches nothing else. */
struct log_job {
    struct chek_op op;
    struct chek_io *io;
    struct log_place place; /* of the file to prepare, if there is one */
    uint64_t file_size;     /* of it */
    unsigned file_flags;    /* of it */
    int file;               /* prepared; -1 while it is not; or the error */
    int filling;            /* it, while zeros are written to it; -1 = none */
    uint64_t filled_size;
    uint64_t fill_end; /* write zeros up to here this time */
    int closing[LOG_FILE_SLOT_COUNT];
    unsigned closing_count;
    uint32_t remove_first, remove_end; /* numbers of files to remove */
};

struct chek_log {
    struct chek_io *io;
    struct chek_log_config config;
    size_t group_capacity; /* bytes of payload */
    bool latched;
    bool in_turn;

    struct log_group groups[LOG_RING_COUNT];
    unsigned group_first, in_flight_count;
    uint64_t appended_lsn; /* behind the last command */
    uint64_t durable_lsn;  /* behind the last command that was handed over */
    bool appending;
    size_t append_reserved;

    struct log_file files[LOG_FILE_SLOT_COUNT];
    struct log_file *current, *next;
    uint32_t file_first; /* number of the oldest that is not let go */
    uint32_t file_last;  /* number of the newest in use */
    uint64_t *file_lsn;  /* of the first byte of file n at n % CHEK_LOG_FILE_COUNT_MAX */

    struct log_job job;
    uint32_t remove_first, remove_end; /* waiting for the job */
    uint64_t prepare_retry_ns;

    struct chek_op idle_op;
    uint64_t idle_lsn; /* appended when the timer was set */
    bool idle_due;
    bool idle_marked; /* the log ends with an idle mark */

    struct chek_op watermark_op;
    int watermark_file;
    uint8_t *watermark_block;
    uint64_t watermark_lsn, watermark_ns;
    uint32_t watermark_copy;
    uint32_t watermark_group_count; /* since the last one */

    struct chek_log_counters counters;
    uint8_t *memory;
    size_t memory_size;
};

/* The place of a file of this run; 0 for the watermark. */
struct log_place persist__log_place(const struct chek_log *log, uint32_t file);

/* The first error ends the log; later ones are what it led to. */
void persist__log_latch(struct chek_log *log, int error);

/* Blocks that hold so much payload. */
static inline uint32_t
log_block_count(size_t payload_size)
{
    return (uint32_t)((payload_size + LOG_PAYLOAD_SIZE - 1) / LOG_PAYLOAD_SIZE);
}

static inline uint32_t
log_file_blocks_left(const struct chek_log *log)
{
    return log->current->block_count - log->current->block_used;
}

/* The group being filled. */
static inline unsigned
log_filling_index(const struct chek_log *log)
{
    return (log->group_first + log->in_flight_count) % LOG_RING_COUNT;
}

static inline struct log_group *
log_filling(struct chek_log *log)
{
    return &log->groups[log_filling_index(log)];
}

/* Submit the group being filled, with these flags; there is room for it. */
void persist__log_group_submit(struct chek_log *log, uint16_t flags);

/* ---- files (log_file.c) --------------------------------------------------------------------- */

/*
 * Make a log file: zeros to its end, synced, and its name too; then open it for writing.
 *
 *   Errors     -errno, HALTED; nothing is open, the name may be there
 *   Threads    any
 */
CHEK_MUST_USE int persist__log_file_prepare(struct chek_io *io, const struct log_place *place,
                                            uint64_t size, unsigned flags);

/* Bytes of file `number`: they double from the first one on. */
uint64_t persist__log_file_size(const struct chek_log_config *config, uint32_t number);

/* Flags that the log's files are opened with, by method. */
unsigned persist__log_file_flags(enum chek_sync_method method);

/* Make folder, first file and watermark, choose the method. Errors: as chek_log_open(). */
CHEK_MUST_USE int persist__log_files_open(struct chek_log *log);
void persist__log_files_close(struct chek_log *log);

/* Make the prepared file the current one. */
void persist__log_file_switch(struct chek_log *log);

/* A group of the file is not in flight any more. */
void persist__log_file_release(struct log_file *file);

/* Sync the file if a group waits for it and no sync is in flight. */
void persist__log_file_sync(struct log_file *file);

/* Give the worker what there is to do: a file to prepare, to close, to remove. */
void persist__log_job_start(struct chek_log *log);

/* ---- marks (log_mark.c) ---------------------------------------------------------------------- */

/* Set the timer of the idle mark when all is quiet, write it when it is due. */
void persist__log_idle_turn(struct chek_log *log);

/* Write the watermark when it is time to. */
void persist__log_watermark_turn(struct chek_log *log);

#endif
