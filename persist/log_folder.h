/* SPDX-License-Identifier: MIT */
/*
 * log_folder.h - which log files and watermarks there are.
 *
 *   Threads  any
 */
#ifndef CHEK_PERSIST_LOG_FOLDER_H
#define CHEK_PERSIST_LOG_FOLDER_H

#include "persist/log_format.h"

/* A file of the log folder; number 0 is the stream's watermark. */
struct log_entry {
    uint64_t generation;
    uint32_t stream;
    uint32_t file;
};

/* By generation, stream and number. */
struct log_folder {
    struct log_entry *entries;
    size_t count, capacity;
    bool out_of_memory;
};

/*
 * List the log folder; names that are not ours are left out, and no folder is an empty one.
 *
 *   Ownership  the caller ends with persist__log_folder_finish(), also after an error
 *   Errors     -errno, -ENOMEM, HALTED
 */
CHEK_MUST_USE int persist__log_folder_list(struct chek_io *io, struct log_folder *folder);
void persist__log_folder_finish(struct log_folder *folder);

#endif
