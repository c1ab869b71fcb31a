/* SPDX-License-Identifier: MIT */
/*
 * sim_image.c - sparse content: a log file filled with zeros costs a table of NULLs.
 *
 * Bytes of a chunk behind the size are always zero, so growing needs no clearing.
 */
#include "tests/sim/sim_image.h"

static const uint8_t zeros[SIM_CHUNK_SIZE];

bool
sim__bytes_are_zero(const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        size_t piece = size < sizeof(zeros) ? size : sizeof(zeros);
        if (memcmp(bytes, zeros, piece) != 0) {
            return false;
        }
        bytes += piece;
        size -= piece;
    }
    return true;
}

static void
reserve_chunks(struct sim_image *image, uint64_t size)
{
    size_t count = (size_t)((size + SIM_CHUNK_SIZE - 1) / SIM_CHUNK_SIZE);
    if (count <= image->chunk_count) {
        return;
    }
    image->chunks = sim__grow(image->chunks, count * sizeof(*image->chunks));
    for (size_t i = image->chunk_count; i < count; i++) {
        image->chunks[i] = NULL;
    }
    image->chunk_count = count;
}

/* The part of a range that lies in the chunk of its first byte. */
static size_t
piece_size(uint64_t offset, uint64_t size)
{
    uint64_t room = SIM_CHUNK_SIZE - offset % SIM_CHUNK_SIZE;
    return (size_t)(size < room ? size : room);
}

static void
write_piece(struct sim_image *image, uint64_t offset, const uint8_t *bytes, size_t size)
{
    uint8_t **chunk = &image->chunks[offset / SIM_CHUNK_SIZE];
    bool is_zero = bytes == NULL || sim__bytes_are_zero(bytes, size);
    if (*chunk == NULL) {
        if (is_zero) {
            return;
        }
        *chunk = sim__allocate(SIM_CHUNK_SIZE);
    }
    memcpy(*chunk + offset % SIM_CHUNK_SIZE, is_zero ? zeros : bytes, size);
}

void
sim__image_write(struct sim_image *image, uint64_t offset, const uint8_t *bytes, size_t size)
{
    uint64_t end = offset + size;
    if (size != 0 && end > image->size) {
        reserve_chunks(image, end);
        image->size = end;
    }
    while (size > 0) {
        size_t piece = piece_size(offset, size);
        write_piece(image, offset, bytes, piece);
        offset += piece;
        bytes = bytes != NULL ? bytes + piece : NULL;
        size -= piece;
    }
}

void
sim__image_read(const struct sim_image *image, uint64_t offset, uint8_t *bytes, size_t size)
{
    CHEK_ASSERT(offset + size <= image->size);
    while (size > 0) {
        size_t piece = piece_size(offset, size);
        const uint8_t *chunk = image->chunks[offset / SIM_CHUNK_SIZE];
        memcpy(bytes, chunk != NULL ? chunk + offset % SIM_CHUNK_SIZE : zeros, piece);
        offset += piece;
        bytes += piece;
        size -= piece;
    }
}

void
sim__image_resize(struct sim_image *image, uint64_t size)
{
    if (size >= image->size) {
        reserve_chunks(image, size);
        image->size = size;
        return;
    }
    size_t kept = (size_t)((size + SIM_CHUNK_SIZE - 1) / SIM_CHUNK_SIZE);
    for (size_t i = kept; i < image->chunk_count; i++) {
        sim__free(image->chunks[i]);
        image->chunks[i] = NULL;
    }
    if (size % SIM_CHUNK_SIZE != 0) {
        write_piece(image, size, NULL, piece_size(size, UINT64_MAX));
    }
    image->size = size;
}

void
sim__image_copy_range(struct sim_image *image, const struct sim_image *other, uint64_t offset,
                      uint64_t size)
{
    uint8_t bytes[SIM_CHUNK_SIZE];
    if (offset >= other->size) {
        return;
    }
    if (size > other->size - offset) {
        size = other->size - offset;
    }
    while (size > 0) {
        size_t piece = piece_size(offset, size);
        sim__image_read(other, offset, bytes, piece);
        sim__image_write(image, offset, bytes, piece);
        offset += piece;
        size -= piece;
    }
}

struct sim_image
sim__image_copy(const struct sim_image *image)
{
    struct sim_image copy = {.chunk_count = image->chunk_count, .size = image->size};
    copy.chunks = sim__allocate(image->chunk_count * sizeof(*copy.chunks));
    for (size_t i = 0; i < image->chunk_count; i++) {
        if (image->chunks[i] != NULL) {
            copy.chunks[i] =
                memcpy(sim__allocate(SIM_CHUNK_SIZE), image->chunks[i], SIM_CHUNK_SIZE);
        }
    }
    return copy;
}

void
sim__image_finish(struct sim_image *image)
{
    for (size_t i = 0; i < image->chunk_count; i++) {
        sim__free(image->chunks[i]);
    }
    sim__free(image->chunks);
    *image = (struct sim_image){0};
}

bool
sim__image_equal(const struct sim_image *a, const struct sim_image *b, uint64_t offset,
                 uint64_t size)
{
    uint8_t left[SIM_CHUNK_SIZE], right[SIM_CHUNK_SIZE];
    if (size > a->size || offset > a->size - size || size > b->size || offset > b->size - size) {
        return false;
    }
    while (size > 0) {
        size_t piece = piece_size(offset, size);
        sim__image_read(a, offset, left, piece);
        sim__image_read(b, offset, right, piece);
        if (memcmp(left, right, piece) != 0) {
            return false;
        }
        offset += piece;
        size -= piece;
    }
    return true;
}

uint64_t
sim__image_hash(const struct sim_image *image, uint64_t seed)
{
    uint64_t hash = sim__mix(seed, image->size);
    for (uint64_t offset = 0; offset < image->size; offset += SIM_CHUNK_SIZE) {
        const uint8_t *chunk = image->chunks[offset / SIM_CHUNK_SIZE];
        uint64_t left = image->size - offset;
        size_t size = (size_t)(left < SIM_CHUNK_SIZE ? left : SIM_CHUNK_SIZE);
        hash = chek_checksum_seeded(chunk != NULL ? chunk : zeros, size, hash);
    }
    return hash;
}
