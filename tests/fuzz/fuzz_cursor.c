/* SPDX-License-Identifier: MIT */
/*
 * fuzz_cursor.c - a cursor never leaves its bytes, and once failed it yields nothing.
 *
 * Byte 0 says how many bytes of reads follow; each of them is one read over the rest.
 */
#include "engine/base/cursor.h"

#include "engine/base/assertion.h"
#include "engine/base/writer.h"
#include "tests/fuzz/fuzz.h"

/* A number that was read has one form, and these were its bytes. */
static void
varint_read(struct chek_cursor *in)
{
    size_t at = in->at;
    uint64_t value = chek_cursor_varint(in);
    uint8_t again[CHEK_VARINT_SIZE_MAX];
    struct chek_writer out = chek_writer_over(again, sizeof again);
    chek_writer_varint(&out, value);
    if (in->error == CHEK_OK) {
        CHEK_ASSERT(in->at - at == out.size);
        CHEK_ASSERT(memcmp(in->bytes + at, again, out.size) == 0);
    } else {
        CHEK_ASSERT(value == 0);
    }
}

static void
read_one(struct chek_cursor *in, uint8_t how)
{
    uint64_t value = 0;
    struct chek_bytes_view view = {0};
    switch (how % 8) {
    case 0:
        value = chek_cursor_u8(in);
        break;
    case 1:
        value = chek_cursor_u16(in);
        break;
    case 2:
        value = chek_cursor_u32(in);
        break;
    case 3:
        value = chek_cursor_u64(in);
        break;
    case 4:
        value = (uint64_t)chek_cursor_varint_signed(in);
        break;
    case 5:
        view = chek_cursor_view(in, how / 8);
        break;
    case 6:
        view = chek_cursor_view(in, chek_cursor_varint(in));
        break;
    default:
        varint_read(in);
        break;
    }
    if (in->error != CHEK_OK) {
        CHEK_ASSERT(value == 0 && view.size == 0);
    }
    for (size_t i = 0; i < view.size; i++) {
        CHEK_ASSERT(view.bytes + i < in->bytes + in->size);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct chek_cursor script = chek_cursor_over(bytes, size);
    size_t script_size = chek_cursor_u8(&script);
    struct chek_bytes_view reads = chek_cursor_view(&script, script_size);
    size_t left = chek_cursor_left(&script);
    struct chek_cursor in = chek_cursor_over(chek_cursor_take(&script, left), left);
    int error = CHEK_OK;
    for (size_t i = 0; i < reads.size; i++) {
        size_t at = in.at;
        read_one(&in, reads.bytes[i]);
        CHEK_ASSERT(in.at >= at && in.at <= in.size);
        CHEK_ASSERT(error == CHEK_OK || (in.error == error && in.at == at));
        CHEK_ASSERT(in.error == CHEK_OK || chek_cursor_left(&in) == 0);
        error = in.error;
    }
    return 0;
}
