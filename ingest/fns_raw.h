/* SPDX-License-Identifier: MIT */
/*
 * fns_raw.h - a receipt as its JSON says it, before it is understood (of this room only).
 *
 * Fields come in any order and mean different things by dialect, so that they are kept as texts
 * until the receipt's object ends; fns_receipt.c then makes a document of them.
 */
#ifndef CHEK_INGEST_FNS_RAW_H
#define CHEK_INGEST_FNS_RAW_H

#include "engine/base/arena.h"
#include "engine/base/limits.h"
#include "engine/base/utf8.h"
#include "engine/wire/protocol.h"
#include "ingest/ffd_counters.h"

#define FNS_AMOUNT_COUNT_MAX CHEK_TAX_COUNT_MAX
#define FNS_MARKING_COUNT_MAX 16
#define FNS_OPERATOR_SIZE_MAX 64
#define FNS_COUNTER_COUNT_MAX 256 /* two sets of eight operations have 13 each, and corrections */

/* What an open object or array is. */
enum ingest__fns_level {
    LEVEL_SKIP,
    LEVEL_WRAPPER, /* an array that may hold receipts; the outermost level */
    LEVEL_RECEIPT,
    LEVEL_ITEMS,
    LEVEL_STORNO_ITEMS,
    LEVEL_ITEM,
    LEVEL_BUYER, /* what FFD 1.2 says of who buys: of it name and INN are kept */
    LEVEL_AMOUNTS,
    LEVEL_AMOUNT_LIST,
    LEVEL_AMOUNT,
    LEVEL_CODE_LIST,
    LEVEL_CODES, /* the product codes of a line */
    LEVEL_MARKING,
    LEVEL_BARCODE,     /* a product code that is no marking: only its GTIN counts */
    LEVEL_COUNTERS,    /* what the drive counted: of a shift, of its life */
    LEVEL_CORRECTIONS, /* of counters */
    LEVEL_COUNTED,     /* an operation of them */
};

/*
 * A scalar: of JSON as it is written, of elements as the number that it is. FNS_DECIMAL says what
 * its decimal text without zeros at the end would, so that every rule is the same for both.
 */
enum ingest__fns_type { FNS_ABSENT, FNS_STRING, FNS_NUMBER, FNS_TRUE, FNS_FALSE, FNS_DECIMAL };

struct ingest__fns_value {
    struct chek_bytes_view text; /* without spaces at its ends; none of a FNS_DECIMAL */
    int64_t number;              /* FNS_DECIMAL: in 10^-decimals, never below zero */
    enum ingest__fns_type type;
    uint8_t decimals; /* at most CHEK_DECIMAL_SCALE_MAX; the last one is not 0 */
};

/* Fields of a receipt; the names of a row mean the same. */
#define FNS_FIELDS(X)                                                        \
    X(DRIVE, "fiscalDriveNumber", NULL, NULL)                                \
    X(REGISTRATION, "kktRegId", NULL, NULL)                                  \
    X(FACTORY, "numberKkt", "kktNumber", NULL)                               \
    X(DOCUMENT, "fiscalDocumentNumber", NULL, NULL)                          \
    X(SIGN, "fiscalSign", NULL, NULL)                                        \
    X(FORMAT, "fiscalDocumentFormatVer", NULL, NULL)                         \
    X(CODE, "code", "receiptCode", NULL)                                     \
    X(TIME, "dateTime", "ticketDate", NULL)                                  \
    X(TIME_LOCAL, "localDateTime", NULL, NULL)                               \
    X(TIME_MS, "fiscalDate", NULL, NULL)                                     \
    X(SHIFT, "shiftNumber", NULL, NULL)                                      \
    X(NUMBER_IN_SHIFT, "requestNumber", NULL, NULL)                          \
    X(OPERATION, "operationType", NULL, NULL)                                \
    X(USER, "user", NULL, NULL)                                              \
    X(INN, "userInn", NULL, NULL)                                            \
    X(ADDRESS, "retailPlaceAddress", "retailAddress", "retailPlaceAddres")   \
    X(PLACE, "retailPlace", NULL, NULL)                                      \
    X(OPERATOR, "operator", NULL, NULL)                                      \
    X(BUYER, "buyerPhoneOrAddress", "buyerAddress", NULL)                    \
    X(BUYER_NAME, "buyer", NULL, NULL)                                       \
    X(BUYER_INN, "buyerInn", NULL, NULL)                                     \
    X(TAX_SYSTEM, "appliedTaxationType", "taxationType", NULL)               \
    X(TOTAL, "totalSum", NULL, NULL)                                         \
    X(CASH, "cashTotalSum", NULL, NULL)                                      \
    X(CARD, "ecashTotalSum", NULL, NULL)                                     \
    X(PREPAID, "prepaidSum", "prepaymentSum", NULL)                          \
    X(CREDIT, "creditSum", "postpaymentSum", NULL)                           \
    X(PROVISION, "provisionSum", "counterSubmissionSum", NULL)               \
    X(VAT_BASIC, "nds18", "nds20", NULL)                                     \
    X(VAT_10, "nds10", NULL, NULL)                                           \
    X(VAT_0, "nds0", NULL, NULL)                                             \
    X(VAT_NO, "ndsNo", NULL, NULL)                                           \
    X(VAT_BASIC_EXTRACTED, "nds18118", "ndsCalculated18", "ndsCalculated20") \
    X(VAT_10_EXTRACTED, "nds10110", "ndsCalculated10", NULL)

/* Fields of a line; those of VAT are in the same order as a receipt's. */
#define FNS_LINE_FIELDS(X)                                                   \
    X(NAME, "name", NULL, NULL)                                              \
    X(PRICE, "price", NULL, NULL)                                            \
    X(QUANTITY, "quantity", NULL, NULL)                                      \
    X(SUM, "sum", NULL, NULL)                                                \
    X(VAT_CODE, "nds", "ndsRate", NULL)                                      \
    X(VAT_SUM, "ndsSum", NULL, NULL)                                         \
    X(SETTLEMENT, "paymentType", "calculationTypeSign", NULL)                \
    X(SUBJECT, "productType", "calculationSubjectSign", NULL)                \
    X(UNIT, "unit", "measure", NULL)                                         \
    X(MEASURE, "itemsQuantityMeasure", NULL, NULL)                           \
    X(GTIN, "gtin", NULL, NULL)                                              \
    X(CODE_1162, "productCode", "nomenclatureCode", NULL)                    \
    X(VAT_BASIC, "nds18", "nds20", NULL)                                     \
    X(VAT_10, "nds10", NULL, NULL)                                           \
    X(VAT_0, "nds0", NULL, NULL)                                             \
    X(VAT_NO, "ndsNo", NULL, NULL)                                           \
    X(VAT_BASIC_EXTRACTED, "nds18118", "ndsCalculated18", "ndsCalculated20") \
    X(VAT_10_EXTRACTED, "nds10110", "ndsCalculated10", NULL)

#define FNS_ENUM(name, a, b, c) FNS_##name,
enum { FNS_FIELDS(FNS_ENUM) FNS_FIELD_COUNT };
#undef FNS_ENUM
#define FNS_ENUM(name, a, b, c) FNS_LINE_##name,
enum { FNS_LINE_FIELDS(FNS_ENUM) FNS_LINE_FIELD_COUNT };
#undef FNS_ENUM

#define FNS_VAT_FIELD_COUNT (FNS_VAT_10_EXTRACTED - FNS_VAT_BASIC + 1)
_Static_assert(FNS_LINE_VAT_10_EXTRACTED - FNS_LINE_VAT_BASIC + 1 == FNS_VAT_FIELD_COUNT,
               "VAT fields of receipts and lines are in the same order");

struct ingest__fns_line {
    struct ingest__fns_value fields[FNS_LINE_FIELD_COUNT];
    uint32_t marking_count;
    bool storno;
    struct chek_bytes_view markings[FNS_MARKING_COUNT_MAX]; /* `marking_count` of them are made */
};

/* A counter in the close of a shift: where it stands, and what was written. Without a tag it says that
 * the set is there. */
struct ingest__fns_counter {
    uint16_t set, operation, tag; /* `operation` is 0 of the corrections of a set */
    struct ingest__fns_value value;
};

/* An element of amountsReceiptNds. */
struct ingest__fns_amount {
    struct ingest__fns_value code, sum;
};

struct ingest__fns_raw {
    uint64_t offset;
    uint8_t form;   /* what the wrapper's name said: enum chek_form */
    bool is_close;  /* the wrapper's name said: the close of a shift */
    uint8_t report; /* ... a report of the drive: its code */
    struct ingest__fns_value fields[FNS_FIELD_COUNT];
    struct chek_bytes_view signed_bytes; /* `rawData`, in base64; empty: none */
    uint32_t line_count;                 /* also of those that there is no room for */
    struct ingest__fns_amount amounts[FNS_AMOUNT_COUNT_MAX];
    uint32_t amount_count;
    struct ingest__fns_counter *counters;    /* of JSON; NULL: none */
    uint32_t counter_count;                  /* also of those that there is no room for */
    uint16_t counter_set, counter_operation; /* tags of what is open */
    struct chek_ffd_counters counted;        /* of elements, as numbers */
    bool exhausted;                          /* the arena: something is missing */
    bool unsound;                            /* a text is no UTF-8, or has a NUL */
    struct ingest__fns_line *lines[CHEK_LINE_COUNT_MAX]; /* `line_count` of them are made */
};

/* Where a member's value goes. */
enum ingest__fns_slot_kind {
    SLOT_NONE, /* nowhere: it is passed over */
    SLOT_FIELD,
    SLOT_LINE, /* a field of the line that began last */
    SLOT_MARKING,
    SLOT_AMOUNT_CODE,
    SLOT_AMOUNT_SUM,
    SLOT_BYTES, /* the bytes that the receipt came from, in base64 */
};

struct ingest__fns_slot {
    uint8_t kind;  /* enum ingest__fns_slot_kind */
    uint8_t index; /* of the field */
};

#define FNS_NAME_PLACE_COUNT 512

/* What a name of a member means, by what it is in. */
struct ingest__fns_name {
    const char *text;
    uint8_t size;        /* 0: the place is free */
    uint8_t field, line; /* + 1; 0: none */
    uint8_t other; /* enum ingest__fns_slot_kind: neither of those, or in another object too */
};

struct ingest__fns_names {
    uint32_t count;
    struct ingest__fns_name places[FNS_NAME_PLACE_COUNT];
};

/* Fill the table. (fns_name.c) */
void ingest__fns_names_make(struct ingest__fns_names *names);

/* Where the member of this name of an object of this level goes. (fns_name.c) */
struct ingest__fns_slot ingest__fns_slot_find(const struct ingest__fns_names *names,
                                              enum ingest__fns_level level,
                                              struct chek_bytes_view name);

/* Begin to gather: nothing is there yet. */
void ingest__fns_begin(struct ingest__fns_raw *raw);

/* Begin a line; one too many is counted only. */
void ingest__fns_line_begin(struct ingest__fns_raw *raw, struct chek_arena *arena, bool storno);

/* Add a marking code, of the arena, to the line that began last. */
void ingest__fns_marking_add(struct ingest__fns_raw *raw, struct chek_bytes_view code);

/* A copy of a value of JSON, in the arena, without the spaces that pad fixed-width tags. (fns_value.c) */
struct ingest__fns_value ingest__fns_value_keep(struct ingest__fns_raw *raw,
                                                struct chek_arena *arena,
                                                struct chek_bytes_view text,
                                                enum ingest__fns_type type);

/* Put a value of JSON where its name says. (fns_value.c) */
void ingest__fns_value_put(struct ingest__fns_raw *raw, struct chek_arena *arena,
                           struct ingest__fns_slot slot, struct chek_bytes_view text,
                           enum ingest__fns_type type);

/* The document's code, unless the wrapper's name said what it is; 0: not known. (fns_report.c) */
uint64_t ingest__fns_code(const struct ingest__fns_raw *raw);

/* Whether it is a report of the drive (registration, opening of a shift..), which moves no money
 * of which at most the number is kept. */
bool ingest__fns_is_report(const struct ingest__fns_raw *raw);

/* The document of a report, checked. Errors: as of ingest__fns_document(); RANGE also for a kind
 * that has no number of its own. */
CHEK_MUST_USE int ingest__fns_report(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                                     struct chek_document *ret, struct chek_fault *fault);

/*
 * Make a document of a receipt. *ret, its register and its lists are of the arena, texts borrow
 * the raw receipt's.
 *
 *   Errors     the code, the field's number and the list index in *fault
 */
CHEK_MUST_USE int ingest__fns_document(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                                       struct chek_document *ret, struct chek_fault *fault);

/* The close of a shift, with what its drive counted. Errors: as above. (fns_close.c) */
CHEK_MUST_USE int ingest__fns_close(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                                    struct chek_document *document, struct chek_fault *fault);

/* Begin a set of counters, or an operation inside of it, by tag. (fns_close.c) */
void ingest__fns_counters_open(struct ingest__fns_raw *raw, struct chek_arena *arena,
                               enum ingest__fns_level level, uint16_t tag);

/* Put a member of counters, its value kept; other names are passed over. (fns_close.c) */
void ingest__fns_counter_put(struct ingest__fns_raw *raw, struct chek_arena *arena,
                             enum ingest__fns_level level, const char *name,
                             struct ingest__fns_value value);

/* The wall clock of the place, as the dialect says it. Errors: NUMBER, DATE, FIELD_MISSING.. */
CHEK_MUST_USE int ingest__fns_time(const struct ingest__fns_raw *raw, int64_t *ret);

/* Whether a counter of this tag counts documents; others are amounts. (fns_close.c) */
bool ingest__fns_is_count(uint16_t tag);

/* Whether amounts are written in roubles, not in kopecks. */
bool ingest__fns_is_in_roubles(const struct ingest__fns_raw *raw);

/* The register that a receipt or a report is of: document->profile. Errors: as above. */
CHEK_MUST_USE int ingest__fns_register(const struct ingest__fns_raw *raw, struct chek_arena *arena,
                                       struct chek_document *document, struct chek_fault *fault);

struct ingest__fns_rate {
    uint8_t kind;
    uint32_t rate; /* in thousandths of a percent */
};

/* The rate of a VAT code (1199), 1..12; the basic one is that of the day. (fns_tax.c) */
struct ingest__fns_rate ingest__fns_rate_of(uint64_t code, int64_t time);

/* Taxes of a receipt whose lines are made: on its lines, or on the whole (fns_tax.c). */
CHEK_MUST_USE int ingest__fns_taxes(const struct ingest__fns_raw *raw, bool roubles,
                                    struct chek_arena *arena, struct chek_receipt *receipt,
                                    struct chek_line *lines, struct chek_fault *fault);

/* The lines; `*ret` is receipt->lines, to be given their taxes. (fns_line.c) */
CHEK_MUST_USE int ingest__fns_lines(const struct ingest__fns_raw *raw, bool roubles,
                                    struct chek_arena *arena, struct chek_receipt *receipt,
                                    struct chek_line **ret, struct chek_fault *fault);

/* Whether a value is there and says anything. */
static inline bool
ingest__fns_is_given(const struct ingest__fns_value *value)
{
    return value->text.size != 0 || value->type == FNS_DECIMAL;
}

/* Whether it is true or false, which is no number. */
static inline bool
ingest__fns_is_flag(const struct ingest__fns_value *value)
{
    return value->type == FNS_TRUE || value->type == FNS_FALSE;
}

/* What of the tax list's element that began last a slot names; NULL: none. */
struct ingest__fns_value *ingest__fns_amount_target(struct ingest__fns_raw *raw,
                                                    struct ingest__fns_slot slot);

/* The line that began last; NULL: none, or it is one too many. */
static inline struct ingest__fns_line *
ingest__fns_line_now(struct ingest__fns_raw *raw)
{
    uint32_t count = raw->line_count;
    return count > 0 && count <= CHEK_LINE_COUNT_MAX ? raw->lines[count - 1] : NULL;
}

/* The value that a slot names, to be filled; NULL: it was said already, or there is no such one.
 * The first of several names for one field stays, unless it was empty. */
static inline struct ingest__fns_value *
ingest__fns_target(struct ingest__fns_raw *raw, struct ingest__fns_slot slot)
{
    struct ingest__fns_value *value;
    if (slot.kind == SLOT_LINE) {
        struct ingest__fns_line *line = ingest__fns_line_now(raw);
        value = line != NULL ? &line->fields[slot.index] : NULL;
    } else if (slot.kind == SLOT_FIELD) {
        value = &raw->fields[slot.index];
    } else {
        return ingest__fns_amount_target(raw, slot);
    }
    return value != NULL && !ingest__fns_is_given(value) ? value : NULL;
}

/* As much of a text as its field holds. */
static inline struct chek_bytes_view
ingest__fns_text(const struct ingest__fns_value *value, size_t size_max)
{
    return chek_utf8_clip(value->text, size_max);
}

/* A FNS_DECIMAL in 10^-scale. Errors: NUMBER it has more decimals; OVERFLOW. */
CHEK_MUST_USE int ingest__fns_decimal(const struct ingest__fns_value *value, unsigned scale,
                                      int64_t *ret);

/* Money as the dialect writes it: kopecks, or roubles with decimals; absent is 0. */
CHEK_MUST_USE int ingest__fns_money(const struct ingest__fns_value *value, bool roubles,
                                    int64_t *ret);

/* Digits as a number; absent is 0. Errors: NUMBER, RANGE above `max`. */
CHEK_MUST_USE int ingest__fns_number(const struct ingest__fns_value *value, uint64_t max,
                                     uint64_t *ret);

/* Note a fault; returns its code. */
int ingest__fns_fault(struct chek_fault *fault, int code, uint16_t field, uint32_t index);

#endif
