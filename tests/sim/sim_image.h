/* SPDX-License-Identifier: MIT */
/*
 * sim_image.h - the content of a file: sparse chunks, unwritten bytes are zero.
 */
#ifndef CHEK_SIM_SIM_IMAGE_H
#define CHEK_SIM_SIM_IMAGE_H

#include "tests/sim/sim.h"

#define SIM_CHUNK_SIZE 16384

struct sim_image {
    uint8_t **chunks; /* NULL: zeros */
    size_t chunk_count;
    uint64_t size;
};

/* Write bytes (NULL: zeros); the image grows when they end behind it. */
void sim__image_write(struct sim_image *image, uint64_t offset, const uint8_t *bytes, size_t size);

/* Read bytes that lie inside the image. */
void sim__image_read(const struct sim_image *image, uint64_t offset, uint8_t *bytes, size_t size);

/* Change the size; what is cut off is zero when the image grows again. */
void sim__image_resize(struct sim_image *image, uint64_t size);

/* Copy a range of another image into this one; what lies behind the other's end is left out. */
void sim__image_copy_range(struct sim_image *image, const struct sim_image *other, uint64_t offset,
                           uint64_t size);

struct sim_image sim__image_copy(const struct sim_image *image);
void sim__image_finish(struct sim_image *image);

bool sim__image_equal(const struct sim_image *a, const struct sim_image *b, uint64_t offset,
                      uint64_t size);
uint64_t sim__image_hash(const struct sim_image *image, uint64_t seed);

/* Whether all bytes are zero. */
bool sim__bytes_are_zero(const uint8_t *bytes, size_t size);

#endif
