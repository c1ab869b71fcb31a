/* SPDX-License-Identifier: MIT */
/*
 * event_scan.c - blocks one after another, believed as event_index.c believes them.
 */
#include "persist/event_scan.h"

#include <errno.h>
#include <stdio.h>

#include "engine/base/memory.h"
#include "persist/event_block.h"

struct scan {
    struct chek_io *io;
    const struct chek_event_visitor *visitor;
    const uint64_t *folder_id;
    unsigned partition_count;
    uint64_t *lasts; /* partition_count + 1 */
    uint8_t *bytes;  /* CHEK_EVENT_BLOCK_SIZE_MAX */
    char file[64];
    int error;
};

static bool
is_zero(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

/*
 * Read the block at an offset into scan->bytes, padding included.
 *
 *   Errors     CORRUPT, FOREIGN: the file is not believed from here on; VERSION; of the machine
 */
static int
block_read(struct scan *scan, int file, uint64_t offset, struct persist__event_head *ret)
{
    int64_t got = chek_disk_read(scan->io, file, scan->bytes, CHEK_EVENT_BLOCK_SIZE_MAX, offset);
    if (got < 0) {
        return (int)got;
    }
    struct persist__event_head head;
    int error = persist__event_head_read(chek_bytes_view_of(scan->bytes, (size_t)got),
                                         scan->folder_id, scan->partition_count, &head);
    if (error != CHEK_OK) {
        return error;
    }
    if ((size_t)got < EVENT_HEAD_SIZE + (size_t)head.size ||
        !persist__event_body_fits(&head,
                                  chek_bytes_view_of(scan->bytes + EVENT_HEAD_SIZE, head.size))) {
        return CHEK_E_CORRUPT;
    }
    size_t padding_at = EVENT_HEAD_SIZE + head.size;
    size_t end = persist__event_block_size(head.size);
    end = end < (size_t)got ? end : (size_t)got;
    if (!is_zero(scan->bytes + padding_at, end - padding_at)) {
        scan->visitor->on_fault(scan->visitor->context, scan->file, offset + padding_at,
                                CHEK_E_RESERVED);
    }
    *ret = head;
    return CHEK_OK;
}

static int
file_scan(struct scan *scan, int file)
{
    const struct chek_event_visitor *visitor = scan->visitor;
    struct persist__event_head head = {0};
    uint64_t offset = 0;
    int64_t size = chek_disk_size(scan->io, file);
    int error = size < 0 ? (int)size : CHEK_OK;

    while (error == CHEK_OK && offset < (uint64_t)size) {
        error = block_read(scan, file, offset, &head);
        if (error == CHEK_OK && head.seq != scan->lasts[head.partition] + 1) {
            error = CHEK_E_GAP;
        }
        if (error == CHEK_E_CORRUPT || error == CHEK_E_GAP || error == CHEK_E_FOREIGN) {
            visitor->on_fault(visitor->context, scan->file, offset, error);
            return CHEK_OK;
        }
        if (error == CHEK_OK) {
            struct chek_event_block block = {
                .file = scan->file,
                .offset = offset,
                .partition = head.partition,
                .seq = head.seq,
                .count = head.count,
                .body = chek_bytes_view_of(scan->bytes + EVENT_HEAD_SIZE, head.size),
            };
            scan->lasts[head.partition] = head.seq + head.count - 1;
            offset += persist__event_block_size(head.size);
            error = visitor->on_block(visitor->context, &block);
        }
    }
    return error;
}

static void
on_name(void *context, const char *name)
{
    struct scan *scan = context;
    if (scan->error != CHEK_OK || strlen(name) > 40) {
        return;
    }
    (void)snprintf(scan->file, sizeof scan->file, CHEK_EVENT_FOLDER "/%s", name);
    int file = chek_disk_open(scan->io, scan->file, CHEK_FILE_READ);
    if (file < 0) {
        scan->error = file;
        return;
    }
    scan->error = file_scan(scan, file);
    chek_disk_close(scan->io, file);
}

int
chek_event_scan(struct chek_io *io, const uint64_t folder_id[2], unsigned partition_count,
                const struct chek_event_visitor *visitor)
{
    size_t lasts_size = (partition_count + 1) * sizeof(uint64_t);
    struct scan scan = {
        .io = io,
        .visitor = visitor,
        .folder_id = folder_id,
        .partition_count = partition_count,
        .lasts = chek_memory_allocate(lasts_size),
        .bytes = chek_memory_allocate(CHEK_EVENT_BLOCK_SIZE_MAX),
    };
    int error = scan.lasts != NULL && scan.bytes != NULL ? CHEK_OK : -ENOMEM;
    if (error == CHEK_OK) {
        error = chek_disk_list(io, CHEK_EVENT_FOLDER, on_name, &scan);
    }
    chek_memory_free(scan.lasts, lasts_size);
    chek_memory_free(scan.bytes, CHEK_EVENT_BLOCK_SIZE_MAX);
    return error != CHEK_OK ? error : scan.error;
}
