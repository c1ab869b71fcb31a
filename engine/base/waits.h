/* SPDX-License-Identifier: MIT */
/*
 * waits.h - how long something took, each time, in half a kilobyte.
 *
 * Quarters of powers of two: one to four microseconds are told apart, above that a duration is
 * known to within a quarter of itself. For counters of a running server; chek-load's histogram
 * (tools/load/histogram.h) is of three digits.
 *
 *   Threads  one at a time
 */
#ifndef CHEK_BASE_WAITS_H
#define CHEK_BASE_WAITS_H

#include "engine/base/attribute.h"

#define CHEK_WAITS_STEP_COUNT 128

/* All zero at the start. */
struct chek_waits {
    uint64_t sum_ns, max_ns;
    uint32_t counts[CHEK_WAITS_STEP_COUNT];
};

void chek_waits_add(struct chek_waits *waits, uint64_t wait_ns);

/* The wait that `per_1000` of 1,000 did not exceed, to within a quarter (upwards); 0: there is none. */
uint64_t chek_waits_ns(const struct chek_waits *waits, uint32_t per_1000);

#endif
