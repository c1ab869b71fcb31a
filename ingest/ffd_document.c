/* SPDX-License-Identifier: MIT */
#include "ingest/ffd_document.h"

#include <errno.h>
#include <stdio.h>

#include "engine/base/decimal.h"
#include "engine/base/memory.h"
#include "engine/fiscal/check.h"
#include "ingest/ffd_tlv.h"
#include "ingest/fns_raw.h"

/* A document of 64 KiB has at most 16,000 elements, and a thousand lines that count. */
#define ARENA_SIZE ((size_t)4 * 1024 * 1024)
#define SIGN_SIZE 6
#define OLD_CODE_SIZE_MAX 32            /* of tag 1162 */
#define DRIVE_NUMBER_MASK 0xffffff      /* a container has 24 bits of the document's number */
#define CIVIL_FIRST UINT64_C(946684800) /* of the times that documents may have */
#define CIVIL_LAST UINT64_C(4102444799)

enum {
    TAG_TIME = 1012,
    TAG_LINE = 1059,
    TAG_STORNO = 1071,
    TAG_SIGN = 1077,
    TAG_VAT = 1119,
    TAG_CODE = 1162,
    TAG_EAN_8 = 1301,
    TAG_ITF_14 = 1303
};

/* What is done with an element. */
enum way {
    WAY_PASS, /* it is passed over, whatever is in it */
    WAY_LINE,
    WAY_STORNO,
    WAY_VAT,
    WAY_TEXT,
    WAY_NUMBER,
    WAY_FRACTION,
    WAY_TIME,
    WAY_SIGN,
    WAY_OLD_CODE,
    WAY_MARKING
};

struct step {
    struct ingest__fns_slot slot; /* of JSON of its name */
    uint8_t way;
};

/* Places whose elements JSON has as members of a receipt; of others the beginnings count. */
static const struct {
    uint32_t place;
    enum ingest__fns_level level;
} rows[] = {
    {CHEK_FFD_IN_DOCUMENT, LEVEL_RECEIPT}, {CHEK_FFD_IN_BUYER, LEVEL_BUYER},
    {CHEK_FFD_IN_LINE, LEVEL_ITEM},        {CHEK_FFD_IN_VAT, LEVEL_AMOUNT},
    {CHEK_FFD_IN_CODE, LEVEL_BARCODE},     {CHEK_FFD_IN_VATS, LEVEL_SKIP},
};
#define ROW_COUNT CHEK_COUNT(rows)
#define PLACE_BIT_COUNT 32

struct chek_ffd_maker {
    struct chek_arena arena;
    const struct step *steps_of[PLACE_BIT_COUNT]; /* a row of `steps` by place; NULL: none */
    struct step steps[ROW_COUNT][CHEK_FFD_TAG_COUNT];
    struct ingest__fns_raw raw;
};

static enum way
way_of(const struct chek_ffd_tag *known, uint32_t place)
{
    switch (known->tag) {
    case TAG_LINE:
        return WAY_LINE;
    case TAG_STORNO:
        return WAY_STORNO;
    case TAG_VAT:
        return WAY_VAT;
    case TAG_CODE:
        return WAY_OLD_CODE;
    case TAG_SIGN:
        return WAY_SIGN;
    default:
        break;
    }
    if (place == CHEK_FFD_IN_CODE) {
        bool is_number = known->tag >= TAG_EAN_8 && known->tag <= TAG_ITF_14;
        return is_number ? WAY_TEXT : WAY_MARKING;
    }
    switch (known->type) {
    case CHEK_FFD_TEXT:
        return WAY_TEXT;
    case CHEK_FFD_NESTED:
    case CHEK_FFD_BYTES:
        return WAY_PASS;
    case CHEK_FFD_TIME:
        /* Others may be none at all: that of the first document not sent is zero mostly. */
        return known->tag == TAG_TIME ? WAY_TIME : WAY_PASS;
    case CHEK_FFD_FVLN:
        return WAY_FRACTION;
    default:
        return WAY_NUMBER;
    }
}

/* What is done with elements is worked out once, from their names and types, for all documents. */
static void
steps_make(struct chek_ffd_maker *maker)
{
    struct ingest__fns_names names;
    ingest__fns_names_make(&names);
    memset(maker->steps_of, 0, sizeof maker->steps_of);
    memset(maker->steps, 0, sizeof maker->steps);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        bool is_code = rows[i].place == CHEK_FFD_IN_CODE;
        maker->steps_of[__builtin_ctz(rows[i].place)] = maker->steps[i];
        for (size_t tag = 0; tag < CHEK_FFD_TAG_COUNT; tag++) {
            const struct chek_ffd_tag *known = &chek_ffd_tags[tag];
            if ((known->places & rows[i].place) == 0) {
                continue;
            }
            enum way way = way_of(known, rows[i].place);
            const char *name = is_code ? "gtin" : known->name;
            bool skips = rows[i].level == LEVEL_SKIP && way != WAY_VAT;
            maker->steps[i][tag].way = (uint8_t)(skips ? WAY_PASS : way);
            maker->steps[i][tag].slot =
                ingest__fns_slot_find(&names, rows[i].level, chek_bytes_view_text(name));
        }
    }
}

int
chek_ffd_maker_create(struct chek_ffd_maker **ret)
{
    struct chek_ffd_maker *maker = chek_memory_allocate(sizeof *maker);
    if (maker == NULL) {
        return -ENOMEM;
    }
    if (chek_arena_init(&maker->arena, ARENA_SIZE) != CHEK_OK) {
        chek_memory_free(maker, sizeof *maker);
        return -ENOMEM;
    }
    steps_make(maker);
    *ret = maker;
    return CHEK_OK;
}

void
chek_ffd_maker_destroy(struct chek_ffd_maker *maker)
{
    if (maker != NULL) {
        chek_arena_finish(&maker->arena);
        chek_memory_free(maker, sizeof *maker);
    }
}

/* ---- values where JSON has them --------------------------------------------------------------- */

/* Put a number without zeros at the end of its fraction. */
static int
number_put(struct chek_ffd_maker *maker, struct ingest__fns_slot slot, uint64_t number,
           unsigned decimals)
{
    if (number > INT64_MAX) {
        return CHEK_E_RANGE;
    }
    struct ingest__fns_value *to = ingest__fns_target(&maker->raw, slot);
    if (to == NULL) {
        return CHEK_OK;
    }
    while (decimals > 0 && number % 10 == 0) {
        number /= 10;
        decimals -= 1;
    }
    to->text = (struct chek_bytes_view){0};
    to->type = FNS_DECIMAL;
    to->number = (int64_t)number;
    to->decimals = (uint8_t)decimals;
    return CHEK_OK;
}

static void
text_put(struct chek_ffd_maker *maker, struct ingest__fns_slot slot, struct chek_bytes_view text)
{
    struct ingest__fns_value *to = ingest__fns_target(&maker->raw, slot);
    if (to != NULL) {
        to->type = FNS_STRING;
        to->text = text;
    }
}

/* The printed number is the last four bytes, the highest first. */
static int
sign_read(struct chek_bytes_view value, uint64_t *ret)
{
    uint64_t number = 0;
    if (value.size != SIGN_SIZE) {
        return CHEK_E_RANGE;
    }
    for (size_t i = 2; i < SIGN_SIZE; i++) {
        number = number << 8 | value.bytes[i];
    }
    *ret = number;
    return CHEK_OK;
}

static int
time_read(struct chek_bytes_view value, uint64_t *ret)
{
    int error = chek_ffd_vln_read(value, ret);
    bool is_date = error != CHEK_OK || (*ret >= CIVIL_FIRST && *ret <= CIVIL_LAST);
    return is_date ? error : CHEK_E_DATE;
}

/* Tag 1162 as JSON has it: hexadecimal digits, so that the code becomes the same text. */
static int
old_code_put(struct chek_ffd_maker *maker, struct ingest__fns_slot slot,
             struct chek_bytes_view value)
{
    static const char digits[] = "0123456789ABCDEF";
    if (value.size > OLD_CODE_SIZE_MAX) {
        return CHEK_E_LIMIT;
    }
    char *text = chek_arena_take(&maker->arena, 2 * value.size + 1);
    if (text == NULL) {
        return CHEK_E_LIMIT;
    }
    for (size_t i = 0; i < value.size; i++) {
        text[2 * i] = digits[value.bytes[i] >> 4];
        text[2 * i + 1] = digits[value.bytes[i] & 15];
    }
    text_put(maker, slot, chek_bytes_view_of(text, 2 * value.size));
    return CHEK_OK;
}

/* Put an element where the receipt's JSON would have its value. */
static int
element_put(struct chek_ffd_maker *maker, const struct chek_ffd_element *element, uint32_t place)
{
    const struct step *steps = maker->steps_of[__builtin_ctz(place)];
    struct chek_bytes_view text;
    uint64_t number = 0;
    unsigned decimals = 0;
    int error = CHEK_OK;
    if (steps == NULL) {
        return CHEK_OK;
    }
    const struct step *step = &steps[element->tag - CHEK_FFD_TAG_FIRST];
    switch ((enum way)step->way) {
    case WAY_PASS:
        return CHEK_OK;
    case WAY_LINE:
    case WAY_STORNO:
        ingest__fns_line_begin(&maker->raw, &maker->arena, step->way == WAY_STORNO);
        return CHEK_OK;
    case WAY_VAT:
        maker->raw.amount_count += maker->raw.amount_count <= FNS_AMOUNT_COUNT_MAX;
        return CHEK_OK;
    case WAY_OLD_CODE:
        return old_code_put(maker, step->slot, element->value);
    case WAY_TEXT:
    case WAY_MARKING:
        error = chek_ffd_text_read(element->value, &maker->arena, &text);
        if (error == CHEK_OK && step->way == WAY_TEXT) {
            text_put(maker, step->slot, text);
        } else if (error == CHEK_OK && text.size != 0) {
            ingest__fns_marking_add(&maker->raw, text);
        }
        return error;
    case WAY_FRACTION:
        error = chek_ffd_fvln_read(element->value, &number, &decimals);
        break;
    case WAY_TIME:
        error = time_read(element->value, &number);
        break;
    case WAY_SIGN:
        error = sign_read(element->value, &number);
        break;
    case WAY_NUMBER:
        error = chek_ffd_vln_read(element->value, &number);
        break;
    }
    return error == CHEK_OK ? number_put(maker, step->slot, number, decimals) : error;
}

/* ---- the whole -------------------------------------------------------------------------------- */

static int
elements_gather(struct chek_ffd_maker *maker, const struct chek_ffd_found *found,
                struct chek_fault *fault, char why[CHEK_FFD_WHY_SIZE])
{
    struct chek_ffd_walk walk;
    struct chek_ffd_element element;
    int error = CHEK_OK;
    chek_ffd_walk_begin(&walk, found->elements);
    while (chek_ffd_walk_next(&walk, &element)) {
        if (element.known == NULL) {
            continue;
        }
        error = element_put(maker, &element,
                            element.parent != NULL ? element.parent->inside
                                                   : (uint32_t)CHEK_FFD_IN_DOCUMENT);
        if (error == CHEK_OK && maker->raw.is_close) {
            error = chek_ffd_counters_take(&maker->raw.counted, &element);
        }
        if (error != CHEK_OK) {
            (void)chek_ffd_walk_stop(&walk, error, element.at, element.tag);
            break;
        }
    }
    error = walk.error;
    if (error != CHEK_OK) {
        *fault = (struct chek_fault){.code = error, .at = found->elements_at + walk.at};
        (void)snprintf(why, CHEK_FFD_WHY_SIZE, "tag %u at byte %zu: %s", walk.tag, fault->at,
                       chek_error_text(error));
    }
    return error;
}

/* What a container says of its document must be what the document says. */
static int
container_check(struct chek_ffd_maker *maker, const struct chek_ffd_found *found,
                struct chek_fault *fault, char why[CHEK_FFD_WHY_SIZE])
{
    uint64_t drive = 0;
    uint64_t number = 0;
    const struct ingest__fns_value *fields = maker->raw.fields;
    if (!found->contained) {
        return CHEK_OK;
    }
    bool same =
        chek_decimal_read_u64(fields[FNS_DRIVE].text, &drive) == CHEK_OK && drive == found->drive;
    uint16_t field = CHEK_FIELD_RECEIPT_FISCAL_DRIVE;
    if (same) {
        field = CHEK_FIELD_RECEIPT_DOCUMENT;
        same = ingest__fns_number(&fields[FNS_DOCUMENT], UINT32_MAX, &number) == CHEK_OK &&
               (number & DRIVE_NUMBER_MASK) == found->number;
    }
    if (same) {
        return CHEK_OK;
    }
    (void)snprintf(why, CHEK_FFD_WHY_SIZE, "the container is of another %s",
                   field == CHEK_FIELD_RECEIPT_DOCUMENT ? "document" : "fiscal drive");
    return ingest__fns_fault(fault, CHEK_E_RANGE, field, 0);
}

static bool
form_of(uint16_t code, struct ingest__fns_raw *raw)
{
    raw->is_close = code == CHEK_FFD_SHIFT_CLOSE;
    switch (code) {
    case CHEK_FFD_RECEIPT:
        raw->form = CHEK_FORM_RECEIPT;
        return true;
    case CHEK_FFD_STRICT_FORM:
        raw->form = CHEK_FORM_STRICT_FORM;
        return true;
    case CHEK_FFD_CORRECTION:
        raw->form = CHEK_FORM_CORRECTION;
        return true;
    case CHEK_FFD_STRICT_FORM_CORRECTION:
        raw->form = CHEK_FORM_STRICT_FORM_CORRECTION;
        return true;
    default:
        return raw->is_close;
    }
}

static int
kept_make(struct chek_ffd_maker *maker, struct chek_ffd_made *made, struct chek_fault *fault)
{
    int error = ingest__fns_document(&maker->raw, &maker->arena, &made->document, fault);
    return error == CHEK_OK ? chek_document_check(&made->document, &made->warnings, fault) : error;
}

/*
 * A report's number, as far as it says whose it is (R10). A registration has to say it, for what it
 * says of the register is taken.
 */
static int
report_make(struct chek_ffd_maker *maker, uint16_t code, struct chek_ffd_made *made,
            struct chek_fault *fault)
{
    struct chek_fault silent;
    maker->raw.report = (uint8_t)code;
    made->registers = code == CHEK_FFD_REGISTRATION || code == CHEK_FFD_REREGISTRATION;
    made->noted =
        ingest__fns_is_report(&maker->raw) &&
        ingest__fns_report(&maker->raw, &maker->arena, &made->document, &silent) == CHEK_OK;
    if (!made->registers || made->noted) {
        return CHEK_OK;
    }
    int error = ingest__fns_register(&maker->raw, &maker->arena, &made->document, fault);
    return error == CHEK_OK ? chek_register_check(made->document.profile, fault) : error;
}

int
chek_ffd_make(struct chek_ffd_maker *maker, const struct chek_ffd_found *found,
              struct chek_ffd_made *ret, struct chek_fault *fault, char why[CHEK_FFD_WHY_SIZE])
{
    const struct chek_ffd_kind *kind = chek_ffd_kind_find(found->code);
    struct chek_ffd_made made = {0};
    why[0] = 0;
    if (kind == NULL) {
        (void)snprintf(why, CHEK_FFD_WHY_SIZE, "there is no document of code %u", found->code);
        return ingest__fns_fault(fault, CHEK_E_RANGE, 0, 0);
    }
    chek_arena_reset(&maker->arena);
    ingest__fns_begin(&maker->raw);
    made.name = kind->name;
    made.kept = form_of(found->code, &maker->raw);
    int error = CHEK_OK;
    if (found->elements.size > kind->size_max) {
        error = ingest__fns_fault(fault, CHEK_E_LIMIT, 0, 0);
    }
    if (error == CHEK_OK) {
        error = elements_gather(maker, found, fault, why);
    }
    if (error == CHEK_OK) {
        error = container_check(maker, found, fault, why);
    }
    if (error == CHEK_OK && made.kept) {
        error = kept_make(maker, &made, fault);
    } else if (error == CHEK_OK) {
        error = report_make(maker, found->code, &made, fault);
    }
    if (error != CHEK_OK) {
        if (why[0] == 0) {
            (void)snprintf(why, CHEK_FFD_WHY_SIZE, "%s", chek_error_text(error));
        }
        return error;
    }
    *ret = made;
    return CHEK_OK;
}
