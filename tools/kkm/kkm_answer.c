/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_answer.h"

#include "engine/base/utf8.h"
#include "tools/kkm/kkm_build.h"

static void *
arena_allocate(void *context, size_t size)
{
    return chek_arena_take(context, size);
}

/* The arena is reset before the next answer. */
static void
arena_free(void *context, void *pointer)
{
    (void)context;
    (void)pointer;
}

static void
clip(const ProtobufCBinaryData *from, char *into, size_t size)
{
    struct chek_bytes_view text =
        chek_utf8_clip(chek_bytes_view_of(from->data, from->len), size - 1);
    if (!chek_utf8_is_valid(text)) {
        text.size = 0;
    }
    if (text.size != 0) {
        memcpy(into, text.bytes, text.size);
    }
    into[text.size] = 0;
}

/* A ticket number is decimal text; its length is the server's choice. */
static int
ticket_read(const Kkm__TicketResponse *ticket, struct chek_kkm_answer *ret)
{
    size_t size = ticket->ticket_number.len;
    if (size == 0 || size >= sizeof ret->number) {
        return CHEK_E_TEXT;
    }
    for (size_t i = 0; i < size; i++) {
        if (ticket->ticket_number.data[i] < '0' || ticket->ticket_number.data[i] > '9') {
            return CHEK_E_TEXT;
        }
    }
    memcpy(ret->number, ticket->ticket_number.data, size);
    ret->number[size] = 0;
    ret->has_ticket = true;
    if (ticket->has_qr_code) {
        clip(&ticket->qr_code, ret->qr, sizeof ret->qr);
    }
    return CHEK_OK;
}

static void
report_read(const Kkm__ReportResponse *report, struct chek_kkm_answer *ret)
{
    ret->is_z = report->report == KKM__REPORT_TYPE_ENUM__REPORT_Z;
    if (report->zx_report != NULL) {
        ret->has_report = true;
        ret->report_error = kkm__zx_read(report->zx_report, &ret->report);
    }
}

int
chek_kkm_answer_read(struct chek_bytes_view bytes, struct chek_arena *scratch,
                     struct chek_kkm_answer *ret)
{
    ProtobufCAllocator allocator = {
        .alloc = arena_allocate, .free = arena_free, .allocator_data = scratch};

    /* Figures are written only where a report is, so they are not cleared here. */
    ret->has_ticket = ret->has_report = ret->is_z = false;
    ret->auth = NULL;
    ret->nomenclature = NULL;
    ret->number[0] = ret->qr[0] = ret->result_text[0] = 0;
    ret->report_error = CHEK_OK;
    int error = chek_kkm_head_read(bytes, &ret->head);
    if (error != CHEK_OK) {
        return error;
    }
    if (ret->head.size != bytes.size) {
        return ret->head.size > bytes.size ? CHEK_E_SHORT : CHEK_E_TRAILING;
    }
    chek_arena_reset(scratch);
    const Kkm__Response *message = kkm__response__unpack(
        &allocator, bytes.size - CHEK_KKM_HEAD_SIZE, bytes.bytes + CHEK_KKM_HEAD_SIZE);
    if (message == NULL) {
        return CHEK_E_NUMBER;
    }
    ret->command = (uint32_t)message->command;
    ret->auth = message->auth;
    ret->nomenclature = message->nomenclature;
    ret->result = message->result->result_code;
    if (message->result->has_result_text) {
        clip(&message->result->result_text, ret->result_text, sizeof ret->result_text);
    }
    if (message->report != NULL) {
        report_read(message->report, ret);
    }
    return message->ticket != NULL ? ticket_read(message->ticket, ret) : CHEK_OK;
}
