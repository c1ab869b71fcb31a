/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - XXH3 compiled into place.
 *
 * Most sums are over a few hundred bytes, where a call through a shared library costs as much as
 * the sum. The library's header is the implementation; nothing is linked.
 */
#include "engine/base/checksum.h"

#include "engine/base/assertion.h"

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

_Static_assert(sizeof(XXH3_state_t) + _Alignof(XXH3_state_t) <= sizeof(struct chek_checksum_stream),
               "an aligned state fits");

static XXH3_state_t *
state_of(const struct chek_checksum_stream *stream)
{
    uintptr_t mask = _Alignof(XXH3_state_t) - 1;
    return (XXH3_state_t *)(((uintptr_t)stream->state + mask) & ~mask);
}

void
chek_checksum_stream_init_seeded(struct chek_checksum_stream *stream, uint64_t seed)
{
    /* The library reads a field of the state before it has set it. */
    memset(stream, 0, sizeof *stream);
    XXH_errorcode code = XXH3_64bits_reset_withSeed(state_of(stream), seed);
    CHEK_ASSERT(code == XXH_OK);
}

void
chek_checksum_stream_init(struct chek_checksum_stream *stream)
{
    chek_checksum_stream_init_seeded(stream, 0);
}

void
chek_checksum_stream_add(struct chek_checksum_stream *stream, const void *bytes, size_t size)
{
    XXH_errorcode code = XXH3_64bits_update(state_of(stream), bytes, size);
    CHEK_ASSERT(code == XXH_OK);
}

uint64_t
chek_checksum_stream_sum(const struct chek_checksum_stream *stream)
{
    return XXH3_64bits_digest(state_of(stream));
}
