/* SPDX-License-Identifier: MIT */
/*
 * page.h - the values of a column of a page, encoded (of this room only).
 *
 * Values are signed 64-bit numbers or byte strings. The encoder takes the smallest of a few forms
 * that are cheap to read: all can be read from any place on, and none needs another page. (format;
 * README.md "Pages" has the byte tables)
 *
 *   CONSTANT    nothing; the value is `min`
 *   FRAME       (value - min) / scale in `width` bits each: 1, 2, 4, or whole bytes
 *   DICTIONARY  at most 256 different values; codes of 1, 2, 4 or 8 bits
 *   SPARSE      a bit a value, then a frame of those that are not zero
 *   RUNS        ends of runs of equal values, then a frame of the values
 *   BYTES       a page of the sizes, then the strings behind each other
 *   BYTES_ZSTD  the same with the strings compressed, when that saves a tenth
 */
#ifndef CHEK_STORE_PAGE_H
#define CHEK_STORE_PAGE_H

#include "engine/base/arena.h"
#include "engine/base/bytes.h"
#include "engine/base/error.h"

enum store__codec {
    STORE__CONSTANT,
    STORE__FRAME,
    STORE__DICTIONARY_PAGE,
    STORE__SPARSE,
    STORE__RUNS,
    STORE__BYTES_PAGE,
    STORE__BYTES_ZSTD,
};

/* Bytes that may be read (not used) behind any page. */
#define STORE__PAGE_SLACK 8

struct store__page {
    const uint8_t *bytes; /* `size` of them, then at least STORE__PAGE_SLACK more */
    uint64_t size;
    int64_t min, max; /* of integers; of the sizes for byte strings */
    uint64_t sum;     /* XXH3 of the bytes, bound to their place (segment.h) */
    uint32_t value_count;
    uint8_t codec; /* enum store__codec */
    uint8_t width; /* bits */
};

/* Bytes that encoding `count` integers may take at most. */
size_t store__page_size_max(uint32_t count);

/*
 * Encode integers at `out`, which has store__page_size_max() bytes; all of *ret but `sum` is set.
 */
void store__page_encode(const int64_t *values, uint32_t count, uint8_t *out,
                        struct store__page *ret);

/*
 * Check that a page of integers can be read at every place: sizes, widths, counts, ends of runs.
 *
 *   Errors     CORRUPT
 */
CHEK_MUST_USE int store__page_check(const struct store__page *page);

/* Decode values from..from+count-1 of a checked page. */
void store__page_decode(const struct store__page *page, uint32_t from, uint32_t count,
                        int64_t *ret);

/* Return one value of a checked page. Cost: constant, or the page's bits or runs are searched. */
int64_t store__page_value(const struct store__page *page, uint32_t index);

/* Sum of the values 0..index-1 of a checked page: where the children of `index` begin. */
uint64_t store__page_sum_before(const struct store__page *page, uint32_t index);

/* ---- byte strings ---- */

/* Strings of more bytes together are not compressed, so that reading one of them stays cheap. */
#define STORE__ZSTD_SIZE_MAX 65536
#define STORE__STRING_SIZE_MAX 65536

/* The inside of a page of byte strings. */
struct store__strings {
    struct store__page sizes;
    const uint8_t *bytes; /* compressed or not */
    const uint8_t *plain; /* not compressed; NULL until the first read of compressed ones */
    uint64_t stored_size;
    uint64_t size; /* of the strings */
};

/* Bytes that encoding `count` strings of `size` bytes together may take at most. */
size_t store__strings_size_max(uint32_t count, size_t size);

/*
 * Encode strings, `bytes` of them one behind the other; all of *ret but `sum` is set.
 *
 *   Ownership  `sizes` are the strings' sizes
 */
void store__strings_encode(const int64_t *sizes, uint32_t count, struct chek_bytes_view bytes,
                           uint8_t *out, struct store__page *ret);

/* Errors: CORRUPT. Compressed bytes themselves are checked when they are read. */
CHEK_MUST_USE int store__strings_open(const struct store__page *page, struct store__strings *ret);

/*
 * Read one string of a page of them.
 *
 *   Ownership  borrows the page, or is in `arena` (with all the page's strings) when compressed;
 *              then later reads go to the same place
 *   Errors     LIMIT (arena), CORRUPT
 */
CHEK_MUST_USE int store__strings_read(struct store__strings *strings, uint32_t index,
                                      struct chek_arena *arena, struct chek_bytes_view *ret);

#endif
