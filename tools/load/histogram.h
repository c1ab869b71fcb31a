/* SPDX-License-Identifier: MIT */
/*
 * histogram.h - how often which duration, to three digits, in fixed memory.
 *
 * Log-linear: below 2048 every value has a bucket of its own, above it every power of two is cut
 * into 1,024, so a value is told to within a thousandth of itself. Nothing is sampled away: the
 * percentiles are of all values.
 *
 *   Source  Gil Tene, HdrHistogram (the idea of its layout)
 */
#ifndef CHEK_LOAD_HISTOGRAM_H
#define CHEK_LOAD_HISTOGRAM_H

#include "engine/base/attribute.h"

#define CHEK_HISTOGRAM_BITS 10
#define CHEK_HISTOGRAM_VALUE_BITS 42 /* 73 minutes of nanoseconds; more counts as that much */
#define CHEK_HISTOGRAM_BUCKET_COUNT \
    ((CHEK_HISTOGRAM_VALUE_BITS - CHEK_HISTOGRAM_BITS + 1) << CHEK_HISTOGRAM_BITS)

/* All zero at the start. */
struct chek_histogram {
    uint64_t count, max;
    uint32_t buckets[CHEK_HISTOGRAM_BUCKET_COUNT];
};

void chek_histogram_add(struct chek_histogram *histogram, uint64_t value);

/*
 * The smallest value that at least `per_100000` of 100,000 values do not exceed, to within a
 * thousandth (upwards); never above the largest. 0 when there are none.
 */
uint64_t chek_histogram_at(const struct chek_histogram *histogram, uint32_t per_100000);

#endif
