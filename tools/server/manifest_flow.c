/* SPDX-License-Identifier: MIT */
/*
 * manifest_flow.c - the manifest in memory, and what every start and every snapshot makes of it.
 *
 * The manifest names the images of one snapshot (a partition may keep an older one only while a
 * snapshot is under way, and then in the manifest that is still on disk), every segment, and every
 * log stream that a start would have to replay.
 */
#include "tools/server/manifest_flow.h"

#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "persist/snapshot.h"

/* ---- at the start ----------------------------------------------------------------------------- */

int
server__manifest_read(struct server__folder *folder)
{
    folder->manifest = chek_memory_allocate(sizeof *folder->manifest);
    if (folder->manifest == NULL) {
        return -ENOMEM;
    }
    int error = chek_manifest_load(folder->io, folder->manifest);
    if (error == CHEK_E_NOT_FOUND) {
        return -ENOENT;
    }
    if (error != CHEK_OK) {
        chek_memory_free(folder->manifest, sizeof *folder->manifest);
        folder->manifest = NULL;
        return error;
    }
    if (folder->manifest->partition_count == 0 ||
        folder->manifest->partition_count > CHEK_PARTITION_COUNT_MAX) {
        return CHEK_E_CORRUPT;
    }
    memcpy(folder->id, folder->manifest->folder_id, sizeof folder->id);
    folder->partition_count = (uint16_t)folder->manifest->partition_count;
    return CHEK_OK;
}

/* The number at the end of a name: "snapshot/0007-000000000002" is 2. */
static uint64_t
number_of(const char *name)
{
    const char *dash = strrchr(name, '-');
    uint64_t number = 0;
    for (const char *at = dash != NULL ? dash + 1 : name; *at >= '0' && *at <= '9'; at++) {
        number = number * 10 + (uint64_t)(*at - '0');
    }
    return number;
}

int
server__manifest_entries(struct server__folder *folder)
{
    for (size_t i = 0; i < folder->manifest->entry_count; i++) {
        const struct chek_manifest_entry *entry = &folder->manifest->entries[i];
        if (entry->partition > folder->partition_count) {
            continue;
        }
        struct server__entry *known = &folder->entries[entry->partition];
        if (entry->kind == CHEK_IMMUTABLE_IMAGE) {
            known->partition_seq = entry->seq;
            known->number = number_of(entry->name);
            if (known->number > folder->snapshot_number) {
                folder->snapshot_number = known->number;
            }
        } else if (entry->kind == CHEK_IMMUTABLE_SEGMENT &&
                   !chek_segments_add(&known->segments, number_of(entry->name))) {
            return CHEK_E_CORRUPT;
        }
    }
    for (size_t i = 0; i < folder->manifest->chain_count; i++) {
        const struct chek_manifest_chain *chain = &folder->manifest->chains[i];
        struct chek_chain *known = &folder->entries[chain->partition].chain;
        known->range_count = chain->range_count;
        known->row_count = chain->row_count;
        memcpy(known->head, chain->head, sizeof known->head);
    }
    return CHEK_OK;
}

struct replay {
    struct server__folder *folder;
    int (*on_command)(void *context, struct chek_bytes_view bytes);
    void *context;
    int error;
};

static int
on_command(void *context, struct chek_bytes_view bytes)
{
    struct replay *replay = context;
    return replay->on_command(replay->context, bytes);
}

static void
on_cut(void *context, const struct chek_log_fault *cut)
{
    struct replay *replay = context;
    (void)cut; /* where the stream ends now is recorded by on_end */
    replay->folder->cut_count += 1;
}

static void
on_end(void *context, const struct chek_log_known *end)
{
    struct replay *replay = context;
    struct server__folder *folder = replay->folder;
    struct chek_log_known *ends = chek_memory_grow(folder->ends, folder->end_count * sizeof *ends,
                                                   (folder->end_count + 1) * sizeof *ends);
    if (ends == NULL) {
        replay->error = -ENOMEM;
        return;
    }
    folder->ends = ends;
    folder->ends[folder->end_count++] = *end;
}

int
server__manifest_replay(struct server__folder *folder,
                        int (*on_one)(void *context, struct chek_bytes_view bytes), void *context,
                        struct chek_log_fault *where)
{
    struct replay replay = {.folder = folder, .on_command = on_one, .context = context};
    struct chek_log_recovery recovery = {
        .context = &replay,
        .on_command = on_command,
        .on_cut = on_cut,
        .on_end = on_end,
        .known_generation = folder->manifest->generation,
        .known = folder->manifest->logs,
        .known_count = folder->manifest->log_count,
    };
    int error =
        chek_log_recover(folder->io, folder->id, &recovery, &folder->generation_last, where);
    return error != CHEK_OK ? error : replay.error;
}

/* ---- what the manifest names ------------------------------------------------------------------ */

static int
entry_add(struct server__folder *folder, unsigned partition, uint8_t kind, uint64_t number,
          uint64_t seq)
{
    struct chek_immutable file = {.number = number, .partition = (uint16_t)partition, .kind = kind};
    struct chek_manifest_entry entry = {.kind = kind, .partition = partition, .seq = seq};
    _Static_assert(CHEK_IMMUTABLE_NAME_MAX <= CHEK_MANIFEST_NAME_SIZE, "a name fits");
    chek_immutable_name(&file, entry.name);
    return chek_manifest_add_entry(folder->manifest, &entry);
}

static int
chain_add(struct server__folder *folder, unsigned partition, const struct chek_chain *chain)
{
    struct chek_manifest_chain known = {
        .partition = partition, .range_count = chain->range_count, .row_count = chain->row_count};
    _Static_assert(sizeof known.head == sizeof chain->head, "a head fits");
    memcpy(known.head, chain->head, sizeof known.head);
    return chain->range_count != 0 ? chek_manifest_set_chain(folder->manifest, &known) : CHEK_OK;
}

/* Name the files of folder->entries, and no others, and their chains. */
static int
entries_write(struct server__folder *folder)
{
    folder->manifest->entry_count = 0;
    folder->manifest->chain_count = 0;
    for (unsigned i = 0; i <= folder->partition_count; i++) {
        const struct server__entry *entry = &folder->entries[i];
        int error = entry_add(folder, i, CHEK_IMMUTABLE_IMAGE, entry->number, entry->partition_seq);
        uint32_t segment_count = chek_segments_count(&entry->segments);
        for (uint32_t j = 0; error == CHEK_OK && j < segment_count; j++) {
            uint64_t number = chek_segments_number(&entry->segments, j);
            error = entry_add(folder, i, CHEK_IMMUTABLE_SEGMENT, number, j);
        }
        if (error == CHEK_OK) {
            error = chain_add(folder, i, &entry->chain);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

int
server__manifest_start(struct server__folder *folder, unsigned shard_count)
{
    struct chek_manifest *manifest = folder->manifest;
    bool fresh = manifest->number == 0;
    int error = CHEK_OK;
    if (fresh) {
        chek_manifest_init(manifest, folder->io, folder->partition_count);
        memcpy(manifest->folder_id, folder->id, sizeof folder->id);
        error = entries_write(folder);
    }
    if (error == CHEK_OK) {
        error = chek_manifest_begin_run(manifest, folder->ends, folder->end_count,
                                        folder->generation_last, shard_count);
    }
    if (error == CHEK_OK) {
        error = chek_manifest_store(folder->io, manifest);
    }
    folder->generation = manifest->generation;
    return error;
}

void
server__manifest_free(struct server__folder *folder)
{
    if (folder->manifest != NULL) {
        chek_manifest_finish(folder->manifest);
        chek_memory_free(folder->manifest, sizeof *folder->manifest);
    }
    chek_memory_free(folder->ends, folder->end_count * sizeof *folder->ends);
}

/* ---- at a snapshot ---------------------------------------------------------------------------- */

struct server__entry *
server__snapshot_entry(struct chek_server *server, uint32_t partition)
{
    return &server__folder(server)->entries[partition];
}

bool
server__snapshot_open(struct chek_server *server)
{
    struct server__folder *folder = server__folder(server);
    if (folder->snapshot_running) {
        return false;
    }
    folder->snapshot_running = true;
    folder->snapshot_number += 1;
    return true;
}

void
server__snapshot_close(struct chek_server *server, int error)
{
    struct server__folder *folder = server__folder(server);
    folder->snapshot_running = false;
    folder->snapshot_count += error == CHEK_OK;
}

uint64_t
server__snapshot_number(const struct chek_server *server)
{
    return server__folder((struct chek_server *)(uintptr_t)server)->snapshot_number;
}

uint64_t
server__snapshot_count(const struct chek_server *server)
{
    return server__folder((struct chek_server *)(uintptr_t)server)->snapshot_count;
}

/* Files that are in no manifest any more. */
struct leftovers {
    struct chek_io *io;
    const struct server__folder *folder;
    int error;
};

static void
leftover_remove(struct leftovers *leftovers, const struct chek_immutable *file)
{
    char path[CHEK_IMMUTABLE_NAME_MAX];
    chek_immutable_name(file, path);
    int error = chek_disk_unlink(leftovers->io, path);
    if (error != CHEK_OK && error != -ENOENT) {
        leftovers->error = error;
    }
}

/* Whether a name is one that chek_immutable_name() makes, and of which file. */
static bool
name_read(const char *name, uint8_t kind, struct chek_immutable *ret)
{
    char path[CHEK_IMMUTABLE_NAME_MAX];
    struct chek_immutable file = {.kind = kind, .number = number_of(name)};
    for (const char *at = name; *at >= '0' && *at <= '9' && at < name + 4; at++) {
        file.partition = (uint16_t)(file.partition * 10 + (*at - '0'));
    }
    chek_immutable_name(&file, path);
    *ret = file;
    return strcmp(strchr(path, '/') + 1, name) == 0;
}

/* Images of an older snapshot. */
static void
on_snapshot_name(void *context, const char *name)
{
    struct leftovers *leftovers = context;
    struct chek_immutable file;
    if (name_read(name, CHEK_IMMUTABLE_IMAGE, &file) &&
        file.number < leftovers->folder->snapshot_number) {
        leftover_remove(leftovers, &file);
    }
}

/* Segments that were merged, and those of a snapshot that came to nothing. */
static void
on_segment_name(void *context, const char *name)
{
    struct leftovers *leftovers = context;
    const struct server__folder *folder = leftovers->folder;
    struct chek_immutable file;
    if (name_read(name, CHEK_IMMUTABLE_SEGMENT, &file) &&
        file.partition <= folder->partition_count &&
        !chek_segments_has(&folder->entries[file.partition].segments, file.number)) {
        leftover_remove(leftovers, &file);
    }
}

/*
 * What a start would have to replay of a shard's log: what was logged since the snapshot began, and
 * nothing of a log that is over.
 */
static struct chek_log_known
log_known(const struct server__snapshot *snapshot, bool is_last)
{
    struct chek_log_known known = snapshot->known;
    if (is_last) {
        CHEK_ASSERT(chek_log_is_idle(snapshot->shard->log));
        CHEK_ASSERT(chek_log_count(snapshot->shard->log).appended_lsn == snapshot->lsn);
        known.ended = true;
        known.lsn_first = known.lsn_end = snapshot->lsn;
    }
    return known;
}

/* What the manifest will name is in files whose names survive a power cut. */
static int
manifest_prepare(struct chek_server *server, struct server__folder *folder, struct chek_io *io)
{
    bool is_last = server__shard(server, 0)->snapshot_is_last;
    int error = chek_disk_sync_folder(io, CHEK_SEGMENT_FOLDER);
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, CHEK_SNAPSHOT_FOLDER);
    }
    if (error == CHEK_OK) {
        error = entries_write(folder);
    }
    for (unsigned i = 0; error == CHEK_OK && i < server__shard_count(server); i++) {
        struct chek_log_known known = log_known(&server__shard(server, i)->snapshot, is_last);
        error = chek_manifest_set_log(folder->manifest, &known);
    }
    return error;
}

int
server__manifest_write(struct chek_server *server, struct chek_io *io,
                       enum server__manifest_state *ret_state)
{
    struct server__folder *folder = server__folder(server);
    *ret_state = MANIFEST_AS_BEFORE;
    int error = manifest_prepare(server, folder, io);
    if (error != CHEK_OK) {
        return error;
    }
    chek_manifest_drop_logs_before(folder->manifest, folder->generation);
    error = chek_manifest_store(io, folder->manifest);
    if (error == CHEK_OK) {
        *ret_state = MANIFEST_STORED;
    } else if (error != CHEK_E_LIMIT && error != -ENOMEM) {
        *ret_state = MANIFEST_UNKNOWN; /* as its header says */
    }
    return error;
}

/* When this fails the next snapshot tries again. */
int
server__manifest_tidy(struct chek_server *server, struct chek_io *io)
{
    struct server__folder *folder = server__folder(server);
    struct leftovers leftovers = {.io = io, .folder = folder};
    int error = chek_disk_list(io, CHEK_SNAPSHOT_FOLDER, on_snapshot_name, &leftovers);
    if (error == CHEK_OK) {
        error = chek_disk_list(io, CHEK_SEGMENT_FOLDER, on_segment_name, &leftovers);
    }
    if (error == CHEK_OK) {
        error = leftovers.error;
    }
    return error != CHEK_OK
               ? error
               : chek_log_remove_unlisted(io, folder->manifest->logs, folder->manifest->log_count);
}
