/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_packet.h"

#include "engine/base/cursor.h"
#include "engine/base/writer.h"

#define APPLICATION_CODE 0x81A2

void
chek_kkm_head_write(const struct chek_kkm_head *head, uint8_t at[CHEK_KKM_HEAD_SIZE])
{
    struct chek_writer out = chek_writer_over(at, CHEK_KKM_HEAD_SIZE);
    chek_writer_u16(&out, APPLICATION_CODE);
    chek_writer_u16(&out, head->version);
    chek_writer_u32(&out, head->size);
    chek_writer_u32(&out, head->device);
    chek_writer_u32(&out, head->token);
    chek_writer_u16(&out, head->reqnum);
}

int
chek_kkm_head_read(struct chek_bytes_view bytes, struct chek_kkm_head *ret)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    struct chek_kkm_head head;

    uint16_t application_code = chek_cursor_u16(&in);
    head.version = chek_cursor_u16(&in);
    head.size = chek_cursor_u32(&in);
    head.device = chek_cursor_u32(&in);
    head.token = chek_cursor_u32(&in);
    head.reqnum = chek_cursor_u16(&in);
    if (in.error != CHEK_OK) {
        return in.error;
    }
    if (application_code != APPLICATION_CODE) {
        return CHEK_E_MAGIC;
    }
    if (head.size < CHEK_KKM_HEAD_SIZE || head.size > CHEK_KKM_PACKET_SIZE_MAX) {
        return CHEK_E_LIMIT;
    }
    *ret = head;
    return CHEK_OK;
}
