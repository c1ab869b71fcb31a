/* SPDX-License-Identifier: MIT */
/*
 * log_toy.h - the smallest product over the real log: partitions that remember ids.
 *
 * A start is the product's: manifest, snapshot, replay, new manifest, new logs. A command is an id
 * for a partition under the partition's next sequence; applying it adds the id to the partition's
 * list. Shards may differ from start to start; partition p belongs to shard p % shards.
 */
#ifndef CHEK_SIM_LOG_TOY_H
#define CHEK_SIM_LOG_TOY_H

#include "engine/base/prng.h"
#include "persist/log.h"
#include "persist/manifest.h"

#define LOG_TOY_PARTITION_COUNT 5
#define LOG_TOY_SHARD_COUNT_MAX 3
#define LOG_TOY_ID_COUNT 500

/* What the commands so far add up to. */
struct log_toy_state {
    uint64_t counts[LOG_TOY_PARTITION_COUNT]; /* also the next sequence */
    uint32_t ids[LOG_TOY_PARTITION_COUNT][LOG_TOY_ID_COUNT];
};

struct log_toy_shard {
    struct log_toy *toy;
    struct chek_io *io;
    struct chek_log *log;
    struct chek_op tick;
};

struct log_toy {
    struct log_toy_shard shards[LOG_TOY_SHARD_COUNT_MAX];
    unsigned shard_count;
    bool is_up;
    int latch_error;
    struct log_toy_state state;
    uint64_t seq_next[LOG_TOY_PARTITION_COUNT]; /* of the next command; ahead of the state */
    struct chek_manifest manifest;
    bool has_manifest;
    struct chek_log_fault fault;
    struct chek_log_known ends[64];
    size_t end_count;
    unsigned cut_count;

    /* The owner's: what is told, and what is wanted. */
    void *context;
    void (*on_applied)(void *context, uint32_t id);
    void (*on_violation)(void *context, const char *text);
    void (*on_shard_turn)(void *context, struct log_toy_shard *shard);
};

struct log_toy_options {
    uint32_t file_block_count;
    enum chek_sync_method method;
    bool snapshot_at_start;
};

/*
 * Recover and open. The state is what was recovered; after success it is visible and must stay.
 *
 *   Errors     as the calls behind it; the toy is not up, log_toy_stop() still has to be called
 */
CHEK_MUST_USE int log_toy_start(struct log_toy *toy, struct chek_io *const *ios,
                                unsigned shard_count, const struct log_toy_options *options);

/* Free everything; the machine is halted or every log is quiet. */
void log_toy_stop(struct log_toy *toy);

/* Append an id with `size` bytes beside it; false when the log has no room. */
bool log_toy_append(struct log_toy_shard *shard, uint32_t partition, uint32_t id, size_t size);

/* Write what is applied to a snapshot and let the logs before it go. Errors: stop the machine. */
CHEK_MUST_USE int log_toy_snapshot(struct log_toy *toy);

/* Everything appended is applied, marked, and nothing is in flight. */
bool log_toy_is_quiet(const struct log_toy *toy);

#endif
