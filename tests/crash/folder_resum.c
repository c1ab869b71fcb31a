/* SPDX-License-Identifier: MIT */
/* folder_resum.c - see the header. */
#include "tests/crash/folder_resum.h"

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/store/segment.h"
#include "tests/fuzz/store_resum.h"

void
folder_resum_file(struct fake_file *file)
{
    uint64_t seed = chek_checksum(file->bytes, 40);
    chek_store_u64(file->bytes + 48, chek_checksum_seeded(file->bytes + FOLDER_FILE_HEAD,
                                                          file->size - FOLDER_FILE_HEAD, seed));
    chek_store_u64(file->bytes + 56, chek_checksum(file->bytes, 56));
}

size_t
folder_heap_size(const struct fake_file *image)
{
    return (size_t)chek_load_u64(image->bytes + image->size - FOLDER_IMAGE_TAIL + 16);
}

uint8_t *
folder_store_image(struct fake_file *image)
{
    return image->bytes + FOLDER_FILE_HEAD + folder_heap_size(image);
}

void
folder_resum_image(struct fake_file *image)
{
    uint8_t *tail = image->bytes + image->size - FOLDER_IMAGE_TAIL;
    size_t rest = (size_t)chek_load_u64(tail + 24);
    store_resum_image(folder_store_image(image), rest);
    chek_store_u64(tail + 32,
                   chek_checksum(image->bytes + FOLDER_FILE_HEAD, folder_heap_size(image) + rest));
    chek_store_u64(tail + 40, chek_checksum_seeded(tail, 40, chek_load_u32(tail)));
    folder_resum_file(image);
}

/* The head of the first page of a column of the hour table. */
static uint8_t *
hour_page_find(uint8_t *bytes, enum store__hour_column column)
{
    size_t page_row_count = chek_load_u32(bytes + 20);
    size_t page_count = (chek_load_u32(bytes + 12) + page_row_count - 1) / page_row_count;
    size_t hour_page_count = (chek_load_u32(bytes + 48) + page_row_count - 1) / page_row_count;
    uint8_t *at = bytes + STORE__SEGMENT_HEAD_SIZE + chek_load_u32(bytes + 24) * STORE__RUN_SIZE;
    at +=
        chek_load_u16(bytes + 10) * (STORE__COLUMN_HEAD_SIZE + page_count * STORE__PAGE_HEAD_SIZE);
    at += column * (STORE__COLUMN_HEAD_SIZE + hour_page_count * STORE__PAGE_HEAD_SIZE);
    CHEK_ASSERT(chek_load_u16(at) == store__hour_column_ids[column]);
    return at + STORE__COLUMN_HEAD_SIZE;
}

bool
folder_hours_change(struct fake_file *segment, enum store__hour_column column)
{
    uint8_t *content = segment->bytes + FOLDER_FILE_HEAD;
    uint8_t *page = hour_page_find(content, column);
    bool of_base = page[0] == STORE__CONSTANT || page[0] == STORE__FRAME ||
                   page[0] == STORE__RUNS; /* whose values are `min` and what is on top */
    for (size_t at = 16; of_base && at < 32; at += 8) {
        chek_store_u64(page + at, chek_load_u64(page + at) + 1);
    }
    store_resum_segment(content, segment->size - FOLDER_FILE_HEAD);
    folder_resum_file(segment);
    return of_base;
}
