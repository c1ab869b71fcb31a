/* SPDX-License-Identifier: MIT */
/*
 * log.c - append, group, write, sync, hand over: the life of a command in the running log.
 *
 * A group is a run of commands that becomes durable together. Completions come in any order and
 * only change the state of their group; commands are handed over in chek_log_turn(), from the
 * oldest group on, while groups are durable. So the acknowledged part of the log is always a
 * prefix of it, and a sync covers exactly the writes that had completed when it was submitted.
 */
#include "persist/log.h"

#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "persist/log_run.h"

struct log_place
persist__log_place(const struct chek_log *log, uint32_t file)
{
    return (struct log_place){
        .folder_id = {log->config.folder_id[0], log->config.folder_id[1]},
        .generation = log->config.generation,
        .stream = log->config.stream,
        .file = file,
    };
}

void
persist__log_latch(struct chek_log *log, int error)
{
    CHEK_ASSERT(error < 0);
    if (!log->latched) {
        log->latched = true;
        log->config.on_latch(log->config.context, error);
    }
}

/* ---- groups -------------------------------------------------------------------------------- */

/* Whether a group of `payload_size` bytes has a place, here or in the prepared file. */
static bool
group_has_place(const struct chek_log *log, size_t payload_size)
{
    return payload_size <= log->group_capacity &&
           (log_block_count(payload_size) <= log_file_blocks_left(log) || log->next != NULL);
}

/* Lay the group out in blocks. */
static void
group_encode(const struct log_group *group, uint32_t block_count, uint16_t flags)
{
    const struct log_place place = persist__log_place(group->log, group->file->number);
    struct log_head head = {
        .durable_lsn = group->log->durable_lsn,
        .file_block_count = group->file->block_count,
    };
    for (uint32_t i = 0; i < block_count; i++) {
        size_t at = (size_t)i * LOG_PAYLOAD_SIZE;
        size_t left = group->payload_size - at;
        head.flags = flags & LOG_FLAG_IDLE;
        head.flags |= i == 0 ? LOG_FLAG_GROUP_FIRST : 0;
        head.flags |= i == block_count - 1 ? LOG_FLAG_GROUP_LAST : 0;
        head.payload_size = (uint16_t)(left < LOG_PAYLOAD_SIZE ? left : LOG_PAYLOAD_SIZE);
        head.lsn = group->lsn + at;
        head.block = group->file->block_used + i;
        persist__log_block_encode(group->image + (size_t)i * CHEK_BLOCK_SIZE, &place,
                                  group->file->seed, &head, group->payload + at);
    }
}

#define DELIVER_AHEAD_SIZE 1024

/* Hand the commands of a group over. */
static void
group_deliver(struct log_group *group)
{
    struct chek_log *log = group->log;
    struct chek_cursor in = chek_cursor_over(group->payload, group->payload_size);
    struct chek_log_command batch[CHEK_LOG_BATCH_COUNT];
    uint32_t count = 0;

    while (chek_cursor_left(&in) != 0) {
        uint32_t size = chek_cursor_u32(&in);
        (void)chek_cursor_u32(&in); /* the sum is for the next start */
        batch[count].bytes = chek_cursor_view(&in, size);
        CHEK_ASSERT(in.error == CHEK_OK);
        chek_prefetch(in.bytes + in.at + DELIVER_AHEAD_SIZE); /* it was written a while ago */
        batch[count].lsn = group->lsn + in.at;
        count += 1;
        log->counters.command_count += 1;
        log->counters.command_size += size;
        if (count == CHEK_LOG_BATCH_COUNT || chek_cursor_left(&in) == 0) {
            log->config.on_durable(log->config.context, batch, count);
            count = 0;
        }
    }
}

static void
group_on_durable(struct log_group *group)
{
    struct chek_log *log = group->log;

    group->state = LOG_GROUP_DURABLE;
    chek_waits_add(&log->counters.groups, chek_io_now_ns(log->io) - group->submit_ns);
    if (CHEK_PLANTED(PREFIX_IGNORED) && !group->delivered) {
        group->delivered = true;
        group_deliver(group);
        log->config.on_durable_end(log->config.context, group->lsn + group->payload_size);
    }
}

static void
group_on_write(struct chek_op *op, int64_t result)
{
    struct log_group *group = CHEK_CONTAINER_OF(op, struct log_group, op);
    struct chek_log *log = group->log;

    CHEK_ASSERT(group->state == LOG_GROUP_WRITING);
    if (result < 0) {
        persist__log_latch(log, (int)result);
    }
    if (log->latched) {
        return;
    }
    if (log->counters.method == CHEK_SYNC_DATA_SYNC || CHEK_PLANTED(ACK_BEFORE_SYNC)) {
        group_on_durable(group);
        return;
    }
    group->state = LOG_GROUP_WRITTEN;
    persist__log_file_sync(group->file);
}

static void
file_on_sync(struct chek_op *op, int64_t result)
{
    struct log_file *file = CHEK_CONTAINER_OF(op, struct log_file, sync_op);
    struct chek_log *log = file->log;

    if (result < 0 && CHEK_PLANTED(SYNC_RETRIED)) {
        chek_io_sync(log->io, op, file->file);
        return;
    }
    if (result < 0) {
        persist__log_latch(log, (int)result);
    }
    if (log->latched) {
        return;
    }
    for (unsigned i = 0; i < log->in_flight_count; i++) {
        struct log_group *group = &log->groups[(log->group_first + i) % LOG_RING_COUNT];
        if (group->file == file && group->state == LOG_GROUP_SYNCING) {
            group_on_durable(group);
        }
    }
    persist__log_file_sync(file);
}

void
persist__log_file_sync(struct log_file *file)
{
    struct chek_log *log = file->log;
    bool wanted = false;

    if (file->sync_op.in_flight) {
        return; /* those written meanwhile are not covered by it and get their own */
    }
    for (unsigned i = 0; i < log->in_flight_count; i++) {
        struct log_group *group = &log->groups[(log->group_first + i) % LOG_RING_COUNT];
        if (group->file == file && group->state == LOG_GROUP_WRITTEN) {
            group->state = LOG_GROUP_SYNCING;
            wanted = true;
        }
    }
    if (wanted) {
        log->counters.sync_count += 1;
        file->sync_op.on_done = file_on_sync;
        chek_io_sync(log->io, &file->sync_op, file->file);
    }
}

void
persist__log_group_submit(struct chek_log *log, uint16_t flags)
{
    struct log_group *group = log_filling(log);
    uint32_t block_count = flags & LOG_FLAG_IDLE ? 1 : log_block_count(group->payload_size);

    CHEK_ASSERT(log->in_flight_count < CHEK_LOG_GROUP_COUNT);
    CHEK_ASSERT(group->state == LOG_GROUP_FREE && block_count > 0);
    CHEK_ASSERT(!log->latched && !log->appending);

    group->lsn = log->appended_lsn - group->payload_size;
    if (block_count > log_file_blocks_left(log)) {
        persist__log_file_switch(log);
        log->file_lsn[log->file_last % CHEK_LOG_FILE_COUNT_MAX] = group->lsn;
    }
    group->file = log->current;
    group_encode(group, block_count, flags);

    uint64_t offset = (uint64_t)group->file->block_used * CHEK_BLOCK_SIZE;
    group->file->block_used += block_count;
    group->file->group_count += 1;
    group->state = LOG_GROUP_WRITING;
    group->delivered = false;
    group->submit_ns = chek_io_now_ns(log->io);
    group->op.on_done = group_on_write;
    log->in_flight_count += 1;
    log->idle_marked = (flags & LOG_FLAG_IDLE) != 0;
    log->counters.group_count += 1;
    log->counters.block_count += block_count;
    log->watermark_group_count += 1;
    CHEK_ASSERT(log_filling(log)->payload_size == 0);

    chek_io_write(log->io, &group->op, group->file->file, group->image,
                  (size_t)block_count * CHEK_BLOCK_SIZE, offset);
    if (CHEK_PLANTED(APPLY_BEFORE_SYNC)) {
        group->delivered = true;
        group_deliver(group);
        log->config.on_durable_end(log->config.context, group->lsn + group->payload_size);
    }
}

/* Hand over what is durable, from the oldest group on. */
static void
groups_deliver(struct chek_log *log)
{
    uint64_t begin_lsn = log->durable_lsn;

    while (log->in_flight_count > 0 && !log->latched) {
        struct log_group *group = &log->groups[log->group_first];
        if (group->state != LOG_GROUP_DURABLE) {
            break;
        }
        log->durable_lsn = group->lsn + group->payload_size;
        if (!group->delivered) {
            group_deliver(group);
        }
        persist__log_file_release(group->file);
        group->file = NULL;
        group->payload_size = 0;
        group->state = LOG_GROUP_FREE;
        log->group_first = (log->group_first + 1) % LOG_RING_COUNT;
        log->in_flight_count -= 1;
    }
    if (log->durable_lsn != begin_lsn) {
        log->config.on_durable_end(log->config.context, log->durable_lsn);
    }
}

/* ---- appending ----------------------------------------------------------------------------- */

uint8_t *
chek_log_append_begin(struct chek_log *log, size_t size)
{
    CHEK_ASSERT(!log->appending);
    CHEK_ASSERT(size > 0 && size <= log->group_capacity - CHEK_LOG_COMMAND_OVERHEAD);

    if (log->latched) {
        return NULL;
    }
    struct log_group *group = log_filling(log);
    if (group->payload_size + CHEK_LOG_COMMAND_OVERHEAD + size > log->group_capacity &&
        log->in_flight_count < CHEK_LOG_GROUP_COUNT) {
        persist__log_group_submit(log, 0); /* a full group goes at once */
        group = log_filling(log);
    }
    if (!group_has_place(log, group->payload_size + CHEK_LOG_COMMAND_OVERHEAD + size)) {
        return NULL;
    }
    log->appending = true;
    log->append_reserved = size;
    return group->payload + group->payload_size + CHEK_LOG_COMMAND_OVERHEAD;
}

uint64_t
chek_log_append_end(struct chek_log *log, size_t size)
{
    CHEK_ASSERT(log->appending);
    CHEK_ASSERT(size <= log->append_reserved);

    log->appending = false;
    if (size != 0) {
        struct log_group *group = log_filling(log);
        persist__log_command_encode(group->payload + group->payload_size, size, log->appended_lsn);
        group->payload_size += CHEK_LOG_COMMAND_OVERHEAD + size;
        log->appended_lsn += CHEK_LOG_COMMAND_OVERHEAD + size;
    }
    return log->appended_lsn;
}

/* Whether a group may grow to its capacity and still have a place. */
static bool
group_may_grow(const struct chek_log *log)
{
    return group_has_place(log, log->group_capacity);
}

/* Groups that can still be begun behind the one being filled, each as large as a group can be. */
static size_t
groups_left(const struct chek_log *log)
{
    uint32_t group_block_count = log_block_count(log->group_capacity);
    size_t place_count = log_file_blocks_left(log) / group_block_count;

    if (log->next != NULL) {
        place_count += log->next->block_count / group_block_count;
    }
    place_count -= place_count > 0; /* for the group being filled */
    size_t ring_count = CHEK_LOG_GROUP_COUNT - log->in_flight_count;
    return place_count < ring_count ? place_count : ring_count;
}

size_t
chek_log_room(const struct chek_log *log)
{
    const struct log_group *group = &log->groups[log_filling_index(log)];
    size_t here = group_may_grow(log) ? log->group_capacity
                                      : (size_t)log_file_blocks_left(log) * LOG_PAYLOAD_SIZE;
    CHEK_ASSERT(here >= group->payload_size);
    size_t room = here - group->payload_size + groups_left(log) * log->group_capacity;
    return log->latched || room < CHEK_LOG_COMMAND_OVERHEAD ? 0 : room - CHEK_LOG_COMMAND_OVERHEAD;
}

bool
chek_log_fits(const struct chek_log *log, size_t size)
{
    const struct log_group *group = &log->groups[log_filling_index(log)];
    if (CHEK_LIKELY(!log->latched && log_file_blocks_left(log) >= LOG_GROUP_BLOCK_COUNT_MAX &&
                    group->payload_size + CHEK_LOG_COMMAND_OVERHEAD + size <=
                        log->group_capacity)) {
        return true;
    }
    return chek_log_room(log) >= size;
}

bool
chek_log_has_room(const struct chek_log *log, size_t total_size, size_t size_max)
{
    /* A group that is left because a command did not fit has less than that command free. */
    size_t room = chek_log_room(log);
    size_t waste = groups_left(log) * (size_max + CHEK_LOG_COMMAND_OVERHEAD);
    return total_size <= room && waste <= room - total_size;
}

/* ---- turn ---------------------------------------------------------------------------------- */

void
chek_log_turn(struct chek_log *log)
{
    CHEK_ASSERT(!log->in_turn && !log->appending);

    log->in_turn = true;
    groups_deliver(log);
    if (!log->latched && log_filling(log)->payload_size != 0 &&
        log->in_flight_count < CHEK_LOG_GROUP_COUNT) {
        persist__log_group_submit(log, 0);
    }
    if (!log->latched) {
        persist__log_idle_turn(log);
        persist__log_watermark_turn(log);
        persist__log_job_start(log);
    }
    log->in_turn = false;
}

bool
chek_log_is_idle(const struct chek_log *log)
{
    return log->durable_lsn == log->appended_lsn;
}

bool
chek_log_is_latched(const struct chek_log *log)
{
    return log->latched;
}

static bool
operation_is_in_flight(const struct chek_log *log)
{
    bool in_flight = log->job.op.in_flight || log->idle_op.in_flight || log->watermark_op.in_flight;
    for (unsigned i = 0; i < LOG_RING_COUNT; i++) {
        in_flight |= log->groups[i].op.in_flight;
    }
    for (unsigned i = 0; i < LOG_FILE_SLOT_COUNT; i++) {
        in_flight |= log->files[i].sync_op.in_flight;
    }
    return in_flight;
}

bool
chek_log_is_quiet(const struct chek_log *log)
{
    bool marked = log->idle_marked || log->appended_lsn == 0 ||
                  (!group_has_place(log, 1) && log->counters.prepare_error != 0);
    bool done = chek_log_is_idle(log) && log->in_flight_count == 0 && marked &&
                log->watermark_lsn == log->durable_lsn;
    return (done || log->latched) && !operation_is_in_flight(log);
}

struct chek_log_counters
chek_log_count(const struct chek_log *log)
{
    struct chek_log_counters counters = log->counters;
    counters.durable_lsn = log->durable_lsn;
    counters.appended_lsn = log->appended_lsn;
    return counters;
}

/* ---- open and close ------------------------------------------------------------------------ */

/* All memory of the log in one piece: buffers on whole blocks, for O_DIRECT, then the rest. */
static int
memory_take(struct chek_log *log)
{
    const size_t payload_size = CHEK_LOG_GROUP_SIZE_MAX;
    const size_t image_size = (size_t)LOG_GROUP_BLOCK_COUNT_MAX * CHEK_BLOCK_SIZE;
    const size_t lsn_size = CHEK_LOG_FILE_COUNT_MAX * sizeof *log->file_lsn;

    log->memory_size =
        CHEK_BLOCK_SIZE + LOG_RING_COUNT * (payload_size + image_size) + CHEK_BLOCK_SIZE + lsn_size;
    log->memory = chek_memory_allocate(log->memory_size);
    if (log->memory == NULL) {
        return -ENOMEM;
    }
    uint8_t *at = log->memory + (CHEK_BLOCK_SIZE - (uintptr_t)log->memory % CHEK_BLOCK_SIZE);
    for (unsigned i = 0; i < LOG_RING_COUNT; i++) {
        log->groups[i].log = log;
        log->groups[i].image = at;
        log->groups[i].payload = at + image_size;
        at += image_size + payload_size;
    }
    log->watermark_block = at;
    log->file_lsn = (uint64_t *)(void *)(at + CHEK_BLOCK_SIZE);
    return CHEK_OK;
}

static bool
config_is_valid(const struct chek_log_config *config)
{
    return config->stream <= UINT16_MAX && config->generation != 0 &&
           config->file_size >= CHEK_LOG_FILE_SIZE_MIN &&
           config->file_size % CHEK_BLOCK_SIZE == 0 &&
           config->file_size / CHEK_BLOCK_SIZE <= UINT32_MAX &&
           (config->file_size_first == 0 || config->file_size_first >= CHEK_LOG_FILE_SIZE_MIN) &&
           config->file_size_first <= config->file_size &&
           config->file_size_first % CHEK_BLOCK_SIZE == 0 && config->on_durable != NULL &&
           config->on_durable_end != NULL && config->on_latch != NULL;
}

int
chek_log_open(struct chek_io *io, const struct chek_log_config *config, struct chek_log **ret)
{
    CHEK_ASSERT(config_is_valid(config));

    struct chek_log *log = chek_memory_allocate(sizeof *log);
    if (log == NULL) {
        return -ENOMEM;
    }
    log->io = io;
    log->config = *config;
    size_t file_capacity =
        (size_t)(persist__log_file_size(config, 1) / CHEK_BLOCK_SIZE) * LOG_PAYLOAD_SIZE;
    log->group_capacity =
        file_capacity < CHEK_LOG_GROUP_SIZE_MAX ? file_capacity : CHEK_LOG_GROUP_SIZE_MAX;
    log->watermark_file = -1;
    log->job.filling = -1;

    int error = memory_take(log);
    if (error == CHEK_OK) {
        error = persist__log_files_open(log);
    }
    if (error != CHEK_OK) {
        chek_log_close(log);
        return error;
    }
    *ret = log;
    return CHEK_OK;
}

void
chek_log_close(struct chek_log *log)
{
    if (log == NULL) {
        return;
    }
    CHEK_ASSERT(!operation_is_in_flight(log));
    persist__log_files_close(log);
    chek_memory_free(log->memory, log->memory_size);
    chek_memory_free(log, sizeof *log);
}
