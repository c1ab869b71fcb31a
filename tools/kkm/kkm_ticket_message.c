/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_ticket_message.h"

#include "engine/base/decimal.h"

/* A text, and a number of at least so many digits behind it. */
static char *
text(struct chek_arena *arena, const char *before, uint32_t number, unsigned digits_min)
{
    size_t size = strlen(before);
    char *made = kkm__take(arena, size + CHEK_DECIMAL_TEXT_MAX);
    memcpy(made, before, size);
    (void)chek_decimal_write_u64(number, digits_min, made + size);
    return made;
}

Kkm__Operator *
kkm__operator_make(struct chek_arena *arena, uint32_t cashier)
{
    Kkm__Operator *made = KKM__NEW(arena, Kkm__Operator, kkm__operator);
    made->code = cashier;
    made->name = text(arena, "Кассир ", cashier, 1);
    return made;
}

/* A list of one tax, or of none. */
static size_t
taxes_make(struct chek_arena *arena, uint32_t percent, int64_t sum, Kkm__Tax ***ret)
{
    if (percent == CHEK_KKM_NO_TAX) {
        return 0;
    }
    Kkm__Tax *tax = KKM__NEW(arena, Kkm__Tax, kkm__tax);
    tax->tax_type = CHEK_KKM_VAT;
    tax->has_taxation_type = 1;
    tax->taxation_type = 101;
    tax->percent = percent;
    tax->sum = kkm__money_make(arena, sum);
    tax->is_in_total_sum = 1;
    *ret = kkm__list(arena, 1);
    (*ret)[0] = tax;
    return 1;
}

static Kkm__Modifier *
modifier_make(struct chek_arena *arena, const char *name, int64_t sum, uint32_t percent,
              int64_t tax)
{
    Kkm__Modifier *modifier = KKM__NEW(arena, Kkm__Modifier, kkm__modifier);
    modifier->name = kkm__copy_text(arena, name);
    modifier->sum = kkm__money_make(arena, sum);
    modifier->n_taxes = taxes_make(arena, percent, tax, &modifier->taxes);
    return modifier;
}

static Kkm__Commodity *
commodity_make(struct chek_arena *arena, const struct chek_kkm_item *item)
{
    Kkm__Commodity *made = KKM__NEW(arena, Kkm__Commodity, kkm__commodity);
    made->has_code = 1;
    made->code = item->product;
    made->name = text(arena, "Товар ", item->product, 1);
    made->section_code = text(arena, "", item->section, 1);
    made->quantity = item->quantity;
    made->price = kkm__money_make(arena, item->price);
    made->sum = kkm__money_make(arena, item->sum);
    made->n_taxes = taxes_make(arena, item->percent, item->tax, &made->taxes);
    made->barcode = text(arena, "487", item->product, 10);
    made->measure_unit_code = text(arena, "", item->is_weighed ? 116 : 796, 1);
    return made;
}

static Kkm__StornoCommodity *
storno_make(struct chek_arena *arena, const struct chek_kkm_item *item)
{
    Kkm__StornoCommodity *made = KKM__NEW(arena, Kkm__StornoCommodity, kkm__storno_commodity);
    made->name = text(arena, "Товар ", item->product, 1);
    made->section_code = text(arena, "", item->section, 1);
    made->quantity = item->quantity;
    made->price = kkm__money_make(arena, item->price);
    made->sum = kkm__money_make(arena, item->sum);
    made->n_taxes = taxes_make(arena, item->percent, item->tax, &made->taxes);
    made->barcode = text(arena, "487", item->product, 10);
    made->measure_unit_code = text(arena, "", item->is_weighed ? 116 : 796, 1);
    return made;
}

static Kkm__Item *
item_make(struct chek_arena *arena, const struct chek_kkm_item *item)
{
    Kkm__Item *made = KKM__NEW(arena, Kkm__Item, kkm__item);
    Kkm__Modifier *modifier = NULL;

    made->type = (Kkm__ItemTypeEnum)item->type;
    if (item->type != CHEK_KKM_COMMODITY && item->type != CHEK_KKM_STORNO_COMMODITY) {
        bool is_discount = item->type >= CHEK_KKM_DISCOUNT;
        modifier = modifier_make(arena, is_discount ? "Скидка" : "Наценка", item->sum,
                                 item->percent, item->tax);
    }
    switch (item->type) {
    case CHEK_KKM_COMMODITY:
        made->commodity = commodity_make(arena, item);
        break;
    case CHEK_KKM_STORNO_COMMODITY:
        made->storno_commodity = storno_make(arena, item);
        break;
    case CHEK_KKM_MARKUP:
        made->markup = modifier;
        break;
    case CHEK_KKM_STORNO_MARKUP:
        made->storno_markup = modifier;
        break;
    case CHEK_KKM_DISCOUNT:
        made->discount = modifier;
        break;
    default:
        made->storno_discount = modifier;
        break;
    }
    return made;
}

/* Since 2.0.3 a payment says by which terminal or code it was made. */
static Kkm__Payment *
payment_make(struct chek_arena *arena, const struct chek_kkm_request *request,
             const struct chek_kkm_payment *payment)
{
    Kkm__Payment *made = KKM__NEW(arena, Kkm__Payment, kkm__payment);
    made->type = (Kkm__PaymentTypeEnum)payment->type;
    made->sum = kkm__money_make(arena, payment->sum);
    if (request->version >= 203 && payment->type == CHEK_KKM_CARD) {
        Kkm__CardPaymentFields *card =
            KKM__NEW(arena, Kkm__CardPaymentFields, kkm__card_payment_fields);
        card->pos_terminal_id = text(arena, "T", request->identity->device, 1);
        card->pos_card_type = kkm__copy_text(arena, "VISA");
        card->has_pos_autorization_code = 1;
        card->pos_autorization_code = (uint32_t)(request->document->time_s % 1000000);
        card->has_pos_rrn = 1;
        card->pos_rrn = (uint64_t)request->document->time_s;
        card->has_pos_receipt_number = 1;
        card->pos_receipt_number = request->document->number;
        made->card_payment_fields = card;
    } else if (request->version >= 203 && payment->type == CHEK_KKM_MOBILE) {
        Kkm__MobilePaymentFields *mobile =
            KKM__NEW(arena, Kkm__MobilePaymentFields, kkm__mobile_payment_fields);
        mobile->qr_type = kkm__copy_text(arena, "STATIC");
        mobile->qr_id = text(arena, "", (uint32_t)request->document->time_s, 1);
        made->mobile_payment_fields = mobile;
    }
    return made;
}

static Kkm__Amounts *
amounts_make(struct chek_arena *arena, const struct chek_kkm_ticket *ticket)
{
    Kkm__Amounts *made = KKM__NEW(arena, Kkm__Amounts, kkm__amounts);
    const struct chek_kkm_modifier *markup = &ticket->markup;
    const struct chek_kkm_modifier *discount = &ticket->discount;

    made->total = kkm__money_make(arena, ticket->total);
    if (ticket->has_taken) {
        made->taken = kkm__money_make(arena, ticket->taken);
        made->change = kkm__money_make(arena, ticket->change);
    }
    if (markup->sum != 0) {
        made->markup = modifier_make(arena, "Наценка", markup->sum, markup->percent, markup->tax);
    }
    if (discount->sum != 0) {
        made->discount =
            modifier_make(arena, "Скидка", discount->sum, discount->percent, discount->tax);
    }
    return made;
}

static Kkm__ParentTicket *
parent_make(struct chek_arena *arena, const struct chek_kkm_request *request)
{
    const struct chek_kkm_basis *basis = &request->document->ticket.parent;
    Kkm__ParentTicket *made = KKM__NEW(arena, Kkm__ParentTicket, kkm__parent_ticket);
    made->parent_ticket_number =
        memcpy(kkm__take(arena, sizeof basis->number), basis->number, sizeof basis->number);
    made->parent_ticket_data_time = kkm__time_make(arena, basis->time_s);
    made->kgd_kkm_id = memcpy(kkm__take(arena, sizeof request->identity->rnm),
                              request->identity->rnm, sizeof request->identity->rnm);
    made->parent_ticket_total = kkm__money_make(arena, basis->total);
    made->parent_ticket_is_offline = basis->is_offline;
    return made;
}

/* What names the ticket beside its place in the shift. */
static void
numbers_make(struct chek_arena *arena, const struct chek_kkm_request *request,
             Kkm__TicketRequest *made)
{
    const struct chek_kkm_document *document = request->document;

    made->has_fr_shift_number = 1;
    made->fr_shift_number = document->shift_number;
    made->has_shift_document_number = 1;
    made->shift_document_number = document->number;
    made->has_offline_ticket_number = document->is_offline;
    made->offline_ticket_number = document->sign;
    if (request->version < 203) {
        made->has_printed_document_number = 1;
        made->printed_document_number = document->number;
        return;
    }
    made->domain = KKM__NEW(arena, Kkm__Domain, kkm__domain);
    made->domain->has_type = 1;
    made->domain->type = KKM__DOMAIN_TYPE_ENUM__DOMAIN_TRADING;
    if (document->ticket.parent.number[0] != 0) {
        made->parent_ticket = parent_make(arena, request);
    }
}

Kkm__TicketRequest *
kkm__ticket_message_make(struct chek_arena *arena, const struct chek_kkm_request *request)
{
    const struct chek_kkm_document *document = request->document;
    const struct chek_kkm_ticket *ticket = &document->ticket;
    Kkm__TicketRequest *made = KKM__NEW(arena, Kkm__TicketRequest, kkm__ticket_request);

    made->operation = (Kkm__OperationTypeEnum)ticket->operation;
    made->date_time = kkm__time_make(arena, document->time_s);
    made->operator_ = kkm__operator_make(arena, document->cashier);
    made->items = kkm__list(arena, ticket->item_count);
    for (uint32_t i = 0; i < ticket->item_count; i++) {
        made->items[made->n_items++] = item_make(arena, &ticket->items[i]);
    }
    made->payments = kkm__list(arena, ticket->payment_count);
    for (uint32_t i = 0; i < ticket->payment_count; i++) {
        made->payments[made->n_payments++] = payment_make(arena, request, &ticket->payments[i]);
    }
    made->n_taxes = taxes_make(arena, ticket->percent, ticket->tax, &made->taxes);
    made->amounts = amounts_make(arena, ticket);
    numbers_make(arena, request, made);
    return made;
}
