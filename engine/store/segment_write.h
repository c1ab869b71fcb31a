/* SPDX-License-Identifier: MIT */
/*
 * segment_write.h - the bytes of a segment, put together column by column (of this room only).
 *
 * Who has the columns, be it a set that is sealed or segments that are merged, gives them page by
 * page in the order of their ids; then head, runs and directory are put in front of the pages.
 * Memory that runs out is noted and told once, at the end.
 *
 *   Threads  any one
 */
#ifndef CHEK_STORE_SEGMENT_WRITE_H
#define CHEK_STORE_SEGMENT_WRITE_H

#include "engine/store/segment.h"

/* Bytes that grow; once an allocation failed, nothing more is added. */
struct store__buffer {
    uint8_t *bytes;
    size_t capacity;
    size_t size;
    bool failed;
};

/* Room for `size` more bytes, which count when the owner adds to `size`; NULL: no memory. */
uint8_t *store__buffer_reserve(struct store__buffer *buffer, size_t size);
void store__buffer_add(struct store__buffer *buffer, const void *bytes, size_t size);
void store__buffer_finish(struct store__buffer *buffer);

struct store__segment_writer {
    struct store__buffer pages, directory, runs;
    uint32_t column_count; /* of documents and their children */
    uint32_t run_count;
};

/* What the head says beside what the writer counts. */
struct store__segment_shape {
    uint64_t first_row;
    uint32_t row_count, line_count, page_row_count;
    uint32_t set_count;     /* sealed sets whose rows these are */
    uint32_t hour_count;    /* cells of the hour table */
    uint32_t marking_count; /* entries of the marking table */
    bool is_kept;
};

void store__segment_writer_finish(struct store__segment_writer *writer);

/* Forget what was written, but not the memory for it. */
void store__segment_writer_reset(struct store__segment_writer *writer);

/* Add a run; registrations rise. */
void store__segment_write_run(struct store__segment_writer *writer, uint32_t registration,
                              uint32_t ordinal, uint32_t row);

/* Begin a column; its pages follow. */
void store__segment_write_column(struct store__segment_writer *writer, uint16_t id, uint8_t need,
                                 uint8_t kind);

/* Add a page that was encoded elsewhere. */
void store__segment_write_page(struct store__segment_writer *writer, uint16_t id, uint32_t index,
                               const struct store__page *page);

/* Add a page of integers; without values it is CONSTANT. */
void store__segment_write_integers(struct store__segment_writer *writer, uint16_t id,
                                   uint32_t index, const int64_t *values, uint32_t count);

/* Add a page whose values all are one. */
void store__segment_write_constant(struct store__segment_writer *writer, uint16_t id,
                                   uint32_t index, int64_t value, uint32_t count);

/* Add a page of strings, which stand behind each other in `bytes`. */
void store__segment_write_strings(struct store__segment_writer *writer, uint16_t id, uint32_t index,
                                  const int64_t *sizes, uint32_t count,
                                  struct chek_bytes_view bytes);

/*
 * Put everything together, the pages in groups.
 *
 *   Ownership  *ret is taken from the space
 *   Errors     -ENOMEM, also for any time before
 */
CHEK_MUST_USE int store__segment_assemble(struct store__segment_writer *writer,
                                          const struct store__segment_shape *shape,
                                          struct store__space *space, uint8_t **ret,
                                          size_t *ret_size);

#endif
