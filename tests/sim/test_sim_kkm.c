/* SPDX-License-Identifier: MIT */
/*
 * test_sim_kkm.c - seeds of registers against a server.
 *
 *   test_sim_kkm [SEED[-SEED]]
 *
 * Compiled with planted bugs it has to find each of them within so many seeds.
 */
#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/planted.h"
#include "tests/sim/kkm_drive.h"

#define SEED_COUNT 60

static struct kkm_result sum;

static bool
seed_is_good(uint64_t seed)
{
    struct kkm_result result = kkm_drive(seed);
    sum.crash_count += result.crash_count;
    sum.start_count += result.start_count;
    sum.document_count += result.document_count;
    sum.repeat_count += result.repeat_count;
    sum.ping_count += result.ping_count;
    sum.cut_count += result.cut_count;
    sum.z_count += result.z_count;
    sum.ask_count += result.ask_count;
    sum.limited_count += result.limited_count;
    if (result.violation[0] != 0) {
        printf("seed %" PRIu64 ": %s\n", seed, result.violation);
    }
    return result.violation[0] == 0;
}

#ifdef CHEK_PLANTED_BUGS
static int
planted_run(void)
{
    static const enum chek_planted bugs[] = {CHEK_PLANTED_TWO_AT_WORK,
                                             CHEK_PLANTED_EXCHANGE_FORGOTTEN,
                                             CHEK_PLANTED_ORGANISATIONS_FORGOTTEN};
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
    printf(
        "%u documents, %u repeats, %u pings, %u asks, %u limited, %u cuts, %u crashes, %u starts, %u Z, %u failed\n",
        sum.document_count, sum.repeat_count, sum.ping_count, sum.ask_count, sum.limited_count,
        sum.cut_count, sum.crash_count, sum.start_count, sum.z_count, failed);
    bool is_blind =
        last - first + 1 >= SEED_COUNT &&
        (sum.crash_count < SEED_COUNT || sum.cut_count < SEED_COUNT ||
         sum.repeat_count < SEED_COUNT || sum.ask_count < SEED_COUNT || sum.limited_count == 0);
    return failed != 0 || is_blind;
#endif
}
