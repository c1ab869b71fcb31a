/* SPDX-License-Identifier: MIT */
/*
 * kkm_ticket_message.h - a ticket as the protocol's message. Inside the room.
 */
#ifndef CHEK_KKM_TICKET_MESSAGE_H
#define CHEK_KKM_TICKET_MESSAGE_H

#include "tools/kkm/kkm_build.h"
#include "tools/kkm/kkm_message.h"

Kkm__Operator *kkm__operator_make(struct chek_arena *arena, uint32_t cashier);
Kkm__TicketRequest *kkm__ticket_message_make(struct chek_arena *arena,
                                             const struct chek_kkm_request *request);

#endif
