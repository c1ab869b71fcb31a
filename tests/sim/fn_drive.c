/* SPDX-License-Identifier: MIT */
/*
 * fn_drive.c - the machine and the phases of a run of fiscal drives.
 */
#include "tests/sim/fn_drive.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/workspace.h"
#include "tests/sim/fn_run.h"

#define PATIENCE_NS UINT64_C(120000000000)
#define STEP_COUNT_MAX UINT64_C(400000)
#define FAILED_START_COUNT_MAX 8

void
fn_violate(struct fn_run *run, const char *format, ...)
{
    va_list arguments;
    if (run->result.violation[0] != 0) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(run->result.violation, sizeof run->result.violation, format, arguments);
    va_end(arguments);
}

uint64_t
fn_below(struct fn_run *run, uint64_t bound)
{
    return chek_prng_below(&run->prng, bound);
}

/* ---- the machine ------------------------------------------------------------------------------ */

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    struct fn_run *run = context;
    char token[sizeof run->token] = {0};
    int64_t got =
        chek_world_peek(run->world, run->machine, "admin.token", token, sizeof token - 1, 0);
    if (got < 66 || strcmp(ports->ffd, FN_FFD_ADDRESS) != 0) {
        fn_violate(run, "it is ready on %s", ports->ffd);
        return;
    }
    token[strcspn(token, "\n")] = 0;
    memcpy(run->token, token, sizeof token);
    run->is_ready = true;
}

static void
on_stopped(void *context, int error)
{
    struct fn_run *run = context;
    run->has_stopped = true;
    if (error == CHEK_OK && !run->is_ending) {
        fn_violate(run, "it stopped and was not asked to");
    }
}

static void
server_destroy(struct fn_run *run)
{
    chek_server_destroy(run->server);
    run->server = NULL;
    run->is_ready = run->has_stopped = false;
}

static bool
server_start(struct fn_run *run)
{
    struct chek_server_fault fault = {0};
    uint64_t crash_at = 0; /* never */
    run->shard_count = 1 + (unsigned)fn_below(run, FN_SHARD_COUNT_MAX);
    chek_world_restart(run->world, run->machine, run->shard_count);
    if (run->crashes_left > 0) {
        run->crashes_left -= 1;
        crash_at = 1 + fn_below(run, 1500);
    }
    chek_world_crash_after(run->world, run->machine, crash_at,
                           fn_below(run, 3) == 0 ? CHEK_CRASH_KILL : CHEK_CRASH_POWER);
    for (unsigned i = 0; i < run->shard_count; i++) {
        run->ios[i] = chek_world_io(run->world, run->machine, i);
    }
    int error = chek_server_create(run->ios, run->shard_count, &run->config, &fault, &run->server);
    run->result.start_count += 1;
    if (error == CHEK_OK) {
        return true;
    }
    run->server = NULL;
    if (chek_world_is_up(run->world, run->machine)) {
        if (error < -5000) {
            fn_violate(run, "it does not start: %s", fault.text);
        }
        chek_world_crash(run->world, run->machine, CHEK_CRASH_KILL);
    }
    return false;
}

static void
machine_step(struct fn_run *run)
{
    unsigned failed_count = 0;
    bool is_up = chek_world_is_up(run->world, run->machine);
    if (is_up && run->server != NULL && !run->has_stopped) {
        return;
    }
    if (is_up) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    } else {
        run->result.crash_count += 1;
    }
    server_destroy(run);
    while (!server_start(run) && run->result.violation[0] == 0) {
        failed_count += 1;
        if (failed_count > FAILED_START_COUNT_MAX) {
            chek_world_heal(run->world);
            run->crashes_left = 0;
        }
    }
}

/* ---- phases ----------------------------------------------------------------------------------- */

static void
calm(struct fn_run *run)
{
    chek_world_heal(run->world);
    chek_world_options(run->world)->net_segment_size_max = 65536;
    run->crashes_left = 0;
    run->is_calm = true;
}

/* A line that breaks every few bytes may let no message through: then it is mended. */
static void
patience_judge(struct fn_run *run)
{
    if (chek_world_now_ns(run->world) - run->moved_ns <= PATIENCE_NS) {
        return;
    }
    if (run->is_calm) {
        fn_violate(run, "nothing is answered any more");
    }
    calm(run);
    run->moved_ns = chek_world_now_ns(run->world);
}

static void
step(struct fn_run *run)
{
    (void)chek_world_step(run->world);
    machine_step(run);
    for (unsigned i = 0; i < FN_COUNT; i++) {
        fn_device_step(&run->devices[i]);
    }
    patience_judge(run);
}

static bool
all_done(const struct fn_run *run)
{
    bool done = true;
    for (unsigned i = 0; i < FN_COUNT; i++) {
        done = done && run->devices[i].state == FN_DONE;
    }
    return done;
}

static void
steps_until_done(struct fn_run *run)
{
    uint64_t end = chek_world_step_count(run->world) + STEP_COUNT_MAX;
    while (run->result.violation[0] == 0 && !all_done(run)) {
        step(run);
        if (chek_world_step_count(run->world) > end) {
            calm(run); /* a line with a byte a step */
            end += STEP_COUNT_MAX;
        }
    }
}

static void
lists_judge(struct fn_run *run)
{
    for (run->listed = 0; run->listed < FN_COUNT; run->listed++) {
        run->is_listed = false;
        while (run->result.violation[0] == 0 && !run->is_listed) {
            fn_list_step(run);
            step(run);
        }
        fn_list_drop(run);
    }
}

static void
stop(struct fn_run *run)
{
    for (unsigned i = 0; i < FN_COUNT; i++) {
        fn_device_drop(&run->devices[i]);
    }
    chek_server_stop(run->server, run->ios[0]);
    for (uint64_t i = 0; i < STEP_COUNT_MAX && !run->has_stopped; i++) {
        (void)chek_world_step(run->world);
    }
    if (!run->has_stopped) {
        fn_violate(run, "it does not stop in order");
    } else if (chek_world_connection_count(run->world, run->machine) != 0) {
        fn_violate(run, "it has stopped, and there are connections");
    }
}

/* Without faults: a power cut, the list of every drive, each document once more, lists again, a stop. */
static void
finish(struct fn_run *run)
{
    calm(run);
    run->is_ending = true;
    chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
    if (chek_world_is_up(run->world, run->machine)) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    }
    lists_judge(run);
    for (uint32_t i = 0; i < FN_DOCUMENT_COUNT; i++) {
        for (unsigned j = 0; j < FN_COUNT; j++) {
            fn_device_repeat(&run->devices[j], i);
        }
        steps_until_done(run);
    }
    lists_judge(run);
    if (run->result.violation[0] == 0) {
        stop(run);
    }
}

struct fn_result
fn_drive(uint64_t seed)
{
    static struct fn_run run;
    struct chek_world_options options = chek_world_options_drawn(seed);
    run = (struct fn_run){0};
    chek_prng_init(&run.prng, seed);
    struct chek_memory_counters before = chek_memory_count();
    run.world = chek_world_create(&options);
    run.machine = chek_world_machine_add(run.world, 1);
    run.crashes_left = (unsigned)fn_below(&run, 12);
    run.config = (struct chek_server_config){
        .listen = FN_ADDRESS,
        .ffd = FN_FFD_ADDRESS,
        .ffd_inn = "7704211201",
        .partition_count = (uint16_t)(1 + fn_below(&run, 4)),
        .segment_row_count = 2 + (uint32_t)fn_below(&run, 20),
        .segment_merge_count = 2,
        .log_file_size = CHEK_BLOCK_SIZE * (8 + fn_below(&run, 24)),
        .snapshot_log_size = 2000 + fn_below(&run, 20000),
        .sync_method = (enum chek_sync_method)fn_below(&run, 3),
        .context = &run,
        .on_ready = on_ready,
        .on_stopped = on_stopped,
    };
    for (uint32_t i = 0; i < FN_COUNT; i++) {
        fn_device_begin(&run.devices[i], &run, i);
    }
    chek_world_crash(run.world, run.machine,
                     CHEK_CRASH_KILL); /* the first start is like the others */
    steps_until_done(&run);
    if (run.result.violation[0] == 0) {
        finish(&run);
    }
    if (chek_world_is_up(run.world, run.machine)) {
        chek_world_crash(run.world, run.machine, CHEK_CRASH_POWER);
    }
    server_destroy(&run);
    chek_world_destroy(run.world);
    bool holds_workspace = chek_workspace_count().size != 0;
    if (!holds_workspace) {
        chek_workspace_finish();
    }
    struct chek_memory_counters after = chek_memory_count();
    if (holds_workspace || after.reserved_size != before.reserved_size ||
        after.heap_size != before.heap_size) {
        fn_violate(&run, "after its end the server holds memory");
    }
    return run.result;
}
