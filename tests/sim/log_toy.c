/* SPDX-License-Identifier: MIT */
/*
 * log_toy.c - start, apply, snapshot: the order of the product's steps around the log.
 */
#include "tests/sim/log_toy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/limits.h"

#define COMMAND_HEAD_SIZE 16
#define FOLDER "snap"

/* ---- commands ------------------------------------------------------------------------------ */

/* u32 partition, u32 id, u64 sequence, then bytes that follow from the id. */
static uint8_t
filler(uint32_t id, size_t at)
{
    return (uint8_t)(id * 131 + at * 7 + 1);
}

static void
command_fill(uint8_t *ret, uint32_t partition, uint32_t id, uint64_t seq, size_t size)
{
    chek_store_u32(ret, partition);
    chek_store_u32(ret + 4, id);
    chek_store_u64(ret + 8, seq);
    for (size_t i = COMMAND_HEAD_SIZE; i < size; i++) {
        ret[i] = filler(id, i);
    }
}

/* Apply a command; one that a snapshot holds already is passed over. */
static void
apply(struct log_toy *toy, struct chek_bytes_view command, bool *ret_is_new)
{
    struct chek_cursor in = chek_cursor_over(command.bytes, command.size);
    uint32_t partition = chek_cursor_u32(&in);
    uint32_t id = chek_cursor_u32(&in);
    uint64_t seq = chek_cursor_u64(&in);

    *ret_is_new = false;
    if (in.error != CHEK_OK || partition >= LOG_TOY_PARTITION_COUNT || id >= LOG_TOY_ID_COUNT) {
        toy->on_violation(toy->context, "a command came that nobody sent");
        return;
    }
    for (size_t i = COMMAND_HEAD_SIZE; i < command.size; i++) {
        if (command.bytes[i] != filler(id, i)) {
            toy->on_violation(toy->context, "a command came back with other bytes");
            return;
        }
    }
    uint64_t *count = &toy->state.counts[partition];
    if (seq < *count) {
        return;
    }
    if (seq > *count || *count == LOG_TOY_ID_COUNT) {
        toy->on_violation(toy->context, "a partition's sequence has a hole");
        return;
    }
    toy->state.ids[partition][*count] = id;
    *count += 1;
    *ret_is_new = true;
}

bool
log_toy_append(struct log_toy_shard *shard, uint32_t partition, uint32_t id, size_t size)
{
    size += COMMAND_HEAD_SIZE;
    CHEK_ASSERT(partition % shard->toy->shard_count == (unsigned)(shard - shard->toy->shards));
    uint8_t *at = chek_log_append_begin(shard->log, size);
    if (at == NULL) {
        return false;
    }
    command_fill(at, partition, id, shard->toy->seq_next[partition]++, size);
    (void)chek_log_append_end(shard->log, size);
    return true;
}

static void
on_one(struct log_toy_shard *shard, struct chek_bytes_view command)
{
    bool is_new = false;
    if (shard->toy->latch_error != CHEK_OK) {
        shard->toy->on_violation(shard->toy->context, "something became durable after an error");
    }
    apply(shard->toy, command, &is_new);
    if (is_new) {
        shard->toy->on_applied(shard->toy->context, chek_load_u32(command.bytes + 4));
    } else {
        shard->toy->on_violation(shard->toy->context, "a command was handed over twice");
    }
}

static void
on_durable(void *context, const struct chek_log_command *commands, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        on_one(context, commands[i].bytes);
    }
}

static void
on_durable_end(void *context, uint64_t lsn)
{
    (void)context;
    (void)lsn;
}

static void
on_latch(void *context, int error)
{
    struct log_toy_shard *shard = context;
    shard->toy->latch_error = error;
}

/* ---- snapshot ------------------------------------------------------------------------------ */

#define STATE_SIZE ((sizeof(struct log_toy_state) + 4095) / 4096 * 4096)

/* The whole state as one file, named by the manifest that will list it. */
static int
snapshot_write(struct log_toy *toy, struct chek_io *io, struct chek_manifest_entry *ret)
{
    static uint8_t bytes[STATE_SIZE] __attribute__((aligned(4096)));
    memcpy(bytes, &toy->state, sizeof toy->state);
    *ret = (struct chek_manifest_entry){
        .kind = 1, .size = STATE_SIZE, .sum = chek_checksum(bytes, STATE_SIZE)};
    (void)snprintf(ret->name, sizeof ret->name, FOLDER "/%016llx",
                   (unsigned long long)toy->manifest.number + 1);

    int error = chek_disk_unlink(io, ret->name); /* of a start that came to nothing */
    if (error != CHEK_OK && error != -ENOENT) {
        return error;
    }
    int file = chek_disk_open(io, ret->name, CHEK_FILE_WRITE | CHEK_FILE_CREATE | CHEK_FILE_DIRECT);
    if (file < 0) {
        return file;
    }
    error = chek_disk_write(io, file, bytes, STATE_SIZE, 0);
    if (error == CHEK_OK) {
        error = chek_disk_sync(io, file);
    }
    chek_disk_close(io, file);
    return error == CHEK_OK ? chek_disk_sync_folder(io, FOLDER) : error;
}

static int
snapshot_read(struct log_toy *toy, struct chek_io *io, const struct chek_manifest_entry *entry)
{
    static uint8_t bytes[STATE_SIZE] __attribute__((aligned(4096)));
    int file = chek_disk_open(io, entry->name, CHEK_FILE_READ | CHEK_FILE_DIRECT);
    if (file < 0) {
        return file;
    }
    int64_t got = chek_disk_read(io, file, bytes, STATE_SIZE, 0);
    chek_disk_close(io, file);
    if (got < 0) {
        return (int)got;
    }
    if (got != (int64_t)STATE_SIZE || chek_checksum(bytes, STATE_SIZE) != entry->sum) {
        return CHEK_E_CORRUPT;
    }
    memcpy(&toy->state, bytes, sizeof toy->state);
    return CHEK_OK;
}

/* Replace the listed snapshot by a new one and store the manifest. */
static int
snapshot_list(struct log_toy *toy, struct chek_io *io)
{
    struct chek_manifest_entry entry, old = {0};
    int error = snapshot_write(toy, io, &entry);
    if (error != CHEK_OK) {
        return error;
    }
    if (toy->manifest.entry_count != 0) {
        old = toy->manifest.entries[0];
        (void)chek_manifest_drop_entry(&toy->manifest, old.name);
    }
    error = chek_manifest_set_entry(&toy->manifest, &entry);
    if (error == CHEK_OK) {
        error = chek_manifest_store(io, &toy->manifest);
    }
    if (error == CHEK_OK && old.name[0] != '\0') {
        error = chek_disk_unlink(io, old.name);
    }
    return error;
}

int
log_toy_snapshot(struct log_toy *toy)
{
    struct chek_io *io = toy->shards[0].io;
    uint64_t lsn[LOG_TOY_SHARD_COUNT_MAX];
    int error = CHEK_OK;

    chek_manifest_drop_logs_before(&toy->manifest, toy->manifest.generation);
    for (unsigned i = 0; i < toy->shard_count && error == CHEK_OK; i++) {
        lsn[i] = chek_log_count(toy->shards[i].log).durable_lsn;
        const struct chek_log_known known = chek_log_known_at(toy->shards[i].log, lsn[i]);
        error = chek_manifest_set_log(&toy->manifest, &known);
    }
    if (error == CHEK_OK) {
        error = snapshot_list(toy, io);
    }
    for (unsigned i = 0; i < toy->shard_count && error == CHEK_OK; i++) {
        chek_log_truncate(toy->shards[i].log, lsn[i]);
    }
    return error == CHEK_OK
               ? chek_log_remove_unlisted(io, toy->manifest.logs, toy->manifest.log_count)
               : error;
}

/* ---- start --------------------------------------------------------------------------------- */

static int
on_command(void *context, struct chek_bytes_view command)
{
    bool is_new;
    apply(context, command, &is_new);
    return CHEK_OK;
}

static void
on_cut(void *context, const struct chek_log_fault *cut)
{
    struct log_toy *toy = context;
    (void)cut;
    toy->cut_count += 1;
}

static void
on_end(void *context, const struct chek_log_known *end)
{
    struct log_toy *toy = context;
    CHEK_ASSERT(toy->end_count < CHEK_COUNT(toy->ends));
    toy->ends[toy->end_count++] = *end;
}

static int
manifest_open(struct log_toy *toy, struct chek_io *io)
{
    static const char *const folders[] = {FOLDER};
    int error = chek_manifest_load(io, &toy->manifest);
    if (error == CHEK_E_NOT_FOUND) {
        error = chek_manifest_create(io, LOG_TOY_PARTITION_COUNT, folders, CHEK_COUNT(folders),
                                     &toy->manifest);
    }
    toy->has_manifest = error == CHEK_OK;
    return error;
}

/* Read the snapshot and the logs into the state, and say in the manifest how they ended. */
static int
replay(struct log_toy *toy, struct chek_io *io, unsigned shard_count)
{
    int error = CHEK_OK;
    uint64_t generation = 0;
    const struct chek_log_recovery recovery = {
        .context = toy,
        .on_command = on_command,
        .on_cut = on_cut,
        .on_end = on_end,
        .known_generation = toy->manifest.generation,
        .known = toy->manifest.logs,
        .known_count = toy->manifest.log_count,
    };
    if (toy->manifest.entry_count != 0) {
        error = snapshot_read(toy, io, &toy->manifest.entries[0]);
    }
    if (error == CHEK_OK) {
        error = chek_log_recover(io, toy->manifest.folder_id, &recovery, &generation, &toy->fault);
    }
    if (error == CHEK_OK) {
        error = chek_manifest_begin_run(&toy->manifest, toy->ends, toy->end_count, generation,
                                        shard_count);
    }
    return error;
}

static int
shard_open(struct log_toy *toy, unsigned index, struct chek_io *io,
           const struct log_toy_options *options)
{
    struct log_toy_shard *shard = &toy->shards[index];
    shard->toy = toy;
    shard->io = io;
    const struct chek_log_config config = {
        .stream = index,
        .generation = toy->manifest.generation,
        .folder_id = {toy->manifest.folder_id[0], toy->manifest.folder_id[1]},
        .file_size = (uint64_t)options->file_block_count * CHEK_BLOCK_SIZE,
        .file_size_first = options->file_block_count % 2 != 0 ? CHEK_LOG_FILE_SIZE_MIN : 0,
        .method = options->method,
        .context = shard,
        .on_durable = on_durable,
        .on_durable_end = on_durable_end,
        .on_latch = on_latch,
    };
    return chek_log_open(io, &config, &shard->log);
}

static void
on_turn(void *context)
{
    struct log_toy_shard *shard = context;
    chek_log_turn(shard->log);
    shard->toy->on_shard_turn(shard->toy->context, shard);
}

int
log_toy_start(struct log_toy *toy, struct chek_io *const *ios, unsigned shard_count,
              const struct log_toy_options *options)
{
    int error = manifest_open(toy, ios[0]);
    if (error == CHEK_OK) {
        error = replay(toy, ios[0], shard_count);
    }
    if (error == CHEK_OK && options->snapshot_at_start) {
        chek_manifest_drop_logs_before(&toy->manifest, toy->manifest.generation);
        error = snapshot_list(toy, ios[0]);
    } else if (error == CHEK_OK) {
        error = chek_manifest_store(ios[0], &toy->manifest);
    }
    if (error == CHEK_OK) {
        error = chek_log_remove_unlisted(ios[0], toy->manifest.logs, toy->manifest.log_count);
    }
    toy->shard_count = shard_count;
    memcpy(toy->seq_next, toy->state.counts, sizeof toy->seq_next);
    for (unsigned i = 0; i < shard_count && error == CHEK_OK; i++) {
        error = shard_open(toy, i, ios[i], options);
    }
    for (unsigned i = 0; i < shard_count && error == CHEK_OK; i++) {
        chek_io_set_owner(ios[i],
                          &(struct chek_io_owner){.context = &toy->shards[i], .on_turn = on_turn});
    }
    toy->is_up = error == CHEK_OK;
    return error;
}

void
log_toy_stop(struct log_toy *toy)
{
    for (unsigned i = 0; i < LOG_TOY_SHARD_COUNT_MAX; i++) {
        chek_log_close(toy->shards[i].log);
        toy->shards[i].log = NULL;
    }
    if (toy->has_manifest) {
        chek_manifest_finish(&toy->manifest);
    }
    toy->has_manifest = false;
    toy->is_up = false;
}

bool
log_toy_is_quiet(const struct log_toy *toy)
{
    bool is_quiet = toy->is_up;
    for (unsigned i = 0; i < toy->shard_count && is_quiet; i++) {
        is_quiet = chek_log_is_quiet(toy->shards[i].log);
    }
    return is_quiet;
}
