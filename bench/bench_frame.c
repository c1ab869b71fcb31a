/* SPDX-License-Identifier: MIT */
/*
 * bench_frame.c - what cutting a connection's bytes into frames costs.
 *
 * A run of frames of one size is given whole, as a receive of many frames is, or in pieces that end
 * in the middle of frames, so that their parts are copied together. The wall is the checksum over
 * the same bytes: each has to be read once.
 */
#include "bench/harness.h"
#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/writer.h"
#include "engine/wire/frame.h"
#include "engine/wire/protocol.h"

#define RUN_SIZE (256 * 1024)
#define PIECE_SIZE 1460 /* of a segment of TCP */
#define BODY_SIZE_MAX (64 * 1024)

static uint8_t run[RUN_SIZE];
static uint8_t carry[BODY_SIZE_MAX + CHEK_FRAME_HEAD_SIZE];

/* Fill the run with frames of this size, heads included; returns how many. */
static uint32_t
run_make(size_t frame_size)
{
    struct chek_writer out = chek_writer_over(run, sizeof run);
    uint32_t count = 0;
    while (out.size + frame_size <= sizeof run) {
        size_t begin = chek_frame_begin(&out);
        while (out.size - begin < frame_size) {
            chek_writer_u8(&out, (uint8_t)(out.size * 131));
        }
        chek_frame_finish(&out, begin, CHEK_OPCODE_FEED, 0, ++count);
    }
    CHEK_ASSERT(!out.full && out.size == count * frame_size);
    return count;
}

static uint32_t
split(struct chek_splitter *splitter)
{
    struct chek_frame frame;
    uint32_t count = 0;
    int got;
    while ((got = chek_splitter_next(splitter, &frame)) == 1) {
        chek_bench_keep((uint64_t)(uintptr_t)frame.body.bytes);
        count += 1;
    }
    CHEK_ASSERT(got == 0);
    return count;
}

static void
run_pieces(struct chek_bench_state *state, size_t piece_size)
{
    size_t frame_size = (size_t)chek_bench_argument(state);
    uint32_t count = run_make(frame_size);
    size_t size = count * frame_size;
    struct chek_splitter splitter;
    chek_splitter_init(&splitter, carry, sizeof carry, BODY_SIZE_MAX);
    while (chek_bench_next(state)) {
        uint32_t seen = 0;
        for (size_t at = 0; at < size; at += piece_size) {
            size_t left = size - at;
            chek_splitter_feed(&splitter, run + at, left < piece_size ? left : piece_size);
            seen += split(&splitter);
        }
        CHEK_ASSERT(seen == count);
    }
    chek_bench_set_items(state, count);
    chek_bench_set_bytes(state, size);
}

static void
run_whole(struct chek_bench_state *state)
{
    run_pieces(state, sizeof run);
}

static void
run_segments(struct chek_bench_state *state)
{
    run_pieces(state, PIECE_SIZE);
}

static void
run_wall(struct chek_bench_state *state)
{
    size_t frame_size = (size_t)chek_bench_argument(state);
    uint32_t count = run_make(frame_size);
    while (chek_bench_next(state)) {
        for (uint32_t i = 0; i < count; i++) {
            chek_bench_keep(chek_checksum(run + i * frame_size, frame_size));
        }
    }
    chek_bench_set_items(state, count);
    chek_bench_set_bytes(state, count * frame_size);
}

void
chek_bench_cases(void)
{
    static const int64_t sizes[] = {256, 4096, 32768};
    chek_bench_add_each("frame_split", run_whole, sizes, CHEK_COUNT(sizes));
    chek_bench_add_each("frame_split_segments", run_segments, sizes, CHEK_COUNT(sizes));
    chek_bench_add_each("wall_checksum", run_wall, sizes, CHEK_COUNT(sizes));
}
