/* SPDX-License-Identifier: MIT */
/*
 * verify_door.c - an io that reads and never writes.
 *
 * That a check changes nothing is not left to the care of what it calls: recovery code of persist
 * runs behind this door, and everything in it that would write meets EROFS.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "tools/verify/verify_run.h"

static struct chek_io *
inner_of(struct chek_io *io)
{
    return CHEK_CONTAINER_OF(io, struct verify__door, io)->inner;
}

static void
door_submit(struct chek_io *io, struct chek_op *op)
{
    (void)io;
    (void)op;
    CHEK_ASSERT(!"a check submits no operation");
}

static uint64_t
door_now_ns(struct chek_io *io)
{
    return chek_io_now_ns(inner_of(io));
}

static uint64_t
door_wall_us(struct chek_io *io)
{
    return chek_io_wall_us(inner_of(io));
}

static void
door_random(struct chek_io *io, void *bytes, size_t size)
{
    chek_io_random(inner_of(io), bytes, size);
}

static int
door_open(struct chek_io *io, const char *path, unsigned flags)
{
    bool reads = (flags & ~(unsigned)(CHEK_FILE_READ | CHEK_FILE_DIRECT)) == 0;
    return reads ? chek_disk_open(inner_of(io), path, flags) : -EROFS;
}

static void
door_close(struct chek_io *io, int file)
{
    chek_disk_close(inner_of(io), file);
}

static int64_t
door_size(struct chek_io *io, int file)
{
    return chek_disk_size(inner_of(io), file);
}

static int64_t
door_read(struct chek_io *io, int file, void *bytes, size_t size, uint64_t offset)
{
    return chek_disk_read(inner_of(io), file, bytes, size, offset);
}

static int
door_write(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset)
{
    (void)io;
    (void)file;
    (void)bytes;
    (void)size;
    (void)offset;
    return -EROFS;
}

static int
door_truncate(struct chek_io *io, int file, uint64_t size)
{
    (void)io;
    (void)file;
    (void)size;
    return -EROFS;
}

/* Syncing changes no byte: recovery wants to see what the device holds, not a page cache. */
static int
door_sync(struct chek_io *io, int file)
{
    return chek_disk_sync(inner_of(io), file);
}

static int
door_path(struct chek_io *io, const char *path)
{
    (void)io;
    (void)path;
    return -EROFS;
}

static int
door_rename(struct chek_io *io, const char *from, const char *to)
{
    (void)to;
    return door_path(io, from);
}

static int
door_sync_folder(struct chek_io *io, const char *path)
{
    return chek_disk_sync_folder(inner_of(io), path);
}

static int
door_list(struct chek_io *io, const char *path, void (*on_name)(void *context, const char *name),
          void *context)
{
    return chek_disk_list(inner_of(io), path, on_name, context);
}

static int
door_lock(struct chek_io *io)
{
    return chek_disk_lock(inner_of(io));
}

static int64_t
door_free_size(struct chek_io *io)
{
    return chek_disk_free(inner_of(io));
}

static const struct chek_io_table door_table = {
    .submit = door_submit,
    .now_ns = door_now_ns,
    .wall_us = door_wall_us,
    .random = door_random,
    .open = door_open,
    .close = door_close,
    .size = door_size,
    .read = door_read,
    .write = door_write,
    .truncate = door_truncate,
    .sync = door_sync,
    .make_folder = door_path,
    .rename = door_rename,
    .unlink = door_path,
    .sync_folder = door_sync_folder,
    .list = door_list,
    .lock = door_lock,
    .free_size = door_free_size,
};

void
verify__door_init(struct verify__door *door, struct chek_io *inner)
{
    *door = (struct verify__door){.io = {.table = &door_table, .shard_count = 1}, .inner = inner};
}
