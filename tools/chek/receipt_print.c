/* SPDX-License-Identifier: MIT */
#include "tools/chek/receipt_print.h"

#include <inttypes.h>
#include <stdio.h>

#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "engine/base/utf8.h"
#include "tools/chek/person_words.h"
#include "tools/chek/report_print.h"
#include "tools/chek/text_table.h"
#include "tools/chek/warning_text.h"

#define TEXT_SIZE 320

static const char *const form_names[] = {"RECEIPT", "STRICT FORM", "CORRECTION",
                                         "CORRECTION (STRICT FORM)"};
_Static_assert(CHEK_COUNT(form_names) == CHEK_FORM_COUNT, "every form has a name");

static void
amount(const char *left, int64_t value, uint16_t currency)
{
    char text[TABLE_MONEY_TEXT_MAX];
    (void)chek__money_text(value, currency, text);
    chek__strip(left, text);
}

static void
number(const char *left, uint64_t value)
{
    char text[32];
    if (value != 0) {
        (void)snprintf(text, sizeof text, "%" PRIu64, value);
        chek__strip(left, text);
    }
}

static void
taxes_print(const struct chek_tax *taxes, uint32_t count, const char *indent, uint16_t currency)
{
    for (uint32_t i = 0; i < count; i++) {
        char name[48];
        char left[TEXT_SIZE];
        chek__tax_name(taxes[i].kind, taxes[i].rate, name);
        (void)snprintf(left, sizeof left, "%s%s%s", indent, name, taxes[i].on_top ? " on top" : "");
        amount(left, taxes[i].sum, currency);
    }
}

static void
line_print(const struct chek_line *line, uint16_t currency)
{
    static const char *const kinds[] = {"", "discount ", "markup "};
    char left[TEXT_SIZE];
    char price[TABLE_MONEY_TEXT_MAX];
    char quantity[CHEK_DECIMAL_TEXT_MAX];
    struct chek_bytes_view name = chek_utf8_clip(line->name, CHEK_TEXT_SIZE_MAX);
    const char *kind = line->kind < CHEK_COUNT(kinds) ? kinds[line->kind] : "";

    (void)snprintf(left, sizeof left, "%s%s%.*s", line->storno ? "taken back: " : "", kind,
                   (int)name.size, (const char *)name.bytes);
    chek__strip(left, "");
    (void)chek__money_text(line->price, currency, price);
    (void)chek_decimal_write_short(line->quantity, 6, quantity);
    (void)snprintf(left, sizeof left, "  %s%s%.*s x %s", quantity, line->unit.size != 0 ? " " : "",
                   (int)line->unit.size, (const char *)line->unit.bytes, price);
    amount(left, line->storno ? -line->sum : line->sum, currency);
    taxes_print(line->taxes, line->taxes_count, "    ", currency);
}

static void
payments_print(const struct chek_receipt *receipt, uint16_t currency)
{
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        char left[TEXT_SIZE];
        (void)snprintf(left, sizeof left, "  %s", chek__payment_name(receipt->payments[i].kind));
        amount(left, receipt->payments[i].sum, currency);
    }
    if (receipt->taken != 0) {
        amount("  handed over", receipt->taken, currency);
    }
    if (receipt->change != 0) {
        amount("  change", receipt->change, currency);
    }
}

/* Who somebody is, where it was asked; else the subject, which is the same for the same person. */
static void
person_print(const char *left, const uint8_t subject[16], const struct chek__known *known)
{
    static const uint8_t nobody[16];
    char text[CHEK__PERSON_TEXT_SIZE];
    if (memcmp(subject, nobody, sizeof nobody) == 0) {
        return;
    }
    for (uint32_t i = 0; known != NULL && i < known->count; i++) {
        if (memcmp(known->persons[i].subject, subject, sizeof nobody) == 0) {
            chek__strip_view(left, chek__person_text(&known->persons[i], text));
            return;
        }
    }
    chek__subject_text(subject, text);
    chek__strip(left, text);
}

static void
persons_print(const struct chek_receipt *receipt, const struct chek__known *known)
{
    static const char *const names[] = {"Contact", "Taxpayer", "Name"};
    _Static_assert(CHEK_COUNT(names) == CHEK_PERSON_KIND_COUNT, "a name a kind");
    person_print("Buyer", receipt->subject, known);
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        const struct chek_person *person = &receipt->persons[i];
        person_print(names[person->kind % CHEK_PERSON_KIND_COUNT], person->subject, known);
    }
}

static void
receipt_print(const struct chek_receipt *receipt, uint16_t currency,
              const struct chek__known *known)
{
    char title[TEXT_SIZE];
    (void)snprintf(title, sizeof title, "%s, %s", form_names[receipt->form % CHEK_FORM_COUNT],
                   chek__operation_name(receipt->operation));
    chek__strip_middle(chek_bytes_view_text(title));
    chek__strip_view("Operator", receipt->operator);
    number("Number in the shift", receipt->number_in_shift);
    chek__strip_rule();
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        line_print(&receipt->lines[i], currency);
    }
    chek__strip_rule();
    if (receipt->discount != NULL) {
        amount("DISCOUNT", -receipt->discount->sum, currency);
    }
    if (receipt->markup != NULL) {
        amount("MARKUP", receipt->markup->sum, currency);
    }
    amount("TOTAL", receipt->total, currency);
    payments_print(receipt, currency);
    taxes_print(receipt->taxes, receipt->taxes_count, "", currency);
    chek__strip_rule();
    chek__strip_view("Fiscal drive (FN)", receipt->fiscal_drive);
    number("Document (FD)", receipt->document);
    number("Sign (FP)", receipt->sign);
    number("Autonomous sign", receipt->autonomous);
    persons_print(receipt, known);
}

static void
movement_print(const struct chek_movement *movement, uint16_t currency)
{
    bool in = movement->direction == CHEK_DIRECTION_DEPOSIT;
    chek__strip_middle(chek_bytes_view_text(in ? "CASH PUT IN" : "CASH TAKEN OUT"));
    chek__strip_view("Operator", movement->operator);
    amount("SUM", movement->sum, currency);
    number("Document", movement->document);
    number("Autonomous sign", movement->autonomous);
}

static void
close_print(const struct chek_close *close)
{
    chek__strip_middle(chek_bytes_view_text("CLOSE OF THE SHIFT"));
    chek__strip_view("Operator", close->operator);
    number("Document", close->document);
    number("Sign", close->sign);
}

static int64_t
time_of(const struct chek_stored *stored)
{
    return stored->receipt != NULL    ? stored->receipt->time
           : stored->movement != NULL ? stored->movement->time
           : stored->close != NULL    ? stored->close->time
                                      : 0;
}

/* What the engine added. */
static void
engine_print(const struct chek_stored *stored)
{
    char text[CHEK_CIVIL_TEXT_MAX];
    chek__strip_rule();
    (void)chek_civil_write_utc(stored->received, text);
    chek__strip("Received", text);
    number("Register", stored->registration);
    (void)snprintf(text, sizeof text, "%u", stored->ordinal);
    chek__strip("Ordinal", text);
    for (uint32_t i = 0; i < CHEK_WARNING_COUNT; i++) {
        if ((stored->warnings >> i & 1) != 0) {
            chek__strip("Note:", chek__warning_text(i));
        }
    }
}

void
chek__stored_print(const struct chek_registered *whose, const struct chek_stored *stored,
                   const struct chek__known *known)
{
    const struct chek_register *what = whose != NULL ? whose->profile : NULL;
    uint16_t currency = chek__register_currency(what);
    char text[24];

    if (what != NULL) {
        chek__strip_middle(what->organisation_name);
        chek__strip_middle(what->point_name);
        chek__strip_middle(what->address);
        chek__strip_view("Organisation", what->organisation);
        chek__strip_view("Registration number",
                         chek__register_key(what, CHEK_KEY_KIND_REGISTRATION_NUMBER));
    }
    (void)chek__time_text(time_of(stored), text);
    chek__strip("Time", text);
    number("Shift", stored->shift);
    chek__strip_rule();
    if (stored->receipt != NULL) {
        receipt_print(stored->receipt, currency, known);
    } else if (stored->movement != NULL) {
        movement_print(stored->movement, currency);
    } else if (stored->close != NULL) {
        close_print(stored->close);
    }
    engine_print(stored);
}

/* ---- what is not there any more --------------------------------------------------------------- */

void
chek__removed_note(const struct chek_stored_list *answer)
{
    char text[CHEK_CIVIL_TEXT_MAX];
    if (answer->removed == 0) {
        return;
    }
    (void)chek_civil_write_utc(answer->border, text);
    (void)fprintf(stderr,
                  "chek: documents received before %s were removed by retention and are not "
                  "listed; reports and sums have them\n",
                  text);
}
