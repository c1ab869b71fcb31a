/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_decide.h"

/*
 * The token moved on without us: an answer was lost for good. The server still remembers the last
 * exchange and answers it again with the token of now.
 */
static enum chek_kkm_action
recover(const struct chek_kkm_asked *asked)
{
    bool can = asked->has_last && !asked->is_recovery && !asked->was_recovered;
    return can ? CHEK_KKM_RECOVER : CHEK_KKM_BLOCK;
}

enum chek_kkm_action
chek_kkm_decide(uint32_t result, const struct chek_kkm_asked *asked)
{
    switch (result) {
    case CHEK_KKM_RESULT_OK:
        return CHEK_KKM_ACCEPT;
    case CHEK_KKM_RESULT_SERVICE_TEMPORARILY_UNAVAILABLE:
    case CHEK_KKM_RESULT_UNKNOWN_ERROR:
        return CHEK_KKM_RETRY;
    case CHEK_KKM_RESULT_INVALID_TOKEN:
    case CHEK_KKM_RESULT_INVALID_RETRY_REQUEST:
        return recover(asked);
    case CHEK_KKM_RESULT_INVALID_REQUEST_NUMBER:
        return asked->is_recovery || asked->was_recovered ? CHEK_KKM_BLOCK : CHEK_KKM_RENUMBER;
    case CHEK_KKM_RESULT_OPEN_SHIFT_TIMEOUT_EXPIRED:
        /* Never due to what was made without connection. */
        return asked->is_document && !asked->is_queued && !asked->is_recovery ? CHEK_KKM_CLOSE_FIRST
                                                                              : CHEK_KKM_BLOCK;
    case CHEK_KKM_RESULT_CANT_CANCEL_TICKET:
    case CHEK_KKM_RESULT_INVALID_LOGIN_PASSWORD:
    case CHEK_KKM_RESULT_INCORRECT_REQUEST_DATA:
    case CHEK_KKM_RESULT_NOT_ENOUGH_CASH:
    case CHEK_KKM_RESULT_SAME_TAXPAYER_AND_CUSTOMER:
        /* The queue is in order and nothing may be left out of it. */
        return asked->is_queued || asked->is_recovery ? CHEK_KKM_BLOCK : CHEK_KKM_DROP;
    default:
        return CHEK_KKM_BLOCK;
    }
}
