/* SPDX-License-Identifier: MIT */
/*
 * log_scan.h - read the files of one stream in order and replay them.
 *
 * log_recover.c decides which files of which streams are read; here is what their blocks mean.
 */
#ifndef CHEK_PERSIST_LOG_SCAN_H
#define CHEK_PERSIST_LOG_SCAN_H

#include "persist/log_format.h"

#define LOG_READ_SIZE ((size_t)256 * 1024)
#define LOG_GATHER_SIZE ((size_t)LOG_GROUP_BLOCK_COUNT_MAX * LOG_PAYLOAD_SIZE)
#define LOG_LSN_MAX UINT64_MAX

/* The replay of one stream. */
struct log_scan {
    struct chek_io *io;
    const struct chek_log_recovery *options;
    struct chek_log_fault *fault;
    uint8_t *buffer; /* LOG_READ_SIZE bytes, on a block's border */
    uint8_t *group;  /* LOG_GATHER_SIZE bytes: the group being gathered */

    struct log_place place; /* of the file being read */
    int file;               /* it; -1 = none is open */
    uint64_t offset;        /* of the part of it that comes next */
    uint64_t file_seed;
    uint64_t file_size;
    uint64_t lsn;       /* behind the last command handed over */
    uint64_t group_lsn; /* of the group being gathered, */
    size_t group_size;  /* and bytes of it so far */
    bool in_group;
    bool has_watermark;  /* both copies could be read */
    uint64_t limit_lsn;  /* where an earlier start found the end; LOG_LSN_MAX when none did */
    uint64_t proven_lsn; /* the furthest witness */
    bool finished;       /* at the limit: what follows does not matter */
    bool stopped;        /* at a sector that was not written: */
    struct log_place stop_place;
    uint64_t stop_offset;
    bool torn; /* something was written behind the stop */
};

/* Describe a fault of this stream. */
void persist__log_fault(const struct log_scan *scan, const struct log_place *place, uint64_t offset,
                        uint64_t lsn_from, struct chek_log_fault *ret);

/* Fill the caller's fault with the place that was reached, and return `error`. */
int persist__log_scan_fail(const struct log_scan *scan, int error, const struct log_place *place,
                           uint64_t offset);

/*
 * Read the watermark, then the log files in order: open one, then read and replay it part by part
 * until `scan->file` is -1 again.
 *
 *   Errors     as chek_log_recover(), the fault filled; no file is open
 */
CHEK_MUST_USE int persist__log_scan_watermark(struct log_scan *scan);
CHEK_MUST_USE int persist__log_scan_open(struct log_scan *scan, uint32_t number);
CHEK_MUST_USE int persist__log_scan_part(struct log_scan *scan);
void persist__log_scan_close(struct log_scan *scan);

#endif
