/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - XXH3-64, the one checksum of every format here.
 *
 * It finds accidents, not attackers. A seed binds a sum to a place or a purpose, so that right
 * bytes in a wrong place miss their sum.
 *
 *   Source  xxHash, doc/xxhash_spec.md (XXH3 64 bits)
 */
#ifndef CHEK_BASE_CHECKSUM_H
#define CHEK_BASE_CHECKSUM_H

#include "engine/base/bytes.h"

uint64_t chek_checksum(const void *bytes, size_t size);
uint64_t chek_checksum_seeded(const void *bytes, size_t size, uint64_t seed);

/* A checksum over bytes that come in pieces; equal to chek_checksum(), or to
 * chek_checksum_seeded(), of them in one. It stays where it was started: the algorithm's state lies
 * at an aligned place inside. */
struct chek_checksum_stream {
    uint8_t state[576 + 64];
};

void chek_checksum_stream_init(struct chek_checksum_stream *stream);
void chek_checksum_stream_init_seeded(struct chek_checksum_stream *stream, uint64_t seed);
void chek_checksum_stream_add(struct chek_checksum_stream *stream, const void *bytes, size_t size);
/* The sum so far; more may be added behind. */
uint64_t chek_checksum_stream_sum(const struct chek_checksum_stream *stream);

#endif
