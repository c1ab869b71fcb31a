/* SPDX-License-Identifier: MIT */
/*
 * image.c - a partition as bytes: at once, or in steps while it goes on.
 *
 * Heap pages, then the store's image or the directory's pages, then a tail: what stands at the end
 * is known at the end, so an image can be written as it comes. Sizes and sums are at the same
 * distance from the end of every image, which is how a reader finds its parts.
 */
#include <errno.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/workspace.h"
#include "engine/partition/state.h"

/*
 * Tail: "CHKP", version, number, size of the heap, size of the rest, XXH3 of the two parts, XXH3 of
 * the tail so far.
 */
#define IMAGE_MAGIC 0x504b4843u
#define IMAGE_VERSION 4
#define IMAGE_TAIL_SIZE 48
#define IMAGE_TAIL_SUMMED_SIZE 40

_Static_assert(CHEK_PAGE_SIZE + IMAGE_TAIL_SIZE <= CHEK_PARTITION_PIECE_SIZE_MAX, "a page fits");
_Static_assert(CHEK_STORE_PIECE_SIZE_MAX + IMAGE_TAIL_SIZE <= CHEK_PARTITION_PIECE_SIZE_MAX,
               "what a store writes beyond its work fits");

static void
tail_write(struct chek_writer *out, uint16_t number, uint64_t pages_size, uint64_t rest_size,
           uint64_t sum)
{
    uint8_t *tail = chek_writer_reserve(out, IMAGE_TAIL_SIZE);
    if (tail == NULL) {
        return;
    }
    chek_store_u32(tail, IMAGE_MAGIC);
    chek_store_u32(tail + 4, IMAGE_VERSION);
    chek_store_u64(tail + 8, number);
    chek_store_u64(tail + 16, pages_size);
    chek_store_u64(tail + 24, rest_size);
    chek_store_u64(tail + 32, sum);
    chek_store_u64(tail + 40, chek_checksum_seeded(tail, IMAGE_TAIL_SUMMED_SIZE, IMAGE_MAGIC));
}

int
partition__image_split(struct chek_bytes_view image, uint16_t number,
                       struct chek_bytes_view *ret_pages, struct chek_bytes_view *ret_rest)
{
    if (image.size < IMAGE_TAIL_SIZE) {
        return CHEK_E_CORRUPT;
    }
    size_t parts_size = image.size - IMAGE_TAIL_SIZE;
    const uint8_t *tail = image.bytes + parts_size;
    struct chek_cursor in = chek_cursor_over(tail, IMAGE_TAIL_SIZE);
    uint32_t magic = chek_cursor_u32(&in);
    uint32_t version = chek_cursor_u32(&in);
    uint64_t image_number = chek_cursor_u64(&in);
    uint64_t pages_size = chek_cursor_u64(&in);
    uint64_t rest_size = chek_cursor_u64(&in);
    uint64_t sum = chek_cursor_u64(&in);
    uint64_t tail_sum = chek_cursor_u64(&in);
    if (chek_checksum_seeded(tail, IMAGE_TAIL_SUMMED_SIZE, IMAGE_MAGIC) != tail_sum ||
        magic != IMAGE_MAGIC || image_number != number) {
        return CHEK_E_CORRUPT;
    }
    if (version != IMAGE_VERSION) {
        return CHEK_E_VERSION;
    }
    struct chek_cursor parts = chek_cursor_over(image.bytes, parts_size);
    struct chek_bytes_view pages = chek_cursor_view(&parts, pages_size);
    struct chek_bytes_view rest = chek_cursor_view(&parts, rest_size);
    if (parts.error != CHEK_OK || chek_cursor_left(&parts) != 0 ||
        chek_checksum(image.bytes, parts_size) != sum) {
        return CHEK_E_CORRUPT;
    }
    *ret_pages = pages;
    *ret_rest = rest;
    return CHEK_OK;
}

/* ---- at once ---------------------------------------------------------------------------------- */

size_t
chek_partition_image_size(const struct chek_partition *partition)
{
    size_t rest_size = partition->number == 0 ? chek_directory_pages(partition->directory).size
                                              : chek_store_image_size(partition->store);
    return chek_page_heap_pages(&partition->heap).size + rest_size + IMAGE_TAIL_SIZE;
}

void
chek_partition_image_write(const struct chek_partition *partition, struct chek_writer *out)
{
    struct chek_bytes_view pages = chek_page_heap_pages(&partition->heap);
    size_t start = out->size;
    chek_writer_view(out, pages);
    if (partition->number == 0) {
        chek_writer_view(out, chek_directory_pages(partition->directory));
    } else {
        chek_store_image_write(partition->store, out);
    }
    if (out->full) {
        return;
    }
    size_t size = out->size - start;
    tail_write(out, partition->number, pages.size, size - pages.size,
               chek_checksum(out->bytes + start, size));
}

/* ---- in steps --------------------------------------------------------------------------------- */

/* An image that is being written: its heaps are marked, its store remembers the moment. */
struct partition__image {
    struct chek_partition_heaps heaps;
    uint32_t heap, page; /* the next to be written */
    bool is_whole;
    uint64_t size;
    struct chek_checksum_stream sum;
};

void
chek_partition_heaps(struct chek_partition *partition, struct chek_partition_heaps *ret)
{
    struct chek_page_heap *heaps[2] = {&partition->heap, NULL};
    *ret = (struct chek_partition_heaps){.count = 1};
    if (partition->number == 0) {
        heaps[1] = chek_directory_heap(partition->directory);
        ret->count = 2;
    }
    for (uint32_t i = 0; i < ret->count; i++) {
        ret->heaps[i] = heaps[i];
        ret->page_counts[i] = heaps[i]->page_count;
    }
}

int
chek_partition_heaps_prepare(const struct chek_partition_heaps *heaps)
{
    int error = CHEK_OK;
    for (uint32_t i = 0; i < heaps->count && error == CHEK_OK; i++) {
        error = chek_page_heap_mark_prepare(heaps->heaps[i], heaps->page_counts[i]);
    }
    return error;
}

void
chek_partition_heaps_discard(const struct chek_partition_heaps *heaps)
{
    for (uint32_t i = 0; i < heaps->count; i++) {
        chek_page_heap_mark_discard(heaps->heaps[i]);
    }
}

int
chek_partition_image_begin(struct chek_partition *partition)
{
    CHEK_ASSERT(partition->image == NULL);
    struct partition__image *image = chek_workspace_take(sizeof *image);
    if (image == NULL) {
        return -ENOMEM;
    }
    partition->image = image;
    chek_checksum_stream_init(&image->sum);
    chek_partition_heaps(partition, &image->heaps);
    int error = partition->store != NULL ? chek_store_image_begin(partition->store) : CHEK_OK;
    for (uint32_t i = 0; i < image->heaps.count && error == CHEK_OK; i++) {
        error = chek_page_heap_mark(image->heaps.heaps[i]);
    }
    if (error != CHEK_OK) {
        chek_partition_image_end(partition);
    }
    return error;
}

/* The next page of a heap, if there is one left. */
static bool
page_write(struct partition__image *image, struct chek_writer *out)
{
    while (image->heap < image->heaps.count) {
        struct chek_page_heap *heap = image->heaps.heaps[image->heap];
        if (image->page < image->heaps.page_counts[image->heap]) {
            chek_writer_bytes(out, chek_page_heap_marked(heap, image->page), CHEK_PAGE_SIZE);
            chek_page_heap_marked_done(heap, image->page);
            image->page += 1;
            return true;
        }
        image->heap += 1;
        image->page = 0;
    }
    return false;
}

bool
chek_partition_image_step(struct chek_partition *partition, size_t work, struct chek_writer *out)
{
    struct partition__image *image = partition->image;
    CHEK_ASSERT(image != NULL);
    CHEK_ASSERT(!image->is_whole);
    size_t begin = out->size;
    bool has_more = true;
    while (out->size - begin < work && has_more) {
        has_more = page_write(image, out);
    }
    if (!has_more) {
        has_more = partition->store != NULL &&
                   !chek_store_image_step(partition->store, work - (out->size - begin), out);
        image->is_whole = !has_more;
    }
    size_t size = out->size - begin;
    image->size += size;
    chek_checksum_stream_add(&image->sum, out->bytes + begin, size);
    if (image->is_whole) {
        uint64_t pages_size = (uint64_t)image->heaps.page_counts[0] * CHEK_PAGE_SIZE;
        tail_write(out, partition->number, pages_size, image->size - pages_size,
                   chek_checksum_stream_sum(&image->sum));
    }
    CHEK_ASSERT(!out->full);
    return image->is_whole;
}

void
chek_partition_image_end(struct chek_partition *partition)
{
    struct partition__image *image = partition->image;
    if (image == NULL) {
        return;
    }
    for (uint32_t i = 0; i < image->heaps.count; i++) {
        chek_page_heap_unmark(image->heaps.heaps[i]);
    }
    if (partition->store != NULL) {
        chek_store_image_end(partition->store);
    }
    chek_workspace_give(image, sizeof *image);
    partition->image = NULL;
}
