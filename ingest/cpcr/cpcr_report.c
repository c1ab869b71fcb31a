/* SPDX-License-Identifier: MIT */
#include "ingest/cpcr/cpcr_report.h"

#include "engine/base/civil.h"

#define MINOR 100
#define TAX_TYPE_VAT 100
#define OTHER_SECTION "*" /* R65: sections beyond the cap, together */

/* ---- values ----------------------------------------------------------------------------------- */

Ingest__Money *
ingest__cpcr_amount(chek_i128 minor, struct chek_arena *arena)
{
    Ingest__Money *money = chek_arena_take(arena, sizeof *money);
    if (money == NULL) {
        return NULL;
    }
    ingest__money__init(money);
    chek_i128 amount = minor < 0 ? -minor : minor; /* R64 */
    money->has_bills = money->has_coins = 1;
    money->bills = amount / MINOR > UINT64_MAX ? UINT64_MAX : (uint64_t)(amount / MINOR);
    money->coins = (uint32_t)(amount % MINOR);
    return money;
}

Ingest__DateTime *
ingest__cpcr_when(int64_t civil, struct chek_arena *arena)
{
    struct chek_civil_parts parts = chek_civil_to_parts(civil);
    Ingest__DateTime *when = chek_arena_take(arena, sizeof *when);
    Ingest__Date *date = chek_arena_take(arena, sizeof *date);
    Ingest__Time *time = chek_arena_take(arena, sizeof *time);
    if (when == NULL || date == NULL || time == NULL) {
        return NULL;
    }
    ingest__date_time__init(when);
    ingest__date__init(date);
    ingest__time__init(time);
    date->has_year = date->has_month = date->has_day = 1;
    date->year = (uint32_t)parts.year;
    date->month = parts.month;
    date->day = parts.day;
    time->has_hour = time->has_minute = time->has_second = 1;
    time->hour = parts.hour;
    time->minute = parts.minute;
    time->second = parts.second;
    when->date = date;
    when->time = time;
    return when;
}

static uint32_t
count_of(uint64_t count)
{
    return count > UINT32_MAX ? UINT32_MAX : (uint32_t)count;
}

static Ingest__OperationType
operation_of(uint8_t operation)
{
    switch (operation) {
    case CHEK_OPERATION_SELL:
        return INGEST__OPERATION_TYPE__OPERATION_SELL;
    case CHEK_OPERATION_SELL_RETURN:
        return INGEST__OPERATION_TYPE__OPERATION_SELL_RETURN;
    case CHEK_OPERATION_BUY:
        return INGEST__OPERATION_TYPE__OPERATION_BUY;
    default:
        return INGEST__OPERATION_TYPE__OPERATION_BUY_RETURN;
    }
}

/* R66: kinds that the protocol has no name for are money that is no cash. */
static Ingest__PaymentType
payment_of(uint8_t kind)
{
    switch (kind) {
    case CHEK_PAYMENT_KIND_CASH:
        return INGEST__PAYMENT_TYPE__PAYMENT_CASH;
    case CHEK_PAYMENT_KIND_CREDIT:
        return INGEST__PAYMENT_TYPE__PAYMENT_CREDIT;
    case CHEK_PAYMENT_KIND_TARE:
        return INGEST__PAYMENT_TYPE__PAYMENT_TARE;
    case CHEK_PAYMENT_KIND_MOBILE:
        return INGEST__PAYMENT_TYPE__PAYMENT_MOBILE;
    default:
        return INGEST__PAYMENT_TYPE__PAYMENT_CARD;
    }
}

/* A list of pointers to structures, both in the arena; NULL when it is full. */
static void *
list_take(struct chek_arena *arena, size_t count, size_t size, uint8_t **ret_first)
{
    void *list = chek_arena_take(arena, (count + 1) * sizeof(void *));
    *ret_first = chek_arena_take(arena, (count + 1) * size);
    return list != NULL && *ret_first != NULL ? list : NULL;
}

/* ---- operations ------------------------------------------------------------------------------- */

/* One of the lists that have a count and a sum an operation. */
enum figure { FIGURE_GROSS, FIGURE_DISCOUNTS, FIGURE_MARKUPS, FIGURE_RESULT };

static void
figure_read(const struct chek_report_operation *from, enum figure figure, uint64_t *count,
            int64_t *sum)
{
    static const struct chek_sums nothing;
    const struct chek_sums *discounts = from->discounts != NULL ? from->discounts : &nothing;
    const struct chek_sums *markups = from->markups != NULL ? from->markups : &nothing;
    *count = from->positions;
    *sum = from->gross;
    if (figure == FIGURE_DISCOUNTS) {
        *count = discounts->count;
        *sum = discounts->sum;
    } else if (figure == FIGURE_MARKUPS) {
        *count = markups->count;
        *sum = markups->sum;
    } else if (figure == FIGURE_RESULT) {
        *sum = from->gross - discounts->sum + markups->sum;
    }
}

static bool
report_operation_set(Ingest__ReportOperation *to, uint8_t operation, uint64_t count, int64_t sum,
                     struct chek_arena *arena)
{
    ingest__report_operation__init(to);
    to->has_operation = to->has_count = 1;
    to->operation = operation_of(operation);
    to->count = count_of(count);
    to->sum = ingest__cpcr_amount(sum, arena);
    return to->sum != NULL;
}

/* A row that nothing happened in is left away, as registers expect it. (R62) */
static bool
figures_make(const struct chek_report *report, enum figure figure, struct chek_arena *arena,
             size_t *ret_count, Ingest__ReportOperation ***ret)
{
    uint8_t *first;
    Ingest__ReportOperation **list =
        list_take(arena, report->operations_count, sizeof(Ingest__ReportOperation), &first);
    size_t made = 0;
    if (list == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < report->operations_count; i++) {
        uint64_t count;
        int64_t sum;
        figure_read(&report->operations[i], figure, &count, &sum);
        list[made] = (void *)(first + made * sizeof(Ingest__ReportOperation));
        if (count == 0 && sum == 0) {
            continue;
        }
        if (!report_operation_set(list[made], report->operations[i].operation, count, sum, arena)) {
            return false;
        }
        made += 1;
    }
    *ret_count = made;
    *ret = list;
    return true;
}

static bool
payments_make(const struct chek_report_operation *from, struct chek_arena *arena,
              Ingest__TicketOperation *to)
{
    uint8_t *first;
    to->payments = list_take(arena, from->payments_count, sizeof(Ingest__ReportPayment), &first);
    if (to->payments == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < from->payments_count; i++) {
        Ingest__ReportPayment *payment = (void *)(first + i * sizeof *payment);
        ingest__report_payment__init(payment);
        payment->has_payment = payment->has_count = 1;
        payment->payment = payment_of(from->payments[i].kind);
        payment->count = count_of(from->payments[i].count);
        payment->sum = ingest__cpcr_amount(from->payments[i].sum, arena);
        to->payments[i] = payment;
        if (payment->sum == NULL) {
            return false;
        }
    }
    to->n_payments = from->payments_count;
    return true;
}

static bool
ticket_operation_set(Ingest__TicketOperation *to, const struct chek_report_operation *from,
                     uint64_t total_count, struct chek_arena *arena)
{
    ingest__ticket_operation__init(to);
    to->has_operation = to->has_tickets_total_count = to->has_tickets_count = 1;
    to->has_offline_count = 1;
    to->operation = operation_of(from->operation);
    to->tickets_total_count = count_of(total_count);
    to->tickets_count = count_of(from->tickets);
    to->offline_count = count_of(from->offline);
    to->tickets_sum = ingest__cpcr_amount(from->net, arena);
    to->discount_sum = ingest__cpcr_amount(from->ticket_discount, arena);
    to->markup_sum = ingest__cpcr_amount(from->ticket_markup, arena);
    to->change_sum = ingest__cpcr_amount(from->change, arena);
    return to->change_sum != NULL && payments_make(from, arena, to);
}

/* Operations of the shift, and those that only earlier shifts had. */
static bool
tickets_make(const struct chek_report *report, const struct chek_device_totals *totals,
             struct chek_arena *arena, Ingest__ZxReport *to)
{
    uint8_t *first;
    to->ticket_operations =
        list_take(arena, CHEK_OPERATION_COUNT, sizeof(Ingest__TicketOperation), &first);
    if (to->ticket_operations == NULL) {
        return false;
    }
    for (uint8_t operation = 0; operation < CHEK_OPERATION_COUNT; operation++) {
        struct chek_report_operation none = {.operation = operation};
        const struct chek_report_operation *from = &none;
        for (uint32_t i = 0; i < report->operations_count; i++) {
            from = report->operations[i].operation == operation ? &report->operations[i] : from;
        }
        if (from == &none && totals->tickets[operation] == 0) {
            continue;
        }
        Ingest__TicketOperation *made =
            (void *)(first + to->n_ticket_operations * sizeof(Ingest__TicketOperation));
        if (!ticket_operation_set(made, from, totals->tickets[operation], arena)) {
            return false;
        }
        to->ticket_operations[to->n_ticket_operations++] = made;
    }
    return true;
}

/* ---- sections, taxes -------------------------------------------------------------------------- */

/* Rows come in the order of their keys: a section is a run of them. */
static bool
sections_make(const struct chek_report *report, struct chek_arena *arena, Ingest__ZxReport *to)
{
    uint8_t *first;
    uint8_t *operations;
    size_t count = report->sections_count;
    const struct chek_report_row *before = NULL;
    Ingest__ReportSection *section = NULL;
    to->sections = list_take(arena, count, sizeof(Ingest__ReportSection), &first);
    Ingest__ReportOperation **list =
        list_take(arena, count, sizeof(Ingest__ReportOperation), &operations);
    if (to->sections == NULL || list == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct chek_report_row *row = &report->sections[i];
        if (before == NULL || before->other != row->other ||
            !chek_bytes_view_equal(before->key, row->key)) {
            struct chek_bytes_view key =
                row->other ? chek_bytes_view_text(OTHER_SECTION) : row->key;
            section = (void *)(first + to->n_sections * sizeof *section);
            ingest__report_section__init(section);
            section->has_section_code = 1;
            section->section_code =
                (ProtobufCBinaryData){key.size, (uint8_t *)(uintptr_t)key.bytes};
            section->operations = &list[i];
            to->sections[to->n_sections++] = section;
        }
        before = row;
        list[i] = (void *)(operations + i * sizeof(Ingest__ReportOperation));
        if (!report_operation_set(list[i], row->operation, row->count, row->sum, arena)) {
            return false;
        }
        section->n_operations += 1;
    }
    return true;
}

static bool
tax_operation_set(Ingest__ReportTaxOperation *to, const struct chek_report_tax *from,
                  struct chek_arena *arena)
{
    ingest__report_tax_operation__init(to);
    to->has_operation = 1;
    to->operation = operation_of(from->operation);
    to->turnover = ingest__cpcr_amount(from->turnover, arena);
    to->sum = ingest__cpcr_amount(from->sum, arena);
    to->turnover_without_tax = ingest__cpcr_amount(from->turnover_without_tax, arena);
    return to->turnover_without_tax != NULL;
}

/* The entry of a rate, made when it is met first. */
static Ingest__ReportTax *
tax_obtain(Ingest__ZxReport *to, uint32_t rate, uint8_t *first, Ingest__ReportTaxOperation **rows)
{
    for (size_t i = 0; i < to->n_taxes; i++) {
        if (to->taxes[i]->percent == rate) {
            return to->taxes[i];
        }
    }
    Ingest__ReportTax *tax = (void *)(first + to->n_taxes * sizeof *tax);
    ingest__report_tax__init(tax);
    tax->has_tax_type = tax->has_percent = 1;
    tax->tax_type = TAX_TYPE_VAT;
    tax->percent = rate;
    tax->operations = rows + to->n_taxes * CHEK_OPERATION_COUNT;
    to->taxes[to->n_taxes++] = tax;
    return tax;
}

/* R63: what no tax is on is not shown; a rate of 0 is. */
static bool
taxes_make(const struct chek_report *report, struct chek_arena *arena, Ingest__ZxReport *to)
{
    uint8_t *first;
    uint8_t *operations;
    size_t count = report->taxes_count;
    to->taxes = list_take(arena, count, sizeof(Ingest__ReportTax), &first);
    Ingest__ReportTaxOperation **rows = list_take(arena, count * CHEK_OPERATION_COUNT,
                                                  sizeof(Ingest__ReportTaxOperation), &operations);
    if (to->taxes == NULL || rows == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        const struct chek_report_tax *from = &report->taxes[i];
        if (from->kind != CHEK_TAX_KIND_VAT || from->other) {
            continue;
        }
        Ingest__ReportTax *tax = tax_obtain(to, from->rate, first, rows);
        Ingest__ReportTaxOperation *made = (void *)(operations + i * sizeof *made);
        if (tax->n_operations == CHEK_OPERATION_COUNT || !tax_operation_set(made, from, arena)) {
            return false;
        }
        tax->operations[tax->n_operations++] = made;
    }
    return true;
}

/* ---- the rest --------------------------------------------------------------------------------- */

static bool
counters_make(const struct chek_report_counter *from, size_t count, struct chek_arena *arena,
              size_t *ret_count, Ingest__NonNullableSum ***ret)
{
    uint8_t *first;
    Ingest__NonNullableSum **list = list_take(arena, count, sizeof(Ingest__NonNullableSum), &first);
    if (list == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        list[i] = (void *)(first + i * sizeof(Ingest__NonNullableSum));
        ingest__non_nullable_sum__init(list[i]);
        list[i]->has_operation = 1;
        list[i]->operation = operation_of(from[i].operation);
        list[i]->sum = ingest__cpcr_amount(from[i].sum, arena);
        if (list[i]->sum == NULL) {
            return false;
        }
    }
    *ret_count = count;
    *ret = list;
    return true;
}

static bool
placements_make(const struct chek_report *report, const struct chek_device_totals *totals,
                struct chek_arena *arena, Ingest__ZxReport *to)
{
    uint8_t *first;
    to->money_placements =
        list_take(arena, CHEK_DIRECTION_COUNT, sizeof(Ingest__MoneyPlacement), &first);
    if (to->money_placements == NULL) {
        return false;
    }
    for (uint8_t direction = 0; direction < CHEK_DIRECTION_COUNT; direction++) {
        struct chek_report_movement from = {.direction = direction};
        for (uint32_t i = 0; i < report->movements_count; i++) {
            from = report->movements[i].direction == direction ? report->movements[i] : from;
        }
        if (from.count == 0 && totals->movements[direction] == 0) {
            continue;
        }
        Ingest__MoneyPlacement *made = (void *)(first + to->n_money_placements * sizeof *made);
        ingest__money_placement__init(made);
        made->has_operation = made->has_operations_total_count = made->has_operations_count = 1;
        made->has_offline_count = 1;
        made->operation = direction == CHEK_DIRECTION_DEPOSIT
                              ? INGEST__MONEY_PLACEMENT_TYPE__MONEY_PLACEMENT_DEPOSIT
                              : INGEST__MONEY_PLACEMENT_TYPE__MONEY_PLACEMENT_WITHDRAWAL;
        made->operations_total_count = count_of(totals->movements[direction]);
        made->operations_count = count_of(from.count);
        made->offline_count = count_of(from.offline);
        made->operations_sum = ingest__cpcr_amount(from.sum, arena);
        if (made->operations_sum == NULL) {
            return false;
        }
        to->money_placements[to->n_money_placements++] = made;
    }
    return true;
}

static bool
head_make(const struct chek_report *report, int64_t when, struct chek_arena *arena,
          Ingest__ZxReport *to)
{
    to->has_shift_number = 1;
    to->shift_number = report->shift;
    to->date_time = ingest__cpcr_when(when, arena);
    to->open_shift_time = report->opened != 0 ? ingest__cpcr_when(report->opened, arena) : NULL;
    to->close_shift_time = report->closed != 0 ? ingest__cpcr_when(report->closed, arena) : NULL;
    to->cash_sum = ingest__cpcr_amount(report->cash > 0 ? report->cash : 0, arena);
    to->revenue = chek_arena_take(arena, sizeof *to->revenue);
    if (to->revenue == NULL) {
        return false;
    }
    ingest__revenue__init(to->revenue);
    to->revenue->has_is_negative = 1;
    to->revenue->is_negative = report->revenue < 0;
    to->revenue->sum = ingest__cpcr_amount(report->revenue, arena);
    return to->revenue->sum != NULL;
}

Ingest__ZxReport *
ingest__cpcr_zx(const struct chek_report *report, const struct chek_device_totals *totals,
                int64_t when, struct chek_arena *arena)
{
    Ingest__ZxReport *to = chek_arena_take(arena, sizeof *to);
    if (to == NULL) {
        return NULL;
    }
    ingest__zx_report__init(to);
    bool is_made =
        head_make(report, when, arena, to) && sections_make(report, arena, to) &&
        figures_make(report, FIGURE_GROSS, arena, &to->n_operations, &to->operations) &&
        figures_make(report, FIGURE_DISCOUNTS, arena, &to->n_discounts, &to->discounts) &&
        figures_make(report, FIGURE_MARKUPS, arena, &to->n_markups, &to->markups) &&
        figures_make(report, FIGURE_RESULT, arena, &to->n_total_result, &to->total_result) &&
        taxes_make(report, arena, to) && tickets_make(report, totals, arena, to) &&
        placements_make(report, totals, arena, to) &&
        counters_make(report->start, report->start_count, arena,
                      &to->n_start_shift_non_nullable_sums, &to->start_shift_non_nullable_sums) &&
        counters_make(report->now, report->now_count, arena, &to->n_non_nullable_sums,
                      &to->non_nullable_sums);
    return is_made ? to : NULL;
}
