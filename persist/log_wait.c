/* SPDX-License-Identifier: MIT */
/* log_wait.c - how long groups took, in fixed memory. */
#include "persist/log_run.h"

/* Quarters of powers of two, from 1 us on. */
uint32_t
persist__log_wait_step(uint64_t wait_ns)
{
    uint64_t us = wait_ns / 1000 + 4;
    uint32_t bit = 63 - (uint32_t)__builtin_clzll(us);
    uint32_t step = (bit - 2) * 4 + (uint32_t)(us >> (bit - 2) & 3);
    return step < CHEK_LOG_WAIT_COUNT ? step : CHEK_LOG_WAIT_COUNT - 1;
}

uint64_t
chek_log_wait_ns(const struct chek_log_counters *counters, uint32_t per_1000)
{
    uint64_t count = 0, seen = 0;
    for (uint32_t i = 0; i < CHEK_LOG_WAIT_COUNT; i++) {
        count += counters->group_wait_counts[i];
    }
    uint64_t wanted = (count * per_1000 + 999) / 1000;
    for (uint32_t i = 0; i < CHEK_LOG_WAIT_COUNT && count != 0; i++) {
        seen += counters->group_wait_counts[i];
        if (seen >= wanted) {
            uint64_t end_us =
                ((UINT64_C(5) + i % 4) << (i / 4)) - 4; /* where the next step begins */
            return end_us * 1000 < counters->group_ns_max ? end_us * 1000 : counters->group_ns_max;
        }
    }
    return 0;
}
