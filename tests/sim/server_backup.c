/* SPDX-License-Identifier: MIT */
/*
 * server_backup.c - the administrator takes backups onto a machine of its own, and somebody starts a
 * server on each that comes to be whole.
 *
 * A copy is right when `chek verify` finds nothing in it, when it has every document that was certain
 * as the backup was asked for, and when a server with any number of shards starts on it.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "persist/event_log.h"
#include "persist/log.h"
#include "persist/private_file.h"
#include "persist/snapshot.h"
#include "tests/sim/server_run.h"
#include "tools/verify/verify.h"

static struct chek_io *
copy_io(struct run *run)
{
    return chek_world_io(run->world, run->copy, 0);
}

/* A disk that fails or is full spoils a copy, and that is all. */
static void
note(struct run *run, int error)
{
    run->backup.is_spoilt = run->backup.is_spoilt || error != CHEK_OK;
}

static void
copy_stop(struct run *run)
{
    if (chek_world_is_up(run->world, run->copy)) {
        chek_world_crash(run->world, run->copy, CHEK_CRASH_KILL);
    }
}

void
run_backup_begin(struct run *run)
{
    static const char *const folders[] = {CHEK_LOG_FOLDER, CHEK_SNAPSHOT_FOLDER,
                                          CHEK_SEGMENT_FOLDER, CHEK_EVENT_FOLDER};
    run->backup = (struct run_backup){.handle = -1};
    for (unsigned i = 0; i < STORY_REGISTER_COUNT; i++) {
        run->backup.row_count_min += run->journal.registers[i].low;
    }
    copy_stop(run);
    chek_world_disk_copy(run->world, run->blank, run->copy);
    chek_world_restart(run->world, run->copy, 1);
    for (size_t i = 0; i < CHEK_COUNT(folders); i++) {
        note(run, chek_disk_make_folder(copy_io(run), folders[i]));
    }
}

static void
file_begin(struct run *run, const struct chek_backup_piece *piece)
{
    struct run_backup *backup = &run->backup;
    if (backup->handle >= 0) {
        chek_disk_close(copy_io(run), backup->handle);
    }
    (void)snprintf(backup->name, sizeof backup->name, "%.*s", (int)piece->name.size,
                   (const char *)piece->name.bytes);
    backup->handle = chek_disk_open(copy_io(run), backup->name, CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (backup->handle < 0) {
        if (backup->handle == -EEXIST) {
            run_violate(run, "a backup sends %s twice", backup->name);
        }
        note(run, backup->handle);
        return;
    }
    note(run, chek_disk_truncate(copy_io(run), backup->handle, piece->size));
}

void
run_backup_answer(struct run_client *client, const struct chek_frame *frame)
{
    struct run *run = client->run;
    struct run_backup *backup = &run->backup;
    struct chek_backup_piece piece;
    struct chek_fault fault;
    int error = chek_backup_piece_decode_whole(frame->body.bytes, frame->body.size, &run->arena,
                                               &piece, &fault);
    if (error != CHEK_OK) {
        run_violate(run, "a piece of a backup cannot be read: %s", chek_error_name(error));
        return;
    }
    backup->is_whole = piece.name.size == 0;
    if (run->is_rotten) {
        note(run, CHEK_E_CORRUPT); /* as `chek backup` says once it has read back what it wrote */
    }
    if (backup->is_whole || backup->is_spoilt) {
        return;
    }
    if (!chek_bytes_view_equal(piece.name, chek_bytes_view_text(backup->name))) {
        file_begin(run, &piece);
    }
    if (piece.offset + piece.content.size > piece.size) {
        run_violate(run, "a piece of %s lies behind its end", backup->name);
    } else if (!backup->is_spoilt && piece.content.size != 0) {
        note(run, chek_disk_write(copy_io(run), backup->handle, piece.content.bytes,
                                  piece.content.size, piece.offset));
    }
}

/* Whoever made the backup kept the key elsewhere. */
static void
key_put(struct run *run)
{
    uint8_t key[CHEK_SECRET_SIZE + 8]; /* and its sum */
    int64_t got = chek_world_peek(run->world, run->machine, CHEK_SECRET_NAME, key, sizeof key, 0);
    int handle = chek_disk_open(copy_io(run), CHEK_SECRET_NAME, CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (got != sizeof key || handle < 0) {
        note(run, -EIO);
        return;
    }
    note(run, chek_disk_write(copy_io(run), handle, key, sizeof key, 0));
    chek_disk_close(copy_io(run), handle);
}

/*
 * Of the numbers that a story leaves out verify counts others than the engine does, in the folder
 * that is copied as well: that says nothing of the copy.
 */
static void
on_finding(void *context, const struct chek_verify_finding *finding)
{
    if (strstr(finding->text, "numbers are said to be missing") != NULL) {
        return;
    }
    run_violate(context, "a backup is wrong: %s, partition %" PRId32 ": %s", finding->file,
                finding->partition, finding->text);
}

/* A file that cannot be read is a finding; that the copy's disk refuses a read says nothing of it. */
static void
copy_verify(struct run *run)
{
    struct chek_verify_config config = {.context = run, .on_finding = on_finding};
    struct chek_verify_summary summary;
    struct chek_world_options *options = chek_world_options(run->world);
    uint64_t read_error_rate = options->disk_read_error_rate;
    options->disk_read_error_rate = 0;
    int error = chek_verify_folder(copy_io(run), &config, &summary);
    options->disk_read_error_rate = read_error_rate;
    if (error == CHEK_OK && summary.row_count < run->backup.row_count_min) {
        run_violate(run, "a backup has %" PRIu64 " rows, and %" PRIu64 " were certain before it",
                    summary.row_count, run->backup.row_count_min);
    }
}

void
run_backup_step(struct run *run)
{
    struct run_backup *backup = &run->backup;
    if (!backup->is_whole) {
        return;
    }
    backup->is_whole = false;
    key_put(run);
    copy_stop(run);
    if (backup->is_spoilt) {
        return;
    }
    run->result.backup_count += 1;
    chek_world_restart(run->world, run->copy, 1);
    copy_verify(run);
    copy_stop(run);

    struct chek_server *server;
    unsigned shard_count = 1 + (unsigned)run_below(run, RUN_SHARD_COUNT_MAX);
    chek_world_restart(run->world, run->copy, shard_count);
    if (run_server_create(run, run->copy, shard_count, &server) == CHEK_OK) {
        copy_stop(run);
        chek_server_destroy(server);
    }
    copy_stop(run);
}
