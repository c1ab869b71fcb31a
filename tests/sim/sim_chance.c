/* SPDX-License-Identifier: MIT */
/*
 * sim_chance.c - random streams, the running hash, the clocks, and what a shard sees of them.
 */
#include "tests/sim/sim.h"

#define SECOND_NS UINT64_C(1000000000)
#define WALL_STEP_NS (5 * SECOND_NS)
#define WALL_DRIFT_NS (3600 * SECOND_NS)
#define WALL_PERIOD_NS (60 * SECOND_NS)

/* The finaliser of splitmix64 over both. */
uint64_t
sim__mix(uint64_t a, uint64_t b)
{
    uint64_t x = a * UINT64_C(0x9e3779b97f4a7c15) + b;
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

void
sim__prng_start(const struct chek_world *world, struct chek_prng *prng, enum sim_stream stream,
                uint64_t index)
{
    chek_prng_init(prng, sim__mix(sim__mix(world->options.seed, (uint64_t)stream), index));
}

uint64_t
sim__between(struct chek_prng *prng, uint64_t min, uint64_t max)
{
    return max > min ? min + chek_prng_below(prng, max - min + 1) : min;
}

/* Draws also when the rate is 0, so that switching one fault off moves no other draw. */
bool
sim__chance(struct chek_prng *prng, uint64_t per_million)
{
    return chek_prng_below(prng, 1000000) < per_million;
}

void
sim__trace(struct chek_world *world, uint64_t what, uint64_t a, uint64_t b)
{
    world->trace = sim__mix(sim__mix(world->trace, what), sim__mix(a, b));
}

void
sim__observe(struct chek_world *world, const struct chek_world_event *event)
{
    for (size_t i = 0; i < world->observer_count; i++) {
        world->observers[i].on_event(world->observers[i].context, event);
    }
}

uint64_t
sim__now_ns(struct chek_io *io)
{
    struct sim_machine *machine = sim__shard_of(io)->machine;
    return machine->world->now_ns + machine->clock_offset_ns;
}

/* How far a machine's wall clock is from the straight line: a function of the time alone. */
static int64_t
wall_offset_us(const struct sim_machine *machine)
{
    const struct chek_world *world = machine->world;
    int64_t swing = (int64_t)world->options.wall_swing_us;
    uint64_t now = world->now_ns;
    uint64_t seed = sim__mix(sim__mix(world->options.seed, SIM_STREAM_WALL), machine->index);

    switch (world->options.wall_shape) {
    case CHEK_WALL_STEP: {
        uint64_t span = (uint64_t)swing * 2 + 1;
        return (int64_t)(sim__mix(seed, now / WALL_STEP_NS) % span) - swing;
    }
    case CHEK_WALL_DRIFT:
        return (int64_t)((chek_i128)swing * (int64_t)(now % WALL_DRIFT_NS) /
                         (int64_t)WALL_DRIFT_NS);
    case CHEK_WALL_PERIODIC: {
        int64_t at = (int64_t)(now % WALL_PERIOD_NS);
        int64_t half = (int64_t)(WALL_PERIOD_NS / 2);
        int64_t height = at < half ? at : (int64_t)WALL_PERIOD_NS - at; /* 0..half..0 */
        return (int64_t)((chek_i128)swing * (2 * height - half) / half);
    }
    default:
        return 0;
    }
}

uint64_t
sim__wall_us(struct chek_io *io)
{
    const struct sim_machine *machine = sim__shard_of(io)->machine;
    const struct chek_world *world = machine->world;
    uint64_t straight_us = world->options.wall_start_us + world->now_ns / 1000;
    return straight_us + (uint64_t)wall_offset_us(machine);
}

void
sim__random(struct chek_io *io, void *bytes, size_t size)
{
    struct sim_shard *shard = sim__shard_of(io);
    uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        at[i] = (uint8_t)(chek_prng_next(&shard->prng) >> 56);
    }
}
