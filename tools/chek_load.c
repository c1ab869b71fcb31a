/* SPDX-License-Identifier: MIT */
/*
 * chek_load.c - the load generator: claim, send, compare, tell.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "engine/base/memory.h"
#include "tools/load/report.h"
#include "tools/load/spawn.h"

#define TOKEN_SIZE_MAX 256

/* One run against one server. */
struct run {
    const struct chek_load_options *options;
    struct chek_load_report *report;
    struct chek_client_options connection;
    struct chek_client *client; /* asks; feeds nothing */
    struct chek_workload *workload;
    struct chek_account account;
    uint32_t *registrations;
    pid_t server; /* 0 = not ours */
    struct chek_failure failure;
};

static uint64_t
now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static int
fail(struct run *run, int error, const char *text)
{
    run->failure = (struct chek_failure){.code = error};
    (void)snprintf(run->failure.text, sizeof run->failure.text, "%s",
                   text != NULL ? text : chek_error_text(error));
    return error;
}

static int
token_read(struct run *run, const char *path, char token[TOKEN_SIZE_MAX])
{
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        char text[200];
        int error = -errno;
        (void)snprintf(text, sizeof text, "cannot read the token file %.120s", path);
        return fail(run, error, text);
    }
    size_t size = fread(token, 1, TOKEN_SIZE_MAX - 1, file);
    (void)fclose(file);
    while (size != 0 && (token[size - 1] == '\n' || token[size - 1] == ' ')) {
        size -= 1;
    }
    token[size] = 0;
    return CHEK_OK;
}

static void
show_progress(void *context, uint64_t acknowledged_count)
{
    const struct run *run = context;
    char bar[41] = "########################################";
    uint64_t receipts = run->options->workload.receipt_count;
    uint64_t part = acknowledged_count * 40 / receipts;
    for (uint64_t i = part; i < 40; i++) {
        bar[i] = '.';
    }
    (void)fprintf(stderr, "\r  %s %llu documents", bar, (unsigned long long)acknowledged_count);
    (void)fflush(stderr);
}

static int
load(struct run *run)
{
    const struct chek_load_options *options = run->options;
    struct chek_load_report *report = run->report;
    bool shows = !options->json && isatty(STDERR_FILENO);
    struct chek_sender_options sending = {
        .connection = run->connection,
        .connection_count = options->connections,
        .frame_size = options->frame_bytes,
        .frame_document_count_max = options->frame_receipts,
        .send_each = options->send_each,
        .window = options->window,
        .warm_up_ns = options->warm_up_s * UINT64_C(1000000000),
        .rate = options->rate,
        .prepared = options->prepared,
        .fresh = options->spawn,
        .context = run,
        .on_progress = shows ? show_progress : NULL,
    };
    struct chek_sender *sender;
    int error = chek_sender_create(&sending, run->workload, &run->account, &sender, &run->failure);
    if (error != CHEK_OK) {
        return error;
    }
    uint64_t server_cpu_us = chek_process_cpu_us(run->server);
    uint64_t client_cpu_us = chek_process_cpu_us(getpid());
    error = chek_sender_run(sender, &run->failure);
    report->client_cpu_us = chek_process_cpu_us(getpid()) - client_cpu_us;
    report->server_cpu_us = chek_process_cpu_us(run->server) - server_cpu_us;
    report->sent = *chek_sender_result(sender);
    report->stream = *chek_workload_count(run->workload);
    report->stream_hash = chek_workload_hash(run->workload);
    chek_sender_destroy(sender);
    if (shows) {
        (void)fprintf(stderr, "\r%78s\r", "");
    }
    return error;
}

static int
steps(struct run *run)
{
    struct chek_load_report *report = run->report;
    int error = chek_workload_create(&run->options->workload, &run->workload);
    if (error != CHEK_OK) {
        return fail(run, error, "there is no such workload");
    }
    report->register_count = chek_workload_register_count(run->workload);
    error = chek_account_init(&run->account, report->register_count);
    if (error != CHEK_OK) {
        return fail(run, error, NULL);
    }
    error = chek_client_connect(&run->connection, &run->client, &run->failure);
    if (error == CHEK_OK) {
        error = chek_compare_claim(run->client, run->workload, &run->registrations, &run->failure);
    }
    if (error == CHEK_OK) {
        error = chek_compare_status(run->client, &report->before, &run->failure);
    }
    if (error == CHEK_OK) {
        error = load(run);
    }
    chek_process_memory(run->server, &report->server_rss_size, &report->server_rss_max_size);
    if (error == CHEK_OK) {
        error = chek_compare_status(run->client, &report->after, &run->failure);
    }
    if (error == CHEK_OK) {
        error = chek_compare_run(run->client, &run->account, run->registrations, &report->check,
                                 &run->failure);
    }
    return error;
}

/* Everything against the server at `address`. */
static int
run_once(struct run *run, const char *address, const char *token_file)
{
    char token[TOKEN_SIZE_MAX];
    int error = token_read(run, token_file, token);
    if (error != CHEK_OK) {
        return error;
    }
    run->connection = (struct chek_client_options){
        .address = address, .token = chek_bytes_view_text(token), .program = "chek-load"};
    if (getloadavg(&run->report->load_average, 1) != 1) {
        run->report->load_average = 0;
    }
    error = steps(run);
    chek_client_close(run->client);
    if (run->registrations != NULL) {
        chek_memory_free(run->registrations,
                         run->report->register_count * sizeof *run->registrations);
    }
    chek_account_finish(&run->account);
    chek_workload_destroy(run->workload);
    return error;
}

static uint64_t
part_size(const struct chek_spawn *spawn, const char *name)
{
    char path[CHEK_SPAWN_TEXT_SIZE + 32];
    (void)snprintf(path, sizeof path, "%s/%s", spawn->folder, name);
    return chek_folder_size(path);
}

/* Start a server, run, stop it, measure what is left. */
static int
run_spawned(struct run *run)
{
    struct chek_spawn spawn;
    struct chek_failure stop_failure = {0};
    struct chek_load_report *report = run->report;
    uint64_t max_size;

    uint64_t begin_ms = now_ms();
    int error = chek_spawn_start(&spawn, run->options->data, run->options->shards, &run->failure);
    report->start_ms = now_ms() - begin_ms;
    if (error == CHEK_OK) {
        run->server = spawn.pid;
        chek_process_memory(spawn.pid, &report->server_rss_idle_size, &max_size);
        error = run_once(run, spawn.address, spawn.token_file);
    }
    begin_ms = now_ms();
    int stop_error = chek_spawn_stop(&spawn, &stop_failure);
    report->stop_ms = now_ms() - begin_ms;
    if (error == CHEK_OK && stop_error != CHEK_OK) {
        run->failure = stop_failure;
        error = stop_error;
    }
    if (error == CHEK_OK) {
        report->disk_size = part_size(&spawn, ".");
        report->event_size = part_size(&spawn, "event");
        report->segment_size = part_size(&spawn, "segment");
        report->snapshot_size = part_size(&spawn, "snapshot");
    }
    if (run->options->keep) {
        (void)fprintf(stderr, "chek-load: the data folder is %s\n", spawn.folder);
    } else {
        chek_spawn_clean(&spawn);
    }
    return error;
}

static void
failure_tell(const struct chek_load_options *options, const struct chek_failure *failure)
{
    if (options->json) {
        (void)fprintf(stderr, "{\"code\":\"%s\",\"field\":\"\",\"text\":\"%s\",\"hint\":\"\"}\n",
                      chek_error_name(failure->code), failure->text);
    } else {
        (void)fprintf(stderr, "chek-load: %s\n", failure->text);
    }
}

/* All runs; the report of the fastest, or of the first that is wrong. */
static int
runs(struct chek_load_options *options, struct chek_load_report *best)
{
    struct chek_load_report *report = chek_memory_allocate(sizeof *report);
    double rates[CHEK_REPORT_RUN_COUNT_MAX] = {0};
    uint32_t count = 0;
    bool is_right = true;
    int error = report == NULL ? -ENOMEM : CHEK_OK;

    while (error == CHEK_OK && is_right && count < options->repeat) {
        struct run run = {.options = options, .report = report};
        *report = (struct chek_load_report){.options = options};
        error = options->spawn ? run_spawned(&run)
                               : run_once(&run, options->server, options->token_file);
        if (error != CHEK_OK) {
            failure_tell(options, &run.failure);
            break;
        }
        is_right = chek_report_is_right(report);
        rates[count] = chek_report_rate(report);
        if (count == 0 || !is_right || rates[count] > chek_report_rate(best)) {
            *best = *report;
        }
        count += 1;
        /* A server that stays must see another stream, or it would see copies only. */
        options->workload.seed += options->spawn || count == options->repeat ? 0 : 1;
    }
    best->run_count = count;
    memcpy(best->rates, rates, sizeof rates);
    chek_memory_free(report, sizeof *report);
    return error;
}

int
main(int argc, char **argv)
{
    static struct chek_load_options options;
    static struct chek_load_report best;

    int left = chek_load_options_read(&options, argc, argv);
    if (left >= 0) {
        return left;
    }
    if (runs(&options, &best) != CHEK_OK) {
        return 1;
    }
    chek_machine_name(best.machine, sizeof best.machine);
    if (options.json) {
        chek_report_write_json(&best, stdout);
    } else {
        chek_report_write(&best, stdout);
    }
    return chek_report_is_right(&best) ? 0 : 1;
}
