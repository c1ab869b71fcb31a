/* SPDX-License-Identifier: MIT */
/*
 * event_log.h - the change streams of a shard's partitions, written behind.
 *
 * Applying a command makes events with gap-free numbers in their partition's stream. They are not
 * in the log: replaying it makes them again with the same numbers. So an event file may lose its
 * tail in a crash, as long as everything in it is synced before the log it came from is let go.
 * Events are collected by partition into blocks; blocks are appended to the shard's file of this
 * run and synced, one write at a time. Older files are only read.
 *
 *   Source   persist/FORMAT.md "Events"
 *   Threads  the owning shard; chek_event_index_load() at the start
 */
#ifndef CHEK_PERSIST_EVENT_LOG_H
#define CHEK_PERSIST_EVENT_LOG_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/io/io.h"
#include "engine/wire/protocol.h"

#define CHEK_EVENT_FOLDER "event"
#define CHEK_EVENT_BLOCK_SIZE_MAX (48 * 1024) /* head and body */

struct chek_event_index;
struct chek_event_log;

/*
 * Find out what is in the event files of the folder: which block of which partition stands where.
 * A file is believed up to the first block that is not whole.
 *
 *   Ownership  the caller frees after every log over it is closed
 *   Errors     -errno, -ENOMEM, HALTED; VERSION
 *   Cost       synchronous; reads the heads of all blocks and the bodies of each file's last
 *              megabytes
 */
CHEK_MUST_USE int chek_event_index_load(struct chek_io *io, const uint64_t folder_id[2],
                                        unsigned partition_count, struct chek_event_index **ret);
void chek_event_index_free(struct chek_event_index *index, struct chek_io *io); /* takes NULL */

/* Number of the last event of a partition that is stored; 0 = none. */
uint64_t chek_event_index_last(const struct chek_event_index *index, uint16_t partition);

struct chek_event_log_config {
    uint32_t stream;
    uint64_t generation;
    uint64_t folder_id[2];
    unsigned partition_count;
    void *context;
    void (*on_error)(void *context, int error); /* once: nothing is written any more */
};

struct chek_event_log_counters {
    uint64_t event_count, block_count, written_size, sync_count;
};

/*
 * Open the file of this run for a shard.
 *
 *   Errors     -errno, -ENOMEM, HALTED; nothing is open
 */
CHEK_MUST_USE int chek_event_log_open(struct chek_io *io, struct chek_event_index *index,
                                      const struct chek_event_log_config *config,
                                      struct chek_event_log **ret);
void chek_event_log_close(struct chek_event_log *log); /* takes NULL */

/* Whether so many events can be added before anything more is written. */
bool chek_event_log_has_room(const struct chek_event_log *log, size_t event_count);

/*
 * Add an event. One that is stored already (made again by a replay) is passed over; otherwise it
 * must be the partition's next (asserted), and there must be room (asserted).
 */
void chek_event_log_add(struct chek_event_log *log, uint16_t partition, uint64_t seq,
                        const struct chek_event *event);

/* Owner's turn: write full blocks, and those that have waited long enough. */
void chek_event_log_turn(struct chek_event_log *log, uint64_t now_ns);

/* Write out everything that was added; true when it is durable. */
bool chek_event_log_flush(struct chek_event_log *log);

/*
 * The same at once, with disk calls.
 *
 *   Errors     -errno, HALTED: the log is not to be used any more
 *   Threads    at the start, before the shard runs
 */
CHEK_MUST_USE int chek_event_log_flush_now(struct chek_event_log *log);

/* ---- reading ---------------------------------------------------------------------------------- */

/* One read under way; embedded in its owner. */
struct chek_event_read {
    /* `error`, or `body`: entries of u16 size and an encoded event, the first with number `seq`,
     * `count` of them; lent for the call. count 0: nothing at or behind the number asked for. */
    void (*on_read)(struct chek_event_read *read, int error, struct chek_bytes_view body,
                    uint64_t seq, uint32_t count);
    /* The event log's. */
    struct chek_event_log *log;
    struct chek_op op;
    uint64_t seq;
    uint16_t partition;
    size_t size;
    uint8_t bytes[CHEK_EVENT_BLOCK_SIZE_MAX];
};

/*
 * Read events of one of the shard's partitions from number `seq` on; on_read follows, perhaps in
 * this call. CORRUPT when a block on disk is damaged.
 */
void chek_event_log_read(struct chek_event_log *log, uint16_t partition, uint64_t seq,
                         struct chek_event_read *read);

/* Number of the last event added; 0 = none. */
uint64_t chek_event_log_last(const struct chek_event_log *log, uint16_t partition);

struct chek_event_log_counters chek_event_log_count(const struct chek_event_log *log);

#endif
