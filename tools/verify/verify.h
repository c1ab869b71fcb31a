/* SPDX-License-Identifier: MIT */
/*
 * verify.h - everything that a data folder must be, checked offline and without changing it.
 *
 * The manifest, the sums of every file, page, block and event, the log replayed in memory on top of
 * the snapshot; then, of every registration, each row, its identity, and every X, Z and revision
 * against an evaluator that shares no code with the engine (tools/verify/naive); then the people whom
 * documents name, whose values are opened where the folder's key is there; then the chain of
 * each partition, against the manifest and heads that were noted elsewhere. What is wrong is a
 * finding: a file, an offset where there is one, and what differs.
 *
 * The folder is locked, and read through a door that refuses to write.
 */
#ifndef CHEK_VERIFY_VERIFY_H
#define CHEK_VERIFY_VERIFY_H

#include "engine/base/error.h"
#include "engine/io/io.h"

#define CHEK_VERIFY_FILE_SIZE 64
#define CHEK_VERIFY_TEXT_SIZE 320
#define CHEK_VERIFY_HEAD_SIZE 32

struct chek_verify_finding {
    char file[CHEK_VERIFY_FILE_SIZE]; /* inside the data folder */
    uint64_t offset;                  /* in the file; UINT64_MAX = of no one place in it */
    int32_t partition;                /* -1 = of none */
    uint32_t registration;            /* 0 = of none */
    char text[CHEK_VERIFY_TEXT_SIZE];
};

struct chek_verify_partition {
    uint64_t hash; /* of its state with the log replayed */
    uint64_t partition_seq, event_seq;
    uint64_t registration_count, row_count, shift_count;
    uint64_t report_count; /* X, Z and revisions that were recomputed */
    uint32_t segment_count;
    uint16_t partition;
    /* The chain over all full ranges, computed again; how far the manifest has it. */
    uint64_t chain_range_count, chain_row_count, chain_stored_count;
    uint8_t chain_head[CHEK_VERIFY_HEAD_SIZE];
};

/* A head that was noted elsewhere: of the chain over the first `row_count` rows of a partition. */
struct chek_verify_anchor {
    uint16_t partition;
    uint64_t row_count;
    uint8_t head[CHEK_VERIFY_HEAD_SIZE];
};

struct chek_verify_summary {
    uint64_t folder_id[2];
    uint64_t generation, manifest_number;
    uint64_t file_count, file_size; /* images and segments */
    uint64_t command_count;         /* of the log, replayed */
    uint64_t event_count;           /* stored */
    uint64_t registration_count, row_count, shift_count, report_count;
    uint64_t finding_count;
    uint32_t partition_count;
    uint32_t principal_count;
};

/* What to call, every member may be NULL; and what to compare heads with. */
struct chek_verify_config {
    void *context;
    const struct chek_verify_anchor *anchors; /* borrowed for the call */
    size_t anchor_count;
    void (*on_finding)(void *context, const struct chek_verify_finding *finding);
    /* Nothing wrong, but worth knowing: a torn tail, a file left over. */
    void (*on_note)(void *context, const char *file, const char *text);
    void (*on_partition)(void *context, const struct chek_verify_partition *partition);
    /* `total` 0: not known. */
    void (*on_progress)(void *context, const char *stage, uint64_t done, uint64_t total);
};

/*
 * Verify the data folder of an io.
 *
 *   Returns    CHEK_OK also when there are findings: ret->finding_count says
 *   Errors     LOCKED a server runs on it; -errno, -ENOMEM, HALTED: it is not known what the
 *              folder is like; *ret is unchanged
 *   Cost       memory as the server's, and the documents of one registration
 *   Threads    sodium_init() was called before
 */
CHEK_MUST_USE int chek_verify_folder(struct chek_io *io, const struct chek_verify_config *config,
                                     struct chek_verify_summary *ret);

#endif
