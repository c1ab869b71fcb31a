/* SPDX-License-Identifier: MIT */
/*
 * cold_read.h - sealed rows come from the files that the manifest names.
 */
#ifndef CHEK_SERVER_COLD_READ_H
#define CHEK_SERVER_COLD_READ_H

#include "engine/store/cold.h"
#include "tools/server/folder.h"

/* The reader of the folder's stores. Ownership: the folder outlives it. */
struct chek_cold_reader server__cold_reader(struct server__folder *folder);

/* Segments of a partition as a store is loaded from: head and directories. */
struct server__fronts {
    uint32_t count;
    struct chek_bytes_view *views;
    uint8_t **bytes;
    size_t *sizes;
};

/*
 * Read the fronts of the segments that the manifest names for a partition.
 *
 *   Ownership  free them with server__fronts_free(), also after an error
 *   Errors     CORRUPT, FOREIGN, VERSION, -ENOENT, -errno, -ENOMEM, HALTED
 */
CHEK_MUST_USE int server__fronts_read(struct server__folder *folder, unsigned partition,
                                      struct server__fronts *ret);
void server__fronts_free(struct server__fronts *fronts);

#endif
