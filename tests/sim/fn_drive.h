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
 * cut; every list shows it once, with the sum it had, and nothing is said to be missing, though the
 * engine keeps of reports no more than their numbers.
 */
#ifndef CHEK_SIM_FN_DRIVE_H
#define CHEK_SIM_FN_DRIVE_H

#include "tests/sim/peer_run.h"

extern const struct peer_kind fn_kind;

struct peer_result fn_drive(uint64_t seed, enum peer_lines lines);

#endif
