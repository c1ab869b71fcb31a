/* SPDX-License-Identifier: MIT */
/*
 * test_sim_fn.c - seeds of fiscal drives against a server.
 *
 *   test_sim_fn [SEED[-SEED]] [bad]    bad: over lines that let no answer pass until they are mended
 *
 * Compiled with planted bugs it has to find each of them within so many seeds.
 */
#include "tests/sim/fn_drive.h"
#include "tests/sim/peer_test.h"

int
main(int count, char **words)
{
#ifdef CHEK_PLANTED_BUGS
    static const enum chek_planted bugs[] = {CHEK_PLANTED_IDENTITY_FORGOTTEN,
                                             CHEK_PLANTED_DRIVE_ANSWERED_EARLY,
                                             CHEK_PLANTED_REPORT_ANSWERED_EARLY};
    (void)count;
    (void)words;
    return peer_test_planted(fn_drive, bugs, CHEK_COUNT(bugs));
#else
    return peer_test_seeds(&fn_kind, fn_drive, count, words);
#endif
}
