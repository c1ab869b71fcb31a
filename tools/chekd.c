/* SPDX-License-Identifier: MIT */
/*
 * chekd.c - the server program: options, threads, signals.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "engine/base/memory.h"
#include "engine/io/uring.h"
#include "tools/chekd_options.h"
#include "tools/server/server.h"

struct program {
    struct chekd_options options;
    struct chek_uring_group *group;
    struct chek_server *server;
    pthread_t threads[CHEK_SHARD_COUNT_MAX];
    struct chek_io *ios[CHEK_SHARD_COUNT_MAX];
    int error; /* how the server ended */
};

/* Written by the handler, on whatever thread; read by shard 0's. */
static atomic_bool stop_wanted;
_Static_assert(ATOMIC_BOOL_LOCK_FREE == 2, "a handler may write it");

static void
on_signal(int number)
{
    (void)number;
    atomic_store(&stop_wanted, true);
}

static bool
stop_asked(void *context)
{
    (void)context;
    return atomic_load(&stop_wanted);
}

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    (void)context;
    chek_memory_seal(); /* all that a server needs it has by now, whatever it is fed */
    (void)printf("chekd ready listen=%s cpcr=%s ffd=%s metrics=%s\n", ports->listen,
                 ports->cpcr[0] != 0 ? ports->cpcr : "-", ports->ffd[0] != 0 ? ports->ffd : "-",
                 ports->metrics[0] != 0 ? ports->metrics : "-");
    (void)fflush(stdout);
}

static void
on_damage(void *context, const char *file, uint64_t offset)
{
    (void)context;
    (void)fprintf(stderr,
                  "chekd: %s at offset %" PRIu64
                  ": stored receipts are damaged; questions about them are refused, others are "
                  "not; restore the file, or the folder, from a backup\n",
                  file, offset);
}

static void
on_retention_stopped(void *context, uint16_t partition, uint32_t registration, uint32_t shift,
                     int error)
{
    (void)context;
    (void)fprintf(stderr,
                  "chekd: partition %u, registration %u, shift %u: its totals are not what its "
                  "receipts come to (%s); no receipt of this partition is removed until the next "
                  "start; run chek verify on a backup\n",
                  partition, registration, shift, chek_error_name(error));
}

static void
on_stopped(void *context, int error)
{
    struct program *program = context;
    program->error = error;
    chek_uring_stop(program->group);
}

static void *
shard_main(void *argument)
{
    struct chek_io *io = argument;
    int error = chek_uring_run(io);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: a ring stopped working: %s\n", chek_error_text(error));
    }
    return NULL;
}

/* Signals end the server in order; a peer that goes away is no signal of ours. */
static void
signals_set(void)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
    sigaction(SIGXFSZ, &action, NULL);
}

/* As many descriptors as we may have, no core file with personal values in it. */
static void
limits_set(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
    limit = (struct rlimit){0, 0};
    (void)setrlimit(RLIMIT_CORE, &limit);
    (void)prctl(PR_SET_DUMPABLE, 0);
    (void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

static int
folder_make(const char *path)
{
    if (mkdir(path, 0700) == 0 || errno == EEXIST) {
        return CHEK_OK;
    }
    return -errno;
}

static int
threads_run(struct program *program)
{
    unsigned started = 0;
    for (; started < program->options.shard_count; started++) {
        if (pthread_create(&program->threads[started], NULL, shard_main, program->ios[started]) !=
            0) {
            (void)fprintf(stderr, "chekd: cannot start a thread: %s\n", strerror(errno));
            chek_uring_stop(program->group);
            program->error = -EAGAIN;
            break;
        }
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(program->threads[i], NULL);
    }
    chek_memory_unseal();
    return program->error;
}

static int
serve(struct program *program)
{
    const struct chekd_options *options = &program->options;
    struct chek_server_fault fault = {0};
    struct chek_server_config config = {
        .listen = options->listen,
        .cpcr = options->cpcr[0] != 0 ? options->cpcr : NULL,
        .qr_url = options->qr_url[0] != 0 ? options->qr_url : NULL,
        .ffd = options->ffd[0] != 0 ? options->ffd : NULL,
        .ffd_inn = options->ffd_inn[0] != 0 ? options->ffd_inn : NULL,
        .metrics = options->metrics[0] != 0 ? options->metrics : NULL,
        .partition_count = (uint16_t)options->partition_count,
        .log_file_size = options->log_file_size,
        .snapshot_log_size = options->snapshot_log_size,
        .page_cache_size = options->page_cache_size,
        .retention_us = options->retention_us,
        .on_retention_stopped = on_retention_stopped,
        .on_damage = on_damage,
        .context = program,
        .on_ready = on_ready,
        .on_stopped = on_stopped,
        .stop_asked = stop_asked,
    };
    struct chek_uring_options rings = {.worker_count = 2};

    int error =
        chek_uring_group_create(options->data, options->shard_count, &rings, &program->group);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: cannot open the data folder %s: %s\n", options->data,
                      chek_error_text(error));
        return error;
    }
    for (unsigned i = 0; i < options->shard_count; i++) {
        program->ios[i] = chek_uring_io(program->group, i);
    }
    error =
        chek_server_create(program->ios, options->shard_count, &config, &fault, &program->server);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: %s\n", fault.text);
        return error;
    }
    return threads_run(program);
}

int
main(int argc, char **argv)
{
    static struct program program;
    char text[CHEK_URING_TEXT_SIZE];

    int left = chekd__options_read(&program.options, argc, argv);
    if (left >= 0) {
        return left;
    }
    if (sodium_init() < 0) {
        (void)fprintf(stderr, "chekd: libsodium does not start\n");
        return 1;
    }
    if (chek_uring_probe(text, sizeof text) != CHEK_OK) {
        (void)fprintf(stderr, "chekd: %s\n", text);
        return 1;
    }
    int error = folder_make(program.options.data);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: cannot make the data folder %s: %s\n", program.options.data,
                      chek_error_text(error));
        return 1;
    }
    signals_set();
    limits_set();
    error = serve(&program);
    chek_server_destroy(program.server);
    chek_uring_group_destroy(program.group);
    if (error != CHEK_OK && program.server != NULL) {
        (void)fprintf(stderr, "chekd: stopped: %s\n", chek_error_text(error));
    }
    return error == CHEK_OK ? 0 : 1;
}
