/* SPDX-License-Identifier: MIT */
#include "tools/kkm/kkm_compare.h"

#include <stdio.h>

static const char *const operation_names[] = {"BUY", "BUY_RETURN", "SELL", "SELL_RETURN"};
static const char *const payment_names[] = {"CASH", "CARD", "CREDIT", "TARE", "MOBILE"};
static const char *const placement_names[] = {"DEPOSIT", "WITHDRAWAL"};

_Static_assert(CHEK_COUNT(operation_names) == CHEK_KKM_OPERATION_COUNT, "a name each");
_Static_assert(CHEK_COUNT(payment_names) == CHEK_KKM_PAYMENT_TYPE_COUNT, "a name each");

/* `part`, `row` and `column` name the figures that are compared at the moment. */
struct comparing {
    char *first;
    uint32_t count;
    const char *part;
    char row[32];
    const char *column;
};

static void
figure(struct comparing *comparing, const char *name, int64_t mine, int64_t theirs)
{
    if (mine == theirs) {
        return;
    }
    if (comparing->count == 0) {
        bool has_row = comparing->row[0] != 0;
        bool has_column = comparing->column[0] != 0;
        (void)snprintf(comparing->first, CHEK_KKM_DIFFERENCE_SIZE,
                       "%s%s%s%s%s%s%s%s: the register has %lld, the server %lld", comparing->part,
                       has_row ? "[" : "", comparing->row, has_row ? "]" : "",
                       has_column ? "." : "", comparing->column, name[0] != 0 ? "." : "", name,
                       (long long)mine, (long long)theirs);
    }
    comparing->count += 1;
}

static void
enter(struct comparing *comparing, const char *part, const char *row, const char *column)
{
    comparing->part = part;
    comparing->column = column;
    (void)snprintf(comparing->row, sizeof comparing->row, "%s", row);
}

static void
tallies(struct comparing *comparing, const char *part, const char *row,
        const struct chek_kkm_tally *mine, const struct chek_kkm_tally *theirs)
{
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        enter(comparing, part, row, operation_names[i]);
        figure(comparing, "count", mine[i].count, theirs[i].count);
        figure(comparing, "sum", mine[i].sum, theirs[i].sum);
    }
}

static const struct chek_kkm_section_row *
section_find(const struct chek_kkm_totals *totals, const char *code)
{
    static const struct chek_kkm_section_row none;
    for (uint32_t i = 0; i < totals->section_count; i++) {
        if (strcmp(totals->sections[i].code, code) == 0) {
            return &totals->sections[i];
        }
    }
    return &none;
}

static void
sections(struct comparing *comparing, const struct chek_kkm_totals *mine,
         const struct chek_kkm_totals *theirs)
{
    for (uint32_t i = 0; i < mine->section_count; i++) {
        const struct chek_kkm_section_row *row = &mine->sections[i];
        tallies(comparing, "sections", row->code, row->operations,
                section_find(theirs, row->code)->operations);
    }
    for (uint32_t i = 0; i < theirs->section_count; i++) {
        const struct chek_kkm_section_row *row = &theirs->sections[i];
        const struct chek_kkm_section_row *own = section_find(mine, row->code);
        if (own->code[0] == 0) {
            tallies(comparing, "sections", row->code, own->operations, row->operations);
        }
    }
}

static const struct chek_kkm_tax_row *
tax_find(const struct chek_kkm_totals *totals, const struct chek_kkm_tax_row *key)
{
    for (uint32_t i = 0; i < totals->tax_count; i++) {
        if (totals->taxes[i].type == key->type && totals->taxes[i].percent == key->percent) {
            return &totals->taxes[i];
        }
    }
    return NULL;
}

static void
tax_row(struct comparing *comparing, const struct chek_kkm_tax_row *key,
        const struct chek_kkm_tax_row *mine, const struct chek_kkm_tax_row *theirs)
{
    static const struct chek_kkm_tax_row none;
    char row[32];
    mine = mine != NULL ? mine : &none;
    theirs = theirs != NULL ? theirs : &none;
    (void)snprintf(row, sizeof row, "%u/%u", key->type, key->percent);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        const struct chek_kkm_tax_sums *own = &mine->operations[i];
        const struct chek_kkm_tax_sums *other = &theirs->operations[i];
        enter(comparing, "taxes", row, operation_names[i]);
        figure(comparing, "turnover", own->turnover, other->turnover);
        figure(comparing, "sum", own->sum, other->sum);
        figure(comparing, "turnover_without_tax", own->turnover_without_tax,
               other->turnover_without_tax);
    }
}

static void
taxes(struct comparing *comparing, const struct chek_kkm_totals *mine,
      const struct chek_kkm_totals *theirs)
{
    for (uint32_t i = 0; i < mine->tax_count; i++) {
        const struct chek_kkm_tax_row *row = &mine->taxes[i];
        tax_row(comparing, row, row, tax_find(theirs, row));
    }
    for (uint32_t i = 0; i < theirs->tax_count; i++) {
        const struct chek_kkm_tax_row *row = &theirs->taxes[i];
        if (tax_find(mine, row) == NULL) {
            tax_row(comparing, row, NULL, row);
        }
    }
}

static void
tickets(struct comparing *comparing, const struct chek_kkm_ticket_row *mine,
        const struct chek_kkm_ticket_row *theirs)
{
    figure(comparing, "tickets_total_count", mine->total_count, theirs->total_count);
    figure(comparing, "tickets_count", mine->count, theirs->count);
    figure(comparing, "tickets_sum", mine->sum, theirs->sum);
    figure(comparing, "offline_count", mine->offline_count, theirs->offline_count);
    figure(comparing, "discount_sum", mine->discount_sum, theirs->discount_sum);
    figure(comparing, "markup_sum", mine->markup_sum, theirs->markup_sum);
    figure(comparing, "change_sum", mine->change_sum, theirs->change_sum);
    for (int i = 0; i < CHEK_KKM_PAYMENT_TYPE_COUNT; i++) {
        comparing->column = payment_names[i];
        figure(comparing, "count", mine->payments[i].count, theirs->payments[i].count);
        figure(comparing, "sum", mine->payments[i].sum, theirs->payments[i].sum);
    }
}

static void
placements(struct comparing *comparing, const struct chek_kkm_placement_row *mine,
           const struct chek_kkm_placement_row *theirs)
{
    for (int i = 0; i < 2; i++) {
        enter(comparing, "money_placements", placement_names[i], "");
        figure(comparing, "operations_total_count", mine[i].total_count, theirs[i].total_count);
        figure(comparing, "operations_count", mine[i].count, theirs[i].count);
        figure(comparing, "operations_sum", mine[i].sum, theirs[i].sum);
        figure(comparing, "offline_count", mine[i].offline_count, theirs[i].offline_count);
    }
}

/* NOLINTBEGIN(readability-non-const-parameter): `first` is written by way of `comparing` */
uint32_t
chek_kkm_compare(const struct chek_kkm_totals *mine, const struct chek_kkm_totals *theirs,
                 char first[CHEK_KKM_DIFFERENCE_SIZE])
{
    struct comparing comparing = {.first = first};

    enter(&comparing, "shift_number", "", "");
    figure(&comparing, "", mine->shift_number, theirs->shift_number);
    sections(&comparing, mine, theirs);
    tallies(&comparing, "operations", "", mine->operations, theirs->operations);
    tallies(&comparing, "discounts", "", mine->discounts, theirs->discounts);
    tallies(&comparing, "markups", "", mine->markups, theirs->markups);
    tallies(&comparing, "total_result", "", mine->total_result, theirs->total_result);
    taxes(&comparing, mine, theirs);
    for (int i = 0; i < CHEK_KKM_OPERATION_COUNT; i++) {
        enter(&comparing, "ticket_operations", operation_names[i], "");
        tickets(&comparing, &mine->tickets[i], &theirs->tickets[i]);
        enter(&comparing, "start_shift_non_nullable_sums", operation_names[i], "");
        figure(&comparing, "", mine->start_non_nullable[i], theirs->start_non_nullable[i]);
        enter(&comparing, "non_nullable_sums", operation_names[i], "");
        figure(&comparing, "", mine->non_nullable[i], theirs->non_nullable[i]);
    }
    placements(&comparing, mine->placements, theirs->placements);
    enter(&comparing, "cash_sum", "", "");
    figure(&comparing, "", mine->cash_sum, theirs->cash_sum);
    enter(&comparing, "revenue", "", "");
    figure(&comparing, "", mine->revenue, theirs->revenue);
    enter(&comparing, "open_shift_time", "", "");
    figure(&comparing, "", mine->open_s, theirs->open_s);
    enter(&comparing, "close_shift_time", "", "");
    figure(&comparing, "", mine->close_s, theirs->close_s);
    return comparing.count;
}
/* NOLINTEND(readability-non-const-parameter) */
