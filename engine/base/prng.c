/* SPDX-License-Identifier: MIT */
/*
 * prng.c - the start of a stream.
 *
 * splitmix64 spreads a small seed over the whole state; its outputs differ for consecutive
 * counters, so the state is never all zero, which xoshiro could not leave.
 */
#include "engine/base/prng.h"

static uint64_t
splitmix64_next(uint64_t *counter)
{
    *counter += 0x9e3779b97f4a7c15;
    uint64_t z = *counter;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void
chek_prng_init(struct chek_prng *prng, uint64_t seed)
{
    for (size_t i = 0; i < CHEK_COUNT(prng->s); i++) {
        prng->s[i] = splitmix64_next(&seed);
    }
}
