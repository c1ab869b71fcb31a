/* SPDX-License-Identifier: MIT */
#include "tools/load/histogram.h"

#define VALUE_MAX ((UINT64_C(1) << CHEK_HISTOGRAM_VALUE_BITS) - 1)

static uint32_t
bucket_of(uint64_t value)
{
    if (value >> (CHEK_HISTOGRAM_BITS + 1) == 0) {
        return (uint32_t)value;
    }
    unsigned shift = 63 - (unsigned)__builtin_clzll(value) - CHEK_HISTOGRAM_BITS;
    return (shift << CHEK_HISTOGRAM_BITS) + (uint32_t)(value >> shift);
}

/* The largest value of a bucket. */
static uint64_t
bucket_end(uint32_t bucket)
{
    uint32_t shift = bucket >> CHEK_HISTOGRAM_BITS;
    if (shift <= 1) {
        return bucket;
    }
    shift -= 1;
    uint64_t upper = bucket - (shift << CHEK_HISTOGRAM_BITS);
    return ((upper + 1) << shift) - 1;
}

void
chek_histogram_add(struct chek_histogram *histogram, uint64_t value)
{
    histogram->buckets[bucket_of(value < VALUE_MAX ? value : VALUE_MAX)] += 1;
    histogram->count += 1;
    histogram->max = value > histogram->max ? value : histogram->max;
}

uint64_t
chek_histogram_at(const struct chek_histogram *histogram, uint32_t per_100000)
{
    uint64_t wanted = (histogram->count * per_100000 + 99999) / 100000;
    uint64_t seen = 0;

    for (uint32_t i = 0; i < CHEK_HISTOGRAM_BUCKET_COUNT; i++) {
        seen += histogram->buckets[i];
        if (seen >= wanted && seen != 0) {
            uint64_t end = bucket_end(i);
            return end < histogram->max ? end : histogram->max;
        }
    }
    return histogram->max;
}
