/* SPDX-License-Identifier: MIT */
/*
 * backup_check.h - whether every file of a copy of a data folder is what its sums say.
 *
 * Sums only, and no memory to speak of: `chek verify` is the check that recomputes everything.
 */
#ifndef CHEK_TOOLS_CHEK_BACKUP_CHECK_H
#define CHEK_TOOLS_CHEK_BACKUP_CHECK_H

#include "engine/io/io.h"

struct chek__backup_summary {
    uint64_t file_count, file_size; /* images and segments */
    uint64_t command_count;         /* of the log */
    uint64_t event_block_count;
    char file[64]; /* what is wrong, after an error; "" = not known */
};

/*
 * Read everything that the manifest of the io's folder names, the log and the events.
 *
 *   Errors     CORRUPT and others of the readers in persist; -errno; ret->file says of what
 */
CHEK_MUST_USE int chek__backup_check(struct chek_io *io, struct chek__backup_summary *ret);

#endif
