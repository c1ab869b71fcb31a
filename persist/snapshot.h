/* SPDX-License-Identifier: MIT */
/*
 * snapshot.h - immutable files: images of partitions, and sealed segments.
 *
 * Both are written once under a new name, synced, and read back before anybody relies on them. A
 * head binds the bytes to their folder, kind, partition and number, so that a file that stands in
 * the wrong place is refused as surely as one that is damaged.
 *
 *   Source   persist/FORMAT.md "Immutable files"
 *   Threads  workers, and the start; synchronous
 */
#ifndef CHEK_PERSIST_SNAPSHOT_H
#define CHEK_PERSIST_SNAPSHOT_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"
#include "engine/io/io.h"

#define CHEK_SNAPSHOT_FOLDER "snapshot"
#define CHEK_SEGMENT_FOLDER "segment"
#define CHEK_IMMUTABLE_NAME_MAX 64

enum chek_immutable_kind { CHEK_IMMUTABLE_IMAGE = 1, CHEK_IMMUTABLE_SEGMENT = 2 };

/* What names a file: an image by (partition, number of the snapshot), a segment by (partition,
 * its number within the partition). */
struct chek_immutable {
    uint64_t folder_id[2];
    uint64_t number;
    uint16_t partition;
    uint8_t kind; /* enum chek_immutable_kind */
};

/* Path inside the data folder: "snapshot/0007-000000000002", "segment/0007-000000000031". */
void chek_immutable_name(const struct chek_immutable *file, char ret[CHEK_IMMUTABLE_NAME_MAX]);

/*
 * Write a file, sync it, read it back and compare its sum. A file of that name that is there
 * already is an orphan of a start that did not finish, and is replaced. The folder is not synced:
 * chek_disk_sync_folder() once for many.
 *
 *   Errors     -errno, HALTED; CORRUPT when what was read back differs; a part of the file may
 *              be left, which nothing names
 */
CHEK_MUST_USE int chek_immutable_write(struct chek_io *io, const struct chek_immutable *file,
                                       struct chek_bytes_view content);

/*
 * Read a file whole.
 *
 *   Ownership  the caller frees *ret_bytes (of *ret_size bytes) with chek_memory_free();
 *              *ret_content is inside
 *   Errors     CORRUPT (size, sum), FOREIGN (another folder's, another place's), VERSION,
 *              -ENOENT, -errno, -ENOMEM, HALTED; outputs are unchanged
 */
CHEK_MUST_USE int chek_immutable_read(struct chek_io *io, const struct chek_immutable *file,
                                      uint8_t **ret_bytes, size_t *ret_size,
                                      struct chek_bytes_view *ret_content);

#endif
