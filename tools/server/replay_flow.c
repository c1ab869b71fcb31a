/* SPDX-License-Identifier: MIT */
/*
 * replay_flow.c - the log is read by one thread and applied by as many as there will be shards.
 *
 * Reading and checking a command costs a third of applying it, so one reader keeps some lanes busy
 * and nothing has to be known of how earlier runs spread partitions over streams. A partition's
 * commands stay in their order: they come from the reader in it, and all go to one lane.
 */
#include "tools/server/replay_flow.h"

#include <errno.h>
#include <stdatomic.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "tools/server/manifest_flow.h"

#define BATCH_COUNT_MAX 1024
#define BATCH_SIZE_MAX ((size_t)1 << 20)
#define BATCH_SIZE_WANTED ((size_t)192 << 10)
#define BATCH_RING_COUNT (CHEK_LANE_AHEAD + 2)
#define ARENA_SIZE ((size_t)4 << 20)
#define SEAL_COUNT_MAX 64 /* tries: one without memory is made again */

_Static_assert(BATCH_SIZE_MAX >= BATCH_SIZE_WANTED + CHEK_LOG_COMMAND_SIZE_MAX, "one more fits");

struct lane;

/* Commands on their way to a lane. */
struct batch {
    struct lane *lane;
    uint8_t *bytes; /* BATCH_SIZE_MAX of address space */
    size_t size;
    uint32_t count;
    struct chek_bytes_view commands[BATCH_COUNT_MAX];
};

struct lane {
    struct server__folder *folder;
    unsigned index;
    struct batch batches[BATCH_RING_COUNT];
    unsigned filling;
    struct chek_arena arena; /* documents about to be applied */
    uint64_t open_size;      /* bytes of open rows that were replayed */
    _Atomic int error;       /* the first; nothing is applied after it */
};

struct replay {
    struct server__folder *folder;
    struct chek_lanes *lanes;
    struct lane *lane; /* shard_count */
};

/* ---- applying, on a lane -------------------------------------------------------------------- */

/* A replay makes events faster than turns write them: there are no turns yet. */
static int
events_make_room(const struct lane *lane)
{
    struct chek_event_log *log = lane->folder->event_logs[lane->index];
    return chek_event_log_has_room(log, 8) ? CHEK_OK : chek_event_log_flush_now(log);
}

/* What a planted bug replays instead of a revocation. */
static struct chek_bytes_view
revocation_of_nobody(uint8_t *bytes, size_t size)
{
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_command_revoke_encode(&out, &(struct chek_command_revoke){0});
    return chek_bytes_view_of(bytes, out.size);
}

/* When too many rows are open, what is full of this partition becomes segments now. */
static void
rows_seal(struct lane *lane, struct chek_partition *partition)
{
    struct chek_store *store = chek_partition_store(partition);
    uint64_t before = 0;
    struct chek_seal *seal;
    unsigned count = 0;
    while (count < SEAL_COUNT_MAX && (seal = chek_store_seal_begin(store)) != NULL) {
        before = count == 0 ? chek_store_count(store).open_size : before;
        chek_seal_run(seal);
        chek_seal_adopt(seal);
        count += 1;
    }
    if (count != 0) {
        uint64_t given = before - chek_store_count(store).open_size;
        lane->open_size -= given < lane->open_size ? given : lane->open_size;
    }
}

/* Whether applying a command may store a row. */
static bool
has_document(const struct chek_command *command)
{
    return command->envelope.kind == CHEK_COMMAND_DOCUMENT ||
           command->envelope.kind == CHEK_COMMAND_EXCHANGE;
}

/*
 * A document that was compared with a stored row before the crash, and cannot be now, was perhaps
 * acknowledged: the start ends here, before anything is known to be less than it was.
 */
static int
unread_row(const struct chek_command *command, const struct chek_outcome *outcome)
{
    int error = -(int)outcome->result.code;
    bool is_unread = has_document(command) && outcome->result.status == CHEK_STATUS_REFUSED &&
                     (error == CHEK_E_CORRUPT || error == CHEK_E_HALTED || error > -5000);
    return is_unread ? error : CHEK_OK;
}

static int
command_apply(struct lane *lane, const struct chek_partition_target *target)
{
    struct chek_outcome outcome;
    if (target->command.envelope.partition_seq <= chek_partition_seq(target->partition)) {
        return CHEK_OK; /* it stands in the log twice */
    }
    int error = events_make_room(lane);
    if (error == CHEK_OK) {
        error = chek_partition_ensure(target->partition, target->command.body.size);
    }
    if (error == CHEK_OK) {
        error = chek_partition_apply(target->partition, &target->command, &outcome);
    }
    if (error == CHEK_OK) {
        error = unread_row(&target->command, &outcome);
    }
    if (error != CHEK_OK || !has_document(&target->command)) {
        return error;
    }
    lane->open_size += target->command.body.size + 128;
    if (lane->open_size > lane->folder->replay_open_size / lane->folder->shard_count) {
        rows_seal(lane, target->partition);
    }
    return CHEK_OK;
}

static int
commands_apply(struct lane *lane, const struct chek_bytes_view *commands, uint32_t count)
{
    struct chek_partition_target targets[CHEK_LOG_BATCH_COUNT];
    uint8_t body[16];

    for (uint32_t i = 0; i < count; i++) {
        struct chek_command *command = &targets[i].command;
        int error = chek_command_decode(commands[i], command);
        CHEK_ASSERT(error == CHEK_OK); /* the reader decoded it */
        targets[i].partition = lane->folder->partitions[command->envelope.partition];
        if (CHEK_PLANTED(REVOKE_FORGOTTEN) && command->envelope.kind == CHEK_COMMAND_REVOKE) {
            command->body = revocation_of_nobody(body, sizeof body);
        }
    }
    chek_arena_reset(&lane->arena);
    chek_partition_prefetch(targets, count, &lane->arena);
    int error = CHEK_OK;
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        error = command_apply(lane, &targets[i]);
    }
    return error;
}

static void
batch_apply(void *argument)
{
    const struct batch *batch = argument;
    struct lane *lane = batch->lane;
    int error = atomic_load_explicit(&lane->error, memory_order_relaxed);
    for (uint32_t i = 0; i < batch->count && error == CHEK_OK; i += CHEK_LOG_BATCH_COUNT) {
        uint32_t left = batch->count - i;
        error = commands_apply(lane, &batch->commands[i],
                               left < CHEK_LOG_BATCH_COUNT ? left : CHEK_LOG_BATCH_COUNT);
    }
    atomic_store_explicit(&lane->error, error, memory_order_relaxed);
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void
batch_put(struct replay *replay, struct lane *lane)
{
    struct batch *batch = &lane->batches[lane->filling];
    if (batch->count != 0) {
        chek_lanes_put(replay->lanes, lane->index, batch_apply, batch);
        lane->filling = (lane->filling + 1) % BATCH_RING_COUNT;
        lane->batches[lane->filling].count = 0;
        lane->batches[lane->filling].size = 0;
    }
}

/* Its command is in the log, whether the snapshot has it or not: it is not complete. */
static void
erasure_note(struct server__folder *folder, const struct chek_envelope *envelope)
{
    struct server__erased *before = &folder->grounds[envelope->partition].erased_before;
    before->count += 1;
    if (before->first_us == 0 || envelope->time_us < before->first_us) {
        before->first_us = envelope->time_us;
    }
}

static int
on_command(void *context, struct chek_bytes_view bytes)
{
    struct replay *replay = context;
    struct server__folder *folder = replay->folder;
    struct chek_command command;

    int error = chek_command_decode(bytes, &command);
    if (error != CHEK_OK) {
        return error;
    }
    unsigned partition = command.envelope.partition;
    if (partition > folder->partition_count) {
        return CHEK_E_CORRUPT;
    }
    if (command.envelope.kind == CHEK_COMMAND_ERASE) {
        erasure_note(folder, &command.envelope);
    }
    if (command.envelope.partition_seq <= folder->entries[partition].partition_seq) {
        return CHEK_OK; /* the snapshot had it; a fresh folder has no log */
    }
    struct lane *lane = &replay->lane[partition == 0 ? 0 : (partition - 1) % folder->shard_count];
    struct batch *batch = &lane->batches[lane->filling];
    CHEK_ASSERT(bytes.size <= BATCH_SIZE_MAX - batch->size);
    memcpy(batch->bytes + batch->size, bytes.bytes, bytes.size);
    batch->commands[batch->count] = chek_bytes_view_of(batch->bytes + batch->size, bytes.size);
    batch->count += 1;
    batch->size += bytes.size;
    if (batch->count == BATCH_COUNT_MAX || batch->size >= BATCH_SIZE_WANTED) {
        batch_put(replay, lane);
    }
    /* Not the lane's own error: the reader would tell it as the log's, at the place it has reached. */
    return atomic_load_explicit(&lane->error, memory_order_relaxed) != CHEK_OK ? -ECANCELED
                                                                               : CHEK_OK;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int
lane_init(struct server__folder *folder, struct lane *lane, unsigned index)
{
    lane->folder = folder;
    lane->index = index;
    for (unsigned i = 0; i < BATCH_RING_COUNT; i++) {
        struct batch *batch = &lane->batches[i];
        batch->lane = lane;
        batch->bytes = chek_memory_reserve(BATCH_SIZE_MAX);
        if (batch->bytes == NULL || chek_memory_commit(batch->bytes, BATCH_SIZE_MAX) != CHEK_OK) {
            return -ENOMEM;
        }
    }
    return chek_arena_init(&lane->arena, ARENA_SIZE);
}

static int
replay_begin(struct replay *replay)
{
    unsigned count = replay->folder->shard_count;
    replay->lane = chek_memory_allocate(count * sizeof *replay->lane);
    int error = replay->lane != NULL ? CHEK_OK : -ENOMEM;
    for (unsigned i = 0; i < count && error == CHEK_OK; i++) {
        error = lane_init(replay->folder, &replay->lane[i], i);
    }
    return error == CHEK_OK ? chek_lanes_open(replay->folder->io, count, &replay->lanes) : error;
}

/* The first error of any lane. */
static int
replay_finish(struct replay *replay)
{
    unsigned count = replay->folder->shard_count;
    int error = CHEK_OK;
    for (unsigned i = 0; replay->lanes != NULL && i < count; i++) {
        batch_put(replay, &replay->lane[i]);
    }
    chek_lanes_close(replay->lanes);
    for (unsigned i = 0; replay->lane != NULL && i < count; i++) {
        struct lane *lane = &replay->lane[i];
        int of_lane = atomic_load_explicit(&lane->error, memory_order_relaxed);
        error = error != CHEK_OK ? error : of_lane;
        for (unsigned j = 0; j < BATCH_RING_COUNT; j++) {
            chek_memory_release(lane->batches[j].bytes, BATCH_SIZE_MAX);
        }
        chek_arena_finish(&lane->arena);
    }
    chek_memory_free(replay->lane, count * sizeof *replay->lane);
    return error;
}

int
server__replay(struct server__folder *folder, struct chek_log_fault *where)
{
    struct replay replay = {.folder = folder};
    int error = replay_begin(&replay);
    if (error == CHEK_OK) {
        error = server__manifest_replay(folder, on_command, &replay, where);
    }
    int of_lanes = replay_finish(&replay);
    error = of_lanes != CHEK_OK ? of_lanes : error;
    for (unsigned i = 0; error == CHEK_OK && i <= folder->partition_count; i++) {
        /* What is not given back at a start is missing for ever. */
        CHEK_ASSERT(chek_partition_reserved(folder->partitions[i]) == 0);
    }
    return error;
}
