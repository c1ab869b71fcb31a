/* SPDX-License-Identifier: MIT */
/*
 * event_index.c - where the blocks of earlier runs are.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/base/limits.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "persist/event_block.h"

#define MAGIC 0x454b4843u
#define VERSION 1

/* A crash can have torn only what was not synced: at most two writes of a buffer each. */
#define SUSPECT_SIZE (64 * 1024 * 1024)

#define WINDOW_SIZE ((size_t)256 * 1024) /* whole blocks, several of the largest of ours */

void
persist__event_head_write(const struct persist__event_head *head, const uint64_t folder_id[2],
                          const uint8_t *body, uint8_t bytes[EVENT_HEAD_SIZE])
{
    chek_store_u32(bytes, MAGIC);
    chek_store_u16(bytes + 4, VERSION);
    chek_store_u16(bytes + 6, head->partition);
    chek_store_u64(bytes + 8, head->seq);
    chek_store_u32(bytes + 16, head->count);
    chek_store_u32(bytes + 20, head->size);
    chek_store_u64(bytes + 24, folder_id[0]);
    chek_store_u64(bytes + 32, folder_id[1]);
    uint64_t head_sum = chek_checksum(bytes, 40);
    chek_store_u64(bytes + 40, chek_checksum_seeded(body, head->size, head_sum));
    chek_store_u64(bytes + 48, head_sum);
}

int
persist__event_head_read(struct chek_bytes_view bytes, const uint64_t folder_id[2],
                         unsigned partition_count, struct persist__event_head *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    struct persist__event_head head;
    uint32_t magic = chek_cursor_u32(&in);
    uint16_t version = chek_cursor_u16(&in);
    head.partition = chek_cursor_u16(&in);
    head.seq = chek_cursor_u64(&in);
    head.count = chek_cursor_u32(&in);
    head.size = chek_cursor_u32(&in);
    uint64_t folder_low = chek_cursor_u64(&in);
    uint64_t folder_high = chek_cursor_u64(&in);
    head.sum = chek_cursor_u64(&in);
    head.head_sum = chek_cursor_u64(&in);

    if (in.error != CHEK_OK || magic != MAGIC || chek_checksum(bytes.bytes, 40) != head.head_sum ||
        head.size > EVENT_BODY_SIZE_MAX || head.count == 0 || head.seq == 0 ||
        head.partition > partition_count) {
        return CHEK_E_CORRUPT;
    }
    if (version != VERSION) {
        return CHEK_E_VERSION;
    }
    if (folder_low != folder_id[0] || folder_high != folder_id[1]) {
        return CHEK_E_FOREIGN;
    }
    *ret = head;
    return CHEK_OK;
}

bool
persist__event_body_fits(const struct persist__event_head *head, struct chek_bytes_view body)
{
    return body.size == head->size &&
           chek_checksum_seeded(body.bytes, body.size, head->head_sum) == head->sum;
}

/* ---- streams ---------------------------------------------------------------------------------- */

static uint64_t
stream_last(const struct persist__event_stream *stream)
{
    if (stream->count == 0) {
        return 0;
    }
    const struct persist__event_place *last = &stream->places[stream->count - 1];
    return last->seq + last->count - 1;
}

int
persist__event_stream_add(struct persist__event_stream *stream,
                          const struct persist__event_place *place)
{
    if (place->seq != stream_last(stream) + 1) {
        return CHEK_E_GAP;
    }
    if (stream->count == stream->capacity) {
        size_t capacity = stream->capacity != 0 ? stream->capacity * 2 : 64;
        struct persist__event_place *places = chek_workspace_grow(
            stream->places, stream->capacity * sizeof *places, capacity * sizeof *places);
        if (places == NULL) {
            return -ENOMEM;
        }
        stream->places = places;
        stream->capacity = capacity;
    }
    stream->places[stream->count++] = *place;
    return CHEK_OK;
}

const struct persist__event_place *
persist__event_stream_find(const struct persist__event_stream *stream, uint64_t seq)
{
    size_t low = 0;
    size_t high = stream->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct persist__event_place *place = &stream->places[middle];
        if (seq < place->seq) {
            high = middle;
        } else if (seq >= place->seq + place->count) {
            low = middle + 1;
        } else {
            return place;
        }
    }
    return NULL;
}

/* ---- loading ---------------------------------------------------------------------------------- */

/*
 * A file read past the page cache, in whole blocks, a window at a time. After a failed sync or the
 * death of a process the cache shows what the device may never get.
 */
struct window {
    struct chek_io *io;
    int file;
    uint8_t *bytes; /* WINDOW_SIZE, aligned to a block */
    uint64_t at;
    size_t size;
};

/* Lend up to `size` bytes at `offset`; less only at the file's end. */
static int
window_lend(struct window *window, uint64_t offset, size_t size, struct chek_bytes_view *ret)
{
    if (offset < window->at || offset + size > window->at + window->size) {
        uint64_t at = offset / CHEK_BLOCK_SIZE * CHEK_BLOCK_SIZE;
        int64_t got = chek_disk_read(window->io, window->file, window->bytes, WINDOW_SIZE, at);
        if (got < 0) {
            return (int)got;
        }
        window->at = at;
        window->size = (size_t)got;
    }
    uint64_t end = window->at + window->size;
    size_t left = offset < end ? (size_t)(end - offset) : 0;
    *ret = chek_bytes_view_of(window->bytes + (offset - window->at), left < size ? left : size);
    return CHEK_OK;
}

/*
 * Take one block into the index; `file` is the handle that will read it.
 *
 *   Returns    CHEK_OK; 1 at the end of what can be believed; an error of the machine
 */
static int
block_load(struct chek_event_index *index, struct window *window, int file, uint64_t offset,
           uint64_t suspect_from, uint64_t *ret_next)
{
    struct persist__event_head head;
    struct chek_bytes_view bytes;
    int error = window_lend(window, offset, EVENT_HEAD_SIZE, &bytes);
    if (error != CHEK_OK) {
        return error;
    }
    error = persist__event_head_read(bytes, index->folder_id, index->partition_count, &head);
    if (error == CHEK_E_VERSION) {
        return error;
    }
    if (error != CHEK_OK) {
        return 1;
    }
    if (offset >= suspect_from) {
        error = window_lend(window, offset + EVENT_HEAD_SIZE, head.size, &bytes);
        if (error != CHEK_OK) {
            return error;
        }
        if (!persist__event_body_fits(&head, bytes)) {
            return 1;
        }
    }
    struct persist__event_place place = {head.seq, offset, head.count, head.size, file};
    error = persist__event_stream_add(&index->streams[head.partition], &place);
    if (error != CHEK_OK) {
        return error == CHEK_E_GAP ? 1 : error;
    }
    *ret_next = offset + persist__event_block_size(head.size);
    return CHEK_OK;
}

static int
blocks_load(struct chek_event_index *index, struct window *window, int file)
{
    int64_t size = chek_disk_size(window->io, window->file);
    if (size < 0) {
        return (int)size;
    }
    uint64_t suspect_from = (uint64_t)size > SUSPECT_SIZE ? (uint64_t)size - SUSPECT_SIZE : 0;
    uint64_t offset = 0;
    int error = CHEK_OK;
    while (error == CHEK_OK && offset + EVENT_HEAD_SIZE <= (uint64_t)size) {
        error = block_load(index, window, file, offset, suspect_from, &offset);
    }
    return error < 0 ? error : CHEK_OK;
}

/* Synced before it is read: what is believed stays, whatever happens next. */
static int
file_load(struct chek_event_index *index, struct chek_io *io, const char *path, int file)
{
    struct window window = {.io = io, .bytes = chek_memory_reserve(WINDOW_SIZE)};
    if (window.bytes == NULL) {
        return -ENOMEM;
    }
    int error = chek_memory_commit(window.bytes, WINDOW_SIZE);
    if (error == CHEK_OK) {
        window.file = chek_disk_open(io, path, CHEK_FILE_READ | CHEK_FILE_DIRECT);
        error = window.file >= 0 ? chek_disk_sync(io, window.file) : window.file;
        if (error == CHEK_OK) {
            error = blocks_load(index, &window, file);
        }
        if (window.file >= 0) {
            chek_disk_close(io, window.file);
        }
    }
    chek_memory_release(window.bytes, WINDOW_SIZE);
    return error;
}

struct names {
    struct chek_event_index *index;
    struct chek_io *io;
    int error;
};

static void
on_name(void *context, const char *name)
{
    struct names *names = context;
    struct chek_event_index *index = names->index;
    char path[64];
    if (names->error != CHEK_OK || strlen(name) > 40) {
        return;
    }
    (void)snprintf(path, sizeof path, CHEK_EVENT_FOLDER "/%s", name);
    int *files = chek_memory_grow(index->files, index->file_count * sizeof *files,
                                  (index->file_count + 1) * sizeof *files);
    if (files == NULL) {
        names->error = -ENOMEM;
        return;
    }
    index->files = files;
    int file = chek_disk_open(names->io, path, CHEK_FILE_READ);
    /* The streams keep the handle: it stays open as long as the index. */
    index->files[index->file_count++] = file;
    if (file < 0) {
        names->error = file;
        return;
    }
    names->error = file_load(index, names->io, path, file);
}

int
chek_event_index_load(struct chek_io *io, const uint64_t folder_id[2], unsigned partition_count,
                      struct chek_event_index **ret)
{
    struct chek_event_index *index = chek_memory_allocate(sizeof *index);
    if (index == NULL) {
        return -ENOMEM;
    }
    memcpy(index->folder_id, folder_id, sizeof index->folder_id);
    index->partition_count = partition_count;
    index->streams = chek_memory_allocate((partition_count + 1) * sizeof *index->streams);
    int error = index->streams != NULL ? CHEK_OK : -ENOMEM;
    if (error == CHEK_OK) {
        error = chek_disk_make_folder(io, CHEK_EVENT_FOLDER);
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, "");
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, CHEK_EVENT_FOLDER);
    }
    struct names names = {.index = index, .io = io};
    if (error == CHEK_OK) {
        error = chek_disk_list(io, CHEK_EVENT_FOLDER, on_name, &names);
    }
    if (error == CHEK_OK) {
        error = names.error;
    }
    if (error != CHEK_OK) {
        chek_event_index_free(index, io);
        return error;
    }
    *ret = index;
    return CHEK_OK;
}

void
chek_event_index_free(struct chek_event_index *index, struct chek_io *io)
{
    if (index == NULL) {
        return;
    }
    for (unsigned i = 0; index->streams != NULL && i <= index->partition_count; i++) {
        chek_workspace_give(index->streams[i].places,
                            index->streams[i].capacity * sizeof *index->streams[i].places);
    }
    for (size_t i = 0; i < index->file_count; i++) {
        if (index->files[i] >= 0) {
            chek_disk_close(io, index->files[i]);
        }
    }
    chek_memory_free(index->streams, (index->partition_count + 1) * sizeof *index->streams);
    chek_memory_free(index->files, index->file_count * sizeof *index->files);
    chek_memory_free(index, sizeof *index);
}

uint64_t
chek_event_index_last(const struct chek_event_index *index, uint16_t partition)
{
    return stream_last(&index->streams[partition]);
}
