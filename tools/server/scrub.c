/* SPDX-License-Identifier: MIT */
/*
 * scrub.c - damage is found before somebody needs what is damaged.
 *
 * A worker reads the groups of one partition after another and compares them with their sums, a
 * piece at a time, and waits in between for as long as the rate says; after all of them it rests.
 * What it finds is told and counted; nothing is changed, so a file that is put back is whole again.
 */
#include "engine/base/assertion.h"
#include "tools/server/shard.h"

#define PIECE_SIZE ((uint64_t)1 << 20)
#define PASS_PAUSE_NS UINT64_C(600000000000) /* ten minutes */
#define SECOND_NS UINT64_C(1000000000)

static void
on_pause(struct chek_op *op, int64_t result)
{
    (void)op;
    (void)result; /* the turn that follows goes on */
}

static void
pause(struct server__shard *shard, uint64_t pause_ns)
{
    shard->scrub_op.on_done = on_pause;
    chek_io_timer(shard->io, &shard->scrub_op, chek_io_now_ns(shard->io) + pause_ns);
}

static void
on_scrubbed(struct chek_op *op, int64_t result)
{
    struct server__shard *shard = CHEK_CONTAINER_OF(op, struct server__shard, scrub_op);
    uint64_t rate = server__config(shard->server)->scrub_rate / server__shard_count(shard->server);
    uint64_t milliseconds = shard->scrub.size * 1000 / (rate != 0 ? rate : 1);
    (void)result;
    shard->scrub_runs = false;
    shard->counters.scrub_size += shard->scrub.size;
    server__segments_release(shard->grounds[shard->scrub_ground]);
    shard->scrub_ground += shard->scrub.is_end;
    pause(shard, (milliseconds + 1) * (SECOND_NS / 1000));
}

/* Go on with the next partition that has rows in files; false when there is none any more. */
static bool
ground_next(struct server__shard *shard)
{
    unsigned partition_count = chek_server_partition_count(shard->server);
    while (shard->scrub_ground <= partition_count) {
        struct server__ground *ground = shard->grounds[shard->scrub_ground];
        if (shard->scrub_ground != 0 && ground != NULL &&
            chek_scrub_choose(chek_partition_store(ground->partition), PIECE_SIZE, &shard->scrub)) {
            return true;
        }
        shard->scrub_ground += 1;
    }
    return false;
}

void
server__scrub_turn(struct server__shard *shard)
{
    if (shard->scrub_op.in_flight || shard->stopping) {
        return;
    }
    shard->scrub.pool = shard->pool;
    if (!ground_next(shard)) {
        shard->scrub_ground = 0;
        shard->counters.scrub_pass_count += 1;
        pause(shard, PASS_PAUSE_NS);
        return;
    }
    shard->scrub_runs = true;
    server__segments_hold(shard->grounds[shard->scrub_ground]);
    shard->scrub_op.on_done = on_scrubbed;
    chek_io_work_calm(shard->io, &shard->scrub_op, chek_scrub_run, &shard->scrub);
}

void
server__scrub_finish(struct server__shard *shard)
{
    if (shard->pool != NULL) {
        shard->scrub.pool = shard->pool;
        chek_scrub_finish(&shard->scrub);
    }
}
