/* SPDX-License-Identifier: MIT */
/*
 * snapshot_flow.c - a snapshot of the whole server, one partition after another.
 *
 * Every shard walks its partitions: the image of one is written into memory (the pause), a worker
 * stores new segments and the image, then comes the next. When every shard is done, shard 0
 * writes the manifest that names all of it, and only then the log before is let go, and the
 * segments count as stored: until a manifest names a file its name may still vanish, so the next
 * snapshot writes it again. A crash at any step leaves the manifest of before with everything that
 * it names.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "persist/snapshot.h"
#include "tools/server/shard.h"

/* ---- one partition ---------------------------------------------------------------------------- */

/* On a worker: bytes that nobody changes any more. */
static void
store_work(void *argument)
{
    struct server__snapshot *snapshot = argument;
    struct chek_io *io = snapshot->shard->io;
    struct chek_immutable file = {.partition = (uint16_t)snapshot->partition,
                                  .kind = CHEK_IMMUTABLE_SEGMENT};
    server__folder_id(snapshot->shard->server, file.folder_id);

    int error = CHEK_OK;
    for (uint32_t i = 0; error == CHEK_OK && i < snapshot->file_count; i++) {
        file.number = snapshot->files[i].number;
        error = chek_immutable_write(io, &file, snapshot->files[i].bytes);
    }
    if (error == CHEK_OK) {
        file.kind = CHEK_IMMUTABLE_IMAGE;
        file.number = snapshot->number;
        error = chek_immutable_write(io, &file,
                                     chek_bytes_view_of(snapshot->image, snapshot->image_size));
    }
    snapshot->error = error;
}

static void
buffers_free(struct server__snapshot *snapshot)
{
    chek_memory_free(snapshot->image, snapshot->image_capacity);
    chek_memory_free(snapshot->files, snapshot->file_capacity * sizeof *snapshot->files);
    snapshot->image = NULL;
    snapshot->files = NULL;
}

void
server__snapshot_finish(struct server__shard *shard)
{
    buffers_free(&shard->snapshot);
}

static void
on_stored(struct chek_op *op, int64_t result)
{
    struct server__snapshot *snapshot = CHEK_CONTAINER_OF(op, struct server__snapshot, op);
    struct server__shard *shard = snapshot->shard;
    (void)result;
    buffers_free(snapshot);
    server__segments_release(shard->grounds[snapshot->partition]);
    if (snapshot->error == CHEK_OK) {
        server__snapshot_entry(shard->server, snapshot->partition)->segments = snapshot->segments;
        snapshot->partition += 1;
    } else {
        snapshot->partition = chek_server_partition_count(shard->server) + 1u;
    }
    snapshot->storing = false;
    server__snapshot_turn(shard);
}

/* Note the segments of the image, and which of them no file has that the manifest names. */
static void
files_choose(struct server__snapshot *snapshot, const struct server__ground *ground,
             const struct chek_store *store)
{
    snapshot->file_count = 0;
    for (uint32_t i = 0; i < chek_segments_count(&snapshot->segments); i++) {
        uint64_t number = chek_segments_number(&snapshot->segments, i);
        if (!chek_segments_has(&ground->segments, number)) {
            snapshot->files[snapshot->file_count++] = (struct server__segment_file){
                .number = number, .bytes = chek_segment_bytes(store, i)};
        }
    }
}

/* The pause: heap pages and open rows go into memory as they are now. */
static int
image_take(struct server__snapshot *snapshot, struct server__ground *ground)
{
    struct chek_store *store = chek_partition_store(ground->partition);
    snapshot->segments = store != NULL ? chek_store_segments(store) : (struct chek_segments){0};

    chek_memory_unsealed_begin();
    snapshot->image_capacity = chek_partition_image_size(ground->partition);
    snapshot->image = chek_memory_allocate(snapshot->image_capacity);
    snapshot->file_capacity = chek_segments_count(&snapshot->segments) + 1;
    snapshot->files = chek_memory_allocate(snapshot->file_capacity * sizeof *snapshot->files);
    chek_memory_unsealed_end();
    if (snapshot->image == NULL || snapshot->files == NULL) {
        return -ENOMEM;
    }
    struct chek_writer out = chek_writer_over(snapshot->image, snapshot->image_capacity);
    chek_partition_image_write(ground->partition, &out);
    CHEK_ASSERT(!out.full);
    snapshot->image_size = out.size;
    files_choose(snapshot, ground, store);
    server__segments_hold(ground);
    struct server__entry *entry =
        server__snapshot_entry(snapshot->shard->server, snapshot->partition);
    entry->partition_seq = chek_partition_seq(ground->partition);
    entry->number = snapshot->number;
    entry->chain = store != NULL ? *chek_store_chain(store) : (struct chek_chain){0};
    return CHEK_OK;
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
server__snapshot_turn(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    uint16_t partition_count = chek_server_partition_count(shard->server);

    if (!snapshot->running || snapshot->storing) {
        log_look(shard);
        return;
    }
    while (snapshot->partition <= partition_count && shard->grounds[snapshot->partition] == NULL) {
        snapshot->partition += 1;
    }
    if (snapshot->partition > partition_count) {
        /* Events of before the snapshot cannot be made again after it. */
        if (snapshot->error == CHEK_OK && !chek_event_log_flush(shard->events) &&
            !CHEK_PLANTED(EVENTS_NOT_AWAITED)) {
            return;
        }
        snapshot->running = false;
        server__post(shard, 0, SERVER_SNAPSHOT_STORED, &snapshot->message);
        return;
    }
    snapshot->error = image_take(snapshot, shard->grounds[snapshot->partition]);
    if (snapshot->error != CHEK_OK) {
        buffers_free(snapshot);
        snapshot->partition = partition_count + 1u;
        server__snapshot_turn(shard);
        return;
    }
    snapshot->storing = true;
    snapshot->op.on_done = on_stored;
    chek_io_work(shard->io, &snapshot->op, store_work, snapshot);
}

/* ---- all of them ------------------------------------------------------------------------------ */

static void
on_begin(struct server__shard *shard)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    CHEK_ASSERT(!snapshot->running && !snapshot->storing);
    snapshot->shard = shard;
    snapshot->running = true;
    snapshot->partition = 0;
    snapshot->error = CHEK_OK;
    snapshot->number = server__snapshot_number(shard->server);
    /* Whatever is durable now is in every image that is taken from now on. */
    snapshot->lsn = chek_log_count(shard->log).durable_lsn;
    snapshot->known = chek_log_known_at(shard->log, snapshot->lsn);
    shard->wanted_posted = false;
    server__snapshot_turn(shard);
}

bool
server__snapshot_begin(struct server__shard *zero)
{
    if (!server__snapshot_open(zero->server)) {
        return false; /* one is running; who waits hears of that one */
    }
    zero->snapshot_open_count = server__shard_count(zero->server);
    zero->snapshot_error = CHEK_OK;
    for (unsigned i = 0; i < server__shard_count(zero->server); i++) {
        zero->snapshot_messages[i] = (struct chek_message){0};
        server__post(zero, i, SERVER_SNAPSHOT_BEGIN, &zero->snapshot_messages[i]);
    }
    return true;
}

/* The snapshot is over: tell who waited. One that began when all was quiet is the last. */
static void
snapshot_end(struct server__shard *zero, int error)
{
    server__snapshot_close(zero->server, error);
    while (!chek_list_is_empty(&zero->snapshot_waiting)) {
        struct server__gather *gather =
            CHEK_CONTAINER_OF(zero->snapshot_waiting.next, struct server__gather, link);
        chek_list_remove(&gather->link);
        gather->values[0] = (uint64_t)(int64_t)error;
        server__post(zero, gather->origin, SERVER_SNAPSHOT_ANSWER, &gather->leaves[0].message);
    }
    if (zero->snapshot_is_last) {
        server__end(zero->server, error);
    } else if (zero->quiet_count == server__shard_count(zero->server)) {
        zero->snapshot_is_last = server__snapshot_begin(zero);
    }
}

static void
manifest_work(void *argument)
{
    struct server__shard *zero = argument;
    if (CHEK_PLANTED(TIDIED_BEFORE)) {
        zero->snapshot_error = server__manifest_tidy(zero->server, zero->io);
    }
    zero->snapshot_error = server__manifest_write(zero->server, zero->io, &zero->manifest_state);
    if (zero->snapshot_error == CHEK_OK) {
        zero->snapshot_error = server__manifest_tidy(zero->server, zero->io);
    }
}

static void
on_manifest(struct chek_op *op, int64_t result)
{
    struct server__shard *zero = CHEK_CONTAINER_OF(op, struct server__shard, manifest_op);
    (void)result;
    if (zero->manifest_state == MANIFEST_UNKNOWN) {
        server__on_latch(zero->server, zero->snapshot_error);
        return;
    }
    bool is_stored = zero->manifest_state == MANIFEST_STORED;
    for (unsigned i = 0; is_stored && i < server__shard_count(zero->server); i++) {
        zero->named_messages[i] = (struct chek_message){0};
        server__post(zero, i, SERVER_SNAPSHOT_NAMED, &zero->named_messages[i]);
    }
    snapshot_end(zero, zero->snapshot_error);
}

static void
on_shard_stored(struct server__shard *zero, const struct server__snapshot *snapshot)
{
    if (snapshot->error != CHEK_OK) {
        zero->snapshot_error = snapshot->error;
    }
    zero->snapshot_open_count -= 1;
    if (zero->snapshot_open_count > 0) {
        return;
    }
    if (zero->snapshot_error != CHEK_OK) {
        snapshot_end(zero, zero->snapshot_error);
        return;
    }
    zero->manifest_op.on_done = on_manifest;
    chek_io_work(zero->io, &zero->manifest_op, manifest_work, zero);
}

/* The manifest on disk names what this shard has stored. */
static void
on_named(struct server__shard *shard)
{
    for (unsigned i = 0; i <= chek_server_partition_count(shard->server); i++) {
        if (shard->grounds[i] != NULL) {
            shard->grounds[i]->segments = server__snapshot_entry(shard->server, i)->segments;
        }
    }
    /* What the manifest says, and not what a file that ended meanwhile would allow. */
    chek_log_truncate(shard->log, shard->snapshot.known.lsn_first);
}

void
server__snapshot_message(struct server__shard *shard, struct chek_message *message)
{
    struct server__gather *gather;
    switch (message->kind) {
    case SERVER_SNAPSHOT_ASK:
        gather = ((struct server__gather_leaf *)message->payload)->gather;
        chek_list_add(&shard->snapshot_waiting, &gather->link);
        server__snapshot_begin(shard);
        return;
    case SERVER_SNAPSHOT_ANSWER:
        gather = ((struct server__gather_leaf *)message->payload)->gather;
        gather->on_done(shard, gather);
        return;
    case SERVER_SNAPSHOT_WANTED:
        server__snapshot_begin(shard);
        return;
    case SERVER_SNAPSHOT_BEGIN:
        on_begin(shard);
        return;
    case SERVER_SNAPSHOT_STORED:
        on_shard_stored(shard, CHEK_CONTAINER_OF(message, struct server__snapshot, message));
        return;
    case SERVER_SNAPSHOT_NAMED:
        on_named(shard);
        return;
    default:
        CHEK_ASSERT(!"a message of no known kind");
    }
}
