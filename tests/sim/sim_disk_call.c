/* SPDX-License-Identifier: MIT */
/*
 * sim_disk_call.c - the synchronous disk calls: each takes effect at once and is a crash point.
 *
 * When the crash falls on a call, it comes before the effect or after it; either way the caller
 * gets HALTED and cannot know which.
 */
#include <errno.h>

#include "tests/sim/sim_disk.h"

/* ---- crash points -------------------------------------------------------------------------- */

enum call_course { CALL_HALTED, CALL_GOES_ON, CALL_HALTS_AFTER };

static enum call_course
call_begin(struct chek_io *io)
{
    struct sim_shard *shard = sim__shard_of(io);
    struct sim_machine *machine = shard->machine;
    struct chek_world *world = machine->world;
    if (shard->halted) {
        return CALL_HALTED;
    }
    sim__turn_step(shard, 0);
    shard->turn_disk_calls += world->turn == shard;
    world->now_ns += sim__between(&machine->disk->prng, 0, world->options.disk_call_ns_max);
    if (!sim__crash_point(machine)) {
        return CALL_GOES_ON;
    }
    if (sim__chance(&machine->crash_prng, 500000)) {
        return CALL_HALTS_AFTER;
    }
    sim__halt(machine, machine->crash_kind);
    return CALL_HALTED;
}

static int64_t
call_end(struct chek_io *io, enum call_course course, int64_t result)
{
    struct sim_machine *machine = sim__shard_of(io)->machine;
    if (course == CALL_HALTS_AFTER) {
        sim__halt(machine, machine->crash_kind);
        return CHEK_E_HALTED;
    }
    return result;
}

static struct sim_disk *
disk_of(struct chek_io *io)
{
    return sim__shard_of(io)->machine->disk;
}

/* ---- open files ---------------------------------------------------------------------------- */

/* A path from the data folder that does not leave it is our side of the contract. */
static void
check_path(const char *path)
{
    CHEK_ASSERT(path[0] != '/');
    CHEK_ASSERT(strstr(path, "..") == NULL);
}

/* Whether the folder that a path lies in is there: 0, -ENOENT or -ENOTDIR. */
static int
check_parent(const struct sim_disk *disk, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return CHEK_OK;
    }
    char *parent = sim__copy_text(path);
    parent[slash - path] = '\0';
    uint32_t inode = sim__name_find(&disk->folder.seen, parent);
    sim__free(parent);
    if (inode == SIM_NO_INODE) {
        return -ENOENT;
    }
    return disk->inodes[inode].folder ? CHEK_OK : -ENOTDIR;
}

static void
tell_name(struct sim_disk *disk, enum chek_world_event_kind kind, const char *path, int result)
{
    struct chek_world *world = disk->machine->world;
    unsigned machine = disk->machine->index;
    uint64_t name = chek_checksum(path, strlen(path));
    sim__trace(world, (uint64_t)kind, name, sim__mix(machine, (uint64_t)result));
    sim__observe(world, &(struct chek_world_event){
                            .kind = kind, .machine = machine, .path = path, .result = result});
}

static int
open_now(struct sim_disk *disk, const char *path, unsigned flags)
{
    uint32_t index = sim__name_find(&disk->folder.seen, path);
    int error = check_parent(disk, path);
    if (error != CHEK_OK) {
        return error;
    }
    if (disk->open_count >= disk->machine->world->options.file_count_max) {
        return -EMFILE;
    }
    if ((flags & CHEK_FILE_CREATE) != 0) {
        if (index != SIM_NO_INODE) {
            return -EEXIST;
        }
        index = sim__disk_inode_add(disk, path, false);
        sim__names_add(&disk->folder, path, index);
        tell_name(disk, CHEK_WORLD_NAME, path, CHEK_OK);
    }
    if (index == SIM_NO_INODE) {
        return -ENOENT;
    }
    if (disk->inodes[index].folder) {
        return -EISDIR;
    }
    disk->handles = sim__array_room(disk->handles, disk->handle_count, &disk->handle_capacity,
                                    sizeof(*disk->handles));
    disk->handles[disk->handle_count] =
        (struct sim_handle){.open = true, .inode = index, .flags = flags};
    disk->inodes[index].open_count += 1;
    disk->open_count += 1;
    return SIM_FILE_FIRST + (int)disk->handle_count++;
}

int
sim__open(struct chek_io *io, const char *path, unsigned flags)
{
    check_path(path);
    enum call_course course = call_begin(io);
    return course == CALL_HALTED ? CHEK_E_HALTED
                                 : (int)call_end(io, course, open_now(disk_of(io), path, flags));
}

void
sim__close(struct chek_io *io, int file)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return;
    }
    struct sim_disk *disk = disk_of(io);
    struct sim_handle *handle = sim__disk_handle(disk, file);
    CHEK_ASSERT(handle->in_flight == 0); /* an operation is using the file */
    handle->open = false;
    disk->inodes[handle->inode].open_count -= 1;
    disk->open_count -= 1;
    sim__disk_collect(disk);
    (void)call_end(io, course, 0);
}

int64_t
sim__size(struct chek_io *io, int file)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return CHEK_E_HALTED;
    }
    struct sim_disk *disk = disk_of(io);
    const struct sim_inode *inode = &disk->inodes[sim__disk_handle(disk, file)->inode];
    return call_end(io, course, (int64_t)inode->cache.size);
}

int64_t
sim__read(struct chek_io *io, int file, void *bytes, size_t size, uint64_t offset)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return CHEK_E_HALTED;
    }
    sim__turn_step(sim__shard_of(io), size);
    return call_end(io, course, sim__disk_read_now(disk_of(io), file, bytes, size, offset));
}

int
sim__write(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return CHEK_E_HALTED;
    }
    sim__turn_step(sim__shard_of(io), size);
    return (int)call_end(io, course, sim__disk_write_now(disk_of(io), file, bytes, size, offset));
}

static int
truncate_now(struct sim_disk *disk, int file, uint64_t size)
{
    struct sim_handle *handle = sim__disk_handle(disk, file);
    struct sim_inode *inode = &disk->inodes[handle->inode];
    const struct chek_world_options *options = &disk->machine->world->options;
    CHEK_ASSERT((handle->flags & CHEK_FILE_WRITE) != 0);
    uint64_t used = sim__disk_used_size(disk) - inode->cache.size;
    if (size > inode->cache.size && size + used > options->disk_capacity) {
        return -ENOSPC;
    }
    sim__file_resize(inode, size, disk->machine->world->sequence++);
    return CHEK_OK;
}

int
sim__truncate(struct chek_io *io, int file, uint64_t size)
{
    enum call_course course = call_begin(io);
    return course == CALL_HALTED ? CHEK_E_HALTED
                                 : (int)call_end(io, course, truncate_now(disk_of(io), file, size));
}

int
sim__sync(struct chek_io *io, int file)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return CHEK_E_HALTED;
    }
    uint64_t begun = sim__shard_of(io)->machine->world->sequence;
    return (int)call_end(io, course, sim__disk_sync_now(disk_of(io), file, begun));
}

/* ---- names --------------------------------------------------------------------------------- */

static int
make_folder_now(struct sim_disk *disk, const char *path)
{
    uint32_t index = sim__name_find(&disk->folder.seen, path);
    if (index != SIM_NO_INODE) {
        return disk->inodes[index].folder ? CHEK_OK : -EEXIST;
    }
    int error = check_parent(disk, path);
    if (error != CHEK_OK) {
        return error;
    }
    sim__names_add(&disk->folder, path, sim__disk_inode_add(disk, path, true));
    tell_name(disk, CHEK_WORLD_NAME, path, CHEK_OK);
    return CHEK_OK;
}

int
sim__make_folder(struct chek_io *io, const char *path)
{
    check_path(path);
    enum call_course course = call_begin(io);
    return course == CALL_HALTED ? CHEK_E_HALTED
                                 : (int)call_end(io, course, make_folder_now(disk_of(io), path));
}

static int
rename_now(struct sim_disk *disk, const char *from, const char *to)
{
    uint32_t index = sim__name_find(&disk->folder.seen, from);
    uint32_t replaced = sim__name_find(&disk->folder.seen, to);
    int error = check_parent(disk, to);
    if (error != CHEK_OK) {
        return error;
    }
    if (index == SIM_NO_INODE) {
        return -ENOENT;
    }
    CHEK_ASSERT(!disk->inodes[index].folder); /* renaming folders is not modelled */
    if (replaced != SIM_NO_INODE && disk->inodes[replaced].folder) {
        return -EISDIR;
    }
    sim__names_rename(&disk->folder, from, to);
    sim__free(disk->inodes[index].path);
    disk->inodes[index].path = sim__copy_text(to);
    tell_name(disk, CHEK_WORLD_NAME, to, CHEK_OK);
    sim__disk_collect(disk);
    return CHEK_OK;
}

int
sim__rename(struct chek_io *io, const char *from, const char *to)
{
    check_path(from);
    check_path(to);
    enum call_course course = call_begin(io);
    return course == CALL_HALTED ? CHEK_E_HALTED
                                 : (int)call_end(io, course, rename_now(disk_of(io), from, to));
}

static int
unlink_now(struct sim_disk *disk, const char *path)
{
    uint32_t index = sim__name_find(&disk->folder.seen, path);
    if (index == SIM_NO_INODE) {
        return -ENOENT;
    }
    if (disk->inodes[index].folder) {
        return -EISDIR;
    }
    sim__names_remove(&disk->folder, path);
    tell_name(disk, CHEK_WORLD_NAME, path, CHEK_OK);
    sim__disk_collect(disk);
    return CHEK_OK;
}

int
sim__unlink(struct chek_io *io, const char *path)
{
    check_path(path);
    enum call_course course = call_begin(io);
    return course == CALL_HALTED ? CHEK_E_HALTED
                                 : (int)call_end(io, course, unlink_now(disk_of(io), path));
}

static int
sync_folder_now(struct sim_disk *disk, const char *path)
{
    if (path[0] != '\0' && sim__name_find(&disk->folder.seen, path) == SIM_NO_INODE) {
        return -ENOENT;
    }
    bool fails = sim__chance(&disk->prng, disk->machine->world->options.disk_sync_error_rate);
    if (disk->folder_failing != NULL && strcmp(disk->folder_failing, path) == 0) {
        disk->folder_failing = NULL;
        fails = true;
    }
    int error = fails ? -EIO : CHEK_OK;
    sim__names_sync(&disk->folder, path, fails ? &disk->prng : NULL);
    tell_name(disk, CHEK_WORLD_SYNC_FOLDER, path, error);
    sim__disk_collect(disk);
    return error;
}

int
sim__sync_folder(struct chek_io *io, const char *path)
{
    check_path(path);
    enum call_course course = call_begin(io);
    return course == CALL_HALTED ? CHEK_E_HALTED
                                 : (int)call_end(io, course, sync_folder_now(disk_of(io), path));
}

/* Names are copied first: the callback may make and remove files. */
static int
list_now(struct sim_shard *shard, const char *path,
         void (*on_name)(void *context, const char *name), void *context)
{
    const struct sim_disk *disk = shard->machine->disk;
    const struct sim_names *seen = &disk->folder.seen;
    if (path[0] != '\0' && sim__name_find(seen, path) == SIM_NO_INODE) {
        return -ENOENT;
    }
    char **names = NULL;
    size_t count = 0, capacity = 0;
    for (size_t i = 0; i < seen->count; i++) {
        const char *name;
        if (sim__name_is_in(seen->entries[i].path, path, &name)) {
            names = sim__array_room(names, count, &capacity, sizeof(*names));
            names[count++] = sim__copy_text(name);
        }
    }
    for (size_t i = 0; i < count; i++) {
        if (!shard->halted) {
            on_name(context, names[i]);
        }
        sim__free(names[i]);
    }
    sim__free(names);
    return shard->halted ? CHEK_E_HALTED : CHEK_OK;
}

int
sim__list(struct chek_io *io, const char *path, void (*on_name)(void *context, const char *name),
          void *context)
{
    check_path(path);
    enum call_course course = call_begin(io);
    return course == CALL_HALTED
               ? CHEK_E_HALTED
               : (int)call_end(io, course, list_now(sim__shard_of(io), path, on_name, context));
}

int
sim__lock(struct chek_io *io)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return CHEK_E_HALTED;
    }
    struct sim_disk *disk = disk_of(io);
    disk->locked = disk->locked || !disk->locked_elsewhere;
    return (int)call_end(io, course, disk->locked ? CHEK_OK : CHEK_E_LOCKED);
}

int64_t
sim__free_size(struct chek_io *io)
{
    enum call_course course = call_begin(io);
    if (course == CALL_HALTED) {
        return CHEK_E_HALTED;
    }
    const struct sim_disk *disk = disk_of(io);
    uint64_t used = sim__disk_used_size(disk);
    uint64_t capacity = disk->machine->world->options.disk_capacity;
    return call_end(io, course, used < capacity ? (int64_t)(capacity - used) : 0);
}
