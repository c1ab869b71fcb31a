/* SPDX-License-Identifier: MIT */
/*
 * sim_message.c - messages between the shards of a machine: a ring for each pair, delayed.
 *
 * A message never arrives before one that the same pair sent earlier; across pairs the delays
 * shuffle freely.
 */
#include "tests/sim/sim.h"

int
sim__post(struct chek_io *io, unsigned to, struct chek_message *message)
{
    struct sim_shard *shard = sim__shard_of(io);
    struct sim_machine *machine = shard->machine;
    struct chek_world *world = machine->world;
    struct chek_prng *prng = &machine->message_prng;
    const struct chek_world_options *options = &world->options;

    CHEK_ASSERT(to < machine->shard_count);
    if (shard->halted) {
        return CHEK_E_HALTED;
    }
    sim__turn_step(shard, 0);
    if (sim__chance(prng, options->message_full_rate) ||
        shard->message_count[to] >= options->message_count_max) {
        return CHEK_E_FULL;
    }
    message->from = (uint16_t)io->shard;
    uint64_t at_ns = world->now_ns + sim__between(prng, options->message_delay_ns_min,
                                                  options->message_delay_ns_max);
    if (sim__chance(prng, options->message_loss_rate)) {
        return CHEK_OK;
    }
    if (at_ns < shard->message_time_ns[to]) {
        at_ns = shard->message_time_ns[to]; /* the sequence keeps equal times in order */
    }
    shard->message_time_ns[to] = at_ns;
    shard->message_count[to] += 1;
    sim__event_add(world, at_ns - world->now_ns, SIM_MESSAGE, machine->shards[to], message);
    return CHEK_OK;
}

void
sim__message_deliver(struct sim_shard *shard, struct chek_message *message)
{
    struct sim_shard *sender = shard->machine->shards[message->from];
    CHEK_ASSERT(sender->message_count[shard->io.shard] > 0);
    sender->message_count[shard->io.shard] -= 1;
    sim__trace(shard->machine->world, SIM_MESSAGE, message->kind, message->from);
    CHEK_ASSERT(shard->io.owner.on_message != NULL);
    shard->io.owner.on_message(shard->io.owner.context, message);
}
