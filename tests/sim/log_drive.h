/* SPDX-License-Identifier: MIT */
/*
 * log_drive.h - the log in a hostile world, and an oracle that remembers what was acknowledged.
 *
 * A run is one seed: ids are appended, the machine crashes at drawn moments, also while it starts,
 * shards and file sizes change from start to start, disks fill and fail. After every start all that
 * was acknowledged, or was visible after an earlier start, has to be there exactly once and in
 * order. At the end faults stop, everybody has to finish, and the power is cut once more. In some
 * runs a written sector is then lost or damaged, which the next start has to notice.
 */
#ifndef CHEK_SIM_LOG_DRIVE_H
#define CHEK_SIM_LOG_DRIVE_H

#include "tests/sim/log_toy.h"
#include "tests/sim/world.h"

struct log_run {
    uint64_t seed;
    bool calm;                  /* no fault but crashes */
    uint64_t first_crash;       /* at this crash point, and no other; 0: drawn from the seed */
    enum chek_world_crash kind; /* of first_crash */
};

struct log_result {
    const char *violation; /* NULL: none */
    uint64_t trace, crash_point_count, file_count;
    unsigned crash_count, applied_count, latch_count, cut_count, snapshot_count, damage_count;
};

struct log_result log_drive(const struct log_run *run);

struct chek_world_options log_drive_options(const struct log_run *run);

#endif
