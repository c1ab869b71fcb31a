/* SPDX-License-Identifier: MIT */
/*
 * ffd_counters.c - counters of a drive: element by element, then as a report.
 *
 * A walk shows what an element stands in, but not what that stands in; so the gathering remembers
 * the set of counters and the operation that began last. Elements come in their order, and a
 * counter of an operation stands nowhere but in one.
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
    TAG_CORRECTION_SUM = 1150,
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

static void
value_add(struct chek_ffd_counted *to, uint16_t tag, uint64_t value)
{
    if (tag == TAG_TICKETS) {
        add(&to->tickets, value);
    } else if (tag == TAG_TOTAL) {
        add(&to->total, value);
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

/* An element of the document itself: the set that what follows is in. */
static void
set_begin(struct chek_ffd_counters *counters, uint16_t tag)
{
    counters->at = NULL;
    counters->in = tag == TAG_SHIFT ? &counters->shift : tag == TAG_DRIVE ? &counters->drive : NULL;
    if (counters->in != NULL) {
        counters->in->stated = true;
    }
}

int
chek_ffd_counters_take(struct chek_ffd_counters *counters, const struct chek_ffd_element *element)
{
    uint32_t place = element->parent != NULL ? element->parent->inside : 0;
    uint8_t operation = operation_of(element->tag);
    uint64_t value = 0;
    if (element->depth == 0) {
        set_begin(counters, element->tag);
        return CHEK_OK;
    }
    if (counters->in == NULL || element->known == NULL) {
        return CHEK_OK;
    }
    if (operation < CHEK_OPERATION_COUNT) {
        counters->at = &counters->in->operations[operation];
        return CHEK_OK;
    }
    if (element->known->type == CHEK_FFD_NESTED) {
        counters->at = NULL;
        return CHEK_OK;
    }
    int error = chek_ffd_vln_read(element->value, &value);
    if (error != CHEK_OK) {
        return error;
    }
    if (place == CHEK_FFD_IN_OPERATION && counters->at != NULL) {
        value_add(counters->at, element->tag, value);
    } else if (place == CHEK_FFD_IN_CORRECTIONS && element->tag >= TAG_OWN_CORRECTIONS &&
               element->tag <= TAG_CORRECTION_SUM) {
        counters->in->unnamed = counters->in->unnamed || value != 0;
    }
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
        if ((from->said >> i & 1) == 0 || (taxes[i].basic && time >= YEAR_2026)) {
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
    bool has_shift = counters->shift.stated && !counters->shift.unnamed;
    bool has_drive = counters->drive.stated && !counters->drive.unnamed;
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
            operation_make(&counters->shift.operations[i], i, time, room, &report);
        }
        if (has_drive) {
            room->now[report.now_count++] = (struct chek_report_counter){
                .operation = i, .sum = (chek_i128)counters->drive.operations[i].total};
        }
    }
    struct chek_writer out = chek_writer_over(bytes, FIGURES_SIZE_MAX);
    chek_report_encode(&out, &report);
    CHEK_ASSERT(!out.full);
    *ret = chek_bytes_view_of(bytes, out.size);
    return CHEK_OK;
}
