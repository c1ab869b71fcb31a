/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what a fuzz target defines.
 *
 * libFuzzer calls it in the fuzz build; tests/fuzz/replay.c calls it with the corpus elsewhere.
 */
#ifndef CHEK_TESTS_FUZZ_H
#define CHEK_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/*
 * Give `bytes` to a decoder; abort when a promise is broken. Returns 0.
 *
 *   Ownership  borrows `bytes`, which have exactly `size` bytes, so that reading on is found
 */
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

#endif
