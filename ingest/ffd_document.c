/* SPDX-License-Identifier: MIT */
#include "ingest/ffd_document.h"

#include <errno.h>
#include <stdio.h>

#include "engine/base/decimal.h"
#include "engine/base/memory.h"
#include "engine/fiscal/check.h"
#include "ingest/ffd_counters.h"
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

/* Places whose elements JSON has as members of a receipt; others are passed over. */
static const struct {
    uint32_t place;
    enum ingest__fns_level level;
} rows[] = {
    {CHEK_FFD_IN_DOCUMENT, LEVEL_RECEIPT},
    {CHEK_FFD_IN_BUYER, LEVEL_BUYER},
    {CHEK_FFD_IN_LINE, LEVEL_ITEM},
    {CHEK_FFD_IN_VAT, LEVEL_AMOUNT},
};
#define ROW_COUNT CHEK_COUNT(rows)

struct chek_ffd_maker {
    struct chek_arena arena;
    struct chek_ffd_counters counters; /* of a close */
    struct ingest__fns_slot gtin;
    struct ingest__fns_slot slots[ROW_COUNT][CHEK_FFD_TAG_COUNT]; /* by place and tag */
    struct ingest__fns_raw raw;
};

/* Names are looked up once, for the elements of every document. */
static void
slots_make(struct chek_ffd_maker *maker)
{
    struct ingest__fns_names names;
    ingest__fns_names_make(&names);
    for (size_t i = 0; i < ROW_COUNT; i++) {
        for (size_t tag = 0; tag < CHEK_FFD_TAG_COUNT; tag++) {
            const struct chek_ffd_tag *known = &chek_ffd_tags[tag];
            maker->slots[i][tag] = (struct ingest__fns_slot){SLOT_NONE, 0};
            if ((known->places & rows[i].place) != 0) {
                maker->slots[i][tag] =
                    ingest__fns_slot_find(&names, rows[i].level, chek_bytes_view_text(known->name));
            }
        }
    }
    maker->gtin = ingest__fns_slot_find(&names, LEVEL_BARCODE, chek_bytes_view_text("gtin"));
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
    slots_make(maker);
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

/* A number without zeros at the end of its fraction. */
static int
decimal_make(uint64_t number, unsigned decimals, struct ingest__fns_value *ret)
{
    if (number > INT64_MAX) {
        return CHEK_E_RANGE;
    }
    while (decimals > 0 && number % 10 == 0) {
        number /= 10;
        decimals -= 1;
    }
    *ret = (struct ingest__fns_value){
        .type = FNS_DECIMAL, .number = (int64_t)number, .decimals = (uint8_t)decimals};
    return CHEK_OK;
}

static int
number_read(const struct chek_ffd_element *element, struct ingest__fns_value *ret)
{
    uint64_t number = 0;
    unsigned decimals = 0;
    int error = CHEK_OK;
    if (element->tag == TAG_SIGN) {
        /* The printed number is the last four bytes, the highest first. */
        error = element->value.size == SIGN_SIZE ? CHEK_OK : CHEK_E_RANGE;
        for (size_t i = 2; error == CHEK_OK && i < SIGN_SIZE; i++) {
            number = number << 8 | element->value.bytes[i];
        }
    } else if (element->known->type == CHEK_FFD_FVLN) {
        error = chek_ffd_fvln_read(element->value, &number, &decimals);
    } else {
        error = chek_ffd_vln_read(element->value, &number);
    }
    if (error == CHEK_OK && element->known->type == CHEK_FFD_TIME &&
        (number < CIVIL_FIRST || number > CIVIL_LAST)) {
        error = CHEK_E_DATE;
    }
    return error == CHEK_OK ? decimal_make(number, decimals, ret) : error;
}

static int
value_read(const struct chek_ffd_element *element, struct chek_arena *arena,
           struct ingest__fns_value *ret)
{
    struct chek_bytes_view text;
    if (element->known->type != CHEK_FFD_TEXT) {
        return number_read(element, ret);
    }
    int error = chek_ffd_text_read(element->value, arena, &text);
    if (error == CHEK_OK) {
        *ret = (struct ingest__fns_value){.text = text, .type = FNS_STRING};
    }
    return error;
}

static void
value_put(struct chek_ffd_maker *maker, struct ingest__fns_slot slot,
          const struct ingest__fns_value *value)
{
    struct ingest__fns_value *to = ingest__fns_target(&maker->raw, slot);
    if (to != NULL) {
        *to = *value;
    }
}

/* Tag 1162 as JSON has it: hexadecimal digits, so that the code becomes the same text. */
static int
old_code_put(struct chek_ffd_maker *maker, const struct chek_ffd_element *element,
             struct ingest__fns_slot slot)
{
    static const char digits[] = "0123456789ABCDEF";
    struct chek_bytes_view value = element->value;
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
    value_put(maker, slot,
              &(struct ingest__fns_value){.text = chek_bytes_view_of(text, 2 * value.size),
                                          .type = FNS_STRING});
    return CHEK_OK;
}

/* An element of tag 1163: a marking code, or the number of a product alone. */
static int
code_put(struct chek_ffd_maker *maker, const struct chek_ffd_element *element)
{
    struct ingest__fns_value value;
    int error = value_read(element, &maker->arena, &value);
    if (error != CHEK_OK) {
        return error;
    }
    if (element->tag >= TAG_EAN_8 && element->tag <= TAG_ITF_14) {
        value_put(maker, maker->gtin, &value);
    } else if (value.text.size != 0) {
        ingest__fns_marking_add(&maker->raw, value.text);
    }
    return CHEK_OK;
}

/* Whether JSON has the value of this element as one, and not as an object or as bytes. Other times
 * may be none at all: that of the first document not sent is zero mostly. */
static bool
is_value(const struct chek_ffd_element *element)
{
    switch (element->known->type) {
    case CHEK_FFD_NESTED:
        return false;
    case CHEK_FFD_BYTES:
        return element->tag == TAG_SIGN;
    case CHEK_FFD_TIME:
        return element->tag == TAG_TIME;
    default:
        return true;
    }
}

/* Put an element where the receipt's JSON would have its value. */
static int
element_put(struct chek_ffd_maker *maker, const struct chek_ffd_element *element)
{
    struct ingest__fns_value value;
    uint32_t place =
        element->parent != NULL ? element->parent->inside : (uint32_t)CHEK_FFD_IN_DOCUMENT;
    size_t row = 0;
    switch (element->tag) {
    case TAG_LINE:
    case TAG_STORNO:
        ingest__fns_line_begin(&maker->raw, &maker->arena, element->tag == TAG_STORNO);
        return CHEK_OK;
    case TAG_VAT:
        maker->raw.amount_count += maker->raw.amount_count <= FNS_AMOUNT_COUNT_MAX;
        return CHEK_OK;
    default:
        break;
    }
    if (place == CHEK_FFD_IN_CODE) {
        return code_put(maker, element);
    }
    while (row < ROW_COUNT && rows[row].place != place) {
        row += 1;
    }
    if (row == ROW_COUNT) {
        return CHEK_OK;
    }
    struct ingest__fns_slot slot = maker->slots[row][element->tag - CHEK_FFD_TAG_FIRST];
    if (element->tag == TAG_CODE) {
        return old_code_put(maker, element, slot);
    }
    if (!is_value(element)) {
        return CHEK_OK;
    }
    int error = value_read(element, &maker->arena, &value);
    if (error == CHEK_OK) {
        value_put(maker, slot, &value);
    }
    return error;
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
    while (error == CHEK_OK && chek_ffd_walk_next(&walk, &element)) {
        if (element.known != NULL) {
            error = element_put(maker, &element);
            if (error == CHEK_OK && maker->raw.is_close) {
                error = chek_ffd_counters_take(&maker->counters, &element);
            }
            walk.tag = element.tag;
            walk.at = element.at;
        }
    }
    error = error != CHEK_OK ? error : walk.error;
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

/* The counters of a close are what its register says that it counted. (C1) */
static int
figures_put(struct chek_ffd_maker *maker, struct chek_document *document)
{
    struct chek_close *close = chek_arena_take(&maker->arena, sizeof *close);
    if (close == NULL) {
        return CHEK_E_LIMIT;
    }
    *close = *document->close;
    document->close = close;
    return chek_ffd_counters_figures(&maker->counters, close->time, &maker->arena, &close->figures);
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
    memset(&maker->counters, 0, sizeof maker->counters);
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
        error = ingest__fns_document(&maker->raw, &maker->arena, &made.document, fault);
        if (error == CHEK_OK && made.document.close != NULL) {
            error = figures_put(maker, &made.document);
        }
        if (error == CHEK_OK) {
            error = chek_document_check(&made.document, &made.warnings, fault);
        }
    }
    made.registers = found->code == CHEK_FFD_REGISTRATION || found->code == CHEK_FFD_REREGISTRATION;
    if (error == CHEK_OK && made.registers) {
        error = ingest__fns_register(&maker->raw, &maker->arena, &made.document, fault);
        if (error == CHEK_OK) {
            error = chek_register_check(made.document.profile, fault);
        }
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
