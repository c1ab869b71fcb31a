/* SPDX-License-Identifier: MIT */
/*
 * sim_file.h - a file: what reads show, what the medium holds, and the changes in between.
 *
 * Changes stand in the order of their completion. A sync that began at a certain moment makes the
 * changes completed before it durable: a prefix. What is left at a power cut is settled by chance:
 * each change kept, lost or torn at sectors. A sector holds what some prefix of the changes made
 * of it, because a cache writes back whole sectors and never two halves of different times.
 */
#ifndef CHEK_SIM_SIM_FILE_H
#define CHEK_SIM_SIM_FILE_H

#include "tests/sim/sim_image.h"

struct sim_change {
    uint64_t completed; /* the world's sequence at that moment */
    bool resize;        /* `offset` is the new size */
    bool direct;        /* written past the page cache */
    uint64_t offset;
    size_t size;
    uint8_t *bytes; /* NULL: zeros */
};

/* A range that cannot be read until it is written. */
struct sim_bad_range {
    uint64_t offset, end;
};

struct sim_inode {
    bool used, folder;
    unsigned open_count;
    char *path; /* the latest name */
    struct sim_image cache, durable;
    struct sim_change *changes;
    size_t change_count, change_capacity;
    struct sim_bad_range *bad;
    size_t bad_count, bad_capacity;
    bool is_deceiving; /* the cache shows what the medium never got: a sync of it failed */
};

void sim__file_finish(struct sim_inode *inode);

/* A write, or a change of size, was completed at `completed`. `bytes` NULL: zeros. */
void sim__file_write(struct sim_inode *inode, uint64_t offset, const uint8_t *bytes, size_t size,
                     bool direct, uint64_t completed);
void sim__file_resize(struct sim_inode *inode, uint64_t size, uint64_t completed);

/* Read from the cache; past it, what is on the medium and what will be. Returns the bytes read. */
int64_t sim__file_read(const struct sim_inode *inode, uint64_t offset, uint8_t *bytes, size_t size,
                       bool direct);

/* Make durable what was completed before `begun`. */
void sim__file_sync(struct sim_inode *inode, uint64_t begun);

/*
 * A sync failed: some of what it should have made durable is, the rest is marked clean and no
 * later sync writes it. Reads go on showing it from the page cache; what is read or was written
 * past the page cache is as it is on the medium.
 */
void sim__file_sync_failed(struct sim_inode *inode, uint64_t begun, struct chek_prng *prng);

/* Power fails: settle what is not durable. */
void sim__file_crash(struct sim_inode *inode, struct chek_prng *prng);

/* Whether a range survives any power cut as it reads now. */
bool sim__file_is_durable(const struct sim_inode *inode, uint64_t offset, uint64_t size);

void sim__file_mark_bad(struct sim_inode *inode, uint64_t offset, uint64_t size);
bool sim__file_is_bad(const struct sim_inode *inode, uint64_t offset, uint64_t size);

#endif
