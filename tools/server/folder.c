/* SPDX-License-Identifier: MIT */
/*
 * folder.c - a fresh folder is made whole before anything names it; an old one is brought back.
 *
 * The first commands of every partition (its genesis, and the first administrator) never go through
 * a log: they are applied, a first snapshot is written, and the manifest comes last. A crash before
 * the manifest leaves a folder that is still fresh.
 */
#include "tools/server/folder.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "persist/private_file.h"
#include "persist/snapshot.h"
#include "tools/server/cold_read.h"
#include "tools/server/load_flow.h"
#include "tools/server/manifest_flow.h"
#include "tools/server/replay_flow.h"

static int
fault_say(struct chek_server_fault *fault, int error, const char *what, const char *hint)
{
    fault->error = error;
    (void)snprintf(fault->text, sizeof fault->text, "%s: %s%s%s", what, chek_error_text(error),
                   hint[0] != 0 ? "; " : "", hint);
    return error;
}

_Static_assert(sizeof(struct chek_subject_key) == CHEK_SECRET_SIZE, "the folder's keys");

/* ---- partitions ------------------------------------------------------------------------------- */

static int
arrays_allocate(struct server__folder *folder, uint64_t page_cache_size)
{
    size_t count = folder->partition_count + 1u;
    folder->partitions = chek_memory_allocate(count * sizeof(struct chek_partition *));
    folder->grounds = chek_memory_allocate(count * sizeof *folder->grounds);
    folder->entries = chek_memory_allocate(count * sizeof *folder->entries);
    folder->pools = chek_memory_allocate(folder->shard_count * sizeof(struct chek_store_pool *));
    if (folder->partitions == NULL || folder->grounds == NULL || folder->entries == NULL ||
        folder->pools == NULL) {
        return -ENOMEM;
    }
    struct chek_cold_reader reader = server__cold_reader(folder);
    for (unsigned i = 0; i < folder->shard_count; i++) {
        int error = chek_store_pool_create(&folder->pools[i]);
        if (error != CHEK_OK) {
            return error;
        }
        chek_store_pool_cold(folder->pools[i], &reader,
                             (page_cache_size + folder->shard_count - 1) / folder->shard_count);
    }
    return CHEK_OK;
}

struct chek_partition_config
server__partition_config(const struct server__folder *folder,
                         const struct chek_server_config *config, unsigned number)
{
    uint64_t index_seed; /* so that no sender can make texts that collide */
    chek_io_random(folder->io, &index_seed, sizeof index_seed);
    return (struct chek_partition_config){
        .number = (uint16_t)number,
        .page_count_max = SERVER_PAGE_COUNT_MAX,
        .segment_row_count = config->segment_row_count,
        .segment_merge_count = config->segment_merge_count,
        .pool = number != 0 ? folder->pools[(number - 1) % folder->shard_count] : NULL,
        .index_seed = index_seed,
    };
}

/* ---- a fresh folder --------------------------------------------------------------------------- */

/* Apply a command that never stood in a log. */
static int
command_apply(struct server__folder *folder, struct chek_partition *partition, uint8_t kind,
              struct chek_bytes_view body)
{
    struct chek_command command = {
        .envelope = {.kind = kind,
                     .partition = chek_partition_number(partition),
                     .apply_version = CHEK_APPLY_VERSION,
                     .partition_seq = chek_partition_seq(partition) + 1,
                     .time_us = chek_io_wall_us(folder->io)},
        .body = body,
    };
    struct chek_outcome outcome;
    int error = chek_partition_ensure(partition, body.size);
    return error != CHEK_OK ? error : chek_partition_apply(partition, &command, &outcome);
}

static int
genesis_apply(struct server__folder *folder, struct chek_partition *partition)
{
    uint8_t bytes[64];
    struct chek_genesis genesis = {.partitions = folder->partition_count,
                                   .dictionary_count_max = CHEK_DICTIONARY_COUNT_MAX,
                                   .dictionary_size_max = CHEK_DICTIONARY_SIZE_MAX};
    memcpy(genesis.folder, folder->id, sizeof genesis.folder);
    chek_io_random(folder->io, &genesis.map_seed, sizeof genesis.map_seed);
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    chek_genesis_encode(&out, &genesis);
    CHEK_ASSERT(!out.full);
    return command_apply(folder, partition, CHEK_COMMAND_GENESIS,
                         chek_bytes_view_of(bytes, out.size));
}

/* The first principal may do everything; its token is written for whoever set the folder up. */
static int
administrator_make(struct server__folder *folder)
{
    uint8_t secret[CHEK_TOKEN_SECRET_SIZE];
    uint8_t hash[CHEK_TOKEN_HASH_SIZE];
    uint8_t bytes[256];
    char token[CHEK_TOKEN_TEXT_MAX + 1];
    struct chek_principal principal = {
        .principal = 1,
        .name = chek_bytes_view_text("admin"),
        .rights = 1u << CHEK_RIGHT_READ | 1u << CHEK_RIGHT_INGEST | 1u << CHEK_RIGHT_ADMIN,
        .trusted = true,
    };
    struct chek_command_principal command = {.principal = &principal,
                                             .hash = chek_bytes_view_of(hash, sizeof hash)};
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);

    chek_io_random(folder->io, secret, sizeof secret);
    chek_token_hash(secret, hash);
    chek_token_write(principal.principal, secret, token);
    size_t size = strlen(token);
    token[size] = '\n';
    chek_command_principal_encode(&out, &command);
    CHEK_ASSERT(!out.full);
    int error = command_apply(folder, folder->partitions[0], CHEK_COMMAND_PRINCIPAL,
                              chek_bytes_view_of(bytes, out.size));
    if (error == CHEK_OK) {
        error = chek_private_write(folder->io, CHEK_ADMIN_TOKEN_NAME, token, size + 1);
    }
    sodium_memzero(secret, sizeof secret);
    sodium_memzero(token, sizeof token);
    return error;
}

static int
image_store(struct server__folder *folder, unsigned number)
{
    struct chek_partition *partition = folder->partitions[number];
    struct chek_immutable file = {.folder_id = {folder->id[0], folder->id[1]},
                                  .number = folder->snapshot_number,
                                  .partition = (uint16_t)number,
                                  .kind = CHEK_IMMUTABLE_IMAGE};
    size_t size = chek_partition_image_size(partition);
    uint8_t *bytes = chek_memory_allocate(size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    struct chek_writer out = chek_writer_over(bytes, size);
    chek_partition_image_write(partition, &out);
    CHEK_ASSERT(!out.full);
    int error = chek_immutable_write(folder->io, &file, chek_bytes_view_of(bytes, out.size));
    chek_memory_free(bytes, size);
    if (error == CHEK_OK) {
        folder->entries[number] = (struct server__entry){
            .partition_seq = chek_partition_seq(partition), .number = folder->snapshot_number};
    }
    return error;
}

static int
partitions_make(struct chek_server *server, struct server__folder *folder,
                const struct chek_server_config *config)
{
    struct chek_partition_sink sink = {server, server__on_event};
    folder->snapshot_number = 1;
    for (unsigned i = 0; i <= folder->partition_count; i++) {
        struct chek_partition_config partition = server__partition_config(folder, config, i);
        int error = chek_partition_create(&partition, &sink, &folder->partitions[i]);
        if (error == CHEK_OK) {
            error = genesis_apply(folder, folder->partitions[i]);
        }
        if (error == CHEK_OK && i == 0) {
            error = administrator_make(folder);
        }
        if (error == CHEK_OK) {
            error = image_store(folder, i);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static int
folder_make(struct chek_server *server, struct server__folder *folder,
            const struct chek_server_config *config)
{
    folder->partition_count = config->partition_count;
    chek_io_random(folder->io, folder->id, sizeof folder->id);
    chek_io_random(folder->io, &folder->key, sizeof folder->key);
    int error = arrays_allocate(folder, config->page_cache_size);
    if (error == CHEK_OK) {
        error = chek_secret_write(folder->io, (const uint8_t *)&folder->key);
    }
    if (error == CHEK_OK) {
        error = partitions_make(server, folder, config);
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(folder->io, CHEK_SNAPSHOT_FOLDER);
    }
    return error;
}

/* ---- an old folder ---------------------------------------------------------------------------- */

static int
folder_load(struct chek_server *server, struct server__folder *folder,
            const struct chek_server_config *config, struct chek_server_fault *fault)
{
    int error = chek_secret_read(folder->io, (uint8_t *)&folder->key);
    if (error != CHEK_OK) {
        return fault_say(fault, error, "reading " CHEK_SECRET_NAME,
                         "without it personal values and tokens of registers cannot be used; "
                         "put the file back from where you keep it");
    }
    error = arrays_allocate(folder, config->page_cache_size);
    if (error != CHEK_OK) {
        return fault_say(fault, error, "loading the data folder", "");
    }
    error = server__manifest_entries(folder);
    if (error != CHEK_OK) {
        return fault_say(fault, error, "reading the manifest", "restore the folder from a backup");
    }
    unsigned partition;
    error = server__partitions_load(server, folder, config, &partition);
    if (error != CHEK_OK) {
        char what[64];
        (void)snprintf(what, sizeof what, "loading partition %u from snapshot %" PRIu64, partition,
                       folder->entries[partition].number);
        return fault_say(fault, error, what, "restore the folder from a backup");
    }
    return CHEK_OK;
}

/* ---- events ----------------------------------------------------------------------------------- */

static void
on_event_error(void *context, int error)
{
    server__on_latch(context, error);
}

/*
 * Open the event logs of this start. They come before the replay, which makes the tail of events
 * again that was not written before a crash.
 */
static int
events_open(struct chek_server *server, struct server__folder *folder, struct chek_io **ios)
{
    int error = CHEK_OK;
    folder->event_logs =
        chek_memory_allocate(folder->shard_count * sizeof(struct chek_event_log *));
    if (error == CHEK_OK && folder->event_logs == NULL) {
        error = -ENOMEM;
    }
    for (unsigned i = 0; error == CHEK_OK && i < folder->shard_count; i++) {
        struct chek_event_log_config config = {
            .stream = i,
            .generation = folder->manifest->generation + 1,
            .folder_id = {folder->id[0], folder->id[1]},
            .partition_count = folder->partition_count,
            .context = server,
            .on_error = on_event_error,
        };
        error = chek_event_log_open(ios[i], folder->event_index, &config, &folder->event_logs[i]);
    }
    return error;
}

static int
folder_replay(struct server__folder *folder, struct chek_server_fault *fault)
{
    struct chek_log_fault where = {0};
    int error = server__replay(folder, &where);
    if (error == CHEK_OK) {
        return CHEK_OK;
    }
    fault->error = error;
    if (where.file[0] != 0) {
        (void)snprintf(fault->text, sizeof fault->text,
                       "%s at offset %" PRIu64 ": %s; log positions %" PRIu64 " to %" PRIu64
                       " are lost; do not start on this folder again, restore a backup",
                       where.file, where.offset, chek_error_text(error), where.lsn_from,
                       where.lsn_to);
        return error;
    }
    return fault_say(fault, error, "replaying the log",
                     error == CHEK_E_APPLY_VERSION
                         ? "start the newer binary once and stop it in order (SIGTERM)"
                     : error == CHEK_E_CORRUPT
                         ? "a document in it has to be compared with one in a damaged segment; "
                           "restore that file, or the folder, from a backup"
                         : "");
}

/* ---- open and close --------------------------------------------------------------------------- */

static int
folders_make(struct chek_io *io)
{
    static const char *const names[] = {CHEK_LOG_FOLDER, CHEK_SNAPSHOT_FOLDER, CHEK_SEGMENT_FOLDER};
    for (size_t i = 0; i < CHEK_COUNT(names); i++) {
        int error = chek_disk_make_folder(io, names[i]);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return chek_disk_sync_folder(io, "");
}

static void
on_name(void *context, const char *name)
{
    (void)name;
    *(bool *)context = true;
}

/* A folder with a log and without a manifest is not fresh: something took the manifest away. */
static int
fresh_check(struct chek_io *io)
{
    bool found = false;
    int error = chek_disk_list(io, CHEK_LOG_FOLDER, on_name, &found);
    return error != CHEK_OK ? error : found ? CHEK_E_CORRUPT : CHEK_OK;
}

int
server__folder_open(struct chek_server *server, struct server__folder *folder, struct chek_io **ios,
                    const struct chek_server_config *config, struct chek_server_fault *fault)
{
    folder->shard_count = server__shard_count(server);
    folder->replay_open_size = config->replay_open_size;
    struct chek_io *io = ios[0];
    folder->io = io;
    folder->on_damage = config->on_damage;
    folder->damage_context = config->context;
    int error = chek_disk_lock(io);
    if (error != CHEK_OK) {
        return fault_say(
            fault, error, "locking the data folder",
            error == CHEK_E_LOCKED ? "stop the other chekd, or give this one another --data" : "");
    }
    error = chek_manifest_is_unfinished(io);
    if (error == 1) {
        return fault_say(fault, CHEK_E_CORRUPT, CHEK_BACKUP_UNFINISHED " is in the data folder",
                         "it is a backup that was not finished: delete it and make another one");
    }
    if (error != CHEK_OK) {
        return fault_say(fault, error, "looking for " CHEK_BACKUP_UNFINISHED, "");
    }
    error = folders_make(io);
    if (error != CHEK_OK) {
        return fault_say(fault, error, "making folders in the data folder", "");
    }
    error = server__manifest_read(folder);
    if (error == -ENOENT) {
        error = fresh_check(io);
        if (error != CHEK_OK) {
            return fault_say(fault, error, "there is a log but no manifest",
                             "restore the manifest, or the folder from a backup");
        }
        error = folder_make(server, folder, config);
        if (error == CHEK_OK) {
            error = chek_event_index_load(io, folder->id, folder->partition_count,
                                          &folder->event_index);
        }
        if (error == CHEK_OK) {
            error = events_open(server, folder, ios);
        }
        if (error != CHEK_OK) {
            return fault_say(fault, error, "making the data folder",
                             "empty it before the next start: names in it may not be on the disk");
        }
    } else if (error != CHEK_OK) {
        return fault_say(fault, error, "reading the manifest",
                         error == CHEK_E_VERSION
                             ? "another version of chek wrote this folder: start that one, or "
                               "restore a backup that this one made"
                             : "restore the manifest, or the folder from a backup");
    } else {
        error = folder_load(server, folder, config, fault);
        if (error == CHEK_OK) {
            error = folder->event_error;
            if (error == CHEK_OK) {
                error = events_open(server, folder, ios);
            }
            if (error != CHEK_OK) {
                return fault_say(fault, error, "opening the event files", "");
            }
            error = folder_replay(folder, fault);
        }
        if (error != CHEK_OK) {
            return error;
        }
    }
    error = server__manifest_start(folder, server__shard_count(server));
    if (error != CHEK_OK) {
        return fault_say(fault, error, "writing the manifest", "");
    }
    /* A crash may have come between a manifest and this: what is erased would be in an image of before,
     * and no log say so. When it fails the next snapshot tries again. */
    int ignored = server__manifest_tidy(server, io);
    (void)ignored;
    return CHEK_OK;
}

void
server__folder_close(struct server__folder *folder)
{
    size_t count = folder->partition_count + 1u;
    for (unsigned i = 0; folder->partitions != NULL && i < count; i++) {
        chek_partition_destroy(folder->partitions[i]);
    }
    chek_memory_free(folder->partitions, count * sizeof(struct chek_partition *));
    chek_memory_free(folder->grounds, count * sizeof *folder->grounds);
    chek_memory_free(folder->entries, count * sizeof *folder->entries);
    for (unsigned i = 0; folder->pools != NULL && i < folder->shard_count; i++) {
        chek_store_pool_destroy(folder->pools[i]);
    }
    chek_memory_free(folder->pools, folder->shard_count * sizeof(struct chek_store_pool *));
    for (unsigned i = 0; folder->event_logs != NULL && i < folder->shard_count; i++) {
        chek_event_log_close(folder->event_logs[i]);
    }
    chek_memory_free(folder->event_logs, folder->shard_count * sizeof(struct chek_event_log *));
    chek_event_index_free(folder->event_index, folder->io);
    server__manifest_free(folder);
    sodium_memzero(&folder->key, sizeof folder->key);
}
