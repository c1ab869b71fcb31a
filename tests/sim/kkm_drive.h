/* SPDX-License-Identifier: MIT */
/*
 * kkm_drive.h - registers that speak to a server in a hostile world, each with figures of its own.
 *
 * A run is one seed: a few Kazakh registers sell, move cash and close shifts; connections break at
 * any byte, the machine loses power or is killed at any moment, also while it starts, and comes back
 * with another number of shards. A register repeats a request until it hears the answer, pings between
 * a lost answer and its repeat, and now and then repeats what was answered long ago. What it was told
 * is counted stays counted: every Z is its own, and a repeat gets the same bytes, whatever happened between.
 *
 * Meanwhile an administrator changes the operators and the lists of goods of both organisations, and
 * registers ask for them: AUTH and NOMENCLATURE know what was acknowledged, or what was sent after it.
 */
#ifndef CHEK_SIM_KKM_DRIVE_H
#define CHEK_SIM_KKM_DRIVE_H

#include "tests/sim/peer_run.h"

extern const struct peer_kind kkm_kind;

struct peer_result kkm_drive(uint64_t seed, enum peer_lines lines);

#endif
