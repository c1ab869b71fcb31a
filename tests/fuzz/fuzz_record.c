/* SPDX-License-Identifier: MIT */
/*
 * fuzz_record.c - any bytes as any record of the protocol.
 *
 * The first byte is the record's number (another number selects any). What decodes must encode, decode again and then be the same
 * bytes: the encoding has one form. What does not must name a field and a place in the bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/error.h"
#include "engine/wire/protocol.h"
#include "engine/wire/shape.h"
#include "tests/fuzz/fuzz.h"

#define MEMORY_SIZE (4u << 20)
#define RECORD_SIZE_MAX 4096

static _Alignas(16) uint8_t memory[MEMORY_SIZE];

static const struct chek_record_shape *
shape_of(uint8_t number)
{
    for (size_t i = 0; i < chek_record_shape_count; i++) {
        if (chek_record_shapes[i]->number == number) {
            return chek_record_shapes[i];
        }
    }
    return chek_record_shapes[number % chek_record_shape_count];
}

static int
decode(const struct chek_record_shape *shape, const uint8_t *bytes, size_t size, void *record,
       struct chek_fault *fault)
{
    struct chek_arena arena;
    chek_arena_init_over(&arena, memory, sizeof memory);
    return shape->decode(bytes, size, &arena, record, fault);
}

static void
check_good(const struct chek_record_shape *shape, const void *record, size_t size)
{
    static _Alignas(16) uint8_t again[RECORD_SIZE_MAX];
    struct chek_fault fault;
    /* Zero fields that were present are left out, so the encoding is never longer. */
    uint8_t *first = malloc(size + 1);
    uint8_t *second = malloc(size + 1);
    CHEK_ASSERT(first != NULL && second != NULL);
    struct chek_writer out = chek_writer_over(first, size);
    struct chek_writer out_again = chek_writer_over(second, size);

    shape->encode(&out, record);
    CHEK_ASSERT(!out.full);
    CHEK_ASSERT(decode(shape, first, out.size, again, &fault) == CHEK_OK);
    shape->encode(&out_again, again);
    CHEK_ASSERT(!out_again.full);
    CHEK_ASSERT(out.size == out_again.size && memcmp(first, second, out.size) == 0);
    free(first);
    free(second);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    static _Alignas(16) uint8_t record[RECORD_SIZE_MAX];
    struct chek_fault fault = {0};
    if (size == 0) {
        return 0;
    }
    const struct chek_record_shape *shape = shape_of(bytes[0]);
    CHEK_ASSERT(shape->struct_size <= sizeof record);

    if (decode(shape, bytes + 1, size - 1, record, &fault) == CHEK_OK) {
        check_good(shape, record, size - 1);
    } else {
        CHEK_ASSERT(fault.code != CHEK_OK && fault.at <= size - 1);
        CHEK_ASSERT(fault.field >= CHEK_FIELDS_A_RECORD);
    }
    return 0;
}
