/* SPDX-License-Identifier: MIT */
/*
 * kkm_ticket.c - what is on a ticket: goods with their modifiers and stornos, taxes, payments.
 */
#include "engine/base/assertion.h"
#include "engine/base/money.h"
#include "tools/kkm/kkm_life.h"

#define VAT_2026_S INT64_C(1767225600) /* 2026-01-01: 12 % became 16 % */
#define SECTION_COUNT 4
#define PRODUCT_COUNT 500
#define NOTE 50000 /* tiyn: the buyer rounds up to these */

/* A ticket being made: whether everything on it has one rate, and which. */
struct making {
    struct chek_kkm_life *life;
    struct chek_prng *prng;
    struct chek_kkm_ticket *ticket;
    bool is_uniform;
    uint32_t percent;
};

static bool
percent_chance(struct making *making, uint32_t percent)
{
    return chek_prng_chance(making->prng, percent * 10000);
}

static int64_t
between(struct making *making, int64_t min, int64_t max)
{
    return min + (int64_t)chek_prng_below(making->prng, (uint64_t)(max - min) + 1);
}

static int64_t
tax_of(int64_t sum, uint32_t percent)
{
    return percent == CHEK_KKM_NO_TAX ? 0 : chek_money_tax_included(sum, percent);
}

/* The rate follows the day of the turnover. */
static uint32_t
percent_pick(struct making *making)
{
    bool is_2026 = making->life->now_s >= VAT_2026_S;
    uint32_t draw = (uint32_t)chek_prng_below(making->prng, 100);
    if (draw < 15) {
        return CHEK_KKM_NO_TAX;
    }
    if (draw < 25) {
        return 0;
    }
    if (is_2026 && draw < 40) {
        return draw < 33 ? 5000 : 10000;
    }
    return is_2026 ? 16000 : 12000;
}

static struct chek_kkm_item *
item_add(struct making *making, uint8_t type, int64_t sum, uint32_t percent)
{
    struct chek_kkm_ticket *ticket = making->ticket;
    CHEK_ASSERT(ticket->item_count < CHEK_KKM_ITEM_COUNT_MAX);
    CHEK_ASSERT(sum > 0);
    struct chek_kkm_item *item = &ticket->items[ticket->item_count++];
    *item = (struct chek_kkm_item){
        .type = type, .sum = sum, .percent = percent, .tax = tax_of(sum, percent)};
    return item;
}

static void
commodity_add(struct making *making)
{
    bool is_weighed = percent_chance(making, 25);
    int64_t price = between(making, 5000, 2000000);
    int64_t quantity = is_weighed ? between(making, 100, 3000) : 1000 * between(making, 1, 5);
    int64_t sum = 0;
    int error = chek_money_line_sum(price, quantity * 1000, &sum);
    CHEK_ASSERT(error == CHEK_OK);

    uint32_t percent = making->is_uniform ? making->percent : percent_pick(making);
    struct chek_kkm_item *item = item_add(making, CHEK_KKM_COMMODITY, sum, percent);
    item->section = (uint8_t)between(making, 1, SECTION_COUNT);
    item->product = (uint32_t)between(making, 1, PRODUCT_COUNT);
    item->is_weighed = is_weighed;
    item->quantity = (uint32_t)quantity;
    item->price = price;
}

/* A discount or a markup of the last position, some of them taken back at once. */
static void
modifier_add(struct making *making)
{
    const struct chek_kkm_item *position = &making->ticket->items[making->ticket->item_count - 1];
    bool is_discount = percent_chance(making, 66);
    uint32_t percent = position->percent;
    int64_t sum = between(making, 1, position->sum / 3);

    (void)item_add(making, is_discount ? CHEK_KKM_DISCOUNT : CHEK_KKM_MARKUP, sum, percent);
    if (percent_chance(making, 20)) {
        (void)item_add(making, is_discount ? CHEK_KKM_STORNO_DISCOUNT : CHEK_KKM_STORNO_MARKUP, sum,
                       percent);
    }
}

/* Take back the first position, wholly or one piece of it. */
static void
storno_add(struct making *making)
{
    const struct chek_kkm_item first = making->ticket->items[0];
    bool is_part = !first.is_weighed && first.quantity > 1000 && percent_chance(making, 50);
    int64_t sum = is_part ? first.price : first.sum;
    struct chek_kkm_item *item = item_add(making, CHEK_KKM_STORNO_COMMODITY, sum, first.percent);

    item->section = first.section;
    item->product = first.product;
    item->is_weighed = first.is_weighed;
    item->quantity = is_part ? 1000 : first.quantity;
    item->price = first.price;
}

static void
goods_make(struct making *making)
{
    int64_t count = between(making, 1, 4);
    bool is_first_plain = true;

    for (int64_t i = 0; i < count; i++) {
        commodity_add(making);
        /* Two items at most follow a position, and one storno ends the ticket. */
        bool has_room = making->ticket->item_count + 2 + (count - i) < CHEK_KKM_ITEM_COUNT_MAX;
        if (has_room && percent_chance(making, 18)) {
            modifier_add(making);
            is_first_plain = is_first_plain && i != 0;
        }
    }
    if (count > 1 && is_first_plain && percent_chance(making, 10)) {
        storno_add(making);
    }
}

static int64_t
goods_total(const struct chek_kkm_ticket *ticket)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < ticket->item_count; i++) {
        const struct chek_kkm_item *item = &ticket->items[i];
        bool adds = item->type == CHEK_KKM_COMMODITY || item->type == CHEK_KKM_MARKUP ||
                    item->type == CHEK_KKM_STORNO_DISCOUNT;
        total += adds ? item->sum : -item->sum;
    }
    return total;
}

/* A discount or a markup on the whole ticket, or a tax on it instead of taxes on its items. */
static void
whole_make(struct making *making)
{
    struct chek_kkm_ticket *ticket = making->ticket;
    uint32_t percent = making->percent;

    if (making->is_uniform && percent_chance(making, 15)) {
        bool is_discount = percent_chance(making, 70);
        int64_t sum = between(making, 1, ticket->total / 5);
        struct chek_kkm_modifier *modifier = is_discount ? &ticket->discount : &ticket->markup;
        *modifier =
            (struct chek_kkm_modifier){.sum = sum, .percent = percent, .tax = tax_of(sum, percent)};
        ticket->total += is_discount ? -sum : sum;
    }
    if (making->is_uniform && percent != CHEK_KKM_NO_TAX && percent_chance(making, 12)) {
        ticket->percent = percent;
        ticket->tax = tax_of(ticket->total, percent);
        for (uint32_t i = 0; i < ticket->item_count; i++) {
            ticket->items[i].percent = CHEK_KKM_NO_TAX;
            ticket->items[i].tax = 0;
        }
        ticket->discount.percent = ticket->markup.percent = CHEK_KKM_NO_TAX;
        ticket->discount.tax = ticket->markup.tax = 0;
    }
}

static void
payment_add(struct chek_kkm_ticket *ticket, enum chek_kkm_payment_type type, int64_t sum)
{
    CHEK_ASSERT(ticket->payment_count < CHEK_KKM_PAYMENT_COUNT_MAX);
    ticket->payments[ticket->payment_count++] =
        (struct chek_kkm_payment){.type = (uint8_t)type, .sum = sum};
}

/* Pay the total. The drawer pays buys and returns of sells, as far as it can. */
static void
payments_make(struct making *making)
{
    struct chek_kkm_ticket *ticket = making->ticket;
    bool is_expense =
        ticket->operation == CHEK_KKM_BUY || ticket->operation == CHEK_KKM_SELL_RETURN;
    uint32_t draw = (uint32_t)chek_prng_below(making->prng, 100);
    int64_t cash = draw < 50 ? ticket->total : draw < 60 ? ticket->total / 2 : 0;

    if (is_expense && cash > making->life->drawer) {
        cash = 0;
    }
    if (cash != 0) {
        payment_add(ticket, CHEK_KKM_CASH, cash);
    }
    if (cash != ticket->total) {
        payment_add(ticket, draw < 90 ? CHEK_KKM_CARD : CHEK_KKM_MOBILE, ticket->total - cash);
    }
    if (cash != 0 && !is_expense && percent_chance(making, 60)) {
        ticket->change = (NOTE - cash % NOTE) % NOTE;
    }
    ticket->has_taken = cash != 0 || percent_chance(making, 50);
    ticket->taken = ticket->total + ticket->change;
    making->life->drawer += is_expense ? -cash : cash;
}

/* A return: the whole of an earlier ticket or a part of it, at the rate it had. */
static void
return_make(struct making *making, struct chek_kkm_basis *basis)
{
    struct chek_kkm_ticket *ticket = making->ticket;
    int64_t sum = percent_chance(making, 50) ? basis->total : between(making, 1, basis->total);
    struct chek_kkm_item *item = item_add(making, CHEK_KKM_COMMODITY, sum, basis->percent);

    item->section = (uint8_t)between(making, 1, SECTION_COUNT);
    item->product = (uint32_t)between(making, 1, PRODUCT_COUNT);
    item->quantity = 1000;
    item->price = sum;
    ticket->total = sum;
    ticket->parent = *basis;
    basis->number[0] = 0;
}

void
kkm__ticket_make(struct chek_kkm_life *life, struct chek_kkm_ticket *ticket)
{
    struct making making = {.life = life, .prng = &life->prng, .ticket = ticket};
    uint32_t draw = (uint32_t)chek_prng_below(making.prng, 100);
    struct chek_kkm_basis *basis = NULL;

    *ticket = (struct chek_kkm_ticket){.operation = CHEK_KKM_SELL, .percent = CHEK_KKM_NO_TAX};
    if (draw < 8 && life->bases[0].number[0] != 0) {
        ticket->operation = CHEK_KKM_SELL_RETURN;
        basis = &life->bases[0];
    } else if (draw >= 8 && draw < 13 && life->bases[1].number[0] != 0) {
        ticket->operation = CHEK_KKM_BUY_RETURN;
        basis = &life->bases[1];
    } else if (draw >= 13 && draw < 20) {
        ticket->operation = CHEK_KKM_BUY;
    }
    if (basis != NULL) {
        return_make(&making, basis);
    } else {
        making.is_uniform = percent_chance(&making, 70);
        making.percent = percent_pick(&making);
        goods_make(&making);
        ticket->total = goods_total(ticket);
        whole_make(&making);
    }
    CHEK_ASSERT(ticket->total > 0);
    payments_make(&making);
}
