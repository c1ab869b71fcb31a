/* SPDX-License-Identifier: MIT */
#include "ingest/cpcr/cpcr_message.h"

#include "engine/base/cursor.h"

/* ---- the command ------------------------------------------------------------------------------ */

/* R14: the first field 1 in front of which nothing is unreadable. */
static uint32_t
command_read(struct chek_bytes_view bytes)
{
    struct chek_cursor in = chek_cursor_over(bytes.bytes, bytes.size);
    while (chek_cursor_left(&in) > 0) {
        uint64_t key = chek_cursor_varint(&in);
        uint64_t value = chek_cursor_varint(&in);
        if (in.error != CHEK_OK || ((key & 7) != 0 && (key & 7) != 2)) {
            break;
        }
        if (key == 1 << 3) {
            return value <= UINT32_MAX ? (uint32_t)value : CHEK_CPCR_COMMAND_UNREADABLE;
        }
        if ((key & 7) == 2) {
            (void)chek_cursor_take(&in, (size_t)value);
        }
    }
    return CHEK_CPCR_COMMAND_UNREADABLE;
}

/* The part of the request that its command is about; NULL: it has none. */
static const void *
body_of(const Ingest__Request *request, bool *ret_needed)
{
    *ret_needed = true;
    switch (request->command) {
    case INGEST__COMMAND_TYPE__COMMAND_TICKET:
        return request->ticket;
    case INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT:
        return request->close_shift;
    case INGEST__COMMAND_TYPE__COMMAND_REPORT:
        return request->report;
    case INGEST__COMMAND_TYPE__COMMAND_MONEY_PLACEMENT:
        return request->money_placement;
    case INGEST__COMMAND_TYPE__COMMAND_AUTH:
        return request->auth;
    case INGEST__COMMAND_TYPE__COMMAND_NOMENCLATURE:
        return request->nomenclature;
    default:
        *ret_needed = false;
        return NULL;
    }
}

uint32_t
chek_cpcr_message_read(struct chek_bytes_view bytes, uint16_t version, struct chek_arena *arena,
                       struct chek_cpcr_message *ret, struct chek_cpcr_fault *fault)
{
    *ret = (struct chek_cpcr_message){.command = command_read(bytes), .version = version};
    uint32_t code = ingest__cpcr_walk(bytes, version, arena, ret, fault);
    if (code != CHEK_CPCR_OK) {
        return code;
    }
    if (!ret->request->has_command) {
        return chek_cpcr_refuse(fault, CHEK_CPCR_PROTOCOL_ERROR, "command", "the field is missing");
    }
    ret->command = ret->request->command;
    bool needed;
    if (body_of(ret->request, &needed) == NULL && needed) {
        return chek_cpcr_refuse(fault, CHEK_CPCR_PROTOCOL_ERROR, "request",
                                "what the command is about is missing");
    }
    return CHEK_CPCR_OK;
}
