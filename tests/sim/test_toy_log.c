/* SPDX-License-Identifier: MIT */
/*
 * test_toy_log.c - the simulator finds what it is for: the right toy never loses a record that it
 * acknowledged, and every planted mistake is found within a few seeds.
 *
 *   test_toy_log                 all of it
 *   test_toy_log SEED [MISTAKE]  one run, with its options (MISTAKE a number of enum toy_mistake)
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/sim/toy_drive.h"

#define RIGHT_SEED_COUNT 500
#define MISTAKE_SEED_COUNT 50
#define CRASH_POINT_COUNT_MAX 400

static const char *const mistake_names[] = {
    [TOY_RIGHT] = "right",
    [TOY_ACKS_BEFORE_SYNC] = "acks_before_sync",
    [TOY_SYNCS_BESIDE_WRITE] = "syncs_beside_write",
    [TOY_SKIPS_FOLDER_SYNC] = "skips_folder_sync",
    [TOY_RETRIES_FAILED_SYNC] = "retries_failed_sync",
    [TOY_TRUSTS_CACHE] = "trusts_cache",
};

static void
assert_clean(const struct toy_run *run)
{
    struct toy_result result = toy_drive(run);
    if (result.violation != NULL) {
        fail_msg("seed %" PRIu64 " crash at %" PRIu64 ": %s", run->seed, run->first_crash,
                 result.violation);
    }
}

static void
test_toy_right_loses_nothing(void **state)
{
    uint64_t crash_count = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= RIGHT_SEED_COUNT; seed++) {
        struct toy_result result = toy_drive(&(struct toy_run){.seed = seed});
        if (result.violation != NULL) {
            fail_msg("seed %" PRIu64 ": %s", seed, result.violation);
        }
        crash_count += result.crash_count;
    }
    print_message("%d seeds, %" PRIu64 " crashes\n", RIGHT_SEED_COUNT, crash_count);
    assert_true(crash_count > RIGHT_SEED_COUNT); /* else the runs prove nothing */
}

static void
test_toy_right_survives_a_crash_at_every_point(void **state)
{
    struct toy_run run = {.seed = 1, .calm = true, .first_crash = UINT64_MAX};
    uint64_t count = toy_drive(&run).crash_point_count;
    (void)state;
    count = count < CRASH_POINT_COUNT_MAX ? count : CRASH_POINT_COUNT_MAX;
    assert_true(count > 100);
    for (run.first_crash = 1; run.first_crash <= count; run.first_crash++) {
        run.kind = CHEK_CRASH_POWER;
        assert_clean(&run);
        run.kind = CHEK_CRASH_KILL;
        assert_clean(&run);
    }
}

static void
test_toy_mistake_is_found(void **state)
{
    const enum toy_mistake *mistake = *state;
    for (uint64_t seed = 1; seed <= MISTAKE_SEED_COUNT; seed++) {
        struct toy_result result = toy_drive(&(struct toy_run){.seed = seed, .mistake = *mistake});
        if (result.violation != NULL) {
            print_message("%s: seed %" PRIu64 ", %s\n", mistake_names[*mistake], seed,
                          result.violation);
            return;
        }
    }
    fail_msg("%s: not found", mistake_names[*mistake]);
}

/* A rule over the trace needs no crash to see an early acknowledgement. */
static void
test_toy_sends_are_checked_without_a_crash(void **state)
{
    struct toy_run run = {.seed = 7, .calm = true, .check_sends = true, .first_crash = UINT64_MAX};
    (void)state;
    assert_clean(&run);
    run.mistake = TOY_ACKS_BEFORE_SYNC;
    assert_non_null(toy_drive(&run).violation);
}

static void
test_toy_sends_are_durable_in_drawn_runs(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 50; seed++) {
        assert_clean(&(struct toy_run){.seed = seed, .check_sends = true});
    }
}

static void
test_toy_run_is_repeatable(void **state)
{
    uint64_t previous = 0;
    (void)state;
    for (uint64_t seed = 1; seed <= 30; seed++) {
        struct toy_run run = {.seed = seed};
        uint64_t trace = toy_drive(&run).trace;
        assert_true(trace == toy_drive(&run).trace);
        assert_true(trace != previous);
        previous = trace;
    }
}

static int
run_one(int argument_count, char **arguments)
{
    struct toy_run run = {.seed = strtoull(arguments[1], NULL, 0), .check_sends = true};
    if (argument_count > 2) {
        run.mistake = (enum toy_mistake)(strtoul(arguments[2], NULL, 10) % TOY_MISTAKE_COUNT);
    }
    struct chek_world_options options = toy_drive_options(&run);
    chek_world_options_print(&options, stdout);
    struct toy_result result = toy_drive(&run);
    printf("%s: %u crashes, %u acknowledged, trace %016" PRIx64 ", %s\n",
           mistake_names[run.mistake], result.crash_count, result.acked_count, result.trace,
           result.violation != NULL ? result.violation : "no violation");
    return result.violation != NULL;
}

int
main(int argument_count, char **arguments)
{
    static enum toy_mistake mistakes[] = {TOY_ACKS_BEFORE_SYNC, TOY_SYNCS_BESIDE_WRITE,
                                          TOY_SKIPS_FOLDER_SYNC, TOY_RETRIES_FAILED_SYNC,
                                          TOY_TRUSTS_CACHE};
    if (argument_count > 1) {
        return run_one(argument_count, arguments);
    }
    struct CMUnitTest tests[5 + CHEK_COUNT(mistakes)] = {
        cmocka_unit_test(test_toy_right_loses_nothing),
        cmocka_unit_test(test_toy_right_survives_a_crash_at_every_point),
        cmocka_unit_test(test_toy_sends_are_checked_without_a_crash),
        cmocka_unit_test(test_toy_sends_are_durable_in_drawn_runs),
        cmocka_unit_test(test_toy_run_is_repeatable),
    };
    for (size_t i = 0; i < CHEK_COUNT(mistakes); i++) {
        tests[5 + i] = (struct CMUnitTest){.name = mistake_names[mistakes[i]],
                                           .test_func = test_toy_mistake_is_found,
                                           .initial_state = &mistakes[i]};
    }
    return cmocka_run_group_tests_name("toy_log", tests, NULL, NULL);
}
