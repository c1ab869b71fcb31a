/* SPDX-License-Identifier: MIT */
/*
 * peer_run.c - the machine and the phases of a run of devices.
 */
#include "tests/sim/peer_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/memory.h"
#include "engine/base/workspace.h"

#define PATIENCE_NS UINT64_C(120000000000)
#define STEP_COUNT_MAX UINT64_C(100000)
#define FAILED_START_COUNT_MAX 8
#define STILL_COUNT_MAX 1000
#define SLOW_NS 20000000

void
peer_violate(struct peer_run *run, const char *format, ...)
{
    va_list arguments;
    if (!peer_is_good(run)) {
        return;
    }
    va_start(arguments, format);
    (void)vsnprintf(run->result.violation, sizeof run->result.violation, format, arguments);
    va_end(arguments);
}

bool
peer_is_good(const struct peer_run *run)
{
    return run->result.violation[0] == 0;
}

uint64_t
peer_below(struct peer_run *run, uint64_t bound)
{
    return chek_prng_below(&run->prng, bound);
}

void
peer_moved(struct peer_run *run)
{
    run->moved_ns = chek_world_now_ns(run->world);
}

/* ---- the machine ------------------------------------------------------------------------------ */

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    struct peer_run *run = context;
    char token[sizeof run->token] = {0};
    const char *port = run->config.cpcr != NULL ? ports->cpcr : ports->ffd;
    int64_t got =
        chek_world_peek(run->world, run->machine, "admin.token", token, sizeof token - 1, 0);
    if (got < 66 || strcmp(port, PEER_DEVICE_ADDRESS) != 0) {
        peer_violate(run, "it is ready on %s", port);
        return;
    }
    token[strcspn(token, "\n")] = 0;
    memcpy(run->token, token, sizeof token);
    run->is_ready = run->was_ready = true;
}

static void
on_stopped(void *context, int error)
{
    struct peer_run *run = context;
    run->has_stopped = true;
    if (error == CHEK_OK && !run->is_ending) {
        peer_violate(run, "it stopped and was not asked to");
    }
}

static void
server_destroy(struct peer_run *run)
{
    chek_server_destroy(run->server);
    run->server = NULL;
    run->is_ready = run->has_stopped = false;
}

static bool
server_start(struct peer_run *run)
{
    struct chek_server_fault fault = {0};
    uint64_t crash_at = 0; /* never */
    run->shard_count = 1 + (unsigned)peer_below(run, PEER_SHARD_COUNT_MAX);
    chek_world_restart(run->world, run->machine, run->shard_count);
    if (run->crashes_left > 0) {
        run->crashes_left -= 1;
        crash_at = 1 + peer_below(run, 1500);
    }
    chek_world_crash_after(run->world, run->machine, crash_at,
                           peer_below(run, 3) == 0 ? CHEK_CRASH_KILL : CHEK_CRASH_POWER);
    for (unsigned i = 0; i < run->shard_count; i++) {
        run->ios[i] = chek_world_io(run->world, run->machine, i);
    }
    int error = chek_server_create(run->ios, run->shard_count, &run->config, &fault, &run->server);
    run->result.counts[PEER_STARTS] += 1;
    if (error == CHEK_OK) {
        return true;
    }
    run->server = NULL;
    if (chek_world_is_up(run->world, run->machine)) {
        if (error < -5000) {
            peer_violate(run, "it does not start: %s", fault.text);
        }
        /* A folder whose making failed is to be emptied: what a failed sync dropped stays dropped. */
        chek_world_crash(run->world, run->machine,
                         run->was_ready ? CHEK_CRASH_KILL : CHEK_CRASH_POWER);
    }
    return false;
}

static void
machine_step(struct peer_run *run)
{
    unsigned failed_count = 0;
    bool is_up = chek_world_is_up(run->world, run->machine);
    if (is_up && run->server != NULL && !run->has_stopped) {
        return;
    }
    if (is_up) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    } else {
        run->result.counts[PEER_CRASHES] += 1;
    }
    server_destroy(run);
    while (!server_start(run) && peer_is_good(run)) {
        failed_count += 1;
        if (failed_count > FAILED_START_COUNT_MAX) {
            chek_world_heal(run->world);
            run->crashes_left = 0;
        }
    }
}

/* ---- phases ----------------------------------------------------------------------------------- */

static void
calm(struct peer_run *run)
{
    chek_world_heal(run->world);
    chek_world_options(run->world)->net_segment_size_max = 65536;
    run->crashes_left = 0;
    run->is_calm = true;
    peer_moved(run); /* now everybody has to be heard within the same time */
}

static void
mend(struct peer_run *run, const char *complaint)
{
    if (run->is_calm) {
        peer_violate(run, "%s", complaint);
    } else {
        run->result.counts[PEER_MENDS] += 1;
        calm(run);
    }
}

void
peer_step(struct peer_run *run)
{
    bool has_moved = chek_world_step(run->world);
    run->still_count = has_moved ? 0 : run->still_count + 1;
    machine_step(run);
    run->kind->step(run);
    if (run->still_count > STILL_COUNT_MAX) {
        peer_violate(run, "nothing happens any more");
    } else if (chek_world_now_ns(run->world) - run->moved_ns > PATIENCE_NS) {
        mend(run, "nothing is answered any more");
    }
}

void
peer_settle(struct peer_run *run)
{
    uint64_t end = chek_world_step_count(run->world) + STEP_COUNT_MAX;
    while (peer_is_good(run) && !run->kind->is_done(run)) {
        peer_step(run);
        if (chek_world_step_count(run->world) > end) { /* a line with a byte a step */
            mend(run, "it comes to no end");
            end += STEP_COUNT_MAX;
        }
    }
}

static void
stop(struct peer_run *run)
{
    run->kind->drop(run);
    while (peer_is_good(run) && !run->is_ready) {
        peer_step(run);
    }
    if (!peer_is_good(run)) {
        return;
    }
    run->kind->drop(run);
    chek_server_stop(run->server, run->ios[0]);
    for (uint64_t i = 0; i < STEP_COUNT_MAX && !run->has_stopped; i++) {
        (void)chek_world_step(run->world);
    }
    if (!run->has_stopped) {
        peer_violate(run, "it does not stop in order");
    } else if (chek_world_connection_count(run->world, run->machine) != 0) {
        peer_violate(run, "it has stopped, and there are connections");
    }
}

/* Without faults: a power cut, what the kind wants to hear once more, a stop. */
static void
finish(struct peer_run *run)
{
    calm(run);
    run->is_ending = true;
    chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
    if (chek_world_is_up(run->world, run->machine)) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    }
    run->kind->end(run);
    if (peer_is_good(run)) {
        stop(run);
    }
}

static void
begin(struct peer_run *run, uint64_t seed, enum peer_lines lines)
{
    struct chek_world_options options = chek_world_options_drawn(seed);
    if (lines == PEER_LINES_BAD) {
        options.net_segment_size_max = 1;
        options.net_delay_ns_max = SLOW_NS;
    }
    chek_prng_init(&run->prng, seed);
    run->world = chek_world_create(&options);
    run->machine = chek_world_machine_add(run->world, 1);
    run->crashes_left = (unsigned)peer_below(run, 12);
    run->config = (struct chek_server_config){
        .listen = PEER_ADDRESS,
        .partition_count = (uint16_t)(1 + peer_below(run, 4)),
        .segment_row_count = 2 + (uint32_t)peer_below(run, 20),
        .segment_merge_count = 2,
        .log_file_size = CHEK_BLOCK_SIZE * (8 + peer_below(run, 24)),
        .snapshot_log_size = 2000 + peer_below(run, 20000), /* a run logs 30,000 bytes */
        .sync_method = (enum chek_sync_method)peer_below(run, 3),
        .context = run,
        .on_ready = on_ready,
        .on_stopped = on_stopped,
    };
    run->kind->begin(run);
}

void
peer_drive(struct peer_run *run, uint64_t seed, enum peer_lines lines)
{
    struct chek_memory_counters before = chek_memory_count();
    begin(run, seed, lines);
    /* The first start is like the others. */
    chek_world_crash(run->world, run->machine, CHEK_CRASH_KILL);
    peer_settle(run);
    if (peer_is_good(run)) {
        finish(run);
    }
    if (chek_world_is_up(run->world, run->machine)) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    }
    server_destroy(run);
    chek_world_destroy(run->world);
    bool holds_workspace = chek_workspace_count().size != 0;
    if (!holds_workspace) {
        chek_workspace_finish();
    }
    struct chek_memory_counters after = chek_memory_count();
    if (holds_workspace || after.reserved_size != before.reserved_size ||
        after.heap_size != before.heap_size) {
        peer_violate(run, "after its end the server holds memory");
    }
}
