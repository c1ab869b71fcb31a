/* SPDX-License-Identifier: MIT */
/*
 * backup_command.c - chek backup: a checked copy of the data folder of a running server.
 *
 * The server sends, this side writes: so a server never writes outside of its folder, and a copy
 * may be made on another machine. The first file is the mark of an unfinished copy; it goes when
 * everything was synced and read back, so whatever ends the copy early leaves it there.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "engine/io/uring.h"
#include "persist/event_log.h"
#include "persist/manifest.h"
#include "persist/snapshot.h"
#include "tools/chek/arguments.h"
#include "tools/chek/backup_check.h"
#include "tools/chek/commands.h"
#include "tools/chek/json.h"

CHEK__ENCODER(nothing)

/* The server takes a snapshot before it sends anything, which is as long as it is large. */
#define SILENCE_MS_MAX 3600000

static const char *const folders[] = {CHEK_LOG_FOLDER, CHEK_SNAPSHOT_FOLDER, CHEK_SEGMENT_FOLDER,
                                      CHEK_EVENT_FOLDER};

struct copy {
    struct chek__run *run;
    const char *path;
    struct chek_io *io;
    bool progress;
    int handle; /* of the file being written, -1 = none */
    char name[CHEK_MANIFEST_NAME_SIZE];
    uint64_t size, written_size, file_count;
    uint64_t moment_us;
    bool is_complete;
};

static void
progress_show(const struct copy *copy, const char *what, uint64_t done, uint64_t total)
{
    if (copy->progress) {
        (void)fprintf(stderr, "\r\033[K%s: %" PRIu64 " of %" PRIu64 " MiB", what, done >> 20,
                      (total > done ? total : done) >> 20);
        (void)fflush(stderr);
    }
}

static void
progress_clear(const struct copy *copy)
{
    if (copy->progress) {
        (void)fprintf(stderr, "\r\033[K");
        (void)fflush(stderr);
    }
}

/* ---- files ------------------------------------------------------------------------------------ */

/* A name comes from outside: a manifest, or a file right inside one of the folders. */
static bool
name_is_ours(const char *name)
{
    const char *file = name;
    for (size_t i = 0; i < CHEK_COUNT(folders); i++) {
        size_t size = strlen(folders[i]);
        if (strncmp(name, folders[i], size) == 0 && name[size] == '/') {
            file = name + size + 1;
        }
    }
    if (file == name && strncmp(name, "manifest.", 9) != 0) {
        return false;
    }
    return *file != '.' && *file != 0 &&
           strspn(file, "abcdefghijklmnopqrstuvwxyz0123456789-.") == strlen(file);
}

/* The file is as long as it is to be, and stays. */
static int
file_end(struct copy *copy)
{
    if (copy->handle < 0) {
        return CHEK_OK;
    }
    int error = chek_disk_truncate(copy->io, copy->handle, copy->size);
    if (error == CHEK_OK) {
        error = chek_disk_sync(copy->io, copy->handle);
    }
    chek_disk_close(copy->io, copy->handle);
    copy->handle = -1;
    copy->file_count += 1;
    return error;
}

static int
file_begin(struct copy *copy, struct chek_bytes_view name, uint64_t size)
{
    int error = file_end(copy);
    if (error != CHEK_OK) {
        return error;
    }
    if (name.size >= sizeof copy->name) {
        return CHEK_E_LIMIT;
    }
    memcpy(copy->name, name.bytes, name.size);
    copy->name[name.size] = 0;
    if (!name_is_ours(copy->name)) {
        return CHEK_E_RANGE;
    }
    int handle = chek_disk_open(copy->io, copy->name, CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (handle < 0) {
        return handle;
    }
    copy->handle = handle;
    copy->size = size;
    return CHEK_OK;
}

static int
on_piece(void *context, struct chek_bytes_view body)
{
    struct copy *copy = context;
    struct chek_backup_piece piece;
    int error = CHEK__DECODE(copy->run, backup_piece, body, &piece);
    if (error != CHEK_OK) {
        return error;
    }
    if (piece.name.size == 0) {
        copy->moment_us = piece.moment;
        copy->is_complete = true;
        return file_end(copy);
    }
    if (copy->handle < 0 || !chek_bytes_view_equal(piece.name, chek_bytes_view_text(copy->name))) {
        error = file_begin(copy, piece.name, piece.size);
    }
    if (error == CHEK_OK &&
        (piece.offset > piece.size || piece.content.size > piece.size - piece.offset)) {
        error = CHEK_E_RANGE;
    }
    if (error == CHEK_OK && piece.content.size != 0) {
        error = chek_disk_write(copy->io, copy->handle, piece.content.bytes, piece.content.size,
                                piece.offset);
    }
    copy->written_size += piece.content.size;
    progress_show(copy, "copying", piece.done, piece.total);
    return error;
}

/* ---- the folder ------------------------------------------------------------------------------- */

/* Make the folder, or take an empty one. Tells its own errors; returns an exit code. */
static int
folder_make(struct chek__run *run, const char *path)
{
    if (mkdir(path, 0700) == 0) {
        return CHEK__EXIT_DONE;
    }
    if (errno != EEXIST) {
        return chek__error(run, -errno, NULL, NULL);
    }
    DIR *folder = opendir(path);
    if (folder == NULL) {
        return chek__error(run, -errno, NULL, NULL);
    }
    bool is_empty = true;
    for (const struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        is_empty =
            is_empty && (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0);
    }
    (void)closedir(folder);
    return is_empty ? CHEK__EXIT_DONE
                    : chek__error(run, CHEK_E_EXISTS, NULL, "the folder for the copy is not empty");
}

static int
mark_make(struct chek_io *io)
{
    int handle = chek_disk_open(io, CHEK_BACKUP_UNFINISHED, CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    if (handle < 0) {
        return handle;
    }
    int error = chek_disk_sync(io, handle);
    chek_disk_close(io, handle);
    for (size_t i = 0; i < CHEK_COUNT(folders) && error == CHEK_OK; i++) {
        error = chek_disk_make_folder(io, folders[i]);
    }
    return error == CHEK_OK ? chek_disk_sync_folder(io, "") : error;
}

/* Everything was checked: from here on it is a data folder. */
static int
mark_remove(struct chek_io *io)
{
    int error = CHEK_OK;
    for (size_t i = 0; i < CHEK_COUNT(folders) && error == CHEK_OK; i++) {
        error = chek_disk_sync_folder(io, folders[i]);
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, ""); /* the manifest, before its mark goes */
    }
    if (error == CHEK_OK) {
        error = chek_disk_unlink(io, CHEK_BACKUP_UNFINISHED);
    }
    return error == CHEK_OK ? chek_disk_sync_folder(io, "") : error;
}

/* ---- telling ---------------------------------------------------------------------------------- */

#define KEY_HINT                                                                          \
    "secret.key is not in the copy: without it a server does not start on the copy, and " \
    "phones, e-mail addresses and the like cannot be read. Keep the file elsewhere, and " \
    "put it into the copy (mode 0600) before chekd --data is started on it. admin.token " \
    "is not in the copy either; tokens that were given out work as before."

static void
success_tell(struct copy *copy, const struct chek__backup_summary *summary)
{
    struct chek__run *run = copy->run;
    char moment[40];
    time_t seconds = (time_t)(copy->moment_us / 1000000);
    struct tm utc;
    (void)gmtime_r(&seconds, &utc);
    size_t size = strftime(moment, sizeof moment, "%Y-%m-%dT%H:%M:%S", &utc);
    (void)snprintf(moment + size, sizeof moment - size, ".%06uZ",
                   (unsigned)(copy->moment_us % 1000000));
    if (run->json) {
        chek__json_open(run);
        chek__json_text(run, "backup", chek_bytes_view_text(copy->path));
        chek__json_text(run, "moment", chek_bytes_view_text(moment));
        chek__json_number(run, "files", (int64_t)copy->file_count);
        chek__json_number(run, "bytes", (int64_t)copy->written_size);
        chek__json_number(run, "snapshot_files", (int64_t)summary->file_count);
        chek__json_number(run, "log_commands", (int64_t)summary->command_count);
        chek__json_number(run, "event_blocks", (int64_t)summary->event_block_count);
        chek__json_text(run, "hint", chek_bytes_view_text(KEY_HINT));
        chek__json_close(run);
        chek__json_end(run);
        return;
    }
    (void)printf("%s: everything that was acknowledged before %s, checked\n"
                 "%" PRIu64 " files, %" PRIu64 " bytes; %" PRIu64 " of the snapshot, %" PRIu64
                 " commands of the log\n\n%s\n",
                 copy->path, moment, copy->file_count, copy->written_size, summary->file_count,
                 summary->command_count, KEY_HINT);
}

static int
failure_tell(struct copy *copy, int error, const char *what)
{
    char text[256];
    progress_clear(copy);
    (void)snprintf(text, sizeof text,
                   "%s%s%s; the copy is not finished (" CHEK_BACKUP_UNFINISHED
                   " is in it) and not to be used: delete it",
                   what, what[0] != 0 ? ": " : "", chek_error_text(error));
    return chek__error(copy->run, error, NULL, text);
}

/* ---- the command ------------------------------------------------------------------------------ */

static int
copy_make(struct copy *copy)
{
    struct chek_nothing nothing = {0};
    struct chek__backup_summary summary;
    int error = mark_make(copy->io);
    if (error != CHEK_OK) {
        return failure_tell(copy, error, copy->path);
    }
    chek_client_timeout(copy->run->client, SILENCE_MS_MAX);
    int stop = chek__ask(copy->run, CHEK_OPCODE_BACKUP, nothing_encode, &nothing, on_piece, copy);
    if (copy->handle >= 0) {
        chek_disk_close(copy->io, copy->handle);
    }
    if (stop != CHEK_OK) { /* told */
        progress_clear(copy);
        return stop;
    }
    if (!copy->is_complete) {
        return failure_tell(copy, CHEK_E_SHORT, copy->name);
    }
    progress_show(copy, "checking", copy->written_size, copy->written_size);
    error = chek__backup_check(copy->io, &summary);
    if (error != CHEK_OK) {
        return failure_tell(copy, error, summary.file);
    }
    error = mark_remove(copy->io);
    if (error != CHEK_OK) {
        return failure_tell(copy, error, copy->path);
    }
    progress_clear(copy);
    success_tell(copy, &summary);
    return CHEK__EXIT_DONE;
}

static int
backup(struct chek__run *run, int count, char **words)
{
    static struct chek__list others;
    struct chek_uring_group *group;
    char text[CHEK_URING_TEXT_SIZE];
    int stop = chek__arguments_read(run, count, words, NULL, 0, &others);
    if (stop != CHEK_OK) {
        return stop - 1;
    }
    if (others.count != 1) {
        return chek__usage(run, "one folder takes the copy: chek backup DIR");
    }
    struct copy copy = {.run = run, .path = others.values[0], .handle = -1};
    copy.progress = isatty(STDERR_FILENO) == 1 && !run->json;
    if (chek_uring_probe(text, sizeof text) != CHEK_OK) {
        return chek__error(run, CHEK_E_IO_URING, NULL, text);
    }
    stop = chek__connect(run); /* before anything is made */
    if (stop == CHEK_OK &&
        (chek_client_welcome(run->client)->rights >> CHEK_RIGHT_ADMIN & 1) == 0) {
        stop = chek__error(run, CHEK_E_PERMISSION, NULL, NULL);
    }
    if (stop == CHEK_OK) {
        stop = folder_make(run, copy.path);
    }
    if (stop != CHEK_OK) {
        return stop;
    }
    int error = chek_uring_group_create(copy.path, 1, NULL, &group);
    if (error != CHEK_OK) {
        return chek__error(run, error, NULL, NULL);
    }
    copy.io = chek_uring_io(group, 0);
    error = chek_disk_lock(copy.io);
    int code = error == CHEK_OK ? copy_make(&copy) : chek__error(run, error, NULL, NULL);
    chek_uring_group_destroy(group);
    return code;
}

const struct chek__command chek__command_backup = {
    "backup", "a checked copy of the data folder of a running server",
    "  chek backup DIR\n\n"
    "  DIR is made, or is empty. The server takes a snapshot; what it names, the events and the log\n"
    "  up to the moment that is told are copied and every sum is checked. To restore, put\n"
    "  secret.key into DIR, which is not copied, and start chekd --data DIR. A copy that was not\n"
    "  finished has the file " CHEK_BACKUP_UNFINISHED " and is not started on.\n\n"
    "Examples\n"
    "  chek backup /backup/chek-2026-01-05\n",
    backup};
