/* SPDX-License-Identifier: MIT */
/*
 * test_checksum.c - the sums are XXH3-64's, at every length class of the algorithm.
 */
#include "engine/base/checksum.h"

#include "tests/unit/table.h"

/* `size` bytes of the sanity buffer that xxHash's own tests use, summed with `seed`. */
static struct checksum_case {
    const char *name;
    size_t size;
    uint64_t seed, sum;
} checksum_cases[] = {
    {"empty", 0, 0, UINT64_C(0x2d06800538d394c2)},
    {"empty_seeded", 0, UINT64_C(0x9e3779b185ebca8d), UINT64_C(0xa8a6b918b2f0364a)},
    {"one_byte", 1, 0, UINT64_C(0xc44bdff4074eecdb)},
    {"one_byte_seeded", 1, UINT64_C(0x9e3779b185ebca8d), UINT64_C(0x032be332dd766ef8)},
    {"six_bytes", 6, 0, UINT64_C(0x27b56a84cd2d7325)},
    {"six_bytes_seeded", 6, UINT64_C(0x9e3779b185ebca8d), UINT64_C(0x84589c116ab59ab9)},
    {"twelve_bytes", 12, 0, UINT64_C(0xa713daf0dfbb77e7)},
    {"twelve_bytes_seeded", 12, UINT64_C(0x9e3779b185ebca8d), UINT64_C(0xe7303e1b2336de0e)},
    {"24_bytes", 24, 0, UINT64_C(0xa3fe70bf9d3510eb)},
    {"48_bytes", 48, 0, UINT64_C(0x397da259ecba1f11)},
    {"80_bytes", 80, 0, UINT64_C(0xbcdefbbb2c47c90a)},
    {"195_bytes", 195, 0, UINT64_C(0xcd94217ee362ec3a)},
    {"403_bytes", 403, 0, UINT64_C(0xcdeb804d65c6dea4)},
    {"512_bytes", 512, 0, UINT64_C(0x617e49599013cb6b)},
    {"2048_bytes", 2048, 0, UINT64_C(0xdd59e2c3a5f038e0)},
    {"2240_bytes", 2240, 0, UINT64_C(0x6e73a90539cf2948)},
    {"2367_bytes", 2367, 0, UINT64_C(0xcb37aeb9e5d361ed)},
    {"2367_bytes_seeded", 2367, UINT64_C(0x9e3779b185ebca8d), UINT64_C(0xd2db3415b942b42a)},
};

static void
sanity_fill(uint8_t *bytes, size_t size)
{
    uint64_t generator = 2654435761u;
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (uint8_t)(generator >> 56);
        generator *= UINT64_C(0x9e3779b185ebca8d);
    }
}

static void
test_checksum(void **state)
{
    const struct checksum_case *c = *state;
    uint8_t bytes[2367];
    sanity_fill(bytes, sizeof bytes);
    assert_true(chek_checksum_seeded(bytes, c->size, c->seed) == c->sum);
    if (c->seed == 0) {
        assert_true(chek_checksum(bytes, c->size) == c->sum);
    }
}

/* In pieces of every size the sum is that of all bytes, also when it is asked for in between. */
static void
test_checksum_stream_is_the_sum_of_the_whole(void **state)
{
    (void)state;
    uint8_t bytes[2367];
    sanity_fill(bytes, sizeof bytes);
    for (size_t piece = 1; piece <= sizeof bytes; piece += 1 + piece / 2) {
        struct chek_checksum_stream stream;
        struct chek_checksum_stream seeded;
        chek_checksum_stream_init(&stream);
        chek_checksum_stream_init_seeded(&seeded, piece);
        for (size_t at = 0; at < sizeof bytes; at += piece) {
            size_t size = piece < sizeof bytes - at ? piece : sizeof bytes - at;
            chek_checksum_stream_add(&stream, bytes + at, size);
            chek_checksum_stream_add(&seeded, bytes + at, size);
            assert_true(chek_checksum_stream_sum(&stream) == chek_checksum(bytes, at + size));
            assert_true(chek_checksum_stream_sum(&seeded) ==
                        chek_checksum_seeded(bytes, at + size, piece));
        }
    }
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_checksum_stream_is_the_sum_of_the_whole);
    TABLE_ROWS(&table, test_checksum, checksum_cases);
    return table_run(&table, "checksum");
}
