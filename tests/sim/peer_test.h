/* SPDX-License-Identifier: MIT */
/*
 * peer_test.h - the seeds of a kind of devices: what the main functions of their tests call.
 */
#ifndef CHEK_SIM_PEER_TEST_H
#define CHEK_SIM_PEER_TEST_H

#include <stddef.h>

#include "engine/base/planted.h"
#include "tests/sim/peer_run.h"

typedef struct peer_result peer_drive_fn(uint64_t seed, enum peer_lines lines);

/*
 * Run what the command line says, `[SEED[-SEED]] [bad]`, or a whole test. Returns the exit code: not
 * 0 when a rule was broken, or when the test saw too little to find anything.
 */
int peer_test_seeds(const struct peer_kind *kind, peer_drive_fn *drive, int count, char **words);

/* Find each of the bugs within a whole test; returns how many were missed. */
int peer_test_planted(peer_drive_fn *drive, const enum chek_planted *bugs, size_t bug_count);

#endif
