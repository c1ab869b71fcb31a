/* SPDX-License-Identifier: MIT */
/*
 * uring_disk.c - the synchronous disk calls, as plain system calls below the data folder.
 *
 * Paths are opened relative to the folder's descriptor, so the data folder may be moved while the
 * engine runs, and a path that would leave the folder is refused here, whoever made it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "engine/base/workspace.h"
#include "engine/io/uring_shard.h"

#define TRANSFER_SIZE_MAX ((size_t)1 << 30)
#define DEVICE_BLOCK_SIZE 512

static int
folder_of(struct chek_io *io)
{
    return io__shard(io)->group->folder;
}

/* Relative, and no component is "..". */
static bool
path_stays_inside(const char *path)
{
    if (path[0] == '/') {
        return false;
    }
    for (const char *part = path; part != NULL; part = strchr(part, '/')) {
        part += *part == '/';
        if (part[0] == '.' && part[1] == '.' && (part[2] == '\0' || part[2] == '/')) {
            return false;
        }
    }
    return true;
}

static int
open_below(struct chek_io *io, const char *path, int flags)
{
    if (!path_stays_inside(path)) {
        return CHEK_E_USAGE;
    }
    int file;
    do {
        file = openat(folder_of(io), path[0] != '\0' ? path : ".", flags | O_CLOEXEC, 0600);
    } while (file < 0 && errno == EINTR);
    return file >= 0 ? file : -errno;
}

/* ---- files ------------------------------------------------------------------------------------- */

int
io__disk_open(struct chek_io *io, const char *path, unsigned flags)
{
    bool write = (flags & CHEK_FILE_WRITE) != 0;
    int access = !write ? O_RDONLY : (flags & CHEK_FILE_READ) != 0 ? O_RDWR : O_WRONLY;

    access |= (flags & CHEK_FILE_CREATE) != 0 ? O_CREAT | O_EXCL : 0;
    access |= (flags & CHEK_FILE_DIRECT) != 0 ? O_DIRECT : 0;
    access |= (flags & CHEK_FILE_DATA_SYNC) != 0 ? O_DSYNC : 0;
    return open_below(io, path, access);
}

void
io__disk_close(struct chek_io *io, int file)
{
    (void)io;
    close(file);
}

int64_t
io__disk_size(struct chek_io *io, int file)
{
    struct stat state;

    (void)io;
    return fstat(file, &state) == 0 ? (int64_t)state.st_size : -errno;
}

int64_t
io__disk_read(struct chek_io *io, int file, void *bytes, size_t size, uint64_t offset)
{
    size_t done_size = 0;

    (void)io;
    while (done_size < size) {
        size_t rest = size - done_size;
        ssize_t got =
            pread(file, (uint8_t *)bytes + done_size,
                  rest < TRANSFER_SIZE_MAX ? rest : TRANSFER_SIZE_MAX, (off_t)(offset + done_size));
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0) {
            break;
        }
        if (got > 0) {
            done_size += (size_t)got;
            if ((offset + done_size) % DEVICE_BLOCK_SIZE != 0) {
                break; /* the end; with O_DIRECT asking on from here would be an error */
            }
        }
    }
    return (int64_t)done_size;
}

int
io__disk_write(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset)
{
    size_t done_size = 0;

    (void)io;
    while (done_size < size) {
        size_t rest = size - done_size;
        ssize_t got = pwrite(file, (const uint8_t *)bytes + done_size,
                             rest < TRANSFER_SIZE_MAX ? rest : TRANSFER_SIZE_MAX,
                             (off_t)(offset + done_size));
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        if (got == 0) {
            return -EIO; /* no progress and no reason */
        }
        done_size += got > 0 ? (size_t)got : 0;
    }
    return CHEK_OK;
}

int
io__disk_truncate(struct chek_io *io, int file, uint64_t size)
{
    int result;

    (void)io;
    do {
        result = ftruncate(file, (off_t)size);
    } while (result != 0 && errno == EINTR);
    return result == 0 ? CHEK_OK : -errno;
}

int
io__disk_sync(struct chek_io *io, int file)
{
    (void)io;
    return fdatasync(file) == 0 ? CHEK_OK : -errno; /* once: an error is final */
}

/* ---- names ------------------------------------------------------------------------------------- */

int
io__disk_make_folder(struct chek_io *io, const char *path)
{
    struct stat state;

    if (!path_stays_inside(path)) {
        return CHEK_E_USAGE;
    }
    if (mkdirat(folder_of(io), path, 0700) == 0) {
        return CHEK_OK;
    }
    int error = -errno;
    if (error == -EEXIST && fstatat(folder_of(io), path, &state, 0) == 0 &&
        S_ISDIR(state.st_mode)) {
        return CHEK_OK;
    }
    return error;
}

int
io__disk_rename(struct chek_io *io, const char *from, const char *to)
{
    if (!path_stays_inside(from) || !path_stays_inside(to)) {
        return CHEK_E_USAGE;
    }
    return renameat(folder_of(io), from, folder_of(io), to) == 0 ? CHEK_OK : -errno;
}

int
io__disk_unlink(struct chek_io *io, const char *path)
{
    if (!path_stays_inside(path)) {
        return CHEK_E_USAGE;
    }
    return unlinkat(folder_of(io), path, 0) == 0 ? CHEK_OK : -errno;
}

int
io__disk_sync_folder(struct chek_io *io, const char *path)
{
    int folder = open_below(io, path, O_RDONLY | O_DIRECTORY);

    if (folder < 0) {
        return folder;
    }
    int error = fsync(folder) == 0 ? CHEK_OK : -errno;
    close(folder);
    return error;
}

/* Names one after the other, each with its NUL, and where each begins. */
struct name_list {
    char *text;
    size_t text_size, text_room;
    size_t count, room;
    char **names;
};

static int
name_add(struct name_list *list, const char *name)
{
    size_t size = strlen(name) + 1;

    if (list->text_room - list->text_size < size) {
        size_t room = 2 * list->text_room + size + 4096;
        char *grown = chek_workspace_grow(list->text, list->text_room, room);
        if (grown == NULL) {
            return -ENOMEM;
        }
        list->text = grown;
        list->text_room = room;
    }
    memcpy(list->text + list->text_size, name, size);
    list->text_size += size;
    list->count += 1;
    return CHEK_OK;
}

static int
names_read(DIR *folder, struct name_list *list)
{
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            return -errno;
        }
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) {
            continue;
        }
        int error = name_add(list, entry->d_name);
        if (error != CHEK_OK) {
            return error;
        }
    }
}

static int
name_compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int
names_sort(struct name_list *list)
{
    list->names = chek_workspace_take(list->count * sizeof *list->names);
    if (list->names == NULL) {
        return -ENOMEM;
    }
    list->room = list->count;
    char *at = list->text;
    for (size_t i = 0; i < list->count; i++) {
        list->names[i] = at;
        at += strlen(at) + 1;
    }
    if (list->count > 0) {
        qsort(list->names, list->count, sizeof *list->names, name_compare);
    }
    return CHEK_OK;
}

int
io__disk_list(struct chek_io *io, const char *path,
              void (*on_name)(void *context, const char *name), void *context)
{
    struct name_list list = {0};
    int file = open_below(io, path, O_RDONLY | O_DIRECTORY);

    if (file < 0) {
        return file;
    }
    DIR *folder = fdopendir(file);
    if (folder == NULL) {
        int error = -errno;
        close(file);
        return error;
    }
    int error = names_read(folder, &list);
    if (error == CHEK_OK) {
        error = names_sort(&list);
    }
    closedir(folder);
    for (size_t i = 0; error == CHEK_OK && i < list.count; i++) {
        on_name(context, list.names[i]);
    }
    chek_workspace_give(list.names, list.room * sizeof *list.names);
    chek_workspace_give(list.text, list.text_room);
    return error;
}

/* ---- the folder -------------------------------------------------------------------------------- */

int
io__disk_lock(struct chek_io *io)
{
    /* On the folder itself: no lock file to leave behind, gone with the process however it ends. */
    if (flock(folder_of(io), LOCK_EX | LOCK_NB) == 0) {
        return CHEK_OK;
    }
    return errno == EWOULDBLOCK ? CHEK_E_LOCKED : -errno;
}

int64_t
io__disk_free(struct chek_io *io)
{
    struct statvfs state;

    if (fstatvfs(folder_of(io), &state) != 0) {
        return -errno;
    }
    uint64_t size = 0;
    if (__builtin_mul_overflow((uint64_t)state.f_bavail, (uint64_t)state.f_frsize, &size) ||
        size > INT64_MAX) {
        return INT64_MAX;
    }
    return (int64_t)size;
}
