/* SPDX-License-Identifier: MIT */
/*
 * sim_work.c - operations in general, timers, and work.
 *
 * Work runs inline at some later moment, between two turns, and completes later still: everything
 * that a worker thread may see of other shards' progress it sees here too, only never torn.
 */
#include <errno.h>

#include "engine/base/memory.h"
#include "tests/sim/sim.h"

#define TIMER_LATE_NS_MAX 60000

/* A timer fires at its deadline or a little later, never before. */
static void
timer_submit(struct sim_shard *shard, struct chek_op *op)
{
    struct sim_machine *machine = shard->machine;
    uint64_t now_ns = machine->world->now_ns + machine->clock_offset_ns;
    uint64_t wait_ns = op->deadline_ns > now_ns ? op->deadline_ns - now_ns : 0;
    uint64_t late_ns = chek_prng_below(&machine->time_prng, TIMER_LATE_NS_MAX);
    wait_ns = wait_ns > UINT64_MAX - late_ns ? UINT64_MAX : wait_ns + late_ns;
    sim__event_add(machine->world, wait_ns, SIM_OP, shard, op);
}

static uint64_t
draw_work_delay_ns(struct sim_machine *machine)
{
    const struct chek_world_options *options = &machine->world->options;
    return sim__between(&machine->work_prng, options->work_delay_ns_min,
                        options->work_delay_ns_max);
}

void
sim__submit(struct chek_io *io, struct chek_op *op)
{
    struct sim_shard *shard = sim__shard_of(io);
    if (shard->halted) {
        op->in_flight = false; /* it never completes, and nothing refers to it */
        return;
    }
    sim__turn_step(shard, 0);
    op->in_flight = true;
    switch (op->kind) {
    case CHEK_OP_TIMER:
        timer_submit(shard, op);
        return;
    case CHEK_OP_WORK:
        sim__event_add(shard->machine->world, draw_work_delay_ns(shard->machine), SIM_WORK, shard,
                       op);
        return;
    default:
        sim__disk_submit(shard, op);
        return;
    }
}

void
sim__work_run(struct sim_shard *shard, struct chek_op *op)
{
    struct sim_machine *machine = shard->machine;
    op->work(op->argument);
    if (shard->halted) {
        op->in_flight = false;
        return;
    }
    sim__event_add(machine->world, draw_work_delay_ns(machine), SIM_OP, shard, op);
}

void
sim__op_complete(struct sim_shard *shard, struct chek_op *op)
{
    bool is_disk = op->kind != CHEK_OP_TIMER && op->kind != CHEK_OP_WORK;
    int64_t result = is_disk ? sim__disk_complete(shard, op) : 0;
    sim__trace(shard->machine->world, SIM_OP, op->kind, (uint64_t)result);
    op->in_flight = false;
    op->on_done(op, result);
}

size_t
chek_world_pending_count(const struct chek_world *world, unsigned machine)
{
    size_t count = 0;
    for (size_t i = 0; i < world->queue.count; i++) {
        const struct sim_event *event = &world->queue.events[i];
        count += (event->kind == SIM_OP || event->kind == SIM_WORK) &&
                 event->shard->machine->index == machine;
    }
    return count;
}

/* ---- lanes ---- */

/* What is side by side elsewhere comes one after another here: lanes share nothing. */
int
sim__lanes_open(struct chek_io *io, unsigned count, struct chek_lanes **ret)
{
    struct chek_lanes *lanes = chek_memory_allocate(sizeof *lanes);
    if (lanes == NULL) {
        return -ENOMEM;
    }
    *lanes = (struct chek_lanes){.table = io->table, .count = count};
    *ret = lanes;
    return CHEK_OK;
}

void
sim__lanes_put(struct chek_lanes *lanes, unsigned lane, void (*work)(void *argument),
               void *argument)
{
    (void)lanes;
    (void)lane;
    work(argument);
}

void
sim__lanes_close(struct chek_lanes *lanes)
{
    chek_memory_free(lanes, sizeof *lanes);
}
