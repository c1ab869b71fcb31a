/* SPDX-License-Identifier: MIT */
/*
 * snapshot_walk.c - a shard stores its partitions, one after another, without a pause.
 *
 * A partition is marked, which is short; then each turn of the shard writes a bounded piece of the
 * image of that moment into a buffer, and a worker appends it to the file. Commands go on in
 * between: heap pages are copied before they change, open rows and texts only grow, and a segment
 * that is ready is adopted when the image is over. A worker also gets the memory for the copies
 * ready before the mark, and gives it back.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "engine/base/workspace.h"
#include "tools/server/shard.h"

/* What a step copies: some 20 us, hashing included. */
#define STEP_SIZE_DEFAULT 65536

/* ---- memory ----------------------------------------------------------------------------------- */

static size_t
step_size(const struct server__shard *shard)
{
    uint32_t size = server__config(shard->server)->snapshot_step_size;
    return size != 0 ? size : STEP_SIZE_DEFAULT;
}

int
server__walk_init(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    snapshot->shard = shard;
    snapshot->buffer_capacity = step_size(shard) + CHEK_PARTITION_PIECE_SIZE_MAX;
    snapshot->buffer = chek_memory_allocate(snapshot->buffer_capacity);
    return snapshot->buffer != NULL ? CHEK_OK : -ENOMEM;
}

static void
files_free(struct server__snapshot *snapshot)
{
    chek_workspace_give(snapshot->files, snapshot->file_capacity * sizeof *snapshot->files);
    snapshot->files = NULL;
}

void
server__walk_finish(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    if (snapshot->file_is_open) {
        chek_immutable_abandon(shard->io, &snapshot->file);
    }
    files_free(snapshot);
    chek_memory_free(snapshot->buffer, snapshot->buffer_capacity);
    snapshot->buffer = NULL;
}

/* ---- on a worker ------------------------------------------------------------------------------ */

static int
segments_store(struct server__snapshot *snapshot, struct chek_io *io)
{
    struct chek_immutable file = {.partition = (uint16_t)snapshot->partition,
                                  .kind = CHEK_IMMUTABLE_SEGMENT};
    int error = CHEK_OK;
    server__folder_id(snapshot->shard->server, file.folder_id);
    for (uint32_t i = 0; error == CHEK_OK && i < snapshot->file_count; i++) {
        file.number = snapshot->files[i].number;
        error = chek_immutable_write(io, &file, snapshot->files[i].bytes);
    }
    return error;
}

/* Segments come before the first piece of the image: their bytes never change. */
static int
file_open(struct server__snapshot *snapshot, struct chek_io *io)
{
    struct chek_immutable what = {.number = snapshot->number,
                                  .partition = (uint16_t)snapshot->partition,
                                  .kind = CHEK_IMMUTABLE_IMAGE};
    int error = segments_store(snapshot, io);
    if (error == CHEK_OK) {
        server__folder_id(snapshot->shard->server, what.folder_id);
        error = chek_immutable_create(io, &what, &snapshot->file);
        snapshot->file_is_open = error == CHEK_OK;
    }
    return error;
}

static void
piece_work(void *argument)
{
    struct server__snapshot *snapshot = argument;
    struct chek_io *io = snapshot->shard->io;
    int error = snapshot->file_is_open ? CHEK_OK : file_open(snapshot, io);
    if (error == CHEK_OK) {
        error = chek_immutable_append(io, &snapshot->file,
                                      chek_bytes_view_of(snapshot->buffer, snapshot->buffer_size));
    }
    if (error == CHEK_OK && snapshot->image_is_whole) {
        snapshot->file_is_open = false;
        error = chek_immutable_finish(io, &snapshot->file);
    }
    if (error != CHEK_OK && snapshot->file_is_open) {
        snapshot->file_is_open = false;
        chek_immutable_abandon(io, &snapshot->file);
    }
    snapshot->error = error;
}

/* Memory for the copies of one partition at a time: that of the one before goes back first. */
static void
prepare_work(void *argument)
{
    struct server__snapshot *snapshot = argument;
    chek_partition_heaps_discard(&snapshot->heaps_before);
    snapshot->heaps_before.count = 0;
    if (snapshot->error == CHEK_OK) {
        snapshot->error = chek_partition_heaps_prepare(&snapshot->heaps);
    }
}

static void
on_work(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* the turn that follows goes on */
}

static void
work_begin(struct server__snapshot *snapshot, void (*work)(void *argument))
{
    snapshot->op.on_done = on_work;
    chek_io_work(snapshot->shard->io, &snapshot->op, work, snapshot);
}

/* ---- one partition ---------------------------------------------------------------------------- */

/* Note the segments of the image, and which of them no file has that the manifest names; they stay
 * as they are until the image is over. */
static int
files_choose(struct server__snapshot *snapshot, struct server__ground *ground)
{
    struct chek_store *store = chek_partition_store(ground->partition);
    snapshot->segments = store != NULL ? chek_store_segments(store) : (struct chek_segments){0};
    snapshot->file_capacity = chek_segments_count(&snapshot->segments) + 1;
    snapshot->files = chek_workspace_take(snapshot->file_capacity * sizeof *snapshot->files);
    if (snapshot->files == NULL) {
        return -ENOMEM;
    }
    snapshot->file_count = 0;
    for (uint32_t i = 0; i < chek_segments_count(&snapshot->segments); i++) {
        uint64_t number = chek_segments_number(&snapshot->segments, i);
        if (!chek_segments_has(&ground->segments, number)) {
            snapshot->files[snapshot->file_count++] = (struct server__segment_file){
                .number = number, .bytes = chek_segment_bytes(store, i)};
        }
    }
    server__segments_hold(ground);
    snapshot->segments_are_held = true;
    return CHEK_OK;
}

/* The moment that the image is of. */
static int
image_begin(struct server__snapshot *snapshot, struct server__ground *ground)
{
    const struct chek_store *store = chek_partition_store(ground->partition);
    int error = chek_partition_image_begin(ground->partition);
    if (error == CHEK_OK) {
        error = files_choose(snapshot, ground);
    }
    if (error != CHEK_OK) {
        return error;
    }
    struct server__entry *entry =
        server__snapshot_entry(snapshot->shard->server, snapshot->partition);
    entry->partition_seq = chek_partition_seq(ground->partition);
    entry->number = snapshot->number;
    entry->chain = store != NULL ? *chek_store_chain(store) : (struct chek_chain){0};
    snapshot->image_is_whole = false;
    return CHEK_OK;
}

/* After a partition, or after an error: then no other follows. */
static void
partition_end(struct server__snapshot *snapshot, struct server__ground *ground)
{
    struct chek_server *server = snapshot->shard->server;
    chek_partition_image_end(ground->partition);
    files_free(snapshot);
    if (snapshot->segments_are_held) {
        snapshot->segments_are_held = false;
        server__segments_release(ground);
    }
    server__seal_adopt(ground);
    snapshot->heaps_before = snapshot->heaps;
    snapshot->heaps.count = 0;
    snapshot->phase = SNAPSHOT_NEXT;
    if (snapshot->error == CHEK_OK) {
        server__snapshot_entry(server, snapshot->partition)->segments = snapshot->segments;
        snapshot->partition += 1;
    } else {
        snapshot->partition = chek_server_partition_count(server) + 1u;
    }
}

static void
piece_write(struct server__snapshot *snapshot, struct server__ground *ground)
{
    struct chek_writer out = chek_writer_over(snapshot->buffer, snapshot->buffer_capacity);
    snapshot->image_is_whole =
        chek_partition_image_step(ground->partition, step_size(snapshot->shard), &out);
    snapshot->buffer_size = out.size;
    work_begin(snapshot, piece_work);
}

/* ---- the walk --------------------------------------------------------------------------------- */

void
server__walk_begin(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    CHEK_ASSERT(!snapshot->running);
    CHEK_ASSERT(!snapshot->op.in_flight);
    snapshot->running = true;
    snapshot->phase = SNAPSHOT_NEXT;
    snapshot->partition = 0;
    snapshot->error = CHEK_OK;
    snapshot->number = server__snapshot_number(shard->server);
}

/* Everything of this shard is stored, or cannot be. */
static void
walk_end(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    /* Events of before the snapshot cannot be made again after it. */
    if (snapshot->error == CHEK_OK && !chek_event_log_flush(shard->events) &&
        !CHEK_PLANTED(EVENTS_NOT_AWAITED)) {
        return;
    }
    snapshot->running = false;
    server__post(shard, 0, SERVER_SNAPSHOT_STORED, &snapshot->message);
}

static void
partition_next(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    uint16_t partition_count = chek_server_partition_count(shard->server);
    while (snapshot->partition <= partition_count && shard->grounds[snapshot->partition] == NULL) {
        snapshot->partition += 1;
    }
    if (snapshot->partition <= partition_count) {
        snapshot->phase = SNAPSHOT_MARK;
        chek_partition_heaps(shard->grounds[snapshot->partition]->partition, &snapshot->heaps);
        work_begin(snapshot, prepare_work);
    } else if (snapshot->heaps_before.count != 0) {
        work_begin(snapshot, prepare_work);
    } else {
        walk_end(shard);
    }
}

/* One step of the partition at work. */
static void
partition_step(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    struct server__ground *ground = shard->grounds[snapshot->partition];
    if (snapshot->phase == SNAPSHOT_MARK) {
        snapshot->phase = SNAPSHOT_WRITE;
        if (snapshot->error == CHEK_OK) {
            snapshot->error = image_begin(snapshot, ground);
        }
    }
    if (snapshot->error != CHEK_OK || snapshot->image_is_whole) {
        partition_end(snapshot, ground);
        partition_next(shard);
    } else {
        piece_write(snapshot, ground);
    }
}

/* A log that has become long costs disk and a long start: it is time for a snapshot. */
static void
log_look(struct server__shard *shard)
{
    uint64_t size_max =
        server__config(shard->server)->snapshot_log_size / server__shard_count(shard->server);
    if (!shard->wanted_posted && !shard->stopping &&
        chek_log_count(shard->log).durable_lsn - shard->snapshot.lsn > size_max) {
        shard->wanted_posted = true;
        server__post(shard, 0, SERVER_SNAPSHOT_WANTED, &shard->wanted);
    }
}

void
server__walk_turn(struct server__shard *shard)
{
    const struct server__snapshot *snapshot = &shard->snapshot;
    if (!snapshot->running || snapshot->op.in_flight) {
        log_look(shard);
    } else if (snapshot->phase == SNAPSHOT_NEXT) {
        partition_next(shard);
    } else {
        partition_step(shard);
    }
}
