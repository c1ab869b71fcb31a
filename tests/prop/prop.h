/* SPDX-License-Identifier: MIT */
/*
 * prop.h - what every property test shares: a seed, a number of rounds, a check that names both.
 *
 *   prop_noun [SEED [ROUNDS]]
 *
 * Without arguments the seed is 1, so that a build is reproducible; a longer hunt gives others.
 */
#ifndef CHEK_TESTS_PROP_H
#define CHEK_TESTS_PROP_H

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "engine/base/prng.h"

struct prop {
    const char *name;
    uint64_t seed;
    uint64_t round_count;
    uint64_t round; /* the one running: each is seeded by itself and can be run alone */
};

static inline struct prop
prop_begin(int argument_count, char **arguments, uint64_t round_count)
{
    struct prop prop = {.name = arguments[0], .seed = 1, .round_count = round_count};
    if (argument_count > 1) {
        prop.seed = strtoull(arguments[1], NULL, 0);
    }
    if (argument_count > 2) {
        prop.round_count = strtoull(arguments[2], NULL, 0);
    }
    printf("%s: seed %" PRIu64 ", %" PRIu64 " rounds\n", prop.name, prop.seed, prop.round_count);
    return prop;
}

/* Start the next round with numbers of its own; false after the last. */
static inline bool
prop_next(struct prop *prop, struct chek_prng *prng)
{
    if (prop->round == prop->round_count) {
        return false;
    }
    chek_prng_init(prng, prop->seed + prop->round * UINT64_C(0x9e3779b97f4a7c15));
    prop->round += 1;
    return true;
}

__attribute__((noreturn, cold)) static inline void
prop_failed(const struct prop *prop, const char *condition, const char *file, int line)
{
    fprintf(stderr, "%s:%d: %s: seed %" PRIu64 ", round %" PRIu64 ": not so: %s\n", file, line,
            prop->name, prop->seed, prop->round, condition);
    abort();
}

#define PROP_CHECK(prop, condition) \
    (CHEK_LIKELY(condition) ? (void)0 : prop_failed(prop, #condition, __FILE__, __LINE__))

#endif
