/* SPDX-License-Identifier: MIT */
/*
 * kkm_till.c - a register on a bad line.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "engine/base/assertion.h"
#include "ingest/cpcr/cpcr_frame.h"
#include "ingest/cpcr/kkm.pb-c.h"
#include "tests/sim/kkm_run.h"

#define MINOR 100

/* ---- requests --------------------------------------------------------------------------------- */

void
till_frame_make(struct till *till, Ingest__Request *request, struct till_frame *ret)
{
    size_t size = ingest__request__get_packed_size(request);
    CHEK_ASSERT(size <= TILL_FRAME_SIZE - CHEK_CPCR_HEAD_SIZE);
    struct chek_cpcr_head head = {.size = (uint32_t)(CHEK_CPCR_HEAD_SIZE + size),
                                  .device = till->device,
                                  .token = till->token,
                                  .version = (uint16_t)(202 + till->device % 2),
                                  .request = till->request};
    chek_cpcr_head_write(&head, ret->bytes);
    ret->size =
        CHEK_CPCR_HEAD_SIZE + ingest__request__pack(request, ret->bytes + CHEK_CPCR_HEAD_SIZE);
}

static void
money_set(Ingest__Money *money, int64_t minor)
{
    ingest__money__init(money);
    money->has_bills = money->has_coins = 1;
    money->bills = (uint64_t)(minor / MINOR);
    money->coins = (uint32_t)(minor % MINOR);
}

/* The time of a document: a day a shift, an hour a document. */
struct stamp {
    Ingest__Date date;
    Ingest__Time time;
    Ingest__DateTime when;
};

static void
stamp_set(struct stamp *stamp, const struct till *till)
{
    ingest__date__init(&stamp->date);
    ingest__time__init(&stamp->time);
    ingest__date_time__init(&stamp->when);
    stamp->date.has_year = stamp->date.has_month = stamp->date.has_day = 1;
    stamp->date.year = 2026;
    stamp->date.month = 3;
    stamp->date.day = till->shift;
    stamp->time.has_hour = stamp->time.has_minute = 1;
    stamp->time.hour = 8 + till->document;
    stamp->when.date = &stamp->date;
    stamp->when.time = &stamp->time;
}

static bool
leaves(uint8_t operation)
{
    return operation == CHEK_OPERATION_SELL_RETURN || operation == CHEK_OPERATION_BUY;
}

static Ingest__OperationType
wire_operation(uint8_t operation)
{
    static const Ingest__OperationType types[] = {
        [CHEK_OPERATION_SELL] = INGEST__OPERATION_TYPE__OPERATION_SELL,
        [CHEK_OPERATION_SELL_RETURN] = INGEST__OPERATION_TYPE__OPERATION_SELL_RETURN,
        [CHEK_OPERATION_BUY] = INGEST__OPERATION_TYPE__OPERATION_BUY,
        [CHEK_OPERATION_BUY_RETURN] = INGEST__OPERATION_TYPE__OPERATION_BUY_RETURN,
    };
    return types[operation];
}

static void
ticket_make(struct till *till)
{
    struct kkm_run *run = till->run;
    uint8_t operation = (uint8_t)peer_below(&run->peer, CHEK_OPERATION_COUNT);
    int64_t total = 1 + (int64_t)peer_below(&run->peer, 100000);
    bool is_cash =
        peer_below(&run->peer, 2) == 0 && (!leaves(operation) || total <= till->figures.cash);
    struct stamp stamp;
    Ingest__Money money;
    Ingest__Operator cashier = INGEST__OPERATOR__INIT;
    Ingest__Commodity goods = INGEST__COMMODITY__INIT;
    Ingest__Item item = INGEST__ITEM__INIT, *items = &item;
    Ingest__Payment payment = INGEST__PAYMENT__INIT, *payments = &payment;
    Ingest__Amounts amounts = INGEST__AMOUNTS__INIT;
    Ingest__TicketRequest ticket = INGEST__TICKET_REQUEST__INIT;
    Ingest__Request request = INGEST__REQUEST__INIT;
    static uint8_t name[] = "goods";

    stamp_set(&stamp, till);
    money_set(&money, total);
    cashier.has_code = 1;
    goods.has_name = goods.has_section_code = goods.has_quantity = 1;
    goods.name = goods.section_code = (ProtobufCBinaryData){5, name};
    goods.quantity = 1000;
    goods.price = goods.sum = &money;
    item.has_type = 1;
    item.type = INGEST__ITEM_TYPE__ITEM_COMMODITY;
    item.commodity = &goods;
    payment.has_type = 1;
    payment.type =
        is_cash ? INGEST__PAYMENT_TYPE__PAYMENT_CASH : INGEST__PAYMENT_TYPE__PAYMENT_CARD;
    payment.sum = &money;
    amounts.total = &money;
    ticket.has_operation = 1;
    ticket.operation = wire_operation(operation);
    ticket.date_time = &stamp.when;
    ticket.operator_ = &cashier;
    ticket.items = &items;
    ticket.payments = &payments;
    ticket.n_items = ticket.n_payments = 1;
    ticket.amounts = &amounts;
    request.has_command = 1;
    request.command = INGEST__COMMAND_TYPE__COMMAND_TICKET;
    request.ticket = &ticket;
    till_frame_make(till, &request, &till->sent);

    struct till_figures *next = &till->next;
    *next = till->figures;
    next->counts[operation] += 1;
    next->totals[operation] += 1;
    next->shift_sums[operation] += total;
    next->sums[operation] += total;
    next->revenue += leaves(operation) ? -total : total;
    next->cash += !is_cash ? 0 : leaves(operation) ? -total : total;
}

static void
deposit_make(struct till *till)
{
    int64_t sum = 1 + (int64_t)peer_below(&till->run->peer, 50000);
    struct stamp stamp;
    Ingest__Money money;
    Ingest__MoneyPlacementRequest placement = INGEST__MONEY_PLACEMENT_REQUEST__INIT;
    Ingest__Request request = INGEST__REQUEST__INIT;
    stamp_set(&stamp, till);
    money_set(&money, sum);
    placement.datetime = &stamp.when;
    placement.has_operation = 1;
    placement.sum = &money;
    request.has_command = 1;
    request.command = INGEST__COMMAND_TYPE__COMMAND_MONEY_PLACEMENT;
    request.money_placement = &placement;
    till_frame_make(till, &request, &till->sent);
    till->next = till->figures;
    till->next.cash += sum;
}

static void
close_make(struct till *till)
{
    struct stamp stamp;
    Ingest__CloseShiftRequest close = INGEST__CLOSE_SHIFT_REQUEST__INIT;
    Ingest__Request request = INGEST__REQUEST__INIT;
    stamp_set(&stamp, till);
    close.close_time = &stamp.when;
    request.has_command = 1;
    request.command = INGEST__COMMAND_TYPE__COMMAND_CLOSE_SHIFT;
    request.close_shift = &close;
    till_frame_make(till, &request, &till->sent);
    till->next = till->figures;
}

static void
ping_make(struct till *till)
{
    Ingest__Request request = INGEST__REQUEST__INIT;
    request.has_command = 1;
    request.command = INGEST__COMMAND_TYPE__COMMAND_SYSTEM;
    till_frame_make(till, &request, &till->sent);
    till->state = TILL_PING;
    till->run->peer.result.counts[KKM_PINGS] += 1;
}

static void
document_make(struct till *till)
{
    till->request += 1;
    till->is_close = till->document == TILL_DOCUMENT_COUNT;
    if (till->is_close) {
        close_make(till);
    } else if (peer_below(&till->run->peer, 5) == 0) {
        deposit_make(till);
    } else {
        ticket_make(till);
    }
    till->state = TILL_DOCUMENT;
}

/* ---- answers ---------------------------------------------------------------------------------- */

static int64_t
money_of(const Ingest__Money *money)
{
    return money != NULL ? (int64_t)money->bills * MINOR + money->coins : -1;
}

static void
z_compare(struct till *till, const Ingest__ZxReport *z)
{
    const struct till_figures *mine = &till->next;
    if (z == NULL || z->shift_number != till->shift || money_of(z->cash_sum) != mine->cash ||
        money_of(z->revenue->sum) != (mine->revenue < 0 ? -mine->revenue : mine->revenue) ||
        z->revenue->is_negative != (mine->revenue < 0) || z->close_shift_time == NULL) {
        peer_violate(&till->run->peer, "device %u, shift %u: cash %" PRId64 ", mine %" PRId64,
                     till->device, till->shift, z != NULL ? money_of(z->cash_sum) : -1, mine->cash);
        return;
    }
    for (uint8_t operation = 0; operation < CHEK_OPERATION_COUNT; operation++) {
        uint32_t count = 0, total = 0;
        int64_t sum = 0, now = 0;
        for (size_t i = 0; i < z->n_ticket_operations; i++) {
            if (z->ticket_operations[i]->operation == wire_operation(operation)) {
                count = z->ticket_operations[i]->tickets_count;
                total = z->ticket_operations[i]->tickets_total_count;
                sum = money_of(z->ticket_operations[i]->tickets_sum);
            }
        }
        for (size_t i = 0; i < z->n_non_nullable_sums; i++) {
            if (z->non_nullable_sums[i]->operation == wire_operation(operation)) {
                now = money_of(z->non_nullable_sums[i]->sum);
            }
        }
        if (count != mine->counts[operation] || total != mine->totals[operation] ||
            sum != mine->shift_sums[operation] || now != mine->sums[operation]) {
            peer_violate(&till->run->peer,
                         "device %u, shift %u, operation %u: %u %" PRId64 ", mine %u %" PRId64,
                         till->device, till->shift, operation, count, sum, mine->counts[operation],
                         mine->shift_sums[operation]);
        }
    }
    till->run->peer.result.counts[KKM_Z] += 1;
}

static void
counted(struct till *till, const struct chek_cpcr_head *head, const Ingest__Response *response)
{
    if (till->is_close) {
        z_compare(till, response->report != NULL ? response->report->zx_report : NULL);
    }
    till->figures = till->next;
    till->document += 1;
    if (till->is_close) {
        till->shift += 1;
        till->document = 0;
        till->figures.revenue = 0;
        memset(till->figures.counts, 0, sizeof till->figures.counts);
        memset(till->figures.shift_sums, 0, sizeof till->figures.shift_sums);
    }
    till->last = till->sent;
    till->last_answer_size = head->size - CHEK_CPCR_HEAD_SIZE;
    memcpy(till->last_answer, till->line.carry + CHEK_CPCR_HEAD_SIZE, till->last_answer_size);
    till->token_before = till->token;
    till->token = head->token;
    till->run->peer.result.counts[KKM_DOCUMENTS] += 1;
}

static void
answer_judge(struct till *till, const struct chek_cpcr_head *head, const Ingest__Response *response)
{
    uint32_t code = response->result->result_code;
    if (till->state == TILL_PING && till->has_pending) {
        /* The token that the lost document came with: good if the document was not counted. */
        if (code != 0 && code != 2) {
            peer_violate(&till->run->peer, "device %u: a ping is answered by %u", till->device,
                         code);
        }
        till->sent = till->pending;
        till->has_pending = false;
        till->state = TILL_DOCUMENT;
        return;
    }
    if (code != 0) {
        peer_violate(&till->run->peer, "device %u, shift %u, document %u: %u %.*s", till->device,
                     till->shift, till->document, code, (int)response->result->result_text.len,
                     (const char *)response->result->result_text.data);
        return;
    }
    if (till->state == TILL_ASK) {
        shop_judge(till, response);
    } else if (till->state == TILL_DOCUMENT) {
        if (head->token == till->token) {
            peer_violate(&till->run->peer, "device %u: a document moved no token", till->device);
        }
        counted(till, head, response);
    } else {
        bool is_same = head->size - CHEK_CPCR_HEAD_SIZE == till->last_answer_size &&
                       memcmp(till->line.carry + CHEK_CPCR_HEAD_SIZE, till->last_answer,
                              till->last_answer_size) == 0;
        if (head->token != till->token || (till->state == TILL_REPEAT && !is_same)) {
            peer_violate(&till->run->peer, "device %u: a repeat is answered by something else",
                         till->device);
        }
    }
    till->state = till->shift > TILL_SHIFT_COUNT ? TILL_DONE : TILL_IDLE;
}

static void
answer_take(struct till *till, const struct chek_cpcr_head *head)
{
    Ingest__Response *response = ingest__response__unpack(NULL, head->size - CHEK_CPCR_HEAD_SIZE,
                                                          till->line.carry + CHEK_CPCR_HEAD_SIZE);
    struct chek_cpcr_head asked;
    int error = chek_cpcr_head_read(chek_bytes_view_of(till->sent.bytes, till->sent.size), &asked);
    CHEK_ASSERT(error == CHEK_OK);
    if (response == NULL || !response->has_command || response->result == NULL ||
        head->device != asked.device || head->request != asked.request ||
        head->version != asked.version) {
        peer_violate(&till->run->peer, "device %u: the answer is none", till->device);
    } else {
        peer_moved(&till->run->peer);
        answer_judge(till, head, response);
    }
    if (response != NULL) {
        ingest__response__free_unpacked(response, NULL);
    }
}

/* ---- the line --------------------------------------------------------------------------------- */

static size_t
answer_read(struct peer_line *line)
{
    struct till *till = CHEK_CONTAINER_OF(line, struct till, line);
    struct chek_cpcr_head head;
    int wrong = chek_cpcr_head_read(chek_bytes_view_of(line->carry, line->carry_size), &head);
    if (wrong == CHEK_OK && line->carry_size == head.size) {
        answer_take(till, &head);
        line->lost = true; /* a connection a request, as registers do */
        return head.size;
    }
    if (wrong == CHEK_OK && line->carry_size > head.size) {
        peer_violate(line->run, "device %u: more than one answer to one request", till->device);
    } else if (wrong != CHEK_OK && wrong != CHEK_E_SHORT) {
        peer_violate(line->run, "device %u: the answer has no head", till->device);
    }
    return 0;
}

static void
till_connect(struct till *till)
{
    peer_line_connect(&till->line);
    peer_line_send(&till->line, till->sent.bytes, till->sent.size);
    if (till->state == TILL_ASK && !till->asks_list) {
        till->send_count += 1;
        till->wrong_count += 1;
    }
}

/* Something to do next. */
static void
till_choose(struct till *till)
{
    uint64_t draw = peer_below(&till->run->peer, 10);
    if (till->last.size != 0 && draw < 2) {
        till_repeat(till);
    } else if (draw < 3) {
        till->request += 1;
        ping_make(till);
    } else if (draw < 5) {
        shop_ask(till);
    } else {
        document_make(till);
    }
}

void
till_repeat(struct till *till)
{
    till->sent = till->last;
    till->state = TILL_REPEAT;
    till->run->peer.result.counts[KKM_REPEATS] += 1;
}

void
till_begin(struct till *till, struct kkm_run *run, uint32_t device)
{
    till->run = run;
    till->line.run = &run->peer;
    till->line.address = PEER_DEVICE_ADDRESS;
    till->line.take = answer_read;
    till->device = device;
    till->token = 1000 + device;
    till->shift = 1;
    till->state = TILL_IDLE;
}

void
till_step(struct till *till)
{
    if (peer_line_step(&till->line) || till->state == TILL_DONE) {
        return;
    }
    if (till->state == TILL_IDLE) {
        till_choose(till);
    } else if (till->state == TILL_DOCUMENT && peer_below(&till->run->peer, 5) == 0) {
        till->pending = till->sent;
        till->has_pending = true;
        ping_make(till);
    }
    till_connect(till);
}
