/* SPDX-License-Identifier: MIT */
#include "ingest/cpcr/cpcr_judge.h"

enum chek_cpcr_judgement
chek_cpcr_judge(const struct chek_cpcr_ledger *ledger, uint32_t token, uint16_t request,
                uint32_t command, uint32_t *ret_code)
{
    bool is_last_request = ledger->has_last && request == ledger->last_request;
    if (is_last_request && token == ledger->last_token) {
        if (command == ledger->last_command) {
            return CHEK_CPCR_REPLAY;
        }
        *ret_code = CHEK_CPCR_INVALID_RETRY_REQUEST;
        return CHEK_CPCR_REFUSE;
    }
    if (token == 0 || token != ledger->issued) {
        *ret_code = CHEK_CPCR_INVALID_TOKEN;
        return CHEK_CPCR_REFUSE;
    }
    if (is_last_request) {
        *ret_code = CHEK_CPCR_INVALID_REQUEST_NUMBER;
        return CHEK_CPCR_REFUSE;
    }
    return CHEK_CPCR_COUNT;
}
