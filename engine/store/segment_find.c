/* SPDX-License-Identifier: MIT */
/* segment_find.c - where rows are in a segment, by its runs. */
#include "engine/store/segment.h"

uint32_t
store__segment_run_find(const struct chek_segment *segment, uint32_t registration)
{
    uint32_t low = 0;
    uint32_t high = segment->run_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (chek_load_u32(segment->runs + (size_t)middle * STORE__RUN_SIZE) < registration) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t
store__segment_run_of(const struct chek_segment *segment, uint32_t row)
{
    uint32_t low = 0;
    uint32_t high = segment->run_count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (store__segment_run(segment, middle).row_end <= row) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t
store__segment_find(const struct chek_segment *segment, uint32_t registration, uint32_t ordinal)
{
    uint32_t index = store__segment_run_find(segment, registration);
    if (index == segment->run_count) {
        return UINT32_MAX;
    }
    struct store__run run = store__segment_run(segment, index);
    bool found = run.registration == registration && ordinal >= run.ordinal &&
                 ordinal - run.ordinal < run.row_end - run.row;
    return found ? run.row + (ordinal - run.ordinal) : UINT32_MAX;
}
