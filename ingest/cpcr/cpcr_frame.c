/* SPDX-License-Identifier: MIT */
#include "ingest/cpcr/cpcr_frame.h"

#include "engine/base/cursor.h"

#define APPLICATION_CODE 0x81a2

int
chek_cpcr_head_read(struct chek_bytes_view bytes, struct chek_cpcr_head *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    struct chek_cpcr_head head = {0};

    uint16_t code = chek_cursor_u16(&in);
    if (in.error == CHEK_OK && code != APPLICATION_CODE) {
        return CHEK_E_MAGIC; /* without waiting for the rest: it is something else that speaks */
    }
    head.version = chek_cursor_u16(&in);
    head.size = chek_cursor_u32(&in);
    head.device = chek_cursor_u32(&in);
    head.token = chek_cursor_u32(&in);
    head.request = chek_cursor_u16(&in);
    if (in.error != CHEK_OK) {
        return CHEK_E_SHORT;
    }
    if (head.size < CHEK_CPCR_HEAD_SIZE || head.size > CHEK_CPCR_FRAME_SIZE_MAX) {
        return CHEK_E_LIMIT;
    }
    *ret = head;
    return CHEK_OK;
}

void
chek_cpcr_head_write(const struct chek_cpcr_head *head, uint8_t bytes[CHEK_CPCR_HEAD_SIZE])
{
    chek_store_u16(bytes, APPLICATION_CODE);
    chek_store_u16(bytes + 2, head->version);
    chek_store_u32(bytes + 4, head->size);
    chek_store_u32(bytes + 8, head->device);
    chek_store_u32(bytes + 12, head->token);
    chek_store_u16(bytes + 16, head->request);
}
