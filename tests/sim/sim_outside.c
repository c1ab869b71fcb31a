/* SPDX-License-Identifier: MIT */
/*
 * sim_outside.c - what a test does to a disk and asks of it behind the product's back.
 */
#include <errno.h>

#include "tests/sim/sim_disk.h"

static struct sim_disk *
disk_of(const struct chek_world *world, unsigned machine)
{
    CHEK_ASSERT(machine < world->machine_count);
    return world->machines[machine]->disk;
}

static void
flip_bit(struct sim_image *image, uint64_t offset, unsigned bit)
{
    uint8_t byte;
    if (offset < image->size) {
        sim__image_read(image, offset, &byte, 1);
        byte ^= (uint8_t)(1u << bit);
        sim__image_write(image, offset, &byte, 1);
    }
}

int
chek_world_rot(struct chek_world *world, unsigned machine, const char *path, uint64_t offset,
               uint64_t size)
{
    struct sim_inode *inode = sim__disk_file(disk_of(world, machine), path);
    struct chek_prng prng;
    if (inode == NULL) {
        return -ENOENT;
    }
    if (size == 0 || offset >= inode->cache.size || size > inode->cache.size - offset) {
        return CHEK_E_RANGE;
    }
    sim__prng_start(world, &prng, SIM_STREAM_ROT, sim__mix(offset, world->sequence++));
    uint64_t at = offset + chek_prng_below(&prng, size);
    unsigned bit = (unsigned)chek_prng_below(&prng, 8);
    flip_bit(&inode->cache, at, bit);
    flip_bit(&inode->durable, at, bit);
    return CHEK_OK;
}

int
chek_world_unreadable(struct chek_world *world, unsigned machine, const char *path, uint64_t offset,
                      uint64_t size)
{
    struct sim_inode *inode = sim__disk_file(disk_of(world, machine), path);
    if (inode == NULL) {
        return -ENOENT;
    }
    sim__file_mark_bad(inode, offset, size);
    return CHEK_OK;
}

int64_t
chek_world_peek(struct chek_world *world, unsigned machine, const char *path, void *bytes,
                size_t size, uint64_t offset)
{
    const struct sim_inode *inode = sim__disk_file(disk_of(world, machine), path);
    if (inode == NULL) {
        return -ENOENT;
    }
    if (offset >= inode->cache.size) {
        return 0;
    }
    uint64_t left = inode->cache.size - offset;
    size_t count = left < size ? (size_t)left : size;
    sim__image_read(&inode->cache, offset, bytes, count);
    return (int64_t)count;
}

/* Everything that waits for this file and its folder is made durable first. */
static void
settle_file(struct chek_world *world, struct sim_disk *disk, struct sim_inode *inode,
            const char *path)
{
    const char *slash = strrchr(path, '/');
    char *parent = sim__copy_text(path);
    parent[slash != NULL ? slash - path : 0] = '\0';
    sim__names_sync(&disk->folder, parent, NULL);
    sim__free(parent);
    sim__file_sync(inode, world->sequence);
    sim__image_finish(&inode->durable);
    inode->durable = sim__image_copy(&inode->cache);
}

void
chek_world_poke(struct chek_world *world, unsigned machine, const char *path, const void *bytes,
                size_t size, uint64_t offset)
{
    struct sim_disk *disk = disk_of(world, machine);
    if (sim__disk_file(disk, path) == NULL) {
        sim__names_add(&disk->folder, path, sim__disk_inode_add(disk, path, false));
    }
    struct sim_inode *inode = sim__disk_file(disk, path);
    CHEK_ASSERT(inode != NULL);
    sim__file_write(inode, offset, bytes, size, false, world->sequence++);
    settle_file(world, disk, inode, path);
}

int
chek_world_cut(struct chek_world *world, unsigned machine, const char *path, uint64_t size)
{
    struct sim_disk *disk = disk_of(world, machine);
    struct sim_inode *inode = sim__disk_file(disk, path);
    if (inode == NULL) {
        return -ENOENT;
    }
    sim__file_resize(inode, size, world->sequence++);
    settle_file(world, disk, inode, path);
    return CHEK_OK;
}

int
chek_world_remove(struct chek_world *world, unsigned machine, const char *path)
{
    struct sim_disk *disk = disk_of(world, machine);
    struct sim_inode *inode = sim__disk_file(disk, path);
    if (inode == NULL) {
        return -ENOENT;
    }
    sim__names_remove(&disk->folder, path);
    settle_file(world, disk, inode, path);
    sim__disk_collect(disk);
    return CHEK_OK;
}

bool
chek_world_is_durable(const struct chek_world *world, unsigned machine, const char *path,
                      uint64_t offset, uint64_t size)
{
    const struct sim_disk *disk = disk_of(world, machine);
    const struct sim_inode *inode = sim__disk_file(disk, path);
    return inode != NULL && sim__name_is_durable(&disk->folder, path) &&
           sim__file_is_durable(inode, offset, size);
}

uint64_t
chek_world_disk_hash(const struct chek_world *world, unsigned machine)
{
    const struct sim_disk *disk = disk_of(world, machine);
    uint64_t hash = 0;
    for (size_t i = 0; i < disk->folder.seen.count; i++) {
        const struct sim_entry *entry = &disk->folder.seen.entries[i];
        hash = chek_checksum_seeded(entry->path, strlen(entry->path), hash);
        hash = sim__image_hash(&disk->inodes[entry->inode].cache, hash);
    }
    return hash;
}

void
chek_world_disk_copy(struct chek_world *world, unsigned from, unsigned to)
{
    struct sim_machine *target = world->machines[to];
    const struct sim_disk *source = disk_of(world, from);
    CHEK_ASSERT(!target->up && to < world->machine_count && from != to);
    struct sim_disk *disk = sim__disk_create(target);
    disk->prng = target->disk->prng;
    for (size_t i = 0; i < source->folder.seen.count; i++) {
        const struct sim_entry *entry = &source->folder.seen.entries[i];
        const struct sim_inode *inode = &source->inodes[entry->inode];
        uint32_t index = sim__disk_inode_add(disk, entry->path, inode->folder);
        disk->inodes[index].cache = sim__image_copy(&inode->cache);
        disk->inodes[index].durable = sim__image_copy(&inode->cache);
        sim__names_set_durable(&disk->folder, entry->path, index);
    }
    sim__disk_destroy(target->disk);
    target->disk = disk;
}

void
chek_world_disk_freeze(struct chek_world *world, unsigned machine, uint64_t wait_ns)
{
    disk_of(world, machine)->frozen_until_ns = world->now_ns + wait_ns;
}

void
chek_world_fail_folder_sync(struct chek_world *world, unsigned machine, const char *path)
{
    disk_of(world, machine)->folder_failing = path;
}

void
chek_world_lock_elsewhere(struct chek_world *world, unsigned machine, bool held)
{
    disk_of(world, machine)->locked_elsewhere = held;
}

size_t
chek_world_file_count(const struct chek_world *world, unsigned machine)
{
    return disk_of(world, machine)->open_count;
}
