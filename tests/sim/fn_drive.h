/* SPDX-License-Identifier: MIT */
/*
 * fn_drive.h - fiscal drives (FN) of Russia that send to a server in a hostile world.
 *
 * A run is one seed: a few drives send their documents, one a message, over lines that break at any
 * byte, to a machine that loses power or is killed at any moment, also while it starts, and comes
 * back with another number of shards. A drive sends a document until it has document 7 for it, then
 * the next; now and then an old one again, a ping, or another document under a number that is there.
 *
 * What was acknowledged has the same answer for ever, byte by byte, also behind the end and a power
 * cut; and every list shows it once, with the sum it had.
 */
#ifndef CHEK_SIM_FN_DRIVE_H
#define CHEK_SIM_FN_DRIVE_H

#include "tests/sim/world.h"

struct fn_result {
    char violation[512]; /* "": none */
    unsigned crash_count, start_count, document_count, repeat_count, other_count, ping_count,
        cut_count, listed_count;
};

struct fn_result fn_drive(uint64_t seed);

#endif
