/* SPDX-License-Identifier: MIT */
/*
 * records.h - records of any kind, for tests: random ones, and their text.
 *
 * Works on the shapes of the records, by offsets, and so shares no code with the codec.
 */
#ifndef CHEK_TESTS_PROP_RECORDS_H
#define CHEK_TESTS_PROP_RECORDS_H

#include "engine/base/arena.h"
#include "engine/base/prng.h"
#include "engine/wire/shape.h"

/* The shape of a record by its name; NULL when there is none. */
const struct chek_record_shape *records_find(const char *name);

/*
 * Make a valid random record. Edge values are frequent: zero, one, the maximum.
 *
 *   Ownership  the record and all it points to are in the arena, which must be large enough for
 *              a few hundred KiB (asserted)
 */
void *records_random(const struct chek_record_shape *shape, struct chek_prng *prng,
                     struct chek_arena *arena);

/*
 * Append the text of a record, without what is zero or empty: {kind:1,name:x61,lines:[{sum:1}]}.
 * Numbers are decimal, bytes hexadecimal behind an x.
 */
void records_print(struct chek_writer *out, const struct chek_record_shape *shape,
                   const void *record);

/* Append bytes as hexadecimal digits, and read them back; the size, or SIZE_MAX for other text. */
void records_print_hex(struct chek_writer *out, const uint8_t *bytes, size_t size);
size_t records_read_hex(const char *text, uint8_t *bytes, size_t capacity);

#endif
