/* SPDX-License-Identifier: MIT */
/* store_resum.c - see the header. */
#include "tests/fuzz/store_resum.h"

#include "engine/base/checksum.h"
#include "engine/store/image.h"
#include "engine/store/segment.h"

/* Where the directory begins and ends, and how many pages its columns have: of rows, of hours, of
 * markings. */
struct directory {
    uint64_t begin, hours, markings, end;
    uint64_t page_count, hour_page_count, marking_page_count;
};

/* False when it is not inside the bytes. */
static bool
directory_find(const uint8_t *bytes, size_t size, struct directory *ret)
{
    if (size < STORE__SEGMENT_HEAD_SIZE || chek_load_u32(bytes + 20) == 0) {
        return false;
    }
    uint64_t page_row_count = chek_load_u32(bytes + 20);
    uint64_t hour_count = chek_load_u32(bytes + 48);
    uint64_t column_count = chek_load_u16(bytes + 10);
    ret->page_count = (chek_load_u32(bytes + 12) + page_row_count - 1) / page_row_count;
    if (column_count == 0) {
        ret->page_count = 0; /* the rows of no column fit any bytes: four billion pages too */
    }
    ret->hour_page_count = (hour_count + page_row_count - 1) / page_row_count;
    ret->begin = STORE__SEGMENT_HEAD_SIZE + (uint64_t)chek_load_u32(bytes + 24) * STORE__RUN_SIZE;
    ret->hours = ret->begin +
                 column_count * (STORE__COLUMN_HEAD_SIZE + ret->page_count * STORE__PAGE_HEAD_SIZE);
    ret->markings = ret->hours;
    if (hour_count != 0) {
        ret->markings += STORE__HOUR_COLUMN_COUNT *
                         (STORE__COLUMN_HEAD_SIZE + ret->hour_page_count * STORE__PAGE_HEAD_SIZE);
    }
    uint64_t marking_count = chek_load_u32(bytes + 52);
    ret->marking_page_count = (marking_count + page_row_count - 1) / page_row_count;
    ret->end = ret->markings;
    if (marking_count != 0) {
        ret->end += STORE__MARKING_TABLE_COLUMN_COUNT *
                    (STORE__COLUMN_HEAD_SIZE + ret->marking_page_count * STORE__PAGE_HEAD_SIZE);
    }
    return ret->end + 8 <= size;
}

/* Sum the page whose head is at `head` and whose bytes come next; returns where they end. */
static size_t
page_resum(uint8_t *bytes, size_t size, size_t head, uint16_t id, uint32_t index, size_t at)
{
    uint64_t page_size = chek_load_u64(bytes + head + 8);
    page_size = page_size < size - at ? page_size : size - at;
    chek_store_u64(bytes + head + 32, store__page_sum(bytes + at, page_size, id, index));
    return at + (size_t)page_size;
}

static size_t
group_end(size_t size, size_t at)
{
    return size - at < STORE__PAGE_SLACK ? size : at + STORE__PAGE_SLACK;
}

/* Sum the pages of columns that stand group by group; returns where they end. */
static size_t
groups_resum(uint8_t *bytes, size_t size, uint64_t begin, uint64_t end, uint64_t page_count,
             size_t at)
{
    size_t column_size = STORE__COLUMN_HEAD_SIZE + (size_t)page_count * STORE__PAGE_HEAD_SIZE;
    for (uint32_t page = 0; page < page_count; page++) {
        for (size_t column = (size_t)begin; column < end; column += column_size) {
            size_t head = column + STORE__COLUMN_HEAD_SIZE + page * (size_t)STORE__PAGE_HEAD_SIZE;
            at = page_resum(bytes, size, head, chek_load_u16(bytes + column), page, at);
        }
        at = group_end(size, at);
    }
    return at;
}

void
store_resum_segment(uint8_t *bytes, size_t size)
{
    struct directory directory;
    if (!directory_find(bytes, size, &directory)) {
        return;
    }
    size_t at = groups_resum(bytes, size, directory.begin, directory.hours, directory.page_count,
                             (size_t)directory.end + 8);
    for (size_t head = (size_t)directory.hours; head < directory.markings;) {
        uint16_t id = chek_load_u16(bytes + head);
        head += STORE__COLUMN_HEAD_SIZE;
        for (uint32_t page = 0; page < directory.hour_page_count; page++) {
            at = page_resum(bytes, size, head, id, page, at);
            head += STORE__PAGE_HEAD_SIZE;
        }
    }
    if (directory.hours != directory.markings) {
        at = group_end(size, at);
    }
    (void)groups_resum(bytes, size, directory.markings, directory.end, directory.marking_page_count,
                       at);
    chek_store_u64(bytes + directory.end,
                   chek_checksum_seeded(bytes, (size_t)directory.end, STORE__SEGMENT_MAGIC));
}

uint64_t
store_resum_segment_sum(const uint8_t *bytes, size_t size)
{
    struct directory directory;
    return directory_find(bytes, size, &directory) ? chek_load_u64(bytes + directory.end) : 0;
}

void
store_resum_image(uint8_t *bytes, size_t size)
{
    if (size >= 8) {
        chek_store_u64(bytes + size - 8, chek_checksum_seeded(bytes, size - 8, STORE__IMAGE_MAGIC));
    }
}
