/* SPDX-License-Identifier: MIT */
/*
 * uring.c - the group, the table behind io.h, and the loop of a shard.
 *
 * The loop is one function so that the order of a turn can be read: what was asked for goes to
 * the kernel in one system call, which is also the only place to sleep, and everything that came
 * back is handed out before the owner's on_turn.
 */
#include "engine/io/uring.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "engine/io/uring_shard.h"

/* A sleep without a timer ends after this long, only to keep the wait a number. */
#define WAIT_NS_MAX (UINT64_C(3600) * 1000000000)

static void
uring_submit(struct chek_io *io, struct chek_op *op)
{
    struct uring_shard *shard = io__shard(io);

    switch (op->kind) {
    case CHEK_OP_TIMER:
        io__timer_add(shard, op);
        break;
    case CHEK_OP_WORK:
        io__work_add(shard, op);
        break;
    default:
        io__start(shard, op);
        break;
    }
}

uint64_t
io__clock_ns(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static uint64_t
uring_now_ns(struct chek_io *io)
{
    (void)io;
    return io__clock_ns();
}

static uint64_t
uring_wall_us(struct chek_io *io)
{
    (void)io;
    struct timespec time;
    clock_gettime(CLOCK_REALTIME, &time);
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_nsec / 1000;
}

static void
uring_random(struct chek_io *io, void *bytes, size_t size)
{
    uint8_t *at = bytes;

    (void)io;
    while (size > 0) {
        ssize_t got = getrandom(at, size, 0);
        CHEK_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
}

static const struct chek_io_table uring_table = {
    .submit = uring_submit,
    .now_ns = uring_now_ns,
    .wall_us = uring_wall_us,
    .random = uring_random,
    .post = io__message_post,
    .listen = io__listen,
    .listen_stop = io__listen_stop,
    .refuse = io__refuse,
    .stream_start = io__stream_start,
    .stream_pause = io__stream_pause,
    .stream_resume = io__stream_resume,
    .stream_send = io__stream_send,
    .stream_close = io__stream_close,
    .open = io__disk_open,
    .close = io__disk_close,
    .size = io__disk_size,
    .read = io__disk_read,
    .write = io__disk_write,
    .truncate = io__disk_truncate,
    .sync = io__disk_sync,
    .make_folder = io__disk_make_folder,
    .rename = io__disk_rename,
    .unlink = io__disk_unlink,
    .sync_folder = io__disk_sync_folder,
    .list = io__disk_list,
    .lock = io__disk_lock,
    .free_size = io__disk_free,
    .lanes_open = io__lanes_open,
    .lanes_put = io__lanes_put,
    .lanes_close = io__lanes_close,
};

/* ---- create and destroy ---------------------------------------------------------------------- */

static unsigned
power_of_two(unsigned value)
{
    unsigned power = 1;
    while (power < value) {
        power *= 2;
    }
    return power;
}

static int
options_set(struct chek_uring_options *set, const struct chek_uring_options *wanted)
{
    if (wanted != NULL) {
        *set = *wanted;
    }
    set->submission_count = set->submission_count != 0 ? set->submission_count : 1024;
    set->completion_count = set->completion_count != 0 ? set->completion_count : 8192;
    set->receive_buffer_count = set->receive_buffer_count != 0 ? set->receive_buffer_count : 256;
    set->receive_buffer_size = set->receive_buffer_size != 0 ? set->receive_buffer_size : 32768;
    set->worker_count = set->worker_count != 0 ? set->worker_count : 1;

    if (set->submission_count > 32768 || set->completion_count > 65536 ||
        set->receive_buffer_count > 32768 || set->receive_buffer_size > 1024 * 1024 ||
        set->worker_count > CHEK_SHARD_COUNT_MAX) {
        return CHEK_E_USAGE;
    }
    set->submission_count = power_of_two(set->submission_count);
    set->completion_count = power_of_two(set->completion_count);
    set->receive_buffer_count = power_of_two(set->receive_buffer_count);
    if (set->completion_count < set->submission_count) {
        set->completion_count = set->submission_count;
    }
    return CHEK_OK;
}

void *
io__memory_map(size_t size)
{
    void *base = chek_memory_reserve(size);

    if (base != NULL && chek_memory_commit(base, size) != CHEK_OK) {
        chek_memory_release(base, size);
        base = NULL;
    }
    return base;
}

static int
shards_create(struct chek_uring_group *group)
{
    size_t size = group->shard_count * sizeof *group->shards;

    group->shards = io__memory_map(size);
    if (group->shards == NULL) {
        return -ENOMEM;
    }
    for (unsigned i = 0; i < group->shard_count; i++) {
        group->shards[i].wake_file = -1;
    }
    for (unsigned i = 0; i < group->shard_count; i++) {
        struct uring_shard *shard = &group->shards[i];
        shard->io.table = &uring_table;
        shard->io.shard = i;
        shard->io.shard_count = group->shard_count;
        shard->group = group;
        int error = io__ring_create(shard);
        if (error != CHEK_OK) {
            return error;
        }
        error = io__buffers_create(shard);
        if (error != CHEK_OK) {
            return error;
        }
    }
    return CHEK_OK;
}

static void
shards_destroy(struct chek_uring_group *group)
{
    if (group->shards == NULL) {
        return;
    }
    for (unsigned i = 0; i < group->shard_count; i++) {
        io__ring_destroy(&group->shards[i]);
        io__buffers_destroy(&group->shards[i]);
    }
    chek_memory_release(group->shards, group->shard_count * sizeof *group->shards);
}

static int
group_fill(struct chek_uring_group *group, const char *folder)
{
    group->folder = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (group->folder < 0) {
        return -errno;
    }
    int error = shards_create(group);
    if (error != CHEK_OK) {
        return error;
    }
    error = io__message_create(group);
    if (error != CHEK_OK) {
        return error;
    }
    return io__work_create(group);
}

int
chek_uring_group_create(const char *folder, unsigned shard_count,
                        const struct chek_uring_options *options, struct chek_uring_group **ret)
{
    struct chek_uring_options set = {0};

    if (shard_count == 0 || shard_count > CHEK_SHARD_COUNT_MAX) {
        return CHEK_E_USAGE;
    }
    int error = options_set(&set, options);
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_uring_group *group = chek_memory_allocate(sizeof *group);
    if (group == NULL) {
        return -ENOMEM;
    }
    group->options = set;
    group->shard_count = shard_count;
    group->folder = -1;
    if (sched_getaffinity(0, sizeof group->processors, &group->processors) != 0) {
        CPU_ZERO(&group->processors);
    }
    io__accept_create(group);
    error = group_fill(group, folder);
    if (error != CHEK_OK) {
        chek_uring_group_destroy(group);
        return error;
    }
    *ret = group;
    return CHEK_OK;
}

void
chek_uring_group_destroy(struct chek_uring_group *group)
{
    if (group == NULL) {
        return;
    }
    io__work_destroy(group);
    shards_destroy(group);
    io__message_destroy(group);
    io__accept_destroy(group);
    if (group->folder >= 0) {
        close(group->folder);
    }
    chek_memory_free(group, sizeof *group);
}

struct chek_io *
chek_uring_io(struct chek_uring_group *group, unsigned shard)
{
    CHEK_ASSERT(shard < group->shard_count);
    return &group->shards[shard].io;
}

struct chek_uring_counters
chek_uring_count(const struct chek_io *io)
{
    return ((const struct uring_shard *)(const void *)io)->counters;
}

_Static_assert(offsetof(struct uring_shard, io) == 0, "chek_uring_count() reads the shard at io");

/* ---- the loop ---------------------------------------------------------------------------------- */

static bool
something_waits(struct uring_shard *shard)
{
    return io__message_is_waiting(shard) || atomic_load(&shard->work_done) != NULL ||
           atomic_load(&shard->group->stopping);
}

/*
 * How long the shard may sleep. It announces the sleep first and looks for work after; a peer
 * publishes first and looks for the announcement after. Both in one total order, so one sees the
 * other and no wake-up is lost.
 */
static uint64_t
sleep_begin(struct uring_shard *shard)
{
    uint64_t wait_ns = io__timer_wait_ns(shard);

    if (wait_ns == 0) {
        return 0;
    }
    atomic_store(&shard->sleeping, true);
    if (something_waits(shard)) {
        atomic_store(&shard->sleeping, false);
        return 0;
    }
    return wait_ns < WAIT_NS_MAX ? wait_ns : WAIT_NS_MAX;
}

static int
turn(struct uring_shard *shard)
{
    bool starved = io__stream_run_waiting(shard);
    chek_io_step(&shard->io.owner);
    io__message_wake_peers(shard);

    uint64_t wait_ns = starved ? 0 : sleep_begin(shard);
    int error = io__ring_enter(shard, wait_ns);
    if (wait_ns != 0) {
        atomic_store(&shard->sleeping, false);
    }
    if (error != CHEK_OK) {
        return error;
    }
    chek_io_wake(&shard->io.owner);
    io__ring_reap(shard);
    io__message_run(shard);
    io__work_run_done(shard);
    io__timer_run(shard);
    if (shard->io.owner.on_turn != NULL) {
        shard->io.owner.on_turn(shard->io.owner.context);
        chek_io_step(&shard->io.owner);
    }
    shard->counters.turn_count += 1;
    return CHEK_OK;
}

int
chek_uring_run(struct chek_io *io)
{
    struct uring_shard *shard = io__shard(io);

    io__schedule_shard(shard);
    int error = io__ring_start(shard);
    chek_io_wake(&io->owner);
    if (error == CHEK_OK && io->owner.on_turn != NULL) {
        io->owner.on_turn(io->owner.context); /* it may have something to send before any event */
    }
    while (error == CHEK_OK &&
           !atomic_load_explicit(&shard->group->stopping, memory_order_relaxed)) {
        error = turn(shard);
    }
    io__work_drain(shard);
    io__ring_drain(shard);
    io__timer_drain(shard);
    io__stream_close_all(shard);
    return error;
}

void
chek_uring_stop(struct chek_uring_group *group)
{
    int saved = errno; /* a signal handler's caller must not see it change */

    atomic_store(&group->stopping, true);
    for (unsigned i = 0; i < group->shard_count; i++) {
        io__wake(&group->shards[i]);
    }
    errno = saved;
}
