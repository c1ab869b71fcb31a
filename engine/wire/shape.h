/* SPDX-License-Identifier: MIT */
/*
 * shape.h - the records of the protocol as data.
 *
 * For code that handles records of any kind: printing an answer, making random records, comparing
 * two. Where a record is known, protocol.h is the way; nothing here is fast. The rows are made
 * from protocol.def by protocol_generate.py.
 */
#ifndef CHEK_WIRE_SHAPE_H
#define CHEK_WIRE_SHAPE_H

#include "engine/base/arena.h"
#include "engine/base/writer.h"
#include "engine/wire/fault.h"

/* The types of protocol.def. */
enum chek_shape_type {
    CHEK_SHAPE_FLAG,
    CHEK_SHAPE_U8,
    CHEK_SHAPE_U16,
    CHEK_SHAPE_U32,
    CHEK_SHAPE_U64,
    CHEK_SHAPE_NUMBER,
    CHEK_SHAPE_SIGNED,
    CHEK_SHAPE_WIDE,
    CHEK_SHAPE_MONEY,
    CHEK_SHAPE_QUANTITY,
    CHEK_SHAPE_RATE,
    CHEK_SHAPE_CIVIL,
    CHEK_SHAPE_UTC,
    CHEK_SHAPE_TEXT,
    CHEK_SHAPE_BYTES,
    CHEK_SHAPE_ID128,
    CHEK_SHAPE_ENUM,
    CHEK_SHAPE_RECORD,
    CHEK_SHAPE_LIST,
    CHEK_SHAPE_BLOBS,
};

struct chek_record_shape;

struct chek_field_shape {
    const char *name;
    const struct chek_record_shape *record; /* of RECORD and LIST */
    const char *const *value_names;         /* of ENUM, max + 1 of them */
    uint64_t max;                           /* highest value, or size, or count */
    size_t offset;                          /* of the member in the structure */
    size_t count_offset;                    /* of its count: LIST and BLOBS */
    uint32_t element_size_max;              /* of BLOBS */
    uint16_t number;                        /* CHEK_FIELD_* */
    uint8_t type;                           /* enum chek_shape_type */
    uint8_t size;                           /* of a member that is a number, a flag or an id */
    bool required, personal;
};

struct chek_record_shape {
    const char *name;
    const struct chek_field_shape *fields; /* in the order of their numbers */
    size_t field_count;
    size_t struct_size;
    uint64_t size_min, size_max; /* bytes of the shortest and of the longest encoding */
    uint16_t number;             /* CHEK_RECORD_* */
    uint8_t mask_size;

    /* chek_NAME_decode_whole() and chek_NAME_encode(). */
    int (*decode)(const void *bytes, size_t size, struct chek_arena *arena, void *ret,
                  struct chek_fault *fault);
    void (*encode)(struct chek_writer *out, const void *record);
};

/* All records, in the order of protocol.def. */
extern const struct chek_record_shape *const chek_record_shapes[];
extern const size_t chek_record_shape_count;

#endif
