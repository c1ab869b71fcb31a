/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - XXH3 compiled into place.
 *
 * Most sums are over a few hundred bytes, where a call through a shared library costs as much as
 * the sum. The library's header is the implementation; nothing is linked.
 */
#include "engine/base/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t
chek_checksum(const void *bytes, size_t size)
{
    return XXH3_64bits(bytes, size);
}

uint64_t
chek_checksum_seeded(const void *bytes, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(bytes, size, seed);
}
