/* SPDX-License-Identifier: MIT */
/*
 * manifest.h - what belongs to a data folder, in one small file that is replaced as a whole.
 *
 * Identity, the generation of the last start, the files of the newest snapshot, what is known of
 * every log that is still needed, and the heads of the chains of rows. A change is a new file with the next number; the one before
 * stays until the new one was read back, so there is a valid manifest at every moment. The newest
 * valid one counts. Format: persist/FORMAT.md "Manifest".
 *
 *   Threads  one at a time; load and store are synchronous, so at start or on a worker
 */
#ifndef CHEK_PERSIST_MANIFEST_H
#define CHEK_PERSIST_MANIFEST_H

#include "persist/log.h"

#define CHEK_MANIFEST_NAME_SIZE 64 /* of a file, with its NUL */
#define CHEK_MANIFEST_ENTRY_COUNT_MAX 1048576
#define CHEK_MANIFEST_LOG_COUNT_MAX 65536

/* A file that belongs to the folder; what `kind` means is the owner's. */
struct chek_manifest_entry {
    uint32_t kind;
    uint32_t partition;
    uint64_t seq;  /* partition_seq that the file reaches */
    uint64_t size; /* bytes */
    uint64_t sum;  /* XXH3-64 of them */
    char name[CHEK_MANIFEST_NAME_SIZE];
};

#define CHEK_MANIFEST_HEAD_SIZE 32

/* The chain of a partition's rows, as far as its image reaches (persist/FORMAT.md "Chain"). */
struct chek_manifest_chain {
    uint32_t partition;                    /* each once */
    uint64_t range_count;                  /* from 1 */
    uint64_t row_count;                    /* of all ranges */
    uint8_t head[CHEK_MANIFEST_HEAD_SIZE]; /* the last link */
};

struct chek_manifest {
    uint64_t number;       /* of the file it was loaded from or stored to; 0 = neither */
    uint64_t folder_id[2]; /* drawn at the creation, never changed */
    uint64_t generation;   /* of the last start; 0 before the first */
    uint32_t partition_count;
    struct chek_manifest_entry *entries;
    size_t entry_count, entry_capacity;
    struct chek_log_known *logs; /* every stream that a start may have to replay */
    size_t log_count, log_capacity;
    struct chek_manifest_chain *chains; /* of partitions that have one */
    size_t chain_count, chain_capacity;
};

/* The name of the file of a number. */
void chek_manifest_name(uint64_t number, char ret[CHEK_MANIFEST_NAME_SIZE]);

/*
 * A copy of a data folder has this file from its beginning until everything in it was checked: a
 * folder that has it is not to be used.
 */
#define CHEK_BACKUP_UNFINISHED "backup.unfinished"

/* Whether the folder has it: 1 or 0. Errors: -errno, HALTED. */
CHEK_MUST_USE int chek_manifest_is_unfinished(struct chek_io *io);

/* Make the manifest of a new data folder, not stored yet, with a random identity. */
void chek_manifest_init(struct chek_manifest *manifest, struct chek_io *io,
                        uint32_t partition_count);
void chek_manifest_finish(struct chek_manifest *manifest);

/*
 * Create a data folder: the log's folder and those named, then the first manifest. A folder that
 * is there already is not trusted to survive a power cut: its sync may have failed in a start
 * before, and a second sync would not say so. Remove what there is and create again.
 *
 *   Ownership  the caller ends with chek_manifest_finish(ret); borrows `folders`
 *   Errors     EXISTS when one of the folders or a manifest is there; -errno, -ENOMEM, HALTED,
 *              some of it may be there then; *ret is unchanged
 */
CHEK_MUST_USE int chek_manifest_create(struct chek_io *io, uint32_t partition_count,
                                       const char *const *folders, size_t folder_count,
                                       struct chek_manifest *ret);

/*
 * Load the newest valid manifest.
 *
 *   Ownership  the caller ends with chek_manifest_finish(manifest)
 *   Errors     NOT_FOUND when there is none; CORRUPT when none is valid; VERSION when the newest
 *              is of a later format; -errno, -ENOMEM, HALTED; *ret is unchanged
 */
CHEK_MUST_USE int chek_manifest_load(struct chek_io *io, struct chek_manifest *ret);

/*
 * Write the manifest under the next number, durably, read it back, and remove older ones.
 *
 *   Errors     LIMIT; CORRUPT when it does not read back; -errno, -ENOMEM, HALTED. After an error
 *              but LIMIT and -ENOMEM it is not known which one a start would find: stop, as after
 *              an error of the log
 */
CHEK_MUST_USE int chek_manifest_store(struct chek_io *io, struct chek_manifest *manifest);

/*
 * Add a file whose name is not there yet. A name is a path inside the data folder of small
 * letters, digits and "-_./", without "..".
 *
 *   Errors     LIMIT; -ENOMEM; nothing changes
 */
CHEK_MUST_USE int chek_manifest_add_entry(struct chek_manifest *manifest,
                                          const struct chek_manifest_entry *entry);

/*
 * Add a file, or change the one of this name.
 *
 *   Errors     LIMIT; -ENOMEM; nothing changes
 *   Cost       looks at every name
 */
CHEK_MUST_USE int chek_manifest_set_entry(struct chek_manifest *manifest,
                                          const struct chek_manifest_entry *entry);

/* Take a file out; false when it is not there. */
bool chek_manifest_drop_entry(struct chek_manifest *manifest, const char *name);

/* Add or change what is known of a stream; errors as above. */
CHEK_MUST_USE int chek_manifest_set_log(struct chek_manifest *manifest,
                                        const struct chek_log_known *known);

/* Add or change the chain of a partition; errors as above. */
CHEK_MUST_USE int chek_manifest_set_chain(struct chek_manifest *manifest,
                                          const struct chek_manifest_chain *chain);

/* The chain of a partition; NULL when it has none. */
const struct chek_manifest_chain *chek_manifest_chain(const struct chek_manifest *manifest,
                                                      uint32_t partition);

/* Forget the streams of generations below `generation`: a snapshot holds what was in them. */
void chek_manifest_drop_logs_before(struct chek_manifest *manifest, uint64_t generation);

/*
 * Prepare the manifest of a run after chek_log_recover(): the streams that were replayed ended as
 * it said, and `stream_count` new ones begin in the next generation. Store it before opening them.
 *
 *   Ownership  borrows `ends`
 *   Errors     LIMIT; -ENOMEM; *manifest may hold part of it
 */
CHEK_MUST_USE int chek_manifest_begin_run(struct chek_manifest *manifest,
                                          const struct chek_log_known *ends, size_t end_count,
                                          uint64_t generation_last, uint32_t stream_count);

/* Bytes that encoding takes. */
size_t chek_manifest_size(const struct chek_manifest *manifest);

/* Encode into exactly chek_manifest_size() bytes. */
void chek_manifest_encode(const struct chek_manifest *manifest, uint8_t *ret);

/*
 * Decode what stands in the file of `number`; what lies behind the record must be zero.
 *
 *   Ownership  the caller ends with chek_manifest_finish(ret)
 *   Errors     CORRUPT, VERSION, -ENOMEM; *ret is unchanged
 */
CHEK_MUST_USE int chek_manifest_decode(const uint8_t *bytes, size_t size, uint64_t number,
                                       struct chek_manifest *ret);

#endif
