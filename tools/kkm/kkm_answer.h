/* SPDX-License-Identifier: MIT */
/*
 * kkm_answer.h - what a server says: the bytes of an answer, read.
 */
#ifndef CHEK_KKM_ANSWER_H
#define CHEK_KKM_ANSWER_H

#include "engine/base/arena.h"
#include "tools/kkm/kkm_packet.h"
#include "tools/kkm/kkm_totals.h"
#include "tools/kkm/register.pb-c.h"

/* Memory that reading an answer may take; protobuf blows small fields up. */
#define CHEK_KKM_ANSWER_ARENA_SIZE (65536 + 32 * CHEK_KKM_PACKET_SIZE_MAX)
#define CHEK_KKM_RESULT_TEXT_SIZE 96
#define CHEK_KKM_QR_SIZE 256

struct chek_kkm_answer {
    struct chek_kkm_head head;
    uint32_t command, result;
    bool has_ticket, has_report, is_z;
    char result_text[CHEK_KKM_RESULT_TEXT_SIZE]; /* clipped */
    char number[CHEK_KKM_NUMBER_SIZE];           /* of a ticket */
    char qr[CHEK_KKM_QR_SIZE];                   /* empty: there is none */
    const Kkm__AuthResponse *auth;               /* these two in the arena; NULL: there is none */
    const Kkm__NomenclatureResponse *nomenclature;
    int report_error;              /* why `report` cannot be read */
    struct chek_kkm_totals report; /* with has_report: X, or Z with is_z */
};

/*
 * Read an answer: one whole message. A report that is not readable is told in `report_error`, so
 * that it counts as a difference and the rest is still of use.
 *
 *   Ownership  `scratch` is reset, and has `auth` and `nomenclature`; nothing else of the answer is borrowed
 *   Errors     of the head; SHORT, TRAILING the size is another; FULL too large; NUMBER not a
 *              message; TEXT a ticket number that is not decimal text; *ret is undefined
 */
CHEK_MUST_USE int chek_kkm_answer_read(struct chek_bytes_view bytes, struct chek_arena *scratch,
                                       struct chek_kkm_answer *ret);

#endif
