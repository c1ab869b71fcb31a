/* SPDX-License-Identifier: MIT */
/*
 * codec.c - the ways in which a record can be wrong.
 *
 * Called once a decode at most, with the place of the failure: each function reads the value
 * again, slowly, and names the first rule that it breaks.
 */
#include "engine/wire/codec.h"

#include "engine/base/assertion.h"

struct wire__number
wire__number_by_byte(const uint8_t *at, const uint8_t *end)
{
    struct chek_cursor in = chek_cursor_over(at, (size_t)(end - at));
    uint64_t value = chek_cursor_varint(&in);
    return (struct wire__number){.value = value, .size = in.error == CHEK_OK ? in.at : 0};
}

const uint8_t *
wire__fail(struct wire__decoding *decoding, const uint8_t *at, int code, uint16_t field)
{
    decoding->fault =
        (struct chek_fault){.code = code, .field = field, .at = (size_t)(at - decoding->bytes)};
    return NULL;
}

const uint8_t *
wire__fail_number(struct wire__decoding *decoding, const uint8_t *at, int code_above,
                  uint16_t field)
{
    struct chek_cursor in = chek_cursor_over(at, wire__left(decoding, at));
    (void)chek_cursor_varint(&in);
    return wire__fail(decoding, at, in.error != CHEK_OK ? in.error : code_above, field);
}

const uint8_t *
wire__fail_view(struct wire__decoding *decoding, const uint8_t *at, size_t size_max, uint16_t field)
{
    struct chek_cursor in = chek_cursor_over(at, wire__left(decoding, at));
    uint64_t size = chek_cursor_varint(&in);
    int code = CHEK_E_TEXT;
    if (in.error != CHEK_OK) {
        code = in.error;
    } else if (size > size_max) {
        code = CHEK_E_LIMIT;
    } else if (size > chek_cursor_left(&in)) {
        code = CHEK_E_SHORT;
    }
    return wire__fail(decoding, at, code, field);
}

const uint8_t *
wire__fail_list(struct wire__decoding *decoding, const uint8_t *at, uint64_t count_max,
                size_t element_size_min, uint16_t field)
{
    struct chek_cursor in = chek_cursor_over(at, wire__left(decoding, at));
    uint64_t count = chek_cursor_varint(&in);
    int code = CHEK_E_LIMIT;
    if (in.error != CHEK_OK) {
        code = in.error;
    } else if (count <= count_max && count * element_size_min > chek_cursor_left(&in)) {
        code = CHEK_E_SHORT;
    }
    return wire__fail(decoding, at, code, field);
}

const uint8_t *
wire__fail_mask(struct wire__decoding *decoding, const uint8_t *at, uint32_t present,
                uint32_t known, uint32_t required, uint16_t field_0)
{
    uint32_t unknown = present & ~known;
    uint32_t wrong = unknown != 0 ? unknown : required & ~present;
    CHEK_ASSERT(wrong != 0);
    return wire__fail(decoding, at, unknown != 0 ? CHEK_E_FIELD_UNKNOWN : CHEK_E_FIELD_MISSING,
                      (uint16_t)(field_0 + __builtin_ctz(wrong) + 1));
}

const uint8_t *
wire__fail_in_list(struct wire__decoding *decoding, uint32_t index)
{
    if (!decoding->indexed) {
        decoding->indexed = true;
        decoding->fault.index = (uint16_t)index;
    }
    return NULL;
}

struct wire__decoding
wire__decoding_begin(const struct chek_cursor *in, struct chek_arena *arena)
{
    static const uint8_t nothing[1];
    /* A cursor over no bytes may have no pointer, and NULL does not count. */
    const uint8_t *bytes = in->bytes != NULL ? in->bytes : nothing;
    return (struct wire__decoding){
        .bytes = bytes,
        .begin = bytes + in->at,
        .end = bytes + in->size,
        .arena = arena,
        .arena_mark = arena != NULL ? chek_arena_mark(arena) : 0,
    };
}

int
wire__decoding_end(struct wire__decoding *decoding, struct chek_cursor *in, const uint8_t *at,
                   struct chek_fault *fault)
{
    if (CHEK_LIKELY(at != NULL)) {
        in->at = (size_t)(at - decoding->bytes);
        return CHEK_OK;
    }
    in->at = decoding->fault.at;
    chek_cursor_fail(in, decoding->fault.code);
    if (decoding->arena != NULL) {
        chek_arena_rewind(decoding->arena, decoding->arena_mark);
    }
    if (fault != NULL) {
        *fault = decoding->fault;
    }
    return decoding->fault.code;
}

int
wire__failed_before(const struct chek_cursor *in, struct chek_fault *fault)
{
    if (fault != NULL) {
        *fault = (struct chek_fault){.code = in->error, .at = in->at};
    }
    return in->error;
}

bool
wire__is_zero_id(const uint8_t id[16])
{
    return (chek_load_u64(id) | chek_load_u64(id + 8)) == 0;
}
