/* SPDX-License-Identifier: MIT */
/*
 * toy_log.c - receive ids, write a group, sync, acknowledge; recover by reading every sector.
 */
#include "tests/sim/toy_log.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"

#define SECTOR_SIZE 512
#define FILE_FLAGS (CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_DIRECT)

static uint8_t *
block_of(struct toy_log *toy)
{
    uintptr_t at = ((uintptr_t)toy->space + TOY_BLOCK_SIZE - 1) / TOY_BLOCK_SIZE * TOY_BLOCK_SIZE;
    return (uint8_t *)at;
}

void
toy_log_path(unsigned file_number, char path[TOY_PATH_MAX])
{
    snprintf(path, TOY_PATH_MAX, "log/%08u", file_number);
}

/* ---- recovery ------------------------------------------------------------------------------ */

static void
recover_sector(struct toy_log *toy, const uint8_t *sector, struct toy_place place)
{
    uint64_t id = chek_load_u64(sector + 8);
    if (chek_load_u64(sector) != chek_checksum(sector + 8, SECTOR_SIZE - 8) || id >= TOY_ID_COUNT ||
        chek_load_u64(sector + 16) != place.file_number) {
        return;
    }
    toy->recovered_twice += toy->states[id] == TOY_DURABLE;
    toy->states[id] = TOY_DURABLE;
    toy->places[id] = place;
}

static int
recover_blocks(struct toy_log *toy, int file, unsigned number)
{
    uint8_t *block = block_of(toy);
    for (uint64_t offset = 0;; offset += TOY_BLOCK_SIZE) {
        int64_t size = chek_disk_read(toy->io, file, block, TOY_BLOCK_SIZE, offset);
        if (size < 0) {
            return (int)size;
        }
        for (int64_t at = 0; at + SECTOR_SIZE <= size; at += SECTOR_SIZE) {
            struct toy_place place = {.file_number = number, .offset = offset + (uint64_t)at};
            recover_sector(toy, block + at, place);
        }
        if (size < TOY_BLOCK_SIZE) {
            return CHEK_OK;
        }
    }
}

/* What was written but not synced before the crash must be synced before it counts. */
static int
recover_file(struct toy_log *toy, unsigned number)
{
    char path[TOY_PATH_MAX];
    toy_log_path(number, path);
    int file = chek_disk_open(toy->io, path, FILE_FLAGS);
    if (file < 0) {
        return file;
    }
    int error = toy->mistake == TOY_TRUSTS_CACHE ? CHEK_OK : chek_disk_sync(toy->io, file);
    if (error == CHEK_OK) {
        error = recover_blocks(toy, file, number);
    }
    chek_disk_close(toy->io, file);
    return error;
}

static void
on_name(void *context, const char *name)
{
    struct toy_log *toy = context;
    unsigned number = (unsigned)strtoul(name, NULL, 10);
    if (number >= toy->next_number) {
        toy->next_number = number + 1;
    }
}

/* Files from 0 to the last; a number may be missing when its creation was lost. */
static int
recover(struct toy_log *toy)
{
    int error = chek_disk_lock(toy->io);
    error = error == CHEK_OK ? chek_disk_make_folder(toy->io, "log") : error;
    error = error == CHEK_OK ? chek_disk_sync_folder(toy->io, "") : error;
    error = error == CHEK_OK ? chek_disk_list(toy->io, "log", on_name, toy) : error;
    if (error == CHEK_OK && toy->mistake != TOY_SKIPS_FOLDER_SYNC) {
        error = chek_disk_sync_folder(toy->io, "log");
    }
    for (unsigned number = 0; error == CHEK_OK && number < toy->next_number; number++) {
        error = recover_file(toy, number);
        error = error == -ENOENT ? CHEK_OK : error;
    }
    return error;
}

/* ---- the log ------------------------------------------------------------------------------- */

/* Make the next file; its name is durable before anything is written to it. */
static int
create_file(struct toy_log *toy)
{
    char path[TOY_PATH_MAX];
    toy_log_path(toy->next_number, path);
    int file = chek_disk_open(toy->io, path, FILE_FLAGS | CHEK_FILE_CREATE);
    if (file < 0) {
        return file;
    }
    int error = CHEK_OK;
    if (toy->mistake != TOY_SKIPS_FOLDER_SYNC) {
        error = chek_disk_sync_folder(toy->io, "log");
    }
    if (error != CHEK_OK) {
        chek_disk_close(toy->io, file);
        return error;
    }
    toy->file = file;
    toy->file_number = toy->next_number++;
    toy->file_group_count = 0;
    return CHEK_OK;
}

static void
rotate_on_worker(void *argument)
{
    struct toy_log *toy = argument;
    chek_disk_close(toy->io, toy->file);
    toy->rotate_result = create_file(toy);
}

static void
answer(struct toy_connection *connection, uint64_t id)
{
    if (connection->out_size + 8 > sizeof(connection->out)) {
        connection->broken = true;
        return;
    }
    chek_store_u64(connection->out + connection->out_size, id);
    connection->out_size += 8;
}

static void
answer_waiters(struct toy_log *toy, uint64_t id)
{
    for (size_t i = 0; i < TOY_WAITER_COUNT; i++) {
        struct toy_waiter *waiter = &toy->waiters[i];
        if (waiter->used && waiter->id == id) {
            waiter->used = false;
            answer(waiter->connection, id);
        }
    }
}

static void
close_group(struct toy_log *toy)
{
    for (size_t i = 0; i < toy->group_count; i++) {
        toy->states[toy->group[i]] = TOY_DURABLE;
        answer_waiters(toy, toy->group[i]);
    }
    if (++toy->file_group_count == TOY_FILE_GROUP_COUNT) {
        chek_io_work(toy->io, &toy->rotate, rotate_on_worker, toy);
        return;
    }
    toy->group_is_open = false;
}

static void
on_rotated(struct chek_op *op, int64_t result)
{
    struct toy_log *toy = CHEK_CONTAINER_OF(op, struct toy_log, rotate);
    toy->latched = result != 0 ? (int)result : toy->rotate_result;
    toy->group_is_open = toy->latched != 0;
}

static void
on_synced(struct chek_op *op, int64_t result)
{
    struct toy_log *toy = CHEK_CONTAINER_OF(op, struct toy_log, sync);
    if (result != 0 && toy->mistake == TOY_RETRIES_FAILED_SYNC) {
        chek_io_sync(toy->io, &toy->sync, toy->file);
        return;
    }
    toy->latched = toy->latched != 0 ? toy->latched : (int)result;
    if (toy->latched == 0 && !toy->write.in_flight) {
        close_group(toy);
    }
}

static void
on_written(struct chek_op *op, int64_t result)
{
    struct toy_log *toy = CHEK_CONTAINER_OF(op, struct toy_log, write);
    toy->latched = toy->latched != 0 ? toy->latched : (int)result;
    if (toy->latched != 0) {
        return;
    }
    if (toy->mistake == TOY_ACKS_BEFORE_SYNC) {
        for (size_t i = 0; i < toy->group_count; i++) {
            answer_waiters(toy, toy->group[i]);
        }
    }
    if (toy->mistake != TOY_SYNCS_BESIDE_WRITE) {
        chek_io_sync(toy->io, &toy->sync, toy->file);
    } else if (!toy->sync.in_flight) {
        close_group(toy);
    }
}

static void
encode_group(struct toy_log *toy, uint64_t offset)
{
    uint8_t *block = block_of(toy);
    memset(block, 0, TOY_BLOCK_SIZE);
    for (size_t i = 0; i < toy->group_count; i++) {
        uint8_t *sector = block + i * SECTOR_SIZE;
        chek_store_u64(sector + 8, toy->group[i]);
        chek_store_u64(sector + 16, toy->file_number);
        memset(sector + 24, (int)(toy->group[i] % 250) + 1, SECTOR_SIZE - 24);
        chek_store_u64(sector, chek_checksum(sector + 8, SECTOR_SIZE - 8));
        toy->places[toy->group[i]] =
            (struct toy_place){.file_number = toy->file_number, .offset = offset + i * SECTOR_SIZE};
    }
}

static void
open_group(struct toy_log *toy)
{
    uint64_t offset = (uint64_t)toy->file_group_count * TOY_BLOCK_SIZE;
    toy->group_count = 0;
    for (uint64_t id = 0; id < TOY_ID_COUNT && toy->group_count < TOY_GROUP_COUNT_MAX; id++) {
        if (toy->states[id] == TOY_QUEUED) {
            toy->states[id] = TOY_WRITING;
            toy->group[toy->group_count++] = id;
        }
    }
    if (toy->group_count == 0) {
        return;
    }
    toy->group_is_open = true;
    encode_group(toy, offset);
    chek_io_write(toy->io, &toy->write, toy->file, block_of(toy), TOY_BLOCK_SIZE, offset);
    if (toy->mistake == TOY_SYNCS_BESIDE_WRITE) {
        chek_io_sync(toy->io, &toy->sync, toy->file);
    }
}

/* ---- connections --------------------------------------------------------------------------- */

static void
forget_waiters(struct toy_connection *connection)
{
    for (size_t i = 0; i < TOY_WAITER_COUNT; i++) {
        struct toy_waiter *waiter = &connection->toy->waiters[i];
        waiter->used = waiter->used && waiter->connection != connection;
    }
}

static void
take_id(struct toy_connection *connection, uint64_t id)
{
    struct toy_log *toy = connection->toy;
    if (id >= TOY_ID_COUNT) {
        connection->broken = true;
        return;
    }
    if (toy->states[id] == TOY_DURABLE) {
        answer(connection, id);
        return;
    }
    for (size_t i = 0; i < TOY_WAITER_COUNT; i++) {
        if (!toy->waiters[i].used) {
            toy->waiters[i] = (struct toy_waiter){.used = true, .id = id, .connection = connection};
            if (toy->states[id] == TOY_UNKNOWN) {
                toy->states[id] = TOY_QUEUED;
            }
            return;
        }
    }
    connection->broken = true; /* busy: the client comes again */
}

static void
on_receive(struct chek_stream *stream, const uint8_t *bytes, size_t size, int error)
{
    struct toy_connection *connection = CHEK_CONTAINER_OF(stream, struct toy_connection, stream);
    if (size == 0 || error != 0) {
        connection->broken = true;
        return;
    }
    for (size_t i = 0; i < size; i++) {
        connection->in[connection->in_size++] = bytes[i];
        if (connection->in_size == sizeof(connection->in)) {
            connection->in_size = 0;
            take_id(connection, chek_load_u64(connection->in));
        }
    }
}

static void
on_sent(struct chek_stream *stream, int error)
{
    struct toy_connection *connection = CHEK_CONTAINER_OF(stream, struct toy_connection, stream);
    connection->sending = false;
    connection->broken = connection->broken || error != 0;
}

static void
on_closed(struct chek_stream *stream)
{
    struct toy_connection *connection = CHEK_CONTAINER_OF(stream, struct toy_connection, stream);
    connection->used = false;
}

static void
on_accept(struct chek_listener *listener, int socket)
{
    struct toy_log *toy = CHEK_CONTAINER_OF(listener, struct toy_log, listener);
    for (size_t i = 0; i < TOY_CONNECTION_COUNT && socket >= 0; i++) {
        struct toy_connection *connection = &toy->connections[i];
        if (!connection->used) {
            *connection = (struct toy_connection){.toy = toy, .used = true};
            connection->stream.on_receive = on_receive;
            connection->stream.on_sent = on_sent;
            connection->stream.on_closed = on_closed;
            chek_stream_start(toy->io, &connection->stream, socket);
            return;
        }
    }
    if (socket >= 0) {
        chek_io_refuse(toy->io, socket);
    }
}

static void
flush(struct toy_connection *connection)
{
    if (connection->stream.closed) {
        return;
    }
    if (connection->broken) {
        forget_waiters(connection);
        chek_stream_close(&connection->stream);
    } else if (!connection->sending && connection->out_size != 0) {
        connection->sending = true;
        memcpy(connection->sent, connection->out, connection->out_size);
        chek_stream_send(&connection->stream, connection->sent, connection->out_size);
        connection->out_size = 0;
    }
}

static void
on_turn(void *context)
{
    struct toy_log *toy = context;
    if (toy->latched == 0 && !toy->group_is_open) {
        open_group(toy);
    }
    for (size_t i = 0; i < TOY_CONNECTION_COUNT; i++) {
        if (toy->connections[i].used) {
            flush(&toy->connections[i]);
        }
    }
}

int
toy_log_start(struct toy_log *toy, struct chek_io *io, enum toy_mistake mistake)
{
    *toy = (struct toy_log){.io = io, .mistake = mistake};
    toy->write.on_done = on_written;
    toy->sync.on_done = on_synced;
    toy->rotate.on_done = on_rotated;
    toy->listener.on_accept = on_accept;
    int error = recover(toy);
    error = error == CHEK_OK ? create_file(toy) : error;
    if (error != CHEK_OK) {
        return error;
    }
    chek_io_set_owner(io, &(struct chek_io_owner){.context = toy, .on_turn = on_turn});
    return chek_io_listen(io, &toy->listener, TOY_ADDRESS);
}
