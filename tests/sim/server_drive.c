/* SPDX-License-Identifier: MIT */
/*
 * server_drive.c - one seed of the whole server.
 */
#include "tests/sim/server_drive.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "engine/base/planted.h"
#include "tests/sim/server_run.h"

#define STEP_COUNT_MAX 60000         /* with faults */
#define ENDING_STEP_COUNT_MAX 400000 /* without */
#define DOCUMENT_COUNT_MAX 160
#define STILL_COUNT_MAX 20000  /* steps of a world in which nothing happens */
#define PLANTED_COUNT_MAX 2000 /* a bug that strikes once does so before */
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

__attribute__((format(printf, 2, 3))) void
run_say(const struct run *run, const char *format, ...)
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

/* ---- phases ----------------------------------------------------------------------------------- */

/* A step of everybody. False: nothing happens any more. */
static bool
step(struct run *run)
{
    run_machine_step(run);
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        run_client_step(&run->clients[i]);
    }
    if (run->is_verifying && run->is_verified) {
        run_say(run, "verified");
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
    unsigned still_count = 0;
    while (run->result.violation[0] == 0 && !run_all_acked(run) &&
           chek_world_step_count(run->world) < STEP_COUNT_MAX) {
        still_count = step(run) ? 0 : still_count + 1;
        if (still_count > STILL_COUNT_MAX) {
            run_violate(run, "nothing happens, and not all is acknowledged");
        }
        if (run->stops_left != 0 && chek_prng_chance(&run->prng, 150)) {
            run->stops_left -= 1;
            run_stop_ask(run);
        }
        if (!run->is_verifying && chek_prng_chance(&run->prng, 60) && run->is_ready &&
            run->options.calm) {
            run_verify_begin(run, 300);
        }
    }
}

/* Nobody waits for an answer any more, but who follows, or has to ask again. */
static bool
all_answered(const struct run *run)
{
    for (unsigned i = 0; i < RUN_CLIENT_COUNT; i++) {
        for (unsigned j = 0; j < RUN_REQUEST_COUNT; j++) {
            const struct run_request *request = &run->clients[i].requests[j];
            if (request->id != 0 && !request->is_busy && !request->question.follow) {
                return false;
            }
        }
    }
    return true;
}

static void
verify(struct run *run)
{
    run_verify_begin(run, 0);
    steps(run, ENDING_STEP_COUNT_MAX, is_verified, "what there is cannot be read");
}

static bool
is_serving(const struct run *run)
{
    return run->server != NULL && run->is_ready && !run->has_stopped;
}

/* Rows are damaged between two starts; whoever asks for them is refused, and nobody gets wrong ones.
 * The next life finds them whole again. */
static void
rot(struct run *run)
{
    run_stop_ask(run); /* so that there are segments in files */
    steps(run, ENDING_STEP_COUNT_MAX, has_ended, "it does not stop before it rots");
    steps(run, ENDING_STEP_COUNT_MAX, is_serving, "it does not serve before it rots");
    if (run->result.violation[0] != 0) {
        return;
    }
    run_rot_begin(run);
    verify(run);
    run_rot_end(run);
    chek_world_crash(run->world, run->machine, CHEK_CRASH_KILL);
    steps(run, ENDING_STEP_COUNT_MAX, is_serving, "it does not serve after it was made whole");
    run->is_rotten = false;
}

/* No faults any more: everybody finishes, everything is right, and stays. */
static void
finish(struct run *run)
{
    struct chek_world_options *options = chek_world_options(run->world);
    chek_world_heal(run->world);
    chek_world_fail_folder_sync(run->world, run->machine, NULL);
    options->disk_capacity = RUN_CAPACITY_MAX;
    options->net_segment_size_max = 65536; /* a step a byte would take a million of them */
    options->net_delay_ns_max = 500000;
    chek_world_crash_after(run->world, run->machine, 0, CHEK_CRASH_POWER);
    run->crashes_left = 0;
    run->is_ending = true;
    run->ending_ns = chek_world_now_ns(run->world);
    steps(run, ENDING_STEP_COUNT_MAX, is_verified, "what there is cannot be read");
    steps(run, ENDING_STEP_COUNT_MAX, all_acked,
          "faults have stopped, and not all is acknowledged");
    verify(run);
    if (run->result.violation[0] == 0) {
        rot(run);
    }
    run->is_settling = true;
    steps(run, ENDING_STEP_COUNT_MAX, all_answered, "something is never answered");
    run->is_settling = false;
    if (run->result.violation[0] == 0) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
        verify(run);
    }
    if (run->result.violation[0] == 0) {
        run_stop_ask(run);
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
    static const uint64_t capacities[] = {RUN_CAPACITY_MAX, RUN_CAPACITY_MAX, RUN_CAPACITY_MAX,
                                          3000000};
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
    run_retention_draw(run);
    story_make(&run->story, &run->story_arena, options->seed + 2,
               20 + (uint32_t)run_below(run, DOCUMENT_COUNT_MAX - 20), run->retention_us != 0);
    run->journal.place_count = run->story.mark + 1;
    run->journal.places = calloc(run->journal.place_count, sizeof *run->journal.places);
    CHEK_ASSERT(run->journal.places != NULL);
    run->journal.principal_count = 1;
    run->journal.principals[0] = (struct run_principal){
        .state = TOKEN_KNOWN, .number = 1, .name = "admin", .rights = 7, .organisation = -1};
    run->config = run_config_draw(run);
    clients_make(run);
    run->world = chek_world_create(&world);
    run->machine = chek_world_machine_add(run->world, 1);
    run->twin = chek_world_machine_add(run->world, 1);
    run->copy = chek_world_machine_add(run->world, 1);
    run->blank = chek_world_machine_add(run->world, 1);
    chek_world_observe(run->world, run_watch, run);
    chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER); /* then it starts */
    chek_world_crash(run->world, run->twin, CHEK_CRASH_POWER);
    chek_world_crash(run->world, run->copy, CHEK_CRASH_POWER);
    run->crashes_left = options->calm ? 0 : (unsigned)run_below(run, 9);
    run->stops_left = (unsigned)run_below(run, 3);
    run->baseline = chek_memory_count();
    struct chek_prng planted;
    chek_prng_init(&planted, options->seed + 3);
    chek_planted_countdown = (uint32_t)chek_prng_below(&planted, PLANTED_COUNT_MAX);
}

static void
run_free(struct run *run)
{
    if (chek_world_is_up(run->world, run->machine)) {
        chek_world_crash(run->world, run->machine, CHEK_CRASH_POWER);
    }
    run_server_destroy(run);
    if (chek_world_is_up(run->world, run->copy)) {
        chek_world_crash(run->world, run->copy, CHEK_CRASH_KILL);
    }
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
        run_crash_plan(&run);
    }
    (void)run_restart(&run);
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
