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
#include "engine/base/checksum.h"
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

/* A file on its way: `chek_immutable_create()`, `_append()` in order, `_finish()` or `_abandon()`. */
struct chek_immutable_file {
    struct chek_immutable what;
    int handle;
    uint64_t size, synced_size; /* of the content */
    struct chek_checksum_stream sum;
};

/*
 * Begin a file. One of that name that is there already is an orphan of a snapshot that did not
 * finish, and is replaced.
 *
 *   Errors     -errno, HALTED; nothing is open
 */
CHEK_MUST_USE int chek_immutable_create(struct chek_io *io, const struct chek_immutable *what,
                                        struct chek_immutable_file *ret);

/*
 * Write on. Now and then what is written is synced, so that the last sync has not all to do and
 * other writers do not wait behind it.
 *
 *   Errors     -errno, HALTED; abandon the file
 */
CHEK_MUST_USE int chek_immutable_append(struct chek_io *io, struct chek_immutable_file *file,
                                        struct chek_bytes_view content);

/*
 * Write the head, sync, read everything back and compare the sum; the file is closed. The folder is
 * not synced: chek_disk_sync_folder() once for many.
 *
 *   Errors     -errno, HALTED; CORRUPT when what was read back differs; a part of the file may be
 *              left, which nothing names
 *   Cost       reads the file in pieces of 256 KiB
 */
CHEK_MUST_USE int chek_immutable_finish(struct chek_io *io, struct chek_immutable_file *file);
void chek_immutable_abandon(struct chek_io *io, struct chek_immutable_file *file);

/* All of these for content that is there. Errors: as above. */
CHEK_MUST_USE int chek_immutable_write(struct chek_io *io, const struct chek_immutable *what,
                                       struct chek_bytes_view content);

/*
 * Whether the file is there, whole and what its head says, without having it in memory. Gives the
 * size of the file.
 *
 *   Errors     as chek_immutable_read()
 */
CHEK_MUST_USE int chek_immutable_check(struct chek_io *io, const struct chek_immutable *what,
                                       uint64_t *ret_size);

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

/*
 * Read `size` bytes of the content at `offset`, and how large the content is. What is read is not
 * checked: the head is, when the file is asked for its beginning (offset 0).
 *
 *   Errors     CORRUPT: there are not so many; FOREIGN, VERSION; -errno, HALTED; outputs are
 *              anything
 */
CHEK_MUST_USE int chek_immutable_read_part(struct chek_io *io, const struct chek_immutable *file,
                                           uint64_t offset, uint8_t *bytes, size_t size,
                                           uint64_t *ret_content_size);

#endif
