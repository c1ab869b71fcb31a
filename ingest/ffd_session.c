/* SPDX-License-Identifier: MIT */
/*
 * ffd_session.c - messages of Russian registers taken apart, and their answers.
 */
#include "ingest/ffd_session.h"

#include <string.h>

#include "engine/base/assertion.h"
#include "engine/base/decimal.h"
#include "ingest/ffd_tlv.h"

enum {
    TAG_TIME = 1012,
    TAG_OPERATOR = 1017,
    TAG_ANSWER_CODE = 1022,
    TAG_NUMBER = 1040,
    TAG_DRIVE = 1041,
    TAG_ANSWER = 1068,
};

/* ---- questions -------------------------------------------------------------------------------- */

static void
refuse(struct chek_ffd_asked_message *asked, enum chek_ffd_verdict verdict, int error,
       const char *why)
{
    asked->kind = CHEK_FFD_REFUSED;
    asked->verdict = (uint8_t)verdict;
    asked->error = error;
    asked->why = why;
}

/* Number and time, which the answer repeats whatever else is wrong. */
static void
document_look(struct chek_ffd_asked_message *asked)
{
    struct chek_ffd_walk walk;
    struct chek_ffd_element element;
    bool has_number = false;
    chek_ffd_walk_begin(&walk, asked->found.elements);
    while (chek_ffd_walk_next(&walk, &element)) {
        if (element.depth != 0 || element.value.size != sizeof(uint32_t)) {
            continue;
        }
        if (element.tag == TAG_NUMBER && !has_number) {
            asked->number = chek_load_u32(element.value.bytes);
            has_number = true;
        } else if (element.tag == TAG_TIME && asked->time == 0) {
            asked->time = chek_load_u32(element.value.bytes);
        }
    }
}

/* Registers send what they made: document 7 is ours, 81..84 are of the marking system. */
static bool
is_of_register(uint16_t code)
{
    return code != CHEK_FFD_CONFIRMATION && code < CHEK_FFD_MARKING_REQUEST &&
           chek_ffd_kind_find(code) != NULL;
}

static void
container_judge(struct chek_ffd_asked_message *asked, struct chek_bytes_view whole)
{
    struct chek_ffd_found *found = &asked->found;
    uint64_t drive = 0;
    int error = chek_ffd_find(whole, found);
    if (error != CHEK_OK) {
        asked->number = found->number;
        refuse(asked, CHEK_FFD_NOT_RECOGNISED, error,
               found->why != NULL ? found->why : chek_error_text(error));
        return;
    }
    asked->number = found->number;
    document_look(asked);
    if (!is_of_register(found->code)) {
        refuse(asked, CHEK_FFD_NOT_RECOGNISED, CHEK_E_RANGE, "registers send no such document");
    } else if (chek_decimal_read_u64(chek_bytes_view_text(asked->head.drive), &drive) != CHEK_OK ||
               drive != found->drive) {
        refuse(asked, CHEK_FFD_NOT_VALID, CHEK_E_RANGE,
               "the message is of another fiscal drive than its container");
    }
}

int
chek_ffd_asked_read(struct chek_bytes_view bytes, struct chek_ffd_asked_message *ret)
{
    struct chek_ffd_asked_message asked = {0};
    *ret = asked;
    int error = chek_ffd_message_read(bytes, &asked.head);
    if (error != CHEK_OK) {
        return error;
    }
    asked.size = CHEK_FFD_MESSAGE_HEAD_SIZE + (size_t)asked.head.body_size;
    if (bytes.size < asked.size) {
        ret->size = asked.size;
        return CHEK_E_SHORT;
    }
    struct chek_bytes_view whole = chek_bytes_view_of(bytes.bytes, asked.size);
    error = chek_ffd_message_check(&asked.head, whole);
    if (error != CHEK_OK) {
        return error;
    }
    bool has_container = (asked.head.flags & CHEK_FFD_FLAG_CONTAINER) != 0;
    asked.wants_answer = (asked.head.flags & CHEK_FFD_FLAG_ANSWER_MODE) != 0;
    asked.kind = CHEK_FFD_DOCUMENT;
    if (!has_container && asked.head.body_size == 0) {
        asked.kind = CHEK_FFD_PING;
        asked.wants_answer = true;
    } else {
        container_judge(&asked, whole);
    }
    *ret = asked;
    return CHEK_OK;
}

/* ---- answers ---------------------------------------------------------------------------------- */

enum chek_ffd_verdict
chek_ffd_verdict_of(int error, const struct chek_result *result)
{
    if (error == CHEK_E_LIMIT) {
        return CHEK_FFD_NOT_VALID; /* it can never be fed */
    }
    if (error != CHEK_OK) {
        return CHEK_FFD_NO_VERDICT;
    }
    if (result->status == CHEK_STATUS_CONFLICT) {
        return CHEK_FFD_NOT_VALID;
    }
    if (result->status != CHEK_STATUS_REFUSED) {
        return CHEK_FFD_ACCEPTED;
    }
    /* What is wrong with us, not with the document, may be right when it comes again. */
    int code = -(int)result->code;
    bool is_ours = code > CHEK_E_SHORT || (code <= CHEK_E_FULL && code > CHEK_E_USAGE) ||
                   code == CHEK_E_BUSY || code == CHEK_E_STOPPING || code == CHEK_E_LATCHED;
    return is_ours ? CHEK_FFD_NO_VERDICT : CHEK_FFD_NOT_VALID;
}

struct chek_ffd_reply
chek_ffd_reply_to(const struct chek_ffd_asked_message *asked)
{
    return (struct chek_ffd_reply){
        .head = asked->head, .number = asked->number, .time = asked->time};
}

void
chek_ffd_reply_write(const struct chek_ffd_reply *reply, enum chek_ffd_verdict verdict,
                     struct chek_bytes_view operator_inn, struct chek_writer *out)
{
    uint8_t document[CHEK_FFD_ANSWER_SIZE_MAX], body[CHEK_FFD_ANSWER_SIZE_MAX];
    struct chek_writer inner = chek_writer_over(document, sizeof document);
    struct chek_writer container = chek_writer_over(body, sizeof body);
    struct chek_ffd_message head = reply->head;
    size_t whole = chek_ffd_open(&inner, CHEK_FFD_CONFIRMATION);
    int error =
        chek_ffd_put_text(&inner, TAG_DRIVE, chek_bytes_view_text(head.drive), CHEK_FFD_DRIVE_SIZE);
    if (error != CHEK_OK) { /* bytes that are no text: it is not repeated */
        chek_ffd_put_bytes(&inner, TAG_DRIVE, chek_bytes_view_of(NULL, 0));
    }
    if (reply->number != 0) {
        chek_ffd_put_u32(&inner, TAG_NUMBER, reply->number);
    }
    if (operator_inn.size != 0) {
        error = chek_ffd_put_text(&inner, TAG_OPERATOR, operator_inn, CHEK_FFD_OPERATOR_SIZE_MAX);
        CHEK_ASSERT(error == CHEK_OK); /* digits */
    }
    if (reply->time != 0) {
        chek_ffd_put_u32(&inner, TAG_TIME, reply->time);
    }
    size_t answer = chek_ffd_open(&inner, TAG_ANSWER);
    chek_ffd_put_u8(&inner, TAG_ANSWER_CODE, (uint8_t)verdict);
    chek_ffd_close(&inner, answer);
    chek_ffd_close(&inner, whole);
    chek_ffd_container_write(&container, head.drive, reply->number,
                             chek_bytes_view_of(document, inner.size));
    head.flags = (uint16_t)((head.flags & CHEK_FFD_FLAG_CRC_MODE) | CHEK_FFD_FLAG_CONTAINER |
                            CHEK_FFD_FLAG_ANSWER);
    chek_ffd_message_write(out, &head, chek_bytes_view_of(body, container.size));
    CHEK_ASSERT(!inner.full && !container.full && !out->full);
}

void
chek_ffd_ping_write(const struct chek_ffd_reply *reply, struct chek_writer *out)
{
    struct chek_ffd_message head = reply->head;
    head.flags &= CHEK_FFD_FLAG_CRC_MODE;
    chek_ffd_message_write(out, &head, chek_bytes_view_of(NULL, 0));
}
