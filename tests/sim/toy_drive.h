/* SPDX-License-Identifier: MIT */
/*
 * toy_drive.h - clients, crashes and an oracle around the toy: what a simulation test looks like.
 *
 * A run is one seed: clients send ids and repeat what was not acknowledged; the machine crashes at
 * drawn moments, also during recovery; then faults stop, everybody has to finish, the power is cut
 * once more, and every acknowledged record has to be there exactly once.
 */
#ifndef CHEK_SIM_TOY_DRIVE_H
#define CHEK_SIM_TOY_DRIVE_H

#include "tests/sim/toy_log.h"
#include "tests/sim/world.h"

struct toy_run {
    uint64_t seed;
    enum toy_mistake mistake;
    bool calm;                  /* no fault but the crashes */
    uint64_t first_crash;       /* at this crash point; 0: drawn from the seed */
    enum chek_world_crash kind; /* of first_crash */
    bool check_sends;           /* the rule: every acknowledged byte is durable when it is sent */
};

struct toy_result {
    const char *violation; /* NULL: none */
    uint64_t trace, crash_point_count;
    unsigned crash_count, acked_count;
};

struct toy_result toy_drive(const struct toy_run *run);

/* The options that a seed has in these runs. */
struct chek_world_options toy_drive_options(const struct toy_run *run);

#endif
