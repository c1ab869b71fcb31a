/* SPDX-License-Identifier: MIT */
/*
 * test_sim_log.c - the log keeps what it acknowledged, whatever the world does; and this test
 * would know if it did not: compiled with CHEK_PLANTED_BUGS it looks for the planted bugs instead.
 *
 *   test_sim_log             all of it
 *   test_sim_log SEED [BUG]  one run, with its options (BUG a number of engine/base/planted.h)
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "engine/base/planted.h"
#include "tests/sim/log_drive.h"

#define SEED_COUNT 400
#define PLANTED_SEED_COUNT 200
#define CRASH_POINT_COUNT 250

#ifndef CHEK_PLANTED_BUGS

static void
test_log_keeps_what_it_acknowledged(void **state)
{
    struct log_result sum = {0};
    (void)state;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct log_result result = log_drive(&(struct log_run){.seed = seed});
        if (result.violation != NULL) {
            fail_msg("seed %" PRIu64 ": %s", seed, result.violation);
        }
        sum.crash_count += result.crash_count;
        sum.applied_count += result.applied_count;
        sum.latch_count += result.latch_count;
        sum.cut_count += result.cut_count;
        sum.snapshot_count += result.snapshot_count;
        sum.damage_count += result.damage_count;
        sum.file_count += result.file_count;
    }
    print_message("%d seeds: %u crashes, %u applied, %u latched, %u tails cut, %u snapshots, "
                  "%u damaged, %" PRIu64 " files\n",
                  SEED_COUNT, sum.crash_count, sum.applied_count, sum.latch_count, sum.cut_count,
                  sum.snapshot_count, sum.damage_count, sum.file_count);
    /* Else the runs prove nothing. */
    assert_true(sum.crash_count > 2 * SEED_COUNT);
    assert_true(sum.latch_count > SEED_COUNT / 20);
    assert_true(sum.cut_count > SEED_COUNT / 10);
    assert_true(sum.snapshot_count > SEED_COUNT / 4);
    assert_true(sum.damage_count > SEED_COUNT / 4);
    assert_true(sum.file_count > 5 * SEED_COUNT);
}

static void
test_log_survives_a_crash_at_every_point(void **state)
{
    struct log_run run = {.seed = 3, .calm = true, .first_crash = UINT64_MAX};
    uint64_t count = log_drive(&run).crash_point_count;
    (void)state;
    assert_true(count > CRASH_POINT_COUNT);
    for (run.first_crash = 1; run.first_crash <= CRASH_POINT_COUNT; run.first_crash++) {
        run.kind = run.first_crash % 2 == 0 ? CHEK_CRASH_POWER : CHEK_CRASH_KILL;
        struct log_result result = log_drive(&run);
        if (result.violation != NULL) {
            fail_msg("crash at %" PRIu64 ": %s", run.first_crash, result.violation);
        }
    }
}

static void
test_log_run_is_the_same_for_the_same_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        const struct log_run run = {.seed = seed};
        uint64_t trace = log_drive(&run).trace;
        assert_true(log_drive(&run).trace == trace);
    }
}

static int
run_all(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_log_keeps_what_it_acknowledged),
        cmocka_unit_test(test_log_survives_a_crash_at_every_point),
        cmocka_unit_test(test_log_run_is_the_same_for_the_same_seed),
    };
    return cmocka_run_group_tests_name("sim_log", tests, NULL, NULL);
}

#else

static const struct planted {
    const char *name;
    enum chek_planted number;
} bugs[] = {
    {"planted_ack_before_sync_is_found", CHEK_PLANTED_ACK_BEFORE_SYNC},
    {"planted_apply_before_sync_is_found", CHEK_PLANTED_APPLY_BEFORE_SYNC},
    {"planted_folder_not_synced_is_found", CHEK_PLANTED_FOLDER_NOT_SYNCED},
    {"planted_sync_retried_is_found", CHEK_PLANTED_SYNC_RETRIED},
    {"planted_acknowledged_tail_cut_is_found", CHEK_PLANTED_ACKNOWLEDGED_TAIL_CUT},
    {"planted_prefix_ignored_is_found", CHEK_PLANTED_PREFIX_IGNORED},
};

static void
test_planted_bug_is_found(void **state)
{
    const struct planted *bug = *state;
    chek_planted_bug = bug->number;
    for (uint64_t seed = 1; seed <= PLANTED_SEED_COUNT; seed++) {
        struct log_result result = log_drive(&(struct log_run){.seed = seed});
        if (result.violation != NULL) {
            print_message("%s: seed %" PRIu64 ", %s\n", bug->name, seed, result.violation);
            return;
        }
    }
    fail_msg("%s: not in %d seeds", bug->name, PLANTED_SEED_COUNT);
}

static int
run_all(void)
{
    struct CMUnitTest tests[CHEK_COUNT(bugs)];
    for (size_t i = 0; i < CHEK_COUNT(bugs); i++) {
        tests[i] = (struct CMUnitTest){
            .name = bugs[i].name,
            .test_func = test_planted_bug_is_found,
            .initial_state = (void *)(uintptr_t)&bugs[i],
        };
    }
    return cmocka_run_group_tests_name("sim_log_planted", tests, NULL, NULL);
}

#endif

static int
run_one(const char *seed, const char *bug)
{
    const struct log_run run = {.seed = strtoull(seed, NULL, 10)};
    struct chek_world_options options = log_drive_options(&run);
    if (bug != NULL) {
        chek_planted_bug = (enum chek_planted)strtoul(bug, NULL, 10);
    }
    chek_world_options_print(&options, stdout);
    struct log_result result = log_drive(&run);
    printf("trace %016" PRIx64 ", %u crashes, %u applied: %s\n", result.trace, result.crash_count,
           result.applied_count, result.violation != NULL ? result.violation : "clean");
    return result.violation != NULL;
}

int
main(int argc, char **argv)
{
    return argc > 1 ? run_one(argv[1], argc > 2 ? argv[2] : NULL) : run_all();
}
