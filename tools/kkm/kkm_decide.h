/* SPDX-License-Identifier: MIT */
/*
 * kkm_decide.h - what a register does with a result code.
 */
#ifndef CHEK_KKM_DECIDE_H
#define CHEK_KKM_DECIDE_H

#include "engine/base/attribute.h"

/* Result codes of the protocol that a register tells apart. */
enum chek_kkm_result {
    CHEK_KKM_RESULT_OK = 0,
    CHEK_KKM_RESULT_UNKNOWN_ID = 1,
    CHEK_KKM_RESULT_INVALID_TOKEN = 2,
    CHEK_KKM_RESULT_PROTOCOL_ERROR = 3,
    CHEK_KKM_RESULT_UNSUPPORTED_COMMAND = 5,
    CHEK_KKM_RESULT_INVALID_REQUEST_NUMBER = 8,
    CHEK_KKM_RESULT_INVALID_RETRY_REQUEST = 9,
    CHEK_KKM_RESULT_CANT_CANCEL_TICKET = 10,
    CHEK_KKM_RESULT_OPEN_SHIFT_TIMEOUT_EXPIRED = 11,
    CHEK_KKM_RESULT_INVALID_LOGIN_PASSWORD = 12,
    CHEK_KKM_RESULT_INCORRECT_REQUEST_DATA = 13,
    CHEK_KKM_RESULT_NOT_ENOUGH_CASH = 14,
    CHEK_KKM_RESULT_BLOCKED = 15,
    CHEK_KKM_RESULT_SAME_TAXPAYER_AND_CUSTOMER = 17,
    CHEK_KKM_RESULT_SERVICE_TEMPORARILY_UNAVAILABLE = 254,
    CHEK_KKM_RESULT_UNKNOWN_ERROR = 255
};

enum chek_kkm_action {
    CHEK_KKM_ACCEPT,
    CHEK_KKM_RETRY,       /* as if there had been no answer: the same again, later */
    CHEK_KKM_RECOVER,     /* send the last acknowledged document again, to be told the token */
    CHEK_KKM_RENUMBER,    /* the same under the next request number */
    CHEK_KKM_DROP,        /* the document is refused; the register goes on */
    CHEK_KKM_CLOSE_FIRST, /* refused until the shift is closed */
    CHEK_KKM_BLOCK,       /* the register stops until a human comes */
};

/* What was answered. */
struct chek_kkm_asked {
    bool is_document;
    bool is_queued;     /* made without connection, or with such ones before it */
    bool is_recovery;   /* the last acknowledged document again */
    bool has_last;      /* there is an acknowledged document to recover with */
    bool was_recovered; /* recovery or a new number has been tried for it already */
};

enum chek_kkm_action chek_kkm_decide(uint32_t result, const struct chek_kkm_asked *asked);

#endif
