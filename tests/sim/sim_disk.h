/* SPDX-License-Identifier: MIT */
/*
 * sim_disk.h - the data folder of one machine: inodes, names, open files, the lock.
 */
#ifndef CHEK_SIM_SIM_DISK_H
#define CHEK_SIM_SIM_DISK_H

#include "tests/sim/sim_file.h"
#include "tests/sim/sim_names.h"

/* File numbers start here and are not used twice in a life, so that use after close is seen. */
#define SIM_FILE_FIRST 3

struct sim_handle {
    bool open;
    uint32_t inode;
    unsigned flags; /* enum chek_file_flag */
    unsigned in_flight;
};

struct sim_disk {
    struct sim_machine *machine;
    struct chek_prng prng;
    struct sim_inode *inodes;
    size_t inode_count, inode_capacity;
    struct sim_folder folder;
    struct sim_handle *handles;
    size_t handle_count, handle_capacity, open_count;
    uint64_t frozen_until_ns;
    const char *folder_failing; /* whose next sync fails; NULL = none */
    bool locked, locked_elsewhere;
};

/* A new inode; its index stays while something means it. */
uint32_t sim__disk_inode_add(struct sim_disk *disk, const char *path, bool is_folder);

/* Free inodes that no name and no open file means. */
void sim__disk_collect(struct sim_disk *disk);

/* The open file of a number (asserted). */
struct sim_handle *sim__disk_handle(struct sim_disk *disk, int file);

/* The file of a path as seen, or NULL: none, or a folder. */
struct sim_inode *sim__disk_file(const struct sim_disk *disk, const char *path);

uint64_t sim__disk_used_size(const struct sim_disk *disk);

/* What the kernel would do and answer, faults included. */
int sim__disk_write_now(struct sim_disk *disk, int file, const uint8_t *bytes, size_t size,
                        uint64_t offset);
int64_t sim__disk_read_now(struct sim_disk *disk, int file, uint8_t *bytes, size_t size,
                           uint64_t offset);
int sim__disk_sync_now(struct sim_disk *disk, int file, uint64_t begun);

#endif
