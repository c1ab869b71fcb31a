/* SPDX-License-Identifier: MIT */
/*
 * kkm_desk.h - a register and a desk that answers it as a test wants. One at a time.
 */
#ifndef CHEK_TESTS_KKM_DESK_H
#define CHEK_TESTS_KKM_DESK_H

#include "tools/kkm/kkm_register.h"
#include "tools/kkm/register.pb-c.h"

/* A register, what it said last, and the token that it will be told next. */
struct kkm_desk {
    struct chek_kkm_options options;
    struct chek_kkm_shared shared;
    struct chek_kkm_register kkm;
    struct chek_kkm_head head;
    const Kkm__Request *message;
    size_t size;
    uint32_t token, number;
    uint8_t bytes[CHEK_KKM_REQUEST_SIZE_MAX];
    uint8_t answer[CHEK_KKM_REQUEST_SIZE_MAX];
};

/* Begin with a fresh register of protocol 2.0.3, 20 tickets a shift, 3 shifts. */
void kkm_desk_open(struct kkm_desk *desk, uint64_t seed, uint32_t offline_per_million);

/* Let the register say something; false when it has nothing more to say. */
bool kkm_desk_say(struct kkm_desk *desk);

/* Let it say things, all taken, until a document is on the way that is not the first. */
void kkm_desk_say_document(struct kkm_desk *desk);

/* Whether what was said is a ticket, a cash movement or a close. */
bool kkm_desk_is_document(const struct kkm_desk *desk);

/* Answer what was said; reports are the register's own. Returns whether it goes on at once. */
bool kkm_desk_answer(struct kkm_desk *desk, uint32_t result, uint32_t token);

/* The same; `head` and `command` may be what they should not. */
bool kkm_desk_answer_with(struct kkm_desk *desk, uint32_t result, struct chek_kkm_head head,
                          uint32_t command);

/* Take what was said as a server does: of a document, another token and a ticket number. */
void kkm_desk_answer_ok(struct kkm_desk *desk);

#endif
