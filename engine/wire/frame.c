/* SPDX-License-Identifier: MIT */
/*
 * frame.c - heads and checksums of frames.
 *
 *   offset size
 *        0    2  magic      0x4b43, the bytes "CK"
 *        2    1  version    1
 *        3    1  flags      bit 0 answer, bit 1 last, bit 2 refusal; the others 0
 *        4    2  opcode
 *        6    2  reserved   0
 *        8    4  body size  bytes behind the head
 *       12    4  reserved   0
 *       16    8  frame id
 *       24    8  checksum   XXH3-64 of the body, its seed XXH3-64 of bytes 0..23
 *       32       body
 */
#include "engine/wire/frame.h"

#include "engine/base/assertion.h"
#include "engine/base/checksum.h"
#include "engine/base/cursor.h"
#include "engine/wire/protocol.h"

_Static_assert(CHEK_FRAME_VERSION == CHEK_PROTOCOL_VERSION, "a frame says the protocol's version");

#define FLAGS_ALL (CHEK_FRAME_ANSWER | CHEK_FRAME_LAST | CHEK_FRAME_REFUSAL)

/* A request, a part of an answer, the end of an answer, a refusal. */
static bool
flags_are_valid(uint8_t flags)
{
    return flags == 0 || flags == CHEK_FRAME_ANSWER ||
           flags == (CHEK_FRAME_ANSWER | CHEK_FRAME_LAST) || flags == FLAGS_ALL;
}

static uint64_t
checksum_of(const uint8_t *frame, size_t body_size)
{
    uint64_t seed = chek_checksum(frame, CHEK_FRAME_SUMMED_SIZE);
    return chek_checksum_seeded(frame + CHEK_FRAME_HEAD_SIZE, body_size, seed);
}

int
chek_frame_head_decode(const uint8_t bytes[CHEK_FRAME_HEAD_SIZE], uint32_t body_size_max,
                       struct chek_frame_head *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes, CHEK_FRAME_HEAD_SIZE);
    struct chek_frame_head head;

    uint16_t magic = chek_cursor_u16(&in);
    uint8_t version = chek_cursor_u8(&in);
    head.flags = chek_cursor_u8(&in);
    head.opcode = chek_cursor_u16(&in);
    uint16_t reserved_low = chek_cursor_u16(&in);
    head.body_size = chek_cursor_u32(&in);
    uint32_t reserved_high = chek_cursor_u32(&in);
    head.frame_id = chek_cursor_u64(&in);
    head.checksum = chek_cursor_u64(&in);
    CHEK_ASSERT(in.error == CHEK_OK && chek_cursor_left(&in) == 0);

    if (magic != CHEK_FRAME_MAGIC) {
        return CHEK_E_MAGIC;
    }
    if (version != CHEK_FRAME_VERSION) {
        return CHEK_E_VERSION;
    }
    if ((head.flags & ~FLAGS_ALL) != 0 || reserved_low != 0 || reserved_high != 0) {
        return CHEK_E_RESERVED;
    }
    if (!flags_are_valid(head.flags)) {
        return CHEK_E_RANGE;
    }
    if (head.body_size > body_size_max) {
        return CHEK_E_LIMIT;
    }
    *ret = head;
    return CHEK_OK;
}

bool
chek_frame_check(const uint8_t *frame, const struct chek_frame_head *head)
{
    return checksum_of(frame, head->body_size) == head->checksum;
}

size_t
chek_frame_begin(struct chek_writer *out)
{
    size_t begin = out->size;
    uint8_t *head = chek_writer_reserve(out, CHEK_FRAME_HEAD_SIZE);
    if (head != NULL) {
        memset(head, 0, CHEK_FRAME_HEAD_SIZE);
    }
    return begin;
}

void
chek_frame_finish(struct chek_writer *out, size_t begin, uint16_t opcode, uint8_t flags,
                  uint64_t frame_id)
{
    CHEK_ASSERT(flags_are_valid(flags));
    if (out->full) {
        return;
    }
    CHEK_ASSERT(out->size - begin >= CHEK_FRAME_HEAD_SIZE);
    size_t body_size = out->size - begin - CHEK_FRAME_HEAD_SIZE;
    CHEK_ASSERT(body_size <= UINT32_MAX);

    uint8_t *frame = out->bytes + begin;
    struct chek_writer head = chek_writer_over(frame, CHEK_FRAME_HEAD_SIZE);
    chek_writer_u16(&head, CHEK_FRAME_MAGIC);
    chek_writer_u8(&head, CHEK_FRAME_VERSION);
    chek_writer_u8(&head, flags);
    chek_writer_u16(&head, opcode);
    chek_writer_u16(&head, 0);
    chek_writer_u32(&head, (uint32_t)body_size);
    chek_writer_u32(&head, 0);
    chek_writer_u64(&head, frame_id);
    chek_writer_u64(&head, checksum_of(frame, body_size));
    CHEK_ASSERT(!head.full && head.size == CHEK_FRAME_HEAD_SIZE);
}
