/* SPDX-License-Identifier: MIT */
/*
 * store_resum.h - make the sums of damaged bytes right again.
 *
 * Sums catch nearly all damage, so what stands behind them is only reached by bytes whose sums are
 * right. Any bytes may be given.
 */
#ifndef CHEK_TESTS_STORE_RESUM_H
#define CHEK_TESTS_STORE_RESUM_H

#include <stddef.h>
#include <stdint.h>

void store_resum_segment(uint8_t *bytes, size_t size);
void store_resum_image(uint8_t *bytes, size_t size);

/* The sum that an image names a segment by; 0 when the bytes are none. */
uint64_t store_resum_segment_sum(const uint8_t *bytes, size_t size);

#endif
