/* SPDX-License-Identifier: MIT */
/*
 * check.c - the rules C1.. of README.md, one small function each.
 *
 * A document may come from an adapter that built it in memory, so the ranges that the decoder
 * checks are checked here again: what passes is safe to add up whoever made it.
 */
#include "engine/fiscal/check.h"

#include <string.h>

#include "engine/base/civil.h"
#include "engine/base/money.h"
#include "engine/fiscal/check_digits.h"
#include "engine/fiscal/plausible.h"

#define ROUNDING_MAX 100     /* C10: a total may be rounded down by less than this */
#define ZONE_MINUTES_MAX 840 /* UTC+14 */
#define TAX_SUM_COUNT 2      /* turnover and sum */
#define CURRENCY_DEFAULT 398
#define SECTION_SIZE_MAX 32 /* C4: texts that shift cells keep */
#define OPERATOR_SIZE_MAX 64

/* Absolute sums of one document fit 64 bits, however lines and taxes are arranged. */
_Static_assert(CHEK_MONEY_MAX <=
                   INT64_MAX / (CHEK_LINE_COUNT_MAX + 8) / (CHEK_TAX_COUNT_MAX * TAX_SUM_COUNT + 1),
               "a document's sums");

static int
refuse(struct chek_fault *fault, int code, uint16_t field, uint32_t index)
{
    if (fault != NULL) {
        *fault = (struct chek_fault){.code = code, .field = field, .index = (uint16_t)index};
    }
    return code;
}

static int
money_check(int64_t amount, uint16_t field, uint32_t index, struct chek_fault *fault)
{
    return chek_money_is_valid(amount) ? CHEK_OK : refuse(fault, CHEK_E_RANGE, field, index);
}

static int
time_check(int64_t time, uint16_t field, struct chek_fault *fault)
{
    return chek_civil_is_valid(time) ? CHEK_OK : refuse(fault, CHEK_E_DATE, field, 0);
}

/*
 * C17: a register signed it itself, or made it without connection, so the paper is out and no rule can
 * take it back.
 */
static bool
is_on_paper(const struct chek_receipt *receipt)
{
    return receipt->autonomous != 0 || receipt->offline;
}

/* ---- taxes ----------------------------------------------------------------------------------- */

static int
tax_check(const struct chek_tax *tax, uint32_t index, struct chek_fault *fault)
{
    if (tax->kind >= CHEK_TAX_KIND_COUNT) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_TAX_KIND, index);
    }
    if (tax->rate > CHEK_RATE_MAX || (tax->kind == CHEK_TAX_KIND_NONE && tax->rate != 0)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_TAX_RATE, index);
    }
    if (!chek_money_is_valid(tax->sum) || (tax->kind == CHEK_TAX_KIND_NONE && tax->sum != 0)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_TAX_SUM, index);
    }
    return money_check(tax->turnover, CHEK_FIELD_TAX_TURNOVER, index, fault);
}

/* C4, C11: a list of taxes; `field` is the list's, `index` the place of what carries it. */
static int
taxes_check(const struct chek_tax *taxes, uint32_t count, uint16_t field, uint32_t index,
            struct chek_fault *fault)
{
    if (count > CHEK_TAX_COUNT_MAX) {
        return refuse(fault, CHEK_E_LIMIT, field, index);
    }
    int error = CHEK_OK;
    for (uint32_t i = 0; i < count && error == CHEK_OK; i++) {
        error = tax_check(&taxes[i], i, fault);
    }
    return error;
}

static int
modifier_check(const struct chek_modifier *modifier, uint16_t field, struct chek_fault *fault)
{
    if (modifier == NULL) {
        return CHEK_OK;
    }
    if (!chek_money_is_valid(modifier->sum)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_MODIFIER_SUM, 0);
    }
    return taxes_check(modifier->taxes, modifier->taxes_count, field, 0, fault);
}

/* C8, C9: what excludes what. */
static int
modifiers_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    if (receipt->discount != NULL && receipt->markup != NULL && !is_on_paper(receipt)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_MARKUP, 0);
    }
    int error = modifier_check(receipt->discount, CHEK_FIELD_RECEIPT_DISCOUNT, fault);
    return error == CHEK_OK ? modifier_check(receipt->markup, CHEK_FIELD_RECEIPT_MARKUP, fault)
                            : error;
}

/* ---- lines ----------------------------------------------------------------------------------- */

/* C12: the sum of a line stands, whatever price and quantity say, but they must be real. */
static int
line_product_check(const struct chek_line *line, uint32_t index, struct chek_fault *fault)
{
    if (!chek_money_is_valid(line->price)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_LINE_PRICE, index);
    }
    if (line->quantity < 0 || line->quantity > CHEK_QUANTITY_MAX) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_LINE_QUANTITY, index);
    }
    int64_t product;
    if (chek_money_line_sum(line->price, line->quantity, &product) != CHEK_OK) {
        return refuse(fault, CHEK_E_OVERFLOW, CHEK_FIELD_LINE_QUANTITY, index);
    }
    return CHEK_OK;
}

static int
line_check(const struct chek_receipt *receipt, uint32_t index, struct chek_fault *fault)
{
    const struct chek_line *line = &receipt->lines[index];
    if (line->kind >= CHEK_LINE_KIND_COUNT) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_LINE_KIND, index);
    }
    if (!chek_money_is_valid(line->sum)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_LINE_SUM, index);
    }
    if (line->taxes_count != 0 && receipt->taxes_count != 0 && !is_on_paper(receipt)) {
        return refuse(fault, CHEK_E_TAXES_MIXED, CHEK_FIELD_LINE_TAXES, index);
    }
    if (line->section.size > SECTION_SIZE_MAX) {
        return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_LINE_SECTION, index);
    }
    int error = line_product_check(line, index, fault);
    return error == CHEK_OK
               ? taxes_check(line->taxes, line->taxes_count, CHEK_FIELD_LINE_TAXES, index, fault)
               : error;
}

/* The total that follows from lines and the modifier of the ticket. */
static int64_t
lines_total(const struct chek_receipt *receipt)
{
    int64_t total = 0;
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        const struct chek_line *line = &receipt->lines[i];
        bool takes_off = (line->kind == CHEK_LINE_KIND_DISCOUNT) != line->storno;
        total += takes_off ? -line->sum : line->sum;
    }
    total -= receipt->discount != NULL ? receipt->discount->sum : 0;
    return total + (receipt->markup != NULL ? receipt->markup->sum : 0);
}

/* C10: lines and total agree. */
static int
lines_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    if (receipt->lines_count > CHEK_LINE_COUNT_MAX) {
        return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_LINES, 0);
    }
    for (uint32_t i = 0; i < receipt->lines_count; i++) {
        int error = line_check(receipt, i, fault);
        if (error != CHEK_OK) {
            return error;
        }
    }
    if (receipt->lines_count == 0 || is_on_paper(receipt)) {
        return CHEK_OK;
    }
    int64_t difference = lines_total(receipt) - receipt->total;
    if (difference < 0 || difference >= ROUNDING_MAX) {
        return refuse(fault, CHEK_E_TOTAL_MISMATCH, CHEK_FIELD_RECEIPT_TOTAL, 0);
    }
    return CHEK_OK;
}

/* ---- payments -------------------------------------------------------------------------------- */

static int
payment_list_check(const struct chek_receipt *receipt, int64_t *sum, int64_t *cash,
                   struct chek_fault *fault)
{
    uint32_t kinds = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        const struct chek_payment *payment = &receipt->payments[i];
        if (payment->kind >= CHEK_PAYMENT_KIND_COUNT || (kinds >> payment->kind & 1) != 0) {
            return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_KIND, i);
        }
        if (!chek_money_is_valid(payment->sum)) {
            return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_PAYMENT_SUM, i);
        }
        kinds |= UINT32_C(1) << payment->kind;
        *sum += payment->sum;
        *cash += payment->kind == CHEK_PAYMENT_KIND_CASH ? payment->sum : 0;
    }
    return CHEK_OK;
}

/* C6, C7: payments come to the total, or to the total and the change given back from cash. */
static int
payments_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    if (receipt->payments_count > CHEK_PAYMENT_COUNT_MAX) {
        return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_PAYMENTS, 0);
    }
    if (receipt->payments_count == 0) {
        return CHEK_OK;
    }
    int64_t sum = 0;
    int64_t cash = 0;
    int error = payment_list_check(receipt, &sum, &cash, fault);
    if (error != CHEK_OK) {
        return error;
    }
    if (is_on_paper(receipt)) {
        return CHEK_OK;
    }
    if (sum != receipt->total && sum != receipt->total + receipt->change) {
        return refuse(fault, CHEK_E_TOTAL_MISMATCH, CHEK_FIELD_RECEIPT_PAYMENTS, 0);
    }
    if (receipt->change != 0 && (cash == 0 || (sum != receipt->total && receipt->change > cash))) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_CHANGE, 0);
    }
    return CHEK_OK;
}

/* ---- documents ------------------------------------------------------------------------------- */

/* C5: nothing sold for nothing is no receipt; goods given away for nothing are one. */
static int
receipt_amounts_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    bool is_empty = receipt->total == 0 && receipt->lines_count == 0;
    if (!chek_money_is_valid(receipt->total) || (is_empty && !is_on_paper(receipt))) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_TOTAL, 0);
    }
    if (!chek_money_is_valid(receipt->change)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_CHANGE, 0);
    }
    return money_check(receipt->taken, CHEK_FIELD_RECEIPT_TAKEN, 0, fault);
}

static int
receipt_head_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    if (receipt->operation >= CHEK_OPERATION_COUNT) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_OPERATION, 0);
    }
    if (receipt->form >= CHEK_FORM_COUNT) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_RECEIPT_FORM, 0);
    }
    if (receipt->document == 0 && receipt->sign == 0 && receipt->autonomous == 0) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_RECEIPT_DOCUMENT, 0);
    }
    if (receipt->operator.size> OPERATOR_SIZE_MAX) {
        return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_OPERATOR, 0);
    }
    int error = time_check(receipt->time, CHEK_FIELD_RECEIPT_TIME, fault);
    return error == CHEK_OK ? receipt_amounts_check(receipt, fault) : error;
}

/* C20: in clear or as a subject, but somebody. */
static int
persons_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    static const uint8_t nobody[sizeof receipt->persons->subject];
    if (receipt->persons_count > CHEK_PERSON_COUNT_MAX) {
        return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_PERSONS, 0);
    }
    for (uint32_t i = 0; i < receipt->persons_count; i++) {
        const struct chek_person *person = &receipt->persons[i];
        if (person->kind >= CHEK_PERSON_KIND_COUNT) {
            return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_PERSON_KIND, i);
        }
        if (person->value.size > CHEK_TEXT_SIZE_MAX) {
            return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_PERSON_VALUE, i);
        }
        if (person->value.size == 0 && memcmp(person->subject, nobody, sizeof nobody) == 0) {
            return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_PERSON_VALUE, i);
        }
    }
    return CHEK_OK;
}

static int
receipt_check(const struct chek_receipt *receipt, struct chek_fault *fault)
{
    int error = receipt_head_check(receipt, fault);
    if (error == CHEK_OK) {
        error =
            taxes_check(receipt->taxes, receipt->taxes_count, CHEK_FIELD_RECEIPT_TAXES, 0, fault);
    }
    if (error == CHEK_OK) {
        error = modifiers_check(receipt, fault);
    }
    if (error == CHEK_OK) {
        error = lines_check(receipt, fault);
    }
    if (error == CHEK_OK) {
        error = persons_check(receipt, fault);
    }
    return error == CHEK_OK ? payments_check(receipt, fault) : error;
}

/* C13 */
static int
movement_check(const struct chek_movement *movement, struct chek_fault *fault)
{
    if (movement->direction >= CHEK_DIRECTION_COUNT) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_MOVEMENT_DIRECTION, 0);
    }
    bool is_nothing = movement->sum == 0 && !movement->offline; /* C17 */
    if (!chek_money_is_valid(movement->sum) || is_nothing) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_MOVEMENT_SUM, 0);
    }
    if (movement->document == 0 && movement->autonomous == 0) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_MOVEMENT_DOCUMENT, 0);
    }
    return time_check(movement->time, CHEK_FIELD_MOVEMENT_TIME, fault);
}

/* C14: without a number, a shift or a sign a repeat of it would close the next shift too. */
static int
close_check(const struct chek_close *close, struct chek_fault *fault)
{
    if (close->document == 0 && close->shift == 0 && close->sign == 0) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_CLOSE_DOCUMENT, 0);
    }
    return time_check(close->time, CHEK_FIELD_CLOSE_TIME, fault);
}

/* Kinds of reports, by their codes. */
enum {
    REPORT_REGISTRATION = 1,
    REPORT_SHIFT_OPEN = 2,
    REPORT_DRIVE_CLOSE = 6,
    REPORT_REREGISTRATION = 11,
    REPORT_STATE = 21
};

bool
chek_drive_report_registers(const struct chek_drive_report *report)
{
    return report->kind == REPORT_REGISTRATION || report->kind == REPORT_REREGISTRATION;
}

/* C22 */
static int
report_check(const struct chek_drive_report *report, struct chek_fault *fault)
{
    static const uint8_t kinds[] = {REPORT_REGISTRATION, REPORT_SHIFT_OPEN, REPORT_DRIVE_CLOSE,
                                    REPORT_REREGISTRATION, REPORT_STATE};
    if (memchr(kinds, report->kind, sizeof kinds) == NULL) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_DRIVE_REPORT_KIND, 0);
    }
    if (report->document == 0 || report->document == UINT32_MAX) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_DRIVE_REPORT_DOCUMENT, 0);
    }
    return CHEK_OK;
}

/* C1, C2 */
static int
document_kind_check(const struct chek_document *document, struct chek_fault *fault)
{
    if (document->registration == 0 && document->profile == NULL) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_DOCUMENT_REGISTRATION, 0);
    }
    if (document->registration != 0 && document->profile != NULL) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_PROFILE, 0);
    }
    if (document->receipt == NULL && document->movement == NULL && document->close == NULL &&
        document->drive_report == NULL) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_DOCUMENT_RECEIPT, 0);
    }
    if (document->close != NULL && (document->receipt != NULL || document->movement != NULL)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_CLOSE, 0);
    }
    if (document->movement != NULL && document->receipt != NULL) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_MOVEMENT, 0);
    }
    if (document->drive_report != NULL &&
        (document->receipt != NULL || document->movement != NULL || document->close != NULL)) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_DOCUMENT_DRIVE_REPORT, 0);
    }
    return CHEK_OK;
}

uint32_t
chek_document_number(const struct chek_document *document)
{
    return document->receipt != NULL    ? document->receipt->document
           : document->movement != NULL ? document->movement->document
           : document->close != NULL    ? document->close->document
                                        : document->drive_report->document;
}

/* Whether lines or payments, when there are any, do not come to the total. */
static bool
total_differs(const struct chek_receipt *receipt)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        sum += receipt->payments[i].sum;
    }
    return (receipt->lines_count != 0 && lines_total(receipt) != receipt->total) ||
           (receipt->payments_count != 0 && sum != receipt->total &&
            sum != receipt->total + receipt->change);
}

uint32_t
chek_document_warnings(const struct chek_document *document)
{
    const struct chek_receipt *receipt = document->receipt;
    bool is_described =
        document->profile != NULL && document->close == NULL && document->drive_report == NULL;
    uint32_t warnings = is_described ? chek_register_doubts(document->profile) : 0;
    if (receipt == NULL) {
        return warnings;
    }
    if (total_differs(receipt)) {
        warnings |= UINT32_C(1) << CHEK_WARNING_TOTAL_DIFFERS;
    }
    if (receipt->payments_count == 0 && receipt->total != 0) {
        warnings |= UINT32_C(1) << CHEK_WARNING_PAYMENTS_ABSENT;
    }
    return warnings | fiscal__receipt_doubts(receipt);
}

int
chek_document_check(const struct chek_document *document, uint32_t *ret_warnings,
                    struct chek_fault *fault)
{
    int error = document_kind_check(document, fault);
    if (error == CHEK_OK && document->profile != NULL) {
        error = chek_register_check(document->profile, fault);
    }
    if (error == CHEK_OK && document->receipt != NULL) {
        error = receipt_check(document->receipt, fault);
    } else if (error == CHEK_OK && document->movement != NULL) {
        error = movement_check(document->movement, fault);
    } else if (error == CHEK_OK && document->close != NULL) {
        error = close_check(document->close, fault);
    } else if (error == CHEK_OK) {
        error = report_check(document->drive_report, fault);
    }
    if (error == CHEK_OK) {
        *ret_warnings = chek_document_warnings(document);
    }
    return error;
}

/* ---- registers ------------------------------------------------------------------------------- */

/* C15 */
static int
keys_check(const struct chek_register *what, struct chek_fault *fault)
{
    for (uint32_t i = 0; i < what->keys_count; i++) {
        const struct chek_register_key *key = &what->keys[i];
        if (key->kind >= CHEK_KEY_KIND_COUNT) {
            return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_REGISTER_KEY_KIND, i);
        }
        if (key->value.size == 0) {
            return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_REGISTER_KEY_VALUE, i);
        }
        for (uint32_t j = 0; j < i; j++) {
            if (key->kind == what->keys[j].kind &&
                chek_bytes_view_equal(key->value, what->keys[j].value)) {
                return refuse(fault, CHEK_E_EXISTS, CHEK_FIELD_REGISTER_KEY_VALUE, i);
            }
        }
    }
    return CHEK_OK;
}

int
chek_register_check(const struct chek_register *what, struct chek_fault *fault)
{
    if (what->keys_count == 0) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_REGISTER_KEYS, 0);
    }
    if (what->keys_count > CHEK_REGISTER_KEY_COUNT_MAX) {
        return refuse(fault, CHEK_E_LIMIT, CHEK_FIELD_REGISTER_KEYS, 0);
    }
    int error = keys_check(what, fault);
    if (error != CHEK_OK) {
        return error;
    }
    if (what->organisation.size == 0) {
        return refuse(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_REGISTER_ORGANISATION, 0);
    }
    uint16_t currency = what->currency != 0 ? what->currency : CURRENCY_DEFAULT;
    if (chek_currency_name(currency)[0] == '\0') {
        return refuse(fault, CHEK_E_CURRENCY, CHEK_FIELD_REGISTER_CURRENCY, 0);
    }
    if (what->zone_minutes < -ZONE_MINUTES_MAX || what->zone_minutes > ZONE_MINUTES_MAX) {
        return refuse(fault, CHEK_E_RANGE, CHEK_FIELD_REGISTER_ZONE_MINUTES, 0);
    }
    return CHEK_OK;
}
