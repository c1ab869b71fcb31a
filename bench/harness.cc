/* SPDX-License-Identifier: MIT */
/*
 * harness.cc - the C face of Google Benchmark, and the main of every benchmark program.
 *
 * The only C++ file of the project: the library has no C interface of its own.
 */
#include "bench/harness.h"

#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>

struct chek_bench_state {
    benchmark::State &state;
    int64_t argument;
};

static void
run_case(benchmark::State &state, chek_bench_run_fn run)
{
    struct chek_bench_state wrapped = {state, 0};
    run(&wrapped);
}

static void
run_case_with_argument(benchmark::State &state, chek_bench_run_fn run)
{
    struct chek_bench_state wrapped = {state, state.range(0)};
    run(&wrapped);
}

static uint64_t
turn_count(const struct chek_bench_state *state)
{
    return static_cast<uint64_t>(state->state.iterations());
}

void
chek_bench_add(const char *name, chek_bench_run_fn run)
{
    benchmark::RegisterBenchmark(name, run_case, run);
}

void
chek_bench_add_each(const char *name, chek_bench_run_fn run, const int64_t *arguments,
                    uint32_t count)
{
    auto *added = benchmark::RegisterBenchmark(name, run_case_with_argument, run);
    for (uint32_t i = 0; i < count; i++) {
        added->Arg(arguments[i]);
    }
}

bool
chek_bench_next(struct chek_bench_state *state)
{
    return state->state.KeepRunning();
}

int64_t
chek_bench_argument(const struct chek_bench_state *state)
{
    return state->argument;
}

void
chek_bench_pause(struct chek_bench_state *state)
{
    state->state.PauseTiming();
}

void
chek_bench_resume(struct chek_bench_state *state)
{
    state->state.ResumeTiming();
}

void
chek_bench_set_items(struct chek_bench_state *state, uint64_t item_count)
{
    state->state.SetItemsProcessed(static_cast<int64_t>(turn_count(state) * item_count));
}

void
chek_bench_set_bytes(struct chek_bench_state *state, uint64_t size)
{
    state->state.SetBytesProcessed(static_cast<int64_t>(turn_count(state) * size));
}

void
chek_bench_set_counter(struct chek_bench_state *state, const char *name, double value)
{
    state->state.counters[name] = value;
}

void
chek_bench_fail(struct chek_bench_state *state, const char *reason)
{
    state->state.SkipWithError(reason);
}

int
main(int argc, char **argv)
{
    benchmark::Initialize(&argc, argv);
    if (benchmark::ReportUnrecognizedArguments(argc, argv)) {
        return 2;
    }
    chek_bench_cases();
    if (benchmark::RunSpecifiedBenchmarks() == 0) {
        std::fprintf(stderr, "no case has that name\n");
        return 1;
    }
    benchmark::Shutdown();
    return 0;
}
