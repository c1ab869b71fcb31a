/* SPDX-License-Identifier: MIT */
/*
 * fake_disk.c - a table of files and a list of operations that wait to be completed.
 */
#include "tests/unit/fake_disk.h"

#include <errno.h>
#include <stdlib.h>

#include "engine/base/assertion.h"

static struct fake_disk *
disk_of(struct chek_io *io)
{
    return CHEK_CONTAINER_OF(io, struct fake_disk, io);
}

static void
file_resize(struct fake_file *file, size_t size)
{
    if (size > file->capacity) {
        size_t capacity = size * 2;
        file->bytes = realloc(file->bytes, capacity);
        CHEK_ASSERT(file->bytes != NULL);
        file->capacity = capacity;
    }
    if (size > file->size) {
        memset(file->bytes + file->size, 0, size - file->size);
    }
    file->size = size;
}

static struct fake_file *
file_make(struct fake_disk *disk, const char *name)
{
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        struct fake_file *file = &disk->files[i];
        if (!file->exists) {
            size_t size = strlen(name) + 1;
            CHEK_ASSERT(size <= sizeof file->name);
            memcpy(file->name, name, size);
            file->exists = true;
            file->size = 0;
            file->sync_count = 0;
            return file;
        }
    }
    CHEK_ASSERT(!"a free file");
}

struct fake_file *
fake_disk_file(struct fake_disk *disk, const char *name)
{
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        if (disk->files[i].exists && strcmp(disk->files[i].name, name) == 0) {
            return &disk->files[i];
        }
    }
    return NULL;
}

struct fake_file *
fake_disk_put(struct fake_disk *disk, const char *name, const void *bytes, size_t size)
{
    struct fake_file *file = fake_disk_file(disk, name);
    if (file == NULL) {
        file = file_make(disk, name);
    }
    file_resize(file, size);
    if (size != 0) {
        memcpy(file->bytes, bytes, size);
    }
    return file;
}

void
fake_disk_copy(struct fake_disk *disk, const struct fake_disk *from)
{
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        disk->files[i].exists = false;
    }
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        const struct fake_file *file = &from->files[i];
        if (file->exists) {
            (void)fake_disk_put(disk, file->name, file->bytes, file->size);
        }
    }
}

/* ---- disk calls ---------------------------------------------------------------------------- */

/* 0, or the error that this call was told to fail with. */
static int
call_error(struct fake_disk *disk)
{
    if (disk->fail_call_at != 0 && --disk->fail_call_at == 0) {
        return disk->fail_call_error;
    }
    return CHEK_OK;
}

/* Handles are file index * 2 + (is O_DSYNC). */
static struct fake_file *
file_at(struct fake_disk *disk, int handle)
{
    CHEK_ASSERT(handle >= 0 && handle / 2 < FAKE_FILE_COUNT_MAX);
    return &disk->files[handle / 2];
}

static int
disk_open(struct chek_io *io, const char *path, unsigned flags)
{
    struct fake_disk *disk = disk_of(io);
    int error = call_error(disk);
    if (error != CHEK_OK) {
        return error;
    }
    struct fake_file *file = fake_disk_file(disk, path);
    if ((flags & CHEK_FILE_CREATE) != 0) {
        if (file != NULL) {
            return -EEXIST;
        }
        file = file_make(disk, path);
    }
    if (file == NULL) {
        return -ENOENT;
    }
    disk->open_count += 1;
    return (int)(file - disk->files) * 2 + ((flags & CHEK_FILE_DATA_SYNC) != 0);
}

static void
disk_close(struct chek_io *io, int handle)
{
    (void)handle;
    disk_of(io)->open_count -= 1;
}

static int64_t
disk_size(struct chek_io *io, int handle)
{
    struct fake_disk *disk = disk_of(io);
    int error = call_error(disk);
    return error != CHEK_OK ? error : (int64_t)file_at(disk, handle)->size;
}

static int64_t
disk_read(struct chek_io *io, int handle, void *bytes, size_t size, uint64_t offset)
{
    struct fake_disk *disk = disk_of(io);
    const struct fake_file *file = file_at(disk, handle);
    int error = call_error(disk);
    if (error != CHEK_OK) {
        return error;
    }
    if (offset >= file->size) {
        return 0;
    }
    size_t left = file->size - (size_t)offset;
    size = size < left ? size : left;
    memcpy(bytes, file->bytes + offset, size);
    return (int64_t)size;
}

static int
file_write(struct fake_disk *disk, struct fake_file *file, const void *bytes, size_t size,
           uint64_t offset)
{
    size_t end = (size_t)offset + size;
    size_t more = end > file->size ? end - file->size : 0;
    if (more > disk->free_size) {
        return -ENOSPC;
    }
    disk->free_size -= more;
    file_resize(file, more != 0 ? end : file->size);
    memcpy(file->bytes + offset, bytes, size);
    return CHEK_OK;
}

static int
disk_write(struct chek_io *io, int handle, const void *bytes, size_t size, uint64_t offset)
{
    struct fake_disk *disk = disk_of(io);
    int error = call_error(disk);
    disk->now_ns += handle % 2 != 0 ? disk->data_sync_write_ns : disk->write_ns;
    return error != CHEK_OK ? error : file_write(disk, file_at(disk, handle), bytes, size, offset);
}

static int
disk_truncate(struct chek_io *io, int handle, uint64_t size)
{
    struct fake_disk *disk = disk_of(io);
    int error = call_error(disk);
    if (error == CHEK_OK) {
        file_resize(file_at(disk, handle), (size_t)size);
    }
    return error;
}

static int
disk_sync(struct chek_io *io, int handle)
{
    struct fake_disk *disk = disk_of(io);
    disk->now_ns += disk->sync_ns;
    file_at(disk, handle)->sync_count += 1;
    return call_error(disk);
}

static int
disk_make_folder(struct chek_io *io, const char *path)
{
    (void)path;
    return call_error(disk_of(io));
}

static int
disk_rename(struct chek_io *io, const char *from, const char *to)
{
    struct fake_disk *disk = disk_of(io);
    struct fake_file *file = fake_disk_file(disk, from);
    struct fake_file *other = fake_disk_file(disk, to);
    int error = call_error(disk);
    if (error != CHEK_OK) {
        return error;
    }
    if (file == NULL) {
        return -ENOENT;
    }
    if (other != NULL) {
        other->exists = false;
    }
    size_t size = strlen(to) + 1;
    CHEK_ASSERT(size <= sizeof file->name);
    memcpy(file->name, to, size);
    return CHEK_OK;
}

static int
disk_unlink(struct chek_io *io, const char *path)
{
    struct fake_disk *disk = disk_of(io);
    struct fake_file *file = fake_disk_file(disk, path);
    int error = call_error(disk);
    if (error != CHEK_OK) {
        return error;
    }
    if (file == NULL) {
        return -ENOENT;
    }
    disk->free_size += file->size;
    file->exists = false;
    return CHEK_OK;
}

static int
disk_sync_folder(struct chek_io *io, const char *path)
{
    (void)path;
    disk_of(io)->folder_sync_count += 1;
    return call_error(disk_of(io));
}

static int
name_compare(const void *left, const void *right)
{
    return strcmp(*(const char *const *)left, *(const char *const *)right);
}

static int
disk_list(struct chek_io *io, const char *path, void (*on_name)(void *context, const char *name),
          void *context)
{
    struct fake_disk *disk = disk_of(io);
    const char *names[FAKE_FILE_COUNT_MAX];
    size_t count = 0, prefix = strlen(path);
    int error = call_error(disk);
    if (error != CHEK_OK) {
        return error;
    }
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        const char *name = disk->files[i].name;
        if (disk->files[i].exists && strncmp(name, path, prefix) == 0 &&
            (prefix == 0 || name[prefix] == '/')) {
            const char *rest = name + prefix + (prefix != 0);
            if (strchr(rest, '/') == NULL) {
                names[count++] = rest;
            }
        }
    }
    qsort(names, count, sizeof names[0], name_compare);
    for (size_t i = 0; i < count; i++) {
        on_name(context, names[i]);
    }
    return CHEK_OK;
}

static int
disk_lock(struct chek_io *io)
{
    (void)io;
    return CHEK_OK;
}

static int64_t
disk_free_size(struct chek_io *io)
{
    return (int64_t)disk_of(io)->free_size;
}

/* ---- operations ---------------------------------------------------------------------------- */

static void
op_submit(struct chek_io *io, struct chek_op *op)
{
    struct fake_disk *disk = disk_of(io);
    CHEK_ASSERT(disk->pending_count < FAKE_PENDING_COUNT_MAX);
    disk->pending[disk->pending_count++] = op;
}

static int64_t
op_effect(struct fake_disk *disk, struct chek_op *op)
{
    switch (op->kind) {
    case CHEK_OP_WRITE:
        return file_write(disk, file_at(disk, op->file), op->bytes, op->size, op->offset);
    case CHEK_OP_READ:
        return disk_read(&disk->io, op->file, op->bytes, op->size, op->offset);
    case CHEK_OP_SYNC:
        file_at(disk, op->file)->sync_count += 1;
        return CHEK_OK;
    case CHEK_OP_TIMER:
        disk->now_ns = op->deadline_ns > disk->now_ns ? op->deadline_ns : disk->now_ns;
        return CHEK_OK;
    default:
        CHEK_ASSERT(op->kind == CHEK_OP_WORK);
        op->work(op->argument);
        return CHEK_OK;
    }
}

void
fake_disk_complete(struct fake_disk *disk, unsigned index, int error)
{
    CHEK_ASSERT(index < disk->pending_count);
    struct chek_op *op = disk->pending[index];
    disk->pending_count -= 1;
    memmove(&disk->pending[index], &disk->pending[index + 1],
            (disk->pending_count - index) * sizeof disk->pending[0]);

    int64_t result = error != CHEK_OK ? error : op_effect(disk, op);
    op->in_flight = false;
    op->on_done(op, result);
}

unsigned
fake_disk_find(const struct fake_disk *disk, enum chek_op_kind kind, unsigned n)
{
    for (unsigned i = 0; i < disk->pending_count; i++) {
        if (disk->pending[i]->kind == kind && n-- == 0) {
            return i;
        }
    }
    return FAKE_PENDING_COUNT_MAX;
}

/* ---- clock, chance, life ------------------------------------------------------------------- */

static uint64_t
now_ns(struct chek_io *io)
{
    return disk_of(io)->now_ns;
}

static uint64_t
wall_us(struct chek_io *io)
{
    return disk_of(io)->now_ns / 1000;
}

static void
random_fill(struct chek_io *io, void *bytes, size_t size)
{
    uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(i * 37 + disk_of(io)->now_ns + 1);
    }
}

static const struct chek_io_table table = {
    .submit = op_submit,
    .now_ns = now_ns,
    .wall_us = wall_us,
    .random = random_fill,
    .open = disk_open,
    .close = disk_close,
    .size = disk_size,
    .read = disk_read,
    .write = disk_write,
    .truncate = disk_truncate,
    .sync = disk_sync,
    .make_folder = disk_make_folder,
    .rename = disk_rename,
    .unlink = disk_unlink,
    .sync_folder = disk_sync_folder,
    .list = disk_list,
    .lock = disk_lock,
    .free_size = disk_free_size,
};

struct fake_disk *
fake_disk_create(void)
{
    struct fake_disk *disk = calloc(1, sizeof *disk);
    CHEK_ASSERT(disk != NULL);
    disk->io.table = &table;
    disk->io.shard_count = 1;
    disk->free_size = SIZE_MAX / 2;
    return disk;
}

void
fake_disk_destroy(struct fake_disk *disk)
{
    for (unsigned i = 0; i < FAKE_FILE_COUNT_MAX; i++) {
        free(disk->files[i].bytes);
    }
    free(disk);
}
