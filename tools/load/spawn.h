/* SPDX-License-Identifier: MIT */
/*
 * spawn.h - a server of chek-load's own, on a temporary folder; and what the system tells of it.
 */
#ifndef CHEK_LOAD_SPAWN_H
#define CHEK_LOAD_SPAWN_H

#include <sys/types.h>

#include "query/client/client.h"

#define CHEK_SPAWN_TEXT_SIZE 1200

struct chek_spawn {
    pid_t pid;
    int output; /* the server's stdout */
    char folder[CHEK_SPAWN_TEXT_SIZE];
    char address[128];
    char token_file[CHEK_SPAWN_TEXT_SIZE + 32];
};

/*
 * Start `chekd` of the folder that this program is in, and wait until it is ready.
 *
 *   Errors  NOT_FOUND no chekd there; CLOSED, TIMEOUT it does not become ready; -errno
 */
CHEK_MUST_USE int chek_spawn_start(struct chek_spawn *spawn, const char *parent, uint32_t shards,
                                   struct chek_failure *failure);

/* Stop in order (SIGTERM, and wait); CLOSED when it did not end well. */
CHEK_MUST_USE int chek_spawn_stop(struct chek_spawn *spawn, struct chek_failure *failure);

/* Delete the folder. */
void chek_spawn_clean(struct chek_spawn *spawn);

/* ---- what the system tells; 0 when it tells nothing ------------------------------------------- */

/* Processor time of a process so far, user and system. */
uint64_t chek_process_cpu_us(pid_t pid);
/* Resident bytes: now, and the most there ever were. */
void chek_process_memory(pid_t pid, uint64_t *ret_now, uint64_t *ret_max);
/* Bytes that a folder takes on the disk: blocks, not lengths. */
uint64_t chek_folder_size(const char *path);
/* "AMD EPYC, 2 processors, 23 GiB, Linux 6.1" */
void chek_machine_name(char *text, size_t size);

#endif
