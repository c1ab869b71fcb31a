/* SPDX-License-Identifier: MIT */
/*
 * snapshot_flow.c - a snapshot of the whole server.
 *
 * Every shard walks its partitions (snapshot_walk.c). When every shard is done, shard 0 writes the manifest that names all of it, and only then the log before is let go, and the
 * segments count as stored: until a manifest names a file its name may still vanish, so the next
 * snapshot writes it again. A crash at any step leaves the manifest of before with everything that
 * it names.
 */
#include "engine/base/assertion.h"
#include "engine/base/planted.h"
#include "tools/server/shard.h"

static void
on_begin(struct server__shard *shard, bool is_last)
{
    struct server__snapshot *snapshot = &shard->snapshot;
    shard->log_is_over = is_last;
    server__walk_begin(shard);
    /* Whatever is durable now is in every image that is taken from now on. */
    snapshot->lsn = chek_log_count(shard->log).durable_lsn;
    snapshot->known = chek_log_known_at(shard->log, snapshot->lsn);
    shard->wanted_posted = false;
}

bool
server__snapshot_begin(struct server__shard *zero)
{
    bool is_held = zero->backup_holds && !CHEK_PLANTED(BACKUP_NOT_HELD);
    if (is_held || !server__snapshot_open(zero->server)) {
        return false; /* one is running; who waits hears of that one */
    }
    zero->snapshot_wanted = false;
    zero->snapshot_is_last = zero->quiet_count == server__shard_count(zero->server);
    zero->snapshot_open_count = server__shard_count(zero->server);
    zero->snapshot_error = CHEK_OK;
    for (unsigned i = 0; i < server__shard_count(zero->server); i++) {
        zero->snapshot_messages[i] =
            (struct chek_message){.payload = zero->snapshot_is_last ? zero : NULL};
        server__post(zero, i, SERVER_SNAPSHOT_BEGIN, &zero->snapshot_messages[i]);
    }
    return true;
}

void
server__snapshot_again(struct server__shard *zero)
{
    bool is_quiet = zero->quiet_count == server__shard_count(zero->server);
    if (is_quiet || zero->snapshot_wanted || !chek_list_is_empty(&zero->snapshot_waiting)) {
        server__snapshot_begin(zero);
    }
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
    server__backup_snapshot(zero, error);
    if (zero->snapshot_is_last) {
        server__end(zero->server, error);
    } else {
        server__snapshot_again(zero);
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
        zero->named_messages[i] =
            (struct chek_message){.payload = zero->snapshot_error == CHEK_OK ? zero : NULL};
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

/* The manifest on disk names what this shard has stored; and what it does not name is gone. */
static void
on_named(struct server__shard *shard, bool is_tidy)
{
    for (unsigned i = 0; i <= chek_server_partition_count(shard->server); i++) {
        struct server__ground *ground = shard->grounds[i];
        if (ground != NULL) {
            ground->segments = server__snapshot_entry(shard->server, i)->segments;
        }
        if (ground != NULL && i != 0) {
            chek_store_segments_stored(chek_partition_store(ground->partition), (uint16_t)i,
                                       &ground->segments);
        }
    }
    /* What the manifest says, and not what a file that ended meanwhile would allow. */
    chek_log_truncate(shard->log, shard->snapshot.known.lsn_first);
    if (is_tidy) {
        server__erasures_complete(shard, shard->snapshot.known.lsn_first);
    }
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
        shard->snapshot_wanted = !server__snapshot_begin(shard);
        return;
    case SERVER_SNAPSHOT_BEGIN:
        on_begin(shard, message->payload != NULL);
        return;
    case SERVER_SNAPSHOT_STORED:
        on_shard_stored(shard, CHEK_CONTAINER_OF(message, struct server__snapshot, message));
        return;
    case SERVER_SNAPSHOT_NAMED:
        on_named(shard, message->payload != NULL);
        return;
    default:
        server__backup_message(shard, message);
    }
}
