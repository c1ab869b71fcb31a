/* SPDX-License-Identifier: MIT */
/*
 * cpcr_nomenclature.c - NOMENCLATURE: a register fetches what is sold, or looks for a bar code.
 */
#include "ingest/cpcr/cpcr_nomenclature.h"

#include <string.h>

#include "engine/base/civil.h"

#define MINOR 100
#define ELEMENT_COUNT_MAX 4096 /* of protocol.def */
#define SLOT_COUNT (2 * ELEMENT_COUNT_MAX)
#define SLOT_SHIFT 51 /* 64 - 13: a hash of SLOT_COUNT values */

/* An element in the register's form, and all that it points to but its taxes. */
struct element {
    Ingest__NomenclatureElement element;
    Ingest__NomenclatureItem item;
    Ingest__Money purchase_price, sell_price, discount_sum, markup_sum;
};

/* ---- elements --------------------------------------------------------------------------------- */

static void
text_set(protobuf_c_boolean *has, ProtobufCBinaryData *data, struct chek_bytes_view text)
{
    *has = text.size != 0;
    *data = (ProtobufCBinaryData){text.size, (uint8_t *)(uintptr_t)text.bytes};
}

static Ingest__Money *
money_make(Ingest__Money *money, int64_t minor)
{
    if (minor == 0) {
        return NULL;
    }
    ingest__money__init(money);
    money->has_bills = money->has_coins = 1;
    money->bills = (uint64_t)(minor / MINOR);
    money->coins = (uint32_t)(minor % MINOR);
    return money;
}

static bool
taxes_make(const struct chek_nomenclature_element *from, struct chek_arena *arena,
           Ingest__NomenclatureItem *to)
{
    if (from->taxes_count == 0) {
        return true;
    }
    Ingest__NomenclatureTax *taxes = chek_arena_take(arena, from->taxes_count * sizeof *taxes);
    to->taxes = chek_arena_take(arena, from->taxes_count * sizeof(void *));
    if (taxes == NULL || to->taxes == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < from->taxes_count; i++) {
        ingest__nomenclature_tax__init(&taxes[i]);
        taxes[i].has_taxation_type = taxes[i].has_tax_type = taxes[i].has_tax_percent = 1;
        taxes[i].taxation_type = from->taxes[i].taxation_type;
        taxes[i].tax_type = from->taxes[i].tax_type;
        taxes[i].tax_percent = from->taxes[i].tax_percent;
        to->taxes[to->n_taxes++] = &taxes[i];
    }
    return true;
}

static void
item_make(const struct chek_nomenclature_element *from, struct element *to)
{
    Ingest__NomenclatureItem *item = &to->item;
    ingest__nomenclature_item__init(item);
    text_set(&item->has_article, &item->article, from->article);
    text_set(&item->has_barcode, &item->barcode, from->barcode);
    text_set(&item->has_description, &item->description, from->description);
    text_set(&item->has_measure_title, &item->measure_title, from->measure_title);
    text_set(&item->has_measure_unit_code, &item->measure_unit_code, from->measure_unit);
    text_set(&item->has_ntin, &item->ntin, from->ntin);
    item->purchase_price = money_make(&to->purchase_price, from->purchase_price);
    item->sell_price = money_make(&to->sell_price, from->sell_price);
    item->discount_sum = money_make(&to->discount_sum, from->discount_sum);
    item->markup_sum = money_make(&to->markup_sum, from->markup_sum);
    item->has_discount_percent = from->discount_percent != 0;
    item->discount_percent = from->discount_percent;
    item->has_markup_percent = from->markup_percent != 0;
    item->markup_percent = from->markup_percent;
    item->has_measure_count = from->measure_count != 0;
    item->measure_count = from->measure_count;
    item->has_measure_fractional = item->measure_fractional = from->measure_fractional;
    item->has_is_markedeac = item->is_markedeac = from->marked;
    item->has_is_social = item->is_social = from->social;
}

/* NULL: no memory. */
static Ingest__NomenclatureElement *
element_make(const struct chek_nomenclature_element *from, struct chek_arena *arena)
{
    struct element *to = chek_arena_take(arena, sizeof *to);
    if (to == NULL) {
        return NULL;
    }
    Ingest__NomenclatureElement *element = &to->element;
    ingest__nomenclature_element__init(element);
    element->has_type = element->has_id = 1;
    element->type = from->kind == CHEK_NOMENCLATURE_KIND_GROUP
                        ? INGEST__NOMENCLATURE_ELEMENT_TYPE__ELEMENT_GROUP
                        : INGEST__NOMENCLATURE_ELEMENT_TYPE__ELEMENT_ITEM;
    element->id = from->id;
    element->has_parent_group_id = from->parent != 0;
    element->parent_group_id = from->parent;
    text_set(&element->has_title, &element->title, from->title);
    text_set(&element->has_title_kk, &element->title_kk, from->title_kk);
    if (from->kind == CHEK_NOMENCLATURE_KIND_ITEM) {
        item_make(from, to);
        element->item = &to->item;
        return taxes_make(from, arena, &to->item) ? element : NULL;
    }
    return element;
}

/* ---- the check -------------------------------------------------------------------------------- */

/* Elements by their ids: places in the list + 1, open addressing. */
struct places {
    const struct chek_nomenclature *what;
    uint16_t slots[SLOT_COUNT];
};
_Static_assert(UINT64_C(1) << (64 - SLOT_SHIFT) == SLOT_COUNT, "a hash is a slot");

/* The slot of an id: the element that has it, or 0 where it would stand. */
static uint16_t *
slot_of(struct places *places, uint64_t id)
{
    size_t at = (size_t)((id * UINT64_C(0x9e3779b97f4a7c15)) >> SLOT_SHIFT);
    while (places->slots[at] != 0 && places->what->elements[places->slots[at] - 1].id != id) {
        at = (at + 1) % SLOT_COUNT;
    }
    return &places->slots[at];
}

/* Errors: as chek_cpcr_nomenclature_check(), of one element and those before it. */
static int
element_check(struct places *places, uint32_t index, struct chek_fault *fault)
{
    const struct chek_nomenclature_element *element = &places->what->elements[index];
    fault->field = CHEK_FIELD_NOMENCLATURE_ELEMENT_TITLE;
    if (element->title.size == 0) {
        return CHEK_E_FIELD_MISSING;
    }
    if (element->parent != 0) {
        uint16_t place = *slot_of(places, element->parent);
        fault->field = CHEK_FIELD_NOMENCLATURE_ELEMENT_PARENT;
        if (place == 0 || places->what->elements[place - 1].kind != CHEK_NOMENCLATURE_KIND_GROUP) {
            return CHEK_E_NOT_FOUND;
        }
    }
    fault->field = CHEK_FIELD_NOMENCLATURE_ELEMENT_ID;
    if (element->id == 0) {
        return CHEK_E_RANGE;
    }
    uint16_t *slot = slot_of(places, element->id);
    if (*slot != 0) {
        return CHEK_E_EXISTS;
    }
    *slot = (uint16_t)(index + 1);
    return CHEK_OK;
}

/* Bytes of an element inside of the answer: a key, a size, itself. Without memory more than fit. */
static size_t
element_size(const struct chek_nomenclature_element *from, struct chek_arena *arena)
{
    size_t mark = chek_arena_mark(arena);
    const Ingest__NomenclatureElement *made = element_make(from, arena);
    if (made == NULL) {
        return CHEK_CPCR_NOMENCLATURE_SIZE_MAX + 1;
    }
    size_t size = ingest__nomenclature_element__get_packed_size(made);
    chek_arena_rewind(arena, mark);
    return size + (size < 128 ? 2U : size < 16384 ? 3U : 4U);
}

int
chek_cpcr_nomenclature_check(const struct chek_nomenclature *what, struct chek_arena *arena,
                             struct chek_fault *fault)
{
    struct places *places = chek_arena_take(arena, sizeof *places);
    size_t size = 0;
    *fault = (struct chek_fault){.field = CHEK_FIELD_NOMENCLATURE_ELEMENTS};
    if (places == NULL || what->elements_count > ELEMENT_COUNT_MAX) {
        return CHEK_E_LIMIT;
    }
    memset(places, 0, sizeof *places);
    places->what = what;
    for (uint32_t i = 0; i < what->elements_count; i++) {
        fault->index = (uint16_t)i;
        int error = element_check(places, i, fault);
        if (error != CHEK_OK) {
            return error;
        }
        size += element_size(&what->elements[i], arena);
        if (size > CHEK_CPCR_NOMENCLATURE_SIZE_MAX) {
            *fault = (struct chek_fault){.field = CHEK_FIELD_NOMENCLATURE_ELEMENTS};
            return CHEK_E_LIMIT;
        }
    }
    return CHEK_OK;
}

/* ---- the exchange ----------------------------------------------------------------------------- */

void
ingest__cpcr_goods_take(const Ingest__NomenclatureRequest *asked, struct chek_cpcr_goods *ret)
{
    *ret = (struct chek_cpcr_goods){.version = asked->current_version,
                                    .has_barcode = asked->barcode.len != 0};
    if (asked->barcode.len != 0 && asked->barcode.len <= sizeof ret->barcode) {
        ret->barcode_size = (uint8_t)asked->barcode.len;
        memcpy(ret->barcode, asked->barcode.data, asked->barcode.len);
    }
}

static bool
created_make(int64_t created, struct chek_arena *arena, Ingest__NomenclatureResponse *to)
{
    struct when {
        Ingest__DateTime when;
        Ingest__Date date;
        Ingest__Time time;
    } *made = chek_arena_take(arena, sizeof *made);
    struct chek_civil_parts at = chek_civil_to_parts(created);
    if (made == NULL) {
        return false;
    }
    ingest__date_time__init(&made->when);
    ingest__date__init(&made->date);
    ingest__time__init(&made->time);
    made->date.has_year = made->date.has_month = made->date.has_day = 1;
    made->date.year = (uint32_t)at.year;
    made->date.month = at.month;
    made->date.day = at.day;
    made->time.has_hour = made->time.has_minute = made->time.has_second = 1;
    made->time.hour = at.hour;
    made->time.minute = at.minute;
    made->time.second = at.second;
    made->when.date = &made->date;
    made->when.time = &made->time;
    to->created_time = &made->when;
    return true;
}

/* Whether an element is part of the answer. */
static bool
is_asked(const struct chek_cpcr_goods *asked, const struct chek_nomenclature_element *element)
{
    return !asked->has_barcode ||
           (asked->barcode_size != 0 && element->kind == CHEK_NOMENCLATURE_KIND_ITEM &&
            chek_bytes_view_equal(element->barcode,
                                  chek_bytes_view_of(asked->barcode, asked->barcode_size)));
}

static bool
elements_make(const struct chek_cpcr_goods *asked, const struct chek_nomenclature *held,
              struct chek_arena *arena, Ingest__NomenclatureResponse *to)
{
    to->elements = chek_arena_take(arena, held->elements_count * sizeof(void *));
    if (to->elements == NULL) {
        return false;
    }
    for (uint32_t i = 0; i < held->elements_count; i++) {
        if (!is_asked(asked, &held->elements[i])) {
            continue;
        }
        Ingest__NomenclatureElement *made = element_make(&held->elements[i], arena);
        if (made == NULL) {
            return false;
        }
        to->elements[to->n_elements++] = made;
    }
    return true;
}

Ingest__NomenclatureResponse *
ingest__cpcr_goods_answer(const struct chek_cpcr_goods *asked, const struct chek_nomenclature *held,
                          struct chek_arena *arena)
{
    Ingest__NomenclatureResponse *to = chek_arena_take(arena, sizeof *to);
    if (to == NULL) {
        return NULL;
    }
    ingest__nomenclature_response__init(to);
    to->has_version = to->has_result = 1;
    if (held == NULL) {
        to->result = INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_NO_VERSION;
        return to;
    }
    to->version = held->version;
    if (held->created != 0 && !created_make(held->created, arena, to)) {
        return NULL;
    }
    if (!asked->has_barcode && asked->version == held->version) {
        to->result = INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_VERSION_IS_ACTUAL;
        return to;
    }
    if (!elements_make(asked, held, arena, to)) {
        return NULL;
    }
    to->result = to->n_elements != 0
                     ? INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_OK
                     : INGEST__NOMENCLATURE_RESULT__NOMENCLATURE_ELEMENT_NOT_FOUND_BY_BARCODE;
    return to;
}
