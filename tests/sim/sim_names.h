/* SPDX-License-Identifier: MIT */
/*
 * sim_names.h - the names of a data folder: as seen, as durable, and the changes in between.
 *
 * A change of names waits until its folder is synced; at a power cut each waiting change is kept
 * or lost on its own. A rename is one change, whatever it replaces.
 */
#ifndef CHEK_SIM_SIM_NAMES_H
#define CHEK_SIM_SIM_NAMES_H

#include "tests/sim/sim.h"

#define SIM_NO_INODE UINT32_MAX

struct sim_entry {
    char *path; /* from the data folder, "" is not in the table */
    uint32_t inode;
};

/* Sorted by path. */
struct sim_names {
    struct sim_entry *entries;
    size_t count, capacity;
};

enum sim_name_change_kind { SIM_NAME_ADD, SIM_NAME_REMOVE, SIM_NAME_RENAME };

struct sim_name_change {
    enum sim_name_change_kind kind;
    char *path; /* the new one of a rename */
    char *from;
    uint32_t inode;
};

struct sim_folder {
    struct sim_names seen, durable;
    struct sim_name_change *changes;
    size_t change_count, change_capacity;
};

/* The inode of a path as seen; SIM_NO_INODE when there is none. */
uint32_t sim__name_find(const struct sim_names *names, const char *path);

void sim__names_add(struct sim_folder *folder, const char *path, uint32_t inode);
void sim__names_remove(struct sim_folder *folder, const char *path);
void sim__names_rename(struct sim_folder *folder, const char *from, const char *to);

/*
 * Make the waiting changes of one folder ("" is the data folder) durable. With `lossy` the sync
 * fails: some of them become durable, none of them waits any more.
 */
void sim__names_sync(struct sim_folder *folder, const char *path, struct chek_prng *lossy);
void sim__names_crash(struct sim_folder *folder, struct chek_prng *prng);

/* Set ret[inode] for each inode that some name, seen, durable or waiting, means. */
void sim__names_mark(const struct sim_folder *folder, bool *ret);

/* Whether a name and the folders above it survive any power cut with this inode. */
bool sim__name_is_durable(const struct sim_folder *folder, const char *path);

/* Whether `path` lies directly in the folder; its last part is then at *ret_name. */
bool sim__name_is_in(const char *path, const char *folder, const char **ret_name);

/* Put a name into both tables at once. */
void sim__names_set_durable(struct sim_folder *folder, const char *path, uint32_t inode);

void sim__names_finish(struct sim_folder *folder);

#endif
