/* SPDX-License-Identifier: MIT */
/*
 * cpcr_frame.h - the head in front of every message between a Kazakh register and an OFD.
 *
 *   offset size
 *        0    2  0x81a2
 *        2    2  version, X.Y.Z as XYZ: 202, 203
 *        4    4  size of the frame, these 18 bytes counted
 *        8    4  device id
 *       12    4  token
 *       16    2  request number
 *       18       the message (kkm.proto)
 *
 *   Rules    ingest/CPCR.md, numbered R1...
 */
#ifndef CHEK_INGEST_CPCR_FRAME_H
#define CHEK_INGEST_CPCR_FRAME_H

#include "engine/base/bytes.h"
#include "engine/base/error.h"

#define CHEK_CPCR_HEAD_SIZE 18
#define CHEK_CPCR_FRAME_SIZE_MAX (256 * 1024)

struct chek_cpcr_head {
    uint32_t size; /* of the whole frame */
    uint32_t device;
    uint32_t token;
    uint16_t version;
    uint16_t request;
};

/*
 * Read a head from the beginning of what has arrived.
 *
 *   Errors     SHORT: fewer than 18 bytes are there; MAGIC, LIMIT: framing is lost, the connection
 *              is to be closed (R2); *ret is unchanged
 */
CHEK_MUST_USE int chek_cpcr_head_read(struct chek_bytes_view bytes, struct chek_cpcr_head *ret);

void chek_cpcr_head_write(const struct chek_cpcr_head *head, uint8_t bytes[CHEK_CPCR_HEAD_SIZE]);

#endif
