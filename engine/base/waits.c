/* SPDX-License-Identifier: MIT */
/* waits.c - how long something took, in fixed memory. */
#include "engine/base/waits.h"

/* Quarters of powers of two, from 1 us on. */
static uint32_t
step_of(uint64_t wait_ns)
{
    uint64_t us = wait_ns / 1000 + 4;
    uint32_t bit = 63 - (uint32_t)__builtin_clzll(us);
    uint32_t step = (bit - 2) * 4 + (uint32_t)(us >> (bit - 2) & 3);
    return step < CHEK_WAITS_STEP_COUNT ? step : CHEK_WAITS_STEP_COUNT - 1;
}

void
chek_waits_add(struct chek_waits *waits, uint64_t wait_ns)
{
    waits->sum_ns += wait_ns;
    waits->max_ns = wait_ns > waits->max_ns ? wait_ns : waits->max_ns;
    waits->counts[step_of(wait_ns)] += 1;
}

uint64_t
chek_waits_ns(const struct chek_waits *waits, uint32_t per_1000)
{
    uint64_t count = 0, seen = 0;
    for (uint32_t i = 0; i < CHEK_WAITS_STEP_COUNT; i++) {
        count += waits->counts[i];
    }
    uint64_t wanted = (count * per_1000 + 999) / 1000;
    for (uint32_t i = 0; i < CHEK_WAITS_STEP_COUNT && count != 0; i++) {
        seen += waits->counts[i];
        if (seen >= wanted) {
            /* where the next step begins */
            uint64_t end_ns = (((UINT64_C(5) + i % 4) << (i / 4)) - 4) * 1000;
            return end_ns < waits->max_ns ? end_ns : waits->max_ns;
        }
    }
    return 0;
}
