/* SPDX-License-Identifier: MIT */
/*
 * test_prng.c - the streams are the published ones: a seed means the same for ever.
 */
#include "engine/base/prng.h"

#include "tests/unit/table.h"

/* splitmix64 from 1234567, as the reference implementation prints it. */
static void
test_prng_init_is_splitmix64(void **state)
{
    (void)state;
    struct chek_prng prng;
    chek_prng_init(&prng, 1234567);
    assert_true(prng.s[0] == UINT64_C(6457827717110365317));
    assert_true(prng.s[1] == UINT64_C(3203168211198807973));
    assert_true(prng.s[2] == UINT64_C(9817491932198370423));
    assert_true(prng.s[3] == UINT64_C(4593380528125082431));
}

/* xoshiro256** from the state {1, 2, 3, 4}, as the reference implementation prints it. */
static void
test_prng_next_is_xoshiro256(void **state)
{
    (void)state;
    static const uint64_t want[] = {UINT64_C(11520), 0, UINT64_C(1509978240),
                                    UINT64_C(1215971899390074240)};
    struct chek_prng prng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < CHEK_COUNT(want); i++) {
        assert_true(chek_prng_next(&prng) == want[i]);
    }
}

static void
test_prng_seeds_differ(void **state)
{
    (void)state;
    struct chek_prng first, second;
    chek_prng_init(&first, 0);
    chek_prng_init(&second, 1);
    assert_true(chek_prng_next(&first) != chek_prng_next(&second));
}

static void
test_prng_below_stays_below_and_meets_all(void **state)
{
    (void)state;
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    unsigned met[7] = {0};
    for (int i = 0; i < 7000; i++) {
        uint64_t value = chek_prng_below(&prng, CHEK_COUNT(met));
        assert_true(value < CHEK_COUNT(met));
        met[value] += 1;
    }
    for (size_t i = 0; i < CHEK_COUNT(met); i++) {
        assert_in_range(met[i], 850, 1150);
    }
    assert_int_equal(chek_prng_below(&prng, 1), 0);
}

static void
test_prng_chance_is_per_million(void **state)
{
    (void)state;
    struct chek_prng prng;
    chek_prng_init(&prng, 1);
    unsigned count = 0;
    for (int i = 0; i < 10000; i++) {
        count += chek_prng_chance(&prng, 250000);
        assert_false(chek_prng_chance(&prng, 0));
        assert_true(chek_prng_chance(&prng, 1000000));
    }
    assert_in_range(count, 2300, 2700);
}

int
main(void)
{
    struct table table = {.count = 0};
    TABLE_TEST(&table, test_prng_init_is_splitmix64);
    TABLE_TEST(&table, test_prng_next_is_xoshiro256);
    TABLE_TEST(&table, test_prng_seeds_differ);
    TABLE_TEST(&table, test_prng_below_stays_below_and_meets_all);
    TABLE_TEST(&table, test_prng_chance_is_per_million);
    return table_run(&table, "prng");
}
