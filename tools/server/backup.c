/* SPDX-License-Identifier: MIT */
/*
 * backup.c - a copy of the data folder, sent to whoever asked while the server goes on.
 *
 * First comes a snapshot, and until the backup is over no other one is begun: so nothing that it
 * names and no log behind it goes away. Then the moment: every shard says how far its log is
 * durable, shard 0 last, because what the others have logged rests on its directory. Events were
 * listed before, so there are none of what is behind the moment. A worker reads, a frame a piece, as
 * fast as the asker takes them; the manifest is the last file. The key and the token are not sent.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "persist/log_copy.h"
#include "tools/server/folder.h"

#define PIECE_SIZE 131072
#define FRAME_SIZE_MAX (PIECE_SIZE + 256)
#define FILE_COUNT_FIRST 64

_Static_assert(CHEK_LOG_PIECE_SIZE <= PIECE_SIZE, "a piece of a log is a piece");

enum backup_phase {
    BACKUP_SNAPSHOT, /* shard 0 takes one */
    BACKUP_LIST,     /* a worker lists what there is to copy */
    BACKUP_MOMENT,   /* shards say how far their logs are durable */
    BACKUP_READ,     /* a worker reads a piece, */
    BACKUP_SEND,     /* which waits for room */
    BACKUP_RELEASE,  /* shard 0 is told that it is over */
};

struct backup_file {
    char name[CHEK_MANIFEST_NAME_SIZE];
    uint64_t size;
};

/* A piece of a file, in `buffer`. No name: all was sent. */
struct piece {
    char name[CHEK_MANIFEST_NAME_SIZE];
    uint64_t offset, file_size;
    size_t size;
};

struct server__backup {
    struct chek_message message;  /* to shard 0 and back */
    struct chek_op op;            /* a worker has everything below while it is in flight */
    struct server__shard *shard;  /* of the asker */
    struct chek_request *request; /* NULL = abandoned */
    enum backup_phase phase;
    bool is_held;    /* shard 0 waits for the end */
    bool has_others; /* the moment: all shards but the first have said */
    int error;
    uint64_t moment_us;
    uint64_t lsns[CHEK_SHARD_COUNT_MAX];
    struct backup_file *files;
    uint32_t file_count, file_capacity, file; /* the one at work */
    int handle;                               /* of it, -1 = not open */
    uint64_t offset;
    unsigned stream; /* of the logs, which come after the files */
    bool log_is_open, manifest_is_open, manifest_is_sent;
    struct chek_log_copy log;
    uint64_t done, total;
    struct piece piece;
    uint8_t *buffer; /* at a block's border, in `memory` */
    uint8_t *memory;
};

#define MEMORY_SIZE (PIECE_SIZE + CHEK_BLOCK_SIZE)

static void backup_go(struct server__backup *backup);

/* ---- memory ----------------------------------------------------------------------------------- */

static void
backup_free(struct server__backup *backup)
{
    if (backup == NULL) {
        return;
    }
    if (backup->handle >= 0) {
        chek_disk_close(backup->shard->io, backup->handle);
    }
    if (backup->log_is_open) {
        chek_log_copy_end(&backup->log);
    }
    chek_memory_free(backup->files, backup->file_capacity * sizeof *backup->files);
    chek_memory_free(backup->memory, MEMORY_SIZE);
    chek_memory_free(backup, sizeof *backup);
}

static struct server__backup *
backup_make(struct server__shard *shard, struct chek_request *request)
{
    chek_memory_unsealed_begin();
    struct server__backup *backup = chek_memory_allocate(sizeof *backup);
    uint8_t *memory = chek_memory_allocate(MEMORY_SIZE);
    chek_memory_unsealed_end();
    if (backup == NULL || memory == NULL) {
        chek_memory_free(backup, sizeof *backup);
        chek_memory_free(memory, MEMORY_SIZE);
        return NULL;
    }
    uintptr_t mask = CHEK_BLOCK_SIZE - 1;
    backup->shard = shard;
    backup->request = request;
    backup->handle = -1;
    backup->memory = memory;
    backup->buffer = (uint8_t *)(((uintptr_t)memory + mask) & ~mask);
    backup->message.payload = backup;
    return backup;
}

void
server__backup_finish(struct server__shard *shard)
{
    backup_free(shard->backup);
    shard->backup = NULL;
}

/* ---- a worker lists --------------------------------------------------------------------------- */

static int
file_add(struct server__backup *backup, const char *name)
{
    struct chek_io *io = backup->shard->io;
    if (backup->file_count == backup->file_capacity) {
        uint32_t count = backup->file_capacity != 0 ? 2 * backup->file_capacity : FILE_COUNT_FIRST;
        chek_memory_unsealed_begin();
        void *grown = chek_memory_grow(backup->files, backup->file_capacity * sizeof *backup->files,
                                       count * sizeof *backup->files);
        chek_memory_unsealed_end();
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
    struct backup_file *file = &backup->files[backup->file_count++];
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

static void
list_work(void *argument)
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
    struct backup_file *file = &backup->files[backup->file];
    struct piece *piece = &backup->piece;
    if (backup->handle < 0) {
        int handle = chek_disk_open(io, file->name, CHEK_FILE_READ);
        if (handle < 0) {
            return handle;
        }
        backup->handle = handle;
        backup->offset = 0;
    }
    uint64_t left = file->size - backup->offset;
    size_t size = left < PIECE_SIZE ? (size_t)left : PIECE_SIZE;
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
    struct piece *piece = &backup->piece;
    size_t size = chek_manifest_size(manifest);
    backup->offset = backup->manifest_is_open ? backup->offset : 0;
    backup->manifest_is_open = true;
    size_t left = size - (size_t)backup->offset;
    chek_memory_unsealed_begin();
    uint8_t *bytes = chek_memory_allocate(size);
    chek_memory_unsealed_end();
    if (bytes == NULL) {
        return -ENOMEM;
    }
    chek_manifest_encode(manifest, bytes);
    chek_manifest_name(manifest->number, piece->name);
    piece->offset = backup->offset;
    piece->file_size = (size + CHEK_BLOCK_SIZE - 1) / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
    piece->size = left < PIECE_SIZE ? left : PIECE_SIZE;
    memcpy(backup->buffer, bytes + backup->offset, piece->size);
    chek_memory_free(bytes, size);
    backup->offset += piece->size;
    backup->manifest_is_sent = backup->offset == size;
    return CHEK_OK;
}

static void
read_work(void *argument)
{
    struct server__backup *backup = argument;
    backup->piece = (struct piece){0};
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

static void
on_work(struct chek_op *op, int64_t result)
{
    struct server__backup *backup = CHEK_CONTAINER_OF(op, struct server__backup, op);
    (void)result;
    backup->done += backup->piece.size;
    backup_go(backup);
}

static void
work_begin(struct server__backup *backup, enum backup_phase phase, void (*work)(void *argument))
{
    backup->phase = phase;
    backup->op.on_done = on_work;
    chek_io_work(backup->shard->io, &backup->op, work, backup);
}

/* ---- the moment ------------------------------------------------------------------------------- */

static void
moment_run(struct server__shard *shard, struct server__gather *gather, unsigned index)
{
    gather->values[index] = chek_log_count(shard->log).durable_lsn;
}

/* Asked twice: the first time what all others say counts, the second time what shard 0 says. */
static void
moment_done(struct server__shard *shard, struct server__gather *gather)
{
    struct server__backup *backup = gather->asker;
    unsigned shard_count = server__shard_count(shard->server);
    unsigned first = backup->has_others ? 0 : 1;
    unsigned end = backup->has_others ? 1 : shard_count;
    memcpy(backup->lsns + first, gather->values + first, (end - first) * sizeof *backup->lsns);
    if (!backup->has_others && CHEK_PLANTED(BACKUP_AT_ONCE)) {
        backup->lsns[0] = server__shard(shard->server, 0)->snapshot.lsn;
    } else if (!backup->has_others) {
        backup->has_others = true;
        server__gather_begin(shard, gather);
        return;
    }
    server__gather_give(shard, gather);
    for (unsigned i = 0; i < shard_count; i++) {
        backup->total +=
            backup->lsns[i] - server__shard(shard->server, i)->snapshot.known.lsn_first;
    }
    backup_go(backup);
}

static int
moment_begin(struct server__backup *backup)
{
    struct server__shard *shard = backup->shard;
    struct server__gather *gather = server__gather_take(shard);
    if (gather == NULL) {
        return CHEK_E_BUSY;
    }
    backup->phase = BACKUP_MOMENT;
    backup->moment_us = chek_io_wall_us(shard->io);
    gather->run = moment_run;
    gather->on_done = moment_done;
    gather->asker = backup;
    server__gather_begin(shard, gather);
    return CHEK_OK;
}

/* ---- the asker -------------------------------------------------------------------------------- */

/* False when there is no room: on_room goes on. */
static bool
piece_send(struct server__backup *backup)
{
    const struct piece *piece = &backup->piece;
    bool is_last = piece->name[0] == 0;
    struct chek_backup_piece answer = {
        .name = chek_bytes_view_text(piece->name),
        .offset = piece->offset,
        .size = piece->file_size,
        .content = chek_bytes_view_of(backup->buffer, piece->size),
        .done = backup->done,
        .total = backup->total,
        .moment = is_last ? backup->moment_us : 0,
    };
    struct chek_writer out = chek_request_answer_begin(backup->request, FRAME_SIZE_MAX);
    if (out.full) {
        return false;
    }
    chek_backup_piece_encode(&out, &answer);
    CHEK_ASSERT(!out.full);
    chek_request_answer_end(backup->request, &out, is_last);
    if (is_last) {
        backup->request = NULL;
    }
    return true;
}

/* Over, in whatever way: shard 0 may take snapshots again. */
static void
backup_end(struct server__backup *backup)
{
    struct server__shard *shard = backup->shard;
    if (backup->request != NULL) {
        chek_request_refuse(backup->request, backup->error, NULL, NULL);
        backup->request = NULL;
    }
    backup->phase = BACKUP_RELEASE;
    if (backup->is_held) {
        server__post(shard, 0, SERVER_BACKUP_RELEASE, &backup->message);
        return;
    }
    server__backup_finish(shard);
}

/* What was begun has come to its end: begin what follows. */
static void
backup_go(struct server__backup *backup)
{
    if (backup->request == NULL || backup->error != CHEK_OK) {
        backup_end(backup);
        return;
    }
    switch (backup->phase) {
    case BACKUP_SNAPSHOT:
        work_begin(backup, BACKUP_LIST, list_work);
        return;
    case BACKUP_LIST:
        backup->error = moment_begin(backup);
        if (backup->error != CHEK_OK) {
            backup_end(backup);
        }
        return;
    case BACKUP_MOMENT:
        work_begin(backup, BACKUP_READ, read_work);
        return;
    case BACKUP_READ:
    case BACKUP_SEND:
        backup->phase = BACKUP_SEND;
        if (!piece_send(backup)) {
            return;
        }
        if (backup->request == NULL) {
            backup_end(backup);
        } else {
            work_begin(backup, BACKUP_READ, read_work);
        }
        return;
    case BACKUP_RELEASE:
        CHEK_ASSERT(!"a backup that is over goes on");
    }
}

void
server__backup_on_room(void *context, struct chek_request *request)
{
    struct server__shard *shard = context;
    if (shard->backup != NULL && shard->backup->request == request &&
        shard->backup->phase == BACKUP_SEND) {
        backup_go(shard->backup);
    }
}

void
server__backup_on_abandon(void *context, struct chek_request *request)
{
    struct server__shard *shard = context;
    struct server__backup *backup = shard->backup;
    CHEK_ASSERT(backup != NULL && backup->request == request);
    backup->request = NULL;
    if (backup->phase == BACKUP_SEND) {
        backup_end(backup); /* in any other phase something is on its way back */
    }
}

void
server__backup_ask(void *context, struct chek_request *request, struct chek_bytes_view body)
{
    struct server__shard *shard = context;
    (void)body;
    if (shard->backup != NULL) {
        chek_request_refuse(request, CHEK_E_BUSY, NULL, "a backup is running");
        return;
    }
    shard->backup = backup_make(shard, request);
    if (shard->backup == NULL) {
        chek_request_refuse(request, -ENOMEM, NULL, NULL);
        return;
    }
    server__post(shard, 0, SERVER_BACKUP_ASK, &shard->backup->message);
}

/* ---- shard 0 ---------------------------------------------------------------------------------- */

static void
on_ask(struct server__shard *zero, struct server__backup *backup)
{
    if (zero->backup_waiting != NULL) {
        backup->error = CHEK_E_BUSY;
        server__post(zero, backup->shard->index, SERVER_BACKUP_ANSWER, &backup->message);
        return;
    }
    zero->backup_waiting = backup;
    server__snapshot_begin(zero); /* the one that is running, if there is one, will do */
}

void
server__backup_snapshot(struct server__shard *zero, int error)
{
    struct server__backup *backup = zero->backup_waiting;
    if (backup == NULL || zero->backup_holds) {
        return;
    }
    backup->error = error;
    backup->is_held = error == CHEK_OK;
    zero->backup_holds = error == CHEK_OK;
    if (error != CHEK_OK) {
        zero->backup_waiting = NULL;
    }
    server__post(zero, backup->shard->index, SERVER_BACKUP_ANSWER, &backup->message);
}

void
server__backup_message(struct server__shard *shard, struct chek_message *message)
{
    struct server__backup *backup = message->payload;
    switch (message->kind) {
    case SERVER_BACKUP_ASK:
        on_ask(shard, backup);
        return;
    case SERVER_BACKUP_ANSWER:
        backup_go(backup);
        return;
    case SERVER_BACKUP_RELEASE:
        shard->backup_waiting = NULL;
        shard->backup_holds = false;
        server__post(shard, backup->shard->index, SERVER_BACKUP_RELEASED, message);
        server__snapshot_again(shard);
        return;
    default:
        CHEK_ASSERT(message->kind == SERVER_BACKUP_RELEASED);
        server__backup_finish(shard);
    }
}
