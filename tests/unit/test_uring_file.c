/* SPDX-License-Identifier: MIT */
/* Files through the ring: all or an error, each op completed once, whatever the ring's size. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tests/unit/table.h"
#include "tests/unit/uring_fixture.h"

#define NEVER INT64_MIN

struct transfer {
    struct chek_op op;
    struct uring_fixture *fixture;
    int64_t result;
    unsigned done_count;
};

static void
on_transfer(struct chek_op *op, int64_t result)
{
    struct transfer *transfer = CHEK_CONTAINER_OF(op, struct transfer, op);

    transfer->result = result;
    transfer->done_count += 1;
    CHEK_ASSERT(!op->in_flight);
    chek_uring_stop(transfer->fixture->group);
}

static struct transfer
transfer_of(struct uring_fixture *fixture)
{
    return (struct transfer){.op.on_done = on_transfer, .fixture = fixture, .result = NEVER};
}

static int
file_create(struct uring_fixture *fixture, const char *name, unsigned flags)
{
    int file = chek_disk_open(chek_uring_io(fixture->group, 0), name,
                              CHEK_FILE_READ | CHEK_FILE_WRITE | CHEK_FILE_CREATE | flags);
    assert_true(file >= 0);
    return file;
}

static uint8_t *
random_bytes(struct uring_fixture *fixture, size_t size)
{
    uint8_t *bytes = aligned_alloc(4096, size);
    assert_non_null(bytes);
    chek_io_random(chek_uring_io(fixture->group, 0), bytes, size);
    return bytes;
}

/* ---- one op a run ------------------------------------------------------------------------------ */

/*
 * A file of `file_size` bytes, opened with `flags`; read `size` at `offset` and want `want`, after
 * asking the kernel `ask_count` times: again only when a block was full and more may follow.
 */
static struct read_case {
    const char *name;
    unsigned flags;
    size_t file_size, size;
    uint64_t offset;
    int64_t want;
    unsigned ask_count;
} read_cases[] = {
    {"read_of_a_whole_file", 0, 1 << 20, 1 << 20, 0, 1 << 20, 1},
    {"read_in_the_middle", 0, 10000, 5000, 1234, 5000, 1},
    {"read_across_the_end_is_short", 0, 10000, 8192, 5000, 5000, 1},
    {"read_at_the_end_is_empty", 0, 10000, 100, 10000, 0, 1},
    {"read_behind_the_end_is_empty", 0, 10000, 100, 1 << 20, 0, 1},
    {"read_of_an_empty_file_is_empty", 0, 0, 100, 0, 0, 1},
    {"read_of_nothing_is_empty", 0, 10000, 0, 0, 0, 1},
    {"direct_read_of_a_whole_file", CHEK_FILE_DIRECT, 1 << 20, 1 << 20, 0, 1 << 20, 1},
    {"direct_read_across_the_end_is_short", CHEK_FILE_DIRECT, 10000, 16384, 4096, 5904, 1},
    {"direct_read_across_an_aligned_end_is_short", CHEK_FILE_DIRECT, 8192, 16384, 0, 8192, 2},
};

static void
test_read(void **state)
{
    const struct read_case *c = *state;
    struct uring_fixture fixture;
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    uint8_t *bytes = random_bytes(&fixture, 1 << 20);
    uint8_t *got = random_bytes(&fixture, 1 << 20);
    int plain = file_create(&fixture, "data", 0);
    assert_int_equal(chek_disk_write(io, plain, bytes, c->file_size, 0), CHEK_OK);
    int file = chek_disk_open(io, "data", CHEK_FILE_READ | c->flags);
    assert_true(file >= 0);

    struct transfer transfer = transfer_of(&fixture);
    chek_io_read(io, &transfer.op, file, got, c->size, c->offset);
    assert_int_equal(transfer.result, NEVER);
    assert_int_equal(chek_uring_run(io), CHEK_OK);

    assert_int_equal(transfer.done_count, 1);
    assert_int_equal(transfer.result, c->want);
    /* The wake-up, and what takes it back at the end, go through the ring, too. */
    assert_int_equal(chek_uring_count(io).submission_count, 2 + c->ask_count);
    assert_memory_equal(got, bytes + (c->want > 0 ? c->offset : 0), (size_t)c->want);
    chek_disk_close(io, file);
    chek_disk_close(io, plain);
    free(got);
    free(bytes);
    uring_fixture_close(&fixture);
}

static struct write_case {
    const char *name;
    unsigned flags;
    size_t size;
    uint64_t offset;
} write_cases[] = {
    {"write_of_one_byte", 0, 1, 0},
    {"write_of_nothing", 0, 0, 0},
    {"write_of_a_mebibyte_behind_a_hole", 0, 1 << 20, 777},
    {"direct_write_of_a_mebibyte", CHEK_FILE_DIRECT, 1 << 20, 4096},
    {"direct_synced_write_of_a_block", CHEK_FILE_DIRECT | CHEK_FILE_DATA_SYNC, 4096, 0},
};

static void
test_write(void **state)
{
    const struct write_case *c = *state;
    struct uring_fixture fixture;
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    uint8_t *bytes = random_bytes(&fixture, 1 << 20);
    uint8_t *got = random_bytes(&fixture, 1 << 20);
    int file = file_create(&fixture, "data", c->flags);

    struct transfer transfer = transfer_of(&fixture);
    chek_io_write(io, &transfer.op, file, bytes, c->size, c->offset);
    assert_int_equal(chek_uring_run(io), CHEK_OK);

    assert_int_equal(transfer.done_count, 1);
    assert_int_equal(transfer.result, 0);
    int plain = chek_disk_open(io, "data", CHEK_FILE_READ);
    assert_int_equal(chek_disk_size(io, plain), c->size > 0 ? c->offset + c->size : 0);
    assert_int_equal(chek_disk_read(io, plain, got, 1 << 20, c->offset), c->size);
    assert_memory_equal(got, bytes, c->size);
    chek_disk_close(io, plain);
    chek_disk_close(io, file);
    free(got);
    free(bytes);
    uring_fixture_close(&fixture);
}

static void
test_write_to_a_file_opened_for_reading_fails(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    uint8_t byte = 1;
    chek_disk_close(io, file_create(&fixture, "data", 0));
    int file = chek_disk_open(io, "data", CHEK_FILE_READ);

    struct transfer transfer = transfer_of(&fixture);
    chek_io_write(io, &transfer.op, file, &byte, 1, 0);
    assert_int_equal(chek_uring_run(io), CHEK_OK);

    assert_int_equal(transfer.result, -EBADF);
    chek_disk_close(io, file);
    uring_fixture_close(&fixture);
}

static void
test_sync_of_a_file_and_of_a_pipe(void **state)
{
    (void)state;
    for (unsigned of_pipe = 0; of_pipe < 2; of_pipe++) {
        struct uring_fixture fixture;
        int ends[2];
        uring_fixture_open(&fixture, 1, NULL);
        struct chek_io *io = chek_uring_io(fixture.group, 0);
        assert_int_equal(pipe(ends), 0);
        int file = file_create(&fixture, "data", 0);

        struct transfer transfer = transfer_of(&fixture);
        chek_io_sync(io, &transfer.op, of_pipe ? ends[0] : file);
        assert_int_equal(chek_uring_run(io), CHEK_OK);

        assert_int_equal(transfer.result, of_pipe ? -EINVAL : 0);
        close(ends[0]);
        close(ends[1]);
        chek_disk_close(io, file);
        uring_fixture_close(&fixture);
    }
}

/* ---- short writes ------------------------------------------------------------------------------ */

struct pipe_reader {
    int file;
    uint8_t *bytes;
    size_t size;
    bool all;
};

static void *
pipe_read_slowly(void *argument)
{
    struct pipe_reader *reader = argument;
    size_t done_size = 0;

    while (done_size < reader->size) {
        size_t rest = reader->size - done_size;
        ssize_t got = read(reader->file, reader->bytes + done_size, rest < 10007 ? rest : 10007);
        if (got <= 0) {
            return NULL;
        }
        done_size += (size_t)got;
    }
    reader->all = true;
    return NULL;
}

/* A pipe takes 64 KiB at a time: the kernel writes short, the op must not. */
static void
test_short_writes_are_continued(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    int ends[2];
    size_t size = 1 << 20;
    pthread_t thread;
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    uint8_t *bytes = random_bytes(&fixture, size);
    assert_int_equal(pipe(ends), 0);
    struct pipe_reader reader = {
        .file = ends[0], .bytes = random_bytes(&fixture, size), .size = size};
    assert_int_equal(pthread_create(&thread, NULL, pipe_read_slowly, &reader), 0);

    struct transfer transfer = transfer_of(&fixture);
    chek_io_write(io, &transfer.op, ends[1], bytes, size, 0);
    assert_int_equal(chek_uring_run(io), CHEK_OK);
    close(ends[1]);
    pthread_join(thread, NULL);

    assert_int_equal(transfer.done_count, 1);
    assert_int_equal(transfer.result, 0);
    assert_true(reader.all);
    assert_memory_equal(reader.bytes, bytes, size);
    assert_true(chek_uring_count(io).submission_count > 3); /* the wake-up, and several writes */
    close(ends[0]);
    free(reader.bytes);
    free(bytes);
    uring_fixture_close(&fixture);
}

/* In a process whose files may have 100,000 bytes: the kernel writes that much, then refuses. */
static int
child_with_file_limit(void)
{
    struct uring_fixture fixture;
    uint8_t *bytes = calloc(1, 1 << 20);
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    int file = chek_disk_open(io, "data", CHEK_FILE_WRITE | CHEK_FILE_CREATE);
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){100000, 100000});

    struct transfer transfer = transfer_of(&fixture);
    chek_io_write(io, &transfer.op, file, bytes, 1 << 20, 0);
    CHEK_ASSERT(chek_uring_run(io) == CHEK_OK);

    CHEK_ASSERT(chek_disk_size(io, file) == 100000);
    CHEK_ASSERT(transfer.done_count == 1);
    int error = (int)transfer.result;
    chek_disk_close(io, file);
    uring_fixture_close(&fixture);
    free(bytes);
    return -error;
}

static void
test_write_over_the_size_limit_is_an_error(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        _exit(child_with_file_limit());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), EFBIG);
}

/* ---- no space ---------------------------------------------------------------------------------- */

static void
test_write_to_a_full_device_is_an_error(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    uint8_t bytes[4096] = {0};
    int file = open("/dev/full", O_WRONLY | O_CLOEXEC);
    assert_true(file >= 0);
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);

    struct transfer transfer = transfer_of(&fixture);
    chek_io_write(io, &transfer.op, file, bytes, sizeof bytes, 0);
    assert_int_equal(chek_uring_run(io), CHEK_OK);

    assert_int_equal(transfer.done_count, 1);
    assert_int_equal(transfer.result, -ENOSPC);
    close(file);
    uring_fixture_close(&fixture);
}

#define CANNOT_MOUNT 77

static bool
file_fill(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    if (file < 0) {
        return false;
    }
    bool written = write(file, text, strlen(text)) == (ssize_t)strlen(text);
    close(file);
    return written;
}

/* Be root in a name space of our own, where a file system can be mounted that nobody else sees. */
static bool
name_space_enter(void)
{
    char user[32];
    char group[32];

    snprintf(user, sizeof user, "0 %u 1", geteuid());
    snprintf(group, sizeof group, "0 %u 1", getegid());
    return unshare(CLONE_NEWUSER | CLONE_NEWNS) == 0 && file_fill("/proc/self/setgroups", "deny") &&
           file_fill("/proc/self/uid_map", user) && file_fill("/proc/self/gid_map", group) &&
           mount("none", "/tmp", "tmpfs", 0, "size=256k") == 0;
}

/* A file system of 256 KiB takes a part of the write, then no more. */
static int
child_with_small_file_system(void)
{
    struct uring_fixture fixture;
    uint8_t *bytes = calloc(1, 1 << 20);
    if (!name_space_enter()) {
        return CANNOT_MOUNT;
    }
    setenv("TMPDIR", "/tmp", 1);
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    int file = chek_disk_open(io, "data", CHEK_FILE_WRITE | CHEK_FILE_CREATE);

    struct transfer transfer = transfer_of(&fixture);
    chek_io_write(io, &transfer.op, file, bytes, 1 << 20, 0);
    CHEK_ASSERT(chek_uring_run(io) == CHEK_OK);

    CHEK_ASSERT(transfer.done_count == 1);
    int64_t written_size = chek_disk_size(io, file);
    CHEK_ASSERT(written_size > 0 && written_size <= 262144);
    int error = (int)transfer.result;
    chek_disk_close(io, file);
    uring_fixture_close(&fixture);
    free(bytes);
    return -error;
}

static void
test_write_over_the_free_space_is_an_error(void **state)
{
    (void)state;
    int status;
    pid_t child = fork();
    if (child == 0) {
        _exit(child_with_small_file_system());
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == CANNOT_MOUNT) {
        print_message("not run: a file system cannot be mounted here\n");
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), ENOSPC);
}

/* ---- many ops ---------------------------------------------------------------------------------- */

#define BATCH_COUNT 700
#define BATCH_SIZE 512

/* Each cell is written, synced and read again, from inside the completions before. */
struct cell {
    struct chek_op op;
    struct batch *batch;
    unsigned step;
    uint8_t bytes[BATCH_SIZE], got[BATCH_SIZE];
};

struct batch {
    struct uring_fixture fixture;
    struct chek_io *io;
    int file;
    unsigned rest_count;
    struct cell *cells;
};

static void
on_cell(struct chek_op *op, int64_t result)
{
    struct cell *cell = CHEK_CONTAINER_OF(op, struct cell, op);
    struct batch *batch = cell->batch;
    uint64_t offset = (uint64_t)(cell - batch->cells) * BATCH_SIZE;

    cell->step += 1;
    switch (cell->step) {
    case 1:
        CHEK_ASSERT(result == 0);
        chek_io_sync(batch->io, op, batch->file);
        break;
    case 2:
        CHEK_ASSERT(result == 0);
        chek_io_read(batch->io, op, batch->file, cell->got, BATCH_SIZE, offset);
        break;
    default:
        CHEK_ASSERT(result == BATCH_SIZE);
        CHEK_ASSERT(cell->step == 3);
        batch->rest_count -= 1;
        if (batch->rest_count == 0) {
            chek_uring_stop(batch->fixture.group);
        }
        break;
    }
}

static struct ring_case {
    const char *name;
    struct chek_uring_options options;
} ring_cases[] = {
    {"ops_complete_once_on_a_usual_ring", {0}},
    {"ops_complete_once_on_a_ring_of_2", {.submission_count = 2, .completion_count = 2}},
    {"ops_complete_once_on_a_ring_of_1", {.submission_count = 1, .completion_count = 1}},
    {"ops_complete_once_with_an_overflowing_ring",
     {.submission_count = 512, .completion_count = 2}},
};

static void
test_batch(void **state)
{
    const struct ring_case *c = *state;
    struct batch batch = {.rest_count = BATCH_COUNT};
    uring_fixture_open(&batch.fixture, 1, &c->options);
    batch.io = chek_uring_io(batch.fixture.group, 0);
    batch.file = file_create(&batch.fixture, "data", 0);
    batch.cells = calloc(BATCH_COUNT, sizeof *batch.cells);
    for (unsigned i = 0; i < BATCH_COUNT; i++) {
        struct cell *cell = &batch.cells[i];
        cell->batch = &batch;
        cell->op.on_done = on_cell;
        chek_io_random(batch.io, cell->bytes, BATCH_SIZE);
        chek_io_write(batch.io, &cell->op, batch.file, cell->bytes, BATCH_SIZE,
                      (uint64_t)i * BATCH_SIZE);
    }

    assert_int_equal(chek_uring_run(batch.io), CHEK_OK);

    assert_int_equal(batch.rest_count, 0);
    for (unsigned i = 0; i < BATCH_COUNT; i++) {
        assert_int_equal(batch.cells[i].step, 3);
        assert_memory_equal(batch.cells[i].got, batch.cells[i].bytes, BATCH_SIZE);
    }
    chek_disk_close(batch.io, batch.file);
    free(batch.cells);
    uring_fixture_close(&batch.fixture);
}

/* A run that is stopped lets go of what can never complete. */
static void
test_stop_takes_back_what_is_in_flight(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    int ends[2];
    uint8_t byte;
    uring_fixture_open(&fixture, 1, NULL);
    struct chek_io *io = chek_uring_io(fixture.group, 0);
    assert_int_equal(pipe(ends), 0);

    struct transfer never = transfer_of(&fixture);
    struct transfer soon = transfer_of(&fixture);
    chek_io_read(io, &never.op, ends[0], &byte, 1, 0);
    chek_io_timer(io, &soon.op, chek_io_now_ns(io) + 1000000);
    assert_int_equal(chek_uring_run(io), CHEK_OK);

    assert_int_equal(soon.done_count, 1);
    assert_int_equal(never.done_count, 0);
    assert_false(never.op.in_flight);
    close(ends[0]);
    close(ends[1]);
    uring_fixture_close(&fixture);
}

/* ---- the group --------------------------------------------------------------------------------- */

static void
test_group_create_survives_every_failed_allocation(void **state)
{
    (void)state;
    struct uring_fixture fixture;
    struct chek_uring_group *group = NULL;
    uring_fixture_folder_make(fixture.folder, sizeof fixture.folder);
    unsigned file_count = uring_fixture_file_count();
    struct chek_memory_counters before = chek_memory_count();
    unsigned failed_count = 0;

    for (unsigned n = 1;; n++) {
        chek_memory_fail_at(n);
        int error = chek_uring_group_create(fixture.folder, 2, NULL, &group);
        chek_memory_fail_at(0);
        if (error == CHEK_OK) {
            break;
        }
        assert_int_equal(error, -ENOMEM);
        assert_null(group);
        failed_count += 1;
    }
    assert_true(failed_count >= 7);
    chek_uring_group_destroy(group);
    struct chek_memory_counters after = chek_memory_count();
    assert_int_equal(after.heap_size, before.heap_size);
    assert_int_equal(after.reserved_size, before.reserved_size);
    assert_int_equal(uring_fixture_file_count(), file_count);
    uring_fixture_folder_remove(fixture.folder);
}

static void
test_group_create_refuses_what_cannot_be(void **state)
{
    (void)state;
    struct chek_uring_group *group = NULL;
    struct chek_uring_options large = {.receive_buffer_count = 40000};

    assert_int_equal(chek_uring_group_create("/tmp", 0, NULL, &group), CHEK_E_USAGE);
    assert_int_equal(chek_uring_group_create("/tmp", 65, NULL, &group), CHEK_E_USAGE);
    assert_int_equal(chek_uring_group_create("/tmp", 1, &large, &group), CHEK_E_USAGE);
    assert_int_equal(chek_uring_group_create("/no/such/folder", 1, NULL, &group), -ENOENT);
    assert_int_equal(chek_uring_group_create("/dev/null", 1, NULL, &group), -ENOTDIR);
    assert_null(group);
    chek_uring_group_destroy(NULL);
}

int
main(void)
{
    static struct table table;
    int skip = uring_fixture_skip();

    if (skip != 0) {
        return skip;
    }
    TABLE_ROWS(&table, test_read, read_cases);
    TABLE_ROWS(&table, test_write, write_cases);
    TABLE_ROWS(&table, test_batch, ring_cases);
    TABLE_TEST(&table, test_write_to_a_file_opened_for_reading_fails);
    TABLE_TEST(&table, test_sync_of_a_file_and_of_a_pipe);
    TABLE_TEST(&table, test_short_writes_are_continued);
    TABLE_TEST(&table, test_write_over_the_size_limit_is_an_error);
    TABLE_TEST(&table, test_write_to_a_full_device_is_an_error);
    TABLE_TEST(&table, test_write_over_the_free_space_is_an_error);
    TABLE_TEST(&table, test_stop_takes_back_what_is_in_flight);
    TABLE_TEST(&table, test_group_create_survives_every_failed_allocation);
    TABLE_TEST(&table, test_group_create_refuses_what_cannot_be);
    return table_run(&table, "uring_file");
}
