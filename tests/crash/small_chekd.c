/* SPDX-License-Identifier: MIT */
/*
 * small_chekd.c - the server of chekd with everything small, so that a test of a second reaches
 * what takes a real one hours: segments of 64 rows, log files of a few blocks, snapshots all the time.
 *
 *   chekd --data DIR --listen HOST:PORT [--shards N] [--partitions N] [--segment-rows N]
 *         [--log-file-kib N] [--snapshot-log-kib N] [--page-cache-kib N] [--sync-method 0|1|2]
 *         [--cpcr HOST:PORT] [--retention-days N] [--clock-days-behind N]
 *
 * --clock-days-behind makes it a server of a machine whose clock is N days behind, so what it stores
 * was received N days ago.
 *
 * It has the name, the options and the ready line of chekd, so a test may take either.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "engine/io/uring.h"
#include "tools/server/server.h"

struct small {
    const char *data;
    unsigned shard_count;
    struct chek_server_config config;
    struct chek_uring_group *group;
    int error;
};

#define DAY_US UINT64_C(86400000000)

/* The rings' table, but for the wall clock. */
static struct clock {
    uint64_t behind_us;
    uint64_t (*wall_us)(struct chek_io *io); /* the machine's */
    struct chek_io_table table;
} behind;

static volatile sig_atomic_t stop_wanted;

static void
on_signal(int number)
{
    (void)number;
    stop_wanted = 1;
}

static bool
stop_asked(void *context)
{
    (void)context;
    return stop_wanted != 0;
}

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    (void)context;
    (void)printf("chekd ready listen=%s cpcr=%s ffd=- metrics=-\n", ports->listen,
                 ports->cpcr[0] != 0 ? ports->cpcr : "-");
    (void)fflush(stdout);
}

static void
on_damage(void *context, const char *file, uint64_t offset)
{
    (void)context;
    (void)fprintf(stderr, "chekd: %s at offset %" PRIu64 ": damaged\n", file, offset);
}

static void
on_retention_stopped(void *context, uint16_t partition, uint32_t registration, uint32_t shift,
                     int error)
{
    (void)context;
    (void)fprintf(stderr, "chekd: partition %u, registration %u, shift %u: not proved: %s\n",
                  partition, registration, shift, chek_error_name(error));
}

static void
on_stopped(void *context, int error)
{
    struct small *small = context;
    small->error = error;
    chek_uring_stop(small->group);
}

static uint64_t
behind_wall_us(struct chek_io *io)
{
    return behind.wall_us(io) - behind.behind_us;
}

static void
clock_set_behind(struct chek_io *io)
{
    if (behind.wall_us == NULL) {
        behind.wall_us = io->table->wall_us;
        behind.table = *io->table;
        behind.table.wall_us = behind_wall_us;
    }
    io->table = &behind.table;
}

static void *
shard_main(void *argument)
{
    int error = chek_uring_run(argument);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: a ring stopped working: %s\n", chek_error_text(error));
    }
    return NULL;
}

static bool
option_take(struct small *small, const char *name, const char *value)
{
    unsigned long number = strtoul(value, NULL, 10);
    if (strcmp(name, "--data") == 0) {
        small->data = value;
    } else if (strcmp(name, "--listen") == 0) {
        small->config.listen = value;
    } else if (strcmp(name, "--cpcr") == 0) {
        small->config.cpcr = value;
    } else if (strcmp(name, "--shards") == 0) {
        small->shard_count = (unsigned)number;
    } else if (strcmp(name, "--partitions") == 0) {
        small->config.partition_count = (uint16_t)number;
    } else if (strcmp(name, "--segment-rows") == 0) {
        small->config.segment_row_count = (uint32_t)number;
    } else if (strcmp(name, "--log-file-kib") == 0) {
        small->config.log_file_size = number * 1024;
    } else if (strcmp(name, "--snapshot-log-kib") == 0) {
        small->config.snapshot_log_size = number * 1024;
    } else if (strcmp(name, "--page-cache-kib") == 0) {
        small->config.page_cache_size = number * 1024;
    } else if (strcmp(name, "--retention-days") == 0) {
        small->config.retention_us = number * DAY_US;
    } else if (strcmp(name, "--clock-days-behind") == 0) {
        behind.behind_us = number * DAY_US;
    } else if (strcmp(name, "--sync-method") == 0) {
        small->config.sync_method = (enum chek_sync_method)number;
    } else {
        return false;
    }
    return true;
}

static int
serve(struct small *small)
{
    struct chek_io *ios[CHEK_SHARD_COUNT_MAX];
    pthread_t threads[CHEK_SHARD_COUNT_MAX];
    struct chek_uring_options rings = {.worker_count = 2};
    struct chek_server_fault fault = {0};
    struct chek_server *server;

    int error = chek_uring_group_create(small->data, small->shard_count, &rings, &small->group);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: %s: %s\n", small->data, chek_error_text(error));
        return error;
    }
    for (unsigned i = 0; i < small->shard_count; i++) {
        ios[i] = chek_uring_io(small->group, i);
        if (behind.behind_us != 0) {
            clock_set_behind(ios[i]);
        }
    }
    error = chek_server_create(ios, small->shard_count, &small->config, &fault, &server);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: %s\n", fault.text);
        return error;
    }
    for (unsigned i = 0; i < small->shard_count; i++) {
        if (pthread_create(&threads[i], NULL, shard_main, ios[i]) != 0) {
            abort();
        }
    }
    for (unsigned i = 0; i < small->shard_count; i++) {
        (void)pthread_join(threads[i], NULL);
    }
    chek_server_destroy(server);
    chek_uring_group_destroy(small->group);
    return small->error;
}

int
main(int count, char **arguments)
{
    static struct small small = {
        .shard_count = 1,
        .config = {.partition_count = 4,
                   .segment_row_count = 64,
                   .on_damage = on_damage,
                   .on_retention_stopped = on_retention_stopped,
                   .segment_merge_count = 3,
                   .log_file_size = 128 * 1024,
                   .snapshot_log_size = 256 * 1024,
                   .on_ready = on_ready,
                   .on_stopped = on_stopped,
                   .stop_asked = stop_asked},
    };
    char text[CHEK_URING_TEXT_SIZE];
    small.config.context = &small;
    for (int i = 1; i + 1 < count; i += 2) {
        if (!option_take(&small, arguments[i], arguments[i + 1])) {
            (void)fprintf(stderr, "chekd: what is %s?\n", arguments[i]);
            return 2;
        }
    }
    if (small.data == NULL || small.config.listen == NULL || sodium_init() < 0) {
        return 2;
    }
    if (chek_uring_probe(text, sizeof text) != CHEK_OK) {
        (void)fprintf(stderr, "chekd: %s\n", text);
        return 1;
    }
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    action.sa_handler = SIG_IGN;
    (void)sigaction(SIGPIPE, &action, NULL);
    (void)sigaction(SIGXFSZ, &action, NULL);
    if (mkdir(small.data, 0700) != 0 && errno != EEXIST) {
        return 1;
    }
    int error = serve(&small);
    if (error != CHEK_OK) {
        (void)fprintf(stderr, "chekd: stopped: %s\n", chek_error_text(error));
    }
    return error == CHEK_OK ? 0 : 1;
}
