/* SPDX-License-Identifier: MIT */
/*
 * backup_read.c - what a worker does for a backup: it lists files, and reads them piece by piece.
 *
 * Files of the snapshot and events first, as long as they were when they were listed; then the logs up
 * to the moment; the manifest last.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/workspace.h"
#include "tools/server/backup_run.h"

#define FILE_COUNT_FIRST 64

/* ---- a worker lists --------------------------------------------------------------------------- */

static int
file_add(struct server__backup *backup, const char *name)
{
    struct chek_io *io = backup->shard->io;
    if (backup->file_count == backup->file_capacity) {
        uint32_t count = backup->file_capacity != 0 ? 2 * backup->file_capacity : FILE_COUNT_FIRST;
        void *grown =
            chek_workspace_grow(backup->files, backup->file_capacity * sizeof *backup->files,
                                count * sizeof *backup->files);
        if (grown == NULL) {
            return -ENOMEM;
        }
        backup->files = grown;
        backup->file_capacity = count;
    }
    int handle = chek_disk_open(io, name, CHEK_FILE_READ);
    if (handle < 0) {
        return handle;
    }
    int64_t size = chek_disk_size(io, handle);
    chek_disk_close(io, handle);
    if (size < 0) {
        return (int)size;
    }
    struct server__backup_file *file = &backup->files[backup->file_count++];
    (void)snprintf(file->name, sizeof file->name, "%s", name);
    file->size = (uint64_t)size;
    backup->total += (uint64_t)size;
    return CHEK_OK;
}

static void
on_event_name(void *context, const char *name)
{
    struct server__backup *backup = context;
    char path[CHEK_MANIFEST_NAME_SIZE];
    int size = snprintf(path, sizeof path, "%s/%s", CHEK_EVENT_FOLDER, name);
    if (backup->error == CHEK_OK && size < (int)sizeof path) {
        backup->error = file_add(backup, path);
    }
}

void
server__backup_list(void *argument)
{
    struct server__backup *backup = argument;
    const struct chek_manifest *manifest = server__folder(backup->shard->server)->manifest;
    for (size_t i = 0; i < manifest->entry_count && backup->error == CHEK_OK; i++) {
        backup->error = file_add(backup, manifest->entries[i].name);
    }
    if (backup->error == CHEK_OK) {
        int error = chek_disk_list(backup->shard->io, CHEK_EVENT_FOLDER, on_event_name, backup);
        backup->error = backup->error != CHEK_OK ? backup->error : error;
    }
}

/* ---- a worker reads --------------------------------------------------------------------------- */

/* The next piece of the file at work, which is as long as it was when it was listed. */
static int
file_read(struct server__backup *backup)
{
    struct chek_io *io = backup->shard->io;
    struct server__backup_file *file = &backup->files[backup->file];
    struct server__backup_piece *piece = &backup->piece;
    if (backup->handle < 0) {
        int handle = chek_disk_open(io, file->name, CHEK_FILE_READ);
        if (handle < 0) {
            return handle;
        }
        backup->handle = handle;
        backup->offset = 0;
    }
    uint64_t left = file->size - backup->offset;
    size_t size = left < SERVER_BACKUP_PIECE_SIZE ? (size_t)left : SERVER_BACKUP_PIECE_SIZE;
    int64_t got = chek_disk_read(io, backup->handle, backup->buffer, size, backup->offset);
    if (got != (int64_t)size) {
        return got < 0 ? (int)got : CHEK_E_CORRUPT;
    }
    memcpy(piece->name, file->name, sizeof piece->name);
    piece->offset = backup->offset;
    piece->file_size = file->size;
    piece->size = size;
    backup->offset += size;
    if (backup->offset == file->size) {
        chek_disk_close(io, backup->handle);
        backup->handle = -1;
        backup->file += 1;
    }
    return CHEK_OK;
}

/* The next piece of the logs; 1 when there was one. */
static int
log_read(struct server__backup *backup)
{
    struct chek_server *server = backup->shard->server;
    struct chek_log_piece piece;
    for (; backup->stream < server__shard_count(server); backup->stream++) {
        if (!backup->log_is_open) {
            uint64_t id[2];
            server__folder_id(server, id);
            chek_log_copy_begin(&backup->log, backup->shard->io, id,
                                &server__shard(server, backup->stream)->snapshot.known,
                                backup->lsns[backup->stream]);
            backup->log_is_open = true;
        }
        int got = chek_log_copy_next(&backup->log, backup->buffer, &piece);
        if (got < 0) {
            return got;
        }
        if (got != 0) {
            (void)snprintf(backup->piece.name, sizeof backup->piece.name, "%s", piece.name);
            backup->piece.offset = piece.offset;
            backup->piece.file_size = piece.file_size;
            backup->piece.size = piece.size;
            return 1;
        }
        backup->log_is_open = false;
    }
    return 0;
}

/* The newest manifest is small unless there are many segments: it is sent in pieces as well. */
static int
manifest_read(struct server__backup *backup)
{
    const struct chek_manifest *manifest = server__folder(backup->shard->server)->manifest;
    struct server__backup_piece *piece = &backup->piece;
    size_t size = chek_manifest_size(manifest);
    backup->offset = backup->manifest_is_open ? backup->offset : 0;
    backup->manifest_is_open = true;
    size_t left = size - (size_t)backup->offset;
    uint8_t *bytes = chek_workspace_take(size);
    if (bytes == NULL) {
        return -ENOMEM;
    }
    chek_manifest_encode(manifest, bytes);
    chek_manifest_name(manifest->number, piece->name);
    piece->offset = backup->offset;
    piece->file_size = (size + CHEK_BLOCK_SIZE - 1) / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
    piece->size = left < SERVER_BACKUP_PIECE_SIZE ? left : SERVER_BACKUP_PIECE_SIZE;
    memcpy(backup->buffer, bytes + backup->offset, piece->size);
    chek_workspace_give(bytes, size);
    backup->offset += piece->size;
    backup->manifest_is_sent = backup->offset == size;
    return CHEK_OK;
}

void
server__backup_read(void *argument)
{
    struct server__backup *backup = argument;
    backup->piece = (struct server__backup_piece){0};
    if (backup->file < backup->file_count) {
        backup->error = file_read(backup);
        return;
    }
    int got = log_read(backup);
    if (got == 0 && !backup->manifest_is_sent) {
        got = manifest_read(backup);
    }
    backup->error = got < 0 ? got : CHEK_OK;
}
