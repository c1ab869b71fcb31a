/* SPDX-License-Identifier: MIT */
/*
 * ffd_counters.c - counters of a drive: element by element, then as a report.
 *
 * A walk shows what an element stands in, but not what that stands in; so the gathering remembers
 * the set of counters and the operation that began last. Elements come in their order, and a
 * counter of an operation stands nowhere but in one. It remembers them by number: a gathering may
 * be copied.
 */
#include "ingest/ffd_counters.h"

#include "engine/base/assertion.h"
#include "engine/base/limits.h"
#include "ingest/fns_raw.h"

#define FIGURES_SIZE_MAX 4096 /* what is in a report of four operations takes half of it at most */
#define YEAR_2026 INT64_C(1767225600) /* from then on the basic rate is 22 % */

enum {
    TAG_FIRST_OPERATION = 1129,
    TAG_LAST_OPERATION = 1132,
    TAG_TICKETS = 1135,
    TAG_SELL_CORRECTION = 1145,
    TAG_BUY_CORRECTION = 1146,
    TAG_OWN_CORRECTIONS = 1148,
    TAG_ORDERED_CORRECTIONS = 1149,
    TAG_CORRECTION_SUM = 1150,
    TAG_CORRECTION_TAX_FIRST = 1151,
    TAG_CORRECTION_TAX_LAST = 1155,
    TAG_DRIVE = 1157,
    TAG_SHIFT = 1194,
    TAG_TOTAL = 1201,
    TAG_SELL_RETURN_CORRECTION = 1232,
    TAG_BUY_RETURN_CORRECTION = 1233
};

static const struct {
    uint16_t tag;
    uint8_t kind;
} payments[CHEK_FFD_COUNTED_PAYMENTS] = {
    {1136, CHEK_PAYMENT_KIND_CASH},      {1138, CHEK_PAYMENT_KIND_CARD},
    {1218, CHEK_PAYMENT_KIND_PREPAID},   {1219, CHEK_PAYMENT_KIND_CREDIT},
    {1220, CHEK_PAYMENT_KIND_PROVISION},
};

/* Counters of taxes, and the VAT code (1199) that each is of. */
static const struct {
    uint16_t tag;
    uint8_t code;
    bool basic;
} taxes[CHEK_FFD_COUNTED_TAXES] = {
    {1139, 1, true},
    {1140, 2, false},
    {1141, 3, true},
    {1142, 4, false},
};

_Static_assert(CHEK_OPERATION_SELL == 0 && CHEK_OPERATION_SELL_RETURN == 1 &&
                   CHEK_OPERATION_BUY == 2 && CHEK_OPERATION_BUY_RETURN == 3,
               "in the order of their tags");

/* The operation that an element is of; CHEK_OPERATION_COUNT: none. */
static uint8_t
operation_of(uint16_t tag)
{
    switch (tag) {
    case TAG_SELL_CORRECTION:
        return CHEK_OPERATION_SELL;
    case TAG_SELL_RETURN_CORRECTION:
        return CHEK_OPERATION_SELL_RETURN;
    case TAG_BUY_CORRECTION:
        return CHEK_OPERATION_BUY;
    case TAG_BUY_RETURN_CORRECTION:
        return CHEK_OPERATION_BUY_RETURN;
    default:
        return tag >= TAG_FIRST_OPERATION && tag <= TAG_LAST_OPERATION
                   ? (uint8_t)(tag - TAG_FIRST_OPERATION)
                   : CHEK_OPERATION_COUNT;
    }
}

static void
add(uint64_t *to, uint64_t value)
{
    uint64_t sum = 0;
    bool wraps = __builtin_add_overflow(*to, value, &sum);
    *to = wraps || sum > INT64_MAX ? INT64_MAX : sum;
}

/* The count of an operation. That of its corrections may be said by their reasons instead, or also:
 * it is counted once, whichever comes first. (C2) */
static void
tickets_add(struct chek_ffd_counters *counters, struct chek_ffd_counted *to, uint16_t tag,
            uint64_t value)
{
    if (tag == TAG_TICKETS) {
        to->tickets -= counters->by_reason;
        counters->by_reason = 0;
        counters->has_tickets = true;
        add(&to->tickets, value);
    } else if (!counters->has_tickets) {
        uint64_t before = to->tickets;
        add(&to->tickets, value);
        counters->by_reason += to->tickets - before;
    }
}

static void
value_add(struct chek_ffd_counters *counters, struct chek_ffd_counted *to, uint16_t tag,
          uint64_t value)
{
    if (tag == TAG_TICKETS || tag == TAG_OWN_CORRECTIONS || tag == TAG_ORDERED_CORRECTIONS) {
        tickets_add(counters, to, tag, value);
    } else if (tag == TAG_TOTAL) {
        add(&to->total, value);
    } else if (tag >= TAG_CORRECTION_TAX_FIRST && tag <= TAG_CORRECTION_TAX_LAST) {
        to->untaxed = to->untaxed || value != 0;
    }
    for (unsigned i = 0; i < CHEK_FFD_COUNTED_PAYMENTS; i++) {
        if (payments[i].tag == tag) {
            add(&to->payments[i], value);
        }
    }
    for (unsigned i = 0; i < CHEK_FFD_COUNTED_TAXES; i++) {
        if (taxes[i].tag == tag) {
            add(&to->taxes[i], value);
            to->said |= UINT32_C(1) << i;
        }
    }
}

void
chek_ffd_counters_set(struct chek_ffd_counters *counters, uint16_t tag)
{
    counters->at = 0;
    counters->in = tag == TAG_SHIFT   ? CHEK_FFD_OF_SHIFT + 1
                   : tag == TAG_DRIVE ? CHEK_FFD_OF_DRIVE + 1
                                      : 0;
    if (counters->in != 0) {
        counters->sets[counters->in - 1].stated = true;
    }
}

void
chek_ffd_counters_operation(struct chek_ffd_counters *counters, uint16_t tag)
{
    uint8_t operation = operation_of(tag);
    counters->at = operation < CHEK_OPERATION_COUNT ? operation + 1u : 0;
    counters->has_tickets = false;
    counters->by_reason = 0;
}

void
chek_ffd_counters_add(struct chek_ffd_counters *counters, uint16_t tag, uint64_t value)
{
    if (counters->in == 0) {
        return;
    }
    struct chek_ffd_counter_set *set = &counters->sets[counters->in - 1];
    if (counters->at != 0) {
        value_add(counters, &set->operations[counters->at - 1], tag, value);
    } else if (tag >= TAG_OWN_CORRECTIONS && tag <= TAG_CORRECTION_SUM) {
        set->unnamed = set->unnamed || value != 0;
    }
}

int
chek_ffd_counters_take(struct chek_ffd_counters *counters, const struct chek_ffd_element *element)
{
    uint32_t place = element->parent != NULL ? element->parent->inside : 0;
    uint64_t value = 0;
    if (element->depth == 0) {
        chek_ffd_counters_set(counters, element->tag);
        return CHEK_OK;
    }
    if (counters->in == 0 || element->known == NULL) {
        return CHEK_OK;
    }
    if (element->known->type == CHEK_FFD_NESTED) {
        chek_ffd_counters_operation(counters, element->tag);
        return CHEK_OK;
    }
    int error = chek_ffd_vln_read(element->value, &value);
    if (error != CHEK_OK) {
        return error;
    }
    if (place != CHEK_FFD_IN_OPERATION) {
        counters->at = 0; /* what stands behind an operation is not of it */
    }
    chek_ffd_counters_add(counters, element->tag, value);
    return CHEK_OK;
}

/* ---- as a report ------------------------------------------------------------------------------ */

/* Room for what a report refers to. */
struct figures {
    struct chek_report_operation operations[CHEK_OPERATION_COUNT];
    struct chek_report_payment payments[CHEK_OPERATION_COUNT][CHEK_FFD_COUNTED_PAYMENTS];
    struct chek_report_tax taxes[CHEK_OPERATION_COUNT * CHEK_FFD_COUNTED_TAXES];
    struct chek_report_counter now[CHEK_OPERATION_COUNT];
};

static void
operation_make(const struct chek_ffd_counted *from, uint8_t operation, int64_t time,
               struct figures *room, struct chek_report *report)
{
    for (unsigned i = 0; i < CHEK_FFD_COUNTED_PAYMENTS; i++) {
        room->payments[operation][i] = (struct chek_report_payment){
            .kind = payments[i].kind, .sum = (int64_t)from->payments[i]};
    }
    room->operations[report->operations_count++] =
        (struct chek_report_operation){.operation = operation,
                                       .tickets = from->tickets,
                                       .net = (int64_t)from->total,
                                       .payments = room->payments[operation],
                                       .payments_count = CHEK_FFD_COUNTED_PAYMENTS};
    for (unsigned i = 0; i < CHEK_FFD_COUNTED_TAXES; i++) {
        bool unsure = from->untaxed || (taxes[i].basic && time >= YEAR_2026);
        if ((from->said >> i & 1) == 0 || unsure) {
            continue;
        }
        struct ingest__fns_rate rate = ingest__fns_rate_of(taxes[i].code, time);
        room->taxes[report->taxes_count++] =
            (struct chek_report_tax){.kind = rate.kind,
                                     .rate = rate.rate,
                                     .operation = operation,
                                     .sum = (int64_t)from->taxes[i]};
    }
}

int
chek_ffd_counters_figures(const struct chek_ffd_counters *counters, int64_t time,
                          struct chek_arena *arena, struct chek_bytes_view *ret)
{
    const struct chek_ffd_counter_set *shift = &counters->sets[CHEK_FFD_OF_SHIFT];
    const struct chek_ffd_counter_set *drive = &counters->sets[CHEK_FFD_OF_DRIVE];
    bool has_shift = shift->stated && !shift->unnamed;
    bool has_drive = drive->stated && !drive->unnamed;
    if (!has_shift && !has_drive) {
        *ret = (struct chek_bytes_view){0};
        return CHEK_OK;
    }
    struct figures *room = chek_arena_take(arena, sizeof *room);
    uint8_t *bytes = chek_arena_take(arena, FIGURES_SIZE_MAX);
    if (room == NULL || bytes == NULL) {
        return CHEK_E_LIMIT;
    }
    struct chek_report report = {.counters_only = true,
                                 .operations = room->operations,
                                 .taxes = room->taxes,
                                 .now = room->now};
    for (uint8_t i = 0; i < CHEK_OPERATION_COUNT; i++) {
        if (has_shift) {
            operation_make(&shift->operations[i], i, time, room, &report);
        }
        if (has_drive) {
            room->now[report.now_count++] = (struct chek_report_counter){
                .operation = i, .sum = (chek_i128)drive->operations[i].total};
        }
    }
    struct chek_writer out = chek_writer_over(bytes, FIGURES_SIZE_MAX);
    chek_report_encode(&out, &report);
    CHEK_ASSERT(!out.full);
    *ret = chek_bytes_view_of(bytes, out.size);
    return CHEK_OK;
}
