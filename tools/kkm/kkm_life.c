/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_life.h"

#include <stdio.h>

enum phase { PHASE_OPEN, PHASE_TRADE, PHASE_EMPTY, PHASE_CLOSE, PHASE_AFTER };

static int64_t
between(struct chek_kkm_life *life, int64_t min, int64_t max)
{
    return min + (int64_t)chek_prng_below(&life->prng, (uint64_t)(max - min) + 1);
}

static bool
percent_chance(struct chek_kkm_life *life, uint32_t percent)
{
    return chek_prng_chance(&life->prng, percent * 10000);
}

/* The morning of the shift's day, or a while after what came last. */
static void
shift_begin(struct chek_kkm_life *life)
{
    int64_t morning_s = life->options->begin_s + life->shift_index * (int64_t)CHEK_CIVIL_DAY_S +
                        between(life, 8, 9) * CHEK_CIVIL_HOUR_S + between(life, 0, 3599);
    life->now_s = morning_s > life->now_s + 600 ? morning_s : life->now_s + 600;
    life->phase = PHASE_OPEN;
    life->document_number = 0;
    life->ticket_left = life->options->ticket_count;
    life->cashier = (uint8_t)between(life, 1, 3);
}

void
chek_kkm_life_init(struct chek_kkm_life *life, const struct chek_kkm_life_options *options,
                   uint64_t seed)
{
    *life = (struct chek_kkm_life){.options = options, .shift_number = 1};
    chek_prng_init(&life->prng, seed);
    shift_begin(life);
}

void
chek_kkm_life_resume(struct chek_kkm_life *life, uint32_t shift_number, int64_t cash,
                     int64_t after_s)
{
    life->shift_number = shift_number;
    life->drawer = cash;
    if (life->now_s <= after_s) {
        life->now_s = after_s + 600;
    }
}

/* Ten hours are what the documents of a shift take on average; at worst they take twice that. */
static void
clock_advance(struct chek_kkm_life *life)
{
    int64_t gap_s = 36000 / (life->options->ticket_count * INT64_C(12) / 10 + 16);
    life->now_s += 1 + between(life, 0, 2 * gap_s);
}

/* Whether the connection is lost with this document, and if so for how many. */
static void
connection_draw(struct chek_kkm_life *life)
{
    if (life->offline_left != 0 ||
        !chek_prng_chance(&life->prng, life->options->offline_per_million)) {
        return;
    }
    life->breaks = percent_chance(life, 50);
    life->offline_left = (uint8_t)between(life, 1, CHEK_KKM_OFFLINE_COUNT_MAX);
}

static enum chek_kkm_step
document_begin(struct chek_kkm_life *life, struct chek_kkm_document *document,
               enum chek_kkm_document_kind kind)
{
    life->breaks = false;
    connection_draw(life);
    clock_advance(life);
    life->document_number += 1;
    *document = (struct chek_kkm_document){
        .kind = (uint8_t)kind,
        .is_offline = life->offline_left != 0 && !life->breaks,
        .cashier = life->cashier,
        .shift_number = life->shift_number,
        .number = life->document_number,
        .time_s = life->now_s,
    };
    if (document->is_offline) {
        life->offline_left -= 1;
    }
    return CHEK_KKM_STEP_DOCUMENT;
}

static enum chek_kkm_step
placement_make(struct chek_kkm_life *life, struct chek_kkm_document *document, bool is_withdrawal,
               int64_t sum)
{
    (void)document_begin(life, document, CHEK_KKM_PLACEMENT);
    document->placement = (struct chek_kkm_placement){.is_withdrawal = is_withdrawal, .sum = sum};
    life->drawer += is_withdrawal ? -sum : sum;
    return CHEK_KKM_STEP_DOCUMENT;
}

static enum chek_kkm_step
ticket_make(struct chek_kkm_life *life, struct chek_kkm_document *document)
{
    (void)document_begin(life, document, CHEK_KKM_TICKET);
    kkm__ticket_make(life, &document->ticket);
    if (document->is_offline) {
        /* Seconds rise from document to document, so this sign is the register's for ever. */
        char number[CHEK_KKM_NUMBER_SIZE];
        document->sign = (uint32_t)document->time_s;
        (void)snprintf(number, sizeof number, "%u", document->sign);
        chek_kkm_life_acknowledged(life, document, number);
    }
    life->ticket_left -= 1;
    return CHEK_KKM_STEP_DOCUMENT;
}

static enum chek_kkm_step
close_make(struct chek_kkm_life *life, struct chek_kkm_document *document)
{
    (void)document_begin(life, document, CHEK_KKM_CLOSE);
    document->withdraws = percent_chance(life, 50) && !document->is_offline;
    if (document->withdraws) {
        life->drawer = 0;
    }
    life->phase = PHASE_AFTER;
    return CHEK_KKM_STEP_DOCUMENT;
}

static enum chek_kkm_step
trade(struct chek_kkm_life *life, struct chek_kkm_document *document)
{
    uint32_t draw = (uint32_t)chek_prng_below(&life->prng, 100);
    if (draw < 4 && life->document_number != 0) {
        return CHEK_KKM_STEP_X;
    }
    if (draw < 7 && life->drawer > 1) {
        return placement_make(life, document, true, between(life, 1, life->drawer / 2));
    }
    if (draw < 9) {
        return placement_make(life, document, false, between(life, 1, 3000000));
    }
    return ticket_make(life, document);
}

enum chek_kkm_step
chek_kkm_life_next(struct chek_kkm_life *life, struct chek_kkm_document *document)
{
    for (;;) {
        switch (life->phase) {
        case PHASE_OPEN:
            life->phase = PHASE_TRADE;
            if (percent_chance(life, 60)) {
                return placement_make(life, document, false, between(life, 500000, 5000000));
            }
            break;
        case PHASE_TRADE:
            if (life->ticket_left != 0) {
                return trade(life, document);
            }
            life->phase = PHASE_EMPTY;
            break;
        case PHASE_EMPTY:
            life->phase = PHASE_CLOSE;
            if (life->drawer > 0 && percent_chance(life, 30)) {
                return placement_make(life, document, true, life->drawer);
            }
            break;
        case PHASE_CLOSE:
            return close_make(life, document);
        default:
            if (life->shift_index == life->options->shift_count) {
                return CHEK_KKM_STEP_END;
            }
            life->shift_index += 1;
            life->shift_number += 1;
            if (life->shift_index != life->options->shift_count) {
                shift_begin(life);
            }
            if (percent_chance(life, 30)) {
                return CHEK_KKM_STEP_Z;
            }
            break;
        }
    }
}

void
chek_kkm_life_acknowledged(struct chek_kkm_life *life, const struct chek_kkm_document *document,
                           const char *number)
{
    const struct chek_kkm_ticket *ticket = &document->ticket;
    if (document->kind != CHEK_KKM_TICKET ||
        (ticket->operation != CHEK_KKM_SELL && ticket->operation != CHEK_KKM_BUY)) {
        return;
    }
    struct chek_kkm_basis *basis = &life->bases[ticket->operation == CHEK_KKM_SELL ? 0 : 1];
    *basis = (struct chek_kkm_basis){
        .is_offline = document->is_offline,
        .percent = ticket->percent != CHEK_KKM_NO_TAX ? ticket->percent : ticket->items[0].percent,
        .time_s = document->time_s,
        .total = ticket->total,
    };
    (void)snprintf(basis->number, sizeof basis->number, "%s", number);
}

void
chek_kkm_life_close(struct chek_kkm_life *life)
{
    if (life->phase < PHASE_CLOSE) {
        life->phase = PHASE_CLOSE;
    }
}
