/* SPDX-License-Identifier: MIT */
/*
 * prng.h - a seeded stream of numbers: xoshiro256** started by splitmix64.
 *
 * For workloads, tests and the simulator; never for secrets and never inside a partition.
 *
 *   Source  Blackman and Vigna, "Scrambled linear pseudorandom number generators" (2021)
 */
#ifndef CHEK_BASE_PRNG_H
#define CHEK_BASE_PRNG_H

#include "engine/base/attribute.h"

struct chek_prng {
    uint64_t s[4];
};

void chek_prng_init(struct chek_prng *prng, uint64_t seed);

static inline uint64_t
chek_prng_next(struct chek_prng *prng)
{
    uint64_t *s = prng->s;
    uint64_t x = s[1] * 5;
    uint64_t result = ((x << 7) | (x >> 57)) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 45) | (s[3] >> 19);
    return result;
}

/* Uniform in 0..bound-1 by the high half of a 64x64 product (bias below 2^-32 for our bounds). */
static inline uint64_t
chek_prng_below(struct chek_prng *prng, uint64_t bound)
{
    return (uint64_t)(((chek_u128)chek_prng_next(prng) * bound) >> 64);
}

/* True `per_million` times out of a million. */
static inline bool
chek_prng_chance(struct chek_prng *prng, uint32_t per_million)
{
    return chek_prng_below(prng, 1000000) < per_million;
}

#endif
