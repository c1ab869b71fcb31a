/* SPDX-License-Identifier: MIT */
/*
 * page_encode.c - the smallest form of a page of integers.
 *
 * One pass finds what all forms depend on; forms that cannot win are not tried. Which form is
 * taken is no part of the format: a reader takes any.
 */
#include "engine/base/assertion.h"
#include "engine/store/code_frame.h"
#include "engine/store/page.h"

#define DISTINCT_MAX 256
#define DISTINCT_SLOT_COUNT 1024

struct shape {
    int64_t min, max;
    uint32_t zero_count;
    uint32_t run_count;
};

/* Distinct values in the order of their first appearance, and where each is. */
struct distinct {
    int64_t values[DISTINCT_MAX];
    uint32_t count;
    uint16_t slots[DISTINCT_SLOT_COUNT]; /* index + 1 */
};

size_t
store__page_size_max(uint32_t count)
{
    return (size_t)count * 8 + 8 + STORE__PAGE_SLACK;
}

static struct shape
shape_of(const int64_t *values, uint32_t count)
{
    struct shape shape = {.min = values[0], .max = values[0], .run_count = 1};
    shape.zero_count = values[0] == 0;
    for (uint32_t i = 1; i < count; i++) {
        shape.min = values[i] < shape.min ? values[i] : shape.min;
        shape.max = values[i] > shape.max ? values[i] : shape.max;
        shape.zero_count += values[i] == 0;
        shape.run_count += values[i] != values[i - 1];
    }
    return shape;
}

static uint64_t
divisor_common(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

/* The largest common divisor of a range and of what values are above a base; zeroes may not count. */
static uint64_t
scale_find(const int64_t *values, uint32_t count, uint64_t base, uint64_t range, bool with_zeroes)
{
    uint64_t scale = range;
    if (scale <= 1) {
        return scale;
    }
    struct store__exact by = store__exact_of(scale);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t value = (uint64_t)values[i] - base;
        if (store__exact_divides(&by, value) || (!with_zeroes && values[i] == 0)) {
            continue;
        }
        scale = divisor_common(scale, value);
        if (scale == 1) {
            break;
        }
        by = store__exact_of(scale);
    }
    return scale;
}

/* The frame of values of a known range. Prices in whole hundreds and whole pieces share a factor. */
static struct store__frame
frame_make(const int64_t *values, uint32_t count, int64_t min, int64_t max)
{
    uint64_t base = (uint64_t)min;
    uint64_t range = (uint64_t)max - base;
    uint64_t scale = scale_find(values, count, base, range, true);
    uint32_t width = store__frame_width(scale > 1 ? range / scale : range);
    if (scale == 0 || width == store__frame_width(range)) {
        scale = 1; /* a multiplication that saves nothing */
    }
    return (struct store__frame){.base = base, .scale = scale, .width = width};
}

static inline uint32_t
distinct_slot(const struct distinct *distinct, int64_t value)
{
    uint32_t slot = (uint32_t)((uint64_t)value * UINT64_C(0x9e3779b97f4a7c15) >> 54);
    while (distinct->slots[slot] != 0 && distinct->values[distinct->slots[slot] - 1] != value) {
        slot = (slot + 1) % DISTINCT_SLOT_COUNT;
    }
    return slot;
}

/* Returns false when there are too many. */
static bool
distinct_find(const int64_t *values, uint32_t count, struct distinct *distinct)
{
    memset(distinct->slots, 0, sizeof distinct->slots);
    distinct->count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = distinct_slot(distinct, values[i]);
        if (distinct->slots[slot] != 0) {
            continue;
        }
        if (distinct->count == DISTINCT_MAX) {
            return false;
        }
        distinct->values[distinct->count] = values[i];
        distinct->count += 1;
        distinct->slots[slot] = (uint16_t)distinct->count;
    }
    return true;
}

/* ---- the forms; each writes and returns its size ---- */

static size_t
encode_frame(const struct store__frame *frame, const int64_t *values, uint32_t count, uint8_t *out)
{
    chek_store_u64(out, frame->scale);
    return 8 + store__frame_encode(frame, values, count, out + 8);
}

static size_t
encode_distinct(const struct distinct *distinct, uint32_t width, const int64_t *values,
                uint32_t count, uint8_t *out)
{
    chek_store_u16(out, (uint16_t)distinct->count);
    for (uint32_t i = 0; i < distinct->count; i++) {
        chek_store_u64(out + 2 + (size_t)i * 8, (uint64_t)distinct->values[i]);
    }
    uint8_t *at = out + 2 + (size_t)distinct->count * 8;
    size_t size = (size_t)store__frame_size(count, width);
    memset(at, 0, size);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t code = distinct->slots[distinct_slot(distinct, values[i])] - 1u;
        size_t bit = (size_t)i * width;
        at[bit / 8] = (uint8_t)(at[bit / 8] | code << (bit % 8));
    }
    return (size_t)(at - out) + size;
}

/* Values that are not zero, one behind the other. */
struct dense {
    struct store__frame frame;
    uint64_t count;
    uint64_t size; /* of the page */
};

static struct dense
dense_of(const int64_t *values, uint32_t count, uint32_t zero_count)
{
    int64_t min = INT64_MAX;
    int64_t max = INT64_MIN;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] != 0) {
            min = values[i] < min ? values[i] : min;
            max = values[i] > max ? values[i] : max;
        }
    }
    uint64_t range = (uint64_t)max - (uint64_t)min;
    uint64_t factor = scale_find(values, count, (uint64_t)min, range, false);
    factor = factor != 0 ? factor : 1;
    struct dense dense = {
        .frame = {.base = (uint64_t)min,
                  .scale = factor,
                  .width = store__frame_width(range / factor)},
        .count = count - zero_count,
    };
    dense.size =
        ((uint64_t)count + 63) / 64 * 8 + 16 + store__frame_size(dense.count, dense.frame.width);
    return dense;
}

static size_t
encode_sparse(const struct dense *dense, const int64_t *values, uint32_t count, uint8_t *out)
{
    size_t bits_size = ((size_t)count + 63) / 64 * 8;
    struct store__exact by = store__exact_of(dense->frame.scale);
    memset(out, 0, bits_size);
    uint8_t *codes = out + bits_size + 16;
    chek_store_u64(out + bits_size, dense->frame.base);
    chek_store_u64(out + bits_size + 8, dense->frame.scale);
    memset(codes, 0, (size_t)store__frame_size(dense->count, dense->frame.width));
    uint32_t rank = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (values[i] == 0) {
            continue;
        }
        out[i / 8] = (uint8_t)(out[i / 8] | 1u << (i % 8));
        uint64_t code = store__exact_divide(&by, (uint64_t)values[i] - dense->frame.base);
        size_t bit = (size_t)rank * dense->frame.width;
        if (dense->frame.width >= 8) {
            memcpy(codes + bit / 8, &code, dense->frame.width / 8);
        } else if (dense->frame.width != 0) {
            codes[bit / 8] = (uint8_t)(codes[bit / 8] | code << (bit % 8));
        }
        rank += 1;
    }
    return (size_t)dense->size;
}

static uint64_t
runs_size(uint32_t run_count, uint32_t count, uint32_t width)
{
    return 4 + (uint64_t)run_count * (count <= UINT16_MAX ? 2 : 4) + 8 +
           store__frame_size(run_count, width);
}

static size_t
encode_runs(const struct store__frame *frame, uint32_t run_count, const int64_t *values,
            uint32_t count, uint8_t *out)
{
    struct store__exact by = store__exact_of(frame->scale);
    uint32_t end_size = count <= UINT16_MAX ? 2 : 4;
    uint8_t *codes = out + 4 + (size_t)run_count * end_size + 8;
    chek_store_u32(out, run_count);
    chek_store_u64(codes - 8, frame->scale);
    memset(codes, 0, (size_t)store__frame_size(run_count, frame->width));
    uint32_t run = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i + 1 < count && values[i + 1] == values[i]) {
            continue;
        }
        uint32_t end = i + 1;
        memcpy(out + 4 + (size_t)run * end_size, &end, end_size);
        uint64_t code = store__exact_divide(&by, (uint64_t)values[i] - frame->base);
        size_t bit = (size_t)run * frame->width;
        if (frame->width >= 8) {
            memcpy(codes + bit / 8, &code, frame->width / 8);
        } else if (frame->width != 0) {
            codes[bit / 8] = (uint8_t)(codes[bit / 8] | code << (bit % 8));
        }
        run += 1;
    }
    CHEK_ASSERT(run == run_count);
    return (size_t)runs_size(run_count, count, frame->width);
}

/* ---- the choice ---- */

/* The width of codes of so many values, and what the page takes; UINT64_MAX when it cannot win. */
static uint64_t
distinct_size(const int64_t *values, uint32_t count, uint32_t frame_width,
              struct distinct *distinct, uint32_t *ret_width)
{
    if (frame_width < 8 || !distinct_find(values, count, distinct)) {
        return UINT64_MAX;
    }
    uint32_t width = store__frame_width(distinct->count - 1u);
    *ret_width = width;
    return 2 + (uint64_t)distinct->count * 8 + store__frame_size(count, width);
}

void
store__page_encode(const int64_t *values, uint32_t count, uint8_t *out, struct store__page *ret)
{
    CHEK_ASSERT(count > 0);
    struct shape shape = shape_of(values, count);
    *ret = (struct store__page){
        .bytes = out, .value_count = count, .min = shape.min, .max = shape.max};
    if (shape.min == shape.max) {
        ret->codec = STORE__CONSTANT;
        return;
    }
    struct store__frame frame = frame_make(values, count, shape.min, shape.max);
    struct distinct distinct;
    struct dense dense = {.size = UINT64_MAX};
    uint32_t code_width = 0;
    uint64_t size_frame = 8 + store__frame_size(count, frame.width);
    uint64_t size_runs = runs_size(shape.run_count, count, frame.width);
    uint64_t size_distinct = distinct_size(values, count, frame.width, &distinct, &code_width);
    if (shape.zero_count > count / 8) {
        dense = dense_of(values, count, shape.zero_count);
    }
    uint64_t best = size_frame < size_runs ? size_frame : size_runs;
    best = best < size_distinct ? best : size_distinct;
    best = best < dense.size ? best : dense.size;

    size_t size;
    if (best == size_frame) {
        ret->codec = STORE__FRAME;
        ret->width = (uint8_t)frame.width;
        size = encode_frame(&frame, values, count, out);
    } else if (best == size_distinct) {
        ret->codec = STORE__DICTIONARY_PAGE;
        ret->width = (uint8_t)code_width;
        size = encode_distinct(&distinct, code_width, values, count, out);
    } else if (best == dense.size) {
        ret->codec = STORE__SPARSE;
        ret->width = (uint8_t)dense.frame.width;
        size = encode_sparse(&dense, values, count, out);
    } else {
        ret->codec = STORE__RUNS;
        ret->width = (uint8_t)frame.width;
        size = encode_runs(&frame, shape.run_count, values, count, out);
    }
    CHEK_ASSERT(size == best);
    ret->size = (uint32_t)size;
}
