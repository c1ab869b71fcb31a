/* SPDX-License-Identifier: MIT */
/*
 * workload_zipf.c - ranks with the frequencies of Zipf's law (s = 1), by integers alone.
 *
 * Rank k weighs 2^40 / (k + 1), rounded down. A draw is a number below the sum of all weights; the
 * rank is the first whose running sum is above it. The upper bits of the draw lead to where the
 * search begins, so that it is a step or two.
 */
#include <errno.h>

#include "engine/base/assertion.h"
#include "engine/base/memory.h"
#include "tools/load/workload_run.h"

/* Where the search for a draw begins: the draw's place among GUIDE_COUNT equal parts of the sum. */
static uint64_t
part_begin(const struct load__zipf *zipf, uint64_t part)
{
    return (uint64_t)((chek_u128)part * zipf->sums[zipf->count - 1] / WORKLOAD_GUIDE_COUNT);
}

int
load__zipf_init(struct load__zipf *zipf, uint32_t count)
{
    CHEK_ASSERT(count > 0);
    zipf->count = count;
    zipf->sums = chek_memory_allocate(count * sizeof *zipf->sums);
    zipf->guide = chek_memory_allocate(WORKLOAD_GUIDE_COUNT * sizeof *zipf->guide);
    if (zipf->sums == NULL || zipf->guide == NULL) {
        load__zipf_finish(zipf);
        return -ENOMEM;
    }
    uint64_t sum = 0;
    for (uint32_t i = 0; i < count; i++) {
        sum += (UINT64_C(1) << 40) / (i + 1);
        zipf->sums[i] = sum;
    }
    uint32_t rank = 0;
    for (uint32_t part = 0; part < WORKLOAD_GUIDE_COUNT; part++) {
        while (zipf->sums[rank] <= part_begin(zipf, part)) {
            rank += 1;
        }
        zipf->guide[part] = rank;
    }
    return CHEK_OK;
}

void
load__zipf_finish(struct load__zipf *zipf)
{
    chek_memory_free(zipf->sums, zipf->count * sizeof *zipf->sums);
    chek_memory_free(zipf->guide, WORKLOAD_GUIDE_COUNT * sizeof *zipf->guide);
    *zipf = (struct load__zipf){0};
}

uint32_t
load__zipf_draw(const struct load__zipf *zipf, struct chek_prng *prng)
{
    uint64_t draw = chek_prng_next(prng);
    uint64_t at = (uint64_t)(((chek_u128)draw * zipf->sums[zipf->count - 1]) >> 64);
    uint32_t rank = zipf->guide[draw / (UINT64_MAX / WORKLOAD_GUIDE_COUNT + 1)];
    while (zipf->sums[rank] <= at) {
        rank += 1;
    }
    return rank;
}
