/* SPDX-License-Identifier: MIT */
/*
 * test_sim_snapshot.c - snapshots of a server that is fed, cut short at every place; and a folder
 * whose sync fails: what a manifest names is there, or there is no such manifest. The kernel tells
 * of a failed sync once; the next one succeeds and proves nothing of the names of before.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/sim/server_drive.h"

#define SEED_COUNT 6
#define CRASH_SEED 2 /* six snapshots */
#define CRASH_RUN_COUNT 24

/* The first sync of the folder after each start fails. */
static void
folder_sync_fails(const char *folder)
{
    unsigned failure_count = 0;
    for (uint64_t seed = 1; seed <= SEED_COUNT; seed++) {
        struct server_result result =
            server_drive(&(struct server_run){.seed = seed, .folder_failing = folder});
        if (result.violation[0] != 0) {
            fail_msg("seed %" PRIu64 ": %s", seed, result.violation);
        }
        failure_count += result.folder_failure_count;
    }
    assert_true(failure_count > SEED_COUNT / 2);
}

/* A segment whose name was never certain is written again before a manifest names it. */
static void
test_server_names_only_segments_that_are_stored(void **state)
{
    (void)state;
    folder_sync_fails("segment");
}

static void
test_server_names_only_images_that_are_stored(void **state)
{
    (void)state;
    folder_sync_fails("snapshot");
}

/* Which manifest a start would find is not known any more. */
static void
test_server_stops_when_its_manifest_cannot_be_stored(void **state)
{
    (void)state;
    folder_sync_fails("");
}

/*
 * One run without faults says how many places there are to crash at; it is run again with a crash at
 * places evenly spread over all of them, of which many are amid the steps of a snapshot.
 */
static void
test_server_comes_back_from_a_crash_at_any_step_of_a_snapshot(void **state)
{
    (void)state;
    struct server_run run = {.seed = CRASH_SEED, .calm = true, .first_crash = UINT64_MAX};
    struct server_result calm = server_drive(&run);
    assert_string_equal(calm.violation, "");
    assert_true(calm.snapshot_count > 1);
    uint64_t stride = calm.crash_point_count / CRASH_RUN_COUNT + 1;
    unsigned crash_count = 0;
    for (uint64_t n = 1; n <= calm.crash_point_count; n += stride) {
        run.first_crash = n;
        run.kind = n / stride % 2 == 0 ? CHEK_CRASH_POWER : CHEK_CRASH_KILL;
        struct server_result result = server_drive(&run);
        if (result.violation[0] != 0) {
            fail_msg("crash at %" PRIu64 ": %s", n, result.violation);
        }
        crash_count += result.crash_count;
    }
    assert_true(crash_count > CRASH_RUN_COUNT / 2);
}

int
main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_server_comes_back_from_a_crash_at_any_step_of_a_snapshot),
        cmocka_unit_test(test_server_names_only_segments_that_are_stored),
        cmocka_unit_test(test_server_names_only_images_that_are_stored),
        cmocka_unit_test(test_server_stops_when_its_manifest_cannot_be_stored),
    };
    if (sodium_init() < 0) {
        return 1;
    }
    return cmocka_run_group_tests_name("sim_snapshot", tests, NULL, NULL);
}
