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
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/planted.h"
#include "engine/base/workspace.h"
#include "tools/server/backup_run.h"

#define FRAME_SIZE_MAX (SERVER_BACKUP_PIECE_SIZE + 256)

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
    chek_workspace_give(backup->files, backup->file_capacity * sizeof *backup->files);
    chek_workspace_give(backup->buffer, SERVER_BACKUP_PIECE_SIZE);
    chek_workspace_give(backup, sizeof *backup);
}

static struct server__backup *
backup_make(struct server__shard *shard, struct chek_request *request)
{
    struct server__backup *backup = chek_workspace_take(sizeof *backup);
    uint8_t *buffer = chek_workspace_take(SERVER_BACKUP_PIECE_SIZE);
    if (backup == NULL || buffer == NULL) {
        chek_workspace_give(backup, sizeof *backup);
        chek_workspace_give(buffer, SERVER_BACKUP_PIECE_SIZE);
        return NULL;
    }
    backup->shard = shard;
    backup->request = request;
    backup->handle = -1;
    backup->buffer = buffer;
    backup->message.payload = backup;
    return backup;
}

void
server__backup_finish(struct server__shard *shard)
{
    backup_free(shard->backup);
    shard->backup = NULL;
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
work_begin(struct server__backup *backup, enum server__backup_phase phase,
           void (*work)(void *argument))
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
    const struct server__backup_piece *piece = &backup->piece;
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
        work_begin(backup, BACKUP_LIST, server__backup_list);
        return;
    case BACKUP_LIST:
        backup->error = moment_begin(backup);
        if (backup->error != CHEK_OK) {
            backup_end(backup);
        }
        return;
    case BACKUP_MOMENT:
        work_begin(backup, BACKUP_READ, server__backup_read);
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
            work_begin(backup, BACKUP_READ, server__backup_read);
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
