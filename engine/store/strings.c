/* SPDX-License-Identifier: MIT */
/* strings.c - pages of byte strings: a page of sizes, then the bytes, compressed where it pays. */
#include <zstd.h>

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"
#include "engine/base/writer.h"
#include "engine/store/page.h"

/* {codec u8, width u8, size of the page of sizes u64, size of the strings u64} */
#define HEAD_SIZE 18

size_t
store__strings_size_max(uint32_t count, size_t size)
{
    size_t compressed = size <= STORE__ZSTD_SIZE_MAX ? ZSTD_compressBound(size) : size;
    return HEAD_SIZE + store__page_size_max(count) + (compressed > size ? compressed : size);
}

/* Returns the compressed size, 0 when that is not worth it. */
static size_t
compress(struct chek_bytes_view bytes, uint8_t *out, size_t capacity)
{
    if (bytes.size == 0 || bytes.size > STORE__ZSTD_SIZE_MAX) {
        return 0;
    }
    size_t size = ZSTD_compress(out, capacity, bytes.bytes, bytes.size, 1);
    return !ZSTD_isError(size) && size <= bytes.size - bytes.size / 10 ? size : 0;
}

void
store__strings_encode(const int64_t *sizes, uint32_t count, struct chek_bytes_view bytes,
                      uint8_t *out, struct store__page *ret)
{
    struct store__page page;
    store__page_encode(sizes, count, out + HEAD_SIZE, &page);
    struct chek_writer head = chek_writer_over(out, HEAD_SIZE);
    chek_writer_u8(&head, page.codec);
    chek_writer_u8(&head, page.width);
    chek_writer_u64(&head, page.size);
    chek_writer_u64(&head, bytes.size);
    CHEK_ASSERT(!head.full);

    size_t at = HEAD_SIZE + (size_t)page.size;
    size_t size = compress(bytes, out + at, store__strings_size_max(count, bytes.size) - at);
    bool compressed = size != 0;
    if (!compressed && bytes.size != 0) {
        size = bytes.size;
        memcpy(out + at, bytes.bytes, size);
    }
    *ret = (struct store__page){
        .bytes = out,
        .size = at + size,
        .value_count = count,
        .min = page.min,
        .max = page.max,
        .codec = compressed ? STORE__BYTES_ZSTD : STORE__BYTES_PAGE,
    };
}

/* Whether every size is one, and together they are the strings. */
static bool
sizes_are_valid(const struct store__strings *strings)
{
    const struct store__page *page = &strings->sizes;
    int64_t values[256];
    uint64_t size = 0;
    for (uint32_t at = 0; at < page->value_count;) {
        uint32_t count = page->value_count - at < 256 ? page->value_count - at : 256;
        store__page_decode(page, at, count, values);
        for (uint32_t i = 0; i < count; i++) {
            if (values[i] < 0 || values[i] > STORE__STRING_SIZE_MAX) {
                return false;
            }
            size += (uint64_t)values[i];
        }
        at += count;
    }
    return size == strings->size;
}

int
store__strings_open(const struct store__page *page, struct store__strings *ret)
{
    struct chek_cursor in = chek_cursor_over(page->bytes, (size_t)page->size);
    struct store__strings strings = {0};
    bool compressed = page->codec == STORE__BYTES_ZSTD;
    if ((page->codec != STORE__BYTES_PAGE && !compressed) || page->width != 0) {
        return CHEK_E_CORRUPT;
    }
    strings.sizes.codec = chek_cursor_u8(&in);
    strings.sizes.width = chek_cursor_u8(&in);
    strings.sizes.size = chek_cursor_u64(&in);
    strings.size = chek_cursor_u64(&in);
    strings.sizes.bytes = chek_cursor_take(&in, strings.sizes.size);
    strings.sizes.value_count = page->value_count;
    strings.sizes.min = page->min;
    strings.sizes.max = page->max;
    strings.stored_size = chek_cursor_left(&in);
    strings.bytes = chek_cursor_take(&in, strings.stored_size);
    strings.plain = compressed ? NULL : strings.bytes;
    if (in.error != CHEK_OK || store__page_check(&strings.sizes) != CHEK_OK ||
        !sizes_are_valid(&strings) ||
        (compressed ? strings.size > STORE__ZSTD_SIZE_MAX : strings.stored_size != strings.size)) {
        return CHEK_E_CORRUPT;
    }
    *ret = strings;
    return CHEK_OK;
}

static int
decompress(struct store__strings *strings, struct chek_arena *arena)
{
    uint8_t *plain = chek_arena_take(arena, (size_t)strings->size);
    if (plain == NULL) {
        return CHEK_E_LIMIT;
    }
    size_t size =
        ZSTD_decompress(plain, (size_t)strings->size, strings->bytes, (size_t)strings->stored_size);
    if (size != strings->size) {
        return CHEK_E_CORRUPT;
    }
    strings->plain = plain;
    return CHEK_OK;
}

int
store__strings_read(struct store__strings *strings, uint32_t index, struct chek_arena *arena,
                    struct chek_bytes_view *ret)
{
    size_t size = (size_t)store__page_value(&strings->sizes, index);
    if (size == 0) {
        *ret = (struct chek_bytes_view){0};
        return CHEK_OK;
    }
    if (strings->plain == NULL) {
        int error = decompress(strings, arena);
        if (error != CHEK_OK) {
            return error;
        }
    }
    size_t at = (size_t)store__page_sum_before(&strings->sizes, index);
    *ret = chek_bytes_view_of(strings->plain + at, size);
    return CHEK_OK;
}
