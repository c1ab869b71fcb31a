/* SPDX-License-Identifier: MIT */
/*
 * server_drive.c - one seed of the whole server.
 */
#include "tests/sim/server_drive.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tests/sim/server_run.h"

#define STEP_COUNT_MAX 60000         /* with faults */
#define ENDING_STEP_COUNT_MAX 400000 /* without */
#define FAILED_START_COUNT_MAX 12    /* then somebody makes room on the disk */
#define CAPACITY_MAX (UINT64_C(1) << 40)
#define DOCUMENT_COUNT_MAX 160
#define MANIFEST_WAIT_NS 10000000 /* after a worker's way home, to give up */
#define STILL_COUNT_MAX 20000     /* steps of a world in which nothing happens */
#define ARENA_SIZE ((size_t)16 * 1024 * 1024)

void
run_violate(struct run *run, const char *format, ...)
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
run_below(struct run *run, uint64_t bound)
{
    return chek_prng_below(&run->prng, bound);
}

bool
run_chance(struct run *run, uint64_t percent)
{
    return chek_prng_below(&run->prng, 100) < percent;
}

__attribute__((format(printf, 2, 3))) static void
say(const struct run *run, const char *format, ...)
{
    va_list arguments;
    if (run->options.is_loud) {
        printf("%9" PRIu64 " ", chek_world_step_count(run->world));
        va_start(arguments, format);
        vprintf(format, arguments);
        va_end(arguments);
        printf("\n");
    }
}

/* ---- the server ------------------------------------------------------------------------------- */

static void
on_ready(void *context, const struct chek_server_ports *ports)
{
    struct run *run = context;
    char token[CHEK_TOKEN_TEXT_MAX + 1] = {0};
    int64_t got =
        chek_world_peek(run->world, run->machine, "admin.token", token, sizeof token - 1, 0);
    if (got < 66 || run->is_ready) {
        run_violate(run, "the server is ready, and the first token has %d bytes", (int)got);
        return;
    }
    token[strcspn(token, "\n")] = 0;
    memcpy(run->admin_token, token, sizeof run->admin_token);
    (void)snprintf(run->address, sizeof run->address, "%s", ports->listen);
    run->is_ready = true;
}

static void
on_stopped(void *context, int error)
{
    struct run *run = context;
    run->has_stopped = true;
    run->stop_error = error;
    say(run, "stopped: %s", chek_error_name(error));
}

static struct chek_server_config
config_draw(struct run *run)
{
    static const uint64_t credit_sizes[] = {3000, 20000, 8 * 1024 * 1024};
    return (struct chek_server_config){
        .listen = RUN_ADDRESS,
        .partition_count = (uint16_t)(1 + run_below(run, RUN_PARTITION_COUNT_MAX)),
        .segment_row_count = 64,
        .log_file_size = CHEK_BLOCK_SIZE * (8 + run_below(run, 24)),
        .snapshot_log_size = 20000 + run_below(run, 400000),
        .sync_method = (enum chek_sync_method)run_below(run, 3),
        .connection_count_max = RUN_CLIENT_COUNT + 3 + (uint32_t)run_below(run, 8),
        .intake_credit_size = credit_sizes[run_below(run, CHEK_COUNT(credit_sizes))],
        .context = run,
        .on_ready = on_ready,
        .on_stopped = on_stopped,
    };
}

/* Everything that the server took it gave back. */
static void
server_destroy(struct run *run)
{
    chek_server_destroy(run->server);
    run->server = NULL;
    run->is_ready = run->has_stopped = run->stop_asked = false;
    run->manifest_failed_ns = 0;
    struct chek_memory_counters now = chek_memory_count();
    const struct chek_memory_counters *then = &run->baseline;
    if (now.heap_size != then->heap_size || now.reserved_size != then->reserved_size ||
        now.committed_size != then->committed_size ||
        now.allocation_count - now.free_count != then->allocation_count - then->free_count) {
        run_violate(run,
                    "after its end the server holds %" PRId64 " bytes in %" PRId64
                    " blocks, %" PRId64 " reserved",
                    (int64_t)(now.heap_size - then->heap_size),
                    (int64_t)(now.allocation_count - now.free_count - then->allocation_count +
                              then->free_count),
                    (int64_t)(now.reserved_size - then->reserved_size));
    }
}

/* A start that fails without a reason that the disk gave. */
static bool
is_bad_start(int error)
{
    return error < -5000 && error != CHEK_E_HALTED;
}

static int
server_create(struct run *run, unsigned machine, unsigned shard_count, struct chek_server **ret)
{
    struct chek_server_fault fault = {0};
    for (unsigned i = 0; i < shard_count; i++) {
        run->ios[i] = chek_world_io(run->world, machine, i);
    }
    int error = chek_server_create(run->ios, shard_count, &run->config, &fault, ret);
    if (error != CHEK_OK) {
        say(run, "machine %u, %u shards: %s", machine, shard_count, fault.text);
    }
    if (error != CHEK_OK && is_bad_start(error) && chek_world_is_up(run->world, machine)) {
        run_violate(run, "it does not start: %s", fault.text);
    }
    return error;
}

static unsigned
shards_draw(struct run *run)
{
    return 1 + (unsigned)run_below(run, RUN_SHARD_COUNT_MAX);
}

/* ---- state hashes ----------------------------------------------------------------------------- */

static void
hashes_take(const struct run *run, const struct chek_server *server,
            uint64_t ret[RUN_PARTITION_COUNT_MAX + 1])
{
    (void)run;
    for (unsigned i = 0; i <= chek_server_partition_count(server); i++) {
        ret[i] = chek_server_partition_hash(server, (uint16_t)i);
    }
}

static void
hashes_compare(struct run *run, const struct chek_server *server, const uint64_t *hashes,
               const char *what)
{
    for (unsigned i = 0; i <= chek_server_partition_count(server); i++) {
        if (chek_server_partition_hash(server, (uint16_t)i) != hashes[i]) {
            run_violate(run, "partition %u has another state hash %s", i, what);
        }
    }
}

/* The same disk, brought back on another machine by another number of shards: the same state. */
static void
twin_compare(struct run *run)
{
    struct chek_server *twin;
    uint64_t hashes[RUN_PARTITION_COUNT_MAX + 1];
    unsigned shard_count = shards_draw(run);
    chek_world_restart(run->world, run->twin, shard_count);
    if (server_create(run, run->twin, shard_count, &twin) == CHEK_OK) {
        hashes_take(run, twin, hashes);
        run->result.twin_count += 1;
        chek_world_crash(run->world, run->twin, CHEK_CRASH_POWER);
        chek_server_destroy(twin);
        hashes_compare(run, run->server, hashes, "on a machine that has a copy of the disk");
    } else if (chek_world_is_up(run->world, run->twin)) {
        chek_world_crash(run->world, run->twin, CHEK_CRASH_POWER);
    }
}

/* ---- the machine ------------------------------------------------------------------------------ */

static enum chek_world_crash
crash_draw(struct run *run)
{
    return run_below(run, 4) != 0 ? CHEK_CRASH_POWER : CHEK_CRASH_KILL;
}

static void
crash_plan(struct run *run)
{
    if (run->options.first_crash != 0 || run->crashes_left == 0) {
        chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
        return;
    }
    run->crashes_left -= 1;
    bool is_soon = run_chance(run, 30); /* while it starts */
    uint64_t n = 1 + run_below(run, is_soon ? 120 : 4000);
    chek_world_crash_after(run->world, run->machine, n, crash_draw(run));
}

/* Stop what there was and start again on the same disk. */
static int
restart(struct run *run)
{
    bool with_twin = !run->options.calm && run->server != NULL && run_chance(run, 40);
    server_destroy(run);
    if (with_twin) {
        chek_world_disk_copy(run->world, run->machine, run->twin);
    }
    run->shard_count = shards_draw(run);
    chek_world_restart(run->world, run->machine, run->shard_count);
    int error = server_create(run, run->machine, run->shard_count, &run->server);
    if (error != CHEK_OK) {
        run->server = NULL;
        if (chek_world_is_up(run->world, run->machine)) {
            chek_world_crash(run->world, run->machine, CHEK_CRASH_KILL); /* the process ends */
        }
        return error;
    }
    say(run, "started with %u shards", run->shard_count);
    if (!run->is_ending) {
        chek_world_fail_folder_sync(run->world, run->machine, run->options.folder_failing);
    }
    run->result.start_count += 1;
    if (run->has_hashes && chek_world_is_up(run->world, run->machine)) {
        hashes_compare(run, run->server, run->hashes, "after an orderly stop");
    }
    run->has_hashes = false;
    if (with_twin && chek_world_is_up(run->world, run->machine)) {
        twin_compare(run);
    }
    if (!run->is_ending && run_chance(run, 50)) {
        run_verify_begin(run, 0);
    }
    return CHEK_OK;
}

/* A stop that was asked for is over: nothing of it may get lost any more. */
static void
stopped_note(struct run *run)
{
    if (run->stop_error != CHEK_OK) {
        run->result.latch_count += 1;
        if (run->options.calm) {
            run_violate(run, "it gave up: %s", chek_error_name(run->stop_error));
        }
    } else if (!run->stop_asked) {
        run_violate(run, "it stopped and was not asked to");
    } else {
        run->result.stop_count += 1;
        hashes_take(run, run->server, run->hashes);
        run->has_hashes = true;
    }
}

static void
clients_drop(struct run *run)
{
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        if (run_chance(run, 50)) {
            run_client_drop(&run->clients[i]); /* else it finds out by itself */
        }
    }
}

/* Keep the machine running: start it again when it is down, or when its server has ended. */
static void
machine_step(struct run *run)
{
    bool is_up = chek_world_is_up(run->world, run->machine);
    if (is_up && run->server != NULL && !run->has_stopped) {
        uint64_t wait_ns = MANIFEST_WAIT_NS + chek_world_options(run->world)->work_delay_ns_max;
        if (run->manifest_failed_ns != 0 &&
            chek_world_now_ns(run->world) > run->manifest_failed_ns + wait_ns) {
            run_violate(run, "it goes on, and nobody knows which manifest a start would find");
        }
        return;
    }
    if (is_up && run->has_stopped) {
        stopped_note(run);
    }
    run->result.crash_count += !is_up;
    say(run, "%s", is_up ? "ends" : "crashed");
    if (is_up) {
        chek_world_crash(run->world, run->machine, crash_draw(run));
    }
    clients_drop(run);
    crash_plan(run);
    if (restart(run) == CHEK_OK) {
        run->failed_start_count = 0;
        return;
    }
    run->result.failed_start_count += 1;
    run->failed_start_count += 1; /* the next step starts again */
    if (run->failed_start_count > FAILED_START_COUNT_MAX) {
        chek_world_options(run->world)->disk_capacity = CAPACITY_MAX;
        chek_world_heal(run->world);
    }
}

static void
stop_ask(struct run *run)
{
    if (run->server != NULL && run->is_ready && !run->stop_asked && !run->has_stopped &&
        chek_world_is_up(run->world, run->machine)) {
        say(run, "is asked to stop");
        run->stop_asked = true;
        chek_server_stop(run->server, run->ios[run_below(run, run->shard_count)]);
    }
}

/* ---- phases ----------------------------------------------------------------------------------- */

/* A step of everybody. False: nothing happens any more. */
static bool
step(struct run *run)
{
    machine_step(run);
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        run_client_step(&run->clients[i]);
    }
    if (run->is_verifying && run->is_verified) {
        say(run, "verified");
        run->is_verifying = false;
        run->result.verify_count += 1;
    }
    return chek_world_step(run->world);
}

/* Go on until `done`, or everything stands still. */
static void
steps(struct run *run, uint64_t count_max, bool (*done)(const struct run *run), const char *what)
{
    unsigned still_count = 0;
    for (uint64_t i = 0; run->result.violation[0] == 0 && !done(run); i++) {
        still_count = step(run) ? 0 : still_count + 1;
        if (i == count_max || still_count > STILL_COUNT_MAX) {
            if (what != NULL) {
                run_violate(run, "%s%s", what, still_count != 0 ? " (nothing happens)" : "");
            }
            return;
        }
    }
}

static bool
is_verified(const struct run *run)
{
    return !run->is_verifying;
}

static bool
has_ended(const struct run *run)
{
    return run->server == NULL || run->has_stopped;
}

static bool
all_acked(const struct run *run)
{
    return run_all_acked(run);
}

/* With faults, crashes and stops. */
static void
trouble(struct run *run)
{
    while (run->result.violation[0] == 0 && !run_all_acked(run) &&
           chek_world_step_count(run->world) < STEP_COUNT_MAX) {
        (void)step(run);
        if (run->stops_left != 0 && chek_prng_chance(&run->prng, 150)) {
            run->stops_left -= 1;
            stop_ask(run);
        }
        if (!run->is_verifying && chek_prng_chance(&run->prng, 60) && run->is_ready &&
            run->options.calm) {
            run_verify_begin(run, 300);
        }
    }
}

static void
verify(struct run *run)
{
    run_verify_begin(run, 0);
    steps(run, ENDING_STEP_COUNT_MAX, is_verified, "what there is cannot be read");
}

/* No faults any more: everybody finishes, everything is right, and stays. */
static void
finish(struct run *run)
{
    struct chek_world_options *options = chek_world_options(run->world);
    chek_world_heal(run->world);
    chek_world_fail_folder_sync(run->world, run->machine, NULL);
    options->disk_capacity = CAPACITY_MAX;
    options->net_segment_size_max = 65536; /* a step a byte would take a million of them */
    options->net_delay_ns_max = 500000;
    chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
    run->crashes_left = 0;
    run->is_ending = true;
    steps(run, ENDING_STEP_COUNT_MAX, is_verified, "what there is cannot be read");
    steps(run, ENDING_STEP_COUNT_MAX, all_acked,
          "faults have stopped, and not all is acknowledged");
    verify(run);
    if (run->result.violation[0] == 0) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
        verify(run);
    }
    if (run->result.violation[0] == 0) {
        stop_ask(run);
        steps(run, ENDING_STEP_COUNT_MAX, has_ended, "it does not stop in order");
        if (run->has_stopped && chek_world_connection_count(run->world, run->machine) != 0) {
            run_violate(run, "it has stopped, and there are connections");
        }
        verify(run);
    }
}

/* ---- a run ------------------------------------------------------------------------------------ */

struct chek_world_options
server_drive_options(const struct server_run *run)
{
    static const uint64_t sync_error_rates[] = {0, 0, 0, 300};
    static const uint64_t capacities[] = {CAPACITY_MAX, CAPACITY_MAX, CAPACITY_MAX, 3000000};
    struct chek_prng prng;
    if (run->calm) {
        return chek_world_options_calm(run->seed);
    }
    struct chek_world_options options = chek_world_options_drawn(run->seed);
    chek_prng_init(&prng, run->seed);
    options.disk_sync_error_rate =
        sync_error_rates[chek_prng_below(&prng, CHEK_COUNT(sync_error_rates))];
    options.disk_capacity = capacities[chek_prng_below(&prng, CHEK_COUNT(capacities))];
    return options;
}

static void
clients_make(struct run *run)
{
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        struct run_client *client = &run->clients[i];
        client->run = run;
        client->index = i;
        client->act = i < RUN_FEEDER_COUNT                     ? run_feed_act
                      : i < RUN_FEEDER_COUNT + RUN_ASKER_COUNT ? run_ask_act
                      : i < RUN_CLIENT_COUNT - 1               ? run_admin_act
                                                               : run_verify_act;
        client->offset_next = 1;
        client->item_count_max = run_chance(run, 30) ? RUN_ITEM_COUNT : 8;
        client->window = 1 + (unsigned)run_below(run, RUN_REQUEST_COUNT);
    }
}

static void
run_make(struct run *run, const struct server_run *options)
{
    struct chek_world_options world = server_drive_options(options);
    *run = (struct run){.options = *options};
    chek_prng_init(&run->prng, options->seed + 1);
    int error = chek_arena_init(&run->story_arena, ARENA_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    error = chek_arena_init(&run->arena, ARENA_SIZE);
    CHEK_ASSERT(error == CHEK_OK);
    story_make(&run->story, &run->story_arena, options->seed + 2,
               20 + (uint32_t)run_below(run, DOCUMENT_COUNT_MAX - 20));
    run->journal.place_count = run->story.mark + 1;
    run->journal.places = calloc(run->journal.place_count, sizeof *run->journal.places);
    CHEK_ASSERT(run->journal.places != NULL);
    run->journal.principal_count = 1;
    run->journal.principals[0] = (struct run_principal){
        .state = TOKEN_KNOWN, .number = 1, .name = "admin", .rights = 7, .organisation = -1};
    run->config = config_draw(run);
    clients_make(run);
    run->world = chek_world_create(&world);
    run->machine = chek_world_machine_add(run->world, 1);
    run->twin = chek_world_machine_add(run->world, 1);
    chek_world_observe(run->world, run_watch, run);
    chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER); /* then it starts */
    chek_world_crash(run->world, run->twin, CHEK_CRASH_POWER);
    run->crashes_left = options->calm ? 0 : (unsigned)run_below(run, 9);
    run->stops_left = (unsigned)run_below(run, 3);
    run->baseline = chek_memory_count();
}

static void
run_free(struct run *run)
{
    if (chek_world_is_up(run->world, run->machine)) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    }
    server_destroy(run);
    chek_world_destroy(run->world);
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        free(run->clients[i].carry);
    }
    free(run->journal.places);
    story_free(&run->story);
    chek_arena_finish(&run->story_arena);
    chek_arena_finish(&run->arena);
}

struct server_result
server_drive(const struct server_run *options)
{
    static struct run run;
    run_make(&run, options);
    if (options->first_crash != 0) {
        chek_world_crash_after(run.world, run.machine, options->first_crash, options->kind);
    } else {
        crash_plan(&run);
    }
    (void)restart(&run);
    trouble(&run);
    run.result.crash_point_count = chek_world_crash_point_count(run.world, run.machine);
    if (run.result.violation[0] == 0) {
        finish(&run);
    }
    run.result.trace = chek_world_trace(run.world);
    run.result.step_count = chek_world_step_count(run.world);
    run_free(&run);
    return run.result;
}
