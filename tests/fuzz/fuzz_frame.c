/* SPDX-License-Identifier: MIT */
/*
 * fuzz_frame.c - any bytes as a stream of frames, in any segmentation.
 *
 * The first byte says how long the runs are, and with its top bit that every checksum is made
 * right first, which no fuzzer can do by itself. The frames and the end must be those of one whole
 * run; a buffer too small for a frame is exchanged on the way, and some runs are kept.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/wire/frame.h"
#include "tests/fuzz/fuzz.h"

#define BODY_SIZE_MAX 65536
#define SMALL_SIZE 64 /* of the first buffer */

/* What came out: how many frames, all of their bytes, and how it ended. */
struct seen {
    uint64_t frame_count;
    uint64_t sum;
    int end;
};

static uint8_t large[CHEK_FRAME_HEAD_SIZE + BODY_SIZE_MAX];

static void
add(struct seen *seen, const struct chek_frame *frame)
{
    seen->frame_count += 1;
    seen->sum = chek_checksum_seeded(frame->body.bytes, frame->body.size, seen->sum);
    seen->sum ^= frame->head.frame_id + frame->head.opcode + frame->head.flags;
}

static void
drain(struct chek_splitter *splitter, struct seen *seen)
{
    struct chek_frame frame;
    while ((seen->end = chek_splitter_next(splitter, &frame)) != 0) {
        if (seen->end == CHEK_E_FULL) {
            size_t size = chek_splitter_frame_size(splitter);
            CHEK_ASSERT(size > splitter->carry_capacity && size <= sizeof large);
            chek_splitter_use(splitter, large, sizeof large, BODY_SIZE_MAX);
        } else if (seen->end == 1) {
            add(seen, &frame);
        } else {
            CHEK_ASSERT(seen->end < 0);
            return;
        }
    }
}

/* Each run is a block of its own size, freed before the next. */
static struct seen
split(const uint8_t *bytes, size_t size, size_t run_size)
{
    uint8_t small[SMALL_SIZE];
    struct chek_splitter splitter;
    struct seen seen = {0};

    chek_splitter_init(&splitter, small, sizeof small, BODY_SIZE_MAX);
    for (size_t at = 0; at < size && seen.end >= 0; at += run_size) {
        size_t left = size - at < run_size ? size - at : run_size;
        uint8_t *run = malloc(left);
        CHEK_ASSERT(run != NULL);
        memcpy(run, bytes + at, left);
        chek_splitter_feed(&splitter, run, left);
        if (at % 3 != 0 || chek_splitter_keep(&splitter) != CHEK_OK) {
            drain(&splitter, &seen);
        }
        free(run);
        if (splitter.run_size == 0 && at % 3 == 0) {
            drain(&splitter, &seen);
        }
    }
    return seen;
}

/* Give every frame of the stream its right checksum, up to the first that is not whole. */
static void
make_right(uint8_t *bytes, size_t size)
{
    struct chek_frame_head head;
    while (size >= CHEK_FRAME_HEAD_SIZE &&
           chek_frame_head_decode(bytes, BODY_SIZE_MAX, &head) == CHEK_OK &&
           size - CHEK_FRAME_HEAD_SIZE >= head.body_size) {
        uint64_t seed = chek_checksum(bytes, CHEK_FRAME_SUMMED_SIZE);
        chek_store_u64(bytes + CHEK_FRAME_SUMMED_SIZE,
                       chek_checksum_seeded(bytes + CHEK_FRAME_HEAD_SIZE, head.body_size, seed));
        bytes += CHEK_FRAME_HEAD_SIZE + head.body_size;
        size -= CHEK_FRAME_HEAD_SIZE + head.body_size;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    if (size < 2) {
        return 0;
    }
    size_t stream_size = size - 1;
    uint8_t *stream = malloc(stream_size);
    CHEK_ASSERT(stream != NULL);
    memcpy(stream, bytes + 1, stream_size);
    if ((bytes[0] & 0x80) != 0) {
        make_right(stream, stream_size);
    }
    struct seen whole = split(stream, stream_size, stream_size);
    struct seen cut = split(stream, stream_size, 1 + (size_t)(bytes[0] & 0x7f));
    free(stream);
    CHEK_ASSERT(whole.frame_count == cut.frame_count);
    CHEK_ASSERT(whole.sum == cut.sum);
    CHEK_ASSERT(whole.end == cut.end);
    return 0;
}
