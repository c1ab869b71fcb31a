/* SPDX-License-Identifier: MIT */
/* naive_figures.c - named figures, and those that a report of the engine shows. */
#include "tools/verify/naive/naive_figures.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

static uint32_t
name_hash(const char *name)
{
    uint32_t hash = 5381;
    for (; *name != '\0'; name++) {
        hash = hash * 33 + (uint8_t)*name;
    }
    return hash;
}

/* The slot of a name, or the free one where it belongs. */
static uint32_t
slot_of(const struct chek_naive_figures *figures, const char *name)
{
    uint32_t at = name_hash(name) % CHEK_NAIVE_FIGURE_MAX;
    while (figures->slots[at].name[0] != '\0' && strcmp(figures->slots[at].name, name) != 0) {
        at = (at + 1) % CHEK_NAIVE_FIGURE_MAX;
    }
    return at;
}

void
naive__figures_clear(struct chek_naive_figures *figures)
{
    for (uint32_t i = 0; i < figures->count; i++) {
        figures->slots[figures->used[i]].name[0] = '\0';
        figures->slots[figures->used[i]].value = 0;
    }
    figures->count = 0;
    figures->overflow = false;
}

void
naive__add(struct chek_naive_figures *figures, chek_i128 value, const char *format, ...)
{
    char name[CHEK_NAIVE_NAME_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(name, sizeof name, format, arguments);
    va_end(arguments);
    uint32_t at = slot_of(figures, name);
    if (figures->slots[at].name[0] == '\0') {
        if (figures->count == CHEK_NAIVE_FIGURE_MAX - 1) {
            figures->overflow = true;
            return;
        }
        memcpy(figures->slots[at].name, name, sizeof name);
        figures->used[figures->count++] = at;
    }
    /* A damaged report may show any number: the sum wraps, and differs. */
    chek_i128 *sum = &figures->slots[at].value;
    if (__builtin_add_overflow(*sum, value, sum)) {
        figures->overflow = true;
    }
}

chek_i128
naive__value(const struct chek_naive_figures *figures, const char *name)
{
    return figures->slots[slot_of(figures, name)].value;
}

int64_t
chek_naive_value(const struct chek_naive_figures *figures, const char *name)
{
    return (int64_t)naive__value(figures, name);
}

static const char *
missing_in(const struct chek_naive_figures *a, const struct chek_naive_figures *b)
{
    for (uint32_t i = 0; i < a->count; i++) {
        const char *name = a->slots[a->used[i]].name;
        if (a->slots[a->used[i]].value != naive__value(b, name)) {
            return name;
        }
    }
    return NULL;
}

const char *
chek_naive_differs(const struct chek_naive_figures *a, const struct chek_naive_figures *b)
{
    if (a->overflow || b->overflow) {
        return "number of figures";
    }
    const char *name = missing_in(a, b);
    return name != NULL ? name : missing_in(b, a);
}

/* ---- what the engine shows -------------------------------------------------------------------- */

static void
read_operation(const struct chek_report_operation *from, struct chek_naive_figures *ret)
{
    unsigned op = from->operation;
    naive__add(ret, from->tickets, "tickets/%u", op);
    naive__add(ret, from->positions, "position.count/%u", op);
    naive__add(ret, from->gross, "position.sum/%u", op);
    naive__add(ret, from->net, "net/%u", op);
    naive__add(ret, from->change, "change/%u", op);
    naive__add(ret, from->offline, "offline/%u", op);
    naive__add(ret, from->ticket_discount, "ticket_discount/%u", op);
    naive__add(ret, from->ticket_markup, "ticket_markup/%u", op);
    if (from->discounts != NULL) {
        naive__add(ret, from->discounts->count, "discount.count/%u", op);
        naive__add(ret, from->discounts->sum, "discount.sum/%u", op);
    }
    if (from->markups != NULL) {
        naive__add(ret, from->markups->count, "markup.count/%u", op);
        naive__add(ret, from->markups->sum, "markup.sum/%u", op);
    }
    for (uint32_t i = 0; i < from->payments_count; i++) {
        naive__add(ret, from->payments[i].count, "payment.count/%u/%u", op, from->payments[i].kind);
        naive__add(ret, from->payments[i].sum, "payment.sum/%u/%u", op, from->payments[i].kind);
    }
}

static void
read_rows(const struct chek_report_row *rows, uint32_t count, const char *name,
          struct chek_naive_figures *ret)
{
    for (uint32_t i = 0; i < count; i++) {
        char key[80];
        naive__text(key, sizeof key, rows[i].other ? chek_bytes_view_text("*") : rows[i].key);
        naive__add(ret, rows[i].count, "%s.count/%s/%u", name, key, rows[i].operation);
        naive__add(ret, rows[i].sum, "%s.sum/%s/%u", name, key, rows[i].operation);
    }
}

static void
read_taxes(const struct chek_report *report, struct chek_naive_figures *ret)
{
    for (uint32_t i = 0; i < report->taxes_count; i++) {
        const struct chek_report_tax *tax = &report->taxes[i];
        char key[80];
        snprintf(key, sizeof key, "%u.%07u", tax->kind, tax->rate);
        if (tax->other) {
            snprintf(key, sizeof key, "*");
        }
        /* What is without tax follows from the other two. */
        naive__add(ret, (chek_i128)tax->turnover - tax->sum - tax->turnover_without_tax,
                   "tax.turnover_without_tax/%s/%u", key, tax->operation);
        naive__add(ret, tax->sum, "tax.sum/%s/%u", key, tax->operation);
        naive__add(ret, tax->turnover, "tax.turnover/%s/%u", key, tax->operation);
    }
}

void
chek_naive_read_report(const struct chek_report *report, struct chek_naive_figures *ret)
{
    naive__figures_clear(ret);
    for (uint32_t i = 0; i < report->operations_count; i++) {
        read_operation(&report->operations[i], ret);
    }
    read_rows(report->sections, report->sections_count, "section", ret);
    read_rows(report->operators, report->operators_count, "operator", ret);
    read_taxes(report, ret);
    for (uint32_t i = 0; i < report->movements_count; i++) {
        const struct chek_report_movement *movement = &report->movements[i];
        naive__add(ret, movement->count, "movement.count/%u", movement->direction);
        naive__add(ret, movement->offline, "movement.offline/%u", movement->direction);
        naive__add(ret, movement->sum, "movement.sum/%u", movement->direction);
    }
    for (uint32_t i = 0; i < report->start_count; i++) {
        naive__add(ret, report->start[i].sum, "start/%u", report->start[i].operation);
    }
    for (uint32_t i = 0; i < report->now_count; i++) {
        naive__add(ret, report->now[i].sum, "now/%u", report->now[i].operation);
    }
    naive__add(ret, report->cash, "cash");
    naive__add(ret, report->cash_start, "cash_start");
    naive__add(ret, report->revenue, "revenue");
    naive__add(ret, report->opened, "opened");
    naive__add(ret, report->closed, "closed");
    naive__add(ret, report->last, "last");
    naive__add(ret, report->documents, "documents");
    naive__add(ret, report->shift, "shift");
    naive__add(ret, report->revision, "revision");
}
