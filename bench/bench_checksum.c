/* SPDX-License-Identifier: MIT */
/*
 * bench_checksum.c - what the sum of a log block or a column page costs.
 */
#include <stdalign.h>
#include <string.h>

#include "bench/harness.h"
#include "engine/base/checksum.h"
#include "engine/base/limits.h"

#define SIZE_MAX_MEASURED (64 * 1024)

static void
run_checksum(struct chek_bench_state *state)
{
    static alignas(CHEK_CACHE_LINE_SIZE) uint8_t bytes[SIZE_MAX_MEASURED];
    size_t size = (size_t)chek_bench_argument(state);

    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 131);
    }
    while (chek_bench_next(state)) {
        chek_bench_keep(chek_checksum(bytes, size));
    }
    chek_bench_set_bytes(state, size);
}

/* The wall: the same bytes read and written once. */
static void
run_copy(struct chek_bench_state *state)
{
    static alignas(CHEK_CACHE_LINE_SIZE) uint8_t from[SIZE_MAX_MEASURED], to[SIZE_MAX_MEASURED];
    size_t size = (size_t)chek_bench_argument(state);

    while (chek_bench_next(state)) {
        memcpy(to, from, size);
        chek_bench_keep((uint64_t)(uintptr_t)to);
    }
    chek_bench_set_bytes(state, size);
}

void
chek_bench_cases(void)
{
    static const int64_t sizes[] = {64, 512, CHEK_BLOCK_SIZE, CHEK_PAGE_SIZE, SIZE_MAX_MEASURED};

    chek_bench_add_each("checksum", run_checksum, sizes, CHEK_COUNT(sizes));
    chek_bench_add_each("wall_copy", run_copy, sizes, CHEK_COUNT(sizes));
}
