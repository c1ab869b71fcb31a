/* SPDX-License-Identifier: MIT */
/*
 * server_drive.h - the whole server in a hostile world, and an oracle that remembers.
 *
 * A run is one seed: a server of one to four shards on a virtual machine, clients that feed
 * registers, ask, hand out tokens and take snapshots, crashes at drawn moments (also while it
 * recovers or stores), orderly stops, another number of shards at every start, failing and filling
 * disks, broken connections. Now and then everybody falls silent and a verifier reads all there is
 * and compares it with the journal. At the end faults stop and everything must become acknowledged,
 * right, and stay so.
 */
#ifndef CHEK_SIM_SERVER_DRIVE_H
#define CHEK_SIM_SERVER_DRIVE_H

#include "tests/sim/world.h"

struct server_run {
    uint64_t seed;
    bool calm;                  /* no fault, no crash, no broken connection */
    bool is_loud;               /* say what happens */
    bool without_status;        /* it shows counts of the whole process: no two runs are the same */
    const char *folder_failing; /* its first sync after every start fails; NULL: by chance only */
    uint64_t first_crash;       /* at this crash point, and no other; 0: drawn from the seed */
    enum chek_world_crash kind;
};

struct server_result {
    char violation[512]; /* "": none */
    uint64_t trace, step_count, crash_point_count;
    unsigned start_count, crash_count, stop_count, latch_count, failed_start_count;
    unsigned stored_count, duplicate_count, conflict_count, busy_count, connection_count;
    unsigned snapshot_count, revoke_count, verify_count, question_count, event_count;
    unsigned backup_count; /* that a server was started on */
    unsigned twin_count, watched_count, unwatched_count, merge_count;
    unsigned cold_read_count, cold_leave_count; /* rows that were read, and that left memory */
    unsigned rot_count, rot_refusal_count;      /* damaged places, and questions that met them */
    unsigned kept_count;  /* segments whose documents were removed, at the end of each server */
    unsigned range_count; /* of chains: heads that have to stay */
    unsigned folder_failure_count; /* syncs of a folder that failed */
};

struct server_result server_drive(const struct server_run *run);

struct chek_world_options server_drive_options(const struct server_run *run);

#endif
