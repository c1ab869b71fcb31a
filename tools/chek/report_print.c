/* SPDX-License-Identifier: MIT */
#include "tools/chek/report_print.h"

#include <stdio.h>

#include "engine/base/decimal.h"
#include "engine/base/money.h"
#include "engine/base/utf8.h"
#include "tools/chek/text_table.h"

#define STRIP_WIDTH 64
#define LEFT_SIZE_MAX 160

/* ---- the strip -------------------------------------------------------------------------------- */

void
chek__strip(const char *left, const char *right)
{
    size_t width =
        chek_utf8_width(chek_bytes_view_text(left)) + chek_utf8_width(chek_bytes_view_text(right));
    int padding = width < STRIP_WIDTH ? (int)(STRIP_WIDTH - width) : 1;
    (void)printf("%s%*s%s\n", left, right[0] != 0 ? padding : 0, "", right);
}

void
chek__strip_view(const char *left, struct chek_bytes_view right)
{
    char text[LEFT_SIZE_MAX * 2];
    if (right.size == 0) {
        return;
    }
    right = chek_utf8_clip(right, sizeof text - 1);
    (void)snprintf(text, sizeof text, "%.*s", (int)right.size, (const char *)right.bytes);
    chek__strip(left, text);
}

void
chek__strip_rule(void)
{
    for (int i = 0; i < STRIP_WIDTH; i++) {
        (void)fputc('-', stdout);
    }
    (void)fputc('\n', stdout);
}

void
chek__strip_middle(struct chek_bytes_view text)
{
    size_t width = chek_utf8_width(text);
    if (text.size != 0) {
        int padding = width < STRIP_WIDTH ? (int)(STRIP_WIDTH - width) / 2 : 0;
        (void)printf("%*s%.*s\n", padding, "", (int)text.size, (const char *)text.bytes);
    }
}

static void
strip_money(const char *left, chek_i128 value, uint16_t currency)
{
    char text[TABLE_MONEY_TEXT_MAX];
    (void)chek__money_text(value, currency, text);
    chek__strip(left, text);
}

static void
strip_number(const char *left, uint64_t value)
{
    char text[TABLE_MONEY_TEXT_MAX];
    (void)chek__i128_text((chek_i128)value, 0, text);
    chek__strip(left, text);
}

static void
strip_time(const char *left, int64_t civil_s)
{
    char text[24];
    (void)chek__time_text(civil_s, text);
    chek__strip(left, text);
}

/* A count and a sum: "  card (12)          340.00"; nothing when both are zero. */
static void
strip_counted(const char *name, uint64_t count, chek_i128 sum, uint16_t currency)
{
    char left[LEFT_SIZE_MAX];
    if (count == 0 && sum == 0) {
        return;
    }
    (void)snprintf(left, sizeof left, "  %.100s (%llu)", name, (unsigned long long)count);
    strip_money(left, sum, currency);
}

/* ---- names ------------------------------------------------------------------------------------ */

const char *
chek__operation_name(uint8_t operation)
{
    static const char *const names[] = {"SALE", "RETURN OF SALE", "PURCHASE", "RETURN OF PURCHASE"};
    return operation < CHEK_COUNT(names) ? names[operation] : "?";
}

const char *
chek__payment_name(uint8_t kind)
{
    static const char *const names[] = {"cash",    "card",   "mobile", "credit",
                                        "advance", "barter", "tare",   "other"};
    return kind < CHEK_COUNT(names) ? names[kind] : "?";
}

void
chek__tax_name(uint8_t kind, uint32_t rate, char text[48])
{
    char percent[CHEK_DECIMAL_TEXT_MAX];
    (void)chek_decimal_write_short(rate, 3, percent);
    if (kind == CHEK_TAX_KIND_NONE) {
        (void)snprintf(text, 48, "no VAT");
    } else if (kind == CHEK_TAX_KIND_VAT) {
        (void)snprintf(text, 48, "VAT %s%%", percent);
    } else if (kind == CHEK_TAX_KIND_VAT_EXTRACTED) {
        char whole[CHEK_DECIMAL_TEXT_MAX];
        (void)chek_decimal_write_short((int64_t)rate + 100000, 3, whole);
        (void)snprintf(text, 48, "VAT %s/%s", percent, whole);
    } else {
        (void)snprintf(text, 48, "tax %s%%", percent);
    }
}

/* ---- sections of a report --------------------------------------------------------------------- */

static void
head_print(const struct chek_registered *whose, const struct chek_report *report)
{
    const struct chek_register *what = whose->profile;
    chek__strip_middle(what->organisation_name);
    chek__strip_middle(what->point_name);
    chek__strip_middle(what->address);
    chek__strip_rule();
    chek__strip_view("Organisation", what->organisation);
    chek__strip_view("Registration number",
                     chek__register_key(what, CHEK_KEY_KIND_REGISTRATION_NUMBER));
    chek__strip_view("Factory number", chek__register_key(what, CHEK_KEY_KIND_FACTORY_NUMBER));
    chek__strip_view("Fiscal drive (FN)", chek__register_key(what, CHEK_KEY_KIND_FISCAL_DRIVE));
    strip_number("Register", whose->registration);
    chek__strip_view("Trade point", report->point);
}

static void
operation_print(const struct chek_report_operation *what, uint16_t currency)
{
    char text[TABLE_MONEY_TEXT_MAX];
    (void)snprintf(text, sizeof text, "%llu tickets", (unsigned long long)what->tickets);
    chek__strip(chek__operation_name(what->operation), text);
    strip_number("  positions", what->positions);
    strip_money("  before discounts and markups", what->gross, currency);
    if (what->discounts != NULL) {
        strip_counted("discounts", what->discounts->count, -(chek_i128)what->discounts->sum,
                      currency);
    }
    if (what->markups != NULL) {
        strip_counted("markups", what->markups->count, what->markups->sum, currency);
    }
    strip_money("  total", what->net, currency);
    for (uint32_t i = 0; i < what->payments_count; i++) {
        const struct chek_report_payment *payment = &what->payments[i];
        strip_counted(chek__payment_name(payment->kind), payment->count, payment->sum, currency);
    }
    if (what->change != 0) {
        strip_money("  change given", what->change, currency);
    }
    if (what->offline != 0) {
        strip_number("  made offline", what->offline);
    }
}

static void
operations_print(const struct chek_report *report)
{
    for (uint32_t i = 0; i < report->operations_count; i++) {
        if (report->operations[i].tickets != 0) {
            chek__strip_rule();
            operation_print(&report->operations[i], report->currency);
        }
    }
}

static void
rows_print(const char *title, const char *unnamed, const struct chek_report_row *rows,
           uint32_t count, uint16_t currency)
{
    if (count != 0) {
        chek__strip_rule();
        chek__strip(title, "");
    }
    for (uint32_t i = 0; i < count; i++) {
        char left[LEFT_SIZE_MAX];
        const struct chek_report_row *row = &rows[i];
        struct chek_bytes_view key = chek_utf8_clip(row->key, 64);
        const char *name = row->other ? "all others" : unnamed;
        if (key.size != 0) {
            name = (const char *)key.bytes;
        }
        (void)snprintf(left, sizeof left, "%.*s, %s", key.size != 0 ? (int)key.size : 64, name,
                       chek__operation_name(row->operation));
        strip_counted(left, row->count, row->sum, currency);
    }
}

static void
taxes_print(const struct chek_report *report)
{
    if (report->taxes_count != 0) {
        chek__strip_rule();
        chek__strip("TAXES", "");
    }
    for (uint32_t i = 0; i < report->taxes_count; i++) {
        const struct chek_report_tax *tax = &report->taxes[i];
        char name[48];
        char left[LEFT_SIZE_MAX];
        chek__tax_name(tax->kind, tax->rate, name);
        (void)snprintf(left, sizeof left, "  %s, %s", tax->other ? "all others" : name,
                       chek__operation_name(tax->operation));
        strip_money(left, tax->sum, report->currency);
        strip_money("    turnover with tax", tax->turnover, report->currency);
        strip_money("    turnover without tax", tax->turnover_without_tax, report->currency);
    }
}

static void
cash_print(const struct chek_report *report)
{
    chek__strip_rule();
    for (uint32_t i = 0; i < report->movements_count; i++) {
        const struct chek_report_movement *movement = &report->movements[i];
        strip_counted(movement->direction == CHEK_DIRECTION_DEPOSIT ? "cash put in"
                                                                    : "cash taken out",
                      movement->count, movement->sum, report->currency);
    }
    strip_money("Cash in the drawer at the start", report->cash_start, report->currency);
    strip_money("Cash in the drawer", report->cash, report->currency);
    strip_money("REVENUE", report->revenue, report->currency);
}

static void
counters_print(const char *title, const struct chek_report_counter *counters, uint32_t count,
               uint16_t currency)
{
    if (count != 0) {
        chek__strip(title, "");
    }
    for (uint32_t i = 0; i < count; i++) {
        char left[LEFT_SIZE_MAX];
        (void)snprintf(left, sizeof left, "  %s", chek__operation_name(counters[i].operation));
        strip_money(left, counters[i].sum, currency);
    }
}

static void
body_print(const struct chek_report *report)
{
    operations_print(report);
    rows_print("SECTIONS", "(no section)", report->sections, report->sections_count,
               report->currency);
    rows_print("OPERATORS", "(no name)", report->operators, report->operators_count,
               report->currency);
    taxes_print(report);
}

/* A head is as wide as a strip, when it is in two lines. */
static void
chain_print(const struct chek_answer_report *answer)
{
    const struct chek_chain_reach *chain = answer->chain;
    chek__strip("Chained", answer->covered ? "yes" : "not yet");
    strip_number("Partition", chain->partition);
    strip_number("Rows of its chain", chain->rows);
    for (size_t i = 0; i < chain->head.size; i += 16) {
        char text[33];
        for (size_t j = 0; j < 16; j++) {
            (void)snprintf(text + 2 * j, 3, "%02x", chain->head.bytes[i + j]);
        }
        chek__strip_middle(chek_bytes_view_text(text));
    }
}

void
chek__report_print(const struct chek_registered *whose, const struct chek_answer_report *answer)
{
    const struct chek_report *report = answer->report;
    const struct chek_report *late = answer->late;
    head_print(whose, report);
    chek__strip_rule();
    chek__strip_middle(chek_bytes_view_text(report->closed == 0 ? "X REPORT" : "Z REPORT"));
    strip_number("Shift", report->shift);
    strip_time("Opened", report->opened);
    if (report->closed != 0) {
        strip_time("Closed", report->closed);
    }
    strip_time("Last document", report->last);
    strip_number("Documents", report->documents);
    chek__strip("Currency", chek_currency_name(report->currency));
    body_print(report);
    cash_print(report);
    chek__strip_rule();
    counters_print("NON-NULLABLE SUMS AT THE START", report->start, report->start_count,
                   report->currency);
    counters_print("NON-NULLABLE SUMS NOW", report->now, report->now_count, report->currency);
    if (late != NULL) {
        char text[64];
        chek__strip_rule();
        (void)snprintf(text, sizeof text, "AFTER THE CLOSE, REVISION %u", report->revision);
        chek__strip_middle(chek_bytes_view_text(text));
        body_print(late);
        chek__strip_rule();
        strip_money("Revenue after the close", late->revenue, report->currency);
    }
    chek__strip_rule();
    if (answer->chain != NULL) {
        chain_print(answer);
        chek__strip_rule();
    }
}
