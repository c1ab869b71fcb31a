/* SPDX-License-Identifier: MIT */
/*
 * harness.h - a benchmark case is a C function; Google Benchmark runs and reports it.
 *
 * A case prepares, loops while chek_bench_next() and says how much work a turn was. A turn costs
 * a call on top of the work (about 1 ns), so cheap work is done many times in a turn.
 *
 *     static void
 *     run_checksum(struct chek_bench_state *state)
 *     {
 *         size_t size = (size_t)chek_bench_argument(state);
 *         while (chek_bench_next(state)) {
 *             chek_bench_keep(chek_checksum(bytes, size));
 *         }
 *         chek_bench_set_bytes(state, size);
 *     }
 *
 *   Source  Google Benchmark, docs/user_guide.md
 */
#ifndef CHEK_BENCH_HARNESS_H
#define CHEK_BENCH_HARNESS_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct chek_bench_state;

typedef void (*chek_bench_run_fn)(struct chek_bench_state *state);

/*
 * Register the cases of this program: every benchmark program defines it, and calls
 * chek_bench_add() in it.
 */
void chek_bench_cases(void);

/* Add a case. Ownership: copies `name`. */
void chek_bench_add(const char *name, chek_bench_run_fn run);

/* Add a case that runs once for each of `count` arguments; reported as name/argument. */
void chek_bench_add_each(const char *name, chek_bench_run_fn run, const int64_t *arguments,
                         uint32_t count);

/* Begin the next turn; false when there were enough. Only the time of turns is measured. */
bool chek_bench_next(struct chek_bench_state *state);

/* The argument of this run, 0 without one. */
int64_t chek_bench_argument(const struct chek_bench_state *state);

/* Do not measure between these two; costs about a microsecond, so not for cheap turns. */
void chek_bench_pause(struct chek_bench_state *state);
void chek_bench_resume(struct chek_bench_state *state);

/* Say after the loop what one turn handled; reported as items/s and bytes/s. */
void chek_bench_set_items(struct chek_bench_state *state, uint64_t item_count);
void chek_bench_set_bytes(struct chek_bench_state *state, uint64_t size);

/* Report one more number, for example bytes a receipt. Ownership: copies `name`. */
void chek_bench_set_counter(struct chek_bench_state *state, const char *name, double value);

/* End this case as an error that is reported; chek_bench_next() is false from here on. */
void chek_bench_fail(struct chek_bench_state *state, const char *reason);

/* Make the compiler believe that `value` is used. */
static inline void
chek_bench_keep(uint64_t value)
{
    __asm__ volatile("" : : "r"(value) : "memory");
}

#ifdef __cplusplus
}
#endif

#endif
