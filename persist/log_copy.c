/* SPDX-License-Identifier: MIT */
/* log_copy.c - whole blocks up to a position, each checked as recovery would. */
#include "persist/log_copy.h"

#include <errno.h>

#include "engine/base/assertion.h"

void
chek_log_copy_begin(struct chek_log_copy *copy, struct chek_io *io, const uint64_t folder_id[2],
                    const struct chek_log_known *known, uint64_t lsn_end)
{
    CHEK_ASSERT(known->lsn_first <= lsn_end);
    *copy = (struct chek_log_copy){
        .io = io,
        .place = {.folder_id = {folder_id[0], folder_id[1]},
                  .generation = known->generation,
                  .stream = known->stream},
        .file_first = known->file_first,
        .lsn = known->lsn_first,
        .lsn_end = lsn_end,
        .handle = -1,
    };
}

void
chek_log_copy_end(struct chek_log_copy *copy)
{
    if (copy->handle >= 0) {
        chek_disk_close(copy->io, copy->handle);
        copy->handle = -1;
    }
}

static void
watermark_write(const struct chek_log_copy *copy, uint8_t *bytes, struct chek_log_piece *ret)
{
    _Static_assert(LOG_WATERMARK_COPY_COUNT * CHEK_BLOCK_SIZE <= CHEK_LOG_PIECE_SIZE, "it fits");
    for (uint32_t i = 0; i < LOG_WATERMARK_COPY_COUNT; i++) {
        persist__log_watermark_encode(bytes + (size_t)i * CHEK_BLOCK_SIZE, &copy->place, i,
                                      copy->lsn_end);
    }
    ret->offset = 0;
    ret->size = LOG_WATERMARK_COPY_COUNT * CHEK_BLOCK_SIZE;
    ret->file_size = ret->size;
}

static int
file_open(struct chek_log_copy *copy, const char *name)
{
    int handle = chek_disk_open(copy->io, name, CHEK_FILE_READ | CHEK_FILE_DIRECT);
    if (handle < 0) {
        return handle == -ENOENT ? CHEK_E_CORRUPT : handle;
    }
    int64_t size = chek_disk_size(copy->io, handle);
    if (size < 0) {
        chek_disk_close(copy->io, handle);
        return (int)size;
    }
    copy->handle = handle;
    copy->offset = 0;
    copy->file_size = (uint64_t)size;
    return CHEK_OK;
}

/*
 * Count the bytes of whole blocks that belong to the copy. Ends at a block that was not written, and
 * then with the file: a group that did not fit it is in the next one.
 */
static int
blocks_check(struct chek_log_copy *copy, const uint8_t *bytes, size_t size, size_t *ret_size,
             bool *ret_file_ends)
{
    uint64_t seed = persist__log_file_seed(&copy->place);
    size_t at = 0;
    *ret_file_ends = false;
    for (; at + CHEK_BLOCK_SIZE <= size && copy->lsn < copy->lsn_end; at += CHEK_BLOCK_SIZE) {
        struct log_head head;
        if (persist__log_is_zero(bytes + at, CHEK_SECTOR_SIZE)) {
            *ret_file_ends = true;
            break;
        }
        uint32_t block = (uint32_t)((copy->offset + at) / CHEK_BLOCK_SIZE);
        int error = persist__log_head_decode(bytes + at, &copy->place, block, &head);
        bool is_whole = error == CHEK_OK && head.lsn == copy->lsn;
        for (uint32_t i = 1; i < LOG_SECTOR_COUNT && is_whole; i++) {
            is_whole = persist__log_sector_matches(bytes + at, seed, &head, i);
        }
        if (!is_whole) {
            return error != CHEK_OK ? error : CHEK_E_CORRUPT;
        }
        copy->lsn += head.payload_size;
    }
    *ret_size = at;
    return CHEK_OK;
}

int
chek_log_copy_next(struct chek_log_copy *copy, uint8_t *bytes, struct chek_log_piece *ret)
{
    bool file_ends;
    if (copy->place.file == 0) {
        persist__log_name(ret->name, &copy->place);
        watermark_write(copy, bytes, ret);
        copy->place.file = copy->file_first;
        return 1;
    }
    /* The first file is always there, also when nothing is in it. */
    bool is_over = copy->lsn >= copy->lsn_end;
    if (is_over && (copy->handle >= 0 || copy->place.file != copy->file_first)) {
        chek_log_copy_end(copy);
        return 0;
    }
    persist__log_name(ret->name, &copy->place);
    int error = copy->handle < 0 ? file_open(copy, ret->name) : CHEK_OK;
    if (error != CHEK_OK) {
        return error;
    }
    int64_t got = chek_disk_read(copy->io, copy->handle, bytes, CHEK_LOG_PIECE_SIZE, copy->offset);
    if (got < 0) {
        return (int)got;
    }
    ret->offset = copy->offset;
    ret->file_size = copy->file_size;
    error = blocks_check(copy, bytes, (size_t)got, &ret->size, &file_ends);
    copy->offset += ret->size;
    if (error == CHEK_OK && (file_ends || copy->offset >= copy->file_size)) {
        chek_log_copy_end(copy);
        copy->place.file += 1;
    }
    return error != CHEK_OK ? error : 1;
}
