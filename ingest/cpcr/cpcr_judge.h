/* SPDX-License-Identifier: MIT */
/*
 * cpcr_judge.h - is this a new document, a repeat of the last one, or neither? (R21, R22)
 */
#ifndef CHEK_INGEST_CPCR_JUDGE_H
#define CHEK_INGEST_CPCR_JUDGE_H

#include "ingest/cpcr/cpcr_message.h"

/* What the engine remembers of a device's exchanges: of the one counted last. */
struct chek_cpcr_ledger {
    uint32_t issued; /* the token that the register has, or is about to get */
    uint32_t last_token;
    uint16_t last_request;
    uint8_t last_command;
    bool has_last;
};

enum chek_cpcr_judgement {
    CHEK_CPCR_COUNT,  /* go on: it is a new document */
    CHEK_CPCR_REPLAY, /* answer as the last time */
    CHEK_CPCR_REFUSE, /* with the code */
};

/* Judge a document command; *ret_code is set for CHEK_CPCR_REFUSE. */
enum chek_cpcr_judgement chek_cpcr_judge(const struct chek_cpcr_ledger *ledger, uint32_t token,
                                         uint16_t request, uint32_t command, uint32_t *ret_code);

#endif
