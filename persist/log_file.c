/* SPDX-License-Identifier: MIT */
/*
 * log_file.c - the log's files: made ahead, used once, let go.
 *
 * A file is written full of zeros and synced, and its name is synced, before a group is placed in
 * it. So writing a group never makes a file longer, cannot run out of space, and leaves zeros where
 * it did not arrive. All of that, and closing and removing, is a worker's job; the shard only
 * switches from one file to the next. The next file is filled as the current one is used, somewhat
 * faster: zeros written as fast as the device takes them make every group wait.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/planted.h"
#include "persist/log_run.h"

#define ZERO_SIZE ((size_t)256 * 1024)
#define FILL_SIZE ((uint64_t)1024 * 1024) /* of one job */
#define PROBE_COUNT 50

/* Never written to. Not constant, so that it takes no room in the program's file. */
static uint8_t zeros[ZERO_SIZE] __attribute__((aligned(CHEK_BLOCK_SIZE)));

uint64_t
persist__log_file_size(const struct chek_log_config *config, uint32_t number)
{
    uint64_t size = config->file_size_first != 0 ? config->file_size_first : config->file_size;
    for (uint32_t i = 1; i < number && size < config->file_size; i++) {
        size = size <= config->file_size / 2 ? size * 2 : config->file_size;
    }
    return size;
}

unsigned
persist__log_file_flags(enum chek_sync_method method)
{
    unsigned flags = CHEK_FILE_WRITE | CHEK_FILE_DIRECT;
    if (method == CHEK_SYNC_DATA_SYNC && !CHEK_PLANTED(ACK_BEFORE_SYNC)) {
        flags |= CHEK_FILE_DATA_SYNC;
    }
    return flags;
}

/* ---- making a file ------------------------------------------------------------------------- */

/* Create a file; one of this name can only be left from a preparation that failed. */
static int
file_create(struct chek_io *io, const char *name)
{
    const unsigned flags = CHEK_FILE_WRITE | CHEK_FILE_CREATE | CHEK_FILE_DIRECT;
    int file = chek_disk_open(io, name, flags);
    if (file == -EEXIST) {
        int error = chek_disk_unlink(io, name);
        file = error != CHEK_OK ? error : chek_disk_open(io, name, flags);
    }
    return file;
}

static int
file_fill(struct chek_io *io, int file, uint64_t from, uint64_t end)
{
    int error = CHEK_OK;
    for (uint64_t at = from; at < end && error == CHEK_OK; at += ZERO_SIZE) {
        size_t part = end - at < ZERO_SIZE ? (size_t)(end - at) : ZERO_SIZE;
        error = chek_disk_write(io, file, zeros, part, at);
    }
    return error;
}

/* Give the space back; whether that works changes nothing. */
static void
file_abandon(struct chek_io *io, int file, const char *name)
{
    chek_disk_close(io, file);
    int ignored = chek_disk_unlink(io, name);
    (void)ignored;
}

/* A file full of zeros: make it and its name durable, and open it for writing. */
static int
file_finish(struct chek_io *io, int file, const char *name, unsigned flags)
{
    int error = chek_disk_sync(io, file);
    if (error == CHEK_OK && !CHEK_PLANTED(FOLDER_NOT_SYNCED)) {
        error = chek_disk_sync_folder(io, CHEK_LOG_FOLDER);
    }
    if (error != CHEK_OK) {
        file_abandon(io, file, name);
        return error;
    }
    chek_disk_close(io, file);
    return chek_disk_open(io, name, flags);
}

int
persist__log_file_prepare(struct chek_io *io, const struct log_place *place, uint64_t size,
                          unsigned flags)
{
    char name[LOG_NAME_SIZE];
    persist__log_name(name, place);

    int file = file_create(io, name);
    if (file < 0) {
        return file;
    }
    int error = file_fill(io, file, 0, size);
    if (error != CHEK_OK) {
        file_abandon(io, file, name);
        return error;
    }
    return file_finish(io, file, name, flags);
}

/* ---- slots --------------------------------------------------------------------------------- */

static struct log_file *
slot_find_free(struct chek_log *log)
{
    for (unsigned i = 0; i < LOG_FILE_SLOT_COUNT; i++) {
        if (log->files[i].state == LOG_FILE_FREE) {
            return &log->files[i];
        }
    }
    return NULL;
}

/* Put a prepared file into a slot. */
static struct log_file *
slot_fill(struct chek_log *log, int file, uint32_t number)
{
    struct log_file *slot = slot_find_free(log);
    CHEK_ASSERT(slot != NULL && !slot->sync_op.in_flight && file >= 0);
    const struct log_place place = persist__log_place(log, number);

    *slot = (struct log_file){
        .log = log,
        .state = LOG_FILE_NEXT,
        .file = file,
        .number = number,
        .seed = persist__log_file_seed(&place),
        .block_count = (uint32_t)(persist__log_file_size(&log->config, number) / CHEK_BLOCK_SIZE),
    };
    return slot;
}

void
persist__log_file_switch(struct chek_log *log)
{
    CHEK_ASSERT(log->next != NULL);
    CHEK_ASSERT(log->next->number == log->file_last + 1);

    struct log_file *old = log->current;
    log->current = log->next;
    log->current->state = LOG_FILE_CURRENT;
    log->next = NULL;
    log->file_last += 1;
    log->counters.file_count += 1;
    old->state = old->group_count != 0 ? LOG_FILE_DRAINING : LOG_FILE_CLOSING;
}

void
persist__log_file_release(struct log_file *file)
{
    CHEK_ASSERT(file->group_count > 0);
    file->group_count -= 1;
    if (file->group_count == 0 && file->state == LOG_FILE_DRAINING) {
        file->state = LOG_FILE_CLOSING;
    }
}

/* ---- the worker's job ---------------------------------------------------------------------- */

/* The manifest says that they are not needed, so it does not matter how far this comes. */
static int
files_remove(struct chek_io *io, struct log_place place, uint32_t first, uint32_t end)
{
    int error = CHEK_OK;
    for (place.file = first; place.file != end && error == CHEK_OK; place.file++) {
        char name[LOG_NAME_SIZE];
        persist__log_name(name, &place);
        error = chek_disk_unlink(io, name);
    }
    return error;
}

/* Write some more zeros to the file that is prepared; the last ones make it ready. */
static void
job_fill(struct log_job *job)
{
    char name[LOG_NAME_SIZE];
    persist__log_name(name, &job->place);

    job->file = -1;
    if (job->filling < 0) {
        job->filled_size = 0;
        job->filling = file_create(job->io, name);
    }
    if (job->filling < 0) {
        job->file = job->filling;
        job->filling = -1;
        return;
    }
    int error = file_fill(job->io, job->filling, job->filled_size, job->fill_end);
    job->filled_size = job->fill_end;
    if (error != CHEK_OK) {
        file_abandon(job->io, job->filling, name);
        job->file = error;
        job->filling = -1;
    } else if (job->filled_size == job->file_size) {
        job->file = file_finish(job->io, job->filling, name, job->file_flags);
        job->filling = -1;
    }
}

static void
job_work(void *argument)
{
    struct log_job *job = argument;

    for (unsigned i = 0; i < job->closing_count; i++) {
        chek_disk_close(job->io, job->closing[i]);
    }
    int ignored = files_remove(job->io, job->place, job->remove_first, job->remove_end);
    (void)ignored;
    if (job->place.file != 0) {
        job_fill(job);
    }
}

static bool
is_space_error(int error)
{
    return error == -ENOSPC || error == -EDQUOT || error == -EFBIG;
}

/*
 * No space for the next file is nothing that was promised: appending stops when the current one is
 * full, and the preparation is tried again. Anything else is a device that cannot be trusted.
 */
static void
job_on_done(struct chek_op *op, int64_t result)
{
    struct chek_log *log = CHEK_CONTAINER_OF(op, struct chek_log, job.op);
    struct log_job *job = &log->job;

    for (unsigned i = 0; i < LOG_FILE_SLOT_COUNT; i++) {
        for (unsigned j = 0; j < job->closing_count; j++) {
            if (log->files[i].state == LOG_FILE_CLOSING && log->files[i].file == job->closing[j]) {
                log->files[i].state = LOG_FILE_FREE;
                log->files[i].file = -1;
            }
        }
    }
    if (result < 0) {
        persist__log_latch(log, (int)result);
    } else if (job->place.file == 0 || job->filling >= 0) {
        return; /* nothing was to be prepared, or it is not whole yet */
    } else if (job->file >= 0) {
        log->next = slot_fill(log, job->file, job->place.file);
        log->counters.prepare_error = CHEK_OK;
    } else if (is_space_error(job->file)) {
        log->counters.prepare_error = job->file;
        log->prepare_retry_ns = chek_io_now_ns(log->io) + LOG_PREPARE_RETRY_NS;
    } else {
        persist__log_latch(log, job->file);
    }
}

/*
 * Whether the file that is prepared is to get more zeros now: half as large a part of it again as
 * is used of the current one.
 */
static bool
prepare_is_due(const struct chek_log *log)
{
    if (log->job.filling >= 0) {
        uint64_t times = (log->job.file_size / CHEK_BLOCK_SIZE + log->current->block_count - 1) /
                         log->current->block_count;
        uint64_t used_size = (uint64_t)log->current->block_used * CHEK_BLOCK_SIZE * times;
        return log->job.filled_size <= used_size + used_size / 2;
    }
    return log->next == NULL && log->file_last - log->file_first < CHEK_LOG_FILE_COUNT_MAX - 2 &&
           log->file_last < UINT32_MAX &&
           (log->counters.prepare_error == CHEK_OK ||
            chek_io_now_ns(log->io) >= log->prepare_retry_ns);
}

void
persist__log_job_start(struct chek_log *log)
{
    struct log_job *job = &log->job;
    if (job->op.in_flight) {
        return;
    }
    job->closing_count = 0;
    for (unsigned i = 0; i < LOG_FILE_SLOT_COUNT; i++) {
        if (log->files[i].state == LOG_FILE_CLOSING) {
            job->closing[job->closing_count++] = log->files[i].file;
        }
    }
    bool prepare = slot_find_free(log) != NULL && prepare_is_due(log);
    bool remove = log->remove_first != log->remove_end;
    if (!prepare && !remove && job->closing_count == 0) {
        return;
    }
    job->io = log->io;
    job->place = persist__log_place(log, prepare ? log->file_last + 1 : 0);
    job->file_size = persist__log_file_size(&log->config, log->file_last + 1);
    uint64_t filled_size = job->filling >= 0 ? job->filled_size : 0;
    uint64_t left = job->file_size - filled_size;
    job->fill_end = filled_size + (left < FILL_SIZE ? left : FILL_SIZE);
    job->file_flags = persist__log_file_flags(log->counters.method);
    job->remove_first = log->remove_first;
    job->remove_end = log->remove_end;
    log->remove_first = log->remove_end;
    job->op.on_done = job_on_done;
    chek_io_work(log->io, &job->op, job_work, job);
}

/* ---- truncation ---------------------------------------------------------------------------- */

/* The oldest file that is needed when everything below `lsn` is not. */
static uint32_t
file_at(const struct chek_log *log, uint64_t lsn)
{
    CHEK_ASSERT(lsn <= log->durable_lsn);
    uint32_t number = log->file_first;
    while (number < log->file_last &&
           log->file_lsn[(number + 1) % CHEK_LOG_FILE_COUNT_MAX] <= lsn) {
        number += 1;
    }
    return number;
}

struct chek_log_known
chek_log_known_at(const struct chek_log *log, uint64_t lsn)
{
    uint32_t number = file_at(log, lsn);
    return (struct chek_log_known){
        .generation = log->config.generation,
        .stream = log->config.stream,
        .file_first = number,
        .lsn_first = log->file_lsn[number % CHEK_LOG_FILE_COUNT_MAX],
    };
}

void
chek_log_truncate(struct chek_log *log, uint64_t lsn)
{
    log->file_first = file_at(log, lsn);
    log->remove_end = log->file_first;
}

/* ---- open and close ------------------------------------------------------------------------ */

/* Nanoseconds of PROBE_COUNT durable writes of one block, one after another. */
static int
probe_one(struct chek_log *log, const char *name, enum chek_sync_method method, uint64_t *ret_ns)
{
    int file = chek_disk_open(log->io, name, persist__log_file_flags(method));
    if (file < 0) {
        return file;
    }
    int error = CHEK_OK;
    uint64_t block_count = persist__log_file_size(&log->config, 1) / CHEK_BLOCK_SIZE;
    uint64_t begin_ns = chek_io_now_ns(log->io);
    for (unsigned i = 0; i < PROBE_COUNT && error == CHEK_OK; i++) {
        uint64_t block = i % block_count;
        error = chek_disk_write(log->io, file, zeros, CHEK_BLOCK_SIZE, block * CHEK_BLOCK_SIZE);
        if (error == CHEK_OK && method == CHEK_SYNC_WRITE_SYNC) {
            error = chek_disk_sync(log->io, file);
        }
    }
    *ret_ns = chek_io_now_ns(log->io) - begin_ns;
    chek_disk_close(log->io, file);
    return error;
}

/* Measure both ways on the first file, which holds zeros before and after. */
static int
probe(struct chek_log *log, const char *name, enum chek_sync_method *ret)
{
    uint64_t data_sync_ns = 0, write_sync_ns = 0;
    int error = probe_one(log, name, CHEK_SYNC_DATA_SYNC, &data_sync_ns);
    if (error == CHEK_OK) {
        error = probe_one(log, name, CHEK_SYNC_WRITE_SYNC, &write_sync_ns);
    }
    if (error == CHEK_OK) {
        *ret = write_sync_ns < data_sync_ns ? CHEK_SYNC_WRITE_SYNC : CHEK_SYNC_DATA_SYNC;
    }
    return error;
}

/* The watermark's file, with both copies unwritten; its name is synced with the first file's. */
static int
watermark_create(struct chek_log *log)
{
    const struct log_place place = persist__log_place(log, 0);
    char name[LOG_NAME_SIZE];
    persist__log_name(name, &place);

    int file = file_create(log->io, name);
    if (file < 0) {
        return file;
    }
    int error = file_fill(log->io, file, 0, LOG_WATERMARK_COPY_COUNT * CHEK_BLOCK_SIZE);
    if (error == CHEK_OK) {
        error = chek_disk_sync(log->io, file);
    }
    chek_disk_close(log->io, file);
    if (error != CHEK_OK) {
        return error;
    }
    /* Always O_DSYNC: it is written rarely, and then it is durable without a sync of its own. */
    return chek_disk_open(log->io, name, CHEK_FILE_WRITE | CHEK_FILE_DIRECT | CHEK_FILE_DATA_SYNC);
}

int
persist__log_files_open(struct chek_log *log)
{
    const struct log_place place = persist__log_place(log, 1);
    char name[LOG_NAME_SIZE];
    persist__log_name(name, &place);

    int error = chek_disk_make_folder(log->io, CHEK_LOG_FOLDER);
    if (error == CHEK_OK) {
        error = chek_disk_sync_folder(log->io, "");
    }
    if (error != CHEK_OK) {
        return error;
    }
    log->watermark_file = watermark_create(log);
    if (log->watermark_file < 0) {
        return log->watermark_file;
    }
    enum chek_sync_method method = log->config.method;
    int file = persist__log_file_prepare(log->io, &place, persist__log_file_size(&log->config, 1),
                                         persist__log_file_flags(method));
    if (file >= 0 && method == CHEK_SYNC_PROBE) {
        chek_disk_close(log->io, file);
        error = probe(log, name, &method);
        file = error != CHEK_OK ? error
                                : chek_disk_open(log->io, name, persist__log_file_flags(method));
    }
    if (file < 0) {
        return file;
    }
    log->counters.method = method;
    log->counters.file_count = 1;
    log->file_first = log->file_last = log->remove_first = log->remove_end = 1;
    log->current = slot_fill(log, file, 1);
    log->current->state = LOG_FILE_CURRENT;
    return CHEK_OK;
}

void
persist__log_files_close(struct chek_log *log)
{
    if (log->job.filling >= 0) {
        char name[LOG_NAME_SIZE];
        const struct log_place place = persist__log_place(log, log->file_last + 1);
        persist__log_name(name, &place);
        file_abandon(log->io, log->job.filling, name);
    }
    for (unsigned i = 0; i < LOG_FILE_SLOT_COUNT; i++) {
        if (log->files[i].state != LOG_FILE_FREE) {
            chek_disk_close(log->io, log->files[i].file);
        }
    }
    if (log->watermark_file >= 0) {
        chek_disk_close(log->io, log->watermark_file);
    }
}
