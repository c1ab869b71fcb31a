/* SPDX-License-Identifier: MIT */
/*
 * fn_drive.c - the phases of a run of fiscal drives.
 */
#include "tests/sim/fn_drive.h"

#include "tests/sim/fn_run.h"

static struct fn_run *
run_of(struct peer_run *peer)
{
    return CHEK_CONTAINER_OF(peer, struct fn_run, peer);
}

static void
fn_begin(struct peer_run *peer)
{
    struct fn_run *run = run_of(peer);
    peer->config.ffd = PEER_DEVICE_ADDRESS;
    peer->config.ffd_inn = "7704211201";
    fn_lists_begin(run);
    for (uint32_t i = 0; i < FN_COUNT; i++) {
        fn_device_begin(&run->devices[i], run, i);
    }
}

static void
fn_step(struct peer_run *peer)
{
    struct fn_run *run = run_of(peer);
    for (unsigned i = 0; i < FN_COUNT; i++) {
        fn_device_step(&run->devices[i]);
    }
}

static bool
fn_is_done(struct peer_run *peer)
{
    const struct fn_run *run = run_of(peer);
    bool done = true;
    for (unsigned i = 0; i < FN_COUNT; i++) {
        done = done && run->devices[i].state == FN_DONE;
    }
    return done;
}

static void
fn_drop(struct peer_run *peer)
{
    struct fn_run *run = run_of(peer);
    for (unsigned i = 0; i < FN_COUNT; i++) {
        peer_line_drop(&run->devices[i].line);
    }
}

/* The list of every drive, each document once more, lists again. */
static void
fn_end(struct peer_run *peer)
{
    struct fn_run *run = run_of(peer);
    fn_lists_judge(run);
    for (uint32_t i = 0; i < FN_DOCUMENT_COUNT; i++) {
        for (unsigned j = 0; j < FN_COUNT; j++) {
            fn_device_repeat(&run->devices[j], i);
        }
        peer_settle(peer);
    }
    fn_lists_judge(run);
}

const struct peer_kind fn_kind = {
    .counters =
        {
            {"documents", PEER_SEED_COUNT},
            {"repeats", PEER_SEED_COUNT},
            {"others", PEER_SEED_COUNT},
            {"pings", PEER_SEED_COUNT},
            {"listed", PEER_SEED_COUNT},
        },
    .begin = fn_begin,
    .step = fn_step,
    .is_done = fn_is_done,
    .end = fn_end,
    .drop = fn_drop,
};

struct peer_result
fn_drive(uint64_t seed, enum peer_lines lines)
{
    static struct fn_run run;
    run = (struct fn_run){.peer.kind = &fn_kind};
    peer_drive(&run.peer, seed, lines);
    return run.peer.result;
}
