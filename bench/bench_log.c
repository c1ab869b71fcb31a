/* SPDX-License-Identifier: MIT */
/*
 * bench_log.c - what a command costs on its way into the log, and how fast a device takes groups.
 *
 *   form   append, lay out in blocks with sums, hand over; no device (330 bytes a command)
 *   write  groups of the given size, up to four in flight, on a real file below TMPDIR
 */
#define _XOPEN_SOURCE 700 /* nftw */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/io/uring.h"
#include "persist/log.h"

#define COMMAND_SIZE 330
#define FILE_SIZE_WRITE (256 * 1024 * 1024)

/* ---- without a device ---------------------------------------------------------------------- */

/* A door behind which every operation succeeds at once, or rather when it is asked to. */
struct void_io {
    struct chek_io io;
    struct chek_op *pending[16];
    unsigned pending_count;
    uint64_t now_ns;
};

static struct void_io *
void_of(struct chek_io *io)
{
    return CHEK_CONTAINER_OF(io, struct void_io, io);
}

static void
void_submit(struct chek_io *io, struct chek_op *op)
{
    struct void_io *none = void_of(io);
    none->pending[none->pending_count++] = op;
}

static uint64_t
void_now_ns(struct chek_io *io)
{
    return void_of(io)->now_ns += 1000;
}

static int
void_open(struct chek_io *io, const char *path, unsigned flags)
{
    (void)io;
    (void)path;
    (void)flags;
    return 1;
}

static void
void_close(struct chek_io *io, int file)
{
    (void)io;
    (void)file;
}

static int
void_write(struct chek_io *io, int file, const void *bytes, size_t size, uint64_t offset)
{
    (void)io;
    (void)file;
    (void)bytes;
    (void)size;
    (void)offset;
    return CHEK_OK;
}

static int
void_sync(struct chek_io *io, int file)
{
    (void)io;
    (void)file;
    return CHEK_OK;
}

static int
void_path(struct chek_io *io, const char *path)
{
    (void)io;
    (void)path;
    return CHEK_OK;
}

static const struct chek_io_table void_table = {
    .submit = void_submit,
    .now_ns = void_now_ns,
    .open = void_open,
    .close = void_close,
    .write = void_write,
    .sync = void_sync,
    .make_folder = void_path,
    .unlink = void_path,
    .sync_folder = void_path,
};

static void
void_complete(struct void_io *none)
{
    while (none->pending_count > 0) {
        struct chek_op *op = none->pending[--none->pending_count];
        op->in_flight = false;
        if (op->kind == CHEK_OP_WORK) {
            op->work(op->argument);
        }
        op->on_done(op, 0);
    }
}

static void
on_durable(void *context, const struct chek_log_command *commands, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        *(uint64_t *)context += commands[i].lsn + commands[i].bytes.bytes[0];
    }
}

static void
on_durable_end(void *context, uint64_t lsn)
{
    *(uint64_t *)context += lsn;
}

static void
on_latch(void *context, int error)
{
    (void)context;
    CHEK_ASSERT(error == CHEK_OK);
}

/* One turn is a group of `argument` commands. */
static void
run_form(struct chek_bench_state *state)
{
    static const uint8_t command[COMMAND_SIZE] = {1, 2, 3};
    size_t count = (size_t)chek_bench_argument(state);
    struct void_io none = {.io = {.table = &void_table, .shard_count = 1}};
    uint64_t sum = 0;
    struct chek_log *log = NULL;
    const struct chek_log_config config = {
        .generation = 1,
        .file_size = CHEK_LOG_FILE_SIZE_DEFAULT,
        .method = CHEK_SYNC_DATA_SYNC,
        .context = &sum,
        .on_durable = on_durable,
        .on_durable_end = on_durable_end,
        .on_latch = on_latch,
    };
    if (chek_log_open(&none.io, &config, &log) != CHEK_OK) {
        chek_bench_fail(state, "the log does not open");
        return;
    }
    while (chek_bench_next(state)) {
        for (size_t i = 0; i < count; i++) {
            uint8_t *at = chek_log_append_begin(log, COMMAND_SIZE);
            if (at == NULL) { /* the file is full, or too much has been let go */
                chek_log_turn(log);
                void_complete(&none);
                chek_log_turn(log);
                chek_log_truncate(log, chek_log_count(log).durable_lsn);
                continue;
            }
            memcpy(at, command, COMMAND_SIZE);
            (void)chek_log_append_end(log, COMMAND_SIZE);
        }
        chek_log_turn(log);
        void_complete(&none);
        chek_log_turn(log);
    }
    chek_bench_keep(sum);
    chek_bench_set_items(state, count);
    chek_bench_set_bytes(state, count * COMMAND_SIZE);
    void_complete(&none);
    chek_log_close(log);
}

/* ---- on a device --------------------------------------------------------------------------- */

/* A writer that keeps the log full of groups of one size. */
struct writer {
    struct chek_bench_state *state;
    struct chek_uring_group *group;
    struct chek_io *io;
    struct chek_log *log;
    size_t group_size;
    uint64_t begin_ns, end_ns, durable_size;
    bool ended;
    int error;
};

static void
writer_on_durable(void *context, const struct chek_log_command *commands, uint32_t count)
{
    struct writer *writer = context;
    for (uint32_t i = 0; i < count; i++) {
        writer->durable_size += commands[i].bytes.size;
    }
}

static void
writer_on_durable_end(void *context, uint64_t lsn)
{
    (void)context;
    (void)lsn;
}

static void
writer_on_latch(void *context, int error)
{
    struct writer *writer = context;
    writer->error = error;
    chek_uring_stop(writer->group);
}

/* Fill the group being filled up to the size that is measured. */
static void
writer_fill(struct writer *writer)
{
    size_t size = 0;
    while (size + COMMAND_SIZE + CHEK_LOG_COMMAND_OVERHEAD <= writer->group_size) {
        uint8_t *at = chek_log_append_begin(writer->log, COMMAND_SIZE);
        if (at == NULL) {
            return;
        }
        memset(at, 0x42, COMMAND_SIZE);
        (void)chek_log_append_end(writer->log, COMMAND_SIZE);
        size += COMMAND_SIZE + CHEK_LOG_COMMAND_OVERHEAD;
    }
}

static void
writer_on_turn(void *context)
{
    struct writer *writer = context;
    uint64_t before = writer->durable_size;

    chek_log_turn(writer->log);
    if (writer->durable_size != before && !writer->ended && !chek_bench_next(writer->state)) {
        writer->ended = true;
        writer->end_ns = chek_io_now_ns(writer->io);
        chek_uring_stop(writer->group);
    }
    for (unsigned i = 0; i < CHEK_LOG_GROUP_COUNT && !writer->ended; i++) {
        const struct chek_log_counters counters = chek_log_count(writer->log);
        if (counters.appended_lsn - counters.durable_lsn >=
            (CHEK_LOG_GROUP_COUNT - 1) * writer->group_size) {
            break;
        }
        writer_fill(writer);
        chek_log_turn(writer->log);
    }
    uint64_t lsn = chek_log_count(writer->log).durable_lsn;
    if (lsn % (64 * 1024 * 1024) < writer->group_size) {
        chek_log_truncate(writer->log, lsn);
    }
}

static int
entry_remove(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

static int
writer_run(struct writer *writer, enum chek_sync_method method)
{
    const struct chek_log_config config = {
        .generation = 1,
        .file_size = FILE_SIZE_WRITE,
        .method = method,
        .context = writer,
        .on_durable = writer_on_durable,
        .on_durable_end = writer_on_durable_end,
        .on_latch = writer_on_latch,
    };
    int error = chek_log_open(writer->io, &config, &writer->log);
    if (error != CHEK_OK) {
        return error;
    }
    chek_io_set_owner(writer->io,
                      &(struct chek_io_owner){.context = writer, .on_turn = writer_on_turn});
    writer->begin_ns = chek_io_now_ns(writer->io);
    error = chek_uring_run(writer->io);
    return error != CHEK_OK ? error : writer->error;
}

static void
run_write(struct chek_bench_state *state, enum chek_sync_method method)
{
    char folder[256];
    const char *root = getenv("TMPDIR");
    (void)snprintf(folder, sizeof folder, "%s/chek-bench-XXXXXX", root != NULL ? root : "/tmp");
    struct writer writer = {.state = state, .group_size = (size_t)chek_bench_argument(state)};
    if (chek_uring_probe(NULL, 0) != CHEK_OK || mkdtemp(folder) == NULL) {
        chek_bench_fail(state, "no io_uring, or no folder");
        return;
    }
    int error = chek_uring_group_create(folder, 1, NULL, &writer.group);
    if (error == CHEK_OK) {
        writer.io = chek_uring_io(writer.group, 0);
        error = writer_run(&writer, method);
    }
    if (error != CHEK_OK) {
        chek_bench_fail(state, chek_error_text(error));
    } else {
        const struct chek_log_counters counters = chek_log_count(writer.log);
        double seconds = (double)(writer.end_ns - writer.begin_ns) / 1e9;
        chek_bench_set_counter(state, "MB/s", (double)writer.durable_size / seconds / 1e6);
        chek_bench_set_counter(state, "groups/s", (double)counters.group_count / seconds);
        chek_bench_set_counter(state, "us_mean",
                               (double)counters.groups.sum_ns / 1e3 / (double)counters.group_count);
        chek_bench_set_counter(state, "us_max", (double)counters.groups.max_ns / 1e3);
    }
    chek_log_close(writer.log);
    chek_uring_group_destroy(writer.group);
    (void)nftw(folder, entry_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void
run_write_data_sync(struct chek_bench_state *state)
{
    run_write(state, CHEK_SYNC_DATA_SYNC);
}

static void
run_write_sync(struct chek_bench_state *state)
{
    run_write(state, CHEK_SYNC_WRITE_SYNC);
}

void
chek_bench_cases(void)
{
    static const int64_t counts[] = {1, 10, 190, 700};
    static const int64_t sizes[] = {3900, 64 * 1024, 250 * 1024};

    chek_bench_add_each("form", run_form, counts, CHEK_COUNT(counts));
    chek_bench_add_each("write_data_sync", run_write_data_sync, sizes, CHEK_COUNT(sizes));
    chek_bench_add_each("write_then_sync", run_write_sync, sizes, CHEK_COUNT(sizes));
}
