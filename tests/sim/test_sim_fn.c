/* SPDX-License-Identifier: MIT */
/*
 * test_sim_fn.c - seeds of fiscal drives against a server.
 *
 *   test_sim_fn [SEED[-SEED]]
 *
 * Compiled with planted bugs it has to find each of them within so many seeds.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/planted.h"
#include "tests/sim/fn_drive.h"

#define SEED_COUNT 60

static struct fn_result sum;

static bool
seed_is_good(uint64_t seed)
{
    struct fn_result result = fn_drive(seed);
    sum.crash_count += result.crash_count;
    sum.start_count += result.start_count;
    sum.document_count += result.document_count;
    sum.repeat_count += result.repeat_count;
    sum.other_count += result.other_count;
    sum.ping_count += result.ping_count;
    sum.cut_count += result.cut_count;
    sum.listed_count += result.listed_count;
    if (result.violation[0] != 0) {
        printf("seed %" PRIu64 ": %s\n", seed, result.violation);
    }
    return result.violation[0] == 0;
}

#ifdef CHEK_PLANTED_BUGS
static int
planted_run(void)
{
    static const enum chek_planted bugs[] = {CHEK_PLANTED_IDENTITY_FORGOTTEN,
                                             CHEK_PLANTED_DRIVE_ANSWERED_EARLY};
    int missed = 0;
    for (size_t i = 0; i < CHEK_COUNT(bugs); i++) {
        uint64_t seed = 1;
        chek_planted_bug = bugs[i];
        while (seed <= SEED_COUNT && seed_is_good(seed)) {
            seed += 1;
        }
        printf("bug %d: %s\n", bugs[i], seed <= SEED_COUNT ? "found" : "NOT FOUND");
        missed += seed > SEED_COUNT;
    }
    return missed;
}
#endif

int
main(int count, char **words)
{
    uint64_t first = 1;
    uint64_t last = SEED_COUNT;
    unsigned failed = 0;
    if (sodium_init() < 0) {
        return 1;
    }
#ifdef CHEK_PLANTED_BUGS
    (void)count;
    (void)words;
    (void)failed;
    (void)first;
    (void)last;
    return planted_run();
#else
    if (count > 1) {
        char *end;
        first = last = strtoull(words[1], &end, 10);
        last = *end == '-' ? strtoull(end + 1, NULL, 10) : first;
    }
    for (uint64_t seed = first; seed <= last; seed++) {
        failed += !seed_is_good(seed);
    }
    printf("%u documents, %u repeats, %u others, %u pings, %u cuts, %u crashes, %u starts, "
           "%u listed, %u failed\n",
           sum.document_count, sum.repeat_count, sum.other_count, sum.ping_count, sum.cut_count,
           sum.crash_count, sum.start_count, sum.listed_count, failed);
    bool is_blind = last - first + 1 >= SEED_COUNT &&
                    (sum.crash_count < SEED_COUNT || sum.cut_count < SEED_COUNT ||
                     sum.repeat_count < SEED_COUNT || sum.other_count < SEED_COUNT ||
                     sum.listed_count < SEED_COUNT);
    return failed != 0 || is_blind;
#endif
}
