/* SPDX-License-Identifier: MIT */
#include "engine/partition/envelope.h"

#include "engine/base/assertion.h"
#include "engine/base/cursor.h"

void
chek_envelope_encode(const struct chek_envelope *envelope, size_t body_size,
                     uint8_t bytes[CHEK_ENVELOPE_SIZE])
{
    CHEK_ASSERT(body_size <= CHEK_COMMAND_SIZE_MAX - CHEK_ENVELOPE_SIZE);
    chek_store_u32(bytes, (uint32_t)(CHEK_ENVELOPE_SIZE + body_size));
    bytes[4] = envelope->kind;
    bytes[5] = envelope->verdict;
    chek_store_u16(bytes + 6, envelope->partition);
    chek_store_u16(bytes + 8, envelope->apply_version);
    chek_store_u16(bytes + 10, 0);
    chek_store_u32(bytes + 12, envelope->registration);
    chek_store_u64(bytes + 16, envelope->partition_seq);
    chek_store_u64(bytes + 24, envelope->time_us);
    chek_store_u64(bytes + 32, envelope->entropy);
    chek_store_u64(bytes + 40, envelope->source);
    chek_store_u64(bytes + 48, envelope->source_offset);
    chek_store_u64(bytes + 56, 0);
}

int
chek_command_decode(struct chek_bytes_view bytes, struct chek_command *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    struct chek_command command = {0};
    struct chek_envelope *envelope = &command.envelope;

    uint32_t size = chek_cursor_u32(&in);
    envelope->kind = chek_cursor_u8(&in);
    envelope->verdict = chek_cursor_u8(&in);
    envelope->partition = chek_cursor_u16(&in);
    envelope->apply_version = chek_cursor_u16(&in);
    uint16_t zero_low = chek_cursor_u16(&in);
    envelope->registration = chek_cursor_u32(&in);
    envelope->partition_seq = chek_cursor_u64(&in);
    envelope->time_us = chek_cursor_u64(&in);
    envelope->entropy = chek_cursor_u64(&in);
    envelope->source = chek_cursor_u64(&in);
    envelope->source_offset = chek_cursor_u64(&in);
    uint64_t zero_high = chek_cursor_u64(&in);

    if (in.error != CHEK_OK || size < CHEK_ENVELOPE_SIZE || size > bytes.size) {
        return CHEK_E_SHORT;
    }
    if (size != bytes.size) {
        return CHEK_E_TRAILING;
    }
    if (envelope->apply_version == 0 || envelope->apply_version > CHEK_APPLY_VERSION) {
        return CHEK_E_APPLY_VERSION;
    }
    if (zero_low != 0 || zero_high != 0) {
        return CHEK_E_RESERVED;
    }
    if (envelope->kind < CHEK_COMMAND_GENESIS || envelope->kind > CHEK_COMMAND_KIND_MAX) {
        return CHEK_E_RANGE;
    }
    command.body = chek_cursor_view(&in, size - CHEK_ENVELOPE_SIZE);
    *ret = command;
    return CHEK_OK;
}
