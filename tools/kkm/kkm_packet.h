/* SPDX-License-Identifier: MIT */
/*
 * kkm_packet.h - the 18-byte head of a CPCR message, written and read by a register.
 *
 *   offset size  field
 *   0      2     application code, 0x81A2
 *   2      2     version, 202 or 203
 *   4      4     size of the message, these 18 bytes with it
 *   8      4     device id
 *   12     4     token
 *   16     2     request number
 *
 * All of it little-endian; the body is protobuf (register.proto).
 */
#ifndef CHEK_KKM_PACKET_H
#define CHEK_KKM_PACKET_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CHEK_KKM_HEAD_SIZE 18
#define CHEK_KKM_PACKET_SIZE_MAX 65536 /* of an answer; what a register sends is below 16 KiB */

struct chek_kkm_head {
    uint16_t version;
    uint16_t reqnum;
    uint32_t size;
    uint32_t device;
    uint32_t token;
};

void chek_kkm_head_write(const struct chek_kkm_head *head, uint8_t at[CHEK_KKM_HEAD_SIZE]);

/*
 * Read a head.
 *
 *   Errors     SHORT fewer than 18 bytes; MAGIC another application code; LIMIT a size below 18 or
 *              above CHEK_KKM_PACKET_SIZE_MAX; *ret is unchanged
 */
CHEK_MUST_USE int chek_kkm_head_read(struct chek_bytes_view bytes, struct chek_kkm_head *ret);

#endif
