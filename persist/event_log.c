/* SPDX-License-Identifier: MIT */
/*
 * event_log.c - blocks on their way to the file, and back to a reader.
 *
 * An event is first in its partition's open block, then in one of two buffers (one is filled while
 * the other is written and synced), then in the file. A reader finds it in all three: what was
 * shown once is never missing from a later answer.
 */
#include "persist/event_log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "engine/base/writer.h"
#include "persist/event_block.h"

#define BUFFER_SIZE (16 * 1024 * 1024) /* reserved; touched as used */
#define EVENT_SIZE_MAX CHEK_EVENT_SIZE_MAX
#define WAIT_NS_MAX UINT64_C(200000000)
#define WRITE_SIZE_MIN (256 * 1024)

/* The block of a partition that is being filled. */
struct open_block {
    uint8_t *body; /* EVENT_BODY_SIZE_MAX */
    uint32_t size, count;
    uint64_t seq; /* of the first event */
};

/* A block in a buffer, to be indexed when it is durable. */
struct queued {
    struct persist__event_place place;
    uint16_t partition;
};

struct buffer {
    uint8_t *bytes;
    size_t size;
    struct queued *queued; /* QUEUED_COUNT_MAX */
    uint32_t queued_count;
};

#define QUEUED_COUNT_MAX 65536

struct chek_event_log {
    struct chek_io *io;
    struct chek_event_index *index;
    struct chek_event_log_config config;
    int file;
    uint64_t offset;           /* of the file's end */
    struct open_block *blocks; /* partition_count + 1; body only where something was added */
    uint64_t *lasts;           /* number of the last event added */
    struct buffer buffers[2];
    unsigned filling; /* which buffer */
    bool writing, failed;
    struct chek_op op;
    uint64_t oldest_ns; /* since when something waits in an open block; 0 = nothing does */
    uint64_t now_ns;
    struct chek_event_log_counters counters;
};

/* ---- open and close --------------------------------------------------------------------------- */

static int
log_allocate(struct chek_event_log *log)
{
    size_t count = log->config.partition_count + 1u;
    log->blocks = chek_memory_allocate(count * sizeof *log->blocks);
    log->lasts = chek_memory_allocate(count * sizeof *log->lasts);
    if (log->blocks == NULL || log->lasts == NULL) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < count; i++) {
        log->lasts[i] = chek_event_index_last(log->index, (uint16_t)i);
    }
    for (unsigned i = 0; i < 2; i++) {
        struct buffer *buffer = &log->buffers[i];
        buffer->queued = chek_memory_allocate(QUEUED_COUNT_MAX * sizeof *buffer->queued);
        buffer->bytes = chek_memory_reserve(BUFFER_SIZE);
        if (buffer->queued == NULL || buffer->bytes == NULL ||
            chek_memory_commit(buffer->bytes, BUFFER_SIZE) != CHEK_OK) {
            return -ENOMEM;
        }
    }
    return CHEK_OK;
}

int
chek_event_log_open(struct chek_io *io, struct chek_event_index *index,
                    const struct chek_event_log_config *config, struct chek_event_log **ret)
{
    char path[64];
    struct chek_event_log *log = chek_memory_allocate(sizeof *log);
    if (log == NULL) {
        return -ENOMEM;
    }
    log->io = io;
    log->index = index;
    log->config = *config;
    log->file = -1;
    int error = log_allocate(log);
    /* A start that did not come as far as its manifest has left a file of this name. */
    for (unsigned attempt = 0; error == CHEK_OK && log->file < 0; attempt++) {
        (void)snprintf(path, sizeof path, CHEK_EVENT_FOLDER "/%012llu-%05u-%03u",
                       (unsigned long long)config->generation, config->stream, attempt);
        log->file = chek_disk_open(io, path, CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_CREATE);
        error = log->file >= 0 || log->file == -EEXIST ? CHEK_OK : log->file;
    }
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(io, CHEK_EVENT_FOLDER);
    }
    if (error != CHEK_OK) {
        chek_event_log_close(log);
        return error;
    }
    *ret = log;
    return CHEK_OK;
}

void
chek_event_log_close(struct chek_event_log *log)
{
    if (log == NULL) {
        return;
    }
    size_t count = log->config.partition_count + 1u;
    if (log->file >= 0) {
        chek_disk_close(log->io, log->file);
    }
    for (size_t i = 0; log->blocks != NULL && i < count; i++) {
        chek_workspace_give(log->blocks[i].body, EVENT_BODY_SIZE_MAX);
    }
    for (unsigned i = 0; i < 2; i++) {
        chek_memory_free(log->buffers[i].queued, QUEUED_COUNT_MAX * sizeof *log->buffers[i].queued);
        if (log->buffers[i].bytes != NULL) {
            chek_memory_release(log->buffers[i].bytes, BUFFER_SIZE);
        }
    }
    chek_memory_free(log->blocks, count * sizeof *log->blocks);
    chek_memory_free(log->lasts, count * sizeof *log->lasts);
    chek_memory_free(log, sizeof *log);
}

/* ---- adding ----------------------------------------------------------------------------------- */

bool
chek_event_log_has_room(const struct chek_event_log *log, size_t event_count)
{
    const struct buffer *buffer = &log->buffers[log->filling];
    /* Every open block may have to move into the buffer, with the events to come. */
    size_t wanted = (log->config.partition_count + 1u) * (size_t)CHEK_EVENT_BLOCK_SIZE_MAX +
                    event_count * (EVENT_SIZE_MAX + 2) * 2;
    size_t blocks = log->config.partition_count + 1u + event_count / 64 + 1;
    return BUFFER_SIZE - buffer->size >= wanted &&
           QUEUED_COUNT_MAX - buffer->queued_count >= blocks;
}

/* Move a partition's open block into the buffer that is being filled. */
static void
block_close(struct chek_event_log *log, uint16_t partition)
{
    struct open_block *block = &log->blocks[partition];
    struct buffer *buffer = &log->buffers[log->filling];
    size_t size = persist__event_block_size(block->size);
    if (block->count == 0) {
        return;
    }
    CHEK_ASSERT(size <= BUFFER_SIZE - buffer->size);
    CHEK_ASSERT(buffer->queued_count < QUEUED_COUNT_MAX);
    uint8_t *at = buffer->bytes + buffer->size;
    struct persist__event_head head = {
        .seq = block->seq, .count = block->count, .size = block->size, .partition = partition};
    memset(at + size - 8, 0, 8);
    persist__event_head_write(&head, log->config.folder_id, block->body, at);
    memcpy(at + EVENT_HEAD_SIZE, block->body, block->size);
    buffer->queued[buffer->queued_count++] =
        (struct queued){.place = {block->seq, buffer->size, block->count, block->size, log->file},
                        .partition = partition};
    buffer->size += size;
    block->size = block->count = 0;
    log->counters.block_count += 1;
}

static bool
block_ready(struct open_block *block)
{
    if (block->body == NULL) {
        /* Once a partition: it is there from the partition's first event on. */
        block->body = chek_workspace_take(EVENT_BODY_SIZE_MAX);
    }
    return block->body != NULL;
}

void
chek_event_log_add(struct chek_event_log *log, uint16_t partition, uint64_t seq,
                   const struct chek_event *event)
{
    struct open_block *block = &log->blocks[partition];
    if (seq <= log->lasts[partition]) {
        return;
    }
    CHEK_ASSERT(seq == log->lasts[partition] + 1);
    if (EVENT_BODY_SIZE_MAX - block->size < EVENT_SIZE_MAX + 2) {
        block_close(log, partition);
    }
    bool ready = block_ready(block);
    CHEK_ASSERT(ready);
    if (block->count == 0) {
        block->seq = seq;
        if (log->oldest_ns == 0) {
            log->oldest_ns = log->now_ns + 1;
        }
    }
    struct chek_writer out = chek_writer_over(block->body + block->size + 2, EVENT_SIZE_MAX);
    chek_event_encode(&out, event);
    CHEK_ASSERT(!out.full);
    chek_store_u16(block->body + block->size, (uint16_t)out.size);
    block->size += (uint32_t)out.size + 2;
    block->count += 1;
    log->lasts[partition] = seq;
    log->counters.event_count += 1;
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void write_begin(struct chek_event_log *log);

static void
log_fail(struct chek_event_log *log, int error)
{
    if (!log->failed) {
        log->failed = true;
        log->config.on_error(log->config.context, error);
    }
}

/* A buffer is durable: its blocks can be found. */
static int
buffer_end(struct chek_event_log *log, struct buffer *buffer)
{
    for (uint32_t i = 0; i < buffer->queued_count; i++) {
        struct queued *queued = &buffer->queued[i];
        queued->place.offset += log->offset;
        int error =
            persist__event_stream_add(&log->index->streams[queued->partition], &queued->place);
        if (error != CHEK_OK) {
            return error;
        }
    }
    log->offset += buffer->size;
    log->counters.written_size += buffer->size;
    log->counters.sync_count += 1;
    buffer->size = 0;
    buffer->queued_count = 0;
    return CHEK_OK;
}

static void
on_synced(struct chek_op *op, int64_t result)
{
    struct chek_event_log *log = CHEK_CONTAINER_OF(op, struct chek_event_log, op);
    log->writing = false;
    int error = result < 0 ? (int)result : buffer_end(log, &log->buffers[1 - log->filling]);
    if (error != CHEK_OK) {
        log_fail(log, error);
        return;
    }
    if (log->buffers[log->filling].size >= WRITE_SIZE_MIN) {
        write_begin(log);
    }
}

static void
on_written(struct chek_op *op, int64_t result)
{
    struct chek_event_log *log = CHEK_CONTAINER_OF(op, struct chek_event_log, op);
    if (result < 0) {
        log->writing = false;
        log_fail(log, (int)result);
        return;
    }
    log->op.on_done = on_synced;
    chek_io_sync(log->io, &log->op, log->file);
}

static void
write_begin(struct chek_event_log *log)
{
    struct buffer *buffer = &log->buffers[log->filling];
    if (log->writing || log->failed || buffer->size == 0) {
        return;
    }
    log->filling = 1 - log->filling;
    log->writing = true;
    log->op.on_done = on_written;
    chek_io_write(log->io, &log->op, log->file, buffer->bytes, buffer->size, log->offset);
}

static void
blocks_close(struct chek_event_log *log)
{
    for (unsigned i = 0; i <= log->config.partition_count; i++) {
        block_close(log, (uint16_t)i);
    }
    log->oldest_ns = 0;
}

void
chek_event_log_turn(struct chek_event_log *log, uint64_t now_ns)
{
    log->now_ns = now_ns;
    if (log->oldest_ns != 0 && now_ns - log->oldest_ns >= WAIT_NS_MAX && !log->writing) {
        blocks_close(log);
        write_begin(log);
    } else if (log->buffers[log->filling].size >= WRITE_SIZE_MIN) {
        write_begin(log);
    }
}

bool
chek_event_log_flush(struct chek_event_log *log)
{
    if (log->oldest_ns != 0) {
        blocks_close(log);
    }
    write_begin(log);
    /* What a failed write had in hand is not coming any more. */
    return !log->failed && !log->writing && log->buffers[log->filling].size == 0;
}

int
chek_event_log_flush_now(struct chek_event_log *log)
{
    struct buffer *buffer = &log->buffers[log->filling];
    CHEK_ASSERT(!log->writing);
    blocks_close(log);
    if (buffer->size == 0) {
        return CHEK_OK;
    }
    int error = chek_disk_write(log->io, log->file, buffer->bytes, buffer->size, log->offset);
    if (error == CHEK_OK) {
        error = chek_disk_sync(log->io, log->file);
    }
    return error != CHEK_OK ? error : buffer_end(log, buffer);
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* The block that holds a number in the buffers: closed, and not yet durable. */
static const struct queued *
queued_find(const struct chek_event_log *log, uint16_t partition, uint64_t seq,
            struct chek_bytes_view *ret_body)
{
    for (unsigned i = 0; i < 2; i++) {
        const struct buffer *buffer = &log->buffers[i];
        for (uint32_t j = 0; j < buffer->queued_count; j++) {
            const struct persist__event_place *place = &buffer->queued[j].place;
            if (buffer->queued[j].partition == partition && seq >= place->seq &&
                seq < place->seq + place->count) {
                *ret_body = chek_bytes_view_of(buffer->bytes + place->offset + EVENT_HEAD_SIZE,
                                               place->size);
                return &buffer->queued[j];
            }
        }
    }
    return NULL;
}

/* Lend entries from number `seq` on out of a body that begins with number `first`. */
static void
entries_lend(struct chek_event_read *read, struct chek_bytes_view body, uint64_t first,
             uint32_t count)
{
    struct chek_cursor in = chek_cursor_over(body.bytes, body.size);
    uint64_t seq = first;
    while (seq < read->seq) {
        (void)chek_cursor_take(&in, chek_cursor_u16(&in));
        seq += 1;
    }
    if (in.error != CHEK_OK) {
        read->on_read(read, CHEK_E_CORRUPT, chek_bytes_view_of(NULL, 0), 0, 0);
        return;
    }
    read->on_read(read, CHEK_OK, chek_bytes_view_of(body.bytes + in.at, body.size - in.at), seq,
                  (uint32_t)(first + count - seq));
}

static void
on_block_read(struct chek_op *op, int64_t result)
{
    struct chek_event_read *read = CHEK_CONTAINER_OF(op, struct chek_event_read, op);
    struct chek_event_log *log = read->log;
    struct persist__event_head head;
    int error = result < 0 ? (int)result : CHEK_OK;

    if (error == CHEK_OK) {
        error = persist__event_head_read(chek_bytes_view_of(read->bytes, (size_t)result),
                                         log->config.folder_id, log->config.partition_count, &head);
    }
    if (error == CHEK_OK) {
        struct chek_bytes_view body = {read->bytes + EVENT_HEAD_SIZE, head.size};
        if ((size_t)result != read->size || head.partition != read->partition ||
            head.size + (size_t)EVENT_HEAD_SIZE != read->size ||
            !persist__event_body_fits(&head, body) || read->seq < head.seq ||
            read->seq >= head.seq + head.count) {
            error = CHEK_E_CORRUPT;
        } else {
            entries_lend(read, body, head.seq, head.count);
            return;
        }
    }
    read->on_read(read, error, chek_bytes_view_of(NULL, 0), 0, 0);
}

void
chek_event_log_read(struct chek_event_log *log, uint16_t partition, uint64_t seq,
                    struct chek_event_read *read)
{
    const struct open_block *block = &log->blocks[partition];
    const struct persist__event_place *place;

    read->log = log;
    read->partition = partition;
    read->seq = seq != 0 ? seq : 1;
    if (block->count != 0 && read->seq >= block->seq && read->seq < block->seq + block->count) {
        entries_lend(read, chek_bytes_view_of(block->body, block->size), block->seq, block->count);
        return;
    }
    place = persist__event_stream_find(&log->index->streams[partition], read->seq);
    if (place == NULL) {
        struct chek_bytes_view body;
        const struct queued *queued = queued_find(log, partition, read->seq, &body);
        if (queued != NULL) {
            entries_lend(read, body, queued->place.seq, queued->place.count);
            return;
        }
        read->on_read(read, CHEK_OK, chek_bytes_view_of(NULL, 0), read->seq, 0);
        return;
    }
    read->size = place->size + (size_t)EVENT_HEAD_SIZE;
    read->op.on_done = on_block_read;
    chek_io_read(log->io, &read->op, place->file, read->bytes, read->size, place->offset);
}

uint64_t
chek_event_log_last(const struct chek_event_log *log, uint16_t partition)
{
    return log->lasts[partition];
}

struct chek_event_log_counters
chek_event_log_count(const struct chek_event_log *log)
{
    return log->counters;
}
