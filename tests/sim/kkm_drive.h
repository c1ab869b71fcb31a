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

#include "tests/sim/world.h"

struct kkm_result {
    char violation[512]; /* "": none */
    unsigned crash_count, start_count, document_count, repeat_count, ping_count, cut_count, z_count,
        ask_count, limited_count;
};

struct kkm_result kkm_drive(uint64_t seed);

#endif
