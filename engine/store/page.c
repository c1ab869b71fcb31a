/* SPDX-License-Identifier: MIT */
/*
 * page.c - reading encoded pages.
 *
 * store__page_check() proves once that no later read can leave the page; the readers then assume
 * it. A frame of whole bytes is read with one unaligned load a value, so up to seven bytes behind
 * a page are read and masked away.
 */
#include "engine/store/page.h"

#include "engine/base/assertion.h"
#include "engine/store/code_frame.h"

/* ---- the parts of a page ---- */

struct sparse {
    const uint8_t *bits; /* whole words */
    uint32_t word_count;
    struct store__frame frame;
};

struct runs {
    const uint8_t *ends;
    uint32_t count;
    uint32_t end_size; /* 2 or 4 */
    struct store__frame frame;
};

struct coded {
    const uint8_t *values;
    uint32_t value_count;
    struct store__frame codes;
};

static struct store__frame
frame_of(const struct store__page *page)
{
    return (struct store__frame){.bytes = page->bytes + 8,
                                 .base = (uint64_t)page->min,
                                 .scale = chek_load_u64(page->bytes),
                                 .width = page->width};
}

static struct sparse
sparse_of(const struct store__page *page)
{
    uint32_t word_count = (page->value_count + 63) / 64;
    const uint8_t *at = page->bytes + (size_t)word_count * 8;
    return (struct sparse){
        .bits = page->bytes,
        .word_count = word_count,
        .frame = {.bytes = at + 16,
                  .base = chek_load_u64(at),
                  .scale = chek_load_u64(at + 8),
                  .width = page->width},
    };
}

static uint32_t
run_end_size(uint32_t value_count)
{
    return value_count <= UINT16_MAX ? 2 : 4;
}

static struct runs
runs_of(const struct store__page *page)
{
    uint32_t count = chek_load_u32(page->bytes);
    uint32_t end_size = run_end_size(page->value_count);
    const uint8_t *at = page->bytes + 4 + (size_t)count * end_size;
    return (struct runs){
        .ends = page->bytes + 4,
        .count = count,
        .end_size = end_size,
        .frame = {.bytes = at + 8,
                  .base = (uint64_t)page->min,
                  .scale = chek_load_u64(at),
                  .width = page->width},
    };
}

static struct coded
coded_of(const struct store__page *page)
{
    uint32_t count = chek_load_u16(page->bytes);
    return (struct coded){
        .values = page->bytes + 2,
        .value_count = count,
        .codes = {.bytes = page->bytes + 2 + (size_t)count * 8, .scale = 1, .width = page->width},
    };
}

static inline uint32_t
run_end(const struct runs *runs, uint32_t index)
{
    const uint8_t *at = runs->ends + (size_t)index * runs->end_size;
    return runs->end_size == 2 ? chek_load_u16(at) : chek_load_u32(at);
}

/* ---- checks ---- */

static bool
width_is_valid(uint32_t width)
{
    return width == 1 || width == 2 || width == 4 || (width % 8 == 0 && width >= 8 && width <= 64);
}

/* The codes must be there, and the last value must not be beyond what the page says it holds. */
static bool
size_is(const struct store__page *page, uint64_t size)
{
    return page->size == size;
}

static bool
sparse_is_valid(const struct store__page *page)
{
    uint64_t bits_size = ((uint64_t)page->value_count + 63) / 64 * 8;
    if (page->size < bits_size + 16 || (page->width != 0 && !width_is_valid(page->width))) {
        return false;
    }
    uint64_t count = 0;
    for (uint64_t i = 0; i < bits_size; i += 8) {
        count += (uint64_t)__builtin_popcountll(chek_load_u64(page->bytes + i));
    }
    uint32_t tail = page->value_count % 64;
    if (tail != 0 && chek_load_u64(page->bytes + bits_size - 8) >> tail != 0) {
        return false;
    }
    return size_is(page, bits_size + 16 + store__frame_size(count, page->width));
}

static bool
runs_are_valid(const struct store__page *page)
{
    if (page->size < 4 || (page->width != 0 && !width_is_valid(page->width))) {
        return false;
    }
    uint64_t count = chek_load_u32(page->bytes);
    uint64_t ends_size = count * run_end_size(page->value_count);
    if (!size_is(page, 4 + ends_size + 8 + store__frame_size(count, page->width))) {
        return false;
    }
    struct runs runs = runs_of(page);
    uint32_t before = 0;
    for (uint32_t i = 0; i < runs.count; i++) {
        uint32_t end = run_end(&runs, i);
        if (end <= before) {
            return false;
        }
        before = end;
    }
    return before == page->value_count;
}

static bool
coded_is_valid(const struct store__page *page)
{
    if (page->size < 2 || page->width > 8 || !width_is_valid(page->width)) {
        return false;
    }
    uint64_t count = chek_load_u16(page->bytes);
    if (count > UINT64_C(1) << page->width ||
        !size_is(page, 2 + count * 8 + store__frame_size(page->value_count, page->width))) {
        return false;
    }
    struct coded coded = coded_of(page);
    for (uint32_t i = 0; i < page->value_count; i++) {
        if (store__frame_value(&coded.codes, i) >= coded.value_count) {
            return false;
        }
    }
    return true;
}

int
store__page_check(const struct store__page *page)
{
    bool valid = false;
    switch (page->codec) {
    case STORE__CONSTANT:
        valid = size_is(page, 0) && page->min == page->max && page->width == 0;
        break;
    case STORE__FRAME:
        valid = width_is_valid(page->width) &&
                size_is(page, 8 + store__frame_size(page->value_count, page->width));
        break;
    case STORE__DICTIONARY_PAGE:
        valid = coded_is_valid(page);
        break;
    case STORE__SPARSE:
        valid = sparse_is_valid(page);
        break;
    case STORE__RUNS:
        valid = runs_are_valid(page);
        break;
    default:
        break;
    }
    return valid ? CHEK_OK : CHEK_E_CORRUPT;
}

/* ---- decoding ---- */

/* Values before `index` that are not zero. */
static uint32_t
sparse_rank(const struct sparse *sparse, uint32_t index)
{
    uint32_t rank = 0;
    for (uint32_t word = 0; word < index / 64; word++) {
        rank += (uint32_t)__builtin_popcountll(chek_load_u64(sparse->bits + (size_t)word * 8));
    }
    if (index % 64 != 0) {
        uint64_t word = chek_load_u64(sparse->bits + (size_t)(index / 64) * 8);
        rank += (uint32_t)__builtin_popcountll(word << (64 - index % 64));
    }
    return rank;
}

static void
sparse_decode(const struct store__page *page, uint32_t from, uint32_t count, int64_t *ret)
{
    struct sparse sparse = sparse_of(page);
    uint32_t rank = sparse_rank(&sparse, from);
    memset(ret, 0, count * sizeof *ret);
    for (uint32_t word = from / 64; word * 64 < from + count; word++) {
        uint64_t bits = chek_load_u64(sparse.bits + (size_t)word * 8);
        if (word == from / 64) {
            bits &= UINT64_MAX << (from % 64);
        }
        for (; bits != 0; bits &= bits - 1, rank++) {
            uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(bits);
            if (index >= from + count) {
                return;
            }
            ret[index - from] = (int64_t)store__frame_value(&sparse.frame, rank);
        }
    }
}

/* The run that holds value `index`. */
static uint32_t
run_find(const struct runs *runs, uint32_t index)
{
    uint32_t low = 0;
    uint32_t high = runs->count - 1;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (run_end(runs, middle) <= index) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void
runs_decode(const struct store__page *page, uint32_t from, uint32_t count, int64_t *ret)
{
    struct runs runs = runs_of(page);
    uint32_t run = run_find(&runs, from);
    for (uint32_t i = 0; i < count; run++) {
        int64_t value = (int64_t)store__frame_value(&runs.frame, run);
        uint32_t end = run_end(&runs, run) - from;
        for (end = end < count ? end : count; i < end; i++) {
            ret[i] = value;
        }
    }
}

static void
coded_decode(const struct store__page *page, uint32_t from, uint32_t count, int64_t *ret)
{
    struct coded coded = coded_of(page);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t code = store__frame_value(&coded.codes, from + i);
        ret[i] = (int64_t)chek_load_u64(coded.values + code * 8);
    }
}

void
store__page_decode(const struct store__page *page, uint32_t from, uint32_t count, int64_t *ret)
{
    CHEK_ASSERT(from <= page->value_count && count <= page->value_count - from);
    if (count == 0) {
        return;
    }
    switch (page->codec) {
    case STORE__CONSTANT:
        for (uint32_t i = 0; i < count; i++) {
            ret[i] = page->min;
        }
        break;
    case STORE__FRAME: {
        struct store__frame frame = frame_of(page);
        store__frame_decode(&frame, from, count, ret);
        break;
    }
    case STORE__DICTIONARY_PAGE:
        coded_decode(page, from, count, ret);
        break;
    case STORE__SPARSE:
        sparse_decode(page, from, count, ret);
        break;
    default:
        CHEK_ASSERT(page->codec == STORE__RUNS);
        runs_decode(page, from, count, ret);
        break;
    }
}

int64_t
store__page_value(const struct store__page *page, uint32_t index)
{
    int64_t value;
    if (page->codec == STORE__CONSTANT) {
        return page->min;
    }
    if (page->codec == STORE__FRAME) {
        struct store__frame frame = frame_of(page);
        return (int64_t)store__frame_value(&frame, index);
    }
    store__page_decode(page, index, 1, &value);
    return value;
}

uint64_t
store__page_sum_before(const struct store__page *page, uint32_t index)
{
    if (page->codec == STORE__CONSTANT) {
        return (uint64_t)page->min * index;
    }
    int64_t values[256];
    uint64_t sum = 0;
    for (uint32_t at = 0; at < index;) {
        uint32_t count = index - at < 256 ? index - at : 256;
        store__page_decode(page, at, count, values);
        for (uint32_t i = 0; i < count; i++) {
            sum += (uint64_t)values[i];
        }
        at += count;
    }
    return sum;
}
