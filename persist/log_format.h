/* SPDX-License-Identifier: MIT */
/*
 * log_format.h - the bytes of the log: names, block heads, sums, commands, watermarks.
 *
 * Encoding and decoding of each record stand side by side in log_format.c, under its byte table.
 * The format itself is persist/FORMAT.md "Log" and "Watermark".
 *
 *   Threads  any
 */
#ifndef CHEK_PERSIST_LOG_FORMAT_H
#define CHEK_PERSIST_LOG_FORMAT_H

#include "engine/base/cursor.h"
#include "engine/base/limits.h"
#include "persist/log.h"

#define LOG_VERSION 1
#define LOG_HEAD_SIZE 128
#define LOG_PAYLOAD_SIZE (CHEK_BLOCK_SIZE - LOG_HEAD_SIZE) /* bytes of commands in a block */
#define LOG_SECTOR_COUNT (CHEK_BLOCK_SIZE / CHEK_SECTOR_SIZE)
#define LOG_NAME_SIZE 48
#define LOG_GROUP_BLOCK_COUNT_MAX \
    ((CHEK_LOG_GROUP_SIZE_MAX + LOG_PAYLOAD_SIZE - 1) / LOG_PAYLOAD_SIZE)

/* Flags of a block. */
#define LOG_FLAG_GROUP_FIRST 1
#define LOG_FLAG_GROUP_LAST 2
#define LOG_FLAG_IDLE 4 /* everything before this block was durable when it was written */
#define LOG_FLAGS_ALL 7

_Static_assert(LOG_SECTOR_COUNT * 8 + 64 == LOG_HEAD_SIZE, "eight sums end the head");

/* Which file: the sums of its blocks are seeded with it. File number 0 stands for the watermark. */
struct log_place {
    uint64_t folder_id[2];
    uint64_t generation;
    uint32_t stream;
    uint32_t file;
};

/* The head of a block, without what its place says. */
struct log_head {
    uint16_t flags;
    uint16_t payload_size;
    uint64_t lsn;         /* of the first byte of payload */
    uint64_t durable_lsn; /* known when the group was formed */
    uint32_t block;
    uint32_t file_block_count;
    uint64_t sums[LOG_SECTOR_COUNT];
};

/* The path of a log file, or of the watermark for file 0. */
void persist__log_name(char name[LOG_NAME_SIZE], const struct log_place *place);

/* Read a file name inside the log folder; false when it is not one of ours. */
bool persist__log_name_parse(const char *name, struct log_place *ret);

/* What the sums of a file are seeded with, before the sector is added. */
uint64_t persist__log_file_seed(const struct log_place *place);

/*
 * Lay payload out in a block: copy it, zero the rest, write head and sums. `head->sums` is ignored.
 */
void persist__log_block_encode(uint8_t block[CHEK_BLOCK_SIZE], const struct log_place *place,
                               uint64_t file_seed, const struct log_head *head,
                               const uint8_t *payload);

/*
 * Decode the head of a block whose first sector is not all zero, and check that sector.
 *
 *   Errors     CORRUPT, FOREIGN (right in another data folder), VERSION; *ret is unchanged
 */
CHEK_MUST_USE int persist__log_head_decode(const uint8_t sector[CHEK_SECTOR_SIZE],
                                           const struct log_place *place, uint32_t block,
                                           struct log_head *ret);

/* Whether sector `index` (1..7) of a block has the sum that its head says. */
bool persist__log_sector_matches(const uint8_t *block, uint64_t file_seed,
                                 const struct log_head *head, uint32_t index);

bool persist__log_is_zero(const uint8_t *bytes, size_t size);

/* ---- commands: u32 size, u32 low half of the sum of the bytes seeded with the lsn, bytes ---- */

/* Write the head in front of `size` bytes that stand at `at` + CHEK_LOG_COMMAND_OVERHEAD. */
void persist__log_command_encode(uint8_t *at, size_t size, uint64_t lsn);

/*
 * Take the next command, whose head is at `lsn`.
 *
 *   Errors     in->error SHORT when it is not wholly there, the cursor then stands where it stood;
 *              RANGE or CHECKSUM when it is there and wrong
 */
struct chek_bytes_view persist__log_command_take(struct chek_cursor *in, uint64_t lsn);

/* ---- watermark: a file of two blocks, written in turn --------------------------------------- */

#define LOG_WATERMARK_COPY_COUNT 2

/* Fill one copy's block. */
void persist__log_watermark_encode(uint8_t block[CHEK_BLOCK_SIZE], const struct log_place *place,
                                   uint32_t copy, uint64_t durable_lsn);

/*
 * Read one copy; 0 for one that was never written.
 *
 *   Errors     CORRUPT, FOREIGN, VERSION; *ret_lsn is unchanged
 */
CHEK_MUST_USE int persist__log_watermark_decode(const uint8_t block[CHEK_BLOCK_SIZE],
                                                const struct log_place *place, uint32_t copy,
                                                uint64_t *ret_lsn);

#endif
