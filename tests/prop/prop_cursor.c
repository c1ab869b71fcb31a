/* SPDX-License-Identifier: MIT */
/*
 * prop_cursor.c - what the writer writes the cursor reads; on any bytes it agrees with a decoder
 * that goes bit by bit.
 */
#include "engine/base/cursor.h"

#include "engine/base/writer.h"
#include "tests/prop/prop.h"

#define INPUT_SIZE_MAX 32

/* LEB128 one bit at a time, into more bits than any answer has. */
static int
naive_varint(const uint8_t *bytes, size_t size, uint64_t *ret, size_t *ret_size)
{
    chek_u128 value = 0;
    for (size_t i = 0; i < size && i < CHEK_VARINT_SIZE_MAX; i++) {
        for (unsigned bit = 0; bit < 7; bit++) {
            if ((bytes[i] & (1u << bit)) != 0) {
                value += (chek_u128)1 << (7 * i + bit);
            }
        }
        if (bytes[i] < 128) {
            bool is_shortest = i == 0 || bytes[i] != 0;
            *ret = (uint64_t)value;
            *ret_size = i + 1;
            return is_shortest && value <= UINT64_MAX ? CHEK_OK : CHEK_E_NUMBER;
        }
    }
    return size < CHEK_VARINT_SIZE_MAX ? CHEK_E_SHORT : CHEK_E_NUMBER;
}

/* Random bytes that mostly go on, so that numbers of every length come up. */
static size_t
input_fill(struct chek_prng *prng, uint8_t *bytes)
{
    size_t size = chek_prng_below(prng, INPUT_SIZE_MAX + 1);
    uint32_t goes_on = (uint32_t)chek_prng_below(prng, 1000001);
    for (size_t i = 0; i < size; i++) {
        uint8_t low = (uint8_t)chek_prng_below(prng, 128);
        low = chek_prng_chance(prng, 100000) ? 0 : chek_prng_chance(prng, 100000) ? 1 : low;
        bytes[i] = chek_prng_chance(prng, goes_on) ? low | 0x80 : low;
    }
    return size;
}

static void
check_against_naive(struct prop *prop, struct chek_prng *prng)
{
    uint8_t bytes[INPUT_SIZE_MAX];
    size_t size = input_fill(prng, bytes);
    struct chek_cursor in = chek_cursor_over(bytes, size);
    for (;;) {
        uint64_t want = 0;
        size_t want_size = 0;
        int error = naive_varint(bytes + in.at, size - in.at, &want, &want_size);
        size_t at = in.at;
        uint64_t got = chek_cursor_varint(&in);
        PROP_CHECK(prop, in.error == error);
        if (error != CHEK_OK) {
            PROP_CHECK(prop, got == 0 && in.at == at && chek_cursor_left(&in) == 0);
            return;
        }
        PROP_CHECK(prop, got == want && in.at == at + want_size);
    }
}

static void
check_round_trip(struct prop *prop, struct chek_prng *prng)
{
    uint64_t values[8];
    uint8_t bytes[sizeof values / 8 * 2 * CHEK_VARINT_SIZE_MAX];
    struct chek_writer out = chek_writer_over(bytes, sizeof bytes);
    for (size_t i = 0; i < CHEK_COUNT(values); i++) {
        values[i] = chek_prng_next(prng) >> chek_prng_below(prng, 64);
        chek_writer_varint(&out, values[i]);
        chek_writer_varint_signed(&out, (int64_t)values[i]);
    }
    PROP_CHECK(prop, !out.full);
    struct chek_cursor in = chek_cursor_over(bytes, out.size);
    for (size_t i = 0; i < CHEK_COUNT(values); i++) {
        PROP_CHECK(prop, chek_cursor_varint(&in) == values[i]);
        PROP_CHECK(prop, chek_cursor_varint_signed(&in) == (int64_t)values[i]);
    }
    PROP_CHECK(prop, in.error == CHEK_OK && chek_cursor_left(&in) == 0);
}

int
main(int argument_count, char **arguments)
{
    struct prop prop = prop_begin(argument_count, arguments, 200000);
    struct chek_prng prng;
    while (prop_next(&prop, &prng)) {
        check_against_naive(&prop, &prng);
        check_round_trip(&prop, &prng);
    }
    return 0;
}
