/* SPDX-License-Identifier: MIT */
/*
 * log_scan.c - replay what a stream proves, and know a torn tail from a damaged one.
 *
 * A stream is read once, block by block. As long as nothing is missing, commands are handed over
 * group by group. At the first sector that was not written the replay stops, but the reading does
 * not: every later head is a witness of how far the log was durable when it was formed. When a
 * witness says more than was replayed, what is missing had been acknowledged, and that is
 * corruption; otherwise it is a torn tail and nobody was told of it. A sector that is neither what
 * its sum says nor all zero cannot come from a crash, wherever it stands.
 */
#include "persist/log_scan.h"

#include <errno.h>

#include "engine/base/assertion.h"

/* ---- faults -------------------------------------------------------------------------------- */

void
persist__log_fault(const struct log_scan *scan, const struct log_place *place, uint64_t offset,
                   uint64_t lsn_from, struct chek_log_fault *ret)
{
    char name[LOG_NAME_SIZE];
    persist__log_name(name, place);

    *ret = (struct chek_log_fault){.offset = offset, .lsn_from = lsn_from};
    _Static_assert(sizeof name <= sizeof ret->file, "a log file's path fits a fault");
    memcpy(ret->file, name, sizeof name);
    ret->lsn_to = scan->proven_lsn > lsn_from ? scan->proven_lsn : 0;
}

/* Fill the caller's fault and return `error`. */
int
persist__log_scan_fail(const struct log_scan *scan, int error, const struct log_place *place,
                       uint64_t offset)
{
    persist__log_fault(scan, place, offset, scan->group_lsn + scan->group_size, scan->fault);
    return error;
}

static int
fail_at_block(const struct log_scan *scan, int error, uint32_t block, uint32_t sector)
{
    return persist__log_scan_fail(scan, error, &scan->place,
                                  (uint64_t)block * CHEK_BLOCK_SIZE +
                                      (uint64_t)sector * CHEK_SECTOR_SIZE);
}

/* ---- commands ------------------------------------------------------------------------------ */

/*
 * Hand over the commands that are wholly in the gathered part of the group. `whole` says that the
 * group is complete, so that its last command must end where it does.
 */
static int
group_deliver(struct log_scan *scan, bool whole)
{
    const struct chek_log_recovery *options = scan->options;
    struct chek_cursor in = chek_cursor_over(scan->group, scan->group_size);

    while (chek_cursor_left(&in) != 0 && scan->lsn < scan->limit_lsn) {
        struct chek_bytes_view command = persist__log_command_take(&in, scan->lsn);
        if (in.error == CHEK_E_SHORT && !whole) {
            break;
        }
        if (in.error != CHEK_OK) {
            return CHEK_E_CORRUPT;
        }
        int error = options->on_command(options->context, command);
        if (error != CHEK_OK) {
            return error;
        }
        scan->lsn = scan->group_lsn + in.at;
    }
    return CHEK_OK;
}

/* The group ends here, wholly or at a sector that was not written. */
static int
group_end(struct log_scan *scan, bool whole, uint32_t block)
{
    int error = group_deliver(scan, whole);
    if (error == CHEK_E_CORRUPT) {
        return fail_at_block(scan, error, block, 0);
    }
    if (error != CHEK_OK) {
        return error;
    }
    if (whole && scan->lsn < scan->limit_lsn) {
        scan->group_lsn += scan->group_size;
        scan->group_size = 0;
    }
    scan->in_group = !whole;
    scan->finished = scan->lsn == scan->limit_lsn;
    return CHEK_OK;
}

/* ---- blocks -------------------------------------------------------------------------------- */

static int
scan_stop(struct log_scan *scan, uint32_t block, uint32_t sector)
{
    CHEK_ASSERT(!scan->stopped);
    scan->stopped = true;
    scan->stop_place = scan->place;
    scan->stop_offset = (uint64_t)block * CHEK_BLOCK_SIZE + (uint64_t)sector * CHEK_SECTOR_SIZE;
    if (!scan->in_group) {
        return CHEK_OK;
    }
    scan->torn = true;
    return group_end(scan, false, block);
}

/*
 * The first sector is all zero: the block was not written, or not wholly. What its other sectors
 * hold cannot be judged.
 */
static int
scan_unwritten(struct log_scan *scan, const uint8_t *block, uint32_t index)
{
    int error = scan->stopped ? CHEK_OK : scan_stop(scan, index, 0);
    if (!persist__log_is_zero(block, CHEK_BLOCK_SIZE)) {
        scan->torn = true;
    }
    return error;
}

/*
 * Find the first sector whose bytes are not there, among those that hold the first `payload_size`
 * bytes and, unless an end was recorded, all others. LOG_SECTOR_COUNT when there is none.
 */
static int
sectors_check(const struct log_scan *scan, const uint8_t *block, const struct log_head *head,
              size_t payload_size, uint32_t *ret)
{
    uint32_t unwritten = LOG_SECTOR_COUNT;
    for (uint32_t i = 1; i < LOG_SECTOR_COUNT; i++) {
        bool is_wanted = (size_t)i * CHEK_SECTOR_SIZE < LOG_HEAD_SIZE + payload_size;
        if (!is_wanted && scan->limit_lsn != LOG_LSN_MAX) {
            break;
        }
        if (persist__log_sector_matches(block, scan->file_seed, head, i)) {
            continue;
        }
        if (!persist__log_is_zero(block + (size_t)i * CHEK_SECTOR_SIZE, CHEK_SECTOR_SIZE)) {
            return fail_at_block(scan, CHEK_E_CORRUPT, head->block, i);
        }
        if (unwritten == LOG_SECTOR_COUNT) {
            unwritten = i;
        }
    }
    *ret = unwritten;
    return CHEK_OK;
}

/* A written block behind the stop: a witness, and evidence that a tail is cut. */
static int
scan_behind(struct log_scan *scan, const uint8_t *block, const struct log_head *head)
{
    uint32_t unwritten;
    scan->torn = true;
    return scan->limit_lsn != LOG_LSN_MAX
               ? CHEK_OK
               : sectors_check(scan, block, head, head->payload_size, &unwritten);
}

/* Whether a block is what must come next in the log. */
static bool
head_follows(const struct log_scan *scan, const struct log_head *head)
{
    bool is_first = (head->flags & LOG_FLAG_GROUP_FIRST) != 0;
    return head->lsn == scan->group_lsn + scan->group_size && is_first != scan->in_group &&
           scan->group_size + head->payload_size <= LOG_GATHER_SIZE;
}

/* The next block of the log: gather its payload, hand the group over when it is complete. */
static int
scan_payload(struct log_scan *scan, const uint8_t *block, const struct log_head *head)
{
    size_t size = head->payload_size;
    if (scan->limit_lsn - head->lsn < size) {
        size = (size_t)(scan->limit_lsn - head->lsn);
    }
    uint32_t unwritten;
    int error = sectors_check(scan, block, head, size, &unwritten);
    if (error != CHEK_OK) {
        return error;
    }
    size_t written = (size_t)unwritten * CHEK_SECTOR_SIZE - LOG_HEAD_SIZE;
    bool is_torn = unwritten < LOG_SECTOR_COUNT;
    bool is_whole =
        !is_torn && size == head->payload_size && (head->flags & LOG_FLAG_GROUP_LAST) != 0;

    size = written < size ? written : size;
    memcpy(scan->group + scan->group_size, block + LOG_HEAD_SIZE, size);
    scan->group_size += size;
    scan->in_group = true;
    if (is_torn) {
        return scan_stop(scan, head->block, unwritten);
    }
    if (is_whole || scan->group_lsn + scan->group_size == scan->limit_lsn) {
        return group_end(scan, is_whole, head->block);
    }
    return CHEK_OK;
}

static int
scan_block(struct log_scan *scan, const uint8_t *block, uint32_t index)
{
    if (persist__log_is_zero(block, CHEK_SECTOR_SIZE)) {
        return scan_unwritten(scan, block, index);
    }
    struct log_head head;
    int error = persist__log_head_decode(block, &scan->place, index, &head);
    if (error != CHEK_OK) {
        return fail_at_block(scan, error, index, 0);
    }
    if ((uint64_t)head.file_block_count * CHEK_BLOCK_SIZE != scan->file_size) {
        return persist__log_scan_fail(scan, CHEK_E_CORRUPT, &scan->place, scan->file_size);
    }
    if (!scan->has_watermark) {
        /* It was made before the first file, so it was lost. */
        struct log_place watermark = scan->place;
        watermark.file = 0;
        return persist__log_scan_fail(scan, CHEK_E_CORRUPT, &watermark, 0);
    }
    if (head.durable_lsn > scan->proven_lsn) {
        scan->proven_lsn = head.durable_lsn;
    }
    /* A group that does not fit the rest of a file goes to the next one. */
    if (scan->stopped && !scan->torn && index == 0 && head_follows(scan, &head)) {
        scan->stopped = false;
    }
    if (scan->stopped) {
        return scan_behind(scan, block, &head);
    }
    if (!head_follows(scan, &head)) {
        return fail_at_block(scan, CHEK_E_CORRUPT, index, 0);
    }
    return scan_payload(scan, block, &head);
}

/* ---- files --------------------------------------------------------------------------------- */

/* Read a block-aligned part of the file; what lies behind its end reads as zeros. */
static int
part_read(const struct log_scan *scan, int file, uint64_t offset, size_t *ret_size)
{
    uint64_t left = scan->file_size - offset;
    int64_t want = left < LOG_READ_SIZE ? (int64_t)left : (int64_t)LOG_READ_SIZE;
    int64_t got = chek_disk_read(scan->io, file, scan->buffer, LOG_READ_SIZE, offset);
    if (got != want) {
        return persist__log_scan_fail(scan, got < 0 ? (int)got : -EIO, &scan->place, offset);
    }
    size_t size = ((size_t)got + CHEK_BLOCK_SIZE - 1) / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
    memset(scan->buffer + got, 0, size - (size_t)got);
    *ret_size = size;
    return CHEK_OK;
}

/* Open a file for reading what the device holds: synced first, and past the page cache. */
static int
file_open_synced(struct log_scan *scan)
{
    char name[LOG_NAME_SIZE];
    persist__log_name(name, &scan->place);

    int file = chek_disk_open(scan->io, name, CHEK_FILE_READ | CHEK_FILE_DIRECT);
    if (file < 0) {
        return persist__log_scan_fail(scan, file, &scan->place, 0);
    }
    int error = chek_disk_sync(scan->io, file);
    int64_t size = error != CHEK_OK ? error : chek_disk_size(scan->io, file);
    if (size >= 0 && size / CHEK_BLOCK_SIZE < UINT32_MAX) {
        scan->file_size = (uint64_t)size;
        return file;
    }
    chek_disk_close(scan->io, file);
    return persist__log_scan_fail(scan, size < 0 ? (int)size : CHEK_E_CORRUPT, &scan->place, 0);
}

int
persist__log_scan_open(struct log_scan *scan, uint32_t number)
{
    CHEK_ASSERT(scan->file < 0);
    scan->place.file = number;
    scan->file_seed = persist__log_file_seed(&scan->place);
    int file = file_open_synced(scan);
    scan->offset = 0;
    scan->file = file < 0 ? -1 : file;
    return file < 0 ? file : CHEK_OK;
}

void
persist__log_scan_close(struct log_scan *scan)
{
    if (scan->file >= 0) {
        chek_disk_close(scan->io, scan->file);
        scan->file = -1;
    }
}

/* The blocks of the next part; none when the file is empty. */
static int
scan_blocks(struct log_scan *scan)
{
    size_t size = 0;
    int error =
        scan->offset < scan->file_size ? part_read(scan, scan->file, scan->offset, &size) : CHEK_OK;
    for (size_t at = 0; at < size && error == CHEK_OK && !scan->finished; at += CHEK_BLOCK_SIZE) {
        error =
            scan_block(scan, scan->buffer + at, (uint32_t)((scan->offset + at) / CHEK_BLOCK_SIZE));
    }
    scan->offset += LOG_READ_SIZE;
    return error;
}

int
persist__log_scan_part(struct log_scan *scan)
{
    int error = scan_blocks(scan);
    bool is_read = scan->finished || scan->offset >= scan->file_size;
    if (error == CHEK_OK && is_read && scan->in_group && !scan->stopped && !scan->finished) {
        error = persist__log_scan_fail(scan, CHEK_E_CORRUPT, &scan->place, scan->file_size);
    }
    if (error != CHEK_OK || is_read) {
        persist__log_scan_close(scan);
    }
    return error;
}

int
persist__log_scan_watermark(struct log_scan *scan)
{
    scan->place.file = 0;
    int file = file_open_synced(scan);
    if (file < 0) {
        return file;
    }
    size_t size = 0;
    int error = part_read(scan, file, 0, &size);
    chek_disk_close(scan->io, file);
    /* A short one was cut while it was made; then nothing may be in the log. */
    scan->has_watermark = scan->file_size == LOG_WATERMARK_COPY_COUNT * CHEK_BLOCK_SIZE;
    for (uint32_t i = 0; i < LOG_WATERMARK_COPY_COUNT && scan->has_watermark; i++) {
        if (error == CHEK_OK) {
            uint64_t lsn = 0;
            error = persist__log_watermark_decode(scan->buffer + (size_t)i * CHEK_BLOCK_SIZE,
                                                  &scan->place, i, &lsn);
            scan->proven_lsn = lsn > scan->proven_lsn ? lsn : scan->proven_lsn;
            if (error != CHEK_OK) {
                error = fail_at_block(scan, error, i, 0);
            }
        }
    }
    return error;
}
