/* SPDX-License-Identifier: MIT */
/*
 * test_sim_kkm.c - seeds of registers against a server.
 *
 *   test_sim_kkm [SEED[-SEED]] [bad]    bad: over lines that let no answer pass until they are mended
 *
 * Compiled with planted bugs it has to find each of them within so many seeds.
 */
#include "tests/sim/kkm_drive.h"
#include "tests/sim/peer_test.h"

int
main(int count, char **words)
{
#ifdef CHEK_PLANTED_BUGS
    static const enum chek_planted bugs[] = {
        CHEK_PLANTED_TWO_AT_WORK, CHEK_PLANTED_EXCHANGE_FORGOTTEN,
        CHEK_PLANTED_ORGANISATIONS_FORGOTTEN, CHEK_PLANTED_VERSION_OF_ONE_LIST,
        CHEK_PLANTED_STAYS_AT_WORK};
    (void)count;
    (void)words;
    return peer_test_planted(kkm_drive, bugs, CHEK_COUNT(bugs));
#else
    return peer_test_seeds(&kkm_kind, kkm_drive, count, words);
#endif
}
