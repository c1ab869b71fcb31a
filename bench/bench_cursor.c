/* SPDX-License-Identifier: MIT */
/*
 * bench_cursor.c - varints by their length, and of mixed lengths as a receipt has them.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/prng.h"
#include "engine/base/writer.h"

#define NUMBERS 4096
#define MIXED 0

static const int64_t lengths[] = {1, 2, 3, 4, 5, 8, 10, MIXED};

/* A number that takes `length` bytes; of one to five bytes, short ones more often, when MIXED. */
static uint64_t
number_draw(struct chek_prng *prng, uint64_t length)
{
    if (length == MIXED) {
        uint64_t roll = chek_prng_below(prng, 10);
        length = roll < 4 ? 1 : roll < 7 ? 2 : roll < 8 ? 3 : roll < 9 ? 4 : 5;
    }
    uint64_t top = UINT64_C(1) << (7 * (length - 1));
    return length == 1 ? chek_prng_below(prng, 128) : top + chek_prng_below(prng, top);
}

static void
run_varint(struct chek_bench_state *state)
{
    static uint8_t bytes[NUMBERS * CHEK_VARINT_SIZE_MAX];
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    for (size_t i = 0; i < NUMBERS; i++) {
        chek_writer_varint(&out, number_draw(&prng, (uint64_t)chek_bench_argument(state)));
    }
    while (chek_bench_next(state)) {
        struct chek_cursor in = chek_cursor_over(bytes, out.size);
        uint64_t sum = 0;
        for (size_t i = 0; i < NUMBERS; i++) {
            sum += chek_cursor_varint(&in);
        }
        CHEK_ASSERT(in.error == CHEK_OK && chek_cursor_left(&in) == 0);
        chek_bench_keep(sum);
    }
    chek_bench_set_items(state, NUMBERS);
    chek_bench_set_bytes(state, out.size);
}

void
chek_bench_cases(void)
{
    chek_bench_add_each("varint", run_varint, lengths, CHEK_COUNT(lengths));
}
