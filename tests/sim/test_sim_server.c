/* SPDX-License-Identifier: MIT */
/*
 * test_sim_server.c - the server keeps what it said, whatever the world does; and this test would
 * know if it did not: compiled with CHEK_PLANTED_BUGS it looks for the planted bugs instead.
 *
 *   test_sim_server             all of it
 *   test_sim_server SEED [BUG]  one run, with its options (BUG a number of engine/base/planted.h)
 *   test_sim_server SEED-SEED   some runs
 */
#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/planted.h"
#include "tests/sim/server_drive.h"

#define CALM_SEED_COUNT 10
#define SEED_COUNT 30

static void
result_print(const struct server_result *result)
{
    printf("trace %016" PRIx64 ", %" PRIu64 " steps, %u starts, %u crashes, %u stops, %u latched, "
           "%u failed starts; %u stored, %u duplicates, %u conflicts, %u busy, %u connections, "
           "%u snapshots, %u revoked, %u verified, %u questions, %u events, %u twins, "
           "%u of %u watched: %s\n",
           result->trace, result->step_count, result->start_count, result->crash_count,
           result->stop_count, result->latch_count, result->failed_start_count,
           result->stored_count, result->duplicate_count, result->conflict_count,
           result->busy_count, result->connection_count, result->snapshot_count,
           result->revoke_count, result->verify_count, result->question_count, result->event_count,
           result->twin_count, result->watched_count,
           result->watched_count + result->unwatched_count,
           result->violation[0] != 0 ? result->violation : "clean");
}

static void
test_server_serves_in_a_calm_world(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= CALM_SEED_COUNT; seed++) {
        struct server_result result =
            server_drive(&(struct server_run){.seed = seed, .calm = true});
        if (result.violation[0] != 0) {
            fail_msg("calm seed %" PRIu64 ": %s", seed, result.violation);
        }
    }
}

static void
test_server_keeps_what_it_said(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct server_result result = server_drive(&(struct server_run){.seed = seed});
        if (result.violation[0] != 0) {
            fail_msg("seed %" PRIu64 ": %s", seed, result.violation);
        }
    }
}

static void
test_server_run_is_the_same_for_the_same_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        const struct server_run run = {.seed = seed, .without_status = true};
        uint64_t trace = server_drive(&run).trace;
        assert_true(server_drive(&run).trace == trace);
    }
}

static int
run_all(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_serves_in_a_calm_world),
        cmocka_unit_test(test_server_keeps_what_it_said),
        cmocka_unit_test(test_server_run_is_the_same_for_the_same_seed),
    };
    return cmocka_run_group_tests_name("sim_server", tests, NULL, NULL);
}

static int
run_one(const char *seed, const char *bug)
{
    struct server_run run = {.seed = strtoull(seed, NULL, 10), .is_loud = true};
    run.calm = bug != NULL && bug[0] == 'c';
    struct chek_world_options options = server_drive_options(&run);
    (void)setvbuf(stdout, NULL, _IOLBF, 0); /* for what is said before an assertion */
    if (bug != NULL) {
        chek_planted_bug = (enum chek_planted)strtoul(bug, NULL, 10);
    }
    chek_world_options_print(&options, stdout);
    struct server_result result = server_drive(&run);
    result_print(&result);
    return result.violation[0] != 0;
}

int
main(int argc, char **argv)
{
    if (sodium_init() < 0) {
        return 1;
    }
    return argc > 1 ? run_one(argv[1], argc > 2 ? argv[2] : NULL) : run_all();
}
