/* SPDX-License-Identifier: MIT */
#include "tests/sim/peer_test.h"

#include <inttypes.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct peer_counter counters[PEER_OWN] = {
    [PEER_CRASHES] = {"crashes", PEER_SEED_COUNT},
    [PEER_STARTS] = {"starts", PEER_SEED_COUNT},
    [PEER_CUTS] = {"cuts", PEER_SEED_COUNT},
    [PEER_MENDS] = {"mends", 0},
};

/* Run a seed, and say what was wrong. */
static bool
seed_run(peer_drive_fn *drive, uint64_t seed, enum peer_lines lines, struct peer_result *ret)
{
    *ret = drive(seed, lines);
    if (ret->violation[0] != 0) {
        printf("seed %" PRIu64 ": %s\n", seed, ret->violation);
    }
    return ret->violation[0] == 0;
}

/* Print the sums. Whether one is less than a whole test comes to. */
static bool
sums_print(const struct peer_kind *kind, const unsigned sums[PEER_COUNT_MAX])
{
    bool is_blind = false;
    for (size_t i = 0; i < PEER_COUNT_MAX; i++) {
        const struct peer_counter *counter =
            i < PEER_OWN ? &counters[i] : &kind->counters[i - PEER_OWN];
        if (counter->name != NULL) {
            printf("%u %s, ", sums[i], counter->name);
            is_blind = is_blind || sums[i] < counter->least;
        }
    }
    return is_blind;
}

int
peer_test_seeds(const struct peer_kind *kind, peer_drive_fn *drive, int count, char **words)
{
    unsigned sums[PEER_COUNT_MAX] = {0};
    unsigned failed_count = 0;
    uint64_t first = 1;
    uint64_t last = PEER_SEED_COUNT;
    enum peer_lines lines =
        count > 2 && strcmp(words[2], "bad") == 0 ? PEER_LINES_BAD : PEER_LINES_DRAWN;
    if (sodium_init() < 0) {
        return 1;
    }
    if (count > 1) {
        char *end;
        first = last = strtoull(words[1], &end, 10);
        last = *end == '-' ? strtoull(end + 1, NULL, 10) : first;
    }
    for (uint64_t seed = first; seed <= last; seed++) {
        struct peer_result result;
        failed_count += !seed_run(drive, seed, lines, &result);
        for (size_t i = 0; i < PEER_COUNT_MAX; i++) {
            sums[i] += result.counts[i];
        }
    }
    bool is_less = sums_print(kind, sums);
    printf("%u failed\n", failed_count);
    uint64_t seed_count = last - first + 1;
    bool is_blind = lines == PEER_LINES_BAD ? sums[PEER_MENDS] < seed_count
                                            : seed_count >= PEER_SEED_COUNT && is_less;
    return failed_count != 0 || is_blind;
}

int
peer_test_planted(peer_drive_fn *drive, const enum chek_planted *bugs, size_t bug_count)
{
    int missed = 0;
    if (sodium_init() < 0) {
        return 1;
    }
    for (size_t i = 0; i < bug_count; i++) {
        struct peer_result result;
        uint64_t seed = 1;
        chek_planted_bug = bugs[i];
        while (seed <= PEER_SEED_COUNT && seed_run(drive, seed, PEER_LINES_DRAWN, &result)) {
            seed += 1;
        }
        printf("bug %d: %s\n", bugs[i], seed <= PEER_SEED_COUNT ? "found" : "NOT FOUND");
        missed += seed > PEER_SEED_COUNT;
    }
    return missed;
}
