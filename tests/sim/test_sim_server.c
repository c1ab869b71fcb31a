/* SPDX-License-Identifier: MIT */
/*
 * test_sim_server.c - the server keeps what it said, whatever the world does; and this test would
 * know if it did not: compiled with CHEK_PLANTED_BUGS it looks for the planted bugs instead.
 *
 *   test_sim_server             a calm world, and the same run twice; or all planted bugs
 *   test_sim_server SEED-SEED   runs with faults
 *   test_sim_server SEED [BUG]  one run, with its options (BUG a number of engine/base/planted.h,
 *                               "calm": without faults)
 */
#include <inttypes.h>
#include <setjmp.h>
#include <sodium.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engine/base/planted.h"
#include "tests/sim/server_drive.h"

#define CALM_SEED_COUNT 10
#define PLANTED_SEED_COUNT 200

static void
result_print(const struct server_result *result)
{
    printf(
        "trace %016" PRIx64 ", %" PRIu64 " steps, %u starts, %u crashes, %u stops, %u latched, "
        "%u failed starts; %u stored, %u duplicates, %u conflicts, %u busy, %u connections, "
        "%u snapshots, %u backups, %u revoked, %u verified, %u questions, %u events, %u twins, "
        "%u ranges, %u merges, %u kept, %u cold reads, %u left, %u rots, %u met, %u of %u watched: %s\n",
        result->trace, result->step_count, result->start_count, result->crash_count,
        result->stop_count, result->latch_count, result->failed_start_count, result->stored_count,
        result->duplicate_count, result->conflict_count, result->busy_count,
        result->connection_count, result->snapshot_count, result->backup_count,
        result->revoke_count, result->verify_count, result->question_count, result->event_count,
        result->twin_count, result->range_count, result->merge_count, result->kept_count,
        result->cold_read_count, result->cold_leave_count, result->rot_count,
        result->rot_refusal_count, result->watched_count,
        result->watched_count + result->unwatched_count,
        result->violation[0] != 0 ? result->violation : "clean");
}

#ifndef CHEK_PLANTED_BUGS

static void
test_server_serves_in_a_calm_world(void **state)
{
    (void)state;
    unsigned kept_count = 0;
    for (uint64_t seed = 1; seed <= CALM_SEED_COUNT; seed++) {
        struct server_result result =
            server_drive(&(struct server_run){.seed = seed, .calm = true});
        kept_count += result.kept_count;
        if (result.violation[0] != 0) {
            fail_msg("calm seed %" PRIu64 ": %s", seed, result.violation);
        }
    }
    assert_true(kept_count != 0); /* retention was at work */
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
        cmocka_unit_test(test_server_run_is_the_same_for_the_same_seed),
    };
    return cmocka_run_group_tests_name("sim_server", tests, NULL, NULL);
}

#else

static const struct planted {
    const char *name;
    enum chek_planted number;
    uint64_t known; /* a seed that has found it, looked at first; 0: it is among the first seeds */
} bugs[] = {
    {"planted_identity_forgotten_is_found", CHEK_PLANTED_IDENTITY_FORGOTTEN, 0},
    {"planted_message_lost_is_found", CHEK_PLANTED_MESSAGE_LOST, 4},
    {"planted_revoke_forgotten_is_found", CHEK_PLANTED_REVOKE_FORGOTTEN, 0},
    {"planted_revoked_stays_is_found", CHEK_PLANTED_REVOKED_STAYS, 4},
    {"planted_directory_not_told_is_found", CHEK_PLANTED_DIRECTORY_NOT_TOLD, 0},
    {"planted_events_not_awaited_is_found", CHEK_PLANTED_EVENTS_NOT_AWAITED, 0},
    {"planted_chain_of_another_is_found", CHEK_PLANTED_CHAIN_OF_ANOTHER, 0},
    {"planted_erasures_forgotten_is_found", CHEK_PLANTED_ERASURES_FORGOTTEN, 0},
    {"planted_cold_unchecked_is_found", CHEK_PLANTED_COLD_UNCHECKED, 0},
    {"planted_cold_before_stored_is_found", CHEK_PLANTED_COLD_BEFORE_STORED, 0},
    {"planted_segment_twice_is_found", CHEK_PLANTED_SEGMENT_TWICE, 0},
    {"planted_tidied_before_is_found", CHEK_PLANTED_TIDIED_BEFORE, 16},
    {"planted_segments_not_held_is_found", CHEK_PLANTED_SEGMENTS_NOT_HELD, 0},
    {"planted_page_not_copied_is_found", CHEK_PLANTED_PAGE_NOT_COPIED, 11},
    {"planted_view_sees_later_is_found", CHEK_PLANTED_VIEW_SEES_LATER, 35},
    {"planted_backup_not_held_is_found", CHEK_PLANTED_BACKUP_NOT_HELD, 7},
    {"planted_backup_at_once_is_found", CHEK_PLANTED_BACKUP_AT_ONCE, 0},
    {"planted_removed_before_named_is_found", CHEK_PLANTED_REMOVED_BEFORE_NAMED, 10},
};

/* One seed in a process of its own, because an assertion of the server is a finding too. */
static bool
is_found(uint64_t seed, char *ret_text, size_t size)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        (void)dup2(ends[1], STDERR_FILENO); /* where an assertion says what it is */
        struct server_result result = server_drive(&(struct server_run){.seed = seed});
        (void)dprintf(ends[1], "%s", result.violation);
        _exit(result.violation[0] != 0);
    }
    (void)close(ends[1]);
    size_t got = 0;
    ssize_t part;
    while (got < size - 1 && (part = read(ends[0], ret_text + got, size - 1 - got)) > 0) {
        got += (size_t)part;
    }
    ret_text[got] = 0;
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    return status != 0;
}

static void
test_planted_bug_is_found(void **state)
{
    const struct planted *bug = *state;
    char text[1024];
    chek_planted_bug = bug->number;
    for (uint64_t i = 0; i <= PLANTED_SEED_COUNT; i++) {
        uint64_t seed = i == 0 ? bug->known : i;
        if (seed != 0 && is_found(seed, text, sizeof text)) {
            text[strcspn(text, "\n")] = 0;
            print_message("%s: seed %" PRIu64 ", %s\n", bug->name, seed, text);
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
    return cmocka_run_group_tests_name("sim_server_planted", tests, NULL, NULL);
}

#endif

struct range {
    uint64_t first, last;
};

static void
test_server_keeps_what_it_said(void **state)
{
    const struct range *range = *state;
    uint64_t merge_count = 0;
    uint64_t cold_count = 0;
    uint64_t leave_count = 0;
    uint64_t rot_count = 0;
    for (uint64_t seed = range->first; seed <= range->last; seed++) {
        struct server_result result = server_drive(&(struct server_run){.seed = seed});
        if (result.violation[0] != 0) {
            fail_msg("seed %" PRIu64 ": %s", seed, result.violation);
        }
        merge_count += result.merge_count;
        cold_count += result.cold_read_count;
        leave_count += result.cold_leave_count;
        rot_count += result.rot_refusal_count;
    }
    print_message("%" PRIu64 " merges, %" PRIu64 " cold reads, %" PRIu64 " left memory, %" PRIu64
                  " refused for damage\n",
                  merge_count, cold_count, leave_count, rot_count);
    uint64_t seed_count = range->last - range->first; /* else they are not tested */
    assert_true(merge_count >= seed_count && cold_count >= seed_count);
    assert_true(leave_count >= seed_count && rot_count >= seed_count / 4);
}

static int
run_range(const char *text, const char *dash)
{
    struct range range = {strtoull(text, NULL, 10), strtoull(dash + 1, NULL, 10)};
    char name[96];
    (void)snprintf(name, sizeof name, "test_server_keeps_what_it_said_%s", text);
    const struct CMUnitTest tests[] = {
        {.name = name, .test_func = test_server_keeps_what_it_said, .initial_state = &range}};
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
    if (argc == 1) {
        return run_all();
    }
    const char *dash = strchr(argv[1], '-');
    return dash != NULL ? run_range(argv[1], dash) : run_one(argv[1], argc > 2 ? argv[2] : NULL);
}
