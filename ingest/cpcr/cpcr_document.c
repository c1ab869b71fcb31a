/* SPDX-License-Identifier: MIT */
#include "ingest/cpcr/cpcr_document.h"

#include "engine/base/assertion.h"
#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "engine/base/limits.h"
#include "engine/base/money.h"
#include "engine/base/utf8.h"
#include "engine/fiscal/check.h"

#define MINOR 100
#define OPERATOR_SIZE_MAX 64

/* ---- values ----------------------------------------------------------------------------------- */

uint32_t
chek_cpcr_money(const Ingest__Money *money, const char *field, int64_t *ret,
                struct chek_cpcr_fault *fault)
{
    if (money == NULL) {
        *ret = 0;
        return CHEK_CPCR_OK;
    }
    if (money->coins >= MINOR || money->bills > (uint64_t)CHEK_MONEY_MAX / MINOR - 1) {
        return ingest__cpcr_incorrect(fault, field, "it is no amount of money");
    }
    *ret = (int64_t)money->bills * MINOR + money->coins;
    return CHEK_CPCR_OK;
}

uint32_t
chek_cpcr_civil(const Ingest__DateTime *when, const char *field, int64_t *ret,
                struct chek_cpcr_fault *fault)
{
    const Ingest__Date *date = when->date;
    const Ingest__Time *time = when->time;
    bool fits = date->year <= 9999 && date->month <= 12 && date->day <= 31 && time->hour <= 23 &&
                time->minute <= 59 && time->second <= 59;
    struct chek_civil_parts parts = {
        .year = (int32_t)(fits ? date->year : 0),
        .month = (uint8_t)date->month,
        .day = (uint8_t)date->day,
        .hour = (uint8_t)time->hour,
        .minute = (uint8_t)time->minute,
        .second = (uint8_t)time->second,
    };
    int64_t civil = 0;
    if (!fits || chek_civil_from_parts(&parts, &civil) != CHEK_OK || !chek_civil_is_valid(civil)) {
        return ingest__cpcr_incorrect(fault, field, "there is no such time");
    }
    *ret = civil;
    return CHEK_CPCR_OK;
}

/* R46: "7 Aliya": cashiers of one name and of none stay apart. */
static uint32_t
operator_make(const Ingest__Operator *from, struct chek_arena *arena, struct chek_bytes_view *ret,
              struct chek_cpcr_fault *fault)
{
    if (from == NULL) {
        return CHEK_CPCR_OK;
    }
    char *text = chek_arena_take(arena, CHEK_DECIMAL_TEXT_MAX + 1 + from->name.len);
    if (text == NULL) {
        return ingest__cpcr_incorrect(fault, "operator", "there is no room for it");
    }
    size_t size = chek_decimal_write_u64(from->code, 1, text);
    if (from->name.len != 0) {
        text[size] = ' ';
        memcpy(text + size + 1, from->name.data, from->name.len);
        size += 1 + from->name.len;
    }
    *ret = chek_utf8_clip(chek_bytes_view_of(text, size), OPERATOR_SIZE_MAX);
    return CHEK_CPCR_OK;
}

/* R54: a number that does not fit is none. */
static uint32_t
number_of(uint64_t printed)
{
    return printed <= UINT32_MAX ? (uint32_t)printed : 0;
}

bool
chek_cpcr_is_offline(const struct chek_cpcr_message *message)
{
    const Ingest__Request *request = message->request;
    switch (message->command) {
    case INGEST__COMMAND_TYPE__COMMAND_TICKET:
        return request->ticket->has_offline_ticket_number;
    case INGEST__COMMAND_TYPE__COMMAND_MONEY_PLACEMENT:
        return request->money_placement->is_offline;
    case INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT:
        return request->close_shift->is_offline;
    default:
        return false;
    }
}

/* ---- tickets ---------------------------------------------------------------------------------- */

uint8_t
ingest__cpcr_operation(Ingest__OperationType type)
{
    switch (type) {
    case INGEST__OPERATION_TYPE__OPERATION_SELL:
        return CHEK_OPERATION_SELL;
    case INGEST__OPERATION_TYPE__OPERATION_SELL_RETURN:
        return CHEK_OPERATION_SELL_RETURN;
    case INGEST__OPERATION_TYPE__OPERATION_BUY:
        return CHEK_OPERATION_BUY;
    default:
        return CHEK_OPERATION_BUY_RETURN;
    }
}

uint8_t
ingest__cpcr_payment(Ingest__PaymentType type)
{
    switch (type) {
    case INGEST__PAYMENT_TYPE__PAYMENT_CASH:
        return CHEK_PAYMENT_KIND_CASH;
    case INGEST__PAYMENT_TYPE__PAYMENT_CARD:
        return CHEK_PAYMENT_KIND_CARD;
    case INGEST__PAYMENT_TYPE__PAYMENT_CREDIT:
        return CHEK_PAYMENT_KIND_CREDIT;
    case INGEST__PAYMENT_TYPE__PAYMENT_TARE:
        return CHEK_PAYMENT_KIND_TARE;
    default:
        return CHEK_PAYMENT_KIND_MOBILE;
    }
}

/* R47: a kind that comes twice is refused by the rules of shape; offline its sums are added up. */
static uint32_t
payments_make(const Ingest__TicketRequest *ticket, struct chek_arena *arena,
              struct chek_receipt *ret, struct chek_cpcr_fault *fault)
{
    size_t count = ticket->n_payments;
    if (count == 0) {
        return CHEK_CPCR_OK;
    }
    struct chek_payment *made =
        count <= CHEK_PAYMENT_COUNT_MAX ? chek_arena_take(arena, count * sizeof *made) : NULL;
    if (made == NULL) {
        return ingest__cpcr_incorrect(fault, "payments", "there are too many");
    }
    uint32_t made_count = 0;
    for (size_t i = 0; i < count; i++) {
        struct chek_payment payment = {.kind = ingest__cpcr_payment(ticket->payments[i]->type)};
        uint32_t at = made_count;
        uint32_t code =
            chek_cpcr_money(ticket->payments[i]->sum, "payment.sum", &payment.sum, fault);
        if (code != CHEK_CPCR_OK) {
            return code;
        }
        for (uint32_t j = 0; ticket->has_offline_ticket_number && j < made_count; j++) {
            at = made[j].kind == payment.kind ? j : at;
        }
        if (at == made_count) {
            made[made_count++] = payment;
        } else {
            made[at].sum += payment.sum;
        }
    }
    ret->payments = made;
    ret->payments_count = made_count;
    return CHEK_CPCR_OK;
}

static uint32_t
amounts_make(const Ingest__Amounts *amounts, struct chek_arena *arena, struct chek_receipt *ret,
             struct chek_cpcr_fault *fault)
{
    bool is_offline = ret->offline;
    uint32_t code = chek_cpcr_money(amounts->total, "amounts.total", &ret->total, fault);
    if (code == CHEK_CPCR_OK && ret->total == 0 && !is_offline) {
        code = ingest__cpcr_incorrect(fault, "amounts.total", "it is 0");
    }
    if (code == CHEK_CPCR_OK) {
        code = chek_cpcr_money(amounts->taken, "amounts.taken", &ret->taken, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = chek_cpcr_money(amounts->change, "amounts.change", &ret->change, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = ingest__cpcr_modifier(amounts->discount, "amounts.discount", arena, &ret->discount,
                                     fault);
    }
    return code == CHEK_CPCR_OK ? ingest__cpcr_modifier(amounts->markup, "amounts.markup", arena,
                                                        &ret->markup, fault)
                                : code;
}

/*
 * R48: a number that is no number still names the register and the time. A time that is none is typed by a
 * hand, and is no reason to refuse what is on paper already.
 */
static uint32_t
parent_make(const Ingest__ParentTicket *from, struct chek_arena *arena, struct chek_receipt *ret,
            struct chek_cpcr_fault *fault)
{
    if (from == NULL) {
        return CHEK_CPCR_OK;
    }
    struct chek_parent *made = chek_arena_take(arena, sizeof *made);
    if (made == NULL) {
        return ingest__cpcr_incorrect(fault, "parent_ticket", "there is no room for it");
    }
    *made = (struct chek_parent){.registration_number = ingest__cpcr_view(from->kgd_kkm_id),
                                 .offline = from->parent_ticket_is_offline};
    int error = chek_decimal_read_u64(ingest__cpcr_view(from->parent_ticket_number), &made->sign);
    made->sign = error == CHEK_OK ? made->sign : 0;
    ret->parent = made;
    uint32_t code = chek_cpcr_civil(from->parent_ticket_data_time, "parent_ticket_data_time",
                                    &made->time, fault);
    code = ret->offline ? CHEK_CPCR_OK : code;
    return code == CHEK_CPCR_OK ? chek_cpcr_money(from->parent_ticket_total, "parent_ticket_total",
                                                  &made->total, fault)
                                : code;
}

/* R49: the customer's phone, else his e-mail, is the buyer; an e-mail beside it and the IIN or BIN
 * are said of him too. */
static uint32_t
customer_make(const Ingest__ExtensionOptions *options, struct chek_arena *arena,
              struct chek_receipt *ret, struct chek_cpcr_fault *fault)
{
    if (options == NULL) {
        return CHEK_CPCR_OK;
    }
    bool has_phone = options->customer_phone.len != 0;
    bool has_more = has_phone && options->customer_email.len != 0;
    struct chek_person *persons = NULL;
    uint32_t count = 0;
    ret->buyer = ingest__cpcr_view(has_phone ? options->customer_phone : options->customer_email);
    if (has_more || options->customer_iin_or_bin.len != 0) {
        persons = chek_arena_take(arena, 2 * sizeof *persons);
        if (persons == NULL) {
            return ingest__cpcr_incorrect(fault, "extension_options", "there is no room for it");
        }
    }
    if (has_more) {
        persons[count++] = (struct chek_person){
            .kind = CHEK_PERSON_KIND_CONTACT, .value = ingest__cpcr_view(options->customer_email)};
    }
    if (options->customer_iin_or_bin.len != 0) {
        persons[count++] = (struct chek_person){
            .kind = CHEK_PERSON_KIND_TIN, .value = ingest__cpcr_view(options->customer_iin_or_bin)};
    }
    ret->persons = persons;
    ret->persons_count = count;
    return CHEK_CPCR_OK;
}

static uint32_t
ticket_make(const Ingest__TicketRequest *ticket, const struct chek_cpcr_terms *terms,
            struct chek_arena *arena, struct chek_receipt *ret, struct chek_cpcr_fault *fault)
{
    *ret = (struct chek_receipt){
        .operation = ingest__cpcr_operation(ticket->operation),
        .shift = ticket->fr_shift_number,
        .document = number_of(ticket->printed_document_number),
        .sign = terms->sign,
        .autonomous = terms->without_autonomous ? 0 : ticket->offline_ticket_number,
        .offline = ticket->has_offline_ticket_number,
        .domain = ticket->domain != NULL && ticket->domain->has_type
                      ? (uint8_t)(ticket->domain->type + 1)
                      : 0,
        .number_in_shift = ticket->shift_document_number,
    };
    uint32_t code = chek_cpcr_civil(ticket->date_time, "date_time", &ret->time, fault);
    if (code == CHEK_CPCR_OK) {
        code = operator_make(ticket->operator_, arena, &ret->operator, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = amounts_make(ticket->amounts, arena, ret, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = payments_make(ticket, arena, ret, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = ingest__cpcr_taxes(ticket->taxes, ticket->n_taxes, arena, &ret->taxes,
                                  &ret->taxes_count, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = parent_make(ticket->parent_ticket, arena, ret, fault);
    }
    if (code == CHEK_CPCR_OK) {
        code = customer_make(ticket->extension_options, arena, ret, fault);
    }
    return code == CHEK_CPCR_OK ? ingest__cpcr_lines(ticket, arena, ret, fault) : code;
}

/* ---- placements and closes -------------------------------------------------------------------- */

static uint32_t
movement_make(const Ingest__MoneyPlacementRequest *from, const struct chek_cpcr_terms *terms,
              struct chek_arena *arena, struct chek_movement *ret, struct chek_cpcr_fault *fault)
{
    *ret = (struct chek_movement){
        .direction = from->operation == INGEST__MONEY_PLACEMENT_TYPE__MONEY_PLACEMENT_DEPOSIT
                         ? CHEK_DIRECTION_DEPOSIT
                         : CHEK_DIRECTION_WITHDRAWAL,
        .shift = from->fr_shift_number,
        .document = number_of(from->printed_document_number),
        .offline = from->is_offline,
        .autonomous = terms->sign,
    };
    uint32_t code = chek_cpcr_civil(from->datetime, "datetime", &ret->time, fault);
    if (code == CHEK_CPCR_OK) {
        code = chek_cpcr_money(from->sum, "sum", &ret->sum, fault);
    }
    return code == CHEK_CPCR_OK ? operator_make(from->operator_, arena, &ret->operator, fault)
                                : code;
}

static uint32_t
close_make(const Ingest__CloseShiftRequest *from, const struct chek_cpcr_terms *terms,
           struct chek_arena *arena, struct chek_close *ret, struct chek_cpcr_fault *fault)
{
    *ret = (struct chek_close){.shift = from->fr_shift_number,
                               .document = number_of(from->printed_document_number),
                               .withdraw = from->withdraw_money,
                               .sign = terms->sign};
    uint32_t code = chek_cpcr_civil(from->close_time, "close_time", &ret->time, fault);
    if (from->z_report != NULL && !ingest__cpcr_stated(from->z_report, arena, &ret->figures)) {
        return ingest__cpcr_incorrect(fault, "z_report", "there is no room for it");
    }
    return code == CHEK_CPCR_OK ? operator_make(from->operator_, arena, &ret->operator, fault)
                                : code;
}

/* ---- all of them ------------------------------------------------------------------------------ */

/* What the document of a request stands in. */
struct room {
    struct chek_receipt receipt;
    struct chek_movement movement;
    struct chek_close close;
};

static uint32_t
document_make(const struct chek_cpcr_message *message, const struct chek_cpcr_terms *terms,
              struct chek_arena *arena, struct room *room, struct chek_document *ret,
              struct chek_cpcr_fault *fault)
{
    const Ingest__Request *request = message->request;
    switch (message->command) {
    case INGEST__COMMAND_TYPE__COMMAND_TICKET:
        ret->receipt = &room->receipt;
        return ticket_make(request->ticket, terms, arena, &room->receipt, fault);
    case INGEST__COMMAND_TYPE__COMMAND_MONEY_PLACEMENT:
        ret->movement = &room->movement;
        return movement_make(request->money_placement, terms, arena, &room->movement, fault);
    default:
        CHEK_ASSERT(message->command == INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT);
        ret->close = &room->close;
        return close_make(request->close_shift, terms, arena, &room->close, fault);
    }
}

uint32_t
chek_cpcr_to_document(const struct chek_cpcr_message *message, const struct chek_cpcr_terms *terms,
                      struct chek_arena *arena, struct chek_document *ret,
                      struct chek_cpcr_fault *fault)
{
    struct chek_fault wrong = {0};
    uint32_t warnings;
    struct room *room = chek_arena_take(arena, sizeof *room);
    if (room == NULL) {
        return ingest__cpcr_incorrect(fault, "request", "there is no room for it");
    }
    *ret = (struct chek_document){.registration = terms->registration};
    uint32_t code = document_make(message, terms, arena, room, ret, fault);
    if (code != CHEK_CPCR_OK) {
        return code;
    }
    int error = chek_document_check(ret, &warnings, &wrong);
    if (error != CHEK_OK) {
        return ingest__cpcr_incorrect(fault, chek_field_name(wrong.field), chek_error_text(error));
    }
    return CHEK_CPCR_OK;
}
