/* SPDX-License-Identifier: MIT */
/* store_resum.c - see the header. */
#include "tests/fuzz/store_resum.h"

#include "engine/base/checksum.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

/* Where the column directory begins and ends; false when it is not inside the bytes. */
static bool
directory_find(const uint8_t *bytes, size_t size, size_t *ret_begin, size_t *ret_end)
{
    if (size < STORE__SEGMENT_HEAD_SIZE || chek_load_u32(bytes + 20) == 0) {
        return false;
    }
    uint64_t page_count = ((uint64_t)chek_load_u32(bytes + 12) + chek_load_u32(bytes + 20) - 1) /
                          chek_load_u32(bytes + 20);
    uint64_t begin =
        STORE__SEGMENT_HEAD_SIZE + (uint64_t)chek_load_u32(bytes + 24) * STORE__RUN_SIZE;
    uint64_t column_size = STORE__COLUMN_HEAD_SIZE + page_count * STORE__PAGE_HEAD_SIZE;
    uint64_t end = begin + chek_load_u16(bytes + 10) * column_size;
    *ret_begin = (size_t)begin;
    *ret_end = (size_t)end;
    return end + 8 <= size;
}

void
store_resum_segment(uint8_t *bytes, size_t size)
{
    size_t at;
    size_t end;
    if (!directory_find(bytes, size, &at, &end)) {
        return;
    }
    uint32_t page_row_count = chek_load_u32(bytes + 20);
    uint64_t page_count =
        ((uint64_t)chek_load_u32(bytes + 12) + page_row_count - 1) / page_row_count;
    size_t page_at = end + 8;
    while (at < end) {
        uint16_t id = chek_load_u16(bytes + at);
        at += STORE__COLUMN_HEAD_SIZE;
        for (uint32_t page = 0; page < page_count; page++, at += STORE__PAGE_HEAD_SIZE) {
            uint64_t page_size = chek_load_u64(bytes + at + 8);
            page_size = page_size < size - page_at ? page_size : size - page_at;
            chek_store_u64(bytes + at + 32, store__page_sum(bytes + page_at, page_size, id, page));
            page_at += page_size;
        }
    }
    chek_store_u64(bytes + end, chek_checksum_seeded(bytes, end, STORE__SEGMENT_MAGIC));
}

uint64_t
store_resum_segment_sum(const uint8_t *bytes, size_t size)
{
    size_t begin;
    size_t end;
    return directory_find(bytes, size, &begin, &end) ? chek_load_u64(bytes + end) : 0;
}

void
store_resum_image(uint8_t *bytes, size_t size)
{
    if (size >= 8) {
        chek_store_u64(bytes + size - 8, chek_checksum_seeded(bytes, size - 8, STORE__IMAGE_MAGIC));
    }
}
