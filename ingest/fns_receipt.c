/* SPDX-License-Identifier: MIT */
/*
 * fns_receipt.c - from a receipt's JSON fields to a document and its register.
 *
 * What decides between dialects is decided here: kopecks or roubles, which of the times is the
 * one on the paper, where the trade point's code comes from.
 */
#include <stdio.h>
#include <string.h>

#include "engine/base/checksum.h"
#include "engine/base/civil.h"
#include "engine/base/decimal.h"
#include "engine/base/utf8.h"
#include "ingest/fns_raw.h"

#define CURRENCY_RUB 643
#define COUNTRY_RU 643
#define POINT_SIZE_MAX 64
#define REGISTRATION_NUMBER_SIZE 16
#define POINT_HASH_SIZE 17 /* "~" and 16 digits */

int
ingest__fns_fault(struct chek_fault *fault, int code, uint16_t field, uint32_t index)
{
    *fault = (struct chek_fault){.code = code, .field = field, .index = (uint16_t)index};
    return code;
}

/* ---- kopecks or roubles ----------------------------------------------------------------------- */

/* How a receipt writes its amounts. */
struct writing {
    bool has_point;    /* "0.00" somewhere */
    bool has_fraction; /* "679.27" somewhere */
    bool always_two;   /* every amount has two decimals */
    bool any;
};

static void
writing_note(struct writing *writing, const struct ingest__fns_value *value)
{
    if (!ingest__fns_is_given(value)) {
        return;
    }
    if (value->type == FNS_DECIMAL) {
        bool two = value->decimals == 2;
        writing->has_fraction = writing->has_fraction || value->decimals != 0;
        writing->has_point = writing->has_point || value->decimals != 0;
        writing->always_two = (writing->always_two || !writing->any) && two;
        writing->any = true;
        return;
    }
    size_t point = 0;
    while (point < value->text.size && value->text.bytes[point] != '.') {
        point += 1;
    }
    bool has_point = point < value->text.size;
    for (size_t i = point + 1; i < value->text.size; i++) {
        writing->has_fraction = writing->has_fraction || value->text.bytes[i] != '0';
    }
    writing->has_point = writing->has_point || has_point;
    writing->always_two =
        (writing->always_two || !writing->any) && has_point && value->text.size - point == 3;
    writing->any = true;
}

/*
 * The cabinet writes roubles, and it alone writes the sign as a text; everything else writes
 * kopecks, if sometimes as "100.0". A sum of kopecks has no fraction, so one with it is roubles
 * whoever wrote it. Prices do not count: they have decimals in either.
 */
bool
ingest__fns_is_in_roubles(const struct ingest__fns_raw *raw)
{
    struct writing writing = {0};
    for (size_t i = FNS_TOTAL; i < FNS_FIELD_COUNT; i++) {
        writing_note(&writing, &raw->fields[i]);
    }
    for (uint32_t i = 0; i < raw->line_count && i < CHEK_LINE_COUNT_MAX; i++) {
        writing_note(&writing, &raw->lines[i]->fields[FNS_LINE_SUM]);
    }
    for (uint32_t i = 0; i < raw->counter_count && i < FNS_COUNTER_COUNT_MAX; i++) {
        if (!ingest__fns_is_count(raw->counters[i].tag)) {
            writing_note(&writing, &raw->counters[i].value);
        }
    }
    bool cabinet = raw->fields[FNS_SIGN].type == FNS_STRING;
    bool version_text = raw->fields[FNS_FORMAT].type == FNS_STRING;
    return writing.has_fraction || writing.always_two ||
           (cabinet && (writing.has_point || version_text));
}

/* ---- time ------------------------------------------------------------------------------------- */

/* The wall clock of the place: as ISO text, as epoch seconds beside a local text, as epoch seconds
 * that are the wall clock's, or as milliseconds. */
int
ingest__fns_time(const struct ingest__fns_raw *raw, int64_t *ret)
{
    const struct ingest__fns_value *time = &raw->fields[FNS_TIME];
    const struct ingest__fns_value *local = &raw->fields[FNS_TIME_LOCAL];
    uint64_t epoch = 0;

    if (!ingest__fns_is_given(time) && ingest__fns_is_given(&raw->fields[FNS_TIME_MS])) {
        int error = ingest__fns_number(&raw->fields[FNS_TIME_MS], INT64_MAX, &epoch);
        *ret = (int64_t)(epoch / 1000);
        return error;
    }
    bool is_epoch =
        ingest__fns_is_given(time) && ingest__fns_number(time, INT64_MAX, &epoch) == CHEK_OK;
    if (ingest__fns_is_given(local)) {
        int64_t civil_s;
        int error = chek_civil_read(local->text, &civil_s);
        bool to_minutes = local->text.size < strlen("2026-01-31T10:00:00");
        if (error == CHEK_OK) {
            /* No zone is off by a part of a minute: the seconds are those of the instant. */
            *ret = civil_s + (is_epoch && to_minutes ? (int64_t)(epoch % 60) : 0);
        }
        return error;
    }
    if (is_epoch) {
        *ret = (int64_t)epoch;
        return CHEK_OK;
    }
    return ingest__fns_is_given(time) ? chek_civil_read(time->text, ret) : CHEK_E_FIELD_MISSING;
}

/* ---- the register ----------------------------------------------------------------------------- */

/* A text of digits that was written as a number gets the zeros back that stood before it. */
static struct chek_bytes_view
digits_of(const struct ingest__fns_value *value, size_t size, struct chek_arena *arena)
{
    char *text =
        value->type == FNS_NUMBER && value->text.size < size ? chek_arena_take(arena, size) : NULL;
    if (text == NULL) {
        return value->text;
    }
    memset(text, '0', size);
    memcpy(text + size - value->text.size, value->text.bytes, value->text.size);
    return chek_bytes_view_of(text, size);
}

/* INN of ten digits that was padded to twelve with zeros in front. */
static struct chek_bytes_view
inn_of(const struct ingest__fns_value *value, struct chek_arena *arena)
{
    struct chek_bytes_view inn = digits_of(value, value->text.size == 11 ? 12 : 10, arena);
    inn = chek_utf8_clip(inn, 32);
    if (inn.size == 12 && inn.bytes[0] == '0' && inn.bytes[1] == '0') {
        inn = chek_bytes_view_of(inn.bytes + 2, 10);
    }
    return inn;
}

/* A trade point's code: its address, or the address's beginning and a hash of all of it. */
static struct chek_bytes_view
point_code(struct chek_bytes_view address, struct chek_arena *arena)
{
    if (address.size <= POINT_SIZE_MAX) {
        return address;
    }
    struct chek_bytes_view begin = chek_utf8_clip(address, POINT_SIZE_MAX - POINT_HASH_SIZE);
    char *code = chek_arena_take(arena, POINT_SIZE_MAX + 1);
    if (code == NULL) {
        return begin;
    }
    uint64_t hash = chek_checksum(address.bytes, address.size);
    int size = snprintf(code, POINT_SIZE_MAX + 1, "%.*s~%016llx", (int)begin.size,
                        (const char *)begin.bytes, (unsigned long long)hash);
    return chek_bytes_view_of(code, (size_t)size);
}

static void
key_add(struct chek_register *what, struct chek_register_key *keys, uint8_t kind,
        const struct ingest__fns_value *value)
{
    if (ingest__fns_is_given(value)) {
        keys[what->keys_count++] =
            (struct chek_register_key){.kind = kind, .value = ingest__fns_text(value, 64)};
    }
}

/* What our field for a text is called; what is no text is wrong as a part of the receipt. */
static uint16_t
text_field(size_t field)
{
    switch (field) {
    case FNS_OPERATOR:
        return CHEK_FIELD_RECEIPT_OPERATOR;
    case FNS_BUYER:
        return CHEK_FIELD_RECEIPT_BUYER;
    case FNS_USER:
        return CHEK_FIELD_REGISTER_ORGANISATION_NAME;
    case FNS_INN:
        return CHEK_FIELD_REGISTER_ORGANISATION;
    case FNS_ADDRESS:
        return CHEK_FIELD_REGISTER_ADDRESS;
    case FNS_PLACE:
        return CHEK_FIELD_REGISTER_POINT;
    case FNS_DRIVE:
        return CHEK_FIELD_RECEIPT_FISCAL_DRIVE;
    case FNS_REGISTRATION:
    case FNS_FACTORY:
        return CHEK_FIELD_REGISTER_KEY_VALUE;
    default:
        return CHEK_RECORD_RECEIPT * CHEK_FIELDS_A_RECORD;
    }
}

static bool
is_wrong(const struct ingest__fns_value *value)
{
    return value->type == FNS_STRING && !chek_utf8_is_valid(value->text);
}

/* Which text it was that is none. */
static int
texts_check(const struct ingest__fns_raw *raw, struct chek_fault *fault)
{
    for (size_t i = 0; i < FNS_FIELD_COUNT; i++) {
        if (is_wrong(&raw->fields[i])) {
            return ingest__fns_fault(fault, CHEK_E_TEXT, text_field(i), 0);
        }
    }
    for (uint32_t i = 0; i < raw->line_count; i++) {
        for (size_t j = 0; j < FNS_LINE_FIELD_COUNT; j++) {
            if (is_wrong(&raw->lines[i]->fields[j])) {
                return ingest__fns_fault(
                    fault, CHEK_E_TEXT,
                    j == FNS_LINE_UNIT ? CHEK_FIELD_LINE_UNIT : CHEK_FIELD_LINE_NAME, i);
            }
        }
    }
    return CHEK_OK;
}

int
ingest__fns_register(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                     struct chek_document *document, struct chek_fault *fault)
{
    const struct ingest__fns_value *fields = raw->fields;
    if (raw->line_count > CHEK_LINE_COUNT_MAX || raw->exhausted) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_LINES, 0);
    }
    int error = raw->unsound ? texts_check(raw, fault) : CHEK_OK;
    if (error != CHEK_OK) {
        return error;
    }
    struct chek_register *what = chek_arena_take(arena, sizeof *what);
    struct chek_register_key *keys = chek_arena_take(arena, 3 * sizeof *keys);
    if (what == NULL || keys == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_DOCUMENT_PROFILE, 0);
    }
    struct chek_bytes_view address = fields[FNS_ADDRESS].text;
    struct chek_bytes_view place = fields[FNS_PLACE].text;
    *what = (struct chek_register){
        .keys = keys,
        .organisation = inn_of(&fields[FNS_INN], arena),
        .organisation_name = ingest__fns_text(&fields[FNS_USER], CHEK_TEXT_SIZE_MAX),
        .point = point_code(address.size != 0 ? address : place, arena),
        .point_name = chek_utf8_clip(place, CHEK_TEXT_SIZE_MAX),
        .address = chek_utf8_clip(address, CHEK_TEXT_SIZE_MAX),
        .currency = CURRENCY_RUB,
        .country = COUNTRY_RU,
    };
    struct ingest__fns_value number = fields[FNS_REGISTRATION];
    number.text = digits_of(&number, REGISTRATION_NUMBER_SIZE, arena);
    key_add(what, keys, CHEK_KEY_KIND_FISCAL_DRIVE, &fields[FNS_DRIVE]);
    key_add(what, keys, CHEK_KEY_KIND_REGISTRATION_NUMBER, &number);
    key_add(what, keys, CHEK_KEY_KIND_FACTORY_NUMBER, &fields[FNS_FACTORY]);
    if (!ingest__fns_is_given(&fields[FNS_DRIVE])) {
        return ingest__fns_fault(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_RECEIPT_FISCAL_DRIVE, 0);
    }
    /* An FN that went through a double has lost digits. */
    uint64_t drive;
    if (fields[FNS_DRIVE].type == FNS_NUMBER &&
        chek_decimal_read_u64(fields[FNS_DRIVE].text, &drive) != CHEK_OK) {
        return ingest__fns_fault(fault, CHEK_E_NUMBER, CHEK_FIELD_RECEIPT_FISCAL_DRIVE, 0);
    }
    document->profile = what;
    return CHEK_OK;
}

/* ---- the whole -------------------------------------------------------------------------------- */

/*
 * Some operators drop fields of payment. Where one is absent and the others come to less than the
 * total, it is not known how the receipt was paid; where all are there, they have to add up.
 */
static bool
payments_are_known(const struct ingest__fns_raw *raw, const struct chek_receipt *receipt)
{
    int64_t left = receipt->total;
    bool all = true;
    for (uint32_t i = 0; i < receipt->payments_count; i++) {
        if (__builtin_sub_overflow(left, receipt->payments[i].sum, &left)) {
            return true;
        }
    }
    for (uint32_t i = FNS_CASH; i <= FNS_PROVISION; i++) {
        all = all && ingest__fns_is_given(&raw->fields[i]);
    }
    return all || left <= 0;
}

static int
payments_make(const struct ingest__fns_raw *raw, bool roubles, struct chek_arena *arena,
              struct chek_receipt *receipt, struct chek_fault *fault)
{
    static const uint8_t kinds[] = {CHEK_PAYMENT_KIND_CASH, CHEK_PAYMENT_KIND_CARD,
                                    CHEK_PAYMENT_KIND_PREPAID, CHEK_PAYMENT_KIND_CREDIT,
                                    CHEK_PAYMENT_KIND_PROVISION};
    struct chek_payment *payments = chek_arena_take(arena, CHEK_COUNT(kinds) * sizeof *payments);
    if (payments == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_PAYMENTS, 0);
    }
    for (uint32_t i = 0; i < CHEK_COUNT(kinds); i++) {
        int64_t sum = 0;
        int error = ingest__fns_money(&raw->fields[FNS_CASH + i], roubles, &sum);
        if (error != CHEK_OK) {
            return ingest__fns_fault(fault, error, CHEK_FIELD_PAYMENT_SUM, i);
        }
        if (sum != 0) {
            payments[receipt->payments_count++] =
                (struct chek_payment){.kind = kinds[i], .sum = sum};
        }
    }
    receipt->payments = payments;
    receipt->payments_count = payments_are_known(raw, receipt) ? receipt->payments_count : 0;
    return CHEK_OK;
}

/* Numbers that a receipt has: where they stand, where they go, how large they may be. */
static int
numbers_read(const struct ingest__fns_raw *raw, struct chek_receipt *receipt,
             struct chek_fault *fault)
{
    uint64_t values[6] = {0};
    static const struct {
        uint16_t field, from;
        uint64_t max;
    } rows[] = {
        {CHEK_FIELD_RECEIPT_DOCUMENT, FNS_DOCUMENT, UINT32_MAX},
        {CHEK_FIELD_RECEIPT_SIGN, FNS_SIGN, UINT64_MAX},
        {CHEK_FIELD_RECEIPT_SHIFT, FNS_SHIFT, UINT32_MAX},
        {CHEK_FIELD_RECEIPT_NUMBER_IN_SHIFT, FNS_NUMBER_IN_SHIFT, UINT32_MAX},
        {CHEK_FIELD_RECEIPT_OPERATION, FNS_OPERATION, CHEK_OPERATION_COUNT},
        {CHEK_FIELD_RECEIPT_TAX_SYSTEM, FNS_TAX_SYSTEM, UINT8_MAX},
    };
    _Static_assert(CHEK_COUNT(rows) == CHEK_COUNT(values), "a value a row");
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        int error = ingest__fns_number(&raw->fields[rows[i].from], rows[i].max, &values[i]);
        if (error != CHEK_OK) {
            return ingest__fns_fault(fault, error, rows[i].field, 0);
        }
    }
    if (values[0] == 0) {
        return ingest__fns_fault(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_RECEIPT_DOCUMENT, 0);
    }
    if (values[4] == 0) {
        return ingest__fns_fault(fault, CHEK_E_FIELD_MISSING, CHEK_FIELD_RECEIPT_OPERATION, 0);
    }
    receipt->document = (uint32_t)values[0];
    receipt->sign = values[1];
    receipt->shift = (uint32_t)values[2];
    receipt->number_in_shift = (uint32_t)values[3];
    receipt->operation = (uint8_t)(values[4] - 1);
    receipt->tax_system = (uint8_t)values[5];
    return CHEK_OK;
}

static uint8_t
form_of(const struct ingest__fns_raw *raw)
{
    uint64_t code = ingest__fns_code(raw);
    if (raw->form != CHEK_FORM_RECEIPT) {
        return raw->form;
    }
    return code == 4    ? CHEK_FORM_STRICT_FORM
           : code == 31 ? CHEK_FORM_CORRECTION
           : code == 41 ? CHEK_FORM_STRICT_FORM_CORRECTION
                        : CHEK_FORM_RECEIPT;
}

/* Who buys beside the contact: tags 1228 and 1227. */
static int
persons_make(const struct ingest__fns_raw *raw, struct chek_arena *arena,
             struct chek_receipt *receipt, struct chek_fault *fault)
{
    static const struct {
        uint8_t kind, field;
    } rows[] = {{CHEK_PERSON_KIND_TIN, FNS_BUYER_INN}, {CHEK_PERSON_KIND_NAME, FNS_BUYER_NAME}};
    struct chek_person *persons = NULL;
    for (size_t i = 0; i < CHEK_COUNT(rows); i++) {
        const struct ingest__fns_value *value = &raw->fields[rows[i].field];
        if (!ingest__fns_is_given(value)) {
            continue;
        }
        persons =
            persons != NULL ? persons : chek_arena_take(arena, CHEK_COUNT(rows) * sizeof *persons);
        if (persons == NULL) {
            return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_RECEIPT_PERSONS, 0);
        }
        persons[receipt->persons_count++] = (struct chek_person){
            .kind = rows[i].kind, .value = ingest__fns_text(value, CHEK_TEXT_SIZE_MAX)};
    }
    receipt->persons = persons;
    return CHEK_OK;
}

static int
receipt_make(const struct ingest__fns_raw *raw, struct chek_arena *arena,
             struct chek_document *document, struct chek_fault *fault)
{
    const struct ingest__fns_value *fields = raw->fields;
    bool roubles = ingest__fns_is_in_roubles(raw);
    struct chek_line *lines = NULL;
    struct chek_receipt *receipt = chek_arena_take(arena, sizeof *receipt);
    if (receipt == NULL) {
        return ingest__fns_fault(fault, CHEK_E_LIMIT, CHEK_FIELD_DOCUMENT_RECEIPT, 0);
    }
    *receipt = (struct chek_receipt){
        .operator= ingest__fns_text(&fields[FNS_OPERATOR], FNS_OPERATOR_SIZE_MAX),
        .buyer = ingest__fns_text(&fields[FNS_BUYER], CHEK_TEXT_SIZE_MAX),
        .fiscal_drive = ingest__fns_text(&fields[FNS_DRIVE], 20),
        .form = form_of(raw),
    };
    int error = numbers_read(raw, receipt, fault);
    if (error != CHEK_OK) {
        return error;
    }
    error = ingest__fns_time(raw, &receipt->time);
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_RECEIPT_TIME, 0);
    }
    error = ingest__fns_is_given(&fields[FNS_TOTAL])
                ? ingest__fns_money(&fields[FNS_TOTAL], roubles, &receipt->total)
                : CHEK_E_FIELD_MISSING;
    if (error != CHEK_OK) {
        return ingest__fns_fault(fault, error, CHEK_FIELD_RECEIPT_TOTAL, 0);
    }
    error = payments_make(raw, roubles, arena, receipt, fault);
    if (error == CHEK_OK) {
        error = ingest__fns_lines(raw, roubles, arena, receipt, &lines, fault);
    }
    if (error == CHEK_OK) {
        error = ingest__fns_taxes(raw, roubles, arena, receipt, lines, fault);
    }
    if (error == CHEK_OK) {
        error = persons_make(raw, arena, receipt, fault);
    }
    document->receipt = receipt;
    return error;
}

int
ingest__fns_document(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                     struct chek_document *ret, struct chek_fault *fault)
{
    struct chek_document document = {0};
    int error = ingest__fns_register(raw, arena, &document, fault);
    if (error == CHEK_OK) {
        bool is_close = raw->is_close || ingest__fns_code(raw) == CHEK_FFD_SHIFT_CLOSE;
        error = is_close ? ingest__fns_close(raw, arena, &document, fault)
                         : receipt_make(raw, arena, &document, fault);
    }
    if (error == CHEK_OK) {
        *ret = document;
    }
    return error;
}
