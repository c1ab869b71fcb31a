/* SPDX-License-Identifier: MIT */
/*
 * record_build.h - a record of the protocol, made of names and texts.
 *
 * Whoever reads text in which records are written by their names in protocol.def (an export as JSON
 * or CSV) opens and closes nested records and sets fields; the shapes (wire/shape.h) say what a name
 * means. Numbers are read from their digits, times as civil times, enums by their names; what is
 * never set is absent.
 *
 *   Ownership  records, lists and texts are of the arena
 *   Threads    a build belongs to one thread
 */
#ifndef CHEK_INGEST_RECORD_BUILD_H
#define CHEK_INGEST_RECORD_BUILD_H

#include "engine/wire/shape.h"

#define CHEK_RECORD_BUILD_DEPTH_MAX 8

struct chek_record_build {
    struct chek_arena *arena;
    struct {
        const struct chek_record_shape *shape;
        uint8_t *record;
    } levels[CHEK_RECORD_BUILD_DEPTH_MAX];
    uint32_t depth; /* open records; the last is the one that fields are set of */
};

/*
 * Begin with a record of this number, all absent.
 *
 *   Errors   LIMIT the arena is full; nothing is open then
 *   Returns  *ret: the record, a struct chek_NAME
 */
CHEK_MUST_USE int chek_record_build_begin(struct chek_record_build *build, struct chek_arena *arena,
                                          uint16_t number, void *ret);

/*
 * Open the record of a field, or one more element of a list, of the record that is open last.
 *
 *   Errors   FIELD_UNKNOWN it has no such record; EXISTS it has it already; LIMIT the list, the
 *            arena or the depth is full. Nothing was opened; *ret_field: the field's number, or 0
 */
CHEK_MUST_USE int chek_record_build_open(struct chek_record_build *build,
                                         struct chek_bytes_view name, uint16_t *ret_field);

void chek_record_build_close(struct chek_record_build *build);

/*
 * Set a field; of a list of bytes, add an element ("hex:.." are bytes that are no text).
 *
 *   Errors   FIELD_UNKNOWN; NUMBER, OVERFLOW, RANGE, DATE, TEXT, LIMIT as the type says. The field is
 *            unchanged; *ret_field: its number, or 0
 */
CHEK_MUST_USE int chek_record_build_set(struct chek_record_build *build,
                                        struct chek_bytes_view name, struct chek_bytes_view text,
                                        uint16_t *ret_field);

/* Close records until one of this kind ("receipt") is the last. Errors: FIELD_UNKNOWN none is. */
CHEK_MUST_USE int chek_record_build_return(struct chek_record_build *build,
                                           struct chek_bytes_view shape_name);

#endif
