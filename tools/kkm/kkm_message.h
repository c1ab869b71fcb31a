/* SPDX-License-Identifier: MIT */
/*
 * kkm_message.h - what a register says: the bytes of a request.
 */
#ifndef CHEK_KKM_MESSAGE_H
#define CHEK_KKM_MESSAGE_H

#include "engine/base/arena.h"
#include "tools/kkm/kkm_question.h"
#include "tools/kkm/kkm_totals.h"

#define CHEK_KKM_REQUEST_SIZE_MAX 16384
#define CHEK_KKM_ARENA_SIZE 65536 /* that a request of the largest document is made in */

enum chek_kkm_request_kind {
    CHEK_KKM_REQUEST_SYSTEM,
    CHEK_KKM_REQUEST_INFO,
    CHEK_KKM_REQUEST_DOCUMENT,
    CHEK_KKM_REQUEST_X,
    CHEK_KKM_REQUEST_Z,
    CHEK_KKM_REQUEST_AUTH,
    CHEK_KKM_REQUEST_NOMENCLATURE,
};

struct chek_kkm_request {
    enum chek_kkm_request_kind kind;
    uint16_t version;
    uint16_t reqnum;
    uint32_t token;
    const struct chek_kkm_identity *identity;
    const struct chek_kkm_document *document; /* of a document */
    const struct chek_kkm_question *question; /* of AUTH and NOMENCLATURE */
    const struct chek_kkm_totals *totals; /* own figures beside a close or a report; NULL: none */
    int64_t now_s;
    int64_t lost_s, back_s; /* the last time without connection; both now_s when it is there */
};

/* The command number of a request, that its answer must have. */
uint32_t chek_kkm_request_command(enum chek_kkm_request_kind kind,
                                  const struct chek_kkm_document *document);

/*
 * Write a request with its head; equal requests are equal bytes. Returns the size.
 *
 *   Ownership  `scratch` is reset, and has CHEK_KKM_ARENA_SIZE bytes
 */
size_t chek_kkm_request_write(const struct chek_kkm_request *request, struct chek_arena *scratch,
                              uint8_t into[CHEK_KKM_REQUEST_SIZE_MAX]);

#endif
