/* SPDX-License-Identifier: MIT */
/*
 * sim_disk.c - reads, writes and syncs of open files, their faults, and the crash.
 *
 * The asynchronous operations take effect when they complete; the synchronous calls
 * (sim_disk_call.c) at once. Both come through the same three functions here.
 */
#include "tests/sim/sim_disk.h"

#include <errno.h>

#include "engine/base/limits.h"

#define DIRECT_ALIGNMENT 4096
#define SPIKE_FACTOR 100

struct sim_disk *
sim__disk_create(struct sim_machine *machine)
{
    struct sim_disk *disk = sim__allocate(sizeof(*disk));
    disk->machine = machine;
    sim__prng_start(machine->world, &disk->prng, SIM_STREAM_DISK, machine->index);
    return disk;
}

void
sim__disk_destroy(struct sim_disk *disk)
{
    for (size_t i = 0; i < disk->inode_count; i++) {
        sim__file_finish(&disk->inodes[i]);
    }
    sim__free(disk->inodes);
    sim__names_finish(&disk->folder);
    sim__free(disk->handles);
    sim__free(disk);
}

uint32_t
sim__disk_inode_add(struct sim_disk *disk, const char *path, bool is_folder)
{
    size_t at = 0;
    while (at < disk->inode_count && disk->inodes[at].used) {
        at++;
    }
    if (at == disk->inode_count) {
        disk->inodes = sim__array_room(disk->inodes, disk->inode_count, &disk->inode_capacity,
                                       sizeof(*disk->inodes));
        disk->inode_count += 1;
    }
    disk->inodes[at] =
        (struct sim_inode){.used = true, .folder = is_folder, .path = sim__copy_text(path)};
    return (uint32_t)at;
}

void
sim__disk_collect(struct sim_disk *disk)
{
    bool *named = sim__allocate(disk->inode_count + 1);
    sim__names_mark(&disk->folder, named);
    for (size_t i = 0; i < disk->inode_count; i++) {
        struct sim_inode *inode = &disk->inodes[i];
        if (inode->used && inode->open_count == 0 && !named[i]) {
            sim__file_finish(inode);
        }
    }
    sim__free(named);
}

struct sim_handle *
sim__disk_handle(struct sim_disk *disk, int file)
{
    CHEK_ASSERT(file >= SIM_FILE_FIRST);
    CHEK_ASSERT((size_t)(file - SIM_FILE_FIRST) < disk->handle_count);
    struct sim_handle *handle = &disk->handles[file - SIM_FILE_FIRST];
    CHEK_ASSERT(handle->open); /* a file that was closed is used */
    return handle;
}

struct sim_inode *
sim__disk_file(const struct sim_disk *disk, const char *path)
{
    uint32_t index = sim__name_find(&disk->folder.seen, path);
    return index != SIM_NO_INODE && !disk->inodes[index].folder ? &disk->inodes[index] : NULL;
}

uint64_t
sim__disk_used_size(const struct sim_disk *disk)
{
    uint64_t size = 0;
    for (size_t i = 0; i < disk->inode_count; i++) {
        size += disk->inodes[i].cache.size;
    }
    return size;
}

/* ---- effects ------------------------------------------------------------------------------- */

static const struct chek_world_options *
options_of(const struct sim_disk *disk)
{
    return &disk->machine->world->options;
}

static void
check_alignment(const struct sim_handle *handle, const void *bytes, size_t size, uint64_t offset)
{
    if ((handle->flags & CHEK_FILE_DIRECT) != 0) {
        CHEK_ASSERT((uintptr_t)bytes % DIRECT_ALIGNMENT == 0);
        CHEK_ASSERT(size % DIRECT_ALIGNMENT == 0);
        CHEK_ASSERT(offset % DIRECT_ALIGNMENT == 0);
    }
}

/* How many of `size` bytes fit; less than all when the disk is full or says so. */
static size_t
size_that_fits(struct sim_disk *disk, const struct sim_inode *inode, size_t size, uint64_t offset)
{
    uint64_t end = offset + size;
    bool is_refused = sim__chance(&disk->prng, options_of(disk)->disk_space_error_rate);
    if (end <= inode->cache.size) {
        return size;
    }
    uint64_t used = sim__disk_used_size(disk);
    uint64_t capacity = options_of(disk)->disk_capacity;
    uint64_t room = used < capacity && !is_refused ? capacity - used : 0;
    uint64_t growth = end - inode->cache.size;
    if (growth <= room) {
        return size;
    }
    uint64_t missing = growth - room;
    return missing < size ? size - (size_t)missing : 0;
}

/* A run of whole sectors somewhere inside a write that failed. */
static void
write_part(struct sim_disk *disk, struct sim_inode *inode, const uint8_t *bytes, size_t size,
           uint64_t offset, bool is_direct)
{
    size_t sector_count = size / CHEK_SECTOR_SIZE;
    size_t first = (size_t)chek_prng_below(&disk->prng, sector_count + 1) * CHEK_SECTOR_SIZE;
    size_t count = (size_t)chek_prng_below(&disk->prng, sector_count + 1) * CHEK_SECTOR_SIZE;
    count = count < size - first ? count : size - first;
    sim__file_write(inode, offset + first, bytes + first, count, is_direct,
                    disk->machine->world->sequence++);
}

static void
tell(struct sim_disk *disk, enum chek_world_event_kind kind, const struct sim_inode *inode,
     struct chek_world_event event)
{
    struct chek_world *world = disk->machine->world;
    event.kind = kind;
    event.machine = disk->machine->index;
    event.path = inode->path;
    uint64_t content = event.size != 0 ? chek_checksum(event.bytes, event.size) : 0;
    sim__trace(world, (uint64_t)kind, content, sim__mix(event.offset, (uint64_t)event.result));
    sim__observe(world, &event);
}

int
sim__disk_write_now(struct sim_disk *disk, int file, const uint8_t *bytes, size_t size,
                    uint64_t offset)
{
    struct sim_handle *handle = sim__disk_handle(disk, file);
    struct sim_inode *inode = &disk->inodes[handle->inode];
    struct chek_world *world = disk->machine->world;
    bool is_direct = (handle->flags & CHEK_FILE_DIRECT) != 0;
    int error = CHEK_OK;

    CHEK_ASSERT((handle->flags & CHEK_FILE_WRITE) != 0);
    check_alignment(handle, bytes, size, offset);
    size_t fitting = size_that_fits(disk, inode, size, offset);
    if (sim__chance(&disk->prng, options_of(disk)->disk_write_error_rate)) {
        error = -EIO;
        write_part(disk, inode, bytes, size, offset, is_direct);
    } else {
        error = fitting < size ? -ENOSPC : CHEK_OK;
        sim__file_write(inode, offset, bytes, fitting, is_direct, world->sequence++);
    }
    if (error == CHEK_OK && (handle->flags & CHEK_FILE_DATA_SYNC) != 0) {
        sim__file_sync(inode, world->sequence);
    }
    tell(
        disk, CHEK_WORLD_WRITE, inode,
        (struct chek_world_event){.bytes = bytes, .size = size, .offset = offset, .result = error});
    return error;
}

int64_t
sim__disk_read_now(struct sim_disk *disk, int file, uint8_t *bytes, size_t size, uint64_t offset)
{
    struct sim_handle *handle = sim__disk_handle(disk, file);
    struct sim_inode *inode = &disk->inodes[handle->inode];

    CHEK_ASSERT((handle->flags & CHEK_FILE_READ) != 0);
    check_alignment(handle, bytes, size, offset);
    bool is_refused = sim__chance(&disk->prng, options_of(disk)->disk_read_error_rate);
    if (is_refused || sim__file_is_bad(inode, offset, size)) {
        return -EIO;
    }
    return sim__file_read(inode, offset, bytes, size, (handle->flags & CHEK_FILE_DIRECT) != 0);
}

int
sim__disk_sync_now(struct sim_disk *disk, int file, uint64_t begun)
{
    struct sim_handle *handle = sim__disk_handle(disk, file);
    struct sim_inode *inode = &disk->inodes[handle->inode];
    int error = CHEK_OK;

    if (sim__chance(&disk->prng, options_of(disk)->disk_sync_error_rate)) {
        error = -EIO;
        sim__file_sync_failed(inode, begun, &disk->prng);
    } else {
        sim__file_sync(inode, begun);
    }
    tell(disk, CHEK_WORLD_SYNC, inode, (struct chek_world_event){.result = error});
    return error;
}

/* ---- asynchronous operations --------------------------------------------------------------- */

static uint64_t
draw_latency_ns(struct sim_disk *disk, enum chek_op_kind kind)
{
    const struct chek_world_options *options = options_of(disk);
    uint64_t latency_ns;
    if (kind == CHEK_OP_WRITE) {
        latency_ns =
            sim__between(&disk->prng, options->disk_write_ns_min, options->disk_write_ns_max);
    } else if (kind == CHEK_OP_READ) {
        latency_ns =
            sim__between(&disk->prng, options->disk_read_ns_min, options->disk_read_ns_max);
    } else {
        latency_ns =
            sim__between(&disk->prng, options->disk_sync_ns_min, options->disk_sync_ns_max);
    }
    if (sim__chance(&disk->prng, options->disk_spike_rate)) {
        latency_ns *= SPIKE_FACTOR;
    }
    if (sim__chance(&disk->prng, options->disk_hang_rate)) {
        latency_ns += sim__between(&disk->prng, 0, options->disk_hang_ns_max);
    }
    uint64_t now_ns = disk->machine->world->now_ns;
    return latency_ns + (disk->frozen_until_ns > now_ns ? disk->frozen_until_ns - now_ns : 0);
}

/*
 * A write's bytes are summed when it begins and when it ends: a buffer that changes in flight is a
 * bug of the product. A read's buffer is spoilt at its begin: so is reading it too early.
 */
void
sim__disk_submit(struct sim_shard *shard, struct chek_op *op)
{
    struct sim_disk *disk = shard->machine->disk;
    struct sim_handle *handle = sim__disk_handle(disk, op->file);
    handle->in_flight += 1;
    if (op->kind == CHEK_OP_WRITE) {
        op->deadline_ns = chek_checksum(op->bytes, op->size);
        sim__turn_step(shard, op->size);
    } else if (op->kind == CHEK_OP_READ) {
        memset(op->bytes, 0xa5, op->size);
        sim__turn_step(shard, op->size);
    } else {
        op->deadline_ns = shard->machine->world->sequence; /* the sync begins here */
    }
    sim__event_add(shard->machine->world, draw_latency_ns(disk, (enum chek_op_kind)op->kind),
                   SIM_OP, shard, op);
}

int64_t
sim__disk_complete(struct sim_shard *shard, struct chek_op *op)
{
    struct sim_disk *disk = shard->machine->disk;
    sim__disk_handle(disk, op->file)->in_flight -= 1;
    if (op->kind == CHEK_OP_WRITE) {
        CHEK_ASSERT(op->deadline_ns == chek_checksum(op->bytes, op->size)); /* changed in flight */
        return sim__disk_write_now(disk, op->file, op->bytes, op->size, op->offset);
    }
    if (op->kind == CHEK_OP_READ) {
        return sim__disk_read_now(disk, op->file, op->bytes, op->size, op->offset);
    }
    return sim__disk_sync_now(disk, op->file, op->deadline_ns);
}

/* ---- crash --------------------------------------------------------------------------------- */

void
sim__disk_crash_write(struct sim_disk *disk, const struct chek_op *op, enum chek_world_crash kind)
{
    struct sim_handle *handle = sim__disk_handle(disk, op->file);
    struct sim_inode *inode = &disk->inodes[handle->inode];
    bool is_direct = (handle->flags & CHEK_FILE_DIRECT) != 0;
    if (size_that_fits(disk, inode, op->size, op->offset) < op->size) {
        return;
    }
    if (kind == CHEK_CRASH_POWER || sim__chance(&disk->prng, 500000)) {
        sim__file_write(inode, op->offset, op->bytes, op->size, is_direct,
                        disk->machine->world->sequence++);
    } else {
        write_part(disk, inode, op->bytes, op->size, op->offset, is_direct);
    }
}

void
sim__disk_crash(struct sim_disk *disk, enum chek_world_crash kind)
{
    for (size_t i = 0; i < disk->inode_count; i++) {
        disk->inodes[i].open_count = 0;
        if (disk->inodes[i].used && kind == CHEK_CRASH_POWER) {
            sim__file_crash(&disk->inodes[i], &disk->prng);
        }
    }
    if (kind == CHEK_CRASH_POWER) {
        sim__names_crash(&disk->folder, &disk->prng);
    }
    disk->handle_count = 0;
    disk->open_count = 0;
    disk->locked = false;
    sim__disk_collect(disk);
}
