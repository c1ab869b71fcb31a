/* SPDX-License-Identifier: MIT */
/*
 * sim_options.c - sets of options: calm, drawn, printed.
 *
 * A drawn set switches whole kinds of faults on and off ("swarm testing"): a run with everything
 * at once hides what a run with one fault and much traffic shows.
 *
 *   Source  Groce et al., "Swarm Testing", ISSTA 2012
 */
#include <inttypes.h>

#include "tests/sim/sim.h"

#define MILLISECOND_NS UINT64_C(1000000)

struct chek_world_options
chek_world_options_calm(uint64_t seed)
{
    struct chek_world_options options = {
#define OPTION_CALM(name, calm, text) .name = UINT64_C(calm),
        CHEK_WORLD_OPTIONS(OPTION_CALM)
#undef OPTION_CALM
    };
    options.seed = seed;
    return options;
}

static uint64_t
pick(struct chek_prng *prng, const uint64_t *values, size_t count)
{
    return values[chek_prng_below(prng, count)];
}

#define PICK(prng, ...)                         \
    pick(prng, (const uint64_t[]){__VA_ARGS__}, \
         sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

static void
draw_disk(struct chek_prng *prng, struct chek_world_options *options)
{
    options->disk_write_ns_max = PICK(prng, 10000, 200000, 5 * MILLISECOND_NS);
    options->disk_read_ns_max = PICK(prng, 5000, 150000, 5 * MILLISECOND_NS);
    options->disk_sync_ns_max = PICK(prng, 50000, 2 * MILLISECOND_NS, 50 * MILLISECOND_NS);
    options->disk_spike_rate = PICK(prng, 0, 0, 1000, 20000);
    options->disk_hang_rate = PICK(prng, 0, 0, 0, 200);
    options->disk_write_error_rate = PICK(prng, 0, 0, 0, 0, 0, 0, 300, 5000);
    options->disk_sync_error_rate = PICK(prng, 0, 0, 0, 0, 0, 0, 1000, 20000);
    options->disk_read_error_rate = PICK(prng, 0, 0, 0, 0, 0, 0, 0, 1000);
    options->disk_space_error_rate = PICK(prng, 0, 0, 0, 0, 0, 0, 0, 1000);
}

static void
draw_net(struct chek_prng *prng, struct chek_world_options *options)
{
    options->net_delay_ns_max = PICK(prng, 20000, 500000, 20 * MILLISECOND_NS);
    options->net_segment_size_max = PICK(prng, 1, 7, 100, 1448, 65536);
    options->net_whole_rate = PICK(prng, 0, 500000, 950000);
    options->net_buffer_size = PICK(prng, 128, 4096, 65536);
    options->net_reset_rate = PICK(prng, 0, 0, 500, 10000);
    options->net_accept_error_rate = PICK(prng, 0, 0, 0, 50000);
}

struct chek_world_options
chek_world_options_drawn(uint64_t seed)
{
    struct chek_world_options options = chek_world_options_calm(seed);
    struct chek_prng prng;
    chek_prng_init(&prng, sim__mix(seed, SIM_STREAM_OPTIONS));

    options.batch_count_max = PICK(&prng, 1, 4, 32);
    options.wall_shape = chek_prng_below(&prng, CHEK_WALL_COUNT);
    options.wall_swing_us = PICK(&prng, 1000, 2000000, UINT64_C(86400000000));
    draw_disk(&prng, &options);
    draw_net(&prng, &options);
    options.message_delay_ns_max = PICK(&prng, 500, 50000, 5 * MILLISECOND_NS);
    options.message_count_max = PICK(&prng, 2, 16, 1024);
    options.message_full_rate = PICK(&prng, 0, 0, 20000);
    options.work_delay_ns_max = PICK(&prng, 1000, 5 * MILLISECOND_NS, 300 * MILLISECOND_NS);
    return options;
}

void
chek_world_options_print(const struct chek_world_options *options, FILE *out)
{
#define OPTION_PRINT(name, calm, text)                              \
    fprintf(out, "  %-24s %20" PRIu64 "%s\n", #name, options->name, \
            options->name != UINT64_C(calm) ? " *" : "");
    CHEK_WORLD_OPTIONS(OPTION_PRINT)
#undef OPTION_PRINT
}

struct chek_world_options *
chek_world_options(struct chek_world *world)
{
    return &world->options;
}

void
chek_world_heal(struct chek_world *world)
{
    struct chek_world_options *options = &world->options;
    options->disk_spike_rate = 0;
    options->disk_hang_rate = 0;
    options->disk_write_error_rate = 0;
    options->disk_sync_error_rate = 0;
    options->disk_read_error_rate = 0;
    options->disk_space_error_rate = 0;
    options->net_reset_rate = 0;
    options->net_accept_error_rate = 0;
    options->message_full_rate = 0;
    options->message_loss_rate = 0;
}
